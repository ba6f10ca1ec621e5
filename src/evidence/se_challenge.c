#include "evidence/se_challenge.h"

#include "base/cur.h"
#include "base/sys.h"
#include "codec/base64.h"
#include "crypto/aead.h"
#include "crypto/ecdh.h"

#define KEY_SIZE 64u
#define NONCE_SIZE 16u
#define SLOT_SIZE 80u
#define ID_SIZE 16u
/* flags: nonce, image PHKH, attestation PHKH (bits 1 to 3 from the most significant) */
#define ARCB_FLAGS (UINT64_C(7) << 60)
#define ADDITIONAL_SIZE 64u	/* two hashes of 32 */

/* ---- sealing: version, expiry, id, nonce, ciphertext and tag ---- */

static const char role_key[] = "warrant se measurement key 1", role_nonce[] = "warrant se request nonce 1";

static RC seal(const struct secret *seal_key, const char *role, int64_t expires_s, const uint8_t id[ID_SIZE], struct slice plain,
	       struct arena *a, struct slice *text, struct why *w)
{
	struct buf b = buf_in(a, 512), aad = buf_in(a, 256);
	uint8_t nonce[AEAD_NONCE], *sealed;

	TRY(sys_random(nonce, sizeof(nonce), w));
	buf_putc(&b, 1);
	buf_be64(&b, (uint64_t)expires_s);
	buf_put(&b, id, ID_SIZE);
	buf_puts(&aad, role);
	buf_slice(&aad, buf_view(&b));
	buf_put(&b, nonce, sizeof(nonce));
	sealed = buf_reserve(&b, plain.n + AEAD_TAG);
	if (!sealed || !buf_ok(&aad))
		return deny(w, E_INTERNAL, "se.memory", "no memory to seal a key");
	TRY(aead_seal(seal_key, nonce, buf_view(&aad), plain, sealed, w));
	*text = b64_text(a, B64_STD, buf_view(&b));
	return text->p ? rc_of(OK) : deny(w, E_INTERNAL, "se.memory", "no memory to seal a key");
}

struct opened {
	struct slice id;
	int64_t expires_s;
};

static RC unseal(const struct secret *seal_key, const char *role, struct slice text, size_t n, struct arena *a, uint8_t *out,
		 struct opened *o, struct why *w)
{
	struct why inner = why_in(a);
	struct buf aad = buf_in(a, 256);
	struct slice raw, nonce, sealed;
	struct msg m;
	struct cur c;

	if (!rc_ok(b64_decode(a, B64_STD, text, &raw, role, &inner)))
		return deny(w, E_DENIED, "se.decrypt.sealed", "what the evidence carries is none of our sealed texts");
	c = cur_open(&m, raw);
	if (cur_u8(&c) != 1)
		cur_spoil(&c);
	o->expires_s = (int64_t)cur_be64(&c);
	o->id = cur_take(&c, ID_SIZE);
	nonce = cur_take(&c, AEAD_NONCE);
	sealed = cur_take(&c, n + AEAD_TAG);
	if (!rc_ok(cur_end(&c, &inner, "se.decrypt.sealed", "a sealed text")))
		return deny(w, E_DENIED, "se.decrypt.sealed", "what the evidence carries is none of our sealed texts");
	buf_puts(&aad, role);
	buf_slice(&aad, slice_sub(raw, 0, 1 + 8 + ID_SIZE));
	if (!buf_ok(&aad))
		return deny(w, E_INTERNAL, "se.memory", "no memory to open a key");
	if (!rc_ok(aead_open(seal_key, nonce.p, buf_view(&aad), sealed, out, &inner)))
		return deny(w, E_DENIED, "se.decrypt.sealed", "a sealed text was changed, or is another server's");
	return rc_of(OK);
}

RC se_challenge_open(const struct secret *seal_key, struct slice sealed_key, struct slice sealed_nonce, int64_t now_s,
		     struct arena *a, struct secret *pair, struct why *w)
{
	struct opened of_key, of_nonce;
	SECRET(both);

