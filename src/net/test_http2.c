/* test_http2.c - HTTP/2 sessions against a client session in memory, and against frames that no honest client sends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <nghttp2/nghttp2.h>

#include "base/num.h"
#include "base/sys.h"
#include "codec/base64.h"
#include "net/http2.h"

#define SECOND INT64_C(1000000000)

enum { STREAMS = 512 };

struct answer {
	int status;
	uint32_t reset, closed_with;
	bool closed, was_reset, continued;
	char body[256];
	size_t n, total;
};

/* The two ends and the wires between them. */
struct pair {
	struct arena *arena;
	struct http2 *server;
	nghttp2_session *client;
	struct buf up, down;
	struct answer answer[STREAMS];	/* by stream / 2 */
	uint32_t goaway;
	bool got_goaway, blocked;
	unsigned lent, given_back;
	int64_t now;
};

static bool put(void *ctx, struct slice bytes)
{
	struct pair *p = ctx;

	if (p->blocked)
		return false;
	buf_slice(&p->down, bytes);
	return true;
}

static bool lend(void *ctx, struct slice bytes, void (*done)(void *held), void *held)
{
	struct pair *p = ctx;

	buf_slice(&p->down, bytes);
	p->lent++;
	done(held);
	p->given_back++;
	return true;
}

static struct answer *answer_of(struct pair *p, int32_t stream)
{
	assert_true(stream > 0 && stream / 2 < STREAMS);
	return &p->answer[stream / 2];
}

static int on_header(nghttp2_session *s, const nghttp2_frame *f, const uint8_t *name, size_t n, const uint8_t *value, size_t vn,
		     uint8_t flags, void *ctx)
{
	char text[4] = {0};

	(void)s;
	(void)flags;
	if (n == 7 && memcmp(name, ":status", 7) == 0 && vn == 3) {
		memcpy(text, value, 3);
		if (strcmp(text, "100") == 0)
			answer_of(ctx, f->hd.stream_id)->continued = true;
		else
			answer_of(ctx, f->hd.stream_id)->status = (int)strtol(text, NULL, 10);
	}
	return 0;
}

static int on_data(nghttp2_session *s, uint8_t flags, int32_t stream, const uint8_t *b, size_t n, void *ctx)
{
	struct answer *a = answer_of(ctx, stream);
	size_t k = MIN_OF(n, sizeof(a->body) - 1 - a->n);

	(void)s;
	(void)flags;
	memcpy(a->body + a->n, b, k);
	a->n += k;
	a->total += n;
	return 0;
}

static int on_frame(nghttp2_session *s, const nghttp2_frame *f, void *ctx)
{
	struct pair *p = ctx;

	(void)s;
	if (f->hd.type == NGHTTP2_GOAWAY) {
		p->got_goaway = true;
		p->goaway = f->goaway.error_code;
	}
	if (f->hd.type == NGHTTP2_RST_STREAM) {
		answer_of(p, f->hd.stream_id)->was_reset = true;
		answer_of(p, f->hd.stream_id)->reset = f->rst_stream.error_code;
	}
	return 0;
}

static int on_close(nghttp2_session *s, int32_t stream, uint32_t code, void *ctx)
{
	(void)s;
	answer_of(ctx, stream)->closed = true;
	answer_of(ctx, stream)->closed_with = code;
	return 0;
}

static size_t small_body(void *ctx, const struct http_request *r)
{
	(void)ctx;
	return slice_is(r->path, "/small") ? 10 : 100000;
}

static struct pair *pair_with(bool windows)
{
	const struct http2_limits limits = {.body_max = 100000, .body_limit = small_body, .head_ms = 1000, .body_ms = 2000,
					    .handle_ms = 3000, .reply_ms = 4000, .idle_ms = 5000};
	struct pair *p = calloc(1, sizeof(*p));
	struct http2_sink sink = {put, lend, p};
	nghttp2_session_callbacks *cb;
	nghttp2_option *o;

