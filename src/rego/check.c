/* Rules that contradict each other: kinds, arities, defaults, packages; and rules that depend on themselves. */
#include "rego/plan.h"

/* ---- conflicts ---- */

/* "data.pkg.p.q[x]". */
static char *rule_name(struct comp *c, const struct rule *r)
{
	struct buf b = buf_in(c->arena, 0), rest = buf_in(c->arena, 0);
	struct term name = {.kind = T_VAR}, *items[72];
	char *path = tree_path(c, tree_package(c, r->mod)), *s;

	buf_puts(&b, path ? path : "");
	name.var = r->ref[0]->var;
	items[0] = &name;
	for (uint32_t i = 1; i < r->nref; i++)
		items[i] = r->ref[i];
	ref_text(&rest, items, r->nref);
	buf_putc(&b, '.');
	buf_slice(&b, buf_view(&rest));
	s = buf_cstr(&b);
	if (!s)
		comp_oom(c);
	return s ? s : path;
}

static bool ground_ref(const struct rule *r)
{
	return rule_prefix(r) == r->nref;
}

static const struct rule_group *below(const struct tree *t, bool functions)
{
	for (uint32_t i = 0; i < t->nkids; i++) {
		const struct rule_group *g = t->kids[i]->group;

		if (g && (!functions || g->kind == G_FUNCTION))
			return g;
		g = below(t->kids[i], functions);
		if (g)
			return g;
	}
	return NULL;
}

static const struct rule *first_of(const struct rule_group *g)
{
	if (!g->n)
		return g->def;
	if (g->def && g->def->mod->index == g->rules[0]->mod->index && g->def->loc.off < g->rules[0]->loc.off)
		return g->def;
	return g->rules[0];
}

/* A line for the nearest rules below, or functions: what is below them is within them. */
static void list_below(struct comp *c, struct buf *b, const struct tree *t, bool functions)
{
	for (uint32_t i = 0; i < t->nkids; i++) {
		const struct rule_group *g = t->kids[i]->group;

		if (!g || (functions && g->kind != G_FUNCTION)) {
			list_below(c, b, t->kids[i], functions);
			continue;
		}
		buf_printf(b, "\n  rule %s at %s:%u", rule_name(c, first_of(g)), first_of(g)->mod->name, first_of(g)->loc.row);
	}
}

static void conflict(struct comp *c, const struct tree *t, const struct rule *first, const struct rule *last, bool functions)
{
	struct buf b = buf_in(c->arena, 1 << 16);
	char *list;

	list_below(c, &b, t, functions);
	list = buf_cstr(&b);
	comp_error(c, ERR_TYPE, first->loc, "rule %s conflicts with:%s", rule_name(c, last), list ? list : "");
}

static void check_group(struct comp *c, const struct tree *t)
{
	const struct rule_group *g = t->group, *inside = below(t, false), *fn = below(t, true), *clash = NULL;
	bool single = false, multi = false, complete = false, partial = false, arities = false, open = false;
	const struct rule *last = NULL, *first = first_of(g);

	for (uint32_t i = 0; i < g->n + (g->def != NULL); i++) {
		const struct rule *r = i < g->n ? g->rules[i] : g->def;
		bool whole = ground_ref(r);

		if (r->key)
			multi = true;
		else
			single = true;
		if (r->key || !whole)
			partial = true;
		else
			complete = true;
		arities = arities || r->nargs != first->nargs || r->has_args != first->has_args;
		open = open || !whole;
		if (whole && inside)
			clash = inside;
		else if (!whole && fn && !clash)
			clash = fn;
		if (i < g->n)
			last = r;
	}
	if (!last)
		last = first;
	if (clash)
		conflict(c, t, first, last, clash != inside);
	else if ((single && multi && complete) || (single && multi && open && g->is_set) || (single && multi && last->key && ground_ref(last)) ||
		 arities || (complete && partial))
		comp_error(c, ERR_TYPE, first->loc, "conflicting rules %s found", rule_name(c, last));
	else if (g->def2)
		comp_error(c, ERR_TYPE, g->def->mod->package_loc, "multiple default rules %s found at %s:%u, %s:%u", rule_name(c, g->def),
			   g->def->mod->name, g->def->loc.row, g->def2->mod->name, g->def2->loc.row);
	for (uint32_t i = 0; t->package && i < g->n; i++) {
		const struct rule *r = g->rules[i];
		struct buf b = buf_in(c->arena, 0);
		char *ref;

		if (!ground_ref(r))
			continue;
		ref_text(&b, r->ref, r->nref);
		ref = buf_cstr(&b);
		comp_error(c, ERR_TYPE, r->mod->package_loc, "package %s conflicts with rule %s defined at %s:%u", g->path + 5,
			   ref ? ref : "", r->mod->name, r->loc.row);
	}
}

