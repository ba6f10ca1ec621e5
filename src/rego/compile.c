/* The stages in order: from modules to a program, from a query to code. */
#include <stdio.h>
#include <stdlib.h>

#include "rego/host.h"
#include "rego/plan.h"

struct rego_errors {
	struct arena *arena;
	struct rego_error *e;
	size_t n;
};

size_t rego_errors_count(const struct rego_errors *e)
{
	return e ? e->n : 0;
}

const struct rego_error *rego_errors_at(const struct rego_errors *e, size_t i)
{
	return e && i < e->n ? &e->e[i] : NULL;
}

void rego_errors_free(struct rego_errors *e)
{
	if (e)
		arena_free(e->arena);
}

static struct rego_errors *errors_new(const struct comp *c)
{
	struct arena *a = arena_new(0);
	struct rego_errors *out = ARENA_NEW(a, struct rego_errors);
	size_t n = c->nerrors ? c->nerrors : 1;

	if (!out || !(out->e = arena_array(a, n, struct rego_error))) {
		arena_free(a);
		return NULL;
	}
	out->arena = a;
	out->n = n;
	if (!c->nerrors)
		out->e[0] = (struct rego_error){.code = "rego_compile_error", .message = "out of memory", .file = "",
						.budget = "memory"};
	for (uint32_t i = 0; i < c->nerrors; i++) {
		const struct comp_error *e = &c->errors[i];

		out->e[i] = (struct rego_error){.code = e->code, .message = arena_strdup(a, e->message), .row = e->loc.row,
						.col = e->loc.col, .file = ""};
		if (e->loc.mod < c->nmods)
			out->e[i].file = arena_strdup(a, c->mods[e->loc.mod]->name);
		if (!out->e[i].message || !out->e[i].file) {
			arena_free(a);
			return NULL;
		}
	}
	return out;
}

static bool begin(struct comp *c, struct arena *a, struct rv_strtab *tab, const struct rego_compile_options *o, jmp_buf *out)
{
	*c = (struct comp){.out = out, .arena = a, .heap = rv_heap_in(a, 0), .tab = tab, .opts = o};
	c->max_errors = o->max_errors ? o->max_errors : 10;
	c->heap.tab = tab;
	c->v_data = var_named(c, "data", 4);
	c->v_input = var_named(c, "input", 5);
	return !c->no_memory;
}

static bool copy_hosts(struct comp *c, struct rego_program *p, const struct rego_compile_options *o)
{
	struct rego_host_fn *h = comp_alloc(c, o->host_fn_count * sizeof(*h));

	for (size_t i = 0; h && i < o->host_fn_count; i++) {
		h[i] = o->host_fns[i];
		h[i].name = arena_strdup(c->arena, o->host_fns[i].name);
		if (!h[i].name || h[i].arity > 32)
			return false;
	}
	p->hosts = h;
	p->nhosts = (uint32_t)o->host_fn_count;
	return h != NULL;
}

/* The options that a query's compilation needs again, with strings of our own. */
static struct rego_compile_options *keep_options(struct comp *c, const struct rego_program *p,
						 const struct rego_compile_options *o)
{
	struct rego_compile_options *k = COMP_NEW(c, struct rego_compile_options);
	const char **denied = comp_alloc(c, o->denied_builtin_count * sizeof(*denied));

	if (!k || !denied)
		return NULL;
	*k = *o;
	k->host_fns = p->hosts;
	for (size_t i = 0; i < o->denied_builtin_count; i++) {
		denied[i] = arena_strdup(c->arena, o->denied_builtins[i]);
		if (!denied[i])
			return NULL;
	}
	k->denied_builtins = denied;
	return k;
}

static bool read_modules(struct comp *c, struct rego_program *p, const struct rego_module *mods, size_t count)
{
	size_t total = 0, max = c->opts->max_source_bytes ? c->opts->max_source_bytes : (size_t)4 << 20;
	const char **names = comp_alloc(c, (count + 1) * sizeof(*names));
	struct slice *texts = comp_alloc(c, (count + 1) * sizeof(*texts));

	c->mods = comp_alloc(c, (count + 1) * sizeof(struct module *));
	if (!c->mods || !names || !texts)
		return false;
	for (size_t i = 0; i < count; i++) {
		struct module *m = COMP_NEW(c, struct module);
		struct slice text = slice_of(mods[i].text, mods[i].len);

		if (!m)
			return false;
		m->name = arena_strdup(c->arena, mods[i].name ? mods[i].name : "");
		m->index = (uint32_t)i;
		total += text.n;
		c->mods[c->nmods++] = m;
		names[i] = m->name;
		if (total > max || text.n > UINT32_MAX / 2)
			return comp_error(c, ERR_PARSE, (struct loc){.mod = m->index}, "source too large (limit is %zu bytes)", max);
		m->text = texts[i] = arena_dup(c->arena, text);
		if (!m->name || (text.n && !m->text.p)) {
			comp_oom(c);
			return false;
		}
	}
	p->mod_names = names;
	p->mod_texts = texts;
	p->nmods = c->nmods;
	for (uint32_t i = 0; i < c->nmods; i++) {
		if (!parse_module(c, c->mods[i]) && c->no_memory)
			return false;
	}
	return comp_ok(c);
}

