/* vendor_make.c - what a vendor hands out, issued with or without a fault. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/num.h"
#include "codec/base64.h"
#include "crypto/digest.h"
#include "lab/vendor_int.h"

#define DAY 86400

rc fault_parse(struct slice text, struct fault *out, struct why *w)
{
	static const struct {
		const char *name;
		enum fault_kind kind;
		double amount, max;
	} rows[] = {
		{"busy", FAULT_BUSY, 7, 86400},	       {"error", FAULT_ERROR, 500, 599}, {"slow", FAULT_SLOW, 3, 60},
		{"truncated", FAULT_TRUNCATED, 0, 0},  {"drop", FAULT_DROP, 0, 0},	 {"future", FAULT_FUTURE, 1, 3650},
		{"gap", FAULT_GAP, 7.4, 3650},	       {"revoked", FAULT_REVOKED, 0, 0}, {"signature", FAULT_SIGNATURE, 0, 0},
		{"other", FAULT_OTHER, 0, 0},
	};
	const uint8_t *eq = text.n ? memchr(text.p, '=', text.n) : NULL;
	struct slice name = eq ? slice_sub(text, 0, (size_t)(eq - text.p)) : text;
	char number[32] = "";

	if (eq)
		(void)snprintf(number, sizeof(number), "%.*s", (int)(text.n - name.n - 1), (const char *)eq + 1);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		double amount = eq ? strtod(number, NULL) : rows[i].amount;

		if (!slice_is(name, rows[i].name))
			continue;
		if (!(amount >= 0 && amount <= rows[i].max))
			break;
		*out = (struct fault){rows[i].kind, amount};
		return rc_of(OK);
	}
	return deny(w, E_MALFORMED, "lab.fault", "\"" SLICE_FMT "\" is no fault: see docs/lab.md", SLICE_ARG(slice_sub(text, 0, 64)));
}

static struct lab_dates dates_of(struct fault f, int64_t now_s)
{
	int64_t shift = (int64_t)llround(f.amount * DAY);

	if (f.kind == FAULT_FUTURE)
		return (struct lab_dates){now_s + shift, now_s + shift + 30 * DAY};
	if (f.kind == FAULT_GAP)
		return (struct lab_dates){now_s - shift - 30 * DAY, now_s - shift};
	return (struct lab_dates){now_s - 60, now_s + 30 * DAY};
}

/* Another signature, still of the same form: JSON ends with hex and two more characters, DER with the signature's last byte. */
static struct slice spoil(struct slice body, struct arena *a)
{
	bool json = body.n > 4 && body.p[body.n - 1] == '}';
	uint8_t *p = arena_alloc(a, body.n + 1);
	size_t at = json ? body.n - 3 : body.n - 1;

	if (!p || body.n < 4)
		return (struct slice){0};
	memcpy(p, body.p, body.n);
	p[at] = json ? (p[at] == '0' ? '1' : '0') : p[at] ^ 1;
	return slice_of(p, body.n);
}

static struct slice url_encoded(struct slice text, struct arena *a)
{
	struct buf b = buf_in(a, 0);

	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];

		if ((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '-')
			buf_putc(&b, (char)c);
		else
			buf_printf(&b, "%%%02X", c);
	}
	return buf_view(&b);
}

/* ---- AMD ---- */

static RC make_amd(const struct lab_world *l, const struct asked *q, struct fault f, int64_t now_s, struct arena *a, struct made *out,
		   struct why *w)
{
	struct lab_dates d = dates_of(f, now_s);

	if (strcmp(q->kind, "amd-ask-ark") == 0) {
		out->type = "application/x-pem-file";
		out->body = lab_snp_chain(l, q->vlek, a);
		return rc_of(OK);
	}
	out->type = "application/octet-stream";
	if (strcmp(q->kind, "amd-crl") == 0)
		return lab_snp_crl(l, (uint64_t)d.from_s, d.from_s, d.to_s, f.kind == FAULT_REVOKED, a, &out->body, w);
	if (f.kind == FAULT_OTHER) {
		uint8_t *other = arena_alloc(a, 64);

		if (!other)
			return lab_failed(w, "a chip id");
		memcpy(other, q->chip.p, 64);
		other[0] ^= 1;
		return lab_snp_vcek(l, slice_of(other, 64), q->tcb, d.from_s, a, &out->body, w);
	}
	return lab_snp_vcek(l, q->chip, q->tcb, d.from_s, a, &out->body, w);
}

