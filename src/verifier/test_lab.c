/* Every shape of the laboratory against its driver: good evidence is accepted with the lab's root as the only trust, one changed field
 * changes its claims and no other, and what a driver compares is refused by its name. */
#include "verifier/test_world.h"

#include "base/num.h"
#include "codec/base64.h"
#include "lab/lab_x509.h"

static void accepted(struct world *w)
{
	struct trial t;

	begin(&t, w, NULL);
	if (!rc_ok(trial_run(&t, w->driver)))
		fail_msg("%s: %s", w->lab.tee, why_render(&t.why, t.a));
	trial_end(&t);
}

static void good_evidence_is_accepted_with_the_lab_as_the_only_trust(void **state)
{
	(void)state;
	each_variant(accepted);
}

static void untrusted(struct world *w)
{
	bool by_secret = strcmp(w->lab.tee, "se") == 0;	/* what is trusted there is a secret of the server */
	struct trial t;

	begin(&t, w, NULL);
	if (by_secret)
		t.job.collateral_n = 0;
	t.job.anchors_n = 0;
	t.job.only_configured_anchors = false;
	if (rc_ok(trial_run(&t, w->driver)))
		fail_msg("%s: the lab is trusted without being named", w->lab.tee);
	if (strcmp(trial_class(&t), by_secret ? "decrypt" : "untrusted-root") != 0)
		fail_msg("%s: %s", w->lab.tee, why_reason(&t.why));
	trial_end(&t);
}

static void nobody_trusts_the_lab_unless_it_is_named(void **state)
{
	(void)state;
	each_variant(untrusted);
}

static void of_another_request(struct world *w)
{
	static const uint8_t other[48] = {1};
	struct trial t;

	begin(&t, w, NULL);
	t.job.report_data[0] = slice_of(other, sizeof(other));
	assert_int_equal(trial_run(&t, w->driver).code, E_DENIED);
	if (!t.why.first->subject || strcmp(t.why.first->subject, "report_data") != 0)
		fail_msg("%s: the explanation names %s (%s)", w->lab.tee, t.why.first->subject, why_reason(&t.why));
	trial_end(&t);
}

static void evidence_for_another_request_is_refused(void **state)
{
	(void)state;
	each_variant(of_another_request);
}

/* A TEE with a field for init-data compares it; one without goes on, and claims nothing of it. */
static void with_init_data(struct world *w)
{
	static const uint8_t digest[32] = {0x77, 0x78}, other[32] = {0x77};
	const struct lab_shape *shape = lab_shape_find(w->lab.tee);

	for (int right = 0; right < 2; right++) {
		struct trial t;
		rc r;

		begin_bound(&t, w, NULL, slice_of(digest, sizeof(digest)));
		t.job.init_data = right ? slice_of(digest, sizeof(digest)) : slice_of(other, sizeof(other));
		r = trial_run(&t, w->driver);
		if (right || !shape->init_data) {
			if (!rc_ok(r))
				fail_msg("%s: %s", w->lab.tee, why_render(&t.why, t.a));
			for (unsigned i = 0; i < t.job.results_n; i++)
				assert_true(vresult_binds_init_data(&t.job.results[i]) == shape->init_data);
		} else {
			assert_int_equal(r.code, E_DENIED);
			if (!strstr(why_reason(&t.why), "init-data-mismatch"))
				fail_msg("%s: %s", w->lab.tee, why_reason(&t.why));
			assert_string_equal(t.why.first->subject, "init_data");
		}
		trial_end(&t);
	}
}

static void init_data_is_compared_where_the_evidence_has_it(void **state)
{
	(void)state;
	each_variant(with_init_data);
}

static void at_another_time(struct world *w)
{
	static const int64_t off[] = {-2 * 86400, 366 * 86400};
	const struct lab_item *dated = NULL;

	for (size_t i = 0; i < w->lab.n; i++)
		if (w->lab.item[i].anchor && strstr((const char *)w->lab.item[i].bytes.p, "BEGIN CERTIFICATE"))
			dated = &w->lab.item[i];
	for (size_t i = 0; dated && i < COUNT_OF(off); i++) {
		struct trial t;

		begin(&t, w, NULL);
		t.job.now_s = NOW + off[i];
		assert_int_equal(trial_run(&t, w->driver).code, E_DENIED);
		if (!strstr(why_reason(&t.why), "expired"))
			fail_msg("%s: %s", w->lab.tee, why_reason(&t.why));
		trial_end(&t);
	}
}

static void certificates_out_of_their_time_are_refused(void **state)
{
	(void)state;
	each_variant(at_another_time);
}

/* ---- one field, one claim ---- */

/* Paths of the leaves in which two documents differ, with blanks between. */
static void differences(const struct json *x, const struct json *y, const char *path, struct buf *out)
{
	size_t n = x && y ? MAX_OF(x->n, y->n) : 0;

	if (x && y && json_equal(x, y))
		return;
	if (!x || !y || x->kind != y->kind || (x->kind != JSON_OBJECT && x->kind != JSON_ARRAY)) {
		buf_printf(out, "%s%s", out->n ? " " : "", path);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (x->kind == JSON_OBJECT) {
			const struct json_member *m = i < x->n ? &x->members[i] : NULL;

			if (m)
				differences(m->value, json_get_slice(y, m->name),
					    arena_printf(out->arena, "%s%s" SLICE_FMT, path, *path ? "." : "", SLICE_ARG(m->name)), out);
			if (i < y->n && !json_get_slice(x, y->members[i].name))
				differences(NULL, y->members[i].value,
					    arena_printf(out->arena, "%s%s" SLICE_FMT, path, *path ? "." : "", SLICE_ARG(y->members[i].name)), out);
		} else {
			differences(i < x->n ? x->items[i] : NULL, i < y->n ? y->items[i] : NULL, arena_printf(out->arena, "%s.%zu", path, i), out);
		}
	}
}

#define B1_48 "b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1"
#define Z_48 "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"

#define A1_16 "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1"
#define A1_32 A1_16 A1_16
#define Z_32 "0000000000000000000000000000000000000000000000000000000000000000"
#define TD15 "{\"version\": 5, \"body_type\": 3}"

