#include "evidence/hygon.h"

#include "base/cur.h"
#include "codec/base64.h"
#include "crypto/digest.h"
#include "crypto/pkey.h"
#include "evidence/octets.h"

#define UID_MAX 254u

static RC check_common(const struct hygon_cert *c, uint16_t uid_size, struct why *w)
{
	if (uid_size > UID_MAX)
		return deny(w, E_MALFORMED, "hygon.parse.user-id", "%s: the user id says %u bytes, its field has %u", c->name,
			    uid_size, UID_MAX);
	if (c->curve != HYGON_CURVE_SM2)
		return deny(w, E_UNSUPPORTED, "hygon.unsupported.curve", "%s: curve %u, expected %u (SM2)", c->name, c->curve,
			    HYGON_CURVE_SM2);
	return rc_of(OK);
}

RC hygon_ca_parse(struct slice in, const char *name, struct hygon_cert *out, struct why *w)
{
	struct msg m;
	struct cur c = cur_open(&m, in);
	struct hygon_cert cert = {.name = name, .sigs_n = 1, .algo = HYGON_SM2_SIGN};
	uint16_t uid_size;
	struct slice uid;

	cert.version = cur_le32(&c);
	cert.kid = cur_take(&c, 16);
	cert.sid = cur_take(&c, 16);
	cert.usage = cur_le32(&c);
	(void)cur_take(&c, 24);
	cert.curve = cur_le32(&c);
	cert.x = cur_take(&c, HYGON_FIELD);
	cert.y = cur_take(&c, HYGON_FIELD);
	uid_size = cur_le16(&c);
	uid = cur_take(&c, UID_MAX);
	(void)cur_take(&c, 108);
	cert.sigs[0].r = cur_take(&c, HYGON_FIELD);
	cert.sigs[0].s = cur_take(&c, HYGON_FIELD);
	cur_zero(&c, 112);
	TRY(cur_end(&c, w, "hygon.parse.length", "a Hygon CA certificate"));
	TRY(check_common(&cert, uid_size, w));
	cert.user_id = slice_sub(uid, 0, uid_size);
	cert.body = slice_sub(in, 0, 0x240);
	*out = cert;
	return rc_of(OK);
}

RC hygon_csv_parse(struct slice in, const char *name, struct hygon_cert *out, struct why *w)
{
	struct msg m;
	struct cur c = cur_open(&m, in);
	struct hygon_cert cert = {.name = name, .sigs_n = 2};
	uint16_t uid_size;
	struct slice uid;

	cert.version = cur_le32(&c);
	cert.fw_major = cur_u8(&c);
	cert.fw_minor = cur_u8(&c);
	(void)cur_le16(&c);
	cert.usage = cur_le32(&c);
	cert.algo = cur_le32(&c);
	cert.curve = cur_le32(&c);
	cert.x = cur_take(&c, HYGON_FIELD);
	cert.y = cur_take(&c, HYGON_FIELD);
	uid_size = cur_le16(&c);
	uid = cur_take(&c, UID_MAX);
	cert.sid = cur_take(&c, 16);
	(void)cur_take(&c, 608);
	for (unsigned i = 0; i < 2; i++) {
		cert.sigs[i].usage = cur_le32(&c);
		cert.sigs[i].algo = cur_le32(&c);
		cert.sigs[i].r = cur_take(&c, HYGON_FIELD);
		cert.sigs[i].s = cur_take(&c, HYGON_FIELD);
		cur_zero(&c, 368);
	}
	TRY(cur_end(&c, w, "hygon.parse.length", "a Hygon CSV certificate"));
	TRY(check_common(&cert, uid_size, w));
	cert.user_id = slice_sub(uid, 0, uid_size);
	cert.body = slice_sub(in, 0, 0x414);
	*out = cert;
	return rc_of(OK);
}

/* ---- JSON ---- */

/* Writes the members of one JSON object after another; the first failure sticks. */
struct writer {
	struct arena *a;
	struct buf b;
	struct why *w;
	rc r;
};

static void put_bytes(struct writer *wr, const struct json *obj, const char *name, size_t n)
{
	struct slice bytes = {0};

	if (rc_ok(wr->r))
		wr->r = octets_need(wr->a, obj, name, n, n, &bytes, "Hygon certificate", wr->w);
	if (rc_ok(wr->r))
		buf_slice(&wr->b, bytes);
}

