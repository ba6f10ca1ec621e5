/* kbs_verifiers.c - [attestation_service.verifier_config]: verifiers, and where their collateral comes from. */
#include "main/kbs_config.h"

#include "base/num.h"

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

static rc read_tpm(const struct json *t, struct arena *a, struct kbs_settings *s, struct why *w)
{
	static const struct setting rows[] = {
		{"trusted_ak_keys_dir", SET_STR, offsetof(struct kbs_settings, as.trusted_ak_keys_dir)},
		{"ek_root_certs", SET_STR, offsetof(struct kbs_settings, as.tpm_ek_roots)},
		{"max_trusted_ak_keys", SET_IGNORED},
	};

	return settings_read(t, rows, COUNT_OF(rows), s, "attestation_service.verifier_config.tpm_verifier.", a, w);
}

static rc read_sample(const struct json *t, struct arena *a, struct kbs_settings *s, struct why *w)
{
	const struct setting rows[] = {{"insecure", SET_STR, 0, true}};
	const char *words = NULL;

	TRY(settings_read(t, rows, COUNT_OF(rows), &words, "attestation_service.verifier_config.sample_verifier.", a, w));
	if (strcmp(words, SAMPLE_WORDS) != 0)
		return deny(w, E_MALFORMED, "config.sample",
			    "sample_verifier.insecure must be the words \"" SAMPLE_WORDS "\"; leave the table out to refuse sample evidence");
	s->as.sample = true;
	return rc_of(OK);
}

rc kbs_verifiers_read(const struct json *t, struct arena *a, struct kbs_settings *s, struct why *w)
{
	struct local {
		const struct json *tpm, *sample, *snp, *dcap, *se, *nvidia, *hygon;
		const char *trust_dir, *collateral_dir, *loopback, *ca_file;
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

	TRY(settings_read(t, rows, COUNT_OF(rows), &l, "attestation_service.verifier_config.", a, w));
	if (l.tpm)
		TRY(read_tpm(l.tpm, a, s, w));
	if (l.sample)
		TRY(read_sample(l.sample, a, s, w));
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
	s->as.trust_dir = l.trust_dir;
	s->as.collateral_dir = l.collateral_dir;
	s->as.workers = l.workers;
	s->as.verify_timeout_ms = l.timeout;
	s->as.stale_hours = l.stale;
	s->as.fetches_per_min = l.starts;
	return rc_of(OK);
}
