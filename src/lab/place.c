#include "lab/place.h"

#include "base/num.h"
#include "codec/base64.h"

rc lab_put_field(uint8_t *at, const char *name, size_t n, const struct json *fields, struct why *w)
{
	struct slice text = lab_text(fields, name);
	uint64_t v;

	if (json_u64(json_get(fields, name), &v)) {
		if (n < 8 && v >> (8 * n))
			return deny(w, E_MALFORMED, "lab.field", "%s has %zu bytes: too few for the number", name, n);
		for (size_t i = 0; i < n; i++)
			at[i] = (uint8_t)(i < 8 ? v >> (8 * i) : 0);
		return rc_of(OK);
	}
	if (text.n == 0)
		return rc_of(OK);
	if (text.n != 2 * n || !rc_ok(hex_decode_into(text, at, n, name, NULL)))
		return deny(w, E_MALFORMED, "lab.field", "%s takes %zu hex digits, or nothing", name, 2 * n);
	return rc_of(OK);
}

rc lab_put_places(uint8_t *body, size_t size, const struct lab_place *p, size_t n, const struct json *fields, struct why *w)
{
	for (size_t i = 0; i < n; i++)
		if (p[i].at + p[i].n <= size)
			TRY(lab_put_field(body + p[i].at, p[i].name, p[i].n, fields, w));
	return rc_of(OK);
}

void lab_bind_field(uint8_t *at, size_t n, const char *name, const struct json *fields, struct slice bound)
{
	if (lab_text(fields, name).n == 0 && bound.p)
		memcpy(at, bound.p, MIN_OF(n, bound.n));
}
