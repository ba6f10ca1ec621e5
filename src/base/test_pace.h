/* test_pace.h - of tests: how many times slower than usual the tool is that runs them. tools/valgrind says it in WARRANT_PACE. What
 * is repeated for thoroughness is divided by it, a limit of time multiplied; what is tested stays. */
#pragma once
#include <stddef.h>
#include <stdlib.h>

/* 1 to 100. */
static inline unsigned test_pace(void)
{
	const char *text = getenv("WARRANT_PACE");
	unsigned long pace = text ? strtoul(text, NULL, 10) : 1;

	return pace < 1 ? 1 : pace > 100 ? 100 : (unsigned)pace;
}

/* From one of many like cases (a bit flipped, a length cut to, an allocation that fails) to the next: 1, or with a pace about as
 * much; odd, so that every bit of a byte has its turn. */
static inline size_t test_step(void)
{
	return test_pace() | 1;
}
