#include "net/http1.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/num.h"
#include "base/sys.h"
#include "net/rules.h"

enum state { IN_HEAD, IN_BODY, CHUNK_SIZE, CHUNK_DATA, CHUNK_CRLF, TRAILER, COMPLETE, REFUSED };

#define CHUNK_LINE_MAX	256u
#define TRAILER_MAX	4096u

struct http1 {
	struct http1_limits limits;
	enum state state;
	struct arena *arena;	/* of the message under way; NULL between messages */
	struct buf head, body;
	struct buf line;	/* chunk lines and trailers; never in the head, which the request points into */
	size_t first_line;	/* bytes of the request line; 0: not whole yet */
	size_t trailer_bytes;
	struct http_request *req;
	size_t left;		/* body or chunk bytes to come */
	size_t body_max;
	bool chunked, keep_alive, expects;
	int status;
	const char *refusal;
};

struct http1 *http1_new(const struct http1_limits *limits)
{
	struct http1 *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->limits = *limits;
	if (!h->limits.head_max)
		h->limits.head_max = HTTP_HEAD_MAX;
	if (!h->limits.body_max)
		h->limits.body_max = (size_t)2 << 20;
	return h;
}

void http1_free(struct http1 *h)
{
	if (h) {
		arena_free(h->arena);
		free(h);
	}
}

void http1_next(struct http1 *h)
{
	h->arena = NULL;	/* given away with the request */
	h->req = NULL;
	h->state = IN_HEAD;
}

struct http_request *http1_request(struct http1 *h)
{
	return h->req;
}

bool http1_keep_alive(const struct http1 *h)
{
	return h->keep_alive;
}

bool http1_started(const struct http1 *h)
{
	return h->arena != NULL;
}

bool http1_in_body(const struct http1 *h)
{
	return h->state == IN_BODY || h->state == CHUNK_SIZE || h->state == CHUNK_DATA || h->state == CHUNK_CRLF || h->state == TRAILER;
}

int http1_status(const struct http1 *h)
{
	return h->status;
}

const char *http1_refusal(const struct http1 *h)
{
	return h->refusal;
}

static enum http1_event refuse(struct http1 *h, int status, const char *reason)
{
	h->state = REFUSED;
	h->status = status;
	h->refusal = reason;
	h->keep_alive = false;
	return HTTP1_REFUSED;
}

/* ---- the head ---- */

/* "GET /path HTTP/1.1": one space each, nothing else. 0, or the status of the refusal. */
static int request_line(struct http1 *h, struct slice line)
{
	struct http_request *r = h->req;
	const uint8_t *first = memchr(line.p, ' ', line.n), *second;
	struct slice version;

	if (line.n > HTTP_REQUEST_LINE_MAX)
		return 414;
	if (!first || first == line.p)
		return 400;
	second = memchr(first + 1, ' ', (size_t)(line.p + line.n - first - 1));
	if (!second || second == first + 1)
		return 400;
	r->method = slice_of(line.p, (size_t)(first - line.p));
	r->target = slice_of(first + 1, (size_t)(second - first - 1));
	version = slice_of(second + 1, (size_t)(line.p + line.n - second - 1));
	if (!http_is_token(r->method))
		return 400;
	for (size_t i = 0; i < r->target.n; i++)
		if (r->target.p[i] <= 0x20 || r->target.p[i] >= 0x7f)
			return 400;
	if (version.n != 8 || memcmp(version.p, "HTTP/", 5) != 0 || version.p[6] != '.' || version.p[5] < '0' || version.p[5] > '9' ||
	    version.p[7] < '0' || version.p[7] > '9')
		return 400;
	r->major = (unsigned)(version.p[5] - '0');
	r->minor = (unsigned)(version.p[7] - '0');
	return r->major == 1 && r->minor <= 1 ? 0 : 505;
}

