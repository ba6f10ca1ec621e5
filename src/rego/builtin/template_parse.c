#include "base/utf8.h"
#include "rego/builtin/template.h"
#include "rego/builtin/unicode.h"

struct parser {
	struct rego_call *c;
	struct slice s;
	size_t at;
	unsigned line, depth;
	unsigned loops;
	bool trim_next;	/* the action before ended in -}} */
};

/* An action while it is read: the cursor runs over its inside only. */
struct action {
	struct parser *p;
	struct slice s;
	size_t at;
};

static RC refuse(struct parser *p, const char *what, struct slice shown)
{
	if (shown.n)
		return rego_fail(p->c, "template: template:%u: %s \"" SLICE_FMT "\"", p->line, what, SLICE_ARG(shown));
	return rego_fail(p->c, "template: template:%u: %s", p->line, what);
}

#define NEW(p, T) ((T *)arena_alloc((p)->c->heap->arena, sizeof(T)))

static bool space(uint8_t ch)
{
	return ch == ' ' || ch == '\t' || ch == '\r' || ch == '\n';
}

static bool name_char(uint8_t ch)
{
	return (ch >= '0' && ch <= '9') || ((ch | 32) >= 'a' && (ch | 32) <= 'z') || ch == '_' || ch >= 0x80;
}

static void skip(struct action *a)
{
	while (a->at < a->s.n && space(a->s.p[a->at]))
		a->at++;
}

static bool looking(struct action *a, const char *lit)
{
	return slice_starts(slice_sub(a->s, a->at, a->s.n), slice_cstr(lit));
}

static bool eat(struct action *a, const char *lit)
{
	if (!looking(a, lit))
		return false;
	a->at += strlen(lit);
	return true;
}

static struct slice word(struct action *a)
{
	size_t from = a->at;

	while (a->at < a->s.n && name_char(a->s.p[a->at]))
		a->at++;
	return slice_sub(a->s, from, a->at - from);
}

/* ---- operands ---- */

static RC quoted(struct action *a, struct rv *out)
{
	struct buf b = lib_buf(a->p->c);
	uint8_t quote = a->s.p[a->at++];

	for (;; a->at++) {
		uint8_t ch;

		if (a->at >= a->s.n || (quote == '"' && a->s.p[a->at] == '\n'))
			return refuse(a->p, "unterminated quoted string", (struct slice){0});
		ch = a->s.p[a->at];
		if (ch == quote)
			break;
		if (ch == '\\' && quote != '`') {
			static const char from[] = "nrtabfv\\\"'", to[] = "\n\r\t\a\b\f\v\\\"'";
			const char *esc = a->at + 1 < a->s.n ? memchr(from, a->s.p[a->at + 1], sizeof(from) - 1) : NULL;

			if (!esc)
				return refuse(a->p, "bad escape in quoted string", (struct slice){0});
			ch = (uint8_t)to[esc - from];
			a->at++;
		}
		buf_putc(&b, (char)ch);
	}
	a->at++;
	return lib_buffer(a->p->c, &b, out);
}

static RC number(struct action *a, struct rv *out)
{
	size_t from = a->at;
	struct slice text;

	while (a->at < a->s.n && (name_char(a->s.p[a->at]) || strchr("+-.", a->s.p[a->at])))
		a->at++;
	text = slice_sub(a->s, from, a->at - from);
	if (text.n && text.p[0] == '+')
		text = slice_sub(text, 1, text.n);
	*out = rv_number(a->p->c->heap, text);
	return out->kind == RV_UNDEF ? refuse(a->p, "bad number syntax:", text) : rc_of(OK);
}

