# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""Real programs for the live tests: where they are, how to start them, and what is said of their ends.

What is not installed is unpacked from Debian's packages into the build (unpack.sh): nothing is installed for a
test, and no service started by a package.
"""
import os
import shutil
import socket
import subprocess

from tracing import BUILD, Tracer, eventually, result, started

ROOT = os.path.join(BUILD, "programs", "root")
PACKAGES = {"nginx": "nginx-light", "curl": "curl", "haproxy": "haproxy", "redis-server": "redis-server",
            "redis-cli": "redis-tools", "sshd": "openssh-server", "ssh": "openssh-client", "ssh-keygen": "openssh-client"}

# Theirs only: what is installed is not unpacked.
os.environ["LD_LIBRARY_PATH"] = ":".join(filter(None, [
    f"{ROOT}/usr/lib/{os.uname().machine}-linux-gnu", os.environ.get("LD_LIBRARY_PATH")]))


def which(name):
    """Where it is: on this machine, else among what was unpacked; None when it is in neither."""
    places = [os.environ.get("PATH", ""), "/usr/sbin", "/sbin", f"{ROOT}/usr/sbin", f"{ROOT}/usr/bin"]
    return shutil.which(name, path=":".join(places))


def why_missing(*names):
    """None once all are there; they are fetched where that can be done."""
    missing = [name for name in names if not which(name)]
    if not missing:
        return None
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "unpack.sh")
    unpack = subprocess.run(["bash", script, os.path.dirname(ROOT), *sorted(set(PACKAGES.values()))],
                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    missing = [name for name in names if not which(name)]
    return f"no {missing[0]} ({unpack.stderr.strip()[-200:]})" if missing else None


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def listens(port):
    """Without connecting: that would be one more connection to explain."""
    with open("/proc/net/tcp", encoding="ascii") as table:
        return any(f"0100007F:{port:04X} 00000000:0000 0A" in line for line in table)


def serve(port, *argv):
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    started.append(process)
    if not eventually(lambda: listens(port)):
        raise RuntimeError(f"{argv[0]} does not listen on {port}")
    return process


def serve_by_file(place, text, *argv, **names):
    """A server that is told all in a file, {port} and {dir} among it; the file's name is added to argv."""
    port = free_port()
    path = f"{place}/conf-{port}"
    with open(path, "w", encoding="ascii") as conf:
        conf.write(text.format(dir=place, port=port, **names))
    return serve(port, *argv, path), port


def quietly(*argv, **more):
    subprocess.run(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, timeout=30, **more)


def traced(port, play):
    """The verdicts of both ends of what play() does on that port, by the side that they are of."""
    tracer = Tracer("-P", str(port)).ready()
    ends = play()
    tracer.wait_for(lambda records: len(records) >= ends)
    tracer.end()
    of = {"server": [], "client": []}
    for record in sorted(tracer.records(), key=lambda record: record["mono_ns"]):
        of["server" if record["local"]["port"] == port else "client"].append(record)
    return of


def said(records):
    return [(r["cause"], r["how"], r["first_closer"], r["owner"] and r["owner"]["comm"]) for r in records]


def expect(name, of, server, client):
    problems = []
    for side, wanted in (("server", server), ("client", client)):
        if said(of[side]) != wanted:
            problems.append(f"{side}: {said(of[side])}, should be {wanted}")
    for record in of["server"] + of["client"]:
        if not record["complete"] or not record["local"]["port"] or not record["peer"]["port"]:
            problems.append(f"not whole: {record}")
    result(name, problems)
