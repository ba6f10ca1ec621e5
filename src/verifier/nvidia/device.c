#include "verifier/nvidia/device.h"

#include "codec/base64.h"
#include "evidence/octets.h"

#define REPORT_MAX (256u << 10)
#define CERTS_TEXT_MAX (64u << 10)

static const struct {
	enum nv_arch arch;
	const char *name, *wire;
	const char *chips;	/* prefix of the chip in the certificates */
} archs[] = {
	{NV_HOPPER, "Hopper", "HOPPER", "GH"},
	{NV_BLACKWELL, "Blackwell", "BLACKWELL", "GB"},
	{NV_LS10, "LS10", "LS10", "LS"},
};

const char *nv_arch_name(enum nv_arch arch)
{
	return archs[arch].name;
}

bool nv_is_switch(enum nv_arch arch)
{
	return arch == NV_LS10;
}

/* ---- reading ---- */

static RC read_arch(const struct json *v, enum nv_arch *out, struct why *w)
{
	struct slice text;

	TRY(json_need_str(v, "arch", &text, "device evidence", w));
	for (size_t i = 0; i < sizeof(archs) / sizeof(archs[0]); i++)
		if (slice_is(text, archs[i].name) || slice_is(text, archs[i].wire)) {
			*out = archs[i].arch;
			return rc_of(OK);
		}
	return deny(w, E_UNSUPPORTED, "nvidia.unsupported.arch", "architecture " SLICE_FMT, SLICE_ARG(text));
}

/* Hexadecimal or base64: guests send both. */
static RC read_report_text(struct arena *a, struct slice text, struct slice *out, struct why *w)
{
	size_t n = 0;

	if (text.n > 2 * REPORT_MAX)
		return deny(w, E_MALFORMED, "nvidia.parse.size", "a report of %zu characters", text.n);
	while (n < text.n && memchr("0123456789abcdefABCDEF", text.p[n], 22))
		n++;
	if (n == text.n && n % 2 == 0)
		return hex_decode(a, text, out, "evidence", w);
	return b64_decode(a, B64_STD, text, out, "evidence", w);
}

static RC read_members(struct arena *a, const struct json *v, struct nv_device *d, struct why *w)
{
	struct slice report, pem, text;

	TRY(read_arch(v, &d->arch, w));
	d->uuid = SLICE_LIT("unknown");
	TRY(json_opt_str(v, "uuid", &d->uuid, "device evidence", w));
	if (d->uuid.n > 128)
		return deny(w, E_MALFORMED, "nvidia.parse.uuid", "a uuid of %zu bytes", d->uuid.n);
	TRY(json_need_str(v, "evidence", &text, "device evidence", w));
	TRY(read_report_text(a, text, &report, w));
	TRY(json_need_str(v, "certificate", &text, "device evidence", w));
	if (text.n > 2 * CERTS_TEXT_MAX)
		return deny(w, E_MALFORMED, "nvidia.parse.size", "certificates of %zu characters", text.n);
	TRY(b64_decode(a, B64_STD, text, &pem, "certificate", w));
	TRY(spdm_parse(a, report, &d->report, w));
	return x509_list_from_pem(pem, d->certs, NV_CERTS_MAX, &d->certs_n, w);
}

RC nv_device_read(struct vjob *job, const struct json *v, struct nv_device *out)
{
	struct why inner = why_in(job->arena);
	struct nv_device d = {0};
	rc r = read_members(job->arena, v, &d, &inner);

	if (rc_ok(r))
		*out = d;
	return recast(r, &inner, "nvidia.parse.device", "nvidia.unsupported.device", job->why);
}

void nv_device_close(struct nv_device *d)
{
	x509_free_all(d->certs, d->certs_n);
	d->certs_n = 0;
}

/* ---- checking ---- */

static RC check_signature(struct vjob *job, const struct nv_device *d)
{
	const struct pkey *key = x509_key(d->certs[0]);
	struct why inner = why_in(job->arena);
	rc r;

	if (!key || pkey_kind(key) != KEY_P384)
		return deny(job->why, E_UNSUPPORTED, "nvidia.unsupported.key", "the signing certificate has no P-384 key");
	r = pkey_verify(key, SIG_ES384, d->report.body, d->report.signature, "nvidia.signature", &inner);
	if (rc_ok(r))
		return r;
	return deny(job->why, r.code == E_INTERNAL ? E_INTERNAL : E_DENIED, "nvidia.signature",
		    "the report was not signed by the first certificate: %s", why_text(&inner));
}

