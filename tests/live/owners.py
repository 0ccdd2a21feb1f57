#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""Whose it was, and who closed it, where that is hard to tell: one by one, on the running kernel.

Scenes say of each end what its verdict must be (scenes.py). An argument chooses those with it in their names.
O names the build, WAY (default auto) the way to attach.
"""
import fcntl
import os
import select
import signal
import socket
import struct
import subprocess

from actors import PATIENCE
from scenes import (KTHREAD, ME, Child, Trap, accept, await_events, await_reset, call, end, follow, linger,
                    listener, mirror, pair, play)
from tracing import TCPCLOSE, eventually


# --- the last reference ---------------------------------------------------------------


def in_flight():
    """The last reference is in a message that nobody has taken; it goes with the queue, and who closes that closes."""
    client, server = pair()
    ends = end(client), end(server)
    here, there = socket.socketpair()
    socket.send_fds(here, [b"."], [client.fileno()])

    def last(link, queue, *others):
        for s in others:
            s.close()
        link.send(b".")
        link.recv(1)
        queue.close()
        link.send(b".")
        link.recv(1)

    child = Child(last, there, here, client, server)
    child.hear()
    for s in here, there, client:
        s.close()
    child.tell()
    child.hear()
    follow(server)
    return [(ends[0], {"cause": "active-close", "owner": ME, "source": "connect", "closer": child.pid}),
            (ends[1], {"cause": "passive-close", "owner": ME})]


def collected():
    """In flight in a circle that nobody can reach any more: the garbage collector closes, and owns nothing."""
    client, server = pair()
    other, listened = pair()
    ends = end(client), end(server), end(listened), end(other)
    here, there = socket.socketpair()
    socket.send_fds(here, [b"."], [client.fileno(), listened.fileno(), here.fileno()])
    socket.send_fds(there, [b"."], [there.fileno()])
    for s in here, there, client, listened:
        s.close()
    # its turn comes when the next AF_UNIX socket is closed; before v5.11 or so in that very task
    def closed():
        for s in socket.socketpair():
            s.close()
        return select.select([server], [], [], 0)[0]
    if not eventually(closed, PATIENCE):
        raise RuntimeError("nothing was collected")
    follow(server)
    follow(other)
    direct = {KTHREAD, ME}
    return [(ends[0], {"cause": "active-close", "owner": ME, "source": "connect", "closer": direct}),
            (ends[1], {"cause": "passive-close", "owner": ME}),
            (ends[2], {"cause": "active-close", "owner": {None, ME}, "closer": direct}),
            (ends[3], {"cause": "passive-close", "owner": ME})]


def by_ring():
    client, server = pair()
    ends = end(client), end(server)
    holder = Trap("uring-close", client)
    holder.hear()
    follow(server)
    return [(ends[0], {"cause": "active-close", "owner": ME, "source": "connect", "closer": holder.pid}),
            (ends[1], {"cause": "passive-close", "owner": ME})]


def left_to_ring():
    """A ring's files are put when it is taken apart: by a kernel thread, or in the exit itself."""
    client, server = pair()
    other, listened = pair()
    ends = end(client), end(server), end(listened), end(other)
    holders = [Trap("uring-register", s) for s in (client, listened)]
    for holder in holders:
        holder.hear()
        holder.end()
    follow(server)
    follow(other)
    return [(ends[0], {"cause": "active-close", "owner": ME, "source": "connect", "closer": {KTHREAD, holders[0].pid}}),
            (ends[1], {"cause": "passive-close", "owner": ME}),
            (ends[2], {"cause": "active-close", "owner": {None, holders[1].pid}, "closer": {KTHREAD, holders[1].pid}}),
            (ends[3], {"cause": "passive-close", "owner": ME})]


