"""The man pages: clean, complete, and with examples that the command line takes."""

from __future__ import annotations

import json
import os
import pathlib
import re
import shlex
import subprocess
import unittest
from collections.abc import Iterator
from typing import Any

TOP = pathlib.Path(__file__).resolve().parents[2]
DOCS = pathlib.Path(os.environ["HSMIAM_DOCS"])
TABLES = json.loads((DOCS / "tables.json").read_text())
COMMANDS = {command["name"]: command for command in TABLES["commands"]}
GLOBALS = {option["name"]: option for option in TABLES["globals"]}


def run(*words: object) -> str:
    done = subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, timeout=60, check=False
    )
    return done.stdout + done.stderr


def typed(page: pathlib.Path) -> str:
    """A page as one reads it, each paragraph on one line."""
    return run("mandoc", "-O", "width=1000", "-T", "ascii", page).replace("\b", "\0")


def plain(text: str) -> str:
    return re.sub(".\0", "", text)


def command_lines(text: str) -> Iterator[list[str]]:
    """Each call of hsmiam in indented lines, as words."""
    text = re.sub(r"\\\n\s*", "", text)
    for line in re.findall(r"(?m)^ {4,}(.*)$", text):
        line = re.sub(r"^[\w-]+\$ +", "", line)
        line = re.sub(r"^credential_process = ", "", line)
        for part in re.findall(r"(?:^|\| )(hsmiam [a-z-]+(?![a-z-]| {2})[^|>]*)", line.split(" # ")[0].strip()):
            if "..." not in part.split(" ", 2)[1] and "<" not in part:
                yield shlex.split(part)


class ManPageTest(unittest.TestCase):
    """All pages there are."""

    def test_pages_are_clean(self) -> None:
        pages = [page for page in DOCS.glob("man*/*") if not page.is_symlink()]
        self.assertEqual(run("mandoc", "-T", "lint", "-W", "warning", *pages), "")
        # What roff says by itself, but for addresses that fill no line.
        self.assertEqual(run("groff", "-man", "-ww", "-W", "break", "-T", "utf8", "-z", *pages), "")

    def test_each_command_has_a_page_with_its_options(self) -> None:
        for name in COMMANDS:
            page = plain(typed(DOCS / "man1" / f"hsmiam-{name}.1"))
            told = run(os.environ["HSMIAM_BIN"], name, "help").split("GLOBAL OPTIONS")[0]
            for option in re.findall(r"(?m)^    (--[\w-]+) \(", told):
                self.assertRegex(page, rf"(?m)^ +{option}( |$)", name)
            for heading in ("NAME", "SYNOPSIS", "DESCRIPTION", "EXIT STATUS", "EXAMPLES", "SEE ALSO"):
                self.assertRegex(page, rf"(?m)^{heading}$", name)
        page = plain(typed(DOCS / "man1" / "hsmiam.1"))
        for option in GLOBALS:
            self.assertRegex(page, rf"(?m)^ +{option}( |$)")
        for name in COMMANDS:
            self.assertIn(f"hsmiam-{name}(1)", page)

    def test_each_function_has_a_page(self) -> None:
        exported = re.findall(r"(?m)^ +(hsmiam_\w+);", (TOP / "module/libhsmiam.map").read_text())
        pages = {page.name: page.read_text() for page in DOCS.glob("man3/*.3")}
        for name in exported:
            self.assertIn(f"{name}(", pages.get(f"{name}.3", ""), name)

    def test_pages_refer_to_pages(self) -> None:
        ours = {f"{page.name[:-2]}({page.name[-1]})" for page in DOCS.glob("man*/*")}
        for page in DOCS.glob("man*/*"):
            for name in re.findall(r"\bhsmiam[\w.-]*\(\d\)", plain(typed(page))):
                self.assertIn(name, ours, page.name)


class ExampleTest(unittest.TestCase):
    """The examples of the pages and of the README are what the tables of options have."""

    def find(self, words: list[str]) -> tuple[dict[str, Any], list[str]]:
        commands = COMMANDS
        rest = words[1:]
        command: dict[str, Any] = {}
        while rest and rest[0] in commands:
            command = commands[rest.pop(0)]
            commands = {each["name"]: each for each in command.get("operations", [])}
        return command, rest

    def check(self, words: list[str]) -> None:
        if words[1] == "help":
            return
        command, rest = self.find(words)
        self.assertTrue(command, f"{words}: no command")
        options = {**GLOBALS, **{option["name"]: option for option in command["options"]}}
        words_left = 1 if command["word"] else 0
        while rest:
            word = rest.pop(0)
            if not word.startswith("--"):
                words_left -= 1
                self.assertGreaterEqual(words_left, 0, f"{words}: {word}")
                continue
            self.assertIn(word, options, words)
            if options[word]["kind"] == "flag":
                continue
            self.assertTrue(rest, f"{words}: {word} has no value")
            value = rest.pop(0)
            if options[word]["choices"]:
                self.assertIn(value, options[word]["choices"], words)

    def test_examples(self) -> None:
        texts = {page.name: plain(typed(page)) for page in DOCS.glob("man1/*.1")}
        texts = {name: text.partition("\nEXAMPLES\n")[2] for name, text in texts.items()}
        for name, text in {**texts, "README.md": (TOP / "README.md").read_text()}.items():
            calls = list(command_lines(text))
            self.assertTrue(calls, name)
            for words in calls:
                with self.subTest(name=name, words=words):
                    self.check([word for word in words if not word.startswith("&")])


if __name__ == "__main__":
    unittest.main()
