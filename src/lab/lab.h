/* lab.h - a laboratory of every TEE's shape: roots of keys made here, what a verifier must be told to trust them, and evidence
 * with chosen fields.
 *
 * A world is a list of named items - keys, certificates, collateral - and nothing else: written to a folder and read back it is the
 * same world, and evidence is a function of world, bindings and fields. Not for services: no room but main's warrant-lab and tests
 * includes it; nothing trusts these roots unless a configuration names them. Threads: one at a time. Spec: verifiers.md.
 */
#pragma once
#include "base/why.h"
#include "codec/json.h"

#define LAB_ITEMS_MAX 32u

struct lab_item {
	const char *name;	/* of its file: "root.pem" */
	struct slice bytes;
	const char *anchor;	/* set of anchors that this PEM belongs to ("aws-nitro-root"); NULL: none */
	const char *kind, *key;	/* collateral, as drivers ask for it; NULL: none */
};

struct lab_world {
	const char *tee;	/* whose evidence is made: any of the shapes that share the world */
	struct lab_item item[LAB_ITEMS_MAX];
	size_t n;
};

struct lab_options {
	const char *variant;	/* of the shape's list; NULL: its first */
	int64_t now_s;		/* certificates hold from a day before for a year */
	bool small_keys;	/* RSA of 2048 bits where the vendor has 4096 */
};

/* What the evidence must be bound to; p == NULL: zeros. */
struct lab_binding {
	struct slice report_data, init_data;
	int64_t now_s;		/* for evidence that carries a time of its own */
	struct slice challenge;	/* JSON text that the server asked with, where its TEE has one (se) */
};

struct lab_shape {
	const char *tee, *what;
	const char *world;	/* shapes of one vendor may share keys: name of their world; NULL: tee */
	const char *variants;	/* "rsa, ecc"; NULL: one only */
	bool init_data;		/* evidence has a field for it */
	const char *fields;	/* JSON object: the fields of evidence and their good values */
	const char *values;	/* JSON object: reference values under which the default policy affirms good evidence */
	RC (*make)(const struct lab_options *o, struct arena *a, struct lab_world *out, struct why *w);
	/* `fields`: the good values with the caller's in their place. `out` is the text that a guest sends. */
	RC (*evidence)(const struct lab_world *l, const struct lab_binding *b, const struct json *fields, struct arena *a,
		       struct slice *out, struct why *w);
};

extern const struct lab_shape *const lab_shapes[];	/* ends with NULL */
const struct lab_shape *lab_shape_find(const char *tee);	/* NULL when there is none */

RC lab_make(const char *tee, const struct lab_options *o, struct arena *a, struct lab_world *out, struct why *w);
/* `fields` may be NULL. E_MALFORMED lab.field: no such field, or a value of another kind. */
RC lab_evidence(const struct lab_world *l, const struct lab_binding *b, const struct json *fields, struct arena *a,
		struct slice *out, struct why *w);

/* A folder of worlds: <dir>/<world>/ with the items and world.json, which names them, and <dir>/trust/<set>/ with the anchors, as a
 * broker's trust_dir has them. Private keys are readable by the owner alone. */
RC lab_save(const struct lab_world *l, const char *dir, struct arena *a, struct why *w);
/* The world of that TEE. E_NOTFOUND lab.world: none was made there. */
RC lab_load(const char *dir, const char *tee, struct arena *a, struct lab_world *out, struct why *w);
/* "name=value" pairs to fields: what reads as JSON is that, anything else is text. E_MALFORMED lab.field. */
RC lab_fields(const char *const *pairs, size_t n, const char *tee, struct arena *a, struct json **out, struct why *w);

/* ---- for shapes ---- */

/* The item of that name; p == NULL when there is none. */
struct slice lab_item(const struct lab_world *l, const char *name);
struct lab_item *lab_add(struct lab_world *l, const char *name, struct slice bytes);
/* The good fields of a shape with the caller's in their place, of the same kinds. E_MALFORMED lab.field. */
RC lab_merge(const struct lab_shape *s, const struct json *fields, struct arena *a, struct json **out, struct why *w);
/* Fields of a document that lab_evidence() made whole: they are there, of the right kind. */
uint64_t lab_number(const struct json *fields, const char *name);
bool lab_bool(const struct json *fields, const char *name);
struct slice lab_text(const struct json *fields, const char *name);
struct slice lab_hex(const struct json *fields, const char *name, struct arena *a);
/* `data` with zeros behind it, or its first n bytes; p == NULL: zeros. */
struct slice lab_fit(struct slice data, size_t n, struct arena *a);
RC lab_failed(struct why *w, const char *what);
