# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""What is measured, a function each. Every one takes the bench (bench.py) and adds to its page."""
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import time

from machine import Machine, memory_kib
from pairs import measure, spread
from parts import (EMPTY, EVENTS, FLOOR, JSON, TEXT, Failed, Load, Tracer, Variant, bpf_of, installed_peers, pause,
                   scratch_file, start)
from table import around, number, ratio

PACE = 20000
ENDS = 2  # of a connection: both are on this host, and each gets a verdict

RST = ("churn-rst", "--pin")
FIN = ("churn-fin", "--pin")
# Two that wait for each other: three times the work a connection, as the churn had that the shares are taken from.
MET_RST = ("meet-rst", "--pin")
MET_FIN = ("meet-fin", "--pin")
# What a server does all day: a request, a page, and the end; both sides wait by epoll.
HTTP_RST = ("http-rst", "--pin")
HTTP_FIN = ("http-fin", "--pin")
PACED = ("--per-s", PACE)
# name, load, variants, the share that has to be left (issue 6), peers too, the share is that of CPU
RATES = (
    ("RST, HTTP by epoll", HTTP_RST, (EMPTY, JSON, EVENTS), {JSON: 0.96, EVENTS: 0.93}, True),
    ("FIN, HTTP by epoll", HTTP_FIN, (EMPTY, JSON, EVENTS), {JSON: 0.94, EVENTS: 0.90}, True),
    ("RST, client and server", MET_RST, (EMPTY, JSON, EVENTS), {JSON: 0.96, EVENTS: 0.93}, True),
    ("FIN, client and server", MET_FIN, (EMPTY, JSON, EVENTS), {JSON: 0.94, EVENTS: 0.90}, True),
    ("RST", RST, (EMPTY, JSON, EVENTS, TEXT), {JSON: 0.96, EVENTS: 0.93}, True),
    ("FIN", FIN, (EMPTY, JSON, EVENTS, TEXT), {JSON: 0.94, EVENTS: 0.90}, True),
    ("RST, 2 processes", (*RST, "--processes", 2), (JSON,), {}, False),
    ("FIN, 2 processes", (*FIN, "--processes", 2), (JSON,), {}, False),
    (f"RST, {PACE:,}/s", (*RST, *PACED), (JSON, EVENTS), {}, False),
    (f"FIN, {PACE:,}/s", (*FIN, *PACED), (JSON, EVENTS), {}, False),
    ("ping-pong", ("pingpong", "--pin"), (JSON,), {JSON: 0.995}, False),
    (f"bulk, {PACE:,} x 32 KiB/s", ("bulk", "--pin", *PACED), (JSON,), {JSON: 0.995}, False),
)


def lost_of(runs):
    """What the tracer says that it lost, over all runs."""
    counts = [run.lost for run in runs if run.lost is not None]
    return number(sum(counts)) if counts else "-"


def rate_row(name, variant, cell, target):
    runs = cell.runs()
    ops = sum(run.ops for run in runs)
    return (name, variant.name, around(cell.untraced_per_s()), ratio(cell.rate()), ratio(cell.cpu()),
            f"{target:g}" if target else "", around(cell.added_ns()),
            number(sum(run.tracer_s for run in runs) / ops * 1e6, 2) if ops else "-", lost_of(runs),
            number(sum(run.lines for run in runs) / ops, 1) if variant.peer and ops else "",
            f"{'~' if cell.disturbed else ''}{len(cell.kept)}/{len(cell.pairs)}")


def control_row(name, cells):
    disturbed = all(cell.disturbed for cell in cells)
    pairs = [pair for cell in cells for pair in (cell.control if disturbed else cell.control_kept)]
    every = sum(len(cell.control) for cell in cells)
    return (name, "nothing (A/A control)", around(spread([first.per_s for first, _ in pairs])),
            ratio(spread([second.per_s / first.per_s for first, second in pairs])),
            ratio(spread([first.cpu_per_op / second.cpu_per_op for first, second in pairs])), "",
            around(spread([(second.cpu_per_op - first.cpu_per_op) * 1e9 for first, second in pairs])), "", "", "",
            f"{'~' if disturbed else ''}{sum(len(cell.control_kept) for cell in cells)}/{every}")


