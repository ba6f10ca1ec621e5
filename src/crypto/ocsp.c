#include "crypto/ocsp.h"

#include "base/num.h"
#include "base/sys.h"
#include "codec/base64.h"
#include "crypto/der_write.h"

#define CERTS_MAX 4u
#define ANSWERS_MAX 64u
#define OCSP_DER_MAX (64u << 10)

static const struct {
	enum digest_alg alg;
	const char *oid;
} hash_oids[] = {
	{DIGEST_SHA1, "1.3.14.3.2.26"},
	{DIGEST_SHA256, "2.16.840.1.101.3.4.2.1"},
	{DIGEST_SHA384, "2.16.840.1.101.3.4.2.2"},
	{DIGEST_SHA512, "2.16.840.1.101.3.4.2.3"},
};

static const struct {
	const char *oid;
	enum digest_alg alg;
	bool ec;
} sig_oids[] = {
	{"1.2.840.10045.4.3.2", DIGEST_SHA256, true},	  {"1.2.840.10045.4.3.3", DIGEST_SHA384, true},
	{"1.2.840.10045.4.3.4", DIGEST_SHA512, true},	  {"1.2.840.113549.1.1.11", DIGEST_SHA256, false},
	{"1.2.840.113549.1.1.12", DIGEST_SHA384, false}, {"1.2.840.113549.1.1.13", DIGEST_SHA512, false},
};

/* ---- names of certificates ---- */

/* The bits of the public key, without their wrapping. */
static RC key_bits(struct arena *a, const struct x509 *c, struct slice *out, struct why *w)
{
	struct slice spki;
	struct msg m;
	struct cur cur, seq;

	if (!x509_key(c))
		return deny(w, E_UNSUPPORTED, "ocsp.key", "an issuer with an unknown kind of key");
	TRY(pkey_to_spki(x509_key(c), a, &spki, w));
	cur = cur_open(&m, spki);
	seq = der_enter(&cur, DER_SEQUENCE);
	(void)der_raw(&seq);
	*out = der_bytes(&seq);
	return cur_end(&seq, w, "ocsp.key", "a public key");
}

RC ocsp_id_of(struct arena *a, enum digest_alg alg, const struct x509 *cert, const struct x509 *issuer, struct ocsp_id *out,
	      struct why *w)
{
	struct ocsp_id id = {.alg = alg, .serial = x509_serial(cert, a)};
	struct slice name = x509_subject(issuer, a), key;

	if (!name.p || !id.serial.p)
		return deny(w, E_INTERNAL, "ocsp.memory", "no memory for a name");
	TRY(key_bits(a, issuer, &key, w));
	TRY(digest(alg, name, id.name_hash, w));
	TRY(digest(alg, key, id.key_hash, w));
	*out = id;
	return rc_of(OK);
}

const char *ocsp_id_text(struct arena *a, const struct ocsp_id *id)
{
	size_t n = digest_size(id->alg);
	const char *name = hex_text(a, slice_of(id->name_hash, n)), *key = hex_text(a, slice_of(id->key_hash, n));
	const char *serial = hex_text(a, id->serial);

	return name && key && serial ? arena_printf(a, "%s:%s:%s:%s", digest_name(id->alg), name, key, serial) : NULL;
}

RC ocsp_id_parse(struct arena *a, struct slice text, struct ocsp_id *out, struct why *w)
{
	struct slice part[4] = {{0}};
	struct ocsp_id id;
	size_t n = 0, from = 0, size;

	for (size_t i = 0; i <= text.n && n < 4; i++)
		if (i == text.n || text.p[i] == ':') {
			part[n++] = slice_sub(text, from, i - from);
			from = i + 1;
		}
	id.alg = digest_by_name(part[0]);
	size = id.alg ? digest_size(id.alg) : 0;
	if (n != 4 || from != text.n + 1 || !size || part[3].n == 0 || part[3].n > 80)
		return deny(w, E_MALFORMED, "ocsp.id", "no name of a certificate");
	TRY(hex_decode_into(part[1], id.name_hash, size, "name hash", w));
	TRY(hex_decode_into(part[2], id.key_hash, size, "key hash", w));
	TRY(hex_decode(a, part[3], &id.serial, "serial number", w));
	*out = id;
	return rc_of(OK);
}