static void check_tree(struct comp *c, const struct tree *t)
{
	if (t->group)
		check_group(c, t);
	for (uint32_t i = 0; i < t->nkids; i++)
		check_tree(c, t->kids[i]);
}

bool stage_check(struct comp *c)
{
	if (comp_ok(c))
		check_tree(c, c->tree);
	return comp_ok(c);
}

/* ---- recursion ---- */

struct edges {
	uint32_t *to, n, cap;
};

struct graph {
	struct comp *c;
	struct edges *e;	/* groups, then tree nodes standing for all that is below them */
	const struct rule_group **groups;
	uint32_t ngroups, n;
	uint32_t from;
	uint64_t work;
};

#define MAX_EDGES 4000000u

static void edge(struct graph *g, uint32_t from, uint32_t to)
{
	struct edges *e = &g->e[from];

	for (uint32_t i = e->n > 16 ? e->n - 16 : 0; i < e->n; i++) {
		if (e->to[i] == to)
			return;
	}
	if (++g->work > MAX_EDGES) {
		if (g->work == MAX_EDGES + 1)
			comp_error(g->c, ERR_COMPILE, (struct loc){0}, "too many dependencies between rules (limit is %u)", MAX_EDGES);
		return;
	}
	if (e->n == e->cap) {
		uint32_t cap = e->cap ? e->cap * 2 : 4;

		e->to = arena_grow(g->c->arena, e->to, e->cap * sizeof(uint32_t), cap * sizeof(uint32_t));
		if (!e->to) {
			e->n = e->cap = 0;
			comp_oom(g->c);
			return;
		}
		e->cap = cap;
	}
	e->to[e->n++] = to;
}

static void number_tree(struct graph *g, struct tree *t)
{
	t->id = g->n++;
	for (uint32_t i = 0; i < t->nkids; i++)
		number_tree(g, t->kids[i]);
}

static void tree_edges(struct graph *g, const struct tree *t)
{
	if (t->group) {
		g->groups[t->group->id] = t->group;
		edge(g, t->id, t->group->id);
	}
	for (uint32_t i = 0; i < t->nkids; i++) {
		edge(g, t->id, t->kids[i]->id);
		tree_edges(g, t->kids[i]);
	}
}

static void walk(struct graph *g, const struct tree *t, const struct term *ref, uint32_t i)
{
	const struct tree *k;

	if (t->group)
		edge(g, g->from, t->group->id);
	if (i == ref->n) {
		edge(g, g->from, t->id);
		return;
	}
	if (ref->items[i]->kind == T_VALUE) {
		k = tree_kid(t, ref->items[i]->value);
		if (k)
			walk(g, k, ref, i + 1);
		return;
	}
	for (uint32_t n = 0; n < t->nkids && g->work <= MAX_EDGES; n++) {
		g->work++;
		walk(g, t->kids[n], ref, i + 1);
	}
}

static void uses_body(struct graph *g, const struct body *b);

static void uses_term(struct graph *g, const struct term *t)
{
	if (!t)
		return;
	if (t->kind == T_REF && t->items[0]->kind == T_VAR && t->items[0]->var == g->c->v_data)
		walk(g, g->c->tree, t, 1);
	if (t->kind == T_VAR && t->var == g->c->v_data)
		edge(g, g->from, g->c->tree->id);
	for (uint32_t i = t->kind == T_REF && t->items[0]->kind == T_VAR ? 1 : 0; t->items && i < t->n; i++)
		uses_term(g, t->items[i]);
	uses_term(g, t->key);
	uses_term(g, t->val);
	if (t->body)
		uses_body(g, t->body);
	for (uint32_t i = 0; t->parts && i < t->n; i++) {
		if (t->parts[i]->nbodies)
			uses_body(g, t->parts[i]->bodies[0]);
	}
}

