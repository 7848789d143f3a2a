"""A torrent's files as folders in folders, for the detail page."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from catalog.model import File

MAX_DEPTH = 6
"""Deeper folders stay one joined name: paths are chosen by strangers, and a page nests only so far."""


@dataclass(slots=True)
class Folder:
    """A folder with everything below it."""

    name: str
    folders: list["Folder"] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    """With their names in place of their paths."""
    size: int = 0
    """Bytes of all files below."""
    count: int = 0
    """Files below, at any depth."""


def file_tree(files: Iterable[File]) -> Folder:
    """The root folder, its name empty; the order of the files is kept."""
    root = Folder("")
    known: dict[tuple[str, ...], Folder] = {(): root}
    for file in files:
        *parents, name = file.path.split("/")
        if len(parents) > MAX_DEPTH:
            parents, name = parents[:MAX_DEPTH], "/".join([*parents[MAX_DEPTH:], name])
        folder = root
        _add(folder, file)
        for depth in range(len(parents)):
            path = tuple(parents[: depth + 1])
            if path not in known:
                known[path] = Folder(path[-1])
                folder.folders.append(known[path])
            folder = known[path]
            _add(folder, file)
        folder.files.append(File(name, file.size))
    return root


def _add(folder: Folder, file: File) -> None:
    folder.size += file.size
    folder.count += 1
