/* graphql_parse_schema.c - type system documents: definitions and extensions. */
#include "rego/builtin/graphql_lex.h"

struct description {
	struct slice text;
	const struct gql_name_list *comment; /* before it */
};

static struct description description(struct gql_parser *p)
{
	struct description d = {0};

	if (gql_at(p, GQL_T_STRING) || gql_at(p, GQL_T_BLOCK)) {
		d.comment = p->comment;
		d.text = gql_take(p).text;
	}
	return d;
}

/* ---- names of things ---- */

static const char *const kind_names[] = {"SCALAR", "OBJECT", "INTERFACE", "UNION", "ENUM", "INPUT_OBJECT"};
static const char *const kind_words[] = {"scalar", "type", "interface", "union", "enum", "input"};
/* in the order of the bits */
static const char *const location_names[] = {
	"QUERY",	 "MUTATION",	       "SUBSCRIPTION",	  "FIELD",  "FRAGMENT_DEFINITION", "FRAGMENT_SPREAD",
	"INLINE_FRAGMENT", "VARIABLE_DEFINITION", "SCHEMA",	  "SCALAR", "OBJECT",		   "FIELD_DEFINITION",
	"ARGUMENT_DEFINITION", "INTERFACE",	  "UNION",	  "ENUM",   "ENUM_VALUE",	   "INPUT_OBJECT",
	"INPUT_FIELD_DEFINITION"};

#define COUNT_OF(a) (sizeof(a) / sizeof(*(a)))

const char *gql_kind_name(enum gql_kind k)
{
	return kind_names[k];
}

uint32_t gql_location(struct slice name)
{
	for (unsigned i = 0; i < COUNT_OF(location_names); i++)
		if (slice_is(name, location_names[i]))
			return 1u << i;
	return 0;
}

const char *gql_location_name(uint32_t bit)
{
	return location_names[__builtin_ctz(bit)];
}

static bool kind_word(struct slice word, enum gql_kind *out)
{
	for (unsigned i = 0; i < COUNT_OF(kind_words); i++) {
		if (slice_is(word, kind_words[i])) {
			*out = (enum gql_kind)i;
			return true;
		}
	}
	return false;
}

/* ---- members ---- */

enum member_kind { FIELD, INPUT_VALUE, ENUM_VALUE };

static void argument_defs(struct gql_parser *p, struct gql_member_list *out);

static struct gql_member *member(struct gql_parser *p, enum member_kind kind)
{
	struct gql_member *m = GQL_NEW(p->g, struct gql_member);
	struct description d = description(p);

	if (!m)
		return NULL;
	if (d.text.n) {
		m->before = d.comment;
		m->description = d.text;
	}
	m->pos = gql_peek(p)->pos;
	m->after = p->comment;
	m->name = gql_parse_name(p);
	if (kind == FIELD)
		argument_defs(p, &m->args);
	if (kind != ENUM_VALUE) {
		gql_expect(p, GQL_T_COLON);
		m->type = gql_parse_type(p);
	}
	if (kind == INPUT_VALUE && gql_skip(p, GQL_T_EQUALS))
		m->default_value = gql_parse_value(p, true);
	gql_parse_directives(p, true, &m->directives);
	return m;
}

/* The comment before the closing bracket; NULL, too, when there is no list. */
static const struct gql_name_list *member_list(struct gql_parser *p, enum gql_tok open, enum gql_tok close,
					       enum member_kind kind, struct gql_member_list *out)
{
	if (!gql_open(p, open, close))
		return NULL;
	while (gql_more(p, close))
		GQL_ADD(out, member(p, kind));
	return gql_close(p);
}

static void argument_defs(struct gql_parser *p, struct gql_member_list *out)
{
	(void)member_list(p, GQL_T_PAREN_L, GQL_T_PAREN_R, INPUT_VALUE, out);
}

/* A, or A & B with a separator that may also stand first. */
static void names(struct gql_parser *p, enum gql_tok separator, struct gql_name_list *out)
{
	(void)gql_skip(p, separator);
	do {
		struct gql_name *n = GQL_NEW(p->g, struct gql_name);

		if (!n)
			return;
		n->pos = gql_peek(p)->pos;
		n->text = gql_parse_name(p);
		GQL_ADD(out, n);
	} while (gql_skip(p, separator));
}

/* ---- types ---- */

/* Behind the keyword. An extension has no description, and must add something. */
static struct gql_def *type_body(struct gql_parser *p, enum gql_kind kind, bool extension)
{
	struct gql_def *d = GQL_NEW(p->g, struct gql_def);
	bool fields = kind == GQL_OBJECT_TYPE || kind == GQL_INTERFACE;

	if (!d)
		return NULL;
	d->kind = kind;
	d->pos = gql_peek(p)->pos;
	d->name = gql_parse_name(p);
	/* the reference takes no new interfaces for an interface */
	if (fields && !(extension && kind == GQL_INTERFACE) && gql_at_word(p, "implements")) {
		(void)gql_take(p);
		names(p, GQL_T_AMP, &d->interfaces);
	}
	gql_parse_directives(p, !(extension && kind == GQL_INPUT), &d->directives);
	if (kind == GQL_UNION && gql_skip(p, GQL_T_EQUALS))
		names(p, GQL_T_PIPE, &d->types);
	if (fields || kind == GQL_INPUT)
		d->at_end = member_list(p, GQL_T_BRACE_L, GQL_T_BRACE_R, fields ? FIELD : INPUT_VALUE, &d->fields);
	if (kind == GQL_ENUM_TYPE)
		d->at_end = member_list(p, GQL_T_BRACE_L, GQL_T_BRACE_R, ENUM_VALUE, &d->values);
	if (extension && !d->interfaces.n && !d->directives.n && !d->types.n && !d->fields.n && !d->values.n)
		gql_unexpected(p, gql_peek(p));
	return d;
}

