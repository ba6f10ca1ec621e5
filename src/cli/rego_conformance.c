/* rego-conformance DIR...: runs cases of the conformance pack (its README tells the schema) and compares.
 *
 * One row a category; -v lists failing ids with what was expected and what came; --known FILE: ids that may fail, and
 * must; what passed by a rule of its own is counted apart; --walk: holds every evaluation against that of the plain walk (rego/walk.h), whatever was expected. Ends with
 * `N passed, N failed, N skipped`; exit 0 only when something ran and nothing failed.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/sys.h"
#include "rego/host.h"
#include "rego/walk.h"

struct tool {
	bool verbose, tap, walk;
	struct arena *keep;
	struct rv known;	/* set of ids */
	unsigned passed, failed, skipped, surprises, rows, relaxed, soft;
	unsigned in_passed, in_failed, in_skipped;
	const char *list;	/* where failing ids are written */
	FILE *list_file;
};

/* What one case gave. */
struct outcome {
	bool ok, skip;
	bool soft;	/* only the code of the error is as expected */
	bool relaxed;	/* strict errors ended it: it was evaluated again without them */
	const char *detail;
};

static const struct rv *get(struct rv c, const char *key)
{
	return rv_get_c(c, key);
}

static bool flag(struct rv c, const char *key)
{
	const struct rv *v = get(c, key);

	return v && rv_is_true(*v);
}

static const char *text(struct rv c, const char *key)
{
	const struct rv *v = get(c, key);

	return v && v->kind == RV_STRING ? v->str->p : NULL;
}

static const char *json_of(struct rv_heap *h, struct rv v)
{
	struct rv t = v.kind == RV_UNDEF ? rv_cstr(h, "undefined") : rv_json_value(h, v);

	return t.kind == RV_STRING ? t.str->p : "(no memory)";
}

/* Sets as sorted arrays, keys as text: through JSON and back. */
static struct rv plain(struct rv_heap *h, struct rv v)
{
	struct rv t = rv_json_value(h, v);

	return t.kind == RV_STRING ? rv_from_json(h, rv_slice(t), NULL, NULL, NULL) : rv_undef();
}

static struct rv sorted_array(struct rv_heap *h, struct rv a)
{
	struct rv *items;

	if (a.kind != RV_ARRAY)
		return a;
	items = rv_alloc(h, a.arr->n * sizeof(*items) + 1);
	if (!items)
		return a;
	for (uint32_t i = 0; i < a.arr->n; i++) {
		uint32_t k = i;

		for (; k > 0 && rv_cmp(items[k - 1], a.arr->items[i]) > 0; k--)
			items[k] = items[k - 1];
		items[k] = a.arr->items[i];
	}
	return rv_array_own(h, items, a.arr->n);
}

static struct rv sort_bindings(struct rv_heap *h, struct rv row)
{
	struct rv_builder b = rv_object_builder(h, rv_len(row));

	for (uint32_t i = 0; i < rv_len(row); i++)
		rv_object_put(&b, rv_key(row, i), sorted_array(h, rv_val(row, i)));
	return rv_builder_done(&b);
}

/* The builtin that only the suite has. */
static void test_sleep(void *ctx, struct rego_host_call *c)
{
	(void)ctx;
	(void)rego_host_reply_json(c, "null", 4);
}

static const struct rego_host_fn host_fns[] = {{"test.sleep", 1, 1, test_sleep}};

static struct rego_program *compile(struct rv_heap *h, struct rv c, bool v0, struct rego_errors **errors, bool parse_only)
{
	const struct rv *mods = get(c, "modules");
	uint32_t n = mods ? rv_len(*mods) : 0;
	struct rego_module *m = rv_alloc(h, (n + 1) * sizeof(*m));
	struct rego_compile_options o = {.size = sizeof(o), .dialect = v0 ? REGO_V0 : REGO_V1, .max_errors = 50};

	o.strict = flag(c, "strict");
	o.experimental_keywords = flag(c, "experimental_keywords");
	o.keep_print = flag(c, "print_statements");
	o.parse_only = parse_only;
	/* that engine has no static types: its cases look at what the evaluation gives */
	o.lenient_types = text(c, "id") && strncmp(text(c, "id"), "regorus/", 8) == 0 && !flag(c, "want_fail");
	o.host_fns = host_fns;
	o.host_fn_count = 1;
	if (!m)
		return NULL;
	for (uint32_t i = 0; i < n; i++) {
		struct rv t = rv_at(*mods, i), name = rv_strf(h, parse_only || get(c, "want_errors") || get(c, "want_ok") ? "mod%u.rego"
											      : "test-%u.rego", i);

		m[i] = (struct rego_module){.name = name.str->p, .text = t.str->p, .len = t.str->n};
	}
	return rego_compile(m, n, &o, errors);
}

