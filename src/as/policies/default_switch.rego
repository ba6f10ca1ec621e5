# The default appraisal of an NVSwitch, over the claims of its verifier. Baseline: contraindicated.
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
	chain := device["x-nvidia-switch-attestation-report-cert-chain"]
	chain["x-nvidia-cert-ocsp-status"] == "good"
	chain["x-nvidia-cert-status"] == "valid"
	device["x-nvidia-switch-attestation-report-cert-chain-fwid-match"] == true
	device["x-nvidia-switch-attestation-report-parsed"] == true
	device["x-nvidia-switch-attestation-report-signature-verified"] == true
	device["x-nvidia-switch-arch-check"] == true
}

configuration := 2 if {
	device.secboot == true
	device.dbgstat == "disabled"
	device["x-nvidia-switch-bios-version"] in query_reference_value("allowed_switch_bios_versions")
} else := 3 if {
	device.secboot == true
	device.dbgstat == "disabled"
}

executables := 3 if {
	chain := device["x-nvidia-switch-bios-rim-cert-chain"]
	chain["x-nvidia-cert-ocsp-status"] == "good"
	chain["x-nvidia-cert-status"] == "valid"
	every check in ["fetched", "measurements-available", "schema-validated", "signature-verified", "version-match"] {
		device[sprintf("x-nvidia-switch-bios-rim-%s", [check])] == true
	}
	device.measres == "success"
}
