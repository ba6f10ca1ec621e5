/* The tables of builtins without an engine: the calls they make on it are answered here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/num.h"
#include "rego/builtin.h"

/* ---- a small engine ---- */

struct rego_query_state {
	char error[4096];
	uint64_t steps, steps_max;
	uint8_t random;
};

static RC record(struct rego_call *c, const char *kind, unsigned operand, const char *fmt, va_list ap)
	__attribute__((format(printf, 4, 0)));

static RC record(struct rego_call *c, const char *kind, unsigned operand, const char *fmt, va_list ap)
{
	int n = snprintf(c->query->error, sizeof(c->query->error), "%s: ", kind);

	if (operand)
		n += snprintf(c->query->error + n, sizeof(c->query->error) - (size_t)n, "operand %u ", operand);
	vsnprintf(c->query->error + n, sizeof(c->query->error) - (size_t)n, fmt, ap);
	return rc_of(E_MALFORMED);
}

RC (rego_operand_text)(struct rego_call *c, unsigned operand, const char *fmt, ...)
{
	va_list ap;
	rc r;

	va_start(ap, fmt);
	r = record(c, "type", operand, fmt, ap);
	va_end(ap);
	return r;
}

RC (rego_operand_error)(struct rego_call *c, unsigned operand, const char *want, struct rv got)
{
	return rego_operand_text(c, operand, "must be %s but got %s", want, rego_type_name(got));
}

RC (rego_fail)(struct rego_call *c, const char *fmt, ...)
{
	va_list ap;
	rc r;

	va_start(ap, fmt);
	r = record(c, "fail", 0, fmt, ap);
	va_end(ap);
	return r;
}

const char *rego_type_name(struct rv v)
{
	return rv_kind_name(v.kind);
}

RC rego_charge(struct rego_call *c, uint64_t steps)
{
	c->query->steps += steps;
	return rc_of(c->query->steps > c->query->steps_max ? E_LIMIT : OK);
}

RC rego_reserve(struct rego_call *c, size_t bytes)
{
	(void)c;
	return rc_of(bytes > ((size_t)8 << 20) ? E_LIMIT : OK);
}

bool rego_prints(struct rego_call *c)
{
	(void)c;
	return true;
}

void rego_print_line(struct rego_call *c, struct slice line)
{
	size_t n = strlen(c->query->error);

	snprintf(c->query->error + n, sizeof(c->query->error) - n, SLICE_FMT "|", SLICE_ARG(line));
}

RC rego_zone_bytes(struct rego_call *c, const char *name, struct slice *out)
{
	(void)c;
	(void)name;
	(void)out;
	return rc_of(E_NOTFOUND);
}

int64_t rego_now_ns(struct rego_call *c)
{
	(void)c;
	return 1700000000000000000;
}

RC rego_random(struct rego_call *c, void *out, size_t n)
{
	memset(out, ++c->query->random, n);
	return rc_of(OK);
}

bool rego_cache_get(struct rego_call *c, struct rv key, struct rv *out)
{
	(void)c;
	(void)key;
	(void)out;
	return false;
}

RC rego_cache_put(struct rego_call *c, struct rv key, struct rv val)
{
	(void)c;
	(void)key;
	(void)val;
	return rc_of(OK);
}

void *rego_object_get(struct rego_call *c, const char *area, struct rv key)
{
	(void)c;
	(void)area;
	(void)key;
	return NULL;
}

bool rego_object_put(struct rego_call *c, const char *area, struct rv key, void *object, void (*drop)(void *))
{
	(void)c;
	(void)area;
	(void)key;
	(void)object;
	(void)drop;
	return false;
}

struct rv rego_parse_to_value(struct rego_call *c, struct slice name, struct slice text, const char **err)
{
	(void)c;
	(void)name;
	(void)text;
	*err = "no parser here";
	return rv_undef();
}

/* ---- rows ---- */

/* {"set!": [...]} in the text of arguments stands for a set. */
static struct rv with_sets(struct rv_heap *h, struct rv v)
{
	struct rv_vec list = rv_vec(h);
	struct rv_builder b;

	if (v.kind == RV_ARRAY) {
		for (size_t i = 0; i < rv_len(v); i++)
			rv_push(&list, with_sets(h, rv_at(v, i)));
		return rv_vec_done(&list);
	}
	if (v.kind != RV_OBJECT)
		return v;
	if (rv_len(v) == 1 && rv_get_c(v, "set!")) {
		struct rv items = with_sets(h, *rv_get_c(v, "set!"));

		b = rv_set_builder(h, 0);
		for (size_t i = 0; i < rv_len(items); i++)
			rv_set_add(&b, rv_at(items, i));
		return rv_builder_done(&b);
	}
	b = rv_object_builder(h, 0);
	for (size_t i = 0; i < rv_len(v); i++)
		rv_object_put(&b, rv_key(v, i), with_sets(h, rv_val(v, i)));
	return rv_builder_done(&b);
}

struct row {
	const char *name, *args;
	const char *want;	/* Rego text of the result; "!..." an error, "!limit" a spent budget, "" undefined */
};

/* The outcome as text in the arena. */
static const char *outcome(struct arena *a, const char *name, const char *args_text, uint64_t steps)
{
	struct rv_heap h = rv_heap_in(a, 16 << 20);
	struct rego_query_state q = {.steps_max = steps};
	struct rego_call c = {.heap = &h, .self = rego_builtin_find(slice_cstr(name)), .query = &q};
	struct buf b = buf_in(a, 0);
	const char *err = NULL;
	size_t at = 0;
	struct rv args, out = rv_undef();
	rc r;

	if (!c.self)
		return "no such builtin";
	args = with_sets(&h, rv_from_json(&h, slice_cstr(args_text), NULL, &err, &at));
	if (args.kind != RV_ARRAY || rv_len(args) != c.self->arity)
		return "bad row";
	r = c.self->fn(&c, args.arr->items, rv_len(args), &out);
	if (r.code == E_LIMIT || r.code == E_INTERNAL)
		return "!limit";
	if (!rc_ok(r))
		return arena_printf(a, "!%s", q.error);
	if (out.kind == RV_UNDEF)
		return "";
	rv_to_text(&b, out);
	return buf_cstr(&b);
}

