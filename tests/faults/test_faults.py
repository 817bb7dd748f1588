"""The n-th allocation, write, sync, rename or read of the soma command fails, for n = 1, 2, …, through training, evaluation,
prediction and the rest: no crash, no leak (in a sanitizer build), one clear line and the right status, and every file is
what it was before or what it should become. Then the command is killed before the n-th change of a file and resumed.
See faults.c for how. A sample of n runs by default, all of them with FAULTS=all (make faults).
Usage: SOMA_BUILD=build test_faults.py [scenario…]"""
import concurrent.futures, gzip, json, os, random, shutil, struct, subprocess, sys, tempfile, threading, zlib

BUILD = os.path.abspath(os.environ.get("SOMA_BUILD", "build"))
SOMA = BUILD + "/tests/soma_faults"
SAMPLE = None if os.environ.get("FAULTS") == "all" else int(os.environ.get("FAULTS", 4))
TMP = tempfile.mkdtemp(prefix="soma-faults-")
IRIS = os.path.abspath("data/tables/iris.csv")
# What a failure of each kind may end with: 1, the work failed; 2, a file that was to be read can't be.
STATUSES = {"memory": {1}, "memory on": {1}, "library": {1, 2}, "file": {1}, "file on": {1}, "read": {1, 2}}
INJECTED = dict.fromkeys([*STATUSES, "kill"], 0)
HARMLESS, FAILURES, ABORTS = [], [], []
LOCK = threading.Lock()


def soma(args, cwd, fault=None, count=None):
    env = {**os.environ, "ASAN_OPTIONS": "exitcode=99:detect_leaks=1:allocator_may_return_null=1",
           "UBSAN_OPTIONS": "print_stacktrace=1"}
    if fault:
        env["SOMA_FAULT"] = fault
    if count:
        env["SOMA_FAULT_COUNT"] = count
    return subprocess.run([SOMA, *map(str, args)], cwd=cwd, env=env, capture_output=True, text=True, errors="replace", timeout=120)


def files_below(folder):
    """All but the socket that a killed training leaves; the next one replaces it."""
    return {os.path.relpath(os.path.join(at, name), folder): open(os.path.join(at, name), "rb").read()
            for at, _, names in os.walk(folder) for name in names if name != "control.sock"}


def whole_safetensors(data):
    size = struct.unpack("<Q", data[:8])[0]
    head = json.loads(data[8:8 + size])
    return max(t["data_offsets"][1] for name, t in head.items() if name != "__metadata__") == len(data) - 8 - size


def times_out(text):
    """Training's lines without what depends on the clock."""
    lines = []
    for line in text.splitlines():
        if line.startswith("{"):
            o = json.loads(line)
            for key in ("seconds", "samples_per_s", "data_share"):
                o.pop(key, None)
            line = json.dumps(o)
        lines.append(line)
    return lines


