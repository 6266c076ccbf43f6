"""Cases that a user or an enemy might type: mutated specs, command lines and settings, each made from its number alone.

`python -m tests.hostile.fuzz 17 4711` runs cases by their numbers and shows what came of them; `0:100000` is a range.
"""

import io
import os
import random
import re
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple

from archprof.cli import COMMANDS, run
from archprof.language.registry import block_names, columns_of, required_columns
from tests.spec.test_fuzz import CHILD, PLACES, SPECS, TOKEN, WORDS

# Processor time of one case, on a machine that does other things too.
SECONDS = 20

BLOCKS = block_names()
OFTEN = ("summary", "show", "validate", "compare", "diff", "sweep", "solve", "explain", "check")
NESTING = ("sequence", "repeat", "residual", "branches", "each")
COLUMNS = {name: [*columns_of(name)] for name in BLOCKS}
ODD = [
    *WORDS, "", "-", "$width", "$resolution", "$size", "2*$size", "$size/0", "1e400", "-0", "٣", "1_000", "0x10", "½",
    "9" * 40, "1" * 5000, "\x1b[31m", "\udcff", "\u202e", "a\nb", "\x00", "[" * 40, "{a: {b: c}}", "layers[99]", "%s",
    "{}", "../../etc/passwd", "git:HEAD:x.yaml", "git:x:y", "-1", "nan", "inf", "1:2:0", "5:1:1", "1:2:log:1", "1,,2",
    "@", "=",
]  # fmt: skip
NUMBERS = [
    "1", "2", "3", "5", "7", "8", "16", "24", "64", "100", "255", "256", "1000", "65536", "1000000", "0.5", "1.5",
]  # fmt: skip
CELLS = [
    "relu", "batch_norm", "-", "✓", "[3, 5]", "6x", "0.5x", "depthwise", "1x7", "true", "classes", "$size", "$kind",
    "$c", "$k", "$in", "$in // 2", "'if($k > 1, 8, 4)'", "'make_divisible($c, 8)'",
]  # fmt: skip
# What a column often holds: without it hardly a network would be one.
SENSIBLE = {
    "c": ["8", "16", "$size", "1x", "classes"], "k": ["1", "3", "1x3"], "s": ["1", "2"], "t": ["1", "6"],
    "n": ["1", "2"], "exp": ["16", "24"], "act": ["relu", "-", "$kind"], "norm": ["batch_norm", "-"], "p": ["0", "1"],
    "g": ["1", "8"], "e1x1": ["8"], "e3x3": ["8"], "s1x1": ["4"], "growth": ["8"], "se": ["4", "-"], "rate": ["0.2"],
    "bias": ["true", "-"],
}  # fmt: skip
CONDITIONS = [
    "$size > 3",
    "not $size",
    "$kind == relu",
    "1",
    "true",
    "$in == $c and $s == 1",
    "given($c)",
    "'min($c, 3) < 2'",
    "x",
]
OWN_TYPES = ("int", "float", "channels", "size", "groups", "act", "nonsense", "sizes", "bool")
AXES = [
    "1", "0.5,1", "0.5:1:0.25", "32:64:log:3", "8,16,24", "3,5", "8x16,16", "0,1", "relu,relu6", "1000000", "-1:3:1",
]  # fmt: skip
KNOBS = "knobs: {size: {type: int, default: 8, min: 1}, kind: {choices: [relu, silu], default: relu}}\n"
FORMATS = [
    "table", "markdown", "csv", "json", "jsonl", "github", "gitlab", "junit", "sarif", "openmetrics", "html",
    "nonsense",
]  # fmt: skip
SHOWN = ["table", "markdown", "csv", "json"]
COUNTS = ["1M", "1k", "500", "1,000", "2.5G"]
LIMITS = ["1M", "0", "1k", "5.4 MiB", "+1%", "+0", "-1", "1e9", "+1% and +1k", "99" * 20, "1..2"]


class Case(NamedTuple):
    """Files by name, and a command line that is typed beside them."""

    files: Mapping[str, str]
    arguments: list[str]


class Ended(NamedTuple):
    """What a case left behind; *wrong* says what no case may, and is empty where all is well."""

    code: int
    out: str
    err: str
    wrong: str


def case(number: int) -> Case:
    """Return the case of a number."""
    return _Dice(number).case()


