"""Where a model comes from that is code: `torchvision:resnet50`, `timm:…`, `net.py:Net`, `pkg.models:make(width=0.5)`.

Code runs here, so that only what a user typed may come this way.
"""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from archprof.errors import InputError, described, did_you_mean, printable, suggest, usage_error
from archprof.ir.foreign import Raised
from archprof.ir.graph import Graph
from archprof.ir.origin import Unlisted
from archprof.named_tuple import NamedTuple
from archprof.runtime.arguments import CallArguments
from archprof.spec.catalog import LOCK

if TYPE_CHECKING:
    from torch import nn

    from archprof.captures.lock_text import Lock
    from archprof.captures.module import Batched
    from archprof.runtime.measure import Measurement

# What calls what makes a module, with or without its weights.
Construct = Callable[[Callable[[], Any]], Any]
# Of a clip, as torchvision's references train and evaluate with.
_FRAMES = 16
LIBRARIES = ("torchvision", "timm", "transformers")
# Arguments of builders by which libraries fetch or unpickle weights.
_LOADING = ("weights", "weights_backbone", "pretrained", "pretrained_backbone", "checkpoint_path")


class CodeReference(NamedTuple):
    """A model as it is typed: a library, a file or a module, what it names there, and arguments (None where it is not
    called). One that is made to *run* has memory behind its tensors."""

    origin: str
    name: str
    arguments: tuple[Any, ...] | None = None
    keywords: Mapping[str, Any] = {}
    run: bool = False

    @property
    def text(self) -> str:
        """The reference as it was typed, without arguments."""
        return f"{self.origin}:{self.name}"


def is_code(text: str) -> bool:
    """Tell whether a model is named as code: a colon behind a library, a `.py` file or a module."""
    origin, colon, name = text.partition(":")
    # A pattern may match a file of any name, which is data.
    data = text.partition("@")[0].endswith((".yaml", ".yml", LOCK))
    if not colon or not name or origin == "git" or data:
        return False
    return origin in LIBRARIES or origin.endswith(".py") or all(part.isidentifier() for part in origin.split("."))


def parse(text: str) -> CodeReference:
    """Return the parts of a reference. Raises UsageError for one that is none, or whose arguments are no literals."""
    origin, _, name = text.partition(":")
    if origin == "transformers":
        return CodeReference(origin, name)
    name, bracket, rest = name.partition("(")
    if not all(part.isidentifier() for part in name.split(".")) and (origin != "timm" or bracket):
        raise usage_error(f"`{name}` is no name in `{origin}`", help="write `net.py:Net`, or `net.py:Net(width=0.5)`")
    if not bracket:
        return CodeReference(origin, name)
    return CodeReference(origin, name, *_literals(f"{name}({rest}"))


def _literals(call: str) -> tuple[tuple[Any, ...], dict[str, Any]]:
    try:
        node = ast.parse(call, mode="eval").body
        if not isinstance(node, ast.Call) or any(word.arg is None for word in node.keywords):
            raise ValueError
        positional = tuple(ast.literal_eval(value) for value in node.args)
        return positional, {str(word.arg): ast.literal_eval(word.value) for word in node.keywords}
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        advice = "numbers, texts, lists, `True`, `None`: `net.py:Net(width=0.5)`"
        raise usage_error(f"the arguments of `{call}` are no literals", help=advice) from None


def lock(text: str, given: Sequence[str], version: str, *, training: bool = False, real: bool = False) -> Lock:
    """Return what a *version* of archprof captures of a model that is named as code, with how it did; where the batch
    stands in each shape is found by recording several. With *training*, it is captured as it trains too; where it is to
    be *real*, it computes.

    Raises UsageError as `capture` does.
    """
    from archprof.captures.lock_text import Captured, Lock

    modes = (False, True) if training else (False,)
    with _made(text, given, _construct_for(real=real)) as (made, arguments, inputs):
        graph, *trained = [_graph(text, made, arguments, train=train, real=real) for train in modes]
    import torch

    release = torch.__version__.partition("+")[0]  # for which device it was built changes no graph
    captured = Captured(text, inputs, "eval", version, release, graph.origin.note, graph.captured)
    return Lock(graph, captured, trained[0] if trained else None)


