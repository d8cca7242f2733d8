"""Completion, in the shells themselves."""

from __future__ import annotations

import json
import os
import pathlib
import pty
import re
import select
import subprocess
import tempfile
import time
import unittest
from collections.abc import Iterable
from typing import Any

DOCS = pathlib.Path(os.environ["HSMIAM_DOCS"])
COMPLETIONS = DOCS / "completions"

BASH = r"""
. /usr/share/bash-completion/bash_completion
. "$1"
while IFS= read -r line; do
    COMP_LINE=$line
    COMP_POINT=${#line}
    # Readline parts words at = and : as well.
    read -ra COMP_WORDS <<<"$(sed 's/[=:]/ & /g' <<<"$line")"
    [[ $line == *[[:blank:]=] ]] && COMP_WORDS+=("")
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    COMPREPLY=()
    compopt() { :; }
    _hsmiam
    printf '%s\n' "${COMPREPLY[@]}" .
done
"""

FISH = r"""
source $argv[1]
while read -l line
    complete -C $line | string replace -r '\t.*' ''
    echo .
end
"""

# What is typed, and what is offered for its last word: all of it, or with ... among others.
CASES = {
    "hsmiam cre": "create-access-key credential-process",
    "hsmiam audit ve": "verify",
    "hsmiam help upd": "update-access-key",
    "hsmiam audit help ch": "checkpoint",
    "hsmiam --output ": "json yaml text table csv",
    "hsmiam --debug --output t": "text table",
    "hsmiam create-access-key --output=js": "json",
    "hsmiam create-access-key --import-route ": "auto rsa-oaep aes-kwp create-object",
    "hsmiam create-access-key --user-name list-access-keys --export": "--exportable",
    "hsmiam --region eu-west-1 audit show --ev": "--event",
    "hsmiam audit verify --check": "--checkpoint",
    "hsmiam approve 7 --ye": "--yes",
    "hsmiam update-access-key --status ": "Active Inactive",
    "hsmiam sign-request --method P": "POST PUT PATCH",
    "hsmiam audit policy --require rotate,de": "delete",
    "hsmiam recover --tok": "--token --token-code --token-timeout",
    "hsmiam --profile ": "default custody reader",
    "hsmiam import-access-key --csv acc": "accessKeys.csv",
    "hsmiam --user-name --quer": "",
}


def every_option() -> dict[str, str]:
    """All options of each command, and the global ones, but for those that are only refused."""
    tables = json.loads((DOCS / "tables.json").read_text())

    def names(options: list[dict[str, Any]]) -> list[str]:
        return [option["name"] for option in options if not option["refusal"]]

    cases = {}
    for command in tables["commands"]:
        path = f"hsmiam {command['name']}"
        leaves = {f"{path} {each['name']}": each for each in command.get("operations", [])}
        for call, leaf in (leaves or {path: command}).items():
            options = [*names(leaf["options"]), *names(tables["globals"]), "--help"]
            cases[f"{call} --"] = " ".join(options)
    return cases


CASES |= every_option()


