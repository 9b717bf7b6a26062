"""What all tests share: homes of their own, one torch thread a process."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

# Before anything imports torch: two test processes of two threads each would fight for two cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import psutil
import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from builder.store import Store
from builder.train.launch import Launcher, started

# The same examples in every run, and no deadline on a machine that others use too.
settings.register_profile("layerlab", deadline=None, derandomize=True, database=None)
settings.load_profile("layerlab")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--refresh-golden", action="store_true", help="write the files of tests/golden anew"
    )


class _BrowserFilesWhole(LoadScopeScheduling):
    """Hands a file of browser tests to one test process, and of all others a test at a time.

    So each process has one browser and one warm server at a time. (The mark `xdist_group` is for
    this, but pytest-xdist 3.8 writes it where pytest 9.2 does not look.) Files come before single
    tests, so the processes end together.
    """

    def _split_scope(self, nodeid: str) -> str:
        scope: str = super()._split_scope(nodeid)
        return scope if scope.startswith("tests/browser/") else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    return _BrowserFilesWhole(config, log)


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


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    """A store of one test's own; none of its runs outlives the test."""
    store = Store(home)
    yield store
    for status in ("running", "paused"):
        for run in store.runs(status=status):
            if run.pid is not None and psutil.pid_exists(run.pid):
                psutil.Process(run.pid).kill()
    store.close()


@pytest.fixture
def launcher(store: Store) -> Iterator[Launcher]:
    """What starts runs in that store."""
    launcher = Launcher(store)
    yield launcher
    launcher.close()
    while started:
        worker = started.pop()
        worker.kill()
        worker.wait()


@pytest.fixture(autouse=True)
def _no_spare_workers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Train page keeps a worker warm, which costs each test of the page seconds of import."""
    if "launcher" not in request.fixturenames:
        monkeypatch.setattr(Launcher, "keep_warm", lambda _: None)


def wait(until: Callable[[], object], seconds: float = 180) -> None:
    """Return when something has come true; fail if it does not."""
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)
