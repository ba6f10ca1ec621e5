/* Safety: expressions are put in an order in which every variable is bound before it is needed, or reported. */
#include "rego/unsafe.h"

struct vset {
	struct var **v;
	uint32_t n, cap;
};

struct safety {
	struct comp *c;
	const struct rule *rule;	/* NULL in a query */
};

static bool reorder(struct safety *s, struct body *b, const struct vset *outer);

static bool has(const struct vset *s, const struct var *v)
{
	for (uint32_t i = 0; i < s->n; i++) {
		if (s->v[i] == v)
			return true;
	}
	return false;
}

static void put(struct comp *c, struct vset *s, struct var *v)
{
	if (has(s, v))
		return;
	if (s->n == s->cap) {
		uint32_t cap = s->cap ? s->cap * 2 : 16;

		s->v = arena_grow(c->arena, s->v, s->cap * sizeof(v), cap * sizeof(v));
		if (!s->v) {
			s->n = s->cap = 0;
			comp_oom(c);
			return;
		}
		s->cap = cap;
	}
	s->v[s->n++] = v;
}

static void put_all(struct comp *c, struct vset *to, const struct vset *from)
{
	for (uint32_t i = 0; i < from->n; i++)
		put(c, to, from->v[i]);
}

static bool is_root(const struct comp *c, const struct var *v)
{
	return v == c->v_data || v == c->v_input;
}

/* ---- the variables of things; closures are left out ---- */

static void term_vars(struct comp *c, const struct term *t, struct vset *out)
{
	if (!t)
		return;
	if (t->kind == T_VAR) {
		if (!is_root(c, t->var))
			put(c, out, t->var);
		return;
	}
	for (uint32_t i = t->kind == T_CALL ? 1 : 0; t->items && i < t->n; i++)
		term_vars(c, t->items[i], out);
	if (t->kind == T_CALL && t->items[0]->kind == T_REF) {
		for (uint32_t i = 1; i < t->items[0]->n; i++)
			term_vars(c, t->items[0]->items[i], out);
	}
}

static void expr_vars(struct comp *c, const struct expr *e, struct vset *out)
{
	term_vars(c, e->term, out);
	term_vars(c, e->domain, out);
	for (uint32_t k = 0; k < e->nwith; k++) {
		if (e->with[k].target->kind == T_REF) {
			for (uint32_t i = 1; i < e->with[k].target->n; i++)
				term_vars(c, e->with[k].target->items[i], out);
		}
		if (!e->with[k].by.fn && !e->with[k].by.builtin)
			term_vars(c, e->with[k].value, out);
	}
}

/* The variables that closures inside use and could have from outside. */
static void closure_vars(struct comp *c, const struct term *t, struct vset *out);

static void body_all_vars(struct comp *c, const struct body *b, struct vset *out)
{
	for (uint32_t i = 0; i < b->n; i++) {
		const struct expr *e = b->e[i];

		expr_vars(c, e, out);
		if (e->term)
			closure_vars(c, e->term, out);
		if (e->domain)
			closure_vars(c, e->domain, out);
		for (uint32_t k = 0; k < e->nwith; k++)
			closure_vars(c, e->with[k].value, out);
		for (uint32_t k = 0; k < e->nbodies; k++)
			body_all_vars(c, e->bodies[k], out);
	}
}

static void closure_vars(struct comp *c, const struct term *t, struct vset *out)
{
	if (t->body) {
		body_all_vars(c, t->body, out);
		term_vars(c, t->key, out);
		term_vars(c, t->val, out);
		if (t->key)
			closure_vars(c, t->key, out);
		closure_vars(c, t->val, out);
	}
	if (t->kind == T_TEMPLATE) {
		for (uint32_t i = 0; i < t->n; i++) {
			for (uint32_t k = 0; k < t->parts[i]->nbodies; k++)
				body_all_vars(c, t->parts[i]->bodies[k], out);
		}
	}
	for (uint32_t i = 0; t->items && i < t->n; i++)
		closure_vars(c, t->items[i], out);
}

static void expr_closure_vars(struct comp *c, const struct expr *e, struct vset *out)
{
	if (e->term)
		closure_vars(c, e->term, out);
	if (e->domain)
		closure_vars(c, e->domain, out);
	for (uint32_t k = 0; k < e->nwith; k++)
		closure_vars(c, e->with[k].value, out);
	for (uint32_t k = 0; k < e->nbodies; k++)
		body_all_vars(c, e->bodies[k], out);
}

