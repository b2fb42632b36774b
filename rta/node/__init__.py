"""A node: its statuses and streams as they are configured, started, listed and changed; its topics and payloads.

Plain code around the engine in `rta.stream`.
"""
