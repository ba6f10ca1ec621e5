/* Reports that are signed as they must be, under a chain made here: what the certificate of the key must say about TCB, chip and
 * role, and what a report must be beyond its signature, one thing wrong at a time. Advisories: attestation-rs#67, TOB-WAPI-8 (patch level taken from the report, chip id unchecked). */
#include "verifier/test_driver.h"

#include "base/num.h"
#include "evidence/snp.h"
#include "lab/lab_x509.h"
#include "lab/snp.h"
#include "verifier/snp/snp.h"

#define AMD "1.3.6.1.4.1.3704.1."
#define NOW ((int64_t)1790000000)
#define EXT_MAX 8u

static struct arena *world_arena;
static struct lab_world genoa, turin, milan;

static int make_worlds(void **state)
{
	struct lab_options o = {.now_s = NOW, .small_keys = true};
	bool ok;

	(void)state;
	world_arena = arena_new(0);
	ok = rc_ok(lab_make("snp", &o, world_arena, &genoa, NULL));
	o.variant = "Turin";
	ok = ok && rc_ok(lab_make("snp", &o, world_arena, &turin, NULL));
	o.variant = "Milan";
	return ok && rc_ok(lab_make("snp", &o, world_arena, &milan, NULL)) ? 0 : -1;
}

static int free_worlds(void **state)
{
	(void)state;
	world_arena = arena_free(world_arena);
	return 0;
}

/* A certificate as the vendor would issue it for the lab's chip; a test changes it. */
struct vek {
	struct lab_cert cert;
	struct lab_ext ext[EXT_MAX];
};

static struct slice chip_of(const struct lab_world *l)
{
	static uint8_t chip[64];

	for (size_t i = 0; i < 64; i++)
		chip[i] = (uint8_t)(l == &turin && i >= 8 ? 0 : 0xc0 + i);
	return slice_of(chip, l == &turin ? 8 : 64);
}

static struct vek good_vek(const struct lab_world *l)
{
	const char *g = lab_snp_generation(l, world_arena);
	bool t = l == &turin;
	struct vek v = {
		.cert = {.subject = "CN=SEV-VCEK,OU=Engineering,C=US,L=Santa Clara,ST=CA,O=Lab", .serial = 4, .from_s = NOW - 10,
			 .issuer = arena_printf(world_arena, "CN=SEV-%s,OU=Engineering,C=US,L=Santa Clara,ST=CA,O=Lab", g),
			 .to_s = NOW + 10, .key = lab_item(l, "vcek.key"), .signer = lab_item(l, "ask.key"), .pss = true,
			 .hash = DIGEST_SHA384, .ext_n = t ? 6 : 5},
		.ext = {{AMD "3.1", false, SLICE_LIT("\x02\x01\x03")},
			{AMD "3.2", false, t ? SLICE_LIT("\x02\x01\x02") : SLICE_LIT("\x02\x01\x01")},
			{AMD "3.3", false, t ? SLICE_LIT("\x02\x01\x05") : SLICE_LIT("\x02\x01\x16")},
			{AMD "3.8", false, t ? SLICE_LIT("\x02\x01\x61") : SLICE_LIT("\x02\x01\x48")},
			{AMD "4", false, chip_of(l)},
			{AMD "3.9", false, SLICE_LIT("\x02\x01\x01")}},
	};

	return v;
}

static struct slice report_of(struct arena *a, const struct lab_world *l, const char *fields)
{
	struct json *given = NULL, *whole = NULL;
	struct slice out = {0};

	assert_true(rc_ok(json_parse(a, slice_cstr(fields), NULL, &given, NULL)));
	assert_true(rc_ok(lab_merge(lab_shape_find("snp"), given, a, &whole, NULL)));
	assert_true(rc_ok(lab_snp_report(l, &(struct lab_binding){.now_s = NOW}, whole, a, &out, NULL)));
	return out;
}

