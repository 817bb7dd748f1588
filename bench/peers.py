"""soma beside PyTorch on this machine: training steps of LeNet and of the network 30-64-64-1, alternating, each in a process
of its own. Usage: python3 bench/peers.py build/soma [ROUNDS]   (pip install torch)
Prints a JSON line a case with the medians over the rounds, in samples a second, and "ratio", soma over PyTorch's best form.
PyTorch keeps its large blocks of memory (MALLOC_…), runs its fused optimizers, and LeNet in both memory layouts."""
import json
import os
import statistics
import subprocess
import sys
import time

THREADS = 2
KEEP = {"MALLOC_MMAP_THRESHOLD_": "4294967296", "MALLOC_TRIM_THRESHOLD_": "8589934592", "OMP_NUM_THREADS": str(THREADS)}
CASES = [("lenet", 64, "momentum"), *(("mlp", batch, o) for batch in (1, 32, 256) for o in ("rmsprop", "adam"))]
SECONDS = 2.0


def rate(step, batch):
    """Samples a second: the batch over the median time of a step, after a warm-up."""
    def run(limit):
        end, times = time.perf_counter() + limit, []
        while time.perf_counter() < end or len(times) < 3:
            start = time.perf_counter()
            step()
            times.append(time.perf_counter() - start)
        return times
    run(SECONDS / 2)
    return batch / statistics.median(run(SECONDS))


def torch_case(net, batch, optimizer, layout):
    import torch
    from torch import nn
    torch.set_num_threads(THREADS)
    if net == "lenet":
        memory = torch.channels_last if layout == "nhwc" else torch.contiguous_format
        model = nn.Sequential(nn.Conv2d(1, 20, 5), nn.ReLU(True), nn.MaxPool2d(2), nn.Conv2d(20, 50, 5), nn.ReLU(True),
                              nn.MaxPool2d(2), nn.Flatten(), nn.Linear(800, 500), nn.ReLU(True), nn.Linear(500, 10))
        model = model.to(memory_format=memory)
        x, y = torch.randn(batch, 1, 28, 28).to(memory_format=memory), torch.randint(0, 10, (batch,))
        loss = nn.functional.cross_entropy
    else:
        model = nn.Sequential(nn.Linear(30, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
        x, y = torch.randn(batch, 30), torch.rand(batch, 1).round()
        loss = nn.functional.binary_cross_entropy_with_logits
    parameters = model.parameters()
    update = {"momentum": lambda: torch.optim.SGD(parameters, 0.01, momentum=0.9, fused=True),
              "rmsprop": lambda: torch.optim.RMSprop(parameters, 1e-3),
              "adam": lambda: torch.optim.Adam(parameters, 1e-3, fused=True)}[optimizer]()

    def step():
        update.zero_grad(set_to_none=True)
        loss(model(x), y).backward()
        update.step()
    print(rate(step, batch))


def output(command):
    return subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, **KEEP}).stdout


def main(soma, rounds=3):
    for net, batch, optimizer in CASES:
        layouts = ["nhwc", "nchw"] if net == "lenet" else ["nchw"]
        got = {name: [] for name in ["soma", *layouts]}
        for _ in range(int(rounds)):
            for layout in layouts:
                got[layout].append(float(output([sys.executable, __file__, "--torch", net, str(batch), optimizer, layout])))
            got["soma"].append(json.loads(output([soma, "bench", net, "--mode", "train", "--batch", str(batch), "--opt",
                                                  optimizer, "--threads", str(THREADS), "--json"]))["samples_per_s"])
        median = {name: statistics.median(v) for name, v in got.items()}
        best = max(median[layout] for layout in layouts)
        print(json.dumps({"net": net, "batch": batch, "optimizer": optimizer, "soma": round(median["soma"]),
                          "torch": round(best), "ratio": round(median["soma"] / best, 2)}), flush=True)


if sys.argv[1] == "--torch":
    torch_case(sys.argv[2], int(sys.argv[3]), *sys.argv[4:6])
else:
    main(*sys.argv[1:])
