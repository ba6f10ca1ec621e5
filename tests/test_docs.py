#!/usr/bin/env python3
"""The pages that say "type this": their commands are typed. And no page points to one that is not there."""
from harness import *

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..')


def commands(page):
    """Lines that begin with "$ ", and what follows them to END where they read until there."""
    out, until = [], None
    for line in open(f'{TOP}/docs/{page}'):
        line = line[4:].rstrip('\n') if line.startswith('    ') else None
        if until is not None and line is not None:
            out.append(line)
            until = None if line == until else until
        elif line and line.startswith('$ '):
            out.append(line[2:])
            until = 'END' if '<<END' in line else None
    return out


def getting_started_runs_as_it_is_written():
    for program in ('swtpm', 'tpm2_createak', 'openssl'):
        if not shutil.which(program):
            raise Skip(f'{program} is not installed')
    lines = commands('getting-started.md')
    assert len(lines) > 30, lines
    s = socket.socket()
    s.bind(('127.0.0.1', 0))
    port = s.getsockname()[1]
    s.close()
    d = tempfile.mkdtemp(prefix='warrant-test-')
    script = 'trap \'kill $(jobs -p) 2>/dev/null\' EXIT\nset -e\n' + '\n'.join(lines) + '\n'
    try:
        p = subprocess.run(['bash', '-c', script], cwd=d, capture_output=True, text=True, timeout=120,
                           env={**os.environ, 'PORT': str(port), 'PATH': f'{os.path.abspath(BUILD)}/bin:' + os.environ['PATH']})
        assert p.returncode == 0, (p.returncode, p.stdout[-1500:], p.stderr[-1500:])
        assert 'the model weights' in p.stdout, p.stdout
        for words in ('the configuration is good', 'policy.denied', 'tpm_pcr11', 'verified: '):
            assert words in p.stdout, (words, p.stdout[-3000:])
    finally:
        shutil.rmtree(d, ignore_errors=True)


def the_reference_of_commands_has_them_all():
    p = subprocess.run([f'{TOP}/tools/cli-reference', BUILD, '--check'], capture_output=True, text=True)
    assert p.returncode == 0, p.stdout + p.stderr


def the_routes_of_the_page_are_those_of_the_table():
    source = open(f'{TOP}/src/api/kbs_http.c').read()
    page = open(f'{TOP}/docs/http.md').read()
    rows = [l for l in page.splitlines() if re.match(r'\| (GET|POST|DELETE)', l)]
    for method, path in re.findall(r'ROUTE\("(\w+)", "([^"]+)"', source):
        base = re.sub(r'/\??\*$', '', path)
        exact = not path.endswith('*') or path.endswith('?*')
        want = rf'{re.escape(base)}(`| )' if exact else rf'{re.escape(base)}/[A-Z]'
        assert any(method in l.split('|')[1] and re.search(want, l + ' ') or 'the same' in l and method in l for l in rows), (method, path)


def every_link_leads_somewhere():
    pages = [os.path.join(f, n) for f, _, names in os.walk(TOP) for n in names
             if n.endswith('.md') and '/build' not in f and '/.git' not in f and '/warrant-' not in f]
    assert len(pages) > 10
    for page in pages:
        text = re.sub(r'`[^`]*`', '', open(page).read())
        for link in re.findall(r'\]\(([^)#]+)', text):
            if '://' not in link:
                assert os.path.exists(os.path.join(os.path.dirname(page), link)), (page, link)
        for name in re.findall(r'docs/[a-z-]+\.md', open(page).read()):
            assert os.path.exists(f'{TOP}/{name}'), (page, name)


def tests_that_answer_advisories_are_there():
    known = set()
    for folder, _, names in os.walk(TOP):
        if '/build' in folder or '/.git' in folder:
            continue
        for n in names:
            if n.startswith('test_') and n.endswith(('.c', '.py')):
                known |= set(re.findall(r'^(?:static void|def) (\w+)\(', open(os.path.join(folder, n)).read(), flags=re.M))
    rows = [l for l in open(f'{TOP}/docs/advisories.md') if l.startswith('| ') and not l.startswith('| advisory')]
    assert len(rows) > 30
    for row in rows:
        for name in re.findall(r'`(\w+)`', row.split('|')[3]):
            assert name in known, (name, row[:60])


def the_roles_of_the_page_may_what_it_says_and_no_more():
    acls = re.search(r'    acls = \[.*?\n    \]\n', open(f'{TOP}/docs/admin.md').read(), re.S).group(0)
    b = Broker()
    text = open(b.config).read()
    open(b.config, 'w').write(re.sub(r'acls = \[.*?\]\n', lambda m: acls.replace('    ', ''), text, count=1, flags=re.S))
    with b:
        for role, method, path, status in (('admin', 'GET', 'resource', 200), ('values', 'GET', 'reference-value', 200),
                                           ('values', 'GET', 'reference-value/x', 404), ('values', 'POST', 'resource/a/b/c', 403),
                                           ('auditor', 'GET', 'audit/head', 200), ('auditor', 'GET', 'decision/1m88tqfgs-3dc1a3mret', 404),
                                           ('auditor', 'GET', 'resource', 403), ('ci', 'POST', 'resource/ci/a/b', 200),
                                           ('ci', 'DELETE', 'resource/ci/a/b', 403), ('ci', 'POST', 'resource/other/a/b', 403)):
            r = b.admin(method, path, b'x' if method == 'POST' else None, token=b.sign_admin(role=role))
            assert r.status == status, (role, method, path, r.status, r.body)


def what_is_installed_links_to_what_is_installed():
    installed = set(re.findall(r"'docs/([a-z-]+\.md)'", open(f'{TOP}/meson.build').read()))
    assert 'deploy.md' in installed
    for page in installed:
        for link in re.findall(r'\]\(([a-z-]+\.md)\)', open(f'{TOP}/docs/{page}').read()):
            assert link in installed, (page, link)


def examples_of_configurations_are_understood():
    page = re.search(r'\n\n((?:    .*\n|\n)*    data_dir(?:.*\n)(?:    .*\n|\n)*)', open(f'{TOP}/docs/operate.md').read()).group(1)
    d = tempfile.mkdtemp(prefix='warrant-test-')
    try:
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', f'{d}/tls.key',
                        '-out', f'{d}/tls.crt', '-days', '2', '-subj', '/CN=localhost'], check=True, stderr=subprocess.DEVNULL)
        subprocess.run([f'{BUILD}/bin/kbs-client', 'admin-key', '--out', f'{d}/admin.key'], check=True)
        for text in (open(f'{TOP}/deploy/kbs.toml').read(), '\n'.join(l[4:] for l in page.splitlines())):
            assert '/etc/warrant/tls.key' in text
            open(f'{d}/k.toml', 'w').write(text.replace('/etc/warrant/', d + '/'))
            p = subprocess.run([f'{BUILD}/bin/kbs', '--config-file', f'{d}/k.toml', '--check'], capture_output=True, text=True)
            assert p.returncode == 0, p.stdout
    finally:
        shutil.rmtree(d)


run_tap([getting_started_runs_as_it_is_written, the_reference_of_commands_has_them_all, the_routes_of_the_page_are_those_of_the_table,
         every_link_leads_somewhere, tests_that_answer_advisories_are_there, the_roles_of_the_page_may_what_it_says_and_no_more, what_is_installed_links_to_what_is_installed, examples_of_configurations_are_understood])
