#!/usr/bin/env python3
"""What an operator does to a broker, and what happens to it: keys lost or swapped, limits of the system, reloads, stops under load."""
import resource

from harness import *


def start_fails(b, *words):
    p = subprocess.run([f'{BUILD}/bin/kbs', '--config-file', b.config], capture_output=True, text=True, timeout=30)
    assert p.returncode == 1 and all(w in p.stderr for w in words), (p.returncode, p.stderr)


def a_lost_master_key_stops_the_start_and_no_new_one_takes_its_place():
    b = Broker().start()
    try:
        b.set_secret('a/b/c', b.canary())
        b.stop(keep=True)
        key = f'{b.dir}/data/master.key'
        os.rename(key, key + '.away')
        start_fails(b, 'kms.master-key', key, 'put it back')
        assert not os.path.exists(key), 'a new key stands where the old one has to be put back'
        open(key, 'wb').write(os.urandom(32))
        os.chmod(key, 0o600)
        start_fails(b, 'kms.master-key', 'another master key')
        os.rename(key + '.away', key)
        b.start()
        assert b.set_resource_policy(ALLOW_ALL).status == 200
        assert Guest(b).handshake().get('a/b/c').status == 200
    finally:
        b.stop()


def files_that_others_can_read_stop_the_start():
    b = Broker().start()
    b.stop(keep=True)
    try:
        for name in ('master.key', 'warrant.db', 'warrant.db.j0'):
            os.chmod(f'{b.dir}/data/{name}', 0o644)
            start_fails(b, 'permissions', name, 'chmod 600')
            os.chmod(f'{b.dir}/data/{name}', 0o600)
    finally:
        b.stop()


def a_tls_key_that_everybody_can_read_is_said():
    b = Broker(tls=True)
    try:
        for mode, told in ((0o600, False), (0o640, False), (0o644, True)):
            os.chmod(f'{b.dir}/tls.key', mode)
            b.start()
            assert any('can read the TLS key' in l for l in b.log) == told, (oct(mode), b.log)
            b.stop(keep=True)
    finally:
        b.stop()


def no_core_file_and_no_debugger_sees_what_is_inside():
    """As another user than root: the kernel gives what is in /proc of an undumpable process to root alone."""
    if os.geteuid() != 0:
        raise Skip('needs root to run the broker as another user')
    path = os.path.abspath(BUILD)
    while path != '/':
        if not os.stat(path).st_mode & 1:
            raise Skip(f'{path} is closed to other users')
        path = os.path.dirname(path)
    b = Broker()
    try:
        os.chmod(b.dir, 0o755)
        os.mkdir(f'{b.dir}/data', 0o700)
        for name in ('data', 'kbs.toml'):
            os.chown(f'{b.dir}/{name}', 65534, 65534)

        def become_nobody():
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
        b.start(preexec=become_nobody)
        for name in ('mem', 'environ', 'maps'):
            assert os.stat(f'/proc/{b.process.pid}/{name}').st_uid == 0, name
        limits = open(f'/proc/{b.process.pid}/limits').read()
        assert re.search(r'Max core file size +0 +0', limits), limits
    finally:
        b.stop()


def a_server_without_tls_says_so():
    d = tempfile.mkdtemp(prefix='warrant-test-')
    try:
        for http, words in (('', 'private_key and certificate are required'), ('private_key = "/k"', 'private_key and certificate are required'),
                            ('insecure_http = true\nprivate_key = "/k"', 'say one')):
            open(f'{d}/kbs.toml', 'w').write(f'data_dir = "{d}/data"\n[http_server]\n{http}\n[admin]\nauthorization_mode = "DenyAll"\n')
            p = subprocess.run([f'{BUILD}/bin/kbs', '-c', f'{d}/kbs.toml', '--check'], capture_output=True, text=True, timeout=30)
            assert p.returncode == 1 and words in p.stdout, (http, p.stdout)
    finally:
        shutil.rmtree(d)


