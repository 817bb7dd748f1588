"""Training curves with fast convolutions and without, over seeds: bench/curves.py [SOMA] [SEEDS] [EPOCHS]. The same
network on the handwritten digits of data/mnist, by the algorithms that soma chooses and by the direct one; prints the
loss on the validation part after each epoch, mean and standard deviation over the seeds, and the accuracy on the test
part. Runs go to a temporary folder."""
import json
import statistics
import subprocess
import sys
import tempfile

NET = (
    "conv 16 3x3 p1 bn relu, residual(conv 16 3x3 p1 bn relu, conv 16 3x3 p1 bn), relu, maxpool 2, "
    "conv 32 5x5 p2 bn relu, residual(conv 32 3x3 p1 bn relu, conv 32 3x3 p1 bn), relu, maxpool 2, "
    "conv 64 3x3 p1 bn relu, avgpool global, dense 10"
)


def train(soma, algorithm, seed, epochs, folder):
    """Validation losses by epoch, and the accuracy on the test part."""
    command = [soma, "train", "mnist", "--net", NET, "--epochs", str(epochs), "--patience", str(epochs), "--batch", "64"]
    command += ["--opt", "nesterov:momentum=0.9", "--lr", "0.05", "--schedule", "onecycle", "--augment", "none"]
    command += ["--seed", str(seed), "--algorithm", algorithm, "--json", "--out", f"{folder}/{algorithm}{seed}"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr.strip())
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return [line["val_loss"] for line in lines if "val_loss" in line and "done" not in line], lines[-1]["test_accuracy"]


def main(soma="build/soma", seeds=3, epochs=8):
    curves, tests = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        for algorithm in ("auto", "direct"):
            runs = [train(soma, algorithm, seed, int(epochs), folder) for seed in range(1, int(seeds) + 1)]
            curves[algorithm] = list(zip(*(losses for losses, _ in runs)))
            tests[algorithm] = [accuracy for _, accuracy in runs]
    print("epoch   fast: mean   spread   direct: mean   spread")
    for epoch, (fast, direct) in enumerate(zip(curves["auto"], curves["direct"]), 1):
        numbers = [f(losses) for losses in (fast, direct) for f in (statistics.mean, statistics.stdev)]
        print("%5d   %10.4f   %6.4f   %12.4f   %6.4f" % (epoch, *numbers))
    for algorithm, accuracies in tests.items():
        print(f"test accuracy, {algorithm}: " + " ".join(f"{a:.4f}" for a in accuracies))


if __name__ == "__main__":
    main(*sys.argv[1:])
