/* rego_gen.h - policies from a fuzzer's bytes: each byte is a choice, so that a small change of the bytes is a small change of
 * the policy. What comes out parses, has no recursion, and nearly always knows its variables; the rest is for the compiler to
 * refuse. When the bytes are used up the shortest choice is taken everywhere.
 */
#pragma once
#include <string.h>

#include "base/buf.h"

#define GEN_RULES 10u
#define GEN_VARS  24u

enum gen_kind { GEN_COMPLETE, GEN_SET, GEN_OBJECT, GEN_DEEP, GEN_FN1, GEN_FN2 };

struct gen {
	const uint8_t *p, *end;
	struct buf *b;
	enum gen_kind kinds[GEN_RULES];
	unsigned rules;		/* of the policy */
	unsigned low;		/* the first `low` lie in data.q.s, the others in data.p */
	unsigned usable;	/* rules that may be named where we are */
	unsigned vars[GEN_VARS];
	unsigned nvars, next;
	unsigned left;		/* terms that may still be made: bounds the text */
	bool fixed;		/* no new variables here: under `not`, in template strings */
};

static inline unsigned gen_pick(struct gen *g, unsigned n)
{
	return g->p < g->end ? *g->p++ % n : 0;
}

static void gen_term(struct gen *g, unsigned depth);
static void gen_body(struct gen *g, unsigned depth);

static inline void gen_know(struct gen *g, unsigned v, unsigned n)
{
	for (; n && g->nvars < GEN_VARS; n--)
		g->vars[g->nvars++] = v++;
}

/* A new variable; known from now on. */
static inline unsigned gen_declare(struct gen *g)
{
	gen_know(g, g->next, 1);
	return g->next++;
}

static void gen_json(struct gen *g, unsigned depth)
{
	static const char *const scalars[] = {"1", "0", "2", "\"a\"", "\"b\"", "true", "false", "null", "1.5", "\"\"", "-1", "\"1\"", "3"};
	unsigned n = depth ? gen_pick(g, 4) : 0, kind = depth ? gen_pick(g, 4) : 3;

	if (kind > 1 || !g->left) {
		buf_puts(g->b, scalars[gen_pick(g, 13)]);
		return;
	}
	buf_putc(g->b, kind ? '{' : '[');
	for (unsigned i = 0; i < n; i++) {
		buf_puts(g->b, i ? "," : "");
		if (kind)
			buf_printf(g->b, "\"%c\":", "abk1"[i]);
		g->left -= g->left > 0;
		gen_json(g, depth - 1);
	}
	buf_putc(g->b, kind ? '}' : ']');
}

static void gen_scalar(struct gen *g)
{
	static const char *const scalars[] = {"1", "0", "\"a\"", "2", "\"b\"", "true", "false", "null", "1.5", "\"k\"", "\"1\"", "3", "-1"};

	buf_puts(g->b, scalars[gen_pick(g, 13)]);
}

static void gen_rule_name(struct gen *g, unsigned i)
{
	buf_printf(g->b, "data.%s.r%u", i < g->low ? "q.s" : "p", i);
}

/* What may follow a reference: fields, indices, known variables, new variables, terms. */
static void gen_steps(struct gen *g, unsigned depth)
{
	for (unsigned n = gen_pick(g, 3); n; n--) {
		unsigned how = gen_pick(g, 8);

		if (how == 0 || (g->fixed && how > 4)) {
			buf_printf(g->b, ".%c", "abk"[gen_pick(g, 3)]);
		} else if (how == 1) {
			buf_printf(g->b, "[%u]", gen_pick(g, 3));
		} else if (how < 4 && g->nvars) {
			buf_printf(g->b, "[v%u]", g->vars[gen_pick(g, g->nvars)]);
		} else if (how == 4) {
			buf_putc(g->b, '[');
			gen_term(g, depth);
			buf_putc(g->b, ']');
		} else if (g->fixed) {
			buf_puts(g->b, "[0]");
		} else if (how == 5) {
			buf_printf(g->b, "[[_, v%u]]", gen_declare(g));
		} else if (how == 6) {
			buf_printf(g->b, "[v%u]", gen_declare(g));
		} else {
			buf_puts(g->b, "[_]");
		}
	}
}