def capture(text: str, given: Sequence[str] = (), *, train: bool = False, real: bool = False, batch: int = 1) -> Graph:
    """Return the graph of a model that is named as code, at the inputs that are *given* as `--input` has them; where
    none are, at those that its library has for it. With *train*, it is how the model runs while it trains; where it is
    to be *real*, its weights are drawn, and it computes. Shapes at other sizes of the batch are found where one of more
    than one image is wanted.

    Raises UsageError for a reference or an input that is none, where the code is not there or fails, and where an input
    is needed.
    """
    with _made(text, given, _construct_for(real=real)) as (made, inputs, _):
        # Counts and shapes of one image need no other.
        growing = inputs.growing and batch > 1
        return _graph(text, made, inputs._replace(growing=growing), train=train, real=real)


def capture_and_measure(text: str, given: Sequence[str], counter: str) -> tuple[Graph, Measurement]:
    """Return the graph of a model that is named as code, and what a *counter* finds on it, run on zeros.

    Raises UsageError as `capture` does, for another counter, and where its forward fails.
    """
    from archprof.runtime.imports import require_torch
    from archprof.runtime.measure import measure_module

    require_torch("measuring")
    with _made(text, given, _unfilled) as (made, inputs, _):
        import torch
        from torch.utils._pytree import tree_map_only

        arguments, keywords = tree_map_only(torch.Tensor, torch.zeros_like, tuple(inputs.at(1)))
        graph = _graph(text, made, inputs._replace(growing=False))
        return graph, measure_module(made.module, arguments, counter, keywords)


class Runnable(NamedTuple):
    """A model that is named as code, with weights: its graph, its module, and what that is called with at a batch."""

    graph: Graph
    module: nn.Module
    at: Callable[[int], CallArguments]


@contextmanager
def runnable(text: str, given: Sequence[str] = (), *, channels_last: bool = False) -> Iterator[Runnable]:
    """Give a model that is named as code to be run, while its code can find what it imports; its maps lie with their
    channels last where that is asked for, in its graph too. Raises UsageError as `capture` does."""
    with _made(text, given, _really) as (made, inputs, _):
        module = made.module.eval()
        if channels_last:
            inputs = inputs._replace(at=_channels_last(module, inputs.at))
        yield Runnable(_graph(text, made, inputs), module, inputs.at)


def _channels_last(module: nn.Module, at: Callable[[int], CallArguments]) -> Callable[[int], CallArguments]:
    """Lay the weights of a module with their channels last, and return what calls it with such maps."""
    import torch
    from torch.utils._pytree import tree_map_only

    def laid(tensor: torch.Tensor) -> torch.Tensor:
        return tensor.contiguous(memory_format=torch.channels_last) if tensor.dim() == 4 else tensor

    module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return lambda batch: CallArguments(*tree_map_only(torch.Tensor, laid, tuple(at(batch))))


def _graph(text: str, made: Made, inputs: Batched, *, train: bool = False, real: bool = False) -> Graph:
    from archprof.captures.module import capture_module

    return capture_module(made.module, inputs, Unlisted(text, note=made.version), train=train, real=real)


class _Called(NamedTuple):
    """What a model's code makes, what it is called with, and that as `--input` has it."""

    made: Made
    arguments: Batched
    inputs: tuple[str, ...]


