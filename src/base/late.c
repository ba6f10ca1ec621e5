#include "base/late.h"

#include <dlfcn.h>

static void *load(struct late *l)
{
	void *h;

	pthread_mutex_lock(&l->lock);
	if (!l->tried) {
		l->tried = true;
		l->handle = dlopen(l->soname, RTLD_NOW | RTLD_LOCAL);
	}
	h = l->handle;
	pthread_mutex_unlock(&l->lock);
	return h;
}

bool late_load(struct late *l)
{
	return load(l) != NULL;
}

void *late_symbol(struct late *l, const char *name, _Atomic(void *) *slot)
{
	void *p = atomic_load_explicit(slot, memory_order_acquire), *h;

	if (p)
		return p;
	h = load(l);
	p = h ? dlsym(h, name) : NULL;
	atomic_store_explicit(slot, p, memory_order_release);
	return p;
}
