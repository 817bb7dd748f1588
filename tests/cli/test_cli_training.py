"""How `soma train` paces, weighs, measures and keeps a training, from the outside. Usage: SOMA=build/soma test_cli_training.py
Needs python3 and nothing else; runs from the top of the source tree."""
import json, math, os, random, re, shutil, signal, struct, subprocess, sys, tempfile, time

SOMA = os.path.abspath(os.environ.get("SOMA", "build/soma"))
TABLES = os.path.abspath("data/tables")
TMP = tempfile.mkdtemp(prefix="soma-training-")
IRIS, WINE, DIABETES, DIGITS, CANCER = (f"{TABLES}/{n}.csv" for n in ("iris", "wine", "diabetes", "digits", "breast_cancer"))
TESTS = []


def test(f):
    TESTS.append(f)
    return f


def soma(*args, rc=0):
    p = subprocess.run([SOMA, *map(str, args)], capture_output=True, text=True, cwd=TMP, timeout=300)
    assert p.returncode == rc, f"soma {' '.join(map(str, args))}: status {p.returncode}, expected {rc}: {p.stderr[-300:]}"
    return p


def objects(*args):
    return [json.loads(line) for line in soma(*args, "--json").stdout.splitlines()]


def model(folder):
    return open(f"{TMP}/{folder}/model.onnx", "rb").read()


def state(folder):
    """What the checkpoint says about the position; None while there is none."""
    try:
        with open(f"{TMP}/{folder}/checkpoint.safetensors", "rb") as f:
            return json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))["__metadata__"]
    except FileNotFoundError:
        return None


@test
def settings_that_are_wrong_or_said_twice_are_refused():
    for args, words in ((["--opt", "adam:beta3=1"], "no setting 'beta3'; did you mean beta"),
                        (["--opt", "sgd:beta1=0.9"], "sgd has no setting 'beta1'"),
                        (["--opt", "adam:beta2=1"], "from 0 and below 1, not '1'"),
                        (["--opt", "adam:lr=0"], "above 0"), (["--opt", "adam:lr=1e-3,lr=1"], "twice"),
                        (["--opt", "adam:"], "key=value"), (["--opt", "adam:lr"], "key=value"), (["--opt", "adm:lr=1"], "did you mean adam"),
                        (["--opt", "sgd:nesterov=1"], "momentum"),
                        (["--opt", "adam:lr=1e-3", "--lr", 1], "two learning rates"),
                        (["--opt", "adam:lr=1e-3", "--lr", "auto"], "two learning rates"),
                        (["--opt", "adam:weight_decay=0", "--l2", 1], "are the same"),
                        (["--schedule", "onecycle:max=1", "--lr", 1], "max takes the place"),
                        (["--schedule", "onecycle:mx=1"], "did you mean max"),
                        (["--schedule", "cosine:size=3"], "cosine has no setting 'size'"),
                        (["--schedule", "plateau:patience=1.5"], "whole number"),
                        (["--schedule", "cosine:warmup=1,warmup_steps=3"], "same thing"),
                        (["--lr", "autos"], "auto"), (["--ema", 1], "from 0 and below 1"), (["--accumulate", 0], "whole number"),
                        (["--checkpoint-minutes", -1], "from 0"), (["--monitor", "val_r2"], "val_macro_f1"),
                        (["--monitor", "val_top5"], "more than 5"), (["--monitor", "val_auc", "--val", 0], "--val 0")):
        lines = soma("train", IRIS, "--out", "refused", *args, rc=2).stderr.splitlines()
        assert len(lines) == 1 and words in lines[0], (args, lines)
    for args, words in ((["--balance"], "target is a number"), (["--monitor", "val_auc"], "val_mae, val_r2")):
        lines = soma("train", DIABETES, "--out", "refused", *args, rc=2).stderr.splitlines()
        assert len(lines) == 1 and words in lines[0], (args, lines)
    assert not os.path.exists(TMP + "/refused")


