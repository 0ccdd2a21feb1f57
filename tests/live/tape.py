#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""A tape says what was said live: to the byte, under load, with losses, filters and too little room.

What a run printed is compared with what is replayed of the tape that the same run wrote; record,
which prints nothing, with a second tracer beside it.
"""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

from actors import Actor
from tracing import BUILD, TCPCLOSE, Tracer, end_of, eventually, finish, lossless, result, skip_all, tcpclose, why_not

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tape"))
import tapes  # noqa: E402  pylint: disable=wrong-import-position

CHURN = os.path.join(BUILD, "tests/live/churn")
NOBODY = 65534
# What two tracers of one run must agree on; times are each one's own.
AGREED = ("cause", "how", "first_closer", "rst", "linger", "lost", "bytes", "error", "minisocket", "owner", "complete")


class Place:
    """A directory, and a network namespace where a load leaves nothing behind."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="tcpclose-tape-")
        os.chmod(self.folder, 0o755)
        self.actor = Actor("tape-place").new_netns()

    def path(self, name):
        return os.path.join(self.folder, name)

    def load(self, count):
        return ["nsenter", f"--net=/proc/{self.actor.pid}/ns/net", CHURN, str(count)]

    def end(self):
        self.actor.end()
        shutil.rmtree(self.folder)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def of_type(text, kind):
    return [record for record in map(json.loads, text.splitlines()) if record["type"] == kind]


def differences(live, told):
    """To the byte; where not, in words."""
    if live == told:
        return
    yield f"{live.count(chr(10))} lines live, {told.count(chr(10))} of the tape"
    yield from tapes.compare(list(map(json.loads, live.splitlines())), list(map(json.loads, told.splitlines())),
                             ("live", "the tape"))


def test_trace(place, what, options, count, must=None):
    """must(text): what this run was made for did happen."""
    tape, live = place.path("trace.tape"), place.path("live")
    run = tcpclose("--tape", tape, "--json", "-o", live, *options, "--", *place.load(count))
    told = tcpclose("replay", tape, "--json", *(["-e"] if "-e" in options else []))
    said = read(live)
    problems = list(differences(said, told.stdout))
    if (run.returncode, told.returncode) != (0, 0):
        problems.append(f"live: {run.returncode} {run.stderr}; replay: {told.returncode} {told.stderr}")
    # -n ends it before the load has
    heard = re.sub(r"tcpclose: the trace is over: .*\n", "", run.stderr)
    if heard.split("\n", 1)[1:] != [told.stderr]:
        problems.append(f"the summaries differ: {run.stderr}, {told.stderr}")
    if must and not must(said):
        problems.append(f"this run was made for something else: {run.stderr}")
    result(f"{what}: replay prints what trace printed, to the byte", problems)


def test_demo(place):
    tape, live = place.path("demo.tape"), place.path("demo")
    run = tcpclose("demo", "default", "linger-zero", "fin-wait2-timeout", "--tape", tape, "--json", "-o", live)
    result("a demo's tape says what the demo said of both ends",
           [f"{run.returncode} {run.stderr}"] if run.returncode else tapes.against(tape, live))


def recorder(tape):
    return Tracer("-o", tape, verb=["record"], json_lines=False).ready()


class Beside:
    """record and trace on the same load."""

    def __init__(self, place):
        self.tape = place.path("record.tape")
        self.tracer = Tracer().ready()
        self.recorder = recorder(self.tape)
        self.tracers = [self.tracer, self.recorder]
        subprocess.run(place.load(300), check=True, stdout=subprocess.DEVNULL)
        self.tracer.wait_for(lambda found: sum(r["owner"] is not None and r["owner"]["comm"] == "churn"
                                               for r in found) >= 600)
        self.status = self.recorder.end(), self.tracer.end()
        self.told = tcpclose("replay", self.tape, "--json")


def by_end(records):
    return {end_of(r): {key: r[key] for key in AGREED} for r in records if r["owner"] and r["owner"]["comm"] == "churn"}