/* ---- outputs ---- */

/* References with a safe head bind the variables in their brackets. */
static void ref_outputs(struct comp *c, const struct term *t, const struct vset *safe, struct vset *out)
{
	if (!t || t->kind == T_CALL)
		return;
	if (t->kind == T_REF) {
		const struct term *head = t->items[0];
		bool ok = head->kind != T_VAR || is_root(c, head->var) || has(safe, head->var) || has(out, head->var);

		if (ok && head->kind != T_VAR && head->kind != T_VALUE && !head->body) {
			struct vset hv = {0};

			term_vars(c, head, &hv);
			for (uint32_t i = 0; i < hv.n; i++)
				ok = ok && (has(safe, hv.v[i]) || has(out, hv.v[i]));
		}
		if (ok) {
			for (uint32_t i = 1; i < t->n; i++) {
				if (t->items[i]->kind == T_REF)
					ref_outputs(c, t->items[i], safe, out);
				else
					term_vars(c, t->items[i], out);
			}
		}
		return;
	}
	for (uint32_t i = 0; t->items && i < t->n; i++)
		ref_outputs(c, t->items[i], safe, out);
}

static bool all_safe(struct comp *c, const struct term *t, const struct vset *safe)
{
	struct vset vars = {0};

	term_vars(c, t, &vars);
	for (uint32_t i = 0; i < vars.n; i++) {
		if (!has(safe, vars.v[i]))
			return false;
	}
	return true;
}

/* Everything in a pattern that a known value binds. */
static bool bind_pattern(struct comp *c, const struct term *t, struct vset *safe)
{
	bool more = false;

	if (t->kind == T_VAR) {
		more = !is_root(c, t->var) && !has(safe, t->var);
		if (more)
			put(c, safe, t->var);
	} else if (t->kind == T_ARRAY) {
		for (uint32_t i = 0; i < t->n; i++)
			more = bind_pattern(c, t->items[i], safe) || more;
	} else if (t->kind == T_OBJECT) {
		for (uint32_t i = 1; i < t->n; i += 2)
			more = bind_pattern(c, t->items[i], safe) || more;
	}
	return more;
}

/* Could the value be of the pattern's form? */
static bool fits(const struct term *pattern, const struct term *value)
{
	bool unknown = value->kind == T_VAR || value->kind == T_REF || value->kind == T_CALL;

	if (pattern->kind == T_ARRAY)
		return unknown || value->kind == T_ARRAY_COMP || (value->kind == T_VALUE && value->value.kind == RV_ARRAY);
	if (pattern->kind == T_OBJECT)
		return unknown || value->kind == T_OBJECT_COMP || (value->kind == T_VALUE && value->value.kind == RV_OBJECT);
	return pattern->kind == T_VAR;
}

/* One step of a = b; true when something new became safe. */
static bool unify_step(struct comp *c, const struct term *a, const struct term *b, struct vset *safe, bool both)
{
	bool more = false;

	if (a->kind == T_ARRAY && b->kind == T_ARRAY) {
		for (uint32_t i = 0; i < a->n && i < b->n && a->n == b->n; i++)
			more = unify_step(c, a->items[i], b->items[i], safe, both) || more;
		return more;
	}
	if (a->kind == T_OBJECT && b->kind == T_OBJECT) {
		for (uint32_t i = 0; i < a->n; i += 2) {
			for (uint32_t k = 0; k < b->n; k += 2) {
				const struct term *ka = a->items[i], *kb = b->items[k];

				if (ka->kind == T_VALUE && kb->kind == T_VALUE && rv_eq(ka->value, kb->value))
					more = unify_step(c, a->items[i + 1], b->items[k + 1], safe, both) || more;
				else if (ka->kind == T_VAR && kb->kind == T_VAR && ka->var == kb->var)
					more = unify_step(c, a->items[i + 1], b->items[k + 1], safe, both) || more;
			}
		}
		return more;
	}
	if (all_safe(c, b, safe) && fits(a, b))
		more = bind_pattern(c, a, safe);
	if (both && all_safe(c, a, safe) && fits(b, a))
		more = bind_pattern(c, b, safe) || more;
	return more;
}

