/* Revocation, on a chain of our own making with AMD's names. Lists are looked at before the signature of the report, so a recorded
 * report under a chain that did not sign it ends in snp.signature where the list lets it pass. */
#include "verifier/test_driver.h"

#include <unistd.h>

#include "crypto/x509.h"
#include "evidence/snp.h"
#include "verifier/snp/snp.h"

static char dir[64];

static int sh(const char *cmd)
{
	char line[2048];

	snprintf(line, sizeof(line), "cd %s && (%s) >>log 2>&1", dir, cmd);
	return system(line);
}

static const char recipe[] =
	"ca='-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign'\n"
	"printf 'basicConstraints=critical,CA:TRUE\\nkeyUsage=critical,keyCertSign,cRLSign\\n' >ca.ext\n"
	"printf 'basicConstraints=critical,CA:FALSE\\n' >leaf.ext\n"
	"printf '[ca]\\ndefault_ca=d\\n[d]\\ndatabase=index.txt\\ncrlnumber=crlnumber\\ndefault_md=sha384\\n' >c.cnf\n"
	"pss='-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:48 -sha384'\n"
	": >index.txt; echo 01 >crlnumber\n"
	"openssl req -x509 -newkey rsa:2048 -nodes -keyout ark.key -subj /CN=ARK-Milan -days 3650 $ca $pss -out ark.pem &&\n"
	"openssl req -newkey rsa:2048 -nodes -keyout ask.key -subj /CN=SEV-Milan -out ask.csr &&\n"
	"openssl x509 -req -in ask.csr -CA ark.pem -CAkey ark.key -set_serial 0x1001 -days 3650 -extfile ca.ext $pss -out ask.pem &&\n"
	"openssl ecparam -name secp384r1 -genkey -noout -out vcek.key &&\n"
	"openssl req -new -key vcek.key -subj /CN=SEV-VCEK -out vcek.csr &&\n"
	"openssl x509 -req -in vcek.csr -CA ask.pem -CAkey ask.key -set_serial 1 -days 3650 -extfile leaf.ext $pss -out vcek.pem &&\n"
	"gen='openssl ca -config c.cnf -keyfile ark.key -cert ark.pem -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:48' &&\n"
	"$gen -gencrl -crldays 30 -out clean.crl &&\n"
	"$gen -revoke ask.pem && $gen -gencrl -crldays 30 -out revoking.crl &&\n"
	"openssl ca -config c.cnf -keyfile ask.key -cert ask.pem -gencrl -crldays 30 -out by_ask.crl &&\n"
	"openssl req -x509 -newkey rsa:2048 -nodes -keyout other.key -subj /CN=ARK-Milan -days 3650 $ca -out other.pem &&\n"
	"openssl ca -config c.cnf -keyfile other.key -cert other.pem -gencrl -crldays 30 -out forged.crl &&\n"
	"openssl req -x509 -newkey rsa:2048 -nodes -keyout else.key -subj /CN=ARK-Genoa -days 3650 $ca -out else.pem &&\n"
	"openssl ca -config c.cnf -keyfile else.key -cert else.pem -gencrl -crldays 30 -out stranger.crl\n";

static int set_up(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/warrant-crl-XXXXXX");
	return mkdtemp(dir) && sh(recipe) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
	char line[128];

	(void)state;
	snprintf(line, sizeof(line), "rm -rf %s", dir);
	return system(line) == 0 ? 0 : -1;
}

static struct slice get(struct arena *a, const char *name)
{
	struct slice s = {0};

	assert_true(rc_ok(file_read(a, arena_printf(a, "%s/%s", dir, name), 1u << 20, &s, NULL)));
	return s;
}

/* A version 3 report of Milan that nobody signed. */
static struct slice report(struct arena *a)
{
	struct buf b = buf_in(a, 0);
	uint8_t *p = buf_reserve(&b, SNP_REPORT_SIZE);

	assert_non_null(p);
	p[0] = 3;
	p[0x0a] = 2;	/* policy bit 17 */
	p[0x34] = 1;
	p[0x188] = 0x19;
	p[0x189] = 1;
	p[0x2a0] = p[0x2e8] = 1;
	return buf_view(&b);
}

/* `later_s` from now. */
static void expect(const char *crl, int64_t later_s, int64_t stale_s, const char *reason)
{
	struct trial t;
	struct x509 *ark = NULL;
	struct buf chain;

	trial_begin(&t, (struct slice){0});
	t.job.evidence = report(t.a);
	chain = buf_in(t.a, 0);
	buf_slice(&chain, get(t.a, "ask.pem"));
	buf_slice(&chain, get(t.a, "ark.pem"));
	trial_collateral(&t, "amd-vcek", "", get(t.a, "vcek.pem"));
	trial_collateral(&t, "amd-ask-ark", "", buf_view(&chain));
	if (crl)
		trial_collateral(&t, "amd-crl", "Milan", get(t.a, crl));
	assert_true(rc_ok(x509_from_any(get(t.a, "ark.pem"), &ark, NULL)));
	trial_anchor(&t, "amd-ark", x509_der(ark));
	x509_free(ark);
	t.job.no_time = false;
	t.job.now_s = clock_now_s(&clock_system) + later_s;
	t.job.stale_s = stale_s;
	assert_false(rc_ok(trial_run(&t, &snp_driver)));
	if (strcmp(why_reason(&t.why), reason))
		fail_msg("%s: %s (%s), expected %s", crl ? crl : "no list", why_reason(&t.why), why_text(&t.why), reason);
	trial_end(&t);
}

#define DAY 86400

static void a_revoked_authority_is_refused(void **state)
{
	(void)state;
	expect(NULL, 0, 0, "snp.signature");
	expect("clean.crl", 0, 0, "snp.signature");
	expect("revoking.crl", 0, 0, "snp.revoked");
}

static void a_list_of_another_signer_is_refused(void **state)
{
	(void)state;
	expect("forged.crl", 0, 0, "snp.crl-signature");
	expect("stranger.crl", 0, 0, "snp.crl-signature");	/* of nobody in this chain: it says nothing about it */
}

static void a_list_holds_between_its_dates(void **state)
{
	(void)state;
	expect("clean.crl", 31 * DAY, 0, "snp.expired");
	expect("clean.crl", -DAY, 0, "snp.expired");
}

static void the_grace_for_stale_lists_ends_and_revocation_stays(void **state)
{
	(void)state;
	expect("clean.crl", 31 * DAY, 2 * DAY, "snp.signature");
	expect("clean.crl", 33 * DAY, 2 * DAY, "snp.expired");
	expect("revoking.crl", 31 * DAY, 2 * DAY, "snp.revoked");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_revoked_authority_is_refused),
		cmocka_unit_test(a_list_of_another_signer_is_refused),
		cmocka_unit_test(a_list_holds_between_its_dates),
		cmocka_unit_test(the_grace_for_stale_lists_ends_and_revocation_stays),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
