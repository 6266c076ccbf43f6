"""Code that switches gradients off in its forward: what it runs there is not saved, does not learn, and costs no
backward pass, as torch's own hooks and counter say."""

import functools

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint, create_selective_checkpoint_contexts
from torch.utils.flop_counter import FlopCounterMode

import archprof
from archprof.captures.lock import read_lock

FIRST = nn.Sequential(nn.Linear(16, 64), nn.GELU(), nn.Linear(64, 64), nn.GELU())


class Frozen(nn.Module):
    """A body whose features are taken as they come, and a head that learns."""

    def __init__(self):
        super().__init__()
        self.body, self.head = FIRST, nn.Linear(64, 8)

    def forward(self, x):
        with torch.no_grad():
            features = self.body(x)
        return self.head(features)


class Decorated(Frozen):
    @torch.no_grad()
    def features(self, x):
        return self.body(x)

    def forward(self, x):
        return self.head(self.features(x))


class Inferred(Frozen):
    def forward(self, x):
        with torch.inference_mode():
            features = self.body(x)
        return self.head(features.clone())


class OnAgain(Frozen):
    """Of four layers the last is switched on again."""

    def forward(self, x):
        with torch.no_grad():
            x = self.body[:2](x)
            with torch.enable_grad():
                x = self.body[2:](x)
        return self.head(x)


def said(module, x):
    """Return what torch saves for backward of a module's forward, and the MACs of both passes."""
    kept, held = {}, {one.untyped_storage().data_ptr() for one in (*module.parameters(), x)}

    def pack(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in held:
            kept[storage.data_ptr()] = storage
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        module(x)
    saved = sum(storage.nbytes() for storage in kept.values())
    with FlopCounterMode(display=False) as counter:
        module(x).sum().backward()
    return saved, counter.get_total_flops() // 2


@pytest.mark.parametrize("make", [Frozen, Decorated, Inferred, OnAgain])
def test_what_runs_there_is_not_trained(make):
    """What waits for the loss is the same where all learns."""
    module, x = make().train(), torch.zeros(1, 16)
    whole = nn.Sequential(module.body, module.head)
    found, other = (
        archprof.memory(archprof.capture(one, (16,), train=True), train="sgd", kernels="cpu") for one in (module, whole)
    )
    (saved, macs), (all_saved, all_macs) = said(module, x), said(whole, x)
    assert (found.train_macs, other.train_macs) == (macs, all_macs)
    assert (other.saved_bytes or 0) - (found.saved_bytes or 0) == all_saved - saved > 0
    assert torch.is_grad_enabled()


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight):
        ctx.save_for_backward(x, weight)
        return x @ weight * 2

    @staticmethod
    def backward(ctx, gradient):
        x, weight = ctx.saved_tensors
        return gradient @ weight.T * 2, x.T @ gradient * 2


class OfItsOwn(Frozen):
    """A function that says itself what it saves, and code that asks whether it should."""

    def forward(self, x):
        assert torch.is_grad_enabled() is self.training
        return Doubled.apply(self.body(x), self.head.weight.T)


@pytest.mark.parametrize("train", [False, True])
def test_functions_with_gradients_of_their_own_are_run(train):
    graph = archprof.capture(OfItsOwn(), (16,), train=train)
    assert graph.training is train
    assert archprof.analyze(graph).totals.macs == 16 * 64 + 64 * 64 + 64 * 8


class Checkpointed(Frozen):
    def __init__(self, reentrant):
        super().__init__()
        self.reentrant = reentrant

    def forward(self, x):
        for layers in (self.body[:2], self.body[2:]):
            x = checkpoint(layers, x, use_reentrant=self.reentrant)
        return self.head(x)


@pytest.mark.parametrize("reentrant", [False, True])
def test_checkpoints_of_code_are_told_and_written_down(reentrant, tmp_path):
    before = torch.utils.checkpoint.CheckpointFunction
    graph = archprof.capture(Checkpointed(reentrant), (16,), train=True)
    said = "the code checkpoints 2 calls by torch.utils.checkpoint, which the backward pass runs again"
    assert graph.origin.remarks == (said,)
    assert said in archprof.memory(graph, train="sgd").rules
    assert archprof.capture(Checkpointed(reentrant).eval(), (16,)).origin.remarks == ()
    assert torch.utils.checkpoint.CheckpointFunction is before
    within = [(node.memory.checkpoint, node.memory.reentrant) if node.memory else (0, False) for node in graph.nodes]
    assert dict.fromkeys(within) == dict.fromkeys([(1, reentrant), (2, reentrant), (0, False)])
    path = tmp_path / "net.lock.json"
    archprof.lock(graph, path)
    assert [node.memory for node in read_lock(str(path)).graph.nodes] == [node.memory for node in graph.nodes]


