from datetime import UTC, datetime

from web.journal.journal import Asked, Entry, Journal, redacted, without_keys

KEY = "abcdefgh" + "0123456789ABCDEFghijklmnopqrstuv"


def entry(number: int) -> Entry:
    return Entry(number, datetime.now(UTC), "GET", "/api", {}, (), "sonarr", "", 200, 1.0, asked=Asked("Everything"))


def test_only_the_last_ones_are_kept_newest_first() -> None:
    journal = Journal(3)
    for _ in range(5):
        journal.keep(entry(journal.next_id()))
    assert [kept.id for kept in journal.newest()] == [5, 4, 3]
    assert (len(journal), journal.seen, journal.entry(2)) == (3, 5, None)


def test_a_journal_of_none_keeps_none() -> None:
    journal = Journal(0)
    journal.keep(entry(journal.next_id()))
    assert journal.newest() == []


def test_keys_are_redacted_by_name_and_wherever_they_stand() -> None:
    given = [("ApiKey", KEY), ("token", "short"), ("q", f"sintel {KEY}"), ("api-key", KEY), (KEY, "x"), ("cat", "5000")]
    assert redacted(given) == (("ApiKey", "…"), ("token", "…"), ("q", "sintel …"), ("api-key", "…"), ("…", "x"), ("cat", "5000"))
    assert KEY not in without_keys(f"curl/{KEY}")


def test_endless_parameters_are_cut() -> None:
    kept = redacted([("q", "a " * 5000), *((f"p{number}", "") for number in range(100))])
    assert len(kept) == 41
    assert len(kept[0][1]) == 2000
