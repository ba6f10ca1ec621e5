#!/usr/bin/env python3
"""Administration: who may do what, what is refused at upload, decisions and their explanations, the audit log."""
from harness import *

PUBLIC_KEY = subprocess.run('openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 | openssl pkey -pubout', shell=True, check=True,
                            capture_output=True).stdout
MUTATING = [('POST', 'resource/a/b/c', b'x'), ('DELETE', 'resource/a/b/c', None), ('GET', 'resource', None),
            ('POST', 'resource-policy', json.dumps({'policy': b64u(ALLOW_ALL.encode())})), ('GET', 'resource-policy', None),
            ('POST', 'attestation-policy', json.dumps({'policy_id': 'x_cpu', 'policy': b64u(b'package policy\ntrust_claims := {}')})),
            ('POST', 'reference-value', json.dumps({'version': '0.1.0', 'type': 'sample', 'payload': 'eyJhIjoxfQ=='})),
            ('GET', 'reference-value', None), ('GET', 'reference-value/a', None), ('DELETE', 'reference-value/a', None),
            ('GET', 'attestation-policy', None), ('GET', 'attestation-policy/default_cpu', None),
            ('POST', 'trust-anchor/tpm-ak', PUBLIC_KEY), ('GET', 'trust-anchor', None), ('DELETE', 'trust-anchor/tpm-ak/' + '00' * 32, None),
            ('GET', 'decision/1qz8k2v7m-x4c9t1b2e8', None), ('GET', 'audit/head', None), ('GET', 'audit/records', None), ('GET', 'audit/proof', None)]


def cli(b, *args, token=True, check=True, **kw):
    cmd = [f'{BUILD}/bin/kbs-client', '--url', f'{"https" if b.tls else "http"}://{"localhost" if b.tls else "127.0.0.1"}:{b.port}']
    if b.tls:
        cmd += ['--cert-file', f'{b.dir}/tls.crt']
    p = subprocess.run(cmd + list(args), capture_output=True, text=True, timeout=60, **kw)
    b.outputs += [p.stderr]
    if check:
        assert p.returncode == 0, (args, p.returncode, p.stdout, p.stderr)
    return p


def every_route_of_the_table_is_among_those_that_are_tried():
    """A route that is added for administrators must stand in the list above, or its admission is not tested."""
    source = open(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'src', 'api', 'kbs_http.c')).read()
    routes = re.findall(r'ROUTE\("(\w+)", "([^"]+)", (ADMIT_\w+)', source)
    assert len(routes) > 20
    for method, path, admission in routes:
        if admission != 'ADMIT_ADMIN':
            assert (method, path) in {('POST', '/kbs/v0/auth/?*'), ('POST', '/kbs/v0/attest/?*'), ('GET', '/kbs/v0/resource/*'), ('GET', '/healthz'),
                                      ('GET', '/.well-known/jwks.json')}, (method, path, admission)
            continue
        tail = {'/?*': '(/.*)?', '/*': '/.+'}.get(path[-3:] if path.endswith('?*') else path[-2:], '')
        pattern = re.sub(r'/\??\*$', '', path) + tail
        assert any(m == method and re.fullmatch(pattern, '/kbs/v0/' + p) for m, p, _ in MUTATING), (method, path, pattern)


