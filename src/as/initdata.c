#include "as/initdata.h"

#include "codec/toml.h"

/* The JSON object that begins at the first `policy_data := {` and ends with the text; NULL when there is none. */
static struct json *policy_data(struct arena *a, struct slice rego)
{
	static const char mark[] = "policy_data := {";
	const uint8_t *at = rego.p ? memmem(rego.p, rego.n, mark, sizeof(mark) - 1) : NULL;
	struct json *v = NULL;
	size_t from;

	if (!at)
		return NULL;
	from = (size_t)(at - rego.p) + sizeof(mark) - 2;
	if (!rc_ok(json_parse(a, slice_sub(rego, from, rego.n), NULL, &v, NULL)))
		return NULL;
	return v;
}

static struct json *transform(struct arena *a, const struct json *data)
{
	const struct json *rego = json_get(data, "policy.rego");
	struct json *out = json_new_object(a), *agent = rego ? policy_data(a, rego->text) : NULL;

	for (size_t i = 0; i < data->n; i++) {
		const struct json_member *m = &data->members[i];
		struct json *v = NULL;

		/* A member that bears this name itself must not pose as what the agent's policy says. */
		if (agent && slice_is(m->name, "agent_policy_claims"))
			continue;
		if (agent && m->value == rego)
			json_set(a, out, "agent_policy_claims", agent);
		else if ((slice_is(m->name, "cdh.toml") || slice_is(m->name, "aa.toml")) &&
			 rc_ok(toml_parse(a, m->value->text, &v, "init-data", NULL)))
			json_set_slice(a, out, m->name, v);
		else
			json_set_slice(a, out, m->name, m->value);
	}
	return out;
}

rc initdata_parse(struct arena *a, struct slice toml, struct initdata *out, struct why *w)
{
	struct slice version, algorithm;
	struct initdata init;
	const struct json *data;
	enum digest_alg alg;
	struct json *doc;
	uint8_t *d;

	if (toml.n > INITDATA_MAX)
		return deny(w, E_LIMIT, "initdata.size", "init-data of %zu bytes, at most %zu are taken", toml.n, INITDATA_MAX);
	TRY(toml_parse(a, toml, &doc, "init-data", w));
	TRY(json_need_str(doc, "version", &version, "init-data", w));
	TRY(json_need_str(doc, "algorithm", &algorithm, "init-data", w));
	TRY(json_need(doc, "data", JSON_OBJECT, &data, "init-data", w));
	for (size_t i = 0; i < data->n; i++)
		if (!json_is(data->members[i].value, JSON_STRING))
			return deny(w, E_MALFORMED, "initdata.data", "init-data: data.\"" SLICE_FMT "\" must be a string, it is %s",
				    SLICE_ARG(slice_sub(data->members[i].name, 0, 64)), json_kind_name(data->members[i].value));
	alg = digest_by_name(algorithm);
	if (alg != DIGEST_SHA256 && alg != DIGEST_SHA384 && alg != DIGEST_SHA512 && alg != DIGEST_SM3)
		return deny(w, E_UNSUPPORTED, "initdata.algorithm",
			    "init-data: algorithm \"" SLICE_FMT "\", taken are sha256, sha384, sha512 and sm3",
			    SLICE_ARG(slice_sub(algorithm, 0, 32)));
	d = arena_alloc(a, DIGEST_MAX);
	if (!d)
		return deny(w, E_LIMIT, "initdata.memory", "no room");
	TRY(digest(alg, toml, d, w));
	init = (struct initdata){.digest = slice_of(d, digest_size(alg)), .claims = transform(a, data)};
	if (arena_bad(a))
		return deny(w, E_LIMIT, "initdata.memory", "no room");
	*out = init;
	return rc_of(OK);
}
