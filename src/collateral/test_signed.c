/* What a stranger puts in front of the cache: lists and documents of the laboratory's vendors, forged, under other roots, dated as the
 * newest, before and after the vendor's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/num.h"
#include "collateral/cache.h"
#include "crypto/x509.h"
#include "lab/intel.h"
#include "lab/snp.h"

#define NOW ((int64_t)1795557718)
#define DAY ((int64_t)86400)

static int64_t now_ns(void *ctx)
{
	(void)ctx;
	return NOW * 1000000000;
}

static const struct clock fixed = {now_ns, NULL};

/* The vendor, and a stranger with a world of the same names. */
static struct arena *group;
static struct lab_world amd, intel, other_amd, other_intel;

static int make_worlds(void **state)
{
	const struct lab_options o = {.now_s = NOW, .small_keys = true};

	(void)state;
	group = arena_new(0);
	return rc_ok(lab_make("snp", &o, group, &amd, NULL)) && rc_ok(lab_make("tdx", &o, group, &intel, NULL)) &&
	       rc_ok(lab_make("snp", &o, group, &other_amd, NULL)) && rc_ok(lab_make("tdx", &o, group, &other_intel, NULL)) ? 0 : -1;
}

static int forget_worlds(void **state)
{
	(void)state;
	group = arena_free(group);
	return 0;
}

/* The vendor's roots, by key. */
static bool is_vendors(void *ctx, const char *set, const uint8_t sha256[32])
{
	const struct lab_world *const worlds[] = {&amd, &intel};
	bool found = false;

	(void)ctx;
	for (size_t w = 0; w < COUNT_OF(worlds); w++)
		for (size_t i = 0; i < worlds[w]->n && !found; i++) {
			const struct lab_item *it = &worlds[w]->item[i];
			struct x509 *c;

			if (!it->anchor || strcmp(it->anchor, set) != 0 || !rc_ok(x509_from_any(it->bytes, &c, NULL)))
				continue;
			found = memcmp(x509_spki_sha256(c), sha256, 32) == 0;
			x509_free(c);
		}
	return found;
}

static const struct signed_trust trust = {is_vendors, NULL};

struct fixture {
	struct arena *a;
	struct why w;
	struct store *store;
};

static int setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));

	f->a = arena_new(0);
	f->w = why_in(f->a);
	assert_true(rc_ok(store_open_memory(&fixed, &f->store, &f->w)));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	store_close(f->store);
	arena_free(f->a);
	test_free(f);
	return 0;
}

/* ---- pieces ---- */

enum kind { AMD_CRL, AMD_CHAIN, TCB_INFO, QE_IDENTITY, PCK_CRL, ROOT_CRL, KINDS };

static const struct {
	const char *kind, *key, *chain, *chain_key;
} names[KINDS] = {
	[AMD_CRL] = {"amd-crl", "Genoa", "amd-ask-ark", "Genoa"},
	[AMD_CHAIN] = {"amd-ask-ark", "Genoa", NULL, NULL},
	[TCB_INFO] = {"intel-tcb-info", "tdx/" LAB_FMSPC, "intel-tcb-info-chain", "tdx/" LAB_FMSPC},
	[QE_IDENTITY] = {"intel-qe-identity", "tdx", "intel-qe-identity-chain", "tdx"},
	[PCK_CRL] = {"intel-pck-crl", "platform", "intel-pck-crl-chain", "platform"},
	[ROOT_CRL] = {"intel-root-crl", "", "intel-qe-identity-chain", "sgx"},
};

/* by: 'v' the vendor, 's' a stranger, 'f' the vendor's but for its signature. */
static struct slice piece(struct arena *a, enum kind k, char by, int64_t from_s)
{
	const struct lab_world *x = by == 's' ? &other_amd : &amd, *y = by == 's' ? &other_intel : &intel;
	const struct lab_dates d = {from_s, from_s + 30 * DAY};
	const struct lab_intel_crl crl = {.by = k == ROOT_CRL ? LAB_INTEL_ROOT : LAB_INTEL_PLATFORM, .number = (uint64_t)from_s, .dates = d};
	struct slice s = {0};
	uint8_t *last;
	rc r = rc_of(OK);

	switch (k) {
	case AMD_CRL:
		r = lab_snp_crl(x, (uint64_t)from_s, d.from_s, d.to_s, false, a, &s, NULL);
		break;
	case AMD_CHAIN:
		s = lab_snp_chain(x, false, a);
		break;
	case TCB_INFO:
		r = lab_intel_tcb_info(y, true, LAB_FMSPC, d, NULL, a, &s, NULL);
		break;
	case QE_IDENTITY:
		r = lab_intel_qe_identity(y, true, d, NULL, a, &s, NULL);
		break;
	case PCK_CRL:
	case ROOT_CRL:
		r = lab_intel_crl(y, &crl, a, &s, NULL);
		break;
	case KINDS:
		break;
	}
	assert_true(rc_ok(r) && s.n > 4);
	s = arena_dup(a, s);
	last = (uint8_t *)(uintptr_t)s.p + s.n - 1;
	if (by == 'f' && *last == '}')
		last[-2] = last[-2] == '0' ? '1' : '0';
	else if (by == 'f')
		*last ^= 1;
	return s;
}

