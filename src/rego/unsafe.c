/* Unsafe variables: where each is told, and under which name. */
#include "rego/unsafe.h"

const struct term *unsafe_find(const struct term *t, const struct var *v)
{
	const struct term *f = NULL;

	if (!t)
		return NULL;
	if (t->kind == T_VAR)
		return t->var == v ? t : NULL;
	for (uint32_t i = 0; t->items && i < t->n && !f; i++)
		f = unsafe_find(t->items[i], v);
	return f;
}

/* A value is made when the expression runs: it holds a reference or a call. */
static bool is_evaluated(const struct term *t)
{
	bool out = t && (t->kind == T_REF || t->kind == T_CALL);

	for (uint32_t i = 0; t && t->items && i < t->n && !out; i++)
		out = is_evaluated(t->items[i]);
	return out;
}

/* A head's value that needs no body, such as [x, y]. */
bool unsafe_in_head(const struct expr *e)
{
	const struct term *t = e->term;

	if (t && t->kind == T_CALL && t->op && t->n == 3 && (call_is(t, "eq") || call_is(t, "assign")))
		return e->generated && !is_evaluated(t->items[1]) && !is_evaluated(t->items[2]);
	return e->generated && !is_evaluated(t);
}

/* The innermost call that names the variable: it becomes an expression of its own. */
static const struct term *call_around(const struct term *t, const struct var *v)
{
	const struct term *f = NULL;

	for (uint32_t i = 0; t && t->items && i < t->n && !f; i++)
		f = call_around(t->items[i], v);
	return f ? f : t && t->kind == T_CALL && unsafe_find(t, v) ? t : NULL;
}

/* The argument that takes a call's result; NULL when there is none. */
const struct term *unsafe_result(const struct expr *e)
{
	const struct term *t = e->term;
	uint32_t arity;

	if (!t || t->kind != T_CALL || e->negated || !(t->callee.fn || t->callee.builtin || t->callee.host))
		return NULL;
	arity = t->callee.fn ? t->callee.fn->arity : t->callee.builtin ? t->callee.builtin->arity : t->callee.host->arity;
	return t->n - 1 > arity ? t->items[t->n - 1] : NULL;
}

/* Where the expression names the variable: the expression, which an inner call is, too; for a head's constant the name itself. */
struct loc unsafe_loc(const struct expr *e, const struct var *v)
{
	const struct term *t = e->term, *f = unsafe_find(t, v), *part = NULL;

	if (e->domain && unsafe_find(e->domain, v))
		return e->domain->loc;

	for (uint32_t i = 1; t && t->kind == T_CALL && i < t->n && !part; i++)
		part = call_around(t->items[i], v);
	if (part)
		return part->loc;
	/* x = f(y) has become f(y, x) */
	if (unsafe_result(e) && !unsafe_find(unsafe_result(e), v))
		return t->loc;
	return f && unsafe_in_head(e) ? f->loc : e->loc;
}

/* Another rule begins in the line where this one does. */
static bool shares_line(const struct rule *r)
{
	for (const struct rule *o = r->mod->first; o; o = o->next) {
		if (o != r && o->loc.row == r->loc.row && o->ref[0]->var != r->ref[0]->var)
			return true;
	}
	return false;
}

static const char *keyword_hint(struct comp *c, const struct var *v)
{
	static const char *const words[] = {"in", "every", "contains", "if", "not", "and", "or"};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (v->name->n == strlen(words[i]) && memcmp(v->name->p, words[i], v->name->n) == 0)
			return arena_printf(c->arena, " (hint: `import future.keywords.%s` to import a future keyword)", words[i]);
	}
	return "";
}

static const char *head_text(struct comp *c, const struct rule *r)
{
	struct buf b = buf_in(c->arena, 0);
	const char *out;

	ref_text(&b, r->ref, rule_prefix(r));
	out = buf_cstr(&b);
	if (!out)
		comp_oom(c);
	return out;
}

/* A name that tells a reader nothing: ours, or one of those that a compiler writes into its output. */
bool unsafe_nameless(const struct var *v)
{
	while (v->orig)
		v = v->orig;
	return v->generated || (v->name && strncmp(v->name->p, "__local", 7) == 0);
}

void unsafe_var(struct comp *c, const struct rule *rule, const struct var *v, struct loc loc, bool head)
{
	const struct var *o = v;

	while (o->orig)
		o = o->orig;
	if (unsafe_nameless(o))
		comp_error(c, ERR_UNSAFE, loc, "expression is unsafe");
	else
		comp_error(c, ERR_UNSAFE, loc, "var %s is unsafe%s%s%s", o->wildcard ? "_" : o->name->p,
			   rule && shares_line(rule) ? " in rule " : "",
			   rule && shares_line(rule) ? head_text(c, rule) : "", head ? "" : keyword_hint(c, o));
}
