"""soma studio and what it speaks to: who is refused, and that a training is watched, paused, resumed, stopped and started.
Usage: SOMA=build/soma test_studio.py [name…]. Needs python3 and nothing else; runs from the top of the source tree."""
import gzip, http.client, json, os, re, shutil, signal, socket, stat, subprocess, sys, tempfile, time

SOMA = os.path.abspath(os.environ.get("SOMA", "build/soma"))
TMP = tempfile.mkdtemp(prefix="soma-studio-")
DIGITS = os.path.abspath("data/tables/digits.csv")
LONG = ["--epochs", 1000000, "--patience", 1000000, "--seed", 1, "--threads", 1]
PAGE = TMP + "/page.html"
TESTS, PROCESSES = [], []


def test(f):
    TESTS.append(f)
    return f


def soma(*args, rc=0, cwd=TMP):
    p = subprocess.run([SOMA, *map(str, args)], capture_output=True, text=True, cwd=cwd, timeout=300, stdin=subprocess.DEVNULL)
    assert p.returncode == rc, f"soma {' '.join(map(str, args))}: status {p.returncode}, expected {rc}: {p.stderr[-300:]}"
    return p


def start(*args, cwd=TMP):
    p = subprocess.Popen([SOMA, *map(str, args)], cwd=cwd, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE)
    PROCESSES.append(p)
    return p


def wait(condition, what, seconds=60):
    end = time.time() + seconds
    while time.time() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"{what}: not within {seconds} seconds")


def lines(path):
    try:
        with open(f"{TMP}/{path}") as f:
            return [json.loads(line) for line in f.read().split("\n")[:-1]]
    except FileNotFoundError:
        return []


def kinds(folder):
    return [e["event"] for e in lines(folder + "/events.jsonl")]


def states(folder):
    return [e["state"] for e in lines(folder + "/events.jsonl") if e["event"] == "state"]


def train(folder, *more):
    """A training that goes on until it is told to stop."""
    p = start("train", DIGITS, *LONG, "--out", folder, *more)
    wait(lambda: "look" in kinds(folder) and len(lines(folder + "/metrics.jsonl")) > 2, "epochs")
    return p


class Studio:
    def __init__(self, *args, cwd=TMP):
        self.process = start("studio", *args, "--page", PAGE, "--json", cwd=cwd)
        self.about = json.loads(self.process.stdout.readline())
        self.port, self.token = self.about["port"], self.about["token"]
        self.own = f"http://127.0.0.1:{self.port}"

    def ask(self, method, path, body=None, token=True, headers=None, host=None):
        """Status and body; a header given as None is left out."""
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        c.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        all_headers = {"Host": host or f"127.0.0.1:{self.port}", "X-Soma-Token": self.token if token is True else token,
                       "Content-Length": str(len(body)) if body is not None else None, **(headers or {})}
        for name, value in all_headers.items():
            for v in value if isinstance(value, list) else [value]:
                if v:
                    c.putheader(name, v)
        c.endheaders(body)
        answer = c.getresponse()
        self.headers, data = dict(answer.getheaders()), answer.read()
        c.close()
        return answer.status, data

    def json(self, method, path, body=None, status=200):
        code, data = self.ask(method, path, body)
        assert code == status, (path, code, data)
        return json.loads(data)

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=30)
        assert self.process.returncode == 0, (self.process.returncode, err)
        return err


@test
def what_cant_be_served_is_one_line():
    def one(p, *words):
        assert len(p.stderr.splitlines()) == 1 and all(w in p.stderr for w in words) and not p.stdout, p.stderr
    os.makedirs(TMP + "/empty")
    one(soma("studio", "nowhere", "--page", PAGE, rc=2), "nowhere", "no run")
    one(soma("studio", "empty", "--page", PAGE, rc=2), "empty", "no run")
    one(soma("studio", "a", "b", rc=2), "'b'")
    one(soma("studio", "--port", 70000, rc=2), "65535")
    one(soma("studio", "--page", "missing.html", rc=2), "missing.html")
    one(soma("studio", "--page", PAGE, "--host", "no.such.host.invalid", rc=2), "no.such.host.invalid")
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    taken.listen()
    one(soma("studio", "--page", PAGE, "--port", taken.getsockname()[1], rc=1), "--port 0")
    taken.close()


