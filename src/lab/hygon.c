/* hygon.c - machines of Hygon's shape: HRK, HSK, CEK and PEK in the vendor's own certificates, SM2 with SM3 under user ids; CSV
 * reports of both versions, and reports of DCU accelerators. */
#include "base/num.h"
#include "codec/base64.h"
#include "evidence/hygon.h"
#include "lab/lab_eventlog.h"
#include "lab/lab_x509.h"
#include "lab/shapes.h"

#define SERIAL "LAB0123456789"
#define UID_MAX 254u
#define FIELD 72u

struct names {
	const char *key, *uid;
};

static const struct names hrk = {"hrk.key", "LAB-HRK"}, hsk = {"hsk.key", "LAB-HSK"}, cek = {"cek.key", "LAB-CEK"},
			  pek = {"pek.key", "LAB-PEK"};

/* A number of the vendor's: 32 bytes little endian, zeros behind. */
static void put_field(struct buf *b, struct slice be)
{
	uint8_t *p = buf_reserve(b, FIELD);

	for (size_t i = 0; p && i < be.n; i++)
		p[i] = be.p[be.n - 1 - i];
}

static RC put_point(struct buf *b, const struct lab_world *l, const char *key, struct arena *a, struct why *w)
{
	struct slice x, y;

	TRY(lab_key_xy(lab_item(l, key), a, &x, &y, w));
	put_field(b, x);
	put_field(b, y);
	return rc_of(OK);
}

static RC put_signature(struct buf *b, const struct lab_world *l, const struct names *signer, struct slice body, struct arena *a,
			struct why *w)
{
	struct slice rs;

	TRY(lab_sign_sm2(lab_item(l, signer->key), slice_cstr(signer->uid), body, a, &rs, w));
	put_field(b, slice_sub(rs, 0, 32));
	put_field(b, slice_sub(rs, 32, 32));
	return rc_of(OK);
}

static void put_uid(struct buf *b, const char *uid)
{
	uint8_t *p;

	buf_le16(b, (uint16_t)strlen(uid));
	p = buf_reserve(b, UID_MAX);
	if (p)
		memcpy(p, uid, strlen(uid));
}

/* kid and sid name keys: the first letters of their user ids will do. */
static void put_id(struct buf *b, const char *uid)
{
	uint8_t *p = buf_reserve(b, 16);

	if (p)
		memcpy(p, uid, strlen(uid));
}

static RC ca_cert(const struct lab_world *l, const struct names *own, const struct names *signer, uint32_t usage, struct arena *a,
		  struct slice *out, struct why *w)
{
	struct buf b = buf_in(a, HYGON_CA_SIZE);

	buf_le32(&b, 1);
	put_id(&b, own->uid);
	put_id(&b, signer->uid);
	buf_le32(&b, usage);
	(void)buf_reserve(&b, 24);
	buf_le32(&b, HYGON_CURVE_SM2);
	TRY(put_point(&b, l, own->key, a, w));
	put_uid(&b, own->uid);
	(void)buf_reserve(&b, 108);
	TRY(put_signature(&b, l, signer, buf_view(&b), a, w));
	(void)buf_reserve(&b, 112);
	*out = buf_view(&b);
	return out->n == HYGON_CA_SIZE ? rc_of(OK) : lab_failed(w, "a CA certificate");
}

/* The second signature is unused: its usage says so. */
static RC csv_cert(const struct lab_world *l, const struct names *own, const struct names *signer, uint32_t usage, uint32_t signer_usage,
		   struct arena *a, struct slice *out, struct why *w)
{
	struct buf b = buf_in(a, HYGON_CSV_SIZE);

	buf_le32(&b, 1);
	buf_put(&b, "\1\5\0\0", 4);	/* firmware 1.5 */
	buf_le32(&b, usage);
	buf_le32(&b, HYGON_SM2_SIGN);
	buf_le32(&b, HYGON_CURVE_SM2);
	TRY(put_point(&b, l, own->key, a, w));
	put_uid(&b, own->uid);
	(void)buf_reserve(&b, 16 + 608);
	buf_le32(&b, signer_usage);
	buf_le32(&b, HYGON_SM2_SIGN);
	TRY(put_signature(&b, l, signer, slice_sub(buf_view(&b), 0, 0x414), a, w));
	(void)buf_reserve(&b, 368);
	buf_le32(&b, HYGON_INVALID);
	(void)buf_reserve(&b, 4 + 2 * FIELD + 368);
	*out = buf_view(&b);
	return out->n == HYGON_CSV_SIZE ? rc_of(OK) : lab_failed(w, "a CSV certificate");
}

