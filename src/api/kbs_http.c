#include "api/kbs_http.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/log_limit.h"
#include "base/log.h"
#include "base/num.h"
#include "base/sys.h"
#include "codec/base64.h"
#include "crypto/jose/jwk.h"
#include "net/route.h"

#define ERROR_URL "https://github.com/confidential-containers/kbs/errors/"
#define COOKIE	  "kbs-session-id"
#define LIST_MAX  1000u

struct kbs_http {
	struct kbs *kbs;
	struct metrics *metrics;
	struct log_limit *limit;
	size_t body_max;
};

enum metric_row {
	M_BUILD, M_REQUESTS, M_ACTIVE, M_SECONDS, M_REQUEST_SIZE, M_RESPONSE_SIZE, M_READS, M_WRITES, M_DELETES, M_APPROVALS, M_VIOLATIONS,
	M_POLICY_ERRORS, M_AUTHS, M_AUTH_OK, M_AUTH_ERRORS, M_ATTESTS, M_ATTEST_ERRORS, M_ATTEST_OK, M_ATTEST_FAILED,
};

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

/* What a handler works with; in the arena of the request. */
struct route_call {
	struct kbs_http *h;
	struct http_request *req;
	struct http_response *resp;
	struct kbs_caller caller;
	struct admin_identity who;
	struct kbs_outcome o;
	struct why why;
	size_t rest;	/* segments before what the star took */
	rc result;
	int64_t from_ns;
	union {
		struct kbs_attest attest;
		struct kbs_release release;
	};
};

/* ---- answers ---- */

static int status_of(rc r, const struct why *w)
{
	/* Clients of all ages look for a 401 here (kbs-protocol-versions.md 9.1). */
	if (strcmp(why_reason(w), "rcar.version") == 0)
		return 401;
	if (strcmp(why_reason(w), "kbs.attempts") == 0 || strcmp(why_reason(w), "verifier.busy") == 0)
		return 429;
	switch (r.code) {
	case OK:
		return 200;
	case E_MALFORMED:
	case E_UNSUPPORTED:
		return 400;
	case E_UNAUTH:
		return 401;
	case E_DENIED:
		return 403;
	case E_NOTFOUND:
		return 404;
	case E_LIMIT:
		return 413;
	case E_UNAVAILABLE:
		return 503;
	case E_INTERNAL:
		return 500;
	}
	return 500;
}

static void answer(struct http_response *resp, const char *content_type, struct slice body)
{
	resp->status = 200;
	resp->content_type = content_type;
	resp->body = body;
}

static void answer_error(struct http_response *resp, int status, const char *type, const char *detail, const char *decision)
{
	struct buf b = buf_in(resp->arena, 65536);
	struct slice text = slice_cstr(detail);

	buf_puts(&b, "{\"type\":\"" ERROR_URL);
	buf_puts(&b, type);
	buf_puts(&b, "\",\"detail\":");
	json_write_quoted(&b, slice_sub(text, 0, 4096));
	if (decision && decision[0]) {
		buf_puts(&b, ",\"decision\":");
		json_write_quoted(&b, slice_cstr(decision));
	}
	buf_puts(&b, "}");
	resp->status = status;
	resp->content_type = "application/json";
	resp->body = buf_cstr(&b) ? buf_view(&b) : SLICE_LIT("{\"type\":\"" ERROR_URL "Internal\",\"detail\":\"no memory\"}");
}

/* What a guest may read: its own mistakes in full, a verdict as a class and an id, our troubles not at all. */
static const char *public_detail(const struct route_call *c, rc r)
{
	struct arena *a = c->resp->arena;
	const char *type = c->o.type, *text = NULL;

	switch (r.code) {
	case E_DENIED:
		text = strcmp(type, "PolicyDeny") == 0		? "Access denied by policy"
		       : strcmp(type, "PolicyEngineError") == 0 ? "Policy engine error"
		       : strcmp(type, "AttestationError") == 0	? "Attestation error: RCAR handshake Attest failed: the evidence was refused"
								: "Access denied";
		break;
	case E_UNAUTH:
		text = strcmp(type, "TokenNotFound") == 0	? "Attestation Token not found"
		       : strcmp(type, "TokenVerifierError") == 0 ? "Token Verifier error"
								: arena_printf(a, "Attestation error: %s", why_text(&c->why));
		break;
	case E_UNAVAILABLE:
		text = "a service that is needed is not available; try again";
		break;
	case E_INTERNAL:
		text = "internal error";
		break;
	case E_NOTFOUND:
		text = strcmp(type, "PluginNotFound") == 0 ? why_text(&c->why) : "not found";
		break;
	case OK:
	case E_MALFORMED:
	case E_UNSUPPORTED:
	case E_LIMIT:
		text = strcmp(type, "AttestationError") == 0 ? arena_printf(a, "Attestation error: RCAR handshake failed: %s", why_text(&c->why))
							   : why_text(&c->why);
		break;
	}
	return text ? text : "refused";
}

