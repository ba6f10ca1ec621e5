#include "as/policies.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/embedded.h"
#include "base/num.h"

#define NS	  "attestation_service_policy"
#define ID_MAX	  128u
#define LOADED_MAX 64u	/* programs kept; the oldest look-up makes room */
#define FRESH_NS  ((int64_t)1000000000)

extern const struct embedded as_policies[];

static const char *const queries[] = {"data.policy.trust_claims", "data.policy.extensions"};

struct loaded {
	char id[ID_MAX + 8];
	struct rego_unit *unit;
	uint64_t rev;
	int64_t checked_ns;
};

struct policies {
	struct store *store;
	const struct rego_host_fn *fns;
	size_t fns_n;
	pthread_mutex_t lock;	/* of the table; never held over storage or compilation */
	struct loaded table[LOADED_MAX];
};

static rc key_of(struct slice id, char out[ID_MAX + 8], struct why *w)
{
	bool ok = id.n > 0 && id.n <= ID_MAX;

	for (size_t i = 0; ok && i < id.n; i++)
		ok = (id.p[i] >= '0' && id.p[i] <= '9') || ((id.p[i] | 0x20) >= 'a' && (id.p[i] | 0x20) <= 'z') || id.p[i] == '.' ||
		     id.p[i] == '_' || id.p[i] == '-';
	if (!ok)
		return deny(w, E_MALFORMED, "as.policy-id", "a policy id has 1 to %u characters of [A-Za-z0-9._-]", ID_MAX);
	memcpy(out, id.p, id.n);
	memcpy(out + id.n, ".rego", 6);
	return rc_of(OK);
}

static rc compile(struct policies *p, const char *key, struct slice rego, struct rego_unit **out, struct why *w)
{
	return rego_unit_new(key, rego, p->fns, p->fns_n, queries, COUNT_OF(queries), "as.policy", out, w);
}

rc policies_open(struct store *store, const struct rego_host_fn *fns, size_t fns_n, struct policies **out, struct why *w)
{
	struct policies *p = calloc(1, sizeof(*p));
	rc r = rc_of(OK);

	if (!p)
		return deny(w, E_INTERNAL, "as.memory", "no memory");
	p->store = store;
	p->fns = fns;
	p->fns_n = fns_n;
	pthread_mutex_init(&p->lock, NULL);
	for (const struct embedded *e = as_policies; e->name && rc_ok(r); e++) {
		char key[ID_MAX + 8];

		r = key_of(slice_cstr(e->name), key, w);
		if (rc_ok(r))
			r = store_insert(store, NS, key, e->text, 0, w);
		if (!rc_ok(r) && strcmp(why_reason(w), "store.exists") == 0)
			r = rc_of(OK);
	}
	if (!rc_ok(r)) {
		policies_close(p);
		return r;
	}
	why_clear(w);
	*out = p;
	return r;
}

void policies_close(struct policies *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < LOADED_MAX; i++)
		rego_unit_free(p->table[i].unit);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

static struct loaded *find(struct policies *p, const char *key)
{
	for (size_t i = 0; i < LOADED_MAX; i++)
		if (p->table[i].unit && strcmp(p->table[i].id, key) == 0)
			return &p->table[i];
	return NULL;
}

/* Under the lock: takes `unit` over, returns what the caller must free. */
static struct rego_unit *install(struct policies *p, const char *key, struct rego_unit *unit, uint64_t rev)
{
	struct loaded *l = find(p, key);
	struct rego_unit *old;

	for (size_t i = 0; !l && i < LOADED_MAX; i++)
		if (!p->table[i].unit)
			l = &p->table[i];
	if (!l) {
		l = &p->table[0];
		for (size_t i = 1; i < LOADED_MAX; i++)
			if (p->table[i].checked_ns < l->checked_ns)
				l = &p->table[i];
	}
	old = l->unit;
	memcpy(l->id, key, strlen(key) + 1);
	l->unit = unit;
	l->rev = rev;
	l->checked_ns = sys_monotonic_ns();
	return old;
}

/* Nobody takes the program of `key` for fresh before the store was looked at again. */
static void expire(struct policies *p, const char *key)
{
	struct loaded *l;

	pthread_mutex_lock(&p->lock);
	l = find(p, key);
	if (l)
		l->checked_ns = sys_monotonic_ns() - FRESH_NS;
	pthread_mutex_unlock(&p->lock);
}

