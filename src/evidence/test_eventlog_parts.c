/* What stands inside of events: device paths, partition tables, signature lists, text; and all of it without memory. */
#include "evidence/test_eventlog.h"

#include "base/num.h"

#define MAC6 "525400123456"
#define Z26  "0000000000000000000000000000000000000000000000000000"
#define GUID "28732ac11ff8d211ba4b00a0c93ec93b"	/* c12a7328-f81f-11d2-ba4b-00a0c93ec93b */
#define DISK "01000000" "0008000000000000" "0010000000000000" "78563412000000000000000000000000"

static struct slice bytes(struct arena *a, const char *hex)
{
	struct slice out;

	assert_true(rc_ok(hex_decode(a, slice_cstr(hex), &out, "hex", NULL)));
	return out;
}

static struct slice node(struct arena *a, const char *kind, const char *data)
{
	struct slice d = bytes(a, data);
	struct buf b = buf_in(a, 0);

	buf_slice(&b, bytes(a, kind));
	buf_le16(&b, (uint16_t)(4 + d.n));
	buf_slice(&b, d);
	return buf_view(&b);
}

static const struct {
	const char *kind, *data, *text;
} nodes[] = {
	{"0101", "1f02", "Pci(31,2)"},
	{"0201", "d041030a00000000", "ACPI(PNP0A03,0)"},
	{"0305", "0102", "USB(1,2)"},
	{"030b", MAC6 Z26 "01", "Mac(525400123456,0x01)"},
	{"030b", "000000000000" Z26 "00", "Mac(,0x00)"},
	{"030b", "ab" Z26 "0000000000" "fe", "Mac(AB,0xfe)"},
	{"0315", "00000000" "0102030405060708" "0000000000000001", "FibreEx(0x102030405060708,0x1)"},
	{"0401", DISK "0101", "HD(1,MBR,0x12345678,0x800,0x1000)"},
	{"0401", "00000000" "0008000000000000" "0010000000000000" GUID "0202", "HD(0,GPT,c12a7328-f81f-11d2-ba4b-00a0c93ec93b)"},
	{"0403", GUID "aabb", "VenMedia(c12a7328-f81f-11d2-ba4b-00a0c93ec93b,aabb)"},
	{"0404", "5c00450046004900", "File(\\EFI)"},
	{"0404", "5c00450000", "Path(4,4,5c00450000)"},	/* half a character */
	{"0404", "5c0045000000", "File(\\E)"},
	{"0404", "3dd800de", "File(\xf0\x9f\x98\x80)"},	/* a pair of surrogates is one character */
	{"0404", "3dd84100", "Path(4,4,3dd84100)"},	/* the second is none */
	{"0404", "3dd800e0", "Path(4,4,3dd800e0)"},
	{"0404", "3dd8", "Path(4,4,3dd8)"},
	{"0404", "00de", "Path(4,4,00de)"},	/* a second one alone */
	{"0404", "", "File()"},
	{"0404", "00", "Path(4,4,00)"},
	{"0501", "02000100" "6469736b00", "BBS(HARD_DRIVE,disk,1)"},
	{"0501", "06000000" "6e", "BBS(EMBEDDED_NETWORK,n,0)"},
	{"0501", "80000000", "BBS(DEV,,0)"},
	{"0501", "ff000000", "BBS(UNKNOWN,,0)"},
	{"0501", "00000000", "BBS(0,,0)"},
	{"0501", "07000000" "0000", "BBS(7,,0)"},
	{"0501", "01000000" "ff", "Path(5,1,01000000ff)"},	/* no UTF-8 */
	/* kinds that are not known, and known ones of another length or form */
	{"0102", "aabb", "Path(1,2,aabb)"},
	{"0101", "1f", "Path(1,1,1f)"},
	{"0101", "1f0200", "Path(1,1,1f0200)"},
	{"030b", MAC6, "Path(3,11," MAC6 ")"},
	{"0315", "0000", "Path(3,21,0000)"},
	{"0401", DISK "0201", "Path(4,1," DISK "0201)"},
	{"0401", DISK "0102", "Path(4,1," DISK "0102)"},
	{"0401", DISK "0300", "Path(4,1," DISK "0300)"},
	{"0403", "aabb", "Path(4,3,aabb)"},
	{"0501", "0200", "Path(5,1,0200)"},
};

