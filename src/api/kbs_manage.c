/* kbs_manage.c - what administrators list, set, remove and look up, and the audit log. */
#include "api/kbs_http_priv.h"
#include "base/num.h"
#include "codec/base64.h"

#define LIST_MAX 1000u

static const char *query_str(const struct route_call *c, const char *name)
{
	const struct json *v = json_get(c->req->query, name);

	return json_is(v, JSON_STRING) ? (const char *)v->text.p : NULL;
}

/* A number of the query: `def` without it, at most `max`. false: it is none, and that was answered. */
static bool query_u64(struct route_call *c, const char *name, uint64_t def, uint64_t max, uint64_t *out)
{
	const struct json *v = json_get(c->req->query, name);
	struct json n;

	*out = def;
	if (!v)
		return true;
	n = *v;
	n.kind = JSON_NUMBER;
	if (json_is(v, JSON_STRING) && json_u64(&n, out)) {
		*out = MIN_OF(*out, max);
		return true;
	}
	api_fail(c, deny(&c->why, E_MALFORMED, "http.query.number", "%s: \"" SLICE_FMT "\" is no number", name, SLICE_ARG(slice_sub(v->text, 0, 64))), true);
	return false;
}

static void answer_names(struct route_call *c, rc r, char **names, size_t n)
{
	struct json *list = json_new_array(c->req->arena);

	if (!rc_ok(r)) {
		api_fail(c, r, true);
		return;
	}
	for (size_t i = 0; i < n; i++)
		json_push(c->req->arena, list, json_new_cstr(c->req->arena, names[i]));
	api_answer(c->resp, "application/json", json_text(c->req->arena, list));
}

void api_list_resources(struct route_call *c)
{
	const char *prefix = query_str(c, "prefix");
	char **names = NULL;
	uint64_t limit;
	size_t n = 0;
	rc r;

	c->o.type = "PluginInternalError";
	if (!query_u64(c, "limit", LIST_MAX, LIST_MAX, &limit))
		return;
	r = kbs_list_resources(c->h->kbs, prefix ? prefix : "", query_str(c, "after"), limit, c->req->arena, &names, &n, &c->why);
	answer_names(c, r, names, n);
}

/* ---- administration ---- */

static void simple(struct route_call *c, rc r, const char *content_type)
{
	if (rc_ok(r))
		api_answer(c->resp, content_type, (struct slice){0});
	else
		api_fail(c, r, true);
}

void api_set_resource_policy(struct route_call *c)
{
	simple(c, kbs_set_resource_policy(c->h->kbs, &c->who, c->req->body, &c->o, &c->why), NULL);
}

void api_get_resource_policy(struct route_call *c)
{
	struct slice rego;
	rc r;

	if (!query_str(c, "text")) {	/* ids, as the reference answers */
		api_answer(c->resp, "application/json", SLICE_LIT("[\"resource-policy\"]"));
		return;
	}
	c->o.type = "PolicyEngineError";
	r = kbs_resource_policy(c->h->kbs, c->req->arena, &rego, &c->why);
	if (rc_ok(r))
		api_answer(c->resp, "text/plain; charset=utf-8", rego);
	else
		api_fail(c, r, true);
}

void api_set_attestation_policy(struct route_call *c)
{
	simple(c, kbs_set_attestation_policy(c->h->kbs, &c->who, c->req->body, &c->o, &c->why), NULL);
}

/* What follows a name must not be ignored: access rules were matched against the path as a whole. */
static bool one_name(struct route_call *c)
{
	size_t n = c->req->segments - c->rest;

	if (n != 1)
		api_fail(c, deny(&c->why, E_NOTFOUND, "http.route", "one name ends this path, found %zu", n), true);
	return n == 1;
}

void api_get_attestation_policy(struct route_call *c)
{
	struct slice rego;
	rc r;

	c->o.type = "AttestationError";
	if (!one_name(c))
		return;
	r = kbs_attestation_policy(c->h->kbs, c->req->segment[c->rest], c->req->arena, &rego, &c->why);
	if (rc_ok(r))
		api_answer(c->resp, "text/plain; charset=utf-8", rego);
	else
		api_fail(c, r, true);
}

void api_list_attestation_policies(struct route_call *c)
{
	char **names = NULL;
	size_t n = 0;
	rc r;

	c->o.type = "AttestationError";
	r = kbs_list_attestation_policies(c->h->kbs, c->req->arena, &names, &n, &c->why);
	answer_names(c, r, names, n);
}

void api_set_reference_value(struct route_call *c)
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