def test_record(place):
    beside = lossless(lambda: Beside(place))
    live, told = by_end(beside.tracer.records()), by_end(of_type(beside.told.stdout, "close"))
    problems = [f"{end}: live {live.get(end)}, the tape {told.get(end)}" for end in live.keys() | told.keys()
                if live.get(end) != told.get(end)]
    if beside.status != (0, 0) or len(live) != 600:
        problems.append(f"{beside.status}, {len(live)} ends, {beside.recorder.err.lines}")
    result("record keeps what another tracer says meanwhile", problems)
    result("record prints nothing, and the summary on standard error",
           [f"{beside.recorder.out.lines} {beside.recorder.err.lines}"] if beside.recorder.out.lines or
           not any(" 0 lost" in line for line in beside.recorder.err.lines) else [])
    return beside.tape, beside.told.stdout


def test_nobody(tape, told):
    os.chmod(tape, 0o644)
    done = tcpclose("replay", tape, "--json", user=NOBODY, group=NOBODY, extra_groups=[])
    result("whoever can read a tape can replay it", [] if done.stdout == told else [f"{done.returncode} {done.stderr}"])


def test_killed(place):
    """By SIGKILL in the middle of its work: what is on the tape is right, and the rest is said to be missing."""
    tape = place.path("killed.tape")
    recording = recorder(tape)
    load = subprocess.Popen(place.load(200000), stdout=subprocess.DEVNULL)
    grown = eventually(lambda: os.path.getsize(tape) > 40000000)
    recording.end(signal.SIGKILL)
    load.kill()
    load.wait()
    done = tcpclose("replay", tape, "--json")
    closes = [r for r in of_type(done.stdout, "close") if r["complete"] and r["owner"] and r["owner"]["comm"] == "churn"]
    wrong = [r for r in closes if r["cause"] not in ("active-close", "passive-close", "linger-zero", "peer-reset")]
    problems = [f"{r['cause']}: {r}" for r in wrong]
    if done.returncode != 1 or " is cut off at byte " not in done.stderr or not grown or len(closes) < 100:
        problems.append(f"{done.returncode}, {len(closes)} verdicts, {done.stderr}")
    result("the tape of a killed run is told up to its last block, and says that it is cut off", problems)


def test_ends(place):
    tape = place.path("end.tape")
    cases = [
        ("a command's status is passed on", [tape, "--", "sh", "-c", "exit 7"], 7, ""),
        ("-d ends it", [tape, "-d", "0.1"], 0, ""),
        ("-n ends it", [tape, "-n", "5", "--", *place.load(50)], 0, "5 verdicts"),
        ("a full disk ends it", ["/dev/full", "-d", "5"], 1, "cannot write /dev/full: No space left on device"),
        ("a file that cannot be made ends it at once", ["/nonexistent/tape"], 1, "cannot write /nonexistent/tape"),
    ]
    for what, words, status, says in cases:
        done = tcpclose("record", "-o", *words)
        problems = [] if done.returncode == status and says in done.stderr else [f"{done.returncode} {done.stderr}"]
        if status != 1:
            told = tcpclose("replay", tape)
            if told.returncode:
                problems.append(told.stderr)
        result(f"record: {what}", problems)
    told = tcpclose("replay", place.path("end.tape"), "--json")
    done = tcpclose("record")
    result("record: without a file it is not used right", [] if done.returncode == 2 and not told.returncode else
           [f"{done.returncode} {done.stderr}"])


