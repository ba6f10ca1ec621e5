#!/usr/bin/env python3
"""Guests of a laboratory against a broker that trusts its roots, with the vendors' services on loopback: from cold collateral to
the secret over real sockets, what every fault of a vendor comes to, and that a changed claim is the one that is named."""
from lab_harness import *

AFFIRMING = '''package policy
default allow := false
allow if input.submods.cpu0["ear.status"] == "affirming"
'''


class World:
    """Worlds in a folder, their vendors, and a broker that trusts the roots and asks the vendors."""

    def __init__(self, hours=0, variant=None):
        self.hours, self.variant = hours, variant

    def __enter__(self):
        self.dir = tempfile.mkdtemp(prefix='warrant-lab-')
        for tee in ('snp', 'tdx'):
            lab('make', '--state', self.dir, '--tee', tee, '--small-keys', *(['--variant', self.variant] if self.variant and tee == 'snp' else []))
        self.vendors = Vendors(self.dir)
        self.broker = None
        self.cold()
        return self

    def cold(self, hours=None, more=''):
        """A broker whose cache is empty."""
        if self.broker:
            self.broker.stop()
        if hours is not None:
            self.hours = hours
        self.broker = Broker(attestation=f'''[attestation_service.verifier_config]
trust_dir = "{self.dir}/trust"
stale_collateral_hours = {self.hours}
{more}
collateral_loopback_http = "{LOOPBACK_WORDS}"
[attestation_service.verifier_config.snp_verifier]
vcek_sources = [{{type = "KDS", base_url = "{self.vendors.url}"}}]
[attestation_service.verifier_config.dcap_verifier]
collateral_service = "{self.vendors.url}"''')
        self.broker.start()
        open(f'{self.broker.dir}/token', 'w').write(self.broker.admin_token)
        self.before = len(self.vendors.asked())

    def __exit__(self, *rest):
        self.vendors.stop()
        self.broker.stop()
        shutil.rmtree(self.dir)

    def client(self, *args):
        return subprocess.run([f'{BUILD}/bin/kbs-client', '--url', f'http://127.0.0.1:{self.broker.port}', *args], capture_output=True,
                              text=True, timeout=60)

    def attest(self, tee, **fields):
        """Claims of the TEE, or the reason of the refusal with everything that was said around it."""
        p = self.client('attest', '--lab', tee, '--lab-state', self.dir, *sets(fields))
        if p.returncode == 0:
            cpu = json.loads(unb64u(p.stdout.split('.')[1]))['submods']['cpu0']
            return cpu['ear.veraison.annotated-evidence'][tee], None
        m = re.search(r'\(decision ([\w-]+);', p.stderr)
        assert m, p.stderr
        d = self.broker.admin('GET', 'decision/' + m.group(1)).json()
        return d['code'], '\n'.join(f['text'] for f in d['why'])

    def asked(self, **kw):
        """What the vendors were asked since the broker began."""
        return self.vendors.asked(**kw)[self.before:]

    def guest(self, tee, **fields):
        g = Guest(self.broker)
        assert g.auth(tee=tee).status == 200
        return g, json.loads(lab('evidence', '--state', self.dir, '--tee', tee, '--report-data', g.report_data().hex(), *sets(fields)))


# ---- the whole handshake ----

HANDSHAKES = (('snp', {}), ('snp', {'signing_key': 'vlek'}), ('snp', {'version': 5, 'certificates': True}), ('snp', {'version': 2}),
              ('tdx', {}), ('tdx', {'version': 5}), ('tdx', {'version': 5, 'body_type': 3}), ('tdx', {'pck_ca': 'processor'}),
              ('sgx', {}), ('sgx', {'version': 4}), ('sgx', {'version': 5, 'pck_ca': 'processor'}))


def every_shape_goes_from_cold_collateral_to_the_secret():
    with World() as w:
        secret = w.broker.canary()
        w.broker.set_secret('default/key/1', secret)
        for tee in ('snp', 'tdx', 'sgx'):
            w.broker.set_reference(**SHAPES[tee]['values'])
        assert w.broker.set_resource_policy(AFFIRMING).status == 200
        for tee, fields in HANDSHAKES:
            p = w.client('get-resource', '--path', 'default/key/1', '--lab', tee, '--lab-state', w.dir, *sets(fields))
            assert p.returncode == 0 and base64.b64decode(p.stdout) == secret, (tee, fields, p.stderr)
        asked = w.asked(whole=True)
        # a report of version 2 does not say its generation: both are asked for
        assert all(status == (404 if '/Milan/' in target else 200) for target, status in asked), asked
        assert len(asked) == len(set(asked)), 'something was fetched twice: ' + str(sorted(asked))


