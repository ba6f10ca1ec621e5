/* pkey.c - keys: made from what the wire, files and certificates carry. */
#include "crypto/pkey.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/num.h"
#include "crypto/crypto_priv.h"

static const struct {
	enum key_kind kind;
	const char *group;
	size_t width;
} curves[] = {{KEY_P256, "prime256v1", 32}, {KEY_P384, "secp384r1", 48}, {KEY_P521, "secp521r1", 66}, {KEY_SM2, "SM2", 32}};

/* Keys without numbers, one a curve, made once and never changed after: a copy of one costs a quarter of what reading the curve's
 * parameters by name does, and each guest brings a key of its own.
 */
static EVP_PKEY *blank[COUNT_OF(curves)];
static pthread_once_t blank_once = PTHREAD_ONCE_INIT;

static void make_blanks(void)
{
	for (size_t i = 0; i < COUNT_OF(curves); i++) {
		EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, curves[i].kind == KEY_SM2 ? "SM2" : "EC", NULL);

		if (!c || EVP_PKEY_paramgen_init(c) != 1 || EVP_PKEY_CTX_set_group_name(c, curves[i].group) != 1 ||
		    EVP_PKEY_paramgen(c, &blank[i]) != 1)
			ERR_clear_error();	/* a curve that this library lacks */
		EVP_PKEY_CTX_free(c);
	}
}

/* NULL: no curve of ours, or the library lacks it. */
static const EVP_PKEY *blank_of(enum key_kind kind)
{
	pthread_once(&blank_once, make_blanks);
	for (size_t i = 0; i < COUNT_OF(curves); i++)
		if (curves[i].kind == kind)
			return blank[i];
	return NULL;
}

const char *crypto_error(char out[256])
{
	unsigned long e = ERR_peek_last_error();

	snprintf(out, 256, "%s", e ? ERR_reason_error_string(e) : "no details");
	ERR_clear_error();
	return out;
}

static size_t curve_width(enum key_kind kind)
{
	for (size_t i = 0; i < COUNT_OF(curves); i++)
		if (curves[i].kind == kind)
			return curves[i].width;
	return 0;
}

static bool kind_of(EVP_PKEY *evp, enum key_kind *kind)
{
	char group[64];
	size_t n;

	if (EVP_PKEY_is_a(evp, "RSA") || EVP_PKEY_is_a(evp, "RSA-PSS")) {
		*kind = KEY_RSA;
		return true;
	}
	if (EVP_PKEY_is_a(evp, "ED25519")) {
		*kind = KEY_ED25519;
		return true;
	}
	if (EVP_PKEY_is_a(evp, "SM2")) {
		*kind = KEY_SM2;
		return true;
	}
	if (!EVP_PKEY_is_a(evp, "EC") || EVP_PKEY_get_group_name(evp, group, sizeof(group), &n) != 1)
		return false;
	for (size_t i = 0; i < COUNT_OF(curves); i++)
		if (strcmp(group, curves[i].group) == 0) {
			*kind = curves[i].kind;
			return true;
		}
	return false;
}

/* Takes the EVP_PKEY over, of a kind that is known. */
static rc wrap_kind(EVP_PKEY *evp, enum key_kind kind, bool is_private, struct pkey **out, struct why *w)
{
	struct pkey *k = calloc(1, sizeof(*k));

	if (!k) {
		EVP_PKEY_free(evp);
		return deny(w, E_INTERNAL, "key.memory", "no memory");
	}
	k->evp = evp;
	k->kind = kind;
	k->is_private = is_private;
	atomic_init(&k->refs, 1);
	*out = k;
	return rc_of(OK);
}

rc pkey_wrap(EVP_PKEY *evp, bool is_private, bool allow_small_rsa, struct pkey **out, struct why *w)
{
	enum key_kind kind;
	int bits;

	if (!evp)
		return deny(w, E_MALFORMED, "key.malformed", "no key");
	if (!kind_of(evp, &kind)) {
		EVP_PKEY_free(evp);
		return deny(w, E_UNSUPPORTED, "key.kind", "the key is neither RSA, P-256, P-384, P-521, SM2 nor Ed25519");
	}
	bits = EVP_PKEY_get_bits(evp);
	if (kind == KEY_RSA && (bits > 8192 || bits < (allow_small_rsa ? 1024 : 2048))) {
		EVP_PKEY_free(evp);
		return deny(w, E_UNSUPPORTED, "key.kind", "an RSA key of %d bits, taken are 2048 to 8192", bits);
	}
	return wrap_kind(evp, kind, is_private, out, w);
}

