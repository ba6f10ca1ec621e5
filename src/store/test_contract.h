/* test_contract.h - the contract of store.h as tests, for every back end. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "store/store.h"

struct contract {
	const char *name;
	bool durable;	/* what was committed is there after reopening */
	/* A fresh place for one test in `dir` (empty, 0700), then opening it as often as the test likes. */
	rc (*open)(const char *dir, const struct clock *clock, struct store **out, struct why *w);
	/* NULL, or empties the place before a test. */
	void (*wipe)(void);
};

/* Runs the suite and `own` tests of the back end; the result of main(). */
int contract_main(const struct contract *c, const struct CMUnitTest *own, size_t own_n);

/* A folder of its own for a test, 0700. */
char *scratch_new(void);
void scratch_free(char *dir);
