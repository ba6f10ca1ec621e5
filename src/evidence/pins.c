#include "evidence/pins.h"

#include <string.h>

#include "codec/base64.h"

#define CERT "certificate (DER)"

const struct pin pins[] = {
	{"amd-ark", "69d063b45344d26a2e94e1f4210de49ef555308287d4c174445c95639a540bcd", CERT,
	 "CN ARK-Milan, https://kdsintf.amd.com/vcek/v1/Milan/cert_chain"},
	{"amd-ark", "4c6598d19c18719c5dfd4a7d335f674e5bfe1d8f800cea2cf270c10d103db2f1", CERT,
	 "CN ARK-Genoa, https://kdsintf.amd.com/vcek/v1/Genoa/cert_chain"},
	{"amd-ark", "1f084161a44bb6d93778a904877d4819cafa5d05ef4193b2ded9dd9c73dd3f6a", CERT,
	 "CN ARK-Turin, https://kdsintf.amd.com/vcek/v1/Turin/cert_chain"},
	{"amd-ark", "9f056bee44377e29308cb5ffa895bdfb62d18881fa6bed8d6f075b0204089cb9", "public key (SubjectPublicKeyInfo)",
	 "the key of ARK-Milan"},
	{"amd-ark", "429a69c9422aa258ee4d8db5fcda9c6470ef15f8cd5a9cebd6cbc7d90b863831", "public key (SubjectPublicKeyInfo)",
	 "the key of ARK-Genoa"},
	{"amd-ark", "4f125410563a2ab9a50356f9243f6fe0b6f73de98603f53f90339c70e9d7ad08", "public key (SubjectPublicKeyInfo)",
	 "the key of ARK-Turin"},
	{"hygon-hrk", "296efa97580464aca0ab5eefe42199ee05862182508d1629f29cf4dc175b10cd", "certificate (832 bytes)",
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
