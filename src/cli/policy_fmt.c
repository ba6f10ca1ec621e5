/* policy_fmt.c - `policy fmt`: the canonical layout of a policy.
 *
 * Works on tokens, so that nothing of the text is lost: comments stay where they are, strings stay as written. Lines are kept
 * but for rule bodies in braces, which are laid out one expression a line. The result is read again and must have the same
 * tokens.
 */
#include <unistd.h>

#include "base/num.h"
#include "cli/policy.h"
#include "rego/lex.h"
#include "rego/plan.h"

#define NESTING_MAX 256u

struct opened {
	enum tok kind;
	uint32_t indent;	/* of the line that opened it */
	bool body;	/* braces around expressions */
	bool broken;	/* the body of a rule: an expression a line */
};

struct printer {
	struct buf *out;
	struct slice text;
	const struct token *t;
	uint32_t n;
	struct opened open[NESTING_MAX];
	uint32_t depth;
	uint32_t indent;	/* of the present line */
	bool fresh;		/* nothing is on the present line */
	uint32_t blank;		/* blank lines written in a row */
	bool split;		/* the present rule had its body laid out */
	bool failed;
};

static bool ends_value(enum tok k)
{
	return k == K_IDENT || k == K_STRING || k == K_RAW || k == K_NUMBER || k == K_TEMPLATE_END || k == K_NULL || k == K_TRUE ||
	       k == K_FALSE || k == K_RBRACK || k == K_RBRACE || k == K_RPAREN;
}

static bool is_operator(enum tok k)
{
	return (k >= K_PLUS && k <= K_GE);
}

static bool opens(enum tok k)
{
	return k == K_LBRACK || k == K_LBRACE || k == K_LPAREN;
}

static bool closes(enum tok k)
{
	return k == K_RBRACK || k == K_RBRACE || k == K_RPAREN;
}

/* A minus that belongs to what follows. */
static bool unary(const struct printer *p, uint32_t i)
{
	return p->t[i].kind == K_MINUS && (i == 0 || !ends_value(p->t[i - 1].kind));
}

static void newline(struct printer *p)
{
	if (!p->fresh) {
		buf_putc(p->out, '\n');
		p->blank = 0;
	}
	p->fresh = true;
}

static void blank_line(struct printer *p)
{
	newline(p);
	if (p->out->n && !p->blank) {
		buf_putc(p->out, '\n');
		p->blank = 1;
	}
}

static void start_line(struct printer *p, uint32_t indent)
{
	if (!p->fresh)
		return;
	for (uint32_t i = 0; i < indent; i++)
		buf_putc(p->out, '\t');
	p->indent = indent;
	p->fresh = false;
}

static uint32_t inner_indent(const struct printer *p)
{
	return p->depth ? p->open[p->depth - 1].indent + 1 : 0;
}

/* Braces of expressions: those after a value on its line, or after if, else and not. */
static bool is_body(const struct printer *p, uint32_t i)
{
	enum tok before = i ? p->t[i - 1].kind : K_EOF;

	if (p->t[i].kind != K_LBRACE || !i)
		return false;
	if (before == K_IF || before == K_ELSE || before == K_NOT || before == K_AND || before == K_OR)
		return true;
	return ends_value(before) && p->t[i - 1].loc.row == p->t[i].loc.row;
}

static bool space_between(const struct printer *p, uint32_t i)
{
	enum tok a = p->t[i - 1].kind, b = p->t[i].kind;

	if (b == K_DOT && p->t[i].space && !ends_value(a))	/* of a number: .5 */
		return true;
	if (a == K_DOT || b == K_DOT || b == K_COMMA || b == K_SEMI || b == K_COLON || a == K_LPAREN || b == K_RPAREN || a == K_LBRACK ||
	    b == K_RBRACK)
		return false;
	if (a == K_LBRACE)
		return p->depth && p->open[p->depth - 1].body;
	if (b == K_RBRACE)
		return p->depth && p->open[p->depth - 1].body;
	if (unary(p, i - 1))
		return false;
	if ((b == K_LPAREN || b == K_LBRACK) && (ends_value(a) || tok_is_keyword(a)))
		return p->t[i].space;	/* a call or an index has none */
	return true;
}

