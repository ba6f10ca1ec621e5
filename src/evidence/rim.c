#include "evidence/rim.h"

#include <libxml/c14n.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <stdlib.h>

#include "base/secret.h"
#include "base/utf8.h"
#include "codec/base64.h"
#include "crypto/digest.h"
#include "crypto/pkey.h"

#define NS_SWID "http://standards.iso.org/iso/19770/-2/2015/schema.xsd"
#define NS_RIM "https://trustedcomputinggroup.org/resource/tcg-reference-integrity-manifest-rim-information-model/"
#define NS_SHA384 "http://www.w3.org/2001/04/xmlenc#sha384"
#define NS_DSIG "http://www.w3.org/2000/09/xmldsig#"

struct reader {
	struct arena *a;
	struct why *w;
	xmlDoc *doc;
	xmlNode *root, *sig;
};

/* ---- small helpers over the tree ---- */

static bool is_element(const xmlNode *n, const char *ns, const char *name)
{
	return n->type == XML_ELEMENT_NODE && n->ns && n->ns->href && xmlStrEqual(n->ns->href, (const xmlChar *)ns) &&
	       xmlStrEqual(n->name, (const xmlChar *)name);
}

/* The only child element of that name; NULL when there is none or more than one. */
static xmlNode *only_child(const xmlNode *parent, const char *ns, const char *name)
{
	xmlNode *found = NULL;

	for (xmlNode *n = parent ? parent->children : NULL; n; n = n->next) {
		if (!is_element(n, ns, name))
			continue;
		if (found)
			return NULL;
		found = n;
	}
	return found;
}

static unsigned count_elements(const xmlNode *parent)
{
	unsigned n = 0;

	for (const xmlNode *c = parent->children; c; c = c->next)
		n += c->type == XML_ELEMENT_NODE;
	return n;
}

/* Attribute text in the arena; NULL when absent. ns NULL: an attribute without name space. */
static const char *attribute(const struct reader *r, const xmlNode *n, const char *name, const char *ns)
{
	xmlChar *v = ns ? xmlGetNsProp(n, (const xmlChar *)name, (const xmlChar *)ns)
			: xmlGetNoNsProp(n, (const xmlChar *)name);
	const char *copy = v ? arena_strdup(r->a, (const char *)v) : NULL;

	xmlFree(v);
	return copy;
}

/* Base64 with the white space that XML allows in it. */
static RC base64_content(const struct reader *r, const xmlNode *n, struct slice *out, const char *what)
{
	xmlChar *text = n ? xmlNodeGetContent(n) : NULL;
	struct buf b = buf_in(r->a, RIM_BYTES_MAX);

	if (!text)
		return deny(r->w, E_MALFORMED, "rim.parse.signature", "the signature has no %s", what);
	for (const xmlChar *p = text; *p; p++)
		if (*p != ' ' && *p != '\t' && *p != '\n' && *p != '\r')
			buf_putc(&b, (char)*p);
	xmlFree(text);
	if (!buf_ok(&b))
		return deny(r->w, E_INTERNAL, "rim.memory", "no memory for %s", what);
	return b64_decode(r->a, B64_STD, buf_view(&b), out, what, r->w);
}

/* ---- canonical forms ---- */

struct c14n_alg {
	const char *uri;
	int mode;
};

static const struct c14n_alg c14n_algs[] = {
	{"http://www.w3.org/2006/12/xml-c14n11", XML_C14N_1_1},
	{"http://www.w3.org/TR/2001/REC-xml-c14n-20010315", XML_C14N_1_0},
	{"http://www.w3.org/2001/10/xml-exc-c14n#", XML_C14N_EXCLUSIVE_1_0},
};

static const struct c14n_alg *c14n_by_uri(const char *uri)
{
	for (size_t i = 0; uri && i < sizeof(c14n_algs) / sizeof(c14n_algs[0]); i++)
		if (!strcmp(c14n_algs[i].uri, uri))
			return &c14n_algs[i];
	return NULL;
}

/* Is the node in the tree below `top`? A name space node has no parent: its element decides. */
static bool below(const xmlNode *node, const xmlNode *parent, const xmlNode *top)
{
	if (node && node->type != XML_NAMESPACE_DECL)
		parent = node;
	for (; parent; parent = parent->parent)
		if (parent == top)
			return true;
	return false;
}

static int visible_inside(void *top, xmlNode *node, xmlNode *parent)
{
	return below(node, parent, (const xmlNode *)top);
}

static int visible_outside(void *top, xmlNode *node, xmlNode *parent)
{
	return !below(node, parent, (const xmlNode *)top);
}

