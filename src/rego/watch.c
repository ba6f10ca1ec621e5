/* The code of a program for tools: its places, and its listing. */
#include "rego/watch.h"

#include "base/num.h"
#include "rego/plan.h"

static void code_places(const struct code *code, void (*see)(void *ctx, const struct loc *at), void *ctx)
{
	for (uint32_t i = 0; i < code->n; i++)
		see(ctx, &code->locs[code->ins[i].at]);
}

void rego_program_places(const struct rego_program *p, void (*see)(void *ctx, const struct loc *at), void *ctx)
{
	for (uint32_t i = 0; i < p->ngroups; i++) {
		const struct plan_group *g = &p->groups[i];

		for (uint32_t k = 0; k < g->n; k++)
			for (const struct plan_rule *r = &g->rules[k]; r; r = r->els)
				code_places(&r->code, see, ctx);
	}
}

static const struct {
	const char *name, *operands;
} ops[] = {
#define X(name, operands, meaning) {#name, operands},
	PLAN_OPS(X)
#undef X
};

static void operand_text(struct buf *b, const struct code *code, uint32_t x)
{
	if (!(x & OPERAND_CONST))
		buf_printf(b, "r%u", x);
	else if (code->consts)
		rv_to_text(b, code->consts[x & ~OPERAND_CONST]);
}

static bool lists(uint8_t op, char which)
{
	if (op == OP_WITH_INPUT || op == OP_WITH_DATA)
		return which == 'c';
	return which == 'b' && (op == OP_MAKE_ARRAY || op == OP_MAKE_SET || op == OP_MAKE_OBJECT || op == OP_CALL_BUILTIN ||
				op == OP_CALL_RULE || op == OP_CALL_HOST || op == OP_TEXT || op == OP_EMIT_PATH || op == OP_ROW);
}

static const char *callee_name(const struct callee *f)
{
	return f->builtin ? f->builtin->name : f->fn ? f->fn->path : f->host ? f->host->name : "?";
}

static void ins_text(struct buf *b, const struct rego_program *p, const struct code *code, uint32_t at)
{
	const struct ins *i = &code->ins[at];
	const struct loc *loc = &code->locs[i->at];
	const uint32_t value[] = {['a' - 'a'] = i->a, ['b' - 'a'] = i->b, ['c' - 'a'] = i->c};

	buf_printf(b, "  %4u %5u:%-3u %-12s", at, loc->row, loc->col, ops[i->op].name + 3);
	for (const char *o = ops[i->op].operands; *o; o++) {
		if (*o == ' ')
			continue;
		buf_putc(b, ' ');
		if (*o == 't') {
			buf_printf(b, "-> %u", i->t);
		} else if (*o == 'n') {
			buf_printf(b, "#%u", i->n);
		} else if (lists(i->op, *o) && code->lists) {
			buf_putc(b, '(');
			for (uint32_t k = 0; k < i->n; k++) {
				buf_puts(b, k ? ", " : "");
				operand_text(b, code, code->lists[value[*o - 'a'] + k]);
			}
			buf_putc(b, ')');
		} else if (*o == 'b' && i->op == OP_CURSOR) {
			buf_printf(b, "place %u", i->b);
		} else if (*o == 'b' && i->op == OP_GROUP && i->b < p->ngroups) {
			buf_puts(b, p->groups[i->b].name);
		} else if (*o == 'c' && (i->op == OP_CALL_BUILTIN || i->op == OP_CALL_RULE || i->op == OP_CALL_HOST) && code->callees) {
			buf_puts(b, callee_name(&code->callees[i->c]));
		} else {
			operand_text(b, code, value[*o - 'a']);
		}
	}
	buf_putc(b, '\n');
}

static void rule_listing(struct buf *b, const struct rego_program *p, const struct plan_group *g, const struct plan_rule *r,
			 const char *kind)
{
	buf_printf(b, "%s%s (%s:%u), %u registers", kind, g->name, r->loc.mod < p->nmods ? p->mod_names[r->loc.mod] : "", r->loc.row,
		   r->code.nregs);
	if (r->fixed) {
		buf_puts(b, ", always ");
		rv_to_text(b, r->value);
	}
	buf_putc(b, '\n');
	for (uint32_t i = 0; i < r->code.n; i++)
		ins_text(b, p, &r->code, i);
}

void plan_dump(struct buf *b, const struct rego_program *p)
{
	for (uint32_t i = 0; i < p->ngroups; i++) {
		const struct plan_group *g = &p->groups[i];

		for (uint32_t k = 0; k < g->n; k++)
			for (const struct plan_rule *r = &g->rules[k]; r; r = r->els)
				rule_listing(b, p, g, r, r == &g->rules[k] ? "" : "else ");
		if (g->def)
			rule_listing(b, p, g, g->def, "default ");
	}
}
