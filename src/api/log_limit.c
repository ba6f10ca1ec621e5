#include "api/log_limit.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/sys.h"

struct slot {
	int64_t second;
	unsigned taken;
	uint64_t quiet;
};

struct log_limit {
	pthread_mutex_t lock;
	uint64_t seed;
	struct slot slot[LOG_LIMIT_SLOTS];
};

struct log_limit *log_limit_new(void)
{
	struct log_limit *l = calloc(1, sizeof(*l));

	if (!l || !rc_ok(sys_random(&l->seed, sizeof(l->seed), NULL))) {
		free(l);
		return NULL;
	}
	pthread_mutex_init(&l->lock, NULL);
	return l;
}

void log_limit_free(struct log_limit *l)
{
	if (l) {
		pthread_mutex_destroy(&l->lock);
		free(l);
	}
}

static struct slot *slot_of(struct log_limit *l, const char *peer)
{
	uint64_t h = l->seed;

	for (; *peer; peer++)
		h = (h ^ (uint8_t)*peer) * 0x100000001b3u;
	return &l->slot[(h ^ h >> 32) % LOG_LIMIT_SLOTS];
}

bool log_limit_take(struct log_limit *l, const char *peer, int64_t now_ns, uint64_t *quiet)
{
	struct slot *s = slot_of(l, peer);
	int64_t second = now_ns / 1000000000;
	bool ok;

	pthread_mutex_lock(&l->lock);
	if (s->second != second) {
		s->second = second;
		s->taken = 0;
	}
	ok = s->taken < LOG_LIMIT_A_SECOND;
	s->taken += ok;
	*quiet = ok ? s->quiet : 0;
	s->quiet = ok ? 0 : s->quiet + 1;
	pthread_mutex_unlock(&l->lock);
	return ok;
}
