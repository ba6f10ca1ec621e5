/* pkey_sig.c - signatures. EC signatures are r || s outside of this file, DER only at OpenSSL's door. */
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#include "base/num.h"
#include "crypto/crypto_priv.h"

struct alg {
	enum key_kind kind;
	enum digest_alg hash;
	bool pss;
	bool any_curve;
	size_t width;	/* of r and s; 0: no EC */
};

static bool alg_of(enum sig_alg alg, struct alg *out)
{
	switch (alg) {
	case SIG_ES256:
		*out = (struct alg){KEY_P256, DIGEST_SHA256, .width = 32};
		return true;
	case SIG_ES384:
		*out = (struct alg){KEY_P384, DIGEST_SHA384, .width = 48};
		return true;
	case SIG_ES512:
		*out = (struct alg){KEY_P521, DIGEST_SHA512, .width = 66};
		return true;
	case SIG_RS256:
	case SIG_PS256:
		*out = (struct alg){KEY_RSA, DIGEST_SHA256, .pss = alg == SIG_PS256};
		return true;
	case SIG_RS384:
	case SIG_PS384:
		*out = (struct alg){KEY_RSA, DIGEST_SHA384, .pss = alg == SIG_PS384};
		return true;
	case SIG_RS512:
	case SIG_PS512:
		*out = (struct alg){KEY_RSA, DIGEST_SHA512, .pss = alg == SIG_PS512};
		return true;
	case SIG_EDDSA:
		*out = (struct alg){KEY_ED25519, 0};
		return true;
	case SIG_SM2:
		*out = (struct alg){KEY_SM2, DIGEST_SM3, .width = 32};
		return true;
	}
	return false;
}

static size_t width_of(enum key_kind k)
{
	return k == KEY_P256 || k == KEY_SM2 ? 32 : k == KEY_P384 ? 48 : k == KEY_P521 ? 66 : 0;
}

/* r || s to DER; 0 when it cannot be a signature (r or s zero, wrong length). */
static size_t raw_to_der(struct slice raw, size_t width, uint8_t out[160])
{
	ECDSA_SIG *sig;
	BIGNUM *r, *s;
	uint8_t *p = out;
	int n = 0;

	if (raw.n != 2 * width)
		return 0;
	sig = ECDSA_SIG_new();
	r = BN_bin2bn(raw.p, (int)width, NULL);
	s = BN_bin2bn(raw.p + width, (int)width, NULL);
	if (!sig || !r || !s || BN_is_zero(r) || BN_is_zero(s) || ECDSA_SIG_set0(sig, r, s) != 1) {
		ECDSA_SIG_free(sig);
		BN_free(r);
		BN_free(s);
		return 0;
	}
	n = i2d_ECDSA_SIG(sig, NULL);
	n = n > 0 && n <= 160 ? i2d_ECDSA_SIG(sig, &p) : 0;
	ECDSA_SIG_free(sig);
	return n > 0 ? (size_t)n : 0;
}

rc sig_der_to_raw(struct slice der, size_t n, struct arena *a, struct slice *raw, const char *reason, struct why *w)
{
	const uint8_t *p = der.p;
	ECDSA_SIG *sig = der.n && der.n <= 256 ? d2i_ECDSA_SIG(NULL, &p, (long)der.n) : NULL;
	uint8_t again[256], *q = again, *out = arena_alloc(a, 2 * n);
	bool ok = sig && out && p == der.p + der.n;

	/* One encoding only: what OpenSSL writes for these numbers. */
	ok = ok && i2d_ECDSA_SIG(sig, NULL) == (int)der.n && i2d_ECDSA_SIG(sig, &q) == (int)der.n && memcmp(again, der.p, der.n) == 0;
	ok = ok && BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, (int)n) == (int)n && BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + n, (int)n) == (int)n;
	ECDSA_SIG_free(sig);
	ERR_clear_error();
	if (!ok)
		return deny(w, E_MALFORMED, reason, "not a DER signature of two numbers of up to %zu bytes", n);
	*raw = slice_of(out, 2 * n);
	return rc_of(OK);
}

static rc unsuited(const char *what, struct why *w)
{
	return deny(w, E_UNSUPPORTED, "key.algorithm", "the algorithm does not suit the key: %s", what);
}

static bool set_rsa(EVP_PKEY_CTX *c, bool pss, const EVP_MD *md)
{
	if (!pss)
		return EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PADDING) == 1;
	return EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PSS_PADDING) == 1 && EVP_PKEY_CTX_set_rsa_mgf1_md(c, md) == 1 &&
	       EVP_PKEY_CTX_set_rsa_pss_saltlen(c, RSA_PSS_SALTLEN_DIGEST) == 1;
}

