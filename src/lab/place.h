/* place.h - fields of a binary structure by name: for shapes whose evidence has fixed offsets.
 *
 * A field's text is hex of as many bytes as it has, or empty for what stands there already; its number is little endian.
 */
#pragma once
#include "lab/lab.h"

struct lab_place {
	const char *name;
	uint16_t at, n;
};

/* One field of n bytes at `at`. E_MALFORMED lab.field. */
RC lab_put_field(uint8_t *at, const char *name, size_t n, const struct json *fields, struct why *w);
/* All that lie within the first `size` bytes. */
RC lab_put_places(uint8_t *body, size_t size, const struct lab_place *p, size_t n, const struct json *fields, struct why *w);
/* A field that the caller left empty carries what the evidence must be bound to; p == NULL: nothing. */
void lab_bind_field(uint8_t *at, size_t n, const char *name, const struct json *fields, struct slice bound);
