# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""What the benchmark starts: loads and tracers, each a process of its own that is told what to do.

Nothing here knows how tcpclose works inside: its command line, its words on standard error and its
JSON are all that is used.
"""
import atexit
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

BUILD = os.path.abspath(os.environ.get("O", "build"))
TCPCLOSE = os.path.join(BUILD, "tcpclose")
LOAD = os.path.join(BUILD, "tests", "bench", "load")
FLOOR = os.path.join(BUILD, "tests", "bench", "floor")
PROGRAMS = os.path.join(BUILD, "tests", "bench", "programs")
READY = "Tracing TCP closes... Ctrl-C to end."
DEADLINE = 120
PEER_LOST = re.compile(rb"lost ([0-9]+) events|^([0-9]+) packets dropped by kernel", re.I | re.M)

started = []
# In the build directory, not in /tmp: that may be memory, which is measured too.
scratch = []


class Failed(Exception):
    """This measurement did not happen; the others may."""


def pause(seconds):
    """For what gives no sign of its own: a stretch of time that is itself what is measured."""
    select.select([], [], [], max(seconds, 0))


def scratch_file(name):
    if not scratch:
        scratch.append(tempfile.mkdtemp(prefix="bench-", dir=BUILD))
    return os.path.join(scratch[0], name)


def start(argv, **more):
    process = subprocess.Popen(argv, **more)
    started.append(process)
    return process


@atexit.register
def end_what_was_started():
    """Only what this process started, by its handle."""
    for process in started:
        if process.poll() is None:
            process.kill()
            process.wait()
    for directory in scratch:
        shutil.rmtree(directory, ignore_errors=True)


def leave_by_the_door():
    """Signals end the benchmark in order, so that nothing of it stays behind."""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, lambda taken, _: sys.exit(128 + taken))


class Lines:
    """Lines of a pipe, each waited for with a deadline."""

    def __init__(self, pipe):
        self.fd, self.rest, self.ended = pipe.fileno(), b"", False

    def next(self, seconds=DEADLINE):
        until = time.monotonic() + seconds
        while b"\n" not in self.rest and not self.ended:
            if not select.select([self.fd], [], [], max(until - time.monotonic(), 0))[0]:
                raise Failed(f"nothing was said for {seconds} s")
            more = os.read(self.fd, 65536)
            self.ended = not more
            self.rest += more
        line, _, self.rest = self.rest.partition(b"\n")
        return line.decode(errors="replace")

    def all(self):
        found = []
        while not self.ended or self.rest:
            found.append(self.next())
        return found


class Load:
    """tests/bench/load: prepared when this returns, run by go(), and held open until close()."""

    def __init__(self, name, *options):
        self.name = name
        self.process = start([LOAD, name, "--wait", *map(str, options)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.lines = Lines(self.process.stdout)
        self.running = False
        self.ready = self.say()

    def say(self):
        line = self.lines.next(DEADLINE + 600)
        if not line:
            raise Failed(f"the load {self.name} ended without a word")
        self.running = False
        return json.loads(line)

    @property
    def netns(self):
        return f"/proc/{self.ready['pid']}/ns/net"

    def begin(self):
        self.running = True
        self.process.stdin.write(b"go\n")
        self.process.stdin.flush()

    def go(self):
        self.begin()
        return self.say()

    def close(self):
        self.process.stdin.close()
        if self.running:  # we leave early; its processes die with it
            self.process.kill()
        self.process.wait(DEADLINE)
        self.process.stdout.close()


def status_kib(pid, key):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        for line in file:
            if line.startswith(key + ":"):
                return int(line.split()[1])
    return 0


def cpu_ns(pid):
    """CPU that a process has used so far, all its threads; to the nanosecond where the kernel tells."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as file:
                total += int(file.read().split()[0])
        except FileNotFoundError:
            pass
    return total or ticks_ns(pid)


