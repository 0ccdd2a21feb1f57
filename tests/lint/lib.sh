# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# shellcheck shell=sh
# What the lints share: TAP, and the files of this project. They look at the
# directory in which they run, so that lint_test.sh can show them a bad one.

count=0

# clean NAME FINDINGS: ok when there are none.
clean() {
	count=$((count + 1))
	if [ -z "$2" ]; then
		echo "ok $count - $1"
	else
		echo "not ok $count - $1"
		printf '%s\n' "$2" | sed 's/^/# /'
	fi
}

# skip NAME REASON
skip() {
	count=$((count + 1))
	echo "ok $count - $1 # SKIP $2"
}

finish() {
	echo "1..$count"
}

# sources NAME-PATTERN ...: our own files of these names, one a line.
sources() {
	for pattern in "$@"; do
		find . -name '.?*' ! -name .ci -prune -o -name 'build*' -type d -prune -o -type f -name "$pattern" -print
	done | sed 's,^\./,,' | sort
}