def a_check_finds_what_would_stop_a_start_and_says_where():
    d = tempfile.mkdtemp(prefix='warrant-test-')
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', f'{d}/tls.key', '-out',
                    f'{d}/tls.crt', '-days', '2', '-subj', '/CN=localhost'], check=True, stderr=subprocess.DEVNULL)
    subprocess.run(['openssl', 'ec', '-in', f'{d}/tls.key', '-aes256', '-passout', 'pass:x', '-out', f'{d}/locked.key'], check=True,
                   stderr=subprocess.DEVNULL)
    subprocess.run([f'{BUILD}/bin/kbs-client', 'admin-key', '--out', f'{d}/admin.key'], check=True)
    for name in ('signer', 'other'):
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', f'{d}/{name}.key', '-out',
                        f'{d}/{name}.crt', '-days', '2', '-subj', f'/CN={name}'], check=True, stderr=subprocess.DEVNULL)
        os.chmod(f'{d}/{name}.key', 0o600)
    signer = f'''[attestation_service]
type = "coco_as_builtin"
[attestation_service.attestation_token_broker.signer]
key_path = "{d}/signer.key"
cert_path = "{d}/signer.crt"
[attestation_token]
trusted_certs_paths = ["{d}/signer.crt"]
'''
    good = f'''data_dir = "{d}/data"
[http_server]
sockets = ["127.0.0.1:0"]
private_key = "{d}/tls.key"
certificate = "{d}/tls.crt"
[admin]
authorization_mode = "AuthenticatedAuthorization"
[admin.authentication.bearer_jwt]
identity_providers = [{{public_key_uri = "{d}/admin.key.pub"}}]
[admin.authorization.regex_acl]
acls = [{{role = "a", allowed_endpoints = "^/kbs/v0/.*$"}}]
'''

    open(f'{d}/other.json', 'w').write('{"keys": {}}')

    def check(text):
        open(f'{d}/kbs.toml', 'w').write(text)
        return subprocess.run([f'{BUILD}/bin/kbs', '-c', f'{d}/kbs.toml', '--check'], capture_output=True, text=True, timeout=30,
                              stdin=subprocess.DEVNULL)
    try:
        p = check(good)
        assert p.returncode == 0 and 'is good' in p.stdout, (p.stdout, p.stderr)
        p = check(good + signer)
        assert p.returncode == 0, (p.stdout, p.stderr)
        assert not os.path.exists(f'{d}/data'), 'a check changes nothing'
        for old, new, *words in (('signer.crt"\n[', 'other.crt"\n[', 'other.crt is not of the key', 'signer.key'), ('signer.key', 'absent.key', 'absent.key'),
                                 ('signer.key', 'tls.crt', 'tls.crt'), ('["', '["/dev/null', 'Not a directory'), (f'["{d}/signer.crt', f'["{d}/signer.key', 'reading the trusted')):
            assert old in signer
            p = check(good + signer.replace(old, new, 1))
            assert p.returncode == 1 and all(w in p.stdout for w in words), (old, new, p.stdout, p.stderr)
        for old, new, *words in (('127.0.0.1:0', 'localhost:0', 'not an IP address'), ('127.0.0.1:0', '127.0.0.1', 'IP:port'),
                                 ('127.0.0.1:0', '127.0.0.1:65536', '65535'), ('127.0.0.1:0', '127.0.0.1:+80', 'IP:port'),
                                 ('["127.0.0.1:0"]', '[]', 'names no socket'), ('tls.key', 'absent.key', 'absent.key: No such file'),
                                 ('tls.key', 'locked.key', 'without a password'), ('tls.key', 'tls.crt', 'no PEM private key'),
                                 ('tls.crt', 'tls.key', 'no PEM certificate'), ('tls.key', 'admin.key', 'is not the key of'),
                                 ('admin.key.pub', 'absent.pub', 'absent.pub: No such file'), ('admin.key.pub', 'kbs.toml', 'reading', 'kbs.toml'),
                                 ('sockets', 'socket', 'http_server.socket is no setting', 'kbs.toml:3'),
                                 ('^/kbs/v0/.*$', '^/kbs/v0/([a$', 'no regular expression'),
                                 ('[http_server]\n', '[http_server]\ntls_profile = "best"\n', 'old, intermediate, modern or custom'),
                                 ('[http_server]\n', '[http_server]\ntls_ciphers = "NONE-SUCH"\n', 'no cipher of "NONE-SUCH"'),
                                 (f'public_key_uri = "{d}/admin.key.pub"', 'jwk_set_uri = "https://idp.example/keys"', 'from files only'),
                                 (f'public_key_uri = "{d}/admin.key.pub"', f'jwk_set_uri = "{d}/absent.json"', 'absent.json'),
                                 (f'public_key_uri = "{d}/admin.key.pub"', f'jwk_set_uri = "{d}/kbs.toml"', 'reading the key set', 'kbs.toml'),
                                 (f'public_key_uri = "{d}/admin.key.pub"', f'jwk_set_uri = "{d}/other.json"', 'is no JWK set'),
                                 ('role = "a", ', '', 'acls.role is required', 'kbs.toml:11'), ('role = "a"', 'role = 1', 'acls.role must be', 'kbs.toml:11'),
                                 ('[admin]\n', '[admin]\ntype = "Simple"\n', 'admin.type', 'kbs.toml:7'),
                                 ('[http_server]\n', '[http_server]\nworker_count = 0\n', 'from 1 to 256', 'kbs.toml:3'),
                                 ('[admin]', '[admin', 'kbs.toml:6:')):
            assert old in good
            p = check(good.replace(old, new, 1))
            assert p.returncode == 1 and all(w in p.stdout for w in words), (old, new, p.stdout, p.stderr)
    finally:
        shutil.rmtree(d)


