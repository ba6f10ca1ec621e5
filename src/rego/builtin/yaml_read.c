/* yaml_read.c - a YAML document as a value. Anchors share values, so a bomb of aliases takes no memory. */
#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

#include "base/num.h"
#include "rego/builtin/decfloat.h"
#include "rego/builtin/gofmt.h"
#include "rego/builtin/gotime.h"
#include "rego/builtin/yaml.h"

struct reader {
	struct rv_heap *h;
	yaml_parser_t p;
	struct rv_builder anchors;
	const char *bad;
	unsigned depth;
	bool core;	/* as yaml_read_core says */
};

/* Nested values of annotations: below the document's mapping and the values of its keys. */
#define NESTED 3

static bool fail(struct reader *r, const char *text)
{
	if (!r->bad)
		r->bad = text;
	return false;
}

/* What the parser found, with the line that upstream would name. */
static bool syntax(struct reader *r)
{
	size_t line = r->p.context_mark.line ? r->p.context_mark.line : r->p.problem_mark.line;
	char where[32] = "", *text;

	if (r->p.error == YAML_MEMORY_ERROR) {
		r->h->bad = true;
		return false;
	}
	if (line && r->p.error == YAML_SCANNER_ERROR)
		line++;
	if (line)
		snprintf(where, sizeof(where), "line %zu: ", line);
	text = arena_printf(r->h->arena, "yaml: %s%s", where,
			    r->p.problem ? r->p.problem : "unknown problem parsing YAML content");
	return fail(r, text ? text : "yaml: malformed");
}

static bool next(struct reader *r, yaml_event_t *e)
{
	return yaml_parser_parse(&r->p, e) ? true : syntax(r);
}

/* ---- scalars ---- */

static bool one_of(struct slice s, const char *const *words)
{
	for (; *words; words++)
		if (slice_is(s, *words))
			return true;
	return false;
}

static bool float_form(struct slice s)
{
	size_t i = s.n && (s.p[0] == '-' || s.p[0] == '+'), whole = i, frac, from;

	while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9')
		i++;
	whole = i - whole;
	frac = i;
	if (i < s.n && s.p[i] == '.')
		for (frac = ++i; i < s.n && s.p[i] >= '0' && s.p[i] <= '9';)
			i++;
	if (whole == 0 && i == frac)
		return false;
	if (i < s.n && (s.p[i] | 32) == 'e') {
		i++;
		if (i < s.n && (s.p[i] == '-' || s.p[i] == '+'))
			i++;
		for (from = i; i < s.n && s.p[i] >= '0' && s.p[i] <= '9';)
			i++;
		if (i == from)
			return false;
	}
	return i == s.n;
}

/* [+-] with 0x, 0b, 0o, or octal by a leading 0; underscores are dropped. */
static bool integer(struct slice s, bool *neg, uint64_t *out)
{
	size_t i = 0;
	unsigned base = 10;
	uint64_t v = 0;
	bool any = false;

	*neg = false;
	if (i < s.n && (s.p[i] == '-' || s.p[i] == '+'))
		*neg = s.p[i++] == '-';
	if (i + 1 < s.n && s.p[i] == '0') {
		uint8_t kind = s.p[i + 1] | 32;

		base = kind == 'x' ? 16 : kind == 'b' ? 2 : 8;
		i += kind == 'x' || kind == 'b' || kind == 'o' ? 2 : 1;
	}
	for (; i < s.n; i++) {
		uint8_t ch = s.p[i];
		unsigned d = ch >= '0' && ch <= '9' ? (unsigned)(ch - '0') : (ch | 32) >= 'a' && (ch | 32) <= 'f' ? (unsigned)((ch | 32) - 'a' + 10) : 99;

		if (ch == '_')
			continue;
		if (d >= base || __builtin_mul_overflow(v, base, &v) || __builtin_add_overflow(v, d, &v))
			return false;
		any = true;
	}
	*out = v;
	return any && (!*neg || v <= (uint64_t)INT64_MAX + 1);
}

