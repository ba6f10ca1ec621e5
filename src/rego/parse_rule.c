/* Rules: heads, bodies, else, chained bodies. */
#include "rego/parse_int.h"

static bool head_ref(struct parser *p, struct rule *r)
{
	struct term *items[64];
	uint32_t n = 0;
	enum tok k = p_tok(p);

	if (k != K_IDENT) {
		p_illegal(p, "");
		return false;
	}
	items[n++] = term_var(p->c, var_named(p->c, (const char *)p_cur(p)->text.p, p_cur(p)->text.n), p_loc(p));
	p_next(p);
	/* behind the name, and only there, white space may stand; a head without a body is an expression, which has none */
	r->spaced = !p_glued(p) && (p_tok(p) == K_DOT || p_tok(p) == K_LBRACK || p_tok(p) == K_LPAREN);
	while ((n == 1 || p_glued(p)) && (p_tok(p) == K_DOT || p_tok(p) == K_LBRACK)) {
		if (n == 64) {
			p_fail(p, p_loc(p), "rule head reference is too long");
			return false;
		}
		if (p_tok(p) == K_DOT) {
			if (!p_behind_dot(p))
				return false;
			items[n++] = term_value(p->c, rv_str(&p->c->heap, p_cur(p)->text.p, p_cur(p)->text.n), p_loc(p));
			p_next(p);
		} else {
			p_next(p);
			items[n] = p_infix(p, true);
			if (!items[n])
				return false;
			if (p_tok(p) != K_RBRACK) {
				p_illegal(p, "expected [");
				return false;
			}
			p_next(p);
			n++;
		}
	}
	r->ref = comp_alloc(p->c, n * sizeof(*r->ref));
	if (!r->ref)
		return false;
	memcpy(r->ref, items, n * sizeof(*r->ref));
	r->nref = n;
	return true;
}

static struct rule *rule_new(struct parser *p, struct loc at)
{
	struct rule *r = COMP_NEW(p->c, struct rule);

	if (r) {
		r->loc = at;
		r->mod = p->m;
	}
	return r;
}

static void rule_add(struct parser *p, struct rule *r)
{
	if (p->m->last)
		p->m->last->next = r;
	else
		p->m->first = r;
	p->m->last = r;
	p->c->nrules++;
}

static struct body *true_body(struct parser *p, struct loc at)
{
	struct body *b = body_new(p->c, at);
	struct expr *e = expr_new(p->c, term_value(p->c, rv_bool(true), at), at);

	if (!b || !e)
		return NULL;
	e->generated = true;
	body_add(p->c, b, e);
	return b;
}

/* `if` and what follows: one literal, or a body in braces. */
static struct body *if_body(struct parser *p)
{
	uint32_t start;
	struct loc at;
	struct expr *e;
	struct body *b;

	p_next(p);
	start = p->at;
	at = p_loc(p);
	if (p_tok(p) == K_LBRACE) {
		e = p_literal(p);
		if (e && !(e->kind == EX_TERM && e->term->kind == T_SET)) {
			b = body_new(p->c, at);
			if (b)
				body_add(p->c, b, e);
			return b;
		}
		p_back(p, start);
		p_next(p);
		return p_body(p, K_RBRACE);
	}
	e = p_literal(p);
	if (!e)
		return NULL;
	b = body_new(p->c, at);
	if (b)
		body_add(p->c, b, e);
	return b;
}

static void need_if(struct parser *p, const struct rule *r)
{
	comp_error(p->c, ERR_PARSE, r->loc, "`if` keyword is required before %s body", r->has_args ? "function" : "rule");
}