	assert_non_null(p);
	p->arena = arena_new(0);
	p->up = buf_in(p->arena, 0);
	p->down = buf_in(p->arena, 0);
	p->now = SECOND;
	p->server = http2_new(&limits, &sink, p->now);
	assert_non_null(p->server);
	assert_int_equal(nghttp2_session_callbacks_new(&cb), 0);
	assert_int_equal(nghttp2_option_new(&o), 0);
	nghttp2_option_set_no_http_messaging(o, 1);	/* the client may be wrong */
	nghttp2_option_set_no_auto_window_update(o, !windows);
	nghttp2_option_set_peer_max_concurrent_streams(o, 400);
	nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
	nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_close);
	assert_int_equal(nghttp2_session_client_new2(&p->client, cb, p, o), 0);
	nghttp2_session_callbacks_del(cb);
	nghttp2_option_del(o);
	assert_int_equal(nghttp2_submit_settings(p->client, 0, NULL, 0), 0);
	return p;
}

static struct pair *pair_new(void)
{
	return pair_with(true);
}

static void pair_free(struct pair *p)
{
	http2_free(p->server);
	nghttp2_session_del(p->client);
	assert_int_equal(p->lent, p->given_back);
	arena_free(p->arena);
	free(p);
}

/* Moves bytes both ways until nothing moves. false: the server ended the connection. */
static bool turn(struct pair *p)
{
	bool alive = true;

	for (;;) {
		const uint8_t *b;
		ssize_t n = nghttp2_session_mem_send(p->client, &b);
		bool moved = n > 0;

		assert_true(n >= 0);
		if (n > 0)
			alive = http2_feed(p->server, slice_of(b, (size_t)n), p->now) && alive;
		alive = http2_flush(p->server) && alive;
		if (p->down.n) {
			n = nghttp2_session_mem_recv(p->client, p->down.p, p->down.n);
			assert_true(n == (ssize_t)p->down.n);
			p->down.n = 0;
			moved = true;
		}
		if (!moved)
			return alive;
	}
}

/* "name: value\n" lines; a name may begin with a colon. */
static int32_t ask(struct pair *p, const char *lines, const char *body)
{
	nghttp2_nv nv[128];
	size_t n = 0;
	int32_t stream;

	while (*lines) {
		const char *end = strchr(lines, '\n'), *colon = strstr(lines, ": ");

		assert_true(end && colon && colon < end && n < COUNT_OF(nv));
		nv[n++] = (nghttp2_nv){(uint8_t *)(uintptr_t)lines, (uint8_t *)(uintptr_t)(colon + 2), (size_t)(colon - lines),
				       (size_t)(end - colon - 2), 0};
		lines = end + 1;
	}
	stream = nghttp2_submit_headers(p->client, body ? 0 : NGHTTP2_FLAG_END_STREAM, -1, NULL, nv, n, NULL);
	assert_true(stream > 0);
	return stream;
}

static ssize_t give(nghttp2_session *s, int32_t stream, uint8_t *out, size_t max, uint32_t *flags, nghttp2_data_source *source, void *ctx)
{
	struct slice *left = source->ptr;
	size_t n = MIN_OF(max, left->n);

	(void)s;
	(void)stream;
	(void)ctx;
	memcpy(out, left->p, n);
	*left = slice_sub(*left, n, left->n);
	if (!left->n)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)n;
}

static void answer_with(struct pair *p, int32_t stream, struct arena *a, int status, struct slice body)
{
	struct http_response r = {.arena = a, .status = status, .content_type = "text/plain", .body = body};

	http_response_header(&r, "X-Name", "a\r\nb");
	http2_respond(p->server, stream, &r, false, 0, p->now);
}

#define GET(path)  ":method: GET\n:scheme: https\n:authority: a.example:8080\n:path: " path "\n"
#define POST(path) ":method: POST\n:scheme: https\n:authority: a.example:8080\n:path: " path "\n"

