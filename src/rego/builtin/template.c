/* template.c - running a template. */
#include "rego/builtin/template.h"

#include <math.h>

#include "base/num.h"
#include "rego/builtin/decfloat.h"
#include "rego/builtin/gofmt.h"
#include "rego/builtin/uri.h"

#define VARS_MAX 256u

struct variable {
	struct slice name;
	struct rv value;
};

struct run {
	struct rego_call *c;
	struct buf *out;
	struct variable vars[VARS_MAX];
	size_t n_vars;
	unsigned line;
	enum { GO_ON, BREAK, CONTINUE } flow;
};

static RC broken(struct run *r, const char *what, struct slice shown)
{
	return rego_fail(r->c, "template: template:%u: executing \"template\": %s" SLICE_FMT, r->line, what, SLICE_ARG(shown));
}

/* ---- values ---- */

/* As Go prints: maps as map[a:1], slices as [1 2]; nil inside a composite is <nil>. */
static void print(struct buf *b, struct rv v, bool inside)
{
	char scratch[24];

	switch ((enum rv_kind)v.kind) {
	case RV_UNDEF:
	case RV_NULL:
		buf_puts(b, inside ? "<nil>" : "<undefined>");
		break;
	case RV_BOOL:
		buf_puts(b, v.sub ? "true" : "false");
		break;
	case RV_NUMBER:
		buf_slice(b, rv_number_text(v, scratch));
		break;
	case RV_STRING:
		buf_slice(b, rv_slice(v));
		break;
	case RV_ARRAY:
	case RV_SET:
		rv_sort(v);
		buf_putc(b, '[');
		for (size_t i = 0; i < rv_len(v) && buf_ok(b); i++) {
			if (i)
				buf_putc(b, ' ');
			print(b, v.kind == RV_ARRAY ? rv_at(v, i) : rv_key(v, i), true);
		}
		buf_putc(b, ']');
		break;
	case RV_OBJECT:
		rv_sort(v);
		buf_puts(b, "map[");
		for (size_t i = 0; i < rv_len(v) && buf_ok(b); i++) {
			if (i)
				buf_putc(b, ' ');
			print(b, rv_key(v, i), true);
			buf_putc(b, ':');
			print(b, rv_val(v, i), true);
		}
		buf_putc(b, ']');
		break;
	}
}

/* Numbers of the data are texts to Go, so even 0 is true; only what is empty is not. */
static bool truth(struct rv v)
{
	if (v.kind == RV_BOOL)
		return v.sub;
	if (v.kind == RV_STRING)
		return v.str->n > 0;
	if (v.kind == RV_ARRAY || v.kind == RV_OBJECT || v.kind == RV_SET)
		return rv_len(v) > 0;
	return v.kind == RV_NUMBER;
}

static RC fields_of(struct run *r, const struct tmpl_arg *a, struct rv *v)
{
	for (size_t i = 0; i < a->n_fields; i++) {
		struct rv key = rv_str(r->c->heap, a->fields[i].p, a->fields[i].n);
		const struct rv *next;

		TRY(rego_charge(r->c, 1));
		if (v->kind == RV_UNDEF || v->kind == RV_NULL)
			return broken(r, "nil pointer evaluating interface {}.", a->fields[i]);
		if (v->kind != RV_OBJECT)
			return broken(r, "can't evaluate field ", a->fields[i]);
		next = rv_get(*v, key);
		*v = next ? *next : rv_undef();
	}
	return rc_of(OK);
}

static struct variable *find_var(struct run *r, struct slice name)
{
	for (size_t i = r->n_vars; i > 0; i--)
		if (slice_eq(r->vars[i - 1].name, name))
			return &r->vars[i - 1];
	return NULL;
}

/* ---- functions ---- */