def every_admin_route_refuses_every_bad_credential_advisory_cve_2025_61779():
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    with Broker() as b:
        bad = {'none': '', 'expired': b.sign_admin(exp=int(time.time()) - 3600), 'wrong issuer': b.sign_admin(iss='other'),
               'wrong audience': b.sign_admin(aud=['x']), 'no role': b.sign_admin(role=None), 'exp of the wrong type': b.sign_admin(exp='never'),
               'no exp': b.sign_admin(exp=None), 'other key': b.sign_admin(key=Ed25519PrivateKey.generate()), 'role of the wrong type': b.sign_admin(role=['tester']),
               'garbage': 'a.b.c', 'unknown role': b.sign_admin(role='stranger'), 'restricted role': b.sign_admin(role='restricted'),
               'alg none': b64u(b'{"alg":"none"}') + '.' + b64u(b'{"role":"tester","exp":99999999999,"iss":"issuer","aud":"audience"}') + '.'}
        for method, path, body in MUTATING:
            for name, token in bad.items():
                if name == 'restricted role' and path == 'reference-value/a':
                    continue
                headers = {'Authorization': f'Bearer {token}'} if token else {}
                r = b.request(method, '/kbs/v0/' + path, body, headers)
                assert r.status in (401, 403), (method, path, name, r.status, r.body)
                assert set(r.json()) >= {'type', 'detail'}
        r = b.admin('POST', 'resource-policy', {'policy': b64u(ALLOW_ALL.encode())}, token=bad['other key'])
        assert 'Cannot verify token with any of the issuers' in r.json()['detail'], r.body
        r = b.admin('POST', 'resource-policy', {'policy': b64u(ALLOW_ALL.encode())}, token=bad['restricted role'])
        assert 'Role restricted not allowed' in r.json()['detail'], r.body
        for method, path, body in MUTATING:
            r = b.admin(method, path, body)
            assert r.status in (200, 404), (method, path, r.status, r.body)


def a_pattern_is_matched_against_the_path_as_a_whole_and_never_the_query():
    with Broker() as b:
        restricted = b.sign_admin(role='restricted')
        assert b.admin('POST', 'resource/a/b/c?x=/kbs/v0/reference-value/a', b'x', token=restricted).status == 403
        assert b.admin('GET', 'reference-value/a?x=1', token=restricted).status == 404
        assert b.admin('GET', 'reference-value/a/../../resource', token=restricted).status in (400, 403)


def deny_all_and_insecure_allow_all_do_what_they_say():
    with Broker(admin='DenyAll') as b:
        for method, path, body in MUTATING:
            r = b.request(method, '/kbs/v0/' + path, body, {'Authorization': 'Bearer x.y.z'})
            assert r.status == 403 and 'DenyAll authorization_mode is enabled' in r.json()['detail'], (path, r.status, r.body)
    with Broker(admin='InsecureAllowAll') as b:
        assert b.set_resource_policy(ALLOW_ALL).status == 200
        assert b.request('POST', '/kbs/v0/resource/a/b/c', b'x', {'Authorization': 'Bearer bogus'}).status == 200


def a_policy_that_does_not_compile_is_refused_with_its_place():
    with Broker() as b:
        r = b.set_resource_policy('package policy\n\ndefault allow := false\nallow if {\n\tinput.x = \n}\n')
        assert r.status == 400 and r.type() == 'ParsePolicyError', (r.status, r.body)
        assert re.search(r'\.rego:[56]:\d+', r.json()['detail']), r.body
        r = b.set_resource_policy('package policy\nallow if foo(1)\n')
        assert r.status == 400 and re.search(r'\.rego:2:\d+', r.json()['detail']), r.body
        for body in ('{', '{}', '{"policy":1}', '{"policy":"***"}', '{"policy":"/w=="}'):
            assert b.admin('POST', 'resource-policy', body).status == 400, body
        r = b.admin('POST', 'attestation-policy', {'policy_id': 'default_cpu', 'policy': b64u(b'package policy\nx := ')})
        assert r.status == 400 and re.search(r':2:\d+', r.json()['detail']), r.body


def an_undefined_policy_result_denies_and_says_so():
    with Broker() as b:
        b.set_secret('a/b/c', b.canary())
        g = Guest(b).handshake()
        for rego in ('package policy\nallow if input.nope\n', 'package policy\nallow := "yes"\n', 'package policy\nallow := 1\n',
                     'package other\nallow := true\n'):
            assert b.set_resource_policy(rego).status == 200
            r = g.get('a/b/c')
            assert r.status == 403 and 'decision' in r.json(), (rego, r.status, r.body)


