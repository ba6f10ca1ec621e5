#include "evidence/memo.h"

#include <stdlib.h>
#include <string.h>

#include "base/num.h"

struct entry {
	const char *kind;	/* NULL: free */
	uint8_t key[32];
	void *value;
	void (*free_value)(void *);
	uint64_t used;
};

struct memo {
	uint64_t tick;
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

struct memo *memo_free(struct memo *m)
{
	for (unsigned i = 0; m && i < m->count; i++)
		m->entry[i].free_value(m->entry[i].value);
	free(m);
	return NULL;
}

static struct entry *find(struct memo *m, const char *kind, const uint8_t key[32])
{
	for (unsigned i = 0; i < m->count; i++)
		if (!memcmp(m->entry[i].key, key, 32) && !strcmp(m->entry[i].kind, kind))
			return &m->entry[i];
	return NULL;
}

const void *memo_get(struct memo *m, const char *kind, const uint8_t key[32])
{
	struct entry *e = find(m, kind, key);

	if (!e)
		return NULL;
	e->used = ++m->tick;
	return e->value;
}

static struct entry *oldest(struct memo *m)
{
	struct entry *e = &m->entry[0];

	for (unsigned i = 1; i < m->count; i++)
		if (m->entry[i].used < e->used)
			e = &m->entry[i];
	return e;
}

void memo_put(struct memo *m, const char *kind, const uint8_t key[32], void *value, void (*free_value)(void *))
{
	struct entry *e = find(m, kind, key);

	if (!e && m->count < m->max) {
		e = &m->entry[m->count++];
	} else {
		if (!e)
			e = oldest(m);
		e->free_value(e->value);
	}
	*e = (struct entry){.kind = kind, .value = value, .free_value = free_value, .used = ++m->tick};
	memcpy(e->key, key, 32);
}

unsigned memo_count(const struct memo *m)
{
	return m->count;
}
