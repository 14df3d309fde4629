import pytest
from pydantic import Field

from dr_grasp.common.settings import LARGEST_SETTINGS_BYTES, Settings, load_yaml, read_yaml
from dr_grasp.errors import SettingsError


class Inner(Settings):
    mass: float
    axes: tuple[float, float]


class Outer(Settings):
    name: str
    inner: Inner


GOOD = "name: a\ninner: {mass: 1.5, axes: [1, 2]}\n"


@pytest.fixture
def load(tmp_path):
    def load_text(text):
        path = tmp_path / "file.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_yaml(path, Outer)

    return load_text


def test_a_good_file_loads(load):
    assert load(GOOD) == Outer(name="a", inner=Inner(mass=1.5, axes=(1.0, 2.0)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD + "colour: red\n", "colour: expected no such key"),
        (GOOD.replace("mass", "maß"), "inner.maß: expected no such key"),
        (GOOD.replace("mass: 1.5", "mass: 1.5, masse: 2"), "inner.masse: expected no such key"),
        (GOOD.replace("1.5", "heavy"), "inner.mass: expected a valid number.* got 'heavy'"),
        (GOOD.replace("1.5", ".nan"), "inner.mass: expected a finite number, got nan"),
        (GOOD.replace("[1, 2]", "[1]"), "inner.axes.1: expected a value, got nothing"),
        ("", "document: .* got None"),
        ("- 1\n- 2\n", r"document: .* got \[1, 2\]"),
        ("name: [", "while parsing"),
        (b"name: \xff", "file.yaml: "),
    ],
)
def test_anything_else_is_refused_in_one_line_that_names_the_key(load, text, message):
    with pytest.raises(SettingsError, match=message) as refusal:
        load(text)
    assert "file.yaml" in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(SettingsError, match=r"none\.yaml"):
        load_yaml(tmp_path / "none.yaml", Outer)


def test_a_date_that_does_not_exist_is_one_line(tmp_path):
    path = tmp_path / "item.yaml"
    path.write_text("description: 2024-13-45\n")
    with pytest.raises(
        SettingsError,
        match=r"item.yaml: expected a whole YAML document, got month must be in 1..12",
    ):
        read_yaml(path)


class Numbers(Settings):
    one: float = 0.0
    some: tuple[float, ...] = ()
    named: dict[str, float] = Field(default_factory=dict)
    text: str = ""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("one: 1.0e+308", "one: expected at most 1e\\+09, got 1e\\+308"),
        ("one: 1e308", "one: expected at most 1e\\+09, got 1e\\+308"),
        ("some: [1, -2.0e+9]", "some: expected at most 1e\\+09, got -2000000000.0"),
        ("named: {a: 2.0e+9}", "named: expected at most 1e\\+09, got 2000000000.0"),
        (f"text: {'x' * 10_001}", "text: expected string should have at most 10000 characters"),
        (f"one: 0x{'f' * 5000}", "one: expected .*got a too long int"),
    ],
)
def test_numbers_and_texts_have_bounds(tmp_path, text, message):
    path = tmp_path / "item.yaml"
    path.write_text(text)
    with pytest.raises(SettingsError, match=f"item.yaml: .*{message}"):
        load_yaml(path, Numbers)
    path.write_text("one: 1.0e+9\nsome: [-1.0e+9]")
    assert load_yaml(path, Numbers).one == 1e9


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    path = tmp_path / "item.yaml"
    with path.open("wb") as file:
        file.truncate(LARGEST_SETTINGS_BYTES + 1)
    with pytest.raises(SettingsError, match=r"item.yaml: expected at most 4194304 bytes, got more"):
        read_yaml(path)