static void nodes_of_a_device_path_have_their_texts(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(nodes); i++) {
		struct arena *a = arena_new(0);
		const struct json *list = event_device_path(a, node(a, nodes[i].kind, nodes[i].data));

		assert_int_equal(list->n, 1);
		if (!slice_is(json_at(list, 0)->text, nodes[i].text))
			fail_msg("%s %s: " SLICE_FMT, nodes[i].kind, nodes[i].data, SLICE_ARG(json_at(list, 0)->text));
		arena_free(a);
	}
}

static void nothing_behind_the_end_of_a_device_path_is_read(void **state)
{
	struct arena *a = arena_new(0);
	struct buf b = buf_in(a, 0);

	(void)state;
	buf_slice(&b, node(a, "0101", "1f02"));
	buf_slice(&b, node(a, "7fff", ""));
	buf_slice(&b, node(a, "0305", "0102"));
	assert_int_equal(event_device_path(a, buf_view(&b))->n, 1);
	arena_free(a);
}

/* ---- partition tables ---- */

struct table {
	const char *mark;
	uint32_t entry;
	uint64_t n;		/* as stated */
	unsigned there;		/* and as there is */
	const char *name;	/* UTF-16LE in hex */
};

static struct slice gpt(struct arena *a, const struct table *t)
{
	struct buf b = buf_in(a, 0);

	buf_puts(&b, t->mark);
	buf_reserve(&b, 56 - strlen(t->mark));
	buf_slice(&b, bytes(a, GUID));
	buf_reserve(&b, 84 - 72);
	buf_le32(&b, t->entry);
	buf_reserve(&b, 4);
	buf_le64(&b, t->n);
	for (unsigned i = 0; i < t->there; i++) {
		struct slice name = bytes(a, t->name);

		buf_slice(&b, bytes(a, GUID GUID));
		buf_le64(&b, 2048);
		buf_le64(&b, 4095);
		buf_le64(&b, 1);
		buf_slice(&b, name);
		buf_reserve(&b, t->entry - 56 - name.n);
	}
	return buf_view(&b);
}

static void a_partition_table_is_read(void **state)
{
	static const char full[] = "4100420043004400450046004700480041004200430044004500460047004800"
				   "4100420043004400450046004700480041004200430044004500460047004800" "4100420043004400";
	static const struct {
		const char *hex, *name;
	} names[] = {{"65007300700000006700", "esp"}, {"", ""}, {full, "ABCDEFGHABCDEFGHABCDEFGHABCDEFGHABCD"}, {"00de4100", NULL}, {"0001", "\xc4\x80"}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		struct arena *a = arena_new(0);
		const struct table t = {"EFI PART", i == 1 ? 256 : 128, 2, 2, names[i].hex};
		const struct json *o = event_gpt(a, gpt(a, &t)), *list = json_get(o, "partitions"), *p = json_at(list, 1);

		assert_non_null(o);
		assert_int_equal(list->n, 2);
		assert_true(slice_is(json_get(o, "disk_guid")->text, "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"));
		assert_true(slice_is(json_get(p, "first_lba")->text, "2048"));
		assert_true(slice_is(json_get(p, "last_lba")->text, "4095"));
		if (names[i].name)
			assert_true(slice_is(json_get(p, "name")->text, names[i].name));
		else
			assert_null(json_get(p, "name"));	/* no text; the rest stands */
		arena_free(a);
	}
}

