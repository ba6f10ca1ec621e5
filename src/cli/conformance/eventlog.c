/* eventlog.c - cases of boot logs. A log proves nothing alone, so a case is held against registers: those of a quote, those
 * that the case states, or, for an altered copy, those of the log that it was made from (manifest.json says which). */
#include <stdlib.h>

#include "base/sys.h"
#include "cli/conformance/adapters.h"
#include "codec/base64.h"
#include "evidence/dcap_quote.h"
#include "evidence/eventlog.h"

#define REASON_PARSE "eventlog.parse"

struct logs {
	struct eventlog log;
	struct eventlog original;	/* of an altered copy */
	bool has_original;
};

static const char *mismatch(enum eventlog_kind kind)
{
	return kind == EVENTLOG_CC ? "eventlog.rtmr-mismatch" : "eventlog.pcr-mismatch";
}

static uint32_t type_number(struct slice name)
{
	char buf[16];

	for (uint32_t t = 0; t < 0x200; t++) {
		uint32_t type = t < 0x100 ? t : 0x80000000u + (t - 0x100);

		if (slice_is(name, event_type_name(type, buf)))
			return type;
	}
	return (uint32_t)strtoul((const char *)name.p, NULL, 16);	/* a decoded string has a NUL behind */
}

static struct json *count_types(struct arena *a, const struct eventlog *l, const struct json *stated)
{
	struct json *o = json_new_object(a);

	for (size_t i = 0; stated && i < stated->n; i++) {
		uint32_t type = type_number(stated->members[i].name);
		uint64_t n = 0;

		for (size_t k = 0; k < l->n; k++)
			n += l->events[k].type == type;
		json_set_slice(a, o, stated->members[i].name, json_new_u64(a, n));
	}
	return o;
}

static enum digest_alg bank_of(struct slice name)
{
	return slice_is(name, "sm3_256") ? DIGEST_SM3 : digest_by_name(name);
}

/* "7" or "rtmr0" to the index in the log. */
static uint32_t register_index(struct slice name)
{
	if (slice_starts(name, SLICE_LIT("rtmr")))
		return (uint32_t)strtoul((const char *)name.p + 4, NULL, 10) + 1;
	return (uint32_t)strtoul((const char *)name.p, NULL, 10);
}

/* {bank: {register: value}}, replayed for the same banks and registers. */
static RC replayed(struct arena *a, const struct eventlog *l, const struct json *stated, struct json **out, struct why *w)
{
	struct json *banks = json_new_object(a);

	for (size_t i = 0; stated && i < stated->n; i++) {
		enum digest_alg alg = bank_of(stated->members[i].name);
		const struct json *regs = stated->members[i].value;
		struct json *o = json_new_object(a);

		for (size_t k = 0; alg && k < regs->n; k++) {
			uint8_t v[DIGEST_MAX];

			TRY(eventlog_replay(l, alg, register_index(regs->members[k].name), v, w));
			json_set_slice(a, o, regs->members[k].name, json_new_hex(a, slice_of(v, digest_size(alg))));
		}
		json_set_slice(a, banks, stated->members[i].name, o);
	}
	*out = banks;
	return rc_of(OK);
}

/* Every register that either log extends has the same value. */
static RC same_registers(struct arena *a, const struct logs *l, struct why *w)
{
	for (unsigned i = 0; i < l->original.algs_n; i++) {
		enum digest_alg alg = l->original.algs[i].alg;

		for (uint32_t index = 0; alg && index < EVENTLOG_REGISTERS; index++) {
			uint8_t v[DIGEST_MAX];

			TRY(eventlog_replay(&l->original, alg, index, v, w));
			TRY(eventlog_matches(&l->log, alg, index, slice_of(v, digest_size(alg)), a, mismatch(l->log.kind), w));
		}
	}
	return rc_of(OK);
}

/* The file that an altered copy was made from, by the manifest. */
static RC find_original(struct arena *a, const struct conf_case *c, struct slice path, struct slice *out, struct why *w)
{
	struct slice text, source = {0};
	struct json *files;

	*out = (struct slice){0};
	TRY(file_read(a, arena_printf(a, "%s/manifest.json", c->root), (size_t)16 << 20, &text, w));
	TRY(json_parse(a, text, NULL, &files, w));
	for (size_t i = 0; i < files->n; i++) {
		const struct json *f = json_at(files, i), *name = json_get(f, "path"), *src = json_get(f, "src");

		if (json_is(name, JSON_STRING) && slice_eq(name->text, path) && json_is(src, JSON_STRING))
			source = src->text;
	}
	return source.p ? file_read(a, arena_printf(a, "%s/" SLICE_FMT, c->root, SLICE_ARG(source)), EVENTLOG_MAX, out, w) : rc_of(OK);
}

