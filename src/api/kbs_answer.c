/* kbs_answer.c - statuses and bodies of answers: what each kind of peer may read of a refusal. */
#include "api/kbs_http_priv.h"

#include "base/utf8.h"

#define RETRY_S	  "1"	/* what is down or busy is looked at again so soon */
#define ERROR_URL "https://github.com/confidential-containers/kbs/errors/"

int api_status(rc r, const struct why *w)
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

void api_answer(struct http_response *resp, const char *content_type, struct slice body)
{
	resp->status = 200;
	resp->content_type = content_type;
	resp->body = body;
}

void api_answer_error(struct http_response *resp, int status, const char *type, const char *detail, const char *decision)
{
	struct buf b = buf_in(resp->arena, 65536), text = buf_in(resp->arena, 32768);

	utf8_write(&text, slice_sub(slice_cstr(detail), 0, 4096));	/* it may quote a part of what came */
	buf_puts(&b, "{\"type\":\"" ERROR_URL);
	buf_puts(&b, type);
	buf_puts(&b, "\",\"detail\":");
	json_write_quoted(&b, buf_view(&text));
	if (decision && decision[0]) {
		buf_puts(&b, ",\"decision\":");
		json_write_quoted(&b, slice_cstr(decision));
	}
	buf_puts(&b, "}");
	resp->status = status;
	resp->content_type = "application/json";
	if (status == 503)
		http_response_header(resp, "retry-after", RETRY_S);
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

void api_fail(struct route_call *c, rc r, bool admin)
{
	const char *detail = public_detail(c, r);

	if (admin && r.code != E_INTERNAL)
		detail = why_text(&c->why);	/* an administrator is told the reason */
	c->result = r;
	api_answer_error(c->resp, api_status(r, &c->why), c->o.type ? c->o.type : "Internal", detail, c->o.decision);
	if (strcmp(why_reason(&c->why), "verifier.busy") == 0)	/* 429, which a new challenge does not help */
		http_response_header(c->resp, "retry-after", RETRY_S);
}
