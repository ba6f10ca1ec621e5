"""What the scenarios of the laboratory share: its commands, and the vendors' services of a folder of worlds on loopback."""
from harness import *

LOOPBACK_WORDS = 'collateral comes from this host without TLS'


def lab(verb, *args):
    return subprocess.run([f'{BUILD}/bin/warrant-lab', verb, *args], check=True, timeout=60, capture_output=True, text=True).stdout


SHAPES = json.loads(lab('list'))


def sets(fields):
    return [x for k, v in fields.items() for x in ('--set', f'{k}={v if isinstance(v, str) else json.dumps(v)}')]


class Vendors:
    """The services of a folder of worlds."""

    def __init__(self, state):
        self.process = subprocess.Popen([f'{BUILD}/bin/warrant-lab', 'serve', '--state', state, '--idle', '120'], text=True,
                                        stdout=subprocess.PIPE)
        self.url = self.process.stdout.readline().split()[-1]
        self.port = int(self.url.rsplit(':', 1)[1])

    def request(self, method, path, body=None, headers=None):
        c = http.client.HTTPConnection('127.0.0.1', self.port, timeout=20)
        try:
            c.request(method, path, body, headers or {})
            r = c.getresponse()
            return Reply(r.status, r.headers, r.read())
        finally:
            c.close()

    def set(self, what, **values):
        r = self.request('PUT', f'/lab/{what}', json.dumps(values))
        assert r.status == 200, r.body

    def faults(self, **values):
        """Of kinds, with '_' for '-'; `any` is every kind."""
        self.set('faults', **{'*' if k == 'any' else k.replace('_', '-'): v for k, v in values.items()})

    def asked(self, whole=False):
        """Path, or the whole target, and status of every request."""
        return [(r['target'] if whole else r['target'].split('?')[0], r['status']) for r in self.request('GET', '/lab/asked').json()]

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()
            self.process = None
