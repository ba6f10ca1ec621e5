/* settings.h - tables of settings: a configuration file is read by rows (name, type, place), and what no row names is
 * refused with its path. Formats by file name: .toml, .json.
 */
#pragma once
#include "codec/json.h"

enum setting_type {
	SET_STR,	/* const char * */
	SET_BOOL,	/* bool */
	SET_INT,	/* int64_t, min..max */
	SET_STRS,	/* struct strings */
	SET_TABLE,	/* const struct json *, an object for another table of rows */
	SET_ARRAY,	/* const struct json *, an array of objects */
	SET_REFUSED,	/* known to the reference, not taken here: `text` says why */
	SET_IGNORED,	/* known to the reference, without effect here or there */
};

struct strings {
	const char **v;
	size_t n;
};

struct setting {
	const char *name;
	enum setting_type type;
	size_t offset;	/* in the struct of the table */
	bool required;
	int64_t min, max;
	const char *text;
};

#define SETTINGS_FILE_MAX ((size_t)1 << 20)

/* E_MALFORMED config.unknown-key, config.type, config.range, config.missing; E_UNSUPPORTED config.refused; all name the path. */
RC settings_read(const struct json *table, const struct setting *rows, size_t n, void *into, const char *where,
		 struct arena *a, struct why *w);
/* The document of a file. E_UNSUPPORTED config.format. */
RC settings_load(const char *path, struct arena *a, struct json **out, struct why *w);
