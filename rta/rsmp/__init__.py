"""RSMP 4 as bytes and texts: payloads, topics, names and component lists. No I/O, no clock."""
