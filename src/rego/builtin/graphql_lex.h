/* graphql_lex.h - tokens of GraphQL text, and the parser's state, for the two parsers.
 *
 * A character that starts no token makes a token GQL_T_INVALID; what it was does not matter, since the parser refuses
 * the token with its place.
 */
#pragma once
#include "rego/builtin/graphql.h"

enum gql_tok {
	GQL_T_INVALID,
	GQL_T_EOF,
	GQL_T_BANG,
	GQL_T_DOLLAR,
	GQL_T_AMP,
	GQL_T_PAREN_L,
	GQL_T_PAREN_R,
	GQL_T_SPREAD,
	GQL_T_COLON,
	GQL_T_EQUALS,
	GQL_T_AT,
	GQL_T_BRACKET_L,
	GQL_T_BRACKET_R,
	GQL_T_BRACE_L,
	GQL_T_BRACE_R,
	GQL_T_PIPE,
	GQL_T_NAME,
	GQL_T_INT,
	GQL_T_FLOAT,
	GQL_T_STRING,
	GQL_T_BLOCK,
	GQL_T_COMMENT,
};

struct gql_token {
	enum gql_tok kind;
	struct slice text; /* of names, numbers, strings (unescaped) and comments; empty for punctuation */
	struct gql_pos pos;
};

struct gql_lexer {
	struct gql *g;
	struct slice in;
	size_t at;	   /* bytes */
	int32_t runes;	   /* characters before `at` */
	int32_t line;	   /* from 1 */
	int32_t line_runes; /* characters before the line */
};

void gql_lex_open(struct gql_lexer *l, struct gql *g, struct slice text);
struct gql_token gql_lex(struct gql_lexer *l);

struct gql_parser {
	struct gql *g;
	struct gql_lexer lex;
	struct gql_token tok;  /* the next one, once peeked */
	struct gql_token prev; /* the one taken last, comments included */
	bool peeked;
	unsigned depth;
	const struct gql_name_list *comment; /* that stands before tok */
};

void gql_parser_open(struct gql_parser *p, struct gql *g, struct slice text);
/* The next token, never a comment. Loops ask gql_stop() beside it. */
const struct gql_token *gql_peek(struct gql_parser *p);
bool gql_at(struct gql_parser *p, enum gql_tok kind);
/* The text of the next token, whatever it is, is this word. */
bool gql_at_word(struct gql_parser *p, const char *word);
struct gql_token gql_take(struct gql_parser *p);
bool gql_skip(struct gql_parser *p, enum gql_tok kind);
void gql_unexpected(struct gql_parser *p, const struct gql_token *t);
/* Refuses anything else. */
void gql_expect(struct gql_parser *p, enum gql_tok kind);
void gql_expect_word(struct gql_parser *p, const char *word);
struct slice gql_parse_name(struct gql_parser *p);
/* Opens a bracketed list that must hold something, when there is one. Then: while (gql_more(...)) item; gql_close(). */
bool gql_open(struct gql_parser *p, enum gql_tok open, enum gql_tok close);
bool gql_more(struct gql_parser *p, enum gql_tok close);
/* The comment before the closing bracket. */
const struct gql_name_list *gql_close(struct gql_parser *p);
/* One level deeper; false ends the query. */
bool gql_enter(struct gql_parser *p);

/* Parts that both kinds of documents have (graphql_parse_query.c). */
struct gql_value *gql_parse_value(struct gql_parser *p, bool constant);
struct gql_type *gql_parse_type(struct gql_parser *p);
void gql_parse_directives(struct gql_parser *p, bool constant, struct gql_directive_list *out);
