/* Documents: base data, rules and replacements as one tree. */
#include "rego/vm.h"

/* ---- replacements ---- */

static const struct overlay *over_kid(const struct overlay *o, struct rv key)
{
	for (o = o ? o->kids : NULL; o; o = o->next) {
		if (rv_eq(o->key, key))
			return o;
	}
	return NULL;
}

/* v with what is at path replaced; missing or other values on the way become objects. */
static struct rv replaced(struct vm *vm, struct rv v, const struct rv *path, uint32_t n, struct rv val)
{
	struct rv_builder b;

	if (n == 0)
		return val;
	rv_open(v);
	b = rv_object_builder(&vm->heap, rv_len(v) + 1);
	if (v.kind == RV_OBJECT) {
		for (uint32_t i = 0; i < v.coll->n; i++)
			rv_object_put(&b, v.coll->keys[i], v.coll->vals[i]);
	}
	{
		const struct rv *old = v.kind == RV_OBJECT ? rv_get(v, path[0]) : NULL;
		struct rv under = replaced(vm, old ? *old : rv_undef(), path + 1, n - 1, val);

		rv_object_put(&b, path[0], under);
	}
	return rv_builder_done(&b);
}

bool doc_with_input(struct vm *vm, struct frame *f, const struct rv *path, uint32_t n, struct rv v)
{
	f->input = replaced(vm, f->input, path, n, v);
	f->keys_known = false;
	return vm_heap_ok(vm);
}

static struct overlay *over_copy(struct vm *vm, const struct overlay *from, const struct rv *path, uint32_t n, struct rv v)
{
	struct overlay *o = rv_alloc(&vm->heap, sizeof(*o)), *k;
	bool found = false;

	if (!o)
		return NULL;
	*o = (struct overlay){.value = rv_undef()};
	if (from) {
		o->key = from->key;
		o->next = from->next;
	}
	if (n == 0) {
		o->value = v;
		return o;
	}
	if (from && from->value.kind != RV_UNDEF) {
		o->value = replaced(vm, from->value, path, n, v);
		return o;
	}
	for (const struct overlay *c = from ? from->kids : NULL; c; c = c->next) {
		if (rv_eq(c->key, path[0])) {
			k = over_copy(vm, c, path + 1, n - 1, v);
			found = true;
		} else {
			k = rv_alloc(&vm->heap, sizeof(*k));
			if (k)
				*k = *c;
		}
		if (!k)
			return NULL;
		k->next = o->kids;
		o->kids = k;
	}
	if (!found) {
		k = over_copy(vm, NULL, path + 1, n - 1, v);
		if (!k)
			return NULL;
		k->key = path[0];
		k->next = o->kids;
		o->kids = k;
	}
	return o;
}

bool doc_with_data(struct vm *vm, struct frame *f, const struct rv *path, uint32_t n, struct rv v)
{
	f->data = over_copy(vm, f->data, path, n, v);
	return f->data ? true : vm_heap_ok(vm);
}

/* ---- places ---- */

static struct rv place(struct vm *vm, const struct tree *node, const struct overlay *over, struct rv base)
{
	struct cursor *c;

	if (over && over->value.kind != RV_UNDEF)
		return over->value;
	if (!node && !over) {
		base.base = 1;
		return base;
	}
	c = rv_alloc(&vm->heap, sizeof(*c));
	if (!c)
		return rv_undef();
	*c = (struct cursor){.node = node, .over = over, .base = base};
	return (struct rv){.kind = RV_CURSOR, .ptr = c};
}

static bool is_doc(const struct tree *n)
{
	return n->group && n->group->kind != G_FUNCTION;
}

