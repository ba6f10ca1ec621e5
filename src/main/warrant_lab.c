/* warrant_lab.c - test roots and evidence with chosen fields, in files. Never installed: nothing here is trusted by anybody. */
#include <stdio.h>
#include <stdlib.h>

#include "base/num.h"
#include "base/sys.h"
#include "cli/cli.h"
#include "lab/lab_snp.h"

struct options {
	const char *out, *generation, *fields, *bits, *reports;
};

static rc write_file(struct arena *a, const char *dir, const char *name, struct slice data, struct why *w)
{
	char *path = arena_printf(a, "%s/%s", dir, name);

	return path ? file_write_atomic(path, data, 0644, w) : deny(w, E_INTERNAL, "lab.memory", "no memory");
}

static rc write_report(const struct lab_snp *l, const struct options *o, const char *name, const struct json *fields, struct arena *a,
		       struct why *w)
{
	struct slice report;
	struct json *doc;

	TRY(note(w, lab_snp_report(l, fields, a, &report, w), "making the report %s", name));
	TRY(write_file(a, o->out, arena_printf(a, "%s.bin", name), report, w));
	TRY(lab_snp_evidence(report, a, &doc, w));
	return write_file(a, o->out, arena_printf(a, "%s.json", name), json_text(a, doc), w);
}

/* --reports names a file {"name": {field: value}, ...}: several reports of one chip. */
static rc write_reports(const struct lab_snp *l, const struct options *o, struct arena *a, struct why *w)
{
	struct slice text = {0};
	struct json *doc;

	if (!o->reports)
		return rc_of(OK);
	TRY(file_read(a, o->reports, (size_t)16 << 20, &text, w));
	TRY(json_parse(a, text, NULL, &doc, w));
	for (size_t i = 0; i < doc->n && doc->kind == JSON_OBJECT; i++) {
		const char *name = arena_strndup(a, doc->members[i].name.p, doc->members[i].name.n);

		if (!name || strchr(name, '/') || name[0] == '.')
			return deny(w, E_MALFORMED, "lab.name", "a report's name is a file name");
		TRY(write_report(l, o, name, doc->members[i].value, a, w));
	}
	return rc_of(OK);
}

static rc snp(const struct options *o, struct arena *a, struct why *w)
{
	struct lab_snp_options lo = {.generation = o->generation, .rsa_bits = o->bits ? (unsigned)strtoul(o->bits, NULL, 10) : 0,
				     .now_s = clock_now_s(&clock_system)};
	struct slice ark, chain, vcek, crl;
	struct json *fields = NULL;
	struct lab_snp *l;
	rc r;

	if (o->fields)
		TRY(note(w, json_parse(a, slice_cstr(o->fields), NULL, &fields, w), "reading --fields"));
	TRY(file_mkdirs(o->out, 0755, w));
	TRY(lab_snp_new(&lo, &l, w));
	r = lab_snp_certificates(l, a, &ark, &chain, &vcek, w);
	if (rc_ok(r))
		r = lab_snp_crl(l, 1, lo.now_s - 3600, lo.now_s + 30 * 86400, false, a, &crl, w);
	if (rc_ok(r))
		r = write_file(a, o->out, "ark.pem", ark, w);
	if (rc_ok(r))
		r = write_file(a, o->out, "cert_chain.pem", chain, w);
	if (rc_ok(r))
		r = write_file(a, o->out, "vcek.der", vcek, w);
	if (rc_ok(r))
		r = write_file(a, o->out, "crl.der", crl, w);
	if (rc_ok(r))
		r = write_report(l, o, "report", fields, a, w);
	if (rc_ok(r))
		r = write_reports(l, o, a, w);
	lab_snp_free(l);
	return r;
}

static char *field_list(struct arena *a)
{
	struct buf b = buf_in(a, 0);

	buf_puts(&b, "Makes ARK, ASK and VCEK (ark.pem, cert_chain.pem, vcek.der), the ARK's list (crl.der), and a report that the VCEK signed\n"
		     "(report.bin; report.json as a guest sends it). Fields, each a number or hex in the order of the bytes:\n ");
	for (size_t i = 0; lab_snp_field(i); i++)
		buf_printf(&b, " %s%s", lab_snp_field(i), i % 8 == 7 ? "\n " : "");
	buf_putc(&b, '\n');
	return buf_cstr(&b);
}

int main(int argc, char **argv)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct options o = {0};
	const struct cli_opt opts[] = {
		{"out", "DIR", "folder for the files", &o.out},
		{"generation", "NAME", "Milan, Genoa (default) or Turin", &o.generation},
		{"fields", "JSON", "fields of the report: {\"vmpl\": 1}", &o.fields},
		{"reports", "FILE", "more reports of the same chip: {\"name\": {\"vmpl\": 1}, ...}", &o.reports},
		{"rsa-bits", "N", "of ARK and ASK; default 4096", &o.bits},
	};
	struct cli_args args;
	bool done;
	int code = cli_parse(argc, argv, opts, COUNT_OF(opts), "warrant-lab snp --out DIR [options]", field_list(a), &args, &done);

	if (code == CLI_OK && !done) {
		if (args.n != 1 || strcmp(args.v[0], "snp") != 0 || !o.out)
			code = cli_usage("warrant-lab takes: snp --out DIR");
		else if (!rc_ok(snp(&o, a, &w)))
			code = cli_fail(&w);
	}
	arena_free(a);
	return code;
}
