/* claims_doc.h - docs/claims.md, made from the drivers' own tables. */
#pragma once
#include "base/buf.h"
#include "codec/json.h"
#include "evidence/job.h"

/* All registered drivers that have a table, in the order of the registry. */
void claims_doc_write(struct buf *out);

/* The row that covers a claim at `path` ("pcrs.0", "list[].name"); NULL when there is none. */
const struct vclaim *claims_row(const struct vdriver *d, const char *path);

/* Every claim of a result has a row of its type. NULL when that is so; else the path that has none, in the arena. */
const char *claims_undocumented(const struct vdriver *d, const struct json *claims, struct arena *a);
