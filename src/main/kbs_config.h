/* kbs_config.h - what `kbs --config-file` may say: the reference's keys (spec kbs.md 7) and ours, strictly. */
#pragma once
#include "collateral/upstream.h"
#include "main/kbs_se.h"
#include "main/settings.h"

enum store_type { STORE_TYPE_SQLITE = 1, STORE_TYPE_MEMORY, STORE_TYPE_FILES, STORE_TYPE_POSTGRES };

/* The sentence that lets the sample TEE in. */
#define SAMPLE_WORDS "sample evidence proves nothing"
/* The sentence that lets collateral come over plain HTTP, from this host alone. */
#define LOOPBACK_WORDS "collateral comes from this host without TLS"
/* The sentence that lets RSA PKCS#1 v1.5 key transport in, for 0.1.x clients. */
#define RSA1_5_WORDS "RSA PKCS#1 v1.5 is accepted for 0.1.x clients"

struct admin_acl_cfg {
	const char *role, *allowed_endpoints, *methods;
};

struct admin_provider_cfg {
	const char *issuer, *audience, *public_key_uri, *jwk_set_uri;
};

struct kbs_settings {
	struct {
		struct strings sockets;		/* "127.0.0.1:8080" */
		bool insecure_http;
		const char *private_key, *certificate;
		int64_t payload_request_size;	/* MiB */
		int64_t worker_count;		/* loop threads; 0: one per processor */
		int64_t request_threads;	/* 0: eight a loop */
		const char *tls_profile, *tls_min_version, *tls_max_version, *tls_ciphers, *tls_groups;
		const char *metrics_socket;	/* NULL: none */
		int64_t max_connections, max_connections_per_peer;
	} http;
	struct {
		struct strings extra_teekey_paths, trusted_certs_paths, trusted_jwk_sets;
		bool insecure_header_jwk;
		const char *issuer, *audience;
	} token;
	struct {
		bool enabled;
		int64_t timeout_min;
		int64_t duration_min;
		const char *issuer, *developer, *build, *profile;
		bool terse;
		const char *key_path, *cert_url, *cert_path;
		bool sample;
		const char *trusted_ak_keys_dir, *tpm_ek_roots, *trust_dir, *collateral_dir;
		struct upstream_config upstream;
		struct kbs_se_settings se;
		struct strings plugins;		/* absolute paths of verifiers from outside */
		int64_t workers;		/* verifier processes; 0: one per processor */
		int64_t verify_timeout_ms;
		int64_t stale_hours;		/* how long expired collateral still counts */
		int64_t fetches_per_min;	/* of one vendor; 0: the default */
	} as;
	struct {
		const char *mode;
		struct admin_provider_cfg providers[16];
		size_t providers_n;
		struct admin_acl_cfg acls[64];
		size_t acls_n;
	} admin;
	struct {
		enum store_type type;
		const char *path;		/* sqlite file or folder */
		const char *postgres_url;
		bool password;			/* one stands in the configuration */
		const char *master_key_file;
	} store;
	bool resource_plugin;
	bool allow_rsa1_5;
	const char *data_dir;
	const char *audit_origin;
};

/* Every refusal names the path of the setting. */
RC kbs_settings_read(const struct json *doc, struct arena *a, struct kbs_settings *out, struct why *w);
/* Its part for [attestation_service.verifier_config]; t NULL: the defaults. */
RC kbs_verifiers_read(const struct json *t, struct arena *a, struct kbs_settings *s, struct why *w);