static int header_line(struct http1 *h, struct slice line, const char **reason)
{
	const uint8_t *colon = memchr(line.p, ':', line.n);
	struct http_request *r = h->req;
	struct slice name, value;

	if (!colon || colon == line.p)
		return 400;	/* no name; a line that begins with a space has no tchar there either */
	name = slice_of(line.p, (size_t)(colon - line.p));
	value = slice_of(colon + 1, (size_t)(line.p + line.n - colon - 1));
	if (!http_is_token(name) || !http_is_field_value(value))
		return 400;	/* also a space before the colon, and a folded line */
	while (value.n && (value.p[0] == ' ' || value.p[0] == '\t'))
		value = slice_sub(value, 1, value.n);
	while (value.n && (value.p[value.n - 1] == ' ' || value.p[value.n - 1] == '\t'))
		value.n--;
	return http_add_header(r, name, value, reason);
}

/* The next member of a comma list, trimmed; false at the end. */
static bool next_item(struct slice *list, struct slice *item)
{
	const uint8_t *comma = list->n ? memchr(list->p, ',', list->n) : NULL;

	if (!list->p)
		return false;
	*item = comma ? slice_of(list->p, (size_t)(comma - list->p)) : *list;
	*list = comma ? slice_sub(*list, item->n + 1, list->n) : (struct slice){0};
	while (item->n && (item->p[0] == ' ' || item->p[0] == '\t'))
		*item = slice_sub(*item, 1, item->n);
	while (item->n && (item->p[item->n - 1] == ' ' || item->p[item->n - 1] == '\t'))
		item->n--;
	return true;
}

/* Chunked alone, once. A coding that we do not know is 501; chunked in a wrong place, or nothing, is ambiguous framing. */
static int coding(struct slice list)
{
	bool chunked = false, unknown = false;
	struct slice item;

	while (next_item(&list, &item)) {
		if (chunked || item.n == 0)
			return 400;
		if (http_same_name(item, "chunked"))
			chunked = true;
		else
			unknown = true;
	}
	return unknown ? 501 : 0;
}

static bool connection_has(const struct http_request *r, const char *option)
{
	struct slice list, item;

	for (size_t i = 0; i < r->headers; i++) {
		if (!http_same_name(r->header[i].name, "connection"))
			continue;
		for (list = r->header[i].value; next_item(&list, &item);)
			if (http_same_name(item, option))
				return true;
	}
	return false;
}

static int framing(struct http1 *h, const char **reason)
{
	struct http_request *r = h->req;
	unsigned lengths = http_header_count(r, "content-length"), codings = http_header_count(r, "transfer-encoding");

	h->left = 0;
	h->chunked = false;
	if (lengths > 1 || codings > 1 || (lengths && codings)) {
		*reason = "http.framing.ambiguous";
		return 400;
	}
	if (codings) {
		if (r->minor == 0) {
			*reason = "http.framing.version";
			return 400;
		}
		int status = coding(http_header(r, "transfer-encoding"));

		if (status) {
			*reason = "http.framing.coding";
			return status;
		}
		h->chunked = true;
	}
	if (lengths && !http_content_length(http_header(r, "content-length"), &h->left)) {
		*reason = "http.framing.length";
		return 400;
	}
	if (r->minor == 0 && !lengths && (http_same_name(r->method, "POST") || http_same_name(r->method, "PUT"))) {
		*reason = "http.framing.length";
		return 400;
	}
	return 0;
}

/* absolute-form: its authority must be the Host's; origin-form is what is left. */
static int absolute_form(struct http_request *r, struct slice host)
{
	struct slice t = r->target, authority;
	const uint8_t *slash;
	size_t skip;

	if (t.n > 7 && strncasecmp((const char *)t.p, "http://", 7) == 0)
		skip = 7;
	else if (t.n > 8 && strncasecmp((const char *)t.p, "https://", 8) == 0)
		skip = 8;
	else
		return t.n && t.p[0] == '/' ? 0 : 400;	/* authority-form, asterisk-form and everything else */
	t = slice_sub(t, skip, t.n);
	slash = memchr(t.p, '/', t.n);
	authority = slash ? slice_sub(t, 0, (size_t)(slash - t.p)) : t;
	if (authority.n != host.n || strncasecmp((const char *)authority.p, (const char *)host.p, host.n) != 0)
		return 400;
	r->target = slash ? slice_sub(t, (size_t)(slash - t.p), t.n) : SLICE_LIT("/");
	return 0;
}