static struct rv float_value(struct reader *r, struct slice s)
{
	struct buf b = buf_in(r->h->arena, 0);
	struct rv v;
	double d;

	if (!decfloat_parse(s, &d) || d - d != 0) {
		fail(r, "json: unsupported value");
		return rv_undef();
	}
	/* as a JSON encoder writes it */
	if (d != 0 && ((d < 0 ? -d : d) < 1e-6 || (d < 0 ? -d : d) >= 1e21))
		gofmt_float(&b, d, 'e', -1);
	else
		gofmt_float(&b, d, 'f', -1);
	v = buf_ok(&b) ? rv_number(r->h, buf_view(&b)) : rv_undef();
	if (v.kind == RV_UNDEF)
		r->h->bad = true;
	return v;
}

static const char *const truths[] = {"y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON", NULL};
static const char *const lies[] = {"n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF", NULL};
static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
static const char *const infinite[] = {".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF",
				       ".nan", ".NaN", ".NAN", NULL};

static bool may_be_number(struct slice s)
{
	return s.n && (s.p[0] == '-' || s.p[0] == '+' || s.p[0] == '.' || (s.p[0] >= '0' && s.p[0] <= '9'));
}

bool yaml_plain_string(struct slice s)
{
	uint64_t u;
	bool neg;

	return !one_of(s, nulls) && !one_of(s, truths) && !one_of(s, lies) && !one_of(s, infinite) &&
	       !(may_be_number(s) && (integer(s, &neg, &u) || float_form(s)));
}

/* A date, with or without a time, in RFC 3339; false when it is none. */
static bool timestamp(struct reader *r, struct slice s, struct rv *out)
{
	static const char *const layouts[] = {"2006-1-2T15:4:5.999999999Z07:00", "2006-1-2t15:4:5.999999999Z07:00",
					      "2006-1-2 15:4:5.999999999", "2006-1-2"};
	struct gotime t;
	struct buf b = buf_in(r->h->arena, 0);

	for (size_t i = 0; i < 4; i++) {
		if (i >= s.n || s.p[i] < '0' || s.p[i] > '9')
			return false;
	}
	if (s.n < 5 || s.p[4] != '-')
		return false;
	for (size_t i = 0; i < COUNT_OF(layouts); i++) {
		if (!rc_ok(gotime_parse(slice_cstr(layouts[i]), s, &t, NULL)))
			continue;
		gotime_format(&b, &t, slice_cstr("2006-01-02T15:04:05.999999999Z07:00"));
		*out = rv_str(r->h, b.p, b.n);
		return true;
	}
	return false;
}

static struct rv plain(struct reader *r, struct slice s)
{
	struct rv when;

	uint64_t u;
	bool neg;

	bool truth = one_of(s, truths) || one_of(s, lies);

	if (r->core && r->depth >= NESTED && timestamp(r, s, &when))
		return when;
	if (yaml_plain_string(s) || (r->core && truth && s.p[s.n - 1] != 'e' && s.p[s.n - 1] != 'E'))
		return rv_str(r->h, s.p, s.n);
	if (one_of(s, nulls))
		return rv_null();
	if (truth)
		return rv_bool(one_of(s, truths));
	if (one_of(s, infinite)) {
		fail(r, "json: unsupported value");
		return rv_undef();
	}
	if (integer(s, &neg, &u))
		return neg ? rv_int((int64_t)(0 - u)) : rv_u64(r->h, u);
	return float_value(r, s);
}

static struct rv scalar(struct reader *r, const yaml_event_t *e)
{
	struct slice s = slice_of(e->data.scalar.value, e->data.scalar.length);
	const char *tag = (const char *)e->data.scalar.tag;

