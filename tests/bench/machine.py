# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""What else this machine did while something was measured, and what it is."""
import json
import os
import platform
import resource
import subprocess
import time
from dataclasses import dataclass, field

from parts import PROGRAMS, Failed, Lines, bpf_of, cpu_ns, pause, start

TICK = os.sysconf("SC_CLK_TCK")
# Program types that slow others down: kprobe, tracepoint, perf_event, raw_tracepoint (two), tracing.
TRACING_TYPES = {2, 5, 7, 17, 24, 26}


@dataclass
class Reading:
    """Two of them make a stretch of time."""
    mono_s: float
    busy_s: float  # all CPUs together
    steal_s: float
    others: dict  # pid -> (name, CPU ns)


@dataclass
class Stretch:
    seconds: float
    other: float  # CPUs that neither the load nor the tracer used, on average: 1.0 = one whole CPU
    steal: float  # CPUs that the hypervisor took
    tracers: frozenset = frozenset()  # BPF tracing programs of somebody else
    who: dict = field(default_factory=dict)  # name -> CPU seconds, for blaming


def read_cpu():
    """(busy, stolen) seconds of all CPUs. Busy by the idle counters: they are exact, ticks are samples."""
    with open("/proc/stat", encoding="ascii") as file:
        fields = [int(word) / TICK for word in file.readline().split()[1:9]]
    return time.monotonic() * os.cpu_count() - fields[3] - fields[4] - fields[7], fields[7]


def read_others():
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:
                found[pid] = (file.read().rstrip("\n"), cpu_ns(pid))
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found


def own_cpu():
    """Of this process and of all that it has started and waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


class Machine:
    def __init__(self, limit, patience=0.0, stats=False):
        self.limit = limit
        self.patience = patience  # seconds that may still be spent on waiting for others
        self.helper = start([PROGRAMS, *(["--stats"] if stats else [])], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.lines = Lines(self.helper.stdout)

    def programs(self):
        """id -> all that the kernel tells about each BPF program."""
        try:
            self.helper.stdin.write(b"\n")
            self.helper.stdin.flush()
        except BrokenPipeError as broken:
            raise Failed("cannot look at BPF programs") from broken
        return {program["id"]: program for program in json.loads(self.lines.next())}

    def tracers(self, ours=()):
        """Tracing programs that are not ours."""
        mine = set().union(*(bpf_of(pid)[0] for pid in ours))
        return frozenset(p["name"] for i, p in self.programs().items() if p["type"] in TRACING_TYPES and i not in mine)

    def close(self):
        self.helper.stdin.close()
        self.helper.wait()

    def read(self):
        others = read_others()  # first: looking costs CPU too
        busy, steal = read_cpu()
        return Reading(time.monotonic(), busy, steal, others)

    def since(self, before, own_s, mine=()):
        """What happened beside `own_s` CPU seconds of ours since that reading."""
        busy, steal = read_cpu()
        seconds = time.monotonic() - before.mono_s
        who = {}
        for pid, (name, used) in read_others().items():
            grown = (used - before.others.get(pid, (name, 0))[1]) / 1e9
            if grown > 0.01 * seconds and int(pid) not in mine and name != "load":
                who[name] = who.get(name, 0) + grown
        return Stretch(seconds, max(busy - before.busy_s - own_s, 0) / seconds, (steal - before.steal_s) / seconds,
                       who=who)

    def is_quiet(self, stretch):
        return stretch.other <= self.limit and stretch.steal <= self.limit and not stretch.tracers

    def await_quiet(self):
        """Until nobody else uses the machine, as long as there is patience left."""
        while self.patience > 0:
            busy, at = read_cpu()[0], time.monotonic()
            pause(0.2)
            spent = time.monotonic() - at
            if read_cpu()[0] - busy <= self.limit * spent + 2 / TICK and not self.tracers():
                return
            self.patience -= spent

    def settle(self, seconds=1.0):
        """What the last run left behind (a namespace with its TIME_WAITs) is cleared away by the kernel."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            busy, at = read_cpu()[0], time.monotonic()
            pause(0.06)
            if read_cpu()[0] - busy < 0.5 * (time.monotonic() - at):
                return


def memory_kib(key="MemAvailable"):
    with open("/proc/meminfo", encoding="ascii") as file:
        for line in file:
            if line.startswith(key + ":"):
                return int(line.split()[1])
    return 0


def describe():
    """One line about this machine, without its name."""
    model = "unknown CPU"
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    return (f"{platform.system()} {platform.release()} {platform.machine()}, {os.cpu_count()} CPUs ({model}), "
            f"{memory_kib('MemTotal') // 1048576} GiB")