@test
def the_page_is_inside_the_program_or_the_way_to_build_it_is_said():
    p = start("studio")
    address = p.stdout.readline()
    if not address:
        assert p.wait() == 1 and "make studio" in p.stderr.read()
        return
    port = int(re.fullmatch(r"http://127\.0\.0\.1:(\d+)/#/(run|playground)\?token=[0-9a-f]{32}\n", address)[1])
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    c.request("GET", "/")
    answer = c.getresponse()
    assert answer.status == 200 and answer.getheader("Content-Encoding") == "gzip"
    assert b"soma studio" in gzip.decompress(answer.read())
    p.send_signal(signal.SIGINT)
    assert p.wait(timeout=30) == 0


@test
def strangers_get_nothing_and_stop_no_run():
    p = train("guarded")
    s = Studio("guarded")
    port, own, everything = s.port, s.own, [("GET", "/api/run"), ("GET", "/api/runs"), ("GET", "/api/events"),
                                            ("POST", "/api/stop"), ("POST", "/api/pause"), ("POST", "/api/start")]
    def refused(status, data):
        assert status == 403 and data == b"refused\n", (status, data)
        assert not any(name.lower().startswith("access-control") for name in s.headers), s.headers
    for method, path in everything:
        for token in (None, "", "0" * 32, s.token[:-1], s.token + "0", s.token.upper() if s.token.upper() != s.token else None):
            refused(*s.ask(method, path, token=token))
        refused(*s.ask(method, path, headers={"X-Soma-Token": [s.token, s.token]}))
        for host in ("evil.example", f"evil.example:{port}", "127.0.0.1", f"127.0.0.1:{port + 1}", f"127.0.0.1.evil.example:{port}",
                     f"localhost.evil.example:{port}", f"127.0.0.1:{port}x", f"[::2]:{port}", f"192.168.0.1:{port}"):
            refused(*s.ask(method, path, host=host))
        for origin in ("http://evil.example", "null", f"https://127.0.0.1:{port}", f"http://localhost:{port}", "http://127.0.0.1",
                       f"http://127.0.0.1:{port + 1}", own + ".evil.example", own + "/"):
            refused(*s.ask(method, path, headers={"Origin": origin}))
        refused(*s.ask(method, path, headers={"Origin": [own, own]}))
        refused(*s.ask(method, path, headers={"Host": [f"127.0.0.1:{port}", f"127.0.0.1:{port}"]}))
        # what a browser asks before a request with such a header from another origin
        refused(*s.ask("OPTIONS", path, token=None, headers={"Origin": "http://evil.example", "Access-Control-Request-Method": method,
                                                            "Access-Control-Request-Headers": "x-soma-token"}))
    refused(*s.ask("GET", "/", host=f"evil.example:{port}"))
    refused(*s.ask("GET", "/", headers={"Origin": "http://evil.example"}))
    assert s.token.encode() not in s.ask("GET", "/", token=None)[1]
    for host in (f"127.0.0.1:{port}", f"localhost:{port}", f"LOCALHOST:{port}", f"[::1]:{port}"):
        assert s.ask("GET", "/api/run", host=host, headers={"Origin": "http://" + host})[0] == 200, host
    assert p.poll() is None and not states("guarded") and "end" not in kinds("guarded")
    s.end()
    p.terminate()
    assert p.wait(timeout=60) == 143


@test
def where_it_listens_everywhere_a_name_is_still_no_host():
    soma("train", DIGITS, "--epochs", 1, "--out", "open")
    for host, own in (("0.0.0.0", "127.0.0.1"), ("127.0.0.2", "127.0.0.2")):
        s = Studio("open", "--host", host)
        assert s.about["host"] == own
        connection = http.client.HTTPConnection
        try:
            http.client.HTTPConnection = lambda _, port, timeout: connection(own, port, timeout=timeout)
            assert s.ask("GET", "/api/run", host=f"{own}:{s.port}")[0] == 200
            for name in ("evil.example", "0.0.0.1", "10.0.0.1"):
                assert s.ask("GET", "/api/run", host=f"{name}:{s.port}")[0] == 403, name
        finally:
            http.client.HTTPConnection = connection
        err = s.end()
        assert ("other machines" in err) == (host == "0.0.0.0"), err


