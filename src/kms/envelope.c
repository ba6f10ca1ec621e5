#include "kms/envelope.h"

#include "base/buf.h"
#include "base/cur.h"
#include "base/sys.h"
#include "crypto/kdf.h"

#define MAGIC   0x57725331u /* "WrS1" */
#define WRAPPED (AEAD_KEY + 8u)

rc envelope_keys_derive(const struct secret *master, struct envelope_keys *out, struct why *w)
{
	SECRET(id);
	SECRET(wrap);

	TRY(hkdf_sha256(master, (struct slice){0}, SLICE_LIT("warrant kms wrapping key"), AEAD_KEY, &wrap, w));
	TRY(hkdf_sha256(master, (struct slice){0}, SLICE_LIT("warrant kms key id"), ENVELOPE_KEY_ID, &id, w));
	memcpy(out->id, id.p, ENVELOPE_KEY_ID);
	out->wrap = secret_move(&wrap);
	return rc_of(OK);
}

void envelope_keys_free(struct envelope_keys *k)
{
	secret_free(&k->wrap);
}

static struct slice associated(struct arena *a, struct slice head, const char *name, uint64_t version)
{
	struct buf b = buf_in(a, 4096);

	buf_slice(&b, head);
	buf_be64(&b, version);
	buf_puts(&b, name);
	return buf_ok(&b) ? buf_view(&b) : (struct slice){0};
}

static rc no_memory(struct why *w)
{
	return deny(w, E_UNAVAILABLE, "kms.memory", "no memory for a secret");
}

rc envelope_seal(const struct envelope_keys *k, const char *name, uint64_t version, struct slice plain, struct arena *a,
                 struct slice *sealed, struct why *w)
{
	struct buf b = buf_in(a, 0);
	uint8_t wrapped[WRAPPED], nonce[AEAD_NONCE], *out;
	struct slice aad;
	SECRET(key);

	TRY(secret_random(&key, AEAD_KEY, w));
	TRY(sys_random(nonce, sizeof(nonce), w));
	TRY(keywrap(&k->wrap, secret_view(&key), wrapped, w));
	buf_be32(&b, MAGIC);
	buf_put(&b, k->id, sizeof(k->id));
	buf_put(&b, wrapped, sizeof(wrapped));
	aad = buf_ok(&b) ? associated(a, buf_view(&b), name, version) : (struct slice){0};
	buf_put(&b, nonce, sizeof(nonce));
	out = buf_reserve(&b, plain.n + AEAD_TAG);
	if (!out || !aad.p)
		return no_memory(w);
	TRY(aead_seal(&key, nonce, aad, plain, out, w));
	*sealed = buf_view(&b);
	return rc_of(OK);
}

struct parts {
	struct slice head, id, wrapped, nonce, sealed;
};

static rc parse(struct slice in, struct parts *out, struct why *w)
{
	struct msg m;
	struct cur c = cur_open(&m, in);
	struct parts p;

	if (cur_be32(&c) != MAGIC)
		cur_spoil(&c);
	p.id = cur_take(&c, ENVELOPE_KEY_ID);
	p.wrapped = cur_take(&c, WRAPPED);
	p.head = slice_sub(in, 0, cur_at(&c));
	p.nonce = cur_take(&c, AEAD_NONCE);
	p.sealed = cur_rest(&c);
	if (p.sealed.n < AEAD_TAG)
		cur_spoil(&c);
	TRY(cur_end(&c, w, "kms.integrity", "sealed secret"));
	*out = p;
	return rc_of(OK);
}

static rc open_parts(const struct envelope_keys *k, const struct parts *p, struct slice aad,
                     uint8_t *(*room)(void *ctx, size_t n), void *ctx, struct why *w)
{
	SECRET(key);
	uint8_t *out;

	TRY(secret_new(&key, AEAD_KEY, w));
	TRY(keyunwrap(&k->wrap, p->wrapped, key.p, w));
	out = room(ctx, p->sealed.n - AEAD_TAG);
	if (!out)
		return no_memory(w);
	return aead_open(&key, p->nonce.p, aad, p->sealed, out, w);
}

rc envelope_open(const struct envelope_keys *k, const char *name, uint64_t version, struct slice sealed,
                 uint8_t *(*room)(void *ctx, size_t n), void *ctx, struct why *w)
{
	struct arena *a = arena_new(1 << 16);
	struct slice aad;
	struct parts p;
	rc r = parse(sealed, &p, w);

	if (rc_ok(r) && !slice_eq(p.id, slice_of(k->id, sizeof(k->id))))
		r = deny(w, E_DENIED, "kms.integrity", "the secret is sealed under another master key");
	if (rc_ok(r)) {
		aad = associated(a, p.head, name, version);
		r = aad.p ? open_parts(k, &p, aad, room, ctx, w) : no_memory(w);
	}
	arena_free(a);
	if (r.code == E_MALFORMED || r.code == E_DENIED)
		return deny(w, E_DENIED, "kms.integrity", "version %llu of %s does not open: %s",
		            (unsigned long long)version, name, why_text(w));
	return r;
}