static RC check_quote(struct arena *a, const struct conf_case *c, const struct eventlog *l, struct json *claims, struct why *w)
{
	struct json *match = json_new_object(a), *values = json_new_object(a);
	struct why first = why_in(a), each = why_in(a);
	struct dcap_quote q;
	struct slice bytes;
	rc r = rc_of(OK);

	TRY(conf_file(a, c, "quote", &bytes, w));
	TRY(dcap_quote_parse(bytes, &q, w));
	for (uint32_t i = 0; i < 3; i++) {
		const char *name = arena_printf(a, "rtmr%u", i);
		uint8_t v[DIGEST_MAX];
		rc one;

		TRY(eventlog_replay(l, DIGEST_SHA384, i + 1, v, w));
		one = eventlog_matches(l, DIGEST_SHA384, i + 1, q.td.rtmr[i], a, mismatch(EVENTLOG_CC), rc_ok(r) ? &first : &each);
		json_set(a, match, name, json_new_bool(a, rc_ok(one)));
		json_set(a, values, name, json_new_hex(a, slice_of(v, 48)));
		if (!rc_ok(one))
			r = one;
	}
	json_set(a, claims, "match", match);
	json_set(a, claims, "replayed", values);
	if (!rc_ok(r))
		*w = first;
	return r;
}

static RC check_alone(struct arena *a, const struct conf_case *c, const char *role, struct logs *l, struct why *w)
{
	struct why ignored = why_in(a);
	struct slice original;

	if (c->ok_expected)
		return rc_of(OK);	/* the facts hold its registers */
	if (!rc_ok(find_original(a, c, conf_text(c, role), &original, &ignored)) || !original.p)
		return rc_of(OK);
	TRY(eventlog_parse(a, original, l->log.kind, REASON_PARSE, &l->original, w));
	return same_registers(a, l, w);
}

static RC run(struct vjob *job, const struct conf_case *c)
{
	struct arena *a = job->arena;
	const char *role = conf_has(c, "ccel") ? "ccel" : "eventlog";
	enum eventlog_kind kind = conf_has(c, "ccel") ? EVENTLOG_CC : EVENTLOG_PCR;
	struct logs *l = ARENA_NEW(a, struct logs);
	struct json *claims = vjob_result(job, "cpu"), *regs;
	struct slice bytes;

	if (!l)
		return deny(job->why, E_INTERNAL, "eventlog.memory", "no memory");
	TRY(conf_file(a, c, role, &bytes, job->why));
	TRY(eventlog_parse(a, bytes, kind, REASON_PARSE, &l->log, job->why));
	if (conf_has(c, "quote"))
		TRY(check_quote(a, c, &l->log, claims, job->why));
	else
		TRY(check_alone(a, c, role, l, job->why));
	TRY(eventlog_check_digests(&l->log, "eventlog.event-digest-mismatch", job->why));
	json_set(a, claims, "events", json_new_u64(a, l->log.n));
	json_set(a, claims, "bytes_used", json_new_u64(a, l->log.used));
	json_set(a, claims, "format", json_new_cstr(a, l->log.agile ? "crypto-agile" : "legacy SHA-1"));
	json_set(a, claims, "end", json_new_cstr(a, l->log.padded ? "pad" : "eof"));
	json_set(a, claims, "event_types", count_types(a, &l->log, json_get(c->facts, "event_types")));
	for (unsigned i = 0; i < 3; i++) {
		static const char *const facts[] = {"pcr", "tpm_recorded_pcr", "rtmr"};

		TRY(replayed(a, &l->log, json_get(c->facts, facts[i]), &regs, job->why));
		json_set(a, claims, facts[i], regs);
	}
	json_set(a, claims, "uefi_event_logs", eventlog_json(a, &l->log));
	return rc_of(OK);
}

const struct conf_adapter conf_eventlog = {.platform = "eventlog", .run = run};
