"""Completion for zsh."""

from __future__ import annotations

import re
from typing import Any

TEMPLATE = r"""#compdef hsmiam
# Made from hsmiam's tables of options.

_hsmiam_profiles() {
  local -a profiles
  profiles=(${(f)"$(@PROFILES@ \
    ${AWS_CONFIG_FILE:-$HOME/.aws/config} 2>/dev/null)"})
  _wanted profiles expl profile compadd -a profiles
}

_hsmiam_document() {
  if compset -P 'file://'; then
    _files
  else
    compadd -S '' file://
  fi
}

_hsmiam_commands() {
  local -a commands
  commands=(
@COMMANDS@
  )
  _describe -t commands command commands
}

@GROUPS@
_hsmiam() {
  local curcontext=$curcontext state line expl ret=1
  local -a global_options
  global_options=(
@GLOBALS@
  )
  _arguments -C $global_options '1: :_hsmiam_commands' '*:: :->parameters' && return
  [[ $state == parameters ]] || return ret
  curcontext=${curcontext%:*:*}:hsmiam-$words[1]:
  case $words[1] in
@CASES@
    help)
      _arguments '1: :_hsmiam_commands' && ret=0
      ;;
  esac
  return ret
}

_hsmiam "$@"
"""


def _quote(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _about(text: str) -> str:
    return re.sub(r"([\[\]:\\])", r"\\\1", text)


def _spec(option: Any) -> str:
    head = "*" if option.repeats else ""
    if option.what == "flag":
        return _quote(f"{option.name}[{_about(option.about)}]")
    action = {
        "words": f"({' '.join(option.words)})",
        "list": f"_values -s , {option.value.lower()} {' '.join(option.words)}",
        "files": "_files",
        "document": "_hsmiam_document",
        "profile": "_hsmiam_profiles",
        "nothing": " ",
    }[option.what]
    return _quote(f"{head}{option.name}=[{_about(option.about)}]:{option.value}:{action}")


def _specs(options: Any, indent: str) -> str:
    return "\n".join(indent + _spec(option) for option in options)


def _entries(commands: Any) -> str:
    named = [(command.path[-1], command.about) for command in commands]
    named.append(("help", "Show help"))
    return "\n".join("    " + _quote(f"{name}:{_about(about)}") for name, about in named)


def _case(command: Any, pattern: str, indent: str) -> str:
    word = f"'1:{command.word}: '" if command.word else "'1: :(help)'"
    options = _specs(command.options, indent + "    ")
    body = f"{indent}  _arguments $global_options {word}"
    if options:
        body += " \\\n" + options.replace("\n", " \\\n")
    return f"{indent}{pattern})\n{body} && ret=0\n{indent}  ;;"


def _group(command: Any) -> str:
    name = f"_hsmiam_{command.path[0]}"
    cases = "\n".join(_case(each, each.path[-1], "    ") for each in command.operations)
    return (
        f"{name}_operations() {{\n  local -a commands\n  commands=(\n{_entries(command.operations)}\n"
        "  )\n  _describe -t commands operation commands\n}\n\n"
        f"{name}() {{\n"
        f"  _arguments -C $global_options '1: :{name}_operations' '*:: :->parameters' && return\n"
        "  [[ $state == parameters ]] || return 1\n"
        f"  case $words[1] in\n{cases}\n    help)\n      _arguments '1: :{name}_operations' && ret=0\n"
        "      ;;\n  esac\n  return ret\n}\n\n"
    )


def make(commands: list[Any], global_options: Any, profiles: str) -> str:
    cases = [
        f"    {command.path[0]})\n      _hsmiam_{command.path[0]} && ret=0\n      ;;"
        if command.operations
        else _case(command, command.path[0], "    ")
        for command in commands
    ]
    replaced = {
        "PROFILES": profiles,
        "COMMANDS": _entries(commands),
        "GROUPS": "".join(_group(command) for command in commands if command.operations),
        "GLOBALS": _specs(global_options, "    "),
        "CASES": "\n".join(cases),
    }
    text = TEMPLATE
    for name, value in replaced.items():
        text = text.replace(f"@{name}@", value)
    return text
