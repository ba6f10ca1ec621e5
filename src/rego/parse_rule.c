/* Literals, bodies, rules, imports and modules. */
#include <stdio.h>

#include "rego/parse_int.h"

/* ---- literals ---- */

static struct expr *logical(struct parser *p, unsigned level);

static bool read_with(struct parser *p, struct expr *e)
{
	uint32_t cap = 0;

	while (p_tok(p) == K_WITH) {
		struct with w = {.loc = p_loc(p)};
		uint32_t start;

		p_next(p);
		start = p->at;
		w.target = p_term(p);
		if (!w.target)
			return false;
		if (w.target->kind != T_VAR && w.target->kind != T_REF) {
			p->at = start;
			p_illegal(p, "expected with target path");
			return false;
		}
		if (p_tok(p) != K_AS) {
			p_illegal(p, "expected as keyword");
			return false;
		}
		p_next(p);
		w.value = p_infix(p, false);
		if (!w.value)
			return false;
		if (e->nwith == cap) {
			uint32_t more = cap ? cap * 2 : 2;

			e->with = arena_grow(p->c->arena, e->with, cap * sizeof(w), more * sizeof(w));
			cap = more;
			if (!e->with) {
				p->c->no_memory = true;
				return false;
			}
		}
		w.loc = p_span(p, w.loc);
		e->with[e->nwith++] = w;
	}
	return true;
}

static struct expr *some(struct parser *p)
{
	struct expr *e = expr_new(p->c, NULL, p_loc(p));
	uint32_t start, cap = 0;
	struct term *t;

	if (!e)
		return NULL;
	e->kind = EX_SOME;
	p_next(p);
	start = p->at;
	if (p->m->kw_in) {	/* some x in xs; some k, v in xs */
		t = p_infix(p, true);
		if (t && (call_is(t, "internal.member_2") || call_is(t, "internal.member_3")) && t->op) {
			e->term = t;
			e->loc = p_span(p, e->loc);
			return e;
		}
		p_back(p, start);
	}
	for (;;) {
		const struct token *tok = p_cur(p);

		if (p_tok(p) != K_IDENT)
			return p_illegal(p, "expected var");
		p_next(p);
		if (e->ndecls == cap) {
			uint32_t more = cap ? cap * 2 : 4;

			e->decls = arena_grow(p->c->arena, e->decls, cap * sizeof(t), more * sizeof(t));
			cap = more;
			if (!e->decls) {
				p->c->no_memory = true;
				return NULL;
			}
		}
		e->decls[e->ndecls++] = term_var(p->c, var_named(p->c, (const char *)tok->text.p, tok->text.n), tok->loc);
		if (!p_take(p, K_COMMA))
			break;
	}
	if (p_tok(p) == K_IN)
		return p_illegal(p, "expected `x in xs` or `x, y in xs` expression");
	e->loc = p_span(p, e->loc);
	return e;
}

static struct expr *every(struct parser *p)
{
	struct expr *e = expr_new(p->c, NULL, p_loc(p));

	if (!e)
		return NULL;
	e->kind = EX_EVERY;
	p_next(p);
	for (int i = 0; i < 2; i++) {
		struct term *t = p_term(p);

		if (!t)
			return NULL;
		if (t->kind != T_VAR)
			return p_fail(p, t->loc, "unexpected %s: expected variable", term_kind_name(t));
		e->key = e->val;
		e->val = t;
		if (i == 0 && !p_take(p, K_COMMA))
			break;
	}
	if (p_tok(p) != K_IN)
		return p_illegal(p, "expected `x[, y] in xs { ... }` expression");
	p_next(p);
	e->domain = p_infix(p, true);
	if (!e->domain)
		return NULL;
	if (p_tok(p) != K_LBRACE)
		return p_illegal(p, "missing body");
	e->bodies = comp_alloc(p->c, sizeof(*e->bodies));
	if (!e->bodies)
		return NULL;
	p_next(p);
	e->nbodies = 1;
	e->bodies[0] = p_body(p, K_RBRACE);
	if (!e->bodies[0])
		return NULL;
	e->loc = p_span(p, e->loc);
	return e;
}

