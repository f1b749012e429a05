"""A PostgreSQL server of one's own, that may be killed as by a power switch: all its processes at once."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

_STARTS_WITHIN_S = 60


class Cluster:
    """The server, and its data."""

    def __init__(self, folder: Path, programs: Path, owner: str | None) -> None:
        self._data = folder / "data"
        self._log = folder / "log"
        self._programs = programs
        self._owner = owner
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]

    @property
    def url(self) -> str:
        """Of its one database."""
        return f"postgresql://sor@127.0.0.1:{self._port}/postgres"

    def make(self) -> None:
        """New data, durable as in production."""
        self._run("initdb", "-D", str(self._data), "-U", "sor", "-A", "trust", "--no-sync", "--no-locale", "-E", "UTF8")

    def start(self) -> None:
        """Return when it answers; what was committed before is there again."""
        options = f"-p {self._port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c shared_buffers=16MB"
        where = ("-D", str(self._data), "-l", str(self._log), "-w", "-t", str(_STARTS_WITHIN_S))
        try:
            self._run("pg_ctl", "start", *where, "-o", options)
        except subprocess.CalledProcessError as error:
            raise AssertionError(self._log.read_text()[-2_000:]) from error

    def kill(self) -> None:
        """`kill -9` of the postmaster and of every backend; returns when none is left."""
        postmaster = int((self._data / "postmaster.pid").read_text().split()[0])
        os.kill(postmaster, signal.SIGSTOP)  # it makes no new ones meanwhile
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
        all_of_them = (postmaster, *map(int, children))
        for pid in all_of_them:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        while any(map(_runs, all_of_them)):
            time.sleep(0.005)
        (self._data / "postmaster.pid").unlink()  # its number may stay taken until somebody asks how it ended

    def _run(self, program: str, *arguments: str) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        subprocess.run(
            [str(self._programs / program), *arguments],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            cwd="/",
            env=environment,
            user=self._owner,
        )


@contextmanager
def cluster_of_ones_own() -> Iterator[Cluster]:
    """Running, and gone afterwards with its data. Skips where PostgreSQL's programs, or its user, are not."""
    programs = _programs()
    if programs is None:
        pytest.skip("no programs of a PostgreSQL server: a cluster of one's own cannot be made")
    owner = "postgres" if os.geteuid() == 0 else None  # a server refuses to run as root
    folder = Path(tempfile.mkdtemp(prefix="sor-cluster-"))
    try:
        if owner is not None:
            try:
                os.chown(folder, pwd.getpwnam(owner).pw_uid, -1)
            except KeyError:
                pytest.skip("no user postgres, and a server refuses to run as root")
        cluster = Cluster(folder, programs, owner)
        cluster.make()
        cluster.start()
        try:
            yield cluster
        finally:
            with suppress(FileNotFoundError):
                cluster.kill()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _programs() -> Path | None:
    beside = shutil.which("postgres")
    if beside is not None:
        return Path(beside).parent
    config = shutil.which("pg_config")
    if config is None:
        return None
    said = subprocess.run([config, "--bindir"], check=True, capture_output=True, text=True).stdout.strip()
    return Path(said) if (Path(said) / "postgres").exists() else None
