#!/bin/sh
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# Words that belong to one place, or to none.
set -u
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

# found PATTERN FILE ...: file:line:text
found() {
	pattern=$1
	shift
	[ $# -eq 0 ] || grep -nHE -- "$pattern" "$@"
}

c_files=$(sources '*.[ch]' '*.def')
product=$(printf '%s\n' "$c_files" | grep -E '^(bpf|user)/')
tests=$(sources '*.[ch]' '*.sh' '*.py' | grep -E '^tests/' | grep -vE '^tests/(lint|unit/lint_test)')
every=$(sources '*.[ch]' '*.def' '*.sh' '*.py' '*.md' '*.txt' '*.8' '*.scene' Makefile run)

# Distributions backport: a version says nothing about what a kernel can do.
# shellcheck disable=SC2086 # lists of our own file names, one word each
{
	clean 'no kernel version is compared' "$(
		found '(^|[^A-Za-z_])(uname|utsname|LINUX_VERSION_CODE|LINUX_KERNEL_VERSION|KERNEL_VERSION)([^A-Za-z_]|$)' $product)"
	clean 'CO-RE flavours only in bpf/kern.bpf.h' "$(
		found '(struct|union|enum) +[A-Za-z0-9_]+___[A-Za-z0-9_]+' $c_files | grep -v '^bpf/kern\.bpf\.h:')"
	clean 'no test waits by guessing a time' "$(
		found '(^|[^A-Za-z_])(u|nano|clock_nano)?sleep *(\(|[0-9.$])' $tests)"
	clean 'no path of a development machine' "$(
		found '(^|[^A-Za-z0-9_.-])/([w]ork|[r]oot|[h]ome/[a-z]+)/[A-Za-z0-9_.]' $every)"
	# The address of a mirror is the machine's business; scripts ask apt for it.
	# shellcheck disable=SC2016 # apt expands this
	if hosts=$(apt-get indextargets --format '$(SITE)' 2>/dev/null | sed -E 's#^[a-z+]+://##; s#/.*##; s#^.*@##; /^$/d' | sort -u) &&
		[ -n "$hosts" ]; then
		clean 'no package mirror is named' "$(printf '%s\n' "$hosts" | grep -nHFf - $every /dev/null)"
	else
		skip 'no package mirror is named' 'no apt sources on this machine to compare with'
	fi
}
finish
