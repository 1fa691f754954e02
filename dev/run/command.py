"""Runs what a measurement is made of, and says why if it fails."""
import os
import subprocess


def complete(*cmd, env=None, cgroup=None):
    """Runs a command with env set beside what is set, and in a cgroup if one is given; how it ended."""
    def join():
        with open(cgroup + "/cgroup.procs", "w") as f:
            f.write(str(os.getpid()))

    return subprocess.run(cmd, env={**os.environ, **(env or {})}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, check=False, preexec_fn=join if cgroup else None)


def run(*cmd, env=None, cgroup=None):
    """What a command printed, that must not fail."""
    done = complete(*cmd, env=env, cgroup=cgroup)
    if done.returncode:
        raise RuntimeError(f"{' '.join(cmd)}: exit {done.returncode}: {(done.stderr or done.stdout)[-2000:].strip()}")
    return done.stdout
