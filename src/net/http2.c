#include "net/http2.h"

#include <nghttp2/nghttp2.h>
#include <stdlib.h>

#include "base/num.h"
#include "base/sys.h"
#include "net/rules.h"

enum phase {
	HEAD,		/* header fields come in */
	BODY,
	READY,		/* a whole request, or a refusal, that nobody has taken */
	HANDLING,	/* taken; no answer yet */
	SENDING,
};

/* The bytes of a response: shared by the stream and by output that was lent. */
struct payload {
	unsigned refs;
	struct arena *arena;
	struct secret secret;
	struct slice bytes;
};

struct stream {
	struct stream *next, **link;
	int32_t id;
	enum phase phase;
	int64_t deadline_ns;
	struct arena *arena;	/* given away with the request */
	struct http_request *req;
	struct slice authority, scheme;
	size_t head_bytes;
	struct buf body, cookie;
	size_t body_max;
	int status;		/* of the refusal; 0: none */
	const char *reason;
	struct payload *payload;
	size_t sent;
	bool input_ended, expects, reset;
};

struct http2 {
	nghttp2_session *session;
	struct http2_limits limits;
	struct http2_sink sink;
	struct stream *first, **last;	/* oldest first */
	int64_t now_ns, idle_since_ns;
	unsigned resets, noise, continuations;
	int32_t newest;	/* stream of the client's */
	size_t buffered;	/* bytes of bodies that are not whole yet */
	bool settled, over;
};

static int64_t after(const struct http2 *h, unsigned ms)
{
	return h->now_ns + (int64_t)ms * 1000000;
}

/* ---- streams ---- */

static void payload_drop(void *p)
{
	struct payload *x = p;

	if (x && --x->refs == 0) {
		secret_free(&x->secret);
		arena_free(x->arena);
		free(x);
	}
}

static struct stream *stream_of(struct http2 *h, int32_t id)
{
	return nghttp2_session_get_stream_user_data(h->session, id);
}

static struct stream *stream_new(struct http2 *h, int32_t id)
{
	struct stream *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->arena = arena_new(h->limits.arena_max);
	s->req = s->arena ? ARENA_NEW(s->arena, struct http_request) : NULL;
	if (!s->req) {
		arena_free(s->arena);
		free(s);
		return NULL;
	}
	s->req->arena = s->arena;
	s->req->major = 2;
	s->id = id;
	s->deadline_ns = after(h, h->limits.head_ms);
	s->link = h->last;
	*h->last = s;
	h->last = &s->next;
	return s;
}

static void stream_free(struct http2 *h, struct stream *s)
{
	*s->link = s->next;
	if (s->next)
		s->next->link = s->link;
	else
		h->last = s->link;
	if (s->phase == BODY)
		h->buffered -= s->body.n;
	payload_drop(s->payload);
	arena_free(s->arena);
	free(s);
	if (!h->first)
		h->idle_since_ns = h->now_ns;
}

/* The rest of the request is read over; the answer says why. */
static void refuse(struct http2 *h, struct stream *s, int status, const char *reason)
{
	if (s->phase == BODY)
		h->buffered -= s->body.n;
	s->phase = READY;
	s->status = status;
	s->reason = reason;
	s->deadline_ns = after(h, h->limits.handle_ms);
	s->arena = arena_free(s->arena);
	s->req = NULL;
}

static int end_with(struct http2 *h, uint32_t error)
{
	nghttp2_session_terminate_session(h->session, error);
	h->over = true;
	return NGHTTP2_ERR_CALLBACK_FAILURE;	/* stops the reading at once */
}

static int calm(struct http2 *h)
{
	return end_with(h, NGHTTP2_ENHANCE_YOUR_CALM);
}

/* ---- the head ---- */

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *ctx)
{
	struct http2 *h = ctx;
	struct stream *s;

	if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0;
	s = stream_new(h, frame->hd.stream_id);
	if (!s)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;	/* without memory: the stream is reset */
	return nghttp2_session_set_stream_user_data(session, s->id, s);
}

static int add_crumb(struct stream *s, struct slice value)
{
	if (!s->cookie.arena)
		s->cookie = buf_in(s->arena, HTTP_HEAD_MAX + (size_t)2 * HTTP_HEADERS_MAX);
	if (s->cookie.n)
		buf_puts(&s->cookie, "; ");
	buf_slice(&s->cookie, value);
	return buf_ok(&s->cookie) ? 0 : 503;
}

