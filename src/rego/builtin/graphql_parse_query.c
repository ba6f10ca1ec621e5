/* graphql_parse_query.c - executable documents, and the parts that both kinds of documents share. */
#include "rego/builtin/graphql_lex.h"

/* ---- values ---- */

static void members(struct gql_parser *p, enum gql_tok close, bool constant, struct gql_arg_list *out)
{
	(void)gql_take(p);
	while (gql_more(p, close)) {
		struct gql_arg *m = GQL_NEW(p->g, struct gql_arg);

		if (!m)
			return;
		if (close == GQL_T_BRACE_R) {
			m->pos = gql_peek(p)->pos;
			m->comment = p->comment;
			m->name = gql_parse_name(p);
			gql_expect(p, GQL_T_COLON);
		}
		m->value = gql_parse_value(p, constant);
		GQL_ADD(out, m);
	}
	(void)gql_take(p);
}

static bool scalar(const struct gql_token *t, enum gql_value_kind *out)
{
	switch (t->kind) {
	case GQL_T_INT:
		*out = GQL_INT;
		return true;
	case GQL_T_FLOAT:
		*out = GQL_FLOAT;
		return true;
	case GQL_T_STRING:
		*out = GQL_STRING;
		return true;
	case GQL_T_BLOCK:
		*out = GQL_BLOCK;
		return true;
	case GQL_T_NAME:
		*out = slice_is(t->text, "true") || slice_is(t->text, "false") ? GQL_BOOLEAN
		       : slice_is(t->text, "null")			       ? GQL_NULL
									       : GQL_ENUM;
		return true;
	case GQL_T_INVALID:
	case GQL_T_EOF:
	case GQL_T_BANG:
	case GQL_T_DOLLAR:
	case GQL_T_AMP:
	case GQL_T_PAREN_L:
	case GQL_T_PAREN_R:
	case GQL_T_SPREAD:
	case GQL_T_COLON:
	case GQL_T_EQUALS:
	case GQL_T_AT:
	case GQL_T_BRACKET_L:
	case GQL_T_BRACKET_R:
	case GQL_T_BRACE_L:
	case GQL_T_BRACE_R:
	case GQL_T_PIPE:
	case GQL_T_COMMENT:
		break;
	}
	return false;
}

struct gql_value *gql_parse_value(struct gql_parser *p, bool constant)
{
	const struct gql_token *t = gql_peek(p);
	struct gql_value *v = GQL_NEW(p->g, struct gql_value);
	bool list = t->kind == GQL_T_BRACKET_L;

	if (!v || gql_stop(p->g) || !gql_enter(p))
		return NULL;
	v->pos = t->pos;
	if (list || t->kind == GQL_T_BRACE_L) {
		v->kind = list ? GQL_LIST_VALUE : GQL_OBJECT;
		v->comment = p->comment;
		members(p, list ? GQL_T_BRACKET_R : GQL_T_BRACE_R, constant, &v->children);
	} else if (t->kind == GQL_T_DOLLAR && !constant) {
		v->kind = GQL_VARIABLE;
		gql_expect(p, GQL_T_DOLLAR);
		v->raw = gql_parse_name(p);
	} else if (scalar(t, &v->kind)) {
		v->raw = t->text;
		(void)gql_take(p);
	} else {
		gql_unexpected(p, t);
	}
	p->depth--;
	return v;
}

/* ---- shared parts ---- */

static void arguments(struct gql_parser *p, bool constant, struct gql_arg_list *out)
{
	if (!gql_open(p, GQL_T_PAREN_L, GQL_T_PAREN_R))
		return;
	while (gql_more(p, GQL_T_PAREN_R)) {
		struct gql_arg *a = GQL_NEW(p->g, struct gql_arg);

		if (!a)
			return;
		a->pos = gql_peek(p)->pos;
		a->comment = p->comment;
		a->name = gql_parse_name(p);
		gql_expect(p, GQL_T_COLON);
		a->value = gql_parse_value(p, constant);
		GQL_ADD(out, a);
	}
	(void)gql_close(p);
}

void gql_parse_directives(struct gql_parser *p, bool constant, struct gql_directive_list *out)
{
	while (gql_skip(p, GQL_T_AT)) {
		struct gql_directive *d = GQL_NEW(p->g, struct gql_directive);

		if (!d)
			return;
		d->pos = gql_peek(p)->pos;
		d->name = gql_parse_name(p);
		arguments(p, constant, &d->args);
		GQL_ADD(out, d);
	}
}

struct gql_type *gql_parse_type(struct gql_parser *p)
{
	struct gql_type *t = GQL_NEW(p->g, struct gql_type);

	if (!t || !gql_enter(p))
		return NULL;
	if (gql_skip(p, GQL_T_BRACKET_L)) {
		t->pos = gql_peek(p)->pos;
		t->elem = gql_parse_type(p);
		gql_expect(p, GQL_T_BRACKET_R);
	} else {
		t->pos = gql_peek(p)->pos;
		t->name = gql_parse_name(p);
	}
	t->non_null = gql_skip(p, GQL_T_BANG);
	p->depth--;
	return t;
}

/* ---- operations ---- */

