#!/bin/sh
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# tests/run.sh is believed by everybody else: it must not overlook a failure.
set -u

dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
count=0

# program NAME: a test program, its text on standard input
program() {
	{ echo '#!/bin/sh' && cat; } >"$dir/$1"
	chmod +x "$dir/$1"
}

# says STATUS LAST-LINE PATTERN NAME ARGUMENT ...: what run.sh must do with these arguments
says() {
	want=$1 last=$2 pattern=$3 name=$4
	shift 4
	count=$((count + 1))
	tests/run.sh "$@" >"$dir/out" 2>&1
	got=$?
	if [ "$got" -eq "$want" ] && [ "$(tail -n 1 "$dir/out")" = "$last" ] && grep -qE -- "$pattern" "$dir/out"; then
		echo "ok $count - $name"
	else
		echo "not ok $count - $name"
		echo "# exit status $got, wanted $want; last line wanted: $last; a line wanted: $pattern"
		sed 's/^/# /' "$dir/out"
	fi
}

program good <<'EOT'
printf '1..2\nok 1 - a\nok 2 - b\n'
EOT
program late <<'EOT'
printf 'ok 1 - a\n# a word\n1..1\n'
EOT
program bad <<'EOT'
printf '1..2\nok 1 - a\nnot ok 2 - b is so\n# because of this\n'; echo to stderr >&2; exit 1
EOT
program dies <<'EOT'
printf '1..1\nok 1 - a\n'; kill -SEGV $$
EOT
program exits <<'EOT'
printf '1..1\nok 1 - a\n'; exit 3
EOT
program few <<'EOT'
printf '1..3\nok 1 - a\nok 2 - b\n'
EOT
program many <<'EOT'
printf '1..1\nok 1 - a\nok 2 - b\n'
EOT
program no_plan <<'EOT'
printf 'ok 1 - a\n'
EOT
program mute </dev/null
program skips <<'EOT'
printf '1..2\nok 1 - a\nok 2 - b # SKIP no kprobes\n'
EOT
program skips_all <<'EOT'
echo '1..0 # SKIP not root'
EOT
program cmocka_skips <<'EOT'
printf '1..1\n# no fentry here\nnot ok 1 # SKIP b is seen\n'
EOT
program hangs <<'EOT'
echo 1..1; echo $$ >"$0.pid"; tail -f /dev/null & wait
EOT
program bails <<'EOT'
printf '1..1\nok 1 - a\nBail out! no kernel\n'
EOT
program counts_arguments <<'EOT'
n=$(ls tests/scene/*.scene | wc -l); echo 1..1; [ $# -eq "$n" ] && echo ok || echo "not ok # $# of $n"
EOT

program second_time <<'EOT'
printf '1..2\nok 1 - a # SKIP none here\n'
if [ -e "$0.was" ]; then echo 'ok 2 - b'; else echo 'not ok 2 - b'; echo '# it was late'; : >"$0.was"; fi
EOT

program another_time <<'EOT'
echo 1..2
if [ -e "$0.was" ]; then printf 'not ok 1 - a\nok 2 - b\n'; else printf 'ok 1 - a\nnot ok 2 - b\n'; : >"$0.was"; fi
exit 1
EOT
program less_and_less <<'EOT'
if [ -e "$0.was" ]; then printf '1..1\nnot ok 1 - a\n'; else printf '1..2\nok 1 - a\nnot ok 2 - b\n'; : >"$0.was"; fi
exit 1
EOT
program worse <<'EOT'
printf '1..2\nok 1 - a\n'
if [ -e "$0.was" ]; then echo 'ok 2 - b'; exit 3; fi
: >"$0.was"; echo 'not ok 2 - b'; exit 1
EOT

says 0 '2 passed, 0 failed, 0 skipped' '^unit +.*good +2 passed' 'what passes is counted' unit="$dir/good"
says 0 '1 passed, 0 failed, 0 skipped' . 'a plan may come last' unit="$dir/late"
says 1 '1 passed, 1 failed, 0 skipped' '# because of this' 'a failed test fails, and its comments are shown' unit="$dir/bad"
says 1 '1 passed, 1 failed, 0 skipped' 'to stderr' 'standard error of a program that fails is shown' unit="$dir/bad"
says 1 '1 passed, 1 failed, 0 skipped' 'killed by signal 11' 'a program that dies fails' unit="$dir/dies"
says 1 '1 passed, 1 failed, 0 skipped' 'exit status 3' 'a bad exit status fails' unit="$dir/exits"
says 1 '2 passed, 1 failed, 0 skipped' 'planned 3 results, gave 2' 'too few results fail' unit="$dir/few"
says 1 '2 passed, 1 failed, 0 skipped' 'planned 1 results, gave 2' 'too many results fail' unit="$dir/many"
says 1 '1 passed, 1 failed, 0 skipped' 'no plan' 'a missing plan fails' unit="$dir/no_plan"
says 1 '0 passed, 1 failed, 0 skipped' 'no plan' 'a program that says nothing fails' unit="$dir/mute"
says 1 '0 passed, 2 failed, 0 skipped' . 'a program that does not exist fails' unit="$dir/nowhere"
says 1 '1 passed, 1 failed, 0 skipped' 'no kernel' 'bailing out fails' unit="$dir/bails"
says 0 '1 passed, 0 failed, 1 skipped' 'skips: b: no kprobes' 'a skip is counted and its reason printed' unit="$dir/skips"
says 0 '0 passed, 0 failed, 1 skipped' 'not root' 'a program can skip as a whole' live="$dir/skips_all"
says 0 '0 passed, 0 failed, 1 skipped' 'b is seen: no fentry here' "cmocka's way of skipping is understood" unit="$dir/cmocka_skips"
says 1 '4 passed, 1 failed, 1 skipped' '^lint +3 passed, 0 failed, 1 skipped' 'kinds are summed apart and together' \
	unit="$dir/bad" lint="$dir/good" lint="$dir/skips"
says 1 '0 passed, 0 failed, 0 skipped' 'no tests' 'nothing to run is no success'
says 0 '1 passed, 0 failed, 0 skipped' . 'a scene runner is given all scenes' scene="$dir/counts_arguments"
says 1 '1 passed, 1 failed, 0 skipped' 'once more' 'what is live and fails is run once more, and fails' live="$dir/bad"
says 0 '1 passed, 0 failed, 1 skipped' '# it was late' 'what is live and passes the second time counts, and the first is shown' live="$dir/second_time"
rm "$dir/second_time.was"
says 0 '1 passed, 0 failed, 1 skipped' '^  live .*second_time$' 'it is named at the end' live="$dir/second_time"
rm "$dir/second_time.was"
says 1 '0 passed, 1 failed, 1 skipped' '# it was late' 'what is not live has no second time' unit="$dir/second_time"
says 0 '2 passed, 0 failed, 0 skipped' '^  live .*another_time$' 'each result has passed in one of two runs' live="$dir/another_time"
says 1 '0 passed, 1 failed, 0 skipped' . 'but not where the runs are not of the same' live="$dir/less_and_less"
says 1 '2 passed, 1 failed, 0 skipped' 'exit status 3' 'or where one ended badly' live="$dir/worse"
TIMEOUT=1
export TIMEOUT
says 1 '0 passed, 2 failed, 0 skipped' 'not done after 1 s' 'a program that hangs is ended and fails' unit="$dir/hangs"
count=$((count + 1))
if kill -0 "$(cat "$dir/hangs.pid")" 2>/dev/null; then
	echo "not ok $count - nothing of it stays behind"
else
	echo "ok $count - nothing of it stays behind"
fi
echo "1..$count"
