"""How a shard takes its name and how a damaged one loses it: by renaming whole folders, without a lock.

What bears a name has the content that the name is the hash of, whoever wrote it. So writers and removers may meet:
the worst they can do to each other is that a shard is missing for a moment, and then it is only computed again.
"""

from __future__ import annotations

import errno
import shutil
from contextlib import suppress
from pathlib import Path

from harness.store import claims
from harness.store.shard import is_intact

TAKEN = (errno.ENOTEMPTY, errno.EEXIST)
TRIES = 5
"""Each is lost only to a writer that gives the same name to a folder at the same moment."""


def publish(scratch: Path, target: Path, store: str, trash: Path) -> None:
    """Give a written shard its name. Where a sound one lies there, ours is dropped; a damaged one makes room.

    Args:
        scratch: folder of the written shard; gone afterwards, or left to be thrown away.
        target: its place among the shards.
        store: that it belongs to.
        trash: folder on the same disk for what is on its way out.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    for _ in range(TRIES):
        if is_intact(target, store):
            return
        put_away(target, store, trash)
        try:
            scratch.rename(target)  # never replaces a folder that holds files
        except OSError as error:
            if error.errno not in TAKEN:
                raise
        else:
            return


def put_away(folder: Path, store: str, trash: Path) -> None:
    """Remove a damaged shard: out of sight in one step. What turns out to be sound after all goes back."""
    aside = claims.discard(folder, trash)
    if aside is None:
        return
    if is_intact(aside, store, folder.name):
        with suppress(OSError):  # another writer was quicker, with the same content
            aside.rename(folder)
    shutil.rmtree(aside, ignore_errors=True)