@test
def methods_paths_and_sizes_have_limits():
    soma("train", DIGITS, "--epochs", 1, "--out", "limits")
    s = Studio("limits")
    for method, path, status, allow in (("POST", "/api/run", 405, "GET"), ("GET", "/api/stop", 405, "POST"), ("PUT", "/api/stop", 405, "POST"),
                                        ("HEAD", "/api/pause", 405, "POST"), ("DELETE", "/", 405, "GET"), ("POST", "/", 405, "GET"),
                                        ("GET", "/api/", 404, None), ("GET", "/api/run/", 404, None), ("GET", "/api", 404, None),
                                        ("GET", "/etc/passwd", 404, None), ("GET", "/../../etc/passwd", 404, None),
                                        ("GET", "/api/../api/run", 404, None)):
        code, _ = s.ask(method, path)
        assert code == status and s.headers.get("Allow") == allow, (method, path, code, s.headers)
    assert s.ask("HEAD", "/") == (200, b"")
    assert s.ask("POST", "/api/start", b"x" * 1025)[0] == 413
    assert s.ask("GET", "/api/run", headers={"Content-Length": "99999999999999999999"})[0] in (400, 413)
    assert s.ask("POST", "/api/start", headers={"Transfer-Encoding": "chunked"})[0] == 411
    for long in ({"X-Much": "x" * 40000}, {f"X-{i}": "x" * 100 for i in range(400)}):
        try:
            assert s.ask("GET", "/api/run", headers=long)[0] in (400, 413, 414, 431)
        except (ConnectionError, http.client.HTTPException):
            pass
    for body in (b"{", b"[]", b'{"epochs": 0}', b'{"epochs": 1.5}', b'{"epochs": "9"}', b'{"epochs": 1e300}', b"\0" * 1024):
        assert "epochs" in s.json("POST", "/api/start", body, 400)["error"], body
    for query in ("metrics=-1", "events=x", "metrics=1e9", "events=99999999999999999999"):
        s.json("GET", "/api/events?" + query, status=400)
    c = socket.create_connection(("127.0.0.1", s.port))
    c.sendall(b"GET / HTTP/1.1\r\n")  # one that never ends its request keeps nobody from being served
    assert s.ask("GET", "/")[0] == 200
    c.close()
    s.end()


@test
def a_run_is_watched_paused_resumed_and_stopped():
    p = train("live")
    mode = os.lstat(TMP + "/live/control.sock").st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600, oct(mode)
    s = Studio("live")
    about = s.json("GET", "/api/run")
    assert about["alive"] and about["begun"]["data"] == DIGITS and about["begun"]["options"]["seed"] == "1"
    first = s.json("GET", "/api/events")
    assert first["restart"] and first["alive"] and first["metrics"][0]["epoch"] == 1
    begin, look = (next(e for e in first["events"] if e["event"] == kind) for kind in ("begin", "look"))
    assert (begin["epoch"], begin["epochs"], begin["rows"] + begin["val_rows"], len(begin["classes"])) == (0, 1000000, 1797, 10)
    assert [layer["name"] for layer in look["layers"]] == ["dense1", "dense2"] and look["layers"][0]["gradient_norm"] > 0
    assert 0 <= look["layers"][0]["saturated"] <= 1 and look["layers"][1]["saturated"] is None
    following = lambda a: s.json("GET", "/api/events?" + "&".join(f"{k}={v}" for k, v in a["next"].items()))
    second = wait(lambda: (lambda a: a if a["metrics"] else None)(following(first)), "more epochs")
    assert not second["restart"] and second["metrics"][0]["epoch"] == first["metrics"][-1]["epoch"] + 1
    assert s.json("POST", "/api/pause", status=202) == {"asked": "pause"}
    wait(lambda: states("live") == ["paused"], "paused")
    size = os.path.getsize(TMP + "/live/metrics.jsonl")
    time.sleep(3)
    assert os.path.getsize(TMP + "/live/metrics.jsonl") == size and p.poll() is None and s.json("GET", "/api/run")["alive"]
    soma("train", "--resume", "live", rc=2)  # it is not trained twice
    soma("train", DIGITS, "--out", "live", "--overwrite", rc=2)
    assert "already" in s.json("POST", "/api/start", status=409)["error"]
    s.json("POST", "/api/resume", status=202)
    wait(lambda: os.path.getsize(TMP + "/live/metrics.jsonl") > size, "more epochs")
    assert states("live") == ["paused", "training"]
    seconds = [m["seconds"] for m in lines("live/metrics.jsonl")]
    assert max(seconds) < 2.9, "the pause counts as training"
    s.json("POST", "/api/stop", status=202)
    out, err = p.communicate(timeout=60)
    assert p.returncode == 143 and "soma train --resume live" in err, (p.returncode, err)
    assert not os.path.exists(TMP + "/live/control.sock") and lines("live/events.jsonl")[-1]["stopped"] == "signal"
    epoch = lines("live/metrics.jsonl")[-1]["epoch"]
    soma("train", "--resume", "live", "--epochs", epoch + 3)
    assert lines("live/metrics.jsonl")[-1]["epoch"] == epoch + 3
    later = following(second)
    assert later["restart"] or later["metrics"][-1]["epoch"] == epoch + 3
    assert not s.json("GET", "/api/run")["alive"]
    for action in ("pause", "resume", "stop"):
        error = s.json("POST", "/api/" + action, status=409)["error"]
        assert error == "live: no training is going on there", error
    s.end()


