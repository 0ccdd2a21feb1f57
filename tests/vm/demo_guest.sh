# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# shellcheck shell=sh
#
# demo_guest.sh TCPCLOSE WAY ...: inside the machine. Every ending on every way, once
# as it is and once the other way round; demo_matrix.sh judges what it leaves in /out.
tcpclose=$1
shift
read -r kernel </proc/version
echo "$kernel" >/out/kernel

run() { # NAME OPTION ...
	out=/out/$1
	shift
	"$tcpclose" demo all --json "$@" >"$out.json" 2>"$out.err"
	echo $? >"$out.status"
}

for way; do
	"$tcpclose" doctor --way="$way" >"/out/$way.doctor" 2>&1
	run "$way" --way="$way"
	run "$way.6c" --way="$way" -6 --closer=client
done