@contextmanager
def _made(text: str, given: Sequence[str], construct: Construct) -> Iterator[_Called]:
    """Give what a model's code makes, and what it is called with, while its code can find what it imports and prints
    nothing among the results."""
    from archprof.captures.given import batched, read_given
    from archprof.runtime.imports import require_torch

    for one in given:  # what is wrong is told before code runs
        read_given(one)
    reference = parse(text)
    require_torch("running a model's code")
    with _results_apart(), _working_folder(reference):
        made = make(reference, construct)
        texts = tuple(given) or made.default_inputs
        if not texts:
            advice = f"as in `--input {_likely_input(made.module)}`, without the batch"
            raise usage_error(f"`{text}` needs its input", help=advice)
        yield _Called(made, batched(map(read_given, texts)), texts)


def _likely_input(module: nn.Module) -> str:
    """Return an input that a module may well take: models of transformers tell what they take first."""
    name = getattr(module, "main_input_name", "pixel_values")
    named = {"input_ids": "input_ids=128:int64", "pixel_values": "3x224x224"}
    return named.get(name, f"{name}=16000") if isinstance(name, str) else named["pixel_values"]


@contextmanager
def _results_apart() -> Iterator[None]:
    """Have everything that is written to standard output go to standard error: by Python, and by what it starts."""
    sys.stdout.flush()
    stdout = os.dup(1)
    try:
        os.dup2(2, 1)
        with redirect_stdout(sys.stderr):
            yield
    finally:
        if sys.__stdout__ is not None:
            sys.__stdout__.flush()
        os.dup2(stdout, 1)
        os.close(stdout)


@contextmanager
def _working_folder(reference: CodeReference) -> Iterator[None]:
    """Have Python look in the working folder first while a user's own code runs."""
    folder = str(Path.cwd())
    added = reference.origin not in LIBRARIES and folder not in sys.path
    if added:
        sys.path.insert(0, folder)
    try:
        yield
    finally:
        if added and folder in sys.path:
            sys.path.remove(folder)


class Made(NamedTuple):
    """A module, the shape that its library gives it by default (None where none says), and whose code made it; *inputs*
    are what it takes by default where that is not an image of the shape, as `--input` has them."""

    module: nn.Module
    shape: tuple[int, ...] | None
    version: str
    inputs: tuple[str, ...] = ()

    @property
    def default_inputs(self) -> tuple[str, ...]:
        """What it takes by default, as `--input` has it; nothing where its library does not say."""
        return self.inputs or (("x".join(map(str, self.shape)),) if self.shape is not None else ())


def make(reference: CodeReference, construct: Construct | None = None) -> Made:
    """Return the module of a reference, as *construct* has its code make it: without drawing its weights, and on the
    meta device where it can be made there, unless given.

    Raises UsageError where the code is not there, or fails, and where it gives no module.
    """
    makers = {"torchvision": _torchvision, "timm": _timm, "transformers": _transformers}
    return makers.get(reference.origin, _own)(reference, construct or _without_weights)


def _library(name: str) -> Any:
    from importlib import import_module

    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != name:
            raise usage_error(f"`{name}` cannot be imported: {described(error)}") from error
        raise usage_error(f"`{name}` is not installed", help=f"pip install {name}") from None
    except Exception as error:  # whatever a package raises that does not fit its torch
        raise usage_error(f"`{name}` cannot be imported: {described(error)}") from error


def _version(name: str) -> str:
    from importlib.metadata import version

    return f"{name} {version(name)}"


def _torchvision(reference: CodeReference, construct: Construct) -> Made:
    models = _library("torchvision").models
    known = models.list_models()
    if reference.name not in known:
        raise usage_error(f"torchvision has no `{reference.name}`", help=suggest(reference.name, known, "models"))
    builder = models.get_model_builder(reference.name)
    import inspect

    off = {word: None for word in ("weights", "weights_backbone") if word in inspect.signature(builder).parameters}
    given = {**off, **_not_loading(reference)}
    module = _construct(lambda: builder(**given), reference, construct)
    side = getattr(module, "image_size", None)  # of a vision transformer, which takes no other
    shape = (3, side, side) if side else _torchvision_shape(models, reference.name)
    return Made(module, shape, _version("torchvision"), _torchvision_inputs(module))


