#include "main/kbs_config.h"

#include "base/num.h"

#define AT(field) offsetof(struct kbs_settings, field)

static rc read_http(const struct json *t, struct arena *a, struct kbs_settings *s, struct why *w)
{
	static const struct setting rows[] = {
		{"sockets", SET_STRS, AT(http.sockets)},
		{"insecure_http", SET_BOOL, AT(http.insecure_http)},
		{"private_key", SET_STR, AT(http.private_key)},
		{"certificate", SET_STR, AT(http.certificate)},
		{"payload_request_size", SET_INT, AT(http.payload_request_size), false, 1, 64},
		{"worker_count", SET_INT, AT(http.worker_count), false, 1, 256},
		{"request_threads", SET_INT, AT(http.request_threads), false, 1, 1024},
		{"tls_profile", SET_STR, AT(http.tls_profile)},
		{"tls_min_version", SET_STR, AT(http.tls_min_version)},
		{"tls_max_version", SET_STR, AT(http.tls_max_version)},
		{"tls_ciphers", SET_STR, AT(http.tls_ciphers)},
		{"tls_groups", SET_STR, AT(http.tls_groups)},
		{"metrics_socket", SET_STR, AT(http.metrics_socket)},
		{"max_connections", SET_INT, AT(http.max_connections), false, 1, 1000000},
		{"max_connections_per_peer", SET_INT, AT(http.max_connections_per_peer), false, 1, 65535},
	};
	static const char *default_socket[] = {"127.0.0.1:8080"};

	TRY(settings_read(t, rows, COUNT_OF(rows), s, "http_server.", a, w));
	if (!s->http.sockets.v)
		s->http.sockets = (struct strings){default_socket, 1};
	if (!s->http.sockets.n)
		return deny(w, E_MALFORMED, "config.range", "http_server.sockets names no socket; without the key it is 127.0.0.1:8080");
	if (!s->http.insecure_http && (!s->http.private_key || !s->http.certificate))
		return deny(w, E_MALFORMED, "config.tls",
			    "http_server: private_key and certificate are required, or insecure_http = true for a server without TLS");
	if (s->http.insecure_http && (s->http.private_key || s->http.certificate))
		return deny(w, E_MALFORMED, "config.tls", "http_server: insecure_http = true with a private_key or certificate: say one");
	return rc_of(OK);
}

static rc read_token(const struct json *t, struct arena *a, struct kbs_settings *s, struct why *w)
{
	static const struct setting rows[] = {
		{"extra_teekey_paths", SET_STRS, AT(token.extra_teekey_paths)},
		{"trusted_certs_paths", SET_STRS, AT(token.trusted_certs_paths)},
		{"trusted_jwk_sets", SET_STRS, AT(token.trusted_jwk_sets)},
		{"insecure_header_jwk", SET_BOOL, AT(token.insecure_header_jwk)},
		{"issuer", SET_STR, AT(token.issuer)},
		{"audience", SET_STR, AT(token.audience)},
		{"insecure_key", SET_REFUSED, 0, false, 0, 0, "the old name of insecure_header_jwk has no effect in the reference; remove it"},
	};

	return settings_read(t, rows, COUNT_OF(rows), s, "attestation_token.", a, w);
}

static rc read_signer(const struct json *t, struct arena *a, struct kbs_settings *s, struct why *w)
{
	static const struct setting rows[] = {
		{"key_path", SET_STR, AT(as.key_path), true},
		{"cert_url", SET_STR, AT(as.cert_url)},
		{"cert_path", SET_STR, AT(as.cert_path)},
	};

	return settings_read(t, rows, COUNT_OF(rows), s, "attestation_service.attestation_token_broker.signer.", a, w);
}

static rc read_broker(const struct json *t, struct arena *a, struct kbs_settings *s, struct why *w)
{
	struct local {
		struct kbs_settings s;
		bool verbose;
		const struct json *signer;
	} l = {.s = *s, .verbose = true};
	static const struct setting rows[] = {
		{"duration_min", SET_INT, offsetof(struct local, s.as.duration_min), false, 1, 1440},
		{"issuer_name", SET_STR, offsetof(struct local, s.as.issuer)},
		{"developer_name", SET_STR, offsetof(struct local, s.as.developer)},
		{"build_name", SET_STR, offsetof(struct local, s.as.build)},
		{"profile_name", SET_STR, offsetof(struct local, s.as.profile)},
		{"verbose_token", SET_BOOL, offsetof(struct local, verbose)},
		{"signer", SET_TABLE, offsetof(struct local, signer)},
	};

	TRY(settings_read(t, rows, COUNT_OF(rows), &l, "attestation_service.attestation_token_broker.", a, w));
	*s = l.s;
	s->as.terse = !l.verbose;
	return l.signer ? read_signer(l.signer, a, s, w) : rc_of(OK);
}

