#include "driver_target.h"
#include "verifier/cca/cca.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_driver(&cca_driver, data, size, NULL, 0);
	return 0;
}
