#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <sys/stat.h>

#include "base/num.h"
#include "codec/base64.h"
#include "collateral/test_make.h"
#include "collateral/test_vendor.h"
#include "collateral/upstream.h"
#include "crypto/ocsp.h"
#include "lab/lab.h"

#define NOW 1795557718
#define DAY 86400

#define CHIP  "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define TURIN "0123456789abcdef"
#define FMSPC "90c06f000000"

static _Atomic int64_t fake_now = NOW;

static int64_t fake_now_ns(void *ctx)
{
	(void)ctx;
	return fake_now * 1000000000;
}

static const struct clock fake_clock = {fake_now_ns, NULL};

struct fixture {
	struct arena *a;
	struct why w;
	struct store *store;
	struct vendor vendor;
	struct route routes[16];
	struct upstream_config config;
	struct upstream *u;
	struct collateral *c;
};

/* ---- what the vendors hold ---- */

static struct slice chip_certificate(struct arena *a, const char *chip_hex)
{
	EVP_PKEY *key = EVP_EC_gen("P-384");
	X509 *x = X509_new();
	ASN1_OBJECT *oid = OBJ_txt2obj("1.3.6.1.4.1.3704.1.4", 1);
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	unsigned char *der = NULL;
	struct slice id, out;
	X509_EXTENSION *e;

	assert_true(rc_ok(hex_decode(a, slice_cstr(chip_hex), &id, "chip", NULL)));
	ASN1_OCTET_STRING_set(value, id.p, (int)id.n);
	e = X509_EXTENSION_create_by_OBJ(NULL, oid, 0, value);
	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 7L * 365 * DAY);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, (const unsigned char *)"SEV-VCEK", -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(x));
	X509_set_pubkey(x, key);
	X509_add_ext(x, e, -1);
	assert_true(X509_sign(x, key, EVP_sha384()) > 0);
	out.n = (size_t)i2d_X509(x, &der);
	out = arena_dup(a, slice_of(der, out.n));
	OPENSSL_free(der);
	X509_EXTENSION_free(e);
	ASN1_OCTET_STRING_free(value);
	ASN1_OBJECT_free(oid);
	X509_free(x);
	EVP_PKEY_free(key);
	return out;
}

static const char *pem_of(struct arena *a, struct slice der)
{
	struct slice b64 = b64_text(a, B64_STD, der);
	struct buf b = buf_in(a, 0);

	buf_puts(&b, "-----BEGIN CERTIFICATE-----\n");
	for (size_t i = 0; i < b64.n; i += 64) {
		buf_slice(&b, slice_sub(b64, i, 64));
		buf_putc(&b, '\n');
	}
	buf_puts(&b, "-----END CERTIFICATE-----\n");
	return buf_cstr(&b);
}

static const char *header_of(struct arena *a, const char *name, const char *pem)
{
	struct buf b = buf_in(a, 0);

	buf_printf(&b, "%s: ", name);
	for (; *pem; pem++) {
		if ((*pem >= '0' && *pem <= '9') || ((*pem | 0x20) >= 'a' && (*pem | 0x20) <= 'z'))
			buf_putc(&b, *pem);
		else
			buf_printf(&b, "%%%02X", (unsigned char)*pem);
	}
	buf_puts(&b, "\r\n");
	return buf_cstr(&b);
}

static struct slice tcb_info(struct arena *a, const char *fmspc, int64_t issued)
{
	char from[32], to[32];
	struct buf b = buf_in(a, 0);

	time_rfc3339(issued, from);
	time_rfc3339(issued + 30 * DAY, to);
	buf_printf(&b, "{\"tcbInfo\":{\"id\":\"SGX\",\"version\":3,\"issueDate\":\"%s\",\"nextUpdate\":\"%s\",\"fmspc\":\"%s\",", from, to,
		   fmspc);
	buf_puts(&b, "\"pceId\":\"0000\",\"tcbType\":0,\"tcbEvaluationDataNumber\":17,\"tcbLevels\":[{\"tcb\":{\"sgxtcbcomponents\":[");
	for (int i = 0; i < 16; i++)
		buf_printf(&b, "%s{\"svn\":1}", i ? "," : "");
	buf_puts(&b, "],\"pcesvn\":11},\"tcbDate\":\"2024-03-13T00:00:00Z\",\"tcbStatus\":\"UpToDate\"}]},\"signature\":\"");
	for (int i = 0; i < 64; i++)
		buf_puts(&b, "5a");
	buf_puts(&b, "\"}");
	assert_true(buf_ok(&b));
	return buf_view(&b);
}