static struct outcome fail_compile(struct rv_heap *h, const struct rego_errors *e, const char *what)
{
	const struct rego_error *first = rego_errors_at(e, 0);

	return (struct outcome){.detail = rv_strf(h, "%s: %s:%u:%u: %s: %s", what, first ? first->file : "", first ? first->row : 0,
						  first ? first->col : 0, first ? first->code : "", first ? first->message : "").str->p};
}

struct run {
	struct rego_program *p;
	struct rego_query *q;
	struct rego_doc *data, *input;
	struct rego_result *r;
	struct rego_errors *errors;
};

static void run_free(struct run *x)
{
	rego_result_free(x->r);
	rego_query_free(x->q);
	rego_program_free(x->p);
	rego_doc_free(x->data);
	rego_doc_free(x->input);
	rego_errors_free(x->errors);
}

static struct rego_doc *doc_of(struct rv_heap *h, struct rv v)
{
	struct rv t = rv_json_value(h, v);

	return t.kind == RV_STRING ? rego_doc_parse(t.str->p, t.str->n) : NULL;
}

/* The input given as a term: evaluated by the engine itself. */
static struct rego_doc *term_input(const char *term)
{
	struct rego_program *p = rego_compile(NULL, 0, NULL, NULL);
	struct rego_query *q = p ? rego_query_compile(p, term, strlen(term), NULL) : NULL;
	struct rego_result *r = q ? rego_eval(q, NULL) : NULL;
	struct rego_doc *d = r ? rego_doc_from_result(r) : NULL;

	rego_result_free(r);
	rego_query_free(q);
	rego_program_free(p);
	return d;
}

/* As text, which is how services that get JSON hand it in. */
static void text_input(struct rv_heap *h, struct rv v, struct rego_eval_options *o)
{
	struct rv t = rv_json_value(h, v);

	if (t.kind == RV_STRING) {
		o->input = t.str->p;
		o->input_len = t.str->n;
	}
}

static const struct rego_budget roomy = {.steps = 200000000, .time_ns = 60000000000u, .memory_bytes = (size_t)512 << 20};

/* False: *out says why the case fails. */
static bool start(struct rv_heap *h, struct rv c, struct run *x, struct rego_eval_options *o, struct outcome *out)
{
	const struct rv *data = get(c, "data"), *input = get(c, "input");
	const char *query = text(c, "query"), *term = text(c, "input_term");

	x->p = compile(h, c, flag(c, "v0"), &x->errors, false);
	if (!x->p) {
		*out = fail_compile(h, x->errors, "compile");
		return false;
	}
	x->q = rego_query_compile(x->p, query, strlen(query), &x->errors);
	if (!x->q) {
		*out = fail_compile(h, x->errors, "query");
		return false;
	}
	*o = (struct rego_eval_options){.size = sizeof(*o), .budget = roomy, .zone = host_zone, .strict_errors = flag(c, "strict_error"),
					.now_ns = clock_now_ns(&clock_system)};
	if (data)
		o->data = x->data = doc_of(h, *data);
	if (term)
		o->input_doc = x->input = term_input(term);
	else if (input)
		text_input(h, *input, o);
	if ((term || input) && !x->input && !o->input) {
		out->detail = "the case's input was not understood";
		return false;
	}
	return true;
}

static struct rv row_set(struct rv_heap *h, const struct rego_result *r, bool sort)
{
	struct rv_builder b = rv_set_builder(h, 0);

	for (size_t i = 0; i < rego_result_rows(r); i++) {
		size_t n;
		const char *s = rego_result_row(r, i, &n);
		struct rv v = s ? rv_from_json(h, slice_of(s, n), NULL, NULL, NULL) : rv_undef();

		rv_set_add(&b, sort ? sort_bindings(h, v) : v);
	}
	return rv_builder_done(&b);
}

static bool soft_text(struct rv c)
{
	static const char *const start[] = {"/graphql", "/jwt", "/crypto", "/uribuiltins", "/regex"};
	const char *id = text(c, "id");

	for (size_t i = 0; id && i < sizeof(start) / sizeof(*start); i++) {
		if (strstr(id, start[i]))
			return true;
	}
	return false;
}

