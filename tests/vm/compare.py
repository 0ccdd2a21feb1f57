# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""compare.py [--blind] [--lacks FACT[,FACT]] LABEL=FILE LABEL=FILE ...

Compares what several runs of `tcpclose demo --json` say of the same endings. The
first is the one the others are held against. Prints one line per difference:

    ending/closer side field: LABEL says X, LABEL says Y

What differs alike in more than three places is one line, with the first of them and how
many there are: a field that is read wrong is wrong everywhere.

Of a port or a process counts whose it is, of a time or an id whether there is one. What else may differ is a row of differences.txt. --lacks names facts that the kernel of the other
runs lacks and that of the first has. What a way is blind to may differ; --blind
compares that as well. --ended STATUS LABEL=FILE instead asks of one run that ended
so what in it was not as it must be. Exit status 0 the same, 1 different, 2 cannot be
read.
"""
import argparse
import copy
import fnmatch
import json
import os
import sys

# What changes from run to run; of an id only whether there is one, as of what ends in _ns.
NOT_COMPARED = {"v", "type", "ts", "seq"}
ONLY_PRESENCE = {"pair", "conn", "netns"}
# Of a port and of a process, whose it is.
PORTS = {"local.port", "peer.port"}
TASKS = {"owner.pid", "owner.tid", "closer.pid", "closer.tid"}
ABSENT = "(absent)"


class Perhaps:
    """A value that time decides whether it is known: unknown is then as good as any."""
    def __init__(self, value):
        self.value = value

    def __eq__(self, other):
        return None in (self.value, other.value) or self.value == other.value


def flatten(value, names, prefix=""):
    """Dotted key -> value; a path becomes its states, other arrays stay one value.

    names says of a port or a process whose it is."""
    flat = {}
    for key, inner in value.items():
        name = prefix + key
        if name in NOT_COMPARED:
            continue
        if name in ONLY_PRESENCE:
            flat[name] = bool(inner)
        elif key.endswith("_ns"):
            flat[name] = inner is not None
        elif name in PORTS or name in TASKS:
            flat[name] = names.get((name in PORTS, inner), "another") if inner else None
        elif key == "path":
            flat[name] = [step["state"] for step in inner]
        elif isinstance(inner, dict):
            flat.update(flatten(inner, names, name + "."))
        elif isinstance(inner, list):
            flat[name] = sorted(inner)
        else:
            flat[name] = inner
    return flat


def read(path):
    """(ending/closer, side, n) -> flat verdict; the story's own word under side "story"."""
    found, waiting, summary, names = {}, [], None, {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            kind = record["type"]
            if kind == "close":
                waiting.append(record)
            elif kind == "app":
                names[False, record["pid"]] = record["role"]
            elif kind == "summary":
                summary = record
            elif kind == "story":
                names[True, record["server_port"]] = "server"
                take_story(record, waiting, names, found)
                waiting = []
    for record in waiting:
        add(found, "(no ending)", "?", flatten(record, names))
    if summary is None:
        raise ValueError("no summary: the run did not end in order")
    found["(run)", "summary", 0] = {key: summary[key] for key in ("lost", "evicted", "open")}
    return found


def add(found, ending, side, verdict):
    count = sum(1 for key in found if key[:2] == (ending, side))
    found[ending, side, count] = verdict


def take_story(story, waiting, names, found):
    ending = f"{story['ending']}/{story['closer']}"
    found[ending, "story", 0] = {"as_expected": story["as_expected"]}
    for record in waiting:
        side = "server" if record["local"]["port"] == story["server_port"] else "client"
        add(found, ending, side, flatten(record, names))


def read_rows(path):
    with open(path, encoding="utf-8") as lines:
        return [line.split(None, 5)[:5] for line in lines if line.strip() and not line.startswith("#")]


def change(verdict, field, how):
    value = verdict[field]
    words = isinstance(value, list)
    if how == "?":
        del verdict[field]
    elif how == "?null":
        verdict[field] = Perhaps(value)
    elif how == "?0":
        verdict[field] = bool(value)
    elif how[0] == "=":
        verdict[field] = None if value is None else json.loads(how[1:])
    elif how[0] == "-" and words:
        verdict[field] = [word for word in value if not word.startswith(how[1:])]
    elif how[0] == "?" and words:
        verdict[field] = [word for word in value if word != how[1:]]
    elif how[0] == "?" and value in how[1:].split("|"):
        verdict[field] = how[1:]


def is_gone(key, rows, where):
    return any(field == "all" and how == "-" and row_where in where and fnmatch.fnmatch(key[0], row_ending)
               and fnmatch.fnmatch(key[1], row_side) for row_where, row_ending, row_side, field, how in rows)


def expected(run, rows, where):
    """That run, with the rows of `where` applied."""
    changed = {key: copy.deepcopy(verdict) for key, verdict in run.items() if not is_gone(key, rows, where)}
    for (ending, side, _), verdict in changed.items():
        for row_where, row_ending, row_side, row_field, how in rows:
            if row_where in where and fnmatch.fnmatch(ending, row_ending) and fnmatch.fnmatch(side, row_side):
                for field in fnmatch.filter(list(verdict), row_field):
                    change(verdict, field, how)
    return changed


def unexplained(run, status):
    """What is wrong with a demo that ended with that status."""
    for key, verdict in run.items():
        if verdict.get("as_expected") is False:
            yield f"{name_of(key)}: not as it must be"
    if status != "0":
        yield f"exit status {status}"


def name_of(key):
    ending, side, count = key
    return f"{ending} {side}" + (f" #{count + 1}" if count else "")


def shown(value):
    return json.dumps(value.value if isinstance(value, Perhaps) else value)


def differences(one, this, other, that, blind):
    """(place, what differs)"""
    for key in sorted(set(this) | set(that)):
        if key not in this or key not in that:
            has, lacks = (one, other) if key in this else (other, one)
            what = (this if key in this else that)[key].get("cause", "?")
            yield name_of(key) + ":", f"{has} has it ({what}), {lacks} does not"
            continue
        for field in sorted(set(this[key]) | set(that[key])):
            if field == "blind" and not blind:
                continue
            left, right = this[key].get(field, ABSENT), that[key].get(field, ABSENT)
            if left != right:
                yield name_of(key), f"{field}: {one} says {shown(left)}, {other} says {shown(right)}"


def grouped(found):
    """Lines of (place, what differs), in turn."""
    places = {}
    for place, what in found:
        places.setdefault(what, []).append(place)
    for what, where in places.items():
        if len(where) > 3:
            yield f"{where[0]} {what} (and so in {len(where) - 1} more)"
        else:
            yield from (f"{place} {what}" for place in where)


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--blind", action="store_true")
    parser.add_argument("--lacks", default="")
    parser.add_argument("--ended")
    parser.add_argument("runs", nargs="+")
    arguments = parser.parse_args()
    rows = read_rows(os.path.join(os.path.dirname(os.path.abspath(__file__)), "differences.txt"))
    runs = []
    for argument in arguments.runs:
        label, _, path = argument.rpartition("=")
        try:
            runs.append((label, read(path)))
        except (OSError, ValueError, KeyError) as error:
            print(f"{label}: {path}: {type(error).__name__}: {error}")
            return 2
    lacks = {f"lacks:{fact}" for fact in arguments.lacks.split(",")}
    one, this = runs[0]
    if arguments.ended is not None:
        lines = list(unexplained(this, arguments.ended))
    else:
        this = expected(this, rows, {"any"} | lacks)
        lines = [line for other, run in runs[1:]
                 for line in grouped(differences(one, this, other, expected(run, rows, {"any"}), arguments.blind))]
    print("".join(line + "\n" for line in lines), end="")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