void pkey_free(struct pkey *k)
{
	if (k && atomic_fetch_sub(&k->refs, 1) == 1) {
		EVP_PKEY_CTX_free(atomic_load(&k->ready_sign));
		EVP_PKEY_CTX_free(atomic_load(&k->ready_verify));
		EVP_PKEY_free(k->evp);
		free(k);
	}
}

struct pkey *pkey_ref(const struct pkey *k)
{
	struct pkey *m = (struct pkey *)(uintptr_t)k;

	if (m)
		atomic_fetch_add(&m->refs, 1);
	return m;
}

enum key_kind pkey_kind(const struct pkey *k)
{
	return k->kind;
}

unsigned pkey_bits(const struct pkey *k)
{
	return (unsigned)EVP_PKEY_get_bits(k->evp);
}

bool pkey_is_private(const struct pkey *k)
{
	return k->is_private;
}

bool pkey_same(const struct pkey *a, const struct pkey *b)
{
	return EVP_PKEY_eq(a->evp, b->evp) == 1;
}

static rc malformed(const char *what, struct why *w)
{
	char text[256];

	return deny(w, E_MALFORMED, "key.malformed", "%s: %s", what, crypto_error(text));
}

/* SubjectPublicKeyInfo of a curve (RFC 5480): fixed bytes, then the uncompressed point. OpenSSL's general decoder takes many times
 * as long as the signature check that follows, and every TPM quote brings its key in this form. */
static const struct {
	enum key_kind kind;
	size_t width;
	struct slice head;
} spki_ec[] = {
	{KEY_P256, 32, {(const uint8_t *)"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00\x04", 27}},
	{KEY_P384, 48, {(const uint8_t *)"\x30\x76\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22\x03\x62\x00\x04", 24}},
};

rc pkey_from_spki(struct slice der, struct pkey **out, struct why *w)
{
	const uint8_t *p = der.p;
	EVP_PKEY *evp;

	for (size_t i = 0; i < COUNT_OF(spki_ec); i++) {
		size_t head = spki_ec[i].head.n, width = spki_ec[i].width;

		if (der.n == head + 2 * width && slice_starts(der, spki_ec[i].head))
			return pkey_from_ec_xy(spki_ec[i].kind, slice_sub(der, head, width), slice_sub(der, head + width, width), out, w);
	}
	evp = der.n && der.n <= 65536 ? d2i_PUBKEY(NULL, &p, (long)der.n) : NULL;
	if (!evp)
		return malformed("SubjectPublicKeyInfo", w);
	if (p != der.p + der.n) {
		EVP_PKEY_free(evp);
		return deny(w, E_MALFORMED, "key.malformed", "SubjectPublicKeyInfo: %zu bytes left over", (size_t)(der.p + der.n - p));
	}
	return pkey_wrap(evp, false, true, out, w);
}

static BIO *bio_of(struct slice s)
{
	return s.n <= INT32_MAX ? BIO_new_mem_buf(s.n ? (const void *)s.p : "", (int)s.n) : NULL;
}

/* Never asks a terminal for a password. */
static int no_password(char *buf, int size, int rwflag, void *ctx)
{
	(void)buf;
	(void)size;
	(void)rwflag;
	(void)ctx;
	return -1;
}

rc pkey_from_pem(struct slice pem, struct pkey **out, struct why *w)
{
	BIO *bio = bio_of(pem);
	EVP_PKEY *evp = bio ? PEM_read_bio_PUBKEY(bio, NULL, no_password, NULL) : NULL;
	X509 *cert;

	BIO_free(bio);
	if (!evp) {
		bio = bio_of(pem);
		cert = bio ? PEM_read_bio_X509(bio, NULL, no_password, NULL) : NULL;
		BIO_free(bio);
		evp = cert ? X509_get_pubkey(cert) : NULL;
		X509_free(cert);
	}
	if (!evp)
		return malformed("neither a PEM public key nor a certificate", w);
	ERR_clear_error();
	return pkey_wrap(evp, false, true, out, w);
}

static rc from_params(const char *type, OSSL_PARAM_BLD *bld, EVP_PKEY **evp, struct why *w)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	bool ok = params && ctx && EVP_PKEY_fromdata_init(ctx) == 1 && EVP_PKEY_fromdata(ctx, evp, EVP_PKEY_PUBLIC_KEY, params) == 1;

	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	return ok ? rc_of(OK) : malformed("the numbers are no public key", w);
}

