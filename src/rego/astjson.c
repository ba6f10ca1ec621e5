/* rego.parse_module: a module's syntax tree as a document, in the shape that Open Policy Agent gives it. */
#include "base/num.h"
#include "codec/base64.h"
#include "rego/vm.h"

struct dump {
	struct rv_heap *h;
	const struct module *m;
	uint32_t wildcards;	/* numbered as they are read */
};

static struct rv term_json(struct dump *d, const struct term *t);
static struct rv body_json(struct dump *d, const struct body *b);

/* ---- order: sets and objects come sorted, with duplicates gone ---- */

static int type_rank(struct rv type)
{
	static const char *const order[] = {"null", "boolean", "number", "string", "templatestring", "var", "ref", "array", "object",
					    "set", "arraycomprehension", "objectcomprehension", "setcomprehension", "call"};

	for (size_t i = 0; i < COUNT_OF(order); i++) {
		if (rv_is_str(type, order[i]))
			return (int)i;
	}
	return -1;
}

static int compare_each(struct rv a, struct rv b);

/* Fields in the order in which they count. */
static int compare_fields(struct rv a, struct rv b)
{
	static const char *const fields[] = {"index", "negated", "terms", "key", "term", "value", "domain", "target", "symbols", "parts",
					     "body", "lhs", "rhs", "with"};
	int c = 0;

	for (size_t i = 0; i < COUNT_OF(fields) && c == 0; i++) {
		const struct rv *x = rv_get_c(a, fields[i]), *y = rv_get_c(b, fields[i]);

		c = x && y ? compare_each(*x, *y) : (x != NULL) - (y != NULL);
	}
	return c;
}

static int compare_each(struct rv a, struct rv b)
{
	const struct rv *ta, *tb;
	uint32_t i;
	int c = 0;

	if (a.kind != b.kind || (a.kind != RV_ARRAY && a.kind != RV_OBJECT))
		return rv_cmp(a, b);
	if (a.kind == RV_ARRAY) {
		for (i = 0; i < rv_len(a) && i < rv_len(b) && c == 0; i++)
			c = compare_each(rv_at(a, i), rv_at(b, i));
		return c ? c : (rv_len(a) > rv_len(b)) - (rv_len(a) < rv_len(b));
	}
	ta = rv_get_c(a, "type");
	tb = rv_get_c(b, "type");
	if (ta && tb && ta->kind == RV_STRING && tb->kind == RV_STRING && type_rank(*ta) != type_rank(*tb))
		return type_rank(*ta) < type_rank(*tb) ? -1 : 1;
	return compare_fields(a, b);
}

/* Keeps the last of equals; of pairs the first part counts. */
static struct rv sorted(struct dump *d, struct rv *items, uint32_t n, bool pairs)
{
	uint32_t out = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct rv x = items[i], key = pairs ? rv_at(x, 0) : x;
		uint32_t low = 0, high = out;
		bool found = false;

		while (low < high && !found) {
			uint32_t mid = low + (high - low) / 2;
			int c = compare_each(key, pairs ? rv_at(items[mid], 0) : items[mid]);

			found = c == 0;
			low = c > 0 ? mid + 1 : found ? mid : low;
			high = c < 0 ? mid : high;
		}
		if (found) {
			items[low] = x;
			continue;
		}
		memmove(&items[low + 1], &items[low], (out - low) * sizeof(*items));
		items[low] = x;
		out++;
	}
	return rv_array_own(d->h, items, out);
}

/* ---- terms ---- */

static struct rv typed(struct dump *d, const char *type, struct rv value)
{
	struct rv_builder b = rv_object_builder(d->h, 2);

	rv_object_put_c(&b, "type", rv_cstr(d->h, type));
	rv_object_put_c(&b, "value", value);
	return rv_builder_done(&b);
}

static struct rv named(struct dump *d, const char *type, const char *s, size_t n)
{
	return typed(d, type, rv_str(d->h, s, n));
}

static struct rv one(struct dump *d, struct rv v)
{
	return rv_array(d->h, &v, 1);
}

static bool is_root(const struct var *v)
{
	return (v->name->n == 4 && memcmp(v->name->p, "data", 4) == 0) || (v->name->n == 5 && memcmp(v->name->p, "input", 5) == 0);
}

