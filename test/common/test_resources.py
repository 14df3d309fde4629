import os
from pathlib import Path

import pytest

from dr_grasp.common import resources
from dr_grasp.errors import ModelError, SettingsError, UnknownNameError


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DR_GRASP_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def own(tmp_path, monkeypatch):
    """The user's configuration, not there yet."""
    monkeypatch.setenv("DR_GRASP_CONFIG", str(tmp_path / "own"))
    return tmp_path / "own"


def test_config_files_are_found_by_name(own, configuration):
    (configuration / "robots" / "another.yaml").write_text("x: 1")
    assert "another" in resources.config_names("robots")
    found = resources.config_file("robots", "another", "robot")
    assert found == configuration / "robots" / "another.yaml"


def test_the_users_configuration_is_where_the_environment_says(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("DR_GRASP_CONFIG", raising=False)
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    assert resources.user_directory() == tmp_path / "home" / ".config" / "dr_grasp"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    assert resources.user_directory() == tmp_path / "xdg" / "dr_grasp"
    monkeypatch.setenv("DR_GRASP_CONFIG", str(tmp_path / "named"))
    assert resources.user_directory() == tmp_path / "named"


def test_a_missing_configuration_of_the_user_is_normal(own, configuration):
    assert resources.own_names("profiles") == []
    assert resources.config_names("profiles") == ["default", "huber2023"]
    assert not own.exists()


def test_the_users_own_files_are_found_too_and_go_before_ours(own, configuration):
    (own / "profiles").mkdir(parents=True)
    for name in ("default", "mine"):
        (own / "profiles" / f"{name}.yaml").write_text("x: 1")
    (own / "profiles" / "notes.txt").touch()
    assert resources.own_names("profiles") == ["default", "mine"]
    assert resources.config_names("profiles") == ["default", "huber2023", "mine"]
    for name, folder in (("default", own), ("mine", own), ("huber2023", configuration)):
        found = resources.config_file("profiles", name, "profile")
        assert found == folder / "profiles" / f"{name}.yaml"
    ours = resources.built_in_files("profiles")
    assert ours == [
        configuration / "profiles" / f"{name}.yaml" for name in ("default", "huber2023")
    ]


def test_an_unknown_name_lists_the_valid_ones(own, configuration):
    with pytest.raises(UnknownNameError, match="unknown profile 'x'; expected one of default, hub"):
        resources.config_file("profiles", "x", "profile")


@pytest.mark.parametrize("name", ["../robots/franka", "", "default.yaml"])
def test_a_name_is_no_path(own, name):
    with pytest.raises(UnknownNameError):
        resources.config_file("profiles", name, "profile")


def test_addresses_are_resolved(tmp_path, monkeypatch):
    model = tmp_path / "share" / "some_robot" / "model.urdf"
    model.parent.mkdir(parents=True)
    model.write_text("<robot/>")
    monkeypatch.setenv("AMENT_PREFIX_PATH", f"/nowhere:{tmp_path}")
    assert resources.resolve_uri("package://some_robot/model.urdf") == model
    assert resources.resolve_uri(f"file://{model}") == model
    assert resources.resolve_uri(str(model)) == model
    assert resources.resolve_uri("model.urdf", relative_to=model.parent) == model
    mug = resources.resolve_uri("pybullet_data://objects/mug.obj")
    assert mug.name == "mug.obj" and mug.is_file()


@pytest.mark.parametrize("scheme", ["", "file://", "package://", "pybullet_data://"])
def test_a_missing_file_is_refused_by_its_address(scheme, tmp_path):
    uri = f"{scheme}{tmp_path}/absent.obj"
    with pytest.raises(ModelError, match=r"absent\.obj: file not found"):
        resources.resolve_uri(uri)


def test_an_empty_file_is_refused(tmp_path):
    (tmp_path / "empty.obj").touch()
    with pytest.raises(ModelError, match=r"empty\.obj: expected a model, got an empty file"):
        resources.resolve_uri(str(tmp_path / "empty.obj"))


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(ModelError, match="file not found"):
        resources.resolve_uri(str(tmp_path))


def test_an_unknown_scheme_is_refused():
    with pytest.raises(ModelError, match=r"expected a path or package://, .* got https://"):
        resources.resolve_uri("https://example.org/a.urdf")


def test_shares_are_found_by_what_they_hold(tmp_path, monkeypatch):
    folder = tmp_path / "share" / "other_package"
    folder.mkdir(parents=True)
    (folder / "holds.txt").touch()
    monkeypatch.setenv("CMAKE_PREFIX_PATH", str(tmp_path))
    assert resources.find_share("other_package", "holds.txt") == folder
    with pytest.raises(SettingsError, match=r"other_package: absent.txt not found in any of"):
        resources.find_share("other_package", "absent.txt")


def test_the_cache_is_where_the_environment_says(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("DR_GRASP_CACHE", raising=False)
    assert resources.cache_directory() == tmp_path / "dr_grasp"
    monkeypatch.setenv("DR_GRASP_CACHE", str(tmp_path / "named"))
    assert resources.cache_directory() == tmp_path / "named"


def test_a_cached_folder_is_built_once_for_each_content(cache):
    built = []

    def build(folder: Path):
        built.append(folder)
        (folder / "file").write_text(str(len(built)))

    first = resources.cached_folder("kind", [b"ab", b"c"], build)
    assert resources.cached_folder("kind", [b"ab", b"c"], build) == first
    assert len(built) == 1 and (first / "file").read_text() == "1"
    # The same bytes, cut elsewhere, are other content.
    assert resources.cached_folder("kind", [b"a", b"bc"], build) != first
    assert resources.cached_folder("other", [b"ab", b"c"], build) != first


def test_a_cached_folder_is_on_disk_before_it_has_its_name(cache, monkeypatch):
    """A power cut leaves it whole or not there: half a model would stay in use."""
    synced, fsync = [], os.fsync

    def note(descriptor):
        synced.append(Path(f"/proc/self/fd/{descriptor}").resolve())
        fsync(descriptor)

    def build(folder: Path):
        (folder / "parts").mkdir()
        (folder / "parts" / "mesh").write_text("v 0 0 0")

    monkeypatch.setattr(os, "fsync", note)
    final = resources.cached_folder("kind", [b"x"], build)
    *before, after = synced
    scratch = before[-1]
    assert scratch.name.startswith(".building-") and not scratch.exists()
    assert set(before) == {scratch, scratch / "parts", scratch / "parts" / "mesh"}
    assert after == final.parent


def test_a_build_that_fails_leaves_nothing(cache):
    def build(folder: Path):
        (folder / "half").touch()
        raise ModelError("no")

    with pytest.raises(ModelError):
        resources.cached_folder("kind", [b"x"], build)
    assert list((cache / "kind").iterdir()) == []
    resources.cached_folder("kind", [b"x"], lambda folder: (folder / "whole").touch())


def test_of_two_that_build_the_same_the_first_is_kept(cache):
    def slow(folder: Path):
        resources.cached_folder("kind", [b"x"], lambda other: (other / "fast").touch())
        (folder / "slow").touch()

    kept = resources.cached_folder("kind", [b"x"], slow)
    assert [file.name for file in kept.iterdir()] == ["fast"]
    assert list((cache / "kind").iterdir()) == [kept]


def test_a_cache_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DR_GRASP_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(ModelError, match=r"the cache cannot be written: .* DR_GRASP_CACHE"):
        resources.cached_folder("kind", [b"content"], lambda folder: None)
