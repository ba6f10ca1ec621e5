/* metrics.h - counters, gauges and histograms of a fixed set, as Prometheus text. No label is taken from a request.
 *
 * Threads: any may add, observe and write at once.
 */
#pragma once
#include <stdatomic.h>

#include "base/buf.h"

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

struct metric {
	const char *name, *help;
	enum metric_kind kind;
	const char *label;		/* NULL: none */
	const char *const *values;	/* of the label, NULL ends; the whole set is known */
	const double *buckets;		/* histograms, ascending; ends with 0 */
};

struct metrics;

/* `table` ends with a NULL name and is borrowed. */
struct metrics *metrics_new(const struct metric *table);
void metrics_free(struct metrics *m);
/* i: row of the table. value NULL, or one of the label's values; another value counts as the last one ("other"). Accept m NULL. */
void metrics_add(struct metrics *m, unsigned i, const char *value, int64_t n);
void metrics_observe(struct metrics *m, unsigned i, double v);
void metrics_write(const struct metrics *m, struct buf *b);
