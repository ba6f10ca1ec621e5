#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <unistd.h>

#include "agent/tpm_extras.h"
#include "base/num.h"
#include "base/sys.h"
#include "codec/base64.h"
#include "crypto/x509.h"
#include "lab/lab.h"
#include "lab/lab_eventlog.h"

static const char events_text[] = "[[0, 8, \"6c6162\"], [4, 4, \"00000000\"], [11, 13, \"6b65726e656c\"]]";

struct fix {
	struct arena *a;
	struct json *events, *pcrs;
	char dir[32];
};

static int setup(void **state)
{
	struct fix *f = test_calloc(1, sizeof(*f));

	f->a = arena_new(0);
	memcpy(f->dir, "/tmp/warrant-extras-XXXXXX", sizeof("/tmp/warrant-extras-XXXXXX"));
	assert_non_null(mkdtemp(f->dir));
	assert_true(rc_ok(json_parse(f->a, slice_cstr(events_text), NULL, &f->events, NULL)));
	f->pcrs = json_new_array(f->a);
	for (uint32_t i = 0; i < 24; i++) {
		uint8_t v[32];

		assert_true(rc_ok(lab_register(f->events, DIGEST_SHA256, i, v, f->a, NULL)));
		json_push(f->a, f->pcrs, json_new_hex(f->a, slice_of(v, sizeof(v))));
	}
	*state = f;
	return 0;
}

static const char *put(struct fix *f, struct slice bytes)
{
	char *path = arena_printf(f->a, "%s/file", f->dir);

	assert_true(rc_ok(file_write_atomic(path, bytes, 0600, NULL)));
	return path;
}

static int teardown(void **state)
{
	struct fix *f = *state;

	unlink(arena_printf(f->a, "%s/file", f->dir));
	rmdir(f->dir);
	arena_free(f->a);
	test_free(f);
	return 0;
}

static struct slice log_of(struct fix *f, const char *banks)
{
	struct lab_banks b;
	struct slice log;

	assert_true(rc_ok(lab_banks_read(slice_cstr(banks), &b, NULL)));
	assert_true(rc_ok(lab_eventlog(f->events, &b, f->a, &log, NULL)));
	return log;
}

static void a_log_that_explains_the_registers_is_sent(void **state)
{
	struct fix *f = *state;
	struct slice log = log_of(f, "sha1,sha256"), sent;
	struct json *doc = json_new_object(f->a);
	const char *why_not;

	assert_true(rc_ok(tpm_add_log(put(f, log), f->pcrs, f->a, doc, &why_not, NULL)));
	assert_null(why_not);
	assert_true(rc_ok(b64_decode(f->a, B64_STD, json_get(doc, "eventlog")->text, &sent, "log", NULL)));
	assert_true(slice_eq(sent, log));
}

/* It would be refused: better none. */
static void a_log_that_does_not_is_left_out_with_a_reason(void **state)
{
	struct fix *f = *state;
	struct json *doc = json_new_object(f->a);
	const char *why_not;

	assert_true(rc_ok(tpm_add_log(put(f, log_of(f, "sha1")), f->pcrs, f->a, doc, &why_not, NULL)));
	assert_non_null(strstr(why_not, "SHA-256"));
	assert_true(rc_ok(tpm_add_log(put(f, SLICE_LIT("no log at all, in no form")), f->pcrs, f->a, doc, &why_not, NULL)));
	assert_non_null(why_not);
	f->pcrs->items[4] = json_new_cstr(f->a, "0101010101010101010101010101010101010101010101010101010101010101");	/* extended since */
	assert_true(rc_ok(tpm_add_log(put(f, log_of(f, "sha256")), f->pcrs, f->a, doc, &why_not, NULL)));
	assert_non_null(strstr(why_not, "PCR 4"));
	assert_null(json_get(doc, "eventlog"));
}

static void a_log_that_was_asked_for_must_be_there(void **state)
{
	struct fix *f = *state;
	struct why w = why_in(f->a);
	const char *why_not;

	assert_false(rc_ok(tpm_add_log(arena_printf(f->a, "%s/absent", f->dir), f->pcrs, f->a, json_new_object(f->a), &why_not, &w)));
	assert_false(why_empty(&w));
}

static void certificates_of_a_file_go_with_the_quote(void **state)
{
	const struct lab_options o = {.now_s = 1795557718, .small_keys = true, .variant = "ecc"};
	struct fix *f = *state;
	struct json *doc = json_new_object(f->a);
	struct lab_world l;
	struct buf pem = buf_in(f->a, 0);
	struct slice der;
	struct why w = why_in(f->a);

	assert_true(rc_ok(lab_make("tpm", &o, f->a, &l, NULL)));
	for (size_t i = 0; i < 3; i++) {
		static const char *const names[] = {"ak.der", "issuer.der", "root.der"};

		buf_puts(&pem, "-----BEGIN CERTIFICATE-----\n");
		b64_write(&pem, B64_STD, lab_item(&l, names[i]));
		buf_puts(&pem, "\n-----END CERTIFICATE-----\n");
	}
	assert_true(rc_ok(tpm_add_certificates(put(f, buf_view(&pem)), f->a, doc, NULL)));
	assert_true(rc_ok(b64_decode(f->a, B64_STD, json_get(doc, "ak_cert")->text, &der, "cert", NULL)));
	assert_true(slice_eq(der, lab_item(&l, "ak.der")));
	assert_int_equal(json_get(doc, "ak_cert_chain")->n, 2);
	/* one in DER, and none */
	doc = json_new_object(f->a);
	assert_true(rc_ok(tpm_add_certificates(put(f, lab_item(&l, "ak.der")), f->a, doc, NULL)));
	assert_non_null(json_get(doc, "ak_cert"));
	assert_null(json_get(doc, "ak_cert_chain"));
	assert_int_equal(tpm_add_certificates(put(f, SLICE_LIT("nothing")), f->a, doc, &w).code, E_MALFORMED);
}

int main(void)
{
#define ROW(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		ROW(a_log_that_explains_the_registers_is_sent),
		ROW(a_log_that_does_not_is_left_out_with_a_reason),
		ROW(a_log_that_was_asked_for_must_be_there),
		ROW(certificates_of_a_file_go_with_the_quote),
	};

	return cmocka_run_group_tests_name("tpm_extras", tests, NULL, NULL);
}
