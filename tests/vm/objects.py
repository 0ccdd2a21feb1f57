# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""objects.py DIRECTORY DIRECTORY

Are the BPF programs built for two architectures the same, byte for byte? Only those
of kprobes may differ: they read the registers of the processor. Prints the sections
that differ beyond that.
"""
import glob
import os
import struct
import sys

MAY_DIFFER = ("kprobe/", "?kprobe/", ".rel", ".BTF", ".debug", ".strtab", ".symtab", ".llvm")


def sections(path):
    """Name -> bytes, of a little-endian ELF64 file."""
    with open(path, "rb") as file:
        data = file.read()
    at, = struct.unpack_from("<Q", data, 0x28)
    size, count, names = struct.unpack_from("<HHH", data, 0x3a)
    headers = [struct.unpack_from("<IIQQQQ", data, at + n * size) for n in range(count)]
    start = headers[names][4]
    return {data[start + h[0]:data.index(b"\0", start + h[0])].decode(): data[h[4]:h[4] + h[5]] for h in headers}


def main():
    here, there = sys.argv[1:]
    paths = sorted(glob.glob(os.path.join(here, "*.bpf.o")))
    wrong = [] if paths else [f"no object in {here}"]
    for path in paths:
        mine, other = sections(path), sections(os.path.join(there, os.path.basename(path)))
        for name in sorted(set(mine) | set(other)):
            if mine.get(name) != other.get(name) and not name.startswith(MAY_DIFFER):
                wrong.append(f"{os.path.basename(path)} {name}")
    print("".join(line + "\n" for line in wrong), end="")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
