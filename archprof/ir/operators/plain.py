"""Operators of ONNX files, which run in inference alone, that have nothing in memory but what goes in and comes out."""

# What computes each element or along an axis, products, and what moves elements.
_PLAIN = (
    "Abs Acos Acosh Add And ArgMax ArgMin Asin Asinh Atan Atanh BitShift Cast CastLike Ceil Celu Clip Compress Concat "
    "ConstantOfShape Cos Cosh CumSum DepthToSpace Div Dropout Elu Equal Erf Exp Expand EyeLike Flatten Floor Gather "
    "GatherElements GatherND Gemm Greater GreaterOrEqual HardSigmoid HardSwish Hardmax Identity IsInf IsNaN LeakyRelu "
    "Less LessOrEqual Log LogSoftmax MatMul Max Mean Min Mish Mod Mul Neg Not OneHot Or PRelu Pad Pow Range "
    "Reciprocal ReduceL1 ReduceL2 ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum Relu Reshape Resize "
    "ReverseSequence Round ScatterElements ScatterND Selu Shrink Sigmoid Sign Sin Sinh Slice Softmax Softplus "
    "Softsign SpaceToDepth Split Sqrt Squeeze Sub Sum Tan Tanh ThresholdedRelu Tile TopK Transpose Trilu Unsqueeze "
    "Upsample Where Xor"
)
_NAMES = frozenset(_PLAIN.split())


def is_plain(name: str) -> bool:
    """Tell whether an operator, by its name in ONNX, has nothing else in memory."""
    return name in _NAMES