def secrets_are_put_listed_replaced_and_deleted():
    with Broker() as b:
        assert b.set_resource_policy(ALLOW_ALL).status == 200
        g = Guest(b).handshake()
        one, two = b.canary(), b.canary()
        b.set_secret('default/key/1', one)
        b.set_secret('default/key/2', two)
        assert b.admin('GET', 'resource').json() == ['default/key/1', 'default/key/2']
        assert g.open(g.get('default/key/1').body) == one
        b.set_secret('default/key/1', two)
        assert g.open(g.get('default/key/1').body) == two
        assert b.admin('DELETE', 'resource/default/key/1').status == 200
        assert g.get('default/key/1').status == 404
        assert b.admin('DELETE', 'resource/default/key/1').status == 404
        for bad in ('a/b', 'a/b/c/d', '.a/b/c', 'a/.b/c', 'a/b/c%2Fd', 'a/b/%00', 'a//c', 'a/b/..', 'a/b/' + 'x' * 600):
            r = b.admin('POST', 'resource/' + bad, b'x')
            assert r.status in (400, 404, 414), (bad, r.status, r.body)
        empty = b.admin('POST', 'resource/a/b/empty', b'')
        assert empty.status == 200 and g.get('a/b/empty').status == 200


def writers_of_one_secret_side_by_side_all_succeed():
    with Broker() as b:
        statuses = []

        def write(n):
            for i in range(6):
                statuses.append(b.admin('POST', 'resource/a/b/c', f'{n}-{i}'.encode()).status)
        threads = [threading.Thread(target=write, args=(n,)) for n in range(6)]
        [t.start() for t in threads]
        [t.join() for t in threads]
        assert statuses == [200] * 36, statuses
        assert len([r for r in b.admin('GET', 'audit/records').json() if r.get('action') == 'set-resource']) == 36
        gone = []

        def remove():
            gone.append(b.admin('DELETE', 'resource/a/b/c').status)
            write(9)
        statuses.clear()
        threads = [threading.Thread(target=remove) for _ in range(4)]
        [t.start() for t in threads]
        [t.join() for t in threads]
        assert set(gone) <= {200, 404} and statuses == [200] * 24, (gone, statuses)


def a_refusal_is_explained_to_the_operator_and_not_to_the_guest():
    with Broker() as b:
        b.set_secret('default/key/1', b.canary())
        b.set_reference(launch_digest=['other'], svn=['1'], major_version=1, minimum_minor_version=1)
        assert b.set_resource_policy('package policy\nimport rego.v1\ndefault allow := false\nallow if {\n'
                                     '\tinput.submods.cpu0["ear.status"] == "affirming"\n}\n').status == 200
        g = Guest(b).handshake()
        r = g.get('default/key/1')
        assert r.status == 403 and b'launch_digest' not in r.body and b'warning' not in r.body, r.body
        open(f'{b.dir}/token', 'w').write(b.admin_token)
        p = cli(b, 'explain', '--admin-token-file', f'{b.dir}/token', r.json()['decision'])
        for word in ('denied', 'warning', 'affirming', 'executables 33', 'abcde', 'other', 'default_cpu.rego:'):
            assert word in p.stdout, (word, p.stdout)
        p = cli(b, 'explain', '--json', '--admin-token-file', f'{b.dir}/token', r.json()['decision'])
        assert json.loads(p.stdout)['verdict'] == 'denied'
        p = cli(b, 'explain', '--admin-token-file', f'{b.dir}/token', 'no-such-id', check=False)
        assert p.returncode == 1 and 'decision' in p.stderr, p.stderr


def the_audit_log_holds_every_release_and_change_and_verifies():
    with Broker() as b:
        assert b.set_resource_policy(ALLOW_ALL).status == 200
        b.set_secret('default/key/1', b.canary())
        g = Guest(b).handshake()
        for _ in range(3):
            assert g.get('default/key/1').status == 200
        open(f'{b.dir}/token', 'w').write(b.admin_token)
        p = cli(b, 'audit', 'list', '--admin-token-file', f'{b.dir}/token')
        records = [json.loads(l) for l in p.stdout.splitlines()]
        kinds = [r['kind'] for r in records]
        assert kinds.count('release') == 3 and kinds.count('attest') == 1 and kinds.count('admin') == 2, kinds
        p = cli(b, 'audit', 'verify', '--admin-token-file', f'{b.dir}/token')
        assert p.stdout.startswith('verified: 6 records'), p.stdout
        cli(b, 'audit', 'prove', '--admin-token-file', f'{b.dir}/token', str(kinds.index('release')))
        p = cli(b, 'audit', 'prove', '--admin-token-file', f'{b.dir}/token', 'two', check=False)
        assert p.returncode == 2 and 'index' in p.stderr, p.stderr


