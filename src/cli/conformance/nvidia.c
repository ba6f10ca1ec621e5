/* nvidia.c - NVIDIA cases: devices (report and certificates, or a member of a list), manifests, and one against the other. */
#include "cli/conformance/adapters.h"
#include "codec/base64.h"
#include "verifier/nvidia/measure.h"
#include "verifier/nvidia/rims.h"

/* ---- devices ---- */

/* The cases do not say what device it is; its certificates do. */
static const char *arch_of(struct arena *a, struct slice pem)
{
	struct x509 *certs[NV_CERTS_MAX];
	const char *found = "HOPPER";
	size_t n;

	if (!rc_ok(x509_list_from_pem(pem, certs, NV_CERTS_MAX, &n, NULL)))
		return found;
	for (size_t i = 0; i < n; i++) {
		const char *cn = x509_subject_cn(certs[i], a);

		if (cn && !strncmp(cn, "GB", 2))
			found = "BLACKWELL";
		else if (cn && !strncmp(cn, "LS", 2))
			found = "LS10";
	}
	x509_free_all(certs, n);
	return found;
}

static struct slice document(struct arena *a, const char *arch, struct slice report, struct slice pem)
{
	struct json *o = json_new_object(a), *list = json_new_array(a), *d = json_new_object(a);

	json_set(a, d, "arch", json_new_cstr(a, arch));
	json_set(a, d, "evidence", json_new_b64(a, report));
	json_set(a, d, "certificate", json_new_b64(a, pem));
	json_push(a, list, d);
	json_set(a, o, "device_evidence_list", list);
	return json_text(a, o);
}

/* Member `index` of the list that the guest tools write. */
static RC from_list(struct arena *a, const struct conf_case *c, struct slice *report, struct slice *pem, struct why *w)
{
	struct slice text, field;
	struct json *list;
	const struct json *one;
	uint64_t index = 0;

	TRY(conf_file(a, c, "evidence_json", &text, w));
	TRY(json_parse(a, text, NULL, &list, w));
	(void)json_u64(json_get(c->inputs, "index"), &index);
	one = json_at(list, (size_t)index);
	TRY(json_need_str(one, "evidence", &field, "device", w));
	TRY(b64_decode(a, B64_STD, field, report, "evidence", w));
	TRY(json_need_str(one, "certificate", &field, "device", w));
	return b64_decode(a, B64_STD, field, pem, "certificate", w);
}

static RC device_parts(struct arena *a, const struct conf_case *c, struct slice *report, struct slice *pem, struct why *w)
{
	if (conf_has(c, "evidence_json"))
		return from_list(a, c, report, pem, w);
	TRY(conf_file(a, c, "report", report, w));
	return conf_file(a, c, "cert_chain", pem, w);
}

static RC nvidia_prepare(struct arena *a, const struct conf_case *c, struct vjob *job, const char **tee, struct why *w)
{
	struct slice report, pem, nonce, root;

	TRY(conf_file(a, c, "root", &root, w));
	if (conf_has(c, "rim")) {
		*tee = NULL;
		return root.p ? conf_anchor_cert(a, job, "nvidia-rim-root", root, w) : rc_of(OK);
	}
	if (root.p)
		TRY(conf_anchor_cert(a, job, "nvidia-device-root", root, w));
	TRY(device_parts(a, c, &report, &pem, w));
	job->evidence = document(a, arch_of(a, pem), report, pem);
	TRY(conf_hex(a, c, "expected_nonce", &nonce, w));
	job->without |= VJOB_WITHOUT_REPORT_DATA;	/* recorded evidence, bound to a request of long ago */
	if (nonce.p) {
		job->report_data[0] = nonce;
		job->report_data_n = 1;
	}
	return rc_of(OK);
}

/* ---- manifests ---- */

static struct json *indices(struct arena *a, const struct rim *rim, const struct spdm_report *rep, bool matching)
{
	struct json *list = json_new_array(a);

	for (unsigned i = 0; i < rim->measures_n; i++) {
		const struct rim_measure *m = &rim->measures[i];
		const struct spdm_block *b = rep ? spdm_block(rep, m->index + 1) : NULL;
		bool met = false;

		for (unsigned k = 0; b && k < m->hashes_n; k++)
			met = met || slice_eq(m->hashes[k], b->value);
		if (m->active && (!rep || met == matching))
			json_push(a, list, json_new_u64(a, m->index));
	}
	return list;
}

