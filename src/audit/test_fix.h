/* test_fix.h - a log in memory for the tests of this folder. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "audit/audit_int.h"
#include "base/num.h"
#include "codec/base64.h"

struct fix {
	struct arena *a;
	struct why w;
	struct store *store;
	struct pkey *key, *other;
	struct audit *log;
};

static int set_up(void **state)
{
	struct fix *f = calloc(1, sizeof(*f));

	f->a = arena_new((size_t)512 << 20);
	f->w = why_in(f->a);
	if (!rc_ok(store_open_memory(&clock_system, &f->store, &f->w)) ||
	    !rc_ok(pkey_generate(KEY_P256, 0, &f->key, &f->w)) ||
	    !rc_ok(pkey_generate(KEY_P256, 0, &f->other, &f->w)) ||
	    !rc_ok(audit_open(f->store, f->key, "test", &clock_system, &f->log, &f->w)))
		fail_msg("%s", why_text(&f->w));
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fix *f = *state;

	audit_close(f->log);
	store_close(f->store);
	pkey_free(f->key);
	pkey_free(f->other);
	arena_free(f->a);
	free(f);
	return 0;
}

static struct json *record(struct arena *a, const char *what, uint64_t n)
{
	struct json *o = json_new_object(a);

	json_set(a, o, "event", json_new_cstr(a, what));
	json_set(a, o, "n", json_new_u64(a, n));
	return o;
}

static void append(struct fix *f, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (!rc_ok(audit_append(f->log, record(f->a, "release", i), NULL, 0, NULL, &f->w)))
			fail_msg("%s", why_text(&f->w));
}