static struct rv var_json(struct dump *d, const struct var *v)
{
	if (v->wildcard)
		return typed(d, "var", rv_strf(d->h, "$%u", d->wildcards++));
	return named(d, "var", v->name->p, v->name->n);
}

/* The parts of a reference, or of what stands for one. */
static struct rv ref_parts(struct dump *d, struct term *const *items, uint32_t n)
{
	struct rv_vec parts = rv_vec(d->h);

	for (uint32_t i = 0; i < n; i++)
		rv_push(&parts, i == 0 && items[i]->kind == T_VAR ? var_json(d, items[i]->var) : term_json(d, items[i]));
	return rv_vec_done(&parts);
}

/* The operator of a call; "internal.member_2" is a reference of two parts. */
static struct rv operator_json(struct dump *d, const struct term *op)
{
	const struct rv_str *name;
	const char *dot;
	struct rv parts[2];

	if (op->kind != T_VAR)
		return typed(d, "ref", ref_parts(d, op->items, op->n));
	name = op->var->name;
	dot = memchr(name->p, '.', name->n);
	if (!dot)
		return typed(d, "ref", one(d, var_json(d, op->var)));
	parts[0] = named(d, "var", name->p, (size_t)(dot - name->p));
	parts[1] = named(d, "string", dot + 1, name->n - (size_t)(dot + 1 - name->p));
	return typed(d, "ref", rv_array(d->h, parts, 2));
}

static struct rv call_json(struct dump *d, const struct term *t)
{
	struct rv_vec parts = rv_vec(d->h);

	rv_push(&parts, operator_json(d, t->items[0]));
	for (uint32_t i = 1; i < t->n; i++)
		rv_push(&parts, term_json(d, t->items[i]));
	return rv_vec_done(&parts);
}

static struct rv expr_json(struct dump *d, const struct expr *e, uint32_t index);

static struct rv template_json(struct dump *d, const struct term *t)
{
	struct rv_builder b = rv_object_builder(d->h, 2);
	struct rv_vec parts = rv_vec(d->h);

	for (uint32_t i = 0; i < t->n; i++) {
		const struct expr *e = t->parts[i];
		bool text = e->kind == EX_TERM && e->term->kind == T_VALUE;	/* what needs no evaluation */

		rv_push(&parts, text ? term_json(d, e->term) : expr_json(d, e, 0));
	}
	rv_object_put_c(&b, "multi_line", rv_bool(d->m->text.p[t->loc.off + 1] == '`'));
	rv_object_put_c(&b, "parts", t->n ? rv_vec_done(&parts) : rv_null());
	return rv_builder_done(&b);
}

static struct rv comprehension_json(struct dump *d, const struct term *t)
{
	struct rv_builder b = rv_object_builder(d->h, 3);

	if (t->key)
		rv_object_put_c(&b, "key", term_json(d, t->key));
	rv_object_put_c(&b, t->key ? "value" : "term", term_json(d, t->val));
	rv_object_put_c(&b, "body", body_json(d, t->body));
	return rv_builder_done(&b);
}

/* Members, or pairs, in order. */
static struct rv members_json(struct dump *d, const struct term *t, bool pairs)
{
	uint32_t n = pairs ? t->n / 2 : t->n;
	struct rv *items = rv_alloc(d->h, n * sizeof(*items) + 1);

	for (uint32_t i = 0; items && i < n; i++) {
		if (pairs) {
			struct rv pair[2] = {term_json(d, t->items[2 * i]), rv_undef()};

			pair[1] = term_json(d, t->items[2 * i + 1]);
			items[i] = rv_array(d->h, pair, 2);
		} else {
			items[i] = term_json(d, t->items[i]);
		}
		if (items[i].kind == RV_UNDEF || rv_heap_bad(d->h))
			return rv_undef();
	}
	return items ? sorted(d, items, n, pairs) : rv_undef();
}

static struct rv scalar_json(struct dump *d, struct rv v)
{
	static const char *const names[] = {[RV_BOOL] = "boolean", [RV_NUMBER] = "number", [RV_STRING] = "string"};

	return v.kind == RV_NULL ? typed(d, "null", rv_empty_object(d->h)) : typed(d, names[v.kind], rv_copy(d->h, v));
}

