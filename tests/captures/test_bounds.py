"""What data decides: the most that can come out, where that is known, what is said of it, and a real run."""

import pytest
import torch
from torch import nn
from torch.nn.attention.flex_attention import create_block_mask, flex_attention

import archprof
from archprof.captures.lock import read_lock
from archprof.captures.lock_text import Captured, Lock, lock_text
from archprof.costs.at_most import AtMost, at_most, bounded_nodes


class Chosen(nn.Module):
    """Rows that a function chooses of 6, each of 4 features, through a linear layer of 4·5 weights."""

    def __init__(self, choose):
        super().__init__()
        self.first = nn.Linear(4, 4)
        self.choose = choose
        self.head = nn.Linear(4, 5)

    def forward(self, x):
        return self.head(self.choose(self.first(x[0])))


# How rows are chosen, how many there are at most, and by which operator.
CHOSEN = {
    "nonzero": (lambda x: x[torch.nonzero(x[:, 0] > 0)[:, 0]], 6, "aten.nonzero"),
    "where": (lambda x: x[torch.where(x > 0)[0]], 6 * 4, "aten.nonzero"),
    "argwhere": (lambda x: x[torch.argwhere(x[:, 0])[:, 0]], 6, "aten.nonzero"),
    "a mask": (lambda x: x[x[:, 0] > 0], 6, "aten.index"),
    "a mask of two axes": (lambda x: x[x > 0][:, None].expand(-1, 4), 6 * 4, "aten.index"),
    "masked_select": (lambda x: x.masked_select(x[:, :1] > 0).unflatten(0, (-1, 4)), 6, "aten.masked_select"),
    "unique": (lambda x: x[:1].expand(len(x.unique()), 4), 6 * 4, "aten._unique2"),
    "unique rows": (lambda x: x.unique(dim=0), 6, "aten.unique_dim"),
    "runs": (lambda x: x[: len(x[:, 0].unique_consecutive())], 6, "aten.unique_consecutive"),
    "at most three": (lambda x: x[x[:, 0] > 0][:3], 3, "aten.index"),
}


@pytest.mark.parametrize("case", CHOSEN)
def test_the_most_that_can_come_out(case):
    choose, rows, operator = CHOSEN[case]
    graph = archprof.capture(Chosen(choose), (6, 4))
    report = archprof.analyze(graph)
    assert {row.path: row.cost.macs for row in report.rows if row.cost.macs} == {"first": 6 * 16, "head": rows * 20}
    assert at_most(report) == AtMost({operator: 1}, ())
    bounded = {report.rows[index].path for index in bounded_nodes(graph)}
    assert "head" in bounded
    assert "first" not in bounded


def loops(x):
    """Once for each class of rows that are labelled with one of 3: linear layers see all of them each time."""
    labels = torch.arange(3, device=x.device).view(1, -1).expand(6, 3)[:, 1:].reshape(-1)
    labels = torch.cat([labels, torch.full_like(labels, 7)]) % 5
    return torch.cat([x for _ in labels.unique()])


def test_values_that_are_taken_from_a_few_are_a_few():
    # Of 3 classes, and the one of the constant: 4, of 24 labels.
    assert archprof.analyze(archprof.capture(Chosen(loops), (6, 4))).totals.macs == 6 * 16 + 4 * 6 * 20


def test_what_is_written_over_holds_other_values():
    def choose(x):
        labels = torch.zeros(6, device=x.device)
        labels[:] = x[:, 0]
        return torch.cat([x for _ in labels.unique()])

    assert archprof.analyze(archprof.capture(Chosen(choose), (6, 4))).totals.macs == 6 * 16 + 6 * 6 * 20


def test_what_multiplies_before_is_exact():
    report = archprof.analyze(archprof.capture(nn.Sequential(nn.Linear(4, 4), Choose()), (6, 4)))
    assert (at_most(report), report.totals.macs) == (None, 6 * 16)
    assert [report.rows[index].path for index in bounded_nodes(report.graph)] == ["1:index[0]"]


class Choose(nn.Module):
    def forward(self, x):
        return x[x > 0]


