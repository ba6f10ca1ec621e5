/* patterns.c - globs, versions and amounts. */
#include "rego/builtin/constant.h"
#include "rego/builtin/glob.h"
#include "rego/builtin/lib.h"
#include "rego/builtin/regex.h"
#include "rego/builtin/semver.h"
#include "rego/builtin/unicode.h"
#include "rego/builtin/units.h"

/* A pattern with its delimiters, made once: for the query, or for the program where it is a constant. */
struct kept {
	struct arena *arena;
	struct glob *glob;
	const int32_t *seps;
	size_t n_seps;
};

/* null: no delimiter. An empty array: the dot. *wrong: the element that is no single character. False when there is one, or no
 * memory (*wrong is NULL). */
static bool delimiters(struct arena *a, struct rv list, int32_t **out, size_t *n, const struct rv **wrong)
{
	*n = 0;
	*wrong = NULL;
	*out = arena_array(a, rv_len(list) + (size_t)1, int32_t);
	if (!*out || list.kind == RV_NULL)
		return *out != NULL;
	for (size_t i = 0; i < rv_len(list); i++) {
		const struct rv *d = &list.arr->items[i];
		size_t at = 0;

		*wrong = d;
		if (d->kind != RV_STRING)
			return false;
		if (d->str->n)
			(*out)[*n] = uni_next(rv_slice(*d), &at);
		if (d->str->n == 0 || at != d->str->n)
			return false;
		++*n;
	}
	if (*n == 0)
		(*out)[(*n)++] = '.';
	return true;
}

static void drop_kept(void *object)
{
	struct kept *k = object;

	arena_free(k->arena);
}

/* An object that frees with drop_kept; NULL without memory, and where glob_compile has something to say. */
static void *keep(const struct rv *args)
{
	struct arena *a;
	const struct rv *wrong;
	struct kept *k;
	int32_t *seps;

	if (args[0].kind != RV_STRING || (args[1].kind != RV_NULL && args[1].kind != RV_ARRAY))
		return NULL;
	a = arena_new((size_t)16 << 20);
	k = ARENA_NEW(a, struct kept);
	if (k && delimiters(a, args[1], &seps, &k->n_seps, &wrong) &&
	    rc_ok(glob_compile(a, rv_slice(args[0]), seps, k->n_seps, &k->glob, NULL))) {
		k->arena = a;
		k->seps = seps;
		return k;
	}
	arena_free(a);
	return NULL;
}

static RC match_with(struct rego_call *c, const struct glob *g, struct rv text, struct rv *out)
{
	struct why w = why_in(c->heap->arena);
	bool yes;
	rc r;

	TRY(rego_charge(c, glob_cost(g) * (text.str->n + 1) / 4));
	r = glob_match(g, rv_slice(text), c->heap->arena, &yes, &w);
	if (!rc_ok(r))
		return lib_refused(c, r, &w);
	*out = rv_bool(yes);
	return rc_of(OK);
}

static rc glob_match_(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct why w = why_in(c->heap->arena);
	const struct rv *wrong;
	struct kept *k;
	struct glob *g;
	int32_t *seps;
	size_t n_seps;
	rc r;

	(void)n;
	ARG_STRING(c, args, 0);
	if (args[1].kind != RV_NULL && args[1].kind != RV_ARRAY)
		return rego_operand_error(c, 2, "one of {array, null}", args[1]);
	if (!delimiters(c->heap->arena, args[1], &seps, &n_seps, &wrong))
		return wrong ? lib_element_error(c, 2, args[1], wrong->kind == RV_STRING ? "rune" : "string", *wrong) : lib_no_memory(c);
	ARG_STRING(c, args, 2);
	k = rego_object_get(c, "glob", args[0]);
	if (k && k->n_seps == n_seps && memcmp(k->seps, seps, n_seps * sizeof(*seps)) == 0)
		return match_with(c, k->glob, args[2], out);
	TRY(rego_charge(c, args[0].str->n / 8));
	if (!k && (k = keep(args))) {
		size_t room = 4096 + (size_t)args[0].str->n * 128;

		if (c->heap->left / 4 > room && rego_object_put(c, "glob", args[0], k, drop_kept)) {
			c->heap->left -= room;	/* what a kept one takes is not in the heap */
			return match_with(c, k->glob, args[2], out);
		}
		drop_kept(k);
	}
	r = glob_compile(c->heap->arena, rv_slice(args[0]), seps, n_seps, &g, &w);
	return rc_ok(r) ? match_with(c, g, args[2], out) : lib_refused(c, r, &w);
}

