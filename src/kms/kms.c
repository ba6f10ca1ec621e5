/* kms.c - the host's side of include/warrant/kms.h: checks names, lends memory, keeps reasons. */
#include "kms/kms_int.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/num.h"

struct kms {
	const struct warrant_kms *table;
	void *self;
	struct store *store; /* for plans; NULL for a back end elsewhere */
};

/* One call. */
struct job {
	struct why *w;
	struct secret secret;
	bool has_secret;
	struct arena *a; /* names, operations */
	char **names;
	size_t n_names, cap_names, limit;
	struct store_op *ops;
	size_t n_ops, cap_ops;
};

#define HAS(k, slot)                                                                                                   \
	((k)->table->size >= offsetof(struct warrant_kms, slot) + sizeof((k)->table->slot) && (k)->table->slot)

/* ---- what a back end may call ---- */

static uint8_t *host_secret(void *job, size_t n)
{
	struct job *j = job;

	if (j->has_secret || n > KMS_SECRET_MAX || !rc_ok(secret_new(&j->secret, n, NULL)))
		return NULL;
	j->has_secret = true;
	return j->secret.p;
}

static int32_t host_name(void *job, const char *name)
{
	struct job *j = job;

	if (j->n_names >= j->limit || !j->a)
		return WARRANT_LIMIT;
	return (int32_t)store_keys_push(j->a, &j->names, &j->n_names, &j->cap_names, name, j->w).code;
}

static int32_t host_op(void *job, enum warrant_kms_op op, const char *ns, const char *key, struct warrant_bytes value,
                       uint64_t if_rev)
{
	static const enum store_op_kind kind[] = {[WARRANT_KMS_INSERT] = STORE_INSERT,
	                                          [WARRANT_KMS_CAS] = STORE_CAS,
	                                          [WARRANT_KMS_DELETE] = STORE_DELETE,
	                                          [WARRANT_KMS_ERASE] = STORE_ERASE};
	struct job *j = job;

	if (op < WARRANT_KMS_INSERT || op > WARRANT_KMS_ERASE)
		return WARRANT_INTERNAL;
	if (j->n_ops == j->cap_ops) {
		j->ops = arena_grow(j->a, j->ops, j->cap_ops * sizeof(*j->ops), (j->cap_ops + 16) * sizeof(*j->ops));
		j->cap_ops += 16;
	}
	if (!j->ops || arena_bad(j->a))
		return WARRANT_UNAVAILABLE;
	j->ops[j->n_ops++] = (struct store_op){
	        .kind = kind[op],
	        .ns = arena_strdup(j->a, ns),
	        .key = arena_strdup(j->a, key),
	        .value = arena_dup(j->a, slice_of(value.p, value.n)),
	        .if_rev = if_rev,
	};
	return arena_bad(j->a) ? WARRANT_UNAVAILABLE : WARRANT_OK;
}

static int32_t host_deny(void *job, int32_t code, const char *reason, const char *text)
{
	struct job *j = job;
	const char *kept = j->w && j->w->arena ? arena_strdup(j->w->arena, reason) : NULL;

	if (code <= OK || code > E_INTERNAL)
		code = E_INTERNAL;
	return (int32_t)deny(j->w, (enum rc_code)code, kept ? kept : "kms.refused", "%s", text).code;
}

static int32_t host_note(void *job, int32_t code, const char *text)
{
	struct job *j = job;

	if (code <= OK || code > E_INTERNAL)
		code = E_INTERNAL;
	return (int32_t)note(j->w, rc_of((enum rc_code)code), "%s", text).code;
}

static const struct warrant_kms_host host = {
        .abi = WARRANT_KMS_ABI,
        .size = sizeof(host),
        .secret = host_secret,
        .name = host_name,
        .op = host_op,
        .deny = host_deny,
        .note = host_note,
};

/* A refusal always has a reason, whatever the back end left out. */
static rc answer(const struct kms *k, const struct job *j, int32_t code)
{
	enum rc_code c = code < 0 || code > E_INTERNAL ? E_INTERNAL : (enum rc_code)code;

	if (c != OK && why_empty(j->w))
		return deny(j->w, c, "kms.refused", "the back end %s refused without a reason", k->table->name);
	return note(j->w, rc_of(c), "asking the secret back end %s", k->table->name);
}

