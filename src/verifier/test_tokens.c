/* Signed tokens with one claim left out or of another kind or size, signed again by the key that signs them: what their drivers take. */
#include "verifier/test_world.h"

#include "base/num.h"
#include "codec/cbor.h"
#include "evidence/octets.h"
#include "lab/lab_x509.h"

/* One value of a document in the place of another, in CBOR; p == NULL: none. */
struct edit {
	const struct cbor *at;
	struct slice with;
};

static void put(struct buf *b, const struct cbor *v, const struct edit *e)
{
	size_t n = v->n, pairs = cbor_is(v, CBOR_MAP) ? 2 : 1;
	bool gone = false;

	if (v == e->at) {
		buf_slice(b, e->with);
		return;
	}
	if (!cbor_is(v, CBOR_MAP) && !cbor_is(v, CBOR_ARRAY)) {
		buf_slice(b, v->raw);
		return;
	}
	for (size_t i = 0; !e->with.p && i < n; i++)
		gone = gone || v->items[i * pairs + pairs - 1] == e->at;
	if (pairs == 2)
		cbor_put_map(b, n - gone);
	else
		cbor_put_array(b, n - gone);
	for (size_t i = 0; i < n; i++) {
		if (!e->with.p && v->items[i * pairs + pairs - 1] == e->at)
			continue;
		if (pairs == 2)
			buf_slice(b, v->items[2 * i]->raw);
		put(b, v->items[i * pairs + pairs - 1], e);
	}
}

/* A COSE_Sign1 with the head of `of` around another payload. */
static struct slice signed_again(struct arena *a, struct slice of, struct slice key_pem, struct slice payload)
{
	struct cbor *v = NULL;
	const struct cbor *list;
	struct buf tbs = buf_in(a, 0), out = buf_in(a, 0);
	struct slice sig;

	assert_true(rc_ok(cbor_parse(a, of, NULL, &v, NULL)));
	list = cbor_is(v, CBOR_TAG) ? v->items[0] : v;
	cbor_put_array(&tbs, 4);
	cbor_put_text(&tbs, SLICE_LIT("Signature1"));
	buf_slice(&tbs, cbor_at(list, 0)->raw);
	cbor_put_bytes(&tbs, SLICE_LIT(""));
	cbor_put_bytes(&tbs, payload);
	assert_true(rc_ok(lab_sign(key_pem, LAB_ECDSA, DIGEST_SHA384, buf_view(&tbs), a, &sig, NULL)));
	cbor_put_array(&out, 4);
	buf_slice(&out, cbor_at(list, 0)->raw);
	buf_slice(&out, cbor_at(list, 1)->raw);
	cbor_put_bytes(&out, payload);
	cbor_put_bytes(&out, sig);
	return buf_view(&out);
}

static struct slice payload_of(struct arena *a, struct slice cose)
{
	struct cbor *v = NULL;

	assert_true(rc_ok(cbor_parse(a, cose, NULL, &v, NULL)));
	return cbor_at(cbor_is(v, CBOR_TAG) ? v->items[0] : v, 2)->bytes;
}

/* ---- what is put in the place of a claim ---- */

static const struct {
	const char *name, *hex;
	size_t more;	/* bytes of 1 behind it */
} alterings[] = {
	{"absent", NULL, 0},	 {"null", "f6", 0},    {"true", "f5", 0},  {"zero", "00", 0},	    {"max", "1bffffffffffffffff", 0}, {"negative", "20", 0},
	{"nothing", "40", 0},	 {"byte", "41", 1},    {"33", "5821", 33}, {"48", "5830", 48},	    {"64", "5840", 64},		      {"5000", "591388", 5000},
	{"empty", "60", 0},	 {"text", "6178", 0},  {"list", "80", 0},  {"nulls", "81f6", 0},    {"nothings", "8140", 0},
	{"ones", "9864", 100},	 {"map", "a0", 0},     {"big", "a1183040", 0}, {"named", "a1616140", 0},
};

static struct slice altering(struct arena *a, size_t i)
{
	struct buf b = buf_in(a, 0);
	struct slice head;

	if (!alterings[i].hex)
		return (struct slice){0};
	assert_true(rc_ok(hex_decode(a, slice_cstr(alterings[i].hex), &head, "hex", NULL)));
	buf_slice(&b, head);
	for (size_t n = 0; n < alterings[i].more; n++)
		buf_putc(&b, 1);
	return buf_view(&b);
}