static RC check_chain(struct vjob *job, struct nv_device *d)
{
	static const struct vpath_reasons is = {"nvidia.chain", "nvidia.untrusted-root", "nvidia.expired"};

	if (d->certs_n < 2 || x509_is_ca(d->certs[0]))
		return deny(job->why, E_DENIED, "nvidia.chain.short", "a chain has a signing certificate and at least one above it");
	return vjob_trusted_path(job, d->certs[0], d->certs, d->certs_n, "nvidia-device-root", &is, &d->path);
}

/* The first FWID of the leaf's DICE extension: SEQUENCE { OID sha384, OCTET STRING (48) }. Hopper has it at the end of
 * a CompositeDeviceID, Blackwell first in the list of a TcbInfo; in both this is the first place where it stands. p == NULL
 * when the certificate has none. */
static RC leaf_fwid(struct vjob *job, const struct x509 *leaf, struct slice *out)
{
	static const uint8_t head[] = {0x30, 0x3d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x04, 0x30};
	static const char *const oids[] = {"2.23.133.5.4.1", "2.23.133.5.4.1.1"};

	*out = (struct slice){0};
	for (size_t i = 0; i < 2 && !out->p; i++) {
		struct slice ext, rest;
		const uint8_t *at;

		TRY(x509_ext(leaf, job->arena, oids[i], &ext, NULL, job->why));
		at = ext.p ? memmem(ext.p, ext.n, head, sizeof(head)) : NULL;
		if (!at)
			continue;
		rest = slice_sub(ext, (size_t)(at - ext.p) + sizeof(head), 48);
		if (rest.n == 48)
			*out = rest;
	}
	return rc_of(OK);
}

static RC check_fwid(struct vjob *job, struct nv_device *d)
{
	struct slice said = spdm_opaque(&d->report, SPDM_FWID), certified;
	rc r;

	TRY(leaf_fwid(job, d->certs[0], &certified));
	d->fwid_in_report = said.p != NULL;
	if (!certified.p)
		return deny(job->why, E_DENIED, "nvidia.binding.fwid", "the signing certificate certifies no firmware");
	/* older drivers and switches do not repeat it; the signing key is that of the certified firmware all the same */
	if (!said.p || slice_eq(said, certified))
		return rc_of(OK);
	r = deny(job->why, E_DENIED, "nvidia.binding.fwid", "the report names other firmware than its certificate");
	why_compared(job->why, "fwid", hex_text(job->arena, said), hex_text(job->arena, certified));
	return r;
}

/* The certificate of the device itself, above the one that signs for its firmware. Of the path: a certificate that merely
 * stands in the evidence says nothing. */
static const struct x509 *identity(const struct nv_device *d)
{
	return d->path.c[d->path.n > 2 ? 1 : 0];
}

/* What the evidence calls itself is what its certificates say that it is. */
static RC check_arch(struct vjob *job, struct nv_device *d)
{
	const struct x509 *named = identity(d);
	const char *space;

	d->hwmodel = x509_subject_cn(named, job->arena);
	space = d->hwmodel ? strchr(d->hwmodel, ' ') : NULL;
	d->chip = space ? arena_strndup(job->arena, d->hwmodel, (size_t)(space - d->hwmodel)) : d->hwmodel;
	if (d->chip && strlen(d->chip) < 16 && !strncmp(d->chip, archs[d->arch].chips, 2))
		return rc_of(OK);
	return deny(job->why, E_DENIED, "nvidia.binding.arch", "the evidence says %s, its certificate says \"%s\"",
		    nv_arch_name(d->arch), d->hwmodel ? d->hwmodel : "");
}

RC nv_device_check(struct vjob *job, bool planning, struct nv_device *d)
{
	TRY(check_signature(job, d));
	TRY(check_chain(job, d));
	TRY(check_fwid(job, d));
	TRY(check_arch(job, d));
	/* nobody answers for the signing certificate, which the device makes for itself */
	return nv_chain_look(job, &d->path, 1, planning, &d->chain);
}

const uint8_t *nv_device_identity(const struct nv_device *d)
{
	return x509_spki_sha256(identity(d));
}