static struct body *body_of(struct parser *p, struct expr *e)
{
	struct body *b = body_new(p->c, e->loc);

	if (b)
		body_add(p->c, b, e);
	return b;
}

static const char *slice_text(struct parser *p, struct loc l)
{
	char *s = arena_strndup(p->c->arena, p->m->text.p + l.off, l.len);

	return s ? s : "";
}

/* A body in braces where an operand stands: `not { ... }`, `{ ... } or { ... }`. */
static struct body *operand_body(struct parser *p, bool negation)
{
	uint32_t start = p->at, end;
	struct loc from = p_loc(p), whole;
	struct body *b;
	struct term *t;
	const char *kind = NULL, *hint = negation ? "not " : "";

	p_next(p);
	b = p_body(p, K_RBRACE);
	end = p->at;
	if (b) {
		struct expr *first = b->e[0];

		whole = p_span(p, from);
		if (first->kind == EX_TERM && !first->negated && first->term->kind == T_CALL && first->term->op &&
		    call_is(first->term, "or") && !first->term->paren) {
			const char *src = slice_text(p, whole);
			struct loc in = first->loc;
			size_t skip = in.off - whole.off, tail = whole.off + whole.len - (in.off + in.len);

			return p_fail(p, from, "ambiguous `{ ... | ... }` operand: read as a body holding a set-union expression, "
				      "not as a comprehension (hint: write `%s(%s)` for the comprehension, or `%s%.*s(%.*s)%.*s` "
				      "for the set union)", hint, src, hint, (int)skip, src, (int)in.len, src + skip, (int)tail,
				      src + skip + in.len);
		}
		b->braces = true;
		b->loc = whole;
		if (p_glued(p) && (p_tok(p) == K_LBRACK || p_tok(p) == K_DOT))
			kind = "ref";
	}
	if (b && !kind)
		return b;
	if (p->failed && p->err && strcmp(p->err, "found empty body") == 0)
		return NULL;
	/* was it a value instead? */
	{
		struct loc err_loc = p->err_loc;
		const char *err = p->err;
		bool failed = p->failed;

		p_back(p, start);
		t = p_term(p);
		if (t && (t->kind == T_OBJECT || t->kind == T_SET || t->kind == T_REF)) {
			const char *src = slice_text(p, t->loc);

			return p_fail(p, from, "`{...}` in an operand position must contain expression(s), got: %s (hint: write "
				      "`%s(%s)` to negate the value, or `%s{%s}` for a body holding it)", term_kind_name(t), hint,
				      src, hint, src);
		}
		p->at = end;
		p->failed = failed;
		p->err = err;
		p->err_loc = err_loc;
		if (!failed)
			return b;
	}
	return NULL;
}

/* Behind the new `not`: everything that the expression needs is inside. */
static struct expr *not_body(struct parser *p, struct loc from)
{
	struct expr *e = expr_new(p->c, NULL, from), *in;

	if (!e)
		return NULL;
	e->kind = EX_NOT;
	e->nbodies = 1;
	e->bodies = comp_alloc(p->c, sizeof(*e->bodies));
	if (!e->bodies)
		return NULL;
	if (p_tok(p) == K_LBRACE) {
		e->bodies[0] = operand_body(p, true);
		e->explicit_body = true;
	} else if (p_tok(p) == K_LPAREN && p_peek(p, 1) == K_LBRACE) {
		uint32_t start = p->at;
		struct term *t = p_term(p);

		if (!t) {	/* no value: a body in parentheses */
			uint32_t inner;
			struct body *b;
			struct loc at = p->toks[start].loc;

			p_back(p, start + 1);
			inner = p->at;
			p_next(p);
			b = p_body(p, K_RBRACE);
			if (b && p_tok(p) == K_RPAREN)
				return p_fail(p, at, "parentheses cannot contain a body (hint: write `not %s`)",
					      slice_text(p, p_span(p, p->toks[inner].loc)));
			p_back(p, start);
			t = p_term(p);
			if (!t)
				return NULL;
		}
		p_back(p, start);
		in = logical(p, 2);
		e->bodies[0] = in ? body_of(p, in) : NULL;
	} else {
		in = logical(p, 2);
		e->bodies[0] = in ? body_of(p, in) : NULL;
	}
	if (!e->bodies[0])
		return NULL;
	e->loc = p_span(p, from);
	return e;
}

