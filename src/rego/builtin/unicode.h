/* unicode.h - code points, simple case mapping and white space, as Go's unicode package sees them. No locale.
 *
 * A byte that is no valid UTF-8 counts as one U+FFFD.
 */
#pragma once
#include "base/buf.h"

/* The code point at s[*at], and *at moves behind it. *at < s.n. */
int32_t uni_next(struct slice s, size_t *at);
/* The code point that ends at s[*at], and *at moves before it. *at > 0. */
int32_t uni_prev(struct slice s, size_t *at);
size_t uni_count(struct slice s);
/* Byte offset of code point n; s.n when there are fewer. */
size_t uni_offset(struct slice s, size_t n);
bool uni_ascii(struct slice s);
void uni_put(struct buf *b, int32_t cp);

int32_t uni_upper(int32_t cp);
int32_t uni_lower(int32_t cp);
bool uni_space(int32_t cp);
/* Letters, marks, numbers, punctuation, symbols; the ASCII space. */
bool uni_printable(uint32_t cp);