static struct slice qe_identity(struct arena *a, const char *id)
{
	char *text = arena_printf(a,
				  "{\"enclaveIdentity\":{\"id\":\"%s\",\"version\":2,\"issueDate\":\"2026-11-01T00:00:00Z\","
				  "\"nextUpdate\":\"2026-12-01T00:00:00Z\",\"tcbEvaluationDataNumber\":17,\"miscselect\":\"00000000\","
				  "\"miscselectMask\":\"ffffffff\",\"attributes\":\"%032d\",\"attributesMask\":\"%032d\",\"mrsigner\":\"%064d\","
				  "\"isvprodid\":1,\"tcbLevels\":[{\"tcb\":{\"isvsvn\":8},\"tcbDate\":\"2024-03-13T00:00:00Z\","
				  "\"tcbStatus\":\"UpToDate\"}]},\"signature\":\"%0128d\"}",
				  id, 0, 0, 0, 0);

	assert_non_null(text);
	return slice_cstr(text);
}

static void open_all(struct fixture *f)
{
	const struct collateral_config cc = {.refresh_s = 1000};
	struct collateral_config config = cc;

	assert_true(rc_ok(upstream_open(&f->config, &f->u, &f->w)));
	config.source = upstream_source(f->u);
	assert_true(rc_ok(collateral_open(f->store, &fake_clock, &config, &f->c, &f->w)));
}

static int setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));
	const char *chain;

	f->a = arena_new(0);
	f->w = why_in(f->a);
	chain = pem_of(f->a, chip_certificate(f->a, TURIN));
	const struct route routes[] = {
		{"/vcek/v1/Milan/" CHIP "?blSPL=03&teeSPL=00&snpSPL=08&ucodeSPL=115", 200, "", chip_certificate(f->a, CHIP)},
		{"/vcek/v1/Turin/" TURIN "?fmcSPL=01&blSPL=02&teeSPL=03&snpSPL=04&ucodeSPL=05", 200, "", chip_certificate(f->a, TURIN)},
		{"/vcek/v1/Genoa/" CHIP "?blSPL=01&teeSPL=00&snpSPL=01&ucodeSPL=01", 200, "", chip_certificate(f->a, TURIN)},
		{"/vcek/v1/Milan/cert_chain", 200, "", slice_cstr(chain)},
		{"/vlek/v1/Milan/crl", 200, "", make_crl(f->a, "ARK-Milan", 5, NOW - DAY, NOW + DAY)},
		{"/sgx/certification/v4/tcb?fmspc=90C06F000000&update=early", 200, header_of(f->a, "TCB-Info-Issuer-Chain", chain),
		 tcb_info(f->a, FMSPC, NOW - DAY)},
		{"/sgx/certification/v4/tcb?fmspc=90C06F000001&update=early", 200, header_of(f->a, "TCB-Info-Issuer-Chain", chain),
		 tcb_info(f->a, FMSPC, NOW - DAY)},
		{"/sgx/certification/v4/tcb?fmspc=90C06F000002&update=early", 200, "", tcb_info(f->a, "90c06f000002", NOW - DAY)},
		{"/tdx/certification/v4/qe/identity?update=early", 200, header_of(f->a, "SGX-Enclave-Identity-Issuer-Chain", chain),
		 qe_identity(f->a, "TD_QE")},
		{"/sgx/certification/v4/qe/identity?update=early", 200, header_of(f->a, "SGX-Enclave-Identity-Issuer-Chain", chain),
		 qe_identity(f->a, "TD_QE")},
		{"/sgx/certification/v4/pckcrl?ca=platform&encoding=der", 200, "", make_crl(f->a, "CA", 5, NOW - DAY, NOW + DAY)},
		{"/sgx/certification/v4/rootcacrl", 200, "",
		 slice_cstr(hex_text(f->a, make_crl(f->a, "Root", 5, NOW - DAY, NOW + DAY)))},
		{NULL},
	};
	_Static_assert(sizeof(routes) <= sizeof(f->routes), "room for the routes");
	memcpy(f->routes, routes, sizeof(routes));
	vendor_start(&f->vendor, f->routes);
	f->config = (struct upstream_config){.amd = {{.at = f->vendor.base}}, .amd_n = 1, .intel = f->vendor.base, .timeout_ms = 400,
					     .loopback_http = true};
	assert_true(rc_ok(store_open_memory(&fake_clock, &f->store, &f->w)));
	open_all(f);
	*state = f;
	return 0;
}

