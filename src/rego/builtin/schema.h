/* schema.h - JSON Schema (drafts 4, 6 and 7) on values, with the texts of the library behind OPA.
 *
 * References reach inside the same schema only ("#", "#/definitions/x"): nothing is fetched.
 */
#pragma once
#include "rego/builtin/lib.h"

#define SCHEMA_DEPTH 200u	/* nesting of schemas and of references while checking */

struct schema {
	struct rego_call *c;
	struct rv root;
	const char *error;	/* why the schema itself is refused; in the arena */
	unsigned depth;
};

/* Is it a valid schema? E_MALFORMED with s->error; E_LIMIT. */
RC schema_check(struct schema *s, struct rv schema);
/* The errors of a document as an array of {desc, error, field, type}. The schema has been checked. */
RC schema_validate(struct schema *s, struct rv doc, struct rv *errors);

/* Shared by the two. */
const struct rv *schema_ref(const struct schema *s, struct slice ref);
bool schema_regex(struct schema *s, struct slice pattern, struct slice text, bool *valid);
bool schema_format_ok(struct slice format, struct slice text);