static rc cannot(const struct kms *k, const char *what, struct why *w)
{
	return deny(w, E_UNSUPPORTED, "kms.unsupported", "the secret back end %s cannot %s", k->table->name, what);
}

/* ---- names ---- */

static bool part_char(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

static rc check_part(const char *what, struct slice p, struct why *w)
{
	if (p.n == 0 || p.n > KMS_PART_MAX)
		return deny(w, E_MALFORMED, "kms.name", "the %s of a secret has %zu characters, expected 1 to %u", what,
		            p.n, KMS_PART_MAX);
	for (size_t i = 0; i < p.n; i++)
		if (!part_char(p.p[i]) && !(p.p[i] == '.' && i))
			return deny(w, E_MALFORMED, "kms.name", "byte 0x%02x at %zu of the %s of a secret: expected %s",
			            p.p[i], i, what, i ? "[A-Za-z0-9_.-]" : "[A-Za-z0-9_-]");
	return rc_of(OK);
}

rc kms_check_name(struct slice repo, struct slice type, struct slice tag, struct why *w)
{
	TRY(check_part("repository", repo, w));
	TRY(check_part("type", type, w));
	return check_part("tag", tag, w);
}

static rc check_name(const char *name, struct why *w)
{
	struct slice s = slice_cstr(name), part[3];
	size_t n = 0, start = 0;

	for (size_t i = 0; i <= s.n; i++) {
		if (i < s.n && s.p[i] != '/')
			continue;
		if (n == COUNT_OF(part))
			return deny(w, E_MALFORMED, "kms.name",
			            "a secret has a name of three parts, this one has more");
		part[n++] = slice_sub(s, start, i - start);
		start = i + 1;
	}
	if (n != COUNT_OF(part))
		return deny(w, E_MALFORMED, "kms.name", "a secret has a name of three parts, this one has %zu", n);
	return kms_check_name(part[0], part[1], part[2], w);
}

/* ---- calls ---- */

rc kms_get(struct kms *k, const char *name, uint64_t version, struct secret *out, uint64_t *got_version, struct why *w)
{
	struct job j = {.w = w};
	uint64_t got = 0;
	rc r;

	TRY(check_name(name, w));
	why_clear(w);
	r = answer(k, &j, k->table->get(k->self, &host, &j, name, version, &got));
	if (rc_ok(r) && !j.has_secret)
		r = deny(w, E_INTERNAL, "kms.refused", "the back end %s gave no secret", k->table->name);
	if (rc_ok(r)) {
		*out = secret_move(&j.secret);
		if (got_version)
			*got_version = got;
	}
	secret_free(&j.secret);
	return r;
}

static rc check_value(const char *name, struct slice value, struct why *w)
{
	TRY(check_name(name, w));
	if (value.n > KMS_SECRET_MAX)
		return deny(w, E_LIMIT, "kms.size", "a secret of %zu bytes, the limit is %zu", value.n, KMS_SECRET_MAX);
	return rc_of(OK);
}

rc kms_put_ops(struct kms *k, const char *name, struct slice value, struct arena *a, struct store_op **ops, size_t *n,
               uint64_t *version, struct why *w)
{
	struct job j = {.w = w, .a = a};
	uint64_t got = 0;

	TRY(check_value(name, value, w));
	if (!HAS(k, plan_put) || !k->store)
		return cannot(k, "write in a batch of ours", w);
	why_clear(w);
	TRY(answer(k, &j,
	           k->table->plan_put(k->self, &host, &j, name, (struct warrant_bytes){value.p, value.n}, &got)));
	*ops = j.ops;
	*n = j.n_ops;
	*version = got;
	return rc_of(OK);
}

rc kms_delete_ops(struct kms *k, const char *name, struct arena *a, struct store_op **ops, size_t *n, struct why *w)
{
	struct job j = {.w = w, .a = a};

	TRY(check_name(name, w));
	if (!HAS(k, plan_remove) || !k->store)
		return cannot(k, "delete in a batch of ours", w);
	why_clear(w);
	TRY(answer(k, &j, k->table->plan_remove(k->self, &host, &j, name)));
	*ops = j.ops;
	*n = j.n_ops;
	return rc_of(OK);
}

/* One try at a put with the caller's operations; *raced when another writer took the version. */
static rc put_once(struct kms *k, const char *name, struct slice value, const struct store_op *extra, size_t n_extra,
                   uint64_t *version, bool *raced, struct why *w)
{
	struct arena *a = arena_new(2 * KMS_SECRET_MAX + ((size_t)16 << 20));
	struct store_op *ops, *all = NULL;
	size_t n, refused = n_extra;
	rc r = kms_put_ops(k, name, value, a, &ops, &n, version, w);

	if (rc_ok(r) && n_extra > STORE_BATCH_MAX)
		r = deny(w, E_LIMIT, "kms.size", "%zu operations beside a secret", n_extra);
	if (rc_ok(r)) {
		all = arena_array(a, n + n_extra, struct store_op);
		r = all ? rc_of(OK) : store_refuse_memory(w);
	}
	if (rc_ok(r)) {
		if (n_extra)
			memcpy(all, extra, n_extra * sizeof(*all));
		memcpy(all + n_extra, ops, n * sizeof(*all));
		r = store_commit_at(k->store, all, n + n_extra, &refused, w);
		*raced = r.code == E_DENIED && refused >= n_extra;
	}
	arena_free(a);
	return r;
}

static rc put_planned(struct kms *k, const char *name, struct slice value, const struct store_op *extra, size_t n_extra,
                      uint64_t *version, struct why *w)
{
	bool raced;
	rc r;

	for (unsigned i = 0; i < 100; i++) {
		raced = false;
		r = put_once(k, name, value, extra, n_extra, version, &raced, w);
		if (!raced)
			return r;
	}
	return deny(w, E_UNAVAILABLE, "kms.busy", "lost to other writers of %s 100 times", name);
}

rc kms_put(struct kms *k, const char *name, struct slice value, const struct store_op *extra, size_t n_extra,
           uint64_t *version, struct why *w)
{
	struct job j = {.w = w};
	uint64_t got = 0;

	TRY(check_value(name, value, w));
	if (HAS(k, plan_put) && k->store && n_extra) {
		TRY(put_planned(k, name, value, extra, n_extra, &got, w));
	} else {
		if (n_extra || !HAS(k, put))
			return cannot(k, n_extra ? "write in a batch of ours" : "write", w);
		why_clear(w);
		TRY(answer(k, &j,
		           k->table->put(k->self, &host, &j, name, (struct warrant_bytes){value.p, value.n}, &got)));
	}
	if (version)
		*version = got;
	return rc_of(OK);
}

rc kms_delete(struct kms *k, const char *name, struct why *w)
{
	struct job j = {.w = w};

	TRY(check_name(name, w));
	if (!HAS(k, remove))
		return cannot(k, "delete", w);
	why_clear(w);
	return answer(k, &j, k->table->remove(k->self, &host, &j, name));
}

rc kms_list(struct kms *k, const char *prefix, const char *after, size_t limit, struct arena *a, char ***names,
            size_t *n, struct why *w)
{
	struct job j = {.w = w, .a = a, .limit = limit};

	if (!HAS(k, list))
		return cannot(k, "list", w);
	why_clear(w);
	TRY(answer(k, &j, k->table->list(k->self, &host, &j, prefix ? prefix : "", after ? after : "", limit)));
	*names = j.names;
	*n = j.n_names;
	return rc_of(OK);
}

rc kms_health(struct kms *k, struct why *w)
{
	struct job j = {.w = w};

	if (!HAS(k, health))
		return rc_of(OK);
	why_clear(w);
	return answer(k, &j, k->table->health(k->self, &host, &j));
}

rc kms_open_table(const struct warrant_kms *table, void *self, struct store *store, struct kms **out, struct why *w)
{
	struct kms *k;

	if (table->abi != WARRANT_KMS_ABI || table->size < offsetof(struct warrant_kms, put) || !table->get ||
	    !table->name)
		return deny(w, E_UNSUPPORTED, "kms.abi", "a secret back end of ABI %u and %u bytes, expected %u",
		            table->abi, table->size, WARRANT_KMS_ABI);
	k = calloc(1, sizeof(*k));
	if (!k)
		return store_refuse_memory(w);
	*k = (struct kms){table, self, store};
	*out = k;
	return rc_of(OK);
}

void kms_close(struct kms *k)
{
	if (!k)
		return;
	if (HAS(k, close))
		k->table->close(k->self);
	free(k);
}