/* What a platform's certificate and its quoting enclave say: the same of SGX and TDX. */
#define INTEL_PLATFORM(tee)                                                                                                       \
	{tee, NULL, "{\"qe_isv_svn\": 8}", "qe_isv_svn"},                                                                          \
	{tee, NULL, "{\"pck_ppid\": \"" A1_16 "\"}", "platform_provider_id"},                                                      \
	{tee, NULL, "{\"pck_components\": \"07070707070707080000000000000000\"}", "tcb_components.7"},                             \
	{tee, NULL, "{\"pck_pcesvn\": 14}", "pce_svn"},                                                                            \
	{tee, NULL, "{\"pck_sgx_type\": 2}", "sgx_type"},                                                                          \
	{tee, NULL, "{\"pck_instance_id\": \"" A1_16 "\"}", "platform_instance_id"},                                               \
	{tee, NULL, "{\"pck_dynamic_platform\": false}", "is_dynamic_platform"},                                                   \
	{tee, NULL, "{\"pck_cached_keys\": false}", "is_cached_keys"},                                                             \
	{tee, NULL, "{\"pck_smt_enabled\": false}", "is_smt_enabled"},                                                             \
	{tee, NULL, "{\"pck_ca\": \"processor\"}",                                                                                 \
	 "is_dynamic_platform is_cached_keys is_smt_enabled platform_instance_id pck_ca"}

/* What Intel's quoting enclave must be, whatever a policy says. */
#define INTEL_ENCLAVE(tee)                                                                                                        \
	{tee, NULL, "{\"qe_mr_signer\": \"" Z_32 "\"}", "dcap.qe-identity-mismatch.mrsigner", "MRSIGNER of the QE"},               \
	{tee, NULL, "{\"qe_isv_prod_id\": 7}", "dcap.qe-identity-mismatch.isvprodid", "ISVPRODID of the QE"},                      \
	{tee, NULL, "{\"qe_misc_select\": \"01000000\"}", "dcap.qe-identity-mismatch.miscselect", "miscselect of the QE"},         \
	{tee, NULL, "{\"qe_attributes\": \"1700000000000000e700000000000000\"}", "dcap.qe-identity-mismatch.attributes",           \
	 "attributes of the QE"},                                                                                                  \
	{tee, NULL, "{\"qe_isv_svn\": 0}", "dcap.qe-not-supported", "SVN of the QE"},                                              \
	{tee, NULL, "{\"qe_isv_svn\": 5}", "dcap.tcb-revoked", "TCB status"},                                                      \
	{tee, NULL, "{\"pck_pce_id\": \"0100\"}", "dcap.pceid-mismatch", "PCEID"},                                                 \
	{tee, NULL, "{\"pck_components\": \"\"}", "dcap.tcb-not-supported", "platform TCB"},                                       \
	{tee, NULL, "{\"pck_components\": \"02020202020202020000000000000000\"}", "dcap.tcb-revoked", "TCB status"}

