/* policy_lint.c - `policy lint`: what compiles and yet is likely a mistake. Works on the parsed modules. */
#include "base/num.h"
#include "cli/policy.h"
#include "rego/plan.h"
#include "verifier/registry.h"

struct lint {
	struct policy *p;
	const char *file;
	struct rv_builder names;	/* what the modules read: names of rules */
	struct rv_builder refs;		/* names of reference values that they ask for */
	const struct rule *rule;	/* whose terms are walked */
	bool computed;			/* some name of a reference value is not a literal */
	unsigned found;
	bool names_done;
	struct rv seen_names;
};

static void finding(struct lint *l, struct loc at, const char *kind, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
static void finding(struct lint *l, struct loc at, const char *kind, const char *fmt, ...)
{
	va_list ap;

	l->found++;
	printf("%s:%u:%u: %s: ", l->file, at.row, at.col, kind);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

/* ---- walking ---- */

typedef void on_term(struct lint *l, const struct term *t);

static void walk_body(struct lint *l, const struct body *b, on_term *fn);

static void walk_term(struct lint *l, const struct term *t, on_term *fn)
{
	if (!t)
		return;
	fn(l, t);
	for (uint32_t i = 0; i < t->n && t->items; i++)
		walk_term(l, t->items[i], fn);
	walk_term(l, t->key, fn);
	walk_term(l, t->val, fn);
	walk_body(l, t->body, fn);
	for (uint32_t i = 0; t->parts && i < t->n; i++)
		walk_term(l, t->parts[i]->term, fn);
}

static void walk_body(struct lint *l, const struct body *b, on_term *fn)
{
	for (uint32_t i = 0; b && i < b->n; i++) {
		const struct expr *e = b->e[i];

		walk_term(l, e->term, fn);
		walk_term(l, e->key, fn);
		walk_term(l, e->val, fn);
		walk_term(l, e->domain, fn);
		for (uint32_t k = 0; k < e->nbodies; k++)
			walk_body(l, e->bodies[k], fn);
		for (uint32_t k = 0; k < e->nwith; k++) {
			walk_term(l, e->with[k].target, fn);
			walk_term(l, e->with[k].value, fn);
		}
	}
}

static void walk_rule(struct lint *l, const struct rule *first, on_term *fn)
{
	for (const struct rule *r = first; r; r = r->els) {
		l->rule = r;
		for (uint32_t i = 1; i < r->nref; i++)
			walk_term(l, r->ref[i], fn);
		for (uint32_t i = 0; i < r->nargs; i++)
			walk_term(l, r->args[i], fn);
		walk_term(l, r->key, fn);
		walk_term(l, r->value, fn);
		walk_body(l, r->body, fn);
	}
}

/* ---- what is read ---- */

static bool is_string(const struct term *t)
{
	return t->kind == T_VALUE && t->value.kind == RV_STRING;
}

static bool var_is(const struct term *t, const char *name)
{
	return t->kind == T_VAR && strcmp(var_shown(t->var), name) == 0;
}

static void collect(struct lint *l, const struct term *t)
{
	struct rv_heap *h = &l->p->heap;

	if (t->kind == T_VAR)
		rv_set_add(&l->names, rv_cstr(h, var_shown(t->var)));
	if (t->kind == T_REF && var_is(t->items[0], "data"))
		for (uint32_t i = 1; i < t->n; i++)
			if (is_string(t->items[i]))
				rv_set_add(&l->names, t->items[i]->value);
	if (t->kind == T_CALL && var_is(t->items[0], "query_reference_value") && t->n > 1) {
		if (is_string(t->items[1]))
			rv_set_add(&l->refs, t->items[1]->value);
		else
			l->computed = true;
	}
}

/* ---- inputs ---- */

/* What the attestation service puts beside or into the claims of a verifier. */
static const char *const common[] = {"init_data",    "init_data_bound",     "init_data_claims", "report_data",
				     "runtime_data", "runtime_data_claims", "submods"};

static bool is_common(struct slice name)
{
	for (size_t i = 0; i < COUNT_OF(common); i++)
		if (slice_is(name, common[i]))
			return true;
	return false;
}

/* A row covers the path, or the path leads to rows. */
static bool known_claim(const struct vdriver *d, struct slice path)
{
	for (const struct vclaim *c = d->claims; c && c->path; c++) {
		const char *row = c->path;
		size_t i = 0;

		/* "*" is any name, "[]" any element */
		while (*row && i < path.n) {
			if (*row == '*') {
				while (i < path.n && path.p[i] != '.')
					i++;
				row++;
			} else if (row[0] == '[' && row[1] == ']') {
				i += path.p[i] == '.' ? 1 : 0;
				while (i < path.n && path.p[i] != '.')
					i++;
				row += 2;
			} else if ((uint8_t)*row == path.p[i]) {
				row++;
				i++;
			} else {
				break;
			}
		}
		if (i == path.n && (!*row || *row == '.' || *row == '['))
			return true;
		if (!*row && i < path.n && path.p[i] == '.' && strncmp(c->type, "object", 6) == 0)
			return true;
	}
	return !d->claims;
}

static const struct vdriver *driver_of(struct rv name)
{
	for (const struct vdriver *const *d = registry; *d; d++)
		if (rv_is_str(name, (*d)->tee))
			return *d;
	return NULL;
}

static void inputs(struct lint *l, const struct term *t)
{
	const struct vdriver *d = NULL;
	struct buf path = buf_in(l->p->arena, 0);
	uint32_t i = 1;

	if (t->kind != T_REF || !var_is(t->items[0], "input") || t->n < 2 || !is_string(t->items[1]))
		return;
	/* input.TEE in the policies of attestation; far below input.submods in those of resources */
	for (; i < t->n && !d; i++)
		d = is_string(t->items[i]) ? driver_of(t->items[i]->value) : NULL;
	if (!d) {
		if (!is_common(rv_slice(t->items[1]->value)))
			finding(l, t->loc, "unknown-input", "no verifier gives input." SLICE_FMT, SLICE_ARG(rv_slice(t->items[1]->value)));
		return;
	}
	if (i >= t->n || !is_string(t->items[i]) || is_common(rv_slice(t->items[i]->value)))
		return;
	for (; i < t->n && is_string(t->items[i]); i++) {
		buf_puts(&path, path.n ? "." : "");
		buf_slice(&path, rv_slice(t->items[i]->value));
	}
	if (!known_claim(d, buf_view(&path)))
		finding(l, t->loc, "unknown-input", "the verifier %s gives no claim \"" SLICE_FMT "\"", d->tee, SLICE_ARG(buf_view(&path)));
}

/* ---- rules ---- */

static bool entry(const char *name)
{
	static const char *const names[] = {
		"allow",	 "deny",	      "violation",	"main",		     "result",	   "trust_claims",
		"executables",	 "hardware",	      "configuration",	"file_system",	     "file-system", "instance_identity",
		"instance-identity", "runtime_opaque", "runtime-opaque", "storage_opaque",    "storage-opaque", "sourced_data",
		"sourced-data",	 "extensions",
	};

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return strncmp(name, "test_", 5) == 0 || strncmp(name, "todo_test_", 10) == 0;
}

static bool literal(const struct expr *e, enum rv_kind kind, bool value)
{
	return e->kind == EX_TERM && !e->negated && !e->nwith && e->term->kind == T_VALUE && e->term->value.kind == (uint8_t)kind &&
	       (e->term->value.sub != 0) == value;
}

static bool is_true(const struct term *t)
{
	return !t || (t->kind == T_VALUE && rv_is_true(t->value));
}

static void check_rule(struct lint *l, const struct rule *r)
{
	const char *name = r->nref && r->ref[0]->kind == T_VAR ? var_shown(r->ref[0]->var) : "";
	bool open = true;

	if (!entry(name) && !rv_get_c(l->seen_names, name))
		finding(l, r->loc, "dead-rule", "nothing reads %s", name);
	for (uint32_t i = 0; r->body && i < r->body->n; i++) {
		open = open && literal(r->body->e[i], RV_BOOL, true);
		if (literal(r->body->e[i], RV_BOOL, false))
			finding(l, r->body->e[i]->loc, "dead-rule", "this expression is never true, so this rule is not either");
	}
	if (strcmp(name, "allow") != 0 || !is_true(r->value))
		return;
	if (r->is_default)
		finding(l, r->loc, "allow-all", "allow is true where no rule says otherwise");
	else if (open && !r->nargs)
		finding(l, r->loc, "allow-all", "allow is true whatever the input is");
}

static void check_references(struct lint *l, struct rv asked)
{
	if (l->p->references.kind != RV_OBJECT)
		return;
	for (uint32_t i = 0; !l->computed && i < rv_len(l->p->references); i++) {
		struct rv k = rv_key(l->p->references, i);

		if (k.kind == RV_STRING && !rv_get(asked, k)) {
			printf("unread-reference: no policy asks for the reference value %s\n", k.str->p);
			l->found++;
		}
	}
}

static int lint(struct policy *p, const struct rego_program *program)
{
	struct lint l = {.p = p, .names = rv_set_builder(&p->heap, 0), .refs = rv_set_builder(&p->heap, 0)};
	const struct comp *c = &program->comp;

	for (uint32_t i = 0; i < c->nmods; i++)
		for (const struct rule *r = c->mods[i]->first; r; r = r->next)
			walk_rule(&l, r, collect);
	l.seen_names = rv_builder_done(&l.names);
	if (rv_heap_bad(&p->heap))
		return CLI_FAILED;
	for (uint32_t i = 0; i < c->nmods; i++) {
		l.file = c->mods[i]->name;
		for (const struct rule *r = c->mods[i]->first; r; r = r->next) {
			check_rule(&l, r);
			walk_rule(&l, r, inputs);
		}
	}
	check_references(&l, rv_builder_done(&l.refs));
	return l.found ? CLI_FAILED : CLI_OK;
}

int policy_lint(int argc, char **argv)
{
	const char *references = NULL;
	struct rego_program *program = NULL;
	struct policy p;
	struct cli_args args;
	bool done;
	int code;

	policy_begin(&p);
	const struct cli_opt opts[] = {{"references", "FILE", "JSON object of reference values: those that are never read", &references},
				       {"v0", NULL, "the files are Rego v0", NULL, &p.v0}};

	code = cli_parse(argc, argv, opts, COUNT_OF(opts), "kbs-client policy lint [options] FILE...",
			 "Finds what compiles and yet is likely a mistake; exit code 1 when there is any:\n"
			 "  allow-all          allow holds for every input\n"
			 "  dead-rule          a rule that nothing reads, or that is never true\n"
			 "  unknown-input      a field of input that no verifier gives (docs/claims.md)\n"
			 "  unread-reference   a reference value that no policy asks for\n"
			 "\n"
			 "example:\n  kbs-client policy lint --references rv.json cpu.rego\n",
			 &args, &done);
	if (code == CLI_OK && !done) {
		code = policy_read(&p, &args, 0);
		if (!code)
			code = policy_references(&p, references);
		program = code ? NULL : policy_compile(&p, false, true);	/* only what compiles */
		rego_program_free(program);
		program = program ? policy_compile(&p, true, true) : NULL;
		if (!code)
			code = program ? lint(&p, program) : CLI_FAILED;
	}
	rego_program_free(program);
	policy_end(&p);
	return code;
}
