/* uri.h - URI references and query strings, as Go's net/url reads and writes them. */
#pragma once
#include "base/buf.h"
#include "base/why.h"

/* Parts that are absent are empty. In the arena, or slices of the text. */
struct uri {
	struct slice scheme, hostname, port, path, raw_path, raw_query, fragment;
	struct slice written_path;	/* as it stands in the text */
};

/* E_MALFORMED uri.malformed with Go's text: `parse "...": missing protocol scheme`. */
RC uri_parse(struct arena *a, struct slice s, struct uri *out, struct why *w);

/* Form encoding: letters, digits and -_.~ stay, a space is a plus sign. */
void uri_query_escape(struct buf *b, struct slice s);
/* E_MALFORMED uri.escape. */
RC uri_query_unescape(struct arena *a, struct slice s, struct slice *out, struct why *w);
