"""Full disks, folders that can't be written or vanish, closed streams and signals: nothing that was there is damaged, what
is said is one clear line, and no half file stays. (tests/faults goes through every single write; resuming after signals
is in test_cli.py and test_cli_training.py.)"""
import os, resource, shutil, signal, subprocess, sys, tempfile, time

SOMA = os.path.abspath(os.environ.get("SOMA", "build/soma"))
TMP = tempfile.mkdtemp(prefix="soma-interrupted-")
IRIS, DIGITS = (os.path.abspath(f"data/tables/{name}.csv") for name in ("iris", "digits"))
LONG = ["train", DIGITS, "--epochs", 1000000, "--patience", 1000000]
TESTS = []


def test(f):
    TESTS.append(f)
    return f


def soma(*args, rc=0, **more):
    p = subprocess.run([SOMA, *map(str, args)], capture_output=True, text=True, cwd=TMP, timeout=120, stdin=subprocess.DEVNULL, **more)
    assert p.returncode == rc, f"soma {' '.join(map(str, args))}: status {p.returncode}, expected {rc}: {p.stderr[-400:]}"
    return p


def start(*args, **more):
    return subprocess.Popen([SOMA, *map(str, args)], cwd=TMP, text=True, **more)


def files(folder):
    """What lies in a folder, by name. A training that goes on may take a file away between listing and opening it."""
    found = {}
    for name in os.listdir(f"{TMP}/{folder}"):
        try:
            with open(f"{TMP}/{folder}/{name}", "rb") as file:
                found[name] = file.read()
        except FileNotFoundError:
            continue
        except OSError:
            assert name == "control.sock"  # a socket, which is there as long as the training runs
    return found


def at_most(size):
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def wait_for(path):
    for _ in range(600):
        if os.path.exists(f"{TMP}/{path}"):
            return
        time.sleep(0.05)
    raise AssertionError(f"{path} did not come")


def error_line(p, *words):
    line = p.stderr.splitlines()[-1]
    assert line.startswith("soma: ") and all(word in line for word in words), p.stderr
    assert sum("cannot" in l or "fail" in l or "can't" in l for l in p.stderr.splitlines()) == 1, p.stderr


@test
def a_full_disk_at_the_start_is_one_line_and_no_folder():
    p = soma("train", IRIS, "--out", "none", rc=1, preexec_fn=at_most(1000))
    error_line(p, "none/checkpoint.safetensors", "File too large")
    assert not os.path.exists(TMP + "/none")


@test
def a_full_disk_leaves_the_older_run_whole():
    soma("train", IRIS, "--epochs", 2, "--out", "older")
    before = files("older")
    for args in (["--resume", "older", "--epochs", 9], [IRIS, "--net", "dense 99 relu", "--overwrite", "--out", "older"]):
        p = soma("train", *args, rc=1, preexec_fn=at_most(1000))
        error_line(p, "older/checkpoint.safetensors", "File too large")
        after = files("older")
        assert after.keys() == before.keys(), after.keys()
        assert after["model.onnx"] == before["model.onnx"] and after["checkpoint.safetensors"] == before["checkpoint.safetensors"]
    soma("train", "--resume", "older", "--epochs", 3)


@test
def a_full_file_system_leaves_the_older_run_whole():
    disk = TMP + "/disk"
    os.makedirs(disk)
    if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", disk], capture_output=True).returncode:
        print("      (skipped: only root can mount a small file system)")
        return
    try:
        soma("train", IRIS, "--epochs", 2, "--out", "disk/run")
        model = files("disk/run")["model.onnx"]
        p = soma("train", IRIS, "--net", "dense 3000 relu", "--overwrite", "--out", "disk/run", rc=1)
        error_line(p, "disk/run/checkpoint.safetensors", "No space left")
        assert files("disk/run")["model.onnx"] == model
        assert not [name for name in files("disk/run") if "partial" in name]
        soma("train", "--resume", "disk/run", "--epochs", 3)
    finally:
        subprocess.run(["umount", disk], check=True)


@test
def a_folder_that_cant_be_made_is_one_line():
    error_line(soma("train", IRIS, "--out", "/proc/soma/run", rc=1), "/proc/soma/run")
    if os.geteuid():
        os.makedirs(TMP + "/locked", mode=0o555)
        error_line(soma("train", IRIS, "--out", "locked/run", rc=1), "locked/run", "Permission")
        os.makedirs(TMP + "/locked2")
        os.chmod(TMP + "/locked2", 0o555)
        error_line(soma("train", IRIS, "--out", "locked2", rc=1), "locked2", "Permission")


