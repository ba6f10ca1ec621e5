/* The readers behind the builtins, one by the first byte: what is taken is written and read again, a refusal has a
 * reason. */
#include <assert.h>
#include <math.h>

#include "rego/builtin/decfloat.h"
#include "rego/builtin/glob.h"
#include "rego/builtin/globs.h"
#include "rego/builtin/gofmt.h"
#include "rego/builtin/gotime.h"
#include "rego/builtin/ip.h"
#include "rego/builtin/regex.h"
#include "rego/builtin/semver.h"
#include "rego/builtin/tzif.h"
#include "rego/builtin/units.h"
#include "rego/builtin/uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Both halves of the input, parted at the first '|'. */
static void halves(struct slice s, struct slice *l, struct slice *r)
{
	size_t i = 0;

	while (i < s.n && s.p[i] != '|')
		i++;
	*l = slice_sub(s, 0, i);
	*r = slice_sub(s, i + 1, s.n);
}

static void patterns(struct arena *a, struct slice s, struct why *w)
{
	static const int32_t dot = '.';
	struct slice l, r;
	struct glob *g;
	bool yes;

	halves(s, &l, &r);
	if (!rc_ok(glob_compile(a, l, &dot, 1, &g, w)) || !rc_ok(glob_match(g, r, a, &yes, w)))
		assert(!why_empty(w));
	why_clear(w);
	if (l.n < 200 && r.n < 200 && !rc_ok(globs_intersect(a, l, r, &yes, w)))
		assert(!why_empty(w));
}

static void times(struct arena *a, struct slice s, struct why *w)
{
	struct slice l, r;
	struct gotime t;
	struct zone *z;
	int64_t ns;

	halves(s, &l, &r);
	if (rc_ok(gotime_parse(gotime_layout(l), r, &t, w))) {
		struct buf b = buf_in(a, 1 << 16);

		gotime_format(&b, &t, l);
	} else {
		assert(!why_empty(w));
	}
	why_clear(w);
	if (!rc_ok(gotime_duration(s, &ns, w)))
		assert(!why_empty(w));
	why_clear(w);
	if (rc_ok(zone_parse(a, s, &z, w))) {
		const char *abbrev;
		int32_t off;

		for (int64_t at = -4000000000; at < 8000000000; at += 1234567890)
			zone_lookup(z, at, &off, &abbrev);
	} else {
		assert(!why_empty(w));
	}
}

static void numbers(struct arena *a, struct slice s, struct why *w)
{
	struct slice out;
	struct semver v;
	double d, again;

	if (decfloat_parse(s, &d) && isfinite(d)) {
		struct buf b = buf_in(a, 0);

		gofmt_float(&b, d, 'e', -1);
		assert(decfloat_parse(buf_view(&b), &again) && again == d);
	}
	if (semver_parse(s, &v))
		assert(semver_compare(&v, &v) == 0);
	if (!rc_ok(units_parse(a, s, &out, w)))
		assert(!why_empty(w) || arena_bad(a));
	why_clear(w);
	if (!rc_ok(units_parse_bytes(a, s, &out, w)))
		assert(!why_empty(w) || arena_bad(a));
}

static void addresses(struct arena *a, struct slice s, struct why *w)
{
	struct buf b = buf_in(a, 0), c = buf_in(a, 0);
	struct ipnet net, net2;
	struct ip ip, ip2;
	struct uri u;

	if (ip_parse(s, &ip)) {
		ip_write(&b, ip);
		assert(ip_parse(buf_view(&b), &ip2) && ip.v == ip2.v && ip.v4 == ip2.v4);
	}
	if (ipnet_parse(s, &net)) {
		ipnet_write(&c, &net);
		assert(ipnet_parse(buf_view(&c), &net2) && net.ip.v == net2.ip.v && net.bits == net2.bits);
		assert(ipnet_contains(&net, net.ip) && ipnet_contains(&net, ipnet_last(&net)));
	}
	if (!rc_ok(uri_parse(a, s, &u, w)))
		assert(!why_empty(w));
}

static void formats(struct arena *a, struct slice s)
{
	struct gofmt_arg args[4] = {{.kind = GOFMT_INT, .i = -7}, {.kind = GOFMT_FLOAT, .f = 2.5}, {.kind = GOFMT_STRING},
				    {.kind = GOFMT_BIG}};
	struct buf b = buf_in(a, 1 << 20);
	mpz_t z;

	mpz_init_set_si(z, 123456789);
	mpz_pow_ui(z, z, 5);
	args[2].s = s;
	args[3].big = z;
	gofmt(&b, s, args, 4);
	mpz_clear(z);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct slice s = slice_of(data + (size > 0), size - (size > 0));
	char err[128];

	switch (size ? data[0] : 0) {
	case 'p':
		patterns(a, s, &w);
		break;
	case 't':
		times(a, s, &w);
		break;
	case 'n':
		numbers(a, s, &w);
		break;
	case 'a':
		addresses(a, s, &w);
		break;
	case 'f':
		formats(a, s);
		break;
	case 'r': {
		struct regex *re = NULL;
		ptrdiff_t span[2 * REGEX_GROUPS];

		if (regex_new(s.p, s.n, &re, err, sizeof(err)) == REGEX_OK)
			regex_find(re, s.p, s.n, 0, REGEX_GROUPS, span);
		else
			assert(err[0]);
		regex_free(re);
		break;
	}
	default:
		break;
	}
	arena_free(a);
	return 0;
}
