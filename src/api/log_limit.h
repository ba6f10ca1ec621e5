/* log_limit.h - how many refusals of one peer are logged: a stranger who is refused without end must not fill the log.
 *
 * A table of fixed size; peers that share a slot share its allowance, and which do cannot be chosen from outside. Thread-safe.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define LOG_LIMIT_A_SECOND 50u
#define LOG_LIMIT_SLOTS	   1024u

struct log_limit;

struct log_limit *log_limit_new(void);	/* NULL without memory */
void log_limit_free(struct log_limit *l);
/* May a refusal of this peer be logged now? *quiet: how many of the slot were not since the last that was. */
bool log_limit_take(struct log_limit *l, const char *peer, int64_t now_ns, uint64_t *quiet);
