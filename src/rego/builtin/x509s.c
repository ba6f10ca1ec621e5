/* x509s.c - the X.509 builtins: certificates, chains, requests, key pairs. */
#include "base/num.h"
#include "codec/base64.h"
#include "crypto/der.h"
#include "crypto/x509.h"
#include "rego/builtin/certs.h"
#include "rego/builtin/jwt.h"
#include "rego/builtin/keys.h"

#define CERTS_MAX 64u

static bool pem_like(struct slice s, const char *type)
{
	struct slice begin = SLICE_LIT("-----BEGIN ");

	return slice_starts(s, begin) && slice_starts(slice_sub(s, begin.n, s.n), slice_cstr(type));
}

/* The text when it is PEM, else what its base64 holds. */
static RC unwrap(struct rego_call *c, struct slice s, const char *type, struct slice *out)
{
	struct buf b = lib_buf(c);
	size_t bad;

	*out = s;
	if (pem_like(s, type))
		return rc_of(OK);
	if (!lib_base64(s, &b, &bad))
		return buf_ok(&b) ? rego_fail(c, "illegal base64 data at input byte %zu", bad) : lib_no_memory(c);
	*out = buf_view(&b);
	return rc_of(OK);
}

static RC add_der(struct rego_call *c, struct slice der, struct slice *list, size_t *n)
{
	/* several certificates may stand one behind another */
	while (der.n) {
		struct msg m;
		struct cur cur = cur_open(&m, der);
		struct slice one = der_next_is(&cur, DER_SEQUENCE) ? der_raw(&cur) : (struct slice){0};

		TRY(rego_charge(c, 100));
		if (m.bad || !one.n)
			return rego_fail(c, "x509: malformed certificate");
		if (*n == CERTS_MAX)
			return rego_fail(c, "more than %u certificates", CERTS_MAX);
		list[(*n)++] = one;
		der = slice_sub(der, one.n, der.n);
	}
	return rc_of(OK);
}

static RC certificates(struct rego_call *c, struct slice text, struct slice *list, size_t *n)
{
	struct slice data, type, der;

	*n = 0;
	TRY(rego_charge(c, 50 + text.n / 16));
	TRY(unwrap(c, text, "", &data));
	if (!pem_like(data, ""))
		return add_der(c, data, list, n);
	while (pem_next(c->heap->arena, &data, &type, &der)) {
		if (!slice_is(type, "CERTIFICATE"))
			return rego_fail(c, "PEM block type is '" SLICE_FMT "', expected CERTIFICATE", SLICE_ARG(type));
		TRY(add_der(c, der, list, n));
	}
	return rc_of(OK);
}

static RC as_values(struct rego_call *c, const struct slice *list, size_t n, bool backwards, bool uris, struct rv *out)
{
	struct rv_vec v = rv_vec(c->heap);

	for (size_t i = 0; i < n; i++) {
		struct rv cert = cert_value(c, list[backwards ? n - 1 - i : i], uris);

		TRY(rego_charge(c, 200));
		if (cert.kind == RV_UNDEF)
			return rv_heap_bad(c->heap) ? lib_no_memory(c) : rego_fail(c, "x509: malformed certificate");
		rv_push(&v, cert);
	}
	return lib_return(c, rv_vec_done(&v), out);
}

static rc parse_certificates(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct slice list[CERTS_MAX];
	size_t count;

	(void)n;
	ARG_STRING(c, args, 0);
	TRY(certificates(c, rv_slice(args[0]), list, &count));
	return as_values(c, list, count, false, true, out);
}

/* ---- chains ---- */

struct wanted {
	int64_t now_s;
	struct slice dns;
	int usages[16];
	size_t n_usages;	/* any one of them will do */
};

static bool usage_ok(struct slice der, const struct wanted *w)
{
	int have[16];
	size_t n = cert_key_usages(der, have, COUNT_OF(have));

	for (size_t i = 0; i < n; i++) {
		if (have[i] == 0)
			return true;
		for (size_t k = 0; k < w->n_usages; k++)
			if (have[i] == w->usages[k] || w->usages[k] == 0)
				return true;
	}
	return n == 0;	/* without the extension any use is fine */
}

