#include "collateral/upstream.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/num.h"
#include "collateral/kinds.h"
#include "collateral/upstream_int.h"

#define CHAIN_MAX     ((size_t)64 << 10)
#define VALIDATOR_MAX 256u

/* ---- asking ---- */

/* "Mon, 23 Nov 2026 17:29:49 GMT" and no other form of a date. */
static bool read_imf(struct slice s, int64_t *out)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	static const char form[] = "???, 00 ??? 0000 00:00:00 GMT";
	unsigned v[5], at[] = {5, 12, 17, 20, 23}, n[] = {2, 4, 2, 2, 2}, month = 0;

	if (s.n != sizeof(form) - 1)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (form[i] == '0' ? s.p[i] < '0' || s.p[i] > '9' : form[i] != '?' && s.p[i] != (uint8_t)form[i])
			return false;
	for (size_t i = 0; i < COUNT_OF(v); i++) {
		v[i] = 0;
		for (size_t k = 0; k < n[i]; k++)
			v[i] = v[i] * 10 + (s.p[at[i] + k] - '0');
	}
	while (month < 12 && memcmp(s.p + 8, months + (size_t)3 * month, 3) != 0)
		month++;
	if (month == 12 || v[0] < 1 || v[0] > 31 || v[2] > 23 || v[3] > 59 || v[4] > 60)
		return false;
	*out = time_from_civil(v[1], month + 1, v[0], v[2], v[3], v[4]);
	return true;
}

unsigned upstream_retry_after(struct slice value, struct slice date)
{
	uint64_t v = 0;
	int64_t at, now;
	size_t i = 0;

	for (; i < value.n && i < 9 && value.p[i] >= '0' && value.p[i] <= '9'; i++)
		v = v * 10 + (value.p[i] - '0');
	if (i && i == value.n)
		return (unsigned)v;
	if (!read_imf(value, &at) || !read_imf(date, &now) || at <= now)
		return 0;
	return (unsigned)MIN_OF(at - now, INT32_MAX);
}

static size_t conditions(const struct collateral_piece *held, struct fetch_header out[2])
{
	size_t n = 0;

	if (held && held->etag)
		out[n++] = (struct fetch_header){"If-None-Match", slice_cstr(held->etag)};
	if (held && held->modified)
		out[n++] = (struct fetch_header){"If-Modified-Since", slice_cstr(held->modified)};
	return n;
}

/* `asked`: whether what is held has changed, so that 304 is an answer. */
static RC exchange(struct upstream_call *call, const struct fetch_request *req, bool asked, struct fetch_reply *out, struct why *w)
{
	if (!req->url)
		return deny(w, E_INTERNAL, "upstream.memory", "no memory for a URL");
	TRY(fetch(call->u->fetcher, req, call->a, out, w));
	if (out->status == 200 || (out->status == 304 && asked))
		return rc_of(OK);
	if (out->status == 404 || out->status == 410)
		return deny(w, E_NOTFOUND, "upstream.absent", "%s answers %u: there is no such thing", req->url, out->status);
	call->answer->retry_after_s = upstream_retry_after(fetch_header_get(out, "retry-after"), fetch_header_get(out, "date"));
	if (out->status == 429)
		return deny(w, E_LIMIT, "upstream.busy", "%s answers 429: too many requests", req->url);
	return deny(w, E_UNAVAILABLE, "upstream.status", "%s answers %u", req->url, out->status);
}

rc upstream_send(struct upstream_call *call, const struct fetch_request *req, struct fetch_reply *out, struct why *w)
{
	return exchange(call, req, false, out, w);
}

rc upstream_ask(struct upstream_call *call, const char *url, struct fetch_reply *out, struct why *w)
{
	struct fetch_header headers[2];
	const struct fetch_request req = {.url = url, .headers = headers, .n_headers = conditions(call->held, headers)};

	return exchange(call, &req, req.n_headers > 0, out, w);
}

/* A validator goes back in a header: one that is long or holds more than text is left out. */
static const char *validator(struct arena *a, const struct fetch_reply *reply, const char *name)
{
	struct slice v = fetch_header_get(reply, name);

	if (v.n == 0 || v.n > VALIDATOR_MAX)
		return NULL;
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] < 0x20 || v.p[i] > 0x7e)
			return NULL;
	return arena_strndup(a, v.p, v.n);
}

