"""Which picture is worked on: a sample, an upload, a photograph taken now."""

from __future__ import annotations

import streamlit as st

from builder import BuilderError
from builder.labs import chain
from builder.labs.pictures import MAX_BYTES, MAX_FILES, SAMPLES, read_picture
from ui import state
from ui.convolution.bench import FIRST_SAMPLE, Bench, channels_in
from ui.guide import guide
from ui.state import Workspace
from ui.text import escaped

_UPLOAD, _CAMERA = "convolution:upload", "convolution:camera"
_COLOURS = {False: "Grey", True: "Colour"}


def choose(here: Bench, ws: Workspace) -> None:
    """Draw the bar of pictures; the chain follows the size and the channels of the chosen one."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="pictures-bar"):
        _popovers(here, ws)
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
    if here.refused:
        lines = [escaped(message) for message in here.refused.values()]
        st.error("  \n".join(lines), icon=":material/broken_image:")
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


def _popovers(here: Bench, ws: Workspace) -> None:
    with st.popover("Upload", icon=":material/upload:"):
        st.file_uploader(
            "Pictures of your own",
            accept_multiple_files=True,
            max_upload_size=MAX_BYTES // 2**20,
            key=_UPLOAD,
            help="PNG, JPEG, WebP, BMP, TIFF or GIF. They stay on this machine.",
            on_change=_brought,
            args=(here, ws),
        )
    with st.popover("Camera", icon=":material/photo_camera:", on_change="rerun") as camera:
        if camera.open:
            st.camera_input("Take a picture", key=_CAMERA, on_change=_photographed, args=(here, ws))


def _brought(here: Bench, ws: Workspace) -> None:
    """Take in what is new, let go of what is gone, and note what is no picture.

    Only a change of the files does this: leaving the page empties the box, not the bench.
    """
    files = list(state.get(_UPLOAD) or ())
    here.refused.pop(_UPLOAD, None)
    if len(files) > MAX_FILES:
        here.refused[_UPLOAD] = f"{len(files)} files came; the first {MAX_FILES} of them are taken."
    brought = {file.file_id: file for file in files[:MAX_FILES]}
    for known in (here.uploads, here.refused):
        for key in [key for key in known if key not in (*brought, _CAMERA, _UPLOAD)]:
            del known[key]
    for key, file in brought.items():
        if key not in here.uploads and key not in here.refused:
            _take(here, ws, key, file.getvalue(), file.name)
    if here.chosen not in here.uploads and here.chosen not in SAMPLES:
        _choose(here, ws, next(reversed(here.uploads), FIRST_SAMPLE))


def _photographed(here: Bench, ws: Workspace) -> None:
    """Take in a photograph, in place of the one before."""
    photo = state.get(_CAMERA)
    if photo is not None:
        _take(here, ws, _CAMERA, photo.getvalue(), "Photograph")


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
