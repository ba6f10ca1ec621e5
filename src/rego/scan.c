#include "rego/scan.h"

#include <endian.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* Of 64 bytes, a bit a byte. */
struct marks {
	uint64_t back, ctrl, high;
};

/* ---- what is rare: escapes, control characters, bytes that are not ASCII ---- */

static bool hex_digit(uint8_t c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* The length of the escape at `at`; 0: it is none. */
static unsigned escape_length(const struct scan *s, size_t at)
{
	uint8_t c = at + 1 < s->n ? s->text[at + 1] : 0;

	if (c == '"' || c == '\\' || c == '/' || c == 'b' || c == 'f' || c == 'n' || c == 'r' || c == 't')
		return 2;
	if (c != 'u' || s->n - at < 6)
		return 0;
	for (unsigned i = 2; i < 6; i++)
		if (!hex_digit(s->text[at + i]))
			return 0;
	return 6;
}

/* Takes the escapes of a block in order: *quote loses what they hide, the result marks quotes with escapes since the one before. */
static uint64_t escapes(struct scan *s, size_t at, uint64_t *quote, uint64_t back)
{
	uint64_t with = 0;

	for (uint64_t left = *quote | back; left; left &= left - 1) {
		unsigned i = (unsigned)__builtin_ctzll(left);
		uint64_t bit = 1ull << i;

		if (at + i < s->skip) {
			*quote &= ~bit;
		} else if (back & bit) {
			unsigned n = escape_length(s, at + i);

			s->bad = s->bad || n == 0;
			s->skip = at + i + n;
			s->escapes = true;
		} else if (s->escapes) {
			with |= bit;
			s->escapes = false;
		}
	}
	return with;
}

/* Bits from each opening quote up to its closing one, when the block begins outside of a string. */
static uint64_t between(uint64_t quote)
{
	for (unsigned k = 1; k < 64; k *= 2)
		quote ^= quote << k;
	return quote;
}

static uint32_t *odd_block(struct scan *s, size_t at, uint64_t quote, const struct marks *m, uint32_t *out)
{
	uint64_t with = 0;

	s->high = s->high || m->high;
	if (m->back || s->escapes || s->skip > at)
		with = escapes(s, at, &quote, m->back);
	if (m->ctrl) {
		bool inside = (s->found + (uint64_t)(out - s->quotes)) & 1;

		if (m->ctrl & (between(quote) ^ (inside ? ~0ull : 0)))
			s->bad = true;
	}
	for (; quote; quote &= quote - 1) {
		unsigned i = (unsigned)__builtin_ctzll(quote);

		*out++ = (uint32_t)(at + i) | (with >> i & 1 ? SCAN_ESCAPED : 0);
	}
	return out;
}

/* ---- one loop, for each kind of processor ---- */

#define UNINITIALIZED __attribute__((uninitialized))

/* QUOTES(p, &quote) is true when the block holds more than plain bytes and quotes: then MARKS(p) tells what. PUT(out, at, quote)
 * appends positions. */
#define SCAN_LOOP(name, attribute, QUOTES, MARKS, PUT)                                               \
	static attribute bool name(struct scan *s)                                                   \
	{                                                                                            \
		uint8_t last[SCAN_BLOCK] UNINITIALIZED;                                              \
		const uint8_t *const text = s->text;                                                 \
		const size_t whole = s->n - s->n % SCAN_BLOCK;                                       \
		uint32_t *out = s->quotes;                                                           \
		size_t at = s->at;                                                                   \
                                                                                                     \
		s->found += (uint64_t)(s->end - s->quotes);                                          \
		while (out == s->quotes && at < s->n && !s->bad) {                                   \
			size_t stop = whole - at > SCAN_CHUNK ? at + SCAN_CHUNK : whole;             \
			const uint8_t *p = text + at;                                                \
			uint64_t quote;                                                              \
                                                                                                     \
			if (at == whole) {	/* the end, filled up with spaces */                 \
				memset(last, ' ', sizeof(last));                                     \
				memcpy(last, p, s->n - at);                                          \
				p = last;                                                            \
				stop = at + SCAN_BLOCK;                                              \
			}                                                                            \
			for (; at < stop; at += SCAN_BLOCK, p += SCAN_BLOCK) {                       \
				if (__builtin_expect(QUOTES(p, &quote) | s->escapes, 0)) {           \
					struct marks m = MARKS(p);                                   \
                                                                                                     \
					out = odd_block(s, at, quote, &m, out);                      \
				} else {                                                             \
					out = PUT(out, (uint32_t)at, quote);                         \
				}                                                                    \
			}                                                                            \
		}                                                                                    \
		s->at = at < s->n ? at : s->n;                                                       \
		s->q = s->quotes;                                                                    \
		s->end = out;                                                                        \
		return out != s->quotes && !s->bad;                                                  \
	}

static uint32_t *put(uint32_t *out, uint32_t at, uint64_t quote)
{
	for (; quote; quote &= quote - 1)
		*out++ = at + (uint32_t)__builtin_ctzll(quote);
	return out;
}

/* The high bit of each byte of w, gathered into the low eight. */
static uint64_t high_bits(uint64_t w)
{
	return ((w & 0x8080808080808080ull) >> 7) * 0x0102040810204080ull >> 56;
}

/* Exact tests for a zero byte, and for one below 0x20: no carry leaves a byte. */
static uint64_t zero_bytes(uint64_t w)
{
	const uint64_t low = 0x7f7f7f7f7f7f7f7full;

	return ~(((w & low) + low) | w);
}

static uint64_t below_space(uint64_t w)
{
	return ~(((w & 0x7f7f7f7f7f7f7f7full) + 0x6060606060606060ull) | w);
}

static uint64_t word_at(const uint8_t *p, unsigned i)
{
	uint64_t w;

	memcpy(&w, p + (size_t)8 * i, 8);
	return le64toh(w);
}

static bool words_quotes(const uint8_t *p, uint64_t *quote)
{
	const uint64_t ones = 0x0101010101010101ull;
	uint64_t odd = 0;

	*quote = 0;
	for (unsigned i = 0; i < 8; i++) {
		uint64_t w = word_at(p, i);

		*quote |= high_bits(zero_bytes(w ^ ones * '"')) << 8 * i;
		odd |= w | below_space(w) | zero_bytes(w ^ ones * '\\');
	}
	return (odd & ones * 0x80) != 0;
}

static struct marks words_marks(const uint8_t *p)
{
	const uint64_t ones = 0x0101010101010101ull;
	struct marks m = {0};

	for (unsigned i = 0; i < 8; i++) {
		uint64_t w = word_at(p, i);

		m.back |= high_bits(zero_bytes(w ^ ones * '\\')) << 8 * i;
		m.ctrl |= high_bits(below_space(w)) << 8 * i;
		m.high |= high_bits(w) << 8 * i;
	}
	return m;
}

SCAN_LOOP(words_loop, , words_quotes, words_marks, put)

#if defined(__x86_64__)
static inline uint64_t sse2_bits(__m128i a, __m128i b, __m128i c, __m128i d)
{
	return (uint64_t)(uint32_t)_mm_movemask_epi8(a) | (uint64_t)(uint32_t)_mm_movemask_epi8(b) << 16 |
	       (uint64_t)(uint32_t)_mm_movemask_epi8(c) << 32 | (uint64_t)(uint32_t)_mm_movemask_epi8(d) << 48;
}

static inline __m128i sse2_below_space(__m128i v)
{
	return _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v);
}

