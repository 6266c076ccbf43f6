"""Of sounds, images and clips, and of what becomes of them as tokens: any spec agrees or is refused, as in random
specs. Half of those that are drawn are networks."""

from hypothesis import event, given, settings
from hypothesis import strategies as st

from tests.zoo.proven import check_or_refuse

channels = st.sampled_from([1, 2, 3, 4, 6, 8])
heads = st.sampled_from([1, 2, 4])
groups = st.sampled_from([1, 2, "depthwise"])
norms = st.sampled_from(
    ["batch_norm", "layer_norm", "instance_norm", "rms_norm", {"group_norm": {"groups": 2}}, "frn", "evo_norm"]
)
acts = st.sampled_from(["relu", "prelu", "mish", "elu", "star_relu", "leaky_relu", "gelu_tanh", "quick_gelu"])
plain_norms = st.sampled_from(["layer_norm", "rms_norm"])
kinds_of_position = st.sampled_from(["relative", "distance"])
turns = st.fixed_dictionaries(
    {},
    optional={
        "base": st.integers(1, 10000),
        "pairs": st.sampled_from(["halves", "neighbours"]),
        "axial": st.booleans(),
        "sides": st.sampled_from(["2x3", 3]),
        "skip": st.integers(0, 2),
        "columns_first": st.booleans(),
    },
)


def block(name, required=None, **optional):
    """Return layers of a block with some of its columns, always with those *required*."""
    return st.fixed_dictionaries({name: st.fixed_dictionaries(required or {}, optional=optional)})


def sizes(rank, most, least=1):
    """Return sizes along the sides of a map: one for all, or one each."""
    each = st.lists(st.integers(least, most), min_size=rank, max_size=rank).map(lambda sides: "x".join(map(str, sides)))
    return st.one_of(st.integers(least, most), each)


def maps(rank):
    """Return layers of maps with so many sides."""
    k, s, p, d = sizes(rank, 4), sizes(rank, 2), sizes(rank, 2, 0), sizes(rank, 2)
    padding = st.one_of(p, st.sampled_from(["same", "causal"]))
    return st.one_of(
        block("conv", {"k": k, "c": channels}, s=s, p=padding, d=d, g=groups, norm=norms, act=acts),
        block(f"conv{rank}d", {"k": k, "c": channels}, s=s, p=p, d=d, g=groups, bias=st.booleans()),
        block("conv_transpose", {"k": k, "c": channels}, s=s, p=p, output_padding=sizes(rank, 1, 0), d=d, g=groups),
        block("max_pool", {"k": k}, s=s, p=sizes(rank, 1, 0), d=d, ceil=st.booleans()),
        block("avg_pool", {"k": k}, s=s, p=sizes(rank, 1, 0), ceil=st.booleans(), count_padding=st.booleans()),
        block("avg_pool", {"size": k}),
        block("upsample", {"factor": s}, mode=st.sampled_from(["nearest", "bilinear"])),
        block("upsample", {"size": sizes(rank, 9)}, mode=st.sampled_from(["nearest", "bilinear"])),
        block("residual", {"body": st.lists(block("conv", {"k": st.just(3), "c": channels}), min_size=1, max_size=2)}),
        st.sampled_from(
            [
                "instance_norm", "layer_norm", "rms_norm", "batch_norm", "global_response_norm", "prelu", "mish",
                "star_relu", "softmax", "layer_scale", "position_embedding", "eca", "squeeze_excite", "blur_pool",
                "pixel_shuffle", "space_to_channels", {"pixel_shuffle": 2}, {"channel_shuffle": 2}, {"unfold": 2},
            ]
        ),
        block("attention", {"heads": heads}, position=kinds_of_position, window=sizes(rank, 4), reduce=st.just(2)),
        block("attention", {"heads": heads}, kv_heads=st.just(1), rotary=turns, apart=st.booleans()),
        st.sampled_from([{"linear_attention": 2}, {"cross_covariance_attention": 2}]),
        st.sampled_from([{"permute": "channels_last"}, {"permute": "channels_first"}, {"permute": "transposed"}]),
        block("gru", {"c": channels, "each_row": st.booleans()}, bidirectional=st.booleans()),
    )  # fmt: skip


tokens = st.one_of(
    block("linear", {"c": channels}, norm=plain_norms, act=acts),
    block(
        "attention",
        {"heads": heads},
        kv_heads=st.integers(1, 2),
        head_dim=st.integers(1, 5),
        apart=st.booleans(),
        rotary=turns,
        position=kinds_of_position,
        causal=st.booleans(),
        qk_norm=plain_norms,
        bias=st.booleans(),
    ),
    block("dot_product_attention", {"heads": heads}, kv_heads=st.just(1), key_dim=st.integers(1, 4)),
    turns.map(lambda options: {"rotary_positions": {"heads": 2, **options}}),
    block("residual", {"body": st.just(["layer_norm", {"attention": {"heads": 2}}])}),
    *[block(name, {"c": channels}, layers=st.just(2), bidirectional=st.booleans()) for name in ("lstm", "gru")],
    st.sampled_from(
        [
            "position_embedding", "layer_norm", "rms_norm", "softmax", "transpose", "layer_scale", "instance_norm",
            "mean", {"class_token": 2}, {"token": 0}, {"token_range": {"start": 1, "size": 2}},
            {"cross_covariance_attention": 2}, {"talking_heads_attention": 2}, {"linear_attention": 2},
        ]
    ),
)  # fmt: skip


def specs_of(rank):
    """Return specs of inputs with so many sides: some layers of maps, and behind them some of tokens."""
    shape = st.tuples(st.sampled_from([2, 4, 6]), *[st.integers(3, 11)] * rank)
    behind = st.lists(tokens, min_size=1, max_size=3).map(lambda layers: ["tokens", *layers])
    return st.builds(
        lambda sides, first, then: {"archprof": 1, "input": "x".join(map(str, sides)), "layers": first + then},
        shape,
        st.lists(maps(rank), min_size=1, max_size=3),
        st.one_of(st.just([]), behind),
    )


@settings(max_examples=2 * settings().max_examples)
@given(st.integers(1, 3).flatmap(specs_of))
def test_any_spec_of_any_rank_agrees_on_every_row_or_says_where_it_is_wrong(spec):
    event(f"is a network: {check_or_refuse(spec)}")
