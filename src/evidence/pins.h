/* pins.h - the vendor roots that count without configuration: digests, with where they were taken from. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pin {
	const char *set;
	const char *sha256;	/* 64 hex digits: of the certificate in DER, or what `of` says */
	const char *of;
	const char *source;
};

extern const struct pin pins[];
extern const size_t pins_n;

bool pin_matches(const char *set, const uint8_t sha256[32]);
