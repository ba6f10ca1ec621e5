/* The broker as a whole, without sockets and verifiers: sessions are put where an attestation would have put them. What a release rests
 * on (the time, the store, the request) is changed one at a time. */
#include "kbs/test_fix.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "codec/base64.h"
#include "crypto/jose/jwe.h"
#include "crypto/jose/jwk.h"
#include "crypto/jose/jws.h"
#include "kbs/challenge.h"
#include "kbs/kbs.h"
#include "kbs/records.h"
#include "kbs/session.h"

/* A store that goes down when told. */
struct shim {
	struct store base;
	struct store *inner;
	bool down, races;	/* another writer is always faster */
	atomic_bool hangs;	/* the health of the store is asked, and it does not answer */
	atomic_uint asked;
};

static rc shim_commit(struct store *s, const struct store_op *ops, size_t n, int64_t now_s, size_t *refused, struct why *w)
{
	struct shim *sh = (struct shim *)s;

	for (size_t i = 0; sh->races && i < n; i++)
		if (strcmp(ops[i].ns, "kms_name") == 0) {
			*refused = i;
			return store_refuse_changed(&ops[i], 1, w);
		}
	return sh->inner->vt->commit(sh->inner, ops, n, now_s, refused, w);
}

static rc shim_get(struct store *s, const char *ns, const char *key, int64_t now_s, struct arena *a, struct slice *value, uint64_t *rev,
		   int64_t *expires_s, struct why *w)
{
	struct shim *sh = (struct shim *)s;

	return sh->down ? deny(w, E_UNAVAILABLE, "store.down", "the store is down")
			: sh->inner->vt->get(sh->inner, ns, key, now_s, a, value, rev, expires_s, w);
}

static rc shim_list(struct store *s, const char *ns, const char *prefix, const char *after, size_t limit, int64_t now_s, struct arena *a,
		    char ***keys, size_t *n, struct why *w)
{
	struct store *inner = ((struct shim *)s)->inner;

	return inner->vt->list(inner, ns, prefix, after, limit, now_s, a, keys, n, w);
}

static rc shim_health(struct store *s, struct why *w)
{
	struct shim *sh = (struct shim *)s;

	atomic_fetch_add(&sh->asked, 1);
	while (atomic_load(&sh->hangs))
		usleep(1000);
	return sh->down ? deny(w, E_UNAVAILABLE, "store.down", "the store is down") : rc_of(OK);
}

static const struct store_vtable shim_vt = {.name = "shim", .commit = shim_commit, .get = shim_get, .list = shim_list, .health = shim_health};

struct broker {
	struct fix *f;
	struct shim shim;
	char dir[32];
	struct kms *kms;
	struct rvps *rvps;
	struct as *as;
	struct audit *audit;
	struct kbs *kbs;
	struct pkey *signer, *guest;
	struct secret challenge_key;
	struct kbs_outcome o;
};

static const struct slice path[] = {SLICE_LIT("default"), SLICE_LIT("key"), SLICE_LIT("1")};

static void set_policy(struct broker *b, const char *rego)
{
	struct admin_identity admin = {.role = "tester", .subject = ""};
	struct json *doc = json_new_object(b->f->a);

	json_set(b->f->a, doc, "policy", json_new_str(b->f->a, b64_text(b->f->a, B64_URL, slice_cstr(rego))));
	OK_OR_FAIL(kbs_set_resource_policy(b->kbs, &admin, json_text(b->f->a, doc), &b->o, &b->f->w), &b->f->w);
}

