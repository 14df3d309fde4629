"""Which tests `make check` leaves out."""

from pathlib import Path

HERE = Path(__file__).parent


def test_every_place_that_is_left_out_is_there_once(lanes):
    named = [HERE / place for places in lanes.values() for place in places]
    assert [place for place in named if not place.exists()] == []
    inside = [place for place in named if any(parent in named for parent in place.parents)]
    assert inside == [] and len(named) == len(set(named))
