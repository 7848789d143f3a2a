import threading

import bencode2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from protocol import bencode
from protocol.errors import MalformedBencode

LIMIT = 1 << 20

values = st.recursive(
    st.integers() | st.binary(max_size=40),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.binary(max_size=8), inner, max_size=5),
    max_leaves=25,
)

# Every one of these is refused by the strict decoder; the lenient one takes the last three.
BROKEN = [
    b"",
    b"i",
    b"ie",
    b"i-e",
    b"i03e",
    b"i-0e",
    b"i 1e",
    b"i+1e",
    b"i1_0e",
    b"03:abc",
    b"5:abc",
    b"-1:a",
    b"l",
    b"d",
    b"e",
    b"di1ei2ee",
]
BROKEN += [b"d1:aee", b"d1:ae", b"d1:a", b"l1:", b"99999999999999999999:", b"i" + b"9" * 5000 + b"e", b"l" * 60_000, b"d1:a" * 60_000]
TRAILING = [b"i1ei2e", b"dee", b"1:ab", b"lele"]
UNSORTED = [b"d1:b0:1:a0:e", b"d1:ai1e1:ai2ee"]


@given(values)
def test_what_is_encoded_decodes_to_itself(value):
    raw = bencode.encode(value)
    assert bencode.decode(raw, max_length=len(raw)) == value
    assert bencode.decode_lenient(raw, max_length=len(raw)) == value


@given(
    st.binary(max_size=80)
    | st.lists(st.sampled_from([b"d", b"l", b"e", b"i1e", b"1:a", b"0:", b"1:b", b"i-0e"]), max_size=12).map(b"".join)
)
@example(b"d1:b0:1:a0:e")
@example(b"d1:ae")
def test_arbitrary_bytes_give_a_value_or_the_one_exception(data):
    try:
        strict = bencode.decode(data, max_length=LIMIT)
    except MalformedBencode:
        strict = None
    try:
        lenient = bencode.decode_lenient(data, max_length=LIMIT)
    except MalformedBencode:
        lenient = None
    # The two decoders are each other's oracle: the strict one takes exactly what the lenient one reads and that re-encodes to itself.
    is_canonical = lenient is not None and bencode.encode(lenient) == data
    assert strict == (lenient if is_canonical else None)


@pytest.mark.parametrize("data", BROKEN)
def test_broken_input_is_refused_by_every_decoder(data):
    for decoder in (bencode.decode, bencode.decode_lenient):
        with pytest.raises(MalformedBencode):
            decoder(data, max_length=LIMIT)
    with pytest.raises(MalformedBencode):
        bencode.span_of(b"d1:x" + data, b"x")


@pytest.mark.parametrize("data", TRAILING)
def test_nothing_may_stand_behind_a_value(data):
    for decoder in (bencode.decode, bencode.decode_lenient):
        with pytest.raises(MalformedBencode):
            decoder(data, max_length=LIMIT)


@pytest.mark.parametrize("data", UNSORTED)
def test_only_the_lenient_decoder_takes_unsorted_and_repeated_keys_and_the_first_counts(data):
    with pytest.raises(MalformedBencode):
        bencode.decode(data, max_length=LIMIT)
    assert bencode.decode_lenient(data, max_length=LIMIT) in ({b"a": b"", b"b": b""}, {b"a": 1})


def test_limits_are_kept():
    with pytest.raises(MalformedBencode, match="too_long"):
        bencode.decode(b"3:abc", max_length=4)
    with pytest.raises(MalformedBencode, match="too_long"):
        bencode.decode_lenient(b"3:abc", max_length=4)
    with pytest.raises(MalformedBencode, match="too_deep"):
        bencode.decode(b"l" * 11 + b"e" * 11, max_length=100, max_openers=10)
    deepest = b"l" * bencode.MAX_DEPTH + b"e" * bencode.MAX_DEPTH
    bencode.decode_lenient(deepest, max_length=LIMIT)
    with pytest.raises(MalformedBencode, match="too_deep"):
        bencode.decode_lenient(b"l" + deepest + b"e", max_length=LIMIT)


def test_any_buffer_is_taken():
    for kind in (bytes, bytearray, memoryview):
        assert bencode.decode(kind(b"d1:ai1ee"), max_length=10, max_openers=3) == {b"a": 1}
        assert bencode.decode_lenient(kind(b"d1:ai1ee"), max_length=10) == {b"a": 1}
        assert bencode.span_of(kind(b"d1:ai1ee"), b"a") == (4, 7)


def test_span_of_finds_the_raw_value_even_where_the_rest_is_not_canonical():
    raw = b"d4:zzzzi1e4:infod4:name6:sintel1:ai1ee8:announce0:e"
    start, end = bencode.span_of(raw, b"info")
    assert raw[start:end] == b"d4:name6:sintel1:ai1ee"
    with pytest.raises(MalformedBencode, match="key_missing"):
        bencode.span_of(raw, b"pieces")
    with pytest.raises(MalformedBencode, match="not_a_dictionary"):
        bencode.span_of(b"4:info", b"info")


@given(st.binary(max_size=60), st.binary(max_size=4))
def test_span_of_arbitrary_bytes_gives_a_span_or_the_one_exception(data, key):
    try:
        start, end = bencode.span_of(b"d" + data, key)
    except MalformedBencode:
        return
    assert 0 < start < end <= len(data) + 1


def test_a_nesting_bomb_in_a_thread_with_a_small_stack_is_refused():
    # bencode2 alone overflows a stack of 256 KiB at a depth of 2048 and takes the process with it.
    refused = []

    def decode_bomb():
        try:
            bencode.decode(b"l" * 4000 + b"e" * 4000, max_length=LIMIT)
        except MalformedBencode as exc:
            refused.append(exc.reason)

    before = threading.stack_size(256 * 1024)
    try:
        thread = threading.Thread(target=decode_bomb)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(before)
    assert refused == ["too_deep"]


def test_the_compiled_decoder_is_in_use():
    assert bencode2.COMPILED
