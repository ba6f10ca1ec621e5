#include "rego/builtin/gofmt.h"

#include <math.h>

#include "base/num.h"
#include "base/utf8.h"
#include "rego/builtin/unicode.h"

#define LARGEST 1000000	/* of a width, precision or argument number */

struct spec {
	bool sharp, zero, plus, minus, space;
	bool wid_set, prec_set;
	int wid, prec;
};

static const char lower[] = "0123456789abcdefx", upper[] = "0123456789ABCDEFX";

static void fill(struct buf *b, char c, long n)
{
	for (; n > 0 && buf_ok(b); n--)
		buf_putc(b, c);
}

static void pad_as(struct buf *b, const struct spec *sp, struct slice s, bool zeros)
{
	long gap = sp->wid_set ? sp->wid - (long)uni_count(s) : 0;

	if (!sp->minus)
		fill(b, zeros && sp->zero ? '0' : ' ', gap);
	buf_slice(b, s);
	if (sp->minus)
		fill(b, ' ', gap);
}

static void pad(struct buf *b, const struct spec *sp, struct slice s)
{
	pad_as(b, sp, s, true);
}

/* ---- strings ---- */

static void put_escaped(struct buf *b, int32_t cp, char quote, bool ascii)
{
	static const char named[] = "\aa\bb\ff\nn\rr\tt\vv";
	uint8_t u[4];

	if (cp == quote || cp == '\\') {
		buf_putc(b, '\\');
		buf_putc(b, (char)cp);
		return;
	}
	if (cp < 0x80 ? cp >= ' ' && cp < 0x7f : !ascii && uni_printable((uint32_t)cp)) {
		buf_put(b, u, utf8_put((uint32_t)cp, u));
		return;
	}
	for (size_t i = 0; i + 1 < sizeof(named); i += 2) {
		if (cp == named[i]) {
			buf_putc(b, '\\');
			buf_putc(b, named[i + 1]);
			return;
		}
	}
	if (cp < ' ' || cp == 0x7f)
		buf_printf(b, "\\x%02x", (unsigned)cp);
	else if (cp < 0x10000)
		buf_printf(b, "\\u%04x", (unsigned)cp);
	else
		buf_printf(b, "\\U%08x", (unsigned)cp);
}

void gofmt_quote(struct buf *b, struct slice s, bool ascii)
{
	buf_putc(b, '"');
	for (size_t i = 0; i < s.n;) {
		int32_t cp = utf8_next(s, &i);

		if (cp < 0)
			buf_printf(b, "\\x%02x", s.p[i++]);
		else
			put_escaped(b, cp, '"', ascii);
	}
	buf_putc(b, '"');
}

static struct slice truncated(const struct spec *sp, struct slice s)
{
	size_t at = 0;

	if (!sp->prec_set)
		return s;
	for (int n = 0; n < sp->prec && at < s.n; n++)
		uni_next(s, &at);
	return slice_sub(s, 0, at);
}

static bool can_backquote(struct slice s)
{
	for (size_t i = 0; i < s.n;) {
		int32_t cp = utf8_next(s, &i);

		if (cp < 0 || cp == 0xfeff || cp == '`' || cp == 0x7f || (cp < ' ' && cp != '\t'))
			return false;
	}
	return true;
}

static void put_quoted(struct buf *b, const struct spec *sp, struct slice s)
{
	struct buf t = buf_in(b->arena, b->max);

	s = truncated(sp, s);
	if (sp->sharp && can_backquote(s)) {
		buf_putc(&t, '`');
		buf_slice(&t, s);
		buf_putc(&t, '`');
	} else {
		gofmt_quote(&t, s, sp->plus);
	}
	b->bad = b->bad || !buf_ok(&t);
	pad(b, sp, buf_view(&t));
}

static void put_hex_bytes(struct buf *b, const struct spec *sp, struct slice s, const char *digits)
{
	size_t n = sp->prec_set && (size_t)sp->prec < s.n ? (size_t)sp->prec : s.n;
	long width = 2 * (long)n, gap;

	if (n == 0) {
		fill(b, sp->zero && !sp->minus ? '0' : ' ', sp->wid_set ? sp->wid : 0);
		return;
	}
	if (sp->space)
		width = width * (sp->sharp ? 2 : 1) + (long)n - 1;
	else if (sp->sharp)
		width += 2;
	gap = sp->wid_set ? sp->wid - width : 0;
	if (!sp->minus)
		fill(b, sp->zero ? '0' : ' ', gap);
	for (size_t i = 0; i < n; i++) {
		if (sp->space && i > 0)
			buf_putc(b, ' ');
		if (sp->sharp && (i == 0 || sp->space)) {
			buf_putc(b, '0');
			buf_putc(b, digits[16]);
		}
		buf_putc(b, digits[s.p[i] >> 4]);
		buf_putc(b, digits[s.p[i] & 15]);
	}
	if (sp->minus)
		fill(b, ' ', gap);
}