static struct expr *plain(struct parser *p)
{
	struct loc from = p_loc(p);
	struct term *t = p_infix(p, true), *rhs;
	struct expr *e;
	const char *op = p_tok(p) == K_ASSIGN ? "assign" : p_tok(p) == K_UNIFY ? "eq" : NULL;

	if (!t)
		return NULL;
	if (op) {
		struct loc at = p_loc(p);

		p_next(p);
		rhs = p_infix(p, true);
		if (!rhs)
			return NULL;
		t = term_call(p->c, op, from, t, rhs);
		if (!t)
			return NULL;
		t->items[0]->loc = at;
		t->loc = p_span(p, from);
	}
	e = expr_new(p->c, t, p_span(p, from));
	return e;
}

/* A parenthesized group of logical operators, or NULL (and nothing read) when it is a term. */
static struct expr *group(struct parser *p)
{
	uint32_t start = p->at;
	struct expr *e;

	if (p_tok(p) != K_LPAREN || (!p->m->kw_and && !p->m->kw_or && !p->m->kw_not))
		return NULL;
	if (p->depth >= p->max_depth)
		return NULL;
	p->depth++;
	p_next(p);
	e = logical(p, 0);
	p->depth--;
	if (e && (e->kind == EX_AND || e->kind == EX_OR || e->kind == EX_NOT || e->negated || e->nwith) &&
	    p_take(p, K_RPAREN)) {
		e->loc = p_span(p, p->toks[start].loc);
		return e;
	}
	if (!e && p->failed && p->err && (strncmp(p->err, "ambiguous", 9) == 0))
		return NULL;
	p_back(p, start);
	return NULL;
}

/* One operand of and / or; also an ordinary literal. */
static struct expr *operand(struct parser *p)
{
	struct loc from = p_loc(p);
	struct expr *e;

	if (p_tok(p) == K_NOT) {
		p_next(p);
		if (p_tok(p) == K_SOME)
			return p_illegal(p, "illegal negation of 'some'");
		if (p_tok(p) == K_EVERY)
			return p_illegal(p, "illegal negation of 'every'");
		if (p->m->kw_not) {
			e = not_body(p, from);
		} else {
			e = group(p);
			if (!e && !p->failed)
				e = plain(p);
			if (e && e->kind != EX_TERM) {
				struct expr *n = expr_new(p->c, NULL, from);

				if (!n)
					return NULL;
				n->kind = EX_NOT;
				n->nbodies = 1;
				n->bodies = comp_alloc(p->c, sizeof(*n->bodies));
				if (!n->bodies)
					return NULL;
				n->bodies[0] = body_of(p, e);
				e = n;
			} else if (e) {
				e->negated = true;
			}
		}
		if (e)
			e->loc = p_span(p, from);
	} else if (p_tok(p) == K_SOME) {
		e = some(p);
	} else if (p_tok(p) == K_EVERY) {
		e = every(p);
	} else {
		e = group(p);
		if (!e && p->failed)
			return NULL;
		if (!e)
			e = plain(p);
	}
	if (e && !read_with(p, e))
		return NULL;
	if (e && e->nwith)
		e->loc = p_span(p, e->loc);
	return e;
}

static bool is_logical(const struct parser *p)
{
	return p_tok(p) == K_AND || p_tok(p) == K_OR;
}

/* An operand that may be a body in braces: only when a logical operator follows it. */
static struct expr *braced_operand(struct parser *p, struct body **braced, bool must)
{
	uint32_t start = p->at;
	struct expr *e;

	*braced = NULL;
	if (p_tok(p) == K_LBRACE && (p->m->kw_and || p->m->kw_or)) {
		if (must) {
			*braced = operand_body(p, false);
			return NULL;
		}
		p_next(p);
		if (p_body(p, K_RBRACE) && is_logical(p)) {
			p_back(p, start);
			*braced = operand_body(p, false);
			return NULL;
		}
		p_back(p, start);
	}
	e = operand(p);
	return e;
}

