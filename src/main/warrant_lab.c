/* warrant_lab.c - a laboratory: roots and evidence of every TEE's shape, and their vendors on loopback. In no package: nothing made
 * here is trusted by anybody who was not told to. */
#include <stdio.h>
#include <stdlib.h>

#include "base/num.h"
#include "base/sys.h"
#include "cli/cli.h"
#include "codec/base64.h"
#include "lab/lab.h"
#include "lab/serve.h"
#include "lab/vendor.h"

struct options {
	const char *state, *tee, *variant, *report_data, *init_data, *listen, *idle;
	struct cli_args set, faults;
	bool small_keys;
};

struct verb {
	const char *name, *summary, *usage;
	rc (*run)(const struct options *o, struct arena *a, struct why *w);
};

static rc need(const char *value, const char *name, struct why *w)
{
	return value ? rc_of(OK) : deny(w, E_MALFORMED, "cli.usage.lab", "--%s is required", name);
}

static rc make_one(const struct options *o, const char *tee, struct arena *a, struct why *w)
{
	const struct lab_options lo = {.variant = o->variant, .now_s = clock_now_s(&clock_system), .small_keys = o->small_keys};
	struct lab_world l;

	TRY(lab_make(tee, &lo, a, &l, w));
	return lab_save(&l, o->state, a, w);
}

/* Shapes that share a world share its keys: it is made once. */
static bool made_before(size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (lab_shapes[i]->world && lab_shapes[k]->world && strcmp(lab_shapes[i]->world, lab_shapes[k]->world) == 0)
			return true;
	return false;
}

static rc make(const struct options *o, struct arena *a, struct why *w)
{
	size_t n = 0;

	TRY(need(o->state, "state", w));
	if (o->tee)
		return make_one(o, o->tee, a, w);
	while (lab_shapes[n])
		n++;
	for (size_t i = 0; i < n; i++) {
		cli_progress("shapes", i, n);	/* large keys take their time */
		if (!made_before(i))
			TRY(make_one(o, lab_shapes[i]->tee, a, w));
	}
	cli_progress_end();
	return rc_of(OK);
}

static rc read_hex(const char *text, const char *name, struct arena *a, struct slice *out, struct why *w)
{
	return text ? hex_decode(a, slice_cstr(text), out, name, w) : rc_of(OK);
}

static rc evidence(const struct options *o, struct arena *a, struct why *w)
{
	struct lab_binding b = {.now_s = clock_now_s(&clock_system)};
	struct json *fields;
	struct lab_world l;
	struct slice out;

	TRY(need(o->state, "state", w));
	TRY(need(o->tee, "tee", w));
	TRY(read_hex(o->report_data, "report data", a, &b.report_data, w));
	TRY(read_hex(o->init_data, "init-data", a, &b.init_data, w));
	TRY(lab_load(o->state, o->tee, a, &l, w));
	TRY(lab_fields(o->set.v, o->set.n, o->tee, a, &fields, w));
	TRY(lab_evidence(&l, &b, fields, a, &out, w));
	printf(SLICE_FMT "\n", (int)out.n, (const char *)out.p);
	return rc_of(OK);
}

static rc list(const struct options *o, struct arena *a, struct why *w)
{
	struct json *all = json_new_object(a);
	struct buf b = buf_in(a, 0);

	for (size_t i = 0; lab_shapes[i]; i++) {
		const struct lab_shape *s = lab_shapes[i];
		struct json *shape = json_new_object(a), *fields, *values;

		if (o->tee && strcmp(o->tee, s->tee) != 0)
			continue;
		TRY(json_parse(a, slice_cstr(s->fields), NULL, &fields, w));
		TRY(json_parse(a, slice_cstr(s->values), NULL, &values, w));
		json_set(a, shape, "what", json_new_cstr(a, s->what));
		if (s->variants)
			json_set(a, shape, "variants", json_new_cstr(a, s->variants));
		json_set(a, shape, "fields", fields);
		json_set(a, shape, "values", values);
		json_set(a, all, s->tee, shape);
	}
	json_write_pretty(&b, all);
	printf("%s\n", buf_cstr(&b));
	return arena_bad(a) ? lab_failed(w, "a list") : rc_of(OK);
}

