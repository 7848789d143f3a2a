"""Which torrents hold one of some works, as conditions on their search rows.

Torrents that are linked to a work are found by its lexeme. Torrents without a link are found by what their names say: a title that is one
of the work's, word for word, and a year that fits. GIN finds what can match (all words of a title, anywhere); what it found is then checked
on its row, because GIN knows neither weights nor how many words a title has.
"""

from collections.abc import Collection, Iterator

from catalog.works import Medium, Work
from storage.search.document import KIND_NUMBERS, operand


def superset(works: Collection[Work]) -> str:
    """As tsquery: the torrents that hold any of these works (at least one), and a few more. Without kinds: long lists for GIN."""
    by_title = (" & ".join([*_year_of_film(work), f"({' | '.join(dict(_titles(work)))})"]) for work in works if work.titles)
    return f"({' | '.join([_linked(works), *(f'({part})' for part in by_title)])})"


def exactly(works: Collection[Work]) -> tuple[str, dict[str, object]]:
    """As SQL over a search row that is in the superset: whether it holds any of these works; and the parameters in it."""
    parameters: dict[str, object] = {"linked": _linked(works)}
    checks = []
    for number, work in enumerate(works):
        titles = dict(_titles(work))
        parameters[f"facts_{number}"] = " & ".join([_kinds(work), *_year_of_film(work), *_year_of_series(work)])
        equal = []
        for length in sorted(set(titles.values())):
            name = f"titles_{number}_{length}"
            parameters[name] = " | ".join(title for title, count in titles.items() if count == length)
            # ts_filter: words that stand in the title; without it, those of file names, which have no weight, would count for any.
            equal.append(f"title_words = {length} AND ts_filter(tsv, '{{a}}') @@ %({name})s::tsquery")
        if equal:
            checks.append(f"(tsv @@ %(facts_{number})s::tsquery AND ({' OR '.join(equal)}))")
    # As CASE and not as OR: the planner must not make an index condition of its parts.
    check = f"CASE WHEN tsv @@ %(linked)s::tsquery THEN true WHEN tsv @@ '#w'::tsquery THEN false ELSE {' OR '.join(checks) or 'false'} END"
    return check, parameters


def _linked(works: Collection[Work]) -> str:
    return " | ".join(f"'#w{work.id:d}'" for work in works)


def _titles(work: Work) -> Iterator[tuple[str, int]]:
    """Each title as tsquery, and the number of its different words."""
    for title in sorted(work.titles):
        different = sorted(set(title.split()))
        yield "(" + " & ".join(map(operand, different)) + ")", len(different)


def _kinds(work: Work) -> str:
    return "(" + " | ".join(f"'#k{number}'" for number in sorted(KIND_NUMBERS[kind] for kind in work.medium.kinds)) + ")"


def _year_of_film(work: Work) -> Iterator[str]:
    if work.medium is Medium.MOVIE and work.year is not None:
        yield "(" + " | ".join(f"'#y{year}'" for year in range(work.year - 1, work.year + 2)) + ")"


def _year_of_series(work: Work) -> Iterator[str]:
    """The year of a series stands in few names; where one does, it must be this. Not for GIN, which would read all years."""
    if work.medium is Medium.SERIES and work.year is not None:
        yield f"('#y{work.year}' | !'#y':*)"