static struct slice trimmed(struct slice v)
{
	while (v.n && (v.p[0] == ' ' || v.p[0] == '\t'))
		v = slice_sub(v, 1, v.n);
	while (v.n && (v.p[v.n - 1] == ' ' || v.p[v.n - 1] == '\t'))
		v.n--;
	return v;
}

/* 0, or the status of the refusal. */
static int take_field(struct stream *s, struct slice name, struct slice value, const char **reason)
{
	struct slice v = arena_dup(s->arena, trimmed(value));

	*reason = "http.memory";
	if (!v.p)
		return 503;
	if (name.n && name.p[0] == ':') {	/* which, how often and in which order: checked by the library */
		if (slice_is(name, ":method"))
			s->req->method = v;
		else if (slice_is(name, ":path"))
			s->req->target = v;
		else if (slice_is(name, ":authority"))
			s->authority = v;
		else if (slice_is(name, ":scheme"))
			s->scheme = v;
		return 0;
	}
	*reason = "http.head";
	if (!http_is_token(name) || !http_is_field_value(v))
		return 400;
	*reason = "http.memory";
	if (http_same_name(name, "cookie")) {
		bool first = !s->cookie.arena;

		if (add_crumb(s, v))
			return 503;
		if (!first)
			return 0;	/* joined behind the first, and set when the head is whole */
	}
	name = arena_dup(s->arena, name);
	return name.p ? http_add_header(s->req, name, v, reason) : 503;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name, nghttp2_rcbuf *value, uint8_t flags,
		     void *ctx)
{
	struct http2 *h = ctx;
	struct stream *s = stream_of(h, frame->hd.stream_id);
	nghttp2_vec n = nghttp2_rcbuf_get_buf(name), v = nghttp2_rcbuf_get_buf(value);
	const char *reason = "http.head.size";
	int status = 0;

	(void)session;
	(void)flags;
	if (!s)
		return 0;
	s->head_bytes += n.len + v.len + 32;	/* as RFC 9113 6.5.2 counts */
	if (s->head_bytes > 4 * HTTP_HEAD_MAX)
		return calm(h);			/* refused long ago, and it does not stop */
	if (s->head_bytes > HTTP_HEAD_MAX)
		status = 431;
	else if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) {
		reason = "http.trailer";
		status = http_trailer_name(slice_of(n.base, n.len)) ? 0 : 400;
	} else if (!s->status) {
		status = take_field(s, slice_of(n.base, n.len), slice_of(v.base, v.len), &reason);
	}
	if (status && !s->status && (s->phase == HEAD || s->phase == BODY)) {
		s->status = status;	/* told when the head is whole */
		s->reason = reason;
	}
	return 0;
}

static int on_invalid_header(nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name, nghttp2_rcbuf *value,
			     uint8_t flags, void *ctx)
{
	struct stream *s = stream_of(ctx, frame->hd.stream_id);

	(void)session;
	(void)name;
	(void)value;
	(void)flags;
	if (s && !s->status && (s->phase == HEAD || s->phase == BODY)) {
		s->status = 400;
		s->reason = "http.head";
	}
	return 0;
}

/* The authority is the Host, first of the headers; a Host field beside it must say the same. */
static int set_host(struct stream *s, const char **reason)
{
	struct http_request *r = s->req;
	struct slice host = http_header(r, "host");

	*reason = "http.host";
	if (!s->authority.p)
		return 0;
	if (host.p)
		return slice_eq(host, s->authority) ? 0 : 400;
	for (size_t i = MIN_OF(r->headers, HTTP_HEADERS_MAX - 1); i > 0; i--)
		r->header[i] = r->header[i - 1];
	if (r->headers == HTTP_HEADERS_MAX) {
		*reason = "http.headers";
		return 431;
	}
	r->headers++;
	r->header[0] = (struct http_header){SLICE_LIT("host"), s->authority};
	return 0;
}

static int set_cookie(struct stream *s, const char **reason)
{
	if (!s->cookie.arena)
		return 0;
	*reason = "http.memory";
	if (!buf_cstr(&s->cookie))
		return 503;
	for (size_t i = 0; i < s->req->headers; i++)
		if (http_same_name(s->req->header[i].name, "cookie"))
			s->req->header[i].value = buf_view(&s->cookie);
	return 0;
}

