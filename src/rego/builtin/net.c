/* net.c - networks as texts. What would reach out exists and refuses. */
#include "rego/builtin/ip.h"
#include "rego/builtin/lib.h"

static RC net_of(struct rego_call *c, struct rv v, struct ipnet *out)
{
	if (v.kind != RV_STRING)
		return rego_operand_error(c, 1, "string", v);
	if (!ipnet_parse(rv_slice(v), out))
		return rego_fail(c, "invalid CIDR address: " SLICE_FMT, SLICE_ARG(rv_slice(v)));
	return rc_of(OK);
}

static RC holds(struct rego_call *c, struct rv outer, struct rv inner, bool *yes)
{
	struct ipnet a, b;
	struct ip ip;

	TRY(rego_charge(c, 2));
	TRY(net_of(c, outer, &a));
	if (inner.kind != RV_STRING)
		return rego_operand_error(c, 1, "string", inner);
	if (ip_parse(rv_slice(inner), &ip)) {
		*yes = ipnet_contains(&a, ip);
		return rc_of(OK);
	}
	if (!ipnet_parse(rv_slice(inner), &b))
		return rego_fail(c, "not a valid textual representation of an IP address or CIDR: " SLICE_FMT,
				 SLICE_ARG(rv_slice(inner)));
	*yes = ipnet_contains(&a, b.ip) && ipnet_contains(&a, ipnet_last(&b));
	return rc_of(OK);
}

static rc cidr_contains(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	bool yes;

	(void)n;
	TRY(holds(c, args[0], args[1], &yes));
	*out = rv_bool(yes);
	return rc_of(OK);
}

static rc cidr_intersects(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct ipnet a, b;

	(void)n;
	TRY(net_of(c, args[0], &a));
	TRY(net_of(c, args[1], &b));
	*out = rv_bool(ipnet_contains(&a, b.ip) || ipnet_contains(&b, a.ip));
	return rc_of(OK);
}

static rc cidr_is_valid(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct ipnet a;

	(void)c;
	(void)n;
	*out = rv_bool(args[0].kind == RV_STRING && ipnet_parse(rv_slice(args[0]), &a));
	return rc_of(OK);
}

/* ---- many against many ---- */

/* The i-th address of a string, array, set or object, and what names it in the result. */
static RC item_at(struct rego_call *c, struct rv v, unsigned operand, size_t i, struct rv *addr, struct rv *key)
{
	if (v.kind == RV_STRING) {
		*addr = *key = v;
		return rc_of(OK);
	}
	if (v.kind == RV_ARRAY) {
		*addr = rv_at(v, i);
		*key = rv_int((int64_t)i);
	} else {
		*key = rv_key(v, i);
		*addr = v.kind == RV_OBJECT ? rv_val(v, i) : *key;
	}
	if (addr->kind == RV_ARRAY && rv_len(*addr) > 0)
		*addr = rv_at(*addr, 0);
	else if (addr->kind != RV_STRING)
		return rego_fail(c, "operand %u: element must be string or non-empty array", operand);
	return rc_of(OK);
}

static rc contains_matches(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct rv_builder b = rv_set_builder(c->heap, 0);
	size_t na = args[0].kind == RV_STRING ? 1 : rv_len(args[0]), nb = args[1].kind == RV_STRING ? 1 : rv_len(args[1]);
	bool yes;

	(void)n;
	rv_sort(args[0]);
	rv_sort(args[1]);
	for (size_t i = 0; i < na; i++) {
		for (size_t k = 0; k < nb; k++) {
			struct rv key[2], outer, inner;

			TRY(item_at(c, args[0], 1, i, &outer, &key[0]));
			TRY(item_at(c, args[1], 2, k, &inner, &key[1]));
			TRY(holds(c, outer, inner, &yes));
			if (yes)
				rv_set_add(&b, rv_array(c->heap, key, 2));
		}
		if (rv_heap_bad(c->heap))
			return lib_no_memory(c);
	}
	return lib_return(c, rv_builder_done(&b), out);
}

