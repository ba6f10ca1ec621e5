#include "evidence/tpm.h"

#include "base/cur.h"
#include "evidence/octets.h"

#define TPM_GENERATED	 0xff544347u
#define TPM_ST_QUOTE	 0x8018u
#define TPM_ALG_RSA	 0x0001u
#define TPM_ALG_ECC	 0x0023u
#define TPM_ALG_NULL	 0x0010u
#define TPM_EXTRA_MAX	 66u	/* TPM2B_DATA holds a TPMT_HA */
#define TPM_NAME_MAX	 66u
#define TPM_PUBLIC_MAX	 1024u

enum digest_alg tpm_hash(uint16_t tpm_alg)
{
	switch (tpm_alg) {
	case 0x0004:
		return DIGEST_SHA1;
	case 0x000b:
		return DIGEST_SHA256;
	case 0x000c:
		return DIGEST_SHA384;
	case 0x000d:
		return DIGEST_SHA512;
	case 0x0012:
		return DIGEST_SM3;
	default:
		return 0;
	}
}

static struct slice sized(struct cur *c, size_t max)
{
	size_t n = cur_be16(c);

	if (n > max)
		cur_spoil(c);
	return cur_take(c, n);
}

/* ---- TPMS_ATTEST ---- */

static void selection(struct cur *c, struct tpm_selection *s)
{
	size_t octets;

	s->bank = tpm_hash(cur_be16(c));
	octets = cur_u8(c);
	/* TPM 2.0 has 3 octets of PCRs; more may stand there, but must be empty. */
	if (!s->bank || octets > 8)
		cur_spoil(c);
	for (size_t i = 0; i < octets && !c->m->bad; i++) {
		uint8_t v = cur_u8(c);

		if (i < 3)
			s->pcrs |= (uint32_t)v << (8 * i);
		else if (v)
			cur_spoil(c);
	}
}

static rc check_selection(const struct tpm_quote *q, const char *reason, struct why *w)
{
	uint32_t all = 0;

	for (size_t i = 0; i < q->sel_n; i++) {
		all |= q->sel[i].pcrs;
		for (size_t k = 0; k < i; k++)
			if (q->sel[k].bank == q->sel[i].bank)
				return deny(w, E_MALFORMED, reason, "the quote selects the %s bank twice", digest_name(q->sel[i].bank));
	}
	return all ? rc_of(OK) : deny(w, E_MALFORMED, reason, "the quote selects no PCR: it says nothing about the machine");
}

/* Magic and type decide what the rest is, so they are read alone first. */
static rc check_kind(struct slice in, const struct tpm_reasons *why_not, struct why *w)
{
	struct msg m;
	struct cur c = cur_open(&m, in);
	uint32_t magic = cur_be32(&c);
	uint16_t type = cur_be16(&c);

	TRY(cur_end_open(&c, w, why_not->parse, "TPMS_ATTEST"));
	if (magic != TPM_GENERATED)
		return deny(w, E_MALFORMED, why_not->bad_magic, "the structure begins with 0x%08x, which no TPM wrote: 0x%08x", magic,
			    TPM_GENERATED);
	if (type != TPM_ST_QUOTE)
		return deny(w, E_MALFORMED, why_not->not_a_quote, "an attestation of type 0x%04x is no quote (0x%04x)", type,
			    TPM_ST_QUOTE);
	return rc_of(OK);
}

rc tpm_quote_parse(struct slice in, const struct tpm_reasons *why_not, struct tpm_quote *out, struct why *w)
{
	struct tpm_quote q = {.message = in};
	uint32_t count;
	struct msg m;
	struct cur c;
	uint8_t safe;

	if (in.n > TPM_ATTEST_MAX)
		return deny(w, E_MALFORMED, why_not->parse, "a TPMS_ATTEST of %zu bytes, at most %u", in.n, TPM_ATTEST_MAX);
	TRY(check_kind(in, why_not, w));
	c = cur_open(&m, in);
	cur_take(&c, 6);
	q.qualified_signer = sized(&c, TPM_NAME_MAX);
	q.extra_data = sized(&c, TPM_EXTRA_MAX);
	q.clock = cur_be64(&c);
	q.reset_count = cur_be32(&c);
	q.restart_count = cur_be32(&c);
	safe = cur_u8(&c);
	q.safe = safe == 1;
	q.firmware = cur_be64(&c);
	count = cur_be32(&c);
	if (safe > 1 || count > TPM_SELECTIONS_MAX)
		cur_spoil(&c);
	for (uint32_t i = 0; i < count && !m.bad; i++)
		selection(&c, &q.sel[q.sel_n++]);
	q.pcr_digest = sized(&c, DIGEST_MAX);
	TRY(cur_end(&c, w, why_not->parse, "TPMS_ATTEST"));
	TRY(check_selection(&q, why_not->parse, w));
	*out = q;
	return rc_of(OK);
}

