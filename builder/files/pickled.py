"""Files that `torch.save` wrote, looked at before they are read.

A pickle is a program, and a small file can ask for much memory. So a file is looked at three times,
each look allowed by the one before:

    what it would call      over its instructions, none of which is carried out
    what it announces       read by torch's reader of plain values, every tensor on the meta device
    what it holds           read with `weights_only=True`, and no more than it has bytes

Read are the zip of torch 1.6 and later and the pickle of torch 0.1.10 to 1.5. The tar of versions
still older is refused: torch reads it only with its checks switched off.
"""

from __future__ import annotations

import io
import pickletools
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch._weights_only_unpickler import Unpickler
from torch.storage import TypedStorage

from builder.errors import BuilderError, shown

Call: TypeAlias = tuple[str, str]  # module and name

ZIP, LEGACY = "torch 1.6 and later (zip)", "torch before 1.6 (pickle)"
TENSORS_ONLY = "torch.save(model.state_dict(), path) writes a file of tensors alone."
CUT_OFF = "The file is cut off: {}. It may have been uploaded or copied only in part; do so again."

_ZIP_MARK, _PICKLE_MARK = b"PK\x03\x04", b"\x80"
_TAR_MARK, _TAR_PLACE = b"ustar", 257
_PROTOCOL = 2  # the only one that torch reads without running it
_LEGACY_PICKLES = 5  # what it is, its version, the machine, the tensors, the order of their values
_LEGACY_MARK = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
# Instructions of a hundred thousand tensors; a longer pickle would keep the page waiting.
_LONGEST = 16 * 2**20

_TENSORS = {
    "_rebuild_tensor",
    "_rebuild_tensor_v2",
    "_rebuild_tensor_v3",
    "_rebuild_parameter",
    "_rebuild_parameter_with_state",
}
_ALLOWED: set[Call] = {
    *(("torch._utils", name) for name in _TENSORS),
    ("torch._tensor", "_rebuild_from_type_v2"),  # a tensor with attributes
    ("torch.nn.parameter", "Parameter"),
    ("torch.storage", "UntypedStorage"),
    ("torch", "Tensor"),
    ("torch", "Size"),
    ("torch", "device"),
    ("collections", "OrderedDict"),
    ("collections", "Counter"),
    ("builtins", "set"),
    ("__builtin__", "set"),
}
_OTHER_TENSORS = {
    "_rebuild_sparse_tensor": "a sparse tensor",
    "_rebuild_nested_tensor": "a nested tensor",
    "_rebuild_qtensor": "a quantized tensor",
    "_rebuild_meta_tensor_no_storage": "a tensor of the meta device, which has no values",
}


def is_pickled(data: bytes) -> bool:
    """Whether a file claims to be one of `torch.save`, or a pickle of anyone's."""
    return data.startswith((_ZIP_MARK, _PICKLE_MARK)) or _is_tar(data)


def read_pickled(data: bytes) -> tuple[str, Any]:
    """Return the format of a file, `ZIP` or `LEGACY`, and what it holds, on the CPU.

    Raises:
        BuilderError: it would run code, is cut off, packed, or announces more than it holds.
    """
    if data.startswith(_ZIP_MARK):
        kind, pickles = ZIP, _in_zip(data)
    elif data.startswith(_LEGACY_MARK):
        kind, pickles = LEGACY, [data]
    else:
        raise BuilderError(_no_file_of_torch(data))
    count = _LEGACY_PICKLES if kind is LEGACY else 1
    for pickle in pickles:
        _check_calls(pickle, count)
    try:
        for pickle in pickles:
            for name, tensor in _tensors(_announced(pickle, count)):
                _check_size(name, tensor, len(data))
        found = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except BuilderError:
        raise
    except Exception as error:  # torch, pickle and zip each have their own
        raise BuilderError(_reason(error)) from None
    return kind, found


def _is_tar(data: bytes) -> bool:
    return data[_TAR_PLACE : _TAR_PLACE + len(_TAR_MARK)] == _TAR_MARK


def _no_file_of_torch(data: bytes) -> str:
    if _is_tar(data):
        return (
            "The file is a tar, as torch wrote before 0.1.10 (2017). torch reads it only with its "
            "checks switched off, so it is not read here. Load it with the torch that made it; "
            + TENSORS_ONLY
        )
    return (
        "The file is a Python pickle that torch.save did not write. Opening it would run what it "
        f"says, so nothing of it was read; {TENSORS_ONLY}"
    )


def _in_zip(data: bytes) -> list[bytes]:
    """Return the pickles in a zip, nothing of which is packed or there twice."""
    if not zipfile.is_zipfile(io.BytesIO(data)):
        raise BuilderError(CUT_OFF.format("it begins as torch.save writes, and has no end"))
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            unpacked = sum(entry.file_size for entry in entries)
            packed = any(entry.compress_type != zipfile.ZIP_STORED for entry in entries)
            if packed or unpacked > len(data):
                raise BuilderError(
                    f"The file has {len(data):,} bytes and unpacks to {unpacked:,}. torch.save "
                    "packs nothing, and only such a file is read: unzip it, and zip it again "
                    "without compression (`zip -0`)."
                )
            if any(entry.filename.endswith("constants.pkl") for entry in entries):
                raise BuilderError(
                    "The file is a TorchScript program (torch.jit.save), which would have to be "
                    f"run; {TENSORS_ONLY}"
                )
            pickles = [entry for entry in entries if entry.filename.lower().endswith(".pkl")]
            if not pickles:
                raise BuilderError(
                    "The file is a zip without a data.pkl: torch.save wrote no such."
                )
            if any(entry.file_size > _LONGEST for entry in pickles):
                raise BuilderError(_TOO_LONG)
            return [archive.read(entry) for entry in pickles]
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        raise BuilderError(_reason(error)) from None


