"""A LayerLab server for a test: started from another folder, ended by its own process id."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

APP = Path(__file__).parents[2] / "app.py"
START_SECONDS = 180
END_SECONDS = 30


@dataclass(frozen=True)
class Server:
    """A server that answers at `url`, keeps its models in `home` and writes to `log`."""

    url: str
    home: Path
    log: Path
    process: subprocess.Popen[bytes]

    def said(self) -> str:
        """Everything the server has written so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def workers(self) -> list[psutil.Process]:
        """The processes that this server started and has not ended."""
        return [process for process in psutil.process_iter() if self._started(process)]

    def _started(self, process: psutil.Process) -> bool:
        try:
            home = process.environ().get("LAYERLAB_HOME")
        except (psutil.Error, OSError):  # it has ended, or is another user's
            return False
        return process.pid != self.process.pid and home == str(self.home)

    def end(self) -> None:
        """End the server, not its workers: what a restart begins with. Ending twice is fine."""
        self.process.terminate()
        try:
            self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextmanager
def running_server(folder: Path, *, home: Path | None = None, app: Path = APP) -> Iterator[Server]:
    """Start `streamlit run app.py` in `folder`, wait until it answers, end it and its workers.

    Args:
        folder: where the log goes and what the server's working folder is.
        home: its LAYERLAB_HOME; one inside `folder` where none is given. Give the home of an
            earlier server to see what a restart keeps.
        app: the script to serve.

    Raises:
        AssertionError: it did not start, or a script run of it ended in an uncaught exception.
    """
    home = home or folder / "home"
    log = folder / f"server-{time.monotonic_ns()}.log"
    port = _free_port()
    # fmt: off
    command = [
        sys.executable, "-m", "streamlit", "run", str(app),
        "--server.port", str(port), "--server.headless", "true",
    ]
    # fmt: on
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=_environment_of_a_user() | {"LAYERLAB_HOME": str(home)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    server = Server(f"http://127.0.0.1:{port}", home, log, process)
    try:
        _wait_until_it_answers(server)
        yield server
    finally:
        server.end()
        for worker in server.workers():
            with suppress(psutil.NoSuchProcess):
                worker.kill()
    assert "Uncaught app execution" not in server.said(), server.said()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _environment_of_a_user() -> dict[str, str]:
    """This environment without what would make the server differ from one that a person starts."""
    ours = ("STREAMLIT_", "PYTHONPATH", "PYTHONWARNINGS", "OMP_NUM_THREADS", "PYTEST_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def _wait_until_it_answers(server: Server) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        assert server.process.poll() is None, f"the server ended:\n{server.said()}"
        try:
            with urllib.request.urlopen(f"{server.url}/_stcore/health", timeout=5) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"no answer in {START_SECONDS} s:\n{server.said()}")