def rates(bench):
    peers, missing = installed_peers() if bench.options.peers else ((), ())
    rows = []
    for name, load, variants, targets, with_peers in RATES:
        if bench.options.match not in name:
            continue
        cells = []
        for variant in (*variants, *(peers if with_peers else ())):
            bench.progress(f"{name}: {variant.name}")
            try:
                cell = measure(bench.machine, (*load, "--seconds", bench.options.seconds), variant,
                               bench.options.pairs, bench.options.tries)
            except Failed as failed:
                bench.note(f"{variant.name}, {name}: {failed}")
                continue
            bench.blame(cell)
            cells.append(cell)
            rows.append(rate_row(name, variant, cell, targets.get(variant)))
        if cells:
            rows.append(control_row(name, cells))
    bench.page.text("## What is left of the rate", "",
                    "Median of pairs, quartiles in brackets; untraced = 1. Where a pace is given the rate cannot fall: "
                    "read the CPU. `CPU left` compares what the load's own processes use per operation, so it is what "
                    "happens in the kernel (the tracer's own CPU stands apart), and it holds on a busy machine too. "
                    "An operation is a connection with both its ends, a round trip, or 32 KiB.")
    bench.page.table(("load", "tracer", "untraced /s", "rate left", "CPU left", "wanted", "added ns per operation",
                      "tracer's µs per operation", "events lost", "lines per operation", "pairs kept/run"), rows)
    if peers:
        bench.page.text("None of the others names a cause. What they tell:", "",
                        *(f"- {peer.name}: {peer.tells}" for peer in peers))
    if missing:
        bench.page.text(f"Not installed: {', '.join(missing)}.")


def stats_of_run(machine, load_options, variant):
    """(programs with what they did during one run, operations, summary)"""
    with contextlib.ExitStack() as stack:
        load = Load(*load_options)
        stack.callback(load.close)
        tracer = Tracer(variant, load.netns)
        stack.callback(tracer.done)
        ids, _ = bpf_of(tracer.pid)
        before = machine.programs()
        ops = load.go()["ops"]
        after = machine.programs()
        tracer.end()
        did = {}
        for i in ids & before.keys() & after.keys():
            runs, ns = (after[i][key] - before[i][key] for key in ("runs", "run_ns"))
            name = after[i]["name"]
            so_far = did.get(name, (0, 0))
            did[name] = (so_far[0] + runs, so_far[1] + ns)
        misses = sum(after[i]["recursion_misses"] for i in ids & after.keys())
        return did, ops, tracer.summary(), misses


def stats_columns(did, ops):
    runs, ns = did
    return (number(runs / ops, 2), number(ns / runs) if runs else "-", number(ns / ops))


def kernel_table(bench, machine, variant):
    measured = [stats_of_run(machine, (*load, *PACED, "--seconds", bench.options.seconds + 1), variant)
                for load in (RST, FIN)]
    names = sorted(set().union(*(did for did, _, _, _ in measured)),
                   key=lambda name: -sum(did.get(name, (0, 0))[1] / ops for did, ops, _, _ in measured))
    rows = [(f"`{name}`", *(column for did, ops, _, _ in measured
                            for column in stats_columns(did.get(name, (0, 0)), ops)))
            for name in names if any(did.get(name, (0, 0))[0] for did, _, _, _ in measured)]
    totals = [tuple(map(sum, zip(*did.values()))) for did, _, _, _ in measured]
    rows.append(("all", *(column for total, (_, ops, _, _) in zip(totals, measured)
                          for column in stats_columns(total, ops))))
    bench.page.text(f"`{variant.name}`:")
    bench.page.table(("program", "RST: runs per connection", "ns per run", "ns per connection",
                      "FIN: runs per connection", "ns per run", "ns per connection"), rows)
    for name, total, (_, ops, summary, misses) in zip(("RST", "FIN"), totals, measured):
        events = summary.get("events", 0)
        bench.page.text(f"{name}: {number(events / ops, 2)} records per connection, "
                        f"{number(total[1] / max(events, 1))} ns per record; recursion misses {misses}.")


