/* files_name.h - keys as file names, both ways (store_files.c).
 *
 * The layout of spec kbs.md 9: `/` is written \x2F. Beyond it, so that every key has one name and back: `\` is \x5C, a
 * dot at the beginning is \x2E, and a name over FILES_PART characters continues in a folder: "<part>\+/<rest>". The
 * file of a value that expires ends in \e and holds 8 bytes (big endian unix seconds) before the value.
 */
#pragma once
#include "base/why.h"
#include "store/store.h"

#define FILES_PART 200u
#define FILES_NAME_MAX (4u * STORE_KEY_MAX + 64u)	/* with its NUL */

/* Writes the name and returns its length. The key was checked by store.c. */
size_t files_name(const char *key, bool expires, char out[FILES_NAME_MAX]);
/* The key of a name; E_MALFORMED store.name for a file that is not one of ours. */
RC files_key(struct slice name, char key[STORE_KEY_MAX + 1], bool *expires, struct why *w);

/* ---- the journal: what a batch still has to do, written whole before the first step ---- */

struct files_step {
	const char *from;	/* in the folder .new; NULL: remove `to` */
	const char *to;		/* namespace/name, relative to the folder of the store */
};

struct slice files_journal_write(struct arena *a, const struct files_step *steps, size_t n);
/* E_MALFORMED store.journal. Paths that leave the folder are refused. */
RC files_journal_parse(struct arena *a, struct slice in, struct files_step **steps, size_t *n, struct why *w);
