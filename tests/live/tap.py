# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""TAP, as tests/run.sh reads it: a line for each result."""
import sys

results = []


def result(name, problems, skip=None):
    """One line of TAP; `problems` is what a reader of the failure wants to know."""
    problems = list(problems)
    results.append(not problems)
    line = f"{'not ok' if problems else 'ok'} {len(results)} - {name}"
    print(line + (f" # SKIP {skip}" if skip else ""))
    for problem in problems[:20]:
        print("# " + str(problem)[:1500].replace("\n", "\n# "))
    if len(problems) > 20:
        print(f"# and {len(problems) - 20} more")
    sys.stdout.flush()


def finish():
    print(f"1..{len(results)}")
    sys.exit(0 if all(results) else 1)


def skip_all(reason):
    print(f"1..0 # SKIP {reason}")
    sys.exit(0)
