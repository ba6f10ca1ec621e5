/* bench_kbs.c - drives a running broker with N concurrent guests over TLS keep-alive, and measures in the same run what the
 * cryptography alone costs.
 *
 * Each guest has a software attestation key and signs TPM quotes of the shape that a TPM makes, so the broker does what it
 * does for real: verify one ECDSA P-256 signature and sign one ES256 token a handshake; verify one token and wrap one key a
 * release. The bound is the sum of those OpenSSL operations on one core; the ratio is the bound over the processor time that
 * the broker's processes spent for each, read from /proc; `threads_us` says on which threads. `transport` is two requests that
 * are answered at once, as many as a handshake has. Modes print one JSON line.
 *
 *   bench_kbs handshake|release|abandon|transport --port N --ca FILE --ak FILE --pid PID [--guests N] [--count N] [--path a/b/c]
 */
#include <arpa/inet.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "proc.h"
#include "base/num.h"
#include "base/sys.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "crypto/digest.h"
#include "crypto/pkey.h"

#define BODY_MAX 65536u

struct bench {
	const char *mode, *path;
	uint16_t port;
	unsigned guests;
	long pid;
	uint64_t count;
	SSL_CTX *tls;
	struct pkey *ak;
	char *ak_b64;
	atomic_ullong begun, done, failed;
	double *ms;	/* of each operation */
};

struct guest {
	struct bench *b;
	SSL *ssl;
	int fd;
	struct arena *a;
	struct pkey *tee;
	struct slice x, y;
	char cookie[1024];
	char in[BODY_MAX];
};

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "bench: %s\n", what);
	ERR_print_errors_fp(stderr);
	exit(1);
}

