/* toml.h - the one TOML reader (TOML 1.0.0), for configuration and for init-data.
 *
 * The result is a tree of `struct json`: tables are objects, dates and times, which must be some, are strings as written. `inf` and `nan` are
 * refused, since nothing here can mean them. `raw` of each value says where it stands in `in`, which must live as long. Strict: duplicate keys and redefined tables, bad UTF-8 and control
 * characters are refused with line and column. Caps: 4 MiB, 4,096 keys, depth 32.
 */
#pragma once
#include "codec/json.h"

#define TOML_BYTES_MAX ((size_t)4 << 20)
#define TOML_KEYS_MAX  4096u
#define TOML_DEPTH_MAX 32u

/* E_MALFORMED toml.syntax, toml.duplicate, toml.utf8; E_UNSUPPORTED toml.float; E_LIMIT toml.size, toml.keys, toml.depth.
 * `what` names the document in the text. */
RC toml_parse(struct arena *a, struct slice in, struct json **out, const char *what, struct why *w);
