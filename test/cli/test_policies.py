"""`dr-grasp policies` as its user meets it."""

from typer.testing import CliRunner

from dr_grasp.bringup.security import policies
from dr_grasp.cli.main import app
from dr_grasp.robots.robot_spec import load_robot


def run(*words):
    return CliRunner().invoke(app, ["policies", *map(str, words)])


def test_policies_are_written_for_a_robot_and_a_namespace(tmp_path):
    out = tmp_path / "policy.xml"
    done = run("--robot", "baxter", "--namespace", "/lab/left/", "--out", out)
    assert (done.exit_code, done.stdout) == (
        0,
        f"{out}: policies for baxter in the namespace /lab/left\n",
    )
    assert out.read_text() == policies("lab/left", load_robot("baxter"))


def test_a_wrong_name_is_one_line_and_writes_nothing(tmp_path):
    out = tmp_path / "policy.xml"
    for words, message in (
        (["--namespace", "2nd"], "dr-grasp: namespace: expected letters, digits, _ and /"),
        (["--robot", "tin_man"], "dr-grasp: unknown robot 'tin_man'; expected one of baxter"),
    ):
        done = run(*words, "--out", out)
        assert done.exit_code == 1
        assert done.stderr.startswith(message) and done.stderr.count("\n") == 1
        assert not out.exists()
