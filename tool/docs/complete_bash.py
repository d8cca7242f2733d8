"""Completion for bash, over the functions of the package bash-completion."""

from __future__ import annotations

from typing import Any

TEMPLATE = r"""# bash completion for hsmiam, made from its tables of options   -*- shell-script -*-

_hsmiam_profiles()
{
    @PROFILES@ \
        "${AWS_CONFIG_FILE:-$HOME/.aws/config}" 2>/dev/null
}

# Profiles are offered as they would have to be typed, and without compgen -W, which expands its
# words: what a file calls a profile must not be run.
_hsmiam_offer_profiles()
{
    local profile
    COMPREPLY=()
    while IFS= read -r profile; do
        if [[ -n $profile && $profile == "$cur"* ]]; then
            printf -v profile %q "$profile"
            COMPREPLY+=("$profile")
        fi
    done <<<"$(_hsmiam_profiles)"
}

# What stands behind option $1.
_hsmiam_value()
{
    case $1 in
@VALUES@
        *)
            return 1
            ;;
    esac
}

# The options of the command $1.
_hsmiam_options()
{
    case $1 in
@OPTIONS@
    esac
}

_hsmiam()
{
    local cur prev words cword split
    _init_completion -s || return

    local path="" word i
    for ((i = 1; i < cword; i++)); do
        word=${words[i]}
        case $word in
@VALUED@)
                ((i++))
                ;;
            -* | help) ;;
            *)
                path+=${path:+ }$word
                ;;
        esac
    done

    if [[ $prev == --* ]] && _hsmiam_value "$prev"; then
        return
    fi
    $split && return

    if [[ $cur == -* ]]; then
        COMPREPLY=($(compgen -W "$(_hsmiam_options "$path") @GLOBALS@" -- "$cur"))
        return
    fi
    case $path in
        "")
            COMPREPLY=($(compgen -W "@COMMANDS@ help" -- "$cur"))
            ;;
@GROUPS@
    esac
} &&
    complete -F _hsmiam hsmiam
"""


def _value(option: Any) -> str:
    if option.what == "words":
        return f'COMPREPLY=($(compgen -W "{" ".join(option.words)}" -- "$cur"))'
    if option.what == "list":
        return (
            "compopt -o nospace\n"
            '            COMPREPLY=($(compgen -P "${cur%"${cur##*,}"}" '
            f'-W "{" ".join(option.words)}" -- "${{cur##*,}}"))'
        )
    if option.what == "files":
        return "_filedir"
    if option.what == "profile":
        return "_hsmiam_offer_profiles"
    if option.what == "document":
        # Readline has parted file://PATH at its colon.
        return (
            "compopt -o nospace\n"
            '            COMPREPLY=($(compgen -P file:// -f -- "${cur#file://}"))\n'
            '            __ltrim_colon_completions "$cur"'
        )
    return ":"


def _cases(known: dict[str, Any]) -> str:
    by_value: dict[str, list[str]] = {}
    for name, option in known.items():
        if option.what != "flag":
            by_value.setdefault(_value(option), []).append(name)
    return "\n".join(
        f"        {' | '.join(names)})\n            {value}\n            ;;"
        for value, names in by_value.items()
    )


def make(commands: list[Any], global_options: Any, known: dict[str, Any], profiles: str) -> str:
    leaves = [leaf for command in commands for leaf in (command.operations or [command])]
    options = "\n".join(
        f'        "{" ".join(leaf.path)}"{"*" if leaf.word else ""})\n'
        f'            printf "%s\\n" {" ".join(option.name for option in leaf.options)}\n'
        "            ;;"
        for leaf in leaves
        if leaf.options
    )
    groups = "\n".join(
        f"        {command.path[0]})\n"
        '            COMPREPLY=($(compgen -W "'
        f'{" ".join(operation.path[-1] for operation in command.operations)} help" -- "$cur"))\n'
        "            ;;"
        for command in commands
        if command.operations
    )
    valued = [name for name, option in known.items() if option.what != "flag"]
    replaced = {
        "PROFILES": profiles,
        "VALUES": _cases(known),
        "OPTIONS": options,
        "VALUED": "            " + " | \\\n                ".join(valued),
        "GLOBALS": " ".join(option.name for option in global_options),
        "COMMANDS": " ".join(command.path[0] for command in commands),
        "GROUPS": groups,
    }
    text = TEMPLATE
    for name, value in replaced.items():
        text = text.replace(f"@{name}@", value)
    return text
