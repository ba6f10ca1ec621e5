/* eventlog_path.c - device paths, partition tables and signature lists inside of events. They are read for people and policy;
 * a part that does not read is left out. */
#include "base/cur.h"
#include "base/utf8.h"
#include "codec/base64.h"
#include "crypto/x509.h"
#include "evidence/eventlog_int.h"

#define NODES_MAX      64u
#define PARTITIONS_MAX 256u
#define SIGNATURES_MAX 4096u

struct json *event_utf16(struct arena *a, struct slice le)
{
	struct buf b = buf_in(a, 1u << 16);
	struct msg m;
	struct cur c = cur_open(&m, le);

	while (cur_more(&c)) {
		uint32_t u = cur_le16(&c);
		uint8_t utf8[4];
		unsigned n;

		if (u >= 0xd800 && u <= 0xdbff) {
			uint32_t low = cur_le16(&c);

			if (low < 0xdc00 || low > 0xdfff)
				return NULL;
			u = 0x10000 + ((u - 0xd800) << 10) + (low - 0xdc00);
		}
		n = utf8_put((uint32_t)u, utf8);
		if (!n)
			return NULL;
		buf_put(&b, utf8, n);
	}
	if (m.bad || !buf_ok(&b))
		return NULL;
	return json_new_str(a, b.n ? buf_view(&b) : SLICE_LIT(""));
}

const char *event_guid(struct arena *a, struct slice g)
{
	const uint8_t *p = g.p;

	if (g.n != 16)
		return "";
	return arena_printf(a, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", p[3], p[2], p[1], p[0], p[5], p[4],
			    p[7], p[6], p[8], p[9], p[10], p[11], p[12], p[13], p[14], p[15]);
}

/* ---- device paths ---- */

static const char *acpi_node(struct arena *a, struct cur *c)
{
	uint32_t hid = cur_le32(c), uid = cur_le32(c);

	return arena_printf(a, "ACPI(%c%c%c%04X,%u)", (char)('@' + (hid >> 10 & 31)), (char)('@' + (hid >> 5 & 31)), (char)('@' + (hid & 31)),
			    hid >> 16, uid);
}

static const char *drive_node(struct arena *a, struct cur *c)
{
	uint32_t n = cur_le32(c);
	uint64_t start = cur_le64(c), size = cur_le64(c);
	struct slice sig = cur_take(c, 16);
	uint8_t format = cur_u8(c), type = cur_u8(c);
	const char *extent = n ? arena_printf(a, ",0x%llx,0x%llx", (unsigned long long)start, (unsigned long long)size) : "";

	if (c->m->bad)
		return NULL;
	if (format == 2 && type == 2)
		return arena_printf(a, "HD(%u,GPT,%s%s)", n, event_guid(a, sig), extent);
	if (format == 1 && type == 1)
		return arena_printf(a, "HD(%u,MBR,0x%08x%s)", n,
				    (uint32_t)sig.p[0] | (uint32_t)sig.p[1] << 8 | (uint32_t)sig.p[2] << 16 | (uint32_t)sig.p[3] << 24, extent);
	return NULL;
}

static const char *file_node(struct arena *a, struct cur *c)
{
	struct slice raw = cur_rest(c);
	struct json *text;

	if (raw.n >= 2 && raw.p[raw.n - 1] == 0 && raw.p[raw.n - 2] == 0)
		raw.n -= 2;
	text = event_utf16(a, raw);
	return text ? arena_printf(a, "File(" SLICE_FMT ")", SLICE_ARG(text->text)) : NULL;
}

static const char *mac_node(struct arena *a, struct cur *c)
{
	struct slice mac = cur_take(c, 32);
	uint8_t type = cur_u8(c);
	char *hex;

	if (c->m->bad)
		return NULL;
	while (mac.n && mac.p[mac.n - 1] == 0)
		mac.n--;
	hex = hex_text(a, mac);
	for (char *p = hex; p && *p; p++)
		*p = (char)(*p >= 'a' ? *p - 32 : *p);
	return hex ? arena_printf(a, "Mac(%s,0x%02x)", hex, type) : NULL;
}

