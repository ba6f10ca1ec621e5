/* Appraisal policies in the store: ids, defaults, replacing while running, and what happens when one cannot be loaded. Linked with
 * --wrap=sys_monotonic_ns: a second passes when a test says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>

#include "as/policies.h"
#include "base/num.h"

#define NS "attestation_service_policy"

static _Atomic int64_t skipped_ns;

int64_t __real_sys_monotonic_ns(void);
int64_t __wrap_sys_monotonic_ns(void);

int64_t __wrap_sys_monotonic_ns(void)
{
	return __real_sys_monotonic_ns() + atomic_load(&skipped_ns);
}

static void a_second_passes(void)
{
	atomic_fetch_add(&skipped_ns, (int64_t)1000000000);
}

static int64_t the_time_ns(void *ctx)
{
	(void)ctx;
	return (int64_t)1795557718 * 1000000000;
}

static const struct clock the_clock = {the_time_ns, NULL};

static void query_reference_value(void *ctx, struct rego_host_call *call)
{
	(void)ctx;
	(void)rego_host_reply_json(call, "[1,2]", 5);
}

static const struct rego_host_fn fns[] = {{"query_reference_value", 1, 0, query_reference_value}};

/* A store that another writer gets into, or that is down. */
struct shim {
	struct store base;
	struct store *inner;
	bool down;
	const char *write_before_get;
};

static rc shim_commit(struct store *s, const struct store_op *ops, size_t n, int64_t now_s, size_t *refused, struct why *w)
{
	struct shim *sh = (struct shim *)s;

	return sh->inner->vt->commit(sh->inner, ops, n, now_s, refused, w);
}

static rc shim_get(struct store *s, const char *ns, const char *key, int64_t now_s, struct arena *a, struct slice *value, uint64_t *rev,
		   int64_t *expires_s, struct why *w)
{
	struct shim *sh = (struct shim *)s;
	const char *text = sh->write_before_get;

	sh->write_before_get = NULL;
	if (text)
		assert_true(rc_ok(store_put(sh->inner, ns, key, slice_cstr(text), NULL)));
	if (sh->down)
		return deny(w, E_UNAVAILABLE, "store.down", "the store is down");
	return sh->inner->vt->get(sh->inner, ns, key, now_s, a, value, rev, expires_s, w);
}

static rc shim_list(struct store *s, const char *ns, const char *prefix, const char *after, size_t limit, int64_t now_s, struct arena *a,
		    char ***keys, size_t *n, struct why *w)
{
	struct shim *sh = (struct shim *)s;

	return sh->inner->vt->list(sh->inner, ns, prefix, after, limit, now_s, a, keys, n, w);
}

static const struct store_vtable shim_vt = {.name = "shim", .commit = shim_commit, .get = shim_get, .list = shim_list};

struct fix {
	struct arena *a;
	struct why w;
	struct shim store;
	struct policies *p;
};

static int setup(void **state)
{
	struct fix *f = test_calloc(1, sizeof(*f));

	f->a = arena_new(0);
	f->w = why_in(f->a);
	f->store.base = (struct store){&shim_vt, &the_clock};
	assert_true(rc_ok(store_open_memory(&the_clock, &f->store.inner, &f->w)));
	assert_true(rc_ok(policies_open(&f->store.base, fns, COUNT_OF(fns), &f->p, &f->w)));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fix *f = *state;

	policies_close(f->p);
	store_close(f->store.inner);
	arena_free(f->a);
	test_free(f);
	return 0;
}

static void refused_at(rc r, struct why *w, enum rc_code code, const char *reason, int line)
{
	if (r.code != code || strcmp(why_reason(w), reason) != 0)
		fail_msg("line %d: %s %s (%s), expected %s %s", line, rc_name(r.code), why_reason(w), why_text(w), rc_name(code), reason);
	why_clear(w);
}
#define REFUSED(call, w, code, reason) refused_at((call), (w), (code), (reason), __LINE__)

#define POLICY(n) "package policy\ntrust_claims := {\"hardware\": " #n "}\n"

static void set(struct fix *f, const char *id, const char *rego)
{
	if (!rc_ok(policies_set(f->p, slice_cstr(id), slice_cstr(rego), NULL, &f->w)))
		fail_msg("%s: %s", id, why_text(&f->w));
}

