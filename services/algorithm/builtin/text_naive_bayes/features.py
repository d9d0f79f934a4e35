"""Counts of character and word n-grams, of scikit-learn's own parts, so that skops loads them without extra trust."""

from collections.abc import Sequence

import modelyard_sdk as sdk
import numpy as np
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.pipeline import FeatureUnion

WORD = r"(?u)[^\W\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+"
"""A run of word characters that are neither kana, Han nor Hangul: those scripts are covered by character n-grams."""

_LONGEST_TERM = 64


def ngram_counters(params: sdk.Parameters, texts: Sequence[str]) -> FeatureUnion:
    """Return a union of the n-gram counters that find something in `texts`, each with a fixed vocabulary.

    The vocabulary stands in the counter as an array of strings: skops stores an array at once, the dictionary of a
    fitted counter entry by entry (minutes for 200 000 n-grams). Raises ContractError when no n-gram is left.
    """
    parts: list[tuple[str, CountVectorizer]] = []
    for analyzer in ("char", "word"):
        longest = params.integer(f"{analyzer}_ngram_max")
        if not longest:
            continue
        form = {"analyzer": analyzer, "ngram_range": (1, longest)}
        if analyzer == "word":
            form["token_pattern"] = WORD
        terms = _terms(
            CountVectorizer(**form, min_df=params.integer("min_df"), max_features=params.integer("max_features")), texts
        )
        if terms:
            parts.append((analyzer, CountVectorizer(**form, vocabulary=np.array(terms))))
    if not parts:
        raise sdk.ContractError(
            "parameters 'char_ngram_max', 'word_ngram_max', 'min_df': no n-gram of the training texts is left, "
            "expected longer n-grams or a smaller min_df"
        )
    return FeatureUnion(parts)


def _terms(counter: CountVectorizer, texts: Sequence[str]) -> list[str]:
    try:
        counter.fit(texts)
    except ValueError:
        # scikit-learn's only sign of an empty vocabulary or of a min_df above the number of texts
        return []
    return sorted(term for term in counter.vocabulary_ if len(term) <= _LONGEST_TERM and "\0" not in term)
