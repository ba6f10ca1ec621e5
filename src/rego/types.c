/* The type checker: finds calls, comparisons and references that cannot hold whatever input and data are. */
#include "rego/ty.h"
#include "rego/tree.h"

#define MAX_NESTED 100	/* groups inferred inside each other; beyond, anything */

struct check {
	struct comp *c;
	struct var **trail;
	uint32_t ntrail, cap;
	const struct expr *e;	/* the present one */
	const struct with *with;	/* replacements in force: documents and functions may be anything */
	uint32_t nwith;
	unsigned nested;
	struct module *m;
	bool loose;		/* in a body of every, not, and, or: only what references find is checked */
};

static const struct ty *type_of(struct check *k, const struct term *t);
static void check_body(struct check *k, const struct body *b);
static const struct ty *group_type(struct check *k, struct rule_group *g);

static void set_var(struct check *k, struct var *v, const struct ty *t)
{
	if (k->ntrail == k->cap) {
		uint32_t cap = k->cap ? k->cap * 2 : 64;

		k->trail = arena_grow(k->c->arena, k->trail, k->cap * sizeof(v), cap * sizeof(v));
		k->cap = cap;
		if (!k->trail) {
			k->ntrail = k->cap = 0;
			comp_oom(k->c);
			return;
		}
	}
	k->trail[k->ntrail++] = v;
	v->ty = t;
}

static void undo(struct check *k, uint32_t mark)
{
	while (k->ntrail > mark)
		k->trail[--k->ntrail]->ty = NULL;
}

/* ---- references ---- */

static bool replaced(const struct check *k, const struct term *ref, const struct ty **out, struct check *mut)
{
	for (uint32_t i = 0; i < k->nwith; i++) {
		const struct term *t = k->with[i].target;

		if (t->kind != T_REF || t->items[0]->var != k->c->v_data || t->n != ref->n)
			continue;
		for (uint32_t n = 1; n < t->n; n++) {
			if (t->items[n]->kind != T_VALUE || ref->items[n]->kind != T_VALUE ||
			    !rv_eq(t->items[n]->value, ref->items[n]->value))
				goto other;
		}
		*out = type_of(mut, k->with[i].value);
		return true;
other:;
	}
	return false;
}

static bool relaxed(const struct check *k)
{
	for (uint32_t i = 0; i < k->nwith; i++) {
		const struct term *t = k->with[i].target;
		const struct term *head = t->kind == T_REF ? t->items[0] : t;

		if (head->kind != T_VAR || head->var != k->c->v_input)
			return true;
	}
	return false;
}

static const struct ty *undefined_ref(struct check *k, const struct term *t)
{
	struct loc loc = k->e ? k->e->loc : t->loc;

	comp_error(k->c, ERR_TYPE, t->loc.row ? t->loc : loc, "undefined ref: %s", term_string(k->c, t));
	return &ty_any;
}

static const struct ty *step(struct check *k, const struct ty *cur, const struct term *part)
{
	const struct ty *pt, *out;

	if (part->kind == T_VALUE)
		return ty_select(k->c, cur, &part->value, NULL);
	if (part->kind == T_VAR && !part->var->ty) {
		pt = ty_keys(k->c, cur);
		if (!pt)
			return NULL;
		out = ty_select(k->c, cur, NULL, &ty_any);
		set_var(k, part->var, pt);
		return out ? out : &ty_any;
	}
	pt = type_of(k, part);
	return ty_select(k->c, cur, NULL, pt);
}

/* Keys of a package are strings, and what its rules say. */
static bool some_kid(const struct tree *n, const struct ty *key)
{
	if (ty_overlap(key, &ty_string))
		return true;
	for (uint32_t i = 0; i < n->nkids; i++) {
		if (n->kids[i]->key.kind == RV_NUMBER && ty_overlap(key, &ty_number))
			return true;
		if (n->kids[i]->key.kind == RV_BOOL && ty_overlap(key, &ty_bool))
			return true;
		if (n->kids[i]->key.kind == RV_NULL && ty_overlap(key, &ty_null))
			return true;
	}
	return false;
}

/* The rule that constants lead to; *from: the first part behind it. NULL: packages and base documents. */
static struct rule_group *group_of(struct check *k, const struct term *t, uint32_t *from, bool *bad)
{
	const struct tree *n = k->c->tree;
	uint32_t i = 1;