static void uses_body(struct graph *g, const struct body *b)
{
	for (uint32_t i = 0; i < b->n; i++) {
		const struct expr *e = b->e[i];

		uses_term(g, e->term);
		uses_term(g, e->domain);
		for (uint32_t k = 0; k < e->nbodies; k++)
			uses_body(g, e->bodies[k]);
		for (uint32_t k = 0; k < e->nwith; k++)
			uses_term(g, e->with[k].value);
	}
}

static void rule_edges(struct graph *g, const struct rule *r)
{
	for (; r; r = r->els) {
		g->from = r->group->id;
		uses_body(g, r->body);
		uses_term(g, r->value);
		uses_term(g, r->key);
		for (uint32_t i = 0; i < r->nargs; i++)
			uses_term(g, r->args[i]);
		for (uint32_t i = 1; !r->is_else && i < r->nref; i++)
			uses_term(g, r->ref[i]);
	}
}

/* The shortest way from a group back to itself; in the error's text. */
static void report_cycle(struct graph *g, uint32_t start)
{
	uint32_t *prev = comp_alloc(g->c, g->n * sizeof(*prev)), *queue = comp_alloc(g->c, g->n * sizeof(*queue));
	uint32_t head = 0, tail = 0, path[64], n = 0, at = UINT32_MAX;
	struct buf b = buf_in(g->c->arena, 1 << 16);
	const char *text;

	if (!prev || !queue)
		return;
	queue[tail++] = start;
	while (head < tail && at == UINT32_MAX) {
		uint32_t v = queue[head++];

		for (uint32_t i = 0; i < g->e[v].n; i++) {
			uint32_t to = g->e[v].to[i];

			if (to == start) {
				at = v;
				break;
			}
			if (!prev[to]) {
				prev[to] = v + 1;
				queue[tail++] = to;
			}
		}
	}
	if (at == UINT32_MAX)
		return;
	for (; at != start && n < 64; at = prev[at] - 1) {
		if (at < g->ngroups)
			path[n++] = at;
	}
	buf_puts(&b, g->groups[start]->path);
	while (n > 0)
		buf_printf(&b, " -> %s", g->groups[path[--n]]->path);
	buf_printf(&b, " -> %s", g->groups[start]->path);
	text = buf_cstr(&b);
	comp_error(g->c, ERR_RECURSION, first_of(g->groups[start])->loc, "rule %s is recursive: %s", g->groups[start]->path,
		   text ? text : "");
}

bool check_recursion(struct comp *c, uint32_t ngroups)
{
	struct graph g = {.c = c, .ngroups = ngroups, .n = ngroups};
	uint32_t *out, *stack, top = 0;
	struct edges *back;

	number_tree(&g, c->tree);
	g.e = comp_alloc(c, g.n * sizeof(*g.e));
	back = comp_alloc(c, g.n * sizeof(*back));
	g.groups = comp_alloc(c, (ngroups + 1) * sizeof(struct rule_group *));
	out = comp_alloc(c, g.n * sizeof(*out));
	stack = comp_alloc(c, g.n * sizeof(*stack));
	if (!g.e || !g.groups || !out || !stack || !back)
		return false;
	tree_edges(&g, c->tree);
	for (uint32_t i = 0; i < c->nmods && comp_ok(c); i++) {
		for (const struct rule *r = c->mods[i]->first; r; r = r->next)
			rule_edges(&g, r);
	}
	if (!comp_ok(c))
		return false;
	/* take away what leads nowhere, again and again: what stays is on a cycle or leads to one */
	{
		struct graph b = {.c = c, .e = back, .n = g.n};

		for (uint32_t v = 0; v < g.n; v++) {
			out[v] = g.e[v].n;
			for (uint32_t i = 0; i < g.e[v].n; i++)
				edge(&b, g.e[v].to[i], v);
			if (!out[v])
				stack[top++] = v;
		}
	}
	while (top > 0 && comp_ok(c)) {
		const struct edges *in = &back[stack[--top]];

		for (uint32_t i = 0; i < in->n; i++) {
			if (out[in->to[i]] && --out[in->to[i]] == 0)
				stack[top++] = in->to[i];
		}
	}
	for (uint32_t v = 0; v < ngroups && c->nerrors <= c->max_errors; v++) {
		if (out[v])
			report_cycle(&g, v);
	}
	return comp_ok(c);
}
