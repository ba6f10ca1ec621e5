#include "verifier/plugin.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "warrant/verifier.h"

#define TEXT_MAX   1024u	/* of a reason's text, a name, a key */
#define PATH_DEPTH 16u

struct plugins {
	const struct warrant_verifier *v[PLUGINS_MAX];
	unsigned n;
};

/* The handle that a plug-in carries back: one call. */
struct call {
	struct vjob *job;
	struct json *claims;	/* of the newest result */
	bool planning;
};

/* ---- loading ---- */

/* Root's, and only root's to change; a folder that all may write to is fine where each keeps his own (/tmp). */
static RC check_owner(const char *path, bool file, struct why *w)
{
	struct stat st;

	if (lstat(path, &st) != 0)
		return deny(w, E_DENIED, "plugin.path", "%s: %s", path, strerror(errno));
	if (file ? !S_ISREG(st.st_mode) : !S_ISDIR(st.st_mode))
		return deny(w, E_DENIED, "plugin.path", "%s is no %s", path, file ? "regular file" : "folder");
	if (st.st_uid != 0)
		return deny(w, E_DENIED, "plugin.path", "%s must belong to root, it belongs to user %u", path, (unsigned)st.st_uid);
	if ((st.st_mode & 022) && (file || !(st.st_mode & S_ISVTX)))
		return deny(w, E_DENIED, "plugin.path", "%s can be changed by others than root: mode %o", path, (unsigned)(st.st_mode & 07777));
	return rc_of(OK);
}

static RC check_path(const char *path, struct why *w)
{
	char real[PATH_MAX], part[PATH_MAX];
	size_t n = strlen(path);

	if (path[0] != '/' || n >= sizeof(part))
		return deny(w, E_DENIED, "plugin.path", "\"%s\" is no absolute path", path);
	if (!realpath(path, real))
		return deny(w, E_DENIED, "plugin.path", "%s: %s", path, strerror(errno));
	if (strcmp(real, path) != 0)
		return deny(w, E_DENIED, "plugin.path", "%s must be named by its own path, %s", path, real);
	TRY(check_owner("/", false, w));
	for (size_t i = 1; i < n; i++) {
		if (path[i] != '/')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		TRY(check_owner(part, false, w));
	}
	return check_owner(path, true, w);
}

/* Names that begin with x- are never those of drivers in this tree. */
static bool good_name(const char *tee)
{
	size_t n = tee ? strspn(tee, "abcdefghijklmnopqrstuvwxyz0123456789-") : 0;

	return n > 2 && n < 32 && tee[n] == '\0' && strncmp(tee, "x-", 2) == 0;
}

static RC load_one(struct plugins *p, const char *path, struct why *w)
{
	const struct warrant_verifier *(*entry)(uint32_t);
	const struct warrant_verifier *v;
	void *so;

	TRY(check_path(path, w));
	if (p->n == PLUGINS_MAX)
		return deny(w, E_LIMIT, "plugin.count", "at most %u plug-ins are taken", PLUGINS_MAX);
	so = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!so)
		return deny(w, E_UNSUPPORTED, "plugin.load", "%s", dlerror());
	*(void **)&entry = dlsym(so, "warrant_verifier_entry");
	v = entry ? entry(WARRANT_VERIFIER_ABI) : NULL;
	if (!v || v->abi != WARRANT_VERIFIER_ABI || v->size < offsetof(struct warrant_verifier, verify) + sizeof(v->verify) || !v->verify)
		return deny(w, E_UNSUPPORTED, "plugin.abi", "%s is no verifier of ABI %u", path, WARRANT_VERIFIER_ABI);
	if (!good_name(v->tee))
		return deny(w, E_MALFORMED, "plugin.tee", "%s names no TEE of its own, of the form x-name", path);
	for (unsigned i = 0; i < p->n; i++)
		if (strcmp(p->v[i]->tee, v->tee) == 0)
			return deny(w, E_MALFORMED, "plugin.tee", "two plug-ins are for \"%s\"", v->tee);
	p->v[p->n++] = v;
	return rc_of(OK);
}

rc plugins_load(struct slice paths, struct arena *a, struct plugins **out, struct why *w)
{
	struct plugins *p = ARENA_NEW(a, struct plugins);

	if (!p)
		return deny(w, E_INTERNAL, "plugin.memory", "no memory for plug-ins");
	while (paths.n) {
		const uint8_t *end = memchr(paths.p, '\0', paths.n);

		if (!end)
			return deny(w, E_MALFORMED, "plugin.path", "a path has no end");
		TRY(note(w, load_one(p, (const char *)paths.p, w), "loading the plug-in %s", (const char *)paths.p));
		paths = slice_sub(paths, (size_t)(end - paths.p) + 1, paths.n);
	}
	*out = p;
	return rc_of(OK);
}

