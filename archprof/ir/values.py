"""What flows between operators: a tensor's dims, the axis of its channels, the place of its batch, its element type."""

from archprof.ir.dims import Dim, Shape, product
from archprof.named_tuple import NamedTuple

# Where the batch stands in a shape. A number: the batch is an axis of its own, left out of the shape, which stands
# there in the whole one (0: in front). A tuple: the shape is whole, at batch 1, and each dim grows by its entry with
# every further image, as 64 windows of an image in one axis do. None: the shape is of a single batch size.
BatchAxis = int | tuple[Dim, ...] | None
# How many elements lie from one place to the next along each axis of the whole shape, at one image; of a pair, the
# second is by how much that grows with every further image. Along an axis of one place there is no next: 0.
Strides = tuple[Dim | tuple[Dim, Dim], ...]


class SingleImageError(ValueError):
    """What is asked of a shape at another batch size is known for one image alone."""


class Value(NamedTuple):
    """A tensor between two operators, of any rank.

    *shape* is that of one image, as *batch* says; *channel* is the axis of channels or features in it, None where no
    axis is one, and the others are its space: (H, W) of (C, H, W), nothing of (C,), the positions of (L, C). *strides*
    tell how it lies in memory where it was recorded and is not contiguous.
    """

    shape: Shape
    channel: int | None = 0
    batch: BatchAxis = 0
    dtype: str = "float32"
    strides: Strides | None = None

    @property
    def channels(self) -> Dim:
        """Channels or features; 1 where no axis is one."""
        return 1 if self.channel is None else self.shape[self.channel]

    @property
    def in_windows(self) -> bool:
        """Whether it is maps whose axis in front has the windows of all images, as torch's layers take them."""
        return self.channel == 1 and len(self.shape) == 4 and isinstance(self.batch, tuple)

    @property
    def is_float(self) -> bool:
        """Whether its elements can hang on something that learns."""
        return self.dtype.startswith(("float", "bfloat", "complex"))

    @property
    def space(self) -> Shape:
        """The axes that are positions."""
        if self.channel == 0:
            return self.shape[1:]
        if self.channel is None:
            return self.shape
        return self.shape[: self.channel] + self.shape[self.channel + 1 :]

    @property
    def elements(self) -> Dim:
        """Elements of one image."""
        return product(self.shape)

    def with_channels(self, channels: Dim) -> "Value":
        """Return the value with other channels on the same axes; raises ValueError where no axis is one of channels."""
        if self.channel is None:
            raise ValueError("no axis of channels")
        at = self.channel
        return Value((*self.shape[:at], channels, *self.shape[at + 1 :]), at, self.batch, self.dtype)

    def with_shape(self, shape: Shape, channel: int | None = 0) -> "Value":
        """Return a value of another shape and the same batch and element type."""
        return Value(shape, channel, self.batch, self.dtype)

    def elements_at(self, images: int) -> Dim:
        """Return the elements at a batch size; raises SingleImageError where they are not known for more."""
        if isinstance(self.batch, int):
            return product((images, *self.shape))
        return product(self.at_batch(images))

    def at_batch(self, images: int) -> Shape:
        """Return the whole shape at a batch size; raises SingleImageError where it is not known for more."""
        if isinstance(self.batch, int):
            return (*self.shape[: self.batch], images, *self.shape[self.batch :])
        if images == 1 or not self.shape:
            return self.shape
        if self.batch is None:
            raise SingleImageError("the shape at another batch size is not known")
        return tuple(dim + more * (images - 1) for dim, more in zip(self.shape, self.batch, strict=True))


def show_shape(shape: Shape) -> str:
    """Return `16×112×112`."""
    return "×".join(map(str, shape))
