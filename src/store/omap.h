/* omap.h - names in byte order: namespace, then key. What the memory store and the journal's front are made of.
 *
 * A treap: depth is logarithmic, because priorities are random. Not thread-safe. Nodes stay where they are until they
 * are removed. The two values are the owner's business: the map neither reads nor frees them.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct onode {
	struct onode *left, *right;
	uint64_t prio;
	void *v, *next;
	const char *key;
	char ns[];	/* namespace, 0, key, 0 */
};

struct omap {
	struct onode *root;
	uint64_t seed;	/* not 0 */
};

struct onode *omap_find(const struct omap *m, const char *ns, const char *key);
/* The first node at or behind (ns, key); strictly behind when `after`. NULL: none. */
struct onode *omap_seek(const struct omap *m, const char *ns, const char *key, bool after);
/* Finds it, or adds one with both values NULL; NULL without memory. */
struct onode *omap_add(struct omap *m, const char *ns, const char *key);
/* Takes the node out and frees it. */
void omap_remove(struct omap *m, struct onode *gone);