static void a_request_is_the_one_that_http1_would_make(void **state)
{
	struct slice body = SLICE_LIT("hello");
	nghttp2_data_provider from = {{.ptr = &body}, give};
	struct pair *p = pair_new();
	struct http2_ask ask1;
	int32_t id = ask(p, POST("/kbs/v0/a%20b?x=1") "cookie: a=1\naccept: x\ncookie: kbs-session-id=2\n", "");

	(void)state;
	assert_true(turn(p));
	assert_int_equal(http2_next(p->server, &ask1), HTTP2_NONE);
	assert_int_equal(nghttp2_submit_data(p->client, NGHTTP2_FLAG_END_STREAM, id, &from), 0);
	assert_true(turn(p));
	assert_int_equal(http2_next(p->server, &ask1), HTTP2_REQUEST);
	assert_int_equal(ask1.stream, id);
	assert_int_equal(ask1.req->major, 2);
	assert_true(slice_is(ask1.req->method, "POST") && slice_is(ask1.req->path, "/kbs/v0/a b") && slice_is(ask1.req->body, "hello"));
	assert_int_equal(ask1.req->segments, 3);
	assert_true(slice_is(ask1.req->header[0].name, "host") && slice_is(ask1.req->header[0].value, "a.example:8080"));
	assert_int_equal(ask1.req->headers, 3);
	assert_true(slice_is(http_header(ask1.req, "cookie"), "a=1; kbs-session-id=2"));
	assert_true(slice_is(http_cookie(ask1.req, "kbs-session-id"), "2"));
	assert_int_equal(http2_next(p->server, &ask1), HTTP2_NONE);
	answer_with(p, id, ask1.req ? ask1.req->arena : NULL, 200, SLICE_LIT("world"));
	assert_true(turn(p));
	assert_int_equal(answer_of(p, id)->status, 200);
	assert_string_equal(answer_of(p, id)->body, "world");
	assert_true(answer_of(p, id)->closed && !answer_of(p, id)->was_reset);
	pair_free(p);
}

static void what_breaks_the_rules_is_refused(void **state)
{
	static const struct {
		const char *lines;
		int status;	/* 0: the stream is reset */
		const char *reason;
	} rows[] = {
		{GET("/a/../b"), 400, "http.path.dots"},
		{GET("/a%2fb"), 400, "http.path.slash"},
		{GET("/a//b"), 400, "http.path.empty"},
		{GET("/a?x=1&x=2"), 400, "http.query.duplicate"},
		{GET("/") "host: b.example\n", 400, "http.host"},
		{":method: GET\n:scheme: https\n:authority: a@b\n:path: /\n", 400, "http.host"},
		{":method: GET\n:scheme: ftp\n:authority: a\n:path: /\n", 400, "http.target"},
		{":method: OPTIONS\n:scheme: https\n:authority: a\n:path: *\n", 400, "http.target"},
		{":method: GET\n:scheme: https\n:path: /\n", 0, NULL},
		{GET("/") "content-encoding: gzip\n", 415, "http.content-encoding"},
		{GET("/") "expect: 200-ok\n", 417, "http.expect"},
		{":method: CONNECT\n:authority: a:443\n", 501, "http.target"},
		{GET("/") "connection: close\n", 0, NULL},
		{GET("/") "transfer-encoding: chunked\n", 0, NULL},
		{GET("/") "keep-alive: 1\n", 0, NULL},
		{GET("/") "te: gzip\n", 0, NULL},
		{GET("/") "content-length: 5\n", 0, NULL},
		{GET("/") "a: b\x01\n", 400, "http.head"},
		{GET("/") ":path: /b\n", 0, NULL},
		{GET("/") ":unknown: /b\n", 0, NULL},
		{":method: GET\n:path: /\n:authority: a\n", 0, NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct pair *p = pair_new();
		struct http2_ask got = {0};
		int32_t id = ask(p, rows[i].lines, NULL);

		if (!turn(p))
			fail_msg("row %zu: the connection has ended", i);
		if (!rows[i].status) {
			if (http2_next(p->server, &got) != HTTP2_NONE || !answer_of(p, id)->was_reset)
				fail_msg("row %zu is not reset", i);
		} else {
			if (http2_next(p->server, &got) != HTTP2_REFUSED || got.status != rows[i].status || got.req ||
			    strcmp(got.reason, rows[i].reason) != 0)
				fail_msg("row %zu: status %d, %s", i, got.status, got.reason ? got.reason : "none");
			answer_with(p, id, arena_new(0), got.status, SLICE_LIT("{}"));
			assert_true(turn(p));
			assert_int_equal(answer_of(p, id)->status, rows[i].status);
		}
		pair_free(p);
	}
}

static void heads_have_limits(void **state)
{
	static char many[8192], big[HTTP_HEAD_MAX + 1024];
	struct pair *p = pair_new();
	struct http2_ask got;
	size_t n;

	(void)state;
	n = (size_t)snprintf(many, sizeof(many), "%s", GET("/"));
	for (unsigned i = 0; i < HTTP_HEADERS_MAX - 1; i++)
		n += (size_t)snprintf(many + n, sizeof(many) - n, "x-%u: 1\n", i);
	(void)ask(p, many, NULL);
	assert_true(turn(p));
	assert_int_equal(http2_next(p->server, &got), HTTP2_REQUEST);
	assert_int_equal(got.req->headers, HTTP_HEADERS_MAX);
	assert_true(slice_is(got.req->header[0].name, "host") && slice_is(got.req->header[95].name, "x-94"));
	arena_free(got.req->arena);
	snprintf(many + n, sizeof(many) - n, "one-more: 1\n");
	(void)ask(p, many, NULL);
	assert_true(turn(p));
	assert_int_equal(http2_next(p->server, &got), HTTP2_REFUSED);
	assert_int_equal(got.status, 431);

	memset(big, 'a', sizeof(big) - 1);
	n = (size_t)snprintf(big, sizeof(big), "%s/", ":method: GET\n:scheme: https\n:authority: a\n:path: ");
	big[n] = 'a';
	memcpy(big + n + 8300, "\n", 2);
	(void)ask(p, big, NULL);
	assert_true(turn(p));
	assert_int_equal(http2_next(p->server, &got), HTTP2_REFUSED);
	assert_int_equal(got.status, 414);
	pair_free(p);
}

static void a_body_over_its_limit_is_answered_before_it_is_whole(void **state)
{
	static uint8_t bytes[50000];
	struct slice body = slice_of(bytes, sizeof(bytes));
	nghttp2_data_provider from = {{.ptr = &body}, give};
	struct pair *p = pair_new();
	struct http2_ask got;
	int32_t id = ask(p, POST("/small"), "");

	(void)state;
	assert_true(turn(p));
	assert_int_equal(nghttp2_submit_data(p->client, 0, id, &from), 0);
	assert_true(turn(p));
	assert_int_equal(http2_next(p->server, &got), HTTP2_REFUSED);
	assert_int_equal(got.status, 413);
	answer_with(p, id, arena_new(0), 413, SLICE_LIT("{}"));
	assert_true(turn(p));
	assert_int_equal(answer_of(p, id)->status, 413);
	assert_true(answer_of(p, id)->was_reset && answer_of(p, id)->reset == NGHTTP2_NO_ERROR);
	id = ask(p, POST("/small") "content-length: 11\n", "");
	assert_true(turn(p));
	assert_int_equal(http2_next(p->server, &got), HTTP2_REFUSED);
	assert_int_equal(got.status, 413);
	id = ask(p, POST("/small") "content-length: 5\nexpect: 100-continue\n", "");
	assert_true(turn(p));
	assert_true(answer_of(p, id)->continued);
	pair_free(p);
}

/* Bodies of one connection share a budget: 32 streams do not hold 32 times the limit. */
static void unfinished_bodies_share_a_budget(void **state)
{
	static uint8_t bytes[90000];
	struct slice body[8];
	struct pair *p = pair_new();
	struct http2_ask got;
	unsigned refused = 0;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(body); i++) {
		nghttp2_data_provider from = {{.ptr = &body[i]}, give};
		int32_t id = ask(p, POST("/"), "");

		assert_true(turn(p));
		body[i] = slice_of(bytes, sizeof(bytes));
		assert_int_equal(nghttp2_submit_data(p->client, 0, id, &from), 0);
		assert_true(turn(p));
	}
	while (http2_next(p->server, &got) == HTTP2_REFUSED) {
		assert_int_equal(got.status, 503);
		refused++;
	}
	assert_int_equal(refused, 4);
	pair_free(p);
}

