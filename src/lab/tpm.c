#include "lab/tpm.h"

#include "base/num.h"
#include "codec/base64.h"
#include "lab/lab_x509.h"
#include "lab/shapes.h"

#define DAY 86400
#define ROOT "CN=Lab TPM EK Root CA,O=Lab,C=US"
#define ISSUER "CN=Lab TPM Issuing CA 1,O=Lab,C=US"

/* ---- quotes ---- */

rc lab_pcrs(const struct json *fields, const struct lab_banks *banks, struct slice init_data, struct arena *a, struct lab_pcrs *out,
	    struct why *w)
{
	for (size_t k = 0; k < banks->n; k++) {
		size_t n = digest_size(banks->alg[k]);

		for (uint32_t i = 0; i < LAB_PCRS; i++)
			TRY(lab_register(json_get(fields, "events"), banks->alg[k], i, out->value[k][i], a, w));
		if (init_data.n == n) {
			static const uint8_t zeros[DIGEST_MAX];
			const struct slice parts[2] = {slice_of(zeros, n), init_data};

			TRY(digest_parts(banks->alg[k], parts, 2, out->value[k][8], w));
		}
	}
	return rc_of(OK);
}

static void put_2b(struct buf *b, struct slice s)
{
	buf_be16(b, (uint16_t)s.n);
	buf_slice(b, s);
}

static void put_selections(struct buf *b, const struct lab_banks *banks, uint32_t pcrs)
{
	buf_be32(b, (uint32_t)banks->n);
	for (size_t k = 0; k < banks->n; k++) {
		buf_be16(b, lab_tpm_alg(banks->alg[k]));
		buf_putc(b, 3);
		for (unsigned i = 0; i < 3; i++)
			buf_putc(b, (char)(pcrs >> (8 * i)));
	}
}

rc lab_quote(const struct json *fields, const struct lab_banks *banks, const struct lab_pcrs *pcrs, enum digest_alg hash, struct slice nonce,
	     struct arena *a, struct slice *out, struct why *w)
{
	uint32_t selected = (uint32_t)lab_number(fields, "selection");
	struct slice given = lab_hex(fields, "pcr_digest", a);
	struct buf b = buf_in(a, 0), values = buf_in(a, 0);
	uint8_t d[DIGEST_MAX];

	for (size_t k = 0; k < banks->n; k++)
		for (unsigned i = 0; i < LAB_PCRS; i++)
			if (selected >> i & 1)
				buf_put(&values, pcrs->value[k][i], digest_size(banks->alg[k]));
	TRY(digest(hash, buf_view(&values), d, w));
	buf_be32(&b, (uint32_t)lab_number(fields, "magic"));
	buf_be16(&b, (uint16_t)lab_number(fields, "type"));
	put_2b(&b, lab_hex(fields, "qualified_signer", a));
	put_2b(&b, nonce);
	buf_be64(&b, lab_number(fields, "clock"));
	buf_be32(&b, (uint32_t)lab_number(fields, "reset_count"));
	buf_be32(&b, (uint32_t)lab_number(fields, "restart_count"));
	buf_putc(&b, lab_bool(fields, "safe"));
	buf_be64(&b, lab_number(fields, "firmware"));
	put_selections(&b, banks, selected);
	put_2b(&b, given.n ? given : slice_of(d, digest_size(hash)));
	*out = buf_view(&b);
	return buf_ok(&b) ? rc_of(OK) : lab_failed(w, "a quote");
}

/* ---- a TPM whose key is certified, or enrolled ---- */

static bool is(const struct lab_world *l, const char *variant)
{
	return slice_is(lab_item(l, "variant"), variant);
}

static RC certify(const struct lab_options *o, struct slice ak, struct arena *a, struct lab_world *l, struct why *w)
{
	struct slice root, issuer, der[3];
	struct lab_cert c = {.from_s = o->now_s - DAY, .to_s = o->now_s + 365 * DAY, .ca = true};

	TRY(lab_key_new(LAB_P256, a, &root, w));
	TRY(lab_key_new(LAB_P256, a, &issuer, w));
	c.subject = c.issuer = ROOT;
	c.serial = 1;
	c.key = c.signer = root;
	TRY(lab_cert(&c, a, &der[0], w));
	c.subject = ISSUER;
	c.serial = 2;
	c.key = issuer;
	TRY(lab_cert(&c, a, &der[1], w));
	c.subject = "CN=Lab TPM attestation key";
	c.issuer = ISSUER;
	c.serial = 3;
	c.key = ak;
	c.signer = issuer;
	c.ca = false;
	TRY(lab_cert(&c, a, &der[2], w));
	lab_add(l, "root.pem", lab_pem("CERTIFICATE", der[0], a))->anchor = "tpm-ek-root";
	lab_add(l, "root.der", der[0]);
	lab_add(l, "issuer.der", der[1]);
	lab_add(l, "ak.der", der[2]);
	return rc_of(OK);
}

