# Protected PCIe: the GPUs and switches of one system were attested as one; their own submodules carry the detail.
package policy

import rego.v1

trust_claims := {
	"executables": 0,
	"hardware": 0,
	"configuration": 2,
	"file-system": 0,
	"instance-identity": 0,
	"runtime-opaque": 0,
	"storage-opaque": 0,
	"sourced-data": 0,
}
