/* parse_int.h - private to the parser: its state, and what parse_term.c and parse_rule.c offer each other. */
#pragma once
#include "rego/lex.h"

/* Readings that were tried at a token, so that going back tries none twice: nesting stays cheap. */
enum {
	NO_COMPREHENSION = 1,	/* the bar here is a union */
	NO_BODY = 2,		/* the brace here is no operand of a logical operator */
	NO_GROUP = 4,		/* the parenthesis here is no group of logical operators */
	NO_VALUE = 8,	/* neither a value nor a body is in the parenthesis here */
};

struct parser {
	struct comp *c;
	struct module *m;
	struct token *toks;
	uint32_t n, at;
	unsigned depth, max_depth;
	struct term *given;	/* the first term of an infix expression, when it was read already */
	uint32_t errors_before;	/* of the compilation, when this module was begun */
	bool failed;		/* the first error, not yet recorded: going back drops it */
	uint32_t failed_at;	/* the token that was at hand then */
	struct loc err_loc;
	const char *err;
	const char *hint;	/* what the next error adds; NULL: nothing */
	struct not_rule *refused, **last_refused;
};

/* A statement that is an expression and no rule: told when the whole text can be read. */
struct not_rule {
	struct not_rule *next;
	struct loc loc;
	const char *message;
};

void p_refuse(struct parser *p, struct loc at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

enum tok p_tok(const struct parser *p);	/* keywords that the module has not enabled are identifiers */
enum tok p_peek(const struct parser *p, uint32_t ahead);
/* A keyword with a dot or bracket right behind it begins a reference where a statement, literal or operator may stand:
 * it is an identifier from then on. */
bool p_keyword_ref(struct parser *p);
struct token *p_cur(const struct parser *p);
struct loc p_loc(const struct parser *p);
void p_next(struct parser *p);
bool p_take(struct parser *p, enum tok k);
void *p_fail(struct parser *p, struct loc at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* "unexpected T token: NOTE" at the present token. */
void *p_illegal(struct parser *p, const char *note);
/* Back to token `at`, as it was then: errors behind it are dropped. */
void p_back(struct parser *p, uint32_t at);
/* The place from `from` to the end of the last token read. */
struct loc p_span(const struct parser *p, struct loc from);
/* The present token follows the one before it without a gap. */
bool p_glued(const struct parser *p);
bool p_new_line(const struct parser *p);	/* it is on a later line */

struct term *p_term(struct parser *p);	/* one term with its references and calls */
struct term *p_infix(struct parser *p, bool pair);	/* pair: `k, v in xs` is taken */
struct term *p_template(struct parser *p);
struct term *p_postfix(struct parser *p, struct term *head);
bool p_behind_dot(struct parser *p);
struct expr *p_literal(struct parser *p);
/* Up to and including `end`. */
struct body *p_body(struct parser *p, enum tok end);
/* One rule, added to the module. */
bool p_rule(struct parser *p);
bool p_terms(struct parser *p, enum tok end, const char *expected, struct term ***out, uint32_t *n);
