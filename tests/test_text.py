"""Texts and measured series: what is read, how it is cut, and how a model writes on."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from builder import TEMPLATES
from builder.data import load, mismatches, split
from builder.data.own import PREFIX, Shelf, table, text, tokens
from builder.data.own.kinds import read as read_own
from builder.data.samples import token_name
from builder.data.text import characters
from builder.errors import DataError
from builder.store import Store
from builder.train import Recipe
from builder.train.writing import MAX_TOKENS, next_shares, write_on

ALICE = "Alice was beginning to get very tired of sitting by her sister. " * 20
Keep = Callable[..., Path]


@pytest.fixture
def keep(home: Path) -> Keep:
    def kept(content: str | bytes, kind: str = "text") -> Path:
        data = content.encode() if isinstance(content, str) else content
        shelf = Shelf(home)
        return shelf.path(shelf.keep(kind, "a.txt", data))

    return kept


# measured series


def test_sunspots_and_co2_are_those_that_their_package_gives() -> None:
    from statsmodels.datasets import co2, sunspots

    seen = load("sunspots", length=5)
    whole = sunspots.load_pandas().data["SUNACTIVITY"].to_numpy(np.float32)
    assert torch.equal(seen.y[:, 0], torch.from_numpy(whole[5:]))
    assert torch.equal(seen.x[7, :, 0], torch.from_numpy(whole[7:12]))
    weeks = co2.load_pandas().data["co2"].to_numpy(np.float32)
    filled = load("co2", length=2).y[:, 0].numpy()
    there = ~np.isnan(weeks[2:])
    assert np.array_equal(filled[there], weeks[2:][there])
    assert (~there).sum() > 0
    assert np.isfinite(filled).all()


@pytest.mark.parametrize("name", ["sunspots", "co2", "seattle", "san_francisco"])
def test_a_measured_series_is_scaled_as_one_by_what_is_learned(name: str) -> None:
    samples = load(name)
    parts = split(samples)
    assert parts.train.max() < parts.validation.min()  # what is judged on comes later
    x = parts.scaled(samples.x)[parts.train]
    assert x.mean().item() == pytest.approx(0, abs=1e-3)
    assert x.std().item() == pytest.approx(1, abs=1e-2)
    # A window is the next one shifted by a step, before and after.
    assert torch.equal(x[0, 1:], x[1, :-1])


# cutting


@settings(max_examples=30)
@given(st.text(min_size=3, max_size=60), st.integers(1, 12), st.integers(1, 4))
def test_windows_hold_the_text_and_the_character_that_follows(
    given_text: str, length: int, step: int
) -> None:
    x, y, vocabulary = characters(given_text, length, step)
    for row, (window, target) in enumerate(zip(x, y, strict=True)):
        end = 1 + row * step
        read = "".join(vocabulary[number] for number in window)
        assert read == given_text[max(0, end - length) : end]
        assert vocabulary[target] == given_text[end]


@settings(max_examples=30)
@given(st.lists(st.text("ab c,", max_size=9), min_size=1, max_size=5), st.integers(1, 8))
def test_tokens_say_what_the_beginning_of_each_text_says(texts: list[str], length: int) -> None:
    x, vocabulary = tokens.encode(texts, "characters", length)
    assert x.shape == (len(texts), length)
    for row, found in zip(x, texts, strict=True):
        assert "".join(vocabulary[number] for number in row) == found[:length]


def test_words_are_cut_at_spaces_and_signs_and_the_seldom_ones_are_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tokens, "MAX_TOKENS", 2)
    x, vocabulary = tokens.encode(["Go, go!", "go, stop"], "words", 5)
    assert vocabulary == ("", "unknown", "go", ",")
    assert x.tolist() == [[0, 2, 3, 2, 1], [0, 0, 2, 3, 1]]


def test_names_of_two_languages_are_left_out_and_the_seed_draws_the_same() -> None:
    first, again, other = load("names"), load("names"), load("names", seed=1)
    assert torch.equal(first.x, again.x)
    assert first.x.shape != other.x.shape or not torch.equal(first.x, other.x)
    read = ["".join(first.vocabulary[number] for number in row) for row in first.x]
    whole = [name for name, row in zip(read, first.x, strict=True) if row[0] == 0]
    assert len(set(whole)) == len(whole) > 3000


# texts of one's own


def test_a_text_is_read_as_its_options_say(keep: Keep) -> None:
    path = keep(ALICE)
    assert text.suggest(path) == {"length": 32, "step": 1, "lower": False}
    samples = text.read(path, {"length": 8, "step": 3, "lower": True})
    assert samples.shape == (8,)
    assert samples.continues
    assert samples.by_time
    assert "A" not in samples.vocabulary
    assert samples.classes[1] == "space"
    assert read_own(PREFIX + path.stem, {}).shape == (32,)


@pytest.mark.parametrize(
    ("content", "options", "said"),
    [
        ("abc", {"step": 9}, "too few for two windows"),
        ("", {}, "0 characters"),
        (b"\x00\x01\x02", {}, "is no text"),
        (ALICE, {"length": 2}, "length is 2"),
        (ALICE, {"step": True}, "step is True"),
        (ALICE, {"lower": 1}, "lower is 1"),
        (ALICE, {"window": 8}, "no setting 'window'"),
        ("".join(map(chr, range(0x4E00, 0x4E00 + 1200))), {}, "1,200 different characters"),
    ],
)
def test_a_text_that_cannot_be_learned_is_refused_in_words(
    keep: Keep, content: str | bytes, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(DataError) as error:
        text.read(keep(content), options)
    assert said in error.value.message


def test_a_text_too_large_says_which_step_would_do(
    keep: Keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text, "MAX_NUMBERS", 10_000)
    path = keep(ALICE)
    with pytest.raises(DataError, match="A step of 5 would do"):
        text.read(path, {})
    assert len(text.read(path, {"step": 5}).x)


def test_any_encoding_of_a_text_is_found(keep: Keep) -> None:
    french = "Où est passé l'été? Là-bas, derrière la forêt et les châteaux. " * 30
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "cp1252"):
        found = text.read(keep(french.encode(encoding)), {})
        assert {"û", "é", "Ü"} & set(found.vocabulary) == {"é"}
        assert found.x.shape == (len(french) - 1, 32)


def test_a_table_of_texts_and_labels_is_read_word_by_word(keep: Keep) -> None:
    lines = [f"the {n}th thing I saw was {'good' if n % 2 else 'bad'},{n % 2}" for n in range(80)]
    path = keep("review,label\n" + "\n".join(lines), "table")
    options = table.suggest(path)
    assert (options["kinds"]["review"], options["tokens"], options["length"]) == (
        "text",
        "words",
        7,
    )
    samples = table.read(path, {})
    assert (samples.kind, samples.task, samples.classes) == ("text", "classification", ("0", "1"))
    assert not samples.continues
    row = [samples.vocabulary[number] for number in samples.x[3]]
    assert row == ["the", "3th", "thing", "i", "saw", "was", "good"]
    letters = table.read(path, {"tokens": "characters", "length": 4})
    assert "".join(letters.vocabulary[number] for number in letters.x[0]) == "the "


def test_a_text_is_read_alone_and_what_is_left_out_is_told(keep: Keep) -> None:
    lines = [f"{n},a thing with number {n},{n % 2}" for n in range(80)]
    path = keep("price,name,label\n" + "\n".join(lines), "table")
    assert table.read(path, {}).kind == "table"  # numbers are what a table is taken for
    found = table.look(path, {"kinds": {"name": "text"}})
    assert found.samples.kind == "text"
    assert any("price are left out" in note for note in found.notes)
    with pytest.raises(DataError, match="whole number of tokens"):
        table.read(path, {"kinds": {"name": "text"}, "length": 0})
    with pytest.raises(DataError, match="tokens is 'syllables'"):
        table.read(path, {"kinds": {"name": "text"}, "tokens": "syllables"})


# models


def test_a_vocabulary_larger_than_the_embedding_is_told_and_mended() -> None:
    spec, samples = TEMPLATES["TextClassifier"], load("names")
    for mismatch in mismatches(spec, samples):
        spec = mismatch.fixes[0].apply(spec)
    from builder import edit

    small = edit.set_args(spec, spec.nodes[0].name, {"num_embeddings": 9})
    (found,) = mismatches(small, samples)
    assert f"has 9 rows; names has {len(samples.vocabulary)} tokens" in found.message
    assert mismatches(found.fixes[0].apply(small), samples) == ()


@pytest.mark.parametrize(
    ("template", "data", "options"),
    [
        ("TextClassifier", "names", {"samples": 50}),
        ("CharLSTM", "prose", {"step": 16, "length": 8}),
        ("MyRNN", "sunspots", {}),
    ],
)
def test_a_run_over_texts_and_series_finishes_and_learns(
    store: Store, template: str, data: str, options: dict[str, Any]
) -> None:
    from builder.train import worker
    from builder.train.record import record

    spec = TEMPLATES[template]
    found = mismatches(spec, load(data, **options))
    spec = found[0].fixes[0].apply(spec) if found else spec
    recipe = Recipe(data, options, epochs=3, lr=0.01).with_loss_for(load(data, **options).task)
    run_id = record(store, spec, recipe)
    assert store.claim(run_id, at_once=1)
    assert worker.work(store, store.run(run_id)) == "finished"
    losses = [
        p.value for p in store.points(run_id) if (p.split, p.metric) == ("validation", "loss")
    ]
    assert losses[-1] < losses[0]


# writing on


class Echo(nn.Module):
    """Says that the last token comes again, and the next one of the vocabulary half as gladly."""

    def forward(self, x: Tensor) -> Tensor:
        out = torch.zeros(len(x), 4)
        out[torch.arange(len(x)), x[:, -1]] = 2.0
        out[torch.arange(len(x)), x[:, -1] % 3 + 1] = 1.0
        out[:, 0] = 100.0  # padding, which must never come
        return out


VOCABULARY = ("", "a", "b", "c")


def written(**changed: Any) -> str:
    asked = {"window": 5, "length": 30, "temperature": 1.0, "seed": 0} | changed
    return "".join(write_on(Echo(), VOCABULARY, "ab", **asked))


def test_what_comes_next_is_the_softmax_at_its_temperature_without_padding() -> None:
    for temperature in (0.5, 1.0, 2.0):
        shares = next_shares(Echo(), VOCABULARY, "a", window=5, temperature=temperature)
        expected = (torch.tensor([-torch.inf, 2.0, 1.0, 0.0]) / temperature).softmax(dim=0)
        assert torch.allclose(shares, expected)
    cold = next_shares(Echo(), VOCABULARY, "b", window=5, temperature=0)
    assert cold.tolist() == [0, 0, 1, 0]


def test_writing_is_the_same_by_its_seed_and_without_heat_the_likeliest() -> None:
    assert written() == written()
    assert written() != written(seed=1)
    assert written(temperature=0) == "b" * 30
    assert len(written(length=MAX_TOKENS)) == MAX_TOKENS
    assert set(written(temperature=2.0)) == set("abc")


def test_a_start_that_the_text_never_had_is_named() -> None:
    with pytest.raises(DataError, match=r"has no new line, é, so nothing"):
        next_shares(Echo(), VOCABULARY, "aé\n", window=5, temperature=1)
    with pytest.raises(DataError, match="temperature is 3"):
        next_shares(Echo(), VOCABULARY, "a", window=5, temperature=3)
    with pytest.raises(DataError, match="0 tokens"):
        written(length=0)


def test_a_model_is_left_in_the_mode_it_was_in_and_dropout_rests() -> None:
    model = nn.Sequential(Echo(), nn.Dropout(0.9)).train()
    assert (
        "".join(write_on(model, VOCABULARY, "b", window=5, length=9, temperature=0, seed=0))
        == "b" * 9
    )
    assert model.training


def test_tokens_that_cannot_be_seen_have_names() -> None:
    assert [token_name(token) for token in ("", " ", "\n", "x")] == [
        *("padding", "space", "new line", "x"),
    ]


def test_the_page_writes_on_from_the_beginning_of_the_text() -> None:
    from ui.training.writing import _first

    for options in ({}, {"step": 7}, {"length": 12}):
        first = _first(load("prose", **options))
        assert first
        assert "Breast cancer Wisconsin (diagnostic) dataset".startswith(first)
