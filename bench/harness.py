"""The benchmark harness: subject against pair, in alternating rounds of one run, per CPU-second of the process under test.

A benchmark module `bench/NAME.py` offers one function, `run(options) -> Report`, and builds its report from cases:

    def run(options: Options) -> Report:
        return compare("dht", options, [
            Case("responder", "queries", drives=GENERATOR, generator=partial(ask, options.seconds),
                 subject=Contender("swarmdex", serve_ours), pairs=[Contender("libtorrent", serve_libtorrent)], target=0.8),
            Case("crawler", "responses", drives=SUBJECT, generator=answer,
                 subject=Contender("swarmdex", partial(crawl_ours, options.seconds)), pairs=[...]),
            Case("names", "names", drives=SUBJECT, subject=Contender("cascade", parse_names), pairs=[Contender("guessit", parse_guessit)]),
        ])

Each contender of each round gets fresh processes: itself on one core, the generator on another. One of the two *serves*, the other
*drives*. Both are module-level functions (or `functools.partial`s of them), because the processes are spawned:

    def serve_ours(offer: Offer) -> None:                 # set up, then say where; serve until terminated (SIGTERM)
        ...; offer(("127.0.0.1", port)); trio.sleep_forever() ...

    def ask(seconds: float, offered: Any, watch: Watch) -> int:   # `offered` is what the server offered; None when nobody serves
        ...                                               # set up: not measured
        watch.start()                                     # blocks for a moment, then the measured part begins
        ...                                               # the work
        watch.stop()                                      # optional: ends the measured part before tear-down
        return answers                                    # units done; or Outcome(answers, {"p99_ms": 1.2}) for more figures

From outside, the harness reads the CPU time of the process under test (all threads) between start and stop. Per case the report has
`metrics["CASE.CONTENDER.per_cpu_s"]`, `.per_wall_s`, `.generator_share` and `.EXTRA` (medians), and `ratios["CASE/PAIR"]`: the
subject's rate over the pair's, median of the rounds. A report is not valid when a generator took more than 0.8 of its core: then
the generator was measured, not the subject. A benchmark that fits no case builds its own `Report`.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from bench.process import RoundFailed, WorkerProcess, cores
from bench.report import Report, Row

__all__ = [
    "GENERATOR",
    "SUBJECT",
    "Case",
    "Contender",
    "Drive",
    "Offer",
    "Options",
    "Outcome",
    "Report",
    "RoundFailed",
    "Row",
    "Serve",
    "Watch",
    "compare",
    "served",
]

MAX_GENERATOR_SHARE = 0.8


@dataclass(frozen=True, slots=True)
class Options:
    """How long and how thoroughly to measure."""

    long: bool = False
    seed: int = 1
    data: Path | None = None
    """Where a benchmark that needs much data keeps it for its next run; None: nowhere."""

    @property
    def rounds(self) -> int:
        """Rounds per contender; the medians are taken over these."""
        return 5 if self.long else 3

    @property
    def seconds(self) -> float:
        """A measured part should last about this long."""
        return 4.0 if self.long else 1.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a driver did: units, and further figures by name (`latency_p99_ms`); the report shows their medians."""

    units: float
    extras: dict[str, float] = field(default_factory=dict)


class Watch:
    """The driver's side of the measurement."""

    def __init__(self, pipe: "Connection[Any, Any]") -> None:
        self._pipe = pipe
        self.is_stopped = False

    def start(self) -> None:
        """Set-up is over: returns when the clocks have been read."""
        self._say("start")

    def stop(self) -> None:
        """The work is over; what follows is tear-down. Without it, the return of the driver ends the measured part."""
        if not self.is_stopped:
            self.is_stopped = True
            self._say("stop")

    def _say(self, word: str) -> None:
        self._pipe.send((word, None))
        self._pipe.recv()


Offer = Callable[[object], None]
Serve = Callable[[Offer], None]
Drive = Callable[[Any, Watch], "float | Outcome"]


class Driver(Enum):
    """Who drives the round; the other one serves."""

    SUBJECT = "subject"
    GENERATOR = "generator"


SUBJECT = Driver.SUBJECT
GENERATOR = Driver.GENERATOR


@dataclass(frozen=True, slots=True)
class Contender:
    """One implementation; `work` is a Serve or a Drive, by the case's `drives`."""

    name: str
    work: Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Case:
    """One thing to measure: our subject, what it is paired with, and who makes the load."""

    name: str
    unit: str
    drives: Driver
    subject: Contender
    pairs: Sequence[Contender] = ()
    generator: Callable[..., Any] | None = None  # None: the contender works by itself (drives=SUBJECT)
    target: float | None = None  # the ratio we aim at against the first pair; shown, not enforced
    timeout_s: float = 120.0  # for each message of a process; a round that hangs fails

    @property
    def contenders(self) -> tuple[Contender, ...]:
        """The subject and its pairs."""
        return (self.subject, *self.pairs)


@dataclass(frozen=True, slots=True)
class _Sample:
    units: float
    cpu_s: float
    wall_s: float
    generator_cpu_s: float
    extras: dict[str, float]

    @property
    def per_cpu_s(self) -> float:
        return self.units / max(self.cpu_s, 1e-9)


