/* task.h - work that is done later by whoever has threads for it.
 *
 * A library that must not block where it is called back hands the rest of its work to an executor. The task is part of a
 * struct of its owner's, who finds it from the task, and is free again when run() begins.
 */
#pragma once

struct task {
	void (*run)(struct task *t);
	struct task *next;	/* the executor's own */
};

struct executor {
	void (*post)(void *ctx, struct task *t);	/* any thread; never refuses; NULL: the work is done at once */
	void *ctx;
};

static inline void executor_post(const struct executor *e, struct task *t)
{
	if (e && e->post)
		e->post(e->ctx, t);
	else
		t->run(t);
}