static struct rv term_json(struct dump *d, const struct term *t)
{
	struct rv_vec items = rv_vec(d->h);

	switch (t->kind) {
	case T_VALUE:
		return scalar_json(d, t->value);
	case T_VAR:
		return is_root(t->var) ? typed(d, "ref", one(d, var_json(d, t->var))) : var_json(d, t->var);
	case T_REF:
		return typed(d, "ref", ref_parts(d, t->items, t->n));
	case T_CALL:
		return typed(d, "call", call_json(d, t));
	case T_ARRAY:
		for (uint32_t i = 0; i < t->n; i++)
			rv_push(&items, term_json(d, t->items[i]));
		return typed(d, "array", rv_vec_done(&items));
	case T_SET:
		return typed(d, "set", members_json(d, t, false));
	case T_OBJECT:
		return typed(d, "object", members_json(d, t, true));
	case T_ARRAY_COMP:
		return typed(d, "arraycomprehension", comprehension_json(d, t));
	case T_SET_COMP:
		return typed(d, "setcomprehension", comprehension_json(d, t));
	case T_OBJECT_COMP:
		return typed(d, "objectcomprehension", comprehension_json(d, t));
	case T_TEMPLATE:
		return typed(d, "templatestring", template_json(d, t));
	}
	return rv_undef();
}

/* ---- expressions ---- */

static struct rv some_json(struct dump *d, const struct expr *e)
{
	struct rv_builder b = rv_object_builder(d->h, 1);
	struct rv_vec symbols = rv_vec(d->h);

	if (e->term)
		rv_push(&symbols, term_json(d, e->term));
	for (uint32_t i = 0; i < e->ndecls; i++)
		rv_push(&symbols, var_json(d, e->decls[i]->var));
	rv_object_put_c(&b, "symbols", rv_vec_done(&symbols));
	return rv_builder_done(&b);
}

static struct rv every_json(struct dump *d, const struct expr *e)
{
	struct rv_builder b = rv_object_builder(d->h, 4);

	rv_object_put_c(&b, "key", e->key ? term_json(d, e->key) : rv_null());
	rv_object_put_c(&b, "value", term_json(d, e->val));
	rv_object_put_c(&b, "domain", term_json(d, e->domain));
	rv_object_put_c(&b, "body", body_json(d, e->bodies[0]));
	return rv_builder_done(&b);
}

/* `a and b and c` is `(a and b) and c`. */
static struct rv logical_json(struct dump *d, const struct expr *e, uint32_t n)
{
	struct rv_builder b = rv_object_builder(d->h, 5);
	bool first = n == 2;

	rv_object_put_c(&b, "type", rv_cstr(d->h, e->kind == EX_AND ? "and" : "or"));
	if (first) {
		rv_object_put_c(&b, "lhs", body_json(d, e->bodies[0]));
		if (e->bodies[0]->braces)
			rv_object_put_c(&b, "explicit_lhs", rv_bool(true));
	} else {
		struct rv_builder inner = rv_object_builder(d->h, 2);

		rv_object_put_c(&inner, "index", rv_int(0));
		rv_object_put_c(&inner, "terms", logical_json(d, e, n - 1));
		rv_object_put_c(&b, "lhs", one(d, rv_builder_done(&inner)));
	}
	rv_object_put_c(&b, "rhs", body_json(d, e->bodies[n - 1]));
	if (e->bodies[n - 1]->braces)
		rv_object_put_c(&b, "explicit_rhs", rv_bool(true));
	return rv_builder_done(&b);
}

static struct rv not_json(struct dump *d, const struct expr *e)
{
	struct rv_builder b = rv_object_builder(d->h, 3);

	rv_object_put_c(&b, "type", rv_cstr(d->h, "not"));
	rv_object_put_c(&b, "body", body_json(d, e->bodies[0]));
	rv_object_put_c(&b, "explicit_body", rv_bool(e->explicit_body));
	return rv_builder_done(&b);
}

static struct rv terms_json(struct dump *d, const struct expr *e)
{
	switch (e->kind) {
	case EX_TERM:
		return e->term->kind == T_CALL ? call_json(d, e->term) : term_json(d, e->term);
	case EX_SOME:
		return some_json(d, e);
	case EX_EVERY:
		return every_json(d, e);
	case EX_NOT:
		return not_json(d, e);
	case EX_AND:
	case EX_OR:
		return logical_json(d, e, e->nbodies);
	}
	return rv_undef();
}

