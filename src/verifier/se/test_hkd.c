/* Host key documents of a signing service made here: names, roots, key identifiers, times and lists, one bent at a time. */
#include "evidence/test_shared.h"

#include "base/num.h"
#include "crypto/der.h"
#include "crypto/x509_chain.h"
#include "lab/lab_x509.h"
#include "verifier/se/hkd.h"

#define NOW ((int64_t)1795557718)
#define DAY ((int64_t)86400)
#define IBM "International Business Machines Corporation"
#define UNIT "IBM Z Host Key Signing Service"
#define AT(site) "CN=" IBM ",OU=" UNIT ",O=" IBM ",L=" site ",C=US"
#define SERVICE AT("Poughkeepsie")

enum { ROOT, INTER, SIGNING, HOST, KEYS };

static struct arena *group;
static struct slice keys[KEYS];

static int make_keys(void **state)
{
	(void)state;
	group = arena_new(0);
	for (int i = 0; i < KEYS; i++)
		if (!rc_ok(lab_key_new(LAB_P521, group, &keys[i], NULL)))
			return -1;
	return 0;
}

static int forget_keys(void **state)
{
	(void)state;
	group = arena_free(group);
	return 0;
}

/* What is bent; zeros are a chain that holds. */
struct shape {
	const char *signing, *issuer, *list_issuer;	/* names; NULL: the service's */
	int64_t now, list_until;			/* off the usual */
	unsigned cas;					/* more of them than one */
	bool other_key_id;				/* in the document */
	bool other_root, no_time, lists, need_lists, revoked, list_of_another;
	const char *reason;
};

static void put_tlv(struct buf *b, uint8_t tag, struct slice content)
{
	buf_putc(b, (char)tag);
	buf_putc(b, (char)0x82);
	buf_be16(b, (uint16_t)content.n);
	buf_slice(b, content);
}

/* The certificate with the last byte of its authority's key identifier changed, signed again. */
static struct slice with_other_key_id(struct arena *a, struct slice der)
{
	struct msg m;
	struct cur c = cur_open(&m, der), all = der_enter(&c, DER_SEQUENCE);
	struct slice tbs = arena_dup(a, der_raw(&all)), alg = der_raw(&all), sig;
	struct buf bits = buf_in(a, 0), body = buf_in(a, 0), out = buf_in(a, 0);
	static const uint8_t head[] = {0x30, 0x16, 0x80, 0x14};
	uint8_t *id = memmem(tbs.p, tbs.n, head, sizeof(head));

	assert_non_null(id);
	id[sizeof(head) + 19] ^= 1;
	assert_true(rc_ok(lab_sign(keys[SIGNING], LAB_ECDSA_DER, DIGEST_SHA512, tbs, a, &sig, NULL)));
	buf_putc(&bits, 0);
	buf_slice(&bits, sig);
	buf_slice(&body, tbs);
	buf_slice(&body, alg);
	buf_putc(&body, 0x03);
	buf_putc(&body, (char)0x81);
	buf_putc(&body, (char)bits.n);
	buf_slice(&body, buf_view(&bits));
	put_tlv(&out, 0x30, buf_view(&body));
	return buf_view(&out);
}

static struct x509 *cert(struct arena *a, const char *subject, const char *issuer, int key, int signer, bool ca, bool other_key_id)
{
	const struct lab_cert c = {.subject = subject, .issuer = issuer, .serial = (uint64_t)key + 7, .from_s = NOW - DAY, .to_s = NOW + DAY,
				   .key = keys[key], .signer = keys[signer], .ca = ca};
	struct x509 *x = NULL;
	struct slice der;
	struct why w = why_in(a);

	if (!rc_ok(lab_cert(&c, a, &der, &w)))
		fail_msg("%s: %s", subject, why_text(&w));
	if (other_key_id)
		der = with_other_key_id(a, der);
	if (!rc_ok(x509_from_der(der, &x, &w)))
		fail_msg("%s: %s", subject, why_text(&w));
	return x;
}