static int rules(struct http1 *h, const char **reason)
{
	struct http_request *r = h->req;
	int status = http_check_host(r, reason);

	if (!status)
		status = absolute_form(r, http_header(r, "host"));
	if (!status)
		status = framing(h, reason);
	if (!status)
		status = http_check_content(r, &h->expects, reason);
	h->keep_alive = !connection_has(r, "close") && (r->minor == 1 || connection_has(r, "keep-alive"));
	return status;
}

static enum http1_event head_done(struct http1 *h)
{
	struct slice head = slice_sub(buf_view(&h->head), 0, h->head.n - 2);	/* without the empty line */
	const char *reason = "http.head";
	struct why w = why_in(h->arena);
	bool first = true;
	int status = 0;

	h->req = ARENA_NEW(h->arena, struct http_request);
	if (!h->req)
		return refuse(h, 503, "http.memory");
	h->req->arena = h->arena;
	while (head.n && !status) {
		const uint8_t *lf = memchr(head.p, '\n', head.n);
		size_t n = lf ? (size_t)(lf - head.p) : head.n;
		struct slice line = slice_sub(head, 0, n ? n - 1 : 0);	/* CR was checked while the head came in */

		status = first ? request_line(h, line) : header_line(h, line, &reason);
		first = false;
		head = slice_sub(head, n + 1, head.n);
	}
	if (!status)
		status = rules(h, &reason);
	if (status)
		return refuse(h, status, reason);
	if (!rc_ok(http_target(h->req, &w)))
		return refuse(h, 400, why_reason(&w));
	h->body_max = h->limits.body_limit ? h->limits.body_limit(h->limits.ctx, h->req) : h->limits.body_max;
	if (h->left > h->body_max)
		return refuse(h, 413, "http.body.size");
	h->body = buf_in(h->arena, h->body_max);
	if (!h->chunked && h->left == 0) {
		h->state = COMPLETE;
		return HTTP1_REQUEST;
	}
	h->state = h->chunked ? CHUNK_SIZE : IN_BODY;
	h->line = buf_in(h->arena, TRAILER_MAX);
	h->trailer_bytes = 0;
	return h->expects ? HTTP1_CONTINUE : HTTP1_MORE;
}

/* May these bytes, up to and with the first LF, stand behind what there is of the head? CR and LF only together, no NUL, and nothing
 * before the request line.
 */
static bool line_bytes(const struct buf *head, struct slice s, bool ends)
{
	bool after_cr = head->n && head->p[head->n - 1] == '\r';
	const uint8_t *cr;

	if (after_cr)
		return s.n == 1 && ends;
	if (memchr(s.p, 0, s.n) || (head->n == 0 && (s.p[0] == '\r' || s.p[0] == ' ')))
		return false;
	cr = memchr(s.p, '\r', s.n);
	return ends ? cr && cr == s.p + s.n - 2 : !cr || cr == s.p + s.n - 1;
}

/* A request line that is refusable is refused before the rest of the head has come. */
static int first_line(struct http1 *h)
{
	struct http_request scratch = {0};

	h->first_line = h->head.n;
	h->req = &scratch;
	int status = request_line(h, slice_of(h->head.p, h->head.n - 2));
	h->req = NULL;
	return status;
}

/* Takes bytes up to the end of a line, of a limit, or of the input. */
static enum http1_event head_part(struct http1 *h, const uint8_t *p, size_t n, size_t *taken)
{
	size_t max = h->first_line ? h->limits.head_max : MIN_OF(h->limits.head_max, HTTP_REQUEST_LINE_MAX + 2), room = max - h->head.n;
	const uint8_t *lf = memchr(p, '\n', MIN_OF(n, room));
	size_t k = lf ? (size_t)(lf - p) + 1 : MIN_OF(n, room);