bool doc_step(struct vm *vm, struct rv cur, struct rv key, struct rv *out)
{
	const struct cursor *c = cur.ptr;
	const struct overlay *over = over_kid(c->over, key);
	const struct tree *node = c->node ? tree_kid(c->node, key) : NULL;
	struct rv base = c->base.kind == RV_UNDEF ? c->base : rv_step(c->base, key);

	if (over && over->value.kind != RV_UNDEF) {
		*out = over->value;
		return true;
	}
	if (node && is_doc(node))
		return doc_group(vm, &vm->prog->groups[node->group->id], out);
	if (node && node->group && !node->nkids)
		node = NULL;	/* functions are no documents */
	if (base.kind == RV_UNDEF && key.kind == RV_NUMBER && c->base.kind == RV_OBJECT) {
		char scratch[24];
		struct slice t = rv_number_text(key, scratch);

		base = rv_step(c->base, rv_str(&vm->heap, t.p, t.n));
	}
	*out = place(vm, node, over, base);
	return vm_heap_ok(vm);
}

static struct rv base_at(struct vm *vm, const struct tree *node)
{
	if (!node->parent)
		return vm->data;
	return rv_step(base_at(vm, node->parent), node->key);
}

static const struct overlay *over_at(struct vm *vm, const struct tree *node, struct rv *value)
{
	const struct overlay *o;

	if (!node->parent) {
		if (vm->frame->data && vm->frame->data->value.kind != RV_UNDEF)
			*value = vm->frame->data->value;
		return vm->frame->data;
	}
	o = over_at(vm, node->parent, value);
	if (value->kind != RV_UNDEF) {
		*value = rv_step(*value, node->key);
		if (value->kind == RV_UNDEF)
			value->sub = 1;	/* replaced above, and nothing here */
		return NULL;
	}
	if (value->sub)
		return NULL;
	o = over_kid(o, node->key);
	if (o && o->value.kind != RV_UNDEF)
		*value = o->value;
	return o;
}

struct rv doc_cursor(struct vm *vm, const struct tree *node)
{
	struct rv value = rv_undef();
	const struct overlay *over = NULL;

	if (vm->frame->data) {
		over = over_at(vm, node, &value);
		if (value.kind != RV_UNDEF || value.sub)
			return value;
	}
	return place(vm, node, over, base_at(vm, node));
}

bool doc_keys(struct vm *vm, struct rv cur, struct rv *out)
{
	const struct cursor *c = cur.ptr;
	struct rv_builder b = rv_set_builder(&vm->heap, 0);
	struct rv set;

	rv_open(c->base);
	if (c->base.kind == RV_OBJECT || c->base.kind == RV_SET) {
		for (uint32_t i = 0; i < c->base.coll->n; i++)
			rv_set_add(&b, c->base.coll->keys[i]);
	} else if (c->base.kind == RV_ARRAY) {
		for (uint32_t i = 0; i < c->base.arr->n; i++)
			rv_set_add(&b, rv_int(i));
	}
	for (uint32_t i = 0; c->node && i < c->node->nkids; i++)
		rv_set_add(&b, c->node->kids[i]->key);
	for (const struct overlay *o = c->over ? c->over->kids : NULL; o; o = o->next)
		rv_set_add(&b, o->key);
	set = rv_builder_done(&b);
	if (!vm_heap_ok(vm))
		return false;
	rv_sort(set);
	*out = rv_array(&vm->heap, set.coll->keys, set.coll->n);
	return vm_heap_ok(vm);
}

bool doc_force(struct vm *vm, struct rv cur, struct rv *out)
{
	const struct cursor *c = cur.ptr;
	struct rv keys, v;
	struct rv_builder b;

	if (cur.kind != RV_CURSOR) {
		*out = cur;
		out->base = 0;
		return true;
	}
	if (c->base.kind != RV_UNDEF && c->base.kind != RV_OBJECT && !c->over && c->node && !c->node->nkids) {
		*out = c->base;
		return true;
	}
	if (!doc_keys(vm, cur, &keys))
		return false;
	b = rv_object_builder(&vm->heap, keys.arr->n);
	for (uint32_t i = 0; i < keys.arr->n; i++) {
		struct rv k = keys.arr->items[i];

		if (c->node && !c->node->parent && rv_is_str(k, "system"))
			continue;
		if (!doc_step(vm, cur, k, &v) || !doc_force(vm, v, &v))
			return false;
		if (v.kind != RV_UNDEF)
			rv_object_put(&b, k, v);
	}
	*out = rv_builder_done(&b);
	return vm_heap_ok(vm);
}

