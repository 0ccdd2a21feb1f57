#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""What looks like something else, and whose it is where that is hard to tell: one by one, on the running kernel.

All of it in a network namespace of its own. Every scene says of each end what its verdict must be;
what a child process does, it does when it is told to.

O names the build, WAY (default auto) the way to attach.
"""
import ctypes
import fcntl
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys

from actors import CLONE_NEWNET, PATIENCE, die_with_parent
from tracing import BUILD, Tracer, eventually, finish, result, skip_all, why_not

TRAP = os.path.join(BUILD, "tests/live/trap")
HOST = "127.0.0.1"
CANNOT = 77
IPPROTO_MPTCP, TCP_REPAIR = 262, 19
TRIES = 3
KTHREAD = "a kernel thread"


class Skip(Exception):
    """This kernel or these privileges have no such thing."""


# --- sockets ----------------------------------------------------------------------


def listener(protocol=0):
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, protocol)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((HOST, 0))
    s.listen(8)
    s.settimeout(PATIENCE)
    return s


def call(at, protocol=0):
    """A client of that listener, which has not accepted it yet."""
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, protocol)
    s.settimeout(PATIENCE)
    s.connect(at.getsockname())
    return s


def accept(at):
    s, _ = at.accept()
    s.settimeout(PATIENCE)
    return s


def pair(at=None, protocol=0):
    """Client and server of one connection."""
    at = at or listener(protocol)
    client = call(at, protocol)
    return client, accept(at)


def end(s):
    return (*s.getsockname(), *s.getpeername())


def mirror(e):
    return e[2:] + e[:2]


def linger(s, seconds):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, seconds))


def await_events(s, events):
    poll = select.poll()
    poll.register(s, events)
    if not poll.poll(PATIENCE * 1000):
        raise RuntimeError(f"{events} did not come")


def await_reset(s):
    await_events(s, 0)
    s.close()


def follow(s):
    """Reads to the peer's FIN, and closes."""
    while s.recv(65536):
        pass
    s.close()


# --- processes --------------------------------------------------------------------

# They live until the scene's verdicts are there: what they hold, they hold.
kept = []


class Child:
    """A process that does its part: play(link) with what it inherited; link.recv(1) waits for a word."""

    def __init__(self, play, *inherited):
        self.link, there = socket.socketpair()
        self.link.settimeout(PATIENCE)
        sys.stdout.flush()
        self.pid = os.fork()
        if not self.pid:
            status = 1
            try:
                die_with_parent()
                self.link.close()
                there.settimeout(PATIENCE)
                status = play(there, *inherited) or 0
            finally:
                os._exit(status)
        there.close()
        kept.append(self)

    def hear(self):
        """It has said that it is so far."""
        if not self.link.recv(1):
            raise RuntimeError("a child is gone")

    def tell(self):
        self.link.send(b".")

    def end(self):
        self.link.close()
        if self.pid:
            os.waitpid(self.pid, 0)
        self.pid = 0


