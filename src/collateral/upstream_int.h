/* upstream_int.h - between upstream.c and the vendors' files. */
#pragma once
#include "collateral/upstream.h"
#include "net/fetch.h"

struct upstream {
	struct upstream_config config;
	struct fetcher *fetcher;
	struct collateral_source source;
	const char *intel_base;	/* without a slash at its end */
	struct arena *arena;
};

/* One answer with status 200; the other ones are refusals. */
RC upstream_ask(struct upstream *u, const char *url, struct arena *a, struct fetch_reply *out, struct why *w);
/* The answer is of another thing than was asked for. */
RC upstream_other(struct why *w, const char *what, const char *found, const char *expected);
bool upstream_is_hex(const char *s, size_t n);

RC upstream_amd(struct upstream *u, const char *kind, const char *key, struct arena *a, struct collateral_piece *pieces, size_t *n,
		struct why *w);
RC upstream_intel(struct upstream *u, const char *kind, const char *key, struct arena *a, struct collateral_piece *pieces, size_t *n,
		  struct why *w);
