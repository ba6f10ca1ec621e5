/* warrant_lab.c - test roots and evidence with chosen fields, in files. Never installed: nothing here is trusted by anybody. */
#include <stdio.h>
#include <stdlib.h>

#include "base/num.h"
#include "base/sys.h"
#include "cli/cli.h"
#include "lab/lab_snp.h"

struct options {
	const char *out, *generation, *fields, *bits, *name;
};

static rc write_file(struct arena *a, const char *dir, const char *name, struct slice data, struct why *w)
{
	char *path = arena_printf(a, "%s/%s", dir, name);

	return path ? file_write_atomic(path, data, 0644, w) : deny(w, E_INTERNAL, "lab.memory", "no memory");
}

static rc write_report(const char *dir, const char *name, struct slice report, struct arena *a, struct why *w)
{
	struct json *doc;

	TRY(write_file(a, dir, arena_printf(a, "%s.bin", name), report, w));
	TRY(lab_snp_evidence(report, a, &doc, w));
	return write_file(a, dir, arena_printf(a, "%s.json", name), json_text(a, doc), w);
}

static rc read_fields(const struct options *o, struct arena *a, struct json **fields, struct why *w)
{
	*fields = NULL;
	return o->fields ? note(w, json_parse(a, slice_cstr(o->fields), NULL, fields, w), "reading --fields") : rc_of(OK);
}

/* Another report of the chip in the folder. */
static rc snp_report(const struct options *o, struct arena *a, struct why *w)
{
	struct slice base, key, report;
	struct json *fields;

	if (strchr(o->name, '/') || o->name[0] == '.')
		return deny(w, E_MALFORMED, "lab.name", "--name is a file name");
	TRY(read_fields(o, a, &fields, w));
	TRY(file_read(a, arena_printf(a, "%s/report.bin", o->out), 65536, &base, w));
	TRY(file_read(a, arena_printf(a, "%s/vcek.key", o->out), 65536, &key, w));
	TRY(lab_snp_again(base, key, fields, a, &report, w));
	return write_report(o->out, o->name, report, a, w);
}

static rc snp(const struct options *o, struct arena *a, struct why *w)
{
	struct lab_snp_options lo = {.generation = o->generation, .rsa_bits = o->bits ? (unsigned)strtoul(o->bits, NULL, 10) : 0,
				     .now_s = clock_now_s(&clock_system)};
	struct slice ark, chain, vcek, crl, key, report;
	struct json *fields;
	struct lab_snp *l;
	rc r;

	TRY(read_fields(o, a, &fields, w));
	TRY(file_mkdirs(o->out, 0755, w));
	TRY(lab_snp_new(&lo, &l, w));
	r = lab_snp_certificates(l, a, &ark, &chain, &vcek, w);
	if (rc_ok(r))
		r = lab_snp_crl(l, 1, lo.now_s - 3600, lo.now_s + 30 * 86400, false, a, &crl, w);
	if (rc_ok(r))
		r = lab_snp_key(l, a, &key, w);
	if (rc_ok(r))
		r = note(w, lab_snp_report(l, fields, a, &report, w), "making the report");
	lab_snp_free(l);
	TRY(r);
	TRY(write_file(a, o->out, "ark.pem", ark, w));
	TRY(write_file(a, o->out, "cert_chain.pem", chain, w));
	TRY(write_file(a, o->out, "vcek.der", vcek, w));
	TRY(write_file(a, o->out, "vcek.key", key, w));
	TRY(write_file(a, o->out, "crl.der", crl, w));
	return write_report(o->out, "report", report, a, w);
}

static char *field_list(struct arena *a)
{
	struct buf b = buf_in(a, 0);

	buf_puts(&b, "Makes ARK, ASK and VCEK (ark.pem, cert_chain.pem, vcek.der), the ARK's list (crl.der), and a report that the VCEK signed\n"
		     "(report.bin; report.json as a guest sends it). snp-report adds another one of the same chip. Fields, each a number or hex in the order of the bytes:\n ");
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
		{"name", "NAME", "of the report to add", &o.name},
		{"rsa-bits", "N", "of ARK and ASK; default 4096", &o.bits},
	};
	struct cli_args args;
	bool done;
	int code = cli_parse(argc, argv, opts, COUNT_OF(opts), "warrant-lab snp | snp-report --out DIR [options]", field_list(a), &args, &done);

	if (code == CLI_OK && !done) {
		bool add = args.n == 1 && strcmp(args.v[0], "snp-report") == 0;

		if (args.n != 1 || (!add && strcmp(args.v[0], "snp") != 0) || !o.out || add != (o.name != NULL))
			code = cli_usage("warrant-lab takes: snp --out DIR, or snp-report --out DIR --name NAME");
		else if (!rc_ok(add ? snp_report(&o, a, &w) : snp(&o, a, &w)))
			code = cli_fail(&w);
	}
	arena_free(a);
	return code;
}