/* reason NULL: taken. `vlek`: the chain of a cloud's keys. */
static void expect(const struct lab_world *l, struct vek v, const char *fields, bool vlek, const char *reason, const char *what)
{
	struct x509 *ark = NULL;
	struct trial t;
	struct slice der;
	rc r;

	v.cert.ext = v.ext;
	trial_begin(&t, (struct slice){0});
	t.job.evidence = report_of(t.a, l, fields);
	assert_true(rc_ok(lab_cert(&v.cert, t.a, &der, NULL)));
	trial_collateral(&t, vlek ? "amd-vlek" : "amd-vcek", "", der);
	trial_collateral(&t, "amd-ask-ark", "", lab_snp_chain(l, vlek, t.a));
	assert_true(rc_ok(x509_from_any(lab_item(l, "ark.pem"), &ark, NULL)));
	trial_anchor(&t, "amd-ark", x509_der(ark));
	x509_free(ark);
	t.job.no_time = false;
	t.job.now_s = NOW;
	r = trial_run(&t, &snp_driver);
	if (rc_ok(r) != !reason || (reason && strcmp(why_reason(&t.why), reason) != 0))
		fail_msg("%s: %s (%s), expected %s", what, why_reason(&t.why), why_text(&t.why), reason ? reason : "acceptance");
	trial_end(&t);
}

/* The patch level counts as the certificate says it: a key of an old firmware must not vouch for a report that claims a new one, and
 * a certificate that says nothing vouches for nothing. */
static void each_tcb_part_is_the_certificates(void **state)
{
	static const struct {
		const struct lab_world *l;
		size_t ext;
		const char *part;
	} row[] = {{&genoa, 0, "bootloader"}, {&genoa, 1, "tee"}, {&genoa, 2, "snp"}, {&genoa, 3, "microcode"}, {&turin, 5, "fmc"}};

	(void)state;
	expect(&genoa, good_vek(&genoa), "{}", false, NULL, "what is right");
	expect(&turin, good_vek(&turin), "{}", false, NULL, "what is right on Turin");
	for (size_t i = 0; i < COUNT_OF(row); i++) {
		struct vek v = good_vek(row[i].l);

		v.ext[row[i].ext].value = SLICE_LIT("\x02\x01\x7f");
		expect(row[i].l, v, "{}", false, "snp.tcb-mismatch", row[i].part);
		v = good_vek(row[i].l);
		v.ext[row[i].ext] = v.ext[--v.cert.ext_n];	/* the extension is not there */
		if (row[i].ext == v.cert.ext_n)
			v.ext[row[i].ext] = (struct lab_ext){0};
		expect(row[i].l, v, "{}", false, "snp.tcb-mismatch", row[i].part);
	}
}

static void a_tcb_part_has_one_encoding(void **state)
{
	static const struct {
		struct slice der;
		const char *what;
	} row[] = {
		{{(const uint8_t *)"\x02\x02\x00\x48", 4}, "a zero before a small number"},
		{{(const uint8_t *)"\x02\x02\x01\x48", 4}, "a number beyond a byte"},
		{{(const uint8_t *)"\x02\x81\x01\x48", 4}, "a long length"},
		{{(const uint8_t *)"\x0a\x01\x48", 3}, "an enumeration"},
		{{(const uint8_t *)"\x04\x01\x48", 3}, "an octet string"},
		{{(const uint8_t *)"\x02\x01\x48\x00", 4}, "a byte behind it"},
		{{(const uint8_t *)"\x02\x01", 2}, "no number"},
		{{(const uint8_t *)"\x48", 1}, "the number alone"},
	};
	struct vek v;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(row); i++) {
		v = good_vek(&genoa);
		v.ext[3].value = row[i].der;
		expect(&genoa, v, "{}", false, "snp.tcb-mismatch", row[i].what);
	}
	/* from 128 on a zero stands before it, or the number would be negative */
	v = good_vek(&genoa);
	v.ext[3].value = SLICE_LIT("\x02\x02\x00\xc8");
	expect(&genoa, v, "{\"reported_tcb\":\"03010000000016c8\"}", false, NULL, "200");
	v.ext[3].value = SLICE_LIT("\x02\x01\xc8");
	expect(&genoa, v, "{\"reported_tcb\":\"03010000000016c8\"}", false, "snp.tcb-mismatch", "a negative number");
}

