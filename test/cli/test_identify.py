"""`dr-grasp identify` as its user meets it, and profiles that are named by their files."""

import json

import pytest
from typer.testing import CliRunner

from dr_grasp.cli import identify as verb
from dr_grasp.cli.main import app
from dr_grasp.common.resources import user_directory
from dr_grasp.core.attempt import GraspAttempt
from dr_grasp.core.outcome import Outcome
from dr_grasp.formats.grasp_file import write_grasps
from dr_grasp.formats.score_file import read_scores
from dr_grasp.identification import identify as steps
from dr_grasp.identification.rollouts import RunCancelledError
from dr_grasp.identification.suggestion import Suggestion
from dr_grasp.recording.bag_writer import BagWriter
from dr_grasp.scoring.profiles import read_profile

from ..identification.made import evidence_of, identification


def run(*words):
    """Run a command in this process; columns do not depend on the terminal."""
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def asked(monkeypatch, home_grasp):
    """In place of all that is fitted; what the verb asked for."""
    asked = {}

    def read_evidence(sessions, robot):
        asked.update(sessions=sessions, robot=robot)
        return evidence_of(home_grasp(), [True] * 30)

    def identify(evidence, old, settings, pool, *, follow, **options):
        asked.update(old=old, settings=settings, jobs=pool, **options)
        for done in range(31):
            follow("attempts", done, 30)
        if asked.get("interrupted"):
            raise RunCancelledError("cancelled")
        return identification(attempts=30)

    def suggest_grasps(grasps, known, *words, **options):
        asked.update(grasps=grasps, known=known)
        if asked.get("all_known"):
            return ()
        return (Suggestion("g7", 0.51, ("mass of mug", "friction of mug")),)

    monkeypatch.setattr(verb, "read_evidence", read_evidence)
    monkeypatch.setattr(steps, "identify", identify)
    monkeypatch.setattr(steps, "suggest_grasps", suggest_grasps)
    return asked


def test_it_writes_a_profile_and_a_page_and_tells_what_it_found(tmp_path, asked):
    out, html = tmp_path / "lab.yaml", tmp_path / "lab.html"
    words = ["--method", "simopt", "--engine", "bullet", "--worlds", 30, "--seed", 3]
    done = run("identify", "monday", "tuesday", "-o", out, "--html", html, *words)
    assert (done.exit_code, done.stderr) == (0, ""), done.output
    assert [path.name for path in asked["sessions"]] == ["monday", "tuesday"]
    settings = asked["settings"]
    named = (settings.method.value, settings.engine.value, settings.worlds, settings.seed)
    assert named == ("simopt", "bullet", 30, 3) and asked["name"] == "lab"
    assert read_profile(out).joints.jitter_std == 0.0002
    assert "<!DOCTYPE html>" in html.read_text(encoding="utf-8")
    assert not list(tmp_path.glob("*.journal*"))
    first, second, *rest = done.stdout.splitlines()
    # 30 attempts, each in 30 worlds, and 4 of the old and 4 of the new profile; 400 for the joints.
    assert first == ("30 attempts of franka with mug: at most 1,540 rollouts in bullet")
    assert second.startswith("about 1 min, at ") and second.endswith(" rollouts a second")
    table = "\n".join(rest)
    assert "mean along y (mm)" in table and "1 to 3" in table
    assert "mass: <mass> & force cannot be told apart" in rest
    assert "mean along y, spread of yaw: over 60 errors" in rest
    assert "hold, less is better: 0.210 before, 0.150 after" in table
    assert f"{out}: 6 of 8 parameters fitted to 30 attempts" in table