static struct slice chain(struct arena *a, enum kind k, char by)
{
	const struct lab_world *l = k == AMD_CRL ? (by == 's' ? &other_amd : &amd) : (by == 's' ? &other_intel : &intel);

	if (k == AMD_CRL)
		return lab_snp_chain(l, false, a);
	return k == PCK_CRL ? lab_intel_pck_chain(l, LAB_INTEL_PLATFORM, a) : lab_intel_signing_chain(l, a);
}

/* Puts a piece; `with`: whose chain comes along, ' ': none. */
static const char *put(struct fixture *f, const struct signed_trust *t, enum kind k, char by, char with, int64_t from_s)
{
	struct collateral_piece p[2] = {{.kind = names[k].kind, .key = names[k].key, .bytes = piece(f->a, k, by, from_s)}};
	size_t n = 1;
	rc r;

	if (with != ' ' && names[k].chain)
		p[n++] = (struct collateral_piece){.kind = names[k].chain, .key = names[k].chain_key, .bytes = chain(f->a, k, with)};
	why_clear(&f->w);
	r = cache_put(f->store, &fixed, t, p, n, &f->w);
	return rc_ok(r) ? "" : why_reason(&f->w);
}

static void holds(struct fixture *f, enum kind k, int64_t from_s)
{
	struct collateral_facts facts;
	struct cache_row row;

	assert_true(rc_ok(cache_get(f->store, names[k].kind, names[k].key, f->a, &row, &f->w)));
	assert_true(rc_ok(collateral_facts(names[k].kind, row.bytes, f->a, &facts, &f->w)));
	if (facts.dated && facts.issued_s != from_s)
		fail_msg("%s held is of %lld, expected %lld", names[k].kind, (long long)facts.issued_s, (long long)from_s);
}

static const enum kind dated[] = {AMD_CRL, TCB_INFO, QE_IDENTITY, PCK_CRL, ROOT_CRL};

#define BEFORE (NOW - DAY)
#define SIGNATURE "collateral.signature"

/* Every row begins with an empty cache for its kind. */
static void a_signature_is_looked_at_before_a_piece_is_cached(void **state)
{
	static const struct {
		char by, with;
		const char *reason;
	} row[] = {
		{'v', 'v', ""}, {'f', 'v', SIGNATURE}, {'s', 'v', SIGNATURE},
		/* nothing is known of these: it is a guest that may bring the certificates, and its verdict that looks */
		{'v', ' ', ""}, {'f', ' ', ""}, {'s', 's', ""}, {'v', 's', ""},
	};

	(void)state;
	for (size_t k = 0; k < COUNT_OF(dated); k++)
		for (size_t i = 0; i < COUNT_OF(row); i++) {
			struct fixture *f;
			void *s;

			assert_int_equal(setup(&s), 0);
			f = s;
			if (strcmp(put(f, &trust, dated[k], row[i].by, row[i].with, NOW), row[i].reason) != 0)
				fail_msg("%s by %c with %c: %s (%s)", names[dated[k]].kind, row[i].by, row[i].with, why_reason(&f->w), why_text(&f->w));
			assert_int_equal(teardown(&s), 0);
		}
}

/* Pitfall: a forged list dated as the newest kept the vendor's own out until that was newer. */
static void the_vendors_own_takes_the_place_of_what_a_stranger_dated_later(void **state)
{
	static const char stranger[] = {'f', 's'};

	(void)state;
	for (size_t k = 0; k < COUNT_OF(dated); k++)
		for (size_t i = 0; i < COUNT_OF(stranger); i++)
			for (int chained = 0; chained < 2; chained++) {
				struct fixture *f;
				void *s;

				assert_int_equal(setup(&s), 0);
				f = s;
				assert_string_equal(put(f, &trust, dated[k], stranger[i], chained && stranger[i] == 's' ? 's' : ' ', NOW), "");
				assert_string_equal(put(f, &trust, dated[k], 'v', 'v', BEFORE), "");
				holds(f, dated[k], BEFORE);
				assert_int_equal(teardown(&s), 0);
			}
}

