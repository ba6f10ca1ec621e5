#!/usr/bin/env python3
"""kbs-client policy: what its sub-commands print and how they end."""
import os
import subprocess
import sys
import tempfile

CLIENT = os.path.abspath(os.path.join(sys.argv[1] if len(sys.argv) > 1 else os.environ['WARRANT_BUILD'], 'bin', 'kbs-client'))

POLICY = '''package policy
# about allow
default allow=false
allow if { input.tdx.quote.body.mr_td in {"aa","bb"}; input.tdx.qote.x == 1 }   # trailing
helper(x) := y if {
    y := x+1


    # inner
    y > -2
}
allow if
  count(input.submods)>0
msg := $"hello {input.tdx.name} and { upper("x") }"
pinned if query_reference_value("launch") == input.tdx.x
'''
LAID_OUT = '''package policy

# about allow
default allow = false
allow if {
	input.tdx.quote.body.mr_td in {"aa", "bb"}
	input.tdx.qote.x == 1
} # trailing

helper(x) := y if {
	y := x + 1

	# inner
	y > -2
}

allow if
	count(input.submods) > 0

msg := $"hello {input.tdx.name} and { upper("x") }"
pinned if query_reference_value("launch") == input.tdx.x
'''
TESTS = '''package policy

test_allow if { allow with input as {"submods": [1]} }
test_bad if { not allow with input as {"submods": [1]} }
test_helper if helper(1) == 2
'''

# name, arguments, exit code, texts of the output
CASES = [
    ('help', ['--help'], 0, ['check', 'lint']),
    ('no sub-command', [], 2, ['needs a sub-command']),
    ('check', ['check', 'a.rego'], 0, []),
    ('check of a bad file', ['check', 'bad.rego'], 1, ['bad.rego:3:2: rego_unsafe_var_error: var x is unsafe\n  \tx == 1\n  \t^\n']),
    ('check without files', ['check'], 2, ['at least one']),
    ('check of a file that is not there', ['check', 'gone.rego'], 1, ['gone.rego']),
    ('eval', ['eval', '--input', 'in.json', 'data.policy.helper(2)', 'a.rego'], 0, ['3']),
    ('eval of false', ['eval', '--input', 'in.json', 'data.policy.allow', 'a.rego'], 1, ['false']),
    ('eval of nothing', ['eval', 'data.policy.none', 'a.rego'], 1, ['undefined']),
    ('eval with a bad query', ['eval', 'data.policy[', 'a.rego'], 1, ['rego_parse_error']),
    ('eval with reference values', ['eval', '--references', 'rv.json', 'query_reference_value("launch")', 'a.rego'], 0, ['"aa"']),
    ('explain', ['eval', '--input', 'in.json', '--explain', 'data.policy.allow', 'a.rego'], 1,
     ['stopped at 4:12: input.tdx.quote.body.mr_td in', 'left:    "ab"', 'nearest: "aa"']),
    ('profile', ['eval', '--input', 'in.json', '--profile', 'data.policy.helper(2)', 'a.rego'], 0, ['a.rego:6:5: y := x+1']),
    ('test', ['test', 'a.rego', 'a_test.rego'], 1,
     ['PASS data.policy.test_allow', 'FAIL data.policy.test_bad (a_test.rego:4)', '2 passed, 1 failed, 0 skipped', 'not run: ']),
    ('one test', ['test', '--run', 'helper', 'a.rego', 'a_test.rego'], 0, ['1 passed, 0 failed, 0 skipped']),
    ('fmt', ['fmt', 'a.rego'], 0, [LAID_OUT]),
    ('fmt --check', ['fmt', '--check', 'a.rego'], 1, ['a.rego']),
    ('fmt --write', ['fmt', '--write', 'w.rego'], 0, []),
    ('fmt of what is laid out', ['fmt', '--check', 'w.rego'], 0, []),
    ('dump lex', ['dump', '--stage', 'lex', 'a.rego'], 0, ['a.rego:1:9 identifier policy']),
    ('dump ast', ['dump', '--stage', 'ast', 'a.rego'], 0, ['package data["policy"]', 'rule default 3:1 allow = false']),
    ('dump plan', ['dump', 'a.rego'], 0, ['data.policy.allow (a.rego:4)', 'EMIT', 'query_reference_value']),
    ('dump of no stage', ['dump', '--stage', 'x', 'a.rego'], 2, ['no stage']),
    ('lint', ['lint', '--references', 'rv.json', 'a.rego'], 1,
     ['the verifier tdx gives no claim "qote.x"', 'dead-rule: nothing reads helper', 'unread-reference: no policy asks for the reference value other']),
    ('lint of an open door', ['lint', 'open.rego'], 1, ['allow-all: allow is true whatever the input is']),
    ('lint of a good file', ['lint', 'good.rego'], 0, []),
]

FILES = {
    'a.rego': POLICY, 'w.rego': POLICY, 'a_test.rego': TESTS,
    'bad.rego': 'package a\nallow if {\n\tx == 1\n}\n',
    'open.rego': 'package policy\n\nallow := true\n',
    'good.rego': 'package policy\n\ndefault allow := false\n\nallow if input.tdx.quote.body.mr_td == "aa"\n',
    'in.json': '{"tdx":{"quote":{"body":{"mr_td":"ab"}},"name":"z"}}',
    'rv.json': '{"launch":"aa","other":1}',
}


def main():
    print(f'1..{len(CASES)}')
    bad = 0
    with tempfile.TemporaryDirectory() as d:
        for name, text in FILES.items():
            with open(os.path.join(d, name), 'w', encoding='utf-8') as f:
                f.write(text)
        for n, (name, args, code, texts) in enumerate(CASES, 1):
            r = subprocess.run([CLIENT, 'policy', *args], cwd=d, capture_output=True, text=True, timeout=60, check=False)
            said = r.stdout + r.stderr
            ok = r.returncode == code and all(t in said for t in texts)
            bad += not ok
            print(f'{"ok" if ok else "not ok"} {n} - {name}')
            if not ok:
                print(f'# exit code {r.returncode}, said: {said!r}')
    return bad != 0


sys.exit(main())
