/* What the service knows of Secure Execution when it is not configured, or not wholly: nothing is handed out, and nothing falls over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "as/se.h"

static void a_service_that_asks_no_such_guests_has_nothing_of_theirs(void **state)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	const struct as_se half = {0};
	struct slice out;

	(void)state;
	assert_true(se_own_kind("se-challenge") && se_own_kind("se-header"));
	assert_false(se_own_kind("amd-crl") || se_own_kind("se-") || se_own_kind(""));
	assert_int_equal(se_own(NULL, "se-challenge", "x.y", (struct slice){0}, 0, a, &out, &w).code, E_NOTFOUND);
	assert_string_equal(why_reason(&w), "as.se");
	assert_int_equal(se_own(NULL, "se-header", "", (struct slice){0}, 0, a, &out, &w).code, E_NOTFOUND);
	assert_int_equal(se_own(&half, "se-header", "", (struct slice){0}, 0, a, &out, &w).code, E_NOTFOUND);
	assert_string_equal(why_text(&w), "no image header is configured");
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_service_that_asks_no_such_guests_has_nothing_of_theirs)};

	return cmocka_run_group_tests_name("se", tests, NULL, NULL);
}
