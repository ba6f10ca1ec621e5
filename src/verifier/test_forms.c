/* The same evidence in other forms that its format allows: heads of CBOR that are longer than they need be, lengths that are left open,
 * tags that may be left out, certificates as PEM with whatever stands around them. What is signed stays as it was, byte for byte. */
#include "base/num.h"
#include "codec/base64.h"
#include "codec/cbor.h"
#include "verifier/test_world.h"

/* reason NULL: accepted. */
static void expect(struct trial *t, const struct world *w, const char *reason, const char *form)
{
	if (rc_ok(trial_run(t, w->driver)) != !reason || (reason && strcmp(why_reason(&t->why), reason) != 0))
		fail_msg("%s, %s: %s (%s), expected %s", w->driver->tee, form, why_reason(&t->why), why_text(&t->why), reason ? reason : "acceptance");
}

/* ---- CBOR ---- */

enum form { TAGGED, UNTAGGED, WIDE, OPEN, CHUNKS, UNPROTECTED, OPEN_UNPROTECTED, OTHER_TAG, BEHIND, FIVE, FORMS };

static const char *const form_name[FORMS] = {"tagged", "untagged", "wide heads", "open lengths", "chunks", "unprotected header",
					     "open unprotected header", "another tag", "bytes behind", "five items"};

static void put_wide(struct buf *b, uint8_t major, uint32_t n)
{
	buf_putc(b, (char)(major << 5 | 26));
	buf_be32(b, n);
}

static void put_bytes(struct buf *b, enum form f, struct slice s)
{
	if (f == WIDE) {
		put_wide(b, 2, (uint32_t)s.n);
		buf_slice(b, s);
	} else if (f == CHUNKS) {
		buf_putc(b, 0x5f);
		for (size_t at = 0; at < s.n; at += 50)
			cbor_put_bytes(b, slice_sub(s, at, 50));
		buf_putc(b, (char)0xff);
	} else {
		cbor_put_bytes(b, s);
	}
}

/* A COSE_Sign1 anew, of the four parts of `in`. */
static struct slice reformed(struct arena *a, struct slice in, enum form f)
{
	struct buf b = buf_in(a, 0);
	const struct cbor *arr;
	struct cbor *v;

	assert_true(rc_ok(cbor_parse(a, in, NULL, &v, NULL)));
	arr = cbor_untag(v, 18);
	arr = arr ? arr : v;
	assert_int_equal(arr->n, 4);
	if (f != UNTAGGED)
		cbor_put_tag(&b, f == OTHER_TAG ? 17 : 18);	/* 17: a MAC */
	if (f == OPEN)
		buf_putc(&b, (char)0x9f);
	else if (f == WIDE)
		put_wide(&b, 4, 4);
	else
		cbor_put_array(&b, f == FIVE ? 5 : 4);
	put_bytes(&b, f, cbor_at(arr, 0)->bytes);
	if (f == UNPROTECTED)
		buf_put(&b, "\xa1\x04\x41\x31", 4);	/* a key id */
	else if (f == OPEN_UNPROTECTED)
		buf_put(&b, "\xbf\xff", 2);
	else
		cbor_put_map(&b, 0);
	put_bytes(&b, f, cbor_at(arr, 2)->bytes);
	put_bytes(&b, f, cbor_at(arr, 3)->bytes);
	if (f == OPEN)
		buf_putc(&b, (char)0xff);
	if (f == BEHIND || f == FIVE)
		buf_putc(&b, 0);
	return buf_view(&b);
}

static void a_document_is_read_in_every_form_of_its_envelope(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, "nitro", NULL);
	for (enum form f = 0; f < FORMS; f++) {
		struct slice cose;
		struct json *doc;
		struct trial t;

		begin(&t, &w, NULL);
		assert_true(rc_ok(json_parse(t.a, t.job.evidence, NULL, &doc, NULL)));
		assert_true(rc_ok(b64_decode(t.a, B64_STD, json_get(doc, "document")->text, &cose, "document", NULL)));
		t.job.evidence = reformed(t.a, cose, f);	/* raw, as the device gives it */
		expect(&t, &w, f >= OTHER_TAG ? "nitro.parse.document" : NULL, form_name[f]);
		trial_end(&t);
	}
	world_close(&w);
}

static struct slice octets_of(struct arena *a, const struct json *list)
{
	struct buf b = buf_in(a, 0);

	for (size_t i = 0; i < list->n; i++) {
		uint64_t v = 0;

		assert_true(json_u64(list->items[i], &v));
		buf_putc(&b, (char)v);
	}
	return buf_view(&b);
}

/* The collection of both tokens; what: of the outer form. */
static struct slice collection(struct arena *a, struct slice platform, struct slice realm, const char *what)
{
	bool open = !strcmp(what, "open"), swapped = !strcmp(what, "order"), more = !strcmp(what, "more"), twice = !strcmp(what, "twice");
	struct buf b = buf_in(a, 0);

