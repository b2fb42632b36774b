"""Remote nodes over HTTP. Source: docs/remote.md, "Over HTTP"."""

from __future__ import annotations

import pytest
from attrs import evolve

from rta.ports import FollowedNode, FollowedStream, OpenGap
from rta.rest.nodes import node_documents

from .asgi import ask
from .recorded import SECOND, RecordedSite

NODES = "/rta/v2/nodes"
GAP = OpenGap(90, 93, SECOND, 2 * SECOND, 2)
LIVE = FollowedStream("car.engine", "live", "running", 2 * SECOND, 95, 3 * SECOND, 92, (GAP,), 1, 2, 7, False)
NODE = FollowedNode("dk/tlc-1", "online", SECOND, True, "dk/tlc-1 1970-01-01T00:00:01.000Z", True, (LIVE,))
SILENT = FollowedNode("dk/tlc-2", "unknown", None, False, None, False, ())


@pytest.fixture
def site():
    return RecordedSite().app(nodes=lambda: [("plant", NODE), ("plant", SILENT), ("town", SILENT)])


async def test_nodes_are_listed_with_streams_and_gaps(site):
    answer = await ask(site, NODES)
    assert answer.status == 200
    assert answer.json["nodes"][0] == {
        "id": "dk/tlc-1",
        "source": "plant",
        "presence": "online",
        "since": "1970-01-01T00:00:01.000Z",
        "retained": True,
        "session": "dk/tlc-1 1970-01-01T00:00:01.000Z",
        "heals": True,
        "streams": [
            {
                "code": "car.engine",
                "name": "live",
                "state": "running",
                "ts": "1970-01-01T00:00:02.000Z",
                "seq": 95,
                "received": "1970-01-01T00:00:03.000Z",
                "entries": 92,
                "gaps": [
                    {
                        "after_seq": 90,
                        "before_seq": 93,
                        "since": "1970-01-01T00:00:01.000Z",
                        "until": "1970-01-01T00:00:02.000Z",
                        "missing": 2,
                    }
                ],
                "healed": 1,
                "given_up": 2,
                "lost": 7,
                "replaying": False,
            }
        ],
    }
    assert answer.json["nodes"][1] == {
        "id": "dk/tlc-2",
        "source": "plant",
        "presence": "unknown",
        "since": None,
        "retained": False,
        "session": None,
        "heals": False,
        "streams": [],
    }


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?node=dk/tlc-2", [("dk/tlc-2", "plant"), ("dk/tlc-2", "town")]),
        ("?node=dk%2Ftlc-2&source=town", [("dk/tlc-2", "town")]),
        ("?source=plant", [("dk/tlc-1", "plant"), ("dk/tlc-2", "plant")]),
        ("?node=", []),
    ],
)
async def test_nodes_are_chosen_by_id_and_source(site, query, found):
    answer = await ask(site, NODES + query)
    assert [(node["id"], node["source"]) for node in answer.json["nodes"]] == found


async def test_an_id_that_is_given_twice_is_refused(site):
    answer = await ask(site, NODES + "?node=a&node=b")
    assert (answer.status, answer.json) == (400, {"reason": "node: expected it once", "field": "node"})


async def test_a_site_whose_sources_follow_nobody_has_an_empty_list():
    assert (await ask(RecordedSite().app(), NODES)).json == {"nodes": []}


def test_streams_over_the_bound_are_left_to_the_node_itself():
    many = evolve(NODE, streams=(LIVE,) * 3)
    documents = node_documents([("plant", many)] * 3, most=6)
    assert [node["streams"] and len(node["streams"]) for node in documents] == [3, 3, None]
    assert [len(node["streams"]) for node in node_documents([("plant", many)], most=1)] == [3]