def records_have_the_fields_that_are_declared():
    """CVE-2024-8365, CVE-2026-46358: a field that somebody adds is looked at here first; none holds what a guest or an administrator sent."""
    declared = {'attest': {'decision', 'kind', 'verdict', 'tee', 'protocol', 'challenge', 'peer', 'evidence', 'key', 'status', 'index', 'time'},
                'release': {'decision', 'kind', 'verdict', 'reason', 'resource', 'token', 'peer', 'version', 'attestation', 'index', 'time'},
                'admin': {'decision', 'kind', 'verdict', 'action', 'what', 'role', 'subject', 'peer', 'index', 'time'}}
    with Broker() as b:
        value, canary = b.canary(), b.canary()
        b.set_secret('a/b/c', value)
        b.set_reference(secretlike=canary.decode())
        assert b.set_resource_policy(ALLOW_ALL + f'# {canary.decode()}\n').status == 200
        g = Guest(b).handshake()
        assert g.get('a/b/c').status == 200
        assert b.set_resource_policy('package policy\ndefault allow := false\n').status == 200
        assert g.get('a/b/c').status == 403
        records = b.admin('GET', 'audit/records').json()
        assert {r['kind'] for r in records} == set(declared), records
        for r in records:
            assert set(r) <= declared[r['kind']], (r['kind'], set(r) - declared[r['kind']])
            assert g.token not in json.dumps(r) and value.decode() not in json.dumps(r) and canary.decode() not in json.dumps(r), r
        b.canaries.remove(canary)    # a reference value and a comment of a policy are no secrets: they lie in the store as they are


def a_log_that_was_put_back_or_rewritten_shows_against_what_was_verified():
    b = Broker().start()
    try:
        open(f'{b.dir}/token', 'w').write(b.admin_token)
        verify = ['audit', 'verify', '--admin-token-file', f'{b.dir}/token', '--state', f'{b.dir}/state']
        b.set_reference(a=1)
        cli(b, *verify)
        b.stop(keep=True)
        shutil.copytree(f'{b.dir}/data', f'{b.dir}/backup')
        b.start()
        b.set_reference(a=2)
        b.set_reference(a=3)
        assert 'going on from' in cli(b, *verify).stdout
        b.stop(keep=True)
        shutil.rmtree(f'{b.dir}/data')
        shutil.copytree(f'{b.dir}/backup', f'{b.dir}/data')
        b.start()
        cli(b, 'audit', 'verify', '--admin-token-file', f'{b.dir}/token')    # sound in itself
        p = cli(b, *verify, check=False)
        assert p.returncode == 1 and 'audit.rolled-back' in p.stderr, p.stderr
        for n in range(4):                                                   # longer than it was, and another history
            b.set_reference(a=n + 10)
        p = cli(b, *verify, check=False)
        assert p.returncode == 1 and 'audit.rewritten' in p.stderr, p.stderr
        state = json.load(open(f'{b.dir}/state'))
        json.dump({**state, 'key': 'another'}, open(f'{b.dir}/state', 'w'))
        p = cli(b, *verify, check=False)
        assert p.returncode == 1 and 'audit.key-changed' in p.stderr, p.stderr
    finally:
        b.stop()


def a_log_is_verified_from_files_without_the_broker():
    b = Broker().start()
    try:
        open(f'{b.dir}/token', 'w').write(b.admin_token)
        for n in range(5):
            b.set_reference(a=n)
        for what in ('list', 'head'):
            open(f'{b.dir}/{what}', 'w').write(cli(b, 'audit', what, '--admin-token-file', f'{b.dir}/token').stdout)
    finally:
        b.stop(keep=True)

    def verify(records, **kw):
        open(f'{b.dir}/records', 'w').write(records)
        return cli(b, 'audit', 'verify', '--records', f'{b.dir}/records', '--head', f'{b.dir}/head', **kw)
    whole = open(f'{b.dir}/list').read()
    assert verify(whole).stdout.startswith('verified: 5 records')
    lines = whole.splitlines(True)
    for name, records, reason in (('changed', whole.replace('tester', 'nobody', 1), 'audit.root'), ('one missing', ''.join(lines[:-1]), 'audit.truncated'),
                                  ('another order', ''.join(lines[::-1]), 'audit.root'), ('nothing', '', 'audit.truncated'), ('no JSON', 'x', 'json.')):
        p = verify(records, check=False)
        assert p.returncode == 1 and reason in p.stderr, (name, p.stderr)
    head = json.load(open(f'{b.dir}/head'))
    body = json.loads(unb64u(head['jws'].split('.')[1]))
    head['jws'] = '.'.join([head['jws'].split('.')[0], b64u(json.dumps({**body, 'size': 4}).encode()), head['jws'].split('.')[2]])
    json.dump(head, open(f'{b.dir}/head', 'w'))
    p = verify(''.join(lines[:-1]), check=False)
    assert p.returncode == 1 and 'signature' in p.stderr, p.stderr
    shutil.rmtree(b.dir)


