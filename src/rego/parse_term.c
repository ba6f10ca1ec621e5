/* Terms and literals: recursive descent over the tokens. */
#include "rego/parse_int.h"

#include <stdio.h>

enum tok p_peek(const struct parser *p, uint32_t ahead)
{
	uint32_t i = p->at + ahead < p->n ? p->at + ahead : p->n - 1;
	enum tok k = p->toks[i].kind;

	if ((k == K_IN && !p->m->kw_in) || (k == K_EVERY && !p->m->kw_every) || (k == K_IF && !p->m->kw_if) ||
	    (k == K_CONTAINS && !p->m->kw_contains) || (k == K_AND && !p->m->kw_and) || (k == K_OR && !p->m->kw_or))
		return K_IDENT;
	return k;
}

bool p_keyword_ref(struct parser *p)
{
	uint32_t next = p->at + 1 < p->n ? p->at + 1 : p->at;
	enum tok k = p->toks[next].kind;

	if (!tok_is_keyword(p_tok(p)) || (k != K_DOT && k != K_LBRACK) || p->toks[next].space)
		return false;
	p_cur(p)->was = p_cur(p)->kind;
	p_cur(p)->kind = K_IDENT;
	return true;
}

void p_back(struct parser *p, uint32_t at)
{
	for (uint32_t i = at; i <= p->at && i < p->n; i++) {
		if (p->toks[i].was) {
			p->toks[i].kind = p->toks[i].was;
			p->toks[i].was = K_EOF;
		}
	}
	p->at = at;
	p->failed = p->failed && p->failed_at < at;
	p->given = NULL;
}

enum tok p_tok(const struct parser *p)
{
	return p_peek(p, 0);
}

struct token *p_cur(const struct parser *p)
{
	return &p->toks[p->at < p->n ? p->at : p->n - 1];
}

struct loc p_loc(const struct parser *p)
{
	return p_cur(p)->loc;
}

void p_next(struct parser *p)
{
	if (p->at + 1 < p->n)
		p->at++;
	if (p_cur(p)->kind == K_ILLEGAL && p_cur(p)->err)
		p_fail(p, p_loc(p), "%s", p_cur(p)->err);
}

bool p_take(struct parser *p, enum tok k)
{
	if (p_tok(p) != k)
		return false;
	p_next(p);
	return true;
}

void *p_fail(struct parser *p, struct loc at, const char *fmt, ...)
{
	va_list ap;

	if (p->failed)
		return NULL;
	va_start(ap, fmt);
	p->err = arena_vprintf(p->c->arena, fmt, ap);
	va_end(ap);
	if (p->err && p->hint)
		p->err = arena_printf(p->c->arena, "%s (hint: %s)", p->err, p->hint);
	p->hint = NULL;
	p->err_loc = at;
	p->failed = true;
	p->failed_at = p->at;
	return NULL;
}

void *p_illegal(struct parser *p, const char *note)
{
	const struct token *t = p_cur(p);
	enum tok k = p_tok(p);

	if (k == K_ILLEGAL)
		return p_fail(p, t->loc, "%s", t->err ? t->err : "illegal token");
	if (k == K_TEMPLATE || k == K_TEMPLATE_END)
		return p_fail(p, t->loc, "unexpected %stemplate-string-%s token%s%s", t->raw ? "raw-" : "",
			      k == K_TEMPLATE ? "part" : "end", note[0] ? ": " : "", note);
	return p_fail(p, t->loc, "unexpected %s %s%s%s", tok_name(k), tok_is_keyword(k) ? "keyword" : "token",
		      note[0] ? ": " : "", note);
}

struct loc p_span(const struct parser *p, struct loc from)
{
	const struct loc *last = &p->toks[p->at ? p->at - 1 : 0].loc;

	if (last->off + last->len > from.off)
		from.len = last->off + last->len - from.off;
	return from;
}

bool p_glued(const struct parser *p)
{
	return p->at > 0 && !p_cur(p)->space;
}

