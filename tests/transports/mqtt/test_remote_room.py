"""What waits for a session is bounded over all nodes; one that takes all the room takes it from itself."""

from __future__ import annotations

from remote_scene import BASE, MS, NODE, Scene

LONG = "x" * 50_000


def test_a_node_that_is_never_there_does_not_push_out_what_waits_of_others():
    scene = Scene()
    for i in range(100):
        scene.sessions.entries("dk/ghost", "car.engine", "live", [(BASE + i * MS, {"mode": LONG})], scene.now)
    scene.sessions.entries(NODE, "car.engine", "live", [(BASE, {"rpm": 800, "mode": LONG})], scene.now)
    for i in range(100, 200):
        scene.sessions.entries("dk/ghost", "car.engine", "live", [(BASE + i * MS, {"mode": LONG})], scene.now)
    scene.sessions.presence(NODE, "online", scene.now)
    scene.after(1)
    samples = scene.told.samples[next(i for i in scene.told.sessions if i.startswith(NODE))]
    assert [value for _, value in samples["rpm:car.engine.live"]] == [800]
    assert scene.sessions.size <= 4 << 20
    assert scene.report.counts["rta_remote_left_out_total"] > 100