/* ---- Intel ---- */

static RC make_document(const struct lab_world *l, const struct asked *q, struct fault f, int64_t now_s, const struct json *with,
			struct arena *a, struct made *out, struct why *w)
{
	bool tcb = strcmp(q->kind, "intel-tcb-info") == 0;
	const struct json *members = json_get(with, tcb ? (q->tdx ? "tdx/tcb" : "sgx/tcb") : (q->tdx ? "tdx/qe" : "sgx/qe"));

	out->type = "application/json";
	out->chain_header = tcb ? "TCB-Info-Issuer-Chain" : "SGX-Enclave-Identity-Issuer-Chain";
	out->chain = url_encoded(lab_intel_signing_chain(l, a), a);
	if (tcb)
		return lab_intel_tcb_info(l, q->tdx, f.kind == FAULT_OTHER ? "ffffffffffff" : q->fmspc, dates_of(f, now_s), members, a,
					  &out->body, w);
	return lab_intel_qe_identity(l, f.kind == FAULT_OTHER ? !q->tdx : q->tdx, dates_of(f, now_s), members, a, &out->body, w);
}

static RC make_list(const struct lab_world *l, const struct asked *q, struct fault f, int64_t now_s, struct arena *a, struct made *out,
		    struct why *w)
{
	bool root = strcmp(q->kind, "intel-root-crl") == 0;
	struct lab_dates d = dates_of(f, now_s);
	const struct lab_intel_crl c = {.by = root ? LAB_INTEL_ROOT : q->authority, .number = (uint64_t)d.from_s, .dates = d,
					.revoke = f.kind == FAULT_REVOKED};

	out->type = "application/pkix-crl";
	TRY(lab_intel_crl(l, &c, a, &out->body, w));
	if (!root) {
		out->chain_header = "SGX-PCK-CRL-Issuer-Chain";
		out->chain = url_encoded(lab_intel_pck_chain(l, q->authority, a), a);
	}
	return rc_of(OK);
}

static RC make_intel(const struct lab_world *l, const struct asked *q, struct fault f, int64_t now_s, const struct json *with,
		     struct arena *a, struct made *out, struct why *w)
{
	if (strcmp(q->kind, "pck-cert") == 0) {
		out->type = "application/x-pem-file";
		out->chain_header = "SGX-PCK-Certificate-Issuer-Chain";
		out->chain = url_encoded(lab_intel_pck_chain(l, LAB_INTEL_PLATFORM, a), a);
		return lab_intel_pck(l, q->pck, now_s, a, &out->body, w);
	}
	if (strcmp(q->kind, "intel-tcb-info") == 0 || strcmp(q->kind, "intel-qe-identity") == 0)
		return make_document(l, q, f, now_s, with, a, out, w);
	return make_list(l, q, f, now_s, a, out, w);
}

rc vendor_make(const struct vendor_worlds *worlds, const struct asked *q, struct fault f, int64_t now_s, const struct json *with,
	       struct arena *a, struct made *out, struct why *w)
{
	struct made m = {0};
	uint8_t d[32];

	if (strncmp(q->kind, "amd-", 4) == 0)
		TRY(make_amd(&worlds->snp, q, f, now_s, a, &m, w));
	else if (strncmp(q->kind, "nvidia-", 7) == 0)
		TRY(vendor_make_nvidia(&worlds->nvidia, q, f, dates_of(f, now_s), a, &m, w));
	else
		TRY(make_intel(&worlds->intel, q, f, now_s, with, a, &m, w));
	if (f.kind == FAULT_SIGNATURE)
		m.body = spoil(m.body, a);
	/* a caching service of one's own serves the root's list as hex */
	if (strcmp(q->kind, "intel-root-crl") == 0)
		m.body = slice_cstr(hex_text(a, m.body));
	TRY(digest(DIGEST_SHA256, m.body, d, w));
	(void)snprintf(m.etag, sizeof(m.etag), "\"%02x%02x%02x%02x%02x%02x%02x%02x\"", d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7]);
	time_imf(now_s, m.modified);
	if (arena_bad(a) || !m.body.p)
		return lab_failed(w, q->kind);
	*out = m;
	return rc_of(OK);
}
