/* Requests and answers as bytes: what is sent arrives whole, what is cut, bent or beyond a cap is refused, and no lack of memory
 * makes a verdict of a part. */
#include "evidence/test_shared.h"

#include "base/num.h"
#include "verifier/frame.h"

struct fix {
	struct arena *a;
	struct why w;
	struct vjob job;
	struct vcollateral collateral[2];
	struct vanchor anchors[2];
};

static void begin(struct fix *f)
{
	*f = (struct fix){.a = arena_new(0)};
	f->w = why_in(f->a);
	f->collateral[0] = (struct vcollateral){"kind", "key", SLICE_LIT("bytes")};
	f->collateral[1] = (struct vcollateral){"other", "", {0}};
	f->anchors[0] = (struct vanchor){"set", {1, 2, 3}};
	f->anchors[1] = (struct vanchor){"another", {4}};
	f->job = (struct vjob){.arena = f->a, .why = &f->w, .evidence = SLICE_LIT("evidence"), .now_s = -5, .stale_s = 7, .without = 3,
			       .no_time = true, .only_configured_anchors = true, .collateral = f->collateral, .collateral_n = 2,
			       .anchors = f->anchors, .anchors_n = 2, .report_data_n = 4, .init_data = SLICE_LIT("init")};
	for (unsigned i = 0; i < 4; i++)
		f->job.report_data[i] = slice_of("abcd", i);
}

static void end(struct fix *f)
{
	arena_free(f->a);
}

static rc put(struct fix *f, const char *tee, size_t cap, struct slice *out)
{
	struct buf b = buf_in(f->a, cap);
	rc r = frame_put_request(&b, tee, VERIFIER_VERIFY, &f->job);

	buf_slice(&b, f->job.evidence);	/* as the pool sends it behind the head */
	*out = buf_view(&b);
	return r;
}

static rc get(struct arena *a, struct slice in, struct vjob *job, char tee[32])
{
	enum verifier_step step;

	*job = (struct vjob){.arena = a};
	return frame_get_request(in, tee, &step, job);
}

static bool same_request(const struct vjob *x, const struct vjob *y)
{
	bool same = x->now_s == y->now_s && x->stale_s == y->stale_s && x->without == y->without && x->no_time == y->no_time &&
		    x->only_configured_anchors == y->only_configured_anchors && x->insecure_sample == y->insecure_sample &&
		    slice_eq(x->evidence, y->evidence) && slice_eq(x->init_data, y->init_data) && x->report_data_n == y->report_data_n &&
		    x->collateral_n == y->collateral_n && x->anchors_n == y->anchors_n;

	for (unsigned i = 0; same && i < x->report_data_n; i++)
		same = slice_eq(x->report_data[i], y->report_data[i]);
	for (size_t i = 0; same && i < x->collateral_n; i++)
		same = !strcmp(x->collateral[i].kind, y->collateral[i].kind) && !strcmp(x->collateral[i].key, y->collateral[i].key) &&
		       slice_eq(x->collateral[i].bytes, y->collateral[i].bytes) && !x->collateral[i].bytes.p == !y->collateral[i].bytes.p;
	for (size_t i = 0; same && i < x->anchors_n; i++)
		same = !strcmp(x->anchors[i].set, y->anchors[i].set) && !memcmp(x->anchors[i].sha256, y->anchors[i].sha256, 32);
	return same;
}

/* ---- requests ---- */

static void a_request_arrives_as_it_was_sent(void **state)
{
	struct fix f;
	struct slice s;
	struct vjob got;
	char tee[32];

	(void)state;
	begin(&f);
	assert_true(rc_ok(put(&f, "tee", 0, &s)));
	assert_true(rc_ok(get(f.a, s, &got, tee)));
	assert_string_equal(tee, "tee");
	assert_true(same_request(&f.job, &got));
	assert_true(rc_ok(put(&f, "", 0, &s)) && rc_ok(get(f.a, s, &got, tee)));
	assert_string_equal(tee, "");	/* no verifier has that name */
	end(&f);
}

