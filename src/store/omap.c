#include "store/omap.h"

#include <stdlib.h>
#include <string.h>

static int cmp(const struct onode *n, const char *ns, const char *key)
{
	int c = strcmp(n->ns, ns);

	return c ? c : strcmp(n->key, key);
}

struct onode *omap_find(const struct omap *m, const char *ns, const char *key)
{
	struct onode *n = m->root;

	while (n) {
		int c = cmp(n, ns, key);

		if (c == 0)
			return n;
		n = c > 0 ? n->left : n->right;
	}
	return NULL;
}

struct onode *omap_seek(const struct omap *m, const char *ns, const char *key, bool after)
{
	struct onode *n = m->root, *best = NULL;

	while (n) {
		int c = cmp(n, ns, key);

		if (c > 0 || (c == 0 && !after)) {
			best = n;
			n = n->left;
		} else {
			n = n->right;
		}
	}
	return best;
}

static struct onode *rotate(struct onode *n, bool to_right)
{
	struct onode *up = to_right ? n->left : n->right;

	if (to_right) {
		n->left = up->right;
		up->right = n;
	} else {
		n->right = up->left;
		up->left = n;
	}
	return up;
}

static struct onode *add(struct onode *n, struct onode *new)
{
	if (!n)
		return new;
	if (cmp(n, new->ns, new->key) > 0) {
		n->left = add(n->left, new);
		return n->left->prio > n->prio ? rotate(n, true) : n;
	}
	n->right = add(n->right, new);
	return n->right->prio > n->prio ? rotate(n, false) : n;
}

struct onode *omap_add(struct omap *m, const char *ns, const char *key)
{
	struct onode *n = omap_find(m, ns, key);
	size_t a = strlen(ns) + 1, b = strlen(key) + 1;

	if (n)
		return n;
	n = calloc(1, sizeof(*n) + a + b);
	if (!n)
		return NULL;
	memcpy(n->ns, ns, a);
	memcpy(n->ns + a, key, b);
	n->key = n->ns + a;
	m->seed = m->seed * 6364136223846793005u + 1442695040888963407u;
	n->prio = m->seed ^ (m->seed >> 29);
	m->root = add(m->root, n);
	return n;
}

static struct onode *join(struct onode *a, struct onode *b)
{
	if (!a || !b)
		return a ? a : b;
	if (a->prio > b->prio) {
		a->right = join(a->right, b);
		return a;
	}
	b->left = join(a, b->left);
	return b;
}

void omap_remove(struct omap *m, struct onode *gone)
{
	struct onode **at = &m->root;

	while (*at != gone)
		at = cmp(*at, gone->ns, gone->key) > 0 ? &(*at)->left : &(*at)->right;
	*at = join(gone->left, gone->right);
	free(gone);
}