static const struct change {
	const char *tee, *variant, *fields, *claims;
	const char *base;	/* fields of the evidence that is compared with; NULL: the good ones */
} changes[] = {
	{"az-snp-vtpm", NULL, "{\"clock\": 1}", "tpm_quote.clock"},
	{"az-snp-vtpm", NULL, "{\"reset_count\": 9}", "tpm_quote.reset_count"},
	{"az-snp-vtpm", NULL, "{\"safe\": false}", "tpm_quote.safe"},
	{"az-snp-vtpm", NULL, "{\"secure_boot\": false}", "hcl.var_data_sha256 hcl.vm_configuration.secure-boot hardware_report_data"},
	{"az-snp-vtpm", NULL, "{\"evidence_version\": 1}", ""},
	{"az-snp-vtpm", NULL, "{\"snp\": {\"guest_svn\": 7}}", "guest_svn"},
	{"az-snp-vtpm", NULL, "{\"snp\": {\"policy\": 720896}}", "policy_debug_allowed policy"},
	{"az-tdx-vtpm", NULL, "{\"secure_boot\": false}",
	 "quote.body.report_data hcl.var_data_sha256 hcl.vm_configuration.secure-boot hardware_report_data"},
	{"az-tdx-vtpm", NULL, "{\"tdx\": {\"xfam\": \"e701060000000000\"}}", "quote.body.xfam"},
	{"se", NULL, "{\"cuid\": \"01\"}", "cuid"},
	{"se", NULL, "{\"image_phkh\": \"01\"}", "image_phkh"},
	{"se", NULL, "{\"attestation_phkh\": \"01\"}", "attestation_phkh"},
	{"nvidia", "hopper", "{\"uuid\": \"GPU-2\"}", "uuid"},
	{"nvidia", "hopper", "{\"measurements\": [\"111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111\", \"222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222\", \"333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333\", \"454545454545454545454545454545454545454545454545454545454545454545454545454545454545454545454545\"]}", "measurements.4"},
	{"nvidia", "hopper", "{\"response_nonce\": \"00\"}", ""},
	/* of another version there is no manifest: nothing is compared, and the claims say so */
	{"nvidia", "hopper", "{\"driver_version\": \"1.2\"}",
	 "x-nvidia-gpu-driver-rim-fetched x-nvidia-gpu-driver-rim-schema-validated x-nvidia-gpu-driver-rim-signature-verified "
	 "x-nvidia-gpu-driver-rim-version-match x-nvidia-gpu-driver-rim-measurements-available x-nvidia-gpu-driver-rim-cert-chain "
	 "x-nvidia-gpu-driver-version measres secboot dbgstat x-nvidia-gpu-vbios-index-no-conflict config.driver_version"},
	{"nvidia", "ls10", "{\"pdi\": \"0807060504030201\"}", "x-nvidia-switch-pdi config.switch_pdi.0"},
	{"cca", "2023", "{\"implementation_id\": \"0101010101010101010101010101010101010101010101010101010101010101\"}", "platform.cca-platform-implementation-id"},
	{"cca", "2023", "{\"config\": \"01\"}", "platform.cca-platform-config"},
	{"cca", "2023", "{\"lifecycle\": 12288}", "platform.cca-platform-lifecycle"},
	{"cca", "2023", "{\"lifecycle\": 16384}", "platform.cca-platform-lifecycle platform.cca-platform-secured"},
	{"cca", "2023", "{\"component_type\": \"M3\"}", "platform.cca-platform-sw-components.0.measurement-type"},
	{"cca", "2023", "{\"component_measurement\": \"0101010101010101010101010101010101010101010101010101010101010101\"}", "platform.cca-platform-sw-components.0.measurement-value"},
	{"cca", "2023", "{\"component_version\": \"2\"}", "platform.cca-platform-sw-components.0.version"},
	{"cca", "2023", "{\"component_signer\": \"0101010101010101010101010101010101010101010101010101010101010101\"}", "platform.cca-platform-sw-components.0.signer-id"},
	{"cca", "2023", "{\"service\": \"x\"}", "platform.cca-platform-service-indicator"},
	{"cca", "2023", "{\"platform_hash_algo\": \"sha-512\"}", "platform.cca-platform-hash-algo-id"},
	{"cca", "2023", "{\"realm_hash_algo\": \"sha-512\"}", "realm.cca-realm-hash-algo-id"},
	{"cca", "2023", "{\"rak_hash_algo\": \"sha-384\"}", "platform.cca-platform-challenge realm.cca-realm-public-key-hash-algo-id"},
	{"cca", "2023", "{\"rak_hash_algo\": \"sha-512\"}", "platform.cca-platform-challenge realm.cca-realm-public-key-hash-algo-id"},
	{"cca", "2023", "{\"rim\": \"0101010101010101010101010101010101010101010101010101010101010101\"}", "realm.cca-realm-initial-measurement"},
	{"cca", "2023", "{\"rem0\": \"0101010101010101010101010101010101010101010101010101010101010101\"}", "realm.cca-realm-extensible-measurements.0"},
	{"cca", "2023", "{\"rem3\": \"0101010101010101010101010101010101010101010101010101010101010101\"}", "realm.cca-realm-extensible-measurements.3"},
	{"cca", "legacy", "{\"implementation_id\": \"0101010101010101010101010101010101010101010101010101010101010101\"}", "platform.cca-platform-implementation-id"},
	{"cca", "legacy", "{\"config\": \"01\"}", "platform.cca-platform-config"},
	{"cca", "legacy", "{\"lifecycle\": 12288}", "platform.cca-platform-lifecycle"},
	{"cca", "legacy", "{\"lifecycle\": 16384}", "platform.cca-platform-lifecycle platform.cca-platform-secured"},
	{"cca", "legacy", "{\"component_type\": \"M3\"}", "platform.cca-platform-sw-components.0.measurement-type"},
	{"cca", "legacy", "{\"component_measurement\": \"0101010101010101010101010101010101010101010101010101010101010101\"}", "platform.cca-platform-sw-components.0.measurement-value"},
	{"cca", "legacy", "{\"component_version\": \"2\"}", "platform.cca-platform-sw-components.0.version"},
	{"cca", "legacy", "{\"component_signer\": \"0101010101010101010101010101010101010101010101010101010101010101\"}", "platform.cca-platform-sw-components.0.signer-id"},
	{"cca", "legacy", "{\"service\": \"x\"}", "platform.cca-platform-service-indicator"},
	{"cca", "legacy", "{\"platform_hash_algo\": \"sha-512\"}", "platform.cca-platform-hash-algo-id"},
	{"cca", "legacy", "{\"realm_hash_algo\": \"sha-512\"}", "realm.cca-realm-hash-algo-id"},
	{"cca", "legacy", "{\"rim\": \"0101010101010101010101010101010101010101010101010101010101010101\"}", "realm.cca-realm-initial-measurement"},
	{"cca", "legacy", "{\"rem0\": \"0101010101010101010101010101010101010101010101010101010101010101\"}", "realm.cca-realm-extensible-measurements.0"},
	{"cca", "legacy", "{\"rem3\": \"0101010101010101010101010101010101010101010101010101010101010101\"}", "realm.cca-realm-extensible-measurements.3"},
	{"tpm", "rsa", "{\"clock\": 1}", "clock"},
	{"tpm", "rsa", "{\"reset_count\": 8}", "reset_count"},
	{"tpm", "rsa", "{\"restart_count\": 8}", "restart_count"},
	{"tpm", "rsa", "{\"safe\": false}", "clock_safe"},
	{"tpm", "rsa", "{\"firmware\": 1}", "firmware_version"},
	{"tpm", "rsa", "{\"qualified_signer\": \"000b\"}", "qualified_signer"},
	{"tpm", "rsapss", "{\"clock\": 1}", "clock"},
	{"tpm", "rsapss", "{\"reset_count\": 8}", "reset_count"},
	{"tpm", "rsapss", "{\"restart_count\": 8}", "restart_count"},
	{"tpm", "rsapss", "{\"safe\": false}", "clock_safe"},
	{"tpm", "rsapss", "{\"firmware\": 1}", "firmware_version"},
	{"tpm", "rsapss", "{\"qualified_signer\": \"000b\"}", "qualified_signer"},
	{"tpm", "ecc", "{\"clock\": 1}", "clock"},
	{"tpm", "ecc", "{\"reset_count\": 8}", "reset_count"},
	{"tpm", "ecc", "{\"restart_count\": 8}", "restart_count"},
	{"tpm", "ecc", "{\"safe\": false}", "clock_safe"},
	{"tpm", "ecc", "{\"firmware\": 1}", "firmware_version"},
	{"tpm", "ecc", "{\"qualified_signer\": \"000b\"}", "qualified_signer"},
	{"tpm", "enrolled", "{\"clock\": 1}", "clock"},
	{"tpm", "enrolled", "{\"reset_count\": 8}", "reset_count"},
	{"tpm", "enrolled", "{\"restart_count\": 8}", "restart_count"},
	{"tpm", "enrolled", "{\"safe\": false}", "clock_safe"},
	{"tpm", "enrolled", "{\"firmware\": 1}", "firmware_version"},
	{"tpm", "enrolled", "{\"qualified_signer\": \"000b\"}", "qualified_signer"},
	{"tpm", "enrolled", "{\"events\": [[0, 8, \"6c61622d6372746d\"], [7, 2147483649, \"736563757265626f6f74\"], [4, 4, \"00000000\"], [11, 13, \"6c6965\"]]}", "pcr11 pcr_digest uefi_event_logs.4.digests.0.digest uefi_event_logs.4.event uefi_event_logs.4.details.string"},
	{"tpm", "enrolled", "{\"events\": [[0, 8, \"6c61622d6372746d\"], [7, 2147483649, \"736563757265626f6f74\"], [4, 4, \"00000000\"], [11, 13, \"6b65726e656c\"], [16, 13, \"01\"]]}", "pcr16 pcr_digest uefi_event_logs.5"},
	{"csv", "v2", "{\"user_pubkey_digest\": \"01\"}", "user_pubkey_digest"},
	{"csv", "v2", "{\"vm_id\": \"01\"}", "vm_id"},
	{"csv", "v2", "{\"vm_version\": \"01\"}", "vm_version"},
	{"csv", "v2", "{\"mnonce\": \"01\"}", "mnonce"},
	{"csv", "v2", "{\"measure\": \"01\"}", "measure"},
	{"csv", "v2", "{\"policy\": 6}", "policy.nodbg"},
	{"csv", "v2", "{\"policy\": 5}", "policy.noks"},
	{"csv", "v2", "{\"policy\": 3}", "policy.es"},
	{"csv", "v2", "{\"policy\": 15}", "policy.nosend"},
	{"csv", "v2", "{\"policy\": 16777223}", "policy.api_minor"},
	{"csv", "v2", "{\"build\": 1}", "build"},
	{"csv", "v2", "{\"rtmr_version\": 2}", "rtmr_version"},
	{"csv", "v2", "{\"rtmr0\": \"01\"}", "rtmr0"},
	/* of the build-time register no log speaks: its events are no claims */
	{"csv", "v2", "{\"events\": [[1, 2147483649, \"6c61622d76617269\"], [2, 4, \"00000000\"], [0, 13, \"00\"], [3, 13, \"6b65726e656c\"], [4, 6, \"00000000\"]]}", "rtmr0"},
	{"csv", "v1", "{\"measure\": \"01\"}", "measure"},
	{"csv", "v1", "{\"policy\": 6}", "policy.nodbg"},
	{"csv", "v1", "{\"anonce\": 1}", "anonce"},
	{"hygondcu", NULL, "{\"version\": 2}", "body.version"},
	{"hygondcu", NULL, "{\"measure\": \"01\"}", "body.measure"},
	{"hygondcu", NULL, "{\"reserved\": \"01\"}", "body.reserved"},
	{"snp", NULL, "{\"vmpl\": 1}", "vmpl"},
	{"snp", NULL, "{\"guest_svn\": 7}", "guest_svn"},
	{"snp", NULL, "{\"policy\": 196609}", "policy_abi_minor policy"},
	{"snp", NULL, "{\"policy\": 196864}", "policy_abi_major policy"},
	{"snp", NULL, "{\"policy\": 131072}", "policy_smt_allowed policy"},
	{"snp", NULL, "{\"policy\": 458752}", "policy_migrate_ma policy"},
	{"snp", NULL, "{\"policy\": 720896}", "policy_debug_allowed policy"},
	{"snp", NULL, "{\"policy\": 1245184}", "policy_single_socket policy"},
	{"snp", NULL, "{\"policy\": 2293760}", "policy_cxl_allowed policy"},
	{"snp", NULL, "{\"policy\": 4390912}", "policy_mem_aes_256_xts policy"},
	{"snp", NULL, "{\"policy\": 8585216}", "policy_rapl_disabled policy"},
	{"snp", NULL, "{\"policy\": 16973824}", "policy_ciphertext_hiding policy"},
	{"snp", NULL, "{\"policy\": 33751040}", "policy_page_swap_disabled policy"},
	{"snp", NULL, "{\"platform_info\": 0}", "platform_smt_enabled platform_info"},
	{"snp", NULL, "{\"platform_info\": 3}", "platform_tsme_enabled platform_info"},
	{"snp", NULL, "{\"platform_info\": 5}", "platform_ecc_enabled platform_info"},
	{"snp", NULL, "{\"platform_info\": 9}", "platform_rapl_disabled platform_info"},
	{"snp", NULL, "{\"platform_info\": 17}", "platform_ciphertext_hiding platform_info"},
	{"snp", NULL, "{\"platform_info\": 33}", "platform_alias_check_complete platform_info"},
	{"snp", NULL, "{\"platform_info\": 129}", "platform_tio_enabled platform_info"},
	{"snp", NULL, "{\"key_info\": 1}", "author_key_enabled"},
	{"snp", NULL, "{\"key_info\": 2}", "chip_key_masked"},
	{"snp", NULL, "{\"measurement\": \"" Z_48 "\"}", "measurement"},
	{"snp", NULL, "{\"host_data\": \"" A1_32 "\"}", "init_data"},
	{"snp", NULL, "{\"family_id\": \"" A1_16 "\"}", "family_id"},
	{"snp", NULL, "{\"image_id\": \"" A1_16 "\"}", "image_id"},
	{"snp", NULL, "{\"id_key_digest\": \"" B1_48 "\"}", "id_key_digest"},
	{"snp", NULL, "{\"author_key_digest\": \"" B1_48 "\"}", "author_key_digest"},
	{"snp", NULL, "{\"report_id\": \"" A1_32 "\"}", "report_id"},
	{"snp", NULL, "{\"report_id_ma\": \"" A1_32 "\"}", "report_id_ma"},
	{"snp", NULL, "{\"cpuid\": \"191102\"}", "cpuid_stepping"},
	{"snp", NULL, "{\"cpuid\": \"191200\"}", "cpuid_model"},
	{"snp", NULL, "{\"current_tcb\": \"0401000000001648\"}", "current_tcb_bootloader"},
	{"snp", NULL, "{\"committed_tcb\": \"0301000000001549\"}", "committed_tcb_snp committed_tcb_microcode"},
	{"snp", NULL, "{\"launch_tcb\": \"0300000000001648\"}", "launch_tcb_tee"},
	{"snp", NULL, "{\"current_version\": \"010203\"}", "current_version"},
	{"snp", NULL, "{\"committed_version\": \"010203\"}", "committed_version"},
	{"snp", NULL, "{\"version\": 4}", "version"},
	{"snp", NULL, "{\"launch_mitigations\": 3}", "launch_mitigations", "{\"version\": 5}"},
	{"snp", NULL, "{\"current_mitigations\": 3}", "current_mitigations", "{\"version\": 5}"},
	{"snp", NULL, "{\"measurement\": \"" Z_48 "\"}", "measurement", "{\"version\": 2}"},
	{"snp", NULL, "{\"chip_id\": \"" A1_32 A1_32 "\"}", "chip_id", "{\"signing_key\": \"vlek\"}"},
	{"snp", NULL, "{\"vmpl\": 2}", "vmpl", "{\"signing_key\": \"vlek\", \"certificates\": true}"},
	{"snp", "Milan", "{\"current_tcb\": \"0401000000001648\"}", "current_tcb_bootloader"},
	{"snp", "Turin", "{\"current_tcb\": \"0203020500000061\"}", "current_tcb_fmc"},
	{"snp", "Turin", "{\"launch_tcb\": \"0103020600000061\"}", "launch_tcb_snp"},
	{"tdx", NULL, "{\"user_data\": \"" A1_16 "a1a1a1a1\"}", "quote.header.user_data"},
	{"tdx", NULL, "{\"tee_tcb_svn\": \"08030600000000000000000000000001\"}", "quote.body.tcb_svn"},
	{"tdx", NULL, "{\"mr_seam\": \"" B1_48 "\"}", "quote.body.mr_seam"},
	{"tdx", NULL, "{\"td_attributes\": \"0100001000000000\"}", "quote.body.td_attributes td_attributes.debug"},
	{"tdx", NULL, "{\"td_attributes\": \"0000001800000000\"}", "quote.body.td_attributes td_attributes.lass"},
	{"tdx", NULL, "{\"td_attributes\": \"\"}", "quote.body.td_attributes td_attributes.septve_disable"},
	{"tdx", NULL, "{\"td_attributes\": \"0000003000000000\"}", "quote.body.td_attributes td_attributes.migratable"},
	{"tdx", NULL, "{\"td_attributes\": \"0000005000000000\"}", "quote.body.td_attributes td_attributes.protection_keys"},
	{"tdx", NULL, "{\"td_attributes\": \"0000009000000000\"}", "quote.body.td_attributes td_attributes.key_locker"},
	{"tdx", NULL, "{\"td_attributes\": \"0000001000000040\"}", "quote.body.td_attributes td_attributes.tpa"},
	{"tdx", NULL, "{\"td_attributes\": \"0000001000000080\"}", "quote.body.td_attributes td_attributes.perfmon"},
	{"tdx", NULL, "{\"xfam\": \"e702060000000000\"}", "quote.body.xfam"},
	{"tdx", NULL, "{\"mr_td\": \"" B1_48 "\"}", "quote.body.mr_td"},
	{"tdx", NULL, "{\"mr_config_id\": \"" B1_48 "\"}", "quote.body.mr_config_id init_data"},
	{"tdx", NULL, "{\"mr_owner\": \"" B1_48 "\"}", "quote.body.mr_owner"},
	{"tdx", NULL, "{\"mr_owner_config\": \"" B1_48 "\"}", "quote.body.mr_owner_config"},
	{"tdx", NULL, "{\"rtmr_0\": \"" B1_48 "\"}", "quote.body.rtmr_0", "{\"events\": []}"},
	{"tdx", NULL, "{\"rtmr_1\": \"" B1_48 "\"}", "quote.body.rtmr_1", "{\"events\": []}"},
	{"tdx", NULL, "{\"rtmr_2\": \"" B1_48 "\"}", "quote.body.rtmr_2", "{\"events\": []}"},
	{"tdx", NULL, "{\"rtmr_3\": \"" B1_48 "\"}", "quote.body.rtmr_3", "{\"events\": []}"},
	INTEL_PLATFORM("tdx"),
	{"tdx", NULL, "{\"mr_td\": \"" B1_48 "\"}", "quote.body.mr_td", "{\"version\": 5}"},
	{"tdx", NULL, "{\"mr_servicetd\": \"" B1_48 "\"}", "quote.body.mr_servicetd", TD15},
	{"tdx", NULL, "{\"tee_tcb_svn2\": \"09030600000000000000000000000000\"}", "quote.body.tee_tcb_svn2", TD15},
	{"sgx", NULL, "{\"user_data\": \"" A1_16 "a1a1a1a1\"}", "header.user_data"},
	{"sgx", NULL, "{\"cpu_svn\": \"" A1_16 "\"}", "body.cpu_svn"},
	{"sgx", NULL, "{\"misc_select\": \"01000000\"}", "body.misc_select"},
	{"sgx", NULL, "{\"isv_ext_prod_id\": \"" A1_16 "\"}", "body.isv_ext_prod_id"},
	{"sgx", NULL, "{\"attributes\": \"0700000000000000e700000000000000\"}", "body.attributes.flags enclave_attributes.debug debug"},
	{"sgx", NULL, "{\"attributes\": \"0400000000000000e700000000000000\"}", "body.attributes.flags enclave_attributes.init"},
	{"sgx", NULL, "{\"attributes\": \"0100000000000000e700000000000000\"}", "body.attributes.flags enclave_attributes.mode64bit"},
	{"sgx", NULL, "{\"attributes\": \"1500000000000000e700000000000000\"}", "body.attributes.flags enclave_attributes.provision_key"},
	{"sgx", NULL, "{\"attributes\": \"2500000000000000e700000000000000\"}", "body.attributes.flags enclave_attributes.einittoken_key"},
	{"sgx", NULL, "{\"attributes\": \"8500000000000000e700000000000000\"}", "body.attributes.flags enclave_attributes.kss"},
	{"sgx", NULL, "{\"attributes\": \"0504000000000000e700000000000000\"}", "body.attributes.flags enclave_attributes.aex_notify"},
	{"sgx", NULL, "{\"attributes\": \"05000000000000000700000000000000\"}", "body.attributes.xfrm"},
	{"sgx", NULL, "{\"mr_enclave\": \"" Z_32 "\"}", "body.mr_enclave"},
	{"sgx", NULL, "{\"mr_signer\": \"" Z_32 "\"}", "body.mr_signer"},
	{"sgx", NULL, "{\"config_id\": \"" A1_32 A1_32 "\"}", "body.config_id init_data"},
	{"sgx", NULL, "{\"isv_prod_id\": 4}", "body.isv_prod_id isv_prod_id"},
	{"sgx", NULL, "{\"isv_svn\": 6}", "body.isv_svn isv_svn"},
	{"sgx", NULL, "{\"config_svn\": 6}", "body.config_svn"},
	{"sgx", NULL, "{\"isv_family_id\": \"" A1_16 "\"}", "body.isv_family_id"},
	INTEL_PLATFORM("sgx"),
	{"sgx", NULL, "{\"isv_svn\": 6}", "body.isv_svn isv_svn", "{\"version\": 4}"},
	{"sgx", NULL, "{\"isv_svn\": 6}", "body.isv_svn isv_svn", "{\"version\": 5}"},
	{"nitro", NULL, "{\"module_id\": \"i-1-enc2\"}", "module_id"},
	{"nitro", NULL, "{\"timestamp\": 1}", "timestamp"},
	{"nitro", NULL, "{\"pcr0\": \"" B1_48 "\"}", "pcrs.0"},
	{"nitro", NULL, "{\"pcr1\": \"" Z_48 "\"}", "pcrs.1"},
	{"nitro", NULL, "{\"pcr2\": \"" Z_48 "\"}", "pcrs.2"},
	{"nitro", NULL, "{\"pcr4\": \"" Z_48 "\"}", "pcrs.4"},
	{"nitro", NULL, "{\"pcr8\": \"" B1_48 "\"}", "pcrs.8"},
	{"nitro", NULL, "{\"public_key\": \"00\"}", "public_key"},
	{"nitro", NULL, "{\"user_data\": \"0102\"}", "user_data"},
	{"nitro", NULL, "{\"pcr0\": \"" Z_48 "\", \"pcr1\": \"" Z_48 "\", \"pcr2\": \"" Z_48 "\"}", "pcrs.0 pcrs.1 pcrs.2 debug"},
};

