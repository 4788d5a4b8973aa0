"""Key files: on demand, private from their first moment, gone afterwards, whatever happened to the run."""

from __future__ import annotations

import gc
import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from fakes.ca import Authority
from fakes.ca import scratch as scratch_module
from fakes.ca.scratch import CLAIMED, MARKER, OWN_FOLDER, PREFIX, Scratch, sweep
from fakes.errors import FakeError

ROOT = Path(__file__).parents[3]
FQDN = "sip.fabrikam.test"
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="Windows has access lists, not modes and owners")

OTHER_RUN = """
import sys
from pathlib import Path
from fakes.ca import Authority
authority = Authority(folder=Path(sys.argv[1]))
certificate, key = authority.write(authority.issue("sip.fabrikam.test"))
print(key, flush=True)
sys.stdin.read()
"""


@contextmanager
def other_run(parent: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Another process with a CA whose files are written; it ends when its standard input does."""
    command = [sys.executable, "-c", OTHER_RUN, str(parent)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, Path(process.stdout.readline().strip())
        finally:
            process.kill()


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_nothing_is_written_unless_asked(tmp_path: Path) -> None:
    with Authority(folder=tmp_path) as authority:
        authority.issue(FQDN)

        assert list(tmp_path.iterdir()) == []


def test_written_files_hold_chain_key_and_root(tmp_path: Path) -> None:
    with Authority(folder=tmp_path) as authority:
        issued = authority.issue(FQDN)
        certificate, key = authority.write(issued)

        assert certificate.read_bytes() == issued.chain_pem
        assert key.read_bytes() == issued.key_pem
        assert authority.write_root().read_bytes() == authority.root_pem


def test_the_same_certificate_is_written_once_and_another_beside_it(tmp_path: Path) -> None:
    with Authority(folder=tmp_path) as authority:
        issued = authority.issue(FQDN)

        assert authority.write(issued) == authority.write(issued)
        assert authority.write(authority.issue(FQDN)) != authority.write(issued)
        assert authority.write_root() == authority.write_root()


def test_a_name_that_is_no_file_name_is_written_too(tmp_path: Path) -> None:
    with Authority(folder=tmp_path) as authority:
        for name in ("::1", "../up.test", "*." + "x" * 63 + "." + "y" * 63 + ".test"):
            certificate, _ = authority.write(authority.issue(name))

            assert certificate.parent.parent == tmp_path
            assert len(certificate.name) < 100


@posix_only
def test_only_this_user_can_read_the_files(tmp_path: Path) -> None:
    with Authority(folder=tmp_path) as authority:
        certificate, key = authority.write(authority.issue(FQDN))
        files = [certificate, key, authority.write_root(), key.parent / MARKER]

        assert _mode(key.parent) == 0o700
        assert [_mode(path) for path in files] == [0o600] * 4


@posix_only
def test_the_mode_is_there_before_the_first_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With an umask that takes nothing away, a mode set after opening would leave the file open to all for a moment."""
    opened: list[int] = []
    real_open = os.open

    def watching_open(path: str, flags: int, mode: int = 0o777) -> int:
        descriptor = real_open(path, flags, mode)
        opened.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        return descriptor

    before = os.umask(0)
    try:
        monkeypatch.setattr(os, "open", watching_open)
        scratch = Scratch(tmp_path)
        scratch.write("key", b"secret")
    finally:
        os.umask(before)

    assert opened == [0o600, 0o600]
    assert _mode(scratch.folder) == 0o700


def test_no_file_is_left_when_the_authority_is_closed(tmp_path: Path) -> None:
    with Authority(folder=tmp_path) as authority:
        authority.write(authority.issue(FQDN))
        assert list(tmp_path.iterdir()) != []

    assert list(tmp_path.iterdir()) == []
    authority.close()


def test_a_closed_authority_writes_nothing(tmp_path: Path) -> None:
    authority = Authority(folder=tmp_path)
    authority.close()

    with pytest.raises(FakeError, match="The CA is closed"):
        authority.write(authority.issue(FQDN))
    with pytest.raises(FakeError, match="The CA is closed"):
        authority.write_root()


def test_a_forgotten_authority_takes_its_files_with_it(tmp_path: Path) -> None:
    authority = Authority(folder=tmp_path)
    authority.write(authority.issue(FQDN))

    del authority
    gc.collect()

    assert list(tmp_path.iterdir()) == []


def test_closing_is_calm_when_somebody_removed_the_files_before(tmp_path: Path) -> None:
    authority = Authority(folder=tmp_path)
    certificate, key = authority.write(authority.issue(FQDN))
    for path in (certificate, key, key.parent / MARKER):
        path.unlink()
    key.parent.rmdir()

    authority.close()


def test_what_cannot_be_removed_is_named_and_left_to_the_next_start(tmp_path: Path) -> None:
    scratch = Scratch(tmp_path)
    stays = scratch.folder / "stays"
    stays.mkdir()

    with pytest.raises(FakeError, match=r"could not be removed: .*stays"):
        scratch.close()

    stays.rmdir()
    assert sweep(tmp_path) == [scratch.folder]


def test_a_folder_that_cannot_be_made_gets_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()

    with pytest.raises(FakeError, match="No private folder for key files can be made in"):
        Scratch(file)


def test_a_run_that_ends_without_closing_leaves_nothing(tmp_path: Path) -> None:
    with other_run(tmp_path) as (process, key):
        assert key.exists()

        process.communicate("")

        assert process.returncode == 0
        assert list(tmp_path.iterdir()) == []


def test_the_next_start_removes_what_a_killed_run_left(tmp_path: Path) -> None:
    with other_run(tmp_path) as (process, key):
        process.kill()
        process.wait()
    assert key.exists()

    Authority(folder=tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_a_server_goes_with_all_that_is_in_it(tmp_path: Path) -> None:
    with Authority(folder=tmp_path) as authority:
        below = authority.folder("server") / "data"
        below.mkdir()
        (below / "state").write_text("kept")

    assert list(tmp_path.iterdir()) == []


def test_the_next_start_removes_the_folder_of_a_server_too(tmp_path: Path) -> None:
    folder = tmp_path / f"{PREFIX}killed"
    (folder / "server" / "data").mkdir(parents=True)
    (folder / "server" / OWN_FOLDER).touch()
    (folder / MARKER).touch()

    assert sweep(tmp_path) == [folder]
    assert list(tmp_path.iterdir()) == []


def test_a_living_run_keeps_its_files(tmp_path: Path) -> None:
    with other_run(tmp_path) as (process, key):
        assert sweep(tmp_path) == []
        assert key.exists()
        assert process.poll() is None


def test_a_living_run_of_the_same_process_keeps_its_files(tmp_path: Path) -> None:
    with Authority(folder=tmp_path) as authority:
        _, key = authority.write(authority.issue(FQDN))

        assert sweep(tmp_path) == []
        assert key.exists()


def test_a_sweep_that_was_killed_itself_is_finished_by_the_next(tmp_path: Path) -> None:
    folder = tmp_path / f"{PREFIX}half"
    folder.mkdir()
    (folder / CLAIMED).touch()
    (folder / "0000.key").touch()

    assert sweep(tmp_path) == [folder]
    assert not folder.exists()


def test_a_sweep_that_cannot_finish_leaves_its_claim_to_the_next(tmp_path: Path) -> None:
    folder = tmp_path / f"{PREFIX}stuck"
    (folder / "inner").mkdir(parents=True)
    (folder / "0000.key").touch()
    (folder / MARKER).touch()

    assert sweep(tmp_path) == []
    assert (folder / CLAIMED).exists()

    (folder / "inner").rmdir()
    assert sweep(tmp_path) == [folder]


def test_a_folder_killed_before_its_marker_is_removed_only_when_empty(tmp_path: Path) -> None:
    empty, full = tmp_path / f"{PREFIX}empty", tmp_path / f"{PREFIX}full"
    empty.mkdir()
    full.mkdir()
    (full / "notes.txt").touch()

    assert sweep(tmp_path) == [empty]
    assert (full / "notes.txt").exists()


def test_other_folders_and_files_are_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "somebody-else"
    other.mkdir()
    (other / MARKER).touch()
    (tmp_path / f"{PREFIX}file").touch()

    assert sweep(tmp_path) == []
    assert (other / MARKER).exists()
    assert (tmp_path / f"{PREFIX}file").exists()


def test_a_folder_inside_an_abandoned_one_is_never_emptied(tmp_path: Path) -> None:
    inner = tmp_path / f"{PREFIX}x" / "inner"
    inner.mkdir(parents=True)
    (inner.parent / MARKER).touch()
    (inner / "precious").touch()

    assert sweep(tmp_path) == []
    assert (inner / "precious").exists()


@posix_only
def test_a_forked_child_does_not_clean_up_for_its_parent(tmp_path: Path) -> None:
    script = """
import os, sys
from pathlib import Path
from fakes.ca.scratch import Scratch
scratch = Scratch(Path(sys.argv[1]))
key = scratch.write("key", b"secret")
if os.fork() == 0:
    sys.exit()
os.wait()
print(key.exists())
"""
    command = [sys.executable, "-c", script, str(tmp_path)]

    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)

    assert result.stdout == "True\n"
    assert list(tmp_path.iterdir()) == []


@posix_only
def test_a_link_with_our_prefix_is_not_followed(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / MARKER).touch()
    (tmp_path / f"{PREFIX}link").symlink_to(precious, target_is_directory=True)

    assert sweep(tmp_path) == []
    assert (precious / MARKER).exists()


@posix_only
def test_a_folder_of_another_user_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / f"{PREFIX}planted"
    folder.mkdir()
    (folder / MARKER).touch()
    monkeypatch.setattr(os, "getuid", lambda: folder.stat().st_uid + 1)

    assert sweep(tmp_path) == []
    assert (folder / MARKER).exists()


def test_a_folder_swept_before_it_has_a_marker_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    swept: list[Path] = []
    real_make = tempfile.mkdtemp

    def make_and_be_swept(**where: Any) -> str:
        made: str = real_make(**where)
        if not swept:
            swept.extend(sweep(tmp_path))
        return made

    monkeypatch.setattr(tempfile, "mkdtemp", make_and_be_swept)
    scratch = Scratch(tmp_path)

    assert len(swept) == 1
    assert list(tmp_path.iterdir()) == [scratch.folder]
    assert (scratch.folder / MARKER).exists()


@posix_only  # on Windows the open marker is the lock, so there is no moment between
@pytest.mark.parametrize("still_sweeping", [False, True])
def test_a_folder_swept_before_its_marker_is_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, still_sweeping: bool
) -> None:
    claimed: list[BinaryIO] = []
    real_hold = scratch_module._hold

    def be_swept_and_hold(marker: BinaryIO) -> bool:
        if not claimed:
            other = Path(marker.name).open("r+b")  # noqa: SIM115 closed below
            claimed.append(other)
            if still_sweeping:
                assert real_hold(other)
            else:
                monkeypatch.setattr(scratch_module, "_hold", real_hold)
                assert sweep(tmp_path) == [Path(marker.name).parent]
        return real_hold(marker)

    monkeypatch.setattr(scratch_module, "_hold", be_swept_and_hold)
    scratch = Scratch(tmp_path)
    claimed[0].close()

    assert scratch.folder != Path(claimed[0].name).parent
    assert (scratch.folder / MARKER).exists()
    scratch.close()