class CompletionTest(unittest.TestCase):
    """Each shell, over the same lines."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.home = pathlib.Path(folder.name)
        (self.home / "accessKeys.csv").write_text("")
        (self.home / ".aws").mkdir()
        (self.home / ".aws/config").write_text(
            "[default]\nregion = x\n[profile custody]\nhsmiam_token = y\n[profile reader] \n"
            "[services z]\n"
        )
        self.environment = {
            "HOME": str(self.home), "PATH": "/usr/bin:/bin", "TERM": "dumb", "LC_ALL": "C.UTF-8",
        }  # fmt: skip

    def check(self, offered: dict[str, set[str]]) -> None:
        for line, words in CASES.items():
            # fish and bash may give the option with its value, and what is before it in a list.
            got = {re.split("[=,]", word)[-1] for word in offered[line]}
            with self.subTest(line=line):
                self.assertEqual(got, set(words.split()))

    def ask(self, *words: str, lines: Iterable[str] = CASES) -> dict[str, set[str]]:
        """A shell that answers each line with what it offers, one a line, and a dot."""
        done = subprocess.run(
            words, input="".join(f"{line}\n" for line in lines), env=self.environment,
            cwd=self.home, capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
        self.assertEqual(done.stderr, "")
        answers = re.split(r"(?m)^\.\n", done.stdout)
        return {line: set(answer.split()) for line, answer in zip(lines, answers)}

    def test_a_profile_is_no_command(self) -> None:
        """What somebody else's file calls its profiles is neither run nor offered to be."""
        config = self.home / ".aws/config"
        config.write_text("[profile $(touch${IFS}ran)]\n[profile `touch${IFS}ran`]\n")
        line = "hsmiam --profile "
        shells = {
            "bash": ("bash", "--norc", "-c", BASH, "bash", str(COMPLETIONS / "hsmiam")),
            "fish": ("fish", "--no-config", "-c", FISH, str(COMPLETIONS / "hsmiam.fish")),
        }
        for shell, words in shells.items():
            with self.subTest(shell=shell):
                offered = self.ask(*words, lines=[line])[line]
                self.assertEqual(len(offered), 2)
                self.assertFalse((self.home / "ran").exists())
                if shell == "bash":  # readline takes the words as they are
                    typed = "printf '%s\n' " + " ".join(offered)
                    said = subprocess.run(
                        ["bash", "-c", typed], cwd=self.home, capture_output=True, text=True,
                        check=True,
                    ).stdout  # fmt: skip
                    self.assertIn("$(touch${IFS}ran)\n", said)
                    self.assertFalse((self.home / "ran").exists())

    def test_bash(self) -> None:
        self.check(self.ask("bash", "--norc", "-c", BASH, "bash", str(COMPLETIONS / "hsmiam")))

    def test_fish(self) -> None:
        self.check(self.ask("fish", "--no-config", "-c", FISH, str(COMPLETIONS / "hsmiam.fish")))

    def test_zsh(self) -> None:
        shell, terminal = pty.fork()
        if shell == 0:
            os.chdir(self.home)
            os.execvpe("zsh", ["zsh", "-f", "-i"], self.environment)
        self.addCleanup(os.waitpid, shell, 0)
        self.addCleanup(os.close, terminal)

        # What is typed before the prompt is there, the terminal takes itself.
        def read(until: str) -> str:
            text = ""
            end = time.monotonic() + 60
            while not re.search(until, text, re.S) and time.monotonic() < end:
                if select.select([terminal], [], [], 1)[0]:
                    text += os.read(terminal, 65536).decode(errors="replace")
            self.assertRegex(text, re.compile(until, re.S))
            return text

        def write(text: str) -> None:
            os.write(terminal, text.encode())

        # Offers are printed rather than listed: compadd is what every way of completing ends in.
        (self.home / "setup").write_text(
            f"fpath=({COMPLETIONS} $fpath)\nautoload -U compinit\ncompinit -D -u\n"
            "compadd() {\n"
            "  local -a offered\n"
            '  [[ ${@[(r)-[OAD]]} == -[OAD] ]] && { builtin compadd "$@"; return }\n'
            '  builtin compadd -O offered "$@"\n'
            '  (( $#offered )) && print -r -- "<$offered>"\n'
            '  builtin compadd "$@"\n'
            "}\n"
            "zstyle ':completion:*' matcher-list ''\nunsetopt prompt_cr prompt_sp\n"
            "bindkey -e\nbindkey '^T' list-choices\nPS1='next> '\nprint rea''dy\n"
        )
        write(". ./setup\n")
        read("ready\r\n.*next> ")
        offered = {}
        for line in CASES:
            write(f"{line}\x14\x15print -r -- do''ne\n")
            answer = read("done\r\n.*next> ")
            offered[line] = {
                word for words in re.findall(r"<(.*?)>", answer, re.S) for word in words.split()
            }
        write("exit\n")
        self.check(offered)


if __name__ == "__main__":
    unittest.main()
