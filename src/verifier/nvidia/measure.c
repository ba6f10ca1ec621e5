#include "verifier/nvidia/measure.h"

#include <limits.h>

#include "codec/base64.h"

/* The video decoder may be fused off; its measurement then means nothing. */
#define NVDEC0_INDEX 35u
#define NVDEC0_ENABLED 0xAA

static bool nvdec0_off(const struct spdm_report *rep)
{
	struct slice s = spdm_opaque(rep, SPDM_NVDEC0_STATUS);

	return s.n > 0 && s.p[0] != NVDEC0_ENABLED;
}

static bool golden_met(const struct rim_measure *m, const struct spdm_block *b)
{
	if (!b || b->value.n != m->size)
		return false;
	for (unsigned i = 0; i < m->hashes_n; i++)
		if (slice_eq(m->hashes[i], b->value))
			return true;
	return false;
}

static bool active_before(const struct rim *const *rims, size_t n, unsigned index)
{
	for (size_t i = 0; i < n; i++)
		for (unsigned k = 0; k < rims[i]->measures_n; k++)
			if (rims[i]->measures[k].index == index && rims[i]->measures[k].active)
				return true;
	return false;
}

void nv_compare(const struct spdm_report *rep, const struct rim *const *rims, size_t rims_n, struct nv_compared *out)
{
	struct nv_compared c = {.first_bad = UINT_MAX};

	for (size_t i = 0; i < rims_n; i++) {
		for (unsigned k = 0; k < rims[i]->measures_n; k++) {
			const struct rim_measure *m = &rims[i]->measures[k];
			const struct spdm_block *b = spdm_block(rep, m->index + 1);

			if (!m->active)
				continue;
			c.active++;
			c.conflict = c.conflict || active_before(rims, i, m->index);
			if (golden_met(m, b) || (m->index == NVDEC0_INDEX && nvdec0_off(rep))) {
				c.matching++;
			} else if (c.first_bad == UINT_MAX) {
				c.first_bad = m->index;
				c.found = b ? b->value : (struct slice){0};
				c.expected = m->hashes[0];
			}
		}
	}
	*out = c;
}

RC nv_check(const struct spdm_report *rep, const struct rim *const *rims, size_t rims_n, struct arena *a, struct why *w)
{
	struct nv_compared c;
	rc r;

	nv_compare(rep, rims, rims_n, &c);
	if (c.conflict)
		return deny(w, E_DENIED, "nvidia.measurement.index-conflict", "two manifests claim the same measurement");
	if (c.active == 0)
		return deny(w, E_DENIED, "nvidia.measurement.none", "the manifests have no active measurement");
	if (c.active > rep->blocks_n)
		return deny(w, E_DENIED, "nvidia.measurement.count", "%u golden measurements, the device has %u", c.active,
			    rep->blocks_n);
	if (c.first_bad == UINT_MAX)
		return rc_of(OK);
	r = deny(w, E_DENIED, "nvidia.measurement.mismatch", "measurement %u is none of the golden values (%u of %u match)",
		 c.first_bad, c.matching, c.active);
	why_compared(w, arena_printf(a, "nvidia.measurements.%u", c.first_bad + 1), hex_text(a, c.found),
		     hex_text(a, c.expected));
	return r;
}
