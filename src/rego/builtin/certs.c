#include "rego/builtin/certs.h"

#include "base/num.h"
#include "codec/base64.h"
#include "crypto/der.h"
#include "rego/builtin/gotime.h"
#include "rego/builtin/ip.h"
#include "rego/builtin/uri.h"

/* An object under construction, and the heap it is in. */
struct obj {
	struct rego_call *c;
	struct rv_heap *h;
	struct rv_builder b;
};

static struct obj obj(struct rego_call *c)
{
	return (struct obj){c, c->heap, rv_object_builder(c->heap, 32)};
}

static void put(struct obj *o, const char *name, struct rv v)
{
	rv_object_put_c(&o->b, name, v);
}

static struct rv b64(struct rego_call *c, struct slice s)
{
	struct slice t = b64_text(c->heap->arena, B64_STD, s);

	return t.p ? rv_str(c->heap, t.p, t.n) : rv_undef();
}

static struct rv str(struct rego_call *c, struct slice s)
{
	return rv_str(c->heap, s.p, s.n);
}

/* A list that is null when it is empty. */
static struct rv list_or_null(struct rv_vec *v)
{
	return v->n ? rv_vec_done(v) : rv_null();
}

static struct rv oid_list(struct rego_call *c, struct slice body)
{
	struct rv_vec v = rv_vec(c->heap);
	uint64_t n = 0;

	for (size_t i = 0; i < body.n; i++) {
		if (n >> 56)
			return rv_undef();
		n = n << 7 | (body.p[i] & 0x7f);
		if (body.p[i] & 0x80)
			continue;
		if (v.n == 0) {
			rv_push(&v, rv_int((int64_t)MIN_OF(n / 40, 2u)));
			n -= 40 * MIN_OF(n / 40, 2u);
		}
		rv_push(&v, rv_int((int64_t)n));
		n = 0;
	}
	return rv_vec_done(&v);
}

static struct rv oid_text(struct rego_call *c, struct slice body)
{
	struct rv list = oid_list(c, body);
	struct buf b = lib_buf(c);

	for (size_t i = 0; i < rv_len(list); i++)
		buf_printf(&b, i ? ".%lld" : "%lld", (long long)rv_at(list, i).i);
	return str(c, buf_view(&b));
}

/* Any element. */
struct elem {
	uint8_t tag;
	struct slice body;
};

static struct elem next(struct cur *c)
{
	struct elem e;

	e.body = der_any(c, &e.tag);
	return e;
}

static struct rv big(struct rego_call *c, struct slice bytes)
{
	struct rv v = rv_undef();
	mpz_t z;
	rc r;

	mpz_init(z);
	mpz_import(z, bytes.n, 1, 1, 1, 0, bytes.p);
	r = lib_from_mpz(c, z, &v);
	mpz_clear(z);
	return rc_ok(r) ? v : rv_undef();
}

/* ---- names ---- */

static const struct {
	const char *oid, *field;
	bool single;
} name_fields[] = {
	{"2.5.4.3", "CommonName", true},     {"2.5.4.5", "SerialNumber", true}, {"2.5.4.6", "Country", false},
	{"2.5.4.7", "Locality", false},	     {"2.5.4.8", "Province", false},	{"2.5.4.9", "StreetAddress", false},
	{"2.5.4.10", "Organization", false}, {"2.5.4.11", "OrganizationalUnit", false}, {"2.5.4.17", "PostalCode", false},
};

static struct rv text_value(struct rego_call *c, const struct elem *d)
{
	struct buf b = lib_buf(c);

	if (d->tag != 0x1e)	/* all but BMPString are bytes of characters */
		return str(c, d->body);
	for (size_t i = 0; i + 1 < d->body.n; i += 2) {
		uint32_t u = (uint32_t)d->body.p[i] << 8 | d->body.p[i + 1];
		uint8_t t[3] = {(uint8_t)(0xe0 | u >> 12), (uint8_t)(0x80 | (u >> 6 & 0x3f)), (uint8_t)(0x80 | (u & 0x3f))};

		if (u < 0x80)
			buf_putc(&b, (char)u);
		else
			buf_put(&b, t, 3);
	}
	return str(c, buf_view(&b));
}