static rc read_as(const struct json *t, struct arena *a, struct kbs_settings *s, struct why *w)
{
	struct local {
		const char *type;
		int64_t timeout;
		const struct json *broker, *verifiers, *rvps;
	} l = {.type = "coco_as_builtin", .timeout = 5};
	static const struct setting rows[] = {
		{"type", SET_STR, offsetof(struct local, type), true},
		{"timeout", SET_INT, offsetof(struct local, timeout), false, 1, 1440},
		{"attestation_token_broker", SET_TABLE, offsetof(struct local, broker)},
		{"verifier_config", SET_TABLE, offsetof(struct local, verifiers)},
		{"rvps_config", SET_TABLE, offsetof(struct local, rvps)},
		{"storage_type", SET_IGNORED},
		{"as_addr", SET_REFUSED, 0, false, 0, 0, "a remote attestation service is not served; use type coco_as_builtin"},
		{"pool_size", SET_REFUSED, 0, false, 0, 0, "a remote attestation service is not served"},
		{"base_url", SET_REFUSED, 0, false, 0, 0, "Intel Trust Authority is not served"},
		{"api_key", SET_REFUSED, 0, false, 0, 0, "Intel Trust Authority is not served"},
		{"certs_file", SET_REFUSED, 0, false, 0, 0, "Intel Trust Authority is not served"},
	};
	struct {
		const char *type;
	} rv = {"BuiltIn"};
	static const struct setting rv_rows[] = {
		{"type", SET_STR, 0, true},
		{"extractors", SET_IGNORED},
		{"storage_type", SET_IGNORED},
		{"address", SET_REFUSED, 0, false, 0, 0, "a remote reference value provider is not served"},
	};

	s->as.enabled = true;
	if (t)
		TRY(settings_read(t, rows, COUNT_OF(rows), &l, "attestation_service.", a, w));
	if (strcmp(l.type, "coco_as_builtin") != 0 && strcmp(l.type, "CoCoASBuiltIn") != 0)
		return deny(w, E_UNSUPPORTED, "config.refused", "attestation_service.type \"%s\" is not served; taken is coco_as_builtin", l.type);
	s->as.timeout_min = l.timeout;
	if (l.rvps) {
		TRY(settings_read(l.rvps, rv_rows, COUNT_OF(rv_rows), &rv, "attestation_service.rvps_config.", a, w));
		if (strcmp(rv.type, "BuiltIn") != 0)
			return deny(w, E_UNSUPPORTED, "config.refused", "attestation_service.rvps_config.type \"%s\" is not served; taken is BuiltIn",
				    rv.type);
	}
	TRY(read_broker(l.broker, a, s, w));
	return kbs_verifiers_read(l.verifiers, a, s, w);
}

static rc read_providers(const struct json *list, struct arena *a, struct kbs_settings *s, struct why *w)
{
	static const struct setting rows[] = {
		{"issuer", SET_STR, offsetof(struct admin_provider_cfg, issuer)},
		{"audience", SET_STR, offsetof(struct admin_provider_cfg, audience)},
		{"public_key_uri", SET_STR, offsetof(struct admin_provider_cfg, public_key_uri)},
		{"jwk_set_uri", SET_STR, offsetof(struct admin_provider_cfg, jwk_set_uri)},
	};

	if (list->n == 0 || list->n > COUNT_OF(s->admin.providers))
		return deny(w, E_MALFORMED, "config.admin", "admin: %zu identity_providers, from 1 to %zu are taken", list->n,
			    COUNT_OF(s->admin.providers));
	for (size_t i = 0; i < list->n; i++) {
		struct admin_provider_cfg *p = &s->admin.providers[i];

		TRY(settings_read(list->items[i], rows, COUNT_OF(rows), p, "admin.authentication.bearer_jwt.identity_providers.", a, w));
		if (!p->public_key_uri && !p->jwk_set_uri)
			return deny(w, E_MALFORMED, "config.admin", "admin: identity provider %zu has neither public_key_uri nor jwk_set_uri", i);
	}
	s->admin.providers_n = list->n;
	return rc_of(OK);
}