static bool same_text(const char *x, const char *y)
{
	return x == y || (x && y && strcmp(x, y) == 0);
}

static bool same_world(const struct change *x, const struct change *y)
{
	return same_text(x->tee, y->tee) && same_text(x->variant, y->variant) && same_text(x->base, y->base);
}

/* The fields of the base and the changed one, as one document. */
static const char *with_base(const struct change *c, struct arena *a)
{
	return c->base ? arena_printf(a, "%.*s, %s", (int)strlen(c->base) - 1, c->base, c->fields + 1) : c->fields;
}

static void one_changed_field_changes_its_claims_and_no_other(void **state)
{
	struct world w = {0};
	struct trial good;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(changes); i++) {
		const struct change *c = &changes[i], *last = i ? &changes[i - 1] : NULL;
		struct trial t;
		struct buf b;

		if (!last || !same_world(last, c)) {
			if (last) {
				trial_end(&good);
				world_close(&w);
			}
			world_open(&w, c->tee, c->variant);
			begin(&good, &w, c->base);
			if (!rc_ok(trial_run(&good, w.driver)))
				fail_msg("%s: %s", c->tee, why_render(&good.why, good.a));
		}
		begin(&t, &w, with_base(c, w.a));
		if (!rc_ok(trial_run(&t, w.driver)))
			fail_msg("%s: %s", c->fields, why_render(&t.why, t.a));
		b = buf_in(t.a, 0);
		differences(good.job.results[0].claims, t.job.results[0].claims, "", &b);
		if (!slice_is(buf_view(&b), c->claims))
			fail_msg("%s %s changes %s, expected %s", c->tee, c->fields, buf_cstr(&b), c->claims);
		trial_end(&t);
	}
	trial_end(&good);
	world_close(&w);
}

