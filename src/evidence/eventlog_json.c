/* eventlog_json.c - events as claims. */
#include "base/cur.h"
#include "base/utf8.h"
#include "codec/base64.h"
#include "evidence/eventlog_int.h"

#define AAEL_TAG 0x4141454cu

const char *event_type_table(uint32_t type)
{
	static const struct {
		uint32_t type;
		const char *name;
	} names[] = {
		{0x0, "EV_PREBOOT_CERT"}, {0x1, "EV_POST_CODE"}, {0x2, "EV_UNUSED"}, {0x3, "EV_NO_ACTION"}, {0x4, "EV_SEPARATOR"},
		{0x5, "EV_ACTION"}, {0x6, "EV_EVENT_TAG"}, {0x7, "EV_S_CRTM_CONTENTS"}, {0x8, "EV_S_CRTM_VERSION"},
		{0x9, "EV_CPU_MICROCODE"}, {0xa, "EV_PLATFORM_CONFIG_FLAGS"}, {0xb, "EV_TABLE_OF_DEVICES"}, {0xc, "EV_COMPACT_HASH"},
		{0xd, "EV_IPL"}, {0xe, "EV_IPL_PARTITION_DATA"}, {0xf, "EV_NONHOST_CODE"}, {0x10, "EV_NONHOST_CONFIG"},
		{0x11, "EV_NONHOST_INFO"}, {0x12, "EV_OMIT_BOOT_DEVICE_EVENTS"}, {0x80000000, "EV_EFI_EVENT_BASE"},
		{0x80000001, "EV_EFI_VARIABLE_DRIVER_CONFIG"}, {0x80000002, "EV_EFI_VARIABLE_BOOT"},
		{0x80000003, "EV_EFI_BOOT_SERVICES_APPLICATION"}, {0x80000004, "EV_EFI_BOOT_SERVICES_DRIVER"},
		{0x80000005, "EV_EFI_RUNTIME_SERVICES_DRIVER"}, {0x80000006, "EV_EFI_GPT_EVENT"}, {0x80000007, "EV_EFI_ACTION"},
		{0x80000008, "EV_EFI_PLATFORM_FIRMWARE_BLOB"}, {0x80000009, "EV_EFI_HANDOFF_TABLES"},
		{0x8000000a, "EV_EFI_PLATFORM_FIRMWARE_BLOB2"}, {0x8000000b, "EV_EFI_HANDOFF_TABLES2"},
		{0x8000000c, "EV_EFI_VARIABLE_BOOT2"}, {0x80000010, "EV_EFI_HCRTM_EVENT"}, {0x800000e0, "EV_EFI_VARIABLE_AUTHORITY"},
		{0x800000e1, "EV_EFI_SPDM_FIRMWARE_BLOB"}, {0x800000e2, "EV_EFI_SPDM_FIRMWARE_CONFIG"},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].type == type)
			return names[i].name;
	return NULL;
}

bool event_is_variable(uint32_t type)
{
	return type == EV_EFI_VARIABLE_DRIVER_CONFIG || type == EV_EFI_VARIABLE_BOOT || type == EV_EFI_VARIABLE_BOOT2 ||
	       type == EV_EFI_VARIABLE_AUTHORITY;
}

bool event_variable(struct slice data, struct event_variable *out)
{
	struct event_variable v;
	struct msg m;
	struct cur c = cur_open(&m, data);
	uint64_t name, n;

	v.guid = cur_take(&c, 16);
	name = cur_le64(&c);
	n = cur_le64(&c);
	if (name > data.n / 2 || n > data.n)
		return false;
	v.name = cur_take(&c, (size_t)name * 2);
	v.data = cur_take(&c, (size_t)n);
	if (m.bad || cur_more(&c))
		return false;
	*out = v;
	return true;
}

/* ---- details ---- */

static void set_text(struct arena *a, struct json *o, const char *name, struct slice text)
{
	if (utf8_valid(text))
		json_set(a, o, name, json_new_str(a, text.n ? text : SLICE_LIT("")));
}

static struct slice filtered(struct arena *a, struct slice in, bool keep_controls)
{
	struct buf b = buf_in(a, 1u << 20);

	for (size_t i = 0; i < in.n; i++) {
		uint8_t c = in.p[i];

		if (!keep_controls && c == 0x10)
			c = ' ';
		if (c && (keep_controls || c >= 0x20) && (keep_controls || c != 0x7f))
			buf_putc(&b, (char)c);
	}
	return buf_view(&b);
}

static struct slice word(struct slice *rest)
{
	const uint8_t *sp = rest->n ? memchr(rest->p, ' ', rest->n) : NULL;
	struct slice w = {0};

	if (sp) {
		w = slice_sub(*rest, 0, (size_t)(sp - rest->p));
		*rest = slice_sub(*rest, w.n + 1, rest->n);
	}
	return w;
}

