#include "verifier/cca/token.h"

#include "evidence/octets.h"

#define TAG_CCA 399u
enum { KEY_PLATFORM = 44234, KEY_REALM = 44241 };

#define PROFILE_LEGACY "http://arm.com/CCA-SSD/1.0.0"
#define PROFILE_PLATFORM "tag:arm.com,2023:cca_platform#1.0.0"
#define PROFILE_REALM "tag:arm.com,2023:realm#1.0.0"

/* ---- claims by table: key, kind, sizes ---- */

enum size_rule { SIZE_ANY, SIZE_HASH, SIZE_32, SIZE_33, SIZE_64 };

static bool size_fits(enum size_rule rule, size_t n)
{
	switch (rule) {
	case SIZE_ANY:
		return n <= 4096;
	case SIZE_HASH:
		return n == 32 || n == 48 || n == 64;
	case SIZE_32:
		return n == 32;
	case SIZE_33:
		return n == 33;
	case SIZE_64:
		return n == 64;
	}
	return false;
}

struct claim {
	int64_t key;
	enum cbor_kind kind;	/* bytes or text */
	enum size_rule size;
	bool optional;
	size_t at;		/* offset of a struct slice */
	const char *name;
};

static RC read_claims(const struct cbor *map, const struct claim *table, size_t n, void *into, struct why *w)
{
	for (size_t i = 0; i < n; i++) {
		const struct cbor *v = cbor_get_int(map, table[i].key);
		struct slice *field = (struct slice *)(void *)((uint8_t *)into + table[i].at);

		if (!v && table[i].optional)
			continue;
		if (!cbor_is(v, table[i].kind))
			return deny(w, E_MALFORMED, "cca.parse.claim", "%s (%lld) is %s", table[i].name, (long long)table[i].key,
				    cbor_kind_name(v));
		if (!size_fits(table[i].size, v->bytes.n))
			return deny(w, E_MALFORMED, "cca.parse.claim", "%s (%lld) has %zu bytes", table[i].name,
				    (long long)table[i].key, v->bytes.n);
		*field = v->bytes;
	}
	return rc_of(OK);
}

#define AT(type, field) offsetof(struct type, field)

static const struct claim platform_claims[] = {
	{265, CBOR_TEXT, SIZE_ANY, false, AT(cca_platform, profile), "profile"},
	{10, CBOR_BYTES, SIZE_HASH, false, AT(cca_platform, challenge), "platform challenge"},
	{2396, CBOR_BYTES, SIZE_32, false, AT(cca_platform, implementation_id), "implementation id"},
	{256, CBOR_BYTES, SIZE_33, false, AT(cca_platform, instance_id), "instance id"},
	{2401, CBOR_BYTES, SIZE_ANY, false, AT(cca_platform, config), "configuration"},
	{2402, CBOR_TEXT, SIZE_ANY, false, AT(cca_platform, hash_alg), "hash algorithm"},
	{2400, CBOR_TEXT, SIZE_ANY, true, AT(cca_platform, service), "verification service"},
};

static const struct claim sw_claims[] = {
	{1, CBOR_TEXT, SIZE_ANY, true, AT(cca_sw, type), "component type"},
	{2, CBOR_BYTES, SIZE_HASH, false, AT(cca_sw, measurement), "component measurement"},
	{4, CBOR_TEXT, SIZE_ANY, true, AT(cca_sw, version), "component version"},
	{5, CBOR_BYTES, SIZE_HASH, false, AT(cca_sw, signer), "component signer"},
	{6, CBOR_TEXT, SIZE_ANY, true, AT(cca_sw, hash_alg), "component hash algorithm"},
};

static const struct claim realm_claims[] = {
	{265, CBOR_TEXT, SIZE_ANY, true, AT(cca_realm, profile), "profile"},
	{10, CBOR_BYTES, SIZE_64, false, AT(cca_realm, challenge), "realm challenge"},
	{44235, CBOR_BYTES, SIZE_64, false, AT(cca_realm, personalization), "personalization value"},
	{44236, CBOR_TEXT, SIZE_ANY, false, AT(cca_realm, hash_alg), "hash algorithm"},
	{44237, CBOR_BYTES, SIZE_ANY, false, AT(cca_realm, rak), "realm attestation key"},
	{44238, CBOR_BYTES, SIZE_HASH, false, AT(cca_realm, rim), "initial measurement"},
	{44240, CBOR_TEXT, SIZE_ANY, false, AT(cca_realm, rak_hash_alg), "hash algorithm of the key"},
};

