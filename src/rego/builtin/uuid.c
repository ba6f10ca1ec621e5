/* uuid.c - RFC 4122 identifiers. */
#include "rego/builtin/lib.h"

static int nibble(uint8_t ch)
{
	if (ch >= '0' && ch <= '9')
		return ch - '0';
	return (ch | 32) >= 'a' && (ch | 32) <= 'f' ? (ch | 32) - 'a' + 10 : -1;
}

/* Plain, "urn:uuid:...", in any pair of brackets, or without dashes. */
static bool parse(struct slice s, uint8_t out[16])
{
	static const uint8_t dashes[] = {8, 13, 18, 23};
	bool plain = s.n == 32;
	size_t at = 0;

	if (s.n == 36 + 9) {
		for (size_t i = 0; i < 9; i++)
			if ((i == 3 || i == 8 ? s.p[i] : s.p[i] | 32) != (uint8_t)"urn:uuid:"[i])
				return false;
		s = slice_sub(s, 9, 36);
	} else if (s.n == 36 + 2) {
		s = slice_sub(s, 1, 36);
	} else if (s.n != 36 && !plain) {
		return false;
	}
	for (size_t i = 0; i < sizeof(dashes) && !plain; i++)
		if (s.p[dashes[i]] != '-')
			return false;
	for (size_t i = 0; i < 16; i++, at += 2) {
		int hi, lo;

		if (!plain && s.p[at] == '-' && (i == 4 || i == 6 || i == 8 || i == 10))
			at++;
		hi = nibble(s.p[at]);
		lo = nibble(s.p[at + 1]);
		if (hi < 0 || lo < 0)
			return false;
		out[i] = (uint8_t)(hi << 4 | lo);
	}
	return true;
}

static const char *variant(uint8_t b)
{
	if ((b & 0xc0) == 0x80)
		return "RFC4122";
	if ((b & 0xe0) == 0xc0)
		return "Microsoft";
	return (b & 0xe0) == 0xe0 ? "Future" : "Reserved";
}

/* Versions 1 and 2 tell when and where they were made. */
static void time_and_place(struct rv_heap *h, struct rv_builder *b, const uint8_t u[16])
{
	static const char *const domains[] = {"Person", "Group", "Org"};
	static const char *const mac[] = {"global:unicast", "global:multicast", "local:unicast", "local:multicast"};
	int64_t low = (int64_t)u[0] << 24 | (int64_t)u[1] << 16 | (int64_t)u[2] << 8 | u[3];
	int64_t ticks = low | ((int64_t)u[4] << 8 | u[5]) << 32 | ((int64_t)(u[6] & 15) << 8 | u[7]) << 48;

	/* of 100 ns since 15 October 1582; a 60-bit count may not fit nanoseconds: it wraps, as upstream */
	ticks -= (int64_t)141427 * 86400 * 10000000;
	rv_object_put_c(b, "time", rv_int((int64_t)((uint64_t)ticks * 100)));
	rv_object_put_c(b, "nodeid", rv_strf(h, "%02x-%02x-%02x-%02x-%02x-%02x", u[10], u[11], u[12], u[13], u[14], u[15]));
	rv_object_put_c(b, "macvariables", rv_cstr(h, mac[u[10] & 3]));
	rv_object_put_c(b, "clocksequence", rv_int((u[8] & 0x3f) << 8 | u[9]));
	if (u[6] >> 4 == 2) {
		rv_object_put_c(b, "id", rv_int(low));
		rv_object_put_c(b, "domain", u[9] < 3 ? rv_cstr(h, domains[u[9]]) : rv_strf(h, "Domain%u", u[9]));
	}
}

static rc uuid_parse(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct rv_builder b = rv_object_builder(c->heap, 8);
	uint8_t u[16];

	(void)n;
	ARG_STRING(c, args, 0);
	*out = rv_undef();
	if (!parse(rv_slice(args[0]), u))
		return rc_of(OK);	/* undefined, never an error */
	rv_object_put_c(&b, "version", rv_int(u[6] >> 4));
	rv_object_put_c(&b, "variant", rv_cstr(c->heap, variant(u[8])));
	if (u[6] >> 4 == 1 || u[6] >> 4 == 2)
		time_and_place(c->heap, &b, u);
	return lib_return(c, rv_builder_done(&b), out);
}

static rc uuid_random(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	uint8_t u[16];

	(void)n;
	ARG_STRING(c, args, 0);
	if (rego_cache_get(c, args[0], out))
		return rc_of(OK);
	TRY(rego_random(c, u, sizeof(u)));
	u[6] = (uint8_t)(0x40 | (u[6] & 0x0f));
	u[8] = (uint8_t)(0x80 | (u[8] & 0x3f));
	TRY(lib_return(c, rv_strf(c->heap, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", u[0], u[1],
				  u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12], u[13], u[14], u[15]),
		       out));
	return rego_cache_put(c, args[0], *out);
}

const struct rego_builtin builtin_uuid[] = {
	{"uuid.parse", "string -> object[string:any]", uuid_parse, 1, 0, 2},
	{"uuid.rfc4122", "string -> string", uuid_random, 1, REGO_NONDET, 4},
	{0},
};
