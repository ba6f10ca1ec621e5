/* upstream_intel.c - Intel's Provisioning Certification Service, version 4, or a PCCS. Spec: verifiers.md 5.4.
 *
 * Both serve the same paths. They differ in the root's list: Intel publishes it beside its certificates, a PCCS serves it
 * itself, in some versions as hex.
 */
#include "codec/base64.h"
#include "collateral/upstream_int.h"
#include "evidence/dcap_tcb.h"

#define PCS_HOST    "https://api.trustedservices.intel.com"
#define ROOT_CRL    "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der"
#define FMSPC_CHARS 12u

static RC bad_key(struct why *w, const char *kind, const char *key)
{
	return deny(w, E_NOTFOUND, "upstream.key", "\"%.200s\" names no %s", key, kind);
}

static const char *update(const struct upstream *u)
{
	return u->config.intel_standard ? "standard" : "early";
}

/* A signed document and, from a header, the chain of its signer. *doc is empty when what is held has not changed. */
static RC get_document(struct upstream_call *call, const char *url, const char *header, struct fetch_reply *reply, struct slice *doc,
		       struct slice *chain, struct why *w)
{
	*doc = *chain = (struct slice){0};
	TRY(upstream_ask(call, url, reply, w));
	if (reply->status == 304)
		return rc_of(OK);
	TRY(upstream_header_chain(call->a, fetch_header_get(reply, header), chain, w));
	*doc = reply->body;
	return rc_of(OK);
}

static RC split_tcb_key(const char *key, char tee[4], char fmspc[FMSPC_CHARS + 1], struct why *w)
{
	if ((strncmp(key, "sgx/", 4) != 0 && strncmp(key, "tdx/", 4) != 0) || strlen(key) != 4 + FMSPC_CHARS ||
	    !upstream_is_hex(key + 4, FMSPC_CHARS))
		return bad_key(w, "TCB info", key);
	memcpy(tee, key, 3);
	tee[3] = '\0';
	for (size_t i = 0; i <= FMSPC_CHARS; i++)
		fmspc[i] = key[4 + i] >= 'a' ? (char)(key[4 + i] - 32) : key[4 + i];
	return rc_of(OK);
}

static RC check_tcb_info(struct slice doc, const char *key, struct arena *a, struct why *w)
{
	struct why inner = why_in(a);
	struct dcap_tcb_info info;
	const char *found;

	if (!rc_ok(dcap_tcb_info_parse(a, doc, &info, &inner)))
		return deny(w, E_MALFORMED, "upstream.content", "%s", why_text(&inner));
	found = arena_printf(a, "%s/%s", info.tee == DCAP_TDX ? "tdx" : "sgx", hex_text(a, slice_of(info.fmspc, sizeof(info.fmspc))));
	if (!found)
		return deny(w, E_INTERNAL, "upstream.memory", "no memory");
	for (size_t i = 0; found[i]; i++)
		if (found[i] != (key[i] >= 'A' && key[i] <= 'F' ? key[i] + 32 : key[i]))
			return upstream_other(w, "FMSPC", found, key);
	return rc_of(OK);
}

static RC get_tcb_info(struct upstream_call *call, struct why *w)
{
	char tee[4], fmspc[FMSPC_CHARS + 1];
	struct fetch_reply reply;
	struct slice doc, chain;

	TRY(split_tcb_key(call->key, tee, fmspc, w));
	TRY(get_document(call, arena_printf(call->a, "%s/%s/certification/v4/tcb?fmspc=%s&update=%s", call->u->intel_base, tee, fmspc,
					    update(call->u)),
			 "tcb-info-issuer-chain", &reply, &doc, &chain, w));
	if (reply.status == 200)
		TRY(check_tcb_info(doc, call->key, call->a, w));
	upstream_add(call, "intel-tcb-info", &reply, doc);
	upstream_add(call, "intel-tcb-info-chain", &reply, chain);
	return rc_of(OK);
}