static bool read_else(struct parser *p, struct rule *r)
{
	while (p_tok(p) == K_ELSE) {
		struct rule *e = rule_new(p, p_loc(p));

		if (!e)
			return false;
		for (uint32_t i = 1; i < r->nref; i++) {
			if (r->ref[i]->kind != T_VALUE) {
				p_fail(p, p_loc(p), "else keyword cannot be used on rules with variables in head");
				return false;
			}
		}
		if (r->contains || (r->bare && r->key)) {
			p_fail(p, p_loc(p), "else keyword cannot be used on multi-value rules");
			return false;
		}
		p_next(p);
		e->is_else = true;
		e->ref = r->ref;
		e->nref = r->nref;
		e->has_args = r->has_args;
		e->nargs = r->nargs;
		if (r->nargs) {
			e->args = comp_alloc(p->c, r->nargs * sizeof(*e->args));
			for (uint32_t i = 0; e->args && i < r->nargs; i++)
				e->args[i] = term_copy(p->c, r->args[i]);
		}
		if (p_tok(p) == K_ASSIGN || p_tok(p) == K_UNIFY) {
			e->assign = p_tok(p) == K_ASSIGN;
			p_next(p);
			e->value = p_infix(p, true);
			if (!e->value)
				return false;
			e->has_value = true;
		} else if (p_tok(p) != K_IF && p_tok(p) != K_LBRACE) {
			p_illegal(p, "expected else value term or rule body");
			return false;
		}
		if (p_tok(p) == K_IF) {
			e->has_if = true;
			e->body = if_body(p);
			if (!e->body)
				return false;
			e->has_body = true;
		} else if (p_tok(p) == K_LBRACE) {
			p_next(p);
			e->body = p_body(p, K_RBRACE);
			if (!e->body)
				return false;
			e->has_body = true;
			if (p->m->v1)
				need_if(p, e);
		} else {
			e->body = true_body(p, e->loc);
		}
		e->loc = p_span(p, e->loc);
		r->els = e;
		r = e;
	}
	return true;
}

/* What a reference of two parts means without value or `if`: a set in v0. */
static void settle_head(struct parser *p, struct rule *r)
{
	if (r->contains || r->has_args || r->no_args || r->nref != 2 || r->has_if || r->has_value)
		return;
	if (p->m->v1)
		comp_error(p->c, ERR_PARSE, r->loc, "`contains` keyword is required for partial set rules");
	r->key = r->ref[1];
	r->nref = 1;
	r->bare = true;
}

static void check_default(struct comp *c, const struct rule *r)
{
	const struct term *v = r->value;

	if (v->kind == T_VAR || v->kind == T_REF || v->kind == T_CALL)
		comp_error(c, ERR_PARSE, r->loc, "illegal default rule (value cannot contain %s)", term_kind_name(v));
	for (uint32_t i = 0; i < r->nargs; i++) {
		const struct term *a = r->args[i];

		if (a->kind != T_VAR)
			comp_error(c, ERR_PARSE, a->loc, "illegal default rule (arguments cannot contain %s)", term_kind_name(a));
		for (uint32_t k = 0; k < i && a->kind == T_VAR; k++) {
			if (r->args[k]->kind == T_VAR && r->args[k]->var == a->var)
				comp_error(c, ERR_PARSE, a->loc, "illegal default rule (arguments cannot be repeated %s)", a->var->name->p);
		}
	}
	for (uint32_t i = 1; i < r->nref; i++) {
		if (r->ref[i]->kind != T_VALUE)
			comp_error(c, ERR_PARSE, r->loc, "default rules cannot have variables in their head");
	}
}

static bool constant_value(struct comp *c, const struct rule *r, const struct term *t)
{
	if ((t->kind == T_VAR && t->var != r->ref[0]->var) || t->kind == T_REF || t->kind == T_CALL || t->kind == T_TEMPLATE) {
		comp_error(c, ERR_PARSE, r->loc, "illegal default rule (value cannot contain %s)", term_kind_name(t));
		return false;
	}
	for (uint32_t i = 0; t->items && i < t->n; i++) {
		if (!constant_value(c, r, t->items[i]))
			return false;
	}
	return true;
}

