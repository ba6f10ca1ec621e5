/* upstream_int.h - between upstream.c and the vendors' files. */
#pragma once
#include "collateral/upstream.h"
#include "net/fetch.h"

struct upstream {
	struct upstream_config config;
	struct fetcher *fetcher;
	struct collateral_source source;
	const char *intel_base, *nvidia_rim_base, *nvidia_ocsp, *hygon_base;	/* without a slash at their end */
	struct arena *arena;
};

/* One fetch under way. */
struct upstream_call {
	struct upstream *u;
	const char *kind, *key;
	const struct collateral_piece *held;	/* NULL: nothing is cached */
	struct arena *a;
	struct collateral_answer *answer;
};

/* One answer with status 200, or 304 where it was asked whether what is held has changed; the other ones are refusals, and what
 * they say about asking again is in call->answer. */
RC upstream_ask(struct upstream_call *call, const char *url, struct fetch_reply *out, struct why *w);
/* Another request than a GET of the piece: its answer has status 200. */
RC upstream_send(struct upstream_call *call, const struct fetch_request *req, struct fetch_reply *out, struct why *w);
/* Adds a piece of this answer; of a 304 one that has not changed. */
void upstream_add(struct upstream_call *call, const char *kind, const struct fetch_reply *reply, struct slice bytes);
/* The answer is of another thing than was asked for. */
RC upstream_other(struct why *w, const char *what, const char *found, const char *expected);
bool upstream_is_hex(const char *s, size_t n);

RC upstream_amd(struct upstream_call *call, struct why *w);
RC upstream_intel(struct upstream_call *call, struct why *w);
RC upstream_nvidia(struct upstream_call *call, struct why *w);
RC upstream_hygon(struct upstream_call *call, struct why *w);
