/* se.c - IBM Secure Execution cases: evidence with the key that opens its challenge, and the parts by themselves:
 * measurements, requests, image headers, host key documents. */
#include "cli/conformance/adapters.h"
#include "codec/base64.h"
#include "crypto/rsa_open.h"
#include "evidence/octets.h"
#include "verifier/se/hkd.h"
#include "evidence/se_challenge.h"
#include "verifier/se/se.h"
#include "verifier/se/uv.h"

/* ---- evidence ---- */

static RC read_key(struct arena *a, struct slice pkcs8, struct pkey **out, struct why *w)
{
	struct buf b = buf_in(a, 0);
	SECRET(pem);

	buf_puts(&b, "-----BEGIN PRIVATE KEY-----\n");
	for (size_t at = 0; at < pkcs8.n; at += 48) {
		b64_write(&b, B64_STD, slice_sub(pkcs8, at, 48));
		buf_putc(&b, '\n');
	}
	buf_puts(&b, "-----END PRIVATE KEY-----\n");
	TRY(secret_copy(&pem, buf_view(&b), w));
	return pkey_from_private_pem(&pem, out, w);
}

/* What a host does that sealed the pair itself. One that does not open leaves no collateral: the driver refuses then. */
static RC open_pair(struct arena *a, const struct json *doc, const struct pkey *key, struct vjob *job, struct why *w)
{
	struct slice sealed_key, sealed_nonce, raw;
	struct buf both = buf_in(a, 4096);
	const char *name;
	SECRET(mk);
	SECRET(nonce);

	TRY(json_need_str(doc, "encr_measurement_key", &sealed_key, "SE evidence", w));
	TRY(json_need_str(doc, "encr_request_nonce", &sealed_nonce, "SE evidence", w));
	TRY(b64_decode(a, B64_STD, sealed_key, &raw, "encr_measurement_key", w));
	if (!rc_ok(rsa_open_pkcs1(key, raw, &mk, NULL)))
		return rc_of(OK);
	TRY(b64_decode(a, B64_STD, sealed_nonce, &raw, "encr_request_nonce", w));
	if (!rc_ok(rsa_open_pkcs1(key, raw, &nonce, NULL)))
		return rc_of(OK);
	buf_slice(&both, secret_view(&mk));
	buf_slice(&both, secret_view(&nonce));
	TRY(se_challenge_name(a, sealed_key, sealed_nonce, &name, w));
	return conf_collateral(a, job, SE_COLLATERAL_CHALLENGE, name, buf_view(&both), w);
}

static RC se_prepare(struct arena *a, const struct conf_case *c, struct vjob *job, const char **tee, struct why *w)
{
	struct slice pkcs8, expected;
	struct pkey *key = NULL;
	struct json *doc;
	rc r;

	if (!conf_has(c, "evidence")) {
		*tee = NULL;
		return rc_of(OK);
	}
	TRY(conf_file(a, c, "evidence", &job->evidence, w));
	TRY(conf_hex(a, c, "expected_report_data", &expected, w));
	if (expected.p) {
		job->report_data[0] = expected;
		job->report_data_n = 1;
	}
	TRY(conf_file(a, c, "decrypt_key", &pkcs8, w));
	if (!pkcs8.p || !rc_ok(json_parse(a, job->evidence, NULL, &doc, NULL)))
		return rc_of(OK);
	TRY(read_key(a, pkcs8, &key, w));
	r = open_pair(a, doc, key, job, w);
	pkey_free(key);
	return r;
}

/* ---- the parts ---- */

static RC need_hex(struct arena *a, const struct json *v, const char *name, struct slice *out, struct why *w)
{
	*out = (struct slice){0};
	if (!json_is(json_get(v, name), JSON_STRING))
		return rc_of(OK);
	return hex_decode(a, json_get(v, name)->text, out, name, w);
}

static RC run_kat(struct vjob *job, struct slice text)
{
	struct arena *a = job->arena;
	struct se_measured in;
	struct slice key;
	struct json *v;
	const struct json *tags;
	uint8_t out[SE_MEASUREMENT_SIZE];

	TRY(json_parse(a, text, NULL, &v, job->why));
	tags = json_get(v, "boot_hdr_tags");
	TRY(need_hex(a, tags, "pld", &in.tags.pld, job->why));
	TRY(need_hex(a, tags, "ald", &in.tags.ald, job->why));
	TRY(need_hex(a, tags, "tld", &in.tags.tld, job->why));
	TRY(need_hex(a, tags, "tag", &in.tags.tag, job->why));
	TRY(need_hex(a, v, "cuid", &in.cuid, job->why));
	TRY(need_hex(a, v, "user_data", &in.user_data, job->why));
	TRY(need_hex(a, v, "nonce", &in.nonce, job->why));
	TRY(need_hex(a, v, "additional_data", &in.additional, job->why));
	TRY(need_hex(a, v, "key", &key, job->why));
	TRY(se_measure(a, &in, key, out, job->why));
	json_set(a, vjob_result(job, "cpu"), "hmac_sha512", json_new_hex(a, slice_of(out, sizeof(out))));
	return rc_of(OK);
}

