/* folder.c - worlds in a folder, and fields from a command line. */
#include "base/sys.h"
#include "lab/lab.h"

#define ITEM_MAX ((size_t)1 << 20)

static const char *world_name(const char *tee)
{
	const struct lab_shape *s = lab_shape_find(tee);

	return s && s->world ? s->world : tee;
}

static RC write_item(const struct lab_item *i, const char *dir, struct arena *a, struct why *w)
{
	size_t n = strlen(i->name);
	bool secret = n > 4 && strcmp(i->name + n - 4, ".key") == 0;
	char *path = arena_printf(a, "%s/%s", dir, i->name);

	return path ? file_write_atomic(path, i->bytes, secret ? 0600 : 0644, w) : lab_failed(w, "a file");
}

static RC write_anchor(const struct lab_item *i, const char *dir, const char *world, struct arena *a, struct why *w)
{
	char *set = arena_printf(a, "%s/trust/%s", dir, i->anchor), *path = arena_printf(a, "%s/lab-%s-%s", set, world, i->name);

	if (!set || !path)
		return lab_failed(w, "an anchor");
	TRY(file_mkdirs(set, 0755, w));
	return file_write_atomic(path, i->bytes, 0644, w);
}

static void set_text(struct arena *a, struct json *o, const char *name, const char *value)
{
	if (value)
		json_set(a, o, name, json_new_cstr(a, value));
}

rc lab_save(const struct lab_world *l, const char *dir, struct arena *a, struct why *w)
{
	const char *world = world_name(l->tee), *home = arena_printf(a, "%s/%s", dir, world);
	struct json *list = json_new_array(a);

	if (!home)
		return lab_failed(w, "a folder");
	TRY(file_mkdirs(home, 0755, w));
	for (size_t i = 0; i < l->n; i++) {
		struct json *o = json_new_object(a);

		set_text(a, o, "name", l->item[i].name);
		set_text(a, o, "anchor", l->item[i].anchor);
		set_text(a, o, "kind", l->item[i].kind);
		set_text(a, o, "key", l->item[i].key);
		json_push(a, list, o);
		TRY(write_item(&l->item[i], home, a, w));
		if (l->item[i].anchor)
			TRY(write_anchor(&l->item[i], dir, world, a, w));
	}
	return file_write_atomic(arena_printf(a, "%s/world.json", home), json_text(a, list), 0644, w);
}

static const char *get_text(const struct json *o, const char *name)
{
	const struct json *v = json_get(o, name);

	return json_is(v, JSON_STRING) ? (const char *)v->text.p : NULL;	/* strings of a document end with a NUL */
}

rc lab_load(const char *dir, const char *tee, struct arena *a, struct lab_world *out, struct why *w)
{
	const char *home = arena_printf(a, "%s/%s", dir, world_name(tee));
	struct lab_world l = {.tee = tee};
	struct slice text;
	struct json *list;
	rc r;

	if (!lab_shape_find(tee))
		return deny(w, E_UNSUPPORTED, "lab.tee", "the laboratory has no shape \"%s\"", tee);
	r = file_read(a, arena_printf(a, "%s/world.json", home), ITEM_MAX, &text, NULL);
	if (!rc_ok(r))
		return deny(w, r.code, "lab.world", "there is no world of %s in %s: `warrant-lab make --state DIR` makes one", tee, dir);
	TRY(json_parse(a, text, NULL, &list, w));
	for (size_t i = 0; i < list->n; i++) {
		const struct json *o = json_at(list, i);
		const char *name = get_text(o, "name");
		struct lab_item *item;
		struct slice bytes;

		if (!name || strchr(name, '/') || l.n == LAB_ITEMS_MAX)
			return deny(w, E_MALFORMED, "lab.world", "%s/world.json names no file, or too many", home);
		TRY(file_read(a, arena_printf(a, "%s/%s", home, name), ITEM_MAX, &bytes, w));
		item = lab_add(&l, name, bytes);
		item->anchor = get_text(o, "anchor");
		item->kind = get_text(o, "kind");
		item->key = get_text(o, "key");
	}
	*out = l;
	return rc_of(OK);
}

rc lab_fields(const char *const *pairs, size_t n, const char *tee, struct arena *a, struct json **out, struct why *w)
{
	const struct lab_shape *s = lab_shape_find(tee);
	struct json *fields = json_new_object(a), *good;

	if (!s)
		return deny(w, E_UNSUPPORTED, "lab.tee", "the laboratory has no shape \"%s\"", tee);
	TRY(json_parse(a, slice_cstr(s->fields), NULL, &good, w));
	for (size_t i = 0; i < n; i++) {
		const char *eq = strchr(pairs[i], '=');
		struct slice name = slice_of(pairs[i], eq ? (size_t)(eq - pairs[i]) : 0);
		struct json *v = NULL;

		if (!name.n)
			return deny(w, E_MALFORMED, "lab.field", "\"%s\" is not NAME=VALUE", pairs[i]);
		/* digits may be a number or hex: the field's own kind decides */
		if (json_is(json_get_slice(good, name), JSON_STRING) || !rc_ok(json_parse(a, slice_cstr(eq + 1), NULL, &v, NULL)))
			v = json_new_cstr(a, eq + 1);
		json_set_slice(a, fields, name, v);
	}
	*out = fields;
	return arena_bad(a) ? lab_failed(w, "fields") : rc_of(OK);
}
