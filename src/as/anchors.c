#include "as/anchors.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/sys.h"
#include "codec/base64.h"
#include "crypto/pkey.h"
#include "evidence/pins.h"

#define NS	 "trust_anchor"
#define SET_MAX	 32u
#define FRESH_NS ((int64_t)1000000000)

struct entry {
	char set[SET_MAX + 1];
	uint8_t sha256[32];
};

struct anchors {
	struct store *store;
	pthread_mutex_t lock;	/* of what follows; never held over storage */
	struct entry *entry;
	size_t n;
	int64_t read_ns;
	bool loaded;
};

/* Keys are "<set>/<64 hex digits>". */
static rc load(struct store *store, struct entry **out, size_t *n, struct why *w)
{
	struct arena *a = arena_new(0);
	struct entry *e;
	char **keys = NULL;
	size_t k = 0;
	rc r = store_list(store, NS, "", NULL, ANCHORS_MAX, a, &keys, &k, w);

	e = calloc(k + 1, sizeof(*e));
	*n = 0;
	for (size_t i = 0; rc_ok(r) && e && i < k; i++) {
		const char *slash = strchr(keys[i], '/');
		size_t len = slash ? (size_t)(slash - keys[i]) : 0;

		if (!slash || len > SET_MAX || !rc_ok(hex_decode_into(slice_cstr(slash + 1), e[*n].sha256, 32, "anchor", NULL)))
			continue;	/* one bad row does not take the others away */
		memcpy(e[*n].set, keys[i], len);
		(*n)++;
	}
	arena_free(a);
	if (rc_ok(r) && !e)
		r = deny(w, E_INTERNAL, "as.memory", "no memory");
	if (!rc_ok(r)) {
		free(e);
		return note(w, r, "reading the trust anchors");
	}
	*out = e;
	return r;
}

static rc refresh(struct anchors *an, bool force, struct why *w)
{
	int64_t now = sys_monotonic_ns();
	struct entry *fresh, *old;
	bool due;
	size_t n;
	rc r;

	pthread_mutex_lock(&an->lock);
	due = force || !an->loaded || now - an->read_ns >= FRESH_NS;
	if (due && an->loaded)
		an->read_ns = now;	/* one thread reads, the others go on */
	pthread_mutex_unlock(&an->lock);
	if (!due)
		return rc_of(OK);
	r = load(an->store, &fresh, &n, w);
	pthread_mutex_lock(&an->lock);
	if (!rc_ok(r)) {	/* what was taken back must not go on counting while nobody can tell: whoever comes looks */
		an->loaded = false;
		pthread_mutex_unlock(&an->lock);
		return r;
	}
	old = an->entry;
	an->entry = fresh;
	an->n = n;
	an->read_ns = now;
	an->loaded = true;
	pthread_mutex_unlock(&an->lock);
	free(old);
	return rc_of(OK);
}

rc anchors_open(struct store *store, struct anchors **out, struct why *w)
{
	struct anchors *an = calloc(1, sizeof(*an));
	rc r;

	if (!an)
		return deny(w, E_INTERNAL, "as.memory", "no memory");
	an->store = store;
	pthread_mutex_init(&an->lock, NULL);
	r = refresh(an, true, w);
	if (!rc_ok(r)) {
		anchors_close(an);
		return r;
	}
	*out = an;
	return r;
}

void anchors_close(struct anchors *an)
{
	if (an) {
		free(an->entry);
		pthread_mutex_destroy(&an->lock);
		free(an);
	}
}

static rc check_set(struct slice set, struct why *w)
{
	bool ok = set.n > 0 && set.n <= SET_MAX;

	for (size_t i = 0; ok && i < set.n; i++)
		ok = (set.p[i] >= 'a' && set.p[i] <= 'z') || (set.p[i] >= '0' && set.p[i] <= '9') || set.p[i] == '-';
	return ok ? rc_of(OK) : deny(w, E_MALFORMED, "as.anchor", "a set of anchors has 1 to %u characters of [a-z0-9-]", SET_MAX);
}

static rc key_of_anchor(struct slice set, const uint8_t sha256[32], struct arena *a, char **out, struct why *w)
{
	*out = arena_printf(a, SLICE_FMT "/%s", SLICE_ARG(set), hex_text(a, slice_of(sha256, 32)));
	return *out ? rc_of(OK) : deny(w, E_INTERNAL, "as.memory", "no memory");
}

