/* Starts a PostgreSQL server of its own, in a folder of its own, as an unprivileged user. */
#include "store/test_contract.h"

#include <arpa/inet.h>
#include <glob.h>
#include <grp.h>
#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/num.h"
#include "base/test_pace.h"

static struct server {
	char bin[512], dir[64], conninfo[512];
	unsigned port;
	pid_t pid;
} server;

/* Runs a program of PostgreSQL, which refuses to be root. */
static pid_t start(const char *name, const char *const *args)
{
	const char *argv[24];
	char path[640];
	size_t n = 0;
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	snprintf(path, sizeof(path), "%s/%s", server.bin, name);
	argv[n++] = path;
	while (*args && n < COUNT_OF(argv) - 1)
		argv[n++] = *args++;
	argv[n] = NULL;
	if (getuid() == 0 && (setgroups(0, NULL) != 0 || setgid(65534) != 0 || setuid(65534) != 0))
		_exit(126);
	prctl(PR_SET_PDEATHSIG, SIGINT); /* a test that dies takes its server along */
	if (chdir(server.dir) != 0 || !freopen("log", "a", stdout) || dup2(1, 2) < 0)
		_exit(126);
	execv(path, (char *const *)(uintptr_t)argv);
	_exit(127);
}

static unsigned free_port(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, n), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	close(fd);
	return ntohs(a.sin_port);
}

static bool installed(void)
{
	glob_t g = {0};
	bool found = glob("/usr/lib/postgresql/*/bin/postgres", 0, NULL, &g) == 0;

	if (found)
		snprintf(server.bin, sizeof(server.bin), "%.*s", (int)(strlen(g.gl_pathv[g.gl_pathc - 1]) - 9),
		         g.gl_pathv[g.gl_pathc - 1]);
	globfree(&g);
	return found;
}

static bool server_start(void)
{
	const char *const init[] = {"-D", "data", "-A", "trust", "-U", "warrant", "-E", "UTF8", "--locale=C.UTF-8",
	                            "-N", NULL};
	char port[16];
	const char *const run[] = {"-D", "data", "-k", server.dir, "-h", "127.0.0.1", "-p", port, "-F", NULL};
	int status = 0;

	memcpy(server.dir, "/tmp/pg-test-XXXXXX", 20);
	if (!mkdtemp(server.dir) || (getuid() == 0 && chown(server.dir, 65534, 65534) != 0))
		return false;
	waitpid(start("initdb", init), &status, 0);
	if (status != 0)
		return false;
	server.port = free_port();
	snprintf(port, sizeof(port), "%u", server.port);
	server.pid = start("postgres", run);
	/* the clock of a statement runs on while its answer waits for us to read it */
	snprintf(server.conninfo, sizeof(server.conninfo),
	         "host=%s port=%u user=warrant dbname=postgres options='-c statement_timeout=%u'", server.dir, server.port,
	         10000 * test_pace());
	for (unsigned i = 0; i < 200; i++) {
		if (PQping(server.conninfo) == PQPING_OK)
			return true;
		usleep(50000);
	}
	return false;
}

static void server_stop(void)
{
	if (server.pid > 0) {
		kill(server.pid, SIGINT);
		waitpid(server.pid, NULL, 0);
	}
	if (server.dir[0])
		scratch_free(strdup(server.dir));
}

static rc open_it(const char *dir, const struct clock *clock, struct store **out, struct why *w)
{
	(void)dir;
	return store_open_postgres(server.conninfo, clock, out, w);
}

static void sql(const char *text)
{
	PGconn *c = PQconnectdb(server.conninfo);
	PGresult *res = PQexec(c, text);

	if (PQresultStatus(res) != PGRES_COMMAND_OK && PQresultStatus(res) != PGRES_TUPLES_OK)
		fail_msg("%s: %s", text, PQerrorMessage(c));
	PQclear(res);
	PQfinish(c);
}

static void wipe(void)
{
	sql("SET client_min_messages = error; DROP TABLE IF EXISTS warrant_kv; DROP SEQUENCE IF EXISTS warrant_rev");
}

static void lost_connections_are_made_again(void **state)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct store *s;
	struct slice v;

	(void)state;
	assert_true(rc_ok(store_open_postgres(server.conninfo, &clock_system, &s, &w)));
	assert_true(rc_ok(store_put(s, "t", "k", SLICE_LIT("1"), &w)));
	for (unsigned i = 0; i < 3; i++) {
		sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'warrant'");
		if (i & 1)
			assert_true(rc_ok(store_get(s, "t", "k", a, &v, NULL, NULL, &w)));
		else
			assert_true(rc_ok(store_put(s, "t", "k", SLICE_LIT("2"), &w)));
	}
	store_close(s);
	arena_free(a);
}

