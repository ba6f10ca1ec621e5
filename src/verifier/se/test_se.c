#include "verifier/test_members.h"

#include "base/num.h"
#include "crypto/aead.h"
#include "crypto/ecdh.h"
#include "evidence/se_challenge.h"
#include "verifier/se/hkd.h"
#include "verifier/se/se.h"
#include "verifier/se/uv.h"

static struct slice hex_member(struct arena *a, const struct json *v, const char *name)
{
	const struct json *m = json_get(v, name);
	struct slice out = {0};

	if (json_is(m, JSON_STRING) && !rc_ok(hex_decode(a, m->text, &out, name, NULL)))
		fail_msg("%s is no hex", name);
	return out;
}

static struct slice b64_member(struct arena *a, const struct json *v, const char *name)
{
	struct slice out = {0};

	if (!rc_ok(b64_decode(a, B64_STD, json_get(v, name)->text, &out, name, NULL)))
		fail_msg("%s is no base64", name);
	return out;
}

static struct json *shared_json(struct arena *a, const char *path)
{
	struct json *v = NULL;

	if (!rc_ok(json_parse(a, shared_file(a, path), NULL, &v, NULL)))
		fail_msg("%s is no JSON", path);
	return v;
}

static void measurements_have_their_known_answers(void **state)
{
	static const char *const file[] = {"se/measurement-kat/all.json", "se/measurement-kat/additional.json",
					   "se/measurement-kat/minimal.json"};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct arena *a = arena_new(0);
		const struct json *v = shared_json(a, file[i]), *tags = json_get(v, "boot_hdr_tags");
		struct se_measured in = {
			.tags = {hex_member(a, tags, "pld"), hex_member(a, tags, "ald"), hex_member(a, tags, "tld"),
				 hex_member(a, tags, "tag")},
			.cuid = hex_member(a, v, "cuid"),
			.user_data = hex_member(a, v, "user_data"),
			.nonce = hex_member(a, v, "nonce"),
			.additional = hex_member(a, v, "additional_data"),
		};
		uint8_t out[SE_MEASUREMENT_SIZE];

		assert_true(rc_ok(se_measure(a, &in, hex_member(a, v, "key"), out, NULL)));
		assert_memory_equal(out, hex_member(a, v, "hmac_sha512").p, sizeof(out));
		arena_free(a);
	}
}

static void a_request_opens_with_its_key_only(void **state)
{
	struct arena *a = arena_new(0);
	const struct json *facts = json_get(shared_case(a, "se", "se-arcb-decrypt"), "facts");
	struct slice plain = hex_member(a, facts, "plaintext"), in = shared_file(a, "se/arcb/arcb.bin");
	struct why w = why_in(a);
	SECRET(key);
	SECRET(mk);
	SECRET(nonce);
	struct se_arcb r;

	(void)state;
	assert_true(rc_ok(secret_copy(&key, hex_member(a, facts, "arpk"), NULL)));
	assert_true(rc_ok(se_arcb_parse(in, &r, NULL)));
	assert_int_equal(r.key_slots_n, 1);
	assert_true(se_arcb_has(&r, SE_ARCB_NONCE) && se_arcb_has(&r, SE_ARCB_IMAGE_PHKH) && !se_arcb_has(&r, SE_ARCB_FIRMWARE));
	assert_true(rc_ok(se_arcb_open(&r, &key, &mk, &nonce, NULL)));
	assert_true(slice_eq(secret_view(&mk), slice_sub(plain, 0, SE_KEY_SIZE)));
	assert_true(slice_eq(secret_view(&nonce), slice_sub(plain, SE_KEY_SIZE, SE_NONCE_SIZE)));
	key.p[31] ^= 1;
	assert_false(rc_ok(se_arcb_open(&r, &key, &mk, &nonce, &w)));
	assert_string_equal(why_reason(&w), "se.decrypt.arcb");
	arena_free(a);
}

