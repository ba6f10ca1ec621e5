/* Good evidence of the lab in which a signed part is of another kind, and was signed again by the key that may sign it: signatures and
 * chains hold, and each must be refused for what it is. */
#include "base/num.h"
#include "codec/base64.h"
#include "evidence/hygon.h"
#include "lab/lab_x509.h"
#include "verifier/test_world.h"

#define DAY 86400

static void set_item(struct world *w, const char *name, struct slice bytes)
{
	for (size_t i = 0; i < w->lab.n; i++) {
		if (strcmp(w->lab.item[i].name, name) != 0)
			continue;
		w->lab.item[i].bytes = bytes;
		return;
	}
	fail_msg("%s has no %s", w->lab.tee, name);
}

/* reason NULL: accepted. */
static void expect(struct world *w, const char *fields, const char *reason)
{
	struct trial t;

	begin(&t, w, fields);
	if (rc_ok(trial_run(&t, w->driver)) != !reason || (reason && strcmp(why_reason(&t.why), reason) != 0))
		fail_msg("%s: %s (%s), expected %s", w->lab.tee, why_reason(&t.why), why_text(&t.why), reason ? reason : "acceptance");
	trial_end(&t);
}

/* ---- certificates that sign evidence ---- */

struct chain {
	struct slice root, authority, leaf, leaf_key;
};

/* Three certificates on P-384; the leaf is as told. */
static struct chain make_chain(struct world *w, const char *authority, const char *leaf, bool ca, uint8_t usage, const struct lab_ext *ext)
{
	struct slice key[3], der[3];

	for (size_t i = 0; i < 3; i++) {
		struct lab_cert c = {.subject = i == 0 ? "CN=root" : i == 1 ? authority : leaf, .issuer = i < 2 ? "CN=root" : authority, .serial = i + 1,
				     .from_s = NOW - DAY, .to_s = NOW + DAY, .ca = i < 2 || ca};

		assert_true(rc_ok(lab_key_new(LAB_P384, w->a, &key[i], NULL)));
		c.key = key[i];
		c.signer = key[i ? i - 1 : 0];
		if (i == 2) {
			c.usage = usage;
			c.ext = ext;
			c.ext_n = ext != NULL;
		}
		assert_true(rc_ok(lab_cert(&c, w->a, &der[i], NULL)));
	}
	return (struct chain){der[0], der[1], der[2], key[2]};
}

static void use_nitro(struct world *w, const struct chain *c)
{
	set_item(w, "root.pem", lab_pem("CERTIFICATE", c->root, w->a));
	set_item(w, "root.der", c->root);
	set_item(w, "authority.der", c->authority);
	set_item(w, "enclave.der", c->leaf);
	set_item(w, "enclave.key", c->leaf_key);
}

static void use_nvidia(struct world *w, const struct chain *c)
{
	struct buf pem = buf_in(w->a, 0);

	buf_slice(&pem, lab_pem("CERTIFICATE", c->leaf, w->a));
	buf_slice(&pem, lab_pem("CERTIFICATE", c->authority, w->a));
	buf_slice(&pem, lab_pem("CERTIFICATE", c->root, w->a));
	set_item(w, "device.pem", buf_view(&pem));
	set_item(w, "device-root.pem", lab_pem("CERTIFICATE", c->root, w->a));
	set_item(w, "device.key", c->leaf_key);
}

/* CompositeDeviceID that ends with the firmware's hash, as the lab's reports name it. */
static struct lab_ext firmware(struct world *w)
{
	static const uint8_t head[] = {0x30, 0x3f, 0x30, 0x3d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x04, 0x30};
	struct buf b = buf_in(w->a, 0);
	uint8_t *p;

	buf_put(&b, head, sizeof(head));
	p = buf_reserve(&b, 48);
	assert_non_null(p);
	memset(p, 0xfd, 48);
	return (struct lab_ext){.oid = "2.23.133.5.4.1", .value = buf_view(&b)};
}

/* An authority's key signs what others ask it to: nothing that it signed is the word of a device. Its key usage allows data, so that
 * its being an authority is all that is wrong. */
static void the_certificate_of_an_authority_signs_no_evidence(void **state)
{
	static const struct {
		bool ca;
		uint8_t usage;
		const char *nitro, *nvidia;
	} row[] = {
		{false, 0x80, NULL, NULL},
		{false, 0xc0, NULL, NULL},
		{true, 0x84, "nitro.chain.leaf", "nvidia.chain.short"},
		{true, 0x04, "nitro.chain", "nvidia.chain.short"},
		{false, 0x20, "nitro.chain", "nvidia.chain"},	/* for the encryption of keys */
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(row); i++) {
		struct world w;
		struct lab_ext fw;
		struct chain c;

		world_open(&w, "nitro", NULL);
		c = make_chain(&w, "CN=authority", "CN=enclave", row[i].ca, row[i].usage, NULL);
		use_nitro(&w, &c);
		expect(&w, NULL, row[i].nitro);
		world_close(&w);
		world_open(&w, "nvidia", "hopper");
		fw = firmware(&w);
		c = make_chain(&w, "CN=GH100 A01 GSP BROM", "CN=GH100 A01 GSP FMC", row[i].ca, row[i].usage, &fw);
		use_nvidia(&w, &c);
		expect(&w, NULL, row[i].nvidia);
		world_close(&w);
	}
}