static int check_target(const struct stream *s, const char **reason)
{
	const struct http_request *r = s->req;

	*reason = "http.head";
	if (r->method.n + r->target.n > HTTP_REQUEST_LINE_MAX)
		return 414;
	*reason = "http.target";
	for (size_t i = 0; i < r->target.n; i++)
		if (r->target.p[i] <= 0x20 || r->target.p[i] >= 0x7f)
			return 400;
	if (!slice_is(s->scheme, "https") && !slice_is(s->scheme, "http"))
		return 400;
	return r->target.n && r->target.p[0] == '/' ? 0 : 400;
}

/* 0, or the status of the refusal. */
static int check_head(struct http2 *h, struct stream *s, const char **reason)
{
	struct http_request *r = s->req;
	struct slice length = http_header(r, "content-length");
	struct why w = why_in(s->arena);
	size_t n = 0;
	int status = set_host(s, reason);

	if (!status)
		status = http_check_host(r, reason);
	if (!status)
		status = check_target(s, reason);
	if (!status)
		status = set_cookie(s, reason);
	if (status)
		return status;
	if (length.p && (http_header_count(r, "content-length") > 1 || !http_content_length(length, &n))) {
		*reason = "http.framing.length";
		return 400;
	}
	status = http_check_content(r, &s->expects, reason);
	if (status)
		return status;
	if (!rc_ok(http_target(r, &w))) {
		*reason = why_reason(&w);
		return 400;
	}
	s->body_max = h->limits.body_limit ? h->limits.body_limit(h->limits.ctx, r) : h->limits.body_max;
	*reason = "http.body.size";
	return n > s->body_max ? 413 : 0;
}

static void head_done(struct http2 *h, struct stream *s, bool ended)
{
	static const nghttp2_nv go_on = {(uint8_t *)(uintptr_t)":status", (uint8_t *)(uintptr_t)"100", 7, 3, NGHTTP2_NV_FLAG_NONE};
	int status = s->status;
	const char *reason = s->reason;

	if (!status)
		status = check_head(h, s, &reason);
	if (status) {
		refuse(h, s, status, reason);
		return;
	}
	s->phase = BODY;
	s->body = buf_in(s->arena, s->body_max);
	s->deadline_ns = after(h, h->limits.body_ms);
	if (s->expects && !ended)
		(void)nghttp2_submit_headers(h->session, NGHTTP2_FLAG_NONE, s->id, NULL, &go_on, 1, NULL);
}

/* ---- the body ---- */

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *p, size_t n, void *ctx)
{
	struct http2 *h = ctx;
	struct stream *s = stream_of(h, id);

	(void)session;
	(void)flags;
	if (!s || s->phase != BODY)
		return 0;	/* refused already: read over */
	if (n > s->body_max - s->body.n)
		refuse(h, s, 413, "http.body.size");
	else if (n > 4 * h->limits.body_max - MIN_OF(h->buffered, 4 * h->limits.body_max))
		refuse(h, s, 503, "http.memory");
	else {
		buf_put(&s->body, p, n);
		if (!buf_ok(&s->body))
			refuse(h, s, 503, "http.memory");
		else
			h->buffered += n;
	}
	return 0;
}

static void whole(struct http2 *h, struct stream *s)
{
	s->input_ended = true;
	if (s->phase != BODY)
		return;
	if (s->status) {	/* a trailer that may not be */
		refuse(h, s, s->status, s->reason);
	} else if (!buf_cstr(&s->body)) {
		refuse(h, s, 503, "http.memory");
	} else {
		h->buffered -= s->body.n;
		h->noise = 0;
		s->req->body = buf_view(&s->body);
		s->phase = READY;
		s->deadline_ns = after(h, h->limits.handle_ms);
	}
}

/* ---- frames ---- */

