#include "evidence/test_eventlog.h"

#include "base/num.h"

static void replay_is_the_extension_of_each_digest(void **state)
{
	uint8_t want[32] = {0}, got[32], d[32];
	struct eventlog l;
	struct fix f;

	(void)state;
	begin(&f);
	put_head(&f.b);
	for (unsigned i = 0; i < 3; i++) {
		struct slice data = slice_of("abc", i);

		put_event(&f.b, 7, EV_SEPARATOR, data, NULL);
		assert_true(rc_ok(digest(DIGEST_SHA256, data, d, NULL)));
		assert_true(rc_ok(digest_parts(DIGEST_SHA256, (const struct slice[]){{want, 32}, {d, 32}}, 2, want, NULL)));
	}
	assert_true(rc_ok(parse(&f, &l)));
	assert_true(rc_ok(eventlog_replay(&l, DIGEST_SHA256, 7, got, NULL)));
	assert_memory_equal(want, got, 32);
	assert_true(rc_ok(eventlog_matches(&l, DIGEST_SHA256, 7, slice_of(want, 32), f.a, "t.pcr-mismatch", &f.w)));
	want[3] ^= 1;
	assert_int_equal(eventlog_matches(&l, DIGEST_SHA256, 7, slice_of(want, 32), f.a, "t.pcr-mismatch", &f.w).code, E_DENIED);
	assert_string_equal(f.w.first->subject, "pcr07");
	end(&f);
}

static void no_action_extends_nothing_and_locality_begins_pcr_0(void **state)
{
	uint8_t got[32], want[32] = {[31] = 3};
	struct eventlog l;
	struct fix f;

	(void)state;
	begin(&f);
	put_head(&f.b);
	put_event(&f.b, 0, EV_NO_ACTION, SLICE_LIT("StartupLocality\0\3"), NULL);
	put_event(&f.b, EVENTLOG_NO_REGISTER, EV_NO_ACTION, SLICE_LIT("SP800-155 Event"), NULL);
	assert_true(rc_ok(parse(&f, &l)));
	assert_false(eventlog_extends(&l, DIGEST_SHA256, 0));
	assert_true(rc_ok(eventlog_replay(&l, DIGEST_SHA256, 0, got, NULL)));
	assert_memory_equal(want, got, 32);
	end(&f);
}

static void a_register_that_does_not_exist_is_refused(void **state)
{
	struct eventlog l;
	struct fix f;

	(void)state;
	begin(&f);
	put_head(&f.b);
	put_event(&f.b, 24, EV_SEPARATOR, SLICE_LIT("x"), NULL);
	assert_int_equal(parse(&f, &l).code, E_MALFORMED);
	end(&f);
}

/* Firmware leaves what it did not use of a log's area as it was: the log ends there, in either form. */
static void what_stands_behind_the_end_of_a_log_is_no_event(void **state)
{
	static const struct {
		uint8_t fill;
		size_t n;
		bool ok;
	} row[] = {{0xff, 8, true}, {0xff, 64, true}, {0, 8, true}, {0, 300, true}, {0xff, 7, false}, {0, 7, false}, {0x55, 64, false}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(row); i++)
		for (int agile = 0; agile < 2; agile++) {
			struct eventlog l;
			struct fix f;
			size_t used;

			begin(&f);
			if (agile) {
				put_head(&f.b);
				put_event(&f.b, 4, EV_SEPARATOR, SLICE_LIT("abcd"), NULL);
			} else {
				for (uint32_t k = 0; k < 2; k++) {
					buf_le32(&f.b, 4);
					buf_le32(&f.b, EV_SEPARATOR);
					buf_reserve(&f.b, 20);
					buf_le32(&f.b, 4);
					buf_put(&f.b, "abcd", 4);
				}
			}
			used = f.b.n;
			for (size_t k = 0; k < row[i].n; k++)
				buf_putc(&f.b, (char)row[i].fill);
			assert_int_equal(rc_ok(parse(&f, &l)), row[i].ok);
			if (row[i].ok)
				assert_true(l.n == 2 && l.padded && l.used == used && l.agile == (agile == 1));
			end(&f);
		}
}

/* Pitfall: an event size within the whole but beyond what is left was an abort. */
static void an_event_size_beyond_the_rest_is_refused(void **state)
{
	struct eventlog l;
	struct fix f;

	(void)state;
	for (uint32_t size = 3; size < 200; size++) {
		begin(&f);
		put_head(&f.b);
		put_event(&f.b, 1, EV_SEPARATOR, SLICE_LIT("ab"), NULL);
		f.b.p[f.b.n - 6] = (uint8_t)size;
		assert_int_equal(parse(&f, &l).code, E_MALFORMED);
		assert_string_equal(why_reason(&f.w), "t.parse");
		end(&f);
	}
}

