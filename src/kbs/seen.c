#include "kbs/seen.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct seen {
	pthread_mutex_t lock;
	uint8_t slot[SEEN_SLOTS][32];	/* zeros: empty; no text has that digest */
};

struct seen *seen_new(void)
{
	struct seen *s = calloc(1, sizeof(*s));

	if (s)
		pthread_mutex_init(&s->lock, NULL);
	return s;
}

void seen_free(struct seen *s)
{
	if (s) {
		pthread_mutex_destroy(&s->lock);
		free(s);
	}
}

static uint8_t *slot_of(struct seen *s, const uint8_t sha256[32])
{
	uint32_t h;

	memcpy(&h, sha256, sizeof(h));
	return s->slot[h % SEEN_SLOTS];
}

bool seen_has(struct seen *s, const uint8_t sha256[32])
{
	const uint8_t *slot = slot_of(s, sha256);
	bool has;

	pthread_mutex_lock(&s->lock);
	has = memcmp(slot, sha256, 32) == 0;
	pthread_mutex_unlock(&s->lock);
	return has;
}

void seen_add(struct seen *s, const uint8_t sha256[32])
{
	uint8_t *slot = slot_of(s, sha256);

	pthread_mutex_lock(&s->lock);
	memcpy(slot, sha256, 32);
	pthread_mutex_unlock(&s->lock);
}
