#include "kbs/session.h"

#include "base/buf.h"
#include "base/cur.h"
#include "base/num.h"
#include "codec/base64.h"

/* The first byte of a record: how the token is written. */
enum format {
	AS_TEXT = 1,
	AS_PARTS = 2, /* of a compact JWS, decoded: a token is most of what a handshake writes, and this a quarter less */
};

#define PARTS 3u

/* By time, then by id: new sessions lie side by side in an ordered store instead of all over it. */
static char *key_of(struct arena *a, const struct challenge *c)
{
	return arena_printf(a, "%010llx%s", (unsigned long long)c->expires_s, hex_text(a, slice_of(c->id, sizeof(c->id))));
}

static void put_text(struct buf *b, struct slice text)
{
	buf_le32(b, (uint32_t)text.n);
	buf_slice(b, text);
}

/* False: not a compact JWS, whose base64url has one form only. */
static bool token_parts(struct slice token, struct arena *a, struct slice part[PARTS])
{
	for (unsigned i = 0; i < PARTS; i++) {
		const uint8_t *dot = token.n ? memchr(token.p, '.', token.n) : NULL;
		size_t n = dot ? (size_t)(dot - token.p) : token.n;

		if ((i + 1 < PARTS) != (dot != NULL) || !rc_ok(b64_decode(a, B64_URL, slice_of(token.p, n), &part[i], "token", NULL)))
			return false;
		token = slice_sub(token, n + (dot != NULL), token.n);
	}
	return true;
}

/* format, protocol version, then each with its length: the key; the token, or its three parts */
struct store_op session_op(struct arena *a, const struct challenge *c, const struct session *s)
{
	struct buf b = buf_in(a, 0);
	struct slice part[PARTS];
	bool parts = token_parts(s->token, a, part);

	buf_putc(&b, parts ? AS_PARTS : AS_TEXT);
	buf_putc(&b, (char)s->version);
	put_text(&b, s->key);
	if (!parts)
		put_text(&b, s->token);
	for (unsigned i = 0; parts && i < PARTS; i++)
		put_text(&b, part[i]);
	return (struct store_op){.kind = STORE_INSERT,
				 .ns = SESSION_NS,
				 .key = key_of(a, c),
				 .value = buf_ok(&b) ? buf_view(&b) : (struct slice){0},
				 .expires_s = s->expires_s};
}

static struct slice take_text(struct cur *cur)
{
	return cur_take(cur, cur_le32(cur));
}

/* Empty without memory. */
static struct slice take_token(struct cur *cur, unsigned format, struct arena *a)
{
	struct buf b = buf_in(a, 0);

	if (format == AS_TEXT)
		return take_text(cur);
	for (unsigned i = 0; i < PARTS; i++) {
		if (i)
			buf_putc(&b, '.');
		b64_write(&b, B64_URL, take_text(cur));
	}
	return buf_ok(&b) ? buf_view(&b) : (struct slice){0};
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
	s.key = take_text(&cur);
	s.token = take_token(&cur, format, a);
	TRY(cur_end(&cur, w, "kbs.session", "a session record"));
	if ((format != AS_TEXT && format != AS_PARTS) || version < RCAR_010 || version > RCAR_040 || !s.key.n || !s.token.n)
		return deny(w, E_INTERNAL, "kbs.session", "a session record of format %u, protocol version %u: expected format %u or %u", format,
			    version, AS_TEXT, AS_PARTS);
	s.version = (enum rcar_version)version;
	*out = s;
	return rc_of(OK);
}