static void gen_call(struct gen *g, unsigned depth, const char *name, unsigned arity)
{
	buf_printf(g->b, "%s(", name);
	for (unsigned i = 0; i < arity; i++) {
		buf_puts(g->b, i ? ", " : "");
		gen_term(g, depth);
	}
	buf_putc(g->b, ')');
}

static void gen_use_rule(struct gen *g, unsigned depth)
{
	unsigned i;

	if (!g->usable) {
		buf_puts(g->b, "input.a");
		return;
	}
	i = gen_pick(g, g->usable);
	gen_rule_name(g, i);
	if (g->kinds[i] >= GEN_FN1)
		gen_call(g, depth, "", g->kinds[i] == GEN_FN1 ? 1 : 2);
	else
		gen_steps(g, depth);
}

static void gen_builtin(struct gen *g, unsigned depth)
{
	static const struct {
		const char *name;
		unsigned arity;
	} all[] = {{"count", 1}, {"sum", 1}, {"max", 1}, {"sort", 1}, {"is_array", 1}, {"to_number", 1}, {"concat", 2}, {"upper", 1},
		   {"startswith", 2}, {"union", 1}, {"intersection", 1}, {"object.get", 3}, {"object.union", 2}, {"array.concat", 2},
		   {"array.slice", 3}, {"abs", 1}, {"numbers.range", 2}, {"json.marshal", 1}, {"type_name", 1}, {"sprintf", 2},
		   {"split", 2}, {"object.keys", 1}, {"regex.match", 2}, {"format_int", 2}, {"walk", 1}, {"product", 1}, {"min", 1},
		   {"json.filter", 2}, {"object.remove", 2}, {"contains", 2}, {"array.reverse", 1}, {"json.unmarshal", 1}};
	unsigned i = gen_pick(g, sizeof(all) / sizeof(*all));

	gen_call(g, depth, all[i].name, all[i].arity);
}

static void gen_comprehension(struct gen *g, unsigned depth)
{
	unsigned known = g->nvars, kind = gen_pick(g, 3), v;
	bool fixed = g->fixed;

	g->fixed = false;

	/* the head names what the body binds */
	v = g->next;
	g->next += kind == 2 ? 2 : 1;
	if (kind == 2)
		buf_printf(g->b, "{v%u: v%u | some v%u, v%u in ", v, v + 1, v, v + 1);
	else
		buf_printf(g->b, gen_pick(g, 2) ? "%cv%u | v%u := " : "%cv%u | some v%u in ", kind ? '{' : '[', v, v);
	gen_term(g, depth);
	gen_know(g, v, kind == 2 ? 2 : 1);
	for (unsigned n = gen_pick(g, 3); n; n--) {
		buf_puts(g->b, "; ");
		gen_body(g, depth);
	}
	buf_putc(g->b, kind ? '}' : ']');
	g->nvars = known;
	g->fixed = fixed;
}

static void gen_composite(struct gen *g, unsigned depth)
{
	unsigned kind = gen_pick(g, 3), n = gen_pick(g, 3) + (kind == 1);

	buf_putc(g->b, kind ? '{' : '[');
	for (unsigned i = 0; i < n; i++) {
		buf_puts(g->b, i ? ", " : "");
		if (kind == 2) {
			if (gen_pick(g, 4))
				buf_printf(g->b, "\"%c\"", "abk"[gen_pick(g, 3)]);
			else
				gen_term(g, depth);
			buf_puts(g->b, ": ");
		}
		gen_term(g, depth);
	}
	buf_putc(g->b, kind ? '}' : ']');
}