def every_generation_of_amd_does_the_handshake():
    for variant in ('Milan', 'Turin'):
        with World(variant=variant) as w:
            for fields in ({}, {'signing_key': 'vlek'}, {'version': 5}):
                claims, why = w.attest('snp', **fields)
                assert why is None, (variant, claims, why)
                assert claims['generation'] == variant and claims['crl_checked'] is True
                assert claims['signing_key'] == fields.get('signing_key', 'vcek')


def init_data_is_bound_through_the_command_line():
    toml = 'algorithm = "sha256"\nversion = "0.1.0"\n[data]\nx = "y"\n'
    with World() as w:
        for tee in ('snp', 'tdx', 'sgx'):
            p = w.client('attest', '--lab', tee, '--lab-state', w.dir, toml)
            assert p.returncode == 0, p.stderr
            p = w.client('attest', '--lab', tee, '--lab-state', w.dir,
                         *sets({{'snp': 'host_data', 'tdx': 'mr_config_id', 'sgx': 'config_id'}[tee]:
                                'a1' * {'snp': 32, 'tdx': 48, 'sgx': 64}[tee]}), toml)
            assert p.returncode == 1 and '403' in p.stderr, p.stderr


def many_guests_on_a_cold_cache_ask_the_vendor_once_and_go_on_without_it():
    with World() as w:
        w.vendors.faults(any='slow=0.2')
        guests = [w.guest('snp') for _ in range(12)]
        status = []

        def run(g, evidence):
            r = g.attest(body=g.body(evidence=evidence))
            status.append((r.status, r.body if r.status != 200 else b''))
        threads = [threading.Thread(target=run, args=g) for g in guests]
        [t.start() for t in threads]
        [t.join() for t in threads]
        assert status == [(200, b'')] * 12, status
        asked = w.asked()
        assert len(asked) == 3 and len(set(asked)) == 3, asked
        w.vendors.stop()
        claims, why = w.attest('snp')
        assert why is None, (claims, why)
        assert claims['crl_checked'] is True and claims['crl_stale'] is False, claims


def the_command_line_says_what_a_laboratory_needs():
    with World() as w:
        state = ('--lab-state', w.dir)
        for args, reason in ((('--lab', 'tdx'), 'cli.usage.lab'), (('--lab', 'tdx', '--tee', 'sample', *state), 'cli.usage.lab'), (state, 'cli.usage.lab'),
                             (('--set', 'a=1'), 'cli.usage.lab'), (('--lab', 'none', *state), 'lab.tee'),
                             (('--lab', 'nitro', *state), 'lab.world'), (('--lab', 'tdx', *state, '--set', 'none=1'), 'lab.field'),
                             (('--lab', 'tdx', *state, '--set', 'version'), 'lab.field'),
                             (('--lab', 'tdx', *state, '--set', 'version=3'), 'lab.field'),
                             (('--lab', 'tdx', *state, '--set', 'body_type=3'), 'lab.field'),
                             (('--lab', 'tdx', *state, '--set', 'mr_td=00'), 'lab.field'),
                             (('--lab', 'snp', *state, '--set', 'vmpl=4294967296'), 'lab.field'),
                             (('--lab', 'snp', *state, '--set', 'signing_key=none'), 'lab.field'),
                             (('--lab', 'sgx', *state, '--set', 'pck_ca=none'), 'lab.field')):
            p = w.client('attest', *args)
            assert p.returncode == (2 if 'usage' in reason else 1) and f'[{reason}]' in p.stderr, (args, p.stderr)
        assert w.client('attest', '--lab', 'tdx', '--lab', 'sgx').returncode == 2


# ---- faults ----

