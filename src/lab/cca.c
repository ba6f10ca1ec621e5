/* cca.c - platforms and realms of Arm's shape: an enrolled platform key (CPAK), a realm key that the platform token vouches for, and
 * the two tokens as COSE_Sign1 in one collection. */
#include "base/num.h"
#include "codec/base64.h"
#include "crypto/cose/cose.h"
#include "lab/lab_x509.h"
#include "lab/shapes.h"

#define INSTANCE "01aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static RC make(const struct lab_options *o, struct arena *a, struct lab_world *l, struct why *w)
{
	struct slice key, spki;
	struct lab_item *item;

	lab_add(l, "variant", slice_cstr(o->variant ? o->variant : "2023"));
	TRY(lab_key_new(LAB_P384, a, &key, w));
	lab_add(l, "cpak.key", key);
	TRY(lab_key_public(key, a, &spki, w));
	item = lab_add(l, "cpak.pem", lab_pem("PUBLIC KEY", spki, a));
	item->anchor = "cca-cpak";
	item->kind = "cca-cpak";
	item->key = INSTANCE;
	TRY(lab_key_new(LAB_P384, a, &key, w));
	lab_add(l, "rak.key", key);
	return rc_of(OK);
}

static bool legacy(const struct lab_world *l)
{
	return slice_is(lab_item(l, "variant"), "legacy");
}

static void put_claim(struct buf *b, int64_t key, struct slice bytes)
{
	cbor_put_int(b, key);
	cbor_put_bytes(b, bytes);
}

static void put_text_claim(struct buf *b, int64_t key, struct slice text)
{
	cbor_put_int(b, key);
	cbor_put_text(b, text);
}

/* The realm key as the token carries it: a point, or a COSE_Key. */
static RC realm_key(const struct lab_world *l, struct arena *a, struct slice *out, struct why *w)
{
	struct buf b = buf_in(a, 0);
	struct slice x, y;

	TRY(lab_key_xy(lab_item(l, "rak.key"), a, &x, &y, w));
	if (legacy(l)) {
		buf_putc(&b, 4);
		buf_slice(&b, x);
		buf_slice(&b, y);
	} else {
		cbor_put_map(&b, 4);
		cbor_put_uint(&b, 1);
		cbor_put_uint(&b, 2);	/* EC2 */
		cbor_put_int(&b, -1);
		cbor_put_uint(&b, 2);	/* P-384 */
		put_claim(&b, -2, x);
		put_claim(&b, -3, y);
	}
	*out = buf_view(&b);
	return rc_of(OK);
}

static struct slice realm_claims(const struct lab_world *l, const struct lab_binding *bind, const struct json *fields, struct slice rak,
				 struct arena *a)
{
	static const char *const rems[] = {"rem0", "rem1", "rem2", "rem3"};
	struct buf b = buf_in(a, 0);

	cbor_put_map(&b, legacy(l) ? 7 : 8);
	put_claim(&b, 10, lab_fit(bind->report_data, 64, a));
	if (!legacy(l))
		put_text_claim(&b, 265, SLICE_LIT("tag:arm.com,2023:realm#1.0.0"));
	put_claim(&b, 44235, lab_fit(bind->init_data, 64, a));
	put_text_claim(&b, 44236, lab_text(fields, "realm_hash_algo"));
	put_claim(&b, 44237, rak);
	put_claim(&b, 44238, lab_hex(fields, "rim", a));
	cbor_put_int(&b, 44239);
	cbor_put_array(&b, COUNT_OF(rems));
	for (size_t i = 0; i < COUNT_OF(rems); i++)
		cbor_put_bytes(&b, lab_hex(fields, rems[i], a));
	put_text_claim(&b, 44240, lab_text(fields, "rak_hash_algo"));
	return buf_view(&b);
}

static struct slice platform_claims(const struct lab_world *l, const struct json *fields, struct slice challenge, struct arena *a)
{
	struct buf b = buf_in(a, 0);

