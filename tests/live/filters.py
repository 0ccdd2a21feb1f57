#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""Every filter lets through exactly what it should.

Tracers with one filter each, and one without, watch the same connections at the same time: between
processes, over both families, in network namespaces and cgroups of their own. What the one without
says must be the truth; what each other one says must be exactly that part of it, word for word.
"""
import ipaddress
import json
import os
import shutil
import subprocess
from collections import Counter

from actors import Actor, Connection, cgroup_path, living, remove_cgroup
from tracing import WAY, Tracer, end_of, eventually, finish, lossless, result, skip_all, tcpclose, why_not

ONLY_PORT = 41000
UNUSED = "203.0.113.7"
CAUSES = {"fin": ("active-close", "passive-close"), "rst": ("linger-zero", "peer-reset")}


def pid(record):
    return record["owner"] and record["owner"]["pid"]


def comm(record):
    return record["owner"] and record["owner"]["comm"]


def ports(record):
    return record["local"]["port"], record["peer"]["port"]


def within(network):
    network = ipaddress.ip_network(network)
    return lambda r: any(ipaddress.ip_address(r[side]["address"]) in network for side in ("local", "peer"))


class Cgroups:
    """A cgroup and one below it; None where there is no cgroup2."""

    def __init__(self):
        self.below = self.idle = None
        self.above = cgroup_path("live")
        if self.above:
            self.below = os.path.join(self.above, "below")
            self.idle = os.path.join(self.above, "idle")
            os.makedirs(self.below)
            os.makedirs(self.idle)

    def remove(self):
        for path in filter(None, (self.below, self.idle, self.above)):
            eventually(lambda p=path: remove_cgroup(p), 10)


class Cast:
    """Who plays: the processes, once for all."""

    def __init__(self, cgroups):
        self.cgroups = cgroups
        self.one, self.two, self.three = (Actor(f"tcl-{name}") for name in ("one", "two", "three"))
        self.near, self.far, self.narrow, self.idle = (
            Actor(f"tcl-{name}").new_netns() for name in ("near", "far", "narrow", "idle"))
        self.above, self.below = Actor("tcl-above"), Actor("tcl-below")
        if cgroups.above:
            self.above.tell("join_cgroup", cgroups.above)
            self.below.tell("join_cgroup", cgroups.below)
        self.wire()

    def wire(self):
        """A veth from near to far: its ends live and die with their namespaces."""
        def ip(actor, *words):
            subprocess.run(["nsenter", f"--net=/proc/{actor.pid}/ns/net", "ip", *words], check=True)
        ip(self.near, "link", "add", "wire0", "type", "veth", "peer", "name", "wire0", "netns", str(self.far.pid))
        for number, actor in enumerate((self.near, self.far), 1):
            ip(actor, "addr", "add", f"10.77.1.{number}/24", "dev", "wire0")
            ip(actor, "addr", "add", f"fd77::{number}/64", "dev", "wire0", "nodad")
            ip(actor, "link", "set", "wire0", "up")


class Play:
    """The connections of one act; the listeners are there before the tracers start."""

    def __init__(self, cast):
        self.cast, self.ports, self.truth = cast, {}, []
        cast.narrow.tell("set_sysctl", "ip_local_port_range", "30000 39999")
        for server, address in ((cast.two, "127.0.0.1"), (cast.three, "127.0.0.1"), (cast.two, "::1"),
                                (cast.two, "::ffff:127.77.5.1"), (cast.two, "127.77.4.1"), (cast.two, "127.77.8.1"),
                                (cast.far, "10.77.1.2"), (cast.far, "fd77::2"), (cast.near, "127.0.0.1"),
                                (cast.narrow, "127.0.0.1"), (cast.below, "127.0.0.1"), (cast.above, "127.0.0.1")):
            self.ports[server, address] = server.tell("listen", f"{address} {len(self.ports)}", address)
        cast.narrow.tell("set_sysctl", "ip_local_port_range", f"{ONLY_PORT} {ONLY_PORT}")
        self.keys = {pair: f"{pair[1]} {n}" for n, pair in enumerate(self.ports)}
        # A port of one's own: taken by a listener that nobody will meet, and given back.
        self.source = ("127.0.0.1", cast.one.tell("listen", "reserve", "127.0.0.1"))
        cast.one.tell("close", "reserve")

    def port(self, server, address="127.0.0.1"):
        return self.ports[server, address]

    def connect(self, client, server, address="127.0.0.1", to=None, source=None):
        return Connection(client, server, self.keys[server, address], to or address, self.port(server, address), source)

    def owned(self, connection, first, how, owners=None):
        """What must be said of this one's ends."""
        for role in "client", "server":
            actor = (owners or {}).get(role, connection.actor[role])
            self.truth.append((connection.end_of(role), CAUSES[how][role != first], how, actor.pid))

    def plain(self, client, server, first, how, address="127.0.0.1", to=None, source=None):
        connection = self.connect(client, server, address, to, source)
        connection.close(first, how)
        self.owned(connection, first, how)

    def given(self, other):
        """Another process gets the client's socket and closes it. Who connected stays the owner."""
        connection = self.connect(self.cast.one, self.cast.two)
        connection.give("client", other)
        connection.close("client")
        self.owned(connection, "client", "fin", {"client": self.cast.one})

    def forked(self):
        """A forked child is the last one to hold the socket. Who connected stays the owner."""
        connection = self.connect(self.cast.one, self.cast.two)
        child = connection.tell("client", "lend")
        self.cast.one.tell("let_go", child)
        connection.close_after("client")
        self.owned(connection, "client", "fin")

    def held(self):
        """The client resets it, and the server does not look: nothing but holding it tells whose it is."""
        connection = self.connect(self.cast.three, self.cast.two)
        connection.tell("client", "linger", 0)
        connection.tell("client", "close")
        self.owned(connection, "client", "rst")

    def people(self):
        one, two, three = self.cast.one, self.cast.two, self.cast.three
        self.plain(one, two, "client", "fin")
        self.plain(one, two, "server", "rst")
        self.plain(one, three, "server", "fin")
        self.plain(three, two, "client", "rst")
        self.plain(three, three, "client", "fin")
        self.given(three)
        self.forked()
        self.held()

    def addresses(self):
        one, two, three = self.cast.one, self.cast.two, self.cast.three
        self.plain(one, two, "client", "fin", "::1")
        self.plain(three, two, "server", "rst", "::1")
        self.plain(one, two, "server", "fin", "::ffff:127.77.5.1")
        self.plain(one, two, "client", "rst", "::ffff:127.77.5.1", to="127.77.5.1")
        self.plain(three, two, "client", "fin", "127.77.4.1", source=("127.77.6.1", 0))
        self.plain(three, two, "server", "rst", "127.77.8.1", source=("127.77.8.2", 0))
        # Twice the same tuple: the second takes it from the first one's TIME_WAIT.
        self.plain(one, two, "client", "fin", source=self.source)
        self.plain(one, two, "client", "fin", source=self.source)

    def places(self):
        near, far, narrow = self.cast.near, self.cast.far, self.cast.narrow
        above, below = self.cast.above, self.cast.below
        self.plain(near, far, "client", "fin", "10.77.1.2")
        self.plain(near, far, "server", "rst", "10.77.1.2")
        self.plain(near, far, "server", "fin", "fd77::2")
        self.plain(near, near, "client", "rst")
        self.plain(narrow, narrow, "server", "rst")
        self.plain(narrow, narrow, "server", "fin")
        self.plain(above, below, "client", "fin")
        self.plain(below, self.cast.two, "server", "rst")
        self.plain(above, above, "server", "fin")
        self.plain(self.cast.one, below, "client", "rst")

    def all(self):
        self.people()
        self.addresses()
        self.places()


