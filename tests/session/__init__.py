"""The session core: plain code, so every interleaving can be played by hand, without waiting."""