/* Pitfall: a length byte of 0 made an inverted range. */
static void a_blob_description_of_length_zero_has_no_details(void **state)
{
	struct fix f;

	(void)state;
	begin(&f);
	assert_int_equal(details(&f, EV_EFI_PLATFORM_FIRMWARE_BLOB2, SLICE_LIT("\0"))->n, 0);
	assert_int_equal(details(&f, EV_EFI_PLATFORM_FIRMWARE_BLOB2, SLICE_LIT(""))->n, 0);
	assert_int_equal(details(&f, EV_EFI_PLATFORM_FIRMWARE_BLOB2, SLICE_LIT("\5ab"))->n, 0);
	assert_true(slice_is(json_get(details(&f, EV_EFI_HANDOFF_TABLES2, SLICE_LIT("\4abc\0tail")), "string")->text, "abc"));
	end(&f);
}

/* Pitfall: a device path shorter than 4, a node shorter than its head, and endless minimal nodes were aborts. */
static void device_paths_of_any_length_are_read_or_left_out(void **state)
{
	static const uint8_t tiny[3] = {2, 1, 3}, nodes[4] = {1, 9, 4, 0};
	struct fix f;
	struct buf many;

	(void)state;
	begin(&f);
	for (size_t n = 0; n < 4; n++)
		(void)details(&f, EV_EFI_BOOT_SERVICES_APPLICATION, image(&f, n, slice_of(tiny, n < 3 ? n : 3)));
	assert_int_equal(json_get(details(&f, EV_EFI_BOOT_SERVICES_APPLICATION, image(&f, 0, SLICE_LIT(""))), "device_paths")->n, 0);
	assert_int_equal(details(&f, EV_EFI_BOOT_SERVICES_APPLICATION, image(&f, UINT64_MAX, SLICE_LIT("abcd")))->n, 0);
	for (uint8_t len = 0; len < 4; len++) {
		uint8_t node[4] = {2, 1, len, 0};

		assert_int_equal(json_get(details(&f, EV_EFI_BOOT_SERVICES_APPLICATION, image(&f, 4, slice_of(node, 4))), "device_paths")->n, 0);
	}
	many = buf_in(f.a, 0);
	for (unsigned i = 0; i < 20000; i++)
		buf_put(&many, nodes, 4);
	assert_true(json_get(details(&f, EV_EFI_BOOT_SERVICES_APPLICATION, image(&f, many.n, buf_view(&many))), "device_paths")->n <= 64);
	end(&f);
}

/* Pitfall: a hard-drive node of 37 bytes was an abort. */
static void hard_drive_nodes_of_any_length_have_a_text(void **state)
{
	struct fix f;

	(void)state;
	begin(&f);
	for (uint8_t n = 4; n < 60; n++) {
		uint8_t node[60] = {4, 1, n, 0, 1};
		const struct json *paths;

		node[40] = 2;	/* GPT, GUID: only a node of 42 bytes has both */
		node[41] = 2;
		paths = json_get(details(&f, EV_EFI_BOOT_SERVICES_APPLICATION, image(&f, n, slice_of(node, n))), "device_paths");
		assert_int_equal(paths->n, 1);
		assert_int_equal(slice_starts(json_at(paths, 0)->text, SLICE_LIT("HD(1,GPT,")), n == 42);
	}
	end(&f);
}

/* Pitfall: text that is no UTF-8 ended the whole attestation, although the replay was right. */
static void text_that_is_no_utf8_leaves_details_out(void **state)
{
	static const uint32_t types[] = {EV_POST_CODE, EV_ACTION, EV_EFI_ACTION, EV_COMPACT_HASH, EV_OMIT_BOOT_DEVICE_EVENTS,
					 EV_PLATFORM_CONFIG_FLAGS};
	struct fix f;

	(void)state;
	begin(&f);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		assert_null(json_get(details(&f, types[i], SLICE_LIT("\xff\xfe\x80")), "string"));
		assert_true(slice_is(json_get(details(&f, types[i], SLICE_LIT("Exit Boot")), "string")->text, "Exit Boot"));
	}
	assert_false(arena_bad(f.a));
	end(&f);
}

