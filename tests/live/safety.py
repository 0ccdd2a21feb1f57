#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""How a run begins and ends: by every signal, without what it would like to have, and when told nonsense."""
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import tempfile

from actors import Actor, Connection, cgroup_path, join_cgroup, remove_cgroup
from tracing import (DEADLINE, READY, TCPCLOSE, Tracer, end_of, eventually, finish, result, skip_all, tcpclose,
                     why_not)

BPFTOOL = shutil.which("bpftool") or shutil.which("bpftool", path="/usr/sbin:/sbin")
NOBODY = 65534

# Of every option that takes a value: words that are none.
BAD_VALUES = {
    "pid": ["", "0", "-1", "x", "1x", "1,", ",1", "1,,2", "4194305", "1 2", ",".join(map(str, range(1, 66)))],
    "comm": ["", "sixteen-letters-"],
    "port": ["", "0", "65536", "-1", "80,", "http", "0x50", "99999999999999999999"],
    "local-port": ["", "0", "65536", "+80"],
    "remote-port": ["", "0", "65536", "80;81"],
    "addr": ["", "1.2.3", "1.2.3.4/", "1.2.3.4/33", "1.2.3.4/-1", "::1/129", ":::", "localhost", "1.2.3.4/8/8"],
    "netns": ["", "0", "4294967296", "/nonexistent", "/etc/passwd"],
    "cgroup": ["", "/nonexistent", "/etc/passwd", "/proc"],
    "cause": ["", "nonsense", "linger-zero,", "linger-zero,nonsense", "LINGER-ZERO"],
    "how": ["", "fine", "fin,", "RST"],
    "output": [""],
    "tape": [""],
    "count": ["", "0", "-1", "1e3", "4294967296"],
    "duration": ["", "x", "-1", ".", "1.2.3", "nan", "1s", "0.0000000001", "99999999999"],
    "way": ["", "tracepoint", "cgroup", "AUTO"],
    "ring": ["", "7", "1048577", "8k"],
    "max-flows": ["", "15", "16777217", "many"],
}
BAD_LINES = [["--"], ["--nonsense"], ["-Z"], ["-jZ"], ["--c"], ["-p"], ["--port"], ["--json=yes"],
             ["-4", "-6"], ["-6", "-4"], ["nonsense"], ["trace", "nonsense"], ["trace", "--"],
             ["--json", "nonsense"], ["doctor", "--nonsense"], ["demo", "--nonsense"], ["demo", "nonsense"],
             ["explain", "nonsense"], ["record"], ["record", "-o", "x", "nonsense"], ["replay"], ["replay", "a", "b"]]


COMMANDS = ["trace", "demo", "record", "replay", "time-wait", "stuck", "selftest", "explain", "doctor", "schema"]
# The command comes last, and what is said instead.
LATE = {"-q demo": "demo -q", "-d .2 trace": "trace -d .2", "--json stuck": "stuck --json", "--once stuck": "stuck",
        "-o trace --json selftest refused": "selftest -o trace --json refused"}


def complaints(lines):
    return [line for line in lines if line.startswith("tcpclose: ")]


def is_summary(lines):
    """The words at the end: verdicts first, losses last."""
    said = [line for line in lines if line != READY]
    return bool(said) and re.match(r"[\d,]+ verdicts? in ", said[0]) and re.search(r" events, .* evicted$", said[-1])


def in_order(tracer, status=0):
    """It ended as it should: nothing but a word at the beginning, and a summary at the end."""
    if tracer.process.returncode != status:
        yield f"{tracer.argv}: status {tracer.process.returncode}"
    if complaints(tracer.err.lines) or tracer.err.lines[:1] != [READY] or not is_summary(tracer.err.lines):
        yield f"{tracer.argv} said {tracer.err.lines}"


def refused(run, status):
    """One sentence, and that status."""
    lines = run.stderr.splitlines()
    if run.returncode != status or len(lines) != 1 or not lines[0].startswith("tcpclose: ") or run.stdout:
        yield f"{run.args[1:]}: status {run.returncode} (None: still running), said {lines}, printed {run.stdout[:200]!r}"


