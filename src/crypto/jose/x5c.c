#include "crypto/jose/x5c.h"

#include "codec/base64.h"
#include "crypto/x509_chain.h"

#define CHAIN_MAX   8u
#define TRUSTED_MAX 256u

/* What is at hand for one token. */
struct bench {
	struct x509 *chain[CHAIN_MAX];
	size_t chain_n;
	struct x509 *trusted[TRUSTED_MAX];
	size_t trusted_n;
};

static rc malformed(struct why *w)
{
	return deny(w, E_UNAUTH, "x5c.malformed", "x5c holds something that is no certificate in base64");
}

static rc decode(const struct json *item, struct arena *a, struct x509 **out, struct why *w)
{
	struct slice der, text;
	uint8_t *flat;
	size_t n = 0;

	if (!json_is(item, JSON_STRING) || item->text.n > 2 * (size_t)X509_DER_MAX)
		return malformed(w);
	flat = arena_alloc(a, item->text.n + 1);
	if (!flat)
		return deny(w, E_INTERNAL, "x5c.memory", "no memory");
	for (size_t i = 0; i < item->text.n; i++)
		if (item->text.p[i] != '\n' && item->text.p[i] != '\r')
			flat[n++] = item->text.p[i];
	text = slice_of(flat, n);
	if (!rc_ok(b64_decode(a, B64_STD, text, &der, "x5c", NULL)) && !rc_ok(b64_decode(a, B64_URL, text, &der, "x5c", NULL)))
		return malformed(w);
	return rc_ok(x509_from_der(der, out, NULL)) ? rc_of(OK) : malformed(w);
}

static rc gather(struct bench *b, const struct json *x5c, const struct slice *pems, size_t n, struct arena *a, struct why *w)
{
	for (size_t i = 0; i < x5c->n; i++, b->chain_n++)
		TRY(decode(x5c->items[i], a, &b->chain[i], w));
	for (size_t i = 0; i < n; i++) {
		size_t got = 0;

		TRY(x509_list_from_pem(pems[i], b->trusted + b->trusted_n, TRUSTED_MAX - b->trusted_n, &got, w));
		b->trusted_n += got;
	}
	return rc_of(OK);
}

static rc check(const struct bench *b, int64_t now_s, struct why *w)
{
	struct x509 *anchors[TRUSTED_MAX], *pool[TRUSTED_MAX + CHAIN_MAX];
	struct x509_chain_rules rules = {.anchors = anchors, .now_s = now_s, .no_time = now_s == X5C_ANY_TIME, .max_depth = CHAIN_MAX};
	enum x509_fault fault;
	struct why inner = w ? why_in(w->arena) : (struct why){0};
	size_t n = 0;

	for (size_t i = 1; i < b->chain_n; i++)
		pool[n++] = b->chain[i];
	for (size_t i = 0; i < b->trusted_n; i++) {
		if (x509_self_issued(b->trusted[i]))
			anchors[rules.n_anchors++] = b->trusted[i];
		else
			pool[n++] = b->trusted[i];
	}
	if (rc_ok(x509_chain_verify(b->chain[0], pool, n, &rules, NULL, &fault, w ? &inner : NULL)))
		return rc_of(OK);
	return deny(w, E_UNAUTH, fault == X509_BAD_TIME ? "x5c.expired" : "x5c.untrusted", "the certificate of the token's key: %s",
		    why_text(&inner));
}

rc x5c_key(const struct json *x5c, const struct slice *trusted_pems, size_t n, int64_t now_s, struct arena *a, struct pkey **out,
	   struct why *w)
{
	struct bench *b;
	rc r;

	if (!json_is(x5c, JSON_ARRAY) || x5c->n == 0 || x5c->n > CHAIN_MAX)
		return deny(w, E_UNAUTH, "x5c.missing", "the token's key comes without a certificate chain of 1 to %u", CHAIN_MAX);
	b = ARENA_NEW(a, struct bench);
	if (!b)
		return deny(w, E_INTERNAL, "x5c.memory", "no memory");
	r = gather(b, x5c, trusted_pems, n, a, w);
	if (rc_ok(r))
		r = check(b, now_s, w);
	if (rc_ok(r) && (!x509_key(b->chain[0]) || !x509_may_sign_data(b->chain[0])))
		r = deny(w, E_UNAUTH, "x5c.key", "the key of the first certificate of x5c is of a kind that is not taken, or may not sign tokens");
	if (rc_ok(r))
		*out = pkey_ref(x509_key(b->chain[0]));
	x509_free_all(b->chain, b->chain_n);
	x509_free_all(b->trusted, b->trusted_n);
	return r;
}

rc x5c_verify(const struct json *x5c, const struct pkey *key, const struct slice *trusted_pems, size_t n, int64_t now_s,
	      struct arena *a, struct why *w)
{
	struct pkey *leaf = NULL;
	bool same;

	TRY(x5c_key(x5c, trusted_pems, n, now_s, a, &leaf, w));
	same = pkey_same(leaf, key);
	pkey_free(leaf);
	return same ? rc_of(OK) : deny(w, E_UNAUTH, "x5c.key", "the first certificate of x5c is of another key");
}