static void outputs(struct comp *c, const struct expr *e, const struct vset *safe, struct vset *out)
{
	const struct term *t = e->term;
	uint32_t arity;

	if (e->negated || e->kind == EX_NOT || e->kind == EX_AND || e->kind == EX_OR)
		return;
	for (uint32_t k = 0; k < e->nwith; k++) {
		struct vset vars = {0};

		if (e->with[k].by.fn || e->with[k].by.builtin)
			continue;
		term_vars(c, e->with[k].value, &vars);
		for (uint32_t i = 0; i < vars.n; i++) {
			if (!has(safe, vars.v[i]))
				return;
		}
	}
	if (e->kind == EX_EVERY) {
		ref_outputs(c, e->domain, safe, out);
		return;
	}
	if (!t)
		return;
	if (t->kind != T_CALL) {
		ref_outputs(c, t, safe, out);
		return;
	}
	if (t->n == 3 && (call_is(t, "eq") || call_is(t, "assign")) && t->op) {
		struct vset all = {0};
		bool both = call_is(t, "eq");

		put_all(c, &all, safe);
		ref_outputs(c, t->items[1], safe, &all);
		ref_outputs(c, t->items[2], safe, &all);
		while (unify_step(c, t->items[1], t->items[2], &all, both) && !c->no_memory)
			;
		for (uint32_t i = 0; i < all.n; i++) {
			if (!has(safe, all.v[i]))
				put(c, out, all.v[i]);
		}
		return;
	}
	arity = t->callee.fn ? t->callee.fn->arity : t->callee.builtin ? t->callee.builtin->arity
		: t->callee.host ? t->callee.host->arity : t->n - 1;
	for (uint32_t i = 1; i < t->n && i <= arity; i++)
		ref_outputs(c, t->items[i], safe, out);
	if (t->n - 1 > arity) {
		for (uint32_t i = 1; i <= arity; i++) {
			struct vset vars = {0};

			term_vars(c, t->items[i], &vars);
			for (uint32_t k = 0; k < vars.n; k++) {
				if (!has(safe, vars.v[k]) && !has(out, vars.v[k]))
					return;
			}
		}
		ref_outputs(c, t->items[t->n - 1], safe, out);
		bind_pattern(c, t->items[t->n - 1], out);
	}
}

/* ---- bodies ---- */

/* An operand of print binds nothing: what it uses must be there. */
static bool print_operand(struct safety *s, const struct term *t, const struct vset *safe)
{
	struct vset vars = {0};
	bool ok = true;

	for (uint32_t i = 0; i < t->body->n; i++)
		expr_vars(s->c, t->body->e[i], &vars);
	for (uint32_t i = 0; i < vars.n; i++) {
		if (has(safe, vars.v[i]) || (vars.v[i]->generated && !vars.v[i]->orig))
			continue;
		comp_error(s->c, ERR_COMPILE, t->loc, "var %s is undeclared", vars.v[i]->wildcard ? "_" : var_shown(vars.v[i]));
		ok = false;
	}
	return ok;
}

/* at: the expression that a closure becomes a part of, which is its innermost call or the expression around it. */
static bool term_closures(struct safety *s, struct term *t, const struct vset *safe, struct loc at)
{
	bool ok = true;

	if (!t)
		return true;
	if (t->body && t->op && !print_operand(s, t, safe))
		return false;
	if (t->body) {
		struct vset in = {0};

		ok = reorder(s, t->body, safe);
		{
			struct vset head = {0};

			put_all(s->c, &in, safe);
			for (uint32_t i = 0; i < t->body->n; i++) {
				if (ok)
					outputs(s->c, t->body->e[i], &in, &in);
				else
					expr_vars(s->c, t->body->e[i], &in);
			}
			term_vars(s->c, t->val, &head);
			term_vars(s->c, t->key, &head);
			for (uint32_t i = 0; i < head.n; i++) {
				if (!has(&in, head.v[i])) {
					unsafe_var(s->c, s->rule, head.v[i], at, false);
					ok = false;
				}
			}
			if (ok && t->key)
				ok = term_closures(s, t->key, &in, t->key->loc);
			if (ok)
				ok = term_closures(s, t->val, &in, t->val->loc);
		}
		return ok;
	}
	if (t->kind == T_TEMPLATE) {
		for (uint32_t i = 0; i < t->n; i++) {
			for (uint32_t k = 0; k < t->parts[i]->nbodies; k++) {
				struct body *b = t->parts[i]->bodies[k];
				struct vset vars = {0}, in = {0};

				/* braces bind nothing: what they use must be there, save for what expansion made */
				for (uint32_t m = 0; m < b->n; m++)
					expr_vars(s->c, b->e[m], &vars);
				for (uint32_t m = 0; m < vars.n; m++) {
					if (has(safe, vars.v[m]) || (vars.v[m]->generated && !vars.v[m]->orig))
						continue;
					if (t->parts[i]->term->kind == T_VAR && t->parts[i]->term->var == vars.v[m] && !vars.v[m]->wildcard)
						unsafe_var(s->c, s->rule, vars.v[m], t->loc, false);
					else if (vars.v[m]->wildcard)
						comp_error(s->c, ERR_COMPILE, t->parts[i]->loc, "var _ is undeclared");
					else
						comp_error(s->c, ERR_COMPILE, t->parts[i]->loc, "var %s is undeclared", var_shown(vars.v[m]));
					ok = false;
				}
				put_all(s->c, &in, safe);
				if (ok)
					ok = reorder(s, b, &in);
			}
		}
		return ok;
	}
	if (t->kind == T_CALL && !t->op)
		at = t->loc;
	for (uint32_t i = 0; t->items && i < t->n; i++)
		ok = term_closures(s, t->items[i], safe, at) && ok;
	return ok;
}