/* level 0: or, 1: and, 2: one operand. */
static struct expr *logical(struct parser *p, unsigned level)
{
	struct loc from = p_loc(p);
	struct body *braced = NULL, **bodies = NULL;
	struct expr *e, *out;
	uint32_t n = 0, cap = 0;
	enum tok k = level == 0 ? K_OR : K_AND;

	if (level == 2)
		return operand(p);
	e = level == 0 ? logical(p, 1) : braced_operand(p, &braced, false);
	if (level == 0 && e && e->kind == EX_TERM && !e->term) {	/* a lone body that `and` did not take */
		braced = e->bodies[0];
		e = NULL;
	}
	if (!e && !braced)
		return NULL;
	if (p_tok(p) != k) {
		if (braced && level == 1) {	/* hand it up to `or` */
			out = expr_new(p->c, NULL, from);
			if (!out)
				return NULL;
			out->bodies = comp_alloc(p->c, sizeof(*out->bodies));
			if (out->bodies)
				out->bodies[0] = braced;
			return out;
		}
		return e;
	}
	while (e || braced) {
		if (n == cap) {
			uint32_t more = cap ? cap * 2 : 4;

			bodies = arena_grow(p->c->arena, bodies, cap * sizeof(struct body *), more * sizeof(struct body *));
			cap = more;
			if (!bodies) {
				p->c->no_memory = true;
				return NULL;
			}
		}
		bodies[n++] = braced ? braced : body_of(p, e);
		if (p_tok(p) != k)
			break;
		p_next(p);
		braced = NULL;
		if (level == 0) {
			e = logical(p, 1);
			if (e && e->kind == EX_TERM && !e->term) {
				braced = e->bodies[0];
				e = NULL;
			}
		} else {
			e = braced_operand(p, &braced, true);
		}
		if (!e && !braced)
			return NULL;
	}
	out = expr_new(p->c, NULL, p_span(p, from));
	if (!out)
		return NULL;
	out->kind = level == 0 ? EX_OR : EX_AND;
	out->bodies = bodies;
	out->nbodies = n;
	return out;
}

struct expr *p_literal(struct parser *p)
{
	struct expr *e;

	if (p->depth >= p->max_depth)
		return p_fail(p, p_loc(p), "max nesting depth of %u exceeded", p->max_depth);
	p->depth++;
	e = logical(p, 0);
	p->depth--;
	if (e && e->kind == EX_TERM && !e->term) {
		return p_illegal(p, "");
	}
	return e;
}

struct body *p_body(struct parser *p, enum tok end)
{
	struct body *b = body_new(p->c, p_loc(p));

	if (!b)
		return NULL;
	if (p_tok(p) == end && end != K_EOF)
		return p_fail(p, p_loc(p), "found empty body");
	for (;;) {
		struct expr *e;

		e = p_literal(p);
		if (!e)
			return NULL;
		body_add(p->c, b, e);
		if (p_tok(p) == K_SEMI) {
			p_next(p);
			if (p_tok(p) == end && end == K_EOF)
				break;
			continue;
		}
		if (p_tok(p) == end)
			break;
		if (!p_new_line(p) || p_tok(p) == K_EOF || p_tok(p) == K_ILLEGAL)
			return p_illegal(p, end == K_RBRACE ? "expected \\n or ; or }" : end == K_RBRACK ? "expected \\n or ; or ]"
											 : "expected \\n or ;");
	}
	b->loc = p_span(p, b->loc);
	if (end != K_EOF)
		p_next(p);
	return b;
}

