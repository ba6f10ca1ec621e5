/* The whole handshake for every shape of the laboratory: challenge, evidence made for it, verification in a sandboxed worker with
 * collateral from the cache, appraisal by the default policy, a secret released to the guest's key. Then with one field changed: the
 * secret stays, and the explanation names that claim and no other. */
#include "kbs/test_fix.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "codec/base64.h"
#include "collateral/collateral.h"
#include "crypto/jose/jwe.h"
#include "crypto/jose/jwk.h"
#include "kbs/kbs.h"
#include "lab/lab.h"
#include "verifier/pool.h"

#define SECRET_TEXT "the secret of the guest"
#define POLICY                                                                                                                 \
	"package policy\nimport rego.v1\ndefault allow := false\n"                                                              \
	"allow if { every name, sub in input.submods { sub[\"ear.status\"] == \"affirming\" } }\n"

static struct pool *pool;

/* What attests: a CPU, and beside it a device where that is what the test is about. */
struct guest {
	struct lab_world cpu, device;	/* tee of the device NULL: none */
};

/* A broker that trusts one guest's worlds. */
struct broker {
	struct fix *f;
	char dir[32];
	struct kms *kms;
	struct rvps *rvps;
	struct collateral_source vendor;
	struct collateral *collateral;
	struct as *as;
	struct audit *audit;
	struct kbs *kbs;
	struct pkey *signer, *host_key;
	struct secret challenge_key, seal_key;
	struct as_se se;
	const struct pkey *host_keys[1];
	struct pkey *guest;	/* private key of the guest, for the release */
};

static void add_trust(struct broker *b, const struct lab_world *l)
{
	struct why *w = &b->f->w;

	for (size_t i = 0; i < l->n; i++)
		if (l->item[i].anchor)
			OK_OR_FAIL(as_add_anchor(b->as, slice_cstr(l->item[i].anchor), l->item[i].bytes, NULL, w), w);
}

/* ---- the vendor: what the worlds hold, on a cold cache ---- */

static const struct lab_item *find_item(const struct lab_world *l, const char *kind, const char *key)
{
	for (size_t i = 0; l->tee && i < l->n; i++)
		if (l->item[i].kind && strcmp(l->item[i].kind, kind) == 0 && (!l->item[i].key[0] || !key || strcmp(l->item[i].key, key) == 0))
			return &l->item[i];
	return NULL;
}

static const struct lab_item *vendor_item(const struct guest *g, const char *kind, const char *key)
{
	const struct lab_item *it = find_item(&g->cpu, kind, key);

	return it ? it : find_item(&g->device, kind, key);
}

static const char *vendor_of(void *ctx, const char *kind)
{
	return vendor_item(ctx, kind, NULL) ? "lab" : NULL;
}

static rc vendor_fetch(void *ctx, const char *kind, const char *key, const struct collateral_piece *held, struct arena *a,
		       struct collateral_answer *out, struct why *w)
{
	const struct lab_item *it = vendor_item(ctx, kind, key);

	(void)held;
	if (!it)
		return deny(w, E_NOTFOUND, "lab.absent", "the lab has no %s %s", kind, key);
	*out = (struct collateral_answer){.piece[0] = {kind, arena_strdup(a, key), it->bytes}, .n = 1};
	return rc_of(OK);
}

static void add_values(struct broker *b, const char *values)
{
	struct why *w = &b->f->w;
	struct json *v;

	OK_OR_FAIL(json_parse(b->f->a, slice_cstr(values), NULL, &v, w), w);
	for (size_t i = 0; i < v->n; i++)
		OK_OR_FAIL(rvps_set(b->rvps, v->members[i].name, v->members[i].value, 0, w), w);
}

/* The operator's part for Secure Execution: host key and image header. */
static void set_up_se(struct broker *b, const struct lab_world *l, struct as_config *c)
{
	struct why *w = &b->f->w;
	struct slice header = lab_item(l, "image.hdr");
	struct buf tags = buf_in(b->f->a, 0);

	OK_OR_FAIL(secret_random(&b->seal_key, 32, w), w);
	OK_OR_FAIL(pkey_from_pem(lab_item(l, "host.pem"), &b->host_key, w), w);
	buf_slice(&tags, slice_sub(header, 0xe0, 192));
	buf_slice(&tags, slice_sub(header, header.n - 16, 16));
	b->host_keys[0] = b->host_key;
	b->se = (struct as_se){.seal_key = &b->seal_key, .host_keys = b->host_keys, .host_keys_n = 1, .image_header = header,
			       .image_tags = buf_view(&tags)};
	c->se = &b->se;
}