static void put_num(struct writer *wr, const struct json *obj, const char *name, unsigned size)
{
	uint64_t v = 0;

	if (rc_ok(wr->r))
		wr->r = json_need_u64(obj, name, (UINT64_C(1) << (8 * size)) - 1, &v, "Hygon certificate", wr->w);
	if (!rc_ok(wr->r))
		return;
	for (unsigned i = 0; i < size; i++)
		buf_putc(&wr->b, (char)(uint8_t)(v >> (8 * i)));
}

static RC finish(struct writer *wr, size_t size, struct slice *out)
{
	TRY(wr->r);
	if (!buf_ok(&wr->b) || wr->b.n != size)
		return deny(wr->w, E_INTERNAL, "hygon.memory", "no memory for a certificate");
	*out = buf_view(&wr->b);
	return rc_of(OK);
}

static void put_sig(struct writer *wr, const struct json *sig)
{
	put_bytes(wr, sig, "r", HYGON_FIELD);
	put_bytes(wr, sig, "s", HYGON_FIELD);
}

RC hygon_ca_from_json(struct arena *a, const struct json *v, struct slice *out, struct why *w)
{
	struct writer wr = {.a = a, .b = buf_in(a, HYGON_CA_SIZE), .w = w, .r = {OK}};
	const struct json *body = json_get(v, "body"), *preamble = json_get(body, "preamble");
	const struct json *data = json_get(preamble, "data"), *key = json_get(body, "pubkey");

	put_num(&wr, preamble, "ver", 4);
	put_bytes(&wr, data, "kid", 16);
	put_bytes(&wr, data, "sid", 16);
	put_num(&wr, data, "usage", 4);
	put_bytes(&wr, data, "reserved", 24);
	put_num(&wr, key, "g", 4);
	put_bytes(&wr, key, "x", HYGON_FIELD);
	put_bytes(&wr, key, "y", HYGON_FIELD);
	put_num(&wr, body, "uid_size", 2);
	put_bytes(&wr, body, "user_id", UID_MAX);
	put_bytes(&wr, body, "reserved", 108);
	put_sig(&wr, json_get(v, "signature"));
	put_bytes(&wr, v, "_reserved", 112);
	return finish(&wr, HYGON_CA_SIZE, out);
}

RC hygon_csv_from_json(struct arena *a, const struct json *v, struct slice *out, struct why *w)
{
	struct writer wr = {.a = a, .b = buf_in(a, HYGON_CSV_SIZE), .w = w, .r = {OK}};
	const struct json *body = json_get(v, "body"), *data = json_get(body, "data");
	const struct json *key = json_get(data, "pubkey"), *point = json_get(key, "key"), *sigs = json_get(v, "sigs");

	put_num(&wr, body, "ver", 4);
	put_num(&wr, json_get(data, "firmware"), "major", 1);
	put_num(&wr, json_get(data, "firmware"), "minor", 1);
	put_num(&wr, data, "reserved1", 2);
	put_num(&wr, key, "usage", 4);
	put_num(&wr, key, "algo", 4);
	put_num(&wr, point, "g", 4);
	put_bytes(&wr, point, "x", HYGON_FIELD);
	put_bytes(&wr, point, "y", HYGON_FIELD);
	put_num(&wr, data, "uid_size", 2);
	put_bytes(&wr, data, "user_id", UID_MAX);
	put_bytes(&wr, data, "sid", 16);
	put_bytes(&wr, data, "reserved2", 608);
	if (rc_ok(wr.r) && (!json_is(sigs, JSON_ARRAY) || sigs->n != 2))
		wr.r = deny(w, E_MALFORMED, "hygon.parse.sigs", "a CSV certificate has two signatures");
	for (size_t i = 0; i < 2; i++) {
		const struct json *s = json_at(sigs, i);

		put_num(&wr, s, "usage", 4);
		put_num(&wr, s, "algo", 4);
		put_sig(&wr, json_get(s, "signature"));
		put_bytes(&wr, s, "_reserved", 368);
	}
	return finish(&wr, HYGON_CSV_SIZE, out);
}

/* ---- signatures ---- */

/* The 32 significant bytes, big endian; false when the number is larger. */
static bool field_be(struct slice le, uint8_t out[32])
{
	uint8_t high = 0;

	if (le.n != HYGON_FIELD)
		return false;
	for (size_t i = 32; i < HYGON_FIELD; i++)
		high |= le.p[i];
	for (size_t i = 0; i < 32; i++)
		out[i] = le.p[31 - i];
	return high == 0;
}

