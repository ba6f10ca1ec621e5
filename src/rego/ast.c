/* Building, copying and printing the parsed form. */
#include "rego/lex.h"
#include "rego/ast.h"

#include <stdio.h>

const char ERR_PARSE[] = "rego_parse_error", ERR_COMPILE[] = "rego_compile_error", ERR_TYPE[] = "rego_type_error",
	   ERR_UNSAFE[] = "rego_unsafe_var_error", ERR_RECURSION[] = "rego_recursion_error";

void comp_oom(struct comp *c)
{
	c->no_memory = true;
	if (c->out)
		longjmp(*c->out, 1);
}

bool comp_guard(struct comp *c, bool (*fn)(void *), void *arg)
{
	jmp_buf out;
	bool ok;

	c->out = &out;
	if (setjmp(out)) {
		c->out = NULL;
		return false;
	}
	ok = fn(arg);
	c->out = NULL;
	return ok;
}

void *comp_alloc(struct comp *c, size_t n)
{
	void *p = arena_alloc(c->arena, n ? n : 1);

	if (!p)
		comp_oom(c);
	return p;
}

static bool push_error(struct comp *c, struct comp_error e)
{
	if (c->nerrors == c->cap_errors) {
		uint32_t cap = c->cap_errors ? c->cap_errors * 2 : 8;

		c->errors = arena_grow(c->arena, c->errors, c->cap_errors * sizeof(e), cap * sizeof(e));
		c->cap_errors = cap;
		if (!c->errors) {
			comp_oom(c);
			c->nerrors = c->cap_errors = 0;
			return false;
		}
	}
	c->errors[c->nerrors++] = e;
	return false;
}

bool comp_error(struct comp *c, const char *code, struct loc loc, const char *fmt, ...)
{
	struct comp_error e = {.code = code, .loc = loc};
	va_list ap;

	if (c->nerrors > c->max_errors)
		return false;
	if (c->nerrors == c->max_errors) {
		e = (struct comp_error){.code = ERR_COMPILE, .message = "error limit reached"};
		return push_error(c, e);
	}
	va_start(ap, fmt);
	e.message = arena_vprintf(c->arena, fmt, ap);
	va_end(ap);
	if (!e.message) {
		comp_oom(c);
		return false;
	}
	for (uint32_t i = 0; i < c->nerrors; i++) {	/* the same once */
		if (c->errors[i].loc.off == loc.off && c->errors[i].loc.mod == loc.mod && c->errors[i].loc.row == loc.row &&
		    strcmp(c->errors[i].message, e.message) == 0)
			return false;
	}
	return push_error(c, e);
}

/* ---- variables ---- */

static struct var *var_make(struct comp *c, const struct rv_str *name)
{
	struct var *v = COMP_NEW(c, struct var);

	if (v)
		v->name = name;
	return v;
}

static bool vars_grow(struct comp *c)
{
	uint32_t cap = c->cap_vars ? c->cap_vars * 2 : 128;
	struct var **vars = comp_alloc(c, cap * sizeof(*vars));

	if (!vars)
		return false;
	for (uint32_t i = 0; i < c->cap_vars; i++) {
		if (!c->vars[i])
			continue;
		uint32_t k = c->vars[i]->name->hash & (cap - 1);

		while (vars[k])
			k = (k + 1) & (cap - 1);
		vars[k] = c->vars[i];
	}
	c->vars = vars;
	c->cap_vars = cap;
	return true;
}

struct var *var_named(struct comp *c, const char *name, size_t n)
{
	const struct rv_str *s = rv_strtab_add(c->tab, &c->heap, name, n);
	uint32_t i;

	if (!s || (c->nvars * 2 >= c->cap_vars && !vars_grow(c))) {
		comp_oom(c);
		return NULL;
	}
	if (n == 1 && name[0] == '_') {
		struct var *v = var_make(c, s);

		if (v)
			v->wildcard = true;
		return v;
	}
	for (i = s->hash & (c->cap_vars - 1); c->vars[i]; i = (i + 1) & (c->cap_vars - 1)) {
		if (c->vars[i]->name == s)
			return c->vars[i];
	}
	c->vars[i] = var_make(c, s);
	c->nvars++;
	return c->vars[i];
}

struct var *var_fresh(struct comp *c, struct var *orig)
{
	char name[32];
	int n = snprintf(name, sizeof(name), "__local%u__", c->serial++);
	const struct rv_str *s = rv_strtab_add(c->tab, &c->heap, name, (size_t)n);
	struct var *v = s ? var_make(c, s) : NULL;

