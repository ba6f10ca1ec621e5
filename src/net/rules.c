#include "net/rules.h"

#include <strings.h>

#include "base/num.h"

bool http_is_tchar(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c && strchr("!#$%&'*+-.^_`|~", c));
}

bool http_is_token(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!http_is_tchar(s.p[i]))
			return false;
	return s.n > 0;
}

bool http_is_field_value(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((s.p[i] < 0x20 && s.p[i] != '\t') || s.p[i] == 0x7f)
			return false;
	return true;
}

bool http_same_name(struct slice a, const char *b)
{
	return a.n == strlen(b) && strncasecmp((const char *)a.p, b, a.n) == 0;
}

unsigned http_header_count(const struct http_request *r, const char *name)
{
	unsigned n = 0;

	for (size_t i = 0; i < r->headers; i++)
		n += http_same_name(r->header[i].name, name);
	return n;
}

bool http_content_length(struct slice v, size_t *out)
{
	size_t n = 0;

	if (v.n == 0 || v.n > 19)
		return false;
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] < '0' || v.p[i] > '9' || !num_mul(n, 10, &n) || !num_add(n, (size_t)(v.p[i] - '0'), &n))
			return false;
	*out = n;
	return n <= INT64_MAX;
}

int http_add_header(struct http_request *r, struct slice name, struct slice value, const char **reason)
{
	if (r->headers == HTTP_HEADERS_MAX) {
		*reason = "http.headers";
		return 431;
	}
	r->header[r->headers++] = (struct http_header){name, value};
	return 0;
}

/* A host name with an optional port. */
static bool host_ok(struct slice v)
{
	for (size_t i = 0; i < v.n; i++) {
		uint8_t c = v.p[i];

		if (!((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || strchr("-._~:[]", c)) || c == 0)
			return false;
	}
	return v.n > 0;
}

int http_check_host(const struct http_request *r, const char **reason)
{
	unsigned hosts = http_header_count(r, "host");

	*reason = "http.host";
	if (hosts > 1 || (hosts == 0 && (r->major > 1 || r->minor == 1)) || (hosts && !host_ok(http_header(r, "host"))))
		return 400;
	*reason = "http.target";
	return slice_is(r->method, "CONNECT") ? 501 : 0;
}

int http_check_content(const struct http_request *r, bool *expects, const char **reason)
{
	struct slice v = http_header(r, "expect");

	*reason = "http.expect";
	*expects = v.p != NULL && (r->major > 1 || r->minor == 1);
	if (v.p && !http_same_name(v, "100-continue"))
		return 417;
	v = http_header(r, "content-encoding");
	*reason = "http.content-encoding";
	return v.p && !http_same_name(v, "identity") ? 415 : 0;
}

bool http_trailer_name(struct slice name)
{
	static const char *const never[] = {"content-length", "transfer-encoding", "host", "authorization", "cookie", "content-encoding",
					    "content-type", "trailer", "expect", "te", "connection"};

	for (size_t i = 0; i < COUNT_OF(never); i++)
		if (http_same_name(name, never[i]))
			return false;
	return http_is_token(name);
}