rc pkey_from_ec_xy(enum key_kind curve, struct slice x, struct slice y, struct pkey **out, struct why *w)
{
	size_t width = curve_width(curve);
	uint8_t point[1 + 2 * 66] = {4};
	const EVP_PKEY *from;
	EVP_PKEY *evp;

	if (!width || x.n == 0 || y.n == 0 || x.n > width || y.n > width)
		return deny(w, E_MALFORMED, "key.malformed", "coordinates of %zu and %zu bytes do not fit the curve's %zu", x.n, y.n, width);
	memcpy(point + 1 + (width - x.n), x.p, x.n);
	memcpy(point + 1 + width + (width - y.n), y.p, y.n);
	from = blank_of(curve);
	evp = from ? EVP_PKEY_dup((EVP_PKEY *)(uintptr_t)from) : NULL;
	if (!evp)
		return deny(w, E_INTERNAL, "key.memory", "no memory, or not this curve");
	/* Sees that the point is on the curve. */
	if (EVP_PKEY_set1_encoded_public_key(evp, point, 1 + 2 * width) != 1) {
		EVP_PKEY_free(evp);
		return malformed("the numbers are no public key", w);
	}
	return wrap_kind(evp, curve, false, out, w);
}

rc pkey_from_rsa(struct slice n, struct slice e, struct pkey **out, struct why *w)
{
	BIGNUM *bn, *be;
	OSSL_PARAM_BLD *bld;
	EVP_PKEY *evp = NULL;
	bool ok;
	rc r;

	if (n.n == 0 || n.n > 1024 || e.n == 0 || e.n > 8)
		return deny(w, E_MALFORMED, "key.malformed", "an RSA key with a modulus of %zu and an exponent of %zu bytes", n.n, e.n);
	if ((e.p[e.n - 1] & 1) == 0 || (e.n == 1 && e.p[0] < 3))
		return deny(w, E_MALFORMED, "key.malformed", "the RSA exponent is even or 1");
	bn = BN_bin2bn(n.p, (int)n.n, NULL);
	be = BN_bin2bn(e.p, (int)e.n, NULL);
	bld = OSSL_PARAM_BLD_new();
	ok = bn && be && bld && OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, bn) == 1 &&
	     OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, be) == 1;
	r = ok ? from_params("RSA", bld, &evp, w) : deny(w, E_INTERNAL, "key.memory", "no memory");
	OSSL_PARAM_BLD_free(bld);
	BN_free(bn);
	BN_free(be);
	TRY(r);
	return pkey_wrap(evp, false, true, out, w);
}

rc pkey_from_ed25519(struct slice raw, struct pkey **out, struct why *w)
{
	EVP_PKEY *evp = raw.n == 32 ? EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, raw.p, raw.n) : NULL;

	return evp ? pkey_wrap(evp, false, false, out, w) : malformed("an Ed25519 key has 32 bytes", w);
}

rc pkey_raw_public(const struct pkey *k, struct arena *a, struct slice *raw, struct why *w)
{
	uint8_t *p = arena_alloc(a, 64);
	size_t n = 64;

	if (!p || k->kind != KEY_ED25519 || EVP_PKEY_get_raw_public_key(k->evp, p, &n) != 1)
		return deny(w, E_INTERNAL, "key.number", "the key has no raw form");
	*raw = slice_of(p, n);
	return rc_of(OK);
}

rc pkey_from_private_pem(const struct secret *pem, struct pkey **out, struct why *w)
{
	BIO *bio = bio_of(secret_view(pem));
	EVP_PKEY *evp = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;

	BIO_free(bio);
	if (!evp) {
		ERR_clear_error();
		return deny(w, E_MALFORMED, "key.malformed", "not a PEM private key without a password");
	}
	return pkey_wrap(evp, true, false, out, w);
}

static EVP_PKEY *generate_on(enum key_kind curve)
{
	const EVP_PKEY *from = curve == KEY_SM2 ? NULL : blank_of(curve);
	EVP_PKEY_CTX *c = from ? EVP_PKEY_CTX_new_from_pkey(NULL, (EVP_PKEY *)(uintptr_t)from, NULL) : NULL;
	EVP_PKEY *evp = NULL;

	if (c && EVP_PKEY_keygen_init(c) == 1 && EVP_PKEY_keygen(c, &evp) != 1)
		evp = NULL;
	EVP_PKEY_CTX_free(c);
	return evp;
}

rc pkey_generate(enum key_kind kind, unsigned rsa_bits, struct pkey **out, struct why *w)
{
	EVP_PKEY *evp;

	if (kind == KEY_RSA) {
		evp = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)(rsa_bits ? rsa_bits : 3072));
	} else if (kind == KEY_ED25519) {
		evp = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	} else {
		evp = generate_on(kind);
	}
	if (!evp)
		return deny(w, E_INTERNAL, "key.generate", "the key cannot be made");
	return pkey_wrap(evp, true, false, out, w);
}

