/* kvstore.c - secrets in the store: kms_name/<name> names the newest version, kms_secret/<name>/<version> holds an
 * envelope. A new version and the name that points to it are one batch; who loses a race for a version tries again.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/cur.h"
#include "base/num.h"
#include "base/sys.h"
#include "codec/base64.h"
#include "kms/envelope.h"
#include "kms/kms_int.h"

#define NS_NAME    "kms_name"
#define NS_SECRET  "kms_secret"
#define NS_META    "kms_meta"
#define KEY_MASTER "master"
#define KEEP       64u /* versions of a secret */
#define RACES_MAX  100u

struct kv {
	struct store *store;
	struct envelope_keys keys;
};

/* A call from the host, with a place for our own reasons. */
struct call {
	const struct kv *kv;
	const struct warrant_kms_host *host;
	void *job;
	struct arena *a;
	struct why w;
};

static struct call call_begin(void *self, const struct warrant_kms_host *host, void *job)
{
	struct arena *a = arena_new(2 * KMS_SECRET_MAX + ((size_t)16 << 20));

	return (struct call){self, host, job, a, why_in(a)};
}

/* Hands our reason to the host. */
static int32_t call_end(struct call *c, rc r)
{
	int32_t code = (int32_t)r.code;

	if (!rc_ok(r) && !why_empty(&c->w))
		code = (c->host->deny)(c->job, code, why_reason(&c->w), why_text(&c->w));
	arena_free(c->a);
	return code;
}

static char *version_key(struct arena *a, const char *name, uint64_t version)
{
	return arena_printf(a, "%s/%020" PRIu64, name, version);
}

static rc absent(const char *name, struct why *w)
{
	return deny(w, E_NOTFOUND, "kms.absent", "there is no secret %s", name);
}

/* The newest version and the revision of the name; 0 and 0 when there is none. */
static rc newest(struct call *c, const char *name, uint64_t *version, uint64_t *rev)
{
	struct slice v;
	struct msg m;
	struct cur cur;
	rc r = store_get(c->kv->store, NS_NAME, name, c->a, &v, rev, NULL, &c->w);

	if (r.code == E_NOTFOUND) {
		*version = *rev = 0;
		return rc_of(OK);
	}
	TRY(r);
	cur = cur_open(&m, v);
	*version = cur_be64(&cur);
	if (*version == 0 || *version == UINT64_MAX)
		cur_spoil(&cur);
	if (!rc_ok(cur_end(&cur, NULL, "kms.integrity", "version")))
		return deny(&c->w, E_DENIED, "kms.integrity", "the newest version of %s cannot be read (%zu bytes)",
		            name, v.n);
	return rc_of(OK);
}

static uint8_t *room(void *ctx, size_t n)
{
	struct call *c = ctx;

	return c->host->secret(c->job, n);
}

static rc get(struct call *c, const char *name, uint64_t version, uint64_t *got)
{
	struct slice sealed;
	uint64_t rev;
	char *key;
	rc r;

	if (version == 0)
		TRY(newest(c, name, &version, &rev));
	if (version == 0)
		return absent(name, &c->w);
	key = version_key(c->a, name, version);
	if (!key)
		return store_refuse_memory(&c->w);
	r = store_get(c->kv->store, NS_SECRET, key, c->a, &sealed, NULL, NULL, &c->w);
	if (r.code == E_NOTFOUND)
		return deny(&c->w, E_NOTFOUND, "kms.absent", "there is no version %" PRIu64 " of the secret %s",
		            version, name);
	TRY(r);
	TRY(envelope_open(&c->kv->keys, name, version, sealed, room, c, &c->w));
	*got = version;
	return rc_of(OK);
}

static int32_t kv_get(void *self, const struct warrant_kms_host *host, void *job, const char *name, uint64_t version,
                      uint64_t *got)
{
	struct call c = call_begin(self, host, job);

	return call_end(&c, get(&c, name, version, got));
}

