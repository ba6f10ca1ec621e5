/* bench_audit.c - appends per second to a log in sqlite: N callers, M appends each. Prints one line of JSON. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "audit/audit.h"

struct caller {
	struct audit *log;
	unsigned n, failed;
	pthread_t thread;
};

static void *run(void *arg)
{
	struct caller *me = arg;

	for (unsigned i = 0; i < me->n; i++) {
		struct arena *a = arena_new(0);
		struct json *o = json_new_object(a);
		char id[24];

		if (!rc_ok(decision_new_id(&clock_system, id, NULL)))
			me->failed++;
		json_set(a, o, "event", json_new_cstr(a, "release"));
		json_set(a, o, "decision", json_new_cstr(a, id));
		json_set(a, o, "resource", json_new_cstr(a, "default/key/1"));
		if (!rc_ok(audit_append(me->log, o, NULL, 0, NULL, NULL)))
			me->failed++;
		arena_free(a);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	unsigned callers = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 64;
	unsigned each = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 500, failed = 0;
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct caller *c = calloc(callers, sizeof(*c));
	struct store *store = NULL;
	struct pkey *key = NULL;
	struct audit *log = NULL;
	uint64_t size = 0;
	int64_t t0, t1, t2;
	rc r;

	if (argc < 2 || !c) {
		fprintf(stderr, "usage: bench_audit DATABASE [callers] [appends each]\n");
		return 2;
	}
	r = store_open_sqlite(argv[1], &clock_system, &store, &w);
	if (rc_ok(r))
		r = pkey_generate(KEY_P256, 0, &key, &w);
	if (rc_ok(r))
		r = audit_open(store, key, "bench", &clock_system, &log, &w);
	t0 = sys_monotonic_ns();
	for (unsigned i = 0; rc_ok(r) && i < callers; i++) {
		c[i] = (struct caller){.log = log, .n = each};
		if (pthread_create(&c[i].thread, NULL, run, &c[i]) != 0)
			return 1;
	}
	for (unsigned i = 0; rc_ok(r) && i < callers; i++) {
		pthread_join(c[i].thread, NULL);
		failed += c[i].failed;
	}
	t1 = sys_monotonic_ns();
	if (rc_ok(r))
		r = audit_verify(store, key, NULL, &size, &w);
	t2 = sys_monotonic_ns();
	if (!rc_ok(r))
		fprintf(stderr, "%s", why_render(&w, a));
	printf("{\"bench\":\"audit\",\"callers\":%u,\"appends\":%llu,\"failed\":%u,\"appends_per_s\":%.0f,\"verified_"
	       "per_s\":%.0f}\n",
	       callers, (unsigned long long)size, failed, (double)size * 1e9 / (double)(t1 - t0),
	       (double)size * 1e9 / (double)(t2 - t1));
	audit_close(log);
	pkey_free(key);
	store_close(store);
	free(c);
	arena_free(a);
	return rc_ok(r) && !failed ? 0 : 1;
}
