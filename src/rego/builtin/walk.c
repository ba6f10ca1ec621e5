/* walk.c - walk, and reachability in graphs. */
#include "rego/builtin/lib.h"

/* ---- walk ---- */

struct walker {
	struct rego_call *c;
	struct rv_vec results;
	struct rv path[RV_MAX_DEPTH + 1];
	size_t depth;
};

static RC visit(struct walker *w, struct rv v);

static RC down(struct walker *w, struct rv key, struct rv v)
{
	if (w->depth >= RV_MAX_DEPTH)
		return lib_no_memory(w->c);
	w->path[w->depth++] = key;
	TRY(visit(w, v));
	w->depth--;
	return rc_of(OK);
}

static RC visit(struct walker *w, struct rv v)
{
	struct rv pair[2] = {rv_array(w->c->heap, w->path, w->depth), v};

	TRY(rego_charge(w->c, 2 + w->depth));
	rv_push(&w->results, rv_array(w->c->heap, pair, 2));
	if (rv_heap_bad(w->c->heap))
		return lib_no_memory(w->c);
	rv_sort(v);
	for (size_t i = 0; i < rv_len(v); i++) {
		if (v.kind == RV_ARRAY)
			TRY(down(w, rv_int((int64_t)i), rv_at(v, i)));
		else if (v.kind == RV_OBJECT)
			TRY(down(w, rv_key(v, i), rv_val(v, i)));
		else
			TRY(down(w, rv_key(v, i), rv_key(v, i)));
	}
	return rc_of(OK);
}

static rc walk(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct walker *w = rv_alloc(c->heap, sizeof(*w));

	(void)n;
	if (!w)
		return lib_no_memory(c);
	w->c = c;
	w->depth = 0;
	w->results = rv_vec(c->heap);
	TRY(visit(w, args[0]));
	return lib_return(c, rv_vec_done(&w->results), out);
}

const struct rego_builtin builtin_walk[] = {
	{"walk", "any -> array<array[any], any>", walk, 1, REGO_RELATION, 2},
	{0},
};

/* ---- graphs ---- */

static RC roots(struct rego_call *c, const struct rv *args, const struct rv **items, size_t *n)
{
	ARG_OBJECT(c, args, 0);
	if (args[1].kind != RV_ARRAY && args[1].kind != RV_SET)
		return rego_operand_error(c, 2, "{array, set}", args[1]);
	*items = lib_items(args[1], n);
	return rego_charge(c, *n);
}

static rc reachable(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct rv_builder reached = rv_set_builder(c->heap, 0);
	struct rv_vec queue = rv_vec(c->heap);
	const struct rv *items;
	size_t count;

	(void)n;
	TRY(roots(c, args, &items, &count));
	for (size_t i = 0; i < count; i++)
		rv_push(&queue, items[i]);
	for (size_t i = 0; i < queue.n; i++) {
		const struct rv *edges = rv_get(args[0], queue.items[i]);
		const struct rv *next;

		TRY(rego_charge(c, 2));
		if (!edges || !rv_set_add(&reached, queue.items[i]))
			continue;
		next = lib_items(*edges, &count);
		for (size_t k = 0; next && k < count; k++) {
			TRY(rego_charge(c, 1));
			rv_push(&queue, next[k]);
		}
		if (rv_heap_bad(c->heap))
			return lib_no_memory(c);
	}
	return lib_return(c, rv_builder_done(&reached), out);
}

struct paths {
	struct rego_call *c;
	struct rv graph;
	struct rv_builder found;
	struct rv_vec path;	/* nodes on the way, all different */
};

static RC commit(struct paths *p)
{
	TRY(rego_charge(p->c, 1 + p->path.n));
	rv_set_add(&p->found, rv_array(p->c->heap, p->path.items, p->path.n));
	return rv_heap_bad(p->c->heap) ? lib_no_memory(p->c) : rc_of(OK);
}

static bool on_path(const struct paths *p, struct rv node)
{
	for (size_t i = 0; i < p->path.n; i++)
		if (rv_eq(p->path.items[i], node))
			return true;
	return false;
}

/* `node` follows the path. An unknown node ends it without being part of it; a node that is on it already ends it as
 * well. */
static RC follow(struct paths *p, struct rv node)
{
	const struct rv *edges = rv_get(p->graph, node), *next;
	size_t n;

	TRY(rego_charge(p->c, 1 + p->path.n / 4));
	if (!edges)
		return commit(p);
	if (p->path.n >= RV_MAX_DEPTH)
		return rego_reserve(p->c, SIZE_MAX);
	rv_push(&p->path, node);
	next = lib_items(*edges, &n);
	if (!next || n == 0)
		TRY(commit(p));
	for (size_t i = 0; next && i < n; i++) {
		if (on_path(p, next[i]))
			TRY(commit(p));
		else
			TRY(follow(p, next[i]));
	}
	p->path.n--;
	return rc_of(OK);
}

/* The neighbours of a root are followed even where they are the root itself. */
static RC from_root(struct paths *p, struct rv root)
{
	const struct rv *next;
	size_t n;

	rv_push(&p->path, root);
	next = lib_items(*rv_get(p->graph, root), &n);
	if (!next || n == 0)
		TRY(commit(p));
	for (size_t i = 0; next && i < n; i++)
		TRY(follow(p, next[i]));
	p->path.n--;
	return rc_of(OK);
}

static rc reachable_paths(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct paths p = {.c = c, .graph = args[0], .found = rv_set_builder(c->heap, 0), .path = rv_vec(c->heap)};
	const struct rv *items;
	size_t count;

	(void)n;
	TRY(roots(c, args, &items, &count));
	for (size_t i = 0; i < count; i++)
		if (rv_get(args[0], items[i]))
			TRY(from_root(&p, items[i]));
	return lib_return(c, rv_builder_done(&p.found), out);
}

#define GRAPH "object[any:array[any] | set[any]], array[any] | set[any]"

const struct rego_builtin builtin_graph[] = {
	{"graph.reachable", GRAPH " -> set[any]", reachable, 2, 0, 2},
	{"graph.reachable_paths", GRAPH " -> set[array[any]]", reachable_paths, 2, 0, 2},
	{0},
};