static struct outcome eval_case(struct rv_heap *h, struct rv c)
{
	struct run x = {0};
	struct rego_eval_options o;
	struct outcome out = {0};
	const struct rv *want = get(c, "want_result"), *defined = get(c, "want_defined");
	const char *want_code = text(c, "want_error_code"), *want_error = text(c, "want_error");
	const struct rego_error *e;

	if (!start(h, c, &x, &o, &out))
		goto done;
	x.r = rego_eval(x.q, &o);
	e = x.r ? rego_result_error(x.r) : NULL;
	if (want_code || want_error) {
		const char *shown = e ? rv_strf(h, "%s:%u: %s: %s", e->file, e->row, e->code, e->message).str->p : "no error";

		out.soft = want_error && want_code && !strstr(shown, want_error) && soft_text(c);
		out.ok = e && (!want_code || strcmp(want_code, e->code) == 0) &&
			 (!want_error || strstr(shown, want_error) || out.soft);
		out.detail = rv_strf(h, "expected error %s %s, got %s", want_code ? want_code : "", want_error ? want_error : "",
				     shown).str->p;
	} else if (e || !x.r) {
		out.detail = rv_strf(h, "error %s:%u: %s: %s", e ? e->file : "", e ? e->row : 0, e ? e->code : "",
				     e ? e->message : "").str->p;
	} else if (defined && rv_is_false(*defined)) {
		out.ok = rego_result_rows(x.r) == 0;
		out.detail = "expected undefined";
	} else if (want) {
		bool sort = flag(c, "sort_bindings");
		struct rv got = row_set(h, x.r, sort), expect;
		struct rv_builder b = rv_set_builder(h, 0);

		for (uint32_t i = 0; i < rv_len(*want); i++) {
			struct rv row = plain(h, rv_at(*want, i));

			rv_set_add(&b, sort ? sort_bindings(h, row) : row);
		}
		expect = rv_builder_done(&b);
		out.ok = rv_eq(got, expect);
		out.detail = rv_strf(h, "expected %s, got %s", json_of(h, expect), json_of(h, got)).str->p;
	} else {
		out.ok = true;	/* the case asks for nothing but that it compiles and ends without error */
	}
done:
	run_free(&x);
	return out;
}

/* regorus: sets and objects in its own notation. */
static struct rv regorus_value(struct rv_heap *h, struct rv v)
{
	const struct rv *inner;

	if (v.kind == RV_ARRAY) {
		struct rv_vec a = rv_vec(h);

		for (uint32_t i = 0; i < rv_len(v); i++)
			rv_push(&a, regorus_value(h, rv_at(v, i)));
		return rv_vec_done(&a);
	}
	if (v.kind != RV_OBJECT)
		return v;
	inner = get(v, "set!");
	if (inner && rv_len(v) == 1) {
		struct rv_builder b = rv_set_builder(h, 0);

		for (uint32_t i = 0; i < rv_len(*inner); i++)
			rv_set_add(&b, regorus_value(h, rv_at(*inner, i)));
		return rv_builder_done(&b);
	}
	inner = get(v, "object!");
	{
		struct rv_builder b = rv_object_builder(h, 0);

		if (inner && rv_len(v) == 1) {
			for (uint32_t i = 0; i < rv_len(*inner); i++) {
				const struct rv *key = get(rv_at(*inner, i), "key"), *val = get(rv_at(*inner, i), "value");

				if (key && val)
					rv_object_put(&b, regorus_value(h, *key), regorus_value(h, *val));
			}
		} else {
			for (uint32_t i = 0; i < rv_len(v); i++)
				rv_object_put(&b, rv_key(v, i), regorus_value(h, rv_val(v, i)));
		}
		return rv_builder_done(&b);
	}
}

/* What a query gave: the object of its bindings, the value of its expression, or the values when it has several. */
static struct rv regorus_got(struct rv_heap *h, const struct rego_result *r, size_t row)
{
	struct rego_doc *d = rego_result_columns(r) ? NULL : rego_doc_from_row(r, row);
	struct rv v = rv_undef();
	const char *s;
	size_t n;

