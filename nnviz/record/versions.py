"""What can be done with a run file of another version of the format than the one that is written: the one rule.

* **Replayed** is every version that was ever written, for ever, as it lies: nothing is written into a file to look at
  it. Its tables are those of its own version (:data:`file_format.SCHEMAS`).
* **Resumed** is a run in a file of the version that is written. An older file is raised to it first, in one
  transaction, by the statements of each version in between (:data:`file_format.RAISES`); it is an older file as a whole
  or a newer one as a whole, also after a crash. A version that cannot be reached by statements has None in their place
  and a file of the version before is no longer resumed, only replayed.
* Files of a **newer** version are neither: what is in them is not known.

A change of the format so costs a version, its tables, and the statements that lead to it, or None.
"""

from __future__ import annotations

import sqlite3

from nnviz.errors import RunFileError
from nnviz.record import file_format as form


def check_replayable(version: int, file: str) -> None:
    """Whether a file of this version can be looked at.

    Raises:
        RunFileError: It cannot, and why.
    """
    if version not in form.SCHEMAS:
        raise RunFileError(
            f"The run was written by a newer nnviz (file version {version}; this one reads up to {form.VERSION}): "
            "update nnviz to open it.",
            file=file,
        )


def statements_to_resume(version: int, file: str) -> tuple[str, ...]:
    """What makes a file of this version one of the version that is written, so that its run can be gone on with.

    Raises:
        RunFileError: Its run can only be looked at, or not even that.
    """
    check_replayable(version, file)
    found: list[str] = []
    for number in range(version + 1, form.VERSION + 1):
        statements = form.RAISES[number]
        if statements is None:
            raise RunFileError(
                f"The run was written by an older nnviz (file version {version}): it can be looked at for ever, but "
                f"not gone on with by this one, which writes version {form.VERSION}.",
                file=file,
            )
        found += statements
    return tuple(found)


def raise_to_resume(connection: sqlite3.Connection, file: str) -> None:
    """Make the file one of the version that is written, in one transaction; nothing is done to one that is.

    Args:
        connection: Open for writing, with no transaction under way; whoever opened it holds the lock of the run.
        file: What it is called in an error.

    Raises:
        RunFileError: Its run can only be looked at, or not even that.
        sqlite3.Error: It cannot be written, and is as it was.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    statements = statements_to_resume(version, file)
    if version == form.VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in statements:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {form.VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