/* A term that only uses what is known; references may bind new variables. */
static void gen_term(struct gen *g, unsigned depth)
{
	static const char *const ops[] = {"+", "-", "*", "/", "%", "|", "&", "==", "!=", "<", "in"};
	bool fixed;

	if (!depth || !g->left) {
		if (g->nvars && gen_pick(g, 2))
			buf_printf(g->b, "v%u", g->vars[gen_pick(g, g->nvars)]);
		else
			gen_scalar(g);
		return;
	}
	g->left--;
	depth--;
	switch (gen_pick(g, 14)) {
	case 0:
		gen_scalar(g);
		break;
	case 1:
	case 2:
		if (g->nvars)
			buf_printf(g->b, "v%u", g->vars[gen_pick(g, g->nvars)]);
		else
			buf_puts(g->b, "input");
		break;
	case 3:
		buf_puts(g->b, "input");
		gen_steps(g, depth);
		break;
	case 4:
		buf_puts(g->b, "data.d");
		gen_steps(g, depth);
		break;
	case 5:
	case 6:
		gen_use_rule(g, depth);
		break;
	case 7:
		gen_composite(g, depth);
		break;
	case 8:
		gen_comprehension(g, depth);
		break;
	case 9:
	case 10:
		gen_builtin(g, depth);
		break;
	case 11:
		buf_putc(g->b, '(');
		gen_term(g, depth);
		buf_printf(g->b, " %s ", ops[gen_pick(g, 11)]);
		gen_term(g, depth);
		buf_putc(g->b, ')');
		break;
	case 12:
		if (g->usable >= g->low && g->low) {
			buf_puts(g->b, "data.q");
			gen_steps(g, depth);
		} else {
			buf_puts(g->b, "input.b");
		}
		break;
	default:
		if (depth < 2) {
			gen_scalar(g);
			break;
		}
		fixed = g->fixed;
		g->fixed = true;
		buf_puts(g->b, "$\"t {input.a} {");
		gen_term(g, depth);
		buf_puts(g->b, "}\"");
		g->fixed = fixed;
		break;
	}
}

/* A pattern with new variables. */
static void gen_pattern(struct gen *g, unsigned depth)
{
	unsigned n;

	switch (depth ? gen_pick(g, 6) : 0) {
	case 0:
	case 1:
		buf_printf(g->b, "v%u", gen_declare(g));
		break;
	case 2:
	case 3:
		n = 1 + gen_pick(g, 2);
		buf_putc(g->b, '[');
		for (unsigned i = 0; i < n; i++) {
			buf_puts(g->b, i ? ", " : "");
			gen_pattern(g, depth - 1);
		}
		buf_putc(g->b, ']');
		break;
	case 4:
		buf_printf(g->b, "{\"%c\": ", "abk"[gen_pick(g, 3)]);
		gen_pattern(g, depth - 1);
		buf_putc(g->b, '}');
		break;
	default:
		if (g->nvars && gen_pick(g, 2))
			buf_printf(g->b, "v%u", g->vars[gen_pick(g, g->nvars)]);
		else
			gen_scalar(g);
		break;
	}
}

/* A function to stand for one of n arguments, or a value. */
static void gen_stand_in(struct gen *g, unsigned depth, unsigned n)
{
	enum gen_kind want = n == 1 ? GEN_FN1 : GEN_FN2;
	unsigned i = g->usable ? gen_pick(g, g->usable) : 0;

	if (g->usable && g->kinds[i] == want)
		gen_rule_name(g, i);
	else if (gen_pick(g, 3) == 2)
		buf_puts(g->b, n == 1 ? "count" : "object.union");
	else
		gen_term(g, depth);
}

