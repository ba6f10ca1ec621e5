#include "store/test_contract.h"

#include <stdio.h>

static rc open_it(const char *dir, const struct clock *clock, struct store **out, struct why *w)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/kv.db", dir);
	return store_open_sqlite(path, clock, out, w);
}

int main(void)
{
	static const struct contract c = {.name = "sqlite", .durable = true, .open = open_it};

	return contract_main(&c, NULL, 0);
}