static const struct denial {
	const char *tee, *variant, *fields, *reason, *subject;
} denials[] = {
	{"az-snp-vtpm", NULL, "{\"selection\": 2049}", "az-snp-vtpm.pcr-mismatch.selection", NULL},
	{"az-snp-vtpm", NULL, "{\"magic\": 0}", "az-snp-vtpm.bad-magic", NULL},
	{"az-snp-vtpm", NULL, "{\"snp\": {\"vmpl\": 1}}", "az-snp-vtpm.binding.vmpl", NULL},
	{"az-snp-vtpm", NULL, "{\"snp\": {\"report_data\": \"01010101010101010101010101010101010101010101010101010101010101010101010101010101010101010101010101010101010101010101010101010101\"}}", "az-snp-vtpm.binding-vardata", NULL},
	{"az-tdx-vtpm", NULL, "{\"pcr_digest\": \"0102030405060708\"}", "az-tdx-vtpm.pcr-mismatch", "pcr_digest"},
	{"se", NULL, "{\"tag\": \"01\"}", "se.binding.image", "se.tag"},
	{"nvidia", "hopper", "{\"measurements\": [\"000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\", \"222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222\", \"333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333\", \"444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444\"]}", "nvidia.measurement.mismatch", "nvidia.measurements.1"},
	{"nvidia", "hopper", "{\"measurements\": [\"111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111\", \"000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\", \"333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333\", \"444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444\"]}", "nvidia.measurement.mismatch", "nvidia.measurements.2"},
	{"nvidia", "hopper", "{\"measurements\": [\"111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111\", \"222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222\", \"000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\", \"444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444\"]}", "nvidia.measurement.mismatch", "nvidia.measurements.3"},
	{"nvidia", "blackwell", "{\"measurements\": [\"000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\", \"222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222\", \"333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333\", \"444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444\"]}", "nvidia.measurement.mismatch", "nvidia.measurements.1"},
	{"nvidia", "blackwell", "{\"measurements\": [\"111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111\", \"000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\", \"333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333\", \"444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444\"]}", "nvidia.measurement.mismatch", "nvidia.measurements.2"},
	{"nvidia", "blackwell", "{\"measurements\": [\"111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111\", \"222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222\", \"000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\", \"444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444\"]}", "nvidia.measurement.mismatch", "nvidia.measurements.3"},
	{"nvidia", "ls10", "{\"measurements\": [\"000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\", \"222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222\", \"333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333\", \"444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444\"]}", "nvidia.measurement.mismatch", "nvidia.measurements.1"},
	{"nvidia", "ls10", "{\"measurements\": [\"111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111\", \"000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\", \"333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333\", \"444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444\"]}", "nvidia.measurement.mismatch", "nvidia.measurements.2"},
	{"nvidia", "ls10", "{\"measurements\": [\"111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111\", \"222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222\", \"000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\", \"444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444\"]}", "nvidia.measurement.mismatch", "nvidia.measurements.3"},
	{"nvidia", "hopper", "{\"fwid\": \"010101010101010101010101010101010101010101010101010101010101010101010101010101010101010101010101\"}", "nvidia.binding.fwid", "fwid"},
	{"nvidia", "hopper", "{\"measurements\": [\"111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111\"]}", "nvidia.measurement.count", NULL},
	{"cca", "2023", "{\"platform_challenge\": \"0101010101010101010101010101010101010101010101010101010101010101\"}", "cca.binding", "cca-platform-challenge"},
	{"cca", "2023", "{\"instance_id\": \"01bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"}", "cca.untrusted-root.unknown-platform", NULL},
	/* a hash of the right length, and none of the allowed ones */
	{"cca", "2023", "{\"rak_hash_algo\": \"sm3\"}", "cca.unsupported.hash", NULL},
	{"tpm", "rsa", "{\"magic\": 0}", "tpm.bad-magic", NULL},
	{"tpm", "rsa", "{\"type\": 32793}", "tpm.not-a-quote", NULL},
	{"tpm", "rsa", "{\"selection\": 0}", "tpm.parse.quote", NULL},
	{"tpm", "rsa", "{\"pcr_digest\": \"0101010101010101010101010101010101010101010101010101010101010101\"}", "tpm.pcr-mismatch", "pcr_digest"},
	{"csv", "v2", "{\"rtmr1\": \"01\"}", "csv.rtmr-mismatch", "rtmr1"},
	{"csv", "v2", "{\"rtmr4\": \"01\"}", "csv.rtmr-mismatch", "rtmr4"},
	{"csv", "v2", "{\"sig_usage\": 4100}", "csv.parse.evidence", NULL},
	{"csv", "v1", "{\"sig_usage\": 4099}", "csv.parse.evidence", NULL},
	{"hygondcu", NULL, "{\"sig_usage\": 4098}", "hygondcu.signature", NULL},
	{"snp", NULL, "{\"reported_tcb\": \"0401000000001648\"}", "snp.tcb-mismatch", "reported_tcb_bootloader"},
	{"snp", NULL, "{\"reported_tcb\": \"0302000000001648\"}", "snp.tcb-mismatch", "reported_tcb_tee"},
	{"snp", NULL, "{\"reported_tcb\": \"0301000000001748\"}", "snp.tcb-mismatch", "reported_tcb_snp"},
	{"snp", NULL, "{\"reported_tcb\": \"0301000000001649\"}", "snp.tcb-mismatch", "reported_tcb_microcode"},
	{"snp", "Turin", "{\"reported_tcb\": \"0203020500000061\"}", "snp.tcb-mismatch", "reported_tcb_fmc"},
	{"snp", NULL, "{\"chip_id\": \"" A1_32 A1_32 "\"}", "snp.chip-id-mismatch", "chip_id"},
	{"snp", NULL, "{\"report_data\": \"" A1_32 A1_32 "\"}", "snp.report-data-mismatch", "report_data"},
	{"tdx", NULL, "{\"report_data\": \"" A1_32 A1_32 "\"}", "tdx.report-data-mismatch", "report_data"},
	{"tdx", NULL, "{\"rtmr_0\": \"" B1_48 "\"}", "tdx.rtmr-mismatch", "quote.body.rtmr_0"},
	{"tdx", NULL, "{\"rtmr_1\": \"" B1_48 "\"}", "tdx.rtmr-mismatch", "quote.body.rtmr_1"},
	{"tdx", NULL, "{\"rtmr_2\": \"" B1_48 "\"}", "tdx.rtmr-mismatch", "quote.body.rtmr_2"},
	{"tdx", NULL, "{\"rtmr_3\": \"" B1_48 "\"}", "tdx.rtmr-mismatch", "quote.body.rtmr_3"},
	{"tdx", NULL, "{\"mrsigner_seam\": \"" B1_48 "\"}", "dcap.tdx-module-mismatch.mrsigner", "mrsigner_seam"},
	{"tdx", NULL, "{\"seam_attributes\": \"0100000000000000\"}", "dcap.tdx-module-mismatch.attributes", "seam_attributes"},
	{"tdx", NULL, "{\"tee_tcb_svn\": \"08070600000000000000000000000000\"}", "dcap.tdx-module-mismatch.identity",
	 "tdx.quote.body.tcb_svn[1]"},
	INTEL_ENCLAVE("tdx"),
	{"sgx", NULL, "{\"report_data\": \"" A1_32 A1_32 "\"}", "sgx.report-data-mismatch", "report_data"},
	INTEL_ENCLAVE("sgx"),
	{"nitro", NULL, "{\"digest\": \"SHA256\"}", "nitro.parse.document", NULL},
};

