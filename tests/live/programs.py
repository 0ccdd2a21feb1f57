#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""Real servers and clients, and the verdict of each end: nginx and curl, redis, sshd and ssh."""
import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile

from tracing import Tracer, eventually, finish, result, skip_all, started, why_not

BIG = 3_000_000
NGINX = """daemon off; worker_processes 1; pid {dir}/pid; error_log {dir}/log;
events {{}}
http {{ access_log off; keepalive_timeout 1s; reset_timedout_connection on; send_timeout 1s;
 client_body_temp_path {dir}/a; proxy_temp_path {dir}/b; fastcgi_temp_path {dir}/c;
 uwsgi_temp_path {dir}/d; scgi_temp_path {dir}/e;
 server {{ listen 127.0.0.1:{port}; root {dir}/www; }} }}
"""


def which(name):
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def listens(port):
    """Without connecting: that would be one more connection to explain."""
    wanted = f"0100007F:{port:04X} 00000000:0000 0A"
    with open("/proc/net/tcp", encoding="ascii") as table:
        return any(wanted in line for line in table)


def serve(port, *argv):
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    started.append(process)
    if not eventually(lambda: listens(port)):
        raise RuntimeError(f"{argv[0]} does not listen on {port}")
    return process


def traced(port, play):
    """The verdicts of both ends of what play() does on that port, by the side that they are of."""
    tracer = Tracer("-P", str(port)).ready()
    ends = play()
    tracer.wait_for(lambda records: len(records) >= ends)
    tracer.end()
    of = {"server": [], "client": []}
    for record in sorted(tracer.records(), key=lambda record: record["mono_ns"]):
        of["server" if record["local"]["port"] == port else "client"].append(record)
    return of


def said(records):
    return [(r["cause"], r["how"], r["first_closer"], r["owner"] and r["owner"]["comm"]) for r in records]


def expect(name, of, server, client):
    problems = []
    for side, wanted in (("server", server), ("client", client)):
        if said(of[side]) != wanted:
            problems.append(f"{side}: {said(of[side])}, should be {wanted}")
    for record in of["server"] + of["client"]:
        if not record["complete"] or not record["local"]["port"] or not record["peer"]["port"]:
            problems.append(f"not whole: {record}")
    result(name, problems)


def quietly(*argv, **more):
    subprocess.run(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, timeout=30, **more)


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


def fetch(port, path, *more):
    quietly(which("curl"), "-s", "-o", "/dev/null", *more, f"http://127.0.0.1:{port}/{path}")
    return 2


def cut_short(port):
    """The reader of the download goes away in the middle, with bytes unread."""
    with subprocess.Popen([which("curl"), "-s", f"http://127.0.0.1:{port}/big"], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL) as curl:
        curl.stdout.read(100)
        curl.stdout.close()
        curl.wait(30)
    return 2


def nginx_and_curl(place):
    missing = [name for name in ("nginx", "curl") if not which(name)]
    if missing:
        result("nginx and curl", [], skip=f"no {missing[0]}")
        return
    port = free_port()
    os.mkdir(f"{place}/www", 0o755)
    os.chmod(place, 0o755)
    for name, body in (("index.html", b"hi\n"), ("big", bytes(BIG))):
        with open(f"{place}/www/{name}", "wb") as page:
            page.write(body)
    with open(f"{place}/conf", "w", encoding="ascii") as conf:
        conf.write(NGINX.format(dir=place, port=port))
    server = serve(port, which("nginx"), "-c", f"{place}/conf")
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
    expect("nginx resets a client that is too slow (reset_timedout_connection)",
           traced(port, lambda: slow_reader(port)),
           [("linger-zero", "rst", "local", "nginx")], [("peer-reset", "rst", "peer", "python3")])
    server.terminate()
    server.wait(30)
    expect("curl finds nobody where nginx was", traced(port, lambda: fetch(port, "") - 1),
           [], [("refused", "rst", "peer", "curl")])


def redis(_place):
    missing = [name for name in ("redis-server", "redis-cli") if not which(name)]
    if missing:
        result("redis", [], skip=f"no {missing[0]}")
        return
    port = free_port()
    server = serve(port, which("redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--save", "",
                   "--daemonize", "no")

    def ask():
        quietly(which("redis-cli"), "-p", str(port), "ping")
        return 2

    expect("redis-cli asks redis-server and closes first", traced(port, ask),
           [("passive-close", "fin", "peer", "redis-server")], [("active-close", "fin", "local", "redis-cli")])

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


def ssh(place):
    missing = [name for name in ("sshd", "ssh", "ssh-keygen") if not which(name)]
    if missing:
        result("ssh", [], skip=f"no {missing[0]}")
        return
    port = free_port()
    os.makedirs("/run/sshd", exist_ok=True)
    for key in ("host", "user"):
        quietly(which("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", f"{place}/{key}")
    options = [f"Port={port}", "ListenAddress=127.0.0.1", f"HostKey={place}/host", "StrictModes=no", "PidFile=none",
               f"AuthorizedKeysFile={place}/user.pub", "UsePAM=no", "PermitRootLogin=yes"]
    serve(port, which("sshd"), "-D", "-f", "/dev/null", *[word for o in options for word in ("-o", o)])

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


def main():
    reason = why_not()
    if reason:
        skip_all(reason)
    for part in (nginx_and_curl, redis, ssh):
        with tempfile.TemporaryDirectory() as place:
            part(place)
    finish()


if __name__ == "__main__":
    main()
