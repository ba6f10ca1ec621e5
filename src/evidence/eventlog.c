#include "evidence/eventlog.h"

#include <assert.h>
#include <stdio.h>

#include "base/cur.h"
#include "codec/base64.h"
#include "evidence/eventlog_int.h"
#include "evidence/tpm.h"

#define DIGEST_BYTES_MAX 64u

static_assert(DIGEST_MD5 < EVENTLOG_ALGS, "every bank has its place");

const char *event_type_name(uint32_t type, char out[16])
{
	const char *name = event_type_table(type);

	if (name)
		return name;
	snprintf(out, 16, "0x%x", type);
	return out;
}

/* ---- parsing ---- */

/* TCG_PCR_EVENT: the form of legacy logs, and of the first entry of every log. */
static struct event legacy_event(struct cur *c)
{
	struct event e = {.digests_n = 1};

	e.index = cur_le32(c);
	e.type = cur_le32(c);
	e.digest[0] = (struct eventlog_digest){.alg_id = 4, .alg = DIGEST_SHA1, .bytes = cur_take(c, 20)};
	e.data = cur_take(c, cur_le32(c));
	return e;
}

/* The table of digest sizes; what is not in it cannot be read. */
static RC spec_id(struct slice data, const char *reason, struct eventlog *l, struct why *w)
{
	struct msg m;
	struct cur c = cur_open(&m, data);
	uint32_t n;

	cur_take(&c, 24);	/* signature, class, version, size of UINTN */
	n = cur_le32(&c);
	if (n == 0 || n > EVENTLOG_DIGESTS_MAX)
		cur_spoil(&c);
	for (uint32_t i = 0; i < n && !m.bad; i++) {
		uint16_t id = cur_le16(&c), size = cur_le16(&c);
		enum digest_alg alg = tpm_hash(id);

		if (size == 0 || size > DIGEST_BYTES_MAX || (alg && size != digest_size(alg)))
			cur_spoil(&c);
		for (unsigned k = 0; k < l->algs_n; k++)
			if (l->algs[k].alg_id == id)
				cur_spoil(&c);
		l->algs[l->algs_n].alg_id = id;
		l->algs[l->algs_n].alg = alg;
		l->algs[l->algs_n++].size = size;
	}
	cur_take(&c, cur_u8(&c));	/* vendor information */
	return cur_end(&c, w, reason, "Spec ID event");
}

static void agile_digest(struct cur *c, const struct eventlog *l, struct event *e)
{
	struct eventlog_digest *d = &e->digest[e->digests_n];
	uint16_t id = cur_le16(c);

	for (unsigned i = 0; i < e->digests_n; i++)
		if (e->digest[i].alg_id == id)
			cur_spoil(c);
	for (unsigned i = 0; i < l->algs_n; i++) {
		if (l->algs[i].alg_id != id)
			continue;
		*d = (struct eventlog_digest){.alg_id = id, .alg = l->algs[i].alg, .bytes = cur_take(c, l->algs[i].size)};
		e->digests_n++;
		return;
	}
	cur_spoil(c);
}

static struct event agile_event(struct cur *c, const struct eventlog *l)
{
	struct event e = {0};
	uint32_t n;

	e.index = cur_le32(c);
	e.type = cur_le32(c);
	n = cur_le32(c);
	if (n > l->algs_n)
		cur_spoil(c);
	for (uint32_t i = 0; i < n && !c->m->bad; i++)
		agile_digest(c, l, &e);
	e.data = cur_take(c, cur_le32(c));
	return e;
}

static bool at_mark(const struct cur *c)
{
	static const uint8_t ones[8] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, zeros[8];

	return cur_left(c) >= 8 && (!memcmp(c->p, ones, 8) || !memcmp(c->p, zeros, 8));
}

/* Registers that do not exist; EV_NO_ACTION extends none and may name none. */
static bool index_ok(const struct eventlog *l, const struct event *e)
{
	if (e->type == EV_NO_ACTION && e->index == EVENTLOG_NO_REGISTER)
		return true;
	return e->index < (l->kind == EVENTLOG_CC ? 5u : 24u);
}

