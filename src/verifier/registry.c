#include "verifier/registry.h"


#include "verifier/az_vtpm/az_vtpm.h"
#include "verifier/cca/cca.h"
#include "verifier/csv/csv.h"
#include "verifier/dcu/dcu.h"
#include "verifier/nitro/nitro.h"
#include "verifier/nvidia/nvidia.h"
#include "verifier/sample/sample.h"
#include "verifier/se/se.h"
#include "verifier/sgx/sgx.h"
#include "verifier/snp/snp.h"
#include "verifier/tdx/tdx.h"
#include "verifier/tpm/tpm.h"

const struct vdriver *const registry[] = {
	&az_snp_vtpm_driver,
	&az_tdx_vtpm_driver,
	&cca_driver,
	&csv_driver,
	&dcu_driver,
	&nitro_driver,
	&nvidia_driver,
	&sample_driver,
	&sampledevice_driver,
	&se_driver,
	&sgx_driver,
	&snp_driver,
	&tdx_driver,
	&tpm_driver,
	NULL,
};

const struct vdriver *registry_find(const char *tee)
{
	for (size_t i = 0; registry[i]; i++)
		if (!strcmp(registry[i]->tee, tee))
			return registry[i];
	return NULL;
}

rc registry_run(const char *tee, enum verifier_step step, struct vjob *job)
{
	const struct vdriver *d = registry_find(tee);
	rc r = rc_of(OK);

	if (!d)
		return deny(job->why, E_UNSUPPORTED, "verifier.tee", "there is no verifier for \"%s\"", tee);
	switch (step) {
	case VERIFIER_PLAN:
		if (d->plan)
			r = d->plan(job);
		break;
	case VERIFIER_VERIFY:
		r = d->verify(job);
		/* CVE-2025-25204: nothing verified is no success */
		if (rc_ok(r) && job->results_n == 0 && !arena_bad(job->arena))
			r = deny(job->why, E_INTERNAL, "verifier.no-result", "the verifier of %s accepted nothing", tee);
		break;
	}
	/* there was no memory for the reason */
	if (!rc_ok(r) && why_empty(job->why))
		r = deny(job->why, E_INTERNAL, "verifier.no-reason", "the verifier of %s refused without a reason", tee);
	if (rc_ok(r) && arena_bad(job->arena))
		r = deny(job->why, E_LIMIT, "verifier.memory", "the verification of %s needs more memory than it may have", tee);
	return r;
}
