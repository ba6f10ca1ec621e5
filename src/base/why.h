/* why.h - the explanation of a refusal: a root cause and the frames of context around it.
 *
 * A `why` lives in an arena. Losing a frame for lack of memory never changes a verdict. Every function
 * here accepts w == NULL. The peer is shown the class of the outermost code and a reference; the whole
 * of it is for operators (`kbs-client explain`).
 */
#pragma once
#include <stdarg.h>

#include "base/arena.h"
#include "base/rc.h"

/* One step of the reason. Strings live in the arena of the `why`, or are literals. */
struct why_frame {
	struct why_frame *next;	/* towards the outside */
	enum rc_code code;
	const char *reason;	/* stable, for machines: "snp.chip-id-mismatch"; NULL for context frames */
	const char *text;	/* one sentence for people */
	const char *file, *func;
	/* what was compared, where that applies; NULL otherwise */
	const char *subject;	/* the claim or field: "snp.measurement" */
	const char *found;
	const char *expected;
	const char *nearest;	/* nearest acceptable value, when there are several */
	const char *rule;	/* policy line "default_cpu:41:3 executables := 3 if" */
};

struct why {
	struct arena *arena;
	struct why_frame *first;	/* the root cause */
	struct why_frame *last;
	unsigned lost;	/* frames that found no memory */
};

static inline struct why why_in(struct arena *a)
{
	return (struct why){.arena = a};
}

/* The root cause. `reason` is a literal: <area>.<class>[.<detail>], lower case. Is rc_of(code); `code` must not be OK, and has
 * no side effects. That the value is `code` is visible to the compiler, which then knows that a caller goes no further. */
#define deny(w, code, reason, ...) (why_deny((w), (code), (reason), __FILE__, __func__, __VA_ARGS__), rc_of(code))
/* One frame of outer context. Is r unchanged, OK included (then nothing is recorded). */
#define note(w, r, ...)                                                        \
	({                                                                     \
		rc note_ = (r);                                                \
		why_note((w), note_, __FILE__, __func__, __VA_ARGS__);         \
		note_;                                                         \
	})

void why_deny(struct why *w, enum rc_code code, const char *reason, const char *file, const char *func,
	      const char *fmt, ...) __attribute__((format(printf, 6, 7)));
void why_note(struct why *w, rc r, const char *file, const char *func, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* Attaches what was compared to the root cause. Copies; NULL leaves a part unset. */
void why_compared(struct why *w, const char *subject, const char *found, const char *expected);
void why_nearest(struct why *w, const char *nearest);
void why_rule(struct why *w, const char *rule);

/* The stable reason of the root cause, or "none". */
const char *why_reason(const struct why *w);
/* The text of the root cause, or "no reason was recorded". */
const char *why_text(const struct why *w);
bool why_empty(const struct why *w);
void why_clear(struct why *w);

/* Several lines for people: denied, because, while... In the arena of `a`; NULL without memory. */
char *why_render(const struct why *w, struct arena *a);
