#include "evidence/memo.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/num.h"

struct entry {
	const char *kind;
	size_t length[MEMO_PARTS_MAX];
	unsigned n;		/* 0: never found */
	uint8_t *bytes;		/* the parts, one behind the other */
	size_t bytes_n;
	void *value;
	void (*free_value)(void *);
	uint64_t used;
	bool proven;
};

struct memo {
	uint64_t tick;
	size_t bytes_n;
	unsigned count, max;
	struct entry entry[];
};

struct memo *memo_new(unsigned entries)
{
	unsigned max = MIN_OF(MAX_OF(entries, MEMO_MIN), MEMO_MAX);
	struct memo *m = calloc(1, sizeof(*m) + max * sizeof(m->entry[0]));

	if (m)
		m->max = max;
	return m;
}

static void forget(struct memo *m, struct entry *e)
{
	e->free_value(e->value);
	m->bytes_n -= e->bytes_n;
	free(e->bytes);
	*e = (struct entry){0};
}

struct memo *memo_free(struct memo *m)
{
	for (unsigned i = 0; m && i < m->count; i++)
		forget(m, &m->entry[i]);
	free(m);
	return NULL;
}

static bool is_key(const struct entry *e, const struct memo_key *key)
{
	const uint8_t *p = e->bytes;

	if (e->n != key->n || e->n == 0 || strcmp(e->kind, key->kind) != 0)
		return false;
	for (unsigned i = 0; i < key->n; i++)
		if (e->length[i] != key->part[i].n)
			return false;
	for (unsigned i = 0; i < key->n; p += e->length[i], i++)
		if (e->length[i] && memcmp(p, key->part[i].p, e->length[i]) != 0)
			return false;
	return true;
}

static struct entry *find(struct memo *m, const struct memo_key *key)
{
	for (unsigned i = 0; i < m->count; i++)
		if (is_key(&m->entry[i], key))
			return &m->entry[i];
	return NULL;
}

const void *memo_get(struct memo *m, const struct memo_key *key)
{
	struct entry *e = m ? find(m, key) : NULL;

	if (!e)
		return NULL;
	e->used = ++m->tick;
	return e->value;
}

void memo_prove(struct memo *m, const struct memo_key *key)
{
	struct entry *e = m ? find(m, key) : NULL;

	if (e)
		e->proven = true;
}

static struct entry *oldest(struct memo *m)
{
	struct entry *all = NULL, *claimed = NULL;
	unsigned claims = 0;

	for (unsigned i = 0; i < m->count; i++) {
		struct entry *e = &m->entry[i];

		if (!all || e->used < all->used)
			all = e;
		if (e->proven)
			continue;
		claims++;
		if (!claimed || e->used < claimed->used)
			claimed = e;
	}
	return claims >= MEMO_MIN ? claimed : all;
}

/* Without room for the key the entry only owns its value. */
static void keep_key(struct memo *m, struct entry *e, const struct memo_key *key)
{
	size_t n = 0, total, at = 0;

	for (unsigned i = 0; i < key->n; i++)
		if (!num_add(n, key->part[i].n, &n))
			return;
	if (!num_add(n, m->bytes_n, &total) || total > MEMO_KEY_MAX)
		return;
	e->bytes = malloc(n ? n : 1);
	if (!e->bytes)
		return;
	for (unsigned i = 0; i < key->n; i++) {
		e->length[i] = key->part[i].n;
		if (e->length[i])
			memcpy(e->bytes + at, key->part[i].p, e->length[i]);
		at += e->length[i];
	}
	e->n = key->n;
	e->bytes_n = n;
	m->bytes_n = total;
}

void memo_put(struct memo *m, const struct memo_key *key, void *value, void (*free_value)(void *))
{
	struct entry *e = find(m, key);	/* of the same key: replaced */

	if (!e && m->count < m->max) {
		e = &m->entry[m->count++];
	} else {
		if (!e)
			e = oldest(m);
		forget(m, e);
	}
	*e = (struct entry){.kind = key->kind, .value = value, .free_value = free_value, .used = ++m->tick};
	keep_key(m, e, key);
}

unsigned memo_count(const struct memo *m)
{
	return m->count;
}
