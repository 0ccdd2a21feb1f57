#!/bin/sh
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# The shape of files: sizes, licence, modes; scripts and the manual by their own checkers.
set -u
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

c_files=$(sources '*.[ch]')
scripts=$(sources '*.sh' run)
# sources() passes over what begins with a dot.
settings() {
	for file in .clang-format .gitignore; do
		[ ! -e "$file" ] || echo "$file"
	done
}

# shellcheck disable=SC2086 # lists of our own file names, one word each
{
	clean 'no C file has more than 500 lines' "$(
		awk 'FNR == 501 { print FILENAME }' $c_files /dev/null)"
	# Kernel style: a function's braces, and nobody else's opening one, stand in the first column.
	clean 'no function has more than 80 lines' "$(awk '
		FNR == 1 { start = 0 }
		/^\{/ { start = FNR; head = before }
		/^\}/ { if (start && FNR - start - 1 > 80) print FILENAME ":" start ": " FNR - start - 1 " lines: " head; start = 0 }
		{ before = $0 }' $c_files /dev/null)"
	clean 'every source file names its licence' "$(
		for file in $(sources '*.[ch]' '*.def' '*.sh' '*.py' '*.scene' Makefile run) $(settings); do
			head -n 3 "$file" | grep -qE 'SPDX-License-Identifier: .*GPL-2\.0.* OR BSD-2-Clause' || echo "$file"
		done)"
	# The Makefile takes an executable script for a test; what is only read by others must not look like one.
	clean 'a script is executable when, and only when, it has a #! line' "$(
		for file in $(sources '*.sh' '*.py' run); do
			case $(head -c 2 "$file") in
			'#!') [ -x "$file" ] || echo "$file: not executable" ;;
			*) [ ! -x "$file" ] || echo "$file: no #! line" ;;
			esac
		done)"
	if command -v shellcheck >/dev/null; then
		clean 'shellcheck has nothing to say' "$([ -z "$scripts" ] || shellcheck -x --format=gcc $scripts)"
	else
		skip 'shellcheck has nothing to say' 'no shellcheck'
	fi
}
if [ ! -e docs/tcpclose.8 ]; then
	skip 'the manual page is well-formed' 'no docs/tcpclose.8'
elif command -v mandoc >/dev/null; then
	clean 'the manual page is well-formed' "$(mandoc -T lint -W warning docs/tcpclose.8 2>&1)"
else
	skip 'the manual page is well-formed' 'no mandoc'
fi
finish
