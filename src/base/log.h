/* log.h - one structured line an event, to standard error. For `main`, `api` and `cli`; libraries return `why`.
 *
 * A line is JSON: {"t":"...","level":"info","event":"...", fields}. Values are escaped, cut at 1 KiB. There is no
 * way to pass a secret.
 */
#pragma once
#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

struct log_field {
	const char *key;
	const char *str;	/* NULL: the number is printed */
	int64_t num;
};
#define LOG_S(k, v) (log_str((k), (v)))
static inline struct log_field log_str(const char *key, const char *value)
{
	return (struct log_field){key, value ? value : "", 0};
}
#define LOG_N(k, v) ((struct log_field){(k), 0, (int64_t)(v)})

void log_set_level(enum log_level max);
/* The first of "error", "warn", "info", "debug" and "trace" that stands alone in a list as of $RUST_LOG, "warn,kbs=debug"; without one, for
 * NULL as well, `otherwise`. */
enum log_level log_level_of(const char *text, enum log_level otherwise);
/* Thread-safe: one write(2) a line. */
void log_event(enum log_level level, const char *event, const struct log_field *fields, unsigned n);
#define LOG(level, event, ...)                                                               \
	log_event((level), (event), (const struct log_field[]){__VA_ARGS__},                 \
		  sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))