class Pair:
    """Two processes that make connections for the others to trace."""

    def __init__(self):
        self.client, self.server = Actor("saf-client"), Actor("saf-server")
        self.port = self.server.tell("listen", "listener", "127.0.0.1")

    def connect(self):
        return Connection(self.client, self.server, "listener", "127.0.0.1", self.port)

    def play(self):
        """Two connections, and what must be said of them."""
        fin, rst = self.connect(), self.connect()
        fin.close("server")
        rst.close("client", "rst")
        return {fin.end_of("server"): ("active-close", self.server.pid),
                fin.end_of("client"): ("passive-close", self.client.pid),
                rst.end_of("client"): ("linger-zero", self.client.pid),
                rst.end_of("server"): ("peer-reset", self.server.pid)}

    def check(self, tracer):
        """It sees and names them."""
        truth = self.play()
        tracer.wait_for(lambda found: len({end_of(r) for r in found} & set(truth)) == len(truth))
        tracer.end()
        got = {end_of(r): (r["cause"], (r["owner"] or {}).get("pid")) for r in tracer.records() if end_of(r) in truth}
        if got != truth:
            yield f"got {got}, not {truth}"
        yield from in_order(tracer)


def held(pid):
    """What this process holds of BPF: ("prog", id), ("link", id)."""
    found = set()
    try:
        for fd in os.listdir(f"/proc/{pid}/fdinfo"):
            with open(f"/proc/{pid}/fdinfo/{fd}", encoding="ascii") as info:
                found |= set(re.findall(r"^(prog|link|map)_id:\s*(\d+)", info.read(), re.M))
    except OSError:
        pass
    return found


