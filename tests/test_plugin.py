#!/usr/bin/env python3
"""A verifier from outside, through the whole handshake: named in the configuration, its claims in the token."""
from harness import *

EXAMPLE = f'{BUILD}/examples/verifier-plugin/example.so'
MEASUREMENT = bytes(range(32))


def install():
    if os.geteuid() != 0:
        raise Skip('only root can own a plug-in')
    d = tempfile.mkdtemp(prefix='warrant-plugin-')
    path = f'{d}/example.so'
    shutil.copyfile(EXAMPLE, path)
    os.chmod(path, 0o755)
    return path


def broker(path, **kw):
    return Broker(attestation=f'[attestation_service.verifier_config]\nplugins = ["{path}"]', **kw)


def evidence(report_data):
    return {'quote': (b'EXMP\x01\0\0\0' + report_data.ljust(64, b'\0') + MEASUREMENT).hex()}


class ExampleGuest(Guest):
    def auth(self, tee='x-example', extra=''):
        return super().auth(tee, extra)


def a_secret_is_released_on_the_verdict_of_a_plug_in():
    path = install()
    with broker(path) as b:
        secret = b.canary()
        b.set_secret('default/key/1', secret)
        policy = f'''package policy
default allow := false
allow if data.plugin == "resource"
allow if input.submods.cpu0["ear.veraison.annotated-evidence"]["x-example"].measurement == "{MEASUREMENT.hex()}"
'''
        assert b.set_resource_policy(policy.replace('allow if data.plugin == "resource"\n', '')).status == 200
        g = ExampleGuest(b)
        assert g.auth().status == 200
        r = g.attest(body=g.body(evidence=evidence(g.report_data())))
        assert r.status == 200, (r.status, r.body)
        claims = json.loads(unb64u(g.token.split('.')[1]))['submods']['cpu0']['ear.veraison.annotated-evidence']
        assert claims['x-example'] == {'measurement': MEASUREMENT.hex(), 'debug': False, 'endorsement': {'known': False}}, claims
        assert claims['report_data'].startswith(g.report_data().hex())
        r = g.get('default/key/1')
        assert r.status == 200 and g.open(r.body) == secret, (r.status, r.body)
    shutil.rmtree(os.path.dirname(path))


def a_plug_in_that_refuses_denies_and_one_that_is_not_there_is_unknown():
    path = install()
    with broker(path) as b:
        g = ExampleGuest(b)
        g.auth()
        r = g.attest(body=g.body(evidence=evidence(b'something else')))
        assert r.status == 403, (r.status, r.body)
        g = Guest(b)
        assert g.auth(tee='x-another').status == 200
        r = g.attest()
        assert r.status == 400, (r.status, r.body)
        for bad in ('x-', 'X-example', 'x-Example', 'x-a/b', 'x-' + 'a' * 30, 'xexample'):
            assert Guest(b).auth(tee=bad).status == 400, bad
    shutil.rmtree(os.path.dirname(path))


def a_plug_in_that_others_may_change_stops_the_start():
    path = install()
    os.chmod(path, 0o777)
    b = broker(path)
    try:
        b.start()
        raise RuntimeError('it started')
    except AssertionError as e:
        assert 'can be changed by others than root' in str(e), e
    finally:
        b.stop()
        shutil.rmtree(os.path.dirname(path))


run_tap([a_secret_is_released_on_the_verdict_of_a_plug_in, a_plug_in_that_refuses_denies_and_one_that_is_not_there_is_unknown,
         a_plug_in_that_others_may_change_stops_the_start])
