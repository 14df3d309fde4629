"""A request's engine: who chooses it, what its scores say of it, and what a journal keeps."""

from dataclasses import dataclass, replace

import pytest

from dr_grasp.common.resources import share_directory
from dr_grasp.core.engine import Engine
from dr_grasp.errors import FileFormatError, SettingsError, UnknownNameError
from dr_grasp.provenance.fingerprint import fingerprint
from dr_grasp.scoring import tally
from dr_grasp.scoring.profiles import engine_for, load_profile
from dr_grasp.scoring.request import ScoreRequest
from dr_grasp.scoring.score_journal import ScoreJournal
from dr_grasp.scoring.scorer import Scorer
from dr_grasp.scoring.tally import engine_asked, software_version


@dataclass(frozen=True)
class Settings:
    timestep_s: float = 0.001


@pytest.fixture
def settings(monkeypatch):
    """Lets tests choose the settings of MuJoCo."""

    def choose(settings):
        monkeypatch.setattr(
            tally, "engine_settings", lambda engine: (engine is Engine.MUJOCO and settings) or None
        )

    choose(Settings())
    return choose


@pytest.fixture
def wishful(tmp_path, monkeypatch):
    """A profile like that of the paper, but meant for MuJoCo."""
    text = (share_directory() / "config" / "profiles" / "huber2023.yaml").read_text()
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "wishful.yaml").write_text(f"{text}engine: mujoco\n")
    (tmp_path / "profiles" / "alike.yaml").write_text(text)
    (tmp_path / "profiles" / "bad.yaml").write_text(f"{text}engine: ode\n")
    monkeypatch.setenv("DR_GRASP_CONFIG", str(tmp_path))


def asked(profile, engine=None):
    return ScoreRequest.from_names(profile, ["mdr"], 2, 0, engine=engine)


def test_who_names_no_engine_gets_that_of_the_profile_or_bullet(wishful):
    assert asked("default").engine is load_profile("default").engine is Engine.MUJOCO
    assert load_profile("huber2023").engine is None
    assert asked("huber2023").engine is Engine.BULLET
    assert asked("wishful").engine is Engine.MUJOCO
    assert asked("wishful", "bullet").engine is Engine.BULLET
    assert asked("huber2023", "mujoco").engine is Engine.MUJOCO
    assert engine_for("", None) is Engine.BULLET
    with pytest.raises(UnknownNameError, match="unknown engine 'ode'; expected one of bullet, mu"):
        asked("default", "ode")


def test_a_profile_is_known_by_what_it_draws_whatever_its_engine(wishful):
    like_it = replace(load_profile("wishful"), name="alike")
    assert fingerprint(like_it) == fingerprint(load_profile("alike"))
    message = "bad.yaml: engine: expected 'bullet', 'mujoco' or 'mujoco-warp', got 'ode'"
    with pytest.raises(SettingsError, match=message):
        load_profile("bad")


def test_scores_say_in_which_engine_they_were_made(fakes, home_grasp, settings):
    grasps, pool = fakes.grasps(home_grasp(), [0.5, 1.0]), fakes.pool()
    of = {
        engine: Scorer(pool=pool).score(grasps, asked("default", engine.value)).scores
        for engine in (Engine.BULLET, Engine.MUJOCO)
    }
    for engine, scores in of.items():
        assert {score.engine for score in scores} == {engine}
        assert {score.software_version for score in scores} == {software_version(engine)}
    assert "mujoco 3" in software_version(Engine.MUJOCO)
    assert {block.engine for block in pool.blocks} == {Engine.BULLET, Engine.MUJOCO}
    # PyBullet's settings are part of the version; others count by themselves.
    assert "engine" not in of[Engine.BULLET][0].models
    assert of[Engine.MUJOCO][0].models["engine"] == fingerprint(Settings())
    settings(Settings(0.002))
    other = Scorer(pool=pool).score(grasps, asked("default", "mujoco")).scores
    assert other[0].models["engine"] == fingerprint(Settings(0.002))


def test_a_journal_goes_on_in_its_engine_alone(tmp_path, settings):
    bullet, mujoco = asked("default", "bullet"), asked("default", "mujoco")
    path = tmp_path / "j"
    assert engine_asked(Engine.BULLET) == {}  # as in journals of before there was a choice
    ScoreJournal(path, bullet, "abc").close()
    with pytest.raises(FileFormatError, match="engine: expected 'mujoco' as asked for now, got"):
        ScoreJournal(path, mujoco, "abc", resume=True)
    ScoreJournal(path, mujoco, "abc").close()
    ScoreJournal(path, mujoco, "abc", resume=True).close()
    with pytest.raises(FileFormatError, match=r"software_version: expected 'dr_grasp .*pybullet"):
        ScoreJournal(path, bullet, "abc", resume=True)
    settings(Settings(0.002))
    with pytest.raises(FileFormatError, match="engine_fingerprint: expected '"):
        ScoreJournal(path, mujoco, "abc", resume=True)