static void startup_locality(struct eventlog *l, const struct event *e)
{
	if (e->type == EV_NO_ACTION && e->index == 0 && e->data.n == 17 && !memcmp(e->data.p, "StartupLocality", 16))
		l->locality = e->data.p[16];
}

static RC add(struct arena *a, struct eventlog *l, const struct event *e, size_t *cap, const char *reason, struct why *w)
{
	if (l->n == EVENTLOG_EVENTS_MAX)
		return deny(w, E_LIMIT, reason, "more than %u events", EVENTLOG_EVENTS_MAX);
	if (l->n == *cap) {
		size_t more = *cap ? *cap * 2 : 64;

		l->events = arena_grow(a, l->events, *cap * sizeof(*e), more * sizeof(*e));
		if (!l->events)
			return deny(w, E_INTERNAL, "eventlog.memory", "no memory for events");
		*cap = more;
	}
	if (!index_ok(l, e))
		return deny(w, E_MALFORMED, reason, "event %zu extends register %u, which does not exist", l->n, e->index);
	startup_locality(l, e);
	l->events[l->n++] = *e;
	return rc_of(OK);
}

rc eventlog_parse(struct arena *a, struct slice in, enum eventlog_kind kind, const char *reason, struct eventlog *out,
		  struct why *w)
{
	struct eventlog l = {.kind = kind};
	size_t cap = 0;
	struct event e;
	struct msg m;
	struct cur c = cur_open(&m, in);

	if (in.n > EVENTLOG_MAX)
		return deny(w, E_LIMIT, reason, "an event log of %zu bytes, at most %u", in.n, EVENTLOG_MAX);
	e = legacy_event(&c);
	if (m.bad)
		return cur_end(&c, w, reason, "event log");
	l.agile = e.type == EV_NO_ACTION && slice_starts(e.data, slice_of("Spec ID Event03", 16));
	if (l.agile)
		TRY(spec_id(e.data, reason, &l, w));
	if (l.kind == EVENTLOG_CC && !l.agile)
		return deny(w, E_MALFORMED, reason, "a CC event log begins with a Spec ID event");
	TRY(add(a, &l, &e, &cap, reason, w));
	while (cur_more(&c) && !at_mark(&c)) {
		e = l.agile ? agile_event(&c, &l) : legacy_event(&c);
		if (!m.bad)
			TRY(add(a, &l, &e, &cap, reason, w));
	}
	l.padded = cur_more(&c);
	l.used = m.bad ? 0 : cur_at(&c);
	TRY(cur_end_open(&c, w, reason, "event log"));
	*out = l;
	return rc_of(OK);
}

/* ---- replay ---- */

static const struct slice *digest_for(const struct event *e, enum digest_alg alg)
{
	for (unsigned i = 0; i < e->digests_n; i++)
		if (e->digest[i].alg == alg)
			return &e->digest[i].bytes;
	return NULL;
}

bool eventlog_has(const struct eventlog *l, enum digest_alg alg)
{
	if (!l->agile)
		return alg == DIGEST_SHA1;
	for (unsigned i = 0; i < l->algs_n; i++)
		if (l->algs[i].alg == alg)
			return true;
	return false;
}

static bool extends(const struct event *e, enum digest_alg alg, uint32_t index)
{
	return e->index == index && e->type != EV_NO_ACTION && digest_for(e, alg);
}

bool eventlog_extends(const struct eventlog *l, enum digest_alg alg, uint32_t index)
{
	for (size_t i = 0; i < l->n; i++)
		if (extends(&l->events[i], alg, index))
			return true;
	return false;
}

rc eventlog_replay(const struct eventlog *l, enum digest_alg alg, uint32_t index, uint8_t *out, struct why *w)
{
	size_t n = digest_size(alg);
	uint8_t v[DIGEST_MAX] = {0};

	if (index == 0 && l->kind == EVENTLOG_PCR)
		v[n - 1] = l->locality;
	for (size_t i = 0; i < l->n; i++) {
		if (extends(&l->events[i], alg, index)) {
			struct slice parts[2] = {slice_of(v, n), *digest_for(&l->events[i], alg)};

			TRY(digest_parts(alg, parts, 2, v, w));
		}
	}
	memcpy(out, v, n);
	return rc_of(OK);
}

