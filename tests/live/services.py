#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""time-wait and stuck on real services under load: they point at the right process.

nginx as a proxy closes its upstream connections first: the TIME_WAITs are its own. Beside it runs a
program that takes connections and never closes them. Only these two may be blamed.
"""
import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading

from real import serve_by_file, which, why_missing
from tracing import WAY, finish, result, skip_all, started, tcpclose, why_not
from views import View

REQUESTS, LEAKS, LOADERS = 600, 7, 3
NGINX = """daemon off; worker_processes 1; pid {dir}/pid; error_log {dir}/log;
events {{}}
http {{ access_log off;
 client_body_temp_path {dir}/a; proxy_temp_path {dir}/b; fastcgi_temp_path {dir}/c;
 uwsgi_temp_path {dir}/d; scgi_temp_path {dir}/e;
 server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://127.0.0.1:{upstream}; }} }} }}
"""
# Says its port, then answers requests and leaves it to the other side to close.
UPSTREAM = """
import socket, threading
s = socket.create_server(("127.0.0.1", 0), backlog=512)
print(s.getsockname()[1], flush=True)
def serve(c):
    said = b""
    while True:
        said = said[-3:] + (more := c.recv(4096))
        if not more:
            return c.close()
        if said.endswith(b"\\r\\n\\r\\n"):
            c.send(b"HTTP/1.1 200 OK\\r\\nContent-Length: 3\\r\\n\\r\\nok\\n")
while True:
    threading.Thread(target=serve, args=s.accept()[:1], daemon=True).start()
"""
# Takes what comes, reads a bit of it, and has forgotten about it.
FORGETFUL = """
import socket
s = socket.create_server(("127.0.0.1", 0), backlog=512)
print(s.getsockname()[1], flush=True)
kept = []
while True:
    c, _ = s.accept()
    c.recv(4)
    kept.append(c)
"""


def serve(program):
    """A process of its own, and the port that it says it listens on."""
    process = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, text=True)
    started.append(process)
    return process, int(process.stdout.readline())


def load(port, answers):
    """One client that keeps its own connection open."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    for _ in range(REQUESTS // LOADERS):
        client.request("GET", "/")
        answers.append(client.getresponse().read())
    client.close()


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(word) for word in file.read().split()]


def leak(port):
    """Clients that say something, close, and are gone."""
    for _ in range(LEAKS):
        with socket.create_connection(("127.0.0.1", port)) as s:
            s.send(b"Hello, world")


def check_bill(bill, workers, upstream):
    owners = bill["by_owner"]
    towards = [p for p in bill["by_peer"] if p["peer"]["port"] == upstream]
    text = next((a["text"] for a in bill["advice"] if a["advice"] == "closes-first"), "")
    if not owners or owners[0]["comm"] != "nginx" or owners[0]["pid"] not in workers:
        yield f"most are {owners[:1]}'s, not nginx {workers}'s"
    if len(towards) != 1 or towards[0]["role"] != "connected":
        yield f"towards the upstream: {towards}"
    if bill["born"] < REQUESTS or owners and owners[0]["count"]["mini_sockets"] < REQUESTS // 2:
        yield f"{bill['born']} born in {REQUESTS} requests, {owners[:1]}"
    if any(o["comm"].startswith("python") and o["count"]["mini_sockets"] > LOADERS for o in owners if o["comm"]):
        yield f"blames the upstream: {owners}"
    if f"nginx connects to 127.0.0.1:{upstream} and closes first" not in text:
        yield f"advice: {bill['advice']}"


def check_stuck(sockets, forgetful):
    if len(sockets) != LEAKS:
        yield f"{len(sockets)} are stuck, not {LEAKS}"
    for sock in sockets:
        holders = [(h["pid"], os.path.basename(os.readlink(f"/proc/{h['pid']}/fd/{h['fd']}")).split(":")[0])
                   for h in sock["holders"]]
        if sock["state"] != "CLOSE_WAIT" or sock["waits_for"] != "program-close" or holders != [(forgetful, "socket")]:
            yield f"{sock['state']}, {sock['waits_for']}, held by {holders}, not {forgetful}"
        elif sock["unread_bytes"] != 8:
            yield f"unread: {sock['unread_bytes']}"


def main():
    missing = why_not() or why_missing("nginx")
    if missing:
        skip_all(missing)
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        upstream, upstream_port = serve(UPSTREAM)
        forgetful, forgetful_port = serve(FORGETFUL)
        proxy, port = serve_by_file(directory, NGINX, which("nginx"), "-c", upstream=upstream_port)
        view = View("time-wait", "--json", "-P", f"{upstream_port},{port}", "-d", "600")
        answers = []
        loaders = [threading.Thread(target=load, args=(port, answers)) for _ in range(LOADERS)]
        for loader in loaders:
            loader.start()
        leak(forgetful_port)
        stuck = json.loads(tcpclose("stuck", f"--way={WAY}", "--json", "--older", "0", "-P", str(forgetful_port)).stdout)
        for loader in loaders:
            loader.join()
        bill, status = view.end()
        result("all requests were answered", [] if answers == [b"ok\n"] * (REQUESTS // LOADERS * LOADERS) else
               [f"{len(answers)} answers"])
        result("time-wait under load: the proxy that closes first has them",
               [*([f"status {status}"] if status else []),
                *check_bill(bill, children(proxy.pid), upstream_port)])
        result("stuck under load: the program that forgets to close holds them", check_stuck(
            [s for s in stuck["sockets"] if s["local"]["port"] == forgetful_port and not s["mini_socket"]], forgetful.pid))
        for process in proxy, upstream, forgetful:
            process.terminate()
            process.wait(30)
    finish()


if __name__ == "__main__":
    main()
