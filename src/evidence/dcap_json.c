/* Reading of TCB info and QE identity. */
#include "evidence/dcap_tcb.h"

#include <stdlib.h>

#include "base/num.h"
#include "base/sys.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "evidence/octets.h"

static const struct {
	enum dcap_status status;
	const char *text;
} statuses[] = {
	{DCAP_UP_TO_DATE, "UpToDate"},
	{DCAP_SW_HARDENING_NEEDED, "SWHardeningNeeded"},
	{DCAP_CONFIGURATION_NEEDED, "ConfigurationNeeded"},
	{DCAP_CONFIGURATION_AND_SW_HARDENING_NEEDED, "ConfigurationAndSWHardeningNeeded"},
	{DCAP_OUT_OF_DATE, "OutOfDate"},
	{DCAP_OUT_OF_DATE_CONFIGURATION_NEEDED, "OutOfDateConfigurationNeeded"},
	{DCAP_REVOKED, "Revoked"},
	{DCAP_TD_RELAUNCH_ADVISED, "TDRelaunchAdvised"},
	{DCAP_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED, "TDRelaunchAdvisedConfigurationNeeded"},
};

const char *dcap_status_text(enum dcap_status s)
{
	for (size_t i = 0; i < COUNT_OF(statuses); i++)
		if (statuses[i].status == s)
			return statuses[i].text;
	return NULL;
}

/* Everything that one document needs while it is read. */
struct reader {
	struct arena *a;
	struct why *w;	/* inner: recast at the end */
	const char *what;
};

static RC out_of_memory(struct reader *r)
{
	return deny(r->w, E_INTERNAL, "dcap.memory", "%s: no memory", r->what);
}

static RC need_hex(struct reader *r, const struct json *obj, const char *name, uint8_t *out, size_t n)
{
	struct slice text;

	TRY(json_need_str(obj, name, &text, r->what, r->w));
	return hex_decode_into(text, out, n, name, r->w);
}

static RC need_date(struct reader *r, const struct json *obj, const char *name, int64_t *out)
{
	struct slice text;

	TRY(json_need_str(obj, name, &text, r->what, r->w));
	return time_parse_rfc3339(text, out, r->w);
}

static RC need_number(struct reader *r, const struct json *obj, const char *name, uint64_t max, uint64_t *out)
{
	return json_need_u64(obj, name, max, out, r->what, r->w);
}

static RC need_list(struct reader *r, const struct json *obj, const char *name, size_t max, const struct json **out)
{
	TRY(json_need(obj, name, JSON_ARRAY, out, r->what, r->w));
	if ((*out)->n > max)
		return deny(r->w, E_LIMIT, "dcap.limit", "%s: %s has %zu entries, the most is %zu", r->what, name, (*out)->n,
			    max);
	return rc_of(OK);
}

/* Only states that a level may have: a relaunch advice is a result. */
static RC read_status(struct reader *r, const struct json *level, enum dcap_status *out)
{
	struct slice text;

	TRY(json_need_str(level, "tcbStatus", &text, r->what, r->w));
	for (size_t i = 0; i < COUNT_OF(statuses); i++)
		if (statuses[i].status <= DCAP_REVOKED && slice_is(text, statuses[i].text)) {
			*out = statuses[i].status;
			return rc_of(OK);
		}
	return deny(r->w, E_MALFORMED, "dcap.status", "%s: tcbStatus \"" SLICE_FMT "\" is unknown", r->what,
		    SLICE_ARG(text));
}

