#include "evidence/dcap_tcb.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/num.h"
#include "codec/base64.h"

/* What a state says, taken apart. */
#define SAYS_SW_HARDENING 1u
#define SAYS_CONFIGURATION 2u
#define SAYS_OUT_OF_DATE 4u
#define SAYS_REVOKED 8u

static unsigned says(enum dcap_status s)
{
	switch (s) {
	case DCAP_UP_TO_DATE:
		return 0;
	case DCAP_SW_HARDENING_NEEDED:
		return SAYS_SW_HARDENING;
	case DCAP_CONFIGURATION_NEEDED:
		return SAYS_CONFIGURATION;
	case DCAP_CONFIGURATION_AND_SW_HARDENING_NEEDED:
		return SAYS_CONFIGURATION | SAYS_SW_HARDENING;
	case DCAP_OUT_OF_DATE:
	case DCAP_TD_RELAUNCH_ADVISED:
		return SAYS_OUT_OF_DATE;
	case DCAP_OUT_OF_DATE_CONFIGURATION_NEEDED:
	case DCAP_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED:
		return SAYS_OUT_OF_DATE | SAYS_CONFIGURATION;
	case DCAP_REVOKED:
		return SAYS_REVOKED;
	}
	return SAYS_REVOKED;
}

/* Out of date drops the advice on hardening: the update comes first (verifiers.md 5.6 step 4). */
static enum dcap_status status_of(unsigned bits)
{
	if (bits & SAYS_REVOKED)
		return DCAP_REVOKED;
	if (bits & SAYS_OUT_OF_DATE)
		return bits & SAYS_CONFIGURATION ? DCAP_OUT_OF_DATE_CONFIGURATION_NEEDED : DCAP_OUT_OF_DATE;
	if (bits & SAYS_CONFIGURATION)
		return bits & SAYS_SW_HARDENING ? DCAP_CONFIGURATION_AND_SW_HARDENING_NEEDED : DCAP_CONFIGURATION_NEEDED;
	return bits & SAYS_SW_HARDENING ? DCAP_SW_HARDENING_NEEDED : DCAP_UP_TO_DATE;
}

static bool reaches(const uint8_t *have, const uint8_t *need, size_t from)
{
	for (size_t i = from; i < DCAP_COMPONENTS; i++)
		if (have[i] < need[i])
			return false;
	return true;
}

/* With module 1.5 and later the first two components speak of the module, which has levels of its own. */
static size_t first_tdx_component(struct slice svn)
{
	return svn.p[1] > 0 ? 2 : 0;
}

static const struct dcap_level *platform_level(const struct dcap_tcb_info *info, const struct dcap_tcb_input *in,
					       struct slice svn)
{
	for (size_t i = 0; i < info->levels_n; i++) {
		const struct dcap_level *l = &info->levels[i];

		if (!reaches(in->components, l->sgx, 0) || in->pcesvn < l->pcesvn)
			continue;
		if (in->tee == DCAP_TDX && !reaches(svn.p, l->tdx, first_tdx_component(svn)))
			continue;
		return l;
	}
	return NULL;
}

static const struct dcap_level *svn_level(const struct dcap_level *levels, size_t n, uint16_t svn)
{
	const struct dcap_level *best = NULL;

	for (size_t i = 0; i < n; i++)
		if (levels[i].isvsvn <= svn && (!best || levels[i].isvsvn > best->isvsvn))
			best = &levels[i];
	return best;
}

static bool id_is(struct slice id, const char *upper)
{
	size_t n = strlen(upper);

	if (id.n != n)
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = (char)id.p[i];

		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		if (c != upper[i])
			return false;
	}
	return true;
}

RC dcap_tcb_module(const struct dcap_tcb_info *info, struct slice tee_tcb_svn, const struct dcap_module **out,
		   struct why *w)
{
	char id[8];
	unsigned version = tee_tcb_svn.p[1];

	if (version == 0) {
		if (!info->has_module)
			return deny(w, E_DENIED, "dcap.tcb-info-mismatch.module", "the TCB info has no tdxModule");
		*out = &info->module;
		return rc_of(OK);
	}
	if (info->modules_n == 0)
		return deny(w, E_DENIED, "dcap.tcb-info-mismatch.module", "the TCB info has no tdxModuleIdentities");
	(void)snprintf(id, sizeof(id), "TDX_%02X", version);
	for (size_t i = 0; i < info->modules_n; i++)
		if (id_is(info->modules[i].id, id)) {
			*out = &info->modules[i];
			return rc_of(OK);
		}
	rc r = deny(w, E_DENIED, "dcap.tdx-module-mismatch.identity", "the TCB info knows no TDX module %s", id);
	why_compared(w, "tdx.quote.body.tcb_svn[1]", id, NULL);
	return r;
}

static char *components_text(struct arena *a, const struct dcap_tcb_input *in, struct slice svn)
{
	char *sgx = hex_text(a, slice_of(in->components, DCAP_COMPONENTS));

	if (in->tee == DCAP_SGX)
		return arena_printf(a, "sgx %s pcesvn %u", sgx ? sgx : "?", in->pcesvn);
	return arena_printf(a, "sgx %s pcesvn %u tdx %s", sgx ? sgx : "?", in->pcesvn, hex_text(a, svn));
}

static RC no_platform_level(struct arena *a, const struct dcap_tcb_info *info, const struct dcap_tcb_input *in,
			    struct slice svn, struct why *w)
{
	rc r = deny(w, E_DENIED, "dcap.tcb-not-supported", "no TCB level of the TCB info (%zu levels) fits the platform",
		    info->levels_n);
	struct dcap_tcb_input lowest = {.tee = in->tee};
	const struct dcap_level *l = info->levels_n ? &info->levels[info->levels_n - 1] : NULL;

