"""The soma command from the outside: statuses, streams, files and JSON of each subcommand. Usage: SOMA=build/soma test_cli.py [name…]
Needs python3 and nothing else; runs from the top of the source tree."""
import csv, gzip, io, json, math, os, pty, re, select, shutil, signal, struct, subprocess, sys, tempfile, time, zipfile, zlib

SOMA = os.path.abspath(os.environ.get("SOMA", "build/soma"))
TABLES = os.path.abspath("data/tables")
SLOW = bool(os.environ.get("SOMA_SANITIZE"))
TMP = tempfile.mkdtemp(prefix="soma-cli-")
IRIS, WINE, DIABETES = (f"{TABLES}/{n}.csv" for n in ("iris", "wine", "diabetes"))
TESTS = []


def test(f):
    TESTS.append(f)
    return f


def soma(*args, rc=0, stdin="", cwd=TMP):
    p = subprocess.run([SOMA, *map(str, args)], capture_output=True, text=True, input=stdin, cwd=cwd, timeout=300)
    assert p.returncode == rc, f"soma {' '.join(map(str, args))}: status {p.returncode}, expected {rc}: {p.stderr[-300:]}"
    return p


def objects(p):
    def refuse(x):
        raise ValueError(x)
    return [json.loads(line, parse_constant=refuse) for line in p.stdout.splitlines()]


def write(name, text):
    path = f"{TMP}/{name}"
    with open(path, "w") as f:
        f.write(text)
    return path


def pictures(name, count=60):
    """Pictures of 20 x 20, bright on the left (0) or on the right (1), as IDX files; gives the images' path."""
    body, labels = bytearray(), bytearray()
    for i in range(count):
        labels.append(i % 2)
        for y in range(20):
            for x in range(20):
                body.append((200 if (x >= 10) == bool(i % 2) else 10) + (i * 7 + x * 3 + y) % 40)
    path = f"{TMP}/{name}-images-idx3-ubyte.gz"
    with open(path, "wb") as f:
        f.write(gzip.compress(struct.pack(">IIII", 0x803, count, 20, 20) + bytes(body)))
    with open(f"{TMP}/{name}-labels-idx1-ubyte.gz", "wb") as f:
        f.write(gzip.compress(struct.pack(">II", 0x801, count) + bytes(labels)))
    return path


def one_line(p):
    lines = p.stderr.strip().splitlines()
    assert len(lines) == 1, f"expected one line of error, got {lines}"
    return lines[0]


@test
def a_refusal_is_status_2_and_one_line():
    refusals = {
        ("--epochs", "3x"): "--epochs", ("--epochs", "-3"): "--epochs", ("--val", "1.5"): "--val", ("--lr", "0"): "--lr",
        ("--lr", "autos"): "--lr", ("--opt", "adamm"): r"\badam\b", ("--opt", "adam:beta1=9"): "--opt",
        ("--schedule", "linear"): "--schedule", ("--backend", "onednnn"): r"\bonednn\b", ("--folds", "1"): "--folds",
        ("--bogus",): "--bogus", ("--delimiter", "ab"): "--delimiter",
        ("--precision", "bf61"): r"\bbf16\b",
        ("--precision", "bf16", "--backend", "portable"): "bf16", ("--augment", "flip"): "--augment",
        ("--net", "denes 8"): r"\bdense\b", ("--net", "dense 8 relu, dense 7"): "7.*3|3.*7", ("--target", "nosuch"): "nosuch",
        ("--monitor", "val_rmse"): "accuracy", ("--val", "0", "--monitor", "val_loss"): "--val 0",
        ("--init", "constant"): "--allow-symmetric", ("--json=1",): "--json", ("--epochs",): "--epochs",
        ("--net", "dense 8 bn", "--batch", "1"): "--batch", ("extra.csv",): "extra.csv",
    }
    for args, expected in refusals.items():
        line = one_line(soma("train", IRIS, *args, "--out", "refused", rc=2))
        assert re.search(expected, line), f"{args}: {line}"
    assert not os.path.exists(TMP + "/refused"), "a refused call left a run folder"
    for args in (["trian"], [], ["train"], ["eval", IRIS, IRIS], ["predict", IRIS], ["show"], ["bench", "lenett"],
                 ["run", IRIS], ["show", "--net", "dense 3"], ["show", "lenet", "--input", "0x3"]):
        one_line(soma(*args, rc=2))


