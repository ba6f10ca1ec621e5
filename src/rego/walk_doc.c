/* Documents and functions. */
#include "rego/walk_int.h"

/* ---- the data tree ---- */

static bool is_document(const struct rule_group *g)
{
	return g && g->kind != G_FUNCTION;
}

static struct rv key_at(const struct place *p, uint32_t i)
{
	while (p->n > i + 1)
		p = p->up;
	return p->key;
}

/* The first n keys of the swap's path are those of p. */
static bool leads_to(const struct place *p, const struct swap *s, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (!rv_eq(key_at(p, i), s->path[i]))
			return false;
	}
	return true;
}

/* A replacement of exactly this place, or (below) of one further down. */
static const struct swap *swap_for(const struct walk *w, const struct place *p, bool below)
{
	for (const struct swap *s = w->scene->data; s; s = s->next) {
		if ((below ? s->n > p->n : s->n == p->n) && leads_to(p, s, p->n))
			return s;
	}
	return NULL;
}

/* What is at p: a plain value, or a place. */
static bool arrive(struct walk *w, struct place *p, bool *base, struct rv *out)
{
	const struct swap *s = swap_for(w, p, false);
	struct place *kept;

	*base = false;
	if (s) {
		*out = s->value;
		return true;
	}
	if (p->node && is_document(p->node->group))
		return walk_group(w, p->node->group, out);
	if (p->node && p->node->group && !p->node->nkids)
		p->node = NULL; /* a function is no document */
	*base = true;
	*out = p->base;
	if (!p->node && !swap_for(w, p, true))
		return true;
	kept = rv_alloc(&walk_vm(w)->heap, sizeof(*kept));
	if (!kept)
		return vm_heap_ok(walk_vm(w));
	*kept = *p;
	*out = (struct rv){.kind = RV_PLACE, .ptr = kept};
	return true;
}

struct rv place_root(struct walk *w)
{
	struct place root = {.node = w->prog->tree, .base = w->data};
	struct rv v = rv_undef();
	bool base;

	return arrive(w, &root, &base, &v) ? v : rv_undef();
}

bool place_step(struct walk *w, struct rv cur, struct rv key, bool *base, struct rv *out)
{
	struct rv_heap *h = &walk_vm(w)->heap;
	const struct place *up = cur.kind == RV_PLACE ? cur.ptr : NULL;
	struct rv from = up ? up->base : cur, under;
	struct place p = {.up = up, .key = key};
	char scratch[24];

	*out = rv_undef();
	if (cur.kind == RV_UNDEF)
		return true;
	under = from.kind == RV_UNDEF ? from : rv_step(from, key);
	if (*base && under.kind == RV_UNDEF && from.kind == RV_OBJECT && key.kind == RV_NUMBER) {
		struct slice t = rv_number_text(key, scratch); /* paths into base documents are text */

		under = rv_step(from, rv_str(h, t.p, t.n));
	}
	if (!up) {
		*out = under;
		return vm_heap_ok(walk_vm(w));
	}
	p.n = up->n + 1;
	p.node = up->node ? tree_kid(up->node, key) : NULL;
	p.base = under;
	return vm_heap_ok(walk_vm(w)) && arrive(w, &p, base, out);
}

bool place_keys(struct walk *w, struct rv cur, const struct rv **keys, uint32_t *n)
{
	struct rv_heap *h = &walk_vm(w)->heap;
	struct rv_builder b = rv_set_builder(h, 0);
	const struct place *p = cur.kind == RV_PLACE ? cur.ptr : NULL;
	struct rv from = p ? p->base : cur, set;

	for (uint32_t i = 0; i < rv_len(from); i++)
		rv_set_add(&b, from.kind == RV_ARRAY ? rv_int(i) : rv_key(from, i));
	for (uint32_t i = 0; p && p->node && i < p->node->nkids; i++)
		rv_set_add(&b, p->node->kids[i]->key);
	for (const struct swap *s = p ? w->scene->data : NULL; s; s = s->next) {
		if (s->n > p->n && leads_to(p, s, p->n))
			rv_set_add(&b, s->path[p->n]);
	}
	set = rv_builder_done(&b);
	if (!vm_charge(walk_vm(w), rv_len(from)) || !vm_heap_ok(walk_vm(w)))
		return false;
	rv_sort(set);
	*keys = set.coll->keys;
	*n = rv_len(set);
	return true;
}

