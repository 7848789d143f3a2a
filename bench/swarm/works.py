"""The works the simulated torrents are named after: freely licensed or in the public domain, nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Works that releases are made of."""

    films: Sequence[tuple[str, int]]
    series: Sequence[tuple[str, int, int]]
    """Title, season, episodes of it."""
    numbered: Sequence[tuple[str, str, int]]
    """Animation numbered through: group, title, episodes."""
    books: Sequence[tuple[str, str, int]]
    """Author, title, year."""
    albums: Sequence[tuple[str, str, int, tuple[str, ...]]]
    """Artist, title, year, tracks."""
    dailies: Sequence[str] = ()
    """Shows whose episodes are named after their day."""


FILMS: tuple[tuple[str, int], ...] = (
    # Blender's open films and other Creative Commons works
    ("Elephants Dream", 2006),
    ("Big Buck Bunny", 2008),
    ("Sintel", 2010),
    ("Tears of Steel", 2012),
    ("Cosmos Laundromat", 2015),
    ("Glass Half", 2015),
    ("Agent 327 Operation Barbershop", 2017),
    ("Hero", 2018),
    ("Spring", 2019),
    ("Coffee Run", 2020),
    ("Sprite Fright", 2021),
    ("Charge", 2022),
    ("Wing It", 2023),
    ("Sita Sings the Blues", 2008),
    ("Valkaama", 2010),
    ("Nasty Old People", 2009),
    # The public domain of the United States
    ("A Trip to the Moon", 1902),
    ("The Great Train Robbery", 1903),
    ("Intolerance", 1916),
    ("The Cabinet of Dr. Caligari", 1920),
    ("The Kid", 1921),
    ("Häxan", 1922),
    ("Nosferatu", 1922),
    ("Safety Last!", 1923),
    ("Sherlock Jr.", 1924),
    ("The Thief of Bagdad", 1924),
    ("Battleship Potemkin", 1925),
    ("The Gold Rush", 1925),
    ("The Lost World", 1925),
    ("The Phantom of the Opera", 1925),
    ("Faust", 1926),
    ("The General", 1926),
    ("Metropolis", 1927),
    ("Sunrise", 1927),
    ("Wings", 1927),
    ("My Man Godfrey", 1936),
    ("Nothing Sacred", 1937),
    ("Gulliver's Travels", 1939),
    ("His Girl Friday", 1940),
    ("Meet John Doe", 1941),
    ("Penny Serenade", 1941),
    ("Detour", 1945),
    ("Scarlet Street", 1945),
    ("The Stranger", 1946),
    ("D.O.A.", 1949),
    ("Royal Wedding", 1951),
    ("Suddenly", 1954),
    ("House on Haunted Hill", 1959),
    ("The Killer Shrews", 1959),
    ("The Little Shop of Horrors", 1960),
    ("Carnival of Souls", 1962),
    ("The Brain That Wouldn't Die", 1962),
    ("Charade", 1963),
    ("McLintock!", 1963),
    ("Santa Claus Conquers the Martians", 1964),
    ("The Last Man on Earth", 1964),
    ("Night of the Living Dead", 1968),
)

# Title, season, episodes of it in the public domain.
SERIES: tuple[tuple[str, int, int], ...] = (
    ("The Beverly Hillbillies", 1, 36),
    ("The Beverly Hillbillies", 2, 19),
    ("Petticoat Junction", 1, 20),
    ("Dragnet", 2, 22),
    ("Flash Gordon", 1, 26),
    ("Sherlock Holmes", 1, 39),
    ("One Step Beyond", 1, 22),
    ("The Lone Ranger", 1, 16),
    ("Robin Hood", 1, 24),
    ("Annie Oakley", 1, 25),
    ("Captain Z-Ro", 1, 20),
    ("Pioneer One", 1, 6),
)

# Freely licensed animation that is numbered through: group, title, episodes.
NUMBERED: tuple[tuple[str, str, int], ...] = (("Morevna", "Morevna", 6), ("Caminandes", "Caminandes", 4), ("P&C", "Pepper & Carrot", 39))

