/* postgres_absent.c - in place of store_postgres.c where libpq is not installed. */
#include "store/store.h"

rc store_open_postgres(const char *conninfo, const struct clock *clock, struct store **out, struct why *w)
{
	(void)conninfo;
	(void)clock;
	(void)out;
	return deny(w, E_UNSUPPORTED, "store.postgres",
	            "this program was built without PostgreSQL (meson option postgres)");
}
