#include "evidence/pins.h"

#include <string.h>

#include "codec/base64.h"

#define CERT "certificate (DER)"

const struct pin pins[] = {
	{"hygon-hrk", "296efa97580464cca0ab5eefe42199ee05862182508d1629f29cf4dc175b10cd", "certificate (832 bytes)",
	 "Hygon root key certificate HYGON-SSD-HRK, as the CSV tools of Hygon carry it"},
	{"nvidia-device-root", "102bf659d5419614c9d8e6aecebc80454eb26b1df6a769ac720b9a690b167b48", CERT,
	 "CN NVIDIA Device Identity CA, valid from 2021-11-05"},
	{"nvidia-rim-root", "12977b5115acb0381179279fffeb5a8c4d264971ebb32298023a465fa41df5d1", CERT,
	 "CN NVIDIA CoRIM signing Root CA, valid from 2023-03-16"},
	{"aws-nitro-root", "641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b", CERT,
	 "CN aws.nitro-enclaves (Root-G1), https://docs.aws.amazon.com/enclaves/latest/user/verify-root.html"},
	{"intel-sgx-root", "a0af031289f5d5d4132f9186068a7fc13628633ba235777472e29b6b6c67a49e", "public key (SubjectPublicKeyInfo)",
	 "CN Intel SGX Root CA, https://certificates.trustedservices.intel.com/IntelSGXRootCA.der"},
};
const size_t pins_n = sizeof(pins) / sizeof(pins[0]);

bool pin_matches(const char *set, const uint8_t sha256[32])
{
	for (size_t i = 0; i < pins_n; i++) {
		uint8_t pin[32];

		if (!strcmp(pins[i].set, set) && rc_ok(hex_decode_into(slice_cstr(pins[i].sha256), pin, 32, "pin", NULL)) &&
		    !memcmp(pin, sha256, 32))
			return true;
	}
	return false;
}