def test_a_size_that_goes_by_python_is_followed():
    class Made(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Linear(4, 5)

        def forward(self, x):
            return self.head(torch.ones(len(x[x > 0]), 4, device=x.device))

    report = archprof.analyze(archprof.capture(Made(), (3,)))
    assert report.totals.macs == 3 * 20
    assert at_most(report) == AtMost({"aten.index": 1}, ())


class Experts(nn.Module):
    """Four experts, of which each of 5 positions takes two: 5·2 positions an expert at most, of 8·8 weights."""

    def __init__(self):
        super().__init__()
        self.gate = nn.Linear(8, 4)
        self.experts = nn.ModuleList(nn.Linear(8, 8) for _ in range(4))

    def forward(self, x):
        x = x[0]
        weights, chosen = self.gate(x).softmax(-1).topk(2)
        mask = nn.functional.one_hot(chosen, 4).permute(2, 1, 0)
        y = torch.zeros_like(x)
        for one, expert in zip(mask, self.experts, strict=True):
            which, where = torch.where(one)
            y.index_add_(0, where, expert(x[where]) * weights[where, which, None])
        return y


def test_experts_get_all_positions_at_most():
    report = archprof.analyze(archprof.capture(Experts(), (5, 8)))
    assert report.totals.macs == 5 * 8 * 4 + 4 * (5 * 2) * 8 * 8
    assert at_most(report) == AtMost({"aten.nonzero": 4}, ())
    # Two of four experts, for each of 5 positions.
    report = archprof.analyze(archprof.capture(Experts(), (5, 8), real=True))
    assert report.totals.macs == 5 * 8 * 4 + 5 * 2 * 8 * 8
    assert at_most(report) is None


class Flex(nn.Module):
    def __init__(self, mask):
        super().__init__()
        self.qkv = nn.Linear(16, 48)
        self.out = nn.Linear(16, 16)
        self.mask = mask

    def forward(self, x):
        queries, keys, values = self.qkv(x).unflatten(-1, (3, 2, 8)).permute(2, 0, 3, 1, 4)
        mask = create_block_mask(self.mask, None, None, 6, 6, device="cpu") if self.mask else None
        return self.out(flex_attention(queries, keys, values, block_mask=mask).transpose(1, 2).flatten(2))


@pytest.mark.parametrize("mask", [None, lambda batch, head, row, column: row >= column], ids=["whole", "masked"])
def test_flex_attention_is_attention(mask):
    report = archprof.analyze(archprof.capture(Flex(mask), (6, 16)))
    # Two heads of 8: 6·6 scores of 8 products, and as many for the values.
    attention = 2 * (2 * 6 * 6 * 8)
    assert report.totals.macs == 6 * 16 * 48 + attention + 6 * 16 * 16
    assert at_most(report) == (AtMost({"higher_order.flex_attention": 1}, ()) if mask else None)
    bounded = bounded_nodes(report.graph)
    assert [report.rows[index].kind for index in bounded] == (["attention"] if mask else [])


@pytest.mark.parametrize(
    ("left", "right", "macs"),
    [
        ((10, 4), (3, 4, 5), 10 * 4 * 5),
        ((3, 10, 4), (3, 4, 5), 3 * 10 * 4 * 5),
        ((3, 10, 4), (4, 12), 10 * 4 * 12),
    ],
)
def test_grouped_products_of_any_type(left, right, macs):
    class Grouped(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(right))
            self.offsets = nn.Buffer(torch.arange(3, dtype=torch.int32))

        def forward(self, x):
            offsets = None if len(left) == len(right) else self.offsets
            return torch._grouped_mm(x, self.weight, offs=offsets)

    report = archprof.analyze(archprof.capture(Grouped(), args=(torch.zeros(left),)))
    assert report.totals.macs == macs


ITEM = "--real`, in Python `real=True`, counts a run on random numbers"


@pytest.mark.parametrize(
    ("asks", "operator"),
    [
        (lambda x: x * x.sum().item(), "aten._local_scalar_dense"),
        (lambda x: x if x.any() else -x, "aten._local_scalar_dense"),
        (lambda x: x if torch.equal(x, x + 1) else -x, "aten.equal"),
        (lambda x: x.repeat_interleave(x[0, 0, :2].long(), 0), "aten.repeat_interleave"),
        (lambda x: torch.bincount(x[0, :, 0].long()), "aten.bincount"),
    ],
)
def test_what_has_no_bound_is_refused(asks, operator):
    class Asks(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = Inner()

        def forward(self, x):
            return self.inner(x)

    class Inner(nn.Module):
        def forward(self, x):
            return asks(x.expand(2, 3, 4))

    with pytest.raises(archprof.UsageError) as raised:
        archprof.capture(Asks(), (3, 4))
    message = f"what `inner` (Inner) does depends on data: it asks for elements, by `{operator}`, and there are none"
    first, second, third = str(raised.value).splitlines()
    assert (first, second) == (message, f"  help: `{ITEM}")
    assert third.startswith(f"  note: raised at {__file__}:")


class Decides(nn.Module):
    def __init__(self):
        super().__init__()
        self.often, self.never = nn.Linear(4, 4), nn.Linear(4, 40)
        self.seen = torch.zeros(4)  # no buffer
        self.ran = nn.Buffer(torch.zeros(1))

    def forward(self, x):
        self.ran.add_(1)
        self.seen.add_(1)
        # The numbers are those of floats from 0 to 1.
        return self.never(x) if x.min().item() < 0 or x.max().item() > 1 else self.often(x)


def test_a_real_run_decides_and_leaves_everything_as_it_was():
    module = Decides().train()
    torch.manual_seed(7)
    state = torch.random.get_rng_state()
    graphs = [archprof.capture(module, (3, 4), real=True) for _ in range(2)]
    assert graphs[0] == graphs[1]
    assert graphs[0].captured == "real"
    assert archprof.analyze(graphs[0]).totals.macs == 3 * 16
    assert module.training
    assert (module.ran.item(), module.seen.sum().item()) == (0, 0)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_a_real_run_is_on_the_tensors_that_it_is_given():
    graph = archprof.capture(Decides(), torch.full((1, 3, 4), 2.0), real=True)
    assert archprof.analyze(graph).totals.macs == 3 * 160


def test_cond_is_known_in_a_real_run():
    class Chooses(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two = nn.Linear(4, 4), nn.Linear(4, 40)

        def forward(self, x):
            return torch.cond(x.sum() >= 0, self.one, lambda x: self.two(x)[:, :4], (x,))

    assert archprof.analyze(archprof.capture(Chooses(), (4,), real=True)).totals.macs == 16
    with pytest.raises(archprof.UsageError) as raised:
        archprof.capture(Chooses(), (4,))
    message = "the module calls `cond`, an operator of functions, which no recorder looks into"
    assert str(raised.value).splitlines()[:2] == [message, f"  help: `{ITEM}"]


def test_a_module_of_shapes_alone_has_no_real_run():
    with pytest.raises(archprof.UsageError) as raised:
        archprof.capture(nn.Linear(3, 4, device="meta"), (3,), real=True)
    message = "the module is on the meta device, and has nothing to run on for real"
    advice = 'make the module without `torch.device("meta")`, or leave the real run out'
    assert str(raised.value) == f"{message}\n  help: {advice}"


QUANTISED = pytest.mark.filterwarnings("ignore")


@QUANTISED
def test_packed_weights_are_no_parameters():
    whole = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 4))
    module = torch.ao.quantization.quantize_dynamic(whole, {nn.Linear})
    with pytest.raises(archprof.UsageError) as raised:
        archprof.capture(module, (6,))
    message = "the module is quantised, and packed weights have no form without elements"
    assert str(raised.value).splitlines()[:2] == [message, f"  help: `{ITEM}"]
    report = archprof.analyze(archprof.capture(module, (6,), real=True))
    assert (report.totals.params, report.totals.macs, report.totals.activations) == (0, 6 * 5 + 5 * 4, 5 + 4)
    assert "packed weights are no parameters: quantized.linear_dynamic ×2" in str(report).splitlines()


@QUANTISED
def test_a_quantised_convolution():
    parts = nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3, groups=2)
    module = nn.Sequential(torch.ao.quantization.QuantStub(), *parts, torch.ao.quantization.DeQuantStub()).eval()
    module.qconfig = torch.ao.quantization.get_default_qconfig("x86")
    torch.ao.quantization.prepare(module, inplace=True)
    module(torch.zeros(1, 3, 8, 8))
    report = archprof.analyze(archprof.capture(torch.ao.quantization.convert(module), (3, 8, 8), real=True))
    assert report.totals.macs == 36 * 4 * 27 + 16 * 4 * 2 * 9


