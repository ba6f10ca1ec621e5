/* The default policies: the claims of a good guest of each TEE are affirming, and with any one of the claims that the policy reads
 * changed or gone they are not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "as/ear.h"
#include "base/embedded.h"
#include "base/num.h"
#include "rego/unit.h"

extern const struct embedded as_policies[];

struct good {
	const char *policy, *claims, *values;
	const char *unread;	/* claims that the policy does not read, by name, with blanks around */
};

static const struct good good[] = {
	{"default_cpu",
	 "{\"sample\":{\"launch_digest\":\"a\",\"svn\":\"1\",\"platform_version\":{\"major\":1,\"minor\":4},\"debug\":false}}",
	 "{\"launch_digest\":[\"a\"],\"svn\":[\"1\"],\"major_version\":1,\"minimum_minor_version\":4}", " "},
	{"default_cpu",
	 "{\"snp\":{\"measurement\":\"m\",\"reported_tcb_bootloader\":3,\"reported_tcb_microcode\":209,\"reported_tcb_snp\":8,"
	 "\"reported_tcb_tee\":0,\"policy_debug_allowed\":false,\"policy_migrate_ma\":false,\"vmpl\":0,\"platform_smt_enabled\":true,"
	 "\"platform_tsme_enabled\":false,\"policy_abi_major\":0,\"policy_abi_minor\":31,\"policy_single_socket\":false,"
	 "\"policy_smt_allowed\":true}}",
	 "{\"snp_launch_measurement\":[\"x\",\"m\"],\"snp_bootloader\":[3],\"snp_microcode\":[209],\"snp_snp_svn\":[8],\"snp_tee_svn\":[0],"
	 "\"snp_smt_enabled\":true,\"snp_tsme_enabled\":false,\"snp_guest_abi_major\":0,\"snp_guest_abi_minor\":31,"
	 "\"snp_single_socket\":false,\"snp_smt_allowed\":true}",
	 /* Without these the configuration is 3, which is affirming as well: "no known vulnerabilities". */
	 " platform_smt_enabled platform_tsme_enabled policy_abi_major policy_abi_minor policy_single_socket policy_smt_allowed "},
	{"default_cpu",
	 "{\"tdx\":{\"quote\":{\"header\":{\"tee_type\":\"81000000\",\"vendor_id\":\"939a7233f79c4ca9940a0db3957f0607\"},\"body\":{"
	 "\"mr_td\":\"t\",\"rtmr_1\":\"r1\",\"rtmr_2\":\"r2\",\"xfam\":\"x\"}},\"tcb_status\":\"UpToDate\","
	 "\"collateral_expiration_status\":\"0\",\"td_attributes\":{\"debug\":false,\"migratable\":false}}}",
	 "{\"mr_td\":[\"t\"],\"rtmr_1\":[\"r1\"],\"rtmr_2\":[\"r2\"],\"xfam\":[\"x\"]}", " "},
	{"default_cpu",
	 "{\"sgx\":{\"header\":{\"vendor_id\":\"939a7233f79c4ca9940a0db3957f0607\"},\"body\":{\"mr_enclave\":\"e\",\"mr_signer\":\"s\","
	 "\"isv_prod_id\":\"0100\",\"isv_svn\":\"0200\"},\"tcb_status\":\"UpToDate\",\"collateral_expiration_status\":\"0\",\"debug\":false}}",
	 "{\"sgx_mr_enclave\":[\"e\"],\"sgx_mr_signer\":[\"s\"],\"sgx_isv_prod_id\":[\"0100\"],\"sgx_isv_svn\":[\"0200\"]}", " "},
	{"default_cpu",
	 "{\"az-snp-vtpm\":{\"measurement\":\"m\",\"tpm\":{\"pcr11\":\"p\"},\"reported_tcb_bootloader\":\"3\",\"reported_tcb_microcode\":\"209\","
	 "\"reported_tcb_snp\":\"8\",\"reported_tcb_tee\":\"0\",\"policy_debug_allowed\":\"false\",\"policy_migrate_ma\":\"false\",\"platform_smt_enabled\":\"true\","
	 "\"platform_tsme_enabled\":\"false\",\"policy_abi_major\":\"0\",\"policy_abi_minor\":\"31\",\"policy_single_socket\":\"false\","
	 "\"policy_smt_allowed\":\"true\"}}",
	 "{\"measurement\":[\"m\"],\"snp_pcr11\":[\"p\"],\"tcb_bootloader\":[\"3\"],\"tcb_microcode\":[\"209\"],\"tcb_snp\":[\"8\"],"
	 "\"tcb_tee\":[\"0\"],\"smt_enabled\":[\"true\"],\"tsme_enabled\":[\"false\"],\"abi_major\":[\"0\"],\"abi_minor\":[\"31\"],"
	 "\"single_socket\":[\"false\"],\"smt_allowed\":[\"true\"]}", " "},
	{"default_cpu",
	 "{\"az-tdx-vtpm\":{\"tpm\":{\"pcr11\":\"p\"},\"quote\":{\"header\":{\"tee_type\":\"81000000\",\"vendor_id\":"
	 "\"939a7233f79c4ca9940a0db3957f0607\"},\"body\":{\"mr_td\":\"t\",\"xfam\":\"x\"}},\"tcb_status\":\"UpToDate\","
	 "\"collateral_expiration_status\":\"0\",\"td_attributes\":{\"debug\":false,\"migratable\":false}}}",
	 "{\"tdx_pcr11\":[\"p\"],\"mr_td\":[\"t\"],\"xfam\":[\"x\"]}", " "},
	{"default_cpu", "{\"tpm\":{\"pcr11\":\"p\"}}", "{\"tpm_pcr11\":[\"p\"]}", " "},
	{"default_cpu",
	 "{\"cca\":{\"realm\":{\"cca-realm-initial-measurement\":\"m\"},\"platform\":{\"cca-platform-implementation-id\":\"i\","
	 "\"cca-platform-secured\":true,\"cca-platform-config\":\"c\"}}}",
	 "{\"cca_realm_initial_measurement\":[\"m\"],\"cca_platform_implementation_id\":[\"i\"],\"cca_platform_config\":[\"c\"]}", " "},
	{"default_cpu", "{\"csv\":{\"measure\":\"m\",\"chain_verified\":true,\"policy\":{\"nodbg\":1,\"noks\":1,\"es\":1}}}",
	 "{\"csv_measure\":[\"m\"]}", " "},
	{"default_cpu", "{\"se\":{\"tag\":\"t\",\"attestation_phkh\":\"a\",\"image_header_matched\":true,\"image_phkh\":\"i\"}}",
	 "{\"se_image_tag\":[\"t\"],\"se_attestation_phkh\":[\"a\"],\"se_image_phkh\":[\"i\"]}", " "},
	{"default_cpu", "{\"nitro\":{\"module_id\":\"i\",\"pcrs\":{\"0\":\"a\",\"1\":\"b\",\"2\":\"c\"},\"debug\":false}}",
	 "{\"nitro_pcr0\":[\"a\"],\"nitro_pcr1\":[\"b\"],\"nitro_pcr2\":[\"c\"]}", " module_id "},
	{"default_dcu", "{\"hygondcu\":{\"body\":{\"measure\":\"m\",\"chip_id\":\"c\"}}}", "{\"dcu_measure\":[\"m\"]}", " chip_id "},
	{"default_gpu",
	 "{\"nvidia\":{\"secboot\":true,\"dbgstat\":\"disabled\",\"measres\":\"success\",\"x-nvidia-gpu-vbios-version\":\"v\","
	 "\"x-nvidia-gpu-driver-version\":\"d\",\"x-nvidia-gpu-attestation-report-cert-chain\":{\"x-nvidia-cert-ocsp-status\":\"good\","
	 "\"x-nvidia-cert-status\":\"valid\"},\"x-nvidia-gpu-attestation-report-cert-chain-fwid-match\":true,"
	 "\"x-nvidia-gpu-attestation-report-parsed\":true,\"x-nvidia-gpu-attestation-report-signature-verified\":true,"
	 "\"x-nvidia-gpu-arch-check\":true,\"x-nvidia-gpu-vbios-rim-cert-chain\":{\"x-nvidia-cert-ocsp-status\":\"good\","
	 "\"x-nvidia-cert-status\":\"valid\"},\"x-nvidia-gpu-driver-rim-fetched\":true,\"x-nvidia-gpu-driver-rim-measurements-available\":true,"
	 "\"x-nvidia-gpu-driver-rim-schema-validated\":true,\"x-nvidia-gpu-driver-rim-signature-verified\":true,"
	 "\"x-nvidia-gpu-driver-rim-version-match\":true,\"x-nvidia-gpu-vbios-rim-fetched\":true,"
	 "\"x-nvidia-gpu-vbios-rim-measurements-available\":true,\"x-nvidia-gpu-vbios-rim-schema-validated\":true,"
	 "\"x-nvidia-gpu-vbios-rim-signature-verified\":true,\"x-nvidia-gpu-vbios-rim-version-match\":true}}",
	 "{\"allowed_vbios_versions\":[\"v\"],\"allowed_driver_versions\":[\"d\"]}", " x-nvidia-gpu-vbios-version x-nvidia-gpu-driver-version "},
	{"default_switch",
	 "{\"nvidia\":{\"secboot\":true,\"dbgstat\":\"disabled\",\"measres\":\"success\",\"x-nvidia-switch-bios-version\":\"v\","
	 "\"x-nvidia-switch-attestation-report-cert-chain\":{\"x-nvidia-cert-ocsp-status\":\"good\",\"x-nvidia-cert-status\":\"valid\"},"
	 "\"x-nvidia-switch-attestation-report-cert-chain-fwid-match\":true,\"x-nvidia-switch-attestation-report-parsed\":true,"
	 "\"x-nvidia-switch-attestation-report-signature-verified\":true,\"x-nvidia-switch-arch-check\":true,"
	 "\"x-nvidia-switch-bios-rim-cert-chain\":{\"x-nvidia-cert-ocsp-status\":\"good\",\"x-nvidia-cert-status\":\"valid\"},"
	 "\"x-nvidia-switch-bios-rim-fetched\":true,\"x-nvidia-switch-bios-rim-measurements-available\":true,"
	 "\"x-nvidia-switch-bios-rim-schema-validated\":true,\"x-nvidia-switch-bios-rim-signature-verified\":true,"
	 "\"x-nvidia-switch-bios-rim-version-match\":true}}",
	 "{\"allowed_switch_bios_versions\":[\"v\"]}", " x-nvidia-switch-bios-version "},
};