static RC canonical(const struct reader *r, xmlC14NIsVisibleCallback visible, xmlNode *top, const struct c14n_alg *alg,
		    struct slice *out)
{
	xmlOutputBuffer *b = xmlAllocOutputBuffer(NULL);
	struct slice text = {0};

	if (b && xmlC14NExecute(r->doc, visible, top, alg->mode, NULL, 0, b) >= 0 && xmlOutputBufferFlush(b) >= 0)
		text = arena_dup(r->a, slice_of(xmlOutputBufferGetContent(b), xmlOutputBufferGetSize(b)));
	if (b)
		xmlOutputBufferClose(b);
	if (!text.p)
		return deny(r->w, E_MALFORMED, "rim.parse.canonical", "the document has no canonical form");
	*out = text;
	return rc_of(OK);
}

/* ---- the signature ---- */

static const struct {
	const char *uri;
	enum sig_alg alg;
} sig_algs[] = {
	{"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", SIG_ES256},
	{"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384", SIG_ES384},
	{"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512", SIG_ES512},
};

static const struct {
	const char *uri;
	enum digest_alg alg;
} digest_algs[] = {
	{"http://www.w3.org/2001/04/xmlenc#sha256", DIGEST_SHA256},
	{"http://www.w3.org/2001/04/xmldsig-more#sha384", DIGEST_SHA384},
	{"http://www.w3.org/2001/04/xmlenc#sha512", DIGEST_SHA512},
};

static RC unsupported(const struct reader *r, const char *what, const char *uri)
{
	return deny(r->w, E_UNSUPPORTED, "rim.unsupported.signature", "%s: %s is not supported", what, uri ? uri : "nothing");
}

/* The algorithm element must have no parameters: they would change what is signed. */
static const char *bare_algorithm(const struct reader *r, const xmlNode *parent, const char *name)
{
	const xmlNode *n = only_child(parent, NS_DSIG, name);

	return n && count_elements(n) == 0 ? attribute(r, n, "Algorithm", NULL) : NULL;
}

/* Transforms must be: enveloped-signature, then at most one canonical form. */
static RC read_transforms(const struct reader *r, const xmlNode *ref, const struct c14n_alg **out)
{
	const xmlNode *list = only_child(ref, NS_DSIG, "Transforms");
	unsigned at = 0;

	*out = &c14n_algs[1];	/* a node set becomes octets by C14N 1.0 when nothing is named */
	for (const xmlNode *n = list ? list->children : NULL; n; n = n->next) {
		const char *uri;

		if (n->type != XML_ELEMENT_NODE)
			continue;
		uri = is_element(n, NS_DSIG, "Transform") && count_elements(n) == 0 ? attribute(r, n, "Algorithm", NULL) : NULL;
		if (at == 0 && (!uri || strcmp(uri, NS_DSIG "enveloped-signature")))
			return unsupported(r, "first transform", uri);
		if (at == 1 && !(*out = c14n_by_uri(uri)))
			return unsupported(r, "second transform", uri);
		if (++at > 2)
			return unsupported(r, "a third transform", uri);
	}
	return at ? rc_of(OK) : unsupported(r, "a reference without transforms", NULL);
}

static RC read_reference(const struct reader *r, const xmlNode *info, struct rim *out)
{
	const xmlNode *ref = only_child(info, NS_DSIG, "Reference");
	const struct c14n_alg *form;
	const char *uri, *alg_uri;
	struct slice text;
	enum digest_alg alg = 0;
	uint8_t md[DIGEST_MAX];

	if (!ref)
		return deny(r->w, E_MALFORMED, "rim.parse.signature", "the signature must have one reference");
	uri = attribute(r, ref, "URI", NULL);
	if (!uri || *uri)
		return unsupported(r, "a reference to a part of the document", uri);
	TRY(read_transforms(r, ref, &form));
	alg_uri = bare_algorithm(r, ref, "DigestMethod");
	for (size_t i = 0; alg_uri && i < sizeof(digest_algs) / sizeof(digest_algs[0]); i++)
		if (!strcmp(digest_algs[i].uri, alg_uri))
			alg = digest_algs[i].alg;
	if (!alg)
		return unsupported(r, "digest method", alg_uri);
	TRY(base64_content(r, only_child(ref, NS_DSIG, "DigestValue"), &out->digest_expected, "digest value"));
	TRY(canonical(r, visible_outside, r->sig, form, &text));
	TRY(digest(alg, text, md, r->w));
	out->digest_found = arena_dup(r->a, slice_of(md, digest_size(alg)));
	return rc_of(OK);
}