class Scenario:
    """A command in a folder made by `before` (commands run once); `keeps`: files that must never disappear."""

    def __init__(self, name, args, before=(), keeps=(), resumes=None):
        self.name, self.args, self.keeps, self.resumes = name, args, keeps, resumes
        self.template = f"{TMP}/{name}.before"
        os.makedirs(self.template)
        for command in before:
            p = soma(command, self.template)
            assert p.returncode == 0, f"{name}: {command}: {p.stderr}"
        self.old = files_below(self.template)
        folder = f"{TMP}/{name}.whole"
        shutil.copytree(self.template, folder, symlinks=True)
        p = soma(args, folder, count=f"{TMP}/{name}.count")
        assert p.returncode == 0, f"{name}: status {p.returncode}: {p.stderr}"
        self.out, self.notes = times_out(p.stdout), p.stderr.splitlines()
        self.new = files_below(folder)
        words = open(f"{TMP}/{name}.count").read().split()
        self.counts = {k: int(v) for k, v in zip(words[::2], words[1::2])}

    def check_file(self, path, data):
        name = os.path.basename(path)
        assert not name.endswith(".partial"), f"{path} was left behind"
        if path in self.old and data == self.old[path] or path in self.new and data == self.new[path]:
            return
        if name.endswith(".safetensors"):
            assert whole_safetensors(data), f"{path} is damaged"
        elif name in ("metrics.jsonl", "events.jsonl"):
            for line in data.decode().splitlines(keepends=True):
                assert not line.endswith("\n") or json.loads(line), f"{path} is damaged"
        else:
            raise AssertionError(f"{path} is neither what it was nor what it should become ({len(data)} bytes)")

    def check_files(self, folder):
        now = files_below(folder)
        for path, data in now.items():
            self.check_file(path, data)
        for path in self.keeps:
            assert path in now, f"{path} has disappeared"

    def fault(self, kind, n):
        folder = f"{TMP}/{self.name}.{kind.replace(' ', '-')}.{n}"
        shutil.copytree(self.template, folder, symlinks=True)
        count = f"{folder}.count"
        name, _, on = kind.partition(" ")
        p = soma(self.args, folder, fault=f"{name} {n} {on}".strip(), count=count)
        if kind == "library" and p.returncode == -6 and "load.c" in p.stderr and "Assertion" in p.stderr:
            with LOCK:
                ABORTS.append((self.name, n))  # jansson's own mistake: it aborts when its token can't grow
            return
        assert p.returncode >= 0, f"ended by signal {-p.returncode}: {p.stderr[-2000:]}"
        assert "Sanitizer" not in p.stderr and "runtime error" not in p.stderr and p.returncode != 99, p.stderr[-6000:]
        fired = open(count).read().split()[-1] == "1"
        assert fired or n > self.counts[name] - 3, f"the fault was not reached"  # threads may ask once more or less
        self.check_files(folder)
        lines = [line for line in p.stderr.splitlines() if line not in self.notes]
        if p.returncode == 0:  # what failed was not needed
            fell_back = len(lines) == 1 and "going on from the checkpoint before it" in lines[0]
            assert fell_back or times_out(p.stdout) == self.out and not lines, f"status 0, but {lines} {p.stdout[:300]}"
            now = files_below(folder)
            for path in self.new:
                assert not path.endswith("model.onnx") or now[path] == self.new[path], f"{path} differs"
            with LOCK:
                HARMLESS.append((self.name, kind, n))
        else:
            assert p.returncode in STATUSES[kind], f"status {p.returncode}: {p.stderr}"
            named = lines[:1] and (lines[0].startswith("soma") or kind == "read" and lines[0].split(": ")[0].endswith((".png", ".jpg")))
            assert len(lines) == 1 and named and ":" in lines[0], f"expected one line, got {lines}"
        shutil.rmtree(folder)

    def kill(self, n):
        """Killed before the n-th change of a file: what is there is whole, and the run can be brought to its end."""
        folder = f"{TMP}/{self.name}.kill.{n}"
        shutil.copytree(self.template, folder, symlinks=True)
        p = soma(self.args, folder, fault=f"kill {n}")
        assert p.returncode == -9 or n > self.counts["kill"] - 3, f"status {p.returncode}: {p.stderr}"
        for path, data in files_below(folder).items():
            if not path.endswith(".partial"):
                self.check_file(path, data)
        for again in (0, 1):  # being killed twice in the same place is no other case
            p = soma(self.resumes, folder, fault=f"kill {n}" if not again else None)
            if p.returncode == -9 or p.returncode == 0:
                continue
            # A run that had not begun is begun again; nothing but "there is no run" may be the reason.
            assert "there is no run" in p.stderr, f"resuming failed: {p.stderr}"
            p = soma(self.args, folder)
            assert p.returncode == 0, f"beginning again failed: {p.stderr}"
        now = files_below(folder)
        for path in self.new:
            if path.endswith("model.onnx"):
                assert now.get(path) == self.new[path], f"{path} differs from the uninterrupted run's"
            if path.endswith("metrics.jsonl"):
                a, b = (times_out(d[path].decode()) for d in (now, self.new))
                assert a == b, f"{path} differs from the uninterrupted run's: {len(a)} and {len(b)} lines"
        shutil.rmtree(folder)

    def tasks(self):
        rng = random.Random(self.name)
        for kind in INJECTED:
            count = self.counts[kind.split()[0]]
            numbers = range(1, count + 1)
            if kind == "kill" and not self.resumes:
                continue
            if kind == "memory on":
                numbers = numbers[::10] if SAMPLE is None else []
            if kind == "library" and SAMPLE is None:
                numbers = numbers[::5]
            if SAMPLE is not None:
                numbers = sorted(rng.sample(numbers, min(len(numbers), SAMPLE)))
            for n in numbers:
                yield kind, n


