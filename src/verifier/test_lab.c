/* Every shape of the laboratory against its driver: good evidence is accepted with the lab's root as the only trust, one changed field
 * changes its claims and no other, and what a driver compares is refused by its name. */
#include "verifier/test_driver.h"

#include <stdio.h>

#include "base/num.h"
#include "crypto/pkey.h"
#include "lab/lab.h"
#include "lab/lab_x509.h"
#include "verifier/registry.h"

#define NOW ((int64_t)1795557718)

struct world {
	struct arena *a;
	struct lab_world lab;
	const struct vdriver *driver;
};

static const uint8_t request[48] = {0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59};

static void world_open(struct world *w, const char *tee, const char *variant)
{
	const struct lab_options o = {.variant = variant, .now_s = NOW, .small_keys = true};
	struct why why;

	w->a = arena_new(0);
	why = why_in(w->a);
	w->driver = registry_find(tee);
	assert_non_null(w->driver);
	if (!rc_ok(lab_make(tee, &o, w->a, &w->lab, &why)))
		fail_msg("%s: %s", tee, why_text(&why));
}

static void world_close(struct world *w)
{
	w->a = arena_free(w->a);
}

/* As an operator's trust folder would enrol it: by the key. */
static void trust(struct trial *t, const struct lab_item *item)
{
	struct pkey *key = NULL;
	struct slice spki;

	assert_true(rc_ok(pkey_from_pem(item->bytes, &key, NULL)));
	assert_true(rc_ok(pkey_to_spki(key, t->a, &spki, NULL)));
	trial_anchor(t, item->anchor, spki);
	pkey_free(key);
}

static void begin_bound(struct trial *t, const struct world *w, const char *fields, struct slice init_data)
{
	const struct lab_binding bind = {.report_data = slice_of(request, sizeof(request)), .init_data = init_data, .now_s = NOW};
	struct json *v = NULL;
	struct slice evidence;
	struct why why = why_in(w->a);

	if (fields)
		assert_true(rc_ok(json_parse(w->a, slice_cstr(fields), NULL, &v, NULL)));
	if (!rc_ok(lab_evidence(&w->lab, &bind, v, w->a, &evidence, &why)))
		fail_msg("%s: %s", fields ? fields : w->lab.tee, why_text(&why));
	trial_begin(t, evidence);
	t->job.without = 0;
	t->job.no_time = false;
	t->job.now_s = NOW;
	t->job.report_data[0] = bind.report_data;
	t->job.report_data_n = 1;
	for (size_t i = 0; i < w->lab.n; i++) {
		if (w->lab.item[i].anchor)
			trust(t, &w->lab.item[i]);
		if (w->lab.item[i].kind)
			trial_collateral(t, w->lab.item[i].kind, w->lab.item[i].key, w->lab.item[i].bytes);
	}
}

static void begin(struct trial *t, const struct world *w, const char *fields)
{
	begin_bound(t, w, fields, (struct slice){0});
}

/* Calls back for each variant of each shape: the names stand in one text, "rsa, ecc". */
static void each_variant(void (*fn)(struct world *))
{
	for (size_t i = 0; lab_shapes[i]; i++) {
		const char *v = lab_shapes[i]->variants;

		do {
			struct world w = {0};
			char name[32] = "";

			if (v) {
				size_t n = strcspn(v, ",");

				snprintf(name, sizeof(name), "%.*s", (int)n, v);
				v += n + strspn(v + n, ", ");
			}
			world_open(&w, lab_shapes[i]->tee, name[0] ? name : NULL);
			fn(&w);
			world_close(&w);
		} while (v && *v);
	}
}

static void accepted(struct world *w)
{
	struct trial t;

	begin(&t, w, NULL);
	if (!rc_ok(trial_run(&t, w->driver)))
		fail_msg("%s: %s", w->lab.tee, why_render(&t.why, t.a));
	trial_end(&t);
}

static void good_evidence_is_accepted_with_the_lab_as_the_only_trust(void **state)
{
	(void)state;
	each_variant(accepted);
}

static void untrusted(struct world *w)
{
	struct trial t;

	begin(&t, w, NULL);
	t.job.anchors_n = 0;
	t.job.only_configured_anchors = false;
	if (rc_ok(trial_run(&t, w->driver)))
		fail_msg("%s: the lab is trusted without being named", w->lab.tee);
	if (strncmp(trial_class(&t), "untrusted-root", 14) != 0)
		fail_msg("%s: %s", w->lab.tee, why_reason(&t.why));
	trial_end(&t);
}

