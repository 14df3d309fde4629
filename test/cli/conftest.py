"""What tests of the commands share."""

import json
import shutil
import sqlite3

import pytest

QUERY = "SELECT key, value FROM records WHERE kind = 'result' ORDER BY number"


@pytest.fixture
def results_in(tmp_path_factory):
    """Reads the results that a journal holds, also while a process is working on it."""

    def results_in(journal):
        copy = tmp_path_factory.mktemp("copy") / "journal"
        for end in ("-wal", ""):
            path = journal.with_name(journal.name + end)
            if path.exists():
                shutil.copy(path, f"{copy}{end}")
        database = sqlite3.connect(copy)
        try:
            return {key: json.loads(text) for key, text in database.execute(QUERY)}
        except sqlite3.OperationalError as error:  # not begun yet
            assert "no such table" in str(error)
            return {}
        finally:
            database.close()

    return results_in