static void broker_open(struct broker *b, struct fix *f, struct guest *g)
{
	struct admin_identity admin = {.role = "tester"};
	struct collateral_config cc = {.source = &b->vendor};
	struct kbs_outcome o;
	struct kbs_config kc = {.resource_plugin = true, .admin.mode = ADMIN_INSECURE_ALLOW_ALL};
	struct as_config ac = {0};
	struct kms_seal seal;
	const struct slice path[] = {SLICE_LIT("default"), SLICE_LIT("key"), SLICE_LIT("1")};
	struct json *doc = json_new_object(f->a);
	struct why *w = &f->w;

	*b = (struct broker){.f = f, .dir = "/tmp/warrant-tees-XXXXXX", .vendor = {vendor_of, vendor_fetch, g}};
	assert_non_null(mkdtemp(b->dir));
	seal = kms_seal_file(arena_printf(f->a, "%s/master", b->dir));
	OK_OR_FAIL(kms_open_kvstore(f->store, &seal, &b->kms, w), w);
	OK_OR_FAIL(rvps_open(f->store, &f->clock, &b->rvps, w), w);
	OK_OR_FAIL(collateral_open(f->store, &f->clock, &cc, &b->collateral, w), w);
	OK_OR_FAIL(pkey_generate(KEY_P256, 0, &b->signer, w), w);
	OK_OR_FAIL(pkey_generate(KEY_P256, 0, &b->guest, w), w);
	OK_OR_FAIL(secret_random(&b->challenge_key, 32, w), w);
	ac.signer = b->signer;
	if (strcmp(g->cpu.tee, "se") == 0)
		set_up_se(b, &g->cpu, &ac);
	OK_OR_FAIL(as_open(&(struct as_env){f->store, b->rvps, pool, b->collateral, &f->clock}, &ac, &b->as, w), w);
	OK_OR_FAIL(audit_open(f->store, b->signer, "test", &f->clock, &b->audit, w), w);
	kc.token.own_key = b->signer;
	OK_OR_FAIL(kbs_open(&(struct kbs_env){f->store, b->as, b->kms, b->audit, b->rvps, &b->challenge_key, &f->clock}, &kc, &b->kbs, w), w);
	add_trust(b, &g->cpu);
	add_values(b, lab_shape_find(g->cpu.tee)->values);
	if (g->device.tee) {
		add_trust(b, &g->device);
		add_values(b, lab_shape_find(g->device.tee)->values);
	}
	OK_OR_FAIL(kbs_put_resource(b->kbs, &admin, path, 3, slice_cstr(SECRET_TEXT), &o, w), w);
	json_set(f->a, doc, "policy", json_new_str(f->a, b64_text(f->a, B64_URL, slice_cstr(POLICY))));
	OK_OR_FAIL(kbs_set_resource_policy(b->kbs, &admin, json_text(f->a, doc), &o, w), w);
}

static void broker_close(struct broker *b)
{
	kbs_close(b->kbs);
	audit_close(b->audit);
	as_close(b->as);
	collateral_close(b->collateral);
	rvps_close(b->rvps);
	kms_close(b->kms);
	pkey_free(b->signer);
	pkey_free(b->guest);
	pkey_free(b->host_key);
	secret_free(&b->challenge_key);
	secret_free(&b->seal_key);
	unlink(arena_printf(b->f->a, "%s/master", b->dir));
	rmdir(b->dir);
}

/* ---- the guest ---- */

struct handshake {
	struct slice cookie, nonce;
	enum digest_alg hash;
	struct json *key;	/* JWK */
	rc attested, released;
	struct kbs_outcome outcome;
	struct slice jwe, token;
	const char *init_data;	/* NULL: none */
	char verdict[24];	/* decision of the attestation */
};