/* ---- integers ---- */

static void put_unicode(struct buf *b, const struct spec *sp, uint64_t u)
{
	struct buf t = buf_in(b->arena, b->max);
	uint8_t c[4];
	int prec = sp->prec_set && sp->prec > 4 ? sp->prec : 4;

	buf_puts(&t, "U+");
	buf_printf(&t, "%0*llX", prec > 64 ? 64 : prec, (unsigned long long)u);
	if (sp->sharp && u <= 0x10ffff && uni_printable((uint32_t)u)) {
		buf_puts(&t, " '");
		buf_put(&t, c, utf8_put((uint32_t)u, c));
		buf_putc(&t, '\'');
	}
	pad_as(b, sp, buf_view(&t), false);
}

static void put_char(struct buf *b, const struct spec *sp, uint64_t v, bool quoted)
{
	struct buf t = buf_in(b->arena, b->max);
	int32_t cp = v > 0x10ffff || (v >= 0xd800 && v < 0xe000) ? 0xfffd : (int32_t)v;
	uint8_t c[4];

	if (quoted) {
		buf_putc(&t, '\'');
		put_escaped(&t, cp, '\'', sp->plus);
		buf_putc(&t, '\'');
	} else {
		buf_put(&t, c, utf8_put((uint32_t)cp, c));
	}
	pad(b, sp, buf_view(&t));
}

static void put_int(struct buf *b, const struct spec *sp, int64_t v, unsigned base, char verb, const char *digits)
{
	struct buf t = buf_in(b->arena, b->max);
	char d[72];
	bool neg = v < 0;
	uint64_t u = neg ? 0 - (uint64_t)v : (uint64_t)v;
	long zeros = 0;
	size_t n = 0;

	if (sp->prec_set) {
		if (sp->prec == 0 && u == 0) {
			fill(b, ' ', sp->wid_set ? sp->wid : 0);
			return;
		}
		zeros = sp->prec;
	} else if (sp->zero && !sp->minus && sp->wid_set) {
		zeros = sp->wid - (neg || sp->plus || sp->space);
	}
	do
		d[n++] = digits[u % base];
	while (u /= base);
	if (neg)
		buf_putc(&t, '-');
	else if (sp->plus)
		buf_putc(&t, '+');
	else if (sp->space)
		buf_putc(&t, ' ');
	if (verb == 'O')
		buf_puts(&t, "0o");
	if (sp->sharp && base == 2)
		buf_puts(&t, "0b");
	if (sp->sharp && base == 16) {
		buf_putc(&t, '0');
		buf_putc(&t, digits[16]);
	}
	if (sp->sharp && base == 8 && d[n - 1] != '0' && zeros <= (long)n)
		buf_putc(&t, '0');
	fill(&t, '0', zeros - (long)n);
	while (n)
		buf_putc(&t, d[--n]);
	b->bad = b->bad || !buf_ok(&t);
	pad_as(b, sp, buf_view(&t), false);
}

/* big.Int's own Format method: false for a verb that it does not know. */
static bool put_big(struct buf *b, const struct spec *sp, mpz_srcptr z, int32_t verb)
{
	const char *prefix = "", *sign = mpz_sgn(z) < 0 ? "-" : sp->plus ? "+" : sp->space ? " " : "";
	long zeros = 0, left = 0, right = 0, n, length;
	char *text, *digits;
	int base;

	if (verb == 'b')
		base = 2, prefix = sp->sharp ? "0b" : "";
	else if (verb == 'o' || verb == 'O')
		base = 8, prefix = verb == 'O' ? "0o" : sp->sharp ? "0" : "";
	else if (verb == 'd' || verb == 's' || verb == 'v')
		base = 10;
	else if (verb == 'x' || verb == 'X')
		base = 16, prefix = !sp->sharp ? "" : verb == 'x' ? "0x" : "0X";
	else
		return false;
	text = arena_alloc(b->arena, mpz_sizeinbase(z, base) + 2);
	if (!text) {
		b->bad = true;
		return true;
	}
	mpz_get_str(text, verb == 'X' ? -16 : base, z);
	digits = text + (*text == '-');
	n = (long)strlen(digits);
	if (sp->prec_set) {
		if (n == 1 && *digits == '0' && sp->prec == 0)
			return true;
		zeros = MAX_OF(0, sp->prec - n);
	}
	length = (long)(strlen(sign) + strlen(prefix)) + zeros + n;
	if (sp->wid_set && length < sp->wid) {
		if (sp->minus)
			right = sp->wid - length;
		else if (sp->zero && !sp->prec_set)
			zeros = sp->wid - length;
		else
			left = sp->wid - length;
	}
	fill(b, ' ', left);
	buf_puts(b, sign);
	buf_puts(b, prefix);
	fill(b, '0', zeros);
	buf_puts(b, digits);
	fill(b, ' ', right);
	return true;
}

