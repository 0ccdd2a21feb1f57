#!/bin/sh
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# Who may include whom (docs/ARCHITECTURE.md).
set -u
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

# includes DIRECTORY: "file:line include", one per #include in its files.
includes() {
	find "$1" -type f \( -name '*.[ch]' -o -name '*.def' \) -exec awk '
		/^[ \t]*#[ \t]*include/ {
			sub(/^[ \t]*#[ \t]*include[ \t]*/, "")
			sub(/[ \t]*\/\*.*/, "")
			print FILENAME ":" FNR " " $0
		}' {} + 2>/dev/null | sort
}

# beyond PATTERN ...: of the includes on standard input those that none of the patterns begins.
beyond() {
	awk -v allowed="$*" '
		BEGIN { n = split(allowed, prefix, " ") }
		{
			for (i = 1; i <= n; i++)
				if (index($2, prefix[i]) == 1)
					next
			print
		}'
}

# only NAME DIRECTORY PATTERN ...: its files include nothing but what one of the patterns begins.
only() {
	name=$1
	dir=$2
	shift 2
	clean "$name" "$(includes "$dir" | beyond "$@")"
}

# never NAME PATTERN DIRECTORY ...: no file there includes what matches.
never() {
	name=$1
	pattern=$2
	shift 2
	clean "$name" "$(for dir in "$@"; do includes "$dir"; done | grep -E " [\"<]([^\">]*/)?($pattern)[\">]")"
}

only 'base includes base and libc' user/base '"base/' '<'
never 'base includes no library' 'bpf/.*|json-c/.*|pcap.*|linux/bpf.h' user/base
# No stdio, no time: core returns codes and is told the time.
only 'core includes core, base and the quiet part of libc' user/core '"core/' '"base/' \
	'<arpa/inet.h>' '<assert.h>' '<errno.h>' '<inttypes.h>' '<limits.h>' '<stdbool.h>' '<stddef.h>' \
	'<stdint.h>' '<stdlib.h>' '<string.h>'
only 'ingest includes ingest, core, base and the wire' user/ingest '"ingest/' '"core/' '"base/' '"wire.h"' '<'
only 'report includes report, core and base' user/report '"report/' '"core/' '"base/' '<'
only 'sink includes sink, report, core and base' user/sink '"sink/' '"report/' '"core/' '"base/' '<'
# hooks.def says what a hook tells in vantages, which are named where observations are.
only 'load includes load, base and the tables of bpf/' user/load '"load/' '"base/' '"core/obs.h"' \
	'"wire.h"' '"hooks.def"' '"facts.def"' '"callers.def"' '"tcpclose.skel.h"' '<'
# The two that play an ending do it in the program's own loop, with the endings that the pair knows.
only 'demo includes demo, core, base, the loop, the endings and the scripted peer' user/demo '"demo/' '"core/' '"base/' \
	'"run.h"' '"endings.h"' '"raw_net.h"' '"raw_peer.h"' '<'
only 'selftest includes selftest, demo, core, base, the endings and a place for them' user/selftest '"selftest/' \
	'"demo/' '"core/' '"base/' '"endings.h"' '"place.h"' '<'
# gendoc prints what all the tables say; the echo pair is a program of its own.
clean 'the echo pair includes its own files and base' "$(
	includes tools | grep -v '^tools/gendoc' | beyond '"echo_' '"raw' '"endings.' '"minis.def"' '"base/' '<')"
clean 'bpf includes what stands beside it, the types of the kernel and libbpf' "$(
	includes bpf | grep -vE ' ("[^/"]+"|<bpf/.*>)$')"
never 'only load knows libbpf' 'bpf/.*|linux/bpf.h|tcpclose.skel.h' \
	user/base user/core user/ingest user/report user/sink user/demo user/selftest tools
clean 'the wire and the tables of bpf/ are for bpf/, load and ingest' "$(
	grep -HnE '#[ ]*include "(.*/)?(wire\.h|hooks\.def|facts\.def|callers\.def)"' user/*.[ch] 2>/dev/null)"
finish
