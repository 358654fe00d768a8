"""Fills a real MLflow tracking server by its own client with runs that are easy to read wrongly, and prints their ids and independent figures as JSON.

MLFLOW_TRACKING_URI names the server. Statistics are SciPy's and NumPy's, so that ours are held against somebody else's.
"""

import json
import math
import os
import struct
import sys
import tempfile
import time
import zlib

import mlflow
import numpy as np
import scipy
from mlflow.entities import Metric, Param, RunTag
from scipy import stats

client = mlflow.MlflowClient()
ids = {}
BORN = 1_760_000_000_000


def experiment(name):
    return client.create_experiment(name)


def run(name, where, curves, params, *, parent=None, status="FINISHED", tags=None, born=0):
    """One run with whole curves: {metric: [(step, value), ...]}."""
    more = {"mlflow.parentRunId": ids[parent]} if parent else {}
    made = client.create_run(where, start_time=BORN + born, run_name=name, tags={**more, **(tags or {})})
    key = made.info.run_id
    points = [Metric(metric, value, BORN + born + step, step) for metric, curve in curves.items() for step, value in curve]
    for at in range(0, len(points), 1000):
        client.log_batch(key, metrics=points[at : at + 1000])
    client.log_batch(key, params=[Param(k, v) for k, v in params.items()])
    if status != "RUNNING":
        client.set_terminated(key, status=status, end_time=BORN + born + 60_000)
    ids[name] = key
    return key


def curve(last, steps=20):
    """Climbs to `last`, which is also its best."""
    return [(step, last - 0.2 * (steps - 1 - step) / (steps - 1)) for step in range(steps)]


