/* The whole of an evaluation, and both ways of it. */
#include "base/sys.h"
#include "rego/walk_int.h"

/* ---- queries ---- */

struct k_row {
	struct k k;
	const struct rego_query *q;
	struct walk_result *r;
	struct rv_builder *rows;
	bool any;
};

/* The query's variables as the user named them. */
static struct rv row(struct walk *w)
{
	struct rv_heap *h = &walk_vm(w)->heap;
	struct rv_builder b = rv_object_builder(h, 0);

	for (const struct binding *x = w->env; x; x = x->up) {
		const struct var *v = x->var;

		if (!v || v->wildcard || (v->generated && !v->orig))
			continue;
		rv_object_put(&b, rv_cstr(h, var_shown(v)), x->value);
	}
	return rv_builder_done(&b);
}

static bool take_row(struct walk *w, const struct k *k, struct rv v)
{
	struct k_row *r = (struct k_row *)(uintptr_t)k;

	if (!r->any)
		r->r->value = r->q->has_value ? v : rv_bool(true);
	r->any = true;
	if (!r->q->has_value || !rv_is_false(v))
		rv_set_add(r->rows, row(w));
	return vm_heap_ok(walk_vm(w));
}

static void begin(struct walk *w, const struct rego_query *q, const struct rego_eval_options *o, struct arena *a,
                  struct scene *s)
{
	const struct rego_budget *b = &o->budget;
	uint64_t time = b->time_ns ? b->time_ns : 100000000u;
	struct vm *vm = walk_vm(w);

	vm->prog = w->prog = q->prog;
	vm->heap = rv_heap_in(a, b->memory_bytes ? b->memory_bytes : (size_t)48 << 20);
	vm->heap.tab = q->prog->tab;
	vm->max_steps = b->steps ? b->steps : 4000000;
	vm->next_look = vm->max_steps < 1024 ? vm->max_steps + 1 : 1024;
	vm->deadline = sys_monotonic_ns() + (int64_t)(time < INT64_MAX / 2 ? time : INT64_MAX / 2);
	vm->now_ns = o->now_ns;
	vm->host_ctx = o->host_ctx;
	vm->zone = o->zone;
	vm->strict = o->strict_errors != 0;
	w->data = o->data ? o->data->value : rv_empty_object(&vm->heap);
	w->scene = s;
	w->stack = __builtin_frame_address(0);
	*s = (struct scene){.input = rv_undef()};
	if (o->input)
		s->input = rv_from_json(&vm->heap, slice_of(o->input, o->input_len), NULL, NULL, NULL);
	else if (o->input_doc)
		s->input = o->input_doc->value;
	if (o->input && s->input.kind == RV_UNDEF)
		(void)vm_fail(vm, "eval_internal_error", "input: not JSON");
}

struct walk_result *walk_eval(const struct rego_query *q, const struct rego_eval_options *o, bool patient)
{
	struct arena *a = arena_new((size_t)1 << 30);
	struct walk_result *r = ARENA_NEW(a, struct walk_result);
	struct walk *w = ARENA_NEW(a, struct walk);
	struct rv_builder rows;
	struct k_row k = {.k = {take_row}, .q = q, .r = r, .rows = &rows};
	struct scene scene;
	struct vm *vm;

	if (!r || !w) {
		arena_free(a);
		return NULL;
	}
	*r = (struct walk_result){.arena = a, .value = rv_undef()};
	w->patient = patient;
	begin(w, q, o, a, &scene);
	vm = walk_vm(w);
	rows = rv_set_builder(&vm->heap, 0);
	if (!vm->failed)
		(void)walk_query(w, q, &k.k);
	r->rows = rv_builder_done(&rows);
	r->defined = k.any;
	(void)vm_heap_ok(vm);
	if (!vm->failed && vm->strict && vm->soft) {
		vm->failed = true;
		vm->code = vm->soft_code;
		vm->message = vm->soft_message;
	}
	if (vm->failed) {
		r->code = vm->code;
		r->budget = vm->budget;
		r->message = vm->message ? vm->message : "out of memory";
	}
	for (uint32_t i = 0; i < vm->nobjects; i++) {
		if (vm->objects[i].drop)
			vm->objects[i].drop(vm->objects[i].object);
	}
	return r;
}

