/* yaml.c - the YAML builtins, and writing. */
#include <errno.h>
#include <stdlib.h>
#include <yaml.h>

#include "rego/builtin/gofmt.h"
#include "rego/builtin/yaml.h"

/* ---- writing ---- */

struct writer {
	yaml_emitter_t e;
	struct arena *a;
	struct buf *out;
	unsigned depth;
};

static int sink(void *data, unsigned char *p, size_t n)
{
	struct writer *w = data;

	buf_put(w->out, p, n);
	return buf_ok(w->out);
}

static bool emit(struct writer *w, yaml_event_t *e, int made)
{
	return made && yaml_emitter_emit(&w->e, e);
}

static bool scalar(struct writer *w, struct slice s, yaml_scalar_style_t style)
{
	yaml_event_t e;

	/* libyaml takes the bytes as they are and does not change them */
	return emit(w, &e, yaml_scalar_event_initialize(&e, NULL, NULL, (yaml_char_t *)(uintptr_t)(s.p ? s.p : (const uint8_t *)""),
							(int)s.n, 1, 1, style));
}

/* Would a reader take the plain text for a string? And for one only: not for a number in base 60 either. */
static bool reads_as_string(struct slice s)
{
	size_t colon = 0, digits = 0;

	for (size_t i = 0; i < s.n; i++) {
		colon += s.p[i] == ':';
		digits += (s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == '.' || s.p[i] == '_';
	}
	if (colon && colon + digits + (s.n && (s.p[0] == '-' || s.p[0] == '+')) == s.n)
		return false;
	return yaml_plain_string(s);
}

static bool string(struct writer *w, struct slice s)
{
	if (s.n > INT32_MAX)
		return false;
	if (memchr(s.n ? (const void *)s.p : "", '\n', s.n))
		return scalar(w, s, YAML_LITERAL_SCALAR_STYLE);
	return scalar(w, s, reads_as_string(s) ? YAML_PLAIN_SCALAR_STYLE : YAML_DOUBLE_QUOTED_SCALAR_STYLE);
}

static bool digit(uint8_t ch)
{
	return ch >= '0' && ch <= '9';
}

static bool letter(uint8_t ch)
{
	return (ch | 32) >= 'a' ? (ch | 32) <= 'z' || ch >= 0x80 : false;
}

static uint64_t run(struct slice s, size_t *at, uint64_t start)
{
	while (*at < s.n && digit(s.p[*at]))
		start = start * 10 + s.p[(*at)++] - '0';
	return start;
}

/* The order in which upstream's library writes keys: numbers inside by value, letters behind other signs. */
static bool before(struct slice a, struct slice b)
{
	bool digits = false;

	for (size_t i = 0; i < a.n && i < b.n; i++) {
		bool al = letter(a.p[i]), bl = letter(b.p[i]);
		size_t ai = i, bi = i;
		uint64_t an = 0, bn = 0;

		if (a.p[i] == b.p[i]) {
			digits = digit(a.p[i]);
			continue;
		}
		if (al && bl)
			return a.p[i] < b.p[i];
		if (al || bl)
			return digits ? al : bl;
		for (size_t j = i; (a.p[i] == '0' || b.p[i] == '0') && j > 0 && digit(a.p[j - 1]) && !an; j--)
			if (a.p[j - 1] != '0')
				an = bn = 1;
		an = run(a, &ai, an);
		bn = run(b, &bi, bn);
		if (an != bn)
			return an < bn;
		return ai != bi ? ai < bi : a.p[i] < b.p[i];
	}
	return a.n < b.n;
}

struct member {
	struct slice key;
	struct rv val;
};

static void sort_members(struct member *m, struct member *tmp, size_t n)
{
	size_t half = n / 2, i = 0, k = half, o = 0;

	if (n < 2)
		return;
	sort_members(m, tmp, half);
	sort_members(m + half, tmp, n - half);
	while (i < half && k < n)
		tmp[o++] = before(m[k].key, m[i].key) ? m[k++] : m[i++];
	while (i < half)
		tmp[o++] = m[i++];
	memcpy(m, tmp, o * sizeof(*m));
}

static bool value(struct writer *w, struct rv v);

static bool mapping(struct writer *w, struct rv v)
{
	size_t n = rv_len(v);
	struct member *m = arena_array(w->a, n + 1, struct member), *tmp = arena_array(w->a, n + 1, struct member);
	yaml_event_t e;

	if (!m || !tmp)
		return false;
	for (size_t i = 0; i < n; i++) {
		struct buf b = buf_in(w->a, 0);

		if (rv_key(v, i).kind == RV_STRING)
			buf_slice(&b, rv_slice(rv_key(v, i)));
		else
			rv_to_json(&b, rv_key(v, i));
		m[i] = (struct member){buf_view(&b), rv_val(v, i)};
	}
	sort_members(m, tmp, n);
	if (!emit(w, &e, yaml_mapping_start_event_initialize(&e, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE)))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!string(w, m[i].key) || !value(w, m[i].val))
			return false;
	return emit(w, &e, yaml_mapping_end_event_initialize(&e));
}

