#include "verifier/claims_doc.h"

#include "verifier/registry.h"

/* ---- the document ---- */

static void cell(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '|')
			buf_putc(out, '\\');
		buf_putc(out, *text);
	}
}

static void table(struct buf *out, const struct vdriver *d)
{
	buf_printf(out, "\n## %s\n\n| claim | type | meaning | source |\n|---|---|---|---|\n", d->tee);
	for (const struct vclaim *c = d->claims; c->path; c++) {
		buf_printf(out, "| `%s` | %s | ", c->path, c->type);
		cell(out, c->meaning);
		buf_puts(out, " | ");
		cell(out, c->source);
		buf_puts(out, " |\n");
	}
}

void claims_doc_write(struct buf *out)
{
	buf_puts(out, "# Claims\n\n"
		      "What each verifier says of evidence that it accepted. A policy finds the claims of a TEE under its name:\n"
		      "`input.<tee>.<claim>`. `report_data` and `init_data` stand at the top of the token claims instead.\n"
		      "Where a guest gave init-data that its evidence has no field for (csv, hygondcu, nitro, nvidia, se), nothing is claimed of it:\n"
		      "there is no `init_data` and no `init_data_claims`, and `init_data_bound` stands at the top as `false`.\n"
		      "`*` stands for any name, `[]` for each item of a list. Bytes are in hexadecimal unless the meaning says base64.\n\n"
		      "Made from the tables of the drivers: `WARRANT_UPDATE=1 meson test -C build verifier/test_claims`.\n");
	for (size_t i = 0; registry[i]; i++)
		if (registry[i]->claims)
			table(out, registry[i]);
}

/* ---- the check ---- */

/* `*` in the pattern stands for one name. */
static bool path_fits(const char *pattern, const char *path)
{
	while (*pattern && *path) {
		if (*pattern == '*') {
			pattern++;
			path += strcspn(path, ".[");
			continue;
		}
		if (*pattern++ != *path++)
			return false;
	}
	return *pattern == *path;
}

const struct vclaim *claims_row(const struct vdriver *d, const char *path)
{
	for (const struct vclaim *c = d->claims; c && c->path; c++)
		if (path_fits(c->path, path))
			return c;
	return NULL;
}

static bool type_fits(const char *types, const char *type)
{
	size_t n = strlen(type);

	for (const char *at = types; at; at = strstr(at, " or ") ? strstr(at, " or ") + 4 : NULL)
		if (!strncmp(at, type, n) && (at[n] == 0 || at[n] == ' '))
			return true;
	return false;
}

static const char *undocumented_at(const struct vdriver *d, const struct json *v, const char *path, struct arena *a)
{
	const struct vclaim *row = claims_row(d, path);
	const char *found = NULL;

	/* an object or a list without a row of its own is documented by the rows of its parts; others need one */
	if (!row && v->kind != JSON_OBJECT && v->kind != JSON_ARRAY)
		return path;
	if (row && !type_fits(row->type, json_kind_name(v)))
		return arena_printf(a, "%s (%s)", path, json_kind_name(v));
	/* a row that ends in the object itself says all there is to say about its parts */
	if (row)
		return NULL;
	for (size_t i = 0; i < v->n && !found; i++)
		found = v->kind == JSON_OBJECT
				? undocumented_at(d, v->members[i].value,
						  arena_printf(a, "%s%s" SLICE_FMT, path, *path ? "." : "", SLICE_ARG(v->members[i].name)), a)
				: undocumented_at(d, v->items[i], arena_printf(a, "%s[]", path), a);
	return found;
}

const char *claims_undocumented(const struct vdriver *d, const struct json *claims, struct arena *a)
{
	return undocumented_at(d, claims, "", a);
}
