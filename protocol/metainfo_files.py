"""The files an info dict lists, as raw bytes and checked sizes: the flat list of v1 (BEP 3, padding of BEP 47), the tree of v2 (BEP 52)."""

from collections.abc import Iterator
from typing import NamedTuple

from protocol.bencode import Value
from protocol.errors import MalformedMetainfo

MAX_SIZE = 2**50
"""Bytes, of one file and of all together: a pebibyte is beyond every torrent that exists, and far below what the store can count."""

MAX_NAME_BYTES = 2048
MAX_PATH_BYTES = 4096
"""All parts together; no system can create a longer one (PATH_MAX)."""

MAX_TREE_DEPTH = 64
"""Folders in one another, the file included."""

_BITCOMET_PADDING = b"_____padding_file_"  # BitComet marked padding by name, years before BEP 47 gave it an attribute


class RawFile(NamedTuple):
    """One listed file; padding included, because it counts for the piece arithmetic."""

    path: tuple[bytes, ...]
    """Below the torrent's name; for a single file the name itself."""
    length: int
    is_padding: bool
    shown_path: tuple[bytes, ...]
    """`path.utf-8` where there is one, else the same as `path`."""
    pieces_root: bytes = b""
    """v2: Merkle root over the file's blocks; empty for v1 and for empty files."""


def files_v1(info: dict[bytes, Value], name: bytes, shown_name: bytes) -> list[RawFile]:
    """The `files` list, or the one file that `length` describes.

    Raises:
        MalformedMetainfo: neither is there, or an entry breaks BEP 3.
    """
    entries = info.get(b"files")
    if entries is None:
        return [RawFile((name,), _length(info), False, (shown_name,))]
    if not isinstance(entries, list) or not entries:
        raise MalformedMetainfo("bad_files")
    return [_file_v1(entry) for entry in entries]


def files_v2(tree: Value) -> list[RawFile]:
    """The leaves of the `file tree`, depth first in the order of their raw names, which is also the order of a hybrid's v1 list.

    Raises:
        MalformedMetainfo: the tree breaks BEP 52.
    """
    files: list[RawFile] = []
    levels: list[tuple[tuple[bytes, ...], Iterator[tuple[bytes, Value]]]] = [((), _children(tree))]
    while levels:
        folder, children = levels[-1]
        for name, child in children:
            path = (*folder, name)
            if not isinstance(child, dict):
                raise MalformedMetainfo("bad_file_tree")
            if b"" in child:
                files.append(_file_v2(path, child))
            else:
                if len(levels) >= MAX_TREE_DEPTH:
                    raise MalformedMetainfo("file_tree_too_deep")
                levels.append((path, _children(child)))
                break
        else:
            levels.pop()
    if not files:
        raise MalformedMetainfo("bad_file_tree")
    return files


def _children(tree: Value) -> Iterator[tuple[bytes, Value]]:
    if not isinstance(tree, dict) or b"" in tree:
        raise MalformedMetainfo("bad_file_tree")
    return iter(tree.items())


def _file_v1(entry: Value) -> RawFile:
    if not isinstance(entry, dict):
        raise MalformedMetainfo("bad_files")
    path = _path(entry.get(b"path"))
    path_utf8 = entry.get(b"path.utf-8")
    shown = _path(path_utf8) if isinstance(path_utf8, list) else path  # libtorrent too passes over one that is no list
    return RawFile(path, _length(entry), _is_padding(entry, path), shown)


def _file_v2(path: tuple[bytes, ...], node: dict[bytes, Value]) -> RawFile:
    leaf = node[b""]
    if len(node) != 1 or not isinstance(leaf, dict):
        raise MalformedMetainfo("bad_file_tree")
    length = _length(leaf)
    root = leaf.get(b"pieces root", b"")
    if not isinstance(root, bytes) or (length > 0 and len(root) != 32):
        raise MalformedMetainfo("bad_pieces_root")
    if sum(map(len, path)) > MAX_PATH_BYTES:
        raise MalformedMetainfo("path_too_long")
    return RawFile(path, length, _is_padding(leaf, path), path, root if length else b"")


def _path(value: "Value | None") -> tuple[bytes, ...]:
    if not isinstance(value, list) or not value:
        raise MalformedMetainfo("bad_path")
    if len(value) > MAX_TREE_DEPTH:  # empty parts cost two bytes each: five million of them would fit
        raise MalformedMetainfo("path_too_deep")
    parts: list[bytes] = []
    length = 0
    for part in value:
        if not isinstance(part, bytes):
            raise MalformedMetainfo("bad_path")
        parts.append(part)
        length += len(part)
    if length > MAX_PATH_BYTES:
        raise MalformedMetainfo("path_too_long")
    return tuple(parts)


def _length(entry: dict[bytes, Value]) -> int:
    length = entry.get(b"length")
    if isinstance(length, int) and 0 <= length <= MAX_SIZE:
        return length
    if length is None and _has_attribute(entry, b"l"):
        return 0  # BEP 47: a symbolic link has no data of its own
    raise MalformedMetainfo("bad_length")


def _is_padding(entry: dict[bytes, Value], path: tuple[bytes, ...]) -> bool:
    return _has_attribute(entry, b"p") or path[-1].startswith(_BITCOMET_PADDING)


def _has_attribute(entry: dict[bytes, Value], letter: bytes) -> bool:
    """BEP 47: `attr` is a string of one-letter properties."""
    attributes = entry.get(b"attr")
    return isinstance(attributes, bytes) and letter in attributes