/* A context of a key on a curve; NULL on failure. A key that is used again keeps one to copy from: `ready`. */
static EVP_PKEY_CTX *ec_context(const struct pkey *k, int (*init)(EVP_PKEY_CTX *), enum digest_alg hash, bool again,
				_Atomic(EVP_PKEY_CTX *) *ready)
{
	bool own = (k->kind == KEY_P256 && hash == DIGEST_SHA256) || (k->kind == KEY_P384 && hash == DIGEST_SHA384) ||
		   (k->kind == KEY_P521 && hash == DIGEST_SHA512);
	EVP_PKEY_CTX *c = own ? atomic_load(ready) : NULL, *spare, *none = NULL;

	if (c)
		return EVP_PKEY_CTX_dup(c);
	c = EVP_PKEY_CTX_new_from_pkey(NULL, k->evp, NULL);
	if (!c || init(c) != 1 || EVP_PKEY_CTX_set_signature_md(c, digest_evp(hash)) != 1) {
		EVP_PKEY_CTX_free(c);
		return NULL;
	}
	spare = own && again ? EVP_PKEY_CTX_dup(c) : NULL;
	if (spare && !atomic_compare_exchange_strong(ready, &none, spare))
		EVP_PKEY_CTX_free(spare);	/* another thread was faster */
	return c;
}

static EVP_PKEY_CTX *verify_context(const struct pkey *k, enum digest_alg hash, bool pss)
{
	struct pkey *m = (struct pkey *)(uintptr_t)k;	/* what it keeps ready changes nothing that it is */
	EVP_PKEY_CTX *c;

	if (k->kind != KEY_RSA)
		return ec_context(k, EVP_PKEY_verify_init, hash, atomic_exchange(&m->verified, true), &m->ready_verify);
	c = EVP_PKEY_CTX_new_from_pkey(NULL, k->evp, NULL);
	if (c && EVP_PKEY_verify_init(c) == 1 && set_rsa(c, pss, digest_evp(hash)) && EVP_PKEY_CTX_set_signature_md(c, digest_evp(hash)) == 1)
		return c;
	EVP_PKEY_CTX_free(c);
	return NULL;
}

static EVP_PKEY_CTX *sign_context(const struct pkey *k, enum digest_alg hash, bool pss)
{
	struct pkey *m = (struct pkey *)(uintptr_t)k;
	EVP_PKEY_CTX *c;

	if (k->kind != KEY_RSA)
		return ec_context(k, EVP_PKEY_sign_init, hash, true, &m->ready_sign);
	c = EVP_PKEY_CTX_new_from_pkey(NULL, k->evp, NULL);
	if (c && EVP_PKEY_sign_init(c) == 1 && set_rsa(c, pss, digest_evp(hash)) && EVP_PKEY_CTX_set_signature_md(c, digest_evp(hash)) == 1)
		return c;
	EVP_PKEY_CTX_free(c);
	return NULL;
}

static rc verify_digest(const struct pkey *k, enum digest_alg hash, bool pss, struct slice d, struct slice sig, const char *reason,
			struct why *w)
{
	EVP_PKEY_CTX *c;
	uint8_t der[160];
	bool ok;

	/* NIST SP 800-131A; RFC 7518 3.3. Keys of 1024 bits are read, so that a refusal can say whose they are. */
	if (k->kind == KEY_RSA && pkey_bits(k) < RSA_BITS_MIN)
		return deny(w, E_DENIED, reason, "a signature by an RSA key of %u bits does not count, it takes %u", pkey_bits(k), RSA_BITS_MIN);
	if (k->kind != KEY_RSA) {
		size_t n = raw_to_der(sig, width_of(k->kind), der);

		if (!n)
			return deny(w, E_DENIED, reason, "a signature of %zu bytes is none of this key", sig.n);
		sig = slice_of(der, n);
	}
	c = verify_context(k, hash, pss);
	ok = c && EVP_PKEY_verify(c, sig.p, sig.n, d.p, d.n) == 1;
	EVP_PKEY_CTX_free(c);
	ERR_clear_error();
	return ok ? rc_of(OK) : deny(w, E_DENIED, reason, "the signature does not verify");
}

rc pkey_verify_hash(const struct pkey *k, enum digest_alg hash, bool pss, struct slice msg, struct slice sig, const char *reason,
		    struct why *w)
{
	uint8_t d[DIGEST_MAX];

	if (k->kind == KEY_ED25519 || k->kind == KEY_SM2)
		return unsuited("a hash named apart", w);
	TRY(digest(hash, msg, d, w));
	return verify_digest(k, hash, pss, slice_of(d, digest_size(hash)), sig, reason, w);
}

