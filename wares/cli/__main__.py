"""`python -m wares.cli`."""

from wares.cli import main

main()
