"""Data of one's own come to the Train page by a file or by hand, and a model learns them."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from builder.data.own import Shelf

ROOT = Path(__file__).parents[1]


@pytest.fixture
def train(home: Path) -> AppTest:
    """The Train page as it is at first, with a place for one's own data open."""
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120).run()
    test = test.switch_page("pages/train.py").run()
    assert not test.exception
    test.session_state["own-data"] = True
    return test.run()


def arrays() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, x=np.random.default_rng(0).random((40, 3)), y=np.arange(40) % 2)
    return buffer.getvalue()


def test_a_file_that_is_brought_becomes_the_data(train: AppTest) -> None:
    train.file_uploader[0].upload("mine.npz", arrays(), "application/zip").run()
    [own] = Shelf().listed()
    assert (own.kind, own.title) == ("array", "mine.npz")
    chosen = next(box for box in train.selectbox if box.label == "Data")
    assert chosen.value == own.name
    assert "Targets" in [box.label for box in train.selectbox]
    assert not train.exception


def test_a_file_that_cannot_be_used_is_said_and_can_be_left(train: AppTest) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("cats/1.png", b"no")
    train.file_uploader[0].upload("pets.zip", buffer.getvalue(), "application/zip").run()
    assert any("one class folder" in error.value for error in train.error)
    assert not train.exception
    data = next(box for box in train.selectbox if box.label == "Data")
    data.select("moons").run()
    assert not any("pets.zip" in error.value for error in train.error)


def test_pictures_have_a_tab_of_augmentations(train: AppTest) -> None:
    assert "Augmentation" in [tab.label for tab in train.tabs]
    data = next(box for box in train.selectbox if box.label == "Data")
    data.select("moons").run()
    assert "Augmentation" not in [tab.label for tab in train.tabs]
    assert not train.exception