struct run {
	struct arena *a;
	const struct json *values;
	struct rego_unit *unit;
	const struct json *claims;
	const struct good *g;
	unsigned mutations;
};

static void query(void *ctx, struct rego_host_call *call)
{
	const struct run *r = ctx;
	size_t n;
	const char *name = rego_host_arg_string(call, 0, &n);
	const struct json *v = json_get_slice(r->values, slice_of(name, n));
	struct slice text = v ? json_text(r->a, v) : SLICE_LIT("null");

	assert_int_equal(rego_host_reply_json(call, (const char *)text.p, text.n), 0);
}

static enum ear_tier status(struct run *r)
{
	struct arena_mark m = arena_mark(r->a);
	struct rego_unit_call call = {.input = r->claims, .host_ctx = r};
	struct rego_unit_result result;
	struct ear_vector v;
	struct why w = why_in(r->a);

	if (!rc_ok(rego_unit_eval(r->unit, &call, r->a, &result, &w)) || !rc_ok(ear_vector_read(result.value, &v, &w)))
		fail_msg("%s: %s", r->g->policy, why_text(&w));
	arena_reset(r->a, m);
	return ear_vector_status(&v);
}

/* Each leaf in turn becomes another value, null, and absent. */
static void mutate(struct run *r, struct json *v)
{
	for (size_t i = 0; i < v->n; i++) {
		struct json_member *m = &v->members[i], kept = *m;
		char word[128];

		if (m->value->kind == JSON_OBJECT) {
			mutate(r, m->value);
			continue;
		}
		snprintf(word, sizeof(word), " " SLICE_FMT " ", SLICE_ARG(m->name));
		if (strstr(r->g->unread, word))
			continue;
		for (int how = 0; how < 3; how++) {
			if (how == 0)
				m->value = kept.value->kind == JSON_BOOL ? json_new_bool(r->a, !kept.value->boolean)
					   : kept.value->kind == JSON_NUMBER ? json_new_i64(r->a, slice_is(kept.name, "minor") ? 0 : 99)
									     : json_new_cstr(r->a, "another");
			else if (how == 1)
				m->value = json_new_null(r->a);
			else
				m->name = SLICE_LIT("gone");
			if (status(r) <= EAR_AFFIRMING)
				fail_msg("%s affirms with " SLICE_FMT " mutated (%d)", r->g->policy, SLICE_ARG(kept.name), how);
			*m = kept;
			r->mutations++;
		}
	}
}