static struct rv name(struct rego_call *c, struct cur in)
{
	struct rv_vec all = rv_vec(c->heap), parts[COUNT_OF(name_fields)];
	struct obj o = obj(c), pair;

	for (size_t i = 0; i < COUNT_OF(parts); i++)
		parts[i] = rv_vec(c->heap);
	while (cur_more(&in)) {
		struct cur set = der_enter(&in, DER_SET);

		while (cur_more(&set)) {
			struct cur atv = der_enter(&set, DER_SEQUENCE);
			struct slice oid = der_take(&atv, DER_OID);
			struct elem v = next(&atv);
			struct rv text = text_value(c, &v);

			pair = obj(c);
			put(&pair, "Type", oid_list(c, oid));
			put(&pair, "Value", text);
			rv_push(&all, rv_builder_done(&pair.b));
			for (size_t i = 0; i < COUNT_OF(name_fields); i++)
				if (oid_is(oid, name_fields[i].oid))
					rv_push(&parts[i], text);
		}
	}
	for (size_t i = 0; i < COUNT_OF(name_fields); i++) {
		if (name_fields[i].single)
			put(&o, name_fields[i].field, parts[i].n ? parts[i].items[parts[i].n - 1] : rv_cstr(c->heap, ""));
		else
			put(&o, name_fields[i].field, list_or_null(&parts[i]));
	}
	put(&o, "Names", list_or_null(&all));
	put(&o, "ExtraNames", rv_null());
	return rv_builder_done(&o.b);
}

/* ---- keys and algorithms ---- */

static int signature_algorithm(struct slice oid)
{
	static const struct {
		const char *oid;
		int go;
	} known[] = {
		{"1.2.840.113549.1.1.4", 2},   {"1.2.840.113549.1.1.5", 3},  {"1.2.840.113549.1.1.11", 4},
		{"1.2.840.113549.1.1.12", 5},  {"1.2.840.113549.1.1.13", 6}, {"1.2.840.10040.4.3", 7},
		{"2.16.840.1.101.3.4.3.2", 8}, {"1.2.840.10045.4.1", 9},     {"1.2.840.10045.4.3.2", 10},
		{"1.2.840.10045.4.3.3", 11},   {"1.2.840.10045.4.3.4", 12},  {"1.2.840.113549.1.1.10", 13},
		{"1.3.101.112", 16},
	};

	for (size_t i = 0; i < COUNT_OF(known); i++)
		if (oid_is(oid, known[i].oid))
			return known[i].go;
	return 0;
}

static void public_key(struct obj *o, struct cur spki)
{
	struct cur alg = der_enter(&spki, DER_SEQUENCE), inner;
	struct slice oid = der_take(&alg, DER_OID), bits = der_bytes(&spki);
	struct obj key = obj(o->c);
	struct msg m;
	int kind = 0;
	struct rv v = rv_null();

	if (oid_is(oid, "1.2.840.113549.1.1.1")) {
		struct cur top = cur_open(&m, bits);

		kind = 1;
		inner = der_enter(&top, DER_SEQUENCE);
		put(&key, "N", big(o->c, der_magnitude(&inner)));
		put(&key, "E", big(o->c, der_magnitude(&inner)));
		v = rv_builder_done(&key.b);
	} else if (oid_is(oid, "1.2.840.10045.2.1")) {
		struct obj curve = obj(o->c);
		size_t half = bits.n / 2;

		kind = 3;
		put(&key, "Curve", rv_builder_done(&curve.b));
		put(&key, "X", big(o->c, slice_sub(bits, 1, half)));
		put(&key, "Y", big(o->c, slice_sub(bits, 1 + half, half)));
		v = rv_builder_done(&key.b);
	} else if (oid_is(oid, "1.3.101.112")) {
		kind = 4;
		v = b64(o->c, bits);
	}
	put(o, "PublicKeyAlgorithm", rv_int(kind));
	put(o, "PublicKey", v);
}

/* ---- extensions ---- */

struct names {
	struct rv_vec dns, email, ip, uri, uri_text;
};

static struct rv url_value(struct rego_call *c, const struct uri *u)
{
	struct obj o = obj(c);
	struct buf host = lib_buf(c);