static bool add_group(struct comp *c, struct rego_program *p, const struct tree *t, uint32_t *cap)
{
	if (t->group) {
		if (p->ngroups == *cap) {
			uint32_t more = *cap ? *cap * 2 : 32;

			p->groups = arena_grow(c->arena, p->groups, *cap * sizeof(*p->groups), more * sizeof(*p->groups));
			if (!p->groups) {
				comp_oom(c);
				return false;
			}
			*cap = more;
		}
		t->group->id = p->ngroups;
		p->groups[p->ngroups++] = (struct plan_group){.src = t->group, .node = t};
	}
	for (uint32_t i = 0; i < t->nkids; i++) {
		if (!add_group(c, p, t->kids[i], cap))
			return false;
	}
	return true;
}

static bool plan_one(struct comp *c, struct plan_group *g)
{
	const struct rule_group *src = g->src;
	const struct tree *t;
	uint32_t n = 0;
	struct rv *path;

	g->kind = src->kind;
	g->id = src->id;
	g->arity = src->arity;
	g->is_set = src->is_set;
	g->name = src->path;
	g->lone = g->node->nkids == 0;
	g->rules = comp_alloc(c, src->n * sizeof(*g->rules));
	for (t = g->node; t->parent; t = t->parent)
		n++;
	path = comp_alloc(c, n * sizeof(*path));
	if (!g->rules || !path)
		return false;
	g->npath = n;
	g->path = path;
	for (t = g->node; t->parent; t = t->parent)
		path[--n] = t->key;
	g->n = src->n;
	g->same = true;
	for (uint32_t i = 0; i < src->n; i++) {
		struct plan_rule *to = &g->rules[i];

		for (struct rule *r = src->rules[i]; r; r = r->els) {
			if (!plan_rule_code(c, r, to))
				return false;
			g->same = g->same && to->fixed && rv_eq(to->value, g->rules[0].value);
			if (r->els) {
				to->els = COMP_NEW(c, struct plan_rule);
				to = to->els;
				if (!to)
					return false;
			}
		}
	}
	if (!index_make(c, c->prog, g))
		return false;
	if (src->def) {
		g->def = COMP_NEW(c, struct plan_rule);
		if (!g->def || !plan_rule_code(c, src->def, g->def))
			return false;
	}
	return true;
}

static bool compile_all(struct comp *c, struct rego_program *p)
{
	uint32_t cap = 0;

	if (!tree_build(c) || !add_group(c, p, c->tree, &cap) || !stage_check(c) || !stage_resolve(c) || !stage_locals(c) ||
	    !stage_calls(c) || !stage_metadata(c) || !stage_expand(c) || !stage_safety(c) || !check_recursion(c, p->ngroups) ||
	    !stage_types(c) || !stage_deprecated(c))
		return false;
	p->tree = c->tree;
	for (uint32_t i = 0; i < p->ngroups; i++) {
		if (!plan_one(c, &p->groups[i])) {
			if (comp_ok(c))
				comp_oom(c);
			return false;
		}
	}
	return true;
}

struct job {
	struct comp *c;
	struct rego_program *p;
	const struct rego_module *modules;
	size_t count;
	const struct rego_compile_options *options;
};

static bool compile_job(void *arg)
{
	struct job *j = arg;
	struct comp *c = j->c;
	jmp_buf *out = c->out;

	if (!begin(c, j->p->arena, j->p->tab, j->options, out))
		return false;
	c->prog = j->p;
	if (!copy_hosts(c, j->p, j->options))
		return false;
	c->opts = keep_options(c, j->p, j->options);
	return c->opts && read_modules(c, j->p, j->modules, j->count) && (j->options->parse_only || compile_all(c, j->p));
}

