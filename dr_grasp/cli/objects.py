"""`dr-grasp objects`: lists and shows objects, and adds and removes the user's own."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from dr_grasp.cli.console import complain, print_json, print_line, print_table, reports_errors
from dr_grasp.cli.listing import AsJson, complain_of
from dr_grasp.core.arrays import FloatArray
from dr_grasp.errors import SettingsError, quoted
from dr_grasp.objects.adding import NewObject, add_object
from dr_grasp.objects.object_spec import ObjectDetails, object_details, object_families
from dr_grasp.objects.store import remove_object

LEVER = (
    "Length in metres: the torque that resists {0}, for each newton that presses the object onto a "
    "surface of friction 1."
)

app = typer.Typer(invoke_without_command=True)


@app.callback()
@reports_errors
def objects(context: typer.Context, as_json: AsJson = False) -> None:
    """List the objects; add, show and remove your own."""
    if context.invoked_subcommand is not None:
        return
    broken: list[SettingsError] = []
    families = object_families(broken.append)
    if as_json:
        keys = ("first", "last", "description")
        print_json([{key: getattr(family, key) for key in keys} for family in families])
    else:
        rows = [[family.names, family.description] for family in families]
        print_table(["object", "description"], rows)
    complain_of([str(error) for error in broken])


@app.command("add")
@reports_errors
def add(
    file: Annotated[Path, typer.Argument(help="URDF, OBJ, STL or PLY file; it is copied.")],
    mass: Annotated[
        float | None, typer.Option(help="Mass in kg; needed unless the URDF has one.")
    ] = None,
    center_of_mass: Annotated[
        str | None,
        typer.Option(
            help="x,y,z in metres, in the mesh file's frame after scaling.",
            show_default="each link's mass spread evenly over its shape",
        ),
    ] = None,
    inertia: Annotated[
        str | None,
        typer.Option(
            help="ixx,ixy,ixz,iyy,iyz,izz or ixx,iyy,izz in kg m^2, about the centre of mass, "
            "along the mesh file's axes.",
            show_default="each link's mass spread evenly over its shape",
        ),
    ] = None,
    friction: Annotated[
        float | None,
        typer.Option(
            help="Coulomb coefficient of friction.", show_default="the URDF's value, or 0.6"
        ),
    ] = None,
    rolling_friction: Annotated[
        float | None,
        typer.Option(help=LEVER.format("rolling"), show_default="the URDF's value, or 0.001"),
    ] = None,
    spinning_friction: Annotated[
        float | None,
        typer.Option(
            help=f"{LEVER.format('spinning')} For finger pads: 0.0004 to 0.0012.",
            show_default="the URDF's value, or 0.001",
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the object.", show_default="the file's name")
    ] = None,
    unit: Annotated[
        str | None,
        typer.Option(
            help="Unit of the mesh: m, cm, mm or in.",
            show_default="m if no side is longer than 1, else mm",
        ),
    ] = None,
    scale: Annotated[
        str | None,
        typer.Option(
            help="Instead of a unit: factor from the mesh to metres, or three, such as "
            "0.001,0.001,0.002, along its x, y and z. A URDF is scaled with its offsets; its "
            "masses stay.",
        ),
    ] = None,
    collision: Annotated[
        str, typer.Option(help="How to make convex pieces: auto, coacd, groups or hull.")
    ] = "auto",
    center: Annotated[
        bool,
        typer.Option(help="Put the object's frame into the middle of its bounding box."),
    ] = True,
    description: Annotated[
        str | None, typer.Option(help="One line of text for the list of objects.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace an object of your own that has this name.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Add an object of your own from a file, and make its convex pieces."""
    new = NewObject(
        file=file,
        name=name,
        mass=mass,
        center_of_mass=_numbers("center_of_mass", center_of_mass),
        inertia=_numbers("inertia", inertia),
        lateral_friction=friction,
        rolling_friction=rolling_friction,
        spinning_friction=spinning_friction,
        unit=unit,
        scale=_numbers("scale", scale),
        collision=collision,
        center=center,
        description=description,
        replace=force,
    )
    details = add_object(new, complain)
    _show_details(details, as_json)
    if not as_json:
        words = ["--robot", "franka", "--object", details.spec.name, "--out", "grasps.json"]
        print_line(f"next: dr-grasp generate {shlex.join(words)}")


@app.command("show")
@reports_errors
def show(
    name: Annotated[str, typer.Argument(help="Name of the object.")], as_json: AsJson = False
) -> None:
    """Show an object's size, mass, inertia, friction and convex pieces."""
    _show_details(object_details(name), as_json)


@app.command("remove")
@reports_errors
def remove(name: Annotated[str, typer.Argument(help="Name of an object of your own.")]) -> None:
    """Remove an object of your own, with the copy of its mesh."""
    print_line(f"{name}: removed {remove_object(name)}")


def _numbers(option: str, text: str | None) -> tuple[float, ...] | None:
    """Read numbers that stand between commas."""
    if text is None:
        return None
    try:
        return tuple(float(word) for word in text.split(","))
    except ValueError as error:
        raise SettingsError(
            f"{option}: expected numbers between commas, got {quoted(text)}"
        ) from error


def _show_details(details: ObjectDetails, as_json: bool) -> None:
    spec, facts = details.spec, details.facts
    if as_json:
        print_json(
            {
                "name": spec.name,
                "description": spec.description,
                "extent_m": list(facts.extent),
                "volume_m3": facts.volume,
                "mass_kg": spec.mass,
                "center_of_mass_m": spec.center_of_mass.tolist(),
                "inertia_kg_m2": spec.inertia.tolist(),
                "inertia_from": details.inertia_from,
                "lateral_friction": spec.lateral_friction,
                "rolling_friction": spec.rolling_friction,
                "spinning_friction": spec.spinning_friction,
                "pieces": len(spec.pieces),
                "watertight": facts.watertight,
                "remarks": list(facts.remarks),
                "mesh_origin_m": spec.mesh_origin.tolist(),
                "file": str(details.file),
                "mesh_file": None if details.mesh_file is None else str(details.mesh_file),
                "source": details.source,
                "scale": list(details.scale),
            }
        )
        return
    extent = " x ".join(f"{side * 100:.1f}" for side in facts.extent)
    inertia = " ".join(f"{value * 1e6:.3g}" for value in np.diag(spec.inertia))
    count = len(spec.pieces)
    rows = {
        "description": spec.description,
        "size": f"{extent} cm, {facts.volume * 1e6:.1f} cm3",
        "mass": f"{spec.mass:g} kg, centre at {_millimetres(spec.center_of_mass)}",
        "inertia": f"{inertia} kg mm2, {details.inertia_from}",
        "friction": f"{spec.lateral_friction:g} lateral, {spec.rolling_friction:g} m rolling, "
        f"{spec.spinning_friction:g} m spinning",
        "contact": f"{count} convex piece{'s' * (count > 1)}",
        "surface": "; ".join(["watertight" if facts.watertight else "open", *facts.remarks]),
        "mesh origin": f"at {_millimetres(spec.mesh_origin)}",
        "file": str(details.file),
    }
    print_line(spec.name)
    for key, value in rows.items():
        print_line(f"  {key:<12} {value}")


def _millimetres(position: FloatArray) -> str:
    # The added zero turns -0.0 into 0.0.
    return " ".join(f"{value:.1f}" for value in np.round(position * 1e3, 1) + 0.0) + " mm"
