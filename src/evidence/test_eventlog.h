/* test_eventlog.h - event logs built in a test, event by event. */
#pragma once
#include "evidence/test_shared.h"

#include "crypto/digest.h"
#include "evidence/eventlog.h"
#include "evidence/eventlog_int.h"

struct fix {
	struct arena *a;
	struct why w;
	struct buf b;
};

static inline void begin(struct fix *f)
{
	*f = (struct fix){.a = arena_new(0)};
	f->w = why_in(f->a);
	f->b = buf_in(f->a, 0);
}

static inline void end(struct fix *f)
{
	arena_free(f->a);
}

/* The head of a crypto-agile log with SHA-256 alone. */
static inline void put_head(struct buf *b)
{
	buf_le32(b, 0);
	buf_le32(b, EV_NO_ACTION);
	buf_reserve(b, 20);
	buf_le32(b, 33);
	buf_put(b, "Spec ID Event03", 16);
	buf_reserve(b, 8);
	buf_le32(b, 1);
	buf_le16(b, 0x0b);
	buf_le16(b, 32);
	buf_putc(b, 0);
}

static inline void put_event(struct buf *b, uint32_t index, uint32_t type, struct slice data, const uint8_t digest_of_data[32])
{
	uint8_t d[32] = {0};

	if (digest_of_data)
		memcpy(d, digest_of_data, 32);
	else
		assert_true(rc_ok(digest(DIGEST_SHA256, data, d, NULL)));
	buf_le32(b, index);
	buf_le32(b, type);
	buf_le32(b, 1);
	buf_le16(b, 0x0b);
	buf_put(b, d, 32);
	buf_le32(b, (uint32_t)data.n);
	buf_slice(b, data);
}

static inline rc parse(struct fix *f, struct eventlog *l)
{
	struct slice s = buf_view(&f->b);
	uint8_t *exact = exact_copy(s, s.n);
	struct slice copy = arena_dup(f->a, slice_of(exact, s.n));

	free(exact);
	return eventlog_parse(f->a, copy, EVENTLOG_PCR, "t.parse", l, &f->w);
}

/* One event of a type with these data, and its details. */
static inline const struct json *details(struct fix *f, uint32_t type, struct slice data)
{
	struct eventlog l;

	f->b = buf_in(f->a, 0);
	put_head(&f->b);
	put_event(&f->b, 1, type, data, NULL);
	assert_true(rc_ok(parse(f, &l)));
	assert_int_equal(l.n, 2);
	return event_details(f->a, &l.events[1]);
}

static inline struct slice image(struct fix *f, uint64_t stated, struct slice path)
{
	struct buf b = buf_in(f->a, 0);

	buf_reserve(&b, 24);
	buf_le64(&b, stated);
	buf_slice(&b, path);
	return buf_view(&b);
}

static inline struct slice signature_list(struct fix *f, const char *guid_hex, uint32_t header, uint32_t size, unsigned n)
{
	struct buf b = buf_in(f->a, 0);
	struct slice guid;

	assert_true(rc_ok(hex_decode(f->a, slice_cstr(guid_hex), &guid, "guid", NULL)));
	buf_slice(&b, guid);
	buf_le32(&b, 28 + header + size * n);
	buf_le32(&b, header);
	buf_le32(&b, size);
	for (uint32_t i = 0; i < header + size * n; i++)
		buf_putc(&b, (char)i);
	return buf_view(&b);
}

#define GUID_SHA256 "2616c4c14c509240aca941f936934328"