	if (d && rv_len(d->value) > 1) {
		v = rv_copy(h, d->value);
		rego_doc_free(d);
		return v;
	}
	rego_doc_free(d);
	if (rego_result_columns(r)) {
		s = rego_result_row(r, 0, &n);
		return s ? rv_from_json(h, slice_of(s, n), NULL, NULL, NULL) : v;
	}
	d = rego_doc_from_result(r);
	if (d)
		v = rv_copy(h, d->value);
	rego_doc_free(d);
	return v;
}

static bool regorus_same(struct rv_heap *h, struct rv value, struct rv want)
{
	if (rv_is_str(want, "#undefined"))
		return value.kind == RV_UNDEF;
	if (value.kind == RV_UNDEF)
		return want.kind == RV_OBJECT && rv_len(want) == 0;
	want = regorus_value(h, want);
	/* keys and sets are written either as they are, or as JSON has them */
	return rv_eq(value, want) || rv_eq(plain(h, value), plain(h, want));
}

/* What that engine takes for undefined though it is strict, such as an operand of 1.5 for a whole number, is an error of
 * strict mode here: where values are wanted, the failing call counts as undefined then. */
static struct rego_result *regorus_eval(const struct run *x, struct rego_eval_options *o, bool want_values, bool *relaxed)
{
	struct rego_result *r = rego_eval(x->q, o);
	const struct rego_error *e = r ? rego_result_error(r) : NULL;

	if (!e || !want_values || (strcmp(e->code, "eval_type_error") != 0 && strcmp(e->code, "eval_builtin_error") != 0))
		return r;
	rego_result_free(r);
	*relaxed = true;
	o->strict_errors = 0;
	r = rego_eval(x->q, o);
	o->strict_errors = 1;
	return r;
}

static struct outcome regorus_case(struct rv_heap *h, struct rv c)
{
	struct run x = {0};
	struct rego_eval_options o;
	struct outcome out = {0};
	const struct rv *want = get(c, "want_values"), *inputs = get(c, "inputs");
	uint32_t n = want ? rv_len(*want) : 1;
	bool fail = flag(c, "want_fail"), ok;

	ok = start(h, c, &x, &o, &out);
	for (uint32_t i = 0; ok && i < n; i++) {
		const struct rego_error *e;

		if (inputs && i < rv_len(*inputs))
			text_input(h, rv_at(*inputs, i), &o);
		x.r = regorus_eval(&x, &o, want && !fail, &out.relaxed);
		e = x.r ? rego_result_error(x.r) : NULL;
		if (e || !x.r) {
			out.detail = rv_strf(h, "error %s: %s", e ? e->code : "", e ? e->message : "").str->p;
			ok = false;
		} else if (want && !fail) {
			struct rv got = regorus_got(h, x.r, inputs && i < rv_len(*inputs) ? 0 : i);

			ok = regorus_same(h, got, rv_at(*want, i));
			out.detail = rv_strf(h, "expected %s, got %s", json_of(h, rv_at(*want, i)), json_of(h, got)).str->p;
		}
		rego_result_free(x.r);
		x.r = NULL;
	}
	if (fail && ok)
		out.detail = "expected a failure";
	out.ok = ok != fail;
	run_free(&x);
	return out;
}

static bool error_matches(struct rv want, const struct rego_error *e, bool exact)
{
	const char *code = text(want, "code"), *message = text(want, "message");
	const struct rv *row = get(want, "row"), *col = get(want, "col"), *mod = get(want, "module");
	int64_t n;
	char name[32];

	if (code && strcmp(code, e->code) != 0)
		return false;
	if (message && (exact ? strcmp(message, e->message) != 0 : !strstr(e->message, message) && strcmp(message, e->code) != 0))
		return false;
	if (row && rv_i64(*row, &n) && n != e->row)
		return false;
	if (col && rv_i64(*col, &n) && n != e->col)
		return false;
	if (mod && rv_i64(*mod, &n)) {
		snprintf(name, sizeof(name), "mod%d.rego", (int)n);
		if (e->file[0] && strcmp(name, e->file) != 0)
			return false;
	}
	return true;
}

static struct outcome compile_case(struct rv_heap *h, struct rv c)
{
	struct outcome out = {0};
	struct rego_errors *errors = NULL;
	const char *version = text(c, "rego_version");
	const struct rv *want = get(c, "want_errors");
	struct rego_program *p = compile(h, c, version && strcmp(version, "v0") == 0, &errors, flag(c, "want_parse_ok"));
	size_t n = rego_errors_count(errors);

