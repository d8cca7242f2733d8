"""Text of the tables and of tool/man/*.txt, written as man(7).

The text is what the tool's help prints: paragraphs parted by empty lines, code indented by four
spaces or between backquotes. The files under tool/man have besides

    # HEADING
    term
    :   what it is, on one line or, indented alike, on several
"""

from __future__ import annotations

import re

# What is set in bold: code, options, pages of the manual.
_MARKED = re.compile(r"`([^`]+)`|(?<![\w-])(--[a-z][a-z-]*[a-z])|\b([\w.+-]+)\((\d)\)(?!\w)")
_ESCAPES = {
    "\\": r"\e", "'": r"\(aq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti", '"': r"\(dq",
}  # fmt: skip


def escape(text: str, is_code: bool = False) -> str:
    """Escapes text; of code each character is kept as it is typed."""
    marks = dict(_ESCAPES, **{"-": r"\-"}) if is_code else {"\\": r"\e", "~": r"\(ti"}
    escaped = "".join(marks.get(character, character) for character in text)
    return r"\&" + escaped if escaped[:1] in (".", "'") else escaped


def _is_name(word: str) -> bool:
    """Whether a word of prose is one for machines, in which a dash is no hyphen."""
    return bool(re.search(r"[:/=_A-Z0-9]", word))


def _prose(text: str) -> str:
    """Prose; an address may be broken behind its slashes."""
    out = []
    for word in re.split(r"(\s+)", text):
        escaped = escape(word, is_code="-" in word and _is_name(word[:-1]))
        out.append(re.sub(r"(?<=[^/:])/(?!/)", r"/\\:", escaped) if "://" in word else escaped)
    return "".join(out)


def inline(text: str) -> str:
    """One paragraph: bold where something is to be typed."""
    out = []
    end = 0
    for match in _MARKED.finditer(text):
        code, option, page, section = match.groups()
        out.append(_prose(text[end : match.start()]))
        typed = escape(code or option or page, is_code=True).removeprefix(r"\&")
        # At the start of a word only: elsewhere it says that the word may be broken there.
        unbroken = r"\%" if text[: match.start()][-1:].strip() == "" and " " not in typed else ""
        out.append(rf"\fB{unbroken}{typed}\fP")
        out.append(f"({section})" if page else "")
        end = match.end()
    out.append(_prose(text[end:]))
    return _fill("".join(out))


def _fill(text: str) -> str:
    """Lines of source that are not too long, and end where a sentence does, by which roff knows
    it; none begins as a request does."""
    lines = [""]
    for word in text.split():
        ended = lines[-1].endswith((".", "?")) and not lines[-1].endswith("...")
        if ended or len(lines[-1]) + len(word) > 78:
            lines.append("")
        lines[-1] += (" " if lines[-1] else "") + word
    lines = [line + r"\&" if line.endswith("...") else line for line in lines if line]
    return "\n".join(r"\&" + line if line[0] in ".'" else line for line in lines)


def code(lines: list[str]) -> str:
    body = "\n".join(escape(line[4:], is_code=True) for line in lines)
    return f".RS 4\n.EX\n{body}\n.EE\n.RE"


def entry(term: str, text: str) -> str:
    """A term that is roff already, and what it is."""
    return f".TP\n{term}\n{text}"


def paragraphs(text: str, follows: bool = False) -> str:
    """Paragraphs, code and terms. `follows`: text of the same section stands before it."""
    out: list[str] = []
    for block in re.split(r"\n\s*\n", text.strip("\n")):
        lines = block.split("\n")
        if lines[0].startswith("    "):
            out.append((".PP\n" if out or follows else "") + code(lines))
        elif len(lines) > 1 and lines[1].startswith(":   "):
            for item in re.split(r"\n(?=[^\s:])", block):
                term, _, meaning = item.partition("\n:   ")
                out.append(entry(inline(term).replace("\n", " "), inline(meaning)))
        else:
            out.append((".PP\n" if out or follows else "") + inline(block))
    return "\n".join(out)


def sections(text: str) -> dict[str, str]:
    """The sections of a file under tool/man, by heading."""
    found: dict[str, str] = {}
    for part in re.split(r"(?m)^# ", text)[1:]:
        heading, _, body = part.partition("\n")
        found[heading.strip()] = body.strip("\n")
    return found


def page(name: str, section: int, date: str, source: str, parts: list[tuple[str, str]]) -> str:
    title = escape(name.upper(), is_code=True)
    head = f'.TH "{title}" {section} {date} "{source}" "hsmiam"\n'
    comment = ".\\\" Made from hsmiam's tables and comments; changes here are lost.\n"
    body = "".join(f'.SH "{heading}"\n{text}\n' for heading, text in parts if text)
    return comment + head + body
