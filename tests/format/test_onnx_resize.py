"""Resize in every mode that soma reads, against ONNX Runtime: enlarged and reduced, by scales and by sizes; and padding as
PyTorch writes it for open shapes, its list turned round while the model is read. Needs the packages
onnx, onnxruntime and numpy, in this Python or in the one that SOMA_PYTHON names; skipped (status 77) without them."""
import itertools
import os
import subprocess
import sys
import tempfile

try:
    import numpy
    import onnx
    import onnxruntime
    from onnx import TensorProto, helper
except ImportError as missing:
    other = os.environ.get("SOMA_PYTHON")
    if other and "SOMA_PYTHON_TRIED" not in os.environ:
        os.environ["SOMA_PYTHON_TRIED"] = "1"
        os.execv(other, [other] + sys.argv)
    print(f"skipped: {missing} (set SOMA_PYTHON to a Python with onnx, onnxruntime and numpy)")
    sys.exit(77)

SOMA = os.environ.get("SOMA", os.path.join(os.environ.get("SOMA_BUILD", "build"), "soma"))
PLACES = ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"]
CHANGES = [("scales", [1, 1, 2, 2]), ("scales", [1, 1, 3, 1]), ("sizes", [2, 3, 7, 4]), ("sizes", [2, 3, 2, 9])]
X = numpy.random.default_rng(1).standard_normal((2, 3, 4, 5)).astype(numpy.float32)


def save(path, nodes, constants):
    graph = helper.make_graph(nodes, "picture", [helper.make_tensor_value_info("x", TensorProto.FLOAT, X.shape)],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def resize(path, change, numbers, **attributes):
    kind = TensorProto.FLOAT if change == "scales" else TensorProto.INT64
    inputs = ["x", "", "numbers"] if change == "scales" else ["x", "", "", "numbers"]
    save(path, [helper.make_node("Resize", inputs, ["y"], **attributes)], [helper.make_tensor("numbers", kind, [4], numbers)])


def pad(path, last_first):
    """[left, right, above, below, …] -> rows, turned round, transposed -> [before of each axis, after of each axis]."""
    whole = last_first + [0] * (8 - len(last_first))
    lists = {"whole": whole, "rows": [-1, 2], "start": [-1], "end": [-(2**63) + 1], "axis": [0], "step": [-1], "flat": [-1]}
    save(path, [helper.make_node("Reshape", ["whole", "rows"], ["pairs"]),
                helper.make_node("Slice", ["pairs", "start", "end", "axis", "step"], ["turned"]),
                helper.make_node("Transpose", ["turned"], ["columns"], perm=[1, 0]),
                helper.make_node("Reshape", ["columns", "flat"], ["pads"]),
                helper.make_node("Pad", ["x", "pads"], ["y"])],
         [helper.make_tensor(name, TensorProto.INT64, [len(values)], values) for name, values in lists.items()])


def agrees(folder, what):
    """Whether soma and ONNX Runtime answer the same."""
    path, data, out = (os.path.join(folder, name) for name in ("model.onnx", "x.npy", "out"))
    expected = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, {"x": X})[0]
    done = subprocess.run([SOMA, "run", path, "--input", f"x={data}", "--out", out], capture_output=True, text=True)
    got = None if done.returncode else numpy.load(os.path.join(out, "y.npy"))
    if got is not None and got.shape == expected.shape and numpy.allclose(got, expected, rtol=1e-4, atol=1e-5):
        return True
    print(what, done.stderr.strip() or "other numbers")
    return False


def main():
    results = []
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.onnx")
        numpy.save(os.path.join(folder, "x.npy"), X)
        modes = [{"mode": "linear"}, {"mode": "cubic"}, {"mode": "cubic", "cubic_coeff_a": -0.5, "exclude_outside": 1}]
        modes += [{"mode": "nearest", "nearest_mode": n} for n in ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")]
        for mode, place, (change, numbers) in itertools.product(modes, PLACES, CHANGES):
            resize(path, change, numbers, coordinate_transformation_mode=place, **mode)
            results.append(agrees(folder, (mode, place, change, numbers)))
        for last_first in ([1, 2], [1, 0, 0, 3], [0, 0, 2, 1, 0, 1]):
            pad(path, last_first)
            results.append(agrees(folder, last_first))
    print(f"{sum(results)} of {len(results)} agree")
    return not all(results)


sys.exit(main())
