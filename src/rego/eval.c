/* One evaluation: from options to a result. */
#include <stdio.h>
#include <stdlib.h>

#include "base/sys.h"
#include "rego/host.h"
#include "rego/vm.h"
#include "rego/watch.h"

struct rego_result {
	struct arena *arena;	/* what the evaluation made */
	struct arena *out;	/* what is told of it: texts and explanations */
	const struct rego_query *q;
	struct rv *rows;
	size_t nrows;
	uint32_t width;
	struct rv value;
	bool has_error;
	struct rego_error error;
	struct rego_explanation *ex;
	size_t nex;
	size_t max_bytes;
};

static void set_error(struct rego_result *r, const struct vm *vm, const char *code, const char *message, const char *budget,
		      struct loc at)
{
	const struct rego_program *p = vm->prog;

	r->has_error = true;
	r->error = (struct rego_error){.code = code, .message = message ? message : "out of memory", .row = at.row,
				       .col = at.col, .budget = budget, .file = ""};
	if (at.mod < p->nmods)
		r->error.file = p->mod_names[at.mod];
}

static void drop_objects(struct vm *vm)
{
	for (uint32_t i = 0; i < vm->nobjects; i++) {
		if (vm->objects[i].drop)
			vm->objects[i].drop(vm->objects[i].object);
	}
}

static const char *op_name(uint8_t op)
{
	switch (op) {
	case OP_EQ:
		return "==";
	case OP_NE:
		return "!=";
	case OP_LT:
		return "<";
	case OP_LE:
		return "<=";
	case OP_GT:
		return ">";
	case OP_GE:
		return ">=";
	case OP_IN:
		return "in";
	default:
		return "";
	}
}

static const char *shown(struct arena *a, struct rv v)
{
	struct buf b = buf_in(a, 1 << 20);

	if (v.kind == RV_UNDEF)
		return NULL;
	rv_to_text(&b, v);
	if (b.n > 512) {
		b.n = 509;
		while (b.n && (b.p[b.n] & 0xc0) == 0x80)
			b.n--;
		buf_puts(&b, "...");
	}
	return buf_cstr(&b);
}

/* Characters in common at both ends: enough to find the digest that differs in a few places, or the nearby number. */
static size_t likeness(struct rv a, struct rv b)
{
	size_t n = 0, from = 0;

	if (a.kind != b.kind)
		return 0;
	if (a.kind == RV_NUMBER)
		return (size_t)1 << 20 >> (rv_ld(a) > rv_ld(b) ? (rv_ld(a) - rv_ld(b) > 20 ? 20 : (int)(rv_ld(a) - rv_ld(b)))
							       : (rv_ld(b) - rv_ld(a) > 20 ? 20 : (int)(rv_ld(b) - rv_ld(a))));
	if (a.kind != RV_STRING)
		return 1;
	while (from < a.str->n && from < b.str->n && a.str->p[from] == b.str->p[from])
		from++;
	while (n + from < a.str->n && n + from < b.str->n && a.str->p[a.str->n - 1 - n] == b.str->p[b.str->n - 1 - n])
		n++;
	return from + n + 1;
}

static const char *nearest(struct arena *a, struct rv x, struct rv coll)
{
	struct rv best = rv_undef();
	size_t high = 0;

	rv_open(coll);
	for (uint32_t i = 0; i < rv_len(coll) && i < 10000; i++) {
		struct rv m = coll.kind == RV_ARRAY ? rv_at(coll, i) : coll.kind == RV_OBJECT ? rv_val(coll, i) : rv_key(coll, i);
		size_t k = likeness(x, m);

		if (k > high) {
			high = k;
			best = m;
		}
	}
	return shown(a, best);
}

