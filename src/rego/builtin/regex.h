/* regex.h - regular expressions in RE2 syntax, linear in the text. The shim is C++; nothing of C++ leaks out.
 *
 * A compiled expression is immutable and may be shared by threads. Its memory, automata included, is capped at
 * REGEX_MEMORY; where that is too little, matching falls back to a slower method that is linear all the same.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define REGEX_MEMORY (1 << 20)	/* bytes an expression may use */
#define REGEX_GROUPS 64		/* groups that are reported, the whole match included */
#define REGEX_PATTERN_MAX 65536u

struct regex;

enum regex_status { REGEX_OK, REGEX_BAD, REGEX_NO_MEMORY };

/* REGEX_BAD: `err` holds a text such as "error parsing regexp: missing closing ): `(a`", cut to err_n bytes with its
 * NUL. On success *out is to be freed with regex_free (accepts NULL). */
enum regex_status regex_new(const uint8_t *pattern, size_t n, struct regex **out, char *err, size_t err_n);
void regex_free(struct regex *re);

/* Instructions of the compiled program: what a byte of text may cost at the worst. */
size_t regex_cost(const struct regex *re);
/* Groups of the expression, without the whole match. */
int regex_group_count(const struct regex *re);
/* Number of the named group; -1 when there is none. */
int regex_group_by_name(const struct regex *re, const uint8_t *name, size_t n);
/* The leftmost match that begins at `from` or later. span[2k], span[2k+1]: begin and end of group k < n_groups
 * (<= REGEX_GROUPS), -1 for one that took no part. 1: found, 0: not, -1: no memory. */
int regex_find(const struct regex *re, const uint8_t *text, size_t n, size_t from, int n_groups, ptrdiff_t *span);

#ifdef __cplusplus
}
#endif
