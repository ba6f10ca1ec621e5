/* store_memory.c - a treap in memory, lost at exit.
 *
 * Entries come and go one by one, which an arena cannot do.
 */
#include <pthread.h>
#include <stdlib.h>

#include "store/omap.h"
#include "store/store.h"

#define SWEEP 8u /* entries looked at for expiry with every batch */

struct val {
	uint64_t rev;
	int64_t expires_s;
	size_t n;
	uint8_t bytes[];
};

struct mem {
	struct store base;
	pthread_rwlock_t lock;
	struct omap map; /* v: struct val; NULL only inside a batch */
	uint64_t rev;
	char sweep_ns[STORE_NS_MAX + 1], sweep_key[STORE_KEY_MAX + 1]; /* the entry that was looked at last */
};

struct undo {
	struct onode *node;
	struct val *old;
};

static struct mem *mem_of(struct store *s)
{
	return (struct mem *)(void *)s;
}

static struct val *val_of(const struct onode *n)
{
	return n ? n->v : NULL;
}

static void drop(struct mem *m, struct onode *n)
{
	free(n->v);
	omap_remove(&m->map, n);
}

static rc apply(struct mem *m, const struct store_op *op, int64_t now_s, struct undo *u, struct why *w)
{
	struct onode *n = omap_find(&m->map, op->ns, op->key);
	struct val *there = val_of(n), *v = NULL;

	if (there && store_expired(there->expires_s, now_s))
		there = NULL;
	TRY(store_may_apply(op, there ? there->rev : 0, w));
	if (op->kind != STORE_DELETE && op->kind != STORE_ERASE) {
		v = malloc(sizeof(*v) + op->value.n);
		if (!v)
			return store_refuse_memory(w);
		*v = (struct val){.rev = ++m->rev, .expires_s = op->expires_s, .n = op->value.n};
		if (v->n)
			memcpy(v->bytes, op->value.p, v->n);
		n = omap_add(&m->map, op->ns, op->key);
		if (!n) {
			free(v);
			return store_refuse_memory(w);
		}
	}
	if (n) {
		*u = (struct undo){n, n->v};
		n->v = v;
	}
	return rc_of(OK);
}

static void finish(struct mem *m, struct undo *u, size_t n, bool keep)
{
	for (size_t i = n; i-- > 0;) {
		if (!u[i].node)
			continue;
		if (keep) {
			free(u[i].old);
		} else {
			free(u[i].node->v);
			u[i].node->v = u[i].old;
		}
	}
	/* A node may stand in several rows: mark the later ones before any is freed. */
	for (size_t i = 0; i < n; i++) {
		struct onode *node = u[i].node;

		if (!node || node->v)
			continue;
		for (size_t k = i + 1; k < n; k++)
			if (u[k].node == node)
				u[k].node = NULL;
		drop(m, node);
	}
}

/* Looks at a few entries behind the last one looked at, so that expired ones go without a pass over everything. */
static void sweep(struct mem *m, int64_t now_s)
{
	struct onode *n = omap_seek(&m->map, m->sweep_ns, m->sweep_key, true);

	for (unsigned i = 0; n && i < SWEEP; i++) {
		memcpy(m->sweep_ns, n->ns, strlen(n->ns) + 1);
		memcpy(m->sweep_key, n->key, strlen(n->key) + 1);
		if (store_expired(val_of(n)->expires_s, now_s))
			drop(m, n);
		n = omap_seek(&m->map, m->sweep_ns, m->sweep_key, true);
	}
	if (!n)
		m->sweep_ns[0] = m->sweep_key[0] = 0;
}

static rc mem_commit(struct store *s, const struct store_op *ops, size_t n, int64_t now_s, size_t *refused,
                     struct why *w)
{
	struct mem *m = mem_of(s);
	struct undo *u = calloc(n, sizeof(*u));
	rc r = rc_of(OK);
	size_t done = 0;

	if (!u)
		return store_refuse_memory(w);
	pthread_rwlock_wrlock(&m->lock);
	for (; done < n && rc_ok(r); done++)
		r = apply(m, &ops[done], now_s, &u[done], w);
	if (!rc_ok(r))
		*refused = done - 1;
	finish(m, u, done, rc_ok(r));
	sweep(m, now_s);
	pthread_rwlock_unlock(&m->lock);
	free(u);
	return r;
}

static rc mem_get(struct store *s, const char *ns, const char *key, int64_t now_s, struct arena *a, struct slice *value,
                  uint64_t *rev, int64_t *expires_s, struct why *w)
{
	struct mem *m = mem_of(s);
	rc r = rc_of(OK);
	const struct val *v;

	pthread_rwlock_rdlock(&m->lock);
	v = val_of(omap_find(&m->map, ns, key));
	if (!v || store_expired(v->expires_s, now_s)) {
		r = store_refuse_absent(ns, key, w);
	} else {
		*value = arena_dup(a, slice_of(v->bytes, v->n));
		*rev = v->rev;
		*expires_s = v->expires_s;
		if (!value->p)
			r = store_refuse_memory(w);
	}
	pthread_rwlock_unlock(&m->lock);
	return r;
}

static rc list_locked(struct mem *m, const char *ns, const char *prefix, const char *after, size_t limit, int64_t now_s,
                      struct arena *a, char ***keys, size_t *n, struct why *w)
{
	bool behind = strcmp(after, prefix) >= 0;
	struct onode *at = omap_seek(&m->map, ns, behind ? after : prefix, behind && *after);
	size_t plen = strlen(prefix), cap = 0;

	for (; at && *n < limit && strcmp(at->ns, ns) == 0; at = omap_seek(&m->map, ns, at->key, true)) {
		if (strncmp(at->key, prefix, plen) != 0)
			break;
		if (store_expired(val_of(at)->expires_s, now_s))
			continue;
		TRY(store_keys_push(a, keys, n, &cap, at->key, w));
	}
	return rc_of(OK);
}

static rc mem_list(struct store *s, const char *ns, const char *prefix, const char *after, size_t limit, int64_t now_s,
                   struct arena *a, char ***keys, size_t *n, struct why *w)
{
	struct mem *m = mem_of(s);
	rc r;

	pthread_rwlock_rdlock(&m->lock);
	r = list_locked(m, ns, prefix, after, limit, now_s, a, keys, n, w);
	pthread_rwlock_unlock(&m->lock);
	return r;
}

static rc mem_health(struct store *s, struct why *w)
{
	(void)s;
	(void)w;
	return rc_of(OK);
}

static void mem_close(struct store *s)
{
	struct mem *m = mem_of(s);

	while (m->map.root)
		drop(m, m->map.root);
	pthread_rwlock_destroy(&m->lock);
	free(m);
}

static const struct store_vtable memory_vt = {
        .name = "memory",
        .commit = mem_commit,
        .get = mem_get,
        .list = mem_list,
        .health = mem_health,
        .close = mem_close,
};

rc store_open_memory(const struct clock *clock, struct store **out, struct why *w)
{
	struct mem *m = calloc(1, sizeof(*m));

	if (!m)
		return store_refuse_memory(w);
	m->base = (struct store){&memory_vt, clock};
	m->map.seed = (uint64_t)sys_monotonic_ns() | 1;
	store_rwlock_init(&m->lock);
	*out = &m->base;
	return rc_of(OK);
}
