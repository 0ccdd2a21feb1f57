#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""A trace that ends in the middle of everything: what is cut off there is not lost.

The sensors are taken off one after the other. What one of them leaves to another to tell must not
wait for one that is gone.
"""
import os
import re
import shutil
import subprocess

from actors import Actor
from tracing import BUILD, Tracer, finish, result, skip_all, started, why_not

CHURN = os.path.join(BUILD, "tests/live/churn")
LOADS = 2
ENDS = 4
VERDICTS = 1000
# A machine that gives tcpclose no CPU for as long as the ring lasts makes it lose records by the
# hundred: then it may try again. What is lost at the edge are one or two.
TRIES = 3
MANY = 50


def start(place):
    load = subprocess.Popen(["nsenter", f"--net=/proc/{place.pid}/ns/net", CHURN, "1000000"],
                            stdout=subprocess.DEVNULL)
    started.append(load)
    return load


def cut_off(place):
    """One that ends by itself while connections are reset; its last words."""
    tracer = Tracer("--json", "--netns", f"/proc/{place.pid}/ns/net", "-n", str(VERDICTS), "-o", "/dev/null",
                    json_lines=False)
    tracer.end(None)
    words = tracer.err.lines[-1]
    return words, int(re.search(r"([0-9,]+) lost", words).group(1).replace(",", ""))


def cut_off_once(place):
    for _ in range(TRIES):
        words, lost = cut_off(place)
        if lost < MANY:
            break
        print(f"# {words}")
    return [words] if lost else []


def main():
    reason = why_not(CHURN) or (None if shutil.which("nsenter") else "no nsenter")
    if reason:
        skip_all(reason)
    place = Actor("edges-place").new_netns()
    place.tell("set_sysctl", "tcp_max_tw_buckets", "1000")
    loads = [start(place) for _ in range(LOADS)]
    problems = [words for _ in range(ENDS) for words in cut_off_once(place)]
    problems += ["the load ended too soon" for load in loads if load.poll() is not None]
    for load in loads:
        load.kill()
        load.wait()
    result(f"{ENDS} traces that end while connections are reset have lost nothing", problems)
    finish()


main()
