from protocol.torznab.categories import TOP_LEVEL, Category, is_within, known_categories, parent_id


def test_16_top_level_names_are_exactly_the_standard_ones():
    assert [(int(top), top.full_name) for top in TOP_LEVEL] == [
        (1000, "Console"),
        (2000, "Movies"),
        (3000, "Audio"),
        (4000, "PC"),
        (5000, "TV"),
        (6000, "XXX"),
        (7000, "Books"),
        (8000, "Other"),
    ]


def test_16_subcategories_carry_the_name_of_their_parent():
    assert Category.TV_HD.full_name == "TV/HD"
    assert Category.AUDIO_AUDIOBOOK.full_name == "Audio/Audiobook"
    for category in Category:
        assert category.full_name.startswith(category.parent.label)


def test_every_subcategory_stands_below_the_parent_its_id_says():
    below = [sub for top in TOP_LEVEL for sub in top.subcategories]
    assert sorted(below) == sorted(category for category in Category if not category.is_top_level)
    assert all(parent_id(sub) == sub.parent for sub in below)
    assert Category.TV_HD.subcategories == ()


def test_49_unknown_ids_are_ignored_and_known_ones_keep_their_order():
    assert known_categories([999999, 5040, 2000, 5040, 0]) == (Category.TV_HD, Category.MOVIES)
    assert known_categories([999999]) == ()


def test_48_asking_for_a_parent_matches_its_subcategories_but_not_the_other_way_round():
    assert is_within(5040, [5000])
    assert is_within(5040, [2000, 5040])
    assert not is_within(5000, [5040])
    assert not is_within(2040, [5040])
