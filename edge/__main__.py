"""`python -m edge` is `stylecam`."""

from edge.cli import main

if __name__ == "__main__":
    main()