static void check(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct arena *a = arena_new(64 << 20);
		const char *got = outcome(a, rows[i].name, rows[i].args, 10000000);

		if (!got || strcmp(got, rows[i].want) != 0)
			fail_msg("%s %s\n  want %s\n  got  %s", rows[i].name, rows[i].args, rows[i].want, got ? got : "(none)");
		arena_free(a);
	}
}

static void numbers_are_exact_where_they_can_be(void **state)
{
	static const struct row rows[] = {
		{"plus", "[18446744073709551617, 1]", "18446744073709551618"},
		{"plus", "[0.1, 0.2]", "0.3"},
		{"plus", "[1, \"a\"]", "!type: operand 2 must be number but got string"},
		{"mul", "[1e30, 10]", "10000000000000000000000000000000"},
		{"minus", "[{\"set!\": [1, 2, 3]}, {\"set!\": [2]}]", "{1, 3}"},
		{"minus", "[{\"set!\": [1]}, 1]", "!type: operand 2 must be set but got number"},
		{"minus", "[1, {\"set!\": [1]}]", "!type: operand 2 must be number but got set"},
		{"minus", "[null, 1]", "!type: operand 1 must be one of {number, set} but got null"},
		{"div", "[6, 3]", "2"},
		{"div", "[1, 3]", "0.33333333333333333334"},
		{"div", "[1, 0.0]", "!fail: divide by zero"},
		{"rem", "[-7, 4]", "-3"},
		{"rem", "[100000000000000000000, 7]", "2"},
		{"rem", "[1.5, 1]", "!fail: modulo on floating-point number"},
		{"rem", "[-9223372036854775808, -1]", "0"},
		{"abs", "[-9223372036854775808]", "9223372036854775808"},
		{"round", "[-2.5]", "-3"},
		{"ceil", "[-1.5]", "-1"},
		{"floor", "[-0.5]", "-1"},
		{"numbers.range", "[3, 1]", "[3, 2, 1]"},
		{"numbers.range", "[0, 1e30]", "!limit"},
		{"numbers.range_step", "[1, 10, 4]", "[1, 5, 9]"},
		{"numbers.range_step", "[1, 2, 0]", "!fail: numbers.range_step: step must be a positive integer"},
		{"to_number", "[\"1.50\"]", "1.50"},
		{"to_number", "[\"+5\"]", "5"},
		{"to_number", "[\"0x10\"]", "!fail: strconv.ParseFloat: parsing \"0x10\": invalid syntax"},
		{"to_number", "[\"-Inf\"]", "!type: operand 1 must be valid number string but got string"},
		{"regex.is_valid", "[\"\\\\C\"]", "false"},
		{"regex.is_valid", "[\"\\\\\\\\C\"]", "true"},
		{"format_int", "[2, 10.0]", "!type: operand 2 must be one of {2, 8, 10, 16}"},
		{"format_int", "[-15.9, 16]", "\"-f\""},
		{"format_int", "[18446744073709551617, 16]", "\"10000000000000001\""},
		{"format_int", "[1, 3]", "!type: operand 2 must be one of {2, 8, 10, 16}"},
		{"rand.intn", "[\"a\", 0]", "0"},
		{"bits.and", "[-1, 255]", "255"},
		{"bits.negate", "[0]", "-1"},
		{"bits.lsh", "[1, 70]", "1180591620717411303424"},
		{"bits.lsh", "[1, 1e20]", "!limit"},
		{"bits.lsh", "[1, -1]", "!type: operand 2 must be an unsigned integer number but got a negative integer"},
		{"bits.rsh", "[-8, 1]", "-4"},
		{"bits.rsh", "[-8, 1e20]", "-1"},
		{"bits.xor", "[1.5, 1]", "!type: operand 1 must be integer number but got floating-point number"},
	};

	(void)state;
	check(rows, COUNT_OF(rows));
}