	buf_slice(&host, u->hostname);
	if (u->port.n) {
		buf_putc(&host, ':');
		buf_slice(&host, u->port);
	}
	put(&o, "Scheme", str(c, u->scheme));
	put(&o, "Opaque", rv_cstr(c->heap, ""));
	put(&o, "User", rv_null());
	put(&o, "Host", str(c, buf_view(&host)));
	put(&o, "Path", str(c, u->path));
	put(&o, "RawPath", slice_eq(u->path, u->raw_path) ? rv_cstr(c->heap, "") : str(c, u->raw_path));
	put(&o, "OmitHost", rv_bool(false));
	put(&o, "ForceQuery", rv_bool(false));
	put(&o, "RawQuery", str(c, u->raw_query));
	put(&o, "Fragment", str(c, u->fragment));
	put(&o, "RawFragment", rv_cstr(c->heap, ""));
	return rv_builder_done(&o.b);
}

static void general_name(struct rego_call *c, const struct elem *d, struct names *n)
{
	struct uri u;
	char text[64];
	struct buf b = {.p = (uint8_t *)text, .cap = sizeof(text), .max = sizeof(text) - 1};
	struct ip ip = {0};

	if (d->tag == DER_CONTEXT(1)) {
		rv_push(&n->email, str(c, d->body));
	} else if (d->tag == DER_CONTEXT(2)) {
		rv_push(&n->dns, str(c, d->body));
	} else if (d->tag == DER_CONTEXT(6)) {
		if (!rc_ok(uri_parse(c->heap->arena, d->body, &u, NULL)))
			return;
		rv_push(&n->uri, url_value(c, &u));
		rv_push(&n->uri_text, str(c, d->body));
	} else if (d->tag == DER_CONTEXT(7) && (d->body.n == 4 || d->body.n == 16)) {
		ip.v4 = d->body.n == 4;
		for (size_t i = 0; i < d->body.n; i++)
			ip.v = ip.v << 8 | d->body.p[i];
		ip_write(&b, ip);
		rv_push(&n->ip, rv_str(c->heap, text, b.n));
	}
}

/* What the known extensions say. */
struct said {
	struct rego_call *c;
	struct names alt;
	struct rv_vec eku, unknown_eku, ocsp, issuers, crl, policies, policy_oids, all, permitted, excluded;
	struct rv ski, aki;
	int64_t key_usage, max_path;
	bool constraints, ca, path_zero, permitted_critical;
};

static const char *const eku_oids[] = {
	"2.5.29.37.0",	     "1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2",	   "1.3.6.1.5.5.7.3.3",	    "1.3.6.1.5.5.7.3.4",
	"1.3.6.1.5.5.7.3.5", "1.3.6.1.5.5.7.3.6", "1.3.6.1.5.5.7.3.7",	   "1.3.6.1.5.5.7.3.8",	    "1.3.6.1.5.5.7.3.9",
	"1.3.6.1.4.1.311.10.3.3", "2.16.840.1.113730.4.1", "1.3.6.1.4.1.311.2.1.22", "1.3.6.1.4.1.311.61.1.1",
};

static int eku_number(struct slice oid)
{
	for (size_t i = 0; i < COUNT_OF(eku_oids); i++)
		if (oid_is(oid, eku_oids[i]))
			return (int)i;
	return -1;
}

static void key_usage(struct said *s, struct cur *c)
{
	struct slice bits = der_take(c, DER_BIT_STRING);

	/* bit i of the string is bit i of the number */
	for (size_t i = 0; i + 1 < bits.n && i < 2; i++)
		for (int k = 0; k < 8; k++)
			if (bits.p[i + 1] & (0x80 >> k))
				s->key_usage |= (int64_t)1 << (i * 8 + (size_t)k);
}

static void basic_constraints(struct said *s, struct cur *c)
{
	struct cur in = der_enter(c, DER_SEQUENCE);

	s->constraints = true;
	s->max_path = -1;
	if (der_next_is(&in, DER_BOOLEAN)) {
		struct slice b = next(&in).body;

		s->ca = b.n == 1 && b.p[0];
	}
	if (der_next_is(&in, DER_INTEGER)) {
		struct slice n = der_magnitude(&in);

		s->max_path = 0;
		for (size_t i = 0; i < n.n && i < 4; i++)
			s->max_path = s->max_path << 8 | n.p[i];
		s->path_zero = s->max_path == 0;
	}
}

