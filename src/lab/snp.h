/* snp.h - of a world of AMD's shape: what its key distribution service would have of it. Spec: verifiers.md 4.4, 4.5. */
#pragma once
#include "lab/lab.h"

/* "Milan", "Genoa", "Turin": the generation that the world is of. */
const char *lab_snp_generation(const struct lab_world *l, struct arena *a);
/* DER of a VCEK for this chip (64 bytes; of Turin the first 8 count) and this TCB (8 bytes as in the report). */
RC lab_snp_vcek(const struct lab_world *l, struct slice chip, struct slice tcb, int64_t now_s, struct arena *a, struct slice *der,
		struct why *w);
/* A signed report in binary, for shapes that have one within; `fields` are whole (lab_merge). */
RC lab_snp_report(const struct lab_world *l, const struct lab_binding *b, const struct json *fields, struct arena *a, struct slice *out,
		  struct why *w);
/* PEM of ASK, or ASVK, and ARK. */
struct slice lab_snp_chain(const struct lab_world *l, bool vlek, struct arena *a);
/* The ARK's list in DER; revoke: ASK and ASVK are on it. */
RC lab_snp_crl(const struct lab_world *l, uint64_t number, int64_t from_s, int64_t to_s, bool revoke, struct arena *a, struct slice *der,
	       struct why *w);
