"""`dr-grasp objects` as its user meets it."""

import json

import pytest
import trimesh
from typer.testing import CliRunner

from dr_grasp.cli.main import app


@pytest.fixture(autouse=True)
def own(tmp_path, monkeypatch):
    monkeypatch.setenv("DR_GRASP_CONFIG", str(tmp_path / "own"))
    monkeypatch.setenv("DR_GRASP_CACHE", str(tmp_path / "cache"))
    return tmp_path / "own"


@pytest.fixture
def tin(tmp_path):
    path = tmp_path / "tin.stl"
    trimesh.creation.cylinder(30, 80, sections=32).export(path)
    return path


def run(*words):
    return CliRunner().invoke(app, ["objects", *map(str, words)])


def line_of(done):
    """The one line of a refusal."""
    assert done.exit_code == 1, done.output
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    return line


def test_add_list_show_remove(own, tin):
    added = run("add", tin, "--mass", 0.12, "--friction", 0.5)
    assert added.exit_code == 0, added.output
    assert added.stderr == (
        f"dr-grasp: {tin} is 60 x 60 x 80: taken as millimetres; "
        "say --unit m|cm|mm|in or --scale if that is wrong\n"
    )
    assert "6.0 x 6.0 x 8.0 cm" in added.stdout and "1 convex piece\n" in added.stdout
    following = added.stdout.splitlines()[-1]
    assert following == ("next: dr-grasp generate --robot franka --object tin --out grasps.json")
    assert "tin" in {family["first"] for family in json.loads(run("--json").stdout)}
    assert "From tin.stl" in run().stdout

    shown = run("show", "tin")
    assert shown.exit_code == 0
    assert added.stdout.startswith(shown.stdout)
    report = json.loads(run("show", "tin", "--json").stdout)
    assert (report["name"], report["mass_kg"], report["pieces"]) == ("tin", 0.12, 1)
    assert (report["lateral_friction"], report["watertight"]) == (0.5, True)
    assert report["extent_m"] == pytest.approx([0.06, 0.06, 0.08])
    assert report["inertia_kg_m2"][2][2] == pytest.approx(0.12 / 2 * 0.03**2, rel=0.02)
    assert report["file"] == str(own / "objects" / "tin.yaml")

    removed = run("remove", "tin")
    assert removed.stdout == f"tin: removed {own / 'objects' / 'tin.yaml'}\n"
    assert "tin" not in {family["first"] for family in json.loads(run("--json").stdout)}
    assert "unknown object 'tin'" in line_of(run("show", "tin"))


def test_add_prints_json_for_scripts(tin):
    words = ["--name", "can", "--unit", "mm", "--no-center", "--description", "A can", "--json"]
    done = run("add", tin, "--mass", 0.3, *words)
    assert done.stderr == ""
    report = json.loads(done.stdout)
    assert (report["name"], report["description"]) == ("can", "A can")
    assert report["mesh_origin_m"] == [0, 0, 0]
    assert (report["source"], report["scale"]) == ("tin.stl", [0.001] * 3)
    again = run("add", tin, "--mass", 0.4, *words)
    assert "you have an object 'can' already" in line_of(again)
    forced = run("add", tin, "--mass", 0.4, "--force", *words)
    assert json.loads(forced.stdout)["mass_kg"] == 0.4


