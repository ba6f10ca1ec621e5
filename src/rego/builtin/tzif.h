/* tzif.h - time zones: TZif data (RFC 9636) and the POSIX rule in its footer.
 *
 * The engine opens no file: the host hands the bytes in (rego/host.h has a loader for those that use the system's
 * database). A zone is immutable.
 */
#pragma once
#include "base/arena.h"
#include "base/why.h"

struct zone;

#define ZONE_MAX_BYTES ((size_t)64 << 10)
#define ZONE_MAX_TIMES 4096u

/* Copies what it needs into the arena. E_MALFORMED zone.malformed, E_LIMIT zone.size, E_INTERNAL zone.memory. */
RC zone_parse(struct arena *a, struct slice tzif, struct zone **out, struct why *w);
/* Offset east in seconds and abbreviation (lives as long as the zone) at an instant. */
void zone_lookup(const struct zone *z, int64_t unix_s, int32_t *offset, const char **abbrev);
/* Could `name` be that of a zone: "Europe/Berlin"? No absolute path, no "..", no strange bytes. */
bool zone_name_ok(struct slice name);
