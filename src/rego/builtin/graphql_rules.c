/* graphql_rules.c - rules that look at one node (October 2021, section 5), by the event that they wait for. */
#include "rego/builtin/graphql_check.h"

/* ---- arguments ---- */

/* `kind` and `owner` say whose arguments they are: field "T.", or directive "@" */
static void known_arguments(struct gql_check *k, const struct gql_member_list *defs, const struct gql_arg_list *args,
			    const char *kind, struct slice owner, struct slice name, struct gql_pos at)
{
	for (const struct gql_arg *a = args->first; a && !gql_check_stop(k); a = a->next) {
		struct gql_suggestions near = {.g = k->g, .typed = a->name};

		if (gql_member_find(k->g, defs, a->name))
			continue;
		for (const struct gql_member *m = k->quiet ? NULL : defs->first; m; m = m->next)
			gql_suggest(&near, m->name);
		gql_report(k, at, "Unknown argument \"%s\" on %s%s%s%s\".%s", gql_cstr(k->g, a->name), kind,
			   gql_cstr(k->g, owner), owner.n ? "." : "", gql_cstr(k->g, name),
			   gql_suggestions_text(&near, "Did you mean", true));
	}
}

static void required_arguments(struct gql_check *k, const struct gql_member_list *defs, const struct gql_arg_list *args,
			       const char *what, struct slice name, struct gql_pos at)
{
	for (const struct gql_member *m = defs->first; m && gql_spend(k->g, 1); m = m->next)
		if (m->type->non_null && !m->default_value && !gql_arg_find(k->g, args, m->name))
			gql_report(k, at, "%s%s\" argument \"%s\" of type \"%s\" is required, but it was not provided.", what,
				   gql_cstr(k->g, name), gql_cstr(k->g, m->name), gql_type_cstr(k->g, m->type));
}

/* Of several with one name the second is told, and no other. */
static void unique_arguments(struct gql_check *k, const struct gql_arg_list *args)
{
	struct gql_map seen = {0};

	for (struct gql_arg *a = args->n > 1 ? args->first : NULL; a && !gql_check_stop(k); a = a->next) {
		struct gql_arg *before = gql_map_get(&seen, a->name);

		a->repeated = false;
		if (!before)
			gql_map_put(k->g, &seen, a->name, a);
		else if (!before->repeated)
			gql_report(k, a->pos, "There can be only one argument named \"%s\".", gql_cstr(k->g, a->name));
		if (before)
			before->repeated = true;
	}
}

/* ---- fields ---- */

static bool leaf(const struct gql_def *d)
{
	return d->kind == GQL_SCALAR || d->kind == GQL_ENUM_TYPE;
}

/* Types that could stand behind `parent` and have the field: interfaces first, those that most of them implement. */
static void suggest_types(struct gql_check *k, const struct gql_selection *f, struct gql_suggestions *out)
{
	uint32_t most = f->parent->possible.n + 1;

	for (const struct gql_ref *r = f->parent->possible.first; r && gql_spend(k->g, 1); r = r->next) {
		if (!gql_member_find(k->g, &r->def->fields, f->name))
			continue;
		gql_suggest_ranked(out, r->def->name, most);
		for (const struct gql_name *n = r->def->interfaces.first; n && !gql_check_stop(k); n = n->next) {
			const struct gql_def *face = gql_map_get(&k->s->types, n->text);
			struct gql_suggestion *had = NULL;

			if (!face || !gql_member_find(k->g, &face->fields, f->name))
				continue;
			for (uint32_t i = 0; i < out->n && !had && gql_spend(k->g, 1); i++)
				if (out->items[i].rank != most && slice_eq(out->items[i].name, n->text))
					had = &out->items[i];
			if (had)
				had->rank--;
			else
				gql_suggest_ranked(out, n->text, most - 1);
		}
	}
	/* an interface that is also a possible type is there twice, with one rank */
	for (uint32_t i = 0; i < out->n && gql_spend(k->g, 1 + out->n / 8); i++)
		for (uint32_t j = 0; j < out->n; j++)
			if (slice_eq(out->items[i].name, out->items[j].name) && out->items[j].rank < out->items[i].rank)
				out->items[i].rank = out->items[j].rank;
}

static void field_exists(struct gql_check *k, const struct gql_selection *f)
{
	struct gql_suggestions types = {.g = k->g, .typed = f->name}, fields = {.g = k->g, .typed = f->name};
	bool abstract;

	if (!f->parent || f->def)
		return;
	abstract = f->parent->kind == GQL_INTERFACE || f->parent->kind == GQL_UNION;
	if (!k->quiet && abstract)
		suggest_types(k, f, &types);
	if (!k->quiet && (f->parent->kind == GQL_OBJECT_TYPE || f->parent->kind == GQL_INTERFACE))
		for (const struct gql_member *m = f->parent->fields.first; m; m = m->next)
			gql_suggest(&fields, m->name);
	gql_report(k, f->pos, "Cannot query field \"%s\" on type \"%s\".%s", gql_cstr(k->g, f->name),
		   gql_cstr(k->g, f->parent->name),
		   types.n ? gql_suggestions_text(&types, "Did you mean to use an inline fragment on", true)
			   : gql_suggestions_text(&fields, "Did you mean", true));
}