static struct gql_def *type_definition(struct gql_parser *p, enum gql_kind kind, struct description desc)
{
	const struct gql_name_list *after = p->comment;
	struct gql_def *d;

	(void)gql_take(p);
	d = type_body(p, kind, false);
	if (!d)
		return NULL;
	d->before = desc.comment;
	d->description = desc.text;
	d->after = after;
	return d;
}

/* ---- schema ---- */

/* Behind the keyword. */
static struct gql_entry *entry(struct gql_parser *p, bool extension)
{
	struct gql_entry *e = GQL_NEW(p->g, struct gql_entry);

	if (!e)
		return NULL;
	e->pos = gql_peek(p)->pos;
	gql_parse_directives(p, true, &e->directives);
	if (gql_open(p, GQL_T_BRACE_L, GQL_T_BRACE_R)) {
		while (gql_more(p, GQL_T_BRACE_R)) {
			struct gql_root *r = GQL_NEW(p->g, struct gql_root);
			struct gql_token t;

			if (!r)
				return NULL;
			r->pos = gql_peek(p)->pos;
			r->comment = p->comment;
			t = gql_take(p);
			if (!gql_operation_kind(t.text, &r->kind))
				gql_unexpected(p, &t);
			gql_expect(p, GQL_T_COLON);
			r->type = gql_parse_name(p);
			GQL_ADD(&e->roots, r);
		}
		e->at_end = gql_close(p);
	}
	if (extension && !e->directives.n && !e->roots.n)
		gql_unexpected(p, gql_peek(p));
	return e;
}

/* ---- directives ---- */

static void locations(struct gql_parser *p, struct gql_directive_def *d)
{
	(void)gql_skip(p, GQL_T_PIPE);
	do {
		struct gql_token t = *gql_peek(p);
		struct gql_name *n = GQL_NEW(p->g, struct gql_name);
		uint32_t bit;

		if (!n)
			return;
		n->text = gql_parse_name(p);
		bit = gql_location(n->text);
		if (!bit)
			gql_unexpected(p, &t);
		d->locations |= bit;
		GQL_ADD(&d->location_names, n);
	} while (gql_skip(p, GQL_T_PIPE));
}

static struct gql_directive_def *directive_definition(struct gql_parser *p, struct description desc)
{
	struct gql_directive_def *d = GQL_NEW(p->g, struct gql_directive_def);

	if (!d)
		return NULL;
	d->before = desc.comment;
	d->description = desc.text;
	d->after = p->comment;
	(void)gql_take(p);
	gql_expect(p, GQL_T_AT);
	d->pos = gql_peek(p)->pos;
	d->name = gql_parse_name(p);
	argument_defs(p, &d->args);
	if (gql_at(p, GQL_T_NAME) && gql_at_word(p, "repeatable")) {
		d->repeatable = true;
		(void)gql_take(p);
	}
	gql_expect_word(p, "on");
	locations(p, d);
	return d;
}

/* ---- documents ---- */

static void extension(struct gql_parser *p, struct gql_document *out)
{
	const struct gql_name_list *after = p->comment;
	const struct gql_token *t;
	enum gql_kind kind;

	(void)gql_take(p);
	t = gql_peek(p);
	if (kind_word(t->text, &kind)) {
		struct gql_def *d;

		gql_expect_word(p, kind_words[kind]);
		d = type_body(p, kind, true);
		if (d)
			d->after = after;
		GQL_ADD(&out->extensions, d);
	} else if (slice_is(t->text, "schema")) {
		struct gql_entry *e;

		gql_expect_word(p, "schema");
		e = entry(p, true);
		if (e)
			e->after = after;
		GQL_ADD(&out->schema_extensions, e);
	} else {
		gql_unexpected(p, t);
	}
}

static struct gql_entry *schema_definition(struct gql_parser *p, struct description desc)
{
	const struct gql_name_list *after = p->comment;
	struct gql_entry *e;

	(void)gql_take(p);
	e = entry(p, false);
	if (!e)
		return NULL;
	e->before = desc.comment;
	e->description = desc.text;
	e->after = after;
	return e;
}

static void definition(struct gql_parser *p, struct gql_document *out)
{
	struct description desc = description(p);
	struct gql_token described = p->prev;
	const struct gql_token *t = gql_peek(p);
	enum gql_kind kind;

	if (t->kind != GQL_T_NAME) {
		gql_unexpected(p, t);
	} else if (kind_word(t->text, &kind)) {
		GQL_ADD(&out->definitions, type_definition(p, kind, desc));
	} else if (slice_is(t->text, "schema")) {
		GQL_ADD(&out->schema, schema_definition(p, desc));
	} else if (slice_is(t->text, "directive")) {
		GQL_ADD(&out->directives, directive_definition(p, desc));
	} else if (slice_is(t->text, "extend")) {
		/* a comment between the two is what was taken last */
		if (desc.text.n)
			gql_unexpected(p, p->prev.kind == GQL_T_COMMENT ? &p->prev : &described);
		else
			extension(p, out);
	} else {
		gql_unexpected(p, t);
	}
}

void gql_parse_schema(struct gql *g, struct slice text, bool builtin, struct gql_document *out)
{
	struct gql_parser p;

	*out = (struct gql_document){0};
	gql_parser_open(&p, g, text);
	while (gql_more(&p, GQL_T_EOF))
		definition(&p, out);
	out->comment = p.comment;
	for (struct gql_def *d = out->definitions.first; d; d = d->next)
		d->builtin = builtin;
}
