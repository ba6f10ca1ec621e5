#include "store/test_contract.h"

static rc open_it(const char *dir, const struct clock *clock, struct store **out, struct why *w)
{
	(void)dir;
	return store_open_memory(clock, out, w);
}

int main(void)
{
	static const struct contract c = {.name = "memory", .open = open_it};

	return contract_main(&c, NULL, 0);
}
