#include "net/test_support.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/sys.h"
#include "base/test_pace.h"

atomic_uint rig_smuggled, rig_served;

struct later {
	struct http_request *req;
	struct http_response *resp;
};

static void *answer_later(void *arg)
{
	struct later *l = arg;

	usleep(50000);
	l->resp->body = SLICE_LIT("late");
	server_answer(l->req);
	return NULL;
}

static bool later(struct http_request *req, struct http_response *resp)
{
	struct later *l = ARENA_NEW(req->arena, struct later);
	pthread_t t;

	*l = (struct later){req, resp};
	assert_int_equal(pthread_create(&t, NULL, answer_later, l), 0);
	pthread_detach(t);
	return false;
}

bool rig_handle(void *ctx, struct http_request *req, struct http_response *resp)
{
	struct why w = {0};

	(void)ctx;
	atomic_fetch_add(&rig_served, 1);
	if (slice_is(req->path, "/smuggled"))
		atomic_fetch_add(&rig_smuggled, 1);
	resp->status = 200;
	resp->body = req->path;
	if (slice_is(req->path, "/slow"))
		usleep(300000);
	if (slice_is(req->path, "/moved")) {
		resp->status = 302;
		http_response_header(resp, "location", "/elsewhere");
	}
	if (slice_is(req->path, "/big")) {
		resp->body.p = arena_alloc(req->arena, 1 << 20);
		resp->body.n = resp->body.p ? 1 << 20 : 0;
	}
	if (req->segments && slice_is(req->segment[req->segments - 1], "thread")) {
		char *name = arena_alloc(req->arena, 16);

		if (name && pthread_getname_np(pthread_self(), name, 16) == 0)
			resp->body = slice_cstr(name);
	}
	if (slice_is(req->path, "/echo"))
		resp->body = req->body;
	if (slice_is(req->path, "/secret")) {
		resp->body = (struct slice){0};
		if (!rc_ok(secret_copy(&resp->secret_body, SLICE_LIT("sesame"), &w)))
			resp->status = 500;
	}
	return !slice_is(req->path, "/later") || later(req, resp);
}

bool rig_quick(void *ctx, const struct http_request *req)
{
	(void)ctx;
	return slice_starts(req->path, SLICE_LIT("/quick"));
}

void rig_refuse(void *ctx, const char *peer, int status, const char *reason, struct http_response *resp)
{
	(void)ctx;
	(void)peer;
	resp->status = status;
	resp->content_type = "application/json";
	resp->body = slice_cstr(arena_printf(resp->arena, "{\"type\":\"%s\",\"detail\":\"\"}", reason));
}

void make_certificate(const char *cert_path, const char *key_path)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	X509V3_CTX v3;
	FILE *f;

	assert_true(key && cert);
	X509_set_version(cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), -60);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_set_pubkey(cert, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC, (const unsigned char *)"t", -1, -1, 0);
	X509_set_issuer_name(cert, X509_get_subject_name(cert));
	X509V3_set_ctx(&v3, cert, cert, NULL, NULL, 0);
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &v3, NID_subject_alt_name, "IP:127.0.0.1,DNS:localhost");
	assert_non_null(ext);
	X509_add_ext(cert, ext, -1);
	X509_EXTENSION_free(ext);
	assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
	f = fopen(cert_path, "w");
	assert_true(f && PEM_write_X509(f, cert) == 1 && fclose(f) == 0);
	f = fopen(key_path, "w");
	assert_true(f && PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1 && fclose(f) == 0);
	X509_free(cert);
	EVP_PKEY_free(key);
}

void rig_init(struct rig *r, bool tls)
{
	const unsigned ms = tls ? 300 * test_pace() : 300;	/* a handshake is what a slow tool slows down */

	*r = (struct rig){.dir = "/tmp/warrant-net-XXXXXX", .arena = arena_new(0)};
	r->why = why_in(r->arena);
	assert_non_null(mkdtemp(r->dir));
	snprintf(r->cert, sizeof(r->cert), "%s/cert.pem", r->dir);
	snprintf(r->key, sizeof(r->key), "%s/key.pem", r->dir);
	if (tls)
		make_certificate(r->cert, r->key);
	r->tls = (struct tls_config){.certificate = r->cert, .private_key = r->key};
	r->listener = (struct server_listener){.address = "127.0.0.1:0", .kind = "test", .handle = rig_handle, .quick = rig_quick, .tls = tls ? &r->tls : NULL};
	r->config = (struct server_config){.listeners = &r->listener, .listeners_n = 1, .loops = 2, .workers = 2, .body_max = 65536,
					   .head_ms = ms, .body_ms = ms, .idle_ms = ms, .refuse = rig_refuse};
}

void rig_start(struct rig *r)
{
	if (!rc_ok(server_new(&r->config, &r->server, &r->why)) || !rc_ok(server_start(r->server, &r->why)))
		fail_msg("%s", why_text(&r->why));
}

void rig_end(struct rig *r)
{
	DIR *d = opendir(r->dir);

	if (r->server)
		server_stop(r->server, 2000);
	server_free(r->server);
	for (struct dirent *e; d && (e = readdir(d));)
		if (unlinkat(dirfd(d), e->d_name, 0) != 0)
			(void)unlinkat(dirfd(d), e->d_name, AT_REMOVEDIR);
	if (d)
		closedir(d);
	rmdir(r->dir);
	arena_free(r->arena);
}

unsigned short rig_port(const struct rig *r)
{
	return (unsigned short)strtoul(strrchr(server_address(r->server, 0), ':') + 1, NULL, 10);
}

int dial_port(unsigned short port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

size_t read_all(int fd, char *out, size_t max, bool *closed)
{
	int64_t until = sys_monotonic_ns() + 3000000000;
	size_t n = 0;

	*closed = false;
	while (n + 1 < max && sys_monotonic_ns() < until) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		ssize_t got;

		if (poll(&p, 1, 100) == 0)
			continue;
		got = read(fd, out + n, max - 1 - n);
		if (got <= 0) {
			*closed = true;
			break;
		}
		n += (size_t)got;
	}
	out[n] = '\0';
	return n;
}

char *run_command(struct arena *a, int *status, const char *fmt, ...)
{
	struct buf out = buf_in(a, 0);
	char line[4096];
	va_list ap;
	FILE *f;
	size_t n;
	int code;

	va_start(ap, fmt);
	f = popen(arena_vprintf(a, fmt, ap), "r");
	va_end(ap);
	assert_non_null(f);
	while ((n = fread(line, 1, sizeof(line), f)) > 0)
		buf_put(&out, line, n);
	code = pclose(f);
	*status = WIFEXITED(code) ? WEXITSTATUS(code) : -1;
	assert_true(buf_ok(&out));
	return buf_cstr(&out);
}