static void close_all(struct fixture *f)
{
	collateral_close(f->c);
	upstream_close(f->u);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	close_all(f);
	vendor_stop(&f->vendor);
	store_close(f->store);
	arena_free(f->a);
	test_free(f);
	return 0;
}

static enum rc_code get(struct fixture *f, const char *kind, const char *key)
{
	struct slice out;
	rc r = collateral_get(f->c, kind, key, f->a, &out, &f->w);

	if (rc_ok(r))
		assert_true(out.n > 0);
	return r.code;
}

/* The vendor is asked anew, whatever it did before. */
static void forget(struct fixture *f)
{
	close_all(f);
	open_all(f);
}

/* ---- tests ---- */

static void each_kind_is_fetched_by_its_key(void **state)
{
	static const struct {
		const char *kind, *key;
	} all[] = {
		{"amd-vcek", "Milan/" CHIP "/3.0.8.115"},
		{"amd-vcek", "Turin/" TURIN "/2.3.4.5.1"},
		{"amd-ask-ark", "Milan"},
		{"amd-crl", "Milan/vlek"},
		{"intel-tcb-info", "sgx/" FMSPC},
		{"intel-tcb-info-chain", "sgx/" FMSPC},
		{"intel-qe-identity-chain", "tdx"},
		{"intel-qe-identity", "tdx"},
		{"intel-pck-crl", "platform"},
		{"intel-root-crl", ""},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT_OF(all); i++) {
		if (get(f, all[i].kind, all[i].key) != OK)
			fail_msg("%s %s: %s", all[i].kind, all[i].key, why_text(&f->w));
	}
	/* Document and chain came together, twice. */
	assert_int_equal(atomic_load(&f->vendor.asked), COUNT_OF(all) - 2);
}

/* ---- the makers of devices, and Azure ---- */

struct devices {
	struct lab_world nvidia, hygon;
	struct route routes[16];
};

static const struct lab_item *piece_of(const struct lab_world *l, const char *kind)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->item[i].kind && strcmp(l->item[i].kind, kind) == 0)
			return &l->item[i];
	fail();
	return NULL;
}

/* The services of NVIDIA, Hygon and Azure at the vendor's address, with what the laboratory makes. */
static void ask_devices(struct fixture *f, struct devices *d)
{
	const struct lab_options o = {.now_s = NOW, .small_keys = true};
	const struct lab_item *rim;
	struct json *doc;
	const struct route more[] = {
		{"/v1/rim/NV_GPU_DRIVER_GH100_550.90.07", 200, "", {0}},
		{"/v1/rim/OTHER", 200, "", SLICE_LIT("{\"id\":\"ANOTHER\",\"rim\":\"AAAA\"}")},
		{"/v1/rim/BROKEN", 200, "", SLICE_LIT("{\"id\":\"BROKEN\",\"rim\":\"not base64\"}")},
		{"/ocsp", 200, "", {0}},
		{"/keys", 200, "", SLICE_LIT("{\"keys\":[]}")},
		{"/hsk_cek?snumber=LAB0123456789", 200, "", {0}},
		{"/hsk_cek?snumber=SHORT", 200, "", SLICE_LIT("nothing")},
		{"/azure/" CHIP "/7308000000000003?api-version=2020-10-15-preview", 200, "",
		 slice_cstr(arena_printf(f->a, "%s%s", pem_of(f->a, chip_certificate(f->a, CHIP)), pem_of(f->a, chip_certificate(f->a, TURIN))))},
		{NULL},
	};

	assert_true(rc_ok(lab_make("nvidia", &o, f->a, &d->nvidia, &f->w)) && rc_ok(lab_make("csv", &o, f->a, &d->hygon, &f->w)));
	memcpy(d->routes, more, sizeof(more));
	rim = piece_of(&d->nvidia, "nvidia-rim");
	assert_string_equal(rim->key, "NV_GPU_DRIVER_GH100_550.90.07");
	doc = json_new_object(f->a);
	json_set(f->a, doc, "id", json_new_cstr(f->a, rim->key));
	json_set(f->a, doc, "rim", json_new_b64(f->a, rim->bytes));
	d->routes[0].body = json_text(f->a, doc);
	d->routes[3].body = piece_of(&d->nvidia, "nvidia-ocsp")->bytes;
	d->routes[5].body = piece_of(&d->hygon, "hygon-hsk-cek")->bytes;
	vendor_stop(&f->vendor);
	vendor_start(&f->vendor, d->routes);
	f->config = (struct upstream_config){.amd = {{.azure = true, .at = arena_printf(f->a, "%s/azure", f->vendor.base)}}, .amd_n = 1,
					     .nvidia_rim = f->vendor.base, .nvidia_ocsp = arena_printf(f->a, "%s/ocsp", f->vendor.base),
					     .nvidia_jwks = arena_printf(f->a, "%s/keys", f->vendor.base), .hygon = f->vendor.base,
					     .timeout_ms = 400, .loopback_http = true};
	forget(f);
}