static bool lower_eq(struct slice a, struct slice b)
{
	for (size_t i = 0; i < a.n && a.n == b.n; i++) {
		uint8_t x = a.p[i] >= 'A' && a.p[i] <= 'Z' ? a.p[i] + 32 : a.p[i];
		uint8_t y = b.p[i] >= 'A' && b.p[i] <= 'Z' ? b.p[i] + 32 : b.p[i];

		if (x != y)
			return false;
	}
	return a.n == b.n;
}

/* A DNS name of the leaf that fits; "*.x" stands for one label. */
static bool dns_ok(struct rego_call *c, struct slice leaf, struct slice want)
{
	struct rv v = cert_value(c, leaf, false);
	const struct rv *names = v.kind == RV_OBJECT ? rv_get_c(v, "DNSNames") : NULL;
	size_t dot = 0;

	while (dot < want.n && want.p[dot] != '.')
		dot++;
	for (size_t i = 0; names && names->kind == RV_ARRAY && i < rv_len(*names); i++) {
		struct slice name = rv_slice(rv_at(*names, i));

		if (lower_eq(name, want) || (dot && slice_starts(name, SLICE_LIT("*.")) &&
					     lower_eq(slice_sub(name, 1, name.n), slice_sub(want, dot, want.n))))
			return true;
	}
	return false;
}

/* From the last certificate (leaf) to the first (root) through the others. path: indices, leaf first. */
static bool chain_holds(struct rego_call *c, struct x509 **certs, const struct slice *ders, size_t n, const struct wanted *w,
			size_t *path, size_t *path_n)
{
	const struct x509_rules rules = {.chain = "x509.chain", .expired = "x509.expired"};
	struct x509_path p;

	if (!rc_ok(x509_path_build(certs[n - 1], certs, n, &rules, &p, NULL)) || !x509_same(p.c[p.n - 1], certs[0]) ||
	    !rc_ok(x509_path_valid_at(&p, w->now_s, &rules, NULL)))
		return false;
	for (size_t i = 0; i < p.n; i++) {
		for (size_t k = 0; k < n; k++)
			if (p.c[i] == certs[k] || x509_same(p.c[i], certs[k]))
				path[i] = k;
		if (i + 1 < p.n && !usage_ok(ders[path[i]], w))
			return false;
	}
	*path_n = p.n;
	return w->dns.n == 0 || dns_ok(c, ders[n - 1], w->dns);
}

static RC verify_chain(struct rego_call *c, struct slice text, const struct wanted *w, bool uris, struct rv *out)
{
	struct rv parts[2] = {rv_bool(false), rv_array(c->heap, NULL, 0)};
	struct slice list[CERTS_MAX], chain[X509_PATH_MAX];
	struct x509 *certs[CERTS_MAX];
	size_t n = 0, made = 0, path[X509_PATH_MAX], path_n = 0;
	bool ok = true;
	rc r = certificates(c, text, list, &n);

	if (r.code == E_LIMIT || r.code == E_INTERNAL)
		return r;
	ok = rc_ok(r) && n >= 2;
	TRY(rego_charge(c, 500 * n));
	for (; ok && made < n; made++)
		if (!rc_ok(x509_from_der(list[made], &certs[made], NULL))) {
			ok = false;
			break;
		}
	ok = ok && chain_holds(c, certs, list, n, w, path, &path_n);
	x509_free_all(certs, made);
	if (ok) {
		for (size_t i = 0; i < path_n; i++)
			chain[i] = list[path[i]];
		parts[0] = rv_bool(true);
		TRY(as_values(c, chain, path_n, false, uris, &parts[1]));
	}
	return lib_return(c, rv_array(c->heap, parts, 2), out);
}

static int64_t seconds(int64_t ns)
{
	return ns / 1000000000 - (ns % 1000000000 < 0);
}

static rc parse_and_verify(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct wanted w = {.now_s = seconds(rego_now_ns(c)), .usages = {1}, .n_usages = 1};

	(void)n;
	ARG_STRING(c, args, 0);
	return verify_chain(c, rv_slice(args[0]), &w, true, out);
}

static const char *const usage_names[] = {
	"KeyUsageAny",		   "KeyUsageServerAuth",		 "KeyUsageClientAuth",
	"KeyUsageCodeSigning",	   "KeyUsageEmailProtection",		 "KeyUsageIPSECEndSystem",
	"KeyUsageIPSECTunnel",	   "KeyUsageIPSECUser",			 "KeyUsageTimeStamping",
	"KeyUsageOCSPSigning",	   "KeyUsageMicrosoftServerGatedCrypto", "KeyUsageNetscapeServerGatedCrypto",
	"KeyUsageMicrosoftCommercialCodeSigning", "KeyUsageMicrosoftKernelCodeSigning",
};