static void fail(struct route_call *c, rc r, bool admin)
{
	const char *detail = public_detail(c, r);

	if (admin && r.code != E_INTERNAL)
		detail = why_text(&c->why);	/* an administrator is told the reason */
	c->result = r;
	answer_error(c->resp, status_of(r, &c->why), c->o.type ? c->o.type : "Internal", detail, c->o.decision);
}

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
		fail(c, r, false);
		return;
	}
	set_session(c, ch.cookie, ch.expires_s);
	answer(c->resp, "application/json", ch.body);
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
		answer(c->resp, "application/json", buf_view(&b));
	} else {
		metrics_add(c->h->metrics, r.code == E_DENIED ? M_ATTEST_FAILED : M_ATTEST_ERRORS, NULL, 1);
		fail(c, r, false);
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

static void released(struct kbs_release *t, rc r)
{
	struct route_call *c = t->ctx;

	if (rc_ok(r)) {
		metrics_add(c->h->metrics, M_READS, NULL, 1);
		metrics_add(c->h->metrics, M_APPROVALS, NULL, 1);
		answer(c->resp, "application/json", t->jwe);
	} else {
		if (strncmp(why_reason(&c->why), "policy.", 7) == 0)
			metrics_add(c->h->metrics, r.code == E_DENIED ? M_VIOLATIONS : M_POLICY_ERRORS, NULL, 1);
		fail(c, r, false);
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
		fail(c, r, true);
		return;
	}
	metrics_add(c->h->metrics, M_WRITES, NULL, 1);
	answer(c->resp, "text/xml", (struct slice){0});
}

static void delete_resource(struct route_call *c)
{
	rc r = kbs_delete_resource(c->h->kbs, &c->who, c->req->segment + c->rest, c->req->segments - c->rest, &c->o, &c->why);

	if (!rc_ok(r)) {
		fail(c, r, true);
		return;
	}
	metrics_add(c->h->metrics, M_DELETES, NULL, 1);
	answer(c->resp, "text/xml", (struct slice){0});
}

static const char *query_str(const struct route_call *c, const char *name)
{
	const struct json *v = json_get(c->req->query, name);

	return json_is(v, JSON_STRING) ? (const char *)v->text.p : NULL;
}

static uint64_t query_u64(const struct route_call *c, const char *name, uint64_t def, uint64_t max)
{
	const struct json *v = json_get(c->req->query, name);
	struct json n;
	uint64_t out;

	if (!json_is(v, JSON_STRING))
		return def;
	n = *v;
	n.kind = JSON_NUMBER;
	return json_u64(&n, &out) && out <= max ? out : def;
}

static void answer_names(struct route_call *c, rc r, char **names, size_t n)
{
	struct json *list = json_new_array(c->req->arena);

	if (!rc_ok(r)) {
		fail(c, r, true);
		return;
	}
	for (size_t i = 0; i < n; i++)
		json_push(c->req->arena, list, json_new_cstr(c->req->arena, names[i]));
	answer(c->resp, "application/json", json_text(c->req->arena, list));
}

static void list_resources(struct route_call *c)
{
	const char *prefix = query_str(c, "prefix");
	char **names = NULL;
	size_t n = 0;
	rc r;

	c->o.type = "PluginInternalError";
	r = kbs_list_resources(c->h->kbs, prefix ? prefix : "", query_str(c, "after"), query_u64(c, "limit", LIST_MAX, LIST_MAX), c->req->arena,
			       &names, &n, &c->why);
	answer_names(c, r, names, n);
}

/* ---- administration ---- */

static void simple(struct route_call *c, rc r, const char *content_type)
{
	if (rc_ok(r))
		answer(c->resp, content_type, (struct slice){0});
	else
		fail(c, r, true);
}

static void set_resource_policy(struct route_call *c)
{
	simple(c, kbs_set_resource_policy(c->h->kbs, &c->who, c->req->body, &c->o, &c->why), NULL);
}

static void get_resource_policy(struct route_call *c)
{
	struct slice rego;
	rc r;

	if (!query_str(c, "text")) {	/* ids, as the reference answers */
		answer(c->resp, "application/json", SLICE_LIT("[\"resource-policy\"]"));
		return;
	}
	c->o.type = "PolicyEngineError";
	r = kbs_resource_policy(c->h->kbs, c->req->arena, &rego, &c->why);
	if (rc_ok(r))
		answer(c->resp, "text/plain; charset=utf-8", rego);
	else
		fail(c, r, true);
}

static void set_attestation_policy(struct route_call *c)
{
	simple(c, kbs_set_attestation_policy(c->h->kbs, &c->who, c->req->body, &c->o, &c->why), NULL);
}

static void get_attestation_policy(struct route_call *c)
{
	struct slice rego;
	rc r;

	c->o.type = "AttestationError";
	r = kbs_attestation_policy(c->h->kbs, c->req->segment[c->rest], c->req->arena, &rego, &c->why);
	if (rc_ok(r))
		answer(c->resp, "text/plain; charset=utf-8", rego);
	else
		fail(c, r, true);
}

static void list_attestation_policies(struct route_call *c)
{
	char **names = NULL;
	size_t n = 0;
	rc r;

	c->o.type = "AttestationError";
	r = kbs_list_attestation_policies(c->h->kbs, c->req->arena, &names, &n, &c->why);
	answer_names(c, r, names, n);
}

static void set_reference_value(struct route_call *c)
{
	simple(c, kbs_register_reference_values(c->h->kbs, &c->who, c->req->body, &c->o, &c->why), "application/json");
}

/* The segments that the star took, with slashes between them: ids of reference values may hold some. */
static struct slice rest_of_path(const struct route_call *c)
{
	struct buf id = buf_in(c->req->arena, c->req->path.n);

	for (size_t i = c->rest; i < c->req->segments; i++) {
		if (i > c->rest)
			buf_putc(&id, '/');
		buf_slice(&id, c->req->segment[i]);
	}
	return buf_view(&id);
}

static void get_reference_value(struct route_call *c)
{
	struct slice text;
	rc r;

	c->o.type = "RvpsError";
	r = kbs_reference_value(c->h->kbs, rest_of_path(c), c->req->arena, &text, &c->why);
	if (rc_ok(r))
		answer(c->resp, "application/json", text);
	else
		fail(c, r, true);
}

static void delete_reference_value(struct route_call *c)
{
	simple(c, kbs_delete_reference_value(c->h->kbs, &c->who, rest_of_path(c), &c->o, &c->why), "application/json");
}

static void list_reference_values(struct route_call *c)
{
	char **names = NULL;
	size_t n = 0;
	rc r;

	c->o.type = "RvpsError";
	r = kbs_list_reference_values(c->h->kbs, query_str(c, "after"), query_u64(c, "limit", LIST_MAX, LIST_MAX), c->req->arena, &names, &n,
				      &c->why);
	answer_names(c, r, names, n);
}

static void add_anchor(struct route_call *c)
{
	simple(c, kbs_add_anchor(c->h->kbs, &c->who, c->req->segment[c->rest], c->req->body, &c->o, &c->why), "application/json");
}

/* SET/DIGEST */
static void remove_anchor(struct route_call *c)
{
	c->o.type = "AttestationError";
	if (c->req->segments - c->rest == 2)
		simple(c, kbs_remove_anchor(c->h->kbs, &c->who, c->req->segment[c->rest], c->req->segment[c->rest + 1], &c->o, &c->why),
		       "application/json");
	else
		simple(c, deny(&c->why, E_MALFORMED, "as.anchor", "an anchor is named SET/DIGEST, as the list of anchors prints it"), NULL);
}

static void list_anchors(struct route_call *c)
{
	char **names = NULL;
	size_t n = 0;
	rc r;

	c->o.type = "AttestationError";
	r = kbs_list_anchors(c->h->kbs, c->req->arena, &names, &n, &c->why);
	answer_names(c, r, names, n);
}

static void get_decision(struct route_call *c)
{
	struct json *d;
	rc r = kbs_decision(c->h->kbs, c->req->segment[c->rest], c->req->arena, &d, &c->why);

	c->o.type = "DecisionNotFound";
	if (rc_ok(r))
		answer(c->resp, "application/json", json_text(c->req->arena, d));
	else
		fail(c, r, true);
}

/* ---- the audit log ---- */

static void audit_head_route(struct route_call *c)
{
	struct json *o = json_new_object(c->req->arena);
	struct audit_head head;
	rc r = audit_head(kbs_audit(c->h->kbs), c->req->arena, &head, &c->why);

	c->o.type = "AuditError";
	if (!rc_ok(r)) {
		fail(c, r, true);
		return;
	}
	json_set(c->req->arena, o, "size", json_new_u64(c->req->arena, head.size));
	json_set(c->req->arena, o, "root", json_new_hex(c->req->arena, slice_of(head.root, 32)));
	json_set(c->req->arena, o, "jws", json_new_str(c->req->arena, head.jws));
	answer(c->resp, "application/json", json_text(c->req->arena, o));
}

static void audit_records(struct route_call *c)
{
	uint64_t from = query_u64(c, "from", 0, UINT64_MAX), limit = query_u64(c, "limit", 100, LIST_MAX);
	struct buf b = buf_in(c->req->arena, (size_t)32 << 20);
	rc r = rc_of(OK);

	c->o.type = "AuditError";
	buf_putc(&b, '[');
	for (uint64_t i = 0; i < limit; i++) {
		struct slice record;

		r = audit_get(kbs_audit(c->h->kbs), from + i, c->req->arena, &record, &c->why);
		if (!rc_ok(r))
			break;
		if (i)
			buf_putc(&b, ',');
		buf_slice(&b, record);	/* the bytes that were hashed */
	}
	buf_putc(&b, ']');
	if ((rc_ok(r) || r.code == E_NOTFOUND) && !buf_ok(&b))
		r = deny(&c->why, E_LIMIT, "audit.page", "%llu records from %llu on are too much for one answer: ask for fewer",
			 (unsigned long long)limit, (unsigned long long)from);
	if (!rc_ok(r) && r.code != E_NOTFOUND)
		fail(c, r, true);
	else
		answer(c->resp, "application/json", buf_view(&b));
}

static void audit_proof(struct route_call *c)
{
	struct json *o = json_new_object(c->req->arena);
	uint64_t index = query_u64(c, "index", 0, UINT64_MAX), size = query_u64(c, "size", 0, UINT64_MAX);
	struct slice record, hashes;
	rc r;

	c->o.type = "AuditError";
	r = audit_get(kbs_audit(c->h->kbs), index, c->req->arena, &record, &c->why);
	if (rc_ok(r))
		r = audit_inclusion(kbs_audit(c->h->kbs), index, size, c->req->arena, &hashes, &c->why);
	if (!rc_ok(r)) {
		fail(c, r, true);
		return;
	}
	json_set(c->req->arena, o, "record", json_new_str(c->req->arena, record));
	json_set(c->req->arena, o, "hashes", json_new_hex(c->req->arena, hashes));
	answer(c->resp, "application/json", json_text(c->req->arena, o));
}

/* ---- what anybody may ask ---- */

static void healthz(struct route_call *c)
{
	rc r = kbs_health(c->h->kbs, &c->why);

	c->o.type = "Unavailable";
	if (rc_ok(r))
		answer(c->resp, NULL, (struct slice){0});
	else
		fail(c, r, false);
}

static void jwks(struct route_call *c)
{
	struct slice text;
	rc r = kbs_as(c->h->kbs) ? as_jwks(kbs_as(c->h->kbs), c->req->arena, &text, &c->why)
				 : deny(&c->why, E_NOTFOUND, "kbs.no-as", "this broker signs no tokens");

	c->o.type = "AttestationError";
	if (rc_ok(r))
		answer(c->resp, "application/json", text);
	else
		fail(c, r, false);
}

#define SMALL ((size_t)64 << 10)

static const struct route routes[] = {
	ROUTE("POST", "/kbs/v0/auth/?*", ADMIT_ANYONE, auth, SMALL, .quick = true),
	ROUTE("POST", "/kbs/v0/attest/?*", ADMIT_COOKIE, attest, 0, .later = true),
	ROUTE("GET", "/kbs/v0/resource", ADMIT_ADMIN, list_resources, SMALL),
	ROUTE("GET", "/kbs/v0/resource/*", ADMIT_ATTESTED, get_resource, SMALL, .later = true),
	ROUTE("POST", "/kbs/v0/resource/*", ADMIT_ADMIN, put_resource, 0),
	ROUTE("DELETE", "/kbs/v0/resource/*", ADMIT_ADMIN, delete_resource, SMALL),
	ROUTE("POST", "/kbs/v0/resource-policy/?*", ADMIT_ADMIN, set_resource_policy, 0),
	ROUTE("GET", "/kbs/v0/resource-policy/?*", ADMIT_ADMIN, get_resource_policy, SMALL),
	ROUTE("POST", "/kbs/v0/attestation-policy/?*", ADMIT_ADMIN, set_attestation_policy, 0),
	ROUTE("GET", "/kbs/v0/attestation-policy", ADMIT_ADMIN, list_attestation_policies, SMALL),
	ROUTE("GET", "/kbs/v0/attestation-policy/*", ADMIT_ADMIN, get_attestation_policy, SMALL),
	ROUTE("POST", "/kbs/v0/reference-value/?*", ADMIT_ADMIN, set_reference_value, 0),
	ROUTE("GET", "/kbs/v0/reference-value", ADMIT_ADMIN, list_reference_values, SMALL),
	ROUTE("GET", "/kbs/v0/reference-value/*", ADMIT_ADMIN, get_reference_value, SMALL),
	ROUTE("DELETE", "/kbs/v0/reference-value/*", ADMIT_ADMIN, delete_reference_value, SMALL),
	ROUTE("POST", "/kbs/v0/trust-anchor/*", ADMIT_ADMIN, add_anchor, SMALL),
	ROUTE("GET", "/kbs/v0/trust-anchor", ADMIT_ADMIN, list_anchors, SMALL),
	ROUTE("DELETE", "/kbs/v0/trust-anchor/*", ADMIT_ADMIN, remove_anchor, SMALL),
	ROUTE("GET", "/kbs/v0/decision/*", ADMIT_ADMIN, get_decision, SMALL),
	ROUTE("GET", "/kbs/v0/audit/head", ADMIT_ADMIN, audit_head_route, SMALL),
	ROUTE("GET", "/kbs/v0/audit/records", ADMIT_ADMIN, audit_records, SMALL),
	ROUTE("GET", "/kbs/v0/audit/proof", ADMIT_ADMIN, audit_proof, SMALL),
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
		answer_error(c->resp, 404, c->o.type, "there is nothing here", NULL);
		return;
	}
	if (!slice_is(m, "GET") && !slice_is(m, "POST") && !slice_is(m, "PUT") && !slice_is(m, "DELETE")) {
		c->o.type = "MethodNotAllowed";
		c->result = deny(&c->why, E_UNSUPPORTED, "http.method", "the method is not served here");
		http_response_header(c->resp, "allow", "GET, POST, PUT, DELETE");
		answer_error(c->resp, 405, c->o.type, "the method is not served here", NULL);
		return;
	}
	c->o.type = "PluginNotFound";
	if (kbs_has_plugin(c->h->kbs, name))
		c->result = deny(&c->why, E_NOTFOUND, "http.route", "plugin " SLICE_FMT " has no such operation", SLICE_ARG(slice_sub(name, 0, 64)));
	else
		c->result = deny(&c->why, E_NOTFOUND, "kbs.plugin", "Plugin " SLICE_FMT " not found", SLICE_ARG(slice_sub(name, 0, 64)));
	answer_error(c->resp, 404, c->o.type, why_text(&c->why), NULL);
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
	answer_error(c->resp, status_of(r, &c->why), c->o.type,
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

static void log_request(const struct route_call *c, int64_t ns)
{
	const struct http_request *r = c->req;
	char method[17] = {0};
	uint64_t quiet = 0;
	enum log_level level = c->resp->status >= 500 ? LOG_ERROR : c->resp->status >= 400 ? LOG_WARN : LOG_INFO;

	if (c->resp->status >= 400 && !log_limit_take(c->h->limit, r->peer, sys_monotonic_ns(), &quiet))
		return;
	if (quiet)
		LOG(LOG_WARN, "refusals-not-logged", LOG_S("peer", r->peer), LOG_N("n", quiet));
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
		answer_error(resp, 500, "Internal", "internal error", NULL);
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
		answer_error(resp, 405, "MethodNotAllowed", "the method is not served here", NULL);
	} else if (slice_is(req->path, "/metrics")) {
		metrics_write(h->metrics, &b);
		answer(resp, "text/plain; version=0.0.4", buf_view(&b));
	} else if (slice_is(req->path, "/healthz")) {
		if (rc_ok(kbs_health(h->kbs, &w)))
			answer(resp, NULL, (struct slice){0});
		else
			answer_error(resp, 503, "Unavailable", why_text(&w), NULL);
	} else {
		answer_error(resp, 404, "NotFound", "there is nothing here", NULL);
	}
	return true;
}

void kbs_http_refuse(int status, const char *reason, struct http_response *resp)
{
	answer_error(resp, status, "HttpError", arena_printf(resp->arena, "%s: %s", http_reason(status), reason), NULL);
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
