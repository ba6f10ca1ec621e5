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

/* Without the table, or without the key in it, AMD's own service is asked; an empty list asks nobody. */
static rc read_snp(const struct json *t, struct arena *a, struct upstream_config *u, struct why *w)
{
	struct local {
		const char *type, *base_url, *path;
	} l;
	static const struct setting rows[] = {
		{"type", SET_STR, offsetof(struct local, type), true},
		{"base_url", SET_STR, offsetof(struct local, base_url)},
		{"path", SET_STR, offsetof(struct local, path)},
	};
	const struct json *list = NULL;
	const struct setting outer[] = {{"vcek_sources", SET_ARRAY, 0}};

	if (t)
		TRY(settings_read(t, outer, 1, &list, "attestation_service.verifier_config.snp_verifier.", a, w));
	if (!list) {
		u->amd[0] = (struct upstream_amd){.at = UPSTREAM_KDS};
		u->amd_n = 1;
		return rc_of(OK);
	}
	if (list->n > UPSTREAM_AMD_MAX)
		return deny(w, E_MALFORMED, "config.range", "snp_verifier.vcek_sources has %zu entries, the most is %u", list->n,
			    UPSTREAM_AMD_MAX);
	for (size_t i = 0; i < list->n; i++) {
		bool folder, azure;
		const char *at;

		l = (struct local){0};
		TRY(settings_read(list->items[i], rows, COUNT_OF(rows), &l, "attestation_service.verifier_config.snp_verifier.vcek_sources.",
				  a, w));
		folder = strcmp(l.type, "OfflineStore") == 0;
		azure = strcmp(l.type, "AzureCache") == 0;
		if (!folder && !azure && strcmp(l.type, "KDS") != 0)
			return deny(w, E_UNSUPPORTED, "config.refused",
				    "vcek_sources.type \"%s\" is not served; taken are KDS, AzureCache and OfflineStore", l.type);
		if (folder ? l.base_url != NULL : l.path != NULL)
			return deny(w, E_MALFORMED, "config.unknown-key", "vcek_sources: a %s has no %s", l.type, folder ? "base_url" : "path");
		at = folder ? l.path : l.base_url;
		if (!at)
			at = folder ? UPSTREAM_KDS_FOLDER : azure ? UPSTREAM_AZURE : UPSTREAM_KDS;
		u->amd[i] = (struct upstream_amd){.folder = folder, .azure = azure, .at = at};
	}
	u->amd_n = list->n;
	return rc_of(OK);
}

static rc read_dcap(const struct json *t, struct arena *a, struct upstream_config *u, struct why *w)
{
	struct local {
		const char *service, *update;
		bool secure;
	} l = {.service = UPSTREAM_PCS, .update = "early", .secure = true};
	static const struct setting rows[] = {
		{"collateral_service", SET_STR, offsetof(struct local, service), true},
		{"tcb_update_type", SET_STR, offsetof(struct local, update)},
		{"use_secure_cert", SET_BOOL, offsetof(struct local, secure)},
	};

	if (t)
		TRY(settings_read(t, rows, COUNT_OF(rows), &l, "attestation_service.verifier_config.dcap_verifier.", a, w));
	if (!l.secure)
		return deny(w, E_UNSUPPORTED, "config.refused",
			    "dcap_verifier.use_secure_cert = false: certificates are always verified; name the service's root in collateral_ca_file");
	if (strncmp(l.service, "file://", 7) == 0)
		return deny(w, E_UNSUPPORTED, "config.refused",
			    "dcap_verifier.collateral_service: a file is not read here; put its parts into collateral_dir, or import a bundle "
			    "(docs/collateral.md)");
	u->intel_standard = strcmp(l.update, "standard") == 0;
	if (!u->intel_standard && strcmp(l.update, "early") != 0)
		return deny(w, E_MALFORMED, "config.range", "dcap_verifier.tcb_update_type must be early or standard, not \"%s\"", l.update);
	u->intel = l.service[0] ? l.service : NULL;
	return rc_of(OK);
}

static const char *or_none(const char *url)
{
	return url[0] ? url : NULL;
}

/* As with AMD and Intel: the vendor's own service, unless another is named; an empty text asks nobody. */
static rc read_devices(const struct json *nvidia, const struct json *hygon, struct arena *a, struct upstream_config *u, struct why *w)
{
	struct local {
		const char *type, *rim, *ocsp, *jwks, *hygon;
	} l = {"Local", UPSTREAM_RIM, UPSTREAM_OCSP, UPSTREAM_JWKS, UPSTREAM_HYGON};
	static const struct setting nvidia_rows[] = {
		{"type", SET_STR, offsetof(struct local, type)},
		{"rim_service", SET_STR, offsetof(struct local, rim)},
		{"ocsp_service", SET_STR, offsetof(struct local, ocsp)},
		{"jwks_url", SET_STR, offsetof(struct local, jwks)},
		{"verifier_url", SET_REFUSED, 0, false, 0, 0, "a guest sends the service's answer itself (docs/collateral.md)"},
	};
	static const struct setting hygon_rows[] = {{"certificate_service", SET_STR, offsetof(struct local, hygon)}};

	if (nvidia)
		TRY(settings_read(nvidia, nvidia_rows, COUNT_OF(nvidia_rows), &l, "attestation_service.verifier_config.nvidia_verifier.", a, w));
	if (hygon)
		TRY(settings_read(hygon, hygon_rows, COUNT_OF(hygon_rows), &l, "attestation_service.verifier_config.hygon_verifier.", a, w));
	if (strcmp(l.type, "Local") != 0)
		return deny(w, E_UNSUPPORTED, "config.refused",
			    "nvidia_verifier.type \"%s\" is not served: devices are verified here, or by the service's answer that a guest sends", l.type);
	u->nvidia_rim = or_none(l.rim);
	u->nvidia_ocsp = or_none(l.ocsp);
	u->nvidia_jwks = or_none(l.jwks);
	u->hygon = or_none(l.hygon);
	return rc_of(OK);
}