	*bad = false;
	for (; i < t->n && !n->group; i++) {
		const struct term *part = t->items[i];
		const struct tree *kid;

		if (part->kind != T_VALUE) {
			*bad = n->nkids && !some_kid(n, type_of(k, part));
			return NULL;
		}
		kid = tree_kid(n, part->value);
		if (!kid) {
			*bad = n->nkids && part->value.kind != RV_STRING && (n->package || (!n->parent && k->c->typed));
			return NULL;
		}
		n = kid;
	}
	*from = i;
	return n->group;
}

static const struct ty *ref_type(struct check *k, const struct term *t)
{
	const struct term *head = t->items[0];
	const struct ty *cur;
	uint32_t from = 1;

	if (head->kind == T_VAR && head->var == k->c->v_input) {
		for (uint32_t i = 1; i < t->n; i++)
			(void)step(k, &ty_any, t->items[i]);
		return &ty_any;
	}
	if (head->kind == T_VAR && head->var == k->c->v_data) {
		struct rule_group *g;
		bool bad;

		if (replaced(k, t, &cur, k))
			return cur;
		g = group_of(k, t, &from, &bad);
		if (bad && !relaxed(k))
			return undefined_ref(k, t);
		if (g && g->kind == G_FUNCTION && !relaxed(k)) {
			comp_error(k->c, ERR_TYPE, t->loc.row ? t->loc : k->e ? k->e->loc : t->loc, "function %s used as reference, not called", g->path);
			return &ty_any;
		}
		if (!g || relaxed(k)) {
			for (uint32_t i = 1; i < t->n; i++) {
				if (t->items[i]->kind != T_VALUE)
					(void)step(k, &ty_any, t->items[i]);
			}
			return &ty_any;
		}
		cur = group_type(k, g);
	} else {
		cur = type_of(k, head);
	}
	for (; from < t->n; from++) {
		const struct ty *next = step(k, cur, t->items[from]);

		if (!next)
			return undefined_ref(k, t);
		cur = next;
	}
	return cur;
}

/* ---- terms ---- */

static const struct ty *object_type(struct check *k, const struct term *t)
{
	uint32_t n = t->n / 2, fixed = 0;
	struct rv *keys = comp_alloc(k->c, (n + 1) * sizeof(*keys));
	const struct ty **vals = comp_alloc(k->c, (n + 1) * sizeof(*vals)), *rest_key = NULL, *rest = NULL;

	if (!keys || !vals)
		return &ty_any;
	for (uint32_t i = 0; i < n; i++) {
		const struct term *key = t->items[2 * i];
		const struct ty *v = type_of(k, t->items[2 * i + 1]);

		if (key->kind == T_VALUE) {
			keys[fixed] = key->value;
			vals[fixed++] = v;
		} else {
			rest_key = ty_or(k->c, rest_key, type_of(k, key));
			rest = ty_or(k->c, rest, v ? v : &ty_any);
		}
	}
	return ty_object(k->c, keys, vals, fixed, rest_key, rest);
}

static const struct ty *comprehension_type(struct check *k, const struct term *t)
{
	uint32_t mark = k->ntrail;
	const struct ty *key = NULL, *val;
	bool loose = k->loose;

	k->loose = false;
	check_body(k, t->body);
	if (t->key)
		key = type_of(k, t->key);
	val = type_of(k, t->val);
	undo(k, mark);
	k->loose = loose;
	if (t->kind == T_ARRAY_COMP)
		return ty_array(k->c, NULL, 0, val);
	if (t->kind == T_SET_COMP)
		return ty_set(k->c, val);
	return ty_object(k->c, NULL, NULL, 0, key, val);
}

static const struct ty *type_of(struct check *k, const struct term *t)
{
	const struct ty **items, *all = NULL;

	if (!t || k->c->no_memory)
		return &ty_any;
	switch (t->kind) {
	case T_VALUE:
		return ty_of_value(k->c, t->value);
	case T_VAR:
		if (t->var == k->c->v_data || t->var == k->c->v_input)
			return &ty_any;
		return t->var->ty ? t->var->ty : &ty_any;
	case T_REF:
		return ref_type(k, t);
	case T_ARRAY:
		items = comp_alloc(k->c, (t->n + 1) * sizeof(*items));
		for (uint32_t i = 0; items && i < t->n; i++)
			items[i] = type_of(k, t->items[i]);
		return items ? ty_array(k->c, items, t->n, NULL) : &ty_any;
	case T_SET:
		for (uint32_t i = 0; i < t->n; i++)
			all = ty_or(k->c, all, type_of(k, t->items[i]));
		return ty_set(k->c, all);
	case T_OBJECT:
		return object_type(k, t);
	case T_ARRAY_COMP:
	case T_SET_COMP:
	case T_OBJECT_COMP:
		return comprehension_type(k, t);
	case T_TEMPLATE:
		for (uint32_t i = 0; i < t->n; i++) {
			uint32_t mark = k->ntrail;

			if (t->parts[i]->nbodies)
				check_body(k, t->parts[i]->bodies[0]);
			undo(k, mark);
		}
		return &ty_string;
	case T_CALL:
		break;
	}
	return &ty_any;
}

