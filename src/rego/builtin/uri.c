#include "rego/builtin/uri.h"

#include "rego/builtin/gofmt.h"
#include "rego/builtin/ip.h"

enum mode { MODE_PATH, MODE_HOST, MODE_ZONE, MODE_USER, MODE_QUERY, MODE_FRAGMENT };

static bool alnum(uint8_t c)
{
	return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
}

/* Characters that stand for themselves in a part. */
static bool plain(uint8_t c, enum mode m)
{
	static const char *const also[] = {
		[MODE_PATH] = "-._~$&+,/:;=@",	   [MODE_HOST] = "-._~!$&'()*+,;=:[]<>\"",
		[MODE_ZONE] = "-._~!$&'()*+,;=:[]<>\"", [MODE_USER] = "-._~$&+,;=",
		[MODE_QUERY] = "-._~",		   [MODE_FRAGMENT] = "-._~!$&()*+,/:;=?@",
	};

	return alnum(c) || (c && strchr(also[m], c));
}

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

static RC bad(struct why *w, const char *what, struct slice quoted, const char *tail)
{
	struct buf b;

	if (!w)
		return rc_of(E_MALFORMED);
	b = buf_in(w->arena, 0);
	buf_puts(&b, what);
	if (quoted.n) {
		gofmt_quote(&b, quoted, false);
		buf_puts(&b, tail);
	}
	return deny(w, E_MALFORMED, "uri.malformed", SLICE_FMT, SLICE_ARG(buf_view(&b)));
}

static RC check_escapes(struct slice s, enum mode m, struct why *w)
{
	for (size_t i = 0; i < s.n; i++) {
		struct slice esc = slice_sub(s, i, 3);
		int hi, lo;

		if (s.p[i] != '%') {
			if ((m == MODE_HOST || m == MODE_ZONE) && s.p[i] < 0x80 && !plain(s.p[i], m))
				return bad(w, "invalid character ", slice_sub(s, i, 1), " in host name");
			continue;
		}
		hi = esc.n == 3 ? hex_digit(esc.p[1]) : -1;
		lo = esc.n == 3 ? hex_digit(esc.p[2]) : -1;
		if (hi < 0 || lo < 0)
			return bad(w, "invalid URL escape ", esc, "");
		if (!slice_is(esc, "%25")) {
			uint8_t c = (uint8_t)(hi << 4 | lo);

			if ((m == MODE_HOST && c < 0x80) || (m == MODE_ZONE && c != ' ' && !plain(c, MODE_HOST)))
				return bad(w, "invalid URL escape ", esc, "");
		}
		i += 2;
	}
	return rc_of(OK);
}

static RC unescape(struct arena *a, struct slice s, enum mode m, struct slice *out, struct why *w)
{
	struct buf b = buf_in(a, 0);

	TRY(check_escapes(s, m, w));
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '%') {
			buf_putc(&b, (char)(hex_digit(s.p[i + 1]) << 4 | hex_digit(s.p[i + 2])));
			i += 2;
		} else {
			buf_putc(&b, s.p[i] == '+' && m == MODE_QUERY ? ' ' : (char)s.p[i]);
		}
	}
	if (!buf_ok(&b))
		return deny(w, E_INTERNAL, "uri.memory", "no memory for a URI");
	*out = buf_view(&b);
	return rc_of(OK);
}

static void escape(struct buf *b, struct slice s, enum mode m)
{
	for (size_t i = 0; i < s.n; i++) {
		if (plain(s.p[i], m))
			buf_putc(b, (char)s.p[i]);
		else if (s.p[i] == ' ' && m == MODE_QUERY)
			buf_putc(b, '+');
		else
			buf_printf(b, "%%%02X", s.p[i]);
	}
}

void uri_query_escape(struct buf *b, struct slice s)
{
	escape(b, s, MODE_QUERY);
}

RC uri_query_unescape(struct arena *a, struct slice s, struct slice *out, struct why *w)
{
	return unescape(a, s, MODE_QUERY, out, w);
}

/* Position of the first (or last) c in s; s.n when there is none. */
static size_t find(struct slice s, char c)
{
	size_t i = 0;

	while (i < s.n && s.p[i] != (uint8_t)c)
		i++;
	return i;
}

static size_t find_last(struct slice s, char c)
{
	for (size_t i = s.n; i > 0; i--)
		if (s.p[i - 1] == (uint8_t)c)
			return i - 1;
	return s.n;
}