static inline bool sse2_quotes(const uint8_t *p, uint64_t *quote)
{
	const __m128i *from = (const __m128i *)(const void *)p, q = _mm_set1_epi8('"'), b = _mm_set1_epi8('\\');
	__m128i v[4], odd = _mm_setzero_si128();

	for (unsigned i = 0; i < 4; i++) {
		v[i] = _mm_loadu_si128(from + i);
		odd = _mm_or_si128(odd, _mm_or_si128(v[i], _mm_or_si128(_mm_cmpeq_epi8(v[i], b), sse2_below_space(v[i]))));
		v[i] = _mm_cmpeq_epi8(v[i], q);
	}
	*quote = sse2_bits(v[0], v[1], v[2], v[3]);
	return _mm_movemask_epi8(odd) != 0;
}

static inline struct marks sse2_marks(const uint8_t *p)
{
	const __m128i *from = (const __m128i *)(const void *)p, b = _mm_set1_epi8('\\');
	__m128i v[4], back[4], ctrl[4];

	for (unsigned i = 0; i < 4; i++) {
		v[i] = _mm_loadu_si128(from + i);
		back[i] = _mm_cmpeq_epi8(v[i], b);
		ctrl[i] = sse2_below_space(v[i]);
	}
	return (struct marks){sse2_bits(back[0], back[1], back[2], back[3]), sse2_bits(ctrl[0], ctrl[1], ctrl[2], ctrl[3]),
			      sse2_bits(v[0], v[1], v[2], v[3])};
}

SCAN_LOOP(sse2_loop, , sse2_quotes, sse2_marks, put)

#define AVX2 __attribute__((target("avx2,bmi,popcnt")))

AVX2 static inline uint64_t avx2_bits(__m256i a, __m256i b)
{
	return (uint64_t)(uint32_t)_mm256_movemask_epi8(a) | (uint64_t)(uint32_t)_mm256_movemask_epi8(b) << 32;
}

