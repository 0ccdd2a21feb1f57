#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""200,000 connections, one after the other as fast as they go: one verdict per socket, and the right one.

The load (churn.c) runs in a network namespace of its own: there are TIME_WAIT buckets enough for
all of it, and the tuples are nobody else's. Its counts are known, so nothing is left to guess.
"""
import json
import os
import re
import select
import shutil
import tempfile
from collections import Counter

from actors import Actor
from tracing import BUILD, Tracer, end_of, finish, result, skip_all, why_not

COUNT = int(os.environ.get("CHURN", "200000"))
CHURN = os.path.join(BUILD, "tests/live/churn")
# A machine that gives tcpclose no CPU for as long as the ring lasts makes it lose records; and there
# are kernels that run no BPF while a process of the platform's own is on the CPU, not even for a
# timer's softirq that interrupted it (docs/ARCHITECTURE.md). The verdicts say so (not complete), and
# it may try again. A tracer that loses something every time loses this test.
TRIES = 3
# The ring and what libbpf read of the kernel's types: some 32 MiB on every run. What grows is what
# lives at once: a mini-socket for each connection that ended by FIN (they last 60 s, so: all), and
# the sockets that wait for their verdict, of one second at most.
RSS_BASE = 48 << 20
RSS_PER_MINISOCKET = 256

CAUSES = ("active-close", "passive-close", "linger-zero", "peer-reset")


def peak_rss(pid):
    """Bytes, of the program itself: the counters of wait() would have what Popen forked."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            found = re.search(r"VmHWM:\s*(\d+) kB", status.read())
    except OSError:
        return 0
    return int(found.group(1)) << 10 if found else 0


def watch(process):
    """Until it ends: the highest that its memory was seen to be."""
    peak, ended = 0, os.pidfd_open(process.pid)
    try:
        while not select.select([ended], [], [], 0.02)[0]:
            peak = max(peak, peak_rss(process.pid))
    finally:
        os.close(ended)
    return peak


class Run:
    """One run of the load, and what the file says of it."""

    def __init__(self, place, path, *options):
        command = ["sh", "-c", 'echo $$; exec "$@"', "sh", "nsenter", f"--net=/proc/{place.pid}/ns/net",
                   CHURN, str(COUNT)]
        tracer = Tracer("--json", "-o", path, *options, command=command, json_lines=False)
        self.netns, self.path = place.netns, path
        self.peak = watch(tracer.process)
        self.status = tracer.end(None)
        self.said, self.words = tracer.out.lines, tracer.err.lines
        self.pid = int(self.said[0])
        self.read()

    def read(self):
        self.causes, self.ends, self.pairs, self.tuples = Counter(), Counter(), {}, {}
        self.odd, self.twice, self.last, self.gaps, self.incomplete = [], [], None, 0, 0
        with open(self.path, encoding="utf-8") as file:
            for number, line in enumerate(file):
                self.last = json.loads(line)
                self.gaps += self.last["seq"] != number
                if self.last["type"] == "close" and self.last["netns"] == self.netns:
                    self.take(self.last)

    def take(self, record):
        end, conn = end_of(record), record["conn"]
        self.causes[record["cause"]] += 1
        self.ends[end] += 1
        if conn in self.pairs:
            self.twice.append(conn)
        self.incomplete += not record["complete"]
        self.pairs[conn] = record["pair"]
        self.tuples[conn] = end
        owner = record["owner"] or {}
        if owner.get("pid") != self.pid or owner["comm"] != "churn" or not record["complete"] or 0 in end:
            self.odd.append(record)

    def whole(self):
        if self.status:
            yield f"status {self.status}"
        if self.said[-1] != "done" or self.last["type"] != "summary":
            yield f"the load said {self.said}, the last line is {self.last}"
        for word in "lost", "missed", "evicted":
            if self.last.get(word, 0):
                yield f"{word}: {self.last[word]}"

    def once(self):
        if sum(self.ends.values()) != 2 * COUNT:
            yield f"{sum(self.ends.values())} records for {2 * COUNT} ends"
        for conn in self.twice:
            yield f"conn {conn} is there more than once"
        for (netns, *local, address, port), count in self.ends.items():
            # a tuple that an RST has made free may live again: then so does its mirror
            if self.ends[(netns, address, port, *local)] != count:
                yield f"{local} -> {address}:{port} ended {count} times, its mirror did not"

    def right(self):
        for cause in sorted({*self.causes, *CAUSES}):
            wanted = COUNT // 2 if cause in CAUSES else 0
            if self.causes[cause] != wanted:
                yield f"{cause}: {self.causes[cause]}, not {wanted}"

    def paired(self):
        for conn, pair in self.pairs.items():
            netns, *ends = self.tuples[conn]
            if self.pairs.get(pair) != conn or self.tuples[pair] != (netns, *ends[2:], *ends[:2]):
                yield f"conn {conn} has pair {pair}, which has {self.pairs.get(pair)}: {ends}"

    def bounded(self):
        bound = RSS_BASE + RSS_PER_MINISOCKET * COUNT // 2
        if not 0 < self.peak <= bound:
            yield f"{self.peak >> 20} MiB at most, more than {bound >> 20} MiB"


def new_place():
    place = Actor("churn-place").new_netns()
    place.tell("set_sysctl", "tcp_max_tw_buckets", str(4 * COUNT))
    return place


def lossless_run(path):
    """What an attempt has left in TIME_WAIT lives for another minute: the next one does not count it as its own."""
    for attempt in range(TRIES):
        place = new_place()
        run = Run(place, path, *(["--netns", f"/proc/{place.pid}/ns/net"] if attempt else []))
        if not (run.last.get("lost") or run.last.get("missed") or run.incomplete):
            break
        print(f"# attempt {attempt + 1}: {run.incomplete} incomplete, {run.last}, load {os.getloadavg()[0]:.1f}")
    return run


def test(run):
    seconds = run.last["duration_ns"] / 1e9
    print(f"# {COUNT} connections in {seconds:.1f} s, {os.path.getsize(run.path) >> 20} MiB of JSON, "
          f"peak RSS {run.peak >> 20} MiB; {run.words[-1]}")
    result("it ends well, and nothing was lost or evicted", run.whole())
    result("one verdict for each end: none missing, none double", run.once())
    result("half of them ended by FIN, half by RST, and that is what the verdicts say", run.right())
    result("each is complete, with ports, and owned by the process that did it", run.odd)
    result("the two ends of each connection name each other", run.paired())
    result("seq counts every line", [f"{run.gaps} gaps"] if run.gaps else [])
    result("memory stays bounded", run.bounded())


def main():
    reason = why_not(CHURN) or (None if shutil.which("nsenter") else "no nsenter")
    if reason:
        skip_all(reason)
    folder = tempfile.mkdtemp(prefix="tcpclose-churn-")
    try:
        test(lossless_run(os.path.join(folder, "closes.ndjson")))
    finally:
        shutil.rmtree(folder)
    finish()


if __name__ == "__main__":
    main()