static void broker_open(struct broker *b, struct fix *f, bool passport, unsigned challenge_min)
{
	struct admin_identity admin = {.role = "tester", .subject = ""};
	struct kbs_config kc = {.resource_plugin = true, .admin.mode = ADMIN_INSECURE_ALLOW_ALL, .challenge_min = challenge_min};
	struct as_config ac = {0};
	struct kbs_env env;
	struct kms_seal seal;
	struct why *w = &f->w;

	*b = (struct broker){.f = f, .dir = "/tmp/warrant-broker-XXXXXX", .shim = {.base = {&shim_vt, &f->clock}, .inner = f->store}};
	assert_non_null(mkdtemp(b->dir));
	seal = kms_seal_file(arena_printf(f->a, "%s/master", b->dir));
	OK_OR_FAIL(kms_open_kvstore(&b->shim.base, &seal, &b->kms, w), w);
	OK_OR_FAIL(rvps_open(&b->shim.base, &f->clock, &b->rvps, w), w);
	OK_OR_FAIL(pkey_generate(KEY_P256, 0, &b->signer, w), w);
	OK_OR_FAIL(pkey_generate(KEY_P256, 0, &b->guest, w), w);
	OK_OR_FAIL(secret_random(&b->challenge_key, 32, w), w);
	ac.signer = b->signer;
	if (!passport)
		OK_OR_FAIL(as_open(&(struct as_env){.store = &b->shim.base, .rvps = b->rvps, .clock = &f->clock}, &ac, &b->as, w), w);
	OK_OR_FAIL(audit_open(&b->shim.base, b->signer, "test", &f->clock, &b->audit, w), w);
	kc.token.own_key = b->signer;
	env = (struct kbs_env){&b->shim.base, b->as, b->kms, b->audit, passport ? NULL : b->rvps, &b->challenge_key, &f->clock};
	OK_OR_FAIL(kbs_open(&env, &kc, &b->kbs, w), w);
	OK_OR_FAIL(kbs_put_resource(b->kbs, &admin, path, 3, SLICE_LIT("the secret"), &b->o, w), w);
	set_policy(b, "package policy\ndefault allow := false\nallow if data.plugin == \"resource\"\n");
}

static void broker_close(struct broker *b)
{
	kbs_close(b->kbs);
	audit_close(b->audit);
	as_close(b->as);
	rvps_close(b->rvps);
	kms_close(b->kms);
	pkey_free(b->signer);
	pkey_free(b->guest);
	secret_free(&b->challenge_key);
	unlink(arena_printf(b->f->a, "%s/master", b->dir));
	rmdir(b->dir);
}

/* What the attestation service would have signed. */
static struct slice token_until(struct broker *b, int64_t exp_s)
{
	struct arena *a = b->f->a;
	struct json *claims = json_new_object(a), *header = json_new_object(a), *jwk, *guest;
	struct slice token;

	OK_OR_FAIL(jwk_from_pkey(b->signer, a, &jwk, &b->f->w), &b->f->w);
	json_set(a, jwk, "alg", json_new_cstr(a, "ES256"));
	OK_OR_FAIL(jwk_from_pkey(b->guest, a, &guest, &b->f->w), &b->f->w);
	json_set(a, guest, "alg", json_new_cstr(a, "ECDH-ES+A256KW"));
	json_set(a, header, "alg", json_new_cstr(a, "ES256"));
	json_set(a, header, "jwk", jwk);
	json_set(a, claims, "exp", json_new_i64(a, exp_s));
	json_set(a, claims, "tee-pubkey", guest);
	OK_OR_FAIL(jws_sign(b->signer, SIG_ES256, header, json_text(a, claims), a, &token, &b->f->w), &b->f->w);
	return token;
}

static struct kbs_challenge ask(struct broker *b)
{
	struct kbs_challenge ch;

	OK_OR_FAIL(kbs_auth(b->kbs, SLICE_LIT("{\"version\":\"0.4.0\",\"tee\":\"snp\",\"extra-params\":\"\"}"), b->f->a, &ch, &b->o, &b->f->w),
		   &b->f->w);
	return ch;
}

/* The cookie of a guest that attested. */
static struct slice attested(struct broker *b, struct slice token)
{
	struct kbs_challenge ch = ask(b);
	struct challenge_sealer *sealer;
	struct challenge c;
	struct session s;
	struct store_op op;

	OK_OR_FAIL(challenge_sealer_open(&b->challenge_key, &sealer, &b->f->w), &b->f->w);
	OK_OR_FAIL(challenge_open(sealer, ch.cookie, b->f->now_s, b->f->a, &c, &b->f->w), &b->f->w);
	challenge_sealer_close(sealer);
	s = (struct session){.token = token, .version = c.version, .key = SLICE_LIT("thumb"), .expires_s = c.expires_s};
	op = session_op(b->f->a, &c, &s);
	OK_OR_FAIL(store_commit(b->f->store, &op, 1, &b->f->w), &b->f->w);
	return ch.cookie;
}

