#include "rego/unit.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/num.h"
#include "rego/host.h"

/* Nesting of a result: what readers of JSON text take. */
#define RESULT_DEPTH 128u

static const char *const denied[] = {"http.send", "net.lookup_ip_addr", "opa.runtime", "rand.intn", "uuid.rfc4122"};

struct rego_unit {
	struct rego_program *program;
	struct rego_query *query[UNIT_QUERIES_MAX];
	size_t queries;
	atomic_uint refs;
};

struct rego_unit *rego_unit_ref(struct rego_unit *u)
{
	if (u)
		atomic_fetch_add(&u->refs, 1);
	return u;
}

void rego_unit_free(struct rego_unit *u)
{
	if (!u || atomic_fetch_sub(&u->refs, 1) != 1)
		return;
	for (size_t i = 0; i < u->queries; i++)
		rego_query_free(u->query[i]);
	rego_program_free(u->program);
	free(u);
}

static rc compile_error(struct rego_errors *errors, const char *name, const char *reason, struct why *w)
{
	const struct rego_error *e = errors && rego_errors_count(errors) ? rego_errors_at(errors, 0) : NULL;
	rc r = e ? deny(w, E_MALFORMED, reason, "%s:%u:%u: %s: %s", e->file[0] ? e->file : name, e->row, e->col, e->code, e->message)
		 : deny(w, E_MALFORMED, reason, "%s: the policy does not compile", name);

	rego_errors_free(errors);
	return r;
}

rc rego_unit_new(const char *name, struct slice text, const struct rego_host_fn *fns, size_t fns_n, const char *const *queries,
		 size_t queries_n, const char *reason, struct rego_unit **out, struct why *w)
{
	struct rego_module module = {name, (const char *)text.p, text.n};
	struct rego_compile_options options = {.size = sizeof(options),
					       .host_fns = fns,
					       .host_fn_count = fns_n,
					       .denied_builtins = denied,
					       .denied_builtin_count = COUNT_OF(denied),
					       .max_source_bytes = UNIT_TEXT_MAX};
	struct rego_errors *errors = NULL;
	struct rego_unit *u;

	if (queries_n > UNIT_QUERIES_MAX)
		return deny(w, E_INTERNAL, "rego.use", "too many queries");
	u = calloc(1, sizeof(*u));
	if (!u)
		return deny(w, E_INTERNAL, "rego.memory", "no memory");
	atomic_store(&u->refs, 1);
	u->program = rego_compile(&module, 1, &options, &errors);
	if (!u->program) {
		rego_unit_free(u);
		return compile_error(errors, name, reason, w);
	}
	rego_errors_free(errors);
	for (; u->queries < queries_n; u->queries++) {
		const char *q = queries[u->queries];

		errors = NULL;
		u->query[u->queries] = rego_query_compile(u->program, q, strlen(q), &errors);
		if (!u->query[u->queries]) {
			rego_unit_free(u);
			return compile_error(errors, name, reason, w);
		}
		rego_errors_free(errors);
	}
	*out = u;
	return rc_of(OK);
}

static void text_member(struct arena *a, struct json *o, const char *name, const char *text)
{
	if (text && text[0])
		json_set(a, o, name, json_new_cstr(a, text));
}

static struct json *explanations(struct arena *a, const struct rego_result *r)
{
	struct json *list = json_new_array(a);

	for (size_t i = 0; i < rego_result_explanations(r); i++) {
		const struct rego_explanation *e = rego_result_explanation(r, i);
		struct json *o = json_new_object(a);

		text_member(a, o, "rule", e->rule);
		text_member(a, o, "at", arena_printf(a, "%s:%u:%u", e->file, e->row, e->col));
		text_member(a, o, "expression", e->text);
		text_member(a, o, "op", e->op);
		text_member(a, o, "found", e->left);
		text_member(a, o, "expected", e->right);
		text_member(a, o, "nearest", e->nearest);
		json_push(a, list, o);
	}
	return list;
}