def told(record):
    return end_of(record), record["cause"], record["how"], pid(record)


def word_for_word(record):
    """What must not depend on who listens; `pair` does: the other end may be filtered away."""
    return told(record) + (comm(record), record["first_closer"], record["closer"] and record["closer"]["pid"],
                           tuple(step["state"] for step in record["path"]), record["error"], record["complete"],
                           record["minisocket"], record["cgroup_id"], *record["rst"].values())


def difference(got, wanted):
    for record in (got - wanted).elements():
        yield f"too much: {record}"
    for record in (wanted - got).elements():
        yield f"missing: {record}"


class Act:
    """Some filters at once, and the tracer without one."""

    def __init__(self, cast, filters):
        self.play = Play(cast)
        self.filters = filters(self.play)
        ports = self.play.ports.values()
        self.everything = Tracer(ports=ports)
        self.filtered = [Tracer(*options, ports=ports) for _, options, _ in self.filters]
        self.tracers = [self.everything, *self.filtered]
        for tracer in self.tracers:
            tracer.ready()
        self.play.all()
        self.keys = {truth[0] for truth in self.play.truth}
        self.everything.wait_for(lambda found: len(self.mine(found)) >= len(self.play.truth), 15)
        for tracer, (_, _, wanted) in zip(self.filtered, self.filters):
            expected = len([*filter(wanted, self.mine(self.everything.records()))])
            tracer.wait_for(lambda found, n=expected: len(self.mine(found)) >= n, 5)
        for tracer in self.tracers:
            tracer.end()
        self.reference = self.mine(self.everything.records())
        # A tracer looks through open files now and then: one that is closed just then nobody has closed.
        self.blurred = [f"nobody closed {end_of(r)}" for r in self.reference if not r["owner"] and not r["closer"]]

    def mine(self, records):
        return [record for record in records if end_of(record) in self.keys]

    def results(self):
        truth = Counter(self.play.truth)
        got = Counter(map(told, self.reference))
        odd = {record[0] for record in got - truth}
        yield "without a filter every end is there once, with its cause and its owner", [
            *difference(got, truth), *(json.dumps(record) for record in self.reference if end_of(record) in odd)]
        for (name, options, wanted), tracer in zip(self.filters, self.filtered):
            yield name, [f"{' '.join(options)}: {problem}" for problem in self.check(tracer, wanted)]
        yield "no mini-socket's record passes where its socket's verdict does not", [
            f"{' '.join(options)}: {record}" for (_, options, _), tracer in zip(self.filters, self.filtered)
            for record in self.homeless(tracer)]

    def check(self, tracer, wanted):
        expected, got = [*filter(wanted, self.reference)], tracer.records()
        if tracer.process.returncode:
            yield f"status {tracer.process.returncode}: {tracer.err.lines}"
        yield from difference(Counter(map(word_for_word, self.mine(got))), Counter(map(word_for_word, expected)))
        yield from (f"a stranger came through: {told(record)}" for record in got if not wanted(record))
        if len(expected) == len(self.reference):
            yield "this test tests nothing: all pass"
        events = tracer.records("summary")[0]["events"]
        if not expected and set(tracer.argv) & {"--netns", "--addr"} and events:
            yield f"{events} observations left the kernel for nothing"

    def homeless(self, tracer):
        """Records of mini-sockets whose sockets' verdicts were not let through."""
        conns = {record["conn"] for record in tracer.records()}
        return (record for record in self.mine(tracer.records("minisocket")) if record["conn"] not in conns)


