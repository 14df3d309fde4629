import lz4.frame
import pytest
from backports import zstd

from dr_grasp.recording import salvage

CONTENT = bytes(range(256)) * 4000


@pytest.mark.parametrize(
    ("name", "compress"), [("", bytes), ("lz4", lz4.frame.compress), ("zstd", zstd.compress)]
)
def test_half_a_chunk_is_decompressed_as_far_as_it_goes(name, compress):
    packed = compress(CONTENT)
    decompress = salvage._decompressor(name)
    assert decompress(packed) == CONTENT
    half = decompress(packed[: len(packed) // 2])
    assert CONTENT.startswith(half)


def test_what_is_no_mcap_has_no_messages(tmp_path):
    path = tmp_path / "other"
    path.write_bytes(b"anything")
    file = salvage.Salvage(path)
    assert list(file.messages()) == [] and not file.complete
