#include "verifier/se/uv.h"

#include "base/buf.h"
#include "base/cur.h"
#include "crypto/aead.h"
#include "crypto/digest.h"

#define HEADER_MAGIC "IBMSecEx"
#define VERSION_1 0x100u
#define KEY_SLOT_SIZE 80u

static void read_tags(struct cur *c, struct se_tags *t)
{
	t->pld = cur_take(c, 64);
	t->ald = cur_take(c, 64);
	t->tld = cur_take(c, 64);
}

RC se_tags_parse(struct slice in, struct se_tags *out, struct why *w)
{
	struct msg m;
	struct cur c = cur_open(&m, in);
	struct se_tags t;

	read_tags(&c, &t);
	t.tag = cur_take(&c, 16);
	TRY(cur_end(&c, w, "se.parse.tags", "image header tags"));
	*out = t;
	return rc_of(OK);
}

RC se_header_parse(struct slice in, struct se_header *out, struct why *w)
{
	struct msg m;
	struct cur c = cur_open(&m, in);
	struct se_header h;
	struct slice magic = cur_take(&c, 8);

	h.version = cur_be32(&c);
	h.size = cur_be32(&c);
	h.iv = cur_take(&c, 12);
	(void)cur_take(&c, 4);
	h.key_slots = cur_be64(&c);
	h.sea = cur_be64(&c);
	h.nep = cur_be64(&c);
	h.pcf = cur_be64(&c);
	h.customer_key = cur_take(&c, 160);
	read_tags(&c, &h.tags);
	/* key slots and the encrypted area fill what is left before the tag */
	if (cur_left(&c) < 16)
		cur_spoil(&c);
	(void)cur_take(&c, cur_left(&c) - (cur_left(&c) ? 16 : 0));
	h.tags.tag = cur_take(&c, 16);
	TRY(cur_end(&c, w, "se.parse.header", "an SE header"));
	if (!slice_is(magic, HEADER_MAGIC))
		return deny(w, E_MALFORMED, "se.parse.header", "the SE header does not begin with " HEADER_MAGIC);
	if (h.version != VERSION_1)
		return deny(w, E_UNSUPPORTED, "se.unsupported.header", "SE header version 0x%x, expected 0x%x", h.version,
			    VERSION_1);
	if (h.size != in.n || h.key_slots > in.n / KEY_SLOT_SIZE || h.sea > in.n ||
	    h.size != 0x1A0 + h.key_slots * KEY_SLOT_SIZE + h.sea + 16)
		return deny(w, E_MALFORMED, "se.parse.header",
			    "the SE header says %u bytes, %llu key slots and %llu encrypted ones; it has %zu", h.size,
			    (unsigned long long)h.key_slots, (unsigned long long)h.sea, in.n);
	*out = h;
	return rc_of(OK);
}

RC se_arcb_parse(struct slice in, struct se_arcb *out, struct why *w)
{
	struct msg m;
	struct cur c = cur_open(&m, in);
	struct se_arcb r = {0};
	struct slice magic = cur_take(&c, 8);
	uint32_t encrypted_n;
	static const uint8_t zero[8];

	r.version = cur_be32(&c);
	r.size = cur_be32(&c);
	r.iv = cur_take(&c, 12);
	(void)cur_take(&c, 11);
	r.key_slots_n = cur_u8(&c);
	(void)cur_take(&c, 4);
	encrypted_n = cur_be32(&c);
	r.flags = cur_be64(&c);
	r.algorithm = cur_be32(&c);
	(void)cur_take(&c, 4);
	r.customer_key = cur_take(&c, 160);
	r.key_slots = cur_take(&c, (size_t)r.key_slots_n * KEY_SLOT_SIZE);
	r.aad = slice_sub(in, 0, cur_at(&c));
	r.sealed = cur_take(&c, (size_t)encrypted_n + AEAD_TAG);
	TRY(cur_end(&c, w, "se.parse.arcb", "an attestation request"));
	if (!slice_eq(magic, slice_of(zero, 8)) || r.version != VERSION_1 || r.size != in.n)
		return deny(w, E_MALFORMED, "se.parse.arcb", "magic, version (0x%x) or size (%u of %zu bytes) is not that of a request",
			    r.version, r.size, in.n);
	if (r.key_slots_n == 0 || r.key_slots_n > SE_ARCB_KEY_SLOTS_MAX || r.algorithm != 1)
		return deny(w, E_MALFORMED, "se.parse.arcb", "%u key slots, measurement algorithm %u (only 1 is known)",
			    r.key_slots_n, r.algorithm);
	if (encrypted_n != SE_KEY_SIZE + (se_arcb_has(&r, SE_ARCB_NONCE) ? SE_NONCE_SIZE : 0))
		return deny(w, E_MALFORMED, "se.parse.arcb", "%u encrypted bytes do not suit the flags", encrypted_n);
	*out = r;
	return rc_of(OK);
}

RC se_arcb_open(const struct se_arcb *r, const struct secret *key, struct secret *measurement_key, struct secret *nonce,
		struct why *w)
{
	struct why inner = why_in(w ? w->arena : NULL);
	SECRET(plain);
	SECRET(mk);
	SECRET(n);
	rc opened;

	TRY(secret_new(&plain, r->sealed.n - AEAD_TAG, w));
	opened = aead_open(key, r->iv.p, r->aad, r->sealed, plain.p, &inner);
	if (!rc_ok(opened))
		return deny(w, opened.code, "se.decrypt.arcb", "the encrypted part of the request does not open: %s",
			    why_text(&inner));
	TRY(secret_copy(&mk, slice_sub(secret_view(&plain), 0, SE_KEY_SIZE), w));
	TRY(secret_copy(&n, slice_sub(secret_view(&plain), SE_KEY_SIZE, SE_NONCE_SIZE), w));
	*measurement_key = secret_move(&mk);
	*nonce = secret_move(&n);
	return rc_of(OK);
}

RC se_measure(struct arena *a, const struct se_measured *in, struct slice key, uint8_t *out, struct why *w)
{
	struct buf b = buf_in(a, 64u << 10);

	if (in->cuid.n != 16 || in->user_data.n > 256 || in->additional.n > 32768 ||
	    (in->nonce.n && in->nonce.n != SE_NONCE_SIZE))
		return deny(w, E_MALFORMED, "se.parse.sizes", "unit id %zu, user data %zu, additional data %zu, nonce %zu bytes",
			    in->cuid.n, in->user_data.n, in->additional.n, in->nonce.n);
	buf_slice(&b, in->tags.pld);
	buf_slice(&b, in->tags.ald);
	buf_slice(&b, in->tags.tld);
	buf_slice(&b, in->tags.tag);
	buf_slice(&b, in->cuid);
	buf_be16(&b, (uint16_t)in->user_data.n);
	buf_be16(&b, 0);
	buf_be32(&b, (uint32_t)in->additional.n);
	buf_slice(&b, in->user_data);
	buf_slice(&b, in->nonce);
	buf_slice(&b, in->additional);
	if (!buf_ok(&b))
		return deny(w, E_INTERNAL, "se.memory", "no memory for a measurement");
	return hmac(DIGEST_SHA512, key, buf_view(&b), out, w);
}