class Trap:
    """A trap.c that has this socket from now on, alone."""

    def __init__(self, what, s):
        self.process = subprocess.Popen([TRAP, what, str(s.fileno())], pass_fds=[s.fileno()], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.pid = self.process.pid
        s.close()
        kept.append(self)
        self.tell()

    def hear(self):
        if self.process.stdout.readline() != "ready\n":
            said = self.process.communicate(timeout=PATIENCE)[1].strip()
            if self.process.returncode == CANNOT:
                raise Skip(said)
            raise RuntimeError(said)

    def tell(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def end(self):
        if self.process.returncode is None:
            self.process.communicate(timeout=PATIENCE)


ME = os.getpid()

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
    return [(ends[0], {"cause": ORDERLY, "how": "fin", "owner": ME}),
            (ends[1], {"cause": ORDERLY, "how": "fin", "owner": {ME, None}})]


def mptcp_aborted():
    client, server = mptcp_pair()
    ends = end(client), end(server)
    server.send(b"never read")
    await_events(client, select.POLLIN)
    client.close()
    await_reset(server)
    return [(ends[0], {"cause": "subflow-reset", "how": "rst", "sent": 1, "owner": ME}),
            (ends[1], {"cause": "peer-reset", "owner": {ME, None}})]


def mptcp_fallback():
    """The other end speaks TCP only: so does this one, then."""
    client, server = mptcp_pair(0)
    ends = end(client), end(server)
    client.close()
    follow(server)
    return [(ends[0], {"cause": "active-close", "owner": ME}), (ends[1], {"cause": "passive-close", "owner": ME})]


# --- the test ------------------------------------------------------------------------


SCENES = (
    ("unread data is why an RST is sent, also where SO_LINGER would have sent one", unread_wins),
    ("SO_LINGER 0 s where there is no RST to send", linger_zero_unsent),
    ("connect() fails before a SYN: the addresses are taken", taken_already),
    ("shutdown(SHUT_RDWR), then close(): one close", shut_twice),
    ("closed in TCP_REPAIR: the peer is not told", repair),
    ("a sockmap has taken what seems to be unread: FIN", lambda: in_sockmap("close")),
    ("a sockmap has taken what seems to be unread: SO_LINGER 0 s", lambda: in_sockmap("linger")),
    ("the last reference is in flight (SCM_RIGHTS): who lets go of the queue closes", in_flight),
    ("in flight in a circle: the garbage collector closes, and is nobody's owner", collected),
    ("closed by io_uring: by who submitted it", by_ring),
    ("left to a ring that is taken apart", left_to_ring),
    ("a pre-forked worker closes", lambda: prefork("close")),
    ("a pre-forked worker closes after its client", lambda: prefork("follow")),
    ("a pre-forked worker exits with status 3", lambda: prefork("exit")),
    ("a pre-forked worker is killed", lambda: prefork("kill")),
    ("a pre-forked worker holds what an RST has ended", lambda: prefork("hold")),
    ("a listener that two processes have: the last close() ends what waits in its queue", queue_of_two),
    ("MPTCP closes its subflow", mptcp_closed),
    ("MPTCP aborts: its subflow is reset", mptcp_aborted),
    ("MPTCP falls back to TCP", mptcp_fallback),
)


def is_task(task, wanted):
    if wanted == KTHREAD:
        return bool(task) and task["comm"].startswith(("kworker", "iou-", "ksoftirqd"))
    return (task and task["pid"]) == wanted


def any_of(wanted):
    return wanted if isinstance(wanted, set) else {wanted}


def check_verdict(verdict, wanted):
    evidence = set(verdict["evidence"])
    exit_of = verdict["exit"] and (verdict["exit"]["status"], verdict["exit"]["signal"])
    facts = {"cause": verdict["cause"], "how": verdict["how"], "sent": verdict["rst"]["sent"], "exit": exit_of,
             "source": verdict["owner"] and verdict["owner"]["source"]}
    wrong = [f"{key} {got}" for key, got in facts.items() if key in wanted and got not in any_of(wanted[key])]
    wrong += [f"{role} {verdict[role]}" for role in ("owner", "closer")
              if role in wanted and not any(is_task(verdict[role], who) for who in any_of(wanted[role]))]
    wrong += [f"no {word}" for word in wanted.get("has", set()) - evidence - set(verdict["blind"])]
    wrong += [word for word in wanted.get("lacks", set()) & evidence]
    if not verdict["complete"]:
        wrong.append("not complete")
    if is_task(verdict["owner"], KTHREAD):
        wrong.append(f"owner {verdict['owner']}")
    if wrong:
        yield f"{wrong}, wanted {wanted}: {json.dumps(verdict)}"


def end_of(verdict):
    return (verdict["local"]["address"], verdict["local"]["port"], verdict["peer"]["address"], verdict["peer"]["port"])


def let_go():
    while kept:
        kept.pop().end()


def check_scene(tracer, play):
    wanted = {e: of if isinstance(of, list) else [of] for e, of in play()}
    found = lambda: {e: [v for v in tracer.records() if end_of(v) == e] for e in wanted}  # pylint: disable=unnecessary-lambda-assignment
    tracer.wait_for(lambda _: all(len(found()[e]) >= len(wanted[e]) for e in wanted), 15)
    for e, verdicts in found().items():
        if len(verdicts) != len(wanted[e]):
            yield f"{e}: {len(verdicts)} verdicts: {verdicts}, wanted {wanted[e]}"
        for verdict, of in zip(verdicts, wanted[e]):
            yield from check_verdict(verdict, of)


def try_scene(tracer, name, play):
    """A kernel that hides a whole softirq now and then hides no two (ARCHITECTURE.md)."""
    problems = []
    for attempt in range(TRIES):
        try:
            problems = list(check_scene(tracer, play))
        except Skip as why:
            return result(name, [], skip=str(why))
        finally:
            let_go()
        if not problems:
            break
        print(f"# attempt {attempt + 1}: {name}: {problems[0][:900]}")
    return result(name, problems)


def own_network():
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "unshare")
    with socket.socket() as s:
        fcntl.ioctl(s, 0x8914, struct.pack("16sh14x", b"lo", 0x1 | 0x40))  # SIOCSIFFLAGS: UP, RUNNING


def main():
    reason = why_not(TRAP)
    if reason:
        skip_all(reason)
    own_network()
    tracer = Tracer("--netns", "/proc/self/ns/net").ready()
    only = sys.argv[1:]
    for name, play in SCENES:
        if not only or any(word in name for word in only):
            try_scene(tracer, name, play)
    tracer.end()
    summary = tracer.records("summary")[0]
    result("nothing is lost", [summary] if summary["lost"] or summary["evicted"] else [])
    finish()


if __name__ == "__main__":
    main()
