/* The resource policy: only true allows; replaced while running, here and by other replicas; nothing decides while it cannot be
 * loaded. Linked with --wrap=sys_monotonic_ns: a second passes when a test says so. */
#include "kbs/test_fix.h"

#include <pthread.h>
#include <stdatomic.h>

#include "codec/json.h"
#include "kbs/policy.h"

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

/* ---- a store that another writer gets into, or that is down ---- */

struct shim {
	struct store base;
	struct store *inner;
	bool down;
	const char *write_before_get;	/* what another replica writes just before the next get */
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
		OK_OR_FAIL(store_put(sh->inner, ns, key, slice_cstr(text), w), w);
	if (sh->down)
		return deny(w, E_UNAVAILABLE, "store.down", "the store is down");
	return sh->inner->vt->get(sh->inner, ns, key, now_s, a, value, rev, expires_s, w);
}

static const struct store_vtable shim_vt = {.name = "shim", .commit = shim_commit, .get = shim_get};

static struct shim shim_of(struct fix *f)
{
	return (struct shim){.base = {&shim_vt, &f->clock}, .inner = f->store};
}

/* ---- asking ---- */

#define DATA(plugin) "{\"plugin\":\"" plugin "\",\"resource-path\":[\"a\",\"b\",\"c\"],\"query\":{},\"method\":\"GET\"}"
#define TOKEN(tee, status)                                                                                                           \
	"{\"submods\":{\"cpu0\":{\"ear.status\":\"" status "\",\"ear.veraison.annotated-evidence\":{\"" tee "\":{\"svn\":1}}}}}"
#define GOOD TOKEN("snp", "affirming")

static struct json *parse(struct fix *f, const char *text)
{
	struct json *v;

	OK_OR_FAIL(json_parse(f->a, slice_cstr(text), NULL, &v, &f->w), &f->w);
	return v;
}

static rc ask(struct fix *f, struct policy *p, const char *claims, const char *data)
{
	return policy_allows(p, parse(f, claims), parse(f, data), f->a, &f->w);
}

static struct policy *open_on(struct fix *f, struct store *s)
{
	struct policy *p;

	OK_OR_FAIL(policy_open(s, &f->clock, &p, &f->w), &f->w);
	return p;
}

static void set(struct fix *f, struct policy *p, const char *rego)
{
	OK_OR_FAIL(policy_set(p, slice_cstr(rego), NULL, &f->w), &f->w);
}

#define YES  "package policy\ndefault allow := false\nallow if true\n"
#define NO   "package policy\ndefault allow := false\n"

/* ---- what allows ---- */

static void only_true_allows(void **state)
{
	static const struct {
		const char *rego, *reason;	/* NULL: allowed */
	} row[] = {
		{"package policy\nallow := true\n", NULL},
		{"package policy\nallow if input.submods.cpu0\n", NULL},
		{"package policy\nallow := false\n", "policy.denied"},
		{"package policy\ndefault allow := false\nallow if input.nothing\n", "policy.denied"},
		{"package policy\nallow if input.nothing\n", "policy.undefined"},
		{"package policy\nother := true\n", "policy.undefined"},
		{"package other\nallow := true\n", "policy.undefined"},
		{"package policy\nallow := \"true\"\n", "policy.undefined"},
		{"package policy\nallow := 1\n", "policy.undefined"},
		{"package policy\nallow := null\n", "policy.undefined"},
		{"package policy\nallow := [true]\n", "policy.undefined"},
		{"package policy\nallow := {\"allow\": true}\n", "policy.undefined"},
		{"package policy\nallow contains true\n", "policy.undefined"},
		{"package policy\nallow := true if input.submods\nallow := false if data.plugin\n", "policy.error"},
		{"package policy\nf(x) := 1 if x.submods\nf(x) := 2 if x\nallow if f(input) == 1\n", "policy.error"},
		/* a builtin that fails is undefined, and undefined is no */
		{"package policy\nallow if 1 / 0 == 1\n", "policy.undefined"},
		{"package policy\nallow if to_number(\"x\") == 0\n", "policy.undefined"},
		{"package policy\nallow if count([1 | some i in numbers.range(1, 30000); some j in numbers.range(1, 30000); i + j < 0]) == 0\n",
		 "policy.budget"},
	};
	struct fix *f = *state;
	struct policy *p = open_on(f, f->store);

	for (size_t i = 0; i < COUNT_OF(row); i++) {
		rc r;

		set(f, p, row[i].rego);
		r = ask(f, p, GOOD, DATA("resource"));
		if (row[i].reason)
			fix_refused_at(r, &f->w, E_DENIED, row[i].reason, (int)i);
		else
			fix_ok_at(r, &f->w, (int)i);
	}
	policy_close(p);
}

