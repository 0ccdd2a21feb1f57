#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""Every golden NDJSON line against docs/schema.json, and bad lines too."""
import copy
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
NAMES = [
    "the schema is a valid schema",
    "every golden line is valid",
    "every type of line is among them",
    "seq counts lines up by one",
    "a line with an unknown key or type is valid",
    "a line without a required key is not",
    "a line with a word that no table has is not",
    "every key of every line is in the schema",
]


def lines():
    found = []
    for name in ("ndjson.expected", "ndjson-events.expected"):
        with open(os.path.join(HERE, name), encoding="utf-8") as file:
            found.append([json.loads(line) for line in file])
    return found


def changed(line, **changes):
    line = copy.deepcopy(line)
    for key, value in changes.items():
        if value is None:
            del line[key]
        else:
            line[key] = value
    return line


def unknown_keys(schema, where, value):
    """Paths of keys in value that the schema does not name."""
    if "$ref" in where:
        where = schema["$defs"][where["$ref"].rsplit("/", 1)[1]]
    for choice in where.get("anyOf", []):
        if "$ref" in choice and value is not None:
            where = schema["$defs"][choice["$ref"].rsplit("/", 1)[1]]
    if isinstance(value, list):
        return [key for item in value for key in unknown_keys(schema, where.get("items", {}), item)]
    if not isinstance(value, dict) or "propertyNames" in where:
        return []
    properties = where.get("properties", {})
    found = [key for key in value if key not in properties]
    for key in value.keys() & properties.keys():
        found += [key + "." + inner for inner in unknown_keys(schema, properties[key], value[key])]
    return found


def strange_keys(schema, line):
    known = {"properties": {**schema["properties"], **schema["$defs"][line["type"]]["properties"]}}
    return [line["type"] + "." + key for key in unknown_keys(schema, known, line)]


def check(jsonschema):
    with open(os.path.join(HERE, "..", "..", "docs", "schema.json"), encoding="utf-8") as file:
        schema = json.load(file)
    validator = jsonschema.Draft202012Validator(schema)
    runs = lines()
    every = [line for run in runs for line in run]
    close = next(line for line in every if line["type"] == "close")

    def problem_with_schema():
        try:
            jsonschema.Draft202012Validator.check_schema(schema)
        except jsonschema.SchemaError as error:
            return error.message
        return None

    yield problem_with_schema()
    yield "; ".join("%s %s: %s" % (line["type"], "/".join(map(str, error.path)), error.message)
                    for line in every for error in validator.iter_errors(line))
    yield set(schema["$defs"]) & {"close", "minisocket", "event", "app", "segment", "loss", "story", "summary",
                            "time-wait", "stuck", "left", "trial", "reset", "audit"} \
        ^ {line["type"] for line in every}
    yield [run for run in runs if [line["seq"] for line in run] != list(range(len(run)))]
    yield [line for line in (changed(close, news=[]), changed(close, type="rumour", conn="x"))
           if not validator.is_valid(line)]
    yield [key for key in ("v", "ts", "seq", "conn", "pair", "evidence", "lost")
           if validator.is_valid(changed(close, **{key: None}))]
    yield [change for change in ({"cause": "bad-luck"}, {"how": "loud"}, {"evidence": ["rumour"]},
                                 {"path": [{"state": "OPEN", "at_ns": 0}]}, {"error": "oops"}, {"conn": -1},
                                 {"ts": "today"}, {"owner": {"pid": 1}})
           if validator.is_valid(changed(close, **change))]
    yield [key for line in every for key in strange_keys(schema, line)]


def main():
    try:
        import jsonschema
    except ImportError:
        for number, name in enumerate(NAMES, 1):
            print("ok %d - %s # SKIP no python3-jsonschema" % (number, name))
        print("1..%d" % len(NAMES))
        return 0
    failed = 0
    for number, (name, problem) in enumerate(zip(NAMES, check(jsonschema)), 1):
        print("%sok %d - %s" % ("not " if problem else "", number, name))
        if problem:
            print("# " + str(problem)[:2000].replace("\n", "\n# "))
            failed = 1
    print("1..%d" % len(NAMES))
    return failed


if __name__ == "__main__":
    sys.exit(main())
