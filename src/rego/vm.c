#include "rego/vm.h"

#include "base/sys.h"

bool vm_fail(struct vm *vm, const char *code, const char *fmt, ...)
{
	va_list ap;

	if (vm->failed || !vm_heap_ok(vm)) /* what was seen without memory is not told */
		return false;
	vm->failed = true;
	vm->code = code;
	if (vm->here)
		vm->at = *vm->here;
	va_start(ap, fmt);
	vm->message = arena_vprintf(vm->heap.arena, fmt, ap);
	va_end(ap);
	return false;
}

bool vm_budget(struct vm *vm, const char *name, const char *fmt, ...)
{
	va_list ap;

	if (vm->failed)
		return false;
	vm->failed = true;
	vm->code = "eval_cancel_error";
	vm->budget = name;
	if (vm->here)
		vm->at = *vm->here;
	va_start(ap, fmt);
	vm->message = arena_vprintf(vm->heap.arena, fmt, ap);
	va_end(ap);
	return false;
}

bool vm_heap_ok(struct vm *vm)
{
	if (!rv_heap_bad(&vm->heap))
		return true;
	if (vm->heap.deep)
		return vm_budget(vm, "depth", "value nests too deep or grows too large (limits are %u levels, %u members)",
				 RV_MAX_DEPTH, RV_MAX_WEIGHT);
	return vm_budget(vm, "memory", "evaluation needs too much memory");
}

bool vm_look(struct vm *vm)
{
	if (!vm_heap_ok(vm))
		return false;
	if (vm->steps > vm->max_steps)
		return vm_budget(vm, "steps", "too many steps (limit is %llu)", (unsigned long long)vm->max_steps);
	if (vm->cancel && *vm->cancel)
		return vm_budget(vm, NULL, "caller cancelled query execution");
	if (vm->deadline && sys_monotonic_ns() > vm->deadline)
		return vm_budget(vm, "time", "evaluation took too long");
	if (vm->see && vm->here)
		vm->see(vm->see_ctx, vm->here);
	vm->next_look = vm->see ? 0 : vm->steps + 4096;
	if (vm->next_look > vm->max_steps)
		vm->next_look = vm->max_steps + 1;
	return true;
}

struct rv *vm_push(struct vm *vm, uint32_t n, struct rv **old)
{
	struct rv *r = vm->regs;

	*old = r;
	if (!r || (size_t)(vm->regs_end - r) < n) {
		size_t size = n > 512 ? n : 512;

		r = rv_alloc(&vm->heap, size * sizeof(*r));
		if (!r) {
			(void)vm_heap_ok(vm);
			return NULL;
		}
		vm->regs_end = r + size;
	}
	vm->regs = r + n;
	return r;
}

/* ---- the loop ---- */

struct iter {
	struct rv coll;	/* array, object, set; or a cursor with its keys */
	struct rv keys;
	uint32_t at;
};

static inline struct rv operand(const struct code *code, const struct rv *r, uint32_t x)
{
	return x & OPERAND_CONST ? code->consts[x & ~OPERAND_CONST] : r[x];
}

/* Comparing and hashing costs what the values weigh. */
static inline bool charge_for(struct vm *vm, struct rv b, struct rv c)
{
	uint64_t weight;

	if (b.kind > RV_SET || c.kind > RV_SET)
		return true;
	weight = (uint64_t)rv_weight(b) + rv_weight(c);
	return __builtin_expect(weight < 16, 1) || vm_charge(vm, weight / 4);
}

static bool member(struct rv x, struct rv c)
{
	rv_open(c);
	if (c.kind == RV_SET)
		return rv_get(c, x) != NULL;
	if (c.kind == RV_ARRAY) {
		for (uint32_t i = 0; i < c.arr->n; i++) {
			if (rv_eq(c.arr->items[i], x))
				return true;
		}
	} else if (c.kind == RV_OBJECT) {
		for (uint32_t i = 0; i < c.coll->n; i++) {
			if (rv_eq(c.coll->vals[i], x))
				return true;
		}
	}
	return false;
}