def who(play):
    one, two, three, idle = (str(actor.pid) for actor in (play.cast.one, play.cast.two, play.cast.three, play.cast.idle))
    port = play.port(play.cast.two)
    return [
        ("-p: what that process connected, also where another one closes it", ["-p", one], lambda r: str(pid(r)) == one),
        ("-p: what that process accepted", ["-p", two], lambda r: str(pid(r)) == two),
        ("-p: of a process that closes for others, only its own", ["-p", three], lambda r: str(pid(r)) == three),
        ("-p with two processes: either", ["-p", f"{one},{three}"], lambda r: str(pid(r)) in (one, three)),
        ("-p of a process without connections: nothing", ["-p", idle], lambda r: str(pid(r)) == idle),
        ("--comm: processes of that name", ["--comm", "tcl-two"], lambda r: comm(r) == "tcl-two"),
        ("--comm is a whole name, not a part of it", ["--comm", "tcl-tw"], lambda r: comm(r) == "tcl-tw"),
        ("-P with -p: only where both fit", ["-P", str(port), "-p", three],
         lambda r: port in ports(r) and str(pid(r)) == three),
    ]


def port_or_family(play):
    two, three, source = play.port(play.cast.two), play.port(play.cast.three), play.source[1]
    return [
        ("-P: both ends of what uses that port", ["-P", str(two)], lambda r: two in ports(r)),
        ("-P with two ports: either", ["-P", f"{two},{three}"], lambda r: two in ports(r) or three in ports(r)),
        ("-L: the end on that port, not its peer", ["-L", str(two)], lambda r: r["local"]["port"] == two),
        ("-D: the peer of that port, not the end on it", ["-D", str(two)], lambda r: r["peer"]["port"] == two),
        ("-L of a source port bound before connect()", ["-L", str(source)], lambda r: r["local"]["port"] == source),
        ("-L of a source port that connect() chose", ["-L", str(ONLY_PORT)], lambda r: r["local"]["port"] == ONLY_PORT),
        ("-D of a source port that connect() chose", ["-D", str(ONLY_PORT)], lambda r: r["peer"]["port"] == ONLY_PORT),
        ("-P of a source port that connect() chose: both ends", ["-P", str(ONLY_PORT)], lambda r: ONLY_PORT in ports(r)),
        ("-4: IPv4 on the wire, IPv4-mapped too", ["-4"], lambda r: r["family"] == 4),
        ("-6: IPv6 on the wire, not IPv4-mapped", ["-6"], lambda r: r["family"] == 6),
    ]