static rc read_se(const struct json *t, struct arena *a, struct kbs_se_settings *out, struct why *w)
{
	static const struct setting rows[] = {
		{"host_key_documents", SET_STR, offsetof(struct kbs_se_settings, host_keys), true},
		{"image_header", SET_STR, offsetof(struct kbs_se_settings, image_header), true},
		{"certificates", SET_STR, offsetof(struct kbs_se_settings, certificates)},
		{"root_ca", SET_STR, offsetof(struct kbs_se_settings, root)},
		{"revocation_lists", SET_STR, offsetof(struct kbs_se_settings, lists)},
	};

	return settings_read(t, rows, COUNT_OF(rows), out, "attestation_service.verifier_config.se_verifier.", a, w);
}

static rc read_verifiers(const struct json *t, struct arena *a, struct kbs_settings *s, struct why *w)
{
	struct local {
		const struct json *tpm, *sample, *snp, *dcap, *se, *nvidia, *hygon;
		const char *trust_dir, *collateral_dir, *words, *loopback, *ca_file;
		const char *ak_dir, *ek_roots;
		struct strings plugins;
		int64_t workers, timeout, stale, starts;
	} l = {0};
	static const struct setting rows[] = {
		{"tpm_verifier", SET_TABLE, offsetof(struct local, tpm)},
		{"sample_verifier", SET_TABLE, offsetof(struct local, sample)},
		{"trust_dir", SET_STR, offsetof(struct local, trust_dir)},
		{"collateral_dir", SET_STR, offsetof(struct local, collateral_dir)},
		{"workers", SET_INT, offsetof(struct local, workers), false, 1, 256},
		{"timeout_ms", SET_INT, offsetof(struct local, timeout), false, 100, 60000},
		{"stale_collateral_hours", SET_INT, offsetof(struct local, stale), false, 0, 24 * 90},
		{"collateral_fetches_per_minute", SET_INT, offsetof(struct local, starts), false, 1, 100000},
		{"plugins", SET_STRS, offsetof(struct local, plugins)},
		{"snp_verifier", SET_TABLE, offsetof(struct local, snp)},
		{"dcap_verifier", SET_TABLE, offsetof(struct local, dcap)},
		{"se_verifier", SET_TABLE, offsetof(struct local, se)},
		{"collateral_ca_file", SET_STR, offsetof(struct local, ca_file)},
		{"collateral_loopback_http", SET_STR, offsetof(struct local, loopback)},
		{"nvidia_verifier", SET_TABLE, offsetof(struct local, nvidia)},
		{"hygon_verifier", SET_TABLE, offsetof(struct local, hygon)},
		{"nvidia_dpu_verifier", SET_REFUSED, 0, false, 0, 0, "there is no DPU verifier"},
	};
	static const struct setting tpm_rows[] = {
		{"trusted_ak_keys_dir", SET_STR, offsetof(struct local, ak_dir)},
		{"ek_root_certs", SET_STR, offsetof(struct local, ek_roots)},
		{"max_trusted_ak_keys", SET_IGNORED},
	};
	static const struct setting sample_rows[] = {{"insecure", SET_STR, offsetof(struct local, words), true}};

	TRY(settings_read(t, rows, COUNT_OF(rows), &l, "attestation_service.verifier_config.", a, w));
	if (l.tpm)
		TRY(settings_read(l.tpm, tpm_rows, COUNT_OF(tpm_rows), &l, "attestation_service.verifier_config.tpm_verifier.", a, w));
	if (l.sample) {
		TRY(settings_read(l.sample, sample_rows, COUNT_OF(sample_rows), &l,
				  "attestation_service.verifier_config.sample_verifier.", a, w));
		if (strcmp(l.words, SAMPLE_WORDS) != 0)
			return deny(w, E_MALFORMED, "config.sample",
				    "sample_verifier.insecure must be the words \"" SAMPLE_WORDS "\"; leave the table out to refuse sample evidence");
		s->as.sample = true;
	}
	TRY(read_snp(l.snp, a, &s->as.upstream, w));
	TRY(read_dcap(l.dcap, a, &s->as.upstream, w));
	TRY(read_devices(l.nvidia, l.hygon, a, &s->as.upstream, w));
	if (l.se)
		TRY(read_se(l.se, a, &s->as.se, w));
	if (l.loopback && strcmp(l.loopback, LOOPBACK_WORDS) != 0)
		return deny(w, E_MALFORMED, "config.loopback",
			    "verifier_config.collateral_loopback_http must be the words \"" LOOPBACK_WORDS "\"; leave it out for https alone");
	s->as.upstream.loopback_http = l.loopback != NULL;
	s->as.upstream.ca_file = l.ca_file;
	s->as.plugins = l.plugins;
	s->as.trusted_ak_keys_dir = l.ak_dir;
	s->as.tpm_ek_roots = l.ek_roots;
	s->as.trust_dir = l.trust_dir;
	s->as.collateral_dir = l.collateral_dir;
	s->as.workers = l.workers;
	s->as.verify_timeout_ms = l.timeout;
	s->as.stale_hours = l.stale;
	s->as.fetches_per_min = l.starts;
	return rc_of(OK);
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
	return read_verifiers(l.verifiers, a, s, w);
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