static void ask(struct broker *b, const char *tee, struct handshake *h)
{
	const char *extra = strcmp(tee, "se") == 0 ? "{\"supported-hash-algorithms\":[\"sha256\",\"sha384\",\"sha512\"]}" : "\"\"";
	struct why *w = &b->f->w;
	struct kbs_challenge ch;
	const struct json *selected;
	struct json *doc;

	OK_OR_FAIL(kbs_auth(b->kbs, slice_cstr(arena_printf(b->f->a, "{\"version\":\"0.4.0\",\"tee\":\"%s\",\"extra-params\":%s}", tee, extra)),
			    b->f->a, &ch, &h->outcome, w), w);
	h->cookie = ch.cookie;
	assert_true(ch.cookie.n < 4096);
	OK_OR_FAIL(json_parse(b->f->a, ch.body, NULL, &doc, w), w);
	h->nonce = json_get(doc, "nonce")->text;
	selected = json_pointer(doc, "/extra-params/selected-hash-algorithm");
	h->hash = selected ? digest_by_name(selected->text) : DIGEST_SHA384;
	OK_OR_FAIL(jwk_from_pkey(b->guest, b->f->a, &h->key, w), w);
	json_set(b->f->a, h->key, "alg", json_new_cstr(b->f->a, "ECDH-ES+A256KW"));
}

static struct json *runtime_data(struct arena *a, const struct handshake *h, const struct json *additional)
{
	struct json *o = json_new_object(a);

	if (additional)
		json_set(a, o, "additional-evidence", additional);
	json_set(a, o, "nonce", json_new_str(a, h->nonce));
	json_set(a, o, "tee-pubkey", h->key);
	return o;
}

static struct slice bound_to(struct broker *b, const struct handshake *h, const struct json *additional, uint8_t out[64])
{
	struct buf text = buf_in(b->f->a, 0);

	OK_OR_FAIL(json_write_jcs(&text, runtime_data(b->f->a, h, additional), &b->f->w), &b->f->w);
	OK_OR_FAIL(digest(h->hash, buf_view(&text), out, &b->f->w), &b->f->w);
	return slice_of(out, digest_size(h->hash));
}

static struct slice evidence_for(struct broker *b, const struct lab_world *l, const struct handshake *h, const struct json *additional,
				 const char *fields)
{
	struct why *w = &b->f->w;
	struct json *v = NULL;
	uint8_t d[64];
	struct lab_binding bind = {.report_data = bound_to(b, h, additional, d), .now_s = NOW};
	struct slice out;

	if (strcmp(l->tee, "se") == 0)
		bind.challenge = h->nonce;
	if (fields)
		OK_OR_FAIL(json_parse(b->f->a, slice_cstr(fields), NULL, &v, w), w);
	OK_OR_FAIL(lab_evidence(l, &bind, v, b->f->a, &out, w), w);
	return out;
}

static void attest_and_get(struct broker *b, struct handshake *h, struct slice evidence, const struct json *additional)
{
	const struct slice path[] = {SLICE_LIT("default"), SLICE_LIT("key"), SLICE_LIT("1")};
	struct kbs_caller caller = {.cookie = h->cookie};
	struct arena *a = b->f->a;
	struct buf body = buf_in(a, 0);
	struct kbs_attested at;

	buf_puts(&body, "{\"runtime-data\":");
	buf_slice(&body, json_text(a, runtime_data(a, h, NULL)));
	buf_puts(&body, ",\"tee-evidence\":{\"primary_evidence\":");
	buf_slice(&body, evidence);
	buf_puts(&body, ",\"additional_evidence\":");
	buf_slice(&body, json_text(a, additional));
	buf_puts(&body, "}");
	if (h->init_data)
		buf_printf(&body, ",\"init-data\":{\"format\":\"toml\",\"body\":%s}", (const char *)json_text(a, json_new_cstr(a, h->init_data)).p);
	buf_puts(&body, "}");
	h->attested = kbs_attest(b->kbs, &caller, buf_view(&body), a, &at, &h->outcome, &b->f->w);
	if (rc_ok(h->attested)) {
		h->token = at.token;
		memcpy(h->verdict, h->outcome.decision, sizeof(h->verdict));
		h->released = kbs_get(b->kbs, &caller, SLICE_LIT("resource"), path, 3, json_new_object(a), a, &h->jwe, &h->outcome, &b->f->w);
	}
}

/* `fields` are those of the device where there is one. */
static void run(struct broker *b, const struct guest *g, const char *fields, struct handshake *h)
{
	struct arena *a = b->f->a;
	const struct json *more = json_new_cstr(a, "");

	*h = (struct handshake){.released = {E_DENIED}, .init_data = h->init_data};
	ask(b, g->cpu.tee, h);
	if (g->device.tee) {
		struct slice one = evidence_for(b, &g->device, h, NULL, fields);

		more = json_new_cstr(a, arena_printf(a, "{\"%s\":%.*s}", g->device.tee, (int)one.n, (const char *)one.p));
	}
	attest_and_get(b, h, evidence_for(b, &g->cpu, h, more, g->device.tee ? NULL : fields), more);
}

