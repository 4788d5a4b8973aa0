"""A private folder for key files that is gone when its run is over, even when the run was killed."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
import weakref
from functools import cache
from pathlib import Path
from typing import BinaryIO

from fakes.errors import FakeError

PREFIX = "sipfed-ca-"
MARKER = "alive"
"The file that a living run holds open and locked in its folder."
CLAIMED = "dead"
"What the marker is called once a sweep has proved that its run is over."
OWN_FOLDER = ".sipfed-folder"
"In a folder below that may be removed with all that is in it."

if sys.platform == "win32":

    def _hold(_marker: BinaryIO) -> bool:
        """An open file can be neither renamed nor deleted on Windows: having it open is holding it."""
        return True

    def _claim_from_the_dead(marker: Path) -> bool:
        """Rename the marker; PermissionError while a living run has it open."""
        marker.rename(marker.with_name(CLAIMED))
        return True

    def _is_ours(_folder: Path) -> bool:
        """The folder for temporary files is the user's own on Windows."""
        return True

else:
    import fcntl

    def _hold(marker: BinaryIO) -> bool:
        """Take the lock that ends with the process; False when somebody else has it."""
        try:
            fcntl.flock(marker, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _claim_from_the_dead(marker: Path) -> bool:
        """Rename the marker under its lock; False while a living run has that lock."""
        with marker.open("r+b") as file:
            if not _hold(file):
                return False
            marker.rename(marker.with_name(CLAIMED))
        return True

    def _is_ours(folder: Path) -> bool:
        """In a folder that all users share, a stranger could plant a folder with our prefix."""
        return folder.lstat().st_uid == os.getuid()


class Scratch:
    """A folder `sipfed-ca-…` (mode 0700) below `parent`, for files of mode 0600.

    It exists until `close()`, the end of the process or the garbage collection of this object, whichever is first.
    Where POSIX modes do not apply (Windows) the access list of `parent` protects the files. Raises FakeError when no
    folder can be made there.
    """

    def __init__(self, parent: Path) -> None:
        self.folder, marker = _claim_new_folder(parent)
        self._finalizer = weakref.finalize(self, _remove, self.folder, marker, os.getpid())

    def write(self, name: str, content: bytes) -> Path:
        """Write a new file that only this user can read, at no moment otherwise; FileExistsError when it is there."""
        path = self.folder / name
        with open(path, "xb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(content)
        return path

    def make_folder(self, name: str) -> Path:
        """Make a folder (mode 0700) for a program's own files, which goes with all that is in it."""
        folder = self.folder / name
        folder.mkdir(mode=0o700)
        (folder / OWN_FOLDER).touch(mode=0o600)
        return folder

    def close(self) -> None:
        """Remove all files and the folder; a second call does nothing. Raises FakeError naming what could not go."""
        self._finalizer()


@cache
def sweep_once(parent: Path) -> None:
    """`sweep` for the first time that this process uses `parent`."""
    sweep(parent)


def sweep(parent: Path) -> list[Path]:
    """Remove what killed runs of this user left below `parent`, and return the removed folders.

    A folder whose run lives is never touched, nor one of another user, nor anything that a link points to. What
    cannot be removed now stays for the next sweep.
    """
    removed = []
    for folder in sorted(parent.glob(PREFIX + "*")):
        try:
            if not folder.is_symlink() and folder.is_dir() and _is_ours(folder) and _remove_abandoned(folder):
                removed.append(folder)
        except OSError:  # gone by itself, claimed by another sweep, or held by a program that still reads a file
            continue
    return removed


def _claim_new_folder(parent: Path) -> tuple[Path, BinaryIO]:
    try:
        parent.mkdir(parents=True, exist_ok=True)
        while True:
            folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
            marker = _claim(folder)
            if marker is not None:
                return folder, marker
    except OSError as error:
        raise FakeError(f"No private folder for key files can be made in {parent}: {error.strerror}.") from error


def _claim(folder: Path) -> BinaryIO | None:
    """Mark the folder as living; None when a sweep of another process took it before the marker was locked."""
    path = folder / MARKER
    try:
        marker = open(path, "xb", opener=lambda path, flags: os.open(path, flags, 0o600))  # noqa: SIM115 held open
    except FileNotFoundError:
        return None
    if _hold(marker) and path.exists():
        return marker
    marker.close()
    return None


def _remove_abandoned(folder: Path) -> bool:
    """Remove the folder unless its run lives. The marker goes last, so that a sweep that is killed can be repeated."""
    marker, claimed = folder / MARKER, folder / CLAIMED
    if not marker.exists() and not claimed.exists():
        # Killed before its first file, or just being made: then its maker notices. A folder that is not empty stays.
        folder.rmdir()
        return True
    if not claimed.exists() and not _claim_from_the_dead(marker):
        return False
    for path in folder.iterdir():
        if path != claimed:
            _delete(path)
    claimed.unlink(missing_ok=True)
    folder.rmdir()
    return True


def _remove(folder: Path, marker: BinaryIO, owner: int) -> None:
    if os.getpid() != owner:  # a forked child does not clean up for its parent
        return
    kept = []
    for path in folder.iterdir() if folder.exists() else ():
        if path.name == MARKER:
            continue
        try:
            _delete(path)
        except OSError as error:
            kept.append(f"{path} ({error.strerror})")
    marker.close()
    if kept:
        raise FakeError(f"These key files could not be removed: {', '.join(kept)}. The next start tries again.")
    with contextlib.suppress(OSError):  # somebody cleans up too: the sweep of another start, or a cleaner of old files
        (folder / MARKER).unlink()
        folder.rmdir()


def _delete(path: Path) -> None:
    """Remove a file, or a folder that `Scratch.make_folder` made with all that is in it; what is gone is fine.

    Any other folder is somebody else's: OSError, and nothing in it is touched.
    """
    if path.is_dir() and not path.is_symlink() and (path / OWN_FOLDER).exists():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
