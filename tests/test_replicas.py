#!/usr/bin/env python3
"""Two brokers on one PostgreSQL: what one begins the other ends, what one is told the other knows, and both write one log."""
import concurrent.futures, glob, json, os, pwd, re, shutil, signal, socket, subprocess, sys, tempfile, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import ALLOW_ALL, Broker, Guest, Skip, run_tap

DENY_ALL = 'package policy\ndefault allow := false\n'


class Postgres:
    """A server of its own, as an unprivileged user, on a socket in its folder and a port of 127.0.0.1."""

    def __init__(self):
        found = sorted(glob.glob('/usr/lib/postgresql/*/bin/postgres'))
        if not found:
            raise Skip('PostgreSQL is not installed')
        self.bin = os.path.dirname(found[-1])
        self.dir = tempfile.mkdtemp(prefix='warrant-pg-')
        self.user = pwd.getpwnam('nobody') if os.getuid() == 0 else None
        if self.user:
            os.chown(self.dir, self.user.pw_uid, self.user.pw_gid)
        with socket.socket() as s:
            s.bind(('127.0.0.1', 0))
            self.port = s.getsockname()[1]
        subprocess.run([f'{self.bin}/initdb', '-D', f'{self.dir}/data', '-A', 'trust', '-U', 'warrant', '-E', 'UTF8', '--locale=C.UTF-8',
                        '-N'], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.dir, preexec_fn=self.drop)
        self.start()

    def drop(self):
        if self.user:
            os.setgroups([])
            os.setgid(self.user.pw_gid)
            os.setuid(self.user.pw_uid)

    def start(self):
        self.process = subprocess.Popen([f'{self.bin}/postgres', '-D', f'{self.dir}/data', '-k', self.dir, '-h', '127.0.0.1', '-p',
                                         str(self.port), '-F'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.dir,
                                        preexec_fn=self.drop)
        for _ in range(400):
            if subprocess.run([f'{self.bin}/pg_isready', '-h', self.dir, '-p', str(self.port)], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL).returncode == 0:
                return
            time.sleep(0.05)
        raise AssertionError('PostgreSQL did not start')

    def stop(self):
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(20)

    def dump(self):
        return subprocess.run([f'{self.bin}/pg_dump', '-h', self.dir, '-p', str(self.port), '-U', 'warrant', 'postgres'], check=True,
                              capture_output=True, cwd='/').stdout

    def close(self):
        if self.process.poll() is None:
            self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)


class Replicas:
    """Brokers with the same master key and administrators."""

    def __init__(self, n=2):
        self.pg = Postgres()
        self.brokers = []
        self.keys = tempfile.mkdtemp(prefix='warrant-keys-')
        url = f'postgresql://warrant@127.0.0.1:{self.pg.port}/postgres?sslmode=disable'
        for _ in range(n):
            b = Broker(config='\n'.join(['[storage_backend]', 'storage_type = "Postgres"', f'master_key_file = "{self.keys}/master.key"',
                                         '[storage_backend.backends.postgres]', f'url = "{url}"']))
            if self.brokers:
                first = self.brokers[0]
                shutil.copy(f'{first.dir}/admin.pub', f'{b.dir}/admin.pub')
                b.admin_key, b.admin_token = first.admin_key, first.admin_token
            self.brokers.append(b)

    def __enter__(self):
        for b in self.brokers:
            b.start()
        return self

    def __exit__(self, *rest):
        for b in self.brokers:
            b.stop(keep=True)
        if self.pg.process.poll() is None:
            for b in self.brokers:
                b.outputs.append(self.pg.dump().decode('utf-8', 'replace'))
        for b in self.brokers:
            b.canaries = [c for x in self.brokers for c in x.canaries]
            b.search_canaries()
            shutil.rmtree(b.dir, ignore_errors=True)
        self.pg.close()
        shutil.rmtree(self.keys, ignore_errors=True)


def soon(check, seconds=10):
    """What all see within a second, and a slow machine within ten."""
    end = time.time() + seconds
    while not check():
        assert time.time() < end, 'it was not seen by the other'
        time.sleep(0.1)


def verified(b):
    r = b.verify_log()
    assert r.returncode == 0, r.stdout + r.stderr
    return int(re.search(r'verified: (\d+) records', r.stdout).group(1)), r.stdout.split(',', 1)[1]