static bool test(uint32_t op, struct rv b, struct rv c)
{
	switch (op) {
	case OP_EQ:
		return rv_eq(b, c);
	case OP_NE:
		return !rv_eq(b, c);
	case OP_LT:
		return rv_cmp(b, c) < 0;
	case OP_LE:
		return rv_cmp(b, c) <= 0;
	case OP_GT:
		return rv_cmp(b, c) > 0;
	case OP_GE:
		return rv_cmp(b, c) >= 0;
	default:
		return member(b, c);
	}
}

static struct rv *gather(struct vm *vm, const struct code *code, const struct rv *r, uint32_t at, uint32_t n,
			 struct rv small[16])
{
	struct rv *v = n <= 16 ? small : rv_alloc(&vm->heap, n * sizeof(*v));

	for (uint32_t i = 0; v && i < n; i++)
		v[i] = operand(code, r, code->lists[at + i]);
	if (!v)
		(void)vm_heap_ok(vm);
	return v;
}

static struct rv make(struct vm *vm, const struct ins *i, const struct code *code, const struct rv *r)
{
	struct rv_heap *h = &vm->heap;
	const uint32_t *l = code->lists + i->b;
	struct rv_builder b;

	if (i->op == OP_MAKE_ARRAY) {
		struct rv *v = rv_alloc(h, i->n * sizeof(*v) + 1);

		for (uint32_t k = 0; v && k < i->n; k++)
			v[k] = operand(code, r, l[k]);
		return v ? rv_array_own(h, v, i->n) : rv_undef();
	}
	b = i->op == OP_MAKE_SET ? rv_set_builder(h, i->n) : rv_object_builder(h, i->n / 2u);
	for (uint32_t k = 0; k < i->n; k++) {
		if (i->op == OP_MAKE_SET) {
			rv_set_add(&b, operand(code, r, l[k]));
		} else {
			struct rv key = operand(code, r, l[k]), val = operand(code, r, l[k + 1]);
			const struct rv *old = rv_builder_get(&b, key);

			k++;
			if (old && !rv_eq(*old, val)) {
				vm_fail(vm, "eval_conflict_error", "object keys must be unique");
				return rv_undef();
			}
			rv_object_put(&b, key, val);
		}
	}
	return rv_builder_done(&b);
}

static struct rv text(struct vm *vm, const struct ins *i, const struct code *code, const struct rv *r)
{
	struct buf b = buf_in(vm->heap.arena, vm->heap.left < ((size_t)64 << 20) ? vm->heap.left : 0);

	for (uint32_t k = 0; k < i->n; k++) {
		struct rv v = operand(code, r, code->lists[i->b + k]);

		if (v.kind == RV_STRING)
			buf_slice(&b, rv_slice(v));
		else
			rv_to_text(&b, v);
	}
	if (!buf_ok(&b)) {
		vm->heap.bad = true;
		return rv_undef();
	}
	vm->heap.left -= b.cap < vm->heap.left ? b.cap : vm->heap.left;
	return rv_str(&vm->heap, b.p, b.n);
}

struct build {
	uint32_t kind;
	struct rv_vec vec;
	struct rv_builder b;
};

static struct frame *new_frame(struct vm *vm)
{
	struct frame *f = rv_alloc(&vm->heap, sizeof(*f));
	size_t n = vm->prog->ngroups * sizeof(struct rv);

	if (!f)
		return NULL;
	*f = *vm->frame;
	f->outer = vm->frame;
	f->memo = NULL;
	f->cache = rv_alloc(&vm->heap, n + 1);
	if (!f->cache)
		return NULL;
	memset(f->cache, 0, n);
	return f;
}

static bool start_iter(struct vm *vm, struct rv *r, const struct ins *i, bool *none)
{
	struct rv coll = r[i->b & OPERAND_CONST ? 0 : i->b];
	struct iter *it;

	*none = coll.kind < RV_ARRAY;
	if (*none)
		return true;
	it = rv_alloc(&vm->heap, sizeof(*it));
	if (!it)
		return vm_heap_ok(vm);
	*it = (struct iter){.coll = coll};
	rv_open(coll);
	if (coll.kind == RV_CURSOR && !doc_keys(vm, coll, &it->keys))
		return false;
	if (coll.kind <= RV_SET && !vm_charge(vm, rv_len(coll) / 8))
		return false;
	rv_sort(coll);
	r[i->a] = (struct rv){.kind = RV_ITER, .ptr = it};
	return true;
}

