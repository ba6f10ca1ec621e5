/* sys.h - the few things a library asks of the system: random bytes, time, whole files. libc only. */
#pragma once
#include "base/why.h"
#include "base/secret.h"

/* Cryptographic random bytes; E_UNAVAILABLE when the kernel has none (never a weaker source). */
RC sys_random(void *out, size_t n, struct why *w);

/* A clock that tests can replace. */
struct clock {
	int64_t (*now_ns)(void *ctx);	/* nanoseconds since 1970 UTC */
	void *ctx;
};
extern const struct clock clock_system;
static inline int64_t clock_now_ns(const struct clock *c)
{
	return c->now_ns(c->ctx);
}
static inline int64_t clock_now_s(const struct clock *c)
{
	return c->now_ns(c->ctx) / 1000000000;
}
int64_t sys_monotonic_ns(void);

/* RFC 3339, UTC. "2026-11-24T22:01:58Z". out holds at least 21 bytes. Years 0 to 9999. */
void time_rfc3339(int64_t unix_s, char out[32]);
/* Accepts Z or an offset and a fraction (dropped). E_MALFORMED otherwise. */
RC time_parse_rfc3339(struct slice s, int64_t *unix_s, struct why *w);
/* RFC 9110 IMF-fixdate: "Mon, 23 Nov 2026 17:29:49 GMT". */
void time_imf(int64_t unix_s, char out[32]);
/* Civil date to unix seconds and back (proleptic Gregorian). */
int64_t time_from_civil(int64_t y, unsigned mon, unsigned day, unsigned h, unsigned m, unsigned s);

/* The whole file in the arena, with a NUL behind. E_NOTFOUND, E_LIMIT (over max_bytes), E_UNAVAILABLE. */
RC file_read(struct arena *a, const char *path, size_t max_bytes, struct slice *out, struct why *w);
/* The same into secret memory. Refuses a file that group or others can read (E_DENIED, "file.permissions"). */
RC file_read_secret(const char *path, size_t max_bytes, struct secret *out, struct why *w);
/* Written beside, synced, renamed into place, folder synced. mode e.g. 0600; never wider at any moment. */
RC file_write_atomic(const char *path, struct slice data, unsigned mode, struct why *w);
/* The same, but E_DENIED "file.exists" when the path exists. */
RC file_create(const char *path, struct slice data, unsigned mode, struct why *w);
RC file_mkdirs(const char *path, unsigned mode, struct why *w);
bool file_exists(const char *path);
