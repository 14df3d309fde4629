"""Prints the figures that the soak tests reported, as a table for docs/reliability.md."""

import json
import sys
from pathlib import Path


def main(file):
    """Print a Markdown table of the figures in a file."""
    if not file.exists():
        sys.exit(f"{file}: no figures: no soak test came to its end")
    print("| figure | value |\n|---|---|")
    for name, value in json.loads(file.read_text()).items():
        parts = value.items() if isinstance(value, dict) else [("", value)]
        for part, number in parts:
            print(f"| {f'{name}: {part}' if part else name} | {number} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
