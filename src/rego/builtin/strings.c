/* strings.c - texts, counted in code points. */
#include "base/num.h"
#include "rego/builtin/lib.h"
#include "rego/builtin/unicode.h"

/* Offset of the first `sub` in s from `from` on; s.n + 1 when there is none. */
static size_t find(struct slice s, struct slice sub, size_t from)
{
	const uint8_t *p;

	if (from > s.n || sub.n > s.n - from)
		return s.n + 1;
	if (sub.n == 0)
		return from;
	p = memmem(s.p + from, s.n - from, sub.p, sub.n);
	return p ? (size_t)(p - s.p) : s.n + 1;
}

static bool ends(struct slice s, struct slice suffix)
{
	return s.n >= suffix.n && slice_eq(slice_sub(s, s.n - suffix.n, suffix.n), suffix);
}

/* Two string operands and the work of looking through them. */
static RC two(struct rego_call *c, const struct rv *args, struct slice *a, struct slice *b)
{
	ARG_STRING(c, args, 0);
	ARG_STRING(c, args, 1);
	*a = rv_slice(args[0]);
	*b = rv_slice(args[1]);
	return rego_charge(c, a->n / 4);
}

static rc contains(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct slice s, sub;

	(void)n;
	TRY(two(c, args, &s, &sub));
	*out = rv_bool(find(s, sub, 0) <= s.n);
	return rc_of(OK);
}

static rc startswith(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct slice s, p;

	(void)n;
	TRY(two(c, args, &s, &p));
	*out = rv_bool(slice_starts(s, p));
	return rc_of(OK);
}

static rc endswith(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct slice s, p;

	(void)n;
	TRY(two(c, args, &s, &p));
	*out = rv_bool(ends(s, p));
	return rc_of(OK);
}

static rc indexof(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct slice s, sub;
	size_t at;

	(void)n;
	TRY(two(c, args, &s, &sub));
	if (sub.n == 0)
		return rego_fail(c, "empty search character");
	at = find(s, sub, 0);
	*out = rv_int(at > s.n ? -1 : (int64_t)uni_count(slice_sub(s, 0, at)));
	return rc_of(OK);
}

static rc indexof_n(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct rv_vec v = rv_vec(c->heap);
	struct slice s, sub;
	int64_t i = 0;

	(void)n;
	TRY(two(c, args, &s, &sub));
	if (sub.n == 0)
		return rego_fail(c, "empty search character");
	for (size_t at = 0; at < s.n; i++) {
		if (slice_starts(slice_sub(s, at, s.n), sub)) {
			TRY(rego_charge(c, 1));
			rv_push(&v, rv_int(i));
		}
		uni_next(s, &at);
	}
	return lib_return(c, rv_vec_done(&v), out);
}

static rc count(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct slice s, sub;
	int64_t found = 0;

	(void)n;
	TRY(two(c, args, &s, &sub));
	if (sub.n == 0)
		found = (int64_t)uni_count(s) + 1;
	else
		for (size_t at = 0; (at = find(s, sub, at)) <= s.n; at += sub.n)
			found++;
	*out = rv_int(found);
	return rc_of(OK);
}

static bool ascii(struct slice s)
{
	uint8_t any = 0;

	for (size_t i = 0; i < s.n; i++)
		any |= s.p[i];
	return any < 0x80;
}

static rc mapped(struct rego_call *c, const struct rv *args, int32_t (*map)(int32_t), struct rv *out)
{
	struct buf b = lib_buf(c);
	struct rv_str *plain;
	struct slice s;

	ARG_STRING(c, args, 0);
	s = rv_slice(args[0]);
	TRY(rego_charge(c, s.n / 8));
	if (ascii(s)) {
		plain = rv_str_new(c->heap, s.n);
		for (size_t i = 0; plain && i < s.n; i++)
			plain->p[i] = (char)map(s.p[i]);
		return lib_return(c, rv_str_done(plain, s.n), out);
	}
	for (size_t i = 0; i < s.n;)
		uni_put(&b, map(uni_next(s, &i)));
	return lib_buffer(c, &b, out);
}