static void add_explanations(struct rego_result *r, const struct vm *vm)
{
	const struct rego_program *p = vm->prog;
	size_t n = 0, i;

	for (const struct explain *e = vm->explains; e; e = e->next)
		n++;
	r->ex = arena_array(r->out, n + 1, struct rego_explanation);
	if (!r->ex)
		return;
	i = n;
	for (const struct explain *e = vm->explains; e; e = e->next) {
		struct rego_explanation *x = &r->ex[--i];

		*x = (struct rego_explanation){.rule = e->group ? e->group->name : "", .file = "", .rule_row = e->rule->loc.row,
					       .row = e->at.row, .col = e->at.col, .len = e->at.len, .text = "",
					       .op = op_name(e->op)};
		if (e->at.mod < p->nmods) {
			x->file = p->mod_names[e->at.mod];
			x->text = arena_strndup(r->out, p->mod_texts[e->at.mod].p + e->at.off, e->at.len);
		}
		x->left = shown(r->out, e->left);
		x->right = shown(r->out, e->right);
		if (e->op == OP_IN)
			x->nearest = nearest(r->out, e->left, e->right);
	}
	r->nex = n;
}

/* The result as text would be larger than allowed. Text is at least as long as the weight, so only a result near the limit
 * is written to find out. */
static bool too_large(const struct rego_result *r, const struct vm *vm)
{
	uint64_t weight = 0;
	struct buf b = buf_in(r->out, r->max_bytes);
	size_t n = (size_t)vm->nrows * vm->row_width;

	for (size_t i = 0; i < n; i++)
		weight += rv_weight(vm->rows[i]);
	if (weight > r->max_bytes)
		return true;
	if (weight * 400 <= r->max_bytes)
		return false;
	for (size_t i = 0; i < n; i++)
		rv_to_json(&b, vm->rows[i]);
	return !buf_ok(&b);
}

/* Rows of which the value is false do not hold. */
static void take_rows(struct rego_result *r, const struct vm *vm)
{
	uint32_t w = vm->row_width;

	r->rows = vm->rows;
	r->width = w;
	r->value = vm->nrows ? rv_bool(true) : rv_undef();
	if (!r->q->has_value) {
		r->nrows = vm->nrows;
		return;
	}
	for (uint32_t i = 0; i < vm->nrows; i++) {
		struct rv v = vm->rows[(size_t)i * w + w - 1];

		if (i == 0)
			r->value = v;
		if (rv_is_false(v))
			continue;
		if (r->nrows != i)
			memmove(vm->rows + r->nrows * w, vm->rows + (size_t)i * w, w * sizeof(v));
		r->nrows++;
	}
}

static bool start(struct vm *vm, const struct rego_query *q, const struct rego_eval_options *o, struct arena *a)
{
	const struct rego_budget *b = &o->budget;
	size_t cache = q->prog->ngroups * sizeof(struct rv);
	struct frame *f;

	memset(vm, 0, offsetof(struct vm, objects));
	vm->prog = q->prog;
	vm->heap = rv_heap_in(a, b->memory_bytes ? b->memory_bytes : VM_MEMORY);
	vm->heap.chunk = 8192;
	vm->heap.tab = q->prog->tab;
	vm->max_steps = b->steps ? b->steps : 4000000;
	vm->next_look = vm->max_steps < 1024 ? vm->max_steps + 1 : 1024;
	vm->deadline = 0;
	vm->max_depth = b->depth ? b->depth : 256;
	vm->now_ns = o->now_ns;
	vm->cancel = o->cancel;
	vm->host_ctx = o->host_ctx;
	vm->print = o->print;
	vm->zone = o->zone;
	vm->strict = o->strict_errors != 0;
	vm->explain = o->explain != 0;
	vm->data = rv_undef();
	f = rv_alloc(&vm->heap, sizeof(*f));
	if (!f)
		return false;
	*f = (struct frame){.cache = rv_alloc(&vm->heap, cache + 1)};
	if (!f->cache)
		return false;
	memset(f->cache, 0, cache);
	vm->frame = f;
	return true;
}

