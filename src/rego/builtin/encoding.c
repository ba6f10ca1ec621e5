/* encoding.c - JSON, base64 and hex as texts. Base64 and hex follow Go: newlines are skipped, stray bits allowed. */
#include <stdio.h>

#include "codec/base64.h"
#include "rego/builtin/jwt.h"

/* ---- JSON ---- */

/* Go's encoder writes <, >, & and the two line separators as escapes; in JSON text they stand in strings only. */
static RC escape_html(struct rego_call *c, const struct buf *json, struct slice *out)
{
	struct buf b = lib_buf(c);
	struct slice s = buf_view(json);
	size_t done = 0;

	if (!buf_ok(json))
		return lib_no_memory(c);
	for (size_t i = 0; i < s.n; i++) {
		bool separator = s.p[i] == 0xe2 && i + 2 < s.n && s.p[i + 1] == 0x80 && (s.p[i + 2] & 0xfe) == 0xa8;

		if (!separator && s.p[i] != '<' && s.p[i] != '>' && s.p[i] != '&')
			continue;
		buf_put(&b, s.p + done, i - done);
		if (separator) {
			buf_printf(&b, "\\u20%02x", s.p[i + 2] & 0x3f);
			i += 2;
		} else {
			buf_printf(&b, "\\u00%02x", s.p[i]);
		}
		done = i + 1;
	}
	*out = s;
	if (done == 0)
		return rc_of(OK);
	buf_put(&b, s.p + done, s.n - done);
	*out = buf_view(&b);
	return buf_ok(&b) ? rc_of(OK) : lib_no_memory(c);
}

static RC escaped(struct rego_call *c, const struct buf *json, struct rv *out)
{
	struct slice s;

	TRY(escape_html(c, json, &s));
	return lib_string(c, s, out);
}

RC lib_json_text(struct rego_call *c, struct rv v, struct slice *out)
{
	struct buf b = lib_buf(c);

	TRY(rego_charge(c, 1 + rv_len(v)));
	rv_to_json(&b, v);
	return escape_html(c, &b, out);
}

static bool has_other_keys(struct rv v)
{
	bool other = false;

	for (uint32_t i = 0; (v.kind == RV_OBJECT || v.kind == RV_ARRAY || v.kind == RV_SET) && i < rv_len(v) && !other; i++) {
		if (v.kind == RV_OBJECT)
			other = rv_key(v, i).kind != RV_STRING || has_other_keys(rv_val(v, i));
		else
			other = has_other_keys(v.kind == RV_SET ? rv_key(v, i) : rv_at(v, i));
	}
	return other;
}

/* As JSON has it: each key its text, in the order of the texts; of two that are the same the later one's value stays. */
static struct rv with_text_keys(struct rego_call *c, struct rv v)
{
	if (v.kind == RV_ARRAY || v.kind == RV_SET) {
		struct rv_vec list = rv_vec(c->heap);

		if (v.kind == RV_SET)
			rv_sort(v);
		for (uint32_t i = 0; i < rv_len(v); i++)
			rv_push(&list, with_text_keys(c, v.kind == RV_SET ? rv_key(v, i) : rv_at(v, i)));
		return rv_vec_done(&list);
	}
	if (v.kind == RV_OBJECT) {
		struct rv_builder b = rv_object_builder(c->heap, rv_len(v));

		rv_sort(v);
		for (uint32_t i = 0; i < rv_len(v); i++) {
			struct rv key = rv_key(v, i);

			rv_object_put(&b, key.kind == RV_STRING ? key : rv_json_value(c->heap, key), with_text_keys(c, rv_val(v, i)));
		}
		return rv_builder_done(&b);
	}
	return v;
}

static RC json_ready(struct rego_call *c, struct rv *v)
{
	if (!has_other_keys(*v))
		return rc_of(OK);
	*v = with_text_keys(c, *v);
	return rv_heap_bad(c->heap) ? lib_no_memory(c) : rc_of(OK);
}

static rc json_marshal(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct rv v = args[0];
	struct slice s;

	(void)n;
	TRY(json_ready(c, &v));
	TRY(lib_json_text(c, v, &s));
	return lib_string(c, s, out);
}

struct marshal_opts {
	struct rv prefix, indent;
	bool implied, given, pretty;
};

static RC marshal_option(struct rego_call *c, struct rv key, struct rv val, struct marshal_opts *o)
{
	struct buf q = lib_buf(c);
	struct slice k;

	rv_to_text(&q, key);
	k = buf_view(&q);
	if (key.kind != RV_STRING)
		return rego_operand_text(c, 2, "failed to stringify key " SLICE_FMT, SLICE_ARG(k));
	if (rv_is_str(key, "prefix") || rv_is_str(key, "indent")) {
		if (val.kind != RV_STRING)
			return rego_operand_text(c, 2, "key " SLICE_FMT " failed cast to string: operand 0 must be string but got %s",
						 SLICE_ARG(k), rego_type_name(val));
		*(rv_is_str(key, "prefix") ? &o->prefix : &o->indent) = val;
		o->implied = true;
	} else if (rv_is_str(key, "pretty")) {
		if (val.kind != RV_BOOL)
			return rego_operand_text(c, 2, "key " SLICE_FMT " failed cast to bool", SLICE_ARG(k));
		o->given = true;
		o->pretty = val.sub;
	} else {
		return rego_operand_text(c, 2, "object contained unknown key " SLICE_FMT, SLICE_ARG(k));
	}
	return rc_of(OK);
}

