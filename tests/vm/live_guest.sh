# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# shellcheck shell=sh
#
# live_guest.sh TOP WAY ...: inside the machine. By every way the live tests of $TESTS_WAY;
# live_matrix.sh judges what it leaves in /out. What does not pass is run once more: a
# machine that was kept waiting for a processor may be to blame. It is nobody else's: MACHINE.
cd "$1" || exit
shift

run_test() {
	MACHINE=own WAY=$way timeout "$LIMIT" python3 "tests/live/$test.py" >"$out.tap" 2>"$out.err"
	echo $? >"$out.status"
	[ "$(cat "$out.status")" = 0 ]
}

read -r up idle </proc/uptime
for way; do
	mkdir -p "/out/$way"
	eval "tests=\$TESTS_$way"
	# shellcheck disable=SC2154 # it is the eval that assigns
	for test in $tests; do
		out=/out/$way/$test
		was=$up was_idle=$idle
		run_test || { mv "$out.tap" "$out.before" && run_test; }
		read -r up idle </proc/uptime
		echo "$was $up $was_idle $idle $way $test" >>/out/times
	done
done