static void a_policy_sees_the_claims_as_input_and_the_request_as_data(void **state)
{
	struct fix *f = *state;
	struct policy *p = open_on(f, f->store);

	set(f, p,
	    "package policy\nallow if {\n\tdata.plugin == \"resource\"\n\tdata[\"resource-path\"] == [\"a\", \"b\", \"c\"]\n"
	    "\tdata.query == {}\n\tdata.method == \"GET\"\n\tinput.submods.cpu0[\"ear.veraison.annotated-evidence\"].snp.svn == 1\n}\n");
	OK_OR_FAIL(ask(f, p, GOOD, DATA("resource")), &f->w);
	REFUSED(ask(f, p, GOOD, DATA("other")), &f->w, E_DENIED, "policy.undefined");
	REFUSED(ask(f, p, TOKEN("tdx", "affirming"), DATA("resource")), &f->w, E_DENIED, "policy.undefined");
	policy_close(p);
}

static void the_policies_that_come_along_do_what_they_say(void **state)
{
	static const struct {
		const char *policy, *claims, *data;
		bool allowed;
	} row[] = {
		{"default", GOOD, DATA("resource"), true},
		{"default", TOKEN("snp", "contraindicated"), DATA("resource"), true},
		{"default", TOKEN("sample", "affirming"), DATA("resource"), false},
		{"default", GOOD, DATA("other"), false},
		{"allow_all", TOKEN("sample", "contraindicated"), DATA("resource"), true},
		{"allow_all", "{}", DATA("resource"), true},
		{"allow_all", GOOD, DATA("other"), false},
		{"deny_all", GOOD, DATA("resource"), false},
		{"affirming", GOOD, DATA("resource"), true},
		{"affirming", TOKEN("sample", "affirming"), DATA("resource"), true},
		{"affirming", TOKEN("snp", "warning"), DATA("resource"), false},
		{"affirming", TOKEN("snp", "none"), DATA("resource"), false},
		{"affirming", "{\"submods\":{}}", DATA("resource"), false},
		{"affirming", "{}", DATA("resource"), false},
		{"affirming", "{\"submods\":{\"cpu0\":{\"ear.status\":\"affirming\"},\"gpu0\":{\"ear.status\":\"warning\"}}}",
		 DATA("resource"), false},
		{"affirming", "{\"submods\":{\"cpu0\":{\"ear.status\":\"affirming\"},\"gpu0\":{}}}", DATA("resource"), false},
		{"affirming", "{\"submods\":{\"cpu0\":{\"ear.status\":\"affirming\"},\"gpu0\":{\"ear.status\":\"affirming\"}}}",
		 DATA("resource"), true},
	};
	struct fix *f = *state;
	struct policy *p = open_on(f, f->store);

	for (size_t i = 0; i < COUNT_OF(row); i++) {
		struct slice text = policy_builtin(row[i].policy);
		rc r;

		assert_non_null(text.p);
		OK_OR_FAIL(policy_set(p, text, NULL, &f->w), &f->w);
		r = ask(f, p, row[i].claims, row[i].data);
		if (row[i].allowed)
			fix_ok_at(r, &f->w, (int)i);
		else
			fix_refused_at(r, &f->w, E_DENIED, "policy.denied", (int)i);
	}
	assert_null(policy_builtin("none").p);
	policy_close(p);
}

static void a_refusal_names_the_line_and_what_it_compared(void **state)
{
	struct fix *f = *state;
	struct policy *p = open_on(f, f->store);
	const struct why_frame *root;

	set(f, p, "package policy\n\ndefault allow := false\n\nallow if {\n\tdata.plugin == \"resource\"\n"
		  "\tinput.submods.cpu0[\"ear.status\"] == \"affirming\"\n}\n");
	assert_int_equal(ask(f, p, TOKEN("snp", "warning"), DATA("resource")).code, E_DENIED);
	root = f->w.first;
	assert_non_null(root->subject);
	assert_non_null(strstr(root->subject, "ear.status"));
	assert_string_equal(root->found, "\"warning\"");
	assert_string_equal(root->expected, "\"affirming\"");
	assert_non_null(strstr(root->rule, "resource-policy.rego:7"));
	policy_close(p);
}

