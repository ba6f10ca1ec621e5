/* verify.c - `kbs-client verify`: a verdict again, offline, by the same verifier in the same sandbox. */
#include <dirent.h>
#include <stdio.h>

#include "base/num.h"
#include "base/sys.h"
#include "cli/commands.h"
#include "codec/base64.h"
#include "crypto/x509.h"
#include "verifier/pool.h"
#include "verifier/registry.h"

#define EVIDENCE_MAX   ((size_t)16 << 20)
#define COLLATERAL_MAX ((size_t)16 << 20)
#define ANCHORS_MAX    256u

struct opts {
	const char *tee, *evidence, *collateral, *at, *report_data, *init_data, *trust;
	bool sample;
};

/* A key as a file name: "Milan/0c2f../3.0.8.115" is Milan_0c2f.._3.0.8.115. */
static char *flat(struct arena *a, const char *key)
{
	char *s = arena_strdup(a, key);

	for (char *p = s; p && *p; p++)
		if (*p == '/')
			*p = '_';
	return s;
}

static bool is_folder(const char *path)
{
	DIR *d = opendir(path);

	if (d)
		closedir(d);
	return d;
}

/* DIR/<kind>/<key>, else DIR/<kind>; with one of the endings. p == NULL when neither is there. */
static RC find_collateral(struct arena *a, const char *dir, const struct vcollateral *want, struct slice *out, struct why *w)
{
	static const char *const endings[] = {"", ".der", ".pem", ".crt", ".crl", ".json", ".bin", ".xml", ".jwt"};

	*out = (struct slice){0};
	for (unsigned pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < COUNT_OF(endings); i++) {
			const char *path = pass == 0 ? arena_printf(a, "%s/%s/%s%s", dir, want->kind, flat(a, want->key), endings[i])
						     : arena_printf(a, "%s/%s%s", dir, want->kind, endings[i]);

			if (path && file_exists(path) && !is_folder(path))
				return file_read(a, path, COLLATERAL_MAX, out, w);
		}
	}
	return rc_of(OK);
}

static RC load_collateral(struct vjob *job, const char *dir)
{
	struct vcollateral *v = arena_array(job->arena, job->wants_n + 1, struct vcollateral);
	size_t n = 0;

	if (!v)
		return deny(job->why, E_INTERNAL, "verify.memory", "no memory for collateral");
	for (unsigned i = 0; i < job->wants_n && dir; i++) {
		struct slice bytes;

		TRY(find_collateral(job->arena, dir, &job->wants[i], &bytes, job->why));
		if (bytes.p)
			v[n++] = (struct vcollateral){.kind = job->wants[i].kind, .key = job->wants[i].key, .bytes = bytes};
	}
	job->collateral = v;
	job->collateral_n = n;
	return rc_of(OK);
}

/* ---- trust ---- */

static RC add(struct vanchor *list, size_t *n, const char *set, const uint8_t sha256[32], struct why *w)
{
	if (*n == ANCHORS_MAX)
		return deny(w, E_LIMIT, "verify.anchors", "more than %u anchors", ANCHORS_MAX);
	list[*n].set = set;
	memcpy(list[(*n)++].sha256, sha256, 32);
	return rc_of(OK);
}

/* A certificate counts by itself and by its key; a public key by itself; anything else by its bytes. */
static RC add_file(struct arena *a, struct vanchor *list, size_t *n, const char *set, struct slice bytes, struct why *w)
{
	struct x509 *x = NULL;
	struct pkey *k = NULL;
	struct slice spki = bytes;
	uint8_t d[DIGEST_MAX];
	rc r;

	if (rc_ok(x509_from_any(bytes, &x, NULL))) {
		r = add(list, n, set, x509_sha256(x), w);
		if (rc_ok(r))
			r = add(list, n, set, x509_spki_sha256(x), w);
		x509_free(x);
		return r;
	}
	r = pkey_from_pem(bytes, &k, NULL);
	if (rc_ok(r))
		r = pkey_to_spki(k, a, &spki, w);
	pkey_free(k);
	TRY(digest(DIGEST_SHA256, spki, d, w));
	return add(list, n, set, d, w);
}

/* DIR/<set>/<any file>: the anchors of each set; then only these count. */
static RC load_set(struct vjob *job, struct vanchor *list, const char *dir, const char *set)
{
	const char *path = arena_printf(job->arena, "%s/%s", dir, set);
	DIR *d = path ? opendir(path) : NULL;
	struct dirent *e;
	rc r = rc_of(OK);

	while (d && rc_ok(r) && (e = readdir(d))) {
		struct slice bytes;

		if (e->d_name[0] == '.')
			continue;
		r = file_read(job->arena, arena_printf(job->arena, "%s/%s", path, e->d_name), COLLATERAL_MAX, &bytes, job->why);
		if (rc_ok(r))
			r = add_file(job->arena, list, &job->anchors_n, set, bytes, job->why);
	}
	if (d)
		closedir(d);
	return r;
}

