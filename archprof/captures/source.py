"""Where a model comes from that is code: `torchvision:resnet50`, `timm:…`, `net.py:Net`, `pkg.models:make(width=0.5)`.

Code runs here, so that only what a user typed may come this way.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from archprof.errors import InputError, described, did_you_mean, printable, suggest, usage_error
from archprof.ir.foreign import Raised
from archprof.ir.graph import Graph
from archprof.ir.origin import Unlisted

if TYPE_CHECKING:
    from torch import nn

    from archprof.captures.lock_text import Lock

# Of a clip, as torchvision's references train and evaluate with.
_FRAMES = 16
LIBRARIES = ("torchvision", "timm", "transformers")


class CodeReference(NamedTuple):
    """A model as it is typed: a library, a file or a module, what it names there, and arguments (None where it is not
    called)."""

    origin: str
    name: str
    arguments: tuple[Any, ...] | None = None
    keywords: Mapping[str, Any] = {}

    @property
    def text(self) -> str:
        """The reference as it was typed, without arguments."""
        return f"{self.origin}:{self.name}"


def is_code(text: str) -> bool:
    """Tell whether a model is named as code: a colon behind a library, a `.py` file or a module."""
    origin, colon, name = text.partition(":")
    if not colon or not name or origin == "git":
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


def lock(text: str, given: Sequence[str], version: str) -> Lock:
    """Return what a *version* of archprof captures of a model that is named as code, with how it did.

    Raises UsageError as `capture` does.
    """
    from archprof.captures.lock_text import Captured, Lock

    graph = capture(text, given, batches=True)
    import torch

    inputs = tuple(given) or ("x".join(map(str, next(iter(graph.inputs.values())).shape)),)
    release = torch.__version__.partition("+")[0]  # for which device it was built changes no graph
    return Lock(graph, Captured(text, inputs, "eval", version, release, graph.origin.note))


def capture(text: str, given: Sequence[str] = (), *, batches: bool = False) -> Graph:
    """Return the graph of a model that is named as code, at the inputs that are *given* as `--input` has them; where
    none are, at the one that its library has for it. With *batches*, where the batch stands in each shape is found by
    recording several.

    Raises UsageError for a reference or an input that is none, where the code is not there or fails, and where an input
    is needed.
    """
    from archprof.captures.given import Given, batched, read_given
    from archprof.captures.module import capture_module
    from archprof.runtime.imports import require_torch

    arguments = [read_given(one) for one in given]
    reference = parse(text)
    require_torch("running a model's code")
    # What code prints is no part of the result.
    with redirect_stdout(sys.stderr):
        made = make(reference)
        shaped = arguments or ([Given(shape=made.shape)] if made.shape is not None else [])
        if not shaped:
            raise usage_error(f"`{text}` needs its input", help="as in `--input 3x224x224`, without the batch")
        inputs = batched(shaped)
        if not batches:  # counts and shapes of one image need no other
            inputs = inputs._replace(growing=False)
        return capture_module(made.module, inputs, Unlisted(text, note=made.version))


class Made(NamedTuple):
    """A module, the shape that its library gives it by default (None where none says), and whose code made it."""

    module: nn.Module
    shape: tuple[int, ...] | None
    version: str


def make(reference: CodeReference) -> Made:
    """Return the module of a reference, without drawing its weights, and on the meta device where it can be made there.

    Raises UsageError where the code is not there, or fails, and where it gives no module.
    """
    if reference.origin == "torchvision":
        return _torchvision(reference)
    if reference.origin == "timm":
        return _timm(reference)
    if reference.origin == "transformers":
        return _transformers(reference)
    return _own(reference)


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


def _torchvision(reference: CodeReference) -> Made:
    models = _library("torchvision").models
    known = models.list_models()
    if reference.name not in known:
        raise usage_error(f"torchvision has no `{reference.name}`", help=suggest(reference.name, known, "models"))
    builder = models.get_model_builder(reference.name)
    import inspect

    off = {word: None for word in ("weights", "weights_backbone") if word in inspect.signature(builder).parameters}
    module = _construct(lambda: builder(*(reference.arguments or ()), **{**off, **reference.keywords}), reference)
    side = getattr(module, "image_size", None)  # of a vision transformer, which takes no other
    shape = (3, side, side) if side else _torchvision_shape(models, reference.name)
    return Made(module, shape, _version("torchvision"))


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


def _timm(reference: CodeReference) -> Made:
    timm = _library("timm")
    if not timm.is_model(reference.name):
        name = reference.name.partition(".")[0]
        raise usage_error(f"timm has no `{reference.name}`", help=did_you_mean(name, timm.list_models()))
    module = _construct(lambda: timm.create_model(reference.name, pretrained=False, **reference.keywords), reference)
    config = getattr(module, "pretrained_cfg", None) or {}
    return Made(module, config.get("input_size"), _version("timm"))


def _transformers(reference: CodeReference) -> Made:
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
    kind = getattr(transformers, names[0], None) if names else None
    module = _construct(lambda: kind(config) if kind else transformers.AutoModel.from_config(config), reference)
    return Made(module, None, _version("transformers"))


def _own(reference: CodeReference) -> Made:
    found = _attribute(_module(reference.origin), reference)
    from torch import nn

    if isinstance(found, nn.Module):
        if reference.arguments is not None:
            raise usage_error(f"`{reference.text}` is a module already", help="leave the arguments out")
        return Made(found, None, "")
    if not callable(found):
        advice = "name a torch module, a class of one, or a function that returns one"
        raise usage_error(f"`{reference.text}` is {type(found).__name__}, not a model", help=advice)
    return Made(_construct(lambda: found(*(reference.arguments or ()), **reference.keywords), reference), None, "")


def _module(origin: str) -> Any:
    """Import a file or a module; the working folder is where Python looks first."""
    from importlib import import_module

    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)
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
            known = [one for one in vars(found) if not one.startswith("_")]
            advice = suggest(name, known, "names there")
            raise usage_error(f"`{reference.origin}` has no `{name}`", help=advice)
        found = getattr(found, name)
    return found


def _construct(make: Callable[[], Any], reference: CodeReference) -> nn.Module:
    """Return a module without drawing its weights: on the meta device, or, where its constructor needs elements, in
    memory that nobody fills."""
    import torch
    from torch import nn

    from archprof.runtime.measure import inference
    from archprof.runtime.skip_init import SkipInit

    def on_meta() -> Any:
        with torch.device("meta"):
            return make()

    def unfilled() -> Any:
        with SkipInit():
            return make()

    failed: BaseException | None = None
    for way in (on_meta, unfilled):
        try:
            with inference():
                made = way()
        except Raised as error:
            failed = error
            continue
        if not isinstance(made, nn.Module):
            raise usage_error(f"`{reference.text}` gives {type(made).__name__}, not a torch module")
        return made
    assert failed is not None
    raise _failed(reference.text, "calling", failed) from failed


def _failed(name: str, doing: str, error: BaseException) -> Exception:
    from archprof.captures.module import raised_at

    advice = ""
    if isinstance(error, TypeError) and "required" in str(error):
        advice = f"give its arguments: `{name}(…)`"
    return usage_error(f"{doing} `{name}` fails: {described(error)}", help=advice, note=raised_at(error))