static void a_request_with_too_many_parts_is_not_sent(void **state)
{
	struct fix f;
	struct slice s;

	(void)state;
	for (int row = 0; row < 5; row++) {
		begin(&f);
		f.job.collateral_n = row == 0 ? FRAME_COLLATERAL_MAX + 1 : 0;
		f.job.anchors_n = row == 1 ? FRAME_ANCHORS_MAX + 1 : 0;
		f.job.report_data_n = row == 2 ? 5 : 4;
		assert_int_equal(put(&f, row == 3 ? "a-name-that-has-32-characters-xx" : "a-name-that-has-31-characters-x", row == 4 ? 64 : 0, &s).code,
				 E_LIMIT);
		assert_string_equal(why_reason(&f.w), "verifier.message");
		end(&f);
	}
	begin(&f);
	f.job.collateral_n = f.job.anchors_n = 0;
	assert_true(rc_ok(put(&f, "a-name-that-has-31-characters-x", 0, &s)));
	end(&f);
}

static void a_request_cut_anywhere_is_refused(void **state)
{
	struct fix f;
	struct slice s;

	(void)state;
	begin(&f);
	assert_true(rc_ok(put(&f, "tee", 0, &s)));
	for (size_t n = 0; n < s.n; n++) {
		struct arena *a = arena_new(0);
		uint8_t *cut = exact_copy(s, n);
		struct vjob got;
		char tee[32] = "as it was";

		assert_int_equal(get(a, slice_of(cut, n), &got, tee).code, E_MALFORMED);
		assert_string_equal(tee, "as it was");
		free(cut);
		arena_free(a);
	}
	end(&f);
}

static void bent_requests_are_refused(void **state)
{
	/* magic 0, step 4, flags 5, now 6, stale 14, without 22, name 26, number of report data 33 */
	static const struct {
		size_t at;
		uint8_t value;
	} rows[] = {{0, 0}, {3, 0}, {4, 0xff}, {4, 77}, {26, 32}, {26, 0}, {33, 5}, {33, 3}, {36, 1}};
	struct fix f;
	struct slice s;

	(void)state;
	begin(&f);
	assert_true(rc_ok(put(&f, "tee", 0, &s)));
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		uint8_t *bent = exact_copy(s, s.n);
		struct vjob got;
		char tee[32];

		bent[rows[i].at] = rows[i].value;
		assert_int_equal(get(f.a, slice_of(bent, s.n), &got, tee).code, E_MALFORMED);
		free(bent);
	}
	end(&f);
}

static struct slice raw_request(struct arena *a, uint32_t collateral, uint32_t anchors, struct slice name)
{
	struct buf b = buf_in(a, 0);

	buf_puts(&b, "WVq1");
	buf_putc(&b, VERIFIER_VERIFY);
	buf_putc(&b, 0);
	buf_reserve(&b, 20);
	buf_le32(&b, (uint32_t)name.n);
	buf_slice(&b, name);
	buf_le32(&b, 0);
	buf_le32(&b, UINT32_MAX);
	buf_le32(&b, collateral);
	for (uint32_t i = 0; i < collateral; i++)
		buf_reserve(&b, 12);
	buf_le32(&b, anchors);
	for (uint32_t i = 0; i < anchors; i++)
		buf_reserve(&b, 36);
	buf_le32(&b, 0);
	return buf_view(&b);
}

static void parts_of_a_request_are_capped(void **state)
{
	struct arena *a = arena_new(0);
	struct vjob got;
	char tee[32];

	(void)state;
	assert_true(rc_ok(get(a, raw_request(a, FRAME_COLLATERAL_MAX, FRAME_ANCHORS_MAX, SLICE_LIT("x")), &got, tee)));
	assert_int_equal(got.anchors_n, FRAME_ANCHORS_MAX);
	assert_int_equal(get(a, raw_request(a, FRAME_COLLATERAL_MAX + 1, 0, SLICE_LIT("x")), &got, tee).code, E_MALFORMED);
	assert_int_equal(get(a, raw_request(a, 0, FRAME_ANCHORS_MAX + 1, SLICE_LIT("x")), &got, tee).code, E_MALFORMED);
	assert_int_equal(get(a, raw_request(a, 0, 0, SLICE_LIT("a-name-that-has-32-characters-xx")), &got, tee).code, E_MALFORMED);
	arena_free(a);
}

static void without_memory_there_is_no_request(void **state)
{
	struct fix f;
	struct slice s;
	bool done = false;
	uint64_t n;

	(void)state;
	begin(&f);
	assert_true(rc_ok(put(&f, "tee", 0, &s)));
	for (n = 1; !done; n++) {
		struct arena *a = arena_new(0);
		struct vjob got;
		char tee[32];

		arena_fail_at(a, n);
		done = rc_ok(get(a, s, &got, tee));
		assert_int_equal(arena_bad(a), !done);
		if (done)
			assert_true(same_request(&f.job, &got));
		arena_free(a);
	}
	assert_true(n > 6);
	end(&f);
}

