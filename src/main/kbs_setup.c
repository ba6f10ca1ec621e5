/* kbs_setup.c - from settings to what the rooms take: keys, certificates and rules are read from the files that are named. */
#include "main/kbs_main.h"

#include "base/log.h"
#include "base/num.h"
#include "base/sys.h"
#include "crypto/x509.h"

rc setup_signing_key(struct kbs_main *m)
{
	SECRET(pem);

	if (!m->s.as.key_path)
		return keyring_key(m->keyring, "token-signer", KEY_P256, &m->signer, &m->w);
	TRY(file_read_secret(m->s.as.key_path, 65536, &pem, &m->w));
	return note(&m->w, pkey_from_private_pem(&pem, &m->signer, &m->w), "reading the signer's key %s", m->s.as.key_path);
}

#define CHAIN_MAX   16u	/* certificates above the signer's */
#define TRUSTED_MAX 256u	/* in one file */

rc setup_x5c(struct kbs_main *m, struct json **out)
{
	const char *path = m->s.as.cert_path;
	struct json *x5c = json_new_array(m->a);
	struct x509 *chain[CHAIN_MAX];
	struct slice pem;
	bool ours;
	size_t n;

	if (!path)
		return rc_of(OK);
	TRY(file_read(m->a, path, (size_t)1 << 20, &pem, &m->w));
	TRY(note(&m->w, x509_list_from_pem(pem, chain, CHAIN_MAX, &n, &m->w), "reading %s", path));
	for (size_t i = 0; i < n; i++)
		json_push(m->a, x5c, json_new_b64(m->a, x509_der(chain[i])));
	ours = x509_key(chain[0]) && pkey_same(x509_key(chain[0]), m->signer);
	x509_free_all(chain, n);
	if (!ours)
		return deny(&m->w, E_MALFORMED, "config.signer", "the first certificate of %s is not of the key %s: nobody would trust a token by it",
			    path, m->s.as.key_path);
	*out = x5c;
	return rc_of(OK);
}

static const char *local_path(const char *uri)
{
	return strncmp(uri, "file://", 7) == 0 ? uri + 7 : uri;
}

static rc read_jwks(struct kbs_main *m, const char *uri, const struct json **out)
{
	struct slice text;
	struct json *doc;

	if (strstr(uri, "://") && strncmp(uri, "file://", 7) != 0)
		return deny(&m->w, E_UNSUPPORTED, "config.refused", "%s: key sets are read from files only", uri);
	TRY(file_read(m->a, local_path(uri), (size_t)1 << 20, &text, &m->w));
	TRY(note(&m->w, json_parse(m->a, text, NULL, &doc, &m->w), "reading the key set %s", uri));
	if (!json_is(json_get(doc, "keys"), JSON_ARRAY))
		return deny(&m->w, E_MALFORMED, "config.jwks", "%s is no JWK set", uri);
	*out = doc;
	return rc_of(OK);
}

/* A file without a certificate would be trust in nobody, and say nothing. */
static rc read_trusted(struct kbs_main *m, const char *path, struct slice *pem)
{
	struct x509 *list[TRUSTED_MAX];
	size_t n;

	TRY(file_read(m->a, path, (size_t)1 << 20, pem, &m->w));
	TRY(note(&m->w, x509_list_from_pem(*pem, list, TRUSTED_MAX, &n, &m->w), "reading the trusted certificates %s", path));
	x509_free_all(list, n);
	return rc_of(OK);
}

rc setup_tokens(struct kbs_main *m, struct token_config *t)
{
	const size_t pems = m->s.token.trusted_certs_paths.n, sets = m->s.token.trusted_jwk_sets.n;
	struct slice *pem = arena_array(m->a, pems + 1, struct slice);
	const struct json **set = arena_alloc_n(m->a, sets + 1, sizeof(*set));

	*t = (struct token_config){.own_key = m->signer, .insecure_header_jwk = m->s.token.insecure_header_jwk, .issuer = m->s.token.issuer,
				   .audience = m->s.token.audience, .extra_teekey_paths = m->s.token.extra_teekey_paths.v,
				   .extra_teekey_paths_n = m->s.token.extra_teekey_paths.n};
	if (!pem || !set)
		return deny(&m->w, E_INTERNAL, "kbs.memory", "no memory");
	for (size_t i = 0; i < pems; i++)
		TRY(read_trusted(m, m->s.token.trusted_certs_paths.v[i], &pem[i]));
	for (size_t i = 0; i < sets; i++)
		TRY(read_jwks(m, m->s.token.trusted_jwk_sets.v[i], &set[i]));
	t->trusted_pems = pem;
	t->trusted_pems_n = pems;
	t->jwk_sets = set;
	t->jwk_sets_n = sets;
	if (t->insecure_header_jwk)
		LOG(LOG_WARN, "insecure", LOG_S("what", "insecure_header_jwk: tokens signed by any key are accepted"));
	return rc_of(OK);
}

