#include "kbs/rcar.h"

#include <stdlib.h>

#include "base/num.h"
#include "codec/base64.h"

/* ---- names and versions ---- */

static const char *const tees[] = {"az-snp-vtpm", "az-tdx-vtpm", "cca", "csv", "dpu", "hygondcu", "nitro", "nvidia", "sample",
				   "sampledevice", "se", "sgx", "snp", "tdx", "tpm"};

static bool is_plugin(struct slice name)
{
	for (size_t i = 0; i < name.n; i++)
		if (!((name.p[i] >= 'a' && name.p[i] <= 'z') || (name.p[i] >= '0' && name.p[i] <= '9') || name.p[i] == '-'))
			return false;
	return name.n > 2 && name.n < 32 && slice_starts(name, SLICE_LIT("x-"));
}

const char *rcar_tee(struct slice name, struct arena *a)
{
	if (slice_is(name, "azsnpvtpm"))
		return "az-snp-vtpm";
	if (slice_is(name, "aztdxvtpm"))
		return "az-tdx-vtpm";
	for (size_t i = 0; i < COUNT_OF(tees); i++)
		if (slice_is(name, tees[i]))
			return tees[i];
	return is_plugin(name) ? arena_strndup(a, name.p, name.n) : NULL;
}

static const char *const version_names[] = {NULL, "0.1.0", "0.1.1", "0.2.0", "0.3.0", "0.4.0"};

const char *rcar_version_name(enum rcar_version v)
{
	return version_names[v];
}

/* One decimal component of a semantic version, at *at. */
static bool semver_part(struct slice s, size_t *at, unsigned *out)
{
	size_t from = *at;
	unsigned v = 0;

	while (*at < s.n && s.p[*at] >= '0' && s.p[*at] <= '9' && *at - from < 6)
		v = v * 10 + (unsigned)(s.p[(*at)++] - '0');
	*out = v;
	return *at > from && (s.p[from] != '0' || *at - from == 1);
}