/* "GET,POST": a word that is no method of any route would let nobody in, and say nothing. */
static bool methods_ok(const char *list)
{
	static const char *const known[] = {"GET", "POST", "PUT", "DELETE"};
	bool any = false;

	for (const char *p = list; *p;) {
		size_t n = strcspn(p, ", ");
		bool ok = n == 0;

		for (size_t i = 0; i < COUNT_OF(known); i++)
			ok = ok || (n == strlen(known[i]) && memcmp(p, known[i], n) == 0);
		if (!ok)
			return false;
		any = any || n;
		p += n + (p[n] != 0);
	}
	return any;
}

static rc read_acls(const struct json *list, struct arena *a, struct kbs_settings *s, struct why *w)
{
	static const struct setting rows[] = {
		{"role", SET_STR, offsetof(struct admin_acl_cfg, role), true},
		{"allowed_endpoints", SET_STR, offsetof(struct admin_acl_cfg, allowed_endpoints), true},
		{"methods", SET_STR, offsetof(struct admin_acl_cfg, methods)},
	};

	if (list->n > COUNT_OF(s->admin.acls))
		return deny(w, E_MALFORMED, "config.admin", "admin: %zu acls, at most %zu are taken", list->n, COUNT_OF(s->admin.acls));
	for (size_t i = 0; i < list->n; i++) {
		struct admin_acl_cfg *acl = &s->admin.acls[i];
		size_t n;

		TRY(settings_read(list->items[i], rows, COUNT_OF(rows), acl, "admin.authorization.regex_acl.acls.", a, w));
		n = strlen(acl->allowed_endpoints);
		if (strncmp(acl->allowed_endpoints, "^/kbs", 5) != 0 || acl->allowed_endpoints[n - 1] != '$')
			return deny(w, E_MALFORMED, "config.admin", "admin: allowed_endpoints \"%s\" must begin with ^/kbs and end with $",
				    acl->allowed_endpoints);
		if (acl->methods && !methods_ok(acl->methods))
			return deny(w, E_MALFORMED, "config.admin", "admin: methods \"%s\" must be of GET, POST, PUT and DELETE, with commas between them",
				    acl->methods);
	}
	s->admin.acls_n = list->n;
	return rc_of(OK);
}

/* One table within another: [admin.authentication.bearer_jwt] and [admin.authorization.regex_acl]. */
static rc inner(const struct json *outer, const char *table, const char *array, const char *where,
		const struct json **out, struct arena *a, struct why *w)
{
	const struct json *t = NULL, *list = NULL;
	const struct setting rows[] = {{table, SET_TABLE, 0, true}}, inner_rows[] = {{array, SET_ARRAY, 0, true}};

	TRY(settings_read(outer, rows, 1, &t, where, a, w));
	TRY(settings_read(t, inner_rows, 1, &list, where, a, w));
	*out = list;
	return rc_of(OK);
}

static rc read_admin(const struct json *t, struct arena *a, struct kbs_settings *s, struct why *w)
{
	struct local {
		const char *mode;
		const struct json *authentication, *authorization;
	} l = {0};
	static const struct setting rows[] = {
		{"authorization_mode", SET_STR, offsetof(struct local, mode), true},
		{"authentication", SET_TABLE, offsetof(struct local, authentication)},
		{"authorization", SET_TABLE, offsetof(struct local, authorization)},
		{"type", SET_REFUSED, 0, false, 0, 0, "an old form; use authorization_mode"},
	};
	const struct json *list;

	TRY(settings_read(t, rows, COUNT_OF(rows), &l, "admin.", a, w));
	s->admin.mode = l.mode;
	if (strcmp(l.mode, "DenyAll") == 0 || strcmp(l.mode, "InsecureAllowAll") == 0)
		return rc_of(OK);
	if (strcmp(l.mode, "AuthenticatedAuthorization") != 0)
		return deny(w, E_MALFORMED, "config.admin",
			    "admin.authorization_mode \"%s\" must be AuthenticatedAuthorization, DenyAll or InsecureAllowAll", l.mode);
	if (!l.authentication || !l.authorization)
		return deny(w, E_MALFORMED, "config.missing",
			    "admin: AuthenticatedAuthorization needs [admin.authentication.bearer_jwt] and [admin.authorization.regex_acl]");
	TRY(inner(l.authentication, "bearer_jwt", "identity_providers", "admin.authentication.", &list, a, w));
	TRY(read_providers(list, a, s, w));
	TRY(inner(l.authorization, "regex_acl", "acls", "admin.authorization.", &list, a, w));
	return read_acls(list, a, s, w);
}

struct backends {
	const struct json *sqlite, *files, *postgres;
};

