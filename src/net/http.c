#include "net/http.h"

#include <strings.h>

#include "base/num.h"
#include "base/utf8.h"

static bool same_name(struct slice a, const char *b)
{
	return a.n == strlen(b) && strncasecmp((const char *)a.p, b, a.n) == 0;
}

struct slice http_header(const struct http_request *r, const char *name)
{
	for (size_t i = 0; i < r->headers; i++)
		if (same_name(r->header[i].name, name))
			return r->header[i].value;
	return (struct slice){NULL, 0};
}

struct slice http_cookie(const struct http_request *r, const char *name)
{
	size_t len = strlen(name);
	struct slice found = {NULL, 0};
	unsigned times = 0;

	for (size_t i = 0; i < r->headers; i++) {
		struct slice v = r->header[i].value;
		size_t at = 0;

		if (!same_name(r->header[i].name, "cookie"))
			continue;
		while (at < v.n) {
			const uint8_t *semi = memchr(v.p + at, ';', v.n - at);
			size_t end = semi ? (size_t)(semi - v.p) : v.n;

			while (at < end && v.p[at] == ' ')
				at++;
			if (end - at > len && memcmp(v.p + at, name, len) == 0 && v.p[at + len] == '=') {
				struct slice value = slice_sub(v, at + len + 1, end - at - len - 1);

				if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"')
					value = slice_sub(value, 1, value.n - 2);
				found = value;
				times++;
			}
			at = end + 1;
		}
	}
	return times == 1 ? found : (struct slice){NULL, 0};
}

struct slice http_bearer(const struct http_request *r)
{
	struct slice v = http_header(r, "authorization");
	unsigned times = 0;

	for (size_t i = 0; i < r->headers; i++)
		times += same_name(r->header[i].name, "authorization");
	if (times != 1 || v.n <= 7 || strncasecmp((const char *)v.p, "Bearer ", 7) != 0)
		return (struct slice){NULL, 0};
	return slice_sub(v, 7, v.n);
}

void http_response_header(struct http_response *r, const char *name, const char *value)
{
	if (r->headers < COUNT_OF(r->header) && name && value)
		r->header[r->headers++] = (struct http_header){slice_cstr(name), slice_cstr(value)};
}

const char *http_reason(int status)
{
	static const struct {
		int status;
		const char *reason;
	} row[] = {{100, "Continue"}, {200, "OK"}, {204, "No Content"}, {400, "Bad Request"}, {401, "Unauthorized"}, {403, "Forbidden"},
		   {404, "Not Found"}, {405, "Method Not Allowed"}, {408, "Request Timeout"}, {409, "Conflict"}, {413, "Content Too Large"},
		   {414, "URI Too Long"}, {415, "Unsupported Media Type"}, {417, "Expectation Failed"}, {421, "Misdirected Request"},
		   {429, "Too Many Requests"}, {431, "Request Header Fields Too Large"}, {500, "Internal Server Error"}, {501, "Not Implemented"},
		   {503, "Service Unavailable"}, {505, "HTTP Version Not Supported"}};

	for (size_t i = 0; i < COUNT_OF(row); i++)
		if (row[i].status == status)
			return row[i].reason;
	return "Unknown";
}

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes percent signs (and '+' in a query). false: a broken encoding, or a control character. */
static bool decode(struct arena *a, struct slice in, bool form, struct slice *out)
{
	uint8_t *p = arena_alloc(a, in.n + 1);
	size_t n = 0;

	if (!p)
		return false;
	for (size_t i = 0; i < in.n; i++) {
		uint8_t c = in.p[i];

		if (c == '%') {
			int hi = i + 2 < in.n ? hex_digit(in.p[i + 1]) : -1, lo = i + 2 < in.n ? hex_digit(in.p[i + 2]) : -1;

			if (hi < 0 || lo < 0)
				return false;
			c = (uint8_t)(hi << 4 | lo);
			i += 2;
		} else if (form && c == '+') {
			c = ' ';
		}
		if (c < 0x20 || c == 0x7f)
			return false;
		p[n++] = c;
	}
	p[n] = 0;
	*out = (struct slice){p, n};
	return utf8_valid(*out);
}

