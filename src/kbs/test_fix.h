/* test_fix.h - what the tests of the broker share: a clock that they set, an arena, a store in memory. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/num.h"
#include "base/sys.h"
#include "store/store.h"

#define NOW ((int64_t)1795557718)	/* 2026-11-24T22:01:58Z */

struct fix {
	struct arena *a;
	struct why w;
	int64_t now_s;
	struct clock clock;
	struct store *store;
};

static int64_t fix_now_ns(void *ctx)
{
	return ((const struct fix *)ctx)->now_s * 1000000000;
}

static inline int fix_setup(void **state)
{
	struct fix *f = test_calloc(1, sizeof(*f));

	f->a = arena_new(0);
	f->w = why_in(f->a);
	f->now_s = NOW;
	f->clock = (struct clock){fix_now_ns, f};
	assert_true(rc_ok(store_open_memory(&f->clock, &f->store, &f->w)));
	*state = f;
	return 0;
}

static inline int fix_teardown(void **state)
{
	struct fix *f = *state;

	store_close(f->store);
	arena_free(f->a);
	test_free(f);
	return 0;
}

#define BEHAVIOUR(fn) cmocka_unit_test_setup_teardown(fn, fix_setup, fix_teardown)

static inline void fix_ok_at(rc r, const struct why *w, int line)
{
	if (!rc_ok(r))
		fail_msg("line %d: %s: %s", line, why_reason(w), why_text(w));
}

static inline void fix_refused_at(rc r, struct why *w, enum rc_code code, const char *reason, int line)
{
	if (rc_ok(r))
		fail_msg("line %d: accepted, expected %s", line, reason);
	if (r.code != code || strcmp(why_reason(w), reason) != 0)
		fail_msg("line %d: %s %s (%s), expected %s %s", line, rc_name(r.code), why_reason(w), why_text(w), rc_name(code), reason);
	why_clear(w);
}

#define OK_OR_FAIL(call, w)		 fix_ok_at((call), (w), __LINE__)
#define REFUSED(call, w, code, reason) fix_refused_at((call), (w), (code), (reason), __LINE__)