/* ---- answers ---- */

static void put_blob(struct buf *b, const char *s)
{
	buf_le32(b, s ? (uint32_t)strlen(s) : UINT32_MAX);
	buf_puts(b, s ? s : "");
}

struct raw {
	uint32_t code, results, wants, frames;
	const char *class, *claims, *kind;
	uint32_t frame_code;
	const char *text;	/* of a frame, behind its reason */
	size_t text_n;		/* with NUL inside; 0: strlen */
};

static struct slice raw_answer(struct arena *a, const struct raw *r)
{
	struct buf b = buf_in(a, 0);

	buf_puts(&b, "WVa1");
	buf_le32(&b, r->code);
	buf_le32(&b, r->results);
	for (uint32_t i = 0; i < r->results; i++) {
		put_blob(&b, r->class);
		put_blob(&b, r->claims);
	}
	buf_le32(&b, r->wants);
	for (uint32_t i = 0; i < r->wants; i++) {
		put_blob(&b, r->kind);
		put_blob(&b, "key");
	}
	buf_le32(&b, r->frames);
	for (uint32_t i = 0; i < r->frames; i++) {
		buf_le32(&b, r->frame_code);
		put_blob(&b, "x.y");
		if (r->text_n) {
			buf_le32(&b, (uint32_t)r->text_n);
			buf_put(&b, r->text, r->text_n);
		} else {
			put_blob(&b, r->text);
		}
		for (unsigned k = 0; k < 7; k++)
			put_blob(&b, NULL);
	}
	buf_le32(&b, 0);
	return buf_view(&b);
}

static const struct {
	struct raw raw;
	bool good;
} answers[] = {
	{{OK, 1, 1, 0, "cpu", "{}", "kind", 0, NULL, 0}, true},
	{{OK, 64, 64, 0, "cpu", "{}", "kind", 0, NULL, 0}, true},
	{{OK, 65, 0, 0, "cpu", "{}", "kind", 0, NULL, 0}, false},
	{{OK, 0, 65, 0, "cpu", "{}", "kind", 0, NULL, 0}, false},
	{{OK, 1, 0, 0, NULL, "{}", "kind", 0, NULL, 0}, false},	/* a result of no class */
	{{OK, 1, 0, 0, "cpu", NULL, "kind", 0, NULL, 0}, false},
	{{OK, 1, 0, 0, "cpu", "", "kind", 0, NULL, 0}, false},
	{{OK, 1, 0, 0, "cpu", "[]", "kind", 0, NULL, 0}, false},
	{{OK, 1, 0, 0, "cpu", "{\"a\":", "kind", 0, NULL, 0}, false},
	{{OK, 0, 1, 0, "cpu", "{}", NULL, 0, NULL, 0}, false},
	{{OK, 0, 0, 1, "cpu", "{}", "kind", E_DENIED, "text", 0}, false},	/* accepted, and refused */
	{{E_DENIED, 0, 0, 1, "cpu", "{}", "kind", E_DENIED, "text", 0}, true},
	{{E_DENIED, 0, 0, 32, "cpu", "{}", "kind", E_DENIED, NULL, 0}, true},
	{{E_DENIED, 0, 0, 33, "cpu", "{}", "kind", E_DENIED, "text", 0}, false},
	{{E_DENIED, 0, 0, 0, "cpu", "{}", "kind", E_DENIED, "text", 0}, false},
	{{E_DENIED, 0, 0, 1, "cpu", "{}", "kind", OK, "text", 0}, false},
	{{E_DENIED, 0, 0, 1, "cpu", "{}", "kind", E_INTERNAL, "text", 0}, true},
	{{E_DENIED, 0, 0, 1, "cpu", "{}", "kind", E_INTERNAL + 1, "text", 0}, false},
	{{E_INTERNAL + 1, 0, 0, 1, "cpu", "{}", "kind", E_DENIED, "text", 0}, false},
	{{E_DENIED, 0, 0, 1, "cpu", "{}", "kind", E_DENIED, "te\0xt", 5}, false},
};

