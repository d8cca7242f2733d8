#!/usr/bin/env python3
"""Makes the pages of section 3 from the headers' own comments: header_pages.py INCLUDE DATE VERSION
OUTPUT

hsmiam.h(3) has the conventions; hsmiam_TOPIC(3) what include/hsmiam/TOPIC.h has. Each function is
a link to its topic's page, so that `man hsmiam_token_new` works.
"""

from __future__ import annotations

import pathlib
import re
import sys
import textwrap

import roff

COMMENT = re.compile(r"/\*(\*?)(?!<)(.*?)\*/", re.S)
FUNCTION = re.compile(r"\b(hsmiam_\w+)\(")
SYNOPSIS = "#include <hsmiam.h>\n\ncc ... $(pkg-config --cflags --libs hsmiam)"
WORDS = re.compile(r"\b(hsmiam_\w+(?:\(\))?|HSMIAM_[A-Z_0-9]+|CK[A-Z]_\w+)")


def text_of(comment: str) -> str:
    """A comment without its stars."""
    lines = [re.sub(r"^\s*\*? ?", "", line, count=1) for line in comment.split("\n")]
    lines[0] = lines[0].strip()
    return "\n".join(lines).strip("\n")


def indent_of(line: str) -> int:
    """Some comments stand one column further in than others."""
    return max(len(line) - len(line.lstrip()), 1) - 1


def prose(text: str) -> str:
    """A comment's text. `name   what it is` lists parameters and values, a dash begins an item;
    what is indented otherwise stands by itself."""
    text = WORDS.sub(r"`\1`", text.replace("`", ""))
    blocks: list[str] = []
    entry = None  # the indentation of the entry that the last block is
    before = 0
    for line in text.split("\n"):
        indent = indent_of(line)
        parameter = re.match(r"\s*([\w`]+(?:, \w+)*)\s{2,}(\S.*)$", line) or re.match(
            r"\s*(\S.*?\S)\s{3,}(\S.*)$", line
        )
        item = re.match(r"\s*- (.*)$", line)
        parts = indent <= entry if entry is not None else bool(indent) != bool(before)
        if parameter or item or not blocks or not line.strip() or parts:
            blocks.append("")
            entry = indent if parameter or item else None
        if parameter:
            blocks[-1] = f"{parameter[1]}\n:   {parameter[2]}"
        elif item:
            blocks[-1] = f"*\n:   {item[1]}"
        elif blocks[-1]:
            blocks[-1] += ("\n    " if entry is not None else " ") + line.strip()
        else:
            blocks[-1] = line.strip()
        before = indent
    return roff.paragraphs("\n\n".join(block for block in blocks if block.strip()))


def code(text: str) -> str:
    if text.lstrip().startswith("HSMIAM_API "):
        text = re.sub(r"(?m)^ {11}", "", text)
    text = re.sub(r"\bHSMIAM_API\s+|\s*HSMIAM_MUST_USE\b|\s*__attribute__\(\(.*?\)\)", "", text)
    return roff.code(["    " + line for line in textwrap.dedent(text).strip("\n").split("\n")])


def declaration_end(source: str) -> int:
    """Where the declaration that the source begins with ends."""
    if source.lstrip().startswith("#define"):
        match = re.search(r"[^\\]\n", source.lstrip("\n"))
        return match.end() + len(source) - len(source.lstrip("\n")) if match else len(source)
    depth = 0
    position = 0
    while position < len(source):
        if source.startswith("/*", position):
            position = source.index("*/", position) + 2
            continue
        depth += {"{": 1, "}": -1}.get(source[position], 0)
        if source[position] == ";" and depth == 0:
            return position + 1
        position += 1
    return len(source)


def declarations(source: str) -> list[tuple[str, str]]:
    """Each documented declaration: its comment, and all that it stands over up to an empty line."""
    found = []
    position = 0
    while match := COMMENT.search(source, position):
        position = match.end()
        if not match[1]:
            continue
        length = 0
        while source[position + length :].strip() and (
            length == 0 or not re.match(r"\s*\n\s*\n|\s*\n\s*[/#]", source[position + length :])
        ):
            length += declaration_end(source[position + length :])
        found.append((text_of(match[2]), source[position : position + length].strip("\n")))
        position += length
    return found


def functions(source: str) -> list[str]:
    bare = re.sub(r"/\*.*?\*/", "", source, flags=re.S)
    return re.findall(r"\bHSMIAM_API\b[^;]*?\b(hsmiam_\w+)\(", bare)


def topic_page(topic: str, source: str, summary: str) -> list[tuple[str, str]]:
    names = [f"hsmiam_{topic}", *functions(source)]
    body = []
    for comment, declared in declarations(source):
        body.append(f"{code(declared)}\n.PP\n{prose(comment)}")
    listed = ",\n".join(dict.fromkeys(names))
    return [
        ("NAME", rf"{listed} \- {roff.escape(summary)}"),
        ("SYNOPSIS", code(SYNOPSIS if names[1:] else f"#include <hsmiam/{topic}.h>")),
        ("DESCRIPTION", "\n.PP\n".join(body)),
        ("SEE ALSO", "\\fBhsmiam.h\\fP(3),\n\\fBhsmiam\\-pkcs11\\fP(8)"),
    ]


def overview(source: str, topics: dict[str, str]) -> list[tuple[str, str]]:
    comments = [text_of(match[2]) for match in COMMENT.finditer(source)]
    title, _, rest = comments[1].partition("\n")
    head, *parts = re.split(r"\n\n(?=[A-Z][\w ]+\n  - )", rest.strip("\n"))
    pages = "\n".join(
        roff.entry(rf"\fBhsmiam_{topic}\fP(3)", roff.escape(summary))
        for topic, summary in topics.items()
    )
    return [
        ("NAME", rf"hsmiam.h \- {roff.escape(title.partition(': ')[2].rstrip('.'))}"),
        ("SYNOPSIS", code(SYNOPSIS)),
        ("DESCRIPTION", prose(head)),
        ("TOPICS", pages),
        *((part.partition("\n")[0].upper(), prose(part.partition("\n")[2])) for part in parts),
        ("SEE ALSO", r"\fBhsmiam\fP(1)"),
    ]  # fmt: skip


def main() -> None:
    include, date, version = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    output = pathlib.Path(sys.argv[4])
    output.mkdir(parents=True, exist_ok=True)
    for old in output.iterdir():
        old.unlink()
    main_header = (include / "hsmiam.h").read_text()
    topics = {}
    pages = {}
    # The PKCS#11 module has a header of its own, for programs that do not include hsmiam.h.
    for topic in [*re.findall(r"#include <hsmiam/(\w+)\.h>", main_header), "pkcs11"]:
        source = (include / "hsmiam" / f"{topic}.h").read_text()
        summary = text_of(COMMENT.findall(source)[1][1]).partition(" Part of hsmiam.h")[0]
        topics[topic] = " ".join(summary.split()).partition(". ")[0].rstrip(".")
        pages[f"hsmiam_{topic}"] = topic_page(topic, source, topics[topic])
        for name in functions(source):
            (output / f"{name}.3").symlink_to(f"hsmiam_{topic}.3")
    pages["hsmiam.h"] = overview(main_header, topics)
    for name, parts in pages.items():
        text = roff.page(name, 3, date, f"libhsmiam {version}", parts)
        (output / f"{name}.3").write_text(text)


if __name__ == "__main__":
    main()