def test_pipe(place):
    """record -o - | replay -: through any pipe, and with a command that prints."""
    script = '"$0" record -q -o - -- sh -c \'"$@"; echo here\' sh "$@" | "$0" replay - --json -q'
    os.mkdir(place.path("empty"))
    run = subprocess.run(["sh", "-c", script, TCPCLOSE, *place.load(50)], cwd=place.path("empty"), check=False, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    closes = [r for r in of_type(run.stdout, "close") if r["owner"] and r["owner"]["comm"] == "churn"]
    result("record -o - | replay - tells all, and what the command prints goes elsewhere",
           [] if run.returncode == 0 and len(closes) >= 100 and "here" in run.stderr and not os.listdir(place.path("empty"))
           else [f"{run.returncode}, {len(closes)} verdicts, {run.stderr}"])
    run = subprocess.run(["sh", "-c", '"$0" record -o - -d 5 | true', TCPCLOSE], check=False, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    problems = [line for line in run.stderr.splitlines() if line.startswith("tcpclose: ")]
    result("record -o - ends quietly when its reader has gone", problems)
    master, slave = os.openpty()
    lines = [["record", "-o", "-"], ["trace", "-o", "/dev/null", "--tape", "-"], ["record", "-o", os.ttyname(slave)]]
    runs = [tcpclose(*words, "-d", "0.1", stdout=slave) for words in lines]
    result("a tape is not shown on a terminal: status 2 and one sentence", [
        f"{run.args}: {run.returncode} {run.stderr}" for run in runs
        if run.returncode != 2 or not re.fullmatch(r"tcpclose: .* terminal: .*\n", run.stderr)])
    os.close(slave)
    os.close(master)
    run = tcpclose("trace", "--tape", "-", "-d", "0.1")
    result("a tape and verdicts do not share standard output", [] if run.returncode == 2 and not run.stdout and
           len(run.stderr.splitlines()) == 1 else [f"{run.returncode}: {run.stdout} {run.stderr}"])
    script = '"$0" record -o - | "$0" replay - --json -q'
    running = subprocess.Popen(["sh", "-c", script, TCPCLOSE], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               start_new_session=True)
    running.stderr.readline()
    subprocess.run(place.load(50), check=True, stdout=subprocess.DEVNULL)
    os.killpg(running.pid, signal.SIGINT)
    out = running.communicate(timeout=60)[0]
    result("Ctrl-C ends who records, and replay tells what was recorded",
           [] if len(of_type(out, "close")) >= 100 and of_type(out, "summary") else [f"{len(out)} bytes"])
    fifo = place.path("fifo")
    os.mkfifo(fifo)
    with subprocess.Popen(["sh", "-c", 'exec yes >"$0"', fifo], stderr=subprocess.DEVNULL):
        run = tcpclose("replay", fifo)
    result("what has no end and is no tape is refused at once", [] if run.returncode == 1 and
           run.stderr == f"tcpclose: {fifo} is no tape of tcpclose\n" else [f"{run.returncode} {run.stderr}"])
    path = place.path("end.tape")
    runs = [tcpclose(*words, "-o", "-", "-q", cwd=place.path("empty")) for words in (["trace", "-j", "-d", "0.1"],
            ["replay", path, "-j"], ["demo", "-j"], ["stuck", "-j"], ["time-wait", "-j", "-d", "0.1"])]
    result("-o - is standard output for every command", [
        f"{run.args}: {run.returncode}, {run.stdout[:100]} {run.stderr}" for run in runs
        if run.returncode or not run.stdout.startswith('{"v":')] + os.listdir(place.path("empty")))


def main():
    reason = why_not(CHURN) or (None if shutil.which("nsenter") else "no nsenter")
    if reason:
        skip_all(reason)
    place = Place()
    try:
        test_trace(place, "3000 connections", [], 3000, lambda said: len(of_type(said, "close")) >= 6000)
        test_trace(place, "every observation", ["-e"], 200, lambda said: len(of_type(said, "event")) > 1000)
        test_trace(place, "filters of user space", ["--how", "rst", "--comm", "churn"], 300,
                   lambda said: {r["how"] for r in of_type(said, "close")} == {"rst"})
        test_trace(place, "a number of verdicts", ["-n", "17"], 300, lambda said: len(of_type(said, "close")) == 17)
        test_trace(place, "too little room in the ring", ["--ring", "8"], 20000, lambda said: of_type(said, "loss"))
        test_trace(place, "too little room for sockets", ["--max-flows", "16"], 3000,
                   lambda said: of_type(said, "summary")[0]["evicted"] > 0)
        test_demo(place)
        tape, told = test_record(place)
        test_nobody(tape, told)
        test_killed(place)
        test_ends(place)
        test_pipe(place)
    finally:
        place.end()
    finish()


main()