static rc eval_error(const struct rego_error *e, struct why *w)
{
	if (e->budget)
		return deny(w, E_LIMIT, "rego.budget", "the policy ran out of its budget of %s: %s", e->budget, e->message);
	return deny(w, E_DENIED, "rego.error", "%s:%u:%u: %s: %s", e->file, e->row, e->col, e->code, e->message);
}

/* ---- values without text in between ---- */

static rc ready_in(struct arena *a, const struct json *v, struct rego_doc *out, struct why *w)
{
	struct rv_heap h = rv_heap_in(a, 0);
	struct rv value = rv_from_doc(&h, v);

	if (value.kind != RV_UNDEF) {
		*out = (struct rego_doc){.value = value};
		return rc_of(OK);
	}
	if (h.deep)
		return deny(w, E_LIMIT, "rego.depth", "the policy's input nests too deep or holds too much (limits are %u levels, %u values)",
			    RV_MAX_DEPTH, RV_MAX_WEIGHT);
	if (h.bad)
		return deny(w, E_LIMIT, "rego.memory", "no room for the input of the policy");
	return deny(w, E_LIMIT, "rego.number", "the policy's input holds a number of more than %u digits", RV_MAX_DIGITS);
}

rc rego_unit_ready(struct arena *a, const struct json *v, const struct rego_doc **out, struct why *w)
{
	struct rego_doc *d = ARENA_NEW(a, struct rego_doc);

	if (!d)
		return deny(w, E_LIMIT, "rego.memory", "no room for the input of the policy");
	TRY(ready_in(a, v, d, w));
	*out = d;
	return rc_of(OK);
}

/* Keys that are no strings are written as text, and two keys may have the same one: such a result is read back like any
 * other text, which refuses that. */
static rc reread(struct arena *a, struct rv v, const struct json **out, struct why *w)
{
	struct buf b = buf_in(a, 0);
	struct json *doc;

	rv_to_json(&b, v);
	if (!buf_ok(&b))
		return deny(w, E_LIMIT, "rego.memory", "no room for the result of the policy");
	TRY(json_parse(a, buf_view(&b), &(struct json_limits){.max_depth = RESULT_DEPTH}, &doc, w));
	*out = doc;
	return rc_of(OK);
}

static rc take_value(struct arena *a, struct rv v, const struct json **out, struct why *w)
{
	if (v.kind == RV_UNDEF)
		return rc_of(OK);
	if (rv_depth(v) > RESULT_DEPTH)
		return deny(w, E_LIMIT, "rego.result", "the result of the policy nests deeper than %u", RESULT_DEPTH);
	*out = rv_to_doc(a, v);
	if (*out && !arena_bad(a))
		return rc_of(OK);
	return arena_bad(a) ? deny(w, E_LIMIT, "rego.memory", "no room for the result of the policy") : reread(a, v, out, w);
}

rc rego_unit_eval(const struct rego_unit *u, const struct rego_unit_call *call, struct arena *a, struct rego_unit_result *out,
		  struct why *w)
{
	struct rego_doc input, data;
	struct rego_eval_options o = {.size = sizeof(o),
				      .input_doc = call->ready,
				      .now_ns = call->now_ns,
				      .host_ctx = call->host_ctx,
				      .zone = host_zone,
				      .explain = call->explain};
	struct rego_unit_result result = {0};
	struct rego_result *r;
	rc x = rc_of(OK);

	if (!call->ready && call->input) {
		TRY(ready_in(a, call->input, &input, w));
		o.input_doc = &input;
	}
	if (call->data) {
		TRY(ready_in(a, call->data, &data, w));
		o.data = &data;
	}
	r = rego_eval(u->query[call->query], &o);
	if (!r)
		x = deny(w, E_INTERNAL, "rego.memory", "no memory to evaluate the policy");
	else if (rego_result_error(r))
		x = eval_error(rego_result_error(r), w);
	else
		x = take_value(a, host_result(r), &result.value, w);
	if (rc_ok(x) && call->explain)
		result.explanations = explanations(a, r);
	rego_result_free(r);
	if (rc_ok(x))
		*out = result;
	return x;
}
