/* cose.c - the COSE working group's examples: COSE_Sign1 under the key of the vector. There is no driver behind them. */
#include "cli/conformance/adapters.h"
#include "codec/base64.h"
#include "crypto/cose/cose.h"
#include "crypto/jose/jwk.h"
#include "evidence/octets.h"

/* The key without its private part and its name. */
static RC read_key(struct arena *a, const struct json *from, struct pkey **out, struct why *w)
{
	static const char *const members[] = {"kty", "crv", "x", "y", "n", "e"};
	struct json *jwk = json_new_object(a);

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (json_get(from, members[i]))
			json_set(a, jwk, members[i], json_get(from, members[i]));
	return jwk_to_pkey(jwk, out, w);
}

static RC verify(struct arena *a, struct slice message, struct slice external, const struct pkey *key, struct why *w)
{
	struct why inner = why_in(a);
	struct cose_sign1 m;
	rc r = cose_sign1_parse(a, message, COSE_TAG_OPTIONAL | COSE_ALG_UNPROTECTED, &m, &inner);

	/* a header whose algorithm was changed to one that there is not: nothing can verify under it */
	if (!rc_ok(r) && !strcmp(why_reason(&inner), "cose.unsupported.algorithm"))
		return deny(w, E_DENIED, "cose.signature.algorithm", "%s", why_text(&inner));
	TRY(recast(r, &inner, "cose.parse.message", "cose.unsupported.message", w));
	return cose_sign1_verify(&m, (struct slice){0}, external, key, a, "cose.signature", w);
}

static RC cose_run(struct vjob *job, const struct conf_case *c)
{
	const struct json *sign, *title;
	struct slice text, message, hex, external = {0};
	struct pkey *key = NULL;
	struct json *vector, *claims;
	rc r;

	TRY(conf_file(job->arena, c, "vector", &text, job->why));
	TRY(json_parse(job->arena, text, NULL, &vector, job->why));
	sign = json_pointer(vector, "/input/sign0");
	if (!sign)
		return deny(job->why, E_UNSUPPORTED, "conformance.skip", "the vector is no COSE_Sign1");
	TRY(json_need_str(json_get(vector, "output"), "cbor", &hex, "vector", job->why));
	TRY(hex_decode(job->arena, hex, &message, "vector", job->why));
	if (json_is(json_get(sign, "external"), JSON_STRING))
		TRY(hex_decode(job->arena, json_get(sign, "external")->text, &external, "external", job->why));
	TRY(read_key(job->arena, json_get(sign, "key"), &key, job->why));
	r = verify(job->arena, message, external, key, job->why);
	pkey_free(key);
	TRY(r);
	claims = vjob_result(job, "cose");
	title = json_get(vector, "title");
	if (title)
		json_set(job->arena, claims, "title", title);
	return rc_of(OK);
}

const struct conf_adapter conf_cose = {.platform = "cose", .run = cose_run};
