#include "evidence/spdm.h"

#include <stdio.h>

#include "base/cur.h"
#include "codec/base64.h"

#define SPDM_VERSION_1_1 0x11
#define SPDM_GET_MEASUREMENTS 0xE0
#define SPDM_MEASUREMENTS 0x60
#define SPDM_SPEC_DMTF 1

enum form { FORM_HEX, FORM_TEXT, FORM_VBIOS, FORM_COUNTS, FORM_PDIS, FORM_NUMBER, FORM_FEATURE };

static const struct field {
	uint16_t type;
	const char *name;
	enum form form;
} fields[] = {
	{1, "cert_issuer_name", FORM_HEX},
	{2, "cert_authority_key_identifier", FORM_HEX},
	{3, "driver_version", FORM_TEXT},
	{4, "gpu_info", FORM_HEX},
	{5, "id_sku", FORM_HEX},
	{6, "vbios_version", FORM_VBIOS},
	{7, "manufacturer_id", FORM_HEX},
	{8, "tamper_detection", FORM_HEX},
	{9, "smc", FORM_HEX},
	{10, "vpr", FORM_HEX},
	{11, "nvdec0_status", FORM_TEXT},
	{12, "measurement_count", FORM_COUNTS},
	{13, "cpr_info", FORM_HEX},
	{14, "board_id", FORM_HEX},
	{15, "chip_sku", FORM_TEXT},
	{16, "chip_sku_mod", FORM_TEXT},
	{17, "project", FORM_TEXT},
	{18, "project_sku", FORM_TEXT},
	{19, "project_sku_mod", FORM_HEX},
	{20, "fwid", FORM_HEX},
	{21, "protected_pcie_status", FORM_TEXT},
	{22, "switch_pdi", FORM_PDIS},
	{23, "floorswept_ports", FORM_HEX},
	{24, "position_id", FORM_HEX},
	{25, "lock_switch_status", FORM_HEX},
	{26, "gpu_pdis", FORM_PDIS},
	{32, "gpu_link_conn", FORM_HEX},
	{33, "sys_enable_status", FORM_HEX},
	{34, "opaque_data_version", FORM_NUMBER},
	{35, "chip_info", FORM_TEXT},
	{36, "feature_flag", FORM_FEATURE},
};

static RC read_request(struct cur *c, struct spdm_report *rep, struct why *w)
{
	uint8_t version = cur_u8(c), code = cur_u8(c);

	(void)cur_take(c, 2);
	rep->nonce = cur_take(c, 32);
	(void)cur_u8(c);	/* slot */
	TRY(cur_end_open(c, w, "spdm.parse.request", "an SPDM request"));
	if (version != SPDM_VERSION_1_1)
		return deny(w, E_UNSUPPORTED, "spdm.unsupported.version", "SPDM version 0x%02x, expected 0x11", version);
	if (code != SPDM_GET_MEASUREMENTS)
		return deny(w, E_MALFORMED, "spdm.parse.request", "request code 0x%02x, expected 0xe0", code);
	return rc_of(OK);
}

/* One block a turn; an index may stand once. */
static RC read_blocks(struct arena *a, struct cur c, unsigned count, struct spdm_report *rep, struct why *w)
{
	bool seen[256] = {false};

	rep->blocks = arena_array(a, count ? count : 1, struct spdm_block);
	if (!rep->blocks)
		return deny(w, E_INTERNAL, "spdm.memory", "no memory for %u blocks", count);
	for (unsigned i = 0; i < count; i++) {
		struct spdm_block *b = &rep->blocks[i];
		uint8_t spec;
		struct cur value;
		uint16_t n;

		b->index = cur_u8(&c);
		spec = cur_u8(&c);
		n = cur_le16(&c);
		value = cur_sub(&c, n);
		b->type = cur_u8(&value);
		n = cur_le16(&value);
		b->value = cur_take(&value, n);
		TRY(cur_end(&value, w, "spdm.parse.block", "an SPDM measurement block"));
		if (spec != SPDM_SPEC_DMTF)
			return deny(w, E_UNSUPPORTED, "spdm.unsupported.block", "block %u follows specification %u", b->index, spec);
		if (b->index == 0 || seen[b->index])
			return deny(w, E_MALFORMED, "spdm.parse.block-index", "block index %u is 0 or stands twice", b->index);
		seen[b->index] = true;
	}
	rep->blocks_n = count;
	return cur_end(&c, w, "spdm.parse.record", "the SPDM measurement record");
}

static RC read_opaque(struct cur c, struct spdm_report *rep, struct why *w)
{
	while (cur_more(&c)) {
		struct spdm_opaque o;
		uint16_t n;

		o.type = cur_le16(&c);
		n = cur_le16(&c);
		o.value = cur_take(&c, n);
		if (rep->opaque_n == SPDM_OPAQUE_MAX)
			return deny(w, E_MALFORMED, "spdm.parse.opaque", "more than %u opaque fields", SPDM_OPAQUE_MAX);
		for (unsigned i = 0; i < rep->opaque_n; i++)
			if (rep->opaque[i].type == o.type)
				return deny(w, E_MALFORMED, "spdm.parse.opaque", "opaque field %u stands twice", o.type);
		rep->opaque[rep->opaque_n++] = o;
	}
	return cur_end(&c, w, "spdm.parse.opaque", "the SPDM opaque data");
}