static void what_is_no_partition_table_has_no_details(void **state)
{
	static const struct table bad[] = {
		{"EFI PARX", 128, 1, 1, ""}, {"EFI PART", 128, 257, 1, ""}, {"EFI PART", 128, UINT64_MAX, 1, ""}, {"EFI PART", 128, 2, 1, ""},
		{"EFI PART", 127, 1, 1, ""}, {"EFI PART", 4097, 1, 1, ""},
	};
	struct arena *a = arena_new(0);
	const struct table good = {"EFI PART", 4096, 1, 1, "4100"};
	struct slice whole = gpt(a, &good);

	(void)state;
	assert_non_null(event_gpt(a, whole));
	for (size_t n = 0; n < whole.n; n++)
		assert_null(event_gpt(a, slice_sub(whole, 0, n)));
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_null(event_gpt(a, gpt(a, &bad[i])));
	arena_free(a);
}

/* ---- signature lists ---- */

static void a_hash_has_the_name_and_the_size_of_its_type(void **state)
{
	static const struct {
		const char *guid, *type;
		uint32_t n;
	} types[] = {
		{GUID_SHA256, "sha256", 32},
		{"07533effd09fc94885f18ad56c701e01", "sha384", 48},
		{"ae0f3e09c4a6504f9f1bd41e2b89c19a", "sha512", 64},
		{"12a56c8210cfc94ab187be01496631bd", "sha1", 20},
	};
	struct fix f;

	(void)state;
	begin(&f);
	for (size_t i = 0; i < COUNT_OF(types); i++)
		for (uint32_t more = 0; more < 2; more++) {
			struct slice list = signature_list(&f, types[i].guid, 0, 16 + types[i].n + more, 1);
			const struct json *one = json_at(event_signatures(f.a, list), 0), *hash = json_get(one, types[i].type);

			assert_true(slice_is(json_get(one, "type")->text, types[i].type));
			assert_int_equal(hash != NULL, more == 0);
			if (hash)
				assert_int_equal(hash->text.n, 2 * types[i].n);
		}
	end(&f);
}

static void a_certificate_that_does_not_read_has_its_digest_alone(void **state)
{
	struct fix f;
	const struct json *one;

	(void)state;
	begin(&f);
	one = json_at(event_signatures(f.a, signature_list(&f, "a159c0a5e494a74a87b5ab155c2bf072", 0, 48, 1)), 0);
	assert_true(slice_is(json_get(one, "type")->text, "x509"));
	assert_non_null(json_get(one, "certificate_sha256"));
	assert_null(json_get(one, "subject"));
	one = json_at(event_signatures(f.a, signature_list(&f, "92a4d23bc0967940b420fcf98ef103ed", 0, 64, 1)), 0);
	assert_true(slice_is(json_get(one, "type")->text, "x509-sha256"));
	assert_true(slice_is(json_get(one, "length")->text, "48"));
	end(&f);
}

static void signatures_are_capped(void **state)
{
	struct fix f;
	struct buf b;
	struct slice list;

	(void)state;
	begin(&f);
	list = signature_list(&f, GUID_SHA256, 0, 17, 4000);
	b = buf_in(f.a, 0);
	for (unsigned i = 0; i < 3; i++)
		buf_slice(&b, list);
	assert_int_equal(event_signatures(f.a, buf_view(&b))->n, 4096);
	end(&f);
}

/* ---- variables and text ---- */

static struct slice variable(struct arena *a, const char *name, struct slice data)
{
	struct buf b = buf_in(a, 0);

	buf_slice(&b, bytes(a, GUID));
	buf_le64(&b, strlen(name));
	buf_le64(&b, data.n);
	for (const char *p = name; *p; p++)
		buf_le16(&b, (uint16_t)(uint8_t)*p);
	buf_slice(&b, data);
	return buf_view(&b);
}

static struct slice load_option(struct arena *a, const char *description, struct slice path)
{
	struct buf b = buf_in(a, 0);