	if (!v) {
		comp_oom(c);
		return NULL;
	}
	v->generated = true;
	v->declared = orig != NULL;
	v->orig = orig;
	v->wildcard = orig && orig->wildcard;
	return v;
}

const char *var_shown(const struct var *v)
{
	while (v->orig)
		v = v->orig;
	return v->name->p;
}

/* ---- terms ---- */

struct term *term_new(struct comp *c, enum term_kind k, struct loc loc)
{
	struct term *t = COMP_NEW(c, struct term);

	if (t) {
		t->kind = k;
		t->loc = loc;
	}
	return t;
}

struct term *term_var(struct comp *c, struct var *v, struct loc loc)
{
	struct term *t = v ? term_new(c, T_VAR, loc) : NULL;

	if (t)
		t->var = v;
	return t;
}

struct term *term_value(struct comp *c, struct rv v, struct loc loc)
{
	struct term *t;

	if (v.kind == RV_UNDEF) {
		comp_oom(c);
		return NULL;
	}
	if (v.kind == RV_STRING) {	/* one pointer a string of the program */
		const struct rv_str *s = rv_strtab_add(c->tab, &c->heap, v.str->p, v.str->n);

		if (!s) {
			comp_oom(c);
			return NULL;
		}
		v.str = s;
	}
	t = term_new(c, T_VALUE, loc);
	if (t)
		t->value = v;
	return t;
}

struct term *term_str(struct comp *c, const char *s, struct loc loc)
{
	return term_value(c, rv_cstr(&c->heap, s), loc);
}

struct term *term_items(struct comp *c, enum term_kind k, struct loc loc, struct term **items, uint32_t n)
{
	struct term *t = term_new(c, k, loc);

	if (t) {
		t->items = items;
		t->n = n;
	}
	return t;
}

struct term *term_call(struct comp *c, const char *op, struct loc loc, struct term *a, struct term *b)
{
	struct term **items = comp_alloc(c, 3 * sizeof(*items)), *t;

	if (!items || !a || !b)
		return NULL;
	items[0] = term_var(c, var_named(c, op, strlen(op)), loc);
	items[1] = a;
	items[2] = b;
	t = items[0] ? term_items(c, T_CALL, loc, items, 3) : NULL;
	if (t)
		t->op = true;
	return t;
}

static struct body *body_copy(struct comp *c, const struct body *b);

static struct expr *expr_copy(struct comp *c, const struct expr *e)
{
	struct expr *out = COMP_NEW(c, struct expr);

	if (!out)
		return NULL;
	*out = *e;
	out->term = e->term ? term_copy(c, e->term) : NULL;
	out->key = e->key ? term_copy(c, e->key) : NULL;
	out->val = e->val ? term_copy(c, e->val) : NULL;
	out->domain = e->domain ? term_copy(c, e->domain) : NULL;
	if (e->ndecls) {
		out->decls = comp_alloc(c, e->ndecls * sizeof(*out->decls));
		for (uint32_t i = 0; out->decls && i < e->ndecls; i++)
			out->decls[i] = term_copy(c, e->decls[i]);
	}
	if (e->nbodies) {
		out->bodies = comp_alloc(c, e->nbodies * sizeof(*out->bodies));
		for (uint32_t i = 0; out->bodies && i < e->nbodies; i++)
			out->bodies[i] = body_copy(c, e->bodies[i]);
	}
	if (e->nwith) {
		out->with = comp_alloc(c, e->nwith * sizeof(*out->with));
		for (uint32_t i = 0; out->with && i < e->nwith; i++) {
			out->with[i] = e->with[i];
			out->with[i].target = term_copy(c, e->with[i].target);
			out->with[i].value = term_copy(c, e->with[i].value);
		}
	}
	return out;
}

static struct body *body_copy(struct comp *c, const struct body *b)
{
	struct body *out = body_new(c, b->loc);

	if (!out)
		return NULL;
	out->braces = b->braces;
	for (uint32_t i = 0; i < b->n; i++)
		body_add(c, out, expr_copy(c, b->e[i]));
	return out;
}

struct term *term_copy(struct comp *c, const struct term *t)
{
	struct term *out = COMP_NEW(c, struct term);