static rc json_marshal_opts(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct marshal_opts o = {.prefix = rv_cstr(c->heap, ""), .indent = rv_cstr(c->heap, "\t")};
	struct buf b = lib_buf(c);
	struct rv v = args[0];

	(void)n;
	ARG_OBJECT(c, args, 1);
	TRY(json_ready(c, &v));
	if (rv_heap_bad(c->heap))
		return lib_no_memory(c);
	rv_sort(args[1]);
	for (size_t i = 0; i < rv_len(args[1]); i++)
		TRY(marshal_option(c, rv_key(args[1], i), rv_val(args[1], i), &o));
	TRY(rego_charge(c, 1 + rv_len(args[0])));
	if (!(o.given ? o.pretty : o.implied)) {
		rv_to_json(&b, v);
		return escaped(c, &b, out);
	}
	buf_puts(&b, o.prefix.str->p);	/* the encoder leaves the first line bare */
	rv_to_json_pretty(&b, v, o.prefix.str->p, o.indent.str->p);
	return lib_string(c, buf_view(&b), out);
}

static rc json_unmarshal(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	const char *err = NULL;
	size_t at = 0;

	(void)n;
	ARG_STRING(c, args, 0);
	TRY(rego_charge(c, args[0].str->n / 16));
	*out = rv_from_json(c->heap, rv_slice(args[0]), NULL, &err, &at);
	if (rv_heap_bad(c->heap))
		return lib_no_memory(c);
	return out->kind == RV_UNDEF ? rego_fail(c, "%s", err ? err : "invalid JSON") : rc_of(OK);
}

static rc json_is_valid(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	const char *err = NULL;
	size_t at = 0;
	struct rv v;

	(void)n;
	*out = rv_bool(false);
	if (args[0].kind != RV_STRING)
		return rc_of(OK);
	TRY(rego_charge(c, args[0].str->n / 16));
	v = rv_from_json(c->heap, rv_slice(args[0]), NULL, &err, &at);
	if (rv_heap_bad(c->heap))
		return lib_no_memory(c);
	*out = rv_bool(v.kind != RV_UNDEF);
	return rc_of(OK);
}

/* ---- base64 ---- */

static int digit64(uint8_t ch, bool url)
{
	if (ch >= 'A' && ch <= 'Z')
		return ch - 'A';
	if (ch >= 'a' && ch <= 'z')
		return ch - 'a' + 26;
	if (ch >= '0' && ch <= '9')
		return ch - '0' + 52;
	if (ch == (url ? '-' : '+'))
		return 62;
	return ch == (url ? '_' : '/') ? 63 : -1;
}

static size_t skip_newlines(struct slice s, size_t i)
{
	while (i < s.n && (s.p[i] == '\n' || s.p[i] == '\r'))
		i++;
	return i;
}

/* Padding that begins at s[i - 1], after `have` digits of a quantum. */
static bool padding(struct slice s, size_t i, unsigned have, size_t *bad)
{
	*bad = i - 1;
	if (have < 2)
		return false;
	if (have == 2) {
		i = skip_newlines(s, i);
		*bad = i == s.n ? s.n : i - 1;
		if (i == s.n || s.p[i++] != '=')
			return false;
	}
	*bad = i = skip_newlines(s, i);
	return i == s.n;
}

/* False with *bad, the offset that Go names. */
static bool decode64(struct slice s, bool url, struct buf *out, size_t *bad)
{
	size_t i = 0;

	for (;;) {
		unsigned have = 0;
		uint32_t v = 0;

		while (have < 4) {
			int d;

			i = skip_newlines(s, i);
			if (i == s.n) {
				*bad = s.n - have;
				return have == 0;
			}
			d = digit64(s.p[i++], url);
			if (d < 0)
				break;
			v = v << 6 | (uint32_t)d;
			have++;
		}
		if (have < 4) {
			*bad = i - 1;
			if (s.p[i - 1] != '=' || !padding(s, i, have, bad))
				return false;
			v <<= 6 * (4 - have);
		}
		for (unsigned k = 0; k + 1 < have; k++)
			buf_putc(out, (char)(v >> (16 - 8 * k)));
		if (have < 4)
			return true;
	}
}

static RC decode(struct rego_call *c, struct slice s, struct rv *out)
{
	struct buf b = lib_buf(c);
	size_t bad;

	TRY(rego_charge(c, s.n / 32));
	if (!decode64(s, false, &b, &bad))
		return rego_fail(c, "illegal base64 data at input byte %zu", bad);
	return lib_buffer(c, &b, out);
}

static rc base64_decode(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	(void)n;
	ARG_STRING(c, args, 0);
	return decode(c, rv_slice(args[0]), out);
}