	if (tag && (strcmp(tag, YAML_STR_TAG) == 0 || strcmp(tag, "!") == 0))
		return rv_str(r->h, s.p, s.n);
	if (tag || e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
		return plain(r, s);
	return rv_str(r->h, s.p, s.n);
}

/* ---- nodes ---- */

static bool node(struct reader *r, const yaml_event_t *e, struct rv *out);

static bool remember(struct reader *r, const yaml_char_t *anchor, struct rv v)
{
	if (anchor)
		rv_object_put(&r->anchors, rv_cstr(r->h, (const char *)anchor), v);
	return !rv_heap_bad(r->h);
}

static bool sequence(struct reader *r, struct rv *out)
{
	struct rv_vec v = rv_vec(r->h);
	struct rv item;

	for (;;) {
		yaml_event_t e;
		bool ok, end;

		if (!next(r, &e))
			return false;
		end = e.type == YAML_SEQUENCE_END_EVENT;
		ok = end || node(r, &e, &item);
		yaml_event_delete(&e);
		if (!ok)
			return false;
		if (end)
			break;
		rv_push(&v, item);
	}
	*out = rv_vec_done(&v);
	return !rv_heap_bad(r->h);
}

/* JSON's names are strings: numbers and truth values become theirs. */
static bool key_text(struct reader *r, struct rv key, struct rv *out)
{
	struct buf b = buf_in(r->h->arena, 0);

	if (key.kind == RV_STRING) {
		*out = key;
		return true;
	}
	if (r->core && r->depth >= NESTED)
		return fail(r, "invalid map key type(s)");
	if (key.kind != RV_NUMBER && key.kind != RV_BOOL)
		return fail(r, "error converting YAML to JSON: unsupported map key");
	rv_to_json(&b, key);
	*out = rv_str(r->h, b.p, b.n);
	return buf_ok(&b) && !rv_heap_bad(r->h);
}

/* "<<": a mapping, or several, whose members count where the mapping has none of its own. */
static bool merge(struct reader *r, struct rv from, struct rv_builder *defaults)
{
	if (from.kind == RV_OBJECT) {
		for (size_t i = 0; i < rv_len(from); i++)
			if (!rv_builder_get(defaults, rv_key(from, i)))
				rv_object_put(defaults, rv_key(from, i), rv_val(from, i));
		return true;
	}
	if (from.kind != RV_ARRAY)
		return fail(r, "yaml: map merge requires map or sequence of maps as the value");
	for (size_t i = 0; i < rv_len(from); i++)
		if (rv_at(from, i).kind != RV_OBJECT || !merge(r, rv_at(from, i), defaults))
			return fail(r, "yaml: map merge requires map or sequence of maps as the value");
	return true;
}

/* A key that is there already is refused in annotations. */
static bool new_key(struct reader *r, const yaml_event_t *e, struct rv key, struct rv_builder *lines)
{
	const struct rv *before = rv_builder_get(lines, key);
	struct buf quoted = buf_in(r->h->arena, 0);

	if (!before) {
		rv_object_put(lines, key, rv_int((int64_t)e->start_mark.line + 1));
		return true;
	}
	rv_quote(&quoted, rv_slice(key));
	return fail(r, arena_printf(r->h->arena, "yaml: unmarshal errors:\n  line %zu: mapping key %s already defined at line %lld",
				    e->start_mark.line + 1, buf_cstr(&quoted), (long long)before->i));
}

static bool entry(struct reader *r, const yaml_event_t *e, struct rv_builder *own, struct rv_builder *defaults,
		  struct rv_builder *lines)
{
	bool is_merge = e->type == YAML_SCALAR_EVENT && e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
			e->data.scalar.length == 2 && memcmp(e->data.scalar.value, "<<", 2) == 0;
	yaml_event_t v;
	struct rv key, val;
	bool ok;

