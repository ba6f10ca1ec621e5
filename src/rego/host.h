/* host.h - what in-tree callers of the engine may use beside include/warrant/rego.h: values without text in between.
 *
 * Threads: as in the public header.
 */
#pragma once
#include "codec/json.h"
#include "rego/value.h"
#include "warrant/rego.h"

struct vm;

struct rego_doc {
	struct arena *arena;
	struct rv value;
};

struct rego_host_call {
	struct vm *vm;
	const struct rv *args;
	uint32_t n;
	const char *name;
	struct rv reply;
};

/* For rego_eval_options.zone: reads the system's time zone database. Not in the library for others, which does no I/O. */
void host_zone(void *ctx, const char *name, struct rego_zone *z);

/* A prepared document from a parsed one. NULL without memory. */
struct rego_doc *rego_doc_from_json(const struct json *doc);

const struct rv *host_args(const struct rego_host_call *c, uint32_t *n);
/* The reply of a host function as a value that lives at least as long as the evaluation. */
void host_reply(struct rego_host_call *c, struct rv v);
/* The same for a parsed document, which is copied. */
void host_reply_parsed(struct rego_host_call *c, const struct json *v);

/* The value of the query's first expression; lives as long as the result. RV_UNDEF when undefined or in error. */
struct rv host_result(const struct rego_result *r);
/* The same as a document of its own; NULL when it is undefined. */
struct rego_doc *rego_doc_from_result(const struct rego_result *r);
/* The values of the expressions in one row as an array; NULL for a query where one of them only binds. */
struct rego_doc *rego_doc_from_row(const struct rego_result *r, size_t row);
/* Named variables of the query. */
uint32_t rego_result_columns(const struct rego_result *r);
