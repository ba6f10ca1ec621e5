/* upstream_hygon.c - Hygon's certificate service: HSK and CEK of a chip, one behind the other. Spec: verifiers.md 11.4, 12. */
#include "collateral/upstream_int.h"
#include "evidence/hygon.h"

/* Serial numbers are letters and digits. */
static bool is_serial(const char *key)
{
	size_t n = strspn(key, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

	return n && n <= 64 && !key[n];
}

/* These certificates do not name their chip, so nothing more than their form can be looked at; the report's signature will tell. */
static RC check_pair(struct slice bytes, struct why *w)
{
	struct hygon_cert hsk, cek;

	if (bytes.n != HYGON_CA_SIZE + HYGON_CSV_SIZE || !rc_ok(hygon_ca_parse(slice_sub(bytes, 0, HYGON_CA_SIZE), "HSK", &hsk, NULL)) ||
	    !rc_ok(hygon_csv_parse(slice_sub(bytes, HYGON_CA_SIZE, HYGON_CSV_SIZE), "CEK", &cek, NULL)) || hsk.usage != HYGON_HSK ||
	    cek.usage != HYGON_CEK)
		return deny(w, E_MALFORMED, "upstream.content", "the answer is no pair of HSK and CEK");
	return rc_of(OK);
}

rc upstream_hygon(struct upstream_call *call, struct why *w)
{
	struct fetch_reply reply;

	if (!is_serial(call->key))
		return deny(w, E_NOTFOUND, "upstream.key", "\"%.200s\" names no chip of Hygon", call->key);
	TRY(upstream_ask(call, arena_printf(call->a, "%s/hsk_cek?snumber=%s", call->u->hygon_base, call->key), &reply, w));
	if (reply.status == 200)
		TRY(check_pair(reply.body, w));
	upstream_add(call, call->kind, &reply, reply.body);
	return rc_of(OK);
}
