#include "agent/tpm_extras.h"

#include "base/sys.h"
#include "codec/base64.h"
#include "crypto/x509.h"
#include "evidence/eventlog.h"

#define CERTS_MAX 5u
#define PCRS	  24u

rc tpm_add_certificates(const char *path, struct arena *a, struct json *evidence, struct why *w)
{
	struct json *chain = json_new_array(a);
	struct x509 *certs[CERTS_MAX];
	struct slice bytes;
	size_t n = 1;
	rc r;

	TRY(file_read(a, path, 65536, &bytes, w));
	r = slice_starts(bytes, SLICE_LIT("-----BEGIN ")) ? x509_list_from_pem(bytes, certs, CERTS_MAX, &n, w) : x509_from_der(bytes, &certs[0], w);
	TRY(note(w, r, "reading %s", path));
	json_set(a, evidence, "ak_cert", json_new_b64(a, x509_der(certs[0])));
	for (size_t i = 1; i < n; i++)
		json_push(a, chain, json_new_b64(a, x509_der(certs[i])));
	if (n > 1)
		json_set(a, evidence, "ak_cert_chain", chain);
	x509_free_all(certs, n);
	return rc_of(OK);
}

/* Every PCR that the log extends must be where it leads. */
static RC explains(const struct eventlog *l, const struct json *pcrs, struct arena *a, struct why *w)
{
	bool any = false;

	for (uint32_t i = 0; i < PCRS; i++) {
		struct slice value;

		if (!eventlog_extends(l, DIGEST_SHA256, i))
			continue;
		TRY(hex_decode(a, json_at(pcrs, i)->text, &value, "PCR", w));
		TRY(eventlog_matches(l, DIGEST_SHA256, i, value, a, "attester.eventlog", w));
		any = true;
	}
	return any ? rc_of(OK) : deny(w, E_DENIED, "attester.eventlog", "the log has no SHA-256 digests");
}

rc tpm_add_log(const char *path, const struct json *pcrs, struct arena *a, struct json *evidence, const char **why_not, struct why *w)
{
	struct why inner = why_in(a);
	struct eventlog log;
	struct slice bytes;
	rc r = file_read(a, path ? path : TPM_BOOT_LOG, EVENTLOG_MAX, &bytes, path ? w : &inner);

	*why_not = NULL;
	if (!rc_ok(r)) {
		*why_not = path ? NULL : why_text(&inner);
		return path ? r : rc_of(OK);
	}
	r = eventlog_parse(a, bytes, EVENTLOG_PCR, "attester.eventlog", &log, &inner);
	if (rc_ok(r))
		r = explains(&log, pcrs, a, &inner);
	if (rc_ok(r))
		json_set(a, evidence, "eventlog", json_new_b64(a, slice_sub(bytes, 0, log.used)));
	else
		*why_not = why_text(&inner);
	return rc_of(OK);
}