bool place_value(struct walk *w, struct rv cur, struct rv *out)
{
	const struct place *p = cur.ptr;
	struct rv_builder b;
	const struct rv *keys;
	uint32_t n;

	*out = cur;
	if (cur.kind != RV_PLACE)
		return true;
	*out = p->base;
	if (p->base.kind != RV_UNDEF && p->base.kind != RV_OBJECT && !swap_for(w, p, true) && !p->node->nkids)
		return true;
	if (!walk_step(w) || !place_keys(w, cur, &keys, &n))
		return false;
	b = rv_object_builder(&walk_vm(w)->heap, n);
	for (uint32_t i = 0; i < n; i++) {
		bool base = true;
		struct rv v;

		if (p->n == 0 && rv_is_str(keys[i], "system"))
			continue;
		if (!place_step(w, cur, keys[i], &base, &v) || !place_value(w, v, &v))
			return false;
		if (v.kind != RV_UNDEF)
			rv_object_put(&b, keys[i], v);
	}
	*out = rv_builder_done(&b);
	return vm_heap_ok(walk_vm(w));
}

/* ---- replacing data ---- */

struct rv put_at(struct walk *w, struct rv v, const struct rv *path, uint32_t n, struct rv val)
{
	struct rv_builder b = rv_object_builder(&walk_vm(w)->heap, 0);
	const struct rv *old = NULL;

	if (n == 0)
		return val;
	for (uint32_t i = 0; v.kind == RV_OBJECT && i < rv_len(v); i++)
		rv_object_put(&b, rv_key(v, i), rv_val(v, i));
	if (v.kind == RV_OBJECT)
		old = rv_get(v, path[0]);
	rv_object_put(&b, path[0], put_at(w, old ? *old : rv_undef(), path + 1, n - 1, val));
	return rv_builder_done(&b);
}

static bool begins_with(const struct rv *path, const struct rv *start, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (!rv_eq(path[i], start[i]))
			return false;
	}
	return true;
}

bool swap_data(struct walk *w, struct scene *s, const struct rv *path, uint32_t n, struct rv val)
{
	struct rv_heap *h = &walk_vm(w)->heap;
	const struct swap *old = s->data;
	struct swap *all = NULL;
	bool inside = false;

	for (; old; old = old->next) {
		struct swap *x;

		if (old->n >= n && begins_with(old->path, path, n))
			continue; /* it lies in what is replaced now */
		x = rv_alloc(h, sizeof(*x));
		if (!x)
			return vm_heap_ok(walk_vm(w));
		*x = (struct swap){all, old->path, old->n, old->value};
		all = x;
		if (old->n < n && begins_with(path, old->path, old->n)) {
			x->value = put_at(w, old->value, path + old->n, n - old->n, val);
			inside = true;
		}
	}
	if (!inside) {
		struct swap *x = rv_alloc(h, sizeof(*x));

		if (!x)
			return vm_heap_ok(walk_vm(w));
		*x = (struct swap){all, path, n, val};
		all = x;
	}
	s->data = all;
	return vm_heap_ok(walk_vm(w));
}

/* ---- definitions ---- */

/* The values that the definitions of one document or function gave: they must be one. */
struct outcome {
	struct k k;
	const struct rule *rule;
	const char *conflict;
	bool have, clash;
	bool now; /* the definition at hand gave one */
	bool soft; /* a builtin had failed before there was a value */
	struct rv value;
};

static bool take_value(struct walk *w, const struct k *k, struct rv v)
{
	struct outcome *o = (struct outcome *)(uintptr_t)k;

	o->clash = o->have && !rv_eq(o->value, v);
	if (!o->have) {
		o->value = v;
		o->soft = walk_vm(w)->soft;
	}
	o->have = o->now = true;
	return !o->clash;
}

struct k_head {
	struct k k;
	const struct rule *rule;
	const struct rv *args;
	uint32_t at;
	const struct k *next;
};

static const struct term yes_term = {.kind = T_VALUE, .value = {.kind = RV_BOOL, .sub = 1}};

/* Arguments matched one after another, then the body, then the head's value. */
static bool next_head(struct walk *w, const struct k *k, struct rv v)
{
	struct k_head h = *(const struct k_head *)k;
	const struct term *value = h.rule->value ? h.rule->value : &yes_term;

	(void)v;
	h.at++;
	if (h.at <= h.rule->nargs)
		return walk_match(w, h.rule->args[h.at - 1], h.args[h.at - 1], &h.k);
	if (h.at == h.rule->nargs + 1)
		return walk_body(w, h.rule->body, 0, &h.k);
	return walk_term(w, value, h.next);
}

