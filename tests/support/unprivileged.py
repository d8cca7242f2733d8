"""Running the tool as somebody who may not write everywhere, even if the tests run as root."""

from __future__ import annotations

import atexit
import os
import pwd
import shutil
import tempfile
from pathlib import Path
from typing import Any


def _other_user() -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


# Options for subprocess: root becomes nobody, anybody else stays who they are.
OTHER_USER = _other_user()

# The tool makes itself unfit for being traced by its own user. Whoever is root of a namespace, if
# not of the machine, reads its memory all the same.
AS_ROOT = [] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user"]


def reachable_program(program: str) -> str:
    """The program where the other user can run it: a clone may lie in root's own folder."""
    way = (Path(program), *Path(program).parents)
    if not OTHER_USER or all(path.stat().st_mode & 0o001 for path in way):
        return program
    folder = tempfile.mkdtemp(prefix="hsmiam-program-")
    atexit.register(shutil.rmtree, folder)
    os.chmod(folder, 0o755)
    copy: str = shutil.copy(program, folder)
    os.chmod(copy, 0o755)
    return copy


def make_read_only(directory: Path, test_directory: Path) -> None:
    """Let the other user read everything of the test and write nothing of the directory; the
    ledger's place is theirs as well."""
    for root, _, files in os.walk(test_directory):
        os.chmod(root, 0o755)
        for name in files:
            os.chmod(Path(root) / name, 0o644)
    if (test_directory / "state").exists():
        make_writable_by(OTHER_USER, test_directory / "state")
    for root, _, files in os.walk(directory):
        for name in files:
            os.chmod(Path(root) / name, 0o444)
        os.chmod(root, 0o555)


def make_writable_by(other: dict[str, Any], directory: Path) -> None:
    """Give all of a directory to the other user, if there is one."""
    if other:
        for path in (directory, *directory.rglob("*")):
            os.chown(path, other["user"], other["group"])


def make_writable(directory: Path) -> None:
    """Give the directory back to its owner."""
    for root, _, files in os.walk(directory):
        os.chmod(root, 0o700)
        for path in (Path(root) / name for name in files):
            if path.is_file() and not path.is_symlink():
                path.chmod(0o600)