static void streams_beyond_the_limit_are_put_off(void **state)
{
	struct pair *p = pair_new();
	struct http2_ask got;
	unsigned n = 0;

	(void)state;
	for (unsigned i = 0; i < 40; i++)
		(void)ask(p, GET("/"), NULL);
	assert_true(turn(p));
	while (http2_next(p->server, &got) == HTTP2_REQUEST) {
		arena_free(got.req->arena);
		n++;
	}
	assert_int_equal(n, HTTP2_STREAMS_MAX);
	pair_free(p);
}

static void resets_without_end_are_told_to_calm_down(void **state)
{
	struct pair *p = pair_new();
	unsigned i;

	(void)state;
	for (i = 0; i < 200; i++) {
		struct http2_ask got;
		int32_t id = ask(p, GET("/"), NULL);

		assert_true(turn(p));
		nghttp2_submit_rst_stream(p->client, 0, id, NGHTTP2_CANCEL);
		if (!turn(p))
			break;
		if (http2_next(p->server, &got) == HTTP2_REQUEST)
			arena_free(got.req->arena);
	}
	assert_int_equal(i, HTTP2_RESETS_MAX);
	assert_true(p->got_goaway && p->goaway == NGHTTP2_ENHANCE_YOUR_CALM);
	assert_true(http2_done(p->server));
	pair_free(p);
}