static void makers_of_devices_are_asked_for_what_verifiers_name(void **state)
{
	struct fixture *f = *state;
	struct devices *d = ARENA_NEW(f->a, struct devices);
	const struct lab_item *answer;
	struct slice out, asked;
	struct ocsp_id id;

	ask_devices(f, d);
	answer = piece_of(&d->nvidia, "nvidia-ocsp");
	assert_true(rc_ok(collateral_get(f->c, "nvidia-rim", "NV_GPU_DRIVER_GH100_550.90.07", f->a, &out, &f->w)));
	assert_true(slice_eq(out, piece_of(&d->nvidia, "nvidia-rim")->bytes));
	if (!rc_ok(collateral_get(f->c, "nvidia-ocsp", answer->key, f->a, &out, &f->w)))
		fail_msg("%s", why_text(&f->w));
	assert_true(slice_eq(out, answer->bytes));
	assert_string_equal(f->vendor.method, "POST");
	assert_true(rc_ok(ocsp_id_parse(f->a, slice_cstr(answer->key), &id, &f->w)));
	assert_true(rc_ok(ocsp_request(f->a, &id, (struct slice){0}, &asked, &f->w)));
	assert_true(slice_eq(asked, slice_of(f->vendor.body, f->vendor.body_n)));
	assert_int_equal(get(f, "nvidia-nras-jwks", ""), OK);
	assert_int_equal(get(f, "hygon-hsk-cek", "LAB0123456789"), OK);
	assert_true(rc_ok(collateral_get(f->c, "amd-vcek", "Milan/" CHIP "/3.0.8.115", f->a, &out, &f->w)));
	assert_true(slice_eq(out, chip_certificate(f->a, CHIP)) || out.p[0] == 0x30);
}

