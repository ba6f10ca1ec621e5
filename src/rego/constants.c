/* What builtins make of constants of a policy (compiled expressions, above all) is made once, when the policy is compiled, and
 * shared by all evaluations: it is never changed. */
#include "rego/builtin/constant.h"
#include "rego/plan.h"

#define CONSTANTS_MAX 256u	/* of one program: an expression may take a MiB */

static struct rv constant_of(const struct code *code, uint32_t operand)
{
	return operand & OPERAND_CONST ? code->consts[operand & ~OPERAND_CONST] : rv_undef();
}

static struct constant *slot(const struct rego_program *p, const char *area, struct rv key)
{
	uint32_t i = key.hash % CONSTANT_SLOTS;

	while (p->constants[i].object && !(p->constants[i].key.str == key.str && strcmp(p->constants[i].area, area) == 0))
		i = (i + 1) % CONSTANT_SLOTS;
	return &p->constants[i];
}

void *constants_get(const struct rego_program *p, const char *area, struct rv key)
{
	return p->nconstants && key.kind == RV_STRING ? slot(p, area, key)->object : NULL;
}

static void from_call(struct rego_program *p, const struct code *code, const struct ins *i)
{
	for (const struct lib_constant *c = lib_constants; c->builtin; c++) {
		struct rv args[4], key;
		struct constant *at;

		if (strcmp(code->callees[i->c].builtin->name, c->builtin) != 0 || c->args != i->n || p->nconstants == CONSTANTS_MAX)
			continue;
		for (unsigned k = 0; k < i->n; k++)
			args[k] = constant_of(code, code->lists[i->b + k]);
		key = args[c->key];
		if (key.kind != RV_STRING)
			continue;
		if (!p->constants)
			p->constants = arena_array(p->arena, CONSTANT_SLOTS, struct constant);
		at = p->constants ? slot(p, c->area, key) : NULL;
		if (!at || at->object)
			continue;
		at->object = c->make(args);
		if (!at->object)
			continue;	/* malformed: the call will tell */
		at->area = c->area;
		at->key = key;
		at->drop = c->drop;
		p->nconstants++;
	}
}

void constants_make(struct rego_program *p)
{
	for (uint32_t g = 0; g < p->ngroups; g++) {
		for (uint32_t k = 0; k < p->groups[g].n; k++) {
			for (const struct plan_rule *r = &p->groups[g].rules[k]; r; r = r->els) {
				for (uint32_t i = 0; i < r->code.n; i++)
					if (r->code.ins[i].op == OP_CALL_BUILTIN)
						from_call(p, &r->code, &r->code.ins[i]);
			}
		}
	}
}

void constants_drop(struct rego_program *p)
{
	for (uint32_t i = 0; p->nconstants && i < CONSTANT_SLOTS; i++)
		if (p->constants[i].object)
			p->constants[i].drop(p->constants[i].object);
	p->nconstants = 0;
}
