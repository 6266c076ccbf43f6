"""Names of the field that archprof does not have yet: who writes one made no slip, and wants no name that looks like
it."""

from collections.abc import Mapping

NOT_YET: Mapping[str, str] = {
    "act": """
        celu crelu frelu glu hardshrink hardtanh logsigmoid lrelu maxout rrelu selu
        softshrink softsign tanhshrink threshold
    """,
    "norm": """
        localresponsenorm lrn spectralnorm switchablenorm
        syncbatchnorm weightnorm
    """,
    "block": """
        lppool mha multiheadattention patchembed
        patchmerging pixelunshuffle selfattention swinblock transformer transformerencoder
        zeropad
    """,
}


def is_not_yet(name: str, category: str) -> bool:
    """Tell whether a norm, act or block is known by that name, in whatever spelling, and not here."""
    folded = name.lower().translate({ord(sign): None for sign in "_- "}).removesuffix("2d")
    kinds = NOT_YET.values() if category == "block" else (NOT_YET[category],)
    return any(folded in names.split() for names in kinds)
