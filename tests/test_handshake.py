#!/usr/bin/env python3
"""The handshake and the release, against a running broker, by an independent client: every protocol version, every key."""
from harness import *


def each_protocol_version_receives_its_secret():
    with Broker(rsa1_5=True) as b:
        assert b.set_resource_policy(ALLOW_ALL).status == 200
        secret = b.canary()
        b.set_secret('default/key/1', secret)
        for version, dialects in (('0.1.0', (1, 2, 3, 4)), ('0.1.1', (4,)), ('0.2.0', (4,)), ('0.3.0', (4,)), ('0.4.0', (4,))):
            for dialect in dialects:
                key = RsaKey('RSA1_5') if version in ('0.1.0', '0.1.1') else EcKey()
                g = Guest(b, version, key, dialect)
                r = g.auth()
                assert r.status == 200 and r.json()['extra-params'] == '', (version, r.body)
                assert len(base64.b64decode(g.nonce)) == 32
                r = g.attest()
                assert r.status == 200, (version, dialect, r.status, r.body)
                assert re.match(r'kbs-session-id=', r.headers['Set-Cookie']) and g.cookie in r.headers['Set-Cookie']
                r = g.get('default/key/1')
                assert r.status == 200, (version, dialect, r.status, r.body)
                assert g.open(r.body) == secret, (version, dialect)


def each_key_kind_receives_its_secret_by_cookie_and_by_bearer():
    with Broker(tls=True) as b:
        assert b.set_resource_policy(ALLOW_ALL).status == 200
        secret = b.canary()
        b.set_secret('default/key/1', secret)
        for key in (EcKey('P-256'), EcKey('P-384'), EcKey('P-521'), RsaKey()):
            g = Guest(b, key=key).handshake()
            for bearer in (False, True):
                r = g.get('default/key/1', bearer)
                assert r.status == 200, (key.public, r.status, r.body)
                assert r.headers['Content-Type'] == 'application/json'
                assert g.open(r.body) == secret


def the_token_verifies_by_the_published_key_and_says_what_was_appraised():
    from jwcrypto import jwk, jwt
    with Broker() as b:
        g = Guest(b).handshake()
        r = b.request('GET', '/kbs/v0/.well-known/jwks.json')
        if r.status == 404:
            r = b.request('GET', '/.well-known/jwks.json')
        assert r.status == 200, r.status
        keys = jwk.JWKSet.from_json(r.body.decode())
        t = jwt.JWT(jwt=g.token, key=list(keys)[0], algs=['ES256'])
        claims = json.loads(t.claims)
        assert claims['iss'] == 'CoCo-Attestation-Service' and claims['exp'] - claims['iat'] == 300
        assert claims['eat_profile'] == 'tag:github.com,2024:confidential-containers/Trustee'
        cpu = claims['submods']['cpu0']
        assert cpu['ear.appraisal-policy-id'] == 'default' and cpu['ear.status'] == 'contraindicated'
        assert set(cpu['ear.trustworthiness-vector']) == {'instance-identity', 'configuration', 'executables', 'file-system', 'hardware',
                                                         'runtime-opaque', 'storage-opaque', 'sourced-data'}
        ev = cpu['ear.veraison.annotated-evidence']
        assert ev['sample']['svn'] == '1' and ev['runtime_data_claims']['tee-pubkey'] == g.key.public
        assert 'x5c' not in json.loads(unb64u(g.token.split('.')[0]))['jwk']


def reference_values_turn_the_status_to_affirming():
    with Broker() as b:
        b.set_reference(launch_digest=['abcde'], svn=['1'], major_version=1, minimum_minor_version=1)
        cpu = Guest(b).handshake().claims()['submods']['cpu0']
        assert cpu['ear.status'] == 'affirming', cpu
        assert cpu['ear.trustworthiness-vector']['executables'] == 3 and cpu['ear.trustworthiness-vector']['hardware'] == 2


def the_default_policy_refuses_sample_evidence():
    with Broker() as b:
        b.set_secret('default/key/1', b.canary())
        g = Guest(b).handshake()
        r = g.get('default/key/1')
        assert r.status == 403 and r.type() == 'PolicyDeny' and r.json()['decision'], (r.status, r.body)