static void nobody_trusts_the_lab_unless_it_is_named(void **state)
{
	(void)state;
	each_variant(untrusted);
}

static void of_another_request(struct world *w)
{
	static const uint8_t other[48] = {1};
	struct trial t;

	begin(&t, w, NULL);
	t.job.report_data[0] = slice_of(other, sizeof(other));
	assert_int_equal(trial_run(&t, w->driver).code, E_DENIED);
	if (!t.why.first->subject || strcmp(t.why.first->subject, "report_data") != 0)
		fail_msg("%s: the explanation names %s (%s)", w->lab.tee, t.why.first->subject, why_reason(&t.why));
	trial_end(&t);
}

static void evidence_for_another_request_is_refused(void **state)
{
	(void)state;
	each_variant(of_another_request);
}

/* A TEE with a field for init-data compares it; one without refuses a request that brings some, and never passes it over. */
static void with_init_data(struct world *w)
{
	static const uint8_t digest[32] = {0x77, 0x78}, other[32] = {0x77};
	const struct lab_shape *shape = lab_shape_find(w->lab.tee);

	for (int right = 0; right < 2; right++) {
		struct trial t;
		rc r;

		begin_bound(&t, w, NULL, slice_of(digest, sizeof(digest)));
		t.job.init_data = right ? slice_of(digest, sizeof(digest)) : slice_of(other, sizeof(other));
		r = trial_run(&t, w->driver);
		if (right && shape->init_data) {
			if (!rc_ok(r))
				fail_msg("%s: %s", w->lab.tee, why_render(&t.why, t.a));
		} else {
			assert_int_equal(r.code, E_DENIED);
			if (!strstr(why_reason(&t.why), "init-data-mismatch") ||
			    (!shape->init_data && !strstr(why_reason(&t.why), ".unsupported")))
				fail_msg("%s: %s", w->lab.tee, why_reason(&t.why));
			assert_string_equal(t.why.first->subject, "init_data");
		}
		trial_end(&t);
	}
}

static void init_data_is_compared_or_refused(void **state)
{
	(void)state;
	each_variant(with_init_data);
}

static void at_another_time(struct world *w)
{
	static const int64_t off[] = {-2 * 86400, 366 * 86400};
	const struct lab_item *dated = NULL;

	for (size_t i = 0; i < w->lab.n; i++)
		if (w->lab.item[i].anchor && strstr((const char *)w->lab.item[i].bytes.p, "BEGIN CERTIFICATE"))
			dated = &w->lab.item[i];
	for (size_t i = 0; dated && i < COUNT_OF(off); i++) {
		struct trial t;

		begin(&t, w, NULL);
		t.job.now_s = NOW + off[i];
		assert_int_equal(trial_run(&t, w->driver).code, E_DENIED);
		if (!strstr(why_reason(&t.why), "expired"))
			fail_msg("%s: %s", w->lab.tee, why_reason(&t.why));
		trial_end(&t);
	}
}

static void certificates_out_of_their_time_are_refused(void **state)
{
	(void)state;
	each_variant(at_another_time);
}

/* ---- one field, one claim ---- */

/* Paths of the leaves in which two documents differ, with blanks between. */
static void differences(const struct json *x, const struct json *y, const char *path, struct buf *out)
{
	size_t n = x && y ? MAX_OF(x->n, y->n) : 0;

	if (x && y && json_equal(x, y))
		return;
	if (!x || !y || x->kind != y->kind || (x->kind != JSON_OBJECT && x->kind != JSON_ARRAY)) {
		buf_printf(out, "%s%s", out->n ? " " : "", path);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (x->kind == JSON_OBJECT) {
			const struct json_member *m = i < x->n ? &x->members[i] : NULL;

			if (m)
				differences(m->value, json_get_slice(y, m->name),
					    arena_printf(out->arena, "%s%s" SLICE_FMT, path, *path ? "." : "", SLICE_ARG(m->name)), out);
			if (i < y->n && !json_get_slice(x, y->members[i].name))
				differences(NULL, y->members[i].value,
					    arena_printf(out->arena, "%s%s" SLICE_FMT, path, *path ? "." : "", SLICE_ARG(y->members[i].name)), out);
		} else {
			differences(i < x->n ? x->items[i] : NULL, i < y->n ? y->items[i] : NULL, arena_printf(out->arena, "%s.%zu", path, i), out);
		}
	}
}