static struct json *hex_u64(struct arena *a, uint64_t v, unsigned bytes)
{
	uint8_t b[8];

	for (unsigned i = 0; i < bytes; i++)
		b[i] = (uint8_t)(v >> (8 * (bytes - 1 - i)));
	return json_new_hex(a, slice_of(b, bytes));
}

/* The request protection key of the one recorded request stands in the facts of its case; the mutations of that request
 * were made under the same key. */
static RC request_key(const struct conf_case *c, struct secret *out, struct arena *a, struct why *w)
{
	struct slice raw;
	static const uint8_t published[32] = {0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17,
					      0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17,
					      0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17};

	TRY(need_hex(a, c->facts, "arpk", &raw, w));
	return secret_copy(out, raw.p ? raw : slice_of(published, sizeof(published)), w);
}

static RC run_arcb(struct vjob *job, const struct conf_case *c, struct slice in)
{
	struct arena *a = job->arena;
	struct se_arcb r;
	struct json *o;
	struct buf plain = buf_in(a, 256);
	SECRET(key);
	SECRET(mk);
	SECRET(nonce);

	TRY(se_arcb_parse(in, &r, job->why));
	TRY(request_key(c, &key, a, job->why));
	TRY(se_arcb_open(&r, &key, &mk, &nonce, job->why));
	buf_slice(&plain, secret_view(&mk));
	buf_slice(&plain, secret_view(&nonce));
	o = vjob_result(job, "cpu");
	json_set(a, o, "size", json_new_u64(a, r.size));
	json_set(a, o, "magic", json_new_hex(a, slice_sub(in, 0, 8)));
	json_set(a, o, "version", hex_u64(a, r.version, 4));
	json_set(a, o, "iv", json_new_hex(a, r.iv));
	json_set(a, o, "keyslots", json_new_u64(a, r.key_slots_n));
	json_set(a, o, "encrypted_size", json_new_u64(a, r.sealed.n - 16));
	json_set(a, o, "flags", hex_u64(a, r.flags, 8));
	json_set(a, o, "mai", json_new_u64(a, r.algorithm));
	json_set(a, o, "plaintext", json_new_hex(a, buf_view(&plain)));
	return rc_of(OK);
}

static RC run_header(struct vjob *job, struct slice in)
{
	struct arena *a = job->arena;
	struct se_header h;
	struct json *o;

	TRY(se_header_parse(in, &h, job->why));
	o = vjob_result(job, "cpu");
	json_set(a, o, "magic", json_new_hex(a, slice_sub(in, 0, 8)));
	json_set(a, o, "size", json_new_u64(a, h.size));
	json_set(a, o, "tag", json_new_hex(a, h.tags.tag));
	json_set(a, o, "pld_starts", json_new_hex(a, slice_sub(h.tags.pld, 0, 8)));
	json_set(a, o, "ald_starts", json_new_hex(a, slice_sub(h.tags.ald, 0, 8)));
	json_set(a, o, "tld_starts", json_new_hex(a, slice_sub(h.tags.tld, 0, 8)));
	json_set(a, o, "pld_offset", json_new_u64(a, (uint64_t)(h.tags.pld.p - in.p)));
	json_set(a, o, "ald_offset", json_new_u64(a, (uint64_t)(h.tags.ald.p - in.p)));
	json_set(a, o, "tld_offset", json_new_u64(a, (uint64_t)(h.tags.tld.p - in.p)));
	return rc_of(OK);
}

struct hkd_files {
	struct x509 *hkd, *signing, *inter, *root;
	struct x509_crl *crl, *inter_crl;
};

static RC load_cert(struct vjob *job, const struct conf_case *c, const char *role, struct x509 **out)
{
	struct why inner = why_in(job->arena);
	struct slice in;

	TRY(conf_file(job->arena, c, role, &in, job->why));
	return recast(x509_from_any(in, out, &inner), &inner, "se.parse.certificate", "se.unsupported.certificate", job->why);
}

static RC load_crl(struct vjob *job, const struct conf_case *c, const char *role, struct x509_crl **out)
{
	struct why inner = why_in(job->arena);
	struct slice in;

	TRY(conf_file(job->arena, c, role, &in, job->why));
	if (!in.p)
		return rc_of(OK);
	return recast(x509_crl_from(in, out, &inner), &inner, "se.parse.crl", "se.unsupported.crl", job->why);
}

static RC load_hkd(struct vjob *job, const struct conf_case *c, struct hkd_files *f)
{
	TRY(load_cert(job, c, "hkd", &f->hkd));
	TRY(load_cert(job, c, "signing_cert", &f->signing));
	TRY(load_cert(job, c, "intermediate", &f->inter));
	TRY(load_cert(job, c, "root", &f->root));
	TRY(load_crl(job, c, "crl", &f->crl));
	return load_crl(job, c, "inter_crl", &f->inter_crl);
}