/* Those beyond the limit would be stored and never read. */
static rc room_for(struct anchors *an, const char *key, struct arena *a, struct why *w)
{
	char **keys;
	size_t n;
	bool there = false;

	TRY(store_list(an->store, NS, "", NULL, ANCHORS_MAX, a, &keys, &n, w));
	for (size_t i = 0; i < n; i++)
		there = there || strcmp(keys[i], key) == 0;
	if (n >= ANCHORS_MAX && !there)
		return deny(w, E_LIMIT, "as.anchors", "there are %zu trust anchors, and no more are kept: remove some, or trust their makers' root", n);
	return rc_of(OK);
}

static rc add(struct anchors *an, struct slice set, struct slice pem, const struct store_committer *by, struct arena *a, struct why *w)
{
	struct pkey *key;
	uint8_t d[32];
	struct slice der;
	char *name;
	rc r;

	TRY(check_set(set, w));
	TRY(pkey_from_pem(pem, &key, w));
	r = pkey_to_spki(key, a, &der, w);
	pkey_free(key);
	TRY(r);
	TRY(digest(DIGEST_SHA256, der, d, w));
	TRY(key_of_anchor(set, d, a, &name, w));
	TRY(room_for(an, name, a, w));
	return store_commit_by(an->store, by, &(struct store_op){.kind = STORE_PUT, .ns = NS, .key = name, .value = pem}, 1, w);
}

rc anchors_add(struct anchors *an, struct slice set, struct slice pem, const struct store_committer *by, struct why *w)
{
	struct arena *a = arena_new(0);
	rc r = add(an, set, pem, by, a, w);

	arena_free(a);
	return rc_ok(r) ? refresh(an, true, w) : note(w, r, "adding a trust anchor");
}

static rc remove_one(struct anchors *an, struct slice set, struct slice hex, const struct store_committer *by, struct arena *a,
		     struct why *w)
{
	uint8_t d[32];
	char *name;
	rc r;

	TRY(check_set(set, w));
	if (!rc_ok(hex_decode_into(hex, d, 32, "anchor", NULL)))
		return deny(w, E_MALFORMED, "as.anchor", "an anchor is named by 64 hex digits, the SHA-256 of its SubjectPublicKeyInfo");
	TRY(key_of_anchor(set, d, a, &name, w));
	r = store_commit_by(an->store, by, &(struct store_op){.kind = STORE_DELETE, .ns = NS, .key = name}, 1, w);
	if (r.code == E_NOTFOUND)
		return deny(w, E_NOTFOUND, "as.anchor-absent", "there is no anchor %s", name);
	return r;
}

rc anchors_remove(struct anchors *an, struct slice set, struct slice sha256_hex, const struct store_committer *by, struct why *w)
{
	struct arena *a = arena_new(0);
	rc r = remove_one(an, set, sha256_hex, by, a, w);

	arena_free(a);
	return rc_ok(r) ? refresh(an, true, w) : note(w, r, "removing a trust anchor");
}

rc anchors_list(struct anchors *an, struct arena *a, char ***names, size_t *n, struct why *w)
{
	return store_list(an->store, NS, "", NULL, ANCHORS_MAX, a, names, n, w);
}

bool anchors_has(struct anchors *an, const char *set, const uint8_t sha256[32])
{
	bool found = false;

	if (pin_matches(set, sha256))
		return true;
	if (!rc_ok(refresh(an, false, NULL)))
		return false;
	pthread_mutex_lock(&an->lock);
	for (size_t i = 0; i < an->n && !found; i++)
		found = strcmp(an->entry[i].set, set) == 0 && memcmp(an->entry[i].sha256, sha256, 32) == 0;
	pthread_mutex_unlock(&an->lock);
	return found;
}

rc anchors_get(struct anchors *an, struct arena *a, const struct vanchor **out, size_t *n, struct why *w)
{
	struct vanchor *list;

	TRY(refresh(an, false, w));
	pthread_mutex_lock(&an->lock);
	list = arena_array(a, an->n + 1, struct vanchor);
	for (size_t i = 0; list && i < an->n; i++) {
		list[i].set = arena_strdup(a, an->entry[i].set);
		memcpy(list[i].sha256, an->entry[i].sha256, 32);
	}
	*n = an->n;
	pthread_mutex_unlock(&an->lock);
	if (!list || arena_bad(a))
		return deny(w, E_LIMIT, "as.memory", "no room for the trust anchors");
	*out = list;
	return rc_of(OK);
}