static rc plan_put(struct call *c, const char *name, struct slice value, struct store_op ops[3], size_t *n,
                   uint64_t *version)
{
	struct buf b = buf_in(c->a, 16);
	uint64_t last, rev, next;
	struct slice sealed;

	TRY(newest(c, name, &last, &rev));
	next = last + 1;
	TRY(envelope_seal(&c->kv->keys, name, next, value, c->a, &sealed, &c->w));
	buf_be64(&b, next);
	ops[0] = (struct store_op){.kind = STORE_CAS, .ns = NS_NAME, .key = name, .value = buf_view(&b), .if_rev = rev};
	ops[1] = (struct store_op){
	        .kind = STORE_INSERT, .ns = NS_SECRET, .key = version_key(c->a, name, next), .value = sealed};
	*n = 2;
	if (next > KEEP)
		ops[(*n)++] = (struct store_op){
		        .kind = STORE_ERASE, .ns = NS_SECRET, .key = version_key(c->a, name, next - KEEP)};
	*version = next;
	return arena_bad(c->a) ? store_refuse_memory(&c->w) : rc_of(OK);
}

static rc plan_remove(struct call *c, const char *name, struct store_op **ops, size_t *n)
{
	uint64_t last, rev;
	struct slice same;
	char **keys, *prefix = arena_printf(c->a, "%s/", name);
	size_t count;

	TRY(newest(c, name, &last, &rev));
	if (last == 0)
		return absent(name, &c->w);
	if (!prefix)
		return store_refuse_memory(&c->w);
	TRY(store_get(c->kv->store, NS_NAME, name, c->a, &same, &rev, NULL, &c->w));
	TRY(store_list(c->kv->store, NS_SECRET, prefix, NULL, 2 * KEEP, c->a, &keys, &count, &c->w));
	*ops = arena_array(c->a, count + 2, struct store_op);
	if (!*ops)
		return store_refuse_memory(&c->w);
	/* First that nobody added a version since we looked, then everything goes. */
	(*ops)[0] = (struct store_op){.kind = STORE_CAS, .ns = NS_NAME, .key = name, .value = same, .if_rev = rev};
	(*ops)[1] = (struct store_op){.kind = STORE_DELETE, .ns = NS_NAME, .key = name};
	for (size_t i = 0; i < count; i++)
		(*ops)[2 + i] = (struct store_op){.kind = STORE_ERASE, .ns = NS_SECRET, .key = keys[i]};
	*n = count + 2;
	return rc_of(OK);
}

/* Gives the operations of a plan to the host. */
static rc hand_over(struct call *c, const struct store_op *ops, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		static const enum warrant_kms_op kind[] = {[STORE_INSERT] = WARRANT_KMS_INSERT,
		                                           [STORE_CAS] = WARRANT_KMS_CAS,
		                                           [STORE_DELETE] = WARRANT_KMS_DELETE,
		                                           [STORE_ERASE] = WARRANT_KMS_ERASE};

		if (c->host->op(c->job, kind[ops[i].kind], ops[i].ns, ops[i].key,
		                (struct warrant_bytes){ops[i].value.p, ops[i].value.n}, ops[i].if_rev) != WARRANT_OK)
			return store_refuse_memory(&c->w);
	}
	return rc_of(OK);
}

static int32_t kv_plan_put(void *self, const struct warrant_kms_host *host, void *job, const char *name,
                           struct warrant_bytes value, uint64_t *version)
{
	struct call c = call_begin(self, host, job);
	struct store_op ops[3];
	size_t n;
	rc r = plan_put(&c, name, slice_of(value.p, value.n), ops, &n, version);

	return call_end(&c, rc_ok(r) ? hand_over(&c, ops, n) : r);
}

static int32_t kv_plan_remove(void *self, const struct warrant_kms_host *host, void *job, const char *name)
{
	struct call c = call_begin(self, host, job);
	struct store_op *ops;
	size_t n;
	rc r = plan_remove(&c, name, &ops, &n);

	return call_end(&c, rc_ok(r) ? hand_over(&c, ops, n) : r);
}

static bool lost_race(const struct call *c, rc r)
{
	return r.code == E_DENIED && strcmp(why_reason(&c->w), "store.changed") == 0;
}

static int32_t kv_put(void *self, const struct warrant_kms_host *host, void *job, const char *name,
                      struct warrant_bytes value, uint64_t *version)
{
	struct call c = call_begin(self, host, job);
	struct arena_mark m = arena_mark(c.a);
	unsigned races = 0;
	rc r;

	do {
		struct store_op ops[3];
		size_t n;

		arena_reset(c.a, m);
		why_clear(&c.w);
		r = plan_put(&c, name, slice_of(value.p, value.n), ops, &n, version);
		if (rc_ok(r))
			r = store_commit(c.kv->store, ops, n, &c.w);
	} while (lost_race(&c, r) && ++races < RACES_MAX);
	return call_end(&c, r);
}

