/* vendor.h - the services of AMD, Intel and NVIDIA, as the worlds of a folder have them: a request to a reply, with faults on demand.
 *
 * Knows no socket: lab/serve.h carries it. What a service hands out stays the same, with its ETag, until a fault or a content is set
 * anew; then everything is issued again, so it is never older than what was handed out before (save where a fault says so).
 * Thread-safe. Spec: verifiers.md 4.4, 5.4, 14.4; docs/lab.md.
 */
#pragma once
#include "base/sys.h"
#include "net/http.h"

struct vendor;

struct vendor_reply {
	struct http_response head;	/* without its arena's ownership */
	unsigned delay_ms;		/* wait so long before the answer */
	bool cut;			/* send half of the body, then close */
	bool drop;			/* close without an answer */
};

/* Loads the worlds that the folder has. E_NOTFOUND lab.world: of none of the three. */
RC vendor_open(const char *dir, const struct clock *clock, struct vendor **out, struct why *w);
void vendor_close(struct vendor *v);	/* accepts NULL */
/* Faults by the kind of what is asked for (collateral/kinds.h; "pck-cert"; "*": any), as `PUT /lab/faults` takes them:
 * {"amd-crl": "revoked", "intel-tcb-info": "gap=7.4"}. They replace those before. E_MALFORMED lab.fault. */
RC vendor_set_faults(struct vendor *v, struct slice json, struct why *w);
/* Everything that the services answer; the body may lie in the request's arena. */
void vendor_answer(struct vendor *v, const struct http_request *r, struct vendor_reply *out);