static struct x509_crl *list(struct arena *a, const char *issuer, int signer, int64_t until, uint64_t revoked)
{
	const struct lab_crl c = {.issuer = issuer, .signer = keys[signer], .number = 1, .this_s = NOW - DAY, .next_s = until, .revoked = &revoked,
				  .revoked_n = revoked ? 1 : 0};
	struct x509_crl *l = NULL;
	struct slice der;

	assert_true(rc_ok(lab_crl(&c, a, &der, NULL)) && rc_ok(x509_crl_from(der, &l, NULL)));
	return l;
}

static void check(const struct shape *s)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	const char *name = s->signing ? s->signing : SERVICE;
	struct x509 *root = cert(a, "CN=root,O=x", "CN=root,O=x", ROOT, ROOT, true, false);
	struct x509 *inter = cert(a, "CN=inter,O=x", "CN=root,O=x", INTER, ROOT, true, false);
	struct x509 *signing = cert(a, name, "CN=inter,O=x", SIGNING, INTER, false, false), *host;
	struct x509 *other = cert(a, "CN=root,O=x", "CN=root,O=x", HOST, HOST, true, false);
	struct x509_crl *l[2] = {NULL, NULL};
	struct se_hkd_check in = {.signing = signing, .cas = {inter}, .cas_n = 1 + s->cas, .root = s->other_root ? other : root,
				  .require_crls = s->need_lists, .no_time = s->no_time, .now_s = NOW + s->now};
	rc r;

	host = cert(a, "CN=host,O=x", s->issuer ? s->issuer : name, HOST, SIGNING, false, s->other_key_id);
	in.hkd = host;
	for (unsigned i = 1; i < in.cas_n && i < SE_CAS_MAX; i++)
		in.cas[i] = inter;
	if (s->other_root)
		in.cas[in.cas_n++] = root;	/* the chain holds, up to a root that is not the configured one */
	if (s->lists) {
		l[0] = list(a, s->list_issuer ? s->list_issuer : name, s->list_of_another ? HOST : SIGNING, NOW + DAY + s->list_until,
			    s->revoked ? HOST + 7 : 0);
		l[1] = list(a, "CN=inter,O=x", INTER, NOW + DAY, 0);
		in.crls[in.crls_n++] = l[0];
		in.crls[in.crls_n++] = l[1];
	}
	r = se_hkd_verify(&in, a, &w);
	if (strcmp(rc_ok(r) ? "" : why_reason(&w), s->reason ? s->reason : "") != 0)
		fail_msg("%s (%s), expected %s", why_reason(&w), why_text(&w), s->reason ? s->reason : "a document that holds");
	x509_crl_free(l[0]);
	x509_crl_free(l[1]);
	x509_free(root);
	x509_free(inter);
	x509_free(signing);
	x509_free(other);
	x509_free(host);
	arena_free(a);
}

static void check_all(const struct shape *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		check(&s[i]);
}

static void the_two_sites_of_the_service_are_one(void **state)
{
	static const struct shape rows[] = {
		{0},
		{.issuer = AT("Armonk")},
		{.signing = AT("Armonk"), .issuer = SERVICE},
		{.issuer = AT("Armonk"), .lists = true, .list_issuer = AT("Armonk"), .need_lists = true},
		{.issuer = AT("Berlin"), .reason = "se.chain.issuer"},
		{.signing = AT("Berlin"), .issuer = AT("Armonk"), .reason = "se.chain.issuer"},
		{.issuer = "CN=" IBM ",OU=" UNIT ",O=" IBM ",L=Armonk", .reason = "se.chain.issuer"},	/* a part less */
		{.issuer = AT("Armonk") ",ST=x", .reason = "se.chain.issuer"},	/* and one more */
		{.issuer = "CN=" IBM ",OU=" UNIT ",O=" IBM ",ST=Armonk,C=US", .reason = "se.chain.issuer"},	/* a site elsewhere */
	};

	(void)state;
	check_all(rows, COUNT_OF(rows));
}