rc setup_admin(struct kbs_main *m, struct admin_config *c)
{
	struct admin_provider *p = arena_array(m->a, m->s.admin.providers_n + 1, struct admin_provider);
	struct admin_acl *acl = arena_array(m->a, m->s.admin.acls_n + 1, struct admin_acl);

	if (!p || !acl)
		return deny(&m->w, E_INTERNAL, "kbs.memory", "no memory");
	for (size_t i = 0; i < m->s.admin.providers_n; i++) {
		const struct admin_provider_cfg *cfg = &m->s.admin.providers[i];
		struct pkey *key = NULL;
		struct slice pem;

		p[i] = (struct admin_provider){.issuer = cfg->issuer, .audience = cfg->audience};
		if (cfg->public_key_uri) {
			TRY(file_read(m->a, local_path(cfg->public_key_uri), 65536, &pem, &m->w));
			TRY(note(&m->w, pkey_from_pem(pem, &key, &m->w), "reading %s", cfg->public_key_uri));
			p[i].key = m->admin_key[m->admin_keys++] = key;
		}
		if (cfg->jwk_set_uri)
			TRY(read_jwks(m, cfg->jwk_set_uri, &p[i].jwks));
	}
	for (size_t i = 0; i < m->s.admin.acls_n; i++)
		acl[i] = (struct admin_acl){m->s.admin.acls[i].role, m->s.admin.acls[i].allowed_endpoints, m->s.admin.acls[i].methods};
	c->mode = strcmp(m->s.admin.mode, "DenyAll") == 0 ? ADMIN_DENY_ALL
		  : strcmp(m->s.admin.mode, "InsecureAllowAll") == 0 ? ADMIN_INSECURE_ALLOW_ALL
								     : ADMIN_AUTHENTICATED;
	c->providers = p;
	c->providers_n = m->s.admin.providers_n;
	c->acls = acl;
	c->acls_n = m->s.admin.acls_n;
	if (c->mode == ADMIN_INSECURE_ALLOW_ALL)
		LOG(LOG_WARN, "insecure", LOG_S("what", "InsecureAllowAll: anybody may administer this broker"));
	return rc_of(OK);
}

static enum tls_profile profile_of(const char *name)
{
	return !name || strcmp(name, "intermediate") == 0 ? TLS_INTERMEDIATE
	       : strcmp(name, "modern") == 0		? TLS_MODERN
	       : strcmp(name, "old") == 0		? TLS_OLD
	       : strcmp(name, "custom") == 0		? TLS_CUSTOM
							: 0;
}

/* Nothing is opened yet; *out lives in the arena. The handlers get their ctx when there is one. */
rc setup_server(struct kbs_main *m, struct server_config *out)
{
	struct tls_config *tls = ARENA_NEW(m->a, struct tls_config);
	size_t n = m->s.http.sockets.n;
	struct server_listener *l = arena_array(m->a, n + 1, struct server_listener);
	struct server_config c = {.listeners = l, .loops = (unsigned)m->s.http.worker_count, .workers = (unsigned)m->s.http.request_threads,
				  .body_max = (size_t)m->s.http.payload_request_size << 20, .refuse = kbs_http_refuse};

	if (!tls || !l)
		return deny(&m->w, E_INTERNAL, "kbs.memory", "no memory");
	*tls = (struct tls_config){.certificate = m->s.http.certificate, .private_key = m->s.http.private_key,
				   .profile = profile_of(m->s.http.tls_profile), .min_version = m->s.http.tls_min_version,
				   .max_version = m->s.http.tls_max_version, .ciphers = m->s.http.tls_ciphers, .groups = m->s.http.tls_groups};
	if (!tls->profile)
		return deny(&m->w, E_MALFORMED, "config.tls", "http_server.tls_profile must be old, intermediate, modern or custom");
	for (size_t i = 0; i < n; i++)
		l[i] = (struct server_listener){.address = m->s.http.sockets.v[i], .kind = "public", .tls = m->s.http.insecure_http ? NULL : tls,
						.handle = kbs_http_handle, .quick = kbs_http_quick, .body_limit = kbs_http_body_limit, .ctx = m->http};
	if (m->s.http.metrics_socket)
		l[n++] = (struct server_listener){.address = m->s.http.metrics_socket, .kind = "metrics", .handle = kbs_http_metrics, .ctx = m->http};
	c.listeners_n = n;
	*out = c;
	return rc_of(OK);
}

rc setup_read(struct kbs_main *m, const char *config)
{
	struct settings_file file;

	TRY(settings_load(config, m->a, &file, &m->w));
	return settings_placed(&file, kbs_settings_read(file.doc, m->a, &m->s, &m->w), &m->w);
}

#define SOON_S ((int64_t)7 * 86400)

void setup_warn_certificate(const struct kbs_main *m)
{
	struct arena *a = arena_new(0);
	int64_t now = clock_now_s(&clock_system);
	struct x509 *chain[CHAIN_MAX];
	struct slice pem;
	char when[32];
	size_t n;

	if (m->s.http.certificate && rc_ok(file_read(a, m->s.http.certificate, (size_t)1 << 20, &pem, NULL)) &&
	    rc_ok(x509_list_from_pem(pem, chain, CHAIN_MAX, &n, NULL))) {
		int64_t until = x509_not_after(chain[0]);

		for (size_t i = 1; i < n; i++)
			until = MIN_OF(until, x509_not_after(chain[i]));
		x509_free_all(chain, n);
		time_rfc3339(until, when);
		if (until < now + SOON_S)
			LOG(LOG_WARN, until < now ? "certificate-expired" : "certificate-expires", LOG_S("not_after", when),
			    LOG_S("path", m->s.http.certificate));
	}
	arena_free(a);
}
