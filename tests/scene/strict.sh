#!/bin/sh
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# The runner of scenes can fail: on every mistake in a scene, by file and line,
# and on every verdict that is not as expected.
set -u
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
scene=${O:-build}/tests/scene/scene
n=0

say() { # STATUS TITLE
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; fi
}

good='scene  linger-zero
socket s 127.0.0.1:8080 127.0.0.1:40000
0s     s  state SYN_RECV ESTABLISHED
1s     s  state ESTABLISHED CLOSE own has_socket shutdown=3 linger=0 task=server:812
+1us   s  rst-active own has_socket task=server:812
expect s cause=linger-zero rst_sent=1 owner=server:812'

# A scene with its LINE replaced must be refused, by name and line, with the WORDS.
refuses() { # TITLE LINE TEXT WORDS
	echo "$good" | awk -v line="$2" -v text="$3" 'NR == line { print text; next } { print }' >"$work/bad.scene"
	"$scene" "$work/bad.scene" >"$work/out" 2>"$work/err"
	status=$?
	[ $status -ne 0 ] && grep -qF "$work/bad.scene:$2: " "$work/err" && grep -qF "$4" "$work/err" &&
		grep -q '^not ok' "$work/out"
	say $? "$1"
}

# The same, and what comes out is not what is expected.
fails() { # TITLE LINE TEXT WORDS
	echo "$good" | awk -v line="$2" -v text="$3" 'NR == line { print text; next } { print }' >"$work/bad.scene"
	"$scene" "$work/bad.scene" >"$work/out" 2>"$work/err"
	status=$?
	[ $status -ne 0 ] && [ ! -s "$work/err" ] && grep -qF "$4" "$work/out" && grep -q '^not ok' "$work/out"
	say $? "$1"
}

echo "$good" >"$work/good.scene"
"$scene" "$work/good.scene" >"$work/out" 2>&1
say $? "a good scene passes"
refuses "a word that is not known" 4 "1s s state ESTABLISHED CLOSE owned" 'unknown word "owned"'
refuses "a kind that is not known" 5 "+1us s rst-sent" 'unknown kind of observation "rst-sent"'
refuses "a state that is not known" 3 "0s s state SYN_RECV ESTAB" '"ESTAB" is no state'
refuses "a socket that was not declared" 5 "+1us t rst-active" 'no socket "t"'
refuses "a line that is nothing" 5 "rst-active s" '"rst-active" is neither a time nor a keyword'
refuses "time that runs backwards" 5 "500ms s rst-active" 'backwards'
refuses "a number that is none" 4 "1s s state ESTABLISHED CLOSE unread=3x" 'unread: "3x" is no number'
refuses "a flag with a value" 4 "1s s state ESTABLISHED CLOSE dead=1" 'dead takes no value'
refuses "an owned socket without a task" 5 "+1us s rst-active own" 'by whom?'
refuses "an address that is none" 2 "socket s 127.0.0.300:8080 127.0.0.1:1" 'no pair of endpoints'
refuses "a vantage that is not known" 2 "covered all -reset" 'no vantage "reset"'
refuses "a cause that is not known" 6 "expect s cause=linger-one" 'no such cause'
refuses "a field that is not known" 6 "expect s cause=linger-zero rst=1" 'no such field'
refuses "evidence that is not known" 6 "expect s cause=linger-zero evidence=-linger" 'evidence is'
refuses "an expectation without a cause" 6 "expect s rst_sent=1" 'begins with its cause'
refuses "an unknown errno" 4 "1s s state ESTABLISHED CLOSE err=ECONNREST" 'is no number'
fails "another cause than expected" 6 "expect s cause=disconnect" "cause: want disconnect, got linger-zero"
fails "another count than expected" 6 "expect s cause=linger-zero rst_sent=2" "rst_sent: want 2, got 1"
fails "another owner than expected" 6 "expect s cause=linger-zero owner=client:900" "owner: want client:900, got server:812"
fails "evidence that is missing" 6 "expect s cause=linger-zero evidence=+unread-data" "evidence: unread-data"
fails "evidence that must not be" 6 "expect s cause=linger-zero evidence=-by-call" "evidence: by-call"
fails "a verdict that nobody expected" 6 "" "nobody expected a verdict on s: linger-zero"
fails "a verdict that does not come" 4 "1s s state ESTABLISHED CLOSE_WAIT done shutdown=1" "no verdict on s"
fails "a minisocket that nobody saw" 6 "expect s minisocket end=expired" "no minisocket on s"
fails "a todo that is done" 2 "todo soon
socket s 127.0.0.1:8080 127.0.0.1:40000" "take its todo away"
refuses "a stranger as somebody who acts" 4 "1s s release task=on-the-cpu:666" 'by whom?'
echo "1..$n"
