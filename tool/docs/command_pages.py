#!/usr/bin/env python3
"""Makes hsmiam(1), a page for each command, and that of the PKCS#11 module:
command_pages.py TABLES TEXTS DATE OUTPUT

TABLES is what the program `tables` prints, TEXTS the folder tool/man. Names, synopses, descriptions
and options are those of the tables; TEXTS has what stands behind: hsmiam.txt that of all commands,
COMMAND.txt that of one, and hsmiam-pkcs11.txt all of the module's.
"""

from __future__ import annotations

import json
import pathlib
import sys
from typing import Any

import roff

Option = dict[str, Any]
Command = dict[str, Any]

# The order of sections. What a page does not have is left out.
BEHIND = ["EXIT STATUS", "ENVIRONMENT", "FILES", "NOTES", "EXAMPLES", "SEE ALSO"]


def value_of(option: Option) -> str:
    """What stands behind the option's name, as roff; "" for a flag."""
    if option["kind"] == "flag":
        return ""
    if not option["choices"] and not option["value"]:
        raise SystemExit(f"{option['name']} says neither its choices nor what its value is.")
    name = "WORD" if option["choices"] else option["value"]
    shown = rf" \fI{name}\fP"
    return f" [{shown.strip()}]" if option["kind"] == "optional" else shown


def option_of(option: Option) -> str:
    return rf"\fB{roff.escape(option['name'], is_code=True)}\fP{value_of(option)}"


def options_text(options: list[Option]) -> str:
    out = []
    for option in options:
        text = roff.inline(option["help"])
        if option["choices"]:
            words = ", ".join(rf"\fB{roff.escape(word, True)}\fP" for word in option["choices"])
            text += f"\nOne of: {words}."
        out.append(roff.entry(option_of(option), text))
    return "\n".join(out)


def synopsis(command: Command, group: str = "") -> str:
    words = " ".join(word for word in (group, command["name"]) if word)
    out = [rf"\fBhsmiam {roff.escape(words, is_code=True)}\fP"]
    if command["word"]:
        out.append(rf"\fI{command['word'].upper()}\fP")
    shown: list[list[Option]] = []
    for option in command["options"]:
        if shown and option["group"] and option["group"] == shown[-1][0]["group"]:
            shown[-1].append(option)
        else:
            shown.append([option])
    for options in shown:
        more = r" ...\&" if options[0]["kind"] == "repeated" else ""
        out.append("[" + " | ".join(option_of(option) for option in options) + "]" + more)
    out.append(r"[\fIglobal options\fP]")
    return ".HP 4\n.ad l\n" + "\n".join(out) + "\n.br\n.ad"


def see_also(own: str, texts: dict[str, str]) -> str:
    pages = [page.strip() for page in texts.get("SEE ALSO", "").replace("\n", " ").split(",")]
    if own not in ("hsmiam", "hsmiam-pkcs11"):
        pages.insert(0, "hsmiam(1)")
    return ",\n".join(roff.inline(page) for page in pages if page)


def operations(group: Command) -> str:
    """The operations of a group, each with its options."""
    out = []
    for command in group.get("operations", []):
        out.append(f".SS {roff.escape(command['name'], is_code=True)}")
        out.append(roff.inline(command["summary"]))
        out.append(".PP\n" + roff.paragraphs(command["description"]))
        out.append(options_text(command["options"]))
    return "\n".join(part for part in out if part)


def entries(text: str) -> dict[str, str]:
    return {block.partition("\n")[0]: block for block in text.split("\n\n") if block}


def exit_status(own: str, common: str) -> str:
    """What a command says of an exit code goes before what is common to all."""
    merged = {**entries(common), **entries(own)}
    return "\n\n".join(merged[code] for code in sorted(merged, key=int))