static void an_extension_that_stands_twice_decides_nothing(void **state)
{
	struct vek v = good_vek(&genoa);

	(void)state;
	v.ext[v.cert.ext_n++] = v.ext[3];
	expect(&genoa, v, "{}", false, "snp.parse.certificate", "microcode twice");
	v = good_vek(&genoa);
	v.ext[v.cert.ext_n++] = v.ext[4];
	expect(&genoa, v, "{}", false, "snp.parse.certificate", "chip id twice");
}

static void the_chip_is_the_certificates(void **state)
{
	uint8_t id[66] = {4, 64};
	struct vek v = good_vek(&genoa);

	(void)state;
	memcpy(id + 2, v.ext[4].value.p, 64);
	v.ext[4].value = slice_of(id, 66);
	expect(&genoa, v, "{}", false, NULL, "in an octet string");
	id[65] ^= 1;
	expect(&genoa, v, "{}", false, "snp.chip-id-mismatch", "the last byte");
	v = good_vek(&genoa);
	v.ext[4].value.n = 8;
	expect(&genoa, v, "{}", false, "snp.chip-id-mismatch", "the first bytes of it");
	v.cert.ext_n = 4;
	expect(&genoa, v, "{}", false, "snp.chip-id-mismatch", "none");
	/* a host that masks the id: the report could be of any chip */
	expect(&genoa, good_vek(&genoa), arena_printf(world_arena, "{\"chip_id\":\"%0128d\"}", 0), false, "snp.chip-id-mismatch", "a masked id");
	v = good_vek(&turin);
	v.ext[4].value.n = 7;
	expect(&turin, v, "{}", false, "snp.chip-id-mismatch", "seven bytes on Turin");
}

/* Names of the vendor's own form decide what a certificate is for; its issuer must be the one of that form. */
static void each_certificate_has_its_role(void **state)
{
	struct vek v = good_vek(&genoa);

	(void)state;
	v.cert.subject = "CN=VCEK,O=Lab";
	expect(&genoa, v, "{}", false, "snp.chain", "another name");
	v.cert.subject = "CN=SEV-VLEK,O=Lab";
	expect(&genoa, v, "{}", false, "snp.signature", "a cloud's key, and the report says a chip's");
	v = good_vek(&genoa);
	expect(&genoa, v, "{\"signing_key\":\"vlek\"}", true, "snp.chain", "a chip's key without its issuer");
	v.cert.issuer = "CN=SEV-VLEK-Genoa,OU=Engineering,C=US,L=Santa Clara,ST=CA,O=Lab";
	v.cert.signer = lab_item(&genoa, "asvk.key");
	expect(&genoa, v, "{\"signing_key\":\"vlek\"}", true, "snp.signature", "a chip's key by the issuer of clouds' keys");
	v = good_vek(&genoa);
	v.cert.issuer = "CN=ARK-Genoa,OU=Engineering,C=US,L=Santa Clara,ST=CA,O=Lab";
	v.cert.signer = lab_item(&genoa, "ark.key");
	expect(&genoa, v, "{}", false, "snp.chain", "a chip's key by the root itself");
}

/* A cloud's key is of no chip. One that names a chip all the same counts for that chip alone. */
static void a_key_of_a_cloud_is_bound_to_no_chip(void **state)
{
	struct vek v = good_vek(&genoa);

	(void)state;
	v.cert.subject = "CN=SEV-VLEK,O=Lab";
	v.cert.issuer = "CN=SEV-VLEK-Genoa,OU=Engineering,C=US,L=Santa Clara,ST=CA,O=Lab";
	v.cert.signer = lab_item(&genoa, "asvk.key");
	v.cert.key = lab_item(&genoa, "vlek.key");
	expect(&genoa, v, "{\"signing_key\":\"vlek\"}", true, "snp.chip-id-mismatch", "a chip named");
	v.cert.ext_n = 4;
	expect(&genoa, v, "{\"signing_key\":\"vlek\"}", true, NULL, "no chip named");
	v.ext[3].value = SLICE_LIT("\x02\x01\x47");
	expect(&genoa, v, "{\"signing_key\":\"vlek\"}", true, "snp.tcb-mismatch", "its TCB counts");
}