static RC nvidia_run(struct vjob *job, const struct conf_case *c)
{
	struct arena *a = job->arena;
	struct slice xml, report;
	struct spdm_report rep;
	struct rim rim;
	const struct rim *one = &rim;
	struct nv_chain chain;
	struct json *o;

	TRY(conf_file(a, c, "rim", &xml, job->why));
	TRY(nv_rim_verify(job, xml, false, &rim, &chain));
	TRY(conf_file(a, c, "report", &report, job->why));
	if (report.p) {
		TRY(spdm_parse(a, report, &rep, job->why));
		TRY(nv_check(&rep, &one, 1, a, job->why));
	}
	o = vjob_result(job, "gpu");
	json_set(a, o, "resources", json_new_u64(a, rim.measures_n));
	json_set(a, o, "colloquial_version", json_new_cstr(a, rim.version));
	if (report.p) {
		json_set(a, o, "vbios_rim_active_indices", indices(a, &rim, NULL, true));
		json_set(a, o, "matching", indices(a, &rim, &rep, true));
		json_set(a, o, "not_matching", indices(a, &rim, &rep, false));
	}
	return rc_of(OK);
}

/* ---- facts ---- */

static struct json *subjects(struct arena *a, struct slice pem)
{
	struct x509 *certs[NV_CERTS_MAX];
	struct json *list = json_new_array(a);
	size_t n;

	if (!rc_ok(x509_list_from_pem(pem, certs, NV_CERTS_MAX, &n, NULL)))
		return list;
	for (size_t i = 0; i < n; i++)
		json_push(a, list, json_new_cstr(a, x509_subject_cn(certs[i], a)));
	x509_free_all(certs, n);
	return list;
}

static RC device_facts(struct arena *a, const struct conf_case *c, const struct vjob *job, struct why *w)
{
	static const struct {
		const char *fact, *claim;
	} same[] = {
		{"nonce", "/eat_nonce"}, {"measurement_digests", "/measurements"}, {"driver_version", "/config/driver_version"},
		{"chip_sku", "/config/chip_sku"}, {"project", "/config/project"}, {"project_sku", "/config/project_sku"},
		{"fwid", "/config/fwid"},
	};
	const struct json *f = c->facts, *o = job->results[0].claims;
	struct slice report, pem;
	struct spdm_report rep;

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		const struct json *stated = json_get(f, same[i].fact);

		if (stated && stated->kind != JSON_NULL)
			TRY(conf_same(a, same[i].fact, json_pointer(o, same[i].claim), stated, w));
	}
	/* what is no claim is compared in the report itself */
	TRY(device_parts(a, c, &report, &pem, w));
	TRY(spdm_parse(a, report, &rep, w));
	if (json_get(f, "measurements"))
		TRY(conf_same(a, "measurements", json_new_u64(a, rep.blocks_n), json_get(f, "measurements"), w));
	if (json_get(f, "response_nonce"))
		TRY(conf_same(a, "response_nonce", json_new_hex(a, rep.response_nonce), json_get(f, "response_nonce"), w));
	if (json_get(f, "trailing_bytes"))
		TRY(conf_same(a, "trailing_bytes", json_new_u64(a, rep.trailing), json_get(f, "trailing_bytes"), w));
	if (json_get(f, "vbios_version_raw"))
		TRY(conf_same(a, "vbios_version_raw", json_new_hex(a, spdm_opaque(&rep, SPDM_VBIOS_VERSION)),
			      json_get(f, "vbios_version_raw"), w));
	if (json_get(f, "cert_subjects"))
		TRY(conf_same(a, "cert_subjects", subjects(a, pem), json_get(f, "cert_subjects"), w));
	return rc_of(OK);
}

static RC nvidia_facts(struct arena *a, const struct conf_case *c, const struct vjob *job, struct why *w)
{
	static const char *const of_manifest[] = {"resources", "colloquial_version", "vbios_rim_active_indices", "matching",
						  "not_matching"};

	if (!conf_has(c, "rim"))
		return device_facts(a, c, job, w);
	for (size_t i = 0; i < sizeof(of_manifest) / sizeof(of_manifest[0]); i++)
		if (json_get(c->facts, of_manifest[i]))
			TRY(conf_same(a, of_manifest[i], json_get(job->results[0].claims, of_manifest[i]),
				      json_get(c->facts, of_manifest[i]), w));
	return rc_of(OK);
}

const struct conf_adapter conf_nvidia = {.platform = "nvidia", .tee = "nvidia", .prepare = nvidia_prepare, .facts = nvidia_facts,
					 .run = nvidia_run};