static const char *bbs_node(struct arena *a, struct cur *c)
{
	static const char *const types[] = {NULL, "FLOPPY", "HARD_DRIVE", "CDROM", "PCMCIA", "USB", "EMBEDDED_NETWORK"};
	uint16_t type = cur_le16(c), flag = cur_le16(c);
	struct slice text = cur_rest(c);
	const char *name = type >= 1 && type <= 6 ? types[type] : type == 0x80 ? "DEV" : type == 0xff ? "UNKNOWN" : NULL;

	while (text.n && text.p[text.n - 1] == 0)
		text.n--;
	if (!utf8_valid(text))
		return NULL;
	if (!name)
		name = arena_printf(a, "%u", type);
	return arena_printf(a, "BBS(%s," SLICE_FMT ",%u)", name ? name : "", SLICE_ARG(text), flag);
}

static const char *known_node(struct arena *a, uint8_t type, uint8_t sub, struct cur *c)
{
	uint8_t one, two;
	uint64_t wwn, lun;
	struct slice guid;

	switch (type << 8 | sub) {
	case 0x0101:
		one = cur_u8(c);
		two = cur_u8(c);
		return arena_printf(a, "Pci(%u,%u)", one, two);
	case 0x0201:
		return acpi_node(a, c);
	case 0x0305:
		one = cur_u8(c);
		two = cur_u8(c);
		return arena_printf(a, "USB(%u,%u)", one, two);
	case 0x030b:
		return mac_node(a, c);
	case 0x0315:
		cur_le32(c);
		wwn = cur_be64(c);
		lun = cur_be64(c);
		return arena_printf(a, "FibreEx(0x%llx,0x%llx)", (unsigned long long)wwn, (unsigned long long)lun);
	case 0x0401:
		return drive_node(a, c);
	case 0x0403:
		guid = cur_take(c, 16);
		return c->m->bad ? NULL : arena_printf(a, "VenMedia(%s,%s)", event_guid(a, guid), hex_text(a, cur_rest(c)));
	case 0x0404:
		return file_node(a, c);
	case 0x0501:
		return bbs_node(a, c);
	default:
		return NULL;
	}
}

static struct json *node_text(struct arena *a, uint8_t type, uint8_t sub, struct slice data)
{
	struct msg m;
	struct cur c = cur_open(&m, data);
	const char *text = known_node(a, type, sub, &c);

	if (m.bad || cur_more(&c) || !text)
		text = arena_printf(a, "Path(%u,%u,%s)", type, sub, hex_text(a, data));
	return text ? json_new_cstr(a, text) : NULL;
}

struct json *event_device_path(struct arena *a, struct slice path)
{
	struct json *out = json_new_array(a);
	struct msg m;
	struct cur c = cur_open(&m, path);

	for (unsigned i = 0; i < NODES_MAX && cur_more(&c); i++) {
		uint8_t type = cur_u8(&c), sub = cur_u8(&c);
		uint16_t n = cur_le16(&c);
		struct slice data = n >= 4 ? cur_take(&c, n - 4u) : (struct slice){0};
		struct json *text;

		if (m.bad || n < 4 || type == 0x7f)
			break;
		text = node_text(a, type, sub, data);
		if (text)
			json_push(a, out, text);
	}
	return out;
}

/* ---- GPT ---- */

static struct json *partition(struct arena *a, struct cur *c)
{
	struct slice type = cur_take(c, 16), unique = cur_take(c, 16), name;
	uint64_t first = cur_le64(c), last = cur_le64(c), attr = cur_le64(c);
	struct json *o = json_new_object(a), *text;
	size_t n = 0;

	name = cur_take(c, 72);
	if (c->m->bad)
		return NULL;
	while (n + 1 < name.n && (name.p[n] || name.p[n + 1]))
		n += 2;
	text = event_utf16(a, slice_sub(name, 0, n));
	json_set(a, o, "type_guid", json_new_cstr(a, event_guid(a, type)));
	json_set(a, o, "unique_guid", json_new_cstr(a, event_guid(a, unique)));
	json_set(a, o, "first_lba", json_new_u64(a, first));
	json_set(a, o, "last_lba", json_new_u64(a, last));
	json_set(a, o, "attributes", json_new_u64(a, attr));
	if (text)
		json_set(a, o, "name", text);
	return o;
}

struct json *event_gpt(struct arena *a, struct slice data)
{
	struct json *out = json_new_object(a), *list = json_new_array(a);
	struct slice head, disk;
	struct msg m;
	struct cur c = cur_open(&m, data), h;
	uint32_t entry;
	uint64_t n;