static void without_tls_a_network_connection_is_refused_unless_asked_for(void **state)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct store *s;
	char info[256];

	(void)state;
	snprintf(info, sizeof(info), "host=127.0.0.1 port=%u user=warrant dbname=postgres password=hunter2",
	         server.port);
	assert_int_equal(store_open_postgres(info, &clock_system, &s, &w).code, E_UNAVAILABLE);
	assert_string_equal(why_reason(&w), "store.down");
	assert_null(strstr(why_text(&w), "hunter2"));
	snprintf(info, sizeof(info), "postgresql://warrant@127.0.0.1:%u/postgres?sslmode=disable", server.port);
	if (!rc_ok(store_open_postgres(info, &clock_system, &s, &w)))
		fail_msg("%s", why_text(&w));
	store_close(s);
	arena_free(a);
}

static void a_row_held_by_another_is_locked_not_lost(void **state)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	PGconn *c = PQconnectdb(server.conninfo);
	struct store *s;

	(void)state;
	assert_true(rc_ok(store_open_postgres(server.conninfo, &clock_system, &s, &w)));
	assert_true(rc_ok(store_put(s, "t", "held", SLICE_LIT("1"), &w)));
	PQclear(PQexec(c, "BEGIN"));
	PQclear(PQexec(c, "SELECT * FROM warrant_kv WHERE key = 'held' FOR UPDATE"));
	assert_int_equal(store_put(s, "t", "held", SLICE_LIT("2"), &w).code, E_UNAVAILABLE);
	assert_string_equal(why_reason(&w), "store.locked");
	PQfinish(c);
	assert_true(rc_ok(store_put(s, "t", "held", SLICE_LIT("3"), &w)));
	store_close(s);
	arena_free(a);
}

static void limits_of_time_are_ours_unless_the_operator_has_set_some(void **state)
{
	static const struct {
		const char *options, *words;
	} row[] = {{"-c statement_timeout=150", "due to statement timeout"},
	           {"-c lock_timeout=150", "due to lock timeout"},
	           {"-c statement_timeout=60000", "due to lock timeout"}};
	struct arena *a = arena_new(0);
	PGconn *c = PQconnectdb(server.conninfo);

	(void)state;
	sql("INSERT INTO warrant_kv VALUES ('t', 'timed', '', 0, 0) ON CONFLICT DO NOTHING");
	PQclear(PQexec(c, "BEGIN"));
	PQclear(PQexec(c, "SELECT * FROM warrant_kv WHERE key = 'timed' FOR UPDATE"));
	for (size_t i = 0; i < COUNT_OF(row); i++) {
		struct why w = why_in(a);
		char info[512];
		struct store *s;

		snprintf(info, sizeof(info), "host=%s port=%u user=warrant dbname=postgres options='%s'", server.dir,
		         server.port, row[i].options);
		assert_true(rc_ok(store_open_postgres(info, &clock_system, &s, &w)));
		assert_int_equal(store_put(s, "t", "timed", SLICE_LIT("2"), &w).code, E_UNAVAILABLE);
		if (strcmp(why_reason(&w), "store.locked") != 0 || !strstr(why_text(&w), row[i].words))
			fail_msg("%s: %s: %s", row[i].options, why_reason(&w), why_text(&w));
		store_close(s);
	}
	PQfinish(c);
	arena_free(a);
}

static void no_server_is_down(void **state)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct store *s;

	(void)state;
	assert_int_equal(store_open_postgres("host=/nonexistent user=x", &clock_system, &s, &w).code, E_UNAVAILABLE);
	assert_string_equal(why_reason(&w), "store.down");
	arena_free(a);
}

static void the_server_starts(void **state)
{
	(void)state;
	fail_msg("PostgreSQL is installed, but its server does not start (%s)", server.bin);
}

static void postgresql_is_not_installed(void **state)
{
	(void)state;
	skip();
}

int main(void)
{
	static const struct contract c = {.name = "postgres", .durable = true, .open = open_it, .wipe = wipe};
	const struct CMUnitTest none[] = {cmocka_unit_test(postgresql_is_not_installed)};
	const struct CMUnitTest broken[] = {cmocka_unit_test(the_server_starts)};
	const struct CMUnitTest own[] = {
	        cmocka_unit_test(lost_connections_are_made_again),
	        cmocka_unit_test(without_tls_a_network_connection_is_refused_unless_asked_for),
	        cmocka_unit_test(a_row_held_by_another_is_locked_not_lost),
	        cmocka_unit_test(limits_of_time_are_ours_unless_the_operator_has_set_some),
	        cmocka_unit_test(no_server_is_down),
	};
	int failed;

	if (!installed())
		return cmocka_run_group_tests_name("postgres", none, NULL, NULL);
	if (!server_start()) {
		server_stop();
		return cmocka_run_group_tests_name("postgres", broken, NULL, NULL);
	}
	failed = contract_main(&c, own, COUNT_OF(own));
	server_stop();
	return failed;
}
