#include "api/kbs_http_priv.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/num.h"
#include "base/sys.h"
#include "codec/base64.h"
#include "crypto/jose/jwk.h"
#include "net/route.h"

#define COOKIE "kbs-session-id"

static const char *const tee_values[] = {"az-snp-vtpm", "az-tdx-vtpm", "cca", "csv", "hygondcu", "nitro", "nvidia", "sample", "se",
					 "sgx", "snp", "tdx", "tpm", "other", NULL};
static const double seconds[] = {0.0005, 0.001, 0.005, 0.01, 0.05, 0.5, 1, 0}, bytes[] = {32, 128, 512, 2048, 8192, 0};
static const char *const version_values[] = {WARRANT_VERSION, NULL};

static const struct metric metric_table[] = {
	[M_BUILD] = {"kbs_build_info", "Build of this broker.", METRIC_GAUGE, "version", version_values, NULL},
	[M_REQUESTS] = {"kbs_http_requests_total", "Requests below /kbs.", METRIC_COUNTER, NULL, NULL, NULL},
	[M_ACTIVE] = {"kbs_http_active_connections", "Requests under way.", METRIC_GAUGE, NULL, NULL, NULL},
	[M_SECONDS] = {"kbs_http_request_duration_seconds", "Time to answer.", METRIC_HISTOGRAM, NULL, NULL, seconds},
	[M_REQUEST_SIZE] = {"kbs_http_request_size_bytes", "Bodies of requests.", METRIC_HISTOGRAM, NULL, NULL, bytes},
	[M_RESPONSE_SIZE] = {"kbs_http_response_size_bytes", "Bodies of answers.", METRIC_HISTOGRAM, NULL, NULL, bytes},
	[M_READS] = {"kbs_resource_reads_total", "Resources released.", METRIC_COUNTER, NULL, NULL, NULL},
	[M_WRITES] = {"kbs_resource_writes_total", "Resources stored.", METRIC_COUNTER, NULL, NULL, NULL},
	[M_DELETES] = {"kbs_resource_deletes_total", "Resources removed.", METRIC_COUNTER, NULL, NULL, NULL},
	[M_EVALUATIONS] = {"kbs_policy_evaluations_total", "Releases that the policy was asked about.", METRIC_COUNTER, NULL, NULL, NULL},
	[M_APPROVALS] = {"kbs_policy_approvals_total", "Releases that the policy allowed.", METRIC_COUNTER, NULL, NULL, NULL},
	[M_VIOLATIONS] = {"kbs_policy_violations_total", "Releases that the policy refused.", METRIC_COUNTER, NULL, NULL, NULL},
	[M_POLICY_ERRORS] = {"kbs_policy_errors_total", "Evaluations that failed.", METRIC_COUNTER, NULL, NULL, NULL},
	[M_AUTHS] = {"kbs_auth_requests_total", "Challenges asked for.", METRIC_COUNTER, NULL, NULL, NULL},
	[M_AUTH_OK] = {"kbs_auth_successes_total", "Challenges given.", METRIC_COUNTER, NULL, NULL, NULL},
	[M_AUTH_ERRORS] = {"kbs_auth_errors_total", "Challenges refused.", METRIC_COUNTER, NULL, NULL, NULL},
	[M_ATTESTS] = {"kbs_attestation_requests_total", "Attestations received.", METRIC_COUNTER, NULL, NULL, NULL},
	[M_ATTEST_ERRORS] = {"kbs_attestation_errors_total", "Attestations without a verdict.", METRIC_COUNTER, NULL, NULL, NULL},
	[M_ATTEST_OK] = {"kbs_attestation_successes_total", "Evidence that verified.", METRIC_COUNTER, "tee_type", tee_values, NULL},
	[M_ATTEST_FAILED] = {"kbs_attestation_failures_total", "Evidence that was refused.", METRIC_COUNTER, NULL, NULL, NULL},
	{0},
};

/* ---- the handshake ---- */

static void set_session(struct route_call *c, struct slice cookie, int64_t expires_s)
{
	struct buf b = buf_in(c->resp->arena, 8192);
	char when[32];

	time_imf(expires_s, when);
	buf_puts(&b, COOKIE "=");
	buf_slice(&b, cookie);
	buf_puts(&b, "; Expires=");
	buf_puts(&b, when);
	http_response_header(c->resp, "set-cookie", buf_cstr(&b));
}

