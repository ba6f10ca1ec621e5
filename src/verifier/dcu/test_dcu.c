/* There are no recorded accelerator reports in public: the chain and the reports are made here, under an own root. */
#include "verifier/test_driver.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>

#include "evidence/hygon.h"
#include "verifier/dcu/dcu.h"

/* ---- a Hygon of our own ---- */

struct lab {
	EVP_PKEY *hrk, *hsk, *cek;
	uint8_t root[HYGON_CA_SIZE], pair[HYGON_CA_SIZE + HYGON_CSV_SIZE];
};

static EVP_PKEY *sm2_key(void)
{
	EVP_PKEY *k = EVP_PKEY_Q_keygen(NULL, NULL, "SM2");

	assert_non_null(k);
	return k;
}

static void put32(uint8_t *p, uint32_t v)
{
	for (unsigned i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static void put_le(uint8_t *to, const uint8_t *be, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = be[n - 1 - i];
}

static void put_point(uint8_t *x, uint8_t *y, EVP_PKEY *k)
{
	uint8_t point[65];
	size_t n;

	assert_int_equal(EVP_PKEY_get_octet_string_param(k, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, point, sizeof(point), &n), 1);
	assert_int_equal(n, 65);
	put_le(x, point + 1, 32);
	put_le(y, point + 33, 32);
}

/* r and s into fields of 72 bytes. */
static void sm2_sign(EVP_PKEY *k, const char *uid, const uint8_t *msg, size_t n, uint8_t *r, uint8_t *s)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pc = EVP_PKEY_CTX_new(k, NULL);
	uint8_t der[128], be[32];
	const uint8_t *p = der;
	size_t der_n = sizeof(der);
	ECDSA_SIG *sig;

	assert_true(c && pc);
	EVP_PKEY_CTX_set1_id(pc, uid, (int)strlen(uid));
	EVP_MD_CTX_set_pkey_ctx(c, pc);
	assert_int_equal(EVP_DigestSignInit(c, NULL, EVP_sm3(), NULL, k), 1);
	assert_int_equal(EVP_DigestSign(c, der, &der_n, msg, n), 1);
	sig = d2i_ECDSA_SIG(NULL, &p, (long)der_n);
	assert_non_null(sig);
	memset(r, 0, HYGON_FIELD);
	memset(s, 0, HYGON_FIELD);
	assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(sig), be, 32), 32);
	put_le(r, be, 32);
	assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(sig), be, 32), 32);
	put_le(s, be, 32);
	ECDSA_SIG_free(sig);
	EVP_MD_CTX_free(c);
	EVP_PKEY_CTX_free(pc);
}

static void make_ca(uint8_t *cert, uint32_t usage, uint8_t kid, uint8_t sid, const char *uid, EVP_PKEY *k, EVP_PKEY *signer,
		    const char *signer_uid)
{
	memset(cert, 0, HYGON_CA_SIZE);
	put32(cert, 1);
	cert[4] = kid;
	cert[0x14] = sid;
	put32(cert + 0x24, usage);
	put32(cert + 0x40, HYGON_CURVE_SM2);
	put_point(cert + 0x44, cert + 0x8C, k);
	cert[0xD4] = (uint8_t)strlen(uid);
	memcpy(cert + 0xD6, uid, strlen(uid));
	sm2_sign(signer, signer_uid, cert, 0x240, cert + 0x240, cert + 0x288);
}

static void make_cek(uint8_t *cert, EVP_PKEY *k, EVP_PKEY *signer)
{
	memset(cert, 0, HYGON_CSV_SIZE);
	put32(cert, 2);
	put32(cert + 8, HYGON_CEK);
	put32(cert + 0xC, HYGON_SM2_SIGN);
	put32(cert + 0x10, HYGON_CURVE_SM2);
	put_point(cert + 0x14, cert + 0x5C, k);
	cert[0xA4] = 3;
	memcpy(cert + 0xA6, "CEK", 3);
	put32(cert + 0x414, HYGON_HSK);
	put32(cert + 0x418, HYGON_SM2_SIGN);
	put32(cert + 0x414 + 520, HYGON_INVALID);
	sm2_sign(signer, "HSK", cert, 0x414, cert + 0x41C, cert + 0x464);
}

static int lab_open(void **state)
{
	struct lab *l = calloc(1, sizeof(*l));

	assert_non_null(l);
	l->hrk = sm2_key();
	l->hsk = sm2_key();
	l->cek = sm2_key();
	make_ca(l->root, HYGON_HRK, 1, 1, "HRK", l->hrk, l->hrk, "HRK");
	make_ca(l->pair, HYGON_HSK, 2, 1, "HSK", l->hsk, l->hrk, "HRK");
	make_cek(l->pair + HYGON_CA_SIZE, l->cek, l->hsk);
	*state = l;
	return 0;
}

static int lab_close(void **state)
{
	struct lab *l = *state;

	EVP_PKEY_free(l->hrk);
	EVP_PKEY_free(l->hsk);
	EVP_PKEY_free(l->cek);
	free(l);
	return 0;
}

/* ---- reports ---- */