static void collections_keep_the_order_of_values(void **state)
{
	static const struct row rows[] = {
		{"count", "[\"h\\u00e9llo\"]", "5"},
		{"count", "[1]", "!type: operand 1 must be one of {array, object, set, string} but got number"},
		{"sum", "[[9223372036854775807, 1]]", "9223372036854775808"},
		{"sum", "[[1, \"a\"]]", "!type: operand 1 must be array of numbers but got array containing string"},
		{"product", "[[]]", "1"},
		{"max", "[[1, \"a\", [2]]]", "[2]"},
		{"min", "[[]]", ""},
		{"sort", "[[\"b\", 1, null, \"a\", 1]]", "[null, 1, 1, \"a\", \"b\"]"},
		{"array.concat", "[[1], [2]]", "[1, 2]"},
		{"array.slice", "[[1, 2, 3], -5, 2]", "[1, 2]"},
		{"array.slice", "[[1, 2, 3], 2, 1]", "[]"},
		{"array.slice", "[[1], 0.5, 1]", "!type: operand 2 must be integer number but got floating-point number"},
		{"array.reverse", "[[1, 2]]", "[2, 1]"},
		{"array.flatten", "[[1, [2, [3]], []]]", "[1, 2, [3]]"},
		{"and", "[{\"set!\": [1, 2]}, {\"set!\": [2, 3]}]", "{2}"},
		{"or", "[{\"set!\": [1]}, {\"set!\": []}]", "{1}"},
		{"intersection", "[{\"set!\": []}]", "set()"},
		{"union", "[{\"set!\": [{\"set!\": [1]}, 2]}]", "!type: operand 1 must be set but got number"},
		{"internal.member_2", "[2, {\"a\": 2}]", "true"},
		{"internal.member_3", "[1, 1, {\"set!\": [1]}]", "true"},
		{"internal.member_3", "[0, 7, [7]]", "true"},
		{"internal.member_2", "[1, null]", "false"},
		{"object.get", "[{\"a\": [{\"b\": 1}]}, [\"a\", 0, \"b\"], 2]", "1"},
		{"object.get", "[{}, \"a\", 2]", "2"},
		{"object.keys", "[{\"a\": 1}]", "{\"a\"}"},
		{"object.union", "[{\"a\": {\"b\": 1}}, {\"a\": {\"c\": 2}}]", "{\"a\": {\"b\": 1, \"c\": 2}}"},
		{"object.union_n", "[[{\"a\": {\"b\": 2}}, {\"a\": 4}, {\"a\": {\"c\": 3}}]]", "{\"a\": {\"c\": 3}}"},
		{"object.filter", "[{\"a\": 1, \"b\": 2}, {\"b\": null}]", "{\"b\": 2}"},
		{"object.remove", "[{\"a\": 1, \"b\": 2}, [\"b\"]]", "{\"a\": 1}"},
		{"object.subset", "[[1, 2, 3], [2, 3]]", "true"},
		{"object.subset", "[{\"a\": [1, 2]}, {\"a\": [2]}]", "true"},
		{"object.subset", "[[1, 2], {\"set!\": [2, 1]}]", "true"},
		{"json.filter", "[{\"a\": {\"b\": [1, 2], \"c\": 3}}, [\"a/b/1\"]]", "{\"a\": {\"b\": [2]}}"},
		{"json.remove", "[{\"a\": [1, 2, {\"b\": 3}]}, [\"a/0\", [\"a\", \"2\", \"b\"]]]", "{\"a\": [2, {}]}"},
		{"json.remove", "[{\"a\": {\"b\": 1}}, [\"a\", \"a/b\"]]", "{}"},
		{"graph.reachable", "[{\"a\": [\"b\"], \"b\": [\"a\", \"x\"]}, [\"a\"]]", "{\"a\", \"b\"}"},
		{"graph.reachable_paths", "[{\"a\": [\"b\"], \"b\": [\"c\"], \"c\": [\"b\"]}, [\"a\"]]", "{[\"a\", \"b\", \"c\"]}"},
		{"walk", "[{\"a\": [1]}]", "[[[], {\"a\": [1]}], [[\"a\"], [1]], [[\"a\", 0], 1]]"},
		{"type_name", "[{\"set!\": []}]", "\"set\""},
		{"lt", "[1, \"a\"]", "true"},
	};

	(void)state;
	check(rows, COUNT_OF(rows));
}

static void patches_follow_rfc_6902(void **state)
{
	static const struct row rows[] = {
		{"json.patch", "[{\"a\": [1, 2]}, [{\"op\": \"add\", \"path\": \"/a/1\", \"value\": 9}]]", "{\"a\": [1, 9, 2]}"},
		{"json.patch", "[[1], [{\"op\": \"add\", \"path\": \"/-\", \"value\": 2}]]", "[1, 2]"},
		{"json.patch", "[[1, 2], [{\"op\": \"remove\", \"path\": \"0\"}]]", "[2]"},
		{"json.patch", "[{\"a/b\": 1}, [{\"op\": \"replace\", \"path\": \"/a~1b\", \"value\": 2}]]", "{\"a/b\": 2}"},
		{"json.patch", "[{\"a\": 1}, [{\"op\": \"move\", \"from\": \"a\", \"path\": \"b\"}]]", "{\"b\": 1}"},
		{"json.patch", "[{\"a\": 1}, [{\"op\": \"test\", \"path\": \"a\", \"value\": 1}]]", "{\"a\": 1}"},
		{"json.patch", "[{\"a\": {\"set!\": [1]}}, [{\"op\": \"add\", \"path\": [\"a\", 2], \"value\": 2}]]", "{\"a\": {1, 2}}"},
		{"json.patch", "[{}, [{\"op\": \"replace\", \"path\": \"\", \"value\": 7}]]", "7"},
		{"json.patch", "[[1], [{\"op\": \"add\", \"path\": \"01\", \"value\": 7}]]",
		 "!fail: leading zeros are not allowed in JSON paths"},
		{"json.patch", "[{}, [{\"op\": \"remove\", \"path\": \"x\"}]]",
		 "!fail: cannot delete child key \"x\" that does not exist"},
		{"json.patch", "[{}, [{\"op\": \"nope\", \"path\": \"x\"}]]", "!fail: unrecognized op: 'nope'"},
		{"json.patch", "[{}, [{\"op\": \"add\", \"value\": 1}]]", "!fail: missing required attribute 'path'"},
	};

	(void)state;
	check(rows, COUNT_OF(rows));
}