static RC run_hkd(struct vjob *job, const struct conf_case *c)
{
	struct hkd_files f = {0};
	rc r = load_hkd(job, c, &f);

	if (rc_ok(r)) {
		struct se_hkd_check in = {.hkd = f.hkd, .signing = f.signing, .cas = {f.inter}, .cas_n = 1, .root = f.root,
					  .no_time = job->no_time, .now_s = job->now_s};

		if (f.crl)
			in.crls[in.crls_n++] = f.crl;
		if (f.inter_crl)
			in.crls[in.crls_n++] = f.inter_crl;
		in.require_crls = in.crls_n > 0;
		r = se_hkd_verify(&in, job->arena, job->why);
	}
	x509_free(f.hkd);
	x509_free(f.signing);
	x509_free(f.inter);
	x509_free(f.root);
	x509_crl_free(f.crl);
	x509_crl_free(f.inter_crl);
	TRY(r);
	return vjob_result(job, "cpu") ? rc_of(OK) : deny(job->why, E_INTERNAL, "se.memory", "no memory");
}

static RC se_run(struct vjob *job, const struct conf_case *c)
{
	struct slice in;

	if (conf_has(c, "hkd"))
		return run_hkd(job, c);
	if (conf_has(c, "kat")) {
		TRY(conf_file(job->arena, c, "kat", &in, job->why));
		return run_kat(job, in);
	}
	if (conf_has(c, "arcb")) {
		TRY(conf_file(job->arena, c, "arcb", &in, job->why));
		return run_arcb(job, c, in);
	}
	if (conf_has(c, "header")) {
		TRY(conf_file(job->arena, c, "header", &in, job->why));
		return run_header(job, in);
	}
	return deny(job->why, E_UNSUPPORTED, "conformance.skip", "a case of an unknown kind");
}

/* ---- facts ---- */

/* Evidence: key, nonce and tags are no claims; they are compared where they are. */
static RC evidence_facts(struct arena *a, const struct conf_case *c, const struct vjob *job, struct why *w)
{
	const struct json *f = c->facts, *o = job->results[0].claims;
	struct slice sealed = vjob_collateral(job, SE_COLLATERAL_CHALLENGE, NULL), raw, text;
	struct se_tags tags;
	struct json *doc;

	TRY(json_parse(a, job->evidence, NULL, &doc, w));
	TRY(json_need_str(doc, "image_hdr_tags", &text, "SE evidence", w));
	TRY(b64_decode(a, B64_STD, text, &raw, "image_hdr_tags", w));
	TRY(se_tags_parse(raw, &tags, w));
	TRY(conf_same(a, "measurement_key", json_new_hex(a, slice_sub(sealed, 0, SE_KEY_SIZE)), json_get(f, "measurement_key"), w));
	TRY(conf_same(a, "nonce", json_new_hex(a, slice_sub(sealed, SE_KEY_SIZE, SE_NONCE_SIZE)), json_get(f, "nonce"), w));
	TRY(conf_same(a, "pld", json_new_hex(a, tags.pld), json_get(f, "pld"), w));
	TRY(conf_same(a, "ald", json_new_hex(a, tags.ald), json_get(f, "ald"), w));
	TRY(conf_same(a, "tld", json_new_hex(a, tags.tld), json_get(f, "tld"), w));
	TRY(conf_same(a, "tag", json_get(o, "tag"), json_get(f, "tag"), w));
	TRY(conf_same(a, "cuid", json_get(o, "cuid"), json_get(f, "cuid"), w));
	TRY(conf_same(a, "image_phkh", json_get(o, "image_phkh"), json_get(f, "image_phkh"), w));
	TRY(conf_same(a, "attestation_phkh", json_get(o, "attestation_phkh"), json_get(f, "attestation_phkh"), w));
	return conf_same(a, "user_data", json_get(o, "report_data"), json_get(f, "user_data"), w);
}

static RC se_facts(struct arena *a, const struct conf_case *c, const struct vjob *job, struct why *w)
{
	const struct json *f = c->facts;

	if (conf_has(c, "evidence"))
		return evidence_facts(a, c, job, w);
	for (size_t i = 0; f && i < f->n; i++) {
		/* the key of a request is what the case gives, not what comes out; null states nothing */
		if (slice_is(f->members[i].name, "arpk") || f->members[i].value->kind == JSON_NULL)
			continue;
		TRY(conf_same(a, (const char *)arena_dup(a, f->members[i].name).p,
			      json_get_slice(job->results[0].claims, f->members[i].name), f->members[i].value, w));
	}
	return rc_of(OK);
}

const struct conf_adapter conf_se = {.platform = "se", .tee = "se", .prepare = se_prepare, .facts = se_facts, .run = se_run};