class _Dice(random.Random):
    """The throws of one case."""

    def case(self) -> Case:
        files = {"net.yaml": self.spec(), "other.yaml": self.choice((self.spec, self.child))()}
        if self.random() < 0.2:
            files["archprof.yaml"] = self.mutated(self.config(), 2) if self.random() < 0.5 else self.config()
        command = self.choice(OFTEN if self.random() < 0.8 else [*COMMANDS])
        arguments = [command, *_ARGUMENTS[command](self)]
        if self.random() < 0.05:
            arguments.insert(self.randint(0, len(arguments)), self.choice(ODD))
        return Case(files, [argument.replace("\x00", "") for argument in arguments])  # no system passes on a NUL

    # Specs

    def spec(self) -> str:
        if self.random() < 0.1:
            return self.mutated(self.choice(SPECS), 3)
        made = self.made()
        return self.mutated(made, 3) if self.random() < 0.15 else made

    def child(self) -> str:
        if self.random() < 0.3:
            return self.mutated(CHILD, 3)
        edits = "".join(f"  {self.place()}: {self.cell()}\n" for _ in range(self.randint(1, 3)))
        return f"archprof: 1\nextends: ./net.yaml{self.behind()}\nset:\n{edits}"

    def made(self) -> str:
        """Return a spec whose every part can stand where it is, though it seldom fits."""
        head = f"archprof: 1\ninput: {self.choice(('3x32x32', '1x8x8', '3x224x224', '64x1x1', '16x7x9'))}\n"
        extra = ["width: {divisor: 8}\n", "depth: {}\n", "classes: 10\n", KNOBS, "defaults: {norm: batch_norm}\n",
                 "expect: [{params: 1}]\n", "budget: {macs: 1M}\n", "width: {divisor: 8, expand: ratio}\n"]  # fmt: skip
        keys = "".join({one.partition(":")[0]: one for one in self.sample(extra, self.randint(0, 5))}.values())
        own = self.own() if self.random() < 0.3 else ""
        layers = "".join(f"  - {self.layer(0)}\n" for _ in range(self.choice((1, 1, 2, 3, 6))))
        return f"{head}{keys}{own}layers:\n{layers}"

    def own(self) -> str:
        """Return blocks of the spec's own, and perhaps an import of others."""
        imported = f"import: [{self.choice(('net.yaml', 'other.yaml', 'mobilenetv4_conv_small', 'none'))}]\n"
        named = self.sample("ckst", self.randint(0, 3))
        columns = ", ".join(
            f"{name}: {{type: {self.choice(OWN_TYPES)}{self.choice(('', ', default: -', ', default: 3', ', max: 8'))}}}"
            for name in named
        )
        body = ", ".join(self.layer(2) for _ in range(self.randint(1, 3)))
        if self.random() < 0.8:  # a column that nothing reads is refused
            read = {"k": "3", "c": "8", **{name.replace("t", "d"): f"${name}" for name in named}}
            body += f", conv: {{{', '.join(f'{name}: {cell}' for name, cell in read.items())}}}"
        blocks = f"blocks:\n  mine: {{columns: {{{columns}}}, layers: [{body}]}}\n"
        return (imported if self.random() < 0.3 else "") + blocks

    def layer(self, depth: int) -> str:
        easy = ("conv", "relu", "inverted_residual", "repeat", "residual", "avg_pool", "basic_block")
        name = self.choice(easy if self.random() < 0.8 else BLOCKS)
        beside = f"id: {self.choice('abcde')}, " if self.random() < 0.2 else ""
        if self.random() < (0.8 if name in ("add", "concat", "multiply", "fpn", "each", "resize") else 0.05):
            beside += f"from: [{self.choice('ab')}, {self.choice('abz')}], "
        if self.random() < 0.1:
            beside += f"when: {self.choice(CONDITIONS)}, "
        if self.random() < 0.1:
            return f"{{{beside}mine: {{c: {self.cell('c')}, k: {self.cell('k')}}}}}"
        return f"{{{beside}{name}: {self.options(name, depth)}}}"

    def layers(self, depth: int) -> str:
        return f"[{', '.join(self.layer(depth) for _ in range(self.choice((1, 1, 2))))}]"

    def options(self, name: str, depth: int) -> str:
        columns = COLUMNS[name]
        inner = {"layers", "body", "shortcut", "paths"}.intersection(columns) if name in NESTING else set()
        if inner and depth < 3:
            inner.discard(self.choice(("shortcut", "")))
            lists = {
                key: f"[{', '.join(self.layer(depth + 1) for _ in range(self.choice((1, 1, 2))))}]"
                for key in sorted(inner)
            }
            if "paths" in lists:
                lists["paths"] = f"[[], {lists['paths']}, {lists['paths']}]"
            repeats = {"n": self.choice(("1", "2", "3", "300"))} if "n" in columns and self.random() < 0.7 else {}
            return f"{{{', '.join(f'{key}: {text}' for key, text in {**lists, **repeats}.items())}}}"
        likely = columns if self.random() < 0.2 else [column for column in columns if column in SENSIBLE]
        chosen = self.sample(likely, min(self.choice((0, 1, 1, 2, 4)), len(likely)))
        if self.random() < 0.9:
            chosen += [column.name for column in required_columns(name)]
        chosen = [*dict.fromkeys(chosen)]
        if chosen and self.random() < 0.2:
            rows = ", ".join(f"[{', '.join(map(self.cell, chosen))}]" for _ in range(self.randint(1, 3)))
            return f"{{columns: [{', '.join(chosen)}], rows: [{rows}]}}"
        return f"{{{', '.join(f'{column}: {self.cell(column)}' for column in chosen)}}}"

    def cell(self, column: str = "") -> str:
        if column in SENSIBLE and self.random() < 0.9:
            return self.choice(SENSIBLE[column])
        values = self.choice((NUMBERS, NUMBERS, CELLS, WORDS))
        return str(self.choice(values))

    def config(self) -> str:
        models = self.choice(("net.yaml", "*.yaml", "mobilenet_v1", "none.yaml", "v?"))
        return f"budgets:\n  - {{model: '{models}', macs: {self.choice(LIMITS)}, expect: true}}\n"

    def mutated(self, text: str, most: int) -> str:
        """Return a text with a few tokens removed, doubled, replaced or swapped, or cut off."""
        tokens = TOKEN.findall(text)
        for _ in range(self.randint(1, most)):
            place = self.randrange(len(tokens))
            other = self.choice((self.choice(ODD), self.choice(tokens)))
            tokens[place] = self.choice(("", tokens[place] * 2, other, tokens[place] + other))
            if self.random() < 0.02:
                del tokens[place + 1 :]
        return "".join(tokens)

    # Command lines

    def place(self) -> str:
        return self.choice(
            [*PLACES.split(), "layers[0].c", "layers[0].rows[0].k", "a.c", "size", "kind", "layers[0].id"]
        )

    def value(self) -> str:
        return self.choice((self.choice(ODD), self.choice(NUMBERS), self.choice(AXES), self.choice(CELLS)))

    def behind(self) -> str:
        key = self.choice(("width", "resolution", "classes", "depth", self.place()))
        return f"@{key}={self.value()}" if self.random() < 0.2 else ""

    def model(self) -> str:
        if self.random() < 0.05:
            return str(self.choice(ODD))
        named = self.choice(("net.yaml",) * 6 + ("other.yaml",) * 3 + ("mobilenet_v1", "v3_small"))
        return f"{named}{self.behind()}"

    def models(self) -> list[str]:
        return [self.model() for _ in range(self.randint(1, 3))]

    def some(self, options: Mapping[str, Callable[["_Dice"], str] | None]) -> list[str]:
        """Return some of the options, each with its value."""
        found = []
        for option in self.sample([*options], min(self.choice((0, 0, 1, 1, 2, 4)), len(options))):
            value = options[option]
            found += [option] if value is None else [option, value(self)]
        return found


