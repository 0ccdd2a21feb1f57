# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""What the live tests share: TAP (tap.py), and a tcpclose that runs beside the test.

Nothing here waits by guessing a time: a line, a record or the end of a process is waited for,
with a deadline. O names the build, WAY (default auto) the way to attach.
"""
import atexit
import json
import os
import re
import select
import signal
import subprocess
import sys
import threading
import time

from tap import finish, result, skip_all  # for who imports them from here

BUILD = os.path.abspath(os.environ.get("O", "build"))
TCPCLOSE = os.path.join(BUILD, "tcpclose")
WAY = os.environ.get("WAY", "auto")
READY = "Tracing TCP closes... Ctrl-C to end."
# SLOW=N: so many times slower than others is this machine. Only who waits in vain waits longer.
DEADLINE = 60 * int(os.environ.get("SLOW", "1"))

started = []


def why_not(*needed):
    """The fact that is missing here for any tracing at all, or for one of these programs; or None."""
    if os.geteuid() != 0:
        return "not root"
    if not os.path.exists("/sys/kernel/btf/vmlinux"):
        return "no BTF"
    for path in (TCPCLOSE, *needed):
        if not os.access(path, os.X_OK):
            return f"no {os.path.basename(path)}"
    return None


def eventually(condition, seconds=DEADLINE, every=0.02):
    """Asks until the answer is true, or the time is up: for what sends no word. The last answer."""
    until = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer or time.monotonic() > until:
            return answer
        select.select([], [], [], every)


class Lines:
    """The lines of a pipe as they come; whoever waits for one is woken."""

    def __init__(self, pipe):
        self.lines, self.ended, self.pipe = [], False, pipe
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        for line in self.pipe:
            taken = self.take(line)
            if taken:
                with self.changed:
                    self.lines.append(taken)
                    self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def take(self, line):
        return line.rstrip("\n")

    def wait(self, condition, seconds=DEADLINE):
        """True once condition(lines) is; False when the time is up or no line can come any more."""
        with self.changed:
            self.changed.wait_for(lambda: self.ended or condition(self.lines), seconds)
            return bool(condition(self.lines))


class Records(Lines):
    """JSON lines. Of connections that do not use our ports, only the first few: there may be 100,000 a second."""

    STRANGERS = 500

    def __init__(self, pipe, ports):
        self.ours = re.compile(rf'"port":(?:{"|".join(map(str, ports))})\b|"type":"(?:summary|loss)"' if ports else "")
        self.strangers, self.count, self.gaps = 0, 0, 0
        super().__init__(pipe)

    def take(self, line):
        self.gaps += f'"seq":{self.count},' not in line
        self.count += 1
        if not self.ours.search(line):
            self.strangers += 1
            if self.strangers > self.STRANGERS:
                return None
        try:
            return json.loads(line)
        except ValueError:  # killed in the middle of a line
            return {"type": "damaged", "line": line}


class Tracer:
    """A tcpclose beside the test, its records and its words. Of whom to keep all records: who uses these `ports`."""

    def __init__(self, *options, verb=(), command=(), within=(), json_lines=True, ports=(), **more):
        self.argv = [*within, TCPCLOSE, *verb, f"--way={WAY}", *(["--json"] if json_lines else []), *options,
                     *(["--", *command] if command else [])]
        self.process = subprocess.Popen(self.argv, **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE,
                                                      "stderr": subprocess.PIPE, "text": True, **more})
        started.append(self.process)
        pipe = self.process.stdout
        self.out = pipe and (Records(pipe, ports) if json_lines else Lines(pipe))
        self.err = Lines(self.process.stderr)
        self.pid = self.process.pid

    def ready(self):
        """Attached; what happens from now on is seen."""
        if not self.err.wait(lambda lines: READY in lines):
            raise RuntimeError(f"{self.argv} did not get ready: {self.err.lines}")
        return self

    def records(self, kind="close"):
        return [record for record in list(self.out.lines) if record["type"] == kind]

    def wait_for(self, enough, seconds=DEADLINE):
        """Until enough(its verdicts) is true."""
        return self.out.wait(lambda lines: enough([r for r in lines if r["type"] == "close"]), seconds)

    def end(self, number=signal.SIGINT):
        """Ends it in order, by default; everything that it said is there afterwards. Its status."""
        if number and self.process.poll() is None:
            self.process.send_signal(number)
        self.process.wait(DEADLINE)
        for lines in filter(None, (self.out, self.err)):
            lines.thread.join(DEADLINE)
        return self.process.returncode


def tcpclose(*arguments, seconds=DEADLINE, **more):
    """A tcpclose that must end by itself; status None when it did not."""
    argv = [TCPCLOSE, *arguments]
    try:
        return subprocess.run(argv, check=False, timeout=seconds, **{
            "stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **more})
    except subprocess.TimeoutExpired as late:
        return subprocess.CompletedProcess(argv, None, "", (late.stderr or b"").decode())


def lossless(play, tries=3):
    """
    Plays until no tracer of it lost records, nor anything else was blurred (`blurred`, where the play knows of
    such things): what others do on this machine is not what is tested here.
    """
    for attempt in range(tries):
        played = play()
        lost = [tracer.err.lines[-1] for tracer in played.tracers if " 0 lost" not in tracer.err.lines[-1]]
        lost += getattr(played, "blurred", [])
        if not lost:
            break
        print(f"# attempt {attempt + 1}, load {os.getloadavg()[0]:.1f}: {lost}")
    return played


def end_of(record):
    """What tells one socket's end from all others: namespace, this end, the other end."""
    return (record["netns"], record["local"]["address"], record["local"]["port"],
            record["peer"]["address"], record["peer"]["port"])


@atexit.register
def end_what_was_started():
    for process in started:
        if process.poll() is None:
            process.kill()
            process.wait()


# The runner's deadline comes as SIGTERM: leave by the door, so that all is cleaned up.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
