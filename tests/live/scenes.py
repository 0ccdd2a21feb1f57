# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""What traps.py and owners.py share: sockets, processes that do their part when they are told to, and how a
scene is played: it says of each end what its verdict must be, as [(end, {...}), ...].

All of it in a network namespace of its own.
"""
import ctypes
import fcntl
import json
import os
import select
import socket
import struct
import subprocess
import sys

from actors import CLONE_NEWNET, PATIENCE, die_with_parent
from tracing import BUILD, Tracer, finish, result, skip_all, why_not

TRAP = os.path.join(BUILD, "tests/live/trap")
HOST = "127.0.0.1"
CANNOT = 77
TRIES = 3
ME = os.getpid()
# Whose pid may not be known.
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


# --- scenes -------------------------------------------------------------------------


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


def check_scene(tracer, scene):
    wanted = {e: of if isinstance(of, list) else [of] for e, of in scene()}
    found = lambda: {e: [v for v in tracer.records() if end_of(v) == e] for e in wanted}  # pylint: disable=unnecessary-lambda-assignment
    tracer.wait_for(lambda _: all(len(found()[e]) >= len(wanted[e]) for e in wanted), 15)
    for e, verdicts in found().items():
        if len(verdicts) != len(wanted[e]):
            yield f"{e}: {len(verdicts)} verdicts: {verdicts}, wanted {wanted[e]}"
        for verdict, of in zip(verdicts, wanted[e]):
            yield from check_verdict(verdict, of)


def try_scene(tracer, name, scene):
    """A kernel that hides a whole softirq now and then hides no two (ARCHITECTURE.md)."""
    problems = []
    for attempt in range(TRIES):
        try:
            problems = list(check_scene(tracer, scene))
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


def play(scenes):
    """The whole of a test: its scenes, or those with one of the arguments in their names."""
    reason = why_not(TRAP)
    if reason:
        skip_all(reason)
    own_network()
    tracer = Tracer("--netns", "/proc/self/ns/net").ready()
    only = sys.argv[1:]
    for name, scene in scenes:
        if not only or any(word in name for word in only):
            try_scene(tracer, name, scene)
    tracer.end()
    summary = tracer.records("summary")[0]
    result("nothing is lost", [summary] if summary["lost"] or summary["evicted"] else [])
    finish()
