"""The command line: every answer of a shop, as a table for people or `--json` for programs.

Exit codes: 0 done, 2 a mistake the user can mend, 1 a mistake of ours, 130 interrupted.
"""

import errno
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

import click

from wares.cli import adding, asking, building, categories, clusters, matching, reviews, serving, shoppers, tuning
from wares.cli.common import cli, err
from wares.errors import WaresError
from wares.later import quick_start

__all__ = ["adding", "asking", "building", "categories", "cli", "clusters", "main", "matching", "reviews", "serving"]
__all__ += ["shoppers", "tuning"]


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    quick_start()
    args = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in args
    # --debug is understood wherever it stands: people add it to the end of the command that failed.
    args = [*(["--debug"] if debug else []), *(each for each in args if each != "--debug")]
    sys.exit(_run(args, debug))


def _leave(signum: int, frame: Any) -> None:
    """Ctrl-C while nothing is being written, above all while libraries load, which do not all bear an exception."""
    sys.stderr.write("interrupted: nothing was changed\n")
    sys.stderr.flush()
    os._exit(130)


def _run(args: list[str], debug: bool) -> int:
    signal.signal(signal.SIGINT, _leave)
    try:
        cli.main(args, prog_name="wares", standalone_mode=False)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        error.show()
        return 2
    except (click.Abort, KeyboardInterrupt):
        err.print("interrupted: nothing was changed, the last good build still serves")
        return 130
    except WaresError as error:
        if debug:
            raise
        err.print(f"error: {error}", markup=False)
        return 2
    except BrokenPipeError:
        # The reader (head, less) has gone; that is its right.
        sys.stderr.close()
        return 0
    except OSError as error:
        if debug or error.errno not in _THEIRS:
            return _ours(error, debug)
        place = f" {error.filename}" if error.filename else ""
        err.print(f"error: cannot use{place}: {error.strerror}; {_THEIRS[error.errno]}", markup=False)
        return 2
    except MemoryError:
        if debug:
            raise
        err.print(f"error: out of memory; {_THEIRS[errno.ENOMEM]}. The last good build still serves", markup=False)
        return 2
    except Exception as error:
        return _ours(error, debug)
    return 0


_THEIRS = {
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), "name a place that you may read and write"),
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), "free some space, or name another place"),
    errno.ENOMEM: "give it more memory, or a higher limit (ulimit -v)",
    **dict.fromkeys((errno.ENOTDIR, errno.EISDIR), "name a folder where a folder is meant"),
}
"""What a user can do about what the system refuses."""


def _ours(error: Exception, debug: bool) -> int:
    if debug:
        raise error
    err.print(f"internal error: {type(error).__name__}: {error}", markup=False)
    err.print("this is a mistake of ours; run the command again with --debug and report what it prints")
    return 1
