#!/usr/bin/env python3
"""Draws the pictures of docs/tutorial.md as SVG, from what soma's commands print. The standard library only.

    draw.py grid [POINTS [LOW HIGH]]                     a CSV of points x, y on a square, for soma predict
    draw.py regions OUT.svg DATA.csv TITLE=ANSWERS.csv…  classes of the plane (soma predict MODEL grid.csv --keep x,y)
    draw.py line OUT.svg DATA.csv ANSWERS.csv            one feature: the probability over it, and the examples
    draw.py curves OUT.svg FIELD TITLE[|FIELD]=RUN…      a number of metrics.jsonl over the epochs, logarithmic; a line with
                                                         a FIELD of its own has its smallest value marked
    draw.py layers OUT.svg TABLE.csv                     a line a column, logarithmic (vanishing_gradient)
    draw.py descent OUT.svg TABLE.csv                    steps on a loss surface (gradient_descent)
    draw.py graph OUT.svg TABLE.txt                      the worked graph (backpropagation)

Each class and each line differs in more than its colour: markers, hatching, dashes, words."""
import csv
import json
import math
import os
import sys
from html import escape

COLOURS = ["#0072b2", "#d55e00", "#117733", "#aa4499", "#000000"]  # told apart with any colour vision
LIGHT = ["#d3e6f3", "#fbe3d1", "#d6ead9"]
DASHES = ["", "7 3", "2 3", "9 3 2 3", "14 4"]


def number(x):
    """As short as it can be, to a tenth of a pixel."""
    return f"{x:.1f}".rstrip("0").rstrip(".").replace("-0.", "-.") if abs(x) >= 0.05 else "0"


class Picture:
    def __init__(self, width, height, about):
        self.parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
            f'font-family="sans-serif" font-size="12" fill="#222" role="img"><title>{escape(about)}</title>',
            '<defs>' + ''.join(
                f'<pattern id="h{i}" width="8" height="8" patternUnits="userSpaceOnUse" '
                f'patternTransform="rotate({angle})"><path d="M0 0V8" stroke="{COLOURS[i]}" stroke-opacity=".45"/></pattern>'
                for i, angle in ((1, 45), (2, -45))) + '</defs>',
            f'<rect width="{width}" height="{height}" fill="#fff"/>']

    def text(self, x, y, words, anchor="middle", **style):
        more = "".join(f' {k.replace("_", "-")}="{v}"' for k, v in style.items())
        self.parts.append(f'<text x="{number(x)}" y="{number(y)}" text-anchor="{anchor}"{more}>{escape(words)}</text>')

    def path(self, d, **style):
        more = "".join(f' {k.replace("_", "-")}="{v}"' for k, v in style.items() if v != "")
        self.parts.append(f'<path d="{d}"{more}/>')

    def save(self, path):
        with open(path, "w", encoding="utf-8") as f:
            f.write("\n".join(self.parts) + "\n</svg>\n")


