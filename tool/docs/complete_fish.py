"""Completion for fish."""

from __future__ import annotations

from typing import Any

TEMPLATE = r"""# fish completion for hsmiam, made from its tables of options

# The command on the line, and its operation: the words that are neither options nor their values.
function __hsmiam_path
    set -l valued @VALUED@
    set -l path
    set -l skip no
    for word in (commandline -opc)[2..-1]
        if test $skip = yes
            set skip no
        else if contains -- $word $valued
            set skip yes
        else if not string match -qr -- '^(-.*|help)$' $word
            set -a path $word
        end
    end
    echo "$path"
end

function __hsmiam_at
    test "$(__hsmiam_path)" = "$argv"
end

function __hsmiam_within
    string match -q -- "$argv *" "$(__hsmiam_path) "
end

function __hsmiam_profiles
    set -l file $AWS_CONFIG_FILE
    test -n "$file"; or set file ~/.aws/config
    @PROFILES@ $file 2>/dev/null
end

complete -c hsmiam -f
"""


def _quote(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _option(option: Any, condition: str) -> str:
    line = f"complete -c hsmiam{condition} -l {option.name[2:]}"
    line += {
        "flag": "",
        "words": f" -x -a {_quote(' '.join(option.words))}",
        "list": f" -x -a '(__fish_append , {' '.join(option.words)})'",
        "files": " -r -F",
        "document": " -x -a file://",
        "profile": " -x -a '(__hsmiam_profiles)'",
        "nothing": " -x",
    }[option.what]
    return f"{line} -d {_quote(option.about)}"


def _word(name: str, about: str, condition: str) -> str:
    return f"complete -c hsmiam -n {_quote(condition)} -a {name} -d {_quote(about)}"


def make(commands: list[Any], global_options: Any, known: dict[str, Any], profiles: str) -> str:
    valued = [name for name, option in known.items() if option.what != "flag"]
    text = TEMPLATE.replace("@VALUED@", " \\\n        ".join(valued))
    lines = [text.replace("@PROFILES@", profiles)]
    lines += [_option(option, "") for option in global_options]
    lines.append(_word("help", "Show help", "__hsmiam_at"))
    for command in commands:
        lines.append(_word(command.path[0], command.about, "__hsmiam_at"))
        for operation in command.operations:
            at = f"__hsmiam_at {command.path[0]}"
            lines.append(_word(operation.path[-1], operation.about, at))
        for leaf in command.operations or [command]:
            condition = f" -n {_quote('__hsmiam_within ' + ' '.join(leaf.path))}"
            lines += [_option(option, condition) for option in leaf.options]
    return "\n".join(lines) + "\n"
