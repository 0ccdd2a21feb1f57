# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""seen.py KERNEL VERSION DIRECTORY WAY ...

The rows of results.def for what demo_matrix.sh left in DIRECTORY: how each hook was
attached, which causes were earned by endings that ended as they must, and what was
out of sight.
"""
import glob
import json
import sys


def section(text, title):
    """Lines below the line that begins so, to the next empty one."""
    lines = text.splitlines()
    for start, line in enumerate(lines):
        if line.startswith(title):
            end = lines.index("", start) if "" in lines[start:] else len(lines)
            return lines[start + 1:end]
    return []


def hooks_of(doctor):
    rows = [line.split() for line in section(doctor, "Hooks") if line.startswith("  ") and line[2] != " "]
    return " ".join(f"{row[0]}={row[1]}" for row in rows)


def blind_of(doctor):
    return " ".join(sorted(line.split()[0] for line in section(doctor, "Out of sight")))


def causes_of(paths):
    earned, waiting = set(), []
    for path in paths:
        with open(path, encoding="utf-8") as lines:
            for record in map(json.loads, lines):
                if record["type"] == "close":
                    waiting.append(record["cause"])
                elif record["type"] == "story":
                    earned |= set(waiting) if record["as_expected"] else set()
                    waiting = []
    return " ".join(sorted(earned - {"unknown"}))


def main():
    kernel, version, directory = sys.argv[1:4]
    print(f'RAN("{kernel}", "{version}")')
    for way in sys.argv[4:]:
        with open(f"{directory}/{way}.doctor", encoding="utf-8") as file:
            doctor = file.read()
        hooks = hooks_of(doctor)
        # Without state changes there is no trace, so nothing that it could be blind to.
        blind = "" if "state=- " in hooks else blind_of(doctor)
        print(f'SEEN("{kernel}", "{way}",\n     "{hooks}",')
        print(f'     "{causes_of(sorted(glob.glob(f"{directory}/{way}*.json")))}",\n     "{blind}")')


if __name__ == "__main__":
    main()
