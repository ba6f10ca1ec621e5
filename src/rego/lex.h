/* lex.h - tokens of Rego source. The whole text is read first, so that the parser can look ahead and go back. */
#pragma once
#include "rego/ast.h"

enum tok {
	K_EOF,
	K_ILLEGAL,
	K_IDENT,
	K_STRING,
	K_RAW,
	K_NUMBER,
	K_TEMPLATE,	/* the part of a template string before an expression */
	K_TEMPLATE_END,	/* the last part */
	K_PACKAGE,
	K_IMPORT,
	K_AS,
	K_DEFAULT,
	K_ELSE,
	K_NOT,
	K_SOME,
	K_WITH,
	K_NULL,
	K_TRUE,
	K_FALSE,
	K_IN,
	K_EVERY,
	K_CONTAINS,
	K_IF,
	K_AND,
	K_OR,
	K_LBRACK,
	K_RBRACK,
	K_LBRACE,
	K_RBRACE,
	K_LPAREN,
	K_RPAREN,
	K_COMMA,
	K_COLON,
	K_SEMI,
	K_DOT,
	K_PLUS,
	K_MINUS,
	K_MUL,
	K_DIV,
	K_REM,
	K_AMP,
	K_BAR,
	K_UNIFY,
	K_ASSIGN,
	K_EQ,
	K_NE,
	K_LT,
	K_LE,
	K_GT,
	K_GE,
};

struct token {
	enum tok kind;
	enum tok was;		/* a keyword that the parser takes for an identifier; K_EOF else */
	bool space;		/* white space or a comment before */
	bool raw;		/* template strings */
	uint8_t tried;		/* what the parser found out about a reading that starts here; see parse_int.h */
	struct loc loc;
	struct slice text;	/* identifier, number: as written; strings: decoded */
	const char *err;	/* K_ILLEGAL: why, told where it is read; NULL: told where it cannot stand */
};

/* Tokens up to and including K_EOF, in the arena. Bytes that no source may hold end the list early, with a K_ILLEGAL token. Comments
 * go to the module. */
bool lex_all(struct comp *c, struct module *m, struct token **out, uint32_t *n);
/* As error messages name it: "identifier", "assign", "}". */
const char *tok_name(enum tok k);
bool tok_is_keyword(enum tok k);
/* The keyword that a word is in some dialect; K_IDENT when it is none. */
enum tok tok_of_word(struct slice s);