/* ---- floats ---- */

/* The # flag keeps the point and the zeros behind it. `num` is the digits without a sign. */
static void put_sharp(struct buf *t, struct slice num, char verb, int prec)
{
	int digits = verb == 'g' || verb == 'G' || verb == 'x' ? prec < 0 ? 6 : prec : 0;
	bool point = false, nonzero = false, hex = verb == 'x' || verb == 'X';
	size_t i;

	for (i = 0; i < num.n; i++) {
		uint8_t c = num.p[i];

		if (c == '.') {
			point = true;
		} else if (c == 'p' || c == 'P' || (!hex && (c == 'e' || c == 'E'))) {
			break;
		} else {
			nonzero = nonzero || c != '0';
			digits -= nonzero;
		}
	}
	buf_put(t, num.p, i);
	if (!point) {
		if (i == 1 && num.p[0] == '0')
			digits--;
		buf_putc(t, '.');
	}
	fill(t, '0', digits);
	buf_slice(t, slice_sub(num, i, num.n));
}

static void put_double(struct buf *b, const struct spec *sp, double v, char verb, int prec)
{
	struct buf raw = buf_in(b->arena, b->max), t = buf_in(b->arena, b->max);
	struct slice num;
	char sign = '+';

	if (sp->prec_set)
		prec = sp->prec;
	gofmt_float(&raw, v, verb, prec);
	num = buf_view(&raw);
	if (num.n && (num.p[0] == '-' || num.p[0] == '+')) {
		sign = (char)num.p[0];
		num = slice_sub(num, 1, num.n);
	}
	if (sp->space && sign == '+' && !sp->plus)
		sign = ' ';
	if (isnan(v) || isinf(v)) {
		if (sp->plus || sign != '+')
			buf_putc(&t, sign);
		buf_slice(&t, num);
		pad_as(b, sp, buf_view(&t), false);
		return;
	}
	if (sp->plus || sign != '+') {
		if (sp->zero && !sp->minus && sp->wid_set) {
			struct spec unsigned_part = *sp;

			buf_putc(b, sign);
			unsigned_part.wid--;
			if (sp->sharp)
				put_sharp(&t, num, verb, prec);
			else
				buf_slice(&t, num);
			pad(b, &unsigned_part, buf_view(&t));
			return;
		}
		buf_putc(&t, sign);
	}
	if (sp->sharp)
		put_sharp(&t, num, verb, prec);
	else
		buf_slice(&t, num);
	b->bad = b->bad || !buf_ok(&raw) || !buf_ok(&t);
	pad(b, sp, buf_view(&t));
}

/* ---- verbs ---- */

static const char *type_name(const struct gofmt_arg *a)
{
	static const char *const names[] = {
		[GOFMT_INT] = "int64", [GOFMT_BIG] = "*big.Int", [GOFMT_FLOAT] = "float64", [GOFMT_STRING] = "string"};

	return names[a->kind];
}

static void put_verb(struct buf *b, int32_t verb)
{
	uint8_t c[4];

	buf_put(b, c, utf8_put((uint32_t)verb, c));
}

static bool put_int_verb(struct buf *b, const struct spec *sp, int64_t v, int32_t verb)
{
	if (verb == 'v' || verb == 'd')
		put_int(b, sp, v, 10, 'd', lower);
	else if (verb == 'b')
		put_int(b, sp, v, 2, 'b', lower);
	else if (verb == 'o' || verb == 'O')
		put_int(b, sp, v, 8, (char)verb, lower);
	else if (verb == 'x')
		put_int(b, sp, v, 16, 'x', lower);
	else if (verb == 'X')
		put_int(b, sp, v, 16, 'X', upper);
	else if (verb == 'c' || verb == 'q')
		put_char(b, sp, (uint64_t)v, verb == 'q');
	else if (verb == 'U')
		put_unicode(b, sp, (uint64_t)v);
	else
		return false;
	return true;
}