static RC read_advisories(struct reader *r, const struct json *level, struct dcap_level *out)
{
	const struct json *list = json_get(level, "advisoryIDs");
	struct slice *ids;

	if (!list || list->kind == JSON_NULL)
		return rc_of(OK);
	TRY(need_list(r, level, "advisoryIDs", DCAP_ADVISORIES_MAX, &list));
	ids = arena_array(r->a, list->n + 1, struct slice);
	if (!ids)
		return out_of_memory(r);
	for (size_t i = 0; i < list->n; i++) {
		const struct json *id = json_at(list, i);

		if (!json_is(id, JSON_STRING))
			return deny(r->w, E_MALFORMED, "dcap.advisory", "%s: an advisory id must be a string, not %s",
				    r->what, json_kind_name(id));
		ids[i] = id->text;
	}
	out->advisories = ids;
	out->advisories_n = list->n;
	return rc_of(OK);
}

/* The members that levels of every kind have. */
static RC read_level(struct reader *r, const struct json *level, struct dcap_level *out, const struct json **tcb)
{
	TRY(json_need(level, "tcb", JSON_OBJECT, tcb, r->what, r->w));
	TRY(need_date(r, level, "tcbDate", &out->date));
	TRY(read_status(r, level, &out->status));
	return read_advisories(r, level, out);
}

/* "isvsvn" levels, of a QE or a TDX module, in file order. */
static RC read_svn_levels(struct reader *r, const struct json *obj, const struct dcap_level **out, size_t *n)
{
	const struct json *list, *tcb;
	struct dcap_level *levels;
	uint64_t v;

	TRY(need_list(r, obj, "tcbLevels", DCAP_LEVELS_MAX, &list));
	levels = arena_array(r->a, list->n + 1, struct dcap_level);
	if (!levels)
		return out_of_memory(r);
	for (size_t i = 0; i < list->n; i++) {
		TRY(read_level(r, json_at(list, i), &levels[i], &tcb));
		TRY(need_number(r, tcb, "isvsvn", UINT16_MAX, &v));
		levels[i].isvsvn = (uint16_t)v;
	}
	*out = levels;
	*n = list->n;
	return rc_of(OK);
}

/* Version 3: an array of 16 objects with "svn". */
static RC read_components(struct reader *r, const struct json *tcb, const char *name, uint8_t out[DCAP_COMPONENTS])
{
	const struct json *list;
	uint64_t v;

	TRY(need_list(r, tcb, name, DCAP_COMPONENTS, &list));
	if (list->n != DCAP_COMPONENTS)
		return deny(r->w, E_MALFORMED, "dcap.components", "%s: %s has %zu components, expected %u", r->what, name,
			    list->n, DCAP_COMPONENTS);
	for (size_t i = 0; i < DCAP_COMPONENTS; i++) {
		TRY(need_number(r, json_at(list, i), "svn", UINT8_MAX, &v));
		out[i] = (uint8_t)v;
	}
	return rc_of(OK);
}

/* Version 2: sixteen members "sgxtcbcomp01svn". */
static RC read_components_v2(struct reader *r, const struct json *tcb, uint8_t out[DCAP_COMPONENTS])
{
	char name[] = "sgxtcbcomp00svn";
	uint64_t v;

	for (size_t i = 0; i < DCAP_COMPONENTS; i++) {
		name[10] = (char)('0' + (i + 1) / 10);
		name[11] = (char)('0' + (i + 1) % 10);
		TRY(need_number(r, tcb, name, UINT8_MAX, &v));
		out[i] = (uint8_t)v;
	}
	return rc_of(OK);
}

static int higher_first(const void *pa, const void *pb)
{
	const struct dcap_level *a = pa, *b = pb;
	int c = memcmp(b->sgx, a->sgx, sizeof(a->sgx));

	if (!c)
		c = (b->pcesvn > a->pcesvn) - (b->pcesvn < a->pcesvn);
	return c ? c : memcmp(b->tdx, a->tdx, sizeof(a->tdx));
}