static RC make(const struct lab_options *o, const char *serial, struct arena *a, struct lab_world *l, struct why *w)
{
	const struct names *const all[] = {&hrk, &hsk, &cek, &pek};
	struct slice key, spki, root, der[2], pek_cert;
	struct buf pair = buf_in(a, 0);
	struct lab_item *item;

	lab_add(l, "variant", slice_cstr(o->variant ? o->variant : "v2"));
	for (size_t i = 0; i < COUNT_OF(all); i++) {
		TRY(lab_key_new(LAB_SM2, a, &key, w));
		lab_add(l, all[i]->key, key);
	}
	TRY(ca_cert(l, &hrk, &hrk, HYGON_HRK, a, &root, w));
	TRY(ca_cert(l, &hsk, &hrk, HYGON_HSK, a, &der[0], w));
	TRY(csv_cert(l, &cek, &hsk, HYGON_CEK, HYGON_HSK, a, &der[1], w));
	TRY(csv_cert(l, &pek, &cek, HYGON_PEK, HYGON_CEK, a, &pek_cert, w));
	buf_slice(&pair, der[0]);
	buf_slice(&pair, der[1]);
	TRY(lab_key_public(lab_item(l, hrk.key), a, &spki, w));
	lab_add(l, "hrk.pem", lab_pem("PUBLIC KEY", spki, a))->anchor = "hygon-hrk";
	item = lab_add(l, "hrk.cert", root);
	item->kind = "hygon-hrk";
	item->key = "";
	item = lab_add(l, "hsk_cek.cert", buf_view(&pair));
	item->kind = "hygon-hsk-cek";
	item->key = serial;
	lab_add(l, "pek.cert", pek_cert);
	return rc_of(OK);
}

/* ---- certificates and numbers as JSON ---- */

static void set_octets(struct arena *a, struct json *o, const char *name, struct slice bytes)
{
	struct json *v = json_new_array(a);

	for (size_t i = 0; i < bytes.n; i++)
		json_push(a, v, json_new_u64(a, bytes.p[i]));
	json_set(a, o, name, v);
}

static void set_part(struct arena *a, struct json *o, const char *name, struct slice in, size_t at, size_t n)
{
	set_octets(a, o, name, slice_sub(in, at, n));
}

static void set_le(struct arena *a, struct json *o, const char *name, struct slice in, size_t at, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v |= (uint64_t)in.p[at + i] << (8 * i);
	json_set(a, o, name, json_new_u64(a, v));
}

static struct json *member(struct arena *a, struct json *o, const char *name)
{
	struct json *v = json_new_object(a);

	json_set(a, o, name, v);
	return v;
}

static struct json *csv_cert_json(struct arena *a, struct slice c)
{
	struct json *cert = json_new_object(a), *body = member(a, cert, "body"), *data = member(a, body, "data"), *fw, *key, *point, *sigs;

	set_le(a, body, "ver", c, 0, 4);
	fw = member(a, data, "firmware");
	set_le(a, fw, "major", c, 4, 1);
	set_le(a, fw, "minor", c, 5, 1);
	set_le(a, data, "reserved1", c, 6, 2);
	key = member(a, data, "pubkey");
	set_le(a, key, "usage", c, 8, 4);
	set_le(a, key, "algo", c, 12, 4);
	point = member(a, key, "key");
	set_le(a, point, "g", c, 0x10, 4);
	set_part(a, point, "x", c, 0x14, FIELD);
	set_part(a, point, "y", c, 0x5c, FIELD);
	set_le(a, data, "uid_size", c, 0xa4, 2);
	set_part(a, data, "user_id", c, 0xa6, UID_MAX);
	set_part(a, data, "sid", c, 0x1a4, 16);
	set_part(a, data, "reserved2", c, 0x1b4, 608);
	sigs = json_new_array(a);
	for (size_t at = 0x414; at < HYGON_CSV_SIZE; at += 520) {
		struct json *one = json_new_object(a), *rs = member(a, one, "signature");

		set_le(a, one, "usage", c, at, 4);
		set_le(a, one, "algo", c, at + 4, 4);
		set_part(a, rs, "r", c, at + 8, FIELD);
		set_part(a, rs, "s", c, at + 8 + FIELD, FIELD);
		set_part(a, one, "_reserved", c, at + 8 + 2 * FIELD, 368);
		json_push(a, sigs, one);
	}
	json_set(a, cert, "sigs", sigs);
	return cert;
}

