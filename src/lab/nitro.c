/* nitro.c - enclaves of AWS' shape: root, instance authority and signing certificate on P-384, and the document as COSE_Sign1. */
#include "base/num.h"
#include "codec/base64.h"
#include "crypto/cose/cose.h"
#include "lab/lab_x509.h"
#include "lab/shapes.h"

#define DAY 86400
#define ROOT "CN=lab.nitro-enclaves,O=Lab,OU=AWS,C=US"
#define AUTHORITY "CN=i-0123456789abcdef0.lab.nitro-enclaves,O=Lab,C=US"
#define LEAF "CN=i-0123456789abcdef0-enc0123456789abcdef0.lab.nitro-enclaves,O=Lab,C=US"

static RC make(const struct lab_options *o, struct arena *a, struct lab_world *out, struct why *w)
{
	struct slice key[3], der[3];
	struct lab_cert c[3] = {
		{.subject = ROOT, .issuer = ROOT, .serial = 1, .ca = true},
		{.subject = AUTHORITY, .issuer = ROOT, .serial = 2, .ca = true},
		{.subject = LEAF, .issuer = AUTHORITY, .serial = 3},
	};

	for (size_t i = 0; i < 3; i++) {
		TRY(lab_key_new(LAB_P384, a, &key[i], w));
		c[i].key = key[i];
		c[i].signer = key[i ? i - 1 : 0];
		c[i].from_s = o->now_s - DAY;
		c[i].to_s = o->now_s + 365 * DAY;
		TRY(lab_cert(&c[i], a, &der[i], w));
	}
	lab_add(out, "root.pem", lab_pem("CERTIFICATE", der[0], a))->anchor = "aws-nitro-root";
	lab_add(out, "root.der", der[0]);
	lab_add(out, "authority.der", der[1]);
	lab_add(out, "enclave.der", der[2]);
	lab_add(out, "enclave.key", key[2]);
	return rc_of(OK);
}

static void put_name(struct buf *b, const char *name)
{
	cbor_put_text(b, slice_cstr(name));
}

static void put_pcrs(struct buf *b, const struct json *fields, struct arena *a)
{
	static const char *const names[] = {"pcr0", "pcr1", "pcr2", "pcr3", "pcr4", "pcr8"};
	static const uint8_t numbers[] = {0, 1, 2, 3, 4, 8};

	put_name(b, "pcrs");
	cbor_put_map(b, COUNT_OF(names));
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		cbor_put_uint(b, numbers[i]);
		cbor_put_bytes(b, lab_hex(fields, names[i], a));
	}
}

static struct slice payload(const struct lab_world *l, const struct lab_binding *bind, const struct json *fields, struct arena *a)
{
	struct buf b = buf_in(a, 0);
	struct slice user_data = lab_hex(fields, "user_data", a);

	cbor_put_map(&b, 9);
	put_name(&b, "module_id");
	cbor_put_text(&b, lab_text(fields, "module_id"));
	put_name(&b, "digest");
	cbor_put_text(&b, lab_text(fields, "digest"));
	put_name(&b, "timestamp");
	cbor_put_uint(&b, lab_number(fields, "timestamp"));
	put_pcrs(&b, fields, a);
	put_name(&b, "certificate");
	cbor_put_bytes(&b, lab_item(l, "enclave.der"));
	put_name(&b, "cabundle");
	cbor_put_array(&b, 2);
	cbor_put_bytes(&b, lab_item(l, "root.der"));
	cbor_put_bytes(&b, lab_item(l, "authority.der"));
	put_name(&b, "public_key");
	cbor_put_bytes(&b, lab_hex(fields, "public_key", a));
	put_name(&b, "user_data");
	if (user_data.n)
		cbor_put_bytes(&b, user_data);
	else
		cbor_put_null(&b);
	put_name(&b, "nonce");
	cbor_put_bytes(&b, bind->report_data.p ? bind->report_data : lab_hex(fields, "nonce", a));
	return buf_view(&b);
}

static RC evidence(const struct lab_world *l, const struct lab_binding *bind, const struct json *fields, struct arena *a, struct slice *out,
		   struct why *w)
{
	static const uint8_t es384[] = {0xa1, 0x01, 0x38, 0x22};	/* {1: -35} */
	struct slice protected_raw = slice_of(es384, sizeof(es384)), body = payload(l, bind, fields, a), sig;
	struct json *doc = json_new_object(a);
	struct buf b = buf_in(a, 0);

	TRY(lab_sign(lab_item(l, "enclave.key"), LAB_ECDSA, DIGEST_SHA384, cose_sig_structure(a, protected_raw, (struct slice){0}, body), a, &sig,
		     w));
	cbor_put_tag(&b, COSE_TAG_SIGN1);
	cbor_put_array(&b, 4);
	cbor_put_bytes(&b, protected_raw);
	cbor_put_map(&b, 0);
	cbor_put_bytes(&b, body);
	cbor_put_bytes(&b, sig);
	json_set(a, doc, "document", json_new_b64(a, buf_view(&b)));
	*out = json_text(a, doc);
	return rc_of(OK);
}

#define A48 "a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0"
#define B48 "b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1"
#define C48 "c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2"
#define Z48 "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"

const struct lab_shape lab_nitro = {
	.tee = "nitro",
	.what = "root, instance authority and signing certificate on P-384; the document as COSE_Sign1",
	.fields = "{\"module_id\": \"i-0123456789abcdef0-enc0123456789abcdef0\", \"digest\": \"SHA384\", \"timestamp\": 1795557718000,"
		  "\"pcr0\": \"" A48 "\", \"pcr1\": \"" B48 "\", \"pcr2\": \"" C48 "\", \"pcr3\": \"" Z48 "\", \"pcr4\": \"" B48 "\","
		  "\"pcr8\": \"" Z48 "\", \"public_key\": \"3059301306072a86\", \"user_data\": \"\", \"nonce\": \"0000000000000000\"}",
	.values = "{\"nitro_pcr0\": [\"" A48 "\"], \"nitro_pcr1\": [\"" B48 "\"], \"nitro_pcr2\": [\"" C48 "\"]}",
	.make = make,
	.evidence = evidence,
};