/* The hash of the firmware in the certificate is what ties report and device: without it, or with one that is cut short, neither the
 * report's own word nor its silence says anything. */
static void a_device_whose_certificate_names_no_firmware_is_refused(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		struct world w;
		struct lab_ext fw;
		struct chain c;

		world_open(&w, "nvidia", "hopper");
		fw = firmware(&w);
		if (i == 1)
			fw.oid = "2.23.133.5.4.9";
		if (i == 2)
			fw.value.n--;
		c = make_chain(&w, "CN=GH100 A01 GSP BROM", "CN=GH100 A01 GSP FMC", false, 0, i == 3 ? NULL : &fw);
		use_nvidia(&w, &c);
		expect(&w, NULL, i ? "nvidia.binding.fwid" : NULL);
		expect(&w, "{\"fwid\": \"\"}", i ? "nvidia.binding.fwid" : NULL);
		world_close(&w);
	}
}

/* ---- keys of another use ---- */

static void put_le_field(uint8_t *to, struct slice be)
{
	memset(to, 0, 72);
	for (size_t i = 0; i < be.n; i++)
		to[i] = be.p[be.n - 1 - i];
}

/* Whatever else a CEK signs: only a PEK signs reports, and report and certificate must both say so. */
static void a_report_that_another_key_than_the_pek_signed_is_refused(void **state)
{
	static const struct {
		uint8_t usage;
		const char *fields, *reason;
	} row[] = {
		{0x02, "{\"sig_usage\": 4098}", NULL},
		{0x03, "{\"sig_usage\": 4098}", "csv.chain.pek"},
		{0x04, "{\"sig_usage\": 4098}", "csv.chain.pek"},
		{0x03, "{\"sig_usage\": 4099}", "csv.parse.evidence"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(row); i++) {
		struct world w;
		struct slice rs, was;
		uint8_t *cert;

		world_open(&w, "csv", "v2");
		was = lab_item(&w.lab, "pek.cert");
		cert = arena_alloc(w.a, was.n);
		assert_non_null(cert);
		memcpy(cert, was.p, was.n);
		cert[8] = row[i].usage;
		assert_true(rc_ok(lab_sign_sm2(lab_item(&w.lab, "cek.key"), SLICE_LIT("LAB-CEK"), slice_of(cert, 0x414), w.a, &rs, NULL)));
		put_le_field(cert + 0x414 + 8, slice_sub(rs, 0, 32));
		put_le_field(cert + 0x414 + 8 + 72, slice_sub(rs, 32, 32));
		set_item(&w, "pek.cert", slice_of(cert, was.n));
		expect(&w, row[i].fields, row[i].reason);
		world_close(&w);
	}
}

/* ---- a measurement over other data ---- */

/* The claims are two hashes: with less than them a claim would be empty, with more something was measured that no claim tells. */
static void additional_data_of_another_length_is_refused(void **state)
{
	static const size_t len[] = {64, 0, 32, 63, 65, 96};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(len); i++) {
		uint8_t mac[64], more[96] = {1};
		struct world w;
		struct trial t;
		struct json *doc;
		struct slice tags, cuid, user, pair;
		struct buf b;

		world_open(&w, "se", NULL);
		begin(&t, &w, NULL);
		b = buf_in(t.a, 0);
		assert_true(rc_ok(json_parse(t.a, t.job.evidence, NULL, &doc, NULL)));
		assert_true(rc_ok(b64_decode(t.a, B64_STD, json_get(doc, "image_hdr_tags")->text, &tags, "tags", NULL)));
		assert_true(rc_ok(b64_decode(t.a, B64_STD, json_get(doc, "cuid")->text, &cuid, "cuid", NULL)));
		assert_true(rc_ok(b64_decode(t.a, B64_STD, json_get(doc, "user_data")->text, &user, "user data", NULL)));
		pair = lab_item(&w.lab, "pair.bin");
		buf_slice(&b, tags);
		buf_slice(&b, cuid);
		buf_be16(&b, (uint16_t)user.n);
		buf_be16(&b, 0);
		buf_be32(&b, (uint32_t)len[i]);
		buf_slice(&b, user);
		buf_slice(&b, slice_sub(pair, 64, 16));
		buf_put(&b, more, len[i]);
		assert_true(rc_ok(hmac(DIGEST_SHA512, slice_sub(pair, 0, 64), buf_view(&b), mac, NULL)));
		json_set(t.a, doc, "additional_data", json_new_b64(t.a, slice_of(more, len[i])));
		json_set(t.a, doc, "measurement", json_new_b64(t.a, slice_of(mac, 64)));
		t.job.evidence = json_text(t.a, doc);
		if (rc_ok(trial_run(&t, w.driver)) != (len[i] == 64))
			fail_msg("%zu bytes: %s", len[i], why_text(&t.why));
		if (len[i] != 64)
			assert_string_equal(why_reason(&t.why), "se.parse.additional");
		trial_end(&t);
		world_close(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_certificate_of_an_authority_signs_no_evidence),
		cmocka_unit_test(a_device_whose_certificate_names_no_firmware_is_refused),
		cmocka_unit_test(a_report_that_another_key_than_the_pek_signed_is_refused),
		cmocka_unit_test(additional_data_of_another_length_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, forget_worlds);
}