/* {"amd-crl": "revoked"} of "amd-crl:revoked". */
static rc faults_of(const struct options *o, struct arena *a, struct slice *out, struct why *w)
{
	struct json *doc = json_new_object(a);

	for (unsigned i = 0; i < o->faults.n; i++) {
		const char *colon = strchr(o->faults.v[i], ':');

		if (!colon)
			return deny(w, E_MALFORMED, "cli.usage.fault", "--fault: \"%s\" is not KIND:FAULT", o->faults.v[i]);
		json_set_slice(a, doc, slice_of(o->faults.v[i], (size_t)(colon - o->faults.v[i])), json_new_cstr(a, colon + 1));
	}
	*out = json_text(a, doc);
	return rc_of(OK);
}

static void listening(void *ctx, const char *address)
{
	(void)ctx;
	printf("listening at http://%s\n", address);
	fflush(stdout);
}

static rc serve(const struct options *o, struct arena *a, struct why *w)
{
	struct serve_config c = {.listen = o->listen ? o->listen : "127.0.0.1:0", .ready = listening};
	struct vendor *v;
	struct slice faults;
	uint64_t idle = 0;
	rc r;

	TRY(need(o->state, "state", w));
	if (o->idle && (!json_u64(json_new_number(a, slice_cstr(o->idle)), &idle) || idle < 1 || idle > 86400))
		return deny(w, E_MALFORMED, "cli.usage.idle", "--idle takes seconds from 1 to 86400, it is \"%s\"", o->idle);
	c.idle_s = (unsigned)idle;
	TRY(faults_of(o, a, &faults, w));
	TRY(vendor_open(o->state, &clock_system, &v, w));
	r = vendor_set_faults(v, faults, w);
	if (rc_ok(r))
		r = lab_serve(v, &c, w);
	vendor_close(v);
	return r;
}

static const struct verb verbs[] = {
	{"make", "make the worlds, or the one of --tee, and the anchors for a broker's trust_dir", "--state DIR [--tee TEE] [--variant NAME]", make},
	{"evidence", "print what a guest of --tee sends", "--state DIR --tee TEE [--set NAME=VALUE ...]", evidence},
	{"serve", "be the vendors' services on this host", "--state DIR [--listen 127.0.0.1:PORT] [--idle SECONDS] [--fault KIND:FAULT ...]", serve},
	{"list", "print the shapes: fields of their evidence, reference values that suit it", "[--tee TEE]", list},
};

static char *verb_list(struct arena *a)
{
	struct buf b = buf_in(a, 0);

	for (size_t i = 0; i < COUNT_OF(verbs); i++)
		buf_printf(&b, "  %-10s %s\n%13s%s\n", verbs[i].name, verbs[i].summary, "", verbs[i].usage);
	buf_puts(&b, "\nguide: docs/lab.md\n");
	return buf_cstr(&b);
}

static const struct verb *find_verb(const struct cli_args *args)
{
	for (size_t i = 0; args->n == 1 && i < COUNT_OF(verbs); i++)
		if (strcmp(verbs[i].name, args->v[0]) == 0)
			return &verbs[i];
	return NULL;
}

int main(int argc, char **argv)
{
	struct arena *a = arena_new((size_t)256 << 20);
	struct why w = why_in(a);
	struct options o = {0};
	const struct cli_opt opts[] = {
		{"state", "DIR", "folder of the worlds", &o.state},
		{"tee", "TEE", "shape: see list", &o.tee},
		{"variant", "NAME", "of the shape; default: its first", &o.variant},
		{"small-keys", NULL, "RSA of 2048 bits where the vendor has 4096", NULL, &o.small_keys},
		{"report-data", "HEX", "what the evidence is bound to", &o.report_data},
		{"init-data", "HEX", "digest of init-data", &o.init_data},
		{"listen", "ADDRESS:PORT", "of this host's own; default 127.0.0.1:0, which prints its port", &o.listen},
		{"idle", "SECONDS", "end when nobody asked for so long; default 600", &o.idle},
		{"fault", "KIND:FAULT", "of the services, e.g. amd-crl:revoked; several times", NULL, NULL, &o.faults},
		{"set", "NAME=VALUE", "a field of the evidence; several times", NULL, NULL, &o.set},
	};
	const struct verb *v;
	struct cli_args args;
	bool done;
	int code = cli_parse(argc, argv, opts, COUNT_OF(opts), "warrant-lab VERB [options]", verb_list(a), &args, &done);

	if (code == CLI_OK && !done) {
		v = find_verb(&args);
		if (!v)
			code = cli_usage("warrant-lab takes one verb: make, evidence, serve or list");
		else if (!rc_ok(v->run(&o, a, &w)))
			code = cli_fail(&w);
	}
	arena_free(a);
	return code;
}