static void run_rule(struct walk *w, const struct rule *r, const struct rv *args, struct outcome *o)
{
	struct vm *vm = walk_vm(w);
	const struct binding *env = w->env;
	const struct loc *here = vm->here;
	struct k_head h = {{next_head}, r, args, 0, &o->k};

	o->now = false;
	w->env = NULL;
	(void)next_head(w, &h.k, rv_undef());
	w->env = env;
	vm->here = here;
	if (w->patient && o->have && vm->failed && !vm->budget && !o->clash)
		vm->failed = false;
	if (w->patient && o->have)
		vm->soft = o->soft;
	if (o->clash) {
		vm->here = &r->loc;
		(void)vm_fail(vm, "eval_conflict_error", "%s", o->conflict);
	}
}

static bool run_definitions(struct walk *w, const struct rule_group *g, const struct rv *args, const char *conflict,
                            struct rv *out)
{
	struct outcome o = {.k = {take_value}, .conflict = conflict, .value = rv_undef()};

	for (uint32_t i = 0; i < g->n; i++) {
		o.now = false;
		for (const struct rule *r = g->rules[i]; r && !o.now; r = r->els) {
			run_rule(w, r, args, &o);
			if (walk_vm(w)->failed)
				return false;
		}
	}
	if (!o.have && g->def)
		run_rule(w, g->def, args, &o);
	*out = o.value;
	return !walk_vm(w)->failed;
}

/* ---- partial documents ---- */

/* What a partial rule says: a value at a path, or a member of the set there. */
struct saying {
	struct saying *next;
	struct rv *path;
	uint32_t n;
	bool member;
	struct rv value; /* RV_UNDEF: an empty set or object, where nothing else is said of path */
};

struct sayings {
	struct saying *first, **end;
};

static struct saying *say(struct walk *w, struct sayings *all, const struct rv *path, uint32_t n, struct rv v,
                          bool member)
{
	struct saying *s = rv_alloc(&walk_vm(w)->heap, sizeof(*s));
	struct rv *copy = rv_alloc(&walk_vm(w)->heap, (n + 1) * sizeof(*copy));

	if (!s || !copy)
		return (void)vm_heap_ok(walk_vm(w)), NULL;
	if (n)
		memcpy(copy, path, n * sizeof(*copy));
	*s = (struct saying){NULL, copy, n, member, v};
	*all->end = s;
	all->end = &s->next;
	return s;
}

struct k_partial {
	struct k k;
	const struct rule *rule;
	struct rv *path;
	uint32_t n, at; /* keys in path; item of the head that comes next */
	struct sayings *all;
};

static bool next_path(struct walk *w, const struct k *k, struct rv v)
{
	struct k_partial p = *(const struct k_partial *)k;
	const struct rule *r = p.rule;
	const struct term *value = r->key ? r->key : r->value ? r->value : &yes_term;
	const struct term *next = p.at < r->nref ? r->ref[p.at] : value;

	if (p.at > rule_prefix(r) && p.at <= r->nref)
		p.path[p.n++] = v;
	if (p.at > r->nref)
		return say(w, p.all, p.path, p.n, v, r->key != NULL) != NULL;
	p.at++;
	return walk_term(w, next, &p.k);
}

/* Everything that rules say at and below a node, whose keys are in path. */
static bool say_all(struct walk *w, const struct tree *t, struct sayings *all, struct rv *path, uint32_t n)
{
	const struct rule_group *g = t->group;
	struct rv v;

	if (n >= 62)
		return vm_budget(walk_vm(w), "depth", "rule tree nests too deep");
	if (g && g->kind == G_PARTIAL) {
		if (!say(w, all, path, n, rv_undef(), g->is_set))
			return false;
		for (uint32_t i = 0; i < g->n; i++) {
			struct rv mine[140];
			const struct binding *env = w->env;
			struct k_partial p = {{next_path}, g->rules[i], mine, n, rule_prefix(g->rules[i]), all};

			for (uint32_t k = 0; k < n; k++)
				mine[k] = path[k];
			w->env = NULL;
			(void)walk_body(w, g->rules[i]->body, 0, &p.k);
			w->env = env;
			if (walk_vm(w)->failed)
				return false;
		}
	} else if (is_document(g)) {
		if (!walk_group(w, g, &v) || (v.kind != RV_UNDEF && !say(w, all, path, n, v, false)))
			return false;
	}
	for (uint32_t i = 0; i < t->nkids; i++) {
		path[n] = t->kids[i]->key;
		if (!say_all(w, t->kids[i], all, path, n + 1))
			return false;
	}
	return true;
}

