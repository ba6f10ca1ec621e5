#!/usr/bin/env python3
"""The shapes of the laboratory that test_lab.py leaves out, over sockets: `kbs-client attest --lab TEE` against a broker that trusts that
one root, the secret where the guest has a key for it, init-data, and one changed claim that the explanation names and no other."""
from lab_harness import *

AFFIRMING = '''package policy
default allow := false
allow if input.submods.cpu0["ear.status"] == "affirming"
'''
INIT_DATA = 'algorithm = "sha256"\nversion = "0.1.0"\n[data]\nx = "y"\n'

# tee, class, does its evidence bind init-data, a changed field, the one claim that the explanation may name
SHAPES_HERE = (
    ('az-snp-vtpm', 'cpu', True, {'events': [[11, 13, '6c6965']]}, 'tpm.pcr11'),
    ('az-tdx-vtpm', 'cpu', True, {'events': [[11, 13, '6c6965']]}, 'tpm.pcr11'),
    ('cca', 'cpu', None, {'rim': '01' * 32}, 'realm["cca-realm-initial-measurement"]'),
    ('csv', 'cpu', False, {'measure': '01'}, 'measure'),
    ('hygondcu', 'dcu', False, {'measure': '01'}, 'body.measure'),
    ('nitro', 'cpu', False, {'pcr0': '01' * 48}, 'pcrs["0"]'),
    ('se', 'cpu', False, {'image_phkh': '01'}, 'image_phkh'),
    ('tpm', 'cpu', True, {'events': [[11, 13, '6c6965']]}, 'pcr11'),
)


class One:
    """A broker and one world; collateral from a folder, or (nvidia) from the vendor's services on loopback."""

    def __init__(self, tee, variant=None):
        self.tee, self.dir, self.vendors = tee, tempfile.mkdtemp(prefix='warrant-tees-'), None
        lab('make', '--state', self.dir, '--tee', tee, '--small-keys', *(['--variant', variant] if variant else []))
        config = '[attestation_service.verifier_config]\n'
        if tee != 'se':	# has no root: its host key is of the configuration
            config += f'trust_dir = "{self.dir}/trust"\n'
        if tee == 'nvidia':
            self.vendors = Vendors(self.dir)
            config += f'collateral_loopback_http = "{LOOPBACK_WORDS}"\n[attestation_service.verifier_config.nvidia_verifier]\n' \
                      f'rim_service = "{self.vendors.url}"\nocsp_service = "{self.vendors.url}/ocsp"\n'
        else:
            config += f'collateral_dir = "{self.dir}/collateral"\n[attestation_service.verifier_config.snp_verifier]\nvcek_sources = []\n' \
                      '[attestation_service.verifier_config.dcap_verifier]\ncollateral_service = ""\n'
            for item in json.load(open(f'{self.dir}/{tee}/world.json')):
                if 'kind' in item:
                    os.makedirs(f'{self.dir}/collateral/{item["kind"]}', exist_ok=True)
                    key = re.sub(r'[^A-Za-z0-9.-]', '_', item['key']) or 'default'
                    shutil.copy(f'{self.dir}/{tee}/{item["name"]}', f'{self.dir}/collateral/{item["kind"]}/{key}')
        if tee == 'se':
            os.makedirs(f'{self.dir}/hosts')
            shutil.copy(f'{self.dir}/se/host.pem', f'{self.dir}/hosts/host.pem')
            config += f'[attestation_service.verifier_config.se_verifier]\nhost_key_documents = "{self.dir}/hosts"\n' \
                      f'image_header = "{self.dir}/se/image.hdr"\n'
        self.broker = Broker(attestation=config)

    def __enter__(self):
        self.broker.start()
        open(f'{self.broker.dir}/token', 'w').write(self.broker.admin_token)
        self.broker.set_reference(**SHAPES[self.tee]['values'])
        self.secret = self.broker.canary()
        self.broker.set_secret('default/key/1', self.secret)
        assert self.broker.set_resource_policy(AFFIRMING).status == 200
        return self

    def __exit__(self, *rest):
        if self.vendors:
            self.vendors.stop()
        self.broker.stop()
        shutil.rmtree(self.dir)

    def client(self, *args):
        return subprocess.run([f'{BUILD}/bin/kbs-client', '--url', f'http://127.0.0.1:{self.broker.port}', *args], capture_output=True,
                              text=True, timeout=60)

    def guest(self, verb, *args, **fields):
        return self.client(verb, *args[:2], '--lab', self.tee, '--lab-state', self.dir, *sets(fields), *args[2:])

    def attest(self, init_data=None, **fields):
        """The token's payload."""
        p = self.client('attest', '--lab', self.tee, '--lab-state', self.dir, *sets(fields), *([init_data] if init_data else []))
        assert p.returncode == 0, (self.tee, p.stderr)
        return json.loads(unb64u(p.stdout.split('.')[1]))

    def explain(self, decision):
        p = self.client('explain', '--admin-token-file', f'{self.broker.dir}/token', decision)
        assert p.returncode == 0, p.stderr
        return p.stdout


def every_shape_does_the_handshake_and_one_changed_claim_is_the_one_named():
    wrong = []
    for tee, tee_class, _, fields, claim in SHAPES_HERE:
        with One(tee) as o:
            mods = o.attest()['submods']
            if list(mods) != [tee_class + '0'] or mods[tee_class + '0']['ear.status'] != 'affirming':
                wrong.append((tee, mods))
            if tee_class == 'cpu':
                p = o.guest('get-resource', '--path', 'default/key/1')
                if p.returncode or base64.b64decode(p.stdout) != o.secret:
                    wrong.append((tee, 'the secret', p.stderr))
                p = o.guest('get-resource', '--path', 'default/key/1', **fields)
                if p.returncode != 1 or '403' not in p.stderr:
                    wrong.append((tee, 'a changed claim', p.stderr))
            text = o.explain(o.attest(**fields)['jti'])
            named = {re.split(r'[ )]', t)[0] for t in re.findall(rf'input(?:\.{tee}|\["{tee}"\])\.([^\n]*)', text)}
            if named != {claim}:
                wrong.append((tee, named, text))
    assert not wrong, '\n'.join(map(str, wrong))


