/* manage.c - administration of the broker: each change is made together with its audit record. */
#include "base/num.h"
#include "codec/base64.h"
#include "kbs/kbs_priv.h"
#include "kbs/records.h"

#define BODY_MAX ((size_t)4 << 20)

rc kbs_admin(struct kbs *k, const struct kbs_caller *c, const char *method, struct slice path, struct arena *a,
	     struct admin_identity *who, struct why *w)
{
	TRY(admin_check(k->admin, method, path, c->bearer, a, who, w));
	who->peer = c->peer;
	return rc_of(OK);
}

static struct json *facts_of(struct arena *a, const struct admin_identity *who, const char *action, const char *what)
{
	struct json *f = json_new_object(a);

	json_set(a, f, "action", json_new_cstr(a, action));
	json_set(a, f, "what", json_new_cstr(a, what));
	json_set(a, f, "role", json_new_cstr(a, who->role));
	json_set(a, f, "subject", json_new_cstr(a, who->subject));
	if (who->peer)
		json_set(a, f, "peer", json_new_cstr(a, who->peer));
	return f;
}

/* One change by an administrator: whatever room makes its operations, they and the record are one durable batch. A change that is
 * refused before that leaves no record, and one that is not recorded is not made.
 */
struct change {
	struct kbs *k;
	const struct admin_identity *who;
	const char *action, *what;
	struct arena *a;
	struct kbs_outcome *o;
	bool by_keys;	/* the record names what is changed, and `what` follows */
};

#define KEYS_NAMED 16u	/* in a record; what was sent is in its digest */

static const char *what_of(const struct change *c, const struct store_op *ops, size_t n)
{
	struct buf b = buf_in(c->a, 16384);

	if (!c->by_keys)
		return c->what;
	for (size_t i = 0; i < n && i < KEYS_NAMED; i++)
		buf_printf(&b, "%s%s", i ? ", " : "", ops[i].key);
	if (n > KEYS_NAMED)
		buf_printf(&b, " and %zu more", n - KEYS_NAMED);
	if (c->what)
		buf_printf(&b, " %s", c->what);
	return buf_cstr(&b);
}

static rc commit_change(void *ctx, const struct store_op *ops, size_t n, struct why *w)
{
	struct change *c = ctx;
	const char *what = what_of(c, ops, n);

	if (!what)
		return deny(w, E_INTERNAL, "kbs.memory", "no memory");
	TRY(records_new_id(c->k->records, c->o->decision, w));
	return records_allowed(c->k->records, c->o->decision, "admin", facts_of(c->a, c->who, c->action, what), ops, n, c->a, w);
}

static struct store_committer with_record(struct change *c)
{
	return (struct store_committer){commit_change, c};
}

static rc no_as(struct why *w)
{
	return deny(w, E_NOTFOUND, "kbs.no-as", "this broker has no attestation service");
}

static rc no_rvps(struct why *w)
{
	return deny(w, E_NOTFOUND, "kbs.no-rvps", "this broker has no reference value provider");
}

static rc name_of(struct arena *a, const struct slice *path, size_t n, char **name, struct why *w)
{
	if (n != 3)
		return deny(w, E_MALFORMED, "kms.name", "a resource is named repository/type/tag, this path has %zu parts", n);
	TRY(kms_check_name(path[0], path[1], path[2], w));
	*name = arena_printf(a, SLICE_FMT "/" SLICE_FMT "/" SLICE_FMT, SLICE_ARG(path[0]), SLICE_ARG(path[1]), SLICE_ARG(path[2]));
	return *name ? rc_of(OK) : deny(w, E_INTERNAL, "kbs.memory", "no memory");
}

static rc put_resource(struct kbs *k, const struct admin_identity *who, const struct slice *path, size_t path_n,
		       struct slice value, struct arena *a, struct kbs_outcome *o, struct why *w)
{
	struct store_op *ops;
	uint64_t version;
	char *name;
	size_t n;

	TRY(name_of(a, path, path_n, &name, w));
	TRY(kms_put_ops(k->env.kms, name, value, a, &ops, &n, &version, w));
	return commit_change(&(struct change){k, who, "set-resource", name, a, o, false}, ops, n, w);
}

/* Writers of one name race for the next version: the loser plans again, on what the winner left. */
#define RACES_MAX 1000u

static bool lost_race(rc r, const struct why *w)
{
	return !rc_ok(r) && (strcmp(why_reason(w), "store.changed") == 0 || strcmp(why_reason(w), "store.exists") == 0);
}

static rc race_result(rc r, struct why *w)
{
	return lost_race(r, w) ? deny(w, E_UNAVAILABLE, "kbs.races", "other writers of this name were faster %u times: try again", RACES_MAX) : r;
}

rc kbs_put_resource(struct kbs *k, const struct admin_identity *who, const struct slice *path, size_t path_n,
		    struct slice value, struct kbs_outcome *o, struct why *w)
{
	struct arena *a = arena_new(4 * KMS_SECRET_MAX);
	unsigned races = 0;
	rc r;

