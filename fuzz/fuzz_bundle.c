/* Bundles of collateral: what stands behind the signature. Signing each input with a key made here lets inputs reach the
 * manifest's reader; the input as it is reaches the signature check. */
#include <assert.h>

#include "collateral/bundle.h"
#include "crypto/jose/jws.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct pkey *signer(struct arena *a)
{
	static const char pem[] = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n"
				  "-----END PRIVATE KEY-----\n";
	struct pkey *k = NULL;
	SECRET(s);

	(void)a;
	if (!rc_ok(secret_copy(&s, slice_cstr(pem), NULL)) || !rc_ok(pkey_from_private_pem(&s, &k, NULL)))
		return NULL;
	return k;
}

static void read_one(struct slice text, const struct pkey *key)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct bundle b;

	if (rc_ok(bundle_read(text, key, a, &b, &w)))
		for (size_t i = 0; i < b.n; i++)
			assert(b.pieces[i].kind && b.pieces[i].key);
	else
		assert(!why_empty(&w));
	arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size), manifest = in, jws;
	struct arena *a = arena_new(0);
	struct pkey *key = signer(a);
	const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
	struct json *header = json_new_object(a);
	struct buf b = buf_in(a, 0);

	assert(key);
	read_one(in, key);
	if (end)
		manifest.n = (size_t)(end - data);
	json_set(a, header, "typ", json_new_cstr(a, BUNDLE_TYPE));
	if (rc_ok(jws_sign(key, SIG_EDDSA, header, manifest, a, &jws, NULL))) {
		buf_slice(&b, jws);
		buf_slice(&b, slice_sub(in, manifest.n, size));
		if (buf_ok(&b))
			read_one(buf_view(&b), key);
	}
	pkey_free(key);
	arena_free(a);
	return 0;
}
