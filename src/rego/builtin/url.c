/* url.c - query strings and URIs. */
#include "rego/builtin/lib.h"
#include "rego/builtin/uri.h"

static rc encode(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct buf b = lib_buf(c);

	(void)n;
	ARG_STRING(c, args, 0);
	TRY(rego_charge(c, args[0].str->n / 16));
	uri_query_escape(&b, rv_slice(args[0]));
	return lib_buffer(c, &b, out);
}

static RC unescape(struct rego_call *c, struct slice s, struct slice *out)
{
	struct why w = why_in(c->heap->arena);
	rc r = uri_query_unescape(c->heap->arena, s, out, &w);

	return rc_ok(r) ? r : lib_refused(c, r, &w);
}

static rc decode(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct slice s;

	(void)n;
	ARG_STRING(c, args, 0);
	TRY(rego_charge(c, args[0].str->n / 16));
	TRY(unescape(c, rv_slice(args[0]), &s));
	return lib_string(c, s, out);
}

static void pair(struct buf *b, struct slice key, struct slice val)
{
	if (b->n)
		buf_putc(b, '&');
	uri_query_escape(b, key);
	buf_putc(b, '=');
	uri_query_escape(b, val);
}

static rc encode_object(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	static const char values[] = "values must be string, array[string], or set[string]";
	struct buf b = lib_buf(c);

	(void)n;
	ARG_OBJECT(c, args, 0);
	rv_sort(args[0]);
	for (size_t i = 0; i < rv_len(args[0]); i++) {
		struct rv val = rv_val(args[0], i), name = rv_key(args[0], i);
		const struct rv *items = val.kind == RV_STRING ? &val : NULL;
		struct buf k = lib_buf(c);
		size_t len = 1;

		if (name.kind == RV_STRING)
			buf_slice(&k, rv_slice(name));
		else
			rv_to_json(&k, name);
		if (!items) {
			items = lib_items(val, &len);
			if (val.kind != RV_ARRAY && val.kind != RV_SET)
				return rego_operand_text(c, 1, values);
		}
		TRY(rego_charge(c, 1 + len));
		for (size_t m = 0; m < len; m++) {
			if (items[m].kind != RV_STRING)
				return rego_operand_text(c, 1, values);
			pair(&b, buf_view(&k), rv_slice(items[m]));
		}
	}
	return lib_buffer(c, &b, out);
}

static size_t find(struct slice s, char ch)
{
	size_t i = 0;

	while (i < s.n && s.p[i] != (uint8_t)ch)
		i++;
	return i;
}

/* One "key=value" into the object of arrays. */
static RC add_pair(struct rego_call *c, struct rv_builder *b, struct slice part)
{
	size_t eq = find(part, '=');
	const struct rv *old;
	struct rv_vec v = rv_vec(c->heap);
	struct slice key, val;
	struct rv k;

	if (find(part, ';') < part.n)
		return rego_fail(c, "invalid semicolon separator in query");
	TRY(unescape(c, slice_sub(part, 0, eq), &key));
	TRY(unescape(c, slice_sub(part, eq + 1, part.n), &val));
	k = rv_str(c->heap, key.p, key.n);
	old = rv_builder_get(b, k);
	TRY(rego_charge(c, 1 + (old ? rv_len(*old) / 4 : 0)));
	for (size_t i = 0; old && i < rv_len(*old); i++)
		rv_push(&v, rv_at(*old, i));
	rv_push(&v, rv_str(c->heap, val.p, val.n));
	rv_object_put(b, k, rv_vec_done(&v));
	return rv_heap_bad(c->heap) ? lib_no_memory(c) : rc_of(OK);
}

static rc decode_object(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct rv_builder b = rv_object_builder(c->heap, 0);
	struct slice s;

	(void)n;
	ARG_STRING(c, args, 0);
	for (s = rv_slice(args[0]); s.n;) {
		size_t amp = find(s, '&');

		if (amp)
			TRY(add_pair(c, &b, slice_sub(s, 0, amp)));
		s = slice_sub(s, amp + 1, s.n);
	}
	return lib_return(c, rv_builder_done(&b), out);
}

static rc uri_parse_(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct why w = why_in(c->heap->arena);
	struct rv_builder b = rv_object_builder(c->heap, 7);
	struct uri u;
	rc r;

	(void)n;
	ARG_STRING(c, args, 0);
	TRY(rego_charge(c, args[0].str->n / 8));
	r = uri_parse(c->heap->arena, rv_slice(args[0]), &u, &w);
	if (!rc_ok(r))
		return lib_refused(c, r, &w);
	const struct {
		const char *name;
		struct slice s;
	} parts[] = {
		{"scheme", u.scheme}, {"hostname", u.hostname},	 {"port", u.port},	 {"path", u.path},
		{"raw_path", u.raw_path}, {"raw_query", u.raw_query}, {"fragment", u.fragment},
	};
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (parts[i].s.n)
			rv_object_put_c(&b, parts[i].name, rv_str(c->heap, parts[i].s.p, parts[i].s.n));
	return lib_return(c, rv_builder_done(&b), out);
}

static rc uri_is_valid(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct uri u;

	(void)n;
	*out = rv_bool(false);
	if (args[0].kind != RV_STRING || args[0].str->n == 0)
		return rc_of(OK);
	TRY(rego_charge(c, args[0].str->n / 8));
	return lib_return(c, rv_bool(rc_ok(uri_parse(c->heap->arena, rv_slice(args[0]), &u, NULL))), out);
}

const struct rego_builtin builtin_url[] = {
	{"urlquery.encode", "string -> string", encode, 1, 0, 2},
	{"urlquery.decode", "string -> string", decode, 1, 0, 2},
	{"urlquery.encode_object", "object[string:string | array[string] | set[string]] -> string", encode_object, 1, 0, 2},
	{"urlquery.decode_object", "string -> object[string:array[string]]", decode_object, 1, 0, 2},
	{"uri.parse", "string -> object[string:string]", uri_parse_, 1, 0, 4},
	{"uri.is_valid", "string -> boolean", uri_is_valid, 1, 0, 4},
	{0},
};
