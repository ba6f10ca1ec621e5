#include "collateral/bundle.h"

#include "codec/base64.h"
#include "collateral/cache.h"
#include "crypto/digest.h"
#include "crypto/jose/jwk.h"
#include "crypto/jose/jws.h"

#define FORMAT "warrant-collateral-bundle/1"
#define PAGE   64u

static RC no_memory(struct why *w)
{
	return deny(w, E_INTERNAL, "bundle.memory", "no memory for a bundle");
}

static RC too_many(struct why *w)
{
	return deny(w, E_LIMIT, "bundle.pieces", "a bundle has at most %u pieces", BUNDLE_PIECES_MAX);
}

/* ---- out of the cache ---- */

rc bundle_export(struct store *store, const struct clock *clock, const char *kind, struct arena *a, struct bundle *out, struct why *w)
{
	struct bundle b = {.made_s = clock_now_s(clock), .pieces = arena_array(a, BUNDLE_PIECES_MAX, struct collateral_piece)};
	const char *after = NULL;
	size_t n = PAGE;

	if (!b.pieces)
		return no_memory(w);
	while (n == PAGE) {
		struct cache_row *rows;
		char **names;

		TRY(cache_list(store, kind, after, PAGE, a, &rows, &names, &n, w));
		for (size_t i = 0; i < n; i++) {
			if (!rows[i].kind)
				continue;
			if (b.n == BUNDLE_PIECES_MAX)
				return too_many(w);
			b.pieces[b.n++] = (struct collateral_piece){rows[i].kind, rows[i].key, rows[i].bytes};
		}
		after = n ? names[n - 1] : NULL;
	}
	*out = b;
	return rc_of(OK);
}

/* ---- writing ---- */

static RC manifest_of(const struct bundle *b, struct arena *a, struct slice *out, struct why *w)
{
	struct json *doc = json_new_object(a), *list = json_new_array(a);
	char made[32];

	time_rfc3339(b->made_s, made);
	json_set(a, doc, "format", json_new_cstr(a, FORMAT));
	json_set(a, doc, "made", json_new_cstr(a, made));
	for (size_t i = 0; i < b->n; i++) {
		struct json *p = json_new_object(a);
		uint8_t d[32];

		TRY(digest(DIGEST_SHA256, b->pieces[i].bytes, d, w));
		json_set(a, p, "kind", json_new_cstr(a, b->pieces[i].kind));
		json_set(a, p, "key", json_new_cstr(a, b->pieces[i].key));
		json_set(a, p, "sha256", json_new_hex(a, slice_of(d, sizeof(d))));
		json_push(a, list, p);
	}
	json_set(a, doc, "pieces", list);
	*out = json_text(a, doc);
	return arena_bad(a) || !out->p ? no_memory(w) : rc_of(OK);
}

rc bundle_write(const struct bundle *b, const struct pkey *key, struct arena *a, struct slice *out, struct why *w)
{
	struct json *header = json_new_object(a);
	struct buf text = buf_in(a, BUNDLE_MAX);
	struct slice manifest, jws;

	if (b->n > BUNDLE_PIECES_MAX)
		return too_many(w);
	TRY(manifest_of(b, a, &manifest, w));
	json_set(a, header, "typ", json_new_cstr(a, BUNDLE_TYPE));
	json_set(a, header, "alg", json_new_cstr(a, jwa_name(jwa_default(key))));
	TRY(jws_sign(key, jwa_default(key), header, manifest, a, &jws, w));
	if (jws.n > JWS_MAX)
		return too_many(w);
	buf_slice(&text, jws);
	buf_putc(&text, '\n');
	for (size_t i = 0; i < b->n; i++) {
		b64_write(&text, B64_STD, b->pieces[i].bytes);
		buf_putc(&text, '\n');
	}
	if (!buf_ok(&text))
		return deny(w, E_LIMIT, "bundle.size", "a bundle has at most %zu bytes", BUNDLE_MAX);
	*out = buf_view(&text);
	return rc_of(OK);
}

/* ---- reading ---- */

/* The next line, without its end; the last one must have one too. */
static RC next_line(struct slice *rest, const char *what, struct slice *out, struct why *w)
{
	const uint8_t *end = rest->n ? memchr(rest->p, '\n', rest->n) : NULL;

	if (!end)
		return deny(w, E_MALFORMED, "bundle.truncated", "the bundle ends before the line of %s", what);
	*out = slice_of(rest->p, (size_t)(end - rest->p));
	*rest = slice_sub(*rest, out->n + 1, rest->n);
	return rc_of(OK);
}

static bool is_plain(struct slice s, size_t max)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] > 0x7e)
			return false;
	return s.n <= max;
}