class Frame:
    """A box with axes in a picture: data to pixels."""

    def __init__(self, picture, left, top, width, height, x_range, y_range, log=False):
        self.p, self.left, self.top, self.width, self.height, self.log = picture, left, top, width, height, log
        self.x_range = x_range
        self.y_range = tuple(math.log10(v) for v in y_range) if log else y_range

    def x(self, v):
        return self.left + self.width * (v - self.x_range[0]) / (self.x_range[1] - self.x_range[0])

    def y(self, v):
        v = math.log10(max(v, 1e-300)) if self.log else v
        return self.top + self.height * (self.y_range[1] - v) / (self.y_range[1] - self.y_range[0])

    def axes(self, x_label, y_label, x_ticks, y_ticks, title=""):
        p, bottom = self.p, self.top + self.height
        p.path(f"M{self.left} {self.top}V{bottom}H{self.left + self.width}V{self.top}Z", fill="none", stroke="#777")
        for words, at in x_ticks:
            p.path(f"M{number(self.x(at))} {bottom}v4", stroke="#777")
            p.text(self.x(at), bottom + 16, words)
        for words, at in y_ticks:
            p.path(f"M{self.left} {number(self.y(at))}h-4", stroke="#777")
            p.text(self.left - 7, self.y(at) + 4, words, "end")
        p.text(self.left + self.width / 2, bottom + 32, x_label)
        if y_label:
            x, y = self.left - (34 if self.left < 60 else 50), self.top + self.height / 2
            p.text(x, y, y_label, transform=f"rotate(-90 {number(x)} {number(y)})")
        if title:
            p.text(self.left + self.width / 2, self.top - 8, title, font_weight="bold")

    def line(self, points, i):
        """A line with the look of number i, and its look as a legend's sample."""
        d = "M" + " ".join(f"{number(self.x(x))} {number(self.y(y))}" for x, y in points)
        self.p.path(d, fill="none", stroke=COLOURS[i % 5], stroke_width=2, stroke_dasharray=DASHES[i % 5],
                    stroke_linejoin="round")

    def legend(self, titles, x):
        for i, title in enumerate(titles):
            y = self.top + 12 + 20 * i
            self.p.path(f"M{x} {y}h34", stroke=COLOURS[i % 5], stroke_width=2, stroke_dasharray=DASHES[i % 5])
            self.p.text(x + 42, y + 4, title, "start")


def table(path):
    with open(path, newline="", encoding="utf-8") as f:
        return list(csv.DictReader(f))


def titled(words):
    title, _, path = words.rpartition("=")
    return title, path


def marker(k, x, y):
    """A class's sign around a pixel: a dot, a cross, a triangle."""
    x, y = number(x), number(y)
    return (f"M{x} {y}h0", f"M{x} {y}m-2.5-2.5l5 5m0-5l-5 5", f"M{x} {y}m-3 2.5h6l-3-5.5z")[k % 3]


def scatter(frame, points):
    """Points (x, y, class) with the signs of their classes."""
    for k in range(3):
        d = "".join(marker(k, frame.x(x), frame.y(y)) for x, y, c in points if c == k)
        if d:
            frame.p.path(d, fill="none", stroke=COLOURS[k], stroke_width=5 if k == 0 else 1.4,
                         stroke_linecap="round")