/* ---- rules ---- */

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
	while (p_glued(p) && (p_tok(p) == K_DOT || p_tok(p) == K_LBRACK)) {
		if (n == 64) {
			p_fail(p, p_loc(p), "rule head reference is too long");
			return false;
		}
		if (p_take(p, K_DOT)) {
			if (p_tok(p) != K_IDENT && !tok_is_keyword(p_tok(p))) {
				p_illegal(p, "expected identifier");
				return false;
			}
			items[n++] = term_value(p->c, rv_str(&p->c->heap, p_cur(p)->text.p, p_cur(p)->text.n), p_loc(p));
			p_next(p);
		} else {
			p_next(p);
			items[n] = p_infix(p, true);
			if (!items[n])
				return false;
			if (p_tok(p) != K_RBRACK) {
				p_illegal(p, "expected \"]\"");
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
				need_if(p, r);
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
	if (r->contains || r->has_args || r->nref != 2 || r->has_if || r->has_value)
		return;
	if (p->m->v1 && r->has_body)
		comp_error(p->c, ERR_PARSE, r->loc, "`contains` keyword is required for partial set rules");
	r->key = r->ref[1];
	r->nref = 1;
	r->bare = true;
}

static bool default_rule(struct parser *p)
{
	struct rule *r = rule_new(p, p_loc(p));
	struct loc at;

	if (!r)
		return false;
	p_next(p);
	r->is_default = true;
	if (!head_ref(p, r))
		return false;
	if (p_glued(p) && p_tok(p) == K_LPAREN) {
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
	rule_add(p, r);
	return true;
}

static bool head(struct parser *p, struct rule *r)
{
	if (!head_ref(p, r))
		return false;
	if (p_glued(p) && p_tok(p) == K_LPAREN) {
		r->has_args = true;
		p_next(p);
		if (!p_terms(p, K_RPAREN, "expected \",\" or \")\"", &r->args, &r->nargs))
			return false;
	}
	if (p_tok(p) == K_CONTAINS) {
		if (r->has_args) {
			p_fail(p, p_loc(p), "the contains keyword can only be used with multi-value rule definitions (e.g., p "
			       "contains <VALUE> { ... })");
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
	return true;
}

static bool rule(struct parser *p)
{
	struct rule *r = rule_new(p, p_loc(p)), *first = r;
	bool by_brace = false;

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
	} else if (!p_new_line(p) && p_tok(p) != K_EOF && p_tok(p) != K_SEMI) {
		p_illegal(p, "");
		return false;
	}
	settle_head(p, r);
	if (by_brace && p->m->v1)
		need_if(p, r);
	if (!r->has_body) {
		r->body = true_body(p, r->loc);
		if (p->m->v1 && !r->has_value && !r->contains)
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
	if (!p_new_line(p) && p_tok(p) != K_EOF && !p_take(p, K_SEMI) && r->has_body && p_tok(p) == K_IF) {
		p_illegal(p, "");
		return false;
	}
	return true;
}

/* ---- modules ---- */

static bool package(struct parser *p)
{
	struct module *m = p->m;
	struct term *t;
	uint32_t n;
	struct loc at = p_loc(p);

	m->package_loc = at;
	p_next(p);
	if (p_tok(p) != K_IDENT && !tok_is_keyword(p_tok(p))) {
		p_illegal(p, "");
		return false;
	}
	if (p_tok(p) != K_IDENT) {	/* a keyword may be a package name where it is not reserved in that place */
		p_illegal(p, "");
		return false;
	}
	if (p_loc(p).row != at.row) {
		p_illegal(p, "expected package path on the same line");
		return false;
	}
	t = p_term(p);
	if (!t)
		return false;
	if (t->kind != T_VAR && t->kind != T_REF) {
		p_fail(p, t->loc, "package name cannot be %s", term_kind_name(t));
		return false;
	}
	n = t->kind == T_VAR ? 1 : t->n;
	m->path = comp_alloc(p->c, n * sizeof(*m->path));
	m->path_locs = comp_alloc(p->c, n * sizeof(*m->path_locs));
	if (!m->path || !m->path_locs)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		struct term *part = t->kind == T_VAR ? t : t->items[i];

		m->path_locs[i] = part->loc;
		if (i == 0 && part->kind == T_VAR) {
			m->path[0] = rv_str(&p->c->heap, part->var->name->p, part->var->name->n);
		} else if (part->kind == T_VALUE && part->value.kind == RV_STRING) {
			m->path[i] = part->value;
		} else {
			p_fail(p, part->loc, "package path cannot contain %s", term_kind_name(part));
			return false;
		}
	}
	m->npath = n;
	m->package_loc = p_span(p, at);
	return true;
}

static bool part_is(const struct term *t, const char *s)
{
	return t->kind == T_VAR ? rv_is_str((struct rv){.kind = RV_STRING, .str = t->var->name}, s) : rv_is_str(t->value, s);
}

static bool keyword_import(struct parser *p, struct import *im, struct term *t)
{
	struct module *m = p->m;
	static const char *const kw[] = {"in", "every", "if", "contains", "not", "and", "or"};
	bool *flags[] = {&m->kw_in, &m->kw_every, &m->kw_if, &m->kw_contains, &m->kw_not, &m->kw_and, &m->kw_or};

	im->keyword = true;
	if (part_is(t->items[0], "rego")) {
		if (im->alias) {
			p_fail(p, im->alias_loc, "`rego` imports cannot be aliased");
			return false;
		}
		if (t->n != 2 || !(part_is(t->items[1], "v1") || part_is(t->items[1], "v2"))) {
			p_fail(p, t->loc, "invalid import `%s`, must be `rego.v1`", term_string(p->c, t));
			return false;
		}
		m->v1 = m->kw_in = m->kw_every = m->kw_if = m->kw_contains = true;
		if (part_is(t->items[1], "v2"))
			m->kw_not = true;
		return true;
	}
	if (im->alias) {
		p_fail(p, im->alias_loc, "`future` imports cannot be aliased");
		return false;
	}
	if (t->n < 2 || !part_is(t->items[1], "keywords") || t->n > 3) {
		p_fail(p, t->items[t->n > 1 ? 1 : 0]->loc, "invalid import, must be `future.keywords`");
		return false;
	}
	if (t->n == 2) {
		for (int i = 0; i < 4; i++)
			*flags[i] = true;
		return true;
	}
	for (int i = 0; i < 7; i++) {
		if (part_is(t->items[2], kw[i]) && (i < 5 || p->c->opts->experimental_keywords)) {
			*flags[i] = true;
			if (i == 1)
				m->kw_in = true;
			return true;
		}
	}
	p_fail(p, t->items[2]->loc, "unexpected keyword, must be one of [contains every if in not]");
	return false;
}

static bool import(struct parser *p)
{
	struct module *m = p->m;
	struct import im = {.loc = p_loc(p)};
	struct term *t;
	const struct term *root;

	p_next(p);
	if (p_tok(p) != K_IDENT) {
		p_illegal(p, "expected ident");
		return false;
	}
	t = p_term(p);
	if (!t)
		return false;
	root = t->kind == T_REF ? t->items[0] : t;
	if ((t->kind != T_VAR && t->kind != T_REF) || root->kind != T_VAR ||
	    !(part_is(root, "data") || part_is(root, "input") || part_is(root, "future") || part_is(root, "rego"))) {
		p_fail(p, root->loc, "unexpected import path, must begin with one of: {data, future, input, rego}, got: %s",
		       root->kind == T_VAR ? root->var->name->p : term_kind_name(root));
		return false;
	}
	for (uint32_t i = 1; t->kind == T_REF && i < t->n; i++) {
		if (t->items[i]->kind != T_VALUE || t->items[i]->value.kind != RV_STRING) {
			p_fail(p, t->items[i]->loc, "unexpected import path, must be comprised of strings");
			return false;
		}
	}
	if (p_tok(p) == K_AS) {
		p_next(p);
		if (p_tok(p) != K_IDENT) {
			p_illegal(p, "expected var");
			return false;
		}
		im.alias = var_named(p->c, (const char *)p_cur(p)->text.p, p_cur(p)->text.n);
		im.alias_loc = p_loc(p);
		p_next(p);
	}
	if (t->kind == T_VAR)
		t = term_items(p->c, T_REF, t->loc, memcpy(comp_alloc(p->c, sizeof(t)), &t, sizeof(t)), 1);
	im.path = t->items;
	im.n = t->n;
	im.loc = p_span(p, im.loc);
	if (part_is(root, "future") || part_is(root, "rego")) {
		if (!keyword_import(p, &im, t))
			return false;
	} else if (!im.alias && im.n > 1) {
		static const char *const reserved[] = {"in", "every", "if", "contains", "not", "as", "default", "else", "false",
						       "import", "package", "null", "some", "true", "with"};
		struct rv last = t->items[im.n - 1]->value;

		for (size_t i = 0; i < sizeof(reserved) / sizeof(*reserved); i++) {
			bool on = i >= 4 || (i == 0 && m->kw_in) || (i == 1 && m->kw_every) || (i == 2 && m->kw_if) ||
				  (i == 3 && m->kw_contains);

			if (on && rv_is_str(last, reserved[i])) {
				p_fail(p, t->items[im.n - 1]->loc, "unexpected import path, must not end with a keyword, got: %s",
				       reserved[i]);
				p->err = arena_printf(p->c->arena, "unexpected import path, must not end with a keyword, got: %s (use "
						      "an alias)", reserved[i]);
				return false;
			}
		}
		im.alias = var_named(p->c, last.str->p, last.str->n);
		im.alias_loc = t->items[im.n - 1]->loc;
	} else if (!im.alias) {
		im.alias = root->var;
	}
	if (m->nimports == m->cap_imports) {
		uint32_t cap = m->cap_imports ? m->cap_imports * 2 : 8;

		m->imports = arena_grow(p->c->arena, m->imports, m->cap_imports * sizeof(im), cap * sizeof(im));
		m->cap_imports = cap;
		if (!m->imports) {
			p->c->no_memory = true;
			return false;
		}
	}
	m->imports[m->nimports++] = im;
	return true;
}

static bool statements(struct parser *p)
{
	if (p_tok(p) == K_EOF)
		return p_fail(p, (struct loc){.mod = p->m->index}, "empty module");
	if (p_tok(p) != K_PACKAGE) {
		if (p_tok(p) == K_ILLEGAL)
			return p_illegal(p, "");
		return p_fail(p, p_loc(p), "package expected");
	}
	if (!package(p))
		return false;
	while (p_tok(p) != K_EOF) {
		bool ok;

		if (p_take(p, K_SEMI))
			continue;
		if (p_tok(p) == K_IMPORT)
			ok = import(p);
		else if (p_tok(p) == K_DEFAULT)
			ok = default_rule(p);
		else if (p_tok(p) == K_PACKAGE)
			ok = p_fail(p, p_loc(p), "unexpected package");
		else
			ok = rule(p);
		if (!ok)
			return false;
		if (p->c->nrules > (p->c->opts->max_rules ? p->c->opts->max_rules : 20000))
			return p_fail(p, p_loc(p), "too many rules (limit is %u)",
				      p->c->opts->max_rules ? p->c->opts->max_rules : 20000u);
	}
	return true;
}

static bool begin(struct comp *c, struct module *m, struct parser *p)
{
	bool v1 = m->is_query || c->opts->dialect == REGO_V1;

	*p = (struct parser){.c = c, .m = m, .max_depth = c->opts->max_nesting ? c->opts->max_nesting : 200};
	m->v1 = m->kw_in = m->kw_every = m->kw_if = m->kw_contains = v1;
	return lex_all(c, m, &p->toks, &p->n) && p->n > 0;
}

static bool finish(struct parser *p, bool ok)
{
	if (ok && !p->failed)
		return comp_ok(p->c);
	if (!p->c->no_memory)
		comp_error(p->c, ERR_PARSE, p->err_loc, "%s", p->err ? p->err : "syntax error");
	return false;
}

bool parse_module(struct comp *c, struct module *m)
{
	struct parser p;

	if (!begin(c, m, &p))
		return false;
	return finish(&p, statements(&p));
}

bool parse_query(struct comp *c, struct module *m, struct body **query)
{
	struct parser p;

	if (!begin(c, m, &p))
		return false;
	if (c->opts->experimental_keywords)
		m->kw_and = m->kw_or = true;
	if (p_tok(&p) == K_EOF) {
		comp_error(c, ERR_COMPILE, p_loc(&p), "empty query cannot be compiled");
		return false;
	}
	*query = p_body(&p, K_EOF);
	return finish(&p, *query != NULL);
}
