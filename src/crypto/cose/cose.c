#include "crypto/cose/cose.h"

/* Header labels (RFC 9052 3.1) and key members (7.1, RFC 9053 7). */
enum { HDR_ALG = 1, HDR_CRIT = 2 };
enum { KEY_KTY = 1, KEY_CRV = -1, KEY_X = -2, KEY_Y = -3 };
enum { KTY_OKP = 1, KTY_EC2 = 2 };

static const struct alg_row {
	int64_t alg;
	enum digest_alg hash;
	bool ec, rsa;
} algs[] = {
	{COSE_ES256, DIGEST_SHA256, true, false}, {COSE_ES384, DIGEST_SHA384, true, false},
	{COSE_ES512, DIGEST_SHA512, true, false}, {COSE_EDDSA, 0, false, false},
	{COSE_PS256, DIGEST_SHA256, false, true}, {COSE_PS384, DIGEST_SHA384, false, true},
	{COSE_PS512, DIGEST_SHA512, false, true},
};

static const struct alg_row *alg_row(int64_t alg)
{
	for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++)
		if (algs[i].alg == alg)
			return &algs[i];
	return NULL;
}

static const struct cbor_limits header_limits = {.max_bytes = 64u << 10, .max_depth = 8, .max_nodes = 2000};

static bool labels_overlap(const struct cbor *a, const struct cbor *b)
{
	for (size_t i = 0; a && i < a->n; i++) {
		const struct cbor *key = a->items[2 * i];
		int64_t label;

		if (cbor_i64(key, &label) ? cbor_get_int(b, label) != NULL
					  : key->kind == CBOR_TEXT && cbor_get_slice(b, key->bytes))
			return true;
	}
	return false;
}

static RC read_protected(struct arena *a, const struct cbor *v, struct cose_sign1 *m, struct why *w)
{
	struct cbor *map = NULL;
	rc r;

	if (!cbor_is(v, CBOR_BYTES))
		return deny(w, E_MALFORMED, "cose.parse.protected", "the protected header is %s, expected a byte string",
			    cbor_kind_name(v));
	m->protected_raw = v->bytes;
	if (v->bytes.n == 0)
		return rc_of(OK);
	r = cbor_parse(a, v->bytes, &header_limits, &map, w);
	if (!rc_ok(r))
		return note(w, r, "the protected header");
	if (map->kind != CBOR_MAP)
		return deny(w, E_MALFORMED, "cose.parse.protected", "the protected header holds %s, expected a map",
			    cbor_kind_name(map));
	m->protected_map = map;
	if (map->n == 0)
		m->protected_raw = (struct slice){0};
	return rc_of(OK);
}

RC cose_sign1_from(struct arena *a, const struct cbor *v, unsigned flags, struct cose_sign1 *out, struct why *w)
{
	const struct cbor *inner = cbor_untag(v, COSE_TAG_SIGN1), *alg;
	struct cose_sign1 m = {0};

	if (!inner && flags & COSE_TAG_OPTIONAL && !cbor_is(v, CBOR_TAG))
		inner = v;
	if (!cbor_is(inner, CBOR_ARRAY) || inner->n != 4)
		return deny(w, E_MALFORMED, "cose.parse.structure", "no COSE_Sign1: expected tag 18 on an array of four, found %s",
			    cbor_kind_name(v));
	TRY(read_protected(a, cbor_at(inner, 0), &m, w));
	m.unprotected = cbor_at(inner, 1);
	if (!cbor_is(m.unprotected, CBOR_MAP))
		return deny(w, E_MALFORMED, "cose.parse.unprotected", "the unprotected header is %s, expected a map",
			    cbor_kind_name(m.unprotected));
	if (labels_overlap(m.protected_map, m.unprotected))
		return deny(w, E_MALFORMED, "cose.parse.headers", "a header stands in both maps");
	if (cbor_is(cbor_at(inner, 2), CBOR_BYTES)) {
		static const uint8_t empty;

		m.payload = cbor_at(inner, 2)->bytes;
		m.payload.p = m.payload.p ? m.payload.p : &empty;
	} else if (!cbor_is(cbor_at(inner, 2), CBOR_NULL)) {
		return deny(w, E_MALFORMED, "cose.parse.payload", "the payload is %s, expected bytes or null",
			    cbor_kind_name(cbor_at(inner, 2)));
	}
	if (!cbor_is(cbor_at(inner, 3), CBOR_BYTES) || cbor_at(inner, 3)->bytes.n == 0)
		return deny(w, E_MALFORMED, "cose.parse.signature", "the signature is %s, expected bytes",
			    cbor_kind_name(cbor_at(inner, 3)));
	m.signature = cbor_at(inner, 3)->bytes;
	if (cbor_get_int(m.protected_map, HDR_CRIT) || cbor_get_int(m.unprotected, HDR_CRIT))
		return deny(w, E_UNSUPPORTED, "cose.unsupported.critical", "critical headers are not understood");
	alg = cbor_get_int(m.protected_map, HDR_ALG);
	if (!alg && flags & COSE_ALG_UNPROTECTED)
		alg = cbor_get_int(m.unprotected, HDR_ALG);
	if (!cbor_i64(alg, &m.alg) || !alg_row(m.alg))
		return deny(w, E_UNSUPPORTED, "cose.unsupported.algorithm", "the algorithm is %lld or none, which is not supported",
			    (long long)m.alg);
	*out = m;
	return rc_of(OK);
}