bool p_new_line(const struct parser *p)
{
	const struct token *last = &p->toks[p->at ? p->at - 1 : 0];
	uint32_t row = last->loc.row;

	if (last->kind == K_RAW || last->kind == K_TEMPLATE_END) {	/* may span lines */
		for (uint32_t i = 0; i < last->loc.len; i++)
			row += p->m->text.p[last->loc.off + i] == '\n';
	}
	return p_loc(p).row > row;
}

static bool enter(struct parser *p)
{
	if (p->depth >= p->max_depth) {
		p_fail(p, p_loc(p), "max nesting depth of %u exceeded", p->max_depth);
		return false;
	}
	p->depth++;
	return true;
}

#define MAX_REF 10000u /* parts of a reference: so many times as much as anybody writes */

/* A list that grows while it is read. */
struct list {
	struct term **items;
	uint32_t n, cap;
};

static bool list_add(struct parser *p, struct list *l, struct term *t)
{
	if (l->n == l->cap) {
		uint32_t cap = l->cap ? l->cap * 2 : 4;
		struct term **more = arena_grow(p->c->arena, l->items, l->cap * sizeof(*more), cap * sizeof(*more));

		if (!more) {
			comp_oom(p->c);
			p_fail(p, t->loc, "out of memory");
			return false;
		}
		l->items = more;
		l->cap = cap;
	}
	l->items[l->n++] = t;
	return true;
}

bool p_terms(struct parser *p, enum tok end, const char *expected, struct term ***out, uint32_t *n)
{
	struct list l = {0};

	while (p->given || p_tok(p) != end) {
		struct term *t = p_infix(p, false);

		if (!t || !list_add(p, &l, t))
			return false;
		if (p_tok(p) != end && !p_take(p, K_COMMA)) {
			p_illegal(p, expected);
			return false;
		}
	}
	p_next(p);
	*out = l.items;
	*n = l.n;
	return true;
}

/* From the bar on. NULL, and back at the bar with `head` given, when a list of unions was meant. */
static struct term *comprehension(struct parser *p, enum term_kind k, struct loc from, struct term *key,
				  struct term *head, enum tok end)
{
	struct term *t = term_new(p->c, k, from);
	uint32_t bar = p->at;

	if (!t)
		return NULL;
	if (!(p->toks[bar].tried & NO_COMPREHENSION)) {
		p->given = NULL;
		p_next(p);
		t->key = key;
		t->val = head;
		t->body = p_body(p, end);
		if (t->body) {
			t->loc = p_span(p, from);
			return t;
		}
		if (p_tok(p) != K_COMMA && !key)
			return NULL;
		p->toks[bar].tried |= NO_COMPREHENSION;
	}
	p_back(p, bar);
	p->given = head;
	return NULL;
}

static struct term *array(struct parser *p)
{
	struct loc from = p_loc(p);
	struct term *head, *t, **items = NULL;
	uint32_t n = 0;
	bool comma;

	p_next(p);
	comma = p_take(p, K_COMMA);	/* allowed of old, and no comprehension then */
	if (p_tok(p) != K_RBRACK) {
		head = p_term(p);
		if (!head)
			return NULL;
		p->given = head;
		if (p_tok(p) == K_BAR && !comma) {
			t = comprehension(p, T_ARRAY_COMP, from, NULL, head, K_RBRACK);
			if (t || p->failed)
				return t;
		}
	}
	if (!p_terms(p, K_RBRACK, "expected \",\" or \"]\"", &items, &n))
		return NULL;
	t = term_items(p->c, T_ARRAY, from, items, n);
	if (t)
		t->loc = p_span(p, from);
	return t;
}