def a_request_that_no_handler_saw_is_refused_in_words_and_logged():
    with Broker() as b:
        r = b.request('POST', '/kbs/v0/auth', b'x' * 70000)
        assert r.status == 413 and 'the body is larger' in r.json()['detail'] and 'http.body.size' in r.json()['detail'], r.body
        r = b.request('GET', '/kbs/v0//x')
        assert r.status == 400 and 'http.path.empty' in r.json()['detail'], r.body
        end = time.time() + 10
        while not all(any('"event":"refused"' in l and w in l and '"peer":"127.0.0.1"' in l for l in b.log) for w in ('http.body.size', 'http.path.empty')):
            assert time.time() < end, b.log[-5:]
            time.sleep(0.05)
        # what is quoted of a request and cut within a character is JSON all the same
        r = b.request('GET', '/kbs/v0/a' + '%C3%A4' * 60)
        assert r.status == 404 and 'not found' in r.json()['detail'], r.body


def a_certificate_that_ends_soon_is_said_at_the_start_and_at_a_reload():
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization as s
    from cryptography.hazmat.primitives.asymmetric import ec
    import datetime

    def certificate(b, days):
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, 'localhost')])
        now = datetime.datetime.utcnow()
        cert = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1).not_valid_before(
            now - datetime.timedelta(days=30)).not_valid_after(now + datetime.timedelta(days=days)).add_extension(
            x509.SubjectAlternativeName([x509.DNSName('localhost')]), False).sign(key, hashes.SHA256())
        open(f'{b.dir}/tls.crt', 'wb').write(cert.public_bytes(s.Encoding.PEM))
        open(f'{b.dir}/tls.key', 'wb').write(key.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption()))

    def said(b, words):
        return sum(f'"event":"{words}"' in l for l in b.log)
    b = Broker(tls=True)
    try:
        certificate(b, 30)
        b.start()
        for days, expires, expired in ((6, 1, 0), (-1, 1, 1), (8, 1, 1)):
            certificate(b, days)
            before = said(b, 'reloaded')
            b.process.send_signal(signal.SIGHUP)
            end = time.time() + 10
            while time.time() < end and not (said(b, 'reloaded') > before and said(b, 'certificate-expires') == expires and
                                             said(b, 'certificate-expired') == expired):
                time.sleep(0.02)
            time.sleep(0.1)
            assert (said(b, 'certificate-expires'), said(b, 'certificate-expired')) == (expires, expired), (days, b.log[-4:])
    finally:
        b.stop()


