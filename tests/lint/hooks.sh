#!/bin/sh
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# Every cell of bpf/hooks.def has its program, and every program its cell.
set -u
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

# "way/target program" of every row
cells=$(awk -F'[(,] *' '/^(CELL|UNDERSTUDY)\(/ { sub(/\).*/, "", $5); print tolower($3) "/" $5, $4 }' bpf/hooks.def | sort)
# "program hook" of every row
hooks=$(awk -F'[(,] *' '/^(CELL|UNDERSTUDY)\(/ { print $4, $2 }' bpf/hooks.def | sort)
# The same of every SEC("?way/target") and the function under it.
programs=$(awk '
	/^SEC\("\?/ {
		section = $0
		sub(/^SEC\("\?/, "", section)
		sub(/".*/, "", section)
		sub(/^[^)]*\) */, "")
	}
	section != "" && /^int / {
		name = $0
		sub(/^int +(BPF_[A-Z_0-9]+\()?/, "", name)
		sub(/[^A-Za-z_0-9].*/, "", name)
		print section, name
		section = ""
	}' bpf/*.bpf.c | sort)

clean 'every cell of hooks.def has a program' "$(printf '%s\n' "$cells" | grep -vxF "$programs")"
# An iterator, and a raw_tp without a tracepoint, run when the loader calls them: no event, so no hook.
clean 'every program has a cell in hooks.def' "$(printf '%s\n' "$programs" | grep -vxF "$cells" | grep -vE '^(iter/|raw_tp )')"
clean 'every program is off until the plan wants it: SEC("?...")' "$(
	grep -HnE 'SEC\("' bpf/*.bpf.[ch] | grep -vE 'SEC\("(\?|license|\.maps|\.rodata|\.ksyms|\.kconfig)')"
clean 'no hook names a program twice' "$(printf '%s\n' "$hooks" | uniq -d)"
finish
