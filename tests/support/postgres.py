"""A PostgreSQL of the test's own: Debian's programs, a folder that goes away, a port of the loopback."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

WAL2JSON = "lib/wal2json.so"


def programs():
    """The newest PostgreSQL of Debian that is installed here with wal2json, as the folder above its bin/; or None."""
    found = [path.parent.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    able = [folder for folder in found if (folder / WAL2JSON).exists()]
    return max(able, key=lambda folder: int(folder.name), default=None)


class Postgres:
    """A server while the `with` block lasts, with an empty database `shop`.

    It does not run as root: under root its programs run as Debian's user postgres, who owns the folder.
    """

    def __enter__(self):
        self.bin = programs() / "bin"
        # Not below pytest's own folder, which other users cannot enter.
        self.folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        self.port, self.password = _free_port(), secrets.token_hex(8)
        word = self.folder / "password"
        word.write_text(self.password)
        if os.geteuid() == 0:
            for path in (self.folder, word):
                shutil.chown(path, "postgres", "postgres")
        login = ["-A", "scram-sha-256", "-U", "postgres", f"--pwfile={word}"]
        self._program("initdb", "-D", self.folder / "data", "-E", "UTF8", "--no-sync", *login)
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder}"
        options += " -c wal_level=logical -c fsync=off"
        self._control("start", "-l", self.folder / "log", "-o", options)
        self.sql("CREATE DATABASE shop", database="postgres")
        return self

    def __exit__(self, *_):
        self._control("stop", "-m", "immediate")
        shutil.rmtree(self.folder)

    @property
    def environment(self):
        """The variables that psql and meltano.yml know."""
        return {
            "PGHOST": "127.0.0.1",
            "PGPORT": str(self.port),
            "PGUSER": "postgres",
            "PGPASSWORD": self.password,
            "PGDATABASE": "shop",
        }

    def sql(self, statement, database="shop"):
        """Run a statement; its answer as psql prints it."""
        psql = [self.bin / "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", statement]
        done = subprocess.run(psql, env=os.environ | self.environment, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def _control(self, *arguments):
        self._program("pg_ctl", "-D", self.folder / "data", "-w", "-s", *arguments)

    def _program(self, name, *arguments):
        other = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
        # pg_ctl hands its own output to the server; a pipe would never end.
        with (self.folder.parent / f"{self.folder.name}.{name}").open("w+") as said:
            done = subprocess.run(
                [*other, self.bin / name, *arguments], cwd="/", check=False, stdout=said, stderr=said, text=True
            )
            said.seek(0)
            assert done.returncode == 0, said.read()
        Path(said.name).unlink()


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
