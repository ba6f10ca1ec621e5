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

rc se_own(const struct as_se *se, const char *kind, const char *key, int64_t now_s, struct arena *a, struct slice *out, struct why *w)
{
	if (!se)
		return deny(w, E_NOTFOUND, "as.se", "this service asks no guests of Secure Execution");
	if (strcmp(kind, CHALLENGE) == 0)
		return open_pair(se, key, now_s, a, out, w);
	if (!se->image_header.p)
		return deny(w, E_NOTFOUND, "as.se", "no image header is configured");
	*out = se->image_header;
	return rc_of(OK);
}
