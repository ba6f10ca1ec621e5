/* csv.c - Hygon CSV cases: a raw report or a document, with the root key certificate and the chip's certificates. */
#include <stdlib.h>

#include "cli/conformance/adapters.h"
#include "codec/base64.h"
#include "crypto/digest.h"
#include "verifier/registry.h"

static RC give_root(struct arena *a, const struct conf_case *c, struct vjob *job, struct why *w)
{
	struct slice hrk;
	uint8_t sha[32];

	TRY(conf_file(a, c, "hrk", &hrk, w));
	if (!hrk.p)
		return rc_of(OK);
	/* the case's root is its anchor, whatever is pinned */
	job->only_configured_anchors = true;
	TRY(digest(DIGEST_SHA256, hrk, sha, w));
	TRY(conf_anchor(a, job, "hygon-hrk", sha, w));
	return conf_collateral(a, job, "hygon-hrk", "", hrk, w);
}

static RC csv_prepare(struct arena *a, const struct conf_case *c, struct vjob *job, const char **tee, struct why *w)
{
	struct slice pair;
	struct vjob plan;
	struct why inner = why_in(a);

	(void)tee;
	TRY(conf_file(a, c, conf_has(c, "evidence") ? "evidence" : "report", &job->evidence, w));
	TRY(give_root(a, c, job, w));
	/* a case that is about the report's signature alone says so */
	if (conf_has(c, "check"))
		job->without |= VJOB_WITHOUT_ISSUERS;
	TRY(conf_file(a, c, "hsk_cek", &pair, w));
	plan = *job;
	plan.why = &inner;
	if (pair.p && rc_ok(registry_run("csv", VERIFIER_PLAN, &plan)))
		for (unsigned i = 0; i < plan.wants_n; i++)
			if (!strcmp(plan.wants[i].kind, "hygon-hsk-cek"))
				TRY(conf_collateral(a, job, "hygon-hsk-cek", plan.wants[i].key, pair, w));
	return rc_of(OK);
}

/* ---- facts ---- */

/* A 32-bit fact, a number or text in hexadecimal, as a claim writes it: the bytes in memory order. */
static struct json *le_hex(struct arena *a, const struct json *stated)
{
	uint64_t v = 0;
	uint8_t b[4];

	if (!json_u64(stated, &v))
		v = strtoull((const char *)stated->text.p, NULL, 16);
	for (unsigned i = 0; i < 4; i++)
		b[i] = (uint8_t)(v >> (8 * i));
	return json_new_hex(a, slice_of(b, 4));
}

/* The policy word in memory order from its parts. */
static struct json *policy_word(struct arena *a, const struct json *policy)
{
	static const struct {
		const char *name;
		unsigned shift;
	} parts[] = {{"nodbg", 0}, {"noks", 1}, {"es", 2}, {"nosend", 3}, {"domain", 4}, {"csv", 5}, {"csv3", 6},
		     {"asid_reuse", 7}, {"hsk_version", 8}, {"cek_version", 12}, {"api_major", 16}, {"api_minor", 24}};
	uint64_t word = 0, v;
	uint8_t b[4];

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (json_u64(json_get(policy, parts[i].name), &v))
			word |= v << parts[i].shift;
	for (unsigned i = 0; i < 4; i++)
		b[i] = (uint8_t)(word >> (8 * i));
	return json_new_hex(a, slice_of(b, 4));
}

static RC csv_facts(struct arena *a, const struct conf_case *c, const struct vjob *job, struct why *w)
{
	static const char *const same[] = {"user_pubkey_digest", "vm_id", "vm_version", "report_data", "mnonce", "measure", "build",
					   "rtmr_version"};
	static const char *const words[] = {"anonce", "sig_usage", "sig_algo"};
	const struct json *o = job->results[0].claims, *f = c->facts, *rtmr = json_get(f, "rtmr");
	uint64_t version;

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		if (json_get(f, same[i]))
			TRY(conf_same(a, same[i], json_get(o, same[i]), json_get(f, same[i]), w));
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (json_get(f, words[i]))
			TRY(conf_same(a, words[i], json_get(o, words[i]), le_hex(a, json_get(f, words[i])), w));
	for (size_t i = 0; rtmr && i < rtmr->n; i++) {
		const char *name = arena_printf(a, "rtmr" SLICE_FMT, SLICE_ARG(rtmr->members[i].name));

		TRY(conf_same(a, name, json_get(o, name), rtmr->members[i].value, w));
	}
	if (json_get(f, "serial"))
		TRY(conf_same(a, "serial", json_get(o, "serial_number"), json_get(f, "serial"), w));
	if (json_get(f, "policy"))
		TRY(conf_same(a, "policy", policy_word(a, json_get(o, "policy")), json_get(f, "policy"), w));
	if (json_u64(json_get(f, "version"), &version))
		TRY(conf_same(a, "version", json_get(o, "version"), json_new_cstr(a, version == 1 ? "1" : "2"), w));
	return rc_of(OK);
}

const struct conf_adapter conf_csv = {.platform = "csv", .tee = "csv", .prepare = csv_prepare, .facts = csv_facts};
