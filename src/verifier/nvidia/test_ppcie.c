/* A protected PCIe domain is whole when each of its eight GPUs names exactly the four switches that are there. */
#include "verifier/test_driver.h"

#include "verifier/nvidia/claims.h"
#include "verifier/nvidia/measure.h"

#define GPUS 8u
#define SWITCHES 4u
#define FEATURE 36u

struct domain {
	struct trial t;
	struct nv_device d[GPUS + SWITCHES + 1];
	size_t n;
	uint8_t ids[SWITCHES + 1][8];
	uint8_t named[GPUS][(SWITCHES + 1) * 8];
	uint8_t flag[GPUS][1];
};

static void field(struct nv_device *d, uint16_t type, const uint8_t *p, size_t n)
{
	d->report.opaque[d->report.opaque_n++] = (struct spdm_opaque){type, {p, n}};
}

/* As the driver leaves them: checked devices, each with its result. */
static void build(struct domain *m, unsigned gpus, unsigned switches, uint8_t feature)
{
	*m = (struct domain){0};
	trial_begin(&m->t, (struct slice){0});
	for (unsigned i = 0; i < SWITCHES + 1; i++)
		m->ids[i][0] = (uint8_t)(i + 1);
	for (unsigned i = 0; i < gpus; i++) {
		struct nv_device *d = &m->d[m->n++];

		d->arch = NV_HOPPER;
		m->flag[i % GPUS][0] = feature;
		memcpy(m->named[i % GPUS], m->ids, sizeof(m->ids));
		field(d, FEATURE, m->flag[i % GPUS], 1);
		field(d, SPDM_SWITCH_PDI, m->named[i % GPUS], (size_t)SWITCHES * 8);
	}
	for (unsigned i = 0; i < switches; i++) {
		struct nv_device *d = &m->d[m->n++];

		d->arch = NV_LS10;
		field(d, SPDM_SWITCH_PDI, m->ids[i], 8);
	}
	for (size_t i = 0; i < m->n; i++)
		assert_non_null(vjob_result(&m->t.job, nv_is_switch(m->d[i].arch) ? "switch" : "gpu"));
}

/* "whole", "part", or "none" where nobody says that there is a domain. */
static const char *verdict(struct domain *m)
{
	const struct vresult *last;
	const char *said = "none";

	assert_true(rc_ok(nv_ppcie(&m->t.job, m->d, m->n)));
	last = &m->t.job.results[m->t.job.results_n - 1];
	for (size_t i = 0; i < m->n; i++) {
		const struct json *one = json_get(m->t.job.results[i].claims, "ppcie_complete");
		const char *now = !one ? "none" : one->boolean ? "whole" : "part";

		if (i > 0)
			assert_string_equal(now, said);	/* every device is told the same */
		said = now;
	}
	if (!strcmp(said, "whole")) {
		assert_int_equal(m->t.job.results_n, m->n + 1);
		assert_string_equal(last->tee_class, "ppcie");
		assert_true(slice_is(json_get(last->claims, "gpu_count")->text, "8"));
		assert_true(slice_is(json_get(last->claims, "switch_count")->text, "4"));
	} else {
		assert_int_equal(m->t.job.results_n, m->n);
	}
	trial_end(&m->t);
	return said;
}

static void eight_gpus_and_the_switches_that_they_name_are_whole(void **state)
{
	struct domain m;

	(void)state;
	build(&m, GPUS, SWITCHES, 2);
	assert_string_equal(verdict(&m), "whole");
	/* by what they name, even where the flag is not set */
	build(&m, GPUS, SWITCHES, 1);
	assert_string_equal(verdict(&m), "whole");
}

static void a_domain_with_a_piece_missing_or_too_many_is_told(void **state)
{
	static const struct {
		unsigned gpus, switches;
	} rows[] = {{1, 0}, {GPUS - 1, SWITCHES}, {GPUS, SWITCHES - 1}, {GPUS, 0}, {GPUS + 1, SWITCHES}, {GPUS, SWITCHES + 1}};
	struct domain m;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		build(&m, rows[i].gpus, rows[i].switches, 2);
		assert_string_equal(verdict(&m), "part");
	}
	build(&m, 1, 0, 1);
	assert_string_equal(verdict(&m), "none");
	build(&m, 0, 1, 2);
	assert_string_equal(verdict(&m), "none");
}

static void a_gpu_that_names_other_switches_is_of_another_domain(void **state)
{
	struct domain m;

	(void)state;
	build(&m, GPUS, SWITCHES, 2);
	m.named[7][0] = 0x77;	/* the last GPU names one that is not here */
	assert_string_equal(verdict(&m), "part");
	build(&m, GPUS, SWITCHES, 2);
	m.d[3].report.opaque[1].value.n = 24;	/* three names */
	assert_string_equal(verdict(&m), "part");
	build(&m, GPUS, SWITCHES, 2);
	m.d[3].report.opaque[1].value.n = 40;	/* five */
	assert_string_equal(verdict(&m), "part");
	build(&m, GPUS, SWITCHES, 2);
	m.d[3].report.opaque_n = 1;	/* none */
	assert_string_equal(verdict(&m), "part");
}