/* ---- asking ---- */

static struct slice cert_id(struct arena *a, const struct ocsp_id *id)
{
	const char *oid = NULL;
	size_t n = digest_size(id->alg);

	for (size_t i = 0; i < sizeof(hash_oids) / sizeof(hash_oids[0]); i++)
		if (hash_oids[i].alg == id->alg)
			oid = hash_oids[i].oid;
	if (!oid)
		return (struct slice){0};
	return der_put_of(a, DER_SEQUENCE, der_put_of(a, DER_SEQUENCE, der_put_oid(a, oid), der_put(a, DER_NULL, (struct slice){0})),
			  der_put(a, DER_OCTET_STRING, slice_of(id->name_hash, n)),
			  der_put(a, DER_OCTET_STRING, slice_of(id->key_hash, n)), der_put_magnitude(a, id->serial));
}

static struct slice nonce_extension(struct arena *a, struct slice nonce)
{
	struct slice value = der_put(a, DER_OCTET_STRING, der_put(a, DER_OCTET_STRING, nonce));
	struct slice ext = der_put_of(a, DER_SEQUENCE, der_put_oid(a, "1.3.6.1.5.5.7.48.1.2"), value);

	return der_put(a, DER_CONTEXT_CONS(2), der_put(a, DER_SEQUENCE, ext));
}

RC ocsp_request(struct arena *a, const struct ocsp_id *id, struct slice nonce, struct slice *out, struct why *w)
{
	struct slice name = cert_id(a, id), list, more = {0};

	if (nonce.n > 32)
		return deny(w, E_MALFORMED, "ocsp.nonce", "a nonce of %zu bytes, at most 32", nonce.n);
	if (!name.p)
		return deny(w, E_INTERNAL, "ocsp.memory", "no memory for a request");
	list = der_put(a, DER_SEQUENCE, der_put(a, DER_SEQUENCE, name));
	if (nonce.n)
		more = nonce_extension(a, nonce);
	*out = der_put(a, DER_SEQUENCE, der_put_of(a, DER_SEQUENCE, list, more));
	return arena_bad(a) || !out->p ? deny(w, E_INTERNAL, "ocsp.memory", "no memory for a request") : rc_of(OK);
}

/* ---- reading ---- */

/* GeneralizedTime "20260101000000Z" of RFC 5280: no fraction, no offset. */
static int64_t read_time(struct cur *c, struct slice text)
{
	unsigned v[7] = {0};	/* century and year apart, then month to second */

	if (text.n != 15 || text.p[14] != 'Z') {
		cur_spoil(c);
		return 0;
	}
	for (unsigned i = 0; i < 14; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			cur_spoil(c);
		v[i / 2] = v[i / 2] * 10 + (unsigned)(text.p[i] - '0');
	}
	if (v[2] < 1 || v[2] > 12 || v[3] < 1 || v[3] > 31 || v[4] > 23 || v[5] > 59 || v[6] > 60)
		cur_spoil(c);
	return c->m->bad ? 0 : time_from_civil((int64_t)v[0] * 100 + v[1], v[2], v[3], v[4], v[5], v[6]);
}

struct single {
	struct slice alg_oid, name_hash, key_hash, serial;
	struct ocsp_answer answer;
};

static void read_status(struct cur *c, struct ocsp_answer *out)
{
	out->reason = -1;
	if (der_next_is(c, DER_CONTEXT(0))) {
		out->status = OCSP_GOOD;
		if (der_take(c, DER_CONTEXT(0)).n)
			cur_spoil(c);
	} else if (der_next_is(c, DER_CONTEXT_CONS(1))) {
		struct cur info = der_enter(c, DER_CONTEXT_CONS(1));

		out->status = OCSP_REVOKED;
		out->revoked_at = read_time(&info, der_take(&info, DER_TIME));
		if (der_next_is(&info, DER_CONTEXT_CONS(0))) {
			struct cur r = der_enter(&info, DER_CONTEXT_CONS(0));

			out->reason = (int)(der_enumerated(&r) & 0xff);
			der_leave(&r);
		}
		der_leave(&info);
	} else {
		out->status = OCSP_UNKNOWN;
		(void)der_take(c, DER_CONTEXT(2));
	}
}

