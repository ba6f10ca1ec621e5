/* yaml.h - YAML to values and back, by libyaml with the scalar rules of YAML 1.1 that upstream's library has. */
#pragma once
#include "rego/builtin/lib.h"

#define YAML_DEPTH 200u	/* nesting of a document */

/* The first document. *bad is a text when it is not YAML (NULL when memory ran out). */
struct rv yaml_read(struct rv_heap *h, struct slice text, const char **bad);
/* As annotations are read: only true and false are truth values (y, yes, on and their like are strings), a key stands once,
 * and inside of values keys are strings and dates become RFC 3339. */
struct rv yaml_read_core(struct rv_heap *h, struct slice text, const char **bad);
/* v holds what JSON can hold; sets are written as arrays. False without memory. */
bool yaml_write(struct arena *a, struct rv v, struct buf *out);
/* Does the plain scalar s stand for a string, and not for a number, a truth value or null? */
bool yaml_plain_string(struct slice s);