static bool put_float_verb(struct buf *b, const struct spec *sp, double v, int32_t verb)
{
	if (verb == 'v')
		put_double(b, sp, v, 'g', -1);
	else if (verb == 'g' || verb == 'G' || verb == 'x' || verb == 'X')
		put_double(b, sp, v, (char)verb, -1);
	else if (verb == 'e' || verb == 'E')
		put_double(b, sp, v, (char)verb, 6);
	else if (verb == 'f' || verb == 'F')
		put_double(b, sp, v, 'f', 6);
	else if (verb == 'b') {
		uint64_t bits;
		unsigned exp;

		memcpy(&bits, &v, sizeof(bits));
		exp = (unsigned)(bits >> 52) & 0x7ff;
		buf_printf(b, "%s%llup%+d", signbit(v) ? "-" : "",
			   (unsigned long long)((bits & 0xfffffffffffffull) | (exp ? 1ull << 52 : 0)),
			   (int)(exp ? exp : 1) - 1075);
	} else {
		return false;
	}
	return true;
}

static bool put_string_verb(struct buf *b, const struct spec *sp, struct slice s, int32_t verb, bool sharp_v)
{
	if (verb == 'q' || (verb == 'v' && sharp_v))
		put_quoted(b, sp, s);
	else if (verb == 'v' || verb == 's')
		pad(b, sp, truncated(sp, s));
	else if (verb == 'x' || verb == 'X')
		put_hex_bytes(b, sp, s, verb == 'x' ? lower : upper);
	else
		return false;
	return true;
}

/* The argument by one verb whose flags are settled; false when the verb does not suit the kind. */
static bool put_kind(struct buf *b, const struct spec *sp, const struct gofmt_arg *a, int32_t verb, bool sharp_v)
{
	const struct spec none = {0};

	switch (a->kind) {
	case GOFMT_INT:
		return put_int_verb(b, sp, a->i, verb);
	case GOFMT_BIG:
		if (!put_big(b, sp, a->big, verb)) {
			buf_puts(b, "%!");
			put_verb(b, verb);
			buf_puts(b, "(big.Int=");
			put_big(b, &none, a->big, 'd');
			buf_putc(b, ')');
		}
		return true;
	case GOFMT_FLOAT:
		return put_float_verb(b, sp, a->f, verb);
	case GOFMT_STRING:
		return put_string_verb(b, sp, a->s, verb, sharp_v);
	}
	return false;
}

static void put_arg(struct buf *b, const struct spec *given, const struct gofmt_arg *a, int32_t verb)
{
	struct spec sp = *given;
	bool sharp_v = verb == 'v' && sp.sharp;

	if (verb == 'T') {
		pad(b, &sp, truncated(&sp, slice_cstr(type_name(a))));
		return;
	}
	if (verb == 'v') {	/* these two mean "Go syntax" and "field names" here */
		sp.sharp = false;
		sp.plus = false;
	}
	if (put_kind(b, &sp, a, verb, sharp_v))
		return;
	buf_puts(b, "%!");
	put_verb(b, verb);
	buf_printf(b, "(%s=", type_name(a));
	put_kind(b, &sp, a, 'v', false);
	buf_putc(b, ')');
}

/* ---- the format string ---- */

struct scan {
	struct slice f;
	size_t i, arg, n_args;
	bool reordered, good, after_index;
};

static bool number(struct slice f, size_t *at, size_t end, int *out)
{
	bool any = false;
	int n = 0;

	*out = 0;
	for (; *at < end && f.p[*at] >= '0' && f.p[*at] <= '9'; ++*at) {
		if (n > LARGEST) {
			*at = end;
			return false;
		}
		n = n * 10 + (f.p[*at] - '0');
		any = true;
	}
	if (any)
		*out = n;
	return any;
}