void upstream_add(struct upstream_call *call, const char *kind, const struct fetch_reply *reply, struct slice bytes)
{
	struct collateral_piece *p = &call->answer->piece[call->answer->n++];

	*p = (struct collateral_piece){.kind = kind, .key = call->key};
	if (reply && reply->status == 304)
		return;
	p->bytes = bytes.p ? bytes : SLICE_LIT("");	/* an answer without a body says nothing about what is held */
	if (reply) {
		p->etag = validator(call->a, reply, "etag");
		p->modified = validator(call->a, reply, "last-modified");
	}
}

rc upstream_other(struct why *w, const char *what, const char *found, const char *expected)
{
	rc r = deny(w, E_MALFORMED, "upstream.content", "the answer is of another %s than was asked for", what);

	why_compared(w, what, found, expected);
	return r;
}

bool upstream_is_hex(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!((s[i] >= '0' && s[i] <= '9') || ((s[i] | 0x20) >= 'a' && (s[i] | 0x20) <= 'f')))
			return false;
	return n > 0;
}

static int nibble(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

rc upstream_header_chain(struct arena *a, struct slice value, struct slice *out, struct why *w)
{
	static const struct slice begin = SLICE_LIT("-----BEGIN CERTIFICATE-----");
	struct buf b = buf_in(a, CHAIN_MAX);

	if (!value.p || value.n > 3 * CHAIN_MAX)
		return deny(w, E_MALFORMED, "upstream.header", value.p ? "the issuer chain is too long" : "the answer has no issuer chain");
	for (size_t i = 0; i < value.n; i++) {
		uint8_t c = value.p[i];

		if (c == '%') {
			int hi = i + 2 < value.n ? nibble(value.p[i + 1]) : -1, lo = i + 2 < value.n ? nibble(value.p[i + 2]) : -1;

			if (hi < 0 || lo < 0)
				return deny(w, E_MALFORMED, "upstream.header", "a broken %% at byte %zu of the issuer chain", i);
			c = (uint8_t)(hi << 4 | lo);
			i += 2;
		}
		if (c != '\n' && c != '\r' && (c < 0x20 || c > 0x7e))
			return deny(w, E_MALFORMED, "upstream.header", "byte 0x%02x in the issuer chain", c);
		buf_putc(&b, (char)c);
	}
	if (!buf_ok(&b))
		return deny(w, E_LIMIT, "upstream.header", "the issuer chain is longer than %zu bytes", CHAIN_MAX);
	if (!slice_starts(buf_view(&b), begin))
		return deny(w, E_MALFORMED, "upstream.header", "the issuer chain does not begin with a certificate in PEM");
	*out = buf_view(&b);
	return rc_of(OK);
}

/* ---- the source ---- */

static const char *nvidia_url(const struct upstream_config *c, const char *kind)
{
	if (strcmp(kind, "nvidia-rim") == 0)
		return c->nvidia_rim;
	return strcmp(kind, "nvidia-ocsp") == 0 ? c->nvidia_ocsp : c->nvidia_jwks;
}

static const char *vendor(void *ctx, const char *kind)
{
	const struct upstream *u = ctx;
	const struct collateral_kind *k = collateral_kind_find(kind);

	if (!k || !k->vendor)
		return NULL;
	if (strcmp(k->vendor, "amd") == 0)
		return u->config.amd_n ? k->vendor : NULL;
	if (strcmp(k->vendor, "intel") == 0)
		return u->config.intel ? k->vendor : NULL;
	if (strcmp(k->vendor, "hygon") == 0)
		return u->config.hygon ? k->vendor : NULL;
	return nvidia_url(&u->config, kind) ? k->vendor : NULL;
}

static rc fetch_kind(void *ctx, const char *kind, const char *key, const struct collateral_piece *held, struct arena *a,
		     struct collateral_answer *out, struct why *w)
{
	struct upstream_call call = {.u = ctx, .kind = kind, .key = key, .held = held, .a = a, .answer = out};
	const char *name = vendor(ctx, kind);

	*out = (struct collateral_answer){.n = 0};
	if (!name)
		return deny(w, E_NOTFOUND, "upstream.absent", "%s is not fetched", kind);
	if (strcmp(name, "amd") == 0)
		return upstream_amd(&call, w);
	if (strcmp(name, "intel") == 0)
		return upstream_intel(&call, w);
	return strcmp(name, "hygon") == 0 ? upstream_hygon(&call, w) : upstream_nvidia(&call, w);
}

/* https://host[:port][/path], without what could hide another meaning; `origin_only` drops the path. */
static RC check_base(struct upstream *u, const char *url, bool origin_only, const char **out, struct why *w)
{
	bool plain = u->config.loopback_http && strncmp(url, "http://127.0.0.1", 16) == 0;
	const char *rest = url + (plain ? 7 : 8);
	size_t n;

	if (!plain && strncmp(url, "https://", 8) != 0)
		return deny(w, E_MALFORMED, "upstream.url", "\"%s\" must begin with https://", url);
	for (const char *p = rest; *p; p++)
		if ((unsigned char)*p <= 0x20 || (unsigned char)*p >= 0x7f || strchr("@?#\\%\"", *p))
			return deny(w, E_MALFORMED, "upstream.url", "\"%s\" holds more than host, port and path", url);
	n = origin_only ? strcspn(rest, "/") : strlen(rest);
	while (n && rest[n - 1] == '/')
		n--;
	if (n == 0 || rest[0] == ':' || rest[0] == '/')
		return deny(w, E_MALFORMED, "upstream.url", "\"%s\" names no host", url);
	*out = arena_strndup(u->arena, url, (size_t)(rest - url) + n);
	return *out ? rc_of(OK) : deny(w, E_INTERNAL, "upstream.memory", "no memory for a URL");
}

static RC open_all(struct upstream *u, struct why *w)
{
	const struct fetch_config f = {.ca_file = u->config.ca_file, .timeout_ms = u->config.timeout_ms ? u->config.timeout_ms : 5000,
				       .max_reply = COLLATERAL_PIECE_MAX, .allow_loopback_http = u->config.loopback_http};

	for (size_t i = 0; i < u->config.amd_n; i++) {
		if (!u->config.amd[i].folder)
			TRY(check_base(u, u->config.amd[i].at, false, &u->config.amd[i].at, w));
		else if (u->config.amd[i].at[0] != '/')
			return deny(w, E_MALFORMED, "upstream.path", "\"%s\" is no absolute path", u->config.amd[i].at);
	}
	if (u->config.intel)
		TRY(check_base(u, u->config.intel, true, &u->intel_base, w));
	if (u->config.nvidia_rim)
		TRY(check_base(u, u->config.nvidia_rim, false, &u->nvidia_rim_base, w));
	if (u->config.nvidia_ocsp)
		TRY(check_base(u, u->config.nvidia_ocsp, false, &u->nvidia_ocsp, w));
	if (u->config.nvidia_jwks)
		TRY(check_base(u, u->config.nvidia_jwks, false, &u->config.nvidia_jwks, w));
	if (u->config.hygon)
		TRY(check_base(u, u->config.hygon, false, &u->hygon_base, w));
	return fetcher_new(&f, &u->fetcher, w);
}

rc upstream_open(const struct upstream_config *config, struct upstream **out, struct why *w)
{
	struct upstream *u = calloc(1, sizeof(*u));
	rc r;

	if (u)
		u->arena = arena_new((size_t)1 << 20);
	if (!u || !u->arena) {
		free(u);
		return deny(w, E_INTERNAL, "upstream.memory", "no memory");
	}
	u->config = *config;
	u->source = (struct collateral_source){vendor, fetch_kind, u};
	r = open_all(u, w);
	if (!rc_ok(r)) {
		upstream_close(u);
		return r;
	}
	*out = u;
	return r;
}

void upstream_close(struct upstream *u)
{
	if (u) {
		fetcher_free(u->fetcher);
		arena_free(u->arena);
		free(u);
	}
}

const struct collateral_source *upstream_source(const struct upstream *u)
{
	return &u->source;
}
