"""What the scenario tests share: a TAP runner, a broker of its own in a temporary folder, and an independent client.

The client is written from the protocol alone, with python3-cryptography and python3-jwcrypto: it shares no code with the
broker. Every scenario plants canary secrets and searches every output for them at the end.
"""
import base64, hashlib, http.client, json, os, re, shutil, signal, socket, ssl, subprocess, sys, tempfile, threading, time, traceback

BUILD = os.environ.get('WARRANT_BUILD', 'build')
SHARED = os.environ.get('WARRANT_SHARED', '')
SAMPLE_WORDS = 'sample evidence proves nothing'
RSA1_5_WORDS = 'RSA PKCS#1 v1.5 is accepted for 0.1.x clients'


class Skip(Exception):
    pass


def run_tap(tests):
    """Runs functions in order; a name given on the command line runs that one alone."""
    wanted = sys.argv[1:]
    tests = [t for t in tests if not wanted or t.__name__ in wanted]
    print(f'1..{len(tests)}', flush=True)
    for i, t in enumerate(tests, 1):
        try:
            t()
            print(f'ok {i} - {t.__name__}', flush=True)
        except Skip as e:
            print(f'ok {i} - {t.__name__} # SKIP {e}', flush=True)
        except BaseException:
            for line in traceback.format_exc().splitlines():
                print('# ' + line)
            print(f'not ok {i} - {t.__name__}', flush=True)


def b64(b):
    return base64.b64encode(b).decode()


def b64u(b):
    return base64.urlsafe_b64encode(b).decode().rstrip('=')


def unb64u(s):
    return base64.urlsafe_b64decode(s + '=' * (-len(s) % 4))


def jcs(v):
    """RFC 8785 for what the protocol hashes: objects of strings."""
    return json.dumps(v, sort_keys=True, separators=(',', ':'), ensure_ascii=False).encode()


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    def type(self):
        return self.json()['type'].rsplit('/', 1)[1]