static RC make(const struct lab_options *o, struct arena *a, struct lab_world *l, struct why *w)
{
	const char *variant = o->variant ? o->variant : "rsa";
	struct slice ak, spki;

	lab_add(l, "variant", slice_cstr(variant));
	TRY(lab_key_new(is(l, "ecc") ? LAB_P256 : LAB_RSA2048, a, &ak, w));
	TRY(lab_key_public(ak, a, &spki, w));
	lab_add(l, "ak.key", ak);
	lab_add(l, "ak.spki", spki);
	if (!is(l, "enrolled"))
		return certify(o, ak, a, l, w);
	lab_add(l, "ak.pem", lab_pem("PUBLIC KEY", spki, a))->anchor = "tpm-ak";
	return rc_of(OK);
}

/* TPMT_SIGNATURE */
static RC sign(const struct lab_world *l, struct slice message, enum digest_alg hash, struct arena *a, struct slice *out, struct why *w)
{
	struct slice sig, key = lab_item(l, "ak.key");
	struct buf b = buf_in(a, 0);

	buf_be16(&b, is(l, "ecc") ? 0x18 : is(l, "rsapss") ? 0x16 : 0x14);
	buf_be16(&b, lab_tpm_alg(hash));
	TRY(lab_sign(key, is(l, "ecc") ? LAB_ECDSA : is(l, "rsapss") ? LAB_PSS : LAB_PKCS1, hash, message, a, &sig, w));
	if (is(l, "ecc")) {
		put_2b(&b, slice_sub(sig, 0, sig.n / 2));
		put_2b(&b, slice_sub(sig, sig.n / 2, sig.n));
	} else {
		put_2b(&b, sig);
	}
	*out = buf_view(&b);
	return rc_of(OK);
}

/* A list for one bank that is quoted whole; else an object of banks. */
static struct json *pcrs_json(struct arena *a, const struct lab_banks *banks, const struct lab_pcrs *pcrs, uint32_t selected)
{
	struct json *list = json_new_array(a), *all = json_new_object(a);

	for (size_t k = 0; k < banks->n; k++) {
		struct json *bank = json_new_object(a);

		for (unsigned i = 0; i < LAB_PCRS; i++) {
			struct json *v = json_new_hex(a, slice_of(pcrs->value[k][i], digest_size(banks->alg[k])));

			json_push(a, list, v);
			if (selected >> i & 1)
				json_set(a, bank, arena_printf(a, "%u", i), v);
		}
		json_set(a, all, digest_name(banks->alg[k]), bank);
	}
	return banks->n == 1 && selected == 0xffffff ? list : all;
}

static RC evidence(const struct lab_world *l, const struct lab_binding *bind, const struct json *fields, struct arena *a, struct slice *out,
		   struct why *w)
{
	enum digest_alg hash = digest_by_name(lab_text(fields, "hash"));
	struct json *doc = json_new_object(a), *q = json_new_object(a), *chain = json_new_array(a);
	struct slice message, signature, log;
	struct lab_pcrs pcrs;
	struct lab_banks banks;

	TRY(lab_banks_read(lab_text(fields, "banks"), &banks, w));
	TRY(lab_pcrs(fields, &banks, bind->init_data, a, &pcrs, w));
	TRY(lab_quote(fields, &banks, &pcrs, hash, bind->report_data, a, &message, w));
	TRY(sign(l, message, hash, a, &signature, w));
	json_set(a, doc, "ak_public", json_new_b64(a, lab_item(l, "ak.spki")));
	json_set(a, q, "signature", json_new_b64(a, signature));
	json_set(a, q, "message", json_new_b64(a, message));
	json_set(a, q, "pcrs", pcrs_json(a, &banks, &pcrs, (uint32_t)lab_number(fields, "selection")));
	json_set(a, doc, "tpm_quote", q);
	if (lab_item(l, "ak.der").p) {
		json_set(a, doc, "ak_cert", json_new_b64(a, lab_item(l, "ak.der")));
		json_push(a, chain, json_new_b64(a, lab_item(l, "issuer.der")));
		json_push(a, chain, json_new_b64(a, lab_item(l, "root.der")));
		json_set(a, doc, "ak_cert_chain", chain);
	}
	if (lab_bool(fields, "log")) {
		TRY(lab_eventlog(json_get(fields, "events"), &banks, a, &log, w));
		json_set(a, doc, "eventlog", json_new_b64(a, log));
	}
	*out = json_text(a, doc);
	return rc_of(OK);
}

const struct lab_shape lab_tpm = {
	.tee = "tpm",
	.what = "EK root, issuing authority, certificate of an attestation key; or a key to enrol. A quote over any banks, a log that replays",
	.variants = "rsa, rsapss, ecc, enrolled",
	.init_data = true,
	.fields = "{" LAB_TPM_FIELDS ", \"banks\": \"sha256\", \"hash\": \"sha256\", \"log\": true}",
	/* PCR 11: zeros extended by the hash of "kernel" */
	.values = "{\"tpm_pcr11\": [\"457040d352c9be3893642229b99cb41ab79c24f00c00bfc2dbfbac0f8cf207fe\"]}",
	.make = make,
	.evidence = evidence,
};