	if (!out)
		return NULL;
	*out = *t;
	if (t->items) {
		out->items = comp_alloc(c, t->n * sizeof(*out->items));
		for (uint32_t i = 0; out->items && i < t->n; i++)
			out->items[i] = term_copy(c, t->items[i]);
	}
	out->key = t->key ? term_copy(c, t->key) : NULL;
	out->val = t->val ? term_copy(c, t->val) : NULL;
	out->body = t->body ? body_copy(c, t->body) : NULL;
	if (t->parts) {
		out->parts = comp_alloc(c, t->n * sizeof(*out->parts));
		for (uint32_t i = 0; out->parts && i < t->n; i++)
			out->parts[i] = expr_copy(c, t->parts[i]);
	}
	return out;
}

struct expr *expr_new(struct comp *c, struct term *t, struct loc loc)
{
	struct expr *e = COMP_NEW(c, struct expr);

	if (e) {
		e->kind = EX_TERM;
		e->term = t;
		e->loc = loc;
	}
	return e;
}

struct body *body_new(struct comp *c, struct loc loc)
{
	struct body *b = COMP_NEW(c, struct body);

	if (b)
		b->loc = loc;
	return b;
}

void body_add(struct comp *c, struct body *b, struct expr *e)
{
	if (!e || !b) {
		comp_oom(c);
		return;
	}
	if (b->n == b->cap) {
		uint32_t cap = b->cap ? b->cap * 2 : 4;
		struct expr **more = arena_grow(c->arena, b->e, b->cap * sizeof(*more), cap * sizeof(*more));

		if (!more) {
			comp_oom(c);
			return;
		}
		b->e = more;
		b->cap = cap;
	}
	b->e[b->n++] = e;
}

bool call_is(const struct term *t, const char *op)
{
	const struct rv_str *s;

	if (!t || t->kind != T_CALL || t->items[0]->kind != T_VAR)
		return false;
	s = t->items[0]->var->name;
	return s->n == strlen(op) && memcmp(s->p, op, s->n) == 0;
}

const char *term_kind_name(const struct term *t)
{
	switch (t->kind) {
	case T_VALUE:
		return rv_kind_name((enum rv_kind)t->value.kind);
	case T_VAR:
		return "var";
	case T_REF:
		return "ref";
	case T_CALL:
		return "call";
	case T_ARRAY:
		return "array";
	case T_SET:
		return "set";
	case T_OBJECT:
		return "object";
	case T_ARRAY_COMP:
		return "arraycomprehension";
	case T_SET_COMP:
		return "setcomprehension";
	case T_OBJECT_COMP:
		return "objectcomprehension";
	case T_TEMPLATE:
		return "templatestring";
	}
	return "";
}

/* ---- printing ---- */

