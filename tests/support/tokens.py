"""The kinds of tokens that the tests run over, one class a kind.

Which one a run is over, the environment variable HSMIAM_TOKEN_KIND says; CMake names the tests
over others than SoftHSM integration_NAME@KIND. A test that is about something that not every kind
has says so by `where`.
"""

from __future__ import annotations

import atexit
import functools
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import kryoptic
import nss
import remote
import softhsm
from token_base import AnyToken

KINDS: dict[str, type[AnyToken]] = {
    kind.kind: kind
    for kind in (softhsm.Token, nss.Token, nss.FipsToken, kryoptic.Token, remote.Token)
}
KIND = KINDS[os.environ.get("HSMIAM_TOKEN_KIND", "softhsm")]

Test = TypeVar("Test", bound=Callable[..., object])


def where(ability: bool) -> Callable[[Test], Test | None]:
    """Keeps a test for the kinds of tokens that it makes sense for; over others there is none."""
    return lambda test: test if ability else None


@functools.cache
def provisioned_token(hsmiam: str) -> AnyToken:
    """A token that `hsmiam provision-token` made ready, to be copied: to make one takes seconds.

    It was made before the tests (make_template.py), or is made now, once for a program.
    """
    if "HSMIAM_TEST_TOKENS" in os.environ:
        return KIND.template_kind().found(template_directory())
    directory = tempfile.TemporaryDirectory(prefix="hsmiam-template-")
    atexit.register(directory.cleanup)
    return make_template(hsmiam, Path(directory.name) / "hsm")


def template_directory() -> Path:
    """Where the token is that was made before the tests."""
    return Path(os.environ["HSMIAM_TEST_TOKENS"]) / KIND.template_kind().kind


def make_template(hsmiam: str, directory: Path) -> AnyToken:
    """Make the token that is copied."""
    token = KIND.template_kind().create(directory)
    token.provision(hsmiam)
    return token