	if (l) {
		memcpy(lowest.components, l->sgx, sizeof(l->sgx));
		lowest.pcesvn = l->pcesvn;
	}
	why_compared(w, "platform TCB", components_text(a, in, svn),
		     l ? components_text(a, &lowest, slice_of(l->tdx, sizeof(l->tdx))) : "a level");
	return r;
}

static int by_bytes(const void *a, const void *b)
{
	return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

/* The union of the matched levels, sorted, each once. */
static RC collect_advisories(struct arena *a, const struct dcap_level *const part[3], struct dcap_tcb_result *out,
			     struct why *w)
{
	size_t n = 0, kept = 0;
	struct slice *all;

	for (size_t i = 0; i < 3; i++)
		n += part[i] ? part[i]->advisories_n : 0;
	all = arena_array(a, n + 1, struct slice);
	if (!all)
		return deny(w, E_INTERNAL, "dcap.memory", "no memory for %zu advisories", n);
	n = 0;
	for (size_t i = 0; i < 3; i++)
		for (size_t k = 0; part[i] && k < part[i]->advisories_n; k++)
			all[n++] = part[i]->advisories[k];
	qsort(all, n, sizeof(*all), by_bytes);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || !slice_eq(all[kept - 1], all[i]))
			all[kept++] = all[i];
	out->advisories = all;
	out->advisories_n = kept;
	return rc_of(OK);
}

static RC evaluate(struct arena *a, const struct dcap_tcb_info *info, const struct dcap_qe_identity *qe,
		   const struct dcap_tcb_input *in, struct slice svn, struct dcap_tcb_result *out, struct why *w)
{
	const struct dcap_level *part[3] = {platform_level(info, in, svn), NULL, NULL};
	const struct dcap_module *module = NULL;
	unsigned bits = 0;

	if (!part[0])
		return no_platform_level(a, info, in, svn, w);
	if (in->tee == DCAP_TDX && svn.p[1] > 0) {
		TRY(dcap_tcb_module(info, svn, &module, w));
		part[1] = svn_level(module->levels, module->levels_n, svn.p[0]);
		if (!part[1])
			return deny(w, E_DENIED, "dcap.tcb-not-supported.module",
				    "no level of TDX module " SLICE_FMT " reaches down to isvsvn %u", SLICE_ARG(module->id),
				    svn.p[0]);
	}
	part[2] = svn_level(qe->levels, qe->levels_n, in->qe_isvsvn);
	if (!part[2]) {
		rc no = deny(w, E_DENIED, "dcap.qe-not-supported", "no level of the QE identity reaches down to isvsvn %u",
			     in->qe_isvsvn);

		why_compared(w, "SVN of the QE", arena_printf(a, "%u", in->qe_isvsvn), "a level");
		return no;
	}

	*out = (struct dcap_tcb_result){.date = part[0]->date};
	for (size_t i = 0; i < 3; i++) {
		if (!part[i])
			continue;
		/* Of module and QE counts that they are old or revoked (verifiers.md 5.6 step 4), whatever else they say. */
		bits |= says(part[i]->status) & (i ? SAYS_OUT_OF_DATE | SAYS_REVOKED : ~0u);
		out->date = MIN_OF(out->date, part[i]->date);
	}
	out->status = status_of(bits);
	out->platform = part[0]->status;
	out->platform_date = part[0]->date;
	out->platform_advisories = part[0]->advisories;
	out->platform_advisories_n = part[0]->advisories_n;
	out->module = part[1] ? part[1]->status : 0;
	out->qe = part[2]->status;
	return collect_advisories(a, part, out, w);
}

static RC refuse_revoked(const struct dcap_tcb_result *r, const char *which, struct why *w)
{
	rc no;

	if (r->status != DCAP_REVOKED)
		return rc_of(OK);
	no = deny(w, E_DENIED, "dcap.tcb-revoked", "the %s TCB level of the %s is Revoked", which,
		  r->platform == DCAP_REVOKED ? "platform" : r->qe == DCAP_REVOKED ? "quoting enclave" : "TDX module");
	why_compared(w, "TCB status", dcap_status_text(r->status), "any other");
	return no;
}

RC dcap_tcb_evaluate(struct arena *a, const struct dcap_tcb_info *info, const struct dcap_qe_identity *qe,
		     const struct dcap_tcb_input *in, struct dcap_tcb_result *launch, struct dcap_tcb_result *current,
		     struct why *w)
{
	struct dcap_tcb_result l, c;
	unsigned was, is;

	if (in->tee == DCAP_TDX && info->no_tdx_components)
		return deny(w, E_MALFORMED, "dcap.parse.tcb-info", "a TCB level has no tdxtcbcomponents");
	TRY(evaluate(a, info, qe, in, in->tee_tcb_svn, &l, w));
	TRY(refuse_revoked(&l, "launch", w));
	c = l;
	if (in->body_type == DCAP_BODY_TD15) {
		TRY(note(w, evaluate(a, info, qe, in, in->tee_tcb_svn2, &c, w), "evaluating the current TCB of the TD"));
		TRY(refuse_revoked(&c, "current", w));
		was = says(l.status);
		is = says(c.status);
		/* The platform was updated below a running TD: only the TD itself is old. */
		if (was & SAYS_OUT_OF_DATE && !(is & SAYS_OUT_OF_DATE))
			l.status = (was | is) & SAYS_CONFIGURATION ? DCAP_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED :
								     DCAP_TD_RELAUNCH_ADVISED;
	}
	*launch = l;
	*current = c;
	return rc_of(OK);
}