static void authority_info(struct said *s, struct cur *c)
{
	struct cur list = der_enter(c, DER_SEQUENCE);

	while (cur_more(&list)) {
		struct cur item = der_enter(&list, DER_SEQUENCE);
		struct slice oid = der_take(&item, DER_OID);
		struct elem loc = next(&item);

		if (loc.tag != DER_CONTEXT(6))
			continue;
		if (oid_is(oid, "1.3.6.1.5.5.7.48.1"))
			rv_push(&s->ocsp, str(s->c, loc.body));
		else if (oid_is(oid, "1.3.6.1.5.5.7.48.2"))
			rv_push(&s->issuers, str(s->c, loc.body));
	}
}

static void crl_points(struct said *s, struct cur *c)
{
	struct cur list = der_enter(c, DER_SEQUENCE);

	while (cur_more(&list)) {
		struct cur point = der_enter(&list, DER_SEQUENCE), where, full;

		if (!der_next_is(&point, DER_CONTEXT_CONS(0)))
			continue;
		where = der_enter(&point, DER_CONTEXT_CONS(0));
		if (!der_next_is(&where, DER_CONTEXT_CONS(0)))
			continue;
		full = der_enter(&where, DER_CONTEXT_CONS(0));
		while (cur_more(&full)) {
			struct elem n = next(&full);

			if (n.tag == DER_CONTEXT(6))
				rv_push(&s->crl, str(s->c, n.body));
		}
	}
}

static void name_constraints(struct said *s, struct cur *c, bool critical)
{
	struct cur in = der_enter(c, DER_SEQUENCE);

	while (cur_more(&in)) {
		bool permitted = der_next_is(&in, DER_CONTEXT_CONS(0));
		struct cur trees = der_enter(&in, permitted ? DER_CONTEXT_CONS(0) : DER_CONTEXT_CONS(1));

		while (cur_more(&trees)) {
			struct cur tree = der_enter(&trees, DER_SEQUENCE);
			struct elem n = next(&tree);

			if (n.tag == DER_CONTEXT(2))
				rv_push(permitted ? &s->permitted : &s->excluded, str(s->c, n.body));
		}
		s->permitted_critical = s->permitted_critical || (permitted && critical);
	}
}

static void known_extension(struct said *s, struct slice oid, struct slice value, bool critical)
{
	struct msg m;
	struct cur c = cur_open(&m, value), in;

	if (oid_is(oid, "2.5.29.14")) {
		s->ski = b64(s->c, der_take(&c, DER_OCTET_STRING));
	} else if (oid_is(oid, "2.5.29.35")) {
		in = der_enter(&c, DER_SEQUENCE);
		if (der_next_is(&in, DER_CONTEXT(0)))
			s->aki = b64(s->c, next(&in).body);
	} else if (oid_is(oid, "2.5.29.15")) {
		key_usage(s, &c);
	} else if (oid_is(oid, "2.5.29.19")) {
		basic_constraints(s, &c);
	} else if (oid_is(oid, "2.5.29.17")) {
		for (in = der_enter(&c, DER_SEQUENCE); cur_more(&in);) {
			struct elem n = next(&in);

			general_name(s->c, &n, &s->alt);
		}
	} else if (oid_is(oid, "2.5.29.37")) {
		for (in = der_enter(&c, DER_SEQUENCE); cur_more(&in);) {
			struct slice usage = der_take(&in, DER_OID);

			if (eku_number(usage) >= 0)
				rv_push(&s->eku, rv_int(eku_number(usage)));
			else
				rv_push(&s->unknown_eku, oid_list(s->c, usage));
		}
	} else if (oid_is(oid, "1.3.6.1.5.5.7.1.1")) {
		authority_info(s, &c);
	} else if (oid_is(oid, "2.5.29.31")) {
		crl_points(s, &c);
	} else if (oid_is(oid, "2.5.29.30")) {
		name_constraints(s, &c, critical);
	} else if (oid_is(oid, "2.5.29.32")) {
		for (in = der_enter(&c, DER_SEQUENCE); cur_more(&in);) {
			struct cur policy = der_enter(&in, DER_SEQUENCE);
			struct slice id = der_take(&policy, DER_OID);

			rv_push(&s->policy_oids, oid_list(s->c, id));
			rv_push(&s->policies, oid_text(s->c, id));
		}
	}
}

