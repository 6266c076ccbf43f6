"""Following the operators that torch dispatches: by a class of torch that is not public, named here alone."""

from archprof.runtime.imports import not_public

with not_public("torch.utils._python_dispatch.TorchDispatchMode"):
    from torch.utils._python_dispatch import TorchDispatchMode as TorchDispatchMode