/* A client that never resets can make the server reset its streams: that counts the same. */
static void resets_that_were_provoked_count_too(void **state)
{
	struct pair *p = pair_new();
	unsigned i;

	(void)state;
	for (i = 0; i < 200; i++) {
		(void)ask(p, GET("/") "connection: close\n", NULL);
		if (!turn(p))
			break;
	}
	assert_int_equal(i, HTTP2_RESETS_MAX);
	assert_int_equal(p->goaway, NGHTTP2_ENHANCE_YOUR_CALM);
	pair_free(p);
}

/* A client that sends one frame over and over; false once the connection has ended. */
static unsigned flood(struct pair *p, const void *frame, size_t n, unsigned times)
{
	unsigned i;

	assert_true(turn(p));
	for (i = 0; i < times; i++) {
		if (!http2_feed(p->server, slice_of(frame, n), p->now) || !http2_flush(p->server))
			break;
		p->down.n = 0;
	}
	http2_flush(p->server);
	return i;
}

static bool says_calm(const struct pair *p)
{
	static const uint8_t code[] = {0, 0, 0, NGHTTP2_ENHANCE_YOUR_CALM};

	return p->down.n >= 17 && p->down.p[3] == NGHTTP2_GOAWAY && memcmp(p->down.p + 13, code, 4) == 0;
}