static void what_is_of_another_device_or_none_is_not_kept(void **state)
{
	static const struct {
		const char *kind, *key;
		enum rc_code code;
		const char *reason;
	} row[] = {
		{"nvidia-rim", "OTHER", E_MALFORMED, "upstream.content"},
		{"nvidia-rim", "BROKEN", E_MALFORMED, "upstream.content"},
		{"nvidia-rim", "../../etc/passwd", E_NOTFOUND, "upstream.key"},
		{"nvidia-rim", "A?b=c", E_NOTFOUND, "upstream.key"},
		{"nvidia-rim", "", E_NOTFOUND, "upstream.key"},
		{"nvidia-ocsp", "sha384:00", E_NOTFOUND, "upstream.key"},
		{"nvidia-nras-jwks", "x", E_NOTFOUND, "upstream.key"},
		{"hygon-hsk-cek", "SHORT", E_MALFORMED, "upstream.content"},
		{"hygon-hsk-cek", "A&B", E_NOTFOUND, "upstream.key"},
		{"amd-vcek", "Turin/" TURIN "/2.3.4.5.1", E_NOTFOUND, "upstream.absent"},
		{"amd-ask-ark", "Milan", E_NOTFOUND, "upstream.absent"},
	};
	struct fixture *f = *state;
	struct devices *d = ARENA_NEW(f->a, struct devices);
	const struct lab_item *answer = NULL;

	ask_devices(f, d);
	for (size_t i = 0; i < COUNT_OF(row); i++) {
		struct collateral_answer out;
		struct why w = why_in(f->a);
		rc r = upstream_source(f->u)->fetch(upstream_source(f->u)->ctx, row[i].kind, row[i].key, NULL, f->a, &out, &w);

		if (r.code != row[i].code || strcmp(why_reason(&w), row[i].reason) != 0)
			fail_msg("%s %s: %s %s (%s)", row[i].kind, row[i].key, rc_name(r.code), why_reason(&w), why_text(&w));
	}
	/* an answer about another certificate than the one asked about */
	for (size_t i = 0; i < d->nvidia.n; i++)
		if (d->nvidia.item[i].kind && strcmp(d->nvidia.item[i].kind, "nvidia-ocsp") == 0)
			answer = &d->nvidia.item[i];
	assert_int_equal(get(f, "nvidia-ocsp", answer->key), E_MALFORMED);
}

static void an_issuer_chain_is_decoded_from_its_header(void **state)
{
	struct fixture *f = *state;
	struct slice out;

	assert_true(rc_ok(collateral_get(f->c, "intel-tcb-info-chain", "sgx/" FMSPC, f->a, &out, &f->w)));
	assert_true(slice_is(out, pem_of(f->a, chip_certificate(f->a, TURIN))) || slice_starts(out, SLICE_LIT("-----BEGIN CERTIFICATE-----\n")));
	assert_null(memchr(out.p, '%', out.n));
}

