import pytest

from storage.accounts.passwords import Passwords
from tests.fakes import passwords


@pytest.fixture
def cheap_passwords() -> Passwords:
    return passwords.cheap_passwords()
