#!/usr/bin/env python3
"""How long training waits for its data when the data are a folder of JPEG files.

Usage: bench/pictures.py build/soma PHOTOS [COUNT [SIZE]] (PHOTOS: a folder of photographs; PYTHON needs Pillow)

Cuts COUNT (20000) squares of SIZE (64) x SIZE pixels out of the photographs, a class for each photograph, writes them as
JPEG files in folders, trains on them for three epochs with defaults and prints the share of the time that steps waited."""
import json, os, random, subprocess, sys, tempfile
from PIL import Image


def cut(photos, folder, count, size):
    r = random.Random(1)
    pictures = [(name, Image.open(f"{photos}/{name}").convert("RGB")) for name in sorted(os.listdir(photos))
                if name.endswith((".jpg", ".png"))]
    for name, _ in pictures:
        os.makedirs(f"{folder}/{os.path.splitext(name)[0]}")
    for i in range(count):
        name, picture = pictures[i % len(pictures)]
        side = r.randint(size, max(size, min(picture.size) // 2))
        x, y = r.randint(0, max(0, picture.width - side)), r.randint(0, max(0, picture.height - side))
        piece = picture.crop((x, y, x + side, y + side)).resize((size, size))
        piece.save(f"{folder}/{os.path.splitext(name)[0]}/{i:05}.jpg", quality=90)


def main():
    program, photos = os.path.abspath(sys.argv[1]), sys.argv[2]
    count, size = int(sys.argv[3]) if len(sys.argv) > 3 else 20000, int(sys.argv[4]) if len(sys.argv) > 4 else 64
    with tempfile.TemporaryDirectory(prefix="soma-pictures-") as folder:
        cut(photos, f"{folder}/set", count, size)
        out = subprocess.run([program, "train", f"{folder}/set", "--epochs", "3", "--test", "0.1", "--out", f"{folder}/run", "--json"],
                             check=True, capture_output=True, text=True).stdout
        lines = [json.loads(line) for line in out.splitlines()]
    for line in lines[:-1]:
        print(f"epoch {line['epoch']}: {line['samples_per_s']:.0f} pictures/s, {line['seconds']:.1f} s")
    print(f"{count} pictures of {size}x{size}: steps waited {100 * lines[-1]['data_share']:.1f} % of the time, "
          f"test accuracy {lines[-1]['test_accuracy']:.3f}")


main()
