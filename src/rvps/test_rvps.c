#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "codec/base64.h"
#include "rvps/rvps.h"

static int64_t fake_now;

static int64_t fake_now_ns(void *ctx)
{
	(void)ctx;
	return fake_now * 1000000000;
}

static const struct clock fake_clock = {fake_now_ns, NULL};

struct fixture {
	struct arena *a;
	struct why w;
	struct store *store;
	struct rvps *rvps;
};

static int setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));

	fake_now = 1795557718;
	f->a = arena_new(0);
	f->w = why_in(f->a);
	assert_true(rc_ok(store_open_memory(&fake_clock, &f->store, &f->w)));
	assert_true(rc_ok(rvps_open(f->store, &fake_clock, &f->rvps, &f->w)));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	rvps_close(f->rvps);
	store_close(f->store);
	arena_free(f->a);
	test_free(f);
	return 0;
}

static rc send(struct fixture *f, const char *type, const char *payload, size_t *n)
{
	struct buf b = buf_in(f->a, 0);

	buf_printf(&b, "{\"version\":\"0.1.0\",\"type\":\"%s\",\"payload\":\"", type);
	b64_write(&b, B64_STD, slice_cstr(payload));
	buf_puts(&b, "\"}");
	return rvps_register(f->rvps, buf_view(&b), 0, NULL, n, &f->w);
}

static enum rvps_state look(struct fixture *f, const char *name, struct json **v, int64_t *until)
{
	enum rvps_state s = 0;

	assert_true(rc_ok(rvps_query(f->rvps, slice_cstr(name), f->a, &s, v, until, &f->w)));
	return s;
}

static void values_are_found_as_they_were_registered(void **state)
{
	struct fixture *f = *state;
	struct json *v;
	int64_t until;
	size_t n;

	assert_int_equal(look(f, "tpm_pcr11", &v, &until), RV_UNKNOWN);
	assert_true(rc_ok(send(f, "sample", "{\"tpm_pcr11\":[\"ab\",18446744073709551615],\"snp_smt_enabled\":true}", &n)));
	assert_int_equal(n, 2);
	assert_int_equal(look(f, "tpm_pcr11", &v, &until), RV_FOUND);
	assert_true(slice_is(json_text(f->a, v), "[\"ab\",18446744073709551615]"));
	assert_int_equal(look(f, "snp_smt_enabled", &v, &until), RV_FOUND);
	assert_int_equal(until, 1795557718 + 365 * 86400);
}

static void an_expired_value_is_not_a_value(void **state)
{
	struct fixture *f = *state;
	struct json *v;
	int64_t until;

	assert_true(rc_ok(rvps_set(f->rvps, SLICE_LIT("x"), json_new_i64(f->a, 1), fake_now + 10, &f->w)));
	assert_int_equal(look(f, "x", &v, &until), RV_FOUND);
	fake_now += 9;
	assert_int_equal(look(f, "x", &v, &until), RV_FOUND);
	fake_now += 1;
	assert_int_equal(look(f, "x", &v, &until), RV_EXPIRED);
}

static void a_change_is_seen_at_once_and_a_deleted_value_is_unknown(void **state)
{
	struct fixture *f = *state;
	struct json *v;
	int64_t until;

	assert_true(rc_ok(rvps_set(f->rvps, SLICE_LIT("x"), json_new_i64(f->a, 1), 0, &f->w)));
	assert_int_equal(look(f, "x", &v, &until), RV_FOUND);
	assert_true(rc_ok(rvps_set(f->rvps, SLICE_LIT("x"), json_new_i64(f->a, 2), 0, &f->w)));
	assert_int_equal(look(f, "x", &v, &until), RV_FOUND);
	assert_true(slice_is(v->text, "2"));
	assert_true(rc_ok(rvps_delete(f->rvps, SLICE_LIT("x"), NULL, &f->w)));
	assert_int_equal(look(f, "x", &v, &until), RV_UNKNOWN);
}

/* A store whose value is changed by another thread between its answer and who remembers it. */
static struct fixture *racing;
static const struct store_vtable *racing_store;

static rc get_then_change(struct store *s, const char *ns, const char *key, int64_t now_s, struct arena *a, struct slice *value,
			  uint64_t *rev, int64_t *expires_s, struct why *w)
{
	struct fixture *f = racing;
	rc r;

	racing = NULL;	/* once */
	r = racing_store->get(s, ns, key, now_s, a, value, rev, expires_s, w);
	if (f)
		assert_true(rc_ok(rvps_set(f->rvps, SLICE_LIT("x"), json_new_i64(f->a, 2), 0, &f->w)));
	return r;
}

static void a_value_that_changes_while_it_is_read_is_not_remembered(void **state)
{
	struct fixture *f = *state;
	const struct store_vtable *own = f->store->vt;
	struct store_vtable vt = *own;
	struct json *v;
	int64_t until;

	assert_true(rc_ok(rvps_set(f->rvps, SLICE_LIT("x"), json_new_i64(f->a, 1), 0, &f->w)));
	racing_store = own;
	vt.get = get_then_change;
	f->store->vt = &vt;
	racing = f;
	assert_int_equal(look(f, "x", &v, &until), RV_FOUND);
	assert_true(slice_is(v->text, "1"));	/* what was true when it was asked */
	assert_int_equal(look(f, "x", &v, &until), RV_FOUND);
	assert_true(slice_is(v->text, "2"));
	f->store->vt = own;
}