/* ---- what must hold ---- */

static void open_guest(struct fix *f, const char *tee, const char *variant, struct guest *g)
{
	const struct lab_options o = {.variant = variant, .now_s = NOW, .small_keys = true}, plain = {.now_s = NOW, .small_keys = true};
	bool device = strcmp(tee, "nvidia") == 0 || strcmp(tee, "hygondcu") == 0;

	*g = (struct guest){0};
	OK_OR_FAIL(lab_make(tee, &o, f->a, device ? &g->device : &g->cpu, &f->w), &f->w);
	if (device)
		OK_OR_FAIL(lab_make("nitro", &plain, f->a, &g->cpu, &f->w), &f->w);
}

static void released(struct broker *b, const struct handshake *h, const char *name)
{
	SECRET(plain);

	if (!rc_ok(h->attested) || !rc_ok(h->released))
		fail_msg("%s: %s", name, why_render(&b->f->w, b->f->a));
	OK_OR_FAIL(jwe_decrypt(b->guest, h->jwe, &plain, &b->f->w), &b->f->w);
	assert_true(slice_is(secret_view(&plain), SECRET_TEXT));
}

static void each_guest_of_the_lab_gets_its_secret(void **state)
{
	struct fix *f;

	(void)state;
	for (size_t i = 0; lab_shapes[i]; i++) {
		const char *v = lab_shapes[i]->variants;

		do {
			char variant[32] = "";
			struct guest g;
			struct handshake h;
			struct broker b;
			void *own = NULL;

			if (v) {
				size_t n = strcspn(v, ",");

				snprintf(variant, sizeof(variant), "%.*s", (int)n, v);
				v += n + strspn(v + n, ", ");
			}
			fix_setup(&own);
			f = own;
			open_guest(f, lab_shapes[i]->tee, variant[0] ? variant : NULL, &g);
			broker_open(&b, f, &g);
			run(&b, &g, NULL, &h);
			released(&b, &h, arena_printf(f->a, "%s %s", lab_shapes[i]->tee, variant));
			broker_close(&b);
			fix_teardown(&own);
		} while (v && *v);
	}
}

/* The explanation of the refused release: every comparison that it shows is about this claim. */
static void names_only(struct broker *b, const struct handshake *h, const char *tee, const char *claim)
{
	struct why *w = &b->f->w;
	const struct json *appraisal;
	struct json *decision;
	size_t shown = 0;

	OK_OR_FAIL(kbs_decision(b->kbs, slice_cstr(h->outcome.decision), b->f->a, &decision, w), w);
	appraisal = json_pointer(decision, "/facts/appraisal");
	assert_true(json_is(appraisal, JSON_OBJECT));
	for (size_t i = 0; i < appraisal->n; i++) {
		const struct json *list = json_get(appraisal->members[i].value, "why");

		for (size_t k = 0; k < list->n; k++, shown++) {
			const struct json *text = json_get(list->items[k], "expression");

			if (!strstr((const char *)json_text(b->f->a, text).p, claim))
				fail_msg("%s: the explanation of %s speaks of " SLICE_FMT, tee, claim, SLICE_ARG(text->text));
		}
	}
	if (!shown)
		fail_msg("%s: nothing explains %s: %s", tee, claim, (const char *)json_text(b->f->a, decision).p);
}

#define H32(c) c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c
/* The good registers of the lab's TD, given as they are and not by a log. */
#define TDX_RTMR_1 "be0e12bb4f5f08a2c12886aa5d306289bb0baefc5d9b60196a102ea8b7b5cbe04b7d2c3098b63686deac3ae536f54731"
#define TDX_RTMR_2 "7bfd7e3c66fd8616b3e25e461c5324bb9d0c858016552a556722637d11366924f3a5c2f03a6c61a3ee534618cfe7eb1f"
#define H48(c) H32(c) c c c c c c c c c c c c c c c c