void walk_free(struct walk_result *r)
{
	if (r)
		arena_free(r->arena);
}

/* ---- both ways ---- */

static const char *shown(struct rv_heap *h, const char *code, const char *message, struct rv value, struct rv rows)
{
	struct rv v = rv_text_value(h, value), all = rv_text_value(h, rows);

	if (code)
		return arena_printf(h->arena, "%s: %s", code, message);
	return arena_printf(h->arena, "%s, rows %s",
	                    value.kind == RV_UNDEF ? "undefined"
	                    : v.kind == RV_STRING  ? v.str->p
	                                           : "?",
	                    all.kind == RV_STRING ? all.str->p : "?");
}

/* Sets become arrays and keys text. */
static struct rv through_json(struct rv_heap *h, struct rv v)
{
	struct rv t = rv_json_value(h, v);

	return t.kind == RV_STRING ? rv_from_json(h, rv_slice(t), NULL, NULL, NULL) : rv_undef();
}

static struct rv rows_of(struct rv_heap *h, const struct rego_result *r)
{
	struct rv_builder b = rv_set_builder(h, 0);

	for (size_t i = 0; i < rego_result_rows(r); i++) {
		size_t n = 0;
		const char *s = rego_result_row(r, i, &n);
		struct rv v = s ? rv_from_json(h, slice_of(s, n), NULL, NULL, NULL) : rv_undef();

		if (v.kind != RV_UNDEF)
			rv_set_add(&b, v);
	}
	return rv_builder_done(&b);
}

static struct rv walked_rows(struct rv_heap *h, struct rv rows)
{
	struct rv_builder b = rv_set_builder(h, 0);

	for (uint32_t i = 0; i < rv_len(rows); i++)
		rv_set_add(&b, through_json(h, rv_key(rows, i)));
	return rv_builder_done(&b);
}

enum walk_verdict walk_compare(struct arena *a, const struct rego_query *q, const struct rego_eval_options *o,
                               const char **text)
{
	struct rv_heap h = rv_heap_in(a, 0);
	struct rego_result *r = rego_eval(q, o);
	struct rego_eval_options more = *o;
	const struct rego_error *e = r ? rego_result_error(r) : NULL;
	struct rego_doc *d = r && !e ? rego_doc_from_result(r) : NULL;
	struct rv value = d ? d->value : rv_undef(), rows = r && !e ? rows_of(&h, r) : rv_empty_set(&h),
	          walked = rv_empty_set(&h);
	enum walk_verdict verdict = WALK_BUDGET;
	struct walk_result *w = NULL;

	*text = "out of memory";
	more.budget.steps = 20 * (o->budget.steps ? o->budget.steps : 4000000);
	more.budget.memory_bytes = (size_t)512 << 20;
	more.budget.time_ns = 20 * (o->budget.time_ns ? o->budget.time_ns : 100000000u);
	for (int patient = 0; patient < 2; patient++) {
		w = walk_eval(q, &more, patient);
		if (!r || !w || (e && e->budget) || w->budget)
			break;
		verdict = WALK_DIFFERS;
		walked = w->code ? walked : walked_rows(&h, w->rows);
		if (e && w->code ? strcmp(e->code, w->code) == 0
		                 : !e && !w->code && rv_cmp(value, w->value) == 0 && rv_cmp(rows, walked) == 0)
			verdict = WALK_SAME;
		if (verdict == WALK_SAME || e || !w->code || patient)
			break;
		walk_free(w); /* the plan may have stopped before it met the error */
	}
	if (r && w)
		*text = arena_printf(a, "plan: %s; walk: %s",
		                     shown(&h, e ? e->code : NULL, e ? e->message : "", value, rows),
		                     shown(&h, w->code, w->message, w->value, walked));
	walk_free(w);
	rego_doc_free(d);
	rego_result_free(r);
	return verdict;
}