	head = cur_take(&c, 92);
	n = cur_le64(&c);
	if (m.bad || !slice_starts(head, SLICE_LIT("EFI PART")) || n > PARTITIONS_MAX)
		return NULL;
	disk = slice_sub(head, 56, 16);
	entry = (uint32_t)head.p[84] | (uint32_t)head.p[85] << 8 | (uint32_t)head.p[86] << 16 | (uint32_t)head.p[87] << 24;
	if (entry < 128 || entry > 4096)
		return NULL;
	for (uint64_t i = 0; i < n && !m.bad; i++) {
		struct json *p;

		h = cur_sub(&c, entry);
		p = partition(a, &h);
		if (p)
			json_push(a, list, p);
	}
	if (m.bad)
		return NULL;
	json_set(a, out, "disk_guid", json_new_cstr(a, event_guid(a, disk)));
	json_set(a, out, "partitions", list);
	return out;
}

/* ---- signature lists (UEFI 2.10, 32.4.1) ---- */

static const char *signature_type(const char *guid)
{
	static const struct {
		const char *guid, *name;
	} known[] = {
		{"c1c41626-504c-4092-aca9-41f936934328", "sha256"}, {"ff3e5307-9fd0-48c9-85f1-8ad56c701e01", "sha384"},
		{"093e0fae-a6c4-4f50-9f1b-d41e2b89c19a", "sha512"}, {"826ca512-cf10-4ac9-b187-be01496631bd", "sha1"},
		{"a5c059a1-94e4-4aa7-87b5-ab155c2bf072", "x509"},   {"3bd2a492-96c0-4079-b420-fcf98ef103ed", "x509-sha256"},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(known[i].guid, guid))
			return known[i].name;
	return NULL;
}

static size_t hash_bytes(const char *type)
{
	return !strcmp(type, "sha256") ? 32 : !strcmp(type, "sha384") ? 48 : !strcmp(type, "sha512") ? 64 : !strcmp(type, "sha1") ? 20 : 0;
}

static void certificate(struct arena *a, struct json *o, struct slice der)
{
	uint8_t d[DIGEST_MAX];
	struct x509 *x = NULL;
	const char *cn;

	if (rc_ok(digest(DIGEST_SHA256, der, d, NULL)))
		json_set(a, o, "certificate_sha256", json_new_hex(a, slice_of(d, 32)));
	if (!rc_ok(x509_from_der(der, &x, NULL)))
		return;
	cn = x509_subject_cn(x, a);
	if (cn)
		json_set(a, o, "subject", json_new_cstr(a, cn));
	x509_free(x);
}

/* Only data of a type whose size fits is called a hash: bytes of a vendor's own type are just bytes. */
static struct json *signature(struct arena *a, const char *guid, struct slice owner, struct slice data)
{
	const char *type = signature_type(guid);
	struct json *o = json_new_object(a);

	json_set(a, o, "type", json_new_cstr(a, type ? type : guid));
	json_set(a, o, "owner", json_new_cstr(a, event_guid(a, owner)));
	if (type && !strcmp(type, "x509"))
		certificate(a, o, data);
	else if (type && hash_bytes(type) && hash_bytes(type) == data.n)
		json_set(a, o, type, json_new_hex(a, data));
	else
		json_set(a, o, "length", json_new_u64(a, data.n));
	return o;
}

static void signature_list(struct arena *a, struct cur *c, struct json *out)
{
	const char *guid = event_guid(a, cur_take(c, 16));
	uint32_t total = cur_le32(c), header = cur_le32(c), size = cur_le32(c);
	struct cur body;

	/* without memory there is no guid, and the arena says so to whoever asked for the log */
	if (!guid || total < 28 || total - 28 < header || size <= 16 || (total - 28 - header) % size) {
		cur_spoil(c);
		return;
	}
	body = cur_sub(c, total - 28);
	cur_take(&body, header);
	while (cur_more(&body) && out->n < SIGNATURES_MAX) {
		struct slice owner = cur_take(&body, 16), data = cur_take(&body, size - 16);

		if (!c->m->bad)
			json_push(a, out, signature(a, guid, owner, data));
	}
}

struct json *event_signatures(struct arena *a, struct slice lists)
{
	struct json *out = json_new_array(a);
	struct msg m;
	struct cur c = cur_open(&m, lists);

	while (cur_more(&c) && out && out->n < SIGNATURES_MAX)
		signature_list(a, &c, out);
	return m.bad ? NULL : out;
}