static void variables(struct gql_parser *p, struct gql_var_list *out)
{
	if (!gql_open(p, GQL_T_PAREN_L, GQL_T_PAREN_R))
		return;
	while (gql_more(p, GQL_T_PAREN_R)) {
		struct gql_var *v = GQL_NEW(p->g, struct gql_var);

		if (!v)
			return;
		v->pos = gql_peek(p)->pos;
		v->comment = p->comment;
		gql_expect(p, GQL_T_DOLLAR);
		v->name = gql_parse_name(p);
		gql_expect(p, GQL_T_COLON);
		v->type = gql_parse_type(p);
		if (gql_skip(p, GQL_T_EQUALS))
			v->default_value = gql_parse_value(p, true);
		gql_parse_directives(p, false, &v->directives);
		GQL_ADD(out, v);
	}
	(void)gql_close(p);
}

static void selections(struct gql_parser *p, struct gql_selection_list *out);

/* "on" is no name of a fragment. */
static struct slice fragment_name(struct gql_parser *p)
{
	if (gql_at_word(p, "on"))
		gql_unexpected(p, gql_peek(p));
	return gql_parse_name(p);
}

static void spread(struct gql_parser *p, struct gql_selection *s)
{
	s->comment = p->comment;
	gql_expect(p, GQL_T_SPREAD);
	s->pos = gql_peek(p)->pos;
	if (gql_at(p, GQL_T_NAME) && !gql_at_word(p, "on")) {
		s->kind = GQL_SPREAD;
		s->name = fragment_name(p);
		gql_parse_directives(p, false, &s->directives);
		return;
	}
	s->kind = GQL_INLINE;
	if (gql_at_word(p, "on")) {
		(void)gql_take(p);
		s->name = gql_parse_name(p);
	}
	gql_parse_directives(p, false, &s->directives);
	selections(p, &s->selections);
}

static void field(struct gql_parser *p, struct gql_selection *s)
{
	s->kind = GQL_FIELD;
	s->pos = gql_peek(p)->pos;
	s->comment = p->comment;
	s->name = s->alias = gql_parse_name(p);
	if (gql_skip(p, GQL_T_COLON))
		s->name = gql_parse_name(p);
	arguments(p, false, &s->args);
	gql_parse_directives(p, false, &s->directives);
	if (gql_at(p, GQL_T_BRACE_L))
		selections(p, &s->selections);
}

static void selections(struct gql_parser *p, struct gql_selection_list *out)
{
	if (!gql_at(p, GQL_T_BRACE_L))
		gql_expect(p, GQL_T_BRACE_L);
	if (gql_stop(p->g) || !gql_enter(p) || !gql_open(p, GQL_T_BRACE_L, GQL_T_BRACE_R))
		return;
	while (gql_more(p, GQL_T_BRACE_R)) {
		struct gql_selection *s = GQL_NEW(p->g, struct gql_selection);

		if (!s)
			return;
		if (gql_at(p, GQL_T_SPREAD))
			spread(p, s);
		else
			field(p, s);
		GQL_ADD(out, s);
	}
	(void)gql_close(p);
	p->depth--;
}

const char *gql_operation_name(enum gql_operation_kind k)
{
	static const char *const names[] = {"query", "mutation", "subscription"};

	return names[k];
}

bool gql_operation_kind(struct slice name, enum gql_operation_kind *out)
{
	for (unsigned k = GQL_QUERY; k <= GQL_SUBSCRIPTION; k++) {
		if (slice_is(name, gql_operation_name((enum gql_operation_kind)k))) {
			*out = (enum gql_operation_kind)k;
			return true;
		}
	}
	return false;
}

static void operation(struct gql_parser *p, struct gql_operation_list *out)
{
	struct gql_operation *o = GQL_NEW(p->g, struct gql_operation);

	if (!o)
		return;
	o->pos = gql_peek(p)->pos;
	if (!gql_at(p, GQL_T_BRACE_L)) {
		o->comment = p->comment;
		(void)gql_operation_kind(gql_take(p).text, &o->kind);
		if (gql_at(p, GQL_T_NAME))
			o->name = gql_take(p).text;
		variables(p, &o->vars);
		gql_parse_directives(p, false, &o->directives);
	}
	selections(p, &o->selections);
	GQL_ADD(out, o);
}

static void fragment(struct gql_parser *p, struct gql_fragment_list *out)
{
	struct gql_fragment *f = GQL_NEW(p->g, struct gql_fragment);

	if (!f)
		return;
	f->pos = gql_peek(p)->pos;
	f->comment = p->comment;
	gql_expect_word(p, "fragment");
	f->name = fragment_name(p);
	variables(p, &f->vars);
	gql_expect_word(p, "on");
	f->type_condition = gql_parse_name(p);
	gql_parse_directives(p, false, &f->directives);
	selections(p, &f->selections);
	GQL_ADD(out, f);
}

void gql_parse_query(struct gql *g, struct slice text, struct gql_query *out)
{
	struct gql_parser p;
	enum gql_operation_kind kind;

	*out = (struct gql_query){0};
	gql_parser_open(&p, g, text);
	while (gql_more(&p, GQL_T_EOF)) {
		const struct gql_token *t = gql_peek(&p);

		if (t->kind == GQL_T_BRACE_L || (t->kind == GQL_T_NAME && gql_operation_kind(t->text, &kind)))
			operation(&p, &out->operations);
		else if (t->kind == GQL_T_NAME && slice_is(t->text, "fragment"))
			fragment(&p, &out->fragments);
		else
			gql_unexpected(&p, t);
	}
}
