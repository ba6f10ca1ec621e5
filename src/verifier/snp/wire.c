#include "verifier/snp/wire.h"

#include "evidence/octets.h"

#define WHAT "SNP report"

static RC put_octets(struct buf *b, struct arena *a, const struct json *att, const char *name, size_t n, struct why *w)
{
	struct slice s;

	TRY(octets_need(a, att, name, n, n, &s, WHAT, w));
	buf_slice(b, s);
	return rc_of(OK);
}

static RC put_u64(struct buf *b, const struct json *att, const char *name, struct why *w)
{
	uint64_t v;

	TRY(json_need_u64(att, name, UINT64_MAX, &v, WHAT, w));
	buf_le64(b, v);
	return rc_of(OK);
}

static RC put_u32(struct buf *b, const struct json *att, const char *name, struct why *w)
{
	uint64_t v;

	TRY(json_need_u64(att, name, UINT32_MAX, &v, WHAT, w));
	buf_le32(b, (uint32_t)v);
	return rc_of(OK);
}

static RC part(const struct json *t, const char *name, uint8_t *out, struct why *w)
{
	uint64_t v;

	TRY(json_need_u64(t, name, 255, &v, WHAT, w));
	*out = (uint8_t)v;
	return rc_of(OK);
}

static bool given(const struct json *obj, const char *name)
{
	const struct json *v = json_get(obj, name);

	return v && v->kind != JSON_NULL;
}

/* "fmc" is there on Turin, and only there. */
static RC put_tcb(struct buf *b, const struct json *att, const char *name, bool turin, struct why *w)
{
	uint8_t raw[8] = {0};
	const struct json *t;

	TRY(json_need(att, name, JSON_OBJECT, &t, WHAT, w));
	if (given(t, "fmc") != turin)
		return deny(w, E_MALFORMED, "snp.parse.report", "%s: fmc must be given on Turin and nowhere else", name);
	if (turin)
		TRY(part(t, "fmc", &raw[0], w));
	TRY(part(t, "bootloader", &raw[turin ? 1 : 0], w));
	TRY(part(t, "tee", &raw[turin ? 2 : 1], w));
	TRY(part(t, "snp", &raw[turin ? 3 : 6], w));
	TRY(part(t, "microcode", &raw[7], w));
	buf_put(b, raw, 8);
	return rc_of(OK);
}

static RC put_version(struct buf *b, const struct json *att, const char *name, struct why *w)
{
	uint8_t raw[4] = {0};
	const struct json *v;

	TRY(json_need(att, name, JSON_OBJECT, &v, WHAT, w));
	TRY(part(v, "build", &raw[0], w));
	TRY(part(v, "minor", &raw[1], w));
	TRY(part(v, "major", &raw[2], w));
	buf_put(b, raw, 4);
	return rc_of(OK);
}

/* Null in version 2, which has no such fields. */
static RC read_cpuid(const struct json *att, uint64_t version, uint8_t id[3], struct why *w)
{
	static const char *const names[3] = {"cpuid_fam_id", "cpuid_mod_id", "cpuid_step"};

	for (unsigned i = 0; i < 3; i++) {
		if (version >= 3)
			TRY(part(att, names[i], &id[i], w));
		else if (given(att, names[i]))
			return deny(w, E_MALFORMED, "snp.parse.report", "a version 2 report has no %s", names[i]);
	}
	return rc_of(OK);
}

static RC put_head(struct buf *b, struct arena *a, const struct json *att, bool turin, struct why *w)
{
	TRY(put_u32(b, att, "version", w));
	TRY(put_u32(b, att, "guest_svn", w));
	TRY(put_u64(b, att, "policy", w));
	TRY(put_octets(b, a, att, "family_id", 16, w));
	TRY(put_octets(b, a, att, "image_id", 16, w));
	TRY(put_u32(b, att, "vmpl", w));
	TRY(put_u32(b, att, "sig_algo", w));
	TRY(put_tcb(b, att, "current_tcb", turin, w));
	TRY(put_u64(b, att, "plat_info", w));
	TRY(put_u32(b, att, "key_info", w));
	buf_reserve(b, 4);
	TRY(put_octets(b, a, att, "report_data", 64, w));
	TRY(put_octets(b, a, att, "measurement", 48, w));
	TRY(put_octets(b, a, att, "host_data", 32, w));
	TRY(put_octets(b, a, att, "id_key_digest", 48, w));
	TRY(put_octets(b, a, att, "author_key_digest", 48, w));
	TRY(put_octets(b, a, att, "report_id", 32, w));
	return put_octets(b, a, att, "report_id_ma", 32, w);
}

static RC put_tail(struct buf *b, struct arena *a, const struct json *att, uint64_t version, const uint8_t cpuid[3], bool turin,
		   struct why *w)
{
	const struct json *sig;

	TRY(put_tcb(b, att, "reported_tcb", turin, w));
	buf_put(b, cpuid, 3);
	buf_reserve(b, 21);
	TRY(put_octets(b, a, att, "chip_id", 64, w));
	TRY(put_tcb(b, att, "committed_tcb", turin, w));
	TRY(put_version(b, att, "current", w));
	TRY(put_version(b, att, "committed", w));
	TRY(put_tcb(b, att, "launch_tcb", turin, w));
	if (version >= 5) {
		TRY(put_u64(b, att, "launch_mit_vector", w));
		TRY(put_u64(b, att, "current_mit_vector", w));
	} else {
		buf_reserve(b, 16);
	}
	buf_reserve(b, SNP_SIGNED_SIZE - 0x208);
	TRY(json_need(att, "signature", JSON_OBJECT, &sig, WHAT, w));
	TRY(put_octets(b, a, sig, "r", 72, w));
	TRY(put_octets(b, a, sig, "s", 72, w));
	buf_reserve(b, 368);
	return rc_of(OK);
}

rc snp_from_json(struct arena *a, const struct json *att, struct slice *report, struct why *w)
{
	struct buf b = buf_in(a, SNP_REPORT_SIZE);
	uint8_t cpuid[3] = {0};
	uint64_t version;
	bool turin;

	TRY(json_need_u64(att, "version", UINT32_MAX, &version, WHAT, w));
	TRY(read_cpuid(att, version, cpuid, w));
	/* A version 2 report of Turin shows itself by its TCB. */
	turin = version >= 3 ? snp_generation_of(cpuid[0], cpuid[1]) == SNP_TURIN : given(json_get(att, "reported_tcb"), "fmc");
	TRY(put_head(&b, a, att, turin, w));
	TRY(put_tail(&b, a, att, version, cpuid, turin, w));
	if (!buf_ok(&b) || b.n != SNP_REPORT_SIZE)
		return deny(w, E_INTERNAL, "snp.memory", "no memory for the report");
	*report = buf_view(&b);
	return rc_of(OK);
}
