"""Who may do what: API keys, people, their sessions."""

from storage.accounts.accounts import Accounts
from storage.accounts.download_tokens import download_token
from storage.accounts.keys import SCOPES, KeyInfo, NewKey
from storage.accounts.sessions import NewSession, Session
from storage.accounts.users import User

__all__ = ["SCOPES", "Accounts", "KeyInfo", "NewKey", "NewSession", "Session", "User", "download_token"]
