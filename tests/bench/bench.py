#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""What tracing costs: measures, prints a page of markdown and writes it to $O/bench.md."""
import argparse
import contextlib
import datetime
import os
import shlex
import subprocess
import sys
import time

from machine import Machine, describe, own_cpu, read_cpu
from parts import BUILD, FLOOR, LOAD, PROGRAMS, TCPCLOSE, Failed, leave_by_the_door
from sections import SECTIONS
from table import Page


def parse():
    p = argparse.ArgumentParser(prog="bench.py", description=__doc__)
    p.add_argument("--only", default=",".join(SECTIONS), metavar="SECTION[,..]", help=f"of {', '.join(SECTIONS)}")
    p.add_argument("--match", default="", metavar="WORDS", help="of the rates, only loads with that in their name")
    p.add_argument("--peers", action="store_true", help="tcpstates, tcplife, bpftrace and tcpdump on the same load")
    p.add_argument("--pairs", type=int, default=5, help="undisturbed pairs wanted of each variant (5)")
    p.add_argument("--tries", type=int, default=0, help="pairs at most (twice as many)")
    p.add_argument("--seconds", type=int, default=1, help="length of a run (1)")
    p.add_argument("--repeats", type=int, default=3, help="runs of what is not measured in pairs (3)")
    p.add_argument("--limit", type=float, default=0.05,
                   help="CPUs that others may use, and the hypervisor may take, in a run that counts (0.05)")
    p.add_argument("--patience", type=float, default=120,
                   help="seconds to spend, in all, on waiting until others leave the machine alone (120)")
    p.add_argument("--open", type=int, default=200000, help="connections held open (200000)")
    p.add_argument("--minis", type=int, default=100000, help="mini-sockets left behind (100000)")
    p.add_argument("--endure", type=int, default=60, help="seconds of the long run (60)")
    options = p.parse_args()
    options.tries = options.tries or options.pairs * 2
    options.only = options.only.split(",")
    if set(options.only) - set(SECTIONS):
        p.error(f"sections are {', '.join(SECTIONS)}")
    return options


class Bench:
    def __init__(self, options):
        self.options = options
        self.machine = Machine(options.limit, options.patience)
        self.page = Page(os.path.join(BUILD, "bench.md"))
        self.notes = []
        self.began = time.monotonic()
        self.dropped = 0
        self.who, self.tracers = {}, set()

    def progress(self, what):
        print(f"{time.monotonic() - self.began:6.0f} s  {what}", file=sys.stderr, flush=True)

    def note(self, what):
        self.notes.append(what)
        self.progress("  " + what)

    def blame(self, cell):
        """Who else was there, in the runs of this cell."""
        self.dropped += len(cell.pairs) - len(cell.kept)
        for run in (run for pair in cell.pairs for run in pair):
            self.tracers |= run.stretch.tracers
            for name, seconds in run.stretch.who.items():
                self.who[name] = self.who.get(name, 0) + seconds

    def head(self):
        now = datetime.datetime.now(datetime.timezone.utc)
        version = subprocess.run([TCPCLOSE, "--version"], capture_output=True, text=True, check=False).stdout.strip()
        commit = subprocess.run(["git", "--no-optional-locks", "describe", "--always", "--dirty"], capture_output=True,
                                text=True, check=False)
        self.page.text("# What tracing costs", "",
                       f"{now:%Y-%m-%d %H:%M} UTC, {version} ({commit.stdout.strip() or 'no commit'}), {describe()}.",
                       "",
                       f"    {shlex.join(['tests/bench/bench.py', *sys.argv[1:]])}")

    def tail(self):
        self.page.text("## What disturbed it", "",
                       f"A run counts when others used at most {self.options.limit:g} CPUs, the hypervisor took no "
                       "more, and nobody else had tracing programs loaded; a pair when both its runs count. `~`: fewer "
                       "than three pairs were left, so the figures are of all of them; or a section was disturbed. "
                       "Such figures are not to be quoted.", "",
                       f"Pairs thrown away: {self.dropped}. Load average at the end: {os.getloadavg()[0]:.1f}. "
                       f"{time.monotonic() - self.began:.0f} s in all.")
        most = sorted(self.who.items(), key=lambda item: -item[1])[:8]
        if most:
            self.page.text("CPU of others during the runs: "
                           + ", ".join(f"{name} {seconds:.1f} s" for name, seconds in most) + ".")
        if self.tracers:
            self.page.text("Their tracing programs: " + ", ".join(sorted(self.tracers)) + ".")
        for note in self.notes:
            self.page.text("- " + note)

    def say_others(self, before, own_s, seconds):
        """What is not measured in pairs cannot be thrown away: say how far to trust it."""
        busy, steal = (after - then for after, then in zip(read_cpu(), before))
        others = max(busy - own_s, 0) / seconds
        mark = "~ " if max(others, steal / seconds) > self.options.limit else ""
        self.page.text(f"{mark}Meanwhile others used {others:.2f} CPUs, and the hypervisor took {steal / seconds:.2f}.")

    def run(self):
        self.head()
        for name in self.options.only:
            before, own, at = read_cpu(), own_cpu(), time.monotonic()
            try:
                SECTIONS[name](self)
            except Failed as failed:
                self.note(f"{name}: {failed}")
            if name != "rates":
                self.say_others(before, own_cpu() - own, time.monotonic() - at)
            self.page.write()
        self.tail()
        self.page.write()
        print("\n".join(self.page.lines))


def main():
    options = parse()
    missing = [path for path in (TCPCLOSE, LOAD, FLOOR, PROGRAMS) if not os.access(path, os.X_OK)]
    if missing:
        sys.exit(f"bench: no {', '.join(missing)}: make bench builds them")
    if os.geteuid() != 0:
        sys.exit("bench: must be root to trace")
    leave_by_the_door()
    with contextlib.suppress(BrokenPipeError):
        Bench(options).run()


main()
