/* test_tls.c - versions and profiles, the two clients against a TLS server, and connections that do nothing. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/ssl.h>

#include "base/num.h"
#include "base/sys.h"
#include "base/test_pace.h"
#include "net/client.h"
#include "net/fetch.h"
#include "net/test_support.h"

/* A handshake with a client of these limits. NULL: refused. Else the suite that was agreed upon. */
static const char *handshake(const struct rig *r, int min, int max, const char *ciphers)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	const char *suite = NULL;
	int fd = dial_port(rig_port(r));
	SSL *ssl;

	assert_non_null(ctx);
	assert_true(SSL_CTX_set_min_proto_version(ctx, min) == 1 && SSL_CTX_set_max_proto_version(ctx, max) == 1);
	if (ciphers)
		assert_int_equal(SSL_CTX_set_cipher_list(ctx, ciphers), 1);
	SSL_CTX_set_security_level(ctx, 0);
	ssl = SSL_new(ctx);
	assert_non_null(ssl);
	SSL_set_fd(ssl, fd);
	if (SSL_connect(ssl) == 1)
		suite = SSL_CIPHER_get_name(SSL_get_current_cipher(ssl));
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	close(fd);
	return suite;
}

static void profiles_decide_what_is_spoken(void **state)
{
	static const struct {
		struct tls_config tls;
		int min, max;
		const char *ciphers;
		bool ok;
	} rows[] = {
		{{.profile = TLS_MODERN}, TLS1_2_VERSION, TLS1_2_VERSION, NULL, false},
		{{.profile = TLS_MODERN}, TLS1_2_VERSION, TLS1_3_VERSION, NULL, true},
		{{.profile = TLS_INTERMEDIATE}, TLS1_2_VERSION, TLS1_2_VERSION, NULL, true},
		{{.profile = 0}, TLS1_3_VERSION, TLS1_3_VERSION, NULL, true},
		{{.profile = TLS_INTERMEDIATE}, TLS1_VERSION, TLS1_1_VERSION, "ALL:@SECLEVEL=0", false},
		{{.profile = TLS_INTERMEDIATE}, TLS1_2_VERSION, TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA", false},
		{{.profile = TLS_INTERMEDIATE}, TLS1_2_VERSION, TLS1_2_VERSION, "AES128-GCM-SHA256", false},
		{{.max_version = "1.2"}, TLS1_3_VERSION, TLS1_3_VERSION, NULL, false},
		{{.min_version = "1.3"}, TLS1_2_VERSION, TLS1_2_VERSION, NULL, false},
		{{.ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384"}, TLS1_2_VERSION, TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256", false},
		{{.ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384"}, TLS1_2_VERSION, TLS1_2_VERSION, NULL, true},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct rig r;
		const char *suite;

		rig_init(&r, true);
		r.tls = rows[i].tls;
		r.tls.certificate = r.cert;
		r.tls.private_key = r.key;
		rig_start(&r);
		suite = handshake(&r, rows[i].min, rows[i].max, rows[i].ciphers);
		if ((suite != NULL) != rows[i].ok)
			fail_msg("row %zu: %s", i, suite ? suite : "refused");
		rig_end(&r);
	}
}

static void a_wrong_tls_configuration_does_not_start(void **state)
{
	static const struct {
		struct tls_config tls;
		const char *reason;
	} rows[] = {
		{{.min_version = "1.1"}, "tls.version"},
		{{.min_version = "1.3", .max_version = "1.2"}, "tls.version"},
		{{.profile = TLS_MODERN, .max_version = "1.2"}, "tls.version"},
		{{.ciphers = "NO-SUCH-CIPHER"}, "tls.ciphers"},
		{{.groups = "no-such-group"}, "tls.groups"},
		{{.certificate = "/nonexistent"}, "tls.certificate"},
		{{.private_key = "/nonexistent"}, "tls.certificate"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct rig r;

		rig_init(&r, true);
		r.tls = rows[i].tls;
		r.tls.certificate = r.tls.certificate ? r.tls.certificate : r.cert;
		r.tls.private_key = r.tls.private_key ? r.tls.private_key : r.key;
		assert_false(rc_ok(server_new(&r.config, &r.server, &r.why)));
		assert_string_equal(why_reason(&r.why), rows[i].reason);
		rig_end(&r);
	}
}

static rc call(const struct rig *r, const struct client_options *o, const char *path, struct client_reply *reply, struct why *w)
{
	struct client_call c = {.method = "GET", .url = arena_printf(r->arena, "https://%s%s", server_address(r->server, 0), path)};
	struct client *client;
	rc result = client_new(o, &client, w);

	assert_true(rc_ok(result));
	why_clear(w);
	result = client_do(client, &c, r->arena, reply, w);
	client_free(client);
	return result;
}

static void the_client_verifies_and_is_bounded(void **state)
{
	struct client_reply reply;
	struct rig r;
	char *other;

	(void)state;
	rig_init(&r, true);
	rig_start(&r);
	other = arena_printf(r.arena, "%s/other.pem", r.dir);
	make_certificate(other, arena_printf(r.arena, "%s/other-key.pem", r.dir));
	assert_true(rc_ok(call(&r, &(struct client_options){.ca_file = r.cert}, "/a", &reply, &r.why)));
	assert_true(reply.status == 200 && slice_is(reply.body, "/a"));
	assert_int_equal(call(&r, &(struct client_options){.ca_file = other}, "/a", &reply, &r.why).code, E_UNAVAILABLE);
	assert_string_equal(why_reason(&r.why), "client.tls");
	assert_int_equal(call(&r, &(struct client_options){0}, "/a", &reply, &r.why).code, E_UNAVAILABLE);
	assert_string_equal(why_reason(&r.why), "client.tls");
	assert_int_equal(call(&r, &(struct client_options){.ca_file = r.cert, .reply_max = 1000}, "/big", &reply, &r.why).code, E_LIMIT);
	assert_string_equal(why_reason(&r.why), "client.size");
	assert_true(rc_ok(call(&r, &(struct client_options){.ca_file = r.cert}, "/big", &reply, &r.why)) && reply.body.n == 1 << 20);
	assert_int_equal(call(&r, &(struct client_options){.ca_file = r.cert, .timeout_ms = 80}, "/slow", &reply, &r.why).code, E_UNAVAILABLE);
	assert_string_equal(why_reason(&r.why), "client.timeout");
	assert_true(rc_ok(call(&r, &(struct client_options){.ca_file = r.cert}, "/moved", &reply, &r.why)) && reply.status == 302);
	rig_end(&r);
}

/* "sha256//..." of a certificate's key. */
static const char *pin_of(struct arena *a, const char *cert)
{
	int status;
	char *out = run_command(a, &status, "openssl x509 -in %s -noout -pubkey | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary |"
					    " openssl base64 -A", cert);

	assert_int_equal(status, 0);
	return arena_printf(a, "sha256//%s", out);
}

static void fetch_holds_the_server_to_a_pinned_key(void **state)
{
	struct fetch_reply reply;
	struct fetcher *f;
	struct rig r;

	(void)state;
	rig_init(&r, true);
	rig_start(&r);
	const char *other = arena_printf(r.arena, "%s/other.pem", r.dir);
	make_certificate(other, arena_printf(r.arena, "%s/other-key.pem", r.dir));
	const char *pins[] = {pin_of(r.arena, r.cert), pin_of(r.arena, other)};
	struct fetch_request req = {.url = arena_printf(r.arena, "https://%s/a", server_address(r.server, 0))};
	for (size_t i = 0; i < COUNT_OF(pins); i++) {
		struct fetch_config config = {.ca_file = r.cert, .pinned_key = pins[i]};

		assert_true(rc_ok(fetcher_new(&config, &f, &r.why)));
		why_clear(&r.why);
		assert_int_equal(fetch(f, &req, r.arena, &reply, &r.why).code, i == 0 ? OK : E_UNAVAILABLE);
		assert_string_equal(why_reason(&r.why), i == 0 ? "none" : "fetch.tls");
		fetcher_free(f);
	}
	rig_end(&r);
}

/* A TLS server that asks for a client certificate; one connection. */
struct asker {
	const struct rig *rig;
	int listener;
	bool served;
};

static void *serve_one(void *arg)
{
	static const char reply[] = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";
	struct asker *x = arg;
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	int fd = accept(x->listener, NULL, NULL);
	SSL *ssl = NULL;
	char bytes[4096];

	if (ctx && SSL_CTX_use_certificate_file(ctx, x->rig->cert, SSL_FILETYPE_PEM) == 1 &&
	    SSL_CTX_use_PrivateKey_file(ctx, x->rig->key, SSL_FILETYPE_PEM) == 1 &&
	    SSL_CTX_load_verify_locations(ctx, x->rig->cert, NULL) == 1 && (ssl = SSL_new(ctx))) {
		SSL_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
		SSL_set_fd(ssl, fd);
		x->served = SSL_accept(ssl) == 1 && SSL_read(ssl, bytes, sizeof(bytes)) > 0 &&
			    SSL_write(ssl, reply, sizeof(reply) - 1) > 0;
		SSL_shutdown(ssl);
	}
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	close(fd);
	return NULL;
}

static void fetch_shows_its_certificate(void **state)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(at);
	struct fetch_reply reply;
	struct fetcher *f;
	struct rig r;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	rig_init(&r, true);
	assert_true(listener >= 0 && bind(listener, (struct sockaddr *)&at, n) == 0 && listen(listener, 1) == 0 &&
		    getsockname(listener, (struct sockaddr *)&at, &n) == 0);
	struct fetch_request req = {.url = arena_printf(r.arena, "https://127.0.0.1:%u/", ntohs(at.sin_port))};
	for (unsigned with = 0; with < 2; with++) {
		struct fetch_config config = {.ca_file = r.cert, .client_cert = with ? r.cert : NULL, .client_key = with ? r.key : NULL};
		struct asker x = {&r, listener, false};
		pthread_t thread;

		assert_int_equal(pthread_create(&thread, NULL, serve_one, &x), 0);
		assert_true(rc_ok(fetcher_new(&config, &f, &r.why)));
		assert_int_equal(fetch(f, &req, r.arena, &reply, &r.why).code, with ? OK : E_UNAVAILABLE);
		pthread_join(thread, NULL);
		assert_int_equal(x.served, with);
		fetcher_free(f);
	}
	assert_true(slice_is(reply.body, "ok"));
	close(listener);
	rig_end(&r);
}

/* CVE-2023-38200: one idle TLS connection kept a registrar from everybody else. Here a thousand are idle, silent or in the middle of
 * their hello, and an honest client does not notice.
 */
static void idle_connections_do_not_hold_up_an_honest_client(void **state)
{
	enum { IDLE = 1000, HONEST = 40 };
	static int fd[IDLE];
	struct rlimit files;
	struct client_reply reply;
	int64_t worst = 0;
	struct rig r;

	(void)state;
	if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_max < 2 * IDLE + 100)
		skip();
	files.rlim_cur = MAX_OF(files.rlim_cur, 2 * IDLE + 100);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
	rig_init(&r, true);
	r.config.max_per_peer = 2 * IDLE;
	r.config.head_ms = 120000;
	rig_start(&r);
	for (size_t i = 0; i < IDLE; i++) {
		fd[i] = dial_port(rig_port(&r));
		if (i % 2)
			assert_int_equal(write(fd[i], "\x16\x03\x01", 3), 3);
	}
	for (unsigned i = 0; i < HONEST; i++) {
		int64_t began = sys_monotonic_ns();

		assert_true(rc_ok(call(&r, &(struct client_options){.ca_file = r.cert}, "/a", &reply, &r.why)));
		worst = MAX_OF(worst, sys_monotonic_ns() - began);
	}
	print_message("# %u honest requests beside %u idle connections: the slowest took %lld ms\n", HONEST, IDLE, (long long)(worst / 1000000));
	assert_true(worst < 20000000000);	/* those that are idle may be so for 120 s */
	for (size_t i = 0; i < IDLE; i++) {
		assert_int_equal(recv(fd[i], &(char){0}, 1, MSG_DONTWAIT), -1);	/* they were still there */
		close(fd[i]);
	}
	rig_end(&r);
}

/* The cap of all connections holds, and a place that becomes free is given again. */
static void connections_have_a_cap(void **state)
{
	struct client_reply reply;
	struct rig r;
	int fd[4];

	(void)state;
	rig_init(&r, true);
	r.config.max_connections = COUNT_OF(fd);
	r.config.head_ms = 60000;
	rig_start(&r);
	for (size_t i = 0; i < COUNT_OF(fd); i++)
		fd[i] = dial_port(rig_port(&r));
	usleep(50000);
	assert_false(rc_ok(call(&r, &(struct client_options){.ca_file = r.cert}, "/a", &reply, &r.why)));
	close(fd[0]);
	usleep(50000);
	assert_true(rc_ok(call(&r, &(struct client_options){.ca_file = r.cert}, "/a", &reply, &r.why)));
	for (size_t i = 1; i < COUNT_OF(fd); i++)
		close(fd[i]);
	rig_end(&r);
}

/* A client that asks on and on and reads nothing, until both sides are blocked; then it reads, and every answer is there, in order. */
static void a_client_that_reads_late_gets_every_answer(void **state)
{
	enum { N = 2500, PATH = 6000, ROOM = PATH + 512 };
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	char *request = calloc(1, ROOM), *answer = calloc(1, ROOM + 1), want[16];
	size_t request_n = 0, have = 0;
	unsigned asked = 0, answered = 0;
	int64_t until = sys_monotonic_ns() + INT64_C(60000000000) * test_pace(), moved = sys_monotonic_ns();
	bool blocked = false;
	struct rig r;
	SSL *ssl;
	int fd;

	(void)state;
	assert_true(ctx && request && answer);
	rig_init(&r, true);
	r.config.head_ms = r.config.body_ms = r.config.idle_ms = 0;
	rig_start(&r);
	fd = dial_port(rig_port(&r));
	ssl = SSL_new(ctx);
	assert_true(ssl && SSL_set_fd(ssl, fd) == 1 && SSL_connect(ssl) == 1);
	SSL_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	while (answered < N && sys_monotonic_ns() < until) {
		if (!request_n && asked < N) {
			request_n = (size_t)snprintf(request, ROOM, "GET /%06u", asked++);
			memset(request + request_n, 'x', PATH);
			request_n += PATH;
			request_n += (size_t)snprintf(request + request_n, ROOM - request_n, " HTTP/1.1\r\nHost: a\r\n\r\n");
		}
		int n = request_n ? SSL_write(ssl, request, (int)request_n) : 0;
		if (n > 0) {
			request_n -= (size_t)n;
			memmove(request, request + n, request_n);
			moved = sys_monotonic_ns();
		}
		blocked = blocked || sys_monotonic_ns() - moved > 200000000;
		assert_true(blocked || asked < N || request_n);	/* else N is too small to fill the buffers between us */
		if (blocked && (n = SSL_read(ssl, answer + have, (int)(ROOM - have))) > 0) {
			have += (size_t)n;
			answer[have] = '\0';
			char *body = strstr(answer, "\r\n\r\n");
			if (body && have - (size_t)(body + 4 - answer) >= PATH + 7) {
				size_t used = (size_t)(body + 4 - answer) + PATH + 7;

				snprintf(want, sizeof(want), "/%06ux", answered++);
				assert_memory_equal(answer, "HTTP/1.1 200", 12);
				assert_memory_equal(body + 4, want, 8);
				have -= used;
				memmove(answer, answer + used, have);
			}
		} else if (n <= 0) {
			usleep(500);
		}
	}
	assert_int_equal(answered, N);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	close(fd);
	free(request);
	free(answer);
	rig_end(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(profiles_decide_what_is_spoken),
		cmocka_unit_test(a_wrong_tls_configuration_does_not_start),
		cmocka_unit_test(the_client_verifies_and_is_bounded),
		cmocka_unit_test(fetch_holds_the_server_to_a_pinned_key),
		cmocka_unit_test(fetch_shows_its_certificate),
		cmocka_unit_test(idle_connections_do_not_hold_up_an_honest_client),
		cmocka_unit_test(connections_have_a_cap),
		cmocka_unit_test(a_client_that_reads_late_gets_every_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