def shown(kind):
    """bpftool gives up when one of somebody else's goes while it looks: look again."""
    run = eventually(lambda: (lambda r: r if r.returncode == 0 else None)(
        subprocess.run([BPFTOOL, kind, "show", "-j"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                       check=False, timeout=DEADLINE)))
    return json.loads(run.stdout)


def loaded():
    """What the kernel has of it, whoever holds it."""
    return {(kind, str(item["id"])) for kind in ("prog", "link", "map") for item in shown(kind)}


def left_behind(tracer, mine, there):
    """Kills it hard. What of it is still in the kernel afterwards?"""
    tracer.end(signal.SIGKILL)
    if not {kind for kind, _ in mine & there} >= {"prog", "map"}:
        yield f"bpftool did not show what it held, {mine}: this test proves nothing"
    if not eventually(lambda: not mine & loaded(), 20):
        yield f"left behind: {sorted(mine & loaded())}"


def test_sigkill(pair):
    name = "killed by SIGKILL it leaves nothing in the kernel"
    if not BPFTOOL:
        return result(name, [], "no bpftool")
    tracer = Tracer().ready()
    pair.connect().close("server")
    mine = held(tracer.pid)
    result(name, [*left_behind(tracer, mine, loaded()), *(
        [] if "link" in {kind for kind, _ in mine} else ["it held no link: this test proves nothing"])])

    tracer = Tracer()
    eventually(lambda: {"prog", "map"} <= {kind for kind, _ in held(tracer.pid)})
    tracer.process.send_signal(signal.SIGSTOP)
    result("killed while it attaches it leaves nothing either", left_behind(tracer, held(tracer.pid), loaded()))

    tracer = Tracer(command=["sh", "-c", "echo here >&2; read word"], stdin=subprocess.PIPE).ready()
    tracer.err.wait(lambda lines: "here" in lines)
    mine, there = held(tracer.pid), loaded()
    tracer.process.kill()
    problems = [] if eventually(lambda: not mine & loaded(), 20) and mine & there else ["COMMAND still holds it"]
    tracer.process.stdin.close()
    tracer.end()
    return result("nor when its COMMAND lives on", problems)


def test_ends(pair):
    for number in signal.SIGINT, signal.SIGTERM:
        for json_lines in True, False:
            tracer = Tracer(json_lines=json_lines).ready()
            pair.connect().close("client", "rst")
            tracer.out.wait(lambda lines: len(lines) >= 2)
            tracer.end(number)
            problems = list(in_order(tracer))
            if json_lines and tracer.out.lines[-1]["type"] != "summary":
                problems.append(f"the last line is {tracer.out.lines[-1]}")
            result(f"{number.name} ends it in order, printing {'JSON' if json_lines else 'text'}", problems)


def test_limits(pair):
    tracer = Tracer("-n", "3", "-P", str(pair.port)).ready()
    for _ in range(3):
        pair.connect().close("client", "rst")
    tracer.end(None)
    result("-n ends it in order after that many verdicts", [*in_order(tracer), *(
        [] if len(tracer.records()) == 3 else [f"{len(tracer.records())} verdicts"])])

    tracer = Tracer("-d", "0.3")
    tracer.end(None)
    duration = tracer.records("summary")[0]["duration_ns"]
    result("-d ends it in order after that long", [*in_order(tracer), *(
        [] if 0.3e9 <= duration < 10e9 else [f"after {duration} ns"])])
    tracer = Tracer("-d", "0")
    eventually(lambda: tracer.process.poll() is not None, 10)
    result("-d 0 is refused or is over at once; it does not run for ever",
           [] if tracer.process.poll() in (0, 2) else [f"status {tracer.process.poll()}"])
    tracer.end(signal.SIGKILL)


def test_quiet(pair):
    tracer = Tracer("-q", "-n", "2", "-P", str(pair.port))
    eventually(lambda: pair.connect().close("client", "rst") or len(tracer.out.lines) >= 2)
    tracer.end()
    result("-q: nothing on standard error, all on standard output",
           [] if not tracer.err.lines and len(tracer.records()) == 2 and not tracer.process.returncode else
           [f"status {tracer.process.returncode}: {tracer.err.lines}, {tracer.out.lines}"])


def test_closed_pipe(pair):
    for options in ["--json"], ["-w"]:
        reader, writer = os.pipe()
        tracer = Tracer("-P", str(pair.port), *options, json_lines=False, stdout=writer).ready()
        os.close(writer)
        pair.connect().close("client", "rst")
        os.read(reader, 1)
        os.close(reader)
        # what it writes next finds nobody
        eventually(lambda: pair.connect().close("client", "rst") or tracer.process.poll() is not None)
        tracer.end(None)
        problems = [] if tracer.process.returncode == 0 else [f"status {tracer.process.returncode}"]
        problems += [line for line in tracer.err.lines[1:] if not is_summary(tracer.err.lines)]
        result(f"{options[0]}: a reader that goes ends it quietly, status 0", problems)


def command(*words, options=()):
    return tcpclose(*options, "--", *words)


def test_command(pair):
    statuses = {"true": 0, "exit 3": 3, "exit 127": 127, "exit 255": 255, "kill -9 $$": 137, "kill -TERM $$": 143,
                "kill -INT $$": 130}
    runs = [(command("sh", "-c", script), status) for script, status in statuses.items()]
    result("-- COMMAND: its status is passed on, 128 + n when a signal ended it", [
        f"{run.args}: status {run.returncode}, not {status}: {run.stderr}" for run, status in runs
        if run.returncode != status or complaints(run.stderr.splitlines()) or not is_summary(run.stderr.splitlines())])
    run = command("/nonexistent/command")
    said = complaints(run.stderr.splitlines())
    result("-- COMMAND that is not there: status 127 and one sentence that names it",
           [] if run.returncode == 127 and len(said) == 1 and "/nonexistent/command" in said[0] else
           [f"status {run.returncode}, said {said}"])
    run = command("cat", "/proc/self/status", options=["-q"])
    bare = subprocess.run(["cat", "/proc/self/status"], check=True, stdout=subprocess.PIPE, text=True)
    masks, given = (re.findall(r"^(Sig(?:Blk|Ign)):\s*(\w+)", out, re.M) for out in (run.stdout, bare.stdout))
    result("-- COMMAND starts with the signals blocked and ignored that it would have without us",
           [] if masks == given and len(masks) == 2 else [f"{masks}, not {given}"])
    run = command("ls", "/proc/self/fd", options=["-q"])
    result("-- COMMAND inherits no descriptor but the first three",  # and ls its own
           [] if run.stdout.split() == ["0", "1", "2", "3"] else [run.stdout])
    connect = f"import socket; socket.create_connection(('127.0.0.1', {pair.port})).close()"
    tracer = Tracer("-P", str(pair.port), command=["python3", "-c", connect])
    pair.server.tell("accept", "last", "listener")
    pair.server.tell("read", "last")
    pair.server.tell("close", "last")
    tracer.end(None)
    found = [(r["cause"], r["complete"]) for r in tracer.records() if r["peer"]["port"] == pair.port]
    result("-- COMMAND is traced from its first instruction to what it left behind",
           [] if found == [("active-close", True)] else [f"{tracer.out.lines}, {tracer.err.lines}"])


def test_early_end(pair):
    reset = ('import socket, struct; s = socket.create_connection(("127.0.0.1", %d)); '
             's.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)); s.close()' % pair.port)
    script = f"python3 -c '{reset}'; read word"
    for options in ["-d", "0.2"], ["-n", "1", "-P", str(pair.port)], ["-q", "-d", "0.2"]:
        tracer = Tracer(*options, command=["sh", "-c", script], stdin=subprocess.PIPE)
        wanted = ["tcpclose: the trace is over: waiting for sh to end"] * ("-q" not in options)
        said = tracer.out.wait(lambda lines: any(r["type"] == "summary" for r in lines))
        said = tracer.err.wait(lambda lines, wanted=wanted: lines[-1:] == wanted) and said
        tracer.process.stdin.close()
        tracer.end(None)
        pair.server.tell("accept", "early", "listener")
        pair.server.tell("close", "early")
        result(f"{options[0]}: when the trace ends before COMMAND, what is waited for is said",
               [] if said and tracer.process.returncode == 1 and complaints(tracer.err.lines) == wanted else
               [f"{tracer.process.returncode} {tracer.err.lines}"])


def test_no_process():
    child = subprocess.Popen(["true"])
    child.wait()
    wanted = f"tcpclose: there is no process {child.pid} now: "
    initial = os.stat("/proc/self/ns/pid").st_ino == 0xeffffffc
    runs = [tcpclose(*words, "-p", f"{os.getpid()},{child.pid}") for words in
            (["-d", "0.1"], ["record", "-o", "/dev/null", "-d", "0.1"], ["stuck", "--once"], ["-d", "0.1", "-q"])]
    result("-p of a process that is not there: a warning, and it is traced", [
        f"{run.args}: {run.returncode} {run.stderr}" for run in runs if run.returncode or
        [line.startswith(wanted) for line in complaints(run.stderr.splitlines())] != [True] * ("-q" not in run.args)],
        None if initial else "not in the first pid namespace")


def help_options():
    """Every option of trace, with what its value is called."""
    return dict(re.findall(r"^  (?:-\S,|   ) --([a-z0-9-]+)(?: (\S+))?", tcpclose("--help").stdout, re.M))


def test_usage():
    options = help_options()
    valued = {name for name, value in options.items() if value}
    result("this test has bad values for every option that takes one", sorted(valued ^ set(BAD_VALUES)))
    lines = [[f"--{name}", value] for name, values in BAD_VALUES.items() for value in values]
    result("a bad value is refused: status 2 and one line", [
        problem for line in lines for problem in refused(tcpclose(*line, "-d", "0.1"), 2)])
    lines = BAD_LINES + [[f"--{name}=1"] for name in options if name not in valued]
    result("a bad command line is refused: status 2 and one line", [
        problem for line in lines for problem in refused(tcpclose(*line, seconds=5), 2)])


def test_names():
    """What a stranger named: a line break, DEL, a C1 control, a bidirectional mark; and more than a line holds."""
    for name, shown in ("no\nsuch\x7f\x9b2J\u202e", r"no\x0asuch\x7f\xc2\x9b2J\xe2\x80\xae"), ("x" * 3000, "x" * 3000):
        run = tcpclose("replay", name)
        result(f"what a stranger named {len(name)} letters long stays in its sentence, and says nothing to a terminal",
               [*refused(run, 1), *([] if f" {shown}: " in run.stderr else [run.stderr])])


def test_help():
    problems = []
    for words in [[], *([command] for command in COMMANDS)]:
        for option in "-h", "--help", "-V", "--version":
            run = tcpclose(*words, option, seconds=5)
            wanted = r"tcpclose \d" if option in ("-V", "--version") else rf"(?s).*tcpclose.*{(words or ['trace'])[0]}.*--help.*Exit status"
            if run.returncode or run.stderr or not re.match(wanted, run.stdout):
                problems.append(f"{run.args[1:]}: status {run.returncode}, said {run.stderr}, printed {run.stdout[:200]}")
    result("every command answers -h and -V, and tcpclose itself", problems)
    said = tcpclose("explain", "linger-zero").stdout
    result("explain says of a word that is both what the cause is, and the ending", [] if re.search(
        r"^linger-zero \(a cause.*What to do:.*^linger-zero \(an ending.*To see it: ", said, re.M | re.S) else [said])
    result("options before the command are refused, and how it should have been is said", [
        problem for line, instead in LATE.items() for run in [tcpclose(*line.split(), seconds=5)]
        for problem in [*refused(run, 2), *([] if f"tcpclose {instead}" in run.stderr else [run.stderr])]])


def as_nobody(folder, *words):
    """Runs a copy that nobody can reach."""
    os.chmod(folder, 0o755)
    copies = [shutil.copy(os.path.join(os.path.dirname(TCPCLOSE), name), folder)
              for name in ("tcpclose", "tcpclose-echo-server", "tcpclose-echo-client")]
    for copy in copies:
        os.chmod(copy, 0o755)
    return tcpclose(*words, executable=copies[0], user=NOBODY, group=NOBODY, extra_groups=[], cwd="/")


def test_unprivileged(folder):
    run = as_nobody(folder)
    result("without privileges: status 1 and one sentence that says what to do",
           [*refused(run, 1), *([] if "sudo" in run.stderr else [run.stderr])])
    runs = [as_nobody(folder, word) for word in ("--help", "--version", "explain", "schema")]
    result("without privileges it still explains itself",
           [f"{run.args}: {run.stderr}" for run in runs if run.returncode or not run.stdout])
    run = as_nobody(folder, "doctor")
    result("without privileges doctor says that they are missing",
           [] if "sudo" in run.stdout + run.stderr and run.returncode in (0, 1) else
           [f"status {run.returncode}: {run.stdout} {run.stderr}"])


def test_ways(pair):
    doctor = tcpclose("doctor").stdout
    for way in "tp_btf", "fentry", "kprobe":
        works = re.search(rf"^\s+{way}\s+works", doctor, re.M)
        name = f"--way={way}: " + ("works" if works else "refused with status 1 and one sentence")
        if works:
            result(name, pair.check(Tracer(f"--way={way}", ports=[pair.port]).ready()))
        else:
            run = tcpclose(f"--way={way}", "-d", "0.1")
            result(name, [*refused(run, 1), *([] if way in run.stderr else [run.stderr])])


def no_memlock():
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0))


