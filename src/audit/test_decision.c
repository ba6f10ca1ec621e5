#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "audit/audit.h"

static int64_t fixed(void *ctx)
{
	return *(int64_t *)ctx;
}

static void ids_sort_by_time_and_do_not_repeat(void **state)
{
	int64_t now = 1764000000000000000;
	const struct clock clock = {fixed, &now};
	char last[24] = "", id[24];

	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		assert_true(rc_ok(decision_new_id(&clock, id, NULL)));
		assert_int_equal(strlen(id), 20);
		assert_int_equal(strspn(id, "0123456789abcdefghijklmnopqrstuvwxyz-"), 20);
		assert_true(strcmp(last, id) < 0);
		memcpy(last, id, sizeof(id));
		now += 1000000;
	}
	assert_true(rc_ok(decision_new_id(&clock, last, NULL)));
	assert_true(rc_ok(decision_new_id(&clock, id, NULL)));
	assert_string_not_equal(last, id);
}

static void a_denial_is_kept_and_told(void **state)
{
	int64_t now = 1764000000000000000; /* 2025-11-24T16:00:00Z */
	const struct clock clock = {fixed, &now};
	struct arena *a = arena_new(0);
	struct why w = why_in(a), found = why_in(a);
	struct json *facts = json_new_object(a), *d, *back;
	struct store *s;
	struct store_op op;
	char id[24], *text;

	(void)state;
	assert_true(rc_ok(store_open_memory(&clock, &s, NULL)));
	assert_true(rc_ok(decision_new_id(&clock, id, NULL)));
	(void)rc_ok(deny(&w, E_DENIED, "tpm.pcr", "PCR 8 is not an accepted value"));
	why_compared(&w, "tpm.pcr08", "00ff", "one of 2");
	why_nearest(&w, "00fe");
	why_rule(&w, "default_cpu:41:3");
	(void)rc_ok(note(&w, rc_of(E_DENIED), "appraising the evidence"));
	json_set(a, facts, "tee", json_new_cstr(a, "tpm"));
	d = decision_json(a, id, "attest", "denied", &w, facts);
	assert_non_null(d);
	assert_true(slice_is(json_get(d, "code")->text, "tpm.pcr"));
	assert_true(slice_is(json_get(d, "class")->text, "E_DENIED"));
	assert_true(slice_is(json_get(d, "time")->text, "2025-11-24T16:00:00Z"));
	op = decision_op(a, id, d, now / 1000000000 + 100);
	assert_true(rc_ok(store_commit(s, &op, 1, &found)));
	assert_true(rc_ok(decision_get(s, id, a, &back, &found)));
	assert_true(json_equal(d, back));
	text = decision_render(a, back);
	for (const char *const *want =
	             (const char *const[]){"denied  attest  ", id, "2025-11-24T16:00:00Z", "code     tpm.pcr\n",
	                                   "tee = tpm", "because  PCR 8 is not an accepted value  [tpm.pcr]",
	                                   "what      tpm.pcr08", "found     00ff", "expected  one of 2",
	                                   "nearest   00fe", "policy    default_cpu:41:3",
	                                   "while    appraising the evidence", NULL};
	     *want; want++)
		if (!strstr(text, *want))
			fail_msg("\"%s\" is not in:\n%s", *want, text);
	now += (int64_t)101 * 1000000000;
	assert_int_equal(decision_get(s, id, a, &back, &found).code, E_NOTFOUND);
	assert_string_equal(why_reason(&found), "decision.absent");
	store_close(s);
	arena_free(a);
}

static void bytes_of_evidence_do_not_reach_the_terminal(void **state)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct json *d;
	char *text;

	(void)state;
	(void)rc_ok(deny(&w, E_DENIED, "x.y", "a \x1b[2J b \xff c \xc2\x9b d \xe2\x80\xae e\nverdict allowed"));
	d = decision_json(a, "0", "attest", "denied", &w, NULL);
	assert_non_null(d);
	assert_null(json_get(d, "time"));
	text = decision_render(a, d);
	assert_non_null(strstr(text, "a \\u001b[2J b \\xff c \\u009b d \\u202e e\\u000averdict allowed"));
	for (const char *p = text; *p; p++)
		assert_true(*p == '\n' || (unsigned char)*p >= 0x20);
	arena_free(a);
}

static void any_json_can_be_told(void **state)
{
	static const char *const doc[] = {"{}", "[]", "null", "{\"why\":[1,null,{}],\"facts\":{\"a\":[1],\"b\":null}}",
	                                  "{\"why\":{},\"facts\":[],\"id\":{}}"};
	struct arena *a = arena_new(0);

	(void)state;
	for (size_t i = 0; i < sizeof(doc) / sizeof(doc[0]); i++) {
		struct json *v;

		assert_true(rc_ok(json_parse(a, slice_cstr(doc[i]), NULL, &v, NULL)));
		assert_non_null(decision_render(a, v));
	}
	arena_free(a);
}

static void an_id_of_another_shape_is_refused(void **state)
{
	static const char *const bad[] = {"",
	                                  "0",
	                                  "../../../../etc/pass",
	                                  "000000000-000000000",
	                                  "000000000-00000000000",
	                                  "000000000_0000000000",
	                                  "00000000u-0000000000",
	                                  "000000000-000000000A"};
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct json *v;
	struct store *s;

	(void)state;
	assert_true(rc_ok(store_open_memory(&clock_system, &s, NULL)));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(decision_get(s, bad[i], a, &v, &w).code, E_MALFORMED);
	assert_int_equal(decision_get(s, "000000000-0000000000", a, &v, &w).code, E_NOTFOUND);
	store_close(s);
	arena_free(a);
}

static void lack_of_memory_gives_no_half_decision(void **state)
{
	(void)state;
	for (uint64_t n = 1; n < 200; n++) {
		struct arena *a = arena_new(0), *ours = arena_new(0);
		struct why w = why_in(a);
		struct json *d;

		(void)rc_ok(deny(&w, E_DENIED, "x.y", "z"));
		arena_fail_at(ours, n);
		d = decision_json(ours, "000000000-0000000000", "attest", "denied", &w, NULL);
		if (d)
			assert_non_null(json_get(d, "why"));
		else
			assert_true(arena_bad(ours));
		arena_free(ours);
		arena_free(a);
		if (d)
			return;
	}
	fail_msg("it never succeeded");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(ids_sort_by_time_and_do_not_repeat),
	        cmocka_unit_test(a_denial_is_kept_and_told),
	        cmocka_unit_test(bytes_of_evidence_do_not_reach_the_terminal),
	        cmocka_unit_test(any_json_can_be_told),
	        cmocka_unit_test(an_id_of_another_shape_is_refused),
	        cmocka_unit_test(lack_of_memory_gives_no_half_decision),
	};

	return cmocka_run_group_tests_name("decision", tests, NULL, NULL);
}