static void a_stored_value_that_is_damaged_is_no_value(void **state)
{
	static const struct {
		const char *record, *reason;
	} row[] = {{"", "json.syntax"}, {"{}", "json.member"}, {"{\"expiration\":1,\"value\":1}", "json.member"},
		   {"{\"expiration\":\"never\",\"value\":1}", "time.malformed"}, {"{\"expiration\":\"2099-01-01T00:00:00Z\"}", "rvps.record"}};
	struct fixture *f = *state;
	struct json *v;
	int64_t until;

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		char *name = arena_printf(f->a, "x%zu", i);
		enum rvps_state s;

		assert_true(rc_ok(store_put(f->store, "reference_value", name, slice_cstr(row[i].record), &f->w)));
		assert_false(rc_ok(rvps_query(f->rvps, slice_cstr(name), f->a, &s, &v, &until, &f->w)));
		if (strcmp(why_reason(&f->w), row[i].reason) != 0)
			fail_msg("%s: %s, expected %s", row[i].record, why_reason(&f->w), row[i].reason);
	}
}

static void bad_messages_are_refused_and_store_nothing(void **state)
{
	static const struct {
		const char *message, *reason;
	} row[] = {
		{"{", "json.syntax"}, {"[]", "json.member"}, {"{\"type\":\"sample\"}", "json.member"},
		{"{\"version\":\"0.2.0\",\"type\":\"sample\",\"payload\":\"e30=\"}", "rvps.version"},
		{"{\"version\":1,\"type\":\"sample\",\"payload\":\"e30=\"}", "json.member"},
		{"{\"type\":\"in-toto\",\"payload\":\"e30=\"}", "rvps.type"}, {"{\"type\":\"sample\",\"payload\":\"e30=\"}", "rvps.payload"},
		{"{\"type\":\"sample\",\"payload\":\"W10=\"}", "rvps.payload"}, {"{\"type\":\"sample\",\"payload\":\"*\"}", "base64.malformed"},
		{"{\"type\":\"sample\",\"payload\":\"eyJhIGIiOjF9\"}", "rvps.name"},
		/* {"ok":1,"a b":2}: one bad name refuses the whole message */
		{"{\"type\":\"sample\",\"payload\":\"eyJvayI6MSwiYSBiIjoyfQ==\"}", "rvps.name"},
	};
	struct fixture *f = *state;
	struct json *v;
	int64_t until;
	size_t n;

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		assert_false(rc_ok(rvps_register(f->rvps, slice_cstr(row[i].message), 0, NULL, &n, &f->w)));
		assert_string_equal(why_reason(&f->w), row[i].reason);
	}
	assert_int_equal(look(f, "ok", &v, &until), RV_UNKNOWN);
}

static void the_default_expiry_is_twelve_months_on_a_leap_day_too(void **state)
{
	struct fixture *f = *state;
	struct json *v;
	int64_t until;

	fake_now = time_from_civil(2028, 2, 29, 12, 0, 0);
	assert_true(rc_ok(rvps_set(f->rvps, SLICE_LIT("x"), json_new_i64(f->a, 1), 0, &f->w)));
	assert_int_equal(look(f, "x", &v, &until), RV_FOUND);
	assert_int_equal(until, time_from_civil(2029, 2, 28, 12, 0, 0));
}

/* A message holds so many values and no more; one is too many for all. */
static void a_message_has_a_limit(void **state)
{
	struct fixture *f = *state;

	for (unsigned over = 0; over < 2; over++) {
		struct json *values = json_new_object(f->a);
		struct buf b = buf_in(f->a, 0);
		char **names;
		size_t n = 0;

		for (unsigned i = 0; i < RVPS_VALUES_MAX + over; i++)
			json_set(f->a, values, arena_printf(f->a, "v%u", i), json_new_i64(f->a, i));
		buf_puts(&b, "{\"version\":\"0.1.0\",\"type\":\"sample\",\"payload\":\"");
		buf_slice(&b, b64_text(f->a, B64_STD, json_text(f->a, values)));
		buf_puts(&b, "\"}");
		assert_int_equal(rvps_register(f->rvps, buf_view(&b), 0, NULL, &n, &f->w).code, over ? E_LIMIT : OK);
		assert_int_equal(n, over ? 0 : RVPS_VALUES_MAX);
		assert_true(rc_ok(rvps_list(f->rvps, NULL, 10000, f->a, &names, &n, &f->w)));
		assert_int_equal(n, RVPS_VALUES_MAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(values_are_found_as_they_were_registered, setup, teardown),
		cmocka_unit_test_setup_teardown(an_expired_value_is_not_a_value, setup, teardown),
		cmocka_unit_test_setup_teardown(a_change_is_seen_at_once_and_a_deleted_value_is_unknown, setup, teardown),
		cmocka_unit_test_setup_teardown(a_value_that_changes_while_it_is_read_is_not_remembered, setup, teardown),
		cmocka_unit_test_setup_teardown(a_stored_value_that_is_damaged_is_no_value, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_messages_are_refused_and_store_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(a_message_has_a_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(the_default_expiry_is_twelve_months_on_a_leap_day_too, setup, teardown),
	};

	return cmocka_run_group_tests_name("rvps", tests, NULL, NULL);
}