/* "<domain> <operation> <content>", as the agent logs it. */
static void aael(struct arena *a, struct json *o, struct slice text)
{
	const struct json_limits limits = {.max_bytes = 1u << 16, .max_depth = 16, .max_nodes = 4096};
	struct slice domain = word(&text), operation = word(&text);
	struct json *data = json_new_object(a), *content;

	if (!domain.p || !operation.p || !utf8_valid(domain) || !utf8_valid(operation) || !utf8_valid(text))
		return;
	json_set(a, o, "unicode_name", json_new_cstr(a, "AAEL"));
	set_text(a, data, "domain", domain);
	set_text(a, data, "operation", operation);
	if (rc_ok(json_parse(a, text, &limits, &content, NULL)))
		json_set(a, data, "content", content);
	else
		set_text(a, data, "content", text);
	json_set(a, o, "data", data);
}

static void tag_details(struct arena *a, struct json *o, struct slice data)
{
	struct msg m;
	struct cur c = cur_open(&m, data);
	uint32_t id = cur_le32(&c);
	struct slice text = cur_take(&c, cur_le32(&c));

	if (m.bad)
		return;
	text = filtered(a, text, true);
	set_text(a, o, "string", text);
	if (id == AAEL_TAG)
		aael(a, o, text);
}

static void ipl_details(struct arena *a, struct json *o, struct slice data)
{
	static const char cmdline[] = "kernel_cmdline: ";
	struct slice text = data;
	struct json *wide;

	if (data.n >= 4 && data.p[0] == 0x2e && data.p[1] == 0) {
		wide = event_utf16(a, slice_sub(data, 2, data.n - 4));
		if (wide)
			json_set(a, o, "string", wide);
		return;
	}
	if (data.n && memchr(data.p, 0, data.n))
		text.n = (size_t)((const uint8_t *)memchr(data.p, 0, data.n) - data.p);
	if (utf8_valid(text))
		set_text(a, o, "string", text);
	else
		json_set(a, o, "string", json_new_hex(a, data));
	if (slice_starts(text, slice_cstr(cmdline)) && utf8_valid(text))
		set_text(a, o, "kernel_cmdline", slice_sub(text, strlen(cmdline), text.n));
}