# tee, faults, the reason of the refusal, and what the explanation says of the vendor.
REFUSALS = (
    ('snp', {'amd_vcek': 'busy'}, 'snp.chain.missing', 'upstream.busy'),
    ('snp', {'amd_vcek': 'error=500'}, 'snp.chain.missing', 'upstream.status'),
    ('snp', {'amd_vcek': 'error=404'}, 'snp.chain.missing', 'upstream.absent'),
    ('snp', {'amd_vcek': 'truncated'}, 'snp.chain.missing', 'fetch.io'),
    ('snp', {'amd_vcek': 'drop'}, 'snp.chain.missing', 'fetch.io'),
    ('snp', {'amd_vcek': 'slow=7'}, 'snp.chain.missing', 'fetch.timeout'),
    ('snp', {'amd_vcek': 'other'}, 'snp.chain.missing', 'upstream.content'),
    ('snp', {'amd_vcek': 'signature'}, 'snp.chain', ''),
    ('snp', {'amd_vcek': 'future=2'}, 'snp.expired', ''),
    ('snp', {'amd_crl': 'revoked'}, 'snp.revoked', ''),
    ('snp', {'amd_crl': 'gap'}, 'snp.expired', ''),
    ('tdx', {'intel_tcb_info': 'busy'}, 'dcap.collateral-missing', 'upstream.busy'),
    ('tdx', {'intel_tcb_info': 'error'}, 'dcap.collateral-missing', 'upstream.status'),
    ('tdx', {'intel_tcb_info': 'truncated'}, 'dcap.collateral-missing', 'fetch.io'),
    ('tdx', {'intel_tcb_info': 'other'}, 'dcap.collateral-missing', 'upstream.content'),
    ('tdx', {'intel_tcb_info': 'future'}, 'dcap.collateral-missing', 'collateral.answer'),
    ('tdx', {'intel_tcb_info': 'signature'}, 'dcap.collateral-missing', 'collateral.answer'),
    ('tdx', {'intel_tcb_info': 'gap'}, 'dcap.expired.tcb-info', ''),
    ('tdx', {'intel_qe_identity': 'signature'}, 'dcap.collateral-missing', 'collateral.answer'),
    ('tdx', {'intel_qe_identity': 'gap'}, 'dcap.expired.qe-identity', ''),
    ('tdx', {'intel_pck_crl': 'revoked'}, 'dcap.revoked.pck', ''),
    ('tdx', {'intel_pck_crl': 'gap'}, 'dcap.expired.pck-crl', ''),
    ('tdx', {'intel_pck_crl': 'drop'}, 'dcap.collateral-missing', 'fetch.io'),
    ('tdx', {'intel_root_crl': 'revoked'}, 'dcap.revoked.pck-ca', ''),
    ('tdx', {'intel_root_crl': 'signature'}, 'dcap.collateral-missing', 'collateral.answer'),
    ('tdx', {'intel_pck_crl': 'signature'}, 'dcap.collateral-missing', 'collateral.answer'),
    ('tdx', {'intel_root_crl': 'gap'}, 'dcap.expired.root-crl', ''),
    ('sgx', {'intel_tcb_info': 'gap'}, 'dcap.expired.tcb-info', ''),
    ('sgx', {'intel_qe_identity': 'other'}, 'dcap.collateral-missing', 'upstream.content'),
    ('sgx', {'intel_pck_crl': 'revoked'}, 'dcap.revoked.pck', ''),
)


def every_fault_of_a_vendor_is_refused_by_its_name():
    wrong = []
    with World() as w:
        for tee, faults, reason, said in REFUSALS:
            w.vendors.faults(**faults)
            w.cold()
            code, why = w.attest(tee)
            if why is None or code != reason or said not in why:
                wrong.append((tee, faults, reason, said, code if why else 'accepted', why))
    assert not wrong, '\n'.join(map(str, wrong))


def a_vendor_that_is_busy_is_left_alone_and_asked_again_when_it_said():
    with World() as w:
        w.vendors.faults(intel_tcb_info='busy=7')
        w.cold()
        for _ in range(4):
            code, why = w.attest('tdx')
            assert code == 'dcap.collateral-missing', (code, why)
        asked = [a for a in w.asked() if a[0].endswith('/tcb')]
        assert asked == [('/tdx/certification/v4/tcb', 429)], asked
        w.vendors.faults()
        time.sleep(1.2)		# the first put-off of our own would be over: the vendor's word counts
        code, why = w.attest('tdx')
        assert code == 'dcap.collateral-missing' and 'collateral.put-off' in why, (code, why)
        time.sleep(6.2)
        claims, why = w.attest('tdx')
        assert why is None and claims['tcb_status'] == 'UpToDate', (claims, why)