@test
def a_paused_run_can_be_stopped_and_ends_by_signals():
    for end in ("stop", signal.SIGTERM, signal.SIGINT):
        p = train("held")
        s = Studio("held")
        s.json("POST", "/api/pause", status=202)
        wait(lambda: states("held")[-1:] == ["paused"], "paused")
        s.json("POST", "/api/stop", status=202) if end == "stop" else p.send_signal(end)
        p.communicate(timeout=60)
        assert p.returncode == (130 if end == signal.SIGINT else 143), p.returncode
        soma("train", "--resume", "held", "--epochs", lines("held/metrics.jsonl")[-1]["epoch"] + 1)
        s.end()
        shutil.rmtree(TMP + "/held")


@test
def pausing_and_looking_change_no_bit():
    args = ["train", DIGITS, "--epochs", 60, "--patience", 99, "--seed", 5, "--net", "dense 64 tanh, dropout 0.3, dense 64 tanh", "--out"]
    soma(*args, "straight")
    p = start(*args, "paused")
    wait(lambda: os.path.exists(TMP + "/paused/control.sock"), "a socket")
    s = Studio("paused") if wait(lambda: os.path.exists(TMP + "/paused/checkpoint.safetensors"), "a run") else None
    if s.ask("POST", "/api/pause")[0] == 202:
        time.sleep(0.5)
        s.ask("POST", "/api/resume")
    p.communicate(timeout=120)
    assert p.returncode == 0
    same = [open(f"{TMP}/{folder}/model.onnx", "rb").read() for folder in ("straight", "paused")]
    assert same[0] == same[1]
    s.end()


@test
def a_run_is_started_from_the_studio():
    soma("train", DIGITS, "--epochs", 2, "--patience", 1000000, "--out", "again")
    s = Studio("again")
    assert s.json("POST", "/api/start", b'{"epochs": 1000000}', 202) == {"asked": "start"}
    wait(lambda: s.json("GET", "/api/run")["alive"] and len(lines("again/metrics.jsonl")) > 3, "a training")
    assert "goes on" in s.end()  # the training doesn't end with the server
    s = Studio("again")
    assert s.json("GET", "/api/run")["alive"] and s.json("GET", "/api/run")["started"] is None
    s.json("POST", "/api/stop", status=202)
    wait(lambda: lines("again/events.jsonl")[-1].get("stopped") == "signal", "the end")
    wait(lambda: not s.json("GET", "/api/run")["alive"], "the end")
    epochs = lines("again/metrics.jsonl")[-1]["epoch"]
    s.json("POST", "/api/start", b'{"epochs": %d}' % (epochs + 2), 202)
    wait(lambda: (s.json("GET", "/api/run")["started"] or {}).get("status") == 0, "the end")
    assert lines("again/metrics.jsonl")[-1]["epoch"] == epochs + 2
    s.end()


@test
def why_a_run_cant_be_started_is_told():
    table = TMP + "/moving.csv"
    shutil.copy(DIGITS, table)
    soma("train", table, "--epochs", 2, "--out", "moved")
    os.remove(table)
    s = Studio("moved")
    s.json("POST", "/api/start", status=202)
    started = wait(lambda: (lambda a: a if a and a["status"] is not None else None)(s.json("GET", "/api/run")["started"]), "the end")
    assert started["status"] == 2 and "moving.csv" in started["words"] and "\n" not in started["words"], started
    s.end()