def _of(values: list[str]) -> Callable[[_Dice], str]:
    """Return an option's value: one of some, or now and then anything."""
    return lambda dice: dice.choice(values if dice.random() < 0.95 else ODD)


def _setting(dice: _Dice) -> str:
    return f"{dice.place()}={dice.value()}"


_Options = Mapping[str, Callable[[_Dice], str] | None]
_SETTINGS: _Options = {
    "--width": _of(["0.5", "1", "1.4"]), "--resolution": _of(["8", "32", "64x32"]), "--classes": _of(["7", "1000"]),
    "--set": _setting, "--format": _of(SHOWN), "-o": _of(["out.json", "out.csv", "out.md", "none/out.json", "out"]),
}  # fmt: skip
_VIEW: _Options = {
    "--full": None, "--depth": _of(["1", "2", "9"]), "--sort": _of(["macs", "params"]), "--top": _of(["1", "3"]),
    "--convention": _of(["fvcore", "thop", "torchinfo,ptflops"]),
}  # fmt: skip
_BOUNDS: _Options = {f"--max-{count}": _of(COUNTS) for count in ("macs", "params", "activations")}
_AXES: _Options = {
    **_SETTINGS, "--width": _of(AXES), "--resolution": _of(AXES), "--classes": _of(AXES),
    "--set": lambda dice: f"{dice.place()}={dice.choice(AXES)}",
}  # fmt: skip
_CHECKED: _Options = {
    **{option: _of([*COUNTS, *LIMITS]) for option in _BOUNDS}, "--min": _of(["macs=1"]),
    "--max": _of(["macs=1M", "size_int8=2MiB,params=1", "none=1"]),
    "--max-increase": _of(["macs=1%,params=0"]), "--config": _of(["archprof.yaml", "net.yaml"]), "--allow-empty": None,
    "--baseline": _of(["b.json"]), "--write-baseline": _of(["b.json"]), "--against": _of(["git:HEAD"]),
    "--report": _of([f"{name}=report" for name in FORMATS]), "--format": _of(FORMATS),
}  # fmt: skip
_COST: _Options = {
    "--conv": _of(["std", "dw", "dw,pw", "mix", "se", "inverted", "bottleneck", "group"]),
    "--k": _of(["3", "3,5", "1x7"]),
    "--in": _of(NUMBERS), "--out": _of(NUMBERS), "--size": _of(NUMBERS), "--stride": _of(["1", "2"]), "--t": _of(["6"]),
    "--groups": _of(["1", "4"]), "--ratio": _of(["4", "0.25"]), "--versus": _of(["dw:k=5,n=2", "pw", "std:k=3"]),
    "--bias": None, "--format": _of(SHOWN),
}  # fmt: skip
_SETUP = {
    "--batch": _of(["1", "8", *NUMBERS]), "--dtype": _of(["fp32", "fp16", "int8", "fp8"]), "--accumulate": _of(["4"]),
    "--train": _of(["sgd", "adamw", "lion"]), "--amp": _of(["bf16", "fp32"]), "--checkpoint": _of(["blocks"]),
    "--layout": _of(["channels_last"]), "--kernels": _of(["cpu"]), "--full": None, "--top": _of(["2"]),
    "--in-place": _of(["depthwise", "conv"]), "--patches": _of(["2", "7", "500"]),
}  # fmt: skip
_DEVICE = {
    "--device": _of(["h100", "nothing", "net.yaml", "b.json"]), "--batch": _of(["1", "32", "7"]),
    "--execution": _of(["eager", "graph", "slow"]), "--runtime": _of(["torch", "onnxruntime"]),
    "--max-latency": _of(["1ms", "10 us", "2", "-1s"]),
}  # fmt: skip
_TIMING = {
    "--batch": _of(["1", "1,32", "0", "x"]), "--dtype": _of(["fp16", "int8"]), "--threads": _of(["2", "-1"]),
    "--runtime": _of(["torch", "onnxruntime", "tflite"]), "--execution": _of(["graph", "eager"]), "--compile": None,
}  # fmt: skip
_ARGUMENTS: Mapping[str, Callable[[_Dice], list[str]]] = {
    "summary": lambda dice: [dice.model(), *dice.some({**_SETTINGS, **_VIEW})],
    "show": lambda dice: [dice.model(), *dice.some(_SETTINGS)],
    "list": lambda dice: [*dice.some({"mobile*": None, "--format": _of(SHOWN)})],
    "validate": lambda dice: [*dice.models(), *dice.some({"--format": _of(SHOWN)})],
    "cost": lambda dice: dice.some(_COST),
    "memory": lambda dice: [dice.model(), *dice.some({**_SETTINGS, **_SETUP})],
    "latency": lambda dice: [dice.model(), *dice.some({**_SETTINGS, **_DEVICE, "--sort": _of(["latency"])})],
    "compare": lambda dice: [
        *dice.models(), *dice.some({**_SETTINGS, **_DEVICE, "--by": _of(["stage", "kind", "layer"])}),
    ],
    "draw": lambda dice: [
        dice.model(), *dice.some({**_SETTINGS, "--depth": _of(["1", "0"]), "--direction": _of(["right", "up"]),
        "-o": _of(["x.svg", "x.txt", *ODD])}),
    ],
    "report": lambda dice: [
        *dice.models(), *dice.some({**_SETTINGS, **_SETUP, **_DEVICE, "-o": _of(["x.html", "x.svg", *ODD])}),
    ],
    "diff": lambda dice: [dice.model(), dice.model(), *dice.some({**_SETTINGS, "--ignore": _of(["norm", "eps"])})],
    "sweep": lambda dice: [
        dice.model(), *dice.some({**_AXES, **_BOUNDS, **_DEVICE, "--top": _of(["2"]),
        "--sort": _of(["macs", "-params", "latency"]),
        "--pareto": _of(["params,macs", "-macs"]), "--sample": _of(["3", "100"])}), "--jobs", "1",
    ],
    "solve": lambda dice: [
        dice.model(), "--max-macs", dice.choice(COUNTS),
        *dice.some({**_AXES, **_BOUNDS, **_DEVICE, "--width": _of(["0.5:1", "0.5,1"]),
        "--scale": _of(["width", "compound"]),
        "--write-spec": _of(["found.yaml"]), "--target-macs": _of(COUNTS)}),
    ],
    "space": lambda dice: [
        dice.choice((dice.model(), "space_dna", "space_nats_size")),
        *dice.some({**_BOUNDS, "--resolution": _of(["8,16", "all", *ODD]), "--histogram": _of(["macs", "params", *ODD]),
        "--bins": _of(["3", "0"]), "--sample": _of(["3", "0"]), "--minimize": _of(["macs", "score", *ODD]),
        "--maximize": _of(["params"]), "--top": _of(["2"]), "--pareto": _of(["macs,-params", "macs", *ODD]),
        "--scores": _of(["scores.csv", *ODD]), "--fix": _of(["layers[1].rows[0].k=3", *ODD]),
        "--write-spec": _of(["found.yaml"])}), "--jobs", "1",
    ],
    # Nothing is measured: no case may take longer than it has.
    "bench": lambda dice: [dice.model(), "--on", "cuda", *dice.some({**_SETTINGS, **_TIMING})],
    "calibrate": lambda dice: ["--on", "cuda", *dice.some(_TIMING)],
    "explain": lambda dice: [dice.model(), *dice.some(_SETTINGS)],
    "lock": lambda dice: [dice.model(), *dice.some({"--check": _of(["net.lock.json", *ODD])})],
    "check": lambda dice: [*dice.models(), *dice.some({**_CHECKED, **_DEVICE})],
    "verify": lambda dice: [*dice.models(), "--analytic", "--jobs", "1", *dice.some({"--format": _of(SHOWN)})],
    "schema": lambda dice: [dice.choice(("summary", "check", "baseline", *ODD))],
}  # fmt: skip