static void texts_are_counted_in_code_points(void **state)
{
	static const struct row rows[] = {
		{"concat", "[\",\", [\"a\", \"b\"]]", "\"a,b\""},
		{"concat", "[\",\", [\"a\", 1]]", "!type: operand 2 must be array of strings but got array containing number"},
		{"indexof", "[\"h\\u00e9llo\", \"l\"]", "2"},
		{"indexof", "[\"a\", \"\"]", "!fail: empty search character"},
		{"indexof_n", "[\"aaa\", \"aa\"]", "[0, 1]"},
		{"substring", "[\"h\\u00e9llo\", 1, 2]", "\"\xc3\xa9l\""},
		{"substring", "[\"abc\", -1, 2]", "!fail: negative offset"},
		{"split", "[\"a\\u00e9\", \"\"]", "[\"a\", \"\xc3\xa9\"]"},
		{"split", "[\"\", \"\"]", "[]"},
		{"split", "[\"\", \",\"]", "[\"\"]"},
		{"split", "[\"a,b,\", \",\"]", "[\"a\", \"b\", \"\"]"},
		{"strings.split_n", "[\"a,b,c\", \",\", 2]", "[\"a\", \"b\"]"},
		{"strings.split_n", "[\"a,b,c\", \",\", -2]", "[\"b\", \"c\"]"},
		{"strings.split_n", "[\"a\", \",\", -9223372036854775808]", "[\"a\"]"},
		{"replace", "[\"aXbX\", \"X\", \"--\"]", "\"a--b--\""},
		{"replace", "[\"ab\", \"\", \"-\"]", "\"-a-b-\""},
		{"strings.replace_n", "[{\"a\": \"b\", \"b\": \"a\"}, \"ab\"]", "\"ba\""},
		{"trim", "[\"xxayx\", \"xy\"]", "\"a\""},
		{"trim_space", "[\" \\u3000a\\t\"]", "\"a\""},
		{"trim_prefix", "[\"aab\", \"a\"]", "\"ab\""},
		{"upper", "[\"stra\\u00dfe\"]", "\"STRA\xc3\x9f" "E\""},
		{"strings.reverse", "[\"a\\u00e9\"]", "\"\xc3\xa9" "a\""},
		{"strings.count", "[\"abc\", \"\"]", "4"},
		{"strings.any_prefix_match", "[[\"ab\", \"cd\"], {\"set!\": [\"c\"]}]", "true"},
		{"strings.any_suffix_match", "[\"ab\", []]", "false"},
		{"sprintf", "[\"%v %v %s\", [1.5, {\"a\": {\"set!\": []}}, [1, \"b\"]]]", "\"1.5 {\\\"a\\\": set()} [1, \\\"b\\\"]\""},
		{"sprintf", "[\"%d\", [18446744073709551617]]", "\"18446744073709551617\""},
		{"sprintf", "[\"%s\", [1e3]]", "\"1e3\""},
		{"strings.render_template", "[\"{{.a}} {{range .l}}<{{.}}>{{end}}{{.none}}\", {\"a\": 1, \"l\": [1, 2]}]",
		 "\"1 <1><2><undefined>\""},
		{"strings.render_template", "[\"{{if .a -}} x {{- else}}y{{end}}\", {\"a\": \"\"}]", "\"y\""},
		{"strings.render_template", "[\"{{range $i, $v := .}}{{$i}}={{$v}};{{end}}\", {\"a\": 1, \"b\": [2]}]", "\"a=1;b=[2];\""},
		{"strings.render_template", "[\"{{.a\", {}]", "!fail: template: template:1: unclosed action"},
		{"strings.render_template", "[\"{{with .a}}{{.b}}{{else}}none{{end}}\", {}]", "\"none\""},
		{"strings.render_template", "[\"{{printf \\\"%03d\\\" 7 | html}}{{len .a}}\", {\"a\": \"xyz\"}]", "\"0073\""},
	};

	(void)state;
	check(rows, COUNT_OF(rows));
}

static void expressions_follow_the_rules_for_empty_matches(void **state)
{
	static const struct row rows[] = {
		{"regex.match", "[\"^a+$\", \"aaa\"]", "true"},
		{"regex.match", "[\"(\", \"a\"]", "!fail: error parsing regexp: missing closing ): `(`"},
		{"regex.is_valid", "[\"(\"]", "false"},
		{"regex.find_n", "[\"a*\", \"baac\", -1]", "[\"\", \"aa\", \"\"]"},
		{"regex.find_n", "[\"a.\", \"paranormal\", 2]", "[\"ar\", \"an\"]"},
		{"regex.find_all_string_submatch_n", "[\"a(x*)b(y|z)?c\", \"-axxxbyc-abc-\", -1]",
		 "[[\"axxxbyc\", \"xxx\", \"y\"], [\"abc\", \"\", \"\"]]"},
		{"regex.replace", "[\"foo bar\", \"(?P<w>o+)\", \"<${w}$$>\"]", "\"f<oo$> bar\""},
		{"regex.replace", "[\"abc\", \"x*\", \"-\"]", "\"-a-b-c-\""},
		{"regex.replace", "[\"foo\", \"^[a-z]\", \"F\"]", "\"Foo\""},
		{"regex.split", "[\"z+\", \"pizza\"]", "[\"pi\", \"a\"]"},
		{"regex.split", "[\"x*\", \"abc\"]", "[\"a\", \"b\", \"c\"]"},
		{"regex.split", "[\"a\", \"\"]", "[\"\"]"},
		{"regex.template_match", "[\"urn:foo:{.*}\", \"urn:foo:bar:baz\", \"{\", \"}\"]", "true"},
		{"regex.template_match", "[\"urn:{\", \"x\", \"{\", \"}\"]", "!fail: unbalanced braces in \"urn:{\""},
		{"regex.template_match", "[\"a\", \"x\", \"{{\", \"}\"]",
		 "!fail: start delimiter has to be exactly one character long but is 2 long"},
		{"glob.match", "[\"*.com\", [], \"a.com\"]", "true"},
		{"glob.match", "[\"*.com\", null, \"a.b.com\"]", "true"},
		{"glob.match", "[\"a\", [\"ab\"], \"a\"]", "!type: operand 2 must be array of runes but got array containing string"},
		{"semver.compare", "[\"1.0.0\", \"x\"]", "!fail: operand 2: string \"x\" is not a valid SemVer"},
		{"units.parse", "[\"1.5Ki\"]", "1536"},
	};

	(void)state;
	check(rows, COUNT_OF(rows));
}