/* ---- CSV ---- */

static RC csv_make(const struct lab_options *o, struct arena *a, struct lab_world *l, struct why *w)
{
	return make(o, SERIAL, a, l, w);
}

/* A register: the caller's, or what the log leaves. */
static RC put_register(struct buf *b, const struct json *fields, uint32_t i, struct arena *a, struct why *w)
{
	struct slice given = lab_hex(fields, (const char *[]){"rtmr0", "rtmr1", "rtmr2", "rtmr3", "rtmr4"}[i], a);
	uint8_t v[32];

	TRY(lab_register(json_get(fields, "events"), DIGEST_SM3, i, v, a, w));
	buf_slice(b, given.n ? lab_fit(given, 32, a) : arena_dup(a, slice_of(v, 32)));
	return rc_of(OK);
}

/* Up to sig_algo, which both versions have alike. */
static void put_head(struct buf *b, const struct lab_binding *bind, const struct json *fields, struct arena *a)
{
	buf_slice(b, lab_fit(lab_hex(fields, "user_pubkey_digest", a), 32, a));
	buf_slice(b, lab_fit(lab_hex(fields, "vm_id", a), 16, a));
	buf_slice(b, lab_fit(lab_hex(fields, "vm_version", a), 16, a));
	buf_slice(b, lab_fit(bind->report_data, 64, a));
	buf_slice(b, lab_fit(lab_hex(fields, "mnonce", a), 16, a));
	buf_slice(b, lab_fit(lab_hex(fields, "measure", a), 32, a));
	buf_le32(b, (uint32_t)lab_number(fields, "policy"));
	buf_le32(b, (uint32_t)lab_number(fields, "sig_usage"));
	buf_le32(b, HYGON_SM2_SIGN);
}

static RC report_v1(const struct lab_world *l, const struct lab_binding *bind, const struct json *fields, struct arena *a, struct buf *b,
		    struct why *w)
{
	uint32_t anonce = (uint32_t)lab_number(fields, "anonce");

	put_head(b, bind, fields, a);
	for (size_t i = 0; buf_ok(b) && i < b->n; i++)
		b->p[i] ^= (uint8_t)(anonce >> (8 * (i % 4)));
	buf_le32(b, anonce);
	return put_signature(b, l, &pek, slice_sub(buf_view(b), 0, 0xb4), a, w);
}

static RC report_v2(const struct lab_world *l, const struct lab_binding *bind, const struct json *fields, struct arena *a, struct buf *b,
		    struct why *w)
{
	put_head(b, bind, fields, a);
	buf_le32(b, (uint32_t)lab_number(fields, "build"));
	buf_le16(b, (uint16_t)lab_number(fields, "rtmr_version"));
	(void)buf_reserve(b, 14);
	for (uint32_t i = 0; i < 5; i++)
		TRY(put_register(b, fields, i, a, w));
	(void)buf_reserve(b, 656);
	return put_signature(b, l, &pek, buf_view(b), a, w);
}

static RC csv_evidence(const struct lab_world *l, const struct lab_binding *bind, const struct json *fields, struct arena *a,
		       struct slice *out, struct why *w)
{
	static const struct lab_banks sm3 = {{DIGEST_SM3}, 1};
	bool v1 = slice_is(lab_item(l, "variant"), "v1");
	struct json *doc = json_new_object(a), *att = member(a, doc, "attestation_report"), *chain;
	struct buf b = buf_in(a, 0);
	struct slice log;

	TRY(v1 ? report_v1(l, bind, fields, a, &b, w) : report_v2(l, bind, fields, a, &b, w));
	set_octets(a, att, "magic", slice_of("ATTESTATION_EXT\0", 16));
	json_set(a, att, "flags", json_new_u64(a, v1 ? 0 : 1));
	set_octets(a, att, "data", lab_fit(buf_view(&b), 4096, a));
	chain = member(a, doc, "cert_chain");
	json_set(a, chain, "hsk_cek", json_new_null(a));
	json_set(a, chain, "pek", csv_cert_json(a, lab_item(l, "pek.cert")));
	set_octets(a, doc, "serial_number", lab_fit(slice_cstr(SERIAL), 64, a));
	if (!v1) {
		TRY(lab_eventlog(json_get(fields, "events"), &sm3, a, &log, w));
		json_set(a, doc, "cc_eventlog", json_new_b64(a, log));
	}
	*out = json_text(a, doc);
	return rc_of(OK);
}

