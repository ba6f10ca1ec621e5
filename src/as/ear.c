#include "as/ear.h"

static const char *const claim_names[EAR_CLAIMS] = {"instance-identity", "configuration",  "executables",    "file-system",
						    "hardware",		 "runtime-opaque", "storage-opaque", "sourced-data"};

const char *ear_claim_name(unsigned i)
{
	return claim_names[i];
}

const char *ear_tier_name(enum ear_tier t)
{
	switch (t) {
	case EAR_NONE:
		return "none";
	case EAR_AFFIRMING:
		return "affirming";
	case EAR_WARNING:
		return "warning";
	case EAR_CONTRAINDICATED:
		return "contraindicated";
	}
	return "contraindicated";
}

enum ear_tier ear_tier_of(int8_t v)
{
	if (v >= -1 && v <= 1)
		return EAR_NONE;
	if (v >= -32 && v <= 31)
		return EAR_AFFIRMING;
	if (v >= -96 && v <= 95)
		return EAR_WARNING;
	return EAR_CONTRAINDICATED;
}

enum ear_tier ear_vector_status(const struct ear_vector *v)
{
	enum ear_tier worst = EAR_NONE;

	for (unsigned i = 0; i < EAR_CLAIMS; i++) {
		enum ear_tier t = v->set[i] ? ear_tier_of(v->value[i]) : EAR_NONE;

		if (t > worst)
			worst = t;
	}
	return worst;
}

static int claim_index(struct slice name)
{
	for (unsigned i = 0; i < EAR_CLAIMS; i++)
		if (slice_is(name, claim_names[i]))
			return (int)i;
	return -1;
}

rc ear_vector_read(const struct json *trust_claims, struct ear_vector *out, struct why *w)
{
	struct ear_vector v = {0};

	if (!json_is(trust_claims, JSON_OBJECT) || trust_claims->n == 0)
		return deny(w, E_DENIED, "as.trust-claims", "data.policy.trust_claims must be an object with at least one claim, it is %s",
			    json_is(trust_claims, JSON_OBJECT) ? "empty" : json_kind_name(trust_claims));
	for (size_t i = 0; i < trust_claims->n; i++) {
		const struct json_member *m = &trust_claims->members[i];
		int k = claim_index(m->name);
		int64_t n;

		if (k < 0)
			return deny(w, E_DENIED, "as.trust-claims", "the policy sets the unknown trust claim \"" SLICE_FMT "\"",
				    SLICE_ARG(slice_sub(m->name, 0, 64)));
		/* Never cut to 8 bits: 258 is not 2. */
		if (!json_i64(m->value, &n) || n < -128 || n > 127)
			return deny(w, E_DENIED, "as.trust-claims", "the policy sets %s to " SLICE_FMT ", expected an integer from -128 to 127",
				    claim_names[k], SLICE_ARG(m->value->kind == JSON_NUMBER ? slice_sub(m->value->text, 0, 32)
											    : slice_cstr(json_kind_name(m->value))));
		v.value[k] = (int8_t)n;
		v.set[k] = true;
	}
	*out = v;
	return rc_of(OK);
}

struct json *ear_tcb_claims(struct arena *a, const char *tee, const struct json *claims, const struct json *runtime_claims,
			    const struct json *init_claims, bool init_given, bool terse)
{
	struct json *out = json_new_object(a), *rest = json_new_object(a), *runtime;
	const struct json *report = json_get(claims, "report_data"), *init = json_get(claims, "init_data");

	if (json_is(init, JSON_STRING)) {
		json_set(a, out, "init_data", init);
		json_set(a, out, "init_data_claims", init_claims ? init_claims : json_new_null(a));
	} else if (init_given) {
		json_set(a, out, "init_data_bound", json_new_bool(a, false));
	}
	if (json_is(report, JSON_STRING)) {
		json_set(a, out, "report_data", report);
		if (terse && json_is(runtime_claims, JSON_OBJECT) && json_get(runtime_claims, "additional-evidence")) {
			runtime = json_new_object(a);
			for (size_t i = 0; i < runtime_claims->n; i++)
				if (!slice_is(runtime_claims->members[i].name, "additional-evidence"))
					json_set_slice(a, runtime, runtime_claims->members[i].name, runtime_claims->members[i].value);
			runtime_claims = runtime;
		}
		json_set(a, out, "runtime_data_claims", runtime_claims ? runtime_claims : json_new_null(a));
	}
	for (size_t i = 0; i < claims->n; i++) {
		const struct json_member *m = &claims->members[i];

		if (!(m->value == report && json_is(report, JSON_STRING)) && !(m->value == init && json_is(init, JSON_STRING)))
			json_set_slice(a, rest, m->name, m->value);
	}
	json_set(a, out, tee, rest);
	return out;
}

static rc add_extension(struct arena *a, struct json *mod, const struct json *e, struct why *w)
{
	const struct json *name = json_get(e, "name"), *value = json_get(e, "value");
	struct slice shown;
	int64_t key;

	if (!json_is(name, JSON_STRING) || !value)
		return deny(w, E_DENIED, "as.extensions", "an extension must be an object with \"name\", \"key\" and \"value\"");
	shown = slice_sub(name->text, 0, 64);
	if (!json_i64(json_get(e, "key"), &key) || key < INT32_MIN || key > INT32_MAX)
		return deny(w, E_DENIED, "as.extensions", "extension \"" SLICE_FMT "\": key must be a 32-bit integer", SLICE_ARG(shown));
	if (json_get_slice(mod, name->text))
		return deny(w, E_DENIED, "as.extensions", "extension \"" SLICE_FMT "\" would replace a member of the submodule",
			    SLICE_ARG(shown));
	if (value->kind != JSON_NULL)
		json_set_slice(a, mod, name->text, value);
	return rc_of(OK);
}

static rc add_extensions(struct arena *a, struct json *mod, const struct json *extensions, struct why *w)
{
	if (!extensions || extensions->kind == JSON_NULL)
		return rc_of(OK);
	if (extensions->kind != JSON_ARRAY)
		return deny(w, E_DENIED, "as.extensions", "data.policy.extensions must be an array, it is %s", json_kind_name(extensions));
	for (size_t i = 0; i < extensions->n; i++)
		TRY(add_extension(a, mod, extensions->items[i], w));
	return rc_of(OK);
}

rc ear_submod(struct arena *a, const struct ear_vector *v, const char *policy_id, const struct json *tcb_claims,
	      const struct json *extensions, struct json **out, struct why *w)
{
	struct json *mod = json_new_object(a), *vector = json_new_object(a);

	for (unsigned i = 0; i < EAR_CLAIMS; i++)
		if (v->set[i])
			json_set(a, vector, claim_names[i], json_new_i64(a, v->value[i]));
	json_set(a, mod, "ear.status", json_new_cstr(a, ear_tier_name(ear_vector_status(v))));
	json_set(a, mod, "ear.trustworthiness-vector", vector);
	json_set(a, mod, "ear.appraisal-policy-id", json_new_cstr(a, policy_id));
	json_set(a, mod, "ear.veraison.annotated-evidence", tcb_claims);
	TRY(add_extensions(a, mod, extensions, w));
	*out = mod;
	return rc_of(OK);
}