static rc base64_is_valid(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct buf b = lib_buf(c);
	size_t bad;

	(void)n;
	*out = rv_bool(false);
	if (args[0].kind != RV_STRING)
		return rc_of(OK);
	TRY(rego_charge(c, args[0].str->n / 32));
	*out = rv_bool(decode64(rv_slice(args[0]), false, &b, &bad));
	return buf_ok(&b) ? rc_of(OK) : lib_no_memory(c);
}

bool lib_base64(struct slice s, struct buf *out, size_t *bad)
{
	return decode64(s, false, out, bad) && buf_ok(out);
}

bool lib_base64url(struct rego_call *c, struct slice s, struct buf *out, char *err, size_t err_n)
{
	struct buf b = lib_buf(c);
	size_t bad;

	if (s.n && s.p[s.n - 1] != '=' && s.n % 4 == 1) {
		snprintf(err, err_n, "illegal base64url string: " SLICE_FMT, SLICE_ARG(s));
		return false;
	}
	buf_slice(&b, s);
	if (s.n && s.p[s.n - 1] != '=')	/* padding may have been left out */
		for (size_t k = s.n % 4; k > 0 && k < 4; k++)
			buf_putc(&b, '=');
	out->bad = out->bad || !buf_ok(&b);
	if (!decode64(buf_view(&b), true, out, &bad)) {
		snprintf(err, err_n, "illegal base64 data at input byte %zu", bad);
		return false;
	}
	return buf_ok(out);
}

static rc base64url_decode(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct buf b = lib_buf(c);
	char err[256];

	(void)n;
	ARG_STRING(c, args, 0);
	TRY(rego_charge(c, args[0].str->n / 32));
	if (!lib_base64url(c, rv_slice(args[0]), &b, err, sizeof(err)) && buf_ok(&b))
		return rego_fail(c, "%s", err);
	return lib_buffer(c, &b, out);
}

static RC encode(struct rego_call *c, const struct rv *args, enum b64 variant, struct rv *out)
{
	struct buf b = lib_buf(c);

	ARG_STRING(c, args, 0);
	TRY(rego_charge(c, args[0].str->n / 32));
	b64_write(&b, variant, rv_slice(args[0]));
	return lib_buffer(c, &b, out);
}

static rc base64_encode(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	(void)n;
	return encode(c, args, B64_STD, out);
}

static rc base64url_encode(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	(void)n;
	return encode(c, args, B64_URL_PAD, out);
}

static rc base64url_encode_no_pad(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	(void)n;
	return encode(c, args, B64_URL, out);
}

/* ---- hex ---- */

static int digit16(uint8_t ch)
{
	if (ch >= '0' && ch <= '9')
		return ch - '0';
	return (ch | 32) >= 'a' && (ch | 32) <= 'f' ? (ch | 32) - 'a' + 10 : -1;
}

static rc hex_encode(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct buf b = lib_buf(c);

	(void)n;
	ARG_STRING(c, args, 0);
	TRY(rego_charge(c, args[0].str->n / 32));
	hex_write(&b, rv_slice(args[0]));
	return lib_buffer(c, &b, out);
}

static rc hex_decode_(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct buf b = lib_buf(c);
	struct slice s;

	(void)n;
	ARG_STRING(c, args, 0);
	s = rv_slice(args[0]);
	TRY(rego_charge(c, s.n / 32));
	for (size_t i = 0; i < s.n; i++) {
		int d = digit16(s.p[i]);

		if (d < 0 && s.p[i] >= ' ' && s.p[i] < 0x7f)
			return rego_fail(c, "encoding/hex: invalid byte: U+%04X '%c'", s.p[i], s.p[i]);
		if (d < 0)
			return rego_fail(c, "encoding/hex: invalid byte: U+%04X", s.p[i]);
		if (i % 2)
			buf_putc(&b, (char)(digit16(s.p[i - 1]) << 4 | d));
	}
	if (s.n % 2)
		return rego_fail(c, "encoding/hex: odd length hex string");
	return lib_buffer(c, &b, out);
}

const struct rego_builtin builtin_encoding[] = {
	{"json.marshal", "any -> string", json_marshal, 1, 0, 4},
	{"json.marshal_with_options", "any, object<indent:string, prefix:string, pretty:boolean> -> string",
	 json_marshal_opts, 2, 0, 4},
	{"json.unmarshal", "string -> any", json_unmarshal, 1, 0, 4},
	{"json.is_valid", "string -> boolean", json_is_valid, 1, 0, 4},
	{"base64.encode", "string -> string", base64_encode, 1, 0, 2},
	{"base64.decode", "string -> string", base64_decode, 1, 0, 2},
	{"base64.is_valid", "string -> boolean", base64_is_valid, 1, 0, 2},
	{"base64url.encode", "string -> string", base64url_encode, 1, 0, 2},
	{"base64url.encode_no_pad", "string -> string", base64url_encode_no_pad, 1, 0, 2},
	{"base64url.decode", "string -> string", base64url_decode, 1, 0, 2},
	{"hex.encode", "string -> string", hex_encode, 1, 0, 2},
	{"hex.decode", "string -> string", hex_decode_, 1, 0, 2},
	{0},
};
