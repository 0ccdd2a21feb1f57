#!/bin/sh
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# What is printed from tables and committed is what the tables now say (make docs renews it),
# and the links in it lead where they say.
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
# Two with one anchor: a link to the second lands on the first. Anchors as GitHub makes them.
clean 'no document has two headings of one name' "$(
	for file in $(sources '*.md'); do
		awk '
			/^```/ { code = !code }
			code || !/^#+ / { next }
			{
				anchor = tolower($0)
				sub(/^#+ +/, "", anchor)
				gsub(/[^a-z0-9 _-]/, "", anchor)
				gsub(/ /, "-", anchor)
				if (anchor in line)
					print FILENAME ":" FNR ": " $0 ": that is line " line[anchor] " too"
				else
					line[anchor] = FNR
			}' "$file"
	done)"
finish
