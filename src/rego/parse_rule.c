/* Rules: heads, bodies, else, chained bodies. */
#include "rego/parse_int.h"

/* Operators that cannot follow a name at once where a rule begins. */
static bool is_operator(enum tok k)
{
	return (k >= K_PLUS && k <= K_BAR) || (k >= K_EQ && k <= K_GE);
}

static bool head_ref(struct parser *p, struct rule *r)
{
	struct term *items[64];
	uint32_t n = 0;

	items[n++] = term_var(p->c, var_named(p->c, (const char *)p_cur(p)->text.p, p_cur(p)->text.n), p_loc(p));
	p_next(p);
	if (p_glued(p) && is_operator(p_tok(p)))
		return p_illegal(p, "");
	/* behind the name, and only there, white space may stand */
	while ((n == 1 || p_glued(p)) && (p_tok(p) == K_DOT || p_tok(p) == K_LBRACK)) {
		if (n == 64)
			return p_fail(p, p_loc(p), "rule head reference is too long");
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
			if (p_tok(p) != K_RBRACK)
				return p_illegal(p, "expected [");
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

static struct body *body_of(struct parser *p, struct loc at, struct expr *e)
{
	struct body *b = e ? body_new(p->c, at) : NULL;

	if (b)
		body_add(p->c, b, e);
	return b;
}

/* `if` and what follows: one literal, or a body in braces. */
static struct body *if_body(struct parser *p)
{
	uint32_t start;
	struct loc at;
	struct expr *e;

	p_next(p);
	start = p->at;
	at = p_loc(p);
	e = p_literal(p);
	if (p->toks[start].kind != K_LBRACE || (e && !(e->kind == EX_TERM && e->term->kind == T_SET)))
		return body_of(p, at, e);
	p_back(p, start);
	p_next(p);
	return p_body(p, K_RBRACE);
}

/* Behind `else` braces are always a body. */
static struct body *else_body(struct parser *p)
{
	struct loc at;

	if (p_tok(p) == K_IF)
		p_next(p);
	at = p_loc(p);
	if (p_tok(p) == K_EOF)
		return p_illegal(p, "rule body expected");
	if (p_tok(p) != K_LBRACE)
		return body_of(p, at, p_literal(p));
	p_next(p);
	return p_body(p, K_RBRACE);
}

static void need_if(struct parser *p, const struct rule *r)
{
	comp_error(p->c, ERR_PARSE, r->loc, "`if` keyword is required before %s body", r->has_args ? "function" : "rule");
}

static bool read_else(struct parser *p, struct rule *r)
{
	while (!p_keyword_ref(p) && p_tok(p) == K_ELSE) {
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
		if (p_tok(p) == K_IF || p_tok(p) == K_LBRACE) {
			e->has_if = p_tok(p) == K_IF;
			e->body = else_body(p);
			if (!e->body)
				return false;
			e->has_body = true;
			if (p->m->v1 && !e->has_if)
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

/* v1 has no rules named by its keywords, though rules below them. */
static void check_name(struct parser *p, const struct rule *r)
{
	const struct rv_str *name = r->ref[0]->var->name;

	enum tok k = tok_of_word(slice_of(name->p, name->n));

	if (p->m->v1 && r->nref == 1 && k != K_IDENT && k != K_AND && k != K_OR)
		comp_error(p->c, ERR_PARSE, r->loc, "%s keyword cannot be used for rule name", name->p);
}

/* What a reference of two parts means without value or `if`: a set in v0. */
static void settle_head(struct parser *p, struct rule *r)
{
	r->bare = !r->contains && !r->has_args && !r->no_args && r->nref == 2 && !r->has_if && !r->has_value;
	if (r->bare) {
		r->key = r->ref[1];
		r->nref = 1;
	}
	check_name(p, r);
	if (r->bare && p->m->v1)
		comp_error(p->c, ERR_PARSE, r->loc, "`contains` keyword is required for partial set rules");
}

static bool is_root_var(const struct term *t)
{
	struct slice name = t->kind == T_VAR ? slice_of(t->var->name->p, t->var->name->n) : SLICE_LIT("");

	return slice_is(name, "input") || slice_is(name, "data");
}

/* A constant: closures may do as they like inside. */
static bool constant_value(struct parser *p, const struct rule *r, const struct term *t)
{
	if (t->kind == T_VAR || t->kind == T_REF || t->kind == T_CALL)
		return p_fail(p, r->loc, "illegal default rule (value cannot contain %s)", is_root_var(t) ? "ref" : term_kind_name(t));
	for (uint32_t i = 0; t->kind == T_TEMPLATE && i < t->n; i++) {
		if (t->parts[i]->kind == EX_TERM && !constant_value(p, r, t->parts[i]->term))
			return false;
	}
	for (uint32_t i = 0; t->items && i < t->n; i++) {
		if (!constant_value(p, r, t->items[i]))
			return false;
	}
	return true;
}

static bool check_default(struct parser *p, const struct rule *r)
{
	if (!r->has_value && (r->contains || (r->nref == 2 && !r->has_args)))
		return p_fail(p, r->loc, "illegal default rule (must have a value)");
	if (r->value && !constant_value(p, r, r->value))
		return false;
	for (uint32_t i = 0; i < r->nargs; i++) {
		const struct term *a = r->args[i];

		if (a->kind != T_VAR)
			return p_fail(p, r->loc, "illegal default rule (arguments cannot contain %s)", term_kind_name(a));
		for (uint32_t k = 0; k < i; k++) {
			if (r->args[k]->var == a->var)
				return p_fail(p, r->loc, "illegal default rule (arguments cannot be repeated %s)", a->var->name->p);
		}
	}
	for (uint32_t i = 1; i < r->nref; i++) {
		if (r->ref[i]->kind != T_VALUE)
			comp_error(p->c, ERR_PARSE, r->loc, "default rules cannot have variables in their head");
	}
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
			return p_illegal(p, buf_cstr(&note));
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

static bool names_builtin(struct parser *p, struct term *const *ref, uint32_t n)
{
	struct buf name = buf_in(p->c->arena, 0);

	ref_text(&name, ref, n);
	return buf_ok(&name) && rego_builtin_find(buf_view(&name));
}

void p_refuse(struct parser *p, struct loc at, const char *fmt, ...)
{
	struct not_rule *n = COMP_NEW(p->c, struct not_rule);
	va_list ap;

	if (!n)
		return;
	va_start(ap, fmt);
	n->message = arena_vprintf(p->c->arena, fmt, ap);
	va_end(ap);
	n->loc = at;
	if (!n->message)
		comp_oom(p->c);
	*(p->last_refused ? p->last_refused : &p->refused) = n;
	p->last_refused = &n->next;
}

/* Is this what a rule may begin with: a name, what is below one, or a call of one? */
static bool names_rule(struct parser *p, struct loc at, const struct term *t)
{
	struct buf text = buf_in(p->c->arena, 0);

	if (t->kind == T_VAR)
		return true;
	if (t->kind == T_CALL && !t->op && t->items[0]->kind == T_VAR)
		return true;
	if (t->kind == T_CALL && !t->op)
		t = t->items[0];
	if (t->kind == T_REF && t->items[0]->kind == T_VAR)
		return true;
	term_text(&text, t);
	if (t->kind == T_REF)
		p_refuse(p, at, "invalid rule head: %s", buf_cstr(&text) ? buf_cstr(&text) : "");
	else
		p_refuse(p, at, "%s cannot be used for rule name", term_kind_name(t));
	return false;
}

/* A statement that is an expression may still be a rule without a body; else it is told why it is none. */
static bool is_rule(struct parser *p, struct loc at, const struct expr *e)
{
	const struct term *t = e->kind == EX_TERM ? e->term : NULL;

	if (e->nwith) {
		p_refuse(p, at, "expressions using with keyword cannot be used for rule head");
	} else if (e->negated) {
		p_refuse(p, at, "negated expressions cannot be used for rule head");
	} else if (e->kind == EX_SOME) {
		p_refuse(p, at, "'some' declarations cannot be used for rule head");
	} else if (!t) {
		p_refuse(p, at, "expression cannot be used for rule head");
	} else if (t->kind == T_CALL && t->op && (call_is(t, "eq") || call_is(t, "assign"))) {
		return names_rule(p, at, t->items[1]);
	} else if (t->kind == T_CALL) {
		struct term *const *ref = t->items[0]->kind == T_REF ? t->items[0]->items : t->items;

		if (t->op || names_builtin(p, ref, t->items[0]->kind == T_REF ? t->items[0]->n : 1))
			p_refuse(p, at, "rule name conflicts with built-in function");
		else if (t->n == 1)
			p_refuse(p, at, "rule argument list must take at least one argument");
		else
			return names_rule(p, at, t);
	} else if (t->kind != T_REF) {
		p_refuse(p, at, is_root_var(t) ? "refs cannot be used for rule head" : "%s cannot be used for rule name", term_kind_name(t));
	} else {
		return names_rule(p, at, t);
	}
	return false;
}

/* Expressions up to the one that no semicolon follows. *rule: one alone, that may be a rule. */
static bool expressions(struct parser *p, bool *rule)
{
	struct loc at = p_loc(p);
	struct expr *first = NULL;

	for (;;) {
		struct expr *e = p_literal(p);

		if (!e)
			return false;
		if (first)
			*rule = false;
		else
			first = e;
		if (p_tok(p) != K_SEMI)
			break;
		p_next(p);
		*rule = false;
		if (p_tok(p) == K_EOF)
			return p_illegal(p, "");
	}
	if (*rule)
		*rule = is_rule(p, at, first);
	else
		p_refuse(p, at, "multiple expressions cannot be used for rule head");
	return true;
}

static bool chained_bodies(struct parser *p, struct rule *first)
{
	while (p_tok(p) == K_LBRACE) {
		struct rule *again;

		if (first->els)
			return p_fail(p, p_loc(p), "expected else keyword");
		again = rule_new(p, p_loc(p));
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
	return true;
}

/* A rule whose body was read. */
static bool with_body(struct parser *p, struct rule *r)
{
	r->has_body = true;
	if (p->m->v1 && !r->has_if)
		need_if(p, r);
	settle_head(p, r);
	r->loc = p_span(p, r->loc);
	if (!read_else(p, r))
		return false;
	rule_add(p, r);
	return chained_bodies(p, r);
}

/* A rule that is a head alone. */
static bool without_body(struct parser *p, struct rule *r)
{
	settle_head(p, r);
	r->body = true_body(p, r->loc);
	if (p->m->v1 && !r->has_value && !r->contains && !r->has_args && !r->bare)
		comp_error(p->c, ERR_PARSE, r->loc, "rule must have value assignment and/or body declaration");
	r->loc = p_span(p, r->loc);
	rule_add(p, r);
	return !p->c->no_memory;
}

bool p_rule(struct parser *p)
{
	struct rule *r = rule_new(p, p_loc(p));
	uint32_t start = p->at;
	bool known = false, rule = true;

	if (!r)
		return false;
	(void)p_keyword_ref(p);
	if (p_tok(p) == K_DEFAULT) {
		p_next(p);
		(void)p_keyword_ref(p);
		r->is_default = true;
	}
	if (p_tok(p) == K_IDENT) {
		known = head(p, r);
		if (!known)
			return false;
		if (r->is_default) {
			if (!check_default(p, r))
				return false;
			r->body = true_body(p, r->loc);
			if (!r->value)
				r->value = term_value(p->c, rv_bool(true), r->loc);
			r->has_value = true;
			r->loc = p_span(p, r->loc);
			rule_add(p, r);
			return !p->c->no_memory;
		}
		if (!(p_glued(p) && r->has_args && (p_tok(p) == K_DOT || p_tok(p) == K_LBRACK))) {
			r->has_if = p_tok(p) == K_IF;
			if (r->has_if) {
				r->body = if_body(p);
			} else if (p_tok(p) == K_LBRACE) {
				p_next(p);
				r->body = p_body(p, K_RBRACE);
			} else if (r->contains) {
				return without_body(p, r);
			}
			if (r->body)
				return with_body(p, r);
		}
	}
	if (p->failed)
		return false;
	/* no rule with a body: an expression, which may be one without */
	p_back(p, start);
	if (!expressions(p, &rule))
		return false;
	if (rule && known)
		return without_body(p, r);
	if (rule)
		p_refuse(p, r->loc, p->toks[start].kind == K_CONTAINS ? "contains keyword cannot be used for rule name"
								      : "expression cannot be used for rule head");
	return !p->c->no_memory;
}