def _not_loading(reference: CodeReference) -> dict[str, Any]:
    """Return the arguments of a library's builder. Raises UsageError for those by place, the first of which are
    weights, and where weights are asked for."""
    if reference.arguments:
        raise usage_error(f"{reference.origin} takes arguments by name", help=f"`{reference.text}(num_classes=10)`")
    for word in _LOADING:
        if reference.keywords.get(word):
            raise usage_error(
                f"`{word}` would load weights", help="counts need none: nothing is downloaded or unpickled"
            )
    return {word: value for word, value in reference.keywords.items() if word not in _LOADING}


def _torchvision_inputs(module: Any) -> tuple[str, ...]:
    """Return what models take that take no image: detection a list of them, of the size that it brings all to; optical
    flow two, at which torchvision counts it."""
    kind = type(module).__module__.removeprefix("torchvision.models.").partition(".")[0]
    if kind == "detection":
        height, width = module.transform.fixed_size or (module.transform.min_size[-1],) * 2
        return (f"3x{height}x{width}:list",)
    return ("3x512x512",) * 2 if kind == "optical_flow" else ()


def _torchvision_shape(models: Any, name: str) -> tuple[int, ...] | None:
    """Return what the transforms of a model's weights make of an image or a clip."""
    try:
        weights = models.get_model_weights(name)
        given = next(iter(weights)).transforms()
    except Exception:  # optical flow and detection have transforms of other forms, or none
        return None
    size = getattr(given, "crop_size", None) or getattr(given, "resize_size", None)
    if not size:
        return None
    height, width = size if len(size) == 2 else (size[0], size[0])
    return (3, _FRAMES, height, width) if type(given).__name__ == "VideoClassification" else (3, height, width)


def _timm(reference: CodeReference, construct: Construct) -> Made:
    timm = _library("timm")
    if not timm.is_model(reference.name):
        name = reference.name.partition(".")[0]
        raise usage_error(f"timm has no `{reference.name}`", help=did_you_mean(name, timm.list_models()))
    name, given = reference.name, _not_loading(reference)
    module = _construct(lambda: timm.create_model(name, pretrained=False, **given), reference, construct)
    config = getattr(module, "pretrained_cfg", None) or {}
    return Made(module, config.get("input_size"), _version("timm"))