	buf_le32(&b, 1);
	buf_le16(&b, (uint16_t)path.n);
	buf_slice(&b, bytes(a, description));
	buf_slice(&b, path);
	return buf_view(&b);
}

static void a_boot_option_has_its_description_and_path(void **state)
{
	struct fix f;
	struct slice path, option;
	const struct json *d;

	(void)state;
	begin(&f);
	path = node(f.a, "0101", "1f02");
	option = load_option(f.a, "4c0069006e007500780000" "00", path);
	d = details(&f, EV_EFI_VARIABLE_BOOT, variable(f.a, "Boot0001", option));
	assert_true(slice_is(json_get(d, "description")->text, "Linux"));
	assert_true(slice_is(json_at(json_get(d, "device_paths"), 0)->text, "Pci(31,2)"));
	/* a description that is no text leaves the path, one without an end leaves nothing of it */
	d = details(&f, EV_EFI_VARIABLE_BOOT2, variable(f.a, "Boot0001", load_option(f.a, "00de0000", path)));
	assert_null(json_get(d, "description"));
	assert_int_equal(json_get(d, "device_paths")->n, 1);
	d = details(&f, EV_EFI_VARIABLE_BOOT, variable(f.a, "Boot0001", load_option(f.a, "4c00690000", (struct slice){0})));
	assert_int_equal(json_get(d, "device_paths")->n, 0);
	/* BootNext is a number, BootOrder has another length, a short one has no head */
	assert_null(json_get(details(&f, EV_EFI_VARIABLE_BOOT, variable(f.a, "BootNext", option)), "device_paths"));
	assert_null(json_get(details(&f, EV_EFI_VARIABLE_BOOT, variable(f.a, "BootOrder", option)), "device_paths"));
	assert_null(json_get(details(&f, EV_EFI_VARIABLE_BOOT, variable(f.a, "Boot0001", SLICE_LIT("\1\0\0\0\0\0"))), "device_paths"));
	end(&f);
}

static void the_switches_of_secure_boot_are_readable(void **state)
{
	static const char *const names[] = {"SecureBoot", "SetupMode", "AuditMode", "DeployedMode"};
	struct fix f;

	(void)state;
	begin(&f);
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		assert_true(json_get(details(&f, EV_EFI_VARIABLE_DRIVER_CONFIG, variable(f.a, names[i], SLICE_LIT("\1"))), "enabled")->boolean);
		assert_false(json_get(details(&f, EV_EFI_VARIABLE_DRIVER_CONFIG, variable(f.a, names[i], SLICE_LIT("\0"))), "enabled")->boolean);
		assert_null(json_get(details(&f, EV_EFI_VARIABLE_DRIVER_CONFIG, variable(f.a, names[i], SLICE_LIT("\1\1"))), "enabled"));
	}
	assert_null(json_get(details(&f, EV_EFI_VARIABLE_DRIVER_CONFIG, variable(f.a, "Other", SLICE_LIT("\1"))), "enabled"));
	assert_null(json_get(details(&f, EV_EFI_VARIABLE_DRIVER_CONFIG, variable(f.a, "db", SLICE_LIT("none"))), "signatures"));
	assert_non_null(json_get(details(&f, EV_EFI_VARIABLE_AUTHORITY, variable(f.a, "db", bytes(f.a, GUID "aa"))), "authority"));
	assert_null(json_get(details(&f, EV_EFI_VARIABLE_AUTHORITY, variable(f.a, "db", bytes(f.a, GUID))), "authority"));
	end(&f);
}

static void a_name_that_is_no_text_leaves_the_data(void **state)
{
	struct fix f;
	struct buf b;
	const struct json *d;

	(void)state;
	begin(&f);
	b = buf_in(f.a, 0);
	buf_slice(&b, bytes(f.a, GUID));
	buf_le64(&b, 1);
	buf_le64(&b, 2);
	buf_slice(&b, bytes(f.a, "00de" "aabb"));
	d = details(&f, EV_EFI_VARIABLE_BOOT, buf_view(&b));
	assert_null(json_get(d, "unicode_name"));
	assert_true(slice_is(json_get(d, "variable_data")->text, "qrs="));
	end(&f);
}