def a_change_that_is_refused_leaves_no_record_that_it_was_made():
    with Broker() as b:
        bad = b64u(b'package policy\nallow if {')
        for path, body in (('resource-policy', {'policy': bad}), ('attestation-policy', {'policy_id': 'default_cpu', 'policy': bad}),
                           ('attestation-policy', {'policy_id': 'a/b', 'policy': b64u(b'package policy')}),
                           ('reference-value', {'version': '9', 'type': 'sample', 'payload': 'e30='}),
                           ('reference-value', {'version': '0.1.0', 'type': 'sample', 'payload': '!'}),
                           ('trust-anchor/tpm-ak', 'no key'), ('trust-anchor/T_P', 'no key')):
            assert b.admin('POST', path, body).status == 400, (path, body)
        for path in ('reference-value/a', 'trust-anchor/tpm-ak/' + '00' * 32):
            assert b.admin('DELETE', path).status == 404, path
        assert b.admin('GET', 'audit/records').json() == []
        b.set_reference(a=1)
        assert [r['action'] for r in b.admin('GET', 'audit/records').json()] == ['register-reference-values']


def what_was_set_can_be_read_listed_and_taken_back():
    with Broker() as b:
        open(f'{b.dir}/token', 'w').write(b.admin_token)
        config = ['config', '--admin-token-file', f'{b.dir}/token']
        open(f'{b.dir}/ak.pem', 'wb').write(PUBLIC_KEY)
        cli(b, *config, 'enroll-ak', '--ak-file', f'{b.dir}/ak.pem')
        anchor = cli(b, *config, 'list-anchors').stdout.strip()
        assert re.fullmatch('tpm-ak/[0-9a-f]{64}', anchor), anchor
        cli(b, *config, 'remove-anchor', '--anchor', anchor)
        assert cli(b, *config, 'list-anchors').stdout == ''
        p = cli(b, *config, 'remove-anchor', '--anchor', anchor, check=False)
        assert p.returncode == 1 and 'no anchor' in p.stderr, p.stderr
        cli(b, *config, 'set-sample-reference-value', 'a/b', '1')
        cli(b, *config, 'set-sample-reference-value', 'c', '1')
        assert cli(b, *config, 'list-reference-values').stdout.split() == ['a/b', 'c']
        cli(b, *config, 'delete-reference-value', '--id', 'a/b')
        assert cli(b, *config, 'list-reference-values').stdout.split() == ['c']
        assert cli(b, *config, 'get-reference-value', '--id', 'a/b', check=False).returncode == 1
        assert 'default_cpu' in cli(b, *config, 'list-attestation-policies').stdout.split()
        assert 'package policy' in cli(b, *config, 'get-attestation-policy').stdout
        cli(b, *config, 'set-resource-policy', '--deny-all')
        assert 'allow' in cli(b, *config, 'get-resource-policy').stdout
        actions = [r['action'] for r in b.admin('GET', 'audit/records').json()]
        assert actions == ['add-trust-anchor', 'remove-trust-anchor', 'register-reference-values', 'register-reference-values',
                           'delete-reference-value', 'set-resource-policy'], actions
        what = [r['what'] for r in b.admin('GET', 'audit/records').json()]
        assert what[:2] == [anchor, anchor] and what[2].startswith('a/b message sha256:') and what[4] == 'a/b', what
        b.set_reference(**{f'v{i:04}': i for i in range(40)})
        assert ', v0015 and 24 more message sha256:' in b.admin('GET', 'audit/records').json()[-1]['what']