static void evaluate(struct vm *vm, const struct rego_query *q, struct rego_result *r)
{
	struct emit em = {.conflict = ""};
	struct rv *old, *regs = vm_push(vm, q->code.nregs, &old);
	bool ok = regs && vm_run(vm, &q->code, regs, &em);

	r->q = q;
	for (size_t i = 0; ok && i < (size_t)vm->nrows * vm->row_width; i++)
		rv_open_all(vm->rows[i]);	/* the input's text need not outlive the evaluation */
	ok = ok && vm_heap_ok(vm);
	if (!ok) {
		vm_heap_ok(vm);
		set_error(r, vm, vm->failed ? vm->code : "eval_internal_error", vm->message, vm->budget, vm->at);
	} else if (vm->strict && vm->soft) {
		set_error(r, vm, vm->soft_code, vm->soft_message, NULL, vm->soft_at);
	} else if (too_large(r, vm)) {
		set_error(r, vm, "eval_cancel_error", "result is too large", "result", (struct loc){.mod = UINT32_MAX});
	} else {
		take_rows(r, vm);
	}
	if (!r->has_error && arena_bad(r->arena))
		set_error(r, vm, "eval_cancel_error", "evaluation needs too much memory", "memory", (struct loc){.mod = UINT32_MAX});
	if (vm->explain)
		add_explanations(r, vm);
}

static bool read_input(struct vm *vm, const struct rego_eval_options *o, struct rego_result *r)
{
	const char *err = NULL;

	if (o->data)
		vm->data = o->data->value;
	else
		vm->data = rv_empty_object(&vm->heap);
	if (o->input) {
		vm->frame->input = rv_lazy_json(&vm->heap, slice_of(o->input, o->input_len), &err, NULL);
		if (vm->frame->input.kind == RV_UNDEF) {
			bool full = rv_heap_bad(&vm->heap);

			set_error(r, vm, full ? "eval_cancel_error" : "eval_internal_error",
				  arena_printf(r->arena, "input: %s", err ? err : "not JSON"), full ? "memory" : NULL, (struct loc){.mod = UINT32_MAX});
			return false;
		}
	} else if (o->input_doc) {
		vm->frame->input = o->input_doc->value;
	}
	return true;
}

/* Beside the memory that is budgeted: the result's head, and the message of the error. */
#define MEMORY_BESIDE ((size_t)64 << 10)

/* What a caller built with an older header has not got is its default. */
static struct rego_eval_options own_options(const struct rego_eval_options *from)
{
	struct rego_eval_options o = {0};

	if (from)
		memcpy(&o, from, from->size && from->size < sizeof(o) ? from->size : sizeof(o));
	return o;
}

struct rego_result *rego_eval_watched(const struct rego_query *q, const struct rego_eval_options *options,
				      void (*see)(void *ctx, const struct loc *at), void *ctx)
{
	const struct rego_eval_options own = own_options(options), *o = &own;
	size_t memory = o->budget.memory_bytes ? o->budget.memory_bytes : VM_MEMORY;
	struct arena *a = arena_new(memory + MEMORY_BESIDE);
	struct rego_result *r;
	struct rego_query_state state __attribute__((uninitialized));	/* start() clears it */
	uint64_t time = o->budget.time_ns ? o->budget.time_ns : 100000000u;

	/* Registers and what a policy makes; places of the input's values, and those that it touches. One block costs less than
	 * several that double, and is small enough for the allocator to keep it. */
	arena_expect(a, ((size_t)28 << 10) + (o->input ? o->input_len / 14 * sizeof(uint64_t) + o->input_len / 2 : 0));
	r = ARENA_NEW(a, struct rego_result);
	if (!r) {
		arena_free(a);
		return NULL;
	}
	r->arena = a;
	r->q = q;
	r->max_bytes = o->budget.result_bytes ? o->budget.result_bytes : (size_t)16 << 20;
	r->out = arena_new(MEMORY_BESIDE + 3 * r->max_bytes);
	if (!r->out) {
		arena_free(a);
		return NULL;
	}
	if (!start(&state.vm, q, o, a)) {
		set_error(r, &state.vm, "eval_cancel_error", "evaluation needs too much memory", "memory", (struct loc){.mod = UINT32_MAX});
		return r;
	}
	state.vm.see = see;
	state.vm.see_ctx = ctx;
	if (see)
		state.vm.next_look = 0;
	state.vm.deadline = sys_monotonic_ns() + (int64_t)(time < INT64_MAX / 2 ? time : INT64_MAX / 2);
	if (read_input(&state.vm, o, r))
		evaluate(&state.vm, q, r);
	drop_objects(&state.vm);
	return r;
}

