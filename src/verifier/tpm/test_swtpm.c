/* A real quote of a software TPM: tpm2_checkquote and this verifier agree about it, whole and altered. */
#include "verifier/test_driver.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/pkey.h"
#include "verifier/tpm/tpm.h"

static char dir[64];

static int sh(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static int sh(const char *fmt, ...)
{
	char cmd[1024], line[1400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	snprintf(line, sizeof(line), "cd %s && export TPM2TOOLS_TCTI=swtpm:path=%s/sock && (%s) >>log 2>&1", dir, dir, cmd);
	return system(line);
}

static int set_up(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/warrant-swtpm-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	return sh("kill $(cat pid) || true") == 0 && sh("rm -rf %s", dir) == 0 ? 0 : -1;
}

static struct slice get(struct arena *a, const char *name)
{
	struct slice s = {0};

	assert_true(rc_ok(file_read(a, arena_printf(a, "%s/%s", dir, name), 1u << 20, &s, NULL)));
	return s;
}

/* What tpm2_pcrread writes: the values, one behind the other. */
static struct json *values(struct arena *a, struct slice bin)
{
	struct json *banks = json_new_object(a), *v = json_new_object(a);

	for (unsigned i = 0; i < 8; i++)
		json_set(a, v, arena_printf(a, "%u", i), json_new_hex(a, slice_sub(bin, 32 * i, 32)));
	json_set(a, banks, "sha256", v);
	return banks;
}

static bool we_accept(struct arena *a, struct slice msg, struct slice nonce)
{
	struct json *doc = json_new_object(a), *q = json_new_object(a);
	struct pkey *k = NULL;
	struct slice spki;
	struct trial t;
	bool ok;

	assert_true(rc_ok(pkey_from_pem(get(a, "ak.pem"), &k, NULL)));
	assert_true(rc_ok(pkey_to_spki(k, a, &spki, NULL)));
	pkey_free(k);
	json_set(a, q, "message", json_new_b64(a, msg));
	json_set(a, q, "signature", json_new_b64(a, get(a, "q.sig")));
	json_set(a, q, "pcrs", values(a, get(a, "q.values")));
	json_set(a, doc, "ak_public", json_new_b64(a, spki));
	json_set(a, doc, "tpm_quote", q);
	trial_begin(&t, json_text(a, doc));
	trial_anchor(&t, "tpm-ak", spki);
	t.job.report_data[0] = nonce;
	t.job.report_data_n = 1;
	ok = rc_ok(trial_run(&t, &tpm_driver));
	trial_end(&t);
	return ok;
}

static bool tools_accept(const char *msg, const char *nonce)
{
	return sh("tpm2_checkquote -u ak.pem -m %s -s q.sig -f q.pcrs -g sha256 -q %s", msg, nonce) == 0;
}

static void tpm2_checkquote_agrees_about_a_real_quote(void **state)
{
	struct arena *a = arena_new(0);
	struct slice msg;
	uint8_t *bad;
	FILE *f;

	(void)state;
	if (system("command -v swtpm tpm2_quote tpm2_checkquote >/dev/null 2>&1") != 0) {
		arena_free(a);
		skip();
	}
	assert_int_equal(sh("swtpm socket --tpm2 --tpmstate dir=%s --server type=unixio,path=%s/sock --ctrl type=unixio,path=%s/sock.ctrl "
			    "--flags not-need-init,startup-clear --daemon --pid file=%s/pid", dir, dir, dir, dir), 0);
	assert_int_equal(sh("tpm2_createek -c ek.ctx -G rsa && tpm2_flushcontext -t && tpm2_createak -C ek.ctx -c ak.ctx -G rsa -g sha256 -s rsassa -u ak.pem -f pem "
			    "-n ak.name && tpm2_flushcontext -t"), 0);
	assert_int_equal(sh("tpm2_pcrextend 4:sha256=%064d && tpm2_quote -c ak.ctx -l sha256:0,1,2,3,4,5,6,7 -q 00112233 -m q.msg -s q.sig "
			    "-o q.pcrs -g sha256 && tpm2_pcrread -o q.values sha256:0,1,2,3,4,5,6,7", 5), 0);
	msg = get(a, "q.msg");
	assert_true(tools_accept("q.msg", "00112233"));
	assert_true(we_accept(a, msg, SLICE_LIT("\x00\x11\x22\x33")));
	assert_false(tools_accept("q.msg", "00112234"));
	assert_false(we_accept(a, msg, SLICE_LIT("\x00\x11\x22\x34")));
	bad = exact_copy(msg, msg.n);
	bad[msg.n - 1] ^= 1;
	f = fopen(arena_printf(a, "%s/bad.msg", dir), "w");
	assert_non_null(f);
	assert_int_equal(fwrite(bad, 1, msg.n, f), msg.n);
	fclose(f);
	assert_false(tools_accept("bad.msg", "00112233"));
	assert_false(we_accept(a, slice_of(bad, msg.n), SLICE_LIT("\x00\x11\x22\x33")));
	free(bad);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(tpm2_checkquote_agrees_about_a_real_quote, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
