/* tables.c - the list of all tables of built-in functions. */
#include "rego/builtin/lib.h"

const struct rego_builtin *const rego_builtin_tables[] = {
	builtin_compare, builtin_numbers,    builtin_bits,	builtin_aggregates, builtin_collections, builtin_types,
	builtin_strings, builtin_sprintf,    builtin_template,	builtin_regex,	    builtin_patterns,	 builtin_objects,
	builtin_walk,	 builtin_json_paths, builtin_json_patch, builtin_graph,	    builtin_encoding,	 builtin_yaml,
	builtin_url,	 builtin_net,	     builtin_time,	builtin_uuid,	    builtin_crypto,	 builtin_x509,
	builtin_jwt,	 builtin_jwt_sign,   builtin_engine,	builtin_schema,	    builtin_aws,	 builtin_graphql,
	NULL,
};

const struct rego_builtin *rego_builtin_find(struct slice name)
{
	for (const struct rego_builtin *const *t = rego_builtin_tables; *t; t++) {
		for (const struct rego_builtin *b = *t; b->name; b++) {
			if (slice_is(name, b->name))
				return b;
		}
	}
	return NULL;
}
