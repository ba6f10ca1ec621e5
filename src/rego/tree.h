/* tree.h - the documents that rules define: one tree from `data` down, and groups of definitions at its nodes. */
#pragma once
#include "rego/ast.h"

struct code;

enum group_kind {
	G_COMPLETE,	/* one value */
	G_PARTIAL,	/* a set, an object, or a general reference below the node */
	G_FUNCTION,
};

struct rule_group {
	struct tree *node;
	enum group_kind kind;
	uint32_t id;		/* index of its cache slot */
	uint32_t arity;
	struct rule **rules;	/* in source order, defaults left out */
	uint32_t n, cap;
	struct rule *def;	/* the first default */
	struct rule *def2;	/* and another: an error */
	bool is_set;		/* the document itself is a set: an empty one is set() */
	char *path;		/* "data.a.b" */
	const struct ty *ty;	/* of the document, or of a function's result */
	const struct ty **arg_ty;
	uint8_t ty_state;	/* 0 unknown, 1 being inferred, 2 known */
};

struct tree {
	struct tree *parent;
	struct rv key;
	struct tree **kids;
	uint32_t nkids, cap_kids;
	struct rule_group *group;
	bool package;		/* some module's package */
	bool deep;		/* a rule with a variable in its reference lies here or below */
	uint32_t mod;		/* a module whose package it is */
	uint32_t id;		/* scratch of the recursion check */
};

struct tree *tree_kid(const struct tree *t, struct rv key);
struct tree *tree_add(struct comp *c, struct tree *t, struct rv key);
/* The node of a module's package. */
struct tree *tree_package(struct comp *c, const struct module *m);
/* "data.a.b" of a node. */
char *tree_path(struct comp *c, const struct tree *t);
/* Puts each rule of each module in its group. Kinds that clash are errors. */
bool tree_build(struct comp *c);
/* The constant start of a rule's head reference: how many of its items (the name is the first). */
uint32_t rule_prefix(const struct rule *r);
