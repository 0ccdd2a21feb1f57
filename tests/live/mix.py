#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""20,000 connections over a dozen endings at once, from eight processes: every one is accounted for.

mix.c says of each socket what it must earn; `--audit` holds the kernel's counters against what
was observed. In a network namespace of its own, so that nobody else's connections are in it.
Some machines do not run BPF programs in the softirqs that interrupt certain tasks: nothing counts
that but the kernel's counters. The audit must find it, no verdict may be wrong for it (unknown, and
not complete), and it is tried again: three times at most.

O names the build, WAY (default auto) the way to attach, MIX (default 20000) how many.
"""
import collections
import json
import os
import subprocess
import tempfile

from tracing import BUILD, TCPCLOSE, WAY, finish, result, skip_all, why_not

MIX = os.path.join(BUILD, "tests/live/mix")
COUNT = int(os.environ.get("MIX", "20000"))
WORKERS = 8
# The runner's own deadline comes before it.
TIMEOUT = 3000
LEAST_ENDINGS = 10
ATTEMPTS = 3


def run(folder):
    closes = os.path.join(folder, "closes.ndjson")
    with open(os.path.join(folder, "meant"), "w+", encoding="ascii") as meant:
        done = subprocess.run(
            ["unshare", "--net", TCPCLOSE, f"--way={WAY}", "--audit", "--netns", "/proc/self/ns/net", "--json",
             "-o", closes, "--ring", "65536", "--", MIX, str(COUNT), str(WORKERS)],
            stdout=meant, stderr=subprocess.PIPE, text=True, timeout=TIMEOUT, check=False)
        meant.seek(0)
        wanted = [line.split() for line in meant]
    with open(closes, encoding="utf-8") as file:
        records = [json.loads(line) for line in file]
    return done, wanted, records


def name(end):
    return f"{end['address']}:{end['port']}"


def check_verdicts(wanted, closes):
    """Every socket that was meant has one verdict, and it is the one that was meant."""
    found = collections.defaultdict(list)
    for close in closes:
        found[name(close["local"]), name(close["peer"])].append(close)
    for pid, local, peer, cause, *more in wanted:
        mine = found.pop((local, peer), [])
        if len(mine) != 1:
            yield f"{local} {peer} {cause}: {len(mine)} verdicts: {[v['cause'] for v in mine]}"
            continue
        verdict = mine[0]
        if verdict["cause"] != cause:
            yield f"{local} {peer} is {verdict['cause']}, not {cause}: {json.dumps(verdict)}"
        elif not more and (verdict["owner"] or {}).get("pid") != int(pid):
            yield f"{local} {peer} {cause} belongs to {verdict['owner']}, not to {pid}"
    yield from (f"nobody meant {key}: {[v['cause'] for v in value]}" for key, value in found.items())


def check_pairs(closes):
    by_conn = {close["conn"]: close for close in closes}
    for close in closes:
        other = by_conn.get(close["pair"])
        if other and (other["pair"] != close["conn"] or other["local"] != close["peer"]):
            yield f"{close['conn']} and {close['pair']} are no pair"
        if not other and close["cause"] not in ("refused", "connect-cancelled"):
            yield f"{close['conn']} {close['cause']} has no other end"


def check_audit(audits, summary):
    sums = {audit["counter"]: audit for audit in audits}
    if summary["audit"] is None:
        yield "there was no audit"
        return
    if not summary["audit"]["accounted"] or summary["audit"]["unread_namespaces"] or summary["audit"]["namespaces"] != 1:
        yield summary["audit"]
    yield from (audit for audit in audits if audit["result"] not in ("exact", "within", "blind"))
    for counter in ("ActiveOpens", "PassiveOpens", "OutRsts", "EstabResets", "TW+TWKilled", "TCPAbortOnData",
                    "TCPAbortOnClose", "AttemptFails"):
        if not sums.get(counter, {}).get("kernel"):
            yield f"{counter} did not move: {sums.get(counter)}"


class Mixed:
    """One such run."""

    def __init__(self):
        with tempfile.TemporaryDirectory(prefix="tcpclose-mix-") as folder:
            self.done, self.wanted, records = run(folder)
        self.of = collections.defaultdict(list)
        for record in records:
            self.of[record["type"]].append(record)
        self.summary = self.of["summary"][0]

    def is_whole(self):
        return self.summary["audit"]["accounted"]

    def hidden(self):
        """How much of what the kernel counted it kept from all sensors (docs/ARCHITECTURE.md)."""
        return 0 if self.is_whole() else max(
            max(audit["kernel"] - audit["high"], audit["low"] - audit["kernel"]) for audit in self.of["audit"]
            if audit["result"] == "gap")

    def check_unseen(self):
        """What the audit found missing has made verdicts unknown, and none wrong."""
        causes = {(local, peer): cause for _, local, peer, cause, *_ in self.wanted}
        for close in self.of["close"]:
            meant = causes.get((name(close["local"]), name(close["peer"])))
            if close["cause"] != meant and (close["cause"] != "unknown" or close["complete"]):
                yield f"{meant} became {json.dumps(close)}"


def mix():
    """Until the kernel kept nothing from the sensors; and what is wrong with those before."""
    wrong = []
    for attempt in range(ATTEMPTS):
        mixed = Mixed()
        if mixed.is_whole():
            break
        print(f"# attempt {attempt + 1}: the kernel did something for which it ran no program")
        wrong += mixed.check_unseen()
    return mixed, wrong


def main():
    reason = why_not(MIX)
    if reason:
        skip_all(reason)
    mixed, wrong = mix()
    done, wanted, of, summary = mixed.done, mixed.wanted, mixed.of, mixed.summary
    causes = {cause for _, _, _, cause, *_ in wanted}
    result(f"{COUNT} connections are made by {WORKERS} processes, over {len(causes)} causes",
           [done.stderr] if done.returncode or len({pid for pid, *_ in wanted}) != WORKERS or
           len(causes) < LEAST_ENDINGS or len(wanted) < COUNT else [])
    result("nothing is lost", [summary] if summary["lost"] or summary["evicted"] or of["loss"] else [])
    hidden = mixed.hidden()
    result("what went by unseen made no verdict wrong, and was next to nothing",
           wrong + ([f"{hidden} events of {COUNT} connections"] if hidden > COUNT // 1000 else []))
    strict = lambda name, problems: result(  # pylint: disable=unnecessary-lambda-assignment
        name, [] if hidden else problems, f"this kernel ran no program for {hidden} events" if hidden else None)
    strict("every verdict is what the process meant", check_verdicts(wanted, of["close"]))
    strict("both ends know each other", check_pairs(of["close"]))
    strict("the kernel's counters are accounted for", check_audit(of["audit"], summary))
    strict("the summary says so", [] if ": everything is accounted for" in done.stderr else [done.stderr])
    print("# " + done.stderr.replace("\n", "\n# "))
    finish()


if __name__ == "__main__":
    main()