static void read_single(struct cur *list, struct single *out)
{
	struct cur c = der_enter(list, DER_SEQUENCE), id = der_enter(&c, DER_SEQUENCE), alg = der_enter(&id, DER_SEQUENCE);

	out->alg_oid = der_oid(&alg);
	(void)cur_rest(&alg);
	der_leave(&alg);
	out->name_hash = der_take(&id, DER_OCTET_STRING);
	out->key_hash = der_take(&id, DER_OCTET_STRING);
	out->serial = der_magnitude(&id);
	der_leave(&id);
	read_status(&c, &out->answer);
	out->answer.this_update = read_time(&c, der_take(&c, DER_TIME));
	out->answer.next_update = INT64_MIN;
	if (der_next_is(&c, DER_CONTEXT_CONS(0))) {
		struct cur next = der_enter(&c, DER_CONTEXT_CONS(0));

		out->answer.next_update = read_time(&next, der_take(&next, DER_TIME));
		der_leave(&next);
	}
	if (der_next_is(&c, DER_CONTEXT_CONS(1)))
		(void)der_any(&c, &(uint8_t){0});
	der_leave(&c);
}

struct response {
	struct slice tbs;	/* as received */
	struct single singles[ANSWERS_MAX];
	unsigned singles_n;
	struct slice sig_oid, signature;
	struct slice certs[CERTS_MAX];
	unsigned certs_n;
};

static void read_tbs(struct slice tbs, struct response *out, struct cur *outer)
{
	struct msg m;
	struct cur c = cur_open(&m, tbs), seq = der_enter(&c, DER_SEQUENCE), list;
	uint8_t tag;

	if (der_next_is(&seq, DER_CONTEXT_CONS(0)))
		(void)der_any(&seq, &tag);	/* version */
	(void)der_any(&seq, &tag);		/* responder: by name [1] or by key [2]; the signature decides */
	if (tag != DER_CONTEXT_CONS(1) && tag != DER_CONTEXT_CONS(2))
		cur_spoil(&seq);
	(void)read_time(&seq, der_take(&seq, DER_TIME));
	list = der_enter(&seq, DER_SEQUENCE);
	while (cur_more(&list) && out->singles_n < ANSWERS_MAX)
		read_single(&list, &out->singles[out->singles_n++]);
	der_leave(&list);
	if (der_next_is(&seq, DER_CONTEXT_CONS(1)))
		(void)der_any(&seq, &tag);
	der_leave(&seq);
	if (m.bad || cur_more(&c))
		cur_spoil(outer);
}

static void read_basic(struct slice basic, struct response *out, struct cur *outer)
{
	struct msg m;
	struct cur c = cur_open(&m, basic), seq = der_enter(&c, DER_SEQUENCE), alg;

	out->tbs = der_raw(&seq);
	alg = der_enter(&seq, DER_SEQUENCE);
	out->sig_oid = der_oid(&alg);
	(void)cur_rest(&alg);
	der_leave(&alg);
	out->signature = der_bytes(&seq);
	if (der_next_is(&seq, DER_CONTEXT_CONS(0))) {
		struct cur explicit = der_enter(&seq, DER_CONTEXT_CONS(0)), certs = der_enter(&explicit, DER_SEQUENCE);

		while (cur_more(&certs) && out->certs_n < CERTS_MAX)
			out->certs[out->certs_n++] = der_raw(&certs);
		der_leave(&certs);
		der_leave(&explicit);
	}
	der_leave(&seq);
	if (m.bad || cur_more(&c))
		cur_spoil(outer);
	else
		read_tbs(out->tbs, out, outer);
}

