"""Parquet files of BATCH messages as blocks of JSON lines, so that their rows go the way of all others."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec

from target_klaviyo_segments.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

_ROWS_AT_ONCE = 1_000
_BEYOND_PYTHON = (ValueError, OverflowError)  # parts of a microsecond, years after 9999, text that is no UTF-8
_LEFT_OUT = msgspec.Raw(b"NaN")  # as a tap in Python writes it: no profile takes it, and that is counted

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
    columns = [_values(column) for column in part.columns]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _values(column: Any) -> list[Any]:  # noqa: ANN401  # a pyarrow.Array
    try:
        return column.to_pylist()  # type: ignore[no-any-return]  # pyarrow publishes no types
    except _BEYOND_PYTHON:
        return [_value(each) for each in column]


def _value(value: Any) -> Any:  # noqa: ANN401, PLR0911  # of a pyarrow.Scalar; a table of types
    """As near to it as Python comes: what is inside, text with U+FFFD, times without parts of a microsecond."""
    import pyarrow as pa  # noqa: PLC0415  # an extra

    with suppress(*_BEYOND_PYTHON):
        return value.as_py()
    if isinstance(value, pa.DictionaryScalar):
        return _value(value.value)
    if isinstance(value, pa.MapScalar):
        return [list(pair.values()) for pair in map(_value, value.values)]
    if isinstance(value, pa.ListScalar):
        return [_value(each) for each in value.values]
    if isinstance(value, pa.StructScalar):
        return {name: _value(each) for name, each in value.items()}
    if isinstance(value, (pa.StringScalar, pa.LargeStringScalar)):
        return value.as_buffer().to_pybytes().decode(errors="replace")
    return _in_microseconds(value, pa)


def _in_microseconds(value: Any, pa: Any) -> Any:  # noqa: ANN401  # a pyarrow.Scalar, and pyarrow
    """A moment that its time zone puts after the year 9999 is one of UTC; what Python cannot hold is left out."""
    kind = value.type
    kinds = []
    if pa.types.is_timestamp(kind):
        kinds = [pa.timestamp("us", kind.tz), pa.timestamp("us", kind.tz and "UTC")]
    elif pa.types.is_time(kind):
        kinds = [pa.time64("us")]
    elif pa.types.is_duration(kind):
        kinds = [pa.duration("us")]
    for each in kinds:
        with suppress(*_BEYOND_PYTHON):
            return value.cast(each, safe=kind.unit != "ns").as_py()
    return _LEFT_OUT