static bool sequence(struct writer *w, struct rv v)
{
	size_t n;
	const struct rv *items = lib_items(v, &n);
	yaml_event_t e;

	if (!emit(w, &e, yaml_sequence_start_event_initialize(&e, NULL, NULL, 1, YAML_BLOCK_SEQUENCE_STYLE)))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!value(w, items[i]))
			return false;
	return emit(w, &e, yaml_sequence_end_event_initialize(&e));
}

/* An integer of 64 bits as it stands; upstream's library takes all others for doubles. */
static bool number(struct writer *w, struct rv v)
{
	char scratch[24];
	struct slice text = rv_number_text(v, scratch);
	struct buf b = buf_in(w->a, 64);
	const char *cstr = arena_strndup(w->a, text.p, text.n);
	const char *digits = cstr && *cstr == '-' ? cstr + 1 : cstr;
	bool fits = digits && digits[strspn(digits, "0123456789")] == 0;

	if (!cstr)
		return false;
	errno = 0;
	if (fits && *cstr == '-')
		(void)strtoll(cstr, NULL, 10);
	else if (fits)
		(void)strtoull(cstr, NULL, 10);
	if (fits && errno != ERANGE)
		return scalar(w, text, YAML_PLAIN_SCALAR_STYLE);
	errno = 0;
	gofmt_float(&b, strtod(cstr, NULL), 'g', -1);
	/* beyond a double it stays what it is */
	return scalar(w, buf_ok(&b) && errno != ERANGE ? buf_view(&b) : text, YAML_PLAIN_SCALAR_STYLE);
}

static bool value(struct writer *w, struct rv v)
{
	bool ok = false;

	if (++w->depth > YAML_DEPTH)
		return false;
	switch ((enum rv_kind)v.kind) {
	case RV_UNDEF:
	case RV_NULL:
		ok = scalar(w, SLICE_LIT("null"), YAML_PLAIN_SCALAR_STYLE);
		break;
	case RV_BOOL:
		ok = scalar(w, v.sub ? SLICE_LIT("true") : SLICE_LIT("false"), YAML_PLAIN_SCALAR_STYLE);
		break;
	case RV_NUMBER:
		ok = number(w, v);
		break;
	case RV_STRING:
		ok = string(w, rv_slice(v));
		break;
	case RV_ARRAY:
	case RV_SET:
		ok = sequence(w, v);
		break;
	case RV_OBJECT:
		ok = mapping(w, v);
		break;
	}
	w->depth--;
	return ok;
}

bool yaml_write(struct arena *a, struct rv v, struct buf *out)
{
	struct writer w = {.a = a, .out = out};
	yaml_event_t e;
	bool ok;

	if (!yaml_emitter_initialize(&w.e))
		return false;
	yaml_emitter_set_output(&w.e, sink, &w);
	yaml_emitter_set_unicode(&w.e, 1);
	yaml_emitter_set_width(&w.e, -1);
	ok = emit(&w, &e, yaml_stream_start_event_initialize(&e, YAML_UTF8_ENCODING)) &&
	     emit(&w, &e, yaml_document_start_event_initialize(&e, NULL, NULL, NULL, 1)) && value(&w, v) &&
	     emit(&w, &e, yaml_document_end_event_initialize(&e, 1)) && emit(&w, &e, yaml_stream_end_event_initialize(&e));
	yaml_emitter_delete(&w.e);
	return ok && buf_ok(out);
}

/* ---- builtins ---- */

static rc marshal(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct buf b = lib_buf(c);

	(void)n;
	TRY(rego_charge(c, 20 + rv_len(args[0])));
	if (!yaml_write(c->heap->arena, args[0], &b))
		return arena_bad(c->heap->arena) || !buf_ok(&b) ? lib_no_memory(c) : rego_fail(c, "yaml: value cannot be written");
	return lib_buffer(c, &b, out);
}

static rc unmarshal(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	const char *bad;

	(void)n;
	ARG_STRING(c, args, 0);
	TRY(rego_charge(c, 20 + args[0].str->n / 4));
	*out = yaml_read(c->heap, rv_slice(args[0]), &bad);
	if (out->kind != RV_UNDEF && !rv_heap_bad(c->heap))
		return rc_of(OK);
	return bad ? rego_fail(c, "%s", bad) : lib_no_memory(c);
}

static rc is_valid(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	const char *bad;
	struct rv v;

	(void)n;
	*out = rv_bool(false);
	if (args[0].kind != RV_STRING)
		return rc_of(OK);
	TRY(rego_charge(c, 20 + args[0].str->n / 4));
	v = yaml_read(c->heap, rv_slice(args[0]), &bad);
	if (rv_heap_bad(c->heap))
		return lib_no_memory(c);
	*out = rv_bool(v.kind != RV_UNDEF);
	return rc_of(OK);
}

const struct rego_builtin builtin_yaml[] = {
	{"yaml.marshal", "any -> string", marshal, 1, 0, 4},
	{"yaml.unmarshal", "string -> any", unmarshal, 1, 0, 4},
	{"yaml.is_valid", "string -> boolean", is_valid, 1, 0, 4},
	{0},
};
