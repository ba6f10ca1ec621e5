/* Calls: functions of the policy, builtins, functions of the host, and replacements of all three. */
#include "rego/vm.h"

#include "base/sys.h"
#include "rego/host.h"

/* ---- results by arguments ---- */

struct memo {
	struct memo *next;
	uint32_t hash, n;
	const void *of;	/* a group of the plan, or a function of the host */
	struct rv value;	/* RV_UNDEF: the call was undefined */
	struct rv args[];
};

#define MEMO_SLOTS 64u

/* Chains by hash; four times as many chains when they get long. */
struct memo_table {
	uint32_t mask, n;
	struct memo *slot[];
};

static struct memo_table *memo_table(struct vm *vm, uint32_t slots)
{
	size_t size = sizeof(struct memo_table) + slots * sizeof(struct memo *);
	struct memo_table *t = rv_alloc(&vm->heap, size);

	if (t) {
		memset(t, 0, size);
		t->mask = slots - 1;
	}
	return t;
}

static struct memo **memo_chain(struct memo_table *t, uint32_t hash)
{
	return &t->slot[(hash >> 8) & t->mask];
}

static bool memo_grow(struct vm *vm, struct memo_table **table)
{
	struct memo_table *old = *table, *t = memo_table(vm, (old->mask + 1) * 4);

	if (!t)
		return false;
	t->n = old->n;
	for (uint32_t i = 0; i <= old->mask; i++) {
		for (struct memo *m = old->slot[i], *next; m; m = next) {
			struct memo **to = memo_chain(t, m->hash);

			next = m->next;
			m->next = *to;
			*to = m;
		}
	}
	*table = t;
	return true;
}

static bool same_args(const struct rv *a, const struct rv *b, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (!rv_eq(a[i], b[i]))
			return false;
	}
	return true;
}

/* *found is NULL when there is none; false: the budget, or no memory. seed goes into *hash, which memo_keep wants back. */
static bool memo_find(struct vm *vm, struct memo_table **table, const void *of, uint32_t seed, const struct rv *args, uint32_t n,
		      uint32_t *hash, const struct memo **found)
{
	uint32_t h = seed * 2654435761u;

	*found = NULL;
	if (!*table && !(*table = memo_table(vm, MEMO_SLOTS)))
		return vm_heap_ok(vm);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t weight = rv_weight(args[i]);

		if (weight >= 16 && !vm_charge(vm, weight / 4))	/* what it may cost to compare it with one that was met before */
			return false;
		h = (h ^ rv_hash(args[i])) * 2654435761u;
	}
	*hash = h;
	for (const struct memo *m = *memo_chain(*table, h); m; m = m->next) {
		if (m->hash == h && m->of == of && same_args(m->args, args, n)) {
			*found = m;
			break;
		}
	}
	return true;
}

static bool memo_keep(struct vm *vm, struct memo_table **table, const void *of, const struct rv *args, uint32_t n, uint32_t hash,
		      struct rv value)
{
	struct memo *m = rv_alloc(&vm->heap, sizeof(*m) + n * sizeof(m->args[0])), **to;

	if (!m || (++(*table)->n / 2 > (*table)->mask && !memo_grow(vm, table)))
		return vm_heap_ok(vm);
	to = memo_chain(*table, hash);
	*m = (struct memo){.next = *to, .hash = hash, .n = n, .of = of, .value = value};
	memcpy(m->args, args, n * sizeof(m->args[0]));
	*to = m;
	return true;
}

/* ---- functions ---- */

