/* decision.c - why something was allowed or refused, as JSON for the store and as text for people. */
#include <stdio.h>

#include "audit/audit.h"
#include "base/utf8.h"

#define NS_DECISION "decision"
#define FRAMES_MAX  64u
#define TEXT_MAX    4096u
#define ID_TIME     9u  /* digits: 45 bits of milliseconds, until the year 3084 */
#define ID_RANDOM   10u /* digits: 50 bits */

/* Without i, l, o, u. Ascending, so that ids sort by time. */
static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";

rc decision_new_id(const struct clock *clock, char out[24], struct why *w)
{
	uint64_t ms = (uint64_t)(clock_now_ns(clock) / 1000000), salt;

	TRY(sys_random(&salt, sizeof(salt), w));
	for (size_t i = ID_TIME; i-- > 0; ms >>= 5)
		out[i] = digits[ms & 31];
	out[ID_TIME] = '-';
	for (size_t i = 0; i < ID_RANDOM; i++, salt >>= 5)
		out[ID_TIME + 1 + i] = digits[salt & 31];
	out[ID_TIME + 1 + ID_RANDOM] = 0;
	return rc_of(OK);
}

/* The time that an id holds; false when it is none of ours. */
static bool id_time(const char *id, int64_t *unix_s)
{
	uint64_t ms = 0;

	if (!id || strlen(id) != ID_TIME + 1 + ID_RANDOM || id[ID_TIME] != '-')
		return false;
	for (size_t i = 0; id[i]; i++) {
		const char *d = i == ID_TIME ? digits : strchr(digits, id[i]);

		if (!d)
			return false;
		if (i < ID_TIME)
			ms = ms << 5 | (uint64_t)(d - digits);
	}
	*unix_s = (int64_t)(ms / 1000);
	return true;
}

/* Text that may hold bytes of evidence: cut, and made UTF-8. */
static struct json *text(struct arena *a, const char *s)
{
	struct buf b = buf_in(a, 0);

	utf8_write(&b, slice_of(s, strnlen(s, TEXT_MAX)));
	return buf_ok(&b) ? json_new_str(a, buf_view(&b)) : NULL;
}

static void set_text(struct arena *a, struct json *o, const char *name, const char *s)
{
	if (s)
		json_set(a, o, name, text(a, s));
}

static struct json *frames_json(struct arena *a, const struct why *why)
{
	struct json *arr = json_new_array(a);
	unsigned n = 0;

	for (const struct why_frame *f = why ? why->first : NULL; f && n < FRAMES_MAX; f = f->next, n++) {
		struct json *o = json_new_object(a);

		set_text(a, o, "class", rc_name(f->code));
		set_text(a, o, "code", f->reason);
		set_text(a, o, "text", f->text);
		set_text(a, o, "what", f->subject);
		set_text(a, o, "found", f->found);
		set_text(a, o, "expected", f->expected);
		set_text(a, o, "nearest", f->nearest);
		set_text(a, o, "policy", f->rule);
		set_text(a, o, "file", f->file);
		set_text(a, o, "function", f->func);
		json_push(a, arr, o);
	}
	return arr;
}

struct json *decision_json(struct arena *a, const char *id, const char *kind, const char *verdict,
                           const struct why *why, const struct json *facts)
{
	struct json *o = json_new_object(a);
	bool denied = why && why->first;
	char when[32];
	int64_t t;

	set_text(a, o, "id", id);
	set_text(a, o, "kind", kind);
	set_text(a, o, "verdict", verdict);
	set_text(a, o, "class", rc_name(denied ? why->last->code : OK));
	if (denied) {
		set_text(a, o, "code", why_reason(why));
		set_text(a, o, "reason", why_text(why));
	}
	if (id_time(id, &t)) {
		time_rfc3339(t, when);
		set_text(a, o, "time", when);
	}
	if (facts)
		json_set(a, o, "facts", facts);
	json_set(a, o, "why", frames_json(a, why));
	if (why && why->lost)
		json_set(a, o, "lost_frames", json_new_u64(a, why->lost));
	return arena_bad(a) ? NULL : o;
}

struct store_op decision_op(struct arena *a, const char *id, const struct json *decision, int64_t expires_s)
{
	return (struct store_op){
	        .kind = STORE_INSERT,
	        .ns = NS_DECISION,
	        .key = arena_strdup(a, id),
	        .value = json_text(a, decision),
	        .expires_s = expires_s,
	};
}

rc decision_get(struct store *store, const char *id, struct arena *a, struct json **out, struct why *w)
{
	struct slice v;
	int64_t t;
	rc r;

	if (!id_time(id, &t))
		return deny(w, E_MALFORMED, "decision.id", "a decision id has %u letters and digits with a dash in it",
		            ID_TIME + 1 + ID_RANDOM);
	r = store_get(store, NS_DECISION, id, a, &v, NULL, NULL, w);
	if (r.code == E_NOTFOUND)
		return deny(w, E_NOTFOUND, "decision.absent", "there is no decision %s, or it was kept long enough",
		            id);
	TRY(r);
	return note(w, json_parse(a, v, NULL, out, w), "reading decision %s", id);
}

