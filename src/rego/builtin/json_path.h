/* json_path.h - paths into documents: "a/b/0" with ~0 and ~1, or an array of keys. */
#pragma once
#include "rego/builtin/lib.h"

#define JSON_PATH_MAX RV_MAX_DEPTH	/* segments of a path */

/* The segments as an array of values; a string's segments are strings. `operand` counts from 1. */
RC json_path(struct rego_call *c, struct rv path, unsigned operand, struct rv *out);
