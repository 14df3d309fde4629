import pytest
import trimesh


@pytest.fixture(autouse=True)
def own(tmp_path, monkeypatch):
    """The user's configuration: empty, and not that of who runs the tests."""
    monkeypatch.setenv("DR_GRASP_CONFIG", str(tmp_path / "own"))
    return tmp_path / "own"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DR_GRASP_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def box(tmp_path):
    """An STL of 100 x 200 x 300 mm whose corner is the origin, in millimetres."""
    mesh = trimesh.creation.box((100, 200, 300))
    mesh.apply_translation([50, 100, 150])
    mesh.export(tmp_path / "box.stl")
    return tmp_path / "box.stl"
