/* template.h - Go's text/template for strings.render_template: parsing and running.
 *
 * Understood: {{.a.b}}, {{$}}, variables, literals, pipelines, parentheses, if, else if, else, with, range, break,
 * continue, comments, trim markers, and the functions and or not eq ne lt le gt ge len index print printf println
 * html urlquery. Not understood, and refused: define, template, block, methods.
 */
#pragma once
#include "rego/builtin/lib.h"

#define TEMPLATE_NESTING 100u	/* of blocks and parentheses */

enum tmpl_op {
	TMPL_TEXT,	/* text */
	TMPL_PRINT,	/* pipe */
	TMPL_IF, TMPL_WITH, TMPL_RANGE,	/* pipe, body, other */
	TMPL_BREAK, TMPL_CONTINUE,
};

enum tmpl_arg_kind { ARG_DOT, ARG_VAR, ARG_CONST, ARG_PIPE, ARG_FUNC };

/* One operand: a start and the fields behind it. */
struct tmpl_arg {
	enum tmpl_arg_kind kind;
	struct tmpl_arg *next;
	struct slice name;	/* variable with its $, function */
	struct rv value;	/* ARG_CONST */
	struct tmpl_pipe *pipe;
	const struct slice *fields;
	size_t n_fields;
	struct slice text;	/* as written */
};

/* A command: its operands; the first may be a function. */
struct tmpl_cmd {
	struct tmpl_cmd *next;
	struct tmpl_arg *args;
	size_t n_args;
};

struct tmpl_pipe {
	struct slice vars[2];	/* set by it; empty: none */
	size_t n_vars;
	bool declares;	/* := and not = */
	struct tmpl_cmd *cmds;
};

struct tmpl_node {
	enum tmpl_op op;
	struct tmpl_node *next;
	struct slice text;
	struct tmpl_pipe *pipe;
	struct tmpl_node *body, *other;
	unsigned line;
};

/* NULL when refused: the reason is in *err. */
RC tmpl_parse(struct rego_call *c, struct slice text, struct tmpl_node **out);
RC tmpl_run(struct rego_call *c, const struct tmpl_node *root, struct rv data, struct buf *out);