def chips_that_do_not_exist_spend_a_budget_and_no_more():
    with World() as w:
        claims, why = w.attest('snp')
        assert why is None, (claims, why)
        w.cold(more='collateral_fetches_per_minute = 8')
        said = [w.attest('snp', chip_id='%02x' % i * 64) for i in range(1, 12)]
        asked = [a for a in w.asked() if a[0].startswith('/vcek/v1/Genoa/') and a[0].count('/') == 4 and len(a[0]) > 100]
        assert len(asked) <= 6, asked
        assert said[0][1] is None and 'collateral.budget' in said[-1][1], said


def a_gap_counts_within_the_configured_grace_and_no_longer():
    """A vendor that has published nothing for 7.4 days: with eight days of grace guests go on, and the result says so."""
    with World(hours=8 * 24) as w:
        w.vendors.faults(any='gap=7.4', amd_vcek='slow=0', amd_ask_ark='slow=0')
        for tee in ('tdx', 'sgx'):
            claims, why = w.attest(tee)
            assert why is None and claims['collateral_expiration_status'] == '1', (claims, why)
        for fields in ({}, {'signing_key': 'vlek'}):
            claims, why = w.attest('snp', **fields)
            assert why is None and claims['crl_stale'] is True and claims['crl_checked'] is True, (claims, why)
        w.cold(hours=7 * 24)
        for tee, reason in (('tdx', 'dcap.expired.root-crl'), ('sgx', 'dcap.expired.root-crl'), ('snp', 'snp.expired')):
            code, why = w.attest(tee)
            assert why is not None and code == reason, (tee, code, why)


def levels_and_modules_are_what_the_vendor_says_today():
    date = '2026-01-01T00:00:00Z'
    level = lambda status, *ids: {'tcb': {'isvsvn': 1}, 'tcbDate': date, 'tcbStatus': status, 'advisoryIDs': list(ids)}
    module = {'id': 'TDX_03', 'mrsigner': '00' * 48, 'attributes': '00' * 8, 'attributesMask': 'ff' * 8}
    rows = (({'tdx/qe': {'tcbLevels': [level('OutOfDate', 'INTEL-SA-7')]}}, 'tcb_status_qe', 'OutOfDate', ['INTEL-SA-7']),
            ({'tdx/tcb': {'tdxModuleIdentities': [{**module, 'tcbLevels': [level('OutOfDate', 'INTEL-SA-8')]}]}},
             'tcb_status_tdx_module', 'OutOfDate', ['INTEL-SA-8']),
            ({'tdx/tcb': {'tcbEvaluationDataNumber': 20}}, 'tcb_eval_num', 20, []))
    with World() as w:
        for documents, claim, value, advisories in rows:
            w.vendors.set('documents', **documents)
            w.cold()
            claims, why = w.attest('tdx')
            assert why is None and claims[claim] == value and claims['advisory_ids'] == advisories, (claims, why)
        w.vendors.set('documents', **{'tdx/tcb': {'tdxModuleIdentities': [{**module, 'id': 'TDX_07', 'tcbLevels': [level('UpToDate')]}]}})
        w.cold()
        code, why = w.attest('tdx')
        assert why is not None and code == 'dcap.tdx-module-mismatch.identity', (code, why)


# ---- one changed claim ----

A1 = 'a1' * 64
# tee, the field, and the one claim that the explanation may name: every claim that the default policy looks at.
CHANGES = (
    ('snp', {'measurement': A1[:96]}, {'measurement'}), ('snp', {'policy': 0xb0000}, {'policy_debug_allowed'}),
    ('snp', {'policy': 0x70000}, {'policy_migrate_ma'}), ('snp', {'vmpl': 1}, {'vmpl'}),
    ('snp', {'reported_tcb': '0401000000001648'}, {'reported_tcb_bootloader'}),
    ('snp', {'reported_tcb': '0309000000001648'}, {'reported_tcb_tee'}),
    ('snp', {'reported_tcb': '0301000000001748'}, {'reported_tcb_snp'}),
    ('snp', {'reported_tcb': '0301000000001649'}, {'reported_tcb_microcode'}),
    ('tdx', {'events': [], 'rtmr_1': A1[:96], 'rtmr_2': SHAPES['tdx']['values']['rtmr_2'][0]}, {'quote.body.rtmr_1'}),
    ('tdx', {'events': [], 'rtmr_2': A1[:96], 'rtmr_1': SHAPES['tdx']['values']['rtmr_1'][0]}, {'quote.body.rtmr_2'}),
    ('tdx', {'mr_td': 'b2' * 48}, {'quote.body.mr_td'}), ('tdx', {'xfam': 'e702060000000000'}, {'quote.body.xfam'}),
    ('tdx', {'td_attributes': '0100001000000000'}, {'td_attributes.debug'}),
    ('tdx', {'pck_pcesvn': 11}, {'tcb_status'}), ('tdx', {'qe_isv_svn': 7}, {'tcb_status'}),
    ('tdx', {'tee_tcb_svn': '05030600000000000000000000000000'}, {'tcb_status'}),
    ('sgx', {'mr_enclave': 'b2' * 32}, {'body.mr_enclave'}), ('sgx', {'mr_signer': A1[:64]}, {'body.mr_signer'}),
    ('sgx', {'isv_prod_id': 4}, {'body.isv_prod_id'}), ('sgx', {'isv_svn': 4}, {'body.isv_svn'}),
    ('sgx', {'attributes': '0700000000000000e700000000000000'}, {'debug'}), ('sgx', {'qe_isv_svn': 7}, {'tcb_status'}),
)


