#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""Every birth and every end of a mini-socket, in network namespaces of its own; and 20,000 of them counted.

What is produced is produced by what the programs do (and one forged RST); what the kernel holds is
what its own files say: /proc/net/sockstat and /proc/net/netstat of that namespace.
"""
import json
import os
import shutil
import subprocess
from collections import Counter

from actors import Actor, Connection
from tracing import Tracer, end_of, eventually, finish, result, skip_all, why_not

HOST = "127.0.0.1"
COUNT = int(os.environ.get("MINIS", "20000"))
PAUSES = 4
TRIES = 3
SS = shutil.which("ss", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


class Place:
    """A network namespace with a server and a client in it."""

    def __init__(self, name, **sysctls):
        self.server = Actor(f"{name}-server").new_netns()
        self.client = Actor(f"{name}-client").join_netns(self.server)
        for key, value in sysctls.items():
            self.set(key, value)
        self.port = self.server.tell("listen", "listener", HOST)

    def set(self, key, value):
        self.server.tell("set_sysctl", key, str(value))

    def connect(self, source=None):
        return Connection(self.client, self.server, "listener", HOST, self.port, source)

    def inside(self, *command):
        return subprocess.run(["nsenter", f"--net=/proc/{self.server.pid}/ns/net", *command], check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def file(self, name):
        with open(f"/proc/{self.server.pid}/net/{name}", encoding="ascii") as file:
            return file.read().splitlines()

    def held(self):
        """Mini-sockets, says the kernel."""
        words = next(line for line in self.file("sockstat") if line.startswith("TCP:")).split()
        return int(words[words.index("tw") + 1])

    def made(self):
        """Since the namespace began: those that were to last, and those of four seconds or less."""
        names, values = (line.split() for line in self.file("netstat")[:2])
        counters = dict(zip(names, values))
        return int(counters["TW"]) + int(counters["TWKilled"])

    def rsts(self):
        """Sent in the namespace since it began."""
        names, values = (line.split() for line in self.file("snmp") if line.startswith("Tcp:"))
        return int(dict(zip(names, values))["OutRsts"])

    def end(self):
        self.client.end()
        self.server.end()


def events(tracer, kind, end):
    return [r for r in tracer.records("event") if r["kind"] == kind and end_of({"netns": end[0], **r}) == end]


def said(tracer, kind, end):
    return [r for r in tracer.records(kind) if end_of(r) == end]


def half_closed(place, tracer, connection):
    """The client closes; the server does not. FIN_WAIT2 goes on in a mini-socket."""
    connection.tell("client", "close")
    end = connection.end_of("client")
    if not tracer.out.wait(lambda _: any(e["mini"]["state"] == "FIN_WAIT2" for e in events(tracer, "minisocket", end)), 20):
        raise RuntimeError(f"no FIN_WAIT2 mini-socket for {end}")
    return end


def again(place, connection):
    """The same addresses once more."""
    return place.connect((HOST, connection.ends["client"][1]["port"]))


# Each makes one mini-socket and ends it; says whose it was.

def expires(place, tracer):
    place.set("tcp_fin_timeout", 1)
    end = half_closed(place, tracer, place.connect())
    place.set("tcp_fin_timeout", 60)
    return end


def gets_data(place, tracer):
    connection = place.connect()
    end = half_closed(place, tracer, connection)
    connection.tell("server", "write", "late")
    return end


def gets_rst(place, tracer):
    connection = place.connect()
    end = half_closed(place, tracer, connection)
    connection.tell("server", "linger", 0)
    connection.tell("server", "close")
    return end


def gets_rst_in_time_wait(place, tracer):
    place.server.tell("watch_wire")
    connection = place.connect()
    connection.close("client")
    end = connection.end_of("client")
    place.server.tell("forge_rst", end[1:3], end[3:5])
    return end


def is_connected_over(place, tracer):
    connection = place.connect((HOST, 0))
    connection.close("client")
    again(place, connection).close("server")
    return connection.end_of("client")


def is_connected_over_in_fin_wait2(place, tracer):
    connection = place.connect((HOST, 0))
    end = half_closed(place, tracer, connection)
    again(place, connection).close("server")
    return end


def gets_syn(place, tracer):
    connection = place.connect((HOST, 0))
    connection.close("server")
    again(place, connection).close("client")
    return connection.end_of("server")


def destroy(place, end):
    place.inside(SS, "-K", "-tn", "state", "all", "sport", f"= :{end[2]}", "dport", f"= :{end[4]}")


def is_destroyed(place, tracer):
    connection = place.connect()
    connection.close("client")
    destroy(place, connection.end_of("client"))
    return connection.end_of("client")


def is_destroyed_in_fin_wait2(place, tracer):
    end = half_closed(place, tracer, place.connect())
    destroy(place, end)
    return end


def is_refused(place, tracer):
    place.set("tcp_max_tw_buckets", 0)
    connection = place.connect()
    connection.tell("client", "shutdown")
    connection.reads("server", "")
    connection.tell("server", "close")
    connection.reads("client", "")
    connection.tell("client", "close")
    place.set("tcp_max_tw_buckets", 65536)
    return connection.end_of("client")


def is_refused_in_fin_wait2(place, tracer):
    place.set("tcp_max_tw_buckets", 0)
    connection = place.connect()
    connection.tell("client", "close")
    connection.reads("server", "")
    end = connection.end_of("client")
    if not eventually(lambda: said(tracer, "close", end), 20):
        raise RuntimeError("no verdict")
    place.set("tcp_max_tw_buckets", 65536)
    return end


# What makes it, its end, and its socket's cause.
ENDS = (
    ("FIN_WAIT2 expires", expires, "expired", "fin-wait2-timeout"),
    ("FIN_WAIT2 gets data", gets_data, "data", "data-after-close"),
    ("FIN_WAIT2 gets an RST", gets_rst, "reset", "peer-reset"),
    ("TIME_WAIT gets an RST", gets_rst_in_time_wait, "reset", "active-close"),
    ("connect() takes TIME_WAIT over", is_connected_over, "reused", "active-close"),
    ("connect() takes FIN_WAIT2 over", is_connected_over_in_fin_wait2, "reused", "address-reused"),
    ("TIME_WAIT gets a newer SYN", gets_syn, "new-syn", "active-close"),
    ("TIME_WAIT is destroyed", is_destroyed, "destroyed", "active-close"),
    ("FIN_WAIT2 is destroyed", is_destroyed_in_fin_wait2, "destroyed", "destroyed"),
    ("TIME_WAIT has no room", is_refused, "never-created", "active-close"),
    ("FIN_WAIT2 has no room", is_refused_in_fin_wait2, "never-created", "time-wait-overflow"),
)


def may_destroy():
    """A mini-socket can be destroyed since v5.19 or so, where the kernel has SOCK_DESTROY at all."""
    place = Place("try")
    place.connect().close("client")
    done = SS and eventually(place.held, 5) and place.inside(SS, "-K", "-tn", "state", "time-wait").returncode == 0
    done = done and eventually(lambda: not place.held(), 5)
    place.end()
    return done


def tried(name, play):
    """Each try is one of its own: a kernel that hides a whole softirq now and then hides no two (ARCHITECTURE.md)."""
    for attempt in range(TRIES):
        try:
            problems = list(play())
        except (RuntimeError, OSError) as error:  # what should have been there to be ended was not
            problems = [f"{error!r}"]
        if not problems:
            break
        print(f"# attempt {attempt + 1}, load {os.getloadavg()[0]:.1f}: {name}: {problems[0][:500]}")
    result(name, problems)


def check_end(tracer, end, want, cause):
    tracer.out.wait(lambda _: said(tracer, "minisocket", end), 20)
    minis = said(tracer, "minisocket", end)
    closes = [r for r in said(tracer, "close", end) if minis and r["conn"] == minis[0]["conn"]]
    if not minis or (minis[0]["end"], minis[0]["complete"]) != (want, True):
        yield f"{end}: {json.dumps(minis)}, not {want}"
    if not closes or closes[0]["cause"] != cause:
        yield f"{end}: {json.dumps(closes)}, not {cause}"


def test_ends():
    place = Place("ends")
    tracer = Tracer("-e", ports=[place.port]).ready()
    able = may_destroy()
    for name, make, want, cause in ENDS:
        if want == "destroyed" and not able:
            result(f"{name}: {want}", [], skip="no ss, or a kernel that destroys no mini-socket")
            continue
        tried(f"{name}: {want}, {cause}",
              lambda make=make, want=want, cause=cause: check_end(tracer, make(place, tracer), want, cause))
    tried("a FIN soon after FIN_WAIT2 began is noticed long before anything runs out", lambda: steps(place, tracer))
    tried("a FIN that winds the timer up with a trace is no end", lambda: steps_with_a_trace(place, tracer))
    tracer.end()
    place.end()


def steps(place, tracer):
    """Within the timer wheel's bucket nothing is traced; sixty seconds would be too late."""
    connection = place.connect()
    end = half_closed(place, tracer, connection)
    connection.tell("server", "close")
    tracer.out.wait(lambda _: said(tracer, "close", end), 20)
    if [r["cause"] for r in said(tracer, "close", end)] != ["active-close"]:
        yield f"{end}: {said(tracer, 'close', end)}"