static void auth(struct route_call *c)
{
	struct kbs_challenge ch;
	rc r;

	metrics_add(c->h->metrics, M_AUTHS, NULL, 1);
	r = kbs_auth(c->h->kbs, c->req->body, c->req->arena, &ch, &c->o, &c->why);
	metrics_add(c->h->metrics, rc_ok(r) ? M_AUTH_OK : M_AUTH_ERRORS, NULL, 1);
	if (!rc_ok(r)) {
		api_fail(c, r, false);
		return;
	}
	set_session(c, ch.cookie, ch.expires_s);
	api_answer(c->resp, "application/json", ch.body);
}

static void finish_later(struct route_call *c);

static void attested(struct kbs_attest *t, rc r)
{
	struct route_call *c = t->ctx;
	struct buf b = buf_in(c->req->arena, 0);

	if (rc_ok(r)) {
		metrics_add(c->h->metrics, M_ATTEST_OK, t->reply.tee, 1);
		set_session(c, t->reply.cookie, t->reply.expires_s);
		buf_puts(&b, "{\"token\":\"");
		buf_slice(&b, t->reply.token);
		buf_puts(&b, "\"}");
		api_answer(c->resp, "application/json", buf_view(&b));
	} else {
		metrics_add(c->h->metrics, r.code == E_DENIED ? M_ATTEST_FAILED : M_ATTEST_ERRORS, NULL, 1);
		api_fail(c, r, false);
	}
	finish_later(c);
}

static void attest(struct route_call *c)
{
	metrics_add(c->h->metrics, M_ATTESTS, NULL, 1);
	c->attest = (struct kbs_attest){.caller = c->caller, .body = c->req->body, .arena = c->req->arena, .o = &c->o, .w = &c->why,
					.done = attested, .ctx = c};
	kbs_attest_start(c->h->kbs, &c->attest);
}

/* ---- resources ---- */

/* The policy is asked before the secret is looked for: what failed behind it was approved. */
static void count_evaluation(struct route_call *c, rc r)
{
	const char *reason = rc_ok(r) ? "kms." : why_reason(&c->why);
	bool policy = strncmp(reason, "policy.", 7) == 0;

	if (!policy && strncmp(reason, "kms.", 4) != 0)
		return;
	metrics_add(c->h->metrics, M_EVALUATIONS, NULL, 1);
	metrics_add(c->h->metrics, !policy ? M_APPROVALS : r.code == E_DENIED ? M_VIOLATIONS : M_POLICY_ERRORS, NULL, 1);
}

static void released(struct kbs_release *t, rc r)
{
	struct route_call *c = t->ctx;

	count_evaluation(c, r);
	if (rc_ok(r)) {
		metrics_add(c->h->metrics, M_READS, NULL, 1);
		api_answer(c->resp, "application/json", t->jwe);
	} else {
		api_fail(c, r, false);
	}
	finish_later(c);
}

static void get_resource(struct route_call *c)
{
	c->release = (struct kbs_release){.caller = c->caller, .plugin = c->req->segment[2], .path = c->req->segment + 3,
					  .path_n = c->req->segments - 3, .query = c->req->query, .arena = c->req->arena, .o = &c->o,
					  .w = &c->why, .done = released, .ctx = c};
	kbs_get_start(c->h->kbs, &c->release);
}

static void put_resource(struct route_call *c)
{
	rc r = kbs_put_resource(c->h->kbs, &c->who, c->req->segment + c->rest, c->req->segments - c->rest, c->req->body, &c->o, &c->why);

	if (!rc_ok(r)) {
		api_fail(c, r, true);
		return;
	}
	metrics_add(c->h->metrics, M_WRITES, NULL, 1);
	api_answer(c->resp, "text/xml", (struct slice){0});
}

static void delete_resource(struct route_call *c)
{
	rc r = kbs_delete_resource(c->h->kbs, &c->who, c->req->segment + c->rest, c->req->segments - c->rest, &c->o, &c->why);

	if (!rc_ok(r)) {
		api_fail(c, r, true);
		return;
	}
	metrics_add(c->h->metrics, M_DELETES, NULL, 1);
	api_answer(c->resp, "text/xml", (struct slice){0});
}

/* ---- what anybody may ask ---- */

static void healthz(struct route_call *c)
{
	rc r = kbs_health(c->h->kbs, &c->why);

	c->o.type = "Unavailable";
	if (rc_ok(r))
		api_answer(c->resp, NULL, (struct slice){0});
	else
		api_fail(c, r, false);
}

static void jwks(struct route_call *c)
{
	struct slice text;
	rc r = kbs_as(c->h->kbs) ? as_jwks(kbs_as(c->h->kbs), c->req->arena, &text, &c->why)
				 : deny(&c->why, E_NOTFOUND, "kbs.no-as", "this broker signs no tokens");

	c->o.type = "AttestationError";
	if (rc_ok(r))
		api_answer(c->resp, "application/json", text);
	else
		api_fail(c, r, false);
}

