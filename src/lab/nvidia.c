/* nvidia.c - GPUs and switches of NVIDIA's shape: a device chain with the DICE extension, an SPDM report, the manifests of its driver and
 * VBIOS with a chain of their own, and a responder's answers for every certificate that is asked about. */
#include "base/num.h"
#include "codec/base64.h"
#include "evidence/spdm.h"
#include "lab/lab_ocsp.h"
#include "lab/lab_rim.h"
#include "lab/lab_x509.h"
#include "lab/shapes.h"

#define DAY 86400
#define DRIVER	"550.90.07"
#define FWID	"fdfdfdfdfdfdfdfdfdfdfdfdfdfdfdfdfdfdfdfdfdfdfdfdfdfdfdfdfdfdfdfdfdfdfdfdfdfdfdfdfdfdfdfdfdfdfdfd"
#define PDI	"0102030405060708"
#define BLOCK(c) c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c

static const struct kind {
	const char *variant, *arch;
	const char *identity;	/* common name of the device */
	const char *driver_rim, *vbios_rim;
} kinds[] = {
	{"hopper", "HOPPER", "GH100 A01 GSP BROM", "NV_GPU_DRIVER_GH100_" DRIVER, "NV_GPU_VBIOS_1010_0200_882_96009F0001"},
	{"blackwell", "BLACKWELL", "GB100 A01 GSP BROM", "NV_GPU_CC_DRIVER_GB100_" DRIVER, "NV_GPU_VBIOS_1010_0200_882_96009F0001"},
	{"ls10", "LS10", "LS10 A01 FSP BROM", NULL, "NV_SWITCH_BIOS_5612_0002_890_96009F0001"},
};

static const struct kind *kind_of(struct slice variant)
{
	for (size_t i = 0; i < COUNT_OF(kinds); i++)
		if (slice_is(variant, kinds[i].variant))
			return &kinds[i];
	return &kinds[0];
}

/* ---- chains ---- */

struct link {
	const char *subject;
	struct slice key, der;
	const struct lab_ext *ext;
};

/* From the root down; the last is no authority. */
static RC make_chain(struct link *l, size_t n, const struct lab_options *o, uint64_t serial, struct arena *a, struct why *w)
{
	for (size_t i = 0; i < n; i++) {
		const struct link *above = i ? &l[i - 1] : l;
		struct lab_cert c = {.subject = l[i].subject, .issuer = above->subject, .serial = serial + i, .from_s = o->now_s - DAY,
				     .to_s = o->now_s + 365 * DAY, .ca = i + 1 < n, .ext = l[i].ext, .ext_n = l[i].ext != NULL};

		TRY(lab_key_new(LAB_P384, a, &l[i].key, w));
		c.key = l[i].key;
		c.signer = above->key;
		TRY(lab_cert(&c, a, &l[i].der, w));
	}
	return rc_of(OK);
}

/* The answer about the certificate at i, and what a responder needs to answer again: the certificate with its issuer, and the issuer's
 * key. */
static RC add_answer(struct lab_world *l, const struct link *chain, size_t i, const char *file, const struct lab_options *o, struct arena *a,
		     struct why *w)
{
	struct buf pem = buf_in(a, 0);
	const struct lab_ocsp q = {.cert = chain[i].der, .issuer = chain[i - 1].der, .issuer_key = chain[i - 1].key, .this_s = o->now_s - DAY,
				   .next_s = o->now_s + 365 * DAY};
	struct lab_item *item;
	struct slice der;
	const char *name;

	TRY(lab_ocsp(&q, a, &der, &name, w));
	item = lab_add(l, file, der);
	item->kind = "nvidia-ocsp";
	item->key = name;
	buf_slice(&pem, lab_pem("CERTIFICATE", chain[i].der, a));
	buf_slice(&pem, lab_pem("CERTIFICATE", chain[i - 1].der, a));
	lab_add(l, arena_printf(a, "%s.pem", file), buf_view(&pem));
	lab_add(l, arena_printf(a, "%s.key", file), chain[i - 1].key);
	return rc_of(OK);
}

/* The firmware that signs, as the leaf's DICE extension has it: a CompositeDeviceID that ends with SEQUENCE { sha384, FWID }. */
static RC dice(struct arena *a, struct slice *out, struct why *w)
{
	static const uint8_t head[] = {0x30, 0x3f, 0x30, 0x3d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x04, 0x30};
	struct buf b = buf_in(a, 128);
	struct slice fwid;

	TRY(hex_decode(a, slice_cstr(FWID), &fwid, "FWID", w));
	buf_put(&b, head, sizeof(head));
	buf_slice(&b, fwid);
	*out = buf_view(&b);
	return rc_of(OK);
}

