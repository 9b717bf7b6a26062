"""What all tests share: homes of their own, one torch thread a process."""

import os
from collections.abc import Iterator
from pathlib import Path

# Before anything imports torch: two test processes of two threads each would fight for two cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from hypothesis import settings

# The same examples in every run, and no deadline on a machine that others use too.
settings.register_profile("layerlab", deadline=None, derandomize=True, database=None)
settings.load_profile("layerlab")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--refresh-golden", action="store_true", help="write the files of tests/golden anew"
    )


@pytest.fixture(scope="session", autouse=True)
def _never_the_users_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A test that asks for no home of its own still leaves the user's models and runs alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAYERLAB_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty LAYERLAB_HOME for one test; the folder is not made yet."""
    folder = tmp_path / "home"
    monkeypatch.setenv("LAYERLAB_HOME", str(folder))
    return folder
