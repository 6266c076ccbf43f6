"""The pages that are read off the code: blocks, operators and commands; and that of what benchmarks have found."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from archprof.cli import COMMANDS
from archprof.costs.convention import Convention
from archprof.costs.price import Price
from archprof.costs.tools import CONVENTIONS
from archprof.ir.columns import Column
from archprof.ir.operators import CAPTURED, TABLE, Listed, all_operators, captured_operators
from archprof.ir.operators.base import Operator
from archprof.language.block import CHANNEL_OPTIONS, COMMON, Block
from archprof.language.registry import block_names, find_block
from tests.docs import coverage, memory, memory_tools
from tests.docs.console import execute, plain_terminal
from tests.docs.markdown import ROOT

NOTICE = "<!-- Read off the code. `python -m tests.docs.rewrite` writes this page anew. -->\n\n"

BLOCKS = f"""{NOTICE}# Blocks

What each block is, and the columns that its table may have. How a table is written, how a cell is read and what
`defaults` do is told in [the spec language](spec.md). The first column also takes the value of the short form, as in `-
linear: classes`. Every [operator](operators.md) can stand as a layer too. Drawings are those of `archprof draw BLOCK`,
with cells as a well-known network has them; [with others](../how-to/draw.md) it draws them too.

## Columns of every block

{{common}}
These two stand beside channel counts, and hold for the counts of their layer or row:

{{channels}}
{{blocks}}"""

OPERATORS_PAGE = f"""{NOTICE}# Operators

What every network is made of in the end: a row of `archprof summary --full` each, and a module of the network that
`archprof.build` returns. Every one can stand as a layer but {{of_blocks}}, which blocks apply; norms and activations
can also stand in a cell. In the formulas *M* and *N* are input and output channels (or features), *K* is the kernel's
side, *F* the output's, *g* the number of groups. Parameters are given with all that can be asked for: the bias (the
`+ N` of a convolution), the affine of a norm, the learned β of swish. Why products with weights and of matrices alone
have MACs is told in [what is counted](../explanation/counting.md).

{{operators}}
## Of captured modules