static void the_key_must_be_one_that_signs_reports(void **state)
{
	struct vek v = good_vek(&genoa);
	struct slice other = {0};

	(void)state;
	assert_true(rc_ok(lab_key_new(LAB_P256, world_arena, &other, NULL)));
	v.cert.key = other;
	expect(&genoa, v, "{}", false, "snp.signature", "another curve");
	assert_true(rc_ok(lab_key_new(LAB_P384, world_arena, &other, NULL)));
	v.cert.key = other;
	expect(&genoa, v, "{}", false, "snp.signature", "another key");
}

static void a_certificate_of_another_time_is_refused(void **state)
{
	struct vek v = good_vek(&genoa);

	(void)state;
	v.cert.to_s = NOW - 1;
	expect(&genoa, v, "{}", false, "snp.expired", "yesterday's");
	v = good_vek(&genoa);
	v.cert.from_s = NOW + 1;
	expect(&genoa, v, "{}", false, "snp.expired", "tomorrow's");
}

/* A report of one product under another's chain, all of it genuine. */
static void certificates_of_another_product_are_refused(void **state)
{
	(void)state;
	expect(&milan, good_vek(&milan), "{}", false, NULL, "what is right on Milan");
	expect(&milan, good_vek(&milan), "{\"cpuid\":\"191100\"}", false, "snp.chain", "a report of Genoa under Milan's chain");
	expect(&genoa, good_vek(&genoa), "{\"cpuid\":\"190100\"}", false, "snp.chain", "a report of Milan under Genoa's chain");
	/* version 2 names no processor: the chain says which it is */
	expect(&milan, good_vek(&milan), "{\"version\":2,\"cpuid\":\"000000\"}", false, NULL, "version 2");
}

/* What nobody knows how to read is not guessed at, however well it is signed. */
static void a_form_that_is_not_known_is_refused_signed_or_not(void **state)
{
	static const struct {
		const char *fields, *reason;
	} row[] = {
		{"{\"version\":1}", "snp.unsupported.report"},
		{"{\"version\":6}", "snp.unsupported.report"},
		{"{\"signature_algorithm\":0}", "snp.unsupported.report"},
		{"{\"signature_algorithm\":2}", "snp.unsupported.report"},
		{"{\"cpuid\":\"192000\"}", "snp.unsupported.report"},	/* no processor that is known */
		{"{\"cpuid\":\"1a1200\"}", "snp.unsupported.report"},
		{"{\"policy\":65536}", "snp.parse.report"},	/* bit 17, which the firmware demands */
		{"{\"key_info\":32}", "snp.parse.report"},
		{"{\"reported_tcb\":\"0301000000011648\"}", "snp.parse.report"},
		{"{\"current_tcb\":\"0301010000001648\"}", "snp.parse.report"},
		{"{\"launch_tcb\":\"0301000100001648\"}", "snp.parse.report"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(row); i++)
		expect(&genoa, good_vek(&genoa), row[i].fields, false, row[i].reason, row[i].fields);
}

/* Key 7 stands for no signature at all. */
static void a_report_that_names_no_signing_key_is_refused(void **state)
{
	(void)state;
	expect(&genoa, good_vek(&genoa), "{\"key_info\":28}", false, "snp.signature", "no key");
	expect(&genoa, good_vek(&genoa), "{\"key_info\":8}", false, "snp.signature", "a key of no known kind");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_tcb_part_is_the_certificates),
		cmocka_unit_test(a_tcb_part_has_one_encoding),
		cmocka_unit_test(an_extension_that_stands_twice_decides_nothing),
		cmocka_unit_test(the_chip_is_the_certificates),
		cmocka_unit_test(each_certificate_has_its_role),
		cmocka_unit_test(a_key_of_a_cloud_is_bound_to_no_chip),
		cmocka_unit_test(the_key_must_be_one_that_signs_reports),
		cmocka_unit_test(a_certificate_of_another_time_is_refused),
		cmocka_unit_test(certificates_of_another_product_are_refused),
		cmocka_unit_test(a_form_that_is_not_known_is_refused_signed_or_not),
		cmocka_unit_test(a_report_that_names_no_signing_key_is_refused),
	};

	return cmocka_run_group_tests(tests, make_worlds, free_worlds);
}
