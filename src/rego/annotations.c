/* The YAML of annotations: fields with their types, people and resources in their two forms. */
#include <stdio.h>

#include "base/num.h"
#include "base/utf8.h"
#include "rego/annotations.h"

/* One block while it is read. */
struct block {
	struct comp *c;
	struct module *m;
	uint32_t first, n;	/* comments: that with METADATA, and how many follow it */
	struct slice text;	/* the YAML */
	struct loc loc;		/* where an error is reported */
	const char *err;	/* the first one */
};

static bool bad(struct block *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static bool bad(struct block *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (!b->err)
		b->err = arena_vprintf(b->c->arena, fmt, ap);
	va_end(ap);
	return false;
}

static struct slice comment_text(const struct module *m, uint32_t i)
{
	return slice_of(m->text.p + m->comments[i].off + 1, m->comments[i].len - 1);
}

static bool is_space(uint8_t ch)
{
	return ch == ' ' || (ch >= '\t' && ch <= '\r');
}

static struct slice trimmed(struct slice s)
{
	while (s.n && is_space(s.p[0]))
		s = slice_sub(s, 1, s.n);
	while (s.n && is_space(s.p[s.n - 1]))
		s.n--;
	return s;
}

bool annotation_begins(const struct module *m, uint32_t i)
{
	return m->comments[i].col == 1 && slice_starts(trimmed(comment_text(m, i)), SLICE_LIT("METADATA"));
}

/* ---- fields ---- */

/* The line of the block on which a key stands, from 1. */
static unsigned line_of(const struct block *b, const char *key)
{
	size_t n = strlen(key);
	unsigned line = 1;

	for (size_t i = 0; i < b->text.n; line++) {
		struct slice rest = slice_sub(b->text, i, b->text.n);

		if (slice_starts(rest, slice_of(key, n)) && rest.n > n && rest.p[n] == ':')
			return line;
		while (i < b->text.n && b->text.p[i++] != '\n')
			;
	}
	return 1;
}

static void move_to_line(struct block *b, unsigned line)
{
	if (b->n)	/* the line's number is used as an index: one too far, as upstream has it */
		b->loc = b->m->comments[b->first + 1 + MIN_OF(line, b->n - 1)];
}

/* A key with a value that cannot be of that type. */
static bool mistyped(struct block *b, const char *key, struct rv v, const char *type)
{
	static const char *const tags[] = {[RV_BOOL] = "!!bool", [RV_NUMBER] = "!!int", [RV_STRING] = "!!str", [RV_ARRAY] = "!!seq",
					   [RV_OBJECT] = "!!map", [RV_NULL] = "!!null"};
	struct buf text = buf_in(b->c->arena, 0);
	unsigned line = line_of(b, key);

	if (v.kind == RV_STRING)
		buf_slice(&text, rv_slice(v));
	else
		rv_to_json(&text, v);
	move_to_line(b, line);
	if (v.kind == RV_ARRAY || v.kind == RV_OBJECT)
		return bad(b, "yaml: unmarshal errors:\n  line %u: cannot unmarshal %s into %s", line, tags[v.kind], type);
	return bad(b, "yaml: unmarshal errors:\n  line %u: cannot unmarshal %s `%.*s%s` into %s", line,
		   v.kind == RV_NUMBER && !rv_is_integral(v) ? "!!float" : tags[v.kind], (int)MIN_OF(text.n, text.n > 10 ? 7u : 10u),
		   (const char *)text.p, text.n > 10 ? "..." : "", type);
}

/* Scalars of any type are text, null is none. */
static bool as_text(struct block *b, const char *key, struct rv v, struct rv *out)
{
	if (v.kind == RV_ARRAY || v.kind == RV_OBJECT)
		return mistyped(b, key, v, "string");
	*out = v.kind == RV_STRING ? v : v.kind == RV_NULL ? rv_str(&b->c->heap, "", 0) : rv_json_value(&b->c->heap, v);
	return true;
}

static bool put_text(struct block *b, struct rv doc, const char *key, struct rv_builder *out)
{
	const struct rv *v = rv_get_c(doc, key);
	struct rv text;

	if (!v)
		return true;
	if (!as_text(b, key, *v, &text))
		return false;
	if (text.str->n)
		rv_object_put_c(out, key, text);
	return true;
}

/* *out: the array, or RV_UNDEF when there is none. */
static bool get_list(struct block *b, struct rv doc, const char *key, const char *type, struct rv *out)
{
	const struct rv *v = rv_get_c(doc, key);

	*out = rv_undef();
	if (!v || v->kind == RV_NULL)
		return true;
	if (v->kind != RV_ARRAY)
		return mistyped(b, key, *v, type);
	*out = *v;
	return true;
}

static bool put_map(struct block *b, struct rv doc, const char *key, struct rv_builder *out)
{
	const struct rv *v = rv_get_c(doc, key);

	if (!v || v->kind == RV_NULL)
		return true;
	if (v->kind != RV_OBJECT)
		return mistyped(b, key, *v, "map[string]interface {}");
	if (out && rv_len(*v))
		rv_object_put_c(out, key, *v);
	return true;
}

static bool organizations(struct block *b, struct rv doc, struct rv_builder *out)
{
	struct rv_vec all = rv_vec(&b->c->heap);
	struct rv list, text;

	if (!get_list(b, doc, "organizations", "[]string", &list))
		return false;
	for (uint32_t i = 0; i < rv_len(list); i++) {
		if (!as_text(b, "organizations", rv_at(list, i), &text))
			return false;
		rv_push(&all, text);
	}
	if (rv_len(list))
		rv_object_put_c(out, "organizations", rv_vec_done(&all));
	return true;
}

static struct rv text_member(struct block *b, struct rv o, const char *key)
{
	const struct rv *v = rv_get_c(o, key);
	struct slice s = v && v->kind == RV_STRING ? trimmed(rv_slice(*v)) : (struct slice){0};

	return rv_str(&b->c->heap, s.p, s.n);
}

static void put_some(struct rv_builder *b, const char *key, struct rv text)
{
	if (text.kind == RV_STRING && text.str->n)
		rv_object_put_c(b, key, text);
}

static const char *shown(struct block *b, struct rv v)
{
	struct rv t = v.kind == RV_STRING ? v : rv_json_value(&b->c->heap, v);

	return t.kind == RV_STRING ? t.str->p : "";
}

/* "Name <mail>": the last word may be the address. */
static bool author_text(struct block *b, struct rv v, struct rv_builder *out)
{
	struct slice s = trimmed(rv_slice(v));
	struct buf name = buf_in(b->c->arena, 0);
	size_t last = s.n;

	if (!s.n)
		return bad(b, "invalid author definition %s: author is an empty string", shown(b, v));
	while (last > 0 && !is_space(s.p[last - 1]))
		last--;
	if (s.n - last >= 2 && s.p[last] == '<' && s.p[s.n - 1] == '>') {
		put_some(out, "email", rv_str(&b->c->heap, s.p + last + 1, s.n - last - 2));
		s = trimmed(slice_sub(s, 0, last));
	}
	for (size_t i = 0; i < s.n; i++) {
		if (!is_space(s.p[i]))
			buf_putc(&name, (char)s.p[i]);
		else if (!is_space(s.p[i + 1]))
			buf_putc(&name, ' ');
	}
	put_some(out, "name", rv_str(&b->c->heap, name.p, name.n));
	return true;
}

static bool author(struct block *b, struct rv v, struct rv_builder *out)
{
	struct rv name, email;

	if (v.kind == RV_STRING)
		return author_text(b, v, out);
	if (v.kind != RV_OBJECT)
		return bad(b, "invalid author definition %s: invalid value type, must be string or map", shown(b, v));
	name = text_member(b, v, "name");
	email = text_member(b, v, "email");
	if (!name.str || !email.str || (!name.str->n && !email.str->n))
		return bad(b, "invalid author definition %s: 'name' and/or 'email' values required in object", shown(b, v));
	put_some(out, "name", name);
	put_some(out, "email", email);
	return true;
}

static bool resource(struct block *b, struct rv v, struct rv_builder *out)
{
	struct rv ref;
	const char *why;

	if (v.kind != RV_STRING && v.kind != RV_OBJECT)
		return bad(b, "invalid related-resource definition %s: invalid value type, must be string or map", shown(b, v));
	ref = v.kind == RV_STRING ? v : text_member(b, v, "ref");
	if (!ref.str || !ref.str->n)
		return bad(b, "invalid related-resource definition %s: %s", shown(b, v),
			   v.kind == RV_STRING ? "ref URL may not be empty string" : "'ref' value required in object");
	why = rego_uri_refusal(b->c->arena, rv_slice(ref));
	if (why)
		return bad(b, "invalid related-resource definition %s: %s", shown(b, v), why);
	put_some(out, "ref", ref);
	if (v.kind == RV_OBJECT)
		put_some(out, "description", text_member(b, v, "description"));
	return true;
}

/* The one term that the text is; NULL when it is none. */
static struct term *parsed_term(struct block *b, struct rv text)
{
	struct module *m = COMP_NEW(b->c, struct module);
	uint32_t errors = b->c->nerrors;
	struct body *body = NULL;
	bool ok;

	m->name = "";
	m->is_query = true;
	m->index = b->c->nmods;
	m->text = rv_slice(text);
	ok = parse_query(b->c, m, &body);
	b->c->nerrors = errors;
	if (!ok || body->n != 1 || body->e[0]->kind != EX_TERM || body->e[0]->negated || body->e[0]->nwith)
		return NULL;
	return body->e[0]->term;
}

static bool var_is(const struct term *t, const char *name)
{
	return t->kind == T_VAR && t->var->name->n == strlen(name) && memcmp(t->var->name->p, name, t->var->name->n) == 0;
}

static bool is_ref(const struct term *t)
{
	return t && (t->kind == T_REF || var_is(t, "data") || var_is(t, "input"));
}

/* The parts of a reference as texts. */
static struct rv ref_array(struct comp *c, const struct term *t)
{
	struct rv_vec parts = rv_vec(&c->heap);

	for (uint32_t i = 0; i < (t->kind == T_REF ? t->n : 1); i++) {
		const struct term *part = t->kind == T_REF ? t->items[i] : t;

		if (part->kind == T_VALUE && part->value.kind == RV_STRING)
			rv_push(&parts, part->value);
		else
			rv_push(&parts, rv_cstr(&c->heap, term_string(c, part)));
	}
	return rv_vec_done(&parts);
}

static bool schema(struct block *b, struct rv pair, struct rv_builder *out)
{
	struct rv path, what;
	const struct term *t;

	if (pair.kind != RV_OBJECT)
		return mistyped(b, "schemas", pair, "map[string]interface {}");
	path = rv_len(pair) ? rv_key(pair, 0) : rv_str(&b->c->heap, "", 0);
	what = rv_len(pair) ? rv_val(pair, 0) : rv_null();
	t = parsed_term(b, path);
	if (!is_ref(t))
		return bad(b, "invalid document reference");
	rv_object_put_c(out, "path", ref_array(b->c, t));
	if (what.kind == RV_OBJECT) {
		rv_object_put_c(out, "definition", what);
		return true;
	}
	if (what.kind != RV_STRING) {
		struct buf q = buf_in(b->c->arena, 0);

		rv_quote(&q, rv_slice(path));
		return bad(b, "invalid schema declaration for path %s", buf_cstr(&q));
	}
	t = parsed_term(b, what);
	if (!t || !(var_is(t, "schema") || (t->kind == T_REF && var_is(t->items[0], "schema"))))
		return bad(b, "invalid schema reference");
	rv_object_put_c(out, "schema", ref_array(b->c, t));
	return true;
}

static bool each_of(struct block *b, struct rv doc, const char *key, const char *type, struct rv_builder *out,
		    bool (*one)(struct block *, struct rv, struct rv_builder *))
{
	struct rv_vec all = rv_vec(&b->c->heap);
	struct rv list;

	if (!get_list(b, doc, key, type, &list))
		return false;
	for (uint32_t i = 0; i < rv_len(list); i++) {
		struct rv_builder o = rv_object_builder(&b->c->heap, 2);

		if (!one(b, rv_at(list, i), &o))
			return false;
		rv_push(&all, rv_builder_done(&o));
	}
	if (rv_len(list))
		rv_object_put_c(out, key, rv_vec_done(&all));
	return true;
}

/* What partial evaluation would be told: looked at, and not given out. */
static bool compile_hints(struct block *b, struct rv doc)
{
	const struct rv *v = rv_get_c(doc, "compile"), *unknowns, *mask;
	const struct term *t;

	if (!put_map(b, doc, "compile", NULL))
		return false;
	if (!v || v->kind != RV_OBJECT)
		return true;
	unknowns = rv_get_c(*v, "unknowns");
	mask = rv_get_c(*v, "mask_rule");
	for (uint32_t i = 0; unknowns && unknowns->kind == RV_ARRAY && i < rv_len(*unknowns); i++) {
		struct rv u = rv_at(*unknowns, i);

		if (u.kind == RV_STRING && !is_ref(parsed_term(b, u)))
			return bad(b, "invalid unknowns element \"%s\": expected ref", u.str->p);
	}
	t = mask && mask->kind == RV_STRING ? parsed_term(b, *mask) : NULL;
	if (mask && mask->kind == RV_STRING && !(t && (t->kind == T_VAR || t->kind == T_REF ||
						       (t->kind == T_VALUE && t->value.kind == RV_STRING))))
		return bad(b, "invalid mask_rule annotation \"%s\": not a reference", mask->str->p);
	return true;
}

static bool entrypoint(struct block *b, struct rv doc, struct note *n, struct rv_builder *out)
{
	static const char *const yes[] = {"yes", "Yes", "YES", "on", "On", "ON", "y", "Y"}, *const no[] = {"no", "No", "NO", "off", "Off", "OFF", "n", "N"};
	const struct rv *v = rv_get_c(doc, "entrypoint");
	bool known = v && (v->kind == RV_BOOL || v->kind == RV_NULL);

	n->entrypoint = v && rv_is_true(*v);
	for (size_t i = 0; v && v->kind == RV_STRING && i < COUNT_OF(yes); i++) {
		n->entrypoint = n->entrypoint || rv_is_str(*v, yes[i]);
		known = known || rv_is_str(*v, yes[i]) || rv_is_str(*v, no[i]);
	}
	if (v && !known)
		return mistyped(b, "entrypoint", *v, "bool");
	if (n->entrypoint)
		rv_object_put_c(out, "entrypoint", rv_bool(true));
	return true;
}

static bool fields(struct block *b, struct rv doc, struct note *n)
{
	struct rv_builder o = rv_object_builder(&b->c->heap, 8);
	const struct rv *scope = rv_get_c(doc, "scope");
	struct rv text = rv_undef();

	if (scope && !as_text(b, "scope", *scope, &text))
		return false;
	n->scope_text = text.kind == RV_STRING ? text.str->p : "";
	if (!put_text(b, doc, "title", &o) || !entrypoint(b, doc, n, &o) || !put_text(b, doc, "description", &o) ||
	    !organizations(b, doc, &o) || !each_of(b, doc, "related_resources", "[]interface {}", &o, resource) ||
	    !compile_hints(b, doc) || !each_of(b, doc, "schemas", "[]map[string]interface {}", &o, schema) ||
	    !each_of(b, doc, "authors", "[]interface {}", &o, author) || !put_map(b, doc, "custom", &o) || !put_map(b, doc, "labels", &o))
		return false;
	n->fields = rv_builder_done(&o);
	return true;
}

/* ---- blocks ---- */

/* A colon that no space follows is the usual cause: for each line of the block that has one. */
static void hints(struct block *b)
{
	for (uint32_t i = 0; i < b->n; i++) {
		struct slice s = comment_text(b->m, b->first + 1 + i);
		struct buf odd = buf_in(b->c->arena, 0);

		for (size_t k = 0; k < s.n; k++) {
			size_t at = k + 1;
			int32_t ch;

			if (s.p[k] != ':')
				continue;
			if (at == s.n || s.p[at] == ' ' || s.p[at] == '\t')
				break;
			ch = s.p[at] == ':' ? 0xfffd : utf8_next(s, &at);	/* nothing between two colons */
			if (ch < 0)
				ch = 0xfffd;
			buf_puts(&odd, odd.n ? " " : "");
			if (ch == '\'' || ch == '\\')
				buf_printf(&odd, "'\\%c'", (char)ch);
			else if (ch < 0x80)
				buf_printf(&odd, "'%c'", (char)ch);
			else
				buf_printf(&odd, ch < 0x10000 ? "'\\u%04x'" : "'\\U%08x'", (unsigned)ch);
		}
		if (odd.n && b->err)
			b->err = arena_printf(b->c->arena, "%s\n  Hint: on line %u, symbol(s) [%s] immediately following a key/value "
					      "separator ':' is not a legal yaml space character", b->err,
					      b->m->comments[b->first + 1 + i].row, buf_cstr(&odd));
	}
}

static bool read_block(struct block *b, struct note *n)
{
	struct buf text = buf_in(b->c->arena, 0);
	const char *why = NULL;
	struct rv doc;

	for (uint32_t i = 0; i < b->n; i++) {
		struct slice s = comment_text(b->m, b->first + 1 + i);

		buf_slice(&text, s.n && s.p[0] == ' ' ? slice_sub(s, 1, s.n) : s);
		buf_putc(&text, '\n');
	}
	if (!buf_ok(&text))
		comp_oom(b->c);
	b->text = buf_view(&text);
	if (!trimmed(b->text).n)
		return bad(b, "expected METADATA block, found whitespace");
	doc = rego_yaml_read(&b->c->heap, b->text, &why);
	if (doc.kind == RV_UNDEF && !why)
		comp_oom(b->c);
	if (why) {
		unsigned line = 0;

		if (sscanf(why, "yaml: line %u:", &line) == 1 || sscanf(why, "yaml: unmarshal errors: line %u:", &line) == 1)
			move_to_line(b, line);
		else if (slice_starts(slice_cstr(why), SLICE_LIT("yaml:")))
			b->loc = b->m->comments[b->first + 1];
		bad(b, "%s", why);
		hints(b);
		return false;
	}
	if (doc.kind == RV_NULL)
		doc = rv_empty_object(&b->c->heap);
	if (doc.kind != RV_OBJECT) {
		mistyped(b, "", doc, "ast.rawAnnotation");
		hints(b);
		return false;
	}
	return fields(b, doc, n);
}

bool annotation_read(struct comp *c, struct module *m, uint32_t i, uint32_t n, struct note *out)
{
	struct block b = {.c = c, .m = m, .first = i, .n = n, .loc = m->comments[i]};

	return read_block(&b, out) || comp_error(c, ERR_PARSE, b.loc, "%s", b.err ? b.err : "out of memory");
}