struct editing {
	struct world *w;
	const struct trial *good;
	struct slice (*around)(struct arena *a, const struct editing *e, struct slice payload);	/* evidence with this payload */
	struct slice signed_part, other_part;
	const char *key;
	struct buf out;
	unsigned tried;
};

static bool accepted(struct arena *a, struct editing *e, struct slice payload)
{
	struct trial t;
	rc r;

	trial_again(&t, e->good);
	t.job.evidence = e->around(a, e, payload);
	r = trial_run(&t, e->w->driver);
	trial_end(&t);
	e->tried++;
	return rc_ok(r);
}

static void edit_below(struct editing *e, const struct cbor *root, const struct cbor *v, const char *path)
{
	for (size_t i = 0; i < v->n && (i == 0 || cbor_is(v, CBOR_MAP)); i++) {
		const struct cbor *one = cbor_is(v, CBOR_MAP) ? v->items[2 * i + 1] : v->items[i], *key = v->items[2 * i];
		const char *at = !cbor_is(v, CBOR_MAP)	    ? arena_printf(e->w->a, "%s/0", path)
				 : cbor_is(key, CBOR_TEXT) ? arena_printf(e->w->a, "%s/" SLICE_FMT, path, SLICE_ARG(key->bytes))
							   : arena_printf(e->w->a, "%s/%llu", path, (unsigned long long)key->u);

		for (size_t k = 0; k < COUNT_OF(alterings); k++) {
			struct arena *a = arena_new(0);
			const struct edit edit = {one, altering(a, k)};
			struct buf b = buf_in(a, 0);

			put(&b, root, &edit);
			if (!slice_eq(edit.with, one->raw) && accepted(a, e, buf_view(&b)))
				buf_printf(&e->out, "%s%s=%s", e->out.n ? " " : "", at, alterings[k].name);
			arena_free(a);
		}
		if (cbor_is(one, CBOR_MAP) || cbor_is(one, CBOR_ARRAY))
			edit_below(e, root, one, at);
	}
}

static void expect_claims(struct editing *e, const char *expected)
{
	struct arena *a = arena_new(0);
	struct slice payload = payload_of(a, e->signed_part);
	struct cbor *root = NULL;

	assert_true(rc_ok(cbor_parse(a, payload, NULL, &root, NULL)));
	e->out = buf_in(e->w->a, 0);
	assert_true(accepted(a, e, payload));	/* signed again, and the same */
	edit_below(e, root, root, "");
	/* payloads that are no map of claims at all */
	assert_false(accepted(a, e, SLICE_LIT("\x80")));
	assert_false(accepted(a, e, SLICE_LIT("\xa0")));
	assert_false(accepted(a, e, SLICE_LIT("")));
	assert_false(accepted(a, e, SLICE_LIT("\xff")));
	buf_putc(&e->out, 0);
	if (strcmp((const char *)e->out.p, expected) != 0)
		fail_msg("%s accepts \"%s\", expected \"%s\"", e->w->driver->tee, (const char *)e->out.p, expected);
	assert_true(e->tried > 100);
	arena_free(a);
}

/* ---- Nitro ---- */

static struct slice nitro_around(struct arena *a, const struct editing *e, struct slice payload)
{
	return signed_again(a, e->signed_part, lab_item(&e->w->lab, e->key), payload);
}

static struct slice member_bytes(struct arena *a, struct slice document, const char *name)
{
	struct json *v = NULL;
	struct slice out = {0};
	const struct json *m;

	if (document.n && document.p[0] != '{')
		return document;
	assert_true(rc_ok(json_parse(a, document, NULL, &v, NULL)));
	m = json_get(v, name);
	if (json_is(m, JSON_STRING))
		assert_true(rc_ok(b64_decode(a, B64_STD, m->text, &out, name, NULL)));
	else
		assert_true(rc_ok(octets_need(a, v, name, 1, 1u << 20, &out, name, NULL)));
	return out;
}

