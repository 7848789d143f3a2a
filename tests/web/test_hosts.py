import pytest

from config.settings import HttpSettings
from web.hosts import HostCheck, host_name, is_loopback

CHECK = HostCheck(HttpSettings(public_url="https://Index.Example/sx", allowed_hosts=("nas.lan",)))


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:3333",
        "localhost",
        "LOCALHOST:80",
        "[::1]:3333",
        "index.example",
        "NAS.lan:8080",
        "nas.lan.",
        "192.168.1.7:3333",
        "x.localhost",
    ],
)
def test_names_of_this_instance_and_addresses_are_answered(host):
    assert CHECK.allows(host)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "",
        "localhost.evil.example",
        "nas.lan@evil.example",
        "127.0.0.1.evil.example",
        "[::1",
        "a b",
        "localhost/x",
        "evil.example:80:80",
        'localhost:"><b>',
        "localhost:99999",
        "127.1",
    ],
)
def test_other_names_are_refused(host):
    assert not CHECK.allows(host)


def test_a_host_is_read_without_port_and_brackets():
    assert host_name("[::1]:3333") == "::1"
    assert host_name("Index.Example:443") == "index.example"


def test_loopback_is_recognised_in_the_bind_address():
    assert is_loopback("127.0.0.1:3333")
    assert is_loopback("127.8.9.1:0")
    assert is_loopback("[::1]:3333")
    assert not is_loopback("0.0.0.0:3333")
    assert not is_loopback("[::]:3333")
    assert not is_loopback("192.168.1.7:80")