static rc verify_eddsa(const struct pkey *k, struct slice msg, struct slice sig, const char *reason, struct why *w)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	bool ok = c && EVP_DigestVerifyInit_ex(c, NULL, NULL, NULL, NULL, k->evp, NULL) == 1 &&
		  EVP_DigestVerify(c, sig.p, sig.n, msg.p, msg.n) == 1;

	EVP_MD_CTX_free(c);
	ERR_clear_error();
	return ok ? rc_of(OK) : deny(w, E_DENIED, reason, "the signature does not verify");
}

rc pkey_verify_digest(const struct pkey *k, enum sig_alg alg, struct slice d, struct slice sig, const char *reason, struct why *w)
{
	struct alg al;

	if (!alg_of(alg, &al) || al.kind != k->kind || !al.hash || alg == SIG_SM2)
		return unsuited("key and algorithm are of different kinds", w);
	if (d.n != digest_size(al.hash))
		return deny(w, E_INTERNAL, "key.digest", "a digest of %zu bytes for %s", d.n, digest_name(al.hash));
	return verify_digest(k, al.hash, al.pss, d, sig, reason, w);
}

rc pkey_verify(const struct pkey *k, enum sig_alg alg, struct slice msg, struct slice sig, const char *reason, struct why *w)
{
	uint8_t d[DIGEST_MAX];
	struct alg al;

	if (!alg_of(alg, &al) || al.kind != k->kind || alg == SIG_SM2)
		return unsuited("key and algorithm are of different kinds", w);
	if (alg == SIG_EDDSA)
		return verify_eddsa(k, msg, sig, reason, w);
	TRY(digest(al.hash, msg, d, w));
	return verify_digest(k, al.hash, al.pss, slice_of(d, digest_size(al.hash)), sig, reason, w);
}

rc pkey_verify_sm2(const struct pkey *k, struct slice id, struct slice msg, struct slice sig, const char *reason, struct why *w)
{
	EVP_PKEY_CTX *pc = NULL;
	EVP_MD_CTX *c;
	uint8_t der[160];
	size_t n;
	bool ok;

	if (k->kind != KEY_SM2)
		return unsuited("not an SM2 key", w);
	n = raw_to_der(sig, 32, der);
	c = EVP_MD_CTX_new();
	pc = EVP_PKEY_CTX_new_from_pkey(NULL, k->evp, NULL);
	ok = n && c && pc && id.n < 8192 && EVP_PKEY_CTX_set1_id(pc, id.p, (int)id.n) == 1;
	if (ok) {
		EVP_MD_CTX_set_pkey_ctx(c, pc);
		ok = EVP_DigestVerifyInit_ex(c, NULL, "SM3", NULL, NULL, k->evp, NULL) == 1 &&
		     EVP_DigestVerify(c, der, n, msg.p, msg.n) == 1;
	}
	EVP_MD_CTX_free(c);
	EVP_PKEY_CTX_free(pc);
	ERR_clear_error();
	return ok ? rc_of(OK) : deny(w, E_DENIED, reason, "the signature does not verify");
}

static rc sign_failed(struct why *w)
{
	ERR_clear_error();
	return deny(w, E_INTERNAL, "key.sign", "the key cannot sign this");
}

static rc sign_ed25519(const struct pkey *k, struct slice msg, struct arena *a, struct slice *sig, struct why *w)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	uint8_t *out = arena_alloc(a, 64);
	size_t n = 64;
	bool ok = c && out && EVP_DigestSignInit_ex(c, NULL, NULL, NULL, NULL, k->evp, NULL) == 1 &&
		  EVP_DigestSign(c, out, &n, msg.p, msg.n) == 1;

	EVP_MD_CTX_free(c);
	if (!ok)
		return sign_failed(w);
	*sig = slice_of(out, n);
	return rc_of(OK);
}

rc pkey_sign(const struct pkey *k, enum sig_alg alg, struct slice msg, struct arena *a, struct slice *sig, struct why *w)
{
	uint8_t d[DIGEST_MAX], *out = arena_alloc(a, 1024);
	EVP_PKEY_CTX *c;
	size_t n = 1024;
	struct alg al;
	bool ok;

	if (!k->is_private || !alg_of(alg, &al) || al.kind != k->kind || alg == SIG_SM2)
		return unsuited(k->is_private ? "key and algorithm are of different kinds" : "the key is public", w);
	if (alg == SIG_EDDSA)
		return sign_ed25519(k, msg, a, sig, w);
	TRY(digest(al.hash, msg, d, w));
	c = sign_context(k, al.hash, al.pss);
	ok = out && c && EVP_PKEY_sign(c, out, &n, d, digest_size(al.hash)) == 1;
	EVP_PKEY_CTX_free(c);
	if (!ok)
		return sign_failed(w);
	if (!al.width) {
		*sig = slice_of(out, n);
		return rc_of(OK);
	}
	return sig_der_to_raw(slice_of(out, n), al.width, a, sig, "key.sign", w);
}