/* ---- partial documents ---- */

struct pnode {
	enum { P_OBJECT, P_SET, P_VALUE } kind;
	struct rv value;
	struct rv_builder b;
};

static struct pnode *pnode_new(struct vm *vm, int kind)
{
	struct pnode *p = rv_alloc(&vm->heap, sizeof(*p));

	if (!p)
		return NULL;
	p->kind = kind == P_SET ? P_SET : kind == P_VALUE ? P_VALUE : P_OBJECT;
	p->value = rv_undef();
	if (kind != P_VALUE)
		p->b = kind == P_SET ? rv_set_builder(&vm->heap, 0) : rv_object_builder(&vm->heap, 0);
	return p;
}

static bool clash(struct vm *vm)
{
	return vm_fail(vm, "eval_conflict_error", "object keys must be unique");
}

static struct rv finish(struct vm *vm, struct pnode *p)
{
	struct rv_builder b;

	if (p->kind == P_VALUE)
		return p->value;
	if (p->kind == P_SET)
		return rv_builder_done(&p->b);
	if (!p->b.c)
		return rv_undef();
	b = rv_object_builder(&vm->heap, p->b.c->n);
	for (uint32_t i = 0; i < p->b.c->n; i++)
		rv_object_put(&b, p->b.c->keys[i], finish(vm, p->b.c->vals[i].ptr));
	return rv_builder_done(&b);
}

bool doc_emit(struct vm *vm, struct emit *em, const struct rv *path, uint32_t n, struct rv v, bool set)
{
	struct pnode *p = em->root;

	for (uint32_t i = 0; i < n; i++) {
		const struct rv *kid;
		struct pnode *next;

		if (p->kind != P_OBJECT)
			return clash(vm);
		kid = rv_builder_get(&p->b, path[i]);
		next = kid ? kid->ptr : pnode_new(vm, i + 1 < n ? P_OBJECT : set ? P_SET : P_VALUE);
		if (!next)
			return vm_heap_ok(vm);
		if (!kid)
			rv_object_put(&p->b, path[i], (struct rv){.kind = RV_PNODE, .ptr = next});
		p = next;
	}
	if (set) {
		if (p->kind != P_SET)
			return clash(vm);
		rv_set_add(&p->b, v);
	} else {
		if (p->kind == P_VALUE && p->value.kind != RV_UNDEF && !rv_eq(p->value, v))
			return clash(vm);
		if (p->kind != P_VALUE) {
			if (!rv_eq(finish(vm, p), v))
				return clash(vm);
			return vm_heap_ok(vm);
		}
		p->value = v;
	}
	return vm_heap_ok(vm);
}

/* Everything that rules put at or below a node, into root at path. */
static bool collect(struct vm *vm, const struct tree *node, struct pnode *root, struct rv *path, uint32_t n);

static bool run_partial(struct vm *vm, const struct plan_group *g, struct pnode *root, struct rv *path, uint32_t n)
{
	struct pnode *p = root;
	const struct plan_rule *rule;
	struct candidates all;
	struct rv *r, *old;

	for (uint32_t i = 0; i < n; i++) {	/* the place of the group's own documents */
		const struct rv *kid;
		struct pnode *next;

		if (p->kind != P_OBJECT)
			return clash(vm);
		kid = rv_builder_get(&p->b, path[i]);
		next = kid ? kid->ptr : pnode_new(vm, i + 1 == n && g->is_set ? P_SET : P_OBJECT);
		if (!next)
			return vm_heap_ok(vm);
		if (!kid)
			rv_object_put(&p->b, path[i], (struct rv){.kind = RV_PNODE, .ptr = next});
		p = next;
	}
	all = index_start(vm, g);
	while ((rule = index_next(&all))) {
		struct emit em = {.root = p};

		r = vm_push(vm, rule->code.nregs, &old);
		if (!r)
			return false;
		vm->group = g;
		vm->rule = rule;
		if (!vm_run(vm, &rule->code, r, &em))
			return false;
		vm->regs = old;
	}
	return true;
}

