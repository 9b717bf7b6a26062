"""A ZIP of pictures becomes samples, or a sentence that says what would."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from streamlit.testing.v1 import AppTest

from builder import TEMPLATES
from builder.data import load, mismatches
from builder.data.own import Shelf, archive, pictures
from builder.errors import DataError
from builder.spec import ModelSpec

Pack = Callable[[Mapping[str, bytes]], Path]
RED, BLUE = (200, 30, 30), (30, 30, 200)


def picture(colour: object = RED, size: tuple[int, int] = (12, 10), kind: str = "PNG") -> bytes:
    """A picture of one colour; `size` is width and height."""
    buffer = io.BytesIO()
    Image.new("RGB" if isinstance(colour, tuple) else "L", size, colour).save(buffer, kind)
    return buffer.getvalue()


@pytest.fixture
def pack(home: Path) -> Pack:
    """Puts a ZIP of these files on the shelf and returns where it lies."""

    def make(files: Mapping[str, bytes]) -> Path:
        shelf = Shelf()
        return shelf.path(shelf.keep("pictures", "pets.zip", zipped(files)))

    return make


def zipped(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in files.items():
            file.writestr(name, content)
    return buffer.getvalue()


PETS = {"cats/1.png": picture(), "cats/2.png": picture(), "dogs/1.jpg": picture(BLUE, kind="JPEG")}
SIZE = {"height": 8, "width": 8, "colour": "colour", "fit": "crop"}


def test_folders_are_classes_and_values_go_from_0_to_1(home: Path) -> None:
    name = Shelf().keep("pictures", "pets.zip", zipped(PETS))
    samples = load(name, **SIZE)
    assert samples.name == name
    assert samples.x.shape == (3, 3, 8, 8)
    assert samples.x.dtype == torch.float32
    assert (samples.classes, samples.y.tolist()) == (("cats", "dogs"), [0, 0, 1])
    assert (samples.kind, samples.task) == ("picture", "classification")
    torch.testing.assert_close(samples.x[0, :, 4, 4], torch.tensor(RED) / 255)
    assert dict(samples.options) == SIZE


def test_a_model_is_fitted_to_pictures_of_ones_own(home: Path) -> None:
    name = Shelf().keep("pictures", "pets.zip", zipped(PETS))
    samples = load(name, **SIZE | {"height": 28, "width": 28, "colour": "grey"})
    spec: ModelSpec = TEMPLATES["LeNet5"]
    [found] = mismatches(spec, samples)
    assert mismatches(found.fixes[0].apply(spec), samples) == ()


def test_options_are_guessed_from_the_pictures(pack: Pack) -> None:
    grey = {f"{folder}/{n}.png": picture(90 + n, (40, 33)) for folder in "ab" for n in range(3)}
    guessed = pictures.suggest(pack(grey))
    assert guessed == {"height": 32, "width": 32, "colour": "grey", "fit": "crop"}
    assert pictures.read(pack(grey), {}).x.shape == (6, 1, 32, 32)
    assert pictures.suggest(pack(PETS))["colour"] == "colour"


def test_numbers_in_folder_names_are_in_their_order(pack: Pack) -> None:
    files = {f"{n}/a.png": picture() for n in (10, 9, 1)}
    assert pictures.read(pack(files), SIZE).classes == ("1", "9", "10")


@pytest.mark.parametrize(
    "prefixes",
    [("",), ("pets/",), ("home/pets/",), ("train/", "test/"), ("pets/train/", "pets/val/")],
)
def test_folders_around_the_classes_are_none(pack: Pack, prefixes: tuple[str, ...]) -> None:
    files = {prefix + name: content for prefix in prefixes for name, content in PETS.items()}
    reading = pictures.look(pack(files), SIZE)
    assert reading.samples.classes == ("cats", "dogs")
    assert len(reading.samples.x) == 3 * len(prefixes)
    assert any("read as one" in note for note in reading.notes) == (len(prefixes) == 2)


def test_what_a_system_leaves_in_a_zip_is_ignored(pack: Pack) -> None:
    files = PETS | {
        "__MACOSX/cats/._1.png": b"x",
        "cats/.DS_Store": b"x",
        ".hidden/3.png": picture(),
        "dogs/Thumbs.db": b"x",
        "dogs/": b"",
    }
    reading = pictures.look(pack(files), SIZE)
    assert (len(reading.samples.x), reading.notes, reading.broken) == (3, (), {})


def test_other_files_and_loose_pictures_are_left_out_and_named(pack: Pack) -> None:
    files = PETS | {"readme.txt": b"x", "cats/3.heic": b"x", "loose.png": picture()}
    notes = pictures.look(pack(files), SIZE).notes
    assert notes == (
        "No pictures, and left out: 'readme.txt' and 1 more.",
        "In no class folder, and left out: 'loose.png'.",
    )


def test_exif_is_obeyed(pack: Pack) -> None:
    image = Image.fromarray(np.repeat([[0, 255]], 8, 0).repeat(4, 1).astype(np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees clockwise to be seen
    buffer = io.BytesIO()
    image.save(buffer, "PNG", exif=exif)
    x = pictures.read(pack(PETS | {"cats/1.png": buffer.getvalue()}), SIZE | {"colour": "grey"}).x
    assert x[0, 0, 0].max() == 0, "the dark left side lies on top"
    assert x[0, 0, 7].min() == 1


@pytest.mark.parametrize(("fit", "sides"), [("crop", 0.5), ("squash", 1.0)])
def test_a_wide_picture_is_cropped_or_squashed(pack: Pack, fit: str, sides: float) -> None:
    wide = np.full((8, 16), 255, np.uint8)
    wide[:, 4:12] = 127
    buffer = io.BytesIO()
    Image.fromarray(wide).save(buffer, "PNG")
    path = pack(PETS | {"cats/1.png": buffer.getvalue()})
    x = pictures.read(path, SIZE | {"colour": "grey", "fit": fit}).x
    assert round(float(x[0, 0, 0, 0]), 1) == sides


def test_broken_pictures_are_left_out_counted_and_named(pack: Pack) -> None:
    files = PETS | {"dogs/2.png": picture()[:50], "cats/3.png": b"GIF8"}
    reading = pictures.look(pack(files), SIZE)
    assert len(reading.samples.x) == 3
    assert set(reading.broken) == {"dogs/2.png", "cats/3.png"}
    assert reading.notes == (
        "2 of 5 pictures cannot be read and are left out, such as dogs/2.png.",
    )


def test_a_zip_of_broken_pictures_is_refused(pack: Pack) -> None:
    files = {f"{folder}/{n}.png": b"no" for folder in "ab" for n in range(2)}
    with pytest.raises(DataError, match=r"4 of the 4 pictures in pets.zip cannot be read"):
        pictures.read(pack(files), SIZE)


def test_a_damaged_entry_is_a_broken_picture(pack: Pack) -> None:
    content = bytearray(zipped(PETS))
    content[content.index(b"cats/1.png") + 20] ^= 255
    shelf = Shelf()
    path = shelf.path(shelf.keep("pictures", "pets.zip", bytes(content)))
    assert set(pictures.look(path, SIZE).broken) == {"cats/1.png"}


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (PETS | {"../../etc/x.png": b""}, "climbs out of its folder, '../../etc/x.png'"),
        (PETS | {"cats/..\\..\\x.png": b""}, "climbs out"),
        (PETS | {"/root/x.png": b""}, "climbs out"),
        (PETS | {"C:\\x.png": b""}, "climbs out"),
        ({"cats/1.png": picture()}, "one class folder, 'cats'; two or more are needed"),
        ({"1.png": picture(), "2.png": picture()}, "lie in no folders"),
        ({"notes/readme.txt": b"x"}, "holds no pictures"),
        ({}, "holds no pictures"),
        ({"cats/1.png": picture(), "dogs/1.png": b"no"}, "only pictures of the folder 'cats'"),
        ({f"{n}/1.png": b"" for n in range(1001)}, "1,001 class folders; up to 1,000 work"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(
    pack: Pack, files: Mapping[str, bytes], said: str
) -> None:
    with pytest.raises(DataError) as error:
        pictures.read(pack(files), SIZE)
    assert said in error.value.message
    assert "pets.zip" in error.value.message


@pytest.mark.parametrize("content", [b"", b"PK", b"GIF89a", zipped(PETS)[:-30]])
def test_what_is_no_zip_is_refused(home: Path, content: bytes) -> None:
    shelf = Shelf()
    path = shelf.path(shelf.keep("pictures", "pets.zip", content))
    with pytest.raises(DataError, match=r"pets.zip is no ZIP"):
        pictures.read(path, SIZE)


def test_a_bomb_is_refused_before_it_is_unpacked(
    pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = pack(PETS | {"cats/3.png": bytes(120_000_000)})
    monkeypatch.setattr(zipfile.ZipFile, "open", None)
    with pytest.raises(DataError, match=r"would unpack to 120 MB"):
        pictures.read(path, SIZE)


def test_a_picture_of_too_many_pixels_is_a_broken_one(pack: Pack) -> None:
    bomb = bytearray(picture())
    bomb[16:24] = struct.pack(">II", 60_000, 60_000)
    bomb[29:33] = struct.pack(">I", zlib.crc32(bomb[12:29]))
    [why] = pictures.look(pack(PETS | {"cats/3.png": bytes(bomb)}), SIZE).broken.values()
    assert "50 million" in why


def test_a_list_of_endless_length_is_not_read(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = bytearray(zipped(PETS))
    content[-10:-6] = struct.pack("<L", 2**31)
    shelf = Shelf()
    path = shelf.path(shelf.keep("pictures", "pets.zip", bytes(content)))
    monkeypatch.setattr(zipfile, "ZipFile", None)
    with pytest.raises(DataError, match="lists more than 65,535 files"):
        archive.listed(path)


def test_a_password_is_told_of(home: Path) -> None:
    content = bytearray(zipped(PETS))
    at = content.index(b"PK\x01\x02")
    content[at + 8] |= 1
    shelf = Shelf()
    path = shelf.path(shelf.keep("pictures", "pets.zip", bytes(content)))
    with pytest.raises(DataError, match="locked with a password"):
        archive.listed(path)


def test_too_many_pictures_are_sampled_and_said(
    pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "MAX_PICTURES", 20)
    files = {f"{folder}/{n}.png": picture() for folder in "ab" for n in range(20)}
    reading = pictures.look(pack(files), SIZE)
    assert len(reading.samples.x) == 20
    assert reading.notes == ("Of 40 pictures, 20 are drawn by a fixed seed.",)


def test_reading_ends_where_pixels_are_too_many(
    pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "MAX_PIXELS", 1000)
    monkeypatch.setattr(pictures, "_SURELY_READ", 0)
    files = {f"{folder}/{n}.png": picture() for folder in "ab" for n in range(20)}
    reading = pictures.look(pack(files), SIZE)
    assert len(reading.samples.x) == 9
    assert "The first 9 that were drawn" in reading.notes[0]


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ({"height": 3}, "height is 3; a whole number from 4 to 512 works"),
        ({"width": 8.5}, "width is 8.5"),
        ({"colour": "red"}, "colour is 'red'; grey or colour works"),
        ({"fit": 1}, "fit is 1; crop or squash works"),
        ({"depth": 1}, "has no setting 'depth'"),
    ],
)
def test_an_option_that_does_not_work_is_refused(
    pack: Pack, option: dict[str, object], said: str
) -> None:
    with pytest.raises(DataError) as error:
        pictures.read(pack(PETS), SIZE | option)
    assert said in error.value.message


# --- on the page ----------------------------------------------------------------------------------


def page() -> None:
    import streamlit as st

    from builder.data.own import Shelf
    from ui.training.data import data_panel
    from ui.training.settings import choose_data, recipe

    [own] = Shelf().listed()
    if recipe().dataset != own.name:
        choose_data(own.name)
    data_panel()
    st.text(dict(recipe().options))


def test_size_and_colours_are_set_and_what_is_broken_is_shown(pack: Pack) -> None:
    pack({**PETS, "a_b/1.png": picture(), "dogs/2.png": b"no"})
    test = AppTest.from_function(page, default_timeout=120).run()
    assert "4 pictures of 3 classes: a\\_b 1, cats 2, dogs 1." in [c.value for c in test.caption]
    assert test.dataframe[0].value["picture"].tolist() == ["dogs/2.png"]
    test.number_input[0].set_value(16).run()
    assert test.text[0].value == str({"height": 16, "width": 10, "colour": "colour", "fit": "crop"})
    assert not test.exception


def test_a_zip_that_cannot_be_used_is_said_on_the_page(pack: Pack) -> None:
    pack({"cats/1.png": picture()})
    test = AppTest.from_function(page, default_timeout=120).run()
    assert "one class folder" in test.error[0].value
    assert not test.exception


def preview_page() -> None:
    from builder.data import load
    from builder.data.own import Shelf
    from ui.training.samples import preview

    [own] = Shelf().listed()
    preview(load(own.name))


def test_a_few_pictures_in_colour_are_looked_at(pack: Pack) -> None:
    pack(PETS)
    test = AppTest.from_function(preview_page, default_timeout=120).run()
    assert "3 pictures of 10 by 10 pixels, 2 classes: cats, dogs." in test.caption[0].value
    assert not test.exception