static RC read_platform(const struct cbor *map, struct cca_platform *p, struct why *w)
{
	const struct cbor *sw;

	TRY(read_claims(map, platform_claims, sizeof(platform_claims) / sizeof(platform_claims[0]), p, w));
	if (!slice_is(p->profile, PROFILE_LEGACY) && !slice_is(p->profile, PROFILE_PLATFORM))
		return deny(w, E_UNSUPPORTED, "cca.unsupported.profile", "platform profile " SLICE_FMT, SLICE_ARG(p->profile));
	if (p->instance_id.p[0] != 0x01)
		return deny(w, E_MALFORMED, "cca.parse.claim", "the instance id begins with 0x%02x, expected 0x01",
			    p->instance_id.p[0]);
	if (!cbor_u64(cbor_get_int(map, 2395), &p->lifecycle) || p->lifecycle > UINT16_MAX)
		return deny(w, E_MALFORMED, "cca.parse.claim", "the lifecycle (2395) is no 16-bit number");
	sw = cbor_get_int(map, 2399);
	if (!cbor_is(sw, CBOR_ARRAY) || sw->n > CCA_SW_MAX)
		return deny(w, E_MALFORMED, "cca.parse.claim", "software components (2399): expected an array of at most %u",
			    CCA_SW_MAX);
	for (size_t i = 0; i < sw->n; i++) {
		if (!cbor_is(cbor_at(sw, i), CBOR_MAP))
			return deny(w, E_MALFORMED, "cca.parse.claim", "software component %zu is no map", i);
		TRY(read_claims(cbor_at(sw, i), sw_claims, sizeof(sw_claims) / sizeof(sw_claims[0]), &p->sw[i], w));
	}
	p->sw_n = (unsigned)sw->n;
	return rc_of(OK);
}

static RC read_realm(const struct cbor *map, struct cca_realm *r, struct why *w)
{
	const struct cbor *rem;

	TRY(read_claims(map, realm_claims, sizeof(realm_claims) / sizeof(realm_claims[0]), r, w));
	if (r->profile.p && !slice_is(r->profile, PROFILE_REALM))
		return deny(w, E_UNSUPPORTED, "cca.unsupported.profile", "realm profile " SLICE_FMT, SLICE_ARG(r->profile));
	rem = cbor_get_int(map, 44239);
	if (!cbor_is(rem, CBOR_ARRAY) || rem->n != CCA_REMS)
		return deny(w, E_MALFORMED, "cca.parse.claim", "extensible measurements (44239): expected an array of %u", CCA_REMS);
	for (size_t i = 0; i < CCA_REMS; i++) {
		if (!cbor_is(cbor_at(rem, i), CBOR_BYTES) || !size_fits(SIZE_HASH, cbor_at(rem, i)->bytes.n))
			return deny(w, E_MALFORMED, "cca.parse.claim", "extensible measurement %zu is no hash", i);
		r->rem[i] = cbor_at(rem, i)->bytes;
	}
	return rc_of(OK);
}

/* ---- the collection ---- */

static RC part(struct arena *a, const struct cbor *outer, int64_t key, const char *name, struct cose_sign1 *cose,
	       const struct cbor **claims, struct why *w)
{
	const struct cbor *bytes = cbor_get_int(outer, key);
	struct why inner = why_in(a);
	struct cbor *map;
	rc r;

	if (!cbor_is(bytes, CBOR_BYTES))
		return deny(w, E_MALFORMED, "cca.parse.token", "the %s token is %s, expected a byte string", name,
			    cbor_kind_name(bytes));
	r = cose_sign1_parse(a, bytes->bytes, COSE_TAG_OPTIONAL, cose, &inner);
	TRY(note(w, recast(r, &inner, "cca.parse.cose", "cca.unsupported.cose", w), "the %s token", name));
	if (!cose->payload.p)
		return deny(w, E_MALFORMED, "cca.parse.cose", "the %s token has no payload", name);
	r = cbor_parse(a, cose->payload, NULL, &map, &inner);
	TRY(note(w, recast(r, &inner, "cca.parse.cbor", "cca.unsupported.cbor", w), "the claims of the %s token", name));
	if (map->kind != CBOR_MAP)
		return deny(w, E_MALFORMED, "cca.parse.token", "the claims of the %s token are no map", name);
	*claims = map;
	return rc_of(OK);
}

RC cca_token_parse(struct arena *a, struct slice in, struct cca_token *out, struct why *w)
{
	struct why inner = why_in(a);
	const struct cbor *outer, *claims;
	struct cca_token t = {0};
	struct cbor *v;

	TRY(recast(cbor_parse(a, in, NULL, &v, &inner), &inner, "cca.parse.cbor", "cca.unsupported.cbor", w));
	outer = cbor_untag(v, TAG_CCA);
	if (!cbor_is(outer, CBOR_MAP))
		return deny(w, E_MALFORMED, "cca.parse.token", "no CCA token: expected a map under tag %u", TAG_CCA);
	TRY(part(a, outer, KEY_PLATFORM, "platform", &t.platform_cose, &claims, w));
	TRY(read_platform(claims, &t.platform, w));
	TRY(part(a, outer, KEY_REALM, "realm", &t.realm_cose, &claims, w));
	TRY(read_realm(claims, &t.realm, w));
	*out = t;
	return rc_of(OK);
}

RC cca_rak(const struct cca_realm *realm, struct arena *a, struct pkey **out, struct why *w)
{
	struct why inner = why_in(a);
	struct cbor *key = NULL;
	rc r;

	if (!realm->profile.p) {
		if (realm->rak.n != 97 || realm->rak.p[0] != 4)
			return deny(w, E_MALFORMED, "cca.parse.rak", "the realm key has %zu bytes, expected an uncompressed P-384 point",
				    realm->rak.n);
		r = pkey_from_ec_xy(KEY_P384, slice_sub(realm->rak, 1, 48), slice_sub(realm->rak, 49, 48), out, &inner);
	} else {
		r = cbor_parse(a, realm->rak, NULL, &key, &inner);
		if (rc_ok(r))
			r = cose_key_from(key, out, &inner);
	}
	return recast(r, &inner, "cca.parse.rak", "cca.unsupported.rak", w);
}
