"""How a file is laid out: encoding, delimiter, which of its lines are what, how numbers are written."""