static RC read_signature(const struct reader *r, struct rim *out)
{
	xmlNode *info = only_child(r->sig, NS_DSIG, "SignedInfo");
	const xmlNode *x509 = only_child(only_child(r->sig, NS_DSIG, "KeyInfo"), NS_DSIG, "X509Data");
	const struct c14n_alg *form;
	const char *uri;

	if (!info || !x509)
		return deny(r->w, E_MALFORMED, "rim.parse.signature", "the signature lacks SignedInfo or X509Data");
	uri = bare_algorithm(r, info, "CanonicalizationMethod");
	form = c14n_by_uri(uri);
	if (!form)
		return unsupported(r, "canonicalization method", uri);
	uri = bare_algorithm(r, info, "SignatureMethod");
	for (size_t i = 0; uri && i < sizeof(sig_algs) / sizeof(sig_algs[0]); i++)
		if (!strcmp(sig_algs[i].uri, uri))
			out->sig_alg = (int)sig_algs[i].alg;
	if (!out->sig_alg)
		return unsupported(r, "signature method", uri);
	TRY(read_reference(r, info, out));
	TRY(canonical(r, visible_inside, info, form, &out->signed_info));
	TRY(base64_content(r, only_child(r->sig, NS_DSIG, "SignatureValue"), &out->signature, "signature value"));
	for (const xmlNode *n = x509->children; n; n = n->next) {
		if (!is_element(n, NS_DSIG, "X509Certificate"))
			continue;
		if (out->certs_n == RIM_CERTS_MAX)
			return deny(r->w, E_LIMIT, "rim.limit.certificates", "more than %u certificates", RIM_CERTS_MAX);
		TRY(base64_content(r, n, &out->certs[out->certs_n], "certificate"));
		out->certs_n++;
	}
	return out->certs_n ? rc_of(OK) : deny(r->w, E_MALFORMED, "rim.parse.signature", "no certificate in X509Data");
}

/* ---- the payload ---- */

static bool read_number(const char *text, uint32_t max, uint32_t *out)
{
	uint64_t v = 0;

	if (!text || !*text || strlen(text) > 9)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		v = v * 10 + (uint64_t)(*text - '0');
	}
	*out = (uint32_t)v;
	return v <= max;
}

static RC read_resource(const struct reader *r, const xmlNode *n, struct rim_measure *m)
{
	const char *active = attribute(r, n, "active", NULL), *text;
	uint32_t index, alternatives = 0;
	char name[16];

	if (!read_number(attribute(r, n, "index", NULL), 65535, &index) ||
	    !read_number(attribute(r, n, "size", NULL), 4096, &m->size))
		return deny(r->w, E_MALFORMED, "rim.parse.resource", "a measurement without a valid index and size");
	m->index = index;
	if (!active || (strcasecmp(active, "true") && strcasecmp(active, "false")))
		return deny(r->w, E_MALFORMED, "rim.parse.resource", "measurement %u: active is neither true nor false", index);
	m->active = !strcasecmp(active, "true");
	for (unsigned i = 0; i < RIM_HASHES_MAX; i++) {
		snprintf(name, sizeof(name), "Hash%u", i);
		text = attribute(r, n, name, NS_SHA384);
		if (!text)
			break;
		TRY(hex_decode(r->a, slice_cstr(text), &m->hashes[i], "golden measurement", r->w));
		m->hashes_n++;
	}
	text = attribute(r, n, "alternatives", NULL);
	if (text && (!read_number(text, RIM_HASHES_MAX, &alternatives) || alternatives != m->hashes_n))
		return deny(r->w, E_MALFORMED, "rim.parse.resource", "measurement %u says %s alternatives and has %u", index, text,
			    m->hashes_n);
	if (m->active && m->hashes_n == 0)
		return deny(r->w, E_MALFORMED, "rim.parse.resource", "measurement %u is active and has no value", index);
	return rc_of(OK);
}

static RC read_payload(const struct reader *r, struct rim *out)
{
	const xmlNode *meta = only_child(r->root, NS_SWID, "Meta"), *payload = only_child(r->root, NS_SWID, "Payload");

	if (!meta || !payload)
		return deny(r->w, E_MALFORMED, "rim.parse.document", "the tag must have one Meta and one Payload");
	out->manufacturer = attribute(r, meta, "PlatformManufacturerStr", NS_RIM);
	out->edition = attribute(r, meta, "edition", NULL);
	out->product = attribute(r, meta, "product", NULL);
	out->version = attribute(r, meta, "colloquialVersion", NULL);
	out->measures = arena_array(r->a, RIM_MEASURES_MAX, struct rim_measure);
	if (!out->measures)
		return deny(r->w, E_INTERNAL, "rim.memory", "no memory for measurements");
	for (const xmlNode *n = payload->children; n; n = n->next) {
		const char *type;

		if (!is_element(n, NS_SWID, "Resource"))
			continue;
		type = attribute(r, n, "type", NULL);
		if (!type || strcmp(type, "Measurement"))
			continue;
		if (out->measures_n == RIM_MEASURES_MAX)
			return deny(r->w, E_LIMIT, "rim.limit.measurements", "more than %u measurements", RIM_MEASURES_MAX);
		TRY(read_resource(r, n, &out->measures[out->measures_n]));
		for (unsigned i = 0; i < out->measures_n; i++)
			if (out->measures[i].index == out->measures[out->measures_n].index)
				return deny(r->w, E_MALFORMED, "rim.parse.resource", "measurement %u stands twice",
					    out->measures[i].index);
		out->measures_n++;
	}
	return rc_of(OK);
}