	*o = (struct kbs_outcome){.type = "PluginInternalError"};
	do {
		arena_reset(a, (struct arena_mark){0});
		r = a ? put_resource(k, who, path, path_n, value, a, o, w) : deny(w, E_INTERNAL, "kbs.memory", "no memory");
	} while (lost_race(r, w) && ++races < RACES_MAX);
	arena_free(a);
	return race_result(r, w);
}

static rc delete_resource(struct kbs *k, const struct admin_identity *who, const struct slice *path, size_t path_n, struct arena *a,
			  struct kbs_outcome *o, struct why *w)
{
	struct store_op *ops;
	char *name;
	size_t n;

	TRY(name_of(a, path, path_n, &name, w));
	TRY(kms_delete_ops(k->env.kms, name, a, &ops, &n, w));
	return commit_change(&(struct change){k, who, "delete-resource", name, a, o, false}, ops, n, w);
}

rc kbs_delete_resource(struct kbs *k, const struct admin_identity *who, const struct slice *path, size_t path_n,
		       struct kbs_outcome *o, struct why *w)
{
	struct arena *a = arena_new(0);
	unsigned races = 0;
	rc r;

	*o = (struct kbs_outcome){.type = "PluginInternalError"};
	do {
		arena_reset(a, (struct arena_mark){0});
		r = a ? delete_resource(k, who, path, path_n, a, o, w) : deny(w, E_INTERNAL, "kbs.memory", "no memory");
	} while (lost_race(r, w) && ++races < RACES_MAX);
	arena_free(a);
	return race_result(r, w);
}

rc kbs_list_resources(struct kbs *k, const char *prefix, const char *after, size_t limit, struct arena *a, char ***names,
		      size_t *n, struct why *w)
{
	return kms_list(k->env.kms, prefix, after, limit, a, names, n, w);
}

/* A policy travels as base64url; the digest names its text in the records. */
static rc policy_body(struct arena *a, struct slice body, struct json **doc, struct slice *rego, char **digest_hex, struct why *w)
{
	struct slice text;
	uint8_t d[32];

	TRY(json_parse(a, body, &(struct json_limits){.max_bytes = BODY_MAX, .max_depth = 8, .max_nodes = 256}, doc, w));
	TRY(json_need_str(*doc, "policy", &text, "policy message", w));
	TRY(b64_decode(a, B64_URL, text, rego, "policy", w));
	TRY(digest(DIGEST_SHA256, *rego, d, w));
	*digest_hex = hex_text(a, slice_of(d, sizeof(d)));
	return *digest_hex ? rc_of(OK) : deny(w, E_INTERNAL, "kbs.memory", "no memory");
}

static rc set_policy(struct kbs *k, const struct admin_identity *who, struct slice body, bool resource, struct arena *a,
		     struct kbs_outcome *o, struct why *w)
{
	struct change c = {k, who, resource ? "set-resource-policy" : "set-attestation-policy", NULL, a, o, false};
	const struct store_committer by = with_record(&c);
	struct slice rego, id = SLICE_LIT("resource-policy");
	char *digest_hex;
	struct json *doc;

	TRY(policy_body(a, body, &doc, &rego, &digest_hex, w));
	if (!resource)
		TRY(json_need_str(doc, "policy_id", &id, "policy message", w));
	c.what = arena_printf(a, SLICE_FMT " sha256:%s", SLICE_ARG(slice_sub(id, 0, 128)), digest_hex);
	return resource ? policy_set(k->policy, rego, &by, w) : as_set_policy(k->env.as, id, rego, &by, w);
}

rc kbs_set_resource_policy(struct kbs *k, const struct admin_identity *who, struct slice body, struct kbs_outcome *o,
			   struct why *w)
{
	struct arena *a = arena_new(0);
	rc r;

	*o = (struct kbs_outcome){.type = "ParsePolicyError"};
	r = set_policy(k, who, body, true, a, o, w);
	arena_free(a);
	return r;
}

rc kbs_set_attestation_policy(struct kbs *k, const struct admin_identity *who, struct slice body, struct kbs_outcome *o,
			      struct why *w)
{
	struct arena *a = arena_new(0);
	rc r;

	*o = (struct kbs_outcome){.type = "AttestationError"};
	r = k->env.as ? set_policy(k, who, body, false, a, o, w) : no_as(w);
	arena_free(a);
	return r;
}

rc kbs_resource_policy(struct kbs *k, struct arena *a, struct slice *rego, struct why *w)
{
	return policy_text(k->policy, a, rego, w);
}

rc kbs_register_reference_values(struct kbs *k, const struct admin_identity *who, struct slice body, struct kbs_outcome *o,
				 struct why *w)
{
	struct arena *a = arena_new(0);
	struct change c = {k, who, "register-reference-values", NULL, a, o, true};
	const struct store_committer by = with_record(&c);
	uint8_t d[32];
	size_t n = 0;
	rc r;