/* A link that leads nowhere is named by zeros: a GPU and a switch that both say so are not therefore one domain. */
static void a_name_of_zeros_or_one_that_stands_twice_names_nobody(void **state)
{
	struct domain m;

	(void)state;
	build(&m, GPUS, SWITCHES, 2);
	memset(m.ids, 0, sizeof(m.ids));
	memset(m.named, 0, sizeof(m.named));
	assert_string_equal(verdict(&m), "part");
	build(&m, GPUS, SWITCHES, 2);
	m.ids[2][0] = 0;	/* one switch, and what every GPU calls it */
	for (unsigned i = 0; i < GPUS; i++)
		m.named[i][16] = 0;
	assert_string_equal(verdict(&m), "part");
	build(&m, GPUS, SWITCHES, 2);
	memcpy(m.ids[1], m.ids[0], 8);	/* two switches of one name */
	assert_string_equal(verdict(&m), "part");
	build(&m, GPUS, SWITCHES, 2);
	memcpy(m.ids[1], m.ids[0], 8);
	for (unsigned i = 0; i < GPUS; i++)
		memcpy(m.named[i], m.ids, sizeof(m.ids));
	assert_string_equal(verdict(&m), "part");
}

static void a_switch_that_does_not_say_which_it_is_is_in_no_domain(void **state)
{
	struct domain m;

	(void)state;
	build(&m, GPUS, SWITCHES, 2);
	m.d[GPUS + 1].report.opaque_n = 0;
	assert_string_equal(verdict(&m), "part");
	build(&m, GPUS, SWITCHES, 2);
	m.d[GPUS + 1].report.opaque[0].value.n = 7;
	assert_string_equal(verdict(&m), "part");
}

/* ---- golden values ---- */

static const uint8_t golden[48] = {1}, other[48] = {2};

static void measured(struct spdm_report *rep, struct spdm_block *block, struct slice nvdec)
{
	*block = (struct spdm_block){.index = 36, .value = {golden, 48}};	/* the decoder's: index 35 of a manifest */
	*rep = (struct spdm_report){.blocks = block, .blocks_n = 1};
	if (nvdec.p)
		rep->opaque[rep->opaque_n++] = (struct spdm_opaque){SPDM_NVDEC0_STATUS, nvdec};
}

static void the_measurement_of_a_decoder_that_is_off_means_nothing(void **state)
{
	struct rim_measure ms[1] = {{.index = 35, .active = true, .size = 48, .hashes = {{other, 48}}, .hashes_n = 1}};
	struct rim rim = {.measures = ms, .measures_n = 1};
	const struct rim *rims[1] = {&rim};
	struct spdm_report rep;
	struct spdm_block block;
	struct nv_compared c;

	(void)state;
	measured(&rep, &block, SLICE_LIT("\xaa"));
	nv_compare(&rep, rims, 1, &c);
	assert_int_equal(c.matching, 0);
	assert_int_equal(c.first_bad, 35);
	measured(&rep, &block, SLICE_LIT("\x55"));
	nv_compare(&rep, rims, 1, &c);
	assert_int_equal(c.matching, 1);
	measured(&rep, &block, SLICE_LIT(""));
	nv_compare(&rep, rims, 1, &c);
	assert_int_equal(c.matching, 0);
	measured(&rep, &block, (struct slice){0});
	nv_compare(&rep, rims, 1, &c);
	assert_int_equal(c.matching, 0);
	/* of another size, or not there at all */
	ms[0].hashes[0] = slice_of(golden, 48);
	nv_compare(&rep, rims, 1, &c);
	assert_int_equal(c.matching, 1);
	ms[0].size = 32;
	nv_compare(&rep, rims, 1, &c);
	assert_int_equal(c.matching, 0);
	ms[0].index = 34;
	nv_compare(&rep, rims, 1, &c);
	assert_null(c.found.p);
	/* what is not active is not compared */
	ms[0].active = false;
	nv_compare(&rep, rims, 1, &c);
	assert_int_equal(c.active, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(eight_gpus_and_the_switches_that_they_name_are_whole),
		cmocka_unit_test(a_domain_with_a_piece_missing_or_too_many_is_told),
		cmocka_unit_test(a_gpu_that_names_other_switches_is_of_another_domain),
		cmocka_unit_test(a_name_of_zeros_or_one_that_stands_twice_names_nobody),
		cmocka_unit_test(a_switch_that_does_not_say_which_it_is_is_in_no_domain),
		cmocka_unit_test(the_measurement_of_a_decoder_that_is_off_means_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