rc pkey_to_private_pem(const struct pkey *k, struct secret *out, struct why *w)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	char *p;
	long n;
	rc r;

	if (!bio || !k->is_private || PEM_write_bio_PKCS8PrivateKey(bio, k->evp, NULL, NULL, 0, NULL, NULL) != 1) {
		BIO_free(bio);
		return deny(w, E_INTERNAL, "key.write", "the private key cannot be written");
	}
	n = BIO_get_mem_data(bio, &p);
	r = secret_copy(out, slice_of(p, (size_t)n), w);
	secret_wipe(p, (size_t)n);
	BIO_free(bio);
	return r;
}

/* The mirror of the fast reading: fixed bytes and the point. */
static bool ec_to_spki(const struct pkey *k, struct arena *a, struct slice *der)
{
	for (size_t i = 0; i < COUNT_OF(spki_ec); i++) {
		size_t head = spki_ec[i].head.n, point = 1 + 2 * spki_ec[i].width, n = 0;
		uint8_t *p;

		if (spki_ec[i].kind != k->kind)
			continue;
		p = arena_alloc(a, head - 1 + point);
		if (!p || EVP_PKEY_get_octet_string_param(k->evp, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, p + head - 1, point, &n) != 1 || n != point ||
		    p[head - 1] != 4)
			return false;
		memcpy(p, spki_ec[i].head.p, head);
		*der = slice_of(p, head - 1 + point);
		return true;
	}
	return false;
}

rc pkey_to_spki(const struct pkey *k, struct arena *a, struct slice *der, struct why *w)
{
	uint8_t *p = NULL;
	int n;

	if (ec_to_spki(k, a, der))
		return rc_of(OK);
	ERR_clear_error();
	n = i2d_PUBKEY(k->evp, &p);

	if (n <= 0)
		return deny(w, E_INTERNAL, "key.write", "the public key cannot be written");
	*der = arena_dup(a, slice_of(p, (size_t)n));
	OPENSSL_free(p);
	return der->p ? rc_of(OK) : deny(w, E_INTERNAL, "key.memory", "no memory");
}

rc pkey_to_public_pem(const struct pkey *k, struct arena *a, struct slice *pem, struct why *w)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *p;
	long n;

	if (!bio || PEM_write_bio_PUBKEY(bio, k->evp) != 1) {
		BIO_free(bio);
		return deny(w, E_INTERNAL, "key.write", "the public key cannot be written");
	}
	n = BIO_get_mem_data(bio, &p);
	*pem = arena_dup(a, slice_of(p, (size_t)n));
	BIO_free(bio);
	return pem->p ? rc_of(OK) : deny(w, E_INTERNAL, "key.memory", "no memory");
}

static rc number(const struct pkey *k, const char *name, size_t width, struct arena *a, struct slice *out, struct why *w)
{
	BIGNUM *bn = NULL;
	uint8_t *p = NULL;
	size_t n = 0;

	if (EVP_PKEY_get_bn_param(k->evp, name, &bn) == 1) {
		n = width ? width : (size_t)BN_num_bytes(bn);
		p = arena_alloc(a, n);
	}
	if (!p || BN_bn2binpad(bn, p, (int)n) < 0) {
		BN_free(bn);
		return deny(w, E_INTERNAL, "key.number", "the key has no %s", name);
	}
	BN_free(bn);
	*out = slice_of(p, n);
	return rc_of(OK);
}

rc pkey_ec_xy(const struct pkey *k, struct arena *a, struct slice *x, struct slice *y, struct why *w)
{
	size_t width = curve_width(k->kind), n = 0;
	uint8_t *p;

	if (!width)
		return deny(w, E_UNSUPPORTED, "key.kind", "not a key on a curve with coordinates");
	p = arena_alloc(a, 1 + 2 * width);
	/* In this parameter a point is never compressed, whatever form the key had when it was read. */
	if (!p || EVP_PKEY_get_octet_string_param(k->evp, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, p, 1 + 2 * width, &n) != 1 ||
	    n != 1 + 2 * width || p[0] != 4) {
		ERR_clear_error();
		return deny(w, E_INTERNAL, "key.number", "the key gives no coordinates");
	}
	*x = slice_of(p + 1, width);
	*y = slice_of(p + 1 + width, width);
	return rc_of(OK);
}

rc pkey_rsa_ne(const struct pkey *k, struct arena *a, struct slice *n, struct slice *e, struct why *w)
{
	if (k->kind != KEY_RSA)
		return deny(w, E_UNSUPPORTED, "key.kind", "not an RSA key");
	TRY(number(k, OSSL_PKEY_PARAM_RSA_N, 0, a, n, w));
	return number(k, OSSL_PKEY_PARAM_RSA_E, 0, a, e, w);
}
