/* patterns.c - globs, versions and amounts. */
#include "rego/builtin/glob.h"
#include "rego/builtin/lib.h"
#include "rego/builtin/semver.h"
#include "rego/builtin/unicode.h"
#include "rego/builtin/units.h"

/* null: no delimiter. An empty array: the dot. */
static RC delimiters(struct rego_call *c, const struct rv *args, int32_t **out, size_t *n)
{
	static const char want[] = "one of {array, null}";

	*n = 0;
	*out = rv_alloc(c->heap, (rv_len(args[1]) + 1) * sizeof(**out));
	if (!*out)
		return lib_no_memory(c);
	if (args[1].kind == RV_NULL)
		return rc_of(OK);
	if (args[1].kind != RV_ARRAY)
		return rego_operand_error(c, 2, want, args[1]);
	for (size_t i = 0; i < rv_len(args[1]); i++) {
		struct rv d = rv_at(args[1], i);
		size_t at = 0;

		if (d.kind != RV_STRING)
			return lib_element_error(c, 2, args[1], "string", d);
		if (d.str->n)
			(*out)[*n] = uni_next(rv_slice(d), &at);
		if (d.str->n == 0 || at != d.str->n)
			return lib_element_error(c, 2, args[1], "rune", d);
		++*n;
	}
	if (*n == 0)
		(*out)[(*n)++] = '.';
	return rc_of(OK);
}

static rc glob_match_(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct why w = why_in(c->heap->arena);
	struct glob *g;
	int32_t *seps;
	size_t n_seps;
	bool yes;
	rc r;

	(void)n;
	ARG_STRING(c, args, 0);
	TRY(delimiters(c, args, &seps, &n_seps));
	ARG_STRING(c, args, 2);
	TRY(rego_charge(c, args[0].str->n / 8));
	r = glob_compile(c->heap->arena, rv_slice(args[0]), seps, n_seps, &g, &w);
	if (!rc_ok(r))
		return lib_refused(c, r, &w);
	TRY(rego_charge(c, glob_cost(g) * (args[2].str->n + 1) / 16));
	r = glob_match(g, rv_slice(args[2]), c->heap->arena, &yes, &w);
	if (!rc_ok(r))
		return lib_refused(c, r, &w);
	*out = rv_bool(yes);
	return rc_of(OK);
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
