"""Networks of every kind that the command line trains: onnx.checker must accept the model and ONNX Runtime must answer as
`soma run` and `soma predict` do. Needs onnx, onnxruntime and numpy, in this Python or in the one that SOMA_PYTHON names;
skipped (status 77) without them."""
import csv
import io
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

SOMA = os.path.abspath(os.environ.get("SOMA", "build/soma"))
TABLES, MNIST = os.path.abspath("data/tables"), os.path.abspath("data/mnist")
TMP = tempfile.mkdtemp(prefix="soma-onnx-")
PICTURES = [f"{MNIST}/t10k-images-idx3-ubyte.gz"]
MIXED = f"{TMP}/mixed.csv"
CASES = {
    "iris": [f"{TABLES}/iris.csv"],
    "wine": [f"{TABLES}/wine.csv", "--net", "dense 16 bn gelu, dropout 0.2, dense 8 silu"],
    "breast_cancer": [f"{TABLES}/breast_cancer.csv"],
    "two_outputs": [f"{TABLES}/breast_cancer.csv", "--net", "dense 8 elu, dense 2"],
    "digits": [f"{TABLES}/digits.csv", "--net", "dense 24 leaky_relu, dense 16 softplus, dense 12 hard_sigmoid"],
    "diabetes": [f"{TABLES}/diabetes.csv"],
    "linear": [f"{TABLES}/diabetes.csv", "--net", "linear"],
    "logistic": [f"{TABLES}/breast_cancer.csv", "--net", "logistic"],
    "text_columns": [MIXED],
    "lenet": [*PICTURES, "--net", "lenet"],
    "residual": [*PICTURES, "--net", "conv 4 3x3 s2 p1 bn relu, residual(conv 4 3x3 p1 bn relu, conv 4 3x3 p1 bn), relu, "
                 "concat(conv 4 1x1 | avgpool 3 s1 p1), avgpool global, dense 10"],
    "words": [*PICTURES, "--net", "stem: conv 4 3x3 s4 p1 in relu6, lrn, concat(identity | maxpool 2 ceil, convt 4 2x2 s2 gn "
              "2 relu, avgpool 2 s1), upsample 2, avgpool 2, conv 8 3x3 s2 ln relu, dense 10"],
}


def soma(*arguments):
    p = subprocess.run([SOMA, *arguments], capture_output=True, text=True, cwd=TMP, timeout=600)
    assert p.returncode == 0, f"soma {' '.join(arguments)}: status {p.returncode}: {p.stderr[-300:]}"
    return p.stdout


def compare(name, arguments):
    folder = f"{TMP}/{name}"
    soma("train", *arguments, "--epochs", "2", "--seed", "3", "--out", folder)
    path = folder + "/model.onnx"
    onnx.checker.check_model(onnx.load(path), full_check=True)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    shape = session.get_inputs()[0].shape
    random = numpy.random.default_rng(1)
    x = random.uniform(0, 250, [7, *shape[1:]]).astype(numpy.float32)
    if name == "text_columns":
        x[:, 1] = random.integers(0, 3, 7)
    numpy.save(f"{TMP}/x.npy", x)
    soma("run", folder, "--input", f"x={TMP}/x.npy", "--out", folder + "/answers")
    for output, expected in zip(session.get_outputs(), session.run(None, {"x": x})):
        got = numpy.load(f"{folder}/answers/{output.name}.npy")
        numpy.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)
    if not arguments[0].startswith(TABLES):
        return
    rows = list(csv.reader(open(arguments[0])))[1:]
    x = numpy.array([[float(c) for c in r[:-1]] for r in rows], numpy.float32)
    answers = session.run(None, {"x": x})
    predicted = list(csv.DictReader(io.StringIO(soma("predict", folder, arguments[0]))))
    columns = [c for c in predicted[0] if c.startswith("p(")] or ["prediction"]
    got = numpy.array([[float(r[c]) for c in columns] for r in predicted])
    numpy.testing.assert_allclose(got, answers[0], rtol=1e-4, atol=1e-5)


with open(MIXED, "w") as file:
    file.write("size,colour,weight,answer\n")
    for i in range(120):
        file.write(f"{i % 7},{('red', 'green', 'blue')[i % 3]},{i % 11 / 3},{('no', 'yes')[(i % 7 > 3) ^ (i % 3 == 1)]}\n")
failed = 0
for name, arguments in CASES.items():
    try:
        compare(name, arguments)
    except Exception as e:
        failed += 1
        print(f"{name}: {str(e).strip()[:400]}")
print(f"{len(CASES) - failed} passed, {failed} failed")
sys.exit(failed > 0)