def init_data_is_bound_or_said_not_to_be():
    for tee, tee_class, binds, _, _ in SHAPES_HERE:
        if binds is None:	# its field takes digests of 64 bytes alone
            continue
        with One(tee) as o:
            token = o.attest(init_data=INIT_DATA)
            claims = token['submods'][tee_class + '0']['ear.veraison.annotated-evidence']
            text = o.explain(token['jti'])
            if binds:
                assert claims['init_data_claims'] == {'x': 'y'} and 'init_data_bound' not in claims, (tee, claims)
                assert 'init-data' not in text, (tee, text)
            else:
                assert claims['init_data_bound'] is False and 'init_data' not in claims and 'init_data_claims' not in claims, (tee, claims)
                assert f'note     init-data was given, and the evidence of {tee_class}0 does not bind it' in text, (tee, text)


def devices_of_nvidia_are_verified_with_manifests_and_answers_from_the_vendor():
    for variant, mod in (('hopper', 'gpu0'), ('blackwell', 'gpu0'), ('ls10', 'switch0')):
        with One('nvidia', variant) as o:
            mods = o.attest()['submods']
            assert list(mods) == [mod] and mods[mod]['ear.status'] == 'affirming', (variant, mods)
            asked = o.vendors.asked()
            assert ('/ocsp', 200) in asked and any(t.startswith('/v1/rim/') and s == 200 for t, s in asked), asked
            before = len(asked)
            p = o.guest('attest', measurements=['00' * 48, '22' * 48, '33' * 48, '44' * 48])
            assert p.returncode == 1 and '403' in p.stderr, (variant, p.stderr)
            text = o.explain(re.search(r'\(decision ([\w-]+);', p.stderr).group(1))
            assert re.findall(r'what +(\S+)', text) == ['nvidia.measurements.1'], (variant, text)
            assert len(o.vendors.asked()) == before, 'what was cached was asked for again'


def a_secure_execution_guest_answers_the_question_of_its_own_session():
    with One('se') as o:
        g, other = Guest(o.broker), Guest(o.broker)
        assert g.auth(tee='se').status == 200 and other.auth(tee='se').status == 200
        ask = json.loads(g.nonce)
        assert set(ask) == {'request_blob', 'measurement_size', 'additional_size', 'encr_measurement_key', 'encr_request_nonce',
                            'image_hdr_tags'}, ask
        blob = base64.b64decode(ask['request_blob'])
        assert len(blob) == 400 and blob[:8] == bytes(8) and blob[8:12] == b'\x00\x00\x01\x00' and int.from_bytes(blob[12:16], 'big') == 400
        assert blob[39] == 1 and int.from_bytes(blob[44:48], 'big') == 80, 'one key slot, 80 encrypted bytes'
        header = open(f'{o.dir}/se/image.hdr', 'rb').read()
        assert base64.b64decode(ask['image_hdr_tags']) == header[0xe0:0xe0 + 192] + header[-16:]
        for member in ('request_blob', 'encr_measurement_key', 'encr_request_nonce'):
            assert json.loads(other.nonce)[member] != ask[member], member


def a_broker_without_usable_files_for_secure_execution_says_which():
    with tempfile.TemporaryDirectory() as d:
        lab('make', '--state', d, '--tee', 'se')
        os.makedirs(f'{d}/none')
        os.makedirs(f'{d}/hosts')
        os.makedirs(f'{d}/document')
        os.makedirs(f'{d}/curve')
        shutil.copy(f'{d}/se/host.pem', f'{d}/hosts/host.pem')
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-521', '-nodes', '-keyout', '/dev/null',
                        '-out', f'{d}/document/hkd.crt', '-subj', '/CN=a host key'], check=True, stderr=subprocess.DEVNULL)
        subprocess.run(f'openssl ecparam -name prime256v1 -genkey -noout | openssl ec -pubout -out {d}/curve/host.pem', shell=True,
                       check=True, stderr=subprocess.DEVNULL)
        for keys, header, said in (('absent', 'se/image.hdr', 'cannot read'), ('none', 'se/image.hdr', 'holds no host key'),
                                   ('document', 'se/image.hdr', 'only with its signing certificate'), ('curve', 'se/image.hdr', 'P-521'),
                                   ('hosts', 'se/absent', 'absent'), ('hosts', 'se/host.pem', 'host.pem')):
            b = Broker(attestation=f'[attestation_service.verifier_config.se_verifier]\nhost_key_documents = "{d}/{keys}"\n'
                                   f'image_header = "{d}/{header}"')
            b.start(wait=False)
            try:
                assert b.process.wait(30) != 0, (keys, header)
                b.reader.join(5)
                assert said in ''.join(b.log), (keys, header, b.log)
            finally:
                b.stop()


run_tap([every_shape_does_the_handshake_and_one_changed_claim_is_the_one_named, init_data_is_bound_or_said_not_to_be,
         devices_of_nvidia_are_verified_with_manifests_and_answers_from_the_vendor,
         a_secure_execution_guest_answers_the_question_of_its_own_session,
         a_broker_without_usable_files_for_secure_execution_says_which])