void api_get_reference_value(struct route_call *c)
{
	struct slice text;
	rc r;

	c->o.type = "RvpsError";
	r = kbs_reference_value(c->h->kbs, rest_of_path(c), c->req->arena, &text, &c->why);
	if (rc_ok(r))
		api_answer(c->resp, "application/json", text);
	else
		api_fail(c, r, true);
}

void api_delete_reference_value(struct route_call *c)
{
	simple(c, kbs_delete_reference_value(c->h->kbs, &c->who, rest_of_path(c), &c->o, &c->why), "application/json");
}

void api_list_reference_values(struct route_call *c)
{
	char **names = NULL;
	uint64_t limit;
	size_t n = 0;
	rc r;

	c->o.type = "RvpsError";
	if (!query_u64(c, "limit", LIST_MAX, LIST_MAX, &limit))
		return;
	r = kbs_list_reference_values(c->h->kbs, query_str(c, "after"), limit, c->req->arena, &names, &n, &c->why);
	answer_names(c, r, names, n);
}

void api_add_anchor(struct route_call *c)
{
	c->o.type = "AttestationError";
	if (one_name(c))
		simple(c, kbs_add_anchor(c->h->kbs, &c->who, c->req->segment[c->rest], c->req->body, &c->o, &c->why), "application/json");
}

/* SET/DIGEST */
void api_remove_anchor(struct route_call *c)
{
	c->o.type = "AttestationError";
	if (c->req->segments - c->rest == 2)
		simple(c, kbs_remove_anchor(c->h->kbs, &c->who, c->req->segment[c->rest], c->req->segment[c->rest + 1], &c->o, &c->why),
		       "application/json");
	else
		simple(c, deny(&c->why, E_MALFORMED, "as.anchor", "an anchor is named SET/DIGEST, as the list of anchors prints it"), NULL);
}

void api_list_anchors(struct route_call *c)
{
	char **names = NULL;
	size_t n = 0;
	rc r;

	c->o.type = "AttestationError";
	r = kbs_list_anchors(c->h->kbs, c->req->arena, &names, &n, &c->why);
	answer_names(c, r, names, n);
}

void api_get_decision(struct route_call *c)
{
	struct json *d;
	rc r;

	c->o.type = "DecisionNotFound";
	if (!one_name(c))
		return;
	r = kbs_decision(c->h->kbs, c->req->segment[c->rest], c->req->arena, &d, &c->why);
	if (rc_ok(r))
		api_answer(c->resp, "application/json", json_text(c->req->arena, d));
	else
		api_fail(c, r, true);
}

/* ---- the audit log ---- */

void api_audit_head(struct route_call *c)
{
	struct json *o = json_new_object(c->req->arena);
	struct audit_head head;
	rc r = audit_head(kbs_audit(c->h->kbs), c->req->arena, &head, &c->why);

	c->o.type = "AuditError";
	if (!rc_ok(r)) {
		api_fail(c, r, true);
		return;
	}
	json_set(c->req->arena, o, "size", json_new_u64(c->req->arena, head.size));
	json_set(c->req->arena, o, "root", json_new_hex(c->req->arena, slice_of(head.root, 32)));
	json_set(c->req->arena, o, "jws", json_new_str(c->req->arena, head.jws));
	api_answer(c->resp, "application/json", json_text(c->req->arena, o));
}

void api_audit_records(struct route_call *c)
{
	struct buf b = buf_in(c->req->arena, (size_t)32 << 20);
	uint64_t from, limit;
	rc r = rc_of(OK);

	c->o.type = "AuditError";
	if (!query_u64(c, "from", 0, UINT64_MAX, &from) || !query_u64(c, "limit", 100, LIST_MAX, &limit))
		return;
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
		api_fail(c, r, true);
	else
		api_answer(c->resp, "application/json", buf_view(&b));
}

void api_audit_proof(struct route_call *c)
{
	struct json *o = json_new_object(c->req->arena);
	struct slice record, hashes;
	uint64_t index, size;
	rc r;

	c->o.type = "AuditError";
	if (!query_u64(c, "index", 0, UINT64_MAX, &index) || !query_u64(c, "size", 0, UINT64_MAX, &size))
		return;
	r = audit_get(kbs_audit(c->h->kbs), index, c->req->arena, &record, &c->why);
	if (rc_ok(r))
		r = audit_inclusion(kbs_audit(c->h->kbs), index, size, c->req->arena, &hashes, &c->why);
	if (!rc_ok(r)) {
		api_fail(c, r, true);
		return;
	}
	json_set(c->req->arena, o, "record", json_new_str(c->req->arena, record));
	json_set(c->req->arena, o, "hashes", json_new_hex(c->req->arena, hashes));
	api_answer(c->resp, "application/json", json_text(c->req->arena, o));
}