	TRY(secret_new(&both, SE_PAIR_SIZE, w));
	TRY(unseal(seal_key, role_key, sealed_key, KEY_SIZE, a, both.p, &of_key, w));
	TRY(unseal(seal_key, role_nonce, sealed_nonce, NONCE_SIZE, a, both.p + KEY_SIZE, &of_nonce, w));
	if (!slice_eq(of_key.id, of_nonce.id) || of_key.expires_s != of_nonce.expires_s)
		return deny(w, E_DENIED, "se.decrypt.sealed", "key and nonce are of two challenges");
	if (now_s > of_key.expires_s)
		return deny(w, E_DENIED, "se.expired.challenge", "the challenge ended at %lld, it is %lld", (long long)of_key.expires_s,
			    (long long)now_s);
	*pair = secret_move(&both);
	return rc_of(OK);
}

/* ---- names ---- */

static bool is_b64(struct slice text)
{
	for (size_t i = 0; i < text.n; i++)
		if (!((text.p[i] | 0x20) >= 'a' && (text.p[i] | 0x20) <= 'z') && !(text.p[i] >= '0' && text.p[i] <= '9') &&
		    text.p[i] != '+' && text.p[i] != '/' && text.p[i] != '=')
			return false;
	return text.n > 0;
}

RC se_challenge_name(struct arena *a, struct slice sealed_key, struct slice sealed_nonce, const char **out, struct why *w)
{
	struct buf b = buf_in(a, 0);

	if (!is_b64(sealed_key) || !is_b64(sealed_nonce))
		return deny(w, E_MALFORMED, "se.parse.sealed", "a sealed text is no base64");
	buf_slice(&b, sealed_key);
	buf_putc(&b, '.');
	buf_slice(&b, sealed_nonce);
	*out = buf_cstr(&b);
	return *out ? rc_of(OK) : deny(w, E_INTERNAL, "se.memory", "no memory for a name");
}

RC se_challenge_open_name(const struct secret *seal_key, const char *name, int64_t now_s, struct arena *a, struct secret *pair,
			  struct why *w)
{
	const char *dot = strchr(name, '.');

	if (!dot)
		return deny(w, E_DENIED, "se.decrypt.sealed", "what the evidence carries is none of our sealed texts");
	return se_challenge_open(seal_key, slice_of(name, (size_t)(dot - name)), slice_cstr(dot + 1), now_s, a, pair, w);
}

/* ---- the request ---- */

/* x and y, each padded to 80 bytes. */
static RC put_point(struct buf *b, const struct pkey *key, struct arena *a, struct why *w)
{
	static const uint8_t zero[80];
	struct slice x, y;

	TRY(pkey_ec_xy(key, a, &x, &y, w));
	buf_put(b, zero, 80 - x.n);
	buf_slice(b, x);
	buf_put(b, zero, 80 - y.n);
	buf_slice(b, y);
	return rc_of(OK);
}

/* SHA-256 of the host key, then the request protection key, wrapped for it: AES-256-GCM under SHA-256(Z || 1), IV zero.
 * The IV may be constant, as the customer key, and so the wrapping key, is new in each request. */
static RC put_slot(struct buf *b, const struct pkey *customer, const struct pkey *host, const struct secret *protection,
		   struct arena *a, struct why *w)
{
	static const uint8_t iv[AEAD_NONCE], one[4] = {0, 0, 0, 1};
	struct buf point = buf_in(a, 256);
	struct slice parts[2];
	uint8_t hash[32], *wrapped;
	SECRET(z);
	SECRET(kek);

	TRY(put_point(&point, host, a, w));
	TRY(digest(DIGEST_SHA256, buf_view(&point), hash, w));
	TRY(ecdh_agree(customer, host, &z, "se.challenge.key", w));
	TRY(secret_new(&kek, 32, w));
	parts[0] = secret_view(&z);
	parts[1] = slice_of(one, sizeof(one));
	TRY(digest_parts(DIGEST_SHA256, parts, 2, kek.p, w));
	buf_put(b, hash, sizeof(hash));
	wrapped = buf_reserve(b, protection->n + AEAD_TAG);
	if (!wrapped)
		return deny(w, E_INTERNAL, "se.memory", "no memory for a request");
	return aead_seal(&kek, iv, (struct slice){0}, secret_view(protection), wrapped, w);
}