/* .a.b behind something */
static RC fields(struct action *a, struct tmpl_arg *arg)
{
	struct slice *list = NULL;
	size_t cap = 0;

	while (a->at + 1 < a->s.n && a->s.p[a->at] == '.' && name_char(a->s.p[a->at + 1])) {
		if (arg->n_fields == cap) {
			struct slice *more = arena_array(a->p->c->heap->arena, cap * 2 + 4, struct slice);

			if (!more)
				return lib_no_memory(a->p->c);
			if (cap)
				memcpy(more, list, cap * sizeof(*list));
			list = more;
			cap = cap * 2 + 4;
		}
		a->at++;
		list[arg->n_fields++] = word(a);
	}
	arg->fields = list;
	return rc_of(OK);
}

static RC pipeline(struct action *a, const char *end, struct tmpl_pipe **out);

static RC operand(struct action *a, struct tmpl_arg **out)
{
	struct tmpl_arg *arg = NEW(a->p, struct tmpl_arg);
	size_t from = a->at;
	uint8_t ch = a->s.p[a->at];

	if (!arg)
		return lib_no_memory(a->p->c);
	if (ch == '(') {
		a->at++;
		arg->kind = ARG_PIPE;
		TRY(pipeline(a, ")", &arg->pipe));
		TRY(fields(a, arg));
	} else if (ch == '.') {
		arg->kind = ARG_DOT;
		if (a->at + 1 < a->s.n && name_char(a->s.p[a->at + 1]))
			TRY(fields(a, arg));
		else
			a->at++;
	} else if (ch == '$') {
		arg->kind = ARG_VAR;
		a->at++;
		word(a);
		arg->name = slice_sub(a->s, from, a->at - from);
		TRY(fields(a, arg));
	} else if (ch == '"' || ch == '`') {
		arg->kind = ARG_CONST;
		TRY(quoted(a, &arg->value));
	} else if ((ch >= '0' && ch <= '9') || ch == '-' || ch == '+') {
		arg->kind = ARG_CONST;
		TRY(number(a, &arg->value));
	} else {
		arg->name = word(a);
		arg->kind = ARG_CONST;
		if (slice_is(arg->name, "true") || slice_is(arg->name, "false"))
			arg->value = rv_bool(arg->name.p[0] == 't');
		else if (slice_is(arg->name, "nil"))
			arg->value = rv_undef();
		else if (arg->name.n)
			arg->kind = ARG_FUNC;
		else
			return refuse(a->p, "unexpected", slice_sub(a->s, a->at, 1));
	}
	arg->text = slice_sub(a->s, from, a->at - from);
	*out = arg;
	return rc_of(OK);
}

static RC command(struct action *a, const char *end, struct tmpl_cmd **out)
{
	struct tmpl_cmd *cmd = NEW(a->p, struct tmpl_cmd);
	struct tmpl_arg **tail;

	if (!cmd)
		return lib_no_memory(a->p->c);
	tail = &cmd->args;
	for (;;) {
		skip(a);
		if (a->at >= a->s.n || looking(a, "|") || (*end && looking(a, end)))
			break;
		TRY(rego_charge(a->p->c, 1));
		TRY(operand(a, tail));
		tail = &(*tail)->next;
		cmd->n_args++;
	}
	if (!cmd->args)
		return refuse(a->p, "missing value for command", (struct slice){0});
	if (cmd->n_args > 1 && cmd->args->kind != ARG_FUNC)
		return refuse(a->p, "can't give argument to non-function", cmd->args->text);
	*out = cmd;
	return rc_of(OK);
}

/* "$i, $v :=" or "$x =" in front of a pipeline. */
static void declaration(struct action *a, struct tmpl_pipe *p)
{
	size_t start = a->at;

	while (p->n_vars < 2) {
		size_t from;

		skip(a);
		from = a->at;
		if (!eat(a, "$"))
			break;
		word(a);
		p->vars[p->n_vars++] = slice_sub(a->s, from, a->at - from);
		skip(a);
		if (!eat(a, ","))
			break;
	}
	skip(a);
	if (p->n_vars && eat(a, ":=")) {
		p->declares = true;
	} else if (!p->n_vars || looking(a, "==") || !eat(a, "=")) {
		p->n_vars = 0;
		a->at = start;
	}
}