@test
def settings_do_what_options_do():
    common = ["train", WINE, "--epochs", 3, "--seed", 2]
    for i, (one, other) in enumerate(((["--opt", "adam:lr=0.02,weight_decay=0.1"], ["--opt", "adam", "--lr", 0.02, "--l2", 0.1]),
                                      (["--opt", "sgd:momentum=0.9,nesterov=1"], ["--opt", "nesterov"]),
                                      (["--schedule", "onecycle:max=0.1"], ["--schedule", "onecycle", "--lr", 0.1]),
                                      (["--opt", "adam:beta1=0.9,beta2=0.999,eps=1e-8"], ["--opt", "adam"]))):
        soma(*common, *one, "--out", f"one{i}")
        soma(*common, *other, "--out", f"other{i}")
        assert model(f"one{i}") == model(f"other{i}"), (one, other)
    soma(*common, "--opt", "adam:beta2=0.9", "--out", "beta")
    assert model("beta") != model("one3")


@test
def rates_follow_the_schedule():
    def rates(*args):
        return [e["lr"] for e in objects("train", WINE, "--epochs", 6, "--patience", 99, "--overwrite", "--out", "rates", *args)[:-1]]
    half = rates("--schedule", "step:size=2,gamma=0.5", "--lr", 0.04)
    assert all(abs(a - b) < 1e-12 for a, b in zip(half, [0.04, 0.04, 0.02, 0.02, 0.01, 0.01])), half
    cosine = rates("--schedule", "cosine", "--lr", 0.04)
    assert cosine == sorted(cosine, reverse=True) and cosine[-1] < 1e-4
    warm = rates("--schedule", "constant:warmup=3", "--lr", 0.03)
    assert all(abs(a - b) < 1e-12 for a, b in zip(warm, [0.01, 0.02, 0.03, 0.03, 0.03, 0.03])), warm
    falling = rates("--schedule", "plateau:patience=0,threshold=0.9", "--opt", "sgd:lr=1e-6")
    assert falling[0] == 1e-6 and falling[2] == 1e-7, falling


