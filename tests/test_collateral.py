#!/usr/bin/env python3
"""Collateral on the command line: signed bundles between brokers, and what the cache holds."""
from harness import *

import datetime
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

TYPE = 'warrant-collateral+jws'


def cli(*args, code=0):
    p = subprocess.run([f'{BUILD}/bin/kbs-client', 'collateral', *args], capture_output=True, text=True, timeout=60)
    assert p.returncode == code, (args, p.returncode, p.stdout, p.stderr)
    return p.stdout + p.stderr


def crl(number, age_days, days=30):
    at = datetime.datetime.utcnow().replace(microsecond=0) - datetime.timedelta(days=age_days)
    return (x509.CertificateRevocationListBuilder().issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, 'ARK-Test')]))
            .last_update(at).next_update(at + datetime.timedelta(days=days)).add_extension(x509.CRLNumber(number), False)
            .sign(ec.generate_private_key(ec.SECP384R1()), hashes.SHA384()).public_bytes(serialization.Encoding.DER))


def write_bundle(path, key, pieces, typ=TYPE):
    """From the description in docs/collateral.md alone."""
    manifest = {'format': 'warrant-collateral-bundle/1', 'made': '2026-11-24T00:00:00Z',
                'pieces': [{'kind': k, 'key': n, 'sha256': hashlib.sha256(b).hexdigest()} for k, n, b in pieces]}
    signed = b64u(json.dumps({'typ': typ, 'alg': 'EdDSA'}).encode()) + '.' + b64u(json.dumps(manifest).encode())
    with open(path, 'w') as f:
        f.write(signed + '.' + b64u(key.sign(signed.encode())) + '\n' + ''.join(b64(b) + '\n' for _, _, b in pieces))


def write_key(key, path):
    with open(path, 'wb') as f:
        f.write(key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))


def a_bundle_goes_into_a_running_broker_and_out_of_it_to_another():
    key = Ed25519PrivateKey.generate()
    with Broker() as b, Broker() as other:
        store, elsewhere, pub = f'{b.dir}/data/warrant.db', f'{other.dir}/data/warrant.db', f'{b.dir}/signer.pub'
        write_key(key, pub)
        assert 'amd-crl' not in cli('status', '--store', store)
        write_bundle(f'{b.dir}/bundle', key, [('amd-crl', 'Milan', crl(7, 1)), ('nvidia-rim', 'NV_GPU_DRIVER_X', b'<rim/>')])
        assert '2 pieces taken, 0 older than what is held, 0 refused' in cli('import', '--store', store, '--key', pub, '--in', f'{b.dir}/bundle')
        lines = cli('status', '--store', store).splitlines()
        assert len(lines) == 3 and re.match(r'amd-crl +0m +\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ +good +Milan$', lines[1]), lines
        assert re.match(r'nvidia-rim +0m +- +good +NV_GPU_DRIVER_X$', lines[2]), lines
        assert len(cli('status', '--store', store, '--kind', 'amd-crl').splitlines()) == 2

        subprocess.run([f'{BUILD}/bin/kbs-client', 'admin-key', '--out', f'{b.dir}/key'], check=True)
        assert '2 pieces' in cli('export', '--store', store, '--key', f'{b.dir}/key', '--out', f'{b.dir}/out')
        assert '2 pieces taken' in cli('import', '--store', elsewhere, '--key', f'{b.dir}/key.pub', '--in', f'{b.dir}/out')
        assert cli('status', '--store', elsewhere) == cli('status', '--store', store)
        r = b.request('GET', '/healthz', port=b.metrics_port)
        assert r.status == 200, 'the broker goes on beside the command line'


def an_older_list_is_not_taken_and_an_expired_one_is_shown():
    key = Ed25519PrivateKey.generate()
    with Broker() as b:
        store, pub = f'{b.dir}/data/warrant.db', f'{b.dir}/signer.pub'
        write_key(key, pub)
        write_bundle(f'{b.dir}/new', key, [('amd-crl', 'Milan', crl(7, 1)), ('amd-crl', 'Genoa', crl(3, 10, 9))])
        write_bundle(f'{b.dir}/old', key, [('amd-crl', 'Milan', crl(6, 2))])
        write_bundle(f'{b.dir}/future', key, [('amd-crl', 'Milan', crl(9, -1))])
        cli('import', '--store', store, '--key', pub, '--in', f'{b.dir}/new')
        before = cli('status', '--store', store)
        out = cli('import', '--store', store, '--key', pub, '--in', f'{b.dir}/old')
        assert 'not taken: amd-crl "Milan"' in out and '0 pieces taken, 1 older than what is held, 0 refused' in out, out
        assert 'issued at' in cli('import', '--store', store, '--key', pub, '--in', f'{b.dir}/future', code=1)
        assert cli('status', '--store', store) == before
        assert re.search(r'amd-crl .* expired +Genoa', before) and re.search(r'amd-crl .* good +Milan', before), before


def a_bundle_that_was_changed_or_signed_by_another_is_refused_whole():
    key = Ed25519PrivateKey.generate()
    with Broker() as b:
        store, pub, path = f'{b.dir}/data/warrant.db', f'{b.dir}/signer.pub', f'{b.dir}/bundle'
        write_key(key, pub)
        good = [('nvidia-rim', 'A', b'a'), ('nvidia-rim', 'B', b'b')]
        write_bundle(path, Ed25519PrivateKey.generate(), good)
        assert 'signature' in cli('import', '--store', store, '--key', pub, '--in', path, code=1)
        write_bundle(path, key, good, typ='JWT')
        assert 'no bundle' in cli('import', '--store', store, '--key', pub, '--in', path, code=1)
        write_bundle(path, key, good)
        text = open(path).read()
        for changed in (text.replace('\nYg==', '\nYw=='), text[:-1], text + 'YQ==\n', text.replace('\nYQ==', ''), ''):
            open(path, 'w').write(changed)
            cli('import', '--store', store, '--key', pub, '--in', path, code=1)
        assert len(cli('status', '--store', store).splitlines()) == 1, 'nothing of it was taken'


def a_wrong_use_is_told():
    for args in ([], ['export'], ['import', '--key', 'x'], ['status', 'x'], ['status', '--in', 'x'], ['status', '--kind', 'nope'],
                 ['export', '--key', 'x', '--out', 'y', '--in', 'z']):
        cli(*args, code=2)
    assert 'opening the broker' in cli('status', '--store', '/nonexistent/warrant.db', code=1)


run_tap([a_bundle_goes_into_a_running_broker_and_out_of_it_to_another, an_older_list_is_not_taken_and_an_expired_one_is_shown,
         a_bundle_that_was_changed_or_signed_by_another_is_refused_whole, a_wrong_use_is_told])
