/* The strings that a program names, by hash: values made with the table share their pointers. */
#include "rego/value.h"

struct rv_strtab {
	const struct rv_str **slots;
	uint32_t mask, n;
};

struct rv_strtab *rv_strtab_new(struct arena *a, size_t expect)
{
	struct rv_strtab *t = ARENA_NEW(a, struct rv_strtab);
	uint32_t size = 64;

	while (size < expect * 2 && size < 1u << 24)
		size *= 2;
	if (!t)
		return NULL;
	t->slots = arena_array(a, size, const struct rv_str *);
	if (!t->slots)
		return NULL;
	t->mask = size - 1;
	return t;
}

const struct rv_str *rv_strtab_find(const struct rv_strtab *t, const void *p, size_t n, uint32_t hash)
{
	for (uint32_t i = hash & t->mask; t->slots[i]; i = (i + 1) & t->mask) {
		const struct rv_str *s = t->slots[i];

		if (s->hash == hash && s->n == n && (n == 0 || memcmp(s->p, p, n) == 0))
			return s;
	}
	return NULL;
}

static bool strtab_grow(struct rv_strtab *t, struct arena *a)
{
	uint32_t size = (t->mask + 1) * 2;
	const struct rv_str **slots = arena_array(a, size, const struct rv_str *);

	if (!slots)
		return false;
	for (uint32_t i = 0; i <= t->mask; i++) {
		if (!t->slots[i])
			continue;
		uint32_t k = t->slots[i]->hash & (size - 1);

		while (slots[k])
			k = (k + 1) & (size - 1);
		slots[k] = t->slots[i];
	}
	t->slots = slots;
	t->mask = size - 1;
	return true;
}

const struct rv_str *rv_strtab_add(struct rv_strtab *t, struct rv_heap *h, const void *p, size_t n)
{
	uint32_t hash = rv_hash_bytes(p, n), i;
	const struct rv_str *s = rv_strtab_find(t, p, n, hash);
	struct rv_str *made;

	if (s)
		return s;
	if (t->n * 2 >= t->mask && !strtab_grow(t, h->arena)) {
		h->bad = true;
		return NULL;
	}
	made = rv_str_new(h, n);
	if (!made)
		return NULL;
	if (n)
		memcpy(made->p, p, n);
	made->p[n] = 0;
	made->hash = hash;
	for (i = hash & t->mask; t->slots[i]; i = (i + 1) & t->mask)
		;
	t->slots[i] = made;
	t->n++;
	return made;
}


struct rv_strtab *rv_strtab_copy(struct arena *a, const struct rv_strtab *from)
{
	struct rv_strtab *t = ARENA_NEW(a, struct rv_strtab);

	if (!t)
		return NULL;
	*t = *from;
	t->slots = arena_array(a, from->mask + (size_t)1, const struct rv_str *);
	if (!t->slots)
		return NULL;
	memcpy(t->slots, from->slots, (from->mask + (size_t)1) * sizeof(*t->slots));
	return t;
}
