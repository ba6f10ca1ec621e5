#include "as/se.h"

#include "evidence/se_challenge.h"

#define CHALLENGE "se-challenge"
#define HEADER	  "se-header"

bool se_own_kind(const char *kind)
{
	return strcmp(kind, CHALLENGE) == 0 || strcmp(kind, HEADER) == 0;
}

/* The key goes to the worker that checks the measurement, and lives as long as its job. */
static RC open_pair(const struct as_se *se, const char *key, int64_t now_s, struct arena *a, struct slice *out, struct why *w)
{
	SECRET(pair);

	TRY(se_challenge_open_name(se->seal_key, key, now_s, a, &pair, w));
	*out = arena_dup(a, secret_view(&pair));
	return out->p ? rc_of(OK) : deny(w, E_INTERNAL, "as.memory", "no memory");
}

/* A pair is good for the challenge that it was made for, and so as often as that one is. */
static RC is_of(struct slice challenge, const char *key, struct arena *a, struct why *w)
{
	struct slice sealed_key, sealed_nonce;
	const char *name;
	struct json *doc;

	TRY(json_parse(a, challenge, NULL, &doc, w));
	TRY(json_need_str(doc, "encr_measurement_key", &sealed_key, "challenge", w));
	TRY(json_need_str(doc, "encr_request_nonce", &sealed_nonce, "challenge", w));
	TRY(se_challenge_name(a, sealed_key, sealed_nonce, &name, w));
	if (strcmp(name, key) == 0)
		return rc_of(OK);
	return deny(w, E_DENIED, "se.decrypt.other-challenge", "the evidence answers another challenge");
}

rc se_own(const struct as_se *se, const char *kind, const char *key, struct slice challenge, int64_t now_s, struct arena *a,
	  struct slice *out, struct why *w)
{
	if (!se)
		return deny(w, E_NOTFOUND, "as.se", "this service asks no guests of Secure Execution");
	if (strcmp(kind, CHALLENGE) == 0) {
		if (challenge.p)
			TRY(is_of(challenge, key, a, w));
		return open_pair(se, key, now_s, a, out, w);
	}
	if (!se->image_header.p)
		return deny(w, E_NOTFOUND, "as.se", "no image header is configured");
	*out = se->image_header;
	return rc_of(OK);
}