BOOKS: tuple[tuple[str, str, int], ...] = (
    ("Mary Shelley", "Frankenstein", 1818),
    ("Jane Austen", "Pride and Prejudice", 1813),
    ("Jane Austen", "Emma", 1815),
    ("Herman Melville", "Moby Dick", 1851),
    ("Charles Dickens", "A Tale of Two Cities", 1859),
    ("Charles Dickens", "Great Expectations", 1861),
    ("Lewis Carroll", "Alice's Adventures in Wonderland", 1865),
    ("Jules Verne", "Twenty Thousand Leagues under the Sea", 1870),
    ("Jules Verne", "Around the World in Eighty Days", 1873),
    ("Leo Tolstoy", "War and Peace", 1869),
    ("Fyodor Dostoyevsky", "Crime and Punishment", 1866),
    ("Robert Louis Stevenson", "Treasure Island", 1883),
    ("Mark Twain", "Adventures of Huckleberry Finn", 1884),
    ("Arthur Conan Doyle", "A Study in Scarlet", 1887),
    ("Arthur Conan Doyle", "The Hound of the Baskervilles", 1902),
    ("Oscar Wilde", "The Picture of Dorian Gray", 1890),
    ("H. G. Wells", "The Time Machine", 1895),
    ("H. G. Wells", "The War of the Worlds", 1898),
    ("Bram Stoker", "Dracula", 1897),
    ("Joseph Conrad", "Heart of Darkness", 1899),
    ("L. Frank Baum", "The Wonderful Wizard of Oz", 1900),
    ("Jack London", "The Call of the Wild", 1903),
    ("Victor Hugo", "Les Misérables", 1862),
    ("Johann Wolfgang von Goethe", "Faust", 1808),
)

ALBUMS: tuple[tuple[str, str, int, tuple[str, ...]], ...] = (
    (
        "Kimiko Ishizaka",
        "Open Goldberg Variations BWV 988",
        2012,
        ("Aria", *(f"Variatio {n} a 1 Clav" for n in range(1, 31)), "Aria da Capo"),
    ),
    (
        "Kimiko Ishizaka",
        "J.S. Bach The Well-Tempered Clavier Book 1",
        2015,
        tuple(f"{what} No. {n}" for n in range(1, 25) for what in ("Prelude", "Fugue")),
    ),
    ("Kimiko Ishizaka", "Chopin Preludes Op. 28", 2017, tuple(f"Prelude No. {n}" for n in range(1, 25))),
    ("Musopen", "Beethoven Symphony No. 3 Eroica", 2012, ("Allegro con brio", "Marcia funebre", "Scherzo", "Finale")),
    ("Musopen", "Brahms Symphony No. 1", 2012, ("Un poco sostenuto", "Andante sostenuto", "Un poco allegretto", "Adagio")),
    ("Musopen", "Mendelssohn Hebrides Overture", 2012, ("The Hebrides",)),
    ("Musopen", "Chopin Complete Nocturnes", 2014, tuple(f"Nocturne No. {n}" for n in range(1, 22))),
)

# Name, versions, file name with {version}; sizes are drawn between the two numbers, in MiB.
IMAGES: tuple[tuple[tuple[str, ...], str, int, int], ...] = (
    (("12.11.0", "12.12.0", "13.0.0", "13.1.0"), "debian-{version}-amd64-netinst.iso", 630, 790),
    (("12.11.0", "12.12.0", "13.0.0", "13.1.0"), "debian-{version}-arm64-netinst.iso", 540, 720),
    (("12.12.0", "13.0.0", "13.1.0"), "debian-{version}-amd64-DVD-1.iso", 3700, 3800),
    (("12.12.0", "13.0.0", "13.1.0"), "debian-live-{version}-amd64-gnome.iso", 2900, 3600),
    (("40-1.14", "41-1.4", "42-1.1"), "Fedora-Workstation-Live-x86_64-{version}.iso", 2000, 2400),
    (("40-1.14", "41-1.4", "42-1.1"), "Fedora-Server-dvd-x86_64-{version}.iso", 2200, 2700),
    (tuple(f"{year}.{month:02}.01" for year in (2024, 2025) for month in range(1, 13)), "archlinux-{version}-x86_64.iso", 1100, 1400),
    (("24.8.7", "25.2.5", "25.8.1"), "LibreOffice_{version}_Linux_x86-64_deb.tar.gz", 190, 220),
)

GAMES: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("0ad", ("0.0.25b-alpha", "0.0.26-alpha", "0.27.0", "0.27.1"), ("-win32.exe", "-osx64.dmg", "-unix-build.tar.xz", "-amd64.AppImage")),
    ("SuperTux", ("v0.6.1", "v0.6.2", "v0.6.3"), ("-win64.msi", "-Darwin.dmg", "-glibc-2.29-gcc-9.3.0-x86_64.AppImage", "-Source.tar.gz")),
    ("SuperTuxKart", ("1.3", "1.4"), ("-win.zip", "-mac.zip", "-linux-x86_64.tar.xz", "-src.tar.xz")),
    ("xonotic", ("0.8.5", "0.8.6"), (".zip", "-source.zip", "-mappingsupport.zip", "-low.zip")),
    ("wesnoth", ("1.16.11", "1.18.0", "1.18.4"), ("-win64.exe", "-osx.dmg", ".tar.bz2", "-x86_64.AppImage")),
)

COMIC = "Pepper & Carrot"
COMIC_LANGUAGES = ("en", "fr", "de", "es", "it", "pt", "ja", "cn", "ru", "eo")
COMIC_EPISODES = 39

FREE_WORKS = Catalogue(FILMS, SERIES, NUMBERED, BOOKS, ALBUMS)