static rc load(struct policies *p, const char *key, struct rego_unit *had, uint64_t had_rev, struct rego_unit **out, struct why *w)
{
	struct rego_unit *unit = NULL, *old;
	struct arena *a = arena_new(0);
	struct slice text;
	uint64_t rev;
	rc r = store_get(p->store, NS, key, a, &text, &rev, NULL, w);

	if (!rc_ok(r) && r.code == E_NOTFOUND)
		r = deny(w, E_NOTFOUND, "as.policy-absent", "there is no attestation policy \"%.*s\"", (int)strlen(key) - 5, key);
	if (rc_ok(r) && had && rev == had_rev) {
		unit = rego_unit_ref(had);
	} else if (rc_ok(r)) {
		r = compile(p, key, text, &unit, w);
		if (!rc_ok(r)) {	/* it was stored by an engine that took it: our trouble, not the guest's */
			char *text_of = arena_strdup(a, why_text(w));

			r = deny(w, E_UNAVAILABLE, "as.policy-broken", "the stored attestation policy does not compile: %s", text_of ? text_of : key);
		}
		if (rc_ok(r)) {
			pthread_mutex_lock(&p->lock);
			old = install(p, key, rego_unit_ref(unit), rev);
			pthread_mutex_unlock(&p->lock);
			rego_unit_free(old);
		}
	}
	arena_free(a);
	*out = unit;
	return r;
}

rc policies_get(struct policies *p, const char *id, struct rego_unit **out, struct why *w)
{
	int64_t now = sys_monotonic_ns();
	char key[ID_MAX + 8];
	struct rego_unit *unit = NULL;
	struct loaded *l;
	uint64_t rev = 0;
	bool fresh = false;
	rc r;

	TRY(key_of(slice_cstr(id), key, w));
	pthread_mutex_lock(&p->lock);
	l = find(p, key);
	if (l) {
		unit = rego_unit_ref(l->unit);
		rev = l->rev;
		fresh = now - l->checked_ns < FRESH_NS;
		l->checked_ns = now;
	}
	pthread_mutex_unlock(&p->lock);
	if (fresh) {
		*out = unit;
		return rc_of(OK);
	}
	r = load(p, key, unit, rev, out, w);
	rego_unit_free(unit);
	/* While the store cannot be read, or holds a text that does not compile, what was replaced must not go on deciding. */
	if (!rc_ok(r))
		expire(p, key);
	return r;
}

rc policies_set(struct policies *p, struct slice id, struct slice rego, const struct store_committer *by, struct why *w)
{
	struct rego_unit *unit, *old = NULL;
	char key[ID_MAX + 8];
	struct slice text;
	struct arena *a;
	uint64_t rev = 0;
	bool ours;
	rc r;

	TRY(key_of(id, key, w));
	TRY(compile(p, key, rego, &unit, w));
	r = store_commit_by(p->store, by, &(struct store_op){.kind = STORE_PUT, .ns = NS, .key = key, .value = rego}, 1, w);
	if (!rc_ok(r)) {
		rego_unit_free(unit);
		return r;
	}
	/* Another writer may have come between: his revision must not be taken for that of our program. */
	a = arena_new(0);
	ours = rc_ok(store_get(p->store, NS, key, a, &text, &rev, NULL, NULL)) && slice_eq(text, rego);
	arena_free(a);
	if (ours) {
		pthread_mutex_lock(&p->lock);
		old = install(p, key, unit, rev);
		pthread_mutex_unlock(&p->lock);
	} else {
		old = unit;
		expire(p, key);
	}
	rego_unit_free(old);
	return rc_of(OK);
}

rc policies_text(struct policies *p, struct slice id, struct arena *a, struct slice *out, struct why *w)
{
	char key[ID_MAX + 8];

	TRY(key_of(id, key, w));
	return store_get(p->store, NS, key, a, out, NULL, NULL, w);
}

rc policies_list(struct policies *p, struct arena *a, char ***ids, size_t *n, struct why *w)
{
	TRY(store_list(p->store, NS, "", NULL, 10000, a, ids, n, w));
	for (size_t i = 0; i < *n; i++) {
		size_t len = strlen((*ids)[i]);

		if (len > 5)
			(*ids)[i][len - 5] = 0;
	}
	return rc_of(OK);
}
