# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""Processes that make and end connections as they are told, step by step.

An Actor is a child of the test with its own pid, name, network namespace and cgroup. It does one
thing at a time and says when it is done, so that the test knows in which order all happened:
nothing is left to luck, and nobody has to wait for a while.
"""
import atexit
import ctypes
import errno
import json
import os
import signal
import socket
import struct
import sys

# SLOW=N: so many times slower than others is this machine. Only who waits in vain waits longer.
PATIENCE = 30 * int(os.environ.get("SLOW", "1"))
CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1

living = []
# One for all: only one socket is on its way at a time.
mailbox = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def plain(name):
    """An address as tcpclose prints it: IPv4-mapped is IPv4."""
    return {"address": name[0].removeprefix("::ffff:"), "port": name[1]}


def cgroup_path(name):
    """Where a cgroup of this test's own is to be made; None where no cgroup2 is mounted."""
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        mounted = [line.split()[1] for line in mounts if line.split()[2] == "cgroup2"]
    return os.path.join(mounted[0], f"tcpclose-{name}-{os.getpid()}") if mounted else None


def join_cgroup(path):
    with open(f"{path}/cgroup.procs", "w", encoding="ascii") as file:
        file.write(str(os.getpid()))


def remove_cgroup(path):
    """False while a process is still in it."""
    try:
        os.rmdir(path)
    except FileNotFoundError:
        pass
    except OSError:
        return False
    return True


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def last_word(s):
    try:
        return s.recv(1)
    except ConnectionResetError:
        return None


