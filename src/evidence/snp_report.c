/* snp_report.c - the binary report and its claims. */
#include "base/cur.h"
#include "codec/base64.h"
#include "evidence/snp.h"

const char *snp_generation_name(enum snp_generation g)
{
	switch (g) {
	case SNP_MILAN:
		return "Milan";
	case SNP_GENOA:
		return "Genoa";
	case SNP_TURIN:
		return "Turin";
	case SNP_UNKNOWN:
		break;
	}
	return "unknown";
}

enum snp_generation snp_generation_of(unsigned family, unsigned model)
{
	if (family == 0x19)
		return model <= 0x0f ? SNP_MILAN : (model <= 0x1f || (model >= 0xa0 && model <= 0xaf)) ? SNP_GENOA : SNP_UNKNOWN;
	return family == 0x1a && model <= 0x11 ? SNP_TURIN : SNP_UNKNOWN;
}

/* Two layouts: Turin put the firmware of its coprocessor in front. */
static struct snp_tcb read_tcb(struct cur *c, bool turin)
{
	struct slice raw = cur_take(c, 8);
	struct snp_tcb t = {0};
	const uint8_t *b = raw.p;
	uint8_t reserved;

	if (c->m->bad)
		return t;
	if (turin) {
		t = (struct snp_tcb){.fmc = b[0], .bootloader = b[1], .tee = b[2], .snp = b[3], .microcode = b[7]};
		reserved = b[4] | b[5] | b[6];
	} else {
		t = (struct snp_tcb){.bootloader = b[0], .tee = b[1], .snp = b[6], .microcode = b[7]};
		reserved = b[2] | b[3] | b[4] | b[5];
	}
	for (unsigned i = 0; i < 8; i++)
		t.raw |= (uint64_t)b[i] << (8 * i);
	if (reserved)
		cur_spoil(c);
	return t;
}

static struct snp_version read_version(struct cur *c)
{
	struct snp_version v;

	v.build = cur_u8(c);
	v.minor = cur_u8(c);
	v.major = cur_u8(c);
	cur_zero(c, 1);
	return v;
}

/* The layout of the TCB depends on the generation, which stands behind the first TCB: looked up at its fixed place. */
static RC find_generation(struct slice in, uint32_t version, const struct snp_reasons *why_not, enum snp_generation *out,
			  struct why *w)
{
	struct slice id = slice_sub(in, 0x1a0, 64);

	if (version >= 3) {
		*out = snp_generation_of(in.p[0x188], in.p[0x189]);
		if (*out == SNP_UNKNOWN)
			return deny(w, E_UNSUPPORTED, why_not->unsupported, "processor family 0x%x model 0x%x is not known", in.p[0x188],
				    in.p[0x189]);
		return rc_of(OK);
	}
	*out = !slice_is_zero(slice_sub(id, 0, 8)) && slice_is_zero(slice_sub(id, 8, 56)) ? SNP_TURIN : SNP_UNKNOWN;
	return rc_of(OK);
}

static RC check_head(struct slice in, const struct snp_reasons *why_not, uint32_t *version, struct why *w)
{
	struct msg m;
	struct cur c = cur_open(&m, in);
	uint32_t v = cur_le32(&c), algo;

	if (in.n != SNP_REPORT_SIZE)
		return deny(w, E_MALFORMED, why_not->parse, "a report of %zu bytes, expected %u", in.n, SNP_REPORT_SIZE);
	cur_take(&c, 0x30);
	algo = cur_le32(&c);
	TRY(cur_end_open(&c, w, why_not->parse, "SNP report"));
	if (v < 2 || v > 5)
		return deny(w, E_UNSUPPORTED, why_not->unsupported, "a report of version %u, known are 2 to 5", v);
	if (algo != 1)
		return deny(w, E_UNSUPPORTED, why_not->unsupported, "signature algorithm %u, known is 1 (ECDSA P-384 with SHA-384)", algo);
	*version = v;
	return rc_of(OK);
}

