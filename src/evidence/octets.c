#include "evidence/octets.h"

RC octets_need(struct arena *a, const struct json *obj, const char *name, size_t min, size_t max, struct slice *out,
	       const char *what, struct why *w)
{
	const struct json *v = json_get(obj, name);
	uint8_t *p;

	if (!json_is(v, JSON_ARRAY))
		return deny(w, E_MALFORMED, "octets.malformed", "%s: %s must be an array of numbers, not %s", what, name,
			    json_kind_name(v));
	if (v->n < min || v->n > max)
		return deny(w, E_MALFORMED, "octets.malformed", "%s: %s has %zu bytes, expected %zu to %zu", what, name, v->n,
			    min, max);
	p = arena_array(a, v->n + 1, uint8_t);
	if (!p)
		return deny(w, E_INTERNAL, "octets.memory", "%s: no memory for %s", what, name);
	for (size_t i = 0; i < v->n; i++) {
		uint64_t byte;

		if (!json_u64(json_at(v, i), &byte) || byte > 255)
			return deny(w, E_MALFORMED, "octets.malformed", "%s: %s[%zu] is no number 0 to 255", what, name, i);
		p[i] = (uint8_t)byte;
	}
	*out = slice_of(p, v->n);
	return rc_of(OK);
}

RC recast(rc r, const struct why *inner, const char *malformed, const char *unsupported, struct why *w)
{
	if (rc_ok(r))
		return r;
	return deny(w, r.code, r.code == E_UNSUPPORTED ? unsupported : malformed, "%s (%s)", why_text(inner),
		    why_reason(inner));
}