static void encodings_are_read_as_go_reads_them(void **state)
{
	static const struct row rows[] = {
		{"json.marshal", "[{\"a\": {\"set!\": [2, 1]}, \"b\": \"<&>\"}]",
		 "\"{\\\"a\\\":[1,2],\\\"b\\\":\\\"\\\\u003c\\\\u0026\\\\u003e\\\"}\""},
		{"json.marshal_with_options", "[[1], {\"indent\": \" \", \"prefix\": \"#\"}]", "\"#[\\n# 1\\n#]\""},
		{"json.marshal_with_options", "[[1], {\"x\": 1}]", "!type: operand 2 object contained unknown key \"x\""},
		{"json.unmarshal", "[\"[1.50, {}]\"]", "[1.50, {}]"},
		{"json.is_valid", "[\"{]\"]", "false"},
		{"base64.decode", "[\"aGVs\\nbG8=\"]", "\"hello\""},
		{"base64.decode", "[\"aGVsbG8\"]", "!fail: illegal base64 data at input byte 4"},
		{"base64.decode", "[\"a*==\"]", "!fail: illegal base64 data at input byte 1"},
		{"base64url.decode", "[\"w6k\"]", "\"\xc3\xa9\""},
		{"base64url.encode", "[\"a?>\"]", "\"YT8-\""},
		{"base64url.encode_no_pad", "[\"a\"]", "\"YQ\""},
		{"hex.decode", "[\"6g\"]", "!fail: encoding/hex: invalid byte: U+0067 'g'"},
		{"hex.decode", "[\"616\"]", "!fail: encoding/hex: odd length hex string"},
		{"hex.encode", "[\"a\"]", "\"61\""},
		{"urlquery.encode_object", "[{\"a\": \"=b&\", \"c\": {\"set!\": [\"y\", \"x\"]}}]", "\"a=%3Db%26&c=x&c=y\""},
		{"urlquery.decode_object", "[\"a=1&b=%20&a=2&c\"]", "{\"a\": [\"1\", \"2\"], \"b\": [\" \"], \"c\": [\"\"]}"},
		{"urlquery.decode", "[\"a+%zz\"]", "!fail: invalid URL escape \"%zz\""},
		{"uri.parse", "[\"https://h:1/p\"]",
		 "{\"hostname\": \"h\", \"path\": \"/p\", \"port\": \"1\", \"raw_path\": \"/p\", \"scheme\": \"https\"}"},
		{"uri.is_valid", "[\"\"]", "false"},
		{"yaml.unmarshal", "[\"a: &x [1, 0x10, yes, ~, '2', 1.5e3]\\nb: *x\\n<<: {c: d}\"]",
		 "{\"a\": [1, 16, true, null, \"2\", 1500], \"b\": [1, 16, true, null, \"2\", 1500], \"c\": \"d\"}"},
		{"yaml.unmarshal", "[\"[1,2,3\"]", "!fail: yaml: line 1: did not find expected ',' or ']'"},
		{"yaml.marshal", "[[1.0, 1e2, 1e18, 1e-7, 1234567.5, 0.1, -0.5, 1234567, -9223372036854775808, 18446744073709551615, 18446744073709551616]]",
		 "\"- 1\\n- 100\\n- 1e+18\\n- 1e-07\\n- 1.2345675e+06\\n- 0.1\\n- -0.5\\n- 1234567\\n- -9223372036854775808\\n- 18446744073709551615\\n- 1.8446744073709552e+19\\n\""},
		{"yaml.marshal", "[{\"b\": [1, \"yes\", \"a: b\"], \"a10\": {}, \"a2\": null}]",
		 "\"a2: null\\na10: {}\\nb:\\n- 1\\n- \\\"yes\\\"\\n- 'a: b'\\n\""},
		{"yaml.is_valid", "[\"{\"]", "false"},
		{"crypto.sha256", "[\"abc\"]", "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\""},
		{"crypto.md5", "[\"\"]", "\"d41d8cd98f00b204e9800998ecf8427e\""},
		{"crypto.hmac.sha1", "[\"what do ya want for nothing?\", \"Jefe\"]", "\"effcdf6ae5eb2fa2d27416d5f184df9c259a7c79\""},
		{"crypto.hmac.equal", "[\"a\", \"b\"]", "false"},
	};

	(void)state;
	check(rows, COUNT_OF(rows));
}

