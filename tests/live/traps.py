#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""What looks like something else: one by one, on the running kernel.

Scenes say of each end what its verdict must be (scenes.py). An argument chooses those with it in their names.
O names the build, WAY (default auto) the way to attach.
"""
import ctypes
import select
import socket
import struct

from actors import PATIENCE
from scenes import (HOST, ME, Child, Skip, Trap, accept, await_events, await_reset, end, follow, linger, listener,
                    mirror, pair, play)

IPPROTO_MPTCP, TCP_REPAIR = 262, 19


# --- what throws data away, and what does not -----------------------------------------


def unread_wins():
    client, server = pair()
    ends = end(server), end(client)
    client.send(b"never read")
    await_events(server, select.POLLIN)
    linger(server, 0)
    server.close()
    await_reset(client)
    return [(ends[0], {"cause": "unread-data", "how": "rst", "sent": 1, "has": {"linger-zero-set", "unread-data"}}),
            (ends[1], {"cause": "peer-reset"})]


def linger_zero_unsent():
    """No RST for a SYN that nobody has answered: the drop of it by a filter is the network's silence."""
    at = listener()
    drop = struct.pack("HBBI", 0x06, 0, 0, 0)
    code = ctypes.create_string_buffer(drop)
    at.setsockopt(socket.SOL_SOCKET, 26, struct.pack("HL", 1, ctypes.addressof(code)))  # SO_ATTACH_FILTER
    client = socket.socket()
    client.setblocking(False)
    client.connect_ex(at.getsockname())
    e = (*client.getsockname(), *at.getsockname())
    linger(client, 0)
    client.close()
    return [(e, {"cause": "linger-zero", "how": "silent", "sent": 0, "owner": ME})]


def taken_already():
    """Two sockets may be bound to one address; only one of them can be connected from it to that peer."""
    at = listener()
    first, second = socket.socket(), socket.socket()
    for s in first, second:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    first.bind((HOST, 0))
    second.bind(first.getsockname())
    first.connect(at.getsockname())
    server, e = accept(at), end(first)
    if second.connect_ex(at.getsockname()) == 0:
        raise RuntimeError("both are connected")
    second.close()
    first.close()
    follow(server)
    # its two sockets share the tuple; the one that was never connected is told of first
    return [(e, [{"cause": "connect-failed", "how": "silent", "sent": 0, "owner": ME}, {"cause": "active-close", "owner": ME}]),
            (mirror(e), {"cause": "passive-close"})]


def connects_again():
    """A socket that has been refused connects once more, by another port than before."""
    at = listener()
    gone = listener()
    refused = gone.getsockname()
    gone.close()
    client = socket.socket()
    if not client.connect_ex(refused):
        raise RuntimeError("that port is taken again")
    client.connect(at.getsockname())
    server, e = accept(at), end(client)
    client.close()
    follow(server)
    return [(e, {"cause": "active-close", "owner": ME, "closer": ME}), (mirror(e), {"cause": "passive-close", "closer": ME})]


def shut_twice():
    client, server = pair()
    ends = end(client), end(server)
    client.shutdown(socket.SHUT_RDWR)
    follow(server)
    await_events(client, 0)
    client.close()
    return [(ends[0], {"cause": "active-close", "owner": ME, "closer": ME, "lacks": {"unread-data"}}),
            (ends[1], {"cause": "passive-close", "closer": ME})]


def repair():
    client, server = pair()
    ends = end(client), end(server)
    try:
        client.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
    except OSError as error:
        raise Skip(f"no TCP_REPAIR: {error}") from None
    client.close()
    # it knows of nothing: only who writes is told
    server.send(b"are you there?")
    await_reset(server)
    return [(ends[0], {"cause": "repair", "how": "silent", "sent": 0, "owner": ME, "closer": ME}),
            (ends[1], {"cause": "peer-reset"})]


