/* rego.parse_module: refuses what does not parse, with the parser's words. The parsed form itself is not given out: its shape
 * is that of one implementation. */
#include "rego/ast.h"

struct rv rego_parse_to_value(struct rego_call *c, struct slice name, struct slice text, const char **err)
{
	struct rego_compile_options o = {.size = sizeof(o), .parse_only = 1};
	struct rego_module m = {arena_strndup(c->heap->arena, name.p, name.n), (const char *)text.p, text.n};
	struct rego_errors *errors = NULL;
	struct rego_program *p = rego_compile(&m, 1, &o, &errors);
	const struct rego_error *e = rego_errors_at(errors, 0);

	*err = "the parsed form of modules is not offered";
	if (!p && e)
		*err = arena_printf(c->heap->arena, "1 error occurred: %s:%u: %s: %s", e->file, e->row, e->code, e->message);
	rego_errors_free(errors);
	rego_program_free(p);
	return rv_undef();
}
