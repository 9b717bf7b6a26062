"""Pictures come in whole, or a sentence says why they do not."""

import contextlib
import io
import struct
import zlib
from unittest import mock

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from builder.errors import PictureError
from builder.labs import pictures
from builder.labs.pictures import SAMPLES, read_picture

ORIENTATION = 0x0112


def scene(mode: str = "RGB", size: tuple[int, int] = (24, 16)) -> Image.Image:
    """A picture of four colours, none of which a turn or a mirror puts in another's place."""
    width, height = size
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[: height // 2, : width // 2] = (250, 10, 10)
    pixels[: height // 2, width // 2 :] = (10, 250, 10)
    pixels[height // 2 :, : width // 2] = (10, 10, 250)
    pixels[height // 2 :, width // 2 :] = (240, 240, 240)
    return Image.fromarray(pixels).convert(mode)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    """A part of a PNG file."""
    crc = zlib.crc32(kind + body)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", crc)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("PNG", {}),
        ("WEBP", {"lossless": True}),
        ("BMP", {}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("GIF", {}),
    ],
)
def test_what_a_format_keeps_exactly_comes_in_exactly(kind: str, options: dict[str, str]) -> None:
    picture = read_picture(saved(scene(), kind, **options), f"a.{kind.lower()}")
    assert np.array_equal(picture.pixels, np.asarray(scene()))
    assert picture.notes == ()


def test_a_jpeg_comes_in_as_its_encoder_left_it() -> None:
    data = saved(scene(), "JPEG", quality=95)
    assert np.array_equal(
        read_picture(data, "a.jpg").pixels, np.asarray(Image.open(io.BytesIO(data)))
    )


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_put_upright(orientation: int, kind: str) -> None:
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    flat = scene(size=(64, 32))  # JPEG's blocks of 16 pixels keep its four colours
    lying = flat.transpose(turns[orientation]) if orientation in turns else flat
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    best = {"JPEG": {"quality": 95, "subsampling": 0}, "WEBP": {"lossless": True}}
    picture = read_picture(saved(lying, kind, exif=exif, **best.get(kind, {})), "phone")
    assert picture.pixels.shape == (32, 64, 3)
    assert np.abs(picture.pixels.astype(int) - np.asarray(flat)).max() < 12
    assert picture.notes == (() if orientation == 1 else ("turned as its EXIF says",))


def test_an_orientation_that_does_not_exist_turns_nothing() -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 99
    picture = read_picture(saved(scene(), "PNG", exif=exif), "a.png")
    assert np.array_equal(picture.pixels, np.asarray(scene()))
    assert picture.notes == ()


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")  # Pillow's own log of it
@pytest.mark.parametrize("exif", [b"garbage", b"II*\0" + b"\xff" * 30, b"MM\0*\0\0"])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_broken_exif_block_spoils_no_picture(kind: str, exif: bytes) -> None:
    data = saved(scene(), kind, exif=b"Exif\0\0" + exif)
    assert read_picture(data, "a").pixels.shape == (16, 24, 3)


@pytest.mark.parametrize(("mode", "channels"), [("RGBA", 3), ("LA", 1)])
def test_transparent_parts_are_laid_over_white(mode: str, channels: int) -> None:
    image = Image.new("RGBA", (3, 1), (0, 0, 0, 255))
    image.putpixel((1, 0), (0, 0, 0, 0))
    image.putpixel((2, 0), (100, 100, 100, 51))
    picture = read_picture(saved(image.convert(mode), "PNG"), "a.png")
    assert picture.channels == channels
    assert picture.pixels[0, :, 0].tolist() == [0, 255, 224]  # 0.2 x 100 + 0.8 x 255
    assert "white" in picture.notes[0]


def test_alpha_that_hides_nothing_is_not_worth_a_word() -> None:
    picture = read_picture(saved(scene("RGBA"), "PNG"), "screenshot.png")
    assert np.array_equal(picture.pixels, np.asarray(scene()))
    assert picture.notes == ()


@pytest.mark.parametrize("mode", ["1", "L", "RGB"])
def test_a_colour_that_stands_for_clear_is_laid_over_white(mode: str) -> None:
    clear = (0, 0, 0) if mode == "RGB" else 0
    data = saved(Image.new(mode, (2, 1)), "PNG", transparency=clear)
    picture = read_picture(data, "a.png")
    assert np.all(picture.pixels == 255)
    assert picture.channels == (3 if mode == "RGB" else 1)


def test_a_palette_with_a_transparent_colour_is_laid_over_white() -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([200, 0, 0, 0, 0, 200])
    image.putpixel((1, 0), 1)
    picture = read_picture(saved(image, "PNG", transparency=1), "a.png")
    assert picture.pixels[0].tolist() == [[200, 0, 0], [255, 255, 255]]


def test_a_palette_comes_in_as_its_colours() -> None:
    image = scene().quantize(4)
    picture = read_picture(saved(image, "PNG"), "a.png")
    assert np.array_equal(picture.pixels, np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_stay_sixteen(kind: str) -> None:
    deep = np.array([[0, 1, 65535]], np.uint16)
    picture = read_picture(saved(Image.fromarray(deep), kind), "deep")
    assert picture.pixels[:, :, 0].tolist() == deep.tolist()
    assert picture.values(1)[0, :, 0] == pytest.approx([0, 1 / 65535, 1])


def test_the_clear_grey_of_a_16_bit_picture_is_laid_over_white() -> None:
    deep = Image.fromarray(np.array([[7, 0x80FF]], np.uint16))
    clear = chunk(b"tRNS", struct.pack(">H", 7))
    plain = saved(deep, "PNG")
    at = plain.index(b"IDAT") - 4
    picture = read_picture(plain[:at] + clear + plain[at:], "a.png")
    assert picture.pixels[0, :, 0].tolist() == [65535, 0x80FF]
    assert "white" in picture.notes[1]


@pytest.mark.parametrize("kind", [".png", ".tif"])
def test_colours_of_16_bits_are_brought_to_8_and_it_is_said(kind: str) -> None:
    deep = np.full((4, 4, 3), (256 * 30, 256 * 20, 256 * 10), np.uint16)
    _, data = cv2.imencode(kind, deep)
    picture = read_picture(data.tobytes(), "deep")
    assert picture.pixels[0, 0].tolist() == [10, 20, 30]
    assert picture.notes == ("16 bits a channel brought to 8",)


@pytest.mark.parametrize(
    ("numbers", "shown", "words"),
    [
        ([-2.0, 0.0, 2.0], [0, 0.5, 1], "-2 to 2, stretched"),
        ([5.0, np.nan, 10.0], [0, 0, 1], "5 to 10, stretched"),
        ([0.25, np.inf, 0.75], [0.25, 0, 0.75], "from 0 to 1 kept"),
        ([-3e38, 0.0, 3e38], [0, 0.5, 1], "stretched"),
        ([7.0, 7.0, 7.0], [0, 0, 0], "7 to 7"),
        ([np.nan] * 3, [0, 0, 0], "kept"),
    ],
)
def test_floats_are_brought_to_black_and_white_and_it_is_said(
    numbers: list[float], shown: list[float], words: str
) -> None:
    image = Image.fromarray(np.array([numbers], np.float32))
    picture = read_picture(saved(image, "TIFF"), "f.tif")
    assert picture.values(1)[0, :, 0] == pytest.approx(shown, abs=1e-4)
    assert words in picture.notes[0]


def test_integers_of_32_bits_are_stretched_too() -> None:
    image = Image.fromarray(np.array([[-100_000, 0, 100_000]], np.int32))
    picture = read_picture(saved(image, "TIFF"), "labels.tif")
    assert picture.values(1)[0, :, 0] == pytest.approx([0, 0.5, 1], abs=1e-4)


@pytest.mark.parametrize("mode", ["YCbCr", "LAB", "CMYK"])
def test_other_spaces_of_colour_become_rgb_and_it_is_said(mode: str) -> None:
    picture = read_picture(saved(scene("RGB").convert(mode), "TIFF"), "a.tif")
    assert np.abs(picture.pixels.astype(int) - np.asarray(scene())).max() < 25
    assert picture.notes == (f"{mode} turned into RGB",)


def test_cmyk_becomes_rgb() -> None:
    data = saved(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG", quality=95)
    picture = read_picture(data, "print.jpg")
    red, green, blue = picture.pixels[4, 4].tolist()
    assert red > 240
    assert max(green, blue) < 15
    assert "CMYK" in picture.notes[0]


def test_one_bit_is_black_and_white() -> None:
    picture = read_picture(saved(scene().convert("1"), "PNG"), "a.png")
    assert set(np.unique(picture.pixels)) == {0, 255}


def test_of_an_animation_the_first_frame_is_taken() -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    data = saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    picture = read_picture(data, "a.gif")
    assert picture.pixels[0, 0].tolist() == [255, 0, 0]
    assert "first of 2" in picture.notes[0]


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that announces a huge picture."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"\0" * 100))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("size", [(8000, 8000), (10_000, 10_000), (100_000, 100_000)])
def test_a_picture_that_would_unpack_to_too_much_is_refused_before_it_is(
    size: tuple[int, int],
) -> None:
    with pytest.raises(PictureError, match="50 million"):
        read_picture(bomb(*size), "bomb.png")


def test_a_file_of_too_many_bytes_is_refused() -> None:
    with pytest.raises(PictureError, match=r"60 MB; 50 MB at most"):
        read_picture(bytes(60 * 2**20), "large.png")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF"])
def test_a_truncated_file_is_called_broken(kind: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    data = saved(Image.fromarray(noise), kind)
    for length in (20, len(data) // 10, len(data) // 2, len(data) * 9 // 10, len(data) - 100):
        with pytest.raises(PictureError, match="broken, incomplete"):
            read_picture(data[:length], "half")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"hello, world", "is no picture; PNG, JPEG"),
        (b'<?xml version="1.0"?>\n<svg xmlns="x"></svg>', "is an SVG"),
        (b"%PDF-1.7\n", "is a PDF"),
        (b"PK\x03\x04rest", "is a ZIP archive"),
        (b"\x00\x00\x00\x20ftypavif\x00", "is an AVIF picture"),
        (b"\x00\x00\x00\x20ftypheic\x00", "is a HEIC picture"),
        (b"\x00\x00\x00\x20ftypisom\x00", "is a film"),
        (b"8BPS\0\1", "is a Photoshop file"),
        (b"<!DOCTYPE html><html><svg>", "is a web page"),
        (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", bytes(13)), "broken, incomplete or without"),
    ],
)
def test_what_is_no_picture_is_called_by_its_name(data: bytes, words: str) -> None:
    with pytest.raises(PictureError, match=words):
        read_picture(data, "file")


@settings(max_examples=20, deadline=None)
@given(st.binary(max_size=80))
def test_any_bytes_are_a_picture_or_a_sentence(data: bytes) -> None:
    with contextlib.suppress(PictureError):
        assert read_picture(data, "any").pixels.ndim == 3


@settings(max_examples=120, deadline=None)
@given(
    st.sampled_from(["PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF"]),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=4),
    st.binary(max_size=20),
)
def test_a_picture_with_bytes_changed_is_a_picture_or_a_sentence(
    kind: str, changes: list[tuple[int, int]], tail: bytes
) -> None:
    data = bytearray(saved(scene(size=(8, 8)), kind) + tail)
    for at, value in changes:
        data[at % len(data)] = value
    with mock.patch.object(pictures, "MAX_PIXELS", 10**6), contextlib.suppress(PictureError):
        picture = read_picture(bytes(data), "any")
        assert picture.values(3).shape == (picture.height, picture.width, 3)


@pytest.mark.parametrize("size", [(1, 1), (10_000, 1), (1, 10_000)])
def test_the_thinnest_pictures_come_in_and_get_smaller(size: tuple[int, int]) -> None:
    picture = read_picture(saved(scene(size=size), "PNG"), "thin.png")
    small = picture.within(768)
    assert (picture.width, picture.height) == size
    assert min(small.height, small.width) >= 1
    assert max(small.height, small.width) <= 768


def test_a_small_picture_stays_itself() -> None:
    picture = read_picture(saved(scene(), "PNG"), "a.png")
    assert picture.within(24) is picture


def test_values_go_from_0_to_1_in_as_many_channels_as_asked_for() -> None:
    picture = read_picture(saved(scene(), "PNG"), "a.png")
    assert np.allclose(picture.values(3), np.asarray(scene()) / 255)
    grey = np.asarray(scene().convert("L"))
    assert np.abs(picture.values(1)[:, :, 0] * 255 - grey).max() <= 1
    flat = read_picture(saved(scene("L"), "PNG"), "grey.png")
    assert np.array_equal(flat.values(3)[:, :, 2], flat.values(1)[:, :, 0])


@pytest.mark.parametrize("key", SAMPLES)
def test_every_sample_loads_and_is_of_a_bearable_size(key: str) -> None:
    picture = SAMPLES[key].load()
    assert max(picture.height, picture.width) <= 768
    assert 0 <= picture.values(1).min() < picture.values(1).max() <= 1


def test_every_photograph_has_its_licence_noted() -> None:
    noted = (pictures._FOLDER / "LICENSES.md").read_text()
    for file in pictures._FOLDER.glob("*.jpg"):
        author, licence = SAMPLES[file.stem].credit.removeprefix("photograph by ").split(", ")
        row = next(line for line in noted.splitlines() if line.startswith(f"| `{file.name}`"))
        assert author in row
        assert licence in row
        assert file.stat().st_size < 250_000


def test_one_bright_pixel_leaves_the_kernel_turned() -> None:
    kernel = np.arange(9, dtype=np.float32).reshape(3, 3)
    values = torch.from_numpy(SAMPLES["impulse"].load().values(1))[:, :, 0]
    result = F.conv2d(values[None, None], torch.from_numpy(kernel)[None, None], padding=1)[0, 0]
    assert np.array_equal(result[15:18, 15:18].numpy(), kernel[::-1, ::-1])
    assert result.count_nonzero() == 8


def test_a_letter_f_is_no_turn_or_mirror_of_itself() -> None:
    letter = SAMPLES["letter"].load().pixels[:, :, 0]
    seen = [np.rot90(side, turn) for side in (letter, letter.T) for turn in range(4)]
    assert all(not np.array_equal(letter, other) for other in seen[1:])


def test_a_ramp_has_one_slope() -> None:
    ramp = SAMPLES["ramp"].load().pixels[:, :, 0].astype(int)
    assert np.all(ramp == ramp[:1])
    assert set(np.diff(ramp[0]).tolist()) <= {0, 1}
    assert (ramp.min(), ramp.max()) == (0, 255)


def test_the_last_rows_of_the_checkerboard_change_with_every_pixel() -> None:
    board = SAMPLES["checkerboard"].load().pixels[:, :, 0].astype(int)
    assert np.all(np.abs(np.diff(board[-1])) == 255)
    assert np.all(board[:64, :64] == board[0, 0])


def test_the_zone_plate_is_the_same_from_every_side() -> None:
    plate = SAMPLES["zone_plate"].load().pixels[:, :, 0]
    assert all(np.array_equal(plate, np.rot90(plate, turn)) for turn in (1, 2, 3))
    assert np.array_equal(plate, plate.T)