@test
def a_resumed_run_equals_an_uninterrupted_one():
    for i, extra in enumerate((["--schedule", "onecycle:max=0.05"], ["--schedule", "plateau:patience=1,factor=0.5"],
                               ["--ema", 0.95], ["--accumulate", 3], ["--lr", "auto"], ["--balance", "--monitor", "val_auc"],
                               ["--schedule", "cosine:warmup=0.2", "--ema", 0.9, "--accumulate", 4, "--lr", "auto",
                                "--net", "dense 16 bn relu, dropout 0.2"])):
        args = ["train", CANCER, "--seed", 5, "--patience", 99999, "--backend", "portable", "--batch", 4, *extra]
        epochs = 30
        soma(*args, "--epochs", epochs, "--out", f"straight{i}")
        p = subprocess.Popen([SOMA, *map(str, args), "--epochs", str(epochs), "--out", f"broken{i}", "--checkpoint-minutes", "0.005"],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=TMP)
        for attempt in range(3):
            time.sleep(0.03)
            p.kill() if attempt % 2 else p.terminate()
            p.wait()
            if not state(f"broken{i}"):
                break
            p = subprocess.Popen([SOMA, "train", "--resume", f"broken{i}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=TMP)
        p.wait()
        soma("train", "--resume", f"broken{i}") if state(f"broken{i}") else soma(*args, "--epochs", epochs, "--out", f"broken{i}")
        assert model(f"straight{i}") == model(f"broken{i}"), extra
        # Times differ; everything else is the same.
        lines = [[{k: v for k, v in json.loads(l).items() if k not in ("seconds", "samples_per_s")} for l in open(f"{TMP}/{d}{i}/metrics.jsonl")]
                 for d in ("straight", "broken")]
        assert lines[0] == lines[1], extra


@test
def checkpoints_come_within_an_epoch_too():
    width = 32 if os.environ.get("SOMA_SANITIZE") else 256  # the epoch takes some checkpoints long
    args = ["train", DIGITS, "--net", f"dense {width} relu, dense {width} relu", "--batch", 1, "--epochs", 1, "--threads", 1, "--checkpoint-minutes", 0.0001]
    p = subprocess.Popen([SOMA, *map(str, args), "--out", "within"], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd=TMP)
    seen = None
    for _ in range(5000):
        seen = state("within")
        if (seen and int(seen["soma.step"]) > 0) or p.poll() is not None:
            break
        time.sleep(0.002)
    p.kill()
    p.wait()
    assert seen and int(seen["soma.step"]) > 0 and seen["soma.epoch"] == "0", "no checkpoint came within the epoch"
    assert os.path.exists(TMP + "/within/checkpoint.previous.safetensors")
    soma("train", "--resume", "within", "--threads", 1)
    soma(*args, "--out", "whole")
    assert model("within") == model("whole")


@test
def a_schedule_with_an_end_is_not_made_longer_by_itself():
    soma("train", WINE, "--epochs", 4, "--schedule", "cosine", "--out", "end")
    lines = soma("train", "--resume", "end", "--epochs", 8, rc=2).stderr.splitlines()
    assert len(lines) == 1 and "laid out for 4 epochs" in lines[0] and "--schedule" in lines[0], lines
    o = objects("train", "--resume", "end", "--epochs", 8, "--schedule", "cosine")
    assert o[-2]["epoch"] == 8 and o[-2]["lr"] < o[0]["lr"]
    soma("train", WINE, "--epochs", 4, "--schedule", "step:size=3", "--out", "noend")
    assert objects("train", "--resume", "noend", "--epochs", 5)[-2]["epoch"] == 5


@test
def the_range_test_says_its_rate_and_repeats_it():
    notes = [soma("train", WINE, "--lr", "auto", "--epochs", 2, "--seed", 3, "--overwrite", "--out", "auto").stderr for _ in range(2)]
    said = [re.search(r"--lr auto: the learning rate is (\S+)", n) for n in notes]
    assert said[0] and said[0].group(1) == said[1].group(1)
    rate = objects("train", "--resume", "auto", "--epochs", 3)[0]["lr"]
    assert abs(rate - float(said[0].group(1))) < 0.01 * rate and 1e-5 < rate < 1


@test
def imbalance_is_told_and_balanced():
    rows = [f"{(i * 37 % 101) / 101 + (0.3 if i % 12 == 0 else 0):.4f},{'rare' if i % 12 == 0 else 'usual'}" for i in range(600)]
    with open(TMP + "/rare.csv", "w") as f:
        f.write("x,kind\n" + "\n".join(rows) + "\n")
    recall = {}
    for name, extra in (("plain", []), ("balanced", ["--balance"])):
        said = soma("train", "rare.csv", "--epochs", 30, "--out", name, *extra).stderr
        assert "'rare' with 8.3 % of the rows" in said and "--balance" in said, said
        o = objects("eval", name, "rare.csv")[0]
        recall[name] = o["recall"][o["classes"].index("rare")]
    assert recall["balanced"] > recall["plain"] + 0.2, recall
    assert "--balance" not in soma("train", WINE, "--epochs", 1, "--out", "even").stderr


@test
def training_is_judged_by_any_metric():
    for data, names in ((CANCER, ("val_auc", "val_macro_f1", "val_average_precision", "val_calibration_error", "val_accuracy")),
                        (DIGITS, ("val_top5",)), (DIABETES, ("val_mae", "val_r2", "val_rmse"))):
        for name in names:
            o = objects("train", data, "--monitor", name, "--epochs", 8, "--overwrite", "--out", "judged")
            values = [e[name] for e in o[:-1]]
            best = max(values) if name not in ("val_calibration_error", "val_mae", "val_rmse") else min(values)
            assert o[-1]["best_epoch"] == values.index(best) + 1, (name, values, o[-1]["best_epoch"])


@test
def eval_shows_every_metric():
    soma("train", CANCER, "--epochs", 5, "--out", "shown")
    o = objects("eval", "shown", CANCER)[0]
    n = len(o["classes"])
    assert all(len(o[k]) == n for k in ("precision", "recall", "f1", "support")) and "top5" not in o
    assert o["support"] == [sum(row) for row in o["confusion"]]
    assert abs(sum(o["f1"]) / n - o["macro_f1"]) < 1e-12
    assert 0.95 < o["auc"] <= 1 and 0.9 < o["average_precision"] <= 1 and 0 <= o["calibration_error"] < 0.2
    text = soma("eval", "shown", CANCER).stdout
    assert f"AUC      {o['auc']:.4f}" in text and "precision  recall" in text
    soma("train", DIGITS, "--epochs", 2, "--out", "ten")
    o = objects("eval", "ten", DIGITS)[0]
    assert o["accuracy"] < o["top5"] <= 1


@test
def a_closed_terminal_saves_and_nohup_goes_on():
    args = [SOMA, "train", DIGITS, "--epochs", "1000000", "--patience", "1000000", "--json"]
    p = subprocess.Popen([*args, "--out", "hangup"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=TMP)
    p.stdout.readline()
    p.send_signal(signal.SIGHUP)
    p.send_signal(signal.SIGHUP)
    out, err = p.communicate(timeout=60)
    assert p.returncode == 129 and "--resume hangup" in err, (p.returncode, err)
    assert json.loads(out.splitlines()[-1])["stopped"] == "signal" and os.path.exists(TMP + "/hangup/model.onnx")
    p = subprocess.Popen([*args, "--out", "nohup"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=TMP,
                         preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    first = json.loads(p.stdout.readline())["epoch"]
    p.send_signal(signal.SIGHUP)
    later = [json.loads(p.stdout.readline())["epoch"] for _ in range(50)][-1]
    p.terminate()
    p.communicate(timeout=60)
    assert p.returncode == 143 and later > first


def skewed_table(name, rows=400):
    """y is an exponential of a and b, times noise; returns the file's path."""
    r = random.Random(5)
    with open(f"{TMP}/{name}", "w") as f:
        f.write("a,b,y\n")
        for _ in range(rows):
            a, b = r.gauss(0, 1), r.gauss(0, 1)
            f.write(f"{a:.4f},{b:.4f},{math.exp(3 + a + 0.7 * b + 0.3 * r.gauss(0, 1)):.4f}\n")
    return name


@test
def the_logarithm_of_a_skewed_target_is_learnt_where_that_helps():
    data, rmse, note = skewed_table("skewed.csv"), {}, "its logarithm is learnt"
    for choice in ("none", "log", "auto"):
        p = soma("train", data, "--test", 0.25, "--target-transform", choice, "--json", "--out", f"skew_{choice}")
        lines = [json.loads(line) for line in p.stdout.splitlines()]
        rmse[choice] = lines[-1]["test_rmse"]
        assert (note in p.stderr) == (choice == "auto"), p.stderr
        assert all(math.isfinite(e["rmse"]) and e["val_rmse"] < 300 for e in lines[:-1])
    assert rmse["log"] == rmse["auto"] < rmse["none"], rmse
    # The file answers in the target's unit, and eval measures there too.
    evaluated = json.loads(soma("eval", "skew_log", data, "--json").stdout)
    answers = [float(line.split(",")[0]) for line in soma("predict", "skew_log", data).stdout.splitlines()[1:]]
    truth = [float(line.split(",")[2]) for line in open(f"{TMP}/{data}").read().splitlines()[1:]]
    by_hand = math.sqrt(sum((a - y) ** 2 for a, y in zip(answers, truth)) / len(truth))
    assert abs(evaluated["rmse"] - by_hand) < 1e-4 * by_hand and math.isfinite(evaluated["loss"])
    assert note not in soma("train", DIABETES, "--epochs", 2, "--out", "not_skewed").stderr


@test
def resuming_a_learnt_logarithm_gives_the_same_bits():
    data = skewed_table("skewed.csv")
    soma("train", data, "--epochs", 12, "--target-transform", "log", "--out", "log12", "--patience", 50)
    soma("train", data, "--epochs", 5, "--target-transform", "log", "--out", "log5", "--patience", 50)
    soma("train", "--resume", "log5", "--epochs", 12)
    assert model("log12") == model("log5")


@test
def logarithms_that_do_not_exist_are_refused():
    with open(TMP + "/negative.csv", "w") as f:
        f.write("a,y\n" + "".join(f"{i},{i * 0.5 - 3}\n" for i in range(40)))
    for data, words in ((IRIS, "the target is a class"), ("negative.csv", "from 0 up, but a target is -3")):
        lines = soma("train", data, "--target-transform", "log", "--out", "refused", rc=2).stderr.splitlines()
        assert len(lines) == 1 and words in lines[0], lines
        assert not os.path.exists(TMP + "/refused")
    with open(TMP + "/zeros.csv", "w") as f:  # counts: 0 gets a logarithm by a shift
        f.write("a,y\n" + "".join(f"{i},{i // 7}\n" for i in range(60)))
    soma("train", "zeros.csv", "--target-transform", "log", "--out", "zeros")
    first = float(soma("predict", "zeros", "zeros.csv").stdout.splitlines()[1])
    assert -0.7 < first < 1.5, first


@test
def parts_are_written_as_they_stand_in_the_table():
    rows = ["\ufeffname;size;kind"] + [f'"n;{i}";{i},5;{"ab"[i % 2]}' for i in range(30)] + ['"two\nlines";9,5;a', "x;9,5;?"]
    with open(TMP + "/odd.csv", "w", newline="") as f:
        f.write("\r\n".join(rows))
    soma("train", "odd.csv", "--ignore", "name", "--test", 0.2, "--save-split", "parts", "--epochs", 2, "--out", "odd")
    parts = {n: open(f"{TMP}/parts/{n}.csv", newline="").read() for n in ("train", "val", "test")}
    body = []
    for name, text in parts.items():
        head, rest = text.split("\r\n", 1)
        assert head == "name;size;kind", (name, head)
        body += [line for line in rest.replace("\r\n", "\r").replace("\n", "|").replace("\r", "\n").replace("|\n", "\n").splitlines()]
    body = sorted(line.rstrip("|") for line in body)
    assert body == sorted(line.replace("\n", "|") for line in rows[1:-1]), body  # the row without a class trains nobody
    err = soma("train", "odd.csv", "--save-split", "parts", "--out", "odd2", rc=2).stderr
    assert "parts/train.csv is there already" in err and not os.path.exists(TMP + "/odd2")
    assert "holds none" in soma("train", "mnist", "--save-split", "p", "--out", "p2", rc=2).stderr


@test
def eval_says_which_rows_have_trained():
    soma("train", WINE, "--test", 0.25, "--save-split", "wine", "--epochs", 5, "--out", "seen")
    held = sum(1 for _ in open(TMP + "/wine/test.csv")) - 1
    for data, seen, words in (("wine/train.csv", None, "all of these rows were part"), ("wine/test.csv", 0, None),
                              (WINE, 178 - held, f"{178 - held} of these 178 rows were part")):
        p = soma("eval", "seen", data, "--json")
        got = json.loads(p.stdout)["rows_trained_on"]
        assert seen is None or got == seen, (data, got)
        assert (words in p.stderr) if words else not p.stderr, p.stderr
    shutil.copy(TMP + "/seen/model.onnx", TMP + "/alone.onnx")  # away from its folder nothing is known
    p = soma("eval", "alone.onnx", WINE, "--json")
    assert "rows_trained_on" not in json.loads(p.stdout) and not p.stderr
    with open(TMP + "/seen/rows.npy", "r+b") as f:
        f.truncate(90)
    assert "rows.npy" in soma("eval", "seen", WINE, rc=2).stderr


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