static void text_of_a_boot_loader_is_readable(void **state)
{
	struct fix f;
	const struct json *d;

	(void)state;
	begin(&f);
	d = details(&f, EV_IPL, SLICE_LIT("kernel_cmdline: ro\0"));
	assert_true(slice_is(json_get(d, "kernel_cmdline")->text, "ro"));
	d = details(&f, EV_IPL, SLICE_LIT("\xff\xfe"));
	assert_true(slice_is(json_get(d, "string")->text, "fffe"));
	d = details(&f, EV_IPL, SLICE_LIT("kernel_cmdline: \xff"));
	assert_null(json_get(d, "kernel_cmdline"));
	d = details(&f, EV_IPL, SLICE_LIT(""));
	assert_true(slice_is(json_get(d, "string")->text, ""));
	/* systemd-boot writes UTF-16, and a dot before it */
	d = details(&f, EV_IPL, bytes(f.a, "2e00" "61006200" "0000"));
	assert_true(slice_is(json_get(d, "string")->text, "ab"));
	assert_null(json_get(details(&f, EV_IPL, bytes(f.a, "2e00" "00de" "0000")), "string"));
	/* controls of configuration flags are left out */
	d = details(&f, EV_PLATFORM_CONFIG_FLAGS, SLICE_LIT("a\x10" "b\x01\x7f\0c"));
	assert_true(slice_is(json_get(d, "string")->text, "a bc"));
	end(&f);
}

static struct slice tag(struct fix *f, const char *text)
{
	struct buf b = buf_in(f->a, 0);

	buf_le32(&b, 0x4141454c);
	buf_le32(&b, (uint32_t)strlen(text));
	buf_puts(&b, text);
	return buf_view(&b);
}

static void an_entry_of_the_agent_has_three_parts_of_text(void **state)
{
	static const char *const bad[] = {"", "one", "one two", " ", "\xff two three", "one \xff three", "one two \xff"};
	struct fix f;
	const struct json *d;

	(void)state;
	begin(&f);
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_null(json_get(details(&f, EV_EVENT_TAG, tag(&f, bad[i])), "data"));
	d = details(&f, EV_EVENT_TAG, tag(&f, "one two no json"));
	assert_true(slice_is(json_pointer(d, "/data/content")->text, "no json"));
	assert_int_equal(details(&f, EV_EVENT_TAG, SLICE_LIT("AEL"))->n, 0);
	end(&f);
}

/* ---- the head, and digests ---- */

static rc parse_head(struct fix *f, const char *algs, unsigned n, struct eventlog *l)
{
	struct slice table = bytes(f->a, algs);

	f->b = buf_in(f->a, 0);
	buf_le32(&f->b, 0);
	buf_le32(&f->b, EV_NO_ACTION);
	buf_reserve(&f->b, 20);
	buf_le32(&f->b, (uint32_t)(29 + table.n));
	buf_put(&f->b, "Spec ID Event03", 16);
	buf_reserve(&f->b, 8);
	buf_le32(&f->b, n);
	buf_slice(&f->b, table);
	buf_putc(&f->b, 0);
	return parse(f, l);
}