static struct rv with_json(struct dump *d, const struct with *w)
{
	struct rv_builder b = rv_object_builder(d->h, 2);

	rv_object_put_c(&b, "target", term_json(d, w->target));
	rv_object_put_c(&b, "value", term_json(d, w->value));
	return rv_builder_done(&b);
}

static struct rv expr_json(struct dump *d, const struct expr *e, uint32_t index)
{
	struct rv_builder b = rv_object_builder(d->h, 4);
	struct rv_vec with = rv_vec(d->h);

	if (e->generated)
		rv_object_put_c(&b, "generated", rv_bool(true));
	rv_object_put_c(&b, "index", rv_int(index));
	if (e->negated)
		rv_object_put_c(&b, "negated", rv_bool(true));
	rv_object_put_c(&b, "terms", terms_json(d, e));
	for (uint32_t i = 0; i < e->nwith; i++)
		rv_push(&with, with_json(d, &e->with[i]));
	if (e->nwith)
		rv_object_put_c(&b, "with", rv_vec_done(&with));
	return rv_builder_done(&b);
}

static struct rv body_json(struct dump *d, const struct body *b)
{
	struct rv_vec exprs = rv_vec(d->h);

	for (uint32_t i = 0; i < b->n; i++)
		rv_push(&exprs, expr_json(d, b->e[i], i));
	return rv_vec_done(&exprs);
}

/* ---- rules ---- */

static bool ground(const struct term *t)
{
	if (t->kind == T_VAR)
		return is_root(t->var);
	for (uint32_t i = t->kind == T_REF || t->kind == T_CALL ? 1 : 0; t->items && i < t->n; i++) {
		if (!ground(t->items[i]))
			return false;
	}
	return !t->body && !t->parts;
}

/* Which of a head's forms have a name or a key beside the reference follows the way that its parser takes. */
static struct rv head_json(struct dump *d, const struct rule *r)
{
	struct rv_builder b = rv_object_builder(d->h, 6);
	struct rv ref = ref_parts(d, r->ref, r->nref), key = rv_undef();
	struct rv_vec args = rv_vec(d->h);
	bool two = r->nref == 2 && !r->contains && !r->is_default, name = r->nref == 1;

	for (uint32_t i = 0; i < r->nargs; i++)
		rv_push(&args, term_json(d, r->args[i]));
	if (two && r->has_if) {
		const struct term *last = r->ref[1];

		if (!r->nargs && (!ground(last) || last->kind == T_REF || (last->kind == T_VAR && is_root(last->var))))
			key = rv_at(ref, 1);
		name = r->has_value || r->nargs;
	} else if (two && !r->nargs) {
		key = rv_at(ref, 1);
		name = true;
	}
	if (r->assign)
		rv_object_put_c(&b, "assign", rv_bool(true));
	if (name)
		rv_object_put_c(&b, "name", rv_str(d->h, r->ref[0]->var->name->p, r->ref[0]->var->name->n));
	rv_object_put_c(&b, "ref", ref);
	if (r->nargs)
		rv_object_put_c(&b, "args", rv_vec_done(&args));
	if (r->contains)
		key = term_json(d, r->key);
	if (key.kind != RV_UNDEF)
		rv_object_put_c(&b, "key", key);
	if (!r->contains)
		rv_object_put_c(&b, "value", r->value ? term_json(d, r->value) : typed(d, "boolean", rv_bool(true)));
	return rv_builder_done(&b);
}

static struct rv rule_json(struct dump *d, const struct rule *r, const struct rule *first)
{
	struct rv_builder b = rv_object_builder(d->h, 4);
	struct rule as = *r;
	struct rv body;

	if (r->is_else) {	/* which form it has is the first one's */
		as.has_if = first->has_if;
		as.has_value = first->has_value;
		as.assign = r->has_value ? r->assign : first->assign;
	}
	if (r->chained) {	/* its head is made once the body is read */
		body = body_json(d, r->body);
		rv_object_put_c(&b, "head", head_json(d, &as));
	} else {
		rv_object_put_c(&b, "head", head_json(d, &as));
		body = body_json(d, r->body);
	}
	rv_object_put_c(&b, "body", body);
	if (r->is_default)
		rv_object_put_c(&b, "default", rv_bool(true));
	if (r->els)
		rv_object_put_c(&b, "else", rule_json(d, r->els, first));
	return rv_builder_done(&b);
}