/* The comments and the line ends before token i. space: an empty line must be among them. */
static void gap(struct printer *p, uint32_t i, bool space)
{
	size_t at = i ? p->t[i - 1].loc.off + p->t[i - 1].loc.len : 0, to = p->t[i].loc.off;
	uint32_t lines = 0;

	while (at < to) {
		uint8_t c = p->text.p[at];

		if (c == '\n') {
			lines++;
			at++;
		} else if (c == '#') {
			size_t from = at;

			while (at < to && p->text.p[at] != '\n')
				at++;
			while (at > from && (p->text.p[at - 1] == '\r' || p->text.p[at - 1] == ' ' || p->text.p[at - 1] == '\t'))
				at--;
			if (i && (lines > 1 || (lines && space)))
				blank_line(p);
			else if (lines || !i)
				newline(p);
			space = space && !lines;
			if (p->fresh)
				start_line(p, inner_indent(p));
			else
				buf_putc(p->out, ' ');
			buf_slice(p->out, slice_sub(p->text, from, at - from));
			newline(p);
			while (at < to && p->text.p[at] != '\n')
				at++;
			lines = 0;
			if (at < to) {
				at++;
				lines = 1;
			}
		} else {
			at++;
		}
	}
	if (space)
		blank_line(p);
	else if (i && lines > 1 && p->t[i].kind != K_EOF && !closes(p->t[i].kind) && !(opens(p->t[i - 1].kind)))
		blank_line(p);
	else if (i && lines)
		newline(p);
}

/* A line that goes on with what the one before left open. */
static bool continues(const struct printer *p, uint32_t i)
{
	enum tok a = i ? p->t[i - 1].kind : K_EOF, b = p->t[i].kind;

	if (i > 1 && p->t[i - 2].kind == K_DOT)
		a = K_IDENT;	/* import future.keywords.in */
	return (is_operator(a) && !(a == K_BAR && p->depth)) || is_operator(b) || a == K_IF || a == K_IN || a == K_AS || a == K_NOT ||
	       b == K_WITH || a == K_WITH || b == K_AS || (b == K_IF && i) || (b == K_CONTAINS && i && ends_value(a));
}

/* A template string with what it holds stays as written. Returns the index of its last token. */
static uint32_t template_string(struct printer *p, uint32_t i)
{
	uint32_t depth = 0, from = p->t[i].loc.off, k = i;

	for (; k < p->n && p->t[k].kind != K_EOF; k++) {
		bool part = p->t[k].kind == K_TEMPLATE || p->t[k].kind == K_TEMPLATE_END;

		if (part && p->text.p[p->t[k].loc.off] == '$')
			depth++;
		if (p->t[k].kind == K_TEMPLATE_END && --depth == 0)
			break;
	}
	if (k == p->n)
		k--;
	buf_slice(p->out, slice_sub(p->text, from, p->t[k].loc.off + p->t[k].loc.len - from));
	return k;
}

static void open_bracket(struct printer *p, uint32_t i)
{
	struct opened *o = &p->open[p->depth];

	if (p->depth == NESTING_MAX) {
		p->failed = true;
		return;
	}
	*o = (struct opened){.kind = p->t[i].kind, .indent = p->indent, .body = is_body(p, i)};
	o->broken = o->body && p->depth == 0 && p->t[i + 1].kind != K_RBRACE;
	p->depth++;
}

static void token(struct printer *p, uint32_t *at)
{
	uint32_t i = *at;
	enum tok k = p->t[i].kind;
	struct opened *top = p->depth ? &p->open[p->depth - 1] : NULL;
	bool close = closes(k) && top;

	if (close && top->broken)
		newline(p);
	if (k == K_SEMI && top && top->broken) {
		newline(p);
		return;
	}
	if (p->fresh)
		start_line(p, close ? top->indent : inner_indent(p) + continues(p, i));
	else if (i && space_between(p, i))
		buf_putc(p->out, ' ');
	if (close) {
		p->split = p->split || top->broken;
		p->depth--;
	}
	if (k == K_TEMPLATE || k == K_TEMPLATE_END)
		*at = template_string(p, i);
	else
		buf_slice(p->out, slice_sub(p->text, p->t[i].loc.off, p->t[i].loc.len));
	if (opens(k)) {
		open_bracket(p, i);
		if (p->depth && p->open[p->depth - 1].broken)
			newline(p);
	}
}

/* Blank lines behind the package, the imports and rules of more than one line. */
static bool apart(const struct printer *p, uint32_t i, enum tok line, bool several)
{
	enum tok k = p->t[i].kind;

	if (p->depth || k == K_EOF || k == K_ELSE || !i || p->t[i].loc.row == p->t[i - 1].loc.row)
		return false;
	return line == K_PACKAGE || (line == K_IMPORT && k != K_IMPORT) ||
	       (several && !continues(p, i) && k != K_LBRACE);
}

