"""`python -m rta`."""

from rta.cli import main

if __name__ == "__main__":
    main()
