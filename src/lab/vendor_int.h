/* vendor_int.h - between the faults, the documents and the routes of the vendors on loopback. */
#pragma once
#include "lab/intel.h"
#include "lab/snp.h"
#include "lab/vendor.h"

enum fault_kind {
	FAULT_NONE,
	FAULT_BUSY,	 /* 429; seconds of Retry-After */
	FAULT_ERROR,	 /* 500; another status */
	FAULT_SLOW,	 /* answers after so many seconds */
	FAULT_TRUNCATED, /* half of what Content-Length promises */
	FAULT_DROP,	 /* no answer */
	FAULT_FUTURE,	 /* issued so many days from now */
	FAULT_GAP,	 /* behind its nextUpdate by so many days */
	FAULT_REVOKED,	 /* lists name what is in use */
	FAULT_SIGNATURE, /* the last bits of the signature are others */
	FAULT_OTHER,	 /* the answer is about another platform */
};

struct fault {
	enum fault_kind kind;
	double amount;
};

/* "gap=7.4". E_MALFORMED lab.fault. */
RC fault_parse(struct slice text, struct fault *out, struct why *w);

/* What is asked for, taken apart from the path. */
struct asked {
	const char *kind;	/* of collateral; "pck-cert" */
	bool vlek;		/* amd-*: of the VLEK's chain */
	bool tdx;		/* intel-tcb-info, intel-qe-identity */
	enum lab_intel_authority authority;	/* intel-pck-crl */
	struct slice chip, tcb;	/* amd-vcek: 64 and 8 bytes */
	const char *fmspc;	/* intel-tcb-info */
	const struct json *pck;	/* pck-cert: fields of the platform */
	const char *key;	/* nvidia-*: as the collateral's */
};

/* False: there is no such thing, and the answer is 404. */
bool vendor_route(const struct http_request *r, const char *generation, struct asked *out);

/* A document that was handed out, to be handed out again. */
struct made {
	struct made *next;
	const char *target;
	struct slice body;
	const char *type, *chain_header;	/* name of the header with the issuer chain; NULL: none */
	struct slice chain;			/* PEM, URL-encoded */
	char etag[24], modified[32];
};

struct vendor_worlds {
	bool has_snp, has_intel, has_nvidia;
	struct lab_world snp, intel, nvidia;
};

/* nvidia-ocsp and nvidia-rim. E_NOTFOUND lab.absent: the world has no such thing. */
RC vendor_make_nvidia(const struct lab_world *l, const struct asked *q, struct fault f, struct lab_dates d, struct arena *a,
		      struct made *out, struct why *w);
/* The certificate that an OCSP request (RFC 6960 4.1.1) is about, as crypto/ocsp.h names it; NULL: it cannot be read. */
const char *vendor_read_ocsp(struct slice request, struct arena *a);

/* Issues it. `with`: members of documents by "tdx/tcb", "sgx/qe" and so on; NULL: none. */
RC vendor_make(const struct vendor_worlds *worlds, const struct asked *q, struct fault f, int64_t now_s, const struct json *with,
	       struct arena *a, struct made *out, struct why *w);