static rc add_segment(struct http_request *r, struct slice raw, struct why *w)
{
	struct slice s;

	if (!decode(r->arena, raw, false, &s))
		return deny(w, E_MALFORMED, "http.path.encoding", "the path has a broken or forbidden percent-encoding");
	if (s.n == 0)
		return deny(w, E_MALFORMED, "http.path.empty", "the path has an empty segment");
	if (slice_is(s, ".") || slice_is(s, ".."))
		return deny(w, E_MALFORMED, "http.path.dots", "the path has a segment of dots");
	if (memchr(s.p, '/', s.n) || memchr(s.p, '\\', s.n))
		return deny(w, E_MALFORMED, "http.path.slash", "a segment of the path holds a slash or a backslash");
	if (r->segments == HTTP_SEGMENTS_MAX)
		return deny(w, E_MALFORMED, "http.path.long", "the path has more than %u segments", HTTP_SEGMENTS_MAX);
	r->segment[r->segments++] = s;
	return rc_of(OK);
}

static rc read_query(struct http_request *r, struct slice q, struct why *w)
{
	struct json *o = json_new_object(r->arena);

	if (!o)
		return deny(w, E_LIMIT, "http.memory", "no room for the query");
	for (size_t at = 0; q.n && at <= q.n;) {
		const uint8_t *amp = memchr(q.p + at, '&', q.n - at), *eq;
		size_t end = amp ? (size_t)(amp - q.p) : q.n;
		struct slice pair = slice_sub(q, at, end - at), name, value;

		at = end + 1;
		if (!pair.n)
			continue;
		eq = memchr(pair.p, '=', pair.n);
		if (!decode(r->arena, slice_sub(pair, 0, eq ? (size_t)(eq - pair.p) : pair.n), true, &name) ||
		    !decode(r->arena, eq ? slice_sub(pair, (size_t)(eq - pair.p) + 1, pair.n) : (struct slice){(const uint8_t *)"", 0}, true,
			    &value))
			return deny(w, E_MALFORMED, "http.query.encoding", "the query has a broken or forbidden percent-encoding");
		if (json_get_slice(o, name))
			return deny(w, E_MALFORMED, "http.query.duplicate", "a parameter of the query stands twice");
		if (o->n == HTTP_QUERY_MAX)
			return deny(w, E_MALFORMED, "http.query.long", "the query has more than %u parameters", HTTP_QUERY_MAX);
		json_set_slice(r->arena, o, name, json_new_str(r->arena, value));
	}
	r->query = o;
	return !arena_bad(r->arena) ? rc_of(OK) : deny(w, E_LIMIT, "http.memory", "no room for the query");
}

rc http_target(struct http_request *r, struct why *w)
{
	const uint8_t *mark = memchr(r->target.p, '?', r->target.n);
	struct slice path = slice_sub(r->target, 0, mark ? (size_t)(mark - r->target.p) : r->target.n);
	struct buf whole = buf_in(r->arena, HTTP_HEAD_MAX);

	r->segments = 0;
	if (path.n == 0 || path.p[0] != '/')
		return deny(w, E_MALFORMED, "http.path.form", "the target is not a path");
	if (memchr(r->target.p, '#', r->target.n))
		return deny(w, E_MALFORMED, "http.path.fragment", "the target has a fragment");
	for (size_t at = 1; path.n > 1 && at <= path.n;) {
		const uint8_t *slash = memchr(path.p + at, '/', path.n - at);
		size_t end = slash ? (size_t)(slash - path.p) : path.n;

		TRY(add_segment(r, slice_sub(path, at, end - at), w));
		at = end + 1;
	}
	for (size_t i = 0; i < r->segments; i++) {
		buf_putc(&whole, '/');
		buf_slice(&whole, r->segment[i]);
	}
	if (!r->segments)
		buf_putc(&whole, '/');
	if (!buf_cstr(&whole))
		return deny(w, E_LIMIT, "http.memory", "no room for the path");
	r->path = buf_view(&whole);
	return read_query(r, mark ? slice_sub(r->target, (size_t)(mark - r->target.p) + 1, r->target.n) : (struct slice){0}, w);
}