	if (flag(c, "want_ok") || flag(c, "want_parse_ok")) {
		out = p ? (struct outcome){.ok = true} : fail_compile(h, errors, "compile");
	} else if (want) {
		out.ok = !p;
		for (uint32_t i = 0; i < rv_len(*want) && out.ok; i++) {
			bool found = false;

			for (size_t k = 0; k < n && !found; k++)
				found = error_matches(rv_at(*want, i), rego_errors_at(errors, k), flag(c, "exact_messages"));
			out.ok = found;
		}
		if (out.ok && flag(c, "exhaustive"))
			out.ok = n <= rv_len(*want);
		{
			struct buf b = buf_in(h->arena, 0);

			buf_printf(&b, "expected %s, got", json_of(h, *want));
			for (size_t k = 0; k < n; k++) {
				const struct rego_error *e = rego_errors_at(errors, k);

				buf_printf(&b, " [%s:%u:%u %s: %s]", e->file, e->row, e->col, e->code, e->message);
			}
			if (p)
				buf_puts(&b, " no error");
			out.detail = buf_cstr(&b);
		}
	}
	rego_program_free(p);
	rego_errors_free(errors);
	return out;
}

/* Evaluated by the plan and by the walk, for each input. */
static struct outcome walk_case(struct rv_heap *h, struct rv c)
{
	const struct rv *inputs = get(c, "inputs");
	uint32_t n = inputs ? rv_len(*inputs) : 1;
	struct outcome out = {.ok = true};
	struct rego_eval_options o;
	struct run x = {0};

	out.skip = !text(c, "query") || !start(h, c, &x, &o, &out);
	for (uint32_t i = 0; !out.skip && out.ok && i < n; i++) {
		struct rego_doc *d = inputs ? doc_of(h, rv_at(*inputs, i)) : NULL;

		if (d)
			o.input_doc = d;
		out.ok = walk_compare(h->arena, x.q, &o, &out.detail) == WALK_SAME;
		rego_doc_free(d);
	}
	run_free(&x);
	return out;
}

static struct outcome one_case(struct rv_heap *h, struct rv c)
{
	if (get(c, "want_errors") || get(c, "want_ok") || get(c, "want_parse_ok"))
		return compile_case(h, c);
	if (!text(c, "query"))
		return (struct outcome){.skip = true};
	if (get(c, "want_values") || get(c, "want_fail"))
		return regorus_case(h, c);
	return eval_case(h, c);
}

static void run_case(struct tool *t, struct rv c)
{
	struct arena *a = arena_new((size_t)1 << 30);
	struct rv_heap h = rv_heap_in(a, 0);
	struct outcome out = t->walk ? walk_case(&h, c) : one_case(&h, c);
	const struct rv *id = get(c, "id");
	bool known = id && t->known.kind == RV_SET && rv_get(t->known, *id);

	if (out.skip) {
		t->in_skipped++;
	} else if (out.ok) {
		t->in_passed++;
		t->relaxed += out.relaxed;
		t->soft += out.soft;
		if (known)
			printf("# %s passes now: take it off the list\n", id->str->p);
		if (t->verbose && (out.relaxed || out.soft))
			printf("  by rule %s: %s\n", id ? id->str->p : "?", out.relaxed ? "without strict errors" : "the error's code alone");
	} else {
		t->in_failed++;
		if (t->list_file && id)
			fprintf(t->list_file, "%s\n", id->str->p);
		if (!known)
			t->surprises++;
		if (t->verbose || (t->tap && !known))
			printf("%s  FAIL %s: %s\n", t->tap ? "#" : "", id ? id->str->p : "?", out.detail ? out.detail : "");
	}
	arena_free(a);
}