/* A key that is written twice has the last value, constant or not. Returns how many items are left. */
static uint32_t last_of_each(struct parser *p, struct term **items, uint32_t n)
{
	struct rv_builder seen =
	        rv_object_builder(&p->c->heap, n / 2); /* position by key; a variable is its name in an array */
	uint32_t kept = 0;

	if (n == 2)
		return n;
	for (uint32_t i = 0; i < n; i += 2) {
		struct term *key = items[i];
		struct rv k = key->value;
		const struct rv *at;

		if (key->kind == T_VAR && !key->var->wildcard) {
			struct rv name = rv_str(&p->c->heap, key->var->name->p, key->var->name->n);

			k = rv_array(&p->c->heap, &name, 1);
		}
		at = k.kind == RV_UNDEF ? NULL : rv_builder_get(&seen, k);
		if (at) {
			items[at->i] = items[i + 1];
			continue;
		}
		rv_object_put(&seen, k, rv_int(kept + 1));
		items[kept++] = key;
		items[kept++] = items[i + 1];
	}
	if (rv_heap_bad(&p->c->heap))
		comp_oom(p->c);
	return kept;
}

static struct term *object_rest(struct parser *p, struct loc from, struct term *key, bool comma)
{
	struct list l = {0};
	struct term *val, *t;
	bool first = true;

	for (;;) {
		p_next(p);	/* the colon */
		if (first) {
			val = p_term(p);
			if (!val)
				return NULL;
			p->given = val;
			if (p_tok(p) == K_BAR && !comma) {
				t = comprehension(p, T_OBJECT_COMP, from, key, val, K_RBRACE);
				if (t || p->failed)
					return t;
			}
		}
		first = false;
		val = p_infix(p, false);
		if (!val || !list_add(p, &l, key) || !list_add(p, &l, val))
			return NULL;
		if (p_take(p, K_RBRACE))
			break;
		if (!p_take(p, K_COMMA))
			return p_illegal(p, l.n == 2 ? "non-terminated object" : "expected \",\" or \"}\"");
		if (p_take(p, K_RBRACE))
			break;
		key = p_infix(p, false);
		if (!key)
			return NULL;
		if (p_tok(p) != K_COLON)
			return p_illegal(p, "expected \":\"");
	}
	t = term_items(p->c, T_OBJECT, from, l.items, last_of_each(p, l.items, l.n));
	if (t)
		t->loc = p_span(p, from);
	return t;
}

static struct term *braces(struct parser *p)
{
	struct loc from = p_loc(p);
	struct list l = {0};
	struct term *head, *t, **rest = NULL;
	uint32_t n = 0;
	bool comma;

	p_next(p);
	if (p_take(p, K_RBRACE)) {
		t = term_items(p->c, T_OBJECT, from, NULL, 0);
		if (t)
			t->loc = p_span(p, from);
		return t;
	}
	comma = p_take(p, K_COMMA);
	head = p_term(p);	/* one term alone first: a bar behind it makes a comprehension */
	if (!head)
		return NULL;
	p->given = head;
	if (p_tok(p) == K_BAR && !comma) {
		t = comprehension(p, T_SET_COMP, from, NULL, head, K_RBRACE);
		if (t || p->failed)
			return t;
	}
	head = p_infix(p, false);
	if (!head)
		return NULL;
	if (p_tok(p) == K_COLON)
		return object_rest(p, from, head, comma);
	if (!list_add(p, &l, head))
		return NULL;
	if (!p_take(p, K_RBRACE)) {
		if (!p_take(p, K_COMMA))
			return p_illegal(p, "non-terminated set");
		if (!p_terms(p, K_RBRACE, "expected \",\" or \"}\"", &rest, &n))
			return NULL;
	}
	for (uint32_t i = 0; i < n; i++) {
		if (!list_add(p, &l, rest[i]))
			return NULL;
	}
	t = term_items(p->c, T_SET, from, l.items, l.n);
	if (t)
		t->loc = p_span(p, from);
	return t;
}

/* Sign, point and digits are tokens of their own: `- .5` is a number as well. */
static struct term *number(struct parser *p)
{
	struct loc from = p_loc(p);
	const char *sign = "", *point = "";
	struct slice text;
	struct term *t;
	struct rv v;
	char *s;

