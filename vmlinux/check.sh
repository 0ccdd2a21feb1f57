#!/bin/sh
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#
# vmlinux/check.sh [BTF]
#
# Is every struct, union, enumerator and field of vmlinux.h, which stands beside
# this script, in the kernel whose BTF that is (/sys/kernel/btf/vmlinux)? And is it
# as wide there as here? BPF_CORE_READ() finds a field wherever it lies, by name,
# but reads as many bytes as the header says.
#
# One line on standard output for everything that is missing or of another width.
# Not missed is what bpf/kern.bpf.h asks for before it is read
# (bpf_core_field_exists): those fields may be absent, or another type, by design.
# A width matters only where a program of bpf/ names the field.
#
# The header is given to clang, and its BTF is compared with the kernel's: bit
# fields, arrays and unions are what the compiler makes of them. BTF is a file as
# bpftool reads it: raw, or an ELF file with a .BTF section (a vmlinux, a module).
#
# Exit status: 0 all there; 1 something is missing or differs; 2 not checked (no
# BTF, or no bpftool, clang or python3), and a line on standard error says why.
# BPFTOOL, CLANG and PYTHON name others than the ones in PATH.
set -u

btf=${1:-/sys/kernel/btf/vmlinux}
here=$(dirname "$0")
# Debian has bpftool in /usr/sbin, which is not in everybody's PATH.
PATH=$PATH:/usr/sbin:/sbin

cannot() {
	echo "vmlinux/check.sh: $1" >&2
	exit 2
}

need() {
	command -v "$1" >/dev/null || cannot "no $1 here"
}

bpftool=${BPFTOOL:-bpftool}
clang=${CLANG:-clang}
python=${PYTHON:-python3}
need "$bpftool"
need "$clang"
need "$python"
[ -r "$btf" ] || cannot "no BTF: $btf cannot be read"

work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
"$bpftool" -j btf dump file "$btf" format raw >"$work/kernel.json" 2>"$work/err" ||
	cannot "no BTF: bpftool cannot read $btf: $(head -n 1 "$work/err")"

# Only arm64 has that struct; the header has the registers of either.
arch=x86
! grep -q '"user_pt_regs"' "$work/kernel.json" || arch=arm64

# A variable of every type that the header defines: BTF holds only what is used.
"$clang" -E -P -target bpf "-D__TARGET_ARCH_$arch" "$here/vmlinux.h" >"$work/types.c" || exit 2
awk '
	/^(struct|union|enum) [A-Za-z_0-9]+ \{/ { print $1, $2, "used_" NR ";" }
	/^\} [A-Za-z_0-9]+;/ { sub(/;.*/, "", $2); print $2, "used_" NR ";" }
' "$work/types.c" >"$work/variables.c"
cat "$work/types.c" "$work/variables.c" >"$work/all.c"
"$clang" -g -O2 -target bpf -c -o "$work/all.o" "$work/all.c" || exit 2
"$bpftool" -j btf dump file "$work/all.o" format raw >"$work/header.json" || exit 2

cat >"$work/compare.py" <<'END'
import json
import re
import sys

MODIFIERS = ("TYPEDEF", "CONST", "VOLATILE", "RESTRICT", "TYPE_TAG")
ANONYMOUS = ("", "(anon)")


class Types:
    def __init__(self, path):
        with open(path, encoding="utf-8", errors="replace") as file:
            types = json.load(file)["types"]
        self.by_id = {t["id"]: t for t in types}
        self.by_name = {}
        for t in types:
            if t["kind"] in ("STRUCT", "UNION", "ENUM", "ENUM64", "TYPEDEF"):
                kind = "ENUM" if t["kind"] == "ENUM64" else t["kind"]
                self.by_name.setdefault((kind, t["name"]), t)

    def resolve(self, number):
        """The type itself, behind typedefs and qualifiers; None is void."""
        t = self.by_id.get(number)
        while t and t["kind"] in MODIFIERS:
            t = self.by_id.get(t["type_id"])
        return t

    def name(self, number):
        """What the type is called where it is used; "" is nothing."""
        t = self.by_id.get(number)
        while t and t["kind"] in MODIFIERS and t["kind"] != "TYPEDEF":
            t = self.by_id.get(t["type_id"])
        return "" if t is None or t["name"] in ANONYMOUS else t["name"]

    def bits(self, member):
        if member.get("bitfield_size"):
            return member["bitfield_size"]
        return 8 * self.size(member["type_id"])

    def size(self, number):
        t = self.resolve(number)
        if t is None:
            return 0
        if t["kind"] == "PTR":
            return 8
        if t["kind"] == "ARRAY":
            return t["nr_elems"] * self.size(t["type_id"])
        return t.get("size", 0)

    def fields(self, t):
        """Name to member, those of nameless structs and unions among them."""
        found = {}
        for member in t["members"]:
            inner = self.resolve(member["type_id"])
            if member["name"] not in ANONYMOUS:
                found.setdefault(member["name"], member)
            elif inner:
                for name, deeper in self.fields(inner).items():
                    found.setdefault(name, deeper)
        return found