def sample_evidence_is_refused_unless_the_configuration_says_so():
    with Broker(sample=False) as b:
        g = Guest(b)
        g.auth()
        r = g.attest()
        assert r.status in (400, 403) and 'token' not in r.json(), (r.status, r.body)


def the_minimal_exchange_answers_as_clients_expect():
    with Broker() as b:
        r = b.request('POST', '/kbs/v0/auth', json.dumps({'version': '0.9.0', 'tee': 'sample', 'extra-params': ''}))
        assert r.status == 401 and r.type() == 'AttestationError', (r.status, r.body)
        assert 'KBS Client Protocol Version Mismatch' in r.json()['detail']
        r = b.request('POST', '/kbs/v0/attest', '{}')
        assert r.status == 401 and r.type() == 'AttestationError', (r.status, r.body)
        r = b.request('GET', '/kbs/v0/resource/a/b/c')
        assert r.status == 401 and r.type() == 'TokenNotFound', (r.status, r.body)
        r = b.request('GET', '/kbs/v0/nope')
        assert r.status == 404 and r.type() == 'PluginNotFound', (r.status, r.body)
        assert b.request('PATCH', '/kbs/v0/resource/a/b/c').status == 405
        assert b.request('POST', '/kbs/v0/auth', b'x' * (3 << 20)).status == 413
        assert b.request('GET', '/healthz').status == 200
        g = Guest(b).handshake()
        assert b.set_resource_policy(ALLOW_ALL).status == 200
        r = g.get('a/b/absent')
        assert r.status == 404 and set(r.json()) >= {'type', 'detail'}, (r.status, r.body)


def a_challenge_succeeds_once_and_the_same_guest_gets_the_same_token_again():
    with Broker() as b:
        g = Guest(b).handshake()
        first = g.token
        assert g.attest().status == 200 and g.token == first
        # another key on the same challenge, with evidence that binds it
        other = Guest(b)
        other.cookie, other.nonce = g.cookie, g.nonce
        r = other.attest()
        assert r.status == 403 and 'token' not in r.json(), (r.status, r.body)


def concurrent_attestations_on_one_challenge_yield_one_token():
    with Broker() as b:
        g = Guest(b)
        g.auth()
        body = json.dumps(g.body())
        got, lock = [], threading.Lock()

        def one():
            r = b.request('POST', '/kbs/v0/attest', body, {'Cookie': f'kbs-session-id={g.cookie}'})
            with lock:
                got.append((r.status, r.json().get('token')))
        threads = [threading.Thread(target=one) for _ in range(8)]
        [t.start() for t in threads]
        [t.join() for t in threads]
        assert {s for s, _ in got} == {200} and len({t for _, t in got}) == 1, got


