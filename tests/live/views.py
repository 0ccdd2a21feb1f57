#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""time-wait and stuck: they name the right process, and agree with the kernel's own counts.

Actors in a network namespace of their own, so that its sockstat and its settings are the test's alone.
"""
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

from actors import Actor, Connection
from tracing import READY, TCPCLOSE, WAY, Lines, eventually, finish, result, skip_all, started, tcpclose, why_not

ADDRESS = "10.77.9.1"
MANY = 60


class View:
    """A view beside the test: it says when it is ready, and its one line is read at the end."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen([TCPCLOSE, *arguments, f"--way={WAY}"], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started.append(self.process)
        self.out, self.err = Lines(self.process.stdout), Lines(self.process.stderr)
        if not self.err.wait(lambda lines: READY in lines, 150):
            raise RuntimeError(f"{arguments} did not get ready: {self.err.lines}")

    def end(self):
        """Its only object, and its status."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)
        for lines in self.out, self.err:
            lines.thread.join(60)
        if len(self.out.lines) != 1:
            raise RuntimeError(f"{len(self.out.lines)} lines: {self.out.lines} {self.err.lines}")
        return json.loads(self.out.lines[0]), self.process.returncode


def inside(actor, path):
    return subprocess.run(["nsenter", f"--net=/proc/{actor.pid}/ns/net", "cat", path], check=True,
                          stdout=subprocess.PIPE, text=True).stdout


def is_quiet(actor):
    """Nothing but listeners and TIME_WAIT is left there."""
    return {line.split()[3] for line in inside(actor, "/proc/net/tcp").splitlines()[1:]} <= {"0A", "06"}


def kernel_count(actor):
    line = next(line for line in inside(actor, "/proc/net/sockstat").splitlines() if line.startswith("TCP:"))
    words = line.split()
    return int(words[words.index("tw") + 1])


def play_bill(proxy, server, settings, tenth, afterwards):
    """The proxy connects and closes first, MANY times; one in ten times `tenth` does."""
    for name, value in settings.items():
        proxy.tell("set_sysctl", name, value)
    port = server.tell("listen", f"listener {settings}", ADDRESS)
    view = View("time-wait", "--json", "--netns", str(proxy.netns), "-d", "600")
    for i in range(MANY):
        Connection(proxy, server, f"listener {settings}", ADDRESS, port).close(tenth if i % 10 == 9 else "client")
    # twice: the last mini-socket is listed a moment before its timer is armed, which is when it is traced
    eventually(lambda: is_quiet(proxy) and is_quiet(proxy), 10)
    for name, value in afterwards.items():
        proxy.tell("set_sysctl", name, value)
    bill, status = view.end()
    return bill, status, port


def advices(bill):
    return {advice["advice"] for advice in bill["advice"]}


def check_counts(bill, status, port, shares, kernel):
    """Everything that must be true of it, whatever the settings; an early end (a stray RST) is the kernel's business."""
    owners = {owner["comm"]: owner for owner in bill["by_owner"]}
    peers = {(peer["peer"]["address"], peer["peer"]["port"], peer["role"]): peer["count"]["mini_sockets"]
             for peer in bill["by_peer"]}
    known = bill["mini_sockets"] - bill["older"]
    early = MANY - known
    if status or bill["type"] != "time-wait" or bill["lost"]:
        yield f"status {status}, {bill['type']}, lost {bill['lost']}"
    # on a slow machine more than a second passes: where tcp_tw_reuse is on, ports are then taken again
    reused = sum(lifetime["ended"] for lifetime in bill["lifetimes"] if lifetime["end"] in ("reused", "unseen"))
    if bill["born"] != MANY or not 0 <= early <= MANY // 10 + reused:
        yield f"{bill['born']} born, {known} known; should be {MANY}: {bill['lifetimes']}"
    if not kernel <= bill["mini_sockets"] == bill["kernel_mini_sockets"]:
        yield f"{bill['mini_sockets']}, the kernel counts {bill['kernel_mini_sockets']}, then {kernel}"
    for actor, share in shares.items():
        owner = owners.get(actor.comm)
        if share and (not owner or owner["pid"] != actor.pid or
                      not share - early <= owner["count"]["mini_sockets"] <= share):
            yield f"of {actor.comm}:{actor.pid} should be {share}: {owner}"
    if not max(shares.values()) - early <= peers.get((ADDRESS, port, "connected"), 0) <= max(shares.values()):
        yield f"towards port {port}: {peers}"
    if {came["came"] for came in bill["by_came"]} - {"active-close", "pending", "older"}:
        yield f"came to be: {bill['by_came']}"