def a_changed_claim_is_the_one_that_the_explanation_names():
    wrong = []
    with World() as w:
        w.broker.set_secret('default/key/1', w.broker.canary())
        for tee in ('snp', 'tdx', 'sgx'):
            w.broker.set_reference(**SHAPES[tee]['values'])
        assert w.broker.set_resource_policy(AFFIRMING).status == 200
        for tee, fields, claims in CHANGES:
            g, evidence = w.guest(tee, **fields)
            r = g.attest(body=g.body(evidence=evidence))
            assert r.status == 200, (tee, fields, r.status, r.body)
            r = g.get('default/key/1')
            assert r.status == 403, (tee, fields, r.status)
            p = w.client('explain', '--admin-token-file', f'{w.broker.dir}/token', r.json()['decision'])
            named = set(re.findall(rf'input\.{tee}\.([\w.]+)', p.stdout))
            if named != claims:
                wrong.append((tee, fields, claims, named, p.stdout))
    assert not wrong, '\n'.join(map(str, wrong))


def a_report_of_another_request_or_an_altered_one_gets_nothing():
    with World() as w:
        for tee, field, path in (('snp', 'report_data', ('attestation_report', 'measurement', 0)), ('tdx', 'report_data', None),
                                 ('sgx', 'report_data', None)):
            g, evidence = w.guest(tee, **{field: A1})
            r = g.attest(body=g.body(evidence=evidence))
            assert r.status == 403, (r.status, r.body)
            g, evidence = w.guest(tee)
            if path:
                evidence[path[0]][path[1]][path[2]] ^= 1
            else:
                quote = bytearray(base64.b64decode(evidence['quote']))
                quote[200] ^= 1
                evidence['quote'] = b64(bytes(quote))
            r = g.attest(body=g.body(evidence=evidence))
            assert r.status == 403, (r.status, r.body)


# ---- the vendors themselves ----

def vendors_serve_this_host_alone_and_end_by_themselves():
    with World() as w:
        for address in ('0.0.0.0:0', '192.0.2.1:0', '[::]:0', '[2001:db8::1]:0', 'localhost:0', '127.0.0.1', '127.0.0.1:99999'):
            p = subprocess.run([f'{BUILD}/bin/warrant-lab', 'serve', '--state', w.dir, '--listen', address], capture_output=True, text=True,
                               timeout=20)
            assert p.returncode == 1 and 'lab.listen' in p.stderr, (address, p.stderr)
        for idle in ('x', '0', '-1', '86401', '1s'):
            p = subprocess.run([f'{BUILD}/bin/warrant-lab', 'serve', '--state', w.dir, '--idle', idle], capture_output=True, text=True, timeout=20)
            assert p.returncode == 2 and 'cli.usage.idle' in p.stderr, (idle, p.stderr)
        p = subprocess.run([f'{BUILD}/bin/warrant-lab', 'serve', '--state', w.dir, '--idle', '1'], capture_output=True, text=True, timeout=20)
        assert p.returncode == 0 and p.stdout.startswith('listening at http://127.0.0.1:'), (p.stdout, p.stderr)