static bool collect(struct vm *vm, const struct tree *node, struct pnode *root, struct rv *path, uint32_t n)
{
	if (n >= 62)
		return vm_budget(vm, "depth", "rule tree nests too deep");
	if (node->group && node->group->kind == G_PARTIAL) {
		if (!run_partial(vm, &vm->prog->groups[node->group->id], root, path, n))
			return false;
	} else if (node->group && is_doc(node)) {
		struct rv v;
		struct emit em = {.root = root};

		if (!doc_group(vm, &vm->prog->groups[node->group->id], &v))
			return false;
		if (v.kind != RV_UNDEF && !doc_emit(vm, &em, path, n, v, false))
			return false;
	}
	for (uint32_t i = 0; i < node->nkids; i++) {
		path[n] = node->kids[i]->key;
		if (!collect(vm, node->kids[i], root, path, n + 1))
			return false;
	}
	return true;
}

static bool partial(struct vm *vm, const struct plan_group *g, struct rv *out)
{
	struct pnode *root = pnode_new(vm, g->is_set ? P_SET : P_OBJECT);
	struct rv path[64];

	if (!root)
		return vm_heap_ok(vm);
	if (!collect(vm, g->node, root, path, 0))
		return false;
	*out = finish(vm, root);
	return vm_heap_ok(vm);
}

/* ---- complete documents ---- */

static bool complete(struct vm *vm, const struct plan_group *g, struct rv *out)
{
	struct emit em = {.conflict = "complete rules must not produce multiple outputs"};
	struct candidates all = index_start(vm, g);
	const struct plan_rule *first;
	struct rv *r, *old;

	while ((first = index_next(&all))) {
		for (const struct plan_rule *p = first; p; p = p->els) {
			struct emit one = {.conflict = em.conflict};

			/* it could add nothing new */
			if (em.have && p == first && !p->els && p->fixed && rv_eq(p->value, em.value))
				break;
			r = vm_push(vm, p->code.nregs, &old);
			if (!r)
				return false;
			vm->group = g;
			vm->rule = p;
			if (!vm_run(vm, &p->code, r, &one))
				return false;
			vm->regs = old;
			if (!one.have)
				continue;
			if (em.have && !rv_eq(em.value, one.value)) {
				vm->here = &p->loc;
				return vm_fail(vm, "eval_conflict_error", "%s", em.conflict);
			}
			em.have = true;
			em.value = one.value;
			break;
		}
		if (em.have && g->same)
			break;
	}
	if (!em.have && g->def) {
		r = vm_push(vm, g->def->code.nregs, &old);
		if (!r || !vm_run(vm, &g->def->code, r, &em))
			return false;
		vm->regs = old;
	}
	*out = em.have ? em.value : rv_undef();
	return true;
}

bool doc_group(struct vm *vm, const struct plan_group *g, struct rv *out)
{
	struct frame *f = vm->frame;
	struct rv *slot = &f->cache[g->id], value = rv_undef();
	const struct plan_group *group = vm->group;
	const struct plan_rule *rule = vm->rule;
	const struct loc *here = vm->here;
	bool ok;

	if (slot->kind != RV_UNDEF || slot->sub == 1) {
		*out = *slot;
		return true;
	}
	if (slot->sub == 2)
		return vm_fail(vm, "eval_internal_error", "rule %s depends on itself", g->name);
	if (f->data) {
		(void)over_at(vm, g->node, &value);
		if (value.kind != RV_UNDEF || value.sub) {
			value.sub = value.kind == RV_UNDEF ? 1 : value.sub;
			*slot = *out = value;
			return true;
		}
	}
	if (!vm_charge(vm, 4))
		return false;
	slot->sub = 2;
	ok = g->kind == G_PARTIAL || !g->lone ? partial(vm, g, out) : complete(vm, g, out);
	vm->group = group;
	vm->rule = rule;
	vm->here = here;
	if (!ok)
		return false;
	slot->sub = 0;
	*slot = *out;
	if (out->kind == RV_UNDEF)
		slot->sub = 1;
	return true;
}