static const struct {
	const char *tee, *fields, *claim;
} changes[] = {
	{"az-snp-vtpm", "{\"events\": [[11, 13, \"6c6965\"]]}", "tpm.pcr11"},
	{"az-snp-vtpm", "{\"snp\": {\"measurement\": \"" H48("01") "\"}}", "measurement"},
	{"az-snp-vtpm", "{\"snp\": {\"policy\": 720896}}", "policy_debug_allowed"},
	{"az-snp-vtpm", "{\"snp\": {\"policy\": 458752}}", "policy_migrate_ma"},
	{"az-tdx-vtpm", "{\"events\": [[11, 13, \"6c6965\"]]}", "tpm.pcr11"},
	{"az-tdx-vtpm", "{\"tdx\": {\"mr_td\": \"" H48("01") "\"}}", "quote.body.mr_td"},
	{"az-tdx-vtpm", "{\"tdx\": {\"td_attributes\": \"0100001000000000\"}}", "td_attributes.debug"},
	{"az-tdx-vtpm", "{\"tdx\": {\"xfam\": \"e701060000000000\"}}", "quote.body.xfam"},
	{"cca", "{\"rim\": \"" H32("01") "\"}", "cca-realm-initial-measurement"},
	{"cca", "{\"implementation_id\": \"" H32("01") "\"}", "cca-platform-implementation-id"},
	{"cca", "{\"lifecycle\": 16384}", "cca-platform-secured"},
	{"cca", "{\"config\": \"01\"}", "cca-platform-config"},
	{"csv", "{\"measure\": \"01\"}", "csv.measure"},
	{"csv", "{\"policy\": 6}", "csv.policy.nodbg"},
	{"csv", "{\"policy\": 5}", "csv.policy.noks"},
	{"csv", "{\"policy\": 3}", "csv.policy.es"},
	{"hygondcu", "{\"measure\": \"01\"}", "hygondcu.body.measure"},
	{"nitro", "{\"pcr0\": \"" H48("01") "\"}", "nitro.pcrs[\\\"0\\\"]"},
	{"nitro", "{\"pcr1\": \"" H48("01") "\"}", "nitro.pcrs[\\\"1\\\"]"},
	{"nitro", "{\"pcr2\": \"" H48("01") "\"}", "nitro.pcrs[\\\"2\\\"]"},
	{"se", "{\"image_phkh\": \"01\"}", "se.image_phkh"},
	{"se", "{\"attestation_phkh\": \"01\"}", "se.attestation_phkh"},
	{"sgx", "{\"mr_enclave\": \"" H32("01") "\"}", "sgx.body.mr_enclave"},
	{"sgx", "{\"mr_signer\": \"" H32("01") "\"}", "sgx.body.mr_signer"},
	{"sgx", "{\"isv_prod_id\": 9}", "sgx.body.isv_prod_id"},
	{"sgx", "{\"isv_svn\": 1}", "sgx.body.isv_svn"},
	{"sgx", "{\"attributes\": \"0700000000000000e700000000000000\"}", "sgx.debug"},
	{"snp", "{\"measurement\": \"" H48("01") "\"}", "snp.measurement"},
	{"snp", "{\"policy\": 720896}", "snp.policy_debug_allowed"},
	{"snp", "{\"policy\": 458752}", "snp.policy_migrate_ma"},
	{"snp", "{\"vmpl\": 1}", "snp.vmpl"},
	{"tdx", "{\"events\": [], \"rtmr_1\": \"" H48("01") "\", \"rtmr_2\": \"" TDX_RTMR_2 "\"}", "tdx.quote.body.rtmr_1"},
	{"tdx", "{\"events\": [], \"rtmr_1\": \"" TDX_RTMR_1 "\", \"rtmr_2\": \"" H48("01") "\"}", "tdx.quote.body.rtmr_2"},
	{"tdx", "{\"mr_td\": \"" H48("01") "\"}", "tdx.quote.body.mr_td"},
	{"tdx", "{\"xfam\": \"e701060000000000\"}", "tdx.quote.body.xfam"},
	{"tdx", "{\"td_attributes\": \"0100001000000000\"}", "tdx.td_attributes.debug"},
	{"tpm", "{\"events\": [[11, 13, \"6c6965\"]]}", "tpm.pcr11"},
};

static void a_changed_claim_keeps_the_secret_and_is_the_one_that_is_named(void **state)
{
	struct fix *f = NULL;
	struct broker b;
	struct guest g;
	void *own = NULL;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(changes); i++) {
		bool first = i == 0 || strcmp(changes[i].tee, changes[i - 1].tee) != 0;
		struct handshake h;

		if (first && i) {
			broker_close(&b);
			fix_teardown(&own);
		}
		if (first) {
			fix_setup(&own);
			f = own;
			open_guest(f, changes[i].tee, NULL, &g);
			broker_open(&b, f, &g);
		}
		run(&b, &g, changes[i].fields, &h);
		if (!rc_ok(h.attested))
			fail_msg("%s %s: %s", changes[i].tee, changes[i].fields, why_render(&f->w, f->a));
		assert_int_equal(h.released.code, E_DENIED);
		assert_string_equal(why_reason(&f->w), "policy.denied");
		why_clear(&f->w);
		names_only(&b, &h, changes[i].tee, changes[i].claim);
	}
	broker_close(&b);
	fix_teardown(&own);
}