static rc get(struct broker *b, struct slice cookie, struct slice bearer, const char *query)
{
	const struct kbs_caller caller = {cookie, bearer, "192.0.2.1"};
	struct json *q;
	struct slice jwe;
	SECRET(opened);

	OK_OR_FAIL(json_parse(b->f->a, slice_cstr(query), NULL, &q, &b->f->w), &b->f->w);
	TRY(kbs_get(b->kbs, &caller, SLICE_LIT("resource"), path, 3, q, b->f->a, &jwe, &b->o, &b->f->w));
	OK_OR_FAIL(jwe_decrypt(b->guest, jwe, &opened, &b->f->w), &b->f->w);
	assert_true(slice_is(secret_view(&opened), "the secret"));
	return rc_of(OK);
}

#define NONE ((struct slice){0})

static void a_token_is_judged_at_the_time_of_the_release(void **state)
{
	struct fix *f = *state;
	struct broker b;
	struct slice token, cookie;

	broker_open(&b, f, false, 60);
	token = token_until(&b, NOW + 300);
	cookie = attested(&b, token);
	f->now_s = NOW + 300 + 60;	/* the leeway */
	OK_OR_FAIL(get(&b, cookie, NONE, "{}"), &f->w);
	OK_OR_FAIL(get(&b, NONE, token, "{}"), &f->w);
	f->now_s++;
	REFUSED(get(&b, cookie, NONE, "{}"), &f->w, E_UNAUTH, "jwt.expired");
	REFUSED(get(&b, NONE, token, "{}"), &f->w, E_UNAUTH, "jwt.expired");
	broker_close(&b);
}

/* A guest that is told to attest again while the store is down would do so without end. */
static void while_the_store_is_down_a_guest_is_not_told_to_attest_again(void **state)
{
	struct fix *f = *state;
	struct broker b;
	struct slice token, cookie;

	broker_open(&b, f, false, 0);
	token = token_until(&b, NOW + 300);
	cookie = attested(&b, token);
	b.shim.down = true;
	REFUSED(get(&b, cookie, NONE, "{}"), &f->w, E_UNAVAILABLE, "store.down");
	REFUSED(get(&b, cookie, token, "{}"), &f->w, E_UNAVAILABLE, "store.down");
	b.shim.down = false;
	OK_OR_FAIL(get(&b, cookie, NONE, "{}"), &f->w);
	broker_close(&b);
}

static void a_policy_is_told_what_is_asked_for_and_how(void **state)
{
	static const char *const yes[] = {"data.method == \"GET\"", "data.plugin == \"resource\"", "data[\"resource-path\"] == [\"default\", \"key\", \"1\"]",
					  "data.query == {\"x\": \"1\"}"};
	static const char *const no[] = {"data.method == \"POST\"", "data.query == {}", "data[\"resource-path\"][0] == \"resource\""};
	struct fix *f = *state;
	struct broker b;
	struct slice token;

	broker_open(&b, f, false, 0);
	token = token_until(&b, NOW + 300);
	for (size_t i = 0; i < COUNT_OF(yes); i++) {
		set_policy(&b, arena_printf(f->a, "package policy\ndefault allow := false\nallow if %s\n", yes[i]));
		OK_OR_FAIL(get(&b, NONE, token, "{\"x\":\"1\"}"), &f->w);
	}
	for (size_t i = 0; i < COUNT_OF(no); i++) {
		set_policy(&b, arena_printf(f->a, "package policy\ndefault allow := false\nallow if %s\n", no[i]));
		REFUSED(get(&b, NONE, token, "{\"x\":\"1\"}"), &f->w, E_DENIED, "policy.denied");
	}
	broker_close(&b);
}

/* It is no verdict about who asks. */
static void a_writer_who_always_loses_is_told_to_try_again(void **state)
{
	struct admin_identity admin = {.role = "tester", .subject = ""};
	struct fix *f = *state;
	struct broker b;

	broker_open(&b, f, false, 0);
	b.shim.races = true;
	REFUSED(kbs_put_resource(b.kbs, &admin, path, 3, SLICE_LIT("x"), &b.o, &f->w), &f->w, E_UNAVAILABLE, "kbs.races");
	REFUSED(kbs_delete_resource(b.kbs, &admin, path, 3, &b.o, &f->w), &f->w, E_UNAVAILABLE, "kbs.races");
	b.shim.races = false;
	OK_OR_FAIL(kbs_put_resource(b.kbs, &admin, path, 3, SLICE_LIT("x"), &b.o, &f->w), &f->w);
	broker_close(&b);
}

static void a_challenge_lives_five_minutes(void **state)
{
	struct broker b;

	broker_open(&b, *state, false, 0);
	assert_int_equal(ask(&b).expires_s, NOW + 300);
	broker_close(&b);
}