static void a_table_of_digests_is_sound_or_refused(void **state)
{
	static const struct {
		const char *algs;
		unsigned n;
		bool good;
	} rows[] = {
		{"0b002000", 1, true}, {"04001400" "0b002000" "0c003000" "0d004000" "12002000", 5, true},
		{"27002000", 1, true},	/* SHA3-256: read, though nothing here computes it */
		{"", 0, false}, {"0b002000", 2, false}, {"0b002000" "0c003000", 1, false}, {"0b001400", 1, false}, {"0b000000", 1, false},
		{"27004100", 1, false}, {"0b002000" "0b002000", 2, false},
		{"0100010002000100030001004000010050000100600001007000010080000100" "90000100", 9, false},
	};
	struct fix f;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct eventlog l;
		rc r;

		begin(&f);
		r = parse_head(&f, rows[i].algs, rows[i].n, &l);
		assert_int_equal(r.code, rows[i].good ? OK : E_MALFORMED);
		if (rows[i].good)
			assert_int_equal(l.algs_n, rows[i].n);
		end(&f);
	}
}

static void the_banks_of_a_log_are_known(void **state)
{
	struct eventlog l;
	struct fix f;

	(void)state;
	begin(&f);
	assert_true(rc_ok(parse_head(&f, "0b002000" "0c003000", 2, &l)));
	assert_true(eventlog_has(&l, DIGEST_SHA256) && eventlog_has(&l, DIGEST_SHA384));
	assert_false(eventlog_has(&l, DIGEST_SHA1) || eventlog_has(&l, DIGEST_SM3));
	/* a log without that head is one of SHA-1 */
	f.b = buf_in(f.a, 0);
	buf_le32(&f.b, 7);
	buf_le32(&f.b, EV_SEPARATOR);
	buf_reserve(&f.b, 20);
	buf_le32(&f.b, 4);
	buf_reserve(&f.b, 4);
	assert_true(rc_ok(parse(&f, &l)));
	assert_true(eventlog_has(&l, DIGEST_SHA1));
	assert_false(eventlog_has(&l, DIGEST_SHA256));
	assert_int_equal(eventlog_parse(f.a, buf_view(&f.b), EVENTLOG_CC, "t.parse", &l, &f.w).code, E_MALFORMED);
	end(&f);
}

static void an_event_names_each_bank_once(void **state)
{
	for (unsigned same = 0; same < 2; same++) {
		struct eventlog l;
		struct fix f;

		(void)state;
		begin(&f);
		assert_true(rc_ok(parse_head(&f, "0b002000" "0c003000", 2, &l)));
		buf_le32(&f.b, 1);
		buf_le32(&f.b, EV_SEPARATOR);
		buf_le32(&f.b, 2);
		buf_le16(&f.b, 0x0b);
		buf_reserve(&f.b, 32);
		buf_le16(&f.b, same ? 0x0b : 0x0c);
		buf_reserve(&f.b, same ? 32 : 48);
		buf_le32(&f.b, 0);
		assert_int_equal(parse(&f, &l).code, same ? E_MALFORMED : OK);
		end(&f);
	}
}

/* ---- without memory ---- */

/* One event of each kind that has details. */
static struct slice everything(struct fix *f)
{
	struct arena *a = f->a;
	const struct table t = {"EFI PART", 128, 2, 2, "65007300700000"};
	struct slice path, option;
	struct buf many = buf_in(a, 0);