static void what_is_the_vendors_stays_until_the_vendor_replaces_it(void **state)
{
	static const struct {
		char by, with;
		int64_t from_s;
		const char *reason;
	} row[] = {
		{'f', ' ', NOW, SIGNATURE},
		{'s', 's', NOW, SIGNATURE},
		{'s', ' ', NOW, SIGNATURE},
		{'f', 'v', NOW, SIGNATURE},
		{'v', 'v', BEFORE - DAY, "collateral.older"},
		{'v', 'v', BEFORE, ""},
		{'v', 'v', NOW, ""},
	};

	(void)state;
	for (size_t k = 0; k < COUNT_OF(dated); k++) {
		struct fixture *f;
		void *s;

		assert_int_equal(setup(&s), 0);
		f = s;
		assert_string_equal(put(f, &trust, dated[k], 'v', 'v', BEFORE), "");
		for (size_t i = 0; i < COUNT_OF(row); i++) {
			if (strcmp(put(f, &trust, dated[k], row[i].by, row[i].with, row[i].from_s), row[i].reason) != 0)
				fail_msg("%s by %c with %c: %s (%s), expected %s", names[dated[k]].kind, row[i].by, row[i].with, why_reason(&f->w),
					 why_text(&f->w), row[i].reason);
			holds(f, dated[k], row[i].reason[0] ? BEFORE : row[i].from_s);
		}
		assert_int_equal(teardown(&s), 0);
	}
}

/* The names of a chain, and its root beside it, prove nothing: each certificate was issued by one that counts. */
static void a_strangers_authority_beside_the_vendors_root_is_a_strangers(void **state)
{
	struct fixture *f = *state;
	struct collateral_piece p[2] = {{.kind = "intel-pck-crl", .key = "platform", .bytes = piece(f->a, PCK_CRL, 's', NOW)},
					{.kind = "intel-pck-crl-chain", .key = "platform"}};
	struct collateral_piece amd_chain = {.kind = "amd-ask-ark", .key = "Genoa"};
	const struct lab_intel_crl other = {.by = LAB_INTEL_PROCESSOR, .number = 1, .dates = {NOW, NOW + DAY}};
	struct buf b = buf_in(f->a, 0);

	buf_slice(&b, lab_item(&other_intel, "platform.pem"));
	buf_slice(&b, lab_item(&intel, "root.pem"));
	p[1].bytes = buf_view(&b);
	assert_true(rc_ok(cache_put(f->store, &fixed, &trust, p, 2, &f->w)));
	assert_string_equal(put(f, &trust, PCK_CRL, 'v', 'v', BEFORE), "");
	holds(f, PCK_CRL, BEFORE);
	/* a list of an authority that is not at hand: nothing is known of it, which is less than what is known of the one held */
	assert_true(rc_ok(lab_intel_crl(&intel, &other, f->a, &p[0].bytes, &f->w)));
	assert_int_equal(cache_put(f->store, &fixed, &trust, p, 1, &f->w).code, E_DENIED);
	assert_non_null(strstr(why_text(&f->w), "not known to be"));
	why_clear(&f->w);

	assert_string_equal(put(f, &trust, AMD_CHAIN, 'v', ' ', 0), "");
	b = buf_in(f->a, 0);
	buf_slice(&b, lab_item(&other_amd, "ask.pem"));
	buf_slice(&b, lab_item(&amd, "ark.pem"));
	amd_chain.bytes = buf_view(&b);
	assert_int_equal(cache_put(f->store, &fixed, &trust, &amd_chain, 1, &f->w).code, E_DENIED);
}

static void the_chain_of_another_root_does_not_replace_the_vendors(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(put(f, &trust, AMD_CHAIN, 's', ' ', 0), "");
	assert_string_equal(put(f, &trust, AMD_CHAIN, 'v', ' ', 0), "");
	assert_string_equal(put(f, &trust, AMD_CHAIN, 's', ' ', 0), SIGNATURE);
	assert_string_equal(put(f, &trust, AMD_CHAIN, 'v', ' ', 0), "");
}

/* Imports of a bundle that its operator signed, and services without anchors. */
static void without_roots_the_dates_alone_decide(void **state)
{
	struct fixture *f = *state;

	for (size_t k = 0; k < COUNT_OF(dated); k++) {
		assert_string_equal(put(f, NULL, dated[k], 'f', 'v', BEFORE), "");
		assert_string_equal(put(f, NULL, dated[k], 'v', 'v', BEFORE - DAY), "collateral.older");
		assert_string_equal(put(f, NULL, dated[k], 's', ' ', NOW), "");
	}
}

int main(void)
{
#define ROW(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_signature_is_looked_at_before_a_piece_is_cached),
		cmocka_unit_test(the_vendors_own_takes_the_place_of_what_a_stranger_dated_later),
		cmocka_unit_test(what_is_the_vendors_stays_until_the_vendor_replaces_it),
		ROW(a_strangers_authority_beside_the_vendors_root_is_a_strangers),
		ROW(the_chain_of_another_root_does_not_replace_the_vendors),
		ROW(without_roots_the_dates_alone_decide),
	};

	return cmocka_run_group_tests_name("signed", tests, make_worlds, forget_worlds);
}
