# The default appraisal of a Hygon DCU. Baseline: contraindicated.
package policy

import rego.v1

default executables := 33

default hardware := 97

trust_claims := {
	"executables": executables,
	"hardware": hardware,
	"configuration": 0,
	"file-system": 0,
	"instance-identity": 0,
	"runtime-opaque": 0,
	"storage-opaque": 0,
	"sourced-data": 0,
}

executables := 3 if {
	input.hygondcu.body.measure in query_reference_value("dcu_measure")
}

# The report's certificates were checked to the vendor's root, or there would be no claims.
hardware := 2 if {
	input.hygondcu.body.chip_id
}
