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


@pytest.fixture
def nothing_installed(monkeypatch):
    for name in (*resources.PREFIX_PATHS, *resources.PACKAGE_PATHS):
        monkeypatch.delenv(name, raising=False)


def mesh_in(folder, package=None):
    """Makes a package's mesh."""
    mesh = folder / "meshes" / "a.stl"
    mesh.parent.mkdir(parents=True)
    mesh.write_text("solid")
    if package:
        text = f"<?xml version='1.0'?><package><name>\n {package} </name></package>"
        (folder / "package.xml").write_text(text)
    return mesh


@pytest.mark.parametrize("scheme", ["package", "model"])
@pytest.mark.parametrize(
    ("place", "named"),
    [
        ("ws/src/arm", None),  # the package that the URDF is in
        ("ws/src/arm", "other"),  # as others call it
        ("ws/src/hand", None),  # beside it
        ("ws/src/hands/hand", None),  # in another repository
        ("ws/src/hand-main", "hand"),  # unpacked from an archive
        ("ws/src/arm/urdf/hand", None),
    ],
)
def test_a_package_is_found_from_the_urdf_upwards(
    nothing_installed, tmp_path, scheme, place, named
):
    near = tmp_path / "ws" / "src" / "arm" / "urdf" / "variant"
    near.mkdir(parents=True)
    mesh = mesh_in(tmp_path / place, named)
    package = named or place.rpartition("/")[2]
    assert resources.resolve_uri(f"{scheme}://{package}/meshes/a.stl", near).samefile(mesh)
    assert resources.package_folder(package, near).samefile(tmp_path / place)


def test_a_clone_under_another_name_may_lack_its_package_xml(nothing_installed, tmp_path):
    mesh, near = mesh_in(tmp_path / "cloned"), tmp_path / "cloned" / "urdf"
    near.mkdir()
    assert resources.resolve_uri("package://arm/meshes/a.stl", near) == mesh


@pytest.mark.parametrize("variable", resources.PACKAGE_PATHS)
@pytest.mark.parametrize("listed", ["src", "src/repository", "src/repository/arm"])
def test_a_package_is_found_where_the_environment_says(
    nothing_installed, tmp_path, monkeypatch, variable, listed
):
    mesh = mesh_in(tmp_path / "src" / "repository" / "arm")
    monkeypatch.setenv(variable, f"/nowhere:{tmp_path / listed}")
    assert resources.resolve_uri("package://arm/meshes/a.stl") == mesh


def test_what_is_installed_goes_before_what_is_near(nothing_installed, tmp_path, monkeypatch):
    installed = mesh_in(tmp_path / "install" / "share" / "arm")
    mesh_in(tmp_path / "src" / "arm")
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(tmp_path / "install"))
    assert resources.resolve_uri("package://arm/meshes/a.stl", tmp_path / "src") == installed


def test_it_is_not_searched_for_farther_up_than_a_workspace_is_deep(nothing_installed, tmp_path):
    mesh_in(tmp_path / "arm")
    near = tmp_path / "/".join("x" * resources.PARENTS_TO_SEARCH)
    near.mkdir(parents=True)
    with pytest.raises(ModelError, match="package arm not found"):
        resources.resolve_uri("package://arm/meshes/a.stl", near)
    assert resources.resolve_uri("package://arm/meshes/a.stl", near.parent).is_file()


@pytest.mark.parametrize("package", ["..", ".", "", "*", "a*", "[a]rm"])
def test_a_package_has_a_name_not_a_pattern(nothing_installed, tmp_path, package):
    mesh_in(tmp_path / "arm")
    with pytest.raises(ModelError, match="file not found"):
        resources.resolve_uri(f"package://{package}/arm/absent/a.stl", tmp_path / "arm")


def test_what_is_not_found_says_where_was_looked(nothing_installed, tmp_path, monkeypatch):
    monkeypatch.setenv("CMAKE_PREFIX_PATH", "/nowhere")
    with pytest.raises(ModelError) as caught:
        resources.resolve_uri("package://absent/meshes/a.stl", tmp_path)
    assert str(caught.value) == (
        "package://absent/meshes/a.stl: file not found: package absent not found in "
        f"AMENT_PREFIX_PATH (not set), CMAKE_PREFIX_PATH, ROS_PACKAGE_PATH (not set) and from "
        f"{tmp_path} upwards; source the setup.bash of the workspace that has it, or name the "
        "folder that holds it in ROS_PACKAGE_PATH"
    )


def test_a_file_that_a_package_lacks_is_said_with_the_package(nothing_installed, tmp_path):
    mesh_in(tmp_path / "arm")
    with pytest.raises(ModelError, match=rf"b\.stl: file not found in {tmp_path}/arm$"):
        resources.resolve_uri("package://arm/meshes/b.stl", tmp_path / "arm")


def test_addresses_as_windows_and_browsers_write_them(nothing_installed, tmp_path):
    mesh = mesh_in(tmp_path / "arm")
    assert resources.resolve_uri("package://arm\\meshes\\a.stl", tmp_path) == mesh
    assert resources.resolve_uri("meshes\\a.stl", tmp_path / "arm") == mesh
    assert resources.resolve_uri("file://meshes/a.stl", tmp_path / "arm") == mesh
    spaced = tmp_path / "left finger.stl"
    spaced.write_text("solid")
    assert resources.resolve_uri(spaced.as_uri()) == spaced


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
