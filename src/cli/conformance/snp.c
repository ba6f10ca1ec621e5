/* snp.c - cases of SEV-SNP reports: the binary report, and the certificates as collateral. */
#include "cli/conformance/adapters.h"
#include "cli/conformance/cert.h"
#include "codec/base64.h"
#include "codec/cbor.h"
#include "crypto/cose/cose.h"
#include "crypto/digest.h"
#include "evidence/snp.h"

/* One certificate or several, in either form, behind what is there. */
static RC add_pem(struct buf *chain, struct slice in, struct why *w)
{
	if (!in.n || in.p[0] != 0x30) {
		buf_slice(chain, in);
		buf_putc(chain, '\n');
	} else {
		buf_puts(chain, "-----BEGIN CERTIFICATE-----\n");
		b64_write(chain, B64_STD, in);
		buf_puts(chain, "\n-----END CERTIFICATE-----\n");
	}
	return buf_ok(chain) ? rc_of(OK) : deny(w, E_INTERNAL, "conformance.memory", "no memory");
}

static RC prepare(struct arena *a, const struct conf_case *c, struct vjob *job, const char **tee, struct why *w)
{
	struct slice vek, ask, ark, anchor, crl;

	if (conf_has(c, "cose")) {
		*tee = NULL;
		return rc_of(OK);
	}
	TRY(conf_file(a, c, "report", &job->evidence, w));
	TRY(conf_file(a, c, "vek", &vek, w));
	TRY(conf_file(a, c, "ask", &ask, w));
	TRY(conf_file(a, c, "ark", &ark, w));
	TRY(conf_file(a, c, "trust_anchor", &anchor, w));
	TRY(conf_file(a, c, "crl", &crl, w));
	if (vek.p) {
		TRY(conf_collateral(a, job, "amd-vcek", "", vek, w));
		TRY(conf_collateral(a, job, "amd-vlek", "", vek, w));
	}
	if (ask.p) {
		struct buf chain = buf_in(a, 0);

		TRY(add_pem(&chain, ask, w));
		TRY(add_pem(&chain, ark, w));
		TRY(conf_collateral(a, job, "amd-ask-ark", "", buf_view(&chain), w));
	}
	if (crl.p)
		TRY(conf_collateral(a, job, "amd-crl", "", crl, w));
	if (anchor.p)
		TRY(conf_anchor_cert(a, job, "amd-ark", anchor, w));
	TRY(conf_hex(a, c, "expected_report_data", &job->report_data[0], w));
	job->report_data_n = job->report_data[0].p ? 1 : 0;
	return conf_hex(a, c, "expected_host_data", &job->init_data, w);
}

/* The case writes the signing key and flags as the number in KEY_INFO, the TCB as the hexadecimal of its bytes. */
static const struct json *claim_of(struct arena *a, const char *fact, const struct conf_case *c, const struct vjob *job)
{
	const struct json *claims = job->results[0].claims;
	struct slice rep = job->evidence;

	(void)c;
	if (!strcmp(fact, "signing_key"))
		return json_new_u64(a, slice_is(json_get(claims, "signing_key")->text, "vlek"));
	if (!strcmp(fact, "mask_chip_key"))
		return json_new_u64(a, json_get(claims, "chip_key_masked")->boolean);
	if (!strcmp(fact, "author_key_en"))
		return json_new_u64(a, json_get(claims, "author_key_enabled")->boolean);
	if (!strcmp(fact, "host_data"))
		return json_get(claims, "init_data");
	if (!strcmp(fact, "policy_debug"))
		return json_get(claims, "policy_debug_allowed");
	if (!strcmp(fact, "policy_smt"))
		return json_get(claims, "policy_smt_allowed");
	if (!strcmp(fact, "current_ver"))
		return json_get(claims, "current_version");
	if (!strcmp(fact, "committed_ver"))
		return json_get(claims, "committed_version");
	if (!strcmp(fact, "cpuid"))
		return json_new_hex(a, slice_sub(rep, 0x188, 3));
	if (!strcmp(fact, "current_tcb"))
		return json_new_hex(a, slice_sub(rep, 0x38, 8));
	if (!strcmp(fact, "reported_tcb"))
		return json_new_hex(a, slice_sub(rep, 0x180, 8));
	if (!strcmp(fact, "committed_tcb"))
		return json_new_hex(a, slice_sub(rep, 0x1e0, 8));
	if (!strcmp(fact, "launch_tcb"))
		return json_new_hex(a, slice_sub(rep, 0x1f0, 8));
	return json_get(claims, fact);
}

/* A confidential container's policy: the text beside the report, whose digest is HOST_DATA. */
static RC policy_digest(struct arena *a, const struct conf_case *c, struct slice *out, struct why *w)
{
	struct slice path = conf_text(c, "report"), text, policy;
	uint8_t *d = arena_alloc(a, 32);
	size_t n = path.n;

	while (n && path.p[n - 1] != '/')
		n--;
	TRY(conf_path(a, c, slice_cstr(arena_printf(a, "%.*ssecurity-policy.base64", (int)n, (const char *)path.p)), &text, w));
	while (text.n && text.p[text.n - 1] == '\n')
		text.n--;
	TRY(b64_decode(a, B64_STD, text, &policy, "policy", w));
	if (!d)
		return deny(w, E_INTERNAL, "conformance.memory", "no memory");
	TRY(digest(DIGEST_SHA256, policy, d, w));
	*out = slice_of(d, 32);
	return rc_of(OK);
}

