#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""Real servers and clients, and the verdict of each end: nginx, haproxy, an asyncio server, curl, redis, ssh."""
import os
import pwd
import select
import signal
import socket
import subprocess
import sys
import tempfile

from real import expect, free_port, quietly, said, serve, serve_by_file, traced, which, why_missing
from tracing import finish, result, skip_all, why_not

BIG = 3_000_000
NGINX = """daemon off; worker_processes 1; pid {dir}/pid; error_log {dir}/log;
events {{}}
http {{ access_log off; keepalive_timeout 1s; reset_timedout_connection on; send_timeout 1s;
 client_body_temp_path {dir}/a; proxy_temp_path {dir}/b; fastcgi_temp_path {dir}/c;
 uwsgi_temp_path {dir}/d; scgi_temp_path {dir}/e;
 server {{ listen 127.0.0.1:{port}; root {dir}/www; }} }}
"""
HAPROXY = """defaults
 mode http
 timeout connect 5s
 timeout client 10s
 timeout server 200ms
frontend front
 bind 127.0.0.1:{port}
 http-request silent-drop if {{ path /drop }}
 default_backend back
backend back
 server only 127.0.0.1:{upstream}
"""
# What it does is the path; "late" answers once the client has given up. Without a length the answer ends by its FIN.
ASYNCIO = """
import asyncio, sys
async def serve(reader, writer):
    path = (await reader.readline()).split()[1]
    while (await reader.readline()).strip():
        pass
    if path == b"/abort":
        return writer.transport.abort()
    if path == b"/late":
        try:
            await reader.read()
        except ConnectionResetError:
            return writer.close()
    length = b"Content-Length: 100\\r\\n" if path == b"/cut" else b""
    writer.write(b"HTTP/1.1 200 OK\\r\\n" + length + b"Connection: close\\r\\n\\r\\nok\\n")
    writer.close()
async def main():
    async with await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1])) as server:
        await server.serve_forever()
asyncio.run(main())
"""