def _transformers(reference: CodeReference, construct: Construct) -> Made:
    transformers = _library("transformers")
    path = Path(reference.name)
    if not path.exists():
        advice = "a `config.json`, or the folder that holds one; nothing is downloaded"
        raise usage_error(f"there is no file `{reference.name}`", help=advice)
    try:
        config = transformers.AutoConfig.from_pretrained(path, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # whatever the library raises of a file that it cannot use
        raise usage_error(f"transformers cannot read `{reference.name}`: {described(error)}") from error
    config._attn_implementation = None  # the library takes its own; a file may name one that has to be fetched
    names = config.architectures or []

    def model() -> Any:  # whose code is imported as it is asked for
        kind = getattr(transformers, names[0], None) if names else None
        return kind(config) if kind else transformers.AutoModel.from_config(config)

    return Made(_construct(model, reference, construct), None, _version("transformers"))


def _own(reference: CodeReference, construct: Construct) -> Made:
    found = _attribute(_module(reference.origin), reference)
    from torch import nn

    if isinstance(found, nn.Module):
        if reference.arguments is not None:
            raise usage_error(f"`{reference.text}` is a module already", help="leave the arguments out")
        return Made(found, None, "")
    if not callable(found):
        advice = "name a torch module, a class of one, or a function that returns one"
        raise usage_error(f"`{reference.text}` is {type(found).__name__}, not a model", help=advice)
    given, named = reference.arguments or (), reference.keywords
    return Made(_construct(lambda: found(*given, **named), reference, construct), None, "")


def _module(origin: str) -> Any:
    """Import a file or a module."""
    from importlib import import_module

    try:
        module = _run_file(Path(origin)) if origin.endswith(".py") else import_module(origin)
    except InputError:
        raise
    except ModuleNotFoundError as error:
        if error.name == origin.partition(".")[0] or error.name == origin:
            advice = "a module that Python finds from the current folder, or a path to a `.py` file"
            raise usage_error(f"there is no module `{error.name}`", help=advice) from None
        raise _failed(origin, "importing", error) from error
    except Raised as error:
        raise _failed(origin, "importing", error) from error
    sys.stderr.write(printable(f"ran {_shown(getattr(module, '__file__', None) or origin)}") + "\n")
    return module


def _run_file(path: Path) -> ModuleType:
    """Return a file as a module, run from its text: compiled files are told apart by the second, and would be left in
    the user's folder."""
    if not path.is_file():
        advice = "a path to a `.py` file, from the current folder"
        raise usage_error(f"there is no file `{path}`", help=advice)
    # Not the file's own name: `json.py` must not become everybody's `json`.
    module = ModuleType(f"archprof_model_{path.stem}")
    module.__file__ = str(path.resolve())
    sys.modules[module.__name__] = module
    exec(compile(path.read_bytes(), module.__file__, "exec", dont_inherit=True), module.__dict__)
    return module


def _shown(file: str) -> str:
    """Return a file from the current folder, if it lies below."""
    path = Path(file).resolve()
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else file


def _attribute(module: Any, reference: CodeReference) -> Any:
    found = module
    for name in reference.name.split("."):
        if not hasattr(found, name):
            known = [key for key, one in vars(found).items() if not key.startswith("_") and not _is_module(one)]
            advice = suggest(name, known, "names there")
            raise usage_error(f"`{reference.origin}` has no `{name}`", help=advice)
        found = getattr(found, name)
    return found


def _is_module(value: Any) -> bool:
    """Tell whether a name in a file stands for what it imports whole, which is no model."""
    return isinstance(value, ModuleType)


def _construct(make: Callable[[], Any], reference: CodeReference, construct: Construct) -> nn.Module:
    """Return the module that is made, if it is one. Raises UsageError where it is none, and where its code fails."""
    from torch import nn

    try:
        made = construct(make)
    except Raised as error:
        raise _failed(reference.text, "calling", error) from error
    if not isinstance(made, nn.Module):
        raise usage_error(f"`{reference.text}` gives {type(made).__name__}, not a torch module")
    return made


def _without_weights(make: Callable[[], Any]) -> Any:
    """Return what is made without drawing its weights: on the meta device, or, where its constructor needs elements, in
    memory that nobody fills."""
    import torch

    from archprof.runtime.measure import inference

    try:
        with inference(), torch.device("meta"):
            return make()
    except Raised:
        return _unfilled(make)


def _unfilled(make: Callable[[], Any]) -> Any:
    from archprof.runtime.measure import inference
    from archprof.runtime.skip_init import SkipInit

    with inference(), SkipInit():
        return make()


def _construct_for(*, real: bool) -> Construct:
    return _really if real else _without_weights


def _really(make: Callable[[], Any]) -> Any:
    """Return what is made with weights, drawn from random numbers that are the same each time."""
    from archprof.captures.surroundings import seed
    from archprof.runtime.measure import inference

    with inference():
        seed()
        return make()


def _failed(name: str, doing: str, error: BaseException) -> Exception:
    from archprof.captures.module import ON_ANY_DEVICE, raised_at, wants_gpu

    advice = ON_ANY_DEVICE if wants_gpu(error) else ""
    if isinstance(error, TypeError) and "required" in str(error):
        advice = f"give its arguments: `{name}(…)`"
    return usage_error(f"{doing} `{name}` fails: {described(error)}", help=advice, note=raised_at(error))