static RC pipeline(struct action *a, const char *end, struct tmpl_pipe **out)
{
	struct tmpl_pipe *p = NEW(a->p, struct tmpl_pipe);
	struct tmpl_cmd **tail;

	if (!p)
		return lib_no_memory(a->p->c);
	if (++a->p->depth > TEMPLATE_NESTING)
		return refuse(a->p, "nested too deeply", (struct slice){0});
	declaration(a, p);
	tail = &p->cmds;
	for (;;) {
		TRY(command(a, end, tail));
		tail = &(*tail)->next;
		if (!eat(a, "|"))
			break;
	}
	if (*end && !eat(a, end))
		return refuse(a->p, "unclosed left paren", (struct slice){0});
	a->p->depth--;
	*out = p;
	return rc_of(OK);
}

/* ---- text and actions ---- */

static void count_lines(struct parser *p, struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		p->line += s.p[i] == '\n';
}

/* Up to the next action, or the end; trim markers are obeyed. */
static struct slice take_text(struct parser *p)
{
	const uint8_t *open = p->at < p->s.n ? memmem(p->s.p + p->at, p->s.n - p->at, "{{", 2) : NULL;
	size_t end = open ? (size_t)(open - p->s.p) : p->s.n;
	struct slice t = slice_sub(p->s, p->at, end - p->at);

	count_lines(p, t);
	p->at = end;
	if (p->trim_next)
		while (t.n && space(t.p[0]))
			t = slice_sub(t, 1, t.n);
	p->trim_next = false;
	if (end + 3 < p->s.n && p->s.p[end + 2] == '-' && space(p->s.p[end + 3]))
		while (t.n && space(t.p[t.n - 1]))
			t.n--;
	return t;
}

/* The inside of the action at p->at; quotes may hold "}}". */
static RC take_action(struct parser *p, struct action *a, bool *comment)
{
	size_t i = p->at + 2, from;
	uint8_t quote = 0;

	*comment = false;
	if (i + 1 < p->s.n && p->s.p[i] == '-' && space(p->s.p[i + 1]))
		i += 2;
	from = i;
	if (slice_starts(slice_sub(p->s, i, 2), SLICE_LIT("/*"))) {
		const uint8_t *end = memmem(p->s.p + i, p->s.n - i, "*/", 2);

		if (!end)
			return refuse(p, "unclosed comment", (struct slice){0});
		*comment = true;
		from = i = (size_t)(end - p->s.p) + 2;
	}
	for (;; i++) {
		if (i >= p->s.n)
			return refuse(p, "unclosed action", (struct slice){0});
		if (quote) {
			if (p->s.p[i] == '\\' && quote != '`')
				i++;
			else if (p->s.p[i] == quote)
				quote = 0;
		} else if (p->s.p[i] == '"' || p->s.p[i] == '`') {
			quote = p->s.p[i];
		} else if (slice_starts(slice_sub(p->s, i, 2), SLICE_LIT("}}"))) {
			break;
		}
	}
	*a = (struct action){.p = p, .s = slice_sub(p->s, from, i - from)};
	count_lines(p, slice_sub(p->s, p->at, i - p->at));
	p->at = i + 2;
	if (a->s.n >= 2 && a->s.p[a->s.n - 1] == '-' && space(a->s.p[a->s.n - 2])) {
		p->trim_next = true;
		a->s.n -= 2;
	}
	while (a->s.n && space(a->s.p[a->s.n - 1]))
		a->s.n--;
	skip(a);
	return rc_of(OK);
}

enum stop { STOP_EOF, STOP_END, STOP_ELSE };

static RC list(struct parser *p, struct tmpl_node **out, enum stop *stop, struct action *at);