	if (strcmp(what, "no tag") != 0)
		cbor_put_tag(&b, !strcmp(what, "another tag") ? 400 : 399);
	if (open)
		buf_putc(&b, (char)0xbf);
	else
		cbor_put_map(&b, more || twice ? 3 : 2);
	for (int i = 0; i < 2; i++) {
		bool first = (i == 0) != swapped;

		cbor_put_uint(&b, first ? 44234 : 44241);
		cbor_put_bytes(&b, first ? platform : realm);
	}
	if (more)
		buf_put(&b, "\x07\x60", 2);	/* 7: "" */
	if (twice) {
		cbor_put_uint(&b, 44241);
		cbor_put_bytes(&b, realm);
	}
	if (open)
		buf_putc(&b, (char)0xff);
	if (!strcmp(what, "behind"))
		buf_putc(&b, 0);
	return buf_view(&b);
}

static void a_token_is_read_in_every_form_of_its_collection(void **state)
{
	static const struct {
		const char *what, *reason;
	} row[] = {
		{"plain", NULL}, {"open", NULL}, {"order", NULL}, {"more", NULL}, {"another tag", "cca.parse.token"},
		{"no tag", "cca.parse.evidence"}, {"twice", "cca.parse.cbor"}, {"behind", "cca.parse.cbor"},
	};
	static const char *const variants[] = {"2023", "legacy"};

	(void)state;
	for (size_t v = 0; v < COUNT_OF(variants); v++) {
		const struct cbor *outer;
		struct slice platform, realm;
		struct cbor *all;
		struct json *doc;
		struct world w;
		struct trial t;

		world_open(&w, "cca", variants[v]);
		begin(&t, &w, NULL);
		assert_true(rc_ok(json_parse(w.a, t.job.evidence, NULL, &doc, NULL)));
		assert_true(rc_ok(cbor_parse(w.a, octets_of(w.a, json_get(doc, "token")), NULL, &all, NULL)));
		trial_end(&t);
		outer = cbor_untag(all, 399);
		assert_non_null(outer);
		platform = cbor_get_int(outer, 44234)->bytes;
		realm = cbor_get_int(outer, 44241)->bytes;
		for (size_t i = 0; i < COUNT_OF(row); i++) {
			begin(&t, &w, NULL);
			t.job.evidence = collection(t.a, platform, realm, row[i].what);
			expect(&t, &w, row[i].reason, row[i].what);
			trial_end(&t);
		}
		for (enum form f = 0; f < FORMS; f++) {
			begin(&t, &w, NULL);
			t.job.evidence = collection(t.a, reformed(t.a, platform, f), reformed(t.a, realm, f), "plain");
			expect(&t, &w, f >= OTHER_TAG ? "cca.parse.cose" : NULL, form_name[f]);
			trial_end(&t);
		}
		world_close(&w);
	}
}

/* ---- certificates ---- */

static struct slice replaced(struct arena *a, struct slice in, const char *from, const char *to)
{
	struct buf b = buf_in(a, 0);
	size_t n = strlen(from);

	for (size_t i = 0; i < in.n;) {
		if (in.n - i >= n && memcmp(in.p + i, from, n) == 0) {
			buf_puts(&b, to);
			i += n;
		} else {
			buf_putc(&b, (char)in.p[i++]);
		}
	}
	return buf_view(&b);
}

/* Chains of a device stand in its evidence, where vendors and tools write them as they like. */
static void a_chain_is_read_whatever_stands_around_its_certificates(void **state)
{
	static const struct {
		const char *what, *from, *to, *reason;
	} row[] = {
		{"as it was", "\n", "\n", NULL},
		{"carriage returns", "\n", "\r\n", NULL},
		{"blank lines", "-----BEGIN", "\n\n-----BEGIN", NULL},
		{"text", "-----BEGIN", "Certificate:\n    Data:\nsubject=CN = x\n-----BEGIN", NULL},
		{"spaces behind lines", "-----\n", "-----  \n", NULL},
		{"one block that is none", "-----END CERTIFICATE-----\n-----BEGIN", "-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\nAAAA\n-----BEGIN",
		 "nvidia.parse.device"},
		{"no blocks", "CERTIFICATE", "PUBLIC KEY", "nvidia.parse.device"},
	};
	struct world w;

	(void)state;
	world_open(&w, "nvidia", "hopper");
	for (size_t i = 0; i < COUNT_OF(row); i++) {
		struct json *doc, *one;
		struct slice pem;
		struct trial t;

		begin(&t, &w, NULL);
		assert_true(rc_ok(json_parse(t.a, t.job.evidence, NULL, &doc, NULL)));
		one = json_get(doc, "device_evidence_list")->items[0];
		assert_true(rc_ok(b64_decode(t.a, B64_STD, json_get(one, "certificate")->text, &pem, "certificate", NULL)));
		json_set(t.a, one, "certificate", json_new_b64(t.a, replaced(t.a, pem, row[i].from, row[i].to)));
		t.job.evidence = json_text(t.a, doc);
		expect(&t, &w, row[i].reason, row[i].what);
		trial_end(&t);
	}
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_document_is_read_in_every_form_of_its_envelope),
		cmocka_unit_test(a_token_is_read_in_every_form_of_its_collection),
		cmocka_unit_test(a_chain_is_read_whatever_stands_around_its_certificates),
	};

	return cmocka_run_group_tests(tests, NULL, forget_worlds);
}
