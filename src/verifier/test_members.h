/* test_members.h - a document with each of its members in turn left out, or of another kind or size: which of these are accepted.
 *
 * The first item stands for a list. Paths are JSON pointers; an accepted alteration is one word, "/path=absent", and the whole is
 * compared with a table, so that both show: a member that need not be there any more, and one that must be there now.
 */
#pragma once
#include "verifier/test_driver.h"

enum altering {
	ALT_ABSENT, ALT_NULL, ALT_TRUE, ALT_BIG, ALT_NEGATIVE, ALT_EMPTY, ALT_TEXT, ALT_LONG, ALT_LIST, ALT_OBJECT, ALT_SHORT, ALT_MORE,
	ALTERINGS
};

static inline const char *altering_name(enum altering k)
{
	static const char *const names[ALTERINGS] = {"absent", "null", "true", "big", "negative", "empty", "text", "long", "list", "object",
						     "short", "more"};

	return names[k];
}

#define LONG_TEXT ((size_t)700 << 10)	/* longer than any text may be, and shorter than most documents */

/* In place of `v`; NULL: nothing. */
static inline struct json *altered(struct arena *a, const struct json *v, enum altering k, struct slice long_text)
{
	struct json *list;

	switch (k) {
	case ALT_ABSENT:
	case ALTERINGS:
		return NULL;
	case ALT_NULL:
		return json_new_null(a);
	case ALT_TRUE:
		return json_new_bool(a, true);
	case ALT_BIG:
		return json_new_number(a, SLICE_LIT("18446744073709551616"));
	case ALT_NEGATIVE:
		return json_new_number(a, SLICE_LIT("-1"));
	case ALT_EMPTY:
		return json_new_cstr(a, "");
	case ALT_TEXT:
		return json_new_cstr(a, "!");
	case ALT_LONG:
		return json_new_str(a, long_text);
	case ALT_LIST:
		return json_new_array(a);
	case ALT_OBJECT:
		return json_new_object(a);
	case ALT_SHORT:
	case ALT_MORE:
		list = json_new_array(a);
		for (size_t i = 0; json_is(v, JSON_ARRAY) && i + (k == ALT_SHORT) < v->n; i++)
			json_push(a, list, json_at(v, i));
		for (size_t i = 0; k == ALT_MORE && i < (v->n > 64 ? v->n : 64) && v->n; i++)
			json_push(a, list, json_at(v, v->n - 1));
		return list;
	}
	return NULL;
}

struct members {
	struct arena *a;
	const struct json *root;
	struct slice long_text;
	bool (*accepted)(void *ctx, struct slice document);
	void *ctx;
	struct buf out;
	unsigned tried;
};

/* The document with `to` in the place of `from`, a value within it. */
static inline struct json *replaced(struct arena *a, const struct json *v, const struct json *from, const struct json *to)
{
	struct json *out = json_is(v, JSON_OBJECT) ? json_new_object(a) : json_new_array(a);

	for (size_t i = 0; i < v->n; i++) {
		const struct json *one = json_is(v, JSON_OBJECT) ? v->members[i].value : v->items[i];

		if (one == from)
			one = to;
		else if (json_is(one, JSON_OBJECT) || (json_is(one, JSON_ARRAY) && one->n < 64))
			one = replaced(a, one, from, to);
		if (one && json_is(v, JSON_OBJECT))
			json_set_slice(a, out, v->members[i].name, one);
		else if (one)
			json_push(a, out, one);
	}
	return out;
}

static inline void alter(struct members *m, const struct json *v, const char *path)
{
	for (int k = 0; k < ALTERINGS; k++) {
		struct arena *a;
		struct json *to;

		if ((k == ALT_SHORT || k == ALT_MORE) && !json_is(v, JSON_ARRAY))
			continue;
		a = arena_new(0);
		to = altered(a, v, (enum altering)k, m->long_text);
		if (to && (json_equal(to, v) || (k == ALT_OBJECT && json_is(v, JSON_OBJECT)))) {
			arena_free(a);
			continue;
		}
		if (m->accepted(m->ctx, json_text(a, replaced(a, m->root, v, to))))
			buf_printf(&m->out, "%s%s=%s", m->out.n ? " " : "", path, altering_name((enum altering)k));
		m->tried++;
		arena_free(a);
	}
}

static inline void alter_below(struct members *m, const struct json *v, const char *path)
{
	for (size_t i = 0; i < v->n && (i == 0 || json_is(v, JSON_OBJECT)); i++) {
		const struct json *one = json_is(v, JSON_OBJECT) ? v->members[i].value : v->items[i];
		const char *at = json_is(v, JSON_OBJECT) ? arena_printf(m->a, "%s/" SLICE_FMT, path, SLICE_ARG(v->members[i].name))
							  : arena_printf(m->a, "%s/0", path);

		if (json_is(v, JSON_OBJECT) || v->n < 64)	/* an item of more is replaced with its list alone */
			alter(m, one, at);
		if (json_is(one, JSON_OBJECT) || json_is(one, JSON_ARRAY))
			alter_below(m, one, at);
	}
}

/* The alterations that are accepted, in the arena of `m`. */
static inline const char *members_accepted(struct members *m, struct slice document)
{
	struct json *root = NULL;
	uint8_t *p;

	if (!rc_ok(json_parse(m->a, document, NULL, &root, NULL)) || !json_is(root, JSON_OBJECT))
		fail_msg("the document is no JSON object");
	p = arena_alloc(m->a, LONG_TEXT);
	assert_non_null(p);
	memset(p, 'A', LONG_TEXT);
	m->root = root;
	m->long_text = slice_of(p, LONG_TEXT);
	m->out = buf_in(m->a, 0);
	if (!m->accepted(m->ctx, document))
		fail_msg("the document as it is is not accepted");
	alter_below(m, root, "");
	buf_putc(&m->out, 0);
	return (const char *)m->out.p;
}

/* ---- of a driver's evidence ---- */

struct asked {
	const struct trial *good;
	const struct vdriver *driver;
};

static inline bool evidence_is_accepted(void *ctx, struct slice document)
{
	const struct asked *asked = ctx;
	struct trial t;
	rc r;

	trial_again(&t, asked->good);
	t.job.evidence = document;
	r = trial_run(&t, asked->driver);	/* which fails when a refusal says no reason */
	trial_end(&t);
	return rc_ok(r);
}

static inline void expect_members(const struct trial *good, const struct vdriver *d, const char *expected)
{
	struct asked asked = {good, d};
	struct members m = {.a = arena_new(0), .accepted = evidence_is_accepted, .ctx = &asked};
	const char *got = members_accepted(&m, good->job.evidence);

	if (strcmp(got, expected) != 0)
		fail_msg("%s accepts \"%s\", expected \"%s\"", d->tee, got, expected);
	assert_true(m.tried > 5);
	arena_free(m.a);
}
