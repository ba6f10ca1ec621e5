/* rego.metadata.rule() and rego.metadata.chain(): the statement that each annotation belongs to, and the constants that stand
 * for the calls. */
#include "rego/annotations.h"

/* The first statement below the block. Imports are gone by the time that a rule asks. */
static void attach(struct note *n, bool imports)
{
	struct module *m = n->mod;
	uint32_t best = UINT32_MAX;

	if (m->package_loc.row > n->loc.row) {
		n->package = true;
		best = m->package_loc.row;
	}
	for (uint32_t i = 0; imports && i < m->nimports; i++) {
		if (m->imports[i].loc.row > n->loc.row && m->imports[i].loc.row < best) {
			n->import = true;
			n->package = false;
			best = m->imports[i].loc.row;
		}
	}
	for (struct rule *r = m->first; r; r = r->next) {
		if (r->loc.row > n->loc.row && r->loc.row < best) {
			n->rule = r;
			n->package = n->import = false;
			best = r->loc.row;
		}
	}
}

static void settle_scope(struct comp *c, struct note *n)
{
	static const char *const names[] = {[S_RULE] = "rule", [S_DOCUMENT] = "document", [S_PACKAGE] = "package",
					    [S_SUBPACKAGES] = "subpackages"};
	bool on_rule;

	if (!*n->scope_text && (n->rule || n->package || n->import))
		n->scope_text = n->rule ? n->entrypoint ? "document" : "rule" : n->package ? "package" : "import";
	for (enum scope s = S_RULE; s <= S_SUBPACKAGES; s++) {
		if (strcmp(n->scope_text, names[s]) == 0)
			n->scope = s;
	}
	on_rule = n->scope == S_RULE || n->scope == S_DOCUMENT;
	if (n->scope == S_NONE)
		comp_error(c, ERR_PARSE, n->loc, "invalid annotation scope '%s'. Use one of 'rule', 'document', 'package', or 'subpackages'",
			   n->scope_text);
	else if (on_rule ? !n->rule : !n->package)
		comp_error(c, ERR_PARSE, n->loc, "annotation scope '%s' must be applied to %s%s", n->scope_text, on_rule ? "rule" : "package",
			   n->rule ? " (have rule)" : n->package ? " (have package)" : n->import ? " (have import)" : "");
	if (n->entrypoint && n->scope != S_DOCUMENT && n->scope != S_PACKAGE)
		comp_error(c, ERR_PARSE, n->loc, "annotation entrypoint applied to non-document or package scope '%s'", n->scope_text);
}

/* Comments of one block follow each other at the start of their lines. */
static uint32_t block_len(const struct module *m, uint32_t i)
{
	uint32_t n = 0;

	for (i++; i < m->ncomments && m->comments[i].col == 1 && m->comments[i].row == m->comments[i - 1].row + 1 &&
		  !annotation_begins(m, i); i++)
		n++;
	return n;
}

static void module_notes(struct comp *c, struct module *m, struct note ***end)
{
	uint32_t len;

	for (uint32_t i = 0; i < m->ncomments; i += 1 + len) {
		struct note *n;

		len = 0;
		if (!annotation_begins(m, i))
			continue;
		len = block_len(m, i);
		n = COMP_NEW(c, struct note);
		n->mod = m;
		n->loc = m->comments[i];
		if (!annotation_read(c, m, i, len, n))
			continue;
		attach(n, c->opts->check_annotations);
		settle_scope(c, n);
		**end = n;
		*end = &n->next;
	}
}

/* ---- what a rule has ---- */

/* How many parts of a rule's path, package included, are constants. */
static uint32_t path_len(const struct rule *r)
{
	return r->mod->npath + rule_prefix(r);
}

static struct rv path_part(struct comp *c, const struct rule *r, uint32_t i)
{
	const struct term *t;

	if (i < r->mod->npath)
		return r->mod->path[i];
	i -= r->mod->npath;
	t = r->ref[i];
	if (i == 0)
		return rv_str(&c->heap, t->var->name->p, t->var->name->n);
	return t->value.kind == RV_STRING ? t->value : rv_cstr(&c->heap, term_string(c, t));
}

static struct rv rule_path(struct comp *c, const struct rule *r)
{
	struct rv_vec v = rv_vec(&c->heap);

	for (uint32_t i = 0; i < path_len(r); i++)
		rv_push(&v, path_part(c, r, i));
	return rv_vec_done(&v);
}

static struct rv package_path(struct comp *c, const struct module *m)
{
	return rv_array(&c->heap, m->path, m->npath);
}