/* A term meets a type: variables without one take it. False: they have nothing in common. */
static bool meet(struct check *k, const struct term *t, const struct ty *ty)
{
	if (t->kind == T_VAR && t->var != k->c->v_data && t->var != k->c->v_input) {
		if (t->var->ty)
			return ty_overlap(t->var->ty, ty);
		if (ty)
			set_var(k, t->var, ty);
		return true;
	}
	if (ty && ty->kind == TY_UNION && (t->kind == T_ARRAY || t->kind == T_SET || t->kind == T_OBJECT)) {
		for (uint32_t i = 0; i < ty->n; i++) {
			if (meet(k, t, ty->items[i]))
				return true;
		}
		return false;
	}
	if (t->kind == T_SET && ty && ty->kind == TY_SET) {
		for (uint32_t i = 0; i < t->n; i++) {
			if (!meet(k, t->items[i], ty->of))
				return false;
		}
		return true;
	}
	if (t->kind == T_ARRAY) {
		if (ty && ty->kind == TY_ARRAY) {
			if (t->n < ty->n || (t->n > ty->n && !ty->rest))
				return false;
			for (uint32_t i = 0; i < t->n; i++) {
				if (!meet(k, t->items[i], i < ty->n ? ty->items[i] : ty->rest))
					return false;
			}
			return true;
		}
		for (uint32_t i = 0; (!ty || ty->kind == TY_ANY) && i < t->n; i++)
			(void)meet(k, t->items[i], &ty_any);
	}
	if (t->kind == T_OBJECT && ty && ty->kind == TY_OBJECT) {
		for (uint32_t i = 0; i < t->n; i += 2) {
			const struct term *key = t->items[i];
			const struct ty *f = key->kind == T_VALUE ? ty_select(k->c, ty, &key->value, NULL) : &ty_any;

			if (!f || !meet(k, t->items[i + 1], f))
				return false;
		}
		return ty_overlap(type_of(k, t), ty);
	}
	return ty_overlap(type_of(k, t), ty);
}

/* ---- expressions ---- */

static void have_want(struct check *k, const struct term *t, const struct ty **args, uint32_t n)
{
	struct buf b = buf_in(k->c->arena, 1 << 16);

	buf_puts(&b, "\n\thave: (");
	for (uint32_t i = 1; i < t->n; i++) {
		const struct term *a = t->items[i];

		buf_puts(&b, i > 1 ? ", " : "");
		if (a->kind == T_VAR && !a->var->ty)
			buf_puts(&b, "???");
		else
			ty_text(&b, type_of(k, a));
	}
	buf_puts(&b, ")\n\twant: (");
	for (uint32_t i = 0; i < n; i++) {
		buf_puts(&b, i ? ", " : "");
		ty_text(&b, args[i]);
	}
	buf_puts(&b, ")");
	comp_error(k->c, ERR_TYPE, k->e && k->e->term == t && k->e->negated ? k->e->loc : t->loc, "%s: invalid argument(s)%s", term_string(k->c, t->items[0]),
		   buf_ok(&b) ? buf_cstr(&b) : "");
}

static void match_error(struct check *k, const struct term *a, const struct ty *ta, const struct term *b, const struct ty *tb)
{
	struct buf x = buf_in(k->c->arena, 1 << 16);

	(void)a;
	(void)b;
	buf_puts(&x, "match error\n\tleft  : ");
	ty_text(&x, ta);
	buf_puts(&x, "\n\tright : ");
	ty_text(&x, tb);
	comp_error(k->c, ERR_TYPE, k->e ? k->e->loc : a->loc, "%s", buf_ok(&x) ? buf_cstr(&x) : "match error");
}

