#include "evidence/dcap_quote.h"

#include "base/cur.h"

#define KEY_ECDSA_P256 2u
#define TEE_TYPE_SGX 0u
#define TEE_TYPE_TDX 0x81u
#define CERT_PCK_CHAIN 5u
#define CERT_QE_REPORT 6u
#define SIG_LEN 64u

static const uint8_t intel_vendor[16] = {0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
					 0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};

/* These look into slices whose length was checked by the cursor. */
static uint16_t le16_of(struct slice s)
{
	return (uint16_t)(s.p[0] | s.p[1] << 8);
}

static uint64_t le64_of(struct slice s)
{
	uint64_t v = 0;

	for (size_t i = 8; i-- > 0;)
		v = v << 8 | s.p[i];
	return v;
}

static void read_enclave(struct cur *c, struct dcap_enclave *e)
{
	e->cpu_svn = cur_take(c, 16);
	e->misc_select = cur_take(c, 4);
	e->reserved1 = cur_take(c, 12);
	e->isv_ext_prod_id = cur_take(c, 16);
	e->attributes = cur_take(c, 16);
	e->flags = slice_sub(e->attributes, 0, 8);
	e->xfrm = slice_sub(e->attributes, 8, 8);
	e->mr_enclave = cur_take(c, 32);
	e->reserved2 = cur_take(c, 32);
	e->mr_signer = cur_take(c, 32);
	e->reserved3 = cur_take(c, 32);
	e->config_id = cur_take(c, 64);
	e->isv_prod_id = cur_take(c, 2);
	e->isv_svn = cur_take(c, 2);
	e->config_svn = cur_take(c, 2);
	e->reserved4 = cur_take(c, 42);
	e->isv_family_id = cur_take(c, 16);
	e->report_data = cur_take(c, 64);
}

static void read_td(struct cur *c, struct dcap_td *t, bool td15)
{
	t->tee_tcb_svn = cur_take(c, 16);
	t->mr_seam = cur_take(c, 48);
	t->mrsigner_seam = cur_take(c, 48);
	t->seam_attributes = cur_take(c, 8);
	t->td_attributes = cur_take(c, 8);
	t->xfam = cur_take(c, 8);
	t->mr_td = cur_take(c, 48);
	t->mr_config_id = cur_take(c, 48);
	t->mr_owner = cur_take(c, 48);
	t->mr_owner_config = cur_take(c, 48);
	for (size_t i = 0; i < 4; i++)
		t->rtmr[i] = cur_take(c, 48);
	t->report_data = cur_take(c, 64);
	if (td15) {
		t->tee_tcb_svn2 = cur_take(c, 16);
		t->mr_servicetd = cur_take(c, 48);
	}
}

/* The numbers are taken out once the whole quote is known to be well formed. */
static void enclave_values(struct dcap_enclave *e)
{
	e->flags_value = le64_of(e->flags);
	e->isv_prod_id_value = le16_of(e->isv_prod_id);
	e->isv_svn_value = le16_of(e->isv_svn);
}

RC dcap_enclave_parse(struct slice in, struct dcap_enclave *out, struct why *w)
{
	struct msg m;
	struct cur c = cur_open(&m, in);
	struct dcap_enclave e = {0};

	read_enclave(&c, &e);
	TRY(cur_end(&c, w, "dcap.parse", "an SGX report"));
	enclave_values(&e);
	*out = e;
	return rc_of(OK);
}

static RC check_header(struct slice in, struct dcap_quote *q, struct why *w)
{
	struct msg m;
	struct cur c = cur_open(&m, in);
	uint16_t key_type;
	uint32_t tee_type;

	q->h_version = cur_take(&c, 2);
	q->h_key_type = cur_take(&c, 2);
	q->h_tee_type = cur_take(&c, 4);
	q->h_reserved = cur_take(&c, 4);
	q->h_qe_svn = slice_sub(q->h_reserved, 0, 2);
	q->h_pce_svn = slice_sub(q->h_reserved, 2, 2);
	q->h_vendor_id = cur_take(&c, 16);
	q->h_user_data = cur_take(&c, 20);
	TRY(cur_end_open(&c, w, "dcap.parse.header", "a quote header"));

	q->version = le16_of(q->h_version);
	if (q->version < 3 || q->version > 5)
		return deny(w, E_UNSUPPORTED, "dcap.unsupported.version", "the quote has version %u, taken are 3, 4 and 5",
			    q->version);
	key_type = le16_of(q->h_key_type);
	if (key_type != KEY_ECDSA_P256)
		return deny(w, E_UNSUPPORTED, "dcap.unsupported.key-type",
			    "the attestation key is of type %u, taken is 2 (ECDSA P-256)", key_type);
	tee_type = (uint32_t)le16_of(q->h_tee_type) | (uint32_t)le16_of(slice_sub(q->h_tee_type, 2, 2)) << 16;
	if (tee_type != TEE_TYPE_SGX && (tee_type != TEE_TYPE_TDX || q->version == 3))
		return deny(w, E_UNSUPPORTED, "dcap.unsupported.tee-type", "a version %u quote cannot have TEE type 0x%x",
			    q->version, (unsigned)tee_type);
	q->tee = tee_type == TEE_TYPE_TDX ? DCAP_TDX : DCAP_SGX;
	if (!slice_eq(q->h_vendor_id, slice_of(intel_vendor, sizeof(intel_vendor))))
		return deny(w, E_UNSUPPORTED, "dcap.unsupported.vendor",
			    "the quoting enclave's vendor id is not Intel's");
	return rc_of(OK);
}

