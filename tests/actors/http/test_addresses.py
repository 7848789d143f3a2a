import pytest

from actors.http.addresses import AddressPolicy, is_public


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"],
)
def test_addresses_of_the_open_internet_may_be_reached(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.9.1",
        "0.0.0.0",  # noqa: S104  (what "0" stands for)
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd00::1",
        "fec0::1",
        "ff02::1",
        "2001:db8::1",
        "100::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "192.0.0.9",
        "2001:20::1",
        "2002:101:101::1",
        "2002:7f00:1::1",
        "3fff::1",
        "5f00::1",
        "2002:c0a8:101::1",
        "2001:0:7f00:1::1",
        "2606:4700::5efe:10.0.0.1",
        "localhost",
        "1.1.1.1.1",
        "",
    ],
)
def test_this_machine_and_every_network_behind_it_may_not(address):
    assert not is_public(address)


def test_one_forbidden_address_forbids_the_host():
    policy = AddressPolicy()
    assert policy.forbidden("mirror.example", 80, ["1.1.1.1", "10.0.0.1", "1.0.0.1"]) == "10.0.0.1"
    assert policy.forbidden("mirror.example", 80, ["1.1.1.1"]) is None


def test_a_place_is_allowed_with_its_port_alone():
    policy = AddressPolicy(["Search.Lan:9000", "[fd00::1]:443"])
    assert policy.forbidden("search.lan", 9000, ["192.168.1.2"]) is None
    assert policy.forbidden("search.lan.", 9000, ["192.168.1.2"]) is None
    assert policy.forbidden("fd00::1", 443, ["fd00::1"]) is None
    assert policy.forbidden("search.lan", 22, ["192.168.1.2"]) == "192.168.1.2"
    assert policy.forbidden("other.lan", 9000, ["192.168.1.2"]) == "192.168.1.2"