static bool expr_closures(struct safety *s, struct expr *e, const struct vset *safe)
{
	bool ok = term_closures(s, e->term, safe, e->loc) && term_closures(s, e->domain, safe, e->domain ? e->domain->loc : e->loc);

	for (uint32_t k = 0; k < e->nwith; k++)
		ok = term_closures(s, e->with[k].value, safe, e->with[k].value->loc) && ok;
	for (uint32_t k = 0; k < e->nbodies; k++) {
		struct vset in = {0};

		put_all(s->c, &in, safe);
		if (e->kind == EX_EVERY) {
			if (e->key)
				put(s->c, &in, e->key->var);
			put(s->c, &in, e->val->var);
		}
		ok = reorder(s, e->bodies[k], &in) && ok;
	}
	return ok;
}

/* What operands without braces use: they bind nothing, so it must come from outside. */
static void implicit_vars(struct comp *c, const struct expr *e, struct vset *out)
{
	if (e->kind == EX_EVERY)
		return;
	for (uint32_t k = 0; k < e->nbodies; k++) {
		struct vset vars = {0};

		if (e->bodies[k]->braces)
			continue;
		for (uint32_t i = 0; i < e->bodies[k]->n; i++) {
			expr_vars(c, e->bodies[k]->e[i], &vars);
			implicit_vars(c, e->bodies[k]->e[i], &vars);
		}
		for (uint32_t i = 0; i < vars.n; i++) {
			if (!vars.v[i]->generated || vars.v[i]->orig)
				put(c, out, vars.v[i]);
		}
	}
}

/* Needed and not there yet: for placing one expression. */
static bool ready(struct safety *s, const struct expr *e, const struct vset *safe, const struct vset *mine,
		  const struct vset *outer, const struct vset *out)
{
	struct vset vars = {0}, inside = {0};

	expr_vars(s->c, e, &vars);
	implicit_vars(s->c, e, &vars);
	for (uint32_t i = 0; i < vars.n; i++) {
		if (!has(safe, vars.v[i]) && !has(out, vars.v[i]))
			return false;
	}
	/* closures see what is placed before them */
	expr_closure_vars(s->c, e, &inside);
	for (uint32_t i = 0; i < inside.n; i++) {
		if (has(mine, inside.v[i]) && !has(outer, inside.v[i]) && !has(safe, inside.v[i]))
			return false;
	}
	return true;
}

/* Variables of arguments, less those in sets and at the head of references: what those lack is no reason to name the result, too. */
static bool inputs_safe(struct comp *c, const struct term *t, const struct vset *safe)
{
	if (t->kind == T_VAR)
		return is_root(c, t->var) || has(safe, t->var);
	if (t->kind == T_SET)
		return true;
	for (uint32_t i = t->kind == T_CALL || t->kind == T_REF ? 1 : 0; t->items && i + (t->kind == T_CALL) < t->n; i++) {
		if (!inputs_safe(c, t->items[i], safe))
			return false;
	}
	return true;
}

