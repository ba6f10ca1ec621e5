#include "verifier/sample/sample.h"

#include "codec/base64.h"
#include "evidence/octets.h"

struct words {
	const char *not_allowed, *parse, *report_data;
};

static RC read_sample(struct vjob *job, const struct words *words, struct slice *svn, struct slice *report_data, struct slice *text)
{
	const struct json_limits limits = {.max_bytes = 64u << 10, .max_depth = 8, .max_nodes = 256};
	struct why inner = why_in(job->arena);
	struct json *v = NULL;
	rc r;

	if (!job->insecure_sample)
		return deny(job->why, E_DENIED, words->not_allowed,
			    "sample evidence proves nothing; the configuration does not allow insecure sample evidence");
	r = json_parse(job->arena, job->evidence, &limits, &v, &inner);
	if (rc_ok(r))
		r = json_need_str(v, "svn", svn, "sample evidence", &inner);
	if (rc_ok(r))
		r = json_need_str(v, "report_data", text, "sample evidence", &inner);
	if (rc_ok(r))
		r = b64_decode(job->arena, B64_STD, *text, report_data, "report_data", &inner);
	TRY(recast(r, &inner, words->parse, words->parse, job->why));
	return vjob_check_report_data(job, *report_data, FIT_EXACT, words->report_data);
}

static RC done(struct vjob *job, struct json *o)
{
	json_set(job->arena, o, "insecure", json_new_bool(job->arena, true));
	return vjob_done(job);
}

static RC sample_verify(struct vjob *job)
{
	static const struct words words = {"sample.not-allowed", "sample.parse", "sample.report-data-mismatch"};
	struct arena *a = job->arena;
	struct slice svn, data, text;
	struct json *o, *platform = json_new_object(a);

	TRY(read_sample(job, &words, &svn, &data, &text));
	o = vjob_result(job, "cpu");
	json_set(a, o, "svn", json_new_str(a, svn));
	json_set(a, o, "report_data", json_new_str(a, text));
	json_set(a, o, "launch_digest", json_new_cstr(a, "abcde"));
	json_set(a, platform, "major", json_new_u64(a, 1));
	json_set(a, platform, "minor", json_new_u64(a, 4));
	json_set(a, o, "platform_version", platform);
	json_set(a, o, "debug", json_new_bool(a, false));
	if (job->init_data.p)
		json_set(a, o, "init_data", json_new_b64(a, job->init_data));
	return done(job, o);
}

static RC sampledevice_verify(struct vjob *job)
{
	static const struct words words = {"sampledevice.not-allowed", "sampledevice.parse", "sampledevice.report-data-mismatch"};
	struct arena *a = job->arena;
	struct slice svn, data, text;
	struct json *o;

	TRY(read_sample(job, &words, &svn, &data, &text));
	o = vjob_result(job, "gpu");
	json_set(a, o, "svn", json_new_str(a, svn));
	json_set(a, o, "report_data", json_new_str(a, text));
	return done(job, o);
}

/* Whatever these say: nothing of it is proven. */
static const struct vclaim claim_rows[] = {
	{"svn", "string", "as the guest says", "svn"},
	{"report_data", "string", "base64, as received", "report_data"},
	{"init_data", "string", "the expected digest, base64, not verified (sample only)", "-"},
	{"launch_digest", "string", "a constant (sample only)", "-"},
	{"platform_version.*", "number", "constants (sample only)", "-"},
	{"debug", "boolean", "a constant (sample only)", "-"},
	{"insecure", "boolean", "always true: sample evidence proves nothing", "-"},
	{NULL},
};

const struct vdriver sample_driver = {.tee = "sample", .verify = sample_verify, .claims = claim_rows};
const struct vdriver sampledevice_driver = {.tee = "sampledevice", .verify = sampledevice_verify, .claims = claim_rows};