static void no_flipped_bit_of_a_request_is_accepted(void **state)
{
	struct arena *a = arena_new(0);
	const struct json *facts = json_get(shared_case(a, "se", "se-arcb-decrypt"), "facts");
	struct slice in = shared_file(a, "se/arcb/arcb.bin");
	SECRET(key);

	(void)state;
	assert_true(rc_ok(secret_copy(&key, hex_member(a, facts, "arpk"), NULL)));
	for (size_t bit = 0; bit < in.n * 8; bit++) {
		uint8_t *copy = exact_copy(in, in.n);
		SECRET(mk);
		SECRET(nonce);
		struct se_arcb r;

		copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (rc_ok(se_arcb_parse(slice_of(copy, in.n), &r, NULL)) && rc_ok(se_arcb_open(&r, &key, &mk, &nonce, NULL)))
			fail_msg("bit %zu is not protected", bit);
		free(copy);
	}
	for (size_t n = 0; n < in.n; n++) {
		uint8_t *cut = exact_copy(in, n);
		struct se_arcb r;

		assert_false(rc_ok(se_arcb_parse(slice_of(cut, n), &r, NULL)));
		free(cut);
	}
	arena_free(a);
}

static void an_image_header_gives_its_tags(void **state)
{
	struct arena *a = arena_new(0);
	const struct json *facts = json_get(shared_case(a, "se", "se-header-tags"), "facts");
	struct slice in = shared_file(a, "se/arcb/secure_guest.hdr");
	struct se_header h;
	struct why w = why_in(a);

	(void)state;
	assert_true(rc_ok(se_header_parse(in, &h, NULL)));
	assert_true(slice_eq(h.tags.tag, hex_member(a, facts, "tag")));
	assert_true(slice_starts(h.tags.pld, hex_member(a, facts, "pld_starts")));
	assert_true(slice_starts(h.tags.ald, hex_member(a, facts, "ald_starts")));
	assert_true(slice_starts(h.tags.tld, hex_member(a, facts, "tld_starts")));
	assert_false(rc_ok(se_header_parse(shared_file(a, "se/negative/hdr-magic.bin"), &h, &w)));
	assert_string_equal(why_reason(&w), "se.parse.header");
	for (size_t n = 0; n < in.n; n++) {
		uint8_t *cut = exact_copy(in, n);

		assert_false(rc_ok(se_header_parse(slice_of(cut, n), &h, NULL)));
		free(cut);
	}
	arena_free(a);
}

/* ---- the driver: evidence of the pack, its key and nonce as the host would open them ---- */

struct se_trial {
	struct trial t;
	struct slice sealed;	/* key, then nonce */
};

static void se_begin(struct se_trial *st, const char *file)
{
	const struct json *facts, *doc;
	struct arena *a;
	struct buf b;
	const char *key;

	trial_begin(&st->t, (struct slice){0});
	a = st->t.a;
	st->t.job.evidence = shared_file(a, file);
	facts = json_get(shared_case(a, "se", "se-coco-synthetic-1"), "facts");
	doc = shared_json(a, file);
	b = buf_in(a, 0);
	buf_slice(&b, hex_member(a, facts, "measurement_key"));
	buf_slice(&b, hex_member(a, facts, "nonce"));
	st->sealed = buf_view(&b);
	assert_true(rc_ok(se_challenge_name(a, json_get(doc, "encr_measurement_key")->text, json_get(doc, "encr_request_nonce")->text,
					   &key, NULL)));
	trial_collateral(&st->t, SE_COLLATERAL_CHALLENGE, key, st->sealed);
}

static void recorded_evidence_verifies_with_the_keys_of_its_challenge(void **state)
{
	struct se_trial st;
	const struct json *facts, *o;

	(void)state;
	se_begin(&st, "se/coco-evidence/synthetic-1.json");
	facts = json_get(shared_case(st.t.a, "se", "se-coco-synthetic-1"), "facts");
	st.t.job.report_data[0] = SLICE_LIT("report-data-shared-1");
	st.t.job.report_data_n = 1;
	if (!rc_ok(trial_run(&st.t, &se_driver)))
		fail_msg("%s", why_text(&st.t.why));
	o = st.t.job.results[0].claims;
	assert_true(json_equal(json_get(o, "cuid"), json_get(facts, "cuid")));
	assert_true(json_equal(json_get(o, "tag"), json_get(facts, "tag")));
	assert_true(json_equal(json_get(o, "image_phkh"), json_get(facts, "image_phkh")));
	assert_true(json_equal(json_get(o, "attestation_phkh"), json_get(facts, "attestation_phkh")));
	assert_true(json_equal(json_get(o, "report_data"), json_get(facts, "user_data")));
	assert_false(json_get(o, "image_header_matched")->boolean);
	trial_end(&st.t);
}

