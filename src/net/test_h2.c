/* test_h2.c - HTTP/2 and HTTP/1.1 over TLS with real peers: curl, h2load, python3-h2 and nginx. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/ssl.h>

#include "base/num.h"
#include "base/sys.h"
#include "net/test_support.h"

static bool have(const char *program)
{
	struct arena *a = arena_new(0);
	int status;

	(void)run_command(a, &status, "command -v %s 2>/dev/null", program);
	arena_free(a);
	return status == 0;
}

static void alpn_chooses_the_version(void **state)
{
	static const struct {
		const char *flag, *version;
	} rows[] = {{"", "2"}, {"--http2", "2"}, {"--http1.1", "1.1"}, {"--no-alpn", "1.1"}, {"--tls-max 1.2", "2"}};
	struct rig r;
	int status;

	(void)state;
	if (!have("curl"))
		skip();
	rig_init(&r, true);
	rig_start(&r);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *got = run_command(r.arena, &status, "curl -s %s --cacert %s -w '|%%{http_version}|%%{http_code}' https://%s/a/b",
					      rows[i].flag, r.cert, server_address(r.server, 0));

		assert_string_equal(got, arena_printf(r.arena, "/a/b|%s|200", rows[i].version));
	}
	rig_end(&r);
}

/* The same answers, the same refusals as JSON, whichever version carries them. */
static void both_versions_answer_alike(void **state)
{
	static const struct {
		const char *args, *path, *want;
	} rows[] = {
		{"", "/secret", "sesame|200|"},
		{"-d hello", "/echo", "hello|200|"},
		{"", "/moved", "/moved|302|"},
		{"-I -o /dev/null", "/a", "|200|"},
		{"--path-as-is", "/a/../b", "{\"type\":\"http.path.dots\",\"detail\":\"\"}|400|application/json"},
		{"-H 'content-encoding: gzip' -d x", "/echo", "{\"type\":\"http.content-encoding\",\"detail\":\"\"}|415|application/json"},
		{"-H 'host: a@b'", "/", "{\"type\":\"http.host\",\"detail\":\"\"}|400|application/json"},
		{"--data-binary @/proc/self/exe", "/echo", "{\"type\":\"http.body.size\",\"detail\":\"\"}|413|application/json"},
	};
	struct rig r;
	int status;

	(void)state;
	if (!have("curl"))
		skip();
	rig_init(&r, true);
	r.config.head_ms = r.config.body_ms = r.config.idle_ms = 0;
	rig_start(&r);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		for (unsigned v = 0; v < 2; v++) {
			const char *got = run_command(r.arena, &status, "curl -s %s --cacert %s %s -w '|%%{http_code}|%%{content_type}' https://%s%s",
						      v ? "--http1.1" : "--http2", r.cert, rows[i].args, server_address(r.server, 0),
						      rows[i].path);

			assert_string_equal(got, rows[i].want);
		}
	}
	(void)run_command(r.arena, &status, "curl -s --http2 --cacert %s https://%s/big | wc -c | grep -qx 1048576", r.cert,
			  server_address(r.server, 0));
	assert_int_equal(status, 0);
	rig_end(&r);
}

static void many_streams_share_a_connection(void **state)
{
	struct rig r;
	const char *got;
	int status;

	(void)state;
	if (!have("h2load"))
		skip();
	rig_init(&r, true);
	r.config.head_ms = r.config.body_ms = r.config.idle_ms = 0;
	rig_start(&r);
	got = run_command(r.arena, &status, "h2load -n 3000 -c 4 -m 24 https://%s/a 2>&1", server_address(r.server, 0));
	if (status || !strstr(got, "Application protocol: h2") || !strstr(got, "status codes: 3000 2xx"))
		fail_msg("%s", got);
	got = run_command(r.arena, &status, "h2load -n 40 -c 2 -m 10 https://%s/big 2>&1", server_address(r.server, 0));
	if (status || !strstr(got, "status codes: 40 2xx"))
		fail_msg("%s", got);
	rig_end(&r);
}