/* ---- what the host offers ---- */

static bool short_text(const char *s)
{
	return s && strnlen(s, TEXT_MAX + 1) <= TEXT_MAX;
}

static int32_t misuse(struct call *c, const char *what)
{
	return (int32_t)deny(c->job->why, E_INTERNAL, "plugin.misuse", "the plug-in %s", what).code;
}

static void *host_alloc(void *job, size_t n)
{
	return arena_alloc(((struct call *)job)->job->arena, n);
}

static int32_t host_want(void *job, const char *kind, const char *key)
{
	struct call *c = job;
	const char *own;

	if (!c->planning || !short_text(kind) || !short_text(key))
		return misuse(c, "asks for collateral outside of planning, or by a name that is none");
	own = arena_strdup(c->job->arena, kind);
	if (!own)
		return (int32_t)deny(c->job->why, E_LIMIT, "verifier.memory", "no memory to name collateral").code;
	return (int32_t)vjob_want(c->job, own, key).code;
}

static struct warrant_bytes host_collateral(void *job, const char *kind, const char *key)
{
	struct call *c = job;
	struct slice s = {0};

	if (!c->planning && kind && key)
		s = vjob_collateral(c->job, kind, key);
	return (struct warrant_bytes){s.p, s.n};
}

static int64_t host_now(void *job)
{
	return ((struct call *)job)->job->now_s;
}

static int32_t host_anchor(void *job, const char *set, const uint8_t sha256[32])
{
	return set && sha256 && vjob_anchor(((struct call *)job)->job, set, sha256);
}

static int32_t host_result(void *job, const char *tee_class)
{
	static const char *const classes[] = {"cpu", "gpu", "switch", "ppcie", "dcu"};
	struct call *c = job;

	for (size_t i = 0; !c->planning && tee_class && i < sizeof(classes) / sizeof(classes[0]); i++) {
		if (strcmp(classes[i], tee_class) != 0)
			continue;
		c->claims = vjob_result(c->job, classes[i]);
		return c->claims ? WARRANT_OK
				 : (int32_t)deny(c->job->why, E_LIMIT, "verifier.memory", "too many results, or no memory").code;
	}
	return misuse(c, "begins a result while planning, or of no class");
}

/* The object that holds the last name of the path; objects on the way are made. */
static struct json *claim_parent(struct call *c, const char *const *path, uint32_t n)
{
	struct json *at = c->claims;

	for (uint32_t i = 0; i + 1 < n; i++) {
		struct json *next = NULL;

		for (size_t k = 0; k < at->n && !next; k++)
			if (slice_is(at->members[k].name, path[i]))
				next = at->members[k].value;
		if (!next) {
			next = json_new_object(c->job->arena);
			json_set(c->job->arena, at, path[i], next);
		}
		if (!json_is(next, JSON_OBJECT))
			return NULL;
		at = next;
	}
	return at;
}

static int32_t host_claim(void *job, const char *const *path, uint32_t path_n, struct warrant_bytes json)
{
	struct call *c = job;
	struct arena *a = c->job->arena;
	struct json *parent, *value;
	struct slice text;

	if (!c->claims || !path || path_n == 0 || path_n > PATH_DEPTH || !json.p)
		return misuse(c, "makes a claim without a result, path or value");
	for (uint32_t i = 0; i < path_n; i++)
		if (!short_text(path[i]))
			return misuse(c, "makes a claim whose name is none");
	text = arena_dup(a, slice_of(json.p, json.n));
	if (!text.p)
		return (int32_t)deny(c->job->why, E_LIMIT, "verifier.memory", "no memory for a claim").code;
	if (!rc_ok(json_parse(a, text, &(struct json_limits){.max_depth = 32}, &value, NULL)))
		return misuse(c, "makes a claim whose value is not JSON");
	parent = claim_parent(c, path, path_n);
	if (!parent)
		return misuse(c, "makes a claim below one that is no object");
	json_set(a, parent, path[path_n - 1], value);
	return arena_bad(a) ? (int32_t)deny(c->job->why, E_LIMIT, "verifier.memory", "no memory for a claim").code : WARRANT_OK;
}

