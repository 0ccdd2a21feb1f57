# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""Traced and untraced runs of one load in pairs, next to each other in time.

The order is untraced, traced, traced, untraced, untraced, ...: what drifts slowly hits both sides
alike. A pair counts only when nothing else used the machine during either of its runs. Two
untraced runs that stand next to each other are a control (A/A): what they differ by is noise.
"""
import contextlib
import os
import statistics
import time
from dataclasses import dataclass

from machine import Stretch
from parts import Load, Tracer


@dataclass
class Run:
    traced: bool
    per_s: float
    cpu_per_op: float  # seconds, of the load's processes: what a tracer adds there is its price in the kernel
    ops: int
    tracer_s: float  # CPU of the tracer meanwhile
    stretch: Stretch
    lost: int = None
    lines: int = 0


@dataclass
class Spread:
    """Median and quartiles."""
    median: float
    low: float
    high: float
    n: int


def spread(values):
    values = sorted(values)
    if not values:
        return None
    if len(values) < 4:
        return Spread(statistics.median(values), values[0], values[-1], len(values))
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return Spread(median, low, high, len(values))


@dataclass
class Cell:
    """What all pairs of one variant under one load say."""
    pairs: list
    kept: list
    control: list  # pairs of untraced runs, and those of them that count
    control_kept: list

    @property
    def disturbed(self):
        """Too few pairs were left alone: the figures are of all of them, and not to be quoted."""
        return len(self.kept) < 3

    def used(self):
        return self.pairs if self.disturbed else self.kept

    def rate(self):
        return spread([traced.per_s / untraced.per_s for untraced, traced in self.used()])

    def cpu(self):
        return spread([untraced.cpu_per_op / traced.cpu_per_op for untraced, traced in self.used()])

    def added_ns(self):
        return spread([(traced.cpu_per_op - untraced.cpu_per_op) * 1e9 for untraced, traced in self.used()])

    def untraced_per_s(self):
        return spread([untraced.per_s for untraced, _ in self.used()])

    def untraced_cpu_ns(self):
        return spread([untraced.cpu_per_op * 1e9 for untraced, _ in self.used()])

    def runs(self):
        return [traced for _, traced in self.used()]


def one_run(machine, load_options, variant, tracer_options=()):
    """One run; the tracer is attached before the load begins, and gone before its namespace ends."""
    with contextlib.ExitStack() as stack:
        load = Load(*load_options)
        stack.callback(machine.settle)
        stack.callback(load.close)
        tracer = Tracer(variant, load.netns, tracer_options) if variant else None
        if tracer:
            stack.callback(tracer.done)
        run = watched_run(machine, load, tracer)
        if tracer:
            tracer.end()
            run.lost = tracer.lost()
            run.lines = tracer.lines() if variant.peer else 0
    return run


def watched_run(machine, load, tracer):
    ours = [tracer.pid] if tracer else []
    before, self_s = machine.read(), time.process_time()
    tracer_before = tracer.cpu_s() if tracer else 0.0
    said = load.go()
    tracer_s = tracer.cpu_s() - tracer_before if tracer else 0.0
    own_s = said["cpu_s"] + tracer_s + time.process_time() - self_s
    stretch = machine.since(before, own_s, {*ours, os.getpid(), machine.helper.pid})
    stretch.tracers = machine.tracers(ours)
    return Run(bool(tracer), said["per_s"], said["cpu_s"] / max(said["ops"], 1), said["ops"], tracer_s, stretch)


def control_pairs(runs):
    """Untraced runs that followed one another; one run is in one pair only."""
    found, i = [], 0
    while i + 1 < len(runs):
        if not runs[i].traced and not runs[i + 1].traced:
            found.append((runs[i], runs[i + 1]))
            i += 1
        i += 1
    return found


def measure(machine, load_options, variant, pairs, tries):
    """Pairs until enough of them count, or there were `tries` of them."""
    runs, found, kept = [], [], []

    def quiet(pair):
        return all(machine.is_quiet(run.stretch) for run in pair)

    # On a machine that is never quiet more tries would not help.
    while len(kept) < pairs and len(found) < (tries if kept else pairs):
        order = (None, variant) if len(found) % 2 == 0 else (variant, None)
        machine.await_quiet()
        two = [one_run(machine, load_options, which) for which in order]
        runs += two
        pair = tuple(sorted(two, key=lambda run: run.traced))
        found.append(pair)
        if quiet(pair):
            kept.append(pair)
    control = control_pairs(runs)
    return Cell(found, kept, control, [pair for pair in control if quiet(pair)])