static RC read_platform_levels(struct reader *r, const struct json *obj, struct dcap_tcb_info *out)
{
	const struct json *list, *tcb;
	struct dcap_level *levels;
	uint64_t v;

	TRY(need_list(r, obj, "tcbLevels", DCAP_LEVELS_MAX, &list));
	levels = arena_array(r->a, list->n + 1, struct dcap_level);
	if (!levels)
		return out_of_memory(r);
	for (size_t i = 0; i < list->n; i++) {
		struct dcap_level *l = &levels[i];

		TRY(read_level(r, json_at(list, i), l, &tcb));
		TRY(need_number(r, tcb, "pcesvn", UINT16_MAX, &v));
		l->pcesvn = (uint16_t)v;
		if (out->version == 2)
			TRY(read_components_v2(r, tcb, l->sgx));
		else
			TRY(read_components(r, tcb, "sgxtcbcomponents", l->sgx));
		if (json_get(tcb, "tdxtcbcomponents"))
			TRY(read_components(r, tcb, "tdxtcbcomponents", l->tdx));
		else
			out->no_tdx_components = true;
	}
	qsort(levels, list->n, sizeof(*levels), higher_first);
	out->levels = levels;
	out->levels_n = list->n;
	return rc_of(OK);
}

static RC read_module(struct reader *r, const struct json *obj, struct dcap_module *out)
{
	uint8_t mask[8];

	TRY(need_hex(r, obj, "mrsigner", out->mrsigner, sizeof(out->mrsigner)));
	TRY(need_hex(r, obj, "attributes", out->attributes, sizeof(out->attributes)));
	/* The mask is never applied: every SEAM attribute counts (verifiers.md 5.5 step 7). */
	return need_hex(r, obj, "attributesMask", mask, sizeof(mask));
}

static RC read_modules(struct reader *r, const struct json *info, struct dcap_tcb_info *out)
{
	const struct json *one = json_get(info, "tdxModule"), *list = json_get(info, "tdxModuleIdentities");
	struct dcap_module *modules;

	if (one) {
		TRY(json_need(info, "tdxModule", JSON_OBJECT, &one, r->what, r->w));
		TRY(read_module(r, one, &out->module));
		out->has_module = true;
	}
	if (!list)
		return rc_of(OK);
	TRY(need_list(r, info, "tdxModuleIdentities", DCAP_MODULES_MAX, &list));
	modules = arena_array(r->a, list->n + 1, struct dcap_module);
	if (!modules)
		return out_of_memory(r);
	for (size_t i = 0; i < list->n; i++) {
		const struct json *m = json_at(list, i);

		TRY(json_need_str(m, "id", &modules[i].id, r->what, r->w));
		TRY(read_module(r, m, &modules[i]));
		TRY(read_svn_levels(r, m, &modules[i].levels, &modules[i].levels_n));
	}
	out->modules = modules;
	out->modules_n = list->n;
	return rc_of(OK);
}

static RC read_info(struct reader *r, const struct json *info, struct dcap_tcb_info *out)
{
	struct slice id = {0};
	uint64_t v;

	TRY(need_number(r, info, "version", 1000, &v));
	out->version = (unsigned)v;
	if (v != 2 && v != 3)
		return deny(r->w, E_UNSUPPORTED, "dcap.version", "%s: version %u, taken are 2 and 3", r->what, out->version);
	if (v == 3) {
		TRY(json_need_str(info, "id", &id, r->what, r->w));
		if (!slice_is(id, "SGX") && !slice_is(id, "TDX"))
			return deny(r->w, E_MALFORMED, "dcap.id", "%s: id \"" SLICE_FMT "\" is neither SGX nor TDX", r->what,
				    SLICE_ARG(id));
	}
	out->tee = slice_is(id, "TDX") ? DCAP_TDX : DCAP_SGX;	/* version 2 knows SGX only */
	TRY(need_date(r, info, "issueDate", &out->issue_date));
	TRY(need_date(r, info, "nextUpdate", &out->next_update));
	TRY(need_hex(r, info, "fmspc", out->fmspc, sizeof(out->fmspc)));
	TRY(need_hex(r, info, "pceId", out->pce_id, sizeof(out->pce_id)));
	TRY(need_number(r, info, "tcbType", UINT32_MAX, &v));
	if (v != 0)
		return deny(r->w, E_UNSUPPORTED, "dcap.tcb-type", "%s: tcbType %u, taken is 0", r->what, (unsigned)v);
	TRY(need_number(r, info, "tcbEvaluationDataNumber", UINT32_MAX, &v));
	out->evaluation = (uint32_t)v;
	if (out->tee == DCAP_TDX)
		TRY(read_modules(r, info, out));
	return read_platform_levels(r, info, out);
}