/* GHSA-9r4w-jg96-92mv: the header that a vendor may put into a signature list was taken for hashes. */
static void the_vendor_header_of_a_signature_list_is_no_hash(void **state)
{
	struct fix f;
	struct json *v;

	(void)state;
	begin(&f);
	v = event_signatures(f.a, signature_list(&f, GUID_SHA256, 0, 48, 2));
	assert_int_equal(v->n, 2);
	assert_non_null(json_get(json_at(v, 0), "sha256"));
	v = event_signatures(f.a, signature_list(&f, GUID_SHA256, 48, 48, 1));
	assert_int_equal(v->n, 1);
	assert_true(slice_starts(json_get(json_at(v, 0), "sha256")->text, SLICE_LIT("404142")));	/* behind header and owner */
	/* data of a size that is none of the type's, and data of a type of a vendor's own */
	assert_null(json_get(json_at(event_signatures(f.a, signature_list(&f, GUID_SHA256, 0, 47, 1)), 0), "sha256"));
	v = event_signatures(f.a, signature_list(&f, "00112233445566778899aabbccddeeff", 0, 48, 1));
	assert_null(json_get(json_at(v, 0), "sha256"));
	assert_true(json_u64(json_get(json_at(v, 0), "length"), &(uint64_t){0}));
	end(&f);
}

static void signature_lists_that_do_not_add_up_are_none(void **state)
{
	struct fix f;
	struct slice good;

	(void)state;
	begin(&f);
	good = signature_list(&f, GUID_SHA256, 0, 48, 2);
	for (size_t n = 1; n < good.n; n++) {
		uint8_t *cut = exact_copy(good, n);

		assert_null(event_signatures(f.a, slice_of(cut, n)));
		free(cut);
	}
	for (uint8_t size = 0; size < 16; size++) {
		uint8_t *bad = exact_copy(good, good.n);

		if (good.n <= 24) /* the compiler does not know it */
			fail_msg("the list is too short");
		else
			bad[24] = size;
		assert_null(event_signatures(f.a, slice_of(bad, good.n)));
		free(bad);
	}
	end(&f);
}

static void what_a_digest_covers_is_said(void **state)
{
	static const char cmd[] = "kernel_cmdline: ro quiet";
	struct slice all = slice_of(cmd, sizeof(cmd));	/* with its NUL */
	struct eventlog l;
	struct fix f;
	uint8_t d[32], other[32] = {9};

	(void)state;
	begin(&f);
	assert_true(rc_ok(digest(DIGEST_SHA256, SLICE_LIT("ro quiet"), d, NULL)));
	put_head(&f.b);
	put_event(&f.b, 8, EV_IPL, all, d);
	put_event(&f.b, 8, EV_IPL, all, NULL);
	put_event(&f.b, 8, EV_IPL, all, other);
	put_event(&f.b, 4, EV_EFI_BOOT_SERVICES_APPLICATION, SLICE_LIT("x"), other);
	put_event(&f.b, 4, EV_SEPARATOR, SLICE_LIT("\0\0\0\0"), other);
	/* no digest at all covers nothing */
	buf_le32(&f.b, 8);
	buf_le32(&f.b, EV_IPL);
	buf_le32(&f.b, 0);
	buf_le32(&f.b, (uint32_t)all.n);
	buf_slice(&f.b, all);
	assert_true(rc_ok(parse(&f, &l)));
	assert_int_equal(event_binding(&l.events[1], NULL), EVENT_BOUND_PART);
	assert_int_equal(event_binding(&l.events[2], NULL), EVENT_BOUND);
	assert_int_equal(event_binding(&l.events[3], NULL), EVENT_DESCRIPTIVE);
	assert_int_equal(event_binding(&l.events[4], NULL), EVENT_DESCRIPTIVE);
	assert_int_equal(event_binding(&l.events[5], NULL), EVENT_MISMATCH);
	assert_int_equal(event_binding(&l.events[6], NULL), EVENT_DESCRIPTIVE);
	assert_int_equal(eventlog_check_digests(&l, "t.event-digest-mismatch", &f.w).code, E_DENIED);
	end(&f);
}

static void what_no_signature_speaks_for_is_dropped(void **state)
{
	uint32_t compared[EVENTLOG_ALGS] = {0};
	struct eventlog l;
	struct fix f;

	(void)state;
	begin(&f);
	put_head(&f.b);
	put_event(&f.b, 4, EV_SEPARATOR, SLICE_LIT("a"), NULL);
	put_event(&f.b, 5, EV_SEPARATOR, SLICE_LIT("a"), NULL);
	assert_true(rc_ok(parse(&f, &l)));
	compared[DIGEST_SHA256] = 1u << 5;
	eventlog_keep(&l, compared);
	assert_int_equal(l.n, 2);	/* the head, and PCR 5 */
	assert_int_equal(l.events[1].index, 5);
	end(&f);
}