class Broker:
    """A broker in a folder of its own, on a port the system chose."""

    def __init__(self, tls=False, sample=True, config='', admin='admin', plugin=True, rsa1_5=False, attestation='', dir=None):
        self.dir = dir or tempfile.mkdtemp(prefix='warrant-test-')
        self.canaries = []
        self.outputs = []
        self.tls = tls
        self.admin_token = None
        self.process = None
        os.makedirs(self.dir, exist_ok=True)
        lines = [f'data_dir = "{self.dir}/data"', '[http_server]', 'sockets = ["127.0.0.1:0"]']
        if tls:
            self.make_certificate()
            lines += [f'private_key = "{self.dir}/tls.key"', f'certificate = "{self.dir}/tls.crt"']
        else:
            lines += ['insecure_http = true']
        lines += ['metrics_socket = "127.0.0.1:0"', '[admin]']
        if admin == 'admin':
            self.make_admin_key()
            lines += ['authorization_mode = "AuthenticatedAuthorization"', '[admin.authentication.bearer_jwt]',
                      f'identity_providers = [{{issuer = "issuer", audience = "audience", public_key_uri = "{self.dir}/admin.pub"}}]',
                      '[admin.authorization.regex_acl]',
                      'acls = [{role = "tester", allowed_endpoints = "^/kbs/v0/.*$"},'
                      ' {role = "restricted", allowed_endpoints = "^/kbs/v0/reference-value/[a-zA-Z0-9]+$"}]']
        else:
            lines += [f'authorization_mode = "{admin}"']
        if plugin:
            lines += ['[[plugins]]', 'name = "resource"', 'storage_backend_type = "kvstorage"']
        if sample:
            lines += ['[attestation_service.verifier_config.sample_verifier]', f'insecure = "{SAMPLE_WORDS}"',
                      '[attestation_service]', 'type = "coco_as_builtin"']
        if rsa1_5:
            lines += ['[protocol]', f'allow_rsa1_5 = "{RSA1_5_WORDS}"']
        lines += [attestation, config]
        self.config = f'{self.dir}/kbs.toml'
        with open(self.config, 'w') as f:
            f.write('\n'.join(lines) + '\n')

    def make_certificate(self):
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout',
                        f'{self.dir}/tls.key', '-out', f'{self.dir}/tls.crt', '-days', '2', '-subj', '/CN=localhost', '-addext',
                        'subjectAltName=DNS:localhost,IP:127.0.0.1'], check=True, stderr=subprocess.DEVNULL)

    def make_admin_key(self):
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives import serialization as s
        self.admin_key = Ed25519PrivateKey.generate()
        with open(f'{self.dir}/admin.pub', 'wb') as f:
            f.write(self.admin_key.public_key().public_bytes(s.Encoding.PEM, s.PublicFormat.SubjectPublicKeyInfo))
        self.admin_token = self.sign_admin()

    def sign_admin(self, key=None, **claims):
        body = {'iss': 'issuer', 'aud': ['audience'], 'sub': 'test', 'role': 'tester', 'iat': int(time.time()),
                'exp': int(time.time()) + 600}
        body.update(claims)
        body = {k: v for k, v in body.items() if v is not None}
        signed = b64u(json.dumps({'alg': 'EdDSA', 'typ': 'JWT'}).encode()) + '.' + b64u(json.dumps(body).encode())
        return signed + '.' + b64u((key or self.admin_key).sign(signed.encode()))

    def start(self, wait=True, env=None, preexec=None):
        self.log = []
        self.port = self.metrics_port = None
        self.process = subprocess.Popen([f'{BUILD}/bin/kbs', '--config-file', self.config], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, text=True, env={**os.environ, **(env or {})}, preexec_fn=preexec)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        if wait:
            end = time.time() + 30
            while not any('"event":"ready"' in l for l in self.log):
                if self.process.poll() is not None or time.time() > end:
                    self.reader.join(2)
                    raise AssertionError('the broker did not start: ' + ''.join(self.log)[-3000:])
                time.sleep(0.01)
        return self

    def _read(self):
        for line in self.process.stderr:
            self.log.append(line)
            m = re.search(r'"event":"listening","kind":"(\w+)","address":"127\.0\.0\.1:(\d+)"', line)
            if m and m.group(1) == 'metrics':
                self.metrics_port = int(m.group(2))
            elif m:
                self.port = int(m.group(2))

    def stop(self, sig=signal.SIGTERM, keep=False):
        code = None
        if self.process and self.process.poll() is None:
            self.process.send_signal(sig)
            try:
                code = self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError('the broker did not stop within 20 s')
        if self.process:
            self.reader.join(5)
            self.outputs += self.log
            self.process.stderr.close()
            # what a sanitizer saw in the broker or its workers changes no answer: it is found here or nowhere
            if any('Sanitizer:' in l or ': runtime error: ' in l for l in self.log):
                raise AssertionError('a sanitizer reports: ' + ''.join(l for l in self.log if l[0] != '{')[:12000])
        if not keep:
            self.search_canaries()
            shutil.rmtree(self.dir, ignore_errors=True)
        return code

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *rest):
        self.stop()
        if kind and os.environ.get('WARRANT_TEST_LOG'):
            print('# ' + '# '.join(self.outputs[-40:]))

    def canary(self, n=24):
        c = b'CANARY-' + b64u(os.urandom(n)).encode()
        self.canaries.append(c)
        return c

    def search_canaries(self):
        """No secret may stand in a log line, a metric, or a file at rest, in any usual encoding."""
        for c in self.canaries:
            forms = [c, base64.b64encode(c), base64.urlsafe_b64encode(c), c.hex().encode()]
            for line in self.outputs:
                assert not any(f in line.encode() for f in forms), 'a secret stands in the log'
            for root, _, names in os.walk(self.dir):
                for name in names:
                    data = open(os.path.join(root, name), 'rb').read()
                    assert not any(f in data for f in forms), f'a secret stands in {name}'

    def request(self, method, path, body=None, headers=None, port=None, timeout=60):
        if self.tls and port is None:
            ctx = ssl.create_default_context(cafile=f'{self.dir}/tls.crt')
            c = http.client.HTTPSConnection('localhost', self.port, context=ctx, timeout=timeout)
        else:
            c = http.client.HTTPConnection('127.0.0.1', port or self.port, timeout=timeout)
        try:
            c.request(method, path, body=body, headers=headers or {})
            r = c.getresponse()
            reply = Reply(r.status, r.headers, r.read())
        finally:
            c.close()
        self.outputs.append(reply.body.decode('utf-8', 'replace') if reply.status != 200 else '')
        return reply

    def admin(self, method, path, body=None, token=None):
        token = token or self.admin_token
        headers = {'Authorization': f'Bearer {token}'} if token else {}
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        return self.request(method, '/kbs/v0/' + path, body, headers)

    def verify_log(self, *args):
        """By the command line, as an administrator."""
        path = f'{self.dir}/admin.token'
        with open(path, 'w', opener=lambda p, flags: os.open(p, flags, 0o600)) as f:
            f.write(self.admin_token)
        return subprocess.run([f'{BUILD}/bin/kbs-client', '--url', f'http://127.0.0.1:{self.port}', 'audit', 'verify', '--admin-token-file',
                               path, *args], capture_output=True, text=True)

    def set_secret(self, path, value):
        r = self.admin('POST', 'resource/' + path, value)
        assert r.status == 200, (r.status, r.body)

    def set_resource_policy(self, rego):
        return self.admin('POST', 'resource-policy', {'policy': b64u(rego.encode())})

    def set_reference(self, **values):
        r = self.admin('POST', 'reference-value',
                       {'version': '0.1.0', 'type': 'sample', 'payload': b64(json.dumps(values).encode())})
        assert r.status == 200, (r.status, r.body)


ALLOW_ALL = 'package policy\ndefault allow := false\nallow if data.plugin == "resource"\n'


class EcKey:
    def __init__(self, crv='P-256'):
        from jwcrypto import jwk
        self.jwk = jwk.JWK.generate(kty='EC', crv=crv)
        pub = self.jwk.export_public(as_dict=True)
        self.public = {'kty': 'EC', 'crv': crv, 'alg': 'ECDH-ES+A256KW', 'x': pub['x'], 'y': pub['y']}