	if (p_tok(p) == K_MINUS) {
		sign = "-";
		p_next(p);
		if (p_tok(p) != K_NUMBER && p_tok(p) != K_DOT)
			return p_illegal(p, "expected number");
	}
	if (p_tok(p) == K_DOT) {
		point = "0.";
		p_next(p);
		if (p_tok(p) != K_NUMBER)
			return p_illegal(p, "expected number");
	}
	text = p_cur(p)->text;
	if (!*point && text.n > 1 && text.p[0] == '0' && text.p[1] != '.' && (text.p[1] | 32) != 'e')
		return p_illegal(p, "expected number without leading zero");
	if (*sign || *point) {
		s = arena_printf(p->c->arena, "%s%s%.*s", sign, point, (int)text.n, (const char *)text.p);
		if (!s) {
			comp_oom(p->c);
			return p_fail(p, from, "out of memory");
		}
		text = slice_cstr(s);
	}
	v = rv_number(&p->c->heap, text);
	if (v.kind == RV_UNDEF || (v.sub && v.num->nd && (v.num->exp10 > 30103 || v.num->exp10 < -30103)))
		return *point ? p_illegal(p, "invalid float") : p_fail(p, p_loc(p), "number too big");
	p_next(p);
	t = term_value(p->c, v, from);
	if (t)
		t->loc = p_span(p, from);
	return t;
}

/* -x means 0 - x, with all of a reference. */
static struct term *negative(struct parser *p)
{
	struct loc from = p_loc(p);
	const struct token *name = &p->toks[p->at + 1 < p->n ? p->at + 1 : p->at];
	enum tok k = p_peek(p, 1);
	struct term *t;

	if (k != K_IDENT && k != K_CONTAINS) {
		t = number(p);
		return t ? p_postfix(p, t) : NULL;
	}
	p_next(p);
	p_next(p);
	t = p_postfix(p, term_var(p->c, var_named(p->c, (const char *)name->text.p, name->text.n), name->loc));
	if (!t)
		return NULL;
	t = term_call(p->c, "minus", from, term_value(p->c, rv_int(0), from), t);
	if (t)
		t->loc = p_span(p, from);
	return t;
}

static struct term *primary(struct parser *p)
{
	const struct token *t = p_cur(p);
	struct term *out;

	switch (p_tok(p)) {
	case K_NULL:
		p_next(p);
		return p_postfix(p, term_value(p->c, rv_null(), t->loc));
	case K_TRUE:
	case K_FALSE:
		p_next(p);
		return p_postfix(p, term_value(p->c, rv_bool(t->kind == K_TRUE), t->loc));
	case K_MINUS:
		return negative(p);
	case K_DOT:
	case K_NUMBER:
		out = number(p);
		return out ? p_postfix(p, out) : NULL;
	case K_STRING:
	case K_RAW:
		p_next(p);
		return p_postfix(p, term_value(p->c, rv_str(&p->c->heap, t->text.p, t->text.n), t->loc));
	case K_IDENT:
	case K_CONTAINS:
		p_next(p);
		return p_postfix(p, term_var(p->c, var_named(p->c, (const char *)t->text.p, t->text.n), t->loc));
	case K_LBRACK:
		out = array(p);
		return out ? p_postfix(p, out) : NULL;
	case K_LBRACE:
		out = braces(p);
		return out ? p_postfix(p, out) : NULL;
	case K_LPAREN:
		p_next(p);
		out = p_infix(p, true);
		if (!out)
			return NULL;
		if (p_tok(p) != K_RPAREN)
			return p_fail(p, p_loc(p), "non-terminated expression");
		p_next(p);
		out->paren = true;
		return p_postfix(p, out);
	case K_TEMPLATE:
	case K_TEMPLATE_END:
		out = p_template(p);
		return out ? p_postfix(p, out) : NULL;
	case K_EOF:
	case K_ILLEGAL:
	case K_PACKAGE:
	case K_IMPORT:
	case K_AS:
	case K_DEFAULT:
	case K_ELSE:
	case K_NOT:
	case K_SOME:
	case K_WITH:
	case K_IN:
	case K_EVERY:
	case K_IF:
	case K_AND:
	case K_OR:
	case K_RBRACK:
	case K_RBRACE:
	case K_RPAREN:
	case K_COMMA:
	case K_COLON:
	case K_SEMI:
	case K_PLUS:
	case K_MUL:
	case K_DIV:
	case K_REM:
	case K_AMP:
	case K_BAR:
	case K_UNIFY:
	case K_ASSIGN:
	case K_EQ:
	case K_NE:
	case K_LT:
	case K_LE:
	case K_GT:
	case K_GE:
		break;
	}
	return p_illegal(p, "");
}