def a_list_longer_than_a_page_is_printed_whole():
    with Broker() as b:
        open(f'{b.dir}/token', 'w').write(b.admin_token)
        for k in range(3):
            b.set_reference(**{f'v{i:04}': i for i in range(400 * k, 400 * k + 400)})
        p = cli(b, 'config', '--admin-token-file', f'{b.dir}/token', 'list-reference-values')
        assert p.stdout.split() == [f'v{i:04}' for i in range(1200)]


def what_follows_a_name_in_a_path_is_not_ignored():
    with Broker() as b:
        for method, path in (('GET', 'attestation-policy/default_cpu/x'), ('POST', 'trust-anchor/tpm-ak/x'), ('GET', 'decision/1m88tqfgs-3dc1a3mret/x'),
                             ('POST', 'resource/a/b/c/d'), ('DELETE', 'trust-anchor/tpm-ak/00/x')):
            r = b.admin(method, path, b'x' if method == 'POST' else None)
            assert r.status in (400, 404), (method, path, r.status, r.body)
            assert 'found 2' in r.json()['detail'] or r.status == 400, (path, r.body)


def what_the_policy_answered_is_counted():
    with Broker() as b:
        def counts():
            text = b.request('GET', '/metrics', port=b.metrics_port).body.decode()
            return [int(re.search(rf'^kbs_policy_{n}_total (\d+)$', text, re.M).group(1)) for n in ('evaluations', 'approvals', 'violations', 'errors')]
        g = Guest(b).handshake()
        b.set_secret('a/b/c', b'x')
        assert counts() == [0, 0, 0, 0], counts()
        assert g.get('a/b/c').status == 403 and counts() == [1, 0, 1, 0], counts()
        b.set_resource_policy(ALLOW_ALL)
        assert g.get('a/b/c').status == 200 and counts() == [2, 1, 1, 0], counts()
        assert g.get('a/b/absent').status == 404 and counts() == [3, 2, 1, 0], counts()
        assert b.request('GET', '/kbs/v0/resource/a/b/c').status == 401 and counts() == [3, 2, 1, 0], counts()


def metrics_are_on_their_own_listener_and_name_no_secret():
    with Broker() as b:
        b.set_secret('default/verysecretname/1', b.canary())
        Guest(b).handshake()
        assert b.request('GET', '/metrics').status == 404
        r = b.request('GET', '/metrics', port=b.metrics_port)
        assert r.status == 200 and b'kbs_http_requests_total' in r.body and b'verysecretname' not in r.body, r.body[:500]
        assert b'kbs_attestation_successes_total{tee_type="sample"} 1' in r.body, r.body


def another_server_at_the_url_is_told_from_a_broker():
    import http.server
    page = [200, b'<html>nobody is here\x1b[2J</html>']

    class Page(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.send_response(page[0])
            self.send_header('Content-Length', str(len(page[1])))
            self.end_headers()
            self.wfile.write(page[1])
        do_GET = do_POST

        def log_message(self, *_):
            pass
    s = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Page)
    threading.Thread(target=s.serve_forever, daemon=True).start()
    try:
        def ask(*args):
            return subprocess.run([f'{BUILD}/bin/kbs-client', '--url', f'http://127.0.0.1:{s.server_port}', *args], capture_output=True, text=True,
                                  timeout=60)
        p = ask('attest', '--tee', 'sample')
        assert p.returncode == 1 and 'is there a broker at that URL?' in p.stderr, p.stderr
        page[0] = 502
        for args in (('attest', '--tee', 'sample'), ('config', 'list-resources')):
            p = ask(*args)
            # what a server sends does not move the terminal
            assert p.returncode == 1 and 'answers 502: <html>nobody is here\\u001b[2J' in p.stderr and '\x1b' not in p.stderr, p.stderr
    finally:
        s.shutdown()
        s.server_close()


