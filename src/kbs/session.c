#include "kbs/session.h"

#include "codec/base64.h"

/* By time, then by id: new sessions lie side by side in an ordered store instead of all over it. */
static char *key_of(struct arena *a, const struct challenge *c)
{
	return arena_printf(a, "%010llx%s", (unsigned long long)c->expires_s, hex_text(a, slice_of(c->id, sizeof(c->id))));
}

struct store_op session_op(struct arena *a, const struct challenge *c, const struct session *s)
{
	struct json *doc = json_new_object(a);

	json_set(a, doc, "token", json_new_str(a, s->token));
	json_set(a, doc, "version", json_new_u64(a, s->version));
	json_set(a, doc, "key", json_new_str(a, s->key));
	json_set(a, doc, "tee", json_new_cstr(a, c->tee));
	return (struct store_op){.kind = STORE_INSERT,
				 .ns = SESSION_NS,
				 .key = key_of(a, c),
				 .value = json_text(a, doc),
				 .expires_s = s->expires_s};
}

rc session_get(struct store *store, const struct challenge *c, struct arena *a, struct session *out, struct why *w)
{
	struct session s = {0};
	struct slice value;
	uint64_t version;
	struct json *doc;
	const char *key = key_of(a, c);

	if (!key)
		return deny(w, E_INTERNAL, "kbs.memory", "no memory");
	TRY(store_get(store, SESSION_NS, key, a, &value, NULL, &s.expires_s, w));
	TRY(json_parse(a, value, NULL, &doc, w));
	TRY(json_need_str(doc, "token", &s.token, "session", w));
	TRY(json_need_str(doc, "key", &s.key, "session", w));
	TRY(json_need_u64(doc, "version", RCAR_040, &version, "session", w));
	if (version < RCAR_010)
		return deny(w, E_INTERNAL, "kbs.session", "the session record has no protocol version");
	s.version = (enum rcar_version)version;
	*out = s;
	return rc_of(OK);
}
