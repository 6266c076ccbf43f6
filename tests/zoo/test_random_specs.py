"""Any spec that is valid builds, runs and agrees with both counters on every row; any that is not says where."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.zoo.proven import check_or_refuse

channels = st.integers(1, 12)
sizes = st.sampled_from([1, 2, 3, 5, "1x3", "3x1"])
strides = st.sampled_from([1, 1, 1, 2, "1x2"])
acts = st.sampled_from(["relu", "HS", "silu", {"swish": {"learnable": True}}, "-"])
norms = st.sampled_from(["batch_norm", "frozen_batch_norm", {"group_norm": {"groups": 2}}, "-"])
gates = st.sampled_from(["-", 0.25, {"ratio": 0.5, "of": "input", "form": "linear"}])


def layer(block, **options):
    return st.fixed_dictionaries({block: st.fixed_dictionaries({}, optional=options)})


plain = st.one_of(
    st.fixed_dictionaries(
        {
            "conv": st.fixed_dictionaries(
                {"c": channels}, optional={"k": sizes, "s": strides, "d": st.sampled_from([1, 2])}
            )
        }
    ),
    st.fixed_dictionaries(
        {
            "conv2d": st.fixed_dictionaries(
                {"c": channels},
                optional={"k": sizes, "g": st.sampled_from([1, 2, 3, "depthwise"]), "p": st.sampled_from([0, 1])},
            )
        }
    ),
    st.fixed_dictionaries(
        {"depthwise_separable": st.fixed_dictionaries({"c": channels}, optional={"s": strides, "n": st.integers(1, 2)})}
    ),
    st.fixed_dictionaries(
        {
            "inverted_residual": st.fixed_dictionaries(
                {"c": channels, "t": st.sampled_from([1, 2, 3.5])}, optional={"se": gates, "s": strides}
            )
        }
    ),
    st.fixed_dictionaries(
        {
            "mix_block": st.fixed_dictionaries(
                {"c": channels, "k": st.lists(st.sampled_from([1, 3, 5]), min_size=1, max_size=3)},
                optional={"t": st.just(2)},
            )
        }
    ),
    st.fixed_dictionaries(
        {
            "bottleneck": st.fixed_dictionaries(
                {"c": st.sampled_from([2, 4]), "out": channels},
                optional={"s": strides, "deform": st.sampled_from(["plain", "modulated"])},
            )
        }
    ),
    st.fixed_dictionaries(
        {
            "basic_block": st.fixed_dictionaries(
                {"c": channels}, optional={"s": strides, "shortcut": st.sampled_from(["A", "B", "C"])}
            )
        }
    ),
    layer("squeeze_excite", ratio=st.sampled_from([0.25, 1])),
    layer("max_pool", k=sizes, s=strides, ceil=st.booleans()),
    layer("avg_pool", k=sizes, s=strides, count_padding=st.booleans()),
    st.sampled_from(["relu6", "batch_norm", "identity", {"dropout": 0.3}]),
)
bodies = st.lists(plain, max_size=2)
# A block of the spec's own, made of others, of its columns and of what comes in.
of_columns = st.sampled_from(
    [
        {"conv": {"k": "$k", "c": "$c"}},
        {"conv": {"k": 1, "c": "max($in // 2, 1)", "act": "$act"}, "when": "$k > 1"},
        {"conv": {"k": 3, "c": "1x", "s": "$s", "g": "depthwise"}},
        {"residual": {"skip": "same_shape", "body": [{"conv": {"k": "$k", "c": "$c", "s": "$s"}}]}},
        {"branches": {"paths": [[{"conv": {"k": 1, "c": "$c"}}], []]}},
    ]
)
own_block = st.fixed_dictionaries(
    {
        "columns": st.just(
            {
                "c": {"type": "channels"},
                "k": {"type": "int", "default": 3, "max": 5},
                "s": {"type": "size", "default": 1},
                "act": {"type": "act", "default": "-"},
            }
        ),
        "layers": st.lists(st.one_of(of_columns, plain), min_size=1, max_size=3),
    }
)
owned = st.fixed_dictionaries(
    {
        "mine": st.fixed_dictionaries(
            {"c": channels}, optional={"k": st.sampled_from([1, 3]), "s": strides, "n": st.integers(1, 2)}
        )
    }
)
layers = st.one_of(
    plain,
    owned,
    st.fixed_dictionaries({"sequence": st.lists(plain, min_size=1, max_size=2)}),
    st.fixed_dictionaries({"residual": st.lists(plain, min_size=1, max_size=2)}),
    st.fixed_dictionaries(
        {
            "repeat": st.fixed_dictionaries(
                {"n": st.integers(1, 3), "layers": st.lists(plain, min_size=1, max_size=1), "shared": st.booleans()}
            )
        }
    ),
    st.fixed_dictionaries(
        {
            "branches": st.fixed_dictionaries(
                {"paths": st.lists(bodies, min_size=1, max_size=3)},
                optional={"join": st.sampled_from(["concat", "add", "multiply"]), "split": st.booleans()},
            )
        }
    ),
)
# Two maps that go through the same layers, with one set of weights or one each, and on to the size of the input.
over_two = st.builds(
    lambda fine, coarse, body, shared, join, mode: [
        {"id": "fine", "sequence": [fine]},
        {"id": "coarse", "sequence": [coarse]},
        {"id": "both", "from": ["fine", "coarse"], "each": {"layers": body, "shared": shared, "join": join}},
        {"from": ["both", "input"], "resize": mode},
    ],
    plain,
    plain,
    st.lists(plain, min_size=1, max_size=2),
    st.booleans(),
    st.sampled_from(["concat", "add", "multiply", "-"]),
    st.sampled_from(["nearest", "bilinear"]),
)
heads = st.sampled_from(
    [
        [],
        ["avg_pool", {"linear": "classes"}],
        ["mean", {"linear": 3}],
        ["flatten", {"linear": {"c": 4, "act": "HS"}}],
        [{"linear": 5}],
    ]
)
specs = st.builds(
    lambda body, two, head, norm, act, shape, own: {
        "archprof": 1,
        "input": "x".join(map(str, shape)),
        "classes": 7,
        "defaults": {"norm": norm, "act": act},
        "width": {"divisor": 2},
        "blocks": {"mine": own},
        "layers": body + two + head,
    },
    st.lists(layers, min_size=1, max_size=4),
    st.one_of(st.just([]), st.just([]), over_two),
    heads,
    norms,
    acts,
    st.tuples(st.integers(1, 4), st.integers(4, 13), st.integers(4, 13)),
    own_block,
)


@settings(max_examples=3 * settings().max_examples // 2)
@given(specs, st.sampled_from([(), (("width", "0.5"),), (("width", "1.7"), ("resolution", "9x6"))]))
def test_any_spec_agrees_on_every_row_or_says_where_it_is_wrong(spec, asked):
    check_or_refuse(spec, asked)
