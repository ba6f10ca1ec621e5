/* test_dcap.h - a quote of any version with empty content, for tests of form alone. */
#pragma once
#include "base/buf.h"
#include "evidence/dcap_quote.h"

struct quote_shape {
	uint16_t version;
	uint32_t tee_type;
	uint16_t body_type;	/* version 5 */
	uint32_t body_size;
	const char *pem;
	const char *behind;	/* trailing bytes */
};

static inline void put_zeros(struct buf *b, size_t n)
{
	(void)buf_reserve(b, n);
}

static inline void put_qe(struct buf *b, const char *pem)
{
	put_zeros(b, DCAP_SGX_REPORT + 64);
	buf_le16(b, 32);
	put_zeros(b, 32);
	buf_le16(b, 5);
	buf_le32(b, (uint32_t)strlen(pem));
	buf_puts(b, pem);
}

static inline struct slice make_quote(struct arena *a, const struct quote_shape *s)
{
	static const uint8_t vendor[16] = {0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
					   0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};
	struct buf b = buf_in(a, 0), qe = buf_in(a, 0);
	size_t sig;

	buf_le16(&b, s->version);
	buf_le16(&b, 2);
	buf_le32(&b, s->tee_type);
	put_zeros(&b, 4);
	buf_put(&b, vendor, sizeof(vendor));
	put_zeros(&b, 20);
	if (s->version == 5) {
		buf_le16(&b, s->body_type);
		buf_le32(&b, s->body_size);
	}
	put_zeros(&b, s->body_size);
	put_qe(&qe, s->pem);
	sig = 128 + qe.n + (s->version == 3 ? 0 : 6);
	buf_le32(&b, (uint32_t)sig);
	put_zeros(&b, 128);
	if (s->version != 3) {
		buf_le16(&b, 6);
		buf_le32(&b, (uint32_t)qe.n);
	}
	buf_slice(&b, buf_view(&qe));
	buf_puts(&b, s->behind);
	return buf_view(&b);
}
