"""Text classification with multinomial naive Bayes: reads texts, fits, judges and stores the model with skops."""

import modelyard_sdk as sdk
import numpy as np
from features import ngram_counters
from sklearn.base import clone
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import FeatureUnion, Pipeline


def train(run: sdk.Run) -> None:
    """Fit, judge and store by the run's parameters."""
    run.require_single_worker()
    if run.dataset.kind != "text":
        raise sdk.DatasetError(f"the data set holds '{run.dataset.kind}' samples, expected 'text'")
    run.plan(reading=2, features=4, training=1, evaluation=2, export=3)
    learn, judge = _read(run)
    texts, labels = [text for _, text in learn], np.array([sample.label for sample, _ in learn])
    print(f"{len(learn)} + {len(judge)} texts of {len(run.dataset.classes)} classes", flush=True)

    run.progress(0, 1, "features")
    features = ngram_counters(run.params, texts)
    run.progress(0, 1, "training")
    bayes = MultinomialNB(alpha=run.params.number("alpha")).fit(clone(features).transform(texts), labels)
    _check_stop(run)

    run.progress(0, 1, "evaluation")
    answers = [text for _, text in judge]
    probabilities = _pipeline(features, bayes).predict_proba(answers)
    best = probabilities.argmax(axis=1)
    report = sdk.classification_report(
        run.dataset,
        [sample for sample, _ in judge],
        bayes.classes_[best].tolist(),
        probabilities.max(axis=1).tolist(),
        trained=len(learn),
    )
    run.metrics.log(1, accuracy=report.accuracy, loss=_log_loss(bayes.classes_, probabilities, judge))
    print(f"accuracy {report.accuracy:.4f}", flush=True)
    _check_stop(run)

    run.progress(0, 1, "export")
    weights = run.model_folder() / "model.skops"
    sdk.export_sklearn(_pipeline(features, bayes), answers[:100], weights)
    learnt = [run.dataset.classes[label] for label in bayes.classes_]
    run.save_model(
        weights,
        sdk.Model(
            framework="sklearn",
            inputs=[sdk.Tensor("text", "string", [-1])],
            outputs=[sdk.Tensor("probabilities", "float64", [-1, len(learnt)])],
            labels=learnt,
            preprocessing=sdk.TextPreprocessing("text", "text"),
            postprocessing=sdk.Postprocessing("probabilities", "probabilities"),
            metrics=report.overall(),
            parameters_count=int(bayes.feature_log_prob_.size),
        ),
    )
    run.save_report(report)


def _pipeline(features: FeatureUnion, bayes: MultinomialNB) -> Pipeline:
    """Join the parts; the counters are fresh, without the dictionaries that they build and keep when first used."""
    return Pipeline([("features", clone(features)), ("bayes", bayes)])


def _read(run: sdk.Run) -> tuple[list[tuple[sdk.Sample, str]], list[tuple[sdk.Sample, str]]]:
    splits: dict[str, list[tuple[sdk.Sample, str]]] = {"train": [], "test": []}
    for done, (sample, text) in enumerate(run.dataset.texts()):
        run.progress(done, len(run.dataset), "reading")
        splits[sample.split].append((sample, text))
    run.metrics.log(0, non_compliant=len(run.dataset.non_compliant))
    for name, found in splits.items():
        if not found:
            raise sdk.DatasetError(f"no usable text with split '{name}': expected at least one")
    return splits["train"], splits["test"]


def _log_loss(classes: "np.ndarray", probabilities: "np.ndarray", judge: list[tuple[sdk.Sample, str]]) -> float:
    """Mean negative log probability of the true class; a class that was never learnt counts as 1e-12."""
    column = {int(label): at for at, label in enumerate(classes)}
    right = [
        probabilities[row, column[sample.label]] if sample.label in column else 0.0
        for row, (sample, _) in enumerate(judge)
    ]
    return float(-np.log(np.maximum(right, 1e-12)).mean())


def _check_stop(run: sdk.Run) -> None:
    """Stop between phases; the whole training takes seconds, so it starts anew instead of from a checkpoint."""
    if run.stopping:
        run.stop()


if __name__ == "__main__":
    sdk.main(train)