static int on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *hd, void *ctx)
{
	struct http2 *h = ctx;

	/* RFC 9113 5.1.1: a new stream has a higher number than all before. The library lets lower ones pass in silence. */
	if (hd->type == NGHTTP2_HEADERS && hd->stream_id < h->newest && !nghttp2_session_find_stream(session, hd->stream_id))
		return end_with(h, NGHTTP2_PROTOCOL_ERROR);
	if (hd->type == NGHTTP2_HEADERS)
		h->newest = MAX_OF(h->newest, hd->stream_id);
	if (hd->type != NGHTTP2_CONTINUATION)
		h->continuations = 0;
	else if (++h->continuations > HTTP2_CONTINUATIONS_MAX)
		return calm(h);
	/* What brings a request forward is no noise: headers of a new stream, and data. */
	if (hd->type != NGHTTP2_HEADERS && (hd->type != NGHTTP2_DATA || hd->length == 0) && ++h->noise > HTTP2_NOISE_MAX)
		return calm(h);
	return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *ctx)
{
	struct http2 *h = ctx;
	struct stream *s = stream_of(h, frame->hd.stream_id);
	bool ended = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;

	(void)session;
	if (frame->hd.type == NGHTTP2_SETTINGS)
		h->settled = true;
	if (frame->hd.type == NGHTTP2_RST_STREAM && ++h->resets > HTTP2_RESETS_MAX)
		return calm(h);
	if (!s || (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA))
		return 0;
	if (s->phase == HEAD)
		head_done(h, s, ended);
	if (ended)
		whole(h, s);
	return 0;
}

static int on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *ctx)
{
	struct http2 *h = ctx;
	struct stream *s;

	if (frame->hd.type == NGHTTP2_RST_STREAM && !h->over) {	/* a client can make us reset its streams as well */
		bool early = frame->rst_stream.error_code == NGHTTP2_REFUSED_STREAM;	/* it has not seen our settings yet */

		if (early ? ++h->noise > HTTP2_NOISE_MAX
			  : frame->rst_stream.error_code != NGHTTP2_NO_ERROR && ++h->resets > HTTP2_RESETS_MAX)
			(void)calm(h);
		return 0;
	}
	if ((frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) || !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
		return 0;
	s = stream_of(h, frame->hd.stream_id);
	if (s && !s->input_ended)	/* answered before the request was whole: the rest is not wanted */
		(void)nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, s->id, NGHTTP2_NO_ERROR);
	return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *ctx)
{
	struct stream *s = nghttp2_session_get_stream_user_data(session, id);

	(void)code;
	if (s)
		stream_free(ctx, s);
	return 0;
}

/* ---- responses ---- */

static ssize_t read_body(nghttp2_session *session, int32_t id, uint8_t *out, size_t max, uint32_t *flags, nghttp2_data_source *source,
			 void *ctx)
{
	struct stream *s = source->ptr;
	size_t n = MIN_OF(max, s->payload->bytes.n - s->sent);

	(void)session;
	(void)id;
	(void)out;
	(void)ctx;
	*flags |= NGHTTP2_DATA_FLAG_NO_COPY;
	if (s->sent + n == s->payload->bytes.n)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)n;
}

static int send_body(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *head, size_t n, nghttp2_data_source *source, void *ctx)
{
	struct http2 *h = ctx;
	struct stream *s = source->ptr;

	(void)session;
	(void)frame;	/* no padding: there is no callback that asks for it */
	if (!h->sink.copy(h->sink.ctx, slice_of(head, 9)))
		return NGHTTP2_ERR_WOULDBLOCK;
	s->payload->refs++;
	if (!h->sink.lend(h->sink.ctx, slice_sub(s->payload->bytes, s->sent, n), payload_drop, s->payload)) {
		s->payload->refs--;
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	}
	s->sent += n;
	if (h->noise)
		h->noise--;	/* a window that was opened, and used */
	return 0;
}

static ssize_t send_bytes(nghttp2_session *session, const uint8_t *p, size_t n, int flags, void *ctx)
{
	struct http2 *h = ctx;

	(void)session;
	(void)flags;
	return h->sink.copy(h->sink.ctx, slice_of(p, n)) ? (ssize_t)n : NGHTTP2_ERR_WOULDBLOCK;
}

static nghttp2_nv field(const char *name, struct slice value)
{
	return (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value.p, strlen(name), value.n, NGHTTP2_NV_FLAG_NONE};
}