static bool is_empty_set_call(const struct term *op, uint32_t nargs)
{
	return nargs == 0 && op->kind == T_VAR && op->var->name->n == 3 && memcmp(op->var->name->p, "set", 3) == 0;
}

static struct term *call(struct parser *p, struct term *op)
{
	struct list l = {0};
	struct term *t, **args = NULL;
	uint32_t n = 0;

	p_next(p);
	if (!p_terms(p, K_RPAREN, "expected \",\" or \")\"", &args, &n))
		return NULL;
	if (is_empty_set_call(op, n)) {
		t = term_items(p->c, T_SET, op->loc, NULL, 0);
	} else {
		if (!list_add(p, &l, op))
			return NULL;
		for (uint32_t i = 0; i < n; i++) {
			if (!list_add(p, &l, args[i]))
				return NULL;
		}
		t = term_items(p->c, T_CALL, op->loc, l.items, l.n);
	}
	if (t)
		t->loc = p_span(p, op->loc);
	return t;
}

/* From a dot to the name that must follow it at once; false when it does not. */
bool p_behind_dot(struct parser *p)
{
	struct loc gap = p_loc(p);

	p_next(p);
	if (gap.off + 1 < p->m->text.n && p->m->text.p[gap.off + 1] == '\n')
		gap = (struct loc){.row = gap.row + 1, .off = gap.off, .mod = gap.mod};
	else
		gap.col++;
	if (!p_glued(p) && p_tok(p) != K_EOF)
		p_fail(p, gap, "unexpected whitespace token: expected identifier");
	else if (p_tok(p) != K_IDENT && !tok_is_keyword(p_tok(p)))
		p_illegal(p, "expected identifier");
	return !p->failed;
}

struct term *p_postfix(struct parser *p, struct term *head)
{
	struct list l = {0};
	struct term *t = head;

	if (head && p_glued(p) && (p_tok(p) == K_DOT || p_tok(p) == K_LBRACK || p_tok(p) == K_LPAREN) &&
	    (head->kind == T_VALUE || head->kind == T_REF || head->kind == T_TEMPLATE))
		p_fail(p, head->loc, "illegal ref (head cannot be %s)",
		       head->kind == T_VALUE ? rv_kind_name(head->value.kind) : term_kind_name(head));
	while (head && p_glued(p)) {
		struct term *part;
		enum tok k = p_tok(p);

		if (k == K_DOT) {
			if (!p_behind_dot(p))
				return NULL;
			part = term_value(p->c, rv_str(&p->c->heap, p_cur(p)->text.p, p_cur(p)->text.n), p_loc(p));
			p_next(p);
		} else if (k == K_LBRACK) {
			p_next(p);
			part = p_infix(p, true);
			if (!part)
				return NULL;
			if (p_tok(p) != K_RBRACK)
				return p_illegal(p, "expected [");
			p_next(p);
		} else if (k == K_LPAREN && (t->kind == T_VAR || t->kind == T_REF)) {
			t = call(p, t);
			if (!t)
				return NULL;
			l = (struct list){0};
			continue;
		} else {
			break;
		}
		if (!part)
			return NULL;
		if (l.n == 0 && !list_add(p, &l, t))
			return NULL;
		if (l.n == MAX_REF)
			return p_fail(p, part->loc, "reference has too many parts (limit is %u)", MAX_REF);
		if (!list_add(p, &l, part))
			return NULL;
		t = term_items(p->c, T_REF, head->loc, l.items, l.n);
		if (!t)
			return NULL;
		t->loc = p_span(p, head->loc);
	}
	return t;
}

