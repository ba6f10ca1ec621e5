/* lazy.h - private to the values: a JSON text of which collections are read when they are touched.
 *
 * The whole text is checked at once, as strictly as rv_from_json does; what stays undone is to make values of what no policy asks
 * for. A closed collection knows its place in the text; reading it makes its scalars, and closed collections for the others.
 */
#pragma once
#include "rego/value.h"

/* One entry a scalar or key: offset and length in the text (SCAN_ESCAPED: a string with escapes). Two a collection: its offset,
 * marked, and the entry behind it; then how many elements (members: a key counted with its value) and how deep it nests. */
struct tape {
	uint32_t at, x;
};
#define LAZY_COLLECTION 0x80000000u

struct rv_source {
	struct rv_heap *heap;
	struct slice text;
	const struct tape *tape;
};

/* The value that begins at text.p and is known to be well-formed. */
struct rv read_scalar(struct rv_heap *h, struct slice text);

/* The places of all values of a text. NULL: not well-formed, no memory, or too unusual: then rv_from_json decides. level: enum
 * scan_level. */
const struct tape *lazy_index(struct rv_heap *h, struct slice text, int level);
/* The value at a place of a source. */
struct rv lazy_value(const struct rv_source *s, uint32_t i);

/* An object of n members to be filled again (value.c). */
struct rv_builder rv_refill(struct rv_heap *h, struct rv_coll *c, size_t n);
