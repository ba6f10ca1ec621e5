/* bench_verify.c - verifications of recorded evidence per second of processor time, beside what their signature checks alone
 * cost, measured in the same run. One line of JSON for each TEE.
 *
 * The worker's memory is warm, as in service for a platform that was seen before: collateral parsed once, chains known. The
 * bound is OpenSSL alone: keys loaded, signatures in DER. For TDX two ECDSA P-256 checks (QE report, quote), of which the
 * first is remembered too; for SNP one ECDSA P-384 check (report).
 *
 *   bench_verify EVIDENCE_FOLDER [count [tee]]
 */
#define OPENSSL_SUPPRESS_DEPRECATED	/* the short way to a key from a point */
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "base/num.h"
#include "base/sys.h"
#include "evidence/dcap_quote.h"
#include "evidence/job.h"
#include "evidence/memo.h"
#include "verifier/snp/snp.h"
#include "verifier/tdx/tdx.h"

static const char *root;

static void die(const char *what)
{
	fprintf(stderr, "bench_verify: %s\n", what);
	exit(1);
}

static struct slice load(struct arena *a, const char *path)
{
	struct slice s;

	if (!rc_ok(file_read(a, arena_printf(a, "%s/%s", root, path), 1u << 22, &s, NULL)))
		die(path);
	return s;
}

static double cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- the bound ---- */

struct check {
	EVP_PKEY *key;
	const EVP_MD *md;
	struct slice msg;
	uint8_t sig[160];
	size_t sig_n;
};

static void set_signature(struct check *c, const uint8_t *r, const uint8_t *s, int width, bool little)
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	uint8_t *p = c->sig;
	BIGNUM *br = little ? BN_lebin2bn(r, width, NULL) : BN_bin2bn(r, width, NULL);
	BIGNUM *bs = little ? BN_lebin2bn(s, width, NULL) : BN_bin2bn(s, width, NULL);

	ECDSA_SIG_set0(sig, br, bs);
	c->sig_n = (size_t)i2d_ECDSA_SIG(sig, &p);
	ECDSA_SIG_free(sig);
}

static void run_check(const struct check *c)
{
	EVP_MD_CTX *x = EVP_MD_CTX_new();

	if (EVP_DigestVerifyInit(x, NULL, c->md, NULL, c->key) != 1 ||
	    EVP_DigestVerify(x, c->sig, c->sig_n, c->msg.p, c->msg.n) != 1)
		die("a signature of the bound does not verify");
	EVP_MD_CTX_free(x);
}

/* The key of a certificate in DER, or of the first in PEM. */
static EVP_PKEY *first_key(struct slice in)
{
	BIO *b = BIO_new_mem_buf(in.p, (int)in.n);
	X509 *x = in.n && in.p[0] == 0x30 ? d2i_X509_bio(b, NULL) : PEM_read_bio_X509(b, NULL, NULL, NULL);
	EVP_PKEY *k = x ? X509_get_pubkey(x) : NULL;

	BIO_free(b);
	X509_free(x);
	if (!k)
		die("no certificate");
	return k;
}

static EVP_PKEY *point_key(struct slice xy)
{
	uint8_t point[65] = {4};
	EC_KEY *ec = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
	EVP_PKEY *k = EVP_PKEY_new();

	memcpy(point + 1, xy.p, 64);
	if (EC_KEY_oct2key(ec, point, sizeof(point), NULL) != 1 || EVP_PKEY_assign_EC_KEY(k, ec) != 1)
		die("no point");
	return k;
}

/* ---- a verification ---- */

struct subject {
	const char *tee;
	const struct vdriver *driver;
	struct slice evidence;
	struct vcollateral collateral[8];
	size_t collateral_n;
	int64_t now_s;
	struct check check[2];
	size_t checks;
};

static void verify_once(const struct subject *s, struct memo *memo)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct vjob *job = ARENA_NEW(a, struct vjob);

	if (!job)
		die("no memory");
	*job = (struct vjob){.arena = a, .why = &w, .evidence = s->evidence, .now_s = s->now_s, .memo = memo,
			     .collateral = s->collateral, .collateral_n = s->collateral_n, .without = VJOB_WITHOUT_CRL};
	if (!rc_ok(s->driver->verify(job)))
		die(why_text(&w));
	arena_free(a);
}

