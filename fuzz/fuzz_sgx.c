#include "driver_target.h"
#include "verifier/sgx/sgx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_driver(&sgx_driver, data, size, NULL, 0);
	return 0;
}