/* ---- for people ---- */

static void put_value(struct buf *b, const struct json *v)
{
	struct slice s = json_is(v, JSON_STRING) ? v->text : json_text(b->arena, v);

	utf8_write_terminal(b, s);
}

static void put_line(struct buf *b, const char *label, const struct json *v)
{
	if (!v)
		return;
	buf_printf(b, "         %-9s ", label);
	put_value(b, v);
	buf_putc(b, '\n');
}

static void put_frame(struct buf *b, const struct json *f, bool root)
{
	static const char *const part[] = {"what", "found", "expected", "nearest", "policy"};

	buf_puts(b, root ? "because  " : "while    ");
	put_value(b, json_get(f, "text"));
	if (root && json_get(f, "code")) {
		buf_puts(b, "  [");
		put_value(b, json_get(f, "code"));
		buf_putc(b, ']');
	}
	buf_putc(b, '\n');
	for (size_t i = 0; i < sizeof(part) / sizeof(part[0]); i++)
		put_line(b, part[i], json_get(f, part[i]));
	if (json_get(f, "file")) {
		buf_puts(b, "         at        ");
		put_value(b, json_get(f, "file"));
		buf_putc(b, ' ');
		put_value(b, json_get(f, "function"));
		buf_putc(b, '\n');
	}
}

static void put_head(struct buf *b, const char *label, const struct json *v)
{
	if (!v)
		return;
	buf_printf(b, "%-8s ", label);
	put_value(b, v);
	buf_putc(b, '\n');
}

static void put_submod(struct buf *b, const struct json_member *m)
{
	static const char *const part[][2] = {{"rule", "rule"},	    {"expression", "tried"},  {"found", "found"},
	                                      {"expected", "expected"}, {"nearest", "nearest"}, {"at", "policy"}};
	const struct json *why = json_get(m->value, "why"), *bad = json_get(m->value, "not_affirming");

	buf_puts(b, "because  ");
	utf8_write_terminal(b, m->name);
	buf_puts(b, " was appraised as ");
	put_value(b, json_get(m->value, "status"));
	for (size_t i = 0; json_is(bad, JSON_OBJECT) && i < bad->n; i++) {
		buf_puts(b, i ? ", " : ": ");
		utf8_write_terminal(b, bad->members[i].name);
		buf_putc(b, ' ');
		put_value(b, bad->members[i].value);
	}
	buf_putc(b, '\n');
	put_line(b, "expired", json_get(m->value, "expired_reference_values"));
	for (size_t i = 0; json_is(why, JSON_ARRAY) && i < why->n; i++)
		for (size_t k = 0; k < sizeof(part) / sizeof(part[0]); k++)
			put_line(b, part[k][1], json_get(why->items[i], part[k][0]));
}

/* The appraisal that a refused release rests on (facts.appraisal): submodule by submodule, what policy compared. */
static void put_appraisal(struct buf *b, const struct json *appraisal)
{
	for (size_t i = 0; json_is(appraisal, JSON_OBJECT) && i < appraisal->n; i++)
		put_submod(b, &appraisal->members[i]);
}

static void put_unbound(struct buf *b, const struct json *submods)
{
	if (!json_is(submods, JSON_ARRAY))
		return;
	buf_puts(b, "note     init-data was given, and the evidence of");
	for (size_t i = 0; i < submods->n; i++) {
		buf_puts(b, i ? ", " : " ");
		put_value(b, submods->items[i]);
	}
	buf_puts(b, " does not bind it: nothing is claimed of it\n");
}

char *decision_render(struct arena *a, const struct json *decision)
{
	const struct json *facts = json_get(decision, "facts"), *why = json_get(decision, "why");
	struct buf b = buf_in(a, 1 << 20);

	put_value(&b, json_get(decision, "verdict"));
	buf_puts(&b, "  ");
	put_value(&b, json_get(decision, "kind"));
	buf_puts(&b, "  ");
	put_value(&b, json_get(decision, "id"));
	buf_putc(&b, '\n');
	put_head(&b, "when", json_get(decision, "time"));
	put_head(&b, "code", json_get(decision, "code"));
	put_head(&b, "class", json_get(decision, "class"));
	for (size_t i = 0; json_is(facts, JSON_OBJECT) && i < facts->n; i++) {
		if (json_is(facts->members[i].value, JSON_OBJECT))
			continue;
		buf_puts(&b, i ? "         " : "facts    ");
		utf8_write_terminal(&b, facts->members[i].name);
		buf_puts(&b, " = ");
		put_value(&b, facts->members[i].value);
		buf_putc(&b, '\n');
	}
	for (size_t i = 0; json_is(why, JSON_ARRAY) && i < why->n; i++)
		put_frame(&b, json_at(why, i), i == 0);
	put_appraisal(&b, json_get(facts, "appraisal"));
	put_unbound(&b, json_get(facts, "init_data_not_bound"));
	return buf_cstr(&b);
}
