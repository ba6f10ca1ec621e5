/* engine.c - what looks at the engine itself. */
#include "rego/builtin/lib.h"
#include "rego/builtin/uri.h"
#include "rego/builtin/yaml.h"

struct rv rego_yaml_read(struct rv_heap *h, struct slice text, const char **bad)
{
	return yaml_read_core(h, text, bad);
}

const char *rego_uri_refusal(struct arena *a, struct slice text)
{
	struct why w = why_in(a);
	struct uri u;

	return rc_ok(uri_parse(a, text, &u, &w)) ? NULL : why_text(&w);
}

static rc runtime(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	(void)args;
	(void)n;
	/* neither environment nor configuration: a policy has no business with them */
	return lib_return(c, rv_empty_object(c->heap), out);
}

/* print is made into internal.print by the compiler, or erased: nobody calls it. */
static rc print(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	(void)args;
	(void)n;
	(void)out;
	return rego_fail(c, "print is no function");
}

struct printing {
	struct rego_call *c;
	struct rv operands;
	struct buf line;
};

/* Operands from i on: of a set each member gives a line, of an empty one the word for nothing. */
static rc print_from(struct printing *p, uint32_t i)
{
	struct rv set = i < rv_len(p->operands) ? rv_at(p->operands, i) : rv_undef();
	size_t mark = p->line.n;

	TRY(rego_charge(p->c, 1));
	if (set.kind == RV_UNDEF) {
		if (!buf_ok(&p->line))
			return lib_no_memory(p->c);
		rego_print_line(p->c, buf_view(&p->line));
		return rc_of(OK);
	}
	if (i)
		buf_putc(&p->line, ' ');
	rv_sort(set);
	for (uint32_t k = 0; k < rv_len(set) || k == 0; k++) {
		size_t from = p->line.n;

		if (!rv_len(set))
			buf_puts(&p->line, "<undefined>");
		else if (rv_key(set, k).kind == RV_STRING)
			buf_slice(&p->line, rv_slice(rv_key(set, k)));
		else
			rv_to_text(&p->line, rv_key(set, k));
		TRY(rego_reserve(p->c, p->line.n - from));
		TRY(print_from(p, i + 1));
		p->line.n = from;
	}
	p->line.n = mark;
	return rc_of(OK);
}

static rc print_lines(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct printing p = {.c = c, .operands = args[0], .line = lib_buf(c)};

	(void)n;
	ARG_ARRAY(c, args, 0);
	for (uint32_t i = 0; i < rv_len(args[0]); i++) {
		if (rv_at(args[0], i).kind != RV_SET)
			return rego_operand_error(c, 1, "array of sets", args[0]);
	}
	*out = rv_bool(true);
	return rego_prints(c) ? print_from(&p, 0) : rc_of(OK);
}

static rc trace(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	(void)n;
	ARG_STRING(c, args, 0);
	*out = rv_bool(true);
	return rc_of(OK);
}

static rc parse_module(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	const char *err = NULL;

	(void)n;
	ARG_STRING(c, args, 0);
	ARG_STRING(c, args, 1);
	TRY(rego_charge(c, 100 + args[1].str->n));
	*out = rego_parse_to_value(c, rv_slice(args[0]), rv_slice(args[1]), &err);
	if (rv_heap_bad(c->heap))
		return lib_no_memory(c);
	return out->kind == RV_UNDEF ? rego_fail(c, "%s", err ? err : "not a module") : rc_of(OK);
}

/* The compiler puts constants in place of these; what remains stands outside of a rule. */
static rc metadata(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	(void)args;
	(void)n;
	(void)out;
	return rego_fail(c, "the %s function must only be called within the scope of a rule", c->self->name);
}

/* The text of a template string: strings as they are, other values as Rego text; what may be undefined comes as a set
 * of none or one. */
static rc template_string(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct buf b = lib_buf(c);

	(void)n;
	ARG_ARRAY(c, args, 0);
	for (size_t i = 0; i < rv_len(args[0]); i++) {
		struct rv v = rv_at(args[0], i);

		TRY(rego_charge(c, 1));
		if (v.kind == RV_SET && rv_len(v) > 1)
			return rego_fail(c, "template-strings must not produce multiple outputs");
		if (v.kind == RV_SET)
			v = rv_len(v) ? rv_key(v, 0) : rv_undef();
		if (v.kind == RV_UNDEF)
			buf_puts(&b, "<undefined>");
		else if (v.kind == RV_STRING)
			buf_slice(&b, rv_slice(v));
		else
			rv_to_text(&b, v);
	}
	return lib_buffer(c, &b, out);
}

const struct rego_builtin builtin_engine[] = {
	{"opa.runtime", "-> object[string:any]", runtime, 0, REGO_NONDET, 1},
	{"print", NULL, print, 0, REGO_VOID, 1},
	{"internal.print", "array[set[any]] -> boolean", print_lines, 1, REGO_INTERNAL, 2},
	{"trace", "string -> boolean", trace, 1, 0, 1},
	{"rego.parse_module", "string, string -> object[string:any]", parse_module, 2, 0, 10},
	{"rego.metadata.rule", "-> any", metadata, 0, 0, 1},
	{"rego.metadata.chain", "-> array[any]", metadata, 0, 0, 1},
	{"internal.template_string", "array[any] -> string", template_string, 1, REGO_INTERNAL, 2},
	{0},
};
