/* kbs.c - the key broker with the attestation service and the reference value provider inside: wiring, and the signals. */
#include <dirent.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/num.h"
#include "base/sys.h"
#include "main/kbs_main.h"
#include "main/notify.h"
#include "sandbox/sandbox.h"
#include "verifier/pool.h"

#define GRACE_MS 30000
#define QUIET_S  10

static rc open_store(struct kbs_main *m)
{
	switch (m->s.store.type) {
	case STORE_TYPE_MEMORY:
		return store_open_memory(&clock_system, &m->store, &m->w);
	case STORE_TYPE_FILES:
		TRY(file_mkdirs(m->s.store.path, 0700, &m->w));
		return store_open_files(m->s.store.path, &clock_system, &m->store, &m->w);
	case STORE_TYPE_SQLITE:
		return store_open_sqlite(m->s.store.path, &clock_system, &m->store, &m->w);
	case STORE_TYPE_POSTGRES:
		return store_open_postgres(getenv("POSTGRES_URL") ? getenv("POSTGRES_URL") : m->s.store.postgres_url, &clock_system, &m->store,
					   &m->w);
	}
	return deny(&m->w, E_INTERNAL, "kbs.store", "no storage type");
}

typedef rc entry_fn(struct kbs_main *m, const char *path, const char *name, const char *set);

static rc each_entry(struct kbs_main *m, const char *dir, const char *set, entry_fn *fn)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	rc r = rc_of(OK);

	if (!d)
		return deny(&m->w, E_UNAVAILABLE, "config.trust-folder", "cannot read %s: %s", dir, strerror(errno));
	while (rc_ok(r) && (e = readdir(d))) {
		char *path = arena_printf(m->a, "%s/%s", dir, e->d_name);

		if (e->d_name[0] != '.')
			r = path ? fn(m, path, e->d_name, set) : deny(&m->w, E_INTERNAL, "kbs.memory", "no memory");
	}
	closedir(d);
	return r;
}

static rc enrol_file(struct kbs_main *m, const char *path, const char *name, const char *set)
{
	struct slice pem;
	rc r = file_read(m->a, path, 65536, &pem, &m->w);

	(void)name;
	if (rc_ok(r))
		r = as_add_anchor(m->as, slice_cstr(set), pem, NULL, &m->w);
	return note(&m->w, r, "enrolling %s as an anchor of %s", path, set);
}

static rc enrol_set(struct kbs_main *m, const char *path, const char *name, const char *set)
{
	(void)set;
	return each_entry(m, path, arena_strdup(m->a, name), enrol_file);
}

/* Anchors of folders are enrolled at each start; those that were enrolled before stay. */
static rc enrol_folders(struct kbs_main *m)
{
	if (m->s.as.trusted_ak_keys_dir)
		TRY(each_entry(m, m->s.as.trusted_ak_keys_dir, "tpm-ak", enrol_file));
	if (m->s.as.tpm_ek_roots)
		TRY(each_entry(m, m->s.as.tpm_ek_roots, "tpm-ek-root", enrol_file));
	return m->s.as.trust_dir ? each_entry(m, m->s.as.trust_dir, NULL, enrol_set) : rc_of(OK);
}

static rc open_as(struct kbs_main *m)
{
	struct as_config c = {.duration_min = (unsigned)m->s.as.duration_min, .issuer = m->s.as.issuer, .developer = m->s.as.developer,
			      .build = m->s.as.build, .profile = m->s.as.profile, .terse_token = m->s.as.terse, .signer = m->signer,
			      .x5u = m->s.as.cert_url, .insecure_sample = m->s.as.sample,
			      .verify_timeout_ms = (unsigned)m->s.as.verify_timeout_ms};
	struct as_env env = {.store = m->store, .rvps = m->rvps, .pool = m->pool, .clock = &clock_system, .later = &m->later,
			     .store_far = m->s.store.type == STORE_TYPE_POSTGRES};
	struct collateral_config cc = {.dir = m->s.as.collateral_dir, .stale_s = m->s.as.stale_hours * 3600, .background = true,
				       .starts_per_min = (unsigned)m->s.as.fetches_per_min};
	struct json *x5c = NULL;

	TRY(setup_x5c(m, &x5c));
	if (m->s.as.se.host_keys) {
		TRY(keyring_bytes(m->keyring, "se-challenge", 32, &m->se_key, &m->w));
		TRY(kbs_se_open(&m->s.as.se, &m->se_key, clock_now_s(&clock_system), m->a, &m->se, &m->w));
		c.se = &m->se.se;
	}
	TRY(upstream_open(&m->s.as.upstream, &m->upstream, &m->w));
	cc.source = upstream_source(m->upstream);
	TRY(collateral_open(m->store, &clock_system, &cc, &m->collateral, &m->w));
	env.collateral = m->collateral;
	c.stale_s = cc.stale_s;
	c.x5c = x5c;
	TRY(as_open(&env, &c, &m->as, &m->w));
	if (m->s.as.sample)
		LOG(LOG_WARN, "insecure", LOG_S("what", "sample evidence, which proves nothing, is accepted; every token says so"));
	return enrol_folders(m);
}

