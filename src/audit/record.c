/* record.c - the bytes of one record. They are hashed as they stand; nothing is ever written anew from the reading. */
#include <inttypes.h>

#include "audit/audit_int.h"

#define RECORD_MAX ((size_t)1 << 20)

rc record_body(struct arena *a, const struct json *record, struct slice *body, struct why *w)
{
	struct slice text;

	if (!json_is(record, JSON_OBJECT))
		return deny(w, E_MALFORMED, "audit.record", "a record is an object, not %s", json_kind_name(record));
	if (json_get(record, "index") || json_get(record, "time"))
		return deny(w, E_MALFORMED, "audit.record",
		            "a record has a member \"index\" or \"time\": the log adds them");
	text = json_text(a, record);
	if (text.n < 2)
		return store_refuse_memory(w);
	if (text.n > RECORD_MAX)
		return deny(w, E_LIMIT, "audit.size", "a record of %zu bytes, the limit is %zu", text.n, RECORD_MAX);
	*body = slice_sub(text, 1, text.n - 2);
	return rc_of(OK);
}

struct slice record_bytes(struct arena *a, uint64_t index, int64_t time_s, struct slice body)
{
	struct buf b = buf_in(a, 0);
	char when[32];

	time_rfc3339(time_s, when);
	buf_printf(&b, "{\"index\":%" PRIu64 ",\"time\":\"%s\"%s", index, when, body.n ? "," : "");
	buf_slice(&b, body);
	buf_putc(&b, '}');
	return buf_ok(&b) ? buf_view(&b) : (struct slice){0};
}

rc record_check(struct arena *a, struct slice bytes, uint64_t index, struct why *w)
{
	static const struct json_limits limits = {.max_bytes = RECORD_MAX + 256};
	uint64_t found = 0;
	struct json *o;
	rc r = json_parse(a, bytes, &limits, &o, w);

	if (rc_ok(r))
		r = json_need_u64(o, "index", UINT64_MAX, &found, "record", w);
	if (!rc_ok(r))
		return deny(w, E_DENIED, "audit.record-changed", "record %" PRIu64 " cannot be read: %s", index,
		            why_text(w));
	if (found != index)
		return deny(w, E_DENIED, "audit.order",
		            "the record at place %" PRIu64 " says that it is record %" PRIu64, index, found);
	return rc_of(OK);
}
