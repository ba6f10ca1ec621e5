/* graphql_suggest.c - names near to the one that was typed. */
#include <stdlib.h>

#include "rego/builtin/graphql_check.h"

#define LONGEST 64u /* names beyond it get no suggestions */
#define AT_MOST 5u

static uint8_t lower(uint8_t ch)
{
	return ch >= 'A' && ch <= 'Z' ? ch | 32 : ch;
}

/* Neither is longer than LONGEST. Insertions, deletions and replacements from a to b, letters compared without case. */
static uint32_t edits(struct slice a, struct slice b)
{
	uint32_t row[LONGEST + 1];

	for (uint32_t i = 0; i <= b.n; i++)
		row[i] = i;
	for (uint32_t i = 1; i <= a.n; i++) {
		uint32_t diagonal = row[0];

		row[0] = i;
		for (uint32_t j = 1; j <= b.n; j++) {
			uint32_t replace = diagonal + (lower(a.p[i - 1]) != lower(b.p[j - 1]));
			uint32_t least = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;

			diagonal = row[j];
			row[j] = replace < least ? replace : least;
		}
	}
	return row[b.n];
}

static void add(struct gql_suggestions *l, struct slice name, uint32_t rank)
{
	if (l->n == l->cap) {
		uint32_t cap = l->cap ? l->cap * 2 : 8;
		struct gql_suggestion *bigger = gql_alloc(l->g, cap * sizeof(*bigger));

		if (!bigger)
			return;
		if (l->n)
			memcpy(bigger, l->items, l->n * sizeof(*bigger));
		l->items = bigger;
		l->cap = cap;
	}
	l->items[l->n++] = (struct gql_suggestion){name, rank, l->n};
}

void gql_suggest_ranked(struct gql_suggestions *l, struct slice name, uint32_t rank)
{
	l->by_name = true;
	add(l, name, rank);
}

void gql_suggest(struct gql_suggestions *l, struct slice name)
{
	uint32_t distance;

	if (l->typed.n > LONGEST || name.n > LONGEST || !gql_spend(l->g, 1 + (uint32_t)l->typed.n / 4))
		return;
	distance = edits(l->typed, name);
	/* one that differs in case only is farther than the same name */
	if (distance == 0 && !slice_eq(l->typed, name))
		distance = 1;
	if (distance <= l->typed.n * 2 / 5 + 1)
		add(l, name, distance);
}

static int by_rank(const void *a, const void *b)
{
	const struct gql_suggestion *x = a, *y = b;

	return x->rank != y->rank ? (x->rank > y->rank) - (x->rank < y->rank) : (x->added > y->added) - (x->added < y->added);
}

static int by_rank_and_name(const void *a, const void *b)
{
	const struct gql_suggestion *x = a, *y = b;

	return x->rank != y->rank ? (x->rank > y->rank) - (x->rank < y->rank) : slice_cmp(x->name, y->name);
}

const char *gql_suggestions_text(struct gql_suggestions *l, const char *prefix, bool quoted)
{
	struct buf b = buf_in(l->g->a, 0);
	const char *mark = quoted ? "\"" : "", *s;
	uint32_t n = l->n < AT_MOST ? l->n : AT_MOST;

	if (!l->n || !gql_spend(l->g, l->n / 4))
		return "";
	qsort(l->items, l->n, sizeof(*l->items), l->by_name ? by_rank_and_name : by_rank);
	buf_printf(&b, " %s ", prefix);
	for (uint32_t i = 0; i < n; i++) {
		if (i)
			buf_puts(&b, n == 2 ? " or " : i + 1 == n ? ", or " : ", ");
		buf_puts(&b, mark);
		buf_slice(&b, l->items[i].name);
		buf_puts(&b, mark);
	}
	buf_putc(&b, '?');
	s = buf_cstr(&b);
	if (!s)
		l->g->end = rc_of(E_LIMIT);
	return s ? s : "";
}
