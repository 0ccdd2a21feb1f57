#!/bin/sh
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# What is printed from tables and committed is what the tables now say (make docs renews it).
set -u
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

gendoc=${O:-build}/gendoc
if [ -x "$gendoc" ]; then
	clean 'the generated documents are those of the tables' "$("$gendoc" --check 2>&1 || echo "gendoc --check: exit status $?")"
else
	skip 'the generated documents are those of the tables' 'no gendoc in this build'
fi
# The table of kinds in the format's description is written by hand, in more words than a row has.
if [ -e user/ingest/tape.def ]; then
	clean 'every kind of block that a tape may have is described in docs/TAPE.md' "$(
		awk -F'[(,] *' '/^TAPE\(/ { print "| " $3 " | " $2 " |" }' user/ingest/tape.def | while read -r row; do
			grep -qF "$row" docs/TAPE.md || echo "docs/TAPE.md has no row: $row"
		done)"
fi
finish