	cbor_put_map(&b, 9);
	put_text_claim(&b, 265, legacy(l) ? SLICE_LIT("http://arm.com/CCA-SSD/1.0.0") : SLICE_LIT("tag:arm.com,2023:cca_platform#1.0.0"));
	put_claim(&b, 10, challenge);
	put_claim(&b, 2396, lab_hex(fields, "implementation_id", a));
	put_claim(&b, 256, lab_hex(fields, "instance_id", a));
	put_claim(&b, 2401, lab_hex(fields, "config", a));
	cbor_put_int(&b, 2395);
	cbor_put_uint(&b, lab_number(fields, "lifecycle"));
	cbor_put_int(&b, 2399);
	cbor_put_array(&b, 1);
	cbor_put_map(&b, 5);
	put_text_claim(&b, 1, lab_text(fields, "component_type"));
	put_claim(&b, 2, lab_hex(fields, "component_measurement", a));
	put_text_claim(&b, 4, lab_text(fields, "component_version"));
	put_claim(&b, 5, lab_hex(fields, "component_signer", a));
	put_text_claim(&b, 6, SLICE_LIT("sha-256"));
	put_text_claim(&b, 2400, lab_text(fields, "service"));
	put_text_claim(&b, 2402, lab_text(fields, "platform_hash_algo"));
	return buf_view(&b);
}

static RC put_signed(struct buf *b, int64_t key, struct slice signer, struct slice claims, struct arena *a, struct why *w)
{
	static const uint8_t es384[] = {0xa1, 0x01, 0x38, 0x22};	/* {1: -35} */
	struct slice protected_raw = slice_of(es384, sizeof(es384)), sig;
	struct buf token = buf_in(a, 0);

	TRY(lab_sign(signer, LAB_ECDSA, DIGEST_SHA384, cose_sig_structure(a, protected_raw, (struct slice){0}, claims), a, &sig, w));
	cbor_put_tag(&token, COSE_TAG_SIGN1);
	cbor_put_array(&token, 4);
	cbor_put_bytes(&token, protected_raw);
	cbor_put_map(&token, 0);
	cbor_put_bytes(&token, claims);
	cbor_put_bytes(&token, sig);
	put_claim(b, key, buf_view(&token));
	return rc_of(OK);
}

static RC evidence(const struct lab_world *l, const struct lab_binding *bind, const struct json *fields, struct arena *a, struct slice *out,
		   struct why *w)
{
	struct json *doc = json_new_object(a), *octets = json_new_array(a);
	struct slice rak, vouched = lab_hex(fields, "platform_challenge", a);
	struct buf b = buf_in(a, 0);
	enum digest_alg alg = digest_by_name(lab_text(fields, "rak_hash_algo"));
	uint8_t of_rak[DIGEST_MAX];

	TRY(realm_key(l, a, &rak, w));
	TRY(digest(alg, rak, of_rak, w));
	cbor_put_tag(&b, 399);
	cbor_put_map(&b, 2);
	TRY(put_signed(&b, 44234, lab_item(l, "cpak.key"), platform_claims(l, fields, vouched.n ? vouched : slice_of(of_rak, digest_size(alg)), a), a, w));
	TRY(put_signed(&b, 44241, lab_item(l, "rak.key"), realm_claims(l, bind, fields, rak, a), a, w));
	for (size_t i = 0; i < b.n; i++)
		json_push(a, octets, json_new_u64(a, b.p[i]));
	json_set(a, doc, "token", octets);
	*out = json_text(a, doc);
	return rc_of(OK);
}

#define H(c) c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c	/* 32 bytes */

const struct lab_shape lab_cca = {
	.tee = "cca",
	.what = "platform key to enrol, platform and realm token as COSE_Sign1",
	.variants = "2023, legacy",
	.init_data = true,
	.fields = "{\"implementation_id\": \"" H("7f") "\", \"instance_id\": \"" INSTANCE "\", \"config\": \"cfcfcfcfcfcfcfcf\", \"lifecycle\": 12291,"
		  "\"component_type\": \"BL\", \"component_measurement\": \"" H("13") "\", \"component_version\": \"1.0.1\","
		  "\"component_signer\": \"" H("5a") "\", \"service\": \"https://veraison.example/\", \"platform_hash_algo\": \"sha-256\","
		  "\"platform_challenge\": \"\", \"rak_hash_algo\": \"sha-256\", \"realm_hash_algo\": \"sha-256\", \"rim\": \"" H("d1") "\", \"rem0\": \"" H("00") "\","
		  "\"rem1\": \"" H("00") "\", \"rem2\": \"" H("00") "\", \"rem3\": \"" H("00") "\"}",
	/* base64, as the token's claims stand in policy */
	.values = "{\"cca_realm_initial_measurement\": [\"0dHR0dHR0dHR0dHR0dHR0dHR0dHR0dHR0dHR0dHR0dE=\"],"
		  "\"cca_platform_implementation_id\": [\"f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f38=\"],"
		  "\"cca_platform_config\": [\"z8/Pz8/Pz88=\"]}",
	.make = make,
	.evidence = evidence,
};