@test
def help_names_every_option_and_shows_examples():
    for command in ("train", "eval", "predict", "show", "run", "bench"):
        text = soma(command, "--help").stdout
        assert "Examples" in text and f"soma {command} " in text
        assert max(map(len, text.splitlines())) <= 120, "help is wider than 120 columns"
    text = soma("train", "--help").stdout
    for option in "target ignore task labels no-header net init allow-symmetric epochs batch opt lr schedule l1 l2 clip val " \
                  "test folds patience monitor seed threads backend out overwrite resume json accumulate ema balance checkpoint-minutes".split():
        assert f"--{option}" in text, option
    assert re.match(r"soma \d+\.\d+\.\d+\n$", soma("--version").stdout)


@test
def a_run_folder_is_dated_and_latest_points_to_it():
    where = tempfile.mkdtemp(dir=TMP)
    for _ in range(2):
        soma("train", IRIS, "--epochs", 1, cwd=where)
    names = sorted(os.listdir(where + "/runs"))
    assert len(names) == 3 and "latest" in names, names
    assert os.readlink(where + "/runs/latest") in names
    assert re.match(r"\d{8}-\d{6}", names[0])
    soma("eval", "runs/latest", IRIS, cwd=where)


@test
def a_run_is_replaced_only_when_asked():
    soma("train", IRIS, "--epochs", 1, "--out", "once")
    before = open(TMP + "/once/metrics.jsonl").read()
    assert "--overwrite" in one_line(soma("train", IRIS, "--epochs", 2, "--out", "once", rc=2))
    assert open(TMP + "/once/metrics.jsonl").read() == before
    soma("train", IRIS, "--epochs", 2, "--out", "once", "--overwrite")
    assert len(open(TMP + "/once/metrics.jsonl").readlines()) == 2


@test
def without_validation_the_last_epoch_is_the_best():
    o = objects(soma("train", IRIS, "--val", 0, "--epochs", 4, "--out", "noval", "--json"))
    assert o[-1]["best_epoch"] == 4 and o[-1]["stopped"] == "epochs"
    assert not any(k.startswith("val_") for e in o for k in e)


@test
def patience_ends_training_and_the_best_epoch_is_kept():
    o = objects(soma("train", WINE, "--patience", 2, "--epochs", 500, "--lr", "0.05", "--out", "patient", "--json"))
    epochs, done = o[:-1], o[-1]
    assert done["stopped"] == "patience" and len(epochs) == done["best_epoch"] + 2
    assert min(e["val_loss"] for e in epochs) == epochs[done["best_epoch"] - 1]["val_loss"]


@test
def folds_and_test_are_reported():
    o = objects(soma("train", WINE, "--folds", 3, "--test", .2, "--epochs", 3, "--out", "folds", "--json"))
    assert [e["fold"] for e in o[:-1]] == [1] * 3 + [2] * 3 + [3] * 3 + [0] * 3
    for key in ("cv_loss", "cv_loss_sd", "cv_accuracy", "cv_accuracy_sd", "test_loss", "test_accuracy"):
        assert math.isfinite(o[-1][key]), key
    o = objects(soma("train", DIABETES, "--folds", 2, "--test", DIABETES, "--epochs", 2, "--out", "folds2", "--json"))
    for key in ("cv_rmse", "cv_rmse_sd", "test_rmse"):
        assert math.isfinite(o[-1][key]), key


def model(folder):
    return open(f"{TMP}/{folder}/model.onnx", "rb").read()