static void check_unify(struct check *k, const struct term *a, const struct term *b)
{
	const struct ty *ta, *tb;
	bool fresh_a = a->kind == T_VAR && !a->var->ty, fresh_b = b->kind == T_VAR && !b->var->ty;

	if (fresh_a && fresh_b)
		return;
	if (fresh_a) {
		tb = type_of(k, b);
		if (!a->var->ty)
			(void)meet(k, a, tb);
		return;
	}
	if (fresh_b) {
		ta = type_of(k, a);
		if (!b->var->ty)
			(void)meet(k, b, ta);
		return;
	}
	ta = type_of(k, a);
	tb = type_of(k, b);
	if (!ty_overlap(ta, tb)) {
		match_error(k, a, ta, b, tb);
		return;
	}
	(void)meet(k, a, tb);
	(void)meet(k, b, ta);
}

static bool mocked(const struct check *k, const struct callee *f)
{
	for (uint32_t i = 0; i < k->nwith; i++) {
		const struct callee *w = &k->with[i].callee;

		if ((w->fn && w->fn == f->fn) || (w->builtin && w->builtin == f->builtin) || (w->host && w->host == f->host))
			return true;
	}
	return false;
}

static void check_call(struct check *k, const struct term *t)
{
	const struct ty *args[32], *result = &ty_any;
	uint32_t n, given = t->n - 1;

	if (t->n == 3 && (call_is(t, "eq") || call_is(t, "assign") || (call_is(t, "equal") && t->op)) && !t->callee.fn) {
		check_unify(k, t->items[1], t->items[2]);
		return;
	}
	if (t->callee.fn) {
		if (t->callee.fn->kind != G_FUNCTION)
			return;
		result = group_type(k, t->callee.fn);
		n = t->callee.fn->arity < 32 ? t->callee.fn->arity : 32;
		for (uint32_t i = 0; i < n; i++)
			args[i] = t->callee.fn->arg_ty && t->callee.fn->arg_ty[i] ? t->callee.fn->arg_ty[i] : &ty_any;
	} else if (t->callee.builtin) {
		if (!t->callee.builtin->type || (t->callee.builtin->flags & REGO_VOID))
			n = 0;
		else
			n = ty_signature(k->c, t->callee.builtin->type, args, 32, &result);
		if (t->callee.builtin->flags & REGO_RELATION)
			result = &ty_any;
	} else {
		n = 0;
	}
	if (mocked(k, &t->callee) || (t->callee.fn && relaxed(k))) {
		n = 0;
		result = &ty_any;
	}
	for (uint32_t i = 0; i < given; i++) {
		const struct ty *want = i < n ? args[i] : i == n && n ? result : &ty_any;

		if (!meet(k, t->items[i + 1], want)) {
			have_want(k, t, args, n);
			return;
		}
	}
	if (!n && given && t->items[given]->kind == T_VAR)
		(void)meet(k, t->items[given], &ty_any);
}

/* A builtin in place of another takes what that one takes. */
static void check_with(struct check *k, const struct with *w)
{
	const struct rego_builtin *of = w->callee.builtin, *by = w->by.builtin;
	const struct ty *want[32], *have[32], *result;
	struct buf b = buf_in(k->c->arena, 1 << 16);
	uint32_t n, m;
	bool ok = true;

	if (!of || !by || !of->type || !by->type)
		return;
	n = ty_signature(k->c, of->type, want, 32, &result);
	m = ty_signature(k->c, by->type, have, 32, &result);
	for (uint32_t i = 0; i < n && i < m; i++)
		ok = ok && ty_overlap(have[i], want[i]);
	if (ok)
		return;
	buf_puts(&b, "\n\thave: (");
	for (uint32_t i = 0; i < m; i++) {
		buf_puts(&b, i ? ", " : "");
		ty_text(&b, have[i]);
	}
	buf_puts(&b, ")\n\twant: (");
	for (uint32_t i = 0; i < n; i++) {
		buf_puts(&b, i ? ", " : "");
		ty_text(&b, want[i]);
	}
	buf_puts(&b, ")");
	comp_error(k->c, ERR_TYPE, w->loc, "%s: arity mismatch%s", of->name, buf_ok(&b) ? buf_cstr(&b) : "");
}

