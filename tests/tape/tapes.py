# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""Tapes and what must be told of them. Without an executable bit: replay.py is the test.

    python3 tests/tape/tapes.py record NAME [--way WAY] [ENDING ...]
        runs the demo here (as root), and keeps its tape as tests/tape/NAME.tape
    python3 tests/tape/tapes.py keep NAME TAPE LIVE
        the same with a tape from elsewhere: LIVE is what tcpclose said then
    python3 tests/tape/tapes.py against TAPE LIVE
        compares only

LIVE is what `tcpclose demo --tape TAPE --json` (or trace) printed in the run that wrote the
tape. A tape whose replay does not say the same is not kept. $O names the build.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ.get("O", "build")
TCPCLOSE = os.path.join(BUILD, "tcpclose")
# Short ones, each with another cause; together under 20 kB.
ENDINGS = ["default", "linger-zero", "unread-data", "half-close", "data-after-close", "refused"]
VERDICTS = {"close", "minisocket"}


class Unfit(Exception):
    """It cannot be compared at all."""


def lines_of(text):
    return [json.loads(line) for line in text.splitlines()]


def replay(tape, *options):
    """What is told of a tape."""
    done = subprocess.run([TCPCLOSE, "replay", tape, "--json", "-q", *options], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False, timeout=60, encoding="utf-8")
    if done.returncode or done.stderr:
        raise Unfit(f"{tape}: exit status {done.returncode}: {done.stderr.strip()}")
    return lines_of(done.stdout)


def load(path):
    with open(path, encoding="utf-8") as file:
        return lines_of(file.read())


def name_of(record):
    if "local" not in record:
        return f"{record['type']} {record.get('where', '')}".strip()
    ends = [f"{record[side]['address']}:{record[side]['port']}" for side in ("local", "peer")]
    return f"{record['type']} of conn {record['conn']}, {ends[0]} {ends[1]}"


def parts(value, prefix=""):
    """Dotted key -> value."""
    if not isinstance(value, dict):
        return {prefix: value}
    found = {}
    for key, inner in value.items():
        found.update(parts(inner, f"{prefix}.{key}" if prefix else key))
    return found


def differing(one, other, labels):
    """Two records, key by key."""
    one, other, nothing = parts(one), parts(other), "(no such key)"
    for key in sorted(one.keys() | other.keys()):
        values = one.get(key, nothing), other.get(key, nothing)
        if values[0] != values[1]:
            yield f"{key}: {labels[0]} says {json.dumps(values[0])}, {labels[1]} says {json.dumps(values[1])}"


def grouped(found):
    """(where, what differs) in turn: what differs in many places alike is said once."""
    places = {}
    for where, what in found:
        places.setdefault(what, []).append(where)
    for what, where in places.items():
        yield f"{where[0]}: {what}" + (f" (and in {len(where) - 1} more)" if where[1:] else "")


def line_by_line(wanted, got, labels):
    for n, (one, other) in enumerate(zip(wanted, got), 1):
        yield from ((f"line {n}, {name_of(one)}", each) for each in differing(one, other, labels))
    for records, label in (wanted, labels[0]), (got, labels[1]):
        for n, record in list(enumerate(records, 1))[min(len(wanted), len(got)):]:
            yield f"line {n}, {name_of(record)}", f"only what {label}"


def compare(wanted, got, labels=("was", "is")):
    """Line by line, times and order included."""
    return grouped(line_by_line(wanted, got, labels))


def against(tape, live):
    """
    Everything that was said live is told again with the same words and times. A demo
    says nothing of what ends between its stories: a replay may tell more.
    """
    told, said = ({(r["type"], r["conn"]): {**r, "seq": None} for r in records if r["type"] in VERDICTS}
                  for records in (replay(tape), load(live)))
    if not said:
        raise Unfit(f"{live} has no verdict")
    for key, record in said.items():
        if key not in told:
            yield f"only live: {name_of(record)}"
        else:
            yield from (f"{name_of(record)}: {each}" for each in differing(record, told[key], ("live", "the tape")))


def expected_of(tape):
    return os.path.splitext(tape)[0] + ".ndjson"


def accept(tape):
    with open(expected_of(tape), "w", encoding="utf-8") as file:
        for record in replay(tape):
            file.write(json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n")


def keep(name, tape, live):
    found = list(against(tape, live))
    if not found:
        path = os.path.join(HERE, f"{name}.tape")
        shutil.copyfile(tape, path)
        accept(path)
        print(f"{path}: {os.path.getsize(path)} bytes, {len(load(live))} lines live")
    return found


def record(name, way, endings):
    with tempfile.TemporaryDirectory() as directory:
        tape, live = os.path.join(directory, "tape"), os.path.join(directory, "live")
        done = subprocess.run([TCPCLOSE, "demo", *(endings or ENDINGS), "--way", way, "--tape", tape, "--json",
                               "-o", live, "-q"], check=False)
        if done.returncode:
            raise Unfit(f"the demo ended with {done.returncode}")
        return keep(name, tape, live)


def main():
    parser = argparse.ArgumentParser(prog="tapes.py", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_subparsers(dest="what", required=True)
    one = what.add_parser("record")
    one.add_argument("name")
    one.add_argument("--way", default="auto")
    one.add_argument("endings", nargs="*")
    one = what.add_parser("keep")
    one.add_argument("name")
    for each in one, what.add_parser("against"):
        each.add_argument("tape")
        each.add_argument("live")
    args = parser.parse_args()
    try:
        if args.what == "record":
            found = record(args.name, args.way, args.endings)
        elif args.what == "keep":
            found = keep(args.name, args.tape, args.live)
        else:
            found = list(against(args.tape, args.live))
    except (Unfit, OSError, ValueError) as error:
        sys.exit(f"tapes.py: {error}")
    for line in found:
        print(line)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
