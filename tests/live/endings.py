# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""What every ending of the echo pair must look like: to the tracer, on the wire, to the programs.

One entry per row of tools/endings.def; the tests say when one is missing. The sides are
"closer" and "other", whichever of server and client they are.
"""

FIN = {"how": "fin", "first": "local", "path": [["FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT"]], "mini": True}
FIN_OTHER = {"how": "fin", "first": "peer", "path": [["CLOSE_WAIT", "LAST_ACK", "CLOSE"]]}
ABORT = {"how": "rst", "first": "local", "path": [["CLOSE"]], "sent": 1}
RESET = {"how": "rst", "first": "peer", "path": [["CLOSE"]], "received": 1, "error": "ECONNRESET"}
# An RST on CLOSE_WAIT: the kernel says EPIPE.
RESET_LATE = {"how": "rst", "first": "peer", "path": [["CLOSE_WAIT", "CLOSE"]], "received": 1, "error": "EPIPE"}
SILENT = {"how": "silent", "first": "none", "path": [["CLOSE"]]}
TIMEOUT = {"how": "timeout", "first": "none", "path": [["CLOSE"]], "error": "ETIMEDOUT"}

HALF_OPEN = {"path": [["SYN_RECV", "CLOSE"]], "whole": True, "source": "listener"}

STATE = {"TCP_STATE"}

# mini_end: how the first mini-socket of the closer ends, where that belongs to the ending; more: so many
# connections come after the first, which end as it did if twice; goes_on: after an RST.
# cause, looks: of both sockets; saw: the last call of each that tells how it ended, with result or
# error; fins, rsts: segments on the wire (a FIN sent again counts once), None = not always the same;
# mute: not one segment is; again: the closer sends one more than once.
ENDINGS = {
    "default": {
        "closer": ("active-close", FIN), "other": ("passive-close", FIN_OTHER),
        "saw": (("close", 0), ("read", 0)), "fins": 2, "rsts": 0,
    },
    "linger-zero": {
        "closer": ("linger-zero", {**ABORT, "reason": STATE}), "other": ("peer-reset", RESET),
        "saw": (("close", 0), ("read", "ECONNRESET")), "fins": 0, "rsts": 1, "linger": (True, 0),
    },
    "linger-drained": {
        "closer": ("active-close", FIN), "other": ("passive-close", FIN_OTHER),
        "saw": (("close", 0), ("read", 0)), "fins": 2, "rsts": 0, "linger": (True, 1), "waited": True,
    },
    "linger-expired": {
        "closer": ("active-close", FIN), "other": ("passive-close", FIN_OTHER),
        "saw": (("close", 0), ("read", 0)), "fins": 2, "rsts": 0, "linger": (True, 1),
        "evidence": {"linger-expired"}, "waited": 10**9,
    },
    "unread-data": {
        "closer": ("unread-data", {**ABORT, "reason": {"TCP_ABORT_ON_CLOSE"}}), "other": ("peer-reset", RESET),
        "saw": (("close", 0), ("read", "ECONNRESET")), "fins": 0, "rsts": 1, "unread": 11,
    },
    "half-close": {
        "closer": ("active-close", FIN), "other": ("passive-close", FIN_OTHER),
        "saw": (("read", 0), ("close", 0)), "fins": 2, "rsts": 0, "evidence": {"half-closed"},
    },
    "simultaneous": {
        "closer": ("simultaneous-close", {**FIN, "first": "both", "path": [["FIN_WAIT1", "CLOSING", "TIME_WAIT"]]}),
        "other": ("simultaneous-close", {**FIN, "first": "both", "path": [["FIN_WAIT1", "CLOSING", "TIME_WAIT"]]}),
        "saw": (("close", 0), ("close", 0)), "fins": 2, "rsts": 0,
    },
    "refused": {
        "closer": ("refused", {"how": "rst", "first": "peer", "path": [["CLOSE"]], "received": 1,
                               "error": "ECONNREFUSED"}),
        "other": None, "saw": (("connect", "ECONNREFUSED"), None), "fins": 0, "rsts": 1,
    },
    "killed": {
        "closer": ("active-close", FIN), "other": ("passive-close", FIN_OTHER),
        "saw": (("kill", 0), ("read", 0)), "fins": 2, "rsts": 0, "evidence": {"process-killed"},
    },
    "data-after-close": {
        # In FIN_WAIT1, in FIN_WAIT2, or already in the mini-socket.
        "closer": ("data-after-close", {"how": "rst", "first": "local", "sent": 1, "mini": None, "path": [
            ["FIN_WAIT1", "CLOSE"], ["FIN_WAIT1", "FIN_WAIT2", "CLOSE"], ["FIN_WAIT1", "FIN_WAIT2"]]}),
        "other": ("peer-reset", RESET_LATE),
        "saw": (("close", 0), ("write", "EPIPE")), "fins": 1, "rsts": 1,
    },
    "linger2-negative": {
        "closer": ("linger2-negative", {"how": "rst", "first": "local", "sent": 1,
                                        "path": [["FIN_WAIT1", "FIN_WAIT2", "CLOSE"]]}),
        "other": ("peer-reset", RESET_LATE),
        "saw": (("close", 0), ("write", "EPIPE")), "fins": 1, "rsts": 1,
    },
    "fin-wait2-timeout": {
        "closer": ("fin-wait2-timeout", {"how": "timeout", "first": "local", "mini": True,
                                         "path": [["FIN_WAIT1", "FIN_WAIT2"]]}),
        # Closed by then: nobody is left to see an error.
        "other": ("peer-reset", {"how": "rst", "first": "peer", "received": 1,
                                 "path": [["CLOSE_WAIT", "LAST_ACK", "CLOSE"]]}),
        "saw": (("close", 0), ("read", 0)), "fins": 2, "rsts": 1,
    },
    "disconnect": {
        "closer": ("disconnect", {**ABORT, "reason": STATE}), "other": ("peer-reset", RESET),
        "saw": (("connect", 0), ("read", "ECONNRESET")), "fins": 0, "rsts": 1,
    },
    "listener-closed": {
        "closer": ("listener-closed", {**ABORT, "reason": STATE, "source": "listener"}), "other": ("peer-reset", RESET),
        "saw": (("close", 0), ("read", "ECONNRESET")), "fins": 0, "rsts": 1, "unread": 11,
    },
    "forked": {
        "closer": ("active-close", FIN), "other": ("passive-close", FIN_OTHER),
        "saw": (("close", 0), ("read", 0)), "fins": 2, "rsts": 0,
    },
    "connect-cancelled": {
        "closer": ("connect-cancelled", SILENT), "other": None,
        "saw": (("connect", "EINPROGRESS"), None), "fins": 0, "rsts": 0,
    },
    "connect-timeout": {
        "closer": ("connect-timeout", TIMEOUT), "other": None,
        "saw": (("connect", "ETIMEDOUT"), None), "fins": 0, "rsts": 0, "again": True,
    },
    "keepalive-timeout": {
        # The one timeout that sends an RST; here it meets a deaf peer, and a later one ends that.
        "closer": ("keepalive-timeout", {**TIMEOUT, "first": "local", "sent": 1, "reason": {"TCP_KEEPALIVE_TIMEOUT"}}),
        "other": ("peer-reset", RESET),
        "saw": (("read", "ETIMEDOUT"), ("read", "ECONNRESET")), "fins": 0, "rsts": 2,
    },
    "user-timeout": {
        "closer": ("user-timeout", TIMEOUT), "other": ("peer-reset", RESET),
        "saw": (("read", "ETIMEDOUT"), ("read", "ECONNRESET")), "fins": 0, "rsts": 1, "unacked": 11,
    },
    "orphan-timeout": {
        "closer": ("orphan-timeout", {"how": "timeout", "first": "local", "path": [["FIN_WAIT1", "CLOSE"]]}),
        "other": ("peer-reset", RESET),
        "saw": (("close", 0), ("read", "ECONNRESET")), "fins": 1, "rsts": 1,
    },
    "destroyed": {
        "closer": ("destroyed", {**ABORT, "reason": STATE, "error": "ECONNABORTED", "closer_uid": 0}), "other": ("peer-reset", RESET),
        "saw": (("read", "ECONNABORTED"), ("read", "ECONNRESET")), "fins": 0, "rsts": 1,
    },
    "repair": {
        "closer": ("repair", SILENT), "other": ("peer-reset", RESET),
        "saw": (("close", 0), ("read", "ECONNRESET")), "fins": 0, "rsts": 1,
    },
    "subflow-reset": {
        # What was not read MPTCP has taken already: the subflow itself has nothing left.
        "closer": ("subflow-reset", {**ABORT, "reason": {"TCP_ABORT_ON_CLOSE"}}), "other": ("peer-reset", RESET),
        "saw": (("close", 0), ("read", "ECONNRESET")), "fins": 0, "rsts": 1,
    },
    # From here on the other end is a scripted peer.
    "retransmit-timeout": {
        "closer": ("retransmit-timeout", TIMEOUT), "other": None,
        "saw": (("read", "ETIMEDOUT"), None), "fins": 0, "rsts": 0, "unacked": 11, "again": True,
    },
    "probe-timeout": {
        "closer": ("probe-timeout", TIMEOUT), "other": None,
        "saw": (("read", "ETIMEDOUT"), None), "fins": 0, "rsts": 0, "unacked": 0, "unsent": 11,
        "evidence": {"zero-window", "probed"},
    },
    "no-route": {
        # IPv6 notes why each segment could not leave, and gives that in the end.
        "closer": ("no-route", {**TIMEOUT, "error": {4: "ETIMEDOUT", 6: "ENETUNREACH"}}), "other": None,
        "saw": (("read", {4: "ETIMEDOUT", 6: "ENETUNREACH"}), None), "fins": 0, "rsts": 0, "unacked": 0, "unsent": 11,
        "evidence": {"probed"},
    },
    "orphan-zero-window": {
        # Our FIN never left: nobody was the first to close on the wire.
        "closer": ("orphan-timeout", {"how": "timeout", "first": "none", "path": [["FIN_WAIT1", "CLOSE"]]}),
        "other": None, "saw": (("close", 0), None), "fins": 0, "rsts": 0, "unsent": 11,
        "evidence": {"orphan", "probed", "closed-before-fin"},
    },
    "handshake-timeout": {
        "closer": ("handshake-timeout", {**TIMEOUT, "path": [["SYN_RECV", "CLOSE"]]}),
        "other": None, "saw": (("connect", "ETIMEDOUT"), None), "fins": 0, "rsts": 0,
    },
    "handshake-reset": {
        "closer": ("handshake-reset", {**RESET, "path": [["SYN_RECV", "CLOSE"]]}),
        "other": None, "saw": (("connect", "ECONNRESET"), None), "fins": 0, "rsts": 1,
    },
    "unreachable": {
        "closer": ("unreachable", {**TIMEOUT, "error": "EHOSTUNREACH"}),
        "other": None, "saw": (("connect", "EHOSTUNREACH"), None), "fins": 0, "rsts": 0,
    },
    "port-unreachable": {
        "closer": ("unreachable", {**TIMEOUT, "error": "ECONNREFUSED"}),
        "other": None, "saw": (("connect", "ECONNREFUSED"), None), "fins": 0, "rsts": 0,
    },
    "connect-failed": {
        # There never was a local port: that is what failed.
        "closer": ("connect-failed", {**SILENT, "port": False}),
        "other": None, "saw": (("connect", "EADDRNOTAVAIL"), None), "fins": 0, "rsts": 0, "mute": True,
    },
    "accept-overflow": {
        # No socket, a request: what is in the queue ends too, when the listener closes.
        "closer": ("accept-overflow", {"how": "rst", "first": "local", "sent": 1, "path": [["SYN_RECV", "CLOSE"]],
                                       "whole": True, "reason": {"INVALID_SYN"}, "source": "listener"}),
        "other": None, "more": 2, "saw": (("listen", 0), None), "fins": 0, "rsts": 3,
    },
    # Half-open: never a socket of the server's own, so all of its path is said here.
    "half-open-timeout": {
        "closer": ("handshake-timeout", {"how": "timeout", "first": "none", **HALF_OPEN}),
        "other": None, "saw": (("listen", 0), None), "fins": 0, "rsts": 0, "evidence": {"request-expired"},
    },
    "half-open-reset": {
        "closer": ("handshake-reset", {"how": "rst", "first": "peer", "received": 1, **HALF_OPEN}),
        "other": None, "saw": (("listen", 0), None), "fins": 0, "rsts": 1, "evidence": {"request-segment"},
    },
    "half-open-syn": {
        "closer": ("handshake-reset", {"how": "rst", "first": "local", "sent": 1, "reason": {"INVALID_SYN"}, **HALF_OPEN}),
        "other": None, "saw": (("listen", 0), None), "fins": 0, "rsts": 1, "evidence": {"request-segment"},
    },
    "half-open-unreachable": {
        "closer": ("unreachable", {"how": "timeout", "first": "none", **HALF_OPEN}),
        "other": None, "saw": (("listen", 0), None), "fins": 0, "rsts": 0, "evidence": {"request-icmp"},
    },
    "half-open-destroyed": {
        "closer": ("destroyed", {"how": "silent", "first": "none", **HALF_OPEN}),
        "other": None, "saw": (("listen", 0), None), "fins": 0, "rsts": 0, "evidence": {"request-destroyed"},
    },
    "half-open-listener-closed": {
        "closer": ("listener-closed", {"how": "silent", "first": "none", **HALF_OPEN}),
        "other": None, "saw": (("listen", 0), None), "fins": 0, "rsts": 0, "evidence": {"listener-gone"},
    },
    "half-open-overflow": {
        # What is in the queue ends too, when the listener closes.
        "closer": ("accept-overflow", {"how": "silent", "first": "none", **HALF_OPEN}),
        "other": None, "more": 2, "saw": (("listen", 0), None), "fins": 0, "rsts": 2,
        "evidence": {"accept-queue-full", "request-acked", "request-expired"},
    },
    "half-open-deferred": {
        "closer": ("defer-accept-timeout", {"how": "timeout", "first": "none", **HALF_OPEN}),
        "other": None, "saw": (("listen", 0), None), "fins": 0, "rsts": 0, "evidence": {"defer-accept-set"},
    },
    "icmp-noted": {
        "closer": ("passive-close", FIN_OTHER), "other": None, "saw": (("close", 0), None), "fins": 2, "rsts": 0,
    },
    "data-in-fin-wait1": {
        "closer": ("data-after-close", {"how": "rst", "first": "local", "sent": 1, "path": [["FIN_WAIT1", "CLOSE"]],
                                        "reason": {"TCP_ABORT_ON_DATA"}}),
        "other": None, "saw": (("close", 0), None), "fins": 1, "rsts": 1,
    },
    "data-with-ack": {
        "closer": ("data-after-close", {"how": "rst", "first": "local", "sent": 1,
                                        "path": [["FIN_WAIT1", "FIN_WAIT2", "CLOSE"]], "reason": {"TCP_ABORT_ON_DATA"}}),
        "other": None, "saw": (("close", 0), None), "fins": 1, "rsts": 1,
    },
    "data-in-minisocket": {
        "closer": ("data-after-close", {"how": "rst", "first": "local", "sent": 1, "mini": True,
                                        "path": [["FIN_WAIT1", "FIN_WAIT2"]], "reason": {"TCP_TIMEWAIT_SOCKET"}}),
        "other": None, "saw": (("close", 0), None), "fins": 1, "rsts": 1, "evidence": {"minisocket-rst"},
    },
    "data-after-shutdown": {
        # The program gets ECONNRESET, though no RST came.
        "closer": ("data-after-close", {"how": "rst", "first": "local", "sent": 1, "error": "ECONNRESET",
                                        "path": [["FIN_WAIT1", "FIN_WAIT2", "CLOSE"]], "reason": {"TCP_ABORT_ON_DATA"}}),
        "other": None, "saw": (("shutdown", 0), None), "fins": 1, "rsts": 1,
    },
    "reset-in-fin-wait1": {
        "closer": ("peer-reset", {"how": "rst", "first": "local", "received": 1, "path": [["FIN_WAIT1", "CLOSE"]]}),
        "other": None, "saw": (("close", 0), None), "fins": 1, "rsts": 1,
    },
    "reset-in-last-ack": {
        "closer": ("peer-reset", {"how": "rst", "first": "peer", "received": 1,
                                  "path": [["CLOSE_WAIT", "LAST_ACK", "CLOSE"]]}),
        "other": None, "saw": (("close", 0), None), "fins": 2, "rsts": 1,
    },
    "tw-reuse": {
        "closer": ("active-close", FIN), "other": ("passive-close", FIN_OTHER), "more": 1, "twice": True,
        "saw": (("close", 0), ("read", 0)), "fins": 4, "rsts": 0,
        "mini_end": {"server": "new-syn", "client": "reused"},
    },
    "tw-reset": {
        "closer": ("active-close", FIN), "other": None, "saw": (("close", 0), None), "fins": 2, "rsts": 1,
        "mini_end": "reset",
    },
    "time-wait-overflow": {
        "closer": ("time-wait-overflow", {"how": "silent", "first": "local",
                                          "path": [["FIN_WAIT1", "FIN_WAIT2", "CLOSE"]]}),
        "other": None, "saw": (("close", 0), None), "fins": 1, "rsts": 0, "mini_end": "never-created",
    },
    "address-reused": {
        # The old connection's other end answers the SYN, and is reset; then the SYN comes again.
        "closer": ("address-reused", {"how": "silent", "first": "local", "mini": True,
                                      "path": [["FIN_WAIT1", "FIN_WAIT2"]]}),
        "other": ("peer-reset", RESET_LATE), "more": 1, "saw": (("close", 0), ("read", 0)), "fins": 3, "rsts": 1,
        "goes_on": True, "mini_end": "reused",
    },
    "namespace-gone": {
        "closer": ("namespace-gone", {"how": "silent", "first": "local", "mini": True,
                                      "path": [["FIN_WAIT1", "FIN_WAIT2"]]}),
        "other": None, "saw": (("close", 0), None), "fins": 1, "rsts": 0, "mini_end": "namespace-gone",
    },
}

ONE_SIDED = {"address-reused": "client", "refused": "client", "listener-closed": "server", "connect-cancelled": "client",
             "connect-failed": "client", "connect-timeout": "client", "accept-overflow": "server", "handshake-timeout": "client", "handshake-reset": "client",
             "unreachable": "client", "port-unreachable": "client"}
ONE_SIDED.update((slug, "server") for slug in ENDINGS if slug.startswith("half-open-"))
# Our ends, wherever: loopback, and both ends of a scripted peer's wire.
ADDRESSES = ("127.0.0.1", "::1", "192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2")


def of_family(value, family):
    """What differs between IPv4 and IPv6 is written as a dictionary."""
    return value[family] if isinstance(value, dict) else value


def last_telling_call(calls, name):
    """The last call of that name, as its result or the name of its error; None when it was never made."""
    for call in reversed(calls):
        if call["call"] == name:
            return call["error"] or call["result"]
    return None