def test_built_in_objects_are_shown_too():
    report = json.loads(run("show", "procedural_042", "--json").stdout)
    assert report["mass_kg"] == 0.1 and report["pieces"] > 1
    box = json.loads(run("show", "box", "--json").stdout)
    assert box["mesh_file"] is None and box["extent_m"] == pytest.approx([0.035, 0.06, 0.12])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["add", "TIN"], "mass: expected one in kilograms"),
        (["add", "absent.stl", "--mass", "1"], "absent.stl: expected a mesh, got No such file"),
        (["add", "TIN", "--mass", "0"], "tin.stl: mass: expected greater than 0, got 0"),
        (["add", "TIN", "--mass", "nan"], "mass: expected a finite number, got nan"),
        (["add", "TIN", "--mass", "1", "--friction", "-1"], "lateral_friction: expected"),
        (["add", "TIN", "--mass", "1", "--unit", "ft"], "unknown unit 'ft'; expected one of cm"),
        (["add", "TIN", "--mass", "1", "--unit", "m"], "say --unit mm"),
        (["add", "TIN", "--mass", "1", "--inertia", "1,,1"], "inertia: expected numbers between"),
        (["add", "TIN", "--mass", "1", "--scale", "1,x"], "scale: expected numbers between commas"),
        (["add", "TIN", "--mass", "1", "--scale", "1", "--unit", "m"], "expected no unit beside"),
        (
            ["add", "TIN", "--mass", "1", "--collision", "x"],
            "tin.stl: collision: expected 'auto', ",
        ),
        (["add", "TIN", "--mass", "1", "--name", "mug"], "'mug' is a built-in object"),
        (["remove", "mug"], "object 'mug' is built in"),
        (["remove", "spoon"], "unknown object of your own 'spoon'"),
        (["show", "spoon"], "unknown object 'spoon'; expected one of box, cylinder, mug"),
    ],
)
def test_bad_input_is_one_line(own, tin, words, message):
    done = run(*(tin if word == "TIN" else word for word in words))
    assert message in line_of(done)
    assert not own.exists()


def test_broken_files_of_the_users_own_are_named_and_all_else_is_listed(own):
    folder = own / "objects"
    folder.mkdir(parents=True)
    (folder / "half.yaml").write_text("description: half")
    (folder / "torn.yaml").write_text("description: [")
    as_table, as_json = run(), run("--json")
    for done in (as_table, as_json):
        assert done.exit_code == 1
        first, second = done.stderr.splitlines()
        assert first == f"dr-grasp: {folder}/half.yaml: mass: expected a value, got nothing"
        assert second.startswith(f"dr-grasp: {folder}/torn.yaml: expected a whole YAML document")
    assert "mug" in as_table.stdout and "procedural_000 .. procedural_999" in as_table.stdout
    assert [family["first"] for family in json.loads(as_json.stdout)] == [
        "box",
        "cylinder",
        "mug",
        "procedural_000",
    ]


def test_where_the_mass_lies_is_shown_with_where_that_is_from(tin):
    words = ["--mass", 0.3, "--unit", "mm", "--name", "can"]
    plain = run("add", tin, *words)
    assert "kg mm2, from the closed surface\n" in plain.stdout
    words += ["--center-of-mass", "0,0,-0.02", "--inertia", "4e-4,4e-4,2e-4", "--force"]
    done = run("add", tin, *words)
    assert "  mass         0.3 kg, centre at 0.0 0.0 -20.0 mm\n" in done.stdout
    expected = "  inertia      400 400 200 kg mm2, center_of_mass as given; inertia as given\n"
    assert expected in done.stdout and expected in run("show", "can").stdout
    report = json.loads(run("show", "can", "--json").stdout)
    assert report["inertia_from"] == "center_of_mass as given; inertia as given"


def test_three_factors_scale_three_axes(tin):
    done = run("add", tin, "--mass", 0.3, "--scale", "0.001,0.001, 0.002", "--json")
    assert done.stderr == ""
    assert json.loads(done.stdout)["extent_m"] == pytest.approx([0.06, 0.06, 0.16])


def test_where_the_mesh_has_its_origin_is_shown(tmp_path):
    mesh = trimesh.creation.box((40, 60, 80))
    mesh.apply_translation([20, 30, 40])
    mesh.export(tmp_path / "corner.stl")
    words = ["add", tmp_path / "corner.stl", "--mass", 0.1, "--unit", "mm"]
    assert "  mesh origin  at -20.0 -30.0 -40.0 mm\n" in run(*words).stdout
    assert "  mesh origin  at -20.0 -30.0 -40.0 mm\n" in run("show", "corner").stdout
    run(*words, "--no-center", "--force")
    assert "  mesh origin  at 0.0 0.0 0.0 mm\n" in run("show", "corner").stdout