@test
def a_resumed_run_equals_an_uninterrupted_one():
    for name, extra in (("plain", []), ("cv", ["--folds", "2"]), ("dropout", ["--net", "dense 8 relu, dropout 0.3"]),
                        ("bn", ["--net", "dense 8 bn relu", "--opt", "momentum"])):
        args = ["train", WINE, "--seed", 4, "--patience", 99, "--backend", "portable", *extra]
        soma(*args, "--epochs", 6, "--out", name + "6")
        soma(*args, "--epochs", 2, "--out", name + "2")
        soma("train", "--resume", name + "2", "--epochs", 6)
        if not extra or extra[0] != "--folds":
            assert model(name + "2") == model(name + "6"), name
            lines = [[(e["epoch"], e["loss"], e["val_loss"]) for e in map(json.loads, open(f"{TMP}/{d}/metrics.jsonl"))]
                     for d in (name + "2", name + "6")]
            assert lines[0] == lines[1], name
    assert "can't be given" in one_line(soma("train", "--resume", "plain2", "--lr", "1", rc=2))
    assert "not the data" in one_line(soma("train", IRIS, "--resume", "plain2", "--epochs", 9, rc=2))


@test
def a_damaged_checkpoint_falls_back_to_the_one_before():
    soma("train", WINE, "--epochs", 3, "--out", "damaged")
    with open(TMP + "/damaged/checkpoint.safetensors", "r+b") as f:
        f.truncate(100)
    o = objects(soma("train", "--resume", "damaged", "--epochs", 5, "--json"))
    assert o[-2]["epoch"] == 5
    assert [json.loads(l)["epoch"] for l in open(TMP + "/damaged/metrics.jsonl")] == [1, 2, 3, 4, 5]


@test
def one_seed_gives_one_model_at_any_thread_count():
    images = pictures("seed")
    for i, (seed, threads) in enumerate(((1, 1), (1, 2), (2, 2))):
        soma("train", images, "--net", "conv 4 3x3 relu, maxpool 2, dense 8 relu", "--epochs", 2, "--seed", seed, "--threads", threads,
             "--backend", "portable", "--out", f"seed{i}")
    assert model("seed0") == model("seed1")
    assert model("seed1") != model("seed2")