static void a_key_that_could_lead_elsewhere_is_never_asked_for(void **state)
{
	static const struct {
		const char *kind, *key;
	} bad[] = {
		{"amd-vcek", "Milan/../../x/3.0.8.115"},
		{"amd-vcek", "Milan/" CHIP "/3.0.8"},
		{"amd-vcek", "Milan/" CHIP "/3.0.8.256"},
		{"amd-vcek", "Milan/" CHIP "/3.0.8.0115"},
		{"amd-vcek", "Milan/" CHIP "/3.0.8.115.1"},
		{"amd-vcek", "Milan/" CHIP "/3.0.8.115&x=y"},
		{"amd-vcek", "Milan/" CHIP "00/3.0.8.115"},
		{"amd-vcek", "Turin/" CHIP "/2.3.4.5.1"},
		{"amd-vcek", "Turin/" TURIN "/2.3.4.5"},
		{"amd-vcek", "Rome/" CHIP "/3.0.8.115"},
		{"amd-vcek", "Turin/0000000000000000/2.3.4.5.1"},
		{"amd-vcek", ""},
		{"amd-ask-ark", "Milan/vlek/x"},
		{"amd-ask-ark", "Milano"},
		{"amd-crl", "../Milan"},
		{"intel-tcb-info", "sgx/90c06f00000g"},
		{"intel-tcb-info", "sgx/90c06f0000000"},
		{"intel-tcb-info", "sev/90c06f000000"},
		{"intel-tcb-info", "sgx/90c06f&up=1x"},
		{"intel-qe-identity", "tdx/x"},
		{"intel-pck-crl", "platform&x=y"},
		{"intel-root-crl", "x"},
		{"nvidia-rim", "x"},
		{"no-such-kind", "x"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT_OF(bad); i++)
		if (get(f, bad[i].kind, bad[i].key) != E_NOTFOUND)
			fail_msg("%s %s: %s", bad[i].kind, bad[i].key, why_reason(&f->w));
	assert_int_equal(atomic_load(&f->vendor.asked), 0);
	/* Nor do such keys put the vendor off for others. */
	assert_int_equal(get(f, "amd-ask-ark", "Milan"), OK);
}

static void an_answer_of_another_thing_is_refused(void **state)
{
	static const struct {
		const char *kind, *key;
	} wrong[] = {
		{"amd-vcek", "Genoa/" CHIP "/1.0.1.1"},	/* another chip's */
		{"intel-tcb-info", "sgx/90c06f000001"},	/* another platform's */
		{"intel-tcb-info", "sgx/90c06f000002"},	/* without its chain */
		{"intel-qe-identity", "sgx"},		/* another enclave's */
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		forget(f);
		if (get(f, wrong[i].kind, wrong[i].key) != E_MALFORMED)
			fail_msg("%s %s: %s", wrong[i].kind, wrong[i].key, why_reason(&f->w));
		forget(f);
		assert_int_equal(get(f, wrong[i].kind, wrong[i].key), E_MALFORMED);	/* nothing was kept */
	}
}

static void every_fault_of_a_vendor_is_told_and_puts_it_off(void **state)
{
	static const struct {
		enum fault fault;
		unsigned status;
		enum rc_code code;
		const char *reason;
	} all[] = {
		{FAULT_NONE, 429, E_LIMIT, "upstream.busy"},
		{FAULT_NONE, 500, E_UNAVAILABLE, "upstream.status"},
		{FAULT_NONE, 503, E_UNAVAILABLE, "upstream.status"},
		{FAULT_NONE, 302, E_UNAVAILABLE, "upstream.status"},
		{FAULT_NONE, 204, E_UNAVAILABLE, "upstream.status"},
		{FAULT_NONE, 403, E_UNAVAILABLE, "upstream.status"},
		{FAULT_CUT, 0, E_UNAVAILABLE, "fetch.io"},
		{FAULT_DROP, 0, E_UNAVAILABLE, "fetch.io"},
		{FAULT_ENDLESS, 0, E_LIMIT, "fetch.size"},
		{FAULT_SLOW, 0, E_UNAVAILABLE, "fetch.timeout"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT_OF(all); i++) {
		int before;

		forget(f);
		atomic_store(&f->vendor.fault, all[i].fault);
		atomic_store(&f->vendor.status, all[i].status);
		if (get(f, "amd-ask-ark", "Milan") != all[i].code || strcmp(why_reason(&f->w), all[i].reason) != 0)
			fail_msg("fault %d status %u: %s", (int)all[i].fault, all[i].status, why_reason(&f->w));
		before = atomic_load(&f->vendor.asked);
		assert_int_equal(get(f, "amd-ask-ark", "Milan"), E_UNAVAILABLE);
		assert_string_equal(why_reason(&f->w), "collateral.put-off");
		assert_int_equal(atomic_load(&f->vendor.asked), before);
		/* Another vendor's budget is its own. */
		atomic_store(&f->vendor.fault, FAULT_NONE);
		atomic_store(&f->vendor.status, 0);
		if (all[i].fault != FAULT_SLOW)
			assert_int_equal(get(f, "intel-pck-crl", "platform"), OK);
	}
}

static void what_is_not_there_puts_nobody_off(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(get(f, "amd-vcek", "Milan/" CHIP "/9.9.9.9"), E_NOTFOUND);
	assert_int_equal(get(f, "amd-ask-ark", "Milan"), OK);
}

static void a_vendor_that_is_down_for_a_day_stops_no_guest_that_has_its_collateral(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(get(f, "intel-tcb-info", "sgx/" FMSPC), OK);
	assert_int_equal(get(f, "amd-crl", "Milan/vlek"), OK);
	vendor_stop(&f->vendor);
	fake_now += DAY;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(get(f, "intel-tcb-info", "sgx/" FMSPC), OK);
		assert_int_equal(get(f, "intel-tcb-info-chain", "sgx/" FMSPC), OK);
		assert_int_equal(get(f, "amd-crl", "Milan/vlek"), OK);
	}
	assert_int_equal(get(f, "amd-ask-ark", "Milan"), E_UNAVAILABLE);
	fake_now -= DAY;
	vendor_start(&f->vendor, f->routes);
}

static void a_vendor_that_serves_an_older_list_again_is_not_followed(void **state)
{
	struct fixture *f = *state;
	struct slice held = f->routes[10].body, out;

	assert_string_equal(f->routes[10].target, "/sgx/certification/v4/pckcrl?ca=platform&encoding=der");
	assert_int_equal(get(f, "intel-pck-crl", "platform"), OK);
	f->routes[10].body = make_crl(f->a, "CA", 4, NOW - 2 * DAY, NOW + DAY);
	fake_now += 1000;
	assert_true(rc_ok(collateral_get(f->c, "intel-pck-crl", "platform", f->a, &out, &f->w)));
	assert_true(slice_eq(out, held));
	assert_int_equal(atomic_load(&f->vendor.asked), 2);
	fake_now -= 1000;
}

static void a_document_of_the_future_is_not_kept(void **state)
{
	struct fixture *f = *state;

	f->routes[5].body = tcb_info(f->a, FMSPC, NOW + DAY);
	assert_int_equal(get(f, "intel-tcb-info", "sgx/" FMSPC), E_DENIED);
	assert_string_equal(why_reason(&f->w), "collateral.answer");
	f->routes[5].body = tcb_info(f->a, FMSPC, NOW);
	forget(f);
	assert_int_equal(get(f, "intel-tcb-info", "sgx/" FMSPC), OK);
}

static void sources_are_asked_in_order_until_one_has_it(void **state)
{
	struct fixture *f = *state;
	char dir[] = "/tmp/warrant-kds-XXXXXX", path[512], cmd[64];

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/vcek/" TURIN, dir);
	assert_true(rc_ok(file_mkdirs(path, 0700, &f->w)));
	snprintf(path, sizeof(path), "%s/vcek/" TURIN "/bl02_tee03_snp04_ucode05_fmc01_vcek.der", dir);
	assert_true(rc_ok(file_write_atomic(path, chip_certificate(f->a, TURIN), 0600, &f->w)));
	snprintf(path, sizeof(path), "%s/vcek/" CHIP, dir);
	assert_true(rc_ok(file_mkdirs(path, 0700, &f->w)));
	snprintf(path, sizeof(path), "%s/vcek/" CHIP "/vcek.der", dir);
	assert_true(rc_ok(file_write_atomic(path, chip_certificate(f->a, CHIP), 0600, &f->w)));
	f->config.amd[1] = f->config.amd[0];
	f->config.amd[0] = (struct upstream_amd){.folder = true, .at = dir};
	f->config.amd_n = 2;
	forget(f);
	assert_int_equal(get(f, "amd-vcek", "Turin/" TURIN "/2.3.4.5.1"), OK);
	assert_int_equal(get(f, "amd-vcek", "Genoa/" CHIP "/8.8.8.8"), OK);	/* the file without versions */
	assert_int_equal(atomic_load(&f->vendor.asked), 0);
	assert_int_equal(get(f, "amd-ask-ark", "Milan"), OK);
	assert_int_equal(atomic_load(&f->vendor.asked), 1);
	/* One that fails does not hide that another has it; only when all lack it, it is absent. */
	atomic_store(&f->vendor.status, 500);
	assert_int_equal(get(f, "amd-crl", "Turin"), E_UNAVAILABLE);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	assert_int_equal(system(cmd), 0);
}

static void a_url_is_a_host_and_a_path_over_tls(void **state)
{
	static const char *const bad[] = {"http://kds.example", "https://", "https://u:p@kds.example", "https://kds.example/?x",
					  "https://kds.example/#x", "https://kds.example/%2e", "ftp://x", "", "https://a b", "https:///x",
					  "https://:443"};
	struct fixture *f = *state;
	struct upstream *u;

	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		const struct upstream_config amd = {.amd = {{.at = bad[i]}}, .amd_n = 1}, intel = {.intel = bad[i]};

		assert_int_equal(upstream_open(&amd, &u, &f->w).code, E_MALFORMED);
		assert_string_equal(why_reason(&f->w), "upstream.url");
		assert_int_equal(upstream_open(&intel, &u, &f->w).code, E_MALFORMED);
	}
	const struct upstream_config good = {.amd = {{.at = UPSTREAM_KDS}, {.folder = true, .at = UPSTREAM_KDS_FOLDER}}, .amd_n = 2, .intel = UPSTREAM_PCS};
	assert_true(rc_ok(upstream_open(&good, &u, &f->w)));
	upstream_close(u);
}

