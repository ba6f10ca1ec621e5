#include "as/anchors.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/sys.h"
#include "codec/base64.h"
#include "crypto/pkey.h"

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
	char **keys;
	size_t k;
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

	pthread_mutex_lock(&an->lock);
	due = force || !an->loaded || now - an->read_ns >= FRESH_NS;
	if (due && an->loaded)
		an->read_ns = now;	/* one thread reads, the others go on */
	pthread_mutex_unlock(&an->lock);
	if (!due)
		return rc_of(OK);
	TRY(load(an->store, &fresh, &n, w));
	pthread_mutex_lock(&an->lock);
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

rc anchors_add(struct anchors *an, struct slice set, struct slice pem, struct why *w)
{
	struct arena *a = arena_new(0);
	struct pkey *key = NULL;
	bool ok = set.n > 0 && set.n <= SET_MAX;
	uint8_t d[32];
	struct slice der;
	rc r = rc_of(OK);

	for (size_t i = 0; ok && i < set.n; i++)
		ok = (set.p[i] >= 'a' && set.p[i] <= 'z') || (set.p[i] >= '0' && set.p[i] <= '9') || set.p[i] == '-';
	if (!ok)
		r = deny(w, E_MALFORMED, "as.anchor", "a set of anchors has 1 to %u characters of [a-z0-9-]", SET_MAX);
	if (rc_ok(r))
		r = pkey_from_pem(pem, &key, w);
	if (rc_ok(r))
		r = pkey_to_spki(key, a, &der, w);
	if (rc_ok(r))
		r = digest(DIGEST_SHA256, der, d, w);
	if (rc_ok(r))
		r = store_put(an->store, NS, arena_printf(a, SLICE_FMT "/%s", SLICE_ARG(set), hex_text(a, slice_of(d, 32))), pem, w);
	pkey_free(key);
	arena_free(a);
	return rc_ok(r) ? refresh(an, true, w) : note(w, r, "adding a trust anchor");
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
