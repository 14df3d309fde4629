"""Reads the bag of a session, even if parts of it are broken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory

from rosbags.typesys.store import Typestore

from dr_grasp.errors import RecordingError, SettingsError
from dr_grasp.messages.typestore import digest_of, our_typestore, typestore_of
from dr_grasp.recording.bag_files import plain_name, storage_files
from dr_grasp.recording.bounded_reader import METADATA, BoundedReader, read_metadata
from dr_grasp.recording.decompression import FILE_COMPRESSIONS, decompress_file
from dr_grasp.recording.mcap_recovery import MAGIC as MCAP_MAGIC
from dr_grasp.recording.mcap_recovery import McapRecovery
from dr_grasp.recording.reading_pass import DECODERS, BagContents, ReadingPass, reason_of
from dr_grasp.recording.sqlite_recovery import MAGIC as SQLITE_MAGIC
from dr_grasp.recording.sqlite_recovery import SqliteRecovery

__all__ = ["BagContents", "read_bag"]


def read_bag(path: Path) -> BagContents:
    """Read a bag, even if its writer was killed, or an older version of dr_grasp wrote it.

    All readable messages of a broken bag are returned, and `damage` describes what is wrong. It is
    empty only if all messages are there that the bag's own metadata counts.

    Args:
        path: The bag's folder, or a file of a bag: MCAP or SQLite, compressed or not.

    Raises:
        RecordingError: The path is no bag, nothing in the bag can be read, or its messages are of
            a version that is not supported.
        SettingsError: The message definitions of dr_grasp are not installed.
    """
    try:
        files = storage_files(path)
        is_bag = bool(files) or (path / METADATA).exists()
        problem = "nothing of that name"
        if path.exists():
            problem = "none in this folder" if path.is_dir() else "another file"
    except OSError as error:
        raise RecordingError(f"{path}: cannot be read: {reason_of(error)}") from error
    if not is_bag:
        raise RecordingError(
            f"{path}: expected a bag, metadata.yaml or files of MCAP or SQLite, got {problem}"
        )
    passes: list[ReadingPass] = []
    refusal: RecordingError | None = None
    # An index may not list all messages; but it may find messages behind broken records.
    for read in (_by_record, _by_index) if files else (_by_index,):
        try:
            found = read(path)
        except RecordingError as error:
            refusal = error
            continue
        if not found.problems and not passes:
            return found.contents()
        passes.append(found)
    if refusal and not any(found.count for found in passes):
        raise refusal
    # If any message has our version, a record that names another version must be broken.
    best = max(passes, key=lambda found: found.count)
    problems = "; ".join(best.problems or passes[0].problems)
    if not best.count:
        raise RecordingError(f"{path}: cannot be read: {problems}")
    extent = "up to its last whole message" if best.cut else "without what is broken"
    return best.contents(f"read {extent}, {best.count} in all: {problems}")


def _by_index(path: Path) -> ReadingPass:
    """Read a bag in the normal way: by metadata.yaml and the index at the end of each file.

    Raises:
        RecordingError: The messages are of a version that is not supported.
    """
    found = ReadingPass()
    try:
        with BoundedReader(path) as reader:
            ours = [topic for topic in reader.connections if topic.msgtype in DECODERS]
            types = {}
            for topic in ours:
                digest = topic.digest or digest_of(topic.msgtype, topic.msgdef.data)
                types[topic.id] = _typestore_of(path, topic.msgtype, digest)
            for topic, stamp_ns, data in reader.bounded_messages(ours) if ours else ():
                found.add(topic.msgtype, types[topic.id], stamp_ns, data)
    except (RecordingError, SettingsError):
        raise
    except Exception as error:
        # A broken file can cause any error of the libraries that rosbags uses: struct, YAML,
        # compression, enums, a seek beyond the end of the file.
        found.problems.append(reason_of(error))
    return found.sum_up(Counter())


def _by_record(path: Path) -> ReadingPass:
    """Read all files from the first to the last message without an index, as far as possible.

    Raises:
        RecordingError: The messages are of a version that is not supported.
        SettingsError: The message definitions of dr_grasp are not installed.
    """
    found = ReadingPass()
    stated, found.problems = _stated_in_metadata(path)
    lacking: Counter[str] = Counter()
    known: set[int] = set()

    @lru_cache
    def types(typename: str, definition: bytes, digest: str) -> Typestore | None:
        try:
            digest = digest or digest_of(typename, definition.decode())
        except Exception:
            return None  # the parser of rosbags can raise any error for a broken text
        return _typestore_of(path, typename, digest)

    for file in storage_files(path):
        met: Counter[str] = Counter()
        keys = set()
        try:
            with _recovery(file, found.problems) as recovery:
                for message in recovery.messages():
                    if message.typename not in DECODERS:
                        continue
                    met[message.typename] += 1
                    # A writer that was killed during a merge leaves some messages in two files.
                    key = hash((message.typename, message.stamp_ns, message.data))
                    keys.add(key)
                    if key not in known:
                        typestore = types(message.typename, message.definition, message.digest)
                        found.add(message.typename, typestore, message.stamp_ns, message.data)
                lacking += recovery.stated - met
                found.cut |= not recovery.ended
                found.problems += [f"{file.name} {problem}" for problem in recovery.problems]
                found.skip("of no known topic", recovery.lost)
        except OSError as error:
            found.problems.append(f"{file.name}: {reason_of(error)}")
        known |= keys
    return found.sum_up(lacking | (stated - found.met))


@contextmanager
def _recovery(file: Path, problems: list[str]) -> Iterator[McapRecovery | SqliteRecovery]:
    """Prepare to read a file of a bag, decompressed as far as it is whole.

    Args:
        file: The file.
        problems: Descriptions of what is wrong with a bag, to be added to.

    Raises:
        OSError: The file cannot be read, or its content does not fit on the disk.
    """
    with ExitStack() as stack:
        plain = file
        if file.suffix in FILE_COMPRESSIONS:
            folder = stack.enter_context(TemporaryDirectory(prefix="dr_grasp_"))
            plain = Path(folder, plain_name(file.name))
            with plain.open("wb") as target:
                try:
                    decompress_file(file, target)
                except OSError:
                    raise
                except Exception as error:  # broken bytes: each library has its own errors
                    problems.append(f"{file.name}: {reason_of(error)}")
        with plain.open("rb") as stream:
            head = stream.read(len(SQLITE_MAGIC))
        # The content decides, or else the name: a broken file may have lost its beginning.
        is_mcap = head.startswith(MCAP_MAGIC) or (plain.suffix == ".mcap" and head != SQLITE_MAGIC)
        yield McapRecovery(plain) if is_mcap else SqliteRecovery(plain, DECODERS)


def _stated_in_metadata(path: Path) -> tuple[Counter[str], list[str]]:
    """The number of messages of each type in metadata.yaml, and problems of that file.

    Raises:
        RecordingError: The file names a type of a version that is not supported.
    """
    stated: Counter[str] = Counter()
    file = path / METADATA
    if not file.exists():
        return stated, []
    try:
        information = read_metadata(path)
        for entry in information["topics_with_message_count"]:
            topic = entry["topic_metadata"]
            stated[topic["type"]] += int(entry["message_count"])
            if topic["type"] in DECODERS and (digest := topic.get("type_description_hash")):
                _typestore_of(path, topic["type"], digest)
        # Somebody may have compressed or decompressed the files.
        there = {plain_name(file.name) for file in storage_files(path)}
        names = [PurePath(name).name for name in information["relative_file_paths"]]
        lost = [f"{name} is not there" for name in names if plain_name(name) not in there]
    except (RecordingError, SettingsError):
        raise
    except Exception as error:
        # Broken YAML may be anything: lists for dicts, impossible dates, broken UTF-8.
        return Counter(), [f"{METADATA} cannot be read: {reason_of(error)}"]
    return stated, lost


def _typestore_of(path: Path, typename: str, digest: str) -> Typestore:
    found = typestore_of(typename, digest)
    if found is None:
        raise RecordingError(
            f"{path}: {typename}: expected type hash "
            f"{our_typestore().hash_rihs01(typename)}, got {digest or 'none'}"
        )
    return found
