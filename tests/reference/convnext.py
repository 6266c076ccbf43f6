"""ConvNeXt written from Table 9 and Figure 4 of Liu et al. 2022, independently of archprof; details and order of
parameters are torchvision's."""

import torch
from torch import Tensor, nn

# Channels and blocks of each stage, and how likely training drops the body of the last block.
NETWORKS = {
    "convnext_tiny": ((96, 192, 384, 768), (3, 3, 9, 3), 0.1),
    "convnext_small": ((96, 192, 384, 768), (3, 3, 27, 3), 0.4),
    "convnext_base": ((128, 256, 512, 1024), (3, 3, 27, 3), 0.5),
    "convnext_large": ((192, 384, 768, 1536), (3, 3, 27, 3), 0.5),
}


class ConvNeXt(nn.Module):
    def __init__(self, channels: tuple[int, ...], blocks: tuple[int, ...], rate: float, classes: int = 1000) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(3, channels[0], 4, 4), ChannelNorm(channels[0])]
        rates = [rate * block / (sum(blocks) - 1) for block in range(sum(blocks))]
        for stage, (width, count) in enumerate(zip(channels, blocks, strict=True)):
            if stage > 0:
                layers += [ChannelNorm(channels[stage - 1]), nn.Conv2d(channels[stage - 1], width, 2, 2)]
            layers += [Block(width, rates.pop(0)) for _ in range(count)]
        self.features = nn.Sequential(*layers)
        self.norm = nn.LayerNorm(channels[-1], eps=1e-6)
        self.classifier = nn.Linear(channels[-1], classes)

    def forward(self, x: Tensor) -> Tensor:
        pooled = nn.functional.adaptive_avg_pool2d(self.features(x), 1).flatten(1)
        logits: Tensor = self.classifier(self.norm(pooled))
        return logits


class Block(nn.Module):
    def __init__(self, channels: int, rate: float) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.empty(channels, 1, 1).uniform_(0.5, 1.5))
        self.rate = rate
        self.depthwise = nn.Conv2d(channels, channels, 7, padding=3, groups=channels)
        self.norm = nn.LayerNorm(channels, eps=1e-6)
        self.expand = nn.Linear(channels, 4 * channels)
        self.project = nn.Linear(4 * channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        positions = self.norm(self.depthwise(x).movedim(1, 3))
        body = self.project(nn.functional.gelu(self.expand(positions))).movedim(3, 1)
        return x + self._dropped(self.scale * body)

    def _dropped(self, body: Tensor) -> Tensor:
        """Return the body of the images that keep it; the others get zeros (Huang et al. 2016)."""
        if not self.training or self.rate == 0:
            return body
        kept = torch.empty(len(body), 1, 1, 1).bernoulli_(1 - self.rate)
        return body * (kept / (1 - self.rate))


class ChannelNorm(nn.LayerNorm):
    """Layer normalisation over the channels of each position of a map."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.movedim(1, 3)).movedim(3, 1)
