#!/usr/bin/env python3
"""Requests that are well-formed HTTP and mean harm: tricks with paths, methods, queries and tokens, and more than there is room for."""
import hmac

from harness import *


def raw(b, text, body=b''):
    s = socket.create_connection(('127.0.0.1', b.port))
    s.settimeout(20)
    s.sendall(text.replace('\n', '\r\n').encode() + b'\r\n' + body)
    out = b''
    while True:
        k = s.recv(65536)
        if not k:
            break
        out += k
    s.close()
    return int(out.split()[1]), out


def a_path_has_one_spelling_and_the_others_are_refused():
    with Broker() as b:
        secret = b.canary()
        b.set_secret('a/b/c', secret)
        assert b.set_resource_policy(ALLOW_ALL).status == 200
        g = Guest(b).handshake()
        for path in ('a%2Fb%2Fc', 'a/b%2fc', './a/b/c', 'a/./b/c', 'a/b/../b/c', 'a//b/c', 'a/b/c/', '/a/b/c', 'a/b/c%00', 'a/b/c%0a', 'a/b/c%7f', 'a%5cb%5cc',
                     'a/b/c;x', 'a/b/c%20', 'a/b/.c', 'a/b/..', 'a/b/%2e%2e', '../resource/a/b/c', 'a/b', 'a/b/c/d', 'a/b/c%', 'a/b/c%4', 'a/b/c%zz', 'a/b/c%c0%af',
                     'a/b/c%ff', 'a/b/c#x'):
            r = g.get(path)
            assert r.status == 400, (path, r.status, r.body)
        for path in ('%61/b/c', 'a/b/%63', 'a/b/c?x=1'):
            assert g.open(g.get(path).body) == secret, path
        assert g.get('A/b/c').status == 404 and g.get('a/b/c.').status == 404


def a_method_is_the_one_in_the_request_line():
    with Broker() as b:
        b.set_secret('a/b/c', b.canary())
        g = Guest(b).handshake()
        cookie = f'Cookie: kbs-session-id={g.cookie}\n'
        for method in ('HEAD', 'OPTIONS', 'TRACE', 'PATCH', 'get', 'PROPFIND'):
            status, out = raw(b, f'{method} /kbs/v0/resource/a/b/c HTTP/1.1\nHost: x\nConnection: close\n{cookie}')
            assert status == 405 and b'allow: GET, POST, PUT, DELETE' in out, (method, out)
            assert b'kbs-session-id' not in out and b'Host: x' not in out, 'the request is not echoed'
        for header in ('X-HTTP-Method-Override', 'X-Method-Override', 'X-HTTP-Method'):
            status, out = raw(b, f'POST /kbs/v0/resource/a/b/c HTTP/1.1\nHost: x\nConnection: close\n{header}: GET\nContent-Length: 0\n{cookie}')
            assert status == 401, (header, out)
            status, out = raw(b, f'GET /kbs/v0/resource/a/b/c HTTP/1.1\nHost: x\nConnection: close\n{header}: DELETE\nAuthorization: Bearer {b.admin_token}\n')
            assert status == 401, (header, out)
        assert b.admin('GET', 'resource').json() == ['a/b/c']


def a_query_says_each_thing_once_and_not_too_much():
    with Broker() as b:
        assert 'http.query.duplicate' in b.admin('GET', 'resource?prefix=a&prefix=b').json()['detail']
        assert 'http.query.long' in b.admin('GET', 'resource?' + '&'.join(f'x{i}=1' for i in range(200))).json()['detail']
        for n in range(2):
            b.set_reference(**{f'v{i:04}': i for i in range(600 * n, 600 * n + 600)})
        for limit in (5000, 1000000000000):
            assert len(b.admin('GET', f'reference-value?limit={limit}').json()) == 1000, limit
        assert len(b.admin('GET', 'reference-value?limit=7').json()) == 7
        for path in ('reference-value?limit=x', 'resource?limit=-1', 'resource?limit=', 'audit/records?from=1e3', 'audit/records?limit=0x10',
                     'audit/proof?index=18446744073709551616&size=1', 'audit/proof?index=0&size=+1'):
            r = b.admin('GET', path)
            assert r.status == 400 and 'is no number' in r.json()['detail'], (path, r.status, r.body)
        r = b.admin('GET', 'reference-value/' + 'a' * 5000)
        assert r.status == 400 and 'this has 5000' in r.json()['detail'], r.body


def a_credential_that_stands_twice_is_none():
    with Broker() as b:
        b.set_secret('a/b/c', b.canary())
        assert b.set_resource_policy(ALLOW_ALL).status == 200
        g = Guest(b).handshake()
        get = 'GET /kbs/v0/resource/a/b/c HTTP/1.1\nHost: x\nConnection: close\n'
        bearer, cookie = f'Authorization: Bearer {g.token}\n', f'kbs-session-id={g.cookie}'
        assert raw(b, get + bearer)[0] == 200 and raw(b, get + f'Cookie: {cookie}\n')[0] == 200
        for headers in (bearer + bearer, f'Cookie: {cookie}; {cookie}\n', f'Cookie: {cookie}\nCookie: {cookie}\n', bearer.replace('Bearer ', 'Basic '),
                        bearer.replace('Bearer ', 'Bearer'), f'Proxy-{bearer}'):
            assert raw(b, get + headers)[0] == 401, headers