static void every_bank_hash_and_selection_of_a_tpm_is_accepted(void **state)
{
	static const char *const banks[] = {"sha1", "sha256", "sha384", "sha512", "sha1,sha256", "sha256,sha384,sha512", "sha1,sha256,sha384,sha512"};
	static const char *const hashes[] = {"sha256", "sha384", "sha512"};
	static const unsigned selections[] = {0xffffff, 0x000891, 0x800810};
	struct world both[2] = {0};

	(void)state;
	world_open(&both[0], "tpm", "enrolled");
	world_open(&both[1], "tpm", "ecc");
	for (size_t i = 0; i < COUNT_OF(banks) * COUNT_OF(hashes) * COUNT_OF(selections); i++) {
		const char *bank = banks[i % COUNT_OF(banks)], *hash = hashes[i / COUNT_OF(banks) % COUNT_OF(hashes)];
		unsigned selection = selections[i / COUNT_OF(banks) / COUNT_OF(hashes)];
		const struct world *w = &both[i % 2];
		const struct json *claims;
		struct trial t;

		begin(&t, w, arena_printf(w->a, "{\"banks\": \"%s\", \"hash\": \"%s\", \"selection\": %u}", bank, hash, selection));
		if (!rc_ok(trial_run(&t, w->driver)))
			fail_msg("%s %s %x: %s", bank, hash, selection, why_render(&t.why, t.a));
		claims = t.job.results[0].claims;
		assert_true(slice_is(json_get(claims, "signature_hash")->text, hash));
		assert_true(slice_is(json_get(claims, "pcr_bank")->text, strstr(bank, "sha256") ? "sha256" : bank));
		assert_int_equal(json_get(claims, "pcr00") != NULL, selection & 1);
		assert_non_null(json_get(claims, "pcr11"));
		trial_end(&t);
	}
	world_close(&both[0]);
	world_close(&both[1]);
}