struct rego_program *rego_compile(const struct rego_module *modules, size_t count,
				  const struct rego_compile_options *options, struct rego_errors **errors)
{
	struct arena *a = arena_new((size_t)256 << 20);
	struct rego_program *p;
	struct rv_strtab *tab;
	struct rego_compile_options own = {0};	/* what a caller built with an older header has not got is its default */
	struct comp c = {0};
	bool ok;

	if (options)
		memcpy(&own, options, options->size && options->size < sizeof(own) ? options->size : sizeof(own));
	p = ARENA_NEW(a, struct rego_program);
	tab = p ? rv_strtab_new(a, 256) : NULL;
	c.no_memory = !tab;
	if (tab) {
		p->arena = a;
		p->tab = tab;
	}
	ok = tab && comp_guard(&c, compile_job, &(struct job){&c, p, modules, count, &own});
	/* an allocation that failed anywhere spoils the whole, however far it got */
	if (ok && (arena_bad(a) || rv_heap_bad(&c.heap))) {
		c.nerrors = 0;
		ok = false;
	}
	if (ok) {
		p->comp = c;
		constants_make(p);
		return p;
	}
	if (errors)
		*errors = errors_new(&c);
	arena_free(a);
	return NULL;
}

void rego_program_free(struct rego_program *p)
{
	if (p) {
		constants_drop(p);
		arena_free(p->arena);
	}
}

struct query_job {
	struct comp *c;
	const struct rego_program *p;
	struct rego_query *q;
	struct rv_strtab *tab;
	const char *text;
	size_t len;
};

static bool query_job(void *arg)
{
	struct query_job *j = arg;
	struct comp *c = j->c;
	struct module *m;
	struct body *b = NULL;

	if (!begin(c, j->q->arena, j->tab, j->p->comp.opts, c->out))
		return false;
	c->prog = j->p->comp.prog;
	c->tree = j->p->comp.tree;
	c->serial = 1u << 30;
	m = COMP_NEW(c, struct module);
	if (!m)
		return false;
	m->name = "";
	m->is_query = true;
	m->index = j->p->nmods;
	m->text = arena_dup(c->arena, slice_of(j->text, j->len));
	if (j->len && !m->text.p)
		comp_oom(c);
	j->q->text = (const char *)m->text.p;
	j->q->text_n = j->len;
	return parse_query(c, m, &b) && resolve_query(c, m, b) && locals_query(c, b) && calls_query(c, b) &&
	       expand_query(c, b) && safety_query(c, b) && plan_query_code(c, b, j->q);
}

struct rego_query *rego_query_compile(const struct rego_program *p, const char *text, size_t len, struct rego_errors **errors)
{
	struct arena *a = arena_new(0);
	struct rego_query *q = ARENA_NEW(a, struct rego_query);
	struct rv_strtab *tab = q ? rv_strtab_copy(a, p->tab) : NULL;
	struct comp c = {.no_memory = !tab};

	if (tab) {
		q->prog = p;
		q->arena = a;
		if (comp_guard(&c, query_job, &(struct query_job){&c, p, q, tab, text, len}) && !arena_bad(a) && !rv_heap_bad(&c.heap))
			return q;
	}
	if (errors)
		*errors = errors_new(&c);
	arena_free(a);
	return NULL;
}

void rego_query_free(struct rego_query *q)
{
	if (q)
		arena_free(q->arena);
}

static struct rego_doc *doc_new(struct arena *a, struct rv v)
{
	struct rego_doc *d = ARENA_NEW(a, struct rego_doc);

	if (!d || v.kind == RV_UNDEF) {
		arena_free(a);
		return NULL;
	}
	rv_freeze(v);
	d->arena = a;
	d->value = v;
	return d;
}

struct rego_doc *rego_doc_parse(const char *json, size_t len)
{
	struct arena *a = arena_new((size_t)1 << 30);
	struct rv_heap h = rv_heap_in(a, 0);

	return a ? doc_new(a, rv_from_json(&h, slice_of(json, len), NULL, NULL, NULL)) : NULL;
}

struct rego_doc *rego_doc_from_json(const struct json *doc)
{
	struct arena *a = arena_new((size_t)1 << 30);
	struct rv_heap h = rv_heap_in(a, 0);

	return a ? doc_new(a, rv_from_doc(&h, doc)) : NULL;
}

void rego_doc_free(struct rego_doc *d)
{
	if (d)
		arena_free(d->arena);
}