WITHOUT = """
mounted() { awk -v types=" $0 " 'index(types, " " $3 " ") { print $2 }' /proc/self/mounts | sort -r; }
for at in $(mounted); do umount -l "$at"; done
test -z "$(mounted)" && exec "$@"
"""


def without(*types):
    """In a mount namespace without file systems of these types."""
    return ["unshare", "-m", "--propagation", "private", "sh", "-c", WITHOUT, " ".join(types)]


def doctor(within, preexec=None):
    return subprocess.run([*within, TCPCLOSE, "doctor"], stdout=subprocess.PIPE, text=True, check=False,
                          timeout=DEADLINE, preexec_fn=preexec).stdout


def test_poverty(pair):
    result("RLIMIT_MEMLOCK of 0 does not matter", pair.check(Tracer(preexec_fn=no_memlock, ports=[pair.port]).ready()))
    for types in ["tracefs", "debugfs", "bpf"], ["cgroup2"]:
        name = f"it works without {', '.join(types)} mounted"
        result(name, pair.check(Tracer(within=without(*types), ports=[pair.port]).ready()))
    said = doctor(without("cgroup2"))
    result("cgroup2 need not be mounted: who closes is seen all the same",
           [] if re.search(r"close-called\s+cgroup sock_release", said) else [said])
    name = "of a part of cgroup2 doctor says that it is one, and what cannot be said then"
    within = cgroup_path("safety")
    if not within:
        result(name, [], skip="no cgroup2 is mounted here")
        return
    os.mkdir(within)
    try:
        said = doctor(["unshare", "-C", "-p", "-f", "-m", "--mount-proc", "sh", "-c", WITHOUT, "cgroup2"],
                      lambda: join_cgroup(within))
        result(name, [] if re.search(r"close-called\s+-.*only a part of cgroup2.*cannot be said", said, re.S) else [said])
    finally:
        eventually(lambda: remove_cgroup(within), 10)


