/* semver.h - SemVer 2.0.0: strict reading and precedence (section 11). A leading "v" is dropped. */
#pragma once
#include "base/slice.h"

struct semver {
	uint64_t part[3];
	struct slice pre, build;	/* without the sign; empty when absent. They point into the text */
};

/* False when `s` is no version: an empty identifier, a leading zero, a part beyond 63 bits. */
bool semver_parse(struct slice s, struct semver *out);
/* -1, 0, 1. Build metadata does not count. */
int semver_compare(const struct semver *a, const struct semver *b);