/* What the present program of `id` says of hardware. */
static int64_t hardware(struct fix *f, const char *id)
{
	struct rego_unit_call call = {.query = POLICY_TRUST_CLAIMS, .input = json_new_object(f->a)};
	struct rego_unit_result result;
	struct rego_unit *u;
	int64_t n = -1;

	if (!rc_ok(policies_get(f->p, id, &u, &f->w)))
		fail_msg("%s: %s", id, why_text(&f->w));
	assert_true(rc_ok(rego_unit_eval(u, &call, f->a, &result, &f->w)));
	rego_unit_free(u);
	assert_true(json_i64(json_get(result.value, "hardware"), &n));
	return n;
}

/* ---- ids and defaults ---- */

static void the_defaults_are_there_and_compile(void **state)
{
	static const char *const ids[] = {"default_cpu", "default_gpu", "default_switch", "default_ppcie"};
	struct fix *f = *state;
	struct rego_unit *u;

	for (size_t i = 0; i < COUNT_OF(ids); i++) {
		if (!rc_ok(policies_get(f->p, ids[i], &u, &f->w)))
			fail_msg("%s: %s", ids[i], why_text(&f->w));
		rego_unit_free(u);
	}
}

static void a_default_that_an_operator_replaced_survives_a_restart(void **state)
{
	struct fix *f = *state;

	set(f, "default_cpu", POLICY(5));
	policies_close(f->p);
	assert_true(rc_ok(policies_open(&f->store.base, fns, COUNT_OF(fns), &f->p, &f->w)));
	assert_int_equal(hardware(f, "default_cpu"), 5);
}

static void an_absent_policy_is_told_so_by_name(void **state)
{
	struct fix *f = *state;
	struct rego_unit *u;
	rc r = policies_get(f->p, "mine_cpu", &u, &f->w);

	assert_non_null(strstr(why_text(&f->w), "\"mine_cpu\""));
	REFUSED(r, &f->w, E_NOTFOUND, "as.policy-absent");
	set(f, "mine_cpu", POLICY(2));
	assert_int_equal(hardware(f, "mine_cpu"), 2);
}

static void an_id_has_its_grammar(void **state)
{
	static const char *const good[] = {"a", "Z9", "a.b-c_d", "..."};
	static const char *const bad[] = {"", "a/b", "../x", "a b", "a\n", "\xc3\xa4", "a:b", "@", "[", "`", "{"};
	struct fix *f = *state;
	char longest[130];
	struct slice text;

	for (size_t i = 0; i < COUNT_OF(good); i++)
		set(f, good[i], POLICY(2));
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		refused_at(policies_set(f->p, slice_cstr(bad[i]), SLICE_LIT(POLICY(2)), NULL, &f->w), &f->w, E_MALFORMED, "as.policy-id", (int)i);
		refused_at(policies_text(f->p, slice_cstr(bad[i]), f->a, &text, &f->w), &f->w, E_MALFORMED, "as.policy-id", (int)i);
	}
	memset(longest, 'x', sizeof(longest));
	longest[128] = 0;
	set(f, longest, POLICY(2));
	assert_int_equal(hardware(f, longest), 2);
	longest[128] = 'x';
	longest[129] = 0;
	REFUSED(policies_set(f->p, slice_cstr(longest), SLICE_LIT(POLICY(2)), NULL, &f->w), &f->w, E_MALFORMED, "as.policy-id");
}

static void all_ids_are_listed_without_ending(void **state)
{
	struct fix *f = *state;
	char **ids;
	size_t n, mine = 0;

	set(f, "mine_cpu", POLICY(2));
	set(f, "a.rego", POLICY(2));
	assert_true(rc_ok(policies_list(f->p, f->a, &ids, &n, &f->w)));
	assert_true(n >= 6);
	for (size_t i = 0; i < n; i++)
		mine += strcmp(ids[i], "mine_cpu") == 0 || strcmp(ids[i], "a.rego") == 0 || strcmp(ids[i], "default_cpu") == 0;
	assert_int_equal(mine, 3);
}

/* ---- compiling ---- */

