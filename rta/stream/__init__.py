"""Streams over topics, as plain code: definitions, the engine that makes events of samples, payloads, topics."""
