/* annotations.h - private to the compiler: what comments that begin with METADATA say, and what they stand above. */
#pragma once
#include "rego/tree.h"

enum scope { S_NONE, S_RULE, S_DOCUMENT, S_PACKAGE, S_SUBPACKAGES };

struct note {
	struct note *next;
	struct module *mod;
	struct rule *rule;	/* what it stands above: a rule, */
	bool package, import;	/* or the package, or an import; or nothing */
	enum scope scope;
	const char *scope_text;	/* "" when none is written */
	bool entrypoint;
	struct loc loc;
	struct rv fields;	/* an object, without the scope */
};

/* Comment i of a module begins a block. */
bool annotation_begins(const struct module *m, uint32_t i);
/* Reads the block of that comment and the n behind it into the scope, entrypoint and fields of *out. False: the error was
 * recorded. */
bool annotation_read(struct comp *c, struct module *m, uint32_t i, uint32_t n, struct note *out);