/* The same session over a socket: a connection that resets its streams is ended, and the workers are not left with its requests. */
static void rapid_resets_end_the_connection(void **state)
{
	static const char script[] =
		"import socket,ssl,sys\n"
		"try:\n import h2.connection,h2.events,h2.config\nexcept ImportError: sys.exit(77)\n"
		"ctx=ssl.create_default_context(cafile=sys.argv[1]); ctx.set_alpn_protocols(['h2'])\n"
		"s=ctx.wrap_socket(socket.create_connection(('127.0.0.1',int(sys.argv[2]))),server_hostname='127.0.0.1')\n"
		"c=h2.connection.H2Connection(h2.config.H2Configuration()); c.initiate_connection(); s.sendall(c.data_to_send())\n"
		"H=[(':method','GET'),(':scheme','https'),(':authority','a'),(':path','/slow')]\n"
		"s.settimeout(10)\n"
		"try:\n"
		" for i in range(400):\n"
		"  n=c.get_next_available_stream_id(); c.send_headers(n,H,end_stream=True); c.reset_stream(n); s.sendall(c.data_to_send())\n"
		"except OSError: pass\n"
		"while True:\n"
		" try: d=s.recv(65536)\n"
		" except OSError: d=b''\n"
		" if not d: print('closed'); break\n"
		" for e in c.receive_data(d):\n"
		"  if isinstance(e,h2.events.ConnectionTerminated): print('goaway',int(e.error_code)); sys.exit(0)\n";
	struct rig r;
	const char *got, *path;
	int status;

	(void)state;
	rig_init(&r, true);
	r.config.idle_ms = 0;
	rig_start(&r);
	path = arena_printf(r.arena, "%s/reset.py", r.dir);
	assert_true(rc_ok(file_write_atomic(path, slice_cstr(script), 0600, &r.why)));
	unsigned before = atomic_load(&rig_served);
	got = run_command(r.arena, &status, "/usr/bin/python3 %s %s %u 2>&1", path, r.cert, rig_port(&r));
	if (status == 0) {
		assert_string_equal(got, "goaway 11\n");
		assert_in_range(atomic_load(&rig_served) - before, 0, 110);
	}
	rig_end(&r);
	if (status == 77 || status == 127)
		skip();
	assert_int_equal(status, 0);
}

/* nginx in front, as operators run it: kept connections, buffered and unbuffered bodies, and what it lets through is refused here. */
static void nginx_is_served_as_a_peer(void **state)
{
	static const char config[] =
		"user root;\nworker_processes 1;\npid %1$s/nginx.pid;\nerror_log %1$s/error.log;\nevents {}\n"
		"http { access_log off; client_body_temp_path %1$s/body; proxy_temp_path %1$s/proxy; fastcgi_temp_path %1$s/f;\n"
		" uwsgi_temp_path %1$s/u; scgi_temp_path %1$s/s;\n"
		" upstream kbs { server %2$s; keepalive 4; }\n"
		" server { listen 127.0.0.1:%3$u; location / { proxy_pass https://kbs; proxy_ssl_verify on; proxy_ssl_name localhost;\n"
		"  proxy_ssl_trusted_certificate %4$s; proxy_http_version 1.1; proxy_set_header Connection \"\"; proxy_set_header Host localhost;\n"
		"  location /raw/ { proxy_request_buffering off; proxy_pass https://kbs/; proxy_ssl_verify on; proxy_ssl_name localhost;\n"
		"   proxy_ssl_trusted_certificate %4$s; proxy_http_version 1.1; proxy_set_header Connection \"\"; proxy_set_header Host localhost; } } } }\n";
	static const struct {
		const char *args, *path, *want;
	} rows[] = {
		{"", "/a/b?x=1", "/a/b|200"},
		{"", "/secret", "sesame|200"},
		{"-d hello", "/echo", "hello|200"},
		{"-d hello -H 'transfer-encoding: chunked'", "/raw/echo", "hello|200"},
		{"-I -o /dev/null", "/a", "|200"},
		{"-d hello -X PUT", "/echo", "hello|200"},
		{"--path-as-is", "/a%5cb", "{\"type\":\"http.path.slash\",\"detail\":\"\"}|400"},
		{"-H 'content-encoding: gzip' -d x", "/echo", "{\"type\":\"http.content-encoding\",\"detail\":\"\"}|415"},
	};
	const char *path, *nginx = "PATH=$PATH:/usr/sbin nginx";
	unsigned port = 0;
	struct rig r;
	int status;

	(void)state;
	if (!have("curl") || (!have("nginx") && !have("/usr/sbin/nginx")))
		skip();
	rig_init(&r, true);
	r.config.head_ms = r.config.body_ms = r.config.idle_ms = 0;
	rig_start(&r);
	path = arena_printf(r.arena, "%s/nginx.conf", r.dir);
	for (unsigned attempt = 0; attempt < 20 && !port; attempt++) {	/* a port that is free */
		port = 20000 + (rig_port(&r) + 997 * attempt) % 12000;
		const char *text = arena_printf(r.arena, config, r.dir, server_address(r.server, 0), port, r.cert);
		assert_true(rc_ok(file_write_atomic(path, slice_cstr(text), 0600, &r.why)));
		(void)run_command(r.arena, &status, "%s -c %s -e %s/error.log 2>&1", nginx, path, r.dir);
		port = status == 0 ? port : 0;
	}
	assert_true(port != 0);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *got = run_command(r.arena, &status, "curl -s --max-time 10 %s -w '|%%{http_code}' 'http://127.0.0.1:%u%s'",
					      rows[i].args, port, rows[i].path);

		if (strcmp(got, rows[i].want) != 0)
			print_error("%s: %s, not %s\n", rows[i].path, got, rows[i].want);
		status = strcmp(got, rows[i].want) != 0;
		if (status)
			break;
	}
	if (!status)
		(void)run_command(r.arena, &status, "for i in 1 2 3 4 5; do curl -s --max-time 20 'http://127.0.0.1:%u/a[1-100]' "
						    "-w '%%{http_code}\\n' -o /dev/null; done | sort | uniq -c | grep -q '^ *500 200$'", port);
	int stopped;
	(void)run_command(r.arena, &stopped, "%s -c %s -e %s/error.log -s stop 2>&1; for i in $(seq 100); do test -e %s/nginx.pid || break; sleep 0.05; done",
			  nginx, path, r.dir, r.dir);
	rig_end(&r);
	assert_int_equal(status, 0);
}

