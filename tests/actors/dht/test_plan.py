import pytest

from actors.dht.plan import plan_nodes
from config.settings import DhtSettings
from protocol.dht.profile import PROFILES
from protocol.dht.sweep import Share


def test_nodes_take_the_sockets_in_turn_and_divide_share_and_budgets():
    plans = plan_nodes(DhtSettings(bind=("127.0.0.1:0", "127.0.0.2:7000"), nodes=4, keyspace="1/2"))
    assert [plan.name for plan in plans] == ["node-0", "node-1", "node-2", "node-3"]
    assert [plan.bind for plan in plans] == [("127.0.0.1", 0), ("127.0.0.2", 7000), ("127.0.0.1", 0), ("127.0.0.2", 0)]
    assert [plan.share for plan in plans] == [Share(4, 8), Share(5, 8), Share(6, 8), Share(7, 8)]
    assert sum(plan.profile.new_addresses_per_s for plan in plans) == PROFILES["home"].new_addresses_per_s


def test_both_address_families_sweep_the_whole_share_each():
    plans = plan_nodes(DhtSettings(bind=("127.0.0.1:0", "[::1]:0"), nodes=3))
    if not any(plan.is_ipv6 for plan in plans):
        pytest.skip("no IPv6 here")
    assert [plan.share for plan in plans] == [Share(0, 2), Share(0, 1), Share(1, 2)]


def test_an_address_this_machine_does_not_have_is_passed_over():
    plans = plan_nodes(DhtSettings(bind=("203.0.113.77:0", "127.0.0.1:0"), nodes=2))
    assert [plan.bind for plan in plans] == [("127.0.0.1", 0)] * 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"profile": "furious"}, "dht.profile"),
        ({"profile": "lab"}, "allow_loopback"),
        ({"keyspace": "3/2"}, "dht.keyspace"),
        ({"bind": ("nowhere",)}, "dht.bind"),
        ({"bind": ("::1:6881",)}, "dht.bind"),
        ({"bind": ("203.0.113.77:0",)}, "dht.bind"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(change, words):
    with pytest.raises(ValueError, match=words):
        plan_nodes(DhtSettings(**change))


def test_nodes_without_a_port_of_their_own_take_free_ones():
    plans = plan_nodes(DhtSettings(bind=("127.0.0.1:7000",), nodes=3))
    assert [plan.bind for plan in plans] == [("127.0.0.1", 7000), ("127.0.0.1", 0), ("127.0.0.1", 0)]


def test_the_nodes_of_one_family_together_ask_one_address_once_a_second():
    plans = plan_nodes(DhtSettings(bind=("127.0.0.1:0",), nodes=4))
    assert sum(1 / plan.profile.ask_again_after_s for plan in plans) == 1.0
