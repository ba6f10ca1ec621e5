#include "kbs/challenge.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/cur.h"
#include "base/num.h"
#include "codec/base64.h"
#include "crypto/aead.h"
#include "crypto/kdf.h"

#define EPOCH_S 3600
#define PAST	24	/* epochs a cookie may be old: the longest life of a challenge */
#define AHEAD	1	/* by which another replica's clock may lead */
#define KEYS	32u	/* epochs a sealer keeps derived; more than PAST + 1 + AHEAD, so no two that are taken share a slot */
#define COOKIE_MAX (CHALLENGE_COOKIE_MAX + (CHALLENGE_TEXT_MAX + 2) / 3 * 4)
#define LABEL "warrant challenge v2"

_Static_assert(KEYS > PAST + 1 + AHEAD, "epochs that are taken must not share slots");

struct challenge_sealer {
	const struct secret *root;
	struct epoch_key {
		pthread_rwlock_t lock;
		int64_t epoch;
		struct secret key;
	} slot[KEYS];
};

rc challenge_sealer_open(const struct secret *key, struct challenge_sealer **out, struct why *w)
{
	struct challenge_sealer *s;

	if (key->n != 32)
		return deny(w, E_INTERNAL, "challenge.key", "the challenge key has %zu bytes, not 32", key->n);
	s = calloc(1, sizeof(*s));
	if (!s)
		return deny(w, E_INTERNAL, "challenge.memory", "no memory");
	s->root = key;
	for (unsigned i = 0; i < KEYS; i++) {
		pthread_rwlock_init(&s->slot[i].lock, NULL);
		s->slot[i].epoch = -1;
	}
	*out = s;
	return rc_of(OK);
}

void challenge_sealer_close(struct challenge_sealer *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < KEYS; i++) {
		secret_free(&s->slot[i].key);
		pthread_rwlock_destroy(&s->slot[i].lock);
	}
	free(s);
}

/* The key of an epoch, read-locked: epoch_done() lets it go. */
static rc epoch_key(struct challenge_sealer *s, int64_t epoch, struct epoch_key **out, struct why *w)
{
	struct epoch_key *k = &s->slot[epoch % KEYS];
	rc r = rc_of(OK);

	pthread_rwlock_rdlock(&k->lock);
	if (k->epoch != epoch) {
		uint8_t info[sizeof(LABEL) + 8];

		pthread_rwlock_unlock(&k->lock);
		memcpy(info, LABEL, sizeof(LABEL));
		for (unsigned i = 0; i < 8; i++)
			info[sizeof(LABEL) + i] = (uint8_t)((uint64_t)epoch >> (8 * i));
		pthread_rwlock_wrlock(&k->lock);
		if (k->epoch != epoch) {
			secret_free(&k->key);
			k->epoch = -1;
			r = hkdf_sha256(s->root, SLICE_LIT(""), slice_of(info, sizeof(info)), 32, &k->key, w);
			if (rc_ok(r))
				k->epoch = epoch;
		}
		pthread_rwlock_unlock(&k->lock);
		if (!rc_ok(r))
			return r;
		pthread_rwlock_rdlock(&k->lock);
		if (k->epoch != epoch) {
			pthread_rwlock_unlock(&k->lock);
			return deny(w, E_UNAVAILABLE, "challenge.busy", "the challenge keys change too fast");
		}
	}
	*out = k;
	return rc_of(OK);
}

static void epoch_done(struct epoch_key *k)
{
	pthread_rwlock_unlock(&k->lock);
}

struct slice challenge_text(const struct challenge *c, struct arena *a)
{
	return c->text.p ? c->text : b64_text(a, B64_STD, slice_of(c->nonce, sizeof(c->nonce)));
}

rc challenge_new(enum rcar_version version, const char *tee, enum digest_alg hash, int64_t expires_s, struct challenge *out,
		 struct why *w)
{
	struct challenge c = {.version = version, .tee = tee, .hash = hash, .expires_s = expires_s};

	uint64_t at = (uint64_t)sys_monotonic_ns();

	for (unsigned i = 0; i < 8; i++)
		c.id[i] = (uint8_t)(at >> (56 - 8 * i));
	TRY(sys_random(c.id + 8, sizeof(c.id) - 8, w));
	TRY(sys_random(c.nonce, sizeof(c.nonce), w));
	*out = c;
	return rc_of(OK);
}

rc challenge_seal(struct challenge_sealer *s, const struct challenge *c, int64_t now_s, struct arena *a, struct slice *cookie,
		  struct why *w)
{
	struct buf plain = buf_in(a, COOKIE_MAX), wire = buf_in(a, COOKIE_MAX);
	int64_t epoch = now_s / EPOCH_S;
	uint8_t nonce[12], *sealed;
	struct epoch_key *k;
	rc r;