static RC parse(struct slice der, const char *reason, struct response *out, struct why *w)
{
	struct msg m;
	struct cur c = cur_open(&m, der), seq = der_enter(&c, DER_SEQUENCE), bytes, body;
	uint64_t status = der_enumerated(&seq);
	struct slice oid, basic;

	if (der.n > OCSP_DER_MAX)
		return deny(w, E_MALFORMED, reason, "an OCSP answer of %zu bytes", der.n);
	if (!m.bad && status != 0)
		return deny(w, E_MALFORMED, reason, "the responder answers with error %llu", (unsigned long long)status);
	bytes = der_enter(&seq, DER_CONTEXT_CONS(0));
	body = der_enter(&bytes, DER_SEQUENCE);
	oid = der_oid(&body);
	basic = der_take(&body, DER_OCTET_STRING);
	der_leave(&body);
	der_leave(&bytes);
	der_leave(&seq);
	if (!oid_is(oid, "1.3.6.1.5.5.7.48.1.1"))
		cur_spoil(&c);
	if (!m.bad)
		read_basic(basic, out, &c);
	return cur_end(&c, w, reason, "an OCSP answer");
}

/* ---- checking ---- */

static bool about(struct arena *a, const struct single *s, const struct x509 *cert, const struct x509 *issuer)
{
	struct ocsp_id id;
	size_t n;

	for (size_t i = 0; i < sizeof(hash_oids) / sizeof(hash_oids[0]); i++) {
		if (!oid_is(s->alg_oid, hash_oids[i].oid) ||
		    !rc_ok(ocsp_id_of(a, hash_oids[i].alg, cert, issuer, &id, NULL)))
			continue;
		n = digest_size(id.alg);
		return slice_eq(s->name_hash, slice_of(id.name_hash, n)) && slice_eq(s->key_hash, slice_of(id.key_hash, n)) &&
		       slice_eq(s->serial, id.serial);
	}
	return false;
}

static RC signed_with(struct arena *a, const struct response *r, const struct x509 *signer, const char *reason, struct why *w)
{
	const struct pkey *key = x509_key(signer);

	for (size_t i = 0; key && i < sizeof(sig_oids) / sizeof(sig_oids[0]); i++) {
		struct slice raw = r->signature;
		size_t width = (pkey_bits(key) + 7) / 8;

		if (!oid_is(r->sig_oid, sig_oids[i].oid) || sig_oids[i].ec == (pkey_kind(key) == KEY_RSA))
			continue;
		if (sig_oids[i].ec)
			TRY(sig_der_to_raw(r->signature, width, a, &raw, reason, w));
		return pkey_verify_hash(key, sig_oids[i].alg, false, r->tbs, raw, reason, w);
	}
	return deny(w, E_DENIED, reason, "the answer is signed by an algorithm that is not supported");
}

/* A certificate that was made for signing answers, and leads to the same root. */
static RC check_delegate(const struct x509 *delegate, const struct x509 *issuer, const struct x509 *root,
			 struct x509 *const *certs, size_t n, const struct ocsp_rules *rules, struct why *w)
{
	const struct x509_rules path_rules = {.chain = rules->signature, .expired = rules->expired};
	struct x509 *pool[CERTS_MAX + 2];
	struct x509_path path;
	size_t pool_n = n;
	rc r;

	if (!x509_has_eku(delegate, "1.3.6.1.5.5.7.3.9"))	/* id-kp-OCSPSigning */
		return deny(w, E_DENIED, rules->signature, "the answer's signer may not sign answers");
	memcpy(pool, certs, n * sizeof(pool[0]));
	pool[pool_n++] = x509_ref(issuer);
	pool[pool_n++] = x509_ref(root);
	r = x509_path_build(delegate, pool, pool_n, &path_rules, &path, w);
	if (rc_ok(r) && !x509_same(path.c[path.n - 1], root))
		r = deny(w, E_DENIED, rules->signature, "the answer's signer leads to another root");
	if (rc_ok(r) && !rules->no_time)
		r = x509_path_valid_at(&path, rules->now_s, &path_rules, w);
	x509_free(pool[n]);
	x509_free(pool[n + 1]);
	return r;
}