static rc lower(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	(void)n;
	return mapped(c, args, uni_lower, out);
}

static rc upper(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	(void)n;
	return mapped(c, args, uni_upper, out);
}

static rc reverse(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct buf b = lib_buf(c);
	struct rv_str *plain;
	struct slice s;

	(void)n;
	ARG_STRING(c, args, 0);
	s = rv_slice(args[0]);
	TRY(rego_charge(c, s.n / 8));
	if (ascii(s)) {
		plain = rv_str_new(c->heap, s.n);
		for (size_t i = 0; plain && i < s.n; i++)
			plain->p[i] = (char)s.p[s.n - 1 - i];
		return lib_return(c, rv_str_done(plain, s.n), out);
	}
	for (size_t i = s.n; i > 0;)
		uni_put(&b, uni_prev(s, &i));
	return lib_buffer(c, &b, out);
}

static rc substring(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	int64_t from, len;
	size_t begin, end;
	struct slice s;

	(void)n;
	ARG_STRING(c, args, 0);
	TRY(lib_int(c, args, 1, &from));
	TRY(lib_int(c, args, 2, &len));
	if (from < 0)
		return rego_fail(c, "negative offset");
	s = rv_slice(args[0]);
	TRY(rego_charge(c, s.n / 64));
	begin = uni_offset(s, (size_t)from);
	s = slice_sub(s, begin, s.n);
	end = len < 0 ? s.n : uni_offset(s, (size_t)len);
	return lib_string(c, slice_sub(s, 0, end), out);
}

/* ---- joining and splitting ---- */

static rc concat(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	const struct rv *items;
	size_t len, total = 0;
	struct slice sep;
	struct rv_str *s;
	char *p;

	(void)n;
	ARG_STRING(c, args, 0);
	TRY(lib_strings(c, args, 1, false, &items, &len));
	sep = rv_slice(args[0]);
	for (size_t i = 0; i < len; i++)
		if (!num_add(total, items[i].str->n + (i ? sep.n : 0), &total))
			return rego_reserve(c, SIZE_MAX);
	TRY(rego_reserve(c, total));
	TRY(rego_charge(c, total / 64));
	s = rv_str_new(c->heap, total);
	if (!s)
		return lib_no_memory(c);
	p = s->p;
	for (size_t i = 0; i < len; i++) {
		if (i)
			p = (char *)memcpy(p, sep.p, sep.n) + sep.n;
		p = (char *)memcpy(p, items[i].str->p, items[i].str->n) + items[i].str->n;
	}
	return lib_return(c, rv_str_done(s, total), out);
}

/* The next part of s before `sep` (one code point when sep is empty); *s is what is behind it. False at the end. */
static bool part(struct slice *s, struct slice sep, bool *last, struct slice *out)
{
	size_t at = 0;

	if (*last)
		return false;
	if (sep.n == 0) {
		if (s->n == 0)
			return false;
		uni_next(*s, &at);
		*out = slice_sub(*s, 0, at);
		*s = slice_sub(*s, at, s->n);
		return true;
	}
	at = find(*s, sep, 0);
	*last = at > s->n;
	*out = slice_sub(*s, 0, at);
	*s = *last ? (struct slice){0} : slice_sub(*s, at + sep.n, s->n);
	return true;
}

/* The first n parts, or with n < 0 the last -n; all: every part. */
static RC split_parts(struct rego_call *c, struct slice s, struct slice sep, bool all, int64_t n, struct rv *out)
{
	struct rv_vec v = rv_vec(c->heap);
	struct slice p;
	bool last = false;

	while ((all || n < 0 || (int64_t)v.n < n) && part(&s, sep, &last, &p)) {
		TRY(rego_charge(c, 1 + p.n / 64));
		rv_push(&v, rv_str(c->heap, p.p, p.n));
		if (rv_heap_bad(c->heap))
			return lib_no_memory(c);
	}
	if (!all && n < 0 && v.n > 0 - (uint64_t)n) {
		size_t keep = (size_t)(0 - (uint64_t)n);

		return lib_return(c, rv_array(c->heap, v.items + (v.n - keep), keep), out);
	}
	return lib_return(c, rv_vec_done(&v), out);
}