static RC make_device(const struct lab_options *o, const struct kind *k, struct arena *a, struct lab_world *l, struct why *w)
{
	struct lab_ext ext = {.oid = "2.23.133.5.4.1"};
	struct link chain[4] = {{.subject = "CN=Lab Device Identity CA,O=Lab"}, {.subject = "CN=Lab Provisioner ICA,O=Lab"},
				{.subject = arena_printf(a, "CN=%s,O=Lab", k->identity)},
				{.subject = arena_printf(a, "CN=%s FMC LF,O=Lab", k->identity), .ext = &ext}};
	struct buf pem = buf_in(a, 0);

	TRY(dice(a, &ext.value, w));
	TRY(make_chain(chain, COUNT_OF(chain), o, 1, a, w));
	for (size_t i = COUNT_OF(chain); i-- > 0;)
		buf_slice(&pem, lab_pem("CERTIFICATE", chain[i].der, a));
	lab_add(l, "device-root.pem", lab_pem("CERTIFICATE", chain[0].der, a))->anchor = "nvidia-device-root";
	lab_add(l, "device.pem", buf_view(&pem));
	lab_add(l, "device.key", chain[3].key);
	/* nobody answers for the root, and nobody for the leaf, which the device makes itself */
	TRY(add_answer(l, chain, 1, "device-ica.ocsp", o, a, w));
	return add_answer(l, chain, 2, "device-identity.ocsp", o, a, w);
}

static RC add_rim(struct lab_world *l, const char *file, const char *id, struct lab_rim *r, struct arena *a, struct why *w)
{
	struct lab_item *item;
	struct slice xml;

	TRY(lab_rim(r, a, &xml, w));
	item = lab_add(l, file, xml);
	item->kind = "nvidia-rim";
	item->key = id;
	return rc_of(OK);
}

/* Golden values: the driver's for blocks 1 and 2, the VBIOS' for block 3. Block 4 is nobody's. */
static RC make_rims(const struct lab_options *o, const struct kind *k, struct arena *a, struct lab_world *l, struct why *w)
{
	struct link chain[3] = {{.subject = "CN=Lab CoRIM signing Root CA,O=Lab"}, {.subject = "CN=Lab CoRIM ICA,O=Lab"},
				{.subject = "CN=Lab CoRIM signer,O=Lab"}};
	struct lab_golden golden[3] = {{.index = 0}, {.index = 1}, {.index = 2}};
	struct slice up[3];
	struct lab_rim r = {.product = "lab", .chain = up, .chain_n = 3};

	TRY(make_chain(chain, COUNT_OF(chain), o, 100, a, w));
	for (size_t i = 0; i < 3; i++)
		up[i] = chain[2 - i].der;
	TRY(hex_decode(a, slice_cstr(BLOCK("11")), &golden[0].value, "block", w));
	TRY(hex_decode(a, slice_cstr(BLOCK("22")), &golden[1].value, "block", w));
	TRY(hex_decode(a, slice_cstr(BLOCK("33")), &golden[2].value, "block", w));
	lab_add(l, "rim-root.pem", lab_pem("CERTIFICATE", chain[0].der, a))->anchor = "nvidia-rim-root";
	TRY(add_answer(l, chain, 1, "rim-ica.ocsp", o, a, w));
	TRY(add_answer(l, chain, 2, "rim-signer.ocsp", o, a, w));
	r.key = chain[2].key;
	r.golden = golden;
	r.golden_n = k->driver_rim ? 2 : 3;	/* a switch has one manifest */
	r.version = k->driver_rim ? DRIVER : "96.00.9F.00.01";
	TRY(add_rim(l, k->driver_rim ? "driver.rim" : "bios.rim", k->driver_rim ? k->driver_rim : k->vbios_rim, &r, a, w));
	if (!k->driver_rim)
		return rc_of(OK);
	r.golden = golden + 2;
	r.golden_n = 1;
	r.version = "96.00.9F.00.01";
	return add_rim(l, "vbios.rim", k->vbios_rim, &r, a, w);
}

static RC make(const struct lab_options *o, struct arena *a, struct lab_world *l, struct why *w)
{
	const struct kind *k = kind_of(slice_cstr(o->variant));

	lab_add(l, "variant", slice_cstr(k->variant));
	TRY(make_device(o, k, a, l, w));
	return make_rims(o, k, a, l, w);
}

/* ---- reports ---- */

static void put_blocks(struct buf *b, const struct json *list, struct arena *a)
{
	for (size_t i = 0; i < list->n; i++) {
		struct slice v = {0};

		if (!rc_ok(hex_decode(a, list->items[i]->text, &v, "block", NULL)))
			b->bad = true;
		buf_putc(b, (char)(i + 1));
		buf_putc(b, 1);	/* DMTF */
		buf_le16(b, (uint16_t)(v.n + 3));
		buf_putc(b, 1);
		buf_le16(b, (uint16_t)v.n);
		buf_slice(b, v);
	}
}

