"""Peers: small programs that bring bursts from Redis to WebSocket clients, each as its libraries suggest.

    python -m scripts.bench.peers.NAME PORT REDIS_PORT [--coalesce]

Each prints READY when it listens. All read one stream, 100 entries at a time, and none sends on while a client has more
than 256 KiB unsent.
"""