bool tpm_quote_selects(const struct tpm_quote *q, enum digest_alg bank, unsigned pcr)
{
	for (size_t i = 0; i < q->sel_n; i++)
		if (q->sel[i].bank == bank && pcr < TPM_PCRS && (q->sel[i].pcrs >> pcr & 1))
			return true;
	return false;
}

/* ---- TPMT_SIGNATURE ---- */

const char *tpm_scheme_name(enum tpm_scheme s)
{
	switch (s) {
	case TPM_RSASSA:
		return "rsassa";
	case TPM_RSAPSS:
		return "rsapss";
	case TPM_ECDSA:
		return "ecdsa";
	}
	return "unknown";
}

rc tpm_signature_parse(struct slice in, const struct tpm_reasons *why_not, struct tpm_signature *out, struct why *w)
{
	struct tpm_signature s = {0};
	struct msg m;
	struct cur c = cur_open(&m, in);
	uint16_t scheme = cur_be16(&c);

	s.hash = tpm_hash(cur_be16(&c));
	if (scheme == TPM_RSASSA || scheme == TPM_RSAPSS) {
		s.rsa = sized(&c, 1024);
	} else if (scheme == TPM_ECDSA) {
		s.r = sized(&c, 128);
		s.s = sized(&c, 128);
	} else {
		cur_spoil(&c);
	}
	s.scheme = (enum tpm_scheme)scheme;
	TRY(cur_end(&c, w, why_not->parse, "TPMT_SIGNATURE"));
	if (s.hash != DIGEST_SHA256 && s.hash != DIGEST_SHA384 && s.hash != DIGEST_SHA512)
		return deny(w, E_DENIED, why_not->signature, "a signature with the hash %s does not count",
			    s.hash ? digest_name(s.hash) : "of an unknown kind");
	*out = s;
	return rc_of(OK);
}

/* A TPM may write r and s with leading zeros or without: both to the width of the curve. */
static bool pad_to(struct slice v, uint8_t *out, size_t width)
{
	while (v.n && v.p[0] == 0)
		v = slice_sub(v, 1, v.n);
	if (v.n > width)
		return false;
	memset(out, 0, width - v.n);
	if (v.n)
		memcpy(out + width - v.n, v.p, v.n);
	return true;
}

rc tpm_signature_check(const struct tpm_signature *s, const struct pkey *ak, struct slice message, struct arena *a,
		       const struct tpm_reasons *why_not, struct why *w)
{
	size_t width = (pkey_bits(ak) + 7) / 8;
	bool rsa_key = pkey_kind(ak) == KEY_RSA;
	uint8_t *raw;

	if (rsa_key != (s->scheme != TPM_ECDSA) || pkey_kind(ak) == KEY_ED25519 || pkey_kind(ak) == KEY_SM2)
		return deny(w, E_DENIED, why_not->signature, "the attestation key cannot make a signature of scheme %s",
			    tpm_scheme_name(s->scheme));
	if (rsa_key)
		return pkey_verify_hash(ak, s->hash, s->scheme == TPM_RSAPSS, message, s->rsa, why_not->signature, w);
	raw = arena_alloc(a, 2 * width);
	if (!raw)
		return deny(w, E_INTERNAL, "tpm.memory", "no memory for a signature");
	if (!pad_to(s->r, raw, width) || !pad_to(s->s, raw + width, width))
		return deny(w, E_DENIED, why_not->signature, "r or s is longer than the %zu bytes of the curve", width);
	return pkey_verify_hash(ak, s->hash, false, message, slice_of(raw, 2 * width), why_not->signature, w);
}

/* ---- keys ---- */

static void rsa_parms(struct cur *c, struct slice *n, uint32_t *e)
{
	cur_be16(c);	/* key bits: the modulus says it */
	*e = cur_be32(c);
	if (*e == 0)	/* the TPM's way to write the usual one */
		*e = 65537;
	*n = sized(c, 1024);
}

static enum key_kind curve_of(uint16_t id)
{
	return id == 0x0003 ? KEY_P256 : id == 0x0004 ? KEY_P384 : id == 0x0005 ? KEY_P521 : KEY_RSA;
}

/* TPMT_SYM_DEF_OBJECT and the asymmetric scheme: a restricted signing key has no symmetric part and a scheme with a hash. */
static void sym_and_scheme(struct cur *c)
{
	uint16_t scheme;

	if (cur_be16(c) != TPM_ALG_NULL)
		cur_spoil(c);
	scheme = cur_be16(c);
	if (scheme == TPM_RSASSA || scheme == TPM_RSAPSS || scheme == TPM_ECDSA)
		cur_be16(c);
	else if (scheme != TPM_ALG_NULL)
		cur_spoil(c);
}