static void connect_to(struct guest *g)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(g->b->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	g->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (g->fd < 0 || connect(g->fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		die("cannot connect");
	g->ssl = SSL_new(g->b->tls);
	if (!g->ssl || SSL_set_fd(g->ssl, g->fd) != 1 || SSL_set1_host(g->ssl, "localhost") != 1 || SSL_connect(g->ssl) != 1)
		die("TLS handshake");
}

static void disconnect(struct guest *g)
{
	SSL_shutdown(g->ssl);
	SSL_free(g->ssl);
	close(g->fd);
}

/* One request on the kept connection; returns the status and the body in g->in. */
static int request(struct guest *g, const char *method, const char *path, const char *body, struct slice *out)
{
	size_t n = 0, head, length = 0;
	char *req, *end, *p;
	int k, status;

	req = arena_printf(g->a, "%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n%s%s%s\r\n%s",
			   method, path, body ? strlen(body) : 0, g->cookie[0] ? "Cookie: kbs-session-id=" : "", g->cookie,
			   g->cookie[0] ? "\r\n" : "", body ? body : "");
	if (SSL_write(g->ssl, req, (int)strlen(req)) <= 0)
		return -1;
	for (end = NULL; !end;) {
		k = SSL_read(g->ssl, g->in + n, (int)(sizeof(g->in) - 1 - n));
		if (k <= 0)
			return -1;
		n += (size_t)k;
		g->in[n] = 0;
		end = strstr(g->in, "\r\n\r\n");
	}
	head = (size_t)(end + 4 - g->in);
	p = strcasestr(g->in, "\r\ncontent-length:");
	if (p && p < end)
		length = strtoul(p + 17, NULL, 10);
	while (n < head + length) {
		k = SSL_read(g->ssl, g->in + n, (int)(sizeof(g->in) - 1 - n));
		if (k <= 0)
			return -1;
		n += (size_t)k;
	}
	status = (int)strtol(g->in + 9, NULL, 10);
	p = strcasestr(g->in, "\r\nset-cookie: kbs-session-id=");
	if (p && p < end)
		snprintf(g->cookie, sizeof(g->cookie), "%.*s", (int)strcspn(p + 29, ";\r"), p + 29);
	*out = slice_of(g->in + head, length);
	return status;
}

/* TPMS_ATTEST of a quote over SHA-256 PCR 0 to 23, all zero, with the given extraData. */
static struct slice make_quote(struct guest *g, const uint8_t extra[32])
{
	struct buf b = buf_in(g->a, 0);
	uint8_t pcrs[24 * 32] = {0}, d[32];

	if (!rc_ok(digest(DIGEST_SHA256, slice_of(pcrs, sizeof(pcrs)), d, NULL)))
		die("digest");
	buf_be32(&b, 0xff544347);
	buf_be16(&b, 0x8018);
	buf_be16(&b, 34);
	buf_be16(&b, 0x000b);
	(void)buf_reserve(&b, 32);
	buf_be16(&b, 32);
	buf_put(&b, extra, 32);
	buf_be64(&b, 1);
	buf_be32(&b, 0);
	buf_be32(&b, 0);
	buf_putc(&b, 1);
	buf_be64(&b, 1);
	buf_be32(&b, 1);
	buf_be16(&b, 0x000b);
	buf_put(&b, "\x03\xff\xff\xff", 4);
	buf_be16(&b, 32);
	buf_put(&b, d, 32);
	return buf_view(&b);
}

static char *evidence(struct guest *g, const char *nonce)
{
	struct slice quote, sig, jcs;
	struct buf wire = buf_in(g->a, 0), key = buf_in(g->a, 0), doc = buf_in(g->a, 0), pcrs = buf_in(g->a, 0);
	uint8_t d[48];

	buf_puts(&key, "{\"alg\":\"ECDH-ES+A256KW\",\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"");
	b64_write(&key, B64_URL, g->x);
	buf_puts(&key, "\",\"y\":\"");
	b64_write(&key, B64_URL, g->y);
	buf_puts(&key, "\"}");
	jcs = slice_cstr(arena_printf(g->a, "{\"additional-evidence\":\"\",\"nonce\":\"%s\",\"tee-pubkey\":%s}", nonce, buf_cstr(&key)));
	if (!rc_ok(digest(DIGEST_SHA384, jcs, d, NULL)))
		die("digest");
	quote = make_quote(g, d);
	if (!rc_ok(pkey_sign(g->b->ak, SIG_ES256, quote, g->a, &sig, NULL)))
		die("signing a quote");
	buf_be16(&wire, 0x0018);
	buf_be16(&wire, 0x000b);
	buf_be16(&wire, 32);
	buf_put(&wire, sig.p, 32);
	buf_be16(&wire, 32);
	buf_put(&wire, sig.p + 32, 32);
	for (int i = 0; i < 24; i++)
		buf_printf(&pcrs, "%s\"%064d\"", i ? "," : "", 0);
	buf_printf(&doc, "{\"runtime-data\":{\"nonce\":\"%s\",\"tee-pubkey\":%s},\"tee-evidence\":{\"primary_evidence\":{\"ak_public\":\"%s\","
			 "\"tpm_quote\":{\"signature\":\"%s\",\"message\":\"%s\",\"pcrs\":[%s]}},\"additional_evidence\":\"\"}}",
		   nonce, buf_cstr(&key), g->b->ak_b64, (const char *)b64_text(g->a, B64_STD, buf_view(&wire)).p,
		   (const char *)b64_text(g->a, B64_STD, quote).p, buf_cstr(&pcrs));
	return buf_cstr(&doc);
}

static bool handshake(struct guest *g)
{
	struct slice body;
	struct json *doc;
	char *nonce;

	g->cookie[0] = 0;
	if (request(g, "POST", "/kbs/v0/auth", "{\"version\":\"0.4.0\",\"tee\":\"tpm\",\"extra-params\":\"\"}", &body) != 200)
		return false;
	if (strcmp(g->b->mode, "abandon") == 0)
		return true;
	if (!rc_ok(json_parse(g->a, body, NULL, &doc, NULL)) || !json_get(doc, "nonce"))
		return false;
	nonce = arena_strndup(g->a, json_get(doc, "nonce")->text.p, json_get(doc, "nonce")->text.n);
	if (request(g, "POST", "/kbs/v0/attest", evidence(g, nonce), &body) == 200)
		return true;
	if (atomic_load(&g->b->failed) == 0)
		fprintf(stderr, "bench: refused: %.*s\n", (int)body.n, (const char *)body.p);
	return false;
}

static bool release(struct guest *g)
{
	struct slice body;
	char path[512];

	snprintf(path, sizeof(path), "/kbs/v0/resource/%s", g->b->path);
	if (request(g, "GET", path, NULL, &body) == 200)
		return true;
	if (atomic_load(&g->b->failed) == 0)
		fprintf(stderr, "bench: refused: %.*s\n", (int)body.n, (const char *)body.p);
	return false;
}

/* Two requests that are answered at once: what a handshake costs before anything is done. */
static bool transport(struct guest *g)
{
	struct slice body;

	return request(g, "GET", "/healthz", NULL, &body) == 200 && request(g, "GET", "/healthz", NULL, &body) == 200;
}

static void *guest_run(void *arg)
{
	struct bench *b = arg;
	struct guest *g = calloc(1, sizeof(*g));
	bool only_release = strcmp(b->mode, "release") == 0;
	bool (*operation)(struct guest *) = only_release ? release : strcmp(b->mode, "transport") == 0 ? transport : handshake;
	uint64_t i;

	if (!g)
		die("memory");
	g->b = b;
	g->a = arena_new(0);
	if (!rc_ok(pkey_generate(KEY_P256, 0, &g->tee, NULL)) || !rc_ok(pkey_ec_xy(g->tee, g->a, &g->x, &g->y, NULL)))
		die("key");
	connect_to(g);
	if (only_release && !handshake(g))
		die("the first handshake failed");
	while ((i = atomic_fetch_add(&b->begun, 1)) < b->count) {
		struct arena_mark m = arena_mark(g->a);
		int64_t t = sys_monotonic_ns();

		if (!operation(g))
			atomic_fetch_add(&b->failed, 1);
		b->ms[i] = (double)(sys_monotonic_ns() - t) / 1e6;
		atomic_fetch_add(&b->done, 1);
		arena_reset(g->a, m);
	}
	disconnect(g);
	pkey_free(g->tee);
	arena_free(g->a);
	free(g);
	return NULL;
}

/* Processor time of this thread: other load on the machine must not make the bound look better than it is. */
static int64_t thread_ns(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) != 0)
		die("clock");
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Median processor time in ns of one operation, over batches. */
static double cost(void (*op)(void *), void *arg)
{
	double best[9];

	for (int i = 0; i < 9; i++) {
		int64_t t = thread_ns();

		for (int k = 0; k < 200; k++)
			op(arg);
		best[i] = (double)(thread_ns() - t) / 200;
		for (int k = i; k > 0 && best[k] < best[k - 1]; k--) {
			double s = best[k];

			best[k] = best[k - 1];
			best[k - 1] = s;
		}
	}
	return best[4];
}

struct primitives {
	EVP_PKEY *key, *peer;
	uint8_t digest[32], sig[128];
	size_t sig_n;
	EVP_PKEY_CTX *sign, *verify;
};

static void op_sign(void *arg)
{
	struct primitives *p = arg;
	size_t n = sizeof(p->sig);

	if (EVP_PKEY_sign(p->sign, p->sig, &n, p->digest, 32) != 1)
		die("sign");
	p->sig_n = n;
}

static void op_verify(void *arg)
{
	struct primitives *p = arg;

	if (EVP_PKEY_verify(p->verify, p->sig, p->sig_n, p->digest, 32) != 1)
		die("verify");
}

/* What wrapping a content key to a P-256 key takes: one ephemeral key and one agreement. */
static void op_agree(void *arg)
{
	struct primitives *p = arg;
	EVP_PKEY *eph = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	EVP_PKEY_CTX *c = eph ? EVP_PKEY_CTX_new(eph, NULL) : NULL;
	uint8_t z[32];
	size_t n = sizeof(z);

	if (!c || EVP_PKEY_derive_init(c) != 1 || EVP_PKEY_derive_set_peer_ex(c, p->peer, 0) != 1 || EVP_PKEY_derive(c, z, &n) != 1)
		die("derive");
	EVP_PKEY_CTX_free(c);
	EVP_PKEY_free(eph);
}

static void bound(double *sign, double *verify, double *agree)
{
	struct primitives p = {.key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256"), .peer = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256")};

	p.sign = EVP_PKEY_CTX_new(p.key, NULL);
	p.verify = EVP_PKEY_CTX_new(p.key, NULL);
	if (!p.sign || !p.verify || EVP_PKEY_sign_init(p.sign) != 1 || EVP_PKEY_verify_init(p.verify) != 1)
		die("primitives");
	*sign = cost(op_sign, &p);
	*verify = cost(op_verify, &p);
	*agree = cost(op_agree, &p);
	EVP_PKEY_CTX_free(p.sign);
	EVP_PKEY_CTX_free(p.verify);
	EVP_PKEY_free(p.key);
	EVP_PKEY_free(p.peer);
}

static int by_value(const void *x, const void *y)
{
	double a = *(const double *)x, b = *(const double *)y;

	return (a > b) - (a < b);
}

static void run(struct bench *b)
{
	pthread_t *t = calloc(b->guests, sizeof(*t));
	double sign, verify, agree, least, wall, each;
	struct proc_use before, after;
	uint64_t done;
	int64_t from;

	b->ms = calloc(b->count + b->guests, sizeof(*b->ms));
	if (!t || !b->ms)
		die("memory");
	bound(&sign, &verify, &agree);
	proc_use(b->pid, &before);
	from = sys_monotonic_ns();
	for (unsigned i = 0; i < b->guests; i++)
		if (pthread_create(&t[i], NULL, guest_run, b) != 0)
			die("thread");
	while ((done = atomic_load(&b->done)) < b->count) {
		if (isatty(STDERR_FILENO))
			fprintf(stderr, "\r%s %llu of %llu", b->mode, (unsigned long long)done, (unsigned long long)b->count);
		usleep(200000);
	}
	for (unsigned i = 0; i < b->guests; i++)
		pthread_join(t[i], NULL);
	wall = (double)(sys_monotonic_ns() - from) / 1e9;
	proc_use(b->pid, &after);
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K");
	qsort(b->ms, b->count, sizeof(*b->ms), by_value);
	each = (double)(after.cpu_ns - before.cpu_ns) / (double)b->count;
	least = strcmp(b->mode, "handshake") == 0 ? sign + verify : strcmp(b->mode, "release") == 0 ? verify + agree : 0;
	printf("{\"bench\":\"%s\",\"guests\":%u,\"count\":%llu,\"failed\":%llu,\"per_second\":%.0f,\"p50_ms\":%.2f,\"p99_ms\":%.2f,"
	       "\"server_cpu_us\":%.1f,\"bound_us\":%.1f,\"ratio\":%.2f,\"sign_us\":%.1f,\"verify_us\":%.1f,\"agree_us\":%.1f,"
	       "\"rss_before_kib\":%llu,\"rss_after_kib\":%llu,\"threads_us\":",
	       b->mode, b->guests, (unsigned long long)b->count, (unsigned long long)atomic_load(&b->failed), (double)b->count / wall,
	       b->ms[b->count / 2], b->ms[b->count * 99 / 100], each / 1e3, least / 1e3, each > 0 ? least / each : 0, sign / 1e3, verify / 1e3,
	       agree / 1e3, (unsigned long long)before.rss_kib, (unsigned long long)after.rss_kib);
	proc_print_threads(&before, &after, b->count);
	printf("}\n");
	free(b->ms);
	free(t);
}

int main(int argc, char **argv)
{
	struct bench b = {.guests = 32, .count = 2000, .path = "default/key/1"};
	const char *ca = NULL, *ak = NULL;
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct slice spki;
	SECRET(pem);

	if (argc < 2)
		die("usage: bench_kbs handshake|release|abandon|transport --port N --ca FILE --ak FILE --pid PID [--guests N] [--count N] [--path P]");
	b.mode = argv[1];
	for (int i = 2; i + 1 < argc; i += 2) {
		const char *v = argv[i + 1];

		if (strcmp(argv[i], "--port") == 0)
			b.port = (uint16_t)strtoul(v, NULL, 10);
		else if (strcmp(argv[i], "--ca") == 0)
			ca = v;
		else if (strcmp(argv[i], "--ak") == 0)
			ak = v;
		else if (strcmp(argv[i], "--pid") == 0)
			b.pid = strtol(v, NULL, 10);
		else if (strcmp(argv[i], "--guests") == 0)
			b.guests = (unsigned)strtoul(v, NULL, 10);
		else if (strcmp(argv[i], "--count") == 0)
			b.count = strtoull(v, NULL, 10);
		else if (strcmp(argv[i], "--path") == 0)
			b.path = v;
		else
			die("unknown option");
	}
	if (!ca || !ak || !b.port || !b.pid || !b.guests || !b.count)
		die("--port, --ca, --ak and --pid are required");
	if (!rc_ok(file_read_secret(ak, 65536, &pem, &w)) || !rc_ok(pkey_from_private_pem(&pem, &b.ak, &w)) ||
	    !rc_ok(pkey_to_spki(b.ak, a, &spki, &w)))
		die(why_text(&w));
	b.ak_b64 = arena_strndup(a, b64_text(a, B64_STD, spki).p, b64_text(a, B64_STD, spki).n);
	b.tls = SSL_CTX_new(TLS_client_method());
	if (!b.tls || SSL_CTX_load_verify_file(b.tls, ca) != 1)
		die("CA file");
	SSL_CTX_set_verify(b.tls, SSL_VERIFY_PEER, NULL);
	run(&b);
	SSL_CTX_free(b.tls);
	pkey_free(b.ak);
	arena_free(a);
	return atomic_load(&b.failed) ? 1 : 0;
}
