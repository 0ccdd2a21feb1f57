#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""Does tests/vm/compare.py find what is wrong, there and nowhere else, and say what it is?

5.10.ndjson and 7.ndjson beside this are what `tcpclose demo default linger-zero --json
--way=tp_btf` said on those kernels, without most of its lines on calls and packets. A wrong
accessor is played by changing one field of one of them.
"""
import json
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
COMPARE = os.path.join(HERE, "../../vm/compare.py")
LACKS = "reset-reason-tracepoint,reset-reason-active,reset-reason-reply,reset-segment"
results = []


def result(name, good, said=""):
    results.append(good)
    print(f"{'ok' if good else 'not ok'} {len(results)} - {name}")
    if not good:
        print("".join(f"# {line}\n" for line in said.splitlines()), end="")


def read(kernel):
    with open(os.path.join(HERE, f"{kernel}.ndjson"), encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def compare(directory, old, new, *options):
    """What it ends with and says of 7 against 5.10."""
    paths = []
    for kernel, records in (("7", new), ("5.10", old)):
        path = os.path.join(directory, f"{kernel}.ndjson")
        with open(path, "w", encoding="utf-8") as out:
            out.writelines(json.dumps(record) + "\n" for record in records)
        paths.append(f"{kernel}={path}")
    run = subprocess.run([sys.executable, COMPARE, *options, *paths], stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True, check=False)
    return run.returncode, run.stdout


def broken(records, change):
    for record in records:
        if record["type"] == "close":
            change(record)
    return records


def set_key(*path, value):
    def change(record):
        for key in path[:-1]:
            record = record[key] or {}
        if path[-1] in record:
            record[path[-1]] = value
    return change


# What is read wrong on 5.10, and the only thing that may then be said, for each verdict.
ACCESSORS = [
    ("the cgroup", set_key("cgroup_id", value=None), "cgroup_id: 7 says 1, 5.10 says null", 4),
    ("the network namespace", set_key("netns", value=0), "netns: 7 says true, 5.10 says false", 4),
    ("the linger time", set_key("linger", "on", value=True), "linger.on: 7 says false, 5.10 says true", 3),
    ("bytes received", set_key("bytes", "received", value=12), "bytes.received: 7 says 11, 5.10 says 12", 4),
    ("bytes sent", set_key("bytes", "sent", value=0), "bytes.sent: 7 says true, 5.10 says false", 4),
    ("the peer's port", set_key("peer", "port", value=1), 'peer.port: 7 says "server", 5.10 says "another"', 2),
    ("who closed it", set_key("closer", "pid", value=7), 'closer.pid: 7 says "', 3),
    ("the owner's name", set_key("owner", "comm", value="swapper"), 'owner.comm: 7 says "tcpclose-echo-', 4),
    ("the peer's address", set_key("peer", "address", value=None), 'peer.address: 7 says "127.0.0.1", 5.10 says null', 4),
    ("how it ended", set_key("cause", value="unknown"), 'cause: 7 says "', 4),
]


def check_accessors(directory):
    for name, change, words, times in ACCESSORS:
        status, said = compare(directory, broken(read("5.10"), change), read("7"), f"--lacks={LACKS}")
        lines = said.splitlines()
        places = sum(int((re.findall(r" \(and so in (\d+) more\)$", line) or [0])[0]) + 1 for line in lines)
        good = status == 1 and places == times and all(words in line for line in lines)
        result(f"{name} read wrong on 5.10 is said, and nothing else", good, said)


def check_grouped(directory):
    status, said = compare(directory, broken(read("5.10"), set_key("cgroup_id", value=0)), read("7"), f"--lacks={LACKS}")
    result("what is wrong everywhere is one line, with a place",
           status == 1 and said == "default/server client cgroup_id: 7 says 1, 5.10 says 0 (and so in 3 more)\n", said)


def check_missing(directory):
    old = [record for record in read("5.10") if record.get("cause") != "linger-zero"]
    status, said = compare(directory, old, read("7"), f"--lacks={LACKS}")
    result("a verdict that is missing is named",
           status == 1 and said == "linger-zero/server server: 7 has it (linger-zero), 5.10 does not\n", said)
    old = [record for record in read("5.10") if record["type"] != "summary"]
    status, said = compare(directory, old, read("7"), f"--lacks={LACKS}")
    result("a run without its end cannot be read", status == 2 and "no summary" in said, said)


def check_ended(directory):
    for name, status, not_so, good, words in (
            ("a run that ended well", "0", False, 0, ""),
            ("a status without a reason", "3", False, 1, "exit status 3"),
            ("an ending that was not as it must be", "3", True, 1, "linger-zero/server story: not as it must be")):
        path = os.path.join(directory, "ended.ndjson")
        with open(path, "w", encoding="utf-8") as out:
            for record in read("7"):
                if not_so and record.get("ending") == "linger-zero":
                    record["as_expected"] = False
                out.write(json.dumps(record) + "\n")
        run = subprocess.run([sys.executable, COMPARE, f"--ended={status}", f"7={path}"], stdout=subprocess.PIPE,
                             text=True, check=False)
        result(f"{name} is known as that", run.returncode == good and run.stdout.startswith(words), run.stdout)


def main():
    with tempfile.TemporaryDirectory() as directory:
        status, said = compare(directory, read("5.10"), read("7"), f"--lacks={LACKS}")
        result("5.10 and 7 say the same, but for what 5.10 cannot say", status == 0 and not said, said)
        status, said = compare(directory, read("5.10"), read("7"))
        result("that 5.10 gives no reasons is a difference where it is not listed",
               status == 1 and "rst.reason: 7 says" in said, said)
        status, said = compare(directory, read("7"), read("5.10"), f"--lacks={LACKS}")
        result("a reason where none is to be is a difference", status == 1 and "rst.reason" in said, said)
        check_accessors(directory)
        check_grouped(directory)
        check_missing(directory)
        check_ended(directory)
    print(f"1..{len(results)}")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