/* The evidence of one guest, shown by another: its key is not the one that was bound. */
static void evidence_for_another_key_gets_nothing(void **state)
{
	const struct json *none;
	struct handshake h;
	struct guest g;
	struct broker b;
	struct pkey *thief = NULL, *keep;
	struct fix *f = *state;
	struct slice stolen;

	open_guest(f, "nitro", NULL, &g);
	broker_open(&b, f, &g);
	none = json_new_cstr(f->a, "");
	h = (struct handshake){.released = {E_DENIED}};
	ask(&b, "nitro", &h);
	stolen = evidence_for(&b, &g.cpu, &h, none, NULL);
	OK_OR_FAIL(pkey_generate(KEY_P256, 0, &thief, &f->w), &f->w);
	keep = b.guest;
	b.guest = thief;
	OK_OR_FAIL(jwk_from_pkey(thief, f->a, &h.key, &f->w), &f->w);
	json_set(f->a, h.key, "alg", json_new_cstr(f->a, "ECDH-ES+A256KW"));
	attest_and_get(&b, &h, stolen, none);
	assert_int_equal(h.attested.code, E_DENIED);
	assert_string_equal(why_reason(&f->w), "nitro.nonce-mismatch");
	why_clear(&f->w);
	b.guest = keep;
	pkey_free(thief);
	broker_close(&b);
}

/* The pair of a Secure Execution guest is of its own challenge: neither another's nor a made-up one opens. */
static void a_secure_execution_guest_answers_its_own_challenge(void **state)
{
	const struct json *none;
	struct handshake first = {0}, second = {0};
	struct guest g;
	struct broker b;
	struct fix *f = *state;
	struct slice evidence;

	open_guest(f, "se", NULL, &g);
	broker_open(&b, f, &g);
	none = json_new_cstr(f->a, "");
	ask(&b, "se", &first);
	assert_int_equal(first.hash, DIGEST_SHA512);
	ask(&b, "se", &second);
	assert_false(slice_eq(first.nonce, second.nonce));
	/* bound to the second request, measured under the key of the first */
	{
		struct lab_binding bind = {.challenge = first.nonce, .now_s = NOW};
		uint8_t d[64];

		bind.report_data = bound_to(&b, &second, none, d);
		OK_OR_FAIL(lab_evidence(&g.cpu, &bind, NULL, f->a, &evidence, &f->w), &f->w);
	}
	attest_and_get(&b, &second, evidence, none);
	assert_int_equal(second.attested.code, E_DENIED);
	assert_string_equal(why_reason(&f->w), "se.decrypt.challenge");
	why_clear(&f->w);
	/* a key of the guest's own choice */
	evidence = evidence_for(&b, &g.cpu, &first, none, NULL);
	{
		struct json *doc;

		OK_OR_FAIL(json_parse(f->a, evidence, NULL, &doc, &f->w), &f->w);
		json_set(f->a, doc, "encr_measurement_key", json_new_b64(f->a, SLICE_LIT("a key of my own choice, sealed by nobody")));
		attest_and_get(&b, &first, json_text(f->a, doc), none);
	}
	assert_int_equal(first.attested.code, E_DENIED);
	assert_string_equal(why_reason(&f->w), "se.decrypt.challenge");
	why_clear(&f->w);
	broker_close(&b);
}

/* ---- init-data beside evidence that has no field for it ---- */

#define INIT_DATA "version = \"0.1.0\"\nalgorithm = \"sha256\"\n[data]\nx = \"y\"\n"
#define DEMANDS(path) "package policy\nimport rego.v1\ndefault allow := false\nallow if { some sub in input.submods; " path " }\n"
#define CLAIM "sub[\"ear.veraison.annotated-evidence\"].init_data_claims.x == \"y\""

static void set_release(struct broker *b, const char *rego)
{
	struct admin_identity admin = {.role = "tester"};
	struct json *doc = json_new_object(b->f->a);
	struct kbs_outcome o;

	json_set(b->f->a, doc, "policy", json_new_str(b->f->a, b64_text(b->f->a, B64_URL, slice_cstr(rego))));
	OK_OR_FAIL(kbs_set_resource_policy(b->kbs, &admin, json_text(b->f->a, doc), &o, &b->f->w), &b->f->w);
}