def the_command_line_does_the_whole_job():
    with Broker(tls=True) as b:
        secret = b.canary()
        open(f'{b.dir}/token', 'w').write(b.admin_token)
        open(f'{b.dir}/secret', 'wb').write(secret)
        config = ['config', '--admin-token-file', f'{b.dir}/token']
        cli(b, *config, 'set-resource', '--path', 'default/key/1', '--resource-file', f'{b.dir}/secret')
        cli(b, *config, 'set-resource-policy', '--allow-all')
        cli(b, *config, 'set-sample-reference-value', 'svn', '1')
        assert '1' in cli(b, *config, 'get-reference-value', '--id', 'svn').stdout
        p = cli(b, 'get-resource', '--path', 'default/key/1')
        assert base64.b64decode(p.stdout) == secret
        token = cli(b, 'attest').stdout.strip()
        assert token.count('.') == 2
        cli(b, *config, 'set-resource-policy', '--deny-all')
        p = cli(b, 'get-resource', '--path', 'default/key/1', check=False)
        assert p.returncode == 1 and 'decision' in p.stderr, (p.returncode, p.stderr)
        cli(b, *config, 'delete-resource', '--path', 'default/key/1')
        for args in ([], ['nope'], ['get-resource'], ['config', 'set-resource'], ['get-resource', '--nope']):
            assert cli(b, *args, check=False).returncode == 2, args
        for args in (['--help'], ['attest', '--help'], ['config', '--help'], ['explain', '--help'], ['audit', '--help']):
            assert 'usage:' in cli(b, *args).stdout, args
        # words complete from the help texts
        def completes(*words):
            line = ' '.join(f'"{w}"' for w in words)
            p = subprocess.run(['bash', '-c', f'source <({BUILD}/bin/kbs-client completion); COMP_WORDS=("{BUILD}/bin/kbs-client" {line}); '
                                f'COMP_CWORD={len(words)}; _kbs_client; echo "${{COMPREPLY[@]}}"'], capture_output=True, text=True)
            return p.stdout.split()
        assert completes('ver') == ['verify'] and 'get-resource' in completes('')
        assert completes('--url', 'http://x', 'config', '--admin-token-file', 'y', 'set-res') == ['set-resource-policy', 'set-resource']
        assert completes('--url', 'http://x', 'config', 'set-resource', '--re') == ['--resource-file']
        assert set(completes('audit', '')) == {'list', 'verify', 'head', 'prove'} and completes('policy', 'te') == ['test']
        # what was typed is wrong: 2, whether it is a word or a value
        open(f'{b.dir}/no-token', 'w').write('not a token\n')
        subprocess.run(['openssl', 'ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', f'{b.dir}/p256.key'], check=True)
        cli(b, 'admin-key', '--out', f'{b.dir}/ed.key')
        os.chmod(f'{b.dir}/p256.key', 0o600)
        for args, words in ((['tpm-ak', '--ak-handle', 'x'], 'cli.usage.handle'), (['tpm-ak', '--ak-handle', '-1'], 'cli.usage.handle'),
                            (['admin-token', '--key', f'{b.dir}/secret', '--hours', '8x'], 'cli.usage.hours'),
                            (['admin-token', '--key', f'{b.dir}/p256.key'], 'cli.usage.key'),
                            (['attest', '--tee', 'tpm', '--tee-key-file', f'{b.dir}/ed.key'], 'cli.usage.key'),
                            (['attest', '--tee', 'nosuch'], 'known are tpm and sample'),
                            (['get-resource', '--path', 'default/key'], 'REPO/TYPE/TAG'), (['get-resource', '--path', 'default//key'], 'REPO/TYPE/TAG'),
                            (['get-resource', '--path', 'a/b/c/d'], 'REPO/TYPE/TAG'), (['get-resource', '--path', '/a/b'], 'REPO/TYPE/TAG'),
                            (['tpm-ak', 'surplus'], 'found "surplus"'), (['admin-key', 'surplus', '--out', f'{b.dir}/surplus.key'], 'found "surplus"'),
                            ([*config, 'list-resources', 'surplus'], 'found "surplus"'), ([*config, 'list-anchors', 'surplus'], 'found "surplus"'),
                            ([*config, 'set-sample-reference-value', 'a', '--as-integer', 'x'], 'cli.usage.value'),
                            ([*config, 'set-sample-reference-value', 'a', '--as-single-value', 'x', 'y'], 'found 2'),
                            (['explain', '../x'], 'cli.usage.decision'), (['audit', 'prove', 'x'], 'cli.usage.index')):
            p = cli(b, *args, check=False)
            assert p.returncode == 2 and words in p.stderr, (args, p.returncode, p.stderr)
        assert not os.path.exists(f'{b.dir}/surplus.key')
        # who holds the token is the administrator
        for mode, warned in ((0o644, True), (0o640, True), (0o600, False), (0o400, False)):
            os.chmod(f'{b.dir}/token', mode)
            p = cli(b, *config, 'list-resources')
            assert ('others can read the admin token' in p.stderr) == warned, (mode, p.stderr)
        for args, reason in ((['config', '--admin-token-file', f'{b.dir}/no-token', 'list-resources'], 'byte 0x20 at 3'),
                             (['attest', '--tee', 'tpm', '--tcti', 'swtpm:path=/nowhere'], 'TCTI swtpm:path=/nowhere'),
                             ([*config, 'set-resource', '--path', 'a/b/c?x', '--resource-file', f'{b.dir}/secret'], 'byte 0x3f'),
                             ([*config, 'set-resource', '--path', 'a/b/c d', '--resource-file', f'{b.dir}/secret'], 'byte 0x20'),
                             ([*config, 'delete-reference-value', '--id', 'svn#x'], 'not registered')):
            p = cli(b, *args, check=False)
            assert p.returncode == 1 and reason in p.stderr, (args, p.stderr)
        assert cli(b, *config, 'list-resources').stdout == ''
        # a server whose certificate is not trusted is refused, and what is missing is said
        def raw(*args):
            return subprocess.run([f'{BUILD}/bin/kbs-client', *args], capture_output=True, text=True)
        p = raw('--url', f'https://localhost:{b.port}', 'attest')
        assert p.returncode == 1 and 'certificate' in p.stderr.lower() and 'no --cert-file is given' in p.stderr, p.stderr
        assert 'sample evidence is sent' in p.stderr or os.path.exists('/dev/tpmrm0'), p.stderr
        p = raw('--url', f'http://localhost:{b.port}', 'attest', '--tee', 'sample')
        assert p.returncode == 1 and 'https:// alone' in p.stderr, p.stderr
        p = raw('--url', f'https://localhost:{b.port}', '--cert-file', f'{b.dir}/tls.key', 'attest', '--tee', 'sample')
        assert p.returncode == 1 and 'client.ca' in p.stderr and 'tls.key' in p.stderr, p.stderr
        assert raw('--url', 'ftp://localhost', 'attest', '--tee', 'sample').returncode == 2
        # a full disk behind standard output is no success
        p = subprocess.run(['sh', '-c', f'{BUILD}/bin/kbs-client --help > /dev/full'], capture_output=True, text=True)
        assert p.returncode == 1 and 'standard output' in p.stderr, p.stderr
        os.unlink(f'{b.dir}/secret')