static size_t body_size(enum dcap_body b)
{
	switch (b) {
	case DCAP_BODY_SGX:
		return DCAP_SGX_REPORT;
	case DCAP_BODY_TD10:
		return DCAP_TD10_REPORT;
	case DCAP_BODY_TD15:
		return DCAP_TD15_REPORT;
	}
	return 0;
}

/* Version 5 names the body's type and size; the older versions imply them. */
static RC check_body_type(struct slice in, struct dcap_quote *q, struct why *w)
{
	struct msg m;
	struct cur c = cur_open(&m, in);
	uint16_t type;
	uint32_t size;
	enum dcap_body first = q->tee == DCAP_SGX ? DCAP_BODY_SGX : DCAP_BODY_TD10;
	enum dcap_body last = q->tee == DCAP_SGX ? DCAP_BODY_SGX : DCAP_BODY_TD15;

	q->body_type = first;
	if (q->version < 5)
		return rc_of(OK);
	(void)cur_take(&c, DCAP_HEADER);
	q->v5_type = cur_take(&c, 2);
	q->v5_size = cur_take(&c, 4);
	TRY(cur_end_open(&c, w, "dcap.parse.body", "the body descriptor of a version 5 quote"));
	type = le16_of(q->v5_type);
	if (type < first || type > last)
		return deny(w, E_UNSUPPORTED, "dcap.unsupported.body-type", "body type %u does not suit a quote of %s", type,
			    q->tee == DCAP_SGX ? "SGX" : "TDX");
	q->body_type = (enum dcap_body)type;
	size = (uint32_t)le16_of(q->v5_size) | (uint32_t)le16_of(slice_sub(q->v5_size, 2, 2)) << 16;
	if (size != body_size(q->body_type))
		return deny(w, E_MALFORMED, "dcap.parse.body", "body type %u is %zu bytes, the quote says %u", type,
			    body_size(q->body_type), (unsigned)size);
	return rc_of(OK);
}

/* The quoting enclave's report with its signature and data: the same run of fields in every version. */
static void read_qe(struct cur *c, struct dcap_quote *q)
{
	struct cur report = cur_sub(c, DCAP_SGX_REPORT), peek = report;

	q->qe_report = cur_rest(&peek);
	read_enclave(&report, &q->qe);
	q->qe_signature = cur_take(c, SIG_LEN);
	q->qe_auth = cur_take(c, cur_le16(c));
}

static void whole(struct cur *window)
{
	if (cur_more(window))
		cur_spoil(window);
}

/* Decodes behind the body. False for certification data of another type, *type: what that holds cannot be judged here. */
static bool read_signature_data(struct cur *sig, struct dcap_quote *q, uint16_t *type)
{
	struct cur inner = *sig;

	q->signature = cur_take(sig, SIG_LEN);
	q->key = cur_take(sig, 64);
	if (q->version == 3) {
		read_qe(sig, q);
		inner = *sig;
	} else {
		*type = cur_le16(sig);
		inner = cur_sub(sig, cur_le32(sig));
		whole(sig);
		if (*type != CERT_QE_REPORT)
			return false;
		read_qe(&inner, q);
	}
	*type = cur_le16(&inner);
	q->pck_pem = cur_take(&inner, cur_le32(&inner));
	whole(&inner);
	return *type == CERT_PCK_CHAIN;
}

RC dcap_quote_parse(struct slice in, struct dcap_quote *out, struct why *w)
{
	struct dcap_quote q = {0};
	struct msg m;
	struct cur c = cur_open(&m, in), body, peek, sig;
	uint16_t type = 0;
	size_t signed_n;
	bool known;

	if (in.n > DCAP_QUOTE_MAX)
		return deny(w, E_LIMIT, "dcap.parse.size", "the quote has %zu bytes, the most is %u", in.n, DCAP_QUOTE_MAX);
	if (in.n < DCAP_HEADER)
		return deny(w, E_MALFORMED, "dcap.parse.header", "%zu bytes are no quote: its header alone has %u", in.n, DCAP_HEADER);
	TRY(check_header(in, &q, w));
	TRY(check_body_type(in, &q, w));
	signed_n = DCAP_HEADER + (q.version == 5 ? 6u : 0u) + body_size(q.body_type);
	peek = c;
	q.signed_part = cur_take(&peek, signed_n);
	(void)cur_take(&c, signed_n - body_size(q.body_type));
	body = cur_sub(&c, body_size(q.body_type));
	peek = body;
	q.body = cur_rest(&peek);
	if (q.tee == DCAP_SGX)
		read_enclave(&body, &q.enclave);
	else
		read_td(&body, &q.td, q.body_type == DCAP_BODY_TD15);
	sig = cur_sub(&c, cur_le32(&c));
	known = read_signature_data(&sig, &q, &type);
	q.trailing = cur_left(&c);
	TRY(cur_end_open(&c, w, "dcap.parse", "a quote"));
	if (!known)
		return deny(w, E_UNSUPPORTED, "dcap.unsupported.certification",
			    "certification data of type %u, taken are 5 (PCK chain) and 6 (QE report)", type);
	if (q.tee == DCAP_SGX)
		enclave_values(&q.enclave);
	else
		q.td.td_attributes_value = le64_of(q.td.td_attributes);
	enclave_values(&q.qe);
	while (q.pck_pem.n && q.pck_pem.p[q.pck_pem.n - 1] == 0)
		q.pck_pem.n--;
	*out = q;
	return rc_of(OK);
}
