#!/bin/sh
# kbs-client verify: 0 and claims, 1 and a reason, 2 for usage. Argument: kbs-client.
set -u
client=$1
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
printf '{"svn":"1","report_data":"YWJj"}' >"$dir/evidence"
at="--tee sample --evidence $dir/evidence --at 2026-01-31T12:00:00Z"
fail() { echo "verify: $1"; cat "$dir/out" "$dir/err"; exit 1; }
run() { # status, then arguments
	want=$1
	shift
	"$client" verify "$@" >"$dir/out" 2>"$dir/err"
	[ $? -eq "$want" ] || fail "expected status $want of: $*"
}

run 1 $at
grep -q 'sample.not-allowed' "$dir/err" || fail "the reason is not printed"
[ -s "$dir/out" ] && fail "a refusal prints claims"
run 0 $at --insecure-sample --report-data 616263
python3 - "$dir/out" <<'PY' || fail "the claims are no JSON of this form"
import json, sys
doc = json.load(open(sys.argv[1]))
assert doc["tee"] == "sample" and doc["results"][0]["class"] == "cpu"
assert doc["results"][0]["claims"]["insecure"] is True
PY
run 1 $at --insecure-sample --report-data 616264
grep -q 'sample.report-data-mismatch' "$dir/err" || fail "the reason is not printed"
grep -q 'found 616263, expected 616264' "$dir/err" || fail "what was compared is not printed"
run 1 --tee snp --evidence "$dir/evidence" --at 2026-01-31T12:00:00Z
grep -q 'looks like evidence of sample' "$dir/err" || fail "evidence of another TEE is not told"
: >"$dir/empty"
run 1 --tee snp --evidence "$dir/empty" --at 2026-01-31T12:00:00Z
grep -q 'is empty' "$dir/err" || fail "an empty file is not told"
# An SNP report of version 3 with the vendor's processor that nobody signed: what is missing is named as a file of --collateral.
python3 - "$dir/report" <<'PY'
import sys
r = bytearray(1184)
r[0], r[0x0a], r[0x34], r[0x188], r[0x189] = 3, 2, 1, 0x19, 1
open(sys.argv[1], "wb").write(r)
PY
mkdir "$dir/collateral"
run 1 --tee snp --evidence "$dir/report" --at 2026-01-31T12:00:00Z --collateral "$dir/collateral"
grep -q 'amd-vcek "Milan/00*/0.0.0.0"' "$dir/err" || fail "the missing certificate is not named"
grep -q "not in $dir/collateral: amd-crl/Milan" "$dir/err" || fail "the missing list is not named"
run 2 --tee nosuch --evidence "$dir/evidence" --at 2026-01-31T12:00:00Z
grep -q 'known are .*az-snp-vtpm.* tpm' "$dir/err" || fail "the verifiers there are are not named"
run 2 $at --report-data 616
run 2 $at --init-data zz
run 2 $at --collateral "$dir/absent"
run 2 $at --trust "$dir/absent"
run 1 --tee sample --evidence "$dir/absent" --at 2026-01-31T12:00:00Z
run 2 --tee sample --evidence "$dir/evidence"
run 2 $at surplus
run 2 --tee sample --evidence "$dir/evidence" --at yesterday
exit 0
