#include "verifier/nitro/nitro.h"

#include <stdio.h>

#include "codec/base64.h"
#include "crypto/cose/cose.h"
#include "crypto/x509.h"
#include "evidence/octets.h"

#define DOC_MAX (64u << 10)
#define CHAIN_MAX 8u

static const struct vpath_reasons path_reasons = {"nitro.chain", "nitro.untrusted-root", "nitro.expired"};

struct doc {
	struct cose_sign1 cose;
	struct slice module_id, digest_name;
	uint64_t timestamp_ms;
	struct slice pcr[NITRO_PCRS];	/* p == NULL: not in the document */
	struct slice certificate, cabundle[CHAIN_MAX];
	unsigned cabundle_n;
	struct slice public_key, user_data, nonce;	/* p == NULL when absent or null */
	struct slice bound;	/* the one of the two that carries the request; without a request the nonce, where there is one */
};

/* ---- the document ---- */

static RC bad(struct why *w, const char *what)
{
	return deny(w, E_MALFORMED, "nitro.parse.document", "the document has no valid %s", what);
}

static RC read_pcrs(const struct cbor *map, struct doc *d, struct why *w)
{
	if (!cbor_is(map, CBOR_MAP) || map->n == 0)
		return bad(w, "pcrs");
	for (size_t i = 0; i < map->n; i++) {
		const struct cbor *v = map->items[2 * i + 1];
		uint64_t index;

		if (!cbor_u64(map->items[2 * i], &index) || index >= NITRO_PCRS || !cbor_is(v, CBOR_BYTES) ||
		    (v->bytes.n != 32 && v->bytes.n != 48 && v->bytes.n != 64))
			return bad(w, "pcrs");
		d->pcr[index] = v->bytes;
	}
	return rc_of(OK);
}

static RC read_cabundle(const struct cbor *list, struct doc *d, struct why *w)
{
	if (!cbor_is(list, CBOR_ARRAY) || list->n == 0 || list->n > CHAIN_MAX)
		return bad(w, "cabundle");
	for (size_t i = 0; i < list->n; i++) {
		if (!cbor_is(cbor_at(list, i), CBOR_BYTES) || cbor_at(list, i)->bytes.n == 0)
			return bad(w, "cabundle");
		d->cabundle[i] = cbor_at(list, i)->bytes;
	}
	d->cabundle_n = (unsigned)list->n;
	return rc_of(OK);
}

/* Absent, null, or bytes up to what the device allows. */
static RC read_optional(const struct cbor *map, const char *name, size_t max, struct slice *out, struct why *w)
{
	const struct cbor *v = cbor_get_text(map, name);

	if (!v || v->kind == CBOR_NULL)
		return rc_of(OK);
	if (v->kind != CBOR_BYTES || v->bytes.n > max)
		return bad(w, name);
	*out = v->bytes;
	return rc_of(OK);
}

static RC read_payload(const struct cbor *map, struct doc *d, struct why *w)
{
	const struct cbor *module = cbor_get_text(map, "module_id"), *alg = cbor_get_text(map, "digest");
	const struct cbor *cert = cbor_get_text(map, "certificate");

	if (!cbor_is(module, CBOR_TEXT) || module->bytes.n == 0 || module->bytes.n > 256)
		return bad(w, "module_id");
	if (!cbor_is(alg, CBOR_TEXT) || !slice_is(alg->bytes, "SHA384"))
		return bad(w, "digest");
	if (!cbor_u64(cbor_get_text(map, "timestamp"), &d->timestamp_ms) || d->timestamp_ms == 0)
		return bad(w, "timestamp");
	if (!cbor_is(cert, CBOR_BYTES) || cert->bytes.n == 0)
		return bad(w, "certificate");
	d->module_id = module->bytes;
	d->digest_name = alg->bytes;
	d->certificate = cert->bytes;
	TRY(read_pcrs(cbor_get_text(map, "pcrs"), d, w));
	TRY(read_cabundle(cbor_get_text(map, "cabundle"), d, w));
	TRY(read_optional(map, "public_key", 1024, &d->public_key, w));
	TRY(read_optional(map, "user_data", 1024, &d->user_data, w));
	return read_optional(map, "nonce", 1024, &d->nonce, w);
}

