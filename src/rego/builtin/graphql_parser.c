/* graphql_parser.c - what both parsers do with tokens: look ahead, take, refuse. */
#include "rego/builtin/gofmt.h"
#include "rego/builtin/graphql_lex.h"

static const char *tok_name(enum gql_tok kind)
{
	static const char *const names[] = {"<Invalid>", "<EOF>", "!", "$", "&", "(", ")", "...", ":", "=", "@", "[", "]",
					    "{", "}", "|", "Name", "Int", "Float", "String", "BlockString", "Comment"};

	return names[kind];
}

void gql_parser_open(struct gql_parser *p, struct gql *g, struct slice text)
{
	*p = (struct gql_parser){.g = g};
	gql_lex_open(&p->lex, g, text);
}

static void collect_comment(struct gql_parser *p)
{
	struct gql_name_list *group = GQL_NEW(p->g, struct gql_name_list);

	while (group && p->tok.kind == GQL_T_COMMENT && gql_spend(p->g, 1)) {
		struct gql_name *line = GQL_NEW(p->g, struct gql_name);

		if (!line)
			return;
		*line = (struct gql_name){.text = p->tok.text, .pos = p->tok.pos};
		GQL_ADD(group, line);
		p->prev = p->tok;
		p->tok = gql_lex(&p->lex);
	}
	p->comment = group;
}

const struct gql_token *gql_peek(struct gql_parser *p)
{
	if (p->peeked || gql_stop(p->g))
		return &p->tok;
	p->tok = gql_lex(&p->lex);
	p->peeked = true;
	if (p->tok.kind == GQL_T_COMMENT)
		collect_comment(p);
	return &p->tok;
}

bool gql_at(struct gql_parser *p, enum gql_tok kind)
{
	return gql_peek(p)->kind == kind && !gql_stop(p->g);
}

bool gql_at_word(struct gql_parser *p, const char *word)
{
	return slice_is(gql_peek(p)->text, word) && !gql_stop(p->g);
}

struct gql_token gql_take(struct gql_parser *p)
{
	(void)gql_peek(p);
	p->peeked = false;
	p->comment = NULL;
	p->prev = p->tok;
	(void)gql_spend(p->g, 1);
	return p->tok;
}

bool gql_skip(struct gql_parser *p, enum gql_tok kind)
{
	if (!gql_at(p, kind))
		return false;
	(void)gql_take(p);
	return true;
}

/* "Name "x"", "{" */
static const char *describe(struct gql *g, const struct gql_token *t)
{
	struct buf b = buf_in(g->a, 0);

	buf_puts(&b, tok_name(t->kind));
	if (t->text.n) {
		buf_putc(&b, ' ');
		gofmt_quote(&b, t->text, false);
	}
	return buf_cstr(&b);
}

static void refuse_at(struct gql_parser *p, struct gql_pos at, const char *what, const char *found)
{
	if (!what || !found)
		p->g->end = rc_of(E_LIMIT);
	else if (at.col >= 0)
		gql_refuse(p->g, "%s%s in GraphQL string at location %d:%d", what, found, at.line, at.col);
	else
		gql_refuse(p->g, "GraphQL parse error: input:%d:%d: %s%s", at.line, at.col, what, found);
}

void gql_unexpected(struct gql_parser *p, const struct gql_token *t)
{
	if (!gql_stop(p->g))
		refuse_at(p, t->pos, "Unexpected ", describe(p->g, t));
}

void gql_expect(struct gql_parser *p, enum gql_tok kind)
{
	const struct gql_token *t = gql_peek(p);

	if (!gql_skip(p, kind) && !gql_stop(p->g))
		refuse_at(p, t->pos, arena_printf(p->g->a, "Expected %s, found ", tok_name(kind)), tok_name(t->kind));
}

void gql_expect_word(struct gql_parser *p, const char *word)
{
	const struct gql_token *t = gql_peek(p);

	if (gql_stop(p->g))
		return;
	if (t->kind == GQL_T_NAME && slice_is(t->text, word))
		(void)gql_take(p);
	else
		refuse_at(p, t->pos, arena_printf(p->g->a, "Expected \"%s\", found ", word), describe(p->g, t));
}

struct slice gql_parse_name(struct gql_parser *p)
{
	struct slice text = gql_peek(p)->text;

	gql_expect(p, GQL_T_NAME);
	return text;
}

bool gql_open(struct gql_parser *p, enum gql_tok open, enum gql_tok close)
{
	if (!gql_skip(p, open))
		return false;
	if (gql_at(p, close))
		refuse_at(p, p->tok.pos, "expected at least one definition, found ", tok_name(close));
	return true;
}

bool gql_more(struct gql_parser *p, enum gql_tok close)
{
	return !gql_at(p, close) && !gql_stop(p->g);
}

const struct gql_name_list *gql_close(struct gql_parser *p)
{
	const struct gql_name_list *comment = p->comment;

	(void)gql_take(p);
	return comment;
}

bool gql_enter(struct gql_parser *p)
{
	if (++p->depth <= GQL_DEPTH)
		return true;
	gql_too_deep(p->g);
	return false;
}