static void addresses_and_times_are_computed_not_guessed(void **state)
{
	static const struct row rows[] = {
		{"net.cidr_contains", "[\"10.0.0.0/8\", \"10.1.0.0/16\"]", "true"},
		{"net.cidr_contains", "[\"10.0.0.0\", \"10.1.0.0/16\"]", "!fail: invalid CIDR address: 10.0.0.0"},
		{"net.cidr_contains_matches", "[\"1.1.1.0/24\", {\"a\": \"1.1.1.1\", \"b\": [\"1.1.2.1\", 5]}]", "{[\"1.1.1.0/24\", \"a\"]}"},
		{"net.cidr_contains_matches", "[[\"1.1.1.0/24\"], [3]]", "!fail: operand 2: element must be string or non-empty array"},
		{"net.cidr_expand", "[\"192.0.2.0/30\"]", "{\"192.0.2.0\", \"192.0.2.1\", \"192.0.2.2\", \"192.0.2.3\"}"},
		{"net.cidr_expand", "[\"::/0\"]", "!limit"},
		{"net.cidr_merge", "[[\"192.0.128.0/24\", \"192.0.129.0/24\"]]", "{\"192.0.128.0/23\"}"},
		{"net.cidr_merge", "[[\"2601:600:8a80:207e:a57d:7567:e2c9:e7b3\"]]", "!fail: IPv6 invalid: needs prefix length"},
		{"net.cidr_is_valid", "[\"10.0.0.0/33\"]", "false"},
		{"time.now_ns", "[]", "1700000000000000000"},
		{"time.parse_rfc3339_ns", "[\"1970-01-01T00:00:01Z\"]", "1000000000"},
		{"time.parse_rfc3339_ns", "[\"2300-01-01T00:00:00Z\"]", "!fail: time outside of valid range"},
		{"time.date", "[1582977600000000000]", "[2020, 2, 29]"},
		{"time.clock", "[[1582977600000000000, \"UTC\"]]", "[12, 0, 0]"},
		{"time.weekday", "[1582977600000000000]", "\"Saturday\""},
		{"time.format", "[[1582977600000000001, \"\", \"RFC3339Nano\"]]", "\"2020-02-29T12:00:00.000000001Z\""},
		{"time.add_date", "[1582977600000000000, 1, 0, 0]", "1614600000000000000"},
		{"time.diff", "[1582977600000000000, 1577836800000000000]", "[0, 1, 28, 12, 0, 0]"},
		{"time.date", "[\"x\"]",
		 "!type: operand 1 must be either number (ns) or [number (ns), string (tz)] but got string"},
		{"time.date", "[[0, \"../x\"]]", "!fail: time: invalid location name"},
		{"time.date", "[[0, \"No/Where\"]]", "!fail: unknown time zone No/Where"},
		{"time.date", "[1e30]", "!fail: timestamp too big"},
		{"time.parse_duration_ns", "[\"1d\"]", "86400000000000"},
		{"uuid.parse", "[\"00000000-0000-4000-8000-00000000000g\"]", ""},
		{"uuid.parse", "[\"{f47ac10b-58cc-4372-a567-0e02b2c3d479}\"]", "{\"variant\": \"RFC4122\", \"version\": 4}"},
		{"uuid.rfc4122", "[\"k\"]", "\"01010101-0101-4101-8101-010101010101\""},
		{"opa.runtime", "[]", "{}"},
		{"rego.metadata.rule", "[]",
		 "!fail: the rego.metadata.rule function must only be called within the scope of a rule"},
	};

	(void)state;
	check(rows, COUNT_OF(rows));
}

static void documents_are_held_against_schemas(void **state)
{
#define ERR(type, field, desc)                                                                              \
	"{\"desc\": \"" desc "\", \"error\": \"" field ": " desc "\", \"field\": \"" field "\", \"type\": \"" type "\"}"
	static const struct row rows[] = {
		{"json.match_schema", "[{\"id\": 5}, {\"properties\": {\"id\": {\"type\": \"integer\"}}, \"required\": [\"id\"]}]",
		 "[true, []]"},
		{"json.match_schema", "[\"{\\\"id\\\": 5.0}\", \"{\\\"type\\\": \\\"object\\\"}\"]", "[true, []]"},
		{"json.match_schema", "[{\"id\": \"x\"}, {\"properties\": {\"id\": {\"type\": \"integer\"}}}]",
		 "[false, [" ERR("invalid_type", "id", "Invalid type. Expected: integer, given: string") "]]"},
		{"json.match_schema", "[{}, {\"required\": [\"a\"]}]", "[false, [" ERR("required", "(Root)", "a is required") "]]"},
		{"json.match_schema", "[{\"a\": [1, 1]}, {\"properties\": {\"a\": {\"uniqueItems\": true, \"items\": {\"$ref\": \"#/definitions/n\"}}}, \"definitions\": {\"n\": {\"maximum\": 0.5}}}]",
		 "[false, [" ERR("number_lte", "a.0", "Must be less than or equal to 0.5") ", "
		 ERR("number_lte", "a.1", "Must be less than or equal to 0.5") ", "
		 ERR("unique", "a", "array items[0,1] must be unique") "]]"},
		{"json.match_schema", "[{\"a\": 1}, {\"additionalProperties\": false}]",
		 "[false, [" ERR("additional_property_not_allowed", "(Root)", "Additional property a is not allowed") "]]"},
		{"json.match_schema", "[[\"ab\"], {\"items\": {\"pattern\": \"^a$\", \"minLength\": 3}}]",
		 "[false, [" ERR("string_gte", "0", "String length must be greater than or equal to 3") ", "
		 ERR("pattern", "0", "Does not match pattern '^a$'") "]]"},
		{"json.match_schema", "[[1], {\"items\": {\"not\": {}}}]",
		 "[false, [" ERR("number_not", "0", "Must not validate the schema (not)") "]]"},
		{"json.match_schema", "[[1], {\"$ref\": \"#\"}]", "!limit"},
		{"json.match_schema", "[[1], {\"$ref\": \"#/x\", \"x\": {\"required\": [1], \"type\": [2]}}]", "[true, []]"},
		{"json.match_schema", "[[1], {\"$ref\": \"http://x/y\"}]", "!fail: Object has no key for reference 'http://x/y'"},
		{"json.match_schema", "[1, {}]", "!fail: wrong type, expected string or object"},
		{"json.verify_schema", "[{\"type\": \"nope\"}]",
		 "[false, \"jsonschema: has a primitive type that is NOT VALID -- given: /nope/ Expected valid values are:"
		 "[array boolean integer number null object string]\"]"},
		{"json.verify_schema", "[{\"minLength\": 2, \"maxLength\": 1}]",
		 "[false, \"jsonschema: minLength cannot be greater than maxLength\"]"},
		{"json.verify_schema", "[\"{\"]", "[false, \"jsonschema: invalid JSON string\"]"},
		{"json.verify_schema", "[{\"pattern\": \"(\"}]", "[false, \"jsonschema: pattern must be a valid regex\"]"},
	};

	(void)state;
	check(rows, COUNT_OF(rows));
}

