"""A training that is killed by SIGKILL at random moments and resumed each time ends with the same model.onnx, bit by bit,
and the same metrics as one that was never interrupted. KILLS is how often (5; make kills: 50), SEED seeds the moments.
(test_faults.py kills before each single change of a file.)"""
import json, os, random, shutil, signal, subprocess, sys, tempfile, time

SOMA = os.path.abspath(os.environ.get("SOMA", "build/soma"))
KILLS = int(os.environ.get("KILLS", 5))
TABLES = os.path.abspath("data/tables")
TMP = tempfile.mkdtemp(prefix="soma-kills-")
RNG = random.Random(int(os.environ.get("SEED", 1)))
SLOW = 10 if os.environ.get("SOMA_SANITIZE") else 1
COMMON = ["--threads", 1, "--backend", "portable", "--patience", 1000000]
# What goes on must hold the random position, the optimizer, the schedule, the average and the fold.
RUNS = {
    "dropout": [f"{TABLES}/digits.csv", "--net", "dense 64 bn relu, dropout 0.3, dense 32 relu", "--epochs", 400 // SLOW, "--schedule",
                "cosine", "--ema", 0.99, "--checkpoint-minutes", 0.001, *COMMON],
    "folds": [f"{TABLES}/wine.csv", "--net", "dense 16 relu, dropout 0.2", "--folds", 3, "--epochs", 2000 // SLOW, "--opt", "momentum",
              "--schedule", "plateau", "--test", 0.2, *COMMON],
    "accumulate": [f"{TABLES}/diabetes.csv", "--net", "dense 64 tanh", "--epochs", 4000 // SLOW, "--accumulate", 3, "--batch", 16,
                   "--checkpoint-minutes", 0.001, *COMMON],
}


def command(folder, args):
    return [SOMA, "train", *map(str, args if args else []), *(["--out", folder] if args else ["--resume", folder])]


def metrics(folder):
    lines = []
    for line in open(f"{TMP}/{folder}/metrics.jsonl"):
        o = json.loads(line)
        del o["seconds"], o["samples_per_s"]
        lines.append(o)
    return lines


def finish(folder, args):
    p = subprocess.run(command(folder, args), cwd=TMP, capture_output=True, text=True, timeout=600)
    assert p.returncode == 0, f"{folder}: status {p.returncode}: {p.stderr}"


def has_run(folder):
    return any(os.path.exists(f"{TMP}/{folder}/{name}") for name in ("checkpoint.safetensors", "checkpoint.previous.safetensors"))


def killed(folder, args, seconds):
    """Starts or resumes the run and kills it; False when it had come to its end before."""
    p = subprocess.Popen(command(folder, None if has_run(folder) else args), cwd=TMP, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    time.sleep(seconds)
    p.send_signal(signal.SIGKILL)
    text = p.communicate()[1].decode()
    assert p.returncode in (0, -signal.SIGKILL), f"{folder}: status {p.returncode}: {text}"
    return p.returncode != 0


def compare(name, folder):
    model = [open(f"{TMP}/{f}/model.onnx", "rb").read() for f in (name, folder)]
    assert model[0] == model[1], f"{folder}: model.onnx differs from the uninterrupted run's"
    assert metrics(name) == metrics(folder), f"{folder}: metrics.jsonl differs from the uninterrupted run's"
    left = [f for f in os.listdir(f"{TMP}/{folder}") if f.endswith(".partial")]
    assert not left, f"{folder}: {left} were left behind"


def main():
    kills = runs = in_vain = 0
    for name, args in RUNS.items():
        begin = time.time()
        finish(name, args)
        whole = time.time() - begin
        share = (KILLS - kills) // (len(RUNS) - runs)
        done = part = 0
        while done < share:
            part += 1
            folder = f"{name}{part}"
            for _ in range(min(share - done, 10)):  # several runs of ten kills rather than one
                if not killed(folder, args, RNG.uniform(0, min(whole, 2) * 0.6)):
                    in_vain += 1
                    break
                done += 1
            finish(folder, None if has_run(folder) else args)
            compare(name, folder)
            shutil.rmtree(f"{TMP}/{folder}")
        kills += done
        runs += 1
        print(f"ok    {name}: {done} kills in {part} runs; a whole run takes {whole:.2f} s", flush=True)
    print(f"{kills} kills, each run resumed to the same bits; {in_vain} came too late")


try:
    main()
finally:
    shutil.rmtree(TMP, ignore_errors=True)
