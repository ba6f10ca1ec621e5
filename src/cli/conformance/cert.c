#include "cli/conformance/cert.h"

#include "base/sys.h"
#include "evidence/octets.h"

rc conf_chain_add(struct conf_chain *ch, struct slice der, const char *reason, struct why *w)
{
	struct why inner = why_in(w->arena);
	rc r;

	if (ch->n == CONF_CHAIN_MAX)
		return deny(w, E_LIMIT, reason, "more than %u certificates", CONF_CHAIN_MAX);
	r = x509_from_any(der, &ch->c[ch->n], &inner);
	TRY(recast(r, &inner, reason, reason, w));
	ch->n++;
	return rc_of(OK);
}

void conf_chain_free(struct conf_chain *ch)
{
	x509_free_all(ch->c, ch->n);
	ch->n = 0;
}

rc conf_chain_check(const struct conf_chain *ch, struct x509 *const *roots, size_t roots_n, const char *reason, struct x509_path *path,
		    struct why *w)
{
	const struct x509_rules rules = {.chain = reason, .expired = reason};
	struct x509 *pool[CONF_CHAIN_MAX * 2];
	size_t n = 0;

	if (ch->n == 0)
		return deny(w, E_DENIED, reason, "there is no certificate");
	for (size_t i = 1; i < ch->n; i++)
		pool[n++] = ch->c[i];
	for (size_t i = 0; i < roots_n && n < CONF_CHAIN_MAX * 2; i++)
		pool[n++] = roots[i];
	return x509_path_build(ch->c[0], pool, n, &rules, path, w);
}

struct json *conf_spaced_time(struct arena *a, int64_t t)
{
	char text[32];

	time_rfc3339(t, text);
	return json_new_cstr(a, arena_printf(a, "%.10s %.8s+00:00", text, text + 11));
}

struct json *conf_chain_subjects(struct arena *a, const struct conf_chain *ch)
{
	struct json *out = json_new_array(a);

	for (size_t i = 0; i < ch->n; i++)
		json_push(a, out, json_new_cstr(a, x509_subject_text(ch->c[i], a)));
	return out;
}

struct json *conf_chain_validity(struct arena *a, const struct conf_chain *ch)
{
	struct json *out = json_new_array(a);

	for (size_t i = 0; i < ch->n; i++) {
		struct json *pair = json_new_array(a);

		json_push(a, pair, conf_spaced_time(a, x509_not_before(ch->c[i])));
		json_push(a, pair, conf_spaced_time(a, x509_not_after(ch->c[i])));
		json_push(a, out, pair);
	}
	return out;
}
