#include "kms/keyring.h"

#include <stdlib.h>

#include "base/sys.h"
#include "crypto/aead.h"
#include "crypto/kdf.h"

#define NS    "service_key"
#define LABEL "warrant service keys v1"

struct keyring {
	struct store *store;
	struct secret key;
};

rc keyring_open(struct store *store, const struct kms_seal *seal, struct keyring **out, struct why *w)
{
	struct keyring *k = calloc(1, sizeof(*k));
	SECRET(master);
	rc r;

	if (!k)
		return deny(w, E_INTERNAL, "keyring.memory", "no memory");
	k->store = store;
	r = seal->unseal(seal->ctx, &master, w);
	if (rc_ok(r))
		r = hkdf_sha256(&master, SLICE_LIT(""), SLICE_LIT(LABEL), AEAD_KEY, &k->key, w);
	if (!rc_ok(r)) {
		keyring_close(k);
		return r;
	}
	*out = k;
	return r;
}

void keyring_close(struct keyring *k)
{
	if (k) {
		secret_free(&k->key);
		free(k);
	}
}

/* Stored form: nonce, ciphertext, tag; the name is authenticated. */
static rc seal_value(struct keyring *k, const char *name, const struct secret *value, struct arena *a, struct slice *out, struct why *w)
{
	uint8_t *p = arena_alloc(a, AEAD_NONCE + value->n + AEAD_TAG);

	if (!p)
		return deny(w, E_INTERNAL, "keyring.memory", "no memory");
	TRY(sys_random(p, AEAD_NONCE, w));
	TRY(aead_seal(&k->key, p, slice_cstr(name), secret_view(value), p + AEAD_NONCE, w));
	*out = slice_of(p, AEAD_NONCE + value->n + AEAD_TAG);
	return rc_of(OK);
}

static rc open_value(struct keyring *k, const char *name, struct slice stored, struct secret *out, struct why *w)
{
	SECRET(s);

	if (stored.n < AEAD_NONCE + AEAD_TAG)
		return deny(w, E_DENIED, "keyring.integrity", "the service key \"%s\" is cut short", name);
	TRY(secret_new(&s, stored.n - AEAD_NONCE - AEAD_TAG, w));
	if (!rc_ok(aead_open(&k->key, stored.p, slice_cstr(name), slice_sub(stored, AEAD_NONCE, stored.n), s.p, NULL)))
		return deny(w, E_DENIED, "keyring.integrity",
			    "the service key \"%s\" does not open: the store belongs to another master key, or was changed", name);
	*out = secret_move(&s);
	return rc_of(OK);
}

static rc find(struct keyring *k, const char *name, struct arena *a, struct secret *out, struct why *w)
{
	struct slice stored;

	TRY(store_get(k->store, NS, name, a, &stored, NULL, NULL, w));
	return open_value(k, name, stored, out, w);
}

/* Finds, or stores what `fresh` holds; of two who make one, the first counts for both. */
static rc find_or_keep(struct keyring *k, const char *name, const struct secret *fresh, struct arena *a, struct secret *out,
		       struct why *w)
{
	struct slice sealed;
	rc r = seal_value(k, name, fresh, a, &sealed, w);

	if (rc_ok(r))
		r = store_insert(k->store, NS, name, sealed, 0, w);
	if (!rc_ok(r) && strcmp(why_reason(w), "store.exists") != 0)
		return r;
	why_clear(w);
	return find(k, name, a, out, w);
}

rc keyring_bytes(struct keyring *k, const char *name, size_t n, struct secret *out, struct why *w)
{
	struct arena *a = arena_new(0);
	SECRET(fresh);
	SECRET(found);
	rc r = find(k, name, a, &found, w);

	if (r.code == E_NOTFOUND) {
		r = secret_random(&fresh, n, w);
		if (rc_ok(r))
			r = find_or_keep(k, name, &fresh, a, &found, w);
	}
	if (rc_ok(r) && found.n != n)
		r = deny(w, E_DENIED, "keyring.integrity", "the service key \"%s\" has %zu bytes, expected %zu", name, found.n, n);
	if (rc_ok(r))
		*out = secret_move(&found);
	arena_free(a);
	return r;
}

rc keyring_key(struct keyring *k, const char *name, enum key_kind kind, struct pkey **out, struct why *w)
{
	struct arena *a = arena_new(0);
	struct pkey *made = NULL, *found = NULL;
	SECRET(pem);
	SECRET(fresh);
	rc r = find(k, name, a, &pem, w);

	if (r.code == E_NOTFOUND) {
		r = pkey_generate(kind, 0, &made, w);
		if (rc_ok(r))
			r = pkey_to_private_pem(made, &fresh, w);
		if (rc_ok(r))
			r = find_or_keep(k, name, &fresh, a, &pem, w);
		pkey_free(made);
	}
	if (rc_ok(r))
		r = pkey_from_private_pem(&pem, &found, w);
	if (rc_ok(r) && pkey_kind(found) != kind) {
		pkey_free(found);
		r = deny(w, E_DENIED, "keyring.integrity", "the service key \"%s\" is of another kind than it is asked for", name);
	}
	if (rc_ok(r))
		*out = found;
	arena_free(a);
	return r;
}