/* ---- a client of our own: records of the largest size, far more of them than the input takes at once ---- */

static void put_frame(struct buf *b, uint32_t n, uint8_t type, uint8_t flags, uint32_t stream)
{
	const uint8_t head[9] = {(uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n, type, flags, (uint8_t)(stream >> 24), (uint8_t)(stream >> 16),
				 (uint8_t)(stream >> 8), (uint8_t)stream};

	buf_put(b, head, sizeof(head));
}

/* GET /<17 letters> of a stream, END_STREAM and END_HEADERS; RFC 7541: two indexed fields, two literals without indexing. */
static void put_get(struct buf *b, uint32_t stream)
{
	static const char block[] = "\x82\x87\x04\x12/abcdefghijklmnopq\x01\x09localhost";

	put_frame(b, sizeof(block) - 1, 1, 5, stream);
	buf_put(b, block, sizeof(block) - 1);
}

/* How many HEADERS frames the bytes hold, whole ones. */
static unsigned count_answers(const uint8_t *p, size_t n)
{
	unsigned answers = 0;

	while (n >= 9) {
		size_t len = (size_t)p[0] << 16 | (size_t)p[1] << 8 | p[2];

		if (n < 9 + len)
			break;
		answers += p[3] == 1;
		p += 9 + len;
		n -= 9 + len;
	}
	return answers;
}

static void what_a_record_leaves_behind_is_read(void **state)
{
	enum { ASKED = 40, FILL = 5, FILL_BYTES = 16000 };
	static const uint8_t alpn[] = "\x02h2";
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	struct arena *a = arena_new(0);
	struct buf out = buf_in(a, 0);
	uint8_t *in = arena_alloc(a, 1 << 20);
	unsigned answered = 0;
	struct rig r;
	size_t n = 0;
	SSL *ssl;
	int fd;

	(void)state;
	rig_init(&r, true);
	/* a stall ends the connection as idle; nothing else here may depend on the pace of the machine */
	r.config.head_ms = r.config.body_ms = 0;
	r.config.idle_ms = 10000;
	rig_start(&r);
	fd = dial_port(rig_port(&r));
	ssl = SSL_new(ctx);
	assert_true(ssl && in && SSL_set_alpn_protos(ssl, alpn, sizeof(alpn) - 1) == 0 && SSL_set_fd(ssl, fd) == 1 && SSL_connect(ssl) == 1);
	buf_puts(&out, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
	put_frame(&out, 0, 4, 0, 0);
	for (uint32_t i = 0; i < ASKED; i++) {
		for (unsigned k = 0; k < FILL; k++) {	/* of a type that nobody knows, to be passed over */
			put_frame(&out, FILL_BYTES, 0xbe, 0, 0);
			buf_reserve(&out, FILL_BYTES);
		}
		put_get(&out, 2 * i + 1);
	}
	assert_true(buf_ok(&out) && out.n > 40 * 65536);
	for (size_t at = 0; at < out.n; at += MIN_OF(out.n - at, (size_t)16384))
		assert_int_equal(SSL_write(ssl, out.p + at, (int)MIN_OF(out.n - at, (size_t)16384)), (int)MIN_OF(out.n - at, (size_t)16384));
	while (answered < ASKED && n < 1 << 20) {
		int k = SSL_read(ssl, in + n, (1 << 20) - (int)n);

		if (k <= 0)
			break;
		n += (size_t)k;
		answered = count_answers(in, n);
	}
	assert_int_equal(answered, ASKED);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	close(fd);
	arena_free(a);
	rig_end(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alpn_chooses_the_version),
		cmocka_unit_test(both_versions_answer_alike),
		cmocka_unit_test(many_streams_share_a_connection),
		cmocka_unit_test(rapid_resets_end_the_connection),
		cmocka_unit_test(what_a_record_leaves_behind_is_read),
		cmocka_unit_test(nginx_is_served_as_a_peer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
