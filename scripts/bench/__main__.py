"""`python -m scripts.bench COMMAND …`, from the root of the repository."""

from scripts.bench.cli import main

main()
