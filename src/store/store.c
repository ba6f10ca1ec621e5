/* store.c - checks every argument once, for all back ends. */
#include "store/store.h"

#include <inttypes.h>

static rc check_ns(const char *ns, struct why *w)
{
	size_t n = ns ? strnlen(ns, STORE_NS_MAX + 1) : 0;

	if (n == 0 || n > STORE_NS_MAX)
		return deny(w, E_MALFORMED, "store.namespace", "a namespace has 1 to %u characters, this one %s",
		            STORE_NS_MAX, n ? "has more" : "is empty");
	for (size_t i = 0; i < n; i++)
		if (!((ns[i] >= 'a' && ns[i] <= 'z') || (ns[i] >= '0' && ns[i] <= '9') || ns[i] == '_'))
			return deny(w, E_MALFORMED, "store.namespace",
			            "byte 0x%02x at %zu of a namespace: expected [a-z0-9_]",
			            (unsigned)(unsigned char)ns[i], i);
	return rc_of(OK);
}

static rc check_text(const char *what, const char *s, struct why *w)
{
	size_t n = strnlen(s, STORE_KEY_MAX + 1);

	if (n > STORE_KEY_MAX)
		return deny(w, E_MALFORMED, "store.key", "a %s has at most %u bytes, this one has more", what,
		            STORE_KEY_MAX);
	for (size_t i = 0; i < n; i++)
		if (s[i] < 0x20 || s[i] > 0x7e)
			return deny(w, E_MALFORMED, "store.key", "byte 0x%02x at %zu of a %s: expected printable ASCII",
			            (unsigned)(unsigned char)s[i], i, what);
	return rc_of(OK);
}

static rc check_key(const char *key, struct why *w)
{
	if (!key || !*key)
		return deny(w, E_MALFORMED, "store.key", "an empty key: expected 1 to %u bytes", STORE_KEY_MAX);
	return check_text("key", key, w);
}

static rc check_op(const struct store_op *op, struct why *w)
{
	TRY(check_ns(op->ns, w));
	TRY(check_key(op->key, w));
	if (op->kind > STORE_ERASE)
		return deny(w, E_INTERNAL, "store.argument", "unknown operation %d on %s/%s", (int)op->kind, op->ns,
		            op->key);
	if (op->value.n > STORE_VALUE_MAX)
		return deny(w, E_LIMIT, "store.size", "a value of %zu bytes for %s/%s: the limit is %zu", op->value.n,
		            op->ns, op->key, STORE_VALUE_MAX);
	if ((op->value.n && !op->value.p) || op->expires_s < 0)
		return deny(w, E_INTERNAL, "store.argument", "a value without bytes, or a negative time, for %s/%s",
		            op->ns, op->key);
	return rc_of(OK);
}

rc store_commit_at(struct store *s, const struct store_op *ops, size_t n, size_t *refused, struct why *w)
{
	size_t bytes = 0, at = 0;
	rc r;

	if (n > STORE_BATCH_MAX)
		return deny(w, E_LIMIT, "store.size", "a batch of %zu operations: the limit is %u", n, STORE_BATCH_MAX);
	for (size_t i = 0; i < n; i++) {
		TRY(check_op(&ops[i], w));
		if (store_ns_shared(ops[i].ns) != store_ns_shared(ops[0].ns))
			return deny(w, E_INTERNAL, "store.argument", "a batch on %s, which is shared with tools, and on %s",
			            ops[store_ns_shared(ops[i].ns) ? i : 0].ns, ops[store_ns_shared(ops[i].ns) ? 0 : i].ns);
		bytes += ops[i].value.n; /* at most 4096 times 16 MiB */
	}
	if (bytes > STORE_BATCH_BYTES_MAX)
		return deny(w, E_LIMIT, "store.size", "a batch of %zu bytes: the limit is %zu", bytes,
		            STORE_BATCH_BYTES_MAX);
	if (n == 0)
		return rc_of(OK);
	r = s->vt->commit(s, ops, n, clock_now_s(s->clock), &at, w);
	if (!rc_ok(r) && refused)
		*refused = at;
	return note(w, r, "committing %zu operation%s to the %s store, the first on %s/%s", n, n == 1 ? "" : "s",
	            s->vt->name, ops[0].ns, ops[0].key);
}

rc store_commit(struct store *s, const struct store_op *ops, size_t n, struct why *w)
{
	return store_commit_at(s, ops, n, NULL, w);
}

rc store_commit_by(struct store *s, const struct store_committer *by, const struct store_op *ops, size_t n, struct why *w)
{
	return by ? by->commit(by->ctx, ops, n, w) : store_commit(s, ops, n, w);
}