/* ---- modules ---- */

static struct rv import_json(struct dump *d, const struct import *im)
{
	struct rv_builder b = rv_object_builder(d->h, 2);

	rv_object_put_c(&b, "path", typed(d, "ref", ref_parts(d, im->path, im->n)));
	if (im->aliased)
		rv_object_put_c(&b, "alias", rv_str(d->h, im->alias->name->p, im->alias->name->n));
	return rv_builder_done(&b);
}

static struct rv package_json(struct dump *d)
{
	struct rv_builder b = rv_object_builder(d->h, 1);
	struct rv_vec path = rv_vec(d->h);

	rv_push(&path, named(d, "var", "data", 4));
	for (uint32_t i = 0; i < d->m->npath; i++)
		rv_push(&path, scalar_json(d, d->m->path[i]));
	rv_object_put_c(&b, "path", rv_vec_done(&path));
	return rv_builder_done(&b);
}

static struct rv comment_json(struct dump *d, struct loc at)
{
	struct rv_builder b = rv_object_builder(d->h, 2), loc = rv_object_builder(d->h, 3);
	struct buf text = buf_in(d->h->arena, 0);

	rv_object_put_c(&loc, "file", rv_cstr(d->h, d->m->name));
	rv_object_put_c(&loc, "row", rv_int(at.row));
	rv_object_put_c(&loc, "col", rv_int(at.col));
	b64_write(&text, B64_STD, slice_of(d->m->text.p + at.off + 1, at.len - 1));
	rv_object_put_c(&b, "Location", rv_builder_done(&loc));
	rv_object_put_c(&b, "Text", rv_str(d->h, text.p, text.n));
	if (!buf_ok(&text))
		d->h->bad = true;
	return rv_builder_done(&b);
}

static struct rv module_json(struct dump *d)
{
	struct rv_builder b = rv_object_builder(d->h, 4);
	struct rv_vec imports = rv_vec(d->h), rules = rv_vec(d->h), comments = rv_vec(d->h);

	for (uint32_t i = 0; i < d->m->nimports; i++)
		rv_push(&imports, import_json(d, &d->m->imports[i]));
	for (const struct rule *r = d->m->first; r; r = r->next)
		rv_push(&rules, rule_json(d, r, r));
	for (uint32_t i = 0; i < d->m->ncomments; i++)
		rv_push(&comments, comment_json(d, d->m->comments[i]));
	rv_object_put_c(&b, "package", package_json(d));
	if (d->m->nimports)
		rv_object_put_c(&b, "imports", rv_vec_done(&imports));
	if (d->m->first)
		rv_object_put_c(&b, "rules", rv_vec_done(&rules));
	if (d->m->ncomments)
		rv_object_put_c(&b, "comments", rv_vec_done(&comments));
	return rv_builder_done(&b);
}

struct rv rego_parse_to_value(struct rego_call *c, struct slice name, struct slice text, const char **err)
{
	const struct rego_compile_options *host = c->query->vm.prog->comp.opts;
	struct rego_compile_options o = {.size = sizeof(o), .parse_only = 1, .experimental_keywords = host->experimental_keywords};
	struct rego_module m = {arena_strndup(c->heap->arena, name.p, name.n), (const char *)text.p, text.n};
	struct rego_errors *errors = NULL;
	struct rego_program *p = rego_compile(&m, 1, &o, &errors);
	const struct rego_error *e = rego_errors_at(errors, 0);
	struct dump d = {.h = c->heap};
	struct rv out = rv_undef();

	if (p) {
		d.m = p->comp.mods[0];
		out = module_json(&d);
	} else if (e) {
		*err = arena_printf(c->heap->arena, "%zu error%s occurred: %s:%u: %s: %s", rego_errors_count(errors),
				    rego_errors_count(errors) == 1 ? "" : "s", e->file, e->row, e->code, e->message);
	}
	rego_errors_free(errors);
	rego_program_free(p);
	return out;
}