/* ---- compiling ---- */

static void a_policy_that_does_not_compile_is_refused_with_its_place(void **state)
{
	static const struct {
		const char *rego, *place;
	} row[] = {
		{"package policy\nallow if {\n", "resource-policy.rego:"},
		{"package policy\nallow := tru\n", "resource-policy.rego:2:"},
		{"package policy\n\n\nallow if nothing(1)\n", "resource-policy.rego:4:"},
		{"package policy\nallow if http.send({\"url\":\"http://x\"})\n", "resource-policy.rego:2:"},
		{"", "resource-policy.rego:"},
		{"allow := true\n", "resource-policy.rego:1:"},
		{"\xff\xfe", "resource-policy.rego:"},
	};
	struct fix *f = *state;
	struct policy *p = open_on(f, f->store);
	struct slice text;

	set(f, p, YES);
	for (size_t i = 0; i < COUNT_OF(row); i++) {
		rc r = policy_set(p, slice_cstr(row[i].rego), NULL, &f->w);

		if (!strstr(why_text(&f->w), row[i].place))
			fail_msg("row %zu: %s", i, why_text(&f->w));
		fix_refused_at(r, &f->w, E_MALFORMED, "policy.compile", (int)i);
	}
	/* nothing has changed: neither the text nor what decides */
	OK_OR_FAIL(policy_text(p, f->a, &text, &f->w), &f->w);
	assert_true(slice_is(text, YES));
	OK_OR_FAIL(ask(f, p, GOOD, DATA("resource")), &f->w);
	policy_close(p);
}

/* ---- replacing ---- */

/* Who adds a record to the change. */
static rc count_commit(void *ctx, const struct store_op *ops, size_t n, struct why *w)
{
	unsigned *asked = ctx;

	(void)ops;
	(void)n;
	++*asked;
	return deny(w, E_UNAVAILABLE, "store.full", "no room for the record");
}

static void a_change_that_cannot_be_recorded_is_not_made_and_a_bad_one_asks_for_no_record(void **state)
{
	struct fix *f = *state;
	struct policy *p = open_on(f, f->store);
	unsigned asked = 0;
	const struct store_committer by = {count_commit, &asked};

	set(f, p, NO);
	REFUSED(policy_set(p, SLICE_LIT("package policy\nallow if {\n"), &by, &f->w), &f->w, E_MALFORMED, "policy.compile");
	assert_int_equal(asked, 0);
	REFUSED(policy_set(p, SLICE_LIT(YES), &by, &f->w), &f->w, E_UNAVAILABLE, "store.full");
	assert_int_equal(asked, 1);
	REFUSED(ask(f, p, GOOD, DATA("resource")), &f->w, E_DENIED, "policy.denied");
	policy_close(p);
}

static void a_new_policy_decides_at_once_and_survives_a_restart(void **state)
{
	struct fix *f = *state;
	struct policy *p = open_on(f, f->store);

	OK_OR_FAIL(ask(f, p, GOOD, DATA("resource")), &f->w);	/* the default */
	set(f, p, NO);
	REFUSED(ask(f, p, GOOD, DATA("resource")), &f->w, E_DENIED, "policy.denied");
	set(f, p, YES);
	OK_OR_FAIL(ask(f, p, GOOD, DATA("other")), &f->w);
	set(f, p, NO);
	policy_close(p);
	p = open_on(f, f->store);
	REFUSED(ask(f, p, GOOD, DATA("resource")), &f->w, E_DENIED, "policy.denied");
	policy_close(p);
}

static void a_policy_that_another_replica_set_decides_after_a_second(void **state)
{
	struct fix *f = *state;
	struct policy *here = open_on(f, f->store), *there = open_on(f, f->store);

	set(f, here, YES);
	set(f, there, NO);
	a_second_passes();
	REFUSED(ask(f, here, GOOD, DATA("resource")), &f->w, E_DENIED, "policy.denied");
	set(f, there, YES);
	a_second_passes();
	OK_OR_FAIL(ask(f, here, GOOD, DATA("resource")), &f->w);
	policy_close(here);
	policy_close(there);
}

/* Two writers at once: whoever is in the store last decides everywhere, also where the other one wrote. */
static void of_two_writers_at_once_the_one_in_the_store_decides(void **state)
{
	struct fix *f = *state;
	struct shim s = shim_of(f);
	struct policy *p = open_on(f, &s.base);

	s.write_before_get = NO;
	set(f, p, YES);
	REFUSED(ask(f, p, GOOD, DATA("resource")), &f->w, E_DENIED, "policy.denied");
	a_second_passes();
	REFUSED(ask(f, p, GOOD, DATA("resource")), &f->w, E_DENIED, "policy.denied");
	policy_close(p);
}