def logarithmic_ticks(low, high):
    """Powers of ten, not too many; over less than two of them also twice and five times each."""
    first, last = math.floor(math.log10(low)), math.floor(math.log10(high))
    step = max(1, -(-(last - first) // 7))
    ticks = [(f"{10.0 ** e:g}" if -4 < e < 4 else f"1e{e}", 10.0 ** e) for e in range(first, last + 1) if e % step == 0]
    if high / low < 100:
        ticks = [(f"{m * 10.0 ** e:g}", m * 10.0 ** e) for e in range(first, last + 1) for m in (1, 2, 3, 5, 7)]
    return [t for t in ticks if low <= t[1] <= high]


def grid(count="81", low="-1.5", high="1.5"):
    n, low, high = int(count), float(low), float(high)
    print("x,y")
    for j in range(n):
        for i in range(n):
            print(f"{low + (high - low) * i / (n - 1):.5f},{low + (high - low) * j / (n - 1):.5f}")


def regions(out, data, *answers):
    rows = table(data)
    target = list(rows[0])[-1]
    classes = sorted({r[target] for r in rows})
    points = [(float(r["x"]), float(r["y"]), classes.index(r[target])) for r in rows]
    size, gap = 210, 22
    about = ", ".join(titled(answer)[0] for answer in answers)
    p = Picture(max(60 + len(answers) * (size + gap), 370), size + 96, f"decision regions: {about}")
    for panel, answer in enumerate(answers):
        title, path = titled(answer)
        cells = table(path)
        names = [c for c in cells[0] if c.startswith("p(")]
        xs = sorted({float(c["x"]) for c in cells})
        ys = sorted({float(c["y"]) for c in cells})
        n, box = len(xs), (xs[0], xs[-1])
        frame = Frame(p, 52 + panel * (size + gap), 28, size, size, box, (ys[0], ys[-1]))
        fills = ["", "", ""]
        for j, y in enumerate(ys):
            row = [[float(c[name]) for name in names] for c in cells[j * n:(j + 1) * n]]
            best = [v.index(max(v)) for v in row]
            half = (ys[1] - ys[0]) / 2
            top, bottom = frame.y(min(y + half, ys[-1])), frame.y(max(y - half, ys[0]))
            start, begun = xs[0], best[0]
            for i in range(1, n + 1):
                if i < n and best[i] == begun:
                    continue
                if i == n:
                    stop = xs[-1]
                else:  # where the two probabilities cross, by a straight line between the grid's points
                    a, b = best[i - 1], best[i]
                    before, after = row[i - 1][a] - row[i - 1][b], row[i][b] - row[i][a]
                    stop = xs[i - 1] + (xs[i] - xs[i - 1]) * before / (before + after + 1e-12)
                left, right = frame.x(start), frame.x(stop)
                fills[begun % 3] += f"M{number(left)} {number(top)}H{number(right)}V{number(bottom)}H{number(left)}z"
                if i < n:
                    start, begun = stop, best[i]
        for k, d in enumerate(fills):
            if d:
                p.path(d, fill=LIGHT[k])
                if k:
                    p.path(d, fill=f"url(#h{k})")
        inside = [q for q in points if box[0] <= q[0] <= box[1] and ys[0] <= q[1] <= ys[-1]]
        if panel == 0:
            p.parts.append('<g id="points">')
            scatter(frame, inside)
            p.parts.append("</g>")
        else:  # the same points again
            p.parts.append(f'<use href="#points" x="{panel * (size + gap)}"/>')
        frame.axes("x", "y" if panel == 0 else "", [(f"{v:g}", v) for v in (-1, 0, 1)],
                   [(f"{v:g}", v) for v in (-1, 0, 1)] if panel == 0 else [], title)
    left = 52
    for k, name in enumerate(classes[:3]):
        y = size + 82
        p.parts.append(f'<rect x="{left}" y="{y - 11}" width="22" height="15" fill="{LIGHT[k]}"/>')
        if k:
            p.parts.append(f'<rect x="{left}" y="{y - 11}" width="22" height="15" fill="url(#h{k})"/>')
        p.path(marker(k, left + 11, y - 3.5), fill="none", stroke=COLOURS[k], stroke_width=5 if k == 0 else 1.4,
               stroke_linecap="round")
        p.text(left + 28, y, f"class {name}", "start")
        left += 100
    p.save(out)


def line(out, data, answers):
    rows, curve = table(data), table(answers)
    feature, target = list(rows[0])[0], list(rows[0])[-1]
    classes = sorted({r[target] for r in rows})
    column = [c for c in curve[0] if c.startswith("p(")][1]
    low, high = float(curve[0][feature]), float(curve[-1][feature])
    p = Picture(560, 320, f"the probability of {classes[1]} over {feature}")
    frame = Frame(p, 64, 30, 470, 230, (low, high), (-0.06, 1.06))
    scatter(frame, [(float(r[feature]), classes.index(r[target]), classes.index(r[target])) for r in rows])
    crossing = next((float(r[feature]) for r in curve if float(r[column]) >= 0.5), high)
    p.path(f"M{number(frame.x(crossing))} {frame.top}v{frame.height}", stroke="#777", stroke_dasharray="3 3")
    frame.line([(float(r[feature]), float(r[column])) for r in curve], 4)
    p.text(frame.x(crossing) + 6, frame.y(0.5) + 4, f"1/2 at {crossing:.1f}", "start")
    p.text(frame.x(high) - 6, frame.y(1) + 18, f"examples: {classes[1]}", "end", fill=COLOURS[1])
    p.text(frame.x(low) + 6, frame.y(0) - 26, f"examples: {classes[0]}", "start", fill=COLOURS[0])
    ticks = [(str(v), v) for v in range(-(-int(low) // 5) * 5, int(high) + 1, 5)]
    frame.axes(feature.replace("_", " "), f"probability of {classes[1]}", ticks, [("0", 0), ("0.5", 0.5), ("1", 1)])
    p.save(out)


def draw_lines(out, about, series, x_label, y_label, whole=False, smallest=()):
    """Titles with lists of (x, y) on a logarithmic axis; a ring around the smallest value of the lines in `smallest`."""
    values = [y for _, points in series for _, y in points if y > 0]
    low, high = min(values) / 1.2, max(values) * 1.2
    last = max(x for _, points in series for x, _ in points)
    longest = max(len(title) for title, _ in series)
    p = Picture(535 + 8 * longest, 320, about)
    frame = Frame(p, 74, 20, 390, 240, (1, last), (low, high), log=True)
    for i, (_, points) in enumerate(series):
        frame.line(points, i)
        if i in smallest:
            x, y = min(points, key=lambda q: q[1])
            p.parts.append(f'<circle cx="{number(frame.x(x))}" cy="{number(frame.y(y))}" r="6" fill="none" stroke="#222"/>')
            p.text(frame.x(x) + 10, frame.y(y) + 16, f"smallest: epoch {x}", "start")
    steps = range(1, last + 1) if whole else [max(1, round(last * i / 5)) for i in range(6)]
    frame.axes(x_label, y_label, [(str(v), v) for v in steps], logarithmic_ticks(low, high))
    frame.legend([title for title, _ in series], 478)
    p.save(out)


def curves(out, field, *runs):
    series, smallest = [], []
    for run in runs:
        title, folder = titled(run)
        title, _, own = title.partition("|")  # TITLE|FIELD=RUN takes another number and marks its smallest
        with open(os.path.join(folder, "metrics.jsonl"), encoding="utf-8") as f:
            epochs = [json.loads(text) for text in f if text.strip()]
        thin = max(1, len(epochs) // 120)
        points = [(e["epoch"], e[own or field]) for i, e in enumerate(epochs) if i % thin == 0 or i + 1 == len(epochs)]
        smallest += [len(series)] if own else []
        series.append((title, points))
    draw_lines(out, f"{field} over the epochs", series, "epoch", field.replace("_", " "), smallest=smallest)


def layers(out, path):
    rows = table(path)
    first = list(rows[0])[0]
    series = [(c, [(int(r[first]), float(r[c])) for r in rows]) for c in rows[0] if c != first]
    draw_lines(out, "norm of the gradient by layer", series, "hidden layer (1 is next to the input)",
               "norm of the gradient", whole=True)


def descent(out, path):
    rows = table(path)
    surface = [(float(r["w0"]), float(r["w1"]), float(r["loss"])) for r in rows if r["what"] == "surface"]
    ways = [w for w in dict.fromkeys(r["what"] for r in rows) if w != "surface"]
    xs, ys = sorted({s[0] for s in surface}), sorted({s[1] for s in surface})
    n = len(xs)
    loss = [[surface[j * n + i][2] for i in range(n)] for j in range(len(ys))]
    p = Picture(60 + len(ways) * 232, 300, "steps of gradient descent on a loss surface")
    for panel, way in enumerate(ways):
        frame = Frame(p, 52 + panel * 232, 28, 210, 210, (xs[0], xs[-1]), (ys[0], ys[-1]))
        for level in (0.25, 1, 2.5, 5, 10, 20, 40):
            d = ""
            for j in range(len(ys) - 1):  # marching squares: where the level crosses a cell's sides
                for i in range(n - 1):
                    corners = [(i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1)]
                    cut = []
                    for (i0, j0), (i1, j1) in zip(corners, corners[1:] + corners[:1]):
                        a, b = loss[j0][i0] - level, loss[j1][i1] - level
                        if (a < 0) != (b < 0):
                            t = a / (a - b)
                            cut.append((frame.x(xs[i0] + t * (xs[i1] - xs[i0])), frame.y(ys[j0] + t * (ys[j1] - ys[j0]))))
                    if len(cut) == 2:
                        (ax, ay), (bx, by) = cut
                        d += f"M{number(ax)} {number(ay)}L{number(bx)} {number(by)}"
            p.path(d, fill="none", stroke="#aaa")
        steps = [(float(r["w0"]), float(r["w1"])) for r in rows if r["what"] == way]
        frame.line(steps, panel)
        p.path("".join(f"M{number(frame.x(a))} {number(frame.y(b))}h0" for a, b in steps), stroke=COLOURS[panel],
               stroke_width=5, stroke_linecap="round")
        p.text(frame.x(steps[0][0]) + 6, frame.y(steps[0][1]) - 5, "start", "start")
        frame.axes("w0", "w1" if panel == 0 else "", [(f"{v:g}", v) for v in (-2, -1, 0, 1, 2)],
                   [(f"{v:g}", v) for v in (-2, -1, 0, 1, 2)] if panel == 0 else [], way)
    p.text(52, 294, "grey: lines of equal loss; a dot: the weights after a step", "start")
    p.save(out)


def graph(out, path):
    with open(path, encoding="utf-8") as f:
        lines = f.read().splitlines()[1:]
    found = {text[:12].strip(): text[12:].split() for text in lines if text.strip()}
    at = {"w0": (40, 40), "x0": (40, 100), "w1": (40, 160), "x1": (40, 220), "w2": (40, 280), "w0 x0": (170, 70),
          "w1 x1": (170, 190), "sum": (300, 130), "z": (430, 205), "-z": (530, 205), "exp(-z)": (630, 205),
          "1 + exp(-z)": (730, 205), "y": (830, 205)}
    signs = {"w0 x0": "×", "w1 x1": "×", "sum": "+", "z": "+", "-z": "× -1", "exp(-z)": "exp", "1 + exp(-z)": "+ 1",
             "y": "1/x"}
    edges = {"w0": "w0 x0", "x0": "w0 x0", "w1": "w1 x1", "x1": "w1 x1", "w0 x0": "sum", "w1 x1": "sum", "sum": "z",
             "w2": "z", "z": "-z", "-z": "exp(-z)", "exp(-z)": "1 + exp(-z)", "1 + exp(-z)": "y", "y": None}
    p = Picture(920, 310, "the computational graph of 1 / (1 + exp(-(w0 x0 + w1 x1 + w2)))")
    for name, (x, y) in at.items():  # an edge: a level piece with the two numbers, then a slanted one
        start, after = (x - 8, edges[name]) if name not in signs else (x + 19, edges[name])
        end = start + 62
        p.path(f"M{start} {y}H{end}" + (f"L{at[after][0]} {at[after][1]}" if after else ""), fill="none", stroke="#777")
        value, gradient = found[name]
        p.text(start + 31, y - 6, value, fill="#117733", font_weight="bold")
        p.text(start + 31, y + 15, gradient, fill="#b00020", font_style="italic")
    for name, (x, y) in at.items():
        if name in signs:
            p.parts.append(f'<circle cx="{x}" cy="{y}" r="19" fill="#fff" stroke="#222"/>')
            p.text(x, y + 4, signs[name])
        else:
            p.text(x - 22, y + 4, name, font_weight="bold")
    p.text(430, 40, "above an edge, upright: the value, from left to right", "start", fill="#117733", font_weight="bold")
    p.text(430, 62, "below it, slanted: the gradient of y by it, from right to left", "start", fill="#b00020",
           font_style="italic")
    p.save(out)


if __name__ == "__main__":
    kinds = {f.__name__: f for f in (grid, regions, line, curves, layers, descent, graph)}
    if len(sys.argv) < 2 or sys.argv[1] not in kinds:
        sys.exit(__doc__)
    kinds[sys.argv[1]](*sys.argv[2:])
