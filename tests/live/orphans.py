#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""Orphans beyond tcp_max_orphans: the kernel throws them away, and the verdict says so.

That limit is the whole machine's: only tried in one of its own (tests/vm says so with MACHINE=own).
O names the build, WAY (default auto) the way to attach.
"""
import ctypes
import os
import socket
import struct

from tracing import Tracer, finish, result, skip_all, why_not

HOST = "127.0.0.1"
LIMIT = "/proc/sys/net/ipv4/tcp_max_orphans"
COUNT = 4
PATIENCE = 60


def write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def aborted():
    """The kernel's own count of them."""
    with open("/proc/net/netstat", encoding="ascii") as file:
        names, values = (line.split() for line in file if line.startswith("TcpExt:"))
    return int(dict(zip(names, values))["TCPAbortOnMemory"])


def go_deaf(s):
    """A filter drops all that comes from now on."""
    code = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))
    s.setsockopt(socket.SOL_SOCKET, 26, struct.pack("HL", 1, ctypes.addressof(code)))  # SO_ATTACH_FILTER


def orphan(listener):
    """A connection whose last words nobody acknowledges: closed, it waits for that. Who still holds the other end."""
    client = socket.create_connection(listener.getsockname(), PATIENCE)
    server, _ = listener.accept()
    go_deaf(server)
    end = (*client.getsockname(), *client.getpeername())
    client.send(b"is anybody there?")
    client.close()
    return end, server


def end_of(verdict):
    return (verdict["local"]["address"], verdict["local"]["port"], verdict["peer"]["address"], verdict["peer"]["port"])


def check(verdicts, held):
    of = {end_of(verdict): verdict for verdict in verdicts}
    for end, _ in held:
        verdict = of.get(end)
        if not verdict:
            yield f"{end}: no verdict"
        elif (verdict["cause"], verdict["how"], verdict["rst"]["sent"], verdict["complete"]) != ("orphan-limit", "rst", 1, True):
            yield f"{end}: {verdict}"
        elif verdict["owner"]["pid"] != os.getpid():
            yield f"{end} belongs to {verdict['owner']}"


def main():
    reason = why_not()
    if reason:
        skip_all(reason)
    if os.environ.get("MACHINE") != "own":
        skip_all("tcp_max_orphans is the machine's, and this one is not our own (tests/vm/live_matrix.sh)")
    with open(LIMIT, encoding="ascii") as file:
        before = file.read()
    listener = socket.create_server((HOST, 0))
    tracer = Tracer("-P", str(listener.getsockname()[1])).ready()
    count = aborted()
    try:
        write(LIMIT, "0")
        held = [orphan(listener) for _ in range(COUNT)]
        tracer.wait_for(lambda closes: {end for end, _ in held} <= {end_of(v) for v in closes}, PATIENCE)
    finally:
        write(LIMIT, before)
    verdicts = tracer.records()
    result("orphans beyond the limit are thrown away, and each verdict says why", check(verdicts, held))
    killed = aborted() - count
    result("as many as the kernel says", [] if killed == COUNT else [f"TCPAbortOnMemory: {killed}, not {COUNT}"])
    tracer.end()
    finish()


if __name__ == "__main__":
    main()