/* "[3]": chooses the argument for what follows. */
static void arg_number(struct scan *s)
{
	size_t close, at;
	int n;
	bool ok;

	s->after_index = false;
	if (s->i >= s->f.n || s->f.p[s->i] != '[')
		return;
	s->reordered = true;
	for (close = s->i + 1; close < s->f.n && s->f.p[close] != ']';)
		close++;
	if (s->f.n - s->i < 3 || close >= s->f.n) {
		s->good = false;
		s->i++;
		return;
	}
	at = s->i + 1;
	ok = number(s->f, &at, close, &n) && at == close;
	s->i = close + 1;
	s->after_index = ok;
	if (ok && n >= 1 && (size_t)n <= s->n_args)
		s->arg = (size_t)n - 1;
	else
		s->good = false;
}

static bool star(struct scan *s, const struct gofmt_arg *args, int *out)
{
	const struct gofmt_arg *a;

	*out = 0;
	if (s->arg >= s->n_args)
		return false;
	a = &args[s->arg++];
	if (a->kind != GOFMT_INT || a->i > LARGEST || a->i < -LARGEST)
		return false;
	*out = (int)a->i;
	return true;
}

static void width_and_precision(struct buf *b, struct scan *s, const struct gofmt_arg *args, struct spec *sp)
{
	arg_number(s);
	if (s->i < s->f.n && s->f.p[s->i] == '*') {
		s->i++;
		sp->wid_set = star(s, args, &sp->wid);
		if (!sp->wid_set)
			buf_puts(b, "%!(BADWIDTH)");
		if (sp->wid < 0) {
			sp->wid = -sp->wid;
			sp->minus = true;
			sp->zero = false;
		}
		s->after_index = false;
	} else {
		sp->wid_set = number(s->f, &s->i, s->f.n, &sp->wid);
		if (s->after_index && sp->wid_set)
			s->good = false;
	}
	if (s->i + 1 < s->f.n && s->f.p[s->i] == '.') {
		s->i++;
		if (s->after_index)
			s->good = false;
		arg_number(s);
		if (s->i < s->f.n && s->f.p[s->i] == '*') {
			s->i++;
			sp->prec_set = star(s, args, &sp->prec);
			if (sp->prec < 0) {
				sp->prec = 0;
				sp->prec_set = false;
			}
			if (!sp->prec_set)
				buf_puts(b, "%!(BADPREC)");
			s->after_index = false;
		} else {
			if (!number(s->f, &s->i, s->f.n, &sp->prec))
				sp->prec = 0;
			sp->prec_set = true;
		}
	}
	if (!s->after_index)
		arg_number(s);
}

static bool flag(struct spec *sp, uint8_t c)
{
	if (c == '#')
		sp->sharp = true;
	else if (c == '0')
		sp->zero = true;
	else if (c == '+')
		sp->plus = true;
	else if (c == '-')
		sp->minus = true;
	else if (c == ' ')
		sp->space = true;
	else
		return false;
	return true;
}

static void one_verb(struct buf *b, struct scan *s, const struct gofmt_arg *args)
{
	struct spec sp = {0};
	int32_t verb;

	s->i++;	/* the % */
	s->good = true;
	while (s->i < s->f.n && flag(&sp, s->f.p[s->i]))
		s->i++;
	width_and_precision(b, s, args, &sp);
	if (s->i >= s->f.n) {
		buf_puts(b, "%!(NOVERB)");
		return;
	}
	verb = uni_next(s->f, &s->i);
	if (verb == '%') {
		buf_putc(b, '%');
	} else if (!s->good) {
		buf_puts(b, "%!");
		put_verb(b, verb);
		buf_puts(b, "(BADINDEX)");
	} else if (s->arg >= s->n_args) {
		buf_puts(b, "%!");
		put_verb(b, verb);
		buf_puts(b, "(MISSING)");
	} else {
		put_arg(b, &sp, &args[s->arg++], verb);
	}
}

void gofmt(struct buf *b, struct slice fmt, const struct gofmt_arg *args, size_t n)
{
	struct scan s = {.f = fmt, .n_args = n};
	const struct spec none = {0};

	while (s.i < fmt.n && buf_ok(b)) {
		size_t from = s.i;

		while (s.i < fmt.n && fmt.p[s.i] != '%')
			s.i++;
		buf_slice(b, slice_sub(fmt, from, s.i - from));
		if (s.i < fmt.n)
			one_verb(b, &s, args);
	}
	if (s.reordered || s.arg >= n)
		return;
	buf_puts(b, "%!(EXTRA ");
	for (size_t i = s.arg; i < n; i++) {
		if (i > s.arg)
			buf_puts(b, ", ");
		buf_printf(b, "%s=", type_name(&args[i]));
		put_arg(b, &none, &args[i], 'v');
	}
	buf_putc(b, ')');
}