static RC compare(struct run *r, struct slice name, const struct rv *args, size_t n, struct rv *out)
{
	bool yes = false;
	int d;

	if (n < 2 || (n > 2 && !slice_is(name, "eq")))
		return broken(r, "wrong number of args for ", name);
	if (slice_is(name, "eq") || slice_is(name, "ne")) {
		for (size_t i = 1; i < n && !yes; i++)
			yes = rv_eq(args[0], args[i]);
		*out = rv_bool(yes == slice_is(name, "eq"));
		return rc_of(OK);
	}
	if (args[0].kind != args[1].kind || (args[0].kind != RV_NUMBER && args[0].kind != RV_STRING))
		return broken(r, "incompatible types for comparison in ", name);
	d = rv_cmp(args[0], args[1]);
	yes = slice_is(name, "lt") ? d < 0 : slice_is(name, "le") ? d <= 0 : slice_is(name, "gt") ? d > 0 : d >= 0;
	*out = rv_bool(yes);
	return rc_of(OK);
}

static RC index_(struct run *r, const struct rv *args, size_t n, struct rv *out)
{
	*out = args[0];
	for (size_t i = 1; i < n; i++) {
		struct rv next = rv_step(*out, args[i]);

		if (out->kind != RV_ARRAY && out->kind != RV_OBJECT)
			return broken(r, "can't index item of type ", slice_cstr(rego_type_name(*out)));
		if (out->kind == RV_ARRAY && next.kind == RV_UNDEF)
			return broken(r, "index out of range", SLICE_LIT(""));
		*out = next;
	}
	return rc_of(OK);
}

static RC print_all(struct run *r, const struct rv *args, size_t n, bool line, struct rv *out)
{
	struct buf b = lib_buf(r->c);

	for (size_t i = 0; i < n; i++) {
		/* Sprint puts spaces between operands when neither is a string (numbers of the data are strings) */
		if (i && line)
			buf_putc(&b, ' ');
		print(&b, args[i], true);
	}
	if (line)
		buf_putc(&b, '\n');
	return lib_buffer(r->c, &b, out);
}

static RC printf_(struct run *r, const struct rv *args, size_t n, struct rv *out)
{
	struct buf b = lib_buf(r->c);
	struct gofmt_arg a[16];

	if (n == 0 || args[0].kind != RV_STRING || n > COUNT_OF(a))
		return broken(r, "wrong arguments for printf", SLICE_LIT(""));
	for (size_t i = 1; i < n; i++) {
		int64_t num;

		a[i] = (struct gofmt_arg){.kind = GOFMT_STRING};
		if (args[i].kind == RV_NUMBER && rv_i64(args[i], &num)) {
			a[i].kind = GOFMT_INT;
			a[i].i = num;
		} else {
			struct buf t = lib_buf(r->c);

			print(&t, args[i], true);
			a[i].s = buf_view(&t);
			if (args[i].kind == RV_NUMBER && decfloat_parse(a[i].s, &a[i].f) && isfinite(a[i].f))
				a[i].kind = GOFMT_FLOAT;
		}
	}
	gofmt(&b, rv_slice(args[0]), a + 1, n - 1);
	return lib_buffer(r->c, &b, out);
}

static RC escaped(struct run *r, struct slice name, const struct rv *args, size_t n, struct rv *out)
{
	struct buf t = lib_buf(r->c), b = lib_buf(r->c);
	struct slice s;

	for (size_t i = 0; i < n; i++)
		print(&t, args[i], true);
	s = buf_view(&t);
	if (slice_is(name, "urlquery")) {
		uri_query_escape(&b, s);
		return lib_buffer(r->c, &b, out);
	}
	for (size_t i = 0; i < s.n; i++) {
		static const char *const html[] = {"\"&#34;", "'&#39;", "&&amp;", "<&lt;", ">&gt;"};
		size_t k;

		for (k = 0; k < COUNT_OF(html) && (uint8_t)html[k][0] != s.p[i]; k++)
			;
		if (k < COUNT_OF(html))
			buf_puts(&b, html[k] + 1);
		else
			buf_putc(&b, (char)s.p[i]);
	}
	return lib_buffer(r->c, &b, out);
}