def what_vendors_hand_out_is_the_same_until_it_is_issued_anew():
    with World() as w:
        v = w.vendors
        for path in ('/vcek/v1/Genoa/crl', '/tdx/certification/v4/tcb?fmspc=00906ED50000'):
            first, second = v.request('GET', path), v.request('GET', path)
            assert first.status == 200 and first.body == second.body and first.headers['ETag'] == second.headers['ETag']
            assert v.request('GET', path, headers={'If-None-Match': first.headers['ETag']}).status == 304
            assert v.request('GET', path, headers={'If-Modified-Since': first.headers['Last-Modified']}).status == 304
            assert v.request('GET', path, headers={'If-None-Match': '"x"'}).status == 200
            v.faults()
            assert v.request('GET', path).body != first.body
        for path in ('/vcek/v1/Milan/crl', '/vlek/v1/Genoa/00', '/tdx/certification/v4/rootcacrl', '/sgx/certification/v4/pckcrl?ca=x', '/x'):
            assert v.request('GET', path).status == 404, path
        r = v.request('GET', '/sgx/certification/v4/pckcert?cpusvn=' + '07' * 16 + '&pcesvn=0d00&pceid=0000')
        assert r.status == 200 and r.body.startswith(b'-----BEGIN CERTIFICATE') and r.headers['SGX-PCK-Certificate-Issuer-Chain']
        assert v.request('PUT', '/lab/faults', '{"amd-crl": "nonsense"}').status == 400


def a_responder_answers_about_the_devices_chain():
    """Asked and read by python3-cryptography."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.x509 import ocsp
    with World() as w:
        lab('make', '--state', w.dir, '--tee', 'nvidia')
        w.vendors.stop()
        v = w.vendors = Vendors(w.dir)
        certs = open(f'{w.dir}/nvidia/device-identity.ocsp.pem').read().split('-----END CERTIFICATE-----\n')
        cert, issuer = (x509.load_pem_x509_certificate((c + '-----END CERTIFICATE-----\n').encode()) for c in certs[:2])
        der = ocsp.OCSPRequestBuilder().add_certificate(cert, issuer, hashes.SHA384()).build().public_bytes(serialization.Encoding.DER)
        other = ocsp.OCSPRequestBuilder().add_certificate(issuer, issuer, hashes.SHA384()).build().public_bytes(serialization.Encoding.DER)
        for faults, status in (({}, ocsp.OCSPCertStatus.GOOD), ({'nvidia_ocsp': 'revoked'}, ocsp.OCSPCertStatus.REVOKED)):
            v.faults(**faults)
            r = v.request('POST', '/ocsp', der, {'Content-Type': 'application/ocsp-request'})
            assert r.status == 200, (r.status, r.body)
            answer = ocsp.load_der_ocsp_response(r.body)
            assert answer.certificate_status == status and answer.serial_number == cert.serial_number
            assert answer.next_update > answer.this_update
        v.faults(nvidia_ocsp='gap=7.4')
        answer = ocsp.load_der_ocsp_response(v.request('POST', '/ocsp', der).body)
        assert 7.3 * 86400 < time.time() - answer.next_update.replace(tzinfo=__import__('datetime').timezone.utc).timestamp() < 7.5 * 86400
        assert v.request('POST', '/ocsp', other).status == 404 and v.request('POST', '/ocsp', b'nonsense').status == 404
        assert v.request('GET', '/ocsp').status == 405
        rims = [i['key'] for i in json.load(open(f'{w.dir}/nvidia/world.json')) if i.get('kind') == 'nvidia-rim']
        for rim in rims:
            doc = v.request('GET', f'/v1/rim/{rim}').json()
            assert doc['id'] == rim and b'<' in base64.b64decode(doc['rim'])
        assert rims and v.request('GET', '/v1/rim/none').status == 404


run_tap([every_shape_goes_from_cold_collateral_to_the_secret, every_generation_of_amd_does_the_handshake,
         init_data_is_bound_through_the_command_line, the_command_line_says_what_a_laboratory_needs, many_guests_on_a_cold_cache_ask_the_vendor_once_and_go_on_without_it,
         every_fault_of_a_vendor_is_refused_by_its_name, a_vendor_that_is_busy_is_left_alone_and_asked_again_when_it_said,
         chips_that_do_not_exist_spend_a_budget_and_no_more,
         a_gap_counts_within_the_configured_grace_and_no_longer, levels_and_modules_are_what_the_vendor_says_today,
         a_changed_claim_is_the_one_that_the_explanation_names, a_report_of_another_request_or_an_altered_one_gets_nothing,
         a_responder_answers_about_the_devices_chain, vendors_serve_this_host_alone_and_end_by_themselves,
         what_vendors_hand_out_is_the_same_until_it_is_issued_anew])
