#!/bin/sh
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# gendoc --check finds each document that is not what the tables say, and names it.
set -u
gendoc=${O:-build}/gendoc
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
documents='CAUSES.md OUTPUT.md schema.json KERNELS.md tcpclose.8'
count=0

# finds NAME FILE: --check fails and its message begins with that file.
finds() {
	count=$((count + 1))
	if said=$("$gendoc" --check "$work" 2>&1); then
		echo "not ok $count - $1"
	elif [ "${said#"$work/$2:"}" = "$said" ]; then
		printf 'not ok %s - %s\n# %s\n' "$count" "$1" "$said"
	else
		echo "ok $count - $1"
	fi
}

if [ ! -x "$gendoc" ]; then
	echo '1..0 # SKIP no gendoc in this build'
	exit 0
fi
for document in $documents; do
	for file in $documents; do
		"$gendoc" "$(echo "${file%.*}" | tr '[:upper:]' '[:lower:]')" >"$work/$file" 2>/dev/null
	done
	cp docs/tcpclose.8 "$work"
	rm "$work/$document"
	finds "$document is missed when it is not there" "$document"
	if [ "$document" = tcpclose.8 ]; then
		sed 's/Fl -max-flows/Fl -few-flows/' docs/tcpclose.8 >"$work/$document"
		finds 'an option without a word in the manual is missed' "$document"
		# --tape is still there
		grep -v 'Fl -tap$' docs/tcpclose.8 >"$work/$document"
		finds 'so is one with which another option begins' "$document"
	else
		"$gendoc" "$(echo "${document%.*}" | tr '[:upper:]' '[:lower:]')" | sed '1s/$/ /' >"$work/$document"
		finds "one more blank in $document is seen" "$document"
	fi
done
cp docs/tcpclose.8 "$work"
count=$((count + 1))
if "$gendoc" --check "$work"; then
	echo "ok $count - what gendoc printed is what it wants"
else
	echo "not ok $count - what gendoc printed is what it wants"
fi
echo "1..$count"
