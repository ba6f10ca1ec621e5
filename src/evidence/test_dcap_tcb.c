#include "evidence/test_shared.h"

#include "evidence/dcap_tcb.h"

/* A TCB info whose parts a test chooses. Levels are given in ascending order on purpose: readers sort. */
static const char *info_text(struct arena *a, const char *id, const char *levels, const char *more)
{
	return arena_printf(a,
			    "{\"tcbInfo\":{\"id\":\"%s\",\"version\":3,\"issueDate\":\"2025-06-15T00:00:00Z\","
			    "\"nextUpdate\":\"2025-07-15T00:00:00Z\",\"fmspc\":\"00906ED50000\",\"pceId\":\"0000\","
			    "\"tcbType\":0,\"tcbEvaluationDataNumber\":18,%s\"tcbLevels\":[%s]},\"signature\":\"%0128d\"}",
			    id, more, levels, 0);
}

/* A level of SVN `sgx` in the first component, and for TDX `tdx` in the three first components. */
static const char *level(struct arena *a, unsigned sgx, unsigned pcesvn, const char *tdx, const char *status,
			 const char *advisories)
{
	struct buf b = buf_in(a, 0);

	buf_printf(&b, "{\"tcb\":{\"sgxtcbcomponents\":[{\"svn\":%u}", sgx);
	for (int i = 1; i < 16; i++)
		buf_puts(&b, ",{\"svn\":1}");
	buf_printf(&b, "],\"pcesvn\":%u", pcesvn);
	if (tdx) {
		buf_printf(&b, ",\"tdxtcbcomponents\":[%s", tdx);
		for (int i = 3; i < 16; i++)
			buf_puts(&b, ",{\"svn\":0}");
		buf_puts(&b, "]");
	}
	buf_printf(&b, "},\"tcbDate\":\"20%02u-01-01T00:00:00Z\",\"tcbStatus\":\"%s\",\"advisoryIDs\":[%s]}", 10 + sgx,
		   status, advisories);
	return buf_cstr(&b);
}

static const char *qe_text(struct arena *a, const char *levels)
{
	return arena_printf(a,
			    "{\"enclaveIdentity\":{\"id\":\"QE\",\"version\":2,\"issueDate\":\"2025-06-15T00:00:00Z\","
			    "\"nextUpdate\":\"2025-07-15T00:00:00Z\",\"tcbEvaluationDataNumber\":17,"
			    "\"miscselect\":\"01020304\",\"miscselectMask\":\"FFFFFFFF\","
			    "\"attributes\":\"11000000000000000000000000000000\","
			    "\"attributesMask\":\"FBFFFFFFFFFFFFFF0000000000000000\",\"mrsigner\":\"%064d\","
			    "\"isvprodid\":1,\"tcbLevels\":[%s]},\"signature\":\"%0128d\"}",
			    0, levels, 0);
}

#define SVN(svn, date, status, more)                                                                                  \
	"{\"tcb\":{\"isvsvn\":" svn "},\"tcbDate\":\"" date "T00:00:00Z\",\"tcbStatus\":\"" status "\"" more "}"
#define QE_GOOD SVN("8", "2025-02-12", "UpToDate", "")
#define MODULES(levels)                                                                                               \
	"\"tdxModule\":{\"mrsigner\":\"" ZERO48 "\",\"attributes\":\"0000000000000000\","                                 \
	"\"attributesMask\":\"FFFFFFFFFFFFFFFF\"},\"tdxModuleIdentities\":[{\"id\":\"TDX_03\",\"mrsigner\":\"" ZERO48     \
	"\",\"attributes\":\"0000000000000000\",\"attributesMask\":\"FFFFFFFFFFFFFFFF\",\"tcbLevels\":[" levels "]}],"
#define ZERO48                                                                                                        \
	"000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"

struct scene {
	struct dcap_tcb_info info;
	struct dcap_qe_identity qe;
	struct dcap_tcb_input in;
};

