"""The encoder and decoder that docs/how-to/write-down-a-network.md writes down is torch's own, with its weights."""

import torch
from torch import nn

import archprof
from archprof.runtime.build import build_network
from tests.docs.markdown import ROOT, blocks

PAGE = ROOT / "docs/how-to/write-down-a-network.md"


class Words(nn.Module):
    """torch's Transformer between word vectors that are one matrix, as in the paper (Vaswani et al. 2017, section 3.4);
    the norms behind its two halves are none of the paper's."""

    def __init__(self, words, features, heads, layers):
        super().__init__()
        self.words = nn.Embedding(words, features)
        self.body = nn.Transformer(features, heads, layers, layers, 4 * features, dropout=0.0, batch_first=True)
        self.body.encoder.norm = self.body.decoder.norm = None

    def forward(self, source, target):
        mask = self.body.generate_square_subsequent_mask(target.shape[1])
        features = self.body(self.words(source), self.words(target), tgt_mask=mask, tgt_is_causal=True)
        return features @ self.words.weight.T


def in_order(module):
    """Yield torch's weights in the order of the spec, where queries, keys and values beside memory are apart."""
    yield module.words.weight
    for layer in (*module.body.encoder.layers, *module.body.decoder.layers):
        yield from layer.self_attn.parameters()
        yield from layer.norm1.parameters()
        if hasattr(layer, "multihead_attn"):
            other = layer.multihead_attn
            for weight, bias in zip(other.in_proj_weight.chunk(3), other.in_proj_bias.chunk(3), strict=True):
                yield from (weight, bias)
            yield from other.out_proj.parameters()
            yield from layer.norm2.parameters()
        last = layer.norm3 if hasattr(layer, "multihead_attn") else layer.norm2
        for inner in (layer.linear1, layer.linear2, last):
            yield from inner.parameters()


def test_the_transformer_of_the_page_is_torchs(tmp_path):
    (text,) = [block.text for block in blocks(PAGE.read_text("utf-8")) if block.mark == "file: transformer.yaml"]
    file = tmp_path / "transformer.yaml"
    file.write_text(text, "utf-8")
    whole = sum(weight.numel() for weight in Words(37000, 512, 8, 6).to("meta").parameters())
    assert archprof.analyze(str(file)).totals.params == whole == 63_082_496
    # Smaller, it runs at once.
    file.write_text(text.replace("37000", "50").replace("c: 512", "c: 16").replace("n: 6", "n: 2"), "utf-8")
    network, module = build_network(archprof.expand(str(file))).eval(), Words(50, 16, 8, 2).eval()
    with torch.no_grad():
        for parameter, weight in zip(network.parameters(), in_order(module), strict=True):
            parameter.copy_(weight)
        source, target = torch.randint(0, 50, (2, 64)), torch.randint(0, 50, (2, 48))
        assert torch.allclose(network(source, target), module(source, target), atol=1e-5)
