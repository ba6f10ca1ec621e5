/* kbs_http.h - the key broker on HTTP: routes, statuses, error bodies, metrics, one log line a request.
 *
 * Spec: kbs.md 1; statuses where we part from the reference: 401 only for "attest (again)" or "authenticate", 403 denied, 404
 * absent, 413, 429, 503. Errors are always {"type","detail"}, with "decision" where there was a verdict.
 *
 * Threads: handlers and kbs_http_refuse run on any thread, side by side; open and close on one. The broker is borrowed.
 */
#pragma once
#include "kbs/kbs.h"
#include "net/metrics.h"
#include "net/server.h"

struct kbs_http;

RC kbs_http_open(struct kbs *kbs, size_t body_max, struct kbs_http **out, struct why *w);
void kbs_http_close(struct kbs_http *h);

/* For struct server_listener: ctx is the struct kbs_http. */
bool kbs_http_handle(void *ctx, struct http_request *req, struct http_response *resp);
size_t kbs_http_body_limit(void *ctx, const struct http_request *req);
bool kbs_http_quick(void *ctx, const struct http_request *req);	/* for the loop itself (server.h) */
/* The metrics listener: GET /metrics and GET /healthz. */
bool kbs_http_metrics(void *ctx, struct http_request *req, struct http_response *resp);
/* For struct server_config; logs what the handlers never see. */
void kbs_http_refuse(void *ctx, const char *peer, int status, const char *reason, struct http_response *resp);
struct metrics *kbs_http_metric_set(struct kbs_http *h);
