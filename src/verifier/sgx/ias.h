/* ias.h - reports of Intel's Attestation Service about enclaves with EPID keys: legacy. The service is gone, only stored reports remain.
 *
 * Evidence: {"ias_report": base64 of the body as the service sent it, "ias_signature": base64, "ias_certificates": PEM}. The chain must
 * end in an anchor of "intel-ias-root", of which none is pinned: an operator names it. Certificates are judged at the time of the report,
 * which the claims tell, and how old it is: how old it may be is for policy. Nothing in it says that collateral is current, so the default
 * policy affirms no such guest.
 *
 * Reasons: sgx.{parse.ias, chain.ias, untrusted-root.ias, expired.ias, signature.ias, ias-status, report-data-mismatch,
 * init-data-mismatch}. Spec: legacy-brokers.md E; Intel, Attestation Service for SGX: API version 4 and 5.
 */
#pragma once
#include "evidence/job.h"

/* Does the document hold such a report? */
bool sgx_ias_is(const struct json *doc);
RC sgx_ias_verify(struct vjob *job, const struct json *doc);

#define SGX_IAS_ROWS                                                                                                                \
	{"ias.status", "string", "what the service said of the quote", "isvEnclaveQuoteStatus"},                                  \
	{"ias.id", "string", "id of the report", "id"},                                                                           \
	{"ias.version", "number", "version of the service's interface: 4 or 5", "version"},                                      \
	{"ias.timestamp", "string", "when the service said so", "timestamp"},                                                    \
	{"ias.age_s", "number", "seconds from then to this verdict", "timestamp"},                                               \
	{"ias.epid_group_id", "string", "group of the platform's key", "quote 4"},                                               \
	{"ias.advisory_url", "string", "where advisories are explained", "advisoryURL"}