rc eventlog_matches(const struct eventlog *l, enum digest_alg alg, uint32_t index, struct slice value, struct arena *a,
		    const char *reason, struct why *w)
{
	uint8_t v[DIGEST_MAX];
	struct slice got = slice_of(v, digest_size(alg));
	bool cc = l->kind == EVENTLOG_CC;
	rc r;

	TRY(eventlog_replay(l, alg, index, v, w));
	if (slice_eq(got, value))
		return rc_of(OK);
	r = deny(w, E_DENIED, reason, "the event log does not lead to the signed value of %s %u", cc ? "measurement register" : "PCR", index);
	why_compared(w, arena_printf(a, cc ? "rtmr%u" : "pcr%02u", cc ? index - 1 : index), hex_text(a, got), hex_text(a, value));
	return r;
}

void eventlog_keep(struct eventlog *l, const uint32_t registers[EVENTLOG_ALGS])
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++) {
		struct event e = l->events[i];
		unsigned kept = 0;

		for (unsigned k = 0; k < e.digests_n; k++) {
			enum digest_alg alg = e.digest[k].alg;

			if (e.type == EV_NO_ACTION || (alg && e.index < 32 && (registers[alg] >> e.index & 1)))
				e.digest[kept++] = e.digest[k];
		}
		e.digests_n = kept;
		if (kept || e.type == EV_NO_ACTION)
			l->events[n++] = e;
	}
	l->n = n;
}

/* ---- what a digest covers ---- */

/* Every digest that can be computed is the hash of the bytes, and there is one. */
static bool digests_are(const struct event *e, struct slice of, struct why *w)
{
	uint8_t d[DIGEST_MAX];
	unsigned seen = 0;

	for (unsigned i = 0; i < e->digests_n; i++) {
		enum digest_alg alg = e->digest[i].alg;

		if (!alg)
			continue;
		if (!rc_ok(digest(alg, of, d, w)) || !slice_eq(slice_of(d, digest_size(alg)), e->digest[i].bytes))
			return false;
		seen++;
	}
	return seen > 0;
}

/* GRUB hashes the text behind "kernel_cmdline: ". */
static struct slice text_part(struct slice data)
{
	for (size_t i = 0; i + 1 < data.n; i++)
		if (data.p[i] == ':' && data.p[i + 1] == ' ')
			return slice_sub(data, i + 2, data.n);
	return data;
}

static struct slice without_nul(struct slice data)
{
	while (data.n && data.p[data.n - 1] == 0)
		data.n--;
	return data;
}

enum event_binding event_binding(const struct event *e, struct why *w)
{
	struct event_variable v;

	if (digests_are(e, e->data, w))
		return EVENT_BOUND;
	if (event_is_variable(e->type) && event_variable(e->data, &v) && digests_are(e, v.data, w))
		return EVENT_BOUND_PART;
	if (e->type == EV_IPL && (digests_are(e, text_part(without_nul(e->data)), w) || digests_are(e, without_nul(e->data), w)))
		return EVENT_BOUND_PART;
	if (e->type == EV_SEPARATOR || e->type == EV_EFI_VARIABLE_DRIVER_CONFIG)
		return e->digests_n ? EVENT_MISMATCH : EVENT_DESCRIPTIVE;
	return EVENT_DESCRIPTIVE;
}

rc eventlog_check_digests(const struct eventlog *l, const char *reason, struct why *w)
{
	for (size_t i = 0; i < l->n; i++) {
		char name[16];

		if (event_binding(&l->events[i], w) == EVENT_MISMATCH)
			return deny(w, E_DENIED, reason, "the digests of event %zu (%s) are not of its data", i,
				    event_type_name(l->events[i].type, name));
	}
	return rc_of(OK);
}
