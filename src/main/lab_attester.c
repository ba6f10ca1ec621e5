/* lab_attester.c - evidence of a world of the laboratory in place of this machine's: `kbs-client attest --lab`. */
#include "base/sys.h"
#include "cli/commands.h"
#include "codec/toml.h"
#include "crypto/digest.h"
#include "lab/lab.h"

/* As a launcher would measure it: the hash that the text names, over the text. */
static rc measure(struct slice text, struct arena *a, struct slice *out, struct why *w)
{
	uint8_t *d = arena_alloc(a, DIGEST_MAX);
	struct slice name = {0};
	enum digest_alg alg;
	struct json *doc;

	if (!text.p)
		return rc_of(OK);
	TRY(toml_parse(a, text, &doc, "init-data", w));
	TRY(json_need_str(doc, "algorithm", &name, "init-data", w));
	alg = digest_by_name(name);
	if (!alg || !d)
		return deny(w, E_UNSUPPORTED, "lab.init-data", "init-data names an unknown hash");
	TRY(digest(alg, text, d, w));
	*out = slice_of(d, digest_size(alg));
	return rc_of(OK);
}

static rc evidence(const struct attester_options *o, struct slice report_data, struct arena *a, struct slice *out, struct why *w)
{
	const struct cli_lab_request *q = o->lab;
	struct lab_binding b = {.report_data = report_data, .now_s = clock_now_s(&clock_system)};
	struct json *fields;
	struct lab_world l;

	if (strcmp(q->tee, "se") == 0)
		b.challenge = o->challenge;
	TRY(measure(q->init_data, a, &b.init_data, w));
	TRY(lab_load(q->state, q->tee, a, &l, w));
	TRY(lab_fields(q->set, q->set_n, q->tee, a, &fields, w));
	return lab_evidence(&l, &b, fields, a, out, w);
}

static rc find(const char *tee, struct attester *out, struct why *w)
{
	const struct lab_shape *s = lab_shape_find(tee);

	if (!s)
		return deny(w, E_UNSUPPORTED, "lab.tee", "the laboratory has no shape \"%s\": `warrant-lab list` has them", tee);
	*out = (struct attester){.tee = s->tee, .evidence = evidence};
	return rc_of(OK);
}

static const struct cli_lab lab = {find};
const struct cli_lab *const cli_lab = &lab;