struct made {
	uint8_t body[252], r[HYGON_FIELD], s[HYGON_FIELD];
};

static void make_report(const struct lab *l, const char *chip, struct made *m)
{
	memset(m, 0, sizeof(*m));
	put32(m->body, 1);
	memcpy(m->body + 4, chip, strlen(chip));
	memcpy(m->body + 20, "report data", 11);
	memset(m->body + 84, 0x33, 32);
	put32(m->body + 244, HYGON_CEK);
	put32(m->body + 248, HYGON_SM2_SIGN);
	sm2_sign(l->cek, "CEK", m->body, sizeof(m->body), m->r, m->s);
}

static struct json *octets(struct arena *a, const uint8_t *p, size_t n)
{
	struct json *list = json_new_array(a);

	for (size_t i = 0; i < n; i++)
		json_push(a, list, json_new_u64(a, p[i]));
	return list;
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static struct slice document(struct arena *a, const struct made *m, size_t n)
{
	struct json *o = json_new_object(a), *list = json_new_array(a);

	for (size_t i = 0; i < n; i++) {
		struct json *rep = json_new_object(a), *body = json_new_object(a), *sig = json_new_object(a);

		json_set(a, body, "version", json_new_u64(a, get32(m[i].body)));
		json_set(a, body, "chip_id", octets(a, m[i].body + 4, 16));
		json_set(a, body, "user_data", octets(a, m[i].body + 20, 64));
		json_set(a, body, "measure", octets(a, m[i].body + 84, 32));
		json_set(a, body, "reserved", octets(a, m[i].body + 116, 128));
		json_set(a, body, "sig_usage", json_new_u64(a, get32(m[i].body + 244)));
		json_set(a, body, "sig_algo", json_new_u64(a, get32(m[i].body + 248)));
		json_set(a, sig, "r", octets(a, m[i].r, HYGON_FIELD));
		json_set(a, sig, "s", octets(a, m[i].s, HYGON_FIELD));
		json_set(a, rep, "body", body);
		json_set(a, rep, "sig", sig);
		json_push(a, list, rep);
	}
	json_set(a, o, "attestation_reports", list);
	return json_text(a, o);
}

static void begin(struct trial *t, const struct lab *l, const struct made *m, size_t n)
{
	trial_begin(t, (struct slice){0});
	t->job.evidence = document(t->a, m, n);
	t->job.report_data[0] = SLICE_LIT("report data");
	t->job.report_data_n = 1;
	trial_collateral(t, "hygon-hrk", "", slice_of(l->root, sizeof(l->root)));
	trial_anchor(t, "hygon-hrk", slice_of(l->root, sizeof(l->root)));
	trial_collateral(t, "hygon-hsk-cek", "CHIP1", slice_of(l->pair, sizeof(l->pair)));
	trial_collateral(t, "hygon-hsk-cek", "CHIP2", slice_of(l->pair, sizeof(l->pair)));
}

static void expect(struct trial *t, const char *reason)
{
	rc r = trial_run(t, &dcu_driver);

	if (reason ? rc_ok(r) || strcmp(why_reason(&t->why), reason) : !rc_ok(r))
		fail_msg("%s %s, expected %s", why_reason(&t->why), why_text(&t->why), reason ? reason : "acceptance");
}

/* ---- tests ---- */

static void each_accelerator_makes_a_result(void **state)
{
	const struct lab *l = *state;
	struct made m[2];
	struct trial t;

	make_report(l, "CHIP1", &m[0]);
	make_report(l, "CHIP2", &m[1]);
	begin(&t, l, m, 2);
	expect(&t, NULL);
	assert_int_equal(t.job.results_n, 2);
	assert_string_equal(t.job.results[1].tee_class, "dcu");
	assert_true(slice_is(json_pointer(t.job.results[1].claims, "/body/chip_id")->text, "43484950320000000000000000000000"));
	assert_true(slice_is(json_pointer(t.job.results[0].claims, "/body/sig_usage")->text, "1004"));
	assert_int_equal(t.job.wants_n, 3);
	trial_end(&t);
}

static void the_same_accelerator_twice_is_refused(void **state)
{
	const struct lab *l = *state;
	struct made m[2];
	struct trial t;

	make_report(l, "CHIP1", &m[0]);
	make_report(l, "CHIP1", &m[1]);	/* another signature over the same */
	begin(&t, l, m, 2);
	expect(&t, "hygondcu.binding.duplicate-device");
	trial_end(&t);
	begin(&t, l, m, 0);
	expect(&t, "hygondcu.parse.evidence");
	trial_end(&t);
}

static void what_is_not_right_has_its_reason(void **state)
{
	const struct lab *l = *state;
	struct made m;
	struct trial t;

	make_report(l, "CHIP1", &m);
	begin(&t, l, &m, 1);
	t.job.report_data[0] = SLICE_LIT("other data");
	expect(&t, "hygondcu.report-data-mismatch");
	trial_end(&t);
	begin(&t, l, &m, 1);
	t.job.report_data_n = 0;
	t.job.without = 0;
	expect(&t, "hygondcu.report-data-mismatch.none");
	trial_end(&t);
	begin(&t, l, &m, 1);
	t.job.anchors_n = 0;
	expect(&t, "hygondcu.untrusted-root");
	trial_end(&t);
	begin(&t, l, &m, 1);
	t.job.collateral_n = 1;
	expect(&t, "hygondcu.chain.hsk-cek-absent");
	trial_end(&t);
	make_report(l, "../CHIP1", &m);
	begin(&t, l, &m, 1);
	expect(&t, "hygondcu.parse.chip-id");
	trial_end(&t);
	/* signed by the right key, but naming another one */
	make_report(l, "CHIP1", &m);
	put32(m.body + 244, HYGON_PEK);
	sm2_sign(l->cek, "CEK", m.body, sizeof(m.body), m.r, m.s);
	begin(&t, l, &m, 1);
	expect(&t, "hygondcu.signature");
	trial_end(&t);
	/* the key of another role */
	make_report(l, "CHIP1", &m);
	sm2_sign(l->hsk, "CEK", m.body, sizeof(m.body), m.r, m.s);
	begin(&t, l, &m, 1);
	expect(&t, "hygondcu.signature");
	trial_end(&t);
	/* the right key under another user id */
	sm2_sign(l->cek, "PEK", m.body, sizeof(m.body), m.r, m.s);
	begin(&t, l, &m, 1);
	expect(&t, "hygondcu.signature");
	trial_end(&t);
}

/* Every signature holds: what is wrong is what a certificate says that it is, or whose it is. */
static void a_certificate_of_another_role_is_refused_though_it_is_signed(void **state)
{
	enum place { ROOT, HSK, CEK };
	static const struct {
		enum place place;
		size_t at;	/* a number of four bytes in the certificate */
		uint32_t value;
		bool by_another;	/* signed with a key that does not stand above it */
		const char *reason;
	} row[] = {
		{ROOT, 0x24, HYGON_HRK, false, NULL},
		{ROOT, 0x24, HYGON_HSK, false, "hygondcu.chain.hrk"},
		{ROOT, 0x24, HYGON_HRK, true, "hygondcu.chain.hrk"},
		{HSK, 0x24, HYGON_HSK, false, NULL},
		{HSK, 0x24, HYGON_HRK, false, "hygondcu.chain.hsk"},
		{HSK, 0x14, 9, false, "hygondcu.chain.hsk"},	/* says that another key signed it */
		{HSK, 0x24, HYGON_HSK, true, "hygondcu.chain.hsk"},
		{HSK, 0x40, 1, false, "hygondcu.unsupported.certificate"},
		{CEK, 8, HYGON_CEK, false, NULL},
		{CEK, 8, HYGON_PEK, false, "hygondcu.chain.cek"},
		{CEK, 0x414, HYGON_CEK, false, "hygondcu.chain.cek"},	/* of the signature: by a key of another role */
		{CEK, 0x418, 5, false, "hygondcu.chain.cek"},		/* and of another algorithm */
		{CEK, 8, HYGON_CEK, true, "hygondcu.chain.cek"},
	};
	const struct lab *good = *state;
	struct made m;

	make_report(good, "CHIP1", &m);
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct lab l = *good;
		uint8_t *cert = row[i].place == ROOT ? l.root : row[i].place == HSK ? l.pair : l.pair + HYGON_CA_SIZE;
		struct trial t;

		put32(cert + row[i].at, row[i].value);
		if (row[i].place == CEK)
			sm2_sign(row[i].by_another ? l.cek : l.hsk, "HSK", cert, 0x414, cert + 0x41C, cert + 0x464);
		else
			sm2_sign(row[i].by_another ? l.cek : l.hrk, "HRK", cert, 0x240, cert + 0x240, cert + 0x288);
		begin(&t, &l, &m, 1);
		expect(&t, row[i].reason);
		trial_end(&t);
	}
}

static void no_flipped_bit_is_accepted(void **state)
{
	const struct lab *l = *state;
	struct made good;
	unsigned tried = 0;

	make_report(l, "CHIP1", &good);
	for (size_t bit = 0; bit < sizeof(good) * 8; bit += test_step()) {
		struct made m = good;
		struct trial t;

		((uint8_t *)&m)[bit / 8] ^= (uint8_t)(1u << bit % 8);
		begin(&t, l, &m, 1);
		t.job.report_data_n = 0;	/* the signature alone must do */
		if (rc_ok(trial_run(&t, &dcu_driver)))
			fail_msg("bit %zu is not protected", bit);
		trial_end(&t);
		tried++;
	}
	flips_enough(tried, 2000);
	flips_told("hygondcu", tried);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_accelerator_makes_a_result),
		cmocka_unit_test(the_same_accelerator_twice_is_refused),
		cmocka_unit_test(what_is_not_right_has_its_reason),
		cmocka_unit_test(a_certificate_of_another_role_is_refused_though_it_is_signed),
		cmocka_unit_test(no_flipped_bit_is_accepted),
	};

	return cmocka_run_group_tests(tests, lab_open, lab_close);
}
