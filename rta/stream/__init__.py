"""Streams over topics, as plain code: definitions, and the engine that makes events of samples."""