class Hands:
    """The child's side: every method is something that it can be told to do."""

    def __init__(self, control):
        self.control = control.makefile("rw", encoding="utf-8")
        self.sockets = {}
        self.lent = {}

    def work(self):
        for line in self.control:
            verb, arguments = json.loads(line)
            try:
                answer = {"result": getattr(self, verb)(*arguments)}
            except OSError as error:
                answer = {"error": errno.errorcode.get(error.errno, str(error))}
            except Exception as error:  # pylint: disable=broad-except # whatever it is, the test must hear of it
                answer = {"error": f"{verb}{arguments}: {error!r}"}
            self.control.write(json.dumps(answer) + "\n")
            self.control.flush()

    def rename(self, comm):
        with open("/proc/self/comm", "w", encoding="ascii") as file:
            file.write(comm)

    def new_netns(self):
        """Into a network namespace of its own, with loopback up. Its inode."""
        if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "unshare")
        with socket.socket() as s:
            import fcntl
            fcntl.ioctl(s, 0x8914, struct.pack("16sh14x", b"lo", 0x1 | 0x40))  # SIOCSIFFLAGS: UP, RUNNING
        return os.stat("/proc/self/ns/net").st_ino

    def join_netns(self, pid):
        """Into the network namespace of that process. Its inode."""
        with open(f"/proc/{pid}/ns/net", "rb") as there:
            if ctypes.CDLL(None, use_errno=True).setns(there.fileno(), CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")
        return os.stat("/proc/self/ns/net").st_ino

    def watch_wire(self):
        """From now on, what is sent on loopback can be looked up."""
        self.wire = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
        self.wire.settimeout(PATIENCE)

    def forge_rst(self, victim, peer):
        """An RST in the peer's name, with the number that comes after its FIN: it is believed."""
        while True:
            segment = self.wire.recv(65536)[20:]
            source, target, number, _, offset, flags = struct.unpack_from("!HHIIBB", segment)
            if (source, target) == (peer[1], victim[1]) and flags & 1:
                break
        number += len(segment) - (offset >> 4) * 4 + 1
        header = struct.pack("!HHIIBBHHH", peer[1], victim[1], number & 0xffffffff, 0, 0x50, 4, 0, 0, 0)
        pseudo = socket.inet_aton(peer[0]) + socket.inet_aton(victim[0]) + struct.pack("!BBH", 0, 6, len(header))
        total = sum(struct.unpack("!16H", pseudo + header))
        total = (total & 0xffff) + (total >> 16)
        header = header[:16] + struct.pack("!H", ~(total + (total >> 16)) & 0xffff) + header[18:]
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP) as raw:
            raw.bind((peer[0], 0))
            raw.sendto(header, (victim[0], 0))

    def set_sysctl(self, name, value):
        with open(f"/proc/sys/net/ipv4/{name}", "w", encoding="ascii") as file:
            file.write(value)

    def join_cgroup(self, path):
        join_cgroup(path)

    def listen(self, key, address, backlog=16):
        s = socket.socket(family_of(address))
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((address, 0))
        s.listen(backlog)
        self.sockets[key] = s
        return s.getsockname()[1]

    def connect(self, key, address, port, source=None):
        s = self.sockets[key] = socket.socket(family_of(address))
        s.settimeout(PATIENCE)
        if source:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind(tuple(source))
        s.connect((address, port))
        return plain(s.getsockname()), plain(s.getpeername())

    def try_to_connect(self, key, address, port):
        """As far as the SYN."""
        s = self.sockets[key] = socket.socket(family_of(address))
        s.setblocking(False)
        s.connect_ex((address, port))
        return s.getsockname()[1]

    def open_and_close(self, count):
        """Sockets that never come to anything, one after the other."""
        for _ in range(count):
            socket.socket().close()

    def accept(self, key, listener):
        self.sockets[listener].settimeout(PATIENCE)
        s, peer = self.sockets[listener].accept()
        s.settimeout(PATIENCE)
        self.sockets[key] = s
        return plain(s.getsockname()), plain(peer)

    def write(self, key, text):
        return self.sockets[key].send(text.encode())

    def read(self, key):
        return self.sockets[key].recv(4096).decode()

    def linger(self, key, seconds):
        self.sockets[key].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, seconds))

    def shutdown(self, key):
        self.sockets[key].shutdown(socket.SHUT_WR)

    def close(self, key):
        self.sockets.pop(key).close()

    def serve(self, listener, count):
        """That many clients, each ended as its first byte says (see burst). What ended how."""
        return [self.serve_one(listener) for _ in range(count)]

    def serve_one(self, listener):
        s, _ = self.sockets[listener].accept()
        s.settimeout(PATIENCE)
        ends = plain(s.getsockname()), plain(s.getpeername())
        wish = s.recv(1).decode()
        if wish == "r":
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if wish.isupper():
            s.send(b".")
            last_word(s)
        s.close()
        return (*ends, wish)

    def burst(self, address, port, wishes):
        """A client per letter: f, r, u: the server closes by FIN, by RST, with a byte unread; F, R: the client."""
        return [self.burst_one(address, port, wish) for wish in wishes]

    def burst_one(self, address, port, wish):
        s = socket.socket(family_of(address))
        s.settimeout(PATIENCE)
        s.connect((address, port))
        ends = plain(s.getsockname()), plain(s.getpeername())
        s.send(f"{wish}!".encode() if wish == "u" else wish.encode())
        if wish.isupper():
            s.recv(1)
        else:
            last_word(s)
        if wish == "R":
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.close()
        return (*ends, wish)

    def lend(self, key):
        """Forks a child that holds this socket from now on, alone. The child's pid."""
        here, there = socket.socketpair()
        child = os.fork()
        if not child:
            here.close()
            self.hold(self.sockets.pop(key), there)
        there.close()
        here.recv(1)
        self.close(key)
        self.lent[child] = here
        return child

    def kill(self, child):
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        self.lent.pop(child)  # not before: it would see the end of it, and close by itself

    def hold(self, s, there):
        die_with_parent()
        for other in self.sockets.values():
            other.close()
        there.send(b".")
        there.recv(1)
        s.close()
        os._exit(0)

    def let_go(self, child):
        """That child closes what it holds, and is gone."""
        self.lent.pop(child).send(b".")
        os.waitpid(child, 0)

    def give(self, key):
        socket.send_fds(mailbox[0], [b"."], [self.sockets[key].fileno()])

    def take(self, key):
        _, fds, _, _ = socket.recv_fds(mailbox[1], 1, 1)
        self.sockets[key] = socket.socket(fileno=fds[0])
        self.sockets[key].settimeout(PATIENCE)


