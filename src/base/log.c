#include "base/log.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/num.h"
#include "base/slice.h"
#include "base/sys.h"

#define LINE_MAX_BYTES 8192
#define VALUE_MAX_BYTES 1024

static atomic_int log_max = LOG_INFO;	/* the log sink is the one place with state of its own */

static const char *const level_name[] = {"error", "warn", "info", "debug"};

enum log_level log_level_of(const char *text, enum log_level otherwise)
{
	static const struct {
		const char *name;
		enum log_level level;
	} row[] = {{"error", LOG_ERROR}, {"warn", LOG_WARN}, {"info", LOG_INFO}, {"debug", LOG_DEBUG}, {"trace", LOG_DEBUG}};

	for (size_t n; text && *text; text += n + (text[n] == ',')) {
		n = strcspn(text, ",");
		for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
			if (strlen(row[i].name) == n && strncasecmp(text, row[i].name, n) == 0)
				return row[i].level;
	}
	return otherwise;
}

void log_set_level(enum log_level max)
{
	atomic_store(&log_max, (int)max);
}

struct line {
	char p[LINE_MAX_BYTES];
	size_t n;
};

static void put(struct line *l, const char *s, size_t n)
{
	if (n > sizeof(l->p) - 3 - l->n)	/* room for the closing brace and the line end */
		n = sizeof(l->p) - 3 - l->n;
	memcpy(l->p + l->n, s, n);
	l->n += n;
}

static void put_quoted(struct line *l, const char *s)
{
	size_t n = 0;

	if (l->n + VALUE_MAX_BYTES * 6 + 16 > sizeof(l->p)) {	/* never cut inside an escape */
		put(l, "\"...\"", 5);
		return;
	}
	put(l, "\"", 1);
	for (; *s && n < VALUE_MAX_BYTES; s++, n++) {
		unsigned char c = (unsigned char)*s;
		char esc[8];

		if (c == '"' || c == '\\') {
			esc[0] = '\\';
			esc[1] = (char)c;
			put(l, esc, 2);
		} else if (c < 0x20 || c == 0x7f) {
			put(l, esc, (size_t)snprintf(esc, sizeof(esc), "\\u%04x", c));
		} else {
			put(l, s, 1);
		}
	}
	put(l, "\"", 1);
}

static void put_number(struct line *l, int64_t v)
{
	char t[24], *p = num_digits(t + sizeof(t), v < 0 ? 0 - (uint64_t)v : (uint64_t)v);

	if (v < 0)
		*--p = '-';
	put(l, p, (size_t)(t + sizeof(t) - p));
}

void log_event(enum log_level level, const char *event, const struct log_field *fields, unsigned n)
{
	UNSET struct line l;
	char when[32];
	ssize_t done;

	l.n = 0;
	if ((int)level > atomic_load(&log_max))
		return;
	time_rfc3339(clock_now_s(&clock_system), when);
	put(&l, "{\"t\":\"", 6);
	put(&l, when, strlen(when));
	put(&l, "\",\"level\":\"", 11);
	put(&l, level_name[level], strlen(level_name[level]));
	put(&l, "\",\"event\":", 10);
	put_quoted(&l, event);
	for (unsigned i = 0; i < n; i++) {
		put(&l, ",", 1);
		put_quoted(&l, fields[i].key);
		put(&l, ":", 1);
		if (fields[i].str)
			put_quoted(&l, fields[i].str);
		else
			put_number(&l, fields[i].num);
	}
	l.p[l.n++] = '}';
	l.p[l.n++] = '\n';
	done = write(STDERR_FILENO, l.p, l.n);
	(void)done;	/* nothing can be done about a log that cannot be written */
}
