import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import bencode
from protocol.dht import krpc
from protocol.errors import MalformedDatagram

ASKER = b"abcdefghij0123456789"
ANSWERER = b"mnopqrstuvwxyz123456"


def without_version(data: bytes) -> bytes:
    message = bencode.decode(data, max_length=2048)
    assert message.pop(b"v") == krpc.VERSION
    message.pop(b"ip", None)
    return bencode.encode(message)


# The example packets of BEP 5, byte by byte; ours carry our version besides.
QUERIES = [
    (krpc.ping(b"aa", ASKER), b"d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe"),
    (
        krpc.find_node(b"aa", ASKER, ANSWERER),
        b"d1:ad2:id20:abcdefghij01234567896:target20:mnopqrstuvwxyz123456e1:q9:find_node1:t2:aa1:y1:qe",
    ),
    (
        krpc.get_peers(b"aa", ASKER, ANSWERER),
        b"d1:ad2:id20:abcdefghij01234567899:info_hash20:mnopqrstuvwxyz123456e1:q9:get_peers1:t2:aa1:y1:qe",
    ),
    (
        krpc.announce_peer(b"aa", ASKER, ANSWERER, 6881, b"aoeusnth", implied_port=True),
        b"d1:ad2:id20:abcdefghij012345678912:implied_porti1e9:info_hash20:mnopqrstuvwxyz1234564:porti6881e5:token8:aoeusnthe"
        b"1:q13:announce_peer1:t2:aa1:y1:qe",
    ),
    (
        krpc.sample_infohashes(b"aa", ASKER, ANSWERER),  # BEP 51
        b"d1:ad2:id20:abcdefghij01234567896:target20:mnopqrstuvwxyz123456e1:q17:sample_infohashes1:t2:aa1:y1:qe",
    ),
]
RESPONSES = [
    (krpc.response(b"aa", {b"id": ANSWERER}, b"\1\2\3\4\5\6"), b"d1:rd2:id20:mnopqrstuvwxyz123456e1:t2:aa1:y1:re"),
    (
        krpc.response(b"aa", {b"id": ASKER, b"token": b"aoeusnth", b"values": [b"axje.u", b"idhtnm"]}, b"\1\2\3\4\5\6"),
        b"d1:rd2:id20:abcdefghij01234567895:token8:aoeusnth6:valuesl6:axje.u6:idhtnmee1:t2:aa1:y1:re",
    ),
]


@pytest.mark.parametrize(("ours", "example"), QUERIES + RESPONSES)
def test_what_we_write_is_the_example_of_the_bep(ours, example):
    assert without_version(ours) == example
    krpc.parse(example)


def test_an_error_is_written_as_bep_5_has_it():
    ours = krpc.error(b"aa", krpc.ErrorCode.GENERIC, "A Generic Error Ocurred")
    assert without_version(ours) == b"d1:eli201e23:A Generic Error Ocurrede1:t2:aa1:y1:ee"
    assert krpc.parse(ours) == krpc.Error(b"aa", 201, b"A Generic Error Ocurred")


def test_a_query_is_read_with_its_arguments():
    query = krpc.parse(QUERIES[1][1])
    assert query == krpc.Query(b"aa", b"find_node", {b"id": ASKER, b"target": ANSWERER}, is_read_only=False)


def test_the_flags_of_bep_32_and_43_are_written_and_read():
    query = krpc.parse(krpc.get_peers(b"aa", ASKER, ANSWERER, want=(b"n4", b"n6"), is_read_only=True))
    assert query.is_read_only
    assert query.arguments[b"want"] == [b"n4", b"n6"]


def test_a_response_is_read_with_the_address_of_bep_42():
    response = krpc.parse(krpc.response(b"aa", {b"id": ANSWERER}, b"\1\2\3\4\5\6"))
    assert response == krpc.Response(b"aa", ANSWERER, {b"id": ANSWERER}, b"\1\2\3\4\5\6")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not_bencode"),
        (b"hello", "not_bencode"),
        (b"le", "not_a_message"),
        (b"i1e", "not_a_message"),
        (b"de", "no_transaction_id"),
        (b"d1:ti1e1:y1:qe", "no_transaction_id"),
        (b"d1:t65:" + b"t" * 65 + b"1:y1:qe", "no_transaction_id"),
        (b"d1:t2:aae", "unknown_kind"),
        (b"d1:t2:aa1:y1:xe", "unknown_kind"),
        (b"d1:t2:aa1:yi1ee", "unknown_kind"),
        (b"d1:q4:ping1:t2:aa1:y1:qe", "no_method"),
        (b"d1:ale1:q4:ping1:t2:aa1:y1:qe", "no_method"),
        (b"d1:ade1:qi1e1:t2:aa1:y1:qe", "no_method"),
        (b"d1:t2:aa1:y1:re", "no_values"),
        (b"d1:rde1:t2:aa1:y1:re", "no_node_id"),
        (b"d1:rd2:id3:abce1:t2:aa1:y1:re", "no_node_id"),
        (b"d1:t2:aa1:y1:ee", "no_error_code"),
        (b"d1:ele1:t2:aa1:y1:ee", "no_error_code"),
        (b"d1:el1:ae1:t2:aa1:y1:ee", "no_error_code"),
        (b"d" * 2049, "too_long"),
        (b"l" * 1000, "too_deep"),
    ],
)
def test_what_is_no_message_is_refused_with_a_reason(data, reason):
    with pytest.raises(MalformedDatagram) as caught:
        krpc.parse(data)
    assert caught.value.reason == reason


def test_unsorted_keys_are_read_by_the_lenient_parser_only():
    unsorted = b"d1:y1:q1:t2:aa1:q4:ping1:ad2:id20:abcdefghij0123456789ee"
    with pytest.raises(MalformedDatagram, match="not_bencode"):
        krpc.parse(unsorted)
    assert krpc.parse_lenient(unsorted) == krpc.parse(QUERIES[0][1])


keys = st.sampled_from([b"t", b"y", b"q", b"a", b"r", b"e", b"id", b"ro", b"v", b"ip"])
values = st.recursive(
    st.integers() | st.binary(max_size=21) | st.sampled_from([b"q", b"r", b"e", ASKER]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=5),
    max_leaves=15,
)


@given(st.binary(max_size=100) | values.map(bencode.encode))
def test_arbitrary_bytes_give_a_message_or_the_one_exception(data):
    for parse in (krpc.parse, krpc.parse_lenient):
        try:
            message = parse(data)
        except MalformedDatagram:
            continue
        assert isinstance(message, krpc.Query | krpc.Response | krpc.Error)
        assert isinstance(message.transaction_id, bytes)
