/* settings.h - tables of settings: a configuration file is read by rows (name, type, place), and what no row names is
 * refused with its path. Formats by file name: .toml, .json.
 *
 * Threads: no state.
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

/* A configuration as it was read; in the arena. */
struct settings_file {
	const char *path;
	struct slice text;
	struct json *doc;
};

/* E_MALFORMED config.unknown-key, config.type, config.range, config.missing; E_UNSUPPORTED config.refused; all name the path, as
 * text and as what was compared. `where` is the path of the table with a dot behind it, or "". */
RC settings_read(const struct json *table, const struct setting *rows, size_t n, void *into, const char *where,
		 struct arena *a, struct why *w);
/* The document of a file. E_UNSUPPORTED config.format, and what the reader of its format says, with the place. */
RC settings_load(const char *path, struct arena *a, struct settings_file *out, struct why *w);
/* Notes the file, and the line where the setting of a refusal by settings_read stands, if it stands in one place. Returns r. */
RC settings_placed(const struct settings_file *f, rc r, struct why *w);