def by_address(_):
    networks = [("a host", "127.77.4.1"), ("a host, of IPv4-mapped sockets too", "127.77.5.1"),
                ("a network", "127.77.4.0/22"), ("a /8", "10.0.0.0/8"), ("all of IPv4", "0.0.0.0/0"),
                ("a single bit of difference", "127.77.4.0/24"), ("a host of IPv6", "::1"),
                ("a network of IPv6", "fd77::/16"), ("all of IPv6", "::/0"), ("nobody's network", f"{UNUSED}/32")]
    return [(f"--addr: {what}, on either side", ["--addr", network], within(network)) for what, network in networks]


def by_place(play):
    near, far = play.cast.near, play.cast.far
    return [
        ("--netns by path: its sockets, not their peers elsewhere", ["--netns", f"/proc/{near.pid}/ns/net"],
         lambda r: r["netns"] == near.netns),
        ("--netns by inode", ["--netns", str(far.netns)], lambda r: r["netns"] == far.netns),
        ("--netns of an idle one: nothing", ["--netns", str(play.cast.idle.netns)],
         lambda r: r["netns"] == play.cast.idle.netns),
        ("--netns with -6 and -D", ["--netns", str(near.netns), "-6", "-D", str(play.port(far, "fd77::2"))],
         lambda r: r["netns"] == near.netns and r["family"] == 6),
    ]