static void a_good_guest_is_affirming_and_no_mutation_of_what_is_read_is(void **state)
{
	static const char *const queries[] = {"data.policy.trust_claims"};
	static const struct rego_host_fn fns[] = {{"query_reference_value", 1, 0, query}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		struct arena *a = arena_new(0);
		struct why w = why_in(a);
		struct run r = {.a = a, .g = &good[i]};
		struct json *claims, *values;

		assert_true(rc_ok(json_parse(a, slice_cstr(good[i].claims), NULL, &claims, &w)));
		assert_true(rc_ok(json_parse(a, slice_cstr(good[i].values), NULL, &values, &w)));
		r.claims = claims;
		r.values = values;
		if (!rc_ok(rego_unit_new(good[i].policy, embedded_find(as_policies, good[i].policy)->text, fns, 1, queries, 1, "t", &r.unit, &w)))
			fail_msg("%s", why_text(&w));
		if (status(&r) != EAR_AFFIRMING)
			fail_msg("row %zu is not affirming", i);
		mutate(&r, claims);
		assert_true(r.mutations >= 3);
		/* Without reference values no CPU is affirming. (NVIDIA's manifests are the vendor's own reference values.) */
		r.values = json_new_object(a);
		assert_true(status(&r) > EAR_AFFIRMING || strstr(claims->raw.p ? (const char *)claims->raw.p : "", "nvidia"));
		rego_unit_free(r.unit);
		arena_free(a);
	}
}