static const struct json *submods_of(struct fix *f, struct slice token)
{
	const uint8_t *from = memchr(token.p, '.', token.n), *to;
	struct slice payload;
	struct json *v;

	assert_non_null(from++);
	to = memchr(from, '.', token.n - (size_t)(from - token.p));
	assert_non_null(to);
	OK_OR_FAIL(b64_decode(f->a, B64_URL, slice_of(from, (size_t)(to - from)), &payload, "token", &f->w), &f->w);
	OK_OR_FAIL(json_parse(f->a, payload, NULL, &v, &f->w), &f->w);
	assert_true(json_is(json_get(v, "submods"), JSON_OBJECT));
	return json_get(v, "submods");
}

static char *explained(struct broker *b, const char *id)
{
	struct json *decision;
	char *text;

	OK_OR_FAIL(kbs_decision(b->kbs, slice_cstr(id), b->f->a, &decision, &b->f->w), &b->f->w);
	text = decision_render(b->f->a, decision);
	assert_non_null(text);
	return text;
}

static void claims_nothing_of_init_data(const struct json *submods)
{
	for (size_t i = 0; i < submods->n; i++) {
		const struct json *claims = json_get(submods->members[i].value, "ear.veraison.annotated-evidence");
		const struct json *bound = json_get(claims, "init_data_bound");

		assert_true(json_is(bound, JSON_BOOL) && !bound->boolean);
		assert_null(json_get(claims, "init_data"));
		assert_null(json_get(claims, "init_data_claims"));
	}
}

/* Who rests on init-data gets nothing, and reads why; who wants no such guests at all can say so. */
static void releases_nothing_on_init_data(struct broker *b, const struct guest *g, struct handshake *h, const char *note)
{
	struct fix *f = b->f;
	char *said;

	set_release(b, DEMANDS(CLAIM));
	run(b, g, NULL, h);
	assert_true(rc_ok(h->attested));
	assert_int_equal(h->released.code, E_DENIED);
	assert_string_equal(why_reason(&f->w), "policy.denied");
	why_clear(&f->w);
	said = explained(b, h->outcome.decision);
	if (!strstr(said, note) || !strstr(said, "init_data_claims"))
		fail_msg("%s: %s", g->cpu.tee, said);

	set_release(b, DEMANDS("not sub[\"ear.veraison.annotated-evidence\"].init_data_bound == false"));
	run(b, g, NULL, h);
	assert_int_equal(h->released.code, E_DENIED);
	why_clear(&f->w);
	h->init_data = NULL;
	run(b, g, NULL, h);
	released(b, h, g->cpu.tee);
}

static void init_data_that_is_not_bound_is_taken_named_and_never_claimed(void **state)
{
	static const struct {
		const char *tee, *mod;
	} row[] = {{"csv", "cpu0"}, {"hygondcu", "dcu0"}, {"nitro", "cpu0"}, {"nvidia", "gpu0"}, {"se", "cpu0"}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(row); i++) {
		const struct lab_options o = {.now_s = NOW, .small_keys = true};
		struct handshake h = {.init_data = INIT_DATA};
		const char *note;
		struct guest g = {0};
		void *own = NULL;
		struct broker b;
		struct fix *f;

		fix_setup(&own);
		f = own;
		OK_OR_FAIL(lab_make(row[i].tee, &o, f->a, &g.cpu, &f->w), &f->w);
		broker_open(&b, f, &g);
		run(&b, &g, NULL, &h);
		OK_OR_FAIL(h.attested, &f->w);
		claims_nothing_of_init_data(submods_of(f, h.token));
		assert_non_null(json_get(submods_of(f, h.token), row[i].mod));
		note = arena_printf(f->a, "note     init-data was given, and the evidence of %s does not bind it", row[i].mod);
		assert_non_null(strstr(explained(&b, h.verdict), note));
		if (strcmp(row[i].mod, "cpu0") == 0)	/* a device alone has no key that a secret could go to */
			releases_nothing_on_init_data(&b, &g, &h, note);
		why_clear(&f->w);
		h.init_data = NULL;
		run(&b, &g, NULL, &h);
		OK_OR_FAIL(h.attested, &f->w);
		assert_null(strstr((const char *)json_text(f->a, submods_of(f, h.token)).p, "init_data_bound"));
		assert_null(strstr(explained(&b, h.verdict), "init-data"));
		why_clear(&f->w);
		broker_close(&b);
		fix_teardown(&own);
	}
}