def kernel(bench):
    bench.page.text("## Kernel: time in BPF programs", "",
                    f"By the kernel's own count (BPF_ENABLE_STATS), which itself costs some 20 ns a run; runs of their "
                    f"own, churn at {PACE:,} connections/s. Timer programs also run for timers that are not TCP's.")
    with contextlib.closing(Machine(bench.options.limit, stats=True)) as machine:
        for variant in (JSON, EVENTS):
            bench.progress(f"kernel: {variant.name}")
            kernel_table(bench, machine, variant)


# What tcpclose sits on: the load that passes it, how often in an operation, and how many programs at most.
PLACES = (("inet_sock_set_state", ("inet_sock_set_state",), "listen", 2, 3),
          ("timer_start, timer_cancel", ("timer_start", "timer_cancel"), "keepalive", 2, 1))


def floor_run(load_name, tracepoints, count):
    """CPU ns an operation with an empty program on each of these; of none, without any."""
    with contextlib.ExitStack() as stack:
        load = Load(load_name, "--pin", "--count", count)
        stack.callback(load.close)
        if tracepoints:
            stack.callback(Tracer(Variant("floor", (FLOOR, *tracepoints), "attached")).done)
        said = load.go()
        return said["cpu_s"] * 1e9 / said["ops"]


def floor(bench):
    """The least that a program costs, whatever it does. Not in pairs: the lowest of many runs is the one left alone."""
    rows = []
    for words, tracepoints, load, passes, most in PLACES:
        bench.progress(f"floor: {words}")
        lowest = [min(column) / passes for column in zip(*(
            [floor_run(load, n * tracepoints, 50000) for n in range(most + 1)]
            for _ in range(5 * bench.options.repeats)))]
        rows += [(words, n, number(ns), number(ns - lowest[0]) if n else "") for n, ns in enumerate(lowest)]
    bench.page.text("## The floor: programs that do nothing", "",
                    f"CPU time of calls that pass the place and do next to nothing else, the lowest of "
                    f"{5 * bench.options.repeats} runs each, taken by turns. Everything is in the cache and predicted.")
    bench.page.table(("place", "programs", "ns per pass", "more than without"), rows)


def consumer_run(bench, load_options, variant, count):
    with contextlib.ExitStack() as stack:
        load = Load(*load_options, *PACED, "--count", count, "--seconds", 60)
        stack.callback(bench.machine.settle)
        stack.callback(load.close)
        tracer = Tracer(variant, load.netns)
        stack.callback(tracer.done)
        ops = load.go()["ops"]
        tracer.settle()
        cpu_s, size = tracer.cpu_s(), tracer.size()
        tracer.end()
        return cpu_s * 1e6 / (ops * ENDS), size / (ops * ENDS), tracer.summary().get("events", 0) / (ops * ENDS)


def consumer_row(bench, variant, name, load):
    bench.progress(f"consumer: {variant.name}, {name}")
    runs = [consumer_run(bench, load, variant, 2 * PACE * bench.options.seconds) for _ in range(bench.options.repeats)]
    us, size, events = zip(*runs)
    return (variant.name, name, around(spread(us), 2), "2" if variant is JSON else "",
            number(events[-1], 2) if events[-1] else "", number(size[-1]) if size[-1] else "")


def idle_cost(variant, seconds):
    """Share of a CPU that it takes when nothing closes."""
    tracer = Tracer(variant)
    try:
        pause(0.5)
        before, at = tracer.cpu_s(), time.monotonic()
        pause(seconds)
        return (tracer.cpu_s() - before) / (time.monotonic() - at)
    finally:
        tracer.done()


def consumer(bench):
    rows = [consumer_row(bench, variant, name, load)
            for variant in (JSON, EVENTS, TEXT) for name, load in (("RST", RST), ("FIN", FIN))]
    bench.page.text("## Consumer: CPU of the tcpclose process", "",
                    f"From attached to all verdicts written, user and system time, churn at {PACE:,} connections/s; a "
                    f"connection has two ends here. With nothing of ours to do it takes "
                    f"{idle_cost(JSON, 3) * 100:.2f} % of one CPU (other programs' connections included).")
    bench.page.table(("tracer", "load", "µs per connection end", "wanted", "records per end", "bytes written per end"),
                     rows)