static void a_time_to_wait_is_seconds_or_a_date(void **state)
{
	static const char date[] = "Mon, 23 Nov 2026 17:29:49 GMT";
	static const struct {
		const char *value, *date;
		unsigned seconds;
	} all[] = {
		{"0", date, 0}, {"7", "", 7}, {"120", date, 120}, {"999999999", date, 999999999}, {"1000000000", date, 0}, {"", date, 0},
		{"-1", date, 0}, {"7s", date, 0}, {" 7", date, 0}, {"0x7", date, 0},
		{"Mon, 23 Nov 2026 17:30:49 GMT", date, 60}, {"Tue, 24 Nov 2026 17:29:49 GMT", date, 86400},
		{"Mon, 23 Nov 2026 17:29:48 GMT", date, 0}, {"Mon, 23 Nov 2026 17:30:49 GMT", "", 0},
		{"Mon, 23 Nov 2026 17:30:49 UTC", date, 0}, {"Mon, 23 Foo 2026 17:30:49 GMT", date, 0},
		{"Mon, 00 Nov 2026 17:30:49 GMT", date, 0}, {"Mon, 32 Nov 2026 17:30:49 GMT", date, 0},
		{"Mon, 23 Nov 2026 24:30:49 GMT", date, 0}, {"Fri, 31 Dec 9999 23:59:59 GMT", date, INT32_MAX},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(all); i++)
		if (upstream_retry_after(slice_cstr(all[i].value), slice_cstr(all[i].date)) != all[i].seconds)
			fail_msg("\"%s\": %u", all[i].value, upstream_retry_after(slice_cstr(all[i].value), slice_cstr(all[i].date)));
}

