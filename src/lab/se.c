/* se.c - guests of IBM Secure Execution: the ultravisor that opens the server's request with its host key and answers with a keyed
 * measurement. Without a request, as in tests of the driver alone, a pair of the world's own stands in its place. */
#include "base/num.h"
#include "codec/base64.h"
#include "crypto/aead.h"
#include "crypto/ecdh.h"
#include "lab/lab_x509.h"
#include "lab/shapes.h"

#define PAIR	    80u	/* measurement key 64, nonce 16 */
#define SEALED_KEY  "c2VhbGVkIGtleQ=="
#define SEALED_NONCE "c2VhbGVkIG5vbmNl"
#define TAGS_AT	    0xe0u

/* An image header without an encrypted area; only its tags are looked at. */
static RC header(struct arena *a, struct slice *out, struct why *w)
{
	struct buf b = buf_in(a, 0);
	uint8_t *p;

	buf_put(&b, "IBMSecEx", 8);
	buf_be32(&b, 0x100);
	buf_be32(&b, 0x1a0 + 80 + 16);
	p = buf_reserve(&b, 12 + 4);
	buf_be64(&b, 1);	/* key slot */
	buf_be64(&b, 0);
	buf_be64(&b, 16);
	buf_be64(&b, 0);
	(void)buf_reserve(&b, 160);
	p = buf_reserve(&b, 3 * 64);
	for (unsigned i = 0; p && i < 3 * 64; i++)
		p[i] = (uint8_t)(0x10 + i / 64);
	(void)buf_reserve(&b, 80);
	p = buf_reserve(&b, 16);
	if (p)
		memset(p, 0x7a, 16);
	*out = buf_view(&b);
	return buf_ok(&b) ? rc_of(OK) : lab_failed(w, "an image header");
}

static RC make(const struct lab_options *o, struct arena *a, struct lab_world *l, struct why *w)
{
	struct slice key, spki, hdr;
	struct lab_item *item;
	uint8_t pair[PAIR];

	(void)o;
	TRY(lab_key_new(LAB_P521, a, &key, w));
	TRY(lab_key_public(key, a, &spki, w));
	lab_add(l, "host.key", key);
	lab_add(l, "host.pem", lab_pem("PUBLIC KEY", spki, a));
	TRY(header(a, &hdr, w));
	item = lab_add(l, "image.hdr", hdr);
	item->kind = "se-header";
	item->key = "";
	for (unsigned i = 0; i < PAIR; i++)
		pair[i] = (uint8_t)(i * 3 + 1);
	item = lab_add(l, "pair.bin", arena_dup(a, slice_of(pair, sizeof(pair))));
	item->kind = "se-challenge";
	item->key = SEALED_KEY "." SEALED_NONCE;
	return rc_of(OK);
}

/* ---- the ultravisor ---- */

/* The key that protects the request, from its first slot: SHA-256 of the host key, then the wrapped key. */
static RC open_slot(const struct pkey *host, struct slice request, struct secret *out, struct arena *a, struct why *w)
{
	static const uint8_t iv[AEAD_NONCE], one[4] = {0, 0, 0, 1};
	struct slice x = slice_sub(request, 64 + 80 - 66, 66), y = slice_sub(request, 64 + 160 - 66, 66), parts[2];
	struct pkey *customer = NULL;
	SECRET(z);
	SECRET(kek);
	rc r;

	(void)a;
	TRY(pkey_from_ec_xy(KEY_P521, x, y, &customer, w));
	r = ecdh_agree(host, customer, &z, "lab.request", w);
	pkey_free(customer);
	TRY(r);
	TRY(secret_new(&kek, 32, w));
	TRY(secret_new(out, 32, w));
	parts[0] = secret_view(&z);
	parts[1] = slice_of(one, sizeof(one));
	TRY(digest_parts(DIGEST_SHA256, parts, 2, kek.p, w));
	return aead_open(&kek, iv, (struct slice){0}, slice_sub(request, 224 + 32, 48), out->p, w);
}

static RC open_request(struct slice host_pem, struct slice request, uint8_t pair[PAIR], struct arena *a, struct why *w)
{
	struct pkey *host = NULL;
	SECRET(pem);
	SECRET(protection);
	rc r;

	if (request.n < 224 + 80 + PAIR + AEAD_TAG)
		return deny(w, E_MALFORMED, "lab.request", "a request of %zu bytes", request.n);
	TRY(secret_copy(&pem, host_pem, w));
	TRY(pkey_from_private_pem(&pem, &host, w));
	r = open_slot(host, request, &protection, a, w);
	pkey_free(host);
	TRY(r);
	return aead_open(&protection, request.p + 16, slice_sub(request, 0, request.n - PAIR - AEAD_TAG),
			 slice_sub(request, request.n - PAIR - AEAD_TAG, PAIR + AEAD_TAG), pair, w);
}

