"""`python -m backroom` is `backroom`."""

from backroom.cli.main import main

if __name__ == "__main__":
    main()