run_tap([another_server_at_the_url_is_told_from_a_broker, every_route_of_the_table_is_among_those_that_are_tried, every_admin_route_refuses_every_bad_credential_advisory_cve_2025_61779,
         a_pattern_is_matched_against_the_path_as_a_whole_and_never_the_query, deny_all_and_insecure_allow_all_do_what_they_say,
         a_policy_that_does_not_compile_is_refused_with_its_place, an_undefined_policy_result_denies_and_says_so,
         secrets_are_put_listed_replaced_and_deleted, writers_of_one_secret_side_by_side_all_succeed,
         a_refusal_is_explained_to_the_operator_and_not_to_the_guest,
         the_audit_log_holds_every_release_and_change_and_verifies, a_change_that_is_refused_leaves_no_record_that_it_was_made,
         records_have_the_fields_that_are_declared, a_log_that_was_put_back_or_rewritten_shows_against_what_was_verified, a_log_is_verified_from_files_without_the_broker,
         what_was_set_can_be_read_listed_and_taken_back, a_list_longer_than_a_page_is_printed_whole, what_follows_a_name_in_a_path_is_not_ignored,
         what_the_policy_answered_is_counted,
         metrics_are_on_their_own_listener_and_name_no_secret,
         the_command_line_does_the_whole_job])