static void an_appraisal_that_wants_init_data_says_what_it_missed(void **state)
{
	static const char rego[] = "package policy\nimport rego.v1\ndefault configuration := 36\n"
				   "configuration := 2 if input.init_data_claims.x == \"y\"\n"
				   "trust_claims := {\"configuration\": configuration}\n";
	const struct lab_options o = {.now_s = NOW};
	struct handshake h = {.init_data = INIT_DATA};
	struct fix *f = *state;
	struct guest g = {0};
	struct broker b;
	char *said;

	OK_OR_FAIL(lab_make("csv", &o, f->a, &g.cpu, &f->w), &f->w);
	broker_open(&b, f, &g);
	OK_OR_FAIL(as_set_policy(b.as, SLICE_LIT("default_cpu"), slice_cstr(rego), NULL, &f->w), &f->w);
	run(&b, &g, NULL, &h);
	assert_true(rc_ok(h.attested));
	assert_int_equal(h.released.code, E_DENIED);
	why_clear(&f->w);
	said = explained(&b, h.outcome.decision);
	if (!strstr(said, "input.init_data_claims") || !strstr(said, "evidence of cpu0 does not bind it"))
		fail_msg("%s", said);
	broker_close(&b);
}

/* A device beside the primary is not asked about it: init-data is of the guest. */
static void init_data_goes_to_the_primary_alone(void **state)
{
	struct handshake h = {.init_data = INIT_DATA};
	struct fix *f = *state;
	const struct json *mods;
	struct guest g;
	struct broker b;

	open_guest(f, "nvidia", NULL, &g);
	broker_open(&b, f, &g);
	run(&b, &g, NULL, &h);
	released(&b, &h, "nvidia beside nitro");
	mods = submods_of(f, h.token);
	assert_int_equal(mods->n, 2);
	assert_non_null(json_pointer(mods, "/cpu0/ear.veraison.annotated-evidence/init_data_bound"));
	assert_null(json_pointer(mods, "/gpu0/ear.veraison.annotated-evidence/init_data_bound"));
	broker_close(&b);
}

/* The anchors of the service are those by which collateral is judged before it is cached; and no longer, once it is closed. */
static void a_forged_list_is_refused_by_the_roots_that_the_service_trusts(void **state)
{
	struct collateral_piece forged;
	struct handshake h = {0};
	const struct lab_item *list;
	struct fix *f = *state;
	struct guest g;
	struct broker b;
	uint8_t *bytes;

	open_guest(f, "tdx", NULL, &g);
	broker_open(&b, f, &g);
	run(&b, &g, NULL, &h);
	OK_OR_FAIL(h.attested, &f->w);
	list = find_item(&g.cpu, "intel-root-crl", NULL);
	assert_non_null(list);
	bytes = arena_alloc(f->a, list->bytes.n);
	assert_non_null(bytes);
	memcpy(bytes, list->bytes.p, list->bytes.n);
	bytes[list->bytes.n - 1] ^= 1;
	forged = (struct collateral_piece){.kind = "intel-root-crl", .key = "", .bytes = slice_of(bytes, list->bytes.n)};
	assert_int_equal(collateral_put(b.collateral, &forged, 1, &f->w).code, E_DENIED);
	assert_string_equal(why_reason(&f->w), "collateral.signature");
	why_clear(&f->w);
	as_close(b.as);
	b.as = NULL;
	OK_OR_FAIL(collateral_put(b.collateral, &forged, 1, &f->w), &f->w);
	broker_close(&b);
}

static int set_up(void **state)
{
	struct why w = {0};

	(void)state;
	return rc_ok(pool_open(&(struct pool_options){.workers = 1}, &pool, &w)) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	pool_close(pool);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_guest_of_the_lab_gets_its_secret),
		cmocka_unit_test(a_changed_claim_keeps_the_secret_and_is_the_one_that_is_named),
		BEHAVIOUR(evidence_for_another_key_gets_nothing),
		BEHAVIOUR(a_secure_execution_guest_answers_its_own_challenge),
		cmocka_unit_test(init_data_that_is_not_bound_is_taken_named_and_never_claimed),
		BEHAVIOUR(an_appraisal_that_wants_init_data_says_what_it_missed),
		BEHAVIOUR(init_data_goes_to_the_primary_alone),
		BEHAVIOUR(a_forged_list_is_refused_by_the_roots_that_the_service_trusts),
	};

	pool_worker_main(argc, argv);
	return cmocka_run_group_tests_name("tees", tests, set_up, tear_down);
}