@test
def interrupting_finishes_the_step_saves_and_can_be_resumed():
    for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        folder = f"stopped{status}"
        args = ["train", f"{TABLES}/digits.csv", "--epochs", "100000", "--patience", "1000000", "--out", folder, "--json"]
        p = subprocess.Popen([SOMA, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=TMP)
        for _ in range(3):
            p.stdout.readline()
        p.send_signal(number)
        out, err = p.communicate(timeout=120)
        assert p.returncode == status, (p.returncode, err)
        done = json.loads(out.splitlines()[-1])
        assert done["done"] and done["stopped"] == "signal" and os.path.exists(f"{TMP}/{folder}/model.onnx")
        assert "--resume" in err
        lines = open(f"{TMP}/{folder}/metrics.jsonl").read().splitlines()
        epochs = len(lines)
        o = objects(soma("train", "--resume", folder, "--epochs", epochs + 2, "--json"))
        assert o[0]["epoch"] == epochs + 1 and o[-1]["stopped"] == "epochs"
    straight = ["train", f"{TABLES}/digits.csv", "--epochs", epochs + 2, "--patience", 1000000, "--out", "straight"]
    soma(*straight)
    assert model("straight") == model(folder), "an interrupted and resumed run differs from an uninterrupted one"


@test
def a_run_that_is_not_finite_names_node_and_step():
    p = soma("train", WINE, "--net", "dense 16 relu", "--opt", "sgd", "--lr", "1e30", "--out", "nan", rc=1)
    last = p.stderr.strip().splitlines()[-1]
    assert re.search(r"epoch \d+, step \d+: .*dense\d.* not finite", last), last
    assert os.path.exists(TMP + "/nan/checkpoint.safetensors")


@test
def constant_hidden_weights_need_permission():
    soma("train", IRIS, "--init", "constant", "--allow-symmetric", "--epochs", 1, "--out", "symmetric")
    soma("train", IRIS, "--init", "constant", "--net", "logistic", "--epochs", 1, "--out", "no-hidden")


@test
def eval_and_predict_agree():
    soma("train", IRIS, "--epochs", 20, "--out", "agree")
    o = objects(soma("eval", "agree", IRIS, "--json"))[0]
    rows = list(csv.DictReader(io.StringIO(soma("predict", "agree", IRIS, "--keep", "species").stdout)))
    right = sum(r["species"] == r["prediction"] for r in rows)
    assert abs(o["accuracy"] - right / 150) < 1e-9
    scores = []
    for c in o["classes"]:
        tp = sum(r["species"] == c == r["prediction"] for r in rows)
        n = sum((r["species"] == c) + (r["prediction"] == c) for r in rows)
        scores.append(2 * tp / n)
    assert abs(o["macro_f1"] - sum(scores) / 3) < 1e-9
    loss = -sum(math.log(float(r[f"p({r['species']})"])) for r in rows) / 150
    assert abs(o["loss"] - loss) < 1e-5 * max(1, loss)


@test
def a_regression_answers_in_the_targets_units():
    soma("train", DIABETES, "--epochs", 30, "--out", "units")
    o = objects(soma("eval", "units", DIABETES, "--json"))[0]
    truth = [float(r["progression"]) for r in csv.DictReader(open(DIABETES))]
    answers = [json.loads(l)["prediction"] for l in soma("predict", "units", DIABETES, "--json").stdout.splitlines()]
    errors = [a - t for a, t in zip(answers, truth)]
    mean = sum(truth) / len(truth)
    assert abs(o["rmse"] - math.sqrt(sum(e * e for e in errors) / len(errors))) < 1e-3
    assert abs(o["mae"] - sum(map(abs, errors)) / len(errors)) < 1e-3
    assert abs(o["r2"] - (1 - sum(e * e for e in errors) / sum((t - mean) ** 2 for t in truth))) < 1e-5
    assert o["r2"] > 0.3


@test
def binary_tasks_have_two_columns_with_either_head():
    for name, net in (("one", "dense 8 relu"), ("sigmoid", "dense 8 relu, dense 1 sigmoid"), ("two", "dense 8 relu, dense 2"),
                      ("logistic", "logistic")):
        soma("train", f"{TABLES}/breast_cancer.csv", "--net", net, "--epochs", 10, "--out", name)
        rows = list(csv.DictReader(io.StringIO(soma("predict", name, f"{TABLES}/breast_cancer.csv").stdout)))
        for r in rows:
            assert abs(float(r["p(benign)"]) + float(r["p(malignant)"]) - 1) < 1e-5
        o = objects(soma("eval", name, f"{TABLES}/breast_cancer.csv", "--json"))[0]
        assert o["accuracy"] > 0.9 and 0 < o["loss"] < 0.5, (net, o)


@test
def text_columns_become_features():
    lines = ["size,colour,kind"] + [f"{i % 7},{['red', 'blue', 'green'][i % 3]},{['a', 'b', 'c'][i % 3]}" for i in range(120)]
    data = write("colours.csv", "\n".join(lines) + "\n")
    soma("train", data, "--epochs", 60, "--lr", "0.02", "--out", "colours")
    assert objects(soma("eval", "colours", data, "--json"))[0]["accuracy"] == 1
    p = soma("predict", "colours", "-", stdin="colour,size\nred,1\npurple,2\nblue,3\n")
    rows = list(csv.DictReader(io.StringIO(p.stdout)))
    assert [rows[0]["prediction"], rows[2]["prediction"]] == ["a", "b"] and rows[1]["prediction"], rows
    assert "1 cell holds a text that training did not see" in p.stderr, p.stderr


@test
def a_network_stands_beside_simpler_answers():
    # XOR of two numbers: a linear layer can't; a sum: it can.
    xor = write("xor.csv", "a,b,t\n" + "".join(f"{i * 7919 % 97 / 48 - 1},{i * 104729 % 89 / 44 - 1},"
                f"{'yes' if (i * 7919 % 97 > 48) != (i * 104729 % 89 > 44) else 'no'}\n" for i in range(600)))
    line = write("line.csv", "a,b,t\n" + "".join(f"{i * 7919 % 97},{i * 104729 % 89},{3 * (i * 7919 % 97) - (i * 104729 % 89) + 0.5}\n"
                 for i in range(400)))
    c = objects(soma("train", xor, "--test", "0.3", "--out", "xor", "--json"))[-1]["compared"]
    assert c["part"] == "test" and c["rows"] == 180 and c["worth_it"], c
    assert c["network"] > 0.9 and c["linear"] < 0.7 and 0.4 < c["majority"] < 0.7, c
    p = soma("train", line, "--lr", "0.01", "--epochs", 3, "--out", "line")
    assert "not clearly better than the linear layer: consider --net linear" in p.stdout, p.stdout
    assert "compared" not in objects(soma("train", xor, "--net", "logistic", "--epochs", 3, "--out", "xor-one", "--json"))[-1]


@test
def tables_are_read_as_they_are_found():
    rows = ["id;when;price;city;size;note;kind"]
    for i in range(200):
        city = ["Rome", "Oslo", "Bonn", f"Town{i}"][min(i % 7, 3)]
        size = "" if i % 11 == 0 else f"{i % 50},5"
        rows.append(f'{i + 1};{i % 28 + 1}.3.2024;{1 + i % 3}.{i % 900 + 100:03d},25;"{city}";{size};said what number {i} said;{"big" if i % 50 > 24 else "small"}')
    data = write("found.csv", "\ufeff" + "\r\n".join(rows) + "\r\n")
    p = soma("train", data, "--epochs", 30, "--out", "found")
    for text in ("semicolons", "decimal comma", "id", "a row number", "dates (day.month.year)", "rare ones pooled", "19 missing", "free text"):
        assert text in p.stderr, (text, p.stderr)
    assert objects(soma("eval", "found", data, "--json"))[0]["accuracy"] > 0.85
    answers = soma("predict", "found", "-", stdin="city,size,when,price\nParis,40.5,3.3.2024,1200.5\nRome,,1.1.2025,NA\n")
    assert len(answers.stdout.splitlines()) == 3 and not [r for r in csv.DictReader(io.StringIO(answers.stdout)) if not r["prediction"]]


@test
def a_closed_pipe_ends_quietly():
    soma("train", IRIS, "--epochs", 1, "--out", "pipe")
    body = open(IRIS).read().splitlines()
    big = write("big.csv", "\n".join([body[0]] + body[1:] * 200) + "\n")
    p = subprocess.Popen([SOMA, "predict", "pipe", big], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=TMP)
    p.stdout.readline()
    p.stdout.close()
    err = p.stderr.read()
    assert p.wait() == 0 and not err, (p.returncode, err)
    p = subprocess.Popen([SOMA, "data", "spiral:points=20000"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=TMP)
    p.stdout.readline()
    p.stdout.close()
    err = p.stderr.read()
    assert p.wait() == 0 and not err, (p.returncode, err)


@test
def full_output_is_an_error():
    soma("train", IRIS, "--epochs", 1, "--out", "full")
    with open("/dev/full", "w") as full:
        p = subprocess.run([SOMA, "predict", "full", IRIS], stdout=full, stderr=subprocess.PIPE, text=True, cwd=TMP)
    assert p.returncode == 1 and "standard output" in p.stderr


@test
def the_progress_bar_is_for_terminals():
    for terminal in (True, False):
        ours, theirs = pty.openpty()
        p = subprocess.Popen([SOMA, "train", f"{TABLES}/digits.csv", "--epochs", "60", "--patience", "60", "--out", f"bar{terminal}"],
                             stdout=subprocess.DEVNULL, stderr=theirs if terminal else subprocess.PIPE, cwd=TMP,
                             env={**os.environ, "TERM": "xterm"})
        os.close(theirs)
        text = b""
        if terminal:
            while True:
                try:
                    piece = os.read(ours, 65536)
                except OSError:
                    break
                if not piece:
                    break
                text += piece
        else:
            text = p.stderr.read()
        assert p.wait() == 0
        os.close(ours)
        if terminal:
            assert b"\x1b[K" in text and b"left" in text and b"loss" in text
        else:
            assert b"\x1b" not in text and b"\r" not in text


@test
def pictures_are_trained_shown_and_run():
    images = pictures("small")
    soma("train", images, "--net", "conv 4 3x3 relu, maxpool 2, dense 2", "--epochs", 8, "--out", "pictures")
    assert objects(soma("eval", "pictures", images, "--json"))[0]["accuracy"] == 1
    o = objects(soma("show", "pictures", "--json"))[0]
    assert o["parameters"] == 4 * 9 + 4 + 2 * 4 * 81 + 2, o["parameters"]
    assert [l["parameters"] for l in o["layers"]] == [40, 0, 650], o["layers"]
    assert o["flops"] == 2 * (4 * 18 * 18 * 9 + 2 * 4 * 81)
    head = str({"descr": "<f4", "fortran_order": False, "shape": (2, 1, 20, 20)})
    head += " " * (63 - (10 + len(head)) % 64) + "\n"
    with open(TMP + "/in.npy", "wb") as f:
        f.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + struct.pack("<800f", *range(800)))
    soma("run", "pictures", "--input", "x=in.npy", "--out", "result")
    got = open(TMP + "/result/probabilities.npy", "rb").read()
    assert len(got) > 16 and abs(sum(struct.unpack("<4f", got[-16:])) - 2) < 1e-5
    one_line(soma("run", "pictures", "--input", "y=in.npy", "--out", "result", rc=2))
    one_line(soma("run", "pictures", "--out", "result", rc=2))
    one_line(soma("eval", "pictures", IRIS, rc=2))


def png(width, height, channels, pixel, depth=8):
    """A PNG file; pixel(x, y) gives its samples."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + bytes(v for x in range(width) for v in pixel(x, y)) for y in range(height))
    head = struct.pack(">IIBBBBB", width, height, depth, {1: 0, 3: 2}[channels], 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def picture_folder(name, count=24):
    """Sub-folders left and right with pictures of several sizes, bright on that side; None without libpng."""
    for side in ("left", "right"):
        os.makedirs(f"{TMP}/{name}/{side}")
        for i in range(count):
            w, h = 30 + i % 7, 28 + i % 5
            def pixel(x, y):
                light = (x >= w // 2) == (side == "right")
                return [(180 if light else 20) + (i * 11 + x * 3 + y * 5 + c) % 60 for c in range(3)]
            with open(f"{TMP}/{name}/{side}/{i:02d}.png", "wb") as f:
                f.write(png(w, h, 3, pixel))
    p = subprocess.run([SOMA, "train", name, "--epochs", "2", "--out", name + "-run", "--json"], capture_output=True,
                       text=True, cwd=TMP)
    assert p.returncode == 0 or "built without libpng" in p.stderr, p.stderr
    return p if p.returncode == 0 else None


@test
def a_folder_of_pictures_is_trained_and_asked():
    p = picture_folder("sides")
    if not p:
        return
    assert "pictures of 28 to 32 x 30 to 36 (height x width): each is scaled to cover 24 x 24" in p.stderr, p.stderr
    o = objects(soma("eval", "sides-run", "sides", "--json"))[0]
    assert o["classes"] == ["left", "right"] and o["accuracy"] == 1 and sum(map(sum, o["confusion"])) == 48, o
    rows = list(csv.reader(io.StringIO(soma("predict", "sides-run", "sides/left/03.png", "sides/right/00.png").stdout)))
    assert rows[0] == ["file", "prediction", "p(left)", "p(right)"], rows[0]
    assert [r[:2] for r in rows[1:]] == [["sides/left/03.png", "left"], ["sides/right/00.png", "right"]], rows
    rows = list(csv.DictReader(io.StringIO(soma("predict", "sides-run", "sides").stdout)))
    assert len(rows) == 48 and all(r["prediction"] in r["file"] for r in rows)
    meta = open(TMP + "/sides-run/model.onnx", "rb").read()
    assert re.search(rb'"pictures": ?\{"channels": ?3', meta), "the rule does not travel with the model"
    for n in (1, 2):
        soma("train", "sides", "--epochs", 2, "--threads", n, "--out", f"sides-{n}")
    assert open(TMP + "/sides-1/model.onnx", "rb").read() == open(TMP + "/sides-2/model.onnx", "rb").read()
    soma("train", "--resume", "sides-1", "--epochs", 3)
    with open(TMP + "/sides/left/03.png", "wb") as f:
        f.write(png(30, 30, 1, lambda x, y: [7]))
    one_line(soma("train", "--resume", "sides-1", "--epochs", 4, rc=2))


@test
def a_picture_that_cannot_be_read_is_an_empty_answer():
    if not picture_folder("whole"):
        return
    good = open(TMP + "/whole/left/00.png", "rb").read()
    with open(TMP + "/half.png", "wb") as f:
        f.write(good[:-40])
    p = soma("predict", "whole-run", "half.png", "whole/left/00.png", "none.jpg", rc=1)
    rows = list(csv.DictReader(io.StringIO(p.stdout)))
    assert [r["prediction"] for r in rows] == ["", "left", ""], rows
    assert rows[0]["p(left)"] == "" and rows[2]["file"] == "none.jpg"
    lines = p.stderr.splitlines()
    assert lines == ["half.png: is a PNG file that is cut off", "none.jpg: can't be opened: No such file or directory"], lines
    o = objects(soma("predict", "whole-run", "half.png", "--json", rc=1))
    assert o == [{"file": "half.png", "prediction": None, "probabilities": None}], o
    assert "whole/left/00.png" in one_line(soma("train", "whole/left/00.png", rc=2))
    assert "is no picture" in one_line(soma("predict", "whole-run", "whole/left/00.png", IRIS, rc=2))
    one_line(soma("predict", "whole-run", "nowhere.png", rc=2))
    shutil.copy(TMP + "/half.png", TMP + "/whole/right/zz.png")
    line = one_line(soma("eval", "whole-run", "whole", rc=2))
    assert line == "soma: whole/right/zz.png: is a PNG file that is cut off", line


@test
def arrays_of_numpy_are_data():
    def npy(descr, shape, data):
        head = str({"descr": descr, "fortran_order": False, "shape": shape}).encode()
        return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + data
    def part(count):
        body = b"".join(bytes((200 if (x >= 4) == bool(i % 2) else 10) + (i + x * y) % 40 for y in range(8) for x in range(8))
                        for i in range(count))
        return npy("|u1", (count, 8, 8), body), npy("<i8", (count,), struct.pack(f"<{count}q", *(i % 2 for i in range(count))))
    with zipfile.ZipFile(TMP + "/sides.npz", "w") as z:
        for end, count in (("train", 60), ("test", 10)):
            for name, data in zip("xy", part(count)):
                with z.open(f"{name}_{end}.npy", "w", force_zip64=True) as f:  # as NumPy writes it
                    f.write(data)
    x, y = part(20)
    for name, data in (("x", x), ("y", y)):
        with open(f"{TMP}/{name}.npy", "wb") as f:
            f.write(data)
    p = soma("train", "sides.npz", "--epochs", 20, "--out", "npz")
    assert "x_train: uint8 [60, 8, 8] as 60 pictures of 1 x 8 x 8, y_train as 2 classes" in p.stderr, p.stderr
    o = objects(soma("eval", "npz", "sides.npz", "--json"))[0]
    assert o["accuracy"] == 1 and sum(map(sum, o["confusion"])) == 10
    o = objects(soma("eval", "npz", "x.npy", "--labels", "y.npy", "--json"))[0]
    assert o["accuracy"] == 1 and sum(map(sum, o["confusion"])) == 20
    assert "--labels" in one_line(soma("eval", "npz", "x.npy", rc=2))
    assert len(soma("predict", "npz", "x.npy").stdout.splitlines()) == 21


@test
def networks_of_pictures_are_known_by_name():
    sizes = {"alexnet": 62378344, "vgg16": 138357544, "googlenet": 6998552, "resnet18": 11689512, "resnet50": 25557032,
             "squeezenet": 1235496, "mobilenet_v2": 3504872, "unet": 31031745}
    for name, parameters in sizes.items():
        o = objects(soma("show", name, "--json"))[-1]
        assert o["parameters"] == parameters, f"{name}: {o['parameters']}"
    o = objects(soma("bench", "mobilenet_v2", "--input", "3x32x32", "--json"))[0]
    assert o["name"] == "mobilenet_v2" and o["samples_per_s"] > 0
    images = pictures("named", 24)
    assert objects(soma("show", "squeezenet", "--input", "1x20x20", "--json"))[-1]["outputs"][0]["shape"][1] == 1000
    soma("train", images, "--net", "squeezenet", "--epochs", "1", "--out", "named")
    soma("train", "--resume", "named", "--epochs", "2")
    assert soma("eval", "named", images).stdout.startswith("accuracy")
    assert "picture" in one_line(soma("train", images, "--net", "unet", "--out", "refused", rc=2))
    line = one_line(soma("show", "unet", "--input", "3x40x40", rc=2))
    assert "concat" in line, line


@test
def bench_reports_its_keys():
    o = objects(soma("bench", "--net", "dense 4 relu, dense 1 sigmoid", "--input", "3", "--mode", "train", "--opt", "adam",
                     "--batch", 8, "--threads", 1, "--json"))[0]
    for key in ("name", "mode", "batch", "threads", "backend", "precision", "samples_per_s", "latency_ms", "gflops", "peak_rss_mb"):
        assert key in o, key
    assert o["precision"] == "f32" and o["batch"] == 8 and o["latency_ms"]["p50"] <= o["latency_ms"]["p99"]


@test
def bench_says_what_each_step_takes():
    net = ("--net", "conv 32 3x3 p1 relu, conv 32 3x3 p1 relu, dense 2", "--input", "32x12x12", "--batch", "4")
    p = soma("bench", *net, "--steps")
    assert "winograd" in p.stdout and "share  GFLOP/s" in p.stdout, p.stdout
    p = soma("bench", *net, "--steps", "--algorithm", "direct", "--json")
    assert len(objects(p)) == 1 and "convolution" in p.stderr and "winograd" not in p.stderr, p.stderr


@test
def predicting_one_row_is_quick():
    if SLOW:
        return
    soma("train", IRIS, "--epochs", 5, "--out", "quick")
    one = write("one.csv", "\n".join(open(IRIS).read().splitlines()[:2]) + "\n")
    times = []
    for _ in range(20):
        begin = time.perf_counter()
        soma("predict", "quick", one)
        times.append(time.perf_counter() - begin)
    assert min(times) < 0.05, f"{min(times) * 1e3:.1f} ms"


def main():
    failed = 0
    for t in TESTS:
        if len(sys.argv) > 1 and t.__name__ not in sys.argv[1:]:
            continue
        begin = time.time()
        try:
            t()
            print(f"ok    {t.__name__} ({time.time() - begin:.1f} s)", flush=True)
        except Exception as e:
            failed += 1
            print(f"FAIL  {t.__name__}: {type(e).__name__} {e}", flush=True)
    shutil.rmtree(TMP, ignore_errors=True)
    sys.exit(failed > 0)


main()
