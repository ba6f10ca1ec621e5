/* unit.h - one policy text with its queries, for services of this tree: compiled when it is stored, counted, shared by threads.
 *
 * Wraps include/warrant/rego.h in `rc`, `why` and arenas. Builtins that reach out or are not deterministic are denied.
 */
#pragma once
#include "base/sys.h"
#include "codec/json.h"
#include "warrant/rego.h"

#define UNIT_QUERIES_MAX 4u
#define UNIT_TEXT_MAX	 ((size_t)2 << 20)

struct rego_unit;

/* name: "default_cpu.rego", in messages. E_MALFORMED `reason` with "name:row:col: message". */
RC rego_unit_new(const char *name, struct slice text, const struct rego_host_fn *fns, size_t fns_n, const char *const *queries,
		 size_t queries_n, const char *reason, struct rego_unit **out, struct why *w);
struct rego_unit *rego_unit_ref(struct rego_unit *u);
void rego_unit_free(struct rego_unit *u);	/* one owner less; accepts NULL */

/* A document made ready for the engine once, for any number of calls with any policy, on one thread. In `a`; the JSON
 * must live as long. E_LIMIT rego.memory, rego.depth, rego.number (one with too many digits). */
RC rego_unit_ready(struct arena *a, const struct json *v, const struct rego_doc **out, struct why *w);

struct rego_unit_call {
	size_t query;		/* index into `queries` */
	const struct json *input;	/* made ready for this call alone; or */
	const struct rego_doc *ready;	/* input that is ready: it is the one that counts when both are set */
	const struct json *data;	/* an object; NULL: {} */
	int64_t now_ns;
	void *host_ctx;
	bool explain;
};

struct rego_unit_result {
	const struct json *value;		/* NULL: undefined */
	const struct json *explanations;	/* array of {"rule","at","expression","op","found","expected","nearest"}; with explain */
};

/* E_LIMIT rego.budget.<name>; E_DENIED rego.<code> with the place. */
RC rego_unit_eval(const struct rego_unit *u, const struct rego_unit_call *call, struct arena *a, struct rego_unit_result *out,
		  struct why *w);