static void extensions(struct said *s, struct cur list)
{
	while (cur_more(&list)) {
		struct cur ext = der_enter(&list, DER_SEQUENCE);
		struct slice oid = der_take(&ext, DER_OID), value;
		struct obj o = obj(s->c);
		bool critical = false;

		if (der_next_is(&ext, DER_BOOLEAN)) {
			struct slice b = next(&ext).body;

			critical = b.n == 1 && b.p[0];
		}
		value = der_take(&ext, DER_OCTET_STRING);
		put(&o, "Id", oid_list(s->c, oid));
		put(&o, "Critical", rv_bool(critical));
		put(&o, "Value", b64(s->c, value));
		rv_push(&s->all, rv_builder_done(&o.b));
		known_extension(s, oid, value, critical);
	}
}

static struct said said(struct rego_call *c)
{
	struct said s = {.c = c, .ski = rv_null(), .aki = rv_null()};
	struct rv_vec *lists[] = {&s.alt.dns, &s.alt.email, &s.alt.ip,  &s.alt.uri, &s.alt.uri_text, &s.eku,
				  &s.unknown_eku, &s.ocsp, &s.issuers, &s.crl,	&s.policies,	 &s.policy_oids,
				  &s.all, &s.permitted, &s.excluded};

	for (size_t i = 0; i < COUNT_OF(lists); i++)
		*lists[i] = rv_vec(c->heap);
	return s;
}

static void put_said(struct obj *o, struct said *s, bool uris)
{
	static const char *const never[] = {"ExtraExtensions",	       "UnhandledCriticalExtensions", "PermittedIPRanges",
					    "ExcludedIPRanges",	       "PermittedEmailAddresses",     "ExcludedEmailAddresses",
					    "PermittedURIDomains",     "ExcludedURIDomains",	      "PolicyMappings"};
	static const char *const counters[] = {"InhibitAnyPolicy", "InhibitPolicyMapping", "RequireExplicitPolicy"};

	put(o, "KeyUsage", rv_int(s->key_usage));
	put(o, "BasicConstraintsValid", rv_bool(s->constraints));
	put(o, "IsCA", rv_bool(s->ca));
	put(o, "MaxPathLen", rv_int(s->max_path));
	put(o, "MaxPathLenZero", rv_bool(s->path_zero));
	put(o, "SubjectKeyId", s->ski);
	put(o, "AuthorityKeyId", s->aki);
	put(o, "ExtKeyUsage", list_or_null(&s->eku));
	put(o, "UnknownExtKeyUsage", list_or_null(&s->unknown_eku));
	put(o, "OCSPServer", list_or_null(&s->ocsp));
	put(o, "IssuingCertificateURL", list_or_null(&s->issuers));
	put(o, "CRLDistributionPoints", list_or_null(&s->crl));
	put(o, "Policies", list_or_null(&s->policies));
	put(o, "PolicyIdentifiers", list_or_null(&s->policy_oids));
	put(o, "PermittedDNSDomains", list_or_null(&s->permitted));
	put(o, "ExcludedDNSDomains", list_or_null(&s->excluded));
	put(o, "PermittedDNSDomainsCritical", rv_bool(s->permitted_critical));
	for (size_t i = 0; i < COUNT_OF(never); i++)
		put(o, never[i], rv_null());
	for (size_t i = 0; i < COUNT_OF(counters); i++) {
		put(o, counters[i], rv_int(0));
		rv_object_put(&o->b, rv_strf(o->h, "%sZero", counters[i]), rv_bool(false));
	}
	if (uris)
		put(o, "URIStrings", list_or_null(&s->alt.uri_text));
}

static void put_alt(struct obj *o, struct said *s)
{
	put(o, "Extensions", list_or_null(&s->all));
	put(o, "DNSNames", list_or_null(&s->alt.dns));
	put(o, "EmailAddresses", list_or_null(&s->alt.email));
	put(o, "IPAddresses", list_or_null(&s->alt.ip));
	put(o, "URIs", list_or_null(&s->alt.uri));
}

