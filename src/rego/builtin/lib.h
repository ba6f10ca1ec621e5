/* lib.h - what the tables of builtins share: reading operands with the texts of the language, and results. */
#pragma once
#include <gmp.h>

#include "base/why.h"
#include "rego/builtin.h"

#define ARG_STRING(c, args, i) ARG_KIND(c, args, i, RV_STRING)
#define ARG_NUMBER(c, args, i) ARG_KIND(c, args, i, RV_NUMBER)
#define ARG_ARRAY(c, args, i) ARG_KIND(c, args, i, RV_ARRAY)
#define ARG_OBJECT(c, args, i) ARG_KIND(c, args, i, RV_OBJECT)
#define ARG_SET(c, args, i) ARG_KIND(c, args, i, RV_SET)

/* The result, or the end of the query when there was no memory for it. */
RC lib_return(struct rego_call *c, struct rv v, struct rv *out);
RC lib_string(struct rego_call *c, struct slice s, struct rv *out);
/* What was written into b. */
RC lib_buffer(struct rego_call *c, const struct buf *b, struct rv *out);
/* A buffer for a result, no larger than what the budget allows. */
struct buf lib_buf(struct rego_call *c);
/* No memory: ends the query. */
RC lib_no_memory(struct rego_call *c);
/* What a module refused becomes a failure of the builtin; lack of memory ends the query. */
RC lib_refused(struct rego_call *c, rc r, const struct why *w);

/* Operand i (from 0) as a plain integer: written without fraction and exponent, within 64 bits. */
RC lib_int(struct rego_call *c, const struct rv *args, unsigned i, int64_t *out);
/* Operand i, integral by value and of any size, into z (which the caller has initialised). */
RC lib_bigint(struct rego_call *c, const struct rv *args, unsigned i, mpz_t z);
/* v is integral: *z gets it. False beyond the cap on digits. */
bool lib_to_mpz(struct rv v, mpz_t z);
/* Frees nothing. E_LIMIT beyond RV_MAX_DIGITS. */
RC lib_from_mpz(struct rego_call *c, mpz_srcptr z, struct rv *out);

/* "operand N must be array of strings but got array containing number". */
RC lib_element_error(struct rego_call *c, unsigned operand, struct rv coll, const char *want, struct rv got);
/* An array or set of strings: the members in order. Others are refused as operand i (from 0); `one` lets a single
 * string stand for a list of one. In heap memory. */
RC lib_strings(struct rego_call *c, const struct rv *args, unsigned i, bool one, const struct rv **items, size_t *n);
/* The members of an array or set in order, borrowed; NULL for other kinds. */
const struct rv *lib_items(struct rv v, size_t *n);

/* A compiled expression, kept for the query. *drop: the caller has to free it with regex_free. E_MALFORMED: *err says
 * what is wrong with it (err_n bytes). */
struct regex;
RC lib_regex(struct rego_call *c, struct rv pattern, struct regex **out, bool *drop, char *err, size_t err_n);

extern const struct rego_builtin builtin_numbers[], builtin_bits[], builtin_aggregates[], builtin_collections[],
	builtin_types[], builtin_compare[], builtin_strings[], builtin_sprintf[], builtin_regex[], builtin_patterns[],
	builtin_objects[], builtin_json_paths[], builtin_json_patch[], builtin_schema[], builtin_walk[], builtin_graph[],
	builtin_encoding[], builtin_yaml[], builtin_url[], builtin_net[], builtin_time[], builtin_uuid[], builtin_crypto[],
	builtin_x509[], builtin_jwt[], builtin_jwt_sign[], builtin_aws[], builtin_engine[], builtin_template[],
	builtin_graphql[];