static void frames_that_ask_for_nothing_end_the_connection(void **state)
{
	static const struct {
		const char *name;
		uint8_t bytes[32];
		size_t n;
	} rows[] = {
		{"PING", {0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8}, 17},
		{"SETTINGS", {0, 0, 0, 4, 0, 0, 0, 0, 0}, 9},
		{"PRIORITY", {0, 0, 5, 2, 0, 0, 0, 0, 9, 0, 0, 0, 0, 1}, 14},
		{"WINDOW_UPDATE", {0, 0, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 13},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct pair *p = pair_new();
		unsigned n = flood(p, rows[i].bytes, rows[i].n, 5000);

		if (n < HTTP2_NOISE_MAX - 10 || n > HTTP2_NOISE_MAX || !says_calm(p))
			fail_msg("%s: %u frames were taken", rows[i].name, n);
		pair_free(p);
	}
}

/* HEADERS without END_HEADERS, then CONTINUATION for ever: empty, or of fields that cost one byte each. */
static void a_head_without_end_ends_the_connection(void **state)
{
	static const uint8_t head[] = {0, 0, 1, 1, 0, 0, 0, 0, 1, 0x82};
	static uint8_t empty[9] = {0, 0, 0, 9, 0, 0, 0, 0, 1}, full[9 + 16384];

	(void)state;
	memcpy(full, (uint8_t[]){0, 0x40, 0, 9, 0, 0, 0, 0, 1}, 9);
	memset(full + 9, 0x90, 16384);	/* "accept-encoding: gzip, deflate" of the static table */
	for (unsigned k = 0; k < 2; k++) {
		struct pair *p = pair_new();
		unsigned n;

		assert_true(turn(p));
		assert_true(http2_feed(p->server, slice_of(head, sizeof(head)), p->now));
		n = flood(p, k ? full : empty, k ? sizeof(full) : sizeof(empty), 1000);
		assert_in_range(n, 0, HTTP2_CONTINUATIONS_MAX);
		assert_true(n == 0 || !k);
		pair_free(p);
	}
}

/* One frame after the other, as "type flags stream payload" in hex; answers to requests as soon as they are read. */
static bool play(struct pair *p, const char *const *frames)
{
	struct http2_ask got;

	assert_true(turn(p));
	for (; *frames; frames++) {
		struct slice body = {0};
		unsigned type, flags, stream;
		char hex[64] = "";
		uint8_t head[9];

		assert_true(sscanf(*frames, "%x %x %u %63s", &type, &flags, &stream, hex) >= 3);
		assert_true(rc_ok(hex_decode(p->arena, slice_cstr(hex), &body, "frame", NULL)));
		memcpy(head, (uint8_t[]){0, 0, (uint8_t)body.n, (uint8_t)type, (uint8_t)flags, 0, 0, 0, (uint8_t)stream}, 9);
		if (!http2_feed(p->server, slice_of(head, 9), p->now) || !http2_feed(p->server, body, p->now))
			break;
		while (http2_next(p->server, &got) == HTTP2_REQUEST)
			answer_with(p, got.stream, got.req->arena, 200, SLICE_LIT("ok"));
		if (!http2_flush(p->server))
			break;
	}
	return http2_flush(p->server);
}

/* The last frame that went out, of those about an error: its code. */
static int error_of(const struct pair *p)
{
	int code = -1;

	for (size_t at = 0; at + 9 <= p->down.n;) {
		const uint8_t *f = p->down.p + at;
		size_t n = (size_t)f[0] << 16 | (size_t)f[1] << 8 | f[2];

		if (f[3] == NGHTTP2_GOAWAY)
			code = f[9 + 7];
		if (f[3] == NGHTTP2_RST_STREAM)
			code = f[9 + 3];
		at += 9 + n;
	}
	return code;
}

/* RFC 9113 5.1 and 5.1.1: what comes for a stream that is closed, and streams that are not opened in their order. */
static void a_stream_that_is_closed_takes_nothing_more(void **state)
{
	static const struct {
		const char *name, *frames[4];
		int error;
	} rows[] = {
		{"in order", {"1 5 1 828784410161", "1 5 3 828784410161"}, -1},
		{"DATA behind an answered request", {"1 5 1 828784410161", "0 1 1 00"}, NGHTTP2_STREAM_CLOSED},
		{"HEADERS behind an answered request", {"1 5 1 828784410161", "1 5 1 828784410161"}, NGHTTP2_STREAM_CLOSED},
		{"DATA behind RST_STREAM", {"1 4 1 838784410161", "3 0 1 00000008", "0 1 1 00"}, NGHTTP2_STREAM_CLOSED},
		{"HEADERS behind RST_STREAM", {"1 4 1 838784410161", "3 0 1 00000008", "1 5 1 828784410161"}, NGHTTP2_STREAM_CLOSED},
		{"a lower number than before", {"1 5 5 828784410161", "1 5 3 828784410161"}, NGHTTP2_PROTOCOL_ERROR},
		{"a number of the server's", {"1 5 2 828784410161"}, NGHTTP2_PROTOCOL_ERROR},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct pair *p = pair_new();

		(void)play(p, rows[i].frames);
		if (error_of(p) != rows[i].error)
			fail_msg("%s: error %d, expected %d", rows[i].name, error_of(p), rows[i].error);
		pair_free(p);
	}
}

static void every_part_has_its_deadline(void **state)
{
	struct pair *p = pair_new();
	struct http2_ask got;
	int32_t id;

	(void)state;
	assert_int_equal(http2_deadline(p->server), 2 * SECOND);	/* the client's settings are part of the head */
	assert_true(turn(p));
	assert_int_equal(http2_deadline(p->server), 6 * SECOND);	/* idle */
	id = ask(p, POST("/"), "");
	assert_true(turn(p));
	assert_int_equal(http2_deadline(p->server), 3 * SECOND);	/* body */
	assert_true(http2_expire(p->server, 3 * SECOND - 1));
	assert_int_equal(http2_next(p->server, &got), HTTP2_NONE);
	assert_true(http2_expire(p->server, p->now = 3 * SECOND));
	assert_int_equal(http2_next(p->server, &got), HTTP2_REFUSED);
	assert_int_equal(got.status, 408);
	answer_with(p, id, arena_new(0), 408, SLICE_LIT("{}"));
	assert_true(turn(p));
	assert_int_equal(answer_of(p, id)->status, 408);
	assert_true(http2_expire(p->server, 8 * SECOND - 1));
	assert_false(http2_expire(p->server, 8 * SECOND));	/* idle since the last stream ended */
	assert_false(turn(p));
	assert_true(p->got_goaway && p->goaway == NGHTTP2_NO_ERROR);
	pair_free(p);
}

static void an_answer_after_the_deadline_is_not_sent(void **state)
{
	struct pair *p = pair_new();
	struct http2_ask got, again;
	int32_t id = ask(p, GET("/"), NULL);

	(void)state;
	assert_true(turn(p));
	assert_int_equal(http2_next(p->server, &got), HTTP2_REQUEST);
	assert_true(http2_expire(p->server, p->now = http2_deadline(p->server)));
	assert_int_equal(http2_next(p->server, &again), HTTP2_REFUSED);
	assert_int_equal(again.status, 503);
	answer_with(p, id, arena_new(0), 503, SLICE_LIT("late"));
	answer_with(p, id, got.req->arena, 200, SLICE_LIT("too late"));
	assert_true(turn(p));
	assert_int_equal(answer_of(p, id)->status, 503);
	assert_string_equal(answer_of(p, id)->body, "late");
	pair_free(p);
}

/* The client opens no window: the answer waits, is reset at the deadline, and its bytes are given back. */
static void an_answer_that_is_not_taken_is_reset(void **state)
{
	const nghttp2_settings_entry none[] = {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 3}};
	struct pair *p = pair_with(false);
	struct http2_ask got;
	int32_t id;

	(void)state;
	assert_int_equal(nghttp2_submit_settings(p->client, 0, none, 1), 0);
	id = ask(p, GET("/"), NULL);
	assert_true(turn(p));
	assert_int_equal(http2_next(p->server, &got), HTTP2_REQUEST);
	answer_with(p, id, got.req->arena, 200, SLICE_LIT("a secret of some length"));
	assert_true(turn(p));
	assert_int_equal(answer_of(p, id)->total, 3);
	assert_false(answer_of(p, id)->closed);
	assert_true(http2_expire(p->server, p->now = http2_deadline(p->server)));
	assert_true(turn(p));
	assert_true(answer_of(p, id)->was_reset && answer_of(p, id)->reset == NGHTTP2_CANCEL);
	pair_free(p);
}

