/* rego.h - the Rego policy engine as a library: compile once, evaluate from many threads.
 *
 * A program is immutable: everything that an evaluation needs beside it is handed in with the call, and everything
 * it makes is in its result. No I/O, no global state, no clock but the one that is given. The same program, input,
 * data, clock and replies of host functions give the same bytes.
 *
 * Language: Rego v1 and v0 as Open Policy Agent defines them. Text in and out is UTF-8; it need not end in NUL
 * where a length is given. Structs that callers fill begin with `size` (sizeof) and grow only at the end; zero in a
 * field means its default. Functions named *_free accept NULL.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define REGO_API __attribute__((visibility("default")))

struct rego_program;	/* compiled modules; share between threads */
struct rego_query;	/* a compiled query of one program; share between threads */
struct rego_doc;	/* a parsed, frozen JSON document; share between threads */
struct rego_result;	/* what one evaluation gave; one thread */

/* ---- errors ---- */

struct rego_error {
	const char *code;	/* OPA's: "rego_parse_error", "rego_type_error", "eval_conflict_error", ...; never NULL */
	const char *message;
	const char *file;	/* name of the module, or "" */
	uint32_t row, col;	/* from 1; 0 when there is no place */
	const char *budget;	/* the budget that ran out: "steps", "memory", "time", "depth", "result"; else NULL */
};

/* Errors of a compilation. */
struct rego_errors;
REGO_API size_t rego_errors_count(const struct rego_errors *e);
REGO_API const struct rego_error *rego_errors_at(const struct rego_errors *e, size_t i);
REGO_API void rego_errors_free(struct rego_errors *e);

/* ---- host functions ---- */

/* The arguments and the reply of one call; good during that call. */
struct rego_host_call;
REGO_API uint32_t rego_host_argc(const struct rego_host_call *c);
/* A string argument without copying; NULL when argument i is no string. */
REGO_API const char *rego_host_arg_string(const struct rego_host_call *c, uint32_t i, size_t *len);
/* Any argument as JSON text, or NULL without memory. */
REGO_API const char *rego_host_arg_json(struct rego_host_call *c, uint32_t i, size_t *len);
/* The reply: JSON text, or a prepared document. Without one the call is undefined. 0, or -1 when it is not JSON. */
REGO_API int rego_host_reply_json(struct rego_host_call *c, const char *json, size_t len);
REGO_API int rego_host_reply_doc(struct rego_host_call *c, const struct rego_doc *doc);
/* The call fails (eval_builtin_error): undefined, or the end of the query under strict_errors. */
REGO_API void rego_host_fail(struct rego_host_call *c, const char *message);
/* The query ends in eval_builtin_error, strict or not: for a host that could not do its work. */
REGO_API void rego_host_abort(struct rego_host_call *c, const char *message);

struct rego_host_fn {
	const char *name;	/* "query_reference_value" or "acme.lookup" */
	uint32_t arity;
	uint32_t nondeterministic;	/* 0: equal arguments give one call an evaluation; else each call is made */
	/* `ctx` is host_ctx of the evaluation. May be called from any thread that evaluates. */
	void (*call)(void *ctx, struct rego_host_call *c);
};

/* ---- time zones ---- */

/* The reply to a question for a time zone; good during that call. */
struct rego_zone;
/* The zone's TZif data (RFC 9636), copied. Without a reply the zone is unknown. */
REGO_API void rego_zone_reply(struct rego_zone *z, const void *tzif, size_t len);

/* ---- compiling ---- */

struct rego_module {
	const char *name;	/* for messages: "policy.rego" */
	const char *text;
	size_t len;
};

enum rego_dialect { REGO_V1 = 0, REGO_V0 = 1 };

struct rego_compile_options {
	size_t size;
	int32_t dialect;	/* enum rego_dialect, for modules that import neither rego.v1 nor future.keywords */
	int32_t strict;		/* unused imports and variables are errors */
	int32_t experimental_keywords;	/* `import future.keywords.and`, `.or` */
	int32_t keep_print;	/* print(...) calls stay; they are erased otherwise */
	const struct rego_host_fn *host_fns;
	size_t host_fn_count;
	const char *const *denied_builtins;	/* names that a policy may not call */
	size_t denied_builtin_count;
	size_t max_source_bytes;	/* of all modules; default 4 MiB */
	uint32_t max_nesting;		/* of one expression; default 200 */
	uint32_t max_rules;		/* default 20,000 */
	uint32_t max_errors;		/* reported at most; default 10 */
	int32_t parse_only;		/* stop after parsing: the program cannot be evaluated */
	int32_t lenient_types;		/* what can never hold is undefined when evaluated, and no error when compiled */
	int32_t check_annotations;	/* errors in `# METADATA` are reported even where no rule asks for annotations */
};