static void an_answer_is_what_a_worker_may_say_or_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(answers); i++) {
		struct arena *a = arena_new(0);
		struct why w = why_in(a), outer = why_in(a);
		struct vjob job = {.arena = a, .why = &w};
		rc verdict = rc_of(E_INTERNAL), r = frame_get_answer(raw_answer(a, &answers[i].raw), &job, &verdict, &outer);

		if (rc_ok(r) != answers[i].good)
			fail_msg("row %zu: %s", i, why_text(&outer));
		if (answers[i].good) {
			assert_int_equal(verdict.code, answers[i].raw.code);
			assert_int_equal(job.results_n, answers[i].raw.results);
			assert_int_equal(job.wants_n, answers[i].raw.wants);
			assert_int_equal(why_empty(&w), verdict.code == OK);
		} else {
			assert_string_equal(why_reason(&outer), "verifier.frame");
			assert_true(job.results_n == 0 && job.wants_n == 0 && why_empty(&w));
		}
		arena_free(a);
	}
}

static rc put_answer(struct arena *a, struct vjob *from, rc verdict, struct slice *out)
{
	struct buf b = buf_in(a, 0);
	rc r = frame_put_answer(&b, verdict, from);

	*out = buf_view(&b);
	return r;
}

/* 40 frames around a refusal: as many as the other side takes, the root cause among them. */
static void a_long_explanation_is_cut_to_what_is_taken(void **state)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a), got = why_in(a), outer = why_in(a);
	struct vjob from = {.arena = a, .why = &w}, to = {.arena = a, .why = &got};
	struct slice s;
	rc verdict = deny(&w, E_DENIED, "t.cause", "the cause");
	unsigned n = 0;

	(void)state;
	for (unsigned i = 0; i < 40; i++)
		verdict = note(&w, verdict, "frame %u", i);
	assert_true(rc_ok(put_answer(a, &from, verdict, &s)));
	assert_true(rc_ok(frame_get_answer(s, &to, &verdict, &outer)));
	for (const struct why_frame *f = got.first; f; f = f->next)
		n++;
	assert_int_equal(n, FRAME_WHY_MAX);
	assert_string_equal(why_reason(&got), "t.cause");
	arena_free(a);
}

static void fill(struct vjob *job)
{
	struct json *o = vjob_result(job, "cpu");

	json_set(job->arena, o, "a", json_new_cstr(job->arena, "b"));
	assert_true(rc_ok(vjob_want(job, "kind", "key")));
}

static void without_memory_there_is_no_answer(void **state)
{
	(void)state;
	for (int denied = 0; denied < 2; denied++) {
		struct arena *a = arena_new(0);
		struct why w = why_in(a);
		struct vjob from = {.arena = a, .why = &w};
		struct slice s;
		bool done = false;
		uint64_t n;

		if (denied) {
			(void)deny(&w, E_DENIED, "t.x", "text").code;
			why_compared(&w, "subject", "found", "expected");
		} else {
			fill(&from);
		}
		assert_true(rc_ok(put_answer(a, &from, rc_of(denied ? E_DENIED : OK), &s)));
		for (n = 1; !done; n++) {
			struct arena *b = arena_new(0);
			struct why got = why_in(b);
			struct vjob to = {.arena = b, .why = &got};
			rc verdict = rc_of(E_INTERNAL);

			arena_fail_at(b, n);
			done = rc_ok(frame_get_answer(s, &to, &verdict, NULL));
			assert_int_equal(arena_bad(b), !done);
			assert_int_equal(to.results_n, done && !denied);
			assert_int_equal(verdict.code, !done ? E_INTERNAL : denied ? E_DENIED : OK);
			arena_free(b);
		}
		assert_true(n > 4);
		arena_free(a);
	}
}

static void an_answer_that_finds_no_memory_is_not_sent(void **state)
{
	bool done = false;
	uint64_t n;

	(void)state;
	for (n = 1; !done; n++) {
		struct arena *a = arena_new(0);
		struct why w = why_in(a);
		struct vjob from = {.arena = a, .why = &w};
		struct slice s;

		fill(&from);
		arena_fail_at(a, n);
		done = rc_ok(put_answer(a, &from, rc_of(OK), &s));
		assert_int_equal(arena_bad(a), !done);
		arena_free(a);
	}
	assert_true(n > 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_arrives_as_it_was_sent),
		cmocka_unit_test(a_request_with_too_many_parts_is_not_sent),
		cmocka_unit_test(a_request_cut_anywhere_is_refused),
		cmocka_unit_test(bent_requests_are_refused),
		cmocka_unit_test(parts_of_a_request_are_capped),
		cmocka_unit_test(without_memory_there_is_no_request),
		cmocka_unit_test(an_answer_is_what_a_worker_may_say_or_refused),
		cmocka_unit_test(a_long_explanation_is_cut_to_what_is_taken),
		cmocka_unit_test(without_memory_there_is_no_answer),
		cmocka_unit_test(an_answer_that_finds_no_memory_is_not_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