static rc read_backends(const struct json *t, struct arena *a, struct backends *b, struct why *w)
{
	static const struct setting rows[] = {
		{"sqlite", SET_TABLE, offsetof(struct backends, sqlite)},
		{"local_fs", SET_TABLE, offsetof(struct backends, files)},
		{"postgres", SET_TABLE, offsetof(struct backends, postgres)},
		{"local_json", SET_IGNORED},
		{"redis", SET_IGNORED},
	};

	return settings_read(t, rows, COUNT_OF(rows), b, "storage_backend.backends.", a, w);
}

/* A value of a connection string: quoted, so that a space or a quote in a password stays part of it. */
static const char *conninfo_value(struct arena *a, const char *text)
{
	struct buf b = buf_in(a, 65536);

	buf_putc(&b, '\'');
	for (const char *p = text; *p; p++) {
		if (*p == '\'' || *p == '\\')
			buf_putc(&b, '\\');
		buf_putc(&b, *p);
	}
	buf_putc(&b, '\'');
	return buf_cstr(&b);
}

static rc read_postgres(const struct json *t, struct arena *a, struct kbs_settings *s, struct why *w)
{
	struct local {
		const char *db, *username, *password, *host, *url;
		int64_t port;
	} l = {.db = "postgres", .username = "postgres", .host = "localhost", .port = 5432};
	static const struct setting rows[] = {
		{"db", SET_STR, offsetof(struct local, db)},
		{"username", SET_STR, offsetof(struct local, username)},
		{"password", SET_STR, offsetof(struct local, password)},
		{"host", SET_STR, offsetof(struct local, host)},
		{"port", SET_INT, offsetof(struct local, port), false, 1, 65535},
		{"url", SET_STR, offsetof(struct local, url)},
	};

	TRY(settings_read(t, rows, COUNT_OF(rows), &l, "storage_backend.backends.postgres.", a, w));
	s->store.postgres_url = l.url ? l.url
				      : arena_printf(a, "host=%s port=%lld dbname=%s user=%s%s%s", conninfo_value(a, l.host), (long long)l.port,
						     conninfo_value(a, l.db), conninfo_value(a, l.username), l.password ? " password=" : "",
						     l.password ? conninfo_value(a, l.password) : "");
	s->store.password = l.password || (l.url && strstr(l.url, "password")) || (l.url && strchr(l.url, '@'));
	return rc_of(OK);
}

static rc read_store(const struct json *t, struct arena *a, struct kbs_settings *s, struct why *w)
{
	struct local {
		const char *type, *master;
		const struct json *backends;
	} l = {.type = "Sqlite"};
	static const struct setting rows[] = {
		{"storage_type", SET_STR, offsetof(struct local, type)},
		{"backends", SET_TABLE, offsetof(struct local, backends)},
		{"master_key_file", SET_STR, offsetof(struct local, master)},
	};
	const struct setting sqlite_rows[] = {{"path", SET_STR, AT(store.path)}};
	const struct setting files_rows[] = {{"dir_path", SET_STR, AT(store.path)}};
	struct backends b = {0};

	if (t)
		TRY(settings_read(t, rows, COUNT_OF(rows), &l, "storage_backend.", a, w));
	if (l.backends)
		TRY(read_backends(l.backends, a, &b, w));
	s->store.master_key_file = l.master;
	if (strcmp(l.type, "Sqlite") == 0 || strcmp(l.type, "sqlite") == 0) {
		s->store.type = STORE_TYPE_SQLITE;
		if (b.sqlite)
			TRY(settings_read(b.sqlite, sqlite_rows, 1, s, "storage_backend.backends.sqlite.", a, w));
	} else if (strcmp(l.type, "Memory") == 0 || strcmp(l.type, "memory") == 0) {
		s->store.type = STORE_TYPE_MEMORY;
	} else if (strcmp(l.type, "LocalFs") == 0 || strcmp(l.type, "local_fs") == 0) {
		s->store.type = STORE_TYPE_FILES;
		s->store.path = "/opt/confidential-containers/storage/local_fs";
		if (!b.files)
			return deny(w, E_MALFORMED, "config.missing", "storage_backend.backends.local_fs is required with storage_type LocalFs");
		TRY(settings_read(b.files, files_rows, 1, s, "storage_backend.backends.local_fs.", a, w));
	} else if (strcmp(l.type, "Postgres") == 0 || strcmp(l.type, "postgres") == 0) {
		s->store.type = STORE_TYPE_POSTGRES;
		if (!b.postgres)
			return deny(w, E_MALFORMED, "config.missing", "storage_backend.backends.postgres is required with storage_type Postgres");
		TRY(read_postgres(b.postgres, a, s, w));
	} else {
		return deny(w, E_UNSUPPORTED, "config.refused",
			    "storage_backend.storage_type \"%s\" is not served; taken are Sqlite, Memory, LocalFs and Postgres", l.type);
	}
	return rc_of(OK);
}

