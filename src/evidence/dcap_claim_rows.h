/* dcap_claim_rows.h - the rows of docs/claims.md for what dcap_claims.c emits: drivers put them into their tables.
 *
 * Offsets are in the report body (SGX: 384 bytes, TD 1.0: 584, TD 1.5: 648) or in the quote's header.
 */
#pragma once

#define DCAP_VERDICT_ROWS                                                                                                   \
	{"tcb_status", "string",                                                                                           \
	 "launch TCB: UpToDate, SWHardeningNeeded, ConfigurationNeeded, ConfigurationAndSWHardeningNeeded, OutOfDate, "    \
	 "OutOfDateConfigurationNeeded, TDRelaunchAdvised, TDRelaunchAdvisedConfigurationNeeded. Revoked is a refusal",    \
	 "TCB info, QE identity"},                                                                                         \
	{"tcb_date", "string", "date of the oldest matched level", "tcbDate"},                                            \
	{"advisory_ids", "array", "advisories of the matched levels, sorted", "advisoryIDs"},                             \
	{"tcb_status_current", "string", "TCB of the platform now; TD 1.5 has its own, for others the launch TCB",         \
	 "TCB info, TD report 584"},                                                                                       \
	{"tcb_date_current", "string", "its date", "tcbDate"},                                                            \
	{"advisory_ids_current", "array", "its advisories", "advisoryIDs"},                                               \
	{"tcb_status_platform", "string", "state of the platform's level alone", "tcbLevels of the TCB info"},            \
	{"tcb_date_platform", "string", "its date", "tcbDate"},                                                           \
	{"advisory_ids_platform", "array", "its advisories", "advisoryIDs"},                                              \
	{"tcb_status_qe", "string", "state of the quoting enclave's level", "tcbLevels of the QE identity"},              \
	{"tcb_status_tdx_module", "string", "state of the TDX module's level; absent for module 1.0",                      \
	 "tdxModuleIdentities"},                                                                                           \
	{"tcb_eval_num", "number", "lower evaluation number of TCB info and QE identity", "tcbEvaluationDataNumber"},      \
	{"tcb_components", "array", "the 16 component SVNs of the certificate", "PCK extension .2.1 to .2.16"},           \
	{"collateral_expiration_status", "string", "\"1\" when collateral behind its next update was used, else \"0\"",    \
	 "nextUpdate"},                                                                                                    \
	{"earliest_issue_date", "string", "oldest issue of certificates, lists and documents", "collateral"},             \
	{"latest_issue_date", "string", "newest issue of them", "collateral"},                                            \
	{"earliest_expiration_date", "string", "first expiry of them", "collateral"},                                     \
	{"pck_crl_num", "number", "number of the list for PCK certificates", "CRL number"},                               \
	{"root_ca_crl_num", "number", "number of the root's list", "CRL number"},                                         \
	{"platform_provider_id", "string", "PPID", "PCK extension .1"},                                                   \
	{"platform_instance_id", "string", "platform instance id, byte-reversed; Platform CA only", "PCK extension .6"},  \
	{"sgx_type", "string", "Standard, Scalable or Scalable with Integrity", "PCK extension .5"},                      \
	{"is_dynamic_platform", "boolean", "packages may be added", "PCK extension .7.1"},                                \
	{"is_cached_keys", "boolean", "platform root keys are cached by Intel", "PCK extension .7.2"},                    \
	{"is_smt_enabled", "boolean", "simultaneous multithreading is on", "PCK extension .7.3"},                         \
	{"fmspc", "string", "family, model, stepping, platform type, custom SKU", "PCK extension .4"},                    \
	{"pce_id", "string", "PCE id", "PCK extension .3"},                                                               \
	{"pce_svn", "number", "PCE SVN of the certificate", "PCK extension .2.17"},                                       \
	{"pck_ca", "string", "platform or processor: which CA issued the PCK certificate", "issuer"},                     \
	{"qe_isv_svn", "number", "SVN of the quoting enclave", "QE report 258"},                                          \
	{"root_key_id", "string", "SHA-384 of the root's public key", "root certificate"}

#define DCAP_TD_ROWS                                                                                                       \
	{"quote.header.*", "string", "the quote's header, field by field", "header"},                                     \
	{"quote.type", "string", "body type; version 5", "48"},                                                           \
	{"quote.size", "string", "body size; version 5", "50"},                                                           \
	{"quote.body.tcb_svn", "string", "TEE_TCB_SVN", "0"},                                                             \
	{"quote.body.mr_seam", "string", "measurement of the TDX module", "16"},                                          \
	{"quote.body.mrsigner_seam", "string", "signer of the TDX module; zero for Intel's", "64"},                       \
	{"quote.body.seam_attributes", "string", "attributes of the TDX module", "112"},                                  \
	{"quote.body.td_attributes", "string", "TD attributes", "120"},                                                   \
	{"quote.body.xfam", "string", "extended features that the TD may use", "128"},                                    \
	{"quote.body.mr_td", "string", "measurement of the TD's initial contents", "136"},                                \
	{"quote.body.mr_config_id", "string", "software-defined id; init-data", "184"},                                   \
	{"quote.body.mr_owner", "string", "software-defined owner", "232"},                                               \
	{"quote.body.mr_owner_config", "string", "software-defined owner configuration", "280"},                          \
	{"quote.body.rtmr_*", "string", "run-time measurement registers 0 to 3", "328"},                                  \
	{"quote.body.report_data", "string", "report data", "520"},                                                       \
	{"quote.body.tee_tcb_svn2", "string", "current TEE_TCB_SVN; TD 1.5", "584"},                                      \
	{"quote.body.mr_servicetd", "string", "measurement of service TDs; TD 1.5", "600"},                               \
	{"td_attributes.debug", "boolean", "the TD can be debugged: nothing in it is secret", "120, bits 0 to 7"},        \
	{"td_attributes.*", "boolean",                                                                                     \
	 "lass, septve_disable, migratable, protection_keys, key_locker, tpa, perfmon", "120, bits 27 to 63"},            \
	{"init_data", "string", "MRCONFIGID; PCR 8 with a vTPM", "184"},                                                  \
	{"report_data", "string", "report data; the nonce of the quote with a vTPM", "520"}

#define DCAP_ENCLAVE_ROWS                                                                                                  \
	{"header.*", "string", "the quote's header, field by field", "header"},                                           \
	{"body.mr_enclave", "string", "measurement of the enclave", "64"},                                                \
	{"body.mr_signer", "string", "who signed the enclave", "128"},                                                    \
	{"body.attributes.flags", "string", "attribute flags; one name with a dot in it", "48"},                          \
	{"body.attributes.xfrm", "string", "extended features; one name with a dot in it", "56"},                         \
	{"body.*", "string", "the other fields of the report body", "report body"},                                       \
	{"debug", "boolean", "the enclave can be debugged: nothing in it is secret", "48, bit 1"},                        \
	{"enclave_attributes.*", "boolean", "init, debug, mode64bit, provision_key, einittoken_key, kss, aex_notify", "48"}, \
	{"isv_prod_id", "number", "product id", "256"},                                                                   \
	{"isv_svn", "number", "security version of the enclave", "258"},                                                  \
	{"init_data", "string", "CONFIGID", "192"},                                                                       \
	{"report_data", "string", "report data", "320"}
