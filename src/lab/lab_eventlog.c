#include "lab/lab_eventlog.h"

#include "base/buf.h"
#include "base/num.h"
#include "codec/base64.h"

rc lab_banks_read(struct slice text, struct lab_banks *out, struct why *w)
{
	struct lab_banks b = {0};

	while (text.n) {
		const uint8_t *comma = memchr(text.p, ',', text.n);
		size_t n = comma ? (size_t)(comma - text.p) : text.n;
		enum digest_alg alg = digest_by_name(slice_sub(text, 0, n));

		if (!alg || b.n == LAB_BANKS_MAX)
			return deny(w, E_MALFORMED, "lab.field", "there is no bank \"" SLICE_FMT "\"", SLICE_ARG(slice_sub(text, 0, n)));
		b.alg[b.n++] = alg;
		text = slice_sub(text, n + (comma != NULL), text.n);
	}
	*out = b;
	return rc_of(OK);
}

uint16_t lab_tpm_alg(enum digest_alg alg)
{
	switch (alg) {
	case DIGEST_SHA1:
		return 0x04;
	case DIGEST_SHA256:
		return 0x0b;
	case DIGEST_SHA384:
		return 0x0c;
	case DIGEST_SHA512:
		return 0x0d;
	case DIGEST_SM3:
		return 0x12;
	case DIGEST_MD5:
		break;
	}
	return 0;
}

struct lab_event {
	uint64_t index, type;
	struct slice data;
};

static RC read_event(const struct json *v, struct arena *a, struct lab_event *out, struct why *w)
{
	const struct json *data = json_at(v, 2);

	if (!json_is(v, JSON_ARRAY) || v->n != 3 || !json_u64(json_at(v, 0), &out->index) || !json_u64(json_at(v, 1), &out->type) ||
	    out->index > UINT32_MAX || out->type > UINT32_MAX || !json_is(data, JSON_STRING))
		return deny(w, E_MALFORMED, "lab.field", "an event is [register, type, \"data in hex\"]");
	return hex_decode(a, data->text, &out->data, "data of an event", w);
}

/* EV_NO_ACTION in the old form, with the digests that the log has. */
static void put_head(struct buf *b, const struct lab_banks *banks)
{
	buf_le32(b, 0);
	buf_le32(b, 3);
	(void)buf_reserve(b, 20);
	buf_le32(b, (uint32_t)(29 + 4 * banks->n));
	buf_put(b, "Spec ID Event03", 16);
	buf_le32(b, 0);
	buf_put(b, "\0\2\0\2", 4);	/* version 2.0, no errata, 64-bit words */
	buf_le32(b, (uint32_t)banks->n);
	for (size_t i = 0; i < banks->n; i++) {
		buf_le16(b, lab_tpm_alg(banks->alg[i]));
		buf_le16(b, (uint16_t)digest_size(banks->alg[i]));
	}
	buf_putc(b, 0);	/* nothing of the vendor's */
}

rc lab_eventlog(const struct json *events, const struct lab_banks *banks, struct arena *a, struct slice *out, struct why *w)
{
	struct buf b = buf_in(a, 0);

	put_head(&b, banks);
	for (size_t i = 0; i < events->n; i++) {
		struct lab_event e;

		TRY(read_event(events->items[i], a, &e, w));
		buf_le32(&b, (uint32_t)e.index);
		buf_le32(&b, (uint32_t)e.type);
		buf_le32(&b, (uint32_t)banks->n);
		for (size_t k = 0; k < banks->n; k++) {
			uint8_t d[DIGEST_MAX];

			TRY(digest(banks->alg[k], e.data, d, w));
			buf_le16(&b, lab_tpm_alg(banks->alg[k]));
			buf_put(&b, d, digest_size(banks->alg[k]));
		}
		buf_le32(&b, (uint32_t)e.data.n);
		buf_slice(&b, e.data);
	}
	*out = buf_view(&b);
	return buf_ok(&b) ? rc_of(OK) : deny(w, E_INTERNAL, "lab.memory", "no memory for a log");
}

rc lab_register(const struct json *events, enum digest_alg bank, uint32_t index, uint8_t *out, struct arena *a, struct why *w)
{
	size_t n = digest_size(bank);
	uint8_t v[2 * DIGEST_MAX] = {0};

	for (size_t i = 0; i < events->n; i++) {
		struct lab_event e;

		TRY(read_event(events->items[i], a, &e, w));
		if (e.index != index || e.type == 3)
			continue;
		TRY(digest(bank, e.data, v + n, w));
		TRY(digest(bank, slice_of(v, 2 * n), v, w));
	}
	memcpy(out, v, n);
	return rc_of(OK);
}