static void the_agents_entries_are_readable(void **state)
{
	struct fix f;
	struct buf b;
	const struct json *d;

	(void)state;
	begin(&f);
	b = buf_in(f.a, 0);
	buf_le32(&b, 0x4141454c);
	buf_le32(&b, 25);
	buf_puts(&b, "cri.io PullImage {\"a\":\"b\"}");
	b.p[4] = (uint8_t)(b.n - 8);
	d = details(&f, EV_EVENT_TAG, buf_view(&b));
	assert_true(slice_is(json_get(d, "unicode_name")->text, "AAEL"));
	assert_true(slice_is(json_pointer(d, "/data/operation")->text, "PullImage"));
	assert_true(slice_is(json_pointer(d, "/data/content/a")->text, "b"));
	/* Pitfall: an entry without its parts was an error for the whole log */
	assert_null(json_get(details(&f, EV_EVENT_TAG, SLICE_LIT("LEAA\3\0\0\0abc")), "data"));
	end(&f);
}

static void secure_boot_variables_are_readable(void **state)
{
	struct slice list;
	const struct json *d;
	struct fix f;
	struct buf b;

	(void)state;
	begin(&f);
	list = signature_list(&f, GUID_SHA256, 0, 48, 1);
	b = buf_in(f.a, 0);
	buf_reserve(&b, 16);
	buf_le64(&b, 3);
	buf_le64(&b, list.n);
	buf_put(&b, "d\0b\0x", 6);
	buf_slice(&b, list);
	d = details(&f, EV_EFI_VARIABLE_DRIVER_CONFIG, buf_view(&b));
	assert_true(slice_is(json_get(d, "unicode_name")->text, "dbx"));
	assert_int_equal(json_get(d, "signatures")->n, 1);
	for (size_t n = 0; n < b.n; n++)	/* cut anywhere: no details, no refusal */
		assert_null(json_get(details(&f, EV_EFI_VARIABLE_DRIVER_CONFIG, slice_sub(buf_view(&b), 0, n)), "signatures"));
	end(&f);
}

static void events_and_bytes_are_capped(void **state)
{
	struct eventlog l;
	struct fix f;

	(void)state;
	begin(&f);
	put_head(&f.b);
	for (unsigned i = 0; i < EVENTLOG_EVENTS_MAX; i++)
		put_event(&f.b, 1, EV_SEPARATOR, SLICE_LIT("x"), NULL);
	assert_int_equal(parse(&f, &l).code, E_LIMIT);
	end(&f);
	begin(&f);
	buf_reserve(&f.b, EVENTLOG_MAX + 1);
	assert_int_equal(eventlog_parse(f.a, buf_view(&f.b), EVENTLOG_PCR, "t.parse", &l, &f.w).code, E_LIMIT);
	end(&f);
}

/* A recorded log, cut at every length: whole events or a refusal, never more than there is. */
static void a_recorded_log_cut_anywhere_reads_whole_events(void **state)
{
	struct fix f;
	struct slice log;
	struct eventlog l;
	size_t last = 0;

	(void)state;
	begin(&f);
	log = shared_try(f.a, "eventlog/tcg2/event-sd-boot-fedora37.bin");
	if (!log.p) {
		end(&f);
		skip();
	}
	for (size_t n = 0; n <= log.n; n++) {
		struct arena *a = arena_new(0);
		struct why w = why_in(a);
		uint8_t *cut = exact_copy(log, n);

		if (rc_ok(eventlog_parse(a, slice_of(cut, n), EVENTLOG_PCR, "t.parse", &l, &w))) {
			assert_true(l.n > last && l.used == n);
			last = l.n;
		}
		free(cut);
		arena_free(a);
	}
	assert_int_equal(last, 28);
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replay_is_the_extension_of_each_digest),
		cmocka_unit_test(no_action_extends_nothing_and_locality_begins_pcr_0),
		cmocka_unit_test(a_register_that_does_not_exist_is_refused),
		cmocka_unit_test(what_stands_behind_the_end_of_a_log_is_no_event),
		cmocka_unit_test(an_event_size_beyond_the_rest_is_refused),
		cmocka_unit_test(a_blob_description_of_length_zero_has_no_details),
		cmocka_unit_test(device_paths_of_any_length_are_read_or_left_out),
		cmocka_unit_test(hard_drive_nodes_of_any_length_have_a_text),
		cmocka_unit_test(text_that_is_no_utf8_leaves_details_out),
		cmocka_unit_test(the_vendor_header_of_a_signature_list_is_no_hash),
		cmocka_unit_test(signature_lists_that_do_not_add_up_are_none),
		cmocka_unit_test(what_a_digest_covers_is_said),
		cmocka_unit_test(what_no_signature_speaks_for_is_dropped),
		cmocka_unit_test(the_agents_entries_are_readable),
		cmocka_unit_test(secure_boot_variables_are_readable),
		cmocka_unit_test(events_and_bytes_are_capped),
		cmocka_unit_test(a_recorded_log_cut_anywhere_reads_whole_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