/* NULL on failure: then *errors (when asked for) holds at least one error. Texts and options are not kept. */
REGO_API struct rego_program *rego_compile(const struct rego_module *modules, size_t count,
					   const struct rego_compile_options *options, struct rego_errors **errors);
REGO_API void rego_program_free(struct rego_program *p);

/* A query body ("data.policy.allow", "x := data.p.q[_]; x > 1"), parsed as v1. The program must outlive it. */
REGO_API struct rego_query *rego_query_compile(const struct rego_program *p, const char *text, size_t len,
					       struct rego_errors **errors);
REGO_API void rego_query_free(struct rego_query *q);

/* NULL when the text is not JSON or there is no memory. */
REGO_API struct rego_doc *rego_doc_parse(const char *json, size_t len);
REGO_API void rego_doc_free(struct rego_doc *d);

/* ---- evaluating ---- */

/* 0: the default. An evaluation that needs more ends in eval_cancel_error with the budget's name. */
struct rego_budget {
	uint64_t steps;		/* default 4,000,000 */
	size_t memory_bytes;	/* default 48 MiB; texts of the result are beside it */
	uint64_t time_ns;	/* wall time, default 100 ms; host functions count */
	uint32_t depth;		/* nested rule and function calls, default 256 */
	size_t result_bytes;	/* JSON text of the result, default 16 MiB */
};

struct rego_eval_options {
	size_t size;
	const char *input;	/* JSON text, borrowed during the call; NULL: see input_doc */
	size_t input_len;
	const struct rego_doc *input_doc;	/* NULL, too: `input` is undefined */
	const struct rego_doc *data;	/* an object; NULL: {} */
	struct rego_budget budget;
	int64_t now_ns;		/* time.now_ns(); 0 is 1970 */
	void *host_ctx;
	int32_t strict_errors;	/* errors of builtins end the query */
	int32_t explain;	/* collect explanations */
	const volatile int *cancel;	/* nonzero ends the evaluation; may be set by another thread */
	/* Takes each line that print(...) makes, where a program was compiled with keep_print. NULL: they are lost. */
	void (*print)(void *host_ctx, const char *line, size_t len, const char *file, uint32_t row);
	/* Looks up "Europe/Berlin" for a policy that names it. NULL: no zone but UTC is known, and "Local" is UTC. */
	void (*zone)(void *host_ctx, const char *name, struct rego_zone *z);
};

/* Never NULL except without memory. */
REGO_API struct rego_result *rego_eval(const struct rego_query *q, const struct rego_eval_options *options);
REGO_API void rego_result_free(struct rego_result *r);

/* The error that ended the evaluation, or NULL. */
REGO_API const struct rego_error *rego_result_error(const struct rego_result *r);
/* Rows of the query: 0 is undefined. */
REGO_API size_t rego_result_rows(const struct rego_result *r);
/* A row as JSON: the object of the query's named variables. NULL when there is no such row. */
REGO_API const char *rego_result_row(const struct rego_result *r, size_t row, size_t *len);
/* The value of the query's first expression in the first row as JSON ("true", "{...}"); NULL: undefined. */
REGO_API const char *rego_result_value(const struct rego_result *r, size_t *len);
/* 1 when the query has exactly one row and its value is the boolean true: the form for `data.x.allow`. */
REGO_API int rego_result_allowed(const struct rego_result *r);

/* Why a rule did not give its value: one record a definition that was tried and stopped. */
struct rego_explanation {
	const char *rule;	/* "data.policy.executables" */
	const char *file;
	uint32_t rule_row;	/* of the rule's head */
	uint32_t row, col, len;	/* of the expression that stopped it */
	const char *text;	/* the expression as written */
	const char *op;		/* "==", "in", "not", ..., or "" */
	const char *left, *right;	/* values as Rego text, cut at 512 bytes; NULL where there is none */
	const char *nearest;	/* for `in`: the member closest to the left side; NULL else */
};
REGO_API size_t rego_result_explanations(const struct rego_result *r);
REGO_API const struct rego_explanation *rego_result_explanation(const struct rego_result *r, size_t i);

#ifdef __cplusplus
}
#endif