	if (!node(r, e, &key) || !next(r, &v))
		return false;
	ok = node(r, &v, &val);
	yaml_event_delete(&v);
	if (!ok)
		return false;
	if (is_merge)
		return merge(r, val, defaults);
	if (!key_text(r, key, &key) || (r->core && !new_key(r, e, key, lines)))
		return false;
	rv_object_put(own, key, val);
	return true;
}

static bool mapping(struct reader *r, struct rv *out)
{
	struct rv_builder own = rv_object_builder(r->h, 0), defaults = rv_object_builder(r->h, 0);
	struct rv_builder lines = rv_object_builder(r->h, 0);
	struct rv d;

	for (;;) {
		yaml_event_t e;
		bool ok, end;

		if (!next(r, &e))
			return false;
		end = e.type == YAML_MAPPING_END_EVENT;
		ok = end || entry(r, &e, &own, &defaults, &lines);
		yaml_event_delete(&e);
		if (!ok)
			return false;
		if (end)
			break;
	}
	d = rv_builder_done(&defaults);
	for (size_t i = 0; i < rv_len(d); i++)
		if (!rv_builder_get(&own, rv_key(d, i)))
			rv_object_put(&own, rv_key(d, i), rv_val(d, i));
	*out = rv_builder_done(&own);
	return !rv_heap_bad(r->h);
}

static bool node(struct reader *r, const yaml_event_t *e, struct rv *out)
{
	const yaml_char_t *anchor = NULL;
	const struct rv *known;
	bool ok = true;

	if (++r->depth > YAML_DEPTH)
		return fail(r, "yaml: exceeded max depth");
	switch ((int)e->type) {
	case YAML_SCALAR_EVENT:
		*out = scalar(r, e);
		anchor = e->data.scalar.anchor;
		ok = out->kind != RV_UNDEF;
		break;
	case YAML_SEQUENCE_START_EVENT:
		ok = sequence(r, out);
		anchor = e->data.sequence_start.anchor;
		break;
	case YAML_MAPPING_START_EVENT:
		ok = mapping(r, out);
		anchor = e->data.mapping_start.anchor;
		break;
	case YAML_ALIAS_EVENT:
		known = rv_builder_get(&r->anchors, rv_cstr(r->h, (const char *)e->data.alias.anchor));
		if (!known)
			return fail(r, "yaml: unknown anchor referenced");
		*out = *known;
		break;
	default:
		return fail(r, "yaml: unexpected event");
	}
	r->depth--;
	return ok && remember(r, anchor, *out);
}

static bool document(struct reader *r, struct rv *out)
{
	*out = rv_null();
	for (;;) {
		yaml_event_t e;
		bool ok = true, done;

		if (!next(r, &e))
			return false;
		done = e.type == YAML_STREAM_END_EVENT || e.type == YAML_DOCUMENT_END_EVENT;
		if (!done && e.type != YAML_STREAM_START_EVENT && e.type != YAML_DOCUMENT_START_EVENT)
			ok = node(r, &e, out);
		yaml_event_delete(&e);
		if (!ok || done)
			return ok;
	}
}

static struct rv read_text(struct rv_heap *h, struct slice text, bool core, const char **bad)
{
	struct reader r = {.h = h, .core = core, .anchors = rv_object_builder(h, 0)};
	struct rv v = rv_undef();
	bool ok;

	*bad = NULL;
	if (!yaml_parser_initialize(&r.p)) {
		h->bad = true;
		return v;
	}
	yaml_parser_set_input_string(&r.p, text.p ? text.p : (const uint8_t *)"", text.n);
	ok = document(&r, &v);
	yaml_parser_delete(&r.p);
	if (ok)
		return v;
	*bad = r.bad;
	return rv_undef();
}

struct rv yaml_read(struct rv_heap *h, struct slice text, const char **bad)
{
	return read_text(h, text, false, bad);
}

struct rv yaml_read_core(struct rv_heap *h, struct slice text, const char **bad)
{
	return read_text(h, text, true, bad);
}
