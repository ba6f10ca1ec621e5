/* Evidence of a guest of Azure that is signed as it must be, by a chip, a paravisor and a vTPM made here, and says something that it
 * must not: one thing at a time. The recorded cases cannot be signed anew. */
#include "verifier/test_driver.h"

#include "base/num.h"
#include "evidence/snp.h"
#include "lab/lab_x509.h"
#include "lab/snp.h"
#include "verifier/az_vtpm/az_vtpm.h"

#define NOW ((int64_t)1790000000)
#define NONCE "the nonce of this very request  "	/* 32 bytes */

static struct arena *group;
static struct lab_world world;

static int make_world(void **state)
{
	const struct lab_options o = {.now_s = NOW, .small_keys = true};

	(void)state;
	group = arena_new(0);
	return rc_ok(lab_make("az-snp-vtpm", &o, group, &world, NULL)) ? 0 : -1;
}

static int free_world(void **state)
{
	(void)state;
	group = arena_free(group);
	return 0;
}

/* What a test changes; p == NULL: as it should be. */
struct changes {
	struct slice extra, user_data, selections;
	const char *members;	/* of the variable data, instead of its user-data */
	const char *report;	/* fields of the SNP report */
	const char *key;	/* of the vTPM, members n and e */
	unsigned version;
};

static struct slice variable_data(struct arena *a, const struct changes *c)
{
	struct slice n, user = c->user_data.p ? c->user_data : SLICE_LIT(NONCE);
	const char *members = c->members ? c->members : arena_printf(a, ",\"user-data\":\"%s\"", hex_text(a, user));

	assert_true(rc_ok(lab_key_modulus(lab_item(&world, "vtpm-ak.key"), a, &n, NULL)));
	return slice_cstr(arena_printf(a, "{\"keys\":[{\"kid\":\"HCLAkPub\",\"kty\":\"RSA\",%s}]%s}",
				       c->key ? c->key : arena_printf(a, "\"e\":\"AQAB\",\"n\":\"" SLICE_FMT "\"", SLICE_ARG(b64_text(a, B64_URL, n))),
				       members));
}

static struct slice snp_report(struct arena *a, const struct changes *c, struct slice data)
{
	struct json *given = NULL, *fields = NULL;
	struct slice out = {0};
	uint8_t d[64] = {0};

	assert_true(rc_ok(digest(DIGEST_SHA256, data, d, NULL)));
	assert_true(rc_ok(json_parse(a, slice_cstr(c->report ? c->report : "{}"), NULL, &given, NULL)));
	assert_true(rc_ok(lab_merge(lab_shape_find("snp"), given, a, &fields, NULL)));
	assert_true(rc_ok(lab_snp_report(&world, &(struct lab_binding){.report_data = slice_of(d, 64), .now_s = NOW}, fields, a, &out, NULL)));
	return out;
}

static struct slice hcl_report(struct arena *a, struct slice report, struct slice data)
{
	struct buf b = buf_in(a, 0);

	buf_puts(&b, "HCLA");
	buf_le32(&b, 2);
	(void)buf_reserve(&b, 24);
	buf_slice(&b, report);
	buf_le32(&b, (uint32_t)data.n + 20);
	buf_le32(&b, 1);
	buf_le32(&b, 2);	/* SNP */
	buf_le32(&b, 1);	/* SHA-256 */
	buf_le32(&b, (uint32_t)data.n);
	buf_slice(&b, data);
	return buf_view(&b);
}

/* TPMS_ATTEST over 24 PCRs that are all zeros. */
static struct slice quote(struct arena *a, const struct changes *c)
{
	static const uint8_t zeros[24 * 32];
	struct slice extra = c->extra.p ? c->extra : SLICE_LIT(NONCE);
	struct buf b = buf_in(a, 0);
	uint8_t d[32];