static void check_expr(struct check *k, const struct expr *e)
{
	const struct expr *outer = k->e;
	const struct with *with = k->with;
	uint32_t nwith = k->nwith;

	k->e = e;
	for (uint32_t i = 0; i < e->nwith && !e->generated; i++)
		check_with(k, &e->with[i]);
	if (e->nwith) {
		k->with = e->with;
		k->nwith = e->nwith;
	}
	if (e->nbodies) {
		bool loose = k->loose;

		(void)type_of(k, e->domain);
		k->loose = true;
		for (uint32_t i = 0; i < e->nbodies; i++)
			check_body(k, e->bodies[i]);
		k->loose = loose;
	} else if (e->term && e->term->kind == T_CALL && k->loose) {
		for (uint32_t i = 1; i < e->term->n; i++)
			(void)type_of(k, e->term->items[i]);
	} else if (e->term && e->term->kind == T_CALL) {
		check_call(k, e->term);
	} else if (e->term) {
		(void)type_of(k, e->term);
	}
	k->e = outer;
	k->with = with;
	k->nwith = nwith;
}

static void check_body(struct check *k, const struct body *b)
{
	for (uint32_t i = 0; i < b->n && comp_ok(k->c); i++)
		check_expr(k, b->e[i]);
}

/* ---- rules ---- */

static void args_types(struct check *k, struct rule_group *g, const struct rule *r)
{
	if (!g->arity)
		return;
	if (!g->arg_ty) {
		g->arg_ty = comp_alloc(k->c, g->arity * sizeof(*g->arg_ty));
		if (!g->arg_ty)
			return;
	}
	for (uint32_t i = 0; i < g->arity && i < r->nargs; i++)
		g->arg_ty[i] = ty_or(k->c, g->arg_ty[i], type_of(k, r->args[i]));
}

static const struct ty *rule_type(struct check *k, struct rule_group *g, const struct rule *r)
{
	const struct expr *e = k->e;
	const struct with *with = k->with;
	uint32_t nwith = k->nwith, prefix = rule_prefix(r), mark = k->ntrail;
	const struct ty *t;

	k->e = NULL;
	k->nwith = 0;
	check_body(k, r->body);
	t = r->key ? type_of(k, r->key) : r->value ? type_of(k, r->value) : &ty_bool;
	args_types(k, g, r);
	if (r->key)
		t = ty_set(k->c, t);
	if (!r->is_else && !r->is_default && g->kind == G_PARTIAL) {
		for (uint32_t i = r->nref; i-- > prefix;)
			t = ty_object(k->c, NULL, NULL, 0, type_of(k, r->ref[i]), t);
	}
	undo(k, mark);
	k->e = e;
	k->with = with;
	k->nwith = nwith;
	return t;
}

/* Variables of the rule that is being checked keep their types while another group is inferred. */
static const struct ty *group_type(struct check *k, struct rule_group *g)
{
	const struct ty *t = NULL, **kept;
	struct check in = {.c = k->c, .nested = k->nested + 1};

	if (g->ty_state == 2)
		return g->ty;
	if (g->ty_state == 1 || k->nested > MAX_NESTED)
		return &ty_any;
	kept = comp_alloc(k->c, (k->ntrail + 1) * sizeof(*kept));
	if (!kept)
		return &ty_any;
	for (uint32_t i = 0; i < k->ntrail; i++) {
		kept[i] = k->trail[i]->ty;
		k->trail[i]->ty = NULL;
	}
	g->ty_state = 1;
	for (uint32_t i = 0; i < g->n; i++) {
		for (const struct rule *r = g->rules[i]; r; r = r->els)
			t = ty_or(k->c, t, rule_type(&in, g, r));
	}
	if (g->def)
		t = ty_or(k->c, t, rule_type(&in, g, g->def));
	/* other rules may add to it */
	if (g->kind == G_PARTIAL && g->node->nkids)
		t = &ty_any;
	for (uint32_t i = k->ntrail; i-- > 0;) {
		if (kept[i])
			k->trail[i]->ty = kept[i];
	}
	g->ty = t ? t : &ty_any;
	g->ty_state = 2;
	k->c->typed = true;
	return g->ty;
}

static void all_groups(struct check *k, struct tree *t)
{
	if (t->group)
		(void)group_type(k, t->group);
	for (uint32_t i = 0; i < t->nkids; i++)
		all_groups(k, t->kids[i]);
}

bool stage_types(struct comp *c)
{
	struct check k = {.c = c};

	if (c->opts->lenient_types)
		return true;
	all_groups(&k, c->tree);
	return comp_ok(c);
}