static RC key_of(const struct hygon_cert *c, struct pkey **out, struct why *w)
{
	uint8_t x[32], y[32];

	if (!field_be(c->x, x) || !field_be(c->y, y))
		return deny(w, E_MALFORMED, "hygon.key", "the key of %s has more than 256 bits", c->name);
	return pkey_from_ec_xy(KEY_SM2, slice_of(x, 32), slice_of(y, 32), out, w);
}

RC hygon_verify(const struct hygon_cert *signer, struct slice msg, const struct hygon_sig *sig, const char *reason,
		struct arena *a, struct why *w)
{
	struct why inner = why_in(a);
	struct pkey *key = NULL;
	uint8_t rs[64];
	rc r;

	if (!field_be(sig->r, rs) || !field_be(sig->s, rs + 32))
		return deny(w, E_DENIED, reason, "a signature by %s has numbers of more than 256 bits", signer->name);
	r = key_of(signer, &key, &inner);
	if (rc_ok(r))
		r = pkey_verify_sm2(key, signer->user_id, msg, slice_of(rs, 64), reason, &inner);
	pkey_free(key);
	if (rc_ok(r) || r.code == E_INTERNAL)
		return note(w, r, "SM2 with the key of %s", signer->name);
	return deny(w, E_DENIED, reason, "the SM2 signature by %s does not verify: %s", signer->name, why_text(&inner));
}

RC hygon_signed_by(const struct hygon_cert *child, const struct hygon_cert *signer, const char *reason, struct arena *a,
		   struct why *w)
{
	bool fits = false;

	for (unsigned i = 0; i < child->sigs_n; i++) {
		struct why tried = why_in(a);

		/* a CA certificate does not say whose key signed it: its place in the chain does */
		if (child->sigs_n == 2 && (child->sigs[i].usage != signer->usage || child->sigs[i].algo != signer->algo))
			continue;
		fits = true;
		if (rc_ok(hygon_verify(signer, child->body, &child->sigs[i], reason, a, &tried)))
			return rc_of(OK);
	}
	if (!fits)
		return deny(w, E_DENIED, reason, "%s has no signature by a key of usage 0x%x, as %s has", child->name,
			    signer->usage, signer->name);
	return deny(w, E_DENIED, reason, "the signature of %s by %s does not verify", child->name, signer->name);
}

/* ---- the chain ---- */

RC hygon_serial(struct slice field, const char *reason, struct slice *out, struct why *w)
{
	size_t n = field.n;

	while (n && field.p[n - 1] == 0)
		n--;
	if (n == 0 || n > 64)
		return deny(w, E_MALFORMED, reason, "a serial number has 1 to 64 characters, not %zu", n);
	for (size_t i = 0; i < n; i++) {
		uint8_t ch = field.p[i];

		if (!((ch >= '0' && ch <= '9') || (ch >= 'A' && ch <= 'Z') || (ch >= 'a' && ch <= 'z')))
			return deny(w, E_MALFORMED, reason, "byte 0x%02x in a serial number: letters and digits only", ch);
	}
	*out = slice_sub(field, 0, n);
	return rc_of(OK);
}

RC hygon_plan(struct vjob *job, struct slice serial, bool has_hsk_cek)
{
	const char *key = arena_strndup(job->arena, serial.p, serial.n);

	TRY(vjob_want(job, "hygon-hrk", ""));
	if (has_hsk_cek)
		return rc_of(OK);
	return key ? vjob_want(job, "hygon-hsk-cek", key) : deny(job->why, E_INTERNAL, "hygon.memory", "no memory");
}

const struct hygon_reasons hygon_csv_reasons = {
	.parse = "csv.parse.certificate",
	.unsupported = "csv.unsupported.certificate",
	.root = "csv.untrusted-root",
	.hrk_absent = "csv.chain.hrk-absent",
	.hrk = "csv.chain.hrk",
	.pair_absent = "csv.chain.hsk-cek-absent",
	.hsk = "csv.chain.hsk",
	.cek = "csv.chain.cek",
};

const struct hygon_reasons hygon_dcu_reasons = {
	.parse = "hygondcu.parse.certificate",
	.unsupported = "hygondcu.unsupported.certificate",
	.root = "hygondcu.untrusted-root",
	.hrk_absent = "hygondcu.chain.hrk-absent",
	.hrk = "hygondcu.chain.hrk",
	.pair_absent = "hygondcu.chain.hsk-cek-absent",
	.hsk = "hygondcu.chain.hsk",
	.cek = "hygondcu.chain.cek",
};