static rc split(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct slice s, sep;

	(void)n;
	TRY(two(c, args, &s, &sep));
	return split_parts(c, s, sep, true, 0, out);
}

static rc split_n(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct slice s, sep;
	int64_t max;

	(void)n;
	TRY(two(c, args, &s, &sep));
	TRY(lib_int(c, args, 2, &max));
	return split_parts(c, s, sep, false, max, out);
}

/* ---- replacing ---- */

/* Pairs of old and new text, tried in order at each place; an empty old text matches between code points. */
static RC replace_all(struct rego_call *c, struct slice s, const struct rv *old, const struct rv *with, size_t pairs,
		      struct rv *out)
{
	struct buf b = lib_buf(c);
	bool was_empty = false;
	size_t i = 0, done = 0;

	TRY(rego_charge(c, s.n / 16 * pairs));
	while (i <= s.n) {
		struct slice rest = slice_sub(s, i, s.n);
		size_t k;

		for (k = 0; k < pairs; k++)
			if (old[k].str->n ? slice_starts(rest, rv_slice(old[k])) : !was_empty)
				break;
		was_empty = k < pairs && old[k].str->n == 0;
		if (k < pairs) {
			TRY(rego_charge(c, 1 + with[k].str->n / 64));
			buf_put(&b, s.p + done, i - done);
			buf_slice(&b, rv_slice(with[k]));
			i += old[k].str->n;
			done = i;
			if (!buf_ok(&b))
				return lib_no_memory(c);
			continue;
		}
		if (i == s.n)
			break;
		uni_next(s, &i);
	}
	buf_put(&b, s.p + done, s.n - done);
	return lib_buffer(c, &b, out);
}

static rc replace(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	(void)n;
	for (unsigned i = 0; i < 3; i++)
		ARG_STRING(c, args, i);
	return replace_all(c, rv_slice(args[0]), &args[1], &args[2], 1, out);
}

static rc replace_n(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	(void)n;
	ARG_OBJECT(c, args, 0);
	ARG_STRING(c, args, 1);
	rv_sort(args[0]);
	for (size_t i = 0; i < rv_len(args[0]); i++) {
		if (rv_key(args[0], i).kind != RV_STRING)
			return rego_operand_text(c, 1, "non-string key found in pattern object");
		if (rv_val(args[0], i).kind != RV_STRING)
			return rego_operand_text(c, 1, "non-string value found in pattern object");
	}
	return replace_all(c, rv_slice(args[1]), args[0].coll->keys, args[0].coll->vals, rv_len(args[0]), out);
}

/* ---- trimming ---- */

static bool in_cutset(int32_t cp, struct slice set)
{
	for (size_t i = 0; i < set.n;)
		if (uni_next(set, &i) == cp)
			return true;
	return false;
}

static struct slice trimmed(struct slice s, const struct slice *set, bool left, bool right)
{
	size_t from = 0, to = s.n;

	while (left && from < to) {
		size_t at = from;
		int32_t cp = uni_next(s, &at);

		if (set ? !in_cutset(cp, *set) : !uni_space(cp))
			break;
		from = at;
	}
	while (right && to > from) {
		size_t at = to;
		int32_t cp = uni_prev(s, &at);

		if (set ? !in_cutset(cp, *set) : !uni_space(cp))
			break;
		to = at;
	}
	return slice_sub(s, from, to - from);
}

