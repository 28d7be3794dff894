"""`shjobs page`: look at a state directory in a browser, without a daemon."""

import os
import signal
import threading
from pathlib import Path
from types import FrameType

import click

from controller.cli.settings import load_settings
from controller.model.errors import UsageError
from controller.settings.settings import Settings

LISTEN = "127.0.0.1:9618"


@click.command("page", short_help="Look at the jobs in a browser.")
@click.option(
    "--listen", default=LISTEN, show_default=True, metavar="HOST:PORT", help="Where to serve it; port 0: any."
)
@click.option(
    "--export", "folder", type=click.Path(file_okay=False, path_type=Path),
    help="Write it as files into this folder instead; index.html opens without a server.",
)  # fmt: skip
@click.pass_obj
def command(config: Path | None, listen: str, folder: Path | None) -> int:
    """Serve the page of the state directory until Ctrl-C, as `shjobs run` does, and make pictures of results."""
    settings = load_settings(config, os.environ)
    if folder is not None:
        from controller.page.export import export_pages
        from controller.page.pictures.worker import make_pictures

        make_pictures(settings)
        click.echo(f"written: {export_pages(settings, folder)}")
        return 0
    serve(settings, listen)
    return 0


def serve(settings: Settings, listen: str) -> None:
    """Serve the page until a signal ends it, and print its address.

    Raises `UsageError` when it would be open to other machines without the settings saying so.
    """
    from controller.daemon.http import Pages, Web, has_private_page, page_token
    from controller.model.hosts import names_in
    from controller.page.links import ServedLinks
    from controller.page.pictures.worker import making_pictures
    from controller.page.site import Site

    token = page_token(settings)
    if not (settings.page or has_private_page(settings, listen)):
        raise UsageError(
            f"listen: other machines can reach {listen}: set `pageTokenFile`, or `page = true` to serve everyone"
        )
    site = Site(settings, ServedLinks(settings.base_path))
    pages = Pages(respond=site.respond, base=settings.base_path, token=token)
    ended = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        ended.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    with making_pictures(lambda: settings), Web(listen, {}, names_in(settings.listen_hosts), pages) as web:
        click.echo(f"page at {web.url}{settings.base_path}/ until Ctrl-C")
        ended.wait()