static void changed_evidence_is_refused(void **state)
{
	static const char *const file[] = {
		"se/negative/coco-synthetic-1-measurement.json", "se/negative/coco-synthetic-1-user-data.json",
		"se/negative/coco-synthetic-1-cuid.json", "se/negative/coco-synthetic-1-additional.json",
		"se/negative/coco-synthetic-1-tags.json",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(file) / sizeof(file[0]); i++) {
		struct se_trial st;

		se_begin(&st, file[i]);
		assert_false(rc_ok(trial_run(&st.t, &se_driver)));
		assert_string_equal(why_reason(&st.t.why), "se.measurement");
		trial_end(&st.t);
	}
}

/* A client that knows a public key could make any measurement under a key of its own. Only a pair that the host opened
 * counts, and only for the very texts that it sealed. */
static void a_measurement_key_that_the_client_chose_is_refused(void **state)
{
	struct se_trial st;

	(void)state;
	se_begin(&st, "se/negative/coco-synthetic-1-key.json");
	st.t.job.collateral_n = 0;
	assert_false(rc_ok(trial_run(&st.t, &se_driver)));
	assert_string_equal(why_reason(&st.t.why), "se.decrypt.challenge");
	trial_end(&st.t);

	/* the host holds a challenge, but the evidence carries another pair */
	se_begin(&st, "se/coco-evidence/synthetic-1.json");
	st.t.job.evidence = shared_file(st.t.a, "se/negative/coco-synthetic-1-key.json");
	assert_false(rc_ok(trial_run(&st.t, &se_driver)));
	assert_string_equal(why_reason(&st.t.why), "se.decrypt.challenge");
	trial_end(&st.t);
}

/* Each of the four digests by itself: pages, addresses, tweaks, and the tag over the whole header. */
static void evidence_about_another_image_is_refused(void **state)
{
	static const size_t places[] = {0xE0, 0x120, 0x160, 0};	/* 0: the tag, at the end */
	struct se_trial st;
	struct slice hdr;

	(void)state;
	se_begin(&st, "se/coco-evidence/synthetic-1.json");
	hdr = shared_file(st.t.a, "se/arcb/secure_guest.hdr");
	trial_collateral(&st.t, SE_COLLATERAL_HEADER, "", hdr);
	if (!rc_ok(trial_run(&st.t, &se_driver)))
		fail_msg("%s", why_text(&st.t.why));
	assert_true(json_get(st.t.job.results[0].claims, "image_header_matched")->boolean);
	trial_end(&st.t);

	for (size_t i = 0; i < COUNT_OF(places); i++) {
		uint8_t *other;

		se_begin(&st, "se/coco-evidence/synthetic-1.json");
		hdr = shared_file(st.t.a, "se/arcb/secure_guest.hdr");
		other = exact_copy(hdr, hdr.n);
		other[places[i] ? places[i] : hdr.n - 1] ^= 1;
		trial_collateral(&st.t, SE_COLLATERAL_HEADER, "", slice_of(other, hdr.n));
		assert_false(rc_ok(trial_run(&st.t, &se_driver)));
		assert_string_equal(why_reason(&st.t.why), "se.binding.image");
		free(other);
		trial_end(&st.t);
	}
}

static void other_report_data_is_refused(void **state)
{
	struct se_trial st;

	(void)state;
	se_begin(&st, "se/coco-evidence/synthetic-1.json");
	st.t.job.report_data[0] = SLICE_LIT("report-data-shared-2");
	st.t.job.report_data_n = 1;
	assert_false(rc_ok(trial_run(&st.t, &se_driver)));
	assert_string_equal(trial_class(&st.t), "report-data-mismatch");
	trial_end(&st.t);
}

