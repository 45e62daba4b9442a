"""Files that a BATCH message names, read block by block: a million rows cost no more memory than ten."""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote

import fsspec

from target_klaviyo_segments.decoding import LineDecoder
from target_klaviyo_segments.errors import InputError
from target_klaviyo_segments.malformed import is_list_of_text, quoted, stream_of
from target_klaviyo_segments.messages import Records, record_decoder
from target_klaviyo_segments.parquet_files import json_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import BinaryIO

    from target_klaviyo_segments.segment.record_type import RecordType

    Blocks = Callable[[BinaryIO, str], Iterator[bytes]]

_BLOCK_BYTES = 256 * 1024


def batch_records(message: dict[str, Any], record_type: RecordType | None = None) -> Iterator[Records | dict[str, Any]]:
    """The records of every file of a BATCH message, many at once or one by one: JSON lines, plain or gzip, or Parquet.

    Those that come many at once are of `record_type` where they fit.

    Raises:
        InputError: No files, another format or compression, a file that cannot be read, or a line that is no record.
    """
    what = f"a BATCH message of stream `{stream_of(message)}`"
    encoding, manifest = message.get("encoding"), message.get("manifest")
    if not isinstance(encoding, dict):
        raise InputError(f"{what} has no `encoding` that says how its files are written")
    if not is_list_of_text(manifest):
        raise InputError(f"{what} has no `manifest` that lists its files")
    form, compression = encoding.get("format", "jsonl"), encoding.get("compression", "none")
    blocks = _reader(form, compression)
    if blocks is None:
        raise InputError(
            f"{what} has files of format {quoted(form)}, compression {quoted(compression)}; "
            "this target reads jsonl, plain or gzip, and parquet. Change the tap's `batch_config.encoding`"
        )
    for url in manifest:
        yield from _records(url, blocks, record_type)


def _reader(form: object, compression: object) -> Blocks | None:
    """What reads files that are written so. Parquet says inside how it is compressed."""
    if form == "parquet":
        return json_lines
    if form != "jsonl":
        return None
    if compression == "gzip":
        return _unzipped
    return _plain if compression in ("none", "", None) else None  # a set holds no lists


def _plain(file: BinaryIO, name: str) -> Iterator[bytes]:  # noqa: ARG001  # as the other readers
    while block := file.read(_BLOCK_BYTES):
        yield block


def _unzipped(file: BinaryIO, name: str) -> Iterator[bytes]:
    return _plain(cast("BinaryIO", gzip.GzipFile(fileobj=file)), name)


def _records(url: str, blocks: Blocks, record_type: RecordType | None) -> Iterator[Records | dict[str, Any]]:
    name = f"the batch file {_shown(url)}"
    lines = LineDecoder(name, record_decoder(record_type), hint="The tap writes one record a line into such a file")
    try:
        with _opened(url) as file:
            for block in blocks(file, name):
                yield from _checked(lines.feed(block), lines, name)
    except (OSError, EOFError, zlib.error, ImportError, ValueError) as error:
        raise InputError(f"{name} cannot be read: {_words(error)}") from None
    yield from _checked(lines.end(), lines, name)


def _opened(url: str) -> BinaryIO:
    """As the tap wrote it; else with its percents undone, which a file's address may have for a space or an umlaut."""
    try:
        return cast("BinaryIO", fsspec.open(url, "rb").open())
    except FileNotFoundError:
        if not url.startswith("file:"):
            raise
    return cast("BinaryIO", fsspec.open(unquote(url), "rb").open())


def _shown(url: str) -> str:
    """A path of this machine; of an address elsewhere its end alone, for it may hold a key."""
    path = url.removeprefix("file://")
    return path.rpartition("/")[2] if "://" in path else path


def _checked(values: Iterable[Any], lines: LineDecoder, name: str) -> Iterator[Records | dict[str, Any]]:
    for index, value in enumerate(values):
        if not isinstance(value, (dict, Records)):
            raise InputError(f"line {lines.line_of(index)} of {name} is no record, which is a JSON object")
        yield value


def _words(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error).partition("\n")[0] or type(error).__name__