	*taken = k ? k : 1;
	if (!k)
		return max == h->limits.head_max ? refuse(h, 431, "http.head.size") : refuse(h, 414, "http.head");
	if (!line_bytes(&h->head, slice_of(p, k), lf != NULL))
		return refuse(h, 400, "http.line-end");
	buf_put(&h->head, p, k);
	if (!buf_ok(&h->head))
		return refuse(h, 503, "http.memory");
	if (!lf)
		return HTTP1_MORE;
	if (!h->first_line) {
		int status = first_line(h);

		return status ? refuse(h, status, "http.head") : HTTP1_MORE;
	}
	return memcmp(h->head.p + h->head.n - 4, "\r\n\r\n", 4) == 0 ? head_done(h) : HTTP1_MORE;
}

static enum http1_event feed_head(struct http1 *h, const uint8_t *p, size_t n, size_t *taken)
{
	if (!h->arena) {
		h->arena = arena_new(h->limits.arena_max ? h->limits.arena_max : (size_t)64 << 20);
		if (!h->arena)
			return refuse(h, 503, "http.memory");
		h->head = buf_in(h->arena, h->limits.head_max + 1);
		h->first_line = 0;
	}
	for (*taken = 0; *taken < n && h->state == IN_HEAD;) {
		size_t k;
		enum http1_event e = head_part(h, p + *taken, n - *taken, &k);

		*taken += k;
		if (e != HTTP1_MORE)
			return e;
	}
	return HTTP1_MORE;
}

/* ---- the body ---- */

static enum http1_event complete(struct http1 *h)
{
	if (!buf_cstr(&h->body))
		return refuse(h, 503, "http.memory");
	h->req->body = buf_view(&h->body);
	h->state = COMPLETE;
	return HTTP1_REQUEST;
}

/* One line of the chunked coding into h->line; true when it is whole. */
static bool line(struct http1 *h, const uint8_t *p, size_t n, size_t *taken, size_t max, enum http1_event *e)
{
	while (*taken < n) {
		uint8_t c = p[(*taken)++];
		bool after_cr = h->line.n && h->line.p[h->line.n - 1] == '\r';

		if (h->line.n >= max || c == 0 || (c == '\n') != after_cr) {
			*e = refuse(h, 400, "http.chunk");
			return false;
		}
		buf_putc(&h->line, (char)c);
		if (!buf_ok(&h->line)) {
			*e = refuse(h, 503, "http.memory");
			return false;
		}
		if (c == '\n')
			return true;
	}
	*e = HTTP1_MORE;
	return false;
}

/* ;name ;name=token ;name="quoted": read over, but only when they are what RFC 9112 7.1.1 says. */
static bool extensions(struct slice s, size_t i)
{
	while (i < s.n) {
		size_t from;

		if (s.p[i++] != ';')
			return false;
		for (from = i; i < s.n && http_is_tchar(s.p[i]);)
			i++;
		if (i == from)
			return false;
		if (i == s.n || s.p[i] != '=')
			continue;
		from = ++i;
		if (i < s.n && s.p[i] == '"') {
			for (i++; i < s.n && s.p[i] != '"'; i++)
				if (s.p[i] < 0x20 || s.p[i] == 0x7f || (s.p[i] == '\\' && ++i == s.n))
					return false;
			if (i++ >= s.n)
				return false;
		} else {
			while (i < s.n && http_is_tchar(s.p[i]))
				i++;
		}
		if (i == from)
			return false;
	}
	return true;
}

/* "1f;name=value": up to 16 hex digits. */
static bool chunk_size(struct slice s, size_t *out)
{
	size_t n = 0, i = 0;

	for (; i < s.n; i++) {
		int c = s.p[i], d = c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;

		if (d < 0)
			break;
		if (i == 16 || n >> 58)
			return false;
		n = n << 4 | (size_t)d;
	}
	if (i == 0 || n > INT64_MAX || (i < s.n && s.p[i] != ';'))
		return false;
	*out = n;
	return extensions(s, i);
}

static bool trailer_ok(struct slice s)
{
	const uint8_t *colon = memchr(s.p, ':', s.n);

	return http_trailer_name(slice_sub(s, 0, colon ? (size_t)(colon - s.p) : 0));
}

static enum http1_event feed_chunked(struct http1 *h, const uint8_t *p, size_t n, size_t *taken)
{
	enum http1_event e = HTTP1_MORE;
	struct slice s;