def a_supervisor_is_told_when_the_broker_listens_and_when_it_stops():
    d = tempfile.mkdtemp(prefix='warrant-notify-')
    try:
        for address in (f'{d}/socket', f'\0{d}/abstract'):
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
                s.bind(address)
                s.settimeout(20)
                b = Broker()
                try:
                    b.start(env={'NOTIFY_SOCKET': address.replace('\0', '@')})
                    assert s.recv(100) == b'READY=1'
                    assert b.request('GET', '/healthz').status == 200
                finally:
                    b.stop()
                assert s.recv(100) == b'STOPPING=1'
        for address in ('relative', '/', '@', '/' + 'x' * 200, f'{d}/nobody'):
            b = Broker()
            try:
                b.start(env={'NOTIFY_SOCKET': address})
                assert b.request('GET', '/healthz').status == 200, address
            finally:
                b.stop()
    finally:
        shutil.rmtree(d)


def a_database_put_back_beside_newer_journals_stops_the_start():
    b = Broker().start()
    try:
        b.stop(keep=True)
        shutil.copy(f'{b.dir}/data/warrant.db', f'{b.dir}/old.db')
        for n in range(4):
            b.start()
            b.set_reference(n=n)
            b.stop(keep=True)
        b.start()
        b.set_reference(n=9)
        b.stop(signal.SIGKILL, keep=True)
        for name in ('warrant.db-wal', 'warrant.db-shm'):
            if os.path.exists(f'{b.dir}/data/{name}'):
                os.unlink(f'{b.dir}/data/{name}')
        shutil.copy(f'{b.dir}/old.db', f'{b.dir}/data/warrant.db')
        start_fails(b, 'store.journal', 'of one moment together')
    finally:
        b.stop()


def a_reload_that_fails_leaves_the_certificate_that_works():
    b = Broker(tls=True).start()
    try:
        good = open(f'{b.dir}/tls.crt').read()
        for bad in ('no certificate', ''):
            open(f'{b.dir}/tls.crt', 'w').write(bad)
            told = len([l for l in b.log if 'reload-failed' in l])
            b.process.send_signal(signal.SIGHUP)
            end = time.time() + 10
            while len([l for l in b.log if 'reload-failed' in l]) == told and time.time() < end:
                time.sleep(0.02)
            open(f'{b.dir}/tls.crt', 'w').write(good)
            assert b.request('GET', '/healthz').status == 200
            assert any('"reason":"tls.certificate"' in l for l in b.log if 'reload-failed' in l), b.log[-3:]
    finally:
        b.stop()