RC spdm_parse(struct arena *a, struct slice in, struct spdm_report *out, struct why *w)
{
	struct spdm_report rep = {0};
	struct msg m;
	struct cur c = cur_open(&m, in), record, opaque;
	uint8_t version, code, count;
	size_t record_n;

	TRY(read_request(&c, &rep, w));
	version = cur_u8(&c);
	code = cur_u8(&c);
	(void)cur_take(&c, 2);
	count = cur_u8(&c);
	record_n = cur_le16(&c);
	record_n |= (size_t)cur_u8(&c) << 16;
	record = cur_sub(&c, record_n);
	rep.response_nonce = cur_take(&c, 32);
	opaque = cur_sub(&c, cur_le16(&c));
	rep.body = slice_sub(in, 0, cur_at(&c));
	rep.signature = cur_take(&c, SPDM_SIGNATURE);
	rep.trailing = cur_left(&c);
	TRY(cur_end_open(&c, w, "spdm.parse.response", "an SPDM measurements response"));
	if (version != SPDM_VERSION_1_1)
		return deny(w, E_UNSUPPORTED, "spdm.unsupported.version", "SPDM version 0x%02x, expected 0x11", version);
	if (code != SPDM_MEASUREMENTS)
		return deny(w, E_MALFORMED, "spdm.parse.response", "response code 0x%02x, expected 0x60", code);
	TRY(read_blocks(a, record, count, &rep, w));
	TRY(read_opaque(opaque, &rep, w));
	*out = rep;
	return rc_of(OK);
}

struct slice spdm_opaque(const struct spdm_report *rep, unsigned type)
{
	for (unsigned i = 0; i < rep->opaque_n; i++)
		if (rep->opaque[i].type == type)
			return rep->opaque[i].value;
	return (struct slice){0};
}

const struct spdm_block *spdm_block(const struct spdm_report *rep, unsigned index)
{
	for (unsigned i = 0; i < rep->blocks_n; i++)
		if (rep->blocks[i].index == index)
			return &rep->blocks[i];
	return NULL;
}

/* ---- text forms ---- */

const char *spdm_text(struct arena *a, struct slice field)
{
	size_t n = 0;

	while (n < field.n && field.p[n])
		if (field.p[n] < 0x20 || field.p[n++] > 0x7e)
			return NULL;
	return n ? arena_strndup(a, field.p, n) : NULL;
}

const char *spdm_vbios_text(struct arena *a, struct slice f, bool upper)
{
	const char *text;

	/* a GPU: four bytes in reverse, then the first of the other four */
	if (f.n == 8)
		return arena_printf(a, upper ? "%02X.%02X.%02X.%02X.%02X" : "%02x.%02x.%02x.%02x.%02x", f.p[3], f.p[2], f.p[1],
				    f.p[0], f.p[4]);
	text = spdm_text(a, f);
	return text && strspn(text, "0123456789ABCDEFabcdef.") == strlen(text) ? text : NULL;
}

static struct json *counts_json(struct arena *a, struct slice f)
{
	struct json *o = json_new_object(a);
	struct msg m;
	struct cur c = cur_open(&m, f);
	char name[16];

	for (unsigned i = 1; cur_left(&c) >= 4; i++) {
		snprintf(name, sizeof(name), "%u", i);
		json_set(a, o, name, json_new_u64(a, cur_le32(&c)));
	}
	return o;
}

static struct json *pdis_json(struct arena *a, struct slice f)
{
	struct json *list = json_new_array(a);

	for (size_t at = 0; at + 8 <= f.n; at += 8)
		json_push(a, list, json_new_hex(a, slice_sub(f, at, 8)));
	return list;
}

static struct json *number_json(struct arena *a, struct slice f)
{
	uint64_t v = 0;

	if (f.n > 8)
		return json_new_hex(a, f);
	for (size_t i = f.n; i-- > 0;)
		v = v << 8 | f.p[i];
	return json_new_u64(a, v);
}

static struct json *feature_json(struct arena *a, struct slice f)
{
	static const char *const names[] = {"SPT", "MPT", "PPCIE"};
	bool small = f.n > 0 && f.p[0] < 3;

	for (size_t i = 1; i < f.n; i++)
		small = small && f.p[i] == 0;
	return json_new_cstr(a, small ? names[f.p[0]] : "unknown");
}

static struct json *field_json(struct arena *a, enum form form, struct slice f)
{
	const char *text;

	switch (form) {
	case FORM_HEX:
		return json_new_hex(a, f);
	case FORM_TEXT:
		text = spdm_text(a, f);
		return text ? json_new_cstr(a, text) : json_new_hex(a, f);
	case FORM_VBIOS:
		text = spdm_vbios_text(a, f, false);
		return text ? json_new_cstr(a, text) : json_new_hex(a, f);
	case FORM_COUNTS:
		return counts_json(a, f);
	case FORM_PDIS:
		return pdis_json(a, f);
	case FORM_NUMBER:
		return number_json(a, f);
	case FORM_FEATURE:
		return feature_json(a, f);
	}
	return NULL;
}

struct json *spdm_opaque_json(struct arena *a, const struct spdm_report *rep)
{
	struct json *o = json_new_object(a);
	char other[24];

	for (unsigned i = 0; i < rep->opaque_n; i++) {
		const struct spdm_opaque *op = &rep->opaque[i];
		const struct field *f = NULL;

		for (size_t k = 0; k < sizeof(fields) / sizeof(fields[0]); k++)
			if (fields[k].type == op->type)
				f = &fields[k];
		snprintf(other, sizeof(other), "opaque_%u", op->type);
		json_set(a, o, f ? f->name : other, field_json(a, f ? f->form : FORM_HEX, op->value));
	}
	return arena_bad(a) ? NULL : o;
}

struct json *spdm_blocks_json(struct arena *a, const struct spdm_report *rep)
{
	struct json *o = json_new_object(a);
	char name[8];

	for (unsigned i = 0; i < rep->blocks_n; i++) {
		snprintf(name, sizeof(name), "%u", rep->blocks[i].index);
		json_set(a, o, name, json_new_hex(a, rep->blocks[i].value));
	}
	return arena_bad(a) ? NULL : o;
}
