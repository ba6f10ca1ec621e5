#include "kbs/attempts.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct slot {
	uint8_t id[16];
	unsigned taken;
};

struct attempts {
	pthread_mutex_t lock;
	struct slot slot[ATTEMPTS_SLOTS];
};

struct attempts *attempts_new(void)
{
	struct attempts *t = calloc(1, sizeof(*t));

	if (t)
		pthread_mutex_init(&t->lock, NULL);
	return t;
}

void attempts_free(struct attempts *t)
{
	if (t) {
		pthread_mutex_destroy(&t->lock);
		free(t);
	}
}

/* The end of the id is random, and was sealed by us: its own bytes are the hash. */
static struct slot *slot_of(struct attempts *t, const uint8_t id[16])
{
	uint32_t h;

	memcpy(&h, id + 16 - sizeof(h), sizeof(h));
	return &t->slot[h % ATTEMPTS_SLOTS];
}

bool attempts_take(struct attempts *t, const uint8_t id[16])
{
	struct slot *s = slot_of(t, id);
	bool left;

	pthread_mutex_lock(&t->lock);
	if (memcmp(s->id, id, sizeof(s->id)) != 0) {
		memcpy(s->id, id, sizeof(s->id));
		s->taken = 0;
	}
	left = s->taken < ATTEMPTS_MAX;
	s->taken += left;
	pthread_mutex_unlock(&t->lock);
	return left;
}

void attempts_return(struct attempts *t, const uint8_t id[16])
{
	struct slot *s = slot_of(t, id);

	pthread_mutex_lock(&t->lock);
	if (memcmp(s->id, id, sizeof(s->id)) == 0 && s->taken)
		s->taken--;
	pthread_mutex_unlock(&t->lock);
}