/* ---- the document ---- */

/* Every element: depth, and only the one signature, directly below the root. */
static RC check_tree(struct reader *r)
{
	xmlNode *n = r->root;
	unsigned depth = 1;

	while (n) {
		if (depth > RIM_DEPTH_MAX)
			return deny(r->w, E_LIMIT, "rim.limit.depth", "nested deeper than %u", RIM_DEPTH_MAX);
		if (n->type == XML_ENTITY_REF_NODE || n->type == XML_PI_NODE)
			return deny(r->w, E_MALFORMED, "rim.parse.document", "entities and processing instructions are refused");
		if (is_element(n, NS_DSIG, "Signature")) {
			if (r->sig || n->parent != r->root)
				return deny(r->w, E_MALFORMED, "rim.parse.signature", "more than one signature, or a nested one");
			r->sig = n;
		}
		if (n->children && n->type == XML_ELEMENT_NODE) {
			n = n->children;
			depth++;
			continue;
		}
		while (n != r->root && !n->next) {
			n = n->parent;
			depth--;
		}
		n = n == r->root ? NULL : n->next;
	}
	return r->sig ? rc_of(OK) : deny(r->w, E_MALFORMED, "rim.parse.signature", "the document is not signed");
}

static RC read_doc(struct reader *r, struct rim *out)
{
	struct rim rim = {0};

	r->root = xmlDocGetRootElement(r->doc);
	if (!r->root || !is_element(r->root, NS_SWID, "SoftwareIdentity") || r->doc->intSubset || r->doc->extSubset)
		return deny(r->w, E_MALFORMED, "rim.parse.document", "the document is no SoftwareIdentity tag");
	TRY(check_tree(r));
	TRY(read_payload(r, &rim));
	TRY(read_signature(r, &rim));
	if (arena_bad(r->a))
		return deny(r->w, E_INTERNAL, "rim.memory", "no memory for a manifest");
	*out = rim;
	return rc_of(OK);
}

static void no_print(void *ctx, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void no_print(void *ctx, const char *fmt, ...)
{
	(void)ctx;
	(void)fmt;
}

RC rim_parse(struct arena *a, struct slice xml, struct rim *out, struct why *w)
{
	struct reader r = {.a = a, .w = w};
	rc res;

	if (xml.n > RIM_BYTES_MAX)
		return deny(w, E_LIMIT, "rim.limit.size", "%zu bytes, at most %u are read", xml.n, RIM_BYTES_MAX);
	/* before the parser sees it: UTF-8 only, and no document type, so there are no entities to expand or to fetch */
	if (!utf8_valid(xml) || memchr(xml.p ? xml.p : (const uint8_t *)"", 0, xml.n))
		return deny(w, E_MALFORMED, "rim.parse.encoding", "a manifest is UTF-8 text");
	if (xml.n && memmem(xml.p, xml.n, "<!DOCTYPE", 9))
		return deny(w, E_MALFORMED, "rim.parse.doctype", "a document type declaration is refused");
	xmlInitParser();
	xmlSetGenericErrorFunc(NULL, no_print);	/* of this thread: the library would print to standard error */
	r.doc = xmlReadMemory((const char *)xml.p, (int)xml.n, "rim.xml", "UTF-8",
			      XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	if (!r.doc)
		return deny(w, E_MALFORMED, "rim.parse.xml", "the manifest is not well-formed XML");
	res = read_doc(&r, out);
	xmlFreeDoc(r.doc);
	return res;
}

RC rim_check_signature(const struct rim *rim, const struct pkey *signer, const char *reason, struct why *w)
{
	if (!slice_eq(rim->digest_found, rim->digest_expected))
		return deny(w, E_DENIED, reason, "the document is not the one that was signed: its digest differs");
	return pkey_verify(signer, (enum sig_alg)rim->sig_alg, rim->signed_info, rim->signature, reason, w);
}
