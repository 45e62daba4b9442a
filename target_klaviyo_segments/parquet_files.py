"""Parquet files of BATCH messages as blocks of JSON lines, so that their rows go the way of all others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from target_klaviyo_segments.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

_ROWS_AT_ONCE = 1_000

# Times as ISO 8601, decimals as numbers, bytes as base64, NaN as null: as a tap writes them into JSON.
_encode_lines = msgspec.json.Encoder(decimal_format="number", enc_hook=str).encode_lines


def json_lines(file: BinaryIO, name: str) -> Iterator[bytes]:
    """The rows of a file, a thousand lines at a time; memory holds one row group of the columns that are read.

    Raises:
        InputError: The extra that reads Parquet is not installed, or the file cannot be read.
    """
    try:
        from pyarrow import ArrowException, parquet  # noqa: PLC0415  # an extra, and 0.2 s that others need not wait for
    except ImportError:
        raise InputError(
            f"{name} is Parquet, and what reads it is not installed: pip install 'target-klaviyo-segments[parquet]'"
        ) from None
    try:
        for part in parquet.ParquetFile(file).iter_batches(_ROWS_AT_ONCE):
            yield _encode_lines(_rows(part))
    except (ArrowException, OSError, ValueError, OverflowError) as error:
        raise InputError(f"{name} cannot be read as Parquet: {str(error).partition(chr(10))[0]}") from None


def _rows(part: Any) -> list[dict[str, Any]]:  # noqa: ANN401  # a pyarrow.RecordBatch
    """By columns, which is several times faster than `to_pylist` of the whole."""
    names = part.schema.names
    columns = [column.to_pylist() for column in part.columns]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