struct asked {
	uint8_t pair[PAIR];
	struct slice sealed_key, sealed_nonce;	/* texts, handed back */
};

static RC read_challenge(const struct lab_world *l, struct slice text, struct asked *out, struct arena *a, struct why *w)
{
	struct slice blob, request;
	struct json *doc;

	TRY(json_parse(a, text, NULL, &doc, w));
	TRY(json_need_str(doc, "request_blob", &blob, "challenge", w));
	TRY(json_need_str(doc, "encr_measurement_key", &out->sealed_key, "challenge", w));
	TRY(json_need_str(doc, "encr_request_nonce", &out->sealed_nonce, "challenge", w));
	TRY(b64_decode(a, B64_STD, blob, &request, "request_blob", w));
	return open_request(lab_item(l, "host.key"), request, out->pair, a, w);
}

static RC ask(const struct lab_world *l, const struct lab_binding *bind, struct asked *out, struct arena *a, struct why *w)
{
	if (bind->challenge.p)
		return read_challenge(l, bind->challenge, out, a, w);
	memcpy(out->pair, lab_item(l, "pair.bin").p, PAIR);
	out->sealed_key = SLICE_LIT(SEALED_KEY);
	out->sealed_nonce = SLICE_LIT(SEALED_NONCE);
	return rc_of(OK);
}

static struct slice tags_of(const struct lab_world *l, const struct json *fields, struct arena *a)
{
	struct slice hdr = lab_item(l, "image.hdr"), tag = lab_hex(fields, "tag", a);
	struct buf b = buf_in(a, 256);

	buf_slice(&b, slice_sub(hdr, TAGS_AT, 3 * 64));
	buf_slice(&b, tag.n ? lab_fit(tag, 16, a) : slice_sub(hdr, hdr.n - 16, 16));
	return buf_view(&b);
}

static RC evidence(const struct lab_world *l, const struct lab_binding *bind, const struct json *fields, struct arena *a, struct slice *out,
		   struct why *w)
{
	struct slice tags = tags_of(l, fields, a), cuid = lab_fit(lab_hex(fields, "cuid", a), 16, a), user = lab_fit(bind->report_data, 64, a);
	struct buf more = buf_in(a, 64), b = buf_in(a, 0);
	struct json *doc = json_new_object(a);
	struct asked asked;
	uint8_t mac[64];

	TRY(ask(l, bind, &asked, a, w));
	buf_slice(&more, lab_fit(lab_hex(fields, "image_phkh", a), 32, a));
	buf_slice(&more, lab_fit(lab_hex(fields, "attestation_phkh", a), 32, a));
	buf_slice(&b, tags);
	buf_slice(&b, cuid);
	buf_be16(&b, (uint16_t)user.n);
	buf_be16(&b, 0);
	buf_be32(&b, (uint32_t)more.n);
	buf_slice(&b, user);
	buf_put(&b, asked.pair + 64, 16);
	buf_slice(&b, buf_view(&more));
	TRY(hmac(DIGEST_SHA512, slice_of(asked.pair, 64), buf_view(&b), mac, w));
	json_set(a, doc, "measurement", json_new_b64(a, slice_of(mac, sizeof(mac))));
	json_set(a, doc, "additional_data", json_new_b64(a, buf_view(&more)));
	json_set(a, doc, "user_data", json_new_b64(a, user));
	json_set(a, doc, "cuid", json_new_b64(a, cuid));
	json_set(a, doc, "encr_measurement_key", json_new_str(a, asked.sealed_key));
	json_set(a, doc, "encr_request_nonce", json_new_str(a, asked.sealed_nonce));
	json_set(a, doc, "image_hdr_tags", json_new_b64(a, tags));
	*out = json_text(a, doc);
	return rc_of(OK);
}

#define IMAGE "1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b"
#define HOST  "a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5"

const struct lab_shape lab_se = {
	.tee = "se",
	.what = "host key, image header, and the ultravisor's keyed measurement",
	.fields = "{\"cuid\": \"c0c1c2c3c4c5c6c7c8c9cacbcccdcecf\", \"tag\": \"\", \"image_phkh\": \"" IMAGE "\", \"attestation_phkh\": \"" HOST "\"}",
	.values = "{\"se_image_tag\": [\"7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a\"], \"se_attestation_phkh\": [\"" HOST "\"], \"se_image_phkh\": [\"" IMAGE "\"]}",
	.make = make,
	.evidence = evidence,
};