static void measure(const struct subject *s, unsigned count)
{
	struct memo *memo = memo_new(0);
	struct rusage use;
	double t0, t1, t2;

	verify_once(s, memo);
	t0 = cpu_seconds();
	for (unsigned i = 0; i < count; i++)
		verify_once(s, memo);
	t1 = cpu_seconds();
	for (unsigned i = 0; i < count; i++)
		for (size_t k = 0; k < s->checks; k++)
			run_check(&s->check[k]);
	t2 = cpu_seconds();
	getrusage(RUSAGE_SELF, &use);
	printf("{\"bench\":\"verify\",\"tee\":\"%s\",\"count\":%u,\"verify_us\":%.1f,\"signatures_us\":%.1f,\"ratio\":%.3f,"
	       "\"per_second\":%.0f,\"max_rss_kib\":%ld}\n",
	       s->tee, count, (t1 - t0) * 1e6 / count, (t2 - t1) * 1e6 / count, (t1 - t0) / (t2 - t1), count / (t1 - t0),
	       use.ru_maxrss);
	memo_free(memo);
}

static void add(struct subject *s, const char *kind, struct slice bytes)
{
	s->collateral[s->collateral_n++] = (struct vcollateral){.kind = kind, .key = "", .bytes = bytes};
}

static void bench_tdx(struct arena *a, unsigned count)
{
	struct subject s = {.tee = "tdx", .driver = &tdx_driver, .checks = 2};
	struct slice chain = load(a, "dcap/certs/tcb_signing_2025.pem");
	struct dcap_quote q;

	s.evidence = load(a, "tdx/v4-trustee-50806f/quote.dat");
	s.now_s = time_from_civil(2026, 3, 20, 0, 0, 0);
	add(&s, "intel-tcb-info", load(a, "dcap/collateral/2026-03-tdx/tcb_info_50806f000000.json"));
	add(&s, "intel-tcb-info-chain", chain);
	add(&s, "intel-qe-identity", load(a, "dcap/collateral/2026-03-tdx/td_qe_identity.json"));
	add(&s, "intel-qe-identity-chain", chain);
	add(&s, "intel-pck-crl", load(a, "dcap/collateral/2026-03-tdx/pck_crl_platform.der"));
	add(&s, "intel-root-crl", load(a, "dcap/collateral/2026-03-tdx/root_ca_crl.der"));
	if (!rc_ok(dcap_quote_parse(s.evidence, &q, NULL)))
		die("no quote");
	s.check[0] = (struct check){.key = first_key(q.pck_pem), .md = EVP_sha256(), .msg = q.qe_report};
	set_signature(&s.check[0], q.qe_signature.p, q.qe_signature.p + 32, 32, false);
	s.check[1] = (struct check){.key = point_key(q.key), .md = EVP_sha256(), .msg = q.signed_part};
	set_signature(&s.check[1], q.signature.p, q.signature.p + 32, 32, false);
	measure(&s, count);
	EVP_PKEY_free(s.check[0].key);
	EVP_PKEY_free(s.check[1].key);
}

static void bench_snp(struct arena *a, unsigned count)
{
	struct subject s = {.tee = "snp", .driver = &snp_driver, .checks = 1};
	struct slice ask = load(a, "snp/certs/milan_ask.pem"), ark = load(a, "snp/certs/milan_ark.pem");
	struct slice vcek = load(a, "snp/milan-v3-oak-cb/vcek.der");

	s.evidence = load(a, "snp/milan-v3-oak-cb/report.bin");
	s.now_s = time_from_civil(2026, 1, 1, 0, 0, 0);
	add(&s, "amd-vcek", vcek);
	add(&s, "amd-ask-ark", slice_cstr(arena_printf(a, "%.*s\n%.*s", (int)ask.n, (const char *)ask.p, (int)ark.n, (const char *)ark.p)));
	s.check[0] = (struct check){.key = first_key(vcek), .md = EVP_sha384(), .msg = slice_sub(s.evidence, 0, 0x2a0)};
	set_signature(&s.check[0], s.evidence.p + 0x2a0, s.evidence.p + 0x2e8, 72, true);
	measure(&s, count);
	EVP_PKEY_free(s.check[0].key);
}

int main(int argc, char **argv)
{
	unsigned count = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 2000;
	struct arena *a = arena_new(0);

	if (argc < 2 || count == 0) {
		fprintf(stderr, "usage: bench_verify EVIDENCE_FOLDER [count [tee]]\n");
		return 2;
	}
	root = argv[1];
	if (argc < 4 || !strcmp(argv[3], "tdx"))
		bench_tdx(a, count);
	if (argc < 4 || !strcmp(argv[3], "snp"))
		bench_snp(a, count);
	arena_free(a);
	return 0;
}
