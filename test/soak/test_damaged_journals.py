"""Journals that were cut, torn, zeroed or changed: no wrong result, no traceback, no silence."""

import random
import shutil
import tempfile
from collections import Counter
from pathlib import Path

import pytest

from dr_grasp.common.run_store import RunStore
from dr_grasp.errors import FileFormatError

PAGE = 4096
ASKED = {"seed": 1, "criteria": ["mdr"]}
RESULTS = {f"{number} mdr 0 25": {"success": number, "missed": 25} for number in range(500)}
MODEL = {"robot franka: fingerprint": "abc"}


@pytest.fixture(scope="module")
def folder():
    """In memory where that is possible, since no power is cut here."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as made:
        yield Path(made)


@pytest.fixture(scope="module")
def left(folder):
    """What a killed run left, by the part of its results that has reached the main file."""
    found = {}
    for name, count in (("all in the WAL", 40), ("most in the main file", len(RESULTS))):
        path = folder / "run.journal"
        with RunStore(path, "a test", ASKED) as store:
            for key, value in MODEL.items():
                store.depend_on(key, value)
            for key in list(RESULTS)[:count]:
                store.put(key, RESULTS[key])
            wal = path.with_name(f"{path.name}-wal")
            found[name] = (path.read_bytes(), wal.read_bytes(), count)
        found[f"{name}, closed"] = (path.read_bytes(), b"", count)
    return found


@pytest.fixture
def reopened(folder, caplog):
    """Resumes what files hold; whether all results are there, or what was said about the others."""

    def reopened(main, wal, count):
        place = folder / "reopened"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        (place / "j").write_bytes(main)
        (place / "j-wal").write_bytes(wal)
        caplog.clear()
        try:
            with RunStore(place / "j", "a test", ASKED, resume=True) as store:
                got = {key: store.get(key) for key in list(RESULTS)[:count]}
                store.put("new", 1)
                for key, value in MODEL.items():
                    store.depend_on(key, value)
        except FileFormatError as error:
            message = str(error)
            assert message.startswith(f"{place / 'j'}: ") and "\n" not in message
            assert message.endswith("; without --resume the run begins anew")
            return "refused"
        kept = {key: value for key, value in got.items() if value is not None}
        assert all(value == RESULTS[key] for key, value in kept.items())
        assert list(kept) == list(RESULTS)[: len(kept)], "more than the end is missing"
        assert len(caplog.messages) <= 1
        if caplog.messages:
            assert f"{place / 'j'}: the journal is damaged: its first {len(kept)} results" in (
                caplog.text
            )
        with RunStore(place / "j", "a test", ASKED, resume=True) as store:
            assert {key: store.get(key) for key in kept} == kept and store.get("new") == 1
        assert len(caplog.messages) <= 1, "once mended, it is whole"
        assert sorted(path.name for path in place.iterdir()) == ["j"]
        if len(kept) == count:
            return "nothing lost"
        return "cut and said" if caplog.messages else "cut"

    return reopened


KILLED = ["all in the WAL", "most in the main file"]
CLOSED = [f"{state}, closed" for state in KILLED]


def damages(content, rng, rounds):
    """Contents that are cut, torn, zeroed or changed, by what was done to them."""
    last = max(0, (len(content) - 1) // PAGE * PAGE)
    step = max(1, 251 // rounds(1))
    for place in range(last + rng.randrange(step), len(content), step):
        yield "cut", content[:place]
        yield "zeroed to its end", content[:place] + bytes(len(content) - place)
        yield "zeroed", content[:place] + b"\0" + content[place + 1 :]
        # As if an older page had not been overwritten to its end.
        yield "torn", content[:place] + content[: len(content) - place]
    for place in range(100):  # the head of a database
        yield "head changed", content[:place] + b"\x0a" + content[place + 1 :]
    yield "its first page zeroed", bytes(PAGE) + content[PAGE:]
    for _ in range(rounds(12)):
        place = rng.randrange(len(content))
        start = place // PAGE * PAGE
        yield "cut anywhere", content[:place]
        yield "a page zeroed", content[:start] + bytes(PAGE) + content[start + PAGE :]
        for bits in (1, 30):
            changed = bytearray(content)
            for _ in range(bits):
                changed[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
            yield f"{bits} bits changed", bytes(changed)


@pytest.mark.parametrize(
    ("state", "part"),
    [
        *((state, "main file") for state in KILLED + CLOSED),
        *((state, "WAL") for state in KILLED),
    ],
)
def test_a_damaged_journal(left, reopened, rounds, figures, state, part):
    main, wal, count = left[state]
    assert reopened(main, wal, count) == "nothing lost"
    rng = random.Random(5)
    became = Counter()
    for what, content in damages({"main file": main, "WAL": wal}[part], rng, rounds):
        files = (content, wal) if part == "main file" else (main, content)
        end = reopened(*files, count)
        # A file without its end is like the file of a run that was killed earlier.
        assert end != "cut" or (what.startswith("cut") and part == "WAL") or not content, what
        became[end] += 1
    print(state, part, became)
    for end, number in became.items():
        name = f"journals damaged: {end}"
        figures[name] = figures.get(name, 0) + number
