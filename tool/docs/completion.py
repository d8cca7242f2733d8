#!/usr/bin/env python3
"""Makes completion for bash, zsh and fish from the tables: completion.py TABLES OUTPUT"""

from __future__ import annotations

import json
import pathlib
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import complete_bash
import complete_fish
import complete_zsh

# What is known of a value by what it is (tool_option.value).
FILES = {"FILE", "SOURCE"}
DOCUMENTS = {"JSON", "YAML"}
WORDS = {"METHOD": ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]}

# The profiles of the AWS CLI's configuration, one a line.
PROFILES = (
    r"""sed -n 's/^\[profile \(.*\)\][[:space:]]*$/\1/p; s/^\[\(default\)\][[:space:]]*$/\1/p'"""
)


@dataclass(frozen=True)
class Option:
    """An option: `what` is how its value is completed: words, list (of words, parted by commas),
    files, document, profile, nothing; or flag, where there is no value."""

    name: str
    about: str
    value: str
    what: str
    words: tuple[str, ...]
    repeats: bool


@dataclass(frozen=True)
class Command:
    """A command or an operation; `path` is how it is called."""

    path: tuple[str, ...]
    about: str
    word: str | None
    options: tuple[Option, ...]
    operations: tuple[Command, ...]


def first_sentence(text: str) -> str:
    return re.split(r"(?<=[\w`)])[.:;](?: |$)", " ".join(text.split()))[0]


def listed(text: str) -> list[str]:
    """The words that may be parted by commas, where the help names them."""
    found = re.search(r"parted by commas: ([\w-]+(?:, [\w-]+)*)\.", text)
    return found[1].split(", ") if found else []


def read_option(option: dict[str, Any]) -> Option:
    of_list = listed(option["help"])
    words = option["choices"] or of_list or WORDS.get(option["value"], [])
    value = option["value"] or "WORD"
    what = "nothing"
    if option["kind"] == "flag":
        what = "flag"
    elif words:
        what = "list" if of_list else "words"
    elif value in FILES:
        what = "files"
    elif value in DOCUMENTS and "input" in option["name"]:
        what = "document"
    elif value == "PROFILE":
        what = "profile"
    about = first_sentence(option["help"])
    return Option(option["name"], about, value, what, tuple(words), option["kind"] == "repeated")


def read_options(options: list[dict[str, Any]]) -> tuple[Option, ...]:
    """All but those that are there to be refused."""
    return tuple(read_option(option) for option in options if not option["refusal"])


def read_command(command: dict[str, Any], before: tuple[str, ...] = ()) -> Command:
    path = (*before, command["name"])
    return Command(
        path,
        first_sentence(command["summary"]),
        command["word"],
        read_options(command["options"]),
        tuple(read_command(each, path) for each in command.get("operations", [])),
    )


def all_options(commands: list[Command]) -> Iterator[Option]:
    for command in commands:
        yield from command.options
        yield from all_options(list(command.operations))


def main() -> None:
    tables = json.loads(pathlib.Path(sys.argv[1]).read_text())
    output = pathlib.Path(sys.argv[2])
    output.mkdir(parents=True, exist_ok=True)
    help_option = Option("--help", "Show help", "", "flag", (), False)
    global_options = (*read_options(tables["globals"]), help_option)
    commands = [read_command(command) for command in tables["commands"]]
    # Where the command stands on the line is found by passing over the options' values: an option
    # must take one everywhere or nowhere, and the same.
    known: dict[str, Option] = {}
    for option in (*global_options, *all_options(commands)):
        other = known.setdefault(option.name, option)
        if (other.what, other.words) != (option.what, option.words):
            raise SystemExit(f"{option.name} takes a value of one kind here, of another there.")
    texts = {
        "hsmiam": complete_bash.make(commands, global_options, known, PROFILES),
        "_hsmiam": complete_zsh.make(commands, global_options, PROFILES),
        "hsmiam.fish": complete_fish.make(commands, global_options, known, PROFILES),
    }
    for name, text in texts.items():
        (output / name).write_text(text)


if __name__ == "__main__":
    main()