/* The certificate of an attestation key, and those above it. */
static void no_flipped_bit_of_a_tpms_certificates_is_accepted(void **state)
{
	static const char *const where[] = {"/ak_cert", "/ak_cert_chain/0", "/ak_cert_chain/1"};
	struct world w = {0};
	struct trial good;
	struct json *doc;
	size_t tried = 0;

	(void)state;
	world_open(&w, "tpm", "ecc");
	begin(&good, &w, NULL);
	assert_true(rc_ok(json_parse(good.a, good.job.evidence, NULL, &doc, NULL)));
	for (size_t i = 0; i < COUNT_OF(where); i++) {
		struct json *text = (struct json *)(uintptr_t)json_pointer(doc, where[i]);
		struct slice der, was = text->text;
		size_t step;

		assert_true(rc_ok(b64_decode(good.a, B64_STD, was, &der, "certificate", NULL)));
		step = flip_step(der.n * 8, 250);
		for (size_t bit = 0; bit < der.n * 8; bit += step, tried++) {
			struct arena_mark mark = arena_mark(w.a);
			uint8_t *copy = exact_copy(der, der.n);
			struct trial t;

			copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
			begin(&t, &w, NULL);
			text->text = b64_text(t.a, B64_STD, slice_of(copy, der.n));
			t.job.evidence = json_text(t.a, doc);
			if (rc_ok(trial_run(&t, w.driver)))
				fail_msg("bit %zu of %s is not protected", bit, where[i]);
			trial_end(&t);
			free(copy);
			arena_reset(w.a, mark);
		}
		text->text = was;
	}
	good.job.evidence = json_text(good.a, doc);
	assert_true(rc_ok(trial_run(&good, w.driver)));
	flips_told("tpm certificates", tried);
	trial_end(&good);
	world_close(&w);
}