def main():
    ads = experiment("ads-rank-v3")
    other = experiment("/Shared/équipe/ctr-größe")
    gone = experiment("given-up")
    client.delete_experiment(gone)

    common = {"learning_rate": "0.01", "dropout": "0.1"}
    v1 = {1: 0.7101, 2: 0.7126, 3: 0.7088}
    v2 = {1: 0.7342, 2: 0.7305, 3: 0.7371}
    for feature_set, finals in (("v1", v1), ("v2", v2)):
        for seed, last in finals.items():
            run(
                f"{feature_set}-seed-{seed}",
                ads,
                {"val_f1": curve(last), "val_loss": [(s, 1.2 - s / 40) for s in range(20)]},
                {**common, "feature_set": feature_set, "seed": str(seed)},
                born=seed * 1000 + (100_000 if feature_set == "v2" else 0),
                tags={"mlflow.source.git.commit": "a" * 40},
            )
    # More is changed than the features.
    run("confounded", ads, {"val_f1": curve(0.73, steps=10)}, {"learning_rate": "0.02", "dropout": "0.1", "feature_set": "v2", "seed": "1"}, tags={"mlflow.source.git.commit": "b" * 40})
    # Higher than all of them, and none of them may win.
    run("nested-child", ads, {"val_f1": curve(0.99)}, {**common, "feature_set": "v1", "seed": "9"}, parent="v1-seed-1", tags={"mlflow.source.git.commit": "a" * 40})
    run("still-running", ads, {"val_f1": curve(0.98)}, common, status="RUNNING")
    run("failed", ads, {"val_f1": curve(0.97)}, common, status="FAILED")
    run("killed", ads, {"val_f1": curve(0.96)}, common, status="KILLED")
    run("nan", ads, {"val_f1": [*curve(0.95)[:-1], (19, math.nan)]}, {**common, "learning_rate": "5"})
    run("infinite", ads, {"val_f1": [(0, math.inf)], "val_loss": [(0, -math.inf)]}, common)
    run("deleted", ads, {"val_f1": curve(0.999)}, common)
    client.delete_run(ids["deleted"])
    # Its last value is lower than its best.
    run("peaked", ads, {"val_f1": [(0, 0.6), (10, 0.705), (20, 0.68)]}, {**common, "feature_set": "v1"})
    run("no-metrics", ads, {}, {})
    ids["empty"] = client.create_run(ads, run_name="empty").info.run_id
    client.set_terminated(ids["empty"])

    long = [(step, math.exp(-step / 2500) + 0.01 * math.sin(step)) for step in range(10_000)]
    long[7777] = (7777, 9.5)
    run("ten-thousand", other, {"train_loss": long}, {"seed": "1"})
    run("diverging", other, {"train_loss": [(s, 0.1 * 1.5**s) for s in range(20)]}, {"seed": "2"})
    odd = {"val/f1 score": [(0, 0.25), (1, 0.5)], "eval.top-5: acc": [(1, 0.75)], "système_été": [(0, 1.5)], "negative step": [(-1, 3.0), (0, 4.0)], "same step": [(5, 1.0)]}
    try:
        run("Lauf – größer 🚀 | *bold* <b>", other, odd, {"größe": "ünïcode ✓", "long": "x" * 6000, "lines": "a\nb\tc"}, tags={"notiz/été": "naïve – 日本語\nzweite Zeile", "quote's": 'both "kinds"'})
    except mlflow.MlflowException as refused:
        print(f"refused by the server: {refused}", file=sys.stderr)
        raise
    client.log_metric(ids["Lauf – größer 🚀 | *bold* <b>"], "same step", 2.0, timestamp=BORN + 9, step=5)
    tagged = run("logged-by-a-job", ads, {"val_f1": curve(0.72)}, common, tags={"mlflow.databricks.jobRunID": "9007199254740993123", "mlflow.databricks.jobID": "101"})
    client.log_metric(tagged, "val_f1", 0.725, timestamp=BORN + 5, step=30)

    mlflow.set_experiment(experiment_id=other)
    with mlflow.start_run(run_name="with-data") as active:
        ids["with-data"] = active.info.run_id
        first = mlflow.data.from_numpy(np.arange(6.0).reshape(3, 2), name="ads.clicks")
        second = mlflow.data.from_numpy(np.arange(8.0).reshape(4, 2), name="ads.clicks-eval")
        mlflow.log_input(first, context="training")
        mlflow.log_input(second, context="eval")
        mlflow.log_metric("val_f1", 0.5, step=3)
        mlflow.log_metric("val_f1", 0.6, step=3, dataset=second)
        mlflow.log_dict({"größe": [1, 2, 3]}, "reports/données été.json")
        mlflow.log_text("feature,count\na,1\nb,2\n", "distribution.csv")
        mlflow.log_text("percent 100% & more\n", "odd & more+ é.txt")
        mlflow.log_text("x" * 300_000, "big.txt")
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "dot.png"), "wb") as out:
                out.write(png())
            mlflow.log_artifact(os.path.join(folder, "dot.png"), "pictures")
        digests = [first.digest, second.digest]

    a, b = list(v1.values()), list(v2.values())
    welch = stats.ttest_ind(b, a, equal_var=False)
    interval = welch.confidence_interval(0.95)
    print(
        json.dumps(
            {
                "versions": {"mlflow": mlflow.__version__, "scipy": scipy.__version__, "numpy": np.__version__, "python": sys.version.split()[0]},
                "experiments": {"ads": ads, "other": other, "gone": gone},
                "runs": ids,
                "digests": digests,
                "noise": {
                    "mean": [float(np.mean(a)), float(np.mean(b))],
                    "std": [float(np.std(a, ddof=1)), float(np.std(b, ddof=1))],
                    "welch_p": float(welch.pvalue),
                    "ci95": [float(interval.low), float(interval.high)],
                },
                "loss": {"first": long[0][1], "last": long[-1][1], "min": min(v for _, v in long), "max": max(v for _, v in long)},
            }
        )
    )


def png():
    """One red dot, two by two."""
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + b"\xff\0\0" * 2 for _ in range(2))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 2, 8, 2, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


if __name__ == "__main__":
    began = time.time()
    main()
    print(f"loaded in {time.time() - began:.1f} s", file=sys.stderr)