/* ---- certificates ---- */

/* UTCTime or GeneralizedTime, both in Z, as RFC 3339. */
static struct rv time_value(struct rego_call *c, const struct elem *d)
{
	struct slice s = d->body;
	size_t digits = d->tag == 0x17 ? 12 : 14;
	int year;

	if ((d->tag != 0x17 && d->tag != 0x18) || s.n != digits + 1 || s.p[digits] != 'Z')
		return rv_undef();
	for (size_t i = 0; i < digits; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return rv_undef();
	year = (s.p[0] - '0') * 10 + s.p[1] - '0';
	if (d->tag == 0x18) {
		year = year * 100 + (s.p[2] - '0') * 10 + s.p[3] - '0';
		s = slice_sub(s, 2, s.n);
	} else {
		year += year < 50 ? 2000 : 1900;
	}
	return rv_strf(c->heap, "%04d-%.2s-%.2sT%.2s:%.2s:%.2sZ", year, (const char *)s.p + 2, (const char *)s.p + 4,
		       (const char *)s.p + 6, (const char *)s.p + 8, (const char *)s.p + 10);
}

struct rv cert_value(struct rego_call *c, struct slice der, bool uris)
{
	struct msg m;
	struct cur top = cur_open(&m, der), cert = der_enter(&top, DER_SEQUENCE), tbs, in;
	struct cur peek = cert;
	struct slice raw_tbs = der_raw(&peek);
	struct said s = said(c);
	struct obj o = obj(c);
	struct elem d;
	int64_t version = 1;

	tbs = der_enter(&cert, DER_SEQUENCE);
	put(&o, "Raw", b64(c, der));
	put(&o, "RawTBSCertificate", b64(c, raw_tbs));
	if (der_next_is(&tbs, DER_CONTEXT_CONS(0))) {
		struct slice v;

		in = der_enter(&tbs, DER_CONTEXT_CONS(0));
		v = der_magnitude(&in);
		version = v.n == 1 ? v.p[0] + 1 : 1;
	}
	put(&o, "Version", rv_int(version));
	put(&o, "SerialNumber", big(c, der_magnitude(&tbs)));
	in = der_enter(&tbs, DER_SEQUENCE);
	put(&o, "SignatureAlgorithm", rv_int(signature_algorithm(der_take(&in, DER_OID))));
	peek = tbs;
	put(&o, "RawIssuer", b64(c, der_raw(&peek)));
	put(&o, "Issuer", name(c, der_enter(&tbs, DER_SEQUENCE)));
	in = der_enter(&tbs, DER_SEQUENCE);
	d = next(&in);
	put(&o, "NotBefore", time_value(c, &d));
	d = next(&in);
	put(&o, "NotAfter", time_value(c, &d));
	peek = tbs;
	put(&o, "RawSubject", b64(c, der_raw(&peek)));
	put(&o, "Subject", name(c, der_enter(&tbs, DER_SEQUENCE)));
	peek = tbs;
	put(&o, "RawSubjectPublicKeyInfo", b64(c, der_raw(&peek)));
	public_key(&o, der_enter(&tbs, DER_SEQUENCE));
	while (cur_more(&tbs)) {
		if (der_next_is(&tbs, DER_CONTEXT_CONS(3))) {
			in = der_enter(&tbs, DER_CONTEXT_CONS(3));
			extensions(&s, der_enter(&in, DER_SEQUENCE));
		} else {
			next(&tbs);
		}
	}
	der_take(&cert, DER_SEQUENCE);
	put(&o, "Signature", b64(c, der_bytes(&cert)));
	put_alt(&o, &s);
	put_said(&o, &s, uris);
	if (m.bad || cur_more(&cert) || cur_more(&top))
		return rv_undef();
	return rv_builder_done(&o.b);
}

/* A request's attributes; the one that asks for extensions is read. */
static struct rv attributes(struct said *s, struct cur list)
{
	struct rv_vec all = rv_vec(s->c->heap);