def test_checkpoints_within_others_are_told():
    class Nested(Frozen):
        def within(self, x):
            return self.body[2:](checkpoint(self.body[:2], x, use_reentrant=False))

        def forward(self, x):
            return self.head(checkpoint(self.within, x, use_reentrant=False))

    assert archprof.capture(Nested(), (16,), train=True).origin.remarks == (
        "the code checkpoints 1 call by torch.utils.checkpoint, which the backward pass runs again",
        "1 call of torch.utils.checkpoint within another: counted is what the outermost keeps",
    )


def test_what_checkpoints_choose_to_keep_is_not_followed():
    """torch asks a context which operators' results are kept."""

    class Selective(Frozen):
        def forward(self, x):
            contexts = functools.partial(create_selective_checkpoint_contexts, [torch.ops.aten.addmm.default])
            return self.head(checkpoint(self.body, x, use_reentrant=False, context_fn=contexts))

    graph = archprof.capture(Selective(), (16,), train=True)
    said = "the code chooses what 1 call of torch.utils.checkpoint keep: counted is what they save without"
    assert graph.origin.remarks == (said,)
    assert not any(node.memory and node.memory.checkpoint for node in graph.nodes)


def test_in_evaluation_nothing_changes():
    module = Frozen().eval()
    assert archprof.capture(module, (16,)).nodes[0].memory is None
    assert torch.is_grad_enabled()
    with torch.no_grad():
        archprof.capture(module, (16,), train=True)
        assert not torch.is_grad_enabled()


def test_a_lock_keeps_it(tmp_path):
    graph = archprof.capture(Frozen(), (16,), train=True)
    archprof.lock(graph, tmp_path / "net.lock.json")
    read = read_lock(str(tmp_path / "net.lock.json")).graph
    assert [node.memory for node in read.nodes] == [node.memory for node in graph.nodes]
    assert [bool(node.memory and node.memory.detached) for node in read.nodes] == [True] * 4 + [False]


class Swish(torch.autograd.Function):
    """Saves what it is given alone."""

    @staticmethod
    def forward(context, x):
        context.save_for_backward(x)
        return x * torch.sigmoid(x)

    @staticmethod
    def backward(context, gradient):
        raise AssertionError


class Asks(nn.Module):
    """Asks torch for what is not followed."""

    def __init__(self, device):
        super().__init__()
        self.inner, self.outer, self.device = nn.Linear(8, 8), nn.Linear(8, 8), device

    def forward(self, x):
        with torch.autocast(device_type=self.device or x.device.type, dtype=torch.bfloat16):
            with torch.autocast("cpu", enabled=False):
                x = Swish.apply(self.inner(x))
            return self.outer(x)


AUTOCAST = "the code switches autocast on 1 time: counted are types without; `--amp bf16` counts all under it"
APPLY = vars(torch.autograd.Function)["apply"]
FUNCTION = "what `Swish` of torch.autograd.Function saves is not known: counted is what its forward would save"


@pytest.mark.parametrize("real", [False, True])
@pytest.mark.parametrize("device", ["cpu", "cuda", ""])
@pytest.mark.parametrize(("train", "said"), [(False, (AUTOCAST,)), (True, (AUTOCAST, FUNCTION))])
def test_what_is_not_followed_is_told(device, train, said, real):
    graph = archprof.capture(Asks(device), (8,), train=train, real=real)
    assert graph.origin.remarks == said
    totals = archprof.analyze(graph).totals
    assert (totals.macs, totals.activations) == (128, 16)
    assert {value.dtype for node in graph.nodes for value in node.outputs} == {"float32"}
    assert vars(torch.autograd.Function)["apply"] is APPLY


class Quantised(nn.Module):
    """Multiplies by a weight that it computes."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(6, 8))

    def forward(self, x):
        return nn.functional.linear(x, self.weight.round())


def test_a_layer_whose_weight_is_computed_has_activations():
    totals = archprof.analyze(archprof.capture(Quantised(), (8,))).totals
    assert (totals.macs, totals.activations) == (6 * 8, 6)