def a_token_is_what_its_signer_signed_and_no_more():
    with Broker() as b:
        b.set_secret('a/b/c', b.canary())
        assert b.set_resource_policy(ALLOW_ALL).status == 200
        g = Guest(b).handshake()
        head, body, sig = g.token.split('.')
        header = json.loads(unb64u(head))
        mac = b64u(json.dumps({**header, 'alg': 'HS256'}).encode()) + '.' + body
        table = {'none': b64u(b'{"alg":"none"}') + f'.{body}.', 'none with the key': b64u(json.dumps({**header, 'alg': 'none'}).encode()) + f'.{body}.',
                 'HMAC with the public key': mac + '.' + b64u(hmac.new(json.dumps(header['jwk']).encode(), mac.encode(), hashlib.sha256).digest()),
                 'no signature': f'{head}.{body}.', 'zeros': f'{head}.{body}.' + b64u(bytes(64)), 'four parts': g.token + '.x', 'padding': g.token + '=',
                 'a part twice': f'{head}.{body}.{sig}{sig}', 'a jku': b64u(json.dumps({'alg': 'ES256', 'jku': 'http://127.0.0.1:1'}).encode()) + f'.{body}.{sig}',
                 'a kid that is a path': b64u(json.dumps({'alg': 'ES256', 'kid': '../../etc/passwd'}).encode()) + f'.{body}.{sig}',
                 'the admin token': b.admin_token, 'empty': '', 'long': 'a.' + 'b' * 100000 + '.c'}
        for name, token in table.items():
            r = b.request('GET', '/kbs/v0/resource/a/b/c', headers={'Authorization': f'Bearer {token}'})
            assert r.status == 401 and r.type() in ('TokenVerifierError', 'TokenNotFound') and 'decision' not in r.json(), (name, r.status, r.body)
            assert b'signature' not in r.body, 'which check failed is not for strangers'
        assert b.admin('GET', 'resource', token=g.token).status == 401, 'a guest is no administrator'


def what_a_route_takes_has_its_own_size():
    with Broker() as b:
        g = Guest(b)
        for method, path, n in (('POST', 'auth', 65537), ('GET', 'resource/a/b/c', 65537), ('POST', 'attest', (2 << 20) + 1),
                                ('POST', 'resource/a/b/c', (2 << 20) + 1), ('DELETE', 'resource/a/b/c', 65537)):
            r = b.request(method, '/kbs/v0/' + path, b'x' * n)
            assert r.status == 413 and 'http.body.size' in r.json()['detail'], (method, path, r.body)    # before anybody looked at it
        assert b.admin('POST', 'resource/a/b/c', b'x' * (2 << 20)).status == 200
        assert g.auth().status == 200
        r = g.attest(body={**g.body(), 'ignored': 'x' * 100000})    # larger than the small routes take
        assert r.status == 200, (r.status, r.body)
        assert b.request('GET', '/healthz', headers={'X': 'y' * 140000}).status == 431
        assert b.request('GET', '/healthz', headers={f'x{i}': '1' for i in range(120)}).status == 431


def a_guest_is_told_a_class_and_an_id_and_nothing_else():
    with Broker() as b:
        b.set_secret('a/b/c', b.canary())
        assert b.set_resource_policy('package policy\ndefault allow := false\nallow if data.plugin == "the-inner-name"\n').status == 200
        g = Guest(b).handshake()
        for path in ('a/b/c', 'a/b/absent'):    # the same, whether there is something or not
            r = g.get(path)
            assert r.status == 403 and set(r.json()) == {'type', 'detail', 'decision'}, r.body
            assert r.json()['detail'] == 'Access denied by policy' and r.type() == 'PolicyDeny', r.body
        assert b.set_resource_policy('package policy\nf(x) := 1 if x.submods\nf(x) := 2 if x\nallow if f(input) == 1\n').status == 200
        r = g.get('a/b/c')
        assert r.status == 403 and r.json()['detail'] == 'Policy engine error', r.body
        r = g.attest(body={**g.body(), 'runtime-data': {'nonce': g.nonce, 'tee-pubkey': EcKey().public}})
        assert r.status == 403 and r.json()['detail'].endswith('the evidence was refused'), r.body


def a_stranger_does_not_fill_the_log():
    with Broker() as b:
        c = http.client.HTTPConnection('127.0.0.1', b.port, timeout=30)
        started = time.time()
        for _ in range(1000):
            c.request('GET', '/kbs/v0/resource/a/b/c')
            r = c.getresponse()
            assert r.status == 401 and r.read()
        seconds = time.time() - started
        time.sleep(1.1)
        c.request('GET', '/kbs/v0/resource/a/b/c')
        c.getresponse().read()
        c.close()
        time.sleep(0.3)
        lines = [l for l in b.log if '"status":401' in l]
        assert len(lines) <= 50 * (int(seconds) + 3), (len(lines), seconds)
        if seconds < 10:
            assert any('refusals-not-logged' in l for l in b.log), 'what was not logged is counted'


run_tap([a_path_has_one_spelling_and_the_others_are_refused, a_method_is_the_one_in_the_request_line, a_query_says_each_thing_once_and_not_too_much,
         a_credential_that_stands_twice_is_none, a_token_is_what_its_signer_signed_and_no_more, what_a_route_takes_has_its_own_size,
         a_guest_is_told_a_class_and_an_id_and_nothing_else, a_stranger_does_not_fill_the_log])