[Modules of one's own](../how-to/your-own-model.md) have these too, which specs do not name. *L*, *S* and *T* are
positions, *E* and *V* the features of keys and values, *h* heads, *H* the features of a state, *P* those of a second
input, *R* the rows of a table; of a transposed convolution *F* is the input's side. What has no form here either stands
in a table as torch calls it, with what it was found to hold and to cost.

{{captured}}
## Options

{{options}}"""

CLI = f"""{NOTICE}# Commands

Wherever a command takes a model, it takes a name or an alias of the catalog, a path (a name that ends with
`.yaml`, `.yml`, `.onnx`, `.pt2` or `.lock.json`, or holds a `/`), `git:REV:path` for a file at a revision, or `-` for
standard input, each with settings behind it if wanted: `mobilenet_v2@width=0.75,resolution=192`. Those that say so also
take [code that makes a torch module](../how-to/your-own-model.md#what-can-be-named), `torchvision:resnet50` or
`net.py:Net`. Case and separators of a name are looked over: `MobileNetV2`,
`mobilenet-v2`. A pattern (`'resnet*'`, `'specs/**/*.yaml'`) means every network that it matches; a command that takes
one network takes a pattern that matches one. A path names a file, or a stream that the shell opened (`/dev/stdin`,
`<(command)`); what comes as `-` is known as an ONNX file, or as a program of torch.export, by how it begins. Named
pipes and devices are refused, and in a spec or a configuration streams are too.

The result goes to standard output, or with `-o` to a file, which is written whole or not at all; its suffix (`.json`,
`.csv`, `.md`, `.txt`) gives the format unless `--format` does. Messages go to standard error. `NO_COLOR` and `COLUMNS`
are honoured; into a pipe goes no colour, and no line is cut. A reader that leaves early does not change the exit
code.

Names, titles, settings and whatever else comes from files or from the command line may hold anything, and nothing in
them is obeyed. In messages and in every format, control characters, those that turn the direction of writing, those
that nobody sees and the fifth and further marks on a letter are written as escapes (`\\x1b`, `\\u202e`; in JSON
`\\u001b`, which its readers take back), as is the second sign of `##`, behind which CI's runners look for commands.
Where a line would begin with `::`, a command to GitHub's, it begins with `\\x3a:`; only `--format github` writes such
lines. In CSV, text that a spreadsheet would take for a formula, because it begins with `=`, `+`, `-` or `@`, has a `'`
before it; numbers have none.

| exit code | |
| --- | --- |
| 0 | fine |
| 1 | the answer is no: counts differ, a number of `expect` is wrong, a budget is exceeded |
| 2 | bad input or usage: a wrong spec, an unknown option, a missing extra; or a result that cannot be written |
| 130 | interrupted |

No exception reaches a user. One that nobody foresaw is a fault of archprof: it is told in a line, with its place in the
code, ends with exit code 2, and keeps no result of another network back. With `ARCHPROF_DEBUG=1` in the environment its
traceback is printed below.

`archprof --install-completion` makes bash, zsh or fish, whichever `$SHELL` names, complete commands, options, networks
with their knobs (`mobilenet_v2@wi⇥`), places of `--set`, conventions and formats; it writes a script into the home
folder and, for bash and zsh, a line into `.bashrc` or `.zshrc`. `--show-completion` prints the script.

{{commands}}"""


CONVENTIONS_PAGE = f"""{NOTICE}# Conventions

What `archprof explain` and `summary --convention` know of other tools: which version, what is called there, and what it
counts for an operator besides the multiply-accumulates of convolutions and linear layers. An operator that is not
listed adds nothing. Why they differ is told in [why tools differ](../explanation/why-tools-differ.md).

{{conventions}}"""


def pages() -> Mapping[Path, Callable[[], str]]:
    """Return the pages, each with what says how it should be."""
    folder = ROOT / "docs" / "reference"
    return {
        folder / "blocks.md": _blocks_page,
        folder / "operators.md": _operators_page,
        folder / "cli.md": _commands_page,
        folder / "conventions.md": _conventions_page,
        ROOT / "docs" / "explanation" / "coverage.md": coverage.page,
        ROOT / "docs" / "explanation" / "memory.md": memory.page,
        ROOT / "docs" / "explanation" / "memory-tools.md": memory_tools.page,
    }


def _blocks_page() -> str:
    sections = (
        f"## {block.name}\n\n{block.doc}\n\n{_picture(block)}\n\n{_columns(block.columns)}" for block in _blocks()
    )
    return BLOCKS.format(common=_columns(COMMON), channels=_columns(CHANNEL_OPTIONS), blocks="\n".join(sections))


def _picture(block: Block) -> str:
    """Return the drawing of a block, as `tests.docs.pictures` has it drawn."""
    file = f"{block.name}.svg"
    return f'![{block.name}, drawn](../images/{file} "archprof draw {block.name} -o {file}")'


def _blocks() -> Iterator[Block]:
    """Yield the blocks that are more than an operator used as a layer."""
    for name in block_names():
        block = find_block(name)
        if block and block.apply.__module__.startswith("archprof.language.blocks."):
            yield block


def _operators_page() -> str:
    operators = all_operators()
    captured = _operators(CAPTURED, captured_operators())
    # Of two operators that share a name the later one takes the options.
    named = {op.name: op for op in operators}
    options = (f"### {op.name}\n\n{_columns(op.columns)}" for op in named.values() if op.columns)
    listed = _operators(TABLE, operators)
    *others, last = [f"`{op.name}`" for op in operators if not op.as_layer]
    of_blocks = f"{', '.join(others)} and {last}"
    return OPERATORS_PAGE.format(operators=listed, captured=captured, options="\n".join(options), of_blocks=of_blocks)


def _operators(listed: Iterable[Listed], operators: Iterable[type[Operator]]) -> str:
    titles = ("operator", "or spelled", "what it does", "MACs", "params", "buffers")
    rows = (
        (
            f"`{row.name}`",
            _spellings(row.spellings),
            _first_paragraph(op),
            op.formula,
            op.params_formula,
            op.buffers_formula,
        )
        for row, op in zip(listed, operators, strict=True)
    )
    return _table(titles, rows)


def _conventions_page() -> str:
    return CONVENTIONS_PAGE.format(conventions="\n".join(map(_convention, CONVENTIONS.values())))


def _convention(convention: Convention) -> str:
    rows = ((price.label, _when(price), price.amount.text) for price in convention.prices)
    table = "\n" + _table(("what", "where", "how much"), rows) if convention.prices else ""
    return f"## {convention.name}\n\nVersion {convention.version}, in {convention.unit}: {convention.text}.\n{table}"


def _when(price: Price) -> str:
    return ", ".join(f"{name}: {str(value).lower()}" for name, value in price.when.items())


def _commands_page() -> str:
    own = (f"## {command}\n\n{_help(command)}" for command in COMMANDS)
    return CLI.format(commands="\n".join([_help(), *own]))


def _help(*command: str) -> str:
    line = f"$ {' '.join(('archprof', *command, '--help'))}\n"
    with plain_terminal(ROOT):
        printed, _ = execute(line)
    return f"```console\n{line}{printed}```\n"


def _first_paragraph(op: type[Operator]) -> str:
    paragraph = (op.__doc__ or "").strip().partition("\n\n")[0]
    return " ".join(paragraph.split())


def _columns(columns: Iterable[Column]) -> str:
    rows = ((_name(column), _spellings(column.synonyms), column.kind.allowed, column.doc) for column in columns)
    return _table(("column", "or spelled", "takes", "meaning"), rows)


def _name(column: Column) -> str:
    return f"`{column.name}`, required" if column.required else f"`{column.name}`"


def _spellings(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _table(titles: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [tuple(titles), *map(tuple, rows)]
    lines.insert(1, ("---",) * len(lines[0]))
    return "".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |\n" for line in lines)