static int32_t kv_remove(void *self, const struct warrant_kms_host *host, void *job, const char *name)
{
	struct call c = call_begin(self, host, job);
	unsigned races = 0;
	rc r;

	do {
		struct store_op *ops;
		size_t n;

		r = plan_remove(&c, name, &ops, &n);
		if (rc_ok(r))
			r = store_commit(c.kv->store, ops, n, &c.w);
	} while (lost_race(&c, r) && ++races < RACES_MAX);
	return call_end(&c, r);
}

static int32_t kv_list(void *self, const struct warrant_kms_host *host, void *job, const char *prefix,
                       const char *after, uint64_t limit)
{
	struct call c = call_begin(self, host, job);
	char **keys;
	size_t n;
	rc r = store_list(c.kv->store, NS_NAME, prefix, after, (size_t)limit, c.a, &keys, &n, &c.w);

	for (size_t i = 0; rc_ok(r) && i < n; i++)
		if (host->name(job, keys[i]) != WARRANT_OK)
			r = deny(&c.w, E_LIMIT, "kms.size", "no room for %zu names", n);
	return call_end(&c, r);
}

static int32_t kv_health(void *self, const struct warrant_kms_host *host, void *job)
{
	struct call c = call_begin(self, host, job);

	return call_end(&c, store_health(c.kv->store, &c.w));
}

static void kv_close(void *self)
{
	struct kv *kv = self;

	envelope_keys_free(&kv->keys);
	free(kv);
}

static const struct warrant_kms table = {
        .abi = WARRANT_KMS_ABI,
        .size = sizeof(table),
        .name = "kvstore",
        .get = kv_get,
        .put = kv_put,
        .remove = kv_remove,
        .list = kv_list,
        .health = kv_health,
        .close = kv_close,
        .plan_put = kv_plan_put,
        .plan_remove = kv_plan_remove,
};

/* The store remembers which master key it belongs to: a lost key file must not be replaced silently. */
static rc check_master(const struct kv *kv, struct why *w)
{
	struct arena *a = arena_new(1 << 16);
	struct slice id = slice_of(kv->keys.id, sizeof(kv->keys.id)), stored;
	rc r = store_insert(kv->store, NS_META, KEY_MASTER, id, 0, w);

	if (r.code == E_DENIED) {
		r = store_get(kv->store, NS_META, KEY_MASTER, a, &stored, NULL, NULL, w);
		if (rc_ok(r) && !slice_eq(stored, id)) {
			r = deny(w, E_DENIED, "kms.master-key",
			         "the secrets of this store are sealed under another master key: put back the one that belongs to it");
			why_compared(w, "master key id", hex_text(a, id), hex_text(a, stored));
		}
	}
	arena_free(a);
	return r;
}

rc kms_expect_master(struct store *store, const char *path, struct why *w)
{
	struct arena *a = arena_new(1 << 16);
	struct slice id;
	rc r = file_exists(path) ? rc_of(E_NOTFOUND) : store_get(store, NS_META, KEY_MASTER, a, &id, NULL, NULL, w);

	arena_free(a);
	if (rc_ok(r))
		return deny(w, E_DENIED, "kms.master-key",
		            "the master key %s is not there, and the secrets of this store are sealed under it: put it back; nothing else opens them",
		            path);
	if (r.code != E_NOTFOUND)
		return r;
	why_clear(w);
	return rc_of(OK);
}

rc kms_open_kvstore(struct store *store, const struct kms_seal *seal, struct kms **out, struct why *w)
{
	struct kv *kv = calloc(1, sizeof(*kv));
	SECRET(master);
	rc r;

	if (!kv)
		return store_refuse_memory(w);
	kv->store = store;
	r = seal->unseal(seal->ctx, &master, w);
	if (rc_ok(r) && master.n != AEAD_KEY)
		r = deny(w, E_DENIED, "kms.master-key", "the seal \"%s\" gave %zu bytes, expected %u", seal->name,
		         master.n, AEAD_KEY);
	if (rc_ok(r))
		r = envelope_keys_derive(&master, &kv->keys, w);
	if (rc_ok(r))
		r = check_master(kv, w);
	if (rc_ok(r))
		r = kms_open_table(&table, kv, store, out, w);
	if (!rc_ok(r))
		kv_close(kv);
	return note(w, r, "opening the secrets");
}
