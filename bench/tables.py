#!/usr/bin/env python3
"""soma's plain defaults beside scikit-learn on tables, on the same five folds.

Usage: bench/tables.py build/soma FILE.csv… (each file's last column is the target; PYTHON needs scikit-learn and pandas)

scikit-learn gets what a practitioner gives it: numbers imputed by the median with an indicator and standardised,
texts one-hot (unseen levels ignored), columns of one value, row numbers and texts that hardly repeat left out.
Prints one line a file: accuracy or RMSE of the majority or mean, the linear model, the MLP (its defaults with early
stopping), histogram gradient boosting and soma, and the difference of soma from the better of linear and MLP together
with the standard error of that difference over the folds."""
import json, os, subprocess, sys, tempfile, warnings
import numpy as np, pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

warnings.filterwarnings("ignore")


def columns(x):
    numbers, texts = [], []
    for name in x:
        c = x[name]
        if c.nunique() < 2 and not c.isna().any():
            continue
        if pd.api.types.is_numeric_dtype(c) and not pd.api.types.is_bool_dtype(c):
            if not (c.is_monotonic_increasing and (c.diff().dropna() == 1).all()):
                numbers.append(name)
        elif c.nunique() <= 0.5 * len(c):
            texts.append(name)
    return numbers, texts


def features(x):
    numbers, texts = columns(x)
    return ColumnTransformer([
        ("n", make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler()), numbers),
        ("t", make_pipeline(SimpleImputer(strategy="constant", fill_value="?"), OneHotEncoder(handle_unknown="ignore", min_frequency=3)), texts)],
        sparse_threshold=0)


def peers(classify):
    if classify:
        return [("majority", DummyClassifier()), ("linear", LogisticRegression(max_iter=2000)),
                ("mlp", MLPClassifier(early_stopping=False, max_iter=300, random_state=0)),
                ("boosting", HistGradientBoostingClassifier(random_state=0))]
    return [("mean", DummyRegressor()), ("linear", RidgeCV(np.logspace(-3, 3, 13))),
            ("mlp", MLPRegressor(early_stopping=False, max_iter=300, random_state=0)),
            ("boosting", HistGradientBoostingRegressor(random_state=0))]


def score(classify, truth, answer):
    return float(np.mean(truth == answer)) if classify else float(np.sqrt(np.mean((truth - answer) ** 2)))


def refuse(line):
    print(line.strip(), file=sys.stderr)
    return float("nan")


def run_soma(soma, train, test, extra):
    with tempfile.TemporaryDirectory() as folder:
        a, b = f"{folder}/train.csv", f"{folder}/test.csv"
        train.to_csv(a, index=False)
        test.to_csv(b, index=False)
        p = subprocess.run([soma, "train", a, "--out", f"{folder}/run", "--json", *extra], capture_output=True, text=True)
        if p.returncode:
            return refuse(p.stderr)
        p = subprocess.run([soma, "eval", f"{folder}/run", b, "--json"], capture_output=True, text=True)
        if p.returncode:
            return refuse(p.stderr)
        result = json.loads(p.stdout)
        return result.get("accuracy", result.get("rmse"))


def main():
    soma, files, extra = sys.argv[1], [f for f in sys.argv[2:] if f.endswith(".csv")], [f for f in sys.argv[2:] if not f.endswith(".csv")]
    only = os.environ.get("ONLY")
    for path in files:
        d = pd.read_csv(path, keep_default_na=True)
        d = d[d.iloc[:, -1].notna()].reset_index(drop=True)
        x, y = d.iloc[:, :-1], d.iloc[:, -1]
        whole = pd.api.types.is_numeric_dtype(y) and (y == y.round()).all() and y.nunique() <= 20 and len(y) >= 10 * y.nunique()
        classify = not pd.api.types.is_numeric_dtype(y) or whole or set(y.unique()) == {0, 1}
        if classify:
            y = y.astype(str)
        else:
            y = y.astype(float)
        folds = (StratifiedKFold if classify else KFold)(5, shuffle=True, random_state=0)
        results = {}
        for train, test in folds.split(x, y):
            if only != "soma":
                for name, model in peers(classify):
                    if name == "mlp" and not classify:
                        mean, sd = y.iloc[train].mean(), y.iloc[train].std()
                        fitted = make_pipeline(features(x.iloc[train]), model).fit(x.iloc[train], (y.iloc[train] - mean) / sd)
                        answer = fitted.predict(x.iloc[test]) * sd + mean
                    else:
                        answer = make_pipeline(features(x.iloc[train]), model).fit(x.iloc[train], y.iloc[train]).predict(x.iloc[test])
                    results.setdefault(name, []).append(score(classify, y.iloc[test].to_numpy(), answer))
            results.setdefault("soma", []).append(run_soma(soma, d.iloc[train], d.iloc[test], extra))
        means = {k: np.mean(v) for k, v in results.items()}
        line = f"{os.path.basename(path):20s} {len(d):6d} x {x.shape[1]:3d} " + " ".join(f"{k} {v:.4g}" for k, v in means.items())
        if only != "soma":
            best = max(("linear", "mlp"), key=lambda k: means[k] if classify else -means[k])
            difference = np.array(results["soma"]) - np.array(results[best])
            if not classify:
                difference = -difference / means[best]
            error = difference.std(ddof=1) / np.sqrt(5)
            bar = 0.005 if classify else 0.02
            verdict = "ok" if difference.mean() >= -max(bar, error) else "BEHIND"
            line += f" | {100 * difference.mean():+.2f} % (se {100 * error:.2f}) {verdict}"
        print(line, flush=True)


main()
