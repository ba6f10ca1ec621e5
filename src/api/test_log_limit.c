/* A second has so many lines for a peer, and what was not logged is counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "api/log_limit.h"

#define SECOND ((int64_t)1000000000)

static void a_peer_has_so_many_lines_a_second_and_the_rest_are_counted(void **state)
{
	struct log_limit *l = log_limit_new();
	uint64_t quiet;

	(void)state;
	for (unsigned i = 0; i < LOG_LIMIT_A_SECOND; i++)
		assert_true(log_limit_take(l, "192.0.2.1", SECOND, &quiet) && quiet == 0);
	for (unsigned i = 0; i < 1000; i++)
		assert_false(log_limit_take(l, "192.0.2.1", 2 * SECOND - 1, &quiet));
	assert_true(log_limit_take(l, "192.0.2.1", 2 * SECOND, &quiet));
	assert_int_equal(quiet, 1000);
	assert_true(log_limit_take(l, "192.0.2.1", 2 * SECOND, &quiet));
	assert_int_equal(quiet, 0);
	log_limit_free(l);
}

static void a_loud_peer_takes_nothing_from_the_others(void **state)
{
	struct log_limit *l = log_limit_new();
	unsigned silenced = 0;
	uint64_t quiet;
	char peer[32];

	(void)state;
	for (unsigned i = 0; i < 10000; i++)
		(void)log_limit_take(l, "192.0.2.1", SECOND, &quiet);
	for (unsigned i = 0; i < 256; i++) {
		snprintf(peer, sizeof(peer), "198.51.100.%u", i);
		silenced += !log_limit_take(l, peer, SECOND, &quiet);
	}
	assert_true(silenced < 5);	/* who happens to share the slot */
	log_limit_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_peer_has_so_many_lines_a_second_and_the_rest_are_counted),
		cmocka_unit_test(a_loud_peer_takes_nothing_from_the_others),
	};

	return cmocka_run_group_tests_name("log limit", tests, NULL, NULL);
}