#define MEASURE "3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e"
#define ZERO32	"0000000000000000000000000000000000000000000000000000000000000000"
#define ZERO16	"00000000000000000000000000000000"

const struct lab_shape lab_csv = {
	.tee = "csv",
	.what = "HRK, HSK, CEK and PEK, SM2 with SM3; reports of version 2 with registers and a log that replays, and of version 1",
	.variants = "v2, v1",
	.fields = "{\"user_pubkey_digest\": \"" ZERO32 "\", \"vm_id\": \"" ZERO16 "\", \"vm_version\": \"" ZERO16 "\", \"mnonce\": \"0102030405060708090a0b0c0d0e0f10\","
		  "\"measure\": \"" MEASURE "\", \"policy\": 7, \"sig_usage\": 4098, \"anonce\": 305419896, \"build\": 1873, \"rtmr_version\": 1,"
		  "\"rtmr0\": \"\", \"rtmr1\": \"\", \"rtmr2\": \"\", \"rtmr3\": \"\", \"rtmr4\": \"\","
		  "\"events\": [[1, 2147483649, \"6c61622d76617269\"], [2, 4, \"00000000\"], [3, 13, \"6b65726e656c\"], [4, 6, \"00000000\"]]}",
	.values = "{\"csv_measure\": [\"" MEASURE "\"]}",
	.make = csv_make,
	.evidence = csv_evidence,
};

/* ---- DCU ---- */

static RC dcu_make(const struct lab_options *o, struct arena *a, struct lab_world *l, struct why *w)
{
	return make(o, "LABDCU0", a, l, w);
}

static RC dcu_evidence(const struct lab_world *l, const struct lab_binding *bind, const struct json *fields, struct arena *a,
		       struct slice *out, struct why *w)
{
	struct json *doc = json_new_object(a), *list = json_new_array(a), *one = json_new_object(a), *body = member(a, one, "body"), *sig;
	struct buf b = buf_in(a, 0), rs = buf_in(a, 0);

	buf_le32(&b, (uint32_t)lab_number(fields, "version"));
	buf_slice(&b, lab_fit(slice_cstr("LABDCU0"), 16, a));
	buf_slice(&b, lab_fit(bind->report_data, 64, a));
	buf_slice(&b, lab_fit(lab_hex(fields, "measure", a), 32, a));
	buf_slice(&b, lab_fit(lab_hex(fields, "reserved", a), 128, a));
	buf_le32(&b, (uint32_t)lab_number(fields, "sig_usage"));
	buf_le32(&b, HYGON_SM2_SIGN);
	TRY(put_signature(&rs, l, &cek, buf_view(&b), a, w));
	set_le(a, body, "version", buf_view(&b), 0, 4);
	set_part(a, body, "chip_id", buf_view(&b), 4, 16);
	set_part(a, body, "user_data", buf_view(&b), 20, 64);
	set_part(a, body, "measure", buf_view(&b), 84, 32);
	set_part(a, body, "reserved", buf_view(&b), 116, 128);
	set_le(a, body, "sig_usage", buf_view(&b), 244, 4);
	set_le(a, body, "sig_algo", buf_view(&b), 248, 4);
	sig = member(a, one, "sig");
	set_part(a, sig, "r", buf_view(&rs), 0, FIELD);
	set_part(a, sig, "s", buf_view(&rs), FIELD, FIELD);
	json_push(a, list, one);
	json_set(a, doc, "attestation_reports", list);
	*out = json_text(a, doc);
	return rc_of(OK);
}

const struct lab_shape lab_dcu = {
	.tee = "hygondcu",
	.what = "the same chain down to the CEK, and a report of one accelerator",
	.fields = "{\"version\": 1, \"measure\": \"" MEASURE "\", \"reserved\": \"" ZERO32 "\", \"sig_usage\": 4100}",
	.values = "{\"dcu_measure\": [\"" MEASURE "\"]}",
	.make = dcu_make,
	.evidence = dcu_evidence,
};