def bad_cookies_and_bodies_are_refused_with_a_reason():
    with Broker() as b:
        g = Guest(b)
        g.auth()
        good = g.cookie
        for i in (0, 5, len(good) // 2, len(good) - 2):
            bad = good[:i] + ('A' if good[i] != 'A' else 'B') + good[i + 1:]
            r = g.attest(cookie=bad)
            assert r.status == 401, (i, r.status, r.body)
        for bad in ('', 'x', '../../etc/passwd', 'A' * 4000, good + 'A'):
            r = g.attest(cookie=bad or '""')
            assert r.status == 401, (bad[:20], r.status)
        for body, status in (('{', 400), ('[]', 400), ('{"a":1,"a":2}', 400), ('[' * 200, 413), ('null', 400)):
            r = g.attest(body=body)
            assert r.status == status and set(r.json()) >= {'type', 'detail'}, (body[:20], r.status, r.body)


def wrong_bindings_are_denied():
    with Broker() as b:
        g = Guest(b)
        g.auth()
        for report in (b'', b'\0' * 48, g.report_data()[:-1], g.report_data() + b'\0', g.device_data()):
            r = g.attest(evidence={'svn': '1', 'report_data': b64(report)})
            assert r.status == 403 and r.json()['decision'], (report, r.status, r.body)
        body = g.body()
        body['runtime-data']['nonce'] = b64(os.urandom(32))
        assert g.attest(body=body).status == 403


def failed_attempts_on_one_challenge_are_capped():
    with Broker() as b:
        g = Guest(b)
        g.auth()
        for _ in range(10):
            assert g.attest(evidence={'svn': '1', 'report_data': 'AAAA'}).status == 403
        assert g.attest().status == 429
        assert Guest(b).handshake().token


def attestations_side_by_side_share_the_attempts_of_their_challenge():
    from concurrent.futures import ThreadPoolExecutor
    with Broker() as b:
        g = Guest(b)
        g.auth()

        def wrong(_):
            twin = Guest(b, key=g.key)
            twin.cookie, twin.nonce = g.cookie, g.nonce
            return twin.attest(evidence={'svn': '1', 'report_data': 'AAAA'}).status

        with ThreadPoolExecutor(32) as threads:
            statuses = list(threads.map(wrong, range(96)))
        assert statuses.count(403) == 10 and statuses.count(429) == 86, statuses
        assert g.attest().status == 429


def a_cookie_of_another_broker_does_not_open():
    with Broker() as b, Broker() as c:
        g = Guest(b)
        g.auth()
        stranger = Guest(c)
        stranger.cookie, stranger.nonce = g.cookie, g.nonce
        assert stranger.attest().status == 401


def additional_evidence_is_appraised_beside_the_primary_one():
    with Broker() as b:
        b.set_reference(device_svn=['2'])
        g = Guest(b)
        g.auth()
        extra = json.dumps({'sampledevice': {'svn': '2', 'report_data': b64(g.device_data())}})
        r = g.attest(additional=extra)
        assert r.status == 200, (r.status, r.body)
        mods = g.claims()['submods']
        assert set(mods) == {'cpu0', 'gpu0'} and mods['gpu0']['ear.veraison.annotated-evidence']['sampledevice']['svn'] == '2'
        g = Guest(b)
        g.auth()
        wrong = json.dumps({'sampledevice': {'svn': '2', 'report_data': b64(g.report_data())}})
        assert g.attest(additional=wrong).status == 403


def init_data_is_bound_and_its_claims_are_in_the_token():
    toml = 'version = "0.1.0"\nalgorithm = "sha256"\n[data]\n"cdh.toml" = """\n[image]\nextra_root_certificates = ["x"]\n"""\n' \
           '"policy.rego" = """\npackage agent_policy\npolicy_data := {"containers":[{"OCI":{"Process":{"User":{"UID":65535}}}}]}"""\n'
    with Broker() as b:
        g = Guest(b)
        g.auth()
        assert g.attest(init_data=toml).status == 200
        ev = g.claims()['submods']['cpu0']
        a = ev['ear.veraison.annotated-evidence']
        assert a['init_data'] == b64(hashlib.sha256(toml.encode()).digest()), a['init_data']
        assert a['init_data_claims']['cdh.toml']['image']['extra_root_certificates'] == ['x']
        assert a['init_data_claims']['agent_policy_claims']['containers'][0]['OCI']['Process']['User']['UID'] == 65535
        assert ev['ear.trustee.identifiers']['validated'] == {'container_uids': [65535]}


def abandoned_challenges_leave_nothing_behind():
    with Broker() as b:
        import glob

        def size():
            return sum(os.path.getsize(f) for f in glob.glob(f'{b.dir}/data/**', recursive=True) if os.path.isfile(f))
        Guest(b).auth()
        before = size()
        for _ in range(300):
            assert Guest(b).auth().status == 200
        assert size() == before


run_tap([each_protocol_version_receives_its_secret, each_key_kind_receives_its_secret_by_cookie_and_by_bearer,
         the_token_verifies_by_the_published_key_and_says_what_was_appraised, reference_values_turn_the_status_to_affirming,
         the_default_policy_refuses_sample_evidence, sample_evidence_is_refused_unless_the_configuration_says_so,
         the_minimal_exchange_answers_as_clients_expect, a_challenge_succeeds_once_and_the_same_guest_gets_the_same_token_again,
         concurrent_attestations_on_one_challenge_yield_one_token, bad_cookies_and_bodies_are_refused_with_a_reason,
         wrong_bindings_are_denied, failed_attempts_on_one_challenge_are_capped,
         attestations_side_by_side_share_the_attempts_of_their_challenge, a_cookie_of_another_broker_does_not_open,
         additional_evidence_is_appraised_beside_the_primary_one, init_data_is_bound_and_its_claims_are_in_the_token,
         abandoned_challenges_leave_nothing_behind])