static void leaf_selections(struct gql_check *k, const struct gql_selection *f)
{
	const struct gql_def *type = gql_type_of(k->s, f->def->type);

	if (!type)
		return;
	if (leaf(type) && f->selections.n)
		gql_report(k, f->pos, "Field \"%s\" must not have a selection since type \"%s\" has no subfields.",
			   gql_cstr(k->g, f->name), gql_cstr(k->g, type->name));
	if (!leaf(type) && !f->selections.n)
		gql_report(k, f->pos, "Field \"%s\" of type \"%s\" must have a selection of subfields. Did you mean \"%s { ... }\"?",
			   gql_cstr(k->g, f->name), gql_type_cstr(k->g, f->def->type), gql_cstr(k->g, f->name));
}

void gql_on_field(struct gql_check *k, struct gql_selection *f)
{
	if (gql_check_stop(k))
		return;
	field_exists(k, f);
	if (f->def && f->parent)
		known_arguments(k, &f->def->args, &f->args, "field \"", f->parent->name, f->name, f->pos);
	gql_introspection_depth(k, f);
	if (k->operation)
		gql_no_overlap(k, &f->selections);
	if (f->def) {
		required_arguments(k, &f->def->args, &f->args, "Field \"", f->name, f->pos);
		leaf_selections(k, f);
	}
	unique_arguments(k, &f->args);
}

/* ---- directives ---- */

void gql_on_directive(struct gql_check *k, struct gql_directive *d, const struct gql_directive_def *def, uint32_t location)
{
	if (gql_check_stop(k))
		return;
	if (def)
		known_arguments(k, &def->args, &d->args, "directive \"@", SLICE_LIT(""), d->name, d->pos);
	if (!def) {
		gql_report(k, d->pos, "Unknown directive \"@%s\".", gql_cstr(k->g, d->name));
	} else if (!(def->locations & location) && !d->misplaced) {
		d->misplaced = true;
		gql_report(k, d->pos, "Directive \"@%s\" may not be used on %s.", gql_cstr(k->g, d->name),
			   gql_location_name(location));
	}
	if (def)
		required_arguments(k, &def->args, &d->args, "Directive \"@", def->name, d->pos);
	unique_arguments(k, &d->args);
}

void gql_on_directives(struct gql_check *k, const struct gql_directive_list *l)
{
	struct gql_map seen = {0};

	for (struct gql_directive *d = l->n > 1 ? l->first : NULL; d && !gql_check_stop(k); d = d->next) {
		const struct gql_directive_def *def = gql_map_get(&k->s->directives, d->name);

		if (!gql_map_add(k->g, &seen, d->name, d) && !gql_check_stop(k) && (!def || !def->repeatable))
			gql_report(k, d->pos, "The directive \"@%s\" can only be used once at this location.",
				   gql_cstr(k->g, d->name));
	}
}

/* ---- variables ---- */

void gql_on_variable(struct gql_check *k, const struct gql_var *v)
{
	const struct gql_type *t = v->type;

	while (t->elem)
		t = t->elem;
	if (!v->def)
		gql_report(k, v->pos, "Unknown type \"%s\".", gql_cstr(k->g, t->name));
}

static void unused_variables(struct gql_check *k, const struct gql_operation *o)
{
	for (const struct gql_var *v = o->vars.first; v && gql_spend(k->g, 1); v = v->next) {
		if (v->used)
			continue;
		if (o->name.n)
			gql_report(k, v->pos, "Variable \"$%s\" is never used in operation \"%s\".", gql_cstr(k->g, v->name),
				   gql_cstr(k->g, o->name));
		else
			gql_report(k, v->pos, "Variable \"$%s\" is never used.", gql_cstr(k->g, v->name));
	}
}

static void unique_variables(struct gql_check *k, const struct gql_operation *o)
{
	struct gql_map seen = {0};

	for (struct gql_var *v = o->vars.first; v && !gql_check_stop(k); v = v->next) {
		struct gql_var *before = gql_map_get(&seen, v->name);

		if (!before)
			gql_map_put(k->g, &seen, v->name, v);
		else if (!before->repeated)
			gql_report(k, v->pos, "There can be only one variable named \"$%s\".", gql_cstr(k->g, v->name));
		if (before)
			before->repeated = true;
	}
}

static void input_variables(struct gql_check *k, const struct gql_operation *o)
{
	for (const struct gql_var *v = o->vars.first; v && gql_spend(k->g, 1); v = v->next)
		if (v->def && !gql_is_input(v->def))
			gql_report(k, v->pos, "Variable \"$%s\" cannot be non-input type \"%s\".", gql_cstr(k->g, v->name),
				   gql_type_cstr(k->g, v->type));
}