	while (*taken < n) {
		size_t k;

		switch (h->state) {
		case CHUNK_SIZE:
			if (!line(h, p, n, taken, CHUNK_LINE_MAX, &e))
				return e;
			s = slice_of(h->line.p, h->line.n - 2);
			if (!chunk_size(s, &h->left))
				return refuse(h, 400, "http.chunk");
			h->line.n = 0;
			if (h->left > h->body_max - h->body.n)
				return refuse(h, 413, "http.body.size");
			h->state = h->left ? CHUNK_DATA : TRAILER;
			break;
		case CHUNK_DATA:
			k = MIN_OF(n - *taken, h->left);
			buf_put(&h->body, p + *taken, k);
			*taken += k;
			h->left -= k;
			if (!buf_ok(&h->body))
				return refuse(h, 503, "http.memory");
			if (!h->left)
				h->state = CHUNK_CRLF;
			break;
		case CHUNK_CRLF:
			if (!line(h, p, n, taken, 2, &e))
				return e;
			h->line.n = 0;
			h->state = CHUNK_SIZE;
			break;
		case TRAILER:
			if (!line(h, p, n, taken, TRAILER_MAX, &e))
				return e;
			s = slice_of(h->line.p, h->line.n - 2);
			h->line.n = 0;
			if (s.n == 0)
				return complete(h);
			h->trailer_bytes += s.n;
			if (h->trailer_bytes > TRAILER_MAX)
				return refuse(h, 431, "http.trailer");
			if (!trailer_ok(s))
				return refuse(h, 400, "http.trailer");
			break;
		case IN_HEAD:
		case IN_BODY:
		case COMPLETE:
		case REFUSED:
			return HTTP1_REFUSED;
		}
	}
	return HTTP1_MORE;
}

static enum http1_event feed_body(struct http1 *h, const uint8_t *p, size_t n, size_t *taken)
{
	size_t k = MIN_OF(n, h->left);

	buf_put(&h->body, p, k);
	*taken = k;
	h->left -= k;
	if (!buf_ok(&h->body))
		return refuse(h, 503, "http.memory");
	return h->left ? HTTP1_MORE : complete(h);
}

enum http1_event http1_feed(struct http1 *h, const uint8_t *p, size_t n, size_t *taken)
{
	*taken = 0;
	switch (h->state) {
	case IN_HEAD:
		return feed_head(h, p, n, taken);
	case IN_BODY:
		return feed_body(h, p, n, taken);
	case CHUNK_SIZE:
	case CHUNK_DATA:
	case CHUNK_CRLF:
	case TRAILER:
		return feed_chunked(h, p, n, taken);
	case COMPLETE:
		return HTTP1_REQUEST;
	case REFUSED:
		return HTTP1_REFUSED;
	}
	return HTTP1_REFUSED;
}

/* ---- responses ---- */

/* Without control characters: a value cannot begin another header. */
static void put_value(struct buf *b, struct slice v)
{
	for (size_t from = 0, to; from < v.n; from = to + 1) {
		for (to = from; to < v.n && v.p[to] >= 0x20 && v.p[to] != 0x7f; to++)
			;
		buf_put(b, v.p + from, to - from);
	}
}

void http1_write_head(struct buf *b, const struct http_response *r, size_t body_n, bool keep_alive, int64_t date_s)
{
	char date[32];

	time_imf(date_s, date);
	buf_puts(b, "HTTP/1.1 ");
	buf_u64(b, (uint64_t)r->status);
	buf_putc(b, ' ');
	buf_puts(b, http_reason(r->status));
	buf_puts(b, "\r\ndate: ");
	buf_puts(b, date);
	buf_puts(b, "\r\ncontent-length: ");
	buf_u64(b, body_n);
	if (r->content_type) {
		buf_puts(b, "\r\ncontent-type: ");
		buf_puts(b, r->content_type);
	}
	for (size_t i = 0; i < r->headers; i++) {
		buf_puts(b, "\r\n");
		buf_slice(b, r->header[i].name);
		buf_puts(b, ": ");
		put_value(b, r->header[i].value);
	}
	buf_puts(b, keep_alive ? "\r\nconnection: keep-alive\r\n\r\n" : "\r\nconnection: close\r\n\r\n");
}