static bool is_signature_database(struct slice name)
{
	static const char *const names[] = {"PK", "KEK", "db", "dbx", "dbr", "dbt", "MokList", "MokListX"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (slice_is(name, names[i]))
			return true;
	return false;
}

/* Secure Boot's own variables, readable. */
static void variable_meaning(struct arena *a, struct json *o, uint32_t type, struct slice name, struct slice data)
{
	struct json *list;

	if (type == EV_EFI_VARIABLE_DRIVER_CONFIG && is_signature_database(name)) {
		list = event_signatures(a, data);
		if (list)
			json_set(a, o, "signatures", list);
	} else if (type == EV_EFI_VARIABLE_AUTHORITY && data.n > 16) {
		struct json *one = json_new_object(a);

		json_set(a, one, "owner", json_new_cstr(a, event_guid(a, slice_sub(data, 0, 16))));
		json_set(a, o, "authority", one);
	} else if (data.n == 1 && (slice_is(name, "SecureBoot") || slice_is(name, "SetupMode") || slice_is(name, "AuditMode") ||
				   slice_is(name, "DeployedMode"))) {
		json_set(a, o, "enabled", json_new_bool(a, data.p[0] == 1));
	}
	if (slice_starts(name, SLICE_LIT("Boot")) && name.n == 8 && data.n > 6 && !slice_is(name, "BootNext")) {
		size_t n = 6;	/* EFI_LOAD_OPTION: attributes, path length, description */
		struct json *text;

		while (n + 1 < data.n && (data.p[n] || data.p[n + 1]))
			n += 2;
		text = event_utf16(a, slice_sub(data, 6, n - 6));
		if (text)
			json_set(a, o, "description", text);
		json_set(a, o, "device_paths", event_device_path(a, slice_sub(data, n + 2, (size_t)data.p[4] | (size_t)data.p[5] << 8)));
	}
}

static void variable_details(struct arena *a, struct json *o, const struct event *e)
{
	struct event_variable v;
	const uint8_t *g;
	struct json *name;

	if (!event_variable(e->data, &v))
		return;
	g = v.guid.p;
	name = event_utf16(a, v.name);
	/* The reference prints the GUID in the order of its bytes; policies compare it so. */
	json_set(a, o, "variable_name",
		 json_new_cstr(a, arena_printf(a, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", g[0], g[1], g[2], g[3],
					       g[4], g[5], g[6], g[7], g[8], g[9], g[10], g[11], g[12], g[13], g[14], g[15])));
	json_set(a, o, "unicode_name_length", json_new_u64(a, v.name.n / 2));
	json_set(a, o, "variable_data_length", json_new_u64(a, v.data.n));
	json_set(a, o, "variable_data", v.data.n ? json_new_b64(a, v.data) : json_new_cstr(a, ""));
	if (!name)
		return;
	json_set(a, o, "unicode_name", name);
	variable_meaning(a, o, e->type, name->text, v.data);
}

static void image_details(struct arena *a, struct json *o, struct slice data)
{
	struct msg m;
	struct cur c = cur_open(&m, data);
	uint64_t n;

	cur_take(&c, 24);
	n = cur_le64(&c);
	if (m.bad || n > cur_left(&c))
		return;
	json_set(a, o, "device_paths", event_device_path(a, cur_take(&c, (size_t)n)));
}

static void blob_details(struct arena *a, struct json *o, struct slice data)
{
	struct msg m;
	struct cur c = cur_open(&m, data);
	struct slice text = cur_take(&c, cur_u8(&c));

	if (m.bad || text.n == 0)
		return;
	if (text.p[text.n - 1] == 0)
		text.n--;
	set_text(a, o, "string", text);
}

struct json *event_details(struct arena *a, const struct event *e)
{
	struct json *o = json_new_object(a), *gpt;

	switch (e->type) {
	case EV_POST_CODE:
	case EV_ACTION:
	case EV_EFI_ACTION:
	case EV_COMPACT_HASH:
	case EV_OMIT_BOOT_DEVICE_EVENTS:
		set_text(a, o, "string", e->data);
		break;
	case EV_EVENT_TAG:
		tag_details(a, o, e->data);
		break;
	case EV_PLATFORM_CONFIG_FLAGS:
		set_text(a, o, "string", filtered(a, e->data, false));
		break;
	case EV_IPL:
		ipl_details(a, o, e->data);
		break;
	case EV_EFI_VARIABLE_DRIVER_CONFIG:
	case EV_EFI_VARIABLE_BOOT:
	case EV_EFI_VARIABLE_BOOT2:
	case EV_EFI_VARIABLE_AUTHORITY:
		variable_details(a, o, e);
		break;
	case EV_EFI_BOOT_SERVICES_APPLICATION:
	case EV_EFI_BOOT_SERVICES_DRIVER:
	case EV_EFI_RUNTIME_SERVICES_DRIVER:
		image_details(a, o, e->data);
		break;
	case EV_EFI_GPT_EVENT:
		gpt = event_gpt(a, e->data);
		if (gpt)
			json_set(a, o, "data", gpt);
		break;
	case EV_EFI_PLATFORM_FIRMWARE_BLOB2:
	case EV_EFI_HANDOFF_TABLES2:
		blob_details(a, o, e->data);
		break;
	default:	/* types are the outside's numbers, not an enum of ours */
		break;
	}
	return o;
}

static const char *alg_name(const struct eventlog_digest *d, struct arena *a)
{
	switch (d->alg_id) {
	case 0x0004:
		return "SHA-1";
	case 0x000b:
		return "SHA-256";
	case 0x000c:
		return "SHA-384";
	case 0x000d:
		return "SHA-512";
	case 0x0012:
		return "SM3";
	default:
		return arena_printf(a, "0x%04x", d->alg_id);
	}
}

static const char *binding_name(enum event_binding b)
{
	switch (b) {
	case EVENT_BOUND:
		return "digest";
	case EVENT_BOUND_PART:
		return "digest-part";
	case EVENT_DESCRIPTIVE:
		return "descriptive";
	case EVENT_MISMATCH:
		return "mismatch";
	}
	return "descriptive";
}

static struct json *event_json(struct arena *a, const struct event *e)
{
	struct json *o = json_new_object(a), *list = json_new_array(a);
	enum event_binding b = event_binding(e, NULL);
	char name[16];

	for (unsigned i = 0; i < e->digests_n; i++) {
		struct json *d = json_new_object(a);

		json_set(a, d, "alg", json_new_cstr(a, alg_name(&e->digest[i], a)));
		json_set(a, d, "digest", json_new_hex(a, e->digest[i].bytes));
		json_push(a, list, d);
	}
	json_set(a, o, "index", json_new_u64(a, e->index));
	json_set(a, o, "type_name", json_new_cstr(a, event_type_name(e->type, name)));
	json_set(a, o, "digests", list);
	json_set(a, o, "event", e->data.n ? json_new_b64(a, e->data) : json_new_cstr(a, ""));
	json_set(a, o, "digest_matches_event", json_new_bool(a, b == EVENT_BOUND));
	json_set(a, o, "binding", json_new_cstr(a, binding_name(b)));
	json_set(a, o, "details", event_details(a, e));
	return o;
}

struct json *eventlog_json(struct arena *a, const struct eventlog *l)
{
	struct json *out = json_new_array(a);

	for (size_t i = 0; i < l->n && !arena_bad(a); i++)
		json_push(a, out, event_json(a, &l->events[i]));
	return arena_bad(a) ? NULL : out;
}
