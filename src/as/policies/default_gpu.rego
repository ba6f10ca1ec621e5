# The default appraisal of an NVIDIA GPU, over the claims of its verifier. Baseline: contraindicated.
package policy

import rego.v1

default executables := 33

default hardware := 97

default configuration := 36

trust_claims := {
	"executables": executables,
	"hardware": hardware,
	"configuration": configuration,
	"file-system": 0,
	"instance-identity": 0,
	"runtime-opaque": 0,
	"storage-opaque": 0,
	"sourced-data": 0,
}

device := input.nvidia

hardware := 2 if {
	chain := device["x-nvidia-gpu-attestation-report-cert-chain"]
	chain["x-nvidia-cert-ocsp-status"] == "good"
	chain["x-nvidia-cert-status"] == "valid"
	device["x-nvidia-gpu-attestation-report-cert-chain-fwid-match"] == true
	device["x-nvidia-gpu-attestation-report-parsed"] == true
	device["x-nvidia-gpu-attestation-report-signature-verified"] == true
	device["x-nvidia-gpu-arch-check"] == true
}

configuration := 2 if {
	device.secboot == true
	device.dbgstat == "disabled"
	device["x-nvidia-gpu-vbios-version"] in query_reference_value("allowed_vbios_versions")
	device["x-nvidia-gpu-driver-version"] in query_reference_value("allowed_driver_versions")
} else := 3 if {
	device.secboot == true
	device.dbgstat == "disabled"
}

executables := 3 if {
	chain := device["x-nvidia-gpu-vbios-rim-cert-chain"]
	chain["x-nvidia-cert-ocsp-status"] == "good"
	chain["x-nvidia-cert-status"] == "valid"
	rim_ok("x-nvidia-gpu-driver-rim")
	rim_ok("x-nvidia-gpu-vbios-rim")
	device.measres == "success"
}

rim_ok(name) if {
	every check in ["fetched", "measurements-available", "schema-validated", "signature-verified", "version-match"] {
		device[sprintf("%s-%s", [name, check])] == true
	}
}

# The sample device is no GPU; its verifier loads only where the configuration says so in words.
hardware := 2 if {
	input.sampledevice.svn in query_reference_value("device_svn")
}