def samples(data, comm):
    """[(share, where, symbol)] of one of the two, by perf."""
    text = subprocess.run(["perf", "report", "-i", data, "--stdio", "--no-children", "--comms", comm, "--percentage",
                           "relative", "-F", "overhead,dso,symbol"], capture_output=True, text=True, check=False).stdout
    found = re.findall(r"^ +([0-9.]+)% +(\S+) +\[.\] (\S+)", text, re.M)
    return [(float(share), where, symbol) for share, where, symbol in found]


def sampled_run(data):
    """perf looks at the tracer and at the load while both work."""
    with contextlib.ExitStack() as stack:
        load = Load("churn-mix", "--pin", *PACED, "--seconds", 4)
        stack.callback(load.close)
        tracer = Tracer(JSON)
        stack.callback(tracer.done)
        pid = load.ready["pid"]
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            pids = [str(tracer.pid), *file.read().split()]
        perf = start(["perf", "record", "-q", "-e", "cpu-clock", "-F", "5000", "-o", data, "-p", ",".join(pids)],
                     stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        pause(0.5)  # it says nothing when it begins
        load.go()
        tracer.settle(0.5)
        perf.send_signal(signal.SIGINT)
        perf.wait()


def profile(bench):
    """Where the time goes, by function."""
    if not shutil.which("perf"):
        bench.note("no perf: no profile")
        return
    bench.progress("profile")
    data = scratch_file("perf.data")
    sampled_run(data)
    bench.page.text("## Where the time goes", "",
                    f"perf, sampling by clock, churn of FIN and RST by turns at {PACE:,} connections/s, `{JSON.name}`. "
                    "What runs with interrupts off is seen where they come on again.")
    for comm, what in (("tcpclose", "the consumer"), ("load", "the load, so: the kernel, and the programs in it")):
        found = samples(data, comm)
        by_place = {}
        for share, where, _ in found:
            by_place[where] = by_place.get(where, 0) + share
        bench.page.text(f"{what}: " + ", ".join(f"{where} {share:.0f} %" for where, share in
                                                sorted(by_place.items(), key=lambda item: -item[1])[:4]) + ".")
        bench.page.table(("share of it", "where", "function"),
                         [(f"{share:.1f} %", where, f"`{symbol}`") for share, where, symbol in found[:16]])


def turns(bench):
    """Start-up and shutdown."""
    bench.progress("start and end")
    starts, ends, rss, anon, maps = [], [], [], [], []
    for _ in range(max(bench.options.pairs, 3)):
        tracer = Tracer(JSON)
        rss.append(tracer.rss_kib())
        anon.append(tracer.rss_kib("RssAnon"))
        maps.append(bpf_of(tracer.pid)[1] / 1024)
        pause(0.2)
        tracer.end()
        tracer.done()
        starts.append(tracer.start_s)
        ends.append(tracer.end_s)
    bench.page.text("## Start, end, size")
    bench.page.table(("what", "median (quartiles)", "wanted"), [
        ('seconds from exec to "Tracing"', around(spread(starts), 3), "0.5"),
        ("seconds from Ctrl-C to its end", around(spread(ends), 3), "0.2"),
        ("RSS at start, MiB (the ring is mapped and counts)", around(spread([kib / 1024 for kib in rss]), 1),
         "16"),
        ("of that its own memory (RssAnon), MiB", around(spread([kib / 1024 for kib in anon]), 1), ""),
        ("BPF maps in the kernel, MiB", around(spread([kib / 1024 for kib in maps]), 1), ""),
    ])


def room_for(connections):
    """As many as fit into half of what is free: both sockets of a connection take some 10 KiB of kernel."""
    return min(connections, memory_kib() // 2 // 10 // 1000 * 1000)


def churn_cost(tracer, count):
    """Consumer's µs per connection end right now."""
    load = Load(*RST, *PACED, "--count", count, "--seconds", 60)
    try:
        before = tracer.cpu_s()
        ops = load.go()["ops"]
        tracer.settle()
        return (tracer.cpu_s() - before) * 1e6 / (ops * ENDS)
    finally:
        load.close()


def minisocket_growth(bench, tracer, count):
    """(bytes per mini-socket, of how many)"""
    load = Load(*FIN, "--count", count, "--seconds", 50)
    try:
        before = tracer.rss_kib("RssAnon")
        ops = load.go()["ops"]
        tracer.settle()
        return (tracer.rss_kib("RssAnon") - before) * 1024 / ops, ops
    finally:
        load.close()
        bench.machine.settle()


def open_growth(bench, connections, rows):
    """A tracer that sees them open, and one that finds them open."""
    with contextlib.ExitStack() as stack:
        load = Load("idle", "--count", connections, "--seconds", 300)
        stack.callback(load.close)
        tracer = Tracer(JSON, options=("--max-flows", str(connections * ENDS + 100000), "-o", "/dev/null"))
        stack.callback(tracer.done)
        empty = churn_cost(tracer, PACE)
        before = tracer.rss_kib("RssAnon")
        opened = load.go()["ops"]
        tracer.settle()
        grown = (tracer.rss_kib("RssAnon") - before) * 1024
        rows += [(f"tracked socket, of {opened * ENDS:,}: bytes", number(grown / (opened * ENDS)), "512"),
                 ("RSS then, MiB", number(tracer.rss_kib() / 1024, 1), "")]
        rows.append(("consumer's µs per connection end, table empty / full",
                     f"{empty:.2f} / {churn_cost(tracer, PACE):.2f}", "the same"))
        each, minis = minisocket_growth(bench, tracer, bench.options.minis)
        rows += [(f"mini-socket, of {minis:,}, beside the others: bytes", number(each), ""),
                 ("peak RSS, MiB", number(tracer.rss_kib("VmHWM") / 1024, 1), "600"),
                 ("BPF maps in the kernel, MiB", number(bpf_of(tracer.pid)[1] / 1048576, 1), "")]
        late_tracer(connections, opened * ENDS, rows)


def late_tracer(connections, sockets, rows):
    """It has to ask for what is open already."""
    late = Tracer(JSON, options=("--max-flows", str(connections * ENDS + 100000)))
    try:
        late.settle()
        rss = late.rss_kib() / 1024
        late.end()
        rows += [(f'started with {sockets:,} sockets open: seconds to "Tracing"', f"{late.start_s:.2f}", "0.5"),
                 ("of them it knows (`open` in its summary; the machine's others too)",
                  number(late.summary().get("open", 0)), number(sockets)),
                 ("records lost", number(late.lost() or 0), "0"),
                 ("its RSS, MiB", number(rss, 1), ""),
                 ("its end: seconds", f"{late.end_s:.2f}", "0.2")]
    finally:
        late.done()


def memory(bench):
    connections = room_for(bench.options.open)
    bench.progress(f"memory: {connections:,} open connections")
    rows = []
    if connections < bench.options.open:
        bench.note(f"memory for {connections:,} open connections only, not {bench.options.open:,}")
    if connections:
        open_growth(bench, connections, rows)
    bench.page.text("## Memory", "", f"{connections:,} connections held open on loopback, both ends tracked.")
    bench.page.table(("what", "measured", "wanted"), rows)


def count_closes(tracer):
    """(close records, of them complete), by reading all that it wrote."""
    closes = complete = 0
    with open(tracer.out, encoding="utf-8") as file:
        for line in file:
            if '"type":"close"' in line:
                closes += 1
                complete += '"complete":true' in line
    return closes, complete


def losses(tracer):
    """The last word of the loss records on each hook."""
    where = {}
    with open(tracer.out, encoding="utf-8") as file:
        for line in file:
            if '"type":"loss"' in line:
                record = json.loads(line)
                where[record["where"]] = record["count"]
    return where


def stopped_run(pace, ring, stopped_s):
    """The consumer does not run for `stopped_s` in the middle of the churn."""
    with contextlib.ExitStack() as stack:
        load = Load(*RST, "--seconds", 3 + int(stopped_s), *pace)
        stack.callback(load.close)
        # Only our connections, or the sum could not come out even.
        tracer = Tracer(JSON, options=("--netns", load.netns, *ring))
        stack.callback(tracer.done)
        load.begin()
        pause(1)
        os.kill(tracer.pid, signal.SIGSTOP)
        pause(stopped_s)
        os.kill(tracer.pid, signal.SIGCONT)
        said = load.say()
        tracer.settle()
        rss = tracer.rss_kib("VmHWM") / 1024
        tracer.end()
        return said, tracer.summary(), count_closes(tracer), losses(tracer), rss


def sum_words(ends, closes, lost):
    missing = ends - closes
    if missing < 0:
        return f"NO: {-missing:,} too many"
    if missing > lost:
        return f"NO: {missing:,} ends without a verdict, {lost:,} records lost"
    return "yes" if lost or not missing else "NO"


def stopped_row(bench, pace, ring, stopped_s):
    bench.progress(f"stopped for {stopped_s} s: {' '.join(map(str, (*pace, *ring))) or 'full speed, default ring'}")
    said, summary, (closes, complete), where, rss = stopped_run(pace, ring, stopped_s)
    ends, lost = said["ops"] * ENDS, summary.get("lost", 0) + summary.get("missed", 0)
    return (f"{said['per_s']:,.0f}", ring[1] + " KiB" if ring else "default", number(ends), number(closes),
            number(closes - complete), number(ends - closes), number(summary.get("events", 0)),
            number(lost), ", ".join(f"{hook} {count:,}" for hook, count in where.items()) or "-",
            sum_words(ends, closes, lost), number((summary.get("events", 0) + lost) / ends, 3), number(rss, 1))


def stopped(bench):
    rows = [stopped_row(bench, pace, ring, stopped_s) for pace, ring, stopped_s in (
        ((), (), 0), (PACED, (), 2), (PACED, ("--ring", "131072"), 2), ((), (), 2), ((), ("--ring", "1048576"), 2))]
    bench.page.text("## A consumer that is stopped for 2 s", "",
                    "SIGSTOP in the middle of an RST churn, then SIGCONT; the first row is without it. `adds up`: "
                    "no more ends are without a verdict than records were lost, and none is when none was. Records "
                    "and losses together, per end, must be the same in every row.")
    bench.page.table(("connections/s", "ring", "ends", "verdicts", "of them not complete", "ends without a verdict",
                      "records", "records lost", "where", "adds up", "(records + lost) per end", "peak RSS, MiB"), rows)


def endure(bench):
    """Two churning processes on two CPUs, nothing spared."""
    seconds = bench.options.endure
    bench.progress(f"endurance: {seconds} s")
    with contextlib.ExitStack() as stack:
        load = Load("churn-mix", "--processes", 2, "--pin", "--seconds", seconds, "--tw-buckets", 0)
        stack.callback(load.close)
        tracer = Tracer(JSON, options=("--netns", load.netns, "-o", "/dev/null"))
        stack.callback(tracer.done)
        said = load.go()
        tracer.settle()
        cpu_s, peak = tracer.cpu_s(), tracer.rss_kib("VmHWM") / 1024
        words = tracer.end()
    bench.page.text(f"## {seconds} s of two churning processes", "",
                    f"By turns RST and FIN, {said['per_s']:,.0f} connections/s, TIME_WAITs as this kernel limits them, "
                    f"`--json -o /dev/null`, default ring: {said['ops'] * ENDS:,} ends. The consumer took "
                    f"{cpu_s * 1e6 / (said['ops'] * ENDS):.2f} µs for each, at most {peak:.1f} MiB, and said:",
                    "", *("    " + line for line in words if line and "Tracing" not in line))


SECTIONS = {"rates": rates, "floor": floor, "kernel": kernel, "consumer": consumer, "profile": profile, "turns": turns,
            "memory": memory, "stopped": stopped, "endure": endure}
