# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
"""Markdown of what was measured."""
from pairs import Spread


def number(value, digits=0):
    return f"{value:,.{digits}f}"


def ratio(s: Spread):
    return f"**{s.median:.3f}** ({s.low:.3f}..{s.high:.3f})" if s else "-"


def around(s: Spread, digits=0):
    """Median and quartiles."""
    return f"{number(s.median, digits)} ({number(s.low, digits)}..{number(s.high, digits)})" if s else "-"


class Page:
    """Grows by sections; written after each, so that what was measured survives what fails later."""

    def __init__(self, path):
        self.path, self.lines = path, []

    def text(self, *lines):
        self.lines += [*lines, ""]

    def table(self, heads, rows):
        if not rows:
            return
        self.lines.append("| " + " | ".join(heads) + " |")
        self.lines.append("|" + "---|" * len(heads))
        self.lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
        self.lines.append("")

    def write(self):
        with open(self.path, "w", encoding="utf-8") as file:
            file.write("\n".join(self.lines))
