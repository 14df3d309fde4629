import pytest


@pytest.fixture
def own_robot(own_configuration, monkeypatch, tmp_path):
    """Writes a robot's file of the user's that extends ours."""
    folder = tmp_path / "own" / "robots"
    folder.mkdir(parents=True)
    monkeypatch.setenv("DR_GRASP_CONFIG", str(folder.parent))

    def write(name, text):
        (folder / f"{name}.yaml").write_text(text)

    return write