static void a_policy_that_does_not_compile_is_refused_with_its_place_and_changes_nothing(void **state)
{
	static const struct {
		const char *rego, *place;
	} row[] = {
		{"package policy\ntrust_claims := {\n", "mine_cpu.rego:"},
		{"package policy\n\ntrust_claims := query_reference_values(\"x\")\n", "mine_cpu.rego:3:"},
		{"package policy\ntrust_claims := query_reference_value()\n", "mine_cpu.rego:2:"},
		{"package policy\ntrust_claims := http.send({})\n", "mine_cpu.rego:2:"},
		{"package policy\ntrust_claims := trust_claims\n", "mine_cpu.rego:2:"},
		{"trust_claims := {}\n", "mine_cpu.rego:1:"},
	};
	struct fix *f = *state;
	struct slice text;

	set(f, "mine_cpu", POLICY(7));
	for (size_t i = 0; i < COUNT_OF(row); i++) {
		rc r = policies_set(f->p, SLICE_LIT("mine_cpu"), slice_cstr(row[i].rego), NULL, &f->w);

		if (rc_ok(r) || !strstr(why_text(&f->w), row[i].place))
			fail_msg("row %zu: %s", i, rc_ok(r) ? "taken" : why_text(&f->w));
		refused_at(r, &f->w, E_MALFORMED, "as.policy", (int)i);
	}
	assert_true(rc_ok(policies_text(f->p, SLICE_LIT("mine_cpu"), f->a, &text, &f->w)));
	assert_true(slice_is(text, POLICY(7)));
	assert_int_equal(hardware(f, "mine_cpu"), 7);
}

static void what_a_policy_leaves_undefined_or_fails_at_is_told_apart(void **state)
{
	static const struct {
		const char *rego, *reason;
		enum rc_code code;
	} row[] = {
		{"package policy\ntrust_claims := {\"hardware\": 2} if input.nothing\n", NULL, OK},
		{"package other\n", NULL, OK},
		{"package policy\ntrust_claims := {\"hardware\": 2}\ntrust_claims := {\"hardware\": 3}\n", "rego.error", E_DENIED},
		{"package policy\ntrust_claims := {\"hardware\": count([1 | some i in numbers.range(1, 30000); some j in numbers.range(1, 30000); "
		 "i + j < 0])}\n",
		 "rego.budget", E_LIMIT},
	};
	struct rego_unit_call call = {.query = POLICY_TRUST_CLAIMS};
	struct rego_unit_result result;
	struct fix *f = *state;
	struct rego_unit *u;

	call.input = json_new_object(f->a);
	for (size_t i = 0; i < COUNT_OF(row); i++) {
		rc r;

		set(f, "mine_cpu", row[i].rego);
		assert_true(rc_ok(policies_get(f->p, "mine_cpu", &u, &f->w)));
		r = rego_unit_eval(u, &call, f->a, &result, &f->w);
		rego_unit_free(u);
		if (row[i].reason) {
			refused_at(r, &f->w, row[i].code, row[i].reason, (int)i);
		} else {
			assert_true(rc_ok(r));
			assert_null(result.value);
		}
	}
}

/* ---- replacing ---- */

static void a_new_text_decides_at_once_here_and_after_a_second_elsewhere(void **state)
{
	struct fix *f = *state;
	struct policies *here = f->p, *there;

	assert_true(rc_ok(policies_open(&f->store.base, fns, COUNT_OF(fns), &there, &f->w)));
	for (int i = 0; i < 3; i++) {
		f->p = here;
		set(f, "mine_cpu", i % 2 ? POLICY(3) : POLICY(2));
		assert_int_equal(hardware(f, "mine_cpu"), i % 2 ? 3 : 2);
		a_second_passes();
		f->p = there;
		assert_int_equal(hardware(f, "mine_cpu"), i % 2 ? 3 : 2);
	}
	f->p = here;
	policies_close(there);
}

