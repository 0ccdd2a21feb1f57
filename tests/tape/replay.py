#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""Every tape here still gives its verdicts, line by line, with their times.

UPDATE=1 accepts what is told now; then read the difference.
"""
import glob
import os
import subprocess
import sys
import tempfile

from tapes import HERE, TCPCLOSE, Unfit, accept, compare, expected_of, load, replay

RESULTS = []


def result(name, problems):
    problems = list(problems)
    RESULTS.append(not problems)
    print(f"{'not ok' if problems else 'ok'} {len(RESULTS)} - {name}")
    for problem in problems[:20]:
        print(f"# {problem}")


def told(tape):
    """What differs from what must be told."""
    if os.environ.get("UPDATE") == "1":
        accept(tape)
    try:
        return list(compare(load(expected_of(tape)), replay(tape), ("must be", "is")))
    except (Unfit, OSError, ValueError) as error:
        return [str(error)]


def run(*args, stdin=None):
    return subprocess.run([TCPCLOSE, "replay", *args], stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          check=False, timeout=60)


def refusal(done, sentence, says_verdicts):
    """One sentence, exit status 1, and verdicts only where some could be told."""
    said = done.stderr.decode()
    if done.returncode != 1:
        yield f"exit status {done.returncode}"
    if said.count("\n") != 1 or not said.startswith("tcpclose: ") or sentence not in said:
        yield f"standard error: {said!r}, not one sentence with {sentence!r}"
    if bool(done.stdout) != says_verdicts:
        yield f"standard output: {done.stdout[:80]!r}"


def test_refusals(tape, directory):
    with open(tape, "rb") as file:
        whole = file.read()
    changed = bytearray(whole)
    changed[len(changed) * 3 // 4] ^= 1
    cases = [
        ("what is no tape is refused", b"{\"v\":1}\n", "is no tape of tcpclose", False),
        ("an empty file is refused", b"", "is cut off at byte 0", False),
        ("another version of the format is refused", whole[:8] + b"\2" + whole[9:], "another version", False),
        ("half a head is refused", whole[:40], "is cut off at byte", False),
        ("half a tape is told up to there", whole[:len(whole) * 3 // 4], "is cut off at byte", True),
        ("a damaged tape is told up to there", bytes(changed), "is damaged at byte", True),
    ]
    path = os.path.join(directory, "case.tape")
    for name, content, sentence, says in cases:
        with open(path, "wb") as file:
            file.write(content)
        result(name, refusal(run(path, "-q", "--json"), sentence, says))
    result("what is not there is refused", refusal(run(path + ".none"), "No such file", False))
    result("a directory is refused", refusal(run(directory), "Is a directory", False))


def test_pipe(tape):
    reader, writer = os.pipe()
    with subprocess.Popen(["cat", tape], stdout=writer):
        os.close(writer)
        piped = run("-", "--json", stdin=reader)
    os.close(reader)
    result("standard input is a tape like others", [] if piped.stdout == run(tape, "--json").stdout else
           [f"{piped.stdout[:200]!r} {piped.stderr!r}"])


def pick(tape, *options):
    return [record for record in replay(tape, *options) if record["type"] == "close"]


def test_filters(tape):
    """Each chooses among the verdicts there are, and changes none of them."""
    closes = pick(tape)
    port = closes[0]["local"]["port"]
    pid = next(record["owner"]["pid"] for record in closes if record["owner"])
    cases = [
        (("--cause", "linger-zero,peer-reset"), lambda r: r["cause"] in ("linger-zero", "peer-reset")),
        (("--how", "fin"), lambda r: r["how"] == "fin"),
        (("-P", str(port)), lambda r: port in (r["local"]["port"], r["peer"]["port"])),
        (("-L", str(port)), lambda r: r["local"]["port"] == port),
        (("-D", str(port)), lambda r: r["peer"]["port"] == port),
        (("-p", str(pid)), lambda r: r["owner"] and r["owner"]["pid"] == pid),
        (("--comm", "tcpclose-echo-s"), lambda r: r["owner"] and r["owner"]["comm"] == "tcpclose-echo-s"),
        (("--addr", "127.0.0.0/8"), lambda r: r["family"] == 4),
        (("--addr", "127.0.0.2"), lambda r: False),
        (("--addr", "126.0.0.0/7"), lambda r: r["family"] == 4),
        (("--netns", str(closes[0]["netns"])), lambda r: r["netns"] == closes[0]["netns"]),
        (("--netns", "1"), lambda r: False),
        (("-6",), lambda r: r["family"] == 6),
        (("-n", "3"), lambda r: r in closes[:3]),
    ]
    for options, wants in cases:
        wanted = [{**record, "seq": None} for record in closes if wants(record)]
        got = [{**record, "seq": None} for record in pick(tape, *options)]
        result(f"replay {' '.join(options).replace(str(pid), 'PID')} gives {len(wanted)} of {len(closes)} verdicts",
               compare(wanted, got, ("must be", "is")))


def main():
    tapes = sorted(glob.glob(os.path.join(HERE, "*.tape")))
    for tape in tapes:
        result(f"{os.path.basename(tape)} gives its verdicts", told(tape))
    result("there are tapes", [] if tapes else ["none"])
    if tapes:
        with tempfile.TemporaryDirectory() as directory:
            test_refusals(tapes[0], directory)
        test_pipe(tapes[0])
        test_filters(tapes[0])
    print(f"1..{len(RESULTS)}")
    sys.exit(not all(RESULTS))


main()