def slow_reader(port):
    """Asks for more than the buffers hold and does not read: nginx gives up and resets."""
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.connect(("127.0.0.1", port))
        s.send(b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n")
        poll = select.poll()
        poll.register(s, select.POLLERR | select.POLLHUP)
        poll.poll(20_000)
    return 2


def idle_keepalive(port):
    with socket.create_connection(("127.0.0.1", port)) as s:
        s.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        while s.recv(65536):
            pass
    return 2


def address(port, path):
    return f"http://127.0.0.1:{port}/{path}"


def fetch(port, path, *more):
    quietly(which("curl"), "-s", *more, address(port, path))
    return 2


def cut_short(port):
    """The reader of the download goes away in the middle, with bytes unread."""
    with subprocess.Popen([which("curl"), "-s", address(port, "big")], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL) as curl:
        curl.stdout.read(100)
        curl.stdout.close()
        curl.wait(30)
    return 2


def nginx_and_curl(place):
    os.mkdir(f"{place}/www", 0o755)
    os.chmod(place, 0o755)
    for name, body in (("index.html", b"hi\n"), ("big", bytes(BIG))):
        with open(f"{place}/www/{name}", "wb") as page:
            page.write(body)
    server, port = serve_by_file(place, NGINX, which("nginx"), "-c")
    expect("curl gets a page of nginx and closes first", traced(port, lambda: fetch(port, "")),
           [("passive-close", "fin", "peer", "nginx")], [("active-close", "fin", "local", "curl")])
    of = traced(port, lambda: cut_short(port))
    # what it had read by then decides whether bytes were unread, or came too late
    late = "data-after-close" in [r["cause"] for r in of["client"]]
    expect("curl goes away in the middle of a download: it resets, nginx is reset in a softirq", of,
           [("peer-reset", "rst", "peer", "nginx")],
           [("data-after-close" if late else "unread-data", "rst", "local", "curl")])
    expect("nginx closes an idle keepalive connection first", traced(port, lambda: idle_keepalive(port)),
           [("active-close", "fin", "local", "nginx")], [("passive-close", "fin", "peer", "python3")])
    expect("curl fetches two pages over one connection", traced(port, lambda: fetch(port, "", address(port, "index.html"))),
           [("passive-close", "fin", "peer", "nginx")], [("active-close", "fin", "local", "curl")])
    expect("nginx resets a client that is too slow (reset_timedout_connection)",
           traced(port, lambda: slow_reader(port)),
           [("linger-zero", "rst", "local", "nginx")], [("peer-reset", "rst", "peer", "python3")])
    server.terminate()
    server.wait(30)
    expect("curl finds nobody where nginx was", traced(port, lambda: fetch(port, "") - 1),
           [], [("refused", "rst", "peer", "curl")])


def asyncio_and_haproxy(place):
    with open(f"{place}/server.py", "w", encoding="ascii") as program:
        program.write(ASYNCIO)
    port = free_port()
    server = serve(port, sys.executable, f"{place}/server.py", str(port))
    closes_first = [("active-close", "fin", "local", "python3")], [("passive-close", "fin", "peer", "curl")]
    for path, what in (("ok", "answers and closes"), ("cut", "closes in the middle of its answer"), ("abort", "aborts, with nothing unread")):
        expect(f"an asyncio server {what}", traced(port, lambda path=path: fetch(port, path)), *closes_first)
    expect("curl runs out of patience; what the asyncio server says later is answered with an RST",
           traced(port, lambda: fetch(port, "late", "-m", "0.2")),
           [("peer-reset", "rst", "peer", "python3")], [("data-after-close", "rst", "local", "curl")])
    proxy, front = serve_by_file(place, HAPROXY, which("haproxy"), "-f", upstream=port)
    expect("haproxy passes an answer on, to its end by FIN", traced(front, lambda: fetch(front, "ok")),
           [("active-close", "fin", "local", "haproxy")], [("passive-close", "fin", "peer", "curl")])
    expect("its connection to the server ends as the server ends it", traced(port, lambda: fetch(front, "ok")),
           [("active-close", "fin", "local", "python3")], [("passive-close", "fin", "peer", "haproxy")])
    expect("haproxy gives up on a server that is late, and aborts", traced(port, lambda: fetch(front, "late")),
           [("peer-reset", "rst", "peer", "python3")], [("linger-zero", "rst", "local", "haproxy")])
    expect("curl is told so, and closes", traced(front, lambda: fetch(front, "late")),
           [("passive-close", "fin", "peer", "haproxy")], [("active-close", "fin", "local", "curl")])
    # in TCP_REPAIR, so that the peer is told nothing; curl's FIN then finds a listener and no connection
    expect("haproxy drops a connection silently, curl gives up", traced(front, lambda: fetch(front, "drop", "-m", "0.3")),
           [("repair", "silent", "none", "haproxy")], [("peer-reset", "rst", "local", "curl")])
    for process in proxy, server:
        process.terminate()
        process.wait(30)


def redis(_place):
    port = free_port()
    server = serve(port, which("redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--save", "",
                   "--daemonize", "no")

    def ask():
        quietly(which("redis-cli"), "-p", str(port), "ping")
        return 2

    def idle():
        with socket.create_connection(("127.0.0.1", port)) as s:
            s.send(b"CONFIG SET timeout 1\r\n")
            while s.recv(16):
                pass
        return 2

    expect("redis-cli asks redis-server and closes first", traced(port, ask),
           [("passive-close", "fin", "peer", "redis-server")], [("active-close", "fin", "local", "redis-cli")])
    expect("redis-server closes on a client that is idle", traced(port, idle),
           [("active-close", "fin", "local", "redis-server")], [("passive-close", "fin", "peer", "python3")])

    def killed():
        with socket.create_connection(("127.0.0.1", port)) as s:
            s.send(b"PING\r\n")
            s.recv(16)
            server.send_signal(signal.SIGKILL)
            server.wait(30)
            s.recv(16)
        return 2

    of = traced(port, killed)
    expect("redis-server is killed: the kernel closes for it", of,
           [("active-close", "fin", "local", "redis-server")], [("passive-close", "fin", "peer", "python3")])
    result("and the verdict says that a signal did it",
           [r["evidence"] for r in of["server"] if "process-killed" not in r["evidence"]])


def has_user(name):
    try:
        return bool(pwd.getpwnam(name))
    except KeyError:
        return False


def as_installed(place, *argv):
    """sshd wants its user, which its package makes when it is installed: here in a mount namespace of its own."""
    if has_user("sshd"):
        return argv
    with open("/etc/passwd", encoding="utf-8") as users, open(f"{place}/passwd", "w", encoding="utf-8") as more:
        more.write(users.read() + "sshd:x:65534:65534::/run/sshd:/usr/sbin/nologin\n")
    return "unshare", "-m", "sh", "-c", f'mount --bind {place}/passwd /etc/passwd && exec "$@"', "sh", *argv


def ssh(place):
    port = free_port()
    os.makedirs("/run/sshd", exist_ok=True)
    for key in ("host", "user"):
        quietly(which("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", f"{place}/{key}")
    options = [f"Port={port}", "ListenAddress=127.0.0.1", f"HostKey={place}/host", "StrictModes=no", "PidFile=none",
               f"AuthorizedKeysFile={place}/user.pub", "UsePAM=no", "PermitRootLogin=yes"]
    serve(port, *as_installed(place, which("sshd"), "-D", "-f", "/dev/null", *[word for o in options for word in ("-o", o)]))

    def run():
        quietly(which("ssh"), "-F", "/dev/null", "-p", str(port), "-i", f"{place}/user", "-o", "BatchMode=yes",
                "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "root@127.0.0.1", "true")
        return 2

    # on a slow machine sshd may be the one that closes first: it saw the disconnect before the FIN
    of = traced(port, run)
    ends = [("passive-close", "fin", "peer"), ("active-close", "fin", "local")]
    if said(of["server"])[:1] == [(*ends[1], "sshd")]:
        ends.reverse()
    expect("ssh runs a command, one side closes first; one process of sshd's owns its end", of,
           [(*ends[0], "sshd")], [(*ends[1], "ssh")])


PARTS = ((nginx_and_curl, ("nginx", "curl")), (asyncio_and_haproxy, ("haproxy", "curl")),
         (redis, ("redis-server", "redis-cli")), (ssh, ("sshd", "ssh", "ssh-keygen")))


def main():
    reason = why_not()
    if reason:
        skip_all(reason)
    for part, needs in PARTS:
        reason = why_missing(*needs)
        if reason:
            result(part.__name__.replace("_", " "), [], skip=reason)
            continue
        with tempfile.TemporaryDirectory() as place:
            part(place)
    finish()


if __name__ == "__main__":
    main()
