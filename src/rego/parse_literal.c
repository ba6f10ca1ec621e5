/* Literals and bodies. */
#include "rego/parse_int.h"

/* ---- literals ---- */

static struct expr *logical(struct parser *p, unsigned level, bool must);

static bool read_with(struct parser *p, struct expr *e)
{
	uint32_t cap = 0;

	while (p_tok(p) == K_WITH) {
		struct with w = {.loc = p_loc(p)};

		p_next(p);
		if (p_tok(p) != K_IDENT) {
			p_illegal(p, "expected ident");
			return false;
		}
		w.target = p_term(p);
		if (!w.target)
			return false;
		if (w.target->kind != T_VAR && w.target->kind != T_REF) {
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
				comp_oom(p->c);
				return false;
			}
		}
		w.loc = p_span(p, w.loc);
		e->with[e->nwith++] = w;
	}
	return true;
}

static bool is_member(const struct term *t)
{
	return t && t->kind == T_CALL && t->op && (call_is(t, "internal.member_2") || call_is(t, "internal.member_3"));
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
	t = p_infix(p, true);
	if (is_member(t)) {	/* some x in xs; some k, v in xs */
		e->term = t;
		e->loc = p_span(p, e->loc);
		return e;
	}
	if (t && t->kind == T_CALL)
		return p_illegal(p, "expected `x in xs` or `x, y in xs` expression");
	p_back(p, start);
	if (!p->m->kw_in) {	/* would it be right with the keyword? */
		p->m->kw_in = true;
		t = p_infix(p, true);
		p->m->kw_in = false;
		p_back(p, start);
		if (is_member(t))
			p->hint = "`import future.keywords.in` for `some x in xs` expressions";
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
				comp_oom(p->c);
				return NULL;
			}
		}
		e->decls[e->ndecls++] = term_var(p->c, var_named(p->c, (const char *)tok->text.p, tok->text.n), tok->loc);
		if (!p_take(p, K_COMMA))
			break;
	}
	e->loc = p_span(p, e->loc);
	return e;
}

static struct expr *every(struct parser *p)
{
	struct expr *e = expr_new(p->c, NULL, p_loc(p));
	struct term *t;

	if (!e)
		return NULL;
	e->kind = EX_EVERY;
	p_next(p);
	t = p_infix(p, true);
	if (!t)
		return NULL;
	if (!is_member(t))
		return p_illegal(p, "expected `x[, y] in xs { ... }` expression");
	e->key = t->n == 4 ? t->items[1] : NULL;
	e->val = t->items[t->n - 2];
	e->domain = t->items[t->n - 1];
	if (e->key && e->key->kind != T_VAR)
		return p_illegal(p, "expected key to be a variable");
	if (e->val->kind != T_VAR)
		return p_illegal(p, "expected value to be a variable");
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

/* A body that was read in braces where an operand stands: no set union in disguise. */
static struct body *checked_body(struct parser *p, struct body *b, struct loc from, const char *hint)
{
	const struct expr *first = b->e[0];
	struct loc whole = p_span(p, from), in = first->loc;
	const char *src;
	size_t skip, tail;

	b->braces = true;
	b->loc = whole;
	if (first->kind != EX_TERM || first->negated || first->term->kind != T_CALL || !first->term->op ||
	    !call_is(first->term, "or") || first->term->paren)
		return b;
	src = slice_text(p, whole);
	skip = in.off - whole.off;
	tail = whole.off + whole.len - (in.off + in.len);
	return p_fail(p, from, "ambiguous `{ ... | ... }` operand: read as a body holding a set-union expression, "
		      "not as a comprehension (hint: write `%s(%s)` for the comprehension, or `%s%.*s(%.*s)%.*s` "
		      "for the set union)", hint, src, hint, (int)skip, src, (int)in.len, src + skip, (int)tail,
		      src + skip + in.len);
}

/* A body in braces where an operand must stand: `not { ... }`, `x or { ... }`. */
static struct body *operand_body(struct parser *p, bool negation)
{
	uint32_t start = p->at, end;
	struct loc from = p_loc(p), err_loc;
	struct body *b;
	struct term *t;
	const char *hint = negation ? "not " : "", *src, *err;
	bool failed;