static RC load_trust(struct vjob *job, const char *dir)
{
	struct vanchor *list = arena_array(job->arena, ANCHORS_MAX, struct vanchor);
	DIR *d = opendir(dir);
	struct dirent *e;
	rc r = rc_of(OK);

	if (!d || !list) {
		if (d)
			closedir(d);
		return deny(job->why, E_NOTFOUND, "verify.trust", "there is no folder %s", dir);
	}
	while (rc_ok(r) && (e = readdir(d)))
		if (e->d_name[0] != '.')
			r = load_set(job, list, dir, arena_strdup(job->arena, e->d_name));
	closedir(d);
	job->anchors = list;
	job->only_configured_anchors = true;
	return r;
}

/* ---- the command ---- */

static RC read_job(const struct opts *o, struct vjob *job)
{
	struct arena *a = job->arena;

	TRY(file_read(a, o->evidence, EVIDENCE_MAX, &job->evidence, job->why));
	TRY(time_parse_rfc3339(slice_cstr(o->at), &job->now_s, job->why));
	if (o->report_data) {
		TRY(hex_decode(a, slice_cstr(o->report_data), &job->report_data[0], "--report-data", job->why));
		job->report_data_n = 1;
	}
	if (o->init_data)
		TRY(hex_decode(a, slice_cstr(o->init_data), &job->init_data, "--init-data", job->why));
	job->insecure_sample = o->sample;
	return o->trust ? load_trust(job, o->trust) : rc_of(OK);
}

/* What is at hand may name more: then the driver plans once more with it. */
static RC gather(const struct opts *o, struct pool *pool, struct vjob *job)
{
	const struct vdriver *driver = registry_find(o->tee);
	unsigned rounds = driver && driver->plan_again ? 2 : 1;

	for (; rounds; rounds--) {
		job->wants_n = 0;
		TRY(pool_run(pool, o->tee, VERIFIER_PLAN, job, 0));
		TRY(load_collateral(job, o->collateral));
	}
	return rc_of(OK);
}

static RC verify(const struct opts *o, struct pool *pool, struct vjob *job)
{
	TRY(read_job(o, job));
	if (job->evidence.n == 0)
		return deny(job->why, E_MALFORMED, "verify.evidence", "%s is empty", o->evidence);
	TRY(gather(o, pool, job));
	TRY(pool_run(pool, o->tee, VERIFIER_VERIFY, job, 0));
	if (job->results_n == 0)
		return deny(job->why, E_DENIED, "verify.no-result", "the verifier of %s gave no result", o->tee);
	/* A broker goes on and says so; who asks here for a comparison must not take its absence for a match. */
	for (unsigned i = 0; job->init_data.p && i < job->results_n; i++)
		if (!vresult_binds_init_data(&job->results[i]))
			return deny(job->why, E_DENIED, "verify.init-data", "evidence of %s does not bind init-data: leave --init-data out", o->tee);
	return rc_of(OK);
}

/* A document shows by its members whose it is: for who gave the wrong --tee. NULL: it does not. */
static const char *looks_like(struct arena *a, struct slice evidence)
{
	static const struct {
		const char *tee, *has, *also;
	} signs[] = {
		{"csv", "attestation_report", "serial_number"}, {"snp", "attestation_report", NULL}, {"hygondcu", "attestation_reports", NULL},
		{"tpm", "ak_public", NULL}, {"az-tdx-vtpm", "hcl_report", "td_quote"}, {"az-snp-vtpm", "hcl_report", "vcek"},
		{"tdx", "quote", "cc_eventlog"}, {"tdx or sgx", "quote", NULL}, {"nvidia", "device_evidence_list", NULL}, {"nitro", "document", NULL},
		{"cca", "token", NULL}, {"se", "cuid", "measurement"}, {"sample or sampledevice", "svn", "report_data"},
	};
	struct json *v;

	if (!rc_ok(json_parse(a, evidence, NULL, &v, NULL)))
		return NULL;
	for (size_t i = 0; i < COUNT_OF(signs); i++)
		if (json_get(v, signs[i].has) && (!signs[i].also || json_get(v, signs[i].also)))
			return signs[i].tee;
	return NULL;
}

static void print_hint(const struct opts *o, const struct vjob *job, rc r)
{
	const char *tee = r.code == E_MALFORMED || r.code == E_UNSUPPORTED ? looks_like(job->arena, job->evidence) : NULL;

	if (tee && strcmp(tee, o->tee) != 0 && !(strstr(tee, " or ") && strstr(tee, o->tee)))
		fprintf(stderr, "  it looks like evidence of %s\n", tee);
}

/* What the driver asked for and --collateral does not have: some of it may be why. */
static void print_missing(const struct opts *o, const struct vjob *job)
{
	for (unsigned i = 0; i < job->wants_n; i++) {
		const struct vcollateral *want = &job->wants[i];
		bool have = false;

		for (size_t k = 0; k < job->collateral_n; k++)
			have = have || (!strcmp(job->collateral[k].kind, want->kind) && !strcmp(job->collateral[k].key, want->key));
		if (!have)
			fprintf(stderr, "  not in %s: %s%s%s\n", o->collateral ? o->collateral : "--collateral, which is not given", want->kind,
				*want->key ? "/" : "", flat(job->arena, want->key));
	}
}