static void a_challenge_lives_as_long_as_configured(void **state)
{
	struct broker b;

	broker_open(&b, *state, false, 7);
	assert_int_equal(ask(&b).expires_s, NOW + 420);
	broker_close(&b);
}

static void a_broker_without_an_attestation_service_takes_tokens_and_asks_nobody(void **state)
{
	struct admin_identity admin = {.role = "tester", .subject = ""};
	const struct kbs_caller caller = {SLICE_LIT("x"), NONE, "192.0.2.1"};
	struct fix *f = *state;
	struct kbs_challenge ch;
	struct kbs_attested at;
	struct broker b;
	struct slice text;
	char **names;
	size_t n;

	broker_open(&b, f, true, 0);
	OK_OR_FAIL(get(&b, NONE, token_until(&b, NOW + 300), "{}"), &f->w);
	REFUSED(kbs_auth(b.kbs, SLICE_LIT("{}"), f->a, &ch, &b.o, &f->w), &f->w, E_NOTFOUND, "kbs.no-as");
	REFUSED(kbs_attest(b.kbs, &caller, SLICE_LIT("{}"), f->a, &at, &b.o, &f->w), &f->w, E_NOTFOUND, "kbs.no-as");
	REFUSED(kbs_set_attestation_policy(b.kbs, &admin, SLICE_LIT("{}"), &b.o, &f->w), &f->w, E_NOTFOUND, "kbs.no-as");
	REFUSED(kbs_attestation_policy(b.kbs, SLICE_LIT("default_cpu"), f->a, &text, &f->w), &f->w, E_NOTFOUND, "kbs.no-as");
	REFUSED(kbs_list_attestation_policies(b.kbs, f->a, &names, &n, &f->w), &f->w, E_NOTFOUND, "kbs.no-as");
	REFUSED(kbs_add_anchor(b.kbs, &admin, SLICE_LIT("tpm-ak"), SLICE_LIT("x"), &b.o, &f->w), &f->w, E_NOTFOUND, "kbs.no-as");
	REFUSED(kbs_remove_anchor(b.kbs, &admin, SLICE_LIT("tpm-ak"), SLICE_LIT("x"), &b.o, &f->w), &f->w, E_NOTFOUND, "kbs.no-as");
	REFUSED(kbs_list_anchors(b.kbs, f->a, &names, &n, &f->w), &f->w, E_NOTFOUND, "kbs.no-as");
	REFUSED(kbs_register_reference_values(b.kbs, &admin, SLICE_LIT("{}"), &b.o, &f->w), &f->w, E_NOTFOUND, "kbs.no-rvps");
	REFUSED(kbs_delete_reference_value(b.kbs, &admin, SLICE_LIT("a"), &b.o, &f->w), &f->w, E_NOTFOUND, "kbs.no-rvps");
	REFUSED(kbs_list_reference_values(b.kbs, NULL, 10, f->a, &names, &n, &f->w), &f->w, E_NOTFOUND, "kbs.no-rvps");
	broker_close(&b);
}

/* ---- records of refusals ---- */

static size_t count(struct fix *f, const char *ns)
{
	char **keys;
	size_t n;

	OK_OR_FAIL(store_list(f->store, ns, "", NULL, 100000, f->a, &keys, &n, &f->w), &f->w);
	return n;
}

static void fill_ring(struct fix *f, const char *id)
{
	struct store_op op[1024];

	for (unsigned i = 0; i < RECORDS_DENIED_MAX; i += COUNT_OF(op)) {
		for (unsigned k = 0; k < COUNT_OF(op); k++)
			op[k] = (struct store_op){.kind = STORE_PUT, .ns = "denied_ring", .key = arena_printf(f->a, "%05u", i + k), .value = slice_cstr(id)};
		OK_OR_FAIL(store_commit(f->store, op, COUNT_OF(op), &f->w), &f->w);
	}
}