def by_cgroup(play):
    cgroups = play.cast.cgroups
    above, below = os.stat(cgroups.above).st_ino, os.stat(cgroups.below).st_ino
    return [
        ("--cgroup: its sockets and those of the one below", ["--cgroup", cgroups.above],
         lambda r: r["cgroup_id"] in (above, below)),
        ("--cgroup: the one below, without those above", ["--cgroup", cgroups.below], lambda r: r["cgroup_id"] == below),
        ("--cgroup of an idle one: nothing", ["--cgroup", cgroups.idle],
         lambda r: r["cgroup_id"] == os.stat(cgroups.idle).st_ino),
    ]


def by_verdict(play):
    one = str(play.cast.one.pid)
    return [
        ("--cause", ["--cause", "linger-zero"], lambda r: r["cause"] == "linger-zero"),
        ("--cause with two: either", ["--cause", "active-close,peer-reset"],
         lambda r: r["cause"] in ("active-close", "peer-reset")),
        ("--how fin", ["--how", "fin"], lambda r: r["how"] == "fin"),
        ("--how with two: either", ["--how", "rst,timeout"], lambda r: r["how"] in ("rst", "timeout")),
        ("--how with --cause: only where both fit", ["--how", "fin", "--cause", "active-close,peer-reset"],
         lambda r: r["cause"] == "active-close"),
        ("-4, -p, --how and --addr: only where all fit",
         ["-4", "-p", one, "--how", "rst", "--addr", "127.0.0.0/16"],
         lambda r: str(pid(r)) == one and r["how"] == "rst" and within("127.0.0.0/16")(r)),
    ]


def test_reused_addresses():
    """The kernel gives the memory of a socket out again at once, here on the same CPU: to one that is filtered away."""
    cpus = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cpus)})
    mine, server, other = Actor("tcl-mine"), Actor("tcl-server"), Actor("tcl-other")
    os.sched_setaffinity(0, cpus)
    port = server.tell("listen", "listener", "127.0.0.1")
    tracer = Tracer("-p", str(mine.pid), ports=[port]).ready()
    ends = set()
    for _ in range(10):
        connection = Connection(mine, server, "listener", "127.0.0.1", port)
        ends.add(connection.end_of("client"))
        connection.tell("client", "linger", 0)
        connection.tell("client", "close")
        other.tell("open_and_close", 20)
        connection.close_after("client", "rst")
    tracer.wait_for(lambda found: {end_of(r) for r in found} >= ends, 5)
    tracer.end()
    result("-p: what strangers open and close takes away nothing of what has just ended", [
        f"missing: {end}" for end in ends - {end_of(r) for r in tracer.records()}])


def test_strangers_handshakes(cgroup):
    """What never becomes a socket has its listener's cgroup: a full accept queue, a handshake that is given up."""
    tracer = Tracer("--cgroup", cgroup).ready()
    play = tcpclose("demo", "accept-overflow", "half-open-reset", f"--way={WAY}", "--json")
    tracer.end()
    result("--cgroup of an idle one: nor handshakes that end in their listener's name", [
        *([] if play.returncode == 0 else [f"the demo failed: {play.returncode}, {play.stderr}"]),
        *(f"{r['cause']} {end_of(r)}" for r in tracer.records())])


def test_all(cast):
    places = lambda play: by_place(play) + (by_cgroup(play) if cast.cgroups.above else [])
    for filters in who, port_or_family, by_address, places, by_verdict:
        act = lossless(lambda wanted=filters: Act(cast, wanted))
        for name, problems in act.results():
            result(name, problems)
    if not cast.cgroups.above:
        result("--cgroup", [], "no cgroup2 is mounted")


def main():
    reason = why_not() or next((f"no {tool}" for tool in ("ip", "nsenter") if not shutil.which(tool)), None)
    if reason:
        skip_all(reason)
    cgroups = Cgroups()
    try:
        test_all(Cast(cgroups))
        test_reused_addresses()
        if cgroups.idle:
            test_strangers_handshakes(cgroups.idle)
    finally:
        for actor in list(living):
            actor.end()
        cgroups.remove()
    finish()


if __name__ == "__main__":
    main()
