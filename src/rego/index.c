/* Which definitions of a group can hold for an input at all: those whose first test fails are left out without being run.
 *
 * Two kinds of first tests are known from the code: that `input` has a key, and that something below it equals a constant. Only
 * tests whose failure ends the definition count, so leaving it out changes no result, no conflict and no error; the order of the
 * others stays. Explanations and coverage look at all definitions. */
#include "rego/vm.h"

#define NONE	   UINT32_MAX
#define EQUALS_MIN 4u	/* definitions that compare one place, from which a table is worth it */

static bool ends(const struct code *c, uint32_t t)
{
	return t < c->n && c->ins[t].op == OP_END;
}

static bool constant(const struct code *c, uint32_t x, struct rv *v)
{
	if (!(x & OPERAND_CONST))
		return false;
	*v = c->consts[x & ~OPERAND_CONST];
	return true;
}

/* The first thing that the code asks of `input`: the steps of a reference, and the scalar that it has to equal, if any. */
struct first {
	struct rv step[INDEX_STEPS];
	uint32_t n;
	struct rv value;
};

static struct first first_test(const struct code *c)
{
	struct first f = {.value = rv_undef()};
	const struct ins *i = c->ins;
	uint32_t at;

	if (c->n < 2 || i->op != OP_INPUT || !ends(c, i->t))
		return f;
	at = i->a;
	for (i++; i < c->ins + c->n && f.n < INDEX_STEPS; i++) {
		struct rv key;

		if (i->op != OP_STEP || i->b != at || i->flags || !ends(c, i->t) || !constant(c, i->c, &key) || key.kind != RV_STRING)
			break;
		f.step[f.n++] = key;
		at = i->a;
	}
	if (f.n && i < c->ins + c->n && i->op == OP_EQ && ends(c, i->t) &&
	    ((i->b == at && constant(c, i->c, &f.value)) || (i->c == at && constant(c, i->b, &f.value))) && f.value.kind >= RV_ARRAY)
		f.value = rv_undef();
	return f;
}

static bool same_place(const struct first *a, const struct first *b)
{
	for (uint32_t i = 0; a->n == b->n && i < a->n; i++)
		if (!rv_eq(a->step[i], b->step[i]))
			return false;
	return a->n == b->n;
}

/* ---- keys of `input` ---- */

/* A bit of the program's for a key; 0: it has as many as it can have. */
static uint64_t bit_of(struct rego_program *p, struct rv key)
{
	uint32_t i = 0;

	while (i < p->ninput_keys && !rv_eq(p->input_keys[i], key))
		i++;
	if (i == INDEX_KEYS)
		return 0;
	if (i == p->ninput_keys)
		p->input_keys[p->ninput_keys++] = key;
	return 1ull << i;
}

/* The bit that a definition and all its else parts ask for first. */
static uint64_t need_of(struct rego_program *p, const struct plan_rule *r)
{
	uint64_t need = 0;

	for (const struct plan_rule *part = r; part; part = part->els) {
		struct first f = first_test(&part->code);
		uint64_t bit = f.n ? bit_of(p, f.step[0]) : 0;

		if (!bit || (need && need != bit))
			return 0;
		need = bit;
	}
	return need;
}

uint64_t index_keys(struct vm *vm, struct frame *f)
{
	const struct rego_program *p = vm->prog;

	f->keys = 0;
	for (uint32_t i = 0; i < p->ninput_keys; i++)
		if (rv_step(f->input, p->input_keys[i]).kind != RV_UNDEF)
			f->keys |= 1ull << i;
	f->keys_known = true;
	return f->keys;
}

/* ---- values of one place ---- */

/* A table of definitions by the constant that they compare, each chain in order; `always` are the others. */
static bool fill(struct comp *c, struct plan_index *x, const struct plan_group *g, const struct first *place, const struct first *tests, uint32_t n)
{
	uint32_t size = 16;

	while (size < n * 2)
		size *= 2;
	x->slots = comp_alloc(c, size * sizeof(*x->slots));
	x->next = comp_alloc(c, g->n * sizeof(*x->next));
	if (!x->slots || !x->next)
		return false;
	x->mask = size - 1;
	x->always = NONE;
	for (uint32_t i = 0; i < size; i++)
		x->slots[i].first = NONE;
	memcpy(x->step, place->step, sizeof(x->step));
	x->n = place->n;
	for (uint32_t i = g->n; i-- > 0;) {	/* backwards, so that chains come out in order */
		uint32_t *head = &x->always;

		if (!g->rules[i].els && tests[i].value.kind != RV_UNDEF && same_place(&tests[i], place)) {
			struct plan_slot *s = &x->slots[rv_hash(tests[i].value) & x->mask];

			while (s->first != NONE && !rv_eq(s->value, tests[i].value))
				s = s == x->slots + x->mask ? x->slots : s + 1;
			s->value = tests[i].value;
			head = &s->first;
		}
		x->next[i] = *head;
		*head = i;
	}
	return true;
}

bool index_make(struct comp *c, struct rego_program *p, struct plan_group *g)
{
	struct first *tests = comp_alloc(c, (g->n + (size_t)1) * sizeof(*tests));
	uint32_t best = 0, best_n = 0;

	if (!tests)
		return false;
	for (uint32_t i = 0; i < g->n; i++) {
		tests[i] = first_test(&g->rules[i].code);
		g->rules[i].need = need_of(p, &g->rules[i]);
		g->picky = g->picky || g->rules[i].need;
	}
	/* the place that the most of them compare; looking at some candidates is enough */
	for (uint32_t k = 0; k < g->n && k < 8; k++) {
		uint32_t n = 0;

		for (uint32_t i = 0; tests[k].value.kind != RV_UNDEF && i < g->n; i++)
			n += tests[i].value.kind != RV_UNDEF && !g->rules[i].els && same_place(&tests[i], &tests[k]);
		if (n > best_n) {
			best = k;
			best_n = n;
		}
	}
	if (best_n < EQUALS_MIN)
		return true;
	g->index = COMP_NEW(c, struct plan_index);
	return g->index && fill(c, g->index, g, &tests[best], tests, best_n);
}

/* ---- looking up ---- */

struct candidates index_start(struct vm *vm, const struct plan_group *g)
{
	const struct plan_index *x = g->index;
	struct candidates c = {.g = g, .keys = ~0ull, .a = 0, .b = NONE};
	struct frame *f = vm->frame;
	struct rv v;

	if (!g->picky || vm->explain || vm->see)
		return c;
	c.keys = f->keys_known ? f->keys : index_keys(vm, f);
	if (!x)
		return c;
	v = f->input;
	for (uint32_t i = 0; i < x->n; i++)
		v = rv_step(v, x->step[i]);
	c.x = x;
	c.a = x->always;
	if (v.kind == RV_UNDEF || v.kind >= RV_ARRAY)
		return c;
	for (uint32_t i = rv_hash(v) & x->mask; x->slots[i].first != NONE; i = (i + 1) & x->mask) {
		if (rv_eq(x->slots[i].value, v)) {
			c.b = x->slots[i].first;
			break;
		}
	}
	return c;
}

const struct plan_rule *index_next(struct candidates *c)
{
	const struct plan_rule *r;
	uint32_t *from;

	do {
		if (!c->x) {
			if (c->a >= c->g->n)
				return NULL;
			r = &c->g->rules[c->a++];
		} else {
			from = c->a < c->b ? &c->a : &c->b;
			if (*from == NONE)
				return NULL;
			r = &c->g->rules[*from];
			*from = c->x->next[*from];
		}
	} while (r->need & ~c->keys);
	return r;
}
