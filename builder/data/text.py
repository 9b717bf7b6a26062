"""Texts as numbers. Each function stands alone, or on one above it, as a script needs it."""

from __future__ import annotations

import numpy as np


def characters(text: str, length: int, step: int) -> tuple[np.ndarray | list[str], ...]:
    """Cut a text into windows, each with the character that comes next.

    Args:
        length: characters of a window; 0 pads those at the beginning of the text.
        step: characters from one window to the next.

    Returns:
        windows (n, length) and what comes next (n,), both int64, and the vocabulary: what each
        number stands for, 0 for padding.
    """
    vocabulary = ["", *sorted(set(text))]
    numbers = {character: number for number, character in enumerate(vocabulary)}
    row = np.array([0] * (length - 1) + [numbers[character] for character in text])
    windows = np.lib.stride_tricks.sliding_window_view(row, length + 1)[::step].copy()
    return windows[:, :-1], windows[:, -1], vocabulary


def prose(length: int, step: int) -> tuple[np.ndarray | list[str], ...]:
    """English prose to go on with: how scikit-learn describes the data sets it knows."""
    import importlib.resources
    import re

    folder = importlib.resources.files("sklearn.datasets.descr")
    paths = sorted(folder.iterdir(), key=lambda path: path.name)
    texts = [path.read_text("utf-8") for path in paths if path.name.endswith(".rst")]
    kept = []
    for line in "\n".join(texts).splitlines():
        plain = re.sub(r"[^A-Za-z0-9 ,.;:'()-]", "", line).strip()
        # Rulers, tables, formulas and references are no prose.
        least = max(25, 0.93 * len(line.strip()))
        if len(plain) > least and "  " not in plain:
            kept.append(plain)
    return characters("\n".join(kept), length, step)


def names(length: int, samples: int, seed: int) -> tuple[np.ndarray | list[str], ...]:
    """Family names of ten languages, and which language each is from.

    Args:
        length: letters of a name; a shorter one is padded with 0 at its beginning, of a longer
            one the end is read.
        samples: names of a language, at most.
        seed: decides which.

    Returns:
        letters (n, length) and languages (n,), both int64, the vocabulary and the languages.
    """
    from importlib import import_module

    places = {
        "Croatian": "hr_HR",
        "Dutch": "nl_NL",
        "English": "en_US",
        "Finnish": "fi_FI",
        "French": "fr_FR",
        "German": "de_DE",
        "Irish": "ga_IE",
        "Italian": "it_IT",
        "Slovak": "sk_SK",
        "Spanish": "es_ES",
    }
    lists = []
    for place in places.values():
        provider = import_module(f"faker.providers.person.{place}").Provider
        lists.append({name.lower() for name in provider.last_names})
    rng = np.random.default_rng(seed)
    rows = []
    for language, found in enumerate(lists):
        # A name of two languages tells neither.
        own = sorted(found.difference(*lists[:language], *lists[language + 1 :]))
        drawn = rng.permutation(len(own))[:samples]
        rows += [(own[number], language) for number in sorted(drawn)]
    vocabulary = ["", *sorted({letter for name, _ in rows for letter in name})]
    numbers = {letter: number for number, letter in enumerate(vocabulary)}
    x = np.zeros((len(rows), length), dtype=np.int64)
    for row, (name, _) in enumerate(rows):
        end = [numbers[letter] for letter in name[-length:]]
        x[row, length - len(end) :] = end
    return x, np.array([language for _, language in rows]), vocabulary, list(places)