static void requests_are_signed_for_aws(void **state)
{
	static const struct row rows[] = {
		{"providers.aws.sign_req",
		 "[{\"method\": \"GET\", \"url\": \"https://example.com/a%20b?x=1\", \"headers\": {\"Foo\": \"bar\", \"User-Agent\": \"u\"}}, "
		 "{\"aws_service\": \"s3\", \"aws_access_key\": \"AK\", \"aws_secret_access_key\": \"SK\", \"aws_region\": \"us-east-1\"}, "
		 "1451606400000000000]",
		 "{\"headers\": {\"Authorization\": \"AWS4-HMAC-SHA256 Credential=AK/20160101/us-east-1/s3/aws4_request,SignedHeaders=foo;host;x-amz-content-sha256;x-amz-date,Signature=7a6537a3ac633174fc2c6dece13f69b5195081dc819c60fff0dfd4e443f2dde0\", \"Foo\": \"bar\", \"User-Agent\": \"u\", \"host\": \"example.com\", \"x-amz-content-sha256\": \"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\", \"x-amz-date\": \"20160101T000000Z\"}, \"method\": \"GET\", \"url\": \"https://example.com/a%20b?x=1\"}"},
		{"providers.aws.sign_req", "[{\"url\": 1}, {}, 1]",
		 "!type: operand 2 missing required AWS config parameters(s): {\"aws_access_key\", \"aws_region\", "
		 "\"aws_secret_access_key\", \"aws_service\"}"},
	};

	(void)state;
	check(rows, COUNT_OF(rows));
}

static void tokens_are_checked_before_they_are_believed(void **state)
{
#define HEAD "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"
#define BODY "eyJzdWIiOiIwIiwiaXNzIjoib3BhIn0"
	static const struct row rows[] = {
		{"io.jwt.decode", "[\"" HEAD "." BODY ".XmVoLoHI3pxMtMO_WRONMSJzGUDP9pDjy8Jp0_tdRXY\"]",
		 "[{\"alg\": \"HS256\", \"typ\": \"JWT\"}, {\"iss\": \"opa\", \"sub\": \"0\"}, "
		 "\"5e65682e81c8de9c4cb4c3bf59138d3122731940cff690e3cbc269d3fb5d4576\"]"},
		{"io.jwt.decode", "[\"x\"]", "!fail: encoded JWT had no period separators"},
		{"io.jwt.decode", "[\"a.b\"]", "!fail: encoded JWT must have 3 sections, found 2"},
		{"io.jwt.decode", "[\"e^.a.b\"]", "!fail: JWT header had invalid encoding: illegal base64 data at input byte 1"},
		{"io.jwt.encode_sign", "[{\"alg\": \"HS256\"}, {\"iss\": \"a\"}, {\"kty\": \"oct\", \"k\": \"NDI\"}]",
		 "\"eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJhIn0.T0QcP4eFVU4IHBanz3T1-9_-mbmf8sovk0eizMOyy98\""},
		{"io.jwt.verify_hs256", "[\"eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJhIn0.T0QcP4eFVU4IHBanz3T1-9_-mbmf8sovk0eizMOyy98\", \"42\"]",
		 "true"},
		{"io.jwt.verify_hs256", "[\"eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJhIn0.T0QcP4eFVU4IHBanz3T1-9_-mbmf8sovk0eizMOyy98\", \"43\"]",
		 "false"},
		{"io.jwt.decode_verify",
		 "[\"eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJhIn0.T0QcP4eFVU4IHBanz3T1-9_-mbmf8sovk0eizMOyy98\", {\"secret\": \"42\", \"iss\": \"b\"}]",
		 "[false, {}, {}]"},
		{"io.jwt.decode_verify",
		 "[\"eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJhIn0.T0QcP4eFVU4IHBanz3T1-9_-mbmf8sovk0eizMOyy98\", {\"secret\": \"42\", \"sub\": \"\"}]",
		 "[false, {}, {}]"},
		{"io.jwt.decode_verify", "[\"a.b.c\", {}]", "!fail: no key constraint"},
		{"io.jwt.decode_verify", "[\"a.b.c\", {\"x\": 1}]", "!fail: unknown token validation constraint: x"},
		{"io.jwt.encode_sign_raw", "[\"{}\", \"{}\", \"{\\\"kty\\\": \\\"oct\\\", \\\"k\\\": \\\"NDI\\\"}\"]",
		 "!fail: missing or invalid 'alg' header: jwsbb: header \"alg\" not found"},
		{"crypto.x509.parse_certificates", "[\"foobar\"]", "!fail: illegal base64 data at input byte 4"},
		{"crypto.x509.parse_certificates", "[\"YmFkc3RyaW5n\"]", "!fail: x509: malformed certificate"},
		{"crypto.x509.parse_and_verify_certificates", "[\"foobar\"]", "[false, []]"},
		{"crypto.parse_private_keys", "[\"nope\"]", "[]"},
		{"crypto.parse_private_keys", "[\"\"]", "null"},
	};

	(void)state;
	check(rows, COUNT_OF(rows));
}

