#include "verifier/nvidia/nvidia.h"

#include <stdlib.h>

#include "evidence/octets.h"
#include "verifier/nvidia/claims.h"
#include "verifier/nvidia/nras.h"

#define DEVICES_MAX 32u

struct doc {
	struct nv_device *devices;
	size_t n;
};

static void doc_close(struct doc *d)
{
	for (size_t i = 0; i < d->n; i++)
		nv_device_close(&d->devices[i]);
	d->n = 0;
}

static RC read_list(struct vjob *job, const struct json **out, struct why *w)
{
	const struct json_limits limits = {.max_bytes = 4u << 20, .max_depth = 6, .max_nodes = 1000};
	const struct json *list;
	struct json *v;

	TRY(json_parse(job->arena, job->evidence, &limits, &v, w));
	TRY(json_need(v, "device_evidence_list", JSON_ARRAY, &list, "NVIDIA evidence", w));
	if (list->n == 0 || list->n > DEVICES_MAX)
		return deny(w, E_MALFORMED, "nvidia.parse.count", "%zu devices, expected 1 to %u", list->n, DEVICES_MAX);
	*out = list;
	return rc_of(OK);
}

/* One device is one piece of evidence, however often its report, or another report of it, is in the list. */
static RC refuse_duplicates(struct vjob *job, const struct doc *d)
{
	for (size_t i = 0; i < d->n; i++)
		for (size_t k = 0; k < i; k++)
			if (!memcmp(nv_device_identity(&d->devices[i]), nv_device_identity(&d->devices[k]), 32))
				return deny(job->why, E_DENIED, "nvidia.binding.duplicate-device", "devices %zu and %zu are one", k, i);
	return rc_of(OK);
}

/* Reads and checks every device; collateral comes after, so that only genuine devices make the host fetch anything. */
static RC doc_open(struct vjob *job, bool planning, struct doc *d)
{
	struct why inner = why_in(job->arena);
	const struct json *list = NULL;

	TRY(recast(read_list(job, &list, &inner), &inner, "nvidia.parse.evidence", "nvidia.unsupported.evidence", job->why));
	d->devices = arena_array(job->arena, list->n, struct nv_device);
	if (!d->devices)
		return deny(job->why, E_INTERNAL, "nvidia.memory", "no memory for %zu devices", list->n);
	for (size_t i = 0; i < list->n; i++) {
		TRY(note(job->why, nv_device_read(job, json_at(list, i), &d->devices[i]), "device %zu", i));
		d->n++;
		TRY(note(job->why, nv_device_check(job, planning, &d->devices[i]), "device %zu", i));
		TRY(note(job->why,
			 vjob_check_report_data(job, d->devices[i].report.nonce, FIT_FIRST, "nvidia.nonce-mismatch"), "device %zu", i));
	}
	return refuse_duplicates(job, d);
}

/* A manifest that is at hand already names the answers for its own chain: a host that plans again gets those too. */
static RC plan_rim(struct vjob *job, struct nv_rim *r)
{
	struct slice xml = vjob_collateral(job, NV_COLLATERAL_RIM, r->id);

	TRY(vjob_want(job, NV_COLLATERAL_RIM, r->id));
	return xml.p ? nv_rim_verify(job, xml, true, &r->rim, &r->chain) : rc_of(OK);
}

static RC plan_devices(struct vjob *job, const struct doc *d)
{
	for (size_t i = 0; i < d->n; i++) {
		struct nv_rims rims;

		TRY(nv_rims_name(job, &d->devices[i], &rims));
		for (unsigned k = 0; k < rims.n; k++)
			TRY(plan_rim(job, &rims.r[k]));
	}
	return rc_of(OK);
}

static RC verify_devices(struct vjob *job, const struct doc *d)
{
	for (size_t i = 0; i < d->n; i++) {
		struct nv_rims rims;

		TRY(nv_rims_name(job, &d->devices[i], &rims));
		TRY(note(job->why, nv_rims_check(job, &d->devices[i], &rims), "device %zu", i));
		TRY(nv_claims(job, &d->devices[i], &rims));
	}
	return nv_ppcie(job, d->devices, d->n);
}

static RC nvidia_plan(struct vjob *job)
{
	struct doc d = {0};
	rc r;

	if (nv_nras_is(job->evidence))
		return nv_nras_plan(job);
	r = doc_open(job, true, &d);
	if (rc_ok(r))
		r = plan_devices(job, &d);
	doc_close(&d);
	return r;
}

static RC nvidia_verify(struct vjob *job)
{
	struct doc d = {0};
	rc r = vjob_need_report_data(job, "nvidia.nonce-mismatch.none");

	if (rc_ok(r) && nv_nras_is(job->evidence))
		return nv_nras_verify(job);
	if (rc_ok(r))
		r = doc_open(job, false, &d);
	if (rc_ok(r))
		r = verify_devices(job, &d);
	doc_close(&d);
	return r;
}

static void nvidia_prepare(void)
{
	(void)rim_prepare();	/* where it is not installed, each manifest is refused */
}

const struct vdriver nvidia_driver = {.tee = "nvidia", .plan = nvidia_plan, .plan_again = true, .verify = nvidia_verify,
				       .prepare = nvidia_prepare, .claims = nv_claim_table};