static rc quote_meta(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct buf b = lib_buf(c);

	(void)n;
	ARG_STRING(c, args, 0);
	glob_quote(&b, rv_slice(args[0]));
	return lib_buffer(c, &b, out);
}

static rc semver_compare_(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct semver v[2];

	(void)n;
	ARG_STRING(c, args, 0);
	ARG_STRING(c, args, 1);
	for (unsigned i = 0; i < 2; i++) {
		if (!semver_parse(rv_slice(args[i]), &v[i])) {
			struct buf q = lib_buf(c);

			rv_quote(&q, rv_slice(args[i]));
			return rego_fail(c, "operand %u: string " SLICE_FMT " is not a valid SemVer", i + 1, SLICE_ARG(buf_view(&q)));
		}
	}
	*out = rv_int(semver_compare(&v[0], &v[1]));
	return rc_of(OK);
}

static rc semver_is_valid(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct semver v;

	(void)c;
	(void)n;
	*out = rv_bool(args[0].kind == RV_STRING && semver_parse(rv_slice(args[0]), &v));
	return rc_of(OK);
}

static RC amount(struct rego_call *c, const struct rv *args, rc (*parse)(struct arena *, struct slice, struct slice *,
									 struct why *), struct rv *out)
{
	struct why w = why_in(c->heap->arena);
	struct slice text;
	rc r;

	ARG_STRING(c, args, 0);
	r = parse(c->heap->arena, rv_slice(args[0]), &text, &w);
	if (!rc_ok(r)) {
		/* the texts of these two name the builtin themselves */
		return lib_refused(c, r, &w);
	}
	TRY(rego_charge(c, text.n / 8));
	*out = rv_number(c->heap, text);
	return out->kind == RV_UNDEF ? rego_reserve(c, SIZE_MAX) : lib_return(c, *out, out);
}

static rc units(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	(void)n;
	return amount(c, args, units_parse, out);
}

static rc units_bytes(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	(void)n;
	return amount(c, args, units_parse_bytes, out);
}

const struct rego_builtin builtin_patterns[] = {
	{"glob.match", "string, null | array[string], string -> boolean", glob_match_, 3, 0, 4},
	{"glob.quote_meta", "string -> string", quote_meta, 1, 0, 1},
	{"semver.compare", "string, string -> number", semver_compare_, 2, 0, 2},
	{"semver.is_valid", "any -> boolean", semver_is_valid, 1, 0, 1},
	{"units.parse", "string -> number", units, 1, 0, 4},
	{"units.parse_bytes", "string -> number", units_bytes, 1, 0, 4},
	{0},
};

/* ---- constants of a policy ---- */

static void *make_regex(const struct rv *pattern)
{
	struct regex *re;
	char err[1];

	return regex_new((const uint8_t *)pattern->str->p, pattern->str->n, &re, err, sizeof(err)) == REGEX_OK ? re : NULL;
}

static void *make_first(const struct rv *args)
{
	return make_regex(&args[0]);
}

static void *make_second(const struct rv *args)
{
	return make_regex(&args[1]);
}

static void drop_regex(void *re)
{
	regex_free(re);
}

const struct lib_constant lib_constants[] = {
	{"regex.match", 2, 0, "regex", make_first, drop_regex},
	{"regex.find_n", 3, 0, "regex", make_first, drop_regex},
	{"regex.find_all_string_submatch_n", 3, 0, "regex", make_first, drop_regex},
	{"regex.replace", 3, 1, "regex", make_second, drop_regex},
	{"regex.split", 2, 0, "regex", make_first, drop_regex},
	{"glob.match", 3, 0, "glob", keep, drop_kept},
	{0},
};
