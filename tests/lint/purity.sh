#!/bin/sh
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# core is pure: what its archive asks of others, and what it keeps.
set -u
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

here=$(dirname "$0")
core=${O:-build}/libcore.a
base=${O:-build}/libbase.a

# Symbols that sanitizers, coverage and hardening put in are no doing of the source.
clean 'core calls only core, base and what core-symbols.txt lists' "$(
	defined=$(nm --defined-only "$core" "$base" | awk 'NF == 3 { print $3 }')
	nm -u "$core" | awk 'NF == 2 && $1 == "U" { print $2 }' | sort -u |
		grep -vE '^(__(asan|ubsan|tsan|gcov|llvm|stack_chk|start___|stop___)|_GLOBAL_OFFSET_TABLE_|llvm_gc)' |
		grep -vxF "$defined" | sed -E 's/^__(.*)_chk$/\1/' | grep -vxFf "$here/core-symbols.txt"
)"
# Tables of constants with addresses in them lie in .data.rel.ro.
clean 'core keeps no state outside its arguments' "$(
	nm --format=sysv --defined-only "$core" | awk -F'|' '
		{ gsub(/ /, "", $1); gsub(/ /, "", $7) }
		$7 ~ /^(\.t?data|\.t?bss|\*COM\*)/ && $7 !~ /^\.data\.rel\.ro/ && $1 !~ /^(__|\.L|\.)/ { print $1 " in " $7 }'
)"
finish
