#include "verifier/nvidia/rims.h"

#include <ctype.h>

#include "codec/base64.h"
#include "evidence/octets.h"
#include "verifier/nvidia/measure.h"

/* Parts of a name come from the report: they may hold what a version or a part number holds, nothing else. */
static const char *plain(const char *text)
{
	size_t n = text ? strspn(text, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz.") : 0;

	return n && n < 40 && !text[n] ? text : NULL;
}

static const char *opaque_text(struct vjob *job, const struct nv_device *d, unsigned type)
{
	return plain(spdm_text(job->arena, spdm_opaque(&d->report, type)));
}

static const char *without_dots_upper(struct arena *a, const char *text)
{
	char *out = arena_strdup(a, text), *to = out;

	for (; out && *text; text++)
		if (*text != '.')
			*to++ = (char)toupper((unsigned char)*text);
	if (out)
		*to = 0;
	return out;
}

static RC add(struct vjob *job, struct nv_rims *rims, const char *what, const char *version, const char *id)
{
	if (!id)
		return deny(job->why, E_INTERNAL, "nvidia.memory", "no memory to name a manifest");
	rims->r[rims->n++] = (struct nv_rim){.what = what, .version = version, .id = id};
	return rc_of(OK);
}

static RC name_gpu(struct vjob *job, const struct nv_device *d, const char *vbios, struct nv_rims *out)
{
	const char *driver = opaque_text(job, d, SPDM_DRIVER_VERSION), *project = opaque_text(job, d, SPDM_PROJECT);
	const char *sku = opaque_text(job, d, SPDM_PROJECT_SKU), *chip = opaque_text(job, d, SPDM_CHIP_SKU), *id;

	if (!driver || !project || !sku || !chip)
		return deny(job->why, E_MALFORMED, "nvidia.parse.version", "the report names no driver version, project or chip");
	id = d->arch == NV_HOPPER ? arena_printf(job->arena, "NV_GPU_DRIVER_%s_%s", d->chip, driver)
				  : arena_printf(job->arena, "NV_GPU_CC_DRIVER_%s_%s", d->chip, driver);
	TRY(add(job, out, "driver", driver, id));
	id = arena_printf(job->arena, "NV_GPU_VBIOS_%s_%s_%s_%s", without_dots_upper(job->arena, project),
			  without_dots_upper(job->arena, sku), without_dots_upper(job->arena, chip),
			  without_dots_upper(job->arena, vbios));
	return add(job, out, "vbios", vbios, id);
}

RC nv_rims_name(struct vjob *job, const struct nv_device *d, struct nv_rims *out)
{
	const char *vbios = plain(spdm_vbios_text(job->arena, spdm_opaque(&d->report, SPDM_VBIOS_VERSION), true));
	struct nv_rims rims = {0};

	if (!vbios)
		return deny(job->why, E_MALFORMED, "nvidia.parse.version", "the report names no VBIOS version");
	/* the switch board has one part number; its report does not repeat it */
	if (nv_is_switch(d->arch))
		TRY(add(job, &rims, "bios", vbios,
			arena_printf(job->arena, "NV_SWITCH_BIOS_5612_0002_890_%s", without_dots_upper(job->arena, vbios))));
	else
		TRY(name_gpu(job, d, vbios, &rims));
	*out = rims;
	return rc_of(OK);
}

/* ---- one manifest ---- */

static RC check_signed(struct vjob *job, const struct rim *rim, struct x509 *const *certs, size_t n, bool planning,
		       struct nv_chain *chain)
{
	static const struct vpath_reasons is = {"nvidia.chain.rim", "nvidia.untrusted-root.rim", "nvidia.expired.rim"};
	struct why inner = why_in(job->arena);
	struct x509_path path;
	rc r;

	if (!x509_key(certs[0]))
		return deny(job->why, E_UNSUPPORTED, "nvidia.unsupported.rim", "a manifest with an unknown kind of key");
	r = rim_check_signature(rim, x509_key(certs[0]), "nvidia.signature.rim", &inner);
	if (!rc_ok(r))
		return deny(job->why, r.code == E_INTERNAL ? E_INTERNAL : E_DENIED, "nvidia.signature.rim", "%s", why_text(&inner));
	TRY(vjob_trusted_path(job, certs[0], certs, n, "nvidia-rim-root", &is, &path));
	return nv_chain_look(job, &path, 0, planning, chain);
}

RC nv_rim_verify(struct vjob *job, struct slice xml, bool planning, struct rim *out, struct nv_chain *chain)
{
	struct x509 *certs[RIM_CERTS_MAX] = {0};
	struct why inner = why_in(job->arena);
	struct rim rim;
	size_t n = 0;
	rc r;

	TRY(recast(rim_parse(job->arena, xml, &rim, &inner), &inner, "nvidia.parse.rim", "nvidia.unsupported.rim", job->why));
	r = rc_of(OK);
	while (rc_ok(r) && n < rim.certs_n) {
		r = recast(x509_from_der(rim.certs[n], &certs[n], &inner), &inner, "nvidia.parse.rim", "nvidia.unsupported.rim",
			   job->why);
		n += rc_ok(r);
	}
	if (rc_ok(r))
		r = check_signed(job, &rim, certs, n, planning, chain);
	x509_free_all(certs, n);
	if (rc_ok(r))
		*out = rim;
	return r;
}

/* ---- all of a device ---- */

RC nv_rims_check(struct vjob *job, const struct nv_device *d, struct nv_rims *rims)
{
	const struct rim *all[NV_RIMS_MAX];
	unsigned there = 0;

	for (unsigned i = 0; i < rims->n; i++) {
		struct nv_rim *r = &rims->r[i];
		struct slice xml = vjob_collateral(job, NV_COLLATERAL_RIM, r->id);
		rc res;

		if (!xml.p)
			continue;
		TRY(note(job->why, nv_rim_verify(job, xml, false, &r->rim, &r->chain), "the %s manifest %s", r->what, r->id));
		if (!r->rim.version || strcasecmp(r->rim.version, r->version)) {
			res = deny(job->why, E_DENIED, "nvidia.measurement.version", "the %s manifest is of another version", r->what);
			why_compared(job->why, "nvidia.version", r->version, r->rim.version);
			return res;
		}
		r->there = true;
		all[there++] = &r->rim;
	}
	if (there)
		TRY(nv_check(&d->report, all, there, job->arena, job->why));
	rims->compared = there == rims->n;
	return rc_of(OK);
}
