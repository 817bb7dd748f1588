"""Resize in every mode that soma reads, against ONNX Runtime: enlarged and reduced, by scales and by sizes. Needs the packages
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


def model(path, change, numbers, **attributes):
    kind = TensorProto.FLOAT if change == "scales" else TensorProto.INT64
    inputs = ["x", "", "numbers"] if change == "scales" else ["x", "", "", "numbers"]
    graph = helper.make_graph([helper.make_node("Resize", inputs, ["y"], **attributes)], "resize",
                              [helper.make_tensor_value_info("x", TensorProto.FLOAT, X.shape)],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
                              [helper.make_tensor("numbers", kind, [4], numbers)])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def main():
    failed = count = 0
    with tempfile.TemporaryDirectory() as folder:
        path, data, out = (os.path.join(folder, name) for name in ("model.onnx", "x.npy", "out"))
        numpy.save(data, X)
        modes = [{"mode": "linear"}, {"mode": "cubic"}, {"mode": "cubic", "cubic_coeff_a": -0.5, "exclude_outside": 1}]
        modes += [{"mode": "nearest", "nearest_mode": n} for n in ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")]
        for mode, place, (change, numbers) in itertools.product(modes, PLACES, CHANGES):
            model(path, change, numbers, coordinate_transformation_mode=place, **mode)
            expected = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, {"x": X})[0]
            done = subprocess.run([SOMA, "run", path, "--input", f"x={data}", "--out", out], capture_output=True, text=True)
            count += 1
            got = None if done.returncode else numpy.load(os.path.join(out, "y.npy"))
            if got is None or got.shape != expected.shape or not numpy.allclose(got, expected, rtol=1e-4, atol=1e-5):
                failed += 1
                print(mode, place, change, numbers, done.stderr.strip() or "other numbers")
    print(f"{count - failed} of {count} agree")
    return failed > 0


sys.exit(main())
