/* ip.h - addresses and networks: reading, writing (RFC 5952), containment, and merging into the fewest networks.
 *
 * An IPv4-mapped IPv6 address is the IPv4 address, as in Go's net package.
 */
#pragma once
#include "base/buf.h"
#include "base/why.h"

struct ip {
	unsigned __int128 v;	/* IPv4: the low 32 bits */
	bool v4;
};

struct ipnet {
	struct ip ip;	/* the network's first address */
	unsigned bits;	/* of the prefix, within the family */
};

bool ip_parse(struct slice s, struct ip *out);
void ip_write(struct buf *b, struct ip ip);
/* "10.0.0.0/8". False when malformed; the host part is dropped. */
bool ipnet_parse(struct slice s, struct ipnet *out);
void ipnet_write(struct buf *b, const struct ipnet *n);
bool ipnet_contains(const struct ipnet *n, struct ip ip);
struct ip ipnet_last(const struct ipnet *n);

/* A network to merge; `text` is written back when nothing merges with it (an address without a prefix keeps its host
 * part and gets its class's prefix). */
struct ipmerge {
	struct ip first, last;
	struct ipnet net;
	bool merged;	/* the range is a union: write the networks that cover it */
};

/* Sorts and merges in place; returns how many remain. */
size_t ip_merge(struct ipmerge *ranges, size_t n);
/* The next network of the smallest cover of [*first, last]; *first moves behind it. False at the end. */
bool ip_cover(struct ip *first, struct ip last, struct ipnet *out, bool *done);
/* 8, 16 or 24 by the class of an IPv4 address. */
unsigned ip_class_bits(struct ip ip);