static bool is_name(struct rv v)
{
	enum tok k = v.kind == RV_STRING ? tok_of_word(rv_slice(v)) : K_IDENT;

	if (v.kind != RV_STRING || v.str->n == 0 || (v.str->p[0] >= '0' && v.str->p[0] <= '9'))
		return false;
	if (tok_is_keyword(k) && k != K_AND && k != K_OR)	/* these may stand behind a dot, but are shown in brackets */
		return false;
	for (uint32_t i = 0; i < v.str->n; i++) {
		char ch = v.str->p[i];

		if (!((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') || ch == '_'))
			return false;
	}
	return true;
}

void ref_text(struct buf *b, struct term *const *items, uint32_t n)
{
	term_text(b, items[0]);
	for (uint32_t i = 1; i < n; i++) {
		if (items[i]->kind == T_VALUE && is_name(items[i]->value)) {
			buf_putc(b, '.');
			buf_put(b, items[i]->value.str->p, items[i]->value.str->n);
		} else {
			buf_putc(b, '[');
			term_text(b, items[i]);
			buf_putc(b, ']');
		}
	}
}

static void list_text(struct buf *b, struct term *const *items, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (i)
			buf_puts(b, ", ");
		term_text(b, items[i]);
	}
}

void term_text(struct buf *b, const struct term *t)
{
	if (!t)
		return;
	switch (t->kind) {
	case T_VALUE:
		rv_to_text(b, t->value);
		return;
	case T_VAR:
		if (t->var->stands_for) {
			term_text(b, t->var->stands_for);
			return;
		}
		buf_puts(b, t->var->wildcard ? "_" : var_shown(t->var));
		return;
	case T_REF:
		ref_text(b, t->items, t->n);
		return;
	case T_CALL:
		term_text(b, t->items[0]);
		buf_putc(b, '(');
		list_text(b, t->items + 1, t->n - 1);
		buf_putc(b, ')');
		return;
	case T_ARRAY:
		buf_putc(b, '[');
		list_text(b, t->items, t->n);
		buf_putc(b, ']');
		return;
	case T_SET:
		if (t->n == 0) {
			buf_puts(b, "set()");
			return;
		}
		buf_putc(b, '{');
		list_text(b, t->items, t->n);
		buf_putc(b, '}');
		return;
	case T_OBJECT:
		buf_putc(b, '{');
		for (uint32_t i = 0; i < t->n; i += 2) {
			buf_puts(b, i ? ", " : "");
			term_text(b, t->items[i]);
			buf_puts(b, ": ");
			term_text(b, t->items[i + 1]);
		}
		buf_putc(b, '}');
		return;
	case T_ARRAY_COMP:
	case T_SET_COMP:
	case T_OBJECT_COMP:
		buf_putc(b, t->kind == T_ARRAY_COMP ? '[' : '{');
		if (t->key) {
			term_text(b, t->key);
			buf_puts(b, ": ");
		}
		term_text(b, t->val);
		buf_puts(b, " | ");
		body_text(b, t->body);
		buf_putc(b, t->kind == T_ARRAY_COMP ? ']' : '}');
		return;
	case T_TEMPLATE:
		buf_puts(b, "$\"");
		for (uint32_t i = 0; i < t->n; i++) {
			const struct expr *e = t->parts[i];

			if (e->term->kind == T_VALUE && e->term->value.kind == RV_STRING) {
				buf_slice(b, rv_slice(e->term->value));
			} else {
				buf_putc(b, '{');
				expr_text(b, e);
				buf_putc(b, '}');
			}
		}
		buf_putc(b, '"');
		return;
	}
}

void expr_text(struct buf *b, const struct expr *e)
{
	static const char *const signs[][2] = {{"eq", "="}, {"assign", ":="}, {"equal", "=="}, {"neq", "!="}, {"lt", "<"},
					       {"lte", "<="}, {"gt", ">"}, {"gte", ">="}};

	if (e->negated)
		buf_puts(b, "not ");
	switch (e->kind) {
	case EX_TERM:
		for (size_t i = 0; e->term->kind == T_CALL && e->term->n == 3 && i < sizeof(signs) / sizeof(*signs); i++) {
			if (call_is(e->term, signs[i][0])) {
				term_text(b, e->term->items[1]);
				buf_printf(b, " %s ", signs[i][1]);
				term_text(b, e->term->items[2]);
				goto withs;
			}
		}
		term_text(b, e->term);
		break;
	case EX_SOME:
		buf_puts(b, "some ");
		if (e->term) {
			list_text(b, e->term->items + 1, e->term->n - 2);
			buf_puts(b, " in ");
			term_text(b, e->term->items[e->term->n - 1]);
		} else {
			list_text(b, e->decls, e->ndecls);
		}
		break;
	case EX_EVERY:
		buf_puts(b, "every ");
		if (e->key) {
			term_text(b, e->key);
			buf_puts(b, ", ");
		}
		term_text(b, e->val);
		buf_puts(b, " in ");
		term_text(b, e->domain);
		buf_puts(b, " { ");
		body_text(b, e->bodies[0]);
		buf_puts(b, " }");
		break;
	case EX_NOT:
		buf_puts(b, e->explicit_body ? "not { " : "not ");
		body_text(b, e->bodies[0]);
		buf_puts(b, e->explicit_body ? " }" : "");
		break;
	case EX_AND:
	case EX_OR:
		for (uint32_t i = 0; i < e->nbodies; i++) {
			buf_puts(b, !i ? "" : e->kind == EX_AND ? " and " : " or ");
			body_text(b, e->bodies[i]);
		}
		break;
	}
withs:
	for (uint32_t i = 0; i < e->nwith; i++) {
		buf_puts(b, " with ");
		term_text(b, e->with[i].target);
		buf_puts(b, " as ");
		term_text(b, e->with[i].value);
	}
}

void body_text(struct buf *b, const struct body *body)
{
	for (uint32_t i = 0; i < body->n; i++) {
		if (i)
			buf_puts(b, "; ");
		expr_text(b, body->e[i]);
	}
}

char *term_string(struct comp *c, const struct term *t)
{
	struct buf b = buf_in(c->arena, 0);
	char *s;

	term_text(&b, t);
	s = buf_cstr(&b);
	return s ? s : arena_strdup(c->arena, "");
}

void term_each(struct term *t, term_visit *fn, void *ctx)
{
	for (uint32_t i = 0; i < t->n && t->items; i++)
		fn(ctx, &t->items[i]);
	if (t->key)
		fn(ctx, &t->key);
	if (t->val)
		fn(ctx, &t->val);
}
