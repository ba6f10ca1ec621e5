/* watch.h - evaluations that tell where they are, for coverage and profiles. Costs nothing where it is not used. */
#pragma once
#include "rego/ast.h"

/* rego_eval that calls `see` with the place of every instruction that runs; places of the query have mod >= modules. */
struct rego_result *rego_eval_watched(const struct rego_query *q, const struct rego_eval_options *options,
				      void (*see)(void *ctx, const struct loc *at), void *ctx);
/* Calls `see` with each place of a module that has code. */
void rego_program_places(const struct rego_program *p, void (*see)(void *ctx, const struct loc *at), void *ctx);
