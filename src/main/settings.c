#include "main/settings.h"

#include <stdio.h>

#include "base/sys.h"
#include "codec/toml.h"

static const struct setting *row_of(const struct setting *rows, size_t n, struct slice name)
{
	for (size_t i = 0; i < n; i++)
		if (slice_is(name, rows[i].name))
			return &rows[i];
	return NULL;
}

/* The setting that a refusal is about, for settings_placed. */
static void about(struct why *w, const char *where, struct slice name, const char *found, const char *expected)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s" SLICE_FMT, where, SLICE_ARG(slice_sub(name, 0, 64)));
	why_compared(w, path, found, expected);
}

static rc type_error(const char *where, const char *name, const char *expected, const struct json *v, struct why *w)
{
	rc r = deny(w, E_MALFORMED, "config.type", "%s%s must be %s, it is %s", where, name, expected, json_kind_name(v));

	about(w, where, slice_cstr(name), json_kind_name(v), expected);
	return r;
}

static rc text_of(const struct json *v, const char *where, const char *name, const char *expected, const char **out, struct why *w)
{
	rc r;

	if (v->kind != JSON_STRING)
		return type_error(where, name, expected, v, w);
	if (!memchr(v->text.p, 0, v->text.n)) {
		*out = (const char *)v->text.p;
		return rc_of(OK);
	}
	r = deny(w, E_MALFORMED, "config.type", "%s%s holds a NUL", where, name);
	about(w, where, slice_cstr(name), NULL, NULL);
	return r;
}

static rc read_strings(const struct json *v, struct strings *out, const char *where, const char *name, struct arena *a,
		       struct why *w)
{
	struct strings s = {0};

	if (v->kind != JSON_ARRAY)
		return type_error(where, name, "an array of strings", v, w);
	s.v = arena_alloc_n(a, v->n + 1, sizeof(*s.v));
	if (!s.v)
		return deny(w, E_LIMIT, "config.memory", "no room");
	for (; s.n < v->n; s.n++)
		TRY(text_of(v->items[s.n], where, name, "an array of strings", &s.v[s.n], w));
	*out = s;
	return rc_of(OK);
}

static rc read_one(const struct json *v, const struct setting *row, void *into, const char *where, struct arena *a,
		   struct why *w)
{
	void *at = (char *)into + row->offset;
	int64_t n;

	switch (row->type) {
	case SET_STR:
		return text_of(v, where, row->name, "a string", at, w);
	case SET_BOOL:
		if (v->kind != JSON_BOOL)
			return type_error(where, row->name, "true or false", v, w);
		*(bool *)at = v->boolean;
		return rc_of(OK);
	case SET_INT:
		if (!json_i64(v, &n))
			return type_error(where, row->name, "an integer", v, w);
		if (n < row->min || n > row->max) {
			rc r = deny(w, E_MALFORMED, "config.range", "%s%s is %lld, it must be from %lld to %lld", where, row->name,
				    (long long)n, (long long)row->min, (long long)row->max);

			about(w, where, slice_cstr(row->name), NULL, NULL);
			return r;
		}
		*(int64_t *)at = n;
		return rc_of(OK);
	case SET_STRS:
		return read_strings(v, at, where, row->name, a, w);
	case SET_TABLE:
		if (v->kind != JSON_OBJECT)
			return type_error(where, row->name, "a table", v, w);
		*(const struct json **)at = v;
		return rc_of(OK);
	case SET_ARRAY:
		if (v->kind != JSON_ARRAY)
			return type_error(where, row->name, "an array", v, w);
		*(const struct json **)at = v;
		return rc_of(OK);
	case SET_REFUSED: {
		rc r = deny(w, E_UNSUPPORTED, "config.refused", "%s%s: %s", where, row->name, row->text);

		about(w, where, slice_cstr(row->name), NULL, NULL);
		return r;
	}
	case SET_IGNORED:
		return rc_of(OK);
	}
	return rc_of(OK);
}

rc settings_read(const struct json *table, const struct setting *rows, size_t n, void *into, const char *where,
		 struct arena *a, struct why *w)
{
	struct buf known = buf_in(a, 4096);
	rc r;

	if (table && table->kind != JSON_OBJECT)
		return type_error("", where, "a table", table, w);
	for (size_t i = 0; table && i < table->n; i++) {
		const struct json_member *m = &table->members[i];
		const struct setting *row = row_of(rows, n, m->name);

		if (row) {
			TRY(read_one(m->value, row, into, where, a, w));
			continue;
		}
		for (size_t k = 0; k < n; k++)
			buf_printf(&known, "%s%s", k ? ", " : "", rows[k].name);
		r = deny(w, E_MALFORMED, "config.unknown-key", "%s" SLICE_FMT " is no setting; known here are: %s", where,
			 SLICE_ARG(slice_sub(m->name, 0, 64)), buf_ok(&known) ? buf_cstr(&known) : "-");
		about(w, where, m->name, NULL, NULL);
		return r;
	}
	for (size_t i = 0; i < n; i++)
		if (rows[i].required && !json_get(table, rows[i].name)) {
			r = deny(w, E_MALFORMED, "config.missing", "%s%s is required", where, rows[i].name);
			about(w, "", slice_of(where, where[0] ? strlen(where) - 1 : 0), NULL, NULL);	/* the table is where it would stand */
			return r;
		}
	return rc_of(OK);
}

static bool ends(const char *s, const char *with)
{
	size_t n = strlen(s), k = strlen(with);

	return n >= k && strcmp(s + n - k, with) == 0;
}

rc settings_load(const char *path, struct arena *a, struct settings_file *out, struct why *w)
{
	struct settings_file f = {.path = path};

	TRY(file_read(a, path, SETTINGS_FILE_MAX, &f.text, w));
	if (ends(path, ".toml"))
		TRY(toml_parse(a, f.text, &f.doc, path, w));
	else if (ends(path, ".json"))
		TRY(note(w, json_parse(a, f.text, NULL, &f.doc, w), "reading the configuration %s", path));
	else
		return deny(w, E_UNSUPPORTED, "config.format", "%s: the name must end in .toml or .json", path);
	*out = f;
	return rc_of(OK);
}

/* The value at a dotted path; elements of an array are gone through, and one alone must have it. */
static const struct json *at_path(const struct json *v, const char *path)
{
	size_t n = strcspn(path, ".");
	const struct json *found = NULL;

	if (!v || !*path)
		return v;
	if (v->kind == JSON_OBJECT)
		return at_path(json_get_slice(v, slice_of(path, n)), path + n + (path[n] != 0));
	for (size_t i = 0; v->kind == JSON_ARRAY && i < v->n; i++) {
		const struct json *one = at_path(v->items[i], path);

		if (one && found)
			return NULL;
		found = one ? one : found;
	}
	return found;
}

rc settings_placed(const struct settings_file *f, rc r, struct why *w)
{
	const struct json *v = !rc_ok(r) && w && w->first && w->first->subject ? at_path(f->doc, w->first->subject) : NULL;
	unsigned line = 1;

	if (!v || !v->raw.p)
		return note(w, r, "reading the configuration %s", f->path);
	for (const uint8_t *p = f->text.p; p < v->raw.p; p++)
		line += *p == '\n';
	return note(w, r, "reading the configuration %s:%u", f->path, line);
}
