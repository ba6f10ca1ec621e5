/* inputs.c - what adapters read of a case, and how facts are compared. */
#include "base/sys.h"
#include "cli/conformance/conformance.h"
#include "codec/base64.h"
#include "crypto/x509.h"

#define FILE_MAX   ((size_t)8 << 20)
#define PARTS_MAX  32u

bool conf_has(const struct conf_case *c, const char *role)
{
	return json_is(json_get(c->inputs, role), JSON_STRING);
}

struct slice conf_text(const struct conf_case *c, const char *role)
{
	const struct json *v = json_get(c->inputs, role);
	struct slice s = json_is(v, JSON_STRING) ? v->text : (struct slice){0};

	return slice_starts(s, SLICE_LIT("text:")) ? slice_sub(s, 5, s.n) : s;
}

/* Paths of a case stay below its root. */
static bool inside(struct slice path)
{
	if (path.n == 0 || path.p[0] == '/' || memchr(path.p, 0, path.n))
		return false;
	for (size_t i = 0; i + 1 < path.n; i++)
		if (path.p[i] == '.' && path.p[i + 1] == '.')
			return false;
	return true;
}

rc conf_path(struct arena *a, const struct conf_case *c, struct slice path, struct slice *out, struct why *w)
{
	const char *roots[] = {c->root, c->shared, c->shared ? arena_printf(a, "%s/evidence", c->shared) : NULL};

	*out = (struct slice){0};
	if (!inside(path))
		return deny(w, E_MALFORMED, "conformance.path", "%s: \"" SLICE_FMT "\" is no path", c->id, SLICE_ARG(path));
	for (size_t i = 0; i < 3; i++) {
		const char *full = roots[i] ? arena_printf(a, "%s/" SLICE_FMT, roots[i], SLICE_ARG(path)) : NULL;

		if (full && file_exists(full))
			return file_read(a, full, FILE_MAX, out, w);
	}
	return deny(w, E_NOTFOUND, "conformance.file", "%s: there is no file " SLICE_FMT, c->id, SLICE_ARG(path));
}

rc conf_file(struct arena *a, const struct conf_case *c, const char *role, struct slice *out, struct why *w)
{
	const struct json *v = json_get(c->inputs, role);

	*out = (struct slice){0};
	if (!v)
		return rc_of(OK);
	if (!json_is(v, JSON_STRING))
		return deny(w, E_MALFORMED, "conformance.path", "%s: the input \"%s\" is no path", c->id, role);
	return conf_path(a, c, v->text, out, w);
}

rc conf_hex(struct arena *a, const struct conf_case *c, const char *role, struct slice *out, struct why *w)
{
	*out = (struct slice){0};
	if (!conf_has(c, role))
		return rc_of(OK);
	TRY(hex_decode(a, conf_text(c, role), out, role, w));
	if (!out->p)
		*out = SLICE_LIT("");
	return rc_of(OK);
}

rc conf_collateral(struct arena *a, struct vjob *job, const char *kind, const char *key, struct slice bytes, struct why *w)
{
	struct vcollateral *v = arena_array(a, job->collateral_n + 1, struct vcollateral);

	if (!v || job->collateral_n == PARTS_MAX)
		return deny(w, E_LIMIT, "conformance.parts", "more than %u pieces of collateral", PARTS_MAX);
	if (job->collateral_n)
		memcpy(v, job->collateral, job->collateral_n * sizeof(*v));
	v[job->collateral_n] = (struct vcollateral){.kind = kind, .key = key, .bytes = bytes};
	job->collateral = v;
	job->collateral_n++;
	return rc_of(OK);
}

rc conf_anchor(struct arena *a, struct vjob *job, const char *set, const uint8_t sha256[32], struct why *w)
{
	struct vanchor *v = arena_array(a, job->anchors_n + 1, struct vanchor);

	if (!v || job->anchors_n == PARTS_MAX)
		return deny(w, E_LIMIT, "conformance.parts", "more than %u anchors", PARTS_MAX);
	if (job->anchors_n)
		memcpy(v, job->anchors, job->anchors_n * sizeof(*v));
	v[job->anchors_n].set = set;
	memcpy(v[job->anchors_n].sha256, sha256, 32);
	job->anchors = v;
	job->anchors_n++;
	return rc_of(OK);
}

rc conf_anchor_cert(struct arena *a, struct vjob *job, const char *set, struct slice cert, struct why *w)
{
	struct x509 *x = NULL;
	rc r = x509_from_any(cert, &x, w);

	if (rc_ok(r))
		r = conf_anchor(a, job, set, x509_sha256(x), w);
	x509_free(x);
	job->only_configured_anchors = true;
	return r;
}

static const char *shown(struct arena *a, const struct json *v)
{
	struct slice text = v ? json_text(a, v) : SLICE_LIT("(absent)");

	return arena_printf(a, SLICE_FMT, SLICE_ARG(text));
}

rc conf_same(struct arena *a, const char *fact, const struct json *claim, const struct json *stated, struct why *w)
{
	rc r;

	if (claim && stated && json_equal(claim, stated))
		return rc_of(OK);
	r = deny(w, E_DENIED, "conformance.fact", "%s is %s, the case says %s", fact, shown(a, claim), shown(a, stated));
	why_compared(w, fact, shown(a, claim), shown(a, stated));
	return r;
}

rc conf_facts(struct arena *a, const struct json *facts, const struct json *claims, struct why *w)
{
	for (size_t i = 0; facts && i < facts->n; i++) {
		struct slice name = facts->members[i].name;

		TRY(conf_same(a, arena_strndup(a, name.p, name.n), json_get_slice(claims, name), facts->members[i].value, w));
	}
	return rc_of(OK);
}
