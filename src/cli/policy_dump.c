/* policy_dump.c - `policy dump`: tokens, parsed rules, or the compiled code. */
#include "base/num.h"
#include "cli/policy.h"
#include "rego/lex.h"
#include "rego/plan.h"

static int dump_lex(const struct rego_program *program, struct buf *b)
{
	struct comp c = program->comp;

	for (uint32_t i = 0; i < c.nmods; i++) {
		struct token *t;
		uint32_t n;

		if (!lex_all(&c, c.mods[i], &t, &n))
			return CLI_FAILED;
		for (uint32_t k = 0; k < n; k++) {
			buf_printf(b, "%s:%u:%u %s ", c.mods[i]->name, t[k].loc.row, t[k].loc.col, tok_name(t[k].kind));
			buf_slice(b, slice_sub(c.mods[i]->text, t[k].loc.off, t[k].loc.len));
			buf_putc(b, '\n');
		}
	}
	return CLI_OK;
}

static void rule_ast(struct buf *b, const struct rule *r)
{
	for (; r; r = r->els) {
		buf_printf(b, "%s%s %u:%u ", r->is_else ? "  else" : "  rule", r->is_default ? " default" : "", r->loc.row, r->loc.col);
		if (!r->is_else)
			ref_text(b, r->ref, r->nref);
		if (r->has_args) {
			buf_putc(b, '(');
			for (uint32_t i = 0; i < r->nargs; i++) {
				buf_puts(b, i ? ", " : "");
				term_text(b, r->args[i]);
			}
			buf_putc(b, ')');
		}
		if (r->contains) {
			buf_puts(b, " contains ");
			term_text(b, r->key);
		}
		if (r->value) {
			buf_puts(b, r->assign ? " := " : " = ");
			term_text(b, r->value);
		}
		buf_putc(b, '\n');
		for (uint32_t i = 0; r->body && i < r->body->n; i++) {
			const struct expr *e = r->body->e[i];

			buf_printf(b, "    %u:%u ", e->loc.row, e->loc.col);
			expr_text(b, e);
			buf_putc(b, '\n');
		}
	}
}

static void dump_ast(const struct rego_program *program, struct buf *b)
{
	for (uint32_t i = 0; i < program->comp.nmods; i++) {
		const struct module *m = program->comp.mods[i];

		buf_printf(b, "module %s (%s)\n  package data", m->name, m->v1 ? "v1" : "v0");
		for (uint32_t k = 0; k < m->npath; k++) {
			buf_putc(b, '[');
			rv_to_text(b, m->path[k]);
			buf_putc(b, ']');
		}
		buf_putc(b, '\n');
		for (uint32_t k = 0; k < m->nimports; k++) {
			buf_printf(b, "  import %u:%u ", m->imports[k].loc.row, m->imports[k].loc.col);
			ref_text(b, m->imports[k].path, m->imports[k].n);
			if (m->imports[k].alias)
				buf_printf(b, " as %s", var_shown(m->imports[k].alias));
			buf_putc(b, '\n');
		}
		for (const struct rule *r = m->first; r; r = r->next)
			rule_ast(b, r);
	}
}

int policy_dump(int argc, char **argv)
{
	const char *stage = NULL;
	struct rego_program *program = NULL;
	struct policy p;
	struct cli_args args;
	struct buf b;
	bool done;
	int code;

	policy_begin(&p);
	b = buf_in(p.arena, 0);
	const struct cli_opt opts[] = {{"stage", "lex|ast|plan", "which stage; default plan", &stage},
				       {"v0", NULL, "the files are Rego v0", NULL, &p.v0}};

	code = cli_parse(argc, argv, opts, COUNT_OF(opts), "kbs-client policy dump [options] FILE...",
			 "example:\n  kbs-client policy dump --stage ast resource.rego\n", &args, &done);
	if (code == CLI_OK && !done && stage && strcmp(stage, "lex") != 0 && strcmp(stage, "ast") != 0 && strcmp(stage, "plan") != 0)
		code = cli_usage("no stage is named \"%s\"", stage);
	if (code == CLI_OK && !done)
		code = policy_read(&p, &args, 0);
	if (code == CLI_OK && !done) {
		bool plan = !stage || strcmp(stage, "plan") == 0;

		program = policy_compile(&p, !plan, true);
		code = program ? CLI_OK : CLI_FAILED;
		if (program && plan)
			plan_dump(&b, program);
		else if (program && strcmp(stage, "ast") == 0)
			dump_ast(program, &b);
		else if (program)
			code = dump_lex(program, &b);
		fwrite(b.p, 1, b.n, stdout);
	}
	rego_program_free(program);
	policy_end(&p);
	return code;
}
