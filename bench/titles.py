"""Reading names: the cascade against bare guessit, and the fast rules against guessit on the names they answer.

The names are the labelled ones of tests/data/titles. `exact_share` is the share of them read without a mistake. It is our own set, which
the rules were written beside, so both figures flatter us: on names of the wild the rules answer fewer.
"""

import gc
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import cycle
from time import perf_counter

from bench.harness import SUBJECT, Case, Contender, Options, Outcome, Report, Watch, compare
from catalog.model import ParsedTitle
from catalog.titles.cascade import Cascade, quick
from catalog.titles.parsers import GuessitParser
from tests.fakes.title_data import NamedCase, mistakes, named_cases


def run(options: Options) -> Report:
    """Measure names per CPU-second."""
    guessit = Contender("guessit", partial(read_names, bare_guessit, False, options.seconds))
    answered = Contender("guessit", partial(read_names, bare_guessit, True, options.seconds))
    return compare(
        "titles",
        options,
        [
            Case(
                "cascade",
                "names",
                SUBJECT,
                Contender("swarmdex", partial(read_names, cascade, False, options.seconds)),
                [guessit],
                target=3.0,
            ),
            Case("rules", "names", SUBJECT, Contender("swarmdex", partial(read_names, rules, True, options.seconds)), [answered]),
        ],
    )


def read_names(
    make_reader: Callable[[], Callable[[str], ParsedTitle]], only_sure: bool, seconds: float, _offered: object, watch: Watch
) -> Outcome:
    """Read the labelled names in turn for `seconds`, whole rounds of them; `only_sure`: those the fast rules answer."""
    cases = [case for case in named_cases() if not only_sure or quick(case.name) is not None]
    read = make_reader()
    exact = sum(_is_exact(read(case.name), case) for case in cases)
    gc.collect()
    watch.start()
    started = perf_counter()
    count = 0
    for case in cycle(cases):
        if count % len(cases) == 0 and count and perf_counter() - started > seconds:
            break
        read(case.name)
        count += 1
    watch.stop()
    return Outcome(count, {"exact_share": exact / len(cases)})


def cascade() -> Callable[[str], ParsedTitle]:
    """Everything, in one process."""
    return Cascade(GuessitParser()).parse


def rules() -> Callable[[str], ParsedTitle]:
    """The fast rules alone; asked only for names they answer."""
    return lambda name: quick(name) or ParsedTitle(title="")


def bare_guessit() -> Callable[[str], ParsedTitle]:
    """Make guessit with its own defaults; only its words are translated."""
    return GuessitParser(properties=()).parse


def _is_exact(parsed: ParsedTitle, case: NamedCase) -> bool:
    """Compare; guessit knows no absolute episodes, so an episode it finds counts for either."""
    if parsed.stage == GuessitParser.stage and parsed.episodes and case.expected.get("absolute_episodes"):
        parsed = replace(parsed, episodes=(), absolute_episodes=parsed.episodes)
    return not mistakes(parsed, case.expected)
