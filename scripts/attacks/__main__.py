"""`python -m scripts.attacks [list | NAME …]`, from the root of the repository."""

from scripts.attacks.cli import main

main()
