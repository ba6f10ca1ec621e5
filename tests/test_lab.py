#!/usr/bin/env python3
"""SNP guests of a laboratory, with a vendor's service on loopback: from cold collateral to the secret, and what refuses it."""
from harness import *
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LOOPBACK_WORDS = 'collateral comes from this host without TLS'
GOOD = {'snp_launch_measurement': ['a5' * 48], 'snp_bootloader': [3], 'snp_microcode': [72], 'snp_snp_svn': [22], 'snp_tee_svn': [1],
        'snp_smt_enabled': True, 'snp_tsme_enabled': False, 'snp_guest_abi_major': 0, 'snp_guest_abi_minor': 0, 'snp_single_socket': False,
        'snp_smt_allowed': True}


def lab(verb, d, *args, **fields):
    """What warrant-lab prints; fields of the evidence become --set."""
    sets = [x for k, v in fields.items() for x in ('--set', f'{k}={v if isinstance(v, str) else json.dumps(v)}')]
    return subprocess.run([f'{BUILD}/bin/warrant-lab', verb, '--state', d, *args, *sets], check=True, timeout=60, capture_output=True,
                          text=True).stdout


class Kds:
    def __init__(self, d):
        self.asked, self.lock = [], threading.Lock()
        kds = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                path = self.path.split('?')[0]
                with kds.lock:
                    kds.asked.append(path)
                time.sleep(0.2)
                name = 'crl.der' if path.endswith('/crl') else 'cert_chain.pem' if path.endswith('/cert_chain') else 'vcek.der'
                body = open(f'{d}/{name}', 'rb').read()
                self.send_response(200)
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.url = f'http://127.0.0.1:{self.server.server_port}'
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class World:
    """A broker that trusts the laboratory's root, and the service it asks."""

    def __enter__(self):
        self.dir = tempfile.mkdtemp(prefix='warrant-lab-')
        lab('make', self.dir, '--tee', 'snp', '--small-keys')
        self.kds = Kds(f'{self.dir}/snp')
        self.broker = Broker(attestation=f'''[attestation_service.verifier_config]
trust_dir = "{self.dir}/trust"
collateral_loopback_http = "{LOOPBACK_WORDS}"
[attestation_service.verifier_config.snp_verifier]
vcek_sources = [{{type = "KDS", base_url = "{self.kds.url}"}}]
[attestation_service.verifier_config.dcap_verifier]
collateral_service = ""''')
        self.broker.start()
        return self

    def __exit__(self, *rest):
        self.kds.stop()
        self.broker.stop()
        shutil.rmtree(self.dir)

    def guest(self, **fields):
        g = Guest(self.broker)
        assert g.auth(tee='snp').status == 200
        return g, json.loads(lab('evidence', self.dir, '--tee', 'snp', '--report-data', g.report_data().hex(), **fields))


def many_guests_on_a_cold_cache_ask_the_vendor_once_and_go_on_without_it():
    with World() as w:
        guests = [w.guest() for _ in range(12)]
        status = []

        def run(g, evidence):
            r = g.attest(body=g.body(evidence=evidence))
            status.append((r.status, r.body if r.status != 200 else b''))
        threads = [threading.Thread(target=run, args=g) for g in guests]
        [t.start() for t in threads]
        [t.join() for t in threads]
        assert status == [(200, b'')] * 12, status
        assert len(w.kds.asked) == 3 and len(set(w.kds.asked)) == 3, w.kds.asked
        w.kds.stop()
        g, evidence = w.guest()
        r = g.attest(body=g.body(evidence=evidence))
        assert r.status == 200, (r.status, r.body)
        claims = json.loads(unb64u(g.token.split('.')[1]))['submods']['cpu0']['ear.veraison.annotated-evidence']['snp']
        assert claims['generation'] == 'Genoa' and claims['crl_checked'] is True and claims['crl_stale'] is False, claims


def a_changed_claim_is_the_one_that_the_explanation_names():
    with World() as w:
        b = w.broker
        secret = b.canary()
        b.set_secret('default/key/1', secret)
        b.set_reference(**GOOD)
        assert b.set_resource_policy('package policy\ndefault allow := false\n'
                                     'allow if input.submods.cpu0["ear.status"] == "affirming"\n').status == 200
        g, evidence = w.guest()
        r = g.attest(body=g.body(evidence=evidence))
        assert r.status == 200, (r.status, r.body)
        r = g.get('default/key/1')
        assert r.status == 200 and g.open(r.body) == secret, (r.status, r.body)
        open(f'{b.dir}/token', 'w').write(b.admin_token)
        for fields, claim in (({'measurement': 'a4' * 48}, 'measurement'), ({'policy': 0xb0000}, 'policy_debug_allowed'),
                              ({'policy': 0x70000}, 'policy_migrate_ma'), ({'vmpl': 1}, 'vmpl')):
            g, evidence = w.guest(**fields)
            r = g.attest(body=g.body(evidence=evidence))
            assert r.status == 200, (r.status, r.body)
            r = g.get('default/key/1')
            assert r.status == 403, (fields, r.status)
            p = subprocess.run([f'{BUILD}/bin/kbs-client', '--url', f'http://127.0.0.1:{b.port}', 'explain', '--admin-token-file',
                                f'{b.dir}/token', r.json()['decision']], capture_output=True, text=True, timeout=60)
            named = set(re.findall(r'input\.snp\.(\w+)', p.stdout))
            assert named == {claim}, (claim, named, p.stdout, p.stderr)


def a_report_of_another_chip_or_an_altered_one_gets_nothing():
    with World() as w:
        g, evidence = w.guest(reported_tcb='0401000000001648')
        r = g.attest(body=g.body(evidence=evidence))
        assert r.status == 403, (r.status, r.body)
        g, evidence = w.guest()
        evidence['attestation_report']['measurement'][0] ^= 1
        r = g.attest(body=g.body(evidence=evidence))
        assert r.status == 403, (r.status, r.body)


run_tap([many_guests_on_a_cold_cache_ask_the_vendor_once_and_go_on_without_it, a_changed_claim_is_the_one_that_the_explanation_names,
         a_report_of_another_chip_or_an_altered_one_gets_nothing])