static rc ec_key(struct slice x, struct slice y, enum key_kind curve, struct arena *a, struct tpm_key *k, struct why *w)
{
	size_t width = curve == KEY_P256 ? 32 : curve == KEY_P384 ? 48 : 66;
	uint8_t *xy = arena_alloc(a, 2 * width);

	if (!xy || !pad_to(x, xy, width) || !pad_to(y, xy + width, width))
		return deny(w, E_MALFORMED, "key.malformed", "a coordinate is too long for its curve");
	return pkey_from_ec_xy(curve, slice_of(xy, width), slice_of(xy + width, width), &k->key, w);
}

static rc public_area(struct slice in, struct arena *a, const struct tpm_reasons *why_not, struct tpm_key *k, struct why *w)
{
	const uint32_t need = TPM_FIXED_TPM | TPM_RESTRICTED | TPM_SIGN;
	struct slice n = {0}, x = {0}, y = {0};
	enum key_kind curve = KEY_RSA;
	uint32_t e = 0;
	uint8_t eb[4];
	struct msg m;
	struct cur c = cur_open(&m, in);
	uint16_t type = cur_be16(&c);

	if (!tpm_hash(cur_be16(&c)))
		cur_spoil(&c);
	k->attributes = cur_be32(&c);
	sized(&c, DIGEST_MAX);	/* authPolicy */
	sym_and_scheme(&c);
	if (type == TPM_ALG_RSA) {
		rsa_parms(&c, &n, &e);
	} else if (type == TPM_ALG_ECC) {
		curve = curve_of(cur_be16(&c));
		if (curve == KEY_RSA || cur_be16(&c) != TPM_ALG_NULL)	/* kdf */
			cur_spoil(&c);
		x = sized(&c, 128);
		y = sized(&c, 128);
	} else {
		cur_spoil(&c);
	}
	TRY(cur_end(&c, w, why_not->parse, "TPMT_PUBLIC"));
	if ((k->attributes & need) != need || (k->attributes & TPM_DECRYPT))
		return deny(w, E_DENIED, why_not->signature,
			    "the key (attributes 0x%x) is no restricted signing key of a TPM: it signs whatever it is given", k->attributes);
	k->has_public = true;
	TRY(digest(DIGEST_SHA256, in, k->name_sha256, w));
	if (type == TPM_ALG_ECC)
		return ec_key(x, y, curve, a, k, w);
	for (unsigned i = 0; i < 4; i++)
		eb[i] = (uint8_t)(e >> (24 - 8 * i));
	return pkey_from_rsa(n, slice_of(eb, 4), &k->key, w);
}

rc tpm_key_parse(struct slice in, struct arena *a, const struct tpm_reasons *why_not, struct tpm_key *out, struct why *w)
{
	struct why inner = why_in(a);
	struct tpm_key k = {0};
	struct slice spki;
	rc r;

	if (in.n > TPM_PUBLIC_MAX * 4 || in.n < 4)
		return deny(w, E_MALFORMED, why_not->parse, "an attestation key of %zu bytes", in.n);
	if (in.p[0] == 0x30)
		r = pkey_from_spki(in, &k.key, &inner);
	else if (in.p[0] == 0 && (in.p[1] == TPM_ALG_RSA || in.p[1] == TPM_ALG_ECC) && in.p[2] == 0 && in.p[3] < 0x20)
		r = public_area(in, a, why_not, &k, w);
	else if (((size_t)in.p[0] << 8 | in.p[1]) == in.n - 2)
		r = public_area(slice_sub(in, 2, in.n), a, why_not, &k, w);
	else if (memmem(in.p, in.n, "-----BEGIN ", 11))	/* with whatever text around it */
		r = pkey_from_pem(in, &k.key, &inner);
	else
		return deny(w, E_MALFORMED, why_not->parse, "an attestation key of no known form");
	if (!rc_ok(r) && why_empty(w))
		return recast(r, &inner, why_not->parse, why_not->parse, w);
	TRY(r);
	r = pkey_to_spki(k.key, a, &spki, w);
	if (rc_ok(r))
		r = digest(DIGEST_SHA256, spki, k.spki_sha256, w);
	if (!rc_ok(r)) {
		tpm_key_free(&k);
		return r;
	}
	*out = k;
	return rc_of(OK);
}

void tpm_key_free(struct tpm_key *k)
{
	pkey_free(k->key);
	k->key = NULL;
}
