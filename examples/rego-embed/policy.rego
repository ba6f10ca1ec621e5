package example

default allow := false

# Users read what is theirs.
allow if {
	input.method == "GET"
	input.path == ["reports", input.user]
}

# Auditors read everything.
allow if {
	input.method == "GET"
	acme.role(input.user) == "auditor"
}