def by_no_looker():
    """
    A tcpclose that looks through open files may be the last to let go of one, and is not named (kern_is_looker()).
    This one holds what it inherited, until its tape ends: it has closed, whatever it is called.
    """
    client, server = pair()
    ends = end(client), end(server)
    heir = subprocess.Popen([TCPCLOSE, "replay", "/dev/stdin"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL,
                            pass_fds=[client.fileno()])
    client.close()
    heir.stdin.close()
    heir.wait(PATIENCE)
    follow(server)
    return [(ends[0], {"cause": "active-close", "owner": ME, "source": "connect", "closer": heir.pid, "exit": (1, 0)}),
            (ends[1], {"cause": "passive-close", "owner": ME})]


# --- servers that fork before they accept -----------------------------------------------


def worker(link, at, how):
    """Accepts one from the listener that it inherited, and ends it so."""
    s = accept(at)
    link.send(b".")
    link.recv(1)
    if how == "close":
        s.close()
        link.send(b".")
        link.recv(1)
    elif how == "exit":
        os._exit(3)  # with what was sent unread
    elif how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif how == "follow":
        follow(s)
        link.send(b".")
        link.recv(1)
    elif how == "hold":
        await_events(s, 0)
        link.send(b".")
        link.recv(1)
    return 0


def prefork(how):
    at = listener()
    name = at.getsockname()
    child = Child(worker, at, how)
    client = call(at)
    ends = (*name, *client.getsockname()), end(client)
    child.hear()
    if how == "exit":
        client.send(b"never read")
    mine = {"owner": child.pid, "closer": child.pid}
    wanted = {
        "close": ({**mine, "cause": "active-close"}, {"cause": "passive-close", "owner": ME}),
        "follow": ({**mine, "cause": "passive-close"}, {"cause": "active-close", "owner": ME}),
        "exit": ({**mine, "cause": "unread-data", "exit": (3, 0), "has": {"process-exit"}}, {"cause": "peer-reset", "owner": ME}),
        "kill": ({**mine, "cause": "active-close", "exit": (0, 9), "has": {"process-killed"}}, {"cause": "passive-close", "owner": ME}),
        "hold": ({"cause": "peer-reset", "owner": child.pid, "source": "holds", "closer": None}, {"cause": "linger-zero", "owner": ME}),
    }[how]
    if how == "hold":
        linger(client, 0)
    if how in ("hold", "follow"):
        child.tell()
        client.close()
        child.hear()
        return list(zip(ends, wanted))
    if how == "exit":
        # all of it is there before the worker ends
        eventually(lambda: not struct.unpack("i", fcntl.ioctl(client, 0x5411, b"\0" * 4))[0])  # SIOCOUTQ
    child.tell()
    if how == "exit":
        await_reset(client)
    else:
        follow(client)
    return list(zip(ends, wanted))


def queue_of_two():
    """The master's close() of the listener ends nothing while a worker has it; the worker's does."""
    at = listener()

    def play(link, at):
        link.send(b".")
        link.recv(1)
        at.close()
        link.send(b".")
        link.recv(1)

    child = Child(play, at)
    child.hear()
    client = call(at)
    ends = mirror(end(client)), end(client)
    await_events(at, select.POLLIN)
    at.close()
    child.tell()
    child.hear()
    await_reset(client)
    # not all ways to attach see who called listen()
    return [(ends[0], {"cause": "listener-closed", "owner": {ME, child.pid}, "source": "listener", "closer": child.pid}),
            (ends[1], {"cause": "peer-reset", "owner": ME})]


SCENES = (
    ("the last reference is in flight (SCM_RIGHTS): who lets go of the queue closes", in_flight),
    ("in flight in a circle: the garbage collector closes, and is nobody's owner", collected),
    ("closed by io_uring: by who submitted it", by_ring),
    ("left to a ring that is taken apart", left_to_ring),
    ("a tcpclose that inherited it exits: it has closed", by_no_looker),
    ("a pre-forked worker closes", lambda: prefork("close")),
    ("a pre-forked worker closes after its client", lambda: prefork("follow")),
    ("a pre-forked worker exits with status 3", lambda: prefork("exit")),
    ("a pre-forked worker is killed", lambda: prefork("kill")),
    ("a pre-forked worker holds what an RST has ended", lambda: prefork("hold")),
    ("a listener that two processes have: the last close() ends what waits in its queue", queue_of_two),
)

if __name__ == "__main__":
    play(SCENES)