static RC read_cbor(struct arena *a, struct slice in, struct doc *d, struct why *w)
{
	struct cbor *map;

	TRY(cose_sign1_parse(a, in, COSE_TAG_OPTIONAL, &d->cose, w));
	if (d->cose.alg != COSE_ES384)
		return deny(w, E_UNSUPPORTED, "nitro.unsupported.algorithm", "COSE algorithm %lld, expected ES384",
			    (long long)d->cose.alg);
	if (!d->cose.payload.p)
		return bad(w, "payload");
	TRY(cbor_parse(a, d->cose.payload, NULL, &map, w));
	return read_payload(map, d, w);
}

static RC read_doc(struct vjob *job, struct doc *d)
{
	const struct json_limits limits = {.max_bytes = 2 * DOC_MAX, .max_depth = 4, .max_nodes = 64};
	struct why inner = why_in(job->arena);
	struct slice in = job->evidence, text;
	struct json *v;
	rc r = rc_of(OK);

	/* a CBOR array or tag never looks like white space or a bracket of JSON */
	if (in.n == 0 || in.p[0] < 0x80) {
		r = json_parse(job->arena, in, &limits, &v, &inner);
		if (rc_ok(r))
			r = json_need_str(v, "document", &text, "Nitro evidence", &inner);
		if (rc_ok(r))
			r = b64_decode(job->arena, B64_STD, text, &in, "document", &inner);
	}
	if (rc_ok(r) && in.n > DOC_MAX)
		r = deny(&inner, E_MALFORMED, "nitro.parse.size", "a document of %zu bytes, at most %u are read", in.n, DOC_MAX);
	if (rc_ok(r))
		r = read_cbor(job->arena, in, d, &inner);
	return recast(r, &inner, "nitro.parse.document", "nitro.unsupported.document", job->why);
}

/* ---- certificates and signature ---- */

static RC load_certs(struct vjob *job, const struct doc *d, struct x509 **leaf, struct x509 **pool, unsigned *n)
{
	struct why inner = why_in(job->arena);

	TRY(recast(x509_from_der(d->certificate, leaf, &inner), &inner, "nitro.parse.certificate", "nitro.unsupported.certificate",
		   job->why));
	for (unsigned i = 0; i < d->cabundle_n; i++) {
		TRY(recast(x509_from_der(d->cabundle[i], &pool[i], &inner), &inner, "nitro.parse.cabundle",
			   "nitro.unsupported.cabundle", job->why));
		*n = i + 1;
	}
	return rc_of(OK);
}

static RC check_with_certs(struct vjob *job, const struct doc *d, const struct x509 *leaf, struct x509 *const *pool, unsigned n)
{
	struct why inner = why_in(job->arena);
	struct x509_path path;
	rc r;

	TRY(vjob_anchored_path(job, leaf, pool, n, "aws-nitro-root", &path_reasons, &path));
	if (x509_is_ca(leaf) || !x509_key(leaf))
		return deny(job->why, E_DENIED, "nitro.chain.leaf", "the signing certificate is a CA or has an unknown kind of key");
	r = cose_sign1_verify(&d->cose, (struct slice){0}, (struct slice){0}, x509_key(leaf), job->arena, "nitro.signature", &inner);
	if (!rc_ok(r))
		return deny(job->why, r.code == E_INTERNAL ? E_INTERNAL : E_DENIED, "nitro.signature",
			    "the document was not signed by its certificate: %s", why_text(&inner));
	return vjob_path_at(job, &path, job->now_s, &path_reasons);
}

static RC check_signed(struct vjob *job, const struct doc *d)
{
	struct x509 *leaf = NULL, *pool[CHAIN_MAX] = {0};
	unsigned n = 0;
	rc r = load_certs(job, d, &leaf, pool, &n);

	if (rc_ok(r))
		r = check_with_certs(job, d, leaf, pool, n);
	x509_free(leaf);
	x509_free_all(pool, n);
	return r;
}