static void read_middle(struct cur *c, struct snp_report *r, bool turin)
{
	r->key_info = cur_le32(c);
	if (r->key_info >> 5)
		cur_spoil(c);
	cur_zero(c, 4);
	r->report_data = cur_take(c, 64);
	r->measurement = cur_take(c, 48);
	r->host_data = cur_take(c, 32);
	r->id_key_digest = cur_take(c, 48);
	r->author_key_digest = cur_take(c, 48);
	r->report_id = cur_take(c, 32);
	r->report_id_ma = cur_take(c, 32);
	r->reported_tcb = read_tcb(c, turin);
	if (r->version >= 3) {
		r->family = cur_u8(c);
		r->model = cur_u8(c);
		r->stepping = cur_u8(c);
		cur_zero(c, 21);
	} else {
		cur_zero(c, 24);
	}
}

rc snp_report_parse(struct slice in, const struct snp_reasons *why_not, struct snp_report *out, struct why *w)
{
	struct snp_report r = {.raw = in};
	struct msg m;
	struct cur c;
	bool turin;

	TRY(check_head(in, why_not, &r.version, w));
	TRY(find_generation(in, r.version, why_not, &r.generation, w));
	turin = r.generation == SNP_TURIN;
	c = cur_open(&m, in);
	cur_take(&c, 4);
	r.guest_svn = cur_le32(&c);
	r.policy = cur_le64(&c);
	if (!(r.policy >> 17 & 1))	/* the firmware never launches a guest without it */
		cur_spoil(&c);
	r.family_id = cur_take(&c, 16);
	r.image_id = cur_take(&c, 16);
	r.vmpl = cur_le32(&c);
	cur_take(&c, 4);
	r.current_tcb = read_tcb(&c, turin);
	r.platform_info = cur_le64(&c);
	read_middle(&c, &r, turin);
	r.chip_id = cur_take(&c, 64);
	r.committed_tcb = read_tcb(&c, turin);
	r.current = read_version(&c);
	r.committed = read_version(&c);
	r.launch_tcb = read_tcb(&c, turin);
	if (r.version >= 5) {
		r.launch_mit = cur_le64(&c);
		r.current_mit = cur_le64(&c);
	} else {
		cur_zero(&c, 16);
	}
	cur_zero(&c, SNP_SIGNED_SIZE - 0x208);
	cur_take(&c, 144);	/* signature: r, s */
	cur_zero(&c, 368);
	TRY(cur_end(&c, w, why_not->parse, "SNP report"));
	*out = r;
	return rc_of(OK);
}

static void tcb_claims(struct arena *a, struct json *o, const char *name, const struct snp_tcb *t, bool turin)
{
	const struct {
		const char *part;
		uint8_t v;
	} parts[] = {{"bootloader", t->bootloader}, {"tee", t->tee}, {"snp", t->snp}, {"microcode", t->microcode}, {"fmc", t->fmc}};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (turin || strcmp(parts[i].part, "fmc"))
			json_set(a, o, arena_printf(a, "%s_%s", name, parts[i].part), json_new_u64(a, parts[i].v));
}

static void version_claim(struct arena *a, struct json *o, const char *name, struct snp_version v)
{
	json_set(a, o, name, json_new_cstr(a, arena_printf(a, "%u.%u.%u", v.major, v.minor, v.build)));
}

