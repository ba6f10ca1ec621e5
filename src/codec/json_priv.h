/* json_priv.h - shared by the files of the JSON codec. */
#pragma once
#include "codec/json.h"

#define JSON_FEW	16u	/* members of an object that are compared each with each */
#define JSON_INDEX_FROM 64u	/* objects with more members than this get a sorted index */
#define JSON_DEPTH_CEILING 1000u	/* of recursion in C, whatever a caller asks for */

/* slice_eq for names that are looked through one by one: names of one length often differ at their ends (pcr00, pcr01). */
static inline bool json_same_name(struct slice x, struct slice y)
{
	return x.n == y.n && (x.n == 0 || (x.p[x.n - 1] == y.p[y.n - 1] && memcmp(x.p, y.p, x.n) == 0));
}

bool json_number_ok(struct slice s);
/* Makes v->index. False without memory. */
bool json_index(struct arena *a, struct json *v);
