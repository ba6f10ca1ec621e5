#include "verifier/test_dcap.h"

#include "verifier/sgx/sgx.h"

static void every_recorded_case_has_its_verdict(void **state)
{
	(void)state;
	run_cases("sgx", &sgx_driver);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_recorded_case_has_its_verdict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