bool p_default_rule(struct parser *p)
{
	struct rule *r = rule_new(p, p_loc(p));
	struct loc at;

	if (!r)
		return false;
	p_next(p);
	r->is_default = true;
	if (!head_ref(p, r))
		return false;
	if ((p_glued(p) || r->nref == 1) && p_tok(p) == K_LPAREN) {
		r->has_args = true;
		p_next(p);
		if (!p_terms(p, K_RPAREN, "expected \",\" or \")\"", &r->args, &r->nargs))
			return false;
	}
	at = p_loc(p);
	if (p_tok(p) != K_ASSIGN && p_tok(p) != K_UNIFY) {
		p_illegal(p, "expected default rule value (i.e., default <NAME> = <VALUE>)");
		p->err = "illegal default rule (must have a value)";
		return false;
	}
	r->assign = p_tok(p) == K_ASSIGN;
	p_next(p);
	r->value = p_infix(p, true);
	if (!r->value)
		return false;
	r->has_value = true;
	r->body = true_body(p, at);
	r->loc = p_span(p, r->loc);
	if (constant_value(p->c, r, r->value))
		check_default(p->c, r);
	rule_add(p, r);
	return true;
}

static bool head(struct parser *p, struct rule *r)
{
	if (!head_ref(p, r))
		return false;
	if ((p_glued(p) || r->nref == 1) && p_tok(p) == K_LPAREN) {
		r->has_args = true;
		p_next(p);
		if (!p_terms(p, K_RPAREN, "expected \",\" or \")\"", &r->args, &r->nargs))
			return false;
	}
	if (p_tok(p) == K_CONTAINS) {
		if (r->has_args) {
			struct buf name = buf_in(p->c->arena, 0), note = buf_in(p->c->arena, 0);

			ref_text(&name, r->ref, r->nref);
			buf_puts(&note, "the contains keyword can only be used with multi-value rule definitions (e.g., ");
			buf_slice(&note, buf_view(&name));
			buf_puts(&note, " contains <VALUE> { ... })");
			if (!buf_cstr(&note))
				comp_oom(p->c);
			p_illegal(p, buf_cstr(&note));
			return false;
		}
		p_next(p);
		r->contains = true;
		r->key = p_infix(p, true);
		if (!r->key)
			return false;
	} else if (p_tok(p) == K_ASSIGN || p_tok(p) == K_UNIFY) {
		r->assign = p_tok(p) == K_ASSIGN;
		p_next(p);
		r->value = p_infix(p, true);
		if (!r->value)
			return false;
		r->has_value = true;
	}
	if (r->has_args && !r->nargs) {	/* f() is a value */
		r->has_args = false;
		r->no_args = true;
	}
	return true;
}

/* What may stand where a statement begins: names, keywords of statements, and terms, which are no rules in the end. */
static bool starts_statement(enum tok k)
{
	return k == K_EOF || k == K_IDENT || k == K_STRING || k == K_RAW || k == K_NUMBER || k == K_TEMPLATE || k == K_TEMPLATE_END ||
	       k == K_PACKAGE || k == K_IMPORT || k == K_DEFAULT || k == K_NOT || k == K_SOME || k == K_NULL || k == K_TRUE || k == K_FALSE ||
	       k == K_EVERY || k == K_LBRACK || k == K_LBRACE || k == K_LPAREN || k == K_MINUS || k == K_CONTAINS;
}

static bool names_builtin(struct parser *p, const struct rule *r)
{
	struct buf name = buf_in(p->c->arena, 0);

	ref_text(&name, r->ref, r->nref);
	return buf_ok(&name) && rego_builtin_find(buf_view(&name));
}

