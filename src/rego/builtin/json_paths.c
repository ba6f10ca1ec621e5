/* json_paths.c - json.filter and json.remove. */
#include "rego/builtin/json_path.h"

static struct rv unescaped(struct rego_call *c, struct slice s)
{
	struct buf b = lib_buf(c);

	if (!memchr(s.n ? (const void *)s.p : "", '~', s.n))
		return rv_str(c->heap, s.p, s.n);
	/* ~1 first, then ~0, as upstream: "~01" is "/" there */
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '~' && i + 1 < s.n && s.p[i + 1] == '1') {
			buf_putc(&b, '/');
			i++;
		} else if (s.p[i] == '~' && i + 1 < s.n && s.p[i + 1] == '0') {
			buf_putc(&b, '~');
			i++;
		} else {
			buf_putc(&b, (char)s.p[i]);
		}
	}
	return buf_ok(&b) ? rv_str(c->heap, b.p, b.n) : rv_undef();
}

RC json_path(struct rego_call *c, struct rv path, unsigned operand, struct rv *out)
{
	struct rv_vec v = rv_vec(c->heap);
	struct slice s;
	size_t from;

	if (path.kind == RV_ARRAY) {
		*out = path;
		if (rv_len(path) > JSON_PATH_MAX)
			return rego_fail(c, "path of %u segments, %u at most", rv_len(path), JSON_PATH_MAX);
		return rc_of(OK);
	}
	if (path.kind != RV_STRING)
		return rego_operand_text(c, operand,
					 "must be one of {set, array} containing string paths or array of path segments but got %s",
					 rego_type_name(path));
	s = rv_slice(path);
	TRY(rego_charge(c, s.n / 16));
	for (from = 0; from < s.n && s.p[from] == '/';)
		from++;
	if (s.n == 0)
		return lib_return(c, rv_vec_done(&v), out);
	for (size_t i = from; i <= s.n; i++) {
		if (i < s.n && s.p[i] != '/')
			continue;
		rv_push(&v, unescaped(c, slice_sub(s, from, i - from)));
		from = i + 1;
		if (v.n > JSON_PATH_MAX)
			return rego_fail(c, "path of more than %u segments", JSON_PATH_MAX);
	}
	return lib_return(c, rv_vec_done(&v), out);
}

/* All paths as a sorted list, so that those with a common start stand together and the shorter comes first. */
static RC path_list(struct rego_call *c, struct rv paths, const struct rv **out, size_t *n)
{
	struct rv_builder b;
	size_t count;
	const struct rv *items = lib_items(paths, &count);
	struct rv all, p;

	if (paths.kind != RV_ARRAY && paths.kind != RV_SET)
		return rego_operand_error(c, 2, "one of {set, array}", paths);
	TRY(rego_charge(c, count * 2));
	b = rv_set_builder(c->heap, count);
	for (size_t i = 0; i < count; i++) {
		TRY(json_path(c, items[i], 2, &p));
		if (rv_len(p))	/* an empty path names nothing here */
			rv_set_add(&b, p);
	}
	TRY(lib_return(c, rv_builder_done(&b), &all));
	*out = lib_items(all, n);
	return rc_of(OK);
}

/* Paths lo..hi agree in the first `depth` segments. */
struct group {
	const struct rv *paths;
	size_t lo, hi;
	size_t depth;
};

/* Does a path end here? Then it is the first of its group. */
static bool leaf(const struct group *g)
{
	return g->lo < g->hi && rv_len(g->paths[g->lo]) == g->depth;
}

/* The paths that go on with `key`: they stand together, and the list is in order. */
static struct group below(const struct group *g, struct rv key)
{
	struct group sub = {.paths = g->paths, .depth = g->depth + 1};
	size_t lo = g->lo, hi = g->hi;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (rv_cmp(rv_at(g->paths[mid], g->depth), key) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	sub.lo = lo;
	hi = g->hi;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (rv_cmp(rv_at(g->paths[mid], g->depth), key) <= 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	sub.hi = lo;
	return sub;
}

static struct rv index_key(struct rego_call *c, size_t i)
{
	return rv_strf(c->heap, "%zu", i);
}

static RC keep_paths(struct rego_call *c, struct rv v, struct group g, struct rv *out);
static RC drop_paths(struct rego_call *c, struct rv v, struct group g, bool *gone, struct rv *out);

/* One child: is it kept, and as what? */
static RC child(struct rego_call *c, struct rv v, struct rv key, const struct group *g, bool keep, bool *there,
		struct rv *out)
{
	struct group sub = below(g, key);
	bool gone = false;

	*there = true;
	*out = v;
	if (sub.lo == sub.hi) {
		*there = !keep;
		return rc_of(OK);
	}
	if (keep)
		return keep_paths(c, v, sub, out);
	TRY(drop_paths(c, v, sub, &gone, out));
	*there = !gone;
	return rc_of(OK);
}

static RC children(struct rego_call *c, struct rv v, const struct group *g, bool keep, struct rv *out)
{
	struct rv_builder b;
	struct rv_vec list = rv_vec(c->heap);
	struct rv item;
	bool there;

	TRY(rego_charge(c, 1 + rv_len(v)));
	*out = v;
	if (v.kind == RV_ARRAY) {
		for (size_t i = 0; i < rv_len(v); i++) {
			TRY(child(c, rv_at(v, i), index_key(c, i), g, keep, &there, &item));
			if (there)
				rv_push(&list, item);
		}
		return lib_return(c, rv_vec_done(&list), out);
	}
	if (v.kind == RV_OBJECT) {
		b = rv_object_builder(c->heap, 0);
		for (size_t i = 0; i < rv_len(v); i++) {
			TRY(child(c, rv_val(v, i), rv_key(v, i), g, keep, &there, &item));
			if (there)
				rv_object_put(&b, rv_key(v, i), item);
		}
		return lib_return(c, rv_builder_done(&b), out);
	}
	if (v.kind == RV_SET) {
		b = rv_set_builder(c->heap, 0);
		for (size_t i = 0; i < rv_len(v); i++) {
			TRY(child(c, rv_key(v, i), rv_key(v, i), g, keep, &there, &item));
			if (there)
				rv_set_add(&b, item);
		}
		return lib_return(c, rv_builder_done(&b), out);
	}
	return rc_of(OK);
}

static RC keep_paths(struct rego_call *c, struct rv v, struct group g, struct rv *out)
{
	*out = v;
	return leaf(&g) ? rc_of(OK) : children(c, v, &g, true, out);
}

static RC drop_paths(struct rego_call *c, struct rv v, struct group g, bool *gone, struct rv *out)
{
	*gone = leaf(&g);
	return *gone ? rc_of(OK) : children(c, v, &g, false, out);
}

static RC on_paths(struct rego_call *c, const struct rv *args, bool keep, struct rv *out)
{
	struct group g = {0};

	ARG_OBJECT(c, args, 0);
	TRY(path_list(c, args[1], &g.paths, &g.hi));
	return children(c, args[0], &g, keep, out);
}

static rc filter(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	(void)n;
	return on_paths(c, args, true, out);
}

static rc remove_paths(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	(void)n;
	return on_paths(c, args, false, out);
}

#define PATHS "array[string | array[any]] | set[string | array[any]]"

const struct rego_builtin builtin_json_paths[] = {
	{"json.filter", "object[any:any], " PATHS " -> object[any:any]", filter, 2, 0, 2},
	{"json.remove", "object[any:any], " PATHS " -> object[any:any]", remove_paths, 2, 0, 2},
	{0},
};