static RC read_piece(const struct json *entry, struct slice *rest, struct arena *a, struct collateral_piece *out, struct why *w)
{
	struct slice kind, key, hex, line;
	uint8_t want[32], found[32];
	rc r;

	TRY(json_need_str(entry, "kind", &kind, "bundle", w));
	TRY(json_need_str(entry, "key", &key, "bundle", w));
	TRY(json_need_str(entry, "sha256", &hex, "bundle", w));
	TRY(hex_decode_into(hex, want, sizeof(want), "sha256", w));
	if (!is_plain(kind, 64) || !is_plain(key, 1024))
		return deny(w, E_MALFORMED, "bundle.name", "a kind or key is too long, or holds control characters");
	out->kind = (const char *)kind.p;	/* strings of a document end with a NUL */
	out->key = (const char *)key.p;
	if (!collateral_kind_find(out->kind))
		return deny(w, E_UNSUPPORTED, "bundle.kind", "there is no kind of collateral \"%s\"", out->kind);
	TRY(next_line(rest, out->kind, &line, w));
	if (line.n > b64_decoded_max(COLLATERAL_PIECE_MAX) * 2)
		return deny(w, E_LIMIT, "bundle.size", "%s \"%s\" has %zu characters", out->kind, out->key, line.n);
	TRY(b64_decode(a, B64_STD, line, &out->bytes, "piece of a bundle", w));
	TRY(digest(DIGEST_SHA256, out->bytes, found, w));
	if (memcmp(found, want, sizeof(want)) == 0)
		return rc_of(OK);
	r = deny(w, E_DENIED, "bundle.digest", "%s \"%s\" is not the piece that was signed for", out->kind, out->key);
	why_compared(w, "sha256", hex_text(a, slice_of(found, 32)), hex_text(a, slice_of(want, 32)));
	return r;
}

static RC read_manifest(struct slice line, const struct pkey *key, struct arena *a, const struct json **pieces, int64_t *made_s,
			struct why *w)
{
	struct slice type = {0}, format, made;
	struct json *doc;
	struct jws jws;

	TRY(jws_parse(line, a, &jws, w));
	TRY(jws_verify(&jws, key, jwa_default(key), w));
	/* The key may sign other things as well. */
	TRY(json_opt_str(jws.header, "typ", &type, "bundle", w));
	if (!slice_is(type, BUNDLE_TYPE))
		return deny(w, E_DENIED, "bundle.type", "what is signed is no bundle: typ must be " BUNDLE_TYPE);
	TRY(json_parse(a, jws.payload, NULL, &doc, w));
	TRY(json_need_str(doc, "format", &format, "bundle", w));
	if (!slice_is(format, FORMAT))
		return deny(w, E_UNSUPPORTED, "bundle.format", "the format is \"" SLICE_FMT "\", expected " FORMAT,
			    SLICE_ARG(slice_sub(format, 0, 64)));
	TRY(json_need_str(doc, "made", &made, "bundle", w));
	TRY(time_parse_rfc3339(made, made_s, w));
	TRY(json_need(doc, "pieces", JSON_ARRAY, pieces, "bundle", w));
	return (*pieces)->n > BUNDLE_PIECES_MAX ? too_many(w) : rc_of(OK);
}

rc bundle_read(struct slice text, const struct pkey *key, struct arena *a, struct bundle *out, struct why *w)
{
	const struct json *list;
	struct bundle b;
	struct slice line;

	if (text.n > BUNDLE_MAX)
		return deny(w, E_LIMIT, "bundle.size", "%zu bytes, a bundle has at most %zu", text.n, BUNDLE_MAX);
	TRY(next_line(&text, "the manifest", &line, w));
	TRY(note(w, read_manifest(line, key, a, &list, &b.made_s, w), "reading the manifest of a bundle"));
	b.n = list->n;
	b.pieces = arena_array(a, b.n + 1, struct collateral_piece);
	if (!b.pieces)
		return no_memory(w);
	for (size_t i = 0; i < b.n; i++)
		TRY(note(w, read_piece(list->items[i], &text, a, &b.pieces[i], w), "reading piece %zu of a bundle", i + 1));
	if (text.n)
		return deny(w, E_MALFORMED, "bundle.trailing", "%zu bytes behind the last piece", text.n);
	*out = b;
	return rc_of(OK);
}

/* ---- into the cache ---- */

static bool is_chain_of(const struct collateral_piece *chain, const struct collateral_piece *doc)
{
	size_t n = strlen(doc->kind);

	return strncmp(chain->kind, doc->kind, n) == 0 && strcmp(chain->kind + n, "-chain") == 0 && strcmp(chain->key, doc->key) == 0;
}

/* The place of the other one that `is_chain_of` ties to piece i, or n. */
static size_t partner(const struct bundle *b, size_t i)
{
	for (size_t k = 0; k < b->n; k++)
		if (is_chain_of(&b->pieces[k], &b->pieces[i]) || is_chain_of(&b->pieces[i], &b->pieces[k]))
			return k;
	return b->n;
}

rc bundle_import(struct store *store, const struct clock *clock, const struct bundle *b, bundle_refused_fn *refused, void *ctx,
		 struct bundle_result *out, struct why *w)
{
	struct bundle_result result = {0};

	for (size_t i = 0; i < b->n; i++) {
		size_t other = partner(b, i), n = other < b->n ? 2 : 1;
		struct collateral_piece two[2] = {b->pieces[i]};
		struct arena *a;
		struct why inner;
		bool older;
		rc r;

		if (other < i)
			continue;	/* went with its partner */
		if (n == 2)
			two[1] = b->pieces[other];
		a = arena_new((size_t)1 << 20);
		if (!a)
			return no_memory(w);
		inner = why_in(a);
		r = cache_put(store, clock, NULL, two, n, &inner);
		older = r.code == E_DENIED && strcmp(why_reason(&inner), "collateral.older") == 0;
		if (!rc_ok(r) && refused)
			refused(&b->pieces[i], &inner, ctx);
		if (r.code == E_UNAVAILABLE || r.code == E_INTERNAL)
			r = deny(w, r.code, "bundle.store", "%s", why_text(&inner));
		else
			*(rc_ok(r) ? &result.imported : older ? &result.older : &result.refused) += n;
		arena_free(a);
		if (r.code == E_UNAVAILABLE || r.code == E_INTERNAL)
			return r;
	}
	*out = result;
	return rc_of(OK);
}
