"""--backend onednn and --precision bf16: the same answers within their rounding, and a plain sentence where the module or the
processor's instructions are missing. What needs oneDNN says that it skips where this build has none."""
import json
import os
import shutil
import subprocess
import sys
import tempfile

SOMA = os.path.abspath(os.environ.get("SOMA", "build/soma"))
IRIS, DIGITS = (os.path.abspath(f"data/tables/{name}.csv") for name in ("iris", "digits"))
PICTURES = os.path.abspath("data/mnist/t10k-images-idx3-ubyte.gz")
TMP = tempfile.mkdtemp(prefix="soma-backends-")
NET = "conv 20 5x5 relu, maxpool 2, conv 40 3x3 relu, maxpool 2, dense 300 relu, dense 10"


def soma(*args, **env):
    p = subprocess.run([SOMA, *map(str, args)], capture_output=True, text=True, cwd=TMP, timeout=300,
                       env={**os.environ, **env})
    assert p.returncode == 0, f"soma {' '.join(map(str, args))}: status {p.returncode}: {p.stderr[-400:]}"
    return p


def bench(*args, **env):
    p = soma("bench", "--net", NET, "--input", "1x28x28", "--mode", "train", "--batch", 64, *args, "--json", **env)
    return json.loads(p.stdout), p.stderr


def accuracy(folder):
    return json.loads(soma("eval", folder, PICTURES, "--json").stdout)["accuracy"]


def absence_is_said_and_portable_kernels_run():
    for args in (["--backend", "onednn"], ["--precision", "bf16"]):
        answer, said = bench(*args, SOMA_ONEDNN="")
        assert answer["backend"] == "portable" and answer["precision"] == "f32", answer
        assert said.count("\n") == 1 and ("oneDNN can't be used" in said or "no instructions for bf16" in said), said
    answer, said = bench("--backend", "onednn", SOMA_ONEDNN=IRIS)
    assert answer["backend"] == "portable" and "iris.csv" in said, said


def a_plan_shows_what_onednn_computes():
    text = soma("show", "lenet", "--plan", "--batch", 16, "--backend", "onednn").stdout
    assert "backend onednn" in text and "oneDNN f32" in text and "reorder" in text and "weights kept" in text, text
    assert "oneDNN" not in soma("show", "lenet", "--plan", "--batch", 16).stdout


def training_with_onednn_is_training():
    for name, args in (("f32", []), ("dnn", ["--backend", "onednn"]), ("again", ["--backend", "onednn"]),
                       ("bf16", ["--precision", "bf16"])):
        soma("train", PICTURES, "--net", NET, "--epochs", 4, "--batch", 32, "--seed", 2, "--out", name, *args)
    model = {name: open(f"{TMP}/{name}/model.onnx", "rb").read() for name in ("f32", "dnn", "again")}
    assert model["dnn"] == model["again"] and model["dnn"] != model["f32"]
    reached = {name: accuracy(name) for name in ("f32", "dnn", "bf16")}
    assert min(reached.values()) > 0.8 and max(reached.values()) - min(reached.values()) < 0.05, reached


def a_resumed_run_keeps_its_precision():
    soma("train", DIGITS, "--net", "dense 512 relu", "--epochs", 4, "--precision", "bf16", "--out", "whole")
    soma("train", DIGITS, "--net", "dense 512 relu", "--epochs", 2, "--precision", "bf16", "--out", "part")
    soma("train", "--resume", "part", "--epochs", 4)
    models = [open(f"{TMP}/{name}/model.onnx", "rb").read() for name in ("whole", "part")]
    assert models[0] == models[1]


def answers_with_kept_weights_agree():
    for args in (["--backend", "onednn"], ["--precision", "bf16"]):
        rows = [[line.split(",") for line in soma("predict", "f32", PICTURES, *more).stdout.splitlines()[1:]]
                for more in ([], args)]
        same = sum(a[0] == b[0] for a, b in zip(*rows))
        assert len(rows[0]) == len(rows[1]) > 100 and same >= 0.97 * len(rows[0]), (args, same)


def a_tuning_is_measured_and_followed():
    tuned = ["--net", NET, "--input", "1x28x28", "--mode", "train", "--batch", 16, "--tuning", "kernels.tuning"]
    said = soma("bench", *tuned, "--tune").stderr
    lines = open(f"{TMP}/kernels.tuning").read().splitlines()
    kernels = {line.split("\t")[1] for line in lines[1:]}
    assert lines[0] == "soma tuning 1" and {"direct", "winograd"} <= kernels, kernels
    assert f"soma: {len(lines) - 1} kernels measured into kernels.tuning" in said, (len(lines), said)
    # The direct kernels become the fastest: then training gives the bits of --algorithm direct.
    with open(f"{TMP}/direct.tuning", "w") as file:
        for line in lines:
            seconds, tab, rest = line.partition("\t")
            file.write(f"{'1e-9' if rest.startswith('direct') else seconds}{tab}{rest}\n")
    train = ["train", PICTURES, "--net", NET, "--epochs", 1, "--batch", 16, "--augment", "none", "--seed", 2]
    for name, args in (("direct", ["--algorithm", "direct"]), ("tuned", ["--tuning", "direct.tuning"]), ("plain", [])):
        soma(*train, "--out", name, *args)
    weights = {name: open(f"{TMP}/{name}/model.onnx", "rb").read() for name in ("direct", "tuned", "plain")}
    assert weights["direct"] == weights["tuned"] != weights["plain"]
    p = subprocess.run([SOMA, "bench", "lenet", "--tuning", IRIS], capture_output=True, text=True, cwd=TMP)
    assert p.returncode and p.stderr.count("\n") == 1 and "line 1" in p.stderr, p.stderr
    p = subprocess.run([SOMA, "bench", "lenet", "--tune"], capture_output=True, text=True, cwd=TMP)
    assert p.returncode == 2 and "--tuning FILE" in p.stderr, p.stderr


def main():
    answer, said = bench("--backend", "onednn")
    tests = [absence_is_said_and_portable_kernels_run, a_tuning_is_measured_and_followed]
    if answer["backend"] == "onednn":
        tests += [a_plan_shows_what_onednn_computes, training_with_onednn_is_training, a_resumed_run_keeps_its_precision,
                  answers_with_kept_weights_agree]
    else:
        assert "oneDNN can't be used" in said, said
        print(f"      (skipped all but one test: {said.strip()})")
    if os.environ.get("SOMA_SANITIZE"):  # what takes long there
        tests = [t for t in tests if t in (absence_is_said_and_portable_kernels_run, a_plan_shows_what_onednn_computes,
                                           a_resumed_run_keeps_its_precision)]
    failed = 0
    for t in tests:
        try:
            t()
            print(f"ok    {t.__name__}", flush=True)
        except Exception as e:
            failed += 1
            print(f"FAIL  {t.__name__}: {type(e).__name__} {e}", flush=True)
    shutil.rmtree(TMP, ignore_errors=True)
    sys.exit(failed > 0)


main()