static RC call(struct run *r, struct slice name, const struct rv *args, size_t n, struct rv *out)
{
	static const char *const comparing[] = {"eq", "ne", "lt", "le", "gt", "ge"};

	for (size_t i = 0; i < COUNT_OF(comparing); i++)
		if (slice_is(name, comparing[i]))
			return compare(r, name, args, n, out);
	if (slice_is(name, "print") || slice_is(name, "println"))
		return print_all(r, args, n, name.n == 7, out);
	if (slice_is(name, "printf"))
		return printf_(r, args, n, out);
	if (n == 0)
		return broken(r, "function not defined or without arguments: ", name);
	if (slice_is(name, "html") || slice_is(name, "urlquery"))
		return escaped(r, name, args, n, out);
	if (slice_is(name, "not") && n == 1) {
		*out = rv_bool(!truth(args[0]));
	} else if (slice_is(name, "and") || slice_is(name, "or")) {
		*out = args[0];
		for (size_t i = 1; i < n && truth(*out) == slice_is(name, "and"); i++)
			*out = args[i];
	} else if (slice_is(name, "len") && n == 1 && (args[0].kind == RV_STRING || rv_len(args[0]) || args[0].kind >= RV_ARRAY)) {
		*out = rv_int(args[0].kind == RV_STRING ? args[0].str->n : rv_len(args[0]));
	} else if (slice_is(name, "index")) {
		return index_(r, args, n, out);
	} else {
		return broken(r, "function not defined or wrong arguments: ", name);
	}
	return rc_of(OK);
}

/* ---- pipelines ---- */

static RC eval_pipe(struct run *r, const struct tmpl_pipe *p, struct rv dot, struct rv *out);

static RC eval_arg(struct run *r, const struct tmpl_arg *a, struct rv dot, struct rv *out)
{
	struct variable *v;

	switch (a->kind) {
	case ARG_DOT:
		*out = dot;
		break;
	case ARG_VAR:
		v = find_var(r, a->name);
		if (!v)
			return broken(r, "undefined variable ", a->name);
		*out = v->value;
		break;
	case ARG_CONST:
		*out = a->value;
		break;
	case ARG_PIPE:
		TRY(eval_pipe(r, a->pipe, dot, out));
		break;
	case ARG_FUNC:
		return call(r, a->name, NULL, 0, out);
	}
	return fields_of(r, a, out);
}

static RC eval_cmd(struct run *r, const struct tmpl_cmd *cmd, struct rv dot, const struct rv *piped, struct rv *out)
{
	struct rv args[16];
	size_t n = 0;

	TRY(rego_charge(r->c, 1 + cmd->n_args));
	if (cmd->args->kind != ARG_FUNC) {
		if (piped)
			return broken(r, "can't give argument to non-function ", cmd->args->text);
		return eval_arg(r, cmd->args, dot, out);
	}
	if (cmd->n_args + 1 > COUNT_OF(args))
		return broken(r, "too many arguments for ", cmd->args->name);
	for (const struct tmpl_arg *a = cmd->args->next; a; a = a->next)
		TRY(eval_arg(r, a, dot, &args[n++]));
	if (piped)
		args[n++] = *piped;
	return call(r, cmd->args->name, args, n, out);
}

static RC set_var(struct run *r, struct slice name, bool declare, struct rv value)
{
	struct variable *v = declare ? NULL : find_var(r, name);

	if (!declare && !v)
		return broken(r, "undefined variable ", name);
	if (!v) {
		if (r->n_vars == VARS_MAX)
			return broken(r, "too many variables", SLICE_LIT(""));
		v = &r->vars[r->n_vars++];
		v->name = name;
	}
	v->value = value;
	return rc_of(OK);
}

static RC eval_pipe(struct run *r, const struct tmpl_pipe *p, struct rv dot, struct rv *out)
{
	struct rv v = rv_undef(), piped;

	for (const struct tmpl_cmd *cmd = p->cmds; cmd; cmd = cmd->next) {
		piped = v;
		TRY(eval_cmd(r, cmd, dot, cmd == p->cmds ? NULL : &piped, &v));
	}
	if (p->n_vars == 1)
		TRY(set_var(r, p->vars[0], p->declares, v));
	*out = v;
	return rc_of(OK);
}

/* ---- nodes ---- */

static RC exec(struct run *r, const struct tmpl_node *n, struct rv dot);