	p_next(p);
	b = p_body(p, K_RBRACE);
	end = p->at;
	if (b) {
		b = checked_body(p, b, from, hint);
		if (!b || !p_glued(p) || (p_tok(p) != K_LBRACK && p_tok(p) != K_DOT))
			return b;
	}
	if (p->failed && p->err && strcmp(p->err, "found empty body") == 0)
		return NULL;
	/* was it a value instead? */
	err_loc = p->err_loc;
	err = p->err;
	failed = p->failed;
	p_back(p, start);
	t = p_term(p);
	if (t && (t->kind == T_OBJECT || t->kind == T_SET || t->kind == T_REF)) {
		src = slice_text(p, t->loc);
		return p_fail(p, from, "`{...}` in an operand position must contain expression(s), got: %s (hint: write "
			      "`%s(%s)` to negate the value, or `%s{%s}` for a body holding it)", term_kind_name(t), hint,
			      src, hint, src);
	}
	p->at = end;
	p->failed = failed;
	p->err = err;
	p->err_loc = err_loc;
	return failed ? NULL : b;
}

static bool empty_group(struct parser *p)
{
	if (p_tok(p) != K_LPAREN || p_peek(p, 1) != K_RPAREN)
		return false;
	p_fail(p, p_loc(p), "empty parenthesized group");
	return true;
}

/* An expression that begins at `from`; its first term may have been read already. */
static struct expr *plain(struct parser *p, struct loc from)
{
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
	} else if (empty_group(p)) {
		return NULL;
	} else if (p_tok(p) == K_LPAREN && p_peek(p, 1) == K_LBRACE) {
		uint32_t start = p->at;
		bool known = p->toks[start].tried & NO_VALUE;
		struct term *t = known ? NULL : p_term(p);

		if (t) {	/* no group of logical operators either: they would not read as a term */
			p->given = t;
			in = plain(p, p->toks[start].loc);
			e->bodies[0] = in ? body_of(p, in) : NULL;
			e->loc = p_span(p, from);
			return e->bodies[0] ? e : NULL;
		}
		if (!known) {	/* no value: a body in parentheses */
			uint32_t inner;
			struct body *b;
			struct loc at = p->toks[start].loc;

			p_back(p, start + 1);
			inner = p->at;
			p_next(p);
			b = p_body(p, K_RBRACE);
			if (b && p_tok(p) == K_RPAREN)
				return p_fail(p, at, "`(...)` in an operand position cannot contain a body (hint: drop the parens to keep "
					      "the body: `not %s`)",
					      slice_text(p, p_span(p, p->toks[inner].loc)));
			p->toks[start].tried |= NO_VALUE;
		}
		p_back(p, start);
		in = logical(p, 2, false);
		e->bodies[0] = in ? body_of(p, in) : NULL;
	} else {
		in = logical(p, 2, false);
		e->bodies[0] = in ? body_of(p, in) : NULL;
	}
	if (!e->bodies[0])
		return NULL;
	e->loc = p_span(p, from);
	return e;
}

/* A parenthesized group of logical operators, or NULL (and nothing read) when it is a term. */
static struct expr *group(struct parser *p)
{
	uint32_t start = p->at;
	struct expr *e;

	if (p_tok(p) != K_LPAREN || (!p->m->kw_and && !p->m->kw_or && !p->m->kw_not) || (p->toks[start].tried & NO_GROUP))
		return NULL;
	if (p->depth >= p->max_depth)
		return NULL;
	p->depth++;
	p_next(p);
	e = logical(p, 0, false);
	p->depth--;
	if (e && !read_with(p, e))
		return NULL;
	if (e && (e->kind == EX_AND || e->kind == EX_OR || e->kind == EX_NOT || e->negated || e->nwith) &&
	    p_take(p, K_RPAREN)) {
		e->loc = p_span(p, p->toks[start].loc);
		return e;
	}
	if (!e && p->failed && p->err && (strncmp(p->err, "ambiguous", 9) == 0))
		return NULL;
	p_back(p, start);
	p->toks[start].tried |= NO_GROUP;
	return NULL;
}