class Actor:
    """The test's side of one such process."""

    def __init__(self, comm):
        self.comm = comm
        self.control, there = socket.socketpair()
        sys.stdout.flush()
        self.pid = os.fork()
        if not self.pid:
            self.be(there)
        there.close()
        self.control.settimeout(PATIENCE * 2)
        self.file = self.control.makefile("rw", encoding="utf-8")
        living.append(self)
        self.netns = os.stat("/proc/self/ns/net").st_ino
        self.tell("rename", comm)

    def be(self, there):
        try:
            die_with_parent()
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            for other in living:
                other.control.close()
            self.control.close()
            Hands(there).work()
        finally:
            os._exit(0)

    def begin(self, verb, *arguments):
        """Tells it what to do, and does not wait until it is done."""
        self.file.write(json.dumps([verb, arguments]) + "\n")
        self.file.flush()
        return self

    def answer(self):
        """What came of it: {"result": ...} or {"error": name of errno}."""
        return json.loads(self.file.readline() or '{"error": "gone"}')

    def ask(self, verb, *arguments):
        return self.begin(verb, *arguments).answer()

    def result(self, what="what it was told"):
        """What came of it, which must have worked."""
        answer = self.answer()
        if "error" in answer:
            raise RuntimeError(f"{self.comm}: {what}: {answer['error']}")
        return answer["result"]

    def tell(self, verb, *arguments):
        return self.begin(verb, *arguments).result(f"{verb}{arguments}")

    def new_netns(self):
        self.netns = self.tell("new_netns")
        return self

    def join_netns(self, other):
        self.netns = self.tell("join_netns", other.pid)
        return self

    def end(self, number=signal.SIGKILL):
        if self in living:
            living.remove(self)
            os.kill(self.pid, number)
            os.waitpid(self.pid, 0)


class Connection:
    """From one actor to another; knows both ends as tcpclose should print them."""

    count = 0

    def __init__(self, client, server, listener, address, port, source=None):
        Connection.count += 1
        self.actor = {"client": client, "server": server}
        self.keys = {role: f"{role} {Connection.count}" for role in self.actor}
        local, peer = client.tell("connect", self.keys["client"], address, port, source)
        server.tell("accept", self.keys["server"], listener)
        self.ends = {"client": (client.netns, local, peer), "server": (server.netns, peer, local)}

    def end_of(self, role):
        netns, local, peer = self.ends[role]
        return (netns, local["address"], local["port"], peer["address"], peer["port"])

    def tell(self, role, verb, *arguments):
        return self.actor[role].tell(verb, self.keys[role], *arguments)

    def reads(self, role, text):
        """That side reads exactly this, "" for the peer's FIN, or gets this error."""
        answer = self.actor[role].ask("read", self.keys[role])
        if text not in answer.values():
            raise RuntimeError(f"{self.keys[role]} read {answer}, not {text!r}")

    def give(self, role, other):
        """Hands the socket over: afterwards only the other actor holds it."""
        self.tell(role, "give")
        other.tell("take", self.keys[role])
        self.tell(role, "close")
        self.actor = {**self.actor, role: other}

    def close(self, first, how="fin"):
        """That side closes first, by FIN or RST; the other one sees it, then closes too."""
        if how == "rst":
            self.tell(first, "linger", 0)
        self.tell(first, "close")
        self.close_after(first, how)

    def close_after(self, first, how="fin"):
        other = peer_of(first)
        self.reads(other, "" if how == "fin" else "ECONNRESET")
        self.tell(other, "close")


def peer_of(role):
    return "client" if role == "server" else "server"


@atexit.register
def end_all():
    for actor in list(living):
        actor.end()
