"""Every input of index.txt is refused as it says: status 2, one line on standard error, nothing on standard output, no file
written, at most 200 MB of memory asked for. Usage: SOMA=build/soma test_bad_input.py [WORD in a command]"""
import os, re, resource, shlex, shutil, subprocess, sys, tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import make_files

SOMA = os.path.abspath(os.environ.get("SOMA", "build/soma"))
LIMIT = 0 if os.environ.get("SOMA_SANITIZE") else 200_000_000
# What the system would refuse, the sanitizer must too.
os.environ["ASAN_OPTIONS"] = "allocator_may_return_null=1"


def tree(folder):
    return sorted(os.path.relpath(os.path.join(at, name), folder) for at, folders, files in os.walk(folder) for name in folders + files)


def limit():
    if LIMIT:
        resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT))


def check(word, args, folder):
    before = tree(folder)
    p = subprocess.run([SOMA, *args], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
                       preexec_fn=limit, timeout=60)
    lines = [line for line in p.stderr.splitlines() if "AddressSanitizer failed to allocate" not in line]
    one = word.startswith("status 1: ")
    word = word.removeprefix("status 1: ")
    if p.returncode != (1 if one else 2):
        return f"status {p.returncode}, expected {1 if one else 2}: {p.stderr[:500]}"
    if len(lines) != 1:
        return f"expected one line, got {lines}"
    if not re.search(word, lines[0]):
        return f"expected '{word}' in: {lines[0]}"
    if p.stdout:
        return f"standard output has {p.stdout[:200]!r}"
    if tree(folder) != before:
        return f"left behind: {set(tree(folder)) ^ set(before)}"
    if not 20 <= len(lines[0]) <= 520:
        return f"no sentence: {lines[0]}"
    return None


def main():
    folder = tempfile.mkdtemp(prefix="soma-bad-")
    try:
        make_files.main(folder, SOMA)
        count = failed = 0
        for number, line in enumerate(open(HERE + "/index.txt"), 1):
            if not line.strip() or line.startswith("#"):
                continue
            word, _, command = line.rstrip("\n").partition(" |")
            if len(sys.argv) > 1 and sys.argv[1] not in command:
                continue
            count += 1
            mistake = check(word.strip(), shlex.split(command), folder)
            if mistake:
                failed += 1
                print(f"FAIL  index.txt:{number}: soma {command.strip()}: {mistake}")
        print(f"{count} malformed inputs, {failed} failures")
        assert count >= 100 or len(sys.argv) > 1
        return failed > 0
    finally:
        shutil.rmtree(folder, ignore_errors=True)


sys.exit(main())