static void evidence_can_do_without_no_member(void **state)
{
	struct se_trial st;

	(void)state;
	se_begin(&st, "se/coco-evidence/synthetic-1.json");
	expect_members(&st.t, &se_driver, "");
	trial_end(&st.t);
}

static void without_memory_evidence_is_refused(void **state)
{
	struct se_trial st;

	(void)state;
	se_begin(&st, "se/coco-evidence/synthetic-1.json");
	trial_collateral(&st.t, SE_COLLATERAL_HEADER, "", shared_file(st.t.a, "se/arcb/secure_guest.hdr"));
	st.t.job.report_data[0] = SLICE_LIT("report-data-shared-1");
	st.t.job.report_data_n = 1;
	assert_true(trial_starve(&st.t, &se_driver, 1000, 1) > 20);
	trial_end(&st.t);
}

/* Each bit of what the measurement covers, and of the measurement. */
static void no_flipped_bit_is_accepted(void **state)
{
	static const char *const member[] = {"measurement", "additional_data", "user_data", "cuid", "image_hdr_tags"};
	struct arena *a = arena_new(0);
	const struct json *doc = shared_json(a, "se/coco-evidence/synthetic-1.json");
	unsigned tried = 0;

	(void)state;
	for (size_t m = 0; m < 5; m++) {
		struct slice good = b64_member(a, doc, member[m]);

		/* one step beyond the last bit: the copy without a change must verify */
		for (size_t bit = 0, all = good.n * 8, step = test_step(); bit <= all;
		     bit = bit < all && bit + step > all ? all : bit + step) {
			struct se_trial st;
			struct json *copy;
			uint8_t *bytes;

			se_begin(&st, "se/coco-evidence/synthetic-1.json");
			copy = shared_json(st.t.a, "se/coco-evidence/synthetic-1.json");
			bytes = exact_copy(good, good.n);
			if (bit < good.n * 8)
				bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
			json_set(st.t.a, copy, member[m], json_new_b64(st.t.a, slice_of(bytes, good.n)));
			st.t.job.evidence = json_text(st.t.a, copy);
			if (rc_ok(trial_run(&st.t, &se_driver)) != (bit == good.n * 8))
				fail_msg("%s: bit %zu is not protected", member[m], bit);
			free(bytes);
			trial_end(&st.t);
			tried++;
		}
	}
	flips_enough(tried, 2000);
	flips_told("se", tried - 5);
	arena_free(a);
}

static void truncation_at_any_length_is_refused(void **state)
{
	struct arena *a = arena_new(0);
	struct slice in = shared_file(a, "se/coco-evidence/synthetic-1.json");

	(void)state;
	for (size_t n = 0; n < in.n; n++) {
		uint8_t *cut = exact_copy(in, n);
		struct trial t;

		trial_begin(&t, slice_of(cut, n));
		assert_false(rc_ok(trial_run(&t, &se_driver)));
		assert_string_equal(trial_class(&t), "parse");
		trial_end(&t);
		free(cut);
	}
	arena_free(a);
}

/* ---- host key documents ---- */

static struct x509 *hkd_cert(struct arena *a, const char *name)
{
	struct x509 *c = NULL;
	struct why w = why_in(a);

	if (!rc_ok(x509_from_any(shared_file(a, arena_printf(a, "se/hkd/%s", name)), &c, &w)))
		fail_msg("%s: %s", name, why_text(&w));
	return c;
}

