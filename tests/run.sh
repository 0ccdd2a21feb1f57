#!/bin/sh
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#
# tests/run.sh KIND=PROGRAM ...
#
# Runs test programs one after the other and reads the TAP on their standard
# output. A program that fails a test, dies, prints no plan or another number of
# results than planned has failed. A live one is then run once more, and that counts:
# what others do on this machine, or the machine itself, may be to blame. Of many results
# each must pass in one of the two. What was wrong is printed all the same. Last line:
# N passed, N failed, N skipped.
# Exit status 1 when anything failed or nothing ran.
#
# TIMEOUT=SECONDS in the environment overrides the limit per program.
set -u

work=$(mktemp -d) || exit 1
pid=
trap 'rm -rf "$work"' EXIT
# timeout(1) passes the signal on to all that the program started.
trap 'test -z "$pid" || kill "$pid"; exit 130' INT TERM

export CMOCKA_MESSAGE_OUTPUT=TAP LC_ALL=C.UTF-8 TZ=UTC PYTHONDONTWRITEBYTECODE=1
: >"$work/counts"
: >"$work/skips"
: >"$work/again"

seconds_for() {
	case $1 in
	live) echo 900 ;;
	vm) echo 3600 ;;
	*) echo 120 ;;
	esac
}

# Reads TAP; appends to the files counts ("kind passed failed skipped") and skips;
# prints what failed. Variables: kind, name, status, limit, counts, skips.
# shellcheck disable=SC2016 # it is awk that expands these
read_tap='
function problem(text) { failed++; print "FAIL " kind " " name ": " text }
function skip(reason) { skipped++; print kind " " name ": " reason >>skips }
/^1\.\.[0-9]+/ {
	planned = 1
	plan += substr($1, 4)
	if ($1 == "1..0")
		skip(match($0, /# *[Ss][Kk][Ii][Pp][^ ]* */) ? substr($0, RSTART + RLENGTH) : "planned no test")
}
/^Bail out!/ { problem($0) }
/^(not )?ok([^a-z]|$)/ {
	results++
	# "not ok # SKIP" is how cmocka 1.1 says it; its reason stands in a comment before.
	if (match($0, /# *[Ss][Kk][Ii][Pp][^ ]* */)) {
		reason = substr($0, RSTART + RLENGTH)
		before = substr($0, 1, RSTART - 1)
		gsub(/^(not )?ok *[0-9]* *-? *| +$/, "", before)
		skip(before (before == "" ? "" : ": ") reason (comment == "" ? "" : ": " comment))
	} else if ($1 == "ok")
		passed++
	else
		failed++
	comment = ""
}
/^# / { comment = substr($0, 3) }
END {
	if (status == 124 || status == 137)
		problem("not done after " limit " s")
	else if (status > 128)
		problem("killed by signal " status - 128)
	else if (status != 0 && !failed)
		problem("exit status " status ", though no test failed")
	if (!planned)
		problem("printed no plan")
	else if (plan != results + 0)
		problem("planned " plan " results, gave " results + 0)
	print kind, passed + 0, failed + 0, skipped + 0 >>counts
	printf "%-7s %-44s %d passed", kind, name, passed
	if (failed) printf ", %d failed", failed
	if (skipped) printf ", %d skipped", skipped
	print ""
	exit failed > 0
}'

# attempt PROGRAM [ARGUMENT ...]: what it gave is in the files count and skip
attempt() {
	: >"$work/count"
	: >"$work/skip"
	timeout --kill-after=10 "$limit" "$@" >"$work/out" 2>"$work/err" </dev/null &
	pid=$!
	wait "$pid"
	status=$?
	pid=
	awk -v kind="$kind" -v name="$name" -v status="$status" -v limit="$limit" \
		-v counts="$work/count" -v skips="$work/skip" "$read_tap" "$work/out" && return
	grep -v '^ok' "$work/out" | sed 's/^/    /'
	test ! -s "$work/err" || { echo '    standard error:'; sed 's/^/    /' "$work/err"; }
	return 1
}

# What failed the first time and what failed now are not the same: then all of it has passed.
passed_between() {
	[ "$first_status" -eq 1 ] && [ "$status" -eq 1 ] && tests/passed_once.sh "$work/first" "$work/out" &&
		awk '{ print $1, $2 + $3, 0, $4 }' "$work/count" >"$work/first" && mv "$work/first" "$work/count"
}

# run KIND PROGRAM [ARGUMENT ...]
run() {
	kind=$1
	shift
	name=${1##*tests/"$kind"/}
	limit=${TIMEOUT:-$(seconds_for "$kind")}
	case $1 in
	*.py) command -v python3 >/dev/null || set -- echo '1..0 # SKIP no python3' ;;
	esac
	if ! attempt "$@" && [ "$kind" = live ]; then
		echo "    once more:"
		mv "$work/out" "$work/first"
		first_status=$status
		if attempt "$@" || passed_between; then echo "$kind $name" >>"$work/again"; fi
	fi
	cat "$work/count" >>"$work/counts"
	cat "$work/skip" >>"$work/skips"
}

for argument in "$@"; do
	case $argument in
	*=*) ;;
	*)
		echo "tests/run.sh: KIND=PROGRAM, not $argument" >&2
		exit 2
		;;
	esac
	case $argument in
	scene=*.sh | scene=*.py) run scene "${argument#*=}" ;;
	scene=*) run scene "${argument#*=}" tests/scene/*.scene ;;
	*) run "${argument%%=*}" "${argument#*=}" ;;
	esac
done

echo
test ! -s "$work/again" || { echo 'Passed, but not at once:'; sed 's/^/  /' "$work/again"; echo; }
test ! -s "$work/skips" || { echo 'Skipped:'; sed 's/^/  /' "$work/skips"; echo; }
awk '
function line(what, p, f, s) { print what p " passed, " f " failed, " s " skipped" }
!($1 in passed) { kinds[++n] = $1 }
{ passed[$1] += $2; failed[$1] += $3; skipped[$1] += $4; p += $2; f += $3; s += $4 }
END {
	for (i = 1; i <= n; i++)
		line(sprintf("%-7s ", kinds[i]), passed[kinds[i]], failed[kinds[i]], skipped[kinds[i]])
	if (!n) print "no tests"
	line("", p + 0, f + 0, s + 0)
	exit f > 0 || !n
}' "$work/counts"