static void a_blocked_connection_keeps_its_output_and_ends(void **state)
{
	struct pair *p = pair_new();
	struct http2_ask got;
	int32_t id = ask(p, GET("/"), NULL);

	(void)state;
	assert_true(turn(p));
	assert_int_equal(http2_next(p->server, &got), HTTP2_REQUEST);
	p->blocked = true;
	answer_with(p, id, got.req->arena, 200, SLICE_LIT("x"));
	assert_true(turn(p));
	assert_int_equal(answer_of(p, id)->status, 0);
	assert_true(http2_expire(p->server, p->now = http2_deadline(p->server)));
	assert_true(turn(p));
	assert_false(http2_expire(p->server, p->now = http2_deadline(p->server)));
	pair_free(p);
}

static void draining_finishes_what_is_under_way(void **state)
{
	struct pair *p = pair_new();
	struct http2_ask got, none;
	int32_t id = ask(p, GET("/"), NULL);

	(void)state;
	assert_true(turn(p));
	assert_int_equal(http2_next(p->server, &got), HTTP2_REQUEST);
	http2_drain(p->server);
	assert_true(turn(p));
	assert_true(p->got_goaway && p->goaway == NGHTTP2_NO_ERROR);
	assert_false(http2_done(p->server));
	assert_int_equal(http2_next(p->server, &none), HTTP2_NONE);
	answer_with(p, id, got.req->arena, 200, SLICE_LIT("last"));
	assert_true(turn(p));
	assert_string_equal(answer_of(p, id)->body, "last");
	assert_true(http2_done(p->server));
	pair_free(p);
}

static void what_is_not_http2_ends_the_connection(void **state)
{
	struct pair *p = pair_new();

	(void)state;
	assert_false(http2_feed(p->server, SLICE_LIT("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), p->now));
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_the_one_that_http1_would_make),
		cmocka_unit_test(what_breaks_the_rules_is_refused),
		cmocka_unit_test(heads_have_limits),
		cmocka_unit_test(a_body_over_its_limit_is_answered_before_it_is_whole),
		cmocka_unit_test(unfinished_bodies_share_a_budget),
		cmocka_unit_test(streams_beyond_the_limit_are_put_off),
		cmocka_unit_test(resets_without_end_are_told_to_calm_down),
		cmocka_unit_test(resets_that_were_provoked_count_too),
		cmocka_unit_test(frames_that_ask_for_nothing_end_the_connection),
		cmocka_unit_test(a_head_without_end_ends_the_connection),
		cmocka_unit_test(a_stream_that_is_closed_takes_nothing_more),
		cmocka_unit_test(every_part_has_its_deadline),
		cmocka_unit_test(an_answer_after_the_deadline_is_not_sent),
		cmocka_unit_test(an_answer_that_is_not_taken_is_reset),
		cmocka_unit_test(a_blocked_connection_keeps_its_output_and_ends),
		cmocka_unit_test(draining_finishes_what_is_under_way),
		cmocka_unit_test(what_is_not_http2_ends_the_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