@contextmanager
def served(work: Serve, timeout_s: float = 120.0) -> Iterator[Any]:
    """What a server offers, for a look at it outside of every measurement; it ends with the block."""
    with WorkerProcess(partial(_serve, work), None, timeout_s) as process:
        yield process.receive("offer")[1]


def compare(name: str, options: Options, cases: Sequence[Case], *, notes: Sequence[str] = ()) -> Report:
    """Run every case and put the report together. Raises RoundFailed when a process of a round fails."""
    report = Report(name, notes=tuple(notes))
    for case in cases:
        report = _add(report, case, _rounds(case, options.rounds))
    return report


def _rounds(case: Case, rounds: int) -> dict[str, list[_Sample]]:
    samples: dict[str, list[_Sample]] = {contender.name: [] for contender in case.contenders}
    for number in range(rounds):
        order = case.contenders if number % 2 == 0 else case.contenders[::-1]  # neither always gets the warmer machine
        for contender in order:
            try:
                samples[contender.name].append(_measure(case, contender))
            except RoundFailed as exc:
                raise RoundFailed(f"{case.name}, {contender.name}, round {number + 1}: {exc}") from exc
    return samples


def _measure(case: Case, contender: Contender) -> _Sample:
    subject_core, generator_core = cores()
    with ExitStack() as stack:

        def start(work: Callable[..., None], core: int | None) -> WorkerProcess:
            return stack.enter_context(WorkerProcess(work, core, case.timeout_s))

        if case.drives is GENERATOR:
            assert case.generator is not None, "a case driven by its generator needs one"
            subject = start(partial(_serve, contender.work), subject_core)
            offered = subject.receive("offer")[1]
            driver = generator = start(partial(_drive, case.generator, offered), generator_core)
        else:
            generator, offered = None, None
            if case.generator is not None:
                generator = start(partial(_serve, case.generator), generator_core)
                offered = generator.receive("offer")[1]
            driver = subject = start(partial(_drive, contender.work, offered), subject_core)
        return _watch(driver, subject, generator)


def _watch(driver: WorkerProcess, subject: WorkerProcess, generator: WorkerProcess | None) -> _Sample:
    def clocks() -> tuple[float, float, float]:
        return perf_counter(), subject.cpu_seconds(), generator.cpu_seconds() if generator else 0.0

    driver.receive("start")
    before = clocks()
    driver.send("go")
    driver.receive("stop")
    after = clocks()
    driver.send("go")
    outcome: Outcome = driver.receive("done")[1]
    wall_s, cpu_s, generator_cpu_s = (late - early for late, early in zip(after, before, strict=True))
    return _Sample(outcome.units, cpu_s, wall_s, generator_cpu_s, outcome.extras)


def _serve(work: Serve, pipe: "Connection[Any, Any]") -> None:
    work(lambda value: pipe.send(("offer", value)))


def _drive(work: Drive, offered: object, pipe: "Connection[Any, Any]") -> None:
    watch = Watch(pipe)
    outcome = work(offered, watch)
    watch.stop()
    pipe.send(("done", outcome if isinstance(outcome, Outcome) else Outcome(float(outcome))))


def _add(report: Report, case: Case, samples: dict[str, list[_Sample]]) -> Report:
    rows, metrics, ratios, notes = list(report.rows), dict(report.metrics), dict(report.ratios), list(report.notes)
    is_valid = report.valid
    ours = samples[case.subject.name]
    for position, contender in enumerate(case.contenders):
        row = _row(case, contender, samples[contender.name], ours, position)
        rows.append(row)
        prefix = f"{case.name}.{contender.name}"
        metrics |= {f"{prefix}.per_cpu_s": row.per_cpu_s, f"{prefix}.per_wall_s": row.per_wall_s}
        if case.generator is not None:
            metrics[f"{prefix}.generator_share"] = row.generator_share
        for extra in samples[contender.name][0].extras:
            metrics[f"{prefix}.{extra}"] = median(sample.extras[extra] for sample in samples[contender.name])
        if row.ratio is not None:
            ratios[f"{case.name}/{contender.name}"] = row.ratio
        if row.generator_share > MAX_GENERATOR_SHARE or row.per_cpu_s <= 0:
            is_valid = False
            notes.append(f"{prefix}: generator at {row.generator_share:.2f} of its core, {row.per_cpu_s:,.0f} {case.unit} per CPU-s")
    return replace(report, rows=tuple(rows), metrics=metrics, ratios=ratios, valid=is_valid, notes=tuple(notes))


def _row(case: Case, contender: Contender, samples: Sequence[_Sample], ours: Sequence[_Sample], position: int) -> Row:
    rates = [sample.per_cpu_s for sample in samples]
    middle = median(rates)
    ratio = median(mine.per_cpu_s / max(theirs.per_cpu_s, 1e-9) for mine, theirs in zip(ours, samples, strict=True)) if position else None
    return Row(
        case=case.name,
        contender=contender.name,
        unit=case.unit,
        per_cpu_s=middle,
        spread=(max(rates) - min(rates)) / max(middle, 1e-9),
        per_wall_s=median(sample.units / max(sample.wall_s, 1e-9) for sample in samples),
        generator_share=median(sample.generator_cpu_s / max(sample.wall_s, 1e-9) for sample in samples),
        ratio=ratio,
        target=case.target if position == 1 else None,
    )
