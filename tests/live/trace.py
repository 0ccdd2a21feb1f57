#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""Whose socket it was, and what is said of what began before the trace.

Many processes at once, over IPv4, IPv6 and IPv4-mapped; connections older than the trace; sockets
that the network ends while a process merely holds them; forked servers. The processes report what
they did, so that nothing has to be inferred.
"""
import json
import os
import subprocess
import tempfile
import time
from collections import defaultdict

from actors import Actor, Connection, peer_of
from tracing import BUILD, Tracer, end_of, eventually, finish, lossless, result, skip_all, started, tcpclose, why_not

CHURN = os.path.join(BUILD, "tests/live/churn")
ROUNDS = 2
WISHES = "frFRu" * ROUNDS
# RSTs sent and received, by cause; the causes that are not here are of ends by FIN.
RSTS = {"linger-zero": (1, 0), "unread-data": (1, 0), "peer-reset": (0, 1)}
# Cause of the server's end and of the client's, by the letter that the client sent.
WISHED = {"f": ("active-close", "passive-close"), "F": ("passive-close", "active-close"),
          "r": ("linger-zero", "peer-reset"), "R": ("peer-reset", "linger-zero"), "u": ("unread-data", "peer-reset")}
# States that the sensors of full sockets do not see: a mini-socket is in them.
MINI_STATES = {"TIME_WAIT"}


def owner(record):
    return record["owner"] and record["owner"]["pid"]


def said(records, ends):
    """What was said of each of these ends: lists, so that nothing said twice goes unseen."""
    found = defaultdict(list)
    for record in records:
        if end_of(record) in ends:
            found[end_of(record)].append(record)
    return found


def compare(found, truth, *keys):
    """truth: end -> values of these keys, which are what it says of that end, once."""
    for end, wanted in truth.items():
        got = [tuple(key(record) if callable(key) else record[key] for key in keys) for record in found[end]]
        if got != [wanted]:
            yield f"{end}: {got}, not {wanted}: {json.dumps(found[end])}"


class Mixed:
    """Clients and servers at once, traced with every observation."""

    def __init__(self):
        self.servers = {address: Actor(f"mix-server{n}") for n, address in
                        enumerate(("127.0.0.1", "::1", "::ffff:127.0.0.1"))}
        self.clients = [Actor(f"mix-client{n}") for n in range(2 * len(self.servers))]
        self.truth = {}
        self.ports = {address: server.tell("listen", "listener", address) for address, server in self.servers.items()}
        self.tracer = Tracer("-e", ports=self.ports.values()).ready()
        self.tracers = [self.tracer]
        self.play()
        self.tracer.wait_for(lambda found: {end_of(r) for r in found} >= set(self.truth), 20)
        self.tracer.end()
        self.lines = self.tracer.out.lines
        self.closes = said(self.tracer.records(), self.truth)
        for actor in [*self.clients, *self.servers.values()]:
            actor.end()

    def play(self):
        work = list(zip(self.clients, [*self.servers.items()] * 2))
        for server in self.servers.values():
            server.begin("serve", "listener", 2 * len(WISHES))
        for client, (address, _) in work:
            client.begin("burst", address, self.ports[address], WISHES)
        for actor in [*self.clients, *self.servers.values()]:
            for local, peer, wish in actor.result():
                end = (actor.netns, local["address"], local["port"], peer["address"], peer["port"])
                self.truth[end] = (WISHED[wish][actor in self.clients], actor.pid, actor.comm, True)


def test_verdicts(mixed):
    result("many processes at once: one verdict for each end, its cause, its owner and its name",
           compare(mixed.closes, mixed.truth, "cause", owner, lambda r: r["owner"] and r["owner"]["comm"], "complete"))
    result("an end by RST is one on the wire, counted where it left and where it came in", [
        f"{end}: {record['cause']}, {record['how']}, {record['rst']}, {record['evidence']}"
        for end, records in mixed.closes.items() for record in records
        if (record["rst"]["sent"], record["rst"]["received"]) != RSTS.get(record["cause"], (0, 0)) or
        record["how"] != ("rst" if record["cause"] in RSTS else "fin")])
    result("IPv4-mapped is IPv4, IPv6 is IPv6", [
        f"{end}: family {record['family']}" for end, records in mixed.closes.items() for record in records
        if record["family"] != (6 if ":" in end[1] else 4) or "ffff" in end[1]])


def test_unconnected():
    """The kernel gives up the local port before it says that a connect() is over."""
    actor, address = Actor("unc-client"), "127.0.0.1"
    refused = actor.tell("listen", "reserve", address)
    actor.tell("close", "reserve")
    # its queue has room for one: who comes next gets no answer
    mute = actor.tell("listen", "mute", address, 0)
    tracer = Tracer("-D", f"{refused},{mute}").ready()
    for each in address, f"::ffff:{address}":
        actor.ask("connect", f"refused {each}", each, refused)
    actor.tell("connect", "accepted", address, mute)
    port = actor.tell("try_to_connect", "unanswered", address, mute)
    actor.tell("close", "unanswered")
    tracer.wait_for(lambda found: len(found) >= 3, 20)
    tracer.end()
    got = [(r["cause"], owner(r), r["error"], r["complete"]) for r in tracer.records()]
    wanted = 2 * [("refused", actor.pid, "ECONNREFUSED", True)] + [("connect-cancelled", actor.pid, None, True)]
    result("a connect() that came to nothing has its owner, and its local port too", [
        *([] if got == wanted else [f"{tracer.out.lines}"]),
        *([] if got and tracer.records()[-1]["local"]["port"] == port else [f"the port was {port}"]),
        *(f"{record}" for record in tracer.records() if not record["local"]["port"])])


def nobody(record):
    """Things that no record may say, about whosever connection."""
    for key in "owner", "closer":
        if record.get(key) and not (record[key]["pid"] > 0 and record[key]["tid"] > 0 and record[key]["comm"]):
            yield f"{key} {record[key]}"
    for side in "local", "peer":
        if record[side]["port"] == 0 or record[side]["address"] in ("0.0.0.0", "::"):
            yield f"{side} {record[side]}"


def test_nobody(mixed):
    result("no port 0, no pid 0 and no address of nobody in any verdict, of strangers neither", [
        f"{problem}: {record}" for record in mixed.lines if record["type"] in ("close", "minisocket")
        for problem in nobody(record)])


def test_closers(mixed):
    problems = []
    for end, records in mixed.closes.items():
        for record in records:
            did_it = record["cause"] in ("active-close", "passive-close", "linger-zero", "unread-data")
            closer = record["closer"] and record["closer"]["pid"]
            if did_it and closer != mixed.truth[end][1] or not did_it and closer not in (None, mixed.truth[end][1]):
                problems.append(f"{end}: {record['cause']} by {record['closer']}")
    result("who closed is who closed, and never the other one, who merely was on the CPU", problems)


def test_events(mixed):
    result("seq counts every line", [f"{mixed.tracer.out.gaps} gaps"] if mixed.tracer.out.gaps else [])
    events = [line for line in mixed.lines if line["type"] == "event"]
    states = defaultdict(list)
    for event in events:
        if event["kind"] == "state" and event["new"] != event["old"]:
            states[event["conn"]].append(event["new"])
    problems = []
    for end, records in mixed.closes.items():
        for record in records:
            path = [step["state"] for step in record["path"] if step["state"] not in MINI_STATES]
            seen = [state for state in states[record["conn"]] if state != "CLOSE" or not record["minisocket"]]
            if seen != path:
                problems.append(f"{end}: path {path}, events {seen}")
    result("-e: the states observed of a socket are the path of its verdict", problems)
    result("-e: every observation of our sockets is joined to its connection, until its verdict is out",
           strays(mixed, events))


def strays(mixed, events):
    """What comes of a socket after its verdict (a process closes what an RST had ended) is joined to nothing.

    A snapshot is a look from outside, and may be ahead of what happened before. A stray RST is no connection's: where
    a FIN was sent twice, one may well come from where there was one (and is a record of its own, which says whose).
    """
    verdicts = {end[1:]: record for end, records in mixed.closes.items() for record in records}
    for event in events:
        verdict = verdicts.get(end_of({"netns": None, **event})[1:])
        late = verdict and event["kind"] in ("close-called", "destroy") and event["seq"] > verdict["seq"]
        if verdict and not event["conn"] and not late and event["kind"] not in ("snapshot", "rst-stray"):
            yield f"{event}, {verdict}"


def test_schema(mixed):
    name = "every line of it is valid by `tcpclose schema`"
    try:
        import jsonschema
    except ImportError:
        return result(name, [], "no python3-jsonschema")
    validator = jsonschema.Draft202012Validator(json.loads(tcpclose("schema").stdout))
    return result(name, (f"{line['type']} {'/'.join(map(str, error.path))}: {error.message}"
                         for line in mixed.lines for error in validator.iter_errors(line)))


class Older:
    """Connections that are there before the trace, and how each must be judged."""

    def __init__(self):
        self.client, self.server, self.away = Actor("old-client"), Actor("old-server"), Actor("old-away").new_netns()
        self.truth, self.ports = {}, []
        self.pending = [self.plan(*case) for case in (
            ("client", "fin", "127.0.0.1"), ("server", "fin", "127.0.0.1"), ("client", "rst", "127.0.0.1"),
            ("server", "rst", "127.0.0.1"), ("server", "fin", "::1"), ("client", "rst", "::1"),
            ("server", "fin", "::ffff:127.0.0.1"), ("client", "fin", "127.0.0.1", True),
            ("server", "rst", "127.0.0.1", True))]
        self.half = self.connect("127.0.0.1", False)
        self.half.tell("server", "shutdown")
        self.expect(self.half, "server", "fin")

    def connect(self, address, away):
        client, server = (self.away, self.away) if away else (self.client, self.server)
        key = f"for {len(self.ports)}"
        self.ports.append(server.tell("listen", key, address))
        return Connection(client, server, key, address, self.ports[-1])

    def expect(self, connection, first, how):
        causes = {"fin": ("active-close", "passive-close"), "rst": ("linger-zero", "peer-reset")}[how]
        for role in first, peer_of(first):
            self.truth[connection.end_of(role)] = (causes[role != first], how, connection.actor[role].pid, False)

    def plan(self, first, how, address, away=False):
        connection = self.connect(address, away)
        self.expect(connection, first, how)
        return connection, first, how

    def end(self):
        for connection, first, how in self.pending:
            connection.close(first, how)
        self.half.reads("client", "")
        self.half.tell("client", "close")
        self.half.reads("server", "")
        self.half.tell("server", "close")


def test_older():
    older = Older()
    tracer = Tracer("-P", ",".join(map(str, older.ports))).ready()
    older.end()
    tracer.wait_for(lambda found: {end_of(r) for r in found} >= set(older.truth), 20)
    tracer.end()
    found = said(tracer.records(), older.truth)
    result("older than the trace: cause, owner and both ends are right, and it is not complete",
           compare(found, older.truth, "cause", "how", owner, "complete"))
    result("older than the trace: who holds it owns it, nobody is said to have connected it", [
        f"{record['owner']}" for records in found.values() for record in records
        if record["owner"] and record["owner"]["source"] not in ("holds", "close")])


class Held:
    """RSTs end connections in softirq while processes hold on to them, and do not look."""

    def __init__(self, *options):
        self.client, self.server, self.away = Actor("held-client"), Actor("held-server"), Actor("held-away").new_netns()
        self.ports = {actor: actor.tell("listen", "listener", "127.0.0.1") for actor in (self.server, self.away)}
        self.tracer = Tracer(*(options or ["-P", ",".join(map(str, self.ports.values()))])).ready()
        self.truth, self.connections, self.seen = {}, [], False

    def records(self):
        return self.tracer.records()

    def wait(self):
        return self.tracer.wait_for(lambda found: {end_of(r) for r in found} >= set(self.truth), 15)

    def connect(self, client, server):
        return Connection(client, server, "listener", "127.0.0.1", self.ports[server])

    def reset(self, connection, first, pid):
        connection.tell(first, "linger", 0)
        connection.tell(first, "close")
        self.truth[connection.end_of(peer_of(first))] = ("peer-reset", pid, True)
        self.connections.append((connection, peer_of(first)))

    def play(self):
        client, server, away = self.client, self.server, self.away
        self.reset(self.connect(client, server), "client", server.pid)
        self.reset(self.connect(client, server), "server", client.pid)
        self.reset(self.connect(away, away), "client", away.pid)
        forked = self.connect(client, server)
        child = forked.tell("server", "lend")
        self.reset(forked, "client", child)
        self.queue(child)
        self.seen = self.wait()

    def queue(self, child):
        """One that nobody has accepted when the RST comes: it is the listener's, so its owner's."""
        local, peer = self.client.tell("connect", "queued", "127.0.0.1", self.ports[self.server])
        self.client.tell("linger", "queued", 0)
        self.client.tell("close", "queued")
        self.truth[(self.server.netns, *peer.values(), *local.values())] = ("peer-reset", self.server.pid, True)
        self.child = child

    def let_go(self):
        """They close at last what had ended long ago."""
        for connection, role in self.connections[:3]:
            connection.tell(role, "close")
        self.server.tell("let_go", self.child)
        self.server.tell("accept", "queued", "listener")
        self.server.tell("close", "queued")
        before = time.monotonic()
        self.tracer.end()
        self.took = time.monotonic() - before
        return said(self.records(), self.truth)


def test_held():
    held = Held()
    held.play()
    found = said(held.records(), held.truth)
    result("an RST ends what a process merely holds: the verdict comes while it is held, and names the holder",
           compare(found, held.truth, "cause", owner, "complete") if held.seen else ["no verdict", *map(str, held.truth)])
    result("closing it later is no second end",
           [f"{end}: {len(records)} verdicts" for end, records in held.let_go().items() if len(records) != 1])


def test_held_at_the_end():
    held = Held()
    for server in held.server, held.away:
        held.reset(held.connect(held.client if server is held.server else held.away, server), "client", server.pid)
    held.tracer.end()
    result("the trace ends as an RST does: whoever holds it then is named", compare(
        said(held.records(), held.truth), held.truth, "cause", owner, "complete"))


class Busy(Held):
    """The same, unfiltered, while the machine does little else than opening and closing connections.

    The verdicts, some 50,000 a second, go into a file: this test is no match for them.
    """

    def __init__(self, folder):
        self.path, self.place = os.path.join(folder, "closes.ndjson"), Actor("busy-place").new_netns()
        super().__init__("-o", self.path)
        self.tracers = [self.tracer]
        self.loads = [subprocess.Popen(["nsenter", f"--net=/proc/{self.place.pid}/ns/net", CHURN, "400000"],
                                       stdout=subprocess.PIPE) for _ in range(2)]
        started.extend(self.loads)
        for load in self.loads:
            load.stdout.readline()
        self.play()
        self.found = self.let_go()
        for load in self.loads:
            load.kill()
            load.communicate()
        self.place.end()

    def records(self):
        ports = "|".join(map(str, self.ports.values()))
        lines = subprocess.run(["grep", "-E", f'"port":({ports})[,}}].*}}$', self.path], stdout=subprocess.PIPE,
                               check=False)
        return [record for record in map(json.loads, lines.stdout.splitlines()) if record["type"] == "close"]

    def wait(self):
        return eventually(lambda: {end_of(r) for r in self.records()} >= set(self.truth), 15, 0.5)


def test_busy():
    name = "the same on a busy machine"
    if not os.access(CHURN, os.X_OK):
        return result(name, [], "no churn in this build")
    with tempfile.TemporaryDirectory(prefix="tcpclose-busy-") as folder:
        held = lossless(lambda: Busy(folder), tries=2)
    # Where the ring ran over it must say that it does not know; whose it was can still be asked.
    lost = " 0 lost" not in held.tracer.err.lines[-1]
    seen = compare(held.found, held.truth, lambda r: r["cause"] if r["complete"] or not lost else "peer-reset", owner,
                   lambda r: r["complete"] or lost)
    result(name, seen if held.seen else ["not before it was let go"])
    # The kernel takes its time to detach each of some twenty programs: a grace period that all CPUs must pass.
    return result("a busy machine does not keep Ctrl-C waiting", [f"{held.took:.1f} s"] if held.took > 10 else [])


class Forked:
    """Servers that accept, fork, and leave the socket to the child."""

    def __init__(self):
        self.client, self.server = Actor("fork-client"), Actor("fork-server")
        self.other = Actor("fork-other")
        self.port = self.server.tell("listen", "listener", "127.0.0.1")
        self.tracer = Tracer("-P", str(self.port)).ready()
        self.truth, self.owners = {}, set()

    def child_of(self, how):
        """The child closes (let_go), or is killed (kill); then the client closes too."""
        connection = Connection(self.client, self.server, "listener", "127.0.0.1", self.port)
        child = connection.tell("server", "lend")
        self.server.tell(how, child)
        connection.close_after("server")
        signal_number = 9 if how == "kill" else None
        # the parent accepted it, the child had it: both were its owners in their time
        self.truth[connection.end_of("server")] = ("active-close", True, child, signal_number)
        self.truth[connection.end_of("client")] = ("passive-close", False, self.client.pid, None)
        self.owners |= {self.server.pid, child}


    def given(self):
        """Accepted by one process, handed to another one (SCM_RIGHTS), which closes the last reference."""
        connection = Connection(self.client, self.server, "listener", "127.0.0.1", self.port)
        connection.give("server", self.other)
        connection.close("server")
        self.truth[connection.end_of("server")] = ("active-close", True, self.other.pid, None)
        self.truth[connection.end_of("client")] = ("passive-close", False, self.client.pid, None)
        self.owners |= {self.server.pid, self.other.pid}


def test_forked():
    forked = Forked()
    forked.given()
    forked.child_of("let_go")
    forked.child_of("kill")
    forked.tracer.wait_for(lambda found: {end_of(r) for r in found} >= set(forked.truth), 20)
    forked.tracer.end()
    result("a forked server's child, or who was handed the socket (SCM_RIGHTS), is who closed it, or was killed with it", compare(
        said(forked.tracer.records(), forked.truth), forked.truth, "cause",
        lambda r: owner(r) in forked.owners, lambda r: r["closer"] and r["closer"]["pid"],
        lambda r: r["exit"] and r["exit"]["signal"]))


def main():
    reason = why_not()
    if reason:
        skip_all(reason)
    mixed = lossless(Mixed)
    for test in test_verdicts, test_nobody, test_closers, test_events, test_schema:
        test(mixed)
    for test in test_unconnected, test_older, test_forked, test_held, test_held_at_the_end, test_busy:
        test()
    finish()


if __name__ == "__main__":
    main()