static RC put_request(struct buf *b, const struct se_challenge_env *env, const struct pkey *customer, const struct secret *pair,
		      struct arena *a, struct why *w)
{
	uint32_t size = (uint32_t)(224 + SLOT_SIZE * env->host_keys_n + SE_PAIR_SIZE + AEAD_TAG);
	uint8_t iv[AEAD_NONCE], *sealed;
	SECRET(protection);
	size_t aad_n;

	TRY(sys_random(iv, sizeof(iv), w));
	TRY(secret_random(&protection, AEAD_KEY, w));
	buf_be64(b, 0);
	buf_be32(b, 0x100);
	buf_be32(b, size);
	buf_put(b, iv, sizeof(iv));
	buf_put(b, (const uint8_t[11]){0}, 11);
	buf_putc(b, (char)env->host_keys_n);
	buf_be32(b, 0);
	buf_be32(b, SE_PAIR_SIZE);
	buf_be64(b, ARCB_FLAGS);
	buf_be32(b, 1);
	buf_be32(b, 0);
	TRY(put_point(b, customer, a, w));
	for (size_t i = 0; i < env->host_keys_n; i++)
		TRY(put_slot(b, customer, env->host_keys[i], &protection, a, w));
	aad_n = b->n;
	sealed = buf_reserve(b, SE_PAIR_SIZE + AEAD_TAG);
	if (!sealed)
		return deny(w, E_INTERNAL, "se.memory", "no memory for a request");
	return aead_seal(&protection, iv, slice_sub(buf_view(b), 0, aad_n), secret_view(pair), sealed, w);
}

static RC check_env(const struct se_challenge_env *env, struct why *w)
{
	if (env->host_keys_n == 0 || env->host_keys_n > SE_HOST_KEYS_MAX)
		return deny(w, E_UNSUPPORTED, "se.challenge.key", "%zu host keys, expected 1 to %u", env->host_keys_n,
			    SE_HOST_KEYS_MAX);
	for (size_t i = 0; i < env->host_keys_n; i++)
		if (pkey_kind(env->host_keys[i]) != KEY_P521)
			return deny(w, E_UNSUPPORTED, "se.challenge.key", "host key %zu is not on P-521", i);
	if (env->image_tags.n != SE_IMAGE_TAGS_SIZE)
		return deny(w, E_MALFORMED, "se.challenge.tags", "image tags of %zu bytes, expected %u", env->image_tags.n,
			    SE_IMAGE_TAGS_SIZE);
	return rc_of(OK);
}

RC se_challenge_make(const struct se_challenge_env *env, struct arena *a, struct json **out, struct why *w)
{
	struct buf request = buf_in(a, 8192);
	struct pkey *customer = NULL;
	struct slice sealed_key, sealed_nonce;
	uint8_t id[ID_SIZE];
	struct json *o;
	SECRET(pair);
	rc r;

	TRY(check_env(env, w));
	TRY(secret_random(&pair, SE_PAIR_SIZE, w));
	TRY(sys_random(id, sizeof(id), w));
	TRY(pkey_generate(KEY_P521, 0, &customer, w));
	r = put_request(&request, env, customer, &pair, a, w);
	pkey_free(customer);
	TRY(r);
	TRY(seal(env->seal_key, role_key, env->expires_s, id, slice_sub(secret_view(&pair), 0, KEY_SIZE), a, &sealed_key, w));
	TRY(seal(env->seal_key, role_nonce, env->expires_s, id, slice_sub(secret_view(&pair), KEY_SIZE, NONCE_SIZE), a, &sealed_nonce, w));
	o = json_new_object(a);
	json_set(a, o, "request_blob", json_new_b64(a, buf_view(&request)));
	json_set(a, o, "measurement_size", json_new_u64(a, 64));
	json_set(a, o, "additional_size", json_new_u64(a, ADDITIONAL_SIZE));
	json_set(a, o, "encr_measurement_key", json_new_str(a, sealed_key));
	json_set(a, o, "encr_request_nonce", json_new_str(a, sealed_nonce));
	json_set(a, o, "image_hdr_tags", json_new_b64(a, env->image_tags));
	if (arena_bad(a) || !buf_ok(&request) || !o)
		return deny(w, E_INTERNAL, "se.memory", "no memory for a challenge");
	*out = o;
	return rc_of(OK);
}