	while (cur_more(&list)) {
		struct cur attr = der_enter(&list, DER_SEQUENCE), values;
		struct slice oid = der_take(&attr, DER_OID);
		struct rv_vec outer = rv_vec(s->c->heap);
		struct obj o = obj(s->c);

		values = der_enter(&attr, DER_SET);
		if (oid_is(oid, "1.2.840.113549.1.9.14") && der_next_is(&values, DER_SEQUENCE)) {
			struct cur asked = values, in = der_enter(&asked, DER_SEQUENCE);
			struct rv_vec inner = rv_vec(s->c->heap);
			struct cur again = in;

			while (cur_more(&in)) {
				struct cur ext = der_enter(&in, DER_SEQUENCE);
				struct obj pair = obj(s->c);

				put(&pair, "Type", oid_list(s->c, der_take(&ext, DER_OID)));
				if (der_next_is(&ext, DER_BOOLEAN))
					next(&ext);
				put(&pair, "Value", b64(s->c, der_take(&ext, DER_OCTET_STRING)));
				rv_push(&inner, rv_builder_done(&pair.b));
			}
			rv_push(&outer, rv_vec_done(&inner));
			extensions(s, again);
			put(&o, "Type", oid_list(s->c, oid));
			put(&o, "Value", rv_vec_done(&outer));
			rv_push(&all, rv_builder_done(&o.b));
		}
	}
	return list_or_null(&all);
}

struct rv cert_request_value(struct rego_call *c, struct slice der)
{
	struct msg m;
	struct cur top = cur_open(&m, der), req = der_enter(&top, DER_SEQUENCE), info, in;
	struct cur peek = req;
	struct slice raw = der_raw(&peek), v;
	struct said s = said(c);
	struct obj o = obj(c);

	info = der_enter(&req, DER_SEQUENCE);
	put(&o, "Raw", b64(c, der));
	put(&o, "RawTBSCertificateRequest", b64(c, raw));
	v = der_magnitude(&info);
	put(&o, "Version", rv_int(v.n == 1 ? v.p[0] : 0));
	peek = info;
	put(&o, "RawSubject", b64(c, der_raw(&peek)));
	put(&o, "Subject", name(c, der_enter(&info, DER_SEQUENCE)));
	peek = info;
	put(&o, "RawSubjectPublicKeyInfo", b64(c, der_raw(&peek)));
	public_key(&o, der_enter(&info, DER_SEQUENCE));
	put(&o, "Attributes", der_next_is(&info, DER_CONTEXT_CONS(0)) ? attributes(&s, der_enter(&info, DER_CONTEXT_CONS(0))) : rv_null());
	in = der_enter(&req, DER_SEQUENCE);
	put(&o, "SignatureAlgorithm", rv_int(signature_algorithm(der_take(&in, DER_OID))));
	put(&o, "Signature", b64(c, der_bytes(&req)));
	put_alt(&o, &s);
	put(&o, "ExtraExtensions", rv_null());
	if (m.bad || cur_more(&req) || cur_more(&top))
		return rv_undef();
	return rv_builder_done(&o.b);
}

size_t cert_key_usages(struct slice der, int *out, size_t max)
{
	struct msg m;
	struct cur top = cur_open(&m, der), cert = der_enter(&top, DER_SEQUENCE), tbs = der_enter(&cert, DER_SEQUENCE), list, in;
	size_t n = 0;

	while (cur_more(&tbs) && !der_next_is(&tbs, DER_CONTEXT_CONS(3)))
		next(&tbs);
	if (!cur_more(&tbs))
		return 0;
	in = der_enter(&tbs, DER_CONTEXT_CONS(3));
	for (list = der_enter(&in, DER_SEQUENCE); cur_more(&list);) {
		struct cur ext = der_enter(&list, DER_SEQUENCE), usages;
		struct msg m2;

		if (!oid_is(der_take(&ext, DER_OID), "2.5.29.37"))
			continue;
		if (der_next_is(&ext, DER_BOOLEAN))
			next(&ext);
		usages = cur_open(&m2, der_take(&ext, DER_OCTET_STRING));
		for (usages = der_enter(&usages, DER_SEQUENCE); cur_more(&usages) && n < max;)
			out[n++] = eku_number(der_take(&usages, DER_OID));
	}
	return n;
}
