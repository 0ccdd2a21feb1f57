#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""What --json really prints against what `tcpclose schema` says of it."""
import json
import os
import subprocess
import sys

TCPCLOSE = os.path.join(os.environ.get("O", "build"), "tcpclose")
ENDINGS = ["default", "linger-zero", "unread-data", "refused"]


def why_not():
    """The fact that is missing here, or None."""
    try:
        import jsonschema  # noqa: F401
    except ImportError:
        return "no python3-jsonschema"
    if not os.access(TCPCLOSE, os.X_OK):
        return "no tcpclose in this build"
    if os.geteuid() != 0:
        return "not root"
    if not os.path.exists("/sys/kernel/btf/vmlinux"):
        return "no BTF"
    return None


def tests():
    import jsonschema
    schema = json.loads(subprocess.run([TCPCLOSE, "schema"], check=True, stdout=subprocess.PIPE).stdout)
    run = subprocess.run([TCPCLOSE, "demo", *ENDINGS, "--json", "-e"], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, check=False)
    validator = jsonschema.Draft202012Validator(schema)
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    yield "the demo ends well", run.returncode and run.stderr.decode(errors="replace")
    yield "every line is valid", "; ".join(
        "%s %s: %s" % (line["type"], "/".join(map(str, error.path)), error.message)
        for line in lines for error in validator.iter_errors(line))
    yield "seq counts every line", [line["seq"] for line in lines] != list(range(len(lines)))
    yield "close, event, app, story and summary are among them", \
        {"close", "event", "app", "story", "summary"} - {line["type"] for line in lines}
    yield "the summary is the last line", not lines or lines[-1]["type"] != "summary"


def main():
    reason = why_not()
    if reason:
        print("1..0 # SKIP " + reason)
        return 0
    failed = count = 0
    for name, problem in tests():
        count += 1
        print("%sok %d - %s" % ("not " if problem else "", count, name))
        if problem:
            print("# " + str(problem)[:2000].replace("\n", "\n# "))
            failed = 1
    print("1..%d" % count)
    return failed


if __name__ == "__main__":
    sys.exit(main())