static void what_a_driver_compares_is_refused_by_its_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(denials); i++) {
		const struct denial *d = &denials[i];
		struct world w = {0};
		struct trial t;

		world_open(&w, d->tee, d->variant);
		begin(&t, &w, d->fields);
		if (rc_ok(trial_run(&t, w.driver)))
			fail_msg("%s %s: accepted", d->tee, d->fields);
		assert_string_equal(why_reason(&t.why), d->reason);
		if (d->subject && (!t.why.first->subject || strcmp(t.why.first->subject, d->subject) != 0))
			fail_msg("%s %s: the explanation names %s, expected %s", d->tee, d->fields, t.why.first->subject, d->subject);
		trial_end(&t);
		world_close(&w);
	}
}

static void a_field_that_does_not_fit_is_refused(void **state)
{
	static const char *const bad[] = {"{\"nope\": 1}", "{\"timestamp\": \"now\"}", "{\"pcr0\": 1}", "{\"pcr0\": \"00x0\"}", "{\"pcr0\": \"000\"}"};
	const struct lab_binding none = {0};
	struct world w = {0};

	(void)state;
	world_open(&w, "nitro", NULL);
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct why why = why_in(w.a);
		struct slice out;
		struct json *v;

		assert_true(rc_ok(json_parse(w.a, slice_cstr(bad[i]), NULL, &v, NULL)));
		assert_int_equal(lab_evidence(&w.lab, &none, v, w.a, &out, &why).code, E_MALFORMED);
		assert_string_equal(why_reason(&why), "lab.field");
	}
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_evidence_is_accepted_with_the_lab_as_the_only_trust),
		cmocka_unit_test(nobody_trusts_the_lab_unless_it_is_named),
		cmocka_unit_test(evidence_for_another_request_is_refused),
		cmocka_unit_test(init_data_is_compared_where_the_evidence_has_it),
		cmocka_unit_test(certificates_out_of_their_time_are_refused),
		cmocka_unit_test(one_changed_field_changes_its_claims_and_no_other),
		cmocka_unit_test(every_bank_hash_and_selection_of_a_tpm_is_accepted),
		cmocka_unit_test(no_flipped_bit_of_a_tpms_certificates_is_accepted),
		cmocka_unit_test(what_a_driver_compares_is_refused_by_its_name),
		cmocka_unit_test(a_field_that_does_not_fit_is_refused),
	};

	return cmocka_run_group_tests_name("lab", tests, NULL, forget_worlds);
}
