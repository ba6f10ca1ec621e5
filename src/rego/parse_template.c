/* Template strings: text, and expressions in braces. */
#include "rego/parse_int.h"

static struct expr *template_expr(struct parser *p)
{
	struct expr *e;
	struct loc at = p_loc(p);
	uint32_t start = p->at;

	e = p_literal(p);
	if (!e)
		return p_fail(p, p_loc(p), "invalid template-string expression");
	if (e->negated || e->kind == EX_NOT)
		return p_fail(p, at, "unexpected negation ('not') in template-string expression");
	if (e->kind == EX_SOME)
		return p_fail(p, at, "unexpected 'some' in template-string expression");
	if (e->kind == EX_EVERY)
		return p_fail(p, at, "unexpected 'every' in template-string expression");
	if (e->kind == EX_TERM && call_is(e->term, "eq") && e->term->op)
		return p_fail(p, at, "unexpected unification ('=') in template-string expression");
	if (e->kind == EX_TERM && call_is(e->term, "assign") && e->term->op)
		return p_fail(p, at, "unexpected assignment (':=') in template-string expression");
	if (e->kind != EX_TERM)
		return p_fail(p, p->toks[start].loc, "invalid template-string expression");
	return e;
}

struct term *p_template(struct parser *p)
{
	struct loc from = p_loc(p);
	struct term *t = term_new(p->c, T_TEMPLATE, from);
	struct expr **parts = NULL;
	uint32_t n = 0, cap = 0;
	bool first = true;

	if (!t)
		return NULL;
	if (p->c->opts->dialect == REGO_V0 && !p->m->is_query)
		return p_fail(p, from, "template strings are not supported by current capabilities (v0 has none)");
	for (;;) {
		const struct token *part = p_cur(p);
		struct expr *add[2] = {NULL, NULL};
		bool last = part->kind == K_TEMPLATE_END;

		if ((part->kind != K_TEMPLATE && part->kind != K_TEMPLATE_END) || (!first && p->m->text.p[part->loc.off] == '$'))
			return p_fail(p, p_loc(p), "expected } to end template string expression");
		p_next(p);
		first = false;
		if (part->text.n)
			add[0] = expr_new(p->c, term_value(p->c, rv_str(&p->c->heap, part->text.p, part->text.n), part->loc),
					  part->loc);
		if (!last) {
			if ((p_tok(p) == K_TEMPLATE || p_tok(p) == K_TEMPLATE_END) && p->m->text.p[p_loc(p).off] != '$')
				return p_fail(p, p_loc(p), "unexpected } token");
			add[1] = template_expr(p);
			if (!add[1])
				return NULL;
		}
		for (int i = 0; i < 2; i++) {
			if (!add[i])
				continue;
			if (n == cap) {
				uint32_t more = cap ? cap * 2 : 8;

				parts = arena_grow(p->c->arena, parts, cap * sizeof(struct expr *), more * sizeof(struct expr *));
				cap = more;
				if (!parts) {
					comp_oom(p->c);
					return p_fail(p, from, "out of memory");
				}
			}
			parts[n++] = add[i];
		}
		if (last)
			break;
	}
	t->parts = parts;
	t->n = n;
	t->loc = p_span(p, from);
	return t;
}