def test_json_is_all_that_is_printed(tmp_path, asked):
    done = run("identify", "monday", "-o", tmp_path / "lab.yaml", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["parameters"]["joints.delay_s"]["fitted"] is True
    assert told["before"] == {"of_held": 0.8, "of_failed": 0.5, "brier": 0.21}


def test_ctrl_c_leaves_the_journal_and_resume_takes_it(tmp_path, asked):
    out = tmp_path / "lab.yaml"
    asked["interrupted"] = True
    done = run("identify", "monday", "-o", out)
    assert done.exit_code == 130 and "dr-grasp: interrupted; --resume goes on\n" in done.stderr
    assert (tmp_path / "lab.yaml.journal").exists() and not out.exists()
    asked["interrupted"] = False
    done = run("identify", "monday", "-o", out, "--seed", 1, "--resume")
    assert done.exit_code == 1 and "seed: expected 1 as asked for now, got 0" in done.stderr
    done = run("identify", "monday", "-o", out, "--resume")
    assert done.exit_code == 0, done.output
    assert out.exists() and not (tmp_path / "lab.yaml.journal").exists()


def test_suggestions_need_neither_sessions_nor_a_profile(tmp_path, asked, home_grasp):
    grasps = tmp_path / "grasps.json"
    write_grasps(grasps, [home_grasp()])
    done = run("identify", "--suggest", grasps)
    assert done.exit_code == 0, done.output
    assert asked["known"] is None and [grasp.id for grasp in asked["grasps"]] == ["g1"]
    assert "mass of mug, friction of mug" in done.stdout and "60 %" in done.stdout
    done = run("identify", "monday", "--suggest", grasps, "--json")
    assert json.loads(done.stdout)["suggestions"][0]["grasp_id"] == "g7"
    assert asked["known"] is not None
    asked["all_known"] = True
    assert "no grasp would tell anything" in run("identify", "--suggest", grasps).stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["monday"], "-o: expected the profile to write, or --suggest, got neither"),
        (["-o", "lab.yaml"], "sessions: expected folders with bags, got none"),
        (["monday", "-o", "lab.json"], "lab.json: expected a name that ends with .yaml"),
        (["monday", "-o", "none/lab.yaml"], "none/lab.yaml: "),
        (["monday", "-o", "lab.yaml", "--profile", "lab"], "unknown profile 'lab'; expected one"),
        (["monday", "-o", "lab.yaml", "--profile", "no.yaml"], "no.yaml: cannot be read: No such"),
        (
            ["monday", "-o", "lab.yaml", "--method", "mcmc"],
            "unknown method 'mcmc'; expected one of",
        ),
        (["monday", "-o", "lab.yaml", "--engine", "mujoco-warp"], "engine: expected bullet or"),
        (["monday", "-o", "lab.yaml", "--worlds", "3"], "worlds: expected from 20 to 2000, got 3"),
        (["monday", "-o", "lab.yaml", "--iterations", "1"], "iterations: expected from 3 to 100"),
        (["monday", "-o", "lab.yaml", "--seed", "-1"], "seed: expected from 0 to"),
        (["monday", "-o", "lab.yaml", "--jobs", "0"], "jobs: expected at least 1, got 0"),
        (["--suggest", "no.json"], "no.json: "),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(tmp_path, monkeypatch, asked, words, message):
    monkeypatch.chdir(tmp_path)
    done = run("identify", *words)
    assert done.exit_code == 1 and done.stdout == "", done.output
    assert message in done.stderr and done.stderr.count("\n") == 1
    assert not (tmp_path / "lab.yaml").exists()


def bag_of(path, *attempts):
    with BagWriter(path) as writer:
        for attempt in attempts:
            writer.write_attempt(attempt)


def test_bags_that_tell_nothing_are_refused(tmp_path, samples, home_grasp):
    out = tmp_path / "lab.yaml"
    (tmp_path / "empty").mkdir()
    done = run("identify", tmp_path / "empty", "-o", out)
    assert done.exit_code == 1 and f"{tmp_path / 'empty'}: " in done.stderr
    done = run("identify", tmp_path / "none", "-o", out)
    assert done.exit_code == 1 and str(tmp_path / "none") in done.stderr
    bag_of(
        tmp_path / "few",
        *(
            GraspAttempt(f"a{n}", n, "arm", 0, n, home_grasp(), None, Outcome.SUCCESS)
            for n in (1, 2)
        ),
    )
    done = run("identify", tmp_path / "few", "-o", out, "--jobs", 1)
    assert done.exit_code == 1
    assert "2 attempts of franka: they tell nothing of any parameter: " in done.stderr
    assert "expected 15 attempts or more that tell of their grasp, got 2" in done.stderr
    assert not out.exists()


@pytest.fixture
def lab(tmp_path, configuration):
    """A profile of one's own, outside the folder of profiles."""
    path = tmp_path / "lab.yaml"
    path.write_text((configuration / "profiles" / "huber2023.yaml").read_text(encoding="utf-8"))
    return path


@pytest.fixture
def grasps(tmp_path, home_grasp):
    path = tmp_path / "grasps.json"
    write_grasps(path, [home_grasp()])
    return path


def test_scores_by_a_file_have_its_name(tmp_path, lab, grasps):
    out = tmp_path / "scores.json"
    words = ["--criteria", "osdr", "--trials", 1, "--jobs", 1, "--out", out]
    done = run("score", grasps, "--profile", lab, *words)
    assert done.exit_code == 0, done.output
    assert {score.profile for score in read_scores(out).scores} == {"lab"}


def test_me_fit_refuses_the_file_of_another_robot(tmp_path, lab):
    lab.write_text(f"{lab.read_text(encoding='utf-8')}\nrobot: baxter\n", encoding="utf-8")
    words = ["--robot", "franka", "--object", "mug", "--method", "me-fit", "--profile", lab]
    done = run("generate", *words, "--out", tmp_path / "found.json")
    assert done.exit_code == 1
    assert "profile lab: expected grasps of baxter, of which it is, got franka" in done.stderr


@pytest.mark.parametrize("words", [["score", "--ros", "--out", "scores.json"], ["message"]])
def test_nodes_take_names_only(tmp_path, monkeypatch, lab, grasps, words):
    monkeypatch.chdir(tmp_path)
    verb_name, *options = words
    done = run(verb_name, grasps, *options, "--profile", lab)
    assert done.exit_code == 1
    assert f"--profile: expected a name, since the scorer knows profiles by name, got {lab}" in (
        done.stderr
    )
    assert f"put the file into {user_directory() / 'profiles'} where the scorer runs" in done.stderr
