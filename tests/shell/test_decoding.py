"""Blocks of bytes to JSON lines."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from target_klaviyo_segments.decoding import MAX_LINE_BYTES, LineDecoder
from target_klaviyo_segments.errors import InputError
from target_klaviyo_segments.messages import MessageDecoder, record_decoder

values = st.dictionaries(
    st.text(max_size=5), st.none() | st.integers() | st.text(max_size=9) | st.booleans(), max_size=4
)


def read(*blocks):
    lines = LineDecoder("the input")
    found = [value for block in blocks for value in lines.feed(block)]
    return found + list(lines.end())


@given(st.lists(values, max_size=20), st.integers(1, 40), st.booleans())
def test_lines_come_out_whole_wherever_the_blocks_are_cut(messages, size, end):
    """A pipe cuts where it likes."""
    text = "\n".join(json.dumps(message) for message in messages).encode() + (b"\n" if end and messages else b"")
    assert read(*(text[i : i + size] for i in range(0, len(text), size))) == messages


@pytest.mark.parametrize(
    ("line", "value"),
    [
        (b'{"a":NaN}', "nan"),
        (b'{"a":1e400}', "inf"),
        (b'{"a":"\\ud800"}', "\ud800"),
        (b'{"a":123456789012345678901234567890}', "123456789012345678901234567890"),
    ],
)
def test_what_the_fast_decoder_refuses_is_read_all_the_same(line, value):
    """Python taps print NaN; databases hold any number."""
    assert str(read(b'{"b":1}\n' + line + b"\n")[1]["a"]) == value


@pytest.mark.parametrize(
    ("blocks", "words"),
    [
        ([b'{"a":1}\nhello\n'], "line 2 of the input is not JSON"),
        ([b'\n\n{"a":1}\n{"a":\n'], "line 4 of the input is not JSON"),
        ([b'{"a":1}\n{"a":"B\xf6hm"}\n'], "line 2 of the input is not UTF-8 text, as Singer messages are. Look at the"),
        ([*(f'{{"a":{n}}}\n'.encode("utf-16") for n in range(2))], "of the input is not UTF-8 text"),
        ([b'{"a":1}\n', b'{"a"'], "breaks off in the middle of line 2"),
        ([b"[" * 200_000 + b"\n"], "line 1 of the input is nested too deeply"),
        ([b"x" * (MAX_LINE_BYTES + 1)], "line 1 of the input is longer than 16,777,216 bytes"),
    ],
)
def test_bad_lines_are_told_by_number(blocks, words):
    """And nothing after them is read."""
    with pytest.raises(InputError, match=words):
        read(*blocks)


def test_the_lines_before_a_bad_one_are_handed_out():
    """Nothing is lost to a decoder that takes many lines at once."""
    found = []
    lines = iter(LineDecoder("the input").feed(b'{"a":1}\n{"a":2}\nno\n'))
    with pytest.raises(InputError, match="line 3"):
        while True:
            found.append(next(lines))
    assert found == [{"a": 1}, {"a": 2}]


def test_line_numbers_count_blank_lines():
    """The number is the one that an editor shows."""
    lines = LineDecoder("the input")
    assert list(lines.feed(b'\n{"a":1}\n\n{"a":2}\n')) == [{"a": 1}, {"a": 2}]
    assert [lines.line_of(0), lines.line_of(1)] == [2, 4]
    assert list(lines.feed(b'\n{"a":3}\n')) == [{"a": 3}]
    assert lines.line_of(0) == 6


@pytest.mark.parametrize("blocks", [1, 3])
def test_the_limit_of_a_line_is_exact(blocks):
    """However many lines come with it, and whether its end came in the same block."""
    whole = b'{"a":"%s"}' % (b"x" * (MAX_LINE_BYTES - 8))
    data = b'{"b":1}\n' + whole + b'\n{"b":2}\n'
    size = len(data) // blocks + 1
    assert [*map(list, read(*(data[i : i + size] for i in range(0, len(data), size))))] == [["b"], ["a"], ["b"]]
    longer = data.replace(b"x", b"xx", 1)
    found = []
    lines = LineDecoder("the input")
    with pytest.raises(InputError, match="line 2 of the input is longer than 16,777,216 bytes"):
        for i in range(0, len(longer), size):
            found += lines.feed(longer[i : i + size])
    assert found == [{"b": 1}]


def test_an_integer_without_end_is_a_number():
    """Python makes no integer of more than 4,300 digits; what nobody can use costs its value, not the run."""
    digits = "9" * 5000
    (value,) = read(b'{"a":%s,"b":-%s,"c":12}\n' % (digits.encode(), digits.encode()))
    assert [str(each) for each in value.values()] == [digits, "-" + digits, "12"]


@pytest.mark.parametrize("decode", [MessageDecoder(), record_decoder(None)])
@pytest.mark.parametrize("size", [1, 40, 1000])
def test_a_value_over_several_lines_is_refused(decode, size):
    """However the pipe cuts it: rows are kept as lines, and told of by their lines."""
    lines = LineDecoder("the input", decode)
    good = b'\n{"type": "STATE", "value": 0}\r\n \n'
    text = good + b'{"type": "STATE",\n "value": 1}\n' + good
    with pytest.raises(InputError, match="line 4 of the input is not JSON"):
        for begin in range(0, len(text), size):
            list(lines.feed(text[begin : begin + size]))


@pytest.mark.parametrize("decode", [MessageDecoder(), record_decoder(None)])
def test_blank_lines_are_none(decode):
    """As some taps print between messages."""
    assert list(LineDecoder("the input", decode).feed(b'\n{"type": "STATE", "value": 0}\r\n \n\n'))
