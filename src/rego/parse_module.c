/* Modules: package, imports, statements. */
#include "rego/parse_int.h"

static bool package(struct parser *p)
{
	struct module *m = p->m;
	struct term *t;
	uint32_t n;
	struct loc at = p_loc(p);

	m->package_loc = at;
	p_next(p);
	if (p_tok(p) != K_IDENT && !tok_is_keyword(p_tok(p))) {
		p_illegal(p, "");
		return false;
	}
	p_cur(p)->kind = K_IDENT;	/* any keyword is the name of a package */
	t = p_term(p);
	if (!t)
		return false;
	if (t->kind != T_VAR && t->kind != T_REF) {
		p_illegal(p, "");
		return false;
	}
	n = t->kind == T_VAR ? 1 : t->n;
	m->path = comp_alloc(p->c, n * sizeof(*m->path));
	m->path_locs = comp_alloc(p->c, n * sizeof(*m->path_locs));
	if (!m->path || !m->path_locs)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		struct term *part = t->kind == T_VAR ? t : t->items[i];

		m->path_locs[i] = part->loc;
		if (i == 0 && part->kind == T_VAR) {
			m->path[0] = rv_str(&p->c->heap, part->var->name->p, part->var->name->n);
		} else if (part->kind == T_VALUE && part->value.kind == RV_STRING) {
			m->path[i] = part->value;
		} else {
			p_fail(p, part->loc, "unexpected %s token: expecting string", term_kind_name(part));
			return false;
		}
	}
	m->npath = n;
	m->package_loc = p_span(p, at);
	return true;
}

static bool part_is(const struct term *t, const char *s)
{
	return t->kind == T_VAR ? rv_is_str((struct rv){.kind = RV_STRING, .str = t->var->name}, s) : rv_is_str(t->value, s);
}

/* The last part becomes a name, so no keyword of the module may stand there. */
static bool tail_is_no_keyword(struct parser *p, const struct term *t)
{
	static const char *const reserved[] = {"in", "every", "if", "contains", "not", "as", "default", "else", "false",
					       "import", "package", "null", "some", "true", "with"};
	const struct module *m = p->m;
	const bool on[4] = {m->kw_in, m->kw_every, m->kw_if, m->kw_contains};

	for (size_t i = 0; i < sizeof(reserved) / sizeof(*reserved); i++) {
		if ((i >= 4 || on[i]) && rv_is_str(t->items[t->n - 1]->value, reserved[i])) {
			p_fail(p, t->items[t->n - 1]->loc, "unexpected import path, must not end with a keyword, got: %s (hint: "
			       "import a different path or use an alias)", reserved[i]);
			return false;
		}
	}
	return true;
}

static bool keyword_import(struct parser *p, struct import *im, struct term *t)
{
	struct module *m = p->m;
	static const char *const kw[] = {"in", "every", "if", "contains", "not", "and", "or"};
	bool *flags[] = {&m->kw_in, &m->kw_every, &m->kw_if, &m->kw_contains, &m->kw_not, &m->kw_and, &m->kw_or};

	im->keyword = true;
	if (part_is(t->items[0], "rego")) {
		if (im->alias) {
			p_fail(p, im->alias_loc, "`rego` imports cannot be aliased");
			return false;
		}
		if (t->n > 1 && !tail_is_no_keyword(p, t))
			return false;
		if (t->n != 2 || !(part_is(t->items[1], "v1") || part_is(t->items[1], "v2"))) {
			p_fail(p, t->loc, "invalid import `%s`, must be `rego.v1`", term_string(p->c, t));
			return false;
		}
		m->v1 = m->kw_in = m->kw_every = m->kw_if = m->kw_contains = true;
		if (part_is(t->items[1], "v2"))
			m->kw_not = true;
		return true;
	}
	if (im->alias) {
		p_fail(p, im->alias_loc, "`future` imports cannot be aliased");
		return false;
	}
	if (t->n < 2 || !part_is(t->items[1], "keywords") || t->n > 3) {
		p_fail(p, t->loc, "invalid import, must be `future.keywords`");
		return false;
	}
	if (t->n == 2) {
		for (int i = 0; i < 4; i++)
			*flags[i] = true;
		return true;
	}
	for (int i = 0; i < 7; i++) {
		if (part_is(t->items[2], kw[i]) && (i < 5 || p->c->opts->experimental_keywords)) {
			*flags[i] = true;
			if (i == 1)
				m->kw_in = true;
			return true;
		}
	}
	p_fail(p, t->loc, "unexpected keyword, must be one of [contains every if in not]");
	return false;
}