/* ---- bindings and claims ---- */

/* A guest may bind the request in the nonce or in the user data. The reason says which of them was looked at. */
static RC check_bindings(struct vjob *job, struct doc *d)
{
	struct why inner = why_in(job->arena);
	struct why *outer = job->why;
	bool user;

	d->bound = d->nonce.p ? d->nonce : d->user_data;
	if (job->report_data_n == 0)
		return rc_of(OK);
	job->why = &inner;
	user = d->user_data.p && rc_ok(vjob_check_report_data(job, d->user_data, FIT_ZERO_PAD, "nitro.nonce-mismatch.user-data"));
	job->why = outer;
	if (user) {
		d->bound = d->user_data;
		return rc_of(OK);
	}
	if (!d->nonce.p)
		return deny(job->why, E_DENIED, "nitro.nonce-mismatch", "the document has no nonce, and other user data if any");
	return vjob_check_report_data(job, d->nonce, FIT_EXACT, "nitro.nonce-mismatch");
}

static struct json *hex_or_null(struct arena *a, struct slice s)
{
	return s.p ? json_new_hex(a, s) : json_new_null(a);
}

static RC add_claims(struct vjob *job, const struct doc *d)
{
	struct arena *a = job->arena;
	struct json *o = vjob_result(job, "cpu"), *pcrs = json_new_object(a);
	bool debug = true;

	json_set(a, o, "module_id", json_new_str(a, d->module_id));
	json_set(a, o, "digest", json_new_str(a, d->digest_name));
	json_set(a, o, "timestamp", json_new_u64(a, d->timestamp_ms));
	for (unsigned i = 0; i < NITRO_PCRS; i++) {
		char name[8];

		if (!d->pcr[i].p)
			continue;
		snprintf(name, sizeof(name), "%u", i);
		json_set(a, pcrs, name, json_new_hex(a, d->pcr[i]));
	}
	json_set(a, o, "pcrs", pcrs);
	for (unsigned i = 0; i < 3; i++)
		debug = debug && d->pcr[i].p && slice_is_zero(d->pcr[i]);
	json_set(a, o, "debug", json_new_bool(a, debug));
	json_set(a, o, "public_key", hex_or_null(a, d->public_key));
	json_set(a, o, "user_data", hex_or_null(a, d->user_data));
	json_set(a, o, "nonce", hex_or_null(a, d->nonce));
	json_set(a, o, "report_data", json_new_hex(a, d->bound));
	return vjob_done(job);
}

static RC nitro_verify(struct vjob *job)
{
	struct doc d = {0};

	TRY(read_doc(job, &d));
	TRY(check_signed(job, &d));
	TRY(check_bindings(job, &d));
	/* PCRs 0 to 2 tell the image: a document without them measures nothing that a policy could ask for */
	if (!d.pcr[0].p || !d.pcr[1].p || !d.pcr[2].p)
		return deny(job->why, E_MALFORMED, "nitro.parse.pcrs", "PCR 0, 1 or 2 is not in the document");
	return add_claims(job, &d);
}

static const struct vclaim nitro_claims[] = {
	{"module_id", "string", "instance and enclave", "module_id"},
	{"digest", "string", "hash of the PCRs: SHA384", "digest"},
	{"timestamp", "number", "when the document was made, milliseconds", "timestamp"},
	{"pcrs.*", "string", "each PCR that the document holds, by its number", "pcrs"},
	{"debug", "boolean", "PCRs 0 to 2 are zero: the enclave can be debugged and measures nothing", "pcrs"},
	{"public_key", "string or null", "key that the enclave put in", "public_key"},
	{"user_data", "string or null", "bytes that the enclave put in", "user_data"},
	{"nonce", "string or null", "nonce that the enclave put in", "nonce"},
	{"report_data", "string", "the one of nonce and user data that carries the request; the nonce, where there is one, without a request", "nonce, user_data"},
	{NULL},
};

const struct vdriver nitro_driver = {.tee = "nitro", .verify = nitro_verify, .claims = nitro_claims};