static void of_two_writers_at_once_the_one_in_the_store_decides(void **state)
{
	struct fix *f = *state;

	f->store.write_before_get = POLICY(9);
	set(f, "mine_cpu", POLICY(2));
	assert_int_equal(hardware(f, "mine_cpu"), 9);
	a_second_passes();
	assert_int_equal(hardware(f, "mine_cpu"), 9);
	/* also where a program was loaded before */
	set(f, "mine_cpu", POLICY(4));
	f->store.write_before_get = POLICY(8);
	set(f, "mine_cpu", POLICY(2));
	assert_int_equal(hardware(f, "mine_cpu"), 8);
}

static void while_a_policy_cannot_be_loaded_none_is_given(void **state)
{
	struct fix *f = *state;
	struct rego_unit *u;

	set(f, "mine_cpu", POLICY(2));
	f->store.down = true;
	a_second_passes();
	for (unsigned i = 0; i < 3; i++)
		REFUSED(policies_get(f->p, "mine_cpu", &u, &f->w), &f->w, E_UNAVAILABLE, "store.down");
	f->store.down = false;
	assert_int_equal(hardware(f, "mine_cpu"), 2);
	assert_true(rc_ok(store_put(f->store.inner, NS, "mine_cpu.rego", SLICE_LIT("package policy\nx := {"), &f->w)));
	a_second_passes();
	for (unsigned i = 0; i < 3; i++)
		REFUSED(policies_get(f->p, "mine_cpu", &u, &f->w), &f->w, E_UNAVAILABLE, "as.policy-broken");
	assert_true(rc_ok(store_put(f->store.inner, NS, "mine_cpu.rego", SLICE_LIT(POLICY(6)), &f->w)));
	assert_int_equal(hardware(f, "mine_cpu"), 6);
}

static void more_policies_than_are_kept_in_memory_all_answer(void **state)
{
	struct fix *f = *state;

	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 150; i++) {
			char *id = arena_printf(f->a, "p%u_cpu", i);

			if (round == 0)
				set(f, id, arena_printf(f->a, "package policy\ntrust_claims := {\"hardware\": %u}\n", i % 100));
			assert_int_equal(hardware(f, id), i % 100);
		}
	}
}

static void *get_often(void *arg)
{
	struct policies *p = arg;
	uintptr_t failed = 0;

	for (unsigned i = 0; i < 300; i++) {
		char id[] = "t0_cpu";
		struct rego_unit *u;

		id[1] = (char)('0' + i % 10);
		if (rc_ok(policies_get(p, id, &u, NULL)))
			rego_unit_free(u);
		else
			failed++;
	}
	return (void *)failed;
}

static void threads_take_programs_while_they_are_replaced(void **state)
{
	struct fix *f = *state;
	pthread_t t[3];
	void *failed;

	for (unsigned i = 0; i < 10; i++)
		set(f, arena_printf(f->a, "t%u_cpu", i), POLICY(2));
	for (size_t i = 0; i < COUNT_OF(t); i++)
		assert_int_equal(pthread_create(&t[i], NULL, get_often, f->p), 0);
	for (unsigned i = 0; i < 50; i++) {
		set(f, arena_printf(f->a, "t%u_cpu", i % 10), POLICY(3));
		a_second_passes();
	}
	for (size_t i = 0; i < COUNT_OF(t); i++) {
		pthread_join(t[i], &failed);
		assert_null(failed);
	}
}

int main(void)
{
#define BEHAVIOUR(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		BEHAVIOUR(the_defaults_are_there_and_compile),
		BEHAVIOUR(a_default_that_an_operator_replaced_survives_a_restart),
		BEHAVIOUR(an_absent_policy_is_told_so_by_name),
		BEHAVIOUR(an_id_has_its_grammar),
		BEHAVIOUR(all_ids_are_listed_without_ending),
		BEHAVIOUR(a_policy_that_does_not_compile_is_refused_with_its_place_and_changes_nothing),
		BEHAVIOUR(what_a_policy_leaves_undefined_or_fails_at_is_told_apart),
		BEHAVIOUR(a_new_text_decides_at_once_here_and_after_a_second_elsewhere),
		BEHAVIOUR(of_two_writers_at_once_the_one_in_the_store_decides),
		BEHAVIOUR(while_a_policy_cannot_be_loaded_none_is_given),
		BEHAVIOUR(more_policies_than_are_kept_in_memory_all_answer),
		BEHAVIOUR(threads_take_programs_while_they_are_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