static bool print(struct printer *p)
{
	enum tok line = K_EOF;	/* the first token of the present top-level line */
	uint32_t first_row = 0;

	p->fresh = true;
	for (uint32_t i = 0; i < p->n && !p->failed; i++) {
		bool top = !p->depth && (i == 0 || p->t[i].loc.row != p->t[i - 1].loc.row);
		bool space = i && apart(p, i, line, p->split || p->t[i - 1].loc.row != first_row);

		gap(p, i, space);
		if (p->t[i].kind == K_EOF)
			break;
		if (top && !p->depth && !continues(p, i) && p->t[i].kind != K_ELSE) {
			line = p->t[i].kind;
			first_row = p->t[i].loc.row;
			p->split = false;
		}
		token(p, &i);
	}
	newline(p);
	return !p->failed && buf_ok(p->out);
}

static uint32_t skip_semis(const struct token *t, uint32_t n, uint32_t i)
{
	while (i < n && t[i].kind == K_SEMI)
		i++;
	return i;
}

/* The same tokens but for semicolons, which line ends replace. */
static bool same_tokens(struct comp *c, const struct module *m, const struct token *t, uint32_t n, struct slice text)
{
	struct module copy = *m;
	struct token *u;
	uint32_t k, i = 0, j = 0;

	copy.text = text;
	if (!lex_all(c, &copy, &u, &k))
		return false;
	for (;; i++, j++) {
		i = skip_semis(t, n, i);
		j = skip_semis(u, k, j);
		if (i >= n || j >= k)
			return i >= n && j >= k;
		if (t[i].kind != u[j].kind || !slice_eq(t[i].text, u[j].text))
			return false;
		if ((t[i].kind == K_LPAREN || t[i].kind == K_LBRACK) && i && ends_value(t[i - 1].kind) && t[i].space != u[j].space)
			return false;
	}
}

struct fmt {
	bool check, write;
	unsigned changed;
};

static int format(struct policy *p, const struct rego_program *program, unsigned i, struct fmt *f)
{
	struct comp c = program->comp;
	struct buf out = buf_in(p->arena, 0);
	struct token *t;
	uint32_t n;
	struct printer pr = {.out = &out, .text = c.mods[i]->text};
	struct why w = why_in(p->arena);

	if (!lex_all(&c, c.mods[i], &t, &n))
		return CLI_FAILED;
	pr.t = t;
	pr.n = n;
	if (!print(&pr) || !same_tokens(&c, c.mods[i], t, n, buf_view(&out))) {
		fprintf(stderr, "error: %s: cannot be laid out without changing it\n", p->modules[i].name);
		return CLI_FAILED;
	}
	if (slice_eq(buf_view(&out), c.mods[i]->text)) {
		if (!f->check && !f->write)
			fwrite(out.p, 1, out.n, stdout);
		return CLI_OK;
	}
	f->changed++;
	if (f->check)
		printf("%s\n", p->modules[i].name);
	else if (!f->write)
		fwrite(out.p, 1, out.n, stdout);
	else if (!rc_ok(file_write_atomic(p->modules[i].name, buf_view(&out), 0644, &w)))
		return cli_fail(&w);
	return CLI_OK;
}

int policy_fmt(int argc, char **argv)
{
	struct rego_program *program = NULL;
	struct fmt f = {0};
	struct policy p;
	struct cli_args args;
	bool done;
	int code;

	policy_begin(&p);
	const struct cli_opt opts[] = {{"check", NULL, "name the files that are not laid out so; exit code 1 when there are any", NULL, &f.check},
				       {"write", NULL, "rewrite the files", NULL, &f.write},
				       {"v0", NULL, "the files are Rego v0", NULL, &p.v0}};

	code = cli_parse(argc, argv, opts, COUNT_OF(opts), "kbs-client policy fmt [options] FILE...",
			 "Prints the files laid out anew; comments and strings stay as written.\n\n"
			 "example:\n  kbs-client policy fmt --write resource.rego\n",
			 &args, &done);
	if (code == CLI_OK && !done)
		code = policy_read(&p, &args, 0);
	if (code == CLI_OK && !done) {
		program = policy_compile(&p, true, true);
		code = program ? CLI_OK : CLI_FAILED;
		for (unsigned i = 0; i < p.n && !code; i++)
			code = format(&p, program, i, &f);
		if (!code && f.check && f.changed)
			code = CLI_FAILED;
	}
	rego_program_free(program);
	policy_end(&p);
	return code;
}
