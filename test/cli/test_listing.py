"""`dr-grasp robots` as its user meets it."""

import json

from typer.testing import CliRunner

from dr_grasp.cli.main import app


def run(*words):
    return CliRunner().invoke(app, ["robots", *words])


def test_broken_robots_of_the_users_own_are_named_and_all_others_are_listed(tmp_path, monkeypatch):
    monkeypatch.setenv("DR_GRASP_CONFIG", str(tmp_path))
    folder = tmp_path / "robots"
    folder.mkdir()
    (folder / "half.yaml").write_text("description: [")
    (folder / "tall.yaml").write_text("extends: franka\nhand: {joints: [thumb]}\n")
    (folder / "whole_of_test_listing.yaml").write_text("extends: franka\ndescription: mine\n")
    as_table, as_json = run(), run("--json")
    for done in (as_table, as_json):
        assert done.exit_code == 1
        half, tall = done.stderr.splitlines()
        assert half.startswith(
            f"dr-grasp: half: {folder}/half.yaml: expected a whole YAML document"
        )
        assert tall.startswith("dr-grasp: tall: ") and "not in the URDF: thumb" in tall
    names = ["baxter", "franka", "ur5_schunk_sih", "whole_of_test_listing"]
    assert [robot["name"] for robot in json.loads(as_json.stdout)] == names
    assert all(name in as_table.stdout for name in names)
