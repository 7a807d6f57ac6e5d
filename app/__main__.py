"""python -m app: the command line."""


def main() -> None:
    from app.cli.serve import serve
    from app.config import Settings

    serve(Settings())


if __name__ == "__main__":
    main()
