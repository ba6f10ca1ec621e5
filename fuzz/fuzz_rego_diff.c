/* A policy evaluated by the plan and by the plain walk of its tree: the same value, or the same kind of error.
 *
 * 'T', a policy, a zero byte, an input: as they are; every rule of package p and the whole of data are asked for. Anything else is
 * the choices of rego_gen.h. REGO_DIFF_SHOW=1 in the environment prints the policies.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "rego/walk.h"
#include "rego_gen.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
	struct arena *a;
	struct rego_module mods[2];
	size_t nmods;
	struct rego_eval_options o;
	bool show;
};

static const char *cstr(struct buf *b)
{
	const char *s = buf_cstr(b);

	return s ? s : "";
}

static void show(const struct world *w, const char *query, const char *text)
{
	for (size_t i = 0; i < w->nmods; i++)
		fprintf(stderr, "%.*s---\n", (int)w->mods[i].len, w->mods[i].text);
	fprintf(stderr, "input %.*s\n%s%s: %s\n", (int)w->o.input_len, w->o.input ? w->o.input : "", w->o.strict_errors ? "strict " : "", query,
		text);
}

static void both_ways(const struct world *w, const struct rego_program *p, const char *query)
{
	struct rego_query *q = rego_query_compile(p, query, strlen(query), NULL);
	const char *text = "not compiled";

	if (q && walk_compare(w->a, q, &w->o, &text) == WALK_DIFFERS) {
		show(w, query, text);
		abort();
	}
	if (w->show)
		fprintf(stderr, "%s: %s\n", query, text);
	rego_query_free(q);
}

static void run(struct world *w, const char *query)
{
	struct rego_compile_options c = {.size = sizeof(c), .lenient_types = 1};
	struct rego_errors *e = NULL;
	struct rego_program *p = rego_compile(w->mods, w->nmods, &c, &e);

	if (w->show)
		show(w, "", p ? "compiled" : rego_errors_at(e, 0)->message);
	if (p) {
		both_ways(w, p, "data");
		both_ways(w, p, "data.p");
		if (query)
			both_ways(w, p, query);
	}
	rego_errors_free(e);
	rego_program_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world w = {.a = arena_new(0), .show = getenv("REGO_DIFF_SHOW") != NULL};
	struct rego_doc *doc = NULL;

	w.o = (struct rego_eval_options){.size = sizeof(w.o),
					 .budget = {.steps = 20000, .memory_bytes = 8 << 20, .time_ns = 5000000000u, .result_bytes = 1 << 20}};
	if (size > 20000 || !w.a) {
		arena_free(w.a);
		return 0;
	}
	if (size && data[0] == 'T') {
		const uint8_t *cut = memchr(data, 0, size);
		size_t n = cut ? (size_t)(cut - data) : size;

		w.mods[0] = (struct rego_module){"p.rego", (const char *)data + 1, n - 1};
		w.nmods = 1;
		if (cut) {
			w.o.input = (const char *)cut + 1;
			w.o.input_len = size - n - 1;
		}
		run(&w, NULL);
	} else {
		struct buf b = buf_in(w.a, 1 << 20), tmp = buf_in(w.a, 1 << 20);
		struct gen g;

		gen_begin(&g, data, size);
		g.b = &b;
		w.o.strict_errors = gen_pick(&g, 4) == 3;
		if (gen_pick(&g, 8) != 7) {
			gen_json(&g, 3);
			w.o.input = arena_strdup(w.a, cstr(&b));
			w.o.input_len = w.o.input ? strlen(w.o.input) : 0;
		}
		b.n = 0;
		buf_puts(&b, "{\"d\":");
		gen_json(&g, 3);
		buf_puts(&b, ",\"q\":");
		gen_json(&g, 2);
		buf_putc(&b, '}');
		doc = rego_doc_parse(cstr(&b), b.n);
		w.o.data = doc;
		for (int low = 0; low < 2; low++) {
			b.n = 0;
			gen_module(&g, low, &tmp);
			w.mods[low] = (struct rego_module){low ? "q.rego" : "p.rego", arena_strdup(w.a, cstr(&b)), b.n};
		}
		w.nmods = 2;
		b.n = 0;
		g.nvars = 0;
		gen_body(&g, 3);
		if (w.mods[0].text && w.mods[1].text && doc)
			run(&w, cstr(&b));
	}
	rego_doc_free(doc);
	arena_free(w.a);
	return 0;
}