static void set_scene(struct arena *a, struct scene *s, const char *info, const char *qe, unsigned sgx, uint16_t pcesvn)
{
	struct why w = why_in(a);

	if (!rc_ok(dcap_tcb_info_parse(a, slice_cstr(info), &s->info, &w)) ||
	    !rc_ok(dcap_qe_identity_parse(a, slice_cstr(qe), &s->qe, &w)))
		fail_msg("%s", why_text(&w));
	memset(s->in.components, 1, sizeof(s->in.components));
	s->in.components[0] = (uint8_t)sgx;
	s->in.pcesvn = pcesvn;
	s->in.qe_isvsvn = 8;
	s->in.tee = s->info.tee;
	s->in.body_type = s->info.tee == DCAP_TDX ? DCAP_BODY_TD10 : DCAP_BODY_SGX;
}

static void the_highest_level_that_the_platform_reaches_counts(void **state)
{
	static const struct {
		unsigned sgx;
		uint16_t pcesvn;
		enum dcap_status want;	/* 0: none */
	} table[] = {
		{9, 20, DCAP_UP_TO_DATE}, {8, 13, DCAP_UP_TO_DATE}, {8, 12, DCAP_SW_HARDENING_NEEDED},
		{7, 13, DCAP_OUT_OF_DATE}, {5, 5, DCAP_OUT_OF_DATE}, {5, 4, 0}, {4, 13, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct arena *a = arena_new(0);
		struct why w = why_in(a);
		struct scene s = {0};
		struct dcap_tcb_result l, c;
		const char *levels = arena_printf(a, "%s,%s,%s", level(a, 5, 5, NULL, "OutOfDate", "\"B\",\"A\""),
						  level(a, 8, 10, NULL, "SWHardeningNeeded", "\"C\""),
						  level(a, 8, 13, NULL, "UpToDate", ""));
		rc r;

		set_scene(a, &s, info_text(a, "SGX", levels, ""), qe_text(a, QE_GOOD), table[i].sgx, table[i].pcesvn);
		r = dcap_tcb_evaluate(a, &s.info, &s.qe, &s.in, &l, &c, &w);
		if (!table[i].want) {
			assert_int_equal(r.code, E_DENIED);
			assert_string_equal(why_reason(&w), "dcap.tcb-not-supported");
		} else {
			assert_true(rc_ok(r));
			assert_int_equal(l.status, table[i].want);
			assert_int_equal(c.status, table[i].want);
		}
		arena_free(a);
	}
}

static void a_component_below_the_level_is_below_whichever_it_is(void **state)
{
	(void)state;
	for (size_t i = 0; i < DCAP_COMPONENTS; i++) {
		struct arena *a = arena_new(0);
		struct scene s = {0};
		struct dcap_tcb_result l, c;

		set_scene(a, &s, info_text(a, "SGX", level(a, 5, 5, NULL, "UpToDate", ""), ""), qe_text(a, QE_GOOD), 5, 5);
		assert_true(rc_ok(dcap_tcb_evaluate(a, &s.info, &s.qe, &s.in, &l, &c, NULL)));
		s.in.components[i]--;
		assert_int_equal(dcap_tcb_evaluate(a, &s.info, &s.qe, &s.in, &l, &c, NULL).code, E_DENIED);
		arena_free(a);
	}
}

static void states_of_platform_module_and_qe_converge(void **state)
{
	static const struct {
		const char *platform, *module, *qe, *want;	/* want NULL: revoked */
	} table[] = {
		{"UpToDate", "UpToDate", "UpToDate", "UpToDate"},
		{"UpToDate", "OutOfDate", "UpToDate", "OutOfDate"},
		{"UpToDate", "UpToDate", "OutOfDate", "OutOfDate"},
		{"SWHardeningNeeded", "UpToDate", "UpToDate", "SWHardeningNeeded"},
		{"SWHardeningNeeded", "OutOfDate", "UpToDate", "OutOfDate"},
		{"ConfigurationNeeded", "UpToDate", "OutOfDate", "OutOfDateConfigurationNeeded"},
		{"ConfigurationAndSWHardeningNeeded", "UpToDate", "UpToDate", "ConfigurationAndSWHardeningNeeded"},
		{"ConfigurationAndSWHardeningNeeded", "OutOfDate", "OutOfDate", "OutOfDateConfigurationNeeded"},
		{"OutOfDate", "UpToDate", "OutOfDate", "OutOfDate"},
		{"OutOfDateConfigurationNeeded", "OutOfDate", "UpToDate", "OutOfDateConfigurationNeeded"},
		/* what a platform's settings need is not the enclave's to say; that it is old is */
		{"UpToDate", "UpToDate", "ConfigurationNeeded", "UpToDate"},
		{"SWHardeningNeeded", "UpToDate", "ConfigurationNeeded", "SWHardeningNeeded"},
		{"OutOfDate", "UpToDate", "ConfigurationNeeded", "OutOfDate"},
		{"UpToDate", "UpToDate", "OutOfDateConfigurationNeeded", "OutOfDate"},
		{"ConfigurationNeeded", "UpToDate", "OutOfDateConfigurationNeeded", "OutOfDateConfigurationNeeded"},
		{"Revoked", "UpToDate", "UpToDate", NULL},
		{"UpToDate", "Revoked", "UpToDate", NULL},
		{"OutOfDate", "UpToDate", "Revoked", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct arena *a = arena_new(0);
		struct why w = why_in(a);
		struct scene s = {0};
		struct dcap_tcb_result l, c;
		static const uint8_t svn[16] = {5, 3, 0};
		char module[160], qe[160];
		rc r;

		(void)snprintf(module, sizeof(module),
			       "{\"tcb\":{\"isvsvn\":5},\"tcbDate\":\"2021-01-01T00:00:00Z\",\"tcbStatus\":\"%s\"}",
			       table[i].module);
		(void)snprintf(qe, sizeof(qe), "{\"tcb\":{\"isvsvn\":8},\"tcbDate\":\"2022-01-01T00:00:00Z\",\"tcbStatus\":\"%s\"}",
			       table[i].qe);
		set_scene(a, &s,
			  info_text(a, "TDX", level(a, 13, 5, "{\"svn\":9},{\"svn\":9},{\"svn\":0}", table[i].platform, ""),
				    arena_printf(a, "\"tdxModule\":{\"mrsigner\":\"" ZERO48
						    "\",\"attributes\":\"0000000000000000\",\"attributesMask\":"
						    "\"FFFFFFFFFFFFFFFF\"},\"tdxModuleIdentities\":[{\"id\":\"TDX_03\","
						    "\"mrsigner\":\"" ZERO48 "\",\"attributes\":\"0000000000000000\","
						    "\"attributesMask\":\"FFFFFFFFFFFFFFFF\",\"tcbLevels\":[%s]}],",
						 module)),
			  qe_text(a, qe), 13, 5);
		s.in.tee_tcb_svn = slice_of(svn, 16);
		r = dcap_tcb_evaluate(a, &s.info, &s.qe, &s.in, &l, &c, &w);
		if (!table[i].want) {
			assert_string_equal(why_reason(&w), "dcap.tcb-revoked");
		} else {
			assert_true(rc_ok(r));
			assert_string_equal(dcap_status_text(l.status), table[i].want);
			assert_int_equal(l.date, time_from_civil(2021, 1, 1, 0, 0, 0));
		}
		arena_free(a);
	}
}

/* TD 1.5: the TD was launched on an old TCB and the platform has been updated since. */
static void an_updated_platform_advises_to_relaunch_the_td(void **state)
{
	static const struct {
		const char *low, *high;
		uint8_t svn2;
		const char *launch, *current;
	} table[] = {
		{"OutOfDate", "UpToDate", 7, "TDRelaunchAdvised", "UpToDate"},
		{"OutOfDate", "UpToDate", 6, "OutOfDate", "OutOfDate"},
		{"OutOfDate", "SWHardeningNeeded", 7, "TDRelaunchAdvised", "SWHardeningNeeded"},
		{"OutOfDate", "ConfigurationNeeded", 7, "TDRelaunchAdvisedConfigurationNeeded", "ConfigurationNeeded"},
		{"OutOfDateConfigurationNeeded", "UpToDate", 7, "TDRelaunchAdvisedConfigurationNeeded", "UpToDate"},
		{"OutOfDate", "OutOfDateConfigurationNeeded", 7, "OutOfDate", "OutOfDateConfigurationNeeded"},
		{"SWHardeningNeeded", "UpToDate", 7, "SWHardeningNeeded", "UpToDate"},
		{"OutOfDate", "Revoked", 7, NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct arena *a = arena_new(0);
		struct why w = why_in(a);
		struct scene s = {0};
		struct dcap_tcb_result l, c;
		static const uint8_t svn[16] = {5, 3, 6};
		uint8_t svn2[16] = {5, 3, table[i].svn2};
		const char *levels = arena_printf(a, "%s,%s",
						  level(a, 13, 5, "{\"svn\":9},{\"svn\":9},{\"svn\":6}", table[i].low, "\"A\""),
						  level(a, 13, 5, "{\"svn\":9},{\"svn\":9},{\"svn\":7}", table[i].high, "\"B\""));

		set_scene(a, &s, info_text(a, "TDX", levels, MODULES(SVN("5", "2024-01-01", "UpToDate", ""))),
			  qe_text(a, QE_GOOD), 13, 5);
		s.in.tee_tcb_svn = slice_of(svn, 16);
		s.in.tee_tcb_svn2 = slice_of(svn2, 16);
		s.in.body_type = DCAP_BODY_TD15;
		if (!table[i].launch) {
			assert_int_equal(dcap_tcb_evaluate(a, &s.info, &s.qe, &s.in, &l, &c, &w).code, E_DENIED);
			assert_string_equal(why_reason(&w), "dcap.tcb-revoked");
		} else {
			assert_true(rc_ok(dcap_tcb_evaluate(a, &s.info, &s.qe, &s.in, &l, &c, &w)));
			assert_string_equal(dcap_status_text(l.status), table[i].launch);
			assert_string_equal(dcap_status_text(c.status), table[i].current);
			assert_true(slice_is(l.advisories[0], "A"));
		}
		arena_free(a);
	}
}

static void the_first_tdx_components_count_for_the_old_module_only(void **state)
{
	struct arena *a = arena_new(0);
	struct scene s = {0};
	struct dcap_tcb_result l, c;
	uint8_t svn[16] = {5, 3, 6};

	(void)state;
	set_scene(a, &s,
		  info_text(a, "TDX", level(a, 13, 5, "{\"svn\":9},{\"svn\":9},{\"svn\":6}", "UpToDate", ""),
			    MODULES(SVN("5", "2024-01-01", "UpToDate", ""))),
		  qe_text(a, QE_GOOD), 13, 5);
	s.in.tee_tcb_svn = slice_of(svn, 16);
	assert_true(rc_ok(dcap_tcb_evaluate(a, &s.info, &s.qe, &s.in, &l, &c, NULL)));
	svn[1] = 0;	/* module 1.0: component 0 is 5, the level wants 9 */
	assert_int_equal(dcap_tcb_evaluate(a, &s.info, &s.qe, &s.in, &l, &c, NULL).code, E_DENIED);
	arena_free(a);
}

static void a_module_without_identity_or_level_is_refused_by_class(void **state)
{
	static const struct {
		uint8_t svn[2];
		bool list;
		const char *reason;
	} table[] = {
		{{5, 3}, true, NULL},
		{{4, 3}, true, "dcap.tcb-not-supported.module"},
		{{5, 1}, true, "dcap.tdx-module-mismatch.identity"},
		{{5, 3}, false, "dcap.tcb-info-mismatch.module"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct arena *a = arena_new(0);
		struct why w = why_in(a);
		struct scene s = {0};
		struct dcap_tcb_result l, c;
		uint8_t svn[16] = {table[i].svn[0], table[i].svn[1], 6};
		rc r;

		set_scene(a, &s,
			  info_text(a, "TDX", level(a, 13, 5, "{\"svn\":0},{\"svn\":0},{\"svn\":6}", "UpToDate", ""),
				    table[i].list ? MODULES(SVN("5", "2024-01-01", "UpToDate", "")) : ""),
			  qe_text(a, QE_GOOD), 13, 5);
		s.in.tee_tcb_svn = slice_of(svn, 16);
		r = dcap_tcb_evaluate(a, &s.info, &s.qe, &s.in, &l, &c, &w);
		assert_int_equal(rc_ok(r), table[i].reason == NULL);
		assert_string_equal(why_reason(&w), table[i].reason ? table[i].reason : "none");
		arena_free(a);
	}
}

static void tdx_levels_without_tdx_components_are_refused(void **state)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct scene s = {0};
	struct dcap_tcb_result l, c;
	static const uint8_t svn[16] = {5, 3, 6};

	(void)state;
	set_scene(a, &s, info_text(a, "TDX", level(a, 5, 5, NULL, "UpToDate", ""), MODULES(SVN("5", "2024-01-01", "UpToDate", ""))),
		  qe_text(a, QE_GOOD), 5, 5);
	s.in.tee_tcb_svn = slice_of(svn, 16);
	assert_int_equal(dcap_tcb_evaluate(a, &s.info, &s.qe, &s.in, &l, &c, &w).code, E_MALFORMED);
	assert_string_equal(why_reason(&w), "dcap.parse.tcb-info");
	arena_free(a);
}

static void a_quoting_enclave_below_every_level_is_not_supported(void **state)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct scene s = {0};
	struct dcap_tcb_result l, c;

	(void)state;
	set_scene(a, &s, info_text(a, "SGX", level(a, 5, 5, NULL, "UpToDate", ""), ""),
		  qe_text(a, SVN("6", "2023-01-01", "OutOfDate", ",\"advisoryIDs\":[\"Q\"]") "," QE_GOOD), 5, 5);
	s.in.qe_isvsvn = 7;
	assert_true(rc_ok(dcap_tcb_evaluate(a, &s.info, &s.qe, &s.in, &l, &c, &w)));
	assert_int_equal(l.status, DCAP_OUT_OF_DATE);
	assert_int_equal(l.advisories_n, 1);
	s.in.qe_isvsvn = 5;
	assert_int_equal(dcap_tcb_evaluate(a, &s.info, &s.qe, &s.in, &l, &c, &w).code, E_DENIED);
	assert_string_equal(why_reason(&w), "dcap.qe-not-supported");
	arena_free(a);
}

static void the_signed_text_is_the_received_bytes(void **state)
{
	struct arena *a = arena_new(0);
	struct dcap_tcb_info info;
	const char *text = "{ \"signature\" : \"%0128d\", \"tcbInfo\" :  { \"version\" : 2, \"issueDate\":\"2025-06-15T00:00:00Z\","
			   "\"nextUpdate\":\"2025-07-15T00:00:00Z\",\"fmspc\":\"00906ED50000\",\"pceId\":\"0001\",\"tcbType\":0,"
			   "\"tcbEvaluationDataNumber\":18,\"tcbLevels\":[ ] }  }";
	char doc[800];

	(void)state;
	memset(doc, 0, sizeof(doc));
	(void)snprintf(doc, sizeof(doc), "%s", text);
	memset(strstr(doc, "%0128d"), '0', 6);	/* too short a signature */
	assert_int_equal(dcap_tcb_info_parse(a, slice_cstr(doc), &info, NULL).code, E_MALFORMED);
	text = arena_printf(a, "{ \"signature\" : \"%0128d\", %s", 0, strstr(text, "\"tcbInfo\""));
	assert_true(rc_ok(dcap_tcb_info_parse(a, slice_cstr(text), &info, NULL)));
	assert_int_equal(info.signed_text.p[0], '{');
	assert_int_equal(info.signed_text.p[info.signed_text.n - 1], '}');
	assert_ptr_equal(info.signed_text.p, strstr(text, "{ \"version\""));
	assert_int_equal(info.tee, DCAP_SGX);
	arena_free(a);
}

/* Each row takes one good document and spoils one member. */
static void a_document_with_a_wrong_member_is_refused(void **state)
{
	static const struct {
		const char *find, *put;
	} table[] = {
		{"\"version\":3", "\"version\":4"},	  {"\"version\":3", "\"version\":\"3\""},
		{"\"SGX\"", "\"QE\""},			  {"\"fmspc\":\"00906ED50000\"", "\"fmspc\":\"00906ED500\""},
		{"\"pceId\":\"0000\"", "\"pceId\":0"},	  {"\"tcbType\":0", "\"tcbType\":1"},
		{"\"nextUpdate\"", "\"nextupdate\""},	  {"2025-06-15T00:00:00Z", "2025-06-15"},
		{"\"tcbLevels\":[", "\"tcbLevels\":[{},"}, {"UpToDate", "TDRelaunchAdvised"},
		{"{\"svn\":1},", ""},			  {"{\"svn\":1}", "{\"svn\":256}"},
		{"{\"svn\":1}", "{\"svn\":-1}"},	  {"{\"svn\":1}", "{\"svn\":1.0}"},
		{"\"pcesvn\":5", "\"pcesvn\":65536"},	  {"\"advisoryIDs\":[", "\"advisoryIDs\":[1"},
		{"\"tcbType\":0", "\"tcbType\":0,\"tcbType\":0"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct arena *a = arena_new(0);
		const char *good = info_text(a, "SGX", level(a, 5, 5, NULL, "UpToDate", ""), ""), *at;
		struct buf b = buf_in(a, 0);
		struct dcap_tcb_info info;
		struct why w = why_in(a);
		rc r;

		assert_true(rc_ok(dcap_tcb_info_parse(a, slice_cstr(good), &info, &w)));
		at = strstr(good, table[i].find);
		assert_non_null(at);
		buf_put(&b, good, (size_t)(at - good));
		buf_puts(&b, table[i].put);
		buf_puts(&b, at + strlen(table[i].find));
		r = dcap_tcb_info_parse(a, buf_view(&b), &info, &w);
		if (rc_ok(r) || strncmp(why_reason(&w), "dcap.", 5) != 0)
			fail_msg("row %zu was taken", i);
		arena_free(a);
	}
}

static void recorded_documents_are_read(void **state)
{
	static const char *const names[] = {"2026-06-tdx-00806f05/tcb_info.json", "2025-06-sgx-v2api/tcb_info_v2_00606a000000.json"};
	struct arena *a = arena_new(0);
	struct dcap_tcb_info info[2];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct why w = why_in(a);

		if (!rc_ok(dcap_tcb_info_parse(a, shared_file(a, arena_printf(a, "dcap/collateral/%s", names[i])), &info[i], &w)))
			fail_msg("%s: %s", names[i], why_text(&w));
	}
	assert_int_equal(info[0].modules_n, 2);
	assert_int_equal(info[0].evaluation, 21);
	assert_int_equal(info[1].version, 2);
	assert_int_equal(info[1].tee, DCAP_SGX);
	for (size_t i = 1; i < info[1].levels_n; i++)
		assert_true(memcmp(info[1].levels[i - 1].sgx, info[1].levels[i].sgx, 16) >= 0);
	arena_free(a);
}

static void running_out_of_memory_is_an_error_at_every_step(void **state)
{
	(void)state;
	for (uint64_t n = 1;; n++) {
		struct arena *a = arena_new(0);
		const char *text = info_text(a, "TDX", level(a, 5, 5, "{\"svn\":0},{\"svn\":0},{\"svn\":0}", "UpToDate", "\"A\""),
					     MODULES(SVN("5", "2024-01-01", "UpToDate", "")));
		struct dcap_tcb_info info;
		rc r;

		arena_fail_at(a, n);
		r = dcap_tcb_info_parse(a, slice_cstr(text), &info, NULL);
		arena_free(a);
		if (rc_ok(r)) {
			assert_true(n > 10);
			break;
		}
		assert_true(r.code == E_INTERNAL || r.code == E_LIMIT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_highest_level_that_the_platform_reaches_counts),
		cmocka_unit_test(a_component_below_the_level_is_below_whichever_it_is),
		cmocka_unit_test(states_of_platform_module_and_qe_converge),
		cmocka_unit_test(an_updated_platform_advises_to_relaunch_the_td),
		cmocka_unit_test(the_first_tdx_components_count_for_the_old_module_only),
		cmocka_unit_test(a_module_without_identity_or_level_is_refused_by_class),
		cmocka_unit_test(tdx_levels_without_tdx_components_are_refused),
		cmocka_unit_test(a_quoting_enclave_below_every_level_is_not_supported),
		cmocka_unit_test(the_signed_text_is_the_received_bytes),
		cmocka_unit_test(a_document_with_a_wrong_member_is_refused),
		cmocka_unit_test(recorded_documents_are_read),
		cmocka_unit_test(running_out_of_memory_is_an_error_at_every_step),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