	assert_true(rc_ok(digest(DIGEST_SHA256, slice_of(zeros, sizeof(zeros)), d, NULL)));
	buf_be32(&b, 0xff544347);
	buf_be16(&b, 0x8018);
	buf_be16(&b, 0);
	buf_be16(&b, (uint16_t)extra.n);
	buf_slice(&b, extra);
	(void)buf_reserve(&b, 17 + 8);	/* clock, firmware */
	buf_slice(&b, c->selections.p ? c->selections : SLICE_LIT("\0\0\0\1\0\x0b\3\xff\xff\xff"));
	buf_be16(&b, 32);
	buf_put(&b, d, 32);
	return buf_view(&b);
}

static struct slice evidence(struct arena *a, const struct changes *c)
{
	struct slice data = variable_data(a, c), report = snp_report(a, c, data), message = quote(a, c), signature, vcek;
	struct json *doc = json_new_object(a), *q = json_new_object(a), *pcrs = json_new_array(a);

	assert_true(rc_ok(lab_sign(lab_item(&world, "vtpm-ak.key"), LAB_PKCS1, DIGEST_SHA256, message, a, &signature, NULL)));
	assert_true(rc_ok(lab_snp_vcek(&world, slice_sub(report, 0x1a0, 64), slice_sub(report, 0x180, 8), NOW, a, &vcek, NULL)));
	for (unsigned i = 0; i < 24; i++)
		json_push(a, pcrs, json_new_cstr(a, arena_printf(a, "%064d", 0)));
	json_set(a, q, "signature", json_new_hex(a, signature));
	json_set(a, q, "message", json_new_hex(a, message));
	json_set(a, q, "pcrs", pcrs);
	json_set(a, doc, "version", json_new_u64(a, c->version ? c->version : 2));
	json_set(a, doc, "tpm_quote", q);
	json_set(a, doc, "hcl_report", json_new_str(a, b64_text(a, B64_URL_PAD, hcl_report(a, report, data))));
	json_set(a, doc, "vcek", json_new_str(a, b64_text(a, B64_URL_PAD, vcek)));
	return json_text(a, doc);
}

/* reason NULL: taken. */
static void expect(struct changes c, const char *reason, const char *what)
{
	struct x509 *ark = NULL;
	struct trial t;
	rc r;

	trial_begin(&t, (struct slice){0});
	t.job.evidence = evidence(t.a, &c);
	t.job.report_data[0] = SLICE_LIT(NONCE);
	t.job.report_data_n = 1;
	trial_collateral(&t, "amd-ask-ark", "", lab_snp_chain(&world, false, t.a));
	assert_true(rc_ok(x509_from_any(lab_item(&world, "ark.pem"), &ark, NULL)));
	trial_anchor(&t, "amd-ark", x509_der(ark));
	x509_free(ark);
	t.job.no_time = false;
	t.job.now_s = NOW;
	r = trial_run(&t, &az_snp_vtpm_driver);
	if (rc_ok(r) != !reason || (reason && strcmp(why_reason(&t.why), reason) != 0))
		fail_msg("%s: %s (%s), expected %s", what, why_reason(&t.why), why_text(&t.why), reason ? reason : "acceptance");
	trial_end(&t);
}

static void a_signed_nonce_is_taken_as_it_is(void **state)
{
	static const char reason[] = "az-snp-vtpm.nonce-mismatch";

	(void)state;
	expect((struct changes){0}, NULL, "what is right");
	expect((struct changes){.extra = SLICE_LIT(NONCE "\0\0\0\0")}, reason, "zeros behind it");
	expect((struct changes){.extra = SLICE_LIT("the nonce of this")}, reason, "its first half");
	expect((struct changes){.extra = SLICE_LIT("")}, reason, "none");
}