static void a_new_refusal_takes_the_place_of_the_oldest(void **state)
{
	struct fix *f = *state;
	struct why reason = why_in(f->a);
	struct records *r;
	char old[24], new_id[24];
	struct json *d;

	OK_OR_FAIL(records_open(f->store, NULL, &f->clock, &r, &f->w), &f->w);
	(void)deny(&reason, E_DENIED, "test.refused", "refused").code;
	OK_OR_FAIL(records_new_id(r, old, &f->w), &f->w);
	OK_OR_FAIL(records_denied(r, old, "attest", &reason, NULL, false, f->a, &f->w), &f->w);
	fill_ring(f, old);	/* wherever the next slot is, the old one is in it */
	OK_OR_FAIL(records_new_id(r, new_id, &f->w), &f->w);
	OK_OR_FAIL(records_denied(r, new_id, "attest", &reason, NULL, false, f->a, &f->w), &f->w);
	assert_int_equal(count(f, "denied_ring"), RECORDS_DENIED_MAX);
	assert_int_equal(count(f, "decision"), 1);
	assert_int_equal(records_get(r, old, f->a, &d, &f->w).code, E_NOTFOUND);
	OK_OR_FAIL(records_get(r, new_id, f->a, &d, &f->w), &f->w);
	records_close(r);
}

/* A guest that attested is somebody: what was refused to it stands in the log, and not only in the ring. */
static void a_refused_release_is_in_the_audit_log(void **state)
{
	struct fix *f = *state;
	struct audit_head before, after;
	struct slice record;
	struct json *doc;
	struct broker b;

	broker_open(&b, f, false, 0);
	set_policy(&b, "package policy\ndefault allow := false\n");
	OK_OR_FAIL(audit_head(b.audit, f->a, &before, &f->w), &f->w);
	REFUSED(get(&b, NONE, token_until(&b, NOW + 300), "{}"), &f->w, E_DENIED, "policy.denied");
	OK_OR_FAIL(audit_head(b.audit, f->a, &after, &f->w), &f->w);
	assert_int_equal(after.size, before.size + 1);
	OK_OR_FAIL(audit_get(b.audit, before.size, f->a, &record, &f->w), &f->w);
	OK_OR_FAIL(json_parse(f->a, record, NULL, &doc, &f->w), &f->w);
	assert_true(slice_is(json_get(doc, "verdict")->text, "denied") && slice_is(json_get(doc, "reason")->text, "policy.denied"));
	assert_true(slice_is(json_get(doc, "resource")->text, "default/key/1") && slice_is(json_get(doc, "decision")->text, b.o.decision));
	broker_close(&b);
}

static void *ask_health(void *broker)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);

	(void)kbs_health(((struct broker *)broker)->kbs, &w).code;
	arena_free(a);
	return NULL;
}

/* Anybody may ask, and each who waits holds a thread that guests need. */
static void while_a_store_hangs_one_thread_waits_for_it(void **state)
{
	struct fix *f = *state;
	struct broker b;
	pthread_t t;

	broker_open(&b, f, false, 0);
	atomic_store(&b.shim.hangs, true);
	assert_int_equal(pthread_create(&t, NULL, ask_health, &b), 0);
	while (!atomic_load(&b.shim.asked))
		usleep(1000);
	for (unsigned i = 0; i < 3; i++) {	/* these return, or the test never ends */
		OK_OR_FAIL(kbs_health(b.kbs, &f->w), &f->w);
		usleep(400000);
	}
	assert_int_equal(atomic_load(&b.shim.asked), 1);	/* nor does another come after a second */
	b.shim.down = true;
	atomic_store(&b.shim.hangs, false);
	pthread_join(t, NULL);
	assert_int_equal(kbs_health(b.kbs, &f->w).code, E_UNAVAILABLE);	/* what the one learnt */
	b.shim.down = false;
	usleep(1100000);
	OK_OR_FAIL(kbs_health(b.kbs, &f->w), &f->w);
	broker_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BEHAVIOUR(a_token_is_judged_at_the_time_of_the_release),
		BEHAVIOUR(while_the_store_is_down_a_guest_is_not_told_to_attest_again),
		BEHAVIOUR(a_policy_is_told_what_is_asked_for_and_how),
		BEHAVIOUR(a_writer_who_always_loses_is_told_to_try_again),
		BEHAVIOUR(a_challenge_lives_five_minutes),
		BEHAVIOUR(a_challenge_lives_as_long_as_configured),
		BEHAVIOUR(a_broker_without_an_attestation_service_takes_tokens_and_asks_nobody),
		BEHAVIOUR(a_new_refusal_takes_the_place_of_the_oldest),
		BEHAVIOUR(a_refused_release_is_in_the_audit_log),
		BEHAVIOUR(while_a_store_hangs_one_thread_waits_for_it),
	};

	return cmocka_run_group_tests_name("broker", tests, NULL, NULL);
}