/* CVE-2025-64186: a document without the PCRs that tell the image was taken. */
static void claims_that_a_nitro_document_can_do_without(void **state)
{
	struct world w = {0};
	struct trial t;
	struct editing e;

	(void)state;
	world_open(&w, "nitro", NULL);
	begin(&t, &w, NULL);
	e = (struct editing){.w = &w, .good = &t, .around = nitro_around, .signed_part = member_bytes(w.a, t.job.evidence, "document"),
			     .key = "enclave.key"};
	expect_claims(&e, "/module_id=text /timestamp=max "	/* a claim: how old a document may be, its certificates say */
			  "/pcrs/0=48 /pcrs/0=64 /pcrs/1=48 /pcrs/1=64 /pcrs/2=48 /pcrs/2=64 /pcrs/3=absent /pcrs/3=48 /pcrs/3=64 "
			  "/pcrs/4=absent /pcrs/4=48 /pcrs/4=64 /pcrs/8=absent /pcrs/8=48 /pcrs/8=64 "
			  "/public_key=absent /public_key=null /public_key=nothing /public_key=byte /public_key=33 /public_key=48 /public_key=64 "
			  "/user_data=absent /user_data=nothing /user_data=byte /user_data=33 /user_data=48 /user_data=64");
	trial_end(&t);
	world_close(&w);
}

/* ---- CCA ---- */

#define PLATFORM 44234
#define REALM	 44241

static struct slice cca_around(struct arena *a, const struct editing *e, struct slice payload)
{
	bool platform = !strcmp(e->key, "cpak.key");
	struct slice part = signed_again(a, e->signed_part, lab_item(&e->w->lab, e->key), payload);
	struct buf b = buf_in(a, 0);

	cbor_put_tag(&b, 399);
	cbor_put_map(&b, 2);
	cbor_put_int(&b, PLATFORM);
	cbor_put_bytes(&b, platform ? part : e->other_part);
	cbor_put_int(&b, REALM);
	cbor_put_bytes(&b, platform ? e->other_part : part);
	return buf_view(&b);
}

static void of_cca(const char *variant, bool platform, const char *expected)
{
	struct world w = {0};
	struct trial t;
	struct cbor *v = NULL;
	struct editing e;

	world_open(&w, "cca", variant);
	begin(&t, &w, NULL);
	assert_true(rc_ok(cbor_parse(w.a, member_bytes(w.a, t.job.evidence, "token"), NULL, &v, NULL)));
	e = (struct editing){.w = &w, .good = &t, .around = cca_around,
			     .signed_part = cbor_get_int(v->items[0], platform ? PLATFORM : REALM)->bytes,
			     .other_part = cbor_get_int(v->items[0], platform ? REALM : PLATFORM)->bytes,
			     .key = platform ? "cpak.key" : "rak.key"};
	expect_claims(&e, expected);
	trial_end(&t);
	world_close(&w);
}

/* Hashes may be of 32, 48 or 64 bytes, and the names of algorithms any text: policy compares them. */
#define REALM_ACCEPTED "/44235=64 /44236=empty /44236=text /44238=48 /44238=64 /44239/0=48 /44239/0=64"

static void claims_that_a_cca_platform_can_do_without(void **state)
{
	(void)state;
	of_cca("2023", true,
	       "/2401=nothing /2401=byte /2401=33 /2401=48 /2401=64 "	/* configuration: any bytes */
	       "/2395=zero "	/* lifecycle: any number of 16 bits */
	       "/2399=list /2399/0=absent "
	       "/2399/0/1=absent /2399/0/1=empty /2399/0/1=text /2399/0/2=48 /2399/0/2=64 /2399/0/4=absent /2399/0/4=empty /2399/0/4=text "
	       "/2399/0/5=48 /2399/0/5=64 /2399/0/6=absent /2399/0/6=empty /2399/0/6=text "
	       "/2400=absent /2400=empty /2400=text /2402=empty /2402=text");
}

static void claims_that_a_cca_realm_can_do_without(void **state)
{
	(void)state;
	of_cca("2023", false, REALM_ACCEPTED);
}

static void claims_that_a_legacy_cca_realm_can_do_without(void **state)
{
	(void)state;
	of_cca("legacy", false, REALM_ACCEPTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(claims_that_a_nitro_document_can_do_without),
		cmocka_unit_test(claims_that_a_cca_platform_can_do_without),
		cmocka_unit_test(claims_that_a_cca_realm_can_do_without),
		cmocka_unit_test(claims_that_a_legacy_cca_realm_can_do_without),
	};

	return cmocka_run_group_tests(tests, NULL, forget_worlds);
}