#define B1_48 "b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1"
#define Z_48 "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"

static const struct change {
	const char *tee, *variant, *fields, *claims;
} changes[] = {
	{"cca", "2023", "{\"implementation_id\": \"0101010101010101010101010101010101010101010101010101010101010101\"}", "platform.cca-platform-implementation-id"},
	{"cca", "2023", "{\"config\": \"01\"}", "platform.cca-platform-config"},
	{"cca", "2023", "{\"lifecycle\": 12288}", "platform.cca-platform-lifecycle"},
	{"cca", "2023", "{\"lifecycle\": 16384}", "platform.cca-platform-lifecycle platform.cca-platform-secured"},
	{"cca", "2023", "{\"component_type\": \"M3\"}", "platform.cca-platform-sw-components.0.measurement-type"},
	{"cca", "2023", "{\"component_measurement\": \"0101010101010101010101010101010101010101010101010101010101010101\"}", "platform.cca-platform-sw-components.0.measurement-value"},
	{"cca", "2023", "{\"component_version\": \"2\"}", "platform.cca-platform-sw-components.0.version"},
	{"cca", "2023", "{\"component_signer\": \"0101010101010101010101010101010101010101010101010101010101010101\"}", "platform.cca-platform-sw-components.0.signer-id"},
	{"cca", "2023", "{\"service\": \"x\"}", "platform.cca-platform-service-indicator"},
	{"cca", "2023", "{\"platform_hash_algo\": \"sha-512\"}", "platform.cca-platform-hash-algo-id"},
	{"cca", "2023", "{\"realm_hash_algo\": \"sha-512\"}", "realm.cca-realm-hash-algo-id"},
	{"cca", "2023", "{\"rim\": \"0101010101010101010101010101010101010101010101010101010101010101\"}", "realm.cca-realm-initial-measurement"},
	{"cca", "2023", "{\"rem0\": \"0101010101010101010101010101010101010101010101010101010101010101\"}", "realm.cca-realm-extensible-measurements.0"},
	{"cca", "2023", "{\"rem3\": \"0101010101010101010101010101010101010101010101010101010101010101\"}", "realm.cca-realm-extensible-measurements.3"},
	{"cca", "legacy", "{\"implementation_id\": \"0101010101010101010101010101010101010101010101010101010101010101\"}", "platform.cca-platform-implementation-id"},
	{"cca", "legacy", "{\"config\": \"01\"}", "platform.cca-platform-config"},
	{"cca", "legacy", "{\"lifecycle\": 12288}", "platform.cca-platform-lifecycle"},
	{"cca", "legacy", "{\"lifecycle\": 16384}", "platform.cca-platform-lifecycle platform.cca-platform-secured"},
	{"cca", "legacy", "{\"component_type\": \"M3\"}", "platform.cca-platform-sw-components.0.measurement-type"},
	{"cca", "legacy", "{\"component_measurement\": \"0101010101010101010101010101010101010101010101010101010101010101\"}", "platform.cca-platform-sw-components.0.measurement-value"},
	{"cca", "legacy", "{\"component_version\": \"2\"}", "platform.cca-platform-sw-components.0.version"},
	{"cca", "legacy", "{\"component_signer\": \"0101010101010101010101010101010101010101010101010101010101010101\"}", "platform.cca-platform-sw-components.0.signer-id"},
	{"cca", "legacy", "{\"service\": \"x\"}", "platform.cca-platform-service-indicator"},
	{"cca", "legacy", "{\"platform_hash_algo\": \"sha-512\"}", "platform.cca-platform-hash-algo-id"},
	{"cca", "legacy", "{\"realm_hash_algo\": \"sha-512\"}", "realm.cca-realm-hash-algo-id"},
	{"cca", "legacy", "{\"rim\": \"0101010101010101010101010101010101010101010101010101010101010101\"}", "realm.cca-realm-initial-measurement"},
	{"cca", "legacy", "{\"rem0\": \"0101010101010101010101010101010101010101010101010101010101010101\"}", "realm.cca-realm-extensible-measurements.0"},
	{"cca", "legacy", "{\"rem3\": \"0101010101010101010101010101010101010101010101010101010101010101\"}", "realm.cca-realm-extensible-measurements.3"},
	{"tpm", "rsa", "{\"clock\": 1}", "clock"},
	{"tpm", "rsa", "{\"reset_count\": 8}", "reset_count"},
	{"tpm", "rsa", "{\"restart_count\": 8}", "restart_count"},
	{"tpm", "rsa", "{\"safe\": false}", "clock_safe"},
	{"tpm", "rsa", "{\"firmware\": 1}", "firmware_version"},
	{"tpm", "rsa", "{\"qualified_signer\": \"000b\"}", "qualified_signer"},
	{"tpm", "rsapss", "{\"clock\": 1}", "clock"},
	{"tpm", "rsapss", "{\"reset_count\": 8}", "reset_count"},
	{"tpm", "rsapss", "{\"restart_count\": 8}", "restart_count"},
	{"tpm", "rsapss", "{\"safe\": false}", "clock_safe"},
	{"tpm", "rsapss", "{\"firmware\": 1}", "firmware_version"},
	{"tpm", "rsapss", "{\"qualified_signer\": \"000b\"}", "qualified_signer"},
	{"tpm", "ecc", "{\"clock\": 1}", "clock"},
	{"tpm", "ecc", "{\"reset_count\": 8}", "reset_count"},
	{"tpm", "ecc", "{\"restart_count\": 8}", "restart_count"},
	{"tpm", "ecc", "{\"safe\": false}", "clock_safe"},
	{"tpm", "ecc", "{\"firmware\": 1}", "firmware_version"},
	{"tpm", "ecc", "{\"qualified_signer\": \"000b\"}", "qualified_signer"},
	{"tpm", "enrolled", "{\"clock\": 1}", "clock"},
	{"tpm", "enrolled", "{\"reset_count\": 8}", "reset_count"},
	{"tpm", "enrolled", "{\"restart_count\": 8}", "restart_count"},
	{"tpm", "enrolled", "{\"safe\": false}", "clock_safe"},
	{"tpm", "enrolled", "{\"firmware\": 1}", "firmware_version"},
	{"tpm", "enrolled", "{\"qualified_signer\": \"000b\"}", "qualified_signer"},
	{"tpm", "enrolled", "{\"events\": [[0, 8, \"6c61622d6372746d\"], [7, 2147483649, \"736563757265626f6f74\"], [4, 4, \"00000000\"], [11, 13, \"6c6965\"]]}", "pcr11 pcr_digest uefi_event_logs.4.digests.0.digest uefi_event_logs.4.event uefi_event_logs.4.details.string"},
	{"tpm", "enrolled", "{\"events\": [[0, 8, \"6c61622d6372746d\"], [7, 2147483649, \"736563757265626f6f74\"], [4, 4, \"00000000\"], [11, 13, \"6b65726e656c\"], [16, 13, \"01\"]]}", "pcr16 pcr_digest uefi_event_logs.5"},
	{"csv", "v2", "{\"user_pubkey_digest\": \"01\"}", "user_pubkey_digest"},
	{"csv", "v2", "{\"vm_id\": \"01\"}", "vm_id"},
	{"csv", "v2", "{\"vm_version\": \"01\"}", "vm_version"},
	{"csv", "v2", "{\"mnonce\": \"01\"}", "mnonce"},
	{"csv", "v2", "{\"measure\": \"01\"}", "measure"},
	{"csv", "v2", "{\"policy\": 6}", "policy.nodbg"},
	{"csv", "v2", "{\"policy\": 5}", "policy.noks"},
	{"csv", "v2", "{\"policy\": 3}", "policy.es"},
	{"csv", "v2", "{\"policy\": 15}", "policy.nosend"},
	{"csv", "v2", "{\"policy\": 16777223}", "policy.api_minor"},
	{"csv", "v2", "{\"build\": 1}", "build"},
	{"csv", "v2", "{\"rtmr_version\": 2}", "rtmr_version"},
	{"csv", "v2", "{\"rtmr0\": \"01\"}", "rtmr0"},
	/* of the build-time register no log speaks: its events are no claims */
	{"csv", "v2", "{\"events\": [[1, 2147483649, \"6c61622d76617269\"], [2, 4, \"00000000\"], [0, 13, \"00\"], [3, 13, \"6b65726e656c\"], [4, 6, \"00000000\"]]}", "rtmr0"},
	{"csv", "v1", "{\"measure\": \"01\"}", "measure"},
	{"csv", "v1", "{\"policy\": 6}", "policy.nodbg"},
	{"csv", "v1", "{\"anonce\": 1}", "anonce"},
	{"hygondcu", NULL, "{\"version\": 2}", "body.version"},
	{"hygondcu", NULL, "{\"measure\": \"01\"}", "body.measure"},
	{"hygondcu", NULL, "{\"reserved\": \"01\"}", "body.reserved"},
	{"nitro", NULL, "{\"module_id\": \"i-1-enc2\"}", "module_id"},
	{"nitro", NULL, "{\"timestamp\": 1}", "timestamp"},
	{"nitro", NULL, "{\"pcr0\": \"" B1_48 "\"}", "pcrs.0"},
	{"nitro", NULL, "{\"pcr1\": \"" Z_48 "\"}", "pcrs.1"},
	{"nitro", NULL, "{\"pcr2\": \"" Z_48 "\"}", "pcrs.2"},
	{"nitro", NULL, "{\"pcr4\": \"" Z_48 "\"}", "pcrs.4"},
	{"nitro", NULL, "{\"pcr8\": \"" B1_48 "\"}", "pcrs.8"},
	{"nitro", NULL, "{\"public_key\": \"00\"}", "public_key"},
	{"nitro", NULL, "{\"user_data\": \"0102\"}", "user_data"},
	{"nitro", NULL, "{\"pcr0\": \"" Z_48 "\", \"pcr1\": \"" Z_48 "\", \"pcr2\": \"" Z_48 "\"}", "pcrs.0 pcrs.1 pcrs.2 debug"},
};

