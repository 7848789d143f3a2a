import pytest

from storage.database import Database
from storage.saved_searches import MAX_NAME_LENGTH, SavedSearches, TooManySaved

SINTEL = {"q": "sintel 2010", "kind": "movie"}


async def test_a_saved_search_is_found_by_number_and_in_the_list(database: Database) -> None:
    saved = SavedSearches(database)
    later = await saved.save(" Tears of Steel ", {"q": "tears"})
    first = await saved.save("sintel", SINTEL)
    assert (later.name, first.fields) == ("Tears of Steel", SINTEL)
    assert await saved.one(first.id) == first
    assert await saved.all() == (first, later)


async def test_a_deleted_one_is_gone(database: Database) -> None:
    saved = SavedSearches(database)
    made = await saved.save("sintel", SINTEL)
    assert await saved.delete(made.id)
    assert not await saved.delete(made.id)
    assert (await saved.one(made.id), await saved.all()) == (None, ())


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * (MAX_NAME_LENGTH + 1), "\u202e"])
async def test_names_that_cannot_be_shown_are_refused(database: Database, name: str) -> None:
    with pytest.raises(ValueError, match="printable name"):
        await SavedSearches(database).save(name, SINTEL)


@pytest.mark.parametrize("fields", [{"q": "x" * 501}, {"q": "\0"}, {f"f{number}": "" for number in range(41)}])
async def test_fields_are_bounded(database: Database, fields: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="too long"):
        await SavedSearches(database).save("sintel", fields)


async def test_there_is_an_end_to_them(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.saved_searches.MAX_SAVED", 2)
    saved = SavedSearches(database)
    for name in ("one", "two"):
        await saved.save(name, SINTEL)
    with pytest.raises(TooManySaved):
        await saved.save("three", SINTEL)