static rc open_kbs(struct kbs_main *m)
{
	struct kbs_config c = {.challenge_min = (unsigned)m->s.as.timeout_min, .allow_rsa1_5 = m->s.allow_rsa1_5,
			       .resource_plugin = m->s.resource_plugin};
	struct kbs_env env = {.store = m->store, .as = m->as, .kms = m->kms, .audit = m->audit, .rvps = m->rvps,
			      .challenge_key = &m->challenge_key, .clock = &clock_system, .later = &m->later};

	TRY(setup_tokens(m, &c.token));
	TRY(setup_admin(m, &c.admin));
	TRY(kbs_open(&env, &c, &m->kbs, &m->w));
	return kbs_http_open(m->kbs, (size_t)m->s.http.payload_request_size << 20, &m->http, &m->w);
}

#define CONNECTIONS	10000u	/* unless the configuration says another number */
#define OTHER_FILES	256u	/* the store, sockets that listen, workers, fetches */

/* A connection is a file. Most systems begin with 1,024: then one peer could take them all, and the store would find none. What the
 * system does not give is not promised either.
 */
static unsigned connections(unsigned wanted)
{
	struct rlimit l;
	rlim_t need = (rlim_t)wanted + OTHER_FILES;

	if (getrlimit(RLIMIT_NOFILE, &l) != 0)
		return wanted;
	if (l.rlim_cur < need) {
		l.rlim_cur = l.rlim_max == RLIM_INFINITY || l.rlim_max > need ? need : l.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &l) != 0)
			(void)getrlimit(RLIMIT_NOFILE, &l);
	}
	if (l.rlim_cur >= need)
		return wanted;
	wanted = l.rlim_cur > 2 * OTHER_FILES ? (unsigned)l.rlim_cur - OTHER_FILES : (unsigned)l.rlim_cur / 2;
	LOG(LOG_WARN, "few-files", LOG_N("connections", wanted),
	    LOG_S("what", "the system's limit of open files (RLIMIT_NOFILE) allows no more connections; raise it, e.g. LimitNOFILE of systemd"));
	return wanted;
}

static rc open_server(struct kbs_main *m)
{
	struct server_config c;

	TRY(setup_server(m, &c));
	c.max_connections = connections(m->s.http.max_connections ? (unsigned)m->s.http.max_connections : CONNECTIONS);
	c.max_per_peer = (unsigned)m->s.http.max_connections_per_peer;
	if (!c.max_per_peer)	/* whatever there is, one peer gets no more than three quarters */
		c.max_per_peer = MIN_OF(1000u, c.max_connections - c.max_connections / 4);
	TRY(server_new(&c, &m->server, &m->w));
	m->later = (struct executor){server_post, m->server};
	TRY(server_start(m->server, &m->w));
	for (size_t i = 0; i < c.listeners_n; i++)
		LOG(LOG_INFO, "listening", LOG_S("kind", c.listeners[i].kind), LOG_S("address", server_address(m->server, i)));
	return rc_of(OK);
}

/* Not refused, since orchestrators mount files as they like; but said. */
static void warn_if_readable(const char *path, const char *what)
{
	struct stat st;

	if (path && stat(path, &st) == 0 && (st.st_mode & 07))
		LOG(LOG_WARN, "insecure", LOG_S("what", what), LOG_S("path", path));
}

