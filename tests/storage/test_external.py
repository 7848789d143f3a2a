import psycopg
import pytest
import trio
from psycopg.conninfo import make_conninfo

from storage.errors import ExternalServerError
from storage.external import ExternalServer, check_external, unfit
from supervisor.heartbeat import Heart

GOOD = {"version": 16, "encoding": "UTF8", "user": "alice", "database": "index", "is_replica": False, "may_create": True}


def test_a_fitting_server_is_accepted(empty_conninfo: str) -> None:
    check_external(empty_conninfo)


@pytest.mark.parametrize(
    ("fact", "cure"),
    [
        ({"version": 14}, "15 or newer"),
        ({"encoding": "LATIN1"}, "ENCODING 'UTF8'"),
        ({"is_replica": True}, "primary"),
        ({"may_create": False}, "GRANT CREATE"),
    ],
)
def test_an_unfit_server_is_refused_with_the_cure(fact: dict[str, object], cure: str) -> None:
    assert unfit(**GOOD) is None  # type: ignore[arg-type]
    complaint = unfit(**GOOD | fact)  # type: ignore[arg-type]
    assert complaint is not None
    assert cure in complaint


def test_another_encoding_is_refused(postgres: str) -> None:
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' LOCALE_PROVIDER libc TEMPLATE template0")
    with pytest.raises(ExternalServerError, match="LATIN1"):
        check_external(make_conninfo(postgres, dbname="latin"))


def test_a_url_that_is_none_is_refused_without_its_password() -> None:
    with pytest.raises(ExternalServerError, match="postgresql://") as caught:
        check_external("postgres:/index:secret@db")
    assert "secret" not in str(caught.value)


async def test_a_server_that_cannot_be_reached_is_waited_for_then_refused() -> None:
    server = ExternalServer("host=/nonexistent dbname=index", patience_s=0.5)
    with pytest.raises(ExternalServerError, match="cannot reach"), trio.fail_after(10):
        await server.run(Heart())


async def test_run_prepares_reports_ready_and_ends_when_asked(empty_conninfo: str, nursery: trio.Nursery) -> None:
    prepared: list[str] = []
    server = ExternalServer(empty_conninfo, prepare=prepared.append)
    heart = Heart(on_ready=server.stop)
    with trio.fail_after(10):
        await server.run(heart)
    assert prepared == [empty_conninfo]
    assert heart.is_ready