static void one_changed_field_changes_its_claims_and_no_other(void **state)
{
	struct world w = {0};
	struct trial good;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(changes); i++) {
		const struct change *c = &changes[i], *last = i ? &changes[i - 1] : NULL;
		struct trial t;
		struct buf b;

		if (!last || strcmp(last->tee, c->tee) != 0 || last->variant != c->variant) {
			if (last) {
				trial_end(&good);
				world_close(&w);
			}
			world_open(&w, c->tee, c->variant);
			begin(&good, &w, NULL);
			if (!rc_ok(trial_run(&good, w.driver)))
				fail_msg("%s: %s", c->tee, why_render(&good.why, good.a));
		}
		begin(&t, &w, c->fields);
		if (!rc_ok(trial_run(&t, w.driver)))
			fail_msg("%s: %s", c->fields, why_render(&t.why, t.a));
		b = buf_in(t.a, 0);
		differences(good.job.results[0].claims, t.job.results[0].claims, "", &b);
		if (!slice_is(buf_view(&b), c->claims))
			fail_msg("%s %s changes %s, expected %s", c->tee, c->fields, buf_cstr(&b), c->claims);
		trial_end(&t);
	}
	trial_end(&good);
	world_close(&w);
}

static const struct denial {
	const char *tee, *variant, *fields, *reason, *subject;
} denials[] = {
	{"cca", "2023", "{\"platform_challenge\": \"0101010101010101010101010101010101010101010101010101010101010101\"}", "cca.binding", "cca-platform-challenge"},
	{"cca", "2023", "{\"instance_id\": \"01bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"}", "cca.untrusted-root.unknown-platform", NULL},
	{"tpm", "rsa", "{\"magic\": 0}", "tpm.bad-magic", NULL},
	{"tpm", "rsa", "{\"type\": 32793}", "tpm.not-a-quote", NULL},
	{"tpm", "rsa", "{\"selection\": 0}", "tpm.parse.quote", NULL},
	{"tpm", "rsa", "{\"pcr_digest\": \"0101010101010101010101010101010101010101010101010101010101010101\"}", "tpm.pcr-mismatch", "pcr_digest"},
	{"csv", "v2", "{\"rtmr1\": \"01\"}", "csv.rtmr-mismatch", "rtmr1"},
	{"csv", "v2", "{\"rtmr4\": \"01\"}", "csv.rtmr-mismatch", "rtmr4"},
	{"hygondcu", NULL, "{\"sig_usage\": 4098}", "hygondcu.signature", NULL},
	{"nitro", NULL, "{\"digest\": \"SHA256\"}", "nitro.parse.document", NULL},
};