/* One operand of and / or; also an ordinary literal. */
static struct expr *operand(struct parser *p)
{
	struct loc from = p_loc(p);
	struct expr *e;

	(void)p_keyword_ref(p);
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
				e = plain(p, p_loc(p));
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
			e = plain(p, from);
	}
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
	struct loc from = p_loc(p);
	struct body *b;

	*braced = NULL;
	if (must && empty_group(p))
		return NULL;
	if (p_tok(p) == K_LBRACE && (p->m->kw_and || p->m->kw_or)) {
		if (must) {
			*braced = operand_body(p, false);
			return NULL;
		}
		if (!(p->toks[start].tried & NO_BODY)) {
			p_next(p);
			b = p_body(p, K_RBRACE);
			if (b && is_logical(p)) {
				*braced = checked_body(p, b, from, "");
				return NULL;
			}
			p_back(p, start);
			p->toks[start].tried |= NO_BODY;
		}
	}
	return operand(p);
}

/* level 0: or, 1: and, 2: one operand. */
static struct expr *logical(struct parser *p, unsigned level, bool must)
{
	struct loc from = p_loc(p);
	struct body *braced = NULL, **bodies = NULL;
	struct expr *e, *out;
	uint32_t n = 0, cap = 0;
	enum tok k = level == 0 ? K_OR : K_AND;

	if (level == 2)
		return operand(p);
	e = level == 0 ? logical(p, 1, false) : braced_operand(p, &braced, must);
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
				comp_oom(p->c);
				return NULL;
			}
		}
		bodies[n++] = braced ? braced : body_of(p, e);
		if (p_tok(p) != k)
			break;
		p_next(p);
		braced = NULL;
		if (level == 0) {
			e = logical(p, 1, true);
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

static bool is_word(const struct term *t, const char *word)
{
	return t->kind == T_VAR && t->var->name && strcmp(t->var->name->p, word) == 0;
}

/* The variable `every` stands at `start`: would it be right with the keyword? */
static void hint_every(struct parser *p, uint32_t start)
{
	uint32_t end = p->at;
	bool in = p->m->kw_in, ok;

	if (p_tok(p) != K_IDENT)
		return;
	p_back(p, start);
	p->m->kw_in = p->m->kw_every = true;
	ok = every(p) != NULL;
	p->m->kw_in = in;
	p->m->kw_every = false;
	p_back(p, start);
	p->at = end;
	if (ok)
		p->hint = "`import future.keywords.every` for `every x in xs { ... }` expressions";
}

struct expr *p_literal(struct parser *p)
{
	uint32_t start = p->at;
	struct expr *e;

	if (p->depth >= p->max_depth)
		return p_fail(p, p_loc(p), "max nesting depth of %u exceeded", p->max_depth);
	p->depth++;
	e = logical(p, 0, false);
	if (e && !p->m->kw_every && e->kind == EX_TERM && e->term && is_word(e->term, "every"))
		hint_every(p, start);
	p->depth--;
	if (e && e->kind == EX_TERM && !e->term)
		return p_illegal(p, "");
	if (e && !read_with(p, e))
		return NULL;
	if (e && e->nwith)
		e->loc = p_span(p, e->loc);
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
		if (!p_new_line(p))
			return p_illegal(p, end == K_RBRACE ? "expected \\n or ; or }" : end == K_RBRACK ? "expected \\n or ; or ]"
											 : "expected \\n or ;");
	}
	b->loc = p_span(p, b->loc);
	if (end != K_EOF)
		p_next(p);
	return b;
}
