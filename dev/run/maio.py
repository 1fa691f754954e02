"""Running a command with MAIO, and its account of that afterwards."""
import json
import os
import shutil

STORE = "/tmp/store"
TOLD = "/tmp/maioctl.json"


def forget(store=STORE):
    """An empty store: the next run records."""
    shutil.rmtree(store, ignore_errors=True)
    os.makedirs(store)


def stored(store=STORE):
    """Bytes of the templates in a store."""
    return sum(e.stat().st_size for e in os.scandir(store))


def before(service, model, *options, store=STORE):
    """What is put before a command. Without the policy it is to fail, not to go on."""
    return ["maioctl", "run", "--require", "--store", store, "--service", service, *options, "--json", TOLD, model, "--"]


def told(state):
    """maioctl's account of the last run, which must have been of this kind: record or replay."""
    with open(TOLD) as f:
        run = json.load(f)
    if run["state"] != state:
        raise RuntimeError(f"maioctl did not {state}, its state was '{run['state']}': {run.get('reason')}")
    return run