def attempt(scenario, kind, n):
    try:
        scenario.kill(n) if kind == "kill" else scenario.fault(kind, n)
    except Exception as e:
        with LOCK:
            FAILURES.append(f"{scenario.name}, {kind} {n}: {type(e).__name__} {e}")
    with LOCK:
        INJECTED[kind] += 1


def pictures():
    """16 pictures of 8 x 8, bright on the left (0) or on the right (1); the images' path."""
    body = bytes((200 if (x >= 4) == bool(i % 2) else 10) + (i * 7 + x * 3 + y) % 40
                 for i in range(16) for y in range(8) for x in range(8))
    with open(f"{TMP}/p-images-idx3-ubyte.gz", "wb") as f:
        f.write(gzip.compress(struct.pack(">IIII", 0x803, 16, 8, 8) + body))
    with open(f"{TMP}/p-labels-idx1-ubyte.gz", "wb") as f:
        f.write(gzip.compress(struct.pack(">II", 0x801, 16) + bytes(i % 2 for i in range(16))))
    return f"{TMP}/p-images-idx3-ubyte.gz"


def png(path, level):
    """A grey picture of 8 x 8."""
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    rows = b"".join(b"\0" + bytes((level + 5 * x + y) % 256 for x in range(8)) for y in range(8))
    with open(path, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0))
                + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def picture_folder():
    for i in range(8):
        name = f"{TMP}/folder/{['dark', 'light'][i % 2]}"
        os.makedirs(name, exist_ok=True)
        png(f"{name}/{i}.png", 20 + 150 * (i % 2) + i)
    shutil.copy("tests/fuzz/seeds/colour.jpg", f"{TMP}/folder/light/9.jpg")
    return f"{TMP}/folder"


def wild_table():
    """Texts, blanks, dates, decimal commas and a constant column."""
    path = f"{TMP}/wild.csv"
    with open(path, "w") as f:
        f.write("day;size;colour;same;price\n")
        for i in range(60):
            f.write(f"2024-0{i % 9 + 1}-1{i % 7};{i % 8},5;{['red', 'blue', 'NA', 'rare' + str(i)][i % 4]};1;{i * 3 % 17},25\n")
    return path


def array():
    head = str({"descr": "<f4", "fortran_order": False, "shape": (2, 4)})
    head += " " * (63 - (10 + len(head)) % 64) + "\n"
    with open(TMP + "/in.npy", "wb") as f:
        f.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + struct.pack("<8f", *range(8)))
    return TMP + "/in.npy"


