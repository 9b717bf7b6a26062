"""Which picture is worked on: a sample, an upload, a photograph taken now."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from builder import BuilderError
from builder.labs import chain
from builder.labs.pictures import MAX_BYTES, MAX_FILES, SAMPLES, read_picture
from ui import state
from ui.convolution.bench import FIRST_SAMPLE, Bench, channels_in
from ui.guide import guide
from ui.state import Workspace

_PHOTO = "photograph"
_COLOURS = {False: "Grey", True: "Colour"}


def choose(here: Bench, ws: Workspace) -> None:
    """Draw the bar of pictures; the chain follows the size and the channels of the chosen one."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="pictures-bar"):
        files, photo = _popovers()
        _bring(here, ws, files)
        _photograph(here, ws, photo)
        _selected(here, ws)
        key = state.show("convolution:colour", channels_in(ws.spec) == chain.COLOUR)
        st.segmented_control(
            "Work on",
            list(_COLOURS),
            format_func=_COLOURS.__getitem__,
            key=key,
            required=True,
            help="Grey: one channel, 0.299 R + 0.587 G + 0.114 B. Colour: three.",
            on_change=_coloured,
            args=(here, ws, key),
        )
        guide("convolution")
    for message in here.refused.values():
        st.error(message, icon=":material/broken_image:")
    picture = here.picture
    words = [f"{picture.height} × {picture.width} pixels", *picture.notes]
    if here.chosen in SAMPLES:
        words += [SAMPLES[here.chosen].credit, SAMPLES[here.chosen].help]
    if here.preview is not picture:
        small = here.preview
        words.append(
            f"worked on at {small.height} × {small.width}; downloads are made at full size"
        )
    st.caption(" · ".join(word for word in words if word))


def _popovers() -> tuple[list[UploadedFile], UploadedFile | None]:
    camera = None
    with st.popover("Upload", icon=":material/upload:"):
        files = st.file_uploader(
            "Pictures of your own",
            accept_multiple_files=True,
            max_upload_size=MAX_BYTES // 2**20,
            key="convolution:upload",
            help="PNG, JPEG, WebP, BMP, TIFF or GIF. They stay on this machine.",
        )
    with st.popover("Camera", icon=":material/photo_camera:", on_change="rerun") as taking:
        if taking.open:
            camera = st.camera_input("Take a picture", key="convolution:camera")
    return files, camera


def _bring(here: Bench, ws: Workspace, files: Sequence[UploadedFile]) -> None:
    """Take in what is new, let go of what is gone, and say what is no picture."""
    if len(files) > MAX_FILES:
        st.error(f"{len(files)} files came; the first {MAX_FILES} of them are taken.")
        files = files[:MAX_FILES]
    brought = {file.file_id: file for file in files}
    for known in (here.uploads, here.refused):
        for key in [key for key in known if key not in brought and key != _PHOTO]:
            del known[key]
    for key, file in brought.items():
        if key not in here.uploads and key not in here.refused:
            _take(here, ws, key, file.getvalue(), file.name)
    if here.chosen not in here.uploads and here.chosen not in SAMPLES:
        _choose(here, ws, next(reversed(here.uploads), FIRST_SAMPLE))


def _photograph(here: Bench, ws: Workspace, photo: UploadedFile | None) -> None:
    """Take in a photograph, in place of the one before."""
    if photo is not None and here.photo != photo.file_id:
        here.photo = photo.file_id
        here.uploads.pop(_PHOTO, None)
        _take(here, ws, _PHOTO, photo.getvalue(), "Photograph")


def _take(here: Bench, ws: Workspace, key: str, data: bytes, name: str) -> None:
    here.refused.pop(key, None)
    try:
        here.uploads[key] = read_picture(data, name)
    except BuilderError as error:
        here.refused[key] = error.message
    else:
        here.forget()
        _choose(here, ws, key)


def _selected(here: Bench, ws: Workspace) -> None:
    names = {key: picture.name for key, picture in here.uploads.items()}
    names |= {key: sample.title for key, sample in SAMPLES.items()}
    key = state.show("convolution:picture", here.chosen)
    st.selectbox(
        "Picture",
        list(names),
        format_func=names.__getitem__,
        key=key,
        width=220,
        on_change=lambda: _choose(here, ws, str(state.get(key))),
    )


def _choose(here: Bench, ws: Workspace, key: str) -> None:
    here.chosen = key
    here.point = None
    state.set_address("picture", key if key in SAMPLES else None)
    _fit(here, ws, channels_in(ws.spec))


def _coloured(here: Bench, ws: Workspace, key: str) -> None:
    _fit(here, ws, chain.COLOUR if state.get(key) else chain.GREY)


def _fit(here: Bench, ws: Workspace, channels: int) -> None:
    """Let the chain read pictures like the one that is worked on."""
    small = here.preview
    ws.edit(lambda s: chain.for_picture(s, small.height, small.width, channels))
