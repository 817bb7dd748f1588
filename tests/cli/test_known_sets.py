"""Data sets by name from the outside: train, eval, predict, data, resume, own test parts. Usage: SOMA=build/soma
test_known_sets.py [name…]. Needs python3 and nothing else; runs from the top of the source tree."""
import csv, gzip, io, json, os, re, shutil, struct, subprocess, sys, tempfile

SOMA = os.path.abspath(os.environ.get("SOMA", "build/soma"))
TMP = tempfile.mkdtemp(prefix="soma-known-")
POINTS = ["moons", "spiral", "circles", "xor", "blobs", "random"]
SHIPPED = ["iris", "wine", "breast_cancer", "digits", "diabetes", "mnist"]
PACKAGE = "/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz"
TESTS = []


def test(f):
    TESTS.append(f)
    return f


def soma(*args, rc=0, **environment):
    env = {k: v for k, v in os.environ.items() if k != "SOMA_DATA"} | environment
    p = subprocess.run([SOMA, *map(str, args)], capture_output=True, text=True, cwd=TMP, env=env, timeout=300)
    assert p.returncode == rc, f"soma {' '.join(map(str, args))}: status {p.returncode}, expected {rc}: {p.stderr[-300:]}"
    return p


def one_line(p):
    lines = p.stderr.strip().splitlines()
    assert len(lines) == 1, f"expected one line of error, got {lines}"
    return lines[0]


def objects(p):
    return [json.loads(line) for line in p.stdout.splitlines()]


@test
def train_eval_and_predict_take_points():
    last = objects(soma("train", "blobs", "--test", "0.2", "--epochs", 30, "--out", "blobs", "--json"))[-1]
    assert last["test_accuracy"] > 0.9, last
    fresh = json.loads(soma("eval", "blobs", "blobs:seed=1,points=300", "--json").stdout)
    assert fresh["accuracy"] > 0.9 and fresh["classes"] == ["0", "1", "2"]
    assert sum(map(sum, fresh["confusion"])) == 300
    rows = list(csv.DictReader(io.StringIO(soma("predict", "blobs", "blobs:points=20", "--keep", "x,class").stdout)))
    assert len(rows) == 20 and list(rows[0]) == ["x", "class", "prediction", "p(0)", "p(1)", "p(2)"]
    assert sum(r["class"] == r["prediction"] for r in rows) >= 17


@test
def two_hidden_layers_learn_the_spiral():
    last = objects(soma("train", "spiral", "--net", "dense 32 tanh, dense 32 tanh", "--l2", 0.01, "--test",
                        "spiral:seed=1", "--out", "spiral", "--json"))[-1]
    assert last["test_accuracy"] > 0.95, last


@test
def a_set_written_as_csv_is_the_same_set():
    for name in ("moons:points=50", "iris"):
        text = soma("data", name).stdout
        with open(f"{TMP}/set.csv", "w") as f:
            f.write(text)
        runs = [[{k: v for k, v in o.items() if k not in ("seconds", "samples_per_s", "files", "data_share")}
                 for o in objects(soma("train", data, "--epochs", 3, "--out", "same", "--overwrite", "--json"))]
                for data in (name, "set.csv")]
        assert runs[0] == runs[1] and len(runs[0]) == 4
    assert len(soma("data", "moons:points=50").stdout.splitlines()) == 51


@test
def a_run_on_a_name_is_resumed_and_other_points_are_refused():
    soma("train", "moons", "--epochs", 2, "--out", "moons", "--json")
    last = objects(soma("train", "--resume", "moons", "--epochs", 4, "--json"))[-1]
    assert last["done"] and len(open(TMP + "/moons/metrics.jsonl").readlines()) == 4
    assert "not the data" in one_line(soma("train", "moons:seed=1", "--resume", "moons", "--epochs", 6, rc=2))


@test
def the_lists_name_every_set():
    listed = [line.split()[0] for line in soma("data").stdout.splitlines()]
    assert listed == POINTS + SHIPPED + ["fashion-mnist"], listed
    text = soma("train", "--help").stdout
    for name in listed:
        assert re.search(rf"\b{name}\b", text), f"soma train --help does not name {name}"