static bool import(struct parser *p)
{
	struct module *m = p->m;
	struct import im = {.loc = p_loc(p)};
	struct term *t, *alias;
	const struct term *root;

	p_next(p);
	if (p_tok(p) != K_IDENT && !tok_is_keyword(p_tok(p))) {
		p_illegal(p, "");
		return false;
	}
	p_cur(p)->kind = K_IDENT;
	t = p_term(p);
	if (!t)
		return false;
	for (uint32_t i = 1; t->kind == T_REF && i < t->n; i++) {
		if (t->items[i]->kind != T_VALUE || t->items[i]->value.kind != RV_STRING) {
			p_fail(p, t->items[i]->loc, "unexpected %s token: expecting string", term_kind_name(t->items[i]));
			return false;
		}
	}
	if (t->kind != T_VAR && t->kind != T_REF) {
		p_fail(p, p_loc(p), "expected path");
		return false;
	}
	root = t->kind == T_REF ? t->items[0] : t;
	if (root->kind != T_VAR || !(part_is(root, "data") || part_is(root, "input") || part_is(root, "future") || part_is(root, "rego"))) {
		p_fail(p, root->loc, "unexpected import path, must begin with one of: {data, future, input, rego}, got: %s",
		       term_string(p->c, root));
		return false;
	}
	if (p_tok(p) == K_AS) {
		p_next(p);
		if (p_tok(p) != K_IDENT) {
			p_illegal(p, "expected var");
			return false;
		}
		alias = p_term(p);
		if (!alias)
			return false;
		if (alias->kind != T_VAR) {
			p_illegal(p, "expected var");
			return false;
		}
		if (part_is(alias, "input") || part_is(alias, "data")) {
			p_fail(p, alias->loc, "unexpected import alias, must not be a reserved name, got: %s", alias->var->name->p);
			return false;
		}
		im.alias = alias->var;
		im.alias_loc = alias->loc;
		im.aliased = true;
	}
	if (t->kind == T_VAR)
		t = term_items(p->c, T_REF, t->loc, memcpy(comp_alloc(p->c, sizeof(t)), &t, sizeof(t)), 1);
	im.path = t->items;
	im.n = t->n;
	im.loc = p_span(p, im.loc);
	if (part_is(root, "future") || part_is(root, "rego")) {
		if (!keyword_import(p, &im, t))
			return false;
	} else if (!im.alias && im.n > 1) {
		struct rv last = t->items[im.n - 1]->value;

		if (!tail_is_no_keyword(p, t))
			return false;
		im.alias = var_named(p->c, last.str->p, last.str->n);
		im.alias_loc = t->items[im.n - 1]->loc;
	} else if (!im.alias) {
		im.alias = root->var;
	}
	if (m->nimports == m->cap_imports) {
		uint32_t cap = m->cap_imports ? m->cap_imports * 2 : 8;

		m->imports = arena_grow(p->c->arena, m->imports, m->cap_imports * sizeof(im), cap * sizeof(im));
		m->cap_imports = cap;
		if (!m->imports) {
			comp_oom(p->c);
			return false;
		}
	}
	m->imports[m->nimports++] = im;
	return true;
}

static bool statements(struct parser *p)
{
	uint32_t n = 0, max_rules = p->c->opts->max_rules ? p->c->opts->max_rules : 20000;

	if (p_tok(p) == K_EOF)
		return p_fail(p, (struct loc){.mod = p->m->index}, "empty module");
	for (; p_tok(p) != K_EOF; n++) {
		struct loc at = p_loc(p);
		enum tok k = p_keyword_ref(p) ? K_IDENT : p_tok(p);

		if (k == K_PACKAGE && n)
			p_refuse(p, at, "unexpected package");
		else if (k != K_PACKAGE && !n)
			p_refuse(p, at, "package expected");
		if (k == K_PACKAGE ? !package(p) : k == K_IMPORT ? !import(p) : !p_rule(p))
			return false;
		if (p->failed)
			return false;
		if (p->c->nrules > max_rules)
			return p_fail(p, p_loc(p), "too many rules (limit is %u)", max_rules);
	}
	return true;
}

static bool begin(struct comp *c, struct module *m, struct parser *p)
{
	bool v1 = m->is_query || c->opts->dialect == REGO_V1;

	*p = (struct parser){.c = c, .m = m, .errors_before = c->nerrors, .max_depth = c->opts->max_nesting ? c->opts->max_nesting : 200};
	m->v1 = m->kw_in = m->kw_every = m->kw_if = m->kw_contains = v1;
	if (!lex_all(c, m, &p->toks, &p->n) || !p->n)
		return false;
	if (p->toks[0].kind == K_ILLEGAL && p->toks[0].err)
		p_fail(p, p->toks[0].loc, "%s", p->toks[0].err);
	return true;
}

/* What is no rule is told before what the dialect asks of rules. */
static bool refusals(struct parser *p)
{
	struct comp *c = p->c;
	uint32_t n = c->nerrors - p->errors_before;
	struct comp_error *asked = comp_alloc(c, (n + 1) * sizeof(*asked));

	if (!asked)
		return false;
	if (n)
		memcpy(asked, c->errors + p->errors_before, n * sizeof(*asked));
	c->nerrors = p->errors_before;
	for (const struct not_rule *r = p->refused; r; r = r->next)
		comp_error(c, ERR_PARSE, r->loc, "%s", r->message);
	for (uint32_t i = 0; i < n; i++)
		comp_error(c, asked[i].code, asked[i].loc, "%s", asked[i].message);
	return false;
}

static bool finish(struct parser *p, bool ok)
{
	if (ok && !p->failed && !p->refused)
		return comp_ok(p->c);
	if (ok && !p->failed)
		return refusals(p);
	/* what the dialect asks of rules is told where the text can be read */
	p->c->nerrors = p->errors_before;
	if (!p->c->no_memory)
		comp_error(p->c, ERR_PARSE, p->err_loc, "%s", p->err ? p->err : "syntax error");
	return false;
}

bool parse_module(struct comp *c, struct module *m)
{
	struct parser p;

	if (!begin(c, m, &p))
		return false;
	return finish(&p, statements(&p));
}

bool parse_query(struct comp *c, struct module *m, struct body **query)
{
	struct parser p;

	if (!begin(c, m, &p))
		return false;
	if (c->opts->experimental_keywords)
		m->kw_and = m->kw_or = true;
	if (p_tok(&p) == K_EOF) {
		comp_error(c, ERR_COMPILE, p_loc(&p), "empty query cannot be compiled");
		return false;
	}
	*query = p_body(&p, K_EOF);
	return finish(&p, *query != NULL);
}