static RC usages(struct rego_call *c, struct rv v, struct wanted *w)
{
	size_t n;
	const struct rv *items = lib_items(v, &n);

	if (v.kind != RV_ARRAY && v.kind != RV_SET)
		return rego_fail(c, "'KeyUsages' should be an Array or Set");
	w->n_usages = 0;
	for (size_t i = 0; i < n; i++) {
		size_t k;

		if (items[i].kind != RV_STRING)
			continue;
		for (k = 0; k < COUNT_OF(usage_names) && !rv_is_str(items[i], usage_names[k]); k++)
			;
		if (k == COUNT_OF(usage_names))
			return rego_fail(c, "invalid entries for 'KeyUsages' found: [%s]", items[i].str->p);
		if (w->n_usages < COUNT_OF(w->usages))
			w->usages[w->n_usages++] = (int)k;
	}
	if (w->n_usages == 0) {
		w->usages[0] = 1;
		w->n_usages = 1;
	}
	return rc_of(OK);
}

static RC option(struct rego_call *c, struct rv key, struct rv val, struct wanted *w)
{
	int64_t num;

	if (rv_is_str(key, "DNSName")) {
		if (val.kind != RV_STRING)
			return rego_fail(c, "'DNSName' should be a string");
		w->dns = rv_slice(val);
		return rc_of(OK);
	}
	if (rv_is_str(key, "CurrentTime") || rv_is_str(key, "MaxConstraintComparisons")) {
		if (val.kind != RV_NUMBER)
			return rego_fail(c, "'%s' should be a number", key.str->p);
		if (!rv_i64(val, &num))
			return rego_fail(c, "'%s' should be a valid int64 number", key.str->p);
		if (rv_is_str(key, "CurrentTime"))
			w->now_s = seconds(num);
		return rc_of(OK);
	}
	if (rv_is_str(key, "KeyUsages"))
		return usages(c, val, w);
	return rego_fail(c, "invalid key option");
}

static rc parse_and_verify_with(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct wanted w = {.now_s = seconds(rego_now_ns(c)), .usages = {1}, .n_usages = 1};

	(void)n;
	ARG_STRING(c, args, 0);
	ARG_OBJECT(c, args, 1);
	rv_sort(args[1]);
	for (size_t i = 0; i < rv_len(args[1]); i++)
		if (rv_key(args[1], i).kind == RV_STRING)
			TRY(option(c, rv_key(args[1], i), rv_val(args[1], i), &w));
	return verify_chain(c, rv_slice(args[0]), &w, false, out);
}

/* ---- requests and keys ---- */

static rc parse_request(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct slice data, rest, type, der;

	(void)n;
	ARG_STRING(c, args, 0);
	TRY(rego_charge(c, 100 + args[0].str->n / 16));
	TRY(unwrap(c, rv_slice(args[0]), "CERTIFICATE REQUEST-----", &data));
	rest = der = data;
	if (pem_next(c->heap->arena, &rest, &type, &der)) {
		if (!slice_is(type, "CERTIFICATE REQUEST"))
			return rego_fail(c, "invalid PEM-encoded certificate signing request");
	} else {
		der = data;
	}
	*out = cert_request_value(c, der);
	if (rv_heap_bad(c->heap))
		return lib_no_memory(c);
	return out->kind == RV_UNDEF ? rego_fail(c, "asn1: structure error: malformed certificate request") : rc_of(OK);
}

static void put_b64url(struct rego_call *c, struct rv_builder *b, const char *name, struct slice s)
{
	struct slice t = b64_text(c->heap->arena, B64_URL, s);

	rv_object_put_c(b, name, rv_str(c->heap, t.p, t.n));
}

static struct rv jwk_value(struct rego_call *c, const struct raw_key *k)
{
	struct rv_builder b = rv_object_builder(c->heap, 9);

