"""``python -m streamrnn_cli``: the same as the console script."""

from .main import main

if __name__ == "__main__":
    main()