class RsaKey:
    def __init__(self, alg='RSA-OAEP-256'):
        from jwcrypto import jwk
        self.jwk = jwk.JWK.generate(kty='RSA', size=2048)
        pub = self.jwk.export_public(as_dict=True)
        self.public = {'kty': 'RSA', 'alg': alg, 'n': pub['n'], 'e': pub['e']}


class Guest:
    """A guest with the sample TEE, speaking one protocol version."""

    def __init__(self, broker, version='0.4.0', key=None, dialect=4):
        self.b, self.version, self.dialect = broker, version, dialect
        self.key = key or EcKey()
        self.cookie = self.token = None

    def auth(self, tee='sample', extra=''):
        if self.version not in ('0.1.0',) and extra == '':
            extra = {'supported-hash-algorithms': ['sha256', 'sha384', 'sha512']}
        r = self.b.request('POST', '/kbs/v0/auth', json.dumps({'version': self.version, 'tee': tee, 'extra-params': extra}),
                           {'Content-Type': 'application/json'})
        if r.status == 200:
            self.cookie = re.match(r'kbs-session-id=([^;]+)', r.headers['Set-Cookie']).group(1)
            self.challenge = r.json()
            self.nonce = self.challenge['nonce']
        return r

    def report_data(self, additional=''):
        k = self.key.public
        if self.version == '0.1.0' and self.dialect < 4:
            n, e = k['n'], k['e']
            if self.dialect < 3:
                n, e = b64(unb64u(n)), b64(unb64u(e))
            return hashlib.sha384((self.nonce + n + e).encode()).digest()
        data = {'nonce': self.nonce, 'tee-pubkey': k}
        if self.version in ('0.3.0', '0.4.0'):
            data['additional-evidence'] = additional
        return hashlib.sha384(jcs(data)).digest()

    def device_data(self):
        return hashlib.sha384(jcs({'nonce': self.nonce, 'tee-pubkey': self.key.public})).digest()

    def body(self, evidence=None, additional='', init_data=None):
        k = self.key.public
        ev = evidence or {'svn': '1', 'report_data': b64(self.report_data(additional))}
        if self.version == '0.1.0':
            if self.dialect == 1:
                k = {'alg': k['alg'], 'k-mod': b64(unb64u(k['n'])), 'k-exp': b64(unb64u(k['e']))}
            elif self.dialect == 2:
                k = {'alg': k['alg'], 'n': b64(unb64u(k['n'])), 'e': b64(unb64u(k['e']))}
            return {'tee-pubkey': k, 'tee-evidence': json.dumps(ev)}
        if self.version in ('0.1.1', '0.2.0'):
            return {'tee-pubkey': k, 'tee-evidence': ev}
        composite = {'primary_evidence': ev, 'additional_evidence': additional}
        if self.version == '0.3.0':
            return {'tee-pubkey': k, 'tee-evidence': composite}
        out = {'runtime-data': {'nonce': self.nonce, 'tee-pubkey': k}, 'tee-evidence': composite}
        if init_data is not None:
            out['init-data'] = {'format': 'toml', 'body': init_data}
        return out

    def attest(self, body=None, cookie=None, **kw):
        body = json.dumps(body if body is not None else self.body(**kw)) if not isinstance(body, (str, bytes)) else body
        cookie = cookie or self.cookie
        r = self.b.request('POST', '/kbs/v0/attest', body,
                           {'Content-Type': 'application/json', 'Cookie': f'kbs-session-id={cookie}'})
        if r.status == 200:
            self.token = r.json()['token']
        return r

    def handshake(self, **kw):
        r = self.auth()
        assert r.status == 200, (r.status, r.body)
        r = self.attest(**kw)
        assert r.status == 200, (r.status, r.body)
        return self

    def get(self, path, bearer=False, query=''):
        h = {'Authorization': f'Bearer {self.token}'} if bearer else {'Cookie': f'kbs-session-id={self.cookie}'}
        return self.b.request('GET', f'/kbs/v0/resource/{path}{query}', headers=h)

    def open(self, body):
        """Decrypts a reply with an independent JOSE library; the legacy shape by hand, as those clients did."""
        doc = json.loads(body)
        if self.version in ('0.1.0', '0.1.1'):
            from cryptography.hazmat.primitives.asymmetric import padding
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM
            assert list(doc) == ['protected', 'encrypted_key', 'iv', 'ciphertext', 'tag'] and doc['tag'] == ''
            assert json.loads(doc['protected']) == {'alg': 'RSA1_5', 'enc': 'A256GCM'}
            private = self.key.jwk.get_op_key('unwrapKey')
            cek = private.decrypt(unb64u(doc['encrypted_key']), padding.PKCS1v15())
            return AESGCM(cek).decrypt(unb64u(doc['iv']), unb64u(doc['ciphertext']), None)
        from jwcrypto import jwe
        j = jwe.JWE(algs=['RSA-OAEP-256', 'ECDH-ES+A256KW', 'A256GCM'])
        j.deserialize(body.decode(), self.key.jwk)
        return j.payload

    def claims(self):
        return json.loads(unb64u(self.token.split('.')[1]))