def scenarios():
    train = ["train", IRIS, "--epochs", 2, "--threads", 1, "--json"]
    other = ["train", IRIS, "--epochs", 1, "--threads", 1, "--seed", 7, "--out", "r"]
    images, wild, folder = pictures(), wild_table(), picture_folder()
    run = ["r/model.onnx", "r/checkpoint.safetensors"]
    again = ["train", "--resume", "r", "--json", "--threads", 1]
    return [
        lambda: Scenario("train", [*train, "--out", "r"], resumes=again),
        lambda: Scenario("overwrite", [*train, "--out", "r", "--overwrite"], [other], run, [*train, "--out", "r", "--overwrite"]),
        lambda: Scenario("resume", ["train", "--resume", "r", "--epochs", 3, "--json", "--threads", 1], [other], run,
                         ["train", "--resume", "r", "--epochs", 3, "--json", "--threads", 1]),
        lambda: Scenario("folds", [*train, "--folds", 2, "--test", .2, "--out", "r"], resumes=again),
        lambda: Scenario("wild", ["train", wild, "--epochs", 2, "--threads", 1, "--json", "--out", "r"], resumes=again),
        lambda: Scenario("pictures", ["train", images, "--net", "conv 2 3x3 bn relu, maxpool 2, dropout 0.2, dense 2", "--epochs", 2,
                                      "--threads", 1, "--json", "--out", "r"], resumes=again),
        lambda: Scenario("folder", ["train", folder, "--net", "conv 2 3x3 relu, dense 2", "--epochs", 2, "--threads", 1, "--json",
                                    "--out", "r"], resumes=again),
        lambda: Scenario("predict_folder", ["predict", "r", folder],
                         [["train", folder, "--net", "dense 2", "--epochs", 1, "--threads", 1, "--out", "r"]], run),
        lambda: Scenario("eval", ["eval", "r", IRIS, "--json"], [other], run),
        lambda: Scenario("predict", ["predict", "r", IRIS, "--keep", "species,petal_length_cm"], [other], run),
        lambda: Scenario("predict_wild", ["predict", "r", wild, "--json"],
                         [["train", wild, "--epochs", 1, "--threads", 1, "--out", "r"]], run),
        lambda: Scenario("predict_pictures", ["predict", "r", images],
                         [["train", images, "--net", "conv 2 3x3 relu, dense 2", "--epochs", 1, "--threads", 1, "--out", "r"]], run),
        lambda: Scenario("show", ["show", "r", "--json"], [other], run),
        lambda: Scenario("plan", ["show", "lenet", "--plan"]),
        lambda: Scenario("run", ["run", "r", "--input", "x=" + array(), "--out", "answers"], [other], run),
        lambda: Scenario("spec", ["show", "--net", "residual(dense 8 relu, dense 4), concat(dense 3 | dense 2), dense 1", "--input", "4"]),
        lambda: Scenario("spiral", ["data", "spiral:points=20"]),
        lambda: Scenario("new", ["new", "project"]),
    ]


def main():
    pool = concurrent.futures.ThreadPoolExecutor(int(os.environ.get("JOBS", min(4, os.cpu_count() or 2))))
    for make in scenarios():
        try:
            s = make()
        except Exception as e:
            if "without PNG" in str(e) or "without zlib" in str(e):
                continue
            FAILURES.append(f"{type(e).__name__} {e}")
            print("FAIL ", FAILURES[-1])
            continue
        if len(sys.argv) > 1 and s.name not in sys.argv[1:]:
            continue
        before = len(FAILURES)
        jobs = [pool.submit(attempt, s, kind, n) for kind, n in s.tasks()]
        concurrent.futures.wait(jobs)
        print(f"{'ok   ' if len(FAILURES) == before else 'FAIL '} {s.name}: {len(jobs)} of "
              f"{s.counts['memory']} allocations, {s.counts['library']} of libraries, {s.counts['file']} changes and "
              f"{s.counts['read']} reads of files", flush=True)
        for line in FAILURES[before:before + 12]:
            print("   ", line)
    shutil.rmtree(TMP, ignore_errors=True)
    print("injected: " + ", ".join(f"{n} {kind}" for kind, n in INJECTED.items()) + f"; {sum(INJECTED.values())} faults in all, "
          f"{len(HARMLESS)} of them without consequence, {len(ABORTS)} aborts of "
          f"a library itself, {len(FAILURES)} failures")
    sys.exit(len(FAILURES) > 0)


main()