static void gen_with(struct gen *g, unsigned depth)
{
	static const char *const targets[] = {"input", "input.a", "data.d", "data.d.a", "data.d.k.b", "input.b.a", "data.q"};
	static const char *const fns[] = {"count", "sum", "concat", "plus", "equal", "lt", "startswith"};
	unsigned i = gen_pick(g, 14);

	buf_puts(g->b, " with ");
	if (i >= 10 && g->usable) {
		i = gen_pick(g, g->usable);
		gen_rule_name(g, i);
		buf_puts(g->b, " as ");
		if (g->kinds[i] >= GEN_FN1)
			gen_stand_in(g, depth, g->kinds[i] == GEN_FN1 ? 1 : 2);
		else
			gen_term(g, depth);
	} else if (i >= 7) {
		i = gen_pick(g, 7);
		buf_printf(g->b, "%s as ", fns[i]);
		gen_stand_in(g, depth, i < 2 ? 1 : 2);
	} else {
		buf_printf(g->b, "%s as ", targets[i]);
		gen_term(g, depth);
	}
}

/* `HEAD { BODY }` with a scope of its own. */
static void gen_closure(struct gen *g, unsigned depth, const char *head, unsigned known)
{
	bool fixed = g->fixed;

	g->fixed = false;
	buf_printf(g->b, "%s { ", head);
	gen_body(g, depth);
	buf_puts(g->b, " }");
	g->nvars = known;
	g->fixed = fixed;
}

/* One expression; what it binds is known behind it. */
static void gen_expr(struct gen *g, unsigned depth)
{
	static const char *const tests[] = {"==", "!=", "<", "<=", ">", ">=", "in"};
	unsigned known = g->nvars, v = g->next, now[GEN_VARS], bound;

	depth = depth ? depth - 1 : 0;
	switch (depth && g->left ? gen_pick(g, 13) : gen_pick(g, 2)) {
	case 0:
		gen_term(g, depth);
		break;
	case 1:
		gen_term(g, depth);
		buf_printf(g->b, " %s ", tests[gen_pick(g, 7)]);
		gen_term(g, depth);
		break;
	case 2:
		g->next++;
		buf_printf(g->b, "v%u := ", v);
		gen_term(g, depth);
		gen_know(g, v, 1);
		break;
	case 3:
		gen_pattern(g, 2);
		buf_puts(g->b, " = ");
		gen_term(g, depth);
		break;
	case 4:	/* each side knows what the other one asks */
		g->next += 2;
		buf_printf(g->b, "[v%u, ", v);
		gen_term(g, depth);
		buf_puts(g->b, "] = [");
		gen_term(g, depth);
		buf_printf(g->b, ", v%u]", v + 1);
		gen_know(g, v, 2);
		break;
	case 5:
		g->next++;
		buf_printf(g->b, "some v%u in ", v);
		gen_term(g, depth);
		buf_printf(g->b, "; v%u == v%u", v, v);
		gen_know(g, v, 1);
		break;
	case 6:
		g->next += 2;
		buf_printf(g->b, "some v%u, v%u in ", v, v + 1);
		gen_term(g, depth);
		buf_printf(g->b, "; v%u != [v%u]", v, v + 1);
		gen_know(g, v, 2);
		break;
	case 7:
		g->next += 2;
		buf_printf(g->b, "every v%u, v%u in ", v, v + 1);
		gen_term(g, depth);
		gen_know(g, v, 2);
		buf_printf(g->b, " { v%u != [v%u]; ", v, v + 1);
		gen_body(g, depth);
		buf_puts(g->b, " }");
		g->nvars = known;
		break;
	case 8:
		buf_puts(g->b, "not ");
		g->fixed = true;
		gen_term(g, depth);
		g->fixed = false;
		break;
	case 9:
		gen_closure(g, depth, "not", known);
		break;
	case 10:
	case 11:
		gen_expr(g, depth);
		bound = g->nvars;
		memcpy(now, g->vars, sizeof(now));
		g->nvars = known;	/* replacements are made before the expression */
		gen_with(g, depth);
		if (gen_pick(g, 3) == 2)
			gen_with(g, depth);
		memcpy(g->vars, now, sizeof(now));
		g->nvars = bound;
		break;
	default:
		gen_pattern(g, 1);
		buf_puts(g->b, " = ");
		gen_use_rule(g, depth);
		break;
	}
}