static RC facts(struct arena *a, const struct conf_case *c, const struct vjob *job, struct why *w)
{
	for (size_t i = 0; c->facts && i < c->facts->n; i++) {
		const char *name = arena_strndup(a, c->facts->members[i].name.p, c->facts->members[i].name.n);

		if (!strcmp(name, "policy_matches_host_data")) {
			struct slice d;

			TRY(policy_digest(a, c, &d, w));
			TRY(conf_same(a, name, json_new_bool(a, slice_is(json_get(job->results[0].claims, "init_data")->text, hex_text(a, d))),
				      c->facts->members[i].value, w));
		} else if (!strcmp(name, "sha256_of_policy")) {
			struct slice d;

			TRY(policy_digest(a, c, &d, w));
			TRY(conf_same(a, name, json_new_hex(a, d), c->facts->members[i].value, w));
		} else {
			TRY(conf_same(a, name, claim_of(a, name, c, job), c->facts->members[i].value, w));
		}
	}
	return rc_of(OK);
}

/* ---- a signed statement about a launch measurement (COSE_Sign1 with its certificates) ---- */

static RC read_x5chain(const struct cbor *v, struct conf_chain *ch, struct why *w)
{
	if (cbor_is(v, CBOR_BYTES))
		return conf_chain_add(ch, v->bytes, "snp.parse.x5chain", w);
	for (size_t i = 0; cbor_is(v, CBOR_ARRAY) && i < v->n; i++)
		if (cbor_is(cbor_at(v, i), CBOR_BYTES))
			TRY(conf_chain_add(ch, cbor_at(v, i)->bytes, "snp.parse.x5chain", w));
	return rc_of(OK);
}

static void text_claim(struct arena *a, struct json *o, const char *name, const struct cbor *v)
{
	if (cbor_is(v, CBOR_TEXT))
		json_set(a, o, name, json_new_str(a, v->bytes));
}

static RC statement_claims(struct vjob *job, const struct conf_case *c, const struct cose_sign1 *m, const struct conf_chain *ch)
{
	static const struct snp_reasons words = {.parse = "snp.parse.report", .unsupported = "snp.unsupported.report"};
	struct arena *a = job->arena;
	struct json *payload, *o = vjob_result(job, "cpu");
	const struct json *launch, *svn;
	struct snp_report rep;
	struct slice report;

	TRY(json_parse(a, m->payload, NULL, &payload, job->why));
	launch = json_get(payload, "x-ms-sevsnpvm-launchmeasurement");
	svn = json_get(payload, "x-ms-sevsnpvm-guestsvn");
	TRY(conf_file(a, c, "report", &report, job->why));
	TRY(snp_report_parse(report, &words, &rep, job->why));
	if (!json_is(launch, JSON_STRING) || !slice_is(launch->text, hex_text(a, rep.measurement)))
		return deny(job->why, E_DENIED, "snp.measurement", "the statement is about another measurement than the report's");
	json_set(a, o, "launch_measurement", launch);
	if (svn)
		json_set(a, o, "guest_svn", svn);
	text_claim(a, o, "issuer", cbor_get_text(m->protected_map, "iss"));
	text_claim(a, o, "feed", cbor_get_text(m->protected_map, "feed"));
	json_set(a, o, "x5chain", conf_chain_subjects(a, ch));
	json_set(a, o, "x5_validity", conf_chain_validity(a, ch));
	return rc_of(OK);
}

static RC statement(struct vjob *job, const struct conf_case *c, struct conf_chain *ch)
{
	struct x509_path path;
	struct cose_sign1 m;
	struct slice bytes;

	TRY(conf_file(job->arena, c, "cose", &bytes, job->why));
	TRY(cose_sign1_parse(job->arena, bytes, COSE_TAG_OPTIONAL, &m, job->why));
	TRY(read_x5chain(cbor_get_int(m.protected_map, 33), ch, job->why));
	TRY(conf_chain_check(ch, NULL, 0, "snp.chain", &path, job->why));
	if (!x509_key(ch->c[0]))
		return deny(job->why, E_UNSUPPORTED, "snp.unsupported.key", "the signer's key is of no known kind");
	TRY(cose_sign1_verify(&m, (struct slice){0}, (struct slice){0}, x509_key(ch->c[0]), job->arena, "snp.signature", job->why));
	return statement_claims(job, c, &m, ch);
}

static RC run(struct vjob *job, const struct conf_case *c)
{
	struct conf_chain ch = {0};
	rc r = statement(job, c, &ch);

	conf_chain_free(&ch);
	return r;
}

const struct conf_adapter conf_snp = {.platform = "snp", .tee = "snp", .prepare = prepare, .facts = facts, .run = run};
