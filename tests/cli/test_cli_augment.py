"""Augmentation from the command line: the same bits with any number of threads and after an interruption, what is
refused, and what the summary says. Needs python3; runs from the top of the source tree."""
import gzip, json, os, shutil, signal, struct, subprocess, sys, tempfile

SOMA = os.path.abspath(os.environ.get("SOMA", "build/soma"))
IRIS = os.path.abspath("data/tables/iris.csv")
TMP = tempfile.mkdtemp(prefix="soma-augment-")
NET = "conv 4 3x3 relu, maxpool 2, dense 8 relu"
LIST = "shift 2, crop 1, rotate 10, flip, vflip, colour 0.2, cutout 3, mixup 0.3"


def soma(*args, rc=0):
    p = subprocess.run([SOMA, *map(str, args)], capture_output=True, text=True, cwd=TMP, timeout=300)
    assert p.returncode == rc, f"soma {' '.join(map(str, args))}: status {p.returncode}, expected {rc}: {p.stderr[-300:]}"
    return p


def pictures(name, count, classes):
    """Pictures of 20 x 20 with a bright bar whose place is the class; gives the images' path."""
    body, labels = bytearray(), bytearray()
    for i in range(count):
        label = i % classes
        labels.append(label)
        for y in range(20):
            for x in range(20):
                body.append((200 if 4 + 4 * label <= y < 7 + 4 * label else 10) + (i * 7 + x * 3 + y) % 40)
    path = f"{TMP}/{name}-images-idx3-ubyte.gz"
    with open(path, "wb") as f:
        f.write(gzip.compress(struct.pack(">IIII", 0x803, count, 20, 20) + bytes(body)))
    with open(f"{TMP}/{name}-labels-idx1-ubyte.gz", "wb") as f:
        f.write(gzip.compress(struct.pack(">II", 0x801, count) + bytes(labels)))
    return path


def model(folder):
    return open(f"{TMP}/{folder}/model.onnx", "rb").read()


def same_bits_with_any_number_of_threads():
    for classes in (2, 3):  # one sigmoid, softmax
        images = pictures(f"threads{classes}", 96, classes)
        for threads in (1, 2, 3):
            soma("train", images, "--net", NET, "--epochs", 3, "--threads", threads, "--backend", "portable", "--augment", LIST,
                 "--out", f"threads{classes}{threads}")
        assert model(f"threads{classes}1") == model(f"threads{classes}2") == model(f"threads{classes}3")
    soma("train", images, "--net", NET, "--epochs", 3, "--backend", "portable", "--augment", "none", "--out", "none")
    assert model("none") != model("threads31"), "augmentation changed nothing"


def a_resumed_run_repeats_its_augmentation():
    images = pictures("resume", 96, 3)
    args = ["train", images, "--net", NET, "--backend", "portable", "--patience", 99, "--augment", LIST]
    soma(*args, "--epochs", 4, "--out", "whole")
    soma(*args, "--epochs", 2, "--out", "part")
    soma("train", "--resume", "part", "--epochs", 4)
    assert model("whole") == model("part")


def an_interrupted_run_goes_on_with_the_same_bits():
    images = pictures("interrupted", 3000, 3)
    args = ["train", images, "--net", NET, "--backend", "portable", "--patience", 99, "--augment", LIST]
    p = subprocess.Popen([SOMA, *map(str, args), "--epochs", "500", "--out", "stopped", "--json"], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True, cwd=TMP)
    p.stdout.readline()
    p.send_signal(signal.SIGTERM)
    p.communicate(timeout=120)
    assert p.returncode == 143, p.returncode
    epochs = len(open(f"{TMP}/stopped/metrics.jsonl").read().splitlines())
    soma("train", "--resume", "stopped", "--epochs", epochs + 1)
    soma(*args, "--epochs", epochs + 1, "--out", "straight")
    assert model("straight") == model("stopped")


def the_summary_says_how_long_steps_waited():
    images = pictures("summary", 96, 3)
    last = json.loads(soma("train", images, "--net", NET, "--epochs", 2, "--json", "--out", "json").stdout.splitlines()[-1])
    assert last["done"] and 0 < last["data_share"] < 1, last
    assert "steps waited for data: " in soma("train", images, "--net", NET, "--epochs", 2, "--out", "human").stdout
    last = json.loads(soma("train", IRIS, "--epochs", 2, "--json", "--out", "table").stdout.splitlines()[-1])
    assert 0 <= last["data_share"] < 1, last


def refusals_are_one_line():
    images = pictures("refused", 48, 3)
    for data, text, expected in ((images, "shft 2", "did you mean shift"), (images, "shift 20", "pictures of 20 x 20"),
                                 (images, "flip 2", "takes no size"), (images, "none, flip", "stands alone"),
                                 (IRIS, "flip", "the data are a table")):
        p = soma("train", data, "--augment", text, "--out", "refused", rc=2)
        assert len(p.stderr.strip().splitlines()) == 1 and expected in p.stderr and "augment" in p.stderr, p.stderr
        assert not os.path.exists(f"{TMP}/refused")
    soma("train", IRIS, "--augment", "none", "--epochs", 1, "--out", "table-none")


failed = 0
for t in (same_bits_with_any_number_of_threads, a_resumed_run_repeats_its_augmentation, an_interrupted_run_goes_on_with_the_same_bits,
          the_summary_says_how_long_steps_waited, refusals_are_one_line):
    try:
        t()
        print(f"ok    {t.__name__}", flush=True)
    except Exception as e:
        failed += 1
        print(f"FAIL  {t.__name__}: {type(e).__name__} {e}", flush=True)
shutil.rmtree(TMP, ignore_errors=True)
sys.exit(failed > 0)
