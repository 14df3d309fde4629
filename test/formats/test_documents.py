"""Documents on a full disk."""

import resource

import pytest

from dr_grasp.errors import FileFormatError
from dr_grasp.formats.documents import write_document


def test_a_full_disk_names_the_file_and_leaves_the_earlier_one(tmp_path):
    path = tmp_path / "scores.json"
    write_document(path, [("version", 1)])
    before = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        with pytest.raises(FileFormatError, match=f"^{path}: cannot be written: File too large$"):
            write_document(path, [("version", 2), ("list", (["x" * 1000] * 100))])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
