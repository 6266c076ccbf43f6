"""What torch itself holds while a module runs on tensors without elements: every storage, from where an operator
returns it to where Python lets go of it."""

import weakref
from typing import NamedTuple

import torch
from torch.nn.functional import cross_entropy
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_structure, tree_unflatten


class Recorder(TorchDispatchMode):
    """Adds up the bytes of the storages that operators return while it is active, but for those of *known* tensors."""

    def __init__(self, known):
        super().__init__()
        self.now = self.peak = 0
        self.accumulates = False  # whether sums are those of gradients, as in a backward pass
        self._known = list(known)
        self._alive = {tensor.untyped_storage()._cdata: 0 for tensor in self._known}

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if self.accumulates and func is torch.ops.aten.add.Tensor and _is_nobody_elses(args[0]):
            returned = args[0]  # autograd adds in place, but where a mode looks on
        else:
            returned = func(*args, **(kwargs or {}))
        tensors = [one for one in tree_leaves(returned) if isinstance(one, torch.Tensor)]
        if func is torch.ops.aten.native_batch_norm.default and not args[5]:
            del tensors[1:]  # in evaluation a device that computes returns empty statistics, meta full ones
        for tensor in tensors:
            storage = tensor.untyped_storage()
            if storage._cdata not in self._alive:
                self._alive[storage._cdata] = storage.nbytes()
                self.now += storage.nbytes()
                weakref.finalize(storage, self._free, storage._cdata)
        self.peak = max(self.peak, self.now)
        return returned

    def _free(self, key):
        self.now -= self._alive.pop(key, 0)


def _is_nobody_elses(tensor):
    """Tell whether autograd alone holds a tensor, all of its storage: beside itself, only this call does."""
    storage = tensor.untyped_storage()
    alone = tensor._use_count() == 4 and torch._C._storage_Use_Count(storage._cdata) == 2
    return alone and storage.nbytes() == tensor.numel() * tensor.element_size()


class Step(NamedTuple):
    """Bytes of tensors in a step of training: the most forward, those behind it, likewise backward."""

    forward_peak: int
    after_forward: int
    backward_peak: int
    after_backward: int


class Summed(torch.autograd.Function):
    """A loss of several tensors, which makes the gradient of each: a plain sum's is one number, seen as many."""

    @staticmethod
    def forward(ctx, *outputs):
        ctx.shapes = [one.shape for one in outputs]
        return sum(one.sum() for one in outputs)

    @staticmethod
    def backward(ctx, gradient):
        return tuple(gradient.expand(shape).clone() for shape in ctx.shapes)


def training_step(module, images, classes=None, loss=None):
    """Return what a step takes in training, to the gradients of all parameters, beside weights and inputs. The *loss*
    of what the module returns is its cross-entropy to the classes, unless given."""
    gradients = [one.grad for one in module.parameters() if one.grad is not None]
    recorder = Recorder(
        [images, *([] if classes is None else [classes]), *module.parameters(), *module.buffers(), *gradients]
    )
    with recorder:
        output = module.train()(images)
        loss = loss(output) if loss else cross_entropy(output, classes)
        forward_peak, after_forward = recorder.peak, recorder.now
        recorder.peak, recorder.accumulates = 0, True
        loss.backward()
        left = recorder.now  # with the output and the loss, which are there to the end
    return Step(forward_peak, after_forward, recorder.peak, left)


def optimizer_step(module, optimizer):
    """Return the bytes that an optimiser keeps after its first step, and the most that its second takes beside."""
    for parameter in module.parameters():
        parameter.grad = torch.empty_like(parameter)
    recorder = Recorder(one for parameter in module.parameters() for one in (parameter, parameter.grad))
    with recorder:
        optimizer.step()
        recorder.peak = state = recorder.now
        optimizer.step()
    return state, recorder.peak - state


def inference_peak(module, *inputs):
    """Return the most bytes of tensors at once in evaluation, beside weights and inputs."""
    return peak_of_call(module, inputs, {})


def peak_of_call(module, args, kwargs):
    """Return the most bytes of tensors at once in evaluation, of a module that is called with these arguments."""
    given = [one.to("meta") if isinstance(one, torch.Tensor) else one for one in tree_leaves((args, kwargs))]
    args, kwargs = tree_unflatten(given, tree_structure((args, kwargs)))
    known = [one for one in given if isinstance(one, torch.Tensor)]
    recorder = Recorder([*known, *module.parameters(), *module.buffers()])
    with torch.no_grad(), recorder:
        returned = module.eval()(*args, **kwargs)
    del returned
    return recorder.peak


def saved_for_backward(module, *inputs):
    """Return the bytes that are there behind a forward pass in training, beside weights, inputs and the output."""
    recorder = Recorder([*inputs, *module.parameters(), *module.buffers()])
    with recorder:
        returned = module.train()(*inputs)
        left = recorder.now
    del returned
    return left