/* An expression that begins with no name: what it would be the head of. */
static bool no_head(struct parser *p)
{
	struct loc at = p_loc(p);
	const struct expr *e = p_literal(p);
	const struct term *t = e && e->kind == EX_TERM ? e->term : NULL;

	if (t && t->kind == T_CALL && t->op && (call_is(t, "eq") || call_is(t, "assign")))
		t = t->items[1];
	if (e && t)
		p_fail(p, at, "%s cannot be used for rule name", t->kind == T_VALUE ? rv_kind_name(t->value.kind) : term_kind_name(t));
	else if (e)
		p_fail(p, at, "expression cannot be used for rule head");
	return false;
}

bool p_rule(struct parser *p)
{
	struct rule *r = rule_new(p, p_loc(p)), *first = r;
	enum tok k = p_tok(p);
	bool by_brace = false;

	if (k == K_STRING || k == K_RAW || k == K_NUMBER || k == K_NULL || k == K_TRUE || k == K_FALSE || k == K_LBRACK || k == K_LBRACE)
		return no_head(p);
	if (!r || !head(p, r))
		return false;
	if (p_tok(p) == K_IF) {
		r->has_if = true;
		r->body = if_body(p);
		if (!r->body)
			return false;
		r->has_body = true;
	} else if (p_tok(p) == K_LBRACE) {
		p_next(p);
		r->body = p_body(p, K_RBRACE);
		if (!r->body)
			return false;
		r->has_body = by_brace = true;
	} else if (!starts_statement(p_tok(p))) {
		if (p_tok(p) == K_SEMI && !r->contains) {	/* a head without a body is an expression, and this another */
			p_next(p);
			if (p_tok(p) != K_EOF)
				p_fail(p, r->loc, "multiple expressions cannot be used for rule head");
		}
		p_illegal(p, "");
		return false;
	} else if (!r->contains && (r->spaced || (r->nref == 1 && !r->has_value && !r->has_args && !r->no_args))) {
		p_fail(p, r->ref[0]->loc, "var cannot be used for rule name");
		return false;
	} else if ((r->has_args || r->no_args) && !r->has_value && names_builtin(p, r)) {
		p_fail(p, r->loc, "rule name conflicts with built-in function");
		return false;
	}
	if (by_brace && p->m->v1)
		need_if(p, r);
	settle_head(p, r);
	if (!r->has_body) {
		r->body = true_body(p, r->loc);
		if (p->m->v1 && !r->has_value && !r->contains && !r->has_args && !r->bare)
			comp_error(p->c, ERR_PARSE, r->loc, "rule must have value assignment and/or body declaration");
	}
	r->loc = p_span(p, r->loc);
	if (r->has_body && !read_else(p, r))
		return false;
	rule_add(p, r);
	while (r->has_body && !first->els && p_tok(p) == K_LBRACE) {
		struct rule *again = rule_new(p, p_loc(p));

		if (!again)
			return false;
		p_next(p);
		*again = *first;
		again->next = NULL;
		again->chained = true;
		again->loc = p->toks[p->at - 1].loc;
		if (first->nargs) {
			again->args = comp_alloc(p->c, first->nargs * sizeof(*again->args));
			for (uint32_t i = 0; again->args && i < first->nargs; i++)
				again->args[i] = term_copy(p->c, first->args[i]);
		}
		again->ref = comp_alloc(p->c, first->nref * sizeof(*again->ref));
		for (uint32_t i = 0; again->ref && i < first->nref; i++)
			again->ref[i] = term_copy(p->c, first->ref[i]);
		again->key = first->key ? term_copy(p->c, first->key) : NULL;
		again->value = first->value ? term_copy(p->c, first->value) : NULL;
		again->body = p_body(p, K_RBRACE);
		if (!again->body)
			return false;
		again->loc = p_span(p, again->loc);
		rule_add(p, again);
	}
	if (p_tok(p) == K_ELSE) {
		p_illegal(p, "");
		return false;
	}
	if (!p_new_line(p) && r->has_body && p_tok(p) == K_IF) {
		p_illegal(p, "");
		return false;
	}
	return true;
}
