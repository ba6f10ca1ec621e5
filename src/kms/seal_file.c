/* seal_file.c - the master key as a private file, made at the first start. */
#include "crypto/aead.h"
#include "kms/kms.h"

static rc make(const char *path, struct why *w)
{
	SECRET(key);
	rc r;

	TRY(secret_random(&key, AEAD_KEY, w));
	r = file_create(path, secret_view(&key), 0600, w);
	/* E_DENIED: another process made it meanwhile, and its key counts. */
	return r.code == E_DENIED ? rc_of(OK) : r;
}

static rc unseal(void *ctx, struct secret *key, struct why *w)
{
	const char *path = ctx;
	SECRET(s);
	rc r = file_read_secret(path, AEAD_KEY + 1, &s, w);

	if (r.code == E_NOTFOUND) {
		TRY(make(path, w));
		r = file_read_secret(path, AEAD_KEY + 1, &s, w);
	}
	TRY(note(w, r, "reading the master key %s", path));
	if (s.n != AEAD_KEY)
		return deny(w, E_DENIED, "kms.master-key", "the master key %s has %zu bytes, expected %u", path, s.n,
		            AEAD_KEY);
	*key = secret_move(&s);
	return rc_of(OK);
}

struct kms_seal kms_seal_file(const char *path)
{
	return (struct kms_seal){.name = "file", .unseal = unseal, .ctx = (void *)(uintptr_t)path};
}