/* Operators name the key of a root of their own. */
static bool key_is_anchor(const struct vjob *job, const struct hygon_cert *root)
{
	struct why inner = why_in(job->arena);
	struct pkey *key = NULL;
	struct slice spki;
	uint8_t sha[32];
	bool ok = rc_ok(key_of(root, &key, &inner)) && rc_ok(pkey_to_spki(key, job->arena, &spki, &inner)) &&
		  rc_ok(digest(DIGEST_SHA256, spki, sha, &inner)) && vjob_anchor(job, "hygon-hrk", sha);

	pkey_free(key);
	return ok;
}

static RC load_root(struct vjob *job, const struct hygon_reasons *is, struct hygon_cert *out)
{
	struct slice hrk = vjob_collateral(job, "hygon-hrk", "");
	struct why inner = why_in(job->arena);
	uint8_t sha[32];

	if (!hrk.p)
		return deny(job->why, E_UNAVAILABLE, is->hrk_absent, "the Hygon root key certificate is not at hand");
	TRY(recast(hygon_ca_parse(hrk, "HRK", out, &inner), &inner, is->parse, is->unsupported, job->why));
	TRY(digest(DIGEST_SHA256, hrk, sha, job->why));
	if (!vjob_anchor(job, "hygon-hrk", sha) && !key_is_anchor(job, out)) {
		rc r = deny(job->why, E_DENIED, is->root, "the root key certificate is not a trusted one");

		why_compared(job->why, "hrk.sha256", hex_text(job->arena, slice_of(sha, 32)), "an anchor of hygon-hrk");
		return r;
	}
	if (out->usage != HYGON_HRK)
		return deny(job->why, E_DENIED, is->hrk, "the root key has usage 0x%x", out->usage);
	return hygon_signed_by(out, out, is->hrk, job->arena, job->why);
}

/* HSK and CEK: from the evidence, or both in one piece of collateral, as Hygon serves them. */
static RC find_pair(struct vjob *job, const struct hygon_reasons *is, struct slice serial, struct slice *hsk,
		    struct slice *cek)
{
	const char *key = arena_strndup(job->arena, serial.p, serial.n);
	struct slice both;

	if (hsk->p && cek->p)
		return rc_of(OK);
	both = key ? vjob_collateral(job, "hygon-hsk-cek", key) : (struct slice){0};
	if (!both.p)
		return deny(job->why, E_UNAVAILABLE, is->pair_absent, "no HSK and CEK certificates of chip " SLICE_FMT,
			    SLICE_ARG(serial));
	if (both.n != HYGON_CA_SIZE + HYGON_CSV_SIZE)
		return deny(job->why, E_MALFORMED, is->parse, "HSK and CEK have %u bytes, not %zu",
			    HYGON_CA_SIZE + HYGON_CSV_SIZE, both.n);
	*hsk = slice_sub(both, 0, HYGON_CA_SIZE);
	*cek = slice_sub(both, HYGON_CA_SIZE, HYGON_CSV_SIZE);
	return rc_of(OK);
}

RC hygon_chain(struct vjob *job, const struct hygon_reasons *is, struct slice serial, struct slice hsk, struct slice cek,
	       struct hygon_cert *out)
{
	struct hygon_cert hrk_cert, hsk_cert, cek_cert;
	struct why inner = why_in(job->arena);

	TRY(find_pair(job, is, serial, &hsk, &cek));
	TRY(recast(hygon_ca_parse(hsk, "HSK", &hsk_cert, &inner), &inner, is->parse, is->unsupported, job->why));
	TRY(recast(hygon_csv_parse(cek, "CEK", &cek_cert, &inner), &inner, is->parse, is->unsupported, job->why));
	TRY(load_root(job, is, &hrk_cert));
	if (hsk_cert.usage != HYGON_HSK)
		return deny(job->why, E_DENIED, is->hsk, "HSK has usage 0x%x, expected 0x%x", hsk_cert.usage, HYGON_HSK);
	if (!slice_eq(hsk_cert.sid, hrk_cert.kid))
		return deny(job->why, E_DENIED, is->hsk, "HSK was signed by another key than the root");
	TRY(hygon_signed_by(&hsk_cert, &hrk_cert, is->hsk, job->arena, job->why));
	if (cek_cert.usage != HYGON_CEK)
		return deny(job->why, E_DENIED, is->cek, "CEK has usage 0x%x, expected 0x%x", cek_cert.usage, HYGON_CEK);
	TRY(hygon_signed_by(&cek_cert, &hsk_cert, is->cek, job->arena, job->why));
	*out = cek_cert;
	return rc_of(OK);
}