def play(played: Case) -> Ended:
    """Return what a case leaves behind in the current folder, whose files are replaced."""
    for name, text in played.files.items():
        Path(name).write_bytes(text.encode("utf-8", "surrogateescape"))
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="\n") for _ in range(2))
    start = time.process_time()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            code = run(played.arguments)
        except BaseException as error:
            code = 99
            err.write(f"Traceback: {error!r}\n")
    seconds = time.process_time() - start
    printed, said = (_text(stream) for stream in (out, err))
    return Ended(code, printed, said, _wrong(code, printed, said, seconds))


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode("utf-8")


def _wrong(code: int, out: str, err: str, seconds: float) -> str:
    if code not in (0, 1, 2):
        return f"exit code {code}"
    if found := re.search("Traceback|a fault of archprof|there is not enough memory", err):
        return found[0]
    if code == 2 and not err.strip():
        return "nothing is said"
    for line in (out + err).replace("\r\n", "\n").split("\n"):
        if not line.isprintable():
            return f"a line that cannot be printed: {line[:200]!r}"
    return f"{seconds:.1f} s of processor time" if seconds > SECONDS else ""


def main() -> None:
    """Run the cases whose numbers are the arguments, in a folder that is removed; one alone is shown whole."""
    numbers: list[int] = []
    for text in sys.argv[1:]:
        first, _, last = text.partition(":")
        numbers += range(int(first), int(last or int(first) + 1))
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for number in numbers:
            ended = play(case(number))
            if ended.wrong or len(numbers) == 1:
                sys.stdout.write(f"{number}: {ended.wrong or 'all is well'}\n  {case(number).arguments}\n{ended.err}\n")


if __name__ == "__main__":
    main()