	for (size_t i = 0; i < COUNT_OF(nodes); i++)
		buf_slice(&many, node(a, nodes[i].kind, nodes[i].data));
	path = buf_view(&many);
	option = load_option(a, "4c0069006e007500780000" "00", path);
	put_head(&f->b);
	put_event(&f->b, 0, EV_POST_CODE, SLICE_LIT("post"), NULL);
	put_event(&f->b, 1, EV_PLATFORM_CONFIG_FLAGS, SLICE_LIT("flags"), NULL);
	put_event(&f->b, 2, EV_EFI_PLATFORM_FIRMWARE_BLOB2, SLICE_LIT("\4abc"), NULL);
	put_event(&f->b, 4, EV_EFI_BOOT_SERVICES_APPLICATION, image(f, path.n, path), NULL);
	put_event(&f->b, 5, EV_EFI_GPT_EVENT, gpt(a, &t), NULL);
	put_event(&f->b, 7, EV_EFI_VARIABLE_DRIVER_CONFIG, variable(a, "SecureBoot", SLICE_LIT("\1")), NULL);
	put_event(&f->b, 7, EV_EFI_VARIABLE_DRIVER_CONFIG, variable(a, "db", signature_list(f, GUID_SHA256, 0, 48, 2)), NULL);
	put_event(&f->b, 7, EV_EFI_VARIABLE_DRIVER_CONFIG,
		  variable(a, "PK", signature_list(f, "a159c0a5e494a74a87b5ab155c2bf072", 0, 48, 1)), NULL);
	put_event(&f->b, 7, EV_EFI_VARIABLE_DRIVER_CONFIG,
		  variable(a, "KEK", signature_list(f, "00112233445566778899aabbccddeeff", 0, 48, 1)), NULL);
	put_event(&f->b, 7, EV_EFI_VARIABLE_AUTHORITY, variable(a, "db", bytes(a, GUID "aabb")), NULL);
	put_event(&f->b, 1, EV_EFI_VARIABLE_BOOT, variable(a, "Boot0001", option), NULL);
	put_event(&f->b, 8, EV_IPL, SLICE_LIT("kernel_cmdline: ro"), NULL);
	put_event(&f->b, 9, EV_IPL, bytes(a, "2e00" "61006200" "0000"), NULL);
	put_event(&f->b, 8, EV_EVENT_TAG, tag(f, "one two {\"a\": [1, 2]}"), NULL);
	put_event(&f->b, 8, 0x12345678, SLICE_LIT("of a type without a name"), NULL);
	return buf_view(&f->b);
}

static void a_log_without_memory_is_no_log_and_never_a_part_of_one(void **state)
{
	struct slice log, whole;
	struct eventlog l;
	struct fix f;
	uint64_t n;
	bool done = false;

	(void)state;
	begin(&f);
	log = everything(&f);
	assert_true(rc_ok(eventlog_parse(f.a, log, EVENTLOG_PCR, "t.parse", &l, &f.w)));
	whole = json_text(f.a, eventlog_json(f.a, &l));
	for (n = 1; !done; n++) {
		struct arena *a = arena_new(0);
		struct why w = why_in(a);
		const struct json *claim = NULL;
		rc r;

		arena_fail_at(a, n);
		r = eventlog_parse(a, log, EVENTLOG_PCR, "t.parse", &l, &w);
		if (rc_ok(r))
			claim = eventlog_json(a, &l);
		else
			assert_int_equal(r.code, E_INTERNAL);
		arena_fail_at(a, 0);
		done = !arena_bad(a);
		assert_int_equal(claim != NULL, done);
		if (done)
			assert_true(slice_eq(json_text(a, claim), whole));
		arena_free(a);
	}
	assert_true(n > 500);
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nodes_of_a_device_path_have_their_texts),
		cmocka_unit_test(nothing_behind_the_end_of_a_device_path_is_read),
		cmocka_unit_test(a_partition_table_is_read),
		cmocka_unit_test(what_is_no_partition_table_has_no_details),
		cmocka_unit_test(a_hash_has_the_name_and_the_size_of_its_type),
		cmocka_unit_test(a_certificate_that_does_not_read_has_its_digest_alone),
		cmocka_unit_test(signatures_are_capped),
		cmocka_unit_test(a_boot_option_has_its_description_and_path),
		cmocka_unit_test(the_switches_of_secure_boot_are_readable),
		cmocka_unit_test(a_name_that_is_no_text_leaves_the_data),
		cmocka_unit_test(text_of_a_boot_loader_is_readable),
		cmocka_unit_test(an_entry_of_the_agent_has_three_parts_of_text),
		cmocka_unit_test(a_table_of_digests_is_sound_or_refused),
		cmocka_unit_test(the_banks_of_a_log_are_known),
		cmocka_unit_test(an_event_names_each_bank_once),
		cmocka_unit_test(a_log_without_memory_is_no_log_and_never_a_part_of_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
