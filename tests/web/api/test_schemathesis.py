"""Schemathesis, which nobody here wrote, asks for whatever /openapi.json allows and forbids, and holds the answers to it.

It lives beside FlexGet in an environment of its own (tests/web/clients.txt), and talks to a real port over a database that may be ruined.
"""

import re

import pytest

from catalog.messages import MetadataWanted
from supervisor.mailbox import Mailbox
from tests.fakes.flexget import CLIENTS, run_client
from tests.fakes.library import EPISODE, SINTEL, with_swarm

IS_INSTALLED = (CLIENTS / "schemathesis").exists()
EXAMPLES = 3
"""Requests made up for each operation, besides those at the limits of each parameter."""


CONFIG = """
# Ingest tells of each item by itself: what the schema cannot say (a date in the future, hashes that contradict each other, a key that was
# used for another request) is 400 or 422, and one bad item of many is no error of the request.
[[operations]]
include-path-regex = "^/api/ingest"
checks.positive_data_acceptance.expected-statuses = ["2xx", "400", "401", "403", "409", "422", "429"]
checks.negative_data_rejection.expected-statuses = ["2xx", "4xx"]

# A search is saved with the fields of the search page as people type them ("700 MB"), so what is wrong in them only its reader knows.
[[operations]]
include-operation-id = "post_api_v1_searches"
checks.positive_data_acceptance.expected-statuses = ["2xx", "400", "401", "403", "429"]
"""


async def drain(wanted: Mailbox[MetadataWanted]) -> None:
    inbox = wanted.open_inbox()
    async for order in inbox:
        inbox.done(order)


@pytest.mark.skipif(not IS_INSTALLED, reason="Schemathesis is not installed: `make test` does it")
async def test_schemathesis_finds_no_fault_with_the_api(api, nursery, tmp_path):
    (tmp_path / "schemathesis.toml").write_text(CONFIG)
    nursery.start_soon(drain, api.wanted)  # in place of the fetchers: a full mailbox is a 503
    await api.torrents.store([with_swarm(SINTEL, 12, 3), EPISODE])
    printed = await run_client(
        CLIENTS / "schemathesis", "run", f"{api.site.url}/openapi.json",
        "--header", "X-Api-Key: the-token-of-this-run",
        "--phases", "examples,coverage,fuzzing,stateful",
        "--max-examples", EXAMPLES,
        "--checks", "all",
        "--workers", 2,
        "--seed", 20261123,
        "--generation-database", ":memory:",
        "--no-color",
        "--warnings", "off",
        cwd=tmp_path,
        patience_s=240,  # 20 s of a processor; more on one that others use
    )  # fmt: skip
    api.wanted.close()
    # Says so with the number of requests, at last: "1962 generated, 1962 passed".
    assert re.search(r"\b(\d{3,}) generated, \1 passed", printed), printed
