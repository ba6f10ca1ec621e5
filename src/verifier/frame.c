#include "verifier/frame.h"

#include "base/cur.h"

#define REQUEST_MAGIC 0x31715657u	/* "WVq1" */
#define ANSWER_MAGIC  0x31615657u	/* "WVa1" */
#define ABSENT	      UINT32_MAX

enum { FLAG_NO_TIME = 1, FLAG_SAMPLE = 2, FLAG_ONLY_CONFIGURED = 4 };

static void put_blob(struct buf *b, struct slice s)
{
	buf_le32(b, s.p ? (uint32_t)s.n : ABSENT);
	if (s.p)
		buf_slice(b, s);
}

static void put_text(struct buf *b, const char *s)
{
	put_blob(b, slice_cstr(s));
}

static struct slice get_blob(struct cur *c)
{
	uint32_t n = cur_le32(c);

	return n == ABSENT ? (struct slice){0} : cur_take(c, n);
}

/* A copy with a NUL behind; NULL when absent. A NUL inside spoils. */
static const char *get_text(struct cur *c, struct arena *a)
{
	struct slice s = get_blob(c);
	char *t;

	if (!s.p)
		return NULL;
	if (s.n && memchr(s.p, 0, s.n))
		cur_spoil(c);
	t = arena_strndup(a, s.p, s.n);
	if (!t)
		cur_spoil(c);
	return t;
}

/* Names that must be there. */
static const char *get_name(struct cur *c, struct arena *a)
{
	const char *t = get_text(c, a);

	if (!t)
		cur_spoil(c);
	return t ? t : "";
}

static size_t get_count(struct cur *c, size_t max)
{
	uint32_t n = cur_le32(c);

	if (n > max)
		cur_spoil(c);
	return c->m->bad ? 0 : n;
}

/* ---- request ---- */

rc frame_put_request(struct buf *b, const char *tee, enum verifier_step step, const struct vjob *job)
{
	if (job->collateral_n > FRAME_COLLATERAL_MAX || job->anchors_n > FRAME_ANCHORS_MAX || strlen(tee) > 31 ||
	    job->report_data_n > 4)
		return deny(job->why, E_LIMIT, "verifier.message", "too many parts for one verification");
	buf_le32(b, REQUEST_MAGIC);
	buf_putc(b, (char)step);
	buf_putc(b, (char)((job->no_time ? FLAG_NO_TIME : 0) | (job->insecure_sample ? FLAG_SAMPLE : 0) |
			   (job->only_configured_anchors ? FLAG_ONLY_CONFIGURED : 0)));
	buf_le64(b, (uint64_t)job->now_s);
	buf_le64(b, (uint64_t)job->stale_s);
	buf_le32(b, job->without);
	put_text(b, tee);
	buf_le32(b, job->report_data_n);
	for (unsigned i = 0; i < job->report_data_n; i++)
		put_blob(b, job->report_data[i]);
	put_blob(b, job->init_data);
	buf_le32(b, (uint32_t)job->collateral_n);
	for (size_t i = 0; i < job->collateral_n; i++) {
		put_text(b, job->collateral[i].kind);
		put_text(b, job->collateral[i].key);
		put_blob(b, job->collateral[i].bytes);
	}
	buf_le32(b, (uint32_t)job->anchors_n);
	for (size_t i = 0; i < job->anchors_n; i++) {
		put_text(b, job->anchors[i].set);
		buf_put(b, job->anchors[i].sha256, 32);
	}
	buf_le32(b, (uint32_t)job->evidence.n);
	return buf_ok(b) ? rc_of(OK) : deny(job->why, E_LIMIT, "verifier.message", "evidence and collateral are too large");
}

static void get_collateral(struct cur *c, struct vjob *job)
{
	size_t n = get_count(c, FRAME_COLLATERAL_MAX);
	struct vcollateral *v = arena_array(job->arena, n + 1, struct vcollateral);

	for (size_t i = 0; v && i < n && !c->m->bad; i++) {
		v[i].kind = get_name(c, job->arena);
		v[i].key = get_name(c, job->arena);
		v[i].bytes = get_blob(c);
	}
	job->collateral = v;
	job->collateral_n = v ? n : 0;
}

static void get_anchors(struct cur *c, struct vjob *job)
{
	size_t n = get_count(c, FRAME_ANCHORS_MAX);
	struct vanchor *v = arena_array(job->arena, n + 1, struct vanchor);

	for (size_t i = 0; v && i < n && !c->m->bad; i++) {
		struct slice d;

		v[i].set = get_name(c, job->arena);
		d = cur_take(c, 32);
		if (!c->m->bad)
			memcpy(v[i].sha256, d.p, 32);
	}
	job->anchors = v;
	job->anchors_n = v ? n : 0;
}

