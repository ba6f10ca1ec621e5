#!/usr/bin/env python3
"""What the programs must not hold: nothing of tests, no constant in the place of a random value, no key, and the walls that the
linker can set. CVE-2026-6420 is why: a nonce had been replaced by a constant, and nothing looked at what was shipped."""
import os, re, subprocess, sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import BUILD, Skip, run_tap

PROGRAMS = [os.path.join(BUILD, 'bin', name) for name in ('kbs', 'kbs-client')]

# Functions that tests use to break things, and what test frameworks and fuzzers bring.
TEST_ONLY = re.compile(r'^(arena_fail_at|__wrap_\w+|__real_\w+|_?cmocka_\w+|_assert_true|_fail|mock_\w+|LLVMFuzzerTestOneInput|'
                       r'fix_(setup|teardown)|(fake|fixed|stub)_\w*(now|random|nonce|clock|time)\w*|\w*_(for_tests?|test_only))$')
# Constants of the tests and of the published vectors, any of which would be the end of a random value.
CONSTANTS = [b'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=',	# the nonce of the worked exchanges
             b'IJOPF7JtAIvbkjwHy3k4ETq0LNoXNjGRN1pDi5RXNoQ', b'3Zd9YjtaJDt0oRRoAmkq09fD2jectqtHVK0jAfON3z4']


def read(path):
    with open(path, 'rb') as f:
        return f.read()


def out(*cmd):
    return subprocess.run(cmd, check=True, capture_output=True, text=True).stdout


def symbols(path):
    found = [line.split()[-1] for line in out('nm', path).splitlines()]
    if len(found) < 100:
        raise Skip('the programs are stripped')
    return found


def nothing_of_tests_is_linked():
    for path in PROGRAMS:
        bad = [s for s in symbols(path) if TEST_ONLY.match(s)]
        assert not bad, f'{path}: {bad}'


def no_service_holds_the_laboratory():
    """False roots and evidence are for warrant-lab and the client's --lab alone."""
    for name in ('kbs',):
        bad = [s for s in symbols(os.path.join(BUILD, 'bin', name)) if re.match(r'lab_\w+|vendor_(?!of$)\w+', s)]    # vendor_of: of the collateral's own
        assert not bad, f'{name}: {bad}'


def the_check_knows_what_it_looks_for():
    """The same patterns find their prey in a program of tests."""
    test = os.path.join(BUILD, 'src', 'kbs', 'kbs_test_challenge')
    found = {s for s in symbols(test) if TEST_ONLY.match(s)}
    assert {'__wrap_sys_random', 'arena_fail_at', 'fix_setup'} <= found, found
    rcar = read(os.path.join(BUILD, 'src', 'kbs', 'kbs_test_rcar'))
    assert all(c in rcar for c in CONSTANTS)


def no_constant_of_the_tests_stands_in_a_program():
    for path in PROGRAMS:
        data = read(path)
        bad = [c for c in CONSTANTS if c in data]
        assert not bad, f'{path}: {bad}'


def no_private_key_stands_in_a_program():
    # the words that announce a key may be there, with a key behind them never
    key = re.compile(rb'-----BEGIN [A-Z ]*PRIVATE KEY-----\s*[A-Za-z0-9+/]{20}')
    jwk = re.compile(rb'"d"\s*:\s*"[A-Za-z0-9_-]{20}')
    for path in PROGRAMS:
        data = read(path)
        assert not key.search(data) and not jwk.search(data), path


def programs_are_position_independent_and_their_tables_read_only():
    for path in PROGRAMS:
        header, dynamic, segments = out('readelf', '-hW', path), out('readelf', '-dW', path), out('readelf', '-lW', path)
        assert re.search(r'Type:\s+DYN', header), f'{path} is not PIE'
        assert 'GNU_RELRO' in segments and re.search(r'BIND_NOW|Flags:.*NOW', dynamic), f'{path}: no full RELRO'
        stack = re.search(r'GNU_STACK.*', segments).group(0)
        assert 'RWE' not in stack and not re.search(r'LOAD.*\bRWE\b', segments), f'{path}: writable and executable'
        assert 'TEXTREL' not in dynamic, f'{path}: text relocations'
        assert 'RPATH' not in dynamic and 'RUNPATH' not in dynamic, f'{path}: looks for libraries where it was built'


def no_path_of_the_build_machine_stands_in_a_program():
    if b'__gcov_dump' in read(PROGRAMS[0]):
        raise Skip('a build that measures coverage names where it writes its figures')
    source = os.path.realpath(os.environ['WARRANT_SOURCE']).encode()
    absolute = re.compile(rb'(?<![\w.])' + re.escape(source) + b'/')
    for path in PROGRAMS:
        # debugging information names where it was made, what is loaded must not
        loaded = path + '.loaded'
        subprocess.run(['objcopy', '--strip-debug', path, loaded], check=True)
        data = read(loaded)
        os.unlink(loaded)
        at = absolute.search(data)  # "../src/a.c" is no path of a checkout in /src
        assert not at, f'{path}: {data[at.start():at.start() + 100]}'


run_tap([nothing_of_tests_is_linked, no_service_holds_the_laboratory, the_check_knows_what_it_looks_for, no_constant_of_the_tests_stands_in_a_program,
         no_private_key_stands_in_a_program, programs_are_position_independent_and_their_tables_read_only,
         no_path_of_the_build_machine_stands_in_a_program])