static void only_a_key_signing_service_signs_host_keys(void **state)
{
	static const struct shape rows[] = {
		{.signing = "CN=x,OU=" UNIT ",O=" IBM},
		{.signing = "CN=x,OU=Key Signing Service,O=" IBM},
		{.signing = "CN=x,OU=other,OU=" UNIT ",O=" IBM},
		{.signing = "CN=x,OU=" UNIT ",OU=other,O=" IBM},
		{.signing = "CN=x,O=" IBM ",O=other,OU=" UNIT},
		{.signing = "CN=x,OU=" UNIT, .reason = "se.chain.signing-name"},
		{.signing = "CN=x,O=" IBM, .reason = "se.chain.signing-name"},
		{.signing = "CN=x,OU=IBM Z Host Key Signing,O=" IBM, .reason = "se.chain.signing-name"},
		{.signing = "CN=x,OU=" UNIT "s,O=" IBM, .reason = "se.chain.signing-name"},
		{.signing = "CN=x,OU=x,O=" IBM, .reason = "se.chain.signing-name"},
		{.signing = "CN=x,OU=" UNIT ",O=" IBM " x", .reason = "se.chain.signing-name"},
		{.signing = "CN=" UNIT ",L=" IBM, .reason = "se.chain.signing-name"},
	};

	(void)state;
	check_all(rows, COUNT_OF(rows));
}

static void the_chain_leads_to_the_configured_root(void **state)
{
	static const struct shape rows[] = {
		{.cas = SE_CAS_MAX - 1},
		{.cas = SE_CAS_MAX, .reason = "se.chain.count"},
		{.other_root = true, .reason = "se.chain.root"},
	};

	(void)state;
	check_all(rows, COUNT_OF(rows));
}

static void a_document_that_names_another_signing_key_is_refused(void **state)
{
	static const struct shape rows[] = {{.other_key_id = true, .reason = "se.chain.key-id"}};

	(void)state;
	check_all(rows, COUNT_OF(rows));
}

static void times_are_checked_unless_there_is_none(void **state)
{
	static const struct shape rows[] = {
		{.now = 2 * DAY, .reason = "se.expired"},
		{.now = -2 * DAY, .reason = "se.expired"},
		{.now = 2 * DAY, .no_time = true},
		{.lists = true, .list_until = -DAY - 60, .reason = "se.crl-expired"},
		{.lists = true, .list_until = -DAY - 60, .no_time = true},
	};

	(void)state;
	check_all(rows, COUNT_OF(rows));
}

static void lists_count_where_they_are_of_the_issuer(void **state)
{
	static const struct shape rows[] = {
		{.lists = true, .need_lists = true},
		{.need_lists = true, .reason = "se.crl-missing"},
		{.lists = true, .revoked = true, .reason = "se.revoked"},
		{.lists = true, .list_of_another = true, .reason = "se.crl-signature"},
		{.lists = true, .list_issuer = "CN=another", .revoked = true},	/* says nothing here */
		{.lists = true, .list_issuer = "CN=another", .need_lists = true, .reason = "se.crl-signature"},
	};

	(void)state;
	check_all(rows, COUNT_OF(rows));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_two_sites_of_the_service_are_one),
		cmocka_unit_test(only_a_key_signing_service_signs_host_keys),
		cmocka_unit_test(the_chain_leads_to_the_configured_root),
		cmocka_unit_test(a_document_that_names_another_signing_key_is_refused),
		cmocka_unit_test(times_are_checked_unless_there_is_none),
		cmocka_unit_test(lists_count_where_they_are_of_the_issuer),
	};

	return cmocka_run_group_tests(tests, make_keys, forget_keys);
}