def test_a_bound_stands_in_a_lock(tmp_path):
    graph = archprof.capture(Chosen(CHOSEN["nonzero"][0]), (6, 4))
    how = Captured("net.py:Net", ("6x4",), "eval", "0.1.0", "2.13.0", "", graph.captured)
    file = tmp_path / "net.lock.json"
    file.write_text(lock_text(Lock(graph, how)), encoding="utf-8")
    read = read_lock(str(file))
    assert read.captured == how
    assert read.graph.captured == "meta"
    assert at_most(archprof.analyze(read.graph)) == AtMost({"aten.nonzero": 1}, ())


class Does(nn.Module):
    def __init__(self, does):
        super().__init__()
        self.layer, self.does = nn.Linear(8, 8), does

    def forward(self, x):
        return self.does(self.layer(x))


# What runs on tensors with elements alone, and how torch says so.
ELEMENTS = {
    "numpy": (
        lambda x: torch.from_numpy(x.detach().numpy()),
        "RuntimeError: .numpy() is not supported for tensor subclasses.",
    ),
    "least squares": (
        lambda x: torch.linalg.lstsq(x.T, x.T).solution,
        "DynamicOutputShapeException: aten.linalg_lstsq.default",
    ),
}


@pytest.mark.parametrize(("does", "said"), ELEMENTS.values(), ids=ELEMENTS)
def test_a_real_run_is_advised_where_elements_are_wanted(does, said):
    with pytest.raises(archprof.UsageError) as raised:
        archprof.capture(Does(does), (8,))
    message, note = str(raised.value).split("\n  note: raised at ")
    assert message == f"the module wants elements, and there are none: {said}\n  help: `{ITEM}"
    assert "test_bounds.py" in note
    assert archprof.analyze(archprof.capture(Does(does), (8,), real=True)).totals.macs >= 64
