/* kbs_http_priv.h - shared by the files of the broker's HTTP: what a handler works with, and how it answers. */
#pragma once
#include "api/kbs_http.h"
#include "api/log_limit.h"

struct kbs_http {
	struct kbs *kbs;
	struct metrics *metrics;
	struct log_limit *limit;
	size_t body_max;
};

enum metric_row {
	M_BUILD, M_REQUESTS, M_ACTIVE, M_SECONDS, M_REQUEST_SIZE, M_RESPONSE_SIZE, M_READS, M_WRITES, M_DELETES, M_EVALUATIONS,
	M_APPROVALS, M_VIOLATIONS, M_POLICY_ERRORS, M_AUTHS, M_AUTH_OK, M_AUTH_ERRORS, M_ATTESTS, M_ATTEST_ERRORS, M_ATTEST_OK, M_ATTEST_FAILED,
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

/* ---- kbs_answer.c ---- */

int api_status(rc r, const struct why *w);
void api_answer(struct http_response *resp, const char *content_type, struct slice body);	/* 200 */
void api_answer_error(struct http_response *resp, int status, const char *type, const char *detail, const char *decision);
/* A refusal; an administrator is told its reason, a guest what public_detail() lets through. */
void api_fail(struct route_call *c, rc r, bool admin);

/* ---- kbs_manage.c: handlers of administrators ---- */

void api_set_resource_policy(struct route_call *c);
void api_get_resource_policy(struct route_call *c);
void api_set_attestation_policy(struct route_call *c);
void api_get_attestation_policy(struct route_call *c);
void api_list_attestation_policies(struct route_call *c);
void api_set_reference_value(struct route_call *c);
void api_get_reference_value(struct route_call *c);
void api_delete_reference_value(struct route_call *c);
void api_list_reference_values(struct route_call *c);
void api_add_anchor(struct route_call *c);
void api_remove_anchor(struct route_call *c);
void api_list_anchors(struct route_call *c);
void api_get_decision(struct route_call *c);
void api_audit_head(struct route_call *c);
void api_audit_records(struct route_call *c);
void api_audit_proof(struct route_call *c);
void api_list_resources(struct route_call *c);
