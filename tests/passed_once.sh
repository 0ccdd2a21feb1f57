#!/bin/sh
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#
# passed_once.sh FIRST SECOND
#
# What a live test said (TAP) in two runs. Status 0 when each run gave all of the results
# that it planned, as many as the other, and what failed in one passed in the other.
exec awk '
FNR == 1 { run++ }
/^1\.\.[1-9]/ { plan[run] = substr($1, 4) + 0 }
/^(not )?ok / { gave[run]++ }
/^not ok / && failed[$3]++ { twice = 1 }
END { exit twice || run != 2 || !plan[1] || plan[1] != plan[2] || gave[1] != plan[1] || gave[2] != plan[2] }
' "$1" "$2"