/* Names in lower case; a value loses its control characters. */
static bool add_fields(struct arena *a, const struct http_response *r, nghttp2_nv *nv, size_t *n)
{
	for (size_t i = 0; i < r->headers; i++) {
		struct slice name = r->header[i].name, value = r->header[i].value;
		char *low = arena_strndup(a, name.p, name.n);
		uint8_t *v = arena_alloc(a, value.n + 1);
		size_t len = 0;

		if (!low || !v)
			return false;
		for (char *p = low; *p; p++)
			if (*p >= 'A' && *p <= 'Z')
				*p = (char)(*p | 0x20);
		for (size_t k = 0; k < value.n; k++)
			if (value.p[k] >= 0x20 && value.p[k] != 0x7f)
				v[len++] = value.p[k];
		nv[(*n)++] = field(low, slice_of(v, len));
	}
	return true;
}

static bool submit(struct http2 *h, struct stream *s, struct arena *a, const struct http_response *r, bool head_only, int64_t date_s)
{
	nghttp2_nv nv[4 + COUNT_OF(r->header)];
	const nghttp2_data_provider body = {.source.ptr = s, .read_callback = read_body};
	char date[32], *status = arena_printf(a, "%d", r->status), *length = arena_printf(a, "%zu", s->payload->bytes.n);
	size_t n = 0;

	if (!status || !length)
		return false;
	time_imf(date_s, date);
	nv[n++] = field(":status", slice_cstr(status));
	nv[n++] = field("date", slice_cstr(date));
	nv[n++] = field("content-length", slice_cstr(length));
	if (r->content_type)
		nv[n++] = field("content-type", slice_cstr(r->content_type));
	return add_fields(a, r, nv, &n) &&
	       nghttp2_submit_response(h->session, s->id, nv, n, s->payload->bytes.n && !head_only ? &body : NULL) == 0;
}

void http2_respond(struct http2 *h, int32_t stream, struct http_response *resp, bool head_only, int64_t date_s, int64_t now_ns)
{
	struct stream *s = h->over ? NULL : stream_of(h, stream);
	struct payload *p = s && s->phase == HANDLING ? calloc(1, sizeof(*p)) : NULL;

	h->now_ns = now_ns;
	if (!p) {
		secret_free(&resp->secret_body);
		arena_free(resp->arena);
		if (s && s->phase == HANDLING)
			(void)nghttp2_submit_rst_stream(h->session, NGHTTP2_FLAG_NONE, stream, NGHTTP2_INTERNAL_ERROR);
		return;
	}
	*p = (struct payload){.refs = 1, .arena = resp->arena, .secret = secret_move(&resp->secret_body), .bytes = resp->body};
	if (p->secret.p)
		p->bytes = secret_view(&p->secret);
	s->payload = p;
	s->phase = SENDING;
	s->deadline_ns = after(h, h->limits.reply_ms);
	if (!submit(h, s, p->arena, resp, head_only, date_s))
		(void)nghttp2_submit_rst_stream(h->session, NGHTTP2_FLAG_NONE, stream, NGHTTP2_INTERNAL_ERROR);
	resp->arena = NULL;
}

/* ---- the session ---- */

static bool start(struct http2 *h)
{
	const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, HTTP2_STREAMS_MAX},
						   {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, HTTP_HEAD_MAX}};
	nghttp2_session_callbacks *cb = NULL;
	nghttp2_option *o = NULL;
	bool ok = nghttp2_session_callbacks_new(&cb) == 0 && nghttp2_option_new(&o) == 0;

	if (ok) {
		nghttp2_option_set_max_outbound_ack(o, HTTP2_NOISE_MAX);
		nghttp2_option_set_max_settings(o, 32);
		nghttp2_session_callbacks_set_on_begin_frame_callback(cb, on_begin_frame);
		nghttp2_session_callbacks_set_on_begin_headers_callback(cb, on_begin_headers);
		nghttp2_session_callbacks_set_on_header_callback2(cb, on_header);
		nghttp2_session_callbacks_set_on_invalid_header_callback2(cb, on_invalid_header);
		nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data);
		nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
		nghttp2_session_callbacks_set_on_frame_send_callback(cb, on_frame_sent);
		nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_stream_close);
		nghttp2_session_callbacks_set_send_callback(cb, send_bytes);
		nghttp2_session_callbacks_set_send_data_callback(cb, send_body);
		ok = nghttp2_session_server_new2(&h->session, cb, h, o) == 0 &&
		     nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, settings, COUNT_OF(settings)) == 0;
	}
	nghttp2_session_callbacks_del(cb);
	nghttp2_option_del(o);
	return ok;
}

