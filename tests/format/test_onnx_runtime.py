"""Every graph that test_onnx_roundtrip knows how to build, written as ONNX: onnx.checker must accept the file and ONNX
Runtime must compute what soma's reference backend computes. Needs the packages onnx, onnxruntime and numpy, in this
Python or in the one that SOMA_PYTHON names; skipped (status 77) without them."""
import os
import subprocess
import sys
import tempfile

try:
    import numpy
    import onnx
    import onnxruntime
except ImportError as missing:
    other = os.environ.get("SOMA_PYTHON")
    if other and "SOMA_PYTHON_TRIED" not in os.environ:
        os.environ["SOMA_PYTHON_TRIED"] = "1"
        os.execv(other, [other] + sys.argv)
    print(f"skipped: {missing} (set SOMA_PYTHON to a Python with onnx, onnxruntime and numpy)")
    sys.exit(77)

BATCH = 3


def compare(folder, number):
    """An empty string, or what is wrong with a case."""
    path = os.path.join(folder, f"{number}.onnx")
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    if model.opset_import[0].version != 17 or model.ir_version != 8:
        return "is not opset 17, IR 8"
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    if [i.name for i in session.get_inputs()] != ["x"] or [o.name for o in session.get_outputs()] != ["y"]:
        return "has other inputs and outputs than x and y"
    shape = [BATCH if d == "N" else d for d in session.get_inputs()[0].shape]
    x = numpy.fromfile(os.path.join(folder, f"{number}.input"), numpy.float32).reshape(shape)
    expected = numpy.fromfile(os.path.join(folder, f"{number}.output"), numpy.float64)
    got = session.run(None, {"x": x})[0]
    declared = [BATCH if d == "N" else d for d in session.get_outputs()[0].shape]
    if not any(isinstance(d, str) for d in declared) and list(got.shape) != declared:
        return f"has shape {list(got.shape)} but declares {declared}"
    if got.size != expected.size:
        return f"has {got.size} elements instead of {expected.size}"
    if not numpy.allclose(got.reshape(-1), expected, rtol=1e-4, atol=1e-5):
        return f"differs by {numpy.abs(got.reshape(-1) - expected).max()}"
    return ""


def main():
    build = os.environ.get("SOMA_BUILD", "build")
    program = os.path.join(build, "tests", "test_onnx_roundtrip")
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        listing = subprocess.run([program, folder], check=True, capture_output=True, text=True).stdout.splitlines()
        for line in listing:
            number, name = line.split(" ", 1)
            try:
                wrong = compare(folder, number)
            except Exception as e:  # any refusal by the checker or the runtime is a failure of this case
                wrong = f"is refused: {str(e).splitlines()[0]}"
            if wrong:
                failed += 1
                print(f"{name} {wrong}")
        print(f"{len(listing) - failed} of {len(listing)} graphs agree")
    return 1 if failed or not listing else 0


if __name__ == "__main__":
    sys.exit(main())