static void every_bank_hash_and_selection_of_a_tpm_is_accepted(void **state)
{
	static const char *const banks[] = {"sha1", "sha256", "sha384", "sha512", "sha1,sha256", "sha256,sha384,sha512", "sha1,sha256,sha384,sha512"};
	static const char *const hashes[] = {"sha256", "sha384", "sha512"};
	static const unsigned selections[] = {0xffffff, 0x000891, 0x800810};
	struct world both[2] = {0};

	(void)state;
	world_open(&both[0], "tpm", "enrolled");
	world_open(&both[1], "tpm", "ecc");
	for (size_t i = 0; i < COUNT_OF(banks) * COUNT_OF(hashes) * COUNT_OF(selections); i++) {
		const char *bank = banks[i % COUNT_OF(banks)], *hash = hashes[i / COUNT_OF(banks) % COUNT_OF(hashes)];
		unsigned selection = selections[i / COUNT_OF(banks) / COUNT_OF(hashes)];
		const struct world *w = &both[i % 2];
		const struct json *claims;
		struct trial t;

		begin(&t, w, arena_printf(w->a, "{\"banks\": \"%s\", \"hash\": \"%s\", \"selection\": %u}", bank, hash, selection));
		if (!rc_ok(trial_run(&t, w->driver)))
			fail_msg("%s %s %x: %s", bank, hash, selection, why_render(&t.why, t.a));
		claims = t.job.results[0].claims;
		assert_true(slice_is(json_get(claims, "signature_hash")->text, hash));
		assert_true(slice_is(json_get(claims, "pcr_bank")->text, strstr(bank, "sha256") ? "sha256" : bank));
		assert_int_equal(json_get(claims, "pcr00") != NULL, selection & 1);
		assert_non_null(json_get(claims, "pcr11"));
		trial_end(&t);
	}
	world_close(&both[0]);
	world_close(&both[1]);
}