static bool build_metadata_ok(struct slice s, size_t at)
{
	if (at == s.n)
		return true;
	if (s.p[at] != '+' || at + 1 == s.n)
		return false;
	for (at++; at < s.n; at++) {
		uint8_t c = s.p[at];

		if (!((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '-' || c == '.'))
			return false;
	}
	return true;
}

/* kbs-protocol-versions.md 9.1: build metadata is ignored, pre-releases are refused; whatever is not above 0.1.0 is 0.1.0. */
static bool parse_version(struct slice s, enum rcar_version *out)
{
	unsigned major, minor, patch;
	size_t at = 0;

	if (!semver_part(s, &at, &major) || at >= s.n || s.p[at++] != '.' || !semver_part(s, &at, &minor) || at >= s.n ||
	    s.p[at++] != '.' || !semver_part(s, &at, &patch) || !build_metadata_ok(s, at) || major != 0)
		return false;
	if (minor == 0 || (minor == 1 && patch == 0))
		*out = RCAR_010;
	else if (minor == 1 && patch == 1)
		*out = RCAR_011;
	else if (minor >= 2 && minor <= 4 && patch == 0)
		*out = minor == 2 ? RCAR_020 : minor == 3 ? RCAR_030 : RCAR_040;
	else
		return false;
	return true;
}

rc rcar_parse_request(struct arena *a, struct slice body, struct rcar_request *out, struct why *w)
{
	struct rcar_request q;
	struct slice version, tee;
	struct json *doc;
	rc r;

	TRY(json_parse(a, body, &(struct json_limits){.max_bytes = 65536, .max_depth = 16, .max_nodes = 4096}, &doc, w));
	TRY(json_need_str(doc, "version", &version, "Request", w));
	if (!parse_version(version, &q.version)) {
		r = deny(w, E_UNSUPPORTED, "rcar.version",
			 "KBS Client Protocol Version Mismatch: expect =0.4.0 while the request is " SLICE_FMT
			 " (0.1.0, 0.1.1, 0.2.0 and 0.3.0 are served as well)",
			 SLICE_ARG(slice_sub(version, 0, 64)));
		why_compared(w, "version", arena_strndup(a, version.p, MIN_OF(version.n, (size_t)64)),
			     "0.1.0, 0.1.1, 0.2.0, 0.3.0 or 0.4.0");
		return r;
	}
	TRY(json_need_str(doc, "tee", &tee, "Request", w));
	q.tee = rcar_tee(tee, a);
	if (!q.tee)
		return deny(w, E_UNSUPPORTED, "rcar.tee", "unknown TEE \"" SLICE_FMT "\"", SLICE_ARG(slice_sub(tee, 0, 64)));
	q.extra_params = json_get(doc, "extra-params");
	if (!q.extra_params)
		return deny(w, E_MALFORMED, "json.member", "Request: member \"extra-params\" is absent");
	*out = q;
	return rc_of(OK);
}

rc rcar_select_hash(const struct rcar_request *q, enum digest_alg alg, enum digest_alg *selected, struct why *w)
{
	const struct json *list = json_get(q->extra_params, "supported-hash-algorithms");

	*selected = 0;
	if (!list)
		return rc_of(OK);
	for (size_t i = 0; json_is(list, JSON_ARRAY) && i < list->n; i++)
		if (json_is(list->items[i], JSON_STRING) && digest_by_name(list->items[i]->text) == alg)
			*selected = alg;
	return *selected ? rc_of(OK) : deny(w, E_UNSUPPORTED, "rcar.hash", "supported-hash-algorithms: %s is needed", digest_name(alg));
}

struct slice rcar_challenge(struct arena *a, struct slice nonce, enum digest_alg selected_or_0)
{
	struct json *doc = json_new_object(a), *extra;

	json_set(a, doc, "nonce", json_new_str(a, nonce));
	if (selected_or_0) {
		extra = json_new_object(a);
		json_set(a, extra, "selected-hash-algorithm", json_new_cstr(a, digest_name(selected_or_0)));
	} else {
		extra = json_new_cstr(a, "");
	}
	json_set(a, doc, "extra-params", extra);
	return json_text(a, doc);
}

/* ---- the guest's key ---- */

struct tee_key {
	const struct json *hashed;	/* known members, values as received */
	const struct json *jwk;		/* normalised; the same object from dialect 3 on */
	struct slice concat[2];		/* the texts that the oldest dialects append to the nonce */
	bool only_concat;		/* dialects 1 and 2 */
	bool may_concat;		/* dialect 3, which looks like 4 */
};

static rc copy_member(struct arena *a, const struct json *from, struct json *to, const char *name, struct why *w)
{
	const struct json *v;

	TRY(json_need(from, name, JSON_STRING, &v, "tee-pubkey", w));
	json_set(a, to, name, v);
	return rc_of(OK);
}

static rc key_known_members(struct arena *a, const struct json *in, struct json **out, struct why *w)
{
	static const char *const rsa[] = {"kty", "alg", "n", "e", NULL}, *const ec[] = {"kty", "crv", "alg", "x", "y", NULL},
				 *const akp[] = {"kty", "alg", "pub", NULL};
	struct json *k = json_new_object(a);
	const char *const *names;
	struct slice kty;

	TRY(json_need_str(in, "kty", &kty, "tee-pubkey", w));
	if (slice_is(kty, "RSA"))
		names = rsa;
	else if (slice_is(kty, "EC"))
		names = ec;
	else if (slice_is(kty, "AKP"))
		names = akp;
	else
		return deny(w, E_UNSUPPORTED, "rcar.key", "tee-pubkey of kty \"" SLICE_FMT "\", taken are EC, RSA, AKP",
			    SLICE_ARG(slice_sub(kty, 0, 32)));
	for (; *names; names++)
		TRY(copy_member(a, in, k, *names, w));
	*out = k;
	return rc_of(OK);
}

/* Dialects 1 and 2 carry padded base64 of the standard alphabet; tokens and JWEs want base64url. */
static rc old_number(struct arena *a, const struct json *in, const char *name, const char *jwk_name, struct json *jwk,
		     struct slice *text, struct why *w)
{
	struct slice bytes;

	TRY(json_need_str(in, name, text, "tee-pubkey", w));
	TRY(b64_decode(a, B64_STD, *text, &bytes, name, w));
	json_set(a, jwk, jwk_name, json_new_str(a, b64_text(a, B64_URL, bytes)));
	return rc_of(OK);
}

static rc key_before_jwk(struct arena *a, const struct json *in, struct tee_key *k, struct why *w)
{
	bool first = json_get(in, "k-mod") != NULL;
	struct json *jwk = json_new_object(a);
	const struct json *alg;

	TRY(json_need(in, "alg", JSON_STRING, &alg, "tee-pubkey", w));
	json_set(a, jwk, "kty", json_new_cstr(a, "RSA"));
	json_set(a, jwk, "alg", alg);
	TRY(old_number(a, in, first ? "k-mod" : "n", "n", jwk, &k->concat[0], w));
	TRY(old_number(a, in, first ? "k-exp" : "e", "e", jwk, &k->concat[1], w));
	k->jwk = k->hashed = jwk;
	k->only_concat = true;
	return rc_of(OK);
}

static rc read_key(struct arena *a, const struct json *in, enum rcar_version version, bool allow_rsa1_5, struct tee_key *out,
		   struct why *w)
{
	struct tee_key k = {0};
	struct json *known;
	bool rsa1_5;

	if (!json_is(in, JSON_OBJECT))
		return deny(w, E_MALFORMED, "json.member", "Attestation: member \"tee-pubkey\" must be object, it is %s",
			    json_kind_name(in));
	if (version == RCAR_010 && !json_get(in, "kty")) {
		TRY(key_before_jwk(a, in, &k, w));
	} else {
		TRY(key_known_members(a, in, &known, w));
		k.jwk = k.hashed = known;
		if (version == RCAR_010) {
			if (!json_get(known, "n"))
				return deny(w, E_UNSUPPORTED, "rcar.key", "protocol 0.1.0 knows RSA keys only");
			k.may_concat = true;
			k.concat[0] = json_get(known, "n")->text;
			k.concat[1] = json_get(known, "e")->text;
		}
	}
	rsa1_5 = slice_is(json_get(k.jwk, "alg")->text, "RSA1_5");
	/* The concatenation covers neither alg nor kty: the algorithm is fixed instead (kbs-protocol-versions.md 9.3). */
	if (version == RCAR_010 && !rsa1_5)
		return deny(w, E_UNSUPPORTED, "rcar.key", "protocol 0.1.0 knows the algorithm RSA1_5 only");
	if (rsa1_5 && version > RCAR_011)
		return deny(w, E_UNSUPPORTED, "rcar.rsa1_5", "RSA1_5 is taken from 0.1.x clients only, this one speaks %s",
			    rcar_version_name(version));
	if (rsa1_5 && !allow_rsa1_5)
		return deny(w, E_UNSUPPORTED, "rcar.rsa1_5",
			    "the client asks for RSA PKCS#1 v1.5 key transport, which the configuration does not allow "
			    "([protocol] allow_rsa1_5)");
	*out = k;
	return rc_of(OK);
}

/* ---- what evidence is bound to ---- */

static rc hash_jcs(struct arena *a, enum digest_alg hash, const struct json *v, struct slice *out, struct why *w)
{
	struct buf b = buf_in(a, 0);
	uint8_t *d = arena_alloc(a, DIGEST_MAX);

	if (!d)
		return deny(w, E_LIMIT, "rcar.memory", "no room");
	TRY(json_write_jcs(&b, v, w));
	TRY(digest(hash, buf_view(&b), d, w));
	*out = slice_of(d, digest_size(hash));
	return rc_of(OK);
}

static rc hash_concat(struct arena *a, struct slice nonce, const struct tee_key *k, struct slice *out, struct why *w)
{
	const struct slice parts[] = {nonce, k->concat[0], k->concat[1]};
	uint8_t *d = arena_alloc(a, DIGEST_MAX);

	if (!d)
		return deny(w, E_LIMIT, "rcar.memory", "no room");
	TRY(digest_parts(DIGEST_SHA384, parts, 3, d, w));
	*out = slice_of(d, digest_size(DIGEST_SHA384));
	return rc_of(OK);
}

static struct json *runtime_data(struct arena *a, const struct json *additional, struct slice nonce, const struct json *key)
{
	struct json *o = json_new_object(a);

	if (additional)
		json_set(a, o, "additional-evidence", additional);
	json_set(a, o, "nonce", json_new_str(a, nonce));
	json_set(a, o, "tee-pubkey", key);
	return o;
}

/* ---- the attestation ---- */

struct parts {
	const struct json *key;
	struct slice primary;		/* JSON text */
	const struct json *additional;	/* string value; NULL before 0.3.0 */
};

static rc split(struct arena *a, const struct json *doc, enum rcar_version version, struct slice nonce, struct parts *p,
		struct why *w)
{
	const struct json *evidence = json_get(doc, "tee-evidence"), *runtime, *primary;
	struct slice text, sent_nonce;
	struct json *inner;

	p->key = json_get(doc, "tee-pubkey");
	if (version == RCAR_040) {
		TRY(json_need(doc, "runtime-data", JSON_OBJECT, &runtime, "Attestation", w));
		TRY(json_need_str(runtime, "nonce", &sent_nonce, "runtime-data", w));
		if (!slice_eq(sent_nonce, nonce))
			return deny(w, E_DENIED, "rcar.nonce-mismatch", "runtime-data.nonce is not the nonce of this challenge");
		p->key = json_get(runtime, "tee-pubkey");
	}
	if (!evidence)
		return deny(w, E_MALFORMED, "json.member", "Attestation: member \"tee-evidence\" is absent");
	if (version == RCAR_010) {
		TRY(json_need_str(doc, "tee-evidence", &text, "Attestation", w));
		TRY(json_parse(a, text, NULL, &inner, w));
		p->primary = text;
	} else if (version <= RCAR_020) {
		p->primary = evidence->raw;
	} else {
		primary = json_get(evidence, "primary_evidence");
		if (!primary)
			return deny(w, E_MALFORMED, "json.member", "tee-evidence: member \"primary_evidence\" is absent");
		p->primary = primary->raw;
		TRY(json_need(evidence, "additional_evidence", JSON_STRING, &p->additional, "tee-evidence", w));
	}
	return rc_of(OK);
}

static int by_tee(const void *x, const void *y)
{
	const struct rcar_item *a = x, *b = y;

	return strcmp(a->tee, b->tee);
}

static rc add_devices(struct arena *a, const struct parts *p, struct slice nonce, const struct json *key, enum digest_alg hash,
		      struct rcar_attestation *out, struct why *w)
{
	struct rcar_item device = {.digest_n = 1};
	struct json *map;

	if (!p->additional || p->additional->text.n == 0)
		return rc_of(OK);
	TRY(json_parse(a, p->additional->text, NULL, &map, w));
	if (map->kind != JSON_OBJECT)
		return deny(w, E_MALFORMED, "rcar.additional", "additional_evidence must hold a JSON object, it holds %s",
			    json_kind_name(map));
	if (map->n > RCAR_ITEMS_MAX - 1)
		return deny(w, E_LIMIT, "rcar.additional", "%zu pieces of additional evidence, at most %u are taken", map->n,
			    RCAR_ITEMS_MAX - 1);
	device.runtime_data = runtime_data(a, NULL, nonce, key);
	TRY(hash_jcs(a, hash, device.runtime_data, &device.digest[0], w));
	for (size_t i = 0; i < map->n; i++) {
		device.tee = rcar_tee(map->members[i].name, a);
		if (!device.tee)
			return deny(w, E_UNSUPPORTED, "rcar.tee", "unknown TEE \"" SLICE_FMT "\" in additional_evidence",
				    SLICE_ARG(slice_sub(map->members[i].name, 0, 64)));
		device.evidence = map->members[i].value->raw;
		for (unsigned k = 1; k < out->items_n; k++)
			if (strcmp(out->items[k].tee, device.tee) == 0)
				return deny(w, E_MALFORMED, "rcar.additional", "%s stands twice in additional_evidence",
					    device.tee);
		out->items[out->items_n++] = device;
	}
	/* The order must not depend on how a client's map iterates: gpu0, gpu1 keep their numbers. */
	qsort(out->items + 1, out->items_n - 1, sizeof(out->items[0]), by_tee);
	return rc_of(OK);
}

static rc read_init_data(const struct json *doc, enum rcar_version version, struct rcar_attestation *out, struct why *w)
{
	const struct json *v = json_get(doc, "init-data");
	struct slice format;

	if (version != RCAR_040 || !v || v->kind == JSON_NULL)
		return rc_of(OK);
	TRY(json_need_str(v, "format", &format, "init-data", w));
	if (!slice_is(format, "toml"))
		return deny(w, E_UNSUPPORTED, "rcar.init-data", "init-data of format \"" SLICE_FMT "\", taken is: toml",
			    SLICE_ARG(slice_sub(format, 0, 32)));
	return json_need_str(v, "body", &out->init_data, "init-data", w);
}

rc rcar_parse_attestation(struct arena *a, struct slice body, enum rcar_version version, const char *tee, struct slice nonce,
			  enum digest_alg hash, bool allow_rsa1_5, struct rcar_attestation *out, struct why *w)
{
	struct rcar_attestation at = {.items_n = 1};
	struct rcar_item *first = &at.items[0];
	struct parts p = {0};
	struct tee_key key;
	struct json *doc;

	if (!hash)
		hash = DIGEST_SHA384;
	TRY(json_parse(a, body, NULL, &doc, w));
	if (doc->kind != JSON_OBJECT)
		return deny(w, E_MALFORMED, "json.member", "Attestation must be an object, it is %s", json_kind_name(doc));
	TRY(split(a, doc, version, nonce, &p, w));
	TRY(read_key(a, p.key, version, allow_rsa1_5, &key, w));
	first->tee = tee;
	first->evidence = p.primary;
	first->runtime_data = runtime_data(a, p.additional, nonce, key.jwk);
	if (key.only_concat || key.may_concat)
		TRY(hash_concat(a, nonce, &key, &first->digest[first->digest_n++], w));
	if (!key.only_concat)
		TRY(hash_jcs(a, hash, runtime_data(a, p.additional, nonce, key.hashed), &first->digest[first->digest_n++], w));
	TRY(add_devices(a, &p, nonce, key.jwk, hash, &at, w));
	TRY(read_init_data(doc, version, &at, w));
	at.tee_pubkey = key.jwk;
	if (arena_bad(a))
		return deny(w, E_LIMIT, "rcar.memory", "no room for the attestation");
	*out = at;
	return rc_of(OK);
}
