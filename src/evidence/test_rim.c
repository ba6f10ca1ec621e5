#include "evidence/test_shared.h"

#include "crypto/pkey.h"
#include "evidence/rim.h"

static rc parse_and_check(struct arena *a, struct slice xml, const struct pkey *signer, struct why *w)
{
	struct rim rim;

	TRY(rim_parse(a, xml, &rim, w));
	return rim_check_signature(&rim, signer, "rim.signature", w);
}

static struct pkey *signer_of(struct arena *a, const struct rim *rim)
{
	struct pkey *key = NULL;
	struct buf pem = buf_in(a, 0);
	struct why w = why_in(a);

	buf_puts(&pem, "-----BEGIN CERTIFICATE-----\n");
	for (size_t at = 0; at < rim->certs[0].n; at += 48) {
		b64_write(&pem, B64_STD, slice_sub(rim->certs[0], at, 48));
		buf_putc(&pem, '\n');
	}
	buf_puts(&pem, "-----END CERTIFICATE-----\n");
	if (!rc_ok(pkey_from_pem(buf_view(&pem), &key, &w)))
		fail_msg("%s", why_text(&w));
	return key;
}

static void recorded_manifests_verify_with_their_own_certificate(void **state)
{
	static const struct {
		const char *file, *version, *product;
	} row[] = {
		{"nvidia/rim/1010_0200_882_96005E0001_PROD.swidtag", "96.00.5E.00.01", "GH100"},
		{"nvidia/rim/1010_0205_862_960074001F_PROD.swidtag", "96.00.74.00.1F", "GH100"},
		{"nvidia/rim/Driver_RIM_test_no_gpu.swidtag", "545.00", "GH100"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct arena *a = arena_new(0);
		struct why w = why_in(a);
		struct slice xml = shared_file(a, row[i].file);
		struct pkey *key;
		struct rim rim;

		if (!rc_ok(rim_parse(a, xml, &rim, &w)))
			fail_msg("%s: %s", row[i].file, why_text(&w));
		assert_string_equal(rim.version, row[i].version);
		assert_string_equal(rim.product, row[i].product);
		assert_int_equal(rim.measures_n, 64);
		assert_int_equal(rim.certs_n, 4);
		key = signer_of(a, &rim);
		assert_true(rc_ok(rim_check_signature(&rim, key, "rim.signature", &w)));
		pkey_free(key);
		arena_free(a);
	}
}

static void a_changed_manifest_is_refused(void **state)
{
	static const char *const file[] = {"nvidia/negative/rim-hash-flip.swidtag", "nvidia/negative/rim-version-changed.swidtag"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct arena *a = arena_new(0);
		struct why w = why_in(a);
		struct rim rim;
		struct pkey *key;

		assert_true(rc_ok(rim_parse(a, shared_file(a, file[i]), &rim, &w)));
		key = signer_of(a, &rim);
		assert_false(rc_ok(rim_check_signature(&rim, key, "rim.signature", &w)));
		assert_string_equal(why_reason(&w), "rim.signature");
		pkey_free(key);
		arena_free(a);
	}
}

/* Every 23rd bit up to the certificates, which their chain protects. */
static void no_flipped_bit_of_a_manifest_is_accepted(void **state)
{
	struct arena *a = arena_new(0);
	struct slice xml = shared_file(a, "nvidia/rim/1010_0200_882_96005E0001_PROD.swidtag");
	struct arena *b = arena_new(0);
	const uint8_t *end = memmem(xml.p, xml.n, "<ds:KeyInfo", 11);
	struct arena_mark m = arena_mark(b);
	struct pkey *key;
	unsigned tried = 0;
	struct rim rim;

	(void)state;
	assert_non_null(end);
	assert_true(rc_ok(rim_parse(a, xml, &rim, NULL)));
	key = signer_of(a, &rim);
	for (size_t bit = 0; bit < (size_t)(end - xml.p) * 8; bit += 61) {
		uint8_t *copy = exact_copy(xml, xml.n);

		copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (rc_ok(parse_and_check(b, slice_of(copy, xml.n), key, NULL)))
			fail_msg("bit %zu is not protected", bit);
		free(copy);
		arena_reset(b, m);
		tried++;
	}
	assert_true(tried > 2000);
	pkey_free(key);
	arena_free(a);
	arena_free(b);
}

/* ---- documents made by hand ---- */

#define DSIG "http://www.w3.org/2000/09/xmldsig#"
#define RES(rest) "<Resource type=\"Measurement\" " rest "/>"
#define GOOD_RES RES("index=\"0\" active=\"True\" alternatives=\"1\" s:Hash0=\"0102\" size=\"2\"")
#define SIG                                                                                                                  \
	"<d:Signature xmlns:d=\"" DSIG "\"><d:SignedInfo>"                                                                   \
	"<d:CanonicalizationMethod Algorithm=\"http://www.w3.org/2006/12/xml-c14n11\"/>"                                     \
	"<d:SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384\"/><d:Reference URI=\"\">"      \
	"<d:Transforms><d:Transform Algorithm=\"" DSIG "enveloped-signature\"/></d:Transforms>"                              \
	"<d:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#sha384\"/><d:DigestValue>AAAA</d:DigestValue>"  \
	"</d:Reference></d:SignedInfo><d:SignatureValue>AA AA\n</d:SignatureValue><d:KeyInfo><d:X509Data>"                   \
	"<d:X509Certificate>AAAA</d:X509Certificate></d:X509Data></d:KeyInfo></d:Signature>"
#define HEAD                                                                                                                 \
	"<SoftwareIdentity xmlns=\"http://standards.iso.org/iso/19770/-2/2015/schema.xsd\" "                                 \
	"xmlns:s=\"http://www.w3.org/2001/04/xmlenc#sha384\"><Meta colloquialVersion=\"1\" edition=\"GPU\"/><Payload>"
#define TAIL "</SoftwareIdentity>"
#define GOOD HEAD GOOD_RES "</Payload>" SIG TAIL

/* GOOD with the first `from` replaced. */
static struct slice with(struct arena *a, const char *from, const char *to)
{
	const char *at = strstr(GOOD, from);

	assert_non_null(at);
	return slice_cstr(arena_printf(a, "%.*s%s%s", (int)(at - GOOD), GOOD, to, at + strlen(from)));
}

static void what_a_manifest_may_not_have_is_refused(void **state)
{
	static const struct {
		const char *from, *to, *reason;
	} row[] = {
		{"<SoftwareIdentity", "<!DOCTYPE x [<!ENTITY e \"x\">]><SoftwareIdentity", "rim.parse.doctype"},
		{"<Payload>", "<Payload>&e;", "rim.parse.xml"},
		{"<Payload>", "<Payload><?pi x?>", "rim.parse.document"},
		{"<Payload>", "<Payload>" SIG, "rim.parse.signature"},
		{"</Payload>", "</Payload>" SIG, "rim.parse.signature"},
		{"</Payload>", "</Payload><Payload/>", "rim.parse.document"},
		{"2015/schema.xsd", "2016/schema.xsd", "rim.parse.document"},
		{"active=\"True\"", "active=\"yes\"", "rim.parse.resource"},
		{"active=\"True\"", "", "rim.parse.resource"},
		{"index=\"0\"", "index=\"-1\"", "rim.parse.resource"},
		{"index=\"0\"", "index=\"99999999999999999999\"", "rim.parse.resource"},
		{"alternatives=\"1\"", "alternatives=\"2\"", "rim.parse.resource"},
		{"alternatives=\"1\" s:Hash0=\"0102\"", "", "rim.parse.resource"},
		{"s:Hash0=\"0102\"", "s:Hash0=\"0x02\"", "hex.malformed"},
		{GOOD_RES, GOOD_RES GOOD_RES, "rim.parse.resource"},
		{"<d:Reference URI=\"\">", "<d:Reference URI=\"#x\">", "rim.unsupported.signature"},
		{"<d:Reference URI=\"\">", "<d:Reference>", "rim.unsupported.signature"},
		{"</d:SignedInfo>", "<d:Reference URI=\"\"/></d:SignedInfo>", "rim.parse.signature"},
		{DSIG "enveloped-signature\"/>", "http://www.w3.org/TR/1999/REC-xslt-19991116\"/>", "rim.unsupported.signature"},
		{"</d:Transforms>", "<d:Transform Algorithm=\"" DSIG "base64\"/></d:Transforms>", "rim.unsupported.signature"},
		{"<d:Transform Algorithm=\"" DSIG "enveloped-signature\"/>", "", "rim.unsupported.signature"},
		{"xml-c14n11\"/>", "xml-c14n11#WithComments\"/>", "rim.unsupported.signature"},
		{"#ecdsa-sha384\"", "#rsa-sha1\"", "rim.unsupported.signature"},
		{"#ecdsa-sha384\"/>", "#ecdsa-sha384\"><x/></d:SignatureMethod>", "rim.unsupported.signature"},
		{"xmldsig-more#sha384\"", "xmldsig#sha1\"", "rim.unsupported.signature"},
		{"<d:X509Certificate>AAAA</d:X509Certificate>", "", "rim.parse.signature"},
		{"AA AA", "AA!A", "base64.malformed"},
		{SIG, "", "rim.parse.signature"},
		{TAIL, "", "rim.parse.xml"},
		{"edition=\"GPU\"", "edition=\"\xff\"", "rim.parse.encoding"},
	};
	struct arena *a = arena_new(0);
	struct rim rim;

	(void)state;
	assert_true(rc_ok(rim_parse(a, SLICE_LIT(GOOD), &rim, NULL)));
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct why w = why_in(a);

		if (rc_ok(rim_parse(a, with(a, row[i].from, row[i].to), &rim, &w)))
			fail_msg("row %zu was accepted", i);
		if (strcmp(why_reason(&w), row[i].reason))
			fail_msg("row %zu: %s (%s), expected %s", i, why_reason(&w), why_text(&w), row[i].reason);
	}
	arena_free(a);
}