_TOO_LONG = (
    f"The file lists more than {_LONGEST // 2**20} MB of names and sizes before its first value; "
    "no model has so many tensors."
)


def _check_calls(pickle: bytes, count: int) -> None:
    """Raise `BuilderError` if the first `count` pickles would call what tensors do not need."""
    stream = io.BytesIO(pickle[:_LONGEST])
    try:
        for _ in range(count):
            for code, argument, _ in pickletools.genops(stream):
                if code.name == "PROTO" and argument != _PROTOCOL:
                    raise BuilderError(
                        f"The file is written with pickle protocol {argument}; torch reads "
                        f"protocol {_PROTOCOL} without running it, which torch.save uses by itself."
                    )
                if code.name in ("GLOBAL", "INST"):
                    module, _, name = str(argument).partition(" ")
                    _check_call(module, name)
    except (ValueError, EOFError, UnicodeError):
        if len(pickle) > _LONGEST:
            raise BuilderError(_TOO_LONG) from None
        raise BuilderError(CUT_OFF.format("its list of tensors has no end")) from None


def _check_call(module: str, name: str) -> None:
    if (module, name) in _ALLOWED:
        return
    if module in ("torch", "torch.cuda") and name.endswith("Storage"):
        return
    if module == "torch" and isinstance(getattr(torch, name, None), torch.dtype):
        return
    if module == "torch._utils" and name in _OTHER_TENSORS:
        raise BuilderError(f"The file holds {_OTHER_TENSORS[name]}; weights are dense.")
    raise BuilderError(
        f"The file asks for {shown(f'{module}.{name}')} to be called when it is opened. Nothing of "
        "it was run: tensors and plain values are read, code is not. A whole model, as "
        f"torch.save(model, path) writes it, is such a file; {TENSORS_ONLY}"
    )


class _Announcing(Unpickler):
    """torch's reader of plain values and tensors, to which the numbers of a tensor are a size."""

    def persistent_load(self, saved_id: Any) -> TypedStorage:
        """Return the storage that a file speaks of, on the meta device, where it takes no memory.

        torch itself can read the zip so, and not the older format, for which it takes the memory
        first.
        """
        _, kind, _, _, count, *_ = saved_id
        dtype = torch.uint8 if kind is torch.UntypedStorage else kind.dtype
        storage = torch.UntypedStorage(count * dtype.itemsize, device="meta")  # type: ignore[no-untyped-call]
        return TypedStorage(wrap_storage=storage, dtype=dtype, _internal=True)  # type: ignore[no-untyped-call]


def _announced(pickle: bytes, count: int) -> list[Any]:
    """Return what the first `count` pickles say, with tensors that take no memory."""
    stream = io.BytesIO(pickle)
    return [_Announcing(stream, encoding="utf-8").load() for _ in range(count)]  # type: ignore[no-untyped-call]


def _tensors(value: Any) -> Iterator[tuple[str, Tensor]]:
    """Give every tensor in nested values once, with the key or the place that it stands at."""
    waiting, seen = [("", value)], set[int]()
    while waiting:
        name, one = waiting.pop()
        if id(one) in seen:  # a pickle may hold a list within itself
            continue
        seen.add(id(one))
        if isinstance(one, Tensor):
            yield name, one
        elif isinstance(one, Mapping):
            waiting += [(str(key), inner) for key, inner in one.items()]
        elif isinstance(one, list | tuple | set):
            waiting += [(name, inner) for inner in one]


def _check_size(name: str, tensor: Tensor, limit: int) -> None:
    """Raise `BuilderError` for a tensor that is larger than the file it is in."""
    if tensor.layout is not torch.strided:
        raise BuilderError(f"The file holds {shown(name)} as {tensor.layout}; weights are dense.")
    own = tensor.numel() * tensor.element_size()
    if max(own, tensor.untyped_storage().nbytes()) > limit:
        raise BuilderError(
            f"The file announces {shown(name)} of shape {shown(tuple(tensor.shape))}, and does not "
            f"hold so many values: it has {limit:,} bytes. It is cut off, or made to deceive."
        )


def _reason(error: Exception) -> str:
    """Return why a file cannot be read; torch would go on to say how to run it all the same."""
    said = str(error)
    if "Weights only load failed" in said:
        return f"The file asks for more than tensors, and nothing of it was run; {TENSORS_ONLY}"
    if "unexpected EOF" in said or isinstance(error, EOFError):
        return CUT_OFF.format("values are missing at its end")
    if "record size" in said:
        return "The file announces a tensor of another size than it holds; it is damaged."
    return (
        f"The weights cannot be read: {(said.strip() or repr(error)).splitlines()[0].rstrip('.')}."
    )