#define SMALL ((size_t)64 << 10)

static const struct route routes[] = {
	ROUTE("POST", "/kbs/v0/auth/?*", ADMIT_ANYONE, auth, SMALL, .quick = true),
	ROUTE("POST", "/kbs/v0/attest/?*", ADMIT_COOKIE, attest, 0, .later = true),
	ROUTE("GET", "/kbs/v0/resource", ADMIT_ADMIN, api_list_resources, SMALL),
	ROUTE("GET", "/kbs/v0/resource/*", ADMIT_ATTESTED, get_resource, SMALL, .later = true),
	ROUTE("POST", "/kbs/v0/resource/*", ADMIT_ADMIN, put_resource, 0),
	ROUTE("DELETE", "/kbs/v0/resource/*", ADMIT_ADMIN, delete_resource, SMALL),
	ROUTE("POST", "/kbs/v0/resource-policy/?*", ADMIT_ADMIN, api_set_resource_policy, 0),
	ROUTE("GET", "/kbs/v0/resource-policy/?*", ADMIT_ADMIN, api_get_resource_policy, SMALL),
	ROUTE("POST", "/kbs/v0/attestation-policy/?*", ADMIT_ADMIN, api_set_attestation_policy, 0),
	ROUTE("GET", "/kbs/v0/attestation-policy", ADMIT_ADMIN, api_list_attestation_policies, SMALL),
	ROUTE("GET", "/kbs/v0/attestation-policy/*", ADMIT_ADMIN, api_get_attestation_policy, SMALL),
	ROUTE("POST", "/kbs/v0/reference-value/?*", ADMIT_ADMIN, api_set_reference_value, 0),
	ROUTE("GET", "/kbs/v0/reference-value", ADMIT_ADMIN, api_list_reference_values, SMALL),
	ROUTE("GET", "/kbs/v0/reference-value/*", ADMIT_ADMIN, api_get_reference_value, SMALL),
	ROUTE("DELETE", "/kbs/v0/reference-value/*", ADMIT_ADMIN, api_delete_reference_value, SMALL),
	ROUTE("POST", "/kbs/v0/trust-anchor/*", ADMIT_ADMIN, api_add_anchor, SMALL),
	ROUTE("GET", "/kbs/v0/trust-anchor", ADMIT_ADMIN, api_list_anchors, SMALL),
	ROUTE("DELETE", "/kbs/v0/trust-anchor/*", ADMIT_ADMIN, api_remove_anchor, SMALL),
	ROUTE("GET", "/kbs/v0/decision/*", ADMIT_ADMIN, api_get_decision, SMALL),
	ROUTE("GET", "/kbs/v0/audit/head", ADMIT_ADMIN, api_audit_head, SMALL),
	ROUTE("GET", "/kbs/v0/audit/records", ADMIT_ADMIN, api_audit_records, SMALL),
	ROUTE("GET", "/kbs/v0/audit/proof", ADMIT_ADMIN, api_audit_proof, SMALL),
	ROUTE("GET", "/healthz", ADMIT_ANYONE, healthz, SMALL),
	ROUTE("GET", "/.well-known/jwks.json", ADMIT_ANYONE, jwks, SMALL, .quick = true),
};

/* ---- one request ---- */

static bool below_kbs(const struct http_request *r)
{
	return r->segments >= 2 && slice_is(r->segment[0], "kbs") && slice_is(r->segment[1], "v0");
}

static void no_route(struct route_call *c)
{
	struct slice name = c->req->segments > 2 ? c->req->segment[2] : (struct slice){(const uint8_t *)"", 0};
	const struct slice m = c->req->method;

	if (!below_kbs(c->req)) {
		c->o.type = "NotFound";
		c->result = deny(&c->why, E_NOTFOUND, "http.route", "there is nothing here");
		api_answer_error(c->resp, 404, c->o.type, "there is nothing here", NULL);
		return;
	}
	if (!slice_is(m, "GET") && !slice_is(m, "POST") && !slice_is(m, "PUT") && !slice_is(m, "DELETE")) {
		c->o.type = "MethodNotAllowed";
		c->result = deny(&c->why, E_UNSUPPORTED, "http.method", "the method is not served here");
		http_response_header(c->resp, "allow", "GET, POST, PUT, DELETE");
		api_answer_error(c->resp, 405, c->o.type, "the method is not served here", NULL);
		return;
	}
	c->o.type = "PluginNotFound";
	if (kbs_has_plugin(c->h->kbs, name))
		c->result = deny(&c->why, E_NOTFOUND, "http.route", "plugin " SLICE_FMT " has no such operation", SLICE_ARG(slice_sub(name, 0, 64)));
	else
		c->result = deny(&c->why, E_NOTFOUND, "kbs.plugin", "Plugin " SLICE_FMT " not found", SLICE_ARG(slice_sub(name, 0, 64)));
	api_answer_error(c->resp, 404, c->o.type, why_text(&c->why), NULL);
}