def test_output(pair, folder):
    for options in ["--json"], []:
        for where in ["-o", "/dev/full"], []:
            tracer = Tracer("-P", str(pair.port), *options, *where, json_lines=False,
                            **({} if where else {"stdout": os.open("/dev/full", os.O_WRONLY)})).ready()
            eventually(lambda t=tracer: pair.connect().close("client", "rst") or t.process.poll() is not None)
            tracer.end(None)
            said = complaints(tracer.err.lines)
            result(f"{' '.join(options + where) or 'text'} to a full device: status 1 and one sentence",
                   [] if tracer.process.returncode == 1 and len(said) == 1 and
                   f"{where[-1] if where else 'standard output'}: No space left" in said[0] else
                   [f"status {tracer.process.returncode}, said {tracer.err.lines}"])
    result("a file that cannot be written: status 1 and one sentence",
           refused(tcpclose("-o", os.path.join(folder, "nowhere", "file"), "-d", "0.1"), 1))


def shell(script, *words):
    """tcpclose as $0, its arguments as $1 and so on: a shell can close descriptors, and set limits."""
    return subprocess.run(["sh", "-c", script, TCPCLOSE, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False, timeout=DEADLINE)


def record(path):
    """A small tape."""
    subprocess.run([TCPCLOSE, "record", "-q", "-o", path, "-d", "0.1"], check=True, timeout=DEADLINE)
    with open(path, "rb") as tape:
        return tape.read()


def test_limited(folder):
    """A file that must not grow."""
    tape, out = os.path.join(folder, "demo.tape"), os.path.join(folder, "big")
    subprocess.run([TCPCLOSE, "demo", "-q", "-o", "/dev/null", "--tape", tape], check=True, timeout=DEADLINE)
    for what, script, name in (("-o", '"$0" replay "$1" -j -e -q -o "$2"', out),
                               ("redirected", '"$0" replay "$1" -j -e -q >>"$2"', "standard output")):
        with open(out, "w", encoding="ascii") as file:
            file.write("not ours" if what == "redirected" else "")
        run = shell("ulimit -f 16; " + script, tape, out)
        with open(out, encoding="utf-8") as file:
            said = file.read()
        lines = said.removeprefix("not ours").splitlines(True)
        problems = [*refused(run, 1), *([] if f"cannot write {name}: File too large" in run.stderr else [run.stderr])]
        if len(lines) < 3 or not all(line.endswith("}\n") for line in lines) or (what == "redirected") != said.startswith("not ours"):
            problems.append(f"{len(said)} bytes: {said[:50]} ... {said[-50:]}")
        result(f"a file that must not grow ({what}) ends with a whole line: status 1 and one sentence", problems)
    run = shell("ulimit -f 1; \"$0\" demo all --tape \"$1\" -q -o /dev/null", tape)
    result("a tape that must not grow: status 1 and one sentence",
           [*refused(run, 1), *([] if f"cannot write {tape}: File too large" in run.stderr else [run.stderr])])


def test_few_descriptors(folder):
    tape = os.path.join(folder, "few.tape")
    record(tape)
    problems = []
    for number in range(4, 16):
        for words in ["replay", tape, "-q"], ["-d", "0.1", "-q"], ["stuck", "--once", "-q"], ["selftest", "refused", "-q"]:
            run = shell(f'ulimit -n {number}; exec "$0" "$@"', *words)
            problems += refused(run, 1) if run.returncode or run.stderr else []
    result("too few descriptors: it works, or status 1 and one sentence", problems)


def unharmed(path, contents):
    with open(path, "rb") as file:
        found = file.read()
    return [] if found == contents else [f"{path}: {len(found)} bytes, not {len(contents)}: {found[:100]}"]


def test_one_file(folder):
    """What is read is not written to, and no file gets two kinds of results."""
    tape, soft, hard = (os.path.join(folder, name) for name in ("one.tape", "soft.tape", "hard.tape"))
    contents = record(tape)
    os.symlink("one.tape", soft)
    os.link(tape, hard)
    lines = [["replay", a, *options, b] for a, b in ((tape, tape), (tape, soft), (hard, tape)) for options in (["-o"], ["-j", "-o"])]
    lines += [[*words, "-o", tape, "--tape", hard] for words in (["trace", "-d", "0.1"], ["demo"])]
    result("a file that is read, or written to already, is refused as it is: status 2 and one sentence", [
        problem for line in lines for problem in [*refused(tcpclose(*line), 2), *unharmed(tape, contents)]])
    with open(tape, "rb+") as file, open(tape, "ab") as end:
        runs = [tcpclose("replay", "-", "-o", tape, stdin=file), tcpclose("replay", tape, stdout=end)]
    result("by redirection too", [problem for run in runs
                                  for problem in ([] if run.returncode == 2 else [f"{run.args}: {run.returncode} {run.stderr}"])]
           + unharmed(tape, contents))
    new = os.path.join(folder, "new")
    run = tcpclose("trace", "-o", new, "--tape", new, "-d", "0.1")
    result("nor is one made for nothing", [*refused(run, 2), *([new] if os.path.exists(new) else [])])
    run = tcpclose("trace", "-o", "/dev/null", "--tape", "/dev/null", "-d", "0.1", "-q")
    result("a device may take both", [] if run.returncode == 0 else [run.stderr])


def test_kept(folder):
    """Who cannot trace has not lost the last result."""
    old = os.path.join(folder, "old")
    with open(old, "w", encoding="ascii") as file:
        file.write("a result\n")
    os.chown(old, NOBODY, NOBODY)
    lines = ["trace -j -o", "record -o", "trace --tape", "time-wait -j -o", "stuck -j -o", "selftest -o", "demo --tape"]
    runs = [as_nobody(folder, *line.split(), old) for line in lines]
    result("without privileges an old result stays what it is", [
        problem for run in runs for problem in [*([] if run.returncode == 1 else [f"{run.args}: {run.returncode}"]),
                                                *unharmed(old, b"a result\n")]])


def json_file(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line)["type"] if line.startswith("{") else line for line in file]


