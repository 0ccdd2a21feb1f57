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
finish
