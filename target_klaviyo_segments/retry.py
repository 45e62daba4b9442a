"""The rejected and failed rows of a run as Singer messages, to be sent again once their cause is mended."""

from __future__ import annotations

import json
from array import array
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from target_klaviyo_segments.errors import InputError
from target_klaviyo_segments.export.rejects import KEPT_IN, kept_files, record_json
from target_klaviyo_segments.takers import CODE as NOT_MAPPED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


_encode = msgspec.json.Encoder().encode


class _Row(msgspec.Struct):
    stream: str
    record: msgspec.Raw
    row: Annotated[int, msgspec.Meta(ge=0, le=2**62)] = 0
    code: Any = None
    key_properties: tuple[str, ...] = ()  # earlier versions kept none


_row = msgspec.json.Decoder(_Row).decode
_names = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class Retry:
    """A file-like source of messages: a SCHEMA for each stream, then its rows. Its files may have been edited."""

    def __init__(
        self,
        work_dir: Path,
        run_id: str,
        needed_by: Callable[[str], list[str]],
        tell: Callable[[str], None] | None = None,
    ) -> None:
        """Find the files of a run; `needed_by` names the properties that a stream must have.

        `tell` is there when the settings change rows that are read, and the kept ones are not changed again: it is
        told of those left out that were kept before it could be done.

        Raises:
            InputError: There are none, or this user may not read them.
        """
        self._files = list(filter(_is_there, kept_files(work_dir, run_id)))
        if not self._files:
            raise InputError(_nothing_kept(work_dir, run_id))
        self._needed_by = needed_by
        self._tell = tell
        self._messages = self._all()

    def read(self, size: int = -1) -> bytes:
        """About as many bytes of messages; none at the end.

        Raises:
            InputError: A line is not one of ours any more, or no row can be sent again.
        """
        parts: list[bytes] = []
        length = 0
        for message in self._messages:
            parts.append(message + b"\n")
            length += len(parts[-1])
            if 0 <= size <= length:
                break
        return b"".join(parts)

    def _all(self) -> Iterator[bytes]:
        properties: dict[str, set[str]] = {}
        keys: dict[str, tuple[str, ...]] = {}
        numbers, places = array("q"), array("q")
        left_out = 0
        for row, place in self._rows():
            if self._tell is not None and row.code == NOT_MAPPED:
                left_out += 1
                continue
            properties.setdefault(row.stream, set()).update(_names_of(row.record), row.key_properties)
            keys[row.stream] = row.key_properties or keys.get(row.stream, ())
            numbers.append(row.row)
            places.append(place)
        if self._tell is not None and left_out:
            if not numbers:
                raise InputError(_left_out(left_out))
            self._tell(_left_out(left_out))
        for stream, names in properties.items():
            needed = self._needed_by(stream)
            names.difference_update(needed)  # a dotted one is read as a path, and as the property of that very name
            names.update(name.partition(".")[0] for name in needed)
            schema = {"type": "object", "properties": {name: {} for name in sorted(names)}}
            yield _encode({"type": "SCHEMA", "stream": stream, "schema": schema, "key_properties": keys[stream]})
        in_order = sorted(range(len(numbers)), key=numbers.__getitem__)  # a person's last row comes last
        for row in self._at(places[each] for each in in_order):
            yield b'{"type":"RECORD","stream":' + _encode(row.stream) + b',"record":' + bytes(row.record) + b"}"

    def _rows(self) -> Iterator[tuple[_Row, int]]:
        """Each row, and its place: where it begins, times the number of files, and its file's number."""
        for which, path in enumerate(self._files):
            with path.open("rb") as file:
                begin = 0
                for number, line in enumerate(file, start=1):
                    yield _read(line, f"line {number} of {path}"), begin * len(self._files) + which
                    begin += len(line)

    def _at(self, places: Iterable[int]) -> Iterator[_Row]:
        with ExitStack() as stack:
            files = [stack.enter_context(path.open("rb")) for path in self._files]
            for place in places:
                begin, which = divmod(place, len(files))
                files[which].seek(begin)
                yield _read(files[which].readline(), f"a line of {self._files[which]}")


def _is_there(path: Path) -> bool:
    try:
        path.open("rb").close()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return False
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}. Run it as the user who ran that run") from None
    return True


def _read(line: bytes, where: str) -> _Row:
    for each in (bytes, _readable):
        with suppress(msgspec.DecodeError, ValueError, RecursionError):
            return _row(each(line))
    raise InputError(f"{where} is no row as it was kept: an object with `stream` and `record`, all on one line")


def _readable(line: bytes) -> bytes:
    """As an earlier release kept rows: with half characters, say."""
    return record_json(json.loads(line))


def _names_of(record: msgspec.Raw) -> Iterable[str]:
    """Its properties: what a broken tap makes of a record may be no object."""
    try:
        return _names(record)
    except msgspec.DecodeError:
        return ()


def _nothing_kept(work_dir: Path, run_id: str) -> str:
    kept = sorted({path.stem for folder in KEPT_IN for path in (work_dir / folder).glob("*.jsonl")}, reverse=True)
    some = f"; the latest runs with such rows are {', '.join(kept[:5])}" if kept else ""
    return f"no rejected or failed rows of a run `{run_id}` are kept in {work_dir}{some}"


def _left_out(count: int) -> str:
    return (
        f"{count} rejected rows are not sent again, being kept as they came: a stream map or the flattening did not "
        "work on them (not_mapped), and a retry does without either. Correct the expression and let the tap send them "
        "once more; or write them in the kept file as they are to be sent, and take their `code` away"
    )


def changes_rows(config: dict[str, Any]) -> bool:
    """Whether rows are something else when they are kept than when they came."""
    return bool(config.get("stream_maps") or config.get("flattening_enabled"))


def config_of(config: dict[str, Any]) -> dict[str, Any]:
    """The configuration of a retry: without what was done to the rows before they were kept, and without a mirror.

    A few kept rows are no segment: whoever is not among them has not left.
    """
    kept = {name: value for name, value in config.items() if not name.startswith(("stream_map", "flattening_"))}
    return _no_mirror(kept)


def _no_mirror(config: dict[str, Any]) -> dict[str, Any]:
    """Also in the segments, and in those inside them."""
    segments = config.get("segments")
    if isinstance(segments, dict):
        inner = {name: _no_mirror(own) if isinstance(own, dict) else own for name, own in segments.items()}
        config = {**config, "segments": inner}
    return {**config, "sync_mode": "upsert"} if config.get("sync_mode") == "mirror" else config