def test_closed(folder):
    """Without some of the first three descriptors."""
    tape, out = os.path.join(folder, "closed.tape"), os.path.join(folder, "closed.json")
    record(tape)
    problems = []
    for closed in "2>&-", "0>&- 2>&-", "0<&- 1>&- 2>&-":
        for words in f"replay {tape} -j -o {out}", f"-d 0.1 -j -o {out}", f"-d 0.1 -o /dev/null -v --tape {tape}":
            run = shell(f'"$0" {words} {closed}')
            problems += [] if run.returncode == 0 else [f"{words} {closed}: {run.returncode}"]
        problems += [] if json_file(out)[-1] == "summary" else [f"{closed}: the last line is no summary"]
        problems += [] if tcpclose("replay", tape).returncode == 0 else [f"{closed}: the tape is damaged"]
    result("messages to a closed descriptor do not get into a result", problems)
    runs = [shell(f'"$0" {words} >&-') for words in ("schema", "explain", "--help", f"replay {tape}", "-d 0.1", "stuck --once")]
    result("what is printed on a closed standard output is not done: status 1 and one sentence", [
        problem for run in runs
        for problem in [*refused(run, 1), *([] if "standard output" in run.stderr else [run.stderr])]])
    runs = [shell(f'"$0" {words} >/dev/full') for words in ("schema", "explain", "--help", f"replay {tape} -j -q")]
    result("nor on a full one", [
        problem for run in runs
        for problem in [*refused(run, 1), *([] if "standard output: No space" in run.stderr else [run.stderr])]])
    run = shell('"$0" replay - <&-')
    result("a tape is not read from a closed standard input", refused(run, 1))


def main():
    reason = why_not()
    if reason:
        skip_all(reason)
    pair = Pair()
    folder = tempfile.mkdtemp(prefix="tcpclose-safety-")
    try:
        test_usage()
        test_help()
        test_no_process()
        test_names()
        for test in (test_sigkill, test_ends, test_limits, test_quiet, test_closed_pipe, test_command, test_early_end,
                     test_ways, test_poverty):
            test(pair)
        test_unprivileged(folder)
        test_output(pair, folder)
        test_one_file(folder)
        test_kept(folder)
        test_closed(folder)
        test_limited(folder)
        test_few_descriptors(folder)
    finally:
        shutil.rmtree(folder)
    finish()


if __name__ == "__main__":
    main()
