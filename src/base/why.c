#include "base/why.h"

#include <assert.h>
#include <stdio.h>

#include "base/buf.h"

static const char *base_name(const char *path)
{
	const char *p = strstr(path, "src/");

	return p ? p + 4 : path;
}

static struct why_frame *push(struct why *w, const char *file, const char *func)
{
	struct why_frame *f;

	if (!w || !w->arena)
		return NULL;
	f = ARENA_NEW(w->arena, struct why_frame);
	if (!f) {
		w->lost++;
		return NULL;
	}
	f->file = base_name(file);
	f->func = func;
	if (w->last)
		w->last->next = f;
	else
		w->first = f;
	w->last = f;
	return f;
}

void why_deny(struct why *w, enum rc_code code, const char *reason, const char *file, const char *func,
	      const char *fmt, ...)
{
	struct why_frame *f;
	va_list ap;

	assert(code != OK);
	/* A refusal starts a new story: what an earlier, recovered refusal left behind is not its cause. */
	why_clear(w);
	f = push(w, file, func);
	if (f) {
		f->code = code;
		f->reason = reason;
		va_start(ap, fmt);
		f->text = arena_vprintf(w->arena, fmt, ap);
		va_end(ap);
		if (!f->text)
			f->text = "(no memory for the reason)";
	}
}

void why_note(struct why *w, rc r, const char *file, const char *func, const char *fmt, ...)
{
	struct why_frame *f;
	va_list ap;

	if (rc_ok(r))
		return;
	f = push(w, file, func);
	if (f) {
		f->code = r.code;
		va_start(ap, fmt);
		f->text = arena_vprintf(w->arena, fmt, ap);
		va_end(ap);
		if (!f->text)
			f->text = "(no memory for the context)";
	}
}

static void set(struct why *w, const char **slot, const char *value)
{
	if (value)
		*slot = arena_strdup(w->arena, value);
}

void why_compared(struct why *w, const char *subject, const char *found, const char *expected)
{
	if (!w || !w->first)
		return;
	set(w, &w->first->subject, subject);
	set(w, &w->first->found, found);
	set(w, &w->first->expected, expected);
}

void why_nearest(struct why *w, const char *nearest)
{
	if (w && w->first)
		set(w, &w->first->nearest, nearest);
}

void why_rule(struct why *w, const char *rule)
{
	if (w && w->first)
		set(w, &w->first->rule, rule);
}

const char *why_reason(const struct why *w)
{
	return w && w->first && w->first->reason ? w->first->reason : "none";
}

const char *why_text(const struct why *w)
{
	return w && w->first && w->first->text ? w->first->text : "no reason was recorded";
}

bool why_empty(const struct why *w)
{
	return !w || (!w->first && w->lost == 0);
}

void why_clear(struct why *w)
{
	if (w) {
		w->first = w->last = NULL;
		w->lost = 0;
	}
}

char *why_render(const struct why *w, struct arena *a)
{
	struct buf b = buf_in(a, 0);

	for (const struct why_frame *f = w ? w->first : NULL; f; f = f->next) {
		if (f == w->first)
			buf_printf(&b, "because  %s  [%s, %s]\n", f->text, f->reason ? f->reason : "none",
				   rc_name(f->code));
		else
			buf_printf(&b, "while    %s\n", f->text);
		if (f->subject)
			buf_printf(&b, "         what      %s\n", f->subject);
		if (f->found)
			buf_printf(&b, "         found     %s\n", f->found);
		if (f->expected)
			buf_printf(&b, "         expected  %s\n", f->expected);
		if (f->nearest)
			buf_printf(&b, "         nearest   %s\n", f->nearest);
		if (f->rule)
			buf_printf(&b, "         policy    %s\n", f->rule);
		buf_printf(&b, "         at        %s %s\n", f->file, f->func);
	}
	if (w && w->lost)
		buf_printf(&b, "(%u frames were lost for lack of memory)\n", w->lost);
	return buf_cstr(&b);
}