static RC scheme(struct arena *a, struct slice s, struct slice *out, struct slice *rest, struct why *w)
{
	struct buf b = buf_in(a, 0);

	*out = (struct slice){0};
	*rest = s;
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		if (c == ':') {
			if (i == 0)
				return bad(w, "missing protocol scheme", (struct slice){0}, "");
			for (size_t k = 0; k < i; k++)
				buf_putc(&b, (char)(s.p[k] >= 'A' && s.p[k] <= 'Z' ? s.p[k] + 32 : s.p[k]));
			*out = buf_view(&b);
			*rest = slice_sub(s, i + 1, s.n);
			return rc_of(OK);
		}
		if ((c | 32) >= 'a' && (c | 32) <= 'z')
			continue;
		if (i == 0 || !((c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.'))
			return rc_of(OK);
	}
	return rc_of(OK);
}

/* "" or ":" digits. */
static bool port_ok(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (i == 0 ? s.p[i] != ':' : s.p[i] < '0' || s.p[i] > '9')
			return false;
	return true;
}

static RC literal_host(struct arena *a, struct slice host, struct uri *u, struct why *w)
{
	size_t close = find_last(host, ']'), zone;
	struct slice inner, port, name, tail = {0};
	struct buf b = buf_in(a, 0);
	struct ip ip;

	if (close == host.n)
		return bad(w, "missing ']' in host", (struct slice){0}, "");
	port = slice_sub(host, close + 1, host.n);
	if (!port_ok(port))
		return bad(w, "invalid port ", port, " after host");
	inner = slice_sub(host, 1, close - 1);
	for (zone = 0; zone < inner.n && !slice_is(slice_sub(inner, zone, 3), "%25");)
		zone++;
	TRY(unescape(a, slice_sub(inner, 0, zone), MODE_HOST, &name, w));
	TRY(unescape(a, slice_sub(inner, zone, inner.n), MODE_ZONE, &tail, w));
	if (!ip_parse(name, &ip) || tail.n == 1)	/* a zone may not be empty behind its % */
		return bad(w, "invalid host: ParseAddr(", inner, "): unable to parse IP");
	if (find(name, ':') == name.n)
		return bad(w, "invalid IP-literal", (struct slice){0}, "");
	buf_slice(&b, name);
	buf_slice(&b, tail);
	u->hostname = buf_view(&b);
	u->port = slice_sub(port, 1, port.n);
	return rc_of(OK);
}

static RC host_part(struct arena *a, struct slice host, struct uri *u, struct why *w)
{
	size_t open = find_last(host, '['), colon = find(host, ':'), last = find_last(host, ':');

	if (open == 0 && host.n)
		return literal_host(a, host, u, w);
	if (open < host.n)
		return bad(w, "invalid IP-literal", (struct slice){0}, "");
	/* several colons are taken in other schemes than these: lists of hosts */
	if (colon != last && !slice_is(u->scheme, "http") && !slice_is(u->scheme, "https"))
		colon = last;
	if (!port_ok(slice_sub(host, colon, host.n)))
		return bad(w, "invalid port ", slice_sub(host, colon, host.n), " after host");
	TRY(unescape(a, host, MODE_HOST, &host, w));
	last = find_last(host, ':');
	u->hostname = slice_sub(host, 0, last);
	u->port = slice_sub(host, last + 1, host.n);
	return rc_of(OK);
}

static RC authority(struct arena *a, struct slice s, struct uri *u, struct why *w)
{
	size_t at = find_last(s, '@');
	struct slice user, part;

	if (at == s.n)
		return host_part(a, s, u, w);
	TRY(host_part(a, slice_sub(s, at + 1, s.n), u, w));
	user = slice_sub(s, 0, at);
	for (size_t i = 0; i < user.n; i++)
		if (!alnum(user.p[i]) && (!user.p[i] || !strchr("-._:~!$&'()*+,;=%@", user.p[i])))
			return bad(w, "net/url: invalid userinfo", (struct slice){0}, "");
	at = find(user, ':');
	TRY(unescape(a, slice_sub(user, 0, at), MODE_USER, &part, w));
	return unescape(a, slice_sub(user, at + 1, user.n), MODE_USER, &part, w);
}

static RC path_part(struct arena *a, struct slice s, struct uri *u, struct why *w)
{
	struct buf b = buf_in(a, 0);

	u->written_path = s;
	TRY(unescape(a, s, MODE_PATH, &u->path, w));
	escape(&b, u->path, MODE_PATH);
	/* the usual encoding is left out: then the path itself is given */
	u->raw_path = slice_eq(buf_view(&b), s) ? u->path : s;
	return rc_of(OK);
}

static RC parts(struct arena *a, struct slice s, struct uri *u, struct why *w)
{
	struct slice rest;
	size_t i;

	for (i = 0; i < s.n; i++)
		if (s.p[i] < ' ' || s.p[i] == 0x7f)
			return bad(w, "net/url: invalid control character in URL", (struct slice){0}, "");
	if (slice_is(s, "*")) {
		u->path = u->raw_path = u->written_path = s;
		return rc_of(OK);
	}
	TRY(scheme(a, s, &u->scheme, &rest, w));
	i = find(rest, '?');
	u->raw_query = slice_sub(rest, i + 1, rest.n);
	rest = slice_sub(rest, 0, i);
	if (!rest.n || rest.p[0] != '/') {
		struct slice first = slice_sub(rest, 0, find(rest, '/'));

		if (u->scheme.n)
			return rc_of(OK);	/* opaque: no path */
		if (find(first, ':') < first.n)
			return bad(w, "first path segment in URL cannot contain colon", (struct slice){0}, "");
	}
	if (slice_starts(rest, SLICE_LIT("//")) && (u->scheme.n || !slice_starts(rest, SLICE_LIT("///")))) {
		struct slice auth = slice_sub(rest, 2, rest.n);

		i = find(auth, '/');
		rest = slice_sub(auth, i, auth.n);
		TRY(authority(a, slice_sub(auth, 0, i), u, w));
	}
	return path_part(a, rest, u, w);
}

RC uri_parse(struct arena *a, struct slice s, struct uri *out, struct why *w)
{
	size_t hash = find(s, '#');
	struct slice body = slice_sub(s, 0, hash), shown = body;
	struct uri u = {0};
	struct arena *scratch = w ? w->arena : a;
	struct why inner = why_in(scratch);
	rc r = parts(a, body, &u, &inner);

	if (rc_ok(r) && hash < s.n) {
		shown = s;
		r = unescape(a, slice_sub(s, hash + 1, s.n), MODE_FRAGMENT, &u.fragment, &inner);
	}
	if (!rc_ok(r)) {
		struct buf b = buf_in(scratch, 0);

		if (r.code != E_MALFORMED)
			return r;
		buf_puts(&b, "parse ");
		gofmt_quote(&b, shown, false);
		buf_printf(&b, ": %s", why_text(&inner));
		return deny(w, E_MALFORMED, "uri.malformed", SLICE_FMT, SLICE_ARG(buf_view(&b)));
	}
	*out = u;
	return rc_of(OK);
}