def steps_with_a_trace(place, tracer):
    """Thirty seconds wound up to sixty: another bucket, and no end."""
    place.set("tcp_fin_timeout", 30)
    connection = place.connect()
    end = half_closed(place, tracer, connection)
    connection.tell("server", "close")
    place.set("tcp_fin_timeout", 60)
    tracer.out.wait(lambda _: said(tracer, "close", end), 20)
    seen = [r for kind in ("minisocket-timer-off", "minisocket-timer-on") for r in events(tracer, kind, end)]
    if [r["cause"] for r in said(tracer, "close", end)] != ["active-close"]:
        yield f"{end}: {said(tracer, 'close', end)}"
    if [(r["mini"]["state"], r["mini"].get("by", "rearm")) for r in seen] != [("TIME_WAIT", "rearm")]:
        yield f"{end}: {seen}"
    if said(tracer, "minisocket", end):
        yield f"{end}: {said(tracer, 'minisocket', end)}"


def namespace():
    place = Place("gone")
    tracer = Tracer("-e", ports=[place.port]).ready()
    waiting, half = place.connect(), place.connect()
    waiting.close("client")
    ends = [(waiting.end_of("client"), "active-close"), (half_closed(place, tracer, half), "namespace-gone")]
    # the server goes too, and the client must not hear of it
    place.inside("ip", "link", "set", "lo", "down")
    half.tell("server", "linger", 0)
    half.tell("server", "close")
    place.end()
    for end, cause in ends:
        yield from check_end(tracer, end, "namespace-gone", cause)
    tracer.end()