static void host_key_documents_are_those_of_the_configured_root(void **state)
{
	static const struct {
		const char *hkd, *signing, *root, *crl, *class;
	} row[] = {
		{"host.crt", "ibm.crt", "root_ca.crt", "ibm.crl", NULL},
		{"host_rev.crt", "ibm.crt", "root_ca.crt", "ibm.crl", "revoked"},
		{"host_crt_expired.crt", "ibm.crt", "root_ca.crt", "ibm.crl", "expired"},
		{"host_invalid_signing_key.crt", "ibm.crt", "root_ca.crt", "ibm.crl", "chain"},
		{"fake_host.crt", "ibm.crt", "root_ca.crt", "ibm.crl", "chain"},
		{"host.crt", "fake_ibm.crt", "root_ca.crt", "ibm.crl", "chain"},
		{"host.crt", "ibm.crt", "fake_root_ca.crt", "ibm.crl", "chain"},
		{"host.crt", "ibm_expired.crt", "root_ca.crt", "ibm.crl", "expired"},
		{"host.crt", "ibm_rev.crt", "root_ca.crt", "ibm.crl", "revoked"},
		{"host.crt", "ibm_wrong_subject.crt", "root_ca.crt", "ibm.crl", "chain"},
		{"host.crt", "ibm.crt", "root_ca.crt", "ibm_outdated_early.crl", "crl-expired"},
		{"host.crt", "ibm.crt", "root_ca.crt", "ibm_outdated_late.crl", "crl-expired"},
		{"host.crt", "ibm.crt", "root_ca.crt", "fake_ibm.crl", "crl-signature"},
		{"host.crt", "ibm.crt", "root_ca.crt", "ibm_wrong_subject.crl", "crl-signature"},
		{"host.crt", "ibm.crt", "root_ca.crt", "ibm_invalid_hash.crl", "crl-signature"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct arena *a = arena_new(0);
		struct why w = why_in(a);
		struct x509 *hkd = hkd_cert(a, row[i].hkd), *signing = hkd_cert(a, row[i].signing), *inter = hkd_cert(a, "inter_ca.crt");
		struct x509 *root = hkd_cert(a, row[i].root);
		struct x509_crl *crl = NULL, *inter_crl = NULL;
		struct se_hkd_check in = {.hkd = hkd, .signing = signing, .cas = {inter}, .cas_n = 1, .root = root,
					  .require_crls = true, .now_s = time_from_civil(2024, 3, 23, 0, 0, 0)};
		const char *reason;
		rc r;

		assert_true(rc_ok(x509_crl_from(shared_file(a, arena_printf(a, "se/hkd/%s", row[i].crl)), &crl, NULL)));
		assert_true(rc_ok(x509_crl_from(shared_file(a, "se/hkd/inter_ca.crl"), &inter_crl, NULL)));
		in.crls[in.crls_n++] = crl;
		in.crls[in.crls_n++] = inter_crl;
		r = se_hkd_verify(&in, a, &w);
		reason = why_reason(&w);
		if (rc_ok(r) != !row[i].class ||
		    (row[i].class && (strncmp(reason, "se.", 3) || strncmp(reason + 3, row[i].class, strlen(row[i].class)))))
			fail_msg("row %zu: %s %s", i, reason, why_text(&w));
		in.crls_n = 0;
		if (rc_ok(r)) {
			assert_false(rc_ok(se_hkd_verify(&in, a, &w)));
			assert_string_equal(why_reason(&w), "se.crl-missing");
		}
		x509_free(hkd);
		x509_free(signing);
		x509_free(inter);
		x509_free(root);
		x509_crl_free(crl);
		x509_crl_free(inter_crl);
		arena_free(a);
	}
}

/* ---- the whole exchange, with an ultravisor made here ---- */

struct exchange {
	struct secret seal_key;
	struct pkey *hosts[2];
	uint8_t tags[SE_TAGS_SIZE];
	struct json *challenge;
};

static void exchange_begin(struct exchange *x, struct arena *a, int64_t expires_s)
{
	struct se_challenge_env env = {.host_keys_n = 2, .image_tags = {x->tags, sizeof(x->tags)}, .expires_s = expires_s};
	struct why w = why_in(a);

	*x = (struct exchange){0};
	memset(x->tags, 0x5a, sizeof(x->tags));
	assert_true(rc_ok(secret_random(&x->seal_key, 32, NULL)));
	assert_true(rc_ok(pkey_generate(KEY_P521, 0, &x->hosts[0], NULL)) && rc_ok(pkey_generate(KEY_P521, 0, &x->hosts[1], NULL)));
	env.seal_key = &x->seal_key;
	env.host_keys = (const struct pkey *const *)x->hosts;
	if (!rc_ok(se_challenge_make(&env, a, &x->challenge, &w)))
		fail_msg("%s", why_text(&w));
}

static void exchange_end(struct exchange *x)
{
	secret_free(&x->seal_key);
	pkey_free(x->hosts[0]);
	pkey_free(x->hosts[1]);
}

/* What the machine does that owns the second host key: opens the request, measures, answers. */
static struct json *ultravisor(struct exchange *x, struct arena *a, struct slice user_data)
{
	static const uint8_t iv[12], one[4] = {0, 0, 0, 1}, cuid[16] = {7}, additional[64] = {9};
	struct slice blob = b64_member(a, x->challenge, "request_blob"), slot, parts[2];
	struct json *o = json_new_object(a);
	struct pkey *customer = NULL;
	struct se_measured in;
	struct se_arcb r;
	uint8_t measurement[64];
	SECRET(z);
	SECRET(kek);
	SECRET(protection);
	SECRET(mk);
	SECRET(nonce);

	assert_true(rc_ok(se_arcb_parse(blob, &r, NULL)));
	assert_int_equal(r.key_slots_n, 2);
	assert_true(rc_ok(pkey_from_ec_xy(KEY_P521, slice_sub(r.customer_key, 14, 66), slice_sub(r.customer_key, 94, 66), &customer, NULL)));
	assert_true(rc_ok(ecdh_agree(x->hosts[1], customer, &z, "t", NULL)));
	pkey_free(customer);
	assert_true(rc_ok(secret_new(&kek, 32, NULL)) && rc_ok(secret_new(&protection, 32, NULL)));
	parts[0] = secret_view(&z);
	parts[1] = slice_of(one, 4);
	assert_true(rc_ok(digest_parts(DIGEST_SHA256, parts, 2, kek.p, NULL)));
	slot = slice_sub(r.key_slots, 80, 80);
	assert_true(rc_ok(aead_open(&kek, iv, (struct slice){0}, slice_sub(slot, 32, 48), protection.p, NULL)));
	assert_true(rc_ok(se_arcb_open(&r, &protection, &mk, &nonce, NULL)));
	assert_true(rc_ok(se_tags_parse(b64_member(a, x->challenge, "image_hdr_tags"), &in.tags, NULL)));
	in.cuid = slice_of(cuid, 16);
	in.user_data = user_data;
	in.nonce = secret_view(&nonce);
	in.additional = slice_of(additional, 64);
	assert_true(rc_ok(se_measure(a, &in, secret_view(&mk), measurement, NULL)));
	json_set(a, o, "measurement", json_new_b64(a, slice_of(measurement, 64)));
	json_set(a, o, "additional_data", json_new_b64(a, in.additional));
	json_set(a, o, "user_data", json_new_b64(a, user_data));
	json_set(a, o, "cuid", json_new_b64(a, in.cuid));
	json_set(a, o, "encr_measurement_key", json_get(x->challenge, "encr_measurement_key"));
	json_set(a, o, "encr_request_nonce", json_get(x->challenge, "encr_request_nonce"));
	json_set(a, o, "image_hdr_tags", json_get(x->challenge, "image_hdr_tags"));
	return o;
}

static void a_challenge_is_answered_and_verified_without_the_server_remembering_it(void **state)
{
	struct arena *a = arena_new(0);
	uint8_t user_data[64] = {1, 2, 3};
	struct exchange x;
	struct json *evidence;
	const char *key;
	struct trial t;
	SECRET(pair);

	(void)state;
	exchange_begin(&x, a, 1000);
	evidence = ultravisor(&x, a, slice_of(user_data, 64));
	assert_true(rc_ok(se_challenge_open(&x.seal_key, json_get(evidence, "encr_measurement_key")->text,
					    json_get(evidence, "encr_request_nonce")->text, 1000, a, &pair, NULL)));
	assert_true(rc_ok(se_challenge_name(a, json_get(evidence, "encr_measurement_key")->text,
					   json_get(evidence, "encr_request_nonce")->text, &key, NULL)));
	trial_begin(&t, json_text(a, evidence));
	trial_collateral(&t, SE_COLLATERAL_CHALLENGE, key, secret_view(&pair));
	t.job.report_data[0] = slice_of(user_data, 3);
	t.job.report_data_n = 1;
	if (!rc_ok(trial_run(&t, &se_driver)))
		fail_msg("%s", why_text(&t.why));
	trial_end(&t);
	exchange_end(&x);
	arena_free(a);
}

static void a_sealed_pair_that_is_old_foreign_mixed_or_changed_does_not_open(void **state)
{
	struct arena *a = arena_new(0);
	struct exchange x, other;
	struct slice key, nonce;
	struct why w = why_in(a);
	SECRET(pair);

	(void)state;
	exchange_begin(&x, a, 1000);
	exchange_begin(&other, a, 1000);
	key = json_get(x.challenge, "encr_measurement_key")->text;
	nonce = json_get(x.challenge, "encr_request_nonce")->text;
	assert_false(rc_ok(se_challenge_open(&x.seal_key, key, nonce, 1001, a, &pair, &w)));
	assert_string_equal(why_reason(&w), "se.expired.challenge");
	assert_false(rc_ok(se_challenge_open(&other.seal_key, key, nonce, 1, a, &pair, &w)));
	assert_string_equal(why_reason(&w), "se.decrypt.sealed");
	/* the roles cannot be exchanged, and two challenges of one server cannot be mixed */
	assert_false(rc_ok(se_challenge_open(&x.seal_key, nonce, key, 1, a, &pair, &w)));
	secret_free(&other.seal_key);
	assert_true(rc_ok(secret_copy(&other.seal_key, secret_view(&x.seal_key), NULL)));
	{
		struct se_challenge_env env = {.seal_key = &x.seal_key, .host_keys = (const struct pkey *const *)x.hosts, .host_keys_n = 1,
					       .image_tags = {x.tags, sizeof(x.tags)}, .expires_s = 1000};

		assert_true(rc_ok(se_challenge_make(&env, a, &other.challenge, NULL)));
	}
	assert_false(rc_ok(se_challenge_open(&x.seal_key, key, json_get(other.challenge, "encr_request_nonce")->text, 1, a, &pair, &w)));
	assert_string_equal(why_reason(&w), "se.decrypt.sealed");
	for (size_t i = 0; i < key.n; i++) {
		uint8_t *copy = exact_copy(key, key.n);

		copy[i] = copy[i] == 'A' ? 'B' : 'A';
		if (rc_ok(se_challenge_open(&x.seal_key, slice_of(copy, key.n), nonce, 1, a, &pair, NULL)))
			fail_msg("character %zu", i);
		free(copy);
	}
	assert_true(rc_ok(se_challenge_open(&x.seal_key, key, nonce, 1, a, &pair, NULL)));
	exchange_end(&x);
	exchange_end(&other);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(measurements_have_their_known_answers),
		cmocka_unit_test(a_request_opens_with_its_key_only),
		cmocka_unit_test(no_flipped_bit_of_a_request_is_accepted),
		cmocka_unit_test(an_image_header_gives_its_tags),
		cmocka_unit_test(recorded_evidence_verifies_with_the_keys_of_its_challenge),
		cmocka_unit_test(changed_evidence_is_refused),
		cmocka_unit_test(a_measurement_key_that_the_client_chose_is_refused),
		cmocka_unit_test(evidence_about_another_image_is_refused),
		cmocka_unit_test(other_report_data_is_refused),
		cmocka_unit_test(evidence_can_do_without_no_member),
		cmocka_unit_test(without_memory_evidence_is_refused),
		cmocka_unit_test(no_flipped_bit_is_accepted),
		cmocka_unit_test(truncation_at_any_length_is_refused),
		cmocka_unit_test(a_challenge_is_answered_and_verified_without_the_server_remembering_it),
		cmocka_unit_test(a_sealed_pair_that_is_old_foreign_mixed_or_changed_does_not_open),
		cmocka_unit_test(host_key_documents_are_those_of_the_configured_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