/* An if, with or range: its pipeline is next in the action. */
static RC block(struct parser *p, struct action *a, struct tmpl_node *n)
{
	struct action other;
	enum stop stop;

	if (++p->depth > TEMPLATE_NESTING)
		return refuse(p, "nested too deeply", (struct slice){0});
	TRY(pipeline(a, "", &n->pipe));
	p->loops += n->op == TMPL_RANGE;
	TRY(list(p, &n->body, &stop, &other));
	p->loops -= n->op == TMPL_RANGE;
	if (stop == STOP_ELSE) {
		skip(&other);
		if ((n->op == TMPL_IF && eat(&other, "if")) || (n->op == TMPL_WITH && eat(&other, "with"))) {
			/* "else if" is an if of its own that shares our end */
			n->other = NEW(p, struct tmpl_node);
			if (!n->other)
				return lib_no_memory(p->c);
			n->other->op = n->op;
			n->other->line = p->line;
			p->depth--;
			return block(p, &other, n->other);
		}
		TRY(list(p, &n->other, &stop, &other));
		if (stop == STOP_ELSE)
			return refuse(p, "unexpected {{else}}", (struct slice){0});
	}
	if (stop != STOP_END)
		return refuse(p, "unexpected EOF", (struct slice){0});
	p->depth--;
	return rc_of(OK);
}

static RC statement(struct parser *p, struct action *a, struct tmpl_node *n)
{
	static const char *const refused[] = {"define", "template", "block"};
	size_t start = a->at;
	struct slice w = word(a);

	for (size_t i = 0; i < 3; i++)
		if (slice_is(w, refused[i]))
			return refuse(p, "not supported:", w);
	if (slice_is(w, "if") || slice_is(w, "with") || slice_is(w, "range")) {
		n->op = w.p[0] == 'i' ? TMPL_IF : w.p[0] == 'w' ? TMPL_WITH : TMPL_RANGE;
		return block(p, a, n);
	}
	if (slice_is(w, "break") || slice_is(w, "continue")) {
		n->op = w.p[0] == 'b' ? TMPL_BREAK : TMPL_CONTINUE;
		return p->loops ? rc_of(OK) : refuse(p, "outside of {{range}}:", w);
	}
	a->at = start;
	n->op = TMPL_PRINT;
	return pipeline(a, "", &n->pipe);
}

static RC list(struct parser *p, struct tmpl_node **out, enum stop *stop, struct action *at)
{
	struct tmpl_node **tail = out;

	for (;;) {
		struct slice text = take_text(p);
		struct tmpl_node *n;
		bool comment;
		size_t start;
		struct slice w;

		TRY(rego_charge(p->c, 1 + text.n / 64));
		if (text.n) {
			n = NEW(p, struct tmpl_node);
			if (!n)
				return lib_no_memory(p->c);
			n->text = text;
			*tail = n;
			tail = &n->next;
		}
		*stop = STOP_EOF;
		if (p->at >= p->s.n)
			return rc_of(OK);
		TRY(take_action(p, at, &comment));
		if (comment)
			continue;
		start = at->at;
		w = word(at);
		if (slice_is(w, "end") || slice_is(w, "else")) {
			*stop = w.p[1] == 'n' ? STOP_END : STOP_ELSE;
			return rc_of(OK);
		}
		at->at = start;
		n = NEW(p, struct tmpl_node);
		if (!n)
			return lib_no_memory(p->c);
		n->line = p->line;
		*tail = n;
		tail = &n->next;
		TRY(statement(p, at, n));
	}
}

RC tmpl_parse(struct rego_call *c, struct slice text, struct tmpl_node **out)
{
	struct parser p = {.c = c, .s = text, .line = 1};
	struct action at;
	enum stop stop;

	*out = NULL;
	TRY(list(&p, out, &stop, &at));
	if (stop != STOP_EOF)
		return refuse(&p, stop == STOP_END ? "unexpected {{end}}" : "unexpected {{else}}", (struct slice){0});
	return rc_of(OK);
}