def is_compound(t):
    return t is not None and t["kind"] in ("STRUCT", "UNION")


class Comparison:
    def __init__(self, header, kernel, programs):
        self.header, self.kernel = header, kernel
        self.may_miss = guarded(header, programs)
        self.words = set(re.findall(r"\w+", programs))
        self.findings = []

    def compare(self, name, ours, theirs):
        fields = self.kernel.fields(theirs)
        for field, member in self.header.fields(ours).items():
            if (ours["name"], field) in self.may_miss:
                continue
            other = fields.get(field)
            if other is None:
                self.findings.append(f"{name} has no field {field}")
            else:
                self.compare_field(f"{name}.{field}", member, other)

    def compare_field(self, name, ours, theirs):
        a = self.header.resolve(ours["type_id"])
        b = self.kernel.resolve(theirs["type_id"])
        if is_compound(a) != is_compound(b):
            self.findings.append(f"{name} is a struct or union on one side only")
        elif is_compound(a):
            # one that has a name is compared under that name
            called = self.header.name(ours["type_id"])
            if not called or called != self.kernel.name(theirs["type_id"]):
                self.compare(name, a, b)
        elif ours["name"] in self.words and self.header.bits(ours) != self.kernel.bits(theirs):
            self.findings.append(
                f"{name} has {self.header.bits(ours)} bits in vmlinux.h, {self.kernel.bits(theirs)} in the kernel")

    def compare_enum(self, name, ours, theirs):
        there = {value["name"] for value in theirs["values"]}
        for value in ours["values"]:
            if value["name"] not in there:
                self.findings.append(f"{name} has no {value['name']}")

    def compare_all(self):
        for (kind, name), ours in self.header.by_name.items():
            if name in ANONYMOUS:
                continue
            theirs = self.kernel.by_name.get((kind, name))
            if theirs is None:
                if kind != "TYPEDEF" or is_compound(self.header.resolve(ours["id"])):
                    self.findings.append(f"there is no {kind.lower()} {name}")
            elif kind == "ENUM":
                self.compare_enum(f"enum {name}", ours, theirs)
            elif kind != "TYPEDEF":
                self.compare(f"{kind.lower()} {name}", ours, theirs)
            else:
                ours, theirs = self.header.resolve(ours["id"]), self.kernel.resolve(theirs["id"])
                if is_compound(ours) and is_compound(theirs) and ours["name"] in ANONYMOUS:
                    self.compare(name, ours, theirs)


def guarded(header, programs):
    """(struct, field) of every bpf_core_field_exists(variable->field.field), by what its function declares."""
    found = set()
    for function in re.split(r"\n}\n", programs):
        declared = {variable: struct for struct, variable in re.findall(r"struct (\w+) \*(\w+)", function)}
        for variable, path in re.findall(r"bpf_core_field_exists\((\w+)->([\w.]+)\)", function):
            t = header.by_name.get(("STRUCT", declared.get(variable, "")))
            for field in path.split("."):
                if not is_compound(t):
                    break
                last = (t["name"], field)
                member = header.fields(t).get(field)
                t = header.resolve(member["type_id"]) if member else None
            else:
                found.add(last)
    return found


def main():
    programs = ""
    for path in sys.argv[3:]:
        with open(path, encoding="utf-8") as file:
            programs += file.read()
    comparison = Comparison(Types(sys.argv[1]), Types(sys.argv[2]), programs)
    comparison.compare_all()
    for finding in sorted(set(comparison.findings)):
        print(finding)
    return 1 if comparison.findings else 0


sys.exit(main())
END
"$python" "$work/compare.py" "$work/header.json" "$work/kernel.json" "$here"/../bpf/*.bpf.[ch]
