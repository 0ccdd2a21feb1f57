#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""The echo pair by itself, without a tracer: every ending, from either side, over both families.

Needs no privileges. O names the build. What one end of a pipe says is waited for by reading it.
"""
import json
import os
import re
import signal
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor

from endings import ENDINGS, ONE_SIDED, last_telling_call, of_family
from tap import finish, result

BUILD = os.environ.get("O", "build")
SERVER = os.path.join(BUILD, "tcpclose-echo-server")
CLIENT = os.path.join(BUILD, "tcpclose-echo-client")
TIMEOUT = 30
TOOLS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools")


def rows(name, pattern):
    with open(os.path.join(TOOLS, name), encoding="utf-8") as table:
        return re.findall(pattern, table.read(), re.M)


# Their other end is a scripted peer, and needs a network namespace of its own.
RAW = {row.lower().replace("_", "-") for row in rows("raw.def", r"^RAW\((\w+),")}


class Program:
    """One of the two, with its report pipe."""

    def __init__(self, path, *options, before=()):
        reader, writer = os.pipe()
        self.process = subprocess.Popen([*before, path, f"--report-fd={writer}", *options], pass_fds=[writer],
                                        stderr=subprocess.PIPE, text=True)
        os.close(writer)
        self.reports = os.fdopen(reader, encoding="utf-8")
        self.calls = []

    def until(self, *names):
        """Reads on until one of these calls has been made; None at the end of the reports."""
        for line in self.reports:
            self.calls.append(json.loads(line))
            if self.calls[-1]["call"] in names:
                return self.calls[-1]
        return None

    def end(self):
        self.calls += [json.loads(line) for line in self.reports]
        self.reports.close()
        _, self.said = self.process.communicate(timeout=TIMEOUT)
        return self.process.returncode


def play(ending, closer, family):
    options = [f"--end={ending}", f"--closer={closer}", f"-{family}", "--delay=0.02"]
    if ending in RAW:
        return play_raw(options)
    server = Program(SERVER, "--port=0", *options)
    ready = server.until("bind" if ending == "refused" else "listen")
    if not ready or ready["error"]:
        return server, None
    client = Program(CLIENT, f"--port={ready['local']['port']}", *options)
    client.end()
    if ENDINGS[ending]["other"] is None:
        server.process.send_signal(signal.SIGTERM)
    server.end()
    return server, client


def play_raw(options):
    """By hand the server is the peer: it comes first, and makes the wire. Both are executed in place, with no fork."""
    server = Program(SERVER, *options, before=("unshare", "--net", "--"))
    if not server.until("listen"):
        return server, None
    client = Program(CLIENT, *options, before=("nsenter", f"--net=/proc/{server.process.pid}/ns/net", "--"))
    client.end()
    server.process.send_signal(signal.SIGTERM)
    server.end()
    return server, client


def why_not(ending, closer):
    """What keeps this ending from being tried here."""
    if ending in RAW and closer == "server":
        return "the peer makes the wire, and here the client comes last: the demo tries it"
    if ending in RAW | {"destroyed", "repair"} and os.geteuid() != 0:
        return "not root"
    if ending == "subflow-reset" and not has_mptcp():
        return "no MPTCP"
    return "no TUN" if ending in RAW and not os.path.exists("/dev/net/tun") else None


def check_reports(program, role, family):
    for call in program.calls:
        if call["role"] != role or call["family"] != family or call["took_ns"] > call["mono_ns"]:
            yield f"odd report: {call}"
        if call["result"] < 0 and not (call["error"] or "").startswith("E"):
            yield f"failed without a reason: {call}"
    times = [call["mono_ns"] for call in program.calls if call["pid"] == program.process.pid]
    if times != sorted(times):
        yield f"{role}: reports are not in order"


def check(ending, closer, family):
    server, client = play(ending, closer, family)
    if not client:
        yield f"the server did not get ready: {server.said if hasattr(server, 'said') else server.end()}"
        return
    programs = {"server": server, "client": client}
    for role, program in programs.items():
        yield from check_reports(program, role, int(family))
        expected = -signal.SIGKILL if ending == "killed" and role == closer else 0
        if program.process.returncode != expected:
            yield f"{role}: status {program.process.returncode}: {program.said.strip()}"
    other = "client" if closer == "server" else "server"
    for role, saw in zip((closer, other), ENDINGS[ending]["saw"]):
        if saw and last_telling_call(programs[role].calls, saw[0]) != of_family(saw[1], int(family)):
            brief = [(c["call"], c["error"] or c["result"]) for c in programs[role].calls]
            yield f"{role}: expected {saw}, calls were {brief}"


def has_mptcp():
    try:
        socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262).close()
        return True
    except OSError:
        return False


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as s:
            s.bind(("::1", 0))
        return True
    except OSError:
        return False


def test_endings():
    slugs = rows("endings.def", r'^ENDING\(\w+, "([a-z0-9-]+)"')
    result("the table of this test has every ending", sorted(set(slugs) ^ set(ENDINGS)))
    cases = [(slug, closer, family) for slug in slugs
             for closer in ([ONE_SIDED[slug]] if slug in ONE_SIDED else ["server", "client"]) for family in "46"]
    six = has_ipv6()
    # Most of the time they wait. A program dies with the thread that started it: these live to the end.
    with ThreadPoolExecutor(6) as pool:
        skips = [why_not(slug, closer) or (None if six or family == "4" else "no IPv6 on loopback")
                 for slug, closer, family in cases]
        found = pool.map(lambda case, skip: [] if skip else list(check(*case)), cases, skips)
        for (slug, closer, family), skip, problems in zip(cases, skips, found):
            result(f"{slug}: closed by the {closer} over IPv{family}, both programs see what they must", problems, skip)


def run(path, *options, **more):
    return subprocess.run([path, *options], capture_output=True, text=True, timeout=TIMEOUT, check=False, **more)


def test_usage():
    bad = ["--port=65536", "--port=-1", "--port=", "--delay=nan", "--delay=-1", "--delay=3601", "--delay=1x",
           "--linger=0", "--linger=61", "--count=0", "--count=1e3", "--message=", f"--message={'x' * 1025}",
           "--end=nothing", "--closer=both", "--address=localhost", "--address=::1", "--report-fd=99", "--user=0",
           "--user=-1", "word"]
    problems = []
    for option in bad:
        for path in SERVER, CLIENT:
            r = run(path, option)
            if r.returncode != 2 or not r.stderr:
                problems.append(f"{path} {option}: status {r.returncode}, {r.stderr!r}")
    r = run(SERVER, "--end=refused", "--closer=server")
    if r.returncode != 2:
        problems.append(f"refused by the server: status {r.returncode}")
    result("bad usage is refused with status 2 and a sentence", problems)


def test_help():
    r = run(SERVER, "--help")
    result("help names every ending and shows an example",
           [slug for slug in ENDINGS if slug not in r.stdout] + ([] if "Examples" in r.stdout else ["no example"]))


def test_lonely_server():
    r = run(SERVER, "--port=0", "--wait=0.05")
    result("a server that nobody comes to gives up in time",
           [] if r.returncode == 1 and "time is up" in r.stderr else [f"status {r.returncode}: {r.stderr}"])


def test_words():
    server = subprocess.Popen([SERVER, "--port=0", "--end=linger-zero", "--delay=0"], stdout=subprocess.PIPE, text=True)
    port = None
    for line in server.stdout:
        found = re.search(r"listen: on 127\.0\.0\.1:(\d+)", line)
        if found:
            port = found.group(1)
            break
    r = run(CLIENT, f"--port={port}", "--end=linger-zero")
    said = server.communicate(timeout=TIMEOUT)[0]
    problems = []
    if "read: connection reset by peer" not in r.stdout:
        problems.append(f"client said: {r.stdout}")
    if 'read: 11 bytes: "Hi, gopher?"' not in said:
        problems.append(f"server said: {said}")
    result("run alone, they say in words what happens", problems)


def test_hostile_words():
    server = Program(SERVER, "--port=0", "--delay=0")
    port = server.until("listen")["local"]["port"]
    r = run(CLIENT, f"--port={port}", "--message=\x1b]0;gotcha\x07\\ \u202e", "--delay=0")
    server.end()
    problems = [f"{c!r} reached the terminal" for c in "\x1b\x07\u202e" if c in r.stdout]
    if not any(call["call"] == "read" and "result" in call for call in server.calls):
        problems.append("nothing was read")
    result("no byte of a stranger reaches the terminal as it is", problems)


def test_count():
    server = Program(SERVER, "--port=0", "--count=20", "--delay=0")
    client = Program(CLIENT, f"--port={server.until('listen')['local']['port']}", "--count=20", "--delay=0")
    statuses = client.end(), server.end()
    accepts = sum(call["call"] == "accept" for call in server.calls)
    result("--count makes that many connections, one after the other",
           [] if statuses == (0, 0) and accepts == 20 else [f"status {statuses}, {accepts} accepted"])


if __name__ == "__main__":
    for test in (test_endings, test_usage, test_help, test_lonely_server, test_words, test_hostile_words, test_count):
        test()
    finish()
