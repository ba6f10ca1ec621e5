#include "verifier/nvidia/revocation.h"

#include "crypto/ocsp.h"

static RC read_answer(struct vjob *job, const struct x509_path *path, size_t i, struct slice der)
{
	const struct ocsp_rules rules = {.malformed = "nvidia.parse.ocsp", .signature = "nvidia.chain.ocsp",
					 .expired = "nvidia.expired.ocsp", .no_time = job->no_time, .now_s = job->now_s,
					 .stale_s = job->stale_s};
	struct ocsp_answer an;
	const char *cn = x509_subject_cn(path->c[i], job->arena);

	TRY(ocsp_read(job->arena, der, path->c[i], path->c[i + 1], path->c[path->n - 1], &rules, &an, job->why));
	if (an.status == OCSP_REVOKED)
		return deny(job->why, E_DENIED, "nvidia.revoked", "the certificate \"%s\" is revoked (reason %d)", cn ? cn : "",
			    an.reason);
	if (an.status == OCSP_UNKNOWN)
		return deny(job->why, E_DENIED, "nvidia.chain.ocsp-unknown", "the responder does not know the certificate \"%s\"",
			    cn ? cn : "");
	return rc_of(OK);
}

RC nv_chain_look(struct vjob *job, const struct x509_path *path, size_t from, bool planning, struct nv_chain *out)
{
	struct nv_chain chain = {.expires = INT64_MAX, .ocsp_good = true};

	for (size_t i = 0; i < path->n; i++)
		if (x509_not_after(path->c[i]) < chain.expires)
			chain.expires = x509_not_after(path->c[i]);
	for (size_t i = from; i + 1 < path->n; i++) {
		struct ocsp_id id;
		const char *name;
		struct slice der;

		TRY(ocsp_id_of(job->arena, DIGEST_SHA384, path->c[i], path->c[i + 1], &id, job->why));
		name = ocsp_id_text(job->arena, &id);
		if (!name)
			return deny(job->why, E_INTERNAL, "nvidia.memory", "no memory to name an answer");
		if (planning) {
			TRY(vjob_want(job, NV_COLLATERAL_OCSP, name));
			continue;
		}
		der = vjob_collateral(job, NV_COLLATERAL_OCSP, name);
		if (der.p)
			TRY(read_answer(job, path, i, der));
		else
			chain.ocsp_good = false;
	}
	*out = chain;
	return rc_of(OK);
}
