"""The wire, byte for byte: checked against the formats' own texts where one bug could hide on both sides."""