/* 1: a key and a value were set; 0: no more; -1: failed. */
static int next_iter(struct vm *vm, struct rv *r, const struct ins *i)
{
	struct iter *it = r[i->a].ptr;

	if (it->coll.kind == RV_CURSOR) {
		while (it->at < it->keys.arr->n) {
			r[i->b] = it->keys.arr->items[it->at++];
			if (!doc_step(vm, it->coll, r[i->b], &r[i->c]))
				return -1;
			if (r[i->c].kind != RV_UNDEF)
				return 1;
		}
		return 0;
	}
	if (it->at >= rv_len(it->coll))
		return 0;
	if (it->coll.kind == RV_ARRAY) {
		r[i->b] = rv_int(it->at);
		r[i->c] = it->coll.arr->items[it->at];
	} else {
		r[i->b] = it->coll.coll->keys[it->at];
		r[i->c] = it->coll.kind == RV_OBJECT ? it->coll.coll->vals[it->at] : r[i->b];
	}
	r[i->c].base = it->coll.base;
	it->at++;
	return 1;
}

static bool add_row(struct vm *vm, const struct rv *v, uint32_t n)
{
	if (vm->nrows == vm->cap_rows) {
		uint32_t cap = vm->cap_rows ? vm->cap_rows * 2 : 4;
		struct rv *rows = rv_alloc(&vm->heap, (size_t)cap * (n ? n : 1) * sizeof(*rows));

		if (!rows)
			return vm_heap_ok(vm);
		if (vm->nrows)
			memcpy(rows, vm->rows, (size_t)vm->nrows * n * sizeof(*rows));
		vm->rows = rows;
		vm->cap_rows = cap;
	}
	if (n)
		memcpy(vm->rows + (size_t)vm->nrows * n, v, n * sizeof(*v));
	vm->nrows++;
	vm->row_width = n;
	return true;
}

/* A solution of a complete rule or function; *stop: no more are needed. */
static bool solution(struct vm *vm, const struct code *code, struct emit *em, struct rv v, bool *stop)
{
	if (em->have && !rv_eq(em->value, v))
		return vm_fail(vm, "eval_conflict_error", "%s", em->conflict);
	em->have = true;
	em->value = v;
	*stop = code->early;
	return true;
}

/* A comparison that `with` replaced, as it can any function: then *out is set (RV_UNDEF: undefined), or the query has failed. */
static bool replaced_test(struct vm *vm, uint32_t op, struct rv b, struct rv c, struct rv *out)
{
	static const char *const names[] = {[OP_EQ] = "equal", [OP_NE] = "neq", [OP_LT] = "lt",
					    [OP_LE] = "lte",   [OP_GT] = "gt",	[OP_GE] = "gte"};
	const char *name = op <= OP_GE ? names[op] : NULL;
	struct callee f = {.builtin = name ? rego_builtin_find(slice_cstr(name)) : NULL};
	const struct loc *here = vm->here;
	struct rv args[2] = {b, c};
	bool was;

	*out = rv_undef();
	was = f.builtin && call_mocked(vm, &f, args, 2, out);
	vm->here = here;
	return was;
}

/* What a step in a base document has found is of the base document, and a number that is no key finds the key that is its text:
 * a path into the base documents is text. */
static bool base_step(struct vm *vm, struct rv v, struct rv key, struct rv *out)
{
	char scratch[24];
	struct slice t;

	if (out->kind == RV_UNDEF && key.kind == RV_NUMBER && v.kind == RV_OBJECT) {
		t = rv_number_text(key, scratch);
		*out = rv_step(v, rv_str(&vm->heap, t.p, t.n));
	}
	out->base = 1;
	return vm_heap_ok(vm);
}

