/* tables.c - the list of all tables of built-in functions. */
#include "rego/builtin.h"

const struct rego_builtin *const rego_builtin_tables[] = {
	NULL,
};

const struct rego_builtin *rego_builtin_find(struct slice name)
{
	for (const struct rego_builtin *const *t = rego_builtin_tables; *t; t++) {
		for (const struct rego_builtin *b = *t; b->name; b++) {
			if (slice_is(name, b->name))
				return b;
		}
	}
	return NULL;
}
