/* Why a rule gave nothing: the expression that stopped it, and what was compared. */
#include "rego/vm.h"

#define MAX_EXPLAINS 4096

void explain_add(struct vm *vm, const struct ins *i, const struct code *code, struct rv left, struct rv right)
{
	struct explain *e;
	static const bool compares[256] = {[OP_EQ] = true, [OP_NE] = true, [OP_LT] = true, [OP_LE] = true, [OP_GT] = true,
					   [OP_GE] = true, [OP_IN] = true, [OP_STEP] = true, [OP_TRUTH] = true, [OP_INPUT] = true,
					   [OP_ARRAY_N] = true, [OP_OBJECT_N] = true, [OP_FIELD] = true, [OP_ITER] = true,
					   [OP_FORCE] = true, [OP_CURSOR] = true};

	if (!compares[i->op] || !vm->rule)
		return;
	/* the last failure of one expression of one definition is the one to tell */
	for (e = vm->explains; e; e = e->next) {
		if (e->rule == vm->rule && e->at.off == code->locs[i->at].off)
			break;
	}
	if (!e) {
		e = rv_alloc(&vm->heap, sizeof(*e));
		if (!e)
			return;
		*e = (struct explain){.next = vm->explains, .group = vm->group, .rule = vm->rule};
		vm->explains = e;
	}
	e->at = code->locs[i->at];
	e->op = i->op;
	e->left = left.kind <= RV_SET ? left : rv_undef();
	e->right = right.kind <= RV_SET ? right : rv_undef();
}