/* Only what the instruction takes: other registers were never written. */
static void explain_failure(struct vm *vm, const struct ins *i, const struct code *code, const struct rv *r)
{
	static const char takes[256] = {[OP_EQ] = 2, [OP_NE] = 2, [OP_LT] = 2, [OP_LE] = 2, [OP_GT] = 2, [OP_GE] = 2, [OP_IN] = 2,
					[OP_STEP] = 2, [OP_FIELD] = 2, [OP_TRUTH] = 1, [OP_ARRAY_N] = 1, [OP_OBJECT_N] = 1,
					[OP_ITER] = 1, [OP_FORCE] = 1};

	explain_add(vm, i, code, takes[i->op] ? operand(code, r, i->b) : rv_undef(),
		    takes[i->op] == 2 ? operand(code, r, i->c) : rv_undef());
}

#define FAIL()                                                                   \
	do {                                                                     \
		if (__builtin_expect(vm->explain, 0))                            \
			explain_failure(vm, i, code, r);                         \
		i = code->ins + i->t;                                            \
		goto again;                                                      \
	} while (0)

static bool run(struct vm *vm, const struct code *code, struct rv *r, struct emit *em)
{
	const struct ins *i = code->ins;
	struct rv small[16], b, *v;
	bool flag, stop;

again:
	for (;; i++) {
		vm->here = &code->locs[i->at];
		if (__builtin_expect(++vm->steps >= vm->next_look, 0) && !vm_look(vm))
			return false;
		switch ((enum plan_op)i->op) {
		case OP_JMP:
			i = code->ins + i->t;
			goto again;
		case OP_MOVE:
			r[i->a] = operand(code, r, i->b);
			break;
		case OP_INPUT:
			if (vm->frame->input.kind == RV_UNDEF)
				FAIL();
			r[i->a] = vm->frame->input;
			break;
		case OP_GROUP:
			if (!doc_group(vm, &vm->prog->groups[i->b], &r[i->a]))
				return false;
			if (r[i->a].kind == RV_UNDEF) {
				i = code->ins + i->t;
				goto again;
			}
			break;
		case OP_CURSOR:
			r[i->a] = doc_cursor(vm, (const struct tree *)(const void *)code->callees[i->b].host);
			if (r[i->a].kind == RV_UNDEF) {
				if (!vm_heap_ok(vm))
					return false;
				FAIL();
			}
			break;
		case OP_FORCE:
			if (!doc_force(vm, operand(code, r, i->b), &r[i->a]))
				return false;
			if (r[i->a].kind == RV_UNDEF)
				FAIL();
			break;
		case OP_STEP:
			b = operand(code, r, i->b);
			if (!(i->c & OPERAND_CONST) && !charge_for(vm, r[i->c], rv_null()))
				return false;
			if (b.kind == RV_CURSOR) {
				if (!doc_step(vm, b, operand(code, r, i->c), &r[i->a]))
					return false;
			} else {
				r[i->a] = rv_step(b, operand(code, r, i->c));
				if (i->flags && b.base && !base_step(vm, b, operand(code, r, i->c), &r[i->a]))
					return false;
			}
			if (r[i->a].kind == RV_UNDEF)
				FAIL();
			break;
		case OP_ITER:
			if (i->b & OPERAND_CONST) {
				struct rv one[1] = {operand(code, r, i->b)};
				struct ins k = *i;
				struct rv slot[2];

				k.a = 1;
				k.b = 0;
				slot[0] = one[0];
				if (!start_iter(vm, slot, &k, &flag))
					return false;
				r[i->a] = slot[1];
			} else if (!start_iter(vm, r, i, &flag)) {
				return false;
			}
			if (flag)
				FAIL();
			break;
		case OP_NEXT: {
			int got = next_iter(vm, r, i);

			if (got < 0)
				return false;
			if (!got) {
				i = code->ins + i->t;
				goto again;
			}
			break;
		}
		case OP_ARRAY_N:
			b = operand(code, r, i->b);
			rv_open(b);	/* without memory it is shorter now */
			if (b.kind != RV_ARRAY || b.arr->n != i->n)
				FAIL();
			break;
		case OP_OBJECT_N:
			b = operand(code, r, i->b);
			rv_open(b);
			if (b.kind != RV_OBJECT || b.coll->n != i->n)
				FAIL();
			break;
		case OP_ELEM:
			r[i->a] = operand(code, r, i->b).arr->items[i->n];
			break;
		case OP_FIELD:
			r[i->a] = rv_step(operand(code, r, i->b), operand(code, r, i->c));
			if (r[i->a].kind == RV_UNDEF)
				FAIL();
			break;
		case OP_EQ:
			if (!i->flags || !vm->frame->mocks) {
				if (!charge_for(vm, operand(code, r, i->b), operand(code, r, i->c)))
					return false;
				if (!rv_eq(operand(code, r, i->b), operand(code, r, i->c)))
					FAIL();
				break;
			}
			__attribute__((fallthrough));
		case OP_NE:
		case OP_LT:
		case OP_LE:
		case OP_GT:
		case OP_GE:
		case OP_IN:
			if (__builtin_expect(vm->frame->mocks != NULL, 0) &&
			    replaced_test(vm, i->op, operand(code, r, i->b), operand(code, r, i->c), &b)) {
				if (vm->failed)
					return false;
				if (b.kind == RV_UNDEF || rv_is_false(b))
					FAIL();
				break;
			}
			if (!charge_for(vm, operand(code, r, i->b), operand(code, r, i->c)))
				return false;
			if (!test(i->op, operand(code, r, i->b), operand(code, r, i->c)))
				FAIL();
			break;
		case OP_CMP:
			if (vm->frame->mocks && replaced_test(vm, i->n, operand(code, r, i->b), operand(code, r, i->c), &r[i->a])) {
				if (vm->failed)
					return false;
				if (r[i->a].kind == RV_UNDEF)
					FAIL();
				break;
			}
			if (!charge_for(vm, operand(code, r, i->b), operand(code, r, i->c)))
				return false;
			r[i->a] = rv_bool(test(i->n, operand(code, r, i->b), operand(code, r, i->c)));
			break;
		case OP_TRUTH:
			b = operand(code, r, i->b);
			if (b.kind == RV_UNDEF || rv_is_false(b))
				FAIL();
			break;
		case OP_MAKE_ARRAY:
		case OP_MAKE_SET:
		case OP_MAKE_OBJECT:
			r[i->a] = make(vm, i, code, r);
			if (r[i->a].kind == RV_UNDEF)
				return !vm->failed ? vm_heap_ok(vm) && vm_fail(vm, "eval_internal_error", "value") : false;
			break;
		case OP_BUILD: {
			struct build *x = rv_alloc(&vm->heap, sizeof(*x));

			if (!x)
				return vm_heap_ok(vm);
			x->kind = i->n;
			if (i->n == 0)
				x->vec = rv_vec(&vm->heap);
			else
				x->b = i->n == 1 ? rv_set_builder(&vm->heap, 0) : rv_object_builder(&vm->heap, 0);
			r[i->a] = (struct rv){.kind = RV_BUILD, .ptr = x};
			break;
		}
		case OP_ADD: {
			struct build *x = r[i->a].ptr;

			if (x->kind && !charge_for(vm, operand(code, r, i->b), rv_null()))
				return false;
			if (x->kind == 0)
				rv_push(&x->vec, operand(code, r, i->b));
			else
				rv_set_add(&x->b, operand(code, r, i->b));
			if (!vm_heap_ok(vm))
				return false;
			break;
		}
		case OP_PUT: {
			struct build *x = r[i->a].ptr;
			const struct rv *old;

			b = operand(code, r, i->c);
			if (!charge_for(vm, operand(code, r, i->b), b))
				return false;
			old = rv_builder_get(&x->b, operand(code, r, i->b));
			if (old && !rv_eq(*old, b))
				return vm_fail(vm, "eval_conflict_error", "object keys must be unique");
			if (!old)
				rv_object_put(&x->b, operand(code, r, i->b), b);
			if (!vm_heap_ok(vm))
				return false;
			break;
		}
		case OP_BUILT: {
			struct build *x = r[i->b].ptr;

			r[i->a] = x->kind ? rv_builder_done(&x->b) : rv_vec_done(&x->vec);
			if (!vm_heap_ok(vm))
				return false;
			break;
		}
		case OP_CALL_BUILTIN:
		case OP_CALL_RULE:
		case OP_CALL_HOST: {
			const struct callee *f = &code->callees[i->c];
			const struct loc *here = vm->here;

			v = gather(vm, code, r, i->b, i->n, small);
			if (!v)
				return false;
			b = rv_undef();
			if (vm->frame->mocks && call_mocked(vm, f, v, i->n, &b))
				flag = !vm->failed;
			else if (i->op == OP_CALL_BUILTIN)
				flag = call_builtin(vm, f->builtin, v, i->n, &b);
			else if (i->op == OP_CALL_RULE)
				flag = call_function(vm, &vm->prog->groups[f->fn->id], v, &b);
			else
				flag = call_host(vm, f, v, i->n, &b);
			vm->here = here;
			if (!flag)
				return false;
			r[i->a] = b;
			if (b.kind == RV_UNDEF) {
				i = code->ins + i->t;
				goto again;
			}
			break;
		}
		case OP_UNDEF:
			r[i->a] = rv_undef();
			break;
		case OP_TEXT:
			r[i->a] = text(vm, i, code, r);
			if (!vm_heap_ok(vm))
				return false;
			break;
		case OP_WITH: {
			struct frame *f = new_frame(vm);

			if (!f)
				return vm_heap_ok(vm);
			r[i->a] = (struct rv){.kind = RV_FRAME, .ptr = f};
			break;
		}
		case OP_WITH_INPUT:
		case OP_WITH_DATA:
			v = gather(vm, code, r, i->c, i->n, small);
			if (!v)
				return false;
			if (!(i->op == OP_WITH_INPUT ? doc_with_input : doc_with_data)(vm, r[i->a].ptr, v, i->n,
										      operand(code, r, i->b)))
				return false;
			break;
		case OP_WITH_FN: {
			struct frame *f = r[i->a].ptr;
			struct mock *m = rv_alloc(&vm->heap, sizeof(*m));

			if (!m)
				return vm_heap_ok(vm);
			*m = (struct mock){.next = (struct mock *)(uintptr_t)f->mocks, .target = code->callees[i->c]};
			if (i->n != 0xffff)
				m->by = code->callees[i->n];
			else
				m->value = operand(code, r, i->b);
			f->mocks = m;
			break;
		}
		case OP_FRAME_IN:
			vm->frame = r[i->a].ptr;
			break;
		case OP_FRAME_OUT:
			vm->frame = ((struct frame *)r[i->a].ptr)->outer;
			break;
		case OP_EMIT:
			stop = false;
			if (!charge_for(vm, operand(code, r, i->b), rv_null()) || !solution(vm, code, em, operand(code, r, i->b), &stop))
				return false;
			if (stop)
				return true;
			i = code->ins + i->t;
			goto again;
		case OP_EMIT_PATH:
			v = gather(vm, code, r, i->b, i->n + 1u, small);
			flag = v != NULL;
			for (uint32_t k = 0; flag && k <= i->n; k++)
				flag = charge_for(vm, v[k], rv_null());
			if (!flag || !doc_emit(vm, em, v, i->n, v[i->n], i->a != 0))
				return false;
			i = code->ins + i->t;
			goto again;
		case OP_ROW:
			v = gather(vm, code, r, i->b, i->n, small);
			if (!v || !add_row(vm, v, i->n))
				return false;
			i = code->ins + i->t;
			goto again;
		case OP_END:
			return true;
		}
	}
}

bool vm_run(struct vm *vm, const struct code *code, struct rv *r, struct emit *em)
{
	const struct loc *here = vm->here;
	struct frame *f = vm->frame;
	bool ok;

	if (vm->depth >= vm->max_depth)
		return vm_budget(vm, "depth", "too many nested calls (limit is %u)", vm->max_depth);
	vm->depth++;
	ok = run(vm, code, r, em);
	vm->depth--;
	vm->here = here;
	vm->frame = f;
	return ok;
}
