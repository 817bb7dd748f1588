"""docs/tutorial.md keeps its word: its commands run in order, end as it says, print what it quotes and draw its pictures.

Each line of a ```sh block is a command (a line that ends in \\ goes on) and must end with status 0, or with N where the
comment "ends with status N" stands behind it. Each line of the ```text block below must be found in what the commands
printed: the same words, … for anything, numbers with a decimal point within 0.05 or a tenth (vector widths change the last
bits, and training makes them grow); whole numbers, and everything in a ```text exact block, as they stand. A ```text example
is not compared.
Usage: SOMA_BUILD=build test_tutorial.py [--write], from the top of the source tree; --write keeps the pictures drawn as those
of the page."""
import os, re, shutil, subprocess, sys, tempfile, time
import xml.etree.ElementTree as ElementTree

PAGE = "docs/tutorial.md"
LARGEST = 60 * 1024  # bytes of a picture
TOP = os.getcwd()
BUILD = os.path.abspath(os.environ.get("SOMA_BUILD", "build"))
NUMBER = r"-?\d+\.\d+(?:e[-+]?\d+)?"
PRINTED = r"(-?\d+(?:\.\d+)?(?:e[-+]?\d+)?)"  # 1 where 0.98 is quoted


def blocks(text):
    """[kind, lines] of each fenced block."""
    return [(m[1].strip(), m[2].splitlines()) for m in re.finditer(r"^```([^\n]*)\n(.*?)^```$", text, re.M | re.S)]


def commands(lines):
    """The commands of a block with the status that each must end with."""
    for line in re.sub(r"\\\n", "", "\n".join(lines)).splitlines():
        status = re.search(r"# ends with status (\d+)$", line)
        if line.strip():
            yield line, int(status[1]) if status else 0


def script(groups):
    """One shell for the whole page, so that variables and the folder stay; what block i printed goes to out.i."""
    text = ["set -u", 'LOG=$PWD']
    for i, lines in enumerate(groups):
        for line, status in commands(lines):
            text.append(f"{{ {line}\n}} >>\"$LOG/out.{i}\" 2>&1 </dev/null")
            text.append(f's=$?; [ $s = {status} ] || {{ echo "block {i + 1}: status $s, not {status}: "{quote(line)}')
            text.append(f'cat "$LOG/out.{i}"; exit 1; }}')
    return "\n".join(text)


def quote(line):
    return "'" + line.replace("'", "'\\''") + "'"


def close(a, b):
    return abs(a - b) <= max(0.05, 0.1 * abs(a))


def matches(quoted, printed, exact):
    if exact:
        return quoted == printed
    pattern = "".join(".*" if part == "…" else PRINTED if re.fullmatch(NUMBER, part) else re.escape(part)
                      for part in re.split(f"({NUMBER}|…)", quoted))
    found = re.fullmatch(pattern, printed)
    return bool(found) and all(close(float(a), float(b)) for a, b in zip(re.findall(NUMBER, quoted), found.groups()))


def check_picture(path, complain):
    if os.path.getsize(path) > LARGEST:
        complain(f"{path} has {os.path.getsize(path)} bytes, more than {LARGEST}")
    try:
        root = ElementTree.parse(path).getroot()
    except ElementTree.ParseError as e:
        return complain(f"{path}: {e}")
    names = [e.tag.rpartition("}")[2] for e in root.iter()]
    if names[0] != "svg" or "title" not in names or "path" not in names or "text" not in names:
        complain(f"{path} is not a picture with a title, paths and words")
    background = next((e for e in root if e.tag.endswith("rect")), None)
    if background is None or (background.get("width"), background.get("fill")) != (root.get("width"), "#fff"):
        complain(f"{path} has no white background")
    if re.search(r"\b(nan|inf)\b", open(path, encoding="utf-8").read()):
        complain(f"{path} has numbers that are not finite")


def main():
    rc = 0

    def complain(words):
        nonlocal rc
        rc = 1
        print(words)

    page = open(PAGE, encoding="utf-8").read()
    fenced = blocks(page)
    groups = [lines for kind, lines in fenced if kind == "sh"]
    pictures = re.findall(r"!\[[^\]]+\]\(tutorial/([\w-]+\.svg)\)", page)
    with tempfile.TemporaryDirectory(prefix="soma-tutorial-") as work:
        os.symlink(BUILD, f"{work}/build")
        os.symlink(f"{TOP}/docs", f"{work}/docs")
        begin = time.monotonic()
        p = subprocess.run(["bash", "-c", script(groups)], cwd=work, capture_output=True, text=True, timeout=600,
                           env={**os.environ, "LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"})
        if p.returncode:
            sys.exit(f"{p.stdout}{p.stderr}")
        print(f"{sum(len(list(commands(g))) for g in groups)} commands in {time.monotonic() - begin:.1f} s")
        at = -1
        for kind, lines in fenced:
            at += kind == "sh"
            if kind in ("text", "text exact"):
                path = f"{work}/out.{at}"
                printed = [s.rstrip() for s in open(path, encoding="utf-8").read().replace("\r", "\n").splitlines()]
                for line in lines:
                    if not any(matches(line.rstrip(), s, kind == "text exact") for s in printed):
                        complain(f"{PAGE} quotes what was not printed:\n  {line}\nprinted:\n  "
                                 + "\n  ".join(printed[-40:]))
            elif kind not in ("sh", "text example"):
                complain(f"{PAGE}: a block of an unknown kind, {kind!r}")
        drawn = sorted(f for f in os.listdir(f"{work}/runs/tutorial") if f.endswith(".svg"))
        if drawn != sorted(pictures):
            complain(f"drawn: {drawn}, shown: {sorted(pictures)}")
        for name in drawn:
            check_picture(f"{work}/runs/tutorial/{name}", complain)
            if "--write" in sys.argv:
                shutil.copy(f"{work}/runs/tutorial/{name}", f"docs/tutorial/{name}")
        if "--write" in sys.argv:
            for name in set(f for f in os.listdir("docs/tutorial") if f.endswith(".svg")) - set(drawn):
                os.remove(f"docs/tutorial/{name}")
    kept = sorted(f for f in os.listdir("docs/tutorial") if f.endswith(".svg"))
    if kept != sorted(pictures):
        complain(f"docs/tutorial holds {kept}, {PAGE} shows {sorted(pictures)}")
    for name in kept:
        check_picture(f"docs/tutorial/{name}", complain)
    sys.exit(rc)


main()