AVX2 static inline bool avx2_quotes(const uint8_t *p, uint64_t *quote)
{
	const __m256i *from = (const __m256i *)(const void *)p;
	const __m256i q = _mm256_set1_epi8('"'), b = _mm256_set1_epi8('\\'), top = _mm256_set1_epi8(0x1f);
	__m256i v = _mm256_loadu_si256(from), w = _mm256_loadu_si256(from + 1);
	__m256i back = _mm256_or_si256(_mm256_cmpeq_epi8(v, b), _mm256_cmpeq_epi8(w, b));
	__m256i least = _mm256_min_epu8(v, w), ctrl = _mm256_cmpeq_epi8(_mm256_min_epu8(least, top), least);
	__m256i odd = _mm256_or_si256(_mm256_or_si256(v, w), _mm256_or_si256(back, ctrl));

	*quote = avx2_bits(_mm256_cmpeq_epi8(v, q), _mm256_cmpeq_epi8(w, q));
	return _mm256_movemask_epi8(odd) != 0;
}

AVX2 static inline __m256i avx2_below_space(__m256i v)
{
	return _mm256_cmpeq_epi8(_mm256_min_epu8(v, _mm256_set1_epi8(0x1f)), v);
}

AVX2 static inline struct marks avx2_marks(const uint8_t *p)
{
	const __m256i *from = (const __m256i *)(const void *)p, b = _mm256_set1_epi8('\\');
	__m256i v = _mm256_loadu_si256(from), w = _mm256_loadu_si256(from + 1);

	return (struct marks){avx2_bits(_mm256_cmpeq_epi8(v, b), _mm256_cmpeq_epi8(w, b)),
			      avx2_bits(avx2_below_space(v), avx2_below_space(w)), avx2_bits(v, w)};
}

/* Four at a time without asking how many there are: a block of an input has few. What is too much is written over. */
AVX2 static inline uint32_t *avx2_put(uint32_t *out, uint32_t at, uint64_t quote)
{
	uint32_t *end = out + _mm_popcnt_u64(quote);

	do {
		for (unsigned i = 0; i < 4; i++) {
			out[i] = at + (uint32_t)_tzcnt_u64(quote);
			quote = _blsr_u64(quote);
		}
		out += 4;
	} while (quote);
	return end;
}

SCAN_LOOP(avx2_loop, AVX2, avx2_quotes, avx2_marks, avx2_put)

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vbmi2,popcnt")))

AVX512 static inline bool avx512_quotes(const uint8_t *p, uint64_t *quote)
{
	__m512i v = _mm512_loadu_si512(p);

	*quote = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('"'));
	return (_mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('\\')) | _mm512_cmplt_epi8_mask(v, _mm512_set1_epi8(0x20))) != 0;
}

AVX512 static inline struct marks avx512_marks(const uint8_t *p)
{
	__m512i v = _mm512_loadu_si512(p);

	return (struct marks){_mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('\\')), _mm512_cmplt_epu8_mask(v, _mm512_set1_epi8(0x20)),
			      _mm512_movepi8_mask(v)};
}

/* The numbers of the bytes that are quotes, moved together; then sixteen positions at a time. */
AVX512 static inline uint32_t *avx512_put(uint32_t *out, uint32_t at, uint64_t quote)
{
	static const uint8_t number[64] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
					   22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
					   44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};
	__m512i some = _mm512_maskz_compress_epi8(quote, _mm512_loadu_si512(number)), base = _mm512_set1_epi32((int)at);
	uint32_t *end = out + _mm_popcnt_u64(quote);

	for (;;) {
		_mm512_storeu_si512(out, _mm512_add_epi32(_mm512_cvtepu8_epi32(_mm512_castsi512_si128(some)), base));
		out += 16;
		if (__builtin_expect(out >= end, 1))
			return end;
		some = _mm512_alignr_epi64(_mm512_setzero_si512(), some, 2);
	}
}

SCAN_LOOP(avx512_loop, AVX512, avx512_quotes, avx512_marks, avx512_put)
#endif

/* ---- */

enum scan_level scan_best(void)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vbmi2") && __builtin_cpu_supports("popcnt"))
		return SCAN_AVX512;
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("popcnt") ? SCAN_AVX2 : SCAN_SSE2;
#else
	return SCAN_WORDS;
#endif
}

void scan_start(struct scan *s, const uint8_t *text, size_t n, enum scan_level level)
{
	memset(s, 0, offsetof(struct scan, quotes));
	s->text = text;
	s->n = n;
	s->q = s->end = s->quotes;
	s->level = level;
}

bool scan_more(struct scan *s)
{
#if defined(__x86_64__)
	if (s->level == SCAN_AVX512)
		return avx512_loop(s);
	if (s->level == SCAN_AVX2)
		return avx2_loop(s);
	if (s->level == SCAN_SSE2)
		return sse2_loop(s);
#endif
	return words_loop(s);
}

bool scan_finish(struct scan *s)
{
	return s->q == s->end && !scan_more(s) && !s->bad;
}