rc frame_get_request(struct slice in, char tee[32], enum verifier_step *step, struct vjob *job)
{
	struct msg m;
	struct cur c = cur_open(&m, in);
	struct slice name;
	uint8_t kind, flags;

	if (cur_le32(&c) != REQUEST_MAGIC)
		cur_spoil(&c);
	kind = cur_u8(&c);
	flags = cur_u8(&c);
	job->now_s = (int64_t)cur_le64(&c);
	job->stale_s = (int64_t)cur_le64(&c);
	job->without = cur_le32(&c);
	name = get_blob(&c);
	job->report_data_n = (unsigned)get_count(&c, 4);
	for (unsigned i = 0; i < job->report_data_n; i++)
		job->report_data[i] = get_blob(&c);
	job->init_data = get_blob(&c);
	get_collateral(&c, job);
	get_anchors(&c, job);
	job->evidence = get_blob(&c);
	if (name.n > 31 || (kind != VERIFIER_PLAN && kind != VERIFIER_VERIFY))
		cur_spoil(&c);
	TRY(cur_end(&c, job->why, "verifier.frame", "request to a worker"));
	if (arena_bad(job->arena))
		return deny(job->why, E_LIMIT, "verifier.memory", "no memory for the request");
	memset(tee, 0, 32);
	if (name.n)
		memcpy(tee, name.p, name.n);
	*step = (enum verifier_step)kind;
	job->no_time = flags & FLAG_NO_TIME;
	job->insecure_sample = flags & FLAG_SAMPLE;
	job->only_configured_anchors = flags & FLAG_ONLY_CONFIGURED;
	return rc_of(OK);
}

/* ---- answer ---- */

static void put_why(struct buf *b, const struct why *w)
{
	uint32_t n = 0;

	for (const struct why_frame *f = w->first; f && n < FRAME_WHY_MAX; f = f->next)
		n++;
	buf_le32(b, n);
	for (const struct why_frame *f = w->first; n--; f = f->next) {
		const char *text[] = {f->reason, f->text, f->file, f->func, f->subject, f->found, f->expected, f->nearest, f->rule};

		buf_le32(b, f->code);
		for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++)
			put_text(b, text[i]);
	}
	buf_le32(b, w->lost);
}

rc frame_put_answer(struct buf *b, rc verdict, const struct vjob *job)
{
	buf_le32(b, ANSWER_MAGIC);
	buf_le32(b, verdict.code);
	buf_le32(b, job->results_n);
	for (unsigned i = 0; i < job->results_n; i++) {
		put_text(b, job->results[i].tee_class);
		put_blob(b, json_text(job->arena, job->results[i].claims));
	}
	buf_le32(b, job->wants_n);
	for (unsigned i = 0; i < job->wants_n; i++) {
		put_text(b, job->wants[i].kind);
		put_text(b, job->wants[i].key);
	}
	put_why(b, job->why);
	return buf_ok(b) && !arena_bad(job->arena) ? rc_of(OK) : rc_of(E_LIMIT);
}

static void get_results(struct cur *c, struct arena *a, struct vresult *out, unsigned *n)
{
	const struct json_limits limits = {.max_bytes = FRAME_CLAIMS_MAX, .max_depth = 32, .max_nodes = 300000};

	*n = (unsigned)get_count(c, VJOB_RESULTS_MAX);
	for (unsigned i = 0; i < *n && !c->m->bad; i++) {
		struct slice text;

		out[i].tee_class = get_name(c, a);
		text = get_blob(c);
		if (c->m->bad || !rc_ok(json_parse(a, text, &limits, &out[i].claims, NULL)) || !json_is(out[i].claims, JSON_OBJECT))
			cur_spoil(c);
	}
}

static void get_frame(struct cur *c, struct arena *a, struct why_frame *f)
{
	const char **text[] = {&f->reason, &f->text, &f->file, &f->func, &f->subject, &f->found, &f->expected, &f->nearest, &f->rule};
	uint32_t code = cur_le32(c);

	if (code == OK || code > E_INTERNAL)
		cur_spoil(c);
	f->code = (enum rc_code)code;
	for (size_t k = 0; k < sizeof(text) / sizeof(text[0]); k++)
		*text[k] = get_text(c, a);
}

static void get_why(struct cur *c, struct why *w)
{
	size_t n = get_count(c, FRAME_WHY_MAX);

	for (size_t i = 0; i < n && !c->m->bad; i++) {
		struct why_frame *f = ARENA_NEW(w->arena, struct why_frame);

		if (!f) {
			cur_spoil(c);
			return;
		}
		get_frame(c, w->arena, f);
		if (w->last)
			w->last->next = f;
		else
			w->first = f;
		w->last = f;
	}
	w->lost = cur_le32(c);
}

rc frame_get_answer(struct slice in, struct vjob *job, rc *verdict, struct why *w)
{
	struct vjob *got = ARENA_NEW(job->arena, struct vjob);
	struct why why = why_in(job->arena);
	struct msg m;
	struct cur c = cur_open(&m, in);
	uint32_t code;

	if (!got)
		return deny(w, E_LIMIT, "verifier.memory", "no memory for the answer");
	if (cur_le32(&c) != ANSWER_MAGIC)
		cur_spoil(&c);
	code = cur_le32(&c);
	get_results(&c, job->arena, got->results, &got->results_n);
	got->wants_n = (unsigned)get_count(&c, VJOB_WANTS_MAX);
	for (unsigned i = 0; i < got->wants_n; i++) {
		got->wants[i].kind = get_name(&c, job->arena);
		got->wants[i].key = get_name(&c, job->arena);
	}
	get_why(&c, &why);
	/* A denial says why; claims come with an acceptance only. */
	if (code > E_INTERNAL || (code == OK) != why_empty(&why))
		cur_spoil(&c);
	TRY(cur_end(&c, w, "verifier.frame", "answer of a worker"));
	if (arena_bad(job->arena))
		return deny(w, E_LIMIT, "verifier.memory", "no memory for the answer");
	if (code == OK) {
		memcpy(job->results, got->results, sizeof(job->results));
		job->results_n = got->results_n;
		memcpy(job->wants, got->wants, sizeof(job->wants));
		job->wants_n = got->wants_n;
	} else {
		*job->why = why;
	}
	*verdict = rc_of((enum rc_code)code);
	return rc_of(OK);
}
