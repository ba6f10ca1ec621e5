/* json_priv.h - shared by the files of the JSON codec. */
#pragma once
#include "codec/json.h"

#define JSON_INDEX_FROM 16u	/* objects with more members than this get a sorted index */
#define JSON_DEPTH_CEILING 1000u	/* of recursion in C, whatever a caller asks for */

bool json_number_ok(struct slice s);
/* Makes v->index. False without memory. */
bool json_index(struct arena *a, struct json *v);