rc store_get(struct store *s, const char *ns, const char *key, struct arena *a, struct slice *value, uint64_t *rev,
             int64_t *expires_s, struct why *w)
{
	struct slice v = {0};
	uint64_t got_rev = 0;
	int64_t got_expires = 0;

	TRY(check_ns(ns, w));
	TRY(check_key(key, w));
	TRY(s->vt->get(s, ns, key, clock_now_s(s->clock), a, &v, &got_rev, &got_expires, w));
	*value = v;
	if (rev)
		*rev = got_rev;
	if (expires_s)
		*expires_s = got_expires;
	return rc_of(OK);
}

rc store_list(struct store *s, const char *ns, const char *prefix, const char *after, size_t limit, struct arena *a,
              char ***keys, size_t *n, struct why *w)
{
	char **got = NULL;
	size_t got_n = 0;

	TRY(check_ns(ns, w));
	prefix = prefix ? prefix : "";
	after = after ? after : "";
	TRY(check_text("prefix", prefix, w));
	TRY(check_text("starting point", after, w));
	if (limit)
		TRY(s->vt->list(s, ns, prefix, after, limit, clock_now_s(s->clock), a, &got, &got_n, w));
	*keys = got;
	*n = got_n;
	return rc_of(OK);
}

void store_close(struct store *s)
{
	if (s)
		s->vt->close(s);
}

rc store_health(struct store *s, struct why *w)
{
	return note(w, s->vt->health(s, w), "asking the %s store whether it can be written", s->vt->name);
}

rc store_put(struct store *s, const char *ns, const char *key, struct slice value, struct why *w)
{
	struct store_op op = {.kind = STORE_PUT, .ns = ns, .key = key, .value = value};

	return store_commit(s, &op, 1, w);
}

rc store_insert(struct store *s, const char *ns, const char *key, struct slice value, int64_t expires_s, struct why *w)
{
	struct store_op op = {.kind = STORE_INSERT, .ns = ns, .key = key, .value = value, .expires_s = expires_s};

	return store_commit(s, &op, 1, w);
}

rc store_delete(struct store *s, const char *ns, const char *key, struct why *w)
{
	struct store_op op = {.kind = STORE_DELETE, .ns = ns, .key = key};

	return store_commit(s, &op, 1, w);
}

rc store_refuse_exists(const struct store_op *op, struct why *w)
{
	return deny(w, E_DENIED, "store.exists", "%s/%s exists already", op->ns, op->key);
}

rc store_refuse_changed(const struct store_op *op, uint64_t found, struct why *w)
{
	return deny(w, E_DENIED, "store.changed", "%s/%s has revision %" PRIu64 ", expected %" PRIu64 " (0: absent)",
	            op->ns, op->key, found, op->if_rev);
}

rc store_refuse_absent(const char *ns, const char *key, struct why *w)
{
	return deny(w, E_NOTFOUND, "store.absent", "%s/%s is not there", ns, key);
}

rc store_may_apply(const struct store_op *op, uint64_t there, struct why *w)
{
	switch (op->kind) {
	case STORE_INSERT:
		return there ? store_refuse_exists(op, w) : rc_of(OK);
	case STORE_CAS:
		return there != op->if_rev ? store_refuse_changed(op, there, w) : rc_of(OK);
	case STORE_DELETE:
		return there ? rc_of(OK) : store_refuse_absent(op->ns, op->key, w);
	case STORE_PUT:
	case STORE_ERASE:
		break;
	}
	return rc_of(OK);
}

rc store_refuse_memory(struct why *w)
{
	return deny(w, E_UNAVAILABLE, "store.down", "no memory");
}

rc store_keys_push(struct arena *a, char ***keys, size_t *n, size_t *cap, const char *key, struct why *w)
{
	char *copy = arena_strdup(a, key);

	if (*n == *cap) {
		size_t more = *cap ? *cap * 2 : 64;

		*keys = arena_grow(a, *keys, *cap * sizeof(**keys), more * sizeof(**keys));
		*cap = more;
	}
	if (!*keys || !copy)
		return deny(w, E_LIMIT, "store.size", "no room for a list of %zu keys", *n + 1);
	(*keys)[(*n)++] = copy;
	return rc_of(OK);
}

void store_rwlock_init(pthread_rwlock_t *lock)
{
	pthread_rwlockattr_t attr;

	pthread_rwlockattr_init(&attr);
	pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(lock, &attr);
	pthread_rwlockattr_destroy(&attr);
}