static struct rv note_path(struct comp *c, const struct note *n)
{
	return n->rule ? rule_path(c, n->rule) : package_path(c, n->mod);
}

static struct rv note_value(struct comp *c, const struct note *n)
{
	struct rv_builder o = rv_object_builder(&c->heap, 8);

	rv_object_put_c(&o, "scope", rv_cstr(&c->heap, n->scope_text));
	for (uint32_t i = 0; i < rv_len(n->fields); i++)
		rv_object_put(&o, rv_key(n->fields, i), rv_val(n->fields, i));
	return rv_builder_done(&o);
}

/* One of a kind: documents and subpackages share their paths, packages have paths of their own. */
static bool declared_once(struct comp *c, const struct note *notes)
{
	for (const struct note *n = notes; n; n = n->next) {
		for (const struct note *o = notes; o != n; o = o->next) {
			bool same = n->scope == S_PACKAGE ? o->scope == S_PACKAGE
							  : n->scope != S_RULE && (o->scope == S_DOCUMENT || o->scope == S_SUBPACKAGES);

			if (same && rv_eq(note_path(c, n), note_path(c, o))) {
				comp_error(c, ERR_TYPE, n->loc, "%s annotation redeclared: %s:%u", n->scope_text, o->mod->name, o->loc.row);
				break;
			}
		}
	}
	return comp_ok(c);
}

static void add_link(struct comp *c, struct rv_vec *chain, struct rv path, const struct note *n)
{
	struct rv_builder o = rv_object_builder(&c->heap, 2);

	rv_object_put_c(&o, "path", path);
	if (n)
		rv_object_put_c(&o, "annotations", note_value(c, n));
	rv_push(chain, rv_builder_done(&o));
}

/* From the rule outwards: its own blocks, the nearest first; the document's; the package's; those of packages above. */
static struct rv chain_of(struct comp *c, const struct note *notes, const struct rule *r)
{
	struct rv_vec chain = rv_vec(&c->heap);
	struct rv path = rule_path(c, r), package = package_path(c, r->mod);
	uint32_t below = UINT32_MAX;
	bool any = false;

	for (;;) {	/* upwards from the rule */
		const struct note *next = NULL;

		for (const struct note *n = notes; n; n = n->next) {
			if (n->scope == S_RULE && n->rule == r && n->loc.row < below && (!next || n->loc.row > next->loc.row))
				next = n;
		}
		if (!next)
			break;
		below = next->loc.row;
		add_link(c, &chain, path, next);
		any = true;
	}
	if (!any)
		add_link(c, &chain, path, NULL);
	for (const struct note *n = notes; n; n = n->next) {
		if ((n->scope == S_DOCUMENT || n->scope == S_SUBPACKAGES) && rv_eq(note_path(c, n), path))
			add_link(c, &chain, path, n);
	}
	for (const struct note *n = notes; n; n = n->next) {
		if (n->scope == S_PACKAGE && rv_eq(note_path(c, n), package))
			add_link(c, &chain, package, n);
	}
	for (uint32_t len = r->mod->npath + 1; len-- > 0;) {
		struct rv above = rv_array(&c->heap, r->mod->path, len);

		for (const struct note *n = notes; n; n = n->next) {
			if ((n->scope == S_DOCUMENT || n->scope == S_SUBPACKAGES) && rv_eq(note_path(c, n), above))
				add_link(c, &chain, above, n);
		}
	}
	return rv_vec_done(&chain);
}

static struct rv first_of(struct comp *c, const struct note *notes, const struct rule *r)
{
	for (const struct note *n = notes; n; n = n->next) {	/* in the order of the source */
		if (n->scope == S_RULE && n->rule == r)
			return note_value(c, n);
	}
	return rv_empty_object(&c->heap);
}

bool stage_metadata(struct comp *c)
{
	struct note *notes = NULL, **end = &notes;

	if (!c->metadata_calls && !c->opts->check_annotations)
		return true;
	for (uint32_t i = 0; i < c->nmods; i++)
		module_notes(c, c->mods[i], &end);
	if (!comp_ok(c) || !declared_once(c, notes))
		return false;
	for (struct metadata_call *m = c->metadata_calls; m; m = m->next) {
		m->call->value = m->chain ? chain_of(c, notes, m->rule) : first_of(c, notes, m->rule);
		if (m->call->value.kind == RV_UNDEF)
			comp_oom(c);
		rv_freeze(m->call->value);
	}
	return comp_ok(c);
}
