#include "net/metrics.h"

#include <assert.h>
#include <stdlib.h>

#define VALUES_MAX 24u
#define BUCKETS_MAX 16u

struct series {
	atomic_llong value[VALUES_MAX];		/* by label value; [0] without label */
	atomic_ullong bucket[BUCKETS_MAX + 1];	/* histograms; the last one is +Inf */
	atomic_ullong sum_us;			/* of observations, in millionths */
};

struct metrics {
	const struct metric *table;
	size_t n;
	struct series series[];
};

struct metrics *metrics_new(const struct metric *table)
{
	struct metrics *m;
	size_t n = 0;

	for (; table[n].name; n++) {	/* the tables are ours: a wrong one is our mistake */
		size_t k = 0;

		while (table[n].label && table[n].values[k])
			k++;
		assert(k <= VALUES_MAX && (!table[n].label || k > 0));
		for (k = 0; table[n].kind == METRIC_HISTOGRAM && table[n].buckets[k] > 0; k++)
			;
		assert(k <= BUCKETS_MAX);
	}
	m = calloc(1, sizeof(*m) + n * sizeof(struct series));
	if (m) {
		m->table = table;
		m->n = n;
	}
	return m;
}

void metrics_free(struct metrics *m)
{
	free(m);
}

void metrics_add(struct metrics *m, unsigned i, const char *value, int64_t n)
{
	size_t k = 0;

	if (!m || i >= m->n)
		return;
	if (m->table[i].label) {
		while (m->table[i].values[k] && (!value || strcmp(m->table[i].values[k], value) != 0))
			k++;
		if (!m->table[i].values[k] && k)
			k--;
	}
	atomic_fetch_add_explicit(&m->series[i].value[k], n, memory_order_relaxed);
}

void metrics_observe(struct metrics *m, unsigned i, double v)
{
	size_t k = 0;

	if (!m || i >= m->n || m->table[i].kind != METRIC_HISTOGRAM)
		return;
	while (m->table[i].buckets[k] > 0 && v > m->table[i].buckets[k])
		k++;
	atomic_fetch_add_explicit(&m->series[i].bucket[k], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&m->series[i].sum_us, v > 0 ? (uint64_t)(v * 1e6) : 0, memory_order_relaxed);
}

static void write_histogram(const struct metric *t, const struct series *s, struct buf *b)
{
	uint64_t total = 0;
	size_t k = 0;

	for (; t->buckets[k] > 0; k++) {
		total += atomic_load(&s->bucket[k]);
		buf_printf(b, "%s_bucket{le=\"%g\"} %llu\n", t->name, t->buckets[k], (unsigned long long)total);
	}
	total += atomic_load(&s->bucket[k]);
	buf_printf(b, "%s_bucket{le=\"+Inf\"} %llu\n%s_sum %.6f\n%s_count %llu\n", t->name, (unsigned long long)total, t->name,
		   (double)atomic_load(&s->sum_us) / 1e6, t->name, (unsigned long long)total);
}

void metrics_write(const struct metrics *m, struct buf *b)
{
	static const char *const kinds[] = {"counter", "gauge", "histogram"};

	for (size_t i = 0; i < m->n; i++) {
		const struct metric *t = &m->table[i];

		buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n", t->name, t->help, t->name, kinds[t->kind]);
		if (t->kind == METRIC_HISTOGRAM) {
			write_histogram(t, &m->series[i], b);
			continue;
		}
		if (!t->label)
			buf_printf(b, "%s %lld\n", t->name, (long long)atomic_load(&m->series[i].value[0]));
		for (size_t k = 0; t->label && t->values[k]; k++)
			if (atomic_load(&m->series[i].value[k]))
				buf_printf(b, "%s{%s=\"%s\"} %lld\n", t->name, t->label, t->values[k],
					   (long long)atomic_load(&m->series[i].value[k]));
	}
}