/* x = f(y): f(y) is an expression of its own, and x waits for it. */
static bool splits(struct comp *c, const struct expr *e, const struct vset *safe)
{
	const struct term *t = e->term;

	if (!t || t->n != 3 || !t->op || !call_is(t, "eq"))
		return false;
	for (uint32_t i = 1; i < 3; i++) {
		if (t->items[i]->kind == T_CALL && !inputs_safe(c, t->items[i], safe))
			return true;
	}
	return false;
}

/* What expression i needs and has not got. */
static void missing(struct safety *s, const struct expr *e, const struct vset *safe, const struct vset *mine, const struct vset *outer,
		    struct vset *out)
{
	struct vset vars = {0}, given = {0}, inside = {0};

	if (!splits(s->c, e, safe))
		outputs(s->c, e, safe, &given);
	if (unsafe_result(e) && inputs_safe(s->c, e->term, safe))
		(void)bind_pattern(s->c, unsafe_result(e), &given);
	expr_vars(s->c, e, &vars);
	implicit_vars(s->c, e, &vars);
	expr_closure_vars(s->c, e, &inside);
	for (uint32_t k = 0; k < inside.n; k++) {
		if (has(mine, inside.v[k]) && !has(outer, inside.v[k]))
			put(s->c, &vars, inside.v[k]);
	}
	for (uint32_t k = 0; k < vars.n; k++) {
		bool bound = has(&given, vars.v[k]) && !has(&inside, vars.v[k]);

		if (!bound && !has(safe, vars.v[k]) && !has(outer, vars.v[k]) && (!vars.v[k]->generated || vars.v[k]->orig))
			put(s->c, out, vars.v[k]);
	}
}

static bool before(const struct expr *a, const struct expr *b)
{
	if (unsafe_in_head(a) != unsafe_in_head(b))
		return unsafe_in_head(b);
	return a->loc.row < b->loc.row || (a->loc.row == b->loc.row && a->loc.col < b->loc.col);
}

/* Each variable that is unsafe, once. Left sides of := only where nothing else is: they would be bound. */
static void report(struct safety *s, const struct body *b, const bool *placed, const struct vset *safe, const struct vset *mine,
		   const struct vset *outer)
{
	const struct expr **order = comp_alloc(s->c, b->n * sizeof(*order));
	bool *told = comp_alloc(s->c, b->n * sizeof(*told)), others = false, named = false;
	struct vset lhs = {0}, seen = {0};
	uint32_t n = 0, at = 0;

	for (uint32_t i = 0; i < b->n; i++) {
		if (!placed[i] && b->e[i]->term && call_is(b->e[i]->term, "assign") && b->e[i]->term->op)
			term_vars(s->c, b->e[i]->term->items[1], &lhs);
	}
	for (;;) {	/* by place, as the source has them */
		const struct expr *next = NULL;

		for (uint32_t i = 0; i < b->n; i++) {
			if (!placed[i] && !told[i] && (!next || before(b->e[i], next)))
				next = b->e[at = i];
		}
		if (!next)
			break;
		told[at] = true;
		order[n++] = next;
	}
	for (int pass = 0; pass < 3; pass++) {	/* names are told, and expressions where no name is */
		for (uint32_t i = 0; i < n && (pass < 2 || !named); i++) {
			struct vset vars = {0};

			missing(s, order[i], safe, mine, outer, &vars);
			for (uint32_t k = 0; k < 2 * vars.n; k++) {	/* what the expression itself needs, then what its calls need */
				const struct var *v = vars.v[k % vars.n];
				bool left = has(&lhs, v), own = unsafe_loc(order[i], v).off == order[i]->loc.off;

				others = others || !left;
				if (pass == 0 || unsafe_nameless(v) != (pass == 2) || (left && others) || has(&seen, v) || own != (k < vars.n))
					continue;
				put(s->c, &seen, vars.v[k % vars.n]);
				named = named || pass == 1;
				unsafe_var(s->c, s->rule, v, unsafe_loc(order[i], v), unsafe_in_head(order[i]));
			}
		}
	}
	for (uint32_t i = 0; i < b->n && comp_ok(s->c); i++) {
		if (!placed[i])
			comp_error(s->c, ERR_UNSAFE, b->e[i]->loc, "expression is unsafe");
	}
}