static enum rc_code code_of(int32_t code)
{
	switch (code) {
	case WARRANT_OK:
		return OK;
	case WARRANT_MALFORMED:
		return E_MALFORMED;
	case WARRANT_UNSUPPORTED:
		return E_UNSUPPORTED;
	case WARRANT_DENIED:
		return E_DENIED;
	case WARRANT_NOTFOUND:
		return E_NOTFOUND;
	case WARRANT_LIMIT:
		return E_LIMIT;
	case WARRANT_UNAVAILABLE:
		return E_UNAVAILABLE;
	default:	/* a number from outside */
		return E_INTERNAL;
	}
}

/* "<tee>.<class>[.<detail>]", lower case. */
static bool good_reason(const char *r)
{
	size_t n = r ? strspn(r, "abcdefghijklmnopqrstuvwxyz0123456789-.") : 0;

	return n > 0 && n < 128 && r[n] == '\0';
}

static int32_t host_deny(void *job, int32_t code, const char *reason, const char *text)
{
	struct call *c = job;
	const char *own = good_reason(reason) ? arena_strdup(c->job->arena, reason) : NULL;

	if (code_of(code) == OK || !own || !short_text(text))
		return misuse(c, "refuses without a code, reason or text");
	(void)deny(c->job->why, code_of(code), own, "%s", text).code;
	return code;
}

static void host_compared(void *job, const char *subject, const char *found, const char *expected)
{
	struct call *c = job;

	if ((!subject || short_text(subject)) && (!found || short_text(found)) && (!expected || short_text(expected)))
		why_compared(c->job->why, subject, found, expected);
}

static int32_t host_note(void *job, int32_t code, const char *text)
{
	struct call *c = job;

	if (short_text(text))
		(void)note(c->job->why, rc_of(code_of(code)), "%s", text).code;
	return code;
}

static const struct warrant_host host = {
	.abi = WARRANT_VERIFIER_ABI,
	.size = sizeof(struct warrant_host),
	.alloc = host_alloc,
	.want = host_want,
	.collateral = host_collateral,
	.now = host_now,
	.anchor = host_anchor,
	.result = host_result,
	.claim = host_claim,
	.deny = host_deny,
	.compared = host_compared,
	.note = host_note,
};

/* ---- running ---- */

static int32_t run_verify(const struct warrant_verifier *v, struct call *c, struct warrant_bytes evidence)
{
	struct warrant_bytes data[sizeof(c->job->report_data) / sizeof(c->job->report_data[0])];
	struct warrant_bindings b = {.size = sizeof(b), .report_data_n = c->job->report_data_n, .report_data = data,
				     .init_data = {c->job->init_data.p, c->job->init_data.n}};

	for (unsigned i = 0; i < c->job->report_data_n; i++)
		data[i] = (struct warrant_bytes){c->job->report_data[i].p, c->job->report_data[i].n};
	return v->verify(&host, c, evidence, &b);
}

/* A verdict and what was said on the way must agree. */
static RC settle(struct vjob *job, const char *tee, bool planning, int32_t code)
{
	rc r = rc_of(code_of(code));

	if (!rc_ok(r))
		return why_empty(job->why) ? deny(job->why, E_INTERNAL, "verifier.no-reason", "the plug-in of %s refused (code %d) without a reason",
						  tee, code)
					   : r;
	if (!why_empty(job->why)) {
		const char *said = why_text(job->why);

		return deny(job->why, E_INTERNAL, "plugin.misuse", "the plug-in of %s accepts what it refused: %s", tee, said);
	}
	if (!planning && job->results_n == 0)
		return deny(job->why, E_INTERNAL, "verifier.no-result", "the plug-in of %s accepted nothing", tee);
	if (arena_bad(job->arena))
		return deny(job->why, E_LIMIT, "verifier.memory", "the verification of %s needs more memory than it may have", tee);
	return r;
}

rc plugins_run(const struct plugins *p, const char *tee, enum verifier_step step, struct vjob *job)
{
	const struct warrant_bytes evidence = {job->evidence.p, job->evidence.n};
	struct call c = {.job = job, .planning = step == VERIFIER_PLAN};
	const struct warrant_verifier *v = NULL;

	for (unsigned i = 0; p && i < p->n && !v; i++)
		if (strcmp(p->v[i]->tee, tee) == 0)
			v = p->v[i];
	if (!v)
		return deny(job->why, E_UNSUPPORTED, "verifier.tee", "there is no verifier for \"%s\"", tee);
	if (c.planning)
		return settle(job, tee, true, v->plan ? v->plan(&host, &c, evidence) : WARRANT_OK);
	return settle(job, tee, false, run_verify(v, &c, evidence));
}