static int print_claims(const struct opts *o, const struct vjob *job)
{
	struct arena *a = job->arena;
	struct json *out = json_new_object(a), *list = json_new_array(a);
	struct buf b = buf_in(a, 0);
	char *text;

	for (unsigned i = 0; i < job->results_n; i++) {
		struct json *one = json_new_object(a);

		json_set(a, one, "class", json_new_cstr(a, job->results[i].tee_class));
		json_set(a, one, "claims", job->results[i].claims);
		json_push(a, list, one);
	}
	json_set(a, out, "tee", json_new_cstr(a, o->tee));
	json_set(a, out, "results", list);
	json_write_pretty(&b, out);
	text = buf_cstr(&b);
	if (!text || arena_bad(a))
		return CLI_FAILED;
	return puts(text) >= 0 && fflush(stdout) == 0 ? CLI_OK : CLI_FAILED;
}

static int run_with(const struct opts *o)
{
	struct arena *a = arena_new((size_t)128 << 20);
	struct why w = why_in(a);
	struct vjob *job = ARENA_NEW(a, struct vjob);
	struct pool *pool = NULL;
	int code;
	rc r;

	if (!job) {
		arena_free(a);
		return CLI_FAILED;
	}
	job->arena = a;
	job->why = &w;
	r = pool_open(&(struct pool_options){.workers = 1}, &pool, &w);
	if (rc_ok(r))
		r = verify(o, pool, job);
	if (rc_ok(r)) {
		code = print_claims(o, job);
	} else {
		fprintf(stderr, "reason: %s\n", why_reason(&w));
		code = cli_fail(&w);
		print_hint(o, job, r);
		print_missing(o, job);
	}
	pool_close(pool);
	arena_free(a);
	return code;
}

/* What was typed is looked at before the evidence is. */
static int check_words(const struct opts *o)
{
	struct arena *a = arena_new(0);
	struct buf known = buf_in(a, 0);
	struct slice bytes;
	int64_t at;
	int code = CLI_OK;

	for (size_t i = 0; registry[i]; i++)
		buf_printf(&known, "%s%s", i ? ", " : "", registry[i]->tee);
	if (!registry_find(o->tee))
		code = cli_usage("--tee: there is no verifier for \"%s\"; known are %s", o->tee, buf_cstr(&known));
	else if (!rc_ok(time_parse_rfc3339(slice_cstr(o->at), &at, NULL)))
		code = cli_usage("--at %s is no RFC 3339 time, such as 2026-01-31T12:00:00Z", o->at);
	else if (o->report_data && !rc_ok(hex_decode(a, slice_cstr(o->report_data), &bytes, "", NULL)))
		code = cli_usage("--report-data %s is not hex of whole bytes", o->report_data);
	else if (o->init_data && !rc_ok(hex_decode(a, slice_cstr(o->init_data), &bytes, "", NULL)))
		code = cli_usage("--init-data %s is not hex of whole bytes", o->init_data);
	else if (o->collateral && !is_folder(o->collateral))
		code = cli_usage("--collateral: there is no folder %s", o->collateral);
	else if (o->trust && !is_folder(o->trust))
		code = cli_usage("--trust: there is no folder %s", o->trust);
	arena_free(a);
	return code;
}

static int run(int argc, char **argv)
{
	struct opts o = {0};
	const struct cli_opt opts[] = {
		{"tee", "TEE", "snp, tdx, sgx, tpm, az-snp-vtpm, ...", &o.tee, NULL},
		{"evidence", "FILE", "the evidence: JSON as on the wire, or the TEE's binary form", &o.evidence, NULL},
		{"collateral", "DIR", "DIR/KIND/KEY or DIR/KIND, with or without an ending; '/' in a key is written '_'", &o.collateral, NULL},
		{"at", "RFC3339", "the time of the verdict", &o.at, NULL},
		{"report-data", "HEX", "what the evidence must be bound to", &o.report_data, NULL},
		{"init-data", "HEX", "digest of the init-data", &o.init_data, NULL},
		{"trust", "DIR", "DIR/SET/*: certificates and keys; then only these are anchors", &o.trust, NULL},
		{"insecure-sample", NULL, "take sample evidence, which proves nothing", NULL, &o.sample},
	};
	bool done;
	int code = cli_parse(argc, argv, opts, COUNT_OF(opts), "kbs-client verify --tee TEE --evidence FILE --at RFC3339 [options]",
			     "example:\n  kbs-client verify --tee snp --evidence report.bin --collateral certs --at 2026-01-31T12:00:00Z\n"
			     "with certs/amd-vcek.der, certs/amd-ask-ark.pem, and certs/amd-crl.crl where there is one\n",
			     NULL, &done);

	if (code != CLI_OK || done)
		return code;
	if (!o.tee || !o.evidence || !o.at)
		return cli_usage("verify needs --tee, --evidence and --at");
	code = check_words(&o);
	return code ? code : run_with(&o);
}

const struct cli_command cli_verify = {"verify", "verify evidence offline, as the service does", run};