	*o = (struct kbs_outcome){.type = "RvpsError"};
	r = k->env.rvps ? digest(DIGEST_SHA256, body, d, w) : no_rvps(w);
	if (rc_ok(r)) {
		c.what = arena_printf(a, "message sha256:%s", hex_text(a, slice_of(d, 32)));
		r = rvps_register(k->env.rvps, body, 0, &by, &n, w);
	}
	arena_free(a);
	return r;
}

rc kbs_delete_reference_value(struct kbs *k, const struct admin_identity *who, struct slice id, struct kbs_outcome *o, struct why *w)
{
	struct arena *a = arena_new(0);
	struct change c = {k, who, "delete-reference-value", NULL, a, o, true};
	const struct store_committer by = with_record(&c);
	rc r;

	*o = (struct kbs_outcome){.type = "RvpsError"};
	r = k->env.rvps ? rvps_delete(k->env.rvps, id, &by, w) : no_rvps(w);
	if (r.code == E_NOTFOUND && k->env.rvps)
		r = deny(w, E_NOTFOUND, "rvps.absent", "reference value \"" SLICE_FMT "\" is not registered", SLICE_ARG(slice_sub(id, 0, 128)));
	arena_free(a);
	return r;
}

rc kbs_list_reference_values(struct kbs *k, const char *after, size_t limit, struct arena *a, char ***names, size_t *n, struct why *w)
{
	return k->env.rvps ? rvps_list(k->env.rvps, after, limit, a, names, n, w) : no_rvps(w);
}

rc kbs_reference_value(struct kbs *k, struct slice id, struct arena *a, struct slice *json_out, struct why *w)
{
	enum rvps_state state;
	struct json *value;
	int64_t expires_s;

	if (!k->env.rvps)
		return no_rvps(w);
	TRY(rvps_query(k->env.rvps, id, a, &state, &value, &expires_s, w));
	if (state != RV_FOUND)
		return deny(w, E_NOTFOUND, state == RV_EXPIRED ? "rvps.expired" : "rvps.absent", "reference value \"" SLICE_FMT "\" %s",
			    SLICE_ARG(slice_sub(id, 0, 128)), state == RV_EXPIRED ? "has expired" : "is not registered");
	*json_out = json_text(a, value);
	return rc_of(OK);
}

rc kbs_attestation_policy(struct kbs *k, struct slice id, struct arena *a, struct slice *rego, struct why *w)
{
	rc r = k->env.as ? as_policy_text(k->env.as, id, a, rego, w) : no_as(w);

	if (r.code == E_NOTFOUND && k->env.as)
		return deny(w, E_NOTFOUND, "as.policy-absent", "there is no attestation policy \"" SLICE_FMT "\"", SLICE_ARG(slice_sub(id, 0, 128)));
	return r;
}

rc kbs_list_attestation_policies(struct kbs *k, struct arena *a, char ***ids, size_t *n, struct why *w)
{
	return k->env.as ? as_list_policies(k->env.as, a, ids, n, w) : no_as(w);
}

rc kbs_add_anchor(struct kbs *k, const struct admin_identity *who, struct slice set, struct slice pem, struct kbs_outcome *o,
		  struct why *w)
{
	struct arena *a = arena_new(0);
	struct change c = {k, who, "add-trust-anchor", NULL, a, o, true};	/* the key is what list-anchors prints */
	const struct store_committer by = with_record(&c);
	rc r;

	*o = (struct kbs_outcome){.type = "AttestationError"};
	r = k->env.as ? as_add_anchor(k->env.as, set, pem, &by, w) : no_as(w);
	arena_free(a);
	return r;
}

rc kbs_remove_anchor(struct kbs *k, const struct admin_identity *who, struct slice set, struct slice sha256_hex, struct kbs_outcome *o,
		     struct why *w)
{
	struct arena *a = arena_new(0);
	struct change c = {k, who, "remove-trust-anchor", NULL, a, o, true};
	const struct store_committer by = with_record(&c);
	rc r;

	*o = (struct kbs_outcome){.type = "AttestationError"};
	r = k->env.as ? as_remove_anchor(k->env.as, set, sha256_hex, &by, w) : no_as(w);
	arena_free(a);
	return r;
}

rc kbs_list_anchors(struct kbs *k, struct arena *a, char ***names, size_t *n, struct why *w)
{
	return k->env.as ? as_list_anchors(k->env.as, a, names, n, w) : no_as(w);
}

rc kbs_decision(struct kbs *k, struct slice id, struct arena *a, struct json **out, struct why *w)
{
	char *text;

	if (id.n == 0 || id.n > 23)
		return deny(w, E_NOTFOUND, "kbs.decision", "no decision of that id");
	text = arena_strndup(a, id.p, id.n);
	if (!text)
		return deny(w, E_INTERNAL, "kbs.memory", "no memory");
	return records_get(k->records, text, a, out, w);
}