def check_destination(bill, port, held, ports):
    found = [d for d in bill["destinations"] if d["peer"] == {"address": ADDRESS, "port": port}]
    early = MANY - bill["mini_sockets"] + bill["older"]
    if len(found) != 1 or not held - early <= found[0]["held_ports"] <= held or found[0]["range_ports"] != ports:
        yield f"destinations: {bill['destinations']}"
        return
    used = found[0]["held_ports"] + found[0]["open_ports"]
    if abs(found[0]["used_share"] - used / found[0]["range_ports"]) > 0.001:
        yield f"used: {found[0]}"


def bill_tests(proxy, server):
    rounds = (
        ({"ip_local_port_range": "40000 42047", "ip_local_reserved_ports": "39000-40009,41000",
          "tcp_tw_reuse": "2", "tcp_timestamps": "1"}, 40000, 42047,
         {"closes-first", "reuse-loopback-only"}, {"reuse-applies", "ports-short"}),
        ({"ip_local_port_range": "50000 50063", "tcp_tw_reuse": "0", "tcp_timestamps": "1"}, 50000, 50063,
         {"closes-first", "reuse-off", "ports-short"}, {"reuse-applies", "not-short"}),
        ({"ip_local_port_range": "51000 51063", "tcp_tw_reuse": "1", "tcp_timestamps": "1"}, 51000, 51063,
         {"closes-first", "reuse-applies"}, {"ports-short", "reuse-off"}),
        ({"ip_local_port_range": "52000 52063", "tcp_tw_reuse": "1", "tcp_timestamps": "0"}, 52000, 52063,
         {"closes-first", "no-timestamps", "ports-short"}, {"reuse-applies"}),
        # they are on now, but these connections had none
        ({"ip_local_port_range": "53000 53063", "tcp_tw_reuse": "1", "tcp_timestamps": "0"}, 53000, 53063,
         {"closes-first", "no-timestamps", "ports-short"}, {"reuse-applies"}),
    )
    for number, (settings, first, last, given, withheld) in enumerate(rounds):
        afterwards = {"tcp_timestamps": "1"} if number == 4 else {}
        # where ports are few, one that the server's mini-socket remembers is soon taken again (new-syn)
        few = last - first < 1000
        shares = {proxy: MANY, server: 0} if few else {proxy: MANY - MANY // 10, server: MANY // 10}
        bill, status, port = play_bill(proxy, server, settings, "client" if few else "server", afterwards)
        name = f"tcp_tw_reuse {settings['tcp_tw_reuse']}, tcp_timestamps {settings['tcp_timestamps']}" + (
            ", then 1" if afterwards else "")
        # by kprobe no program is run where one was interrupted, and no other can step in: the bill says so
        missed = f"{bill['lost']} events were missed, and that is said" if WAY == "kprobe" and bill["lost"] else None
        counts = check_counts(bill, status, port, shares, kernel_count(proxy))
        held = check_destination(bill, port, shares[proxy],
                                 last - first + 1 - (11 if "ip_local_reserved_ports" in settings else 0))
        result(f"{name}: owners, ends and counts are the kernel's", [] if missed else counts, missed)
        result(f"{name}: ports held of those that there are", [] if missed else held, missed)
        # what was missed may be a reason to say less, but never to say the opposite
        result(f"{name}: the advice follows",
               [f"{advices(bill)}, should have {given} and none of {withheld}, lost {bill['lost']}"]
               if (given - advices(bill) and not missed) or withheld & advices(bill) else [])


def filter_tests(proxy, server):
    """With -p only that process's, and nothing is said of what others may hold."""
    port = server.tell("listen", "filtered", ADDRESS)
    view = View("time-wait", "--json", "-p", str(proxy.pid), "-d", "600")
    for i in range(6):
        Connection(proxy, server, "filtered", ADDRESS, port).close("server" if i % 2 else "client")
    # twice: the last mini-socket is listed a moment before its timer is armed, which is when it is traced
    eventually(lambda: is_quiet(proxy) and is_quiet(proxy), 10)
    bill, status = view.end()
    owners = [(o["comm"], o["count"]["mini_sockets"]) for o in bill["by_owner"]]
    result("-p shows the mini-sockets of that process and no others", [] if not status and bill["partial"] and
           owners == [(proxy.comm, 3)] and "not-short" not in advices(bill) else [status, bill])


def stuck_on(port, *options):
    """What `stuck` says of sockets on that port."""
    return json.loads(tcpclose("stuck", f"--way={WAY}", "--json", "-P", str(port), *options).stdout)


def end_in(line, connection, role):
    """That end of that connection; {} when it is not said to be stuck."""
    netns, local, peer = connection.ends[role]
    return next((s for s in line["sockets"] if (s["netns"], s["local"], s["peer"]) == (netns, local, peer)), {})


def check_forgotten(sock, forgetful, keeper, client):
    """The server's end: the peer has closed, two processes hold it and will not."""
    if sock.get("state") != "CLOSE_WAIT":
        yield f"not found: {sock}"
        return
    holders = {(h["pid"], h["comm"]) for h in sock["holders"]}
    if holders != {(forgetful.pid, forgetful.comm), (keeper.pid, keeper.comm)} or sock["descriptors"] != 2:
        yield f"holders: {sock['holders']}"
    for holder in sock["holders"]:
        if not os.readlink(f"/proc/{holder['pid']}/fd/{holder['fd']}").startswith("socket:"):
            yield f"no socket: {holder}"
    if sock["waits_for"] != "program-close" or "called close()" not in sock["words"]:
        yield f"{sock['waits_for']}: {sock['words']}"
    if (sock["unread_bytes"], sock["unsent_bytes"], sock["unacked_bytes"]) != (5, 0, 0):
        yield f"bytes: {sock}"
    if client.comm in sock["words"]:
        yield f"blames the client: {sock['words']}"


def stuck_tests():
    forgetful, keeper, client = Actor("tcl-forgets"), Actor("tcl-keeps"), Actor("tcl-client")
    port = forgetful.tell("listen", "listener", "127.0.0.1")
    view = View("stuck", "--json", "-P", str(port), "--older", "0", "-d", "600")
    connection = Connection(client, forgetful, "listener", "127.0.0.1", port)
    connection.tell("client", "write", "Hello")
    connection.tell("server", "give")
    keeper.tell("take", "passed on")
    connection.tell("client", "shutdown")
    connection.tell("client", "close")
    waiting = Connection(client, forgetful, "listener", "127.0.0.1", port)
    waiting.tell("client", "shutdown")

    line = stuck_on(port, "--older", "0")
    result("a program that forgets to close is found at once, with all who hold it",
           check_forgotten(end_in(line, connection, "server"), forgetful, keeper, client))
    sock = end_in(line, waiting, "client")
    result("who has shut down only writing waits for the peer's FIN", [] if sock.get("state") == "FIN_WAIT2" and
           sock["waits_for"] == "peer-fin" and sock["holders"][0]["pid"] == client.pid else [line])
    flying = Connection(client, forgetful, "listener", "127.0.0.1", port)
    flying.tell("server", "give")
    flying.tell("server", "close")
    flying.tell("client", "close")
    sock = end_in(stuck_on(port, "--older", "0"), flying, "server")
    result("what is in flight between two processes is found, though nobody holds it",
           [] if sock.get("waits_for") == "unseen-holder" and not sock["holders"] else [sock])
    keeper.tell("take", "landed")
    keeper.tell("close", "landed")

    result("what is older than the watch is at least so old",
           [s for s in line["sockets"] if not s["at_least"] and not s["mini_socket"]])
    line = stuck_on(port, "--older", "3600")
    result("who has not been stuck for long is only counted",
           [line] if line["sockets"] or not line["younger"] else [])

    line, status = view.end()
    states = sorted((s["state"], s["at_least"]) for s in line["sockets"])
    result("ages of what entered its state under watch are exact", [] if not status and line["sockets"] and
           not any(least for _, least in states) and line["sockets"][0]["age_ns"] < line["watched_ns"] else [line])
    run = tcpclose("stuck", f"--way={WAY}", "--json", "-p", str(keeper.pid), "--older", "0")
    found = json.loads(run.stdout)["sockets"]
    result("-p finds what a process holds that did not accept it",
           [] if [s["local"]["port"] for s in found] == [port] else [found])
    run = tcpclose("stuck", f"--way={WAY}", "--once", "-P", str(port), "--older", "0")
    wanted = f"tcl-forgets:{forgetful.pid} (fd "
    result("the text names the process too", [] if wanted in " ".join(run.stdout.split()) else [run.stdout])
    for actor in forgetful, keeper, client:
        actor.end()


def live(meanwhile, enough, *arguments):
    """On a terminal: meanwhile() once it is drawn, then Ctrl-C when enough(what is drawn). That, and its status."""
    main, other = pty.openpty()
    fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    process = subprocess.Popen([TCPCLOSE, *arguments, f"--way={WAY}"], stdin=subprocess.DEVNULL, stdout=other,
                               stderr=subprocess.DEVNULL)
    started.append(process)
    os.close(other)
    drawn = b""
    until = time.monotonic() + 60
    while time.monotonic() < until and not enough(drawn.decode(errors="replace")):
        if meanwhile and drawn.count(b"\033[H") > 1:
            meanwhile()
            meanwhile = None
        if select.select([main], [], [], 1)[0]:
            drawn += os.read(main, 65536)
    process.send_signal(signal.SIGINT)
    while True:
        try:
            more = os.read(main, 65536)
        except OSError:  # the other side is closed
            break
        if not more:
            break
        drawn += more
    os.close(main)
    return drawn.decode(), process.wait(60)


def live_tests(proxy, server):
    port = server.tell("listen", "live", ADDRESS)

    def play():
        for _ in range(7):
            Connection(proxy, server, "live", ADDRESS, port).close("client")

    # by kprobe no program is run where one was interrupted: such a one is not there, or nobody knows how it came
    count = "[1-7]" if WAY == "kprobe" else "7"

    def told(drawn):
        return re.search(r"\n +[1-7] +[0-9.]+  active-close", drawn) and re.search(f"{count} mini-sockets", drawn)

    def redrawn(drawn):
        return drawn.count("\033[H") > 3
    for command, word, meanwhile, enough in (
            (("time-wait", "-P", str(port), "--netns", str(proxy.netns)), f"{count} mini-sockets", play, told),
            (("stuck",), "", None, redrawn)):
        drawn, status = live(meanwhile, enough, *command)
        if not enough(drawn):
            result(f"{command[0]} is drawn on a terminal", [drawn])
            continue
        frames = drawn.split("\033[H")
        problems = [] if status == 0 else [f"status {status}"]
        if any(frame.count("\n") > 29 for frame in frames[2:-1]):
            problems.append("a frame is higher than the terminal")
        if not frames[-1].startswith("\033[J") or not re.search(word, frames[-1]):
            problems.append(f"the last frame is not whole: {frames[-1]!r}")
        result(f"{command[0]} is drawn on a terminal again and again, and ends in order", problems)


def usage_tests():
    for command in "time-wait", "stuck":
        run = tcpclose(command, "--help")
        result(f"{command} --help has examples", [] if not run.returncode and "sudo tcpclose " + command in run.stdout
               else [run.stdout])
        run = tcpclose(command, "linger-zero")
        result(f"{command} takes no words", [] if run.returncode == 2 and command in run.stderr else [run])
    run = tcpclose("--help")
    result("tcpclose --help lists both", [name for name in ("time-wait", "stuck")
                                          if f"  tcpclose {name} " not in run.stdout])


def main():
    missing = why_not()
    if missing:
        skip_all(missing)
    proxy, server = Actor("tcl-proxy").new_netns(), Actor("tcl-server")
    server.tell("join_netns", proxy.pid)
    server.netns = proxy.netns
    subprocess.run(["nsenter", f"--net=/proc/{proxy.pid}/ns/net", "ip", "addr", "add", f"{ADDRESS}/32", "dev", "lo"],
                   check=True)
    bill_tests(proxy, server)
    filter_tests(proxy, server)
    stuck_tests()
    live_tests(proxy, server)
    usage_tests()
    finish()


if __name__ == "__main__":
    main()
