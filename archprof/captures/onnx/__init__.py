"""ONNX files as graphs, read without torch and without onnx: bytes, records, shapes, operators of ours."""