static bool run_function(struct vm *vm, const struct plan_group *g, const struct rv *args, struct rv *out)
{
	struct emit em = {.conflict = "functions must not produce multiple outputs for same inputs"};
	struct candidates all = index_start(vm, g);
	const struct plan_rule *first;
	struct rv *r, *old;

	while ((first = index_next(&all))) {
		for (const struct plan_rule *p = first; p; p = p->els) {
			struct emit one = {.conflict = em.conflict};

			if (em.have && !p->els && p->fixed && rv_eq(p->value, em.value))
				break;
			r = vm_push(vm, p->code.nregs, &old);
			if (!r)
				return false;
			memcpy(r, args, g->arity * sizeof(*r));
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
		if (!r)
			return false;
		memcpy(r, args, g->arity * sizeof(*r));
		if (!vm_run(vm, &g->def->code, r, &em))
			return false;
		vm->regs = old;
	}
	*out = em.have ? em.value : rv_undef();
	return true;
}

bool call_function(struct vm *vm, const struct plan_group *g, const struct rv *args, struct rv *out)
{
	const struct plan_group *group = vm->group;
	const struct plan_rule *rule = vm->rule;
	const struct memo *known;
	uint32_t hash;
	bool ok;

	if (!memo_find(vm, &vm->frame->memo, g, g->id, args, g->arity, &hash, &known))
		return false;
	if (known) {
		*out = known->value;
		return true;
	}
	if (!vm_charge(vm, 4))
		return false;
	ok = run_function(vm, g, args, out);
	vm->group = group;
	vm->rule = rule;
	return ok && memo_keep(vm, &vm->frame->memo, g, args, g->arity, hash, *out);
}

/* ---- builtins ---- */

static struct vm *vm_of(struct rego_call *c)
{
	return &c->query->vm;
}

static void soft_error(struct vm *vm, const char *code, char *message)
{
	if (vm->soft || !message)
		return;
	vm->soft = true;
	vm->soft_code = code;
	vm->soft_message = message;
	if (vm->here)
		vm->soft_at = *vm->here;
}

const char *rego_type_name(struct rv v)
{
	return rv_kind_name((enum rv_kind)v.kind);
}

rc (rego_operand_error)(struct rego_call *c, unsigned operand, const char *want, struct rv got)
{
	return rego_operand_text(c, operand, "must be %s but got %s", want, rego_type_name(got));
}

rc (rego_operand_text)(struct rego_call *c, unsigned operand, const char *fmt, ...)
{
	struct vm *vm = vm_of(c);
	va_list ap;
	char *text;

	if (vm->strict || !vm->soft) {
		va_start(ap, fmt);
		text = arena_vprintf(vm->heap.arena, fmt, ap);
		va_end(ap);
		if (operand)
			text = arena_printf(vm->heap.arena, "%s: operand %u %s", c->self->name, operand, text ? text : "");
		else
			text = arena_printf(vm->heap.arena, "%s: %s", c->self->name, text ? text : "");
		soft_error(vm, "eval_type_error", text);
	}
	return rc_of(E_MALFORMED);
}

rc (rego_fail)(struct rego_call *c, const char *fmt, ...)
{
	struct vm *vm = vm_of(c);
	va_list ap;
	char *text;

	if (vm->strict || !vm->soft) {
		va_start(ap, fmt);
		text = arena_vprintf(vm->heap.arena, fmt, ap);
		va_end(ap);
		soft_error(vm, "eval_builtin_error", arena_printf(vm->heap.arena, "%s: %s", c->self->name, text ? text : ""));
	}
	return rc_of(E_MALFORMED);
}

rc rego_charge(struct rego_call *c, uint64_t steps)
{
	return rc_of(vm_charge(vm_of(c), steps) ? OK : E_LIMIT);
}

rc rego_reserve(struct rego_call *c, size_t bytes)
{
	struct vm *vm = vm_of(c);

	if (bytes <= vm->heap.left)
		return rego_charge(c, bytes / 64);
	vm_budget(vm, "memory", "%s: result would be too large", c->self->name);
	return rc_of(E_LIMIT);
}

int64_t rego_now_ns(struct rego_call *c)
{
	return vm_of(c)->now_ns;
}

bool rego_prints(struct rego_call *c)
{
	return vm_of(c)->print != NULL;
}

void rego_print_line(struct rego_call *c, struct slice line)
{
	struct vm *vm = vm_of(c);
	const struct loc *at = vm->here;
	bool known = at && at->mod < vm->prog->nmods;

	vm->print(vm->host_ctx, (const char *)line.p, line.n, known ? vm->prog->mod_names[at->mod] : "", at ? at->row : 0);
}

struct rego_zone {
	struct rv_heap *heap;
	uint8_t *p;
	size_t n;
};

void rego_zone_reply(struct rego_zone *z, const void *tzif, size_t len)
{
	z->p = len ? rv_alloc(z->heap, len) : NULL;
	z->n = z->p ? len : 0;
	if (z->p)
		memcpy(z->p, tzif, len);
}

rc rego_zone_bytes(struct rego_call *c, const char *name, struct slice *out)
{
	struct vm *vm = vm_of(c);
	struct rego_zone z = {.heap = &vm->heap};

	if (vm->zone)
		vm->zone(vm->host_ctx, name, &z);
	*out = slice_of(z.p, z.n);
	return rc_of(z.p ? OK : rv_heap_bad(&vm->heap) ? E_LIMIT : E_NOTFOUND);
}

rc rego_random(struct rego_call *c, void *out, size_t n)
{
	(void)c;
	return sys_random(out, n, NULL);
}

static struct rv cache_key(struct rego_call *c, struct rv key)
{
	struct rv two[2] = {rv_cstr(c->heap, c->self->name), key};

	return rv_array(c->heap, two, 2);
}

bool rego_cache_get(struct rego_call *c, struct rv key, struct rv *out)
{
	struct vm *vm = vm_of(c);
	const struct rv *v = vm->has_cache ? rv_builder_get(&vm->cache_b, cache_key(c, key)) : NULL;

	if (v)
		*out = *v;
	return v != NULL;
}

rc rego_cache_put(struct rego_call *c, struct rv key, struct rv val)
{
	struct vm *vm = vm_of(c);

	if (!vm->has_cache) {
		vm->cache_b = rv_object_builder(&vm->heap, 0);
		vm->has_cache = true;
	}
	rv_object_put(&vm->cache_b, cache_key(c, key), val);
	return rc_of(rv_heap_bad(c->heap) ? E_INTERNAL : OK);
}

/* Slots by hash; 0 is free, else a position + 1. Twice as many as there can be objects, so that there is always a free one. */
static uint8_t *object_slot(struct vm *vm, const char *area, struct rv key)
{
	uint32_t i = rv_hash(key) % OBJECT_SLOTS;

	if (vm->nobjects == 0)
		memset(vm->object_at, 0, sizeof(vm->object_at));
	for (; vm->object_at[i]; i = (i + 1) % OBJECT_SLOTS) {
		const struct object_slot *o = &vm->objects[vm->object_at[i] - 1];

		if (strcmp(o->area, area) == 0 && rv_eq(o->key, key))
			break;
	}
	return &vm->object_at[i];
}

void *rego_object_get(struct rego_call *c, const char *area, struct rv key)
{
	struct vm *vm = vm_of(c);
	void *object = constants_get(vm->prog, area, key);
	uint8_t *at;

	if (object || !vm->nobjects)
		return object;
	at = object_slot(vm, area, key);
	return *at ? vm->objects[*at - 1].object : NULL;
}

bool rego_object_put(struct rego_call *c, const char *area, struct rv key, void *object, void (*drop)(void *))
{
	struct vm *vm = vm_of(c);
	uint8_t *at;

	if (vm->nobjects == OBJECT_SLOTS / 2)
		return false;
	at = object_slot(vm, area, key);
	vm->objects[vm->nobjects++] = (struct object_slot){area, key, object, drop};
	*at = (uint8_t)vm->nobjects;
	return true;
}

/* A step is worth some 20 ns: what reading an operand once costs, and turning a long number into binary and back. */
static uint64_t operand_cost(struct rv v)
{
	if (v.kind == RV_STRING)
		return v.str->n / 32;
	if (v.kind == RV_NUMBER)
		return rego_number_cost(v);
	return v.kind >= RV_ARRAY ? rv_weight(v) : 0;
}

bool call_builtin(struct vm *vm, const struct rego_builtin *b, const struct rv *args, unsigned n, struct rv *out)
{
	struct rego_call c = {.heap = &vm->heap, .self = b, .query = (struct rego_query_state *)vm};
	rc r;
	uint64_t weight = b->cost;

	for (unsigned i = 0; i < n; i++)
		weight += b->flags & REGO_SHALLOW ? 1 : operand_cost(args[i]);
	if (!vm_charge(vm, weight))
		return false;
	for (unsigned i = 0; i < n; i++)
		(b->flags & REGO_SHALLOW ? rv_open : rv_open_all)(args[i]);
	*out = rv_undef();
	r = b->fn ? b->fn(&c, args, n, out) : rc_of(OK);
	if (vm->failed || !vm_heap_ok(vm))
		return false;
	if (rc_ok(r) && b->flags & REGO_REFUSED)
		return vm_fail(vm, "eval_internal_error", "unsupported built-in function: %s", b->name);
	if (rc_ok(r))
		return true;
	*out = rv_undef();
	if (r.code == E_LIMIT)
		return vm_budget(vm, "memory", "%s: result would be too large", b->name);
	if (r.code == E_INTERNAL || r.code == E_UNAVAILABLE)
		return vm_fail(vm, "eval_internal_error", "%s: no memory or no random bytes", b->name);
	return true;
}

/* ---- host functions ---- */

const struct rv *host_args(const struct rego_host_call *c, uint32_t *n)
{
	*n = c->n;
	return c->args;
}

uint32_t rego_host_argc(const struct rego_host_call *c)
{
	return c->n;
}

const char *rego_host_arg_string(const struct rego_host_call *c, uint32_t i, size_t *len)
{
	if (i >= c->n || c->args[i].kind != RV_STRING)
		return NULL;
	if (len)
		*len = c->args[i].str->n;
	return c->args[i].str->p;
}

const char *rego_host_arg_json(struct rego_host_call *c, uint32_t i, size_t *len)
{
	struct rv t = i < c->n ? rv_json_value(&c->vm->heap, c->args[i]) : rv_undef();

	if (t.kind != RV_STRING)
		return NULL;
	if (len)
		*len = t.str->n;
	return t.str->p;
}

int rego_host_reply_json(struct rego_host_call *c, const char *json, size_t len)
{
	c->reply = rv_from_json(&c->vm->heap, slice_of(json, len), NULL, NULL, NULL);
	return c->reply.kind == RV_UNDEF ? -1 : 0;
}

int rego_host_reply_doc(struct rego_host_call *c, const struct rego_doc *doc)
{
	c->reply = doc ? doc->value : rv_undef();
	return doc ? 0 : -1;
}

void host_reply(struct rego_host_call *c, struct rv v)
{
	c->reply = v;
}

void host_reply_parsed(struct rego_host_call *c, const struct json *v)
{
	c->reply = rv_from_doc(&c->vm->heap, v);
	if (c->reply.kind == RV_UNDEF && !rv_heap_bad(&c->vm->heap))
		rego_host_abort(c, "the reply holds a number that is too large");
}

void rego_host_fail(struct rego_host_call *c, const char *message)
{
	soft_error(c->vm, "eval_builtin_error", arena_printf(c->vm->heap.arena, "%s: %s", c->name, message));
	c->reply = rv_undef();
}

void rego_host_abort(struct rego_host_call *c, const char *message)
{
	vm_fail(c->vm, "eval_builtin_error", "%s: %s", c->name, message);
}

bool call_host(struct vm *vm, const struct callee *f, const struct rv *args, unsigned n, struct rv *out)
{
	struct rego_host_call c = {.vm = vm, .args = args, .n = n, .name = f->host->name};
	const struct memo *known;
	uint32_t hash = 0;

	if (!f->host->nondeterministic) {
		if (!memo_find(vm, &vm->answers, f->host, 1, args, n, &hash, &known))
			return false;
		if (known) {
			*out = known->value;
			return true;
		}
	}
	for (unsigned i = 0; i < n; i++)
		rv_open_all(args[i]);
	f->host->call(vm->host_ctx, &c);
	if (vm->failed || !vm_heap_ok(vm))
		return false;
	*out = c.reply;
	if (!f->host->nondeterministic && !memo_keep(vm, &vm->answers, f->host, args, n, hash, c.reply))
		return false;
	return vm_charge(vm, 16);
}

/* ---- replacements ---- */

static bool same_callee(const struct callee *a, const struct callee *b)
{
	return a->builtin == b->builtin && a->fn == b->fn && a->host == b->host;
}

bool call_mocked(struct vm *vm, const struct callee *f, const struct rv *args, unsigned n, struct rv *out)
{
	struct frame *old = vm->frame, *in;
	size_t size = vm->prog->ngroups * sizeof(struct rv);

	for (const struct mock *m = vm->frame->mocks; m; m = m->next) {
		if (!same_callee(&m->target, f))
			continue;
		if (!m->by.fn && !m->by.builtin && !m->by.host) {
			*out = m->value;
			return true;
		}
		/* no replacement is in force while the replacing function runs */
		in = rv_alloc(&vm->heap, sizeof(*in));
		if (in) {
			*in = *old;
			in->outer = old;
			in->mocks = NULL;
			in->memo = NULL;
			in->cache = rv_alloc(&vm->heap, size + 1);
		}
		if (!in || !in->cache) {
			(void)vm_heap_ok(vm);
			return true;
		}
		memset(in->cache, 0, size);
		vm->frame = in;
		if (m->by.fn)
			(void)call_function(vm, &vm->prog->groups[m->by.fn->id], args, out);
		else if (m->by.builtin)
			(void)call_builtin(vm, m->by.builtin, args, n, out);
		else
			(void)call_host(vm, &m->by, args, n, out);
		vm->frame = old;
		return true;
	}
	return false;
}