static void put_opaque(struct buf *b, uint16_t type, struct slice v, bool text)
{
	buf_le16(b, type);
	buf_le16(b, (uint16_t)(v.n + text));
	buf_slice(b, v);
	if (text)
		buf_putc(b, 0);
}

static struct slice opaque(const struct json *fields, bool is_switch, struct arena *a)
{
	struct slice fwid = lab_hex(fields, "fwid", a);
	struct buf b = buf_in(a, 0);

	put_opaque(&b, SPDM_VBIOS_VERSION, lab_hex(fields, "vbios_version", a), false);
	if (fwid.n)	/* older drivers do not tell */
		put_opaque(&b, SPDM_FWID, fwid, false);
	if (is_switch) {
		put_opaque(&b, SPDM_SWITCH_PDI, lab_hex(fields, "pdi", a), false);
		return buf_view(&b);
	}
	put_opaque(&b, SPDM_DRIVER_VERSION, lab_text(fields, "driver_version"), true);
	put_opaque(&b, SPDM_CHIP_SKU, lab_text(fields, "chip_sku"), true);
	put_opaque(&b, SPDM_PROJECT, lab_text(fields, "project"), true);
	put_opaque(&b, SPDM_PROJECT_SKU, lab_text(fields, "project_sku"), true);
	return buf_view(&b);
}

static RC report(const struct lab_world *l, const struct lab_binding *bind, const struct json *fields, bool is_switch, struct arena *a,
		 struct slice *out, struct why *w)
{
	const struct json *list = json_get(fields, "measurements");
	struct buf b = buf_in(a, 0), record = buf_in(a, 0);
	struct slice more = opaque(fields, is_switch, a), sig;

	put_blocks(&record, list, a);
	buf_put(&b, "\x11\xe0\x01\xff", 4);
	buf_slice(&b, lab_fit(bind->report_data, 32, a));
	buf_putc(&b, 0);
	buf_put(&b, "\x11\x60\0\0", 4);
	buf_putc(&b, (char)list->n);
	buf_le16(&b, (uint16_t)record.n);
	buf_putc(&b, (char)(record.n >> 16));
	buf_slice(&b, buf_view(&record));
	buf_slice(&b, lab_fit(lab_hex(fields, "response_nonce", a), 32, a));
	buf_le16(&b, (uint16_t)more.n);
	buf_slice(&b, more);
	TRY(lab_sign(lab_item(l, "device.key"), LAB_ECDSA, DIGEST_SHA384, buf_view(&b), a, &sig, w));
	buf_slice(&b, sig);
	*out = buf_view(&b);
	return buf_ok(&b) && buf_ok(&record) ? rc_of(OK) : lab_failed(w, "a report");
}

static RC evidence(const struct lab_world *l, const struct lab_binding *bind, const struct json *fields, struct arena *a, struct slice *out,
		   struct why *w)
{
	const struct kind *k = kind_of(lab_item(l, "variant"));
	struct json *doc = json_new_object(a), *list = json_new_array(a), *one = json_new_object(a);
	struct slice rep;

	TRY(report(l, bind, fields, !k->driver_rim, a, &rep, w));
	json_set(a, one, "arch", json_new_cstr(a, k->arch));
	json_set(a, one, "uuid", json_new_str(a, lab_text(fields, "uuid")));
	json_set(a, one, "evidence", json_new_b64(a, rep));
	json_set(a, one, "certificate", json_new_b64(a, lab_item(l, "device.pem")));
	json_push(a, list, one);
	json_set(a, doc, "device_evidence_list", list);
	*out = json_text(a, doc);
	return rc_of(OK);
}

const struct lab_shape lab_nvidia = {
	.tee = "nvidia",
	.what = "device chain, SPDM report; driver and VBIOS manifests under a root of their own; OCSP answers",
	.variants = "hopper, blackwell, ls10",
	.fields = "{\"uuid\": \"GPU-lab\", \"driver_version\": \"" DRIVER "\", \"vbios_version\": \"009f009601000000\", \"fwid\": \"" FWID "\","
		  "\"chip_sku\": \"882\", \"project\": \"1010\", \"project_sku\": \"0200\", \"pdi\": \"" PDI "\", \"response_nonce\": \"" PDI "\","
		  "\"measurements\": [\"" BLOCK("11") "\", \"" BLOCK("22") "\", \"" BLOCK("33") "\", \"" BLOCK("44") "\"]}",
	.values = "{\"allowed_vbios_versions\": [\"96.00.9F.00.01\"], \"allowed_driver_versions\": [\"" DRIVER "\"],"
		  "\"allowed_switch_bios_versions\": [\"96.00.9F.00.01\"]}",
	.make = make,
	.evidence = evidence,
};
