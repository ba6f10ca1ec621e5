#include "lab/lab.h"

#include <assert.h>

#include "base/num.h"
#include "codec/base64.h"
#include "lab/shapes.h"

const struct lab_shape *const lab_shapes[] = {
	&lab_az_snp,
	&lab_az_tdx,
	&lab_cca,
	&lab_csv,
	&lab_dcu,
	&lab_nitro,
	&lab_nvidia,
	&lab_se,
	&lab_sgx,
	&lab_snp,
	&lab_tdx,
	&lab_tpm,
	NULL,
};

const struct lab_shape *lab_shape_find(const char *tee)
{
	for (size_t i = 0; lab_shapes[i]; i++)
		if (strcmp(lab_shapes[i]->tee, tee) == 0)
			return lab_shapes[i];
	return NULL;
}

rc lab_failed(struct why *w, const char *what)
{
	return deny(w, E_INTERNAL, "lab.make", "the laboratory does not make %s", what);
}

rc lab_make(const char *tee, const struct lab_options *o, struct arena *a, struct lab_world *out, struct why *w)
{
	const struct lab_shape *s = lab_shape_find(tee);
	struct lab_world l = {.tee = tee};
	struct lab_options own = *o;

	if (!s)
		return deny(w, E_UNSUPPORTED, "lab.tee", "the laboratory has no shape \"%s\"", tee);
	if (o->variant && (!s->variants || !strstr(s->variants, o->variant)))
		return deny(w, E_UNSUPPORTED, "lab.variant", "%s has no variant \"%s\": %s", tee, o->variant, s->variants ? s->variants : "none");
	l.tee = s->tee;
	own.variant = o->variant ? arena_strdup(a, o->variant) : NULL;	/* a world outlives who asked for it */
	TRY(s->make(&own, a, &l, w));
	*out = l;
	return rc_of(OK);
}

/* Fields of bytes have good values of at least this many hex digits; shorter texts are names and versions. */
#define HEX_MIN 16u

static bool is_hex(struct slice text, size_t min)
{
	for (size_t i = 0; i < text.n; i++)
		if (!memchr("0123456789abcdefABCDEF", text.p[i], 22))
			return false;
	return text.n % 2 == 0 && text.n >= min;
}

rc lab_merge(const struct lab_shape *s, const struct json *fields, struct arena *a, struct json **out, struct why *w)
{
	struct json *all;

	TRY(json_parse(a, slice_cstr(s->fields), NULL, &all, w));
	for (size_t i = 0; fields && i < fields->n; i++) {
		const struct json_member *m = &fields->members[i];
		const struct json *good = json_get_slice(all, m->name);

		if (!good)
			return deny(w, E_MALFORMED, "lab.field", "evidence of %s has no field \"" SLICE_FMT "\"", s->tee,
				    SLICE_ARG(slice_sub(m->name, 0, 64)));
		if (good->kind != m->value->kind)
			return deny(w, E_MALFORMED, "lab.field", SLICE_FMT " takes %s, not %s", SLICE_ARG(m->name), json_kind_name(good),
				    json_kind_name(m->value));
		if (good->kind == JSON_STRING && is_hex(good->text, HEX_MIN) && !is_hex(m->value->text, 0))
			return deny(w, E_MALFORMED, "lab.field", SLICE_FMT " takes hexadecimal digits", SLICE_ARG(m->name));
		json_set_slice(a, all, m->name, m->value);
	}
	*out = all;
	return arena_bad(a) ? lab_failed(w, "fields") : rc_of(OK);
}

rc lab_evidence(const struct lab_world *l, const struct lab_binding *b, const struct json *fields, struct arena *a,
		struct slice *out, struct why *w)
{
	const struct lab_shape *s = lab_shape_find(l->tee);
	struct json *all;

	TRY(lab_merge(s, fields, a, &all, w));
	TRY(note(w, s->evidence(l, b, all, a, out, w), "making evidence of %s", l->tee));
	return arena_bad(a) ? lab_failed(w, "evidence") : rc_of(OK);
}

struct slice lab_item(const struct lab_world *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->item[i].name, name) == 0)
			return l->item[i].bytes;
	return (struct slice){0};
}

struct lab_item *lab_add(struct lab_world *l, const char *name, struct slice bytes)
{
	assert(l->n < LAB_ITEMS_MAX);
	l->item[l->n] = (struct lab_item){.name = name, .bytes = bytes};
	return &l->item[l->n++];
}

uint64_t lab_number(const struct json *fields, const char *name)
{
	uint64_t v = 0;

	return json_u64(json_get(fields, name), &v) ? v : 0;
}

bool lab_bool(const struct json *fields, const char *name)
{
	const struct json *v = json_get(fields, name);

	return v && v->kind == JSON_BOOL && v->boolean;
}

struct slice lab_text(const struct json *fields, const char *name)
{
	const struct json *v = json_get(fields, name);

	return json_is(v, JSON_STRING) ? v->text : (struct slice){0};
}

struct slice lab_hex(const struct json *fields, const char *name, struct arena *a)
{
	struct slice out = {0};

	return rc_ok(hex_decode(a, lab_text(fields, name), &out, name, NULL)) ? out : (struct slice){0};
}

struct slice lab_fit(struct slice data, size_t n, struct arena *a)
{
	uint8_t *p = arena_alloc(a, n);

	if (p && data.p)
		memcpy(p, data.p, MIN_OF(n, data.n));
	return (struct slice){p, p ? n : 0};
}
