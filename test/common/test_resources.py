import pytest

from dr_grasp.common import resources
from dr_grasp.errors import ModelError, SettingsError, UnknownNameError


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
