import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import compact


@given(st.ip_addresses().map(str), st.integers(0, 0xFFFF))
def test_a_packed_address_unpacks_to_itself(host, port):
    packed = compact.pack_address((host, port))
    assert len(packed) in (6, 18)
    assert compact.unpack_address(packed) == (host, port)


def test_the_byte_order_is_the_network_s():
    assert compact.pack_address(("1.2.3.4", 0x1AE1)) == b"\x01\x02\x03\x04\x1a\xe1"
    assert compact.pack_address(("2001:4860::8888", 6881)) == bytes.fromhex("20014860000000000000000000008888") + b"\x1a\xe1"
    assert compact.pack_address(("fe80::1%eth0", 1))[:2] == b"\xfe\x80"


@pytest.mark.parametrize("address", [("1.2.3", 1), ("1.2.3.256", 1), ("nowhere", 1), ("1.2.3.4", 70000), ("::g", 1), ("1.2.3.4", -1)])
def test_what_is_no_address_is_refused(address):
    with pytest.raises(ValueError, match=r".+"):
        compact.pack_address(address)


@pytest.mark.parametrize("length", [0, 5, 7, 17, 19])
def test_a_compact_address_of_another_length_is_refused(length):
    with pytest.raises(ValueError, match="compact address"):
        compact.unpack_address(bytes(length))


@pytest.mark.parametrize(
    "host",
    [
        "8.8.8.8",
        "1.1.1.1",
        "100.63.0.1",
        "100.128.0.1",
        "172.15.0.1",
        "172.32.0.1",
        "192.167.1.1",
        "198.20.0.1",
        "223.1.1.1",
        "2a00:1450::1",
        "2001:41d0::1",
    ],
)
def test_the_public_internet_is_usable(host):
    assert compact.is_usable(compact.pack_address((host, 6881)), allow_local=False)
    assert compact.is_public(compact.pack_address((host, 6881)))


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "10.1.2.3", "172.16.0.1", "172.31.255.1", "192.168.1.1", "169.254.1.1", "100.64.0.1", "::1", "fd00::1"]
)
def test_local_addresses_are_usable_only_where_allowed(host):
    packed = compact.pack_address((host, 6881))
    assert not compact.is_usable(packed, allow_local=False)
    assert compact.is_usable(packed, allow_local=True)
    assert not compact.is_public(packed)


@pytest.mark.parametrize(
    "host",
    [
        "0.0.0.0",  # noqa: S104
        "0.1.2.3",
        "224.0.0.1",
        "239.1.1.1",
        "240.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
        "198.18.0.1",
        "198.51.100.9",
        "203.0.113.9",
        "::",
        "fe80::1",
        "ff02::1",
        "2001:db8::1",
        "::ffff:8.8.8.8",
    ],
)
def test_what_no_packet_can_reach_is_never_usable(host):
    for allow_local in (False, True):
        assert not compact.is_usable(compact.pack_address((host, 6881)), allow_local=allow_local)


def test_port_zero_is_never_usable():
    assert not compact.is_usable(compact.pack_address(("8.8.8.8", 0)), allow_local=True)


@given(st.binary(max_size=20), st.booleans())
def test_arbitrary_bytes_are_judged_without_a_word(data, allow_local):
    assert compact.is_usable(data, allow_local=allow_local) in (True, False)


@given(st.lists(st.binary(min_size=26, max_size=26), max_size=10))
def test_joined_nodes_split_into_themselves(nodes):
    assert compact.split(b"".join(nodes), 26) == nodes
    assert compact.split(b"".join(nodes) + b"x", 26) == []
