from hypothesis import given
from hypothesis import strategies as st

from catalog.model import File
from web.filetree import MAX_DEPTH, Folder, file_tree


def depth_of(folder: Folder) -> int:
    return 1 + max(map(depth_of, folder.folders), default=0)


def files_of(folder: Folder) -> list[File]:
    return [*folder.files, *(file for inner in folder.folders for file in files_of(inner))]


def test_files_stand_in_their_folders_with_sums():
    root = file_tree([File("Sintel/video/a.mkv", 100), File("Sintel/a.srt", 5), File("readme", 1)])
    assert (root.count, root.size, root.files) == (3, 106, [File("readme", 1)])
    (sintel,) = root.folders
    assert (sintel.name, sintel.count, sintel.size) == ("Sintel", 2, 105)
    assert sintel.folders[0].files == [File("a.mkv", 100)]


def test_a_path_of_a_thousand_folders_nests_only_so_far_and_keeps_its_name():
    root = file_tree([File("/".join(["d"] * 1000 + ["deep.txt"]), 7)])
    assert depth_of(root) == MAX_DEPTH + 1
    (file,) = files_of(root)
    assert file.path.endswith("d/d/deep.txt")


@given(st.lists(st.builds(File, st.text(alphabet="ab/", max_size=30), st.integers(0, 1000)), max_size=30))
def test_no_file_is_lost_whatever_its_path(files):
    root = file_tree(files)
    assert root.count == len(files) == len(files_of(root))
    assert root.size == sum(file.size for file in files)
