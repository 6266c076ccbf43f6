"""How bash, zsh and fish come to ask for completions: a script for each, printed or installed."""

import os
from collections.abc import Mapping
from pathlib import Path

from archprof.cli.output import say, write_stdout
from archprof.errors import suggest, usage_error
from archprof.named_tuple import NamedTuple

# The line up to the cursor comes as it stands, since bash splits words at `@` and `=`, as no other shell does.
BASH = """\
_archprof() {
    local word
    COMPREPLY=()
    while IFS= read -r word; do COMPREPLY+=("$word"); done < <(_ARCHPROF_COMPLETE=bash \\
        _ARCHPROF_LINE="${COMP_LINE:0:COMP_POINT}" _ARCHPROF_BREAKS="$COMP_WORDBREAKS" "$1" 2>/dev/null)
    [[ ${COMPREPLY[0]-} == *[@.=[] ]] && compopt -o nospace 2>/dev/null
    return 0
}
complete -o default -F _archprof archprof
"""
ZSH = """\
#compdef archprof
_archprof() {
    local -a lines open closed
    local line value
    lines=(${(f)"$(_ARCHPROF_COMPLETE=zsh _ARCHPROF_LINE="${(j: :)words[1,CURRENT-1]} $PREFIX" archprof 2>/dev/null)"})
    for line in $lines; do
        value=${line%%$'\\t'*}
        if [[ $value == *[@.=[] ]]; then
            open+=("$value")
        else
            closed+=("${value//:/\\\\:}:${line#*$'\\t'}")
        fi
    done
    (( $#open )) && compadd -U -S '' -a open
    (( $#closed )) && _describe -V unsorted closed -U
    (( $#lines )) || _files
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _archprof "$@"
else
    compdef _archprof archprof
fi
"""
FISH = """\
function __archprof_complete
    set -l found (_ARCHPROF_COMPLETE=fish _ARCHPROF_LINE=(commandline -cp | string collect) archprof 2>/dev/null)
    if test (count $found) -gt 0
        printf '%s\\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end
complete --command archprof --no-files --arguments '(__archprof_complete)'
"""


class Shell(NamedTuple):
    """A shell: its script, where that goes in the home folder, and the line of a file there that loads it."""

    script: str
    file: str
    startup: str = ""
    line: str = ""


SHELLS: Mapping[str, Shell] = {
    "bash": Shell(BASH, ".bash_completions/archprof.sh", ".bashrc", "source ~/.bash_completions/archprof.sh"),
    "zsh": Shell(ZSH, ".zfunc/_archprof", ".zshrc", "fpath+=~/.zfunc; autoload -Uz compinit; compinit"),
    "fish": Shell(FISH, ".config/fish/completions/archprof.fish"),
}


def show() -> None:
    """Print the script of the shell that $SHELL names. Raises UsageError for another one."""
    write_stdout(SHELLS[_shell()].script)


def install() -> None:
    """Write the script of the shell that $SHELL names where it is found, and say so. Raises UsageError where that
    cannot be."""
    shell = SHELLS[_shell()]
    file, startup = Path.home() / shell.file, Path.home() / shell.startup
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(shell.script, encoding="utf-8")
        written = startup.read_text(encoding="utf-8") if startup.is_file() else ""
        if shell.line not in written:
            with startup.open("a", encoding="utf-8") as lines:
                lines.write(f"\n{shell.line}\n")
    except OSError as error:
        raise usage_error(f"cannot write `{error.filename}`: {(error.strerror or str(error)).lower()}") from None
    say(f"completion is in {file}; it works in the next shell")


def _shell() -> str:
    """Return the name of the shell that $SHELL is a path of. Raises UsageError where it is none of ours."""
    name = Path(os.environ.get("SHELL", "")).name
    if name not in SHELLS:
        message = f"no completion for the shell `{name}`" if name else "$SHELL names no shell"
        raise usage_error(message, help=f"{suggest(name, SHELLS, 'shells')}; `SHELL=zsh archprof --show-completion`")
    return name