def behind(name: str, texts: dict[str, str], common: dict[str, str]) -> list[tuple[str, str]]:
    texts = dict(texts)
    if common:
        texts["EXIT STATUS"] = exit_status(texts.get("EXIT STATUS", ""), common["EXIT STATUS"])
    return [
        (heading, see_also(name, texts) if heading == "SEE ALSO" else roff.paragraphs(texts[heading]))
        for heading in BEHIND
        if heading in texts
    ]


def command_page(command: Command, texts: dict[str, str], common: dict[str, str]) -> list[Any]:
    described = roff.paragraphs(command["description"])
    if "DESCRIPTION" in texts:
        described += "\n" + roff.paragraphs(texts["DESCRIPTION"], follows=True)
    members = command.get("operations", [])
    synopses = [synopsis(member, command["name"]) for member in members] or [synopsis(command)]
    options = options_text(command["options"])
    known = roff.inline(
        "The global options, such as --credential, --token, --ledger, --profile and --output, are "
        "those of hsmiam(1)."
    )
    name = f"hsmiam-{command['name']}"
    summary = command["summary"].rstrip(".")
    summary = summary[0].lower() + summary[1:]
    return [
        ("NAME", rf"{roff.escape(name, True)} \- {roff.escape(summary)}"),
        ("SYNOPSIS", "\n".join(synopses)),
        ("DESCRIPTION", described),
        ("OPERATIONS", operations(command)),
        ("OPTIONS", f"{options}\n.PP\n{known}" if options else known),
        *behind(name, texts, common),
    ]


def tool_page(tables: dict[str, Any], texts: dict[str, str]) -> list[Any]:
    commands = "\n".join(
        roff.entry(
            rf"\fBhsmiam\-{roff.escape(command['name'], True)}\fP(1)",
            roff.inline(command["summary"]),
        )
        for command in tables["commands"]
    )
    return [
        ("NAME", r"hsmiam \- AWS access keys that are born inside an HSM"),
        ("SYNOPSIS", "\\fBhsmiam\\fP\n[\\fIglobal options\\fP] \\fIcommand\\fP [\\fIparameters\\fP]"
         "\n.PP\n\\fBhsmiam\\fP [\\fIcommand\\fP] \\fBhelp\\fP"),
        ("DESCRIPTION", roff.paragraphs(texts["DESCRIPTION"])),
        ("COMMANDS", commands),
        ("GLOBAL OPTIONS", roff.paragraphs(texts["GLOBAL OPTIONS"]) + "\n"
         + options_text(tables["globals"])),
        *behind("hsmiam", texts, texts),
    ]  # fmt: skip


def module_page(texts: dict[str, str]) -> list[Any]:
    name, _, summary = texts["NAME"].partition(" - ")
    return [
        ("NAME", rf"{roff.escape(name, True)} \- {roff.escape(summary)}"),
        *((heading, roff.paragraphs(texts[heading])) for heading in ("DESCRIPTION", "CONFIGURATION")),
        *behind("hsmiam-pkcs11", texts, {}),
    ]


def main() -> None:
    tables = json.loads(pathlib.Path(sys.argv[1]).read_text())
    folder, date, output = pathlib.Path(sys.argv[2]), sys.argv[3], pathlib.Path(sys.argv[4])
    source = f"hsmiam {tables['version']}"
    common = roff.sections((folder / "hsmiam.txt").read_text())
    pages = {("hsmiam", 1): tool_page(tables, common)}
    for command in tables["commands"]:
        texts = roff.sections((folder / f"{command['name']}.txt").read_text())
        pages[f"hsmiam-{command['name']}", 1] = command_page(command, texts, common)
    texts = roff.sections((folder / "hsmiam-pkcs11.txt").read_text())
    pages["hsmiam-pkcs11", 8] = module_page(texts)
    for old in output.glob("man[18]/*"):
        old.unlink()
    for (name, section), parts in pages.items():
        file = output / f"man{section}" / f"{name}.{section}"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(roff.page(name, section, date, source, parts))


if __name__ == "__main__":
    main()
