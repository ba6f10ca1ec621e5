#include "net/route.h"

static bool match(const char *path, const struct http_request *r, size_t *rest)
{
	size_t i = 0;

	for (;;) {
		size_t n;

		path++;	/* the slash */
		n = strcspn(path, "/");
		if (path[0] == '*' || path[0] == '?') {
			*rest = i;
			return path[0] == '?' || i < r->segments;
		}
		if (i >= r->segments || !slice_eq(r->segment[i], slice_of(path, n)))
			return false;
		i++;
		path += n;
		if (!*path) {
			*rest = i;
			return i == r->segments;
		}
	}
}

const struct route *route_find(const struct route *table, size_t n, const struct http_request *r, size_t *rest)
{
	for (size_t i = 0; i < n; i++)
		if (slice_is(r->method, table[i].method) && match(table[i].path, r, rest))
			return &table[i];
	return NULL;
}

rc route_check(const struct route *table, size_t n, struct why *w)
{
	for (size_t i = 0; i < n; i++)
		if (table[i].admission < ADMIT_ANYONE || table[i].admission > ADMIT_ADMIN || !table[i].run || table[i].path[0] != '/')
			return deny(w, E_INTERNAL, "route.admission", "the route %s %s declares no admission rule", table[i].method, table[i].path);
	return rc_of(OK);
}
