/* cert.h - certificates inside of tokens and messages, as cases state them. */
#pragma once
#include "cli/conformance/conformance.h"
#include "crypto/x509.h"

#define CONF_CHAIN_MAX 8u

struct conf_chain {
	struct x509 *c[CONF_CHAIN_MAX];	/* leaf first */
	size_t n;
};

RC conf_chain_add(struct conf_chain *ch, struct slice der, const char *reason, struct why *w);
void conf_chain_free(struct conf_chain *ch);
/* From the leaf to a self-signed certificate of the chain or of `roots`. */
RC conf_chain_check(const struct conf_chain *ch, struct x509 *const *roots, size_t roots_n, const char *reason, struct x509_path *path,
		    struct why *w);
/* ["CN=...", ...] and [["2025-09-04 04:54:27+00:00", "..."], ...] */
struct json *conf_chain_subjects(struct arena *a, const struct conf_chain *ch);
struct json *conf_chain_validity(struct arena *a, const struct conf_chain *ch);
/* "2021-08-31 23:11:05+00:00" */
struct json *conf_spaced_time(struct arena *a, int64_t t);
