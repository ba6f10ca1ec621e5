/* kbs_se.h - what the broker needs to ask guests of IBM Secure Execution, read from the operator's files. */
#pragma once
#include "as/as.h"

/* Paths; `host_keys` NULL: Secure Execution is not set up. */
struct kbs_se_settings {
	const char *host_keys;		/* folder: host key documents, or public keys that the operator vouches for, PEM */
	const char *certificates;	/* folder: the signing certificate of the documents, and what is between it and the root */
	const char *root;		/* file: the root that the operator trusts */
	const char *lists;		/* folder of revocation lists: a document without one does not count */
	const char *image_header;	/* SE header of the image */
};

struct kbs_se {
	struct as_se se;
	struct pkey *key[31];
	size_t n;
};

/* `out` lives as long as the service; `seal_key` is borrowed. Close it also after a failure. */
RC kbs_se_open(const struct kbs_se_settings *s, const struct secret *seal_key, int64_t now_s, struct arena *a, struct kbs_se *out,
	       struct why *w);
void kbs_se_close(struct kbs_se *se);