static void while_the_store_is_down_nothing_is_allowed(void **state)
{
	struct fix *f = *state;
	struct shim s = shim_of(f);
	struct policy *p = open_on(f, &s.base);

	set(f, p, YES);
	s.down = true;
	a_second_passes();
	for (unsigned i = 0; i < 3; i++)
		REFUSED(ask(f, p, GOOD, DATA("resource")), &f->w, E_UNAVAILABLE, "store.down");
	s.down = false;
	OK_OR_FAIL(ask(f, p, GOOD, DATA("resource")), &f->w);
	policy_close(p);
}

static void while_the_stored_policy_does_not_compile_nothing_is_allowed(void **state)
{
	struct fix *f = *state;
	struct policy *p = open_on(f, f->store);

	set(f, p, YES);
	OK_OR_FAIL(store_put(f->store, "kbs", "resource-policy.rego", SLICE_LIT("package policy\nallow if {"), &f->w), &f->w);
	a_second_passes();
	for (unsigned i = 0; i < 3; i++)
		REFUSED(ask(f, p, GOOD, DATA("resource")), &f->w, E_UNAVAILABLE, "policy.broken");
	OK_OR_FAIL(store_put(f->store, "kbs", "resource-policy.rego", SLICE_LIT(YES), &f->w), &f->w);
	OK_OR_FAIL(ask(f, p, GOOD, DATA("resource")), &f->w);
	policy_close(p);
}

struct asker {
	struct policy *p;
	size_t allowed, refused, other;
};

static void *ask_often(void *arg)
{
	struct asker *k = arg;

	for (unsigned i = 0; i < 300; i++) {
		struct arena *a = arena_new(0);
		struct json *claims, *data;
		struct why w = why_in(a);
		rc r = json_parse(a, slice_cstr(GOOD), NULL, &claims, &w);

		if (rc_ok(r))
			r = json_parse(a, slice_cstr(DATA("resource")), NULL, &data, &w);
		if (rc_ok(r))
			r = policy_allows(k->p, claims, data, a, &w);
		k->allowed += rc_ok(r);
		k->refused += r.code == E_DENIED && strcmp(why_reason(&w), "policy.denied") == 0;
		k->other += !rc_ok(r) && r.code != E_DENIED;
		arena_free(a);
	}
	return NULL;
}

static void threads_decide_while_the_policy_is_replaced(void **state)
{
	struct fix *f = *state;
	struct policy *p = open_on(f, f->store);
	struct asker k[3] = {{p, 0, 0, 0}, {p, 0, 0, 0}, {p, 0, 0, 0}};
	pthread_t t[COUNT_OF(k)];

	for (size_t i = 0; i < COUNT_OF(k); i++)
		assert_int_equal(pthread_create(&t[i], NULL, ask_often, &k[i]), 0);
	for (unsigned i = 0; i < 40; i++) {
		set(f, p, i % 2 ? YES : NO);
		a_second_passes();
	}
	for (size_t i = 0; i < COUNT_OF(k); i++) {
		pthread_join(t[i], NULL);
		assert_int_equal(k[i].allowed + k[i].refused, 300);
		assert_int_equal(k[i].other, 0);
	}
	policy_close(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BEHAVIOUR(only_true_allows),
		BEHAVIOUR(a_policy_sees_the_claims_as_input_and_the_request_as_data),
		BEHAVIOUR(the_policies_that_come_along_do_what_they_say),
		BEHAVIOUR(a_refusal_names_the_line_and_what_it_compared),
		BEHAVIOUR(a_policy_that_does_not_compile_is_refused_with_its_place),
		BEHAVIOUR(a_change_that_cannot_be_recorded_is_not_made_and_a_bad_one_asks_for_no_record),
		BEHAVIOUR(a_new_policy_decides_at_once_and_survives_a_restart),
		BEHAVIOUR(a_policy_that_another_replica_set_decides_after_a_second),
		BEHAVIOUR(of_two_writers_at_once_the_one_in_the_store_decides),
		BEHAVIOUR(while_the_store_is_down_nothing_is_allowed),
		BEHAVIOUR(while_the_stored_policy_does_not_compile_nothing_is_allowed),
		BEHAVIOUR(threads_decide_while_the_policy_is_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
