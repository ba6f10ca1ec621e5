# The default appraisal of CPU evidence: what each TEE must show, compared with reference values.
#
# A claim says 2 or 3 (affirming) when every condition of one rule holds, and otherwise the baseline below, which is
# contraindicated. Reference values are read with query_reference_value(name): null when the name is unknown or the value
# has expired, so a rule that needs it does not hold. Names and numbers: AR4SI trustworthiness vector.
package policy

import rego.v1

default executables := 33

default hardware := 97

default configuration := 36

default file_system := 0

default instance_identity := 0

default runtime_opaque := 0

default storage_opaque := 0

default sourced_data := 0

trust_claims := {
	"executables": executables,
	"hardware": hardware,
	"configuration": configuration,
	"file-system": file_system,
	"instance-identity": instance_identity,
	"runtime-opaque": runtime_opaque,
	"storage-opaque": storage_opaque,
	"sourced-data": sourced_data,
}

# ---- sample: not a TEE; its verifier loads only where the configuration says so in words ----

executables := 3 if {
	input.sample.launch_digest in query_reference_value("launch_digest")
}

hardware := 2 if {
	input.sample.svn in query_reference_value("svn")
	input.sample.platform_version.major == query_reference_value("major_version")
	input.sample.platform_version.minor >= query_reference_value("minimum_minor_version")
}

configuration := 2 if {
	input.sample.debug == false
}

# ---- AMD SEV-SNP ----
# The verifier refuses what is on AMD's revocation list wherever one is at hand. That one is at hand is not demanded: whoever can reach
# AMD, or imports its lists, can demand it with input.snp.crl_checked == true.

executables := 3 if {
	input.snp.measurement in query_reference_value("snp_launch_measurement")
}

hardware := 2 if {
	input.snp.reported_tcb_bootloader in query_reference_value("snp_bootloader")
	input.snp.reported_tcb_microcode in query_reference_value("snp_microcode")
	input.snp.reported_tcb_snp in query_reference_value("snp_snp_svn")
	input.snp.reported_tcb_tee in query_reference_value("snp_tee_svn")
}

configuration := 2 if {
	input.snp.policy_debug_allowed == false
	input.snp.policy_migrate_ma == false
	input.snp.vmpl == 0
	input.snp.platform_smt_enabled == query_reference_value("snp_smt_enabled")
	input.snp.platform_tsme_enabled == query_reference_value("snp_tsme_enabled")
	input.snp.policy_abi_major == query_reference_value("snp_guest_abi_major")
	input.snp.policy_abi_minor == query_reference_value("snp_guest_abi_minor")
	input.snp.policy_single_socket == query_reference_value("snp_single_socket")
	input.snp.policy_smt_allowed == query_reference_value("snp_smt_allowed")
} else := 3 if {
	input.snp.policy_debug_allowed == false
	input.snp.policy_migrate_ma == false
	input.snp.vmpl == 0
}

# ---- Intel TDX ----

# 3: the measured kernel and its command line are known ones as well. The type and the text of an event are not signed, its digest is:
# an event counts only in a register of the boot whose value is known (2 is rtmr_1, 3 is rtmr_2), not in one that the running guest
# extends as it likes.
executables := 3 if {
	input.tdx.quote.body.rtmr_1 in query_reference_value("rtmr_1")
	input.tdx.quote.body.rtmr_2 in query_reference_value("rtmr_2")
	some kernel in input.tdx.uefi_event_logs
	kernel.index == 2
	kernel.type_name == "EV_EFI_BOOT_SERVICES_APPLICATION"
	"File(kernel)" in kernel.details.device_paths
	some kernel_digest in kernel.digests
	kernel_digest.digest == query_reference_value("tdvfkernel")
	some line in input.tdx.uefi_event_logs
	line.index == 3
	line.type_name == "EV_EVENT_TAG"
	line.details.string == "LOADED_IMAGE::LoadOptions"
	some line_digest in line.digests
	line_digest.digest == query_reference_value("tdvfkernelparams")
} else := 4 if {
	input.tdx.quote.body.rtmr_1 in query_reference_value("rtmr_1")
	input.tdx.quote.body.rtmr_2 in query_reference_value("rtmr_2")
}

hardware := 2 if {
	input.tdx.quote.header.tee_type == "81000000"
	input.tdx.quote.header.vendor_id == "939a7233f79c4ca9940a0db3957f0607"
	input.tdx.quote.body.mr_td in query_reference_value("mr_td")
	input.tdx.tcb_status == "UpToDate"
	input.tdx.collateral_expiration_status == "0"
}

# A migratable TD leaves with whatever service TD the host bound to it, to a platform that nobody has attested.
configuration := 2 if {
	input.tdx.td_attributes.debug == false
	input.tdx.td_attributes.migratable == false
	input.tdx.quote.body.xfam in query_reference_value("xfam")
}

# ---- Azure: SEV-SNP behind a vTPM (numbers arrive as strings) ----

executables := 3 if {
	input["az-snp-vtpm"].measurement in query_reference_value("measurement")
	input["az-snp-vtpm"].tpm.pcr11 in query_reference_value("snp_pcr11")
}