static rc cidr_expand(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct rv_builder b = rv_set_builder(c->heap, 0);
	struct ipnet net;
	struct ip ip, last;

	(void)n;
	TRY(net_of(c, args[0], &net));
	last = ipnet_last(&net);
	ip = net.ip;
	if (last.v - ip.v >= RV_MAX_ITEMS)
		return rego_reserve(c, SIZE_MAX);
	TRY(rego_reserve(c, ((size_t)(last.v - ip.v) + 1) * 64));
	for (;; ip.v++) {
		char text[64];
		struct buf t = {.p = (uint8_t *)text, .cap = sizeof(text), .max = sizeof(text) - 1};

		ip_write(&t, ip);
		TRY(rego_charge(c, 4));
		rv_set_add(&b, rv_str(c->heap, text, t.n));
		if (rv_heap_bad(c->heap))
			return lib_no_memory(c);
		if (ip.v == last.v)
			break;
	}
	return lib_return(c, rv_builder_done(&b), out);
}

/* ---- merging ---- */

static RC merge_item(struct rego_call *c, struct rv v, struct ipmerge *m)
{
	struct ip ip;

	if (v.kind != RV_STRING)
		return rego_fail(c, "element must be string");
	*m = (struct ipmerge){0};
	if (ip_parse(rv_slice(v), &ip)) {
		if (!ip.v4)
			return rego_fail(c, "IPv6 invalid: needs prefix length");
		/* an address alone stands for the network of its class, and is written with its host part */
		m->net = (struct ipnet){.ip = ip, .bits = ip_class_bits(ip)};
		m->first = ip;
		m->first.v &= ~(((unsigned __int128)1 << (32 - m->net.bits)) - 1);
	} else if (ipnet_parse(rv_slice(v), &m->net)) {
		m->first = m->net.ip;
	} else {
		return rego_fail(c, "invalid CIDR address: " SLICE_FMT, SLICE_ARG(rv_slice(v)));
	}
	m->last = ipnet_last(&m->net);
	return rc_of(OK);
}

static void add_net(struct rego_call *c, struct rv_builder *b, const struct ipnet *net)
{
	char text[64];
	struct buf t = {.p = (uint8_t *)text, .cap = sizeof(text), .max = sizeof(text) - 1};

	ipnet_write(&t, net);
	rv_set_add(b, rv_str(c->heap, text, t.n));
}

static rc cidr_merge(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct rv_builder b = rv_set_builder(c->heap, 0);
	const struct rv *items;
	struct ipmerge *m;
	size_t count;

	(void)n;
	items = lib_items(args[0], &count);
	if (args[0].kind != RV_ARRAY && args[0].kind != RV_SET)
		return rego_fail(c, "operand must be an array");
	TRY(rego_charge(c, count * 8));
	m = arena_array(c->heap->arena, count + 1, struct ipmerge);
	if (!m)
		return lib_no_memory(c);
	for (size_t i = 0; i < count; i++)
		TRY(merge_item(c, items[i], &m[i]));
	count = ip_merge(m, count);
	for (size_t i = 0; i < count; i++) {
		struct ipnet net;
		bool done = false;

		if (!m[i].merged)
			add_net(c, &b, &m[i].net);
		else
			while (ip_cover(&m[i].first, m[i].last, &net, &done))
				add_net(c, &b, &net);
	}
	return lib_return(c, rv_builder_done(&b), out);
}

#define ADDRS                                                                                                          \
	"string | array[string | array[any]] | set[string | array[any]] | object[string:string | array[any]]"

const struct rego_builtin builtin_net[] = {
	{"net.cidr_contains", "string, string -> boolean", cidr_contains, 2, 0, 2},
	{"net.cidr_overlap", "string, string -> boolean", cidr_contains, 2, REGO_DEPRECATED, 2},
	{"net.cidr_contains_matches", ADDRS ", " ADDRS " -> set[array<any, any>]", contains_matches, 2, 0, 2},
	{"net.cidr_intersects", "string, string -> boolean", cidr_intersects, 2, 0, 2},
	{"net.cidr_expand", "string -> set[string]", cidr_expand, 1, 0, 2},
	{"net.cidr_is_valid", "string -> boolean", cidr_is_valid, 1, 0, 1},
	{"net.cidr_merge", "array[string] | set[string] -> set[string]", cidr_merge, 1, 0, 4},
	{"net.lookup_ip_addr", "string -> set[string]", NULL, 1, REGO_NONDET | REGO_REFUSED, 1},
	{0},
};
