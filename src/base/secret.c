#include "base/secret.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/num.h"
#include "base/sys.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

/* Pages of secrets that ended, wiped, still locked and kept out of core files: mapping one anew takes five system calls, and
 * unmapping one stops every other processor that runs this process.
 */
#define SPARE_MAX 64u

static pthread_mutex_t spare_lock = PTHREAD_MUTEX_INITIALIZER;
static void *spare[SPARE_MAX];
static unsigned spare_n;

static void *take_spare(void)
{
	void *p = NULL;

	pthread_mutex_lock(&spare_lock);
	if (spare_n)
		p = spare[--spare_n];
	pthread_mutex_unlock(&spare_lock);
	return p;
}

static bool keep_spare(void *p)
{
	bool kept;

	pthread_mutex_lock(&spare_lock);
	kept = spare_n < SPARE_MAX;
	if (kept)
		spare[spare_n++] = p;
	pthread_mutex_unlock(&spare_lock);
	return kept;
}

void secret_wipe(void *p, size_t n)
{
	if (p && n)
		explicit_bzero(p, n);
}

rc secret_new(struct secret *out, size_t n, struct why *w)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), mapped;
	void *p;

	if (!num_add(MAX_OF(n, (size_t)1), page - 1, &mapped))
		return deny(w, E_LIMIT, "secret.size", "a secret of %zu bytes is too large", n);
	mapped -= mapped % page;
	p = mapped == page ? take_spare() : NULL;
	if (p) {
		ASAN_UNPOISON_MEMORY_REGION(p, mapped);
		*out = (struct secret){p, n, mapped};
		return rc_of(OK);
	}
	p = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return deny(w, E_UNAVAILABLE, "secret.memory", "no memory for a secret of %zu bytes", n);
	/* Locking is best effort: RLIMIT_MEMLOCK of an ordinary user is small, and a broker without swap is as
	 * safe. Core files and children are not best effort. */
	(void)mlock(p, mapped);
	if (madvise(p, mapped, MADV_DONTDUMP) != 0 || madvise(p, mapped, MADV_WIPEONFORK) != 0) {
		munmap(p, mapped);
		return deny(w, E_UNAVAILABLE, "secret.memory", "the kernel cannot keep a secret out of core files");
	}
	*out = (struct secret){p, n, mapped};
	return rc_of(OK);
}

rc secret_copy(struct secret *out, struct slice from, struct why *w)
{
	TRY(secret_new(out, from.n, w));
	if (from.n)
		memcpy(out->p, from.p, from.n);
	return rc_of(OK);
}

rc secret_random(struct secret *out, size_t n, struct why *w)
{
	struct secret s;
	rc r;

	TRY(secret_new(&s, n, w));
	r = sys_random(s.p, n, w);
	if (!rc_ok(r)) {
		secret_free(&s);
		return r;
	}
	*out = s;
	return r;
}

void secret_free(struct secret *s)
{
	if (s && s->p) {
		explicit_bzero(s->p, s->mapped);
		ASAN_POISON_MEMORY_REGION(s->p, s->mapped);
		if (s->mapped != (size_t)sysconf(_SC_PAGESIZE) || !keep_spare(s->p)) {
			ASAN_UNPOISON_MEMORY_REGION(s->p, s->mapped);
			munmap(s->p, s->mapped);
		}
	}
	if (s)
		*s = (struct secret){0};
}

struct secret secret_move(struct secret *from)
{
	struct secret s = *from;

	*from = (struct secret){0};
	return s;
}

void secret_shrink(struct secret *s, size_t n)
{
	assert(n <= s->n);
	explicit_bzero(s->p + n, s->n - n);
	s->n = n;
}

bool secret_eq(struct slice a, struct slice b)
{
	uint8_t diff = 0;

	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		diff |= (uint8_t)(a.p[i] ^ b.p[i]);
	__asm__ volatile("" : "+r"(diff));	/* the compiler may not turn the loop into an early exit */
	return diff == 0;
}