static bool reorder(struct safety *s, struct body *b, const struct vset *outer)
{
	struct vset safe = {0}, mine = {0};
	struct expr **order = comp_alloc(s->c, b->n * sizeof(*order));
	bool *placed = comp_alloc(s->c, b->n * sizeof(*placed)), ok = true;
	uint32_t n = 0, before;

	if (!order || !placed)
		return false;
	put_all(s->c, &safe, outer);
	for (uint32_t i = 0; i < b->n; i++)
		expr_vars(s->c, b->e[i], &mine);
	do {
		before = n;
		for (uint32_t i = 0; i < b->n; i++) {
			struct vset out = {0};

			if (placed[i])
				continue;
			outputs(s->c, b->e[i], &safe, &out);
			if (!ready(s, b->e[i], &safe, &mine, outer, &out))
				continue;
			placed[i] = true;
			order[n++] = b->e[i];
			put_all(s->c, &safe, &out);
		}
	} while (n > before && n < b->n && !s->c->no_memory);
	if (n < b->n) {
		report(s, b, placed, &safe, &mine, outer);
		return false;
	}
	b->e = order;
	b->cap = b->n;
	/* closures, each with what is bound before it */
	safe.n = 0;
	put_all(s->c, &safe, outer);
	for (uint32_t i = 0; i < b->n; i++) {
		ok = expr_closures(s, b->e[i], &safe) && ok;
		outputs(s->c, b->e[i], &safe, &safe);
	}
	return ok && !s->c->no_memory;
}

/* Arguments bind by their patterns: a reference in one must be known from elsewhere. */
static bool args_ok(struct safety *s, const struct term *arg, const struct term *t, const struct vset *body)
{
	struct vset vars = {0};
	bool ok = true;

	if (t->kind == T_REF) {
		if (t->items[0]->kind == T_VAR)
			put(s->c, &vars, t->items[0]->var);
		if (t == arg)
			term_vars(s->c, t, &vars);
	}
	for (uint32_t i = 0; i < vars.n; i++) {
		if (!has(body, vars.v[i])) {
			unsafe_var(s->c, s->rule, vars.v[i], arg->loc, false);
			ok = false;
		}
	}
	for (uint32_t i = 0; t->kind != T_REF && t->items && i < t->n; i++)
		ok = args_ok(s, arg, t->items[i], body) && ok;
	return ok;
}

static bool heads_ok(struct safety *s, struct rule *r)
{
	struct vset safe = {0}, head = {0};
	bool ok = true;

	for (uint32_t i = 0; i < r->nargs; i++)
		term_vars(s->c, r->args[i], &safe);
	for (uint32_t i = 0; i < r->body->n; i++)
		expr_vars(s->c, r->body->e[i], &safe);
	for (uint32_t i = 1; !r->is_else && i < r->nref; i++)
		term_vars(s->c, r->ref[i], &head);
	term_vars(s->c, r->key, &head);
	term_vars(s->c, r->value, &head);
	for (uint32_t i = 0; i < head.n; i++) {
		if (!has(&safe, head.v[i])) {
			const struct term *t = unsafe_find(r->key, head.v[i]);

			if (!t)
				t = unsafe_find(r->value, head.v[i]);
			for (uint32_t k = 1; !t && k < r->nref; k++)
				t = unsafe_find(r->ref[k], head.v[i]);
			unsafe_var(s->c, s->rule, head.v[i], t ? t->loc : r->loc, true);
			ok = false;
		}
	}
	return ok;
}

bool stage_safety(struct comp *c)
{
	struct safety s = {.c = c};
	bool ok = true;

	for (int pass = 0; pass < 2 && ok; pass++) {
		for (uint32_t i = 0; i < c->nmods; i++) {
			for (struct rule *first = c->mods[i]->first; first; first = first->next) {
				for (struct rule *r = first; r; r = r->els) {
					struct vset outer = {0};

					s.rule = r;
					if (pass == 0) {
						ok = heads_ok(&s, r) && ok;
						continue;
					}
					for (uint32_t k = 0; k < r->body->n; k++)
						expr_vars(c, r->body->e[k], &outer);
					for (uint32_t k = 0; k < r->nargs; k++)
						ok = args_ok(&s, r->args[k], r->args[k], &outer) && ok;
					outer.n = 0;
					for (uint32_t k = 0; k < r->nargs; k++)
						term_vars(c, r->args[k], &outer);
					ok = reorder(&s, r->body, &outer) && ok;
				}
			}
		}
	}
	return comp_ok(c);
}

bool safety_query(struct comp *c, struct body *b)
{
	struct safety s = {.c = c};
	struct vset outer = {0};

	return reorder(&s, b, &outer) && comp_ok(c);
}