static bool admit_admin(struct route_call *c)
{
	rc r = kbs_admin(c->h->kbs, &c->caller, (const char *)arena_strndup(c->req->arena, c->req->method.p, c->req->method.n), c->req->path,
			 c->req->arena, &c->who, &c->why);
	struct slice name = c->req->segments > 2 ? c->req->segment[2] : SLICE_LIT("");

	if (rc_ok(r))
		return true;
	c->o.type = "AdminAuthAccess";
	c->result = r;
	api_answer_error(c->resp, api_status(r, &c->why), c->o.type,
		     arena_printf(c->req->arena, "admin access denied for endpoint " SLICE_FMT ": %s", SLICE_ARG(slice_sub(name, 0, 64)),
				  why_text(&c->why)),
		     NULL);
	return false;
}

/* Plug-in routes ask for their plug-in first: without it there is nothing to be let in to. */
static bool has_plugin(struct route_call *c)
{
	if (!below_kbs(c->req) || c->req->segments < 3 || !slice_is(c->req->segment[2], "resource"))
		return true;
	if (kbs_has_plugin(c->h->kbs, c->req->segment[2]))
		return true;
	no_route(c);
	return false;
}

/* May a refusal of this peer be logged? Those that were not are told with the next that is. */
static bool log_allowed(struct kbs_http *h, const char *peer)
{
	uint64_t quiet = 0;

	if (!log_limit_take(h->limit, peer, sys_monotonic_ns(), &quiet))
		return false;
	if (quiet)
		LOG(LOG_WARN, "refusals-not-logged", LOG_S("peer", peer), LOG_N("n", quiet));
	return true;
}

static void log_request(const struct route_call *c, int64_t ns)
{
	const struct http_request *r = c->req;
	char method[17] = {0};
	enum log_level level = c->resp->status >= 500 ? LOG_ERROR : c->resp->status >= 400 ? LOG_WARN : LOG_INFO;

	if (c->resp->status >= 400 && !log_allowed(c->h, r->peer))
		return;
	memcpy(method, r->method.p, MIN_OF(r->method.n, sizeof(method) - 1));
	/* The path names a secret and the query may be anything: neither goes into the log, the route's name does. */
	LOG(level, "request", LOG_S("peer", r->peer), LOG_S("method", method),
	    LOG_S("route", below_kbs(r) && r->segments > 2 ? (const char *)r->segment[2].p : "-"), LOG_N("status", c->resp->status),
	    LOG_S("reason", rc_ok(c->result) ? "ok" : why_reason(&c->why)), LOG_S("decision", c->o.decision), LOG_N("us", ns / 1000));
}

static void finish(struct route_call *c)
{
	int64_t took = sys_monotonic_ns() - c->from_ns;
	struct metrics *m = c->h->metrics;

	metrics_add(m, M_ACTIVE, NULL, -1);
	if (below_kbs(c->req)) {
		metrics_add(m, M_REQUESTS, NULL, 1);
		metrics_observe(m, M_SECONDS, (double)took / 1e9);
		metrics_observe(m, M_REQUEST_SIZE, (double)c->req->body.n);
		metrics_observe(m, M_RESPONSE_SIZE, (double)c->resp->body.n);
	}
	log_request(c, took);
}

static void finish_later(struct route_call *c)
{
	finish(c);
	server_answer(c->req);
}

bool kbs_http_handle(void *ctx, struct http_request *req, struct http_response *resp)
{
	struct route_call *c = ARENA_NEW(req->arena, struct route_call);
	struct kbs_http *h = ctx;
	const struct route *route;

	if (!c) {
		api_answer_error(resp, 500, "Internal", "internal error", NULL);
		return true;
	}
	*c = (struct route_call){.h = h, .req = req, .resp = resp, .why = why_in(req->arena), .from_ns = sys_monotonic_ns()};
	metrics_add(h->metrics, M_ACTIVE, NULL, 1);
	c->caller = (struct kbs_caller){http_cookie(req, COOKIE), http_bearer(req), req->peer};
	route = route_find(routes, COUNT_OF(routes), req, &c->rest);
	if (!route) {
		no_route(c);
	} else if (has_plugin(c) && (route->admission != ADMIT_ADMIN || admit_admin(c))) {
		route->run(c);	/* when it answers later, c may be gone */
		if (route->later)
			return false;
	}
	finish(c);
	return true;
}