static RC loop_body(struct run *r, const struct tmpl_node *n, struct rv key, struct rv item)
{
	size_t scope = r->n_vars;

	if (n->pipe->n_vars == 2)
		TRY(set_var(r, n->pipe->vars[0], n->pipe->declares, key));
	if (n->pipe->n_vars)
		TRY(set_var(r, n->pipe->vars[n->pipe->n_vars - 1], n->pipe->declares, item));
	TRY(exec(r, n->body, item));
	r->n_vars = scope;
	return rc_of(OK);
}

static RC loop(struct run *r, const struct tmpl_node *n, struct rv dot)
{
	struct tmpl_pipe bare = *n->pipe;
	struct rv v;
	int64_t count = 0;

	bare.n_vars = 0;	/* its variables take each element, not the whole */
	TRY(eval_pipe(r, &bare, dot, &v));
	rv_sort(v);
	if (v.kind != RV_NUMBER || !rv_i64(v, &count))
		count = rv_len(v);
	if (count <= 0)
		return exec(r, n->other, dot);
	for (int64_t i = 0; i < count && r->flow != BREAK; i++) {
		struct rv key = rv_int(i), item = key;

		r->flow = GO_ON;
		TRY(rego_charge(r->c, 2));
		if (v.kind == RV_ARRAY)
			item = rv_at(v, (size_t)i);
		else if (v.kind == RV_SET)
			item = rv_key(v, (size_t)i);
		else if (v.kind == RV_OBJECT)
			key = rv_key(v, (size_t)i), item = rv_val(v, (size_t)i);
		TRY(loop_body(r, n, key, item));
	}
	r->flow = GO_ON;
	return rc_of(OK);
}

static RC one(struct run *r, const struct tmpl_node *n, struct rv dot)
{
	size_t scope = r->n_vars;
	struct rv v;

	switch (n->op) {
	case TMPL_TEXT:
		buf_slice(r->out, n->text);
		break;
	case TMPL_PRINT:
		TRY(eval_pipe(r, n->pipe, dot, &v));
		if (!n->pipe->n_vars)
			print(r->out, v, false);
		break;
	case TMPL_IF:
	case TMPL_WITH:
		TRY(eval_pipe(r, n->pipe, dot, &v));
		if (truth(v))
			TRY(exec(r, n->body, n->op == TMPL_WITH ? v : dot));
		else
			TRY(exec(r, n->other, dot));
		r->n_vars = scope;
		break;
	case TMPL_RANGE:
		TRY(loop(r, n, dot));
		break;
	case TMPL_BREAK:
		r->flow = BREAK;
		break;
	case TMPL_CONTINUE:
		r->flow = CONTINUE;
		break;
	}
	return buf_ok(r->out) ? rc_of(OK) : lib_no_memory(r->c);
}

static RC exec(struct run *r, const struct tmpl_node *n, struct rv dot)
{
	for (; n && r->flow == GO_ON; n = n->next) {
		TRY(rego_charge(r->c, 1 + n->text.n / 64));
		if (n->line)
			r->line = n->line;
		TRY(one(r, n, dot));
	}
	return rc_of(OK);
}

RC tmpl_run(struct rego_call *c, const struct tmpl_node *root, struct rv data, struct buf *out)
{
	struct run *r = rv_alloc(c->heap, sizeof(*r));

	if (!r)
		return lib_no_memory(c);
	memset(r, 0, sizeof(*r));
	r->c = c;
	r->out = out;
	r->line = 1;
	r->vars[0] = (struct variable){SLICE_LIT("$"), data};
	r->n_vars = 1;
	return exec(r, root, data);
}

static rc render(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct buf b = lib_buf(c);
	struct tmpl_node *root;

	(void)n;
	ARG_STRING(c, args, 0);
	ARG_OBJECT(c, args, 1);
	TRY(tmpl_parse(c, rv_slice(args[0]), &root));
	TRY(tmpl_run(c, root, args[1], &b));
	return lib_buffer(c, &b, out);
}

const struct rego_builtin builtin_template[] = {
	{"strings.render_template", "string, object[string:any] -> string", render, 2, 0, 4},
	{0},
};
