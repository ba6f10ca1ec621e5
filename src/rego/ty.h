/* ty.h - static types: what a value can be, as far as the text of a policy tells. NULL is "anything". */
#pragma once
#include "rego/ast.h"

enum ty_kind { TY_ANY, TY_NULL, TY_BOOL, TY_NUMBER, TY_STRING, TY_ARRAY, TY_OBJECT, TY_SET, TY_UNION };

struct ty {
	enum ty_kind kind;
	uint8_t depth;
	uint32_t n;
	const struct ty **items;	/* array: the first n elements; object: values of keys; union: members */
	const struct rv *keys;		/* object */
	const struct ty *rest;		/* array: of the others, object: values of other keys; NULL: there are none */
	const struct ty *rest_key;	/* object */
	const struct ty *of;		/* set */
};

extern const struct ty ty_any, ty_null, ty_bool, ty_number, ty_string;

const struct ty *ty_array(struct comp *c, const struct ty **items, uint32_t n, const struct ty *rest);
const struct ty *ty_object(struct comp *c, const struct rv *keys, const struct ty **vals, uint32_t n, const struct ty *rest_key,
			   const struct ty *rest);
const struct ty *ty_set(struct comp *c, const struct ty *of);
/* What is one or the other. NULL on either side is nothing yet: the other side is the answer. */
const struct ty *ty_or(struct comp *c, const struct ty *a, const struct ty *b);
/* Some value is of both types. */
bool ty_overlap(const struct ty *a, const struct ty *b);
/* What a reference finds in t under a key; NULL: nothing ever. key is the constant key, or NULL for one of type key_ty. */
const struct ty *ty_select(struct comp *c, const struct ty *t, const struct rv *key, const struct ty *key_ty);
/* The keys that iterating t gives; NULL when it cannot be iterated. */
const struct ty *ty_keys(struct comp *c, const struct ty *t);
/* The type of a constant. */
const struct ty *ty_of_value(struct comp *c, struct rv v);
/* Reads the signature of a builtin: arguments into args (at most max), the result. */
uint32_t ty_signature(struct comp *c, const char *text, const struct ty **args, uint32_t max, const struct ty **result);
void ty_text(struct buf *b, const struct ty *t);
