/* embedded.h - text files that are part of a program (default policies, pages). Made by tools/embed. */
#pragma once
#include "base/slice.h"

struct embedded {
	const char *name;	/* file name without ending; NULL ends a table */
	struct slice text;
};

/* NULL when there is none of that name. */
static inline const struct embedded *embedded_find(const struct embedded *table, const char *name)
{
	for (; table->name; table++)
		if (strcmp(table->name, name) == 0)
			return table;
	return NULL;
}
