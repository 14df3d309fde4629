"""Writes the tables of docs/other-peoples-files.md, between its markers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from try_grasps import Row

from dr_grasp.common.atomic import write_whole

SMALLEST = 1e-6
"""Differences below this share are rounding."""

MOST_REFUSED = 10
"""Refused procedural objects that are named."""

ENGINES = {"pybullet": "PyBullet", "mujoco": "MuJoCo"}

MOST_NOTES = 2
"""Notes of a robot that are quoted."""


def write_page(page: Path, results: Row) -> None:
    """Write the tables anew; the text around them stays."""
    rows = results["rows"]
    by_kind = {
        kind: {name: row for name, row in rows.items() if row.get("kind") == kind}
        for kind in ("robot", "object", "procedural")
    }
    text = page.read_text()
    for name, lines in (
        ("robots", robots_table(by_kind["robot"])),
        ("robots-reasons", reasons(by_kind["robot"])),
        ("objects", objects_table(by_kind["object"])),
        ("objects-reasons", reasons(by_kind["object"])),
        ("procedural", procedural(by_kind["procedural"])),
        ("versions", [", ".join(f"{key} {number}" for key, number in results["versions"].items())]),
    ):
        marked = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        if not marked.search(text):
            raise SystemExit(f"{page}: expected a line <!-- {name} -->, got none")
        body = "\n".join([*lines, ""])
        text = marked.sub(lambda found, body=body: f"{found[1]}{body}{found[2]}", text)
    write_whole(page, text.encode())


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of a Markdown table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return [f"| {' | '.join(cells)} |" for cells in lines]


def robots_table(rows: dict[str, Row]) -> list[str]:
    """A line for each robot; by where it comes from."""
    columns = ("robot", "loads", "kinematics", "masses", "found after", "PyBullet", "MuJoCo")
    lines = []
    for name, row in sorted(rows.items(), key=lambda item: (source(item[1]), item[0])):
        loads = "kinematics" in row
        lines.append(
            [
                f"`{name}`",
                ("yes" + (f", {len(row['notes'])} said" if row["notes"] else ""))
                if loads
                else "no",
                kinematics(row["kinematics"]) if loads else "",
                masses(row["masses"]) if loads else "",
                *grasps(row.get("grasps")),
            ]
        )
    return table(columns, lines)


def source(row: Row) -> str:
    """The package that a robot comes from."""
    return str(row.get("urdf", "")).split("/robots/")[0]


def kinematics(found: Row) -> str:
    """The largest difference of any engine."""
    pairs = [pair for key, pair in found.items() if key != "links"]
    return f"{max(um for um, _ in pairs):.1f} µm, {max(angle for _, angle in pairs):.1f} µrad"


def masses(found: Row) -> str:
    """How many links have the URDF's values in both engines."""
    worst = max(found["mass"], found["inertia"], found["center_um"] * 1e-6)
    replaced = f", {found['replaced']} replaced" if found["replaced"] else ""
    same = "same" if worst < SMALLEST else f"within {worst:.1g}"
    return f"{found['links']} {same}{replaced}"


def grasps(found: Row | None) -> list[str]:
    """Three cells: proposals until the first grasp, and how many of those found held."""
    if found is None:
        return ["", "", ""]
    if not found["found"]:
        return [f"none in {found['evaluations']}", "", ""]
    held = found.get("held", {})
    return [str(found["first"])] + [
        f"{held[engine]} of {found['found']}" if engine in held else ""
        for engine in ("pybullet", "mujoco")
    ]


def objects_table(rows: dict[str, Row]) -> list[str]:
    """A line for each object."""
    columns = ("file", "size", "mass", "volume", "surface", "pieces")
    columns = (*columns, "engines", "found after", "PyBullet", "MuJoCo")
    lines = []
    for row in rows.values():
        cells = [f"`{row.get('file', '')}`"]
        if "size_m" in row:
            worst = max(row["engines"]["mass"], row["engines"]["inertia"])
            cells += [
                " x ".join(f"{100 * side:.1f}" for side in row["size_m"]) + " cm",
                f"{row['mass_kg']:g} kg",
                f"{1e6 * row['volume_m3']:.4g} cm³",
                "closed" if row["watertight"] else "open",
                str(row["pieces"]),
                "same" if worst < 10 * SMALLEST else f"within {worst:.1g}",
                *grasps(row.get("grasps")),
            ]
        else:
            cells += ["refused", *[""] * 8]
        lines.append(cells)
    return table(columns, lines)


def reasons(rows: dict[str, Row]) -> list[str]:
    """For each row that failed, why, in the product's words; how grasps were lost; remarks."""
    lines = []
    for name, row in rows.items():
        words = row.get("crash") or row.get("error")
        failures = row.get("grasps", {}).get("failures", {})
        if words:
            text = f"- `{name}`: {shorter(words)}"
            if failures:
                text += f" ({', '.join(f'{count} {label}' for label, count in failures.items())})"
            lines.append(text)
        for engine, counts in row.get("grasps", {}).get("outcomes", {}).items():
            lost = [f"{count} {label}" for label, count in counts.items() if label != "success"]
            if lost:
                lines.append(f"- `{name}`, in {ENGINES[engine]}: {', '.join(lost)}")
        notes = [*row.get("notes", []), *row.get("remarks", [])]
        for note in notes[:MOST_NOTES]:
            lines.append(f"- `{name}` says: {shorter(note)}")
        if len(notes) > MOST_NOTES:
            lines.append(f"- `{name}`: and {len(notes) - MOST_NOTES} more")
    return lines or ["None."]


def shorter(words: str) -> str:
    """Words with the addresses of files cut to their names."""
    words = re.sub(r"^[\w-]+\.yaml: ", "", " ".join(words.split()))
    return re.sub(r"(package:/|pybullet_data:/)?/?(?:[\w.-]+/){2,}", "…/", words)


def procedural(rows: dict[str, Row]) -> list[str]:
    """What came of the 1,000 objects."""
    if not rows:
        return ["Not run."]
    (row,) = rows.values()
    if "loaded" not in row:
        return [str(row.get("crash") or row.get("error"))]
    sample = row["sample"].values()
    held = {
        engine: sum(one.get("grasps", {}).get("held", {}).get(engine, 0) for one in sample)
        for engine in ("pybullet", "mujoco")
    }
    found = sum(one.get("grasps", {}).get("found", 0) for one in sample)
    none = [name for name, one in row["sample"].items() if "error" in one]
    lines = [
        f"- {row['loaded']} of 1,000 load; {row['watertight']} surfaces are closed.",
        *[f"- `{name}`: {shorter(words)}" for name, words in row["refused"].items()][:MOST_REFUSED],
        "- Volume against that of the union of the pieces, by random points: "
        f"{share(row['volume'])}. Inertia: {share(row['inertia'])}.",
        f"- With every hundredth, {found} grasps were found; {held['pybullet']} of them held again "
        f"in PyBullet, {held['mujoco']} in MuJoCo.",
    ]
    if none:
        lines.append(f"- Too few were found for {', '.join(none)}.")
    return lines


def share(found: Row) -> str:
    """Differences in per cent."""
    return (
        f"within {100 * found['50']:.1f} % for half of them, {100 * found['95']:.1f} % for 95 in "
        f"100, {100 * found['100']:.1f} % for all"
    )
