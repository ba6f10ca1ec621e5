/* Which members evidence can do without, of every TEE whose evidence is a document: anything else that is left out, or of another
 * kind or size, is a refusal with a reason. */
#include "verifier/test_members.h"
#include "verifier/test_world.h"

#include "base/num.h"

/* Reports before version 5 have no such vectors: what a guest writes there says nothing, and is not read. */
#define UNREAD(name)                                                                                                        \
	"/attestation_report/" name "=absent /attestation_report/" name "=true /attestation_report/" name "=big "           \
	"/attestation_report/" name "=negative /attestation_report/" name "=empty /attestation_report/" name "=text "       \
	"/attestation_report/" name "=long /attestation_report/" name "=list /attestation_report/" name "=object "
#define NO_FMC(name) "/attestation_report/" name "/fmc=absent "

static const struct {
	const char *tee, *variant, *accepted;
} rows[] = {
	/* null is what stands there: fmc is Turin's, and the chain may come as collateral */
	{"snp", "Milan", NO_FMC("current_tcb") NO_FMC("reported_tcb") NO_FMC("committed_tcb") NO_FMC("launch_tcb")
	 UNREAD("launch_mit_vector") UNREAD("current_mit_vector") "/cert_chain=absent /cert_chain=list"},
	{"snp", "Turin", UNREAD("launch_mit_vector") UNREAD("current_mit_vector") "/cert_chain=absent /cert_chain=list"},
	/* the chain may come as collateral; a log is there or not */
	{"csv", "v2", "/cert_chain/hsk_cek=absent /cc_eventlog=absent /cc_eventlog=null /cc_eventlog=empty"},
	{"csv", "v1", "/cert_chain/hsk_cek=absent"},
	{"hygondcu", NULL, ""},
	{"tpm", "rsa", "/eventlog=absent /eventlog=null"},
	/* a name that the guest gives, unsigned */
	{"nvidia", "hopper", "/device_evidence_list/0/uuid=absent /device_evidence_list/0/uuid=null /device_evidence_list/0/uuid=empty "
			     "/device_evidence_list/0/uuid=text"},
	{"tdx", NULL, "/cc_eventlog=absent /cc_eventlog=null /cc_eventlog=empty"},
	{"sgx", NULL, ""},
	{"cca", "2023", ""},
};

static void evidence_can_do_without_these_members_and_no_others(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct world w = {0};
		struct trial t;

		world_open(&w, rows[i].tee, rows[i].variant);
		begin(&t, &w, NULL);
		expect_members(&t, w.driver, rows[i].accepted);
		trial_end(&t);
		world_close(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(evidence_can_do_without_these_members_and_no_others),
	};

	return cmocka_run_group_tests(tests, NULL, forget_worlds);
}