static rc trim_set(struct rego_call *c, const struct rv *args, bool left, bool right, struct rv *out)
{
	struct slice s, set;

	TRY(two(c, args, &s, &set));
	TRY(rego_charge(c, s.n / 64 * (1 + set.n / 8)));
	return lib_string(c, trimmed(s, &set, left, right), out);
}

static rc trim(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	(void)n;
	return trim_set(c, args, true, true, out);
}

static rc trim_left(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	(void)n;
	return trim_set(c, args, true, false, out);
}

static rc trim_right(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	(void)n;
	return trim_set(c, args, false, true, out);
}

static rc trim_space(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	(void)n;
	ARG_STRING(c, args, 0);
	return lib_string(c, trimmed(rv_slice(args[0]), NULL, true, true), out);
}

static rc trim_prefix(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct slice s, p;

	(void)n;
	TRY(two(c, args, &s, &p));
	return lib_string(c, slice_starts(s, p) ? slice_sub(s, p.n, s.n) : s, out);
}

static rc trim_suffix(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct slice s, p;

	(void)n;
	TRY(two(c, args, &s, &p));
	return lib_string(c, ends(s, p) ? slice_sub(s, 0, s.n - p.n) : s, out);
}

static rc any_match(struct rego_call *c, const struct rv *args, bool (*match)(struct slice, struct slice), struct rv *out)
{
	const struct rv *strs, *pats;
	size_t ns, np;
	bool found = false;

	TRY(lib_strings(c, args, 0, true, &strs, &ns));
	TRY(lib_strings(c, args, 1, true, &pats, &np));
	for (size_t i = 0; i < ns && !found; i++) {
		TRY(rego_charge(c, np / 4));
		for (size_t k = 0; k < np && !found; k++)
			found = match(rv_slice(strs[i]), rv_slice(pats[k]));
	}
	*out = rv_bool(found);
	return rc_of(OK);
}

static rc any_prefix(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	(void)n;
	return any_match(c, args, slice_starts, out);
}

static rc any_suffix(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	(void)n;
	return any_match(c, args, ends, out);
}

const struct rego_builtin builtin_strings[] = {
	{"concat", "string, array[string] | set[string] -> string", concat, 2, 0, 2},
	{"contains", "string, string -> boolean", contains, 2, 0, 1},
	{"startswith", "string, string -> boolean", startswith, 2, 0, 1},
	{"endswith", "string, string -> boolean", endswith, 2, 0, 1},
	{"indexof", "string, string -> number", indexof, 2, 0, 1},
	{"indexof_n", "string, string -> array[number]", indexof_n, 2, 0, 2},
	{"lower", "string -> string", lower, 1, 0, 2},
	{"upper", "string -> string", upper, 1, 0, 2},
	{"replace", "string, string, string -> string", replace, 3, 0, 2},
	{"split", "string, string -> array[string]", split, 2, 0, 2},
	{"substring", "string, number, number -> string", substring, 3, 0, 1},
	{"trim", "string, string -> string", trim, 2, 0, 1},
	{"trim_left", "string, string -> string", trim_left, 2, 0, 1},
	{"trim_right", "string, string -> string", trim_right, 2, 0, 1},
	{"trim_prefix", "string, string -> string", trim_prefix, 2, 0, 1},
	{"trim_suffix", "string, string -> string", trim_suffix, 2, 0, 1},
	{"trim_space", "string -> string", trim_space, 1, 0, 1},
	{"strings.split_n", "string, string, number -> array[string]", split_n, 3, 0, 2},
	{"strings.count", "string, string -> number", count, 2, 0, 1},
	{"strings.replace_n", "object[string:string], string -> string", replace_n, 2, 0, 2},
	{"strings.reverse", "string -> string", reverse, 1, 0, 1},
	{"strings.any_prefix_match", "string | array[string] | set[string], string | array[string] | set[string] -> boolean",
	 any_prefix, 2, 0, 2},
	{"strings.any_suffix_match", "string | array[string] | set[string], string | array[string] | set[string] -> boolean",
	 any_suffix, 2, 0, 2},
	{0},
};