static RC read_identity(struct reader *r, const struct json *qe, struct dcap_qe_identity *out)
{
	uint64_t v;

	TRY(need_number(r, qe, "version", 1000, &v));
	if (v != 2 && v != 3)
		return deny(r->w, E_UNSUPPORTED, "dcap.version", "%s: version %u, taken are 2 and 3", r->what, (unsigned)v);
	TRY(json_need_str(qe, "id", &out->id, r->what, r->w));
	TRY(need_date(r, qe, "issueDate", &out->issue_date));
	TRY(need_date(r, qe, "nextUpdate", &out->next_update));
	TRY(need_number(r, qe, "tcbEvaluationDataNumber", UINT32_MAX, &v));
	out->evaluation = (uint32_t)v;
	TRY(need_hex(r, qe, "miscselect", out->miscselect, sizeof(out->miscselect)));
	TRY(need_hex(r, qe, "miscselectMask", out->miscselect_mask, sizeof(out->miscselect_mask)));
	TRY(need_hex(r, qe, "attributes", out->attributes, sizeof(out->attributes)));
	TRY(need_hex(r, qe, "attributesMask", out->attributes_mask, sizeof(out->attributes_mask)));
	TRY(need_hex(r, qe, "mrsigner", out->mrsigner, sizeof(out->mrsigner)));
	TRY(need_number(r, qe, "isvprodid", UINT16_MAX, &v));
	out->isvprodid = (uint16_t)v;
	return read_svn_levels(r, qe, &out->levels, &out->levels_n);
}

/* The two documents have one shape: an object to be signed, and the signature over its bytes. */
static RC open_signed(struct reader *r, struct slice text, const char *member, const struct json **body,
		      struct slice *signed_text, uint8_t signature[64])
{
	struct json_limits limits = {.max_bytes = DCAP_JSON_MAX, .max_depth = 12, .max_nodes = 100000};
	struct json *doc;

	TRY(json_parse(r->a, text, &limits, &doc, r->w));
	TRY(json_need(doc, member, JSON_OBJECT, body, r->what, r->w));
	TRY(need_hex(r, doc, "signature", signature, 64));
	*signed_text = (*body)->raw;
	return rc_of(OK);
}

RC dcap_tcb_info_parse(struct arena *a, struct slice text, struct dcap_tcb_info *out, struct why *w)
{
	struct why inner = why_in(a);
	struct reader r = {a, &inner, "TCB info"};
	struct dcap_tcb_info info = {0};
	const struct json *body;
	rc v = open_signed(&r, text, "tcbInfo", &body, &info.signed_text, info.signature);

	if (rc_ok(v))
		v = read_info(&r, body, &info);
	TRY(recast(v, &inner, "dcap.parse.tcb-info", "dcap.unsupported.tcb-info", w));
	*out = info;
	return v;
}

RC dcap_qe_identity_parse(struct arena *a, struct slice text, struct dcap_qe_identity *out, struct why *w)
{
	struct why inner = why_in(a);
	struct reader r = {a, &inner, "QE identity"};
	struct dcap_qe_identity qe = {0};
	const struct json *body;
	rc v = open_signed(&r, text, "enclaveIdentity", &body, &qe.signed_text, qe.signature);

	if (rc_ok(v))
		v = read_identity(&r, body, &qe);
	TRY(recast(v, &inner, "dcap.parse.qe-identity", "dcap.unsupported.qe-identity", w));
	*out = qe;
	return v;
}