def what_one_begins_another_ends():
    with Replicas() as r:
        a, b = r.brokers
        secret = a.canary()
        a.set_secret('default/key/1', secret)
        assert a.set_resource_policy(ALLOW_ALL).status == 200
        assert b.admin('GET', 'resource-policy').body == a.admin('GET', 'resource-policy').body
        # challenged by one, attested by the other, served by the first: by the session, and by the token alone
        g = Guest(a)
        assert g.auth().status == 200
        g.b = b
        assert g.attest().status == 200
        for broker, bearer in ((a, False), (b, False), (a, True), (b, True)):
            g.b = broker
            soon(lambda: g.get('default/key/1', bearer=bearer).status == 200)
            assert g.open(g.get('default/key/1', bearer=bearer).body) == secret
        # the same keys sign
        assert a.request('GET', '/.well-known/jwks.json').body == b.request('GET', '/.well-known/jwks.json').body


def a_challenge_succeeds_once_among_all():
    with Replicas() as r:
        a, b = r.brokers
        g, other = Guest(a), Guest(b)
        assert g.auth().status == 200
        other.nonce, other.cookie = g.nonce, g.cookie    # the same challenge, another key
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            done = [f.result() for f in [pool.submit(g.attest), pool.submit(other.attest)]]
        assert sorted(d.status for d in done) == [200, 403], [(d.status, d.body) for d in done]
        refused = next(d for d in done if d.status == 403)
        assert 'another key' in b.admin('GET', 'decision/' + refused.json()['decision']).body.decode(), refused.body


def what_one_is_told_the_other_knows():
    with Replicas() as r:
        a, b = r.brokers
        a.set_secret('default/key/1', a.canary())
        assert a.set_resource_policy(ALLOW_ALL).status == 200
        g = Guest(b).handshake()
        soon(lambda: g.get('default/key/1').status == 200)
        assert a.set_resource_policy(DENY_ALL).status == 200
        soon(lambda: g.get('default/key/1').status == 403)
        # a decision of one is explained by the other
        denied = g.get('default/key/1').json()['decision']
        assert json.loads(a.admin('GET', 'decision/' + denied).body)['verdict'] == 'denied'
        secret = b.canary()
        b.set_secret('default/key/1', secret)
        assert a.set_resource_policy(ALLOW_ALL).status == 200
        g.b = a
        soon(lambda: g.get('default/key/1').status == 200)
        assert g.open(g.get('default/key/1').body) == secret    # the newest version, whoever wrote it


def all_write_one_log():
    with Replicas() as r:
        a, b = r.brokers
        a.set_secret('default/key/1', a.canary())
        assert a.set_resource_policy(ALLOW_ALL).status == 200
        before, _ = verified(a)
        guests = [Guest(r.brokers[i % 2]) for i in range(12)]

        def whole(g):
            g.handshake()
            soon(lambda: g.get('default/key/1').status == 200)

        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            for f in [pool.submit(whole, g) for g in guests]:
                f.result()
        # an attestation and a release at least for each, no index twice, and both know the same head
        n, head = verified(a)
        assert n >= before + 24, (before, n)
        assert verified(b) == (n, head)


def without_the_database_nothing_leaves_and_all_goes_on_when_it_is_back():
    with Replicas() as r:
        a, b = r.brokers
        secret = a.canary()
        a.set_secret('default/key/1', secret)
        assert a.set_resource_policy(ALLOW_ALL).status == 200
        g = Guest(a).handshake()
        soon(lambda: g.get('default/key/1').status == 200)
        fresh = Guest(b)
        assert fresh.auth().status == 200
        r.pg.stop()
        for bearer in (False, True):
            reply = g.get('default/key/1', bearer=bearer)
            assert reply.status == 503 and reply.headers['Retry-After'], (reply.status, reply.body)
        reply = fresh.attest()
        assert reply.status == 503, (reply.status, reply.body)
        assert b.request('GET', '/healthz').status == 503
        # a challenge needs no database
        assert Guest(b).auth().status == 200
        r.pg.start()
        soon(lambda: b.request('GET', '/healthz').status == 200, 30)
        soon(lambda: g.get('default/key/1').status == 200, 30)
        assert g.open(g.get('default/key/1').body) == secret
        soon(lambda: fresh.attest().status == 200, 30)
        verified(a)


def a_replica_with_another_master_key_does_not_start():
    with Replicas() as r:
        a, b = r.brokers
        a.set_secret('default/key/1', a.canary())
        b.stop(keep=True)
        with open(b.config) as f:
            config = f.read()
        with open(b.config, 'w') as f:
            f.write(config.replace('/master.key', '/other.key'))
        b.start(wait=False)
        b.process.wait(30)
        assert b.process.returncode != 0
        b.reader.join(5)
        assert 'kms.master-key' in ''.join(b.log), b.log


run_tap([what_one_begins_another_ends, a_challenge_succeeds_once_among_all, what_one_is_told_the_other_knows, all_write_one_log,
         without_the_database_nothing_leaves_and_all_goes_on_when_it_is_back, a_replica_with_another_master_key_does_not_start])