static RC check_qe_identity(struct slice doc, bool tdx, struct arena *a, struct why *w)
{
	struct why inner = why_in(a);
	struct dcap_qe_identity qe;

	if (!rc_ok(dcap_qe_identity_parse(a, doc, &qe, &inner)))
		return deny(w, E_MALFORMED, "upstream.content", "%s", why_text(&inner));
	if (!slice_is(qe.id, tdx ? "TD_QE" : "QE"))
		return upstream_other(w, "enclave", arena_strndup(a, qe.id.p, qe.id.n), tdx ? "TD_QE" : "QE");
	return rc_of(OK);
}

static RC get_qe_identity(struct upstream_call *call, struct why *w)
{
	bool tdx = strcmp(call->key, "tdx") == 0;
	struct fetch_reply reply;
	struct slice doc, chain;

	if (!tdx && strcmp(call->key, "sgx") != 0)
		return bad_key(w, "QE identity", call->key);
	TRY(get_document(call, arena_printf(call->a, "%s/%s/certification/v4/qe/identity?update=%s", call->u->intel_base, call->key,
					    update(call->u)),
			 "sgx-enclave-identity-issuer-chain", &reply, &doc, &chain, w));
	if (reply.status == 200)
		TRY(check_qe_identity(doc, tdx, call->a, w));
	upstream_add(call, "intel-qe-identity", &reply, doc);
	upstream_add(call, "intel-qe-identity-chain", &reply, chain);
	return rc_of(OK);
}

static RC get_crl(struct upstream_call *call, const char *kind, const char *url, struct fetch_reply *reply, struct why *w)
{
	struct slice list;

	TRY(upstream_ask(call, url, reply, w));
	list = reply->body;
	if (reply->status == 200 && upstream_is_hex((const char *)list.p, list.n))
		TRY(hex_decode(call->a, list, &list, "revocation list", w));
	upstream_add(call, kind, reply, list);
	return rc_of(OK);
}

/* With the chain of who signed it, where the service says that. */
static RC get_pck_crl(struct upstream_call *call, struct why *w)
{
	struct fetch_reply reply;
	struct slice header, chain = {0};

	if (strcmp(call->key, "platform") != 0 && strcmp(call->key, "processor") != 0)
		return bad_key(w, "PCK CRL", call->key);
	TRY(get_crl(call, "intel-pck-crl", arena_printf(call->a, "%s/sgx/certification/v4/pckcrl?ca=%s&encoding=der", call->u->intel_base, call->key),
		    &reply, w));
	header = fetch_header_get(&reply, "sgx-pck-crl-issuer-chain");
	if (header.p && reply.status == 200)
		TRY(upstream_header_chain(call->a, header, &chain, w));
	if (header.p || (reply.status == 304 && strcmp(call->kind, "intel-pck-crl-chain") == 0))
		upstream_add(call, "intel-pck-crl-chain", &reply, chain);
	return rc_of(OK);
}

rc upstream_intel(struct upstream_call *call, struct why *w)
{
	const char *kind = call->kind, *key = call->key, *base = call->u->intel_base;
	struct fetch_reply reply;

	if (strcmp(kind, "intel-tcb-info") == 0 || strcmp(kind, "intel-tcb-info-chain") == 0)
		return get_tcb_info(call, w);
	if (strcmp(kind, "intel-qe-identity") == 0 || strcmp(kind, "intel-qe-identity-chain") == 0)
		return get_qe_identity(call, w);
	if (strcmp(kind, "intel-pck-crl") == 0 || strcmp(kind, "intel-pck-crl-chain") == 0)
		return get_pck_crl(call, w);
	if (strcmp(kind, "intel-root-crl") != 0 || key[0])
		return bad_key(w, kind, key);
	return get_crl(call, kind, strcmp(base, PCS_HOST) == 0 ? ROOT_CRL : arena_printf(call->a, "%s/sgx/certification/v4/rootcacrl", base), &reply,
		       w);
}