@test
def a_folder_that_vanishes_is_one_line():
    p = start(*LONG, "--out", "vanishing", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    wait_for("vanishing/checkpoint.previous.safetensors")
    shutil.rmtree(TMP + "/vanishing")
    p.stderr_text = p.communicate(timeout=60)[1]
    line = p.stderr_text.splitlines()[-1]
    assert p.returncode == 1 and "vanishing/" in line and "No such file" in line, p.stderr_text


@test
def a_refused_overwrite_keeps_the_run():
    soma("train", IRIS, "--epochs", 1, "--out", "kept")
    before = files("kept")
    soma("train", IRIS, "--net", "dense 3 rleu", "--overwrite", "--out", "kept", rc=2)
    assert files("kept") == before
    soma("train", IRIS, "--epochs", 3, "--overwrite", "--out", "kept")
    after = files("kept")
    assert after["model.onnx"] != before["model.onnx"] and len(after["metrics.jsonl"].splitlines()) == 3


@test
def a_run_that_is_replaced_can_be_resumed_at_once():
    soma("train", IRIS, "--epochs", 50, "--folds", 2, "--out", "replaced")
    p = start(*LONG, "--overwrite", "--out", "replaced", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while b"digits" not in files("replaced").get("checkpoint.safetensors", b""):
        assert p.poll() is None
        time.sleep(0.02)
    p.kill()
    p.wait()
    epochs = len(files("replaced").get("metrics.jsonl", b"").splitlines()) + 2
    soma("train", "--resume", "replaced", "--epochs", epochs)
    assert len(files("replaced")["metrics.jsonl"].splitlines()) == epochs
    assert not [name for name in files("replaced") if "partial" in name]


@test
def closed_streams_do_no_harm():
    soma("train", IRIS, "--epochs", 3, "--out", "open")
    for closed, folder in (("2>&-", "noerr"), (">&-", "noout"), ("<&-", "noin"), ("<&- >&- 2>&-", "nothing")):
        p = subprocess.run(f"'{SOMA}' train '{IRIS}' --epochs 3 --out {folder} {closed}", shell=True, cwd=TMP, timeout=60,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        assert p.returncode == (1 if ">&-" in closed.replace("2>&-", "") else 0), (closed, p.returncode)
        assert files(folder)["model.onnx"] == files("open")["model.onnx"], closed
        assert b"soma:" not in b"".join(files(folder).values()), closed
        soma("eval", folder, IRIS)


@test
def a_reader_that_goes_away_does_not_end_the_training():
    p = start("train", DIGITS, "--epochs", 40, "--out", "reader", "--json", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    p.stdout.readline()
    p.stdout.close()
    err = p.stderr.read()
    assert p.wait() == 0 and "soma: standard output" not in err, err
    assert os.path.exists(TMP + "/reader/model.onnx") and len(files("reader")["metrics.jsonl"].splitlines()) > 1


@test
def a_resized_or_stopped_terminal_changes_nothing():
    soma("train", DIGITS, "--epochs", 30, "--patience", 99, "--out", "quiet")
    p = start("train", DIGITS, "--epochs", 30, "--patience", 99, "--out", "resized", stdout=subprocess.DEVNULL,
              stderr=subprocess.PIPE)
    for number in (signal.SIGWINCH, signal.SIGSTOP, signal.SIGCONT, signal.SIGWINCH):
        p.send_signal(number)
        time.sleep(0.02)
    p.communicate(timeout=60)
    assert p.returncode == 0 and files("quiet")["model.onnx"] == files("resized")["model.onnx"]


@test
def runs_latest_points_to_a_run():
    soma("train", IRIS, "--epochs", 1)
    latest = os.readlink(TMP + "/runs/latest")
    soma("train", IRIS, "--net", "dense 99 relu", rc=1, preexec_fn=at_most(1000))
    assert os.readlink(TMP + "/runs/latest") == latest and sorted(os.listdir(TMP + "/runs")) == sorted(["latest", latest])
    soma("eval", "runs/latest", IRIS)


@test
def what_a_killed_process_left_is_tidied():
    soma("train", IRIS, "--epochs", 1, "--out", "tidy")
    for name in (".checkpoint.safetensors.77-0.partial", ".model.onnx.78-1.partial", ".notes.79-1.partial", "notes.partial"):
        open(f"{TMP}/tidy/{name}", "w").close()
    soma("train", "--resume", "tidy", "--epochs", 2)
    assert {n for n in files("tidy") if "partial" in n} == {".notes.79-1.partial", "notes.partial"}


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