static rc start(struct kbs_main *m, const char *config)
{
	struct kms_seal seal;

	TRY(setup_read(m, config));
	warn_if_readable(m->s.http.private_key, "everybody on this machine can read the TLS key: chmod 640");
	if (m->s.store.password)
		warn_if_readable(config, "everybody on this machine can read the password in the configuration: chmod 640, or set POSTGRES_URL");
	TRY(file_mkdirs(m->s.data_dir, 0700, &m->w));
	/* Workers first: they must not inherit sockets, keys or threads. */
	if (SANDBOX_COVERAGE)
		LOG(LOG_WARN, "coverage", LOG_S("text", "built to measure tests: verifiers run without a sandbox"));
	if (m->s.as.enabled)
		TRY(pool_open(&(struct pool_options){.workers = (unsigned)m->s.as.workers, .plugins = m->s.as.plugins.v,
						    .plugins_n = m->s.as.plugins.n}, &m->pool, &m->w));
	TRY(open_store(m));
	TRY(kms_expect_master(m->store, m->s.store.master_key_file, &m->w));
	seal = kms_seal_file(m->s.store.master_key_file);
	TRY(keyring_open(m->store, &seal, &m->keyring, &m->w));
	TRY(kms_open_kvstore(m->store, &seal, &m->kms, &m->w));
	TRY(keyring_bytes(m->keyring, "challenge", 32, &m->challenge_key, &m->w));
	TRY(setup_signing_key(m));
	TRY(rvps_open(m->store, &clock_system, &m->rvps, &m->w));
	if (m->s.as.enabled)
		TRY(open_as(m));
	TRY(audit_open(m->store, m->signer, m->s.audit_origin, &clock_system, &m->audit, &m->w));
	TRY(open_kbs(m));
	return open_server(m);
}

static void stop(struct kbs_main *m, unsigned grace_ms)
{
	if (m->server)
		server_stop(m->server, grace_ms);
	server_free(m->server);
	kbs_http_close(m->http);
	kbs_close(m->kbs);
	audit_close(m->audit);
	as_close(m->as);
	collateral_close(m->collateral);
	upstream_close(m->upstream);
	rvps_close(m->rvps);
	kms_close(m->kms);
	keyring_close(m->keyring);
	pool_close(m->pool);
	store_close(m->store);
	pkey_free(m->signer);
	while (m->admin_keys)
		pkey_free(m->admin_key[--m->admin_keys]);
	kbs_se_close(&m->se);
	secret_free(&m->challenge_key);
	secret_free(&m->se_key);
}

static void reload(struct kbs_main *m)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);

	if (rc_ok(server_reload_tls(m->server, &w)))
		LOG(LOG_INFO, "reloaded", LOG_S("what", "certificates"));
	else
		LOG(LOG_ERROR, "reload-failed", LOG_S("reason", why_reason(&w)), LOG_S("text", why_text(&w)));
	arena_free(a);
}

/* Waits for the next signal. After a quiet while, what the last load left is given back: memory of the allocator, and verifier workers
 * beyond the first.
 */
static int next_signal(struct kbs_main *m, const sigset_t *set)
{
	const struct timespec tick = {.tv_sec = QUIET_S};
	uint64_t seen = 0, rested = 0;

	for (;;) {
		int sig = sigtimedwait(set, NULL, &tick);
		uint64_t now = server_requests(m->server);

		if (sig > 0)
			return sig;
		if (now == seen && now != rested) {
			if (m->pool)
				pool_rest(m->pool);
			(void)malloc_trim(0);
			rested = now;
		}
		seen = now;
	}
}

/* No core file and no debugger may see what is in here. */
static void harden(void)
{
	const struct rlimit none = {0, 0};

	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 0);
	(void)umask(077);
}

static int usage(FILE *to, int code)
{
	fprintf(to, "usage: kbs --config-file FILE\n\n"
		    "The key broker service, with attestation service and reference values inside.\n\n"
		    "options:\n"
		    "  -c, --config-file FILE   TOML or JSON; default: $KBS_CONFIG_FILE\n"
		    "      --check              read the configuration and the keys that it names, say what is wrong, and end\n"
		    "  -V, --version\n"
		    "  -h, --help\n\n"
		    "environment: POSTGRES_URL stands in place of backends.postgres; RUST_LOG is error, warn, info (the default), debug or trace\n"
		    "signals: TERM ends it once the requests under way are answered, INT at once, HUP reads the certificates again.\n"
		    "exit codes: 0 ended by a signal, 1 could not start, 2 usage\n\n"
		    "example:\n  kbs --config-file /etc/warrant/kbs.toml --check && kbs --config-file /etc/warrant/kbs.toml\n");
	return code;
}

