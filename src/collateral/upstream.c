#include "collateral/upstream.h"

#include <stdlib.h>

#include "base/buf.h"
#include "collateral/kinds.h"
#include "collateral/upstream_int.h"

#define CHAIN_MAX ((size_t)64 << 10)

/* ---- asking ---- */

rc upstream_ask(struct upstream *u, const char *url, struct arena *a, struct fetch_reply *out, struct why *w)
{
	const struct fetch_request req = {.url = url};

	if (!url)
		return deny(w, E_INTERNAL, "upstream.memory", "no memory for a URL");
	TRY(fetch(u->fetcher, &req, a, out, w));
	if (out->status == 200)
		return rc_of(OK);
	if (out->status == 404 || out->status == 410)
		return deny(w, E_NOTFOUND, "upstream.absent", "%s answers %u: there is no such thing", url, out->status);
	if (out->status == 429)
		return deny(w, E_LIMIT, "upstream.busy", "%s answers 429: too many requests", url);
	return deny(w, E_UNAVAILABLE, "upstream.status", "%s answers %u", url, out->status);
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

static const char *vendor(void *ctx, const char *kind)
{
	const struct upstream *u = ctx;
	const struct collateral_kind *k = collateral_kind_find(kind);

	if (!k || !k->vendor)
		return NULL;
	if (strcmp(k->vendor, "amd") == 0)
		return u->config.amd_n ? k->vendor : NULL;
	return strcmp(k->vendor, "intel") == 0 && u->config.intel ? k->vendor : NULL;
}

static rc fetch_kind(void *ctx, const char *kind, const char *key, struct arena *a, struct collateral_piece *pieces, size_t *n,
		     struct why *w)
{
	const char *name = vendor(ctx, kind);

	if (!name)
		return deny(w, E_NOTFOUND, "upstream.absent", "%s is not fetched", kind);
	if (strcmp(name, "amd") == 0)
		return upstream_amd(ctx, kind, key, a, pieces, n, w);
	return upstream_intel(ctx, kind, key, a, pieces, n, w);
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