static void what_a_driver_compares_is_refused_by_its_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(denials); i++) {
		const struct denial *d = &denials[i];
		struct world w = {0};
		struct trial t;

		world_open(&w, d->tee, d->variant);
		begin(&t, &w, d->fields);
		if (rc_ok(trial_run(&t, w.driver)))
			fail_msg("%s %s: accepted", d->tee, d->fields);
		assert_string_equal(why_reason(&t.why), d->reason);
		if (d->subject && (!t.why.first->subject || strcmp(t.why.first->subject, d->subject) != 0))
			fail_msg("%s %s: the explanation names %s, expected %s", d->tee, d->fields, t.why.first->subject, d->subject);
		trial_end(&t);
		world_close(&w);
	}
}

static void a_field_that_does_not_fit_is_refused(void **state)
{
	static const char *const bad[] = {"{\"nope\": 1}", "{\"timestamp\": \"now\"}", "{\"pcr0\": 1}", "{\"pcr0\": \"00x0\"}", "{\"pcr0\": \"000\"}"};
	const struct lab_binding none = {0};
	struct world w = {0};

	(void)state;
	world_open(&w, "nitro", NULL);
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct why why = why_in(w.a);
		struct slice out;
		struct json *v;

		assert_true(rc_ok(json_parse(w.a, slice_cstr(bad[i]), NULL, &v, NULL)));
		assert_int_equal(lab_evidence(&w.lab, &none, v, w.a, &out, &why).code, E_MALFORMED);
		assert_string_equal(why_reason(&why), "lab.field");
	}
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_evidence_is_accepted_with_the_lab_as_the_only_trust),
		cmocka_unit_test(nobody_trusts_the_lab_unless_it_is_named),
		cmocka_unit_test(evidence_for_another_request_is_refused),
		cmocka_unit_test(init_data_is_compared_or_refused),
		cmocka_unit_test(certificates_out_of_their_time_are_refused),
		cmocka_unit_test(one_changed_field_changes_its_claims_and_no_other),
		cmocka_unit_test(every_bank_hash_and_selection_of_a_tpm_is_accepted),
		cmocka_unit_test(what_a_driver_compares_is_refused_by_its_name),
		cmocka_unit_test(a_field_that_does_not_fit_is_refused),
	};

	return cmocka_run_group_tests_name("lab", tests, NULL, NULL);
}