static RC check_signer(struct arena *a, const struct response *r, const struct x509 *issuer, const struct x509 *root,
		       const struct ocsp_rules *rules, struct why *w)
{
	struct x509 *certs[CERTS_MAX] = {0};
	struct why inner = why_in(a);
	size_t n = 0;
	rc res;

	if (rc_ok(signed_with(a, r, issuer, rules->signature, &inner)))
		return rc_of(OK);
	res = deny(w, E_DENIED, rules->signature, "the answer is signed neither by the issuer nor by a certificate in it");
	while (n < r->certs_n && rc_ok(x509_from_der(r->certs[n], &certs[n], &inner)))
		n++;
	for (size_t i = 0; i < n && !rc_ok(res); i++) {
		if (!rc_ok(signed_with(a, r, certs[i], rules->signature, &inner)))
			continue;
		res = check_delegate(certs[i], issuer, root, certs, n, rules, w);
		break;
	}
	x509_free_all(certs, n);
	if (rc_ok(res) && w)
		why_clear(w);
	return res;
}

static RC check_times(const struct ocsp_answer *an, const struct ocsp_rules *rules, struct why *w)
{
	char from[32], to[32], now[32];
	int64_t end;
	rc r;

	if (rules->no_time)
		return rc_of(OK);
	if (an->next_update == INT64_MIN)
		return deny(w, E_DENIED, rules->expired, "the answer says no next update: it would hold for ever");
	if (!num_add_i64(an->next_update, rules->stale_s, &end))
		end = an->next_update;
	if (rules->now_s >= an->this_update && rules->now_s <= end)
		return rc_of(OK);
	time_rfc3339(an->this_update, from);
	time_rfc3339(an->next_update, to);
	time_rfc3339(rules->now_s, now);
	r = deny(w, E_DENIED, rules->expired, "the answer holds from %s to %s, not at %s", from, to, now);
	why_compared(w, "time", now, rules->now_s < an->this_update ? from : to);
	return r;
}

RC ocsp_read(struct arena *a, struct slice der, const struct x509 *cert, const struct x509 *issuer, const struct x509 *root,
	     const struct ocsp_rules *rules, struct ocsp_answer *out, struct why *w)
{
	struct response *r = ARENA_NEW(a, struct response);

	if (!r)
		return deny(w, E_INTERNAL, "ocsp.memory", "no memory for an answer");
	TRY(parse(der, rules->malformed, r, w));
	TRY(check_signer(a, r, issuer, root, rules, w));
	for (unsigned i = 0; i < r->singles_n; i++) {
		if (!about(a, &r->singles[i], cert, issuer))
			continue;
		TRY(check_times(&r->singles[i].answer, rules, w));
		*out = r->singles[i].answer;
		return rc_of(OK);
	}
	return deny(w, E_DENIED, rules->signature, "the answer is about other certificates");
}

RC ocsp_times(struct arena *a, struct slice der, const char *reason, struct ocsp_answer *out, struct why *w)
{
	struct response *r = ARENA_NEW(a, struct response);

	if (!r)
		return deny(w, E_INTERNAL, "ocsp.memory", "no memory for an answer");
	TRY(parse(der, reason, r, w));
	if (!r->singles_n)
		return deny(w, E_MALFORMED, reason, "the answer is about no certificate");
	*out = r->singles[0].answer;
	return rc_of(OK);
}

RC ocsp_about(struct arena *a, struct slice der, const struct ocsp_id *id, const char *reason, struct why *w)
{
	struct response *r = ARENA_NEW(a, struct response);
	size_t n = digest_size(id->alg);

	if (!r)
		return deny(w, E_INTERNAL, "ocsp.memory", "no memory for an answer");
	TRY(parse(der, reason, r, w));
	for (unsigned i = 0; i < r->singles_n; i++)
		if (slice_eq(r->singles[i].name_hash, slice_of(id->name_hash, n)) && slice_eq(r->singles[i].key_hash, slice_of(id->key_hash, n)) &&
		    slice_eq(r->singles[i].serial, id->serial))
			return rc_of(OK);
	return deny(w, E_MALFORMED, reason, "the answer is about another certificate");
}
