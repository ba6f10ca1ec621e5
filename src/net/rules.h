/* rules.h - what a request head must be, whichever protocol version carried it. For the codecs only.
 *
 * A function that returns int gives 0, or the status of the refusal with *reason set.
 *
 * Threads: no state.
 */
#pragma once
#include "net/http.h"

#define HTTP_REQUEST_LINE_MAX ((size_t)8192)

bool http_is_tchar(uint8_t c);	/* RFC 9110 5.6.2 */
bool http_is_token(struct slice s);
/* No control characters but the tab. */
bool http_is_field_value(struct slice s);
bool http_same_name(struct slice a, const char *b);	/* without case */
unsigned http_header_count(const struct http_request *r, const char *name);
/* Digits only: no list, no sign, no blanks inside; at most INT64_MAX. */
bool http_content_length(struct slice v, size_t *out);
/* Adds a header; 431 when there are too many. */
int http_add_header(struct http_request *r, struct slice name, struct slice value, const char **reason);
/* One Host that a second reader cannot take for another; HTTP/1.0 needs none. CONNECT is not served. */
int http_check_host(const struct http_request *r, const char **reason);
/* Expect and Content-Encoding. *expects: the client waits for 100 (Continue). */
int http_check_content(const struct http_request *r, bool *expects, const char **reason);
/* May a field of that name stand behind the body? */
bool http_trailer_name(struct slice name);