static void a_header_chain_is_read_strictly(void **state)
{
	static const char *const bad[] = {"", "x", "-----BEGIN CERTIFICATE-----%", "-----BEGIN CERTIFICATE-----%0", "%2",
					  "-----BEGIN CERTIFICATE-----%0g", "-----BEGIN CERTIFICATE-----%00",
					  "-----BEGIN CERTIFICATE-----%ff", "%0A-----BEGIN CERTIFICATE-----"};
	struct fixture *f = *state;
	struct slice out;

	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_int_equal(upstream_header_chain(f->a, slice_cstr(bad[i]), &out, &f->w).code, E_MALFORMED);
	assert_true(rc_ok(upstream_header_chain(f->a, SLICE_LIT("-----BEGIN%20CERTIFICATE-----%0Aa+b%2F"), &out, &f->w)));
	assert_true(slice_is(out, "-----BEGIN CERTIFICATE-----\na+b/"));
	char *huge = arena_alloc(f->a, 300000);
	memset(huge, 'a', 299999);
	memcpy(huge, "-----BEGIN CERTIFICATE-----", 27);
	assert_false(rc_ok(upstream_header_chain(f->a, slice_cstr(huge), &out, &f->w)));
	huge[100000] = '\0';
	assert_int_equal(upstream_header_chain(f->a, slice_cstr(huge), &out, &f->w).code, E_LIMIT);
}

int main(void)
{
#define ROW(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		ROW(each_kind_is_fetched_by_its_key),
		ROW(makers_of_devices_are_asked_for_what_verifiers_name),
		ROW(what_is_of_another_device_or_none_is_not_kept),
		ROW(an_issuer_chain_is_decoded_from_its_header),
		ROW(a_key_that_could_lead_elsewhere_is_never_asked_for),
		ROW(an_answer_of_another_thing_is_refused),
		ROW(every_fault_of_a_vendor_is_told_and_puts_it_off),
		ROW(what_is_not_there_puts_nobody_off),
		ROW(a_vendor_that_is_down_for_a_day_stops_no_guest_that_has_its_collateral),
		ROW(a_vendor_that_serves_an_older_list_again_is_not_followed),
		ROW(a_document_of_the_future_is_not_kept),
		ROW(sources_are_asked_in_order_until_one_has_it),
		ROW(a_url_is_a_host_and_a_path_over_tls),
		ROW(a_time_to_wait_is_seconds_or_a_date),
		ROW(a_header_chain_is_read_strictly),
	};

	return cmocka_run_group_tests_name("upstream", tests, NULL, NULL);
}