def older():
    """Born before the trace, in a namespace that is not the tracer's."""
    place = Place("older")
    waiting, half = place.connect((HOST, 0)), place.connect()
    waiting.close("client")
    half.tell("client", "close")
    half.reads("server", "")
    if not eventually(lambda: place.held() == 2, 20):
        raise RuntimeError(f"{place.held()} mini-sockets, not 2")
    tracer = Tracer("-e", ports=[place.port]).ready()
    found = {half.end_of("client"), waiting.end_of("client")}
    tracer.out.wait(lambda _: all(events(tracer, "minisocket-found", end) for end in found), 20)
    half.tell("server", "write", "late")
    again(place, waiting).close("server")
    for connection, want in (half, "data"), (waiting, "reused"):
        end = connection.end_of("client")
        tracer.out.wait(lambda _, end=end: said(tracer, "minisocket", end), 20)
        got = [(r["end"], r["complete"], r["owner"]) for r in said(tracer, "minisocket", end)]
        if got != [(want, False, None)]:
            yield f"{end}: {got}, not {want}"
    tracer.end()
    place.end()


class Counted:
    """Graceful closes, and what both sides said of them at every pause and after the last expiry."""

    def __init__(self):
        self.place = Place("count", tcp_tw_reuse=0, tcp_max_tw_buckets=200000, ip_local_port_range="2000 65000")
        self.tracer = Tracer("--netns", f"/proc/{self.place.server.pid}/ns/net", ports=[self.place.port]).ready()
        self.problems = []
        for pause in range(1, PAUSES + 1):
            self.play(COUNT // PAUSES, "F" if pause % 2 else "f")
            self.compare(f"pause {pause}", 2 * pause * (COUNT // PAUSES))
        eventually(lambda: not self.place.held(), 100, every=0.2)
        self.compare("the last expiry", 2 * PAUSES * (COUNT // PAUSES))
        self.rsts = self.place.rsts()
        self.tracer.end()
        self.place.end()
        self.ends = Counter(r["end"] for r in self.tracer.records("minisocket"))
        self.summary = self.tracer.records("summary")[0]

    def play(self, count, wish):
        self.place.server.begin("serve", "listener", count)
        self.place.client.begin("burst", HOST, self.place.port, wish * count)
        self.place.client.result("burst")
        self.place.server.result("serve")

    def seen(self):
        lines = list(self.tracer.out.lines)
        closes = [r for r in lines if r["type"] == "close"]
        ended = sum(r["type"] == "minisocket" for r in lines)
        return len(closes), sum(r["minisocket"] is not None for r in closes), ended

    def compare(self, when, closes):
        """Asked again until both agree: a record takes its time to come."""
        def agree():
            got, born, ended = self.seen()
            made = self.place.made()
            # v5.10 counts the one that has run out, not the one that is made
            return got == closes and born - ended == self.place.held() and (born == made or ended == made)
        if not eventually(agree, 30, every=0.1):
            self.problems.append(f"after {when}: verdicts, births, ends {self.seen()}; "
                                 f"the kernel holds {self.place.held()}, made {self.place.made()}")


def test_count():
    for attempt in range(TRIES):
        counted = Counted()
        # or kept from every program by a kernel of a micro-VM platform (ARCHITECTURE.md)
        if not counted.problems and not any(counted.summary[key] for key in ("lost", "missed", "open")):
            break
        print(f"# attempt {attempt + 1}: {counted.problems} {counted.summary}")
    print(f"# ends: {dict(counted.ends)}")
    result(f"{COUNT} graceful closes: births, deaths and what is held are the kernel's, at every pause and at the end",
           counted.problems)
    result("nothing is left of them", [
        f"{key}: {counted.summary[key]}" for key in ("open", "minisockets", "evicted") if counted.summary[key]])
    # there are kernels of micro-VM platforms that hide timers from every BPF program (ARCHITECTURE.md)
    unseen = counted.ends.pop("unseen", 0)
    # a FIN sent twice on a slow machine: TIME_WAIT's ACK finds nobody, who answers with an RST
    resets = counted.ends.pop("reset", 0)
    result("each ended by running out, a newer SYN or an RST that was sent, but for those few whose end was hidden", [
        *([] if resets <= counted.rsts else [f"{resets} reset, {counted.rsts} RSTs were sent"]),
        *([] if set(counted.ends) <= {"expired", "new-syn"} else [f"{dict(counted.ends)}"]),
        *([] if unseen <= COUNT // 10 else [f"{unseen} unseen"])])


def main():
    reason = why_not()
    if reason:
        skip_all(reason)
    test_ends()
    tried("a namespace takes its mini-sockets with it: namespace-gone", namespace)
    tried("mini-sockets that are older than the trace are found, and their ends are told", older)
    if COUNT:
        test_count()
    finish()


if __name__ == "__main__":
    main()
