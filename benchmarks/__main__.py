"""Measure and print a table: `python -m benchmarks`, or the names of some modules behind it."""

import importlib
import sys

from benchmarks.report import Row, table

MODULES = ("resolving", "training", "filtering", "pages", "runs", "inside")


def main(names: list[str]) -> int:
    """Print the table; returns 1 if a promise does not hold."""
    rows: list[Row] = []
    for name in names or MODULES:
        rows += importlib.import_module(f"benchmarks.{name}").measure()
    print(table(rows))
    return 0 if all(row.holds for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