/* A TD whose log shows a known kernel and command line says 3, another one 4: both affirm. An event that the running guest put into
 * RTMR 3, with any type and text that it likes, shows nothing. */
static void a_known_kernel_and_command_line_of_a_td_are_told(void **state)
{
	static const struct {
		const char *kernel, *line;
		unsigned kernel_index, line_index;
		int tier;
	} row[] = {{"k", "l", 2, 3, 3}, {"x", "l", 2, 3, 4}, {"k", "x", 2, 3, 4}, {"k", "l", 4, 3, 4}, {"k", "l", 2, 4, 4}, {"k", "l", 1, 3, 4}};
	static const char *const queries[] = {"data.policy.trust_claims"};
	static const struct rego_host_fn fns[] = {{"query_reference_value", 1, 0, query}};
	static const struct good g = {.policy = "default_cpu"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(row); i++) {
		struct arena *a = arena_new(0);
		struct why w = why_in(a);
		struct run r = {.a = a, .g = &g};
		struct rego_unit_call call = {.host_ctx = &r};
		struct rego_unit_result result;
		struct json *claims, *values;
		char *text = arena_printf(a,
			"{\"tdx\":{\"quote\":{\"body\":{\"rtmr_1\":\"r1\",\"rtmr_2\":\"r2\"}},\"uefi_event_logs\":["
			"{\"index\":%u,\"type_name\":\"EV_EFI_BOOT_SERVICES_APPLICATION\",\"details\":{\"device_paths\":[\"File(kernel)\"]},\"digests\":[{\"digest\":\"%s\"}]},"
			"{\"index\":%u,\"type_name\":\"EV_EVENT_TAG\",\"details\":{\"string\":\"LOADED_IMAGE::LoadOptions\"},\"digests\":[{\"digest\":\"%s\"}]}]}}",
			row[i].kernel_index, row[i].kernel, row[i].line_index, row[i].line);

		assert_true(rc_ok(json_parse(a, slice_cstr(text), NULL, &claims, &w)));
		assert_true(rc_ok(json_parse(a, SLICE_LIT("{\"rtmr_1\":[\"r1\"],\"rtmr_2\":[\"r2\"],\"tdvfkernel\":\"k\",\"tdvfkernelparams\":\"l\"}"), NULL,
					     &values, &w)));
		r.values = values;
		call.input = claims;
		assert_true(rc_ok(rego_unit_new("default_cpu", embedded_find(as_policies, "default_cpu")->text, fns, 1, queries, 1, "t", &r.unit, &w)));
		assert_true(rc_ok(rego_unit_eval(r.unit, &call, a, &result, &w)));
		assert_true(slice_is(json_get(result.value, "executables")->text, row[i].tier == 3 ? "3" : "4"));
		rego_unit_free(r.unit);
		arena_free(a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_good_guest_is_affirming_and_no_mutation_of_what_is_read_is),
					   cmocka_unit_test(a_known_kernel_and_command_line_of_a_td_are_told)};

	return cmocka_run_group_tests_name("default_policies", tests, NULL, NULL);
}
