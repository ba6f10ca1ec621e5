#!/usr/bin/env python3
"""Each kind of store behind a whole broker: what it keeps over a restart, who else may open it, what a copy of it is worth."""
import os, shutil, subprocess, sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import ALLOW_ALL, BUILD, Broker, Guest, run_tap


def local_fs(folder):
    return f'[storage_backend]\nstorage_type = "LocalFs"\n[storage_backend.backends.local_fs]\ndir_path = "{folder}"'


def release(b, secret):
    g = Guest(b).handshake()
    reply = g.get('default/key/1')
    assert reply.status == 200, (reply.status, reply.body)
    assert g.open(reply.body) == secret
    return g


def set_up(b):
    secret = b.canary()
    b.set_secret('default/key/1', secret)
    assert b.set_resource_policy(ALLOW_ALL).status == 200
    return secret


def keeps_over_a_restart(b):
    b.start()
    secret = set_up(b)
    g = release(b, secret)
    b.stop(keep=True)
    b.start()
    # policy, secret and keys; and the session of a guest that attested before
    assert g.get('default/key/1').status == 200
    release(b, secret)
    assert b.verify_log().returncode == 0, b.verify_log().stderr
    b.stop()


def the_embedded_store_keeps_all_over_a_restart():
    keeps_over_a_restart(Broker())


def a_folder_of_files_keeps_all_over_a_restart():
    b = Broker()
    with open(b.config, 'a') as f:
        f.write(local_fs(f'{b.dir}/files') + '\n')
    keeps_over_a_restart(b)


def memory_keeps_nothing_over_a_restart():
    b = Broker(config='[storage_backend]\nstorage_type = "Memory"').start()
    secret = set_up(b)
    g = release(b, secret)
    b.stop(keep=True)
    b.start()
    assert g.get('default/key/1').status == 401, 'the session of a store that is gone'
    assert Guest(b).handshake().get('default/key/1').status == 403, 'the default policy is back'
    b.stop()


def a_second_broker_on_a_store_of_one_process_is_refused():
    for config in ('', 'files'):
        with Broker() as b:
            if config:
                b.stop(keep=True)
                with open(b.config, 'a') as f:
                    f.write(local_fs(f'{b.dir}/files') + '\n')
                b.start()
            r = subprocess.run([f'{BUILD}/bin/kbs', '--config-file', b.config], capture_output=True, text=True, timeout=30)
            assert r.returncode != 0 and 'store.locked' in r.stderr, r.stderr


def restore(b, copy, folder):
    """As docs/deploy.md says: the whole folder moved away, the copy in its place."""
    b.stop(keep=True)
    shutil.rmtree(folder)
    shutil.copytree(copy, folder)
    b.start()


def a_copy_that_is_put_back_works_and_the_log_tells_of_it():
    for config in ('', 'files'):
        b = Broker()
        folder, copy, state = f'{b.dir}/data', f'{b.dir}/copy', f'{b.dir}/state'
        if config:
            folder = f'{b.dir}/files'
            with open(b.config, 'a') as f:
                f.write(local_fs(folder) + '\n')
        b.start()
        secret = set_up(b)
        release(b, secret)
        b.stop(keep=True)
        shutil.copytree(folder, copy)
        b.start()
        release(b, secret)
        assert b.verify_log('--state', state).returncode == 0
        restore(b, copy, folder)
        r = b.verify_log('--state', state)
        assert r.returncode != 0 and 'audit.rolled-back' in r.stderr, r.stdout + r.stderr
        release(b, secret)
        assert b.verify_log().returncode == 0, 'the log is whole'
        # once it is as long again, its records are others
        r = b.verify_log('--state', state)
        assert r.returncode != 0 and 'audit.rewritten' in r.stderr, r.stdout + r.stderr
        b.stop()


run_tap([the_embedded_store_keeps_all_over_a_restart, a_folder_of_files_keeps_all_over_a_restart, memory_keeps_nothing_over_a_restart,
         a_second_broker_on_a_store_of_one_process_is_refused, a_copy_that_is_put_back_works_and_the_log_tells_of_it])
