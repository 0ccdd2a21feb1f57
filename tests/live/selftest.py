#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""tcpclose selftest on the running kernel: everything is tried, and its three outputs say the same.

O names the build, WAY (default auto) the way to attach.
"""
import ctypes
import json
import os
import pty
import re
import signal
import subprocess

from tracing import TCPCLOSE, WAY, finish, result, skip_all, why_not

TIMEOUT = 300
IPS = ("ipv4", "ipv6", "mapped")


def selftest(*arguments):
    run = subprocess.run([TCPCLOSE, "selftest", f"--way={WAY}", *arguments], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True, timeout=TIMEOUT, check=False)
    return run.returncode, run.stdout, run.stderr


def endings():
    """Slugs, as the help lists them."""
    text = subprocess.run([TCPCLOSE, "selftest", "--help"], stdout=subprocess.PIPE, text=True, check=True).stdout
    return re.findall(r"^  ([a-z0-9-]+) +\S", text.split("\nEndings:\n")[1], re.M)


def adopt_orphans():
    """What a tcpclose leaves behind becomes ours: then it can be asked for."""
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER


def orphans():
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
        return ["a process is left"]
    except ChildProcessError:
        return []


def check_trials(trials, slugs):
    tried = {(t["ending"], t["closer"], t["ip"]) for t in trials}
    for slug in slugs:
        mine = {(closer, ip) for ending, closer, ip in tried if ending == slug}
        # a scripted peer speaks IPv4 or IPv6: there is nothing mapped about it
        if {ip for _, ip in mine} not in (set(IPS), set(IPS[:2])):
            yield f"{slug} was tried as {sorted(mine)}"
    minis = {(t["closer"], t["minisocket_expected"]) for t in trials if t["ending"] == "tw-reuse"}
    if minis != {("server", "new-syn"), ("client", "reused")}:
        yield f"tw-reuse must end as {minis}"
    for number, trial in enumerate(trials, 1):
        name = f"{trial['ending']} {trial['closer']} {trial['ip']}"
        if trial["number"] != number or trial["of"] != len(trials):
            yield f"{name} is number {trial['number']} of {trial['of']}"
        if trial["outcome"] == "failed" or bool(trial["why"]) != (trial["outcome"] != "passed"):
            yield f"{name}: {trial['outcome']}: {trial['why']}"
        if trial["outcome"] == "passed":
            yield from (f"{name}: {problem}" for problem in check_passed(trial))


# It takes more than one to fill a queue, or to take over.
CONNECTIONS = {"accept-overflow": 2, "half-open-overflow": 2, "tw-reuse": 2, "address-reused": 2}

# Not one segment is sent.
MUTE = {"connect-failed"}


def check_passed(trial):
    if trial["seen"] != trial["expected"]:
        yield f"seen {trial['seen']}, expected {trial['expected']}"
    moved = {c["counter"]: c["kernel"] for c in trial["counters"]}
    most = CONNECTIONS.get(trial["ending"], 1)
    if moved["ActiveOpens"] > most or moved["PassiveOpens"] > most or bool(trial["segments"]["all"]) != (trial["ending"] not in MUTE):
        yield f"{moved} {trial['segments']}"
    if trial["minisocket_expected"] not in (None, trial["minisocket_seen"]):
        yield f"the mini-socket is {trial['minisocket_seen']}"
    for counter in trial["counters"]:
        inside = counter["low"] <= counter["kernel"] <= counter["high"]
        if counter["result"] in ("exact", "within") and not inside and counter["counter"] != "AttemptFails":
            yield f"{counter}"


def check_tap(status, text):
    lines = text.splitlines()
    plan = re.fullmatch(r"1\.\.(\d+)", lines[-1]) if lines else None
    numbers = [int(m[1]) for m in (re.match(r"(?:not )?ok (\d+) - ", line) for line in lines) if m]
    if not plan or numbers != list(range(1, int(plan[1]) + 1)):
        yield f"plan {lines[-1:]}, results {numbers}"
    if bool([line for line in lines if line.startswith("not ok")]) != (status == 3):
        yield f"exit status {status}"


def check_interrupted():
    """Half-way: all that was under way ends with it."""
    adopt_orphans()
    run = subprocess.Popen([TCPCLOSE, "selftest", f"--way={WAY}", "--json"], stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, text=True)
    first = run.stdout.readline()
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=60)
    if run.returncode != 1 or "interrupted" not in err:
        yield f"exit status {run.returncode}: {err}"
    if any(json.loads(line)["type"] == "summary" for line in [first, *out.splitlines()]):
        yield "there is a summary, as if it were complete"
    yield from orphans()


def on_screen(line):
    """What is seen of a line that went back to its beginning."""
    seen = ""
    for part in line.rstrip("\r").split("\r"):
        seen = part + seen[len(part):]
    return seen.rstrip()


def check_terminal():
    """The table and how far it is go to the same one."""
    ours, theirs = pty.openpty()
    run = subprocess.Popen([TCPCLOSE, "selftest", f"--way={WAY}", "default", "--closer", "client"],
                           stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = ""
    try:
        while data := os.read(ours, 65536):
            shown += data.decode()
    except OSError:  # EIO: the other end is closed
        pass
    os.close(ours)
    status = run.wait(TIMEOUT)
    lines = [on_screen(line) for line in shown.split("\n")]
    if status or not re.search(r"\r\d of 3 ", shown):
        yield f"status {status}: {shown!r}"
    yield from (line for line in lines if re.match(r"\d of 3", line))
    if sum(line.startswith("ok ") for line in lines) != 3:
        yield from lines


def main():
    reason = why_not()
    if reason:
        skip_all(reason)
    slugs = endings()
    status, out, err = selftest("--json")
    lines = [json.loads(line) for line in out.splitlines()]
    trials = [line for line in lines if line["type"] == "trial"]
    result("every ending agrees with verdicts, counters, wire and programs",
           [f"exit status {status}: {err}"] if status else [])
    result("every ending is tried by its closers over IPv4, IPv6 and mapped, and passes only when all fits",
           check_trials(trials, slugs))
    result("the summary is the last line", [] if lines and lines[-1]["type"] == "summary" else lines[-1:])
    status, out, err = selftest("linger-zero", "refused", "--tap", "--jobs", "1")
    result("TAP has a line for each, and the plan", check_tap(status, out))
    status, out, err = selftest("default", "--closer", "client")
    result("the table has a line for each", [] if out.count("\nok ") == 3 and status == 0 else [out, err])
    result("on a terminal no line begins behind how far it is", check_terminal())
    result("an interrupted one says so and leaves nobody behind", check_interrupted())
    result("what cannot be asked is refused", [
        words for words in (["nonsense"], ["refused", "--closer", "server"], ["--jobs", "17"], ["--json", "--tap"], ["--", "true"])
        if selftest(*words)[0] != 2])
    finish()


if __name__ == "__main__":
    main()