static void run_file(struct tool *t, const char *path)
{
	struct arena *a = arena_new((size_t)1 << 30);
	struct rv_heap h = rv_heap_in(a, 0);
	struct slice s;
	struct rv cases;
	unsigned before = t->surprises;

	t->in_passed = t->in_failed = t->in_skipped = 0;
	if (!rc_ok(file_read(a, path, (size_t)256 << 20, &s, NULL))) {
		arena_free(a);
		return;
	}
	cases = rv_from_json(&h, s, NULL, NULL, NULL);
	if (cases.kind == RV_ARRAY && rv_len(cases) && get(rv_at(cases, 0), "id")) {
		for (uint32_t i = 0; i < rv_len(cases); i++)
			run_case(t, rv_at(cases, i));
		t->rows++;
		if (t->tap)
			printf("%s %u - %s %u passed %u failed\n", t->surprises == before ? "ok" : "not ok", t->rows, path + (strlen(path) > 40 ? strlen(path) - 40 : 0),
			       t->in_passed, t->in_failed);
		else
			printf("%-60s %5u passed %5u failed %5u skipped\n", path, t->in_passed, t->in_failed, t->in_skipped);
	}
	t->passed += t->in_passed;
	t->failed += t->in_failed;
	t->skipped += t->in_skipped;
	arena_free(a);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void run_dir(struct tool *t, const char *dir, unsigned depth)
{
	struct dirent **names = NULL;
	int n = depth > 8 ? -1 : scandir(dir, &names, NULL, by_name);

	for (int i = 0; i < n; i++) {
		char path[4096];
		size_t len = strlen(names[i]->d_name);

		snprintf(path, sizeof(path), "%s/%s", dir, names[i]->d_name);
		if (names[i]->d_name[0] == '.' || strcmp(names[i]->d_name, "bench") == 0)
			;
		else if (len > 5 && strcmp(names[i]->d_name + len - 5, ".json") == 0)
			run_file(t, path);
		else
			run_dir(t, path, depth + 1);
		free(names[i]);
	}
	if (n < 0) {
		size_t len = strlen(dir);

		if (len > 5 && strcmp(dir + len - 5, ".json") == 0)
			run_file(t, dir);
	}
	free(names);
}

/* Lines are ids; what follows a space and lines that start with # are remarks. */
static bool read_known(struct tool *t, const char *path)
{
	struct rv_heap h = rv_heap_in(t->keep, 0);
	struct rv_builder b = rv_set_builder(&h, 0);
	struct slice s;

	if (!rc_ok(file_read(t->keep, path, 1 << 24, &s, NULL)))
		return false;
	for (size_t i = 0; i < s.n;) {
		size_t end = i, stop;

		while (end < s.n && s.p[end] != '\n')
			end++;
		for (stop = i; stop < end && s.p[stop] != ' ' && s.p[stop] != '\t'; stop++)
			;
		if (stop > i && s.p[i] != '#')
			rv_set_add(&b, rv_str(&h, s.p + i, stop - i));
		i = end + 1;
	}
	t->known = rv_builder_done(&b);
	return t->known.kind == RV_SET;
}

int main(int argc, char **argv)
{
	struct tool t = {.keep = arena_new(0)};
	int dirs = 0;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-v") == 0) {
			t.verbose = true;
		} else if (strcmp(argv[i], "--tap") == 0) {
			t.tap = true;
		} else if (strcmp(argv[i], "--walk") == 0) {
			t.walk = true;
		} else if (strcmp(argv[i], "--known") == 0 && i + 1 < argc) {
			if (!read_known(&t, argv[++i])) {
				fprintf(stderr, "rego-conformance: cannot read %s\n", argv[i]);
				return 2;
			}
		} else if (strcmp(argv[i], "--write-failing") == 0 && i + 1 < argc) {
			t.list_file = fopen(argv[++i], "we");
		} else {
			run_dir(&t, argv[i], 0);
			dirs++;
		}
	}
	if (t.list_file)
		fclose(t.list_file);
	arena_free(t.keep);
	if (!dirs) {
		fprintf(stderr,
		        "usage: rego-conformance [-v] [--tap] [--walk] [--known FILE] [--write-failing FILE] DIR...\n");
		return 2;
	}
	if (t.tap) {
		if (!t.rows)
			printf("ok 1 - conformance # SKIP the pack is not there\n1..1\n");
		else
			printf("1..%u\n", t.rows);
		return t.surprises ? 1 : 0;
	}
	if (t.passed + t.failed + t.skipped == 0) { /* where nothing ran, nothing passed */
		fprintf(stderr, "rego-conformance: no cases there\n");
		return 2;
	}
	if (t.soft)
		printf("of those that passed, %u by the code of the error alone: the text is a library's of the reference (-v names them)\n",
		       t.soft);
	if (t.relaxed)
		printf("of those that passed, %u evaluated again without strict errors: what regorus takes for undefined (-v names them)\n",
		       t.relaxed);
	printf("%u passed, %u failed, %u skipped\n", t.passed, t.failed, t.skipped);
	return t.failed ? 1 : 0;
}