struct rego_result *rego_eval(const struct rego_query *q, const struct rego_eval_options *options)
{
	return rego_eval_watched(q, options, NULL, NULL);
}

void rego_result_free(struct rego_result *r)
{
	if (r) {
		arena_free(r->out);
		arena_free(r->arena);
	}
}

const struct rego_error *rego_result_error(const struct rego_result *r)
{
	return r->has_error ? &r->error : NULL;
}

size_t rego_result_rows(const struct rego_result *r)
{
	return r->has_error ? 0 : r->nrows;
}

static const char *as_json(const struct rego_result *r, struct rv v, size_t *len)
{
	struct buf b = buf_in(r->out, r->max_bytes);
	char *s;

	rv_to_json(&b, v);
	if (len)
		*len = b.n;
	s = buf_cstr(&b);
	return s;
}

const char *rego_result_row(const struct rego_result *r, size_t row, size_t *len)
{
	struct buf b = buf_in(r->out, r->max_bytes);

	if (r->has_error || row >= r->nrows)
		return NULL;
	buf_putc(&b, '{');
	for (uint32_t i = 0; i < r->q->ncols; i++) {
		if (i)
			buf_putc(&b, ',');
		json_write_quoted(&b, slice_cstr(r->q->names[i]));
		buf_putc(&b, ':');
		rv_to_json(&b, r->rows[row * r->width + i]);
	}
	buf_putc(&b, '}');
	if (len)
		*len = b.n;
	return buf_cstr(&b);
}

const char *rego_result_value(const struct rego_result *r, size_t *len)
{
	return r->has_error || r->value.kind == RV_UNDEF ? NULL : as_json(r, r->value, len);
}

int rego_result_allowed(const struct rego_result *r)
{
	return !r->has_error && r->nrows == 1 && rv_is_true(r->value);
}

size_t rego_result_explanations(const struct rego_result *r)
{
	return r->nex;
}

const struct rego_explanation *rego_result_explanation(const struct rego_result *r, size_t i)
{
	return i < r->nex ? &r->ex[i] : NULL;
}

uint32_t rego_result_columns(const struct rego_result *r)
{
	return r->q->ncols;
}

struct rv host_result(const struct rego_result *r)
{
	return r->has_error ? rv_undef() : r->value;
}

struct rego_doc *rego_doc_from_result(const struct rego_result *r)
{
	struct arena *a = arena_new((size_t)1 << 30);
	struct rv_heap h = rv_heap_in(a, 0);
	struct rego_doc *d = ARENA_NEW(a, struct rego_doc);
	struct rv v = d && !r->has_error ? rv_copy(&h, r->value) : rv_undef();

	if (v.kind == RV_UNDEF) {
		arena_free(a);
		return NULL;
	}
	rv_freeze(v);
	d->arena = a;
	d->value = v;
	return d;
}

struct rego_doc *rego_doc_from_row(const struct rego_result *r, size_t row)
{
	struct arena *a = arena_new((size_t)1 << 30);
	struct rv_heap h = rv_heap_in(a, 0);
	struct rego_doc *d = ARENA_NEW(a, struct rego_doc);
	struct rv_vec values = rv_vec(&h);

	if (!d || row >= rego_result_rows(r) || !r->q->nvalues) {
		arena_free(a);
		return NULL;
	}
	for (uint32_t i = r->width - r->q->nvalues; i < r->width; i++)
		rv_push(&values, rv_copy(&h, r->rows[row * r->width + i]));
	d->value = rv_vec_done(&values);
	if (d->value.kind == RV_UNDEF) {
		arena_free(a);
		return NULL;
	}
	rv_freeze(d->value);
	d->arena = a;
	return d;
}