@test
def what_can_not_be_is_said_in_one_line():
    for args, expected in {("train", "spirl"): "did you mean spiral", ("eval", "nosuch", "moons"): "nosuch",
                           ("train", "moons:turns=2"): "turns", ("train", "moons", "--labels", "x"): "--labels",
                           ("train", "iris", "--test", "irris"): "did you mean iris",
                           ("train", "mnist", "--labels", "x"): "its own labels", ("data", "mnist"): "pictures",
                           ("data", "some.csv"): "known set", ("data", "iris", "wine"): "wine"}.items():
        line = one_line(soma(*args, rc=2))
        assert expected in line, f"{args}: {line}"
    assert "SOMA_DATA" in one_line(soma("train", "fashion-mnist", rc=2, SOMA_DATA=TMP + "/nowhere"))
    if not os.path.exists(PACKAGE):
        assert "apt install dataset-fashion-mnist" in one_line(soma("train", "fashion-mnist", rc=2))


def write_fashion(folder):
    """60 + 20 pictures of 20 x 20: T-shirts (0) are bright above, bags (8) below."""
    os.makedirs(folder + "/fashion-mnist")
    for part, count in (("train", 60), ("t10k", 20)):
        labels = bytes(8 * (i % 2) for i in range(count))
        body = bytes((200 if (y >= 10) == (l == 8) else 10) + (i * 7 + x * 3 + y) % 40
                     for i, l in enumerate(labels) for y in range(20) for x in range(20))
        with open(f"{folder}/fashion-mnist/{part}-images-idx3-ubyte.gz", "wb") as f:
            f.write(gzip.compress(struct.pack(">IIII", 0x803, count, 20, 20) + body))
        with open(f"{folder}/fashion-mnist/{part}-labels-idx1-ubyte.gz", "wb") as f:
            f.write(gzip.compress(struct.pack(">II", 0x801, count) + labels))


@test
def a_sets_own_part_tests_and_classes_have_their_names():
    where = TMP + "/sets"
    write_fashion(where)
    train = ["train", "fashion-mnist", "--net", "dense 8 relu", "--epochs", 12, "--out", "fashion", "--overwrite"]
    p = soma(*train, SOMA_DATA=where)
    assert "20 rows" in p.stderr and "test: accuracy" in p.stdout, p.stderr
    assert objects(soma(*train, "--json", SOMA_DATA=where))[-1]["test_accuracy"] == 1
    r = json.loads(soma("eval", "fashion", "fashion-mnist", "--json", SOMA_DATA=where).stdout)
    assert r["classes"] == ["T-shirt/top", "Bag"] and r["confusion"] == [[10, 0], [0, 10]]
    r = json.loads(soma("eval", "fashion", "fashion-mnist:part=train", "--json", SOMA_DATA=where).stdout)
    assert sum(map(sum, r["confusion"])) == 60
    rows = list(csv.DictReader(io.StringIO(soma("predict", "fashion", "fashion-mnist", SOMA_DATA=where).stdout)))
    assert len(rows) == 20 and rows[1]["prediction"] == "Bag" and "p(T-shirt/top)" in rows[0]
    # --test and part= take its place
    p = soma(*train, "--test", "0.1", SOMA_DATA=where)
    assert "20 rows" not in p.stderr and "test: accuracy" in p.stdout
    train[1] += ":part=train"
    assert "test: accuracy" not in soma(*train, SOMA_DATA=where).stdout


@test
def the_digits_that_soma_ships_bring_their_test():
    last = objects(soma("train", "mnist", "--net", "dense 16 relu", "--epochs", 1, "--augment", "none", "--ema", 0, "--out", "mnist", "--json"))[-1]
    assert 0.7 < last["test_accuracy"] < 1, last
    r = json.loads(soma("eval", "mnist", "mnist", "--json").stdout)
    assert sum(map(sum, r["confusion"])) == 1500 and r["accuracy"] == last["test_accuracy"]


@test
def the_package_of_fashion_mnist_is_read_where_it_is_installed():
    if not os.path.exists(PACKAGE):
        print("   (dataset-fashion-mnist is not installed: only its absence was tested)")
        return
    last = objects(soma("train", "fashion-mnist", "--net", "dense 8 relu", "--epochs", 1, "--augment", "none", "--ema", 0, "--batch", 500, "--out", "package",
                        "--json"))[-1]
    assert last["test_accuracy"] > 0.6, last
    r = json.loads(soma("eval", "package", PACKAGE, "--json").stdout)
    assert r["classes"][9] == "Ankle boot" and sum(map(sum, r["confusion"])) == 10000
    assert r["accuracy"] == last["test_accuracy"]


def main():
    wanted, failed = sys.argv[1:], 0
    for f in TESTS:
        if wanted and f.__name__ not in wanted:
            continue
        try:
            f()
            print("ok    ", f.__name__)
        except Exception as error:
            failed += 1
            print("FAILED", f.__name__, "-", type(error).__name__, error)
    shutil.rmtree(TMP, ignore_errors=True)
    sys.exit(failed > 0)


main()
