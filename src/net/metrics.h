/* metrics.h - counters, gauges and histograms, and their Prometheus text.
 *
 * All families are declared at start with a bound on their label values; a value beyond the bound is counted under
 * "other", so that no peer can grow the table. Updates are atomic and may come from any thread. Spec: kbs.md 10.
 */
#pragma once
#include "base/buf.h"
#include "base/why.h"

enum metric_kind { METRIC_COUNTER = 1, METRIC_GAUGE, METRIC_HISTOGRAM };

struct metric_def {
	const char *name, *help;
	enum metric_kind kind;
	const char *label;	/* NULL: none */
	unsigned max_values;	/* of the label, "other" not counted; at most 1024 */
	const double *buckets;	/* rising, without +Inf */
	unsigned n_buckets;	/* at most 32 */
};

struct metrics;
struct metric;

/* E_INTERNAL metrics.def when a definition is wrong or a name is there twice. Definitions are used until the end. */
RC metrics_new(const struct metric_def *defs, size_t n, struct metrics **out, struct why *w);
void metrics_free(struct metrics *m);
/* NULL when there is no such family. All functions below accept NULL and then do nothing. */
struct metric *metrics_get(struct metrics *m, const char *name);

/* label_value NULL for families without a label. */
void metric_add(struct metric *m, const char *label_value, int64_t n);
void metric_set(struct metric *m, const char *label_value, int64_t v);
void metric_observe(struct metric *m, const char *label_value, double v);
int64_t metric_value(struct metric *m, const char *label_value);	/* histogram: the count */

/* Families by name. A labelled family appears with its first use; the others as 0. */
void metrics_write(struct metrics *m, struct buf *out);
