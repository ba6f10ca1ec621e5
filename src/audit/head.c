/* head.c - a tree head: {"origin","size","root","time","prev"} as a compact JWS with ES256, and its reading back. */
#include <inttypes.h>

#include "audit/audit_int.h"
#include "codec/base64.h"

/* {"alg":"ES256","typ":"warrant-head"}: the one header that heads have; no other is read. */
static const char header[] = "{\"alg\":\"ES256\",\"typ\":\"warrant-head\"}";

rc head_sign(const struct pkey *signer, const char *origin, uint64_t size, uint64_t prev, const uint8_t root[HASH],
             int64_t time_s, struct arena *a, struct slice *jws, struct why *w)
{
	struct json *o = json_new_object(a);
	struct buf b = buf_in(a, 0);
	char when[32];
	struct slice sig;

	time_rfc3339(time_s, when);
	json_set(a, o, "origin", json_new_cstr(a, origin));
	json_set(a, o, "size", json_new_u64(a, size));
	json_set(a, o, "root", json_new_hex(a, slice_of(root, HASH)));
	json_set(a, o, "time", json_new_cstr(a, when));
	json_set(a, o, "prev", json_new_u64(a, prev));
	b64_write(&b, B64_URL, slice_cstr(header));
	buf_putc(&b, '.');
	b64_write(&b, B64_URL, json_text(a, o));
	if (!buf_ok(&b) || arena_bad(a))
		return store_refuse_memory(w);
	TRY(pkey_sign(signer, SIG_ES256, buf_view(&b), a, &sig, w));
	buf_putc(&b, '.');
	b64_write(&b, B64_URL, sig);
	if (!buf_ok(&b))
		return store_refuse_memory(w);
	*jws = buf_view(&b);
	return rc_of(OK);
}

rc head_parse(struct slice payload, struct arena *a, struct head *out, struct why *w)
{
	static const struct json_limits limits = {.max_bytes = 4096, .max_depth = 2, .max_nodes = 32};
	struct slice root, when;
	struct json *o;
	struct head h = {0};

	TRY(json_parse(a, payload, &limits, &o, w));
	TRY(json_need_str(o, "origin", &h.origin, "tree head", w));
	TRY(json_need_u64(o, "size", INT64_MAX, &h.pub.size, "tree head", w));
	TRY(json_need_str(o, "root", &root, "tree head", w));
	TRY(hex_decode_into(root, h.pub.root, HASH, "root of a tree head", w));
	TRY(json_need_str(o, "time", &when, "tree head", w));
	TRY(time_parse_rfc3339(when, &h.pub.time_s, w));
	TRY(json_need_u64(o, "prev", h.pub.size, &h.prev, "tree head", w));
	if (o->n != 5)
		return deny(w, E_MALFORMED, "audit.head", "a tree head with %zu members, expected 5", o->n);
	*out = h;
	return rc_of(OK);
}

static rc open_parts(const struct pkey *key, struct slice jws, struct arena *a, struct head *out, struct why *w)
{
	const uint8_t *dot = jws.n ? memchr(jws.p, '.', jws.n) : NULL, *dot2;
	struct slice head_text, payload, sig, rest;

	if (!dot || jws.n > 8192)
		return deny(w, E_MALFORMED, "audit.head", "a tree head of %zu bytes is no compact JWS", jws.n);
	rest = slice_sub(jws, (size_t)(dot - jws.p) + 1, jws.n);
	dot2 = rest.n ? memchr(rest.p, '.', rest.n) : NULL;
	if (!dot2)
		return deny(w, E_MALFORMED, "audit.head", "a tree head without signature");
	TRY(b64_decode(a, B64_URL, slice_of(jws.p, (size_t)(dot - jws.p)), &head_text, "header of a tree head", w));
	if (!slice_is(head_text, header))
		return deny(w, E_MALFORMED, "audit.head", "the header of a tree head is " SLICE_FMT ", expected %s",
		            SLICE_ARG(head_text), header);
	TRY(b64_decode(a, B64_URL, slice_of(dot2 + 1, (size_t)(jws.p + jws.n - dot2) - 1), &sig,
	               "signature of a tree head", w));
	TRY(pkey_verify(key, SIG_ES256, slice_of(jws.p, (size_t)(dot2 - jws.p)), sig, "audit.head-forged", w));
	TRY(b64_decode(a, B64_URL, slice_of(rest.p, (size_t)(dot2 - rest.p)), &payload, "payload of a tree head", w));
	TRY(head_parse(payload, a, out, w));
	out->pub.jws = jws;
	return rc_of(OK);
}

rc head_open(const struct pkey *key, struct slice jws, struct arena *a, struct head *out, struct why *w)
{
	struct head h;
	rc r = open_parts(key, jws, a, &h, w);

	if (r.code == E_MALFORMED || r.code == E_LIMIT)
		return deny(w, E_DENIED, "audit.head-forged", "a tree head cannot be read: %s", why_text(w));
	if (rc_ok(r))
		*out = h;
	return r;
}
