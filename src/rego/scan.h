/* scan.h - finds the quotes of a JSON text, some blocks at a time: the first pass of reading an input.
 *
 * Quotes that an escape hides are left out. Escapes are checked on the way (RFC 8259 section 7), as are control characters
 * between quotes; what stands outside of quotes is the second pass's to judge. Vector instructions where the processor has them;
 * all levels report the same. Threads: one a scan.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCAN_BLOCK   64u
#define SCAN_CHUNK   (16 * SCAN_BLOCK)	/* bytes looked at before the second pass goes on: its quotes stay in the nearest cache */
#define SCAN_ESCAPED 0x80000000u	/* with a closing quote: the string holds escapes */
#define SCAN_TEXT_MAX 0x40000000u	/* bytes; positions have 31 bits */

enum scan_level { SCAN_WORDS, SCAN_SSE2, SCAN_AVX2, SCAN_AVX512 };

struct scan {
	const uint8_t *text;
	size_t n;
	size_t at;	/* looked at so far */
	size_t skip;	/* bytes before this one belong to an escape */
	const uint32_t *q, *end;	/* found and not yet taken */
	uint64_t found;	/* before the present chunk */
	enum scan_level level;
	bool escapes;	/* since the last quote */
	bool high;	/* there are bytes from 0x80: the caller checks UTF-8 */
	bool bad;	/* a wrong escape, or a control character between quotes */
	uint32_t quotes[SCAN_CHUNK + 16];	/* sixteen are written at once */
};

/* The best that this processor has. */
enum scan_level scan_best(void);
/* At most SCAN_TEXT_MAX bytes. */
void scan_start(struct scan *s, const uint8_t *text, size_t n, enum scan_level level);
/* Fills q..end from the next blocks that have quotes; false: there are none, or the text is bad. */
bool scan_more(struct scan *s);
/* Looks at what is left: false when the text is bad, or has another quote. */
bool scan_finish(struct scan *s);
