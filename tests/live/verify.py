#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""This kernel's verifier takes every program, those of ways that cannot be attached here too.

A program is chosen only where its way works, so that one that has become too much for the verifier
would be noticed on somebody else's kernel. That kernel may be one that nobody tries: some verifiers go
through a hundred times as many instructions as others, of which a million are allowed.
"""
import errno
import os
import subprocess

from tracing import BUILD, finish, result, skip_all, why_not

VERIFY = os.path.join(BUILD, "tests/live/verify")
OBJECT = os.path.join(BUILD, "bpf/tcpclose.linked.o")
# A lock-down that refuses a type of program, and a function that this kernel has not: no word of the verifier's.
ELSEWHERE = {errno.EPERM, errno.ESRCH, errno.ENOENT}
INSTRUCTIONS = 50000


def main():
    reason = why_not(VERIFY) or (None if os.access(OBJECT, os.R_OK) else "no object")
    if reason:
        skip_all(reason)
    lines = subprocess.run([VERIFY, OBJECT], stdout=subprocess.PIPE, check=True, text=True).stdout.split("\n")
    said = {name: (int(number), int(insns)) for name, number, insns in (line.split() for line in lines if line)}
    for way in sorted({name.split("__")[0] for name in said}):
        mine = {name: number for name, (number, _) in said.items() if name.split("__")[0] == way}
        judged = {name: number for name, number in mine.items() if number not in ELSEWHERE}
        result(f"the verifier takes what there is of {way}",
               [f"{name}: {errno.errorcode.get(number, number)}" for name, number in judged.items() if number],
               skip=None if judged else "none of them may be loaded here")
    most = max(insns for _, insns in said.values())
    result(f"and goes through no more than {INSTRUCTIONS:,} instructions of any (here {most:,})",
           [f"{name}: {insns:,}" for name, (_, insns) in said.items() if insns > INSTRUCTIONS],
           skip=None if most else "this kernel does not tell")
    finish()


main()
