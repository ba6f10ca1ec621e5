/* utf8.h - strict UTF-8 (RFC 3629: no surrogates, no overlong forms, nothing over U+10FFFF). */
#pragma once
#include "base/buf.h"

/* Decodes one code point at s[*at] and moves *at behind it; -1 and no move when it is not valid. */
int32_t utf8_next(struct slice s, size_t *at);
bool utf8_valid(struct slice s);
/* Writes 1 to 4 bytes, returns how many; 0 for a code point that has no form. */
unsigned utf8_put(uint32_t cp, uint8_t out[4]);

/* Text that may hold bytes of strangers, or that was cut within a character: what is not UTF-8 is written as \xNN. */
void utf8_write(struct buf *b, struct slice s);
/* The same for a terminal, which obeys control characters and reorders text by others: those are written as \uNNNN. */
void utf8_write_terminal(struct buf *b, struct slice s);
