#include "main/settings.h"

#include "base/sys.h"
#include "codec/toml.h"

static const struct setting *row_of(const struct setting *rows, size_t n, struct slice name)
{
	for (size_t i = 0; i < n; i++)
		if (slice_is(name, rows[i].name))
			return &rows[i];
	return NULL;
}

static rc type_error(const char *where, const char *name, const char *expected, const struct json *v, struct why *w)
{
	rc r = deny(w, E_MALFORMED, "config.type", "%s%s must be %s, it is %s", where, name, expected, json_kind_name(v));

	why_compared(w, name, json_kind_name(v), expected);
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
	for (; s.n < v->n; s.n++) {
		if (v->items[s.n]->kind != JSON_STRING)
			return type_error(where, name, "an array of strings", v->items[s.n], w);
		s.v[s.n] = (const char *)v->items[s.n]->text.p;
	}
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
		if (v->kind != JSON_STRING)
			return type_error(where, row->name, "a string", v, w);
		if (memchr(v->text.p, 0, v->text.n))
			return deny(w, E_MALFORMED, "config.type", "%s%s holds a NUL", where, row->name);
		*(const char **)at = (const char *)v->text.p;
		return rc_of(OK);
	case SET_BOOL:
		if (v->kind != JSON_BOOL)
			return type_error(where, row->name, "true or false", v, w);
		*(bool *)at = v->boolean;
		return rc_of(OK);
	case SET_INT:
		if (!json_i64(v, &n))
			return type_error(where, row->name, "an integer", v, w);
		if (n < row->min || n > row->max)
			return deny(w, E_MALFORMED, "config.range", "%s%s is %lld, it must be from %lld to %lld", where, row->name,
				    (long long)n, (long long)row->min, (long long)row->max);
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
	case SET_REFUSED:
		return deny(w, E_UNSUPPORTED, "config.refused", "%s%s: %s", where, row->name, row->text);
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
		return r;
	}
	for (size_t i = 0; i < n; i++)
		if (rows[i].required && !json_get(table, rows[i].name))
			return deny(w, E_MALFORMED, "config.missing", "%s%s is required", where, rows[i].name);
	return rc_of(OK);
}

static bool ends(const char *s, const char *with)
{
	size_t n = strlen(s), k = strlen(with);

	return n >= k && strcmp(s + n - k, with) == 0;
}

rc settings_load(const char *path, struct arena *a, struct json **out, struct why *w)
{
	struct slice text;

	TRY(file_read(a, path, SETTINGS_FILE_MAX, &text, w));
	if (ends(path, ".toml"))
		return note(w, toml_parse(a, text, out, path, w), "reading the configuration %s", path);
	if (ends(path, ".json"))
		return note(w, json_parse(a, text, NULL, out, w), "reading the configuration %s", path);
	return deny(w, E_UNSUPPORTED, "config.format", "%s: the name must end in .toml or .json", path);
}