/* ---- operations ---- */

void gql_on_operation(struct gql_check *k, struct gql_operation *o)
{
	if (gql_check_stop(k))
		return;
	if (!k->s->roots[o->kind])
		gql_report(k, o->pos, "Schema does not support operation type \"%s\"", gql_operation_name(o->kind));
	if (!o->name.n && k->q->operations.n > 1)
		gql_report(k, o->pos, "This anonymous operation must be the only defined operation.");
	unused_variables(k, o);
	gql_no_overlap(k, &o->selections);
	gql_single_subscription(k, o);
	if (!gql_map_add(k->g, &k->operation_names, o->name, o) && !gql_check_stop(k))
		gql_report(k, o->pos, "There can be only one operation named \"%s\".", gql_cstr(k->g, o->name));
	unique_variables(k, o);
	input_variables(k, o);
}

/* ---- fragments ---- */

/* Is there a type that an object of both could have? */
static bool can_meet(struct gql_check *k, const struct gql_def *parent, const struct gql_def *fragment)
{
	for (const struct gql_ref *f = fragment->possible.first; f && !gql_check_stop(k); f = f->next) {
		if (parent->kind == GQL_OBJECT_TYPE) {
			if (slice_eq(f->def->name, parent->name))
				return true;
			(void)gql_spend(k->g, 1);
			continue;
		}
		for (const struct gql_ref *p = parent->possible.first; p && gql_spend(k->g, 1); p = p->next)
			if (slice_eq(f->def->name, p->def->name))
				return true;
	}
	return false;
}

static bool impossible(struct gql_check *k, const struct gql_def *parent, struct slice condition)
{
	const struct gql_def *def = gql_map_get(&k->s->types, condition);

	return parent && gql_is_composite(parent) && def && gql_is_composite(def) && !can_meet(k, parent, def);
}

void gql_on_inline(struct gql_check *k, struct gql_selection *f)
{
	const struct gql_def *def = gql_map_get(&k->s->types, f->name);

	if (gql_check_stop(k))
		return;
	if (def && !gql_is_composite(def))
		gql_report(k, f->pos, "Fragment cannot condition on non composite type \"%s\".", gql_cstr(k->g, f->name));
	if (!def && f->name.n)
		gql_report(k, f->pos, "Unknown type \"%s\".", gql_cstr(k->g, f->name));
	gql_no_overlap(k, &f->selections);
	if (impossible(k, f->parent, f->name))
		gql_report(k, f->pos, "Fragment cannot be spread here as objects of type \"%s\" can never be of type \"%s\".",
			   gql_cstr(k->g, f->parent->name), gql_cstr(k->g, f->name));
}

void gql_on_spread(struct gql_check *k, struct gql_selection *f)
{
	if (gql_check_stop(k))
		return;
	if (!f->fragment) {
		gql_report(k, f->pos, "Unknown fragment \"%s\".", gql_cstr(k->g, f->name));
		return;
	}
	/* the reference counts uses within the first fragment, too */
	if (!k->in_fragments)
		f->fragment->used = true;
	if (impossible(k, f->parent, f->fragment->type_condition))
		gql_report(k, f->pos,
			   "Fragment \"%s\" cannot be spread here as objects of type \"%s\" can never be of type \"%s\".",
			   gql_cstr(k->g, f->name), gql_cstr(k->g, f->parent->name),
			   gql_cstr(k->g, f->fragment->type_condition));
}

void gql_on_fragment(struct gql_check *k, struct gql_fragment *f)
{
	const struct gql_def *def = gql_map_get(&k->s->types, f->type_condition);
	struct gql_fragment *first = gql_fragment_find(k, f->name);

	if (gql_check_stop(k) || !first)
		return;
	if (def && f->type_condition.n && !gql_is_composite(def))
		gql_report(k, f->pos, "Fragment \"%s\" cannot condition on non composite type \"%s\".", gql_cstr(k->g, f->name),
			   gql_cstr(k->g, f->type_condition));
	if (!def) {
		struct gql_suggestions near = {.g = k->g, .typed = f->type_condition};

		for (const struct gql_def *d = k->quiet ? NULL : k->s->defs.first; d; d = d->next)
			gql_suggest(&near, d->name);
		gql_report(k, f->pos, "Unknown type \"%s\".%s", gql_cstr(k->g, f->type_condition),
			   gql_suggestions_text(&near, "Did you mean", true));
	}
	if (!k->quiet)
		gql_no_cycle(k, first);
	k->in_fragments = true;
	if (!first->used)
		gql_report(k, f->pos, "Fragment \"%s\" is never used.", gql_cstr(k->g, f->name));
	gql_no_overlap(k, &f->selections);
	if (f != first)
		gql_report(k, f->pos, "There can be only one fragment named \"%s\".", gql_cstr(k->g, f->name));
}
