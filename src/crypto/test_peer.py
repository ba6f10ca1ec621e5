#!/usr/bin/env python3
"""Both directions against another JOSE library, and the wall around the fixed randomness of jwe_priv.h."""
import json, os, re, subprocess, sys, tempfile

TOOL = sys.argv[1]
SOURCE = sys.argv[2]
try:
    from jwcrypto import jwe, jwk, jws
except ImportError:
    jwk = None

count = 0
failed = 0


def report(ok, name):
    global count, failed
    count += 1
    failed += not ok
    print(('ok' if ok else 'not ok'), count, '-', name)


def run(directory, command, key, text):
    paths = []
    for name, data in (('key', key), ('text', text)):
        path = os.path.join(directory, name)
        if os.path.exists(path):
            os.unlink(path)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), 'wb') as f:
            f.write(data)
        paths.append(path)
    return subprocess.run([TOOL, command] + paths, capture_output=True)


def make(kind):
    if kind.startswith('RSA'):
        return jwk.JWK.generate(kty='RSA', size=2048)
    if kind == 'Ed25519':
        return jwk.JWK.generate(kty='OKP', crv=kind)
    return jwk.JWK.generate(kty='EC', crv=kind)


def public(key, alg):
    return json.dumps({**json.loads(key.export_public()), 'alg': alg}).encode()


def flattened(message):
    """With all of the header protected; the peer's own flattened form leaves epk outside."""
    names = ('protected', 'encrypted_key', 'iv', 'ciphertext', 'tag')
    return json.dumps(dict(zip(names, message.serialize(True).split('.')))).encode()


def encryption(directory):
    for kind, alg in (('P-256', 'ECDH-ES+A256KW'), ('P-384', 'ECDH-ES+A256KW'), ('P-521', 'ECDH-ES+A256KW'),
                      ('RSA', 'RSA-OAEP-256')):
        key, pem, ok_out, ok_in = make(kind), None, True, True
        pem = key.export_to_pem(True, None)
        for size in (1, 16, 1000):
            plain = os.urandom(size)
            made = run(directory, 'encrypt', public(key, alg), plain)
            theirs = jwe.JWE(algs=[alg, 'A256GCM'])
            try:
                theirs.deserialize(made.stdout.decode(), key)
                ok_out = ok_out and theirs.payload == plain
            except Exception:
                ok_out = False
            peer = jwe.JWE(plain, json.dumps({'alg': alg, 'enc': 'A256GCM'}))
            peer.add_recipient(key)
            opened = run(directory, 'decrypt', pem, flattened(peer))
            ok_in = ok_in and opened.returncode == 0 and opened.stdout == plain
        report(ok_out, f'the peer opens what is encrypted with {alg} to {kind}')
        report(ok_in, f'what the peer encrypts with {alg} to {kind} opens')
        stranger = run(directory, 'decrypt', make(kind).export_to_pem(True, None), flattened(peer))
        report(stranger.returncode == 1 and stranger.stderr == b'jwe.open\n', f'another {kind} key opens nothing')


def signatures(directory):
    for kind, alg in (('P-256', 'ES256'), ('P-384', 'ES384'), ('P-521', 'ES512'), ('RSA', 'RS256'), ('RSA', 'PS384'),
                      ('Ed25519', 'EdDSA')):
        key = make(kind)
        made = run(directory, alg, key.export_to_pem(True, None), b'{"a":1}')
        theirs = jws.JWS()
        theirs.allowed_algs = [alg]
        try:
            theirs.deserialize(made.stdout.decode(), key)
            ok = theirs.payload == b'{"a":1}'
        except Exception:
            ok = False
        report(ok, f'the peer verifies {alg}')
        peer = jws.JWS(b'{"a":1}')
        peer.add_signature(key, None, json.dumps({'alg': alg}), None)
        text = peer.serialize(True).encode()
        report(run(directory, 'verify', public(key, alg), text).stdout == b'{"a":1}', f'{alg} of the peer verifies')
        report(run(directory, 'verify', public(make(kind), alg), text).returncode == 1, f'{alg} of another key does not')


def walls():
    users = []
    for root, _, names in os.walk(os.path.join(SOURCE, 'src')):
        for name in names:
            if name.endswith(('.c', '.h')) and re.search(r'jwe_priv\.h"|jwe_encrypt_with\(', open(os.path.join(root, name)).read()):
                users.append(name)
    extra = [n for n in users if n not in ('jwe.c', 'jwe_priv.h') and not n.startswith('test_')]
    report('jwe.c' in users and not extra, 'nothing but tests gives the random parts of a JWE')


walls()
if jwk is None:
    count += 1
    print(f'ok {count} - against another JOSE library # SKIP python3-jwcrypto is not installed')
else:
    with tempfile.TemporaryDirectory() as d:
        encryption(d)
        signatures(d)
print(f'1..{count}')
sys.exit(1 if failed else 0)