@test
def a_dead_socket_is_replaced_and_a_vanished_run_is_said():
    p = train("killed")
    p.kill()
    p.wait()
    assert stat.S_ISSOCK(os.lstat(TMP + "/killed/control.sock").st_mode)
    with open(TMP + "/killed/events.jsonl", "a") as f:
        f.write('{"event": "st')  # what it was writing
    s = Studio("killed")
    assert not s.json("GET", "/api/run")["alive"]
    assert s.json("POST", "/api/pause", status=409)["error"] == "killed: no training is going on there"
    s.json("POST", "/api/start", status=202)
    wait(lambda: s.json("GET", "/api/run")["alive"], "a training")
    wait(lambda: kinds("killed").count("begin") == 2, "a beginning")
    s.json("POST", "/api/stop", status=202)
    wait(lambda: (s.json("GET", "/api/run")["started"] or {}).get("status") == 143, "the end")
    assert kinds("killed")[-1] == "end" and not os.path.exists(TMP + "/killed/control.sock")
    shutil.rmtree(TMP + "/killed")
    for method, path in (("GET", "/api/run"), ("GET", "/api/events"), ("POST", "/api/pause"), ("POST", "/api/start")):
        assert s.json(method, path, status=404)["error"] == "killed: there is no run in it", path
    s.end()


@test
def a_folder_with_a_long_name_can_be_steered():
    folder = "long/" + "/".join(["n" * 60] * 4)
    p = train(folder)
    s = Studio(folder)
    assert s.json("GET", "/api/run")["alive"]
    s.json("POST", "/api/stop", status=202)
    assert p.wait(timeout=60) == 143 and not os.path.exists(f"{TMP}/{folder}/control.sock")
    s.end()


@test
def a_long_history_comes_thinned_with_its_last_epoch():
    soma("train", DIGITS, "--epochs", 2, "--out", "old")
    line = lines("old/metrics.jsonl")[-1]
    with open(TMP + "/old/metrics.jsonl", "a") as f:
        for epoch in range(3, 20001):
            f.write(json.dumps({**line, "epoch": epoch}) + "\n")
    s = Studio("old")
    a = s.json("GET", "/api/events")
    epochs = [m["epoch"] for m in a["metrics"]]
    assert epochs[0] == 1 and epochs[-1] == 20000 and 1000 < len(epochs) < 8000 and not a["more"], len(epochs)
    assert a["next"]["metrics"] == os.path.getsize(TMP + "/old/metrics.jsonl")
    s.end()


@test
def without_a_run_those_of_the_folder_are_shown():
    here = TMP + "/here"
    os.makedirs(here)
    s = Studio(cwd=here)
    assert "#/playground?" in s.about["address"] and s.json("GET", "/api/runs") == {"runs": []}
    s.json("GET", "/api/run", status=404)
    soma("train", DIGITS, "--epochs", 1, cwd=here)
    soma("train", DIGITS, "--epochs", 2, "--out", "runs/other", cwd=here)
    runs = s.json("GET", "/api/runs")["runs"]
    assert len(runs) == 2 and [r["latest"] for r in runs] == [False, True] and runs[0]["name"] == "other", runs
    assert len(s.json("GET", "/api/events?run=other")["metrics"]) == 2
    assert len(s.json("GET", "/api/events")["metrics"]) == 1
    for name in ("..", "../live", "/etc", ".latest", "", "a/b", "%2e%2e"):
        assert s.ask("GET", "/api/run?run=" + name)[0] in (400, 404), name
    s.end()
    s = Studio(cwd=here)
    assert "#/run?" in s.about["address"]
    s.end()


def main():
    if "built without" in subprocess.run([SOMA, "studio", "--port", "0", "nowhere"], capture_output=True, text=True).stderr:
        print("skipped: the program was built without libmicrohttpd or jansson")
        sys.exit(77)
    with open(PAGE, "w") as f:
        f.write("<!doctype html><title>soma studio</title>")
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
        for p in PROCESSES:
            if p.poll() is None:
                p.kill()
                p.wait()
        PROCESSES.clear()
    shutil.rmtree(TMP, ignore_errors=True)
    sys.exit(failed > 0)


main()
