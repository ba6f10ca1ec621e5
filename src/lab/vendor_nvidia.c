/* vendor_nvidia.c - a responder's answers, and reference measurements by their ids. Spec: verifiers.md 14; RFC 6960. */
#include "base/num.h"
#include "codec/base64.h"
#include "crypto/der.h"
#include "crypto/x509.h"
#include "lab/lab_ocsp.h"
#include "lab/vendor_int.h"

/* The worlds' answers are named by SHA-384. */
#define SHA384_OID "2.16.840.1.101.3.4.2.2"

const char *vendor_read_ocsp(struct slice request, struct arena *a)
{
	struct msg m;
	struct cur c = cur_open(&m, request), whole = der_enter(&c, DER_SEQUENCE), tbs = der_enter(&whole, DER_SEQUENCE), list, one, id, alg;
	struct slice oid, name, key, serial;
	uint8_t tag;

	for (uint8_t i = 0; i < 2; i++)	/* version, name of who asks */
		if (der_next_is(&tbs, DER_CONTEXT_CONS(i)))
			(void)der_any(&tbs, &tag);
	list = der_enter(&tbs, DER_SEQUENCE);
	one = der_enter(&list, DER_SEQUENCE);
	id = der_enter(&one, DER_SEQUENCE);
	alg = der_enter(&id, DER_SEQUENCE);
	oid = der_oid(&alg);
	name = der_take(&id, DER_OCTET_STRING);
	key = der_take(&id, DER_OCTET_STRING);
	serial = der_magnitude(&id);
	if (m.bad || !oid_is(oid, SHA384_OID) || name.n != 48 || key.n != 48)
		return NULL;
	return arena_printf(a, "sha384:%s:%s:%s", hex_text(a, name), hex_text(a, key), hex_text(a, serial));
}

static const struct lab_item *find(const struct lab_world *l, const char *kind, const char *key)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->item[i].kind && strcmp(l->item[i].kind, kind) == 0 && strcmp(l->item[i].key, key) == 0)
			return &l->item[i];
	return NULL;
}

/* Signed anew, so that dates and state may be chosen. */
static RC answer(const struct lab_world *l, const struct lab_item *i, struct fault f, struct lab_dates d, struct arena *a, struct slice *out,
		 struct why *w)
{
	struct lab_ocsp o = {.issuer_key = lab_item(l, arena_printf(a, "%s.key", i->name)), .revoked = f.kind == FAULT_REVOKED,
			     .this_s = d.from_s, .next_s = d.to_s};
	struct x509 *pair[2];
	const char *name;
	size_t n;
	rc r;

	TRY(x509_list_from_pem(lab_item(l, arena_printf(a, "%s.pem", i->name)), pair, COUNT_OF(pair), &n, w));
	o.cert = x509_der(pair[0]);
	o.issuer = x509_der(pair[n - 1]);
	r = lab_ocsp(&o, a, out, &name, w);
	x509_free_all(pair, n);
	return r;
}

rc vendor_make_nvidia(const struct lab_world *l, const struct asked *q, struct fault f, struct lab_dates d, struct arena *a,
		      struct made *out, struct why *w)
{
	const struct lab_item *i = find(l, q->kind, q->key);
	struct json *doc;

	if (!i)
		return deny(w, E_NOTFOUND, "lab.absent", "the laboratory has no %s \"%.200s\"", q->kind, q->key);
	if (strcmp(q->kind, "nvidia-ocsp") == 0) {
		out->type = "application/ocsp-response";
		return answer(l, i, f, d, a, &out->body, w);
	}
	doc = json_new_object(a);
	json_set(a, doc, "id", json_new_cstr(a, q->key));
	json_set(a, doc, "rim", json_new_b64(a, i->bytes));
	out->type = "application/json";
	out->body = json_text(a, doc);
	return rc_of(OK);
}