/* Without it the hardware report, and with it the key, could be of any earlier boot of any guest. */
static void the_hardware_repeats_the_nonce_and_nothing_else(void **state)
{
	static const char reason[] = "az-snp-vtpm.report-data-mismatch";

	(void)state;
	expect((struct changes){.user_data = SLICE_LIT(NONCE "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0")}, NULL, "zeros behind it");
	expect((struct changes){.user_data = SLICE_LIT(NONCE "\0\0\1")}, reason, "something behind it");
	expect((struct changes){.user_data = SLICE_LIT("the nonce of this")}, reason, "its first half");
	expect((struct changes){.members = ""}, reason, "none");
	expect((struct changes){.members = ",\"user-data\":\"\""}, reason, "an empty one");
	expect((struct changes){.members = "", .version = 1}, NULL, "none, in the version that has none");
	/* whoever reads the last of two members, and whoever reads the first, would see another nonce */
	expect((struct changes){.members = ",\"user-data\":\"00\",\"user-data\":\"00\""}, "hcl.parse.var-data", "two of them");
	expect((struct changes){.members = ",\"keys\":[]"}, "hcl.parse.var-data", "keys twice");
}

/* CVE-2024-29039: which PCRs a digest is over stands in the signed structure. Others than all of the one bank are refused, so that no
 * resettable register stands in the place of a measured one. */
static void a_quote_selects_all_of_the_one_bank(void **state)
{
	static const struct {
		struct slice selections;
		const char *what;
	} row[] = {
		{{(const uint8_t *)"\0\0\0\1\0\x0b\3\xff\xff\xfe", 10}, "without PCR 16"},
		{{(const uint8_t *)"\0\0\0\1\0\x0b\3\xfe\xff\xff", 10}, "without PCR 0"},
		{{(const uint8_t *)"\0\0\0\1\0\x0c\3\xff\xff\xff", 10}, "another bank"},
		{{(const uint8_t *)"\0\0\0\2\0\x0b\3\xff\xff\xff\0\x04\3\0\0\0", 16}, "a second bank, of which nothing is selected"},
		{{(const uint8_t *)"\0\0\0\2\0\x04\3\0\0\0\0\x0b\3\xff\xff\xff", 16}, "that in front"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(row); i++)
		expect((struct changes){.selections = row[i].selections}, "az-snp-vtpm.pcr-mismatch.selection", row[i].what);
	expect((struct changes){.selections = SLICE_LIT("\0\0\0\1\0\x0b\3\0\0\0")}, "az-snp-vtpm.parse.quote", "nothing at all");
}

static void a_key_that_is_none_is_refused_by_the_name_of_the_tee(void **state)
{
	(void)state;
	expect((struct changes){.key = "\"e\":\"AQ\",\"n\":\"AQAB\""}, "az-snp-vtpm.parse.evidence", "an exponent of 1");
	expect((struct changes){.key = "\"e\":\"AQAB\",\"n\":\"AQAB\""}, "az-snp-vtpm.unsupported.evidence", "a modulus of 17 bits");
	expect((struct changes){.key = "\"e\":\"AQAB\",\"n\":\"\""}, "az-snp-vtpm.parse.evidence", "no modulus");
	expect((struct changes){.key = "\"e\":\"AQAB\""}, "hcl.parse.var-data", "no member for it");
}

/* A report of a lower level was asked for by the guest, with data of its choice: it could name any key. */
static void the_report_is_the_paravisors(void **state)
{
	(void)state;
	for (unsigned vmpl = 1; vmpl < 4; vmpl++)
		expect((struct changes){.report = arena_printf(group, "{\"vmpl\":%u}", vmpl)}, "az-snp-vtpm.binding.vmpl", "a lower level");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_signed_nonce_is_taken_as_it_is),
		cmocka_unit_test(the_hardware_repeats_the_nonce_and_nothing_else),
		cmocka_unit_test(a_quote_selects_all_of_the_one_bank),
		cmocka_unit_test(a_key_that_is_none_is_refused_by_the_name_of_the_tee),
		cmocka_unit_test(the_report_is_the_paravisors),
	};

	return cmocka_run_group_tests(tests, make_world, free_world);
}
