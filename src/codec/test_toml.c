#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "codec/toml.h"

static void documents_become_json(void **state)
{
	static const struct {
		const char *in, *out;
	} row[] = {
		{"", "{}"},
		{"# c\r\na = 1\n\n\"b c\" = 'x\\y' # d\n", "{\"a\":1,\"b c\":\"x\\\\y\"}"},
		{"a.b.c = true\na.b.d = false", "{\"a\":{\"b\":{\"c\":true,\"d\":false}}}"},
		{"[http_server]\nsockets = [\"127.0.0.1:8080\", ]\n[a.b]\nx=0xff\n[a]\ny=-1_000", "{\"http_server\":{\"sockets\":[\"127.0.0.1:8080\"]},\"a\":{\"b\":{\"x\":255},\"y\":-1000}}"},
		{"[[p]]\nname='x'\n[p.sub]\nk=1\n[[p]]\nname=\"y\"", "{\"p\":[{\"name\":\"x\",\"sub\":{\"k\":1}},{\"name\":\"y\"}]}"},
		{"s = \"\"\"\na\\\n   b\\tc\"\"\"\"\nl='''\nq'uote'''", "{\"s\":\"ab\\tc\\\"\",\"l\":\"q'uote\"}"},
		{"t = { a.b = 1, c = [1,\n2 # x\n,3] }", "{\"t\":{\"a\":{\"b\":1},\"c\":[1,2,3]}}"},
		{"f = +1.5e3\ng = 6.02_2e-23\nd = 1979-05-27 07:32:00.5Z\ne = 07:32:00", "{\"f\":1.5e3,\"g\":6.022e-23,\"d\":\"1979-05-27 07:32:00.5Z\",\"e\":\"07:32:00\"}"},
		{"a = 2024-02-29\nb = 1979-05-27t07:32:00-07:00\nc = 23:59:59.999999999999\nd = 0000-01-01T00:00:00", "{\"a\":\"2024-02-29\",\"b\":\"1979-05-27t07:32:00-07:00\",\"c\":\"23:59:59.999999999999\",\"d\":\"0000-01-01T00:00:00\"}"},
		{"u = \"\\u00e9\\U0001F600\"", "{\"u\":\"\xc3\xa9\xf0\x9f\x98\x80\"}"},
		{"o = 0o17\nb = 0b101\nz = 0", "{\"o\":15,\"b\":5,\"z\":0}"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct arena *a = arena_new(0);
		struct why w = why_in(a);
		struct json *v = NULL;

		if (!rc_ok(toml_parse(a, slice_cstr(row[i].in), &v, "t", &w)))
			fail_msg("row %zu: %s", i, why_text(&w));
		assert_string_equal((const char *)json_text(a, v).p, row[i].out);
		arena_free(a);
	}
}

static void what_toml_forbids_is_refused_with_its_place(void **state)
{
	static const struct {
		const char *in, *reason, *place;
	} row[] = {
		{"a = 1\na = 2", "toml.duplicate", "t:2:"}, {"[a]\n[a]", "toml.duplicate", "t:2:"},
		{"a.b = 1\n[a]\n", "toml.duplicate", "t:2:"}, {"a = {}\na.b = 1", "toml.duplicate", "t:2:"},
		{"[[a]]\n[a]", "toml.duplicate", "t:2:"}, {"[a]\nb.c=1\n[a.b]\nd=1", "toml.duplicate", "t:3:"},
		{"a", "toml.syntax", "t:1:2"}, {"a = ", "toml.syntax", "t:1:"}, {"a = 01", "toml.syntax", "t:1:"},
		{"a = 1 b = 2", "toml.syntax", "t:1:7"}, {"a = \"x\ny\"", "toml.syntax", "t:1:"}, {"= 1", "toml.syntax", "t:1:1"},
		{"a = 1__0", "toml.syntax", "t:1:"}, {"a = 1.", "toml.syntax", "t:1:"}, {"a = [1 2]", "toml.syntax", "t:1:"},
		{"a = {b = 1,}", "toml.syntax", "t:1:"}, {"a = 9223372036854775808", "toml.syntax", "t:1:"},
		{"a = \"\\x\"", "toml.syntax", "t:1:"}, {"a = \"\\ud800\"", "toml.syntax", "t:1:"}, {"a = 'b", "toml.syntax", "t:1:"},
		{"a = nan", "toml.float", "t:1:"}, {"a = \"\xff\"", "toml.utf8", "t:1:"}, {"[a", "toml.syntax", "t:1:"},
		{"a = 2026-1-01", "toml.syntax", "t:1:"}, {"a = 2026-13-01", "toml.syntax", "t:1:"}, {"a = 2026-02-30", "toml.syntax", "t:1:"},
		{"a = 2100-02-29", "toml.syntax", "t:1:"}, {"a = 2026-00-10", "toml.syntax", "t:1:"}, {"a = 2026-01-00", "toml.syntax", "t:1:"},
		{"a = 24:00:00", "toml.syntax", "t:1:"}, {"a = 00:60:00", "toml.syntax", "t:1:"}, {"a = 00:00:61", "toml.syntax", "t:1:"},
		{"a = 00:00", "toml.syntax", "t:1:"}, {"a = 00:00:00Z", "toml.syntax", "t:1:"}, {"a = 00:00:00.", "toml.syntax", "t:1:"},
		{"a = 2026-01-01T", "toml.syntax", "t:1:"}, {"a = 2026-01-01T00:00:00+24:00", "toml.syntax", "t:1:"},
		{"a = 2026-01-01T00:00:00+01", "toml.syntax", "t:1:"}, {"a = 2026-01-01x00:00:00", "toml.syntax", "t:1:"}, {"# \x01", "toml.syntax", "t:1:"}, {"a = tru", "toml.syntax", "t:1:"},
		{"a = 1\rb = 2", "toml.syntax", "t:1:"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct arena *a = arena_new(0);
		struct why w = why_in(a);
		struct json *v;

		if (rc_ok(toml_parse(a, slice_cstr(row[i].in), &v, "t", &w)))
			fail_msg("row %zu was taken", i);
		assert_string_equal(why_reason(&w), row[i].reason);
		if (strncmp(why_text(&w), row[i].place, strlen(row[i].place)) != 0)
			fail_msg("row %zu: %s", i, why_text(&w));
		arena_free(a);
	}
}

static void caps_hold(void **state)
{
	struct arena *a = arena_new(0);
	struct buf deep = buf_in(a, 0), wide = buf_in(a, 0), dots = buf_in(a, 0);
	struct why w = why_in(a);
	struct json *v;

	(void)state;
	buf_puts(&deep, "a = ");
	for (int i = 0; i < 33; i++)
		buf_putc(&deep, '[');
	assert_int_equal(toml_parse(a, buf_view(&deep), &v, "t", &w).code, E_LIMIT);
	assert_string_equal(why_reason(&w), "toml.depth");
	for (int i = 0; i < 4097; i++)
		buf_printf(&wide, "k%d = 1\n", i);
	assert_int_equal(toml_parse(a, buf_view(&wide), &v, "t", &w).code, E_LIMIT);
	assert_string_equal(why_reason(&w), "toml.keys");
	for (int i = 0; i < 40; i++)
		buf_puts(&dots, "a.");
	buf_puts(&dots, "a = 1");
	assert_int_equal(toml_parse(a, buf_view(&dots), &v, "t", &w).code, E_LIMIT);
	arena_free(a);
}

static void allocation_failure_at_every_step_is_a_refusal(void **state)
{
	(void)state;
	for (uint64_t n = 1;; n++) {
		struct arena *a = arena_new(0);
		struct json *v = NULL;
		rc r;

		arena_fail_at(a, n);
		r = toml_parse(a, SLICE_LIT("[a]\nb.c = [1, \"x\", {d = 2.5}]\n[[e]]\nf = 2020-01-01\n"), &v, "t", NULL);
		arena_free(a);
		if (rc_ok(r)) {
			assert_true(n > 10);
			break;
		}
		assert_int_not_equal(r.code, OK);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(documents_become_json),
		cmocka_unit_test(what_toml_forbids_is_refused_with_its_place),
		cmocka_unit_test(caps_hold),
		cmocka_unit_test(allocation_failure_at_every_step_is_a_refusal),
	};

	return cmocka_run_group_tests_name("toml", tests, NULL, NULL);
}
