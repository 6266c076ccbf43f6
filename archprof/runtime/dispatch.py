"""Following the operators that torch dispatches: by what of torch is not public, named here alone."""

from archprof.runtime.imports import not_public

with not_public("torch.utils._python_dispatch.TorchDispatchMode"):
    from torch.utils._python_dispatch import TorchDispatchMode as TorchDispatchMode
with not_public("torch._ops.HigherOrderOperator"):
    from torch._ops import HigherOrderOperator as HigherOrderOperator
with not_public("torch._prims_common.suggest_memory_format"):
    from torch._prims_common import suggest_memory_format as suggest_memory_format