static void flag_claims(struct arena *a, struct json *o, const struct snp_report *r)
{
	static const struct {
		const char *name;
		unsigned bit;
	} policy[] = {
		{"policy_smt_allowed", 16}, {"policy_migrate_ma", 18},	 {"policy_debug_allowed", 19}, {"policy_single_socket", 20},
		{"policy_cxl_allowed", 21}, {"policy_mem_aes_256_xts", 22}, {"policy_rapl_disabled", 23},
		{"policy_ciphertext_hiding", 24}, {"policy_page_swap_disabled", 25},
	}, platform[] = {
		{"platform_smt_enabled", 0}, {"platform_tsme_enabled", 1}, {"platform_ecc_enabled", 2}, {"platform_rapl_disabled", 3},
		{"platform_ciphertext_hiding", 4}, {"platform_alias_check_complete", 5}, {"platform_tio_enabled", 7},
	};

	json_set(a, o, "policy_abi_major", json_new_u64(a, r->policy >> 8 & 0xff));
	json_set(a, o, "policy_abi_minor", json_new_u64(a, r->policy & 0xff));
	for (size_t i = 0; i < sizeof(policy) / sizeof(policy[0]); i++)
		json_set(a, o, policy[i].name, json_new_bool(a, r->policy >> policy[i].bit & 1));
	for (size_t i = 0; i < sizeof(platform) / sizeof(platform[0]); i++)
		json_set(a, o, platform[i].name, json_new_bool(a, r->platform_info >> platform[i].bit & 1));
}

void snp_claims(struct arena *a, struct json *o, const struct snp_report *r)
{
	bool turin = r->generation == SNP_TURIN;
	unsigned key = snp_signing_key(r);

	json_set(a, o, "measurement", json_new_hex(a, r->measurement));
	json_set(a, o, "report_data", json_new_hex(a, r->report_data));
	json_set(a, o, "init_data", json_new_hex(a, r->host_data));
	json_set(a, o, "chip_id", json_new_hex(a, r->chip_id));
	flag_claims(a, o, r);
	tcb_claims(a, o, "reported_tcb", &r->reported_tcb, turin);
	/* beyond the reference's */
	tcb_claims(a, o, "current_tcb", &r->current_tcb, turin);
	tcb_claims(a, o, "committed_tcb", &r->committed_tcb, turin);
	tcb_claims(a, o, "launch_tcb", &r->launch_tcb, turin);
	json_set(a, o, "version", json_new_u64(a, r->version));
	json_set(a, o, "vmpl", json_new_u64(a, r->vmpl));
	json_set(a, o, "guest_svn", json_new_u64(a, r->guest_svn));
	json_set(a, o, "generation", json_new_cstr(a, snp_generation_name(r->generation)));
	json_set(a, o, "policy", json_new_cstr(a, arena_printf(a, "0x%llx", (unsigned long long)r->policy)));
	json_set(a, o, "platform_info", json_new_cstr(a, arena_printf(a, "0x%llx", (unsigned long long)r->platform_info)));
	json_set(a, o, "signing_key", json_new_cstr(a, key == 0 ? "vcek" : key == 1 ? "vlek" : "none"));
	json_set(a, o, "author_key_enabled", json_new_bool(a, r->key_info & 1));
	json_set(a, o, "chip_key_masked", json_new_bool(a, r->key_info >> 1 & 1));
	json_set(a, o, "family_id", json_new_hex(a, r->family_id));
	json_set(a, o, "image_id", json_new_hex(a, r->image_id));
	json_set(a, o, "id_key_digest", json_new_hex(a, r->id_key_digest));
	json_set(a, o, "author_key_digest", json_new_hex(a, r->author_key_digest));
	json_set(a, o, "report_id", json_new_hex(a, r->report_id));
	json_set(a, o, "report_id_ma", json_new_hex(a, r->report_id_ma));
	version_claim(a, o, "current_version", r->current);
	version_claim(a, o, "committed_version", r->committed);
	if (r->version >= 3) {
		json_set(a, o, "cpuid_family", json_new_u64(a, r->family));
		json_set(a, o, "cpuid_model", json_new_u64(a, r->model));
		json_set(a, o, "cpuid_stepping", json_new_u64(a, r->stepping));
	}
	if (r->version >= 5) {
		json_set(a, o, "launch_mitigations", json_new_cstr(a, arena_printf(a, "0x%llx", (unsigned long long)r->launch_mit)));
		json_set(a, o, "current_mitigations", json_new_cstr(a, arena_printf(a, "0x%llx", (unsigned long long)r->current_mit)));
	}
}
