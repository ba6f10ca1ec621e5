#include "kbs/session.h"

#include "base/buf.h"
#include "base/cur.h"
#include "codec/base64.h"

#define FORMAT 1u

/* By time, then by id: new sessions lie side by side in an ordered store instead of all over it. */
static char *key_of(struct arena *a, const struct challenge *c)
{
	return arena_printf(a, "%010llx%s", (unsigned long long)c->expires_s, hex_text(a, slice_of(c->id, sizeof(c->id))));
}

/* format, protocol version, length and text of the key, length and text of the token */
struct store_op session_op(struct arena *a, const struct challenge *c, const struct session *s)
{
	struct buf b = buf_in(a, 0);

	buf_putc(&b, (char)FORMAT);
	buf_putc(&b, (char)s->version);
	buf_le32(&b, (uint32_t)s->key.n);
	buf_slice(&b, s->key);
	buf_le32(&b, (uint32_t)s->token.n);
	buf_slice(&b, s->token);
	return (struct store_op){.kind = STORE_INSERT,
				 .ns = SESSION_NS,
				 .key = key_of(a, c),
				 .value = buf_ok(&b) ? buf_view(&b) : (struct slice){0},
				 .expires_s = s->expires_s};
}

rc session_get(struct store *store, const struct challenge *c, struct arena *a, struct session *out, struct why *w)
{
	struct session s = {0};
	struct slice value;
	unsigned format, version;
	struct msg m;
	struct cur cur;
	const char *key = key_of(a, c);

	if (!key)
		return deny(w, E_INTERNAL, "kbs.memory", "no memory");
	TRY(store_get(store, SESSION_NS, key, a, &value, NULL, &s.expires_s, w));
	cur = cur_open(&m, value);
	format = cur_u8(&cur);
	version = cur_u8(&cur);
	s.key = cur_take(&cur, cur_le32(&cur));
	s.token = cur_take(&cur, cur_le32(&cur));
	TRY(cur_end(&cur, w, "kbs.session", "a session record"));
	if (format != FORMAT || version < RCAR_010 || version > RCAR_040 || !s.key.n || !s.token.n)
		return deny(w, E_INTERNAL, "kbs.session", "a session record of format %u, protocol version %u: expected format %u", format,
			    version, FORMAT);
	s.version = (enum rcar_version)version;
	*out = s;
	return rc_of(OK);
}
