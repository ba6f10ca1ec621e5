#include "evidence/job.h"

#include "codec/base64.h"
#include "crypto/x509.h"
#include "evidence/pins.h"

struct json *vjob_result(struct vjob *job, const char *tee_class)
{
	struct json *claims;

	if (job->results_n == VJOB_RESULTS_MAX)
		return NULL;
	claims = json_new_object(job->arena);
	if (claims)
		job->results[job->results_n++] = (struct vresult){.tee_class = tee_class, .claims = claims};
	return claims;
}

RC vjob_done(struct vjob *job)
{
	return arena_bad(job->arena) ? deny(job->why, E_INTERNAL, "job.memory", "no memory for claims") : rc_of(OK);
}

RC vjob_want(struct vjob *job, const char *kind, const char *key)
{
	const char *copy;

	for (unsigned i = 0; i < job->wants_n; i++)
		if (!strcmp(job->wants[i].kind, kind) && !strcmp(job->wants[i].key, key))
			return rc_of(OK);
	if (job->wants_n == VJOB_WANTS_MAX)
		return deny(job->why, E_LIMIT, "job.wants", "more than %u pieces of collateral", VJOB_WANTS_MAX);
	copy = arena_strdup(job->arena, key);
	if (!copy)
		return deny(job->why, E_INTERNAL, "job.memory", "no memory to name collateral");
	job->wants[job->wants_n++] = (struct vcollateral){.kind = kind, .key = copy};
	return rc_of(OK);
}

struct slice vjob_collateral(const struct vjob *job, const char *kind, const char *key)
{
	for (size_t i = 0; i < job->collateral_n; i++)
		if (!strcmp(job->collateral[i].kind, kind) && (!key || !strcmp(job->collateral[i].key, key)))
			return job->collateral[i].bytes;
	return (struct slice){0};
}

bool vjob_anchor(const struct vjob *job, const char *set, const uint8_t sha256[32])
{
	for (size_t i = 0; i < job->anchors_n; i++)
		if (!strcmp(job->anchors[i].set, set) && !memcmp(job->anchors[i].sha256, sha256, 32))
			return true;
	return !job->only_configured_anchors && pin_matches(set, sha256);
}

bool vjob_anchor_cert(const struct vjob *job, const char *set, const struct x509 *c)
{
	return vjob_anchor(job, set, x509_sha256(c)) || vjob_anchor(job, set, x509_spki_sha256(c));
}

rc vjob_anchored_path(struct vjob *job, const struct x509 *leaf, struct x509 *const *pool, size_t n, const char *set,
		      const struct vpath_reasons *is, struct x509_path *out)
{
	const struct x509_rules rules = {.chain = is->chain, .expired = is->expired};
	const struct x509 *root;
	rc r;

	TRY(x509_path_build(leaf, pool, n, &rules, out, job->why));
	root = out->c[out->n - 1];
	if (!vjob_anchor_cert(job, set, root)) {
		const char *cn = x509_subject_cn(root, job->arena);

		r = deny(job->why, E_DENIED, is->root, "the chain ends in \"%s\", which is no trusted root", cn ? cn : "a certificate without a name");
		why_compared(job->why, "root.sha256", hex_text(job->arena, slice_of(x509_sha256(root), 32)), arena_printf(job->arena, "an anchor of %s", set));
		return r;
	}
	return rc_of(OK);
}

rc vjob_path_at(struct vjob *job, const struct x509_path *path, int64_t at_s, const struct vpath_reasons *is)
{
	const struct x509_rules rules = {.chain = is->chain, .expired = is->expired};

	return job->no_time ? rc_of(OK) : x509_path_valid_at(path, at_s, &rules, job->why);
}

rc vjob_trusted_path(struct vjob *job, const struct x509 *leaf, struct x509 *const *pool, size_t n, const char *set,
		     const struct vpath_reasons *is, struct x509_path *out)
{
	TRY(vjob_anchored_path(job, leaf, pool, n, set, is, out));
	return vjob_path_at(job, out, job->now_s, is);
}

/* `expected` at the front of the field, and nothing but zeros behind it. */
static bool padded(struct slice found, struct slice expected)
{
	return slice_starts(found, expected) && slice_is_zero(slice_sub(found, expected.n, found.n));
}

bool vjob_fits(struct slice found, struct slice expected, enum vfit fit)
{
	switch (fit) {
	case FIT_EXACT:
		return slice_eq(found, expected);
	case FIT_ZERO_PAD:
		return padded(found, expected);
	case FIT_FIRST:
		return padded(found, slice_sub(expected, 0, found.n));
	}
	return false;
}

static RC differs(struct vjob *job, const char *subject, struct slice found, struct slice expected, const char *reason)
{
	rc r = deny(job->why, E_DENIED, reason, "the evidence is bound to other %s than this request",
		    strcmp(subject, "init_data") ? "report data" : "init data");

	why_compared(job->why, subject, hex_text(job->arena, found), hex_text(job->arena, expected));
	return r;
}

RC vjob_check_report_data(struct vjob *job, struct slice found, enum vfit fit, const char *reason)
{
	for (unsigned i = 0; i < job->report_data_n; i++)
		if (vjob_fits(found, job->report_data[i], fit))
			return rc_of(OK);
	if (job->report_data_n == 0)
		return rc_of(OK);
	return differs(job, "report_data", found, job->report_data[0], reason);
}

RC vjob_check_init_data(struct vjob *job, struct slice found, enum vfit fit, const char *reason)
{
	if (!job->init_data.p || vjob_fits(found, job->init_data, fit))
		return rc_of(OK);
	return differs(job, "init_data", found, job->init_data, reason);
}

bool vresult_binds_init_data(const struct vresult *r)
{
	return json_is(json_get(r->claims, "init_data"), JSON_STRING);
}

RC vjob_need_report_data(struct vjob *job, const char *reason)
{
	if (job->report_data_n > 0 || job->without & VJOB_WITHOUT_REPORT_DATA)
		return rc_of(OK);
	return deny(job->why, E_DENIED, reason, "such evidence counts only for the request that it is bound to, and none is expected");
}