	if (k->form == FORM_RSA) {
		const struct {
			const char *name;
			struct slice s;
		} parts[] = {{"n", k->n}, {"e", k->e},	 {"d", k->d},	{"p", k->p},
			     {"q", k->q}, {"dp", k->dp}, {"dq", k->dq}, {"qi", k->qi}};

		rv_object_put_c(&b, "kty", rv_cstr(c->heap, "RSA"));
		for (size_t i = 0; i < COUNT_OF(parts); i++)
			put_b64url(c, &b, parts[i].name, parts[i].s);
		return rv_builder_done(&b);
	}
	rv_object_put_c(&b, "kty", rv_cstr(c->heap, k->form == FORM_EC ? "EC" : "OKP"));
	rv_object_put_c(&b, "crv", rv_cstr(c->heap, k->form == FORM_EC ? k->curve : "Ed25519"));
	put_b64url(c, &b, "x", k->x);
	if (k->form == FORM_EC)
		put_b64url(c, &b, "y", k->y);
	put_b64url(c, &b, "d", k->d);
	return rv_builder_done(&b);
}

static struct rv number(struct rego_call *c, struct slice bytes)
{
	struct rv v = rv_undef();
	mpz_t z;

	mpz_init(z);
	mpz_import(z, bytes.n, 1, 1, 1, 0, bytes.p);
	if (!rc_ok(lib_from_mpz(c, z, &v)))
		v = rv_undef();
	mpz_clear(z);
	return v;
}

/* As Go's JSON encoder shows a private key. */
static struct rv key_value(struct rego_call *c, const struct raw_key *k)
{
	struct rv_builder b = rv_object_builder(c->heap, 8), pre = rv_object_builder(c->heap, 4);
	struct rv primes[2];
	struct buf ed = lib_buf(c);

	if (k->form == FORM_ED) {
		buf_slice(&ed, k->d);
		buf_slice(&ed, k->x);
		return rv_cstr(c->heap, (const char *)b64_text(c->heap->arena, B64_STD, buf_view(&ed)).p);
	}
	rv_object_put_c(&b, "D", number(c, k->d));
	if (k->form == FORM_EC) {
		rv_object_put_c(&b, "Curve", rv_empty_object(c->heap));
		rv_object_put_c(&b, "X", number(c, k->x));
		rv_object_put_c(&b, "Y", number(c, k->y));
		return rv_builder_done(&b);
	}
	primes[0] = number(c, k->p);
	primes[1] = number(c, k->q);
	rv_object_put_c(&b, "N", number(c, k->n));
	rv_object_put_c(&b, "E", number(c, k->e));
	rv_object_put_c(&b, "Primes", rv_array(c->heap, primes, 2));
	rv_object_put_c(&pre, "Dp", number(c, k->dp));
	rv_object_put_c(&pre, "Dq", number(c, k->dq));
	rv_object_put_c(&pre, "Qinv", number(c, k->qi));
	rv_object_put_c(&pre, "CRTValues", rv_array(c->heap, NULL, 0));
	rv_object_put_c(&b, "Precomputed", rv_builder_done(&pre));
	return rv_builder_done(&b);
}

/* The next private key of a PEM text; *found is false at its end. Other blocks are skipped. */
static RC next_key(struct rego_call *c, struct slice *rest, struct raw_key *k, bool *found)
{
	struct why w = why_in(c->heap->arena);
	struct slice type, der;

	*found = false;
	while (!*found && pem_next(c->heap->arena, rest, &type, &der)) {
		rc r;

		TRY(rego_charge(c, 500));
		if (type.n < 11 || !slice_is(slice_sub(type, type.n - 11, 11), "PRIVATE KEY"))
			continue;
		r = raw_key_from_der(c->heap->arena, type, der, k, &w);
		if (!rc_ok(r))
			return lib_refused(c, r, &w);
		*found = true;
	}
	return rc_of(OK);
}

static rc parse_private_keys(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct rv_vec v = rv_vec(c->heap);
	struct buf b = lib_buf(c);
	struct slice text;
	struct raw_key k;
	bool found;
	size_t bad;

	(void)n;
	ARG_STRING(c, args, 0);
	*out = rv_null();
	if (args[0].str->n == 0)
		return rc_of(OK);
	text = lib_base64(rv_slice(args[0]), &b, &bad) ? buf_view(&b) : rv_slice(args[0]);
	for (;;) {
		TRY(next_key(c, &text, &k, &found));
		if (!found)
			break;
		rv_push(&v, key_value(c, &k));
	}
	return lib_return(c, rv_vec_done(&v), out);
}