struct http2 *http2_new(const struct http2_limits *limits, const struct http2_sink *sink, int64_t now_ns)
{
	struct http2 *h = calloc(1, sizeof(*h));
	struct http2_limits *l;

	if (!h)
		return NULL;
	h->limits = *limits;
	h->sink = *sink;
	h->last = &h->first;
	h->now_ns = h->idle_since_ns = now_ns;
	l = &h->limits;
	l->body_max = l->body_max ? l->body_max : (size_t)2 << 20;
	l->head_ms = l->head_ms ? l->head_ms : 5000;
	l->body_ms = l->body_ms ? l->body_ms : 30000;
	l->handle_ms = l->handle_ms ? l->handle_ms : 30000;
	l->reply_ms = l->reply_ms ? l->reply_ms : 30000;
	l->idle_ms = l->idle_ms ? l->idle_ms : 60000;
	if (!start(h)) {
		http2_free(h);
		return NULL;
	}
	return h;
}

void http2_free(struct http2 *h)
{
	if (!h)
		return;
	nghttp2_session_del(h->session);
	while (h->first)
		stream_free(h, h->first);
	free(h);
}

bool http2_feed(struct http2 *h, struct slice bytes, int64_t now_ns)
{
	h->now_ns = now_ns;
	if (!h->over && nghttp2_session_mem_recv(h->session, bytes.p, bytes.n) < 0)
		h->over = true;
	return !h->over;
}

enum http2_event http2_next(struct http2 *h, struct http2_ask *out)
{
	for (struct stream *s = h->first; s && !h->over; s = s->next) {
		if (s->phase != READY)
			continue;
		*out = (struct http2_ask){s->id, s->req, s->status, s->reason};
		s->phase = HANDLING;
		s->arena = NULL;	/* the caller's, with the request */
		s->req = NULL;
		return out->req ? HTTP2_REQUEST : HTTP2_REFUSED;
	}
	return HTTP2_NONE;
}

bool http2_flush(struct http2 *h)
{
	if (nghttp2_session_send(h->session) != 0)
		h->over = true;
	return !h->over;
}

bool http2_done(const struct http2 *h)
{
	return !nghttp2_session_want_read(h->session) && !nghttp2_session_want_write(h->session);
}

void http2_drain(struct http2 *h)
{
	if (!h->over)
		(void)nghttp2_submit_goaway(h->session, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(h->session),
					    NGHTTP2_NO_ERROR, NULL, 0);
}

/* ---- deadlines ---- */

int64_t http2_deadline(const struct http2 *h)
{
	int64_t first = h->idle_since_ns + (int64_t)(h->settled ? h->limits.idle_ms : h->limits.head_ms) * 1000000;

	if (h->first)
		first = h->first->deadline_ns;
	for (const struct stream *s = h->first; s; s = s->next)
		first = MIN_OF(first, s->deadline_ns);
	return first;
}

bool http2_expire(struct http2 *h, int64_t now_ns)
{
	h->now_ns = now_ns;
	if (!h->first && http2_deadline(h) <= now_ns && !h->over) {
		nghttp2_session_terminate_session(h->session, NGHTTP2_NO_ERROR);
		h->over = true;
	}
	for (struct stream *s = h->first; s && !h->over; s = s->next) {
		if (s->deadline_ns > now_ns)
			continue;
		switch (s->phase) {
		case HEAD:	/* nothing else can be read until its block ends */
			nghttp2_session_terminate_session(h->session, NGHTTP2_NO_ERROR);
			h->over = true;
			break;
		case BODY:
			refuse(h, s, 408, "http.timeout");
			break;
		case READY:
		case HANDLING:
			refuse(h, s, 503, "server.deadline");
			break;
		case SENDING:
			h->over = s->reset;	/* not even the reset could be written */
			s->reset = true;
			s->deadline_ns = after(h, h->limits.reply_ms);
			(void)nghttp2_submit_rst_stream(h->session, NGHTTP2_FLAG_NONE, s->id, NGHTTP2_CANCEL);
			break;
		}
	}
	return !h->over;
}