def in_sockmap(close):
    """What a sockmap has taken still looks unread to TCP, and no RST is sent for it."""
    client, server = pair()
    ends = end(server), end(client)
    if close == "linger":
        linger(server, 0)
    holder = Trap("sockmap", server)
    holder.hear()
    client.send(b"phantom")
    holder.tell()
    holder.hear()
    if close == "linger":
        await_reset(client)
        # Only the reason for the RST tells; where the kernel gives none, it is not known.
        wanted = {"cause": {"linger-zero", "unknown"}, "sent": 1, "has": {"linger-zero-set"}}, {"cause": "peer-reset"}
    else:
        follow(client)
        wanted = {"cause": "active-close", "sent": 0, "lacks": {"unread-data"}}, {"cause": "passive-close"}
    return [(ends[0], {**wanted[0], "closer": holder.pid}), (ends[1], wanted[1])]


# --- MPTCP --------------------------------------------------------------------------


def mptcp_pair(server_protocol=IPPROTO_MPTCP):
    try:
        at = listener(server_protocol)
        client = socket.socket(socket.AF_INET, socket.SOCK_STREAM, IPPROTO_MPTCP)
    except OSError as error:
        raise Skip(f"no MPTCP: {error}") from None
    client.settimeout(PATIENCE)
    client.connect(at.getsockname())
    server = accept(at)
    client.send(b"hello")
    server.recv(5)
    server.send(b"hello")
    client.recv(5)
    return client, server


# Two closes at once, as far as TCP is concerned: MPTCP's own FIN has gone before.
ORDERLY = {"active-close", "passive-close", "simultaneous-close"}


def mptcp_closed():
    client, server = mptcp_pair()
    ends = end(client), end(server)
    client.close()
    follow(server)
    return [(ends[0], {"cause": ORDERLY, "how": "fin", "owner": ME, "closer": ME}),
            (ends[1], {"cause": ORDERLY, "how": "fin", "owner": ME, "closer": ME})]


def mptcp_aborted():
    client, server = mptcp_pair()
    ends = end(client), end(server)
    server.send(b"never read")
    await_events(client, select.POLLIN)
    client.close()
    await_reset(server)
    return [(ends[0], {"cause": "subflow-reset", "how": "rst", "sent": 1, "owner": ME, "closer": ME}),
            (ends[1], {"cause": "peer-reset", "owner": ME, "source": {"holds", "close"}})]


def leave(link, _server):
    link.send(b".")
    link.recv(1)
    return 3


def mptcp_left():
    """An accepted connection that its process leaves by exiting."""
    client, server = mptcp_pair()
    ends = end(client), end(server)
    child = Child(leave, server)
    child.hear()
    server.close()
    child.tell()
    follow(client)
    client.close()
    return [(ends[0], {"cause": ORDERLY, "owner": ME, "closer": ME}),
            (ends[1], {"cause": ORDERLY, "owner": child.pid, "closer": child.pid, "exit": (3, 0)})]


def mptcp_fallback():
    """The other end speaks TCP only: so does this one, then."""
    client, server = mptcp_pair(0)
    ends = end(client), end(server)
    client.close()
    follow(server)
    return [(ends[0], {"cause": "active-close", "owner": ME}), (ends[1], {"cause": "passive-close", "owner": ME})]


SCENES = (
    ("unread data is why an RST is sent, also where SO_LINGER would have sent one", unread_wins),
    ("SO_LINGER 0 s where there is no RST to send", linger_zero_unsent),
    ("connect() fails before a SYN: the addresses are taken", taken_already),
    ("a socket that was refused connects again: from the port that it has now", connects_again),
    ("shutdown(SHUT_RDWR), then close(): one close", shut_twice),
    ("closed in TCP_REPAIR: the peer is not told", repair),
    ("a sockmap has taken what seems to be unread: FIN", lambda: in_sockmap("close")),
    ("a sockmap has taken what seems to be unread: SO_LINGER 0 s", lambda: in_sockmap("linger")),
    ("MPTCP closes its subflow", mptcp_closed),
    ("MPTCP aborts: its subflow is reset", mptcp_aborted),
    ("MPTCP closes what a process leaves behind", mptcp_left),
    ("MPTCP falls back to TCP", mptcp_fallback),
)

if __name__ == "__main__":
    play(SCENES)