static rc read_plugins(const struct json *list, struct arena *a, struct kbs_settings *s, struct why *w)
{
	struct local {
		const char *name, *type;
	} l;
	static const struct setting rows[] = {
		{"name", SET_STR, offsetof(struct local, name), true},
		{"storage_backend_type", SET_STR, offsetof(struct local, type)},
		{"type", SET_STR, offsetof(struct local, type)},
	};

	for (size_t i = 0; i < list->n; i++) {
		struct slice name = {0};

		l = (struct local){0};
		TRY(json_need_str(list->items[i], "name", &name, "plugins", w));
		if (!slice_is(name, "resource") && !slice_is(name, "ResourceStorage"))
			return deny(w, E_UNSUPPORTED, "config.refused", "plugins: \"" SLICE_FMT "\" is not served; taken is: resource",
				    SLICE_ARG(slice_sub(name, 0, 64)));
		TRY(settings_read(list->items[i], rows, COUNT_OF(rows), &l, "plugins.", a, w));
		if (l.type && strcmp(l.type, "kvstorage") != 0 && strcmp(l.type, "KvStorage") != 0)
			return deny(w, E_UNSUPPORTED, "config.refused", "plugins.storage_backend_type \"%s\" is not served; taken is kvstorage",
				    l.type);
		s->resource_plugin = true;
	}
	return rc_of(OK);
}

static rc read_protocol(const struct json *t, struct arena *a, struct kbs_settings *s, struct why *w)
{
	const char *words = NULL;
	const struct setting rows[] = {{"allow_rsa1_5", SET_STR, 0}};

	TRY(settings_read(t, rows, 1, &words, "protocol.", a, w));
	if (words && strcmp(words, RSA1_5_WORDS) != 0)
		return deny(w, E_MALFORMED, "config.rsa1_5", "protocol.allow_rsa1_5 must be the words \"" RSA1_5_WORDS "\"; leave it out to refuse it");
	s->allow_rsa1_5 = words != NULL;
	return rc_of(OK);
}

rc kbs_settings_read(const struct json *doc, struct arena *a, struct kbs_settings *out, struct why *w)
{
	struct local {
		const struct json *http, *admin, *token, *as, *store, *plugins, *protocol;
		const char *data_dir, *origin;
	} l = {.data_dir = "/var/lib/warrant", .origin = "kbs"};
	static const struct setting rows[] = {
		{"http_server", SET_TABLE, offsetof(struct local, http), true},
		{"admin", SET_TABLE, offsetof(struct local, admin), true},
		{"attestation_token", SET_TABLE, offsetof(struct local, token)},
		{"attestation_service", SET_TABLE, offsetof(struct local, as)},
		{"storage_backend", SET_TABLE, offsetof(struct local, store)},
		{"session_storage_type", SET_IGNORED},
		{"plugins", SET_ARRAY, offsetof(struct local, plugins)},
		{"protocol", SET_TABLE, offsetof(struct local, protocol)},
		{"data_dir", SET_STR, offsetof(struct local, data_dir)},
		{"audit_origin", SET_STR, offsetof(struct local, origin)},
	};
	struct kbs_settings s = {.http.payload_request_size = 2};

	TRY(settings_read(doc, rows, COUNT_OF(rows), &l, "", a, w));
	s.data_dir = l.data_dir;
	s.audit_origin = l.origin;
	TRY(read_http(l.http, a, &s, w));
	TRY(read_admin(l.admin, a, &s, w));
	TRY(read_token(l.token, a, &s, w));
	TRY(read_as(l.as, a, &s, w));
	TRY(read_store(l.store, a, &s, w));
	if (l.plugins)
		TRY(read_plugins(l.plugins, a, &s, w));
	TRY(read_protocol(l.protocol, a, &s, w));
	if (!s.store.path && s.store.type == STORE_TYPE_SQLITE)
		s.store.path = arena_printf(a, "%s/warrant.db", s.data_dir);
	if (!s.store.master_key_file)
		s.store.master_key_file = arena_printf(a, "%s/master.key", s.data_dir);
	if (arena_bad(a))
		return deny(w, E_LIMIT, "config.memory", "no room");
	*out = s;
	return rc_of(OK);
}