/* Everything that a start reads and no other process may have open: the settings, and the keys and certificates that they name. */
static rc try_settings(struct kbs_main *m, const char *config)
{
	struct server_config server;
	struct token_config token;
	struct admin_config rules;
	struct admin *admin;
	struct json *x5c = NULL;

	TRY(setup_read(m, config));
	TRY(setup_server(m, &server));
	TRY(server_check(server.listeners, server.listeners_n, &m->w));
	TRY(setup_admin(m, &rules));
	TRY(admin_open(&rules, &clock_system, &admin, &m->w));
	admin_close(admin);
	TRY(setup_tokens(m, &token));
	if (!m->s.as.key_path)	/* the store's own key has no certificates */
		return rc_of(OK);
	TRY(setup_signing_key(m));
	return setup_x5c(m, &x5c);
}

static int check(const char *config)
{
	struct kbs_main m = {.a = arena_new(0)};
	rc r;

	m.w = why_in(m.a);
	log_set_level(LOG_ERROR);	/* a start says what is insecure */
	r = try_settings(&m, config);
	if (rc_ok(r))
		printf("%s: the configuration is good\n", config);
	else
		printf("kbs: %s\n", why_text(&m.w));
	for (const struct why_frame *f = m.w.first ? m.w.first->next : NULL; f; f = f->next)
		printf("  while %s\n", f->text);
	stop(&m, 0);
	arena_free(m.a);
	return rc_ok(r) ? 0 : 1;
}

/* What a request frees the next one asks for again: giving it to the system in between costs a tenth of a handshake. A quiet while gives it
 * back (next_signal). */
static void keep_memory(void)
{
	(void)mallopt(M_TRIM_THRESHOLD, 2 << 20);
	(void)mallopt(M_MMAP_THRESHOLD, 1 << 20);
}

int main(int argc, char **argv)
{
	const char *config = getenv("KBS_CONFIG_FILE");
	struct kbs_main *m;
	int64_t from = sys_monotonic_ns();
	bool only_check = false;
	sigset_t set;
	int sig = 0;

	pool_worker_main(argc, argv);
	keep_memory();
	for (int i = 1; i < argc; i++) {
		if ((strcmp(argv[i], "-c") == 0 || strcmp(argv[i], "--config-file") == 0) && i + 1 < argc)
			config = argv[++i];
		else if (strncmp(argv[i], "--config-file=", 14) == 0)
			config = argv[i] + 14;
		else if (strcmp(argv[i], "--check") == 0)
			only_check = true;
		else if (strcmp(argv[i], "-V") == 0 || strcmp(argv[i], "--version") == 0)
			return printf("kbs %s\n", WARRANT_VERSION) < 0;
		else if (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--help") == 0)
			return usage(stdout, 0);
		else {
			fprintf(stderr, "kbs: unknown option, or one without its value: %s\n", argv[i]);
			return usage(stderr, 2);
		}
	}
	if (!config) {
		fprintf(stderr, "kbs: --config-file is required\n");
		return usage(stderr, 2);
	}
	if (only_check)
		return check(config);
	log_set_level(log_level_of(getenv("RUST_LOG"), LOG_INFO));
	harden();
	/* Every thread inherits the mask; the signals come to sigwait alone. */
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGQUIT);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	m = calloc(1, sizeof(*m));
	if (!m || !(m->a = arena_new(0)))
		return 1;
	m->w = why_in(m->a);
	if (!rc_ok(start(m, config))) {
		fprintf(stderr, "kbs: cannot start\n%s", why_render(&m->w, m->a));
		stop(m, 0);
		arena_free(m->a);
		free(m);
		return 1;
	}
	LOG(LOG_INFO, "ready", LOG_S("version", WARRANT_VERSION), LOG_N("start_ms", (sys_monotonic_ns() - from) / 1000000));
	setup_warn_certificate(m);
	notify("READY=1");
	while ((sig = next_signal(m, &set)) == SIGHUP) {
		reload(m);
		setup_warn_certificate(m);
	}
	notify("STOPPING=1");
	LOG(LOG_INFO, "stopping", LOG_N("signal", sig));
	stop(m, sig == SIGTERM ? GRACE_MS : 0);
	arena_free(m->a);
	free(m);
	return 0;
}
