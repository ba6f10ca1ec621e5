/* records.h - the decision and the audit record of one verdict, made durable together with what the verdict changes.
 *
 * Allowed verdicts stay as long as the store keeps decisions. Refusals are cheap to cause, so only the newest
 * RECORDS_DENIED_MAX of them are kept: a ring in the store, each new one takes the place of the oldest.
 *
 * Threads: any.
 */
#pragma once
#include "audit/audit.h"

#define RECORDS_DENIED_MAX 65536u
#define RECORDS_KEEP_S	   ((int64_t)400 * 86400)

struct records;

RC records_open(struct store *store, struct audit *audit, const struct clock *clock, struct records **out, struct why *w);
void records_close(struct records *r);

/* An allowed verdict: decision, audit record and `ops` in one durable batch. Nothing may leave before it returned OK. */
RC records_allowed(struct records *r, const char *id, const char *kind, const struct json *facts, const struct store_op *ops,
		   size_t n_ops, struct arena *a, struct why *w);
/* The same, without waiting: `call` lives in `a`, its done() and ctx are set; `w` is the call's as well. */
void records_allowed_start(struct records *r, const char *id, const char *kind, const struct json *facts, const struct store_op *ops,
			   size_t n_ops, struct arena *a, struct audit_call *call, struct why *w);
/* A refusal with its reason `why`. audited: it also gets an audit record (a caller who was authenticated). A store that is
 * down does not change the verdict; it is reported through w. */
RC records_denied(struct records *r, const char *id, const char *kind, const struct why *why, const struct json *facts,
		  bool audited, struct arena *a, struct why *w);
RC records_new_id(struct records *r, char out[24], struct why *w);
/* E_NOTFOUND. */
RC records_get(struct records *r, const char *id, struct arena *a, struct json **out, struct why *w);