static rc parse_rsa_private_key(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct slice text;
	struct raw_key k;
	bool found;

	(void)n;
	ARG_STRING(c, args, 0);
	if (args[0].str->n == 0)
		return rego_fail(c, "input PEM data was empty");
	TRY(unwrap(c, rv_slice(args[0]), "", &text));
	TRY(next_key(c, &text, &k, &found));
	*out = rv_null();
	return found ? lib_return(c, jwk_value(c, &k), out) : rc_of(OK);
}

/* The key of a pair must be that of the certificate, which may be one of version 1. */
static RC pair_matches(struct rego_call *c, struct rv leaf, const struct raw_key *k)
{
	const struct rv *wanted = rv_get_c(leaf, "RawSubjectPublicKeyInfo");
	struct why w = why_in(c->heap->arena);
	struct pkey *key = NULL;
	struct slice spki, text;
	rc r = raw_key_open(c->heap->arena, k, &key, &w);

	if (rc_ok(r))
		r = pkey_to_spki(key, c->heap->arena, &spki, &w);
	pkey_free(key);
	if (!rc_ok(r))
		return lib_refused(c, r, &w);
	text = b64_text(c->heap->arena, B64_STD, spki);
	if (!wanted || wanted->kind != RV_STRING || !slice_eq(text, rv_slice(*wanted)))
		return rego_fail(c, "tls: private key does not match public key");
	return rc_of(OK);
}

static rc parse_keypair(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	static const char *const never[] = {"OCSPStaple", "SignedCertificateTimestamps", "SupportedSignatureAlgorithms"};
	struct rv_builder b = rv_object_builder(c->heap, 6);
	struct slice list[CERTS_MAX], text;
	struct rv_vec ders = rv_vec(c->heap);
	struct rv leaf;
	struct raw_key k;
	size_t count;
	bool found;

	(void)n;
	ARG_STRING(c, args, 0);
	ARG_STRING(c, args, 1);
	TRY(certificates(c, rv_slice(args[0]), list, &count));
	if (count == 0)
		return rego_fail(c, "tls: failed to find any PEM data in certificate input");
	TRY(unwrap(c, rv_slice(args[1]), "", &text));
	if (pem_like(text, "")) {
		TRY(next_key(c, &text, &k, &found));
	} else {
		struct why w = why_in(c->heap->arena);

		found = rc_ok(raw_key_from_der(c->heap->arena, SLICE_LIT("PRIVATE KEY"), text, &k, &w));
	}
	if (!found)
		return rego_fail(c, "tls: failed to find any PEM data in key input");
	leaf = cert_value(c, list[0], false);
	if (leaf.kind == RV_UNDEF && !rv_heap_bad(c->heap))
		return rego_fail(c, "x509: malformed certificate");
	TRY(pair_matches(c, leaf, &k));
	for (size_t i = 0; i < count; i++) {
		struct slice t = b64_text(c->heap->arena, B64_STD, list[i]);

		rv_push(&ders, rv_str(c->heap, t.p, t.n));
	}
	rv_object_put_c(&b, "Certificate", rv_vec_done(&ders));
	rv_object_put_c(&b, "Leaf", leaf);
	rv_object_put_c(&b, "PrivateKey", key_value(c, &k));
	for (size_t i = 0; i < COUNT_OF(never); i++)
		rv_object_put_c(&b, never[i], rv_null());
	return lib_return(c, rv_builder_done(&b), out);
}

#define CHAIN "array<boolean, array[object[string:any]]>"

const struct rego_builtin builtin_x509[] = {
	{"crypto.x509.parse_certificates", "string -> array[object[string:any]]", parse_certificates, 1, 0, 20},
	{"crypto.x509.parse_and_verify_certificates", "string -> " CHAIN, parse_and_verify, 1, 0, 50},
	{"crypto.x509.parse_and_verify_certificates_with_options", "string, object[string:any] -> " CHAIN,
	 parse_and_verify_with, 2, 0, 50},
	{"crypto.x509.parse_certificate_request", "string -> object[string:any]", parse_request, 1, 0, 20},
	{"crypto.x509.parse_keypair", "string, string -> object[string:any]", parse_keypair, 2, 0, 50},
	{"crypto.x509.parse_rsa_private_key", "string -> object[string:any]", parse_rsa_private_key, 1, 0, 20},
	{"crypto.parse_private_keys", "string -> array[object[string:any]]", parse_private_keys, 1, 0, 20},
	{0},
};