struct term *p_term(struct parser *p)
{
	struct term *t;

	if (!enter(p))
		return NULL;
	t = primary(p);
	p->depth--;
	return t;
}

/* The next term, or the one that was read already. */
static struct term *operand(struct parser *p)
{
	struct term *t = p->given;

	if (t) {
		p->given = NULL;
		return t;
	}
	return p_term(p);
}

/* A binary operator and its level, weakest first; NULL when the token is none. */
static const char *operator(enum tok k, unsigned *level)
{
	static const struct {
		enum tok k;
		uint8_t level;
		const char *name;
	} table[] = {
		{K_EQ, 0, "equal"}, {K_NE, 0, "neq"}, {K_LT, 0, "lt"}, {K_GT, 0, "gt"}, {K_LE, 0, "lte"}, {K_GE, 0, "gte"},
		{K_BAR, 1, "or"}, {K_AMP, 2, "and"}, {K_PLUS, 3, "plus"}, {K_MINUS, 3, "minus"}, {K_MUL, 4, "mul"},
		{K_DIV, 4, "div"}, {K_REM, 4, "rem"},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (table[i].k == k) {
			*level = table[i].level;
			return table[i].name;
		}
	}
	return NULL;
}

/* Operators of at least this level: precedence climbing, so that nesting costs few frames. */
static struct term *binary(struct parser *p, unsigned least)
{
	struct term *t = operand(p), *rhs;
	unsigned chain = 0, level = 0;

	while (t) {
		const char *op = operator(p_tok(p), &level);
		struct loc at = p_loc(p), from = t->loc;

		if (!op || level < least)
			break;
		/* each link nests the tree by one more */
		if (p->depth + ++chain > p->max_depth * 5)
			return p_fail(p, at, "max nesting depth of %u exceeded", p->max_depth);
		p_next(p);
		rhs = binary(p, level + 1);
		if (!rhs)	/* goes on as far as it got: the error stays, unless another reading is found */
			return t;
		t = term_call(p->c, op, from, t, rhs);
		if (!t)
			return NULL;
		t->items[0]->loc = at;
		t->loc = p_span(p, from);
	}
	return t;
}

static struct term *member_call(struct parser *p, struct loc from, struct term *k, struct term *v, struct term *coll)
{
	struct list l = {0};
	struct term *t, *op = term_var(p->c, var_named(p->c, k ? "internal.member_3" : "internal.member_2", 17), from);

	if (!op || !list_add(p, &l, op) || (k && !list_add(p, &l, k)) || !list_add(p, &l, v) || !list_add(p, &l, coll))
		return NULL;
	t = term_items(p->c, T_CALL, from, l.items, l.n);
	if (!t)
		return NULL;
	t->op = true;
	t->loc = p_span(p, from);
	return t;
}

static struct term *infix(struct parser *p, bool pair)
{
	struct loc from = p->given ? p->given->loc : p_loc(p);
	struct term *t = binary(p, 0), *second, *coll;
	unsigned chain = 0;

	if (!t)
		return NULL;
	if (pair && p_tok(p) == K_COMMA) {
		uint32_t start = p->at;

		p_next(p);
		second = binary(p, 0);
		coll = NULL;
		if (second && p_tok(p) == K_IN) {
			p_next(p);
			coll = binary(p, 0);
		}
		if (coll)
			t = member_call(p, from, t, second, coll);
		else
			p_back(p, start);
	}
	while (t && !p_keyword_ref(p) && p_tok(p) == K_IN) {
		if (++chain > p->max_depth)
			return p_fail(p, from, "max nesting depth of %u exceeded", p->max_depth);
		p_next(p);
		coll = binary(p, 0);
		if (!coll)
			return t;
		t = member_call(p, from, NULL, t, coll);
	}
	return t;
}

struct term *p_infix(struct parser *p, bool pair)
{
	struct term *t;

	if (!enter(p))
		return NULL;
	t = infix(p, pair);
	p->depth--;
	return t;
}
