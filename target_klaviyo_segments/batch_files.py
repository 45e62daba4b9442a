"""Files that a BATCH message names, read block by block: a million rows cost no more memory than ten."""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING, Any, cast

import fsspec

from target_klaviyo_segments.decoding import LineDecoder
from target_klaviyo_segments.errors import InputError
from target_klaviyo_segments.malformed import is_list_of_text, quoted, stream_of
from target_klaviyo_segments.messages import Records, decode_records

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import BinaryIO

_BLOCK_BYTES = 256 * 1024


def batch_records(message: dict[str, Any]) -> Iterator[Records | dict[str, Any]]:
    """The records of every file of a BATCH message, many at once or one by one: JSON lines, plain or gzip.

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
    if form != "jsonl" or compression not in ("gzip", "none", "", None):  # a set holds no lists
        raise InputError(
            f"{what} has files of format {quoted(form)}, compression {quoted(compression)}; "
            "this target reads jsonl, plain or gzip. Change the tap's `batch_config.encoding`"
        )
    for url in manifest:
        yield from _records(url, compressed=compression == "gzip")


def _records(url: str, *, compressed: bool) -> Iterator[Records | dict[str, Any]]:
    name = f"the batch file {url.rsplit('/', 1)[-1]}"
    lines = LineDecoder(name, decode_records)
    try:
        with cast("BinaryIO", fsspec.open(url, "rb").open()) as plain:
            source = gzip.GzipFile(fileobj=plain) if compressed else plain
            while block := source.read(_BLOCK_BYTES):
                yield from _checked(lines.feed(block), lines, name)
    except (OSError, EOFError, zlib.error, ImportError, ValueError) as error:
        raise InputError(f"{name} cannot be read: {_words(error)}") from None
    yield from _checked(lines.end(), lines, name)


def _checked(values: Iterable[Any], lines: LineDecoder, name: str) -> Iterator[Records | dict[str, Any]]:
    for index, value in enumerate(values):
        if not isinstance(value, (dict, Records)):
            raise InputError(f"line {lines.line_of(index)} of {name} is no record")
        yield value


def _words(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error).partition("\n")[0] or type(error).__name__