static bool clash(struct walk *w)
{
	return vm_fail(walk_vm(w), "eval_conflict_error", "object keys must be unique");
}

/* The document under the first n keys of `like`, from all sayings that share them. */
static bool document(struct walk *w, const struct sayings *all, const struct rv *like, uint32_t n, struct rv *out)
{
	struct rv_heap *h = &walk_vm(w)->heap;
	struct rv_builder set = rv_set_builder(h, 0), object = rv_object_builder(h, 0);
	bool members = false, deeper = false, empty_set = false;
	struct rv value = rv_undef();

	for (const struct saying *s = all->first; s; s = s->next) {
		struct rv kid;

		if (!walk_step(w))
			return false;
		if (s->n < n || !begins_with(s->path, like, n))
			continue;
		if (s->n == n) {
			members = members || (s->member && s->value.kind != RV_UNDEF);
			empty_set = empty_set || s->member;
			if (s->value.kind == RV_UNDEF)
				continue;
			if (s->member)
				rv_set_add(&set, s->value);
			else if (value.kind != RV_UNDEF && !rv_eq(value, s->value))
				return clash(w);
			else
				value = s->value;
		} else {
			deeper = true;
			if (rv_builder_get(&object, s->path[n]))
				continue;
			if (!document(w, all, s->path, n + 1, &kid))
				return false;
			rv_object_put(&object, s->path[n], kid);
		}
	}
	if (members + deeper + (value.kind != RV_UNDEF) > 1)
		return clash(w);
	*out = value.kind != RV_UNDEF ? value : rv_builder_done(empty_set && !deeper ? &set : &object);
	return vm_heap_ok(walk_vm(w));
}

static bool run_partial(struct walk *w, const struct rule_group *g, struct rv *out)
{
	struct sayings all = {.end = NULL};
	struct rv path[64] = {0};

	all.end = &all.first;
	return say_all(w, g->node, &all, path, 0) && document(w, &all, path, 0, out);
}

/* ---- groups and calls ---- */

bool walk_group(struct walk *w, const struct rule_group *g, struct rv *out)
{
	struct active me = {w->active, g, w->scene};
	const struct loc *here = walk_vm(w)->here;
	bool ok;

	if (!walk_step(w))
		return false;
	for (const struct active *a = w->active; a; a = a->up) {
		if (a->group == g && a->scene == w->scene)
			return vm_fail(walk_vm(w), "eval_internal_error", "rule %s depends on itself", g->path);
	}
	w->active = &me;
	ok = g->kind == G_PARTIAL || g->node->nkids
	             ? run_partial(w, g, out)
	             : run_definitions(w, g, NULL, "complete rules must not produce multiple outputs", out);
	w->active = me.up;
	walk_vm(w)->here = here;
	return ok;
}

static bool same(const struct callee *a, const struct callee *b)
{
	return a->builtin == b->builtin && a->fn == b->fn && a->host == b->host;
}

bool walk_call(struct walk *w, const struct callee *f, const struct rv *args, uint32_t n, struct rv *out)
{
	struct vm *vm = walk_vm(w);
	const struct swapped_fn *s = w->scene->fns;
	const struct scene *outer = w->scene;
	struct scene bare = *outer;
	bool ok;

	if (!walk_step(w))
		return false;
	while (s && !same(&s->target, f))
		s = s->next;
	if (s && !s->by.fn && !s->by.builtin && !s->by.host) {
		*out = s->value;
		return true;
	}
	if (s) { /* what replaces a function sees no replaced functions */
		bare.fns = NULL;
		w->scene = &bare;
		ok = walk_call(w, &s->by, args, n, out);
		w->scene = outer;
		return ok;
	}
	if (f->builtin)
		return call_builtin(vm, f->builtin, args, n, out);
	if (f->host)
		return call_host(vm, f, args, n, out);
	if (f->fn->kind != G_FUNCTION)
		return walk_group(w, f->fn, out);
	return run_definitions(w, f->fn, args, "functions must not produce multiple outputs for same inputs", out);
}
