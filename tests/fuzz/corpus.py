# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""Writes tests/fuzz/corpus: tapes that no kernel ever recorded, one edge each.

    python3 tests/fuzz/corpus.py
"""
import os
import struct
import zlib

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus")
MAGIC = b"\x89TCT\r\n\x1a\n" + struct.pack("<HH", 1, 0)
STATES = {"ESTABLISHED": 1, "SYN_SENT": 2, "SYN_RECV": 3, "FIN_WAIT1": 4, "FIN_WAIT2": 5, "TIME_WAIT": 6, "CLOSE": 7}
LAST = 2 ** 64 - 1
# Later than this is no time.
FAR = 2 ** 63 - 1


def block(kind, data=b""):
    head = struct.pack("<IHH", len(data), kind, 0)
    return head + struct.pack("<I", zlib.crc32(head + data)) + data


def numbers(*values):
    return struct.pack(f"<{len(values)}Q", *values)


def event(kind, layout, now, sk, old=0, new=0, rest=b"", flags=0):
    return struct.pack("<HBBBBHQQQHBBB3xII", 48 + len(rest), 1, kind, layout, 0, 0, now, sk, 0, flags, old, new, 0,
                       2 ** 32 - 1, 4026531840) + rest


def ends(port):
    return bytes([127, 0, 0, 1]) + bytes(12) + bytes([127, 0, 0, 1]) + bytes(12) + struct.pack("<HHB3x", 8080, port, 4)


TASK = struct.pack("<IIIiI16sI", 42, 42, 0, 9, 7, b"\x1b[2Jname", 0)


def state(now, sk, old, new):
    return block(33, event(1, 2, now, sk, STATES[old], STATES[new], TASK + ends(sk % 60000)))


def mini(kind, now, addr, substate, left=15000):
    return block(33, event(kind, 4, now, addr, 0, STATES[substate], ends(addr % 60000) + struct.pack("<II", left, 0)))


def peek(now, addr, substate):
    return block(38, numbers(now, addr) + struct.pack("<BBHHH", 4, substate, 8080, addr % 60000, 0) +
                 bytes([127, 0, 0, 1]) + bytes(12) + bytes([127, 0, 0, 1]) + bytes(12))


def head(flows=16, attached=1000, count=0, more=b""):
    vantages = (b"state", b"rst-active", b"rst-reply", b"rst-received", b"minisocket-born", b"minisocket-expired",
                b"minisocket-killed", b"destroy", b"close-called")
    return (MAGIC + block(3, numbers(attached, 10 ** 18)) + block(4, struct.pack("<IIQ", 250, flows, count)) +
            b"".join(block(5, each) for each in vantages) + block(7, struct.pack("<I", 2) + b"TCP_FLAGS") + more +
            block(32))


def tape(*blocks, **conditions):
    return head(**conditions) + b"".join(blocks)


def end(now):
    return block(40, numbers(now)) + block(41, numbers(now))


MS = 1000000
MANY = [state(MS + i, 4096 * i, "SYN_RECV", "ESTABLISHED") for i in range(1, 40)]
TAPES = {
    "nothing": b"",
    "magic-only": MAGIC,
    "empty-run": tape(end(2000)),
    "no-end": tape(state(2000, 4096, "SYN_RECV", "ESTABLISHED"), state(3000, 4096, "ESTABLISHED", "CLOSE")),
    "two-ends": tape(end(2000), end(3000)),
    "unknown-kinds": tape(block(999, b"later"), block(33, event(200, 1, 2000, 1)), block(33, b"x"), end(3000)),
    "time-goes-back": tape(state(LAST, 4096, "SYN_RECV", "ESTABLISHED"), state(1001, 4096, "ESTABLISHED", "CLOSE"),
                           block(34, numbers(LAST)), block(34, numbers(0)), end(0)),
    # A sweep of overdue timers found the same one overdue for ever.
    "time-wait-at-the-end-of-time": tape(mini(5, MS, 4096, "TIME_WAIT"), block(34, numbers(LAST)), end(LAST)),
    "time-is-over": tape(end(2000), attached=LAST),
    "time-at-its-end": tape(state(FAR, 4096, "SYN_RECV", "ESTABLISHED"), state(FAR, 4096, "ESTABLISHED", "CLOSE"),
                            mini(5, FAR, 4096, "TIME_WAIT", 2 ** 32 - 1), block(34, numbers(FAR)), end(FAR),
                            attached=FAR - 1),
    "more-sockets-than-room": tape(*MANY, *[state(2 * MS + i, 4096 * i, "ESTABLISHED", "CLOSE") for i in range(20, 40)],
                                   block(34, numbers(100 * MS)), end(200 * MS)),
    "no-room-at-all": tape(*MANY[:4], end(2 * MS), flows=0),
    "all-the-room": tape(*MANY[:4], end(2 * MS), flows=2 ** 32 - 1),
    "losses": tape(state(2000, 4096, "SYN_RECV", "ESTABLISHED"), block(35, numbers(LAST, LAST, LAST) + b"state"),
                   block(36, numbers(3000)), block(35, numbers(0, 0, 0) + b"state"), block(36, numbers(4000)),
                   block(35, numbers(1, 2, 3) + b"hook-of-tomorrow"), block(36, numbers(5000)),
                   state(6000, 4096, "ESTABLISHED", "CLOSE"), end(7000)),
    "loss-of-no-hook": tape(block(35, numbers(1, 2, 3) + b"\x1b[2J"), end(7000)),
    "loss-with-a-long-name": tape(block(35, numbers(1, 2, 3) + b"x" * 32), end(7000)),
    "many-hooks-lose": tape(*[block(35, numbers(i + 1, 0, 0) + b"hook-%d" % i) for i in range(40)],
                            block(36, numbers(3000)), end(7000)),
    "minisockets": tape(state(MS, 4096, "SYN_RECV", "ESTABLISHED"), state(2 * MS, 4096, "ESTABLISHED", "FIN_WAIT1"),
                        state(3 * MS, 4096, "FIN_WAIT1", "FIN_WAIT2"), mini(5, 4 * MS, 4096, "FIN_WAIT2"),
                        state(4 * MS, 4096, "FIN_WAIT2", "CLOSE"), block(37, numbers(5 * MS)), peek(5 * MS, 4096, 5),
                        block(37, numbers(6 * MS)), peek(6 * MS, 4096, 0), block(34, numbers(100 * MS)),
                        block(37, numbers(101 * MS)), peek(102 * MS, 4096, 6), end(300 * MS)),
    "minisockets-found": tape(mini(12, MS, 0, "TIME_WAIT"), mini(12, MS, 0, "FIN_WAIT2"), peek(2 * MS, 0, 0),
                              peek(2 * MS, 0, 6), mini(6, 3 * MS, 4096, "TIME_WAIT"), end(300 * MS)),
    "owner-looked-for": tape(state(MS, 4096, "SYN_RECV", "ESTABLISHED"), state(2 * MS, 4096, "ESTABLISHED", "CLOSE"),
                             block(34, numbers(60 * MS)), block(34, numbers(1100 * MS)), block(39, numbers(1200 * MS)),
                             block(34, numbers(1300 * MS)), end(1400 * MS)),
    "stopped-before-it-began": tape(block(40, numbers(0)), *MANY[:3], block(41, numbers(LAST))),
    "wanted": head(count=1, more=block(8, b"port=1-2,x") + block(8, b"comm=\xff\x1b") + block(8, b"=") + block(8, b"a")),
    "block-too-large": tape(struct.pack("<IHHI", 65537, 33, 0, 0)),
    "head-in-the-middle": tape(block(7, struct.pack("<I", 3) + b"X"), end(3000)),
}


def main():
    os.makedirs(HERE, exist_ok=True)
    for name, content in TAPES.items():
        with open(os.path.join(HERE, name), "wb") as file:
            file.write(content)
    print(f"{len(TAPES)} files, {sum(os.path.getsize(os.path.join(HERE, name)) for name in TAPES)} bytes")


if __name__ == "__main__":
    main()