def connections_are_no_more_than_the_system_gives():
    """Otherwise one peer takes all files of the process, and the store finds none."""
    def few():
        resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))
    b = Broker()
    b.start(preexec=few)
    held = []
    try:
        assert any('few-files' in l for l in b.log), b.log
        for _ in range(1000):
            held.append(socket.create_connection(('127.0.0.1', b.port)))
            held[-1].sendall(b'GET /')
        from_elsewhere = socket.socket()
        from_elsewhere.bind(('127.0.0.2', 0))
        from_elsewhere.settimeout(10)
        started = time.time()
        from_elsewhere.connect(('127.0.0.1', b.port))
        from_elsewhere.sendall(b'GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
        assert from_elsewhere.recv(64).startswith(b'HTTP/1.1 200')
        assert time.time() - started < 4, 'it waited until those who say nothing were sent away'
        from_elsewhere.close()
    finally:
        [s.close() for s in held]
        b.stop()


def a_stop_under_load_answers_what_it_took():
    b = Broker().start()
    cut = []
    try:
        b.set_secret('a/b/c', b.canary())
        assert b.set_resource_policy(ALLOW_ALL).status == 200
        g = Guest(b).handshake()
        done = [0]

        def take():
            while True:
                try:
                    c = http.client.HTTPConnection('127.0.0.1', b.port, timeout=20)
                    c.connect()
                except OSError:
                    return
                try:
                    c.request('GET', '/kbs/v0/resource/a/b/c', headers={'Cookie': f'kbs-session-id={g.cookie}'})
                    r = c.getresponse()
                    body = r.read()
                    if r.status != 200 or not g.open(body):
                        cut.append(r.status)
                    done[0] += 1
                except http.client.RemoteDisconnected:
                    return    # it was never read: the client may ask again
                except ConnectionResetError:
                    return
                except Exception as e:
                    cut.append(repr(e))
                finally:
                    c.close()
        threads = [threading.Thread(target=take) for _ in range(6)]
        [t.start() for t in threads]
        time.sleep(0.7)
        assert b.stop(signal.SIGTERM, keep=True) == 0
        [t.join() for t in threads]
        assert done[0] > 5 and not cut, (done, cut)
        b.start()
        records = b.admin('GET', 'audit/records?limit=1000').json()
        assert sum(r['kind'] == 'release' for r in records) >= min(done[0], 900)
    finally:
        b.stop()


def what_a_configuration_lacks_is_named_with_its_remedy():
    d = tempfile.mkdtemp(prefix='warrant-test-')
    minimal = '[http_server]\ninsecure_http = true\n[admin]\nauthorization_mode = "DenyAll"\n'
    table = [('a.toml', 'data_dir = "/proc/nowhere"\n' + minimal, ['/proc/nowhere']),
             ('b.toml', '[http_server]\nsockets = ["localhost:1"]\ninsecure_http = true\n[admin]\nauthorization_mode = "DenyAll"\n', ['localhost', 'IP']),
             ('c.yaml', '', ['.toml', '.json']), ('d.toml', 'x = [\n', ['d.toml']),
             ('e.toml', f'data_dir = "{d}/e"\n[http_server]\nprivate_key = "/no.key"\ncertificate = "/no.crt"\n[admin]\nauthorization_mode = "DenyAll"\n',
              ['/no.crt']),
             ('f.toml', f'data_dir = "{d}/f"\n' + minimal + '[nonsense]\n', ['nonsense', 'known here are']),
             ('g.toml', '[admin]\nauthorization_mode = "DenyAll"\n', ['http_server', 'required'])]
    try:
        for name, text, words in table:
            open(f'{d}/{name}', 'w').write(text)
            p = subprocess.run([f'{BUILD}/bin/kbs', '--config-file', f'{d}/{name}'], capture_output=True, text=True, timeout=30)
            assert p.returncode == 1 and all(w in p.stderr for w in words), (name, p.returncode, p.stderr)
        for args in ([], ['-c'], ['--nope'], ['-c', f'{d}/a.toml', 'more']):
            env = {k: v for k, v in os.environ.items() if k != 'KBS_CONFIG_FILE'}
            p = subprocess.run([f'{BUILD}/bin/kbs', *args], capture_output=True, text=True, timeout=30, env=env)
            assert p.returncode == 2 and 'usage:' in p.stderr, (args, p.returncode, p.stderr)
        p = subprocess.run([f'{BUILD}/bin/kbs', '-c', f'{d}/absent.toml'], capture_output=True, text=True, timeout=30)
        assert p.returncode == 1 and 'absent.toml' in p.stderr, p.stderr
    finally:
        shutil.rmtree(d)


run_tap([a_lost_master_key_stops_the_start_and_no_new_one_takes_its_place, files_that_others_can_read_stop_the_start, a_tls_key_that_everybody_can_read_is_said,
         no_core_file_and_no_debugger_sees_what_is_inside, a_server_without_tls_says_so,
         a_certificate_that_ends_soon_is_said_at_the_start_and_at_a_reload,
         a_supervisor_is_told_when_the_broker_listens_and_when_it_stops,
         a_check_finds_what_would_stop_a_start_and_says_where, a_request_that_no_handler_saw_is_refused_in_words_and_logged,
         a_database_put_back_beside_newer_journals_stops_the_start, a_reload_that_fails_leaves_the_certificate_that_works,
         connections_are_no_more_than_the_system_gives, a_stop_under_load_answers_what_it_took,
         what_a_configuration_lacks_is_named_with_its_remedy])