def ticks_ns(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1_000_000_000 // os.sysconf("SC_CLK_TCK")


def bpf_of(pid):
    """(ids of its BPF programs, bytes of its BPF maps), from its descriptors."""
    programs, maps = set(), {}
    try:
        for fd in os.listdir(f"/proc/{pid}/fdinfo"):
            with open(f"/proc/{pid}/fdinfo/{fd}", encoding="ascii", errors="replace") as file:
                facts = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
            if "prog_id" in facts:
                programs.add(int(facts["prog_id"]))
            if "map_id" in facts:
                maps[facts["map_id"]] = int(facts.get("memlock", 0))
    except FileNotFoundError:
        pass
    return programs, sum(maps.values())


def is_attached(pid):
    """A tracer that does not say when it is ready: it has something attached, and sleeps."""
    try:
        links = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            asleep = file.read().rpartition(")")[2].split()[0] == "S"
    except FileNotFoundError:
        return False
    return asleep and any("perf_event" in link or "bpf_link" in link or "bpf-link" in link for link in links)


@dataclass(frozen=True)
class Variant:
    """One tracer as it is run. {out} is its output, {netns} the load's network namespace."""
    name: str
    argv: tuple
    ready: str = ""  # what it says on standard error; "" = is_attached()
    to_stdout: str = "{out}"  # where its standard output goes
    peer: bool = False
    tells: str = ""


TRACE = (TCPCLOSE,)
JSON = Variant("--json -o FILE", (*TRACE, "--json", "-o", "{out}"), READY, "/dev/null")
EVENTS = Variant("--json -e -o FILE", (*TRACE, "--json", "-e", "-o", "{out}"), READY, "/dev/null")
TEXT = Variant("text to /dev/null", TRACE, READY, "/dev/null")
EMPTY = Variant("floor: empty program on inet_sock_set_state", (FLOOR, "inet_sock_set_state"), "attached")

# tracefs may not be mounted, and need not be after we have gone: in a mount namespace of its own.
IN_TRACEFS = ("unshare", "--mount", "sh", "-c",
              'mount -t tracefs tracefs /sys/kernel/tracing && exec "$@"', "sh")
PRINTF = ('tracepoint:sock:inet_sock_set_state { printf("%d %s %d %d %d %d\\n", pid, comm, args->sport, args->dport, '
          'args->oldstate, args->newstate); }')
FIN_OR_RST = "tcp[tcpflags] & (tcp-fin|tcp-rst) != 0"
PEERS = (
    Variant("libbpf-tools tcpstates", (*IN_TRACEFS, "tcpstates"), peer=True,
            tells="every change of state: addresses, task on the CPU, duration"),
    Variant("libbpf-tools tcplife", (*IN_TRACEFS, "tcplife"), peer=True,
            tells="a line for each ended socket: addresses, bytes, duration"),
    Variant("bpftrace, a printf on inet_sock_set_state", (*IN_TRACEFS, "bpftrace", "-e", PRINTF), peer=True,
            tells="every change of state: ports, task on the CPU"),
    Variant("tcpdump, FIN and RST, text",
            ("nsenter", "--net={netns}", "tcpdump", "-i", "lo", "-nn", FIN_OR_RST), "listening on", peer=True,
            tells="each FIN and RST on the wire"),
    Variant("tcpdump, FIN and RST, -w",
            ("nsenter", "--net={netns}", "tcpdump", "-i", "lo", "-nn", "-w", "{out}", FIN_OR_RST),
            "listening on", "/dev/null", peer=True,
            tells="the same as a capture file"),
)
PEER_COMMANDS = ("tcpstates", "tcplife", "bpftrace", "tcpdump")


def installed_peers():
    """(variants that can run here, names of commands that are missing)"""
    missing = [name for name in PEER_COMMANDS if not shutil.which(name)]
    return [v for v in PEERS if not any(name in v.argv for name in missing)], missing


class Tracer:
    """One variant, attached when this returns; end() tells what it cost and what it said."""

    def __init__(self, variant, netns="", options=()):
        self.variant = variant
        self.out = scratch_file(f"out-{len(started)}")
        fill = {"out": self.out, "netns": netns}
        argv = [word.replace("{out}", fill["out"]).replace("{netns}", netns) for word in (*variant.argv, *options)]
        before = time.monotonic()
        with open(variant.to_stdout.format(**fill), "wb") as stdout:
            self.process = start(argv, stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE)
        self.pid = self.process.pid
        self.said = []
        self.err = Lines(self.process.stderr)
        self.wait_until_ready(argv)
        self.start_s = time.monotonic() - before
        self.cpu_at_start = cpu_ns(self.pid)
        self.end_s = None

    def wait_until_ready(self, argv):
        until = time.monotonic() + DEADLINE
        while self.variant.ready:
            self.said.append(self.err.next())
            if self.variant.ready in self.said[-1]:
                return
            if self.err.ended:
                raise Failed(f"{argv[0]} did not start: {' / '.join(self.said)}")
        while not is_attached(self.pid):
            if self.process.poll() is not None or time.monotonic() > until:
                raise Failed(f"{argv} did not attach: {' / '.join(self.err.all()[:5])}")
            pause(0.05)

    def cpu_s(self):
        """CPU since it was ready."""
        return (cpu_ns(self.pid) - self.cpu_at_start) / 1e9

    def rss_kib(self, key="VmRSS"):
        return status_kib(self.pid, key)

    def settle(self, seconds=1.5):
        """Until it has been all but idle for that long: verdicts come up to a second late."""
        until, before = time.monotonic() + DEADLINE, self.cpu_s()
        while time.monotonic() < until:
            pause(seconds)
            now = self.cpu_s()
            if now - before < 0.02 * seconds:
                return
            before = now

    def end(self):
        """Ctrl-C; what it says on the way out."""
        before = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        self.said += self.err.all()
        self.process.wait(DEADLINE)
        self.end_s = time.monotonic() - before
        self.process.stderr.close()
        return self.said

    def done(self):
        """Whatever happened: it does not run any more, and what it wrote makes room for the next."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if os.path.exists(self.out):
            os.unlink(self.out)

    def lost(self):
        """Records or packets that it says it lost, in the words of whichever it is; None when it has none."""
        if not self.variant.peer:
            # The contract has these three words in every summary.
            found = [re.search(r"([0-9][0-9,. ]*) lost\b", line) for line in self.said if " events, " in line]
            return int(re.sub(r"\D", "", found[-1].group(1))) if found and found[-1] else None
        words = "\n".join(self.said).encode()
        if self.variant.to_stdout != "/dev/null":
            with open(self.out, "rb") as file:
                words += file.read()
        return sum(int(one or other) for one, other in re.findall(PEER_LOST, words))

    def size(self):
        return os.path.getsize(self.out) if os.path.exists(self.out) else 0

    def last_line(self):
        """Of its output: the summary of a JSON run."""
        with open(self.out, "rb") as file:
            file.seek(max(self.size() - 8192, 0))
            return file.read().rstrip(b"\n").rpartition(b"\n")[2]

    def summary(self):
        try:
            record = json.loads(self.last_line())
        except (ValueError, FileNotFoundError):
            return {}
        return record if record.get("type") == "summary" else {}

    def lines(self):
        with open(self.out, "rb") as file:
            return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