static void work_that_explodes_is_charged_before_it_is_done(void **state)
{
	static const char *const rows[][2] = {
		{"numbers.range", "[1, 1000000]"}, {"net.cidr_expand", "[\"10.0.0.0/12\"]"}, {"glob.match", "[@, [], @]"},
		{"regex.globs_match", "[@, @]"},   {"replace", "[@, \"\", @]"},		    {"split", "[@, \"\"]"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct arena *a = arena_new(64 << 20);
		struct buf args = buf_in(a, 0);

		for (const char *p = rows[i][1]; *p; p++) {
			if (*p != '@') {
				buf_putc(&args, *p);
				continue;
			}
			buf_putc(&args, '"');
			for (int k = 0; k < 4000; k++)
				buf_putc(&args, 'a');
			buf_putc(&args, '"');
		}
		if (strcmp(outcome(a, rows[i][0], buf_cstr(&args), 3000), "!limit") != 0)
			fail_msg("%s was not stopped", rows[i][0]);
		arena_free(a);
	}
}

/* Every builtin with every kind of operand: an answer, an error or a spent budget, and nothing worse. */
static void no_operand_is_taken_on_trust(void **state)
{
	static const char *const kinds[] = {"null",  "true",	 "-1",	   "1.5",	  "1e30",	   "\"\"",	     "\"a\"",
					    "[]",    "[null]",	 "{}",	   "{\"a\": 1}", "{\"set!\": []}", "{\"set!\": [1]}", "[1, \"x\"]"};

	(void)state;
	for (const struct rego_builtin *const *t = rego_builtin_tables; *t; t++) {
		for (const struct rego_builtin *b = *t; b->name; b++) {
			size_t combos = 1;

			if (!b->fn)
				continue;
			for (unsigned i = 0; i < b->arity; i++)
				combos *= COUNT_OF(kinds);
			for (size_t k = 0; k < combos; k += combos > 5000 ? 7 : 1) {
				struct arena *a = arena_new(8 << 20);
				struct buf args = buf_in(a, 0);
				const char *got;
				size_t pick = k;

				for (unsigned i = 0; i < b->arity; i++, pick /= COUNT_OF(kinds))
					buf_printf(&args, "%c%s", i ? ',' : '[', kinds[pick % COUNT_OF(kinds)]);
				buf_puts(&args, b->arity ? "]" : "[]");
				got = outcome(a, b->name, buf_cstr(&args), 200000);
				if (!got || strcmp(got, "bad row") == 0)
					fail_msg("%s %s", b->name, buf_cstr(&args));
				arena_free(a);
			}
		}
	}
}

static void lack_of_memory_gives_no_wrong_answer(void **state)
{
	static const struct row rows[] = {
		{"sprintf", "[\"%v %d %s\", [{\"a\": [1, 2]}, 18446744073709551617, \"x\"]]", NULL},
		{"json.patch", "[{\"a\": [1, 2]}, [{\"op\": \"move\", \"from\": \"a/0\", \"path\": \"b\"}]]", NULL},
		{"regex.replace", "[\"foo bar\", \"o+\", \"<$0>\"]", NULL},
		{"yaml.unmarshal", "[\"a: &x [1, 2]\\nb: *x\"]", NULL},
		{"yaml.marshal", "[{\"b\": [1, \"yes\"], \"a\": {}}]", NULL},
		{"strings.render_template", "[\"{{range .}}{{.}}{{end}}\", {\"a\": 1, \"b\": [2]}]", NULL},
		{"net.cidr_merge", "[[\"192.0.128.0/24\", \"192.0.129.0/24\", \"10.0.0.1\"]]", NULL},
		{"graph.reachable_paths", "[{\"a\": [\"b\", \"c\"], \"b\": [\"c\"], \"c\": []}, [\"a\"]]", NULL},
		{"object.union_n", "[[{\"a\": {\"b\": 2}}, {\"a\": 4}, {\"a\": {\"c\": 3}}]]", NULL},
		{"units.parse", "[\"1.5m\"]", NULL},
		{"glob.match", "[\"{a,b*}[!c-d]\", [\".\"], \"bxe\"]", NULL},
		{"json.remove", "[{\"a\": [1, 2, {\"b\": 3}]}, [\"a/0\"]]", NULL},
		{"time.format", "[[1582977600000000001, \"UTC\", \"Mon Jan _2 15:04:05.000\"]]", NULL},
		{"urlquery.decode_object", "[\"a=1&b=%20&a=2\"]", NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct arena *ref = arena_new(0);
		const char *want = outcome(ref, rows[i].name, rows[i].args, 1000000);

		for (uint64_t n = 1;; n++) {
			struct arena *a = arena_new(0);
			const char *got;
			bool failed;

			arena_fail_at(a, n);
			got = outcome(a, rows[i].name, rows[i].args, 1000000);
			failed = arena_bad(a);
			if (failed && got && got[0] != '!' && strcmp(got, want) != 0 && strcmp(got, "bad row") != 0)
				fail_msg("%s: allocation %llu failed, and %s", rows[i].name, (unsigned long long)n, got);
			if (!failed)
				assert_string_equal(got, want);
			arena_free(a);
			if (!failed)
				break;
		}
		arena_free(ref);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_exact_where_they_can_be),
		cmocka_unit_test(collections_keep_the_order_of_values),
		cmocka_unit_test(patches_follow_rfc_6902),
		cmocka_unit_test(texts_are_counted_in_code_points),
		cmocka_unit_test(expressions_follow_the_rules_for_empty_matches),
		cmocka_unit_test(encodings_are_read_as_go_reads_them),
		cmocka_unit_test(addresses_and_times_are_computed_not_guessed),
		cmocka_unit_test(documents_are_held_against_schemas),
		cmocka_unit_test(requests_are_signed_for_aws),
		cmocka_unit_test(tokens_are_checked_before_they_are_believed),
		cmocka_unit_test(work_that_explodes_is_charged_before_it_is_done),
		cmocka_unit_test(no_operand_is_taken_on_trust),
		cmocka_unit_test(lack_of_memory_gives_no_wrong_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
