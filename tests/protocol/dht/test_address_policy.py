from hypothesis import example, given
from hypothesis import strategies as st

from protocol.compact import is_public, is_usable
from protocol.dht.address_policy import AddressPolicy, host_key


@given(st.binary(min_size=6, max_size=6) | st.binary(min_size=18, max_size=18), st.booleans(), st.booleans())
@example(bytes((127, 0, 0, 1, 0, 1)), True, True)
@example(bytes((192, 168, 0, 1, 0, 0)), True, False)
def test_the_table_says_what_the_networks_say(compact, allow_local, is_local_only):
    policy = AddressPolicy(allow_local=allow_local, is_local_only=is_local_only)
    expected = is_usable(compact, allow_local=allow_local) and not (is_local_only and is_public(compact))
    assert policy.allows(compact) == expected
    if expected:
        assert policy.host_key(compact) == host_key(compact)


def test_one_public_host_is_one_whatever_its_port_but_a_local_one_plays_many():
    assert host_key(bytes((8, 8, 8, 8, 1, 1))) == host_key(bytes((8, 8, 8, 8, 2, 2)))
    assert host_key(bytes((127, 0, 0, 1, 1, 1))) != host_key(bytes((127, 0, 0, 1, 2, 2)))