hardware := 2 if {
	input["az-snp-vtpm"].reported_tcb_bootloader in query_reference_value("tcb_bootloader")
	input["az-snp-vtpm"].reported_tcb_microcode in query_reference_value("tcb_microcode")
	input["az-snp-vtpm"].reported_tcb_snp in query_reference_value("tcb_snp")
	input["az-snp-vtpm"].reported_tcb_tee in query_reference_value("tcb_tee")
}

configuration := 2 if {
	input["az-snp-vtpm"].policy_debug_allowed == "false"
	input["az-snp-vtpm"].policy_migrate_ma == "false"
	input["az-snp-vtpm"].platform_smt_enabled in query_reference_value("smt_enabled")
	input["az-snp-vtpm"].platform_tsme_enabled in query_reference_value("tsme_enabled")
	input["az-snp-vtpm"].policy_abi_major in query_reference_value("abi_major")
	input["az-snp-vtpm"].policy_abi_minor in query_reference_value("abi_minor")
	input["az-snp-vtpm"].policy_single_socket in query_reference_value("single_socket")
	input["az-snp-vtpm"].policy_smt_allowed in query_reference_value("smt_allowed")
}

# ---- Azure: TDX behind a vTPM ----

executables := 3 if {
	input["az-tdx-vtpm"].tpm.pcr11 in query_reference_value("tdx_pcr11")
}

hardware := 2 if {
	input["az-tdx-vtpm"].quote.header.tee_type == "81000000"
	input["az-tdx-vtpm"].quote.header.vendor_id == "939a7233f79c4ca9940a0db3957f0607"
	input["az-tdx-vtpm"].quote.body.mr_td in query_reference_value("mr_td")
	input["az-tdx-vtpm"].tcb_status == "UpToDate"
	input["az-tdx-vtpm"].collateral_expiration_status == "0"
}

configuration := 2 if {
	input["az-tdx-vtpm"].td_attributes.debug == false
	input["az-tdx-vtpm"].td_attributes.migratable == false
	input["az-tdx-vtpm"].quote.body.xfam in query_reference_value("xfam")
}

# ---- TPM 2.0: the attestation key was enrolled or certified, or there would be no claims ----

executables := 3 if {
	input.tpm.pcr11 in query_reference_value("tpm_pcr11")
}

hardware := 2 if {
	input.tpm
}

configuration := 0 if {
	input.tpm
}

# ---- Intel SGX ----

executables := 3 if {
	input.sgx.body.mr_enclave in query_reference_value("sgx_mr_enclave")
	input.sgx.body.mr_signer in query_reference_value("sgx_mr_signer")
}

hardware := 2 if {
	input.sgx.header.vendor_id == "939a7233f79c4ca9940a0db3957f0607"
	input.sgx.tcb_status == "UpToDate"
	input.sgx.collateral_expiration_status == "0"
}

configuration := 2 if {
	input.sgx.debug == false
	input.sgx.body.isv_prod_id in query_reference_value("sgx_isv_prod_id")
	input.sgx.body.isv_svn in query_reference_value("sgx_isv_svn")
}

# ---- Arm CCA: measurements as the tokens carry them, in base64 ----

executables := 3 if {
	input.cca.realm["cca-realm-initial-measurement"] in query_reference_value("cca_realm_initial_measurement")
}

hardware := 2 if {
	input.cca.platform["cca-platform-implementation-id"] in query_reference_value("cca_platform_implementation_id")
	input.cca.platform["cca-platform-secured"] == true
}

configuration := 2 if {
	input.cca.platform["cca-platform-config"] in query_reference_value("cca_platform_config")
}

# ---- Hygon CSV ----

executables := 3 if {
	input.csv.measure in query_reference_value("csv_measure")
}

hardware := 2 if {
	input.csv.chain_verified == true
}

configuration := 2 if {
	input.csv.policy.nodbg == 1
	input.csv.policy.noks == 1
	input.csv.policy.es == 1
}

# ---- IBM Secure Execution: the measurement is keyed by a secret of this service ----

executables := 3 if {
	input.se.tag in query_reference_value("se_image_tag")
}

hardware := 2 if {
	input.se.attestation_phkh in query_reference_value("se_attestation_phkh")
}

configuration := 2 if {
	input.se.image_header_matched == true
	input.se.image_phkh in query_reference_value("se_image_phkh")
}

# ---- AWS Nitro enclaves ----

executables := 3 if {
	input.nitro.pcrs["0"] in query_reference_value("nitro_pcr0")
	input.nitro.pcrs["1"] in query_reference_value("nitro_pcr1")
	input.nitro.pcrs["2"] in query_reference_value("nitro_pcr2")
}

hardware := 2 if {
	input.nitro.module_id
}

configuration := 2 if {
	input.nitro.debug == false
}

# ---- identifiers that the measured init-data names ----

containers := input.init_data_claims.agent_policy_claims.containers

image_names := [name | some c in containers; name := c.OCI.Annotations["io.kubernetes.cri.image-name"]]

user_ids := [uid | some c in containers; uid := c.OCI.Process.User.UID]

default images := {}

images := {"container_images": image_names} if count(image_names) > 0

default uids := {}

uids := {"container_uids": user_ids} if count(user_ids) > 0

extensions := [{
	"name": "ear.trustee.identifiers",
	"key": -18,
	"value": {"validated": object.union(images, uids)},
}]