bool kbs_http_quick(void *ctx, const struct http_request *req)
{
	const struct route *route;
	size_t rest;

	(void)ctx;
	route = route_find(routes, COUNT_OF(routes), req, &rest);
	return route && route->quick;
}

size_t kbs_http_body_limit(void *ctx, const struct http_request *req)
{
	struct kbs_http *h = ctx;
	size_t rest;
	const struct route *route = route_find(routes, COUNT_OF(routes), req, &rest);

	return route && route->body_max ? route->body_max : h->body_max;
}

bool kbs_http_metrics(void *ctx, struct http_request *req, struct http_response *resp)
{
	struct kbs_http *h = ctx;
	struct buf b = buf_in(req->arena, 0);
	struct why w = why_in(req->arena);

	if (!slice_is(req->method, "GET")) {
		api_answer_error(resp, 405, "MethodNotAllowed", "the method is not served here", NULL);
	} else if (slice_is(req->path, "/metrics")) {
		metrics_write(h->metrics, &b);
		api_answer(resp, "text/plain; version=0.0.4", buf_view(&b));
	} else if (slice_is(req->path, "/healthz")) {
		if (rc_ok(kbs_health(h->kbs, &w)))
			api_answer(resp, NULL, (struct slice){0});
		else
			api_answer_error(resp, 503, "Unavailable", why_text(&w), NULL);
	} else {
		api_answer_error(resp, 404, "NotFound", "there is nothing here", NULL);
	}
	return true;
}

/* What is wrong with a request that no handler saw. The first row that fits, by its beginning. */
static const char *refused_since(const char *reason)
{
	static const char *const rows[][2] = {
		{"http.body.size", "the body is larger than is taken here"},
		{"http.content-encoding", "a compressed body is not taken"},
		{"http.expect", "no expectation but 100-continue is met"},
		{"http.framing.", "how long the body is cannot be told for certain"},
		{"http.chunk", "the chunked coding is malformed"},
		{"http.trailer", "the trailer is malformed or must not be one"},
		{"http.head.size", "the head is too large"},
		{"http.headers", "there are too many headers"},
		{"http.head", "the request line or a header is malformed or too long"},
		{"http.line-end", "a line ends in something else than CR LF, or holds a NUL"},
		{"http.host", "one host must be named"},
		{"http.target", "the target is no path"},
		{"http.path.", "the path is not spelled as a plain path"},
		{"http.query.", "the query is broken, or a parameter stands twice"},
		{"http.timeout", "the request did not come in time"},
		{"server.busy", "too many requests wait already"},
		{"server.deadline", "the answer took too long"},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (strncmp(reason, rows[i][0], strlen(rows[i][0])) == 0)
			return rows[i][1];
	return "it cannot be served";
}

void kbs_http_refuse(void *ctx, const char *peer, int status, const char *reason, struct http_response *resp)
{
	struct kbs_http *h = ctx;

	if (log_allowed(h, peer))
		LOG(status >= 500 ? LOG_ERROR : LOG_WARN, "refused", LOG_S("peer", peer), LOG_N("status", status), LOG_S("reason", reason));
	api_answer_error(resp, status, "HttpError",
			 arena_printf(resp->arena, "%s: %s (%s)", http_reason(status), refused_since(reason), reason), NULL);
}

struct metrics *kbs_http_metric_set(struct kbs_http *h)
{
	return h->metrics;
}

rc kbs_http_open(struct kbs *kbs, size_t body_max, struct kbs_http **out, struct why *w)
{
	struct kbs_http *h;

	TRY(route_check(routes, COUNT_OF(routes), w));
	h = calloc(1, sizeof(*h));
	if (!h || !(h->metrics = metrics_new(metric_table)) || !(h->limit = log_limit_new())) {
		kbs_http_close(h);
		return deny(w, E_INTERNAL, "api.memory", "no memory");
	}
	h->kbs = kbs;
	h->body_max = body_max;
	metrics_add(h->metrics, M_BUILD, WARRANT_VERSION, 1);
	*out = h;
	return rc_of(OK);
}

void kbs_http_close(struct kbs_http *h)
{
	if (h) {
		metrics_free(h->metrics);
		log_limit_free(h->limit);
		free(h);
	}
}
