#include "base/sys.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>

rc sys_random(void *out, size_t n, struct why *w)
{
	uint8_t *p = out;

	while (n) {
		ssize_t got = getrandom(p, n > 256 ? 256 : n, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return deny(w, E_UNAVAILABLE, "sys.random", "the kernel gives no random bytes: %s",
				    strerror(errno));
		p += got;
		n -= (size_t)got;
	}
	return rc_of(OK);
}

static int64_t system_now_ns(void *ctx)
{
	struct timespec ts;

	(void)ctx;
	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

const struct clock clock_system = {system_now_ns, NULL};

int64_t sys_monotonic_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* Days since 1970-01-01, for the proleptic Gregorian calendar (years start in March inside). */
static int64_t days_from_civil(int64_t y, unsigned m, unsigned d)
{
	int64_t era, yoe, doy;

	y -= m <= 2;
	era = (y >= 0 ? y : y - 399) / 400;
	yoe = y - era * 400;
	doy = (153 * ((int64_t)m + (m > 2 ? -3 : 9)) + 2) / 5 + (int64_t)d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static void civil_from_days(int64_t z, int64_t *y, unsigned *m, unsigned *d)
{
	int64_t era, doe, yoe, doy, mp;

	z += 719468;
	era = (z >= 0 ? z : z - 146096) / 146097;
	doe = z - era * 146097;
	yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	mp = (5 * doy + 2) / 153;
	*d = (unsigned)(doy - (153 * mp + 2) / 5 + 1);
	*m = (unsigned)(mp < 10 ? mp + 3 : mp - 9);
	*y = yoe + era * 400 + (*m <= 2);
}

int64_t time_from_civil(int64_t y, unsigned mon, unsigned day, unsigned h, unsigned m, unsigned s)
{
	return days_from_civil(y, mon, day) * 86400 + (int64_t)h * 3600 + (int64_t)m * 60 + (int64_t)s;
}

struct civil {
	int64_t y;
	unsigned mon, day, h, m, s, wday;
};

static struct civil to_civil(int64_t t)
{
	int64_t days = t / 86400, left = t % 86400;
	struct civil c;

	if (left < 0) {
		left += 86400;
		days--;
	}
	civil_from_days(days, &c.y, &c.mon, &c.day);
	c.h = (unsigned)(left / 3600);
	c.m = (unsigned)(left / 60 % 60);
	c.s = (unsigned)(left % 60);
	c.wday = (unsigned)(((days % 7) + 11) % 7);	/* 1970-01-01 was a Thursday */
	if (c.y < 0)
		c.y = 0;
	if (c.y > 9999)
		c.y = 9999;
	return c;
}

/* So many digits, with zeros in front. Every log line and every response has a time: printf would take longer than all the rest. */
static char *put_digits(char *p, unsigned v, unsigned n)
{
	for (unsigned i = n; i-- > 0; v /= 10)
		p[i] = (char)('0' + v % 10);
	return p + n;
}

static char *put_text(char *p, const char *s)
{
	size_t n = strlen(s);

	memcpy(p, s, n);
	return p + n;
}

static char *put_clock(char *p, const struct civil *c)
{
	p = put_digits(p, c->h, 2);
	*p++ = ':';
	p = put_digits(p, c->m, 2);
	*p++ = ':';
	return put_digits(p, c->s, 2);
}

void time_rfc3339(int64_t unix_s, char out[32])
{
	struct civil c = to_civil(unix_s);
	char *p = put_digits(out, (unsigned)c.y, 4);

	*p++ = '-';
	p = put_digits(p, c.mon, 2);
	*p++ = '-';
	p = put_digits(p, c.day, 2);
	*p++ = 'T';
	p = put_text(put_clock(p, &c), "Z");
	*p = 0;
}

void time_imf(int64_t unix_s, char out[32])
{
	static const char wday[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char mon[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
				      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	struct civil c = to_civil(unix_s);
	char *p = put_text(put_text(out, wday[c.wday]), ", ");

	p = put_digits(p, c.day, 2);
	*p++ = ' ';
	p = put_text(p, mon[c.mon - 1]);
	*p++ = ' ';
	p = put_digits(p, (unsigned)c.y, 4);
	*p++ = ' ';
	p = put_text(put_clock(p, &c), " GMT");
	*p = 0;
}

static bool digits(struct slice s, size_t at, unsigned n, unsigned *out)
{
	unsigned v = 0;

	if (s.n < at + n)
		return false;
	for (unsigned i = 0; i < n; i++) {
		if (s.p[at + i] < '0' || s.p[at + i] > '9')
			return false;
		v = v * 10 + (unsigned)(s.p[at + i] - '0');
	}
	*out = v;
	return true;
}

static bool at_char(struct slice s, size_t at, char c)
{
	return at < s.n && s.p[at] == (uint8_t)c;
}

rc time_parse_rfc3339(struct slice s, int64_t *unix_s, struct why *w)
{
	static const unsigned month_days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	unsigned y, mon, day, h, m, sec, oh = 0, om = 0;
	size_t at = 19;
	int64_t t;

	if (!digits(s, 0, 4, &y) || !at_char(s, 4, '-') || !digits(s, 5, 2, &mon) || !at_char(s, 7, '-') ||
	    !digits(s, 8, 2, &day) || !(at_char(s, 10, 'T') || at_char(s, 10, 't')) || !digits(s, 11, 2, &h) ||
	    !at_char(s, 13, ':') || !digits(s, 14, 2, &m) || !at_char(s, 16, ':') || !digits(s, 17, 2, &sec))
		goto bad;
	if (mon < 1 || mon > 12 || day < 1 || day > month_days[mon - 1] || h > 23 || m > 59 || sec > 60)
		goto bad;
	if (mon == 2 && day == 29 && !(y % 4 == 0 && (y % 100 != 0 || y % 400 == 0)))
		goto bad;
	if (at_char(s, at, '.')) {
		size_t from = ++at;

		while (at < s.n && s.p[at] >= '0' && s.p[at] <= '9')
			at++;
		if (at == from)
			goto bad;
	}
	t = time_from_civil(y, mon, day, h, m, sec);
	if (at_char(s, at, 'Z') || at_char(s, at, 'z')) {
		at++;
	} else if (at_char(s, at, '+') || at_char(s, at, '-')) {
		if (!digits(s, at + 1, 2, &oh) || !at_char(s, at + 3, ':') || !digits(s, at + 4, 2, &om) ||
		    oh > 23 || om > 59)
			goto bad;
		t += (s.p[at] == '-' ? 1 : -1) * (int64_t)(oh * 3600 + om * 60);
		at += 6;
	} else {
		goto bad;
	}
	if (at != s.n)
		goto bad;
	*unix_s = t;
	return rc_of(OK);
bad:
	return deny(w, E_MALFORMED, "time.malformed", "\"" SLICE_FMT "\" is not an RFC 3339 time",
		    SLICE_ARG(slice_sub(s, 0, 64)));
}