RC cose_sign1_parse(struct arena *a, struct slice in, unsigned flags, struct cose_sign1 *out, struct why *w)
{
	struct cbor *v;

	TRY(cbor_parse(a, in, NULL, &v, w));
	return cose_sign1_from(a, v, flags, out, w);
}

struct slice cose_sig_structure(struct arena *a, struct slice protected_raw, struct slice external, struct slice payload)
{
	struct buf b = buf_in(a, 0);

	cbor_put_array(&b, 4);
	cbor_put_text(&b, SLICE_LIT("Signature1"));
	cbor_put_bytes(&b, protected_raw);
	cbor_put_bytes(&b, external);
	cbor_put_bytes(&b, payload);
	return buf_ok(&b) ? buf_view(&b) : (struct slice){0};
}

RC cose_sign1_verify(const struct cose_sign1 *m, struct slice payload, struct slice external, const struct pkey *key,
		     struct arena *a, const char *reason, struct why *w)
{
	const struct alg_row *row = alg_row(m->alg);
	enum key_kind kind = pkey_kind(key);
	bool ec_key = kind == KEY_P256 || kind == KEY_P384 || kind == KEY_P521;
	struct slice tbs;

	if (!payload.p)
		payload = m->payload;
	if (!payload.p)
		return deny(w, E_MALFORMED, "cose.parse.payload", "the payload is detached and was not given");
	if (!row || (row->ec ? !ec_key : row->rsa ? kind != KEY_RSA : kind != KEY_ED25519))
		return deny(w, E_UNSUPPORTED, "cose.unsupported.key", "algorithm %lld does not suit the key", (long long)m->alg);
	tbs = cose_sig_structure(a, m->protected_raw, external, payload);
	if (!tbs.p)
		return deny(w, E_INTERNAL, "cose.memory", "no memory for the signed bytes");
	if (row->ec || row->rsa)
		return pkey_verify_hash(key, row->hash, row->rsa, tbs, m->signature, reason, w);
	return pkey_verify(key, SIG_EDDSA, tbs, m->signature, reason, w);
}

RC cose_key_from(const struct cbor *v, struct pkey **out, struct why *w)
{
	static const struct {
		int64_t crv;
		enum key_kind kind;
		size_t size;
	} curves[] = {{1, KEY_P256, 32}, {2, KEY_P384, 48}, {3, KEY_P521, 66}};
	const struct cbor *x = cbor_get_int(v, KEY_X), *y = cbor_get_int(v, KEY_Y);
	int64_t kty = 0, crv = 0;

	if (!cbor_i64(cbor_get_int(v, KEY_KTY), &kty) || !cbor_i64(cbor_get_int(v, KEY_CRV), &crv) || !cbor_is(x, CBOR_BYTES))
		return deny(w, E_MALFORMED, "cose.parse.key", "a COSE_Key needs kty, crv and x");
	if (kty == KTY_OKP && crv == 6)
		return pkey_from_ed25519(x->bytes, out, w);
	for (size_t i = 0; kty == KTY_EC2 && i < sizeof(curves) / sizeof(curves[0]); i++) {
		if (curves[i].crv != crv)
			continue;
		if (!cbor_is(y, CBOR_BYTES) || x->bytes.n != curves[i].size || y->bytes.n != curves[i].size)
			return deny(w, E_MALFORMED, "cose.parse.key", "an EC2 key needs x and y of %zu bytes", curves[i].size);
		return pkey_from_ec_xy(curves[i].kind, x->bytes, y->bytes, out, w);
	}
	return deny(w, E_UNSUPPORTED, "cose.unsupported.key", "COSE_Key of type %lld, curve %lld", (long long)kty, (long long)crv);
}