static void size_depth_and_count_are_capped(void **state)
{
	struct arena *a = arena_new(0);
	struct buf b = buf_in(a, 0);
	struct rim rim;
	struct why w = why_in(a);

	(void)state;
	for (unsigned i = 0; i < RIM_DEPTH_MAX; i++)
		buf_puts(&b, "<a>");
	for (unsigned i = 0; i < RIM_DEPTH_MAX; i++)
		buf_puts(&b, "</a>");
	assert_false(rc_ok(rim_parse(a, with(a, "<Payload>", arena_printf(a, "%s<Payload>", buf_cstr(&b))), &rim, &w)));
	assert_string_equal(why_reason(&w), "rim.limit.depth");

	b = buf_in(a, 0);
	for (unsigned i = 0; i <= RIM_MEASURES_MAX; i++)
		buf_printf(&b, "<Resource type=\"Measurement\" index=\"%u\" active=\"false\" size=\"2\"/>", i);
	why_clear(&w);
	assert_false(rc_ok(rim_parse(a, with(a, GOOD_RES, buf_cstr(&b)), &rim, &w)));
	assert_string_equal(why_reason(&w), "rim.limit.measurements");

	b = buf_in(a, 0);
	buf_puts(&b, GOOD);
	while (b.n <= RIM_BYTES_MAX)
		buf_putc(&b, ' ');
	why_clear(&w);
	assert_false(rc_ok(rim_parse(a, buf_view(&b), &rim, &w)));
	assert_string_equal(why_reason(&w), "rim.limit.size");
	arena_free(a);
}

static void a_manifest_cut_anywhere_is_refused(void **state)
{
	struct arena *a = arena_new(0);
	struct arena_mark m = arena_mark(a);

	(void)state;
	for (size_t n = 0; n < sizeof(GOOD) - 1; n++) {
		uint8_t *cut = exact_copy(SLICE_LIT(GOOD), n);
		struct rim rim;

		assert_false(rc_ok(rim_parse(a, slice_of(cut, n), &rim, NULL)));
		free(cut);
		arena_reset(a, m);
	}
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recorded_manifests_verify_with_their_own_certificate),
		cmocka_unit_test(a_changed_manifest_is_refused),
		cmocka_unit_test(no_flipped_bit_of_a_manifest_is_accepted),
		cmocka_unit_test(what_a_manifest_may_not_have_is_refused),
		cmocka_unit_test(size_depth_and_count_are_capped),
		cmocka_unit_test(a_manifest_cut_anywhere_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