	if (c->text.n > CHALLENGE_TEXT_MAX)
		return deny(w, E_LIMIT, "challenge.text", "a challenge of %zu bytes, a cookie takes %u", c->text.n, CHALLENGE_TEXT_MAX);
	if (now_s < 0)
		return deny(w, E_INTERNAL, "challenge.clock", "the clock is before 1970");
	buf_putc(&plain, (char)c->version);
	buf_putc(&plain, (char)c->hash);
	buf_be64(&plain, (uint64_t)c->expires_s);
	buf_put(&plain, c->id, sizeof(c->id));
	buf_put(&plain, c->nonce, sizeof(c->nonce));
	buf_be16(&plain, (uint16_t)c->text.n);
	buf_slice(&plain, c->text);
	buf_puts(&plain, c->tee);
	TRY(sys_random(nonce, sizeof(nonce), w));
	buf_be32(&wire, (uint32_t)epoch);
	buf_put(&wire, nonce, sizeof(nonce));
	sealed = buf_reserve(&wire, plain.n + AEAD_TAG);
	if (!sealed || !buf_ok(&plain))
		return deny(w, E_INTERNAL, "challenge.memory", "no memory");
	TRY(epoch_key(s, epoch, &k, w));
	r = aead_seal(&k->key, nonce, slice_of(wire.p, 4), buf_view(&plain), sealed, w);
	epoch_done(k);
	TRY(r);
	*cookie = b64_text(a, B64_URL, buf_view(&wire));
	return cookie->p ? rc_of(OK) : deny(w, E_INTERNAL, "challenge.memory", "no memory");
}

static rc read_plain(struct slice plain, struct arena *a, struct challenge *out, struct why *w)
{
	struct challenge c = {0};
	struct slice id, nonce;
	struct msg m;
	struct cur cur = cur_open(&m, plain);

	c.version = (enum rcar_version)cur_u8(&cur);
	c.hash = (enum digest_alg)cur_u8(&cur);
	c.expires_s = (int64_t)cur_be64(&cur);
	id = cur_take(&cur, sizeof(c.id));
	nonce = cur_take(&cur, sizeof(c.nonce));
	c.text = cur_take(&cur, cur_be16(&cur));
	c.tee = rcar_tee(cur_rest(&cur), a);
	TRY(cur_end(&cur, w, "challenge.malformed", "challenge"));
	if (c.version < RCAR_010 || c.version > RCAR_040 || !c.tee)
		return deny(w, E_UNAUTH, "challenge.malformed", "the challenge was made by another version of this service");
	memcpy(c.id, id.p, sizeof(c.id));
	memcpy(c.nonce, nonce.p, sizeof(c.nonce));
	if (!c.text.n)
		c.text = (struct slice){0};
	*out = c;
	return rc_of(OK);
}

rc challenge_open(struct challenge_sealer *s, struct slice cookie, int64_t now_s, struct arena *a, struct challenge *out,
		  struct why *w)
{
	struct slice wire, nonce, sealed, head;
	int64_t epoch, now_epoch = now_s / EPOCH_S;
	struct challenge c;
	struct epoch_key *k;
	uint8_t *plain;
	struct msg m;
	struct cur cur;
	rc r;

	if (cookie.n > COOKIE_MAX || !rc_ok(b64_decode(a, B64_URL, cookie, &wire, "cookie", NULL)))
		return deny(w, E_UNAUTH, "challenge.malformed", "the cookie is not one of ours");
	cur = cur_open(&m, wire);
	head = slice_sub(wire, 0, 4);
	epoch = cur_be32(&cur);
	nonce = cur_take(&cur, 12);
	sealed = cur_rest(&cur);
	if (!rc_ok(cur_end(&cur, NULL, "challenge.malformed", "cookie")) || sealed.n <= AEAD_TAG)
		return deny(w, E_UNAUTH, "challenge.malformed", "the cookie is not one of ours");
	/* No key is derived for an epoch that no living challenge can be of, so what strangers send throws no key out. */
	if (epoch > now_epoch + AHEAD || epoch < now_epoch - PAST)
		return deny(w, E_UNAUTH, "challenge.expired", "the challenge is of another time: %s",
			    epoch > now_epoch ? "the clocks of the replicas differ" : "it is too old");
	plain = arena_alloc(a, sealed.n);
	if (!plain)
		return deny(w, E_INTERNAL, "challenge.memory", "no memory");
	TRY(epoch_key(s, epoch, &k, w));
	r = aead_open(&k->key, nonce.p, head, sealed, plain, NULL);
	epoch_done(k);
	if (!rc_ok(r))
		return deny(w, E_UNAUTH, "challenge.tampered", "the cookie does not open: it was changed, or is of another service");
	TRY(read_plain(slice_of(plain, sealed.n - AEAD_TAG), a, &c, w));
	if (c.expires_s < now_s) {
		char when[32];

		time_rfc3339(c.expires_s, when);
		return deny(w, E_UNAUTH, "challenge.expired", "the challenge expired at %s", when);
	}
	*out = c;
	return rc_of(OK);
}
