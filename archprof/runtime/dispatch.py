"""Following the operators that torch dispatches: by classes of torch that are not public, named here alone."""

from archprof.runtime.imports import not_public

with not_public("torch.utils._python_dispatch.TorchDispatchMode"):
    from torch.utils._python_dispatch import TorchDispatchMode as TorchDispatchMode
with not_public("torch._ops.HigherOrderOperator"):
    from torch._ops import HigherOrderOperator as HigherOrderOperator