static void gen_body(struct gen *g, unsigned depth)
{
	unsigned n = 1 + gen_pick(g, 3);

	for (unsigned i = 0; i < n; i++) {
		buf_puts(g->b, i ? "; " : "");
		gen_expr(g, depth);
	}
}

/* ` if { ... }`, or nothing. The head is written before it is known what the body binds, so it is put together here. */
static void gen_definition(struct gen *g, unsigned i, struct buf *tmp)
{
	struct buf *out = g->b;
	unsigned more = 0;

	g->nvars = g->next = 0;
	g->b = tmp;
	tmp->n = 0;
	if (g->kinds[i] == GEN_FN1 || g->kinds[i] == GEN_FN2) {
		buf_printf(out, "r%u(", i);
		g->b = out;
		for (unsigned k = 0; k < (g->kinds[i] == GEN_FN1 ? 1u : 2u); k++) {
			buf_puts(out, k ? ", " : "");
			gen_pattern(g, 1);
		}
		buf_puts(out, ")");
		g->b = tmp;
	} else {
		buf_printf(out, "r%u", i);
	}
	if (gen_pick(g, 6))
		gen_body(g, 4);
	else
		buf_puts(tmp, "true");
	g->b = out;
	switch (g->kinds[i]) {
	case GEN_SET:
		buf_puts(out, " contains ");
		gen_term(g, 2);
		break;
	case GEN_OBJECT:
		buf_putc(out, '[');
		gen_term(g, 1);
		buf_puts(out, "] := ");
		gen_term(g, 2);
		break;
	case GEN_DEEP:
		buf_printf(out, ".%c[", "ab"[gen_pick(g, 2)]);
		gen_term(g, 1);
		buf_putc(out, ']');
		if (gen_pick(g, 2)) {
			buf_puts(out, " contains ");
		} else {
			buf_puts(out, gen_pick(g, 2) ? ".k := " : " := ");
		}
		gen_term(g, 2);
		break;
	case GEN_COMPLETE:
	case GEN_FN1:
	case GEN_FN2:
		buf_puts(out, " := ");
		gen_term(g, 2);
		break;
	}
	buf_puts(out, " if { ");
	buf_slice(out, buf_view(tmp));
	buf_puts(out, " }");
	if (g->kinds[i] == GEN_COMPLETE || g->kinds[i] >= GEN_FN1)
		more = gen_pick(g, 3) == 2;
	if (more) {
		g->nvars = 0;
		buf_puts(out, " else := ");
		gen_term(g, 1);
		buf_puts(out, " if { ");
		gen_body(g, 3);
		buf_puts(out, " }");
	}
	buf_putc(out, '\n');
}

/* The module of data.q.s (low) or of data.p. */
static void gen_module(struct gen *g, bool low, struct buf *tmp)
{
	buf_puts(g->b, low ? "package q.s\n" : "package p\n");
	buf_puts(g->b, "import future.keywords.not\n");
	for (unsigned i = low ? 0 : g->low; i < (low ? g->low : g->rules); i++) {
		g->usable = i;
		if (g->kinds[i] == GEN_COMPLETE && gen_pick(g, 3) == 2) {
			buf_printf(g->b, "default r%u := ", i);
			gen_scalar(g);
			buf_putc(g->b, '\n');
		}
		for (unsigned n = 1 + (gen_pick(g, 3) == 2); n; n--)
			gen_definition(g, i, tmp);
	}
	g->usable = g->rules;
}

static void gen_begin(struct gen *g, const uint8_t *p, size_t n)
{
	*g = (struct gen){.p = p, .end = p + n, .left = 400};
	g->rules = 1 + gen_pick(g, GEN_RULES);
	g->low = gen_pick(g, g->rules);
	for (unsigned i = 0; i < g->rules; i++)
		g->kinds[i] = (enum gen_kind)gen_pick(g, 6);
}
